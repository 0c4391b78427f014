"""A warehouse of version 0.1 becomes one of this version by one plan."""

from __future__ import annotations

import tarfile
from pathlib import Path

from marquee.core.settings import ROOT
from tests.small_warehouse import Warehouse

# Seven movies and a small studio after a plan and two refreshes of revision 46c3b82: a movie that
# was deleted, one that came back, a late response, a renamed genre and a renamed company.
OLD_WAREHOUSE = ROOT / "tests" / "fixtures" / "warehouse-0.1.tar.xz"

MOVIES = """
SELECT movie_id, budget_usd, revenue_usd, vote_average, popularity_score, status, runtime_minutes,
  valid_from, valid_to FROM {} ORDER BY ALL
"""
GENRES = """
SELECT genre_id, genre_name, genre_group, is_blockbuster_genre, valid_from, valid_to FROM {}
ORDER BY ALL
"""
FACTS = "SELECT COLUMNS(*) FROM gold.{} ORDER BY ALL"
UNCHANGED = ("fact_movies", "bridge_movie_genres", "bridge_movie_companies", "dim_genres")


def test_one_plan_upgrades_a_warehouse_and_keeps_its_histories(tmp_path: Path) -> None:
    with tarfile.open(OLD_WAREHOUSE) as files:
        files.extractall(tmp_path, filter="data")
    warehouse = Warehouse(tmp_path)
    movies = warehouse.query(MOVIES.format("snapshots.snap_silver_movies"))
    genres = warehouse.query(GENRES.format("snapshots.snap_dim_genres"))
    facts = [warehouse.query(FACTS.format(table)) for table in UNCHANGED]
    assert (len(movies), len(genres)) == (11, 4)

    warehouse.plan()

    assert warehouse.query(MOVIES.format("gold.movie_history")) == movies
    assert warehouse.query(GENRES.format("gold.genre_history")) == genres
    assert [warehouse.query(FACTS.format(table)) for table in UNCHANGED] == facts
    # Nothing of the old tables is taken for a correction.
    assert warehouse.query(
        "SELECT count(*) FROM snapshots.snap_silver_movies WHERE correction_number > 0"
    ) == [(0,)]
