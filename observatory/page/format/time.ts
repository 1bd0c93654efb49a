/** Instants in the reader's own time zone, and ticks of a time axis. */

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const shortClock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const dayClock = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

/** `14:03:27`. @param ms Unix milliseconds. */
export function formatClock(ms: number): string {
  return clock.format(ms);
}

/** `21 Nov, 14:03:27`. @param ms Unix milliseconds. */
export function formatMoment(ms: number): string {
  return `${day.format(ms)}, ${clock.format(ms)}`;
}

/** An instant with its day, unless that is today's: `14:03:27`, or `21 Nov, 14:03:27`. Both Unix milliseconds. */
export function formatSince(ms: number, nowMs: number): string {
  return new Date(ms).toDateString() === new Date(nowMs).toDateString() ? formatClock(ms) : formatMoment(ms);
}

/** `21 Nov, 14:03`. @param ms Unix milliseconds. */
export function formatDayClock(ms: number): string {
  return dayClock.format(ms);
}

/** `14:03:27.123456789`, every digit. @param ns Unix nanoseconds as a decimal string. */
export function formatNanoClock(ns: string): string {
  const instant = BigInt(ns);
  return `${clock.format(Number(instant / 1_000_000n))}.${String(instant % 1_000_000_000n).padStart(9, '0')}`;
}

/** `2026-11-21T13:03:27.123456789Z`. @param ns Unix nanoseconds as a decimal string. */
export function isoNano(ns: string): string {
  const instant = BigInt(ns);
  const seconds = new Date(Number(instant / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(instant % 1_000_000_000n).padStart(9, '0')}Z`;
}

/** `5 s ago`, `3 min ago`, `2 h ago`. Both Unix milliseconds. */
export function formatAgo(ms: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 86_400 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} d ago`;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const steps = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * second),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * minute),
  ...[1, 2, 3, 6, 12, 24, 48, 168].map((n) => n * hour),
];

export interface TimeTick {
  ms: number;
  label: string;
}

/**
 * Ticks at round local times.
 * @param most how many there is room for.
 * @param offsetMs what to add to UTC for local time; left out: the reader's zone at `fromMs`.
 */
export function timeTicks(fromMs: number, toMs: number, most: number, offsetMs = localOffset(fromMs)): TimeTick[] {
  const span = toMs - fromMs;
  const wanted = span / Math.max(1, most);
  const step = steps.find((candidate) => candidate >= wanted) ?? Math.ceil(wanted / (168 * hour)) * 168 * hour;
  const ticks: TimeTick[] = [];
  for (let ms = Math.ceil((fromMs + offsetMs) / step) * step - offsetMs; ms < toMs; ms += step) {
    const midnight = (ms + offsetMs) % (24 * hour) === 0;
    const format = midnight && span > 2 * hour ? day : step < minute ? clock : shortClock;
    ticks.push({ ms, label: format.format(ms) });
  }
  return ticks;
}

function localOffset(ms: number): number {
  return -new Date(ms).getTimezoneOffset() * minute;
}
