-- Who calls whom: a span and its parent of another service are a call, told by the caller's span where that is one
-- of a client; a client's span of a database is a call of that database where it asks it something: to take a connection
-- from a pool is none. A link joins who sent a message and who took it, told by the span that took it; where that span is
-- the sender's child, it is a call already.
WITH
  -- The same as `browser` of toResource in otlp/decoding.ts.
  pages AS (
    SELECT resource_id FROM resources
    WHERE attributes['telemetry.sdk.language'] = 'webjs'
      OR len(list_filter(map_keys(attributes), lambda key: starts_with(key, 'browser.'))) > 0
  ),
  seen AS (
    SELECT s.trace_id, s.span_id, s.parent_span_id, s.service, s.resource_id, s.kind, s.duration_ns, s.error,
      s.db_system_name, s.server_address, coalesce(s.db_query_text, s.db_operation_name) IS NOT NULL AS asks
    FROM spans s
    WHERE {{where}}
  ),
  -- The ids of `links`, which is JSON that the receiver has written, in this order.
  linking AS (
    SELECT s.trace_id, s.parent_span_id, s.service, s.kind, s.duration_ns, s.error,
      unnest(regexp_extract_all(s.links, '"traceId":"([0-9a-f]{32})","spanId":"[0-9a-f]{16}"', 1)) AS linked_trace_id,
      unnest(regexp_extract_all(s.links, '"traceId":"[0-9a-f]{32}","spanId":"([0-9a-f]{16})"', 1)) AS linked_span_id
    FROM spans s
    WHERE {{where}} AND s.links <> ''
  ),
  calls AS (
    SELECT
      parent.service AS caller,
      child.service AS callee,
      'service' AS kind,
      CASE WHEN parent.kind IN ('client', 'producer') THEN parent.duration_ns ELSE child.duration_ns END AS duration_ns,
      parent.error AND parent.kind IN ('client', 'producer') OR child.error AS error
    FROM seen child
    JOIN seen parent ON parent.trace_id = child.trace_id AND parent.span_id = child.parent_span_id
    WHERE parent.service <> child.service
      -- A page's load joins the trace of the answer that brought the page: whoever served that does not call the page.
      AND (
        parent.kind NOT IN ('server', 'consumer')
        OR child.kind IN ('server', 'consumer')
        OR child.resource_id NOT IN (SELECT resource_id FROM pages)
      )
      -- Where both ends of a call share an id (Zipkin's way), what the server does is below the server's span alone.
      AND NOT (
        parent.kind IN ('client', 'producer')
        AND child.kind NOT IN ('server', 'consumer')
        AND EXISTS (
          FROM seen own
          WHERE own.trace_id = child.trace_id AND own.span_id = child.parent_span_id AND own.service = child.service
        )
      )
    UNION ALL
    SELECT
      service,
      concat_ws(' ', db_system_name, server_address),
      'database',
      duration_ns,
      error
    FROM seen
    WHERE db_system_name IS NOT NULL AND kind = 'client' AND asks
    UNION ALL
    SELECT sender.service, taker.service, 'link', taker.duration_ns, taker.error
    FROM linking taker
    JOIN seen sender ON sender.trace_id = taker.linked_trace_id AND sender.span_id = taker.linked_span_id
    WHERE sender.service <> taker.service
      AND (sender.kind = 'producer' OR taker.kind = 'consumer')
      AND NOT (taker.trace_id = sender.trace_id AND taker.parent_span_id IS NOT DISTINCT FROM sender.span_id)
  )
SELECT
  caller AS "from",
  callee AS "to",
  kind,
  count(*)::INTEGER AS calls,
  count_if(error) / count(*) AS error_rate,
  quantile_cont(duration_ns, 0.5)::DOUBLE / 1e6 AS p50_ms,
  quantile_cont(duration_ns, 0.95)::DOUBLE / 1e6 AS p95_ms
FROM calls
GROUP BY ALL
ORDER BY calls DESC, caller, callee, kind
LIMIT {{limit}}
