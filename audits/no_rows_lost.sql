AUDIT (
  name no_rows_lost,
  defaults (
    condition = TRUE
  )
);

/* Every row of the parent (that meets the condition) has arrived in this model. */
SELECT DISTINCT
  parent.@parent_key AS lost
FROM @parent AS parent
LEFT JOIN @this_model AS child
  ON child.@key = parent.@parent_key
WHERE
  @condition AND child.@key IS NULL
