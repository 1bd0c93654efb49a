SELECT created_ms
FROM store.markers
WHERE dataset = $dataset AND id = $id
