-- Copies the staged entry spans of traces that still receive spans to the file.
INSERT INTO store.fresh_roots BY NAME SELECT * EXCLUDE (settled, place) FROM unpacked_roots WHERE NOT settled AND {{within}};
