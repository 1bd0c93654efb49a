-- Traces that were not over when the Observatory last stopped.
SELECT DISTINCT trace_id FROM store.open_traces;
