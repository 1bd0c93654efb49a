import { isIP } from 'node:net';

/** Ends of names that no stranger can have registered: a machine's own, and those inside a Kubernetes cluster. */
const privateSuffixes = ['.localhost', '.svc', '.cluster.local'];

/**
 * A check whether a `Host` header names this server: by localhost, an IP address, a name without a dot (as containers
 * and pods call each other), a name inside a cluster, or one of `hosts`, of which `*` is any. A stranger's page may give
 * its own name the address of this machine (DNS rebinding). To the browser, that page and this server are then of one
 * origin. Only the name in the browser's requests tells that page from ours.
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
 * The answer to a request whose `Host` header {@link createHostCheck} refuses: the name, and what to do.
 *
 * @param setting where further names are set, for example `ALLOWED_HOSTS`.
 */
export function describeUnknownHost(server: string, host: string | undefined, setting: string): string {
  return `${server} does not know itself by the name "${host?.slice(0, 100)}". Use localhost or an IP address, or, if that is a name of yours, put it into ${setting}.`;
}
