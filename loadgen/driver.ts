import { Agent, request } from 'undici';

import { createArrivals } from './driver-arrivals.ts';
import { createLatencies } from './driver-latencies.ts';
import { type Stage, thresholds } from './profiles.ts';
import { pickCustomer, slowCustomers } from './weights.ts';

/** What came of the dispatches so far. */
export interface Counts {
  sent: number;
  /** Answered with 200. */
  ok: number;
  /** Answered with anything else, or not at all within the time. */
  failed: number;
  /** Due, but not sent, because too many were under way. */
  dropped: number;
  inFlight: number;
  /** Dispatches per second that the plan asks for now. */
  ratePerSecond: number;
  /** Of all answered with 200, and of those of customers without the planted bug; milliseconds from when they were due. */
  p50Ms: number;
  p95Ms: number;
  normalP95Ms: number;
  /** What the last failure was, for a person; null while there is none. */
  lastFailure: string | null;
}

/** A load driver that orders rides. */
export interface Driver {
  counts(): Counts;
  /** Leaves the plan for a steady rate, in dispatches per second (0: a pause). Holds from the next millisecond on. */
  setRate(ratePerSecond: number): void;
  /** Resolves when a plan that ends has ended and all its answers are there. */
  readonly finished: Promise<void>;
  /** Sends nothing more and gives up what is under way. */
  stop(): Promise<void>;
}

/** The longest that the driver sleeps, in milliseconds: how soon it sees a new rate at the latest. */
const longestSleepMs = 250;

/**
 * Starts an open-model driver: dispatch i is sent when it is due, whether or not earlier ones were answered, and its
 * latency counts from then. A driver that waits for answers orders less when the service is slow, and so hides the wait
 * (coordinated omission).
 *
 * A dispatch carries what the page's do: a `client` id that a virtual user keeps, and baggage with the session and a
 * request id. No `traceparent`: the frontend's span is the root of the trace.
 *
 * @param baseUrl the frontend's origin.
 * @param plan in dispatches per second; see `profiles.ts` (`rateStages`). An empty one waits for {@link Driver.setRate}.
 * @param users how many client ids there are; they take turns.
 * @param maxInFlight a dispatch that is due while so many are under way is dropped and counted.
 * @param timeoutMs after this long without an answer a dispatch has failed.
 */
export function startDriver(options: {
  baseUrl: string;
  plan: readonly Stage[];
  repeats?: boolean;
  users?: number;
  maxInFlight?: number;
  timeoutMs?: number;
  random?: () => number;
}): Driver {
  const { users = 10, maxInFlight = 500, timeoutMs = 30_000, random = Math.random } = options;
  const agent = new Agent({
    connections: maxInFlight,
    pipelining: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  const arrivals = createArrivals(options.plan, performance.now(), options.repeats ?? false);
  const clientIds = Array.from({ length: users }, (_, index) => clientId(index, random));
  const all = createLatencies();
  const normal = createLatencies();
  const tally = { sent: 0, ok: 0, failed: 0, dropped: 0, inFlight: 0, lastFailure: null as string | null };
  const stopping = new AbortController();
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  let steered = false;

  async function dispatch(dueMs: number): Promise<void> {
    if (tally.inFlight >= maxInFlight) {
      tally.dropped += 1;
      return;
    }
    const user = tally.sent % users;
    const client = clientIds[user] ?? '';
    const requestId = `${client}-${Math.floor(tally.sent / users) + 1}`;
    tally.sent += 1;
    tally.inFlight += 1;
    const customer = pickCustomer(random());
    try {
      const { statusCode, body } = await request(`${options.baseUrl}/dispatch?customer=${customer}`, {
        dispatcher: agent,
        signal: stopping.signal,
        headers: {
          client,
          baggage: `session.id=${client},hotrod.request.id=${requestId}`,
        },
      });
      if (statusCode === 200) {
        await body.dump();
        tally.ok += 1;
        const latencyMs = performance.now() - dueMs;
        all.add(latencyMs);
        if (!slowCustomers.includes(customer)) normal.add(latencyMs);
      } else {
        const reason = detailOf(await body.text());
        tally.failed += 1;
        tally.lastFailure = `HTTP ${statusCode} for customer ${customer}${reason === null ? '' : `: ${reason}`}`;
      }
    } catch (error) {
      if (stopping.signal.aborted) return;
      tally.failed += 1;
      tally.lastFailure = describe(error);
    } finally {
      tally.inFlight -= 1;
      finishIfDone();
    }
  }

  function finishIfDone(): void {
    if (!steered && tally.inFlight === 0 && options.plan.length > 0 && arrivals.next() === Infinity) finish();
  }

  function tick(): void {
    const nowMs = performance.now();
    for (let dueMs = arrivals.next(); dueMs <= nowMs; dueMs = arrivals.next()) {
      arrivals.take();
      void dispatch(dueMs); // never rejects: what fails is counted
    }
    finishIfDone();
    timer = setTimeout(tick, Math.min(longestSleepMs, Math.max(0, arrivals.next() - performance.now())));
  }
  tick();

  return {
    finished,
    counts: () => ({
      ...tally,
      ratePerSecond: arrivals.rateAt(performance.now()),
      p50Ms: all.percentile(0.5),
      p95Ms: all.percentile(0.95),
      normalP95Ms: normal.percentile(0.95),
    }),
    setRate(ratePerSecond) {
      steered = true;
      arrivals.setRate(ratePerSecond, performance.now());
      clearTimeout(timer);
      tick();
    },
    async stop() {
      clearTimeout(timer);
      stopping.abort();
      await agent.destroy();
    },
  };
}

/** The thresholds that a run has missed, a line each; no line if it holds them all. */
export function missedThresholds(counts: Counts): string[] {
  const missed: string[] = [];
  const due = counts.sent + counts.dropped;
  const share = due === 0 ? 0 : (counts.failed + counts.dropped) / due;
  if (share > thresholds.maxFailedShare)
    missed.push(`${(share * 100).toFixed(1)} % failed (at most ${thresholds.maxFailedShare * 100} %)`);
  if (counts.normalP95Ms > thresholds.maxNormalP95Ms) {
    missed.push(
      `95 % of the normal customers waited up to ${Math.round(counts.normalP95Ms)} ms (at most ${thresholds.maxNormalP95Ms} ms)`,
    );
  }
  return missed;
}

/** A virtual user's id: its number, and some chance, so that those of two runs differ. */
function clientId(index: number, random: () => number): string {
  return `load-${index + 1}-${Math.floor(random() * 0x1_00_00)
    .toString(16)
    .padStart(4, '0')}`;
}

/** What a problem document (RFC 9457) says to the person who reads it; null if the answer is not one. */
function detailOf(body: string): string | null {
  try {
    const parsed: unknown = JSON.parse(body);
    const isProblem = typeof parsed === 'object' && parsed !== null && 'detail' in parsed;
    return isProblem && typeof parsed.detail === 'string' ? parsed.detail.slice(0, 200) : null;
  } catch {
    return null;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? `${error.message} (${String(error.code)})` : error.message;
}
