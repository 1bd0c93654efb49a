-- The services of a population of spans: how many spans each has, and how the requests it served went.
-- A service that serves none (a browser, a load driver) is told by all its spans.
WITH totals AS (
  SELECT
    s.service,
    count(*)::INTEGER AS spans,
    count_if(s.kind IN ('server', 'consumer'))::INTEGER AS served,
    count_if(s.error) / count(*) AS error_rate,
    quantile_cont(s.duration_ns, 0.95)::DOUBLE / 1e6 AS p95_ms,
    count_if(s.error AND s.kind IN ('server', 'consumer')) AS served_errors,
    quantile_cont(s.duration_ns, 0.95) FILTER (s.kind IN ('server', 'consumer'))::DOUBLE / 1e6 AS served_p95_ms
  FROM spans s
  WHERE {{where}}
  GROUP BY s.service
)
SELECT
  service,
  spans,
  served,
  CASE WHEN served > 0 THEN served_errors / served ELSE error_rate END AS error_rate,
  coalesce(served_p95_ms, p95_ms) AS p95_ms
FROM totals
ORDER BY spans DESC, service
LIMIT {{limit}}
