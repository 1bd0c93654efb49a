  -- The end of compare-values.sql and of compare-roots.sql: from the counted values to a row for each attribute.
  -- Of an attribute with very many values only those frequent enough to be evidence are listed (`least_selected`,
  -- `least_baseline`), the others are in its sums.
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
