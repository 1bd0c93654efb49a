-- The shortest and longest duration of a population, for the rows of its heatmap; NULL where it is empty.
-- The shortest hundredth does not count: one page load of half a millisecond among a thousand rides would squeeze the
-- bands of the rides into a corner. Nor do failures, where not all failed: they are often over at once.
-- (What is below the first row's boundary counts in the first row.) Durations are
-- taken by octaves, which is as quick as a minimum and needs no sorting. The usual longest leaves out the octaves on
-- top that hold one span in two hundred at most, or a single one of twenty or more.
WITH
  octaves AS (
    SELECT
      floor(log2(s.duration_ns)) AS octave,
      count(*) AS spans,
      count_if(NOT s.error) AS good,
      min(s.duration_ns) AS shortest_ns,
      min(s.duration_ns) FILTER (NOT s.error) AS shortest_good_ns,
      max(s.duration_ns) AS longest_ns
    FROM {{view}} s
    WHERE ({{where}}) AND s.duration_ns > 0
    GROUP BY octave
  ),
  counted AS (
    SELECT
      shortest_ns,
      shortest_good_ns,
      longest_ns,
      sum(spans) OVER (ORDER BY octave) AS so_far,
      sum(good) OVER (ORDER BY octave) AS good_so_far,
      sum(good) OVER () AS good_in_all,
      sum(spans) OVER (ORDER BY octave DESC) AS from_here,
      sum(spans) OVER () AS total
    FROM octaves
  )
SELECT
  coalesce(
    (SELECT min(shortest_good_ns) FROM counted WHERE good_so_far > good_in_all / 100),
    (SELECT min(shortest_ns) FROM counted WHERE so_far > total / 100)
  )::DOUBLE AS shortest_ns,
  (
    SELECT max(longest_ns) FROM counted WHERE from_here > greatest(total / 200, (total >= 20)::INTEGER)
  )::DOUBLE AS usual_longest_ns,
  (SELECT max(s.duration_ns) FROM {{view}} s WHERE {{where}})::DOUBLE AS longest_ns
