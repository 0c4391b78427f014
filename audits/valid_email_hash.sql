AUDIT (
  name valid_email_hash,
  blocking FALSE,
  defaults (
    condition = TRUE
  )
);

/* A token is 64 hexadecimal digits: whatever else stands there could be plaintext personal data. */
SELECT
  @column
FROM @this_model
WHERE
  @violates_valid_email_hash(@column) AND @condition
