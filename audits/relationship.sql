AUDIT (
  name relationship
);

/* Every key of the column finds its row in the parent. SQLMesh has no such audit of its own. */
SELECT DISTINCT
  child.@key AS unresolved
FROM @this_model AS child
LEFT JOIN @parent AS parent
  ON parent.@parent_key = child.@key
WHERE
  parent.@parent_key IS NULL AND NOT child.@key IS NULL
