-- Where spans, logs and points wait in memory, side {{side}} of two: while one is copied to the file, the other is filled.
-- How they are packed says staging.sql. Emptied by making the tables anew, which gives their memory back.
CREATE OR REPLACE TABLE staged_spans_{{side}} (
  texts VARCHAR, texts_separator VARCHAR,
  start_ns BIGINT, duration_ns BIGINT, error BOOLEAN, resource_id INTEGER,
  keys VARCHAR, "values" VARCHAR, separator VARCHAR
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
    t[1] AS trace_id,
    t[2] AS span_id,
    text_or_null(t[3]) AS parent_span_id,
    start_ns,
    duration_ns,
    t[4] AS service,
    t[5] AS name,
    t[6] AS kind,
    t[7] AS status,
    text_or_null(t[8]) AS status_message,
    error,
    text_or_null(t[9]) AS scope,
    resource_id,
    text_or_null(t[10]) AS service_version,
    {{promoted}}
    attribute_map(keys, "values", separator) AS attributes,
    text_or_null(t[11]) AS types,
    text_or_null(t[12]) AS events,
    text_or_null(t[13]) AS links
  FROM (SELECT *, texts_of(texts, texts_separator) AS t FROM staged_spans_{{side}});
