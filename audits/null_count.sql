AUDIT (
  name null_count,
  blocking FALSE,
  defaults (
    threshold = 0,
    condition = TRUE
  )
);

/* No more values are unknown than is tolerated. */
SELECT
  COUNT(*) AS nulls
FROM @this_model
WHERE
  @column IS NULL AND @condition
HAVING
  COUNT(*) > @threshold
