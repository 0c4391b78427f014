"""Bad input from TMDb, by kind: incomplete lists, wrong deletions, items that are none, clocks."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
import pytest

from marquee.bronze.destination import duckdb_destination
from marquee.core import clock
from marquee.core.errors import DatabaseFailed, MarqueeError, explain
from marquee.core.settings import ROOT
from marquee.sandbox.faults import Fault, FaultRates
from marquee.sandbox.movies import MovieSet, load
from marquee.sandbox.server import Sandbox
from marquee.sources.tmdb import run as tmdb_run
from marquee.sources.tmdb.client import TmdbSession
from marquee.sources.tmdb.export import NoExport, read_export
from marquee.sources.tmdb.lists import Page, PageRequest, read_lists
from marquee.sources.tmdb.load_request import is_movie_id, movie_ids
from marquee.sources.tmdb.responses import ResponseClassifier
from marquee.sources.tmdb.settings import TmdbSettings, is_tmdb
from marquee.sources.tmdb.state import MAX_FAILURES, PipelineState
from tests.conftest import Project, films, movie, serving
from tests.pipelines.test_tmdb_daily import export_of, popular, requested_movies

REAL_MOVIES = Path(
    os.environ.get("MARQUEE_REAL_MOVIES", ROOT.parent / "shared" / "data" / "tmdb_5000.ndjson.gz")
)
BEYOND = 2**63


def changed(movie_set: MovieSet, day: int, *ids: int) -> MovieSet:
    return replace(movie_set, day=day, changes={day: ids})


def tombstones(project: Project) -> list[int]:
    rows = project.query(
        "SELECT movie_id FROM bronze.raw_movies "
        "QUALIFY row_number() OVER (PARTITION BY movie_id ORDER BY ingested_at DESC) = 1 "
        "AND (raw_data->>'id') IS NULL ORDER BY 1"
    )
    return [one for (one,) in rows]


# --- incomplete lists --------------------------------------------------------------------------


def pages_of(*contents: Sequence[int], **fields: Any) -> list[dict[str, Any]]:
    total = sum(map(len, contents))
    return [
        {
            "page": number,
            "results": [{"id": one} for one in ids],
            "total_pages": len(contents),
            "total_results": total,
            **fields,
        }
        for number, ids in enumerate(contents, 1)
    ]


def read(pages: list[dict[str, Any]], **options: Any) -> tuple[list[int], list[str], list[int]]:
    requested: list[int] = []

    def fetch(requests: list[PageRequest]) -> list[Page]:
        requested.extend(one["page"] for one in requests)
        by_place = dict(enumerate(pages, 1))
        found = [(one["page"], by_place.get(one["page"])) for one in requests]
        return [{**page, "_pages_page": number} for number, page in found if page]

    result = read_lists(fetch, "The list", **options)
    return result.ids, result.problems, requested


def test_a_consistent_list_is_complete_and_read_once() -> None:
    assert read(pages_of([1, 2], [3, 4], [5])) == ([1, 2, 3, 4, 5], [], [1, 2, 3])
    assert read(pages_of([])) == ([], [], [1])


def edited(pages: list[dict[str, Any]], number: int, **fields: Any) -> list[dict[str, Any]]:
    return [{**page, **(fields if page["page"] == number else {})} for page in pages]


THREE = pages_of([1, 2], [3, 4], [5, 6])
CONTRADICTIONS = {
    "an empty page in the middle": (edited(THREE, 2, results=[]), "page 2 of 3 is empty"),
    "an empty last page": (edited(THREE, 3, results=[]), "page 3 of 3 is empty"),
    "another total_pages": (edited(THREE, 2, total_pages=4), "total_pages is not the same"),
    "another total_results": (edited(THREE, 3, total_results=7), "total_results is not the same"),
    "a wrong page number": (edited(THREE, 3, page=2), "page 3 was answered as page 2"),
    "a page twice": (edited(THREE, 3, results=THREE[1]["results"]), "a page was answered twice"),
    "a missing page": (THREE[:2], "2 of 3 pages were answered"),
    "totals that disagree": (pages_of([1, 2], [3], total_results=9), "reports 9 entries"),
    "more pages than entries": (
        pages_of([1, 2], total_pages=1, total_results=200),
        "reports 200 entries and has 2",
    ),
    "no pages": (edited(pages_of([1, 2]), 1, total_pages=0), "reports 0 pages and has 2 entries"),
    "fewer than no pages": (pages_of([1, 2], total_pages=-3), "total_pages is no whole number"),
    "a total that is a text": (pages_of([1], total_results="1"), "total_results is no whole"),
    "a total that is a fraction": (pages_of([1], total_results=1.0), "total_results is no whole"),
    "a total that is a list": (edited(THREE, 2, total_results=[6]), "total_results is not the"),
    "a page without a total": (edited(THREE, 2, total_results=None), "total_results is not the"),
    "a page number that is a text": (edited(THREE, 2, page="2"), "was answered as page '2'"),
    "a last page that is the first": (edited(THREE, 3, results=THREE[0]["results"]), "twice"),
    "totals that shrink": (
        edited(edited(THREE, 2, total_results=4, total_pages=2), 3, total_results=4, total_pages=2),
        "total_pages is not the same",
    ),
    "nothing but ids that are no ids": (pages_of([BEYOND, -1]), "none of its 2 entries is a movie"),
}


@pytest.mark.parametrize("is_moving", [False, True])
@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_list_that_contradicts_itself_is_incomplete(name: str, *, is_moving: bool) -> None:
    pages, reason = CONTRADICTIONS[name]
    ids, problems, requested = read(pages, is_moving=is_moving)
    assert [reason in problem for problem in problems] == [True]
    named = dict.fromkeys(entry["id"] for page in pages for entry in page["results"])
    assert ids == list(filter(is_movie_id, named)), "what it names can be used"
    assert requested.count(1) > 1, "it is read again before it is given up"


@pytest.mark.parametrize("entry", [7, "7", ["id", 7], {}, {"ID": 7}, {"id": {"id": 7}}, None])
def test_an_entry_that_names_no_movie_is_counted(entry: Any) -> None:
    page = {"page": 1, "results": [{"id": 1}, entry, {"id": None}], "total_pages": 1}
    result = read_lists(lambda requests: [{**page, "_pages_page": 1}], "The list")
    assert (result.ids, result.problems, result.dropped) == ([1], [], 1)


def test_dropped_entries_are_counted_once_however_often_a_list_is_read() -> None:
    """Of the lists of two windows the first is read three times and the second once."""

    def fetch(requests: list[PageRequest]) -> list[Page]:
        return [
            {
                **{"page": 1, "results": [{"id": 1}, {"id": -1}], "total_pages": 1},
                **{"total_results": 9 if one["start"] == "a" else 2},
                **{"_pages_page": 1, "_pages_start": one["start"], "_pages_end": one["end"]},
            }
            for one in requests
        ]

    windows: list[PageRequest] = [{"start": "a", "end": "b"}, {"start": "b", "end": "c"}]
    result = read_lists(fetch, "The list", windows)
    assert (result.dropped, len(result.problems)) == (2, 1)


def test_entries_may_move_in_a_list_that_moves_and_in_no_other() -> None:
    """Movie 3 moved to page 2 while page 1 had been read; page 3 is one short."""
    pages = [*pages_of([1, 2, 3], [3, 4, 5], [6, 7])]
    pages = [{**page, "total_results": 9} for page in pages]
    assert read(pages, is_moving=True)[1] == []
    assert read(pages)[1] == ["The list is incomplete: it reports 9 entries and has 8"]


@pytest.mark.parametrize(
    ("path", "movies", "used"), [("/movie/changes", 300, 200), ("/movie/popular", 60, 60)]
)
def test_an_empty_page_keeps_the_cursor_and_loses_nothing(
    project: Project, path: str, movies: int, used: int
) -> None:
    """Pages 1 and 3 name changed movies that are used; page 2 is read by the next run."""
    pages, ids = ("--pages", str(movies // 20)), range(1, movies + 1)
    with serving(project, films(*map(movie, ids))):
        project.begin(*pages)
    empty = {"page": 2, "results": [], "total_pages": 3, "total_results": movies}
    fault = Fault(path=path, query={"page": "2"}, body=json.dumps(empty).encode())
    world = changed(films(*(movie(one, revenue=1) for one in ids)), 1, *ids)
    with serving(project, world, faults=[fault]) as sandbox:
        ended = project.load(*pages)
        assert ended.code == 0
        assert "page 2 of 3 is empty" in ended.err
        assert len(requested_movies(sandbox)) == used
    with serving(project, replace(world, day=5)) as sandbox:
        assert project.load(*pages).code == 0
        assert requested_movies(sandbox) == [*ids], "the cursor had stayed"
    assert project.query("SELECT count(*) FROM bronze.raw_movies") == [(2 * movies,)]


# --- deletions that can be undone --------------------------------------------------------------


def test_a_short_export_deletes_no_living_movie(project: Project) -> None:
    """15 of 100 movies are missing from it: each is requested before it counts as deleted."""
    world = films(*(movie(one) for one in range(1, 101)))
    with serving(project, world):
        assert project.load("--pages", "5").code == 0
    short = Fault(path="/p/*", body=export_of(*range(1, 86)))
    dead = Fault(path="/movie/90", status=404)
    with serving(project, replace(world, day=1), faults=[short, dead]) as sandbox:
        assert project.load("--pages", "5").code == 0
        assert requested_movies(sandbox) == list(range(86, 101))
    assert tombstones(project) == [90]


@pytest.mark.parametrize(
    "body",
    [
        *(b"<html>", gzip.compress(b"<html>"), gzip.compress(b'{"id": "seven"}')),
        *map(gzip.compress, (b"", b"\n\n", b'{"id": null}\n{"id": -1}', b'{"id": true}')),
    ],
    ids=["HTML", "packed HTML", "a word", "empty", "blank", "no ids", "true"],
)
def test_an_export_that_names_no_movie_is_no_export(body: bytes) -> None:
    with Sandbox(films(movie(1)), faults=[Fault(path="/p/*", body=body)]) as sandbox:
        settings = TmdbSettings(base_url=sandbox.base_url, backoff_seconds=0.001)
        with pytest.raises(NoExport, match=r"is no id export|names no movie"):
            read_export(settings, sandbox.today())


def test_a_movie_that_is_exported_again_is_requested_again(
    project: Project, sandbox: Sandbox
) -> None:
    project.begin()
    world = sandbox.movie_set
    shorter = Fault(path="/p/*", body=export_of(1, 3))
    with serving(project, replace(world, day=1), faults=[shorter, popular(1, 3)]):
        assert project.load().code == 0
    assert tombstones(project) == [2]
    with serving(project, replace(world, day=2)) as whole:
        assert project.load().code == 0
        assert requested_movies(whole) == [2]
    assert tombstones(project) == []


def test_a_movie_that_is_listed_again_is_requested_again(
    project: Project, sandbox: Sandbox
) -> None:
    dead, no_export = Fault(path="/movie/2", status=404), Fault(path="/p/*", status=404)
    with serving(project, sandbox.movie_set, faults=[dead, no_export]):
        assert project.load().code == 0
    assert tombstones(project) == [2]
    with serving(project, replace(sandbox.movie_set, day=1), faults=[no_export]):
        assert project.load().code == 0
    assert tombstones(project) == []


def test_a_movie_that_the_change_log_names_again_is_requested_again(
    project: Project, sandbox: Sandbox
) -> None:
    """The list and the export do not have it: it was reported as deleted and is none of theirs."""
    without = [Fault(path="/p/*", body=export_of(1, 3)), popular(1, 3)]
    dead = Fault(path="/movie/2", status=404)
    with serving(project, sandbox.movie_set, faults=[dead]):
        assert project.load().code == 0
    assert tombstones(project) == [2]
    with serving(project, changed(sandbox.movie_set, 1, 2), faults=without) as alive:
        assert project.load().code == 0
        assert requested_movies(alive) == [2]
    assert tombstones(project) == []


# --- one item never ends a run -----------------------------------------------------------------


def test_ids_that_no_movie_can_have_are_dropped_and_counted(project: Project) -> None:
    odd = [BEYOND, 0, -5, 1.5, "7", True, 10**30]
    world = films(movie(1), movie(2), movie(3))
    page = {"page": 1, "results": [{"id": one} for one in (1, *odd, 2)], "total_pages": 1}
    body = json.dumps(page).encode()
    with serving(project, world, faults=[Fault(path="/movie/popular", body=body)]) as sandbox:
        ended = project.load()
        assert ended.code == 0, ended.err
        assert "ids dropped             7" in ended.out
        assert requested_movies(sandbox) == [1, 2]
    faults = [
        Fault(path="/movie/changes", body=body),
        Fault(path="/p/*", body=export_of(1, 2, BEYOND, "x", -1)),
    ]
    with serving(project, replace(world, day=1), faults=faults):
        ended = project.load()
        assert ended.code == 0, ended.err
        assert "ids dropped            10" in ended.out
    assert not any(map(is_movie_id, odd))
    assert is_movie_id(BEYOND - 1)


def test_an_exception_that_nobody_expects_is_one_movie_s(
    project: Project, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the HTTP client, while a document is compared, and as a row is written."""
    send, same = TmdbSession.get_adapter, ResponseClassifier.movie

    def get_adapter(session: TmdbSession, url: Any) -> Any:
        if str(url).endswith("/movie/1"):
            raise OverflowError("nobody expected that")
        return send(session, url)

    def classify(self: ResponseClassifier, row: Any, known: Any) -> Any:
        result = same(self, row, known)
        if row["movie_id"] == 2:
            return replace(result, row={**result.row, "raw_data": "\ud800"})  # type: ignore[dict-item]
        return result

    monkeypatch.setattr(TmdbSession, "get_adapter", get_adapter)
    monkeypatch.setattr(ResponseClassifier, "movie", classify)
    ended = project.load()
    assert ended.code == 0, ended.err
    assert project.query("SELECT movie_id FROM bronze.raw_movies") == [(3,)]
    rows = project.query("SELECT movie_id, reason FROM bronze.quarantine_tmdb ORDER BY 1")
    assert [movie_id for movie_id, _ in rows] == [1, 2]
    assert "nobody expected that" in rows[0][1]
    assert rows[1][1].startswith("unexpected ")


def test_a_work_queue_that_cannot_be_finished_blocks_no_other_request(
    project: Project, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    movies = tmdb_run.Fetcher.movies

    def fail(self: tmdb_run.Fetcher, chunk: tmdb_run.Chunk) -> Any:
        if 2 in chunk.movie_ids:
            raise OverflowError("Python int too large to convert to C long")
        return movies(self, chunk)

    monkeypatch.setattr(tmdb_run.Fetcher, "movies", fail)
    assert project.load().code == 1
    for _ in range(2):
        ended = project.load("--ids", "1")
        assert ended.code == 0, ended.err
        assert "cannot be finished: OverflowError" in ended.output
    assert project.query("SELECT movie_id FROM bronze.raw_movies") == [(1,)]
    monkeypatch.setattr(tmdb_run.Fetcher, "movies", movies)
    ended = project.load()
    assert "Resuming run" in ended.err, "the queue is still there"
    assert project.query("SELECT count(*) FROM bronze.raw_movies") == [(3,)]


# --- order by load, not by clock ---------------------------------------------------------------


def test_a_clock_that_was_set_back_lets_no_older_response_win(
    project: Project, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.utcnow
    monkeypatch.setattr(clock, "utcnow", lambda: now() + timedelta(days=9))
    assert project.load("--ids", "1,2").code == 0
    monkeypatch.setattr(clock, "utcnow", now)
    sandbox.movie_set = films(movie(1, revenue=7), movie(2), movie(3))
    assert "changed               1" in project.load("--ids", "1,2").out
    assert "unchanged             2" in project.load("--ids", "1,2").out
    rows = project.query(
        "SELECT raw_data->>'revenue' FROM bronze.raw_movies WHERE movie_id = 1 ORDER BY ingested_at"
    )
    assert rows == [(None,), ("7",)]


@pytest.mark.parametrize(
    "header", ["soon", "", "Fri, 31 Dec 9999 23:59:59 -1400", "Mon, 99 Nov 2026 10:00:00 GMT"]
)
def test_a_date_in_a_header_that_is_none_is_that_of_this_machine(header: str) -> None:
    adapter = TmdbSession(TmdbSettings(base_url="http://127.0.0.1:9/3", access_token="t")).tmdb
    adapter._date = header
    assert abs((adapter.today() - clock.utcnow().date()).days) <= 1


def test_times_only_grow() -> None:
    newest = datetime(2999, 1, 1)
    times = clock.Sequence(newest)
    assert newest < times.next() < times.next()
    assert clock.Sequence().next() <= clock.utcnow()
    of_the_sandbox = clock.Sequence(today=date(2026, 1, 2))
    first, second = of_the_sandbox.next(), of_the_sandbox.next()
    assert date(2026, 1, 2) == first.date() <= second.date()
    assert first < second
    assert newest < clock.Sequence(newest, date(2026, 1, 2)).next()


# --- variants of the source --------------------------------------------------------------------


def test_both_names_of_tmdb_are_tmdb() -> None:
    assert is_tmdb("https://api.tmdb.org/3")
    assert is_tmdb("https://API.tmdb.org.:443/3")
    assert is_tmdb("https://api.themoviedb.org/3/movie/1")
    assert not is_tmdb("https://api.tmdb.org.example/3")


class _CompressedExport(BaseHTTPRequestHandler):
    body = gzip.compress(b'{"id": 5, "popularity": 1}\n{"id": 6, "popularity": 2}\n')

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


def test_an_export_with_content_encoding_gzip_is_read() -> None:
    with HTTPServer(("127.0.0.1", 0), _CompressedExport) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/p/exports"
        export = read_export(TmdbSettings(export_url=url), datetime(2026, 11, 28).date())
        server.shutdown()
    assert export.ids.to_pylist() == [6, 5]


@pytest.mark.parametrize("day", ["0206-11-01", "2012-10-04"])
def test_since_before_the_change_log_begins_is_rejected(
    project: Project, sandbox: Sandbox, day: str
) -> None:
    ended = project.load("--since", day)
    assert ended.code == 2
    assert "2012-10-05" in ended.err
    assert sandbox.requests.count() == 0


def test_a_list_of_many_ids_is_no_file_name() -> None:
    ids = tuple(range(100_000, 100_200))
    assert movie_ids(",".join(map(str, ids))) == ids


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (b"1\r\n2\r\n", (1, 2)),
        ("\ufeff1\n2".encode(), (1, 2)),
        ("1\u00a02\u200b,\u30003".encode(), (1, 2, 3)),
        *((one, None) for one in (b"", b" ,", b"1;2", b"id\n1", b'"1"', b"1.0", b"1_000", b"+1")),
        *((one, None) for one in ("\u0661".encode(), "1".encode("utf-16"), b"\xff", b"9" * 5000)),
    ],
)
def test_ids_in_a_file_are_read_exactly_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, ids: tuple[int, ...] | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ids.txt").write_bytes(content)
    for name in (str(tmp_path / "ids.txt"), "~/ids.txt"):
        if ids is None:
            with pytest.raises(ValueError, match=r"no movie ids|codec can't decode"):
                movie_ids(name)
        else:
            assert movie_ids(name) == ids


@pytest.mark.parametrize("text", ["1,000", "~nobody-of-that-name/ids.txt", "a\0b", "/"])
def test_what_is_neither_ids_nor_a_file_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="no movie ids"):
        movie_ids(text)


@pytest.mark.parametrize("variable", ["TMDB_ACCESS_TOKEN", "TMDB_API_KEY"])
@pytest.mark.parametrize("character", ["\u200b", "\u201d", "\u00e9", "\n", " "])
def test_a_credential_that_no_header_can_carry_is_rejected_by_name(
    project: Project, variable: str, character: str
) -> None:
    project.monkeypatch.setenv(variable, f"5ec2e7{character}5ec2e7")
    ended = project.load()
    assert ended.code == 1
    assert f"{variable} holds a character that no HTTP header can carry" in ended.err
    assert "5ec2e7" not in ended.output


# --- file names and paths ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("bronze.duckdb", "Bronze.duckdb", "silver.db", "GOLD.duckdb", "snapshots.duckdb"),
        *("ops.duckdb", "secure.duckdb", "main.duckdb", "temp.duckdb", "system", "gold.v2.duckdb"),
        "gold__dev.duckdb",
    ],
)
def test_a_file_named_like_a_schema_is_rejected(tmp_path: Path, name: str) -> None:
    for what, variable in (("warehouse", "MARQUEE_DUCKDB"), ("vault", "MARQUEE_VAULT_DUCKDB")):
        with pytest.raises(MarqueeError, match="would hide the schema") as raised:
            duckdb_destination(tmp_path / name, what=what, variable=variable)
        assert variable in str(raised.value)


def test_an_error_names_the_file_that_failed(tmp_path: Path) -> None:
    warehouse, vault = tmp_path / "warehouse.duckdb", tmp_path / "vault.duckdb"
    vault.write_bytes(b"no database" * 1000)
    with pytest.raises(duckdb.IOException) as raised:
        duckdb.connect(str(vault))
    words = explain(raised.value, warehouse)
    assert str(vault) in words
    assert "MARQUEE_VAULT_DUCKDB" in words
    assert str(warehouse) not in words
    unnamed = DatabaseFailed(vault)
    unnamed.__cause__ = duckdb.IOException("IO Error: Corrupt database file: computed checksum")
    assert str(vault) in explain(unnamed, warehouse)


# --- temporary faults --------------------------------------------------------------------------


def test_attempts_are_counted_per_kind_of_failure(project: Project) -> None:
    """Two 500, two resets and two bodies that are no JSON are six attempts of three kinds."""
    faults = [
        Fault(path="/movie/1", status=500, times=2),
        Fault(path="/movie/1", drop_connection=True, times=2),
        Fault(path="/movie/1", body=b'{"id": 1', times=2),
        Fault(path="/movie/1", status=429, times=2, retry_after="0"),
    ]
    with serving(project, films(movie(1), movie(2)), faults=faults):
        ended = project.load()
    assert ended.code == 0
    assert "retries                 8" in ended.out
    assert "quarantined           0" in ended.out


def test_a_quarantined_movie_is_requested_again_a_bounded_number_of_times(project: Project) -> None:
    world = films(movie(1), movie(2), movie(3))
    faults = [Fault(path="/movie/2", body=b'{"id": 2'), Fault(path="/movie/3", body=b"[]")]
    project.monkeypatch.setenv("SOURCES__TMDB__BACKOFF_SECONDS", "0.001")
    with serving(project, world):
        project.begin()
    with serving(project, world, faults=faults) as sandbox:
        project.load("--ids", "2,3")
        for _ in range(MAX_FAILURES + 1):
            project.load()
        attempts = 3  # per run, for a body that is no JSON
        assert requested_movies(sandbox).count(2) == MAX_FAILURES * attempts
        assert requested_movies(sandbox).count(3) == 1, "that reason is no temporary one"
    with serving(project, world):
        assert "unchanged             2" in project.load("--replay-quarantine").out


def test_a_run_whose_faults_exceed_the_retries_recovers_in_the_next(project: Project) -> None:
    world = films(movie(1), movie(2), movie(3))
    with serving(project, world):
        project.begin()
    fault = Fault(path="/movie/2", status=503)
    later = films(movie(1), movie(2, revenue=5), movie(3))
    with serving(project, changed(later, 1, 2), faults=[fault]):
        assert "quarantined           1" in project.load().out
    with serving(project, replace(later, day=1)):
        assert "changed               1" in project.load().out


def test_state_of_earlier_versions_is_read() -> None:
    state = {
        "cursor": {"day": "2026-11-01", "is_full": False},
        "run": {
            **{"batch_id": "b", "asked": "f"},  # former name
            **{"day": "2026-11-01", "chunks": 2, "movies": 9},
            **{"leads_to": {"day": None, "is_full": True}, "chunks_done": 1, "movies_done": 5},
        },
    }
    restored = PipelineState.restore(state)
    assert restored.run
    assert restored.run.next_cursor.is_full
    assert PipelineState.restore(restored.to_json()) == restored


@pytest.mark.skipif(not REAL_MOVIES.exists(), reason="the real movies are beside the project only")
def test_the_fault_mix_over_all_real_movies_loads_every_movie(project: Project) -> None:
    project.monkeypatch.setenv("SOURCES__TMDB__MAX_WAIT_SECONDS", "0.02")
    rates = FaultRates(
        too_many_requests=0.03, server_error=0.03, reset=0.02, truncate=0.02, seed=20261128
    )
    movie_set = load(REAL_MOVIES)
    with serving(project, movie_set, fault_rates=rates):
        ended = project.load("--full")
    assert ended.code == 0, ended.err
    assert re.search(r"quarantined +0\n", ended.out)
    assert project.query("SELECT count(DISTINCT movie_id) FROM bronze.raw_movies") == [
        (len(movie_set.documents),)
    ]
