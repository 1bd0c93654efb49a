import { formatDuration } from '../format/duration.ts';
import { formatClock } from '../format/time.ts';
import type { Box } from '../state/url-state.ts';

/** A box in words. */
export function describeBox(box: Box): string {
  const duration =
    box.minMs !== null && box.maxMs !== null
      ? `that took ${formatDuration(box.minMs)} to ${formatDuration(box.maxMs)}`
      : box.minMs !== null
        ? `that took ${formatDuration(box.minMs)} or more`
        : box.maxMs !== null
          ? `that took less than ${formatDuration(box.maxMs)}`
          : '';
  const time =
    box.fromMs === null || box.toMs === null ? '' : `between ${formatClock(box.fromMs)} and ${formatClock(box.toMs)}`;
  return [duration, time].filter((part) => part !== '').join(' ');
}
