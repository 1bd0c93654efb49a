-- Copies the spans staged on one side to the file.
INSERT INTO store.spans BY NAME SELECT * EXCLUDE (place) FROM unpacked_spans_{{side}} WHERE {{within}};
