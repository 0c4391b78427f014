"""What is news to a model of the studio: loads that it has not read (decision 19)."""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator


@macro()
def last_read(evaluator: MacroEvaluator, model: exp.Expr, *sources: exp.Expr) -> exp.Expr:
    """The query of one row and column: ``load_number``, the highest that a model has read.

    Compare with it (``CROSS JOIN last_read``) in a CTE that says what has news, and nothing else;
    where that is joined beside another large table, look it up with ``IN``. DuckDB joins by
    equality first and compares with the one row afterwards, when it has joined the whole history.

    A first build and a restatement begin at the first day and have read nothing: 0.

    Args:
        evaluator: Knows the interval to build.
        model: Name of the model, whose rows keep their ``_source_load_number``.
        sources: Names of tables that make all news when they were built anew. For models of the
            kind INCREMENTAL_BY_PARTITION, whose rows keep ``_source_version`` for that.
    """
    newest = "MAX(known._source_load_number)"
    if sources:
        version = version_of(evaluator, *sources).sql()
        oldest = "MIN(COALESCE(known._source_version, ''))"
        newest = f"CASE WHEN {oldest} = {version} THEN {newest} END"
    return parse_one(
        f"""
        SELECT COALESCE({newest}, 0) AS load_number FROM {model.name} AS known
        WHERE '{evaluator.locals["start_ds"]}' > '{evaluator.var("first_day")}'
        """,  # noqa: S608 - names of models, and days
        dialect="duckdb",
    )


@macro()
def batches_with_news(evaluator: MacroEvaluator, model: exp.Expr) -> exp.Expr:
    """The query of the runs of the door that a model has not read: ``batch_id``, ``load_number``.

    For models that read bronze, whose rows bear the run and not the number.

    Args:
        evaluator: Knows the interval to build.
        model: Name of the model.
    """
    return parse_one(
        f"""
        SELECT batch.batch_id, batch.load_number
        FROM silver.studio_batches AS batch
        CROSS JOIN ({last_read(evaluator, model).sql("duckdb")}) AS last_read
        WHERE batch.load_number > last_read.load_number
        """,  # noqa: S608 - names of models, and days
        dialect="duckdb",
    )


@macro()
def version_of(evaluator: MacroEvaluator, *names: exp.Expr) -> exp.Expr:
    """TEXT: the versions of models; another one once a plan has built a model's table anew.

    For models of the kind INCREMENTAL_BY_PARTITION, which a plan never builds anew, whatever
    becomes of their parents (decision 19). Empty while models are loaded.
    """
    versions = {
        snapshot.model.name: snapshot.version
        for snapshot in evaluator.snapshots.values()
        if snapshot.is_model
    }
    found = [versions.get(name.name) for name in names]
    return exp.Literal.string(" ".join(filter(None, found)))
