-- How often each bin of each of some numbers occurs in a selection and in its baseline; `bin` counts from 0.
WITH s AS MATERIALIZED (
  SELECT {{box}} AS selected, {{columns}}
  FROM {{view}} s
  WHERE {{where}}
)
{{branches}}
