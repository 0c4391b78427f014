"""The dashboard in headless Chromium: every page, its figures, its filters, and hard times."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from marquee.cli import health
from marquee.core.settings import ROOT
from marquee.dashboard.pages import PAGES
from marquee.sandbox.studio import TOKEN_KEY, write_batch
from pipelines import studio, tmdb
from tests.conftest import alone
from tests.e2e.browser import (
    CHROMIUM,
    dashboard,
    exceptions,
    figures,
    open_browser,
    path,
    settled,
    visit,
)
from tests.small_warehouse import Warehouse

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
]

PAGES_OF_MOVIES = "3"  # 20 each
STUDIO_SCALE = 0.06


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Both sandboxes, through the pipelines and one plan; the studio's feeds have two faults."""
    built = Warehouse(tmp_path_factory.mktemp("shown") / "project")
    with pytest.MonkeyPatch.context() as patch:
        alone(patch, built.folder)
        write_batch(1, built.folder / "feed", STUDIO_SCALE, ["broken_json", "orphan_keys"])
        patch.setenv("STUDIO_URL", str(built.folder / "feed"))
        patch.setenv("STUDIO_TOKEN_KEY", TOKEN_KEY)
        assert tmdb.main(["--sandbox", "--pages", PAGES_OF_MOVIES]) == 0
        assert studio.main([]) == 0
        sqlmesh(built, "plan", "--auto-apply", "--no-prompts", "--skip-tests")
        yield built


def sqlmesh(warehouse: Warehouse, *arguments: str) -> None:
    """Run SQLMesh as people do: a plan of this process would differ in where its macros are."""
    run(warehouse, Path(sys.executable).with_name("sqlmesh"), *arguments)


def run(warehouse: Warehouse, *command: str | Path) -> None:
    """Run a command on a warehouse."""
    variables = {
        "MARQUEE_DUCKDB": str(warehouse.duckdb),
        "MARQUEE_STATE_DUCKDB": str(warehouse.state_duckdb),
        "MARQUEE_DLT_DIR": str(warehouse.folder / "dlt"),
    }
    environment = {**os.environ, **variables}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server writes to the terminal."""
    return tmp_path_factory.mktemp("served") / "dashboard.log"


@pytest.fixture(scope="module")
def address(warehouse: Warehouse, started: Path) -> Iterator[str]:
    with dashboard(warehouse.duckdb, started.parent) as served:
        yield served


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Any]:
    with open_browser(viewport={"width": 1280, "height": 900}) as open_warehouse:
        yield open_warehouse


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_its_title_and_no_exception(page: Any, address: str, name: str) -> None:
    visit(page, f"{address}/{path(name)}")
    assert page.locator("h1").first.inner_text() == PAGES[name][0]
    assert exceptions(page) == []
    assert page.get_by_text("Page not found").count() == 0


def test_the_rows_of_the_layers_are_the_warehouses(
    page: Any, address: str, warehouse: Warehouse
) -> None:
    visit(page, f"{address}/{path('overview')}")
    shown = figures(page)
    for layer in ("bronze", "silver", "snapshots", "gold"):
        assert shown[f"{layer} rows"] == f"{rows_of(warehouse, layer):,}"


def rows_of(warehouse: Warehouse, layer: str) -> int:
    """The rows of all its tables but dlt's own."""
    tables = warehouse.query(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables "
        f"WHERE table_schema = '{layer}' AND NOT STARTS_WITH(table_name, '_dlt')"
    )
    return sum(warehouse.query(f"SELECT COUNT(*) FROM {table}")[0][0] for (table,) in tables)


# Page: its figures, and their SQL.
FIGURES = {
    "quality": {
        "audits": "SELECT COUNT(*) FROM ops.audit_results",
        # An unknown account type, and the metrics of so small a studio.
        "failing audits": "SELECT COUNT_IF(NOT is_passed) FROM ops.audit_results",
    },
    "tests": {
        "audits passed": "SELECT COUNT_IF(is_passed) FROM ops.audit_results",
        "audits failed": "SELECT COUNT_IF(NOT is_passed) FROM ops.audit_results",
    },
    "pipelines": {
        "runs": "SELECT COUNT(*) FROM ops.run_log",
        "requests": "SELECT SUM(request_count) FROM ops.run_log",
        "without success": "SELECT COUNT_IF(status <> 'SUCCEEDED') FROM ops.run_log",
    },
    "business": {
        "Genres": "SELECT COUNT(*) FROM gold.kpi_genre_performance",
        "Movies since 1980": "SELECT SUM(movie_count) FROM gold.kpi_yearly_trends",
        "Revenue since 1980": "SELECT FORMAT('${:,.1f} B', SUM(total_revenue_usd)::DOUBLE / 1e9) "
        "FROM gold.kpi_yearly_trends",
    },
}


@pytest.mark.parametrize("name", FIGURES)
def test_the_figures_of_a_page_are_the_warehouses(
    page: Any, address: str, warehouse: Warehouse, name: str
) -> None:
    visit(page, f"{address}/{path(name)}")
    shown = figures(page)
    for label, sql in FIGURES[name].items():
        ((expected,),) = warehouse.query(sql)
        assert expected or label == "without success"
        assert shown[label] == (expected if isinstance(expected, str) else f"{expected:,}"), label


def test_the_rows_that_break_an_audit_are_shown(page: Any, address: str) -> None:
    visit(page, f"{address}/quality")
    page.get_by_text("Rows that break account_types_are_known").click()
    settled(page)
    assert exceptions(page) == []


def test_a_year_is_compared_with_the_year_before(
    page: Any, address: str, warehouse: Warehouse
) -> None:
    ((year, movies, budget, roi, change, change_of_roi),) = warehouse.query(
        "SELECT this.release_year, this.movie_count, this.avg_budget_usd, this.median_roi_pct, "
        "100 * (this.movie_count / last.movie_count - 1), "
        "this.median_roi_pct - last.median_roi_pct AS change_of_roi "
        "FROM gold.kpi_yearly_trends AS this JOIN gold.kpi_yearly_trends AS last "
        "ON last.release_year = this.release_year - 1 WHERE change_of_roi IS NOT NULL "
        "ORDER BY this.release_year DESC LIMIT 1"
    )
    visit(page, f"{address}/{path('business')}")
    choose(page, "Year", str(year))
    moved = page.get_by_test_id("stMetricDelta").filter(
        has_text=f"{change:+,.0f} % from {year - 1}"
    )
    moved.first.wait_for()
    settled(page)
    shown = figures(page)
    assert shown["Movies"] == f"{movies:,}"
    assert shown["Average budget"] == f"${budget / 1e6:,.1f} M"
    assert shown["Median return on investment"] == f"{roi:,.0f} %"
    assert page.get_by_text(f"{change_of_roi:+,.0f} points from {year - 1}").count() == 1


# Each group of figures: what its table shows, and the same in SQL.
GROUPS = {
    "genres": "SELECT genre_name, movie_count, weighted_revenue_usd, revenue_per_budget_usd "
    "FROM gold.kpi_genre_performance",
    "years": "SELECT release_year, COUNT(*) AS movie_count, SUM(revenue_usd) AS total_revenue_usd "
    "FROM gold.fact_movies WHERE is_released AND release_year >= 1980 GROUP BY release_year",
    "studio-revenue": "SELECT region, report_date, SUM(gross_usd) AS gross_usd, "
    "SUM(tickets_sold) AS tickets_sold FROM (SELECT *, full_date AS report_date, "
    "MAX(full_date) OVER () AS newest FROM gold.fact_daily_performance JOIN gold.dim_dates "
    "USING (date_sk)) AS days WHERE report_date > newest - 180 GROUP BY region, report_date",
    "franchises": "SELECT franchise, gross_usd, tmdb_revenue_usd, buyer_pct "
    "FROM gold.agg_franchise_performance",
    "retention": "SELECT acquisition_month, months_since_first_seen, SUM(active_fan_count) AS "
    "active_fan_count, 100 * SUM(active_fan_count) / SUM(fan_count) AS retention_pct "
    "FROM gold.agg_fan_retention GROUP BY ALL",
    "lifetime-value": "SELECT UPPER(account_type) AS account_type, SUM(fan_count) AS fan_count, "
    "SUM(revenue_usd) / SUM(fan_count) AS revenue_per_fan_usd "
    "FROM gold.agg_fan_lifetime_value GROUP BY account_type",
    "segments": "SELECT region, SUM(fan_count) AS fan_count, "
    "SUM(champion_count) AS champion_count, SUM(dormant_count) AS dormant_count "
    "FROM gold.agg_fan_lifetime_value GROUP BY region",
}


@pytest.mark.parametrize("name", GROUPS)
def test_the_figures_of_each_group_are_the_warehouses(
    page: Any, address: str, warehouse: Warehouse, name: str
) -> None:
    visit(page, f"{address}/{path('business')}")
    with duckdb.connect(str(warehouse.duckdb), read_only=True) as connection:
        expected = connection.execute(GROUPS[name]).df()
    shown = listed(page, name)[[*expected.columns]]
    for column in expected.select_dtypes("datetime"):
        shown[column] = pd.to_datetime(shown[column])
    if name == "lifetime-value":
        shown["account_type"] = shown["account_type"].str.replace(" ", "_").str.upper()
    keys = [*expected.columns[: 2 if name in ("studio-revenue", "retention") else 1]]
    pd.testing.assert_frame_equal(
        shown.sort_values(keys, ignore_index=True).convert_dtypes(),
        expected.sort_values(keys, ignore_index=True).convert_dtypes(),
        check_dtype=False,
        rtol=1e-6,
    )
    assert len(shown) > 1


def listed(page: Any, name: str) -> pd.DataFrame:
    """Download a table of the page, which may be behind a tab."""
    tabs = page.locator(f".st-key-tabs-{name}")
    if tabs.count():
        tabs.get_by_role("tab", name="Table").click()
        settled(page)
    return pd.read_csv(BytesIO(downloaded(page, page.locator(f".st-key-csv-{name}"))))


def downloaded(page: Any, place: Any) -> bytes:
    """Download the file of the button in a place of the page."""
    with page.expect_download() as download:
        place.get_by_role("button").first.click()
    return Path(download.value.path()).read_bytes()


def test_the_charts_show_the_figures_and_no_label_overlaps_another(
    page: Any, address: str, warehouse: Warehouse
) -> None:
    visit(page, f"{address}/{path('business')}")
    page.wait_for_timeout(2000)  # charts are drawn after their data is there
    genres = drawn(page, "genres")
    assert apart(genres)
    texts = [text for text, _ in genres]
    for name, movies in warehouse.query(
        "SELECT genre_name, movie_count FROM gold.kpi_genre_performance "
        "WHERE revenue_per_budget_usd IS NOT NULL"
    ):
        assert name in texts
        assert f"{movies:,} movies" in texts
    cells = [text for text, _ in drawn(page, "retention")]
    for (month,) in warehouse.query(
        "SELECT DISTINCT STRFTIME(acquisition_month, '%b %Y') FROM gold.agg_fan_retention"
    ):
        assert month in cells
    visit(page, f"{address}/lineage")
    for extent in ("All upstream and downstream", "All tables", "Neighbors"):
        page.get_by_test_id("stButtonGroup").get_by_text(extent, exact=True).click()
        settled(page)
        page.wait_for_timeout(2000)
        assert apart(labels(page.get_by_test_id("stGraphVizChart"))), extent


Box = dict[str, float]


def drawn(page: Any, name: str) -> list[tuple[str, Box]]:
    """The texts of a chart and their places."""
    return labels(page.locator(f".st-key-tabs-{name}").get_by_test_id("stVegaLiteChart"))


def labels(chart: Any) -> list[tuple[str, Box]]:
    found: list[tuple[str, Box]] = chart.locator("svg").first.evaluate(
        "svg => [...svg.querySelectorAll('text')].filter(one => one.textContent && "
        "getComputedStyle(one).opacity !== '0').map(one => [one.textContent, "
        "one.getBoundingClientRect().toJSON()])"
    )
    return found


def apart(texts: list[tuple[str, Box]]) -> bool:
    """Whether there are texts, and none lies on another."""
    overlaps = [
        (one, other)
        for place, (one, a) in enumerate(texts)
        for other, b in texts[:place]
        if a["left"] + 1 < b["right"]
        and b["left"] + 1 < a["right"]
        and a["top"] + 4 < b["bottom"]  # a box is higher than its letters
        and b["top"] + 4 < a["bottom"]
    ]
    assert overlaps == []
    return len(texts) > 1


def test_a_toolbar_covers_neither_its_chart_nor_what_is_above(page: Any, address: str) -> None:
    visit(page, f"{address}/{path('business')}")
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.hover()
    button = page.get_by_test_id("stElementToolbarButton").first
    button.wait_for()
    page.wait_for_timeout(1000)  # it glides into its place
    place, above = button.bounding_box(), page.get_by_role("tab").first.bounding_box()
    assert place["y"] + place["height"] <= chart.bounding_box()["y"]
    assert place["y"] >= above["y"] + above["height"]
    assert not page.locator(".vega-embed details").first.is_visible()


def test_the_server_starts_without_warnings_and_its_pages_ask_no_other_host(
    address: str, page: Any, started: Path
) -> None:
    hosts = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    for name in PAGES:
        visit(page, f"{address}/{path(name)}")
    assert hosts == {address.removeprefix("http://")}
    log = started.read_text()
    assert "http://127.0.0.1" in log
    assert "warn" not in log.lower(), log


def test_filters_by_title_genre_and_year_change_the_movies(
    page: Any, address: str, warehouse: Warehouse
) -> None:
    def found(condition: str) -> str:
        ((count,),) = warehouse.query(
            "SELECT COUNT(*) FROM gold.kpi_top_movies "
            f"WHERE release_year IS NOT NULL AND {condition}"
        )
        assert 0 < count < whole
        return f"{count:,}"

    ((whole, first_year, genre),) = warehouse.query(
        "SELECT COUNT(*), MIN(release_year), MODE(genre_name) FROM gold.kpi_top_movies"
    )
    ((title,),) = warehouse.query("SELECT MIN(title) FROM gold.kpi_top_movies")
    visit(page, f"{address}/{path('business')}")
    assert figures(page)["Movies found"] == f"{whole:,}"

    box = page.get_by_label("Title contains")
    enter(box, title.upper())
    assert shown_as(page, found(f"CONTAINS(LOWER(title), LOWER($${title}$$))"))
    enter(box, "")
    assert shown_as(page, f"{whole:,}")

    choose(page, "Genre", genre)
    assert shown_as(page, found(f"genre_name = '{genre}'"))
    choose(page, "Genre", "All")
    assert shown_as(page, f"{whole:,}")

    enter(box, "zzz")
    page.get_by_text("No movie matches: a title with “zzz”.").wait_for()
    enter(box, "")
    assert shown_as(page, f"{whole:,}")

    since = page.get_by_role("slider").first
    assert since.get_attribute("aria-valuenow") == str(first_year)
    since.press("ArrowRight")
    assert shown_as(page, found(f"release_year > {first_year}"))
    assert exceptions(page) == []


def enter(box: Any, text: str) -> None:
    """Type into a field and press Enter."""
    box.fill(text)
    box.press("Enter")


def choose(page: Any, label: str, option: str) -> None:
    """Choose from a list, as people do."""
    boxes = page.get_by_test_id("stSelectbox").filter(has_text=label)
    enter(boxes.get_by_role("combobox"), option)


def shown_as(page: Any, count: str) -> bool:
    """Wait until so many movies are found."""
    metric = page.get_by_test_id("stMetric").filter(has_text="Movies found")
    metric.get_by_test_id("stMetricValue").get_by_text(count, exact=True).wait_for()
    settled(page)
    return figures(page)["Movies found"] == count


def test_any_movie_is_found_with_its_history(page: Any, address: str, warehouse: Warehouse) -> None:
    ((movie_id, title, year),) = warehouse.query(
        "SELECT movie_id, title, release_year FROM silver.silver_movies "
        "ORDER BY vote_count NULLS FIRST, movie_id LIMIT 1"  # not among those shown unasked
    )
    visit(page, f"{address}/{path('business')}")
    box = page.get_by_label("Find a movie")
    enter(box, str(movie_id))
    chosen = f"{title} ({'no date' if year is None else year})"
    history = page.get_by_test_id("stSelectbox").filter(has_text="Movie")
    history.get_by_text(chosen).or_(history.locator(f'input[value="{chosen}"]')).first.wait_for()
    settled(page)
    lines = downloaded(page, page.locator(".st-key-csv-history")).splitlines()
    ((periods,),) = warehouse.query(
        f"SELECT COUNT(*) FROM gold.movie_history WHERE movie_id = {movie_id}"
    )
    assert len(lines) == 1 + periods
    enter(box, "no movie is called that")
    page.get_by_text("No movie is called “no movie is called that”").wait_for()
    assert exceptions(page) == []


def test_growth_is_over_the_time_that_is_chosen(page: Any, address: str) -> None:
    visit(page, f"{address}/{path('overview')}")
    for period in ("a week", "a day", "the last change"):
        page.get_by_test_id("stButtonGroup").get_by_text(period, exact=True).click()
        settled(page)
        assert exceptions(page) == []
        assert page.get_by_test_id("stMetricDelta").count() > 0


def test_a_table_downloads_as_csv(page: Any, address: str, warehouse: Warehouse) -> None:
    visit(page, f"{address}/pipelines")
    lines = downloaded(page, page.get_by_test_id("stDownloadButton").first).decode().splitlines()
    ((run_id,),) = warehouse.query(
        "SELECT run_id FROM ops.run_log ORDER BY started_at DESC LIMIT 1"
    )
    # The only one: Streamlit's own button would write formulas.
    page.get_by_test_id("stDataFrame").first.hover()
    own = page.locator("button[aria-label='Download as CSV']").first
    own.wait_for(state="attached")
    assert not own.is_visible()
    assert lines[0].startswith("run_id,tool,job")
    assert lines[1].startswith(run_id)


def test_the_lineage_has_a_tables_columns_and_their_origins(page: Any, address: str) -> None:
    visit(page, f"{address}/lineage")
    columns = downloaded(page, page.get_by_test_id("stDownloadButton").first)
    assert b"silver.silver_movies.title" in columns
    page.get_by_test_id("stGraphVizChart").get_by_role("link", name="gold.kpi_top_movies").click()
    page.wait_for_url("**/lineage?table=gold.kpi_top_movies")
    settled(page)
    assert page.get_by_role("heading", name="gold.kpi_top_movies").count() == 1


def test_a_page_fits_a_phone_in_the_dark(address: str) -> None:
    with open_browser(viewport={"width": 390, "height": 844}, color_scheme="dark") as page:
        visit(page, f"{address}/{path('business')}")
        assert exceptions(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        links = page.get_by_test_id("stPageLink-NavLink")
        names = [text.splitlines()[-1] for text in links.all_inner_texts()]
        assert names == [title for title, _, _ in PAGES.values()]
        for place in (link.bounding_box() for link in links.all()):
            assert 0 <= place["x"] <= 390 - place["width"]
            assert place["y"] < 844
        red = page.evaluate(
            "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
        )
        assert int(red.partition("(")[2].split(",")[0]) < 60


def test_a_warehouse_that_is_being_written_is_shown_and_written(
    page: Any, address: str, warehouse: Warehouse
) -> None:
    is_over = threading.Event()

    def write() -> None:
        with duckdb.connect(str(warehouse.duckdb)) as writer:
            writer.execute("CREATE OR REPLACE TABLE bronze.scribble AS SELECT 0 AS n")
            while not is_over.wait(0.02):
                writer.execute("INSERT INTO bronze.scribble VALUES (1)")

    with ThreadPoolExecutor() as threads:
        writing = threads.submit(write)
        try:
            for name in PAGES:
                visit(page, f"{address}/{path(name)}")
                assert exceptions(page) == []
                assert page.locator("h1").first.inner_text() == PAGES[name][0]
        finally:
            is_over.set()
    assert writing.exception() is None
    ((written,),) = warehouse.query("SELECT COUNT(*) FROM bronze.scribble")
    assert written > 1
    assert_shown(page, address, warehouse, "bronze")
    warehouse.execute("DROP TABLE bronze.scribble")


def assert_shown(page: Any, address: str, warehouse: Warehouse, layer: str) -> None:
    """The overview has the rows of a layer; a copy is looked at again after some seconds."""
    for _ in range(30):
        visit(page, f"{address}/{path('overview')}")
        if figures(page)[f"{layer} rows"] == f"{rows_of(warehouse, layer):,}":
            break
        page.wait_for_timeout(1000)
    assert figures(page)[f"{layer} rows"] == f"{rows_of(warehouse, layer):,}"


def test_the_quality_page_names_what_health_names(page: Any, address: str) -> None:
    failing = [one for one in health.current_results() if not one.is_ok]
    assert {"metric", "quarantine"} <= {one.check for one in failing}
    visit(page, f"{address}/quality")
    assert figures(page)["failing checks"] == f"{len(failing):,}"
    listed = page.get_by_test_id("stAlert").first.inner_text()
    for one in failing:
        assert f"{one.check} {one.subject}: " in listed


def test_the_pages_stay_while_a_day_is_loaded_and_the_day_is_loaded_while_pages_are_looked_at(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """As `make demo DAY=3`: the pipeline of TMDb, and a refresh, each a process of its own."""
    copy = warehouse.copy_to(tmp_path / "busy")
    command = f"pipelines/tmdb.py --sandbox --day 3 --pages {PAGES_OF_MOVIES}"

    def load() -> None:
        run(copy, sys.executable, *command.split())
        sqlmesh(copy, "plan", "--auto-apply", "--no-prompts", "--skip-tests")
        sqlmesh(copy, "run", "--ignore-cron")

    with dashboard(copy.duckdb, tmp_path) as address, open_browser() as page:
        visit(page, f"{address}/{path('overview')}")
        before = figures(page)
        visits = 0
        with ThreadPoolExecutor() as threads:
            loading = threads.submit(load)
            while not loading.done():
                for name, (title, _, _) in PAGES.items():
                    links = page.get_by_test_id("stPageLink-NavLink")
                    links.get_by_text(title, exact=True).click()
                    page.get_by_role("heading", name=title, level=1).wait_for()
                    settled(page)
                    assert exceptions(page) == [], name
                    visits += 1
        assert loading.exception() is None
        assert visits >= len(PAGES)
        runs = copy.query("SELECT job, status FROM ops.run_log ORDER BY started_at")
        assert {status for _, status in runs} == {"SUCCEEDED"}
        assert [job for job, _ in runs][:4] == ["tmdb", "studio", "plan", "tmdb"]
        assert runs[-1] == ("run", "SUCCEEDED")
        assert_shown(page, address, copy, "snapshots")
        assert figures(page)["snapshots rows"] != before["snapshots rows"]


def test_no_warehouse_and_an_empty_one_show_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with dashboard(file, tmp_path) as address, open_browser() as page:
        visit(page, f"{address}/quality")
        assert page.get_by_text("Nothing to show yet").count() == 1
        duckdb.connect(str(file)).close()
        time.sleep(1)
        visit(page, address)
        assert page.get_by_text("The warehouse is empty").count() == 1
        assert exceptions(page) == []
