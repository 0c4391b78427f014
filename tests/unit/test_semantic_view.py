"""The semantic view of gold is the models' own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlmesh.core.context import Context

from marquee.catalog import semantic_view
from marquee.core.settings import ROOT


@pytest.fixture(scope="module")
def context() -> Iterator[Context]:
    """The project."""
    found = Context(paths=[str(ROOT)])
    yield found
    found.close()


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


def test_every_name_is_used_once_in_its_table(script: str) -> None:
    names = re.findall(r"^    (\w+\.\w+) AS ", script, re.M)
    assert len(names) == len(set(names))


def test_no_personal_data_and_no_lineage_is_shown(script: str) -> None:
    assert not re.search(r"\.(fan_token|email\w*|_source\w*) AS", script)
