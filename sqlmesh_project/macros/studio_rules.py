"""The rules that a value of the studio's feeds must keep, each in one place.

Bronze holds what the files say as text. Silver and the list of refused values (``ops``) read
through these macros, so that they can't disagree on what a value is. A value that breaks its rule
is NULL.
"""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

from macros.json import WHITE_SPACE, try_cast

EVENT_TYPES = ["STREAM", "PURCHASE", "REVIEW", "WISHLIST", "TRAILER_VIEW"]
# Clocks of devices differ; an event more than a day after it was read is of the future.
LATEST_EVENT = "INTERVAL '1' DAY"
EARLIEST_DAY = "1990-01-01"  # nobody sold, streamed or reported anything digitally before
HIGHEST_SCORE = 10
OLDEST_RELEASE_YEAR = 1870  # as for TMDb's movies
# A figure above is a slip; added up or converted, a few of them would burst a column of gold.
HIGHEST_FIGURE = 999_999_999_999
HIGHEST_RATE = 9_999


@macro()
def clean_text(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """TEXT without white space around it; NULL when empty."""
    return _clean_text(value)


@macro()
def clean_code(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """TEXT in capitals without white space around it; NULL when empty."""
    return exp.Upper(this=_clean_text(value))


@macro()
def parse_amount(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """DECIMAL(18, 2): an amount of 0 to a trillion."""
    return _plausible(try_cast(_clean_text(value), "DECIMAL(18, 2)"))


@macro()
def parse_rate(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """DECIMAL(18, 8): an exchange rate above 0 and below 10,000."""
    rate = try_cast(_clean_text(value), "DECIMAL(18, 8)")
    is_above_0 = exp.GT(this=rate.copy(), expression=exp.Literal.number(0))
    return _when(exp.and_(is_above_0, rate.copy().between(0, HIGHEST_RATE)), rate)


@macro()
def parse_count(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """BIGINT: a whole number of 0 to a trillion."""
    return _plausible(exp.cast(try_cast(_clean_text(value), "DECIMAL(18, 0)"), "BIGINT"))


@macro()
def parse_score(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """DOUBLE: a score of 0 to 10."""
    score = try_cast(_clean_text(value), "DOUBLE")
    return _when(score.copy().between(0, HIGHEST_SCORE), score)


@macro()
def parse_date(evaluator: MacroEvaluator, value: exp.Expr, ingested_at: exp.Expr) -> exp.Expr:
    """DATE: an ISO day up to the one after it was read."""
    text = _clean_text(value)
    is_iso = exp.Like(this=text.copy(), expression=exp.Literal.string("____-__-__"))
    day = try_cast(text, "DATE")
    return _when(exp.and_(is_iso, _is_past(evaluator, day.copy(), ingested_at)), day)


@macro()
def parse_timestamp(evaluator: MacroEvaluator, value: exp.Expr, ingested_at: exp.Expr) -> exp.Expr:
    """TIMESTAMP in UTC of an ISO 8601 moment, up to a day after it was read.

    One without an offset is taken for UTC. Measured against the row's own time and not the clock,
    so that a rebuild gives the same.
    """
    text = _clean_text(value)
    # Words such as "epoch" are moments to some engines.
    is_iso = exp.Like(this=text.copy(), expression=exp.Literal.string("____-__-__%"))
    has_offset = exp.RegexpLike(
        this=text.copy(), expression=exp.Literal.string("[+-][0-9][0-9]:?[0-9][0-9]$")
    )
    in_utc: exp.Expr = exp.AtTimeZone(
        this=exp.Paren(this=try_cast(text.copy(), "TIMESTAMPTZ")), zone=exp.Literal.string("UTC")
    )
    if evaluator.dialect == "snowflake":
        has_offset.set("expression", exp.Literal.string(".*[+-][0-9][0-9]:?[0-9][0-9]"))
        in_utc = parse_one(
            "CAST(CONVERT_TIMEZONE('UTC', TRY_CAST("
            f"{text.sql('snowflake')} AS TIMESTAMPTZ)) AS TIMESTAMPNTZ)",
            dialect="snowflake",
        )
    # A "Z" is dropped by both engines, which leaves UTC.
    moment = exp.Case(
        ifs=[exp.If(this=has_offset, true=in_utc)], default=try_cast(text, "TIMESTAMP")
    )
    return _when(exp.and_(is_iso, _is_past(evaluator, moment.copy(), ingested_at)), moment)


@macro()
def is_event_type(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """BOOLEAN: whether it is an event that the studio knows."""
    return exp.In(
        this=value.copy(), expressions=[exp.Literal.string(event) for event in EVENT_TYPES]
    )


@macro()
def is_release_year(evaluator: MacroEvaluator, value: exp.Expr, ingested_at: exp.Expr) -> exp.Expr:
    """BOOLEAN: whether it is a year from 1870 to ten years after it was read."""
    last = parse_one(f"EXTRACT(YEAR FROM {ingested_at.sql(evaluator.dialect)}) + 10")
    return value.copy().between(exp.Literal.number(OLDEST_RELEASE_YEAR), last)


@macro()
def refused_values(
    evaluator: MacroEvaluator, rows: exp.Expr, record_id: exp.Expr, *rules: exp.Expr
) -> exp.Expr:
    """One row a record and value that breaks a rule.

    Args:
        evaluator: Knows the dialect to write.
        rows: A CTE with the lineage columns of bronze.
        record_id: Its column with the record's key.
        rules: Each ``(column_name, value, is_broken, reason)``: the rule is asked only where the
            record has a value.

    Returns:
        ``table_name``, ``record_id``, ``column_name``, ``rejected_value``, ``reason`` and lineage.
    """
    selects = []
    for rule in rules:
        column_name, value, is_broken, reason = rule.expressions
        selects.append(
            exp.select(
                "table_name",
                exp.alias_(record_id.copy(), "record_id"),
                exp.alias_(column_name, "column_name"),
                exp.alias_(_clean_text(value), "rejected_value"),
                exp.alias_(reason, "reason"),
                "source_file",
                "source_line",
                "ingested_at",
                "batch_id",
                "_dlt_id",
                "load_number",
            )
            .from_(rows)
            .where(exp.and_(_clean_text(value).is_(exp.null()).not_(), is_broken))
        )
    return exp.union(*selects, distinct=False)


def _clean_text(value: exp.Expr) -> exp.Expr:
    trimmed = exp.Trim(this=value.copy(), expression=exp.Literal.string(WHITE_SPACE))
    return exp.func("NULLIF", trimmed, exp.Literal.string(""))


def _is_past(evaluator: MacroEvaluator, value: exp.Expr, ingested_at: exp.Expr) -> exp.Expr:
    last = parse_one(f"{ingested_at.sql(evaluator.dialect)} + {LATEST_EVENT}")
    return value.between(exp.cast(exp.Literal.string(EARLIEST_DAY), "DATE"), last)


def _plausible(value: exp.Expr) -> exp.Expr:
    return _when(value.copy().between(0, HIGHEST_FIGURE), value)


def _when(condition: exp.Expr, value: exp.Expr) -> exp.Expr:
    """``CASE WHEN condition THEN value END``."""
    return exp.Case(ifs=[exp.If(this=condition.copy(), true=value.copy())])
