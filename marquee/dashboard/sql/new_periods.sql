-- Periods that began and ended since a moment, which is given three times. An end that lies before
-- the refresh before is late and has a row of its own, a correction.
WITH periods AS (
  SELECT 1 AS place, 'snap_silver_movies' AS table_name,
    valid_to, recorded_at, superseded_at, correction_number, is_withdrawn
  FROM snapshots.snap_silver_movies
  UNION ALL
  SELECT 2, 'snap_dim_genres',
    valid_to, recorded_at, superseded_at, correction_number, is_withdrawn
  FROM snapshots.snap_dim_genres
  UNION ALL
  SELECT 3, 'snap_dim_fans',
    valid_to, recorded_at, superseded_at, correction_number, is_withdrawn
  FROM snapshots.snap_dim_fans
)
SELECT table_name,
  COUNT(CASE WHEN recorded_at >= ? AND correction_number = 0 THEN 1 END) AS begun,
  COUNT(CASE WHEN valid_to >= ? OR recorded_at >= ? AND correction_number > 0
    AND valid_to IS NOT NULL THEN 1 END) AS ended
FROM periods
WHERE superseded_at IS NULL AND NOT is_withdrawn
GROUP BY place, table_name
ORDER BY place
