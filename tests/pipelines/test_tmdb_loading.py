"""What a run puts into bronze, and what it does not."""

from __future__ import annotations

import gc
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pyarrow as pa

from marquee.bronze.destination import duckdb_destination
from marquee.bronze.loader import load, open_pipeline
from marquee.core.dlt_project import configure_dlt
from marquee.core.settings import Settings
from marquee.sandbox.faults import Fault
from marquee.sandbox.movies import from_lines
from marquee.sandbox.server import Sandbox
from marquee.sources.tmdb.reader import MovieReader
from marquee.sources.tmdb.tables import RAW_MOVIES
from tests.conftest import Project, films, movie, serving

ODD_DOCUMENT = (
    '{ "popularity":8.2e-05,"vote_average":7.0, "votes":7,"budget":2147483648123,'
    '"overview":"tab \\t bell \\u0007 nul \\u0000 \\ud83d\\ude00 \\u00e9 é 中 / \\/",'
    '"title":"9/11","id":5,"zero":-0.0,"big":123456789012345678901234567890,'
    '"exp":1E+2,"nested":[{"a":null},[],{}],"adult":false }'
).encode()


def test_columns_are_as_designed(project: Project, sandbox: Sandbox) -> None:
    project.begin()
    columns = project.query(
        """
        SELECT table_name, column_name, data_type FROM information_schema.columns
        WHERE table_schema = 'bronze' AND NOT starts_with(table_name, '_dlt')
          AND NOT starts_with(column_name, '_dlt')
        ORDER BY table_name, ordinal_position
        """
    )
    assert columns == [
        ("quarantine_tmdb", "movie_id", "BIGINT"),
        ("quarantine_tmdb", "body", "VARCHAR"),
        ("quarantine_tmdb", "reason", "VARCHAR"),
        ("quarantine_tmdb", "source_url", "VARCHAR"),
        ("quarantine_tmdb", "ingested_at", "TIMESTAMP"),
        ("quarantine_tmdb", "batch_id", "VARCHAR"),
        ("raw_genres", "raw_data", "JSON"),
        ("raw_genres", "ingested_at", "TIMESTAMP"),
        ("raw_genres", "batch_id", "VARCHAR"),
        ("raw_movies", "movie_id", "BIGINT"),
        ("raw_movies", "raw_data", "JSON"),
        ("raw_movies", "source_url", "VARCHAR"),
        ("raw_movies", "ingested_at", "TIMESTAMP"),
        ("raw_movies", "batch_id", "VARCHAR"),
        ("work_tmdb", "batch_id", "VARCHAR"),
        ("work_tmdb", "chunk", "BIGINT"),
        ("work_tmdb", "movie_ids", "JSON"),
        ("work_tmdb", "export_url", "VARCHAR"),
        ("work_tmdb", "planned_at", "TIMESTAMP"),
    ]
    dlt_columns = project.query(
        "SELECT count(DISTINCT _dlt_id), count(_dlt_load_id) FROM bronze.raw_movies"
    )
    assert dlt_columns == [(3, 3)]


def test_a_row_records_what_was_requested_and_when_in_utc(
    project: Project, sandbox: Sandbox
) -> None:
    project.monkeypatch.setenv("TZ", "America/New_York")
    before = datetime.now(timezone.utc).replace(tzinfo=None)
    project.load()
    after = datetime.now(timezone.utc).replace(tzinfo=None)
    rows = project.query(
        "SELECT movie_id, source_url, ingested_at, batch_id FROM bronze.raw_movies ORDER BY 1"
    )
    assert [row[:2] for row in rows] == [
        (number, f"{sandbox.base_url}/movie/{number}") for number in (1, 2, 3)
    ]
    assert all(before <= row[2] <= after for row in rows)
    (batch_id,) = {row[3] for row in rows}
    started = datetime.strptime(batch_id.split("-")[0], "%Y%m%dT%H%M%SZ")
    assert timedelta(seconds=-1) <= started - before <= after - before
    assert project.query("SELECT DISTINCT batch_id FROM bronze.raw_genres") == [(batch_id,)]


def test_raw_data_is_the_body_byte_for_byte(project: Project) -> None:
    with serving(project, from_lines([ODD_DOCUMENT])):
        assert project.load().code == 0
    assert project.query("SELECT raw_data::VARCHAR FROM bronze.raw_movies") == [
        (ODD_DOCUMENT.decode(),)
    ]


def test_fields_added_missing_or_retyped_are_loaded(project: Project) -> None:
    documents = [b'{"id":1}', movie(2, title=None, popularity="a lot", genres={"id": 1}, new=[1])]
    with serving(project, films(movie(1), movie(2)), faults=[]):
        project.load()
    with serving(
        project,
        films(movie(1), movie(2)),
        faults=[Fault(path=f"/movie/{n}", body=body) for n, body in enumerate(documents, 1)],
    ):
        assert project.load("--ids", "1,2").code == 0
    landed = project.query("SELECT raw_data::VARCHAR FROM bronze.raw_movies ORDER BY ingested_at")
    assert {text for (text,) in landed[2:]} == {body.decode() for body in documents}


def test_what_did_not_change_is_not_loaded_again(project: Project, sandbox: Sandbox) -> None:
    project.begin()
    first = project.query("FROM bronze.raw_movies ORDER BY ALL")
    again = project.load("--ids", "1,2,3")
    assert again.code == 0
    assert "unchanged             3" in again.out
    assert project.query("FROM bronze.raw_movies ORDER BY ALL") == first
    assert project.query("SELECT count(*) FROM bronze.raw_genres") == [(1,)]


def test_what_changed_is_added_and_the_old_rows_stay(project: Project, sandbox: Sandbox) -> None:
    project.begin()
    first = project.query("FROM bronze.raw_movies ORDER BY ALL")
    sandbox.movie_set = films(movie(1, revenue=7), movie(2), movie(3), movie(4))
    again = project.load()
    assert "new                   1" in again.out
    assert "changed               1" in again.out
    rows = project.query("FROM bronze.raw_movies ORDER BY ALL")
    assert len(rows) == 5
    assert set(first) < set(rows)
    one = project.query(
        "SELECT raw_data->>'revenue' FROM bronze.raw_movies WHERE movie_id = 1 ORDER BY ingested_at"
    )
    assert one == [(None,), ("7",)]


def test_a_value_that_returns_to_what_it_was_is_loaded(project: Project, sandbox: Sandbox) -> None:
    project.begin()
    world = sandbox.movie_set
    for movie_set in (films(movie(1, revenue=7), movie(2), movie(3)), world):
        sandbox.movie_set = movie_set
        project.load()
    assert project.query("SELECT count(*) FROM bronze.raw_movies WHERE movie_id = 1") == [(3,)]


def test_a_deleted_movie_leaves_a_tombstone_once(project: Project, sandbox: Sandbox) -> None:
    project.begin()
    sandbox.movie_set = films(movie(1), movie(3))
    assert "missing               1" in project.load().out
    ((movie_id, raw_data),) = project.query(
        "SELECT movie_id, raw_data FROM bronze.raw_movies WHERE raw_data->>'id' IS NULL"
    )
    assert movie_id == 2
    assert json.loads(raw_data)["status_code"] == 34
    assert "missing               1" in project.load("--ids", "2").out
    assert project.query("SELECT count(*) FROM bronze.raw_movies") == [(4,)]


def test_a_listed_deleted_movie_is_loaded_once_and_comes_back(
    project: Project, sandbox: Sandbox
) -> None:
    not_found = Fault(path="/movie/2", status=404, body=b"<h1>not found</h1>")
    with serving(project, sandbox.movie_set, faults=[not_found]):
        project.load()
        assert "missing               1" in project.load("--ids", "2").out
    rows = "SELECT raw_data::VARCHAR FROM bronze.raw_movies WHERE movie_id = 2 ORDER BY ingested_at"
    assert project.query(rows) == [('"<h1>not found</h1>"',)]
    project.point_at(sandbox)
    assert "changed               1" in project.load("--ids", "2").out
    assert len(project.query(rows)) == 2


def test_a_deleted_movie_is_found_whatever_its_404_holds(
    project: Project, sandbox: Sandbox
) -> None:
    """Bronze searches the text of a tombstone for an id, and here one is below the top level."""
    dead = Fault(path="/movie/2", status=404, body=b'{"error": {"id": 7}}')
    with serving(project, sandbox.movie_set, faults=[dead]):
        assert project.load().code == 0
    reader = MovieReader(duckdb_destination(Settings.from_environment().duckdb))
    assert reader.tombstones() == [2]
    project.point_at(sandbox)
    assert project.load("--ids", "2").code == 0
    assert reader.tombstones() == []


def test_a_movie_that_fell_off_the_list_is_still_followed(
    project: Project, sandbox: Sandbox
) -> None:
    sandbox.movie_set = films(*(movie(number) for number in range(1, 31)))
    project.load("--pages", "2")
    sandbox.movie_set = films(*(movie(number, revenue=number) for number in range(1, 31)))
    assert "changed              30" in project.load("--pages", "1").out


NO_MOVIES = {
    2: (b'{"id": 2, "title": "cut', "malformed JSON"),
    3: (b"<html>busy</html>", "malformed JSON"),
    4: (b"", "malformed JSON"),
    5: (b'{"id": 5, "vote_average": NaN}', "malformed JSON"),
    6: (b'{"id": 6, "title": "\\ud800"}', "malformed JSON"),
    7: (b'{"id": 7, "title": "caf\xe9"}', "not UTF-8"),
    8: (b"[8]", "not an object"),
    9: (b"null", "not an object"),
    10: (b'{"title": "Film 10"}', "no id"),
    11: (b'{"id": null}', "id is not an integer"),
    12: (b'{"id": "12"}', "id is not an integer"),
    13: (b'{"id": 13.0}', "id is not an integer"),
    14: (b'{"id": true}', "id is not an integer"),
    15: (b'{"id": 99999999999999999999}', "id is not an integer"),
    16: (b'{"id": 1}', "another id"),
}


def test_what_is_no_movie_is_quarantined_and_the_rest_loads(project: Project) -> None:
    faults = [Fault(path=f"/movie/{number}", body=body) for number, (body, _) in NO_MOVIES.items()]
    with serving(project, films(*map(movie, range(1, 18))), faults=faults) as sandbox:
        ended = project.load()
        base_url = sandbox.base_url
    assert ended.code == 0
    assert "quarantined          15" in ended.out
    assert project.query("SELECT movie_id FROM bronze.raw_movies ORDER BY 1") == [(1,), (17,)]
    quarantine = project.query(
        "SELECT movie_id, body, reason, source_url, batch_id FROM bronze.quarantine_tmdb"
    )
    assert len(quarantine) == len(NO_MOVIES)
    for number, kept, reason, source_url, batch_id in quarantine:
        body, expected = NO_MOVIES[number]
        assert kept == body.decode("utf-8", errors="replace")
        assert expected in reason
        assert source_url == f"{base_url}/movie/{number}"
        assert batch_id in ended.out


def test_a_list_of_genres_that_is_none_is_quarantined(project: Project, sandbox: Sandbox) -> None:
    fault = Fault(path="/genre/movie/list", body=b'{"genre": []}')
    with serving(project, sandbox.movie_set, faults=[fault]):
        assert project.load().code == 0
    assert project.query("SELECT movie_id, reason FROM bronze.quarantine_tmdb") == [
        (None, "not a list of genres")
    ]
    assert project.query("SELECT count(*) FROM bronze.raw_genres") == [(0,)]
    assert project.query("SELECT count(*) FROM bronze.raw_movies") == [(3,)]


def test_ids_listed_twice_or_null_are_fetched_once(project: Project, sandbox: Sandbox) -> None:
    pages = [
        {"page": 1, "results": [{"id": 1}, {"id": None}, {"id": 2}], "total_pages": 2},
        {"page": 2, "results": [{"id": 2}, {}, {"id": 3}, {"id": 1}], "total_pages": 2},
    ]
    faults = [
        Fault(
            path="/movie/popular",
            query={"page": str(page["page"])},
            body=json.dumps(page).encode(),
        )
        for page in pages
    ]
    with serving(project, sandbox.movie_set, faults=faults) as listing:
        assert project.load().code == 0
        assert [listing.requests.count(f"/3/movie/{number}") for number in (1, 2, 3)] == [1, 1, 1]
    assert project.query("SELECT count(*) FROM bronze.raw_movies") == [(3,)]


def test_pages_are_read_up_to_the_number_requested(project: Project, sandbox: Sandbox) -> None:
    sandbox.movie_set = films(*(movie(number) for number in range(1, 62)))
    project.load("--pages", "2")
    assert sandbox.requests.count("/3/movie/popular") == 2
    assert project.query("SELECT count(*) FROM bronze.raw_movies") == [(40,)]
    sandbox.requests.clear()
    project.load()
    assert sandbox.requests.count("/3/movie/popular") == 4


def test_an_empty_movie_list_makes_empty_tables(project: Project) -> None:
    with serving(project, films()):
        ended = project.load()
    assert ended.code == 0
    assert "no movie was fetched" in ended.out
    for table, rows in (("raw_movies", 0), ("raw_genres", 1), ("quarantine_tmdb", 0)):
        assert project.query(f"SELECT count(*) FROM bronze.{table}") == [(rows,)]


def test_a_list_that_is_suddenly_empty_deletes_nothing(project: Project, sandbox: Sandbox) -> None:
    project.begin()
    sandbox.movie_set = films()
    ended = project.load()
    assert ended.code == 1
    assert "is empty, and the warehouse tracks 3" in ended.err
    assert project.query("SELECT count(*) FROM bronze.raw_movies") == [(3,)]


def test_a_lost_working_folder_changes_nothing(project: Project, sandbox: Sandbox) -> None:
    project.begin()
    project.monkeypatch.setenv("MARQUEE_DLT_DIR", str(project.folder / "new machine"))
    sandbox.movie_set = films(movie(1), movie(2), movie(3, revenue=1))
    assert "changed               1" in project.load().out
    assert project.query("SELECT count(*) FROM bronze.raw_movies") == [(4,)]


def test_a_load_leaves_none_of_its_rows_in_memory(project: Project) -> None:
    settings = Settings.from_environment()
    configure_dlt(settings)
    destination = duckdb_destination(settings.duckdb)
    pipeline = open_pipeline("tmdb", settings, destination)
    row: dict[str, Any] = {
        "movie_id": 1,
        "raw_data": json.dumps({"id": 1, "overview": "x" * 1_000_000}),
        "source_url": "http://127.0.0.1/3/movie/1",
        "ingested_at": datetime(2026, 3, 1),
        "batch_id": "test",
    }
    before = pa.total_allocated_bytes()
    gc.disable()  # only what the load itself lets go counts
    try:
        for number in range(3):
            load(pipeline, destination, {RAW_MOVIES: [row] * 5}, {"loads": number})
    finally:
        gc.enable()
    assert pa.total_allocated_bytes() - before < 1_000_000
