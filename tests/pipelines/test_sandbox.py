"""The sandbox: it answers as TMDb does, its clock is deterministic, and it fails on request."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from marquee.sandbox import clock, genres
from marquee.sandbox import vega_movies as vega
from marquee.sandbox.__main__ import main
from marquee.sandbox.data.build import COLUMNS, table
from marquee.sandbox.faults import Fault, FaultPlan, FaultRates
from marquee.sandbox.movies import MovieFileError, MovieSet, from_lines, load
from marquee.sandbox.server import Sandbox
from tests.conftest import TMDB_KEYS

SANDBOX = Path(clock.__file__).parent
TODAY = date(2026, 3, 9)
Document = dict[str, Any]
Get = Callable[..., requests.Response]


def film(movie_id: int, **fields: object) -> bytes:
    document: Document = {
        "adult": False,
        "budget": 1000,
        "genres": [{"id": 18, "name": "Drama"}, {"id": 35, "name": "Comedy"}],
        "id": movie_id,
        "original_title": f"Film {movie_id}",
        "popularity": movie_id / 2,
        "production_companies": [{"id": 7, "logo_path": None, "name": "Seven"}],
        "release_date": "1999-12-31",
        "revenue": 5000,
        "status": "Released",
        "title": f"Film {movie_id}",
        "video": False,
        "vote_average": 7,
        "vote_count": 10,
    }
    return json.dumps(document | fields).encode()


def films(count: int, day: int = 0) -> MovieSet:
    return from_lines((film(movie_id) for movie_id in range(1, count + 1)), day=day)


@cache
def on_day(day: int = 0) -> MovieSet:
    """The bundled movies as of a day."""
    return load(None, day)


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Sandbox, Get]]]:
    """Start sandboxes; each comes with a `get` that sends the right credential."""
    with ExitStack() as stack:
        session = stack.enter_context(requests.Session())

        def start(movie_set: MovieSet, **options: Any) -> tuple[Sandbox, Get]:
            sandbox = stack.enter_context(Sandbox(movie_set, today=lambda: TODAY, **options))

            def get(path: str, **parameters: object) -> requests.Response:
                return session.get(
                    sandbox.base_url + path,
                    params={key: str(value) for key, value in parameters.items()},
                    headers={"Authorization": f"Bearer {sandbox.credential}"},
                    timeout=5,
                )

            return sandbox, get

        yield start


# What TMDb answers


def test_popular_lists_20_a_page_by_popularity_then_id(serve: Any) -> None:
    same = {"popularity": 3.5}
    lines = [film(9, **same), film(4, **same), film(5, popularity=8), film(6, popularity=0)]
    _, get = serve(from_lines([*lines, *(film(key, popularity=1) for key in range(100, 140))]))
    pages = [get("/movie/popular", page=page).json() for page in (1, 2, 3, 4)]
    assert [row["id"] for row in pages[0]["results"]][:4] == [5, 4, 9, 100]
    assert [len(page["results"]) for page in pages] == [20, 20, 4, 0]
    assert {(page["total_pages"], page["total_results"]) for page in pages} == {(3, 44)}
    assert [page["page"] for page in pages] == [1, 2, 3, 4]
    assert get("/movie/popular").json() == pages[0]


def test_popular_rows_have_the_fields_of_a_tmdb_list(serve: Any) -> None:
    _, get = serve(on_day())
    row = get("/movie/popular").json()["results"][0]
    assert list(row) == [
        *("adult", "backdrop_path", "genre_ids", "id", "original_language", "original_title"),
        *("overview", "popularity", "poster_path", "release_date", "title", "video"),
        *("vote_average", "vote_count"),
    ]
    document = get(f"/movie/{row['id']}").json()
    assert row["genre_ids"] == [genre["id"] for genre in document["genres"]]
    assert row["popularity"] == document["popularity"]


def test_pages_end_at_500_while_total_pages_is_not_capped(serve: Any) -> None:
    _, get = serve(films(10_021))
    last = get("/movie/popular", page=500).json()
    assert len(last["results"]) == 20
    assert last["total_pages"] == 502


def test_an_empty_movie_list_is_one_empty_page(serve: Any) -> None:
    _, get = serve(from_lines([]))
    page = {"page": 1, "results": [], "total_pages": 1, "total_results": 0}
    assert get("/movie/popular").json() == page
    assert get("/movie/changes").json() == page
    assert from_lines([], day=3).documents == {}


def test_the_genre_list_is_tmdbs_and_lacks_foreign(serve: Any) -> None:
    _, get = serve(films(1))
    listed = get("/genre/movie/list").json()["genres"]
    assert len(listed) == 19
    assert listed[0] == {"id": 28, "name": "Action"}
    assert genres.FOREIGN not in {genre["id"] for genre in listed}


@pytest.mark.parametrize(
    ("path", "parameters", "status", "status_code"),
    [
        *((path, {}, 404, 34) for path in ("/movie/2", "/movie/1/credits", "/tv/1", "/")),
        ("/movie/one", {}, 404, 6),
        *(
            ("/movie/popular", {"page": page}, 400, 22)
            for page in ("0", "-1", "501", "one", "1.5", "")
        ),
        ("/movie/changes", {"start_date": "2026-02-22", "end_date": "2026-03-09"}, 422, 20),
        ("/movie/changes", {"start_date": "2026-03-09", "end_date": "2026-03-01"}, 422, 20),
        ("/movie/changes", {"start_date": "yesterday"}, 422, 5),
    ],
)
def test_a_wrong_request_is_answered_in_tmdbs_words(
    serve: Any, path: str, parameters: dict[str, str], status: int, status_code: int
) -> None:
    _, get = serve(films(1))
    answer = get(path, **parameters)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["status_code"] == status_code
    assert answer.json()["success"] is False


def test_a_credential_works_as_bearer_token_and_as_api_key_and_is_never_logged(serve: Any) -> None:
    sandbox, _ = serve(films(1))
    url = sandbox.base_url + "/movie/1"
    right = sandbox.credential
    for headers, parameters, status in (
        ({"Authorization": f"Bearer {right}"}, {}, 200),
        ({}, {"api_key": right}, 200),
        ({}, {}, 401),
        ({"Authorization": "Bearer wrong"}, {}, 401),
        ({}, {"api_key": "wrong"}, 401),
    ):
        answer = requests.get(url, headers=headers, params=parameters, timeout=5)
        assert answer.status_code == status
        if status == 401:
            assert answer.json()["status_code"] == 7
    places = [request.credential_in for request in sandbox.requests]
    assert places == ["header", "query", None, "header", "query"]
    assert right not in str(list(sandbox.requests))


def test_each_sandbox_has_its_own_random_credential_unless_given() -> None:
    assert Sandbox(films(1)).credential != Sandbox(films(1)).credential
    assert Sandbox(films(1), credential="mine").credential == "mine"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_other_methods_answer_405_and_leave_the_server_usable(serve: Any, method: str) -> None:
    sandbox, get = serve(films(1))
    answer = requests.request(method, sandbox.base_url + "/movie/1", data=b"{}", timeout=5)
    assert answer.status_code == 405
    assert get("/movie/1").ok


def test_over_the_rate_limit_answers_429_with_retry_after(serve: Any) -> None:
    _, get = serve(films(1), rate_limit_per_second=0.1)
    assert get("/movie/1").ok
    answer = get("/movie/1")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "1"
    assert answer.json()["status_code"] == 25


def test_below_the_rate_limit_nothing_is_throttled(serve: Any) -> None:
    sandbox, get = serve(films(1), rate_limit_per_second=1000)
    for _ in range(50):
        get("/movie/1")
    assert sandbox.requests.count(status=200) == 50


def test_movies_are_served_byte_for_byte(tmp_path: Path, serve: Any) -> None:
    lines = [
        b'{ "id" :1, "popularity": 8.2e-05, "revenue": 2923706026, "x": "caf\\u00e9", "y": 1.10}',
        '{"title":"Léon","id":2,"overview":"\\ud83d","popularity":0}'.encode(),
        b'{"id":3,"id_of_nothing":null,"popularity":1E2}',
    ]
    path = tmp_path / "movies.ndjson.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + b"\r\n".join(lines) + b"\n\n"))
    _, get = serve(load(path))
    assert [get(f"/movie/{movie_id}").content for movie_id in (1, 2, 3)] == lines
    assert get("/movie/popular").json()["total_results"] == 3
    path.write_bytes(b"\n".join(lines))
    assert list(load(path).documents.values()) == lines


def test_a_connection_serves_many_requests_without_delayed_acknowledgements(serve: Any) -> None:
    _, get = serve(on_day())
    get("/movie/popular")
    started = time.perf_counter()
    for page in range(1, 51):
        get("/movie/popular", page=page)
    assert time.perf_counter() - started < 50 * 0.03  # Nagle would cost 0.04 s each


def test_many_clients_at_once_are_all_answered_and_counted(serve: Any) -> None:
    sandbox, _ = serve(films(40))
    headers = {"Authorization": f"Bearer {sandbox.credential}"}

    def crawl() -> None:
        with requests.Session() as session:
            for movie_id in range(1, 41):
                session.get(f"{sandbox.base_url}/movie/{movie_id}", headers=headers, timeout=5)

    with ThreadPoolExecutor(8) as threads:
        for crawling in [threads.submit(crawl) for _ in range(8)]:
            crawling.result()
    assert sandbox.requests.count("/3/movie/*", status=200) == len(sandbox.requests) == 320
    sandbox.requests.clear()
    assert len(sandbox.requests) == 0


def test_after_close_nothing_is_answered_not_even_on_open_connections() -> None:
    with (
        Sandbox(films(2), faults=[Fault("/movie/2", delay_s=0.5)]) as sandbox,
        requests.Session() as session,
        requests.Session() as other,
        ThreadPoolExecutor() as threads,
    ):
        url = f"{sandbox.base_url}/movie/1?api_key={sandbox.credential}"
        assert session.get(url, timeout=5).ok
        assert other.get(url, timeout=5).ok
        waiting = threads.submit(requests.get, url.replace("/1?", "/2?"), timeout=5)
        while not sandbox.requests.count("*/movie/2"):
            time.sleep(0.01)
        sandbox.close()
        with pytest.raises(requests.ConnectionError):
            session.get(url, timeout=5)
        with pytest.raises(requests.ConnectionError):
            waiting.result()
        sandbox.start()
        with pytest.raises(requests.ConnectionError):
            other.get(url, timeout=5)
        sandbox.close()
    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.base_url


# Changes, exports and the clock


def struck(before: MovieSet, after: MovieSet) -> Counter[str]:
    """Name what happened to each film between two days."""
    kinds: Counter[str] = Counter()
    for movie_id in before.documents.keys() | after.documents.keys():
        if movie_id not in after.documents:
            kinds["vanished"] += 1
            continue
        new: Document = json.loads(after.documents[movie_id])
        if movie_id not in before.documents:
            kinds["added"] += 1
            kinds["added unreleased"] += new["status"] in clock.UNRELEASED
            continue
        old: Document = json.loads(before.documents[movie_id])
        companies_then = {company["id"]: company for company in old["production_companies"]}
        companies_now = {company["id"]: company for company in new["production_companies"]}
        kinds["voted"] += new["vote_count"] > old["vote_count"]
        kinds["popularity"] += new["popularity"] != old["popularity"]
        kinds["earned"] += new["revenue"] > old["revenue"] > 0
        kinds["released"] += old["status"] in clock.UNRELEASED and new["status"] == "Released"
        kinds["renamed"] += new["title"] != old["title"]
        kinds["lost a genre"] += len(new["genres"]) < len(old["genres"])
        kinds["lost a company"] += len(companies_now) < len(companies_then)
        kinds["company renamed"] += any(
            company["name"] != companies_then[key]["name"] for key, company in companies_now.items()
        )
        untouched = {"id", "original_title", "budget", "runtime", "imdb_id"}
        assert {key: old[key] for key in untouched & old.keys()} == {
            key: new[key] for key in untouched & new.keys()
        }
    return kinds


KINDS_ON_ANY_DAY = {
    *("vanished", "voted", "popularity", "earned", "released", "renamed", "lost a genre"),
    *("lost a company", "company renamed"),
}


@pytest.mark.parametrize("day", [1, 2, 3, 40])
def test_each_kind_of_change_happens_on_each_day_of_the_bundled_movies(day: int) -> None:
    before, after = on_day(day - 1), on_day(day)
    kinds = struck(before, after)
    assert {*KINDS_ON_ANY_DAY, "added", "added unreleased"} <= {
        kind for kind, count in kinds.items() if count
    }
    for kind in ("vanished", "released", "lost a genre", "lost a company", "added unreleased"):
        assert kinds[kind] == 1
    assert kinds["renamed"] == kinds["added"] == 2


@pytest.mark.parametrize("day", [1, 2])
def test_each_kind_of_change_happens_to_a_file_of_100_movies_and_none_is_added(day: int) -> None:
    lines = [film(key, status="Planned" if key % 10 == 0 else "Released") for key in range(1, 101)]
    before, after = from_lines(lines, day=day - 1), from_lines(lines, day=day)
    kinds = struck(before, after)
    assert {kind for kind, count in kinds.items() if count} == KINDS_ON_ANY_DAY


def test_the_popular_pages_that_a_demo_reads_show_every_kind_of_change() -> None:
    before, after = on_day(1), on_day(2)
    read = {json.loads(text)["id"] for text in before.popular[:400]}
    shown = {key: text for key, text in before.documents.items() if key in read}
    now = {key: text for key, text in after.documents.items() if key in read}
    kinds = struck(MovieSet("read", 1, shown, {}, {}), MovieSet("read", 2, now, {}, {}))
    assert {kind for kind, count in kinds.items() if count} >= KINDS_ON_ANY_DAY


def test_the_same_day_is_the_same_bytes_in_another_process() -> None:
    program = (
        "import hashlib; from marquee.sandbox.movies import load; c = load(None, 3);"
        "print(hashlib.sha256(b''.join(c.documents.values())).hexdigest())"
    )
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    other = subprocess.check_output(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, text=True
    )
    assert other.strip() == sha256(b"".join(on_day(3).documents.values())).hexdigest()


def test_changes_add_up_and_untouched_movies_keep_their_bytes() -> None:
    days = [on_day(day) for day in range(4)]
    for before, after in pairwise(days):
        changed = {
            movie_id
            for movie_id in before.documents.keys() | after.documents.keys()
            if before.documents.get(movie_id) != after.documents.get(movie_id)
        }
        assert changed == set(after.changes[after.day])
    assert {day: days[3].changes[day] for day in (1, 2)} == days[2].changes
    assert len(days[3].vanished) == 3


def test_a_renamed_company_has_one_name_in_all_its_movies_late_ones_included() -> None:
    documents = [json.loads(text) for text in on_day(40).documents.values()]
    names: dict[int, set[str]] = {}
    for document in documents:
        for company in document["production_companies"]:
            names.setdefault(company["id"], set()).add(company["name"])
    assert {len(of_one) for of_one in names.values()} == {1}
    assert any(name.endswith(clock.COMPANY_SUFFIX) for of_one in names.values() for name in of_one)


def test_the_most_popular_unreleased_movie_is_released_with_date_and_gross() -> None:
    lines = [
        film(1, status="Planned", release_date="", revenue=0),
        film(2, status="Post Production", release_date="2046-01-01", revenue=0, popularity=99),
        *(film(movie_id) for movie_id in range(3, 60)),
    ]
    seen: list[tuple[str, str, bool]] = []
    for day in (1, 2):
        for movie_id in (2, 1):
            document = json.loads(from_lines(lines, day=day).documents[movie_id])
            seen.append((document["status"], document["release_date"], document["revenue"] > 0))
    assert seen == [
        ("Released", "2026-01-02", True),
        ("Planned", "", False),
        ("Released", "2026-01-02", True),
        ("Released", "2026-01-03", True),
    ]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_tiny_movie_list_survives_a_month(count: int) -> None:
    month = films(count, day=30)
    assert len(month.documents) == 1
    assert all(json.loads(text)["id"] in range(1, count + 1) for text in month.documents.values())


def test_fields_that_are_missing_or_retyped_are_left_alone() -> None:
    lines = [b'{"id":1}', b'{"id":2,"genres":"none","vote_count":"many","revenue":null,"title":7}']
    assert set(from_lines([*lines, film(3)], day=5).documents) <= {1, 2, 3}
    only = from_lines([lines[1]], day=5).documents[2]
    assert only == lines[1]


def test_a_vanished_movie_answers_404_leaves_the_export_and_stays_listed_for_7_days(
    serve: Any,
) -> None:
    def listed(get: Get) -> set[int]:
        pages = (get("/movie/popular", page=page).json()["results"] for page in range(1, 11))
        return {row["id"] for page in pages for row in page}

    sandbox, get = serve(films(100))
    sandbox.movie_set = films(100, day=1)
    (deleted,) = sandbox.movie_set.vanished
    assert get(f"/movie/{deleted}").status_code == 404
    assert deleted not in exported(sandbox)
    assert deleted in listed(get)
    sandbox.movie_set = films(100, day=7)
    assert deleted in listed(get)
    sandbox.movie_set = films(100, day=8)
    assert deleted not in listed(get)
    assert len(listed(get)) == 92 + 7


def exported(sandbox: Sandbox) -> dict[int, Document]:
    answer = requests.get(f"{sandbox.root_url}/p/exports/movie_ids_03_09_2026.json.gz", timeout=5)
    assert answer.status_code == 200
    rows = (json.loads(line) for line in gzip.decompress(answer.content).splitlines())
    return {row["id"]: row for row in rows}


def test_the_export_lists_every_movie_without_a_credential_for_today_only(serve: Any) -> None:
    sandbox, _ = serve(films(3))
    flags = {"adult": False, "video": False}
    assert exported(sandbox)[2] == {"id": 2, "original_title": "Film 2", "popularity": 1.0, **flags}
    for name in ("movie_ids_03_08_2026.json.gz", "movie_ids.json.gz"):
        assert requests.get(f"{sandbox.root_url}/p/exports/{name}", timeout=5).status_code == 404


def test_without_a_date_of_its_own_the_calendar_follows_the_clock() -> None:
    with Sandbox(from_lines([b'{"id":1}'])) as sandbox:
        first = sandbox.today()
        sandbox.movie_set = replace(sandbox.movie_set, day=3)
        assert sandbox.today() - first == timedelta(days=3)
        answer = requests.get(sandbox.base_url, timeout=5)
        assert parsedate_to_datetime(answer.headers["Date"]).date() == sandbox.today()


def test_an_edit_while_it_runs_is_in_the_change_log() -> None:
    with Sandbox(from_lines([b'{"id":1}', b'{"id":2}', b'{"id":3}'])) as sandbox:
        sandbox.movie_set = from_lines([b'{"id":1}', b'{"id":2,"title":"New"}', b'{"id":4}'])
        assert sandbox.movie_set.changes == {0: (2, 3, 4)}
        sandbox.movie_set = from_lines([b'{"id":2,"title":"New"}', b'{"id":4}'])
        assert sandbox.movie_set.changes == {0: (1, 2, 3, 4)}


def test_changes_are_paged_by_100_and_default_to_today(serve: Any) -> None:
    movie_set = on_day(2)
    _, get = serve(movie_set)
    first = get("/movie/changes").json()
    assert first["total_results"] == len(movie_set.changes[2])
    assert first["total_pages"] == -(-first["total_results"] // 100) > 1
    ids = [
        row["id"]
        for page in range(1, first["total_pages"] + 1)
        for row in get("/movie/changes", page=page).json()["results"]
    ]
    assert tuple(ids) == movie_set.changes[2]


def test_changes_follow_the_date_range_and_know_no_adult_flag_of_a_vanished_movie(
    serve: Any,
) -> None:
    movie_set = films(100, day=3)
    _, get = serve(movie_set)

    def changed(**dates: str) -> set[int]:
        return {row["id"] for row in get("/movie/changes", **dates).json()["results"]}

    assert changed(start_date="2026-03-07", end_date="2026-03-07") == set(movie_set.changes[1])
    assert changed(start_date="2026-03-07") == set().union(*movie_set.changes.values())
    assert changed(start_date="2026-02-27", end_date="2026-03-06") == set()
    assert changed(start_date="2026-02-23", end_date="2026-03-09")  # no more days than these
    rows = get("/movie/changes", start_date="2026-03-07").json()["results"]
    assert {row["id"] for row in rows if row["adult"] is None} == set(movie_set.vanished)


# Faults


def test_a_fault_strikes_as_often_as_requested_and_nothing_else(serve: Any) -> None:
    sandbox, get = serve(films(3), faults=[Fault(path="/movie/2", status=500, times=2)])
    assert [get("/movie/2").status_code for _ in range(3)] == [500, 500, 200]
    assert get("/movie/1").status_code == 200
    assert sandbox.requests.count("/3/movie/2", status=500) == 2


def test_faults_take_patterns_and_parameters(serve: Any) -> None:
    faults = [
        Fault(path="/movie/popular", query={"page": "2"}, status=503),
        Fault(path="/movie/[0-9]*", status=404),
    ]
    _, get = serve(films(30), faults=faults)
    assert get("/movie/popular", page=1).ok
    assert get("/movie/popular", page=2).json()["status_code"] == 9
    assert get("/movie/17").status_code == 404


@pytest.mark.parametrize(
    ("fault", "status", "body", "retry_after"),
    [
        ({"status": 502}, 502, b"<html>", None),  # the proxy's own page
        ({"status": 429}, 429, b"", "1"),
        ({"status": 429, "retry_after": "Mon, 09 Mar 2026"}, 429, b"", "Mon, 09 Mar 2026"),
        ({"status": 418}, 418, b"", None),
        ({"body": b"not json"}, 200, b"not json", None),
        ({"body": b'{"errors":["x"]}', "status": 422}, 422, b'{"errors":["x"]}', None),
    ],
)
def test_a_fault_has_its_status_body_and_time_to_wait(
    serve: Any, fault: dict[str, Any], status: int, body: bytes, retry_after: str | None
) -> None:
    _, get = serve(films(1), faults=[Fault(path="/movie/1", **fault)])
    answer = get("/movie/1")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)
    assert answer.content.startswith(body)
    assert answer.content == body or "body" not in fault


def test_a_fault_can_drop_truncate_and_delay(serve: Any) -> None:
    faults = [
        Fault(path="/movie/1", drop_connection=True, times=1),
        Fault(path="/movie/2", truncate=True, times=1),
        Fault(path="/movie/3", delay_s=0.2, times=1),
    ]
    sandbox, get = serve(films(3), faults=faults)
    with pytest.raises(requests.ConnectionError):
        get("/movie/1")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get("/movie/2")
    started = time.perf_counter()
    assert get("/movie/3").ok
    assert time.perf_counter() - started >= 0.2
    assert [request.status for request in sandbox.requests] == [0, 200, 200]
    assert all(get(f"/movie/{movie_id}").ok for movie_id in (1, 2, 3))


def test_random_faults_follow_rates_and_seed_not_the_order_of_requests() -> None:
    def outcome(seed: int, ids: list[int]) -> dict[int, Fault | None]:
        rates = FaultRates(0.1, 0.1, 0.1, 0.1, seed=seed)
        plan = FaultPlan(rates=rates)
        return {movie_id: plan.strike(f"/movie/{movie_id}", {}) for movie_id in ids}

    ids = list(range(2000))
    first = outcome(1, ids)
    assert first == outcome(1, ids[::-1])
    assert first != outcome(2, ids)
    kinds = Counter(
        (fault.status is not None, fault.status == 429, fault.drop_connection, fault.truncate)
        for fault in first.values()
        if fault
    )
    assert len(kinds) == 4
    assert all(140 < count < 260 for count in kinds.values())


def test_a_repeated_request_gets_past_a_random_fault() -> None:
    plan = FaultPlan(rates=FaultRates(server_error=0.5))
    outcomes = {plan.strike("/movie/1", {}) is None for _ in range(50)}
    assert outcomes == {True, False}


@pytest.mark.parametrize("rates", [{"reset": -0.1}, {"truncate": 1.1}])
def test_rates_that_are_no_shares_are_rejected(rates: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="shares"):
        FaultRates(**rates)


# Files of movies


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"id":1}\nnot json\n', r"line 2: not JSON .* one movie a line"),
        (b'{"id":1,"popularity":NaN}\n', r"line 1: not JSON"),
        (b'{"id":1}\n\n{"title":"x"}\n', r"line 3: no integer id"),
        (b'{"id":"1"}\n', r"line 1: no integer id"),
        (b'{"id":true}\n', r"line 1: no integer id"),
        (b"[1]\n", r"line 1: no integer id"),
        (b'{"id":1}\n{"id":2}\n{"id":1}\n', r"line 3: id 1 was on line 1"),
        (b'{"id":1,"title":"\xff"}\n', r"line 1: not JSON"),
        (gzip.compress(b'{"id":1}\n', mtime=0)[:-9], r"damaged gzip"),
    ],
)
def test_a_bad_movie_file_names_file_line_and_fault(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "movies.ndjson"
    path.write_bytes(content)
    with pytest.raises(MovieFileError, match=re.escape(str(path)) + ".*" + message):
        load(path)


def test_a_missing_movie_file_shows_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(MovieFileError, match=r"none\.ndjson: cannot read .* give an NDJSON file"):
        load(tmp_path / "none.ndjson")


def test_the_clock_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="day 0"):
        load(None, -1)


# The bundled movie set


@pytest.fixture(scope="module")
def bundled() -> dict[int, Document]:
    return {movie_id: json.loads(text) for movie_id, text in vega.documents().items()}


def test_bundled_movies_have_the_keys_and_types_of_a_tmdb_movie(
    bundled: dict[int, Document],
) -> None:
    kinds: dict[Any, set[str]] = {
        bool: {"adult", "video"},
        int: {"budget", "id", "revenue", "runtime", "vote_count"},
        list: {"genres", "production_companies", "production_countries", "spoken_languages"},
        type(None): {"backdrop_path", "belongs_to_collection", "imdb_id", "poster_path"},
        (int, float): {"popularity", "vote_average"},
    }
    types = dict.fromkeys(TMDB_KEYS, str) | {key: kind for kind in kinds for key in kinds[kind]}
    del types["origin_country"]
    for movie_id, document in bundled.items():
        assert list(document) == list(types)
        assert document["id"] == movie_id
        for key, kind in types.items():
            assert isinstance(document[key], kind), (movie_id, key)
        assert min(document["budget"], document["revenue"], document["vote_count"]) >= 0
        assert 0 <= document["vote_average"] <= 10
        assert not document["release_date"] or date.fromisoformat(document["release_date"])


def test_bundled_ids_and_names_refer_to_one_thing_each(bundled: dict[int, Document]) -> None:
    assert len(bundled) == 3201
    known = {**genres.LISTED, genres.FOREIGN: "Foreign"}
    companies: dict[int, str] = {}
    for document in bundled.values():
        listed = [genre["id"] for genre in document["genres"]]
        assert len(listed) == len(set(listed)) <= 3
        assert all(known[genre["id"]] == genre["name"] for genre in document["genres"])
        for company in document["production_companies"]:
            assert list(company) == ["id", "logo_path", "name", "origin_country"]
            assert companies.setdefault(company["id"], company["name"]) == company["name"]
    assert len(set(companies.values())) == len(companies) > 150
    assert {"Foreign", "Drama"} <= {g["name"] for d in bundled.values() for g in d["genres"]}


def test_bundled_dirt_is_kept(bundled: dict[int, Document]) -> None:
    titles = Counter(document["title"] for document in bundled.values())
    by_title = {document["title"]: document for document in bundled.values()}
    assert titles["300"] == titles[""] == 1
    assert titles["King Kong"] == 2
    assert by_title["Duel in the Sun"]["release_date"] == "2046-12-31"
    assert by_title["Duel in the Sun"]["status"] == "Released"
    unreleased = [one["title"] for one in bundled.values() if one["status"] != "Released"]
    assert unreleased == ["Charge of the Light Brigade, The"]  # nobody saw that one
    assert by_title["Avatar"]["revenue"] == 2_767_891_499
    assert by_title["The Land Girls"]["genres"] == []
    kinds = Counter(type(document["vote_average"]) for document in bundled.values())
    assert kinds[int] > 100 < kinds[float]


def test_the_main_genre_comes_first_and_a_pair_of_distributors_is_two_companies(
    bundled: dict[int, Document],
) -> None:
    by_title = {document["title"]: document for document in bundled.values()}
    names = [genre["name"] for genre in by_title["Notting Hill"]["genres"]]
    assert names == ["Comedy", "Romance"]
    pairs = {
        tuple(company["name"] for company in document["production_companies"])
        for document in bundled.values()
        if len(document["production_companies"]) == 2
    }
    assert ("Miramax", "Dimension") in pairs


def test_titles_have_the_letters_that_the_source_broke(bundled: dict[int, Document]) -> None:
    titles = {document["title"] for document in bundled.values()}
    kept = {"Léon", "Déjà Vu", "La Môme", "The Naked Gun 2½: The Smell of Fear", "Alien³"}
    assert kept <= titles
    assert not [title for title in titles if set(title) & set("ÈÍËÙÎÛ˘·‡‰Ω")]


def test_the_table_is_built_from_the_source_without_touching_other_values() -> None:
    row = dict.fromkeys(COLUMNS.values()) | {"Title": 300, "IMDB Rating": 8, "Director": "X"}
    others: list[dict[str, Any]] = [
        {"Title": "A, B", "IMDB Rating": 8.1},
        {"Title": "LÈon"},
        {"Title": "Alien³"},
    ]
    built = table(json.dumps([row, *(row | one for one in others)]))
    assert built.splitlines()[0] == "row," + ",".join(COLUMNS)
    assert built.splitlines()[1:] == [
        "1,300,,,,,,,,,8,",
        '2,"A, B",,,,,,,,,8.1,',
        "3,Léon,,,,,,,,,8,",
        "4,Alien³,,,,,,,,,8,",
    ]
    committed = (SANDBOX / "data" / "movies.csv").read_text(encoding="utf-8")
    assert committed.splitlines()[0] == built.splitlines()[0]


# By hand


def test_it_starts_by_hand_shows_how_to_reach_it_and_stops_on_a_signal() -> None:
    process = subprocess.Popen(
        [sys.executable, str(SANDBOX), "--port", "0", "--credential", "mine", "--day", "1"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        lines = [process.stdout.readline().strip() for _ in range(3)]
        assert "day 1" in lines[0]
        assert lines[2] == "export TMDB_ACCESS_TOKEN=mine"
        base_url = lines[1].removeprefix("export TMDB_BASE_URL=")
        answer = requests.get(f"{base_url}/movie/popular?api_key=mine", timeout=5)
        assert answer.json()["total_results"] > 3000
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--catalog", "nowhere.ndjson"], "nowhere.ndjson: cannot read"),
        (["--day", "-1"], "day 0"),
        (["--fault-rate-5xx", "2"], "shares"),
        (["--rate-limit", "0"], "above 0"),
        (["--latency-ms", "-1"], "0 ms or more"),
        (["--port", "99999"], "0 to 65535"),
    ],
)
def test_started_wrongly_by_hand_it_reports_why_without_a_trace(
    capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["--port", "0", *options]) == 1
    reported = capsys.readouterr().err
    assert reported.startswith("sandbox: ")
    assert message in reported
    assert "Traceback" not in reported


def test_a_taken_port_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox(films(1)) as sandbox:
        port = sandbox.root_url.rpartition(":")[2]
        assert main(["--port", port]) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
