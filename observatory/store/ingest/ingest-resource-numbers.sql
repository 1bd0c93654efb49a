-- The resources that there are, which the ingest knows again by their fingerprint.
SELECT resource_id, fingerprint FROM store.resources;
