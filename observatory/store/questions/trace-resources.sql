-- Some resources, by their numbers.
SELECT resource_id, attributes, types
FROM resources
WHERE resource_id IN (SELECT unnest({{resources}})::INTEGER)
