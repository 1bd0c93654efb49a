/** What a line measures, as text. Pure. */
import type { Measure } from '../../contract/contract.ts';
import { formatDuration } from '../format/duration.ts';
import { formatCount, formatPercent } from '../format/number.ts';

export const measureNames: Record<Measure, string> = {
  p50: 'Median duration',
  p95: '95th percentile of duration',
  p99: '99th percentile of duration',
  max: 'Longest duration',
  count: 'Spans',
  errorRate: 'Error rate',
};

/** Without groups the percentiles fit into one picture. */
export const measureNamesOfAll: Partial<Record<Measure, string>> = {
  p50: 'Percentiles of duration',
  count: measureNames.count,
  errorRate: measureNames.errorRate,
};

export function formatMeasure(measure: Measure, value: number): string {
  if (measure === 'count') return formatCount(value);
  return measure === 'errorRate' ? formatPercent(value) : formatDuration(value);
}
