AUDIT (
  name duplicate_count,
  blocking FALSE,
  defaults (
    condition = TRUE
  )
);

/* A value occurs once. */
SELECT
  @column
FROM @this_model
WHERE
  NOT @column IS NULL AND @condition
GROUP BY
  @column
HAVING
  COUNT(*) > 1
