AUDIT (
  name valid_imdb_score,
  blocking FALSE,
  defaults (
    condition = TRUE
  )
);

/* A score is from 0 to 10. */
SELECT
  @column
FROM @this_model
WHERE
  @violates_valid_imdb_score(@column) AND @condition
