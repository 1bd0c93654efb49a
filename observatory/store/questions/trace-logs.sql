-- The log records of a trace, in order of time.
SELECT l.*, l.time_ns::VARCHAR AS time_text
FROM logs l
WHERE l.trace_id = {{trace_id}}
ORDER BY l.time_ns, l.span_id
LIMIT {{limit}}
