"""Is the warehouse well?

`copy` (a look at a DuckDB file that locks nobody out), `store` (queries on DuckDB or Snowflake),
`cadence` (what is expected), `checks` (what is wrong), `alerts` (telling people).
"""
