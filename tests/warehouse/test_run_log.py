"""The run log, `make health` and the dashboard's figures, on one story of a small warehouse.

The story happens once: a plan, refreshes that go well, one that an audit stops, one that is killed.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import math
import os
import re
import shutil
import signal
import socket
import threading
import time
import unittest
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pandas as pd
import pytest
import yaml
from sqlglot import exp, parse_one
from sqlmesh.core.scheduler import Scheduler
from sqlmesh.core.test.definition import ModelTest
from sqlmesh.core.test.result import ModelTextTestResult

from marquee.cli import health, ui
from marquee.core.clock import utcnow
from marquee.core.settings import ROOT
from marquee.dashboard.queries import runs
from marquee.monitoring.checks import CheckResult, check_all, is_unfinished, robust_z_score
from marquee.monitoring.snapshot import current_snapshot, file_state
from marquee.monitoring.store import DuckDBStore, MissingWarehouse, SnowflakeStore
from marquee.monitoring.thresholds import read_thresholds
from marquee.ops import run_log
from marquee.ops.log_tables import TABLES, LogWriter, command_line
from marquee.sandbox.faults import Fault
from marquee.sandbox.server import Sandbox
from marquee.sandbox.studio import FAULT_NAMES, TOKEN_KEY, write_batch
from pipelines import studio, tmdb
from tests import model_tests as units
from tests.conftest import Project, films, finish, in_child
from tests.crash_points import before
from tests.fakes.fake_receivers import slack
from tests.small_warehouse import Warehouse, movie
from tests.snowflake_lint import problems

THRESHOLDS_FILE = read_thresholds()
SELECTED = "silver.silver_movies"


def killed_refresh(warehouse: Warehouse) -> int:
    """`sqlmesh run` of a model in a child that is killed (`kill -9`) when its turn comes."""

    def run() -> int:
        class Killer(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                message = record.getMessage()
                if "Evaluating" in message and "silver_movies" in message:
                    os.kill(os.getpid(), signal.SIGKILL)

        logging.getLogger("sqlmesh").addHandler(Killer())
        logging.getLogger("sqlmesh").setLevel(logging.INFO)
        with warehouse.context(load=False) as context:
            context.run(ignore_cron=True, select_models=[SELECTED])
        return 0

    return finish(in_child(warehouse.folder / "output.txt", run))


def results(warehouse: Warehouse, now: datetime | None = None) -> dict[str, CheckResult]:
    """The checks that fail, by check and subject."""
    store = DuckDBStore(current_snapshot(warehouse.duckdb))
    found = check_all(store, THRESHOLDS_FILE, now or utcnow(), warehouse.duckdb)
    store.close()
    return {f"{one.check} {one.subject}": one for one in found if not one.is_ok}


@pytest.fixture(scope="module")
def story(prebuilt: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse that a plan built and a refresh brought up to date."""
    warehouse = prebuilt.copy_to(tmp_path_factory.mktemp("story"), selected=(SELECTED,))
    warehouse.land(movie(5), at="now", batch_id="2")
    warehouse.refresh()
    return warehouse


@dataclass(frozen=True)
class Run:
    """What was to be seen after a run.

    Attributes:
        is_success: what SQLMesh returned.
        failing: the checks that fail, by check and subject.
        logged: status, error and whether it has an end, of each run so far.
        output: on the terminal.
        broken: movie and revenue of the rows that the last audit to fail objects to.
    """

    is_success: bool
    failing: dict[str, CheckResult]
    logged: list[tuple[Any, ...]]
    output: str = ""
    broken: list[tuple[Any, ...]] = field(default_factory=list)


@pytest.fixture(scope="module")
def hard_times(story: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A refresh is killed, the next one ends, an audit stops one, one cannot be logged."""
    warehouse = story.copy_to(tmp_path_factory.mktemp("hard"))
    movies = table_of(warehouse, "silver__silver_movies")
    seen: dict[str, Run] = {}

    def view(name: str, is_success: bool, output: str = "") -> None:
        store = DuckDBStore(current_snapshot(warehouse.duckdb))
        log = store.frame("SELECT status, error, ended_at FROM ops.run_log ORDER BY started_at")
        queries = store.frame(
            "SELECT failing_rows_query FROM ops.audit_results WHERE NOT is_passed "
            "ORDER BY audited_at DESC LIMIT 1"
        )["failing_rows_query"]
        broken = [
            (int(one.movie_id), int(one.revenue_usd))
            for query in queries
            for one in store.frame(query).itertuples()
        ]
        store.close()
        logged = [(one.status, one.error, one.ended_at == one.ended_at) for one in log.itertuples()]
        seen[name] = Run(is_success, results(warehouse), logged, output, broken)

    assert killed_refresh(warehouse) == -signal.SIGKILL
    view("killed", is_success=False)
    warehouse.land(movie(6), at="now", batch_id="3")
    with warehouse.context(load=False) as context:

        def refresh() -> bool:
            return context.run(ignore_cron=True, select_models=[SELECTED]).is_success

        view("next", refresh())
        context.engine_adapter.execute(
            # As a row of this refresh: a refresh audits the rows that it wrote.
            f"UPDATE {movies} SET revenue_usd = -1, profit_usd = NULL, _source_load_number = "
            f"(SELECT MAX(_source_load_number) FROM {movies}) WHERE movie_id = 1"
        )
        view("stopped", refresh())
        context.engine_adapter.execute(
            f"UPDATE {movies} SET revenue_usd = 3e9, profit_usd = 2.99e9 WHERE movie_id = 1"
        )
        view("fixed", refresh())
        context.engine_adapter.execute("ALTER TABLE ops.run_log RENAME TO elsewhere")
        context.engine_adapter.execute("CREATE TABLE ops.run_log (nonsense INT)")
        output = io.StringIO()
        with contextlib.redirect_stderr(output):
            is_success = refresh()
        context.engine_adapter.execute("DROP TABLE ops.run_log")
        context.engine_adapter.execute("ALTER TABLE ops.elsewhere RENAME TO run_log")
        view("unlogged", is_success, output.getvalue())
    return seen


def test_a_plan_and_a_run_are_logged_with_what_they_built(story: Warehouse) -> None:
    assert story.query(
        "SELECT tool, job, environment, gateway, status, ended_at >= started_at, error "
        "FROM ops.run_log ORDER BY started_at"
    ) == [
        ("sqlmesh", "plan", "prod", "duckdb", "SUCCEEDED", True, None),
        ("sqlmesh", "run", "prod", "duckdb", "SUCCEEDED", True, None),
    ]
    assert story.query(
        "SELECT job, row_count_before, row_count_after, model.kind, model.status "
        "FROM ops.model_log AS model JOIN ops.run_log USING (run_id) "
        "WHERE table_name = 'silver.silver_movies' ORDER BY model.started_at"
    ) == [
        ("plan", None, 4, "INCREMENTAL_BY_UNIQUE_KEY", "SUCCEEDED"),
        ("run", 4, 5, "INCREMENTAL_BY_UNIQUE_KEY", "SUCCEEDED"),
    ]
    assert story.query(
        "SELECT row_count FROM ops.row_counts WHERE table_name = 'bronze.raw_movies' "
        "ORDER BY counted_at"
    ) == [(4,), (5,)]
    ((audits, failing),) = story.query(
        "SELECT COUNT(*), SUM(failing_row_count) FROM ops.audit_results "
        "WHERE run_id = (SELECT run_id FROM ops.run_log WHERE job = 'plan')"
    )
    assert audits > 100
    assert failing == 0
    assert results(story) == {}


def test_the_log_counts_the_intervals_that_sqlmesh_builds(
    story: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: Counter[str] = Counter()
    evaluate = Scheduler.evaluate

    def watched(
        self: Scheduler, snapshot: Any, start: Any, end: Any, *args: Any, **more: Any
    ) -> Any:
        first, last = snapshot.inclusive_exclusive(start, end, strict=False, expand=False)
        built[snapshot.model.name] += math.ceil((last - first) / 3_600_000)
        return evaluate(self, snapshot, start, end, *args, **more)

    monkeypatch.setattr(Scheduler, "evaluate", watched)
    warehouse = story.copy_to(tmp_path / "restated")
    with warehouse.context() as context:
        assert context.run(ignore_cron=True, select_models=[SELECTED]).is_success
        context.plan(
            auto_apply=True,
            no_prompts=True,
            skip_tests=True,
            restate_models=["ops.rejected_values"],
        )
    logged = warehouse.query(
        "SELECT SPLIT_PART(table_name, '.', 2), SUM(interval_count) FROM ops.model_log "
        "WHERE run_id NOT IN (SELECT run_id FROM ops.run_log ORDER BY started_at LIMIT 2) "
        "GROUP BY ALL"
    )
    assert {name.partition(".")[2]: hours for name, hours in built.items()} == dict(logged)
    assert built["ops.rejected_values"] > 24 * 100


def test_a_preview_in_another_environment_logs_warnings_and_no_blocking_audit(
    story: Warehouse, tmp_path: Path
) -> None:
    """SQLMesh audits a preview's table, which has new intervals only, and stops for nothing."""
    warehouse = story.copy_to(tmp_path / "preview")
    warehouse.plan("dev", select_models=None)
    warehouse.refresh("dev", select_models=None)
    failed = warehouse.query(
        "SELECT run.status, audit.is_blocking, COUNT(*) FROM ops.audit_results AS audit "
        "JOIN ops.run_log AS run USING (run_id) "
        "WHERE run.environment = 'dev' AND NOT audit.is_passed GROUP BY ALL"
    )
    assert [one[:2] for one in failed] == [("SUCCEEDED", False)]
    # What depends on no forward-only model is prod's table, and its audits would stop it.
    blocking = warehouse.query(
        "SELECT DISTINCT SPLIT_PART(table_name, '.', 1), audit.is_blocking "
        "FROM ops.audit_results AS audit JOIN ops.run_log AS run USING (run_id) "
        "WHERE run.environment = 'dev' AND table_name = 'snapshots__dev.snap_silver_movies'"
    )
    assert blocking == [("snapshots__dev", False)]


def test_a_killed_refresh_is_shown_unfinished_until_the_next_completes(
    hard_times: dict[str, Run],
) -> None:
    killed, after = hard_times["killed"], hard_times["next"]
    assert list(killed.failing) == ["run refresh"]
    assert "unfinished (killed?)" in killed.failing["run refresh"].message
    assert after.is_success
    assert after.failing == {}
    assert after.logged[-2:] == [("RUNNING", None, False), ("SUCCEEDED", None, True)]


def test_an_audit_that_stops_a_refresh_is_logged_until_it_is_fixed(
    hard_times: dict[str, Run],
) -> None:
    stopped = hard_times["stopped"]
    assert not stopped.is_success
    status, error, is_ended = stopped.logged[-1]
    assert (status, is_ended) == ("FAILED", True)
    assert error.startswith("silver.silver_movies: Audits failed: forall")
    assert set(stopped.failing) == {"audit silver.silver_movies forall", "run refresh"}
    assert stopped.broken == [(1, -1)]
    assert hard_times["fixed"].failing == {}


def test_an_audit_that_a_table_no_longer_has_is_no_alarm(story: Warehouse, tmp_path: Path) -> None:
    warehouse = story.copy_to(tmp_path / "past")
    failed = "run_id, {at}, {table}, 'past', TRUE, 1, FALSE, NULL FROM ops.audit_results"
    warehouse.execute(  # failed once, left out of the table's next run
        "INSERT INTO ops.audit_results SELECT "
        + failed.format(at="audited_at - INTERVAL 1 HOUR", table="table_name")
        + " WHERE table_name = 'silver.silver_movies' LIMIT 1"
    )
    warehouse.execute(  # of a table that the project no longer has
        "INSERT INTO ops.audit_results SELECT "
        + failed.format(at="audited_at", table="'gold.removed'")
        + " LIMIT 1"
    )
    assert results(warehouse) == {}


def test_a_log_that_cannot_be_written_fails_no_run(hard_times: dict[str, Run]) -> None:
    unlogged = hard_times["unlogged"]
    assert unlogged.is_success
    assert "The run log (ops.run_log) could not be written" in unlogged.output
    assert len(unlogged.logged) == len(hard_times["fixed"].logged)


def test_a_plan_that_fails_is_logged_as_failed(tmp_path: Path) -> None:
    warehouse = Warehouse.create(tmp_path)  # no movie: fact_movies must have rows
    warehouse.copy_project_to(tmp_path / "project")
    for path in (warehouse.project / "sqlmesh_project" / "models").rglob("*.sql"):
        if path.parent.name != "seeds":
            path.unlink()
    seed = next(warehouse.project.rglob("seed_months.sql"))
    sql = seed.read_text()
    seed.write_text(sql.replace("audits (", "audits (number_of_rows(threshold := 99),"))
    with pytest.raises(Exception, match="failed"):
        warehouse.plan()
    ((job, status, error, is_ended),) = warehouse.query(
        "SELECT job, status, error, ended_at IS NOT NULL FROM ops.run_log"
    )
    assert (job, status, is_ended) == ("plan", "FAILED", True)
    assert "number_of_rows" in error


def test_a_run_of_a_pipeline_is_logged_with_what_dlt_traced(
    project: Project, sandbox: Sandbox
) -> None:
    assert project.load().code == 0
    ((job, status, rows, requests, retries, bytes_loaded, command),) = project.query(
        "SELECT job, status, row_count, request_count, retry_count, byte_count, command "
        "FROM ops.run_log"
    )
    assert (job, status, rows, retries) == ("tmdb", "SUCCEEDED", 4, 0)
    assert requests > 3
    assert bytes_loaded > 0
    assert command
    loads = project.query(
        "SELECT row_count, load_seconds > 0 FROM ops.load_log "
        "JOIN bronze._dlt_loads USING (load_id) WHERE status = 0"
    )
    assert sum(rows for rows, _ in loads) >= 4
    assert all(is_timed for _, is_timed in loads)
    assert ("bronze.raw_movies", 3) in project.query(
        "SELECT table_name, row_count FROM ops.row_counts"
    )


def test_a_pipeline_that_fails_is_logged_without_its_credential(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMDB_ACCESS_TOKEN", "sesame-sesame")
    monkeypatch.setenv("TMDB_BASE_URL", "http://127.0.0.1:9/3")
    monkeypatch.setenv("SOURCES__TMDB__ATTEMPTS", "1")
    assert project.load().code == 75
    ((status, error),) = project.query("SELECT status, error FROM ops.run_log")
    assert status == "FAILED"
    assert "127.0.0.1:9" in error
    assert not project.files_with("sesame-sesame")


def test_a_killed_pipeline_is_shown_unfinished(
    project: Project, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def patch() -> None:
        from marquee.sources.tmdb import run

        run.RunExecutor.start = lambda *_: os.kill(  # type: ignore[method-assign]
            os.getpid(), signal.SIGKILL
        )

    child = project.fork(patch)
    os.waitpid(child, 0)
    store = DuckDBStore(current_snapshot(project.duckdb))
    (message,) = [
        one.message for one in check_all(store, THRESHOLDS_FILE, utcnow(), None) if not one.is_ok
    ]
    assert "unfinished" in message
    # In an old copy the run may have ended since: only time tells.
    ago, later = timedelta(minutes=5), timedelta(hours=THRESHOLDS_FILE.longest_run_hours + 1)
    assert all(one.is_ok for one in check_all(store, THRESHOLDS_FILE, utcnow(), None, ago))
    late = check_all(store, THRESHOLDS_FILE, utcnow() + later, None, ago)
    assert any("unfinished" in one.message for one in late)
    # So is one on another host, before the next daily run; one that is at work here may go on.
    row: dict[str, Any] = {"ended_at": None, "status": "RUNNING", "host": "elsewhere"}
    row |= {"process_id": os.getpid(), "started_at": utcnow() - timedelta(hours=7)}
    assert is_unfinished(row, THRESHOLDS_FILE, utcnow())
    assert not is_unfinished({**row, "host": socket.gethostname()}, THRESHOLDS_FILE, utcnow())
    assert [
        runs(store, THRESHOLDS_FILE, utcnow(), is_past=is_past)["status"].tolist()
        for is_past in (False, True)
    ] == [["UNFINISHED"], ["RUNNING"]]
    assert project.load().code == 0
    assert project.query("SELECT status FROM ops.run_log ORDER BY started_at") == [
        ("RUNNING",),
        ("SUCCEEDED",),
    ]


def test_the_loads_of_a_killed_pipeline_are_reported_by_the_next_run(
    project: Project, sandbox: Sandbox
) -> None:
    project.monkeypatch.setenv("SOURCES__TMDB__CHUNK_MOVIES", "1")
    assert finish(project.fork(before(run_log.RunLog, "loaded", call=3))) == -signal.SIGKILL
    assert project.query("SELECT COUNT(*) FROM ops.load_log") == [(0,)]
    landed = project.query(
        "SELECT load_id, (SELECT COUNT(*) FROM bronze.raw_movies WHERE _dlt_load_id = load_id) "
        "FROM bronze._dlt_loads ORDER BY load_id"
    )
    assert len(landed) == 3
    assert project.load().code == 0
    killed, whole = project.query("SELECT run_id FROM ops.run_log ORDER BY started_at")
    loads = project.query(
        "SELECT load_id, run_id, row_count, byte_count, started_at < ended_at FROM ops.load_log "
        "ORDER BY load_id"
    )
    assert [load[0] for load in loads] == [
        load for (load,) in project.query("SELECT load_id FROM bronze._dlt_loads ORDER BY load_id")
    ]
    assert {load[1:2] for load in loads[:3]} == {killed}
    assert {load[1:2] for load in loads[3:]} == {whole}
    assert [load[3] for load in loads[:3]] == [None] * 3  # what only the trace knew
    assert all(load[4] for load in loads)
    for (_, movies), (_, _, rows, _, _) in zip(landed, loads, strict=False):
        assert rows >= movies
    assert sum(rows for _, _, rows, _, _ in loads[:3]) >= 2


@pytest.mark.parametrize("dialect", ["duckdb", "snowflake"])
def test_an_error_message_is_a_string_whatever_it_contains(dialect: str) -> None:
    text = r"line 1: 'C:\temp\' is not a film's \d+"
    writer = LogWriter(execute=print, dialect=dialect)
    assert parse_one(writer.literal(text), dialect=dialect).name == text


def test_what_names_a_person_is_not_in_the_command() -> None:
    assert command_line(["/x/studio.py", "--forget", "F1"]) == "studio.py --forget ***"
    assert command_line(["studio.py", "--forget=F1"]) == "studio.py --forget=***"


def test_the_tables_of_the_log_are_declared_alike() -> None:
    declared = {
        model["name"]: model["columns"]
        for model in yaml.safe_load((ROOT / "external_models.yaml").read_text())
    }
    for name, columns in TABLES.items():
        expected = ", ".join(f"{one} {kind}" for one, kind in declared[f"ops.{name}"].items())
        assert columns.lower() == expected, name


@pytest.fixture(scope="module")
def faulty(story: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The same warehouse after a day on which everything went wrong.

    What a source does wrong comes from the sandboxes, through the pipelines and a refresh, and then
    nothing comes for days. What is no fault of a source is planted: rows are lost and doubled in
    silver and then measured.
    """
    warehouse = story.copy_to(tmp_path_factory.mktemp("faulty"))
    feed = warehouse.folder / "feed"
    write_batch(1, feed, 0.06, FAULT_NAMES)
    answers = films(
        *(
            json.dumps(movie(one, vote_average=11, release_date="soon")).encode()
            for one in range(100, 170)
        )
    )
    broken = Fault("/movie/1[0-3]?", body=b"<html>")
    with pytest.MonkeyPatch.context() as patch, Sandbox(answers, faults=[broken]) as sandbox:
        settings = warehouse.folder / "settings" / ".dlt"
        settings.mkdir(parents=True)
        shutil.copy(ROOT / ".dlt" / "config.toml", settings)
        for name, value in {
            "DLT_PROJECT_DIR": settings.parent,
            "MARQUEE_DUCKDB": warehouse.duckdb,
            "MARQUEE_DLT_DIR": warehouse.folder / "dlt",
            "SOURCES__TMDB__REQUESTS_PER_SECOND": 1000,
            "STUDIO_TOKEN_KEY": TOKEN_KEY,
            "STUDIO_URL": feed,
            "TMDB_ACCESS_TOKEN": sandbox.credential,
            "TMDB_BASE_URL": sandbox.base_url,
        }.items():
            patch.setenv(name, str(value))
        assert tmdb.main([]) == 0
        assert studio.main([]) == 0
        patch.setenv("SOURCES__TMDB__ATTEMPTS", "1")
        with Sandbox(answers, faults=[Fault("*", status=500)]) as down:
            patch.setenv("TMDB_ACCESS_TOKEN", down.credential)
            patch.setenv("TMDB_BASE_URL", down.base_url)
            assert tmdb.main([]) == 75
    guests, box_office = (
        table_of(warehouse, f"silver__stg_{name}") for name in ("fan_guest", "box_office")
    )
    with warehouse.context(load=False) as context:
        sources = [f"ops.{name}" for name in ("data_quality_results", "rejected_*")]
        assert context.run(ignore_cron=True, select_models=sources).is_success
        context.engine_adapter.execute(f"INSERT INTO {guests} SELECT * FROM {guests} LIMIT 9")
        context.engine_adapter.execute(f"DELETE FROM {box_office} WHERE tickets_sold % 2 = 0")
        assert context.run(
            ignore_cron=True, select_models=["ops.data_quality_results"], no_auto_upstream=True
        ).is_success
    return warehouse


def table_of(warehouse: Warehouse, model: str) -> str:
    """The table behind a model's view."""
    ((table,),) = warehouse.query(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables "
        f"WHERE table_name LIKE '{model}__%' AND table_type = 'BASE TABLE'"
    )
    return str(table)


# What goes wrong, and the check and subject that must name it. What the sources do:
FAULTS = {
    "silent studio": "source bronze.studio_files",
    "silent TMDb": "source bronze.raw_movies",
    "server down": "run tmdb",
    "broken JSON": "quarantine bronze.quarantine_tmdb",
    "impossible votes": "rejected bronze.raw_movies vote_average",
    "impossible dates": "rejected bronze.raw_movies release_date",
    "growing quarantine": "quarantine bronze.quarantine_studio",
    "negative revenue": "rejected bronze.raw_box_office gross_local: not a number from 0",
    "unknown currency": "rejected bronze.raw_box_office local_currency: no exchange rate",
    "broken numbers": "rejected bronze.raw_box_office tickets_sold",
    "future timestamps": (
        "rejected bronze.raw_fan_interactions event_at: not an ISO 8601 timestamp from 1990"
    ),
    "unknown countries": "rejected bronze.raw_fan_interactions country_code",
    "orphan keys": "metric silver.stg_fan_interactions.title_id referential_gap_pct",
}
# And what they do not:
FAULTS |= {
    "missing run": "run refresh",
    "lost rows": "metric silver.stg_box_office.box_office_sk row_count_loss_pct",
    "doubled rows": "metric silver.stg_fan_guest.interaction_id duplicate_count",
    "low disk": "disk ",
}


@pytest.fixture
def days_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three days in which nothing comes."""
    for module in ("marquee.cli.health", "marquee.dashboard.pages"):
        monkeypatch.setattr(f"{module}.utcnow", lambda: utcnow() + timedelta(days=3))


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"total": 100_000_000_000, "free": 1_000_000_000})
    monkeypatch.setattr("marquee.monitoring.checks.shutil.disk_usage", lambda _: usage)


def test_health_names_each_fault(
    faulty: Warehouse,
    full_disk: None,
    days_later: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MARQUEE_DUCKDB", str(faulty.duckdb))
    assert health.main([]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    found = [" ".join(line.removeprefix("FAIL").split()) for line in lines]
    for fault, line in FAULTS.items():
        assert any(one.startswith(line) for one in found), (fault, found)


def test_the_quality_page_names_each_fault(
    faulty: Warehouse, full_disk: None, days_later: None
) -> None:
    testing = pytest.importorskip("streamlit.testing.v1", reason="the extra `dashboard`")
    copy = str(current_snapshot(faulty.duckdb))
    app = testing.AppTest.from_string(
        "from pathlib import Path\n"
        "from marquee.dashboard.pages import quality\n"
        "from marquee.monitoring.store import DuckDBStore\n"
        f"quality(DuckDBStore(Path({copy!r})), Path({str(faulty.duckdb)!r}), None)\n",
        default_timeout=60,
    ).run()
    assert not app.exception
    # As a reader sees it: without emphasis and without the backslashes of escaped characters.
    text = re.sub(r"\\(.)", r"\1", app.error[0].value.replace("**", "").replace("`", ""))
    for fault, line in FAULTS.items():
        assert f"- {line}" in text, (fault, text)


@pytest.mark.parametrize("newest", [2, 9000], ids=["lost rows", "doubled rows"])
def test_rows_far_from_their_history_have_their_line(
    story: Warehouse, tmp_path: Path, newest: int
) -> None:
    warehouse = story.copy_to(tmp_path / "counted")
    counts = [4000, 4010, 4021, 4030, 4039, newest]
    warehouse.execute("DELETE FROM ops.row_counts")
    for day, count in enumerate(counts):
        for run in range(2):  # the second one finds nothing to do
            warehouse.execute(
                f"INSERT INTO ops.row_counts VALUES ('{day}', now()::TIMESTAMP + "
                f"INTERVAL {day} DAY + INTERVAL {run} MINUTE, 'gold.fact_movies', {count})"
            )
    assert list(results(warehouse)) == ["rows gold.fact_movies"]


def test_a_missing_run_has_its_line_after_its_cadence(story: Warehouse) -> None:
    assert "run refresh" in results(story, utcnow() + timedelta(hours=31))


def test_the_robust_z_score_of_a_worked_example() -> None:
    # Changes 10, 12, 8, 10 have median 10 and MAD 1; 40 is 30 / 1.4826 from it.
    assert robust_z_score([0, 10, 22, 30, 40, 80]) == pytest.approx(30 / 1.4826)
    assert robust_z_score([5, 5, 5, 5]) == 0
    assert robust_z_score([5, 5, 5, 6]) == float("inf")


def test_health_is_a_line_a_check_and_an_exit_code(
    story: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARQUEE_DUCKDB", str(story.duckdb))
    assert health.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok  ") for line in lines)

    monkeypatch.setenv("MARQUEE_DUCKDB", str(story.folder / "none.duckdb"))
    assert health.main(["--json"]) == 1
    output = json.loads(capsys.readouterr().out)
    assert output["is_ok"] is False
    assert "There is no warehouse" in output["checks"][0]["message"]
    assert output["checks"][1]["check"] == "disk"


def test_health_that_breaks_is_an_alarm(
    story: Warehouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    warehouse = story.copy_to(tmp_path / "odd")
    warehouse.execute("ALTER TABLE ops.run_log DROP COLUMN host")
    monkeypatch.setenv("MARQUEE_DUCKDB", str(warehouse.duckdb))
    with slack() as hook:
        monkeypatch.setenv("MARQUEE_SLACK_WEBHOOK_URL", hook.url)
        assert health.main(["--alert"]) == 1
    assert "FAIL  warehouse" in capsys.readouterr().out
    assert "host" in hook.received[0]


def test_a_look_at_the_warehouse_locks_nobody_out(story: Warehouse, tmp_path: Path) -> None:
    warehouse = story.copy_to(tmp_path / "busy")
    with duckdb.connect(str(warehouse.duckdb)) as writer:
        writer.execute("CREATE TABLE gold.extra AS SELECT 42 AS answer")  # in the log only
        store = DuckDBStore(current_snapshot(warehouse.duckdb))
        assert store.frame("FROM gold.extra")["answer"].tolist() == [42]
        writer.execute("INSERT INTO gold.extra VALUES (43)")
        assert store.frame("FROM gold.extra")["answer"].tolist() == [42]
    store.close()
    killed, active_snapshots = (
        current_snapshot(warehouse.duckdb).parent / f".making-{n}" for n in "ab"
    )
    for half in (killed, active_snapshots):
        half.mkdir()
    os.utime(killed, (0, 0))
    with duckdb.connect(str(warehouse.duckdb)) as writer:
        writer.execute("INSERT INTO gold.extra VALUES (44)")
    newer = DuckDBStore(current_snapshot(warehouse.duckdb))
    assert newer.frame("FROM gold.extra")["answer"].tolist() == [42, 43, 44]
    assert (killed.exists(), active_snapshots.exists()) == (False, True)


def test_health_reports_when_it_sees_the_past_and_fails_when_that_is_long_past(
    story: Warehouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    warehouse = story.copy_to(tmp_path / "held")
    monkeypatch.setenv("MARQUEE_DUCKDB", str(warehouse.duckdb))
    current_snapshot(warehouse.duckdb, older_after=20)
    # Only then: a file that was written a moment ago needs more attempts.
    monkeypatch.setattr("marquee.monitoring.snapshot.ATTEMPTS", 3)
    monkeypatch.setattr("marquee.monitoring.snapshot.PAUSE_SECONDS", 0.01)
    is_over = threading.Event()
    quiet = file_state(warehouse.duckdb)

    def write() -> None:
        with duckdb.connect(str(warehouse.duckdb)) as writer:
            writer.execute("CREATE TABLE bronze.scribble AS SELECT 0 AS n")
            while not is_over.wait(0.01):
                writer.execute("INSERT INTO bronze.scribble VALUES (1)")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        while file_state(warehouse.duckdb) == quiet:
            time.sleep(0.1)
        assert health.main([]) == 0
        assert "all else is as it was 0 min ago" in capsys.readouterr().out
        now = time.time
        monkeypatch.setattr("marquee.monitoring.snapshot.time.time", lambda: now() + 3 * 3600)
        assert health.main([]) == 1
        assert "FAIL  warehouse  snapshot" in capsys.readouterr().out.splitlines()[0]
    finally:
        is_over.set()
        thread.join()
    monkeypatch.setattr("marquee.monitoring.snapshot.time.time", now)
    monkeypatch.setattr("marquee.monitoring.snapshot.ATTEMPTS", 20)
    monkeypatch.setattr("marquee.monitoring.snapshot.PAUSE_SECONDS", 0.1)
    assert health.main([]) == 0
    assert "as it was" not in capsys.readouterr().out


def test_a_warehouse_that_is_no_database_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marquee.monitoring.snapshot.PAUSE_SECONDS", 0)
    (tmp_path / "warehouse.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(MissingWarehouse):
        current_snapshot(tmp_path / "warehouse.duckdb")


def test_the_ui_copies_two_files_of_the_same_name_and_keeps_them_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = ("MARQUEE_DUCKDB", "MARQUEE_STATE_DUCKDB")
    for variable in variables:
        file = tmp_path / "own" / variable / "marquee.duckdb"
        file.parent.mkdir(parents=True)
        with duckdb.connect(str(file)) as connection:
            connection.execute(f"CREATE TABLE {variable} AS SELECT 1")
        monkeypatch.setenv(variable, str(file))
    folder = tmp_path / "ui"
    folder.mkdir()
    found = ui.copied(folder)
    assert set(found) == set(variables)
    for variable, copy in found.items():
        with duckdb.connect(copy, read_only=True) as connection:
            assert connection.execute("SHOW TABLES").fetchall() == [(variable,)]


def means_the_same_on_both_engines(query: str) -> bool:
    """Whether Snowflake reads a query as DuckDB does, functions and the order of NULLs included.

    Where DuckDB divides by zero the quotient is NULL; on Snowflake the query fails.
    """
    as_duckdb, as_snowflake = (parse_one(query, dialect=one) for one in ("duckdb", "snowflake"))
    for quotient in as_snowflake.find_all(exp.Div):
        if quotient.expression.find(exp.Column):
            assert isinstance(quotient.expression, exp.Nullif), query
    texts = []
    for tree in (as_duckdb, as_snowflake):
        written = parse_one(tree.sql("snowflake"), dialect="snowflake")
        while added := written.find(exp.Nullif, exp.Paren):  # around the divisor
            added.replace(added.this)
        texts.append(written.sql("snowflake"))
    return texts[0] == texts[1]


class CheckedStore(DuckDBStore):
    """A warehouse whose every query is compared."""

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
        assert means_the_same_on_both_engines(sql), sql
        return super().frame(sql, parameters)


def test_snowflake_reads_every_query_of_the_dashboard_as_duckdb_does(story: Warehouse) -> None:
    from marquee.dashboard.queries import QUERIES

    for query in QUERIES.values():
        assert means_the_same_on_both_engines(query), query
        assert problems(query) == []
    for other in (
        "SELECT EPOCH(a) FROM b",
        "SELECT a FROM b ORDER BY a DESC",
        "SELECT REGEXP_MATCHES(a, 'x') FROM b",
    ):
        assert not means_the_same_on_both_engines(other)
    store = CheckedStore(current_snapshot(story.duckdb))
    assert check_all(store, read_thresholds(), utcnow(), None)
    store.close()


class Recorded:
    """A connection to Snowflake that notes its statements."""

    description = (SimpleNamespace(name="ID"),)

    def __init__(self) -> None:
        self.statements: list[str] = []

    def cursor(self) -> Recorded:
        return self

    def __enter__(self) -> Recorded:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def execute(self, sql: str, parameters: list[Any]) -> None:
        self.statements.append(sql)

    def fetchall(self) -> list[tuple[int]]:
        return [(1,)]


def test_rows_that_break_a_metric_or_an_audit_are_queried_in_snowflakes_sql() -> None:
    from marquee.dashboard.queries import VIOLATIONS, failing_rows, violating_rows

    connection = Recorded()
    store: Any = object.__new__(SnowflakeStore)
    store._connection = connection
    store.tables = lambda: {"silver.t": {"c"}}
    for metric in VIOLATIONS:
        violating_rows(store, "silver.t", "c", metric)
        assert means_the_same_on_both_engines(connection.statements[-1])
        (read, *_) = parse_one(connection.statements[-1], dialect="snowflake").find_all(exp.Table)
        assert read.sql() == "silver.t"
    # What an audit ran on Snowflake goes back to it as it is.
    audit = "SELECT v:id::INT AS id FROM t, LATERAL FLATTEN(input => t.list) AS v"
    assert failing_rows(store, audit + ";")["id"].tolist() == [1]
    assert audit in connection.statements[-1]


def test_each_unit_test_is_a_case_that_the_page_of_results_reads(tmp_path: Path) -> None:
    pages = pytest.importorskip("marquee.dashboard.pages", reason="the extra `dashboard`")
    result = ModelTextTestResult(stream=io.StringIO(), descriptions=True, verbosity=1)
    good, bad, worse = (model_test(name) for name in ("test_good", "test_bad", "test_worse"))
    result.addSuccess(good)
    result.addFailure(bad, raised(AssertionError("other\nrows")))
    result.addFailure(bad, raised(AssertionError("of a CTE, too")))
    result.addError(worse, raised(ValueError("no such column")))
    units.junit(result).write(tmp_path / "units.xml")

    shown = pages.test_results(tmp_path / "units.xml")
    assert shown["test"].tolist() == ["test_good", "test_bad", "test_worse"]
    assert shown["outcome"].tolist() == ["passed", "failed", "failed"]
    assert shown["suite"].unique().tolist() == ["gold.fact_movies"]
    assert "other rows" in shown["message"][1]
    assert "of a CTE, too" in shown["message"][1]
    assert "no such column" in shown["message"][2]
    assert pages.test_results(tmp_path / "none.xml").empty


def model_test(name: str) -> Any:
    """A unit test of SQLMesh, but for its model, which has a name only."""
    test = object.__new__(ModelTest)
    unittest.TestCase.__init__(test, "runTest")
    test.test_name = name
    test.model = SimpleNamespace(name="gold.fact_movies")  # type: ignore[assignment]
    return test


def raised(error: Exception) -> Any:
    """What `sys.exc_info()` says of an error."""
    return type(error), error, None
