-- The cells of a heatmap that hold something.
-- The row is first worked out by arithmetic, then moved by one where rounding put it beyond its own boundary: a cell
-- and the box drawn around it hold exactly the same spans.
WITH
  edges AS (SELECT {{edges}}::BIGINT[] AS edge),
  placed AS (
    SELECT
      ((s.start_ns - {{from}}) // {{step}})::INTEGER AS col,
      s.duration_ns,
      least({{rows}} - 1, greatest(0, floor({{row}})))::INTEGER AS guess,
      s.error,
      coalesce({{highlight}}, false) AS lit
    FROM {{view}} s
    WHERE {{where}}
  )
SELECT
  col AS "column",
  greatest(
    0,
    least(
      {{rows}} - 1,
      guess
        - (duration_ns < (SELECT edge FROM edges)[guess + 1])::INTEGER
        + (duration_ns >= (SELECT edge FROM edges)[guess + 2])::INTEGER
    )
  ) AS "row",
  count(*)::INTEGER AS count,
  count_if(error)::INTEGER AS errors,
  count_if(lit)::INTEGER AS lit
FROM placed
GROUP BY ALL
ORDER BY ALL
