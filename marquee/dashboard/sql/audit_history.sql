SELECT result.audited_at, COUNT(*) AS audit_count, COUNT_IF(NOT result.is_passed) AS failing_count
FROM ops.audit_results AS result
JOIN ops.run_log AS run ON run.run_id = result.run_id AND run.environment = 'prod'
GROUP BY result.audited_at
ORDER BY result.audited_at
