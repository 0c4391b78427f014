"""The catalog, from its files, and SQLMesh's UI, on a copy, in headless Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from marquee.catalog import data_dictionary as dictionary
from marquee.catalog.history import History, TableHistory
from marquee.catalog.site import Site
from marquee.cli import catalog as cli
from marquee.core.settings import ROOT
from marquee.lineage.project import read_project
from tests.e2e.browser import CHROMIUM, open_browser, sqlmesh_ui
from tests.small_warehouse import Warehouse, movie

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
]

WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a catalog in files."""
    past = TableHistory(
        built_at=datetime(2026, 3, 1, 6), status="SUCCEEDED", seconds=1, counts=[5, 1234]
    )
    site = Site(read_project(ROOT), History({"gold.fact_movies": past}), dictionary.LAYERS)
    return site.write(tmp_path_factory.mktemp("site")).parent.as_uri()


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with open_browser(viewport=WIDE, color_scheme="light") as opened:
        opened.problems = []
        opened.schemes = set()
        opened.on("pageerror", lambda error: opened.problems.append(str(error)))
        opened.on(
            "console",
            lambda message: message.type == "error" and opened.problems.append(message.text),
        )
        opened.on("request", lambda request: opened.schemes.add(request.url.split(":")[0]))
        yield opened
        assert opened.problems == []
        assert opened.schemes == {"file"}


def brightness(page: Any) -> int:
    """The red of the page's ground: 0 is black, 255 white."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return int(re.findall(r"[\d.]+", colour)[0])


def test_a_column_is_found_by_the_search_and_opens_with_its_lineage(
    page: Any, catalog: str
) -> None:
    page.goto(f"{catalog}/index.html")
    page.keyboard.press("/")
    page.keyboard.type("kpi_top roi_rank")
    page.keyboard.press("Enter")
    page.wait_for_url("**/gold.kpi_top_movies.html#column-roi_rank")
    column = page.locator("#column-roi_rank")
    assert column.get_attribute("open") is not None
    assert column.locator("svg a").count() == 8
    column.locator("svg a", has_text="silver.silver_movies").first.click()
    page.wait_for_url("**/silver.silver_movies.html#column-*")
    assert page.locator("details.column[open]").count() == 1


def test_the_search_reports_when_there_is_nothing(page: Any, catalog: str) -> None:
    page.goto(f"{catalog}/lineage.html")
    page.fill("#search", "zzz")
    assert page.locator("#found").inner_text() == "Nothing by that name."
    page.keyboard.press("Escape")
    assert page.locator("#found").is_hidden()


def test_the_lineage_of_all_tables_lights_up_and_leads_to_a_table(page: Any, catalog: str) -> None:
    page.goto(f"{catalog}/lineage.html")
    box = page.locator("svg a", has_text=re.compile("^.*silver.silver_genres$"))
    box.hover()
    assert "lit" in page.locator("svg").get_attribute("class")
    lit = page.locator("svg a.on").count()
    assert 3 < lit < page.locator("svg a").count()
    box.click()
    page.wait_for_url("**/silver.silver_genres.html")
    assert page.locator("h1").inner_text() == "silver_genres"
    page.get_by_text("tables upstream and downstream").click()
    assert page.locator("details.more svg a").first.is_visible()


def test_rows_and_the_last_run_are_shown(page: Any, catalog: str) -> None:
    page.goto(f"{catalog}/models/gold.fact_movies.html")
    assert page.locator(".figures").inner_text().split("\n")[:3] == [
        "rows",
        "1,234",
        "last built, UTC",
    ]


def test_the_catalog_starts_with_gold_and_example_queries_and_shows_its_progress(
    page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARQUEE_DUCKDB", str(tmp_path / "none.duckdb"))
    assert cli.main(["--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().err
    assert re.search(r"Reading models .*100%", shown)
    page.goto((tmp_path / "index.html").as_uri())
    sections = page.locator("section").evaluate_all("found => found.map(one => one.id)")
    assert sections[:3] == ["gold", "questions", "bronze"]
    queries = page.locator("#questions details")
    assert queries.count() == 10
    queries.first.locator("summary").click()
    assert "gold.kpi_genre_performance" in queries.first.inner_text()


def test_light_or_dark_is_a_choice_that_lasts(page: Any, catalog: str) -> None:
    page.goto(f"{catalog}/index.html")
    assert brightness(page) > 200
    page.click("#theme")
    assert brightness(page) < 60
    page.goto(f"{catalog}/lineage.html")
    assert brightness(page) < 60
    page.click("#theme")
    assert brightness(page) > 200


@pytest.mark.parametrize("name", ["index", "lineage", "models/gold.fact_movies"])
def test_a_page_fits_a_phone_in_the_dark(catalog: str, name: str) -> None:
    with open_browser(viewport=PHONE, color_scheme="dark") as page:
        page.goto(f"{catalog}/{name}.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert brightness(page) < 60


def test_a_page_without_scripts_is_whole(catalog: str) -> None:
    with open_browser(viewport=WIDE, java_script_enabled=False) as page:
        page.goto(f"{catalog}/models/gold.fact_movies.html")
        page.locator("#column-roi_pct summary").click()
        assert page.locator("#column-roi_pct svg a").first.is_visible()


def test_the_ui_shows_models_columns_and_lineage_and_locks_nobody_out(tmp_path: Path) -> None:
    warehouse = Warehouse.create(tmp_path)
    warehouse.land(movie(1))
    warehouse.plan()
    with (
        sqlmesh_ui(warehouse.duckdb, warehouse.state_duckdb, tmp_path) as address,
        open_browser(viewport=WIDE) as page,
    ):
        page.goto(f"{address}/data-catalog/models/gold.fact_movies")
        # the list of models; a model's columns with their meaning; its lineage
        page.locator('[part="model"][title="kpi_top_movies"]').wait_for(state="attached")
        page.get_by_text("Main genre, into dim_genres").first.wait_for()
        lineage = page.locator(".react-flow__node")
        lineage.filter(has_text="silver.silver_movies").first.wait_for()
        assert lineage.filter(has_text="gold.kpi_top_movies").count() == 1
        with duckdb.connect(str(warehouse.duckdb)) as writer:
            writer.execute("CREATE TABLE bronze.written_meanwhile AS SELECT 1 AS one")
        duckdb.connect(str(warehouse.state_duckdb)).close()
