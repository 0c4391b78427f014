"""Dagster's code location, an extra: `make dagster` serves it on http://127.0.0.1:3000.

It adds no logic: its steps are the commands that cron runs, and what became of each table is read
from the run log. Airflow, Prefect and others run the same commands (docs/runbook.md).
"""
