-- What queries read: views in the in-memory catalogue, which is the default one of every connection.
CREATE OR REPLACE VIEW spans AS FROM store.spans;
CREATE OR REPLACE VIEW roots AS FROM store.settled_roots UNION ALL FROM store.fresh_roots;
-- The same as `roots` with few columns: all of them take longer to plan than it takes to find a trace.
CREATE OR REPLACE VIEW trace_extents AS
  SELECT trace_id, trace_key, trace_start_ns, trace_end_ns, span_count FROM store.settled_roots
  UNION ALL
  SELECT trace_id, trace_key, trace_start_ns, trace_end_ns, span_count FROM store.fresh_roots;
CREATE OR REPLACE VIEW resources AS FROM store.resources;
CREATE OR REPLACE VIEW logs AS FROM store.logs;
CREATE OR REPLACE VIEW metrics AS FROM store.metrics;
CREATE OR REPLACE VIEW markers AS FROM store.markers;
CREATE OR REPLACE VIEW attribute_keys AS
  SELECT key, place,
    sum(strings)::BIGINT AS strings, sum(numbers)::BIGINT AS numbers,
    sum(booleans)::BIGINT AS booleans, sum(others)::BIGINT AS others
  FROM store.attribute_keys
  GROUP BY key, place;
