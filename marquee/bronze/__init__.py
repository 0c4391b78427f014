"""What every door shares on the way into bronze: where, how, under which name, and in which words.

`settings` (paths and environment), `destination` (DuckDB or Snowflake), `snowflake` (signing in
there), `bronze` (declared tables), `load` (land rows), `warehouse` (what is there already), `lock`
(one run at a time), `batch` (the name of a run), `clock`, `run_log` (what runs were), `progress`,
`interrupt`, `errors`.
"""
