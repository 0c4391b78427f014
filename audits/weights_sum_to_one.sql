AUDIT (
  name weights_sum_to_one
);

/* What a bridge divides is neither lost nor doubled. */
SELECT
  @key,
  SUM(weight) AS weight
FROM @this_model
GROUP BY
  @key
HAVING
  NOT SUM(weight) BETWEEN 0.999999999 AND 1.000000001
