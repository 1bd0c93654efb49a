-- What `release verify` said of releases, the latest first: markers of the type `verdict`.
SELECT message, url, coalesce(end_ms, start_ms) AS at_ms
FROM markers
WHERE type = 'verdict'
ORDER BY created_ms DESC
LIMIT {{limit}}
