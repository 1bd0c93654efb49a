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
      ticks.push({ ms, y, label: `${ms === beyond ? '≥ ' : ''}${formatDuration(ms)}` });
  }
  return ticks;
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
      if (ms >= low && ms <= high) found.push(ms);
    }
  }
  return found;
}

function linear(low: number, high: number, most: number): number[] {
  const wanted = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= wanted) ?? 10 * power;
  const found: number[] = [];
  for (let index = Math.ceil(low / step); index * step <= high; index += 1)
    found.push(Number((index * step).toPrecision(12)));
  return found;
}
