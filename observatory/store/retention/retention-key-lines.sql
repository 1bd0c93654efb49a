-- How many lines the catalogue of keys has, that lines were added to since it was added up.
SELECT count(*)::INTEGER - count(DISTINCT (key, place))::INTEGER AS lines FROM store.attribute_keys;
