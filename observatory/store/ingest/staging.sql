-- Staging tables, the macros that unpack what staging.ts packs, and views of what is unpacked. Each value that goes to
-- DuckDB by itself costs a call, so all texts of a span come as one (records/span-packer.ts), which string_split takes apart:
-- 12 of its own, one for each hot attribute, and the values of its other attributes, whose keys are those of its shape.
-- The separator is in none of the texts; NULL is the usual one, chr(31).
--
-- A statement with the gap `side` runs once for each of two sides: while one is copied to the file, the other is filled. The
-- tables without a side are filled by a flush as a whole. A table that was filled is emptied by making it anew, which gives
-- its memory back; the views find it by its name.

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
-- Of the shapes of spans (attribute-shapes.ts) that a flush has, the keys of the MAP and the types.
CREATE OR REPLACE TABLE staged_shapes (shape INTEGER, keys VARCHAR, separator VARCHAR, types VARCHAR);
CREATE OR REPLACE TABLE staged_roots (
  texts BLOB, separator VARCHAR,
  start_ns BIGINT, duration_ns BIGINT, error BOOLEAN, resource_id INTEGER, shape INTEGER,
  trace_start_ns BIGINT, trace_end_ns BIGINT, span_count INTEGER, error_count INTEGER, services VARCHAR,
  slowest_statement VARCHAR, slowest_statement_ns BIGINT,
  -- Of service_ns, one to one: names separated by chr(31), nanoseconds by spaces.
  service_names VARCHAR, service_times VARCHAR,
  settled BOOLEAN
);
CREATE OR REPLACE TABLE staged_resources AS
  SELECT * EXCLUDE (attributes), ''::VARCHAR AS keys, ''::VARCHAR AS "values", ''::VARCHAR AS separator
  FROM store.resources LIMIT 0;
CREATE OR REPLACE TABLE staged_attribute_keys AS FROM store.attribute_keys LIMIT 0;

-- Texts apart. The separator that is nearly always used is a constant, which string_split is faster with.
CREATE OR REPLACE MACRO texts_of(texts, separator) AS
  CASE WHEN separator IS NULL THEN string_split(texts, chr(31)) ELSE string_split(texts, separator) END;
-- '' is a text that is missing, as is one beyond the last; chr(30) stands before a text that is empty or begins with it.
CREATE OR REPLACE MACRO text_or_null(packed) AS
  CASE WHEN packed = '' THEN NULL WHEN starts_with(packed, chr(30)) THEN substr(packed, 2) ELSE packed END;
-- Of all texts of a span those before `first_value`, with NULL for what is missing. One lambda for all of them, because a macro
-- for each column takes longer to plan than a usual flush to run.
CREATE OR REPLACE MACRO own_texts(texts) AS
  list_transform(texts[:{{first_value}} - 1], lambda packed: text_or_null(packed));
-- From two texts to a MAP. DuckDB splits '' into one empty string, so no attributes at all are NULL.
CREATE OR REPLACE MACRO attribute_map(keys, "values", separator) AS
  CASE
    WHEN keys IS NULL THEN map([]::VARCHAR[], []::VARCHAR[])
    ELSE map(texts_of(keys, separator), texts_of("values", separator))
  END;

CREATE OR REPLACE VIEW shapes AS
  SELECT shape, CASE WHEN keys IS NULL THEN []::VARCHAR[] ELSE string_split(keys, separator) END AS keys, types
  FROM staged_shapes;
-- The staged spans as the columns of `spans`: t is all texts, o those that have columns of their own.
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
  FROM (
    SELECT *, own_texts(t) AS o
    FROM (SELECT *, rowid AS place, texts_of(decode(texts), separator) AS t FROM staged_spans_{{side}} JOIN shapes USING (shape))
  );
-- The staged entry spans as the columns of `roots`.
CREATE OR REPLACE VIEW unpacked_roots AS
  SELECT
    {{span_texts}}
    start_ns,
    duration_ns,
    error,
    resource_id,
    {{promoted}}
    {{root_promoted}}
    map_from_entries(
      list_filter(map_entries(all_attributes), lambda entry: NOT list_contains([{{root_keys}}], entry.key))
    ) AS attributes,
    types,
    ('0x' || right(t[1], 15))::BIGINT AS trace_key,
    trace_start_ns,
    trace_end_ns,
    span_count,
    error_count,
    services,
    slowest_statement,
    slowest_statement_ns,
    map(string_split(service_names, chr(31)), string_split(service_times, ' ')::BIGINT[]) AS service_ns,
    settled,
    place
  FROM (
    SELECT
      *,
      map(keys, t[{{first_value}}:]) AS all_attributes,
      own_texts(t) AS o
    FROM (SELECT *, rowid AS place, texts_of(decode(texts), separator) AS t FROM staged_roots JOIN shapes USING (shape))
  );
