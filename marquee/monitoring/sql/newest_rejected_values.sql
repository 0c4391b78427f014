-- Of the rows that the newest run brought, those with a rejected value, by rule.
WITH newest AS (
  SELECT batch_id, COUNT(*) AS total
  FROM {table}
  WHERE batch_id = (
    SELECT batch_id FROM {table} ORDER BY ingested_at DESC NULLS LAST LIMIT 1
  )
  GROUP BY batch_id
)
SELECT column_name, reason, newest.batch_id, newest.total, COUNT(*) AS rejected
FROM {rejected}
JOIN newest ON newest.batch_id = _source_batch_id
WHERE {condition}
GROUP BY column_name, reason, newest.batch_id, newest.total
ORDER BY column_name, reason
