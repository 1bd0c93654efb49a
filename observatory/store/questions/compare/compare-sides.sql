-- How many spans a selection and its baseline have, and when the first and the last of them all began.
SELECT
  count_if(selected)::INTEGER AS selected,
  (count(*) - count_if(selected))::INTEGER AS baseline,
  min(start_ns) AS first,
  max(start_ns) AS last
FROM ({{rows}})
