"""The dashboard in headless Chromium: every page, its figures, its filters, and hard times."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
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
from tests.conftest import SETTINGS
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
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """No credential and no setting of the developer's machine reaches the pipelines."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in [one for one in os.environ if one.startswith(SETTINGS)]:
            patch.delenv(variable)
        folder = tmp_path_factory.mktemp("settings") / ".dlt"
        folder.mkdir()
        shutil.copy(ROOT / ".dlt" / "config.toml", folder)
        patch.setenv("DLT_PROJECT_DIR", str(folder.parent))
        patch.setenv("SOURCES__TMDB__REQUESTS_PER_SECOND", "1000")
        yield patch


@pytest.fixture(scope="module")
def warehouse(settings: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Both sandboxes, through the pipelines and one plan; the studio's feeds have two faults."""
    built = Warehouse(tmp_path_factory.mktemp("shown"))
    feed = built.folder / "feed"
    write_batch(1, feed, STUDIO_SCALE, ["broken_json", "orphan_keys"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUEE_DUCKDB", str(built.duckdb))
        patch.setenv("MARQUEE_DLT_DIR", str(built.folder / "dlt"))
        patch.setenv("STUDIO_URL", str(feed))
        patch.setenv("STUDIO_TOKEN_KEY", TOKEN_KEY)
        assert tmdb.main(["--sandbox", "--pages", PAGES_OF_MOVIES]) == 0
        assert studio.main([]) == 0
    sqlmesh(built, "plan", "--auto-apply", "--no-prompts", "--skip-tests")
    return built


def sqlmesh(warehouse: Warehouse, *arguments: str) -> None:
    """Run SQLMesh as people do: a plan of this process would differ in where its macros are."""
    subprocess.run(
        [Path(sys.executable).with_name("sqlmesh"), *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "MARQUEE_DUCKDB": str(warehouse.duckdb),
            "MARQUEE_STATE_DUCKDB": str(warehouse.state_duckdb),
        },
        check=True,
        stdout=subprocess.DEVNULL,
    )


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


def test_the_runs_and_requests_of_the_page_are_the_logs(
    page: Any, address: str, warehouse: Warehouse
) -> None:
    ((runs, requests, failed),) = warehouse.query(
        "SELECT COUNT(*), SUM(request_count), COUNT_IF(status <> 'SUCCEEDED') FROM ops.run_log"
    )
    visit(page, f"{address}/pipelines")
    shown = figures(page)
    assert shown["runs"] == f"{runs:,}"
    assert shown["requests"] == f"{requests:,}"
    assert shown["without success"] == f"{failed:,}"
    ((quarantined,),) = warehouse.query("SELECT COUNT(*) FROM bronze.quarantine_studio")
    assert quarantined > 0


def test_the_test_results_are_the_last_audits(
    page: Any, address: str, warehouse: Warehouse
) -> None:
    ((passed, failed),) = warehouse.query(
        "SELECT COUNT_IF(is_passed), COUNT_IF(NOT is_passed) FROM ops.audit_results"
    )
    visit(page, f"{address}/tests")
    assert figures(page)["audits passed"] == f"{passed:,}"
    assert figures(page)["audits failed"] == f"{failed:,}"


def test_the_figures_of_the_movies_are_the_warehouses(
    page: Any, address: str, warehouse: Warehouse
) -> None:
    ((genres,),) = warehouse.query("SELECT COUNT(*) FROM gold.kpi_genre_performance")
    ((movies, revenue),) = warehouse.query(
        "SELECT SUM(movie_count), SUM(total_revenue_usd) FROM gold.kpi_yearly_trends"
    )
    visit(page, f"{address}/{path('business')}")
    shown = figures(page)
    assert shown["Genres"] == f"{genres:,}"
    assert shown["Movies since 1980"] == f"{movies:,}"
    assert shown["Revenue since 1980"] == f"${revenue / 1e9:,.1f} B"


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
    with page.expect_download() as download:
        page.locator(f".st-key-csv-{name}").get_by_role("button").click()
    return pd.read_csv(download.value.path())


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
    box.fill(title.upper())
    box.press("Enter")
    assert shown_as(page, found(f"CONTAINS(LOWER(title), LOWER($${title}$$))"))
    box.fill("")
    box.press("Enter")
    assert shown_as(page, f"{whole:,}")

    choose(page, "Genre", genre)
    assert shown_as(page, found(f"genre_name = '{genre}'"))
    choose(page, "Genre", "All")
    assert shown_as(page, f"{whole:,}")

    box.fill("zzz")
    box.press("Enter")
    page.get_by_text("No movie matches: a title with “zzz”.").wait_for()
    box.fill("")
    box.press("Enter")
    assert shown_as(page, f"{whole:,}")

    since = page.get_by_role("slider").first
    assert since.get_attribute("aria-valuenow") == str(first_year)
    since.press("ArrowRight")
    assert shown_as(page, found(f"release_year > {first_year}"))
    assert exceptions(page) == []


def choose(page: Any, label: str, option: str) -> None:
    """Choose from a list, as people do: type and press Enter."""
    box = page.get_by_test_id("stSelectbox").filter(has_text=label).get_by_role("combobox")
    box.fill(option)
    box.press("Enter")


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
    box.fill(str(movie_id))
    box.press("Enter")
    chosen = f"{title} ({'no date' if year is None else year})"
    history = page.get_by_test_id("stSelectbox").filter(has_text="Movie")
    history.get_by_text(chosen).or_(history.locator(f'input[value="{chosen}"]')).first.wait_for()
    settled(page)
    with page.expect_download() as download:
        page.locator(".st-key-csv-history").get_by_role("button").click()
    lines = Path(download.value.path()).read_text().splitlines()
    ((periods,),) = warehouse.query(
        f"SELECT COUNT(*) FROM gold.movie_history WHERE movie_id = {movie_id}"
    )
    assert len(lines) == 1 + periods
    box.fill("no movie is called that")
    box.press("Enter")
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
    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button").first.click()
    lines = Path(download.value.path()).read_text().splitlines()
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
    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button").first.click()
    text = Path(download.value.path()).read_text()
    assert "silver.silver_movies.title" in text
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
        visit(page, f"{address}/{path('overview')}")
        shown = figures(page)["bronze rows"]
        rows = rows_of(warehouse, "bronze")
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
    failing = [one for one in health.current_results() if not one.is_ok]
    assert {"metric", "quarantine"} <= {one.check for one in failing}
    visit(page, f"{address}/quality")
    assert figures(page)["failing checks"] == f"{len(failing):,}"
    listed = page.get_by_test_id("stAlert").first.inner_text()
    for one in failing:
        assert f"{one.check} {one.subject}: " in listed


def test_the_pages_stay_while_a_day_is_loaded_and_the_day_is_loaded_while_pages_are_looked_at(
    settings: pytest.MonkeyPatch, warehouse: Warehouse, tmp_path: Path
) -> None:
    """As `make demo DAY=3`: the pipeline of TMDb, and a refresh, each a process of its own."""
    copy = warehouse.copy_to(tmp_path / "busy")
    went_wrong: list[BaseException] = []

    command = f"pipelines/tmdb.py --sandbox --day 3 --pages {PAGES_OF_MOVIES}"

    def load() -> None:
        try:
            subprocess.run(
                [sys.executable, *command.split()],
                cwd=ROOT,
                env={
                    **os.environ,
                    "MARQUEE_DUCKDB": str(copy.duckdb),
                    "MARQUEE_DLT_DIR": str(tmp_path / "dlt"),
                },
                check=True,
                stdout=subprocess.DEVNULL,
            )
            sqlmesh(copy, "plan", "--auto-apply", "--no-prompts", "--skip-tests")
            sqlmesh(copy, "run", "--ignore-cron")
        except BaseException as error:
            went_wrong.append(error)

    with dashboard(copy.duckdb, tmp_path) as address, open_browser() as page:
        visit(page, f"{address}/{path('overview')}")
        before = figures(page)
        thread = threading.Thread(target=load)
        thread.start()
        visits = 0
        while thread.is_alive():
            for name, (title, _, _) in PAGES.items():
                page.get_by_test_id("stPageLink-NavLink").get_by_text(title, exact=True).click()
                page.get_by_role("heading", name=title, level=1).wait_for()
                settled(page)
                assert exceptions(page) == [], name
                visits += 1
        thread.join()
        assert went_wrong == []
        assert visits >= len(PAGES)
        runs = copy.query("SELECT job, status FROM ops.run_log ORDER BY started_at")
        assert {status for _, status in runs} == {"SUCCEEDED"}
        assert [job for job, _ in runs][:4] == ["tmdb", "studio", "plan", "tmdb"]
        assert runs[-1] == ("run", "SUCCEEDED")
        for _ in range(30):  # a copy is looked at again after some seconds
            visit(page, f"{address}/{path('overview')}")
            shown = figures(page)["snapshots rows"]
            if shown == f"{rows_of(copy, 'snapshots'):,}":
                break
            page.wait_for_timeout(1000)
        assert shown == f"{rows_of(copy, 'snapshots'):,}" != before["snapshots rows"]


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
