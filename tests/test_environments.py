"""Environments, from a pull request's own to its clean-up, and the guards of a plan.

The project's seeds, silver movies and histories only: gold is built on them in other tests.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlmesh.utils.errors import SQLMeshError
from warehouse import Rows, Warehouse, movie

KEPT = {
    "silver_movies",
    "silver_genres",
    "silver_movie_genres",
    "snap_silver_movies",
    "snap_dim_genres",
}
SILVER_MOVIES = "silver/silver_movies.sql"
SNAP_DIM_GENRES = "snapshots/snap_dim_genres.sql"

FIRST_DAY = "2026-01-01"  # config.yaml's

TABLES = """
SELECT table_schema || '.' || table_name FROM information_schema.tables
WHERE starts_with(table_schema, 'sqlmesh__') ORDER BY ALL
"""
TITLE = "SELECT title FROM {}.silver_movies"


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A few models in prod, with three movies; to be copied."""
    folder = tmp_path_factory.mktemp("prod")
    warehouse = Warehouse.create(folder)
    warehouse.land(movie(1), movie(2), movie(3))
    warehouse.copy_project_to(folder / "project")
    for model in (warehouse.project / "sqlmesh_project" / "models").rglob("*.sql"):
        if model.stem not in KEPT and model.parent.name != "seeds":
            model.unlink()
    warehouse.plan()
    return warehouse


@pytest.fixture
def warehouse(prod: Warehouse, tmp_path: Path) -> Warehouse:
    """A copy of prod and of its project, to be changed."""
    copy = prod.copy_to(tmp_path)
    copy.project = tmp_path / "project"
    return copy


def path_of(warehouse: Warehouse, model: str) -> Path:
    return warehouse.project / "models" / model  # a copied link is a folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def shout(warehouse: Warehouse) -> None:
    """A change that breaks what reads silver: titles in capitals."""
    old = "COALESCE(cleaned.title, cleaned.original_title)::TEXT AS title"
    new = "UPPER(COALESCE(cleaned.title, cleaned.original_title))::TEXT AS title"
    edit(path_of(warehouse, SILVER_MOVIES), old, new)


def titles(warehouse: Warehouse, schema: str) -> Rows:
    return warehouse.query(TITLE.format(schema) + " WHERE movie_id = 1")


def test_a_pull_requests_environment_is_promoted_rolled_back_and_cleaned_up(
    warehouse: Warehouse,
) -> None:
    before = path_of(warehouse, SILVER_MOVIES).read_text(encoding="utf-8")
    shout(warehouse)
    warehouse.plan("pr_7", start=FIRST_DAY)
    assert titles(warehouse, "silver__pr_7") == [("FILM 1",)]
    assert titles(warehouse, "silver") == [("Film 1",)]

    built = warehouse.query(TABLES)
    warehouse.plan()
    assert titles(warehouse, "silver") == [("FILM 1",)]
    assert warehouse.query(TABLES) == built, "a promotion builds no table"

    path_of(warehouse, SILVER_MOVIES).write_text(before, encoding="utf-8")
    warehouse.plan()
    assert titles(warehouse, "silver") == [("Film 1",)]
    assert warehouse.query(TABLES) == built, "a rollback builds no table"

    with warehouse.context() as context:
        context.invalidate_environment("pr_7")
        context.run_janitor(ignore_ttl=True)
    assert warehouse.query("FROM duckdb_schemas() WHERE schema_name = 'silver__pr_7'") == []
    assert len(warehouse.query(TABLES)) < len(built), "the table that nobody shows is gone"
    assert titles(warehouse, "silver") == [("Film 1",)]


def test_an_environment_expires_a_week_after_its_last_plan(warehouse: Warehouse) -> None:
    warehouse.plan("pr_8")
    with warehouse.context() as context:
        environment = context.state_reader.get_environment("pr_8")
        prod = context.state_reader.get_environment("prod")
    assert environment is not None
    assert prod is not None
    assert environment.expiration_ts is not None
    days = (environment.expiration_ts - int(environment.finalized_ts or 0)) / 86_400_000
    assert round(days) == 7
    assert prod.expiration_ts is None


def test_a_plan_that_drops_a_history_stops_in_prod_until_it_is_allowed(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    path_of(warehouse, SNAP_DIM_GENRES).unlink()
    history = warehouse.rows_of("snapshots")
    reason = "snapshots.snap_dim_genres is no longer in the project: its history would go"
    with pytest.raises(SQLMeshError, match=re.escape(reason)):
        warehouse.plan()
    assert warehouse.rows_of("snapshots") == history

    monkeypatch.setenv("MARQUEE_ALLOW", "snapshots.snap_dim_genres")
    warehouse.plan()
    assert list(warehouse.rows_of("snapshots")) == ["snapshots.snap_silver_movies"]


@pytest.mark.parametrize(
    ("model", "column", "reason"),
    [
        # SQLMesh's own guard of a forward-only model
        ("snap_silver_movies", "runtime_minutes", "destructive change to a forward-only model"),
        ("snap_dim_genres", "genre_group", "snap_dim_genres would lose the history of genre_group"),
    ],
)
def test_a_plan_that_drops_a_column_of_a_history_stops(
    warehouse: Warehouse, model: str, column: str, reason: str
) -> None:
    path = path_of(warehouse, f"snapshots/{model}.sql")
    lines = path.read_text(encoding="utf-8").splitlines()
    last_select = rf"\b{column}::|^    {column} = "
    path.write_text("\n".join(line for line in lines if not re.search(last_select, line)))
    history = warehouse.rows_of("snapshots")
    with pytest.raises(SQLMeshError, match=reason):
        warehouse.plan()
    assert warehouse.rows_of("snapshots") == history


def test_a_plan_that_builds_a_large_table_anew_stops_before_it_writes(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(warehouse.project / "config.yaml", "max_rebuild_rows: 5000000", "max_rebuild_rows: 2")
    shout(warehouse)
    tables = warehouse.query(TABLES)
    reason = r"silver\.silver_movies would be built anew: 3 rows, more than max_rebuild_rows \(2\)"
    with pytest.raises(SQLMeshError, match=reason):
        warehouse.plan("pr_7", start=FIRST_DAY)
    assert warehouse.query(TABLES) == tables

    monkeypatch.setenv("MARQUEE_ALLOW", "silver.silver_movies")
    warehouse.plan("pr_7", start=FIRST_DAY)
    monkeypatch.delenv("MARQUEE_ALLOW")
    warehouse.plan()  # built by now: nothing is rebuilt
    assert titles(warehouse, "silver") == [("FILM 1",)]
