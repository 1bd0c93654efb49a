-- Traces that were over and go on: late spans came.
DELETE FROM store.settled_roots WHERE trace_id IN (SELECT unnest($traces::VARCHAR[]));
