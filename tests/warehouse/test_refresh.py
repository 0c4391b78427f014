"""`make refresh`: plans what changed, runs what has not read the newest load, or does neither."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb
import pytest

from marquee.cli import refresh
from marquee.core.lock import lock_file, run_lock
from marquee.monitoring.snapshot import snapshot_file
from marquee.monitoring.store import DuckDBStore
from marquee.plan_diff.build import forget_modules
from tests.conftest import finish, in_child
from tests.small_warehouse import Warehouse

FILMS = """
MODEL (
  name silver.films,
  kind FULL,
  description 'One row per film.',
  grain movie_id,
  column_descriptions (movie_id = 'The key.'),
  audits (not_null(columns := (movie_id)))
);

SELECT
  movie_id::BIGINT AS movie_id
FROM bronze.raw_movies
"""
POPULAR = FILMS.replace("silver.films", "gold.popular").replace("bronze.raw_movies", "silver.films")
LOADS = "CREATE TABLE IF NOT EXISTS bronze._dlt_loads (load_id TEXT, status BIGINT, inserted_at {})"


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Bronze of one film in one load, and a project of two models."""
    (tmp_path / "small").mkdir()
    warehouse = Warehouse.create(tmp_path / "small")
    warehouse.copy_project_to(tmp_path / "project")
    models = warehouse.project / "sqlmesh_project" / "models"
    shutil.rmtree(models)
    for layer, name, text in (("silver", "films", FILMS), ("gold", "popular", POPULAR)):
        (models / layer).mkdir(parents=True)
        (models / layer / f"{name}.sql").write_text(text)
    monkeypatch.setattr(refresh, "ROOT", warehouse.project)
    load(warehouse, 1)
    return warehouse


def load(warehouse: Warehouse, movie_id: int) -> None:
    warehouse.execute(LOADS.format("TIMESTAMPTZ"))
    warehouse.land({"id": movie_id})
    warehouse.execute(
        "INSERT INTO bronze._dlt_loads (load_id, status, inserted_at) "
        f"VALUES ('{movie_id}', 0, current_timestamp)"
    )


def load_without_rows(warehouse: Warehouse) -> None:
    """What a pipeline leaves that found nothing new: its state, and a run of 0 rows."""
    warehouse.execute(
        "INSERT INTO bronze._dlt_loads (load_id, status, inserted_at) "
        "VALUES ('empty', 0, current_timestamp);"
        "INSERT INTO ops.load_log (load_id, run_id, row_count) VALUES ('empty', 'run', 1);"
        "INSERT INTO ops.run_log (run_id, tool, job, status, row_count) "
        "VALUES ('run', 'dlt', 'tmdb', 'SUCCEEDED', 0)"
    )


def refreshed(warehouse: Warehouse, *arguments: str) -> list[tuple[str, bool]]:
    """Refresh as a process; return each model that was evaluated, and whether by a plan."""
    before = warehouse.query("SELECT run_id FROM ops.run_log") if has_log(warehouse) else []

    def act() -> int:
        os.environ["MARQUEE_DUCKDB"] = str(warehouse.duckdb)
        os.environ["MARQUEE_STATE_DUCKDB"] = str(warehouse.state_duckdb)
        return refresh.main(arguments)

    def forget() -> None:
        forget_modules(warehouse.project)

    output = warehouse.folder / "output.txt"
    assert finish(in_child(output, forget, act)) == 0, output.read_text(encoding="utf-8")
    return [
        (name, job == "plan")
        for run_id, name, job in warehouse.query(
            "SELECT run_id, table_name, job FROM ops.model_log JOIN ops.run_log USING (run_id) "
            "ORDER BY model_log.started_at, table_name"
        )
        if (run_id,) not in before
    ]


def has_log(warehouse: Warehouse) -> bool:
    return bool(warehouse.query("FROM duckdb_tables() WHERE table_name = 'run_log'"))


def test_a_refresh_evaluates_what_is_new_or_changed_and_nothing_twice(warehouse: Warehouse) -> None:
    films, popular = ("silver.films", "gold.popular")
    assert refreshed(warehouse) == [(films, True), (popular, True)]
    assert refreshed(warehouse) == []
    assert "Prod is up to date" in (warehouse.folder / "output.txt").read_text(encoding="utf-8")
    assert refreshed(warehouse, "--skip-plan") == []
    ended = warehouse.query("SELECT status FROM ops.run_log ORDER BY started_at")
    commands = warehouse.query("SELECT DISTINCT tool, process_id IS NULL FROM ops.run_log")
    assert commands == [("sqlmesh", False)]
    assert ended == [("SUCCEEDED",)] * 3  # so that `make health` sees that somebody looked

    load_without_rows(warehouse)
    assert refreshed(warehouse, "--skip-plan") == []

    load(warehouse, 2)
    assert refreshed(warehouse, "--skip-plan") == [(films, False), (popular, False)]
    assert warehouse.query("FROM gold.popular ORDER BY ALL") == [(1,), (2,)]

    model = warehouse.project / "sqlmesh_project" / "models" / "gold" / "popular.sql"
    model.write_text(POPULAR + "WHERE movie_id > 1\n")
    assert refreshed(warehouse) == [(popular, True)]
    assert warehouse.query("FROM gold.popular ORDER BY ALL") == [(2,)]

    load(warehouse, 3)  # both at once: what the plan has built of old rows is run again
    model.write_text(POPULAR + "WHERE movie_id > 2\n")
    evaluated = refreshed(warehouse)
    assert (films, False) in evaluated
    assert (popular, False) in evaluated
    assert warehouse.query("FROM gold.popular ORDER BY ALL") == [(3,)]


def test_a_table_that_a_plan_leaves_is_run_after_the_plan_has_rebuilt_what_it_reads(
    warehouse: Warehouse,
) -> None:
    models = warehouse.project / "sqlmesh_project" / "models"
    kind = "INCREMENTAL_BY_UNIQUE_KEY (unique_key movie_id, forward_only TRUE)"
    log = POPULAR.replace("gold.popular", "gold.log").replace("kind FULL", f"kind {kind}")
    (models / "gold" / "log.sql").write_text(log)
    refreshed(warehouse)
    load(warehouse, 2)
    refreshed(warehouse)

    (models / "silver" / "films.sql").write_text(FILMS.replace("::BIGINT", "::BIGINT + 10"))
    evaluated = refreshed(warehouse)
    assert ("silver.films", True) in evaluated
    assert ("gold.log", False) in evaluated
    assert warehouse.query("FROM gold.log ORDER BY ALL") == [(1,), (2,), (11,), (12,)]
    assert refreshed(warehouse) == []


def test_the_first_refresh_is_a_plan_and_readers_get_a_snapshot_of_it(
    warehouse: Warehouse,
) -> None:
    assert refreshed(warehouse, "--skip-plan") == [("silver.films", True), ("gold.popular", True)]
    snapshot = snapshot_file(warehouse.duckdb)
    assert snapshot == warehouse.folder / "snapshot" / "warehouse.duckdb"
    with duckdb.connect(str(snapshot), read_only=True) as reader:
        assert reader.execute("FROM gold.popular").fetchall() == [(1,)]
        load(warehouse, 2)
        assert refreshed(warehouse, "--skip-plan") != []
        assert reader.execute("FROM gold.popular").fetchall() == [(1,)], "it keeps what it opened"
    store = DuckDBStore(snapshot)
    assert store.frame("FROM gold.popular ORDER BY ALL")["movie_id"].tolist() == [1, 2]
    store.close()


def test_a_refresh_beside_another_run_is_to_be_tried_again(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARQUEE_DUCKDB", str(warehouse.duckdb))
    with run_lock(lock_file(warehouse.folder, warehouse.duckdb)):
        assert refresh.main([]) == 75
    assert f"process {os.getpid()}" in capsys.readouterr().err
