-- Copies the log records staged on one side to the file.
INSERT INTO store.logs BY NAME
SELECT * EXCLUDE (keys, "values", separator), attribute_map(keys, "values", separator) AS attributes
FROM staged_logs_{{side}};
