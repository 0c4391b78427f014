"""How long people wait for the dashboard: its first page, a tab."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from benchmarks.environment import REFRESH, SQLMESH, BenchmarkEnv
from benchmarks.measure import BenchmarkError
from benchmarks.results import Benchmark, Goal

MOVIES = 100_000
FIRST_PAGE_SECONDS = 2
TAB_SECONDS = 1

NOTES = [
    "In headless Chromium, from the click (or the address) until the page's title is there, the "
    "server has come to the end of the page and each of its charts is drawn.",
    "The first page is that of a browser with an empty profile on a server without a visitor "
    "before: it loads the scripts, and the server copies the warehouse into the read-only snapshot "
    "that pages read (decision 25). Results of queries are kept, so that first visits are slowest.",
    "Lineage, which the server reads from the project in the background, is read before.",
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


def measure(env: BenchmarkEnv) -> Benchmark:
    """Build a warehouse of movies and a studio, and visit its dashboard.

    Raises:
        BenchmarkError: there is no Chromium.
    """
    if shutil.which("chromium") is None:
        raise BenchmarkError("No chromium here: apt-get install chromium.")
    workspace = env.workspace("dashboard", env.built(MOVIES)[0])
    env.say("dashboard: adding a studio")
    env.run(sys.executable, "pipelines/studio.py", "--sandbox", workspace=workspace)
    env.run(SQLMESH, *REFRESH, workspace=workspace)
    env.say(f"dashboard: a visitor of {MOVIES:,} movies")
    seen = env.call(visit, workspace.duckdb, workspace=workspace).result
    workspace.remove()
    first_page, *tabs = seen.values()
    return Benchmark(
        title=f"The dashboard of {MOVIES:,} movies and a studio's half year",
        columns=("", "seconds"),
        rows=[*seen.items()],
        goals=[
            Goal(f"first page, {MOVIES:,} movies", FIRST_PAGE_SECONDS, first_page, "s"),
            Goal("slowest first visit of a tab", TAB_SECONDS, max(tabs), "s"),
        ],
        notes=NOTES,
    )


def visit(duckdb_file: Path) -> dict[str, float]:
    """Serve the dashboard and visit it; return the seconds of each page."""
    # Here, because only the process that serves needs them.
    from marquee.dashboard.lineage import read_lineage
    from marquee.dashboard.pages import PAGES
    from tests.e2e.browser import dashboard, open_browser

    read_lineage()
    seen: dict[str, float] = {}
    options = {"viewport": {"width": 1280, "height": 900}}
    with dashboard(duckdb_file, duckdb_file.parent) as address, open_browser(**options) as page:
        for title, _, _ in PAGES.values():
            started_at = time.perf_counter()
            if seen:
                page.get_by_role("link", name=title).click()
            else:
                page.goto(address)
            page.wait_for_function(DRAWN, arg=title, polling=20)
            seen[title] = time.perf_counter() - started_at
    return seen
