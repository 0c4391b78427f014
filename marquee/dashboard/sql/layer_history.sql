-- A run counts the tables that it knows, which are not all: of the others the count before holds.
-- One count per hour, so that the limit is six weeks, however often a refresh runs.
WITH moments AS (
  SELECT MAX(counted_at) AS counted_at
  FROM ops.row_counts
  GROUP BY DATE_TRUNC('HOUR', counted_at)
  ORDER BY counted_at DESC NULLS LAST
  LIMIT 1000
), names AS (
  SELECT DISTINCT table_name, SPLIT_PART(table_name, '.', 1) AS layer
  FROM ops.row_counts
  WHERE SPLIT_PART(table_name, '.', 1) IN ('bronze', 'silver', 'snapshots', 'gold', 'ops')
), newest_counts AS (
  SELECT table_name, row_count, DATE_TRUNC('HOUR', counted_at) AS counted_hour
  FROM ops.row_counts
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY table_name, DATE_TRUNC('HOUR', counted_at) ORDER BY counted_at DESC NULLS LAST
  ) = 1
), known AS (
  SELECT
    moments.counted_at,
    names.layer,
    LAST_VALUE(counts.row_count IGNORE NULLS) OVER (
      PARTITION BY names.table_name ORDER BY moments.counted_at
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS row_count
  FROM moments
  CROSS JOIN names
  LEFT JOIN newest_counts AS counts
    ON counts.counted_hour = DATE_TRUNC('HOUR', moments.counted_at)
    AND counts.table_name = names.table_name
)
SELECT layer, counted_at, CAST(SUM(row_count) AS BIGINT) AS row_count
FROM known
GROUP BY layer, counted_at
HAVING SUM(row_count) IS NOT NULL
ORDER BY counted_at, layer
