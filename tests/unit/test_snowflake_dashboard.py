"""The dashboard as an app in Snowflake: what is deployed, and that it runs with that alone."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from marquee.core.settings import ROOT

bundle = pytest.importorskip("marquee.dashboard.bundle", reason="the extra `dashboard`")

from marquee.dashboard.pages import PAGES  # noqa: E402
from tests.fakes.snowflake_dashboard import pages  # noqa: E402

# What a package of the channel is imported as.
MODULES = {"pyyaml": "yaml", "snowflake-snowpark-python": "snowflake"}
FACT = {"table_name": "gold.fact_movies"}
LINEAGE = {
    "tables": [FACT | {"layer": "gold", "kind": "FULL", "description": "Movies.", "parents": []}],
    "columns": [FACT | {"column": "movie_id", "type": "BIGINT", "meaning": "", "origins": ""}],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `make snowflake-dashboard` deploys, but for the lineage."""
    monkeypatch.setattr(bundle, "describe", lambda: LINEAGE)
    bundle.write_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


def imported(file: Path) -> Iterator[str]:
    """The packages that a module imports as it is loaded."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def test_every_page_is_drawn_with_the_packages_of_the_channel_alone(folder: Path) -> None:
    found = pages(folder)
    assert found["app"] == found[next(iter(PAGES))], "the app begins with the first page"
    for name, (title, *_) in PAGES.items():
        assert found[name]["titles"] == [title]
        assert found[name]["errors"] == []
    assert found["overview"]["figures"] == {"gold rows": "0"}
    assert found["lineage"]["tables"] == 1


def test_the_definition_names_files_of_the_bundle(folder: Path) -> None:
    definition = yaml.safe_load((folder / "snowflake.yml").read_text(encoding="utf-8"))
    app = definition["entities"]["dashboard"]
    assert app["main_file"] in app["artifacts"]
    assert all((folder / one).exists() for one in app["artifacts"])
    assert app["comment"].startswith("Marquee: ")
    script = (ROOT / "snowflake" / "dashboard.sql").read_text(encoding="utf-8")
    place = app["identifier"]
    assert f"CREATE SCHEMA IF NOT EXISTS {place['database']}.{place['schema']}\n" in script


def test_the_pages_import_what_the_channel_has(folder: Path) -> None:
    environment = yaml.safe_load((folder / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"] == ["snowflake"]
    names = {one.partition("=")[0] for one in environment["dependencies"]} - {"python"}
    packages = {MODULES.get(one, one) for one in names}
    used = set(imported(folder / "streamlit_app.py"))
    for name in ("app", "charts", "lineage", "pages", "queries"):
        used |= set(imported(folder / "marquee" / "dashboard" / f"{name}.py"))
    for name in ("checks", "store", "thresholds"):
        used |= set(imported(folder / "marquee" / "monitoring" / f"{name}.py"))
    assert used - sys.stdlib_module_names - {"marquee"} == packages
