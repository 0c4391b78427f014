AUDIT (
  name valid_country_code,
  blocking FALSE,
  defaults (
    condition = TRUE
  )
);

/* A country is one of ISO 3166-1 alpha-3. */
SELECT
  @column
FROM @this_model
WHERE
  @violates_valid_country_code(@column) AND @condition
