-- A run counts the tables that it knows, which are not all: of the others the count before holds.
-- One count per minute of the newest hours, and one per hour before, so that the limit is five
-- weeks, however often a refresh runs.
WITH dated AS (
  SELECT table_name, row_count, counted_at,
    CASE
      WHEN DATEDIFF('SECOND', counted_at, MAX(counted_at) OVER ()) < 6 * 3600
        THEN DATE_TRUNC('MINUTE', counted_at)
      ELSE DATE_TRUNC('HOUR', counted_at)
    END AS period
  FROM ops.row_counts
), count_times AS (
  SELECT period, MAX(counted_at) AS counted_at
  FROM dated
  GROUP BY period
  ORDER BY counted_at DESC NULLS LAST
  LIMIT 1000
), names AS (
  SELECT DISTINCT table_name, SPLIT_PART(table_name, '.', 1) AS layer
  FROM ops.row_counts
  WHERE SPLIT_PART(table_name, '.', 1) IN ('bronze', 'silver', 'snapshots', 'gold', 'ops')
), newest_counts AS (
  SELECT table_name, row_count, period
  FROM dated
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY table_name, period ORDER BY counted_at DESC NULLS LAST
  ) = 1
), known AS (
  SELECT
    count_times.counted_at,
    names.layer,
    LAST_VALUE(counts.row_count IGNORE NULLS) OVER (
      PARTITION BY names.table_name ORDER BY count_times.counted_at
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS row_count
  FROM count_times
  CROSS JOIN names
  LEFT JOIN newest_counts AS counts
    ON counts.period = count_times.period AND counts.table_name = names.table_name
)
SELECT layer, counted_at, CAST(SUM(row_count) AS BIGINT) AS row_count
FROM known
GROUP BY layer, counted_at
HAVING SUM(row_count) IS NOT NULL
ORDER BY counted_at, layer
