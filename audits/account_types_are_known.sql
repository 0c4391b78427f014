AUDIT (
  name account_types_are_known,
  blocking FALSE
);

/* A warning, for the type may be one that the studio has introduced: seed_account_types. */
SELECT
  account_type,
  COUNT(*) AS interaction_count
FROM @this_model
WHERE
  quarantine_reason = 'unknown account type'
GROUP BY
  account_type
