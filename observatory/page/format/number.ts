/** Counts, ratios, rates and sizes as text. Pure. */

const counts = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** `1,234,567`. */
export function formatCount(count: number): string {
  return counts.format(count);
}

/** `51 %`, `6.2 %`, `0.04 %`; 0 and 100 only if they are exact. @param ratio 0 to 1. */
export function formatPercent(ratio: number): string {
  if (!Number.isFinite(ratio)) return '–';
  const percent = ratio * 100;
  const size = Math.abs(percent);
  if (size === 0 || size === 100) return `${percent} %`;
  if (size > 99.9) return size < 100 ? '> 99.9 %' : `${Math.round(percent)} %`;
  if (size < 0.01) return '< 0.01 %';
  if (size < 1) return `${Number(percent.toPrecision(1))} %`;
  return size < 9.95 ? `${Number(percent.toFixed(1))} %` : `${Number(percent.toFixed(size > 99 ? 1 : 0))} %`;
}

/** `12.4/s`, `3/min`. @param perSecond events a second. */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return '0/s';
  return perSecond >= 0.5 ? `${short(perSecond)}/s` : `${short(perSecond * 60)}/min`;
}

/** `3.2 MB`; powers of 1,000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let power = 0;
  let value = bytes;
  while (value >= 999.5 && power < units.length - 1) {
    value /= 1000;
    power += 1;
  }
  return `${short(value)} ${units[power]}`;
}

/** `1 trace`, `2 traces`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

function short(value: number): string {
  if (value >= 99.95) return counts.format(value);
  return String(Number(value.toPrecision(value >= 10 ? 3 : 2)));
}
