"""Bring prod up to date: `python -m marquee.cli.refresh`, or `make refresh`.

Plans the models that have changed, then runs those that have not read the newest load. Ends at
once if there are none.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from uuid import uuid4

from sqlglot import exp
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlmesh import configure_logging
from sqlmesh.cli import error_handler
from sqlmesh.core.console import configure_console, get_console
from sqlmesh.core.context import Context

from marquee.core.clock import naive_utc, utcnow
from marquee.core.garbage import collect_rarely
from marquee.core.settings import ROOT

EPILOG = """\
A model is out of date if it was last evaluated before the newest completed load of bronze. Only
these models and those that read them are run. To evaluate all models whatever their state:
  sqlmesh run --ignore-cron
"""


@error_handler
def main(argv: Sequence[str]) -> int:
    """Plan, run, or do neither; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m marquee.cli.refresh",
        description="Bring prod up to date: changed models, then new data.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--skip-plan", action="store_true", help="new data only; do not look for changed models"
    )
    options = parser.parse_args(argv)
    started_at = utcnow()
    collect_rarely()
    configure_logging()
    configure_console()
    context = Context(paths=[str(ROOT)], load=not options.skip_plan)
    try:
        is_planned = not options.skip_plan and plan_changes(context)
        stale = stale_models(context)
        if stale:
            selected = [f"{name}+" for name in sorted(stale)]
            ended = context.run(ignore_cron=True, select_models=selected, no_auto_upstream=True)
            return 0 if ended.is_success else 1
        if not is_planned:
            log_unchanged(context, started_at)
            get_console().log_status_update("Prod is up to date: no changed model, no new load.")
    finally:
        context.close()
    return 0


def plan_changes(context: Context) -> bool:
    """Apply a plan of prod if it has changes; return whether it has.

    Raises:
        PlanError: a guard or an audit stopped the plan.

    """
    collect_rarely()  # the project is loaded now
    if not context.plan_builder(skip_tests=True).build().context_diff.has_changes:
        return False
    context.plan(auto_apply=True, no_prompts=True, skip_tests=True)
    return True


def stale_models(context: Context) -> set[str]:
    """Name the models of prod that were last evaluated before the newest load.

    What counts is the begin of the first plan or run after that load: on Snowflake a load may
    complete while a model is being evaluated.
    """
    environment = context.state_reader.get_environment("prod")
    snapshots = context.state_reader.get_snapshots(environment.snapshots) if environment else {}
    first_run_ms = first_run_after_newest_load(context)
    return {
        snapshot.model.name
        for snapshot in snapshots.values()
        if snapshot.is_model
        and snapshot.is_materialized
        and not snapshot.is_seed
        and (first_run_ms is None or (snapshot.last_altered_ts or 0) < first_run_ms)
    }


def first_run_after_newest_load(context: Context) -> float | None:
    """Return when the first plan or run of prod since the newest load began.

    Returns:
        Milliseconds since 1970, or None if there was none.

    """
    adapter = context.engine_adapter
    needed = ("bronze._dlt_loads", "ops.run_log")
    # SQLMesh quotes a name: it must have the case that the engine gives to one without quotes.
    tables = [normalize_identifiers(exp.to_table(one), dialect=adapter.dialect) for one in needed]
    if not all(map(adapter.table_exists, tables)):
        return None
    ((newest,),) = adapter.fetchall(
        "SELECT MAX(inserted_at) FROM bronze._dlt_loads WHERE status = 0"
    )
    loaded_at = naive_utc(newest) if newest else datetime.min
    runs = adapter.fetchall(
        "SELECT started_at FROM ops.run_log WHERE tool = 'sqlmesh' AND environment = 'prod'"
    )
    since = [started_at for (started_at,) in runs if started_at > loaded_at]
    return min(since).replace(tzinfo=timezone.utc).timestamp() * 1000 if since else None


def log_unchanged(context: Context, started_at: datetime) -> None:
    """Write a run that had nothing to do into the run log, so that its age can be checked."""
    values = {
        "run_id": f"refresh-{uuid4().hex}",
        "tool": "sqlmesh",
        "job": "run",
        "environment": "prod",
        "gateway": context.gateway or context.config.default_gateway_name,
        "command": shlex.join(["python", "-m", "marquee.cli.refresh", *sys.argv[1:]]),
        "process_id": os.getpid(),
        "started_at": started_at,
        "ended_at": utcnow(),
        "status": "SUCCEEDED",
    }
    adapter = context.engine_adapter
    row = exp.insert(exp.values([tuple(values.values())]), "ops.run_log", columns=list(values))
    adapter.execute(normalize_identifiers(row, dialect=adapter.dialect))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
