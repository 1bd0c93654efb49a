-- The releases of each service in a time range: what each served, and how it began beside how the one before ended.
-- What a service was asked for are its spans of kind server and consumer.
WITH
  served AS (
    SELECT s.service, s.service_version AS version, s.start_ns, s.duration_ns, s.error
    FROM spans s
    WHERE s.start_ns >= {{from}} AND s.start_ns < {{to}}
      AND s.kind IN ('server', 'consumer') AND s.service_version IS NOT NULL
  ),
  releases AS (
    SELECT
      service, version, min(start_ns) AS first_ns, max(start_ns) AS last_ns,
      count(*)::INTEGER AS requests, count_if(error)::INTEGER AS errors,
      quantile_cont(duration_ns, [0.5, 0.95]) AS quantiles
    FROM served
    GROUP BY ALL
  ),
  ordered AS (
    SELECT *, lag(version) OVER (PARTITION BY service ORDER BY first_ns, version) AS previous
    FROM releases
    ORDER BY first_ns DESC, service
    LIMIT {{limit}}
  ),
  began AS (
    SELECT
      o.service, o.version, count(*)::INTEGER AS requests, count_if(s.error)::INTEGER AS errors,
      quantile_cont(s.duration_ns, [0.5, 0.95]) AS quantiles
    FROM ordered o
    JOIN served s ON s.service = o.service AND s.version = o.version AND s.start_ns < o.first_ns + {{window}}
    GROUP BY ALL
  ),
  ended AS (
    SELECT
      o.service, o.version, count(*)::INTEGER AS requests, count_if(s.error)::INTEGER AS errors,
      quantile_cont(s.duration_ns, [0.5, 0.95]) AS quantiles
    FROM ordered o
    JOIN served s
      ON s.service = o.service AND s.version = o.previous
      AND s.start_ns >= o.first_ns - {{window}} AND s.start_ns < o.first_ns
    GROUP BY ALL
  )
SELECT
  o.service, o.version, o.previous,
  o.first_ns::DOUBLE / 1e6 AS first_ms, o.last_ns::DOUBLE / 1e6 AS last_ms,
  o.requests, o.errors, o.quantiles[1]::DOUBLE / 1e6 AS p50_ms, o.quantiles[2]::DOUBLE / 1e6 AS p95_ms,
  began.requests AS began_requests, began.errors AS began_errors,
  began.quantiles[1]::DOUBLE / 1e6 AS began_p50_ms, began.quantiles[2]::DOUBLE / 1e6 AS began_p95_ms,
  ended.requests AS ended_requests, ended.errors AS ended_errors,
  ended.quantiles[1]::DOUBLE / 1e6 AS ended_p50_ms, ended.quantiles[2]::DOUBLE / 1e6 AS ended_p95_ms
FROM ordered o
LEFT JOIN began USING (service, version)
LEFT JOIN ended USING (service, version)
ORDER BY o.first_ns DESC, o.service, o.version
