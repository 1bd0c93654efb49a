-- What a list tells of its spans, each with the size of its trace. Their instants keep the search to a few blocks.
WITH
  wanted AS (
    SELECT
      unnest({{trace_ids}}) AS trace_id, unnest({{span_ids}}) AS span_id, unnest({{starts}})::BIGINT AS start_ns
  ),
  listed AS (
    SELECT
      s.trace_id, s.span_id, s.service, s.name, s.start_ns, s.duration_ns, s.error,
      {{highlights}} AS highlights,
      {{spans}} AS spans
    FROM {{view}} s
    JOIN wanted
      ON wanted.start_ns = s.start_ns AND wanted.span_id = s.span_id AND wanted.trace_id = s.trace_id
  ),
  sizes AS (
    SELECT trace_id, sum(span_count) AS spans
    FROM roots
    WHERE trace_id IN (SELECT trace_id FROM listed WHERE spans IS NULL)
    GROUP BY trace_id
  )
SELECT
  listed.trace_id, span_id, service, name, start_ns::VARCHAR AS start_ns, duration_ns::DOUBLE / 1e6 AS duration_ms,
  error, highlights, coalesce(listed.spans, sizes.spans, 1)::INTEGER AS spans
FROM listed
LEFT JOIN sizes ON sizes.trace_id = listed.trace_id
ORDER BY {{listed_order}} DESC, listed.start_ns DESC, span_id, listed.trace_id
