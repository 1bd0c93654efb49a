-- How often each value of each attribute occurs in a selection and in its baseline: a row for each attribute.
-- Counts are exact; of an attribute with very many values only those frequent enough to be evidence are listed
-- (`least_selected`, `least_baseline`), the others are in its sums.
WITH
  s AS {{materialized}} ({{rows}}),
  pairs AS (
    SELECT selected, unnest(map_keys(attributes)) AS key, unnest(map_values(attributes)) AS value
    FROM s
  ),
  own AS ({{own}}),
  -- Attributes of resources: counted once a resource, not once a span.
  sharing AS (
    SELECT resource_id, count_if(selected) AS selected, count(*) - count_if(selected) AS baseline
    FROM s
    GROUP BY resource_id
  ),
  inherited AS (
    SELECT
      unnest(map_keys(r.attributes)) AS key, unnest(map_values(r.attributes)) AS value,
      sharing.selected, sharing.baseline
    FROM sharing
    JOIN resources r ON r.resource_id = sharing.resource_id
  ),
  counted AS (
    SELECT false AS given, key, value, kind, count_if(selected) AS selected, count(*) - count_if(selected) AS baseline
    FROM own
    GROUP BY key, value, kind
    UNION ALL
    SELECT false, key, value, 0, sum(selected), sum(baseline)
    FROM inherited
    WHERE NOT list_contains({{handled}}, key)
    GROUP BY key, value
    {{branches}}
  ),
  told AS (
    SELECT
      *,
      selected >= {{least_selected}} OR baseline >= {{least_baseline}} AS supported,
      {
        'value': left(value, {{longest}}),
        'digest': CASE WHEN length(value) > {{longest}} THEN md5(value) END,
        'selected': selected::INTEGER,
        'baseline': baseline::INTEGER
      } AS line
    FROM counted
  )
SELECT
  given,
  key,
  count(value)::INTEGER AS "distinct",
  count_if(value IS NOT NULL AND selected + baseline >= {{least_test}})::INTEGER AS tests,
  sum(selected)::INTEGER AS selected,
  sum(baseline)::INTEGER AS baseline,
  -- The same for attributes whose values split the spans into groups of the same sizes.
  sum(hash(selected, baseline))::VARCHAR AS fingerprint,
  list(line ORDER BY selected DESC, baseline DESC, value) FILTER (value IS NOT NULL AND (supported OR kind = 1)) AS supported,
  max_by(line, (selected, baseline, value), {{most_shown}}) FILTER (value IS NOT NULL AND kind = 0) AS frequent
FROM told
GROUP BY given, key
