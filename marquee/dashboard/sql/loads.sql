SELECT load_id, run_id, pipeline_name, started_at, extract_seconds, normalize_seconds,
  load_seconds, row_count, byte_count
FROM ops.load_log
ORDER BY started_at DESC NULLS LAST
LIMIT {LISTED}
