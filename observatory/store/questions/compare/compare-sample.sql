-- What kind of values attributes have, from some spans spread over time: columns (`given`) that are not empty there, and
-- keys of the MAP that have more than a few (`few`) values there. `usual` is the most frequent value, `most` of the
-- `sampled` spans have it.
WITH
  sample AS ({{slices}}),
  pairs AS (
    SELECT false AS given, unnest(map_keys(attributes)) AS key, unnest(map_values(attributes)) AS value
    FROM sample
    UNION ALL
    SELECT true, unnest({{keys}}), unnest([{{values}}])
    FROM sample
  ),
  counted AS (
    SELECT given, key, value, count(*) AS spans, TRY_CAST(value AS DOUBLE) AS number
    FROM pairs
    WHERE value IS NOT NULL
    GROUP BY given, key, value
  )
SELECT
  given,
  key,
  count(*)::INTEGER AS "distinct",
  sum(spans)::INTEGER AS present,
  max(spans)::INTEGER AS most,
  arg_max(value, spans) AS usual,
  (SELECT count(*) FROM sample)::INTEGER AS sampled,
  quantile_disc(number, {{shares}}::DOUBLE[]) FILTER (isfinite(number)) AS cuts,
  min(number) FILTER (isfinite(number)) AS lowest
FROM counted
GROUP BY given, key
HAVING given OR count(*) > {{few}}
