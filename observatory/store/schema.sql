-- The Observatory's tables, in the database file attached as `store`. Read by people and run at every start, so
-- every statement may run again. What queries see are the views of `views.sql`, which have the same names and columns.
--
-- No primary or foreign keys: spans arrive out of order and a violated key would fail a whole batch at its flush.
-- The ingest writes each span once instead (traces.ts).
--
-- Conventions: instants are Unix nanoseconds (BIGINT), durations nanoseconds, ids lower-case hex. Attribute values are
-- text, whatever they were; `types` is JSON and tells the ones that were no strings, for example
-- {"http.response.status_code":"i"}: i integer, d double, b boolean, j JSON (array or map), x bytes in base64, n empty.
-- c is of a column whose value was sent by an older name of its attribute (`olderNames` in records/hot-attributes.ts), in
-- the MAP; it is not an attribute by itself.
-- It is NULL where every value is a string. attributes.ts reads and writes the pair.

-- One row: which version of this schema the file has (database.ts).
CREATE TABLE IF NOT EXISTS store.schema_version (version INTEGER NOT NULL);

-- A resource once for the thousands of spans, logs and points that share it.
CREATE TABLE IF NOT EXISTS store.resources (
  resource_id INTEGER NOT NULL,
  -- Of all its attributes: finds the same resource again after a restart.
  fingerprint VARCHAR NOT NULL,
  service     VARCHAR NOT NULL,
  attributes  MAP(VARCHAR, VARCHAR) NOT NULL,
  types       VARCHAR
);

-- Every span, append-only, in order of arrival. In the gap `promoted` are the columns of hot attributes, all VARCHAR:
-- http_route and so on (`promotedAttributes` in attributes.ts). What has a column is not in the MAP, unless it is longer
-- than a column holds (`columnBytes` in column-text.ts): then it is there, and its beginning is in the column.
CREATE TABLE IF NOT EXISTS store.spans (
  trace_id        VARCHAR NOT NULL,
  span_id         VARCHAR NOT NULL,
  -- NULL where it has no parent.
  parent_span_id  VARCHAR,
  start_ns        BIGINT NOT NULL,
  -- Never negative: a clock that was set back during the span makes it 0.
  duration_ns     BIGINT NOT NULL,
  service         VARCHAR NOT NULL,
  name            VARCHAR NOT NULL,
  -- unspecified, internal, server, client, producer, consumer.
  kind            VARCHAR NOT NULL,
  -- unset, ok, error.
  status          VARCHAR NOT NULL,
  status_message  VARCHAR,
  error           BOOLEAN NOT NULL,
  -- Instrumentation scope: name, or name@version.
  scope           VARCHAR,
  resource_id     INTEGER NOT NULL,
  service_version VARCHAR,
  {{promoted}}
  attributes      MAP(VARCHAR, VARCHAR) NOT NULL,
  types           VARCHAR,
  -- JSON in the shape of SpanDetail.events and .links of contract/contract.ts; where there are none '' (NULL in older files:
  -- behind a text of more than 16 KB DuckDB reads a NULL as slowly as that text).
  events          VARCHAR,
  links           VARCHAR
);

-- Entry spans: what a user asked for. One row each, a copy of the span and a roll-up of everything below it.
-- A trace's entry span is its span without a parent; where that is the caller's own (a browser's span, or one of kind
-- client or producer), the first span below it that is not, so that a ride is one row and the same row whether a page
-- or the load generator began it. A trace may have several. A trace whose entry never comes is entered by its earliest
-- span once nothing of it has arrived for a while.
--
-- What HotROD's wide events tell has columns here, in the gap `root_promoted`, and is then not in the MAP of this table;
-- in that of `spans` it is.
--
-- `fresh_roots` are those whose trace still receives spans: rewritten at each flush. `settled_roots` is append-only.
-- A query reads their union, the view `roots`; a row is always in exactly one of the two.
CREATE TABLE IF NOT EXISTS store.settled_roots (
  trace_id        VARCHAR NOT NULL,
  span_id         VARCHAR NOT NULL,
  parent_span_id  VARCHAR,
  start_ns        BIGINT NOT NULL,
  duration_ns     BIGINT NOT NULL,
  service         VARCHAR NOT NULL,
  name            VARCHAR NOT NULL,
  kind            VARCHAR NOT NULL,
  status          VARCHAR NOT NULL,
  status_message  VARCHAR,
  error           BOOLEAN NOT NULL,
  scope           VARCHAR,
  resource_id     INTEGER NOT NULL,
  service_version VARCHAR,
  {{promoted}}
  {{root_promoted}}
  attributes      MAP(VARCHAR, VARCHAR) NOT NULL,
  types           VARCHAR,
  events          VARCHAR,
  links           VARCHAR,
  -- The last 15 digits of trace_id as a number: a trace is found by it several times as fast as by the text.
  trace_key       BIGINT NOT NULL,
  -- The roll-up: attributes trace.* of the scope `roots` (`rollUpAttributes` in attributes.ts).
  -- Earliest start and latest end of all spans counted here: bounds for finding them in `spans`.
  trace_start_ns  BIGINT NOT NULL,
  trace_end_ns    BIGINT NOT NULL,
  span_count      INTEGER NOT NULL,
  error_count     INTEGER NOT NULL,
  -- Names of the services, sorted, joined by ", ".
  services        VARCHAR NOT NULL,
  -- db.query.text of the longest span that has one; NULL where none has.
  slowest_statement    VARCHAR,
  slowest_statement_ns BIGINT,
  -- Service → nanoseconds: durations added up of its spans whose parent belongs to another service.
  service_ns      MAP(VARCHAR, BIGINT) NOT NULL
);
CREATE TABLE IF NOT EXISTS store.fresh_roots AS FROM store.settled_roots LIMIT 0;
-- Traces that still receive spans, whether they have an entry span already or not: looked at again after a crash.
CREATE TABLE IF NOT EXISTS store.open_traces (trace_id VARCHAR NOT NULL);

-- Traces that came whole in one request, of which the last load has the first spans and the next one the others, because
-- a load is a group of rows. Should the next one never come, they are taken out again at the next start.
CREATE TABLE IF NOT EXISTS store.cut_traces (trace_id VARCHAR NOT NULL);

-- Log records. Trace and span id are NULL where the record belongs to none.
CREATE TABLE IF NOT EXISTS store.logs (
  time_ns         BIGINT NOT NULL,
  trace_id        VARCHAR,
  span_id         VARCHAR,
  service         VARCHAR NOT NULL,
  severity        VARCHAR NOT NULL,
  -- 1 to 24 as in OTLP; 0 where unspecified.
  severity_number UTINYINT NOT NULL,
  -- A body that is not a string is JSON.
  body            VARCHAR NOT NULL,
  event_name      VARCHAR NOT NULL,
  scope           VARCHAR,
  resource_id     INTEGER NOT NULL,
  attributes      MAP(VARCHAR, VARCHAR) NOT NULL,
  types           VARCHAR
);

-- Metric points, one row each.
CREATE TABLE IF NOT EXISTS store.metrics (
  time_ns         BIGINT NOT NULL,
  start_ns        BIGINT,
  service         VARCHAR NOT NULL,
  name            VARCHAR NOT NULL,
  unit            VARCHAR NOT NULL,
  -- gauge, sum, histogram, exponential_histogram, summary.
  kind            VARCHAR NOT NULL,
  -- delta, cumulative; NULL where it has none.
  temporality     VARCHAR,
  monotonic       BOOLEAN,
  -- Of gauges and sums; integers are in `value_integer` as well, exactly.
  value           DOUBLE,
  value_integer   BIGINT,
  -- Of histograms and summaries.
  count           UBIGINT,
  sum             DOUBLE,
  min             DOUBLE,
  max             DOUBLE,
  -- JSON: {"bounds":[…],"counts":[…]}, {"scale":…,"zeroCount":…,"positive":{…},"negative":{…}}, {"quantiles":[[q,v],…]}.
  distribution    VARCHAR,
  scope           VARCHAR,
  resource_id     INTEGER NOT NULL,
  attributes      MAP(VARCHAR, VARCHAR) NOT NULL,
  types           VARCHAR
);

-- Which attribute keys there are, for completion: counts since the last line that told them, to be summed by key.
-- `place` is span, resource or log.
CREATE TABLE IF NOT EXISTS store.attribute_keys (
  key      VARCHAR NOT NULL,
  place    VARCHAR NOT NULL,
  strings  BIGINT NOT NULL,
  numbers  BIGINT NOT NULL,
  booleans BIGINT NOT NULL,
  others   BIGINT NOT NULL
);

-- Deploys and the like, written through Honeycomb's markers API. Instants in Unix milliseconds.
CREATE TABLE IF NOT EXISTS store.markers (
  id         VARCHAR NOT NULL,
  dataset    VARCHAR NOT NULL,
  start_ms   BIGINT NOT NULL,
  -- NULL while the marker is open.
  end_ms     BIGINT,
  message    VARCHAR NOT NULL,
  type       VARCHAR NOT NULL,
  url        VARCHAR,
  color      VARCHAR NOT NULL,
  created_ms BIGINT NOT NULL,
  updated_ms BIGINT NOT NULL
);
