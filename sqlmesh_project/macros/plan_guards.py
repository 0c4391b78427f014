"""Guards of a plan: what would lose history, or be dear by accident, has to be requested.

`@check_plan()` is called at the start of a plan (`before_all` in config.yaml), when no
model is written yet. It compares what stands in prod with what the plan would put there.
"""

import os
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlmesh.core.environment import EnvironmentNamingInfo
from sqlmesh.core.macros import MacroEvaluator, RuntimeStage, macro
from sqlmesh.core.model import SCDType2ByColumnKind
from sqlmesh.core.snapshot import DeployabilityIndex, Snapshot
from sqlmesh.core.snapshot.definition import start_date
from sqlmesh.utils.date import to_timestamp
from sqlmesh.utils.errors import PlanError

PROD = "prod"
# The schema of tables that say what was known when.
HISTORY = "snapshots"
# Tables elsewhere whose rows no rebuild makes again.
NON_REBUILDABLE_TABLES = ("ops.data_quality_results",)


@macro()
def check_plan(evaluator: MacroEvaluator) -> exp.Expr:
    """Stop a plan that would lose history, or rebuild a large table.

    Names of models in MARQUEE_ALLOW, separated by commas, are let through.

    Returns:
        A statement that does nothing: SQLMesh warns of a macro that returns none.

    Raises:
        PlanError: a guard holds, with the reason and the way on; or the warehouse file is named
            like a schema, which is then ambiguous.
    """
    if evaluator.locals["runtime_stage"] == RuntimeStage.BEFORE_ALL.value:
        if evaluator.dialect == "duckdb":
            _check_file_name(str(evaluator.engine_adapter.get_current_catalog()))
        allowed = {name.strip() for name in os.environ.get("MARQUEE_ALLOW", "").split(",")}
        limit = int(str(evaluator.var("max_rebuild_rows")))
        models = [snapshot for snapshot in evaluator.snapshots.values() if snapshot.is_model]
        losses = _large_rebuilds(evaluator, models, limit)
        if evaluator.this_env == PROD:
            losses |= _lost_histories(evaluator, models)
        losses = {name: reason for name, reason in losses.items() if name not in allowed}
        if losses:
            reasons = [f"{name} {reason}" for name, reason in sorted(losses.items())]
            names = ",".join(sorted(losses))
            raise PlanError(
                "This plan is stopped, nothing was written:\n  "
                + "\n  ".join(reasons)
                + f"\nIf that is meant: MARQUEE_ALLOW={names}"
            )
    return exp.select("1")


def _check_file_name(catalog: str) -> None:
    from marquee.core.file_names import hidden_schema

    if hidden := hidden_schema(catalog):
        raise PlanError(
            f"A warehouse file cannot be called {catalog}.duckdb: its name would hide the schema "
            f"{hidden}.\nSet MARQUEE_DUCKDB to another name."
        )


def _large_rebuilds(
    evaluator: MacroEvaluator, models: list[Snapshot], limit: int
) -> dict[str, str]:
    """Incremental tables of prod with more rows than the limit that would be rebuilt.

    A full table is rebuilt at each refresh anyhow.
    """
    index = _index(evaluator, models)
    found = {}
    for snapshot in models:
        if not snapshot.is_incremental or not _is_rebuilt(evaluator, snapshot, models, index):
            continue
        rows = _rows_in_prod(evaluator.engine_adapter, snapshot, "TRUE")
        if rows > limit:
            preview = "" if index.is_representative(snapshot) else " as a preview"
            found[snapshot.model.name] = (
                f"would be rebuilt{preview}: {rows:,} rows, more than max_rebuild_rows ({limit:,})"
            )
    return found


def _lost_histories(evaluator: MacroEvaluator, models: list[Snapshot]) -> dict[str, str]:
    """Tables of the history that would go, lose a column, or forget rows."""
    adapter, index = evaluator.engine_adapter, _index(evaluator, models)
    found = {}
    kept = {snapshot.model.name: snapshot for snapshot in models}
    for name in _histories_in_prod(adapter):
        if name not in kept:
            found[name] = "is no longer in the project: its history would go"
            continue
        snapshot = kept[name]
        columns = {column.lower() for column in snapshot.model.columns_to_types or {}}
        in_prod = [column.lower() for column in adapter.columns(_view(adapter, snapshot))]
        # A name with a leading underscore is lineage: it comes again with the next rebuild.
        lost = [
            column for column in in_prod if column not in columns and not column.startswith("_")
        ]
        irreplaceable = _irreplaceable_rows(snapshot, in_prod)
        if lost:
            found[name] = f"would lose the history of {', '.join(lost)}"
        elif irreplaceable and _is_rebuilt(evaluator, snapshot, models, index):
            rows = _rows_in_prod(adapter, snapshot, irreplaceable)
            if rows:
                found[name] = f"would be emptied; rows that no rebuild restores: {rows:,}"
        elif irreplaceable and not snapshot.unpaused_ts:
            # Not prod's yet, and built already by another environment.
            rows = _rows_left_out(adapter, snapshot, irreplaceable)
            if rows:
                found[name] = (
                    "would be replaced by what another environment built; rows that no rebuild "
                    f"restores: {rows:,}"
                )
    return found


def _irreplaceable_rows(snapshot: Snapshot, columns: list[str]) -> str:
    """Condition of the rows of prod's table that no rebuild restores; empty where none are.

    Of a history on two clocks those that are superseded: the others are computed from bronze. A
    table that has no such column yet was computed as a whole.
    """
    if snapshot.model.name in NON_REBUILDABLE_TABLES:
        return "TRUE"
    kind = snapshot.model.kind
    if not isinstance(kind, SCDType2ByColumnKind):
        return ""
    superseded_at = kind.valid_to_name.name
    return f"NOT {superseded_at} IS NULL" if superseded_at.lower() in columns else ""


def _index(evaluator: MacroEvaluator, models: list[Snapshot]) -> DeployabilityIndex:
    """Which tables of a plan are prod's, and which are previews of another environment."""
    if evaluator.this_env == PROD:
        return DeployabilityIndex.all_deployable()
    return DeployabilityIndex.create(models, start=evaluator.locals["start_dt"])


def _is_rebuilt(
    evaluator: MacroEvaluator,
    snapshot: Snapshot,
    models: list[Snapshot],
    index: DeployabilityIndex,
) -> bool:
    """Whether a plan fills a table from the beginning.

    A new version of a table, the preview of a forward-only one in another environment, or a table
    that is restated. What an environment has built already is taken over and not built again.
    """
    adapter = evaluator.engine_adapter
    is_prods = index.is_representative(snapshot)
    is_cloned = adapter.SUPPORTS_CLONING and snapshot.is_forward_only and not is_prods
    if not is_cloned and not adapter.table_exists(snapshot.table_name(is_deployable=is_prods)):
        return True
    # A restatement, and a preview, show as missing intervals.
    missing = snapshot.missing_intervals(
        evaluator.locals["start_dt"],
        evaluator.locals["end_dt"],
        evaluator.locals["execution_dt"],
        deployability_index=index,
        ignore_cron=True,
    )
    return bool(missing) and missing[0][0] <= to_timestamp(start_date(snapshot, models))


def _histories_in_prod(adapter: Any) -> list[str]:
    """The tables of the history that prod has, by the names of their models."""
    found = []
    for schema in sorted({HISTORY, *(log.partition(".")[0] for log in NON_REBUILDABLE_TABLES)}):
        # The engine compares letter by letter, and Snowflake's names are upper case.
        in_prod = normalize_identifiers(schema, dialect=adapter.dialect).name
        names = [f"{schema}.{view.name.lower()}" for view in adapter.get_data_objects(in_prod)]
        found += [name for name in names if schema == HISTORY or name in NON_REBUILDABLE_TABLES]
    return found


def _rows_in_prod(adapter: Any, snapshot: Snapshot, condition: str) -> int:
    view = _view(adapter, snapshot)
    if not adapter.table_exists(view):
        return 0
    counted = normalize_identifiers(parse_one(condition), dialect=adapter.dialect)
    return int(adapter.fetchone(exp.select("COUNT(*)").from_(view).where(counted))[0])


def _rows_left_out(adapter: Any, snapshot: Snapshot, condition: str) -> int:
    """Rows that prod shows and that are not, by their grain, in the table that it would show."""
    dialect = adapter.dialect
    grain = [
        normalize_identifiers(exp.column(column.name), dialect=dialect)
        for expression in snapshot.model.grains
        for column in expression.find_all(exp.Column)
    ]
    counted = normalize_identifiers(parse_one(condition), dialect=dialect)
    shown = exp.select(*grain).from_(_view(adapter, snapshot)).where(counted)
    built = exp.select(*grain).from_(snapshot.table_name(is_deployable=True))
    left_out = exp.except_(shown, built).subquery("left_out")
    return int(adapter.fetchone(exp.select("COUNT(*)").from_(left_out))[0])


def _view(adapter: Any, snapshot: Snapshot) -> str:
    naming = EnvironmentNamingInfo(name=PROD)
    return str(snapshot.qualified_view_name.for_environment(naming, dialect=adapter.dialect))
