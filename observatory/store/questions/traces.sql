-- Which spans of a population a list shows: newest or slowest first. What it tells of them is traces-told.sql.
SELECT s.trace_id, s.span_id, s.start_ns
FROM {{view}} s
WHERE {{where}}
ORDER BY {{order}} DESC, s.start_ns DESC, s.span_id
LIMIT {{limit}}
