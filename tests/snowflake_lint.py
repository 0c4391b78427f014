"""What Snowflake would refuse, or take for something else, found in a statement without an account.

fakesnow can't tell: it runs DuckDB's functions and types, and any case of a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from sqlglot import exp, parse_one, tokenize
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

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
    *(
        "ADD",
        "ALTER",
        "AND",
        "ANY",
        "AS",
        "ALL",
        "BETWEEN",
        "BY",
        "CASE",
        "CAST",
        "COLUMN",
        "DISTINCT",
    ),
    *("ELSE", "EXCEPT", "EXISTS", "FROM", "IN", "INSERT", "INTERSECT", "INTO", "JOIN", "LATERAL"),
    *("LIKE", "NOT", "ON", "OR", "OVER", "QUALIFY", "SELECT", "SET", "TABLE", "THEN", "TRY_CAST"),
    *("UNION", "USING", "VALUES", "WHEN", "WHERE", "WITH", "WITHIN", "GROUP"),
}

# SQLMesh's own temporary tables, previews in dev, aliases of subqueries, audits and MERGE: quoted
# where they are made and where they are used, and nobody else names them.
SQLMESH_NAMES = re.compile(
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
        tree = parse_one(sql, dialect="snowflake")
    except SqlglotError as error:
        return [f"not in Snowflake's grammar: {str(error).splitlines()[0]}"]
    if isinstance(tree, exp.Command) and QUERY.match(sql):
        return ["not in Snowflake's grammar: it could only be read as a whole"]
    lost = _count(written, exp.TryCast) - _count(tree, exp.TryCast) if written else 0
    return sorted(
        {
            *_lower_case_names(tree),
            *_functions(sql, {schema.this.name.upper() for schema in tree.find_all(exp.Schema)}),
            *_types(tree),
            *_duckdb_syntax(tree, sql),
            *([f"{lost} TRY_CAST became CAST"] if lost > 0 else []),
        }
    )


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


def _functions(sql: str, tables: set[str]) -> Iterator[str]:
    """Name what is called and no function; a table with the list of its columns looks like it."""
    tokens = tokenize(sql, read="snowflake")
    for token, following in pairwise(tokens):
        name = token.text.upper()
        if (
            following.token_type == TokenType.L_PAREN
            and token.token_type not in (TokenType.IDENTIFIER, TokenType.STRING)
            and re.fullmatch(r"\w+", name)
            and name not in FUNCTIONS | WORDS | TYPES | tables
        ):
            yield f"the function {name} is not Snowflake's"


def _types(tree: exp.Expr) -> Iterator[str]:
    for kind in tree.find_all(exp.DataType):
        name = kind.sql("snowflake").split("(")[0]
        if name.upper() not in TYPES:
            yield f"the type {name} is not Snowflake's"


def _duckdb_syntax(tree: exp.Expr, sql: str) -> Iterator[str]:
    if tree.find(exp.Filter):
        yield "FILTER (WHERE ...) is DuckDB's"
    if tree.find(exp.Lambda):
        yield "a lambda is DuckDB's"
    for token in tokenize(sql, read="snowflake"):
        if token.token_type in DUCKDB_TOKENS:
            yield f"{DUCKDB_TOKENS[token.token_type]} is DuckDB's"
