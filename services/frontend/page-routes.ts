import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ServiceError } from '@hotrod/kit/errors';
import type { Logger } from '@hotrod/kit/logging';
import express, { type Express } from 'express';
import { request as send } from 'undici';

import { documentTraceparent } from './telemetry.ts';

/** Where the page's own spans go: the traces endpoint of whatever this service's own telemetry goes to. */
export interface SpanSink {
  url: string;
  headers: Readonly<Record<string, string>>;
}

/** What the page may load and ask: itself, and nothing else. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const placeholder = '<meta name="traceparent" content="" />';

/**
 * The built page, and `POST /v1/traces` for the page's spans: they leave through this origin, so that a browser needs to
 * reach no other, and no backend's key gets into a page.
 */
export function pageRoutes(options: { directory: string; spanSink: SpanSink; logger: Logger }): (app: Express) => void {
  const { directory, spanSink, logger } = options;
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
    app.post(
      '/v1/traces',
      express.raw({ type: ['application/json', 'application/x-protobuf'], limit: '512kb' }),
      async (request, response) => {
        const body: unknown = request.body;
        if (!Buffer.isBuffer(body))
          throw new ServiceError('invalid_argument', 'Send OTLP as application/json or application/x-protobuf.');
        response.status(await forward(spanSink, request.get('content-type') ?? 'application/json', body)).json({});
      },
    );
  };
}

/**
 * @returns the backend's HTTP status, or 503 where there is none: no error, because whether telemetry arrives is told
 *   once, elsewhere, and not with every ride.
 */
async function forward(sink: SpanSink, contentType: string, body: Buffer): Promise<number> {
  try {
    const answer = await send(sink.url, {
      method: 'POST',
      headers: { ...sink.headers, 'content-type': contentType },
      body,
      signal: AbortSignal.timeout(5_000),
    });
    await answer.body.dump();
    return answer.statusCode;
  } catch {
    return 503;
  }
}
