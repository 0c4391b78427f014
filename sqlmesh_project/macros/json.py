"""Reading TMDb's JSON documents, on DuckDB (type JSON) and on Snowflake (type VARIANT) alike.

A document is opened once, by ``@json_fields``, into a JSON column a field; the other macros read a
value from such a column, or from what stands in it under a path (``'id'``). What a missing or
foreign value becomes is decided here, once: NULL, never an error, for the source may add, drop or
retype a field any day.
"""

from collections.abc import Iterable, Iterator

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

from macros.text import cleaned

WHOLE_NUMBER = " *-?[0-9]+ *"
NUMBER = " *-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)? *"
# DECIMAL(38, 18) holds each number of so few characters exactly, unless its exponent is negative.
EXACT_NUMBER = NUMBER.replace("+-", "+")
LONGEST_EXACT_NUMBER = 18


@macro()
def json_fields(evaluator: MacroEvaluator, document: exp.Expr, *fields: exp.Expr) -> list[exp.Expr]:
    """Columns, for a SELECT list: each named field of the document as JSON; NULL when absent.

    Fields are names, or lists of names. Read one by one, each would read the whole document again.
    """
    source = document.sql(evaluator.dialect)
    names = [field.name for field in field_names(fields)]
    if evaluator.dialect == "snowflake":
        columns = [f"GET_PATH({source}, '{name}') AS {name}" for name in names]
    else:
        structure = ", ".join(f'"{name}": "JSON"' for name in names)
        # DuckDB evaluates a call that occurs more than once in a SELECT list once.
        opened = f"JSON_TRANSFORM({source}, '{{{structure}}}')"
        columns = [f"STRUCT_EXTRACT({opened}, '{name}') AS {name}" for name in names]
    return [parse_one(column, dialect=evaluator.dialect) for column in columns]


@macro()
def json_text(evaluator: MacroEvaluator, value: exp.Expr, path: exp.Expr | None = None) -> exp.Expr:
    """TEXT, trimmed; NULL when absent, empty, a list or an object."""
    text = cleaned(json_source(evaluator, value, path))
    return exp.case().when(is_nested(evaluator, value, path), exp.null()).else_(text)


@macro()
def json_integer(
    evaluator: MacroEvaluator, value: exp.Expr, path: exp.Expr | None = None
) -> exp.Expr:
    """BIGINT; NULL when it is no whole number of at most 18 digits. Nothing is rounded.

    By way of DECIMAL, whose 18 digits always fit into 64 bits. ``2.37e8`` and ``237000000.0`` are
    whole numbers, ``12.5`` is none. A cast alone would round it, and take ``1_000`` for a number.
    """
    text = json_source(evaluator, value, path)
    whole = try_cast(text, "DECIMAL(18, 0)")
    exact = try_cast(text, "DECIMAL(38, 18)")
    is_exact = exp.and_(
        _matches(evaluator, text, EXACT_NUMBER),
        exp.LTE(this=exp.func("LENGTH", text), expression=exp.Literal.number(LONGEST_EXACT_NUMBER)),
        exact.eq(whole),
    )
    is_whole = _matches(evaluator, text, WHOLE_NUMBER)
    # The second condition is slow, and hardly ever needed.
    return exp.cast(exp.case().when(is_whole, whole).when(is_exact, whole), "BIGINT")


@macro()
def json_source(
    evaluator: MacroEvaluator, value: exp.Expr, path: exp.Expr | None = None
) -> exp.Expr:
    """TEXT: what stands there, in JSON where it is a list or an object; NULL when absent."""
    if evaluator.dialect == "snowflake":
        return exp.cast(_json(evaluator, value, path), "TEXT")
    source = value.sql("duckdb")
    return parse_one(f"({source} ->> '{f'$.{path.name}' if path else '$'}')", dialect="duckdb")


@macro()
def json_array(
    evaluator: MacroEvaluator, value: exp.Expr, path: exp.Expr | None = None
) -> exp.Expr:
    """Array, for ``@json_entries``; NULL, so no rows, when it is none."""
    if evaluator.dialect == "snowflake":
        return exp.func("AS_ARRAY", _json(evaluator, value, path))
    # Any other kind of value gives no list of JSON values, which is NULL.
    return exp.func("JSON_TRANSFORM", _json(evaluator, value, path), exp.Literal.string('["JSON"]'))


@macro()
def json_array_of(evaluator: MacroEvaluator, source: exp.Expr) -> exp.Expr:
    """Array that a TEXT of JSON is, for ``@json_entries``; NULL when it is none."""
    text = source.sql(evaluator.dialect)
    if evaluator.dialect == "snowflake":
        return parse_one(f"AS_ARRAY(TRY_PARSE_JSON({text}))", dialect="snowflake")
    return parse_one(f"JSON_TRANSFORM(TRY_CAST({text} AS JSON), '[\"JSON\"]')", dialect="duckdb")


@macro()
def json_entries(
    evaluator: MacroEvaluator, relation: exp.Expr, entries: exp.Expr, *columns: exp.Expr
) -> exp.Expr:
    """Query, for a CTE: a row per entry of a list, with the named columns of the relation.

    Columns besides those: ``entry``, JSON, and ``entry_position``, which orders them (from 1 on
    DuckDB, from 0 on Snowflake). A row whose list is NULL or empty gives none.
    """
    source, array = relation.sql(evaluator.dialect), entries.sql(evaluator.dialect)
    kept = ", ".join(column.name for column in columns)
    if evaluator.dialect == "snowflake":
        unfolded = (
            f"SELECT {kept}, listed.entry, listed.entry_position FROM {source} "  # noqa: S608
            f"CROSS JOIN UNNEST({array}) WITH ORDINALITY AS listed(entry, entry_position)"
        )
    else:
        # DuckDB takes three times as long over a lateral join.
        unfolded = (
            f"SELECT {kept}, UNNEST(entries) AS entry, "  # noqa: S608
            "GENERATE_SUBSCRIPTS(entries, 1) AS entry_position "
            f"FROM (SELECT {kept}, {array} AS entries FROM {source}) AS opened"
        )
    return parse_one(unfolded, dialect=evaluator.dialect)


def field_names(fields: Iterable[exp.Expr]) -> Iterator[exp.Expr]:
    """Names of fields that a macro was given, one by one or in lists."""
    for field in fields:
        yield from field.expressions if isinstance(field, exp.Array) else [field]


def is_nested(evaluator: MacroEvaluator, value: exp.Expr, path: exp.Expr | None = None) -> exp.Expr:
    """Whether it is a list or an object; NULL when absent."""
    json = _json(evaluator, value, path)
    if evaluator.dialect == "snowflake":
        return exp.func("TYPEOF", json, dialect="snowflake").isin("ARRAY", "OBJECT")
    first_character = exp.func("LEFT", exp.cast(json, "TEXT"), exp.Literal.number(1))
    return first_character.isin("[", "{")


def number_at(evaluator: MacroEvaluator, value: exp.Expr) -> exp.Expr:
    """DOUBLE; NULL when it is no number."""
    text = json_source(evaluator, value)
    return exp.case().when(_matches(evaluator, text, NUMBER), try_cast(text, "DOUBLE"))


def try_cast(value: exp.Expr, to: str) -> exp.Expr:
    """``TRY_CAST(value AS to)``: NULL where the text is no such value.

    Declared as text: where sqlglot cannot tell, it writes CAST for Snowflake, which would fail.
    """
    return exp.TryCast(this=value, to=exp.DataType.build(to), requires_string=True)


def _json(evaluator: MacroEvaluator, value: exp.Expr, path: exp.Expr | None = None) -> exp.Expr:
    """The JSON value itself, or the one under the path."""
    if path is None:
        return value.copy()
    source = value.sql(evaluator.dialect)
    if evaluator.dialect == "snowflake":
        return parse_one(f"GET_PATH({source}, '{path.name}')", dialect="snowflake")
    return parse_one(f"({source} -> '$.{path.name}')", dialect="duckdb")


def _matches(evaluator: MacroEvaluator, text: exp.Expr, pattern: str) -> exp.Expr:
    """Whether the whole text matches the pattern."""
    name = "REGEXP_LIKE" if evaluator.dialect == "snowflake" else "REGEXP_FULL_MATCH"
    source = text.sql(evaluator.dialect)
    return parse_one(f"{name}({source}, '{pattern}')", dialect=evaluator.dialect)
