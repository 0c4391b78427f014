SELECT table_name, started_at, status, duration_seconds FROM ops.model_log
QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY started_at DESC) = 1
