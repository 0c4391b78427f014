"""The key is nowhere: whatever a run requested and however it ended."""

from __future__ import annotations

import gzip
import logging
import os
import signal
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit

import duckdb
import pytest
from dlt.common.versioned_state import decompress_state

from marquee.sandbox.faults import Fault
from marquee.sandbox.server import Sandbox
from marquee.sources.tmdb.client import TmdbSession
from marquee.sources.tmdb.run import Fetcher, RunExecutor
from marquee.sources.tmdb.settings import TmdbSettings
from tests.conftest import Project, films, finish, movie

KEY = "5ec2e75ec2e75ec2e75ec2e75ec2e75e"


def crash(*args: object) -> None:
    raise RuntimeError("a fault of the program")


def die(*args: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def ends_well(project: Project) -> str:
    ended = project.load()
    assert ended.code == 0
    return ended.output


def ends_in_a_crash(project: Project) -> str:
    project.monkeypatch.setattr(Fetcher, "movies", crash)
    ended = project.load()
    assert ended.code == 1
    assert "Traceback" in ended.err, "at debug level"
    return ended.output


def ends_by_a_signal(project: Project) -> str:
    def patch() -> None:
        RunExecutor._process_chunks = die  # type: ignore[method-assign,assignment]

    assert finish(project.fork(patch)) == -signal.SIGKILL
    return ""  # on disk, in output.txt


def fails(project: Project, code: int = 1) -> str:
    ended = project.load()
    assert ended.code == code
    return ended.output


def is_cut_off(project: Project) -> str:
    return fails(project, code=75)


ENDINGS = {
    "success": (ends_well, []),
    "401": (fails, [Fault(path="/movie/[0-9]*", status=401)]),
    "401 at once": (fails, [Fault(path="/*", status=401)]),
    "reset": (is_cut_off, [Fault(path="/movie/[0-9]*", drop_connection=True)]),
    "reset of a list": (fails, [Fault(path="/movie/changes", drop_connection=True)]),
    "no JSON": (fails, [Fault(path="/movie/changes", body=b"<html>")]),
    "crash": (ends_in_a_crash, []),
    "kill": (ends_by_a_signal, []),
}


@pytest.mark.parametrize(
    ("variable", "ending"),
    [
        # In the query string a key is most at risk.
        *(("TMDB_API_KEY", ending) for ending in ENDINGS),
        *(("TMDB_ACCESS_TOKEN", ending) for ending in ("success", "401", "crash")),
    ],
)
def test_the_key_is_nowhere(
    project: Project, caplog: pytest.LogCaptureFixture, variable: str, ending: str
) -> None:
    end, faults = ENDINGS[ending]
    caplog.set_level(logging.DEBUG)
    project.monkeypatch.setenv("RUNTIME__LOG_LEVEL", "DEBUG")
    project.monkeypatch.setenv(variable, KEY)

    def first_day() -> None:
        assert KEY not in ends_well(project)
        assert "movie/popular" in caplog.text

    with Sandbox(films(*(movie(one) for one in range(1, 61))), credential=KEY) as sandbox:
        project.monkeypatch.setenv("TMDB_BASE_URL", sandbox.base_url)
        project.begin_with(("60 movies", variable), first_day)
        tomorrow = replace(sandbox.movie_set, day=1, changes={1: tuple(range(1, 61))})
    with Sandbox(tomorrow, credential=KEY, faults=faults) as sandbox:
        project.monkeypatch.setenv("TMDB_BASE_URL", sandbox.base_url)
        output = end(project)
        strangers = [one for one in sandbox.requests if one.path.startswith("/p/")]
        assert not any(one.credential_in for one in strangers), "the export needs no key"
        assert {one.credential_in for one in sandbox.requests if one not in strangers} == {
            "query" if variable == "TMDB_API_KEY" else "header"
        }
    assert "movie/popular" in caplog.text or ending in ("401 at once", "kill")
    assert KEY not in caplog.text + output
    assert_nowhere_on_disk(project)


def assert_nowhere_on_disk(project: Project) -> None:
    assert project.files_with(KEY) == []
    for path in project.folder.rglob("*.gz"):
        assert KEY.encode() not in gzip.decompress(path.read_bytes())
    with duckdb.connect(str(project.duckdb), read_only=True) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'bronze'"
        ).fetchall()
        assert len(tables) > 6
        for (table,) in tables:
            assert KEY not in str(connection.execute(f"FROM bronze.{table}").fetchall())
        for (state,) in connection.execute(
            "SELECT state FROM bronze._dlt_pipeline_state"
        ).fetchall():
            assert KEY not in str(decompress_state(state))


class Redirecting(BaseHTTPRequestHandler):
    """Redirects to another server, or to itself, and repeats the query string."""

    requested: ClassVar[list[str]] = []
    location = ""

    def do_GET(self) -> None:
        self.requested.append(self.path)
        body = b'{"id": 1}'
        self.send_response(200 if self.path.startswith("/landed") else 302)
        self.send_header("Location", f"{self.location}/landed?{urlsplit(self.path).query}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("is_foreign", [True, False])
def test_a_redirect_that_repeats_the_query_string_does_not_carry_the_key(
    monkeypatch: pytest.MonkeyPatch, is_foreign: bool
) -> None:
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as home,
        ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as other,
    ):
        for server in (home, other):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        requested: list[str] = []
        monkeypatch.setattr(Redirecting, "requested", requested)
        target = f"http://127.0.0.1:{other.server_port}" if is_foreign else ""
        monkeypatch.setattr(Redirecting, "location", target)
        base_url = f"http://127.0.0.1:{home.server_port}/3"
        session = TmdbSession(TmdbSettings(base_url=base_url, api_key=KEY))
        response = session.get(f"{base_url}/movie/1?page=2")
        for server in (home, other):
            server.shutdown()
    assert response.json() == {"id": 1}
    assert KEY not in response.url
    assert [KEY in path for path in requested] == [True, not is_foreign]
    assert all(path.count("api_key=") <= 1 and "page=2" in path for path in requested)
