-- Of the rows that the newest run brought, those in quarantine and all.
SELECT batch_id, SUM(is_rejected) AS rejected, COUNT(*) AS total
FROM ({arrived}) AS arrived
GROUP BY batch_id
ORDER BY MAX(ingested_at) DESC NULLS LAST
LIMIT 1
