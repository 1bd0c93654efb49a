import { isIP } from 'node:net';

/** Ends of names that no stranger can have registered: a machine's own, and those inside a Kubernetes cluster. */
const privateSuffixes = ['.localhost', '.svc', '.cluster.local'];

/**
 * A check whether a `Host` header names this server: by localhost, an IP address, a name without a dot (as containers
 * and pods call each other), a name inside a cluster, or one of `hosts`, of which `*` is any. A page of a stranger that
 * gives its own name the address of this machine (DNS rebinding) is of its own origin then, so that nothing but the name
 * in what its browser sends tells it from ours.
 */
export function createHostCheck(hosts: readonly string[]): (host: string | undefined) => boolean {
  const known = new Set(hosts.map((host) => host.toLowerCase()));
  return (host = '') => {
    const name = host
      .toLowerCase()
      .replace(/:\d+$/, '')
      .replace(/^\[(.*)\]$/, '$1')
      .replace(/\.$/, '');
    return (
      !name.includes('.') ||
      privateSuffixes.some((suffix) => name.endsWith(suffix)) ||
      isIP(name) !== 0 ||
      known.has('*') ||
      known.has(name)
    );
  };
}

/**
 * What a request is told whose `Host` header {@link createHostCheck} refuses: the name, and what to do.
 *
 * @param setting where further names are set, for example `ALLOWED_HOSTS`.
 */
export function describeUnknownHost(server: string, host: string | undefined, setting: string): string {
  return `${server} does not know itself by the name "${host?.slice(0, 100)}". Use localhost or an IP address, or, if that is a name of yours, put it into ${setting}.`;
}
