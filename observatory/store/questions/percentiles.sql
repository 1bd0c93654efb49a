-- Count, errors and latency of a population over time; steps without a span have no row.
SELECT
  ((s.start_ns - {{from}}) // {{step}})::INTEGER AS step,
  count(*)::INTEGER AS count,
  count_if(s.error)::INTEGER AS errors,
  quantile_cont(s.duration_ns, 0.5)::DOUBLE / 1e6 AS p50_ms,
  quantile_cont(s.duration_ns, 0.95)::DOUBLE / 1e6 AS p95_ms,
  quantile_cont(s.duration_ns, 0.99)::DOUBLE / 1e6 AS p99_ms
FROM {{view}} s
WHERE {{where}}
GROUP BY step
ORDER BY step
