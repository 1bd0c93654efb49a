-- The stored spans of some traces, for going on with them. Unbounded times read everything.
SELECT s.*
FROM store.spans s
WHERE s.start_ns >= $from_ns AND s.start_ns <= $to_ns AND s.trace_id IN (SELECT unnest($traces::VARCHAR[]))
LIMIT $limit;
