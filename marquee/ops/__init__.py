"""The run log and the alerts, for the pipelines and for SQLMesh's hooks.

`log_tables` (the tables and their writer), `run_log` (pipelines), `sqlmesh_log` (plans and runs),
`alerts` (Slack and mail).
"""
