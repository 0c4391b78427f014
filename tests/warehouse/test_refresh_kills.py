"""Killed anywhere in `sqlmesh plan` or `sqlmesh run`, a refresh is made up for by the next one.

DuckDB commits each statement that SQLMesh sends, and what SQLMesh knows of it is in another file.
So a kill between two statements is the worst there is: a table emptied and not filled again, a
table written and not noted as written, an environment taken out of the state and not put back.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmesh.utils.errors import SQLMeshError

from tests.crash_points import Kill, is_killed
from tests.small_warehouse import Rows, Warehouse, company, genre, movie

pytestmark = pytest.mark.slow

LAYERS = ("silver", "snapshots", "gold", "ops")

WHILE_THE_STATE_IS_MADE = Kill("INSERT INTO sqlmesh._versions")

# In the order of a refresh; each takes up what the one before has left.
KILLS_IN_FIRST_PLAN = {
    "in the audits of the movies": Kill("FROM warehouse.sqlmesh__silver.silver__silver_movies"),
    "with prod out of the state": Kill("INSERT INTO sqlmesh._environments"),
}
KILLS_IN_RUN = {
    "with observations about to be inserted": Kill(
        "INSERT INTO warehouse.sqlmesh__silver.silver__silver_movie_observations"
    ),
    "with movies deleted": Kill("INSERT INTO warehouse.sqlmesh__silver.silver__silver_movies"),
    "with pairs deleted": Kill("INSERT INTO warehouse.sqlmesh__silver.silver__silver_movie_genres"),
    "with companies about to be replaced": Kill(
        "CREATE OR REPLACE TABLE warehouse.sqlmesh__silver.silver__silver_production_companies"
    ),
    "with history about to be replaced": Kill(
        "CREATE OR REPLACE TABLE warehouse.sqlmesh__snapshots.snapshots__snap_silver_movies"
    ),
    "in the audits of the facts": Kill("FROM warehouse.sqlmesh__gold.gold__fact_movies", 3),
}
KILLS_IN_PLAN = {
    "with prod out of the state": Kill("INSERT INTO sqlmesh._environments"),
    "with the views in place and prod not final": Kill("UPDATE sqlmesh._environments"),
}


def killed_at_each(
    kills: dict[str, Kill], warehouse: Warehouse, action: Callable[[], None]
) -> None:
    for where, kill in kills.items():
        output_file = warehouse.folder / "output.txt"
        assert is_killed(output_file, kill.arm, action), (
            f"not killed {where}: {output_file.read_text()}"
        )


def rows(warehouse: Warehouse) -> dict[str, Rows]:
    """What does not depend on when it was loaded, nor on how often it was measured."""
    tables = warehouse.current_rows_of(*LAYERS)
    del tables["ops.data_quality_results"]
    return tables


def rebuild(warehouse: Warehouse, folder: Path) -> dict[str, Rows]:
    """What the same bronze gives undisturbed."""
    twin = warehouse.copy_to(folder)
    twin.forget_all_but_bronze()
    twin.plan()
    return rows(twin)


def add_column(warehouse: Warehouse) -> None:
    model = warehouse.project / "sqlmesh_project" / "models" / "silver" / "silver_movies.sql"
    sql = model.read_text(encoding="utf-8")
    model.write_text(
        sql.replace(
            "'tmdb'::TEXT AS _source,", "1::INT AS shoe_size, /* New. */ 'tmdb'::TEXT AS _source,"
        ),
        encoding="utf-8",
    )


def assert_nothing_is_left_to_do(warehouse: Warehouse) -> None:
    with warehouse.context() as context:
        plan = context.plan_builder(skip_tests=True).build()
        assert not plan.has_changes
        assert not plan.missing_intervals


def test_a_state_that_was_interrupted_in_its_making_is_deleted_by_hand(tmp_path: Path) -> None:
    """The one kill that needs a hand (docs/runbook.md); a newer SQLMesh may need none."""
    (tmp_path / "killed").mkdir()
    warehouse = Warehouse.create(tmp_path / "killed")
    warehouse.land(movie(1), at="2026-03-01 06:00:00")
    assert is_killed(tmp_path / "output.txt", WHILE_THE_STATE_IS_MADE.arm, warehouse.plan)
    with pytest.raises(SQLMeshError, match="migration failed"):
        warehouse.plan()
    warehouse.delete_state()
    with warehouse.context(load=False) as context:
        assert context.state_sync.get_environments() == []


def test_a_refresh_killed_at_its_worst_points_is_repaired(tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    warehouse = Warehouse.create(tmp_path / "killed")
    # Genres and companies of these movies alone are seen once, and not again for weeks.
    early = [movie(one, production_companies=[company(one, f"C {one}")]) for one in range(1, 30)]
    warehouse.land(*early, movie(30, genres=[genre(99, "Rare")]), at="2026-03-01 06:00:00")
    first = "2026-03-01 07:00:00"
    killed_at_each(KILLS_IN_FIRST_PLAN, warehouse, lambda: warehouse.plan(execution_time=first))
    warehouse.plan(execution_time=first)
    later = "2026-03-08 07:00:00"
    warehouse.refresh(execution_time=later, end=later)

    warehouse.land(
        *(movie(one, revenue=one, genres=[genre(18)]) for one in range(1, 6)),
        movie(31, budget=-5),
        {"movie_id": 7, "success": False},
        at="2026-03-09 06:00:00",
    )
    killed_at_each(KILLS_IN_RUN, warehouse, warehouse.refresh)
    warehouse.refresh()  # before a changed model is planned: see docs/runbook.md
    warehouse.copy_project_to(tmp_path / "project")
    add_column(warehouse)
    killed_at_each(KILLS_IN_PLAN, warehouse, warehouse.plan)
    warehouse.plan()
    warehouse.refresh()
    assert rows(warehouse) == rebuild(warehouse, tmp_path / "twin")

    warehouse.apart(lambda: assert_nothing_is_left_to_do(warehouse))
