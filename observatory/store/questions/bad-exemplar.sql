-- The entry span that stands for the bad ones: the slowest of them.
SELECT s.trace_id
FROM roots s
WHERE {{where}} AND NOT coalesce({{good}}, false)
ORDER BY s.duration_ns DESC, s.start_ns DESC
LIMIT 1
