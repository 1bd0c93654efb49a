-- Every trace that is over, for the filter that tells which are certainly not.
SELECT trace_id FROM store.settled_roots;
