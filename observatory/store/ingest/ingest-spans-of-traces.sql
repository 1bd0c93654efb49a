-- The stored spans of some traces, for going on with them: one of so many parts of about the same size.
SELECT s.*
FROM store.spans s
WHERE s.start_ns >= $from_ns AND s.start_ns <= $to_ns AND s.trace_id IN (SELECT unnest($traces::VARCHAR[]))
  AND ($parts = 1 OR hash(s.span_id) % $parts = $part)
LIMIT $limit;
