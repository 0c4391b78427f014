SELECT
  (SELECT COUNT(*) FROM ops.quarantine_fan_interactions) AS interaction_count,
  (SELECT COUNT(*) FROM ops.rejected_studio_values) AS value_count,
  (SELECT COUNT(*) FROM bronze.quarantine_studio) AS line_count
