"""What a refresh has to read: the loads of dlt that a table has not read (decision 31).

The first table after bronze finds them (``@new_loads``) and stamps its rows with ``load_number``.
Every other table reads the rows of its parents whose number is higher than any of its own
(``@high_water_mark``). No clock is compared. A number counts as read only because rows with it are
there, so that what a killed refresh deleted and did not insert is read again.
"""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def new_loads(
    evaluator: MacroEvaluator, model: exp.Expr, pipeline: exp.Expr, *tables: exp.Expr
) -> exp.Expr:
    """Query of the loads in bronze that a table has not read, or not with all their rows.

    A load counts once dlt has completed it or a later one of the same pipeline: runs of a pipeline
    never overlap, so an older load is complete, or was interrupted and never will be. The rows of
    an interrupted load are not loaded again (decision 17), so they count as well.

    The table keeps ``_source_load_id``, ``_source_load_number`` and ``_source_row_count``, the
    number of rows in bronze that its load had then. A first build and a restatement begin at the
    first day and have read nothing.

    Args:
        evaluator: Knows the interval to build.
        model: Name of the table.
        pipeline: dlt's name of the pipeline that loads the tables.
        tables: Bronze tables whose loads are read.

    Returns:
        One row per load, with ``load_id``, ``batch_id``, ``landed_at`` (when its first row was
        read), ``row_count``, and ``load_number``: how many loads bronze has now, and higher than
        any before. All loads of a refresh get the same. It does not begin again at 1 when a table
        is rebuilt, because a history that is not rebuilt with it has read up to the number before.
    """
    bronze = " UNION ALL ".join(
        f"SELECT _dlt_load_id, batch_id, ingested_at FROM {table.sql('duckdb')}"  # noqa: S608
        for table in tables
    )
    return parse_one(
        f"""
        SELECT
          load.load_id,
          load.batch_id,
          load.landed_at,
          load.row_count,
          GREATEST(load.load_count, COALESCE(newest.load_number, 0) + 1) AS load_number
        FROM (
          SELECT
            loaded._dlt_load_id AS load_id,
            MIN(loaded.batch_id) AS batch_id,
            MIN(loaded.ingested_at) AS landed_at,
            COUNT(*) AS row_count,
            COUNT(*) OVER () AS load_count
          FROM ({bronze}) AS loaded
          WHERE loaded._dlt_load_id <= (
            SELECT MAX(done.load_id) FROM bronze._dlt_loads AS done
            WHERE done.status = 0 AND done.schema_name = '{pipeline.name}'
          )
          GROUP BY loaded._dlt_load_id
        ) AS load
        CROSS JOIN (
          SELECT MAX(known._source_load_number) AS load_number FROM {model.name} AS known
        ) AS newest
        LEFT JOIN (
          SELECT known._source_load_id, MAX(known._source_row_count) AS row_count
          FROM {model.name} AS known
          WHERE {is_refresh(evaluator)}
          GROUP BY known._source_load_id
        ) AS known
          ON known._source_load_id = load.load_id AND known.row_count = load.row_count
        WHERE known._source_load_id IS NULL
        """,  # noqa: S608 - names of tables, and days
        dialect="duckdb",
    )


@macro()
def high_water_mark(evaluator: MacroEvaluator, model: exp.Expr, *parents: exp.Expr) -> exp.Expr:
    """Query of one row and column: ``load_number``, the highest that a table has read.

    Compare with it (``CROSS JOIN high_water_mark``) in a CTE that finds what has changed, and
    nothing else; where that is joined beside another large table, look it up with ``IN``. DuckDB
    joins by equality first and compares with the one row afterwards, when it has joined the whole
    history.

    A first build and a restatement begin at the first day and have read nothing: 0.

    Args:
        evaluator: Knows the interval to build.
        model: Name of the table, whose rows keep their ``_source_load_number``.
        parents: Tables that make everything new when a plan rebuilds them. For the kinds that a
            plan does not rebuild with their parents (INCREMENTAL_BY_PARTITION, SCD_TYPE_2), whose
            rows keep ``_source_version``, the ``@snapshot_version`` of the same parents.
    """
    conditions = [is_refresh(evaluator)]
    if parents:
        version = snapshot_version(evaluator, *parents).sql("duckdb")
        conditions.append(f"known._source_version = {version}")
    return parse_one(
        f"""
        SELECT COALESCE(MAX(known._source_load_number), 0) AS load_number
        FROM {model.name} AS known
        WHERE {" AND ".join(conditions)}
        """,  # noqa: S608 - names of tables, and days
        dialect="duckdb",
    )


@macro()
def snapshot_version(evaluator: MacroEvaluator, *models: exp.Expr) -> exp.Expr:
    """TEXT: SQLMesh's versions of tables; another one once a plan has rebuilt one of them.

    Empty while models are loaded.
    """
    versions = {
        snapshot.model.name: snapshot.version
        for snapshot in evaluator.snapshots.values()
        if snapshot.is_model
    }
    found = [versions.get(model.name) for model in models]
    return exp.Literal.string(" ".join(filter(None, found)))


@macro()
def changed_rows(evaluator: MacroEvaluator) -> exp.Expr:
    """Condition of an audit: the rows that the last refresh wrote, and those without a number.

    All rows after a first build and a restatement, which begin at the first day, and in a full
    audit, which has to be requested: ``sqlmesh audit --start 2026-01-01``.
    """
    return _changed(evaluator, evaluator.locals.get("this_model"), "_source_load_number")


@macro()
def changed_keys(evaluator: MacroEvaluator, key: exp.Expr, table: exp.Expr) -> exp.Expr:
    """Condition of an audit: the keys of which the last refresh wrote a row in another table.

    Args:
        evaluator: Knows the interval to audit.
        key: The column, of the same name in both.
        table: The other table, which the audited model reads.
    """
    changed = _changed(evaluator, table, "written._source_load_number")
    if isinstance(changed, exp.Boolean):
        return changed
    written = exp.select(f"written.{key.name}").from_(
        exp.alias_(table.copy(), "written", table=True)
    )
    return exp.column(key.name).isin(query=written.where(changed))


def _changed(evaluator: MacroEvaluator, table: exp.Expr | None, column: str) -> exp.Expr:
    """``column IS NULL OR column = (SELECT MAX(...) FROM table)``; TRUE where all are meant."""
    start = evaluator.locals.get("start_ds")
    if table is None or start is None or start <= str(evaluator.var("first_day")):
        return exp.true()
    newest = exp.select("MAX(newest._source_load_number)").from_(
        exp.alias_(table.copy(), "newest", table=True)
    )
    number = exp.column(*reversed(column.split(".")))
    return exp.paren(exp.or_(number.is_(exp.null()), number.eq(newest.subquery())))


def is_refresh(evaluator: MacroEvaluator) -> str:
    """SQL of a condition: false for a first build and a restatement (from the first day on)."""
    return f"'{evaluator.locals['start_ds']}' > '{evaluator.var('first_day')}'"
