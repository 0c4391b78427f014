AUDIT (
  name relationship,
  defaults (
    condition = TRUE
  )
);

/* Every key of the column finds its row in the parent. SQLMesh has no such audit of its own. */
SELECT DISTINCT
  child.child_key AS unresolved
FROM (
  SELECT
    @key AS child_key
  FROM @this_model
  WHERE
    @condition AND NOT @key IS NULL
) AS child
LEFT JOIN @parent AS parent
  ON parent.@parent_key = child.child_key
WHERE
  parent.@parent_key IS NULL
