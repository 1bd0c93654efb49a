INSERT INTO store.markers BY NAME
SELECT
  $id AS id,
  $dataset AS dataset,
  $start_ms AS start_ms,
  $end_ms AS end_ms,
  $message AS message,
  $type AS type,
  $url AS url,
  $color AS color,
  $now_ms AS created_ms,
  $now_ms AS updated_ms
