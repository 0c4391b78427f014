AUDIT (
  name duplicate_count,
  blocking FALSE
);

/* A value occurs once. */
SELECT
  @column
FROM @this_model
WHERE
  NOT @column IS NULL
GROUP BY
  @column
HAVING
  COUNT(*) > 1
