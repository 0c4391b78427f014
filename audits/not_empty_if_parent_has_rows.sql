AUDIT (
  name not_empty_if_parent_has_rows,
  defaults (threshold = 0, condition = TRUE)
);

/* So few rows are the unknown member or none at all: right where the parent is empty, too, as TMDb's tables
   are for a warehouse with the studio only, and wrong where it has rows (that meet the condition). */
SELECT
  here.row_count
FROM (
  SELECT
    COUNT(*) AS row_count
  FROM @this_model
) AS here
WHERE
  here.row_count <= @threshold AND EXISTS(
    SELECT
      1
    FROM @parent
    WHERE
      @condition
  )
