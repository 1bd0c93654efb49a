import { isObject, type JsonPlace, oneLine, requestJson, unexpected } from '../request.ts';
import type { Dispatch } from './dispatches.ts';
import {
  type DispatchSource,
  mostDispatches,
  releaseAttribute,
  type ReleasedService,
  type Versions,
} from './source.ts';

/** What the Collector makes of dispatches: `spanmetrics/dispatches` in otel-collector/config.yaml. */
const callsMetric = 'hotrod_dispatch_calls_total';
const bucketMetric = 'hotrod_dispatch_duration_seconds_bucket';
const isDispatch = 'service_name="frontend",http_route="/dispatch"';

/**
 * The longest time whose scrapes are read one by one, milliseconds: what {@link mostDispatches} takes at 5 a second. If
 * the time is longer, only its last part is read.
 */
const longestMs = 20 * 60_000;
/** A series that has no scrape so long before the time in question did not exist then, and began at zero, milliseconds. */
const lookBehindMs = 60_000;
/** How far back to look for a release, and in which steps, seconds; further only if nothing is found. */
const lookBack = [
  { rangeS: 15 * 60, stepS: 5 },
  { rangeS: 2 * 3_600, stepS: 30 },
  { rangeS: 24 * 3_600, stepS: 300 },
  { rangeS: 7 * 24 * 3_600, stepS: 1_800 },
];
/** How long Prometheus may evaluate, and how long to wait for it. */
const evaluationS = 20;
const answerMs = 30_000;
const mostBytes = 32 * 1024 * 1024;
/** The fractional part of the golden ratio: its multiples spread evenly over 0 to 1, however many there are. */
const goldenStep = (Math.sqrt(5) - 1) / 2;

/**
 * Dispatches as a Prometheus tells them that scrapes the Collector: counted by customer, release, status and bucket of
 * duration. A dispatch begins, for this source, at the scrape that counts it first, and its duration is somewhere in its
 * bucket, so that only the bounds of buckets ({@link DispatchSource.limitsMs}) part slow from quick exactly.
 *
 * The scrapes are asked for as they are (an instant query of a range) and subtracted here: `increase()` would extrapolate to
 * fractions of dispatches, and leave out the first one of a series, such as a customer's first error.
 *
 * @param url of its API.
 * @param signal ends every question.
 */
export function createPrometheusSource(url: string, signal: AbortSignal): DispatchSource {
  const place: JsonPlace = { url, maxBytes: mostBytes, timeoutMs: answerMs, signal };
  const limits = new Set<number>();

  async function ask(query: string, atMs: number): Promise<Series[]> {
    const parameters = { query, time: String(atMs / 1000), timeout: `${evaluationS}s` };
    const answer = await requestJson(place, 'GET', `api/v1/query?${new URLSearchParams(parameters).toString()}`);
    const { status, json } = answer;
    if (isObject(json) && json['status'] === 'error') {
      const said = oneLine(`${String(json['errorType'])}: ${String(json['error'])}`).slice(0, 300);
      throw new Error(`Prometheus at ${new URL(url).origin} answered ${status}: ${said}`);
    }
    if (status !== 200 || !isObject(json) || json['status'] !== 'success') throw unexpected(place, answer);
    return seriesOf(json['data']);
  }

  async function counted(selector: string, fromMs: number, toMs: number): Promise<Count[]> {
    const seconds = Math.ceil((toMs - fromMs + lookBehindMs) / 1000);
    const series = await ask(`${bucketMetric}{${selector}}[${seconds}s]`, toMs);
    const first = Math.min(...series.map(({ samples }) => samples[0]?.atMs ?? Infinity));
    for (const { labels } of series) {
      const bound = Number(labels['le']);
      if (Number.isFinite(bound)) limits.add(bound * 1000);
    }
    return countsOf(series, first).filter(({ atMs }) => atMs > fromMs);
  }

  /** @throws Error if the Collector has counted something within this time without saying whose it is. */
  async function refuseOverflow(fromMs: number, toMs: number): Promise<void> {
    const seconds = Math.ceil((toMs - fromMs) / 1000);
    const series = await ask(`${callsMetric}{otel_metric_overflow="true"}[${seconds}s]`, toMs);
    const first = Math.min(...series.map(({ samples }) => samples[0]?.atMs ?? Infinity));
    const lost = series
      .flatMap(({ samples }) => increasesOf(samples, first))
      .reduce((sum, [, count]) => sum + count, 0);
    if (lost === 0) return;
    throw new Error(
      `The Collector counts ${lost} dispatches without their release: there are more combinations of customers and ` +
        'releases than aggregation_cardinality_limit of spanmetrics/dispatches allows',
    );
  }

  return {
    name: `prometheus ${new URL(url).origin}`,
    async dispatches(versions, givenFromMs, toMs, unclaimed) {
      const fromMs = Math.max(givenFromMs, toMs - longestMs);
      if (toMs <= fromMs) return [];
      const counts = await counted(servedBy(versions), fromMs, toMs);
      if (unclaimed) counts.push(...(await counted(servedByNobody(versions), fromMs, toMs)));
      await refuseOverflow(fromMs, toMs);
      return dispatchesOf(counts, url);
    },
    async releases(service, fromMs, toMs) {
      const label = labelOf(service);
      for (const { rangeS, stepS } of lookBack) {
        const seconds = Math.ceil(Math.min(rangeS, (toMs - fromMs) / 1000));
        const sum = `(sum by (${label}) (${callsMetric}{${isDispatch},${label}!=""}))[${seconds}s:${stepS}s]`;
        const releases = (await ask(sum, toMs)).flatMap(({ labels, samples }) => {
          const version = labels[label] ?? '';
          const last = samples.findLast(({ value }, index) => value > (samples[index - 1]?.value ?? Infinity));
          return last && isVersion(version) ? [{ version, lastMs: last.atMs }] : [];
        });
        if (releases.length > 0 || seconds < rangeS) return releases.toSorted((a, b) => b.lastMs - a.lastMs);
      }
      return [];
    },
    compareLink: () => null,
    limitsMs: () => [...limits].toSorted((a, b) => a - b),
  };
}

function labelOf(service: ReleasedService): string {
  return releaseAttribute(service).replaceAll('.', '_');
}

function servedBy(versions: Versions): string {
  const served = Object.entries(versions) as [ReleasedService, string][];
  return [isDispatch, ...served.map(([service, version]) => `${labelOf(service)}=${JSON.stringify(version)}`)].join();
}

/** Those that failed before any of the services said its release. */
function servedByNobody(versions: Versions): string {
  const services = Object.keys(versions) as ReleasedService[];
  return [isDispatch, 'status_code="STATUS_CODE_ERROR"', ...services.map((service) => `${labelOf(service)}=""`)].join();
}

/** One release, and not several that served one dispatch together ("1, 2"). */
function isVersion(text: string): boolean {
  return /^[\w.+-]{1,64}$/.test(text);
}

interface Series {
  labels: Partial<Record<string, string>>;
  samples: { atMs: number; value: number }[];
}

/** @throws Error for anything but the result of a range. */
function seriesOf(data: unknown): Series[] {
  const result = isObject(data) && data['resultType'] === 'matrix' ? data['result'] : undefined;
  if (!Array.isArray(result)) throw new Error('Prometheus answered without the scrapes that it was asked for');
  return result.map((each: unknown) => {
    if (!isObject(each) || !isObject(each['metric']) || !Array.isArray(each['values'])) {
      throw new Error('Prometheus answered with a histogram that is not one of explicit buckets');
    }
    const samples = each['values'].map((pair: unknown) => {
      const [seconds, value] = Array.isArray(pair) ? [Number(pair[0]), Number(pair[1])] : [Number.NaN, Number.NaN];
      if (Number.isNaN(seconds) || Number.isNaN(value))
        throw new Error('Prometheus answered with a sample without a number');
      return { atMs: Math.round(seconds * 1000), value };
    });
    return { labels: each['metric'] as Series['labels'], samples };
  });
}

/** Dispatches of one bucket that a scrape counts, and the one before it does not. */
interface Count {
  atMs: number;
  customer: string;
  failed: boolean;
  /** The bucket, milliseconds: longer than the one, up to the other. */
  overMs: number;
  upToMs: number;
  count: number;
}

/** @param firstMs the first scrape of all: counting begins at what it says. */
function countsOf(series: readonly Series[], firstMs: number): Count[] {
  const counts: Count[] = [];
  const histograms = Map.groupBy(series, ({ labels }) =>
    JSON.stringify(Object.entries({ ...labels, le: '' }).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  );
  for (const buckets of histograms.values()) {
    const labels = buckets[0]?.labels;
    const customer = labels?.['hotrod_customer_name'] || 'unknown';
    const failed = isFailure(labels ?? {});
    const below = new Map<number, number>();
    let overMs = 0;
    for (const {
      labels: { le },
      samples,
    } of buckets.toSorted((a, b) => boundOf(a) - boundOf(b))) {
      const upToMs = Number(le === '+Inf' ? Infinity : le) * 1000;
      for (const [atMs, upTo] of increasesOf(samples, firstMs)) {
        const count = Math.round(upTo - (below.get(atMs) ?? 0));
        if (count > 0) counts.push({ atMs, customer, failed, overMs, upToMs, count });
        below.set(atMs, upTo);
      }
      overMs = upToMs;
    }
  }
  return counts;
}

function boundOf({ labels: { le } }: Series): number {
  return le === '+Inf' ? Infinity : Number(le);
}

/** A failure is the same as elsewhere: an error, or an answer of 400 and more. */
function isFailure(labels: Series['labels']): boolean {
  return labels['status_code'] === 'STATUS_CODE_ERROR' || Number(labels['http_response_status_code']) >= 400;
}

/** By how much a counter has grown at each scrape. A counter that falls has begun again at zero. */
function increasesOf(samples: Series['samples'], firstMs: number): [number, number][] {
  return samples.flatMap(({ atMs, value }, index) => {
    const before = samples[index - 1]?.value ?? (atMs > firstMs ? 0 : value);
    return [[atMs, value >= before ? value - before : value]];
  });
}

/**
 * One dispatch for each that was counted, the latest scrapes that hold no more than {@link mostDispatches}. Durations are
 * spread evenly over their bucket, without regard to whose they are: quantiles come out as with `histogram_quantile`.
 */
function dispatchesOf(counts: readonly Count[], url: string): Dispatch[] {
  const scrapes = [...Map.groupBy(counts, ({ atMs }) => atMs)].toSorted(([a], [b]) => b - a);
  const kept: Count[] = [];
  let total = 0;
  for (const [, ofScrape] of scrapes) {
    total += ofScrape.reduce((sum, { count }) => sum + count, 0);
    if (total > mostDispatches) break;
    kept.push(...ofScrape);
  }
  if (kept.length === 0 && total > 0) {
    const origin = new URL(url).origin;
    throw new Error(
      `A single scrape of Prometheus at ${origin} counts ${total} dispatches, more than ${mostDispatches}`,
    );
  }
  let index = 0;
  return kept
    .toSorted((a, b) => a.atMs - b.atMs)
    .flatMap(({ atMs, customer, failed, overMs, upToMs, count }) =>
      Array.from({ length: count }, () => {
        index += 1;
        // Of a duration beyond the last bound, only that much is known.
        const widthMs = Number.isFinite(upToMs) ? upToMs - overMs : 1;
        const place = 1 - ((index * goldenStep) % 1); // over the lower bound, up to the upper one
        return { startMs: atMs, durationMs: overMs + widthMs * place, customer, failed };
      }),
    );
}
