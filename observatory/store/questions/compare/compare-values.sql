-- How often each value of each attribute occurs in a selection and in its baseline: a row for each attribute. Counts are
-- exact.
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
{{told}}
