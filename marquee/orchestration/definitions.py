"""Assets, jobs and the schedule of Dagster.

Without `from __future__ import annotations`: Dagster reads the annotations of an asset's function.
"""

import os
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg

from marquee.bronze.destination import BRONZE
from marquee.bronze.tables import Table as BronzeTable
from marquee.core.clock import utcnow
from marquee.core.dlt_project import configure_dlt
from marquee.core.errors import EXIT_TRY_AGAIN
from marquee.core.settings import ROOT, Settings, gateway
from marquee.lineage.project import Table, read_project
from marquee.monitoring.store import MissingWarehouse, rows
from marquee.monitoring.view import open_warehouse
from marquee.sources.studio.settings import has_folder
from marquee.sources.studio.tables import TABLES as STUDIO_TABLES
from marquee.sources.tmdb.tables import TABLES as TMDB_TABLES

MAX_RETRIES, RETRY_SECONDS = 4, 900  # of what may succeed later: an hour in all
# The same server and files as `make demo`, without a key.
IS_SANDBOX = os.environ.get("MARQUEE_SANDBOX") == "1"
ENGINE = gateway()
HEALTH = dg.AssetKey("health")
HEALTHY = dg.AssetCheckSpec("healthy", asset=HEALTH, description="No check of `make health` fails.")
OF_PROCESS = """
SELECT * FROM ops.{table} WHERE run_id IN (
  SELECT run_id FROM ops.run_log
  WHERE process_id = ? AND host = ? AND started_at >= CAST(? AS TIMESTAMP)
)
"""


def key(name: str) -> dg.AssetKey:
    """Return the key of a table, such as `gold.fact_movies`."""
    return dg.AssetKey(name.split("."))


def column_schema(columns: Sequence[Any]) -> Mapping[str, Any]:
    """Return the columns of a table, each with name, type and description, as metadata."""
    described = [
        dg.TableColumn(
            one.name, getattr(one, "data_type", None) or one.type, description=one.description
        )
        for one in columns
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=described)}


def bronze_spec(table: BronzeTable, source: str) -> dg.AssetSpec:
    """Declare a table that a pipeline loads."""
    return dg.AssetSpec(
        key(f"{BRONZE}.{table.name}"),
        deps=[dg.AssetKey(source)],
        description=table.description,
        metadata=column_schema(table.columns),
        group_name=BRONZE,
        kinds={"dlt", ENGINE},
        tags={"dlt": "", ENGINE: ""},
    )


def model_spec(table: Table) -> dg.AssetSpec:
    """Declare a model of SQLMesh; one that is up to date is not built by a run."""
    return dg.AssetSpec(
        key(table.name),
        deps=[key(one) for one in table.parents],
        description=table.description,
        metadata={**column_schema(table.columns), "kind": table.kind, "file": table.file},
        group_name=table.layer,
        kinds={"sqlmesh", ENGINE},
        tags={"sqlmesh": "", ENGINE: ""},
        skippable=True,
    )


def check_specs(table: Table) -> Iterator[dg.AssetCheckSpec]:
    """Declare the audits of a model: one check for each name, however often it is attached."""
    audits = defaultdict(list)
    for audit in table.audits:
        audits[audit.name].append(audit)
    for name, several in audits.items():
        yield dg.AssetCheckSpec(
            name,
            asset=key(table.name),
            description="; ".join(one.arguments for one in several),
            blocking=any(one.is_blocking for one in several),
        )


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    process_id: int
    started_at: datetime  # UTC without a zone

    def logged(self, *tables: str) -> list[list[dict[str, Any]]]:
        """Return the rows of tables of the run log that are of this command's runs."""
        parameters = (self.process_id, socket.gethostname(), self.started_at.isoformat(sep=" "))
        try:
            with open_warehouse(Settings.from_environment().duckdb) as store:
                known = store.tables()
                return [
                    rows(store, OF_PROCESS.format(table=one), parameters)
                    if {"ops.run_log", f"ops.{one}"} <= known.keys()
                    else []
                    for one in tables
                ]
        except MissingWarehouse:  # the command failed before it created one
            return [[] for _ in tables]


def run_command(context: dg.AssetExecutionContext, *command: str) -> Ended:
    """Run a command of the project with this Python; its output is the step's.

    Raises:
        RetryRequested: it may succeed later.
    """
    started_at = utcnow()
    with subprocess.Popen([sys.executable, *command], cwd=ROOT) as process:  # noqa: S603 - ours
        try:
            code = process.wait()
        except BaseException:  # the run is canceled in the UI
            process.terminate()
            raise
    if code == EXIT_TRY_AGAIN:
        raise dg.RetryRequested(max_retries=MAX_RETRIES, seconds_to_wait=RETRY_SECONDS)
    context.log.info(f"{' '.join(command)} ended with exit code {code}")
    return Ended(code, process.pid, started_at)


def failure(step: str, code: int) -> dg.Failure:
    """Return the error of a command that a person has to look at."""
    return dg.Failure(
        f"{step} failed with exit code {code}: its output is in the step's stderr and stdout.",
        allow_retries=False,
    )


def pipeline(name: str, tables: Sequence[BronzeTable], sandbox: Sequence[str]) -> Any:
    """Declare a pipeline: its tables are assets of one step."""
    source = f"{name}_source"

    @dg.multi_asset(name=name, specs=[bronze_spec(table, source) for table in tables])
    def load(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        options = ["--destination", ENGINE, *(sandbox if IS_SANDBOX else ())]
        ended = run_command(context, f"pipelines/{name}.py", *options)
        if ended.code:
            raise failure(f"pipelines/{name}.py", ended.code)
        counts, loads = ended.logged("row_counts", "load_log")
        row_counts = {one["table_name"]: one["row_count"] for one in counts}
        for table in tables:
            full_name = f"{BRONZE}.{table.name}"
            metadata = {"loads": len(loads)}
            if full_name in row_counts:
                metadata["dagster/row_count"] = row_counts[full_name]
            yield dg.MaterializeResult(asset_key=key(full_name), metadata=metadata)

    return load


PROJECT = {
    name: table
    for name, table in read_project(ROOT).items()
    if table.kind not in ("EXTERNAL", "EMBEDDED")
}
CHECKS = {name: list(check_specs(table)) for name, table in PROJECT.items()}


@dg.multi_asset(
    name="transform",
    specs=[
        *map(model_spec, PROJECT.values()),
        dg.AssetSpec(
            HEALTH,
            deps=[key(name) for name in PROJECT],
            description="The health check, after every refresh, a failed one included.",
            group_name="monitoring",
        ),
    ],
    check_specs=[HEALTHY, *(one for several in CHECKS.values() for one in several)],
    can_subset=True,
)
def transform(
    context: dg.AssetExecutionContext,
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Refresh the selected models, report what became of each, then check the health."""
    keys = {
        *context.selected_asset_keys,
        *(one.asset_key for one in context.selected_asset_check_keys),
    }
    selected = {one for one in PROJECT if key(one) in keys}
    ended = None
    if selected == set(PROJECT):
        ended = run_command(context, "-m", "marquee.cli.refresh", "--skip-plan")
    elif selected:
        options = [word for one in sorted(selected) for word in ("--select-model", one)]
        sqlmesh = [os.path.join(os.path.dirname(sys.executable), "sqlmesh"), "run"]
        ended = run_command(context, *sqlmesh, "--ignore-cron", "--no-auto-upstream", *options)
    if ended:
        yield from results(ended, selected)
    if HEALTH in context.selected_asset_keys:
        health = run_command(context, "pipelines/health.py", "--alert")
        yield dg.MaterializeResult(asset_key=HEALTH)
        yield dg.AssetCheckResult(asset_key=HEALTH, check_name=HEALTHY.name, passed=not health.code)
    if ended and ended.code:
        raise failure("The refresh", ended.code)


def results(
    ended: Ended, selected: set[str]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Yield what a command built and audited, parents first."""
    models, audited, measured = ended.logged("model_log", "audit_results", "data_quality_results")
    built = {one["table_name"]: one for one in models}
    audits = {(one["table_name"], one["audit_name"]): one for one in audited}
    metrics: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for one in measured:
        name = f"{one['column_name'] or ''}.{one['metric_name']}".strip(".")
        metrics[one["table_name"]][name] = one["measured_value"]
    # Each after its parents, as Dagster wants results.
    parents = {name: set(table.parents) & PROJECT.keys() for name, table in PROJECT.items()}
    for name in TopologicalSorter(parents).static_order():
        if name not in selected:
            continue
        model = built.get(name)
        if model and model["status"] == "SUCCEEDED":
            metadata = {"seconds": model["duration_seconds"], **metrics[name]}
            if model["row_count_after"] is not None:
                metadata["dagster/row_count"] = model["row_count_after"]
            yield dg.MaterializeResult(asset_key=key(name), metadata=metadata)
        for check in CHECKS[name]:
            if audit := audits.get((name, check.name)):
                yield dg.AssetCheckResult(
                    asset_key=key(name),
                    check_name=check.name,
                    passed=bool(audit["is_passed"]),
                    severity=dg.AssetCheckSeverity["ERROR" if audit["is_blocking"] else "WARN"],
                    metadata={
                        "failing_rows": audit["failing_row_count"],
                        "query": audit["failing_rows_query"] or "",
                    },
                )


SOURCES = [
    dg.AssetSpec("tmdb_source", group_name="sources", description="TMDb's API, or the sandbox."),
    dg.AssetSpec("studio_source", group_name="sources", description="The studio's landing folder."),
]
configure_dlt(Settings.from_environment())
LOADS = [pipeline("tmdb", TMDB_TABLES, ["--sandbox"])]
if IS_SANDBOX or has_folder():
    LOADS.append(pipeline("studio", STUDIO_TABLES, ["--sandbox", "--scale", "0.02"]))
ASSETS = [*LOADS, transform]
full_refresh = dg.define_asset_job(
    "full_refresh",
    dg.AssetSelection.assets(*ASSETS),
    description="Load, refresh, check the health.",
)
transform_only = dg.define_asset_job(
    "transform_only", dg.AssetSelection.assets(transform), description="Refresh, check the health."
)
defs = dg.Definitions(
    assets=[*SOURCES, *ASSETS],
    jobs=[full_refresh, transform_only],
    schedules=[
        dg.ScheduleDefinition(job=full_refresh, cron_schedule="0 6 * * *", execution_timezone="UTC")
    ],
    executor=dg.in_process_executor,
)
