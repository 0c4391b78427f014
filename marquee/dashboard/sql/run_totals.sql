-- Every run counts, whatever is listed.
SELECT job, COUNT(*) AS run_count, COUNT_IF(status <> 'SUCCEEDED') AS without_success_count,
  SUM(request_count) AS request_count, SUM(retry_count) AS retry_count
FROM ops.run_log
GROUP BY job
ORDER BY job
