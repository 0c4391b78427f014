"""The health check.

`snapshot` (a read-only copy of the DuckDB file, which locks nobody out), `store` (queries on DuckDB
or Snowflake), `view` (opens one of them), `thresholds` (the limits), `checks`.
"""
