"""`make daily`: the steps, their run log, and the exit code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from marquee.cli import daily, health, refresh
from marquee.cli.base import last_lines
from marquee.core.lock import lock_file, run_lock
from marquee.core.logs import configure_logging
from marquee.sources.studio import settings
from pipelines import tmdb
from tests.conftest import Project

CASES = {
    "all well": ({}, 0),
    "a check fails": ({"health": 1}, 1),
    "TMDb is down, so a check fails, too": ({"tmdb": 75, "health": 1}, 75),
    "TMDb is down and the refresh failed": ({"tmdb": 75, "refresh": 1}, 1),
    "another process holds a file": ({"refresh": 75}, 75),
}


class Steps:
    """Steps that do nothing but end with a code."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **codes: int) -> None:
        self.codes = codes
        self.called: list[tuple[str, list[str]]] = []
        monkeypatch.setattr(refresh, "main", lambda argv: self.end("refresh", argv))
        monkeypatch.setattr(daily, "check_health", lambda *_: self.end("health"))

    def end(self, step: str, argv: Sequence[str] = ()) -> int:
        self.called.append((step, list(argv)))
        return self.codes.get(step, 0)

    def run(self, *arguments: str) -> int:
        return daily.run(
            arguments, lambda argv: self.end("tmdb", argv), lambda argv: self.end("studio", argv)
        )


@pytest.mark.parametrize("case", CASES)
def test_every_step_runs_and_the_exit_code_tells_who_has_to_act(
    project: Project, case: str
) -> None:
    codes, expected = CASES[case]
    project.monkeypatch.setenv("STUDIO_URL", str(project.folder))
    steps = Steps(project.monkeypatch, **codes)
    assert steps.run() == expected
    assert [name for name, _ in steps.called] == ["tmdb", "studio", "refresh", "health"]
    _, *lines = project.capsys.readouterr().out.splitlines()
    if "health" in codes:
        assert lines.pop() == "To do: the end of each line above that begins with FAIL says what."
    assert [line.split()[0] for line in lines] == ["tmdb", "studio", "refresh", "health"]
    for line in lines:
        name, _, _, result = line.split(maxsplit=3)
        results = {0: "done", 1: "failed", 75: "failed: try again later"}
        assert result == results[codes.get(name, 0)]


def test_a_pipeline_names_the_next_step_unless_it_is_one(tmp_path: Path) -> None:
    (next_step,) = last_lines([], dry_run=False)
    assert next_step.startswith("Next: sqlmesh plan")
    with run_lock(tmp_path / "warehouse.lock", for_steps=True):
        assert last_lines(["A note."], dry_run=False) == ["A note."]
    assert last_lines(["A note."], dry_run=False) == ["A note.", "", next_step]


def test_without_a_landing_folder_the_studio_is_left_out(project: Project) -> None:
    project.monkeypatch.setattr(settings, "DEFAULT_FOLDER", project.folder / "none")
    steps = Steps(project.monkeypatch)
    assert steps.run("--log-format", "json") == 0
    log = ["--log-format", "json"]
    assert steps.called == [
        ("tmdb", ["--destination", "duckdb", *log]),
        ("refresh", ["--skip-plan", *log]),
        ("health", []),
    ]


def test_a_step_does_not_log_with_the_run_id_of_the_one_before(project: Project) -> None:
    Steps(project.monkeypatch)

    def load(argv: Sequence[str]) -> int:
        configure_logging(run_id="of-tmdb")
        return 0

    def refresh_models(argv: Sequence[str]) -> int:
        refresh.logger.info("building")
        return 0

    project.monkeypatch.setattr(refresh, "main", refresh_models)
    assert daily.run([], load, load) == 0
    (line,) = [one for one in project.capsys.readouterr().err.splitlines() if "building" in one]
    assert "of-tmdb" not in line


def test_the_sandboxes_have_the_same_clock(project: Project) -> None:
    steps = Steps(project.monkeypatch)
    assert steps.run("--sandbox", "--day", "2") == 0
    (_, of_tmdb), (_, of_studio), *_ = steps.called
    assert of_tmdb[-3:] == ["--sandbox", "--day", "2"]
    assert of_studio[-3:] == ["--sandbox", "--batch", "3"]


def test_a_second_start_ends_at_once_and_names_the_first(project: Project) -> None:
    steps = Steps(project.monkeypatch)
    with run_lock(lock_file(project.dlt_dir, project.duckdb)):
        assert steps.run() == 75
    assert steps.called == []
    assert f"process {os.getpid()} on " in project.capsys.readouterr().err


def test_ctrl_c_ends_the_whole(project: Project) -> None:
    steps = Steps(project.monkeypatch)

    def stop(_: Sequence[str]) -> int:
        raise KeyboardInterrupt

    assert daily.run([], stop, stop) == 130
    assert steps.called == []


def test_the_steps_are_logged_as_one_process_under_one_lock(project: Project) -> None:
    project.monkeypatch.setattr(settings, "DEFAULT_FOLDER", project.folder / "none")
    project.monkeypatch.setattr(refresh, "main", lambda _: 0)
    project.monkeypatch.setenv("TMDB_BASE_URL", "http://127.0.0.1:9/3")
    project.monkeypatch.setenv("TMDB_ACCESS_TOKEN", "token")
    assert daily.run([], tmdb.main, lambda _: 0) == 75
    log = project.query("SELECT job, tool, status, process_id FROM ops.run_log ORDER BY started_at")
    assert log == [
        ("tmdb", "dlt", "FAILED", os.getpid()),
        ("health", "marquee", "FAILED", os.getpid()),
    ]
    ((error,),) = project.query("SELECT error FROM ops.run_log WHERE job = 'health'")
    assert "run tmdb" in error
    assert "health" not in [one.subject for one in health.current_results()], (
        "a check that failed does not make the next one fail"
    )
