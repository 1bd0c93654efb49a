-- Where spans, logs and points wait in memory, side {{side}} of two: while one is copied to the file, the other is filled.
-- How they are packed says staging.sql. Emptied by making the tables anew, which gives their memory back.
CREATE OR REPLACE TABLE staged_spans_{{side}} (
  texts BLOB, separator VARCHAR,
  start_ns BIGINT, duration_ns BIGINT, error BOOLEAN, resource_id INTEGER, shape INTEGER
);
CREATE OR REPLACE TABLE staged_logs_{{side}} AS
  SELECT * EXCLUDE (attributes), ''::VARCHAR AS keys, ''::VARCHAR AS "values", ''::VARCHAR AS separator
  FROM store.logs LIMIT 0;
CREATE OR REPLACE TABLE staged_metrics_{{side}} AS
  SELECT * EXCLUDE (attributes), ''::VARCHAR AS keys, ''::VARCHAR AS "values", ''::VARCHAR AS separator
  FROM store.metrics LIMIT 0;
-- The staged spans as the columns of `spans`.
CREATE OR REPLACE VIEW unpacked_spans_{{side}} AS
  SELECT
    {{span_texts}}
    start_ns,
    duration_ns,
    error,
    resource_id,
    {{promoted}}
    map(keys, t[{{first_value}}:]) AS attributes,
    types,
    place
  FROM (SELECT *, rowid AS place, texts_of(decode(texts), separator) AS t FROM staged_spans_{{side}} JOIN shapes USING (shape));
