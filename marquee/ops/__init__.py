"""The run log and the alerts, for the pipelines and for the hooks of SQLMesh."""
