import { ServiceError } from '@hotrod/kit/errors';
import { sendProblem } from '@hotrod/kit/server';
import { isFromOtherOrigin } from '@hotrod/kit/strangers';
import type { Express } from 'express';

import { foreignId } from './order.ts';
import type { RideFeed } from './ride-feed.ts';

/** How much may wait for a reader, in bytes: some seconds of the busiest frontend. A reader further behind is dropped. */
const mostUnreadBytes = 128 * 1024;

/** After how long a page whose stream has ended opens it again, in milliseconds. */
const reconnectMs = 500;

/**
 * `GET /events?client=ID`: all rides of this process as server-sent events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html), for our own page alone. An endless answer has no place
 * in traces and metrics: `packages/telemetry/sdk.ts` leaves this path out.
 */
export function eventRoutes(feed: RideFeed): (app: Express) => void {
  return (app) => {
    app.get('/events', (request, response) => {
      if (isFromOtherOrigin(request.headers))
        throw new ServiceError('forbidden', 'Only the page that this service serves may follow the rides.');
      const clientId = foreignId.safeParse(request.query['client']).data ?? null;
      // Nothing is sent before it is certain that the answer is a stream.
      let open = false;
      const first: string[] = [];
      const subscription = feed.subscribe({
        clientId,
        send(name, data) {
          const text = `event: ${name}\ndata: ${data}\n\n`;
          if (!open) first.push(text);
          else response.write(text);
          return response.writableLength <= mostUnreadBytes;
        },
        end: () => (response.writableLength > mostUnreadBytes ? response.destroy() : response.end()),
      });
      if (subscription === 'full')
        throw new ServiceError('too_many_requests', 'Too many pages follow the rides already.', {
          retryAfterSeconds: 10,
        });
      if (subscription === 'leaving') {
        // Every page gets this answer at every release, so a log should not report it as a failure.
        response.set('connection', 'close');
        sendProblem(
          response,
          new ServiceError('unavailable', 'This process ends; the one that follows tells of the rides.', {
            retryAfterSeconds: 1,
          }),
        );
        return;
      }
      open = true;
      response.once('close', subscription);
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        // nginx, as an ingress, would keep events until it has enough of them.
        'x-accel-buffering': 'no',
        // The connection ends with the stream, so that a server that closes need not wait for another request on it.
        connection: 'close',
      });
      if (request.method === 'HEAD') response.end();
      else response.write(`retry: ${reconnectMs}\n\n${first.join('')}`);
    });
  };
}
