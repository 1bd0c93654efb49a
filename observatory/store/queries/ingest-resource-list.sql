-- The resources, which the ingest knows again by their fingerprint.
SELECT resource_id, fingerprint, service, attributes, types FROM store.resources;
