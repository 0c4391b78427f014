AUDIT (
  name positive_revenue,
  blocking FALSE,
  defaults (
    condition = TRUE
  )
);

/* Money is never below 0. */
SELECT
  @column
FROM @this_model
WHERE
  @violates_positive_revenue(@column) AND @condition
