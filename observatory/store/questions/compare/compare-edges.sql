-- Boundaries that cut each of some numbers into bins of like size, over selection and baseline together.
WITH s AS (
  SELECT {{columns}}
  FROM {{view}} s
  WHERE {{where}}
)
SELECT {{edges}}
FROM s
