"""How long people wait for the dashboard: its first page, a tab, a filter."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.environment import BenchmarkEnv, Workspace
from benchmarks.measure import BenchmarkError, median
from benchmarks.results import Benchmark, Cell, Goal, Table
from benchmarks.warehouses import REFRESH, Warehouses

MOVIES, MOVIES_QUICKLY = 100_000, 5000
STUDIO_SCALE, STUDIO_SCALE_QUICKLY = 1, 0.02  # 108,000 interactions
VISITS, VISITS_QUICKLY = 5, 2
FIRST_PAGE_SECONDS = 2
TAB_SECONDS = 1

NOTES = [
    "In headless Chromium, from the click (or the address) until the page's title is there, the "
    "server has come to the end of the page and each of its charts is drawn.",
    "The first page is that of a browser with an empty profile on a server that has answered "
    "nobody yet: it loads the scripts, and the server makes the copy of the warehouse that pages "
    "are drawn from (decision 25).",
    "A tab is clicked by a visitor who has not been there; the answers to its queries are kept for "
    "the copy, so that the first visit is the slow one. Lineage is read from the project once its "
    "files have changed, in the background; here that is done before.",
]
# Title there, script at its end, charts drawn. A skeleton is where something is to come.
DRAWN = """title => {
  const app = document.querySelector('[data-testid=stApp]');
  const heading = document.querySelector('h1');
  return app && app.dataset.testScriptState === 'notRunning'
    && heading && heading.innerText === title
    && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]')
    && [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]
      .every(chart => chart.querySelector('canvas, svg'));
}"""


def measure(env: BenchmarkEnv, warehouses: Warehouses) -> Benchmark:
    """Build a warehouse of movies and a studio, and visit the dashboard of it."""
    movies = MOVIES_QUICKLY if env.is_quick else MOVIES
    visits = VISITS_QUICKLY if env.is_quick else VISITS
    chromium = shutil.which("chromium")
    if chromium is None:
        raise BenchmarkError("No chromium here: apt-get install chromium.")
    workspace = env.copy(warehouses.built(movies)[0], "dashboard")
    _add_studio(env, warehouses, workspace)
    env.say(f"dashboard: {visits} visitors of {movies:,} movies")
    # Read from there only: pages are drawn by the project's own files.
    load = os.getloadavg()[0]
    seen = env.call(
        "dashboard:visit", workspace.duckdb, visits, chromium, workspace=workspace
    ).result
    size_mb = workspace.duckdb.stat().st_size / 1e6
    workspace.remove()
    return Benchmark(
        name="dashboard",
        title="The dashboard",
        tables=[
            Table(
                f"Seconds, {movies:,} movies and a studio's half year, a file of {size_mb:,.0f} MB",
                ("", "first visit", "median of the later ones", "longest of them"),
                _rows(seen),
            )
        ],
        goals=[
            Goal(
                f"first page, {movies:,} movies",
                FIRST_PAGE_SECONDS,
                seen["first page"][0],
                unit="s",
            ),
            Goal(
                "slowest first visit of a tab",
                TAB_SECONDS,
                max(took[0] for name, took in seen.items() if name != "first page"),
                unit="s",
            ),
        ],
        notes=[
            *NOTES,
            f"Load average when the first visitor came, the preparations included: {load:.1f} on "
            f"{os.cpu_count()} cores. Beyond one a core the seconds say little of the dashboard.",
        ],
    )


def _add_studio(env: BenchmarkEnv, warehouses: Warehouses, workspace: Workspace) -> None:
    scale = STUDIO_SCALE_QUICKLY if env.is_quick else STUDIO_SCALE
    env.say("dashboard: adding a studio")
    pipeline = warehouses.project / "pipelines" / "studio.py"
    env.run(sys.executable, pipeline, "--sandbox", "--scale", str(scale), workspace=workspace)
    warehouses.sqlmesh(workspace, *REFRESH)


def _rows(seen: Mapping[str, Sequence[float]]) -> list[list[Cell]]:
    return [
        [name, first, median(later) if later else None, max(later, default=None)]
        for name, (first, *later) in seen.items()
    ]


def visit(duckdb_file: str, visits: int, chromium: str) -> dict[str, list[float]]:
    """Serve the dashboard, visit it so often; return the seconds of each page, by what was done."""
    from marquee.dashboard.lineage import read_lineage
    from marquee.dashboard.pages import PAGES
    from tests.e2e.browser import dashboard, open_browser

    read_lineage()
    titles = [title for title, _, _ in PAGES.values()]
    seen: dict[str, list[float]] = {"first page": [], **{title: [] for title in titles[1:]}}
    seen["a filter of Movies"] = []
    with dashboard(Path(duckdb_file), Path(duckdb_file).parent) as address:
        for _ in range(visits):
            with open_browser(viewport={"width": 1280, "height": 900}) as page:
                begun = time.perf_counter()
                page.goto(address)
                seen["first page"].append(_drawn(page, titles[0], begun))
                for title in titles[1:]:
                    begun = time.perf_counter()
                    page.get_by_role("link", name=title).click()
                    seen[title].append(_drawn(page, title, begun))
                seen["a filter of Movies"].append(_filter(page))
    return seen


def _drawn(page: Any, title: str, begun: float) -> float:
    page.wait_for_function(DRAWN, arg=title, polling=20)
    return time.perf_counter() - begun


def _filter(page: Any) -> float:
    """Type part of a title; the number of movies found is another one then."""
    found = page.get_by_test_id("stMetric").filter(has_text="movies found")
    before = found.inner_text()
    field = page.get_by_label("Title contains")
    field.fill("777")  # a title ends with its number
    begun = time.perf_counter()
    field.press("Enter")
    page.wait_for_function(
        "before => ![...document.querySelectorAll('[data-testid=stMetric]')]"
        ".some(one => one.innerText === before)",
        arg=before,
        polling=20,
    )
    return time.perf_counter() - begun
