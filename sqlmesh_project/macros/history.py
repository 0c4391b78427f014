"""Bitemporal history: computed periods of validity, under SQLMesh's clock of what was reported.

``valid_from`` and ``valid_to`` (when the source reported it) are computed from all observations
of a key. The kind SCD_TYPE_2_BY_COLUMN keeps ``recorded_at`` and ``superseded_at`` (when this
warehouse reported it) over the rows that it is handed. It fills a NULL of a superseded row with
the value that follows (SQLMesh issues 5757 and 5332). So no row is handed to it twice with other
values: a period that was wrong is withdrawn with the values it had, and the right one is a row of
its own, with the next ``correction_number``.
"""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

from macros.incremental import is_refresh


@macro()
def period_changes(
    evaluator: MacroEvaluator,
    model: exp.Expr,
    changed: exp.Expr,
    periods: exp.Expr,
    key: exp.Expr,
    tracked: exp.Expr,
    lineage: exp.Expr,
) -> exp.Expr:
    """Query of the rows that a history must be handed so that it reports the computed periods.

    - A period that is not recorded: the period, ``correction_number`` 0.
    - A recorded period whose end arrives: the same row with its end, which the kind fills in.
    - A recorded period with other values or another end, or that no observation supports any more:
      the recorded row again, ``is_withdrawn``, which supersedes it. A period that takes its place
      has the next ``correction_number``.
    - An end that lies before the last refresh is late: until then the warehouse had reported the
      period as open. It is a correction too.

    Args:
        evaluator: Knows the interval to build.
        model: Name of the history.
        changed: CTE of the keys to compute: the key, and ``load_number``.
        periods: CTE of all periods of these keys: key, tracked and lineage columns, ``valid_from``,
            ``valid_to``.
        key: Column of the entity.
        tracked: Columns whose change begins a period.
        lineage: Other columns, which a correction of the period takes over.

    Returns:
        Key, tracked columns, ``valid_from``, ``valid_to``, ``is_withdrawn``, ``correction_number``,
        lineage columns, and ``load_number``, the highest of the changed keys.

    """
    name, known_model = key.name, model.name
    values = [column.name for column in tracked.find_all(exp.Column)]
    others = [column.name for column in lineage.find_all(exp.Column)]
    columns = [name, *values, "valid_from", "valid_to", *others]
    equal = " AND ".join(f"period.{value} IS NOT DISTINCT FROM known.{value}" for value in values)
    computed = ", ".join(f"period.{column}" for column in columns)
    recorded = ", ".join(f"known.{column}" for column in columns)
    on = f"known.{name} = period.{name} AND known.valid_from = period.valid_from"
    is_same = f"""(
      NOT known.is_withdrawn AND {equal} AND (
        period.valid_to IS NOT DISTINCT FROM known.valid_to
        OR (known.valid_to IS NULL AND period.valid_to > known.last_recorded_at)
      )
    )"""
    known = f"""
      SELECT {", ".join(f"newest.{column}" for column in columns)},
        newest.is_withdrawn, newest.correction_number, refreshed.last_recorded_at
      FROM {known_model} AS newest
      CROSS JOIN (
        SELECT MAX(known.recorded_at) AS last_recorded_at FROM {known_model} AS known
      ) AS refreshed
      WHERE newest.superseded_at IS NULL AND {is_refresh(evaluator)}
        AND newest.{name} IN (SELECT {name} FROM {changed.name})
      QUALIFY ROW_NUMBER() OVER (
        PARTITION BY newest.{name}, newest.valid_from ORDER BY newest.correction_number DESC
      ) = 1
    """  # noqa: S608 - names of tables and columns, and days
    number = f"(SELECT MAX(load_number) FROM {changed.name})"  # noqa: S608
    return parse_one(
        f"""
        SELECT {computed}, FALSE AS is_withdrawn,
          CASE
            WHEN known.{name} IS NULL THEN 0
            WHEN {is_same} THEN known.correction_number
            ELSE known.correction_number + 1
          END AS correction_number,
          {number} AS load_number
        FROM {periods.name} AS period
        LEFT JOIN ({known}) AS known ON {on}
        WHERE known.{name} IS NULL OR NOT {is_same}
          OR period.valid_to IS DISTINCT FROM known.valid_to
        UNION ALL
        SELECT {recorded}, TRUE AS is_withdrawn, known.correction_number, {number} AS load_number
        FROM ({known}) AS known
        LEFT JOIN {periods.name} AS period ON {on}
        WHERE NOT known.is_withdrawn AND (period.{name} IS NULL OR NOT {is_same})
        """,  # noqa: S608
        dialect="duckdb",
    )
