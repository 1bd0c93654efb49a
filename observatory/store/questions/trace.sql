-- The spans of a trace of a few hundred spans at most, in no order: half the time of trace-large.sql.
-- The range of instants keeps the search to a few blocks of the table.
SELECT s.*, s.start_ns::VARCHAR AS start_text, s.duration_ns::VARCHAR AS duration_text
FROM spans s
WHERE s.trace_id = {{trace_id}} AND s.start_ns BETWEEN {{start}} AND {{end}}
LIMIT {{limit}}
