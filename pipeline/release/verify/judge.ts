import { type Statistic, testBlocks, varianceInflation } from './block-permutation.ts';
import { type Dispatch, type Evidence, type Figures, figuresOf, quantile, sortedDurations } from './dispatches.ts';

/**
 * Whether a release is better or worse than the one before: docs/verify.md says how and why, in words. Pure: it asks
 * nobody, and the same evidence gets the same answer.
 */

export type Verdict = 'better' | 'same' | 'worse' | 'inconclusive';

export interface JudgeOptions {
  /** How many dispatches each release must have at least. */
  minRequests: number;
  /** The chance of a false alarm, in either direction, that this judgement may take. */
  alpha: number;
  /** A change of a duration that is smaller than this share is too small to matter: 0.15. */
  minChange: number;
  /**
   * The durations that can be told apart, ascending, if only buckets of them are known. Of these, those nearest to what
   * else would part slow from quick are taken. Null if durations are known.
   */
  limitsMs?: readonly number[] | null;
}

/** Something in which the releases differ, beyond chance, and enough to matter. */
export interface Finding {
  direction: 'better' | 'worse';
  measure: 'duration' | 'errors';
  /** Null for all customers together. */
  customer: string | null;
  /** For a finding about all customers: those whom most of it comes from. They are not tested for themselves. */
  mostly: string[];
  /** For the measure `duration`: what counts as slow here; null for errors. */
  slowerThanMs: number | null;
  /** The share of dispatches that are slow, or that fail. With the mix of customers of the new release. */
  baselineShare: number;
  candidateShare: number;
  /** The chance of something so large in its family when nothing differs. */
  p: number;
}

export interface Judgement {
  verdict: Verdict;
  /** Why it is inconclusive; null if it is not. */
  reason: string | null;
  baseline: Figures;
  candidate: Figures;
  /** The strongest first; at most one for each customer and measure, and for all together. */
  findings: Finding[];
  customers: { customer: string; baseline: Figures; candidate: Figures }[];
}

/** The length of a block, milliseconds. */
export const blockMs = 5_000;
/** Blocks that each release needs. With fewer, no permutation is rare enough. */
export const minBlocks = 4;

/** How many blocks apart two blocks may be and still depend on each other. */
const mostLags = 16;
/** With fewer dispatches, the median of a block says too little. */
const minForLevel = 5;
/** What counts as slow, in medians of all dispatches. Several, because nobody knows before how much slower "slow" is. */
const slowFactors = [0.5, 0.7, 0.85, 1.15, 1.3, 1.6, 2, 3, 5];
/** A statistic of fewer events is left out: it tells nothing, and its rare jumps hide what others tell. */
const minEvents = 3;
/**
 * Changes of a share that are too small to matter: of all dispatches, and of a customer's. A busy machine makes a few of
 * a hundred dispatches slow for a moment, but causes no error.
 */
const minShareChange = {
  duration: { all: 0.05, customer: 0.1 },
  errors: { all: 0.01, customer: 0.1 },
};
/**
 * From here on slow is another kind of slow. Below it, the whole machine may be slower for a while. So those limits are
 * tested apart, and only if the new release has been there for long enough to outlast that.
 */
const tailFactor = 1.6;
export const minShiftBlocks = 12;
/** How the chance of a false alarm is divided. */
const alphaShares: Readonly<Record<string, number>> = {
  'tail all': 0.3,
  'shift all': 0.1,
  'duration customer': 0.3,
  'errors all': 0.15,
  'errors customer': 0.15,
};

interface Candidate {
  measure: Finding['measure'];
  customer: string | null;
  slowerThanMs: number | null;
  statistic: Statistic;
  /** What each customer adds to the new release's sum, and the standard deviation of that by chance. */
  parts: { customer: string; sum: number; deviation: number }[];
}

export function judge(evidence: Evidence, options: JudgeOptions): Judgement {
  const { baseline, candidate } = evidence;
  const names = [...new Set([...baseline, ...candidate].map(({ customer }) => customer))].toSorted();
  const judgement: Judgement = {
    verdict: 'inconclusive',
    reason: null,
    baseline: figuresOf(baseline),
    candidate: figuresOf(candidate),
    findings: [],
    customers: names.map((customer) => ({
      customer,
      baseline: figuresOf(baseline.filter((each) => each.customer === customer)),
      candidate: figuresOf(candidate.filter((each) => each.customer === customer)),
    })),
  };
  const reason = tooLittle(evidence, options);
  if (reason !== null) return { ...judgement, reason };
  const findings = find(evidence, names, options);
  const verdict = findings.some(({ direction }) => direction === 'worse')
    ? 'worse'
    : findings.length > 0
      ? 'better'
      : 'same';
  return { ...judgement, verdict, findings };
}

/** Why there is too little to judge; null if there is enough. No data is not healthy. */
export function tooLittle(
  { baseline, candidate }: Evidence,
  { minRequests }: Pick<JudgeOptions, 'minRequests'>,
): string | null {
  for (const [name, dispatches] of [
    ['the release before', baseline],
    ['the new release', candidate],
  ] as const) {
    if (dispatches.length < minRequests) {
      return `${dispatches.length} of at least ${minRequests} dispatches of ${name}`;
    }
    if (countBlocks(dispatches) < minBlocks) {
      return `dispatches of ${name} from less than ${(minBlocks * blockMs) / 1000} seconds`;
    }
  }
  return null;
}

/** In how many blocks dispatches began. */
export function countBlocks(dispatches: readonly Dispatch[]): number {
  return new Set(dispatches.map(blockOf)).size;
}

function blockOf({ startMs }: Dispatch): number {
  return Math.floor(startMs / blockMs);
}

function find(evidence: Evidence, names: readonly string[], options: JudgeOptions): Finding[] {
  const { isCandidate, candidates } = statisticsOf(evidence, names, options.limitsMs ?? []);
  const tested = testBlocks(
    isCandidate,
    candidates.map(({ statistic }) => statistic),
  );
  const findings: (Finding & { size: number })[] = [];
  for (const [index, each] of candidates.entries()) {
    const { z, p } = tested[index] ?? { z: 0, p: 1 };
    if (p > options.alpha * (alphaShares[each.statistic.family] ?? 0)) continue;
    const shares = sharesOf(evidence, each);
    // Two strata that change in opposite directions may add up to a sign that the shares do not have.
    if (Math.sign(shares.candidate - shares.baseline) !== Math.sign(z)) continue;
    if (!matters(evidence, each, shares, options)) continue;
    findings.push({
      direction: z > 0 ? 'worse' : 'better',
      measure: each.measure,
      customer: each.customer,
      mostly: mostlyOf(each),
      slowerThanMs: each.slowerThanMs,
      baselineShare: shares.baseline,
      candidateShare: shares.candidate,
      p,
      size: Math.abs(z),
    });
  }
  // Of several limits for "slow", keep the one that tells the releases apart best. Findings of "worse" come first.
  const best = new Map<string, Finding & { size: number }>();
  for (const finding of findings) {
    const key = `${finding.direction} ${finding.measure} ${finding.customer === null ? 'all' : `of ${finding.customer}`}`;
    if ((best.get(key)?.size ?? 0) < finding.size) best.set(key, finding);
  }
  return [...best.values()]
    .toSorted((a, b) => Number(b.direction === 'worse') - Number(a.direction === 'worse') || b.size - a.size)
    .map(({ size: _size, ...finding }) => finding);
}

/** A dispatch in its block. */
interface Placed extends Dispatch {
  /** Number of the block, over both releases. */
  block: number;
  /** Its duration in medians of its block: what is slow for everybody at that moment is not slow. */
  relative: number;
}

/** The blocks of both releases, each in order of time. */
interface Blocks {
  placed: Placed[];
  isCandidate: boolean[];
  /** For each release the numbers of its blocks in order of time, undefined if nothing began. */
  order: (number | undefined)[][];
}

function placeInBlocks({ baseline, candidate }: Evidence, median: number): Blocks {
  const blocks: Blocks = { placed: [], isCandidate: [], order: [] };
  for (const [dispatches, isCandidate] of [
    [baseline, false],
    [candidate, true],
  ] as const) {
    const byTime = Map.groupBy(dispatches, blockOf);
    const first = Math.min(...byTime.keys());
    const order: (number | undefined)[] = [];
    for (const [time, members] of byTime) {
      const block = blocks.isCandidate.push(isCandidate) - 1;
      order[time - first] = block;
      const durations = sortedDurations(members);
      const level = durations.length < minForLevel ? 1 : (quantile(durations, 0.5) ?? median) / median;
      for (const each of members) blocks.placed.push({ ...each, block, relative: each.durationMs / level });
    }
    blocks.order.push(Array.from(order));
  }
  return blocks;
}

/** Every statistic that is tested, over the blocks of both releases. */
function statisticsOf(evidence: Evidence, names: readonly string[], bounds: readonly number[]) {
  const median = quantile(sortedDurations([...evidence.baseline, ...evidence.candidate]), 0.5) ?? 1;
  const blocks = placeInBlocks(evidence, median);
  const served = blocks.placed.filter(({ failed }) => !failed);
  const candidates: Candidate[] = [];

  function add(
    of: readonly Placed[],
    measure: Finding['measure'],
    slowerThanMs: number | null,
    family: string,
    isEvent: (each: Placed) => boolean,
  ): void {
    const all = new Float64Array(blocks.isCandidate.length);
    const parts: Candidate['parts'] = [];
    let events = 0;
    const byCustomer = Map.groupBy(of, ({ customer }) => customer);
    for (const customer of names) {
      const own = byCustomer.get(customer) ?? [];
      const ownEvents = own.filter(isEvent).length;
      const fewer = Math.min(ownEvents, own.length - ownEvents);
      // Against the customer's own share: the mix of customers may differ from release to release.
      const share = own.length === 0 ? 0 : ownEvents / own.length;
      const scores = new Float64Array(all.length);
      for (const each of own) {
        const score = Number(isEvent(each)) - share;
        scores[each.block] = (scores[each.block] ?? 0) + score;
        all[each.block] = (all[each.block] ?? 0) + score;
      }
      events += fewer;
      parts.push({ customer, ...partOf(scores, blocks.isCandidate) });
      if (family.endsWith('customer') && fewer >= minEvents)
        candidates.push({ measure, customer, slowerThanMs, statistic: { family, scores, inflation: 1 }, parts: [] });
    }
    if (family.endsWith('customer') || events < minEvents) return;
    if (family === 'shift all' && blocks.isCandidate.filter(Boolean).length < minShiftBlocks) return;
    const inflation = inflationOf(all, blocks);
    candidates.push({ measure, customer: null, slowerThanMs, statistic: { family, scores: all, inflation }, parts });
  }

  add(blocks.placed, 'errors', null, 'errors all', ({ failed }) => failed);
  add(blocks.placed, 'errors', null, 'errors customer', ({ failed }) => failed);
  for (const limit of new Set(slowFactors.map((factor) => nearest(bounds, median * factor)))) {
    const family = limit < median * tailFactor ? 'shift all' : 'tail all';
    add(served, 'duration', limit, family, (each) => each.durationMs > limit);
    add(served, 'duration', limit, 'duration customer', (each) => each.relative > limit);
  }
  return { isCandidate: blocks.isCandidate, candidates };
}

/** The bound that is nearest to a value; the value itself if there are no bounds. */
function nearest(bounds: readonly number[], value: number): number {
  const distance = (bound: number) => Math.abs(bound - value);
  return bounds.reduce((best, bound) => (distance(bound) < distance(best) ? bound : best), bounds[0] ?? value);
}

/** A sum over the new release's blocks, and the standard deviation it has if those are drawn at random. */
function partOf(scores: Float64Array, isCandidate: readonly boolean[]): { sum: number; deviation: number } {
  const count = isCandidate.filter(Boolean).length;
  const sum = scores.reduce((total, score, block) => (isCandidate[block] ? total + score : total), 0);
  const squares = scores.reduce((total, score) => total + score * score, 0);
  const share = count / scores.length;
  return { sum, deviation: Math.sqrt((squares / (scores.length - 1)) * count * (1 - share)) };
}

/** The customers that a difference of all comes from: each adds a good part, and more than two standard deviations. */
function mostlyOf({ parts }: Candidate): string[] {
  const total = parts.reduce((sum, part) => sum + part.sum, 0);
  return parts
    .filter(({ sum, deviation }) => sum / total > 0.15 && Math.abs(sum) > 2 * deviation)
    .toSorted((a, b) => Math.abs(b.sum) - Math.abs(a.sum))
    .map(({ customer }) => customer);
}

/** From the scores of all customers, each release centred by itself: a difference between them is no autocorrelation. */
function inflationOf(scores: Float64Array, { isCandidate, order }: Blocks): number {
  const series = order.map((numbers) => {
    const known = numbers.filter((block) => block !== undefined);
    const mean = known.reduce((sum, block) => sum + (scores[block] ?? 0), 0) / known.length;
    return numbers.map((block) => (block === undefined ? undefined : (scores[block] ?? 0) - mean));
  });
  return varianceInflation(series, Math.min(isCandidate.filter(Boolean).length, mostLags));
}

/** Customers of the release before count as often as the new release has such customers ("direct standardisation"). */
function weightsOf({ baseline, candidate }: Evidence): Map<string, number> {
  const count = (dispatches: readonly Dispatch[]) => {
    const counts = new Map<string, number>();
    for (const { customer } of dispatches) counts.set(customer, (counts.get(customer) ?? 0) + 1);
    return counts;
  };
  const before = count(baseline);
  return new Map([...count(candidate)].map(([customer, now]) => [customer, now / (before.get(customer) ?? Infinity)]));
}

function ofCustomer(dispatches: readonly Dispatch[], { customer, measure }: Candidate): readonly Dispatch[] {
  return dispatches.filter(
    (each) => (customer === null || each.customer === customer) && !(measure === 'duration' && each.failed),
  );
}

function sharesOf(evidence: Evidence, each: Candidate): { baseline: number; candidate: number } {
  const weights = weightsOf(evidence);
  const limit = each.slowerThanMs;
  const isEvent = (dispatch: Dispatch) => (limit === null ? dispatch.failed : dispatch.durationMs > limit);
  let total = 0;
  let events = 0;
  for (const dispatch of ofCustomer(evidence.baseline, each)) {
    const weight = weights.get(dispatch.customer) ?? 0;
    total += weight;
    if (isEvent(dispatch)) events += weight;
  }
  const now = ofCustomer(evidence.candidate, each);
  return {
    baseline: total === 0 ? 0 : events / total,
    candidate: now.length === 0 ? 0 : now.filter(isEvent).length / now.length,
  };
}

/** Whether a difference beyond chance is large enough to matter to anybody. */
function matters(
  evidence: Evidence,
  each: Candidate,
  shares: { baseline: number; candidate: number },
  { minChange }: JudgeOptions,
): boolean {
  const least = minShareChange[each.measure][each.customer === null ? 'all' : 'customer'];
  if (Math.abs(shares.candidate - shares.baseline) < least) return false;
  if (each.measure === 'errors') return true;
  // The quantile in the middle of the part that moved over the limit: how far did it move?
  const q = 1 - (shares.baseline + shares.candidate) / 2;
  const before = quantile(sortedDurations(ofCustomer(evidence.baseline, each)), q);
  const now = quantile(sortedDurations(ofCustomer(evidence.candidate, each)), q);
  if (before === null || now === null) return false;
  return Math.max(before, now) >= Math.min(before, now) * (1 + minChange);
}
