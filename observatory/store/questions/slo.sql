-- How many entry spans an objective counts, and how many of them are bad, over its window and the latest part of it.
-- (count_if would be NULL where there are none.)
WITH counted AS (
  SELECT s.start_ns, NOT coalesce({{good}}, false) AS bad
  FROM roots s
  WHERE {{where}}
)
SELECT
  count(*)::INTEGER AS total,
  count(*) FILTER (bad)::INTEGER AS bad,
  count(*) FILTER (start_ns >= {{last_hour}})::INTEGER AS total_1h,
  count(*) FILTER (bad AND start_ns >= {{last_hour}})::INTEGER AS bad_1h,
  count(*) FILTER (start_ns >= {{last_minutes}})::INTEGER AS total_5m,
  count(*) FILTER (bad AND start_ns >= {{last_minutes}})::INTEGER AS bad_5m
FROM counted
