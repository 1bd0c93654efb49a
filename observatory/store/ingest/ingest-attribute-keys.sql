-- Adds this flush's counts to the catalogue of keys.
INSERT INTO store.attribute_keys BY NAME FROM staged_attribute_keys;
