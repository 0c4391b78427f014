"""The project as SQLMesh sees it: its linter rule, its dictionary."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmesh.core.context import Context
from sqlmesh.core.dialect import parse
from sqlmesh.core.model import load_sql_based_model

from linter.documented_model import DocumentedModel
from marquee import LINKS
from marquee.catalog import data_dictionary as dictionary
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
