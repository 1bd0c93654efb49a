-- Traces that the next load completes.
INSERT INTO store.cut_traces SELECT unnest($traces::VARCHAR[]);
