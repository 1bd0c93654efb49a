/**
 * Synthetic telemetry like HotROD's, encoded as an exporter would: four services, 20 spans a ride, about 17 attributes a
 * span, two customers slow half of the time. Seeded, so that two runs store the same.
 */
export interface RideOptions {
  seed: number;
  /** Unix milliseconds of the first ride. */
  startMs: number;
  ridesPerSecond: number;
}

export const spansPerRide = 20;

const customers = Array.from({ length: 32 }, (_, index) => ({
  id: 10_000 + index * 137,
  name: `Customer ${index} of the town`,
}));
const slowCustomers = new Set([customers[7]?.id, customers[21]?.id]);

type Value = string | number | boolean;

/** Bytes that grow. */
function createWriter() {
  let bytes = Buffer.allocUnsafe(1 << 20);
  let length = 0;
  const room = (size: number): void => {
    if (length + size <= bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(bytes.length * 2, length + size));
    bytes.copy(larger, 0, 0, length);
    bytes = larger;
  };
  const writer = {
    byte(value: number) {
      room(1);
      bytes[length] = value;
      length += 1;
    },
    varint(value: number) {
      let rest = value;
      while (rest > 127) {
        writer.byte((rest % 128) + 128);
        rest = Math.floor(rest / 128);
      }
      writer.byte(rest);
    },
    string(tag: number, text: string) {
      writer.byte(tag);
      const size = Buffer.byteLength(text);
      writer.varint(size);
      room(size);
      length += bytes.write(text, length);
    },
    bytes(tag: number, hex: string) {
      writer.byte(tag);
      writer.varint(hex.length / 2);
      room(hex.length / 2);
      length += bytes.write(hex, length, 'hex');
    },
    fixed64(tag: number, value: bigint) {
      writer.byte(tag);
      room(8);
      length = bytes.writeBigUInt64LE(value, length);
    },
    double(tag: number, value: number) {
      writer.byte(tag);
      room(8);
      length = bytes.writeDoubleLE(value, length);
    },
    /** A message whose length is not known before: it is moved up by the bytes that its length takes. */
    message(tag: number, write: () => void) {
      writer.byte(tag);
      const start = length;
      write();
      const size = length - start;
      const head: number[] = [];
      for (let rest = size; ; rest = Math.floor(rest / 128)) {
        head.push(rest > 127 ? (rest % 128) + 128 : rest);
        if (rest <= 127) break;
      }
      room(head.length);
      bytes.copy(bytes, start + head.length, start, length);
      for (const [index, byte] of head.entries()) bytes[start + index] = byte;
      length += head.length;
    },
    take(): Buffer {
      const taken = Buffer.from(bytes.subarray(0, length));
      length = 0;
      return taken;
    },
  };
  return writer;
}

type Writer = ReturnType<typeof createWriter>;

function attribute(writer: Writer, tag: number, key: string, value: Value): void {
  writer.message(tag, () => {
    writer.string(0x0a, key);
    writer.message(0x12, () => {
      if (typeof value === 'string') writer.string(0x0a, value);
      else if (typeof value === 'boolean') {
        writer.byte(0x10);
        writer.byte(value ? 1 : 0);
      } else if (Number.isInteger(value)) {
        writer.byte(0x18);
        writer.varint(value);
      } else writer.double(0x21, value);
    });
  });
}

interface Span {
  service: number;
  traceId: string;
  spanId: string;
  parentId: string | null;
  name: string;
  kind: number;
  startNs: bigint;
  durationNs: number;
  error: boolean;
  attributes: [string, Value][];
}

const services = ['frontend', 'customer', 'driver', 'route'] as const;

/** Mulberry32: a small seeded generator of numbers from 0 to 1. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Export requests, one for each service and call, for `rides` rides at a time. */
export function createRides(options: RideOptions): { requests(rides: number): { body: Buffer; spans: number }[] } {
  const random = createRandom(options.seed);
  const writer = createWriter();
  let ride = 0;
  const hex = (digits: number): string => {
    let text = '';
    while (text.length < digits)
      text += Math.floor(random() * 0x1_0000_0000)
        .toString(16)
        .padStart(8, '0');
    return text.slice(0, digits);
  };
  const normal = (mean: number, deviation: number): number => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return Math.max(0.1, mean + deviation * radius * Math.cos(2 * Math.PI * random()));
  };

  function spansOfRide(): Span[] {
    const startMs = options.startMs + (ride * 1000) / options.ridesPerSecond;
    ride += 1;
    const traceId = hex(32);
    const customer = customers[Math.floor(random() * customers.length)] ?? { id: 0, name: '' };
    const slow = slowCustomers.has(customer.id) && random() < 0.5;
    const client = `client-${Math.floor(random() * 40)}`;
    const session = `session-${Math.floor(random() * 400)}`;
    const sqlMs = slow ? normal(2000, 200) : normal(400, 40);
    const driversMs = normal(180, 20);
    const routesMs = normal(200, 30);
    const spans: Span[] = [];
    const common: [string, Value][] = [
      ['session.id', session],
      ['hotrod.customer.name', customer.name],
      ['hotrod.request.id', `${client}-${ride}`],
      ['hotrod.client.id', client],
      ['network.protocol.version', '1.1'],
      ['user_agent.original', 'bench/1.0 (rides, like those of a browser)'],
      ['thread.id', Math.floor(random() * 8)],
      ['url.scheme', 'http'],
      ['code.function.name', 'handle'],
    ];
    const add = (
      service: number,
      parentId: string | null,
      name: string,
      kind: number,
      atMs: number,
      ms: number,
      attributes: [string, Value][],
      error = false,
    ): string => {
      const spanId = hex(16);
      spans.push({
        service,
        traceId,
        spanId,
        parentId,
        name,
        kind,
        startNs: BigInt(Math.round((startMs + atMs) * 1000)) * 1000n,
        durationNs: Math.round(ms * 1e6),
        error,
        attributes: [...attributes, ...common],
      });
      return spanId;
    };
    const http = (method: string, route: string, port: number, status = 200): [string, Value][] => [
      ['http.request.method', method],
      ['http.route', route],
      ['url.path', route],
      ['http.response.status_code', status],
      ['server.address', '127.0.0.1'],
      ['server.port', port],
    ];
    const root = add(0, null, 'GET /dispatch', 2, 0, sqlMs + driversMs + routesMs + 20, [
      ...http('GET', '/dispatch', 8080),
      ['hotrod.customer.id', customer.id],
      ['hotrod.driver.id', `T7${Math.floor(random() * 1e5)}C`],
      ['hotrod.ride.eta', normal(300, 90)],
    ]);
    const toCustomer = add(0, root, 'GET', 3, 1, sqlMs + 8, http('GET', '/customer', 8081));
    const atCustomer = add(1, toCustomer, 'GET /customer', 2, 3, sqlMs + 4, [
      ...http('GET', '/customer', 8081),
      ['hotrod.customer.id', customer.id],
    ]);
    add(1, atCustomer, 'SELECT customer', 3, 4, sqlMs, [
      ['db.system.name', 'postgresql'],
      [
        'db.query.text',
        `SELECT id, name, location FROM customer WHERE id = ${customer.id}${slowCustomers.has(customer.id) ? ' AND pg_sleep(2) IS NOT NULL' : ''}`,
      ],
      ['db.namespace', 'hotrod'],
    ]);
    const toDriver = add(0, root, 'GET', 3, sqlMs + 10, driversMs, http('GET', '/drivers', 8082));
    const atDriver = add(2, toDriver, 'GET /drivers', 2, sqlMs + 11, driversMs - 2, http('GET', '/drivers', 8082));
    for (let index = 0; index < 6; index += 1) {
      const failed = random() < 0.15;
      add(
        2,
        atDriver,
        'SELECT driver',
        3,
        sqlMs + 14 + index * 25,
        failed ? 30 : normal(10, 2.5),
        [
          ['db.system.name', 'postgresql'],
          ['db.query.text', 'SELECT id, location FROM driver WHERE id = $1'],
          ['db.namespace', 'hotrod'],
          ...(failed ? ([['error.type', 'timeout']] as [string, Value][]) : []),
        ],
        failed,
      );
    }
    for (let index = 0; index < 4; index += 1) {
      const call = add(0, root, 'GET', 3, sqlMs + driversMs + 14 + index * 40, 52, http('GET', '/route', 8083));
      add(3, call, 'GET /route', 2, sqlMs + driversMs + 16 + index * 40, normal(47, 12), [
        ...http('GET', '/route', 8083),
        ['hotrod.route.eta', normal(200, 60)],
      ]);
    }
    return spans;
  }

  function encode(service: number, spans: Span[]): Buffer {
    writer.message(0x0a, () => {
      writer.message(0x0a, () => {
        attribute(writer, 0x0a, 'service.name', services[service] ?? '');
        attribute(writer, 0x0a, 'service.version', '1.4.2');
        attribute(writer, 0x0a, 'host.name', 'bench-host');
        attribute(writer, 0x0a, 'process.pid', 4_000 + service);
        attribute(writer, 0x0a, 'telemetry.sdk.language', 'nodejs');
      });
      writer.message(0x12, () => {
        writer.message(0x0a, () => writer.string(0x0a, '@opentelemetry/instrumentation-http'));
        for (const span of spans) {
          writer.message(0x12, () => {
            writer.bytes(0x0a, span.traceId);
            writer.bytes(0x12, span.spanId);
            if (span.parentId) writer.bytes(0x22, span.parentId);
            writer.string(0x2a, span.name);
            writer.byte(0x30);
            writer.byte(span.kind);
            writer.fixed64(0x39, span.startNs);
            writer.fixed64(0x41, span.startNs + BigInt(span.durationNs));
            for (const [key, value] of span.attributes) attribute(writer, 0x4a, key, value);
            if (span.error)
              writer.message(0x7a, () => {
                writer.byte(0x18);
                writer.byte(2);
              });
          });
        }
      });
    });
    return writer.take();
  }

  return {
    requests(rides) {
      const byService: Span[][] = services.map(() => []);
      for (let index = 0; index < rides; index += 1)
        for (const span of spansOfRide()) byService[span.service]?.push(span);
      return byService.map((spans, service) => ({ body: encode(service, spans), spans: spans.length }));
    },
  };
}
