-- Some resources, for going on with traces that have them.
SELECT resource_id, fingerprint, service, attributes, types
FROM store.resources
WHERE resource_id IN (SELECT unnest($numbers::VARCHAR[])::INTEGER);
