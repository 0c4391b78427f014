"""Reading TMDb's JSON documents, on DuckDB (type JSON) and on Snowflake (type VARIANT) alike.

A value is named by the document and its path: keys from the root, joined by dots, such as
``belongs_to_collection.id``. What a missing or foreign value becomes is decided here, once: NULL,
never an error, for the source may add, drop or retype a field any day.
"""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

WHITE_SPACE = " \t\r\n"  # TRIM alone knows only the space


@macro()
def json_text(evaluator: MacroEvaluator, document: exp.Expr, path: exp.Expr) -> exp.Expr:
    """TEXT under the path, trimmed; NULL when absent, empty, a list or an object."""
    text = text_at(evaluator, document, path.name)
    source = document.sql(evaluator.dialect)
    kind = (
        f"TYPEOF(GET_PATH({source}, '{path.name}'))"
        if evaluator.dialect == "snowflake"
        else f"JSON_TYPE({source}, '$.{path.name}')"
    )
    value = text.sql(evaluator.dialect)
    # The first character is looked at first: asking the type reads the document once more.
    is_nested = f"LEFT({value}, 1) IN ('[', '{{') AND {kind} IN ('ARRAY', 'OBJECT')"
    return parse_one(f"CASE WHEN {is_nested} THEN NULL ELSE {value} END", dialect=evaluator.dialect)


@macro()
def json_integer(evaluator: MacroEvaluator, document: exp.Expr, path: exp.Expr) -> exp.Expr:
    """BIGINT under the path, rounded; NULL when it is no number of at most 18 digits."""
    return integer_at(evaluator, document, path.name)


@macro()
def json_boolean(evaluator: MacroEvaluator, document: exp.Expr, path: exp.Expr) -> exp.Expr:
    """BOOLEAN under the path; NULL when it is neither true nor false."""
    return try_cast(text_at(evaluator, document, path.name), "BOOLEAN")


@macro()
def json_source(evaluator: MacroEvaluator, document: exp.Expr, path: exp.Expr) -> exp.Expr:
    """TEXT: what stands under the path, in JSON where it is a list or an object."""
    return text_at(evaluator, document, path.name)


@macro()
def json_array(evaluator: MacroEvaluator, document: exp.Expr, path: exp.Expr) -> exp.Expr:
    """Array under the path, for ``CROSS JOIN UNNEST(...)``; NULL, so no rows, when it is none."""
    source = document.sql(evaluator.dialect)
    if evaluator.dialect == "snowflake":
        return parse_one(f"AS_ARRAY(GET_PATH({source}, '{path.name}'))", dialect="snowflake")
    return parse_one(
        f"CASE WHEN JSON_TYPE({source}, '$.{path.name}') = 'ARRAY' "
        f"THEN CAST({source} -> '$.{path.name}' AS JSON[]) END",
        dialect="duckdb",
    )


@macro()
def json_array_of(evaluator: MacroEvaluator, source: exp.Expr) -> exp.Expr:
    """Array that a TEXT of JSON is, for ``CROSS JOIN UNNEST(...)``; NULL when it is none."""
    text = source.sql(evaluator.dialect)
    if evaluator.dialect == "snowflake":
        return parse_one(f"AS_ARRAY(TRY_PARSE_JSON({text}))", dialect="snowflake")
    return parse_one(
        f"CASE WHEN JSON_TYPE(TRY_CAST({text} AS JSON)) = 'ARRAY' "
        f"THEN CAST(CAST({text} AS JSON) AS JSON[]) END",
        dialect="duckdb",
    )


def text_at(evaluator: MacroEvaluator, document: exp.Expr, path: str) -> exp.Expr:
    """TEXT under the path, free of white space around it; NULL when absent, JSON null or empty.

    An object or a list comes as its JSON text.
    """
    source = document.sql(evaluator.dialect)
    if evaluator.dialect == "snowflake":
        value = parse_one(f"CAST(GET_PATH({source}, '{path}') AS TEXT)", dialect="snowflake")
    else:
        value = parse_one(f"({source} ->> '$.{path}')", dialect="duckdb")
    trimmed = exp.Trim(this=value, expression=exp.Literal.string(WHITE_SPACE))
    return exp.func("NULLIF", trimmed, exp.Literal.string(""))


def integer_at(evaluator: MacroEvaluator, document: exp.Expr, path: str) -> exp.Expr:
    """BIGINT under the path, by way of DECIMAL.

    DECIMAL reads ``2.37e8`` and ``237000000.0`` exactly, and 18 digits always fit into 64 bits, so
    that the outer cast can't fail.
    """
    return exp.cast(try_cast(text_at(evaluator, document, path), "DECIMAL(18, 0)"), "BIGINT")


def number_at(evaluator: MacroEvaluator, document: exp.Expr, path: str) -> exp.Expr:
    """DOUBLE under the path; NULL when it is no number."""
    return try_cast(text_at(evaluator, document, path), "DOUBLE")


def try_cast(value: exp.Expr, to: str) -> exp.Expr:
    """``TRY_CAST(value AS to)``: NULL where the text is no such value."""
    return exp.TryCast(this=value, to=exp.DataType.build(to))
