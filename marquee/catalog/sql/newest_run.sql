SELECT job, started_at, status FROM ops.run_log
WHERE tool = 'sqlmesh' ORDER BY started_at DESC LIMIT 1
