SELECT run_id, tool, job, environment, status, started_at, ended_at,
  DATEDIFF('SECOND', started_at, ended_at) AS duration_seconds,
  row_count, byte_count, request_count, retry_count, error, command, code_revision, run_by, host,
  process_id
FROM ops.run_log
WHERE ? = '' OR CONTAINS(?, ',' || job || ',')
ORDER BY started_at DESC NULLS LAST
LIMIT {LISTED}
