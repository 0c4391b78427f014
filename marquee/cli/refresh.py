"""Bring prod up to date: `python -m marquee.cli.refresh`, or `make refresh`.

Plans the models that have changed, then runs those that have not read the newest load. Ends at
once if there are none. Then it publishes the read-only snapshot.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

import duckdb
from sqlglot import exp
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlmesh import configure_logging, remove_excess_logs
from sqlmesh.cli import error_handler
from sqlmesh.core.console import NoopConsole, TerminalConsole, set_console
from sqlmesh.core.context import Context

from marquee.cli.base import add_log_options, command_parser, report_error
from marquee.core import logs
from marquee.core.clock import naive_utc, utcnow
from marquee.core.errors import MarqueeError
from marquee.core.garbage import collect_rarely
from marquee.core.lock import lock_file, run_lock
from marquee.core.progress import Progress
from marquee.core.settings import ROOT, Settings, gateway
from marquee.core.signals import end_forks_with_parent
from marquee.monitoring.snapshot import publish
from marquee.ops.log_tables import SUCCEEDED, LogWriter

logger = logging.getLogger("marquee.cli.refresh")  # of `python -m`, too
EPILOG = """\
A model is out of date if it was last evaluated before the newest completed
load of bronze, or before a model that it reads. Only these models and those
that read them are run. To evaluate all models whatever their state:
  sqlmesh run --ignore-cron

exit codes:
  0 done    1 failed, a person has to act    2 wrong usage
  75 failed, try again later: another run is active, or another process holds
     a file
"""


# A load of a run without any row has dlt's state only, such as a new cursor.
NEWEST_LOAD = """
SELECT MAX(inserted_at) FROM bronze._dlt_loads WHERE status = 0 AND load_id NOT IN (
  SELECT load_id FROM ops.load_log JOIN ops.run_log USING (run_id)
  WHERE run_log.status = 'SUCCEEDED' AND run_log.row_count = 0
)
"""


class TablesProgress(NoopConsole):
    """One line of progress for a plan or run of SQLMesh; errors as its terminal shows them.

    A failed audit that stops nothing is no error to read here: the report names it.
    """

    def __init__(self, progress: Progress) -> None:
        """Take what draws the line."""
        self._progress = progress
        self._terminal = TerminalConsole()

    def start_evaluation_progress(
        self, batched_intervals: Mapping[Any, Sequence[Any]], *_: Any, **__: Any
    ) -> None:
        """Begin to build tables."""
        total = sum(map(len, batched_intervals.values()))
        self._progress.stage("building", total, "table")

    def update_snapshot_evaluation_progress(self, snapshot: Any, *_: Any, **__: Any) -> None:
        """Count a table that was built and audited."""
        self._progress.advance(snapshot.model.name if snapshot.is_model else snapshot.name)

    def log_error(self, message: str) -> None:
        """Show an error."""
        self._terminal.log_error(message)

    def log_failed_models(self, errors: list[Any]) -> None:
        """Show which tables could not be built."""
        self._terminal.log_failed_models(errors)


def main(argv: Sequence[str]) -> int:
    """Plan, run, or do neither; return the exit code."""
    parser = command_parser(
        "python -m marquee.cli.refresh",
        "Bring prod up to date: changed models, then new data.",
        EPILOG,
    )
    parser.add_argument(
        "--skip-plan",
        action="store_true",
        help="new data only; do not look for changed models, unless no plan of prod has ended",
    )
    add_log_options(parser)
    options = parser.parse_args(argv)
    logs.configure_logging(options.log_level, log_format=options.log_format)
    return refresh(skip_plan=options.skip_plan)


def refresh(*, skip_plan: bool = False) -> int:
    """Plan, run, or do neither, then publish the snapshot; return the exit code.

    With `skip_plan`, changed models are looked for only if no plan of prod has ended.

    Raises:
        SystemExit: SQLMesh failed, and has printed why.
    """
    settings = Settings.from_environment()
    is_file = gateway() != "snowflake"
    try:
        with ExitStack() as stack:
            if is_file:
                stack.enter_context(run_lock(lock_file(settings.dlt_dir, settings.duckdb)))
            set_console(TablesProgress(stack.enter_context(Progress())))
            code = plan_and_run(skip_plan)
            if is_file:
                publish(settings.duckdb)
    except (MarqueeError, duckdb.Error) as error:
        return report_error(error, settings.duckdb)
    return code


@error_handler
def plan_and_run(skip_plan: bool) -> int:
    """Plan, run, or do neither; return the exit code.

    Raises:
        SystemExit: SQLMesh failed, and has printed why.
    """
    started_at = utcnow()
    end_forks_with_parent()
    collect_rarely()
    configure_logging()
    context = Context(paths=[str(ROOT)], load=not skip_plan)
    try:
        remove_excess_logs(log_limit=context.config.log_limit)
        prod = context.state_reader.get_environment("prod")
        # A plan that was killed, the first one included, is repaired by a plan alone.
        is_incomplete = prod is None or prod.finalized_ts is None
        if skip_plan and is_incomplete:
            context.load()
        is_planned = (not skip_plan or is_incomplete) and plan_changes(context)
        stale = stale_models(context)
        if stale:
            selected = [f"{name}+" for name in sorted(stale)]
            ended = context.run(ignore_cron=True, select_models=selected, no_auto_upstream=True)
            return 0 if ended.is_success else 1
        if not is_planned:
            log_unchanged(context, started_at)
            logger.info("Prod is up to date: no changed model, no new load.")
    finally:
        context.close()
    return 0


def plan_changes(context: Context) -> bool:
    """Apply a plan of prod if it has changes; return whether it has.

    Raises:
        PlanError: a guard or an audit stopped the plan.
    """
    collect_rarely()  # the project is loaded now
    builder = context.plan_builder(skip_tests=True)
    plan = builder.build()
    if not plan.context_diff.has_changes:
        return False
    # What `context.plan` does once it has built the plan, which takes half a second.
    context.console.plan(builder, True, context.default_catalog, no_prompts=not plan.uncategorized)
    return True


def stale_models(context: Context) -> set[str]:
    """Name the models of prod that were last evaluated before the newest load, or a parent.

    Of a load the begin of the first plan or run after it counts: on Snowflake a load may complete
    while a model is being evaluated. A plan rebuilds what changed and leaves the tables that read
    it, where they are logs or replaced by partition.
    """
    run_count, since_load = runs_of_prod(context)
    # The only run has evaluated all models: their state need not be read, which takes a second.
    if run_count == 1 and since_load:
        return set()
    first_run_ms = min((one.timestamp() * 1000 for one in since_load), default=None)
    environment = context.state_reader.get_environment("prod")
    snapshots = context.state_reader.get_snapshots(environment.snapshots) if environment else {}
    evaluated_ms = {one: snapshot.last_altered_ts or 0 for one, snapshot in snapshots.items()}
    return {
        snapshot.model.name
        for one, snapshot in snapshots.items()
        if snapshot.is_model
        and snapshot.is_materialized
        and not snapshot.is_seed
        and (
            first_run_ms is None
            or evaluated_ms[one] < first_run_ms
            or any(evaluated_ms.get(parent, 0) > evaluated_ms[one] for parent in snapshot.parents)
        )
    }


def runs_of_prod(context: Context) -> tuple[int, list[datetime]]:
    """Return how many plans and runs of prod began, and when those since the newest load did."""
    adapter = context.engine_adapter
    needed = ("bronze._dlt_loads", "ops.run_log")
    # SQLMesh quotes a name: it must have the case that the engine gives to one without quotes.
    tables = [normalize_identifiers(exp.to_table(one), dialect=adapter.dialect) for one in needed]
    if not all(map(adapter.table_exists, tables)):
        return 0, []
    ((newest,),) = adapter.fetchall(NEWEST_LOAD)
    loaded_at = naive_utc(newest) if newest else datetime.min
    runs = adapter.fetchall(
        "SELECT started_at FROM ops.run_log WHERE tool = 'sqlmesh' AND environment = 'prod'"
    )
    since_load = [at.replace(tzinfo=timezone.utc) for (at,) in runs if at > loaded_at]
    return len(runs), since_load


def log_unchanged(context: Context, started_at: datetime) -> None:
    """Write a run that had nothing to do into the run log, so that its age can be checked."""
    run_id = f"refresh-{uuid4().hex}"
    gateway = context.gateway or context.config.default_gateway_name
    writer = LogWriter(context.engine_adapter.execute, context.engine_adapter.dialect)
    writer.start(run_id, "sqlmesh", "run", gateway, environment="prod", started_at=started_at)
    writer.end(run_id, SUCCEEDED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
