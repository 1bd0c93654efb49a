-- What is not given is erased; a start that is not given becomes what it was by default: when the marker was made.
UPDATE store.markers
SET
  start_ms = coalesce($start_ms, created_ms),
  end_ms = $end_ms,
  message = $message,
  type = $type,
  url = $url,
  color = $color,
  updated_ms = $now_ms
WHERE dataset = $dataset AND id = $id
RETURNING *
