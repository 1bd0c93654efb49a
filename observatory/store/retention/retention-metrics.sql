-- Metric points that are too old.
DELETE FROM store.metrics WHERE time_ns < $before_ns;
