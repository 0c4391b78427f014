"""The project as SQLMesh sees it: its linter rule, its dictionary, its second dialect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dictionary
import pytest
from sqlglot import exp, parse_one
from sqlmesh.core.context import Context
from sqlmesh.core.dialect import parse
from sqlmesh.core.model import load_sql_based_model
from warehouse import ROOT, Warehouse

from linter.documented_model import DocumentedModel


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    with Warehouse(tmp_path_factory.mktemp("project")).context() as context:
        yield context


def test_the_linter_says_all_that_a_model_lacks(context: Context) -> None:
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
    for link in ("models", "macros", "seeds", "linter", "external_models.yaml"):
        assert (ROOT / link).readlink() == Path("sqlmesh_project") / link


def test_every_model_reads_as_snowflake_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLMESH__MODEL_DEFAULTS__DIALECT", "snowflake")
    monkeypatch.setenv("SQLMESH__CACHE_DIR", str(tmp_path / "cache"))
    with Warehouse(tmp_path).context() as context:
        models = [model for model in context.models.values() if model.is_sql]
        assert len(models) > 10
        for model in models:
            sql = model.render_query_or_raise().sql("snowflake")
            tree = parse_one(sql, dialect="snowflake")
            assert "->>" not in sql, f"{model.name} reads JSON as DuckDB does"
            assert not list(tree.find_all(exp.Filter)), f"{model.name} uses FILTER"
            written_try_casts = len(list(model.render_query_or_raise().find_all(exp.TryCast)))
            assert len(list(tree.find_all(exp.TryCast))) == written_try_casts, model.name
