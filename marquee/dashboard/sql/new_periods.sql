-- Periods that began and ended since a moment, three times per table. An end that lies before the
-- refresh before is late and has a row of its own, a correction.
SELECT 'snap_silver_movies' AS table_name,
  COUNT(CASE WHEN recorded_at >= ? AND correction_number = 0 THEN 1 END) AS begun,
  COUNT(CASE WHEN valid_to >= ? OR recorded_at >= ? AND correction_number > 0
    AND valid_to IS NOT NULL THEN 1 END) AS ended
FROM snapshots.snap_silver_movies
WHERE superseded_at IS NULL AND NOT is_withdrawn
UNION ALL
SELECT 'snap_dim_genres' AS table_name,
  COUNT(CASE WHEN recorded_at >= ? AND correction_number = 0 THEN 1 END) AS begun,
  COUNT(CASE WHEN valid_to >= ? OR recorded_at >= ? AND correction_number > 0
    AND valid_to IS NOT NULL THEN 1 END) AS ended
FROM snapshots.snap_dim_genres
WHERE superseded_at IS NULL AND NOT is_withdrawn
UNION ALL
SELECT 'snap_dim_fans' AS table_name,
  COUNT(CASE WHEN recorded_at >= ? AND correction_number = 0 THEN 1 END) AS begun,
  COUNT(CASE WHEN valid_to >= ? OR recorded_at >= ? AND correction_number > 0
    AND valid_to IS NOT NULL THEN 1 END) AS ended
FROM snapshots.snap_dim_fans
WHERE superseded_at IS NULL AND NOT is_withdrawn
