/** A span of time, short and with its unit: `812 ms`, `2.41 s`, `1 min 5 s`. @param ms milliseconds */
export function formatDuration(ms: number): string {
  const whole = Math.round(ms);
  if (whole < 1_000) return `${whole} ms`;
  // Below a minute three figures are enough: 2.41 s, 24.1 s.
  if (ms < 59_950) return `${trimZeros(ms < 9_995 ? (ms / 1_000).toFixed(2) : (ms / 1_000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1_000);
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)} min${rest === 0 ? '' : ` ${rest} s`}`;
}

/** A waiting time that still runs, whose last figures would only flicker: `0.8 s`, `12.0 s`. @param ms milliseconds */
export function formatRunning(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`;
}

/** A time of arrival as people say it: `40 s`, `2 min`, `12 min`. Never `0`: what remains is at least a second. */
export function formatEta(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} s`;
  return `${Math.round(seconds / 60)} min`;
}

/** The exact figure behind a short one, for the hover: `2413.7 ms`. */
export function formatExact(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}

function trimZeros(figure: string): string {
  return figure.replace(/\.?0+$/, '');
}
