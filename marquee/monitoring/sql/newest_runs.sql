-- The newest run of each job by status.
SELECT
  CASE WHEN tool = 'sqlmesh' THEN 'refresh' ELSE job END AS job,
  run_id, status, host, process_id, started_at, ended_at, error
FROM ops.run_log
WHERE COALESCE(environment, 'prod') = 'prod' AND job <> 'health'
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY CASE WHEN tool = 'sqlmesh' THEN 'refresh' ELSE job END, status
  ORDER BY started_at DESC NULLS LAST
) = 1
