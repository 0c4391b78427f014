"""What Snowflake would reject, or take for something else, found in a statement without an account.

fakesnow can't tell: it runs DuckDB's functions and types, and any case of a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from sqlglot import Dialect, exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType
from sqlmesh.core.model import Model

SNOWFLAKE = Dialect.get_or_raise("snowflake")

FUNCTIONS = {
    line
    for line in (Path(__file__).parent / "snowflake_functions.txt").read_text().splitlines()
    if line and not line.startswith("#")
}

# https://docs.snowflake.com/en/sql-reference/intro-summary-data-types
TYPES = {
    *("NUMBER", "DECIMAL", "NUMERIC", "INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"),
    *("FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL", "DECFLOAT", "BOOLEAN"),
    *("VARCHAR", "CHAR", "CHARACTER", "NCHAR", "STRING", "TEXT", "NVARCHAR", "BINARY", "VARBINARY"),
    *("DATE", "TIME", "DATETIME", "TIMESTAMP", "TIMESTAMP_LTZ", "TIMESTAMP_NTZ", "TIMESTAMP_TZ"),
    *("VARIANT", "OBJECT", "ARRAY", "MAP", "GEOGRAPHY", "GEOMETRY", "VECTOR", "FILE", "UUID"),
    *("TIMESTAMPLTZ", "TIMESTAMPNTZ", "TIMESTAMPTZ"),
}

# What may stand before a parenthesis and is no function.
WORDS = {
    *("ADD", "ALTER", "AND", "ANY", "AS", "ALL", "BETWEEN", "BY", "CASE", "CAST", "COLUMN"),
    *("DISTINCT", "ELSE", "EXCEPT", "EXISTS", "FROM", "IN", "INSERT", "INTERSECT", "INTO", "JOIN"),
    *("LATERAL", "LIKE", "NOT", "ON", "OR", "OVER", "QUALIFY", "SELECT", "SET", "TABLE", "THEN"),
    *("TRY_CAST", "UNION", "USING", "VALUES", "WHEN", "WHERE", "WITH", "WITHIN", "GROUP"),
}
CALLABLE = FUNCTIONS | WORDS | TYPES

# SQLMesh's own temporary tables, previews in dev, aliases of subqueries, audits and MERGE: quoted
# where they are made and where they are used, and nobody else names them.
SQLMESH_NAMES = re.compile(
    r"_exists|_key\d+|deleted|inserted_rows|updated_rows|joined|latest(_deleted)?|(raw_)?source|"
    r"static|t_\w+|"  # of its SCD kinds
    r"__temp_\w+|__merge_\w+|_subquery|_col_\d+|audit|\w+_schema_tmp(__dev)?|\w+__\d+__dev",
    re.IGNORECASE,
)

QUERY = re.compile(
    r"(/\*.*?\*/)?\s*(SELECT|WITH|INSERT|MERGE|DELETE|UPDATE|CREATE)\b", re.IGNORECASE
)

DUCKDB_TOKENS = {
    TokenType.ARROW: "the operator ->",
    TokenType.DARROW: "the operator ->>",
}


def problems(sql: str, written: exp.Expr | None = None) -> list[str]:
    """Say what is wrong with a statement in Snowflake's eyes; empty where nothing is.

    Args:
        sql: the statement as it is sent.
        written: the query it was made of, where that is known; its TRY_CASTs must still be there.
            Snowflake's takes text only, so sqlglot writes CAST where it does not know the operand
            for text, and a value that cannot be cast fails the statement instead of being NULL.
    """
    try:
        tokens = SNOWFLAKE.tokenize(sql)
        (tree,) = SNOWFLAKE.parser().parse(tokens, sql)
    except SqlglotError as error:
        return [f"not in Snowflake's grammar: {str(error).splitlines()[0]}"]
    assert tree
    if isinstance(tree, exp.Command) and QUERY.match(sql):
        return ["not in Snowflake's grammar: it could only be read as a whole"]
    lost = _count(written, exp.TryCast) - _count(tree, exp.TryCast) if written else 0
    return sorted(
        {
            *_lower_case_names(tree),
            *_functions(tokens, {schema.this.name.upper() for schema in tree.find_all(exp.Schema)}),
            *_types(tree),
            *_duckdb_syntax(tree, tokens),
            *_fixed_point(tree),
            *([f"{lost} TRY_CAST became CAST"] if lost > 0 else []),
        }
    )


def model_problems(model: Model, query: exp.Expr) -> list[str]:
    """Say what is wrong with a model that only its definition and its columns' types show.

    Args:
        model: the model; MERGE never matches a key that is NULL, so each column of a unique key
            needs a blocking `not_null`.
        query: its rendered query, with types. A text that is hashed must not depend on a session's
            output format.
    """
    return sorted({*_nullable_keys(model), *_formats_in_keys(query)})


def _nullable_keys(model: Model) -> Iterator[str]:
    known: set[str] = set()
    for audit, arguments in model.audits_with_args:
        is_blocking = str(arguments.get("blocking", audit.blocking)).upper() == "TRUE"
        if audit.name == "not_null" and is_blocking:
            known |= {column.name.lower() for column in arguments["columns"].find_all(exp.Column)}
    for key in getattr(model.kind, "unique_key", None) or ():
        for column in key.find_all(exp.Column):
            if column.name.lower() not in known:
                yield f"{column.name.lower()} of the unique key may be NULL: MERGE never matches it"


def _formats_in_keys(query: exp.Expr) -> Iterator[str]:
    """Name what is hashed as text and is no text, number or boolean: its text may differ."""
    for hashed in query.find_all(exp.MD5, exp.MD5Digest, exp.SHA, exp.SHA2):
        for cast in hashed.find_all(exp.Cast):
            if cast.is_type(*exp.DataType.TEXT_TYPES) and not _is_one_text(cast.this):
                yield f"the text of {cast.this.sql('snowflake')} in a key depends on a format"


def _is_one_text(value: exp.Expr) -> bool:
    if isinstance(value, (exp.Paren, exp.Coalesce)):
        return all(_is_one_text(one) for one in (value.this, *value.expressions))
    if isinstance(value, (exp.TimeToStr, exp.ToChar, exp.Literal, exp.Neg)):
        return True
    return value.type is not None and value.type.is_type(
        *exp.DataType.TEXT_TYPES, *exp.DataType.NUMERIC_TYPES, exp.DataType.Type.BOOLEAN
    )


def _fixed_point(tree: exp.Expr) -> Iterator[str]:
    """Name quotients and means that Snowflake would compute, and round, as fixed-point numbers."""
    for quotient in tree.find_all(exp.Div):
        if not (_is_double(quotient.this) or _is_double(quotient.expression)):
            yield f"{quotient.sql('snowflake')} divides numbers and not doubles: use @ratio"
    for mean in tree.find_all(exp.Avg):
        if not _is_double(mean.this):
            yield f"{mean.sql('snowflake')} is a mean of numbers and not doubles: use @mean"


def _is_double(value: exp.Expr) -> bool:
    """Tell whether a value is a double by what stands there, for a column's type is not known."""
    if isinstance(value, exp.Cast):
        return bool(value.is_type(exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT))
    if isinstance(value, (exp.Mul, exp.Div, exp.Add, exp.Sub)):
        return _is_double(value.this) or _is_double(value.expression)
    if isinstance(value, (exp.Paren, exp.Neg, exp.Nullif, exp.Coalesce, exp.Sum, exp.Distinct)):
        inner = value.this or value.expressions[0]
        return _is_double(inner)
    return False


def _count(tree: exp.Expr, kind: type[exp.Expr]) -> int:
    return sum(1 for _ in tree.find_all(kind))


def _lower_case_names(tree: exp.Expr) -> Iterator[str]:
    for name in tree.find_all(exp.Identifier):
        if (
            name.quoted
            and name.this != name.this.upper()
            and not SQLMESH_NAMES.fullmatch(name.this)
        ):
            yield f'the name "{name.this}" is quoted and not upper case'


def _functions(tokens: list[Token], tables: set[str]) -> Iterator[str]:
    """Name what is called and no function; a table with the list of its columns looks like it."""
    for token, following in pairwise(tokens):
        name = token.text.upper()
        if (
            following.token_type == TokenType.L_PAREN
            and token.token_type not in (TokenType.IDENTIFIER, TokenType.STRING)
            and re.fullmatch(r"\w+", name)
            and name not in CALLABLE
            and name not in tables
        ):
            yield f"the function {name} is not Snowflake's"


def _types(tree: exp.Expr) -> Iterator[str]:
    for kind in tree.find_all(exp.DataType):
        name = kind.sql("snowflake").split("(")[0]
        if name.upper() not in TYPES:
            yield f"the type {name} is not Snowflake's"


def _duckdb_syntax(tree: exp.Expr, tokens: list[Token]) -> Iterator[str]:
    if tree.find(exp.Filter):
        yield "FILTER (WHERE ...) is DuckDB's"
    if tree.find(exp.Lambda):
        yield "a lambda is DuckDB's"
    for token in tokens:
        if token.token_type in DUCKDB_TOKENS:
            yield f"{DUCKDB_TOKENS[token.token_type]} is DuckDB's"
