-- One measure over time for the first groups of a breakdown; `place` is the group's place in it.
WITH
  member AS (
    SELECT s.start_ns, s.duration_ns, s.error, {{first}} AS first, {{second}} AS second
    FROM {{view}} s
    WHERE {{where}}
  ),
  groups AS (
    SELECT
      first,
      second,
      count(*)::INTEGER AS count,
      count_if(error) / count(*) AS error_rate,
      {{quantiles}} AS quantiles,
      max(duration_ns)::DOUBLE / 1e6 AS max_ms
    FROM member
    GROUP BY ALL
  ),
  placed AS (
    -- The same order as in breakdown.sql.
    SELECT first, second, row_number() OVER (ORDER BY {{sort}} DESC, count DESC, first, second) - 1 AS place
    FROM groups
    QUALIFY place < {{series}}
  )
SELECT
  placed.place::INTEGER AS place,
  ((member.start_ns - {{from}}) // {{step}})::INTEGER AS step,
  ({{measure}})::DOUBLE AS value
FROM member
JOIN placed
  ON placed.first IS NOT DISTINCT FROM member.first AND placed.second IS NOT DISTINCT FROM member.second
GROUP BY ALL
ORDER BY ALL
