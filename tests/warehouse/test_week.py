"""A week of `make daily`, with what goes wrong in one, equals an undisturbed week."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marquee.cli import backup, daily
from marquee.core.settings import Settings
from marquee.sandbox.faults import Fault
from marquee.sandbox.movies import load
from marquee.sandbox.server import Sandbox
from marquee.sandbox.studio import TOKEN_KEY, write_batch
from pipelines import studio, tmdb
from tests.conftest import Project, finish, in_child, serving
from tests.crash_points import Kill
from tests.small_warehouse import Rows, Warehouse

pytestmark = pytest.mark.slow

LAYERS = ("silver", "snapshots", "gold", "ops")
OF_A_RUN = "ingested_at, batch_id, _dlt_load_id, _dlt_id"
DOWN = [Fault("*", status=503)]
# The sandbox's feeds have an account type that is not mapped: a health check fails every day.
WELL = 1


def run_daily() -> int:
    return daily.run([], tmdb.main, studio.main)


def start(project: Project, *before: Callable[[], None]) -> int:
    return in_child(project.folder / "output.txt", *before, run_daily)


def day(project: Project, *before: Callable[[], None]) -> int:
    """Run the day's command; return its exit code, negative for the signal that ended it."""
    return finish(start(project, *before))


def output(project: Project) -> str:
    return (project.folder / "output.txt").read_text(encoding="utf-8")


def disk_that_is_full() -> None:
    """No file may be longer than half of the warehouse."""
    limit = Settings.from_environment().duckdb.stat().st_size // 2
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def bronze(warehouse: Warehouse) -> dict[str, Rows]:
    """What landed, without when and by which run."""
    return {
        table: warehouse.query(f"SELECT {columns} FROM bronze.{table} ORDER BY ALL")
        for table, columns in {
            "raw_movies": "movie_id, raw_data",
            "raw_genres": "raw_data",
            "raw_fan_interactions": f"* EXCLUDE (expires_at, {OF_A_RUN})",
            "raw_box_office": f"* EXCLUDE ({OF_A_RUN})",
            "raw_title_metadata": f"* EXCLUDE ({OF_A_RUN})",
        }.items()
    }


def rows(warehouse: Warehouse) -> dict[str, Rows]:
    """What does not depend on when it was loaded, nor on how often it was measured."""
    tables = warehouse.current_rows_of(*LAYERS)
    del tables["ops.data_quality_results"]
    return tables


def use(project: Project, folder: Path) -> Warehouse:
    folder.mkdir()
    for variable, name in (
        ("MARQUEE_DUCKDB", "warehouse.duckdb"),
        ("MARQUEE_STATE_DUCKDB", "state.duckdb"),
        ("MARQUEE_DLT_DIR", "dlt"),
    ):
        project.monkeypatch.setenv(variable, str(folder / name))
    return Warehouse(folder)


def week(project: Project, feed: Path) -> Iterator[tuple[int, Sandbox]]:
    """The days 0 to 7 of the sandboxes, each with what it delivers."""
    with serving(project, load(None)) as sandbox:
        for number in range(8):
            sandbox.movie_set = load(None, day=number)
            if number < 3:  # the sandbox has three batches
                write_batch(number + 1, feed, 0.06)
            yield number, sandbox


def test_a_disturbed_week_equals_an_undisturbed_one(project: Project, tmp_path: Path) -> None:
    project.monkeypatch.setenv("STUDIO_TOKEN_KEY", TOKEN_KEY)
    feed, place = tmp_path / "feed", tmp_path / "backups"
    project.monkeypatch.setenv("STUDIO_URL", str(feed))
    disturbed = use(project, tmp_path / "disturbed")
    for number, sandbox in week(project, feed):
        if number == 2:  # a backup, and a second start, while a run is active
            child = start(project)
            while not (disturbed.folder / "warehouse.duckdb.lock").exists():
                time.sleep(0.1)
            assert run_daily() == 75
            assert backup.main(["create", str(place)]) == 75
            assert f"process {child}" in project.capsys.readouterr().err
            assert finish(child) == WELL, output(project)
            assert backup.main(["create", str(place)]) == 0
        if number == 3:
            words = "INSERT INTO warehouse.sqlmesh__silver.silver__silver_movies"
            assert day(project, Kill(words).arm) == -signal.SIGKILL, output(project)
        if number == 4:
            assert day(project, disk_that_is_full) == 1
            assert "disk is full" in output(project)
        if number == 5:
            with serving(project, sandbox.movie_set, faults=DOWN):
                assert day(project) == 75, output(project)
            project.point_at(sandbox)
        assert day(project) == WELL, output(project)
        if number == 2:  # lost, restored, and loaded again
            for name in ("warehouse.duckdb", "state.duckdb", "vault.duckdb"):
                (disturbed.folder / name).unlink()
            assert backup.main(["restore", str(place)]) == 0
            assert day(project) == WELL, output(project)
    assert "FAIL  metric     silver.stg_fan_interactions.account_type" in output(project)
    assert sum(line.startswith("FAIL") for line in output(project).splitlines()) == 1
    runs = disturbed.query("SELECT count(DISTINCT process_id) FROM ops.run_log WHERE job = 'tmdb'")
    assert runs >= [(8,)]

    for file in sorted(feed.rglob("*"), reverse=True):
        if file.is_file():
            file.unlink()
    undisturbed = use(project, tmp_path / "undisturbed")
    for _ in week(project, feed):
        assert tmdb.main([]) == 0
        assert studio.main([]) == 0
    assert bronze(disturbed) == bronze(undisturbed)
    # All layers are those that this bronze gives at once.
    twin = disturbed.copy_to(tmp_path / "twin")
    twin.forget_all_but_bronze()
    twin.plan()
    assert rows(disturbed) == rows(twin)
