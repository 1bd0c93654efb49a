-- The values of one attribute in a population that begin with a text, the most frequent first.
WITH told AS (
  SELECT {{value}} AS value
  FROM {{view}} s
  WHERE {{where}}
)
SELECT left(value, {{longest}}) AS value, count(*)::INTEGER AS spans
FROM told
WHERE starts_with(lower(value), {{text}})
GROUP BY told.value
ORDER BY spans DESC, value
LIMIT {{limit}}
