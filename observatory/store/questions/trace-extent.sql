-- When a trace took place and how many spans it has, as far as its roll-ups know; NULL where it has none yet.
SELECT min(trace_start_ns) AS start_ns, max(trace_end_ns) AS end_ns, sum(span_count)::INTEGER AS spans
FROM trace_extents
WHERE trace_key = {{trace_key}} AND trace_id = {{trace_id}}
