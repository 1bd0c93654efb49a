-- Rides of the past, as a batch job would have left them: by name, without an index that a lookup could use.
CREATE TABLE ride_history (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_name text NOT NULL,
  ordered_at timestamptz NOT NULL
);

INSERT INTO ride_history (customer_name, ordered_at)
SELECT c.name, timestamptz '2026-01-01' + n * interval '7 hours'
FROM customers AS c, generate_series(1, 60) AS n;
