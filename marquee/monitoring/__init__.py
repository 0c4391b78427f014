"""Is the warehouse well?

`copy` (a view at a DuckDB file that locks nobody out), `store` (queries on DuckDB or Snowflake),
`thresholds` (what is expected), `checks` (what is wrong), `alerts` (telling people).
"""
