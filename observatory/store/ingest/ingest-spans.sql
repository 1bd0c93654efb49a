-- Copies the spans staged on one side to the file.
INSERT INTO store.spans BY NAME FROM unpacked_spans_{{side}};
