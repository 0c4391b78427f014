"""How a value of the studio's feeds is read, one definition per type.

Bronze keeps the text of the files. Silver and ``ops.rejected_studio_values`` read it through these
macros, so that they cannot disagree: ``@clean_columns`` first, then a parser per column. A text
that follows its rule is read exactly, without rounding or guessing; any other is NULL in silver and
listed in ``ops`` with the rule (``RULES``).
"""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

from macros.json import try_cast
from macros.rejects import listed_rejects
from macros.text import cleaned, name_key

EVENT_TYPES = ["STREAM", "PURCHASE", "REVIEW", "WISHLIST", "TRAILER_VIEW"]
# Clocks of devices differ; an event more than a day after it was read is of the future.
LATEST_EVENT = "INTERVAL '1' DAY"
# Before, nobody sold, streamed or reported anything digitally.
LAST_TOO_EARLY = "1989-12-31 23:59:59.999999"
HIGHEST_SCORE = 10
OLDEST_RELEASE_YEAR = 1870  # as for TMDb's movies
# A figure above is a typing error. One row cannot bring a sum of gold, DECIMAL(18, 2) or BIGINT, to
# its limit: that takes ten million rows of a billion US dollars.
HIGHEST_FIGURE = 999_999_999_999
HIGHEST_AMOUNT = 999_999_999
HIGHEST_RATE = 9_999

# The key and the names of the unknown members and of titles without a franchise.
UNKNOWN_KEY = "-1"
RESERVED_NAMES = ["-1", "STANDALONE", "UNKNOWN"]

# Digits, at most one point, and an exponent. Twenty decimals are all that the wide DECIMAL of
# `_number` holds, so that a text with more, zeros at the end aside, is not read as another number.
_MANY = "([0-9]+[.]?|[0-9]*[.][0-9]{1,20})0*"
_FEW = "([0-9]+[.]?|[0-9]*[.][0-9]{1,10})0*"
_SCIENTIFIC = f"{_MANY}[eE][+]?[0-9][0-9]?|{_FEW}[eE]-0?[0-9]"
SCIENTIFIC_NUMBER = f"^[+-]?({_SCIENTIFIC})$"
NUMBER = f"^[+-]?({_MANY}|{_SCIENTIFIC})$"
DAY = "^[0-9]{4}(-[0-9][0-9]-[0-9][0-9]|[0-9]{4})$"
# The extended format, then the basic one.
_HOUR, _SIXTY = "([01][0-9]|2[0-3])", "[0-5][0-9]"
_FRACTION = "([.,][0-9]+)?"
_OFFSET = f"([Zz]|[+-]{_HOUR}(:?{_SIXTY})?)?"
TIMESTAMP = (
    "^([0-9]{4}-[0-9][0-9]-[0-9][0-9]"
    f"([Tt ]{_HOUR}(:{_SIXTY}(:{_SIXTY}{_FRACTION})?)? ?{_OFFSET})?"
    f"|[0-9]{{8}}[Tt]{_HOUR}({_SIXTY}({_SIXTY}{_FRACTION})?)?{_OFFSET})$"
)

# The rule of each type, as `ops` gives it for the reason of a rejection.
RULES = {
    "parse_local_gross": "not a number from 0 to a trillion with at most 2 decimals",
    "parse_amount": "not a number from 0 to a billion with at most 2 decimals",
    "parse_rate": "not a number above 0 and below 10,000 with at most 8 decimals",
    "parse_count": "not a whole number from 0 to a trillion",
    "parse_score": "not a number from 0 to 10",
    "parse_year": "not a year from 1870 to ten years after it was read",
    "parse_date": "not an ISO 8601 date from 1990 to the day after it was read",
    "parse_timestamp": "not an ISO 8601 timestamp from 1990 to a day after it was read",
    "parse_key": "blank, or the key of the unknown member",
    "parse_name": "reserved for the unknown member, or for titles without a franchise",
}

# Of these tables a rejected value is kept as type and length: it may be about a person.
PERSONAL_TABLES = ["raw_fan_interactions"]

# These compare with the time at which the record was read.
TIMED_PARSERS = ["parse_date", "parse_timestamp", "parse_year"]
LINEAGE = [
    "source_file",
    "source_line",
    "ingested_at",
    "batch_id",
    "_dlt_id",
    "_source_load_number",
]


@macro()
def clean_text(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """TEXT without white space around it; NULL when empty."""
    return cleaned(value)


@macro()
def clean_code(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """TEXT in capitals without white space around it; NULL when empty."""
    return exp.Upper(this=cleaned(value))


@macro()
def clean_columns(
    evaluator: MacroEvaluator, relation: exp.Expr, *columns: exp.Expr
) -> list[exp.Expr]:
    """Columns, for a SELECT list: each named column of the relation as ``@clean_text`` gives it."""
    return [
        exp.alias_(cleaned(exp.column(column.name, relation.name)), column.name)
        for column in columns
    ]


@macro()
def spelling_key(evaluator: MacroEvaluator, name: exp.Expr) -> exp.Expr:
    """TEXT that is the same for spellings that differ by case or white space only."""
    return name_key(name)


@macro()
def parse_key(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """TEXT: a key; NULL when it is that of the unknown member."""
    return exp.func("NULLIF", value.copy(), exp.Literal.string(UNKNOWN_KEY))


@macro()
def parse_name(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """TEXT: the name of a group; NULL when the warehouse uses it for one of its own."""
    is_free = name_key(value).isin(*RESERVED_NAMES).not_()
    return exp.case().when(is_free, value)


@macro()
def parse_amount(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """DECIMAL(18, 2): an amount of 0 to a billion: a price, a budget, a day's gross in dollars."""
    return _number(value, 2, HIGHEST_AMOUNT)


@macro()
def parse_local_gross(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """DECIMAL(18, 2): a theater's gross of 0 to a trillion in any currency."""
    return _number(value, 2, HIGHEST_FIGURE)


@macro()
def to_usd(evaluator: MacroEvaluator, amount: exp.Expr, rate: exp.Expr) -> exp.Expr:
    """DECIMAL: an amount times a rate, unrounded.

    DuckDB gives the product of two DECIMAL(18) eighteen digits, which a hundred million exceed.
    """
    return exp.Mul(this=exp.cast(amount.copy(), "DECIMAL(38, 2)"), expression=rate.copy())


@macro()
def plausible_usd(evaluator: MacroEvaluator, amount: exp.Expr) -> exp.Expr:
    """DECIMAL(18, 2): US dollars from a conversion, in cents; NULL above a billion."""
    cents = exp.func("ROUND", amount.copy(), exp.Literal.number(2))
    return exp.cast(
        exp.case().when(cents.copy().between(0, HIGHEST_AMOUNT), cents), "DECIMAL(18, 2)"
    )


@macro()
def is_reported_usd(evaluator: MacroEvaluator, reported: exp.Expr, converted: exp.Expr) -> exp.Expr:
    """BOOLEAN: whether an amount is reported and within a percent (or a dollar) of another.

    The other one is what the local amount and its rate give, unrounded; NULL where one is unknown.
    """
    amount, cents = reported.sql("duckdb"), f"ROUND({converted.sql('duckdb')}, 2)"
    is_near = f"ABS({amount} - {cents}) <= GREATEST(1, CAST({cents} AS DOUBLE) / 100)"
    return parse_one(f"COALESCE({is_near}, NOT {amount} IS NULL)", dialect="duckdb")


@macro()
def parse_rate(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """DECIMAL(18, 8): an exchange rate above 0 and below 10,000."""
    rate = _number(value, 8, HIGHEST_RATE)
    return exp.func("NULLIF", rate, exp.Literal.number(0))


@macro()
def parse_count(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """BIGINT: a whole number of 0 to a trillion."""
    return exp.cast(_number(value, 0, HIGHEST_FIGURE), "BIGINT")


@macro()
def parse_score(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """DOUBLE: a score of 0 to 10."""
    score = try_cast(value.copy(), "DOUBLE")
    is_score = exp.and_(_matches(value, NUMBER), score.copy().between(0, HIGHEST_SCORE))
    return exp.case().when(is_score, score)


@macro()
def parse_year(evaluator: MacroEvaluator, value: exp.Expr, ingested_at: exp.Expr) -> exp.Expr:
    """INT: a year from 1870 to ten years after it was read."""
    last = parse_one(f"EXTRACT(YEAR FROM {ingested_at.sql(evaluator.dialect)}) + 10")
    return exp.cast(_number(value, 0, last, lowest=OLDEST_RELEASE_YEAR), "INT")


@macro()
def parse_date(evaluator: MacroEvaluator, value: exp.Expr, ingested_at: exp.Expr) -> exp.Expr:
    """DATE: an ISO 8601 date (``2026-11-21``, ``20261121``) up to the day after it was read."""
    digits = f"REPLACE({value.sql('duckdb')}, '-', '')"
    day = try_cast(parse_one(_iso_day(digits), dialect="duckdb"), "DATE")
    return exp.case().when(_matches(value, DAY), exp.cast(_of_the_past(day, ingested_at), "DATE"))


@macro()
def parse_timestamp(evaluator: MacroEvaluator, value: exp.Expr, ingested_at: exp.Expr) -> exp.Expr:
    """TIMESTAMP in UTC of an ISO 8601 timestamp, up to a day after it was read.

    In the extended format (``2026-11-21T10:00:00+02:00``) or the basic one (``20261121T100000Z``),
    with a fraction after a point or a comma, of which microseconds are kept. Offsets are ``Z``,
    ``+02``, ``+0200`` and ``+02:00``; a timestamp without one is taken for UTC. The day it was read
    is the row's own and not the clock's, so that a rebuild gives the same.
    """
    is_plain = exp.Like(this=value.copy(), expression=exp.Literal.string("____-__-__T__:__:__Z"))
    # Nearly all are in this form, which both engines read as it stands.
    plain = try_cast(value.copy(), "TIMESTAMP")
    moment = exp.case().when(is_plain, plain).else_(_in_utc(evaluator, value))
    return exp.case().when(_matches(value, TIMESTAMP), _of_the_past(moment, ingested_at))


@macro()
def is_event_type(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """BOOLEAN: whether it is an event that the studio knows."""
    return value.isin(*EVENT_TYPES)


@macro()
def rule_of(evaluator: MacroEvaluator, parser: exp.Expr) -> exp.Expr:
    """TEXT: the rule of a type, by the name of the macro that parses it."""
    return exp.Literal.string(RULES[parser.name])


@macro()
def rate_periods(evaluator: MacroEvaluator) -> exp.Expr:
    """Query of the exchange rates by period: effective from a day, and below another (or NULL)."""
    return parse_one(
        """
        SELECT
          currency,
          rate_usd,
          effective_from::DATE AS effective_from,
          LEAD(effective_from::DATE) OVER (PARTITION BY currency ORDER BY effective_from)
            AS effective_below
        FROM silver.seed_exchange_rates
        """,
        dialect="duckdb",
    )


@macro()
def rejected_values(evaluator: MacroEvaluator, *feeds: exp.Expr) -> exp.Expr:
    """Query with one row per record, and the JSON list of its values that break a rule.

    Args:
        evaluator: Knows the dialect to write.
        feeds: Each ``(table, record_id, rule, ...)``: a table of bronze, of which the loads in the
            CTE ``new_loads`` are read, and its key. A rule is ``(column_name, field, parser)``,
            broken by a value that the parser does not understand; ``(column_name, field,
            required_key)``, broken by a missing value, too; or ``(column_name, field, is_broken,
            reason)``. Columns without a table are fields of the record, cleaned, and what a parser
            makes of one: ``parsed_`` and the rule's column. Of the rules of a column the first that
            is broken counts.

    Returns:
        ``table_name``, ``record_id``, ``rejected_values`` (see ``listed_rejects``) and lineage.
    """
    ctes, selects = {}, []
    for feed in feeds:
        table, record_id, *rules = feed.expressions
        parsed: list[exp.Expr] = []
        broken: dict[str, list[exp.Expr]] = {}
        listed = []
        for rule in rules:
            column_name, field, *how = rule.expressions
            if len(how) == 1:
                value, reason = _parsed(evaluator, field, how[0].name)
                parsed.append(exp.alias_(value, f"parsed_{column_name.name}"))
                is_broken: exp.Expr = exp.column(parsed[-1].alias).is_(exp.null())
            else:
                is_broken, reason = how[0], how[1].name
            if how[0].name != "required_key":
                is_broken = exp.and_(field.is_(exp.null()).not_(), is_broken)
            before = broken.setdefault(column_name.name, [])
            others = [exp.func("COALESCE", one, exp.false()).not_() for one in before]
            before.append(is_broken)
            listed.append((column_name.name, field, exp.and_(is_broken, *others), reason))
        columns = {column for one in feed.expressions[1:] for column in one.find_all(exp.Column)}
        names = {column.name for column in columns if not column.table}
        fields = sorted(names - {*LINEAGE, "required_key", *RULES} - {one.alias for one in parsed})
        records, values = f"{table.name}_records", f"{table.name}_values"
        ctes[records] = (
            exp.select(
                *(exp.alias_(cleaned(exp.column(name, "landed")), name) for name in fields),
                *LINEAGE,
            )
            .from_(exp.table_(table.name, db=table.args["table"].name, alias="landed"))
            .join("new_loads", on="new_loads._source_load_id = landed._dlt_load_id")
        )
        ctes[values] = exp.select(*fields, *LINEAGE, *parsed).from_(records)
        selects.append(
            exp.select(
                exp.alias_(exp.Literal.string(table.name), "table_name"),
                exp.alias_(exp.func("COALESCE", record_id, exp.Literal.string("")), "record_id"),
                exp.alias_(listed_rejects(evaluator, listed), "rejected_values"),
                *LINEAGE,
            ).from_(values)
        )
    union = exp.union(*selects, distinct=False)
    for name, query in ctes.items():
        union = union.with_(name, as_=query, copy=False)
    return union


@macro()
def kept_text(evaluator: MacroEvaluator, table_name: exp.Expr, text: exp.Expr) -> exp.Expr:
    """TEXT: what is kept of a rejected value: of ``PERSONAL_TABLES`` type and length only."""
    kind = f"CASE WHEN {_matches(text, NUMBER).sql('duckdb')} THEN 'number' ELSE 'text' END"
    type_and_length = f"{kind} || ' of length ' || CAST(LENGTH({text.sql('duckdb')}) AS TEXT)"
    is_personal = table_name.isin(*PERSONAL_TABLES)
    kept = parse_one(type_and_length, dialect="duckdb")
    return exp.case().when(is_personal, kept).else_(text)


def _parsed(evaluator: MacroEvaluator, field: exp.Expr, parser: str) -> tuple[exp.Expr, str]:
    """What a parser makes of a field, and the rule that it applies."""
    name = "parse_key" if parser == "required_key" else parser
    columns = [field]
    if name in TIMED_PARSERS:
        columns.append(exp.column("ingested_at"))
    # Named here: SQLMesh keeps with a model only the macros that its own source names.
    parsers = (
        *(parse_amount, parse_count, parse_date, parse_key, parse_local_gross),
        *(parse_name, parse_rate, parse_score, parse_timestamp, parse_year),
    )
    parse = {one.__name__: one for one in parsers}[name]
    return parse(evaluator, *columns), RULES[name]


def _number(value: exp.Expr, scale: int, highest: int | exp.Expr, lowest: int = 0) -> exp.Expr:
    """DECIMAL(18, scale): a number between two that has no more decimals."""
    number = try_cast(value.copy(), f"DECIMAL(18, {scale})")
    decimals = f"|[0-9]*[.][0-9]{{1,{scale}}}" if scale else ""
    is_plain = _matches(value, f"^[+-]?([0-9]+[.]?{decimals})0*$")
    # The cast to the wide type is slow: only of a number with an exponent.
    exact = exp.case().when(
        _matches(value, SCIENTIFIC_NUMBER), try_cast(value.copy(), "DECIMAL(38, 20)")
    )
    is_number = exp.or_(is_plain, number.copy().eq(exact))
    return exp.case().when(exp.and_(is_number, number.copy().between(lowest, highest)), number)


def _in_utc(evaluator: MacroEvaluator, text: exp.Expr) -> exp.Expr:
    """TIMESTAMP of a text in one of the formats of ``TIMESTAMP``.

    It is put together from its parts, and the offset subtracted here: neither engine reads all
    formats, and what an engine does not know of an offset it may leave out.
    """
    source = text.sql("duckdb")
    size = f"CASE WHEN {source} LIKE '____-%' THEN 10 ELSE 8 END"
    day = _iso_day(f"REPLACE(LEFT({source}, {size}), '-', '')")
    # What follows the day: "HHMMSS.ffffff+HHMM".
    rest = f"TRANSLATE(SUBSTRING({source}, {size} + 2), ',-: Zz', '.+')"
    clock, offset = f"SPLIT_PART({rest}, '+', 1)", f"RPAD(SPLIT_PART({rest}, '+', 2), 4, '0')"
    time = rf"REGEXP_REPLACE(RPAD(SPLIT_PART({clock}, '.', 1), 6, '0'), '(..)(..)(..)', '\1:\2:\3')"
    microsecond = f"RPAD(LEFT(SPLIT_PART({clock}, '.', 2), 6), 6, '0')"
    local = f"TRY_CAST({day} || ' ' || {time} || '.' || {microsecond} AS TIMESTAMP)"
    minutes = f"TRY_CAST(LEFT({offset}, 2) AS INT) * 60 + TRY_CAST(RIGHT({offset}, 2) AS INT)"
    east = f"CASE WHEN SUBSTRING({source}, 11) LIKE '%-%' THEN -1 ELSE 1 END * ({minutes})"
    moment = parse_one(f"{local} - {east} * INTERVAL '1' MINUTE", dialect="duckdb")
    for cast in moment.find_all(exp.TryCast):
        cast.set("requires_string", True)
    if evaluator.dialect == "snowflake":  # multiplies no interval
        minutes_east = moment.expression.this
        moment = exp.func("DATEADD", exp.var("MINUTE"), exp.Neg(this=minutes_east), moment.this)
    return moment


def _iso_day(digits: str) -> str:
    """SQL of the date that eight digits are."""
    return rf"REGEXP_REPLACE({digits}, '(....)(..)(..)', '\1-\2-\3')"


def _of_the_past(moment: exp.Expr, ingested_at: exp.Expr) -> exp.Expr:
    """The moment; NULL before 1990, or later than a day after the record was read.

    A moment is a long expression and stands here once; BETWEEN would repeat it three times.
    """
    read = ingested_at.sql("duckdb")
    too_late = f"({read} + {LATEST_EVENT} + INTERVAL '1' MICROSECOND)"
    too_early = f"CAST('{LAST_TOO_EARLY}' AS TIMESTAMP)"
    early = f"NULLIF(LEAST(:moment, {too_late}), {too_late})"
    bounded = parse_one(f"NULLIF(GREATEST({early}, {too_early}), {too_early})", dialect="duckdb")
    return exp.replace_placeholders(bounded, moment=moment)


def _matches(text: exp.Expr, pattern: str) -> exp.Expr:
    return exp.RegexpLike(this=text.copy(), expression=exp.Literal.string(pattern))
