AUDIT (
  name mutually_exclusive,
  defaults (
    condition = TRUE
  )
);

/* An interaction is in one of the two tables, never in both. */
SELECT
  here.interaction_id
FROM (
  SELECT
    interaction_id
  FROM @this_model
  WHERE
    @condition
) AS here
JOIN @other AS there
  ON there.interaction_id = here.interaction_id
