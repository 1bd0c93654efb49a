-- What queries read: views in the in-memory catalogue, which is the default one of every connection.
CREATE OR REPLACE VIEW spans AS FROM store.spans;
CREATE OR REPLACE VIEW roots AS FROM store.settled_roots UNION ALL FROM store.fresh_roots;
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
