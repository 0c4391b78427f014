"""The whole path, day after day: sandbox, pipeline, bronze, SQLMesh, gold and history."""

from __future__ import annotations

import json
from typing import Any

from marquee.cli import report
from marquee.sandbox.movies import MovieSet, load
from tests.conftest import Project, serving
from tests.small_warehouse import OF_TMDB, Warehouse

PAGES = "10"


def document(movie_set: MovieSet, movie_id: int) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(movie_set.documents[movie_id])
    return parsed


def test_two_days_of_the_sandbox_arrive_in_gold_and_in_the_history(project: Project) -> None:
    first, third = load(None), load(None, day=2)
    warehouse = Warehouse(project.folder, selected=OF_TMDB)
    with serving(project, first) as sandbox:
        assert project.load("--pages", PAGES).code == 0
        warehouse.plan()
        assert warehouse.query("SELECT count(*) FROM gold.fact_movies") == [(200,)]
        before = warehouse.rows_of("bronze")["bronze.raw_movies"]

        sandbox.movie_set = third
        assert project.load("--pages", PAGES).code == 0
        warehouse.refresh()

    after = warehouse.rows_of("bronze")["bronze.raw_movies"]
    assert set(before) < set(after), "bronze is append-only"

    tracked = [
        movie_id for (movie_id,) in warehouse.query("SELECT movie_id FROM silver.silver_movies")
    ]
    deleted = sorted(movie_id for movie_id in tracked if movie_id in third.vanished)
    assert deleted, "two days delete at least one of the most popular films"
    assert deleted == [
        movie_id
        for (movie_id,) in warehouse.query(
            "SELECT movie_id FROM silver.silver_movies WHERE is_deleted ORDER BY ALL"
        )
    ]

    gold: dict[int, str] = dict(warehouse.query("SELECT movie_id, title FROM gold.fact_movies"))
    assert gold == {
        movie_id: document(third, movie_id)["title"]
        for movie_id in tracked
        if movie_id not in deleted
    }
    pairs = warehouse.query(
        "SELECT movie_id, genre_id FROM silver.silver_movie_genres WHERE is_current ORDER BY ALL"
    )
    assert pairs == sorted(
        (movie_id, genre["id"])
        for movie_id in gold
        for genre in document(third, movie_id)["genres"]
    )

    changed_revenue = [
        movie_id
        for movie_id in gold
        if movie_id in first.documents
        and document(first, movie_id)["revenue"] != document(third, movie_id)["revenue"]
    ]
    assert changed_revenue
    for movie_id in changed_revenue:
        periods = warehouse.query(
            "SELECT coalesce(revenue_usd, 0) FROM gold.movie_history "
            f"WHERE movie_id = {movie_id} ORDER BY valid_from"
        )
        assert [revenue for (revenue,) in periods] == [
            document(first, movie_id)["revenue"],
            document(third, movie_id)["revenue"],
        ]

    project.capsys.readouterr()
    assert report.main() == 0
    output = project.capsys.readouterr().out
    assert "fact_movies" in output
    assert f"{len(deleted)} {'is' if len(deleted) == 1 else 'are'} deleted" in output


def test_the_report_shows_what_to_do_where_there_is_nothing_to_report(project: Project) -> None:
    assert report.main() == 1
    assert "make demo" in project.capsys.readouterr().out
