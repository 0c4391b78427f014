"""A warehouse and a vault of version 0.1 become those of this version, and nothing is lost."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import duckdb

from marquee.core.settings import ROOT
from marquee.sources.studio import encryption
from marquee.sources.studio.settings import derived_vault_key
from marquee.sources.studio.tokens import Tokens
from tests.conftest import Project
from tests.pipelines.test_studio_cli import KEY, Folder, interaction
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


def test_one_command_upgrades_a_vault_and_who_was_forgotten_stays_so(
    project: Project, tmp_path: Path
) -> None:
    folder = Folder(project, tmp_path / "feed")
    folder.write("fan_interactions/a.jsonl", *(interaction(n, fan_id=f"F{n}") for n in (1, 2)))
    assert folder.load().code == 0
    assert folder.load("--forget", "F1").code == 0
    make_it_one_of_0_1(project)
    people = rows_of_vault(project, None)
    assert [row[2] for row in people] == ["F2"]
    assert "--encrypt-vault" in folder.load().err

    assert folder.load("--encrypt-vault").code == 0

    folder.write(  # the forgotten fan's event again, in another file
        "fan_interactions/b.jsonl", interaction(1, fan_id="F1"), interaction(3, fan_id="F3")
    )
    ended = folder.load()
    assert ended.code == 0
    assert "forgotten fans'          1 lines left out" in ended.out
    after = rows_of_vault(project, derived_vault_key(KEY))
    assert [row for row in after if row[2] != "F3"] == people
    tokens = [Tokens(KEY).fan(f"F{n}") for n in (1, 2, 3)]
    assert project.query(
        "SELECT fan_token IN ($1), fan_token IN ($2, $3), count(*) "
        "FROM bronze.raw_fan_interactions GROUP BY ALL ORDER BY ALL".replace("$1", f"'{tokens[0]}'")
        .replace("$2", f"'{tokens[1]}'")
        .replace("$3", f"'{tokens[2]}'")
    ) == [(False, False, 1), (False, True, 2)], "F1's row has a random token"


def make_it_one_of_0_1(project: Project) -> None:
    """Version 0.1 did not encrypt the vault, and did not count erasures."""
    encryption.rewrite(project.vault, derived_vault_key(KEY), None)
    with duckdb.connect(str(project.vault)) as connection:
        connection.execute("DROP TABLE secure.erasures")
    with duckdb.connect(str(project.duckdb)) as connection:
        connection.execute("DROP TABLE ops.studio_erasures")


def rows_of_vault(project: Project, key: str | None) -> list[tuple[Any, ...]]:
    query = "FROM secure.pii_vault ORDER BY fan_id"
    if key is None:
        with duckdb.connect(str(project.vault), read_only=True) as connection:
            return connection.execute(query).fetchall()
    with encryption.open_vault(project.vault, key, read_only=True) as connection:
        found: list[tuple[Any, ...]] = connection.execute(query).fetchall()
        return found
