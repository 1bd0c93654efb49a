/** Durations and rates as people read them: three digits that count, a space, the unit. Pure. */

/** `45.2 µs`, `812 ms`, `2.41 s`, `1 min 12 s`, `2 h 5 min`. @param ms milliseconds. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  if (ms < 0) return `−${formatDuration(-ms)}`;
  if (ms === 0) return '0 ms';
  if (ms < 0.001) return `${Math.round(ms * 1e6)} ns`;
  if (ms < 0.9995) return `${digits(ms * 1000)} µs`;
  if (ms < 999.5) return `${digits(ms)} ms`;
  if (ms < 59_950) return `${digits(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** A duration with all its digits, for tooltips. @param ms milliseconds. */
export function exactDuration(ms: number): string {
  return `${ms.toLocaleString('en', { maximumFractionDigits: 6 })} ms`;
}

/** A duration as the filter language writes it, rounded to six digits. @param ms milliseconds. */
export function filterDuration(ms: number): string {
  if (ms >= 1000) return `${Number((ms / 1000).toPrecision(6))}s`;
  if (ms >= 1) return `${Number(ms.toPrecision(6))}ms`;
  return `${Math.round(ms * 1e6)}ns`;
}

function digits(value: number): string {
  if (value >= 99.95) return String(Math.round(value));
  return value >= 9.995 ? trim(value.toFixed(1)) : trim(value.toFixed(2));
}

function trim(text: string): string {
  return text.replace(/\.?0+$/, '');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
