"""Trouble with TMDb and with the warehouse: a clear message, nothing lost, no stack trace."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import duckdb
import pytest

from marquee.core.errors import explain
from marquee.core.settings import ROOT
from marquee.sandbox.faults import Fault
from marquee.sandbox.request_log import Request
from marquee.sandbox.server import Sandbox
from marquee.sources.tmdb.throttle import LONGEST_GAP_SECONDS, AdaptiveThrottle
from tests.conftest import CliResult, Project, films, movie, serving

DETAILS = "/3/movie/[0-9]*"
SCRIPT = ROOT / "pipelines" / "tmdb.py"


def assert_clear(ended: CliResult, *words: str, code: int = 1) -> None:
    assert ended.code == code
    assert "Traceback" not in ended.output
    for word in words:
        assert word in ended.err
    assert len(ended.err.strip().splitlines()) <= 5


# --- single requests ---------------------------------------------------------------------------


def test_passing_faults_are_retried(project: Project) -> None:
    faults = [
        Fault(path="/movie/1", status=429, times=2, retry_after="0.01"),
        Fault(path="/movie/2", status=500, times=2),
        Fault(path="/movie/3", status=502, times=2, body=b"<html>bad gateway</html>"),
        Fault(path="/movie/4", drop_connection=True, times=2),
        Fault(path="/movie/5", truncate=True, times=2),
        Fault(path="/movie/6", body=b'{"id": 6, "title"', times=2),
        Fault(path="/movie/popular", status=503, times=2),
        Fault(path="/movie/popular", truncate=True, times=2),
        Fault(path="/movie/popular", body=b"<html>", times=2),
        Fault(path="/genre/movie/list", status=500, times=2),
    ]
    with serving(project, films(*(movie(one) for one in range(1, 7))), faults=faults) as sandbox:
        ended = project.load()
        for path in {fault.path for fault in faults}:
            faults_of_path = [one for one in faults if one.path == path]
            assert sandbox.requests.count(f"/3{path}") == 2 * len(faults_of_path) + 1
    assert ended.code == 0
    assert f"retries                {2 * len(faults)}" in ended.out
    landed = project.query("SELECT movie_id FROM bronze.raw_movies ORDER BY 1")
    assert landed == [(one,) for one in range(1, 7)]
    assert project.query("SELECT count(*) FROM bronze.quarantine_tmdb") == [(0,)]


def test_a_movie_that_keeps_failing_is_quarantined_and_the_rest_loads(project: Project) -> None:
    faults = [
        Fault(path="/movie/2", status=500, body=b"<h1>Oops</h1>"),
        Fault(path="/movie/3", drop_connection=True),
        Fault(path="/movie/4", truncate=True),
    ]
    with serving(project, films(*(movie(number) for number in range(1, 6))), faults=faults):
        ended = project.load()
    assert ended.code == 0
    assert "quarantined           3" in ended.out
    assert project.query("SELECT movie_id FROM bronze.raw_movies ORDER BY 1") == [(1,), (5,)]
    broken, dropped, cut = project.query(
        "SELECT body, reason FROM bronze.quarantine_tmdb ORDER BY movie_id"
    )
    assert broken == ("<h1>Oops</h1>", "HTTP 500")
    assert dropped[0] is None
    assert cut[0] is None
    assert "no answer" in dropped[1]
    assert "no answer" in cut[1]


def test_a_quarantined_movie_is_loaded_when_it_is_fixed(project: Project, sandbox: Sandbox) -> None:
    with serving(project, sandbox.movie_set, faults=[Fault(path="/movie/2", status=500)]):
        project.load()
    project.point_at(sandbox)
    assert "new                   1" in project.load().out


# --- TMDb as a whole ---------------------------------------------------------------------------


def test_an_outage_stops_the_run_and_quarantines_nothing(project: Project) -> None:
    """The 200 movies are two chunks; TMDb dies in the second."""
    project.monkeypatch.setenv("SOURCES__TMDB__CHUNK_MOVIES", "100")
    dead = threading.Event()
    documents = [movie(number) for number in range(1, 201)]
    answered = 0

    def die(request: Request) -> None:
        nonlocal answered
        answered += request.path.startswith("/3/movie/") and request.path[9:].isdigit()
        if answered > 130 and not dead.is_set():
            dead.set()
            threading.Thread(target=sandbox.close).start()

    sandbox = Sandbox(films(*documents), on_request=die)
    with sandbox:
        project.point_at(sandbox)
        ended = project.load("--pages", "10")
    assert_clear(ended, "stopped answering", "landed and stay", code=75)
    ((landed,),) = project.query("SELECT count(*) FROM bronze.raw_movies")
    assert 100 <= landed < 200
    assert project.query("SELECT count(*) FROM bronze.quarantine_tmdb") == [(0,)]
    with serving(project, films(*documents)):
        assert project.load("--pages", "10").code == 0
    assert project.query("SELECT count(*), count(DISTINCT movie_id) FROM bronze.raw_movies") == [
        (200, 200)
    ]


def test_failing_details_alone_are_an_outage_when_there_are_many(project: Project) -> None:
    fault = Fault(path="/movie/[0-9]*", status=500)
    with serving(project, films(*(movie(number) for number in range(1, 200))), faults=[fault]):
        ended = project.load()
    assert_clear(ended, "stopped answering: HTTP 500", code=75)
    assert project.query("SELECT count(*) FROM bronze.quarantine_tmdb") == [(0,)]


def test_down_from_the_start_is_reported_at_once(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    project.monkeypatch.setenv("TMDB_BASE_URL", f"http://127.0.0.1:{port}/3")
    project.monkeypatch.setenv("TMDB_API_KEY", "0123456789abcdef0123456789abcdef")
    ended = project.load()
    unreachable = f"http://127.0.0.1:{port}/3 cannot be reached"
    assert_clear(ended, unreachable, "Connection refused", code=75)
    assert "0123456789abcdef" not in ended.output
    assert not project.has_landed()


def test_no_name_resolution_is_reported_at_once(project: Project) -> None:
    project.monkeypatch.setenv("TMDB_BASE_URL", "http://tmdb.invalid/3")
    project.monkeypatch.setenv("TMDB_ACCESS_TOKEN", "token")
    ended = project.load()
    assert_clear(ended, "http://tmdb.invalid/3 cannot be reached", code=75)
    assert not project.has_landed()


def test_an_api_that_fails_from_the_start_is_reported(project: Project) -> None:
    with serving(project, films(movie(1)), faults=[Fault(path="/*", status=503)]):
        ended = project.load()
    assert_clear(ended, "cannot be reached: HTTP 503", code=75)
    assert not project.has_landed()


def test_endless_429_is_reported(project: Project) -> None:
    fault = Fault(path="/movie/[0-9]*", status=429, retry_after="0")
    with serving(project, films(movie(1)), faults=[fault]):
        ended = project.load()
    assert_clear(ended, "keeps answering 429", "requests_per_second", code=75)
    assert project.query("SELECT count(*) FROM bronze.quarantine_tmdb") == [(0,)]


def test_an_absurd_retry_after_is_capped(project: Project) -> None:
    project.monkeypatch.setenv("SOURCES__TMDB__MAX_WAIT_SECONDS", "0.1")
    faults = [
        Fault(path="/movie/1", status=429, times=1, retry_after="86400"),
        Fault(path="/movie/2", status=503, times=1, retry_after=formatdate(time.time() + 9e6)),
    ]
    with serving(project, films(movie(1), movie(2)), faults=faults):
        assert project.load().code == 0
    assert project.query("SELECT count(*) FROM bronze.raw_movies") == [(2,)]


def test_a_body_that_drips_in_is_cut_off_and_requested_again(project: Project) -> None:
    """At 50 ms a byte it would take 2 seconds, each of them within the timeout of a read."""
    project.monkeypatch.setenv("SOURCES__TMDB__BODY_SECONDS", "0.2")
    faults = [
        Fault(path="/movie/1", drip_s=0.05, times=1),
        Fault(path="/movie/2", drip_s=0.05),
    ]
    with serving(project, films(movie(1), movie(2)), faults=faults):
        ended = project.load()
    assert ended.code == 0
    assert project.query("SELECT movie_id FROM bronze.raw_movies") == [(1,)]
    assert project.query("SELECT movie_id, body, reason FROM bronze.quarantine_tmdb") == [
        (2, None, "no answer: timed out: the body was still coming after 0.2 seconds")
    ]


def test_a_lower_limit_than_expected_slows_the_run_down(project: Project) -> None:
    """1,000 a second are permitted as far as we know, and 100 in truth."""
    project.monkeypatch.setenv("SOURCES__TMDB__MAX_WAIT_SECONDS", "0.1")
    documents = [movie(number) for number in range(1, 401)]
    with serving(project, films(*documents), rate_limit_per_second=100, latency_ms=10) as sandbox:
        assert project.load("--pages", "20").code == 0
        throttled = sandbox.requests.count(status=429)
    assert 0 < throttled < 100
    assert project.query("SELECT count(*) FROM bronze.raw_movies") == [(400,)]


def test_the_throttle_halves_the_pace_once_a_burst_and_lets_go() -> None:
    stop = threading.Event()
    stop.set()  # nobody really waits
    throttle = AdaptiveThrottle(requests_per_second=10, stop=stop)

    def gap() -> float:
        turns = [throttle.wait() for _ in range(3)]
        return round(turns[2] - turns[1], 3)

    assert gap() < 0.01
    sent_at = time.monotonic()
    for _ in range(20):
        throttle.on_throttled(sent_at, pause=0)
    assert gap() == 0.1
    throttle.on_throttled(time.monotonic(), pause=0)
    assert gap() == 0.2
    for _ in range(60):
        throttle.on_throttled(time.monotonic(), pause=0)
    assert gap() == LONGEST_GAP_SECONDS
    for _ in range(100):
        throttle.on_success()
    throttle.wait()
    assert gap() < 0.01


def test_a_list_page_that_stays_broken_is_reported(project: Project) -> None:
    fault = Fault(path="/movie/popular", query={"page": "2"}, body=b'{"status": "ok"}')
    with serving(project, films(*(movie(number) for number in range(1, 41))), faults=[fault]):
        ended = project.load()
    assert_clear(ended, "/movie/popular?page=2", "not a page of a list")
    assert not project.has_landed()


@pytest.mark.parametrize("variable", ["TMDB_ACCESS_TOKEN", "TMDB_API_KEY"])
def test_a_wrong_key_is_reported_and_appears_nowhere(
    project: Project, sandbox: Sandbox, variable: str
) -> None:
    key = "f00dfacef00dfacef00dfacef00dface"
    project.monkeypatch.delenv("TMDB_ACCESS_TOKEN")
    project.monkeypatch.setenv(variable, key)
    ended = project.load()
    assert_clear(ended, "401", "TMDB_ACCESS_TOKEN", "TMDB_API_KEY")
    assert key not in ended.output
    assert not project.has_landed()
    assert project.files_with(key) == []


# --- the warehouse -----------------------------------------------------------------------------


def hold(path: Path) -> subprocess.Popen[str]:
    """Start a process that has a DuckDB file open; return once it has."""
    code = (
        "import duckdb, sys; connection = duckdb.connect(sys.argv[1]);"
        "connection.execute('CREATE TABLE IF NOT EXISTS t (i INT)');"
        "print('open', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


@pytest.fixture
def holder(project: Project) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the warehouse open."""
    process = hold(project.duckdb)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("arguments", [(), ("--dry-run",)])
def test_a_held_warehouse_is_named_with_its_holder(
    project: Project, sandbox: Sandbox, holder: subprocess.Popen[str], arguments: tuple[str, ...]
) -> None:
    ended = project.load(*arguments)
    assert_clear(ended, str(project.duckdb), f"PID {holder.pid}", "close", code=75)
    assert sandbox.requests.count() == 0


def test_a_warehouse_taken_in_the_middle_of_a_run_is_named(project: Project) -> None:
    """Between two loads the file is free, so somebody else can open it."""
    taken: list[subprocess.Popen[str]] = []

    def take(request: Request) -> None:
        if request.path.endswith("/movie/popular"):
            taken.append(hold(project.duckdb))

    with serving(project, films(movie(1)), on_request=take):
        ended = project.load()
    for process in taken:
        process.kill()
        process.communicate()
    assert_clear(ended, str(project.duckdb), f"PID {taken[0].pid}", "close", code=75)


def test_a_foreign_file_is_left_alone(project: Project, sandbox: Sandbox) -> None:
    project.duckdb.write_text("not a database, but somebody's work\n" * 300)
    ended = project.load()
    assert_clear(ended, str(project.duckdb), "MARQUEE_DUCKDB")
    assert project.duckdb.read_text().startswith("not a database")


@pytest.mark.parametrize("name", ["missing/warehouse.duckdb", ".", "bronze.duckdb", "what?.duckdb"])
def test_a_warehouse_that_cannot_be_is_reported(
    project: Project, sandbox: Sandbox, name: str
) -> None:
    project.monkeypatch.setenv("MARQUEE_DUCKDB", str(project.folder / name))
    assert_clear(project.load(), "MARQUEE_DUCKDB")
    assert sandbox.requests.count() == 0


def test_a_working_folder_that_cannot_be_is_reported(project: Project, sandbox: Sandbox) -> None:
    project.monkeypatch.setenv("MARQUEE_DLT_DIR", str(project.folder / "o'brien"))
    assert_clear(project.load(), "MARQUEE_DLT_DIR")
    assert sandbox.requests.count() == 0


def test_names_with_spaces_quotes_and_signs_work(project: Project, sandbox: Sandbox) -> None:
    project.monkeypatch.setenv(
        "MARQUEE_DUCKDB", str(project.folder / 'Bob\'s "wäre" #1 & co.duckdb')
    )
    project.monkeypatch.setenv("MARQUEE_DLT_DIR", str(project.folder / 'dlt "wörk" #1'))
    assert project.load().code == 0
    assert "unchanged             3" in project.load("--ids", "1,2,3").out


def test_a_full_disk_is_reported_and_loses_nothing(project: Project, sandbox: Sandbox) -> None:
    """A limit on the size of a file stands in for the disk: 1 MB, for 2 MB that do not compress."""
    project.begin()
    numbers = range(1, 41)
    sandbox.movie_set = films(*(movie(one, overview=os.urandom(25000).hex()) for one in numbers))
    limited = f"ulimit -f 1024; trap '' XFSZ; exec {sys.executable} {SCRIPT}"
    shell = subprocess.run(["bash", "-c", limited], capture_output=True, text=True)
    ended = CliResult(shell.returncode, shell.stdout, shell.stderr)
    assert_clear(ended, "disk is full", str(project.duckdb))
    assert project.query("SELECT count(*) FROM bronze.raw_movies") == [(3,)]
    assert project.load().code == 0
    assert project.query("SELECT count(DISTINCT movie_id) FROM bronze.raw_movies") == [(40,)]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        duckdb.IOException('Could not write file "w.duckdb": No space left on device'),
    ],
)
def test_a_full_disk_is_known_however_deep_it_hides(error: Exception) -> None:
    try:
        try:
            raise error
        except Exception as inner:
            raise RuntimeError("load failed") from inner
    except RuntimeError as outer:
        message = explain(outer, Path("w.duckdb"))
    assert message.startswith("The disk is full")
    assert "w.duckdb" in message


def test_tmdb_and_fake_servers_do_not_mix(project: Project, sandbox: Sandbox) -> None:
    project.begin()
    project.monkeypatch.delenv("TMDB_BASE_URL")
    ended = project.load()
    assert_clear(ended, "holds movies of a fake server", "MARQUEE_DUCKDB")
    from marquee.sources.tmdb.run import check_same_source

    real = "https://api.themoviedb.org/3"
    check_same_source(None, real)
    check_same_source(f"{real}/movie/1", real)
    check_same_source("http://127.0.0.1:1/3/movie/1", "http://127.0.0.1:2/3")
    with pytest.raises(Exception, match="holds movies of the real TMDb"):
        check_same_source(f"{real}/movie/1", sandbox.base_url)


# --- interrupted -------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_run_that_is_stopped_keeps_what_was_loaded(
    project: Project, number: signal.Signals, code: int
) -> None:
    project.monkeypatch.setenv("SOURCES__TMDB__CHUNK_MOVIES", "100")
    documents = [movie(one) for one in range(1, 201)]
    enough = threading.Event()

    def count(request: Request) -> None:
        if sandbox.requests.count(DETAILS) > 110:
            enough.set()

    sandbox = Sandbox(films(*documents), on_request=count, latency_ms=50)
    with sandbox:
        project.point_at(sandbox)
        process = project.start("--pages", "10")
        assert enough.wait(120)
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=20)
        assert process.returncode == code
        assert "Traceback" not in out + err
        if number != signal.SIGKILL:
            assert "Stopped." in err
            assert "landed and stay" in err
        ((landed,),) = project.query("SELECT count(*) FROM bronze.raw_movies")
        assert 100 <= landed < 200
        assert project.load("--pages", "10").code == 0
    assert project.query("SELECT count(*), count(DISTINCT movie_id) FROM bronze.raw_movies") == [
        (200, 200)
    ]
