-- When a trace took place, as far as its roll-ups know; NULL where it has none yet.
SELECT min(trace_start_ns) AS start_ns, max(trace_end_ns) AS end_ns
FROM roots
WHERE trace_key = trace_key({{trace_id}}) AND trace_id = {{trace_id}}
