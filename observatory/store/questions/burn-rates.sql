-- How many entry spans an objective counts, and how many of them are bad, since each of several instants.
WITH counted AS (
  SELECT s.start_ns, NOT coalesce({{good}}, false) AS bad
  FROM roots s
  WHERE {{where}}
)
SELECT
  w.number::INTEGER AS number,
  count(c.start_ns)::INTEGER AS total,
  count(c.start_ns) FILTER (c.bad)::INTEGER AS bad
FROM (VALUES {{windows}}) w(number, from_ns)
LEFT JOIN counted c ON c.start_ns >= w.from_ns
GROUP BY w.number
