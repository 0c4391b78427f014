AUDIT (
  name one_open_period,
  defaults (
    condition = TRUE
  )
);

/* A key has at most one version that still holds; none when the source has deleted it. */
SELECT
  @key
FROM @this_model
WHERE
  valid_to IS NULL AND @condition
GROUP BY
  @key
HAVING
  COUNT(*) > 1
