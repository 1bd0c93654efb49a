-- Traces whose entry spans are written anew.
DELETE FROM store.fresh_roots WHERE trace_id IN (SELECT unnest($traces::VARCHAR[]));
