-- Traces that were not over when the Observatory last stopped, as far as they have spans: how many, and when.
SELECT trace_id, min(start_ns) AS from_ns, max(start_ns) AS to_ns, count(*)::INTEGER AS spans
FROM store.spans
WHERE trace_id IN (SELECT trace_id FROM store.open_traces)
GROUP BY trace_id;
