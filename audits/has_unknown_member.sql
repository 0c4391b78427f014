AUDIT (
  name has_unknown_member
);

/* A dimension has exactly one row for the unknown, so that every fact can point somewhere. */
SELECT
  COUNT(*) AS unknown_members
FROM @this_model
WHERE
  @key = @member
HAVING
  COUNT(*) <> 1
