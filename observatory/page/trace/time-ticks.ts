/** Round marks for the time axis of a waterfall. Pure. */
import { formatDuration } from '../format/duration.ts';

/** Marks at 1, 2 or 5 times a power of ten; all nanoseconds from the trace's beginning. */
export function offsetTicks(from: number, to: number, most: number): { at: number; label: string }[] {
  const wanted = (to - from) / Math.max(1, most);
  if (!(wanted > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= wanted) ?? 10 * power;
  const ticks: { at: number; label: string }[] = [];
  for (let index = Math.ceil(from / step); index * step < to; index += 1) {
    const at = index * step;
    ticks.push({ at, label: formatDuration(Number((at / 1e6).toPrecision(12))) });
  }
  return ticks;
}
