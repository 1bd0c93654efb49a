-- Copies the resources seen for the first time to the file.
INSERT INTO store.resources BY NAME
SELECT * EXCLUDE (keys, "values", separator), attribute_map(keys, "values", separator) AS attributes
FROM staged_resources;
