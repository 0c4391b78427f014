SELECT table_name, reason, quarantined_date, row_count, last_at, last_batch_id
FROM ops.quarantine_summary
ORDER BY quarantined_date DESC NULLS LAST, row_count DESC NULLS LAST
