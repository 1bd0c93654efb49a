-- Copies the metric points staged on one side to the file.
INSERT INTO store.metrics BY NAME
SELECT * EXCLUDE (place, keys, "values", separator), attribute_map(keys, "values", separator) AS attributes
FROM (SELECT *, rowid AS place FROM staged_metrics_{{side}})
WHERE {{within}};
