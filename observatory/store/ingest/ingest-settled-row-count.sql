-- How far the numbers of the rows of traces that are over go; some may be missing.
SELECT coalesce(max(rowid) + 1, 0)::INTEGER AS rows FROM store.settled_roots;
