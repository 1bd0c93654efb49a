-- The keys of the catalogue, the most frequent first.
SELECT key FROM attribute_keys GROUP BY key ORDER BY sum(strings + numbers + booleans + others) DESC LIMIT $limit;
