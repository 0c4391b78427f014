AUDIT (
  name no_date_gaps
);

/* A calendar has every day between its first and its last. */
SELECT
  MIN(@day) AS first_day,
  MAX(@day) AS last_day
FROM @this_model
HAVING
  MAX(@day) - MIN(@day) + 1 <> COUNT(@day)
