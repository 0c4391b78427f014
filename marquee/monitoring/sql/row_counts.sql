-- The counts of a table that differ from the one before, and of the others one each half day.
-- First chosen, then limited: a refresh every ten minutes repeats hundreds of counts. A pipeline,
-- a plan and a run count a table one after the other, and one changed it: a count that repeats the
-- one before within 12 hours is no run of its own, and would hide the change.
WITH compared AS (
  SELECT table_name, row_count, counted_at,
    LAG(row_count) OVER (PARTITION BY table_name ORDER BY counted_at) AS count_before,
    LAG(counted_at) OVER (PARTITION BY table_name ORDER BY counted_at) AS counted_before
  FROM ops.row_counts
), dated AS (
  SELECT *,
    count_before IS NULL OR row_count <> count_before AS is_changed,
    FLOOR(
      CAST(DATEDIFF('SECOND', CAST('1970-01-01' AS DATE), counted_at) AS DOUBLE)
      / (3600 * 12)
    )
      <> FLOOR(
      CAST(DATEDIFF('SECOND', CAST('1970-01-01' AS DATE), counted_before) AS DOUBLE)
      / (3600 * 12)
    ) AS is_next_half_day
  FROM compared
), settled AS (
  SELECT *,
    MAX(CASE WHEN is_changed THEN counted_at END) OVER (
      PARTITION BY table_name ORDER BY counted_at
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS changed_at
  FROM dated
)
SELECT table_name, row_count
FROM settled
WHERE is_changed OR (
  is_next_half_day
  AND DATEDIFF('SECOND', changed_at, counted_at) >= 3600 * 12
)
QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY counted_at DESC NULLS LAST) <= ?
ORDER BY table_name, counted_at
