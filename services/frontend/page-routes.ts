import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Logger } from '@hotrod/kit/logging';
import express, { type Express } from 'express';

import { documentTraceparent } from './telemetry.ts';

/** What the page may load and ask: itself, and nothing else. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const placeholder = '<meta name="traceparent" content="" />';

/** The built page. */
export function pageRoutes(options: { directory: string; logger: Logger }): (app: Express) => void {
  const { directory, logger } = options;
  const html = readFileSync(join(directory, 'index.html'), 'utf8');
  const [head, ...tail] = html.split(/<meta name="traceparent" content=""\s*\/?>/);
  if (tail.length !== 1) logger.warn(`index.html holds no ${placeholder}: the page's spans will not join the server's`);

  return (app) => {
    app.get('/', (_request, response) => {
      const traceparent = documentTraceparent();
      const meta = traceparent ? `<meta name="traceparent" content="${traceparent}" />` : '';
      response
        .set({
          'content-security-policy': contentSecurityPolicy,
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'cache-control': 'no-store',
        })
        .type('html')
        .send(tail.length === 1 ? `${head}${meta}${tail[0]}` : html);
    });
    app.use('/assets', express.static(join(directory, 'assets'), { immutable: true, maxAge: '1y', fallthrough: true }));
  };
}
