/** What those pages have in common that a server makes whole at each request, with one style and one script each. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { createHostCheck, describeUnknownHost } from './host-names.ts';
import { html, raw } from './html.ts';

/** Something that a page loads. */
export interface Asset {
  type: string;
  content: Buffer;
}

/**
 * Reads a page's `page.css`, behind the tokens and the rules that all these pages share, and its `page.js`.
 *
 * @param module `import.meta.url` of the module that they stand beside.
 */
export function readAssets(module: string): { 'page.css': Asset; 'page.js': Asset } {
  const shared = ['./tokens.css', './small-page.css'].map((path) => readFileSync(new URL(path, import.meta.url)));
  const own = (name: string) => readFileSync(new URL(name, module));
  return {
    'page.css': { type: 'text/css; charset=utf-8', content: Buffer.concat([...shared, own('page.css')]) },
    'page.js': { type: 'text/javascript; charset=utf-8', content: own('page.js') },
  };
}

/** Answers one request. */
export type Send = (status: number, type: string, body: string | Buffer, more?: Record<string, string>) => void;

/**
 * @param options.hasForms whether the page sends forms to its own server. A browser tells it then whose form it is: with
 *   `no-referrer` the `Origin` would be `null`.
 * @returns a function that answers with headers which let a page load what is its own and nothing else.
 */
export function createSend(
  request: IncomingMessage,
  response: ServerResponse,
  { hasForms }: { hasForms: boolean },
): Send {
  return (status, type, body, more = {}) => {
    const content = Buffer.from(body);
    response.writeHead(status, {
      'content-security-policy': `default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action ${hasForms ? "'self'" : "'none'"}; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': hasForms ? 'same-origin' : 'no-referrer',
      'cache-control': 'no-store',
      ...more,
      'content-type': type,
      'content-length': content.length,
    });
    response.end(request.method === 'HEAD' ? undefined : content);
  };
}

/**
 * Makes the guard of a page against names that are not its server's: see {@link createHostCheck}.
 *
 * @param hosts further names, without port, as the setting ALLOWED_HOSTS has them.
 * @returns a function that answers a request under any other name. It tells whether it did.
 */
export function createHostGuard(hosts: readonly string[]): (request: IncomingMessage, send: Send) => boolean {
  const isOurs = createHostCheck(hosts);
  return ({ headers: { host } }, send) => {
    if (isOurs(host)) return false;
    const sentence = describeUnknownHost('This server', host, 'ALLOWED_HOSTS');
    send(421, 'text/plain; charset=utf-8', `${sentence}\n`);
    return true;
  };
}

/**
 * A whole document.
 *
 * @param assets the path under which the page's {@link readAssets} are served.
 * @param body HTML.
 */
export function renderDocument(assets: string, title: string, body: string): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="${assets}/page.css" />
        <script type="module" src="${assets}/page.js"></script>
      </head>
      <body>
        ${raw(body)}
      </body>
    </html>`;
}
