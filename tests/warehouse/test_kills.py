"""Days of 2,000 movies behind a bad line, killed 28 times; `make test-kills`.

A short form of a load's kills, which every `make test` runs, is test_tmdb_resume.py; that of a
refresh's, at its worst points, is test_refresh_kills.py.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from dlt.common.versioned_state import decompress_state
from dlt.load.load import Load
from dlt.pipeline.pipeline import Pipeline

from marquee.ops.run_log import RunLog
from marquee.sandbox.faults import FaultRates
from marquee.sandbox.movies import load
from marquee.sandbox.server import Sandbox
from marquee.sources.tmdb.run import PIPELINE, Loader
from marquee.sources.tmdb.state import PipelineState
from pipelines import tmdb
from tests.conftest import Project, finish, in_child, serving
from tests.crash_points import Kill, Watch, after, before
from tests.small_warehouse import Rows, Warehouse

pytestmark = pytest.mark.slow

MOVIES = 2_000
CHUNK = 200
PAGES = str(MOVIES // 20)
LAYERS = ("silver", "snapshots", "gold", "ops")
RANDOM_KILLS = 15
SEED = 20261122

# In the order of a first load and refresh.
KILLS = {
    "before an extract": before(Pipeline, "extract", 3),
    "before a normalize": before(Pipeline, "normalize", 3),
    "with rows in and the load not complete": before(Load, "complete_package", 3),
    "between two chunks": after(Loader, "load", 4),
    "with all landed and the run not logged as ended": before(RunLog, "end"),
    "while tables are made": Kill("CREATE TABLE IF NOT EXISTS warehouse.sqlmesh__silver", 2).arm,
    "with movies about to be written": Kill(
        "CREATE OR REPLACE TABLE warehouse.sqlmesh__silver.silver__silver_movies"
    ).arm,
    "between two models": Kill("INSERT INTO sqlmesh._intervals", 4).arm,
    "in an audit of the facts": Kill("FROM warehouse.sqlmesh__gold.gold__fact_movies", 3).arm,
    "with prod out of the state": Kill("INSERT INTO sqlmesh._environments").arm,
    "with some views in place": Kill("CREATE OR REPLACE VIEW warehouse.gold", 3).arm,
}
KILLS_ON_THE_NEXT_DAY = {
    "with movies deleted": Kill("INSERT INTO warehouse.sqlmesh__silver.silver__silver_movies").arm,
    "with history about to be replaced": Kill(
        "CREATE OR REPLACE TABLE warehouse.sqlmesh__snapshots.snapshots__snap_silver"
    ).arm,
}


@pytest.fixture
def unkind(project: Project) -> Iterator[Sandbox]:
    """The sandbox of the bundled films, at the rates of a bad day."""
    project.monkeypatch.setenv("SOURCES__TMDB__CHUNK_MOVIES", str(CHUNK))
    project.monkeypatch.setenv("SOURCES__TMDB__MAX_WAIT_SECONDS", "0.1")
    rates = FaultRates(
        too_many_requests=0.03, server_error=0.03, reset=0.02, truncate=0.02, seed=SEED
    )
    with serving(project, load(None), fault_rates=rates) as sandbox:
        yield sandbox


@dataclass
class Life:
    """A warehouse from day to day; a day ends when its landing and refresh have come to theirs."""

    project: Project
    sandbox: Sandbox
    day: int = 0

    def __post_init__(self) -> None:
        self.warehouse = Warehouse(self.project.folder)
        self.watch = Watch(self.sandbox, CHUNK)
        self.output_file = self.project.folder / "output.txt"

    def resume(
        self, die_there: Callable[[], None] = lambda: None, seconds: float | None = None
    ) -> bool:
        """Land and refresh in a child that may die.

        Args:
            die_there: Called in the child first.
            seconds: When to kill it, if it has not ended by then.

        Returns:
            Whether it was killed.
        """
        child = in_child(
            self.output_file,
            die_there,
            lambda: tmdb.main(["--pages", PAGES]),
            self.warehouse.plan,
            self.warehouse.refresh,
        )
        timer = threading.Timer(seconds or 3600, os.kill, (child, signal.SIGKILL))
        timer.start()
        code = finish(child)
        timer.cancel()
        self.watch.run_ended()
        if self.has_landed_all():  # another run of the same day reads the day's changes again
            self.watch.work_done()
        assert code in (0, -signal.SIGKILL), self.output_file.read_text()
        if code == 0:
            self.day += 1
            self.sandbox.movie_set = load(None, day=self.day)
        return code != 0

    def has_landed_all(self) -> bool:
        """Whether no work list is left for the next run, as the state of the pipeline says."""
        newest = "SELECT state FROM bronze._dlt_pipeline_state ORDER BY version DESC LIMIT 1"
        state = (
            decompress_state(self.project.query(newest)[0][0]) if self.project.has_landed() else {}
        )
        return PipelineState.restore(state.get("sources", {}).get(PIPELINE, {})).unfinished is None


def test_2000_movies_survive_28_kills(project: Project, unkind: Sandbox) -> None:
    life, chance, kills = Life(project, unkind), random.Random(SEED), 0
    for kills_of_the_day in (KILLS, KILLS_ON_THE_NEXT_DAY):
        for where, die_there in kills_of_the_day.items():
            assert life.resume(die_there), f"not killed {where}"
        assert not life.resume()
    while kills < RANDOM_KILLS:
        kills += life.resume(seconds=chance.uniform(0.2, 15))
    assert not life.resume()

    assert_whole(life.warehouse)
    print(
        f"{len(KILLS) + len(KILLS_ON_THE_NEXT_DAY)} chosen and {kills} random kills in {life.day} "
        f"days: {life.watch.again} movies requested again, {life.watch.most_again} at most at once"
    )


def rows(warehouse: Warehouse) -> dict[str, Rows]:
    """What does not depend on how often it was measured, nor on when it was refreshed."""
    tables = warehouse.current_rows_of(*LAYERS)
    del tables["ops.data_quality_results"]
    return tables


def assert_whole(warehouse: Warehouse) -> None:
    one_of_each = "SELECT count(*), count(DISTINCT movie_id) FROM {}"
    ((count, movies),) = warehouse.query(one_of_each.format("silver.silver_movies"))
    assert count == movies >= MOVIES
    doubled = (
        "SELECT movie_id FROM bronze.raw_movies GROUP BY movie_id, batch_id HAVING count(*) > 1"
    )
    assert warehouse.query(doubled) == []
    assert warehouse.query("SELECT count(*) FROM bronze.quarantine_tmdb") == [(0,)]
    assert not list(warehouse.folder.glob("*.lock"))

    refreshed = rows(warehouse)
    warehouse.plan()
    warehouse.refresh()
    assert rows(warehouse) == refreshed, "a refresh without new rows changes nothing"

    warehouse.forget_all_but_bronze()
    warehouse.plan()
    assert rows(warehouse) == refreshed
