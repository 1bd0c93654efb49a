-- Copies the log records staged on one side to the file.
INSERT INTO store.logs BY NAME
SELECT * EXCLUDE (place, keys, "values", separator), attribute_map(keys, "values", separator) AS attributes
FROM (SELECT *, rowid AS place FROM staged_logs_{{side}})
WHERE {{within}};
