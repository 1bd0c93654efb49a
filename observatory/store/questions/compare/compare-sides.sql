-- How many spans a selection and its baseline have, and when the first and the last of them all began.
SELECT
  count_if({{box}})::INTEGER AS selected,
  count_if(NOT {{box}})::INTEGER AS baseline,
  min(s.start_ns) AS first,
  max(s.start_ns) AS last
FROM {{view}} s
WHERE {{where}}
