-- The keys of attributes of spans and resources whose names hold a text, with the types that their values had. Not from
-- the view, which adds up the lines first: they are added up here.
SELECT
  key,
  sum(strings + numbers + booleans + others)::DOUBLE AS spans,
  sum(strings)::DOUBLE AS strings,
  sum(numbers)::DOUBLE AS numbers,
  sum(booleans)::DOUBLE AS booleans,
  sum(others)::DOUBLE AS others,
  CASE WHEN count(DISTINCT place) > 1 THEN 'both' ELSE any_value(place) END AS place
FROM store.attribute_keys
WHERE place IN ('span', 'resource') AND contains(lower(key), {{text}})
GROUP BY key
ORDER BY starts_with(lower(key), {{text}}) DESC, spans DESC, key
LIMIT {{limit}}
