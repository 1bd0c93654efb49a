-- The markers of one dataset, in order of start.
SELECT *
FROM markers
WHERE dataset = $dataset
ORDER BY start_ms, id
LIMIT $limit
