-- Log records that are too old.
DELETE FROM store.logs WHERE time_ns < $before_ns;
