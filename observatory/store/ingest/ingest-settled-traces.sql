-- Which of these traces are over, and when their spans lie: bounds for reading those without going through all spans.
SELECT trace_id, min(trace_start_ns) AS from_ns, max(trace_end_ns) AS to_ns, sum(span_count)::INTEGER AS spans
FROM store.settled_roots
WHERE trace_id IN (SELECT unnest($traces::VARCHAR[]))
GROUP BY trace_id;
