-- The models of the newest plan or run.
SELECT model.table_name, model.kind, model.status, model.started_at, model.duration_seconds,
  model.interval_count, model.row_count_before, model.row_count_after, model.error, model.run_id
FROM ops.model_log AS model
WHERE model.run_id = (SELECT run_id FROM ops.model_log ORDER BY started_at DESC NULLS LAST LIMIT 1)
ORDER BY model.duration_seconds DESC NULLS LAST
