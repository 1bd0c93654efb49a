DELETE FROM store.markers
WHERE dataset = $dataset AND id = $id
RETURNING *
