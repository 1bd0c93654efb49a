-- How often the values of one attribute occur that fall into some buckets of its hash.
SELECT
  left(s.value, {{longest}}) AS value,
  CASE WHEN length(s.value) > {{longest}} THEN md5(s.value) END AS digest,
  sum(s.selected)::INTEGER AS selected,
  sum(s.baseline)::INTEGER AS baseline
FROM ({{rows}}) s
WHERE list_contains({{buckets}}, {{bucket}})
GROUP BY s.value
HAVING sum(s.selected) >= {{least_selected}} OR sum(s.baseline) >= {{least_baseline}}
