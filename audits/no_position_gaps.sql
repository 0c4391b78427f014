AUDIT (
  name no_position_gaps,
  defaults (
    condition = TRUE
  )
);

/* The positions of a key count from 0 without a gap. */
SELECT
  @key
FROM @this_model
WHERE
  @condition
GROUP BY
  @key
HAVING
  MIN(@position) <> 0 OR MAX(@position) <> COUNT(*) - 1
