-- How often the values of one attribute occur that fall into some buckets of its hash.
WITH s AS (
  SELECT {{box}} AS selected, {{value}} AS value
  FROM {{view}} s
  WHERE {{where}}
)
SELECT
  left(value, {{longest}}) AS value,
  CASE WHEN length(value) > {{longest}} THEN md5(value) END AS digest,
  count_if(selected)::INTEGER AS selected,
  count_if(NOT selected)::INTEGER AS baseline
FROM s
WHERE list_contains({{buckets}}, {{bucket}})
GROUP BY s.value
HAVING count_if(selected) >= {{least_selected}} OR count_if(NOT selected) >= {{least_baseline}}
