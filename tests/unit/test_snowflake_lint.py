"""Every statement that SQLMesh would send to Snowflake, read with Snowflake's eyes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlglot import exp
from sqlmesh.core.context import Context
from sqlmesh.core.dialect import parse
from sqlmesh.core.model import SqlModel, load_sql_based_model

from marquee.core.settings import ROOT
from tests.fakes.snowflake_emulator import SCRIPTS, statements_of
from tests.fakes.snowflake_stub import build, gateway
from tests.snowflake_lint import model_problems, problems

DYNAMIC = (
    "gold.agg_fan_lifetime_value",
    "gold.agg_franchise_performance",
    "gold.kpi_genre_performance",
    "gold.kpi_top_movies",
    "gold.kpi_yearly_trends",
)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Context, list[str]]]:
    """The project on Snowflake, and all that a plan of prod and one of dev send there."""
    with gateway(tmp_path_factory.mktemp("lint")) as (context, statements):
        assert statements == [], "loading the project asks Snowflake nothing"
        build(context, "prod", "dev")
        yield context, statements


def test_every_statement_is_snowflakes(sent: tuple[Context, list[str]]) -> None:
    _, statements = sent
    # SQLMesh's own look at the catalog names its columns in lower case.
    ours = {one for one in statements if "INFORMATION_SCHEMA" not in one}
    assert len(ours) > 100
    found = {one[:300]: wrong for one in sorted(ours) if (wrong := problems(one))}
    assert found == {}


def test_keys_are_never_null_and_depend_on_no_format(sent: tuple[Context, list[str]]) -> None:
    context, _ = sent
    found = {
        model.name: wrong
        for model in context.models.values()
        if isinstance(model, SqlModel)
        and (wrong := model_problems(model, model.render_query_or_raise()))
    }
    assert found == {}


def test_every_query_and_audit_keeps_its_try_casts(sent: tuple[Context, list[str]]) -> None:
    context, _ = sent
    models = [model for model in context.models.values() if model.is_sql]
    queries: list[Any] = [model.render_query_or_raise() for model in models]
    for model in context.models.values():
        for audit, arguments in model.audits_with_args:
            given: dict[str, Any] = {**arguments}
            queries.append(model.render_audit_query(audit, **given))
    assert len(queries) > 100
    for query in queries:
        assert problems(query.sql("snowflake"), query) == [], query


@pytest.mark.parametrize(
    ("read_as", "planted", "found"),
    [
        ("snowflake", '"movie_id"', 'the name "movie_id" is quoted and not upper case'),
        ("snowflake", "strftime(at, '%Y')", "the function STRFTIME is not Snowflake's"),
        ("snowflake", "json_each(raw_data)", "the function JSON_EACH is not Snowflake's"),
        ("snowflake", "list_transform(raw_data, x -> x + 1)", "the operator -> is DuckDB's"),
        # As macros write, which know the engine but not Snowflake's grammar.
        ("duckdb", "CAST(movie_id AS UBIGINT)", "not in Snowflake's grammar: Expected TYPE"),
        ("duckdb", "CAST(movie_id AS HUGEINT)", "the type INT128 is not Snowflake's"),
        ("duckdb", "TRY_CAST(movie_id + 1 AS DATE)", "1 TRY_CAST became CAST"),
        ("duckdb", "json_each(raw_data)", "the function JSON_EACH is not Snowflake's"),
    ],
)
def test_what_snowflake_lacks_is_found_in_a_model(read_as: str, planted: str, found: str) -> None:
    columns, query = "kind FULL, columns (a TEXT)", f"SELECT {planted} AS a FROM bronze.some_table"
    rendered = planted_model(query, columns, read_as).render_query_or_raise()
    assert any(one.startswith(found) for one in problems(rendered.sql("snowflake"), rendered))


def planted_model(query: str, properties: str, read_as: str = "duckdb") -> SqlModel:
    model = load_sql_based_model(
        parse(f"MODEL (name gold.planted, {properties}); {query}", read_as), dialect=read_as
    )
    assert isinstance(model, SqlModel)
    return model


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("SELECT raw_data ->> '$.id'", "the operator ->> is DuckDB's"),
        ("SELECT COUNT(*) FILTER (WHERE a > 1) FROM b", "FILTER (WHERE ...) is DuckDB's"),
        ("SELECT CAST(a AS UBIGINT)", "not in Snowflake's grammar: Expected TYPE after CAST. "),
        ('CREATE VIEW "MARQUEE"."GOLD"."a" AS SELECT 1', 'the name "a" is quoted and not '),
        ('GRANT SELECT ON VIEW A TO "analyst"', 'the name "analyst" is quoted and not upper case'),
        ("SELECT 1.0 / COUNT(*) FROM B", "1.0 / COUNT(*) divides numbers and not doubles"),
        ("SELECT SUM(A) / NULLIF(SUM(B), 0) FROM C", "SUM(A) / NULLIF(SUM(B), 0) divides numbers"),
        ("SELECT CAST(A / B AS DOUBLE) FROM C", "A / B divides numbers and not doubles"),
        ("SELECT AVG(VOTE_COUNT) FROM B", "AVG(VOTE_COUNT) is a mean of numbers and not doubles"),
        (
            "SELECT AVG(CAST(A AS DECIMAL(38, 12))) OVER () FROM B",
            "AVG(CAST(A AS DECIMAL(38, 12)))",
        ),
    ],
)
def test_what_snowflake_lacks_is_found_in_a_statement(statement: str, found: str) -> None:
    assert any(one.startswith(found) for one in problems(statement))


@pytest.mark.parametrize(
    "query",
    [
        "CAST(A AS DOUBLE) / NULLIF(B, 0)",
        "CAST(SUM(A) * 100 AS DOUBLE) / COUNT(*)",
        "100 * CAST(A AS DOUBLE) / B",
        "AVG(CAST(A AS DOUBLE))",
    ],
)
def test_what_is_computed_in_doubles_passes(query: str) -> None:
    assert problems(f"SELECT {query} FROM C") == []


def planted(query: str, kind: str = "FULL", audits: str = "") -> list[str]:
    """What the lint says of a model over a table of one column per type."""
    model = planted_model(query, f"kind {kind}, audits ({audits})")
    return model_problems(model, model.render_query_or_raise())


VALUES = "(SELECT 1 AS n, 'a' AS t, DATE '2026-01-01' AS d, 1.5::DOUBLE AS f, TRUE AS b) AS v"


@pytest.mark.parametrize(
    ("hashed", "found"),
    [
        ("n::TEXT || t || b::TEXT", ""),
        ("COALESCE(n, -1)::TEXT", ""),
        ("STRFTIME(d, '%Y-%m-%d')::TEXT", ""),
        ("d::TEXT", "the text of"),
        ("COALESCE(CAST(d AS TEXT), '')", "the text of"),
        ("f::TEXT", ""),
        ("d::TIMESTAMP::TEXT", "the text of"),
    ],
)
def test_a_key_that_depends_on_a_format_is_found(hashed: str, found: str) -> None:
    findings = planted(f"SELECT MD5({hashed}) AS movie_sk FROM {VALUES}")
    assert [one[: len(found)] for one in findings] == ([found] if found else [])


BY_KEY = "INCREMENTAL_BY_UNIQUE_KEY (unique_key (n, t))"


@pytest.mark.parametrize(
    ("audits", "found"),
    [
        ("not_null(columns := (n, t))", []),
        ("not_null(columns := (n))", ["t of the unique key may be NULL: MERGE never matches it"]),
        (
            "not_null(columns := (n)), not_null(columns := (t), blocking := FALSE)",
            ["t of the unique key may be NULL: MERGE never matches it"],
        ),
    ],
)
def test_a_unique_key_that_may_be_null_is_found(audits: str, found: list[str]) -> None:
    assert planted(f"SELECT n::INT AS n, t::TEXT AS t FROM {VALUES}", BY_KEY, audits) == found


def test_a_metric_function_takes_the_types_of_its_columns(sent: tuple[Context, list[str]]) -> None:
    """Snowflake attaches a function to columns of exactly its types."""
    context, _ = sent
    types = {
        f"{model.schema_name}.{model.view_name}.{column}".upper(): kind
        for model in context.models.values()
        for column, kind in (model.columns_to_types or {}).items()
    }
    script = (ROOT / "snowflake" / "studio_data_metric_functions.sql").read_text(encoding="utf-8")
    functions = dict(
        re.findall(r"OPS\.(\w+) \(\s*measured TABLE \(value (\w+(?:\([^)]+\))?)\)", script)
    )
    calls = re.findall(r"CALL OPS\.ATTACH_METRIC\('([\w.]+)', '(\w+)', '(\w+)", script)
    assert len(calls) > 20
    for view, metric, column in calls:
        argument_type = exp.DataType.build(functions[metric], dialect="snowflake")
        assert types[f"{view}.{column}"].sql("snowflake") == argument_type.sql("snowflake"), column


GRANTED = re.compile(r"GRANT (CREATE [A-Z ]+) ON SCHEMA \w+\.(\w+) TO ROLE MARQUEE_ENGINEER")
CREATED = re.compile(
    r"CREATE (?:OR REPLACE )?(?:TEMPORARY |TRANSIENT )?(?P<kind>DYNAMIC TABLE|TABLE|VIEW)"
    r'(?: IF NOT EXISTS)? "MARQUEE"\."(?P<schema>\w+)"\.'
)


def test_everything_is_created_where_the_engineers_may(sent: tuple[Context, list[str]]) -> None:
    """In the schemas of the scripts by a grant, in those of an environment as their owner."""
    _, statements = sent
    files = [one for one in SCRIPTS if one.name.startswith(("02", "04"))]
    scripts = "\n".join(one for file in files for one in statements_of(file, {}))
    may = {(match[1], match[2]) for match in GRANTED.finditer(scripts)}
    schemas = set(re.findall(r"CREATE SCHEMA IF NOT EXISTS \w+\.(\w+)", scripts))
    own = set(re.findall(r'CREATE SCHEMA IF NOT EXISTS "MARQUEE"\."(\w+)"', "\n".join(statements)))
    assert "GRANT CREATE SCHEMA ON DATABASE MARQUEE TO ROLE MARQUEE_ENGINEER" in scripts
    assert {one for one in own - schemas if not one.endswith("__DEV")} == set()
    created = {
        (f"CREATE {match['kind']}", match["schema"])
        for one in statements
        if (match := CREATED.match(one))
    }
    assert {schema for _, schema in created} >= {"GOLD", "GOLD__DEV", "SQLMESH__GOLD"}
    assert {one for one in created if one[1] in schemas} <= may
    # What the engineers own they may grant; nobody else gets a privilege on a schema of theirs.
    for grant in sent_that(statements, "^GRANT"):
        assert re.search(r' ON VIEW "MARQUEE"\.', grant)


def sent_that(statements: list[str], *parts: str) -> list[str]:
    return [one for one in statements if all(re.search(part, one) for part in parts)]


def test_gold_and_history_are_granted_to_analysts_and_nothing_else(
    sent: tuple[Context, list[str]],
) -> None:
    context, statements = sent
    grants = sent_that(statements, "^GRANT")
    read = [
        one for one in context.models.values() if one.schema_name.lower() in ("gold", "snapshots")
    ]
    assert len(read) > 15
    assert len(grants) == 2 * len(read)
    for grant in grants:
        assert re.fullmatch(
            r'GRANT select ON VIEW "MARQUEE"\."(GOLD|SNAPSHOTS)(__DEV)?"\."\w+" '
            r'TO "MARQUEE_ANALYST"',
            grant,
        )


def test_recreated_tables_are_transient_and_the_others_keep_time_travel(
    sent: tuple[Context, list[str]],
) -> None:
    _, statements = sent
    assert sent_that(statements, "^CREATE OR REPLACE TRANSIENT TABLE", "GOLD__FACT_MOVIES__")
    for kept in ("SILVER__SILVER_MOVIES__", "SNAPSHOTS__SNAP_SILVER_MOVIES__"):
        assert sent_that(statements, "^CREATE TABLE IF NOT EXISTS", kept)
        assert not sent_that(statements, rf'TRANSIENT TABLE [^(]*"{kept}')


def test_no_table_is_clustered(sent: tuple[Context, list[str]]) -> None:
    """A few million narrow rows are few micro-partitions: clustering would prune nothing."""
    _, statements = sent
    assert not sent_that(statements, "CLUSTER BY")


def test_descriptions_arrive_as_comments(sent: tuple[Context, list[str]]) -> None:
    _, statements = sent
    (made,) = set(sent_that(statements, "^CREATE TABLE IF NOT EXISTS", "SILVER__SILVER_MOVIES__"))
    assert "COMMENT='One row per movie, " in made
    assert '"TITLE" VARCHAR COMMENT \'Title; ' in made


def test_a_target_lag_makes_dynamic_tables_of_the_kpis(
    tmp_path_factory: pytest.TempPathFactory, sent: tuple[Context, list[str]]
) -> None:
    _, ordinary = sent
    assert not sent_that(ordinary, "DYNAMIC TABLE")
    with gateway(tmp_path_factory.mktemp("lag"), MARQUEE_KPI_TARGET_LAG="1 hour") as (
        context,
        statements,
    ):
        build(context, models=DYNAMIC)
    made = sent_that(statements, "^CREATE OR REPLACE DYNAMIC TABLE")
    assert len(made) == len(DYNAMIC)
    for model, statement in zip(DYNAMIC, sorted(made), strict=True):
        assert f'"{model.upper().replace(".", "__")}__' in statement
        assert "TARGET_LAG='1 hour'" in statement
        assert " REFRESH_MODE='FULL' " in statement
        assert "2026-03-02" not in statement, "the day of execution would stand in it for ever"
        assert problems(statement) == []
    refreshed = sent_that(statements, "^ALTER DYNAMIC TABLE .+ REFRESH$")
    assert {re.findall(r"TABLE (\S+)", one)[0] for one in refreshed} == {
        re.findall(r"TABLE (\S+)", one)[0] for one in made
    }
    for one in refreshed:
        assert statements.index(one) > max(map(statements.index, made)), "after all are created"
