import { type Config, integer, listenSettings, optionalText, optionalUrl, url } from '@hotrod/kit/config';
import { flagSettings } from '@hotrod/kit/flags';

/** Ready links to a trace, by the name of the viewer; anything else in `TRACE_URL` is a template of its own. */
const traceUrls: Readonly<Record<string, string>> = {
  observatory: 'http://127.0.0.1:8088/trace/{traceId}',
  jaeger: 'http://localhost:16686/trace/{traceId}',
  grafana:
    'http://localhost:3000/explore?schemaVersion=1&orgId=1&panes=%7B%22t%22%3A%7B%22datasource%22%3A%22tempo%22%2C%22queries%22%3A%5B%7B%22refId%22%3A%22A%22%2C%22queryType%22%3A%22traceql%22%2C%22query%22%3A%22{traceId}%22%7D%5D%7D%7D',
  honeycomb: 'https://ui.honeycomb.io/trace?trace_id={traceId}',
};

export const settings = {
  ...listenSettings(8080),
  ...flagSettings(),
  customerUrl: url('CUSTOMER_URL', 'http://127.0.0.1:8081', 'where the customer service is'),
  driverUrl: url('DRIVER_URL', 'http://127.0.0.1:8082', 'where the driver service is'),
  routeUrl: url('ROUTE_URL', 'http://127.0.0.1:8083', 'where the route service is'),
  customerTimeoutMs: integer(
    'CUSTOMER_TIMEOUT_MS',
    10_000,
    'how long to wait for the customer service, in milliseconds',
    { min: 1 },
  ),
  driverTimeoutMs: integer('DRIVER_TIMEOUT_MS', 5_000, 'how long to wait for the driver service, in milliseconds', {
    min: 1,
  }),
  routeTimeoutMs: integer('ROUTE_TIMEOUT_MS', 5_000, 'how long to wait for one route, in milliseconds', { min: 1 }),
  // Few enough that the ten routes of one ride already wait for each other. The pool is there for that wait, which a
  // trace shows and the pool's size explains. Enough for about ten dispatches a second (`stack/capacity.ts`).
  routePoolSize: integer('ROUTE_WORKER_POOL_SIZE', 5, 'how many routes may be computed at once, over all dispatches', {
    min: 1,
    max: 1000,
  }),
  routePoolMaxWaitMs: integer(
    'ROUTE_WORKER_POOL_MAX_WAIT_MS',
    2_000,
    'the longest expected wait for a worker, in milliseconds; rides that would wait longer are refused at once',
    { min: 1 },
  ),
  connections: integer('CLIENT_CONNECTIONS', 128, 'how many connections to each service at most', {
    min: 1,
    max: 10_000,
  }),
  traceUrl: optionalText(
    'TRACE_URL',
    `a link to a trace with {traceId} in it, or one of ${Object.keys(traceUrls).join(', ')}`,
  ),
  observatoryUrl: optionalUrl('OBSERVATORY_URL', 'where the Observatory is, for a link to it on the page'),
  otlpEndpoint: url('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:4318', 'where telemetry goes'),
  otlpTracesEndpoint: optionalText('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'where traces go, if not to the above'),
  otlpHeaders: optionalText('OTEL_EXPORTER_OTLP_HEADERS', 'headers of telemetry requests, key=value,…'),
};

export type FrontendConfig = Config<typeof settings>;

/** The link template that `TRACE_URL` stands for. */
export function traceUrlTemplate(setting: string | null): string | null {
  if (setting === null) return null;
  return Object.hasOwn(traceUrls, setting) ? (traceUrls[setting] ?? null) : setting;
}
