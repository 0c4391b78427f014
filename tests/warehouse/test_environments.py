"""Environments, by the commands of docs/runbook.md, and the guards of a plan.

The project's seeds, silver movies and histories only: gold is built on them in other tests.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from sqlmesh.cli.main import cli
from sqlmesh.core.engine_adapter.shared import DataObject, DataObjectType

from macros import plan_guards
from marquee.plan_diff.build import forget_modules
from tests.conftest import finish, in_child
from tests.small_warehouse import Rows, Warehouse, movie

pytestmark = pytest.mark.e2e

KEPT = {
    "silver_movie_observations",
    "silver_movies",
    "silver_genres",
    "silver_movie_genres",
    "snap_silver_movies",
    "snap_dim_genres",
    "rejected_values",
}
SILVER_MOVIES = "silver/silver_movies.sql"
SNAP_SILVER_MOVIES = "snapshots/snap_silver_movies.sql"
SNAP_DIM_GENRES = "snapshots/snap_dim_genres.sql"

FIRST_DAY = "2026-01-01"  # config.yaml's

TABLES = """
SELECT table_schema || '.' || table_name FROM information_schema.tables
WHERE starts_with(table_schema, 'sqlmesh__') ORDER BY ALL
"""
WITHOUT_QUESTIONS = ("--auto-apply", "--no-prompts", "--skip-tests")


class CommandFailed(Exception):
    """A command ended badly; the message is its output."""


def sqlmesh(warehouse: Warehouse, *command: str, answer: str = "") -> str:
    """Type a command of SQLMesh, in a process of its own (see Warehouse.apart); return its output.

    In the warehouse's folder, where files have the names that config.yaml gives them: SQLMesh takes
    up what it has cached of a copy's models only if the settings are the same to the letter.
    """

    def type_it() -> int:
        forget_modules(warehouse.project)
        os.chdir(warehouse.folder)
        for name in ("MARQUEE_DUCKDB", "MARQUEE_STATE_DUCKDB"):
            os.environ.pop(name, None)
        done = CliRunner().invoke(cli, ["--paths", "project", *command], input=answer)
        print(done.output, done.exception)
        return done.exit_code

    output_file = warehouse.folder / "output.txt"
    failed = finish(in_child(output_file, type_it))
    output = output_file.read_text(encoding="utf-8")
    if failed:
        raise CommandFailed(output)
    return output


def plan(warehouse: Warehouse, *arguments: str) -> None:
    sqlmesh(warehouse, "plan", *arguments, *WITHOUT_QUESTIONS)


def path_of(warehouse: Warehouse, model: str) -> Path:
    return warehouse.project / "models" / model  # a copied link is a folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


TITLE = "COALESCE(document.title, document.original_title)"


def shout(warehouse: Warehouse) -> None:
    """A change that breaks what reads silver: titles in capitals."""
    path = path_of(warehouse, SILVER_MOVIES)
    edit(path, f"{TITLE}::TEXT AS title", f"UPPER({TITLE})::TEXT AS title")


def titles(warehouse: Warehouse, schema: str) -> Rows:
    return warehouse.query(f"SELECT title FROM {schema}.silver_movies ORDER BY movie_id")


def schemas(warehouse: Warehouse) -> set[str]:
    return {name for (name,) in warehouse.query("SELECT schema_name FROM duckdb_schemas()")}


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A few models in prod, with two movies; to be copied."""
    folder = tmp_path_factory.mktemp("prod")
    warehouse = Warehouse.create(folder)
    warehouse.land(movie(1), movie(2))
    warehouse.copy_project_to(folder / "project")
    edit(warehouse.project / "config.yaml", "max_rebuild_rows: 5000000", "max_rebuild_rows: 1")
    for model in (warehouse.project / "sqlmesh_project" / "models").rglob("*.sql"):
        if model.stem not in KEPT and model.parent.name != "seeds":
            model.unlink()
    plan(warehouse)
    return warehouse


def copy_of(warehouse: Warehouse, folder: Path) -> Warehouse:
    copy = warehouse.copy_to(folder)
    copy.project = folder / "project"
    return copy


@pytest.fixture
def warehouse(prod: Warehouse, tmp_path: Path) -> Warehouse:
    """A copy of prod and of its project, to be changed."""
    return copy_of(prod, tmp_path)


@pytest.fixture(scope="module")
def proposed(prod: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Prod, and a change of it, allowed, in a pull request's environment; to be copied."""
    warehouse = copy_of(prod, tmp_path_factory.mktemp("proposed"))
    shout(warehouse)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUEE_ALLOW", "silver.silver_movies,silver.silver_movie_genres")
        plan(warehouse, "pr_7", "--start", FIRST_DAY)
    return warehouse


@pytest.fixture
def pull_request(proposed: Warehouse, tmp_path: Path) -> Warehouse:
    """The same, to be changed."""
    return copy_of(proposed, tmp_path)


def test_a_pull_requests_environment_shows_the_change_beside_prod(proposed: Warehouse) -> None:
    assert titles(proposed, "silver__pr_7") == [("FILM 1",), ("FILM 2",)]
    assert titles(proposed, "silver") == [("Film 1",), ("Film 2",)]


def test_an_environment_expires_a_week_after_its_last_plan_and_prod_never_does(
    proposed: Warehouse,
) -> None:
    with duckdb.connect(str(proposed.state_duckdb), read_only=True) as state:
        days = state.execute(
            "SELECT name, epoch_ms(expiration_ts)::DATE - epoch_ms(finalized_ts)::DATE "
            "FROM sqlmesh._environments"
        ).fetchall()
    assert dict(days) == {"pr_7": 7, "prod": None}  # by the date: it is midnight that day
    output = sqlmesh(proposed, "environments")
    assert re.search(r"^pr_7 - 20\d\d-", output, re.MULTILINE), output
    assert "prod - No Expiry" in output


def test_a_run_brings_an_environment_up_to_date_and_leaves_prod(pull_request: Warehouse) -> None:
    pull_request.land(movie(3))
    sqlmesh(pull_request, "run", "pr_7", "--ignore-cron")
    assert titles(pull_request, "silver__pr_7") == [("FILM 1",), ("FILM 2",), ("FILM 3",)]
    assert titles(pull_request, "silver") == [("Film 1",), ("Film 2",)]


def test_a_promotion_and_a_rollback_build_no_table_and_so_no_guard_stops_them(
    pull_request: Warehouse, prod: Warehouse
) -> None:
    built = pull_request.query(TABLES)
    plan(pull_request)
    assert titles(pull_request, "silver") == [("FILM 1",), ("FILM 2",)]
    assert pull_request.query(TABLES) == built

    before = path_of(prod, SILVER_MOVIES).read_text(encoding="utf-8")
    path_of(pull_request, SILVER_MOVIES).write_text(before, encoding="utf-8")
    plan(pull_request)
    assert titles(pull_request, "silver") == [("Film 1",), ("Film 2",)]
    assert pull_request.query(TABLES) == built


def test_an_environment_is_ended_at_once_and_its_tables_are_cleaned_up(
    pull_request: Warehouse,
) -> None:
    built = pull_request.query(TABLES)
    sqlmesh(pull_request, "invalidate", "pr_7", "--sync")
    assert "silver__pr_7" not in schemas(pull_request)
    assert pull_request.query(TABLES) == built, "they stay for a week, in case it comes back"

    sqlmesh(pull_request, "janitor", "--ignore-ttl", answer="y\n")
    assert len(pull_request.query(TABLES)) < len(built)
    assert titles(pull_request, "silver") == [("Film 1",), ("Film 2",)]


def test_the_janitor_cleans_up_what_expired_and_nothing_else(pull_request: Warehouse) -> None:
    sqlmesh(pull_request, "janitor")
    assert "silver__pr_7" in schemas(pull_request)
    with duckdb.connect(str(pull_request.state_duckdb)) as state:
        state.execute("UPDATE sqlmesh._environments SET expiration_ts = 1 WHERE name = 'pr_7'")
    sqlmesh(pull_request, "janitor")
    assert "silver__pr_7" not in schemas(pull_request)
    assert titles(pull_request, "silver") == [("Film 1",), ("Film 2",)]


def test_a_plan_that_drops_a_history_stops_in_prod_until_it_is_allowed(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    path_of(warehouse, SNAP_DIM_GENRES).unlink()
    history = warehouse.rows_of("snapshots")
    reason = "snapshots.snap_dim_genres is no longer in the project: its history would go"
    with pytest.raises(CommandFailed, match=re.escape(reason)):
        plan(warehouse)
    assert warehouse.rows_of("snapshots") == history

    monkeypatch.setenv("MARQUEE_ALLOW", "snapshots.snap_dim_genres")
    plan(warehouse)
    assert list(warehouse.rows_of("snapshots")) == ["snapshots.snap_silver_movies"]


@pytest.mark.parametrize(
    ("model", "column", "options", "reason"),
    [
        # SQLMesh's own guard of a forward-only model
        ("snap_silver_movies", "runtime_minutes", (), "destructive change to a forward-only model"),
        # Marquee's guard, where SQLMesh's lets the change through
        (
            "snap_dim_genres",
            "genre_group",
            ("--allow-destructive-model", "snapshots.snap_dim_genres"),
            "snap_dim_genres would lose the history of genre_group",
        ),
    ],
)
def test_a_plan_that_drops_a_column_of_a_history_stops(
    warehouse: Warehouse, model: str, column: str, options: tuple[str, ...], reason: str
) -> None:
    path = path_of(warehouse, f"snapshots/{model}.sql")
    lines = path.read_text(encoding="utf-8").splitlines()
    last_select = rf"\b{column}::|^    {column} = "
    path.write_text("\n".join(line for line in lines if not re.search(last_select, line)))
    history = warehouse.rows_of("snapshots")
    with pytest.raises(CommandFailed, match=reason):
        plan(warehouse, *options)
    assert warehouse.rows_of("snapshots") == history


class Views:
    """An engine's answer to which views prod has."""

    def __init__(self, dialect: str, *views: str) -> None:
        self.dialect = dialect
        self.views = [view.split(".") for view in views]

    def get_data_objects(self, schema: str) -> list[DataObject]:
        return [
            DataObject(schema=found, name=name, type=DataObjectType.VIEW)
            for found, name in self.views
            if found == schema
        ]


@pytest.mark.parametrize(
    "engine",
    [
        Views("duckdb", "snapshots.snap_dim_fans", "ops.data_quality_results", "ops.run_log"),
        Views("snowflake", "SNAPSHOTS.SNAP_DIM_FANS", "OPS.DATA_QUALITY_RESULTS", "OPS.RUN_LOG"),
    ],
    ids=["duckdb", "snowflake"],
)
def test_the_histories_and_logs_of_prod_are_found_on_both_engines(engine: Views) -> None:
    found = plan_guards._histories_in_prod(engine)
    assert sorted(found) == ["ops.data_quality_results", "snapshots.snap_dim_fans"]


def test_a_history_that_would_forget_superseded_rows_stops_a_plan(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(warehouse.project / "config.yaml", "max_rebuild_rows: 1", "max_rebuild_rows: 5000000")
    history = path_of(warehouse, SNAP_SILVER_MOVIES)
    edit(
        history,
        "execution_time_as_valid_from TRUE,",
        "execution_time_as_valid_from TRUE, forward_only FALSE,",
    )
    edit(history, "is_withdrawn::BOOLEAN", "CAST(is_withdrawn AND TRUE AS BOOLEAN)")
    plan(warehouse)  # nothing is superseded: bronze makes all of it again

    warehouse.land(movie(1), at="2026-02-01 06:00:00")  # late: the period began earlier
    sqlmesh(warehouse, "run", "--ignore-cron")
    edit(history, "is_withdrawn AND TRUE", "TRUE AND is_withdrawn")
    reason = "snap_silver_movies would be emptied; rows that no rebuild restores: 1"
    with pytest.raises(CommandFailed, match=reason):
        plan(warehouse)

    # Nor does it go by way of an environment, whose table has never seen the superseded row.
    plan(warehouse, "pr_7", "--start", FIRST_DAY)
    reason = "replaced by what another environment built; rows that no rebuild restores: 1"
    with pytest.raises(CommandFailed, match=reason):
        plan(warehouse)
    superseded = "SELECT count(*) FROM snapshots.snap_silver_movies WHERE superseded_at IS NOT NULL"
    assert warehouse.query(superseded) == [(1,)]
    monkeypatch.setenv("MARQUEE_ALLOW", "snapshots.snap_silver_movies")
    plan(warehouse)
    assert warehouse.query(superseded) == [(0,)]


def test_a_plan_that_rebuilds_a_large_table_stops_before_it_writes(
    warehouse: Warehouse,
) -> None:
    shout(warehouse)
    tables = warehouse.query(TABLES)
    reasons = r"silver\.silver_movies would be rebuilt: 2 rows, more than max_rebuild_rows \(1\)"
    with pytest.raises(CommandFailed, match=reasons):
        plan(warehouse, "pr_7", "--start", FIRST_DAY)
    assert warehouse.query(TABLES) == tables


def test_a_restatement_of_a_large_table_stops_and_names_what_reads_it(
    warehouse: Warehouse,
) -> None:
    names = "MARQUEE_ALLOW=silver.silver_movie_genres,silver.silver_movies"
    with pytest.raises(CommandFailed, match=names):
        plan(warehouse, "--restate-model", "silver.silver_movies")
