-- Copies the staged entry spans of traces that are over to the file.
INSERT INTO store.settled_roots BY NAME SELECT * EXCLUDE (settled, place) FROM unpacked_roots WHERE settled AND {{within}};
