"""The project as SQLMesh sees it: its linter rule, its dictionary, its semantic view."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmesh.core.context import Context
from sqlmesh.core.dialect import parse
from sqlmesh.core.model import load_sql_based_model

from linter.documented_model import DocumentedModel
from marquee import LINKS
from marquee.catalog import data_dictionary as dictionary
from marquee.catalog import semantic_view
from marquee.core.settings import ROOT
from tests.small_warehouse import Warehouse


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    with Warehouse(tmp_path_factory.mktemp("project")).context() as context:
        yield context


def test_the_linter_lists_all_that_a_model_lacks(context: Context) -> None:
    model = load_sql_based_model(
        parse("MODEL (name gold.bare, kind FULL); SELECT 1::INT AS one, 2::INT AS two", "duckdb"),
        dialect="duckdb",
    )
    violation = DocumentedModel(context).check_model(model)
    assert violation is not None
    assert violation.violation_msg == (
        "gold.bare lacks a description; a grain; audits; descriptions of one, two."
    )


def test_the_data_dictionary_is_up_to_date(context: Context) -> None:
    page = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert page == dictionary.page(context.models.values()), "run `make docs`"


def test_the_root_links_lead_into_the_project() -> None:
    for link in LINKS:
        assert (ROOT / link).readlink() == Path("sqlmesh_project") / link


@pytest.fixture(scope="module")
def script(context: Context) -> str:
    """The script as the models give it."""
    return semantic_view.script(context.models.values(), context.metrics)


def test_the_script_is_current(script: str) -> None:
    assert semantic_view.SCRIPT.read_text(encoding="utf-8") == script, (
        "python -m marquee.catalog.semantic_view"
    )


def test_what_the_view_names_is_in_the_models(context: Context, script: str) -> None:
    columns = {
        model.view_name: {column.upper() for column in model.columns_to_types or {}}
        for model in context.models.values()
        if model.schema_name == "gold"
    }
    tables = re.findall(r"^    (\w+) AS <%.+?%>\.GOLD\.(\w+) PRIMARY KEY \(([^)]+)\)", script, re.M)
    assert {"fact_movies", "fact_daily_performance", "dim_genres"} <= {one for one, *_ in tables}
    for alias, view, keys in tables:
        assert alias == view.lower()
        assert set(keys.split(", ")) <= columns[alias]
    references = re.findall(r"AS (\w+) \((\w+)\) REFERENCES (\w+) \((\w+)\)", script)
    assert ("fact_movies", "GENRE_SK", "dim_genres", "GENRE_SK") in references
    primary_keys = {alias: keys for alias, _, keys in tables}
    for child, key, parent, parent_key in references:
        assert key in columns[child]
        assert primary_keys[parent] == parent_key, "a reference goes to the primary key"
    named = re.findall(r"^    (\w+)\.(\w+) AS ([A-Z_0-9]+)(?: |,|$)", script, re.M)
    assert len(named) > 60
    for alias, column, expression in named:
        assert column.upper() == expression
        assert expression in columns[alias]
    for function, alias, column in re.findall(r" AS ([A-Z]+)\((\w+)\.(\w+)\)", script):
        assert function in {"SUM", "COUNT", "MAX"}
        assert column.upper() in columns[alias]


# CREATE SEMANTIC VIEW as far as the script uses it, in the order of its clauses:
# https://docs.snowflake.com/en/sql-reference/sql/create-semantic-view
TEXT = r"'(?:[^']|'')*'"
END = rf"(?: WITH SYNONYMS \({TEXT}(?:, {TEXT})*\))?(?: COMMENT = {TEXT})?"
COLUMNS = r"\([A-Z_]+(?:, [A-Z_]+)*\)"
CLAUSES = {
    "TABLES": rf"[a-z_]+ AS <%[^%]+%>\.GOLD\.[A-Z_]+ PRIMARY KEY {COLUMNS}{END}",
    "RELATIONSHIPS": rf"[a-z_]+ AS [a-z_]+ {COLUMNS} REFERENCES [a-z_]+ {COLUMNS}",
    "FACTS": rf"[a-z_]+\.[a-z_]+ AS [A-Z_]+{END}",
    "DIMENSIONS": rf"[a-z_]+\.[a-z_]+ AS [A-Z_]+{END}",
    "METRICS": rf"[a-z_]+\.[a-z_]+ AS (?:SUM|COUNT|MAX)\([a-z_]+\.[a-z_]+\){END}",
}
GRAMMAR = re.compile(
    r"CREATE OR REPLACE SEMANTIC VIEW <%[^%]+%>\.GOLD\.[A-Z_]+\n"
    + "".join(
        rf"  {name} \(\n    {entry}(?:,\n    {entry})*\n  \)\n" for name, entry in CLAUSES.items()
    )
    + rf"  COMMENT = {TEXT};"
)


def test_the_statement_is_in_snowflakes_grammar(script: str) -> None:
    assert len(GRAMMAR.findall(script)) == 1
    for planted in (
        script.replace("  FACTS (", "  MEASURES ("),
        script.replace(" WITH SYNONYMS (", " SYNONYMS ("),
        script.replace("  RELATIONSHIPS (\n", "  RELATIONSHIPS (\n    ,"),
        script.replace(" PRIMARY KEY (DATE_SK)", ""),
    ):
        assert planted != script
        assert not GRAMMAR.search(planted)


def test_a_synonym_and_a_name_in_its_table_stand_for_one_thing(script: str) -> None:
    words = re.findall(r"'([^']+)'", "".join(re.findall(r"SYNONYMS \(([^)]+)\)", script)))
    names = re.findall(r"^    (\w+\.\w+) AS ", script, re.M)
    assert len(words) > 10
    for found in (words, names):
        assert len(found) == len(set(found))


def test_no_personal_data_and_no_lineage_is_shown(script: str) -> None:
    assert not re.search(r"\.(fan_token|email\w*|_source\w*) AS", script)
