import { ServiceError } from '@hotrod/kit/errors';
import { createRateLimit } from '@hotrod/kit/rate-limit';
import { isFromOwnPage } from '@hotrod/kit/strangers';
import express, { type Express } from 'express';
import { request as send } from 'undici';
import { z } from 'zod';

/** Where the page's own spans go: the traces endpoint of whatever this service's own telemetry goes to. */
export interface SpanSink {
  url: string;
  headers: Readonly<Record<string, string>>;
}

/** The `service.name` of the rides page (page/tracing.ts). */
const pageService = 'hotrod-page';

/** The largest request. A page sends a few spans a second; its first request holds those of its loading. */
const largestBody = '256kb';

/** How much all pages together may send. A hundred of them send once a second each while rides are ordered. */
const limits = { requestsPerSecond: 100, bytesPerSecond: 1_000_000, underWay: 50 };

const isPageName = z.strictObject({
  key: z.literal('service.name'),
  value: z.strictObject({ stringValue: z.literal(pageService) }),
});
const otherAttribute = z.looseObject({ key: z.string().refine((key) => key !== 'service.name') });

/**
 * An OTLP/JSON request that holds spans of the page and nothing else. The objects down to the resource are strict: a
 * second spelling of a field (`resource_spans`) would pass this check and be read by a backend.
 */
const pageSpans = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.looseObject({
        attributes: z
          .array(z.union([isPageName, otherAttribute]))
          .refine((attributes) => attributes.some(({ key }) => key === 'service.name')),
      }),
      scopeSpans: z.array(z.looseObject({})),
      schemaUrl: z.string().optional(),
    }),
  ),
});

/**
 * `POST /v1/traces` for the page's spans: they leave through this origin, so that a browser needs to reach no other, and
 * no backend's key gets into a page. Since they leave with that key, nobody else's are taken: the request has to come
 * from our page, hold spans of our page alone, and fit the limits above.
 */
export function spanRelay(sink: SpanSink, own: typeof limits = limits): (app: Express) => void {
  const requests = createRateLimit(own.requestsPerSecond, own.requestsPerSecond);
  const bytes = createRateLimit(own.bytesPerSecond, 2 * own.bytesPerSecond);
  let underWay = 0;
  return (app) => {
    app.post(
      '/v1/traces',
      (request, _response, next) => {
        if (!isFromOwnPage(request.headers))
          throw new ServiceError('forbidden', 'Only spans of the page that this service serves are taken here.');
        if (!requests.take(1) || underWay >= own.underWay)
          throw new ServiceError('too_many_requests', 'Too many spans come at once.');
        next();
      },
      express.json({ limit: largestBody, strict: true }),
      async (request, response) => {
        const parsed = pageSpans.safeParse(request.body);
        if (!parsed.success)
          throw new ServiceError('invalid_argument', `Send OTLP as JSON, with spans of ${pageService} alone.`);
        // Written anew, so that a backend reads exactly what was checked here.
        const body = JSON.stringify(parsed.data);
        if (!bytes.take(body.length)) throw new ServiceError('too_many_requests', 'Too many spans come at once.');
        underWay += 1;
        try {
          response.status(await forward(sink, body)).json({});
        } finally {
          underWay -= 1;
        }
      },
    );
  };
}

/**
 * @returns the backend's HTTP status, or 503 if there is none. That is no error, because whether telemetry arrives is
 *   told once, elsewhere, and not with every ride.
 */
async function forward(sink: SpanSink, body: string): Promise<number> {
  try {
    const answer = await send(sink.url, {
      method: 'POST',
      headers: { ...sink.headers, 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(5_000),
    });
    await answer.body.dump();
    return answer.statusCode;
  } catch {
    return 503;
  }
}
