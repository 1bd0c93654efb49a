-- The traces of some rows of those that are over, for the filter that tells which are certainly not.
SELECT trace_id FROM store.settled_roots WHERE rowid >= $from AND rowid < $to;
