-- The groups of a population by the values of one or two attributes (`second` is NULL where there is one).
WITH groups AS (
  SELECT
    {{first}} AS first,
    {{second}} AS second,
    count(*)::INTEGER AS count,
    count_if(s.error)::INTEGER AS errors,
    count_if(s.error) / count(*) AS error_rate,
    quantile_cont(s.duration_ns, [0.5, 0.95, 0.99]) AS quantiles,
    max(s.duration_ns)::DOUBLE / 1e6 AS max_ms
  FROM {{view}} s
  WHERE {{where}}
  GROUP BY ALL
)
SELECT
  left(first, {{longest}}) AS first,
  left(second, {{longest}}) AS second,
  -- Long values are not told in full; their digests still select them.
  CASE WHEN length(first) > {{longest}} THEN md5(first) END AS first_digest,
  CASE WHEN length(second) > {{longest}} THEN md5(second) END AS second_digest,
  count,
  errors,
  error_rate,
  quantiles[1]::DOUBLE / 1e6 AS p50_ms,
  quantiles[2]::DOUBLE / 1e6 AS p95_ms,
  quantiles[3]::DOUBLE / 1e6 AS p99_ms,
  max_ms,
  count(*) OVER ()::INTEGER AS total_groups,
  sum(count) OVER ()::INTEGER AS total
FROM groups
ORDER BY {{sort}} DESC, count DESC, groups.first, groups.second
LIMIT {{limit}}
