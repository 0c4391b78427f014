"""The command line of pipelines/tmdb.py, where it reads its settings and what it leaves behind."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from marquee.cli.tmdb import parse
from marquee.core.run_id import new_batch_id
from marquee.core.settings import ROOT
from marquee.core.signals import Interrupt
from marquee.sandbox.server import Sandbox
from marquee.sources.tmdb.client import TmdbAdapter, TmdbSession, redact, retry_after_seconds
from marquee.sources.tmdb.settings import TmdbSettings
from pipelines.tmdb import tmdb_source
from tests.conftest import Project, films, movie, serving

KEY = "0123456789abcdef0123456789abcdef"


# --- the command line --------------------------------------------------------------------------


def test_help_shows_examples_settings_and_exit_codes(project: Project) -> None:
    ended = project.load("--help")
    assert ended.code == 0
    for word in (
        "examples:",
        "--sandbox",
        "--full",
        "--dry-run",
        "MARQUEE_DUCKDB",
        "exit codes:",
        "130",
    ):
        assert word in ended.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--pages", "0"),
        ("--pages", "-3"),
        ("--pages", "many"),
        ("--limit", "5"),
        ("--full", "--limit", "0"),
        ("--full", "--ids", "1"),
        ("--ids", "one"),
        ("--since", "yesterday"),
        ("--day", "2"),
        ("--catalog", "films.ndjson"),
        ("--sandbox", "--day", "-1"),
        ("--destination", "oracle"),
    ],
)
def test_wrong_usage_is_code_2_and_writes_nothing(
    project: Project, arguments: tuple[str, ...]
) -> None:
    ended = project.load(*arguments)
    assert ended.code == 2
    assert "error:" in ended.err
    assert list(project.folder.iterdir()) == []


def test_more_pages_than_tmdb_serves_are_500(project: Project, sandbox: Sandbox) -> None:
    ended = project.load("--pages", "9999")
    assert ended.code == 0
    assert "500 pages at most" in ended.err
    assert "paginator" not in ended.output
    assert parse(["--pages", "9999"]).pages == 500


def test_without_a_credential_two_lines_show_what_to_do(project: Project) -> None:
    ended = project.load()
    assert ended.code == 1
    first, second = ended.err.strip().splitlines()
    assert "https://www.themoviedb.org/settings/api" in first
    assert "--sandbox" in second
    assert "make demo" in second
    assert list(project.folder.iterdir()) == []


@pytest.mark.parametrize("arguments", [(), ("--pages", "1")])
def test_a_dry_run_reports_and_writes_nothing(
    project: Project, sandbox: Sandbox, arguments: tuple[str, ...]
) -> None:
    ended = project.load("--dry-run", *arguments)
    assert ended.code == 0
    assert "new                   3" in ended.out
    assert "nothing was written" in ended.out
    assert list(project.folder.iterdir()) == []


def test_a_dry_run_leaves_a_warehouse_as_it_is(project: Project, sandbox: Sandbox) -> None:
    project.begin()
    before = project.duckdb.read_bytes()
    sandbox.movie_set = films(movie(1, revenue=1), movie(2))
    ended = project.load("--dry-run")
    assert "changed               1" in ended.out
    assert "missing               1" in ended.out
    assert project.duckdb.read_bytes() == before


def test_a_sandbox_needs_no_key_and_follows_its_clock(project: Project) -> None:
    ended = project.load("--sandbox", "--pages", "2")
    assert ended.code == 0
    assert "new                  40" in ended.out
    assert "sqlmesh plan" in ended.out
    later = project.load("--sandbox", "--pages", "2", "--day", "30")
    assert later.code == 0
    assert re.search(r"changed +[1-9]", later.out)
    days = "SELECT DISTINCT ingested_at::DATE::TEXT FROM bronze.raw_movies ORDER BY 1"
    assert project.query(days) == [("2026-01-01",), ("2026-01-31",)]
    # An earlier day after it is still the newest in bronze, by whose order the models go.
    assert project.load("--sandbox", "--pages", "2", "--day", "5").code == 0
    assert project.query(days) == [("2026-01-01",), ("2026-01-31",)]


def test_a_sandbox_serves_the_movies_it_is_given(project: Project, tmp_path: Path) -> None:
    catalog = tmp_path / "films.ndjson"
    catalog.write_bytes(movie(7) + b"\n" + movie(8))
    assert project.load("--sandbox", "--catalog", str(catalog)).code == 0
    assert project.query("SELECT movie_id FROM bronze.raw_movies ORDER BY 1") == [(7,), (8,)]
    missing = project.load("--sandbox", "--catalog", str(tmp_path / "none"))
    assert missing.code == 1
    assert str(tmp_path / "none") in missing.err
    assert "Traceback" not in missing.err


def test_snowflake_without_credentials_shows_what_to_set(
    project: Project, sandbox: Sandbox
) -> None:
    ended = project.load("--destination", "snowflake")
    assert ended.code == 1
    assert "Set SNOWFLAKE_ACCOUNT" in ended.err
    assert "Traceback" not in ended.output
    assert sandbox.requests.count() == 0


# --- settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "goes"),
    [
        ("TMDB_ACCESS_TOKEN", "header"),
        ("TMDB_API_KEY", "query"),
        ("SOURCES__TMDB__ACCESS_TOKEN", "header"),
        ("SOURCES__TMDB__API_KEY", "query"),
    ],
)
def test_each_way_to_give_a_credential_works(project: Project, variable: str, goes: str) -> None:
    with Sandbox(films(movie(1)), credential=KEY) as sandbox:
        project.monkeypatch.setenv("TMDB_BASE_URL", sandbox.base_url)
        project.monkeypatch.setenv(variable, KEY)
        assert [row["movie_id"] for row in tmdb_source().resources["raw_movies"]] == [1]
        assert {request.credential_in for request in sandbox.requests} == {goes}


@pytest.mark.parametrize("name", ["access_token", "api_key"])
def test_secrets_toml_works_and_its_content_goes_nowhere(project: Project, name: str) -> None:
    secrets = Path(os.environ["DLT_PROJECT_DIR"]) / ".dlt" / "secrets.toml"
    secrets.write_text(f'[sources.tmdb]\n{name} = "{KEY}"\n')
    with Sandbox(films(movie(1)), credential=KEY) as sandbox:
        project.monkeypatch.setenv("TMDB_BASE_URL", sandbox.base_url)
        ended = project.load()
    assert ended.code == 0
    assert KEY not in ended.output
    assert project.files_with(KEY) == []


def test_a_broken_secrets_toml_is_reported_without_its_content(project: Project) -> None:
    secrets = Path(os.environ["DLT_PROJECT_DIR"]) / ".dlt" / "secrets.toml"
    secrets.write_text(f'[sources.tmdb\napi_key = "{KEY}\n')
    ended = project.load()
    assert ended.code == 1
    assert str(secrets.parent) in ended.err
    assert "Traceback" not in ended.err
    assert KEY not in ended.output


def test_a_stranger_s_api_key_is_not_taken(project: Project) -> None:
    project.monkeypatch.setenv("API_KEY", KEY)
    project.monkeypatch.setenv("ACCESS_TOKEN", KEY)
    assert "No TMDb credential" in project.load().err


@pytest.mark.parametrize("path", ["", "/nonsense"])
def test_a_v3_key_is_nowhere_not_even_in_a_debug_log(
    project: Project, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    caplog.set_level(logging.DEBUG)
    project.monkeypatch.setenv("RUNTIME__LOG_LEVEL", "DEBUG")
    project.monkeypatch.setenv("TMDB_API_KEY", KEY)
    with Sandbox(films(movie(1)), credential=KEY) as sandbox:
        project.monkeypatch.setenv("TMDB_BASE_URL", sandbox.base_url + path)
        ended = project.load()
        assert {request.credential_in for request in sandbox.requests} == {"query"}
    assert ended.code == (1 if path else 0)
    assert "movie/popular" in caplog.text
    assert KEY not in ended.output + caplog.text
    assert project.files_with(KEY) == []


def test_an_echoed_key_does_not_reach_quarantine(project: Project, sandbox: Sandbox) -> None:
    from marquee.sandbox.faults import Fault

    echo = Fault(path="/movie/1", body=f"bad request: /3/movie/1?api_key={KEY}".encode())
    with serving(project, films(movie(1)), credential=KEY, faults=[echo]):
        project.load()
    assert project.query("SELECT body FROM bronze.quarantine_tmdb") == [
        ("bad request: /3/movie/1?api_key=***",)
    ]
    assert project.files_with(KEY) == []


@pytest.mark.parametrize("url", ["nonsense", f"http://user:{KEY}@127.0.0.1/3", f"ftp://{KEY}/3"])
def test_an_address_that_cannot_be_used_is_reported(project: Project, url: str) -> None:
    project.monkeypatch.setenv("TMDB_BASE_URL", url)
    project.monkeypatch.setenv("TMDB_ACCESS_TOKEN", "token")
    ended = project.load()
    assert ended.code == 1
    assert "TMDB_BASE_URL" in ended.err
    assert "Traceback" not in ended.err


def test_a_redirect_to_another_host_does_not_get_the_key() -> None:
    session = TmdbSession(TmdbSettings(base_url="http://127.0.0.1:1/3", api_key=KEY))
    assert not isinstance(session.get_adapter("http://127.0.0.1:2/3/movie/1"), TmdbAdapter)
    assert isinstance(session.get_adapter("http://127.0.0.1:1/3/movie/1"), TmdbAdapter)


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("https://tmdb.example/3/movie/1", True),
        ("https://tmdb.example:443/other", True),
        ("https://TMDB.example/3", True),
        ("http://tmdb.example/3/movie/1", False),
        ("https://tmdb.example.evil.example/3", False),
        ("https://tmdb.example@evil.example/3", False),
        ("https://tmdb.example:8443/3", False),
    ],
)
def test_the_key_stays_with_scheme_host_and_port(url: str, is_ours: bool) -> None:
    session = TmdbSession(TmdbSettings(base_url="https://tmdb.example", api_key=KEY))
    assert isinstance(session.get_adapter(url), TmdbAdapter) is is_ours


def test_nothing_leaves_the_machine_from_any_folder(
    project: Project, sandbox: Sandbox, tmp_path: Path
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for folder in (home, elsewhere):
        folder.mkdir()
    project.monkeypatch.setenv("HOME", str(home))
    telemetry = socket.create_server(("127.0.0.1", 0))
    telemetry.setblocking(False)
    endpoint = f"http://127.0.0.1:{telemetry.getsockname()[1]}"
    project.monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY_ENDPOINT", endpoint)
    process = project.start(cwd=elsewhere)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "rows landed: raw_movies 3" in out
    assert list(home.iterdir()) == []
    assert list(elsewhere.iterdir()) == []
    assert {path.name for path in project.folder.iterdir()} == {"warehouse.duckdb", "dlt"}
    # dlt writes this one even with telemetry off, and for root not to HOME
    assert (project.dlt_dir / ".anonymous_id").exists()
    with telemetry, pytest.raises(BlockingIOError):
        telemetry.accept()


def test_a_log_gets_lines_and_stdout_only_the_summary(project: Project, sandbox: Sandbox) -> None:
    ended = project.load()
    lines = [line.split(" ", 3) for line in ended.err.splitlines()]
    assert [(level, text) for _, level, _, text in lines] == [
        ("INFO", "reading the list: 20 pages at most"),
        ("INFO", "fetching movies: 3 movies"),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", at) for at, *_ in lines)
    ((run_id,),) = project.query("SELECT run_id FROM ops.run_log")
    assert {one for _, _, one, _ in lines} == {run_id}
    assert ended.out.startswith(f"{sandbox.base_url} -> {project.duckdb}")
    assert "\x1b" not in ended.output


# --- small parts -------------------------------------------------------------------------------


def test_batch_ids_sort_by_time_and_differ_within_a_second() -> None:
    from datetime import datetime, timedelta, timezone

    moment = datetime(2026, 11, 22, 6, tzinfo=timezone.utc)
    one, two = new_batch_id(moment), new_batch_id(moment)
    assert re.fullmatch(r"20261122T060000Z-[0-9a-f]{6}", one)
    assert one != two
    assert max(one, two) < new_batch_id(moment + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("3", 3),
        (" 2.5 ", 2.5),
        ("0", 0),
        ("-7", 0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 01 Jan 99999 00:00:00 GMT", None),
        ("1e400", float("inf")),
        ("soon", None),
        ("", None),
        ("nan", None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, now=10) == seconds


def test_redact_takes_out_both_credentials() -> None:
    settings = TmdbSettings(access_token="token-of-mine", api_key=KEY)
    assert redact(f"a token-of-mine and {KEY}", settings) == "a *** and ***"


def test_the_pace_holds_for_all_threads_together(project: Project) -> None:
    project.monkeypatch.setenv("SOURCES__TMDB__REQUESTS_PER_SECOND", "40")
    world = films(*(movie(n) for n in range(1, 61)))
    with serving(project, world, rate_limit_per_second=45, latency_ms=20) as sandbox:
        assert project.load().code == 0
        assert sandbox.requests.count(status=429) == 0
        times = [request.at for request in sandbox.requests]
    assert max(times) - min(times) > 1  # 64 requests at 40 a second


def test_an_interrupt_waits_for_the_load_to_end() -> None:
    steps: list[str] = []
    interrupt = Interrupt(lambda: steps.append("stop"))

    def land() -> None:
        with interrupt, interrupt.defer_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("landed")

    with pytest.raises(KeyboardInterrupt):
        land()
    assert steps == ["stop", "landed"]


def test_importing_the_pipelines_does_nothing() -> None:
    rare = {"marquee.sandbox", "pandas", "streamlit"}
    code = f"import sys; from pipelines import studio, tmdb; print({rare} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")
