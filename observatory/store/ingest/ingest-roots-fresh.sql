-- Copies the staged entry spans of traces that still receive spans to the file.
INSERT INTO store.fresh_roots BY NAME SELECT * EXCLUDE (settled) FROM unpacked_roots WHERE NOT settled;
