-- Spans that are too old.
DELETE FROM store.spans WHERE start_ns < $before_ns;
