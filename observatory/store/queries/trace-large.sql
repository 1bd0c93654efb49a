-- The spans of a trace, the first ones by start, as many as fit into an answer.
-- The range of instants keeps the search to a few blocks of the table.
WITH told AS (
  SELECT
    s.*,
    count(*) OVER ()::INTEGER AS total,
    sum(
      500 + length(s.attributes::VARCHAR) + coalesce(length(s.events), 0) + coalesce(length(s.links), 0)
    ) OVER (ORDER BY s.start_ns, s.span_id ROWS UNBOUNDED PRECEDING) AS characters
  FROM spans s
  WHERE s.trace_id = {{trace_id}} AND s.start_ns BETWEEN {{start}} AND {{end}}
)
SELECT told.*, told.start_ns::VARCHAR AS start_text, told.duration_ns::VARCHAR AS duration_text
FROM told
WHERE told.characters <= {{most_characters}}
ORDER BY told.start_ns, told.span_id
LIMIT {{limit}}
