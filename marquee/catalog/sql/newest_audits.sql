-- An audit that a model has twice, with other arguments, is one row: the log has its name only.
SELECT table_name, audit_name, failing_row_count FROM ops.audit_results
QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name, audit_name ORDER BY audited_at DESC) = 1
