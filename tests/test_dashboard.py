"""The dashboard in headless Chromium: every page, its figures, its filters, and hard times."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import health
import pytest
from warehouse import Warehouse, genre, movie

from browser import CHROMIUM, dashboard, exceptions, figures, open_browser, settled, visit
from dashboard.pages import PAGES, path

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Three movies and a small studio, refreshed once, with an audit that warns."""
    built = Warehouse.create(tmp_path_factory.mktemp("shown"))
    built.land(
        movie(1, title="Alpha", revenue=2_000_000_000),
        movie(2, title="Beta", genres=[genre(35)], release_date="1999-05-01"),
        movie(3, title="Gamma"),
        at="2026-03-01 06:00:00",
    )
    built.land_titles({"title_id": "T-1", "franchise": "Saga", "release_year": "2020"})
    built.land_box_office({"record_id": "B-1"})
    built.land_interactions(
        {"interaction_id": "I-1", "event_type": "PURCHASE", "amount": "10", "currency": "EUR"},
        {"interaction_id": "I-2", "account_type": "TRIAL"},
    )
    built.plan()
    built.execute(
        "INSERT INTO bronze.quarantine_tmdb SELECT i, '<html>', 'no JSON', 'x', "
        "now()::TIMESTAMP, 'z', '1', i::TEXT FROM range(30) AS numbers(i)"
    )
    return built


@pytest.fixture(scope="module")
def address(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with dashboard(warehouse.duckdb, tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Any]:
    with open_browser(viewport={"width": 1280, "height": 900}) as opened:
        yield opened


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_its_title_and_no_exception(page: Any, address: str, name: str) -> None:
    visit(page, f"{address}/{path(name)}")
    assert page.locator("h1").first.inner_text() == PAGES[name][0]
    assert exceptions(page) == []
    assert page.get_by_text("Page not found").count() == 0


def test_the_rows_of_the_layers_are_the_warehouses(
    page: Any, address: str, warehouse: Warehouse
) -> None:
    visit(page, address)
    shown = figures(page)
    for layer in ("bronze", "silver", "snapshots", "gold"):
        tables = warehouse.query(
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{layer}'"
        )
        rows = sum(warehouse.query(f"SELECT COUNT(*) FROM {layer}.{t}")[0][0] for (t,) in tables)
        assert shown[f"{layer} rows"] == f"{rows:,}"


def test_the_audits_of_the_page_are_the_logs(page: Any, address: str, warehouse: Warehouse) -> None:
    ((audits, failing),) = warehouse.query(
        "SELECT COUNT(*), COUNT_IF(NOT is_passed) FROM ops.audit_results"
    )
    assert failing  # an unknown account type, and the metrics of so small a studio
    visit(page, f"{address}/quality")
    assert figures(page)["audits"] == f"{audits:,}"
    assert figures(page)["failing audits"] == f"{failing:,}"
    page.get_by_text("Rows that break account_types_are_known").click()
    settled(page)
    assert exceptions(page) == []


def test_a_filter_changes_the_movies(page: Any, address: str) -> None:
    visit(page, f"{address}/movies")
    assert figures(page)["movies found"] == "3"
    title = page.get_by_label("Title contains")
    title.fill("alph")
    title.press("Enter")
    page.wait_for_timeout(500)
    settled(page)
    assert figures(page)["movies found"] == "1"
    assert exceptions(page) == []


def test_the_movies_page_has_the_studio(page: Any, address: str) -> None:
    visit(page, f"{address}/movies")
    assert page.get_by_text("Franchise performance").count() == 1
    assert page.get_by_text("Lifetime value").count() == 1


def test_a_table_downloads_as_csv(page: Any, address: str, warehouse: Warehouse) -> None:
    visit(page, f"{address}/pipelines")
    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button").first.click()
    lines = Path(download.value.path()).read_text().splitlines()
    ((run_id,),) = warehouse.query("SELECT run_id FROM ops.run_log")
    assert lines[0].startswith("run_id,tool,job")
    assert lines[1].startswith(run_id)


def test_the_lineage_has_a_tables_columns_and_their_origins(page: Any, address: str) -> None:
    visit(page, f"{address}/lineage")
    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button").first.click()
    text = Path(download.value.path()).read_text()
    assert "silver.silver_movies.title" in text
    assert page.locator("canvas, svg").count() > 0


def test_a_page_fits_a_phone_in_the_dark(address: str) -> None:
    with open_browser(viewport={"width": 390, "height": 844}, color_scheme="dark") as page:
        visit(page, f"{address}/movies")
        assert exceptions(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        red = page.evaluate(
            "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
        )
        assert int(red.partition("(")[2].split(",")[0]) < 60


def test_a_warehouse_that_is_being_written_is_shown_and_written(
    page: Any, address: str, warehouse: Warehouse
) -> None:
    is_over = threading.Event()
    went_wrong: list[BaseException] = []

    def write() -> None:
        try:
            with duckdb.connect(str(warehouse.duckdb)) as writer:
                writer.execute("CREATE OR REPLACE TABLE bronze.scribble AS SELECT 0 AS n")
                while not is_over.wait(0.02):
                    writer.execute("INSERT INTO bronze.scribble VALUES (1)")
        except BaseException as error:
            went_wrong.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for name in PAGES:
            visit(page, f"{address}/{path(name)}")
            assert exceptions(page) == []
            assert page.locator("h1").first.inner_text() == PAGES[name][0]
    finally:
        is_over.set()
        thread.join()
    assert went_wrong == []
    ((written,),) = warehouse.query("SELECT COUNT(*) FROM bronze.scribble")
    shown = ""
    for _ in range(30):  # a copy is looked at again after some seconds
        visit(page, address)
        shown = figures(page)["bronze rows"]
        rows = sum(
            warehouse.query(f"SELECT COUNT(*) FROM {table}")[0][0]
            for (table,) in warehouse.query(
                "SELECT 'bronze.' || table_name FROM information_schema.tables "
                "WHERE table_schema = 'bronze'"
            )
        )
        if shown == f"{rows:,}":
            break
        page.wait_for_timeout(1000)
    assert written > 1
    assert shown == f"{rows:,}"
    warehouse.execute("DROP TABLE bronze.scribble")


def test_the_quality_page_names_what_health_names(
    page: Any, address: str, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MARQUEE_DUCKDB", str(warehouse.duckdb))
    monkeypatch.setenv("MARQUEE_COPY_DIR", str(tmp_path))
    failing = [one for one in health.findings_now() if not one.is_ok]
    assert {"source", "metric", "quarantine"} <= {one.check for one in failing}
    visit(page, f"{address}/quality")
    assert figures(page)["failing checks"] == f"{len(failing):,}"
    listed = page.get_by_test_id("stAlert").first.inner_text()
    for one in failing:
        assert f"{one.check} {one.subject}: " in listed


def test_no_warehouse_and_an_empty_one_say_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with dashboard(file, tmp_path) as address, open_browser() as page:
        visit(page, f"{address}/quality")
        assert page.get_by_text("Nothing to show yet").count() == 1
        duckdb.connect(str(file)).close()
        time.sleep(1)
        visit(page, address)
        assert page.get_by_text("The warehouse is empty").count() == 1
        assert exceptions(page) == []
