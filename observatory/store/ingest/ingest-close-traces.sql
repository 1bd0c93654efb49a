-- Traces that are over.
DELETE FROM store.open_traces WHERE trace_id IN (SELECT unnest($traces::VARCHAR[]));
