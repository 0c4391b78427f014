"""Killed at any moment, a run is finished by the next one: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dlt.load.load import Load
from dlt.pipeline.pipeline import Pipeline

from marquee.core.lock import run_lock
from marquee.sandbox.faults import Fault, FaultRates
from marquee.sandbox.server import Sandbox
from marquee.sources.tmdb.planner import Planner
from marquee.sources.tmdb.run import Fetcher, Loader, RunExecutor
from marquee.sources.tmdb.state import Cursor, PipelineState, RunState
from tests.conftest import Project, films, finish, movie, serving
from tests.crash_points import Watch, after, before, die

MOVIES = 240
CHUNK = 20
TABLES = ("raw_movies", "quarantine_tmdb")
PAGES = str(MOVIES // 20)
UNKIND = FaultRates(
    too_many_requests=0.03, server_error=0.03, reset=0.02, truncate=0.02, seed=20261122
)


def in_the_middle_of_a_chunk() -> None:
    movies = Fetcher.movies

    def some(self: Fetcher, *args: Any) -> Iterator[Any]:
        for number, result in enumerate(movies(self, *args)):
            if number == CHUNK // 2:
                die()
            yield result

    setattr(Fetcher, "movies", some)  # noqa: B010 - mypy rightly minds the assignment


# In the order of a run; each takes up what the one before has left.
KILLS = {
    "while planning": before(Planner, "plan"),
    "before the work list is extracted": before(Pipeline, "extract"),
    "with the work list loaded in part": before(Load, "complete_package"),
    "with the work list landed": before(RunExecutor, "_process_chunks"),
    "in the first chunk": in_the_middle_of_a_chunk,
    "before an extract": before(Pipeline, "extract", 2),
    "before a normalize": before(Pipeline, "normalize", 2),
    "before a load": before(Pipeline, "load", 2),
    "with rows in and the load not complete": before(Load, "complete_package", 2),
    "with the load complete and its files there": after(Load, "complete_package", 2),
    "between two chunks": after(Loader, "load", 3),
    "in a later chunk": in_the_middle_of_a_chunk,
}


@pytest.fixture
def unkind(project: Project) -> Iterator[Sandbox]:
    project.monkeypatch.setenv("SOURCES__TMDB__CHUNK_MOVIES", str(CHUNK))
    project.monkeypatch.setenv("SOURCES__TMDB__MAX_WAIT_SECONDS", "0.02")
    movie_set = films(*(movie(one) for one in range(1, MOVIES + 1)))
    with serving(project, movie_set, fault_rates=UNKIND) as sandbox:
        yield sandbox


def assert_whole(project: Project) -> None:
    counts = "count(*), count(DISTINCT movie_id), count(DISTINCT batch_id)"
    assert project.query(f"SELECT {counts} FROM bronze.raw_movies") == [(MOVIES, MOVIES, 1)]
    assert project.query("SELECT count(*) FROM bronze.raw_genres") == [(1,)]
    assert project.query("SELECT count(*) FROM bronze.quarantine_tmdb") == [(0,)]
    assert not (project.folder / "warehouse.duckdb.lock").exists()


def test_killed_at_every_point_a_run_is_finished(project: Project, unkind: Sandbox) -> None:
    watch = Watch(unkind, CHUNK)
    for number, (where, kill) in enumerate(KILLS.items()):
        assert finish(project.fork(kill, "--pages", PAGES)) == -signal.SIGKILL, where
        watch.run_ended()
        if number % 3 == 2:
            shutil.rmtree(project.dlt_dir)  # another machine goes on
    ended = project.load("--pages", PAGES)
    assert ended.code == 0
    watch.run_ended()
    assert "fetched before" in ended.out
    assert f"fetching movies: {MOVIES} movies, " in ended.err
    assert_whole(project)
    assert 0 < watch.again <= len(KILLS) * CHUNK


def test_killed_at_random_a_run_is_finished(project: Project, unkind: Sandbox) -> None:
    watch, chance, kills = Watch(unkind, CHUNK), random.Random(20261122), 0
    for _ in range(10):
        child = project.fork(lambda: None, "--pages", PAGES)
        timer = threading.Timer(chance.uniform(0.2, 1.2), os.kill, (child, signal.SIGKILL))
        timer.start()
        kills += finish(child) == -signal.SIGKILL
        timer.cancel()
        watch.run_ended()
    assert project.load("--pages", PAGES).code == 0
    assert kills > 3
    assert_whole(project)


def test_a_killed_daily_run_is_finished_before_the_next_day_s(project: Project) -> None:
    """The run of day 1 dies after two of six movies; on day 3 one of them changes again."""
    project.monkeypatch.setenv("SOURCES__TMDB__CHUNK_MOVIES", "2")
    later = [movie(one, revenue=1) for one in range(2, 7)]
    first_day = films(movie(1, revenue=1), *later)
    third_day = films(movie(1, revenue=3), *later)
    changes = {1: tuple(range(1, 7)), 3: (1,)}
    with serving(project, films(*(movie(one) for one in range(1, 7)))) as sandbox:
        assert project.load().code == 0
        sandbox.movie_set = replace(first_day, day=1, changes=changes)
        assert finish(project.fork(after(Loader, "load", 2))) == -signal.SIGKILL
        sandbox.movie_set = replace(third_day, day=3, changes=changes)
        ended = project.load()
    assert ended.code == 0
    assert "Resuming run" in ended.err
    assert "fetching movies: 6 movies, 2 of them done" in ended.err
    batches = project.query(
        "SELECT batch_id, count(*) FROM bronze.raw_movies GROUP BY 1 ORDER BY min(ingested_at)"
    )
    assert [count for _, count in batches] == [6, 6, 1]
    logged = project.query("SELECT run_id FROM ops.run_log ORDER BY started_at")
    assert [(batch_id,) for batch_id, _ in batches] == logged


def test_a_backfill_finished_after_midnight_is_not_begun_once_more(project: Project) -> None:
    project.monkeypatch.setenv("SOURCES__TMDB__CHUNK_MOVIES", "2")
    six = films(*(movie(one) for one in range(1, 7)))
    with serving(project, six) as sandbox:
        assert finish(project.fork(after(Loader, "load", 2), "--full")) == -signal.SIGKILL
        sandbox.requests.clear()
        sandbox.movie_set = replace(six, day=1, changes={1: (2,)})
        assert project.load("--full").code == 0
        request_counts = [sandbox.requests.count(f"/3/movie/{one}") for one in range(1, 7)]
        assert request_counts == [0, 0, 1, 1, 1, 1]
        assert project.load().code == 0
        assert sandbox.requests.count("/3/movie/2") == 1, "what changed meanwhile is the next run's"


def test_a_load_killed_half_way_is_neither_lost_nor_doubled(project: Project) -> None:
    """All rows of a chunk are in, dlt's package is still open, and the process is dead."""
    fault = Fault(path="/movie/2", body=b"[]")
    with serving(project, films(movie(1), movie(2)), faults=[fault]):
        assert finish(project.fork(before(Load, "complete_package", 2))) == -signal.SIGKILL
        assert list((project.dlt_dir / "tmdb" / "load" / "normalized").iterdir())
        rows = [project.query(f"SELECT movie_id FROM bronze.{table}") for table in TABLES]
        assert rows == [[(1,)], [(2,)]]
        assert project.load().code == 0
    assert rows == [project.query(f"SELECT movie_id FROM bronze.{table}") for table in TABLES]


def test_another_request_finishes_what_is_left_and_resumes(project: Project) -> None:
    project.monkeypatch.setenv("SOURCES__TMDB__CHUNK_MOVIES", "2")
    with serving(project, films(*(movie(one) for one in range(1, 7)))) as sandbox:
        assert finish(project.fork(before(RunExecutor, "_process_chunks"))) == -signal.SIGKILL
        assert project.load("--ids", "3,99").code == 0
        assert sandbox.requests.count("/3/movie/3") == 2
        assert sandbox.requests.count("/3/movie/99") == 1
    assert project.query("SELECT count(DISTINCT batch_id) FROM bronze.raw_movies") == [(2,)]


# --- two at once -------------------------------------------------------------------------------


def test_the_second_of_two_runs_names_the_first_and_exits(
    project: Project, sandbox: Sandbox
) -> None:
    lock = project.folder / "warehouse.duckdb.lock"
    with run_lock(lock):
        ended = project.load()
    assert ended.code == 75
    assert f"process {os.getpid()} on " in ended.err
    assert str(lock) in ended.err
    assert sandbox.requests.count() == 0
    assert not lock.exists()


def test_a_lock_that_a_killed_run_left_is_taken_over(project: Project, sandbox: Sandbox) -> None:
    lock = project.folder / "warehouse.duckdb.lock"
    lock.write_text(f"process {os.getpid()} on elsewhere since long ago\n")
    assert project.load().code == 0
    assert not lock.exists()


def test_a_lock_deleted_by_its_holder_is_not_taken_for_ours(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with run_lock(lock):
        pass
    with run_lock(lock):
        assert lock.exists()


# --- what the state holds --------------------------------------------------------------------


def test_memory_begins_empty_and_survives_its_own_writing() -> None:
    assert PipelineState.restore({}) == PipelineState(Cursor(None, False), None)
    day = date(2026, 11, 22)
    state = PipelineState(
        Cursor(day, True), RunState("batch", "request", day, 3, 50, Cursor(day), 1, 20)
    )
    assert PipelineState.restore(state.to_json()) == state
