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
from sqlmesh.core.macros import MacroEvaluator, generate_surrogate_key

from macros.incremental import is_refresh


@macro()
def period_changes(
    evaluator: MacroEvaluator,
    model: exp.Expr,
    changed: exp.Expr,
    observations: exp.Expr,
    key: exp.Expr,
    tracked: exp.Expr,
    lineage: exp.Expr,
) -> exp.Expr:
    """Query of the rows that a history must be handed so that it reports the computed periods.

    A period begins with an observation whose tracked values differ from those before, and ends
    where the next one begins. An observation that ``is_tombstone`` ends a period and begins none.

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
        observations: CTE of all observations of these keys, one per moment: key, tracked and
            lineage columns, ``is_tombstone``, ``observed_at``.
        key: Column of the entity.
        tracked: Columns whose change begins a period.
        lineage: Other columns of the first observation of a period.

    Returns:
        Key, tracked columns, ``valid_from``, ``valid_to``, ``is_withdrawn``, ``correction_number``,
        lineage columns, and ``load_number``, the highest of the changed keys.
    """
    name, table = key.name, model.name
    values = [column.name for column in tracked.find_all(exp.Column)]
    others = [column.name for column in lineage.find_all(exp.Column)]
    carried = ", ".join([name, *values, *others])
    columns = [name, *values, "valid_from", "valid_to", *others]
    computed = ", ".join(f"period.{column}" for column in columns)
    recorded = ", ".join(f"known.{column}" for column in columns)
    equal = " AND ".join(f"period.{value} IS NOT DISTINCT FROM known.{value}" for value in values)
    on = f"known.{name} = period.{name} AND known.valid_from = period.valid_from"
    number = f"(SELECT MAX(load_number) FROM {changed.name})"  # noqa: S608
    fingerprint = generate_surrogate_key(
        evaluator, exp.column("is_tombstone"), *(exp.column(value) for value in values)
    ).sql("duckdb")
    is_same = f"""(
      NOT known.is_withdrawn AND {equal} AND (
        period.valid_to IS NOT DISTINCT FROM known.valid_to
        OR (known.valid_to IS NULL AND period.valid_to > known.last_recorded_at)
      )
    )"""
    query = f"""
      WITH fingerprints AS (
        SELECT {carried}, is_tombstone, observed_at, {fingerprint} AS fingerprint
        FROM {observations.name}
      ), changes AS (
        SELECT {carried}, is_tombstone, observed_at FROM fingerprints
        QUALIFY LAG(fingerprint, 1, '') OVER (PARTITION BY {name} ORDER BY observed_at)
          <> fingerprint
      ), all_periods AS (
        SELECT {carried}, is_tombstone, observed_at AS valid_from,
          LEAD(observed_at) OVER (PARTITION BY {name} ORDER BY observed_at) AS valid_to
        FROM changes
      ), periods AS (
        SELECT {carried}, valid_from, valid_to FROM all_periods WHERE NOT is_tombstone
      ), last_refresh AS (
        SELECT MAX(known.recorded_at) AS last_recorded_at FROM {table} AS known
      ), recorded AS (
        SELECT {recorded}, known.is_withdrawn, known.correction_number,
          last_refresh.last_recorded_at
        FROM {table} AS known
        CROSS JOIN last_refresh
        WHERE known.superseded_at IS NULL AND {is_refresh(evaluator)}
          AND known.{name} IN (SELECT {name} FROM {changed.name})
        QUALIFY ROW_NUMBER() OVER (
          PARTITION BY known.{name}, known.valid_from ORDER BY known.correction_number DESC
        ) = 1
      )
      SELECT {computed}, FALSE AS is_withdrawn,
        CASE
          WHEN known.{name} IS NULL THEN 0
          WHEN {is_same} THEN known.correction_number
          ELSE known.correction_number + 1
        END AS correction_number,
        {number} AS load_number
      FROM periods AS period
      LEFT JOIN recorded AS known ON {on}
      WHERE known.{name} IS NULL OR NOT {is_same}
        OR period.valid_to IS DISTINCT FROM known.valid_to
      UNION ALL
      SELECT {recorded}, TRUE AS is_withdrawn, known.correction_number, {number} AS load_number
      FROM recorded AS known
      LEFT JOIN periods AS period ON {on}
      WHERE NOT known.is_withdrawn AND (period.{name} IS NULL OR NOT {is_same})
    """  # noqa: S608 - names of tables and columns, and days
    return parse_one(query, dialect="duckdb")
