-- Of the entry spans: how many, and from when to when.
SELECT count(DISTINCT trace_key)::DOUBLE AS traces, min(start_ns) AS oldest_ns, max(start_ns) AS newest_ns FROM roots;
