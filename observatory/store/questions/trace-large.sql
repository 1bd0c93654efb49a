-- The spans of a trace, the first ones by start, as many as fit into an answer.
-- The range of instants keeps the search to a few blocks of the table. What is counted and ordered are rows of numbers:
-- whole spans there would be more than the memory where some have long texts.
WITH
  sizes AS (
    SELECT
      s.rowid AS place,
      s.start_ns,
      s.span_id,
      500 + coalesce(list_sum(list_transform(map_values(s.attributes), lambda value: length(value))), 0)
        + 20 * cardinality(s.attributes)::INTEGER
        + coalesce(length(s.db_query_text), 0) + coalesce(length(s.events), 0) + coalesce(length(s.links), 0) AS characters
    FROM store.spans s
    WHERE s.trace_id = {{trace_id}} AND s.start_ns BETWEEN {{start}} AND {{end}}
  ),
  told AS (
    SELECT
      place,
      start_ns,
      span_id,
      count(*) OVER ()::INTEGER AS total,
      sum(characters) OVER (ORDER BY start_ns, span_id ROWS UNBOUNDED PRECEDING) AS characters
    FROM sizes
  ),
  chosen AS (
    SELECT place, total
    FROM told
    WHERE characters <= {{most_characters}}
    ORDER BY start_ns, span_id
    LIMIT {{limit}}
  )
SELECT s.*, chosen.total, s.start_ns::VARCHAR AS start_text, s.duration_ns::VARCHAR AS duration_text
FROM store.spans s
JOIN chosen ON chosen.place = s.rowid
WHERE s.trace_id = {{trace_id}} AND s.start_ns BETWEEN {{start}} AND {{end}}
