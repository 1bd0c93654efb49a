-- Fails where RE2 cannot read a pattern.
SELECT regexp_matches('', $pattern) AS readable
