AUDIT (
  name periods_do_not_overlap,
  defaults (
    condition = TRUE
  )
);

/* At any moment a key has at most one version: periods are half-open and follow each other. */
WITH periods AS (
  SELECT
    @key,
    valid_from,
    valid_to,
    LEAD(valid_from) OVER (PARTITION BY @key ORDER BY valid_from) AS next_valid_from
  FROM @this_model
  WHERE
    @condition
)
SELECT
  @key,
  valid_from,
  valid_to,
  next_valid_from
FROM periods
WHERE
  NOT next_valid_from IS NULL AND (
    valid_to IS NULL OR valid_to > next_valid_from
  )
