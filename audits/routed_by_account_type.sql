AUDIT (
  name routed_by_account_type,
  defaults (
    condition = TRUE
  )
);

/* An interaction is where the list of account types sends it. */
SELECT
  routed.account_type
FROM @this_model AS routed
LEFT JOIN silver.seed_account_types AS account
  ON account.account_type = routed.account_type AND account.fan_class = @fan_class
WHERE
  account.account_type IS NULL AND @condition
