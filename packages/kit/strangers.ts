import type { RequestHandler } from 'express';

import { ServiceError } from './errors.ts';
import { createHostCheck, describeUnknownHost } from './host-names.ts';

/**
 * Refuses what pages of strangers make a browser send: requests under a name that is not ours (DNS rebinding), and those
 * that a page of another site causes (`<img src="http://localhost:8080/dispatch?…">`, forms, fetch without CORS).
 *
 * A browser says in `Sec-Fetch-Site` whose page a request comes from (https://www.w3.org/TR/fetch-metadata/). Other
 * programs say nothing there, and are no danger: no stranger's page steers them.
 *
 * @param hosts names besides those of {@link createHostCheck} under which requests may come; `*` for any.
 * @param pages paths that links of other sites may lead to.
 */
export function refuseStrangers(hosts: readonly string[], pages: readonly string[]): RequestHandler {
  const isOurName = createHostCheck(hosts);
  return (request, _response, next) => {
    const { host } = request.headers;
    if (!isOurName(host)) {
      throw new ServiceError('misdirected_request', describeUnknownHost('This service', host, 'ALLOWED_HOSTS'));
    }
    if (
      request.get('sec-fetch-site') === 'cross-site' &&
      !(isLinkFollowed(request.headers) && pages.includes(request.path))
    )
      throw new ServiceError('forbidden', 'A page of another site may not send this request.');
    next();
  };
}

/** Whether a person follows a link in a window of its own, as opposed to a frame, an image or a script of a page. */
function isLinkFollowed(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  return headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
}

/**
 * Whether a browser says that a page of another origin causes a request. A page on another port of this machine counts,
 * although it is of the same site. A request that no page causes (an address that a person types, another program) does
 * not count.
 */
export function isFromOtherOrigin(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

/**
 * Whether a page of this very server sent a request: its origin is the host that the request is for. Behind a proxy that
 * ends TLS the scheme differs, so it is not looked at.
 */
export function isFromOwnPage(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  const { host, origin } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  const own = URL.parse(`http://${String(host)}`)?.host;
  return typeof origin === 'string' && own !== undefined && URL.parse(origin)?.host === own;
}
