-- Figures of the box office that arrived again since a moment, with what was reported before.
SELECT COALESCE(title.title_name, record.title_id) AS title_name, record.report_date,
  record.local_currency,
  TRY_CAST(CAST(older.gross_revenue_local AS TEXT) AS DOUBLE) AS gross_before,
  record.gross_local
FROM silver.stg_box_office AS record
JOIN bronze.raw_box_office AS older
  ON older.title_id = record.title_id AND older.theater_id = record.theater_id
  AND older.report_date = CAST(record.report_date AS TEXT)
  AND older.ingested_at < record._source_ingested_at
LEFT JOIN gold.dim_titles AS title ON title.title_id = record.title_id
WHERE record._source_ingested_at >= ? AND gross_before > 0 AND record.gross_local > 0
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY record.box_office_sk ORDER BY older.ingested_at DESC NULLS LAST
) = 1
ORDER BY record.report_date DESC NULLS LAST, record.gross_local DESC NULLS LAST,
  record.box_office_sk
