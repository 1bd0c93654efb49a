-- Traces of which the first span came.
INSERT INTO store.open_traces SELECT unnest($traces::VARCHAR[]);
