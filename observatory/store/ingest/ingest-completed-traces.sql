-- Those of the load before are complete now.
DELETE FROM store.cut_traces;
