-- The markers of every dataset that overlap a range, the latest of them; an open one lies at its start.
SELECT *
FROM (
  SELECT *
  FROM markers
  WHERE start_ms < $to_ms AND greatest(start_ms, coalesce(end_ms, start_ms)) >= $from_ms
  ORDER BY start_ms DESC
  LIMIT $limit
)
ORDER BY start_ms, id
