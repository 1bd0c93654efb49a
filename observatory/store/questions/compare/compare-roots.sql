-- How often each value of attributes of entry spans occurs in a selection and in its baseline, for all spans of their
-- traces. A statement of its own: its tables have a row for each trace, and with those of compare-values.sql they would
-- need too much memory at the same time.
WITH
  s AS ({{traces}}),
  counted AS ({{counted}}),
{{told}}
