import { type Dispatch, seededRandom, traffic } from '../../observatory/store/fixtures/hotrod-traffic.ts';
import { sendTraces } from './otlp-sender.ts';

const usualStatement = 'SELECT customer_id, name, location FROM customers WHERE customer_id = $1';
/** The SQL statement that only the two slow customers get. */
export const slowStatement =
  'SELECT c.customer_id, c.name, c.location FROM customers c JOIN ledger l ON l.customer_id = c.customer_id WHERE c.customer_id = $1 AND l.settled_at IS NULL ORDER BY l.booked_at';

interface JsonSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status: { code: number; message?: string };
  attributes: { key: string; value: Record<string, unknown> }[];
  events?: { timeUnixNano: string; name: string; attributes: JsonSpan['attributes'] }[];
}
type Service = 'frontend' | 'customer' | 'driver' | 'route';

const server = 2;
const client = 3;

/** The spans of each service, and a function that adds one: one trace after another. */
function createTraces(seed: number) {
  const random = seededRandom(seed);
  const spans: Record<Service, JsonSpan[]> = { frontend: [], customer: [], driver: [], route: [] };
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
  const nano = (ms: number): string => String(BigInt(Math.round(ms * 1000)) * 1000n);
  function add(
    service: Service,
    parent: Pick<JsonSpan, 'traceId' | 'spanId'> | null,
    name: string,
    kind: number,
    startMs: number,
    durationMs: number,
    attributes: Dispatch['attributes'] = {},
    error = false,
  ): JsonSpan {
    const span: JsonSpan = {
      traceId: parent?.traceId ?? hex(32),
      spanId: hex(16),
      ...(parent && { parentSpanId: parent.spanId }),
      name,
      kind,
      startTimeUnixNano: nano(startMs),
      endTimeUnixNano: nano(startMs + durationMs),
      status: { code: error ? 2 : 0 },
      attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) })),
    };
    spans[service].push(span);
    return span;
  }
  return { spans, add };
}

function anyValue(value: string | number | boolean): Record<string, unknown> {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/**
 * Sends dispatches that happened, evenly spread, within the `spreadMs` before `untilMs`; half of those of the two
 * customers are slow, by another SQL statement.
 *
 * @returns the trace ids, in order of time.
 */
export async function sendDispatches(
  otlpUrl: string,
  options: { count: number; untilMs: number; spreadMs: number; seed?: number },
): Promise<string[]> {
  const { spans, add } = createTraces(options.seed ?? 1);
  const ids = traffic(options.seed ?? 1, options.count, true).map((dispatch, index) => {
    const { attributes, durationMs, error } = dispatch;
    const start = options.untilMs - options.spreadMs + (index / options.count) * options.spreadMs - durationMs;
    const phase = (name: string): number => Number(attributes[`hotrod.phase.${name}.duration`]) * 1000;
    const entry = add('frontend', null, 'GET /dispatch', server, start, durationMs, attributes, error);
    const customerMs = phase('customer');
    const asked = add('frontend', entry, 'GET', client, start + 0.2, customerMs - 0.4, {
      'server.address': 'customer',
    });
    const answered = add('customer', asked, 'GET /customer', server, start + 1, customerMs - 2, {});
    add('customer', answered, 'SELECT customers', client, start + 2, customerMs - 4, {
      'db.system.name': 'postgresql',
      'db.query.text': customerMs > 1200 ? slowStatement : usualStatement,
    });
    const drivers = add('frontend', entry, 'GET', client, start + customerMs, phase('drivers'), {});
    add('driver', drivers, 'GET /drivers', server, start + customerMs + 1, phase('drivers') - 2, {});
    for (let worker = 0; worker < 3; worker += 1) {
      const routes = start + customerMs + phase('drivers');
      const route = add('frontend', entry, 'GET', client, routes, phase('routes') - worker, {});
      add('route', route, 'GET /route', server, routes + 1, phase('routes') - worker - 2, {});
    }
    return entry.traceId;
  });
  await send(otlpUrl, spans);
  return ids;
}

/** Sends one trace of a root and `count` spans below it, three services taking turns. @returns its id. */
export async function sendLargeTrace(otlpUrl: string, count: number, startMs: number): Promise<string> {
  const { spans, add } = createTraces(99);
  const entry = add('frontend', null, 'reindex', server, startMs, 10_000);
  let parent = entry;
  for (let index = 0; index < count; index += 1) {
    const service = (['customer', 'driver', 'route'] as const)[index % 3] ?? 'route';
    const span = add(service, index % 50 === 0 ? entry : parent, `step ${index}`, client, startMs + index, 5, {
      index,
    });
    if (index % 10 === 0) parent = span;
  }
  await send(otlpUrl, spans);
  return entry.traceId;
}

const batch = 2000;

async function send(otlpUrl: string, spans: Record<Service, JsonSpan[]>): Promise<void> {
  for (const [service, all] of Object.entries(spans)) {
    for (let from = 0; from < all.length; from += batch) {
      const resource = { attributes: [{ key: 'service.name', value: { stringValue: service } }] };
      const scopeSpans = [{ scope: { name: 'synthetic' }, spans: all.slice(from, from + batch) }];
      await sendTraces(otlpUrl, { resourceSpans: [{ resource, scopeSpans }] });
    }
  }
}

/** Waits until as many traces, and all that was acknowledged of them, are stored, or throws after a minute. */
export async function waitForTraces(url: string, traces: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const response = await fetch(`${url}/api/status`);
    const status = (await response.json()) as { traces: number; queue: { items: number } };
    // A trace counts from its first span on.
    if (status.traces >= traces && status.queue.items === 0) return;
    if (Date.now() > deadline) throw new Error(`${status.traces} of ${traces} traces were stored within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
