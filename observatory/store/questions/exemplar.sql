-- The span whose duration is the median of those of a population inside a box; of equals the newest.
WITH inside AS (
  SELECT s.trace_id, s.span_id, s.start_ns, s.duration_ns
  FROM {{view}} s
  WHERE {{where}} AND {{box}}
)
SELECT trace_id, span_id, duration_ns::DOUBLE / 1e6 AS duration_ms
FROM inside
WHERE duration_ns = (SELECT quantile_disc(duration_ns, 0.5) FROM inside)
ORDER BY start_ns DESC, span_id
LIMIT 1
