-- The results of each table's audits when it was last built.
SELECT result.table_name, result.audit_name, result.is_blocking, result.failing_row_count,
  result.is_passed
FROM ops.audit_results AS result
JOIN ops.run_log AS run ON run.run_id = result.run_id AND run.environment = 'prod'
QUALIFY result.audited_at = MAX(result.audited_at) OVER (PARTITION BY result.table_name)
ORDER BY result.table_name, result.audit_name
