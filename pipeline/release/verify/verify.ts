import { setTimeout as sleep } from 'node:timers/promises';

import type { Dispatch } from './dispatches.ts';
import { blockMs, countBlocks, judge, type Judgement, minBlocks, minShiftBlocks, tooLittle } from './judge.ts';
import type { DispatchSource, ReleasedService, Versions } from './source.ts';

/** What is to be verified, and how patiently. */
export interface VerifyRequest {
  /** The new release of each service that changed; at least one. */
  candidate: Versions;
  /** What ran before. For a service that is left out, the source is asked. */
  baseline: Versions;
  /** Unix milliseconds: the new release did not serve before this. Null: from its first dispatch on. */
  sinceMs: number | null;
  /** Unix milliseconds: what came later is not of the release before. Null: up to the new one's first dispatch. */
  baselineUntilMs: number | null;
  /** How much of the time of the release before is looked at, milliseconds. */
  baselineWindowMs: number;
  /** Dispatches that are enough for "same". A third of them may do for "better" and "worse". */
  requests: number;
  /** The chance of a false alarm. */
  alpha: number;
  /** A change of a duration that is smaller than this share is too small to matter. */
  minChange: number;
  /** The first dispatches of a new process are slower; these are left out, milliseconds. */
  warmUpMs: number;
  /** How long to wait for enough dispatches, milliseconds. */
  timeoutMs: number;
}

export interface VerifyResult extends Judgement {
  versions: { candidate: Versions; baseline: Versions };
  /** The times that were looked at, Unix milliseconds; null if there was nothing to look at. */
  candidateRange: { fromMs: number; toMs: number } | null;
  baselineRange: { fromMs: number; toMs: number } | null;
  link: string | null;
  /** The only durations that could be told apart, milliseconds; null if each dispatch's own is known. */
  limitsMs: readonly number[] | null;
}

/** The clock, so that a test need not wait. */
export interface Clock {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: Date.now,
  sleep: async (ms, signal) => sleep(ms, undefined, { signal }),
};

/**
 * When a verdict is looked for, as shares of the dispatches and of the time that are enough for "same". Each look may
 * call a false alarm, so each gets its part of the chance for one.
 */
const looks = [1 / 3, 1 / 2, 3 / 4, 1];
/** How long the new release has served at the last look, milliseconds. */
const fullMs = 60_000;
/**
 * A dispatch is told only when it has ended. In the last seconds the quick ones are there while the slow ones are still
 * missing, so any release would look better than it is. So the last seconds do not count, milliseconds.
 */
const settleMs = 4_000;
const pollMs = 2_000;

/**
 * Waits until the new release has served enough dispatches, and compares it with the one before.
 *
 * @param log takes a line about what is waited for.
 * @throws Error if the source cannot be asked, or the signal ends it.
 */
export async function verifyRelease(
  source: DispatchSource,
  request: VerifyRequest,
  options: { clock: Clock; signal: AbortSignal; log: (line: string) => void },
): Promise<VerifyResult> {
  const { clock, signal, log } = options;
  const deadline = clock.now() + request.timeoutMs;
  const minRequests = Math.ceil(request.requests * (looks[0] ?? 1));
  const judgeBy = () => ({
    minRequests,
    alpha: request.alpha,
    minChange: request.minChange,
    limitsMs: source.limitsMs(),
  });
  let found: Found | null = null;
  let look = 0;
  let said = '';
  for (;;) {
    signal.throwIfAborted();
    const untilMs = clock.now() - settleMs;
    found = await findCandidate(source, request, untilMs, found);
    const late = clock.now() + pollMs > deadline;
    if (found) {
      const { baseline, candidate } = found;
      // If dispatches begin with scrapes, not all the time that is served is seen. Only so many blocks of it are.
      const seenMs = source.limitsMs() === null ? Infinity : countBlocks(candidate) * (fullMs / minShiftBlocks);
      const servedMs = Math.min(untilMs - found.countedFromMs, seenMs);
      // All looks that are due by now are one.
      let due = look;
      while (due < looks.length && isDue(looks[due] ?? 1, candidate.length, servedMs, request)) due += 1;
      const enough = tooLittle({ baseline, candidate }, { minRequests }) === null;
      if (enough && (due > look || late)) {
        look = due;
        const judgement = judge({ baseline, candidate }, { ...judgeBy(), alpha: request.alpha / looks.length });
        if (judgement.verdict !== 'same' || look === looks.length || late) return resultOf(source, found, judgement);
      }
    }
    if (late) {
      const nothing = { baseline: found?.baseline ?? [], candidate: found?.candidate ?? [] };
      const judgement = judge(nothing, judgeBy());
      return found
        ? resultOf(source, found, judgement)
        : {
            ...judgement,
            versions: { candidate: request.candidate, baseline: request.baseline },
            candidateRange: null,
            baselineRange: null,
            link: null,
            limitsMs: null,
          };
    }
    const line = progress(found, request);
    if (line !== said) log(line);
    said = line;
    await clock.sleep(pollMs, signal);
  }
}

/** Which dispatches are counted. */
interface Begin {
  versions: VerifyResult['versions'];
  /** Unix milliseconds: without the warm-up. */
  countedFromMs: number;
  baselineRange: { fromMs: number; toMs: number };
}

/** What was found of both releases so far. */
interface Found extends Begin {
  candidate: readonly Dispatch[];
  baseline: readonly Dispatch[];
  candidateRange: { fromMs: number; toMs: number };
}

const dayMs = 24 * 3_600_000;

/** Null while the new release has served nothing. It asks for the release before until something of it is known. */
async function findCandidate(
  source: DispatchSource,
  request: VerifyRequest,
  untilMs: number,
  known: Found | null,
): Promise<Found | null> {
  const begin = known ?? (await findBegin(source, request, untilMs));
  if (!begin) return null;
  const { countedFromMs, versions, baselineRange } = begin;
  const candidate = await source.dispatches(request.candidate, countedFromMs, untilMs, true);
  const isKnown = Object.keys(request.candidate).every((service) => service in versions.baseline);
  const baseline =
    known && known.baseline.length > 0
      ? known.baseline
      : isKnown
        ? await source.dispatches(versions.baseline, baselineRange.fromMs, baselineRange.toMs, true)
        : [];
  return {
    candidate,
    baseline,
    versions,
    countedFromMs,
    baselineRange,
    candidateRange: { fromMs: countedFromMs, toMs: untilMs },
  };
}

/** When the new release began to serve alone, and what served before. Null while it has served nothing. */
async function findBegin(source: DispatchSource, request: VerifyRequest, untilMs: number): Promise<Begin | null> {
  const services = Object.keys(request.candidate) as ReleasedService[];
  const earliest = request.sinceMs ?? untilMs - dayMs;
  const [first] = request.sinceMs === null ? await source.dispatches(request.candidate, earliest, untilMs, false) : [];
  if (request.sinceMs === null && !first) return null;
  let sinceMs = request.sinceMs ?? first?.startMs ?? untilMs;
  const baseline: Partial<Record<ReleasedService, string>> = { ...request.baseline };
  let lastMs = request.baselineUntilMs ?? sinceMs;
  for (const service of services) {
    const to = request.sinceMs ?? untilMs;
    const releases = await source.releases(service, to - 7 * dayMs, to);
    const before = releases.find(
      ({ version }) => version !== request.candidate[service] && version === (baseline[service] ?? version),
    );
    if (!before) continue;
    baseline[service] = before.version;
    // If both serve for a while, or the new release is one that served long ago already, the comparison begins at the
    // last dispatch of the other.
    if (request.sinceMs === null) sinceMs = Math.max(sinceMs, before.lastMs);
    lastMs = request.baselineUntilMs ?? Math.min(before.lastMs + 1, sinceMs);
  }
  return {
    countedFromMs: sinceMs + request.warmUpMs,
    versions: { candidate: request.candidate, baseline },
    baselineRange: { fromMs: lastMs - request.baselineWindowMs, toMs: lastMs },
  };
}

function isDue(share: number, requests: number, servedMs: number, request: VerifyRequest): boolean {
  return requests >= request.requests * share && servedMs >= Math.max(fullMs * share, minBlocks * blockMs);
}

function progress(found: Found | null, { requests }: VerifyRequest): string {
  if (!found) return 'The new release has not served a dispatch yet; waiting';
  const { candidate, baseline } = found;
  if (baseline.length === 0) return 'No dispatch of the release before is known; waiting';
  return `${candidate.length} of ${requests} dispatches of the new release, ${baseline.length} of the one before`;
}

function resultOf(source: DispatchSource, found: Found, judgement: Judgement): VerifyResult {
  const { versions, candidateRange, baselineRange } = found;
  const link = source.compareLink(versions, { baseline: baselineRange, candidate: candidateRange });
  return { ...judgement, versions, candidateRange, baselineRange, link, limitsMs: source.limitsMs() };
}
