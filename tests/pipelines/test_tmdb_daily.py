"""Which movies a run fetches, from the first backfill to daily changes, and soft-deletes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from marquee.sandbox.faults import Fault
from marquee.sandbox.movies import MovieSet
from marquee.sandbox.server import Sandbox
from marquee.sources.tmdb.load_request import LoadRequest, movie_ids
from marquee.sources.tmdb.planner import windows
from tests.conftest import Project, films, movie, serving

DETAILS = "/3/movie/[0-9]*"
NO_CHANGES = Fault(path="/movie/changes", status=404)
NO_EXPORT = Fault(path="/p/*", status=404)


def world(day: int, changes: Mapping[int, Iterable[int]], *documents: bytes) -> MovieSet:
    """A movie set with exactly this change log."""
    logged = {one: tuple(ids) for one, ids in changes.items()}
    return replace(films(*documents), day=day, changes=logged)


def export_of(*ids: Any) -> bytes:
    lines = [json.dumps({"id": one, "popularity": 1.5, "adult": False}) for one in ids]
    return gzip.compress("\n".join(lines).encode())


def popular(*ids: int) -> Fault:
    """The popular list names just these."""
    page = {"page": 1, "results": [{"id": one} for one in ids], "total_pages": 1}
    return Fault(path="/movie/popular", body=json.dumps(page).encode())


def requested_movies(sandbox: Sandbox) -> list[int]:
    """The movies whose details were requested, as often as they were."""
    paths = (request.path.rpartition("/")[2] for request in sandbox.requests)
    return sorted(int(last) for last in paths if last.isdigit())


def tombstones(project: Project) -> list[int]:
    rows = project.query(
        "SELECT movie_id FROM bronze.raw_movies WHERE raw_data->>'id' IS NULL ORDER BY 1"
    )
    return [one for (one,) in rows]


# --- the change feed ---------------------------------------------------------------------------


def test_forty_days_of_changes_are_fetched_each_once(project: Project) -> None:
    """6,000 ids, 300 movies tracked, 200 of them changed, most of them more than once."""
    before = [movie(one) for one in range(1, 301)]
    strangers = [iter(range(day * 1000, day * 1000 + 140)) for day in range(1, 41)]
    changes = {
        day: [*strangers[day - 1], *range(day * 5 - 4, day * 5 + 1), *range(1, day // 4)]
        for day in range(1, 41)
    }
    assert sum(map(len, changes.values())) > 5900
    after = [movie(one, revenue=one) if one <= 200 else movie(one) for one in range(1, 301)]
    with serving(project, films(*before)) as sandbox:
        project.begin("--pages", "15")
        sandbox.requests.clear()
        sandbox.movie_set = world(40, changes, *after, movie(900_000, popularity=5000))
        ended = project.load("--pages", "15")
        assert ended.code == 0
        assert requested_movies(sandbox) == [*range(1, 201), 900_000]
        assert "changed             200" in ended.out
        pages = [r for r in sandbox.requests if r.path == "/3/movie/changes"]
        assert max(int(request.query["page"]) for request in pages) > 3
        sandbox.requests.clear()
        assert project.load("--pages", "15").code == 0
        assert requested_movies(sandbox) == sorted(changes[40][140:]), "the last day is read again"


def test_after_a_full_backfill_all_that_changed_is_fetched(project: Project) -> None:
    with serving(project, films(*(movie(one) for one in range(1, 31)))) as sandbox:
        assert "new                  30" in project.load("--full").out
        sandbox.movie_set = world(
            3, {2: [7, 31], 3: [40]}, *(movie(one, revenue=1) for one in range(1, 42))
        )
        sandbox.requests.clear()
        assert project.load("--pages", "1").code == 0
    assert requested_movies(sandbox) == [7, 31, 40]


def test_a_limited_backfill_takes_the_most_popular_and_is_not_full(project: Project) -> None:
    with serving(project, films(*(movie(one) for one in range(1, 31)))) as sandbox:
        assert project.load("--full", "--limit", "10").code == 0
        assert requested_movies(sandbox) == list(range(1, 11))
        sandbox.requests.clear()
        sandbox.movie_set = world(1, {1: [3, 25]}, *(movie(one) for one in range(1, 31)))
        assert project.load("--pages", "1").code == 0
    assert requested_movies(sandbox) == [3, *range(11, 21)]


def test_null_ids_in_the_change_feed_are_skipped(project: Project, sandbox: Sandbox) -> None:
    project.begin()
    page = {"results": [{"id": None}, {"adult": None}, {"id": 2, "adult": None}], "total_pages": 1}
    fault = Fault(path="/movie/changes", body=json.dumps(page).encode())
    with serving(project, sandbox.movie_set, faults=[fault]) as later:
        assert project.load().code == 0
    assert requested_movies(later) == [2]


def test_passing_faults_of_lists_are_retried(project: Project) -> None:
    documents = [movie(one) for one in range(1, 111)]
    with serving(project, films(*documents)):
        project.load("--pages", "6")
    second = {"page": "2"}
    faults = [
        Fault(path="/movie/changes", query=second, truncate=True, times=1),
        Fault(path="/movie/changes", query=second, body=b'{"results": [', times=1),
        Fault(path="/movie/changes", query=second, status=502, times=1),
        Fault(path="/movie/changes", query=second, drop_connection=True, times=1),
        Fault(path="/p/*", truncate=True, times=1),
        Fault(path="/p/*", body=b"<html>", times=1),
        Fault(path="/p/*", status=503, times=1),
        Fault(path="/p/*", drop_connection=True, times=1),
    ]
    changed = world(1, {1: range(1, 111)}, *(movie(one, revenue=1) for one in range(1, 111)))
    with serving(project, changed, faults=faults):
        ended = project.load("--pages", "6")
    assert ended.code == 0, ended.err
    assert "changed             110" in ended.out
    assert "retries                 4" in ended.out
    assert "Deletions are noticed by their 404s only" not in ended.err


def test_a_change_feed_that_stays_broken_moves_no_cursor(
    project: Project, sandbox: Sandbox
) -> None:
    project.begin()
    changed = world(1, {1: [1, 2]}, movie(1, revenue=1), movie(2, revenue=1), movie(3))
    with serving(project, changed, faults=[Fault(path="/movie/changes", body=b"{}")]) as broken:
        ended = project.load()
        assert ended.code == 1
        assert "not a page of a list" in ended.err
        assert requested_movies(broken) == []
    with serving(project, replace(changed, day=2)):
        assert "changed               2" in project.load().out


def test_the_cursor_waits_for_the_work_to_be_done(project: Project) -> None:
    documents = [movie(one) for one in range(1, 41)]
    changed = world(1, {1: range(1, 41)}, *(movie(one, revenue=1) for one in range(1, 41)))
    with serving(project, films(*documents)):
        project.begin("--pages", "2")
    with serving(project, changed, faults=[Fault(path="/movie/[0-9]*", status=500)]):
        assert project.load("--pages", "2").code == 75
    with serving(project, replace(changed, day=30)):
        ended = project.load("--pages", "2")
    assert ended.code == 0
    assert "Resuming run" in ended.err
    assert "changed              40" in ended.out


def test_since_reads_further_back_and_leaves_no_gap_behind(
    project: Project, sandbox: Sandbox
) -> None:
    project.begin()
    changes = {1: [1], 3: [2], 5: [3]}
    documents = [movie(one, revenue=1) for one in (1, 2, 3)]
    sandbox.movie_set = world(5, changes, *documents)
    later = date.fromordinal(sandbox.today().toordinal() - 1)
    sandbox.requests.clear()
    assert project.load("--since", later.isoformat()).code == 0
    assert requested_movies(sandbox) == [3]
    sandbox.requests.clear()
    assert project.load().code == 0
    assert requested_movies(sandbox) == [1, 2, 3], "the cursor had stayed"
    sandbox.requests.clear()
    earlier = date.fromordinal(sandbox.today().toordinal() - 3)
    assert project.load("--since", earlier.isoformat()).code == 0
    assert requested_movies(sandbox) == [2, 3]


def test_since_a_day_to_come_is_rejected(project: Project, sandbox: Sandbox) -> None:
    ended = project.load("--since", "2999-01-01")
    assert ended.code == 1
    assert "is to come" in ended.err
    assert project.query("SELECT status FROM ops.run_log") == [("FAILED",)]
    assert not project.has_landed()


@pytest.mark.parametrize(
    ("day", "fault", "message"),
    [
        (1, NO_CHANGES, "/movie/changes does not exist (HTTP 404)"),
        (400, None, "more than 180 days ago (sources.tmdb.bridge_days)"),
        (
            1,
            Fault(path="/movie/changes", body=b'{"results": [], "total_pages": 501}'),
            "more than the 500 pages",
        ),
    ],
)
def test_a_gap_that_nobody_bridges_is_reported_and_all_is_fetched_again(
    project: Project, sandbox: Sandbox, day: int, fault: Fault | None, message: str
) -> None:
    """Movie 1 fell off the list, movie 3 was deleted before; only 1, 2 and 4 are worth asking."""
    sandbox.movie_set = films(*(movie(one) for one in range(1, 23)))

    def track() -> None:
        project.load("--pages", "2").check()
        project.load("--ids", "999").check()

    project.begin_with("22 movies and one that does not exist", track)
    sandbox.requests.clear()
    later = world(day, {}, *(movie(one, revenue=1, popularity=one) for one in range(1, 23)))
    with serving(project, later, faults=[fault] if fault else []) as sandbox:
        ended = project.load("--pages", "1")
        assert ended.code == 0
        assert message in ended.err
        assert "all 22 movies that the warehouse tracks are fetched instead" in ended.err
        assert requested_movies(sandbox) == list(range(1, 23))
        assert "changed              22" in ended.out


def test_a_full_warehouse_bridges_a_gap_by_the_export(project: Project, sandbox: Sandbox) -> None:
    project.load("--full")
    later = world(400, {}, movie(1), movie(3), movie(4))
    with serving(project, later) as sandbox:
        ended = project.load("--pages", "1")
    assert "all 3 movies of the export are fetched instead" in ended.err
    assert requested_movies(sandbox) == [1, 3, 4]
    assert tombstones(project) == [2]


def test_a_cursor_ahead_of_tmdb_s_day_is_reported(project: Project, sandbox: Sandbox) -> None:
    world_now = sandbox.movie_set
    sandbox.movie_set = replace(world_now, day=9)
    project.load()
    sandbox.movie_set = world_now
    ended = project.load()
    assert ended.code == 0
    assert "was read up to" in ended.err
    assert "unchanged             3" in ended.out


def test_a_minimal_fake_server_still_shows_changes_and_deletions(project: Project) -> None:
    """Popular list, details and genres, no more: movie 2 is deleted, 20 changed and not listed."""
    bare = [NO_CHANGES, NO_EXPORT]
    with serving(project, films(*(movie(one) for one in range(1, 25))), faults=bare):
        assert project.load().code == 0
    left = [movie(one) for one in range(1, 25) if one not in (2, 20)]
    with serving(project, films(*left, movie(20, revenue=5, popularity=0)), faults=bare):
        ended = project.load("--pages", "1")
    assert ended.code == 0
    assert "missing               1" in ended.out
    assert "changed               1" in ended.out
    assert tombstones(project) == [2]
    with serving(project, films(*left), faults=bare) as sandbox:
        assert project.load("--pages", "1").code == 0
        assert sandbox.requests.count("/3/movie/2") == 0
        assert sandbox.requests.count("/3/movie/20") == 1
    with serving(project, films(*left), faults=bare):
        ended = project.load("--full")
    assert ended.code == 1
    assert "There is no id export" in ended.err


# --- the id export -----------------------------------------------------------------------------


def test_a_movie_that_left_the_export_is_tombstoned_without_a_request(
    project: Project, sandbox: Sandbox
) -> None:
    sandbox.movie_set = films(movie(1), movie(2), movie(3, adult=True), movie(4))
    project.load()
    tomorrow = world(1, {1: [4]}, movie(1), movie(2), movie(3, adult=True), movie(4))
    faults = [Fault(path="/p/*", body=export_of(1)), popular(1, 3, 4)]
    for _ in range(2):
        with serving(project, tomorrow, faults=faults) as later:
            ended = project.load()
        assert ended.code == 0
        assert requested_movies(later) == [4], "the change feed's word is newer than the export's"
    assert tombstones(project) == [2]
    ((raw_data, source_url),) = project.query(
        "SELECT raw_data::VARCHAR, source_url FROM bronze.raw_movies WHERE raw_data->>'id' IS NULL"
    )
    assert json.loads(raw_data)["success"] is False
    assert source_url.endswith(f"/p/exports/movie_ids_{later.today():%m_%d_%Y}.json.gz")


def test_a_movie_that_left_the_export_and_is_on_the_list_is_requested(
    project: Project, sandbox: Sandbox
) -> None:
    """Movie 2 responds, and movie 3 is deleted."""
    project.begin()
    faults = [Fault(path="/p/*", body=export_of(1)), Fault(path="/movie/3", status=404)]
    with serving(project, replace(sandbox.movie_set, day=1), faults=faults) as later:
        assert project.load().code == 0
    assert requested_movies(later) == [2, 3]
    assert tombstones(project) == [3]


@pytest.mark.parametrize("changes", [{}, {2: [2]}], ids=["popular list", "change log"])
def test_a_movie_that_left_the_export_is_requested_when_a_list_names_it(
    project: Project, sandbox: Sandbox, changes: dict[int, list[int]]
) -> None:
    """The export, which still lacks movie 2, does not count against the other lists."""
    documents = [movie(one) for one in (1, 2, 3)]
    short = Fault(path="/p/*", body=export_of(1, 3))

    def leave() -> None:
        project.begin()
        with serving(project, world(1, {}, *documents), faults=[short, popular(1, 3)]) as later:
            assert project.load().code == 0
        assert requested_movies(later) == []
        assert tombstones(project) == [2]

    project.begin_with("movie 2 left the export", leave)
    on_list = popular(1, 3) if changes else popular(1, 2, 3)
    with serving(project, world(2, changes, *documents), faults=[short, on_list]) as later:
        ended = project.load()
    assert requested_movies(later) == [2]
    assert "changed               1" in ended.out


def test_a_movie_younger_than_the_export_is_requested_instead(
    project: Project, sandbox: Sandbox
) -> None:
    project.begin()
    without = Fault(path="/p/*", body=export_of(1, 3))
    with serving(project, sandbox.movie_set, faults=[without]) as same_day:
        assert project.load().code == 0
    assert requested_movies(same_day) == [2]
    assert tombstones(project) == []


def test_yesterday_s_export_serves_until_today_s_is_there(
    project: Project, sandbox: Sandbox
) -> None:
    today = f"/p/exports/movie_ids_{sandbox.today():%m_%d_%Y}.json.gz"
    faults = [Fault(path=today, status=404), Fault(path="/p/*", body=export_of(1, 2))]
    with serving(project, sandbox.movie_set, faults=faults) as early:
        assert project.load("--full").code == 0
    assert requested_movies(early) == [1, 2]


def test_an_export_that_is_none_stops_a_backfill_and_no_daily_run(
    project: Project, sandbox: Sandbox
) -> None:
    project.begin()
    with serving(project, sandbox.movie_set, faults=[Fault(path="/p/*", body=b"<html>")]):
        daily, backfill = project.load(), project.load("--full")
    assert daily.code == 0
    assert "Deletions are noticed by their 404s only" in daily.err
    assert backfill.code == 1
    assert "is no id export" in backfill.err
    assert tombstones(project) == []


# --- the guard ---------------------------------------------------------------------------------


def test_a_gutted_export_exceeds_the_deletion_threshold(project: Project) -> None:
    with serving(project, films(*(movie(one) for one in range(1, 41)))) as sandbox:
        project.begin("--pages", "2")
        rows = project.query("FROM bronze.raw_movies ORDER BY ALL")
        day_later = replace(sandbox.movie_set, day=1)
    gutted = [Fault(path="/p/*", body=export_of(1, 2, 3))]
    with serving(project, day_later, faults=gutted):
        for arguments in ((), ("--full",)):
            ended = project.load(*arguments)
            assert ended.code == 1
            assert "above the deletion threshold" in ended.err
            assert "SOURCES__TMDB__MAX_DELETED_SHARE" in ended.err
        assert project.query("FROM bronze.raw_movies ORDER BY ALL") == rows
        project.monkeypatch.setenv("SOURCES__TMDB__MAX_DELETED_SHARE", "1")
        assert project.load().code == 0
    assert tombstones(project) == list(range(4, 41))


@pytest.mark.parametrize(("movies", "deleted"), [(30, 10), (300, 55)])
def test_a_gateway_that_has_lost_its_movies_exceeds_the_deletion_threshold(
    project: Project, movies: int, deleted: int
) -> None:
    """Of 30 movies 10 are too large a share; of 300 it is 55 in a row that give it away."""
    documents = [movie(one) for one in range(1, movies + 1)]
    project.monkeypatch.setenv("EXTRACT__WORKERS", "1")
    with serving(project, films(*documents)):
        project.begin("--pages", "15")
        rows = project.query("FROM bronze.raw_movies ORDER BY ALL")
    broken = [
        *(Fault(path=f"/movie/{one}", status=404) for one in range(11, 11 + deleted)),
        NO_CHANGES,
    ]
    with serving(project, films(*documents), faults=broken):
        ended = project.load("--pages", "15")
        assert ended.code == 1
        assert "above the deletion threshold" in ended.err
        assert "Traceback" not in ended.err
        assert project.query("FROM bronze.raw_movies ORDER BY ALL") == rows
        project.monkeypatch.setenv("SOURCES__TMDB__MAX_DELETED_SHARE", "1")
        assert project.load("--pages", "15").code == 0
    assert tombstones(project) == list(range(11, 11 + deleted))


def test_the_threshold_under_its_name_of_version_0_1_is_rejected(
    project: Project, sandbox: Sandbox
) -> None:
    project.monkeypatch.setenv("SOURCES__TMDB__MAX_GONE_SHARE", "1")  # former name
    ended = project.load()
    assert ended.code == 1
    assert "SOURCES__TMDB__MAX_DELETED_SHARE" in ended.err
    assert not sandbox.requests


# --- named movies ------------------------------------------------------------------------------


def test_named_movies_are_fetched_and_no_others(
    project: Project, sandbox: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "ids.txt"
    file.write_text("3\n1, 3\n")
    assert project.load("--ids", str(file)).code == 0
    assert requested_movies(sandbox) == [1, 3]
    assert sandbox.requests.count("/3/movie/popular") == 0
    assert "nobody" not in project.load().err
    assert requested_movies(sandbox) == [1, 1, 2, 3, 3], (
        "without a cursor all that is known is requested"
    )


def test_the_quarantine_is_replayed_until_it_is_fixed(project: Project, sandbox: Sandbox) -> None:
    faults = [Fault(path="/movie/2", body=b"[]"), Fault(path="/movie/3", body=b"[]", times=1)]
    with serving(project, sandbox.movie_set, faults=faults) as broken:
        assert "--replay-quarantine" in project.load().out
        broken.requests.clear()
        assert "quarantined           1" in project.load("--replay-quarantine").out
        assert requested_movies(broken) == [2, 3]
    project.point_at(sandbox)
    assert "new                   1" in project.load("--replay-quarantine").out
    assert requested_movies(sandbox) == [2]
    assert "no movie was fetched" in project.load("--replay-quarantine").out


def test_ids_are_read_in_all_their_forms() -> None:
    assert movie_ids("3, 1,3 2") == (3, 1, 2)
    for text in ("", "a", "1,-2", "0", "1.5", str(2**63)):
        with pytest.raises(ValueError, match=r"no movie ids|invalid literal"):
            movie_ids(text)


def test_load_requests_are_distinguished_by_what_they_load() -> None:
    assert LoadRequest(pages=3).fingerprint == LoadRequest(pages=3).fingerprint
    requests = [
        LoadRequest(),
        LoadRequest(full=True),
        LoadRequest(ids=(1,)),
        LoadRequest(since=date(2026, 1, 1)),
    ]
    assert len({one.fingerprint for one in requests}) == len(requests)


def test_windows_share_a_day_and_leave_none_out() -> None:
    first, last = date(2026, 1, 30), date(2026, 2, 8)
    cut = [(one["start"][5:], one["end"][5:]) for one in windows(first, last)]
    assert cut == [("01-30", "02-02"), ("02-02", "02-05"), ("02-05", "02-08")]
    assert list(windows(last, last)) == [{"start": "2026-02-08", "end": "2026-02-08"}]
