import type { Breakdown, Compare, Percentiles, TraceRow } from '../contract/contract.ts';
import { toCsv } from '../contract/csv.ts';

export function breakdownCsv(breakdown: Breakdown): string {
  const head = [...breakdown.by, 'count', 'errors', 'error_rate', 'p50_ms', 'p95_ms', 'p99_ms', 'max_ms', 'filter'];
  return toCsv(
    head,
    breakdown.groups.map((group) => [
      ...group.values,
      group.count,
      group.errors,
      group.errorRate,
      group.p50Ms,
      group.p95Ms,
      group.p99Ms,
      group.maxMs,
      group.filter,
    ]),
  );
}

export function compareCsv(compare: Compare): string {
  const head = ['attribute', 'same', 'score', 'value', 'selected', 'baseline', 'evidence', 'filter'];
  return toCsv(
    head,
    compare.attributes.flatMap((attribute) =>
      attribute.values.map((value) => [
        attribute.key,
        attribute.same.join(' '),
        attribute.score,
        value.value,
        value.selected,
        value.baseline,
        value.evidence,
        value.filter,
      ]),
    ),
  );
}

export function percentilesCsv(percentiles: Percentiles): string {
  return toCsv(
    ['time_ms', 'count', 'errors', 'p50_ms', 'p95_ms', 'p99_ms'],
    percentiles.times.map((time, index) => [
      time,
      percentiles.count[index],
      percentiles.errors[index],
      percentiles.p50Ms[index],
      percentiles.p95Ms[index],
      percentiles.p99Ms[index],
    ]),
  );
}

export function tracesCsv(rows: readonly TraceRow[]): string {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row.highlights)))];
  const head = ['trace_id', 'span_id', 'service', 'name', 'start_ns', 'duration_ms', 'error', 'spans', ...keys];
  return toCsv(
    head,
    rows.map((row) => [
      row.traceId,
      row.spanId,
      row.service,
      row.name,
      row.startNs,
      row.durationMs,
      row.error,
      row.spans,
      ...keys.map((key) => row.highlights[key]),
    ]),
  );
}
