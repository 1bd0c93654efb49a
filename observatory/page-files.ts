import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import express, { type Express, type Response } from 'express';

/** What the page may load and ask: itself, and nothing else. Styles are set from scripts by element, not by text. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const documentHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // The document names the assets of one build; an old one would name files that are gone.
  'cache-control': 'no-cache',
};

/**
 * Serves the built page: its assets, whose names carry a hash of their content, for good; and its document at every
 * address that is neither the API's nor a file's, because the page's own addresses are its state.
 *
 * @param basePath of a proxy before it, for example `/observatory`; '' without one.
 */
export function pageFiles(app: Express, directory: string, basePath: string): void {
  const file = join(directory, 'index.html');
  app.use(
    '/assets',
    express.static(join(directory, 'assets'), { immutable: true, maxAge: '1y', index: false, setHeaders: noSniff }),
  );
  app.use(express.static(directory, { index: false, maxAge: '1h', setHeaders: noSniff }));
  app.get('/{*path}', (request, response, next) => {
    const reserved = /^\/(api|1|assets|v1|metrics|healthz|readyz|runbooks)(\/|$)/.test(request.path);
    if (reserved || /\.[a-z0-9]+$/i.test(request.path) || !existsSync(file)) {
      next();
      return;
    }
    response
      .set(documentHeaders)
      .type('html')
      .send(documentUnder(basePath, readFileSync(file, 'utf8')));
  });
}

/** The document with its own files and its path as a browser behind the proxy knows them. */
function documentUnder(basePath: string, html: string): string {
  return html
    .replaceAll(/(?<= (?:src|href)=")\.\//g, `${basePath}/`)
    .replace('<meta name="base-path" content=""', `<meta name="base-path" content="${basePath}"`);
}

function noSniff(response: Response): void {
  response.set('x-content-type-options', 'nosniff');
}
