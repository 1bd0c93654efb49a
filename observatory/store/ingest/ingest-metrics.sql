-- Copies the metric points staged on one side to the file.
INSERT INTO store.metrics BY NAME
SELECT * EXCLUDE (keys, "values", separator), attribute_map(keys, "values", separator) AS attributes
FROM staged_metrics_{{side}};
