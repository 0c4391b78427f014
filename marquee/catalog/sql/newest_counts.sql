-- Thirty counts make a table's small curve.
SELECT table_name, counted_at, row_count FROM ops.row_counts
QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY counted_at DESC) <= 30
ORDER BY table_name, counted_at
