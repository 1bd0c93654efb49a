/** Round durations for the heatmap's vertical axis. Pure. */
import { formatDuration } from '../format/duration.ts';
import { beyondOf, rowsOf, yOfDuration, type Grid, type Size } from './geometry.ts';

export interface DurationTick {
  ms: number;
  y: number;
  label: string;
}

/** Ticks at round durations, at least `apart` pixels from each other, from the shortest up. */
export function durationTicks(grid: Grid, size: Size, apart = 22): DurationTick[] {
  const low = grid.edgesMs[0] ?? 0;
  const beyond = beyondOf(grid);
  const high = beyond ?? grid.edgesMs[rowsOf(grid)] ?? 0;
  if (!(high > low)) return [];
  const most = Math.max(1, Math.floor(size.height / apart));
  const candidates =
    grid.scale === 'log' && low > 0 ? logCandidates(low, high, size.height, apart) : linear(low, high, most);
  const ticks: DurationTick[] = [];
  for (const ms of candidates) {
    const y = yOfDuration(grid, size, ms);
    const last = ticks.at(-1);
    if (last === undefined || last.y - y >= apart)
      ticks.push({ ms, y, label: `${ms === beyond ? '≥ ' : ''}${tickLabel(ms)}` });
  }
  return ticks;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** Round durations of two minutes and more: people do not count them by powers of ten. */
const longOnes = [
  ...[2, 3, 5, 10, 15, 20, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12].map((count) => count * hour),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000].map(
    (count) => count * day,
  ),
];

/** A round duration in one number and one unit: the largest that leaves no rest, seconds up to two minutes. */
function tickLabel(ms: number): string {
  if (ms < minute) return formatDuration(ms);
  if (ms < 2 * minute) return `${Math.round(ms / 1000)} s`;
  const units = [
    ['d', day],
    ['h', hour],
    ['min', minute],
  ] as const;
  const [unit, length] = units.find(([, each]) => ms % each === 0) ?? ['min', minute];
  return `${Math.round(ms / length)} ${unit}`;
}

/** Round numbers of a decade, from the densest choice to the decade alone, and the smallest step of each as a ratio. */
const choices: readonly (readonly [factors: readonly number[], ratio: number])[] = [
  [[1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8], 1.2],
  [[1, 1.5, 2, 3, 5, 7], 4 / 3],
  [[1, 2, 5], 2],
  [[1, 3], 3],
  [[1], 10],
];

/** As many round numbers a decade as there is room for, the same in each, so that the steps look even. */
function logCandidates(low: number, high: number, height: number, apart: number): number[] {
  const perDecade = height / Math.log10(high / low);
  const factors = choices.find(([, ratio]) => perDecade * Math.log10(ratio) >= apart)?.[0] ?? [1];
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const factor of factors) {
      const ms = Number((factor * 10 ** power).toPrecision(3));
      if (ms >= low && ms <= high && ms < 2 * minute) found.push(ms);
    }
  }
  return [...found, ...longOnes.filter((ms) => ms >= low && ms <= high)];
}

function linear(low: number, high: number, most: number): number[] {
  const wanted = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const round = [1, 2, 5, 10].map((factor) => factor * power);
  // If ticks lie beyond two minutes, each of them is a whole number of minutes.
  const steps = high < 2 * minute ? round : [minute, ...longOnes];
  const step = steps.find((candidate) => candidate >= wanted) ?? 10 * power;
  const found: number[] = [];
  for (let index = Math.ceil(low / step); index * step <= high; index += 1)
    found.push(Number((index * step).toPrecision(12)));
  return found;
}
