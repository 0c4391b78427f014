-- Rows of the histories that this warehouse wrote since a moment, twice per table.
SELECT 'snap_silver_movies' AS table_name, COALESCE(COUNT_IF(recorded_at >= ?), 0) AS begun,
  COALESCE(COUNT_IF(superseded_at IS NULL AND valid_to >= ?), 0) AS ended
FROM snapshots.snap_silver_movies
UNION ALL
SELECT 'snap_dim_genres' AS table_name, COALESCE(COUNT_IF(recorded_at >= ?), 0) AS begun,
  COALESCE(COUNT_IF(superseded_at IS NULL AND valid_to >= ?), 0) AS ended
FROM snapshots.snap_dim_genres
UNION ALL
SELECT 'snap_dim_fans' AS table_name, COALESCE(COUNT_IF(recorded_at >= ?), 0) AS begun,
  COALESCE(COUNT_IF(superseded_at IS NULL AND valid_to >= ?), 0) AS ended
FROM snapshots.snap_dim_fans
