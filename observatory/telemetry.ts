import { type Signal, signals } from './records/records.ts';

/**
 * What the Observatory knows of itself, as Prometheus metrics (text format 0.0.4). It writes no spans of its own and
 * stores none of this: a viewer that traced itself would look at nothing else.
 */
export interface Telemetry {
  /** Acknowledged to a sender. */
  received(signal: Signal, items: number): void;
  /** On disk. A duplicate counts: what it repeats is there. */
  stored(signal: Signal, items: number): void;
  /** Not taken: rejected as invalid, or sent back because the queue was full. */
  refused(signal: Signal, items: number): void;
  /** Spans that were sent again and stored once. */
  duplicates(spans: number): void;
  /** Acknowledged but given up: the store would not have them. */
  lost(items: number): void;
  /** @param status HTTP's, or the name of gRPC's. */
  answered(protocol: 'http' | 'grpc', signal: Signal | 'none', status: number | string): void;
  /** Seconds. */
  flushed(seconds: number, items: number): void;
  queried(statement: string, seconds: number): void;
  checkpointed(seconds: number): void;
  /** Reads a value at each scrape. */
  gauge(name: string, help: string, read: () => number): void;
  /** The same of a value that only grows. */
  counter(name: string, help: string, read: () => number): void;
  counts(): Record<'received' | 'stored' | 'refused', Record<Signal, number>>;
  /** The metrics as text. */
  text(): string;
}

const bucketsSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Histogram {
  counts: number[];
  sum: number;
  count: number;
}

export function createTelemetry(): Telemetry {
  const items = {
    received: { spans: 0, logs: 0, metrics: 0 },
    stored: { spans: 0, logs: 0, metrics: 0 },
    refused: { spans: 0, logs: 0, metrics: 0 },
  };
  const answers = new Map<string, number>();
  const readings = new Map<string, { type: 'gauge' | 'counter'; help: string; read: () => number }>();
  const queries = new Map<string, Histogram>();
  const flushes = newHistogram();
  const checkpoints = newHistogram();
  let duplicates = 0;
  let lost = 0;

  return {
    received(signal, count) {
      items.received[signal] += count;
    },
    stored(signal, count) {
      items.stored[signal] += count;
    },
    refused(signal, count) {
      items.refused[signal] += count;
    },
    duplicates(count) {
      duplicates += count;
    },
    lost(count) {
      lost += count;
    },
    answered(protocol, signal, status) {
      const labels = `protocol="${protocol}",signal="${signal}",status="${status}"`;
      answers.set(labels, (answers.get(labels) ?? 0) + 1);
    },
    flushed: (seconds) => observe(flushes, seconds),
    checkpointed: (seconds) => observe(checkpoints, seconds),
    queried(statement, seconds) {
      let histogram = queries.get(statement);
      if (!histogram) queries.set(statement, (histogram = newHistogram()));
      observe(histogram, seconds);
    },
    gauge(name, help, read) {
      readings.set(name, { type: 'gauge', help, read });
    },
    counter(name, help, read) {
      readings.set(name, { type: 'counter', help, read });
    },
    counts: () => structuredClone(items),
    text() {
      const lines: string[] = [];
      const metric = (name: string, type: string, help: string, samples: string[]): void => {
        lines.push(`# HELP observatory_${name} ${help}`, `# TYPE observatory_${name} ${type}`);
        for (const sample of samples) lines.push(`observatory_${name}${sample}`);
      };
      for (const [what, help] of [
        ['received', 'Items acknowledged to their sender.'],
        ['stored', 'Items on disk.'],
        ['refused', 'Items not taken: invalid, or sent back because the queue was full.'],
      ] as const) {
        metric(
          `${what}_items_total`,
          'counter',
          help,
          signals.map((signal) => `{signal="${signal}"} ${items[what][signal]}`),
        );
      }
      metric('duplicate_spans_total', 'counter', 'Spans that were sent again and stored once.', [` ${duplicates}`]);
      metric('lost_items_total', 'counter', 'Items acknowledged that the store would not have.', [` ${lost}`]);
      metric(
        'otlp_requests_total',
        'counter',
        'OTLP requests by answer.',
        [...answers].map(([labels, count]) => `{${labels}} ${count}`),
      );
      for (const [name, { type, help, read }] of readings) metric(name, type, help, [` ${read()}`]);
      metric('flush_seconds', 'histogram', 'Writing one batch to the store.', histogramSamples('', flushes));
      metric(
        'checkpoint_seconds',
        'histogram',
        'Moving the write-ahead log into the database file.',
        histogramSamples('', checkpoints),
      );
      metric(
        'query_seconds',
        'histogram',
        'Statements run for questions, waiting for one another included, however they ended.',
        [...queries].flatMap(([statement, histogram]) => histogramSamples(`statement="${statement}"`, histogram)),
      );
      return `${lines.join('\n')}\n`;
    },
  };
}

function newHistogram(): Histogram {
  return { counts: Array.from<number>({ length: bucketsSeconds.length }).fill(0), sum: 0, count: 0 };
}

function observe(histogram: Histogram, seconds: number): void {
  histogram.sum += seconds;
  histogram.count += 1;
  const bucket = bucketsSeconds.findIndex((bound) => seconds <= bound);
  if (bucket >= 0) histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1;
}

function histogramSamples(labels: string, histogram: Histogram): string[] {
  const also = labels === '' ? '' : `${labels},`;
  const only = labels === '' ? '' : `{${labels}}`;
  let below = 0;
  const samples = bucketsSeconds.map((bound, index) => {
    below += histogram.counts[index] ?? 0;
    return `_bucket{${also}le="${bound}"} ${below}`;
  });
  return [
    ...samples,
    `_bucket{${also}le="+Inf"} ${histogram.count}`,
    `_sum${only} ${histogram.sum}`,
    `_count${only} ${histogram.count}`,
  ];
}
