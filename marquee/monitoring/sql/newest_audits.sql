-- The results of each table's audits when it was last built, failing first.
SELECT result.table_name, result.audit_name, result.is_blocking, result.is_passed,
  result.failing_row_count, result.audited_at, result.failing_rows_query, run.job, run.run_id
FROM ops.audit_results AS result
JOIN ops.run_log AS run ON run.run_id = result.run_id AND run.environment = 'prod'
QUALIFY result.audited_at = MAX(result.audited_at) OVER (PARTITION BY result.table_name)
ORDER BY result.is_passed, result.is_blocking DESC NULLS LAST, result.table_name, result.audit_name
