UPDATE store.markers
SET
  start_ms = $start_ms,
  end_ms = $end_ms,
  message = $message,
  type = $type,
  url = $url,
  color = $color,
  updated_ms = $now_ms
WHERE dataset = $dataset AND id = $id
RETURNING *
