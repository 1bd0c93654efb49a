CREATE TABLE drivers (
  id text PRIMARY KEY,
  location point NOT NULL,
  busy_until timestamptz NOT NULL DEFAULT '-infinity',
  -- The ride that has the driver until then.
  ride text
) WITH (fillfactor = 70); -- room beside each row for its next version: claims then leave the indexes alone

-- For `ORDER BY location <-> point(x, y)`: nearest first without reading the rest.
CREATE INDEX drivers_by_location ON drivers USING gist (location);

-- 5,000 drivers all over the city, always the same ones: the golden ratio and the square root of two spread them evenly.
INSERT INTO drivers (id, location)
SELECT 'T7' || lpad((10000 + n * 17 % 90000)::text, 5, '0') || 'C',
  point(round((1000 * (n * 0.6180339887 - floor(n * 0.6180339887)))::numeric, 1), round((1000 * (n * 0.4142135624 - floor(n * 0.4142135624)))::numeric, 1))
FROM generate_series(1, 5000) AS n;
