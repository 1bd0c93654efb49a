import { isIP } from 'node:net';

/**
 * A check whether a `Host` header names this Observatory: by localhost, an IP address, a name without a dot, or one of
 * `hosts`, of which `*` is any. A page of a stranger that gives its own name the address of this machine (DNS rebinding)
 * is of its own origin then, so that nothing but the name in what its browser sends tells it from ours.
 */
export function createHostCheck(hosts: readonly string[]): (host: string | undefined) => boolean {
  const known = new Set(hosts.map((host) => host.toLowerCase()));
  return (host = '') => {
    const name = host
      .toLowerCase()
      .replace(/:\d+$/, '')
      .replace(/^\[(.*)\]$/, '$1');
    return !name.includes('.') || name.endsWith('.localhost') || isIP(name) !== 0 || known.has('*') || known.has(name);
  };
}
