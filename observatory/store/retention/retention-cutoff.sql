-- Before this instant lies the given share of all telemetry.
SELECT approx_quantile(ns, $share::FLOAT)::BIGINT AS cutoff_ns
FROM (
  SELECT start_ns AS ns FROM store.spans
  UNION ALL SELECT time_ns FROM store.logs
  UNION ALL SELECT time_ns FROM store.metrics
);
