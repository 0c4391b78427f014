"""Dagster's code location, in Dagster's environment: definitions, jobs, and the UI in Chromium."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from marquee.core.settings import ROOT
from marquee.sources.tmdb.tables import TABLES
from tests.e2e.browser import CHROMIUM, open_browser, served

BIN = ROOT / ".cache" / "dagster" / "bin"
MODULE = "marquee.orchestration.definitions"
pytestmark = [
    pytest.mark.dagster,
    pytest.mark.skipif(
        not (BIN / "dagster").exists(), reason="no Dagster: make .cache/dagster/installed"
    ),
]
SILVER, GOLD = "silver/silver_movies", "gold/fact_movies"
TMDB = [f"bronze/{table.name}" for table in TABLES]


def environment(folder: Path) -> dict[str, str]:
    """An instance and a warehouse of their own, loaded from the sandboxes."""
    shutil.copy(ROOT / "marquee" / "orchestration" / "dagster.yaml", folder)
    return {
        **os.environ,
        "DAGSTER_HOME": str(folder),
        "MARQUEE_SANDBOX": "1",
        "MARQUEE_DUCKDB": str(folder / "warehouse.duckdb"),
        "MARQUEE_STATE_DUCKDB": str(folder / "state.duckdb"),
        "MARQUEE_DLT_DIR": str(folder / "dlt"),
        "MAX_FORK_WORKERS": "1",
    }


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
    )


def job(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run a job, or some assets of it; return what became of them."""
    done = run(folder, "python", "-m", "tests.e2e.dagster_jobs", *arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The job full_refresh on an empty warehouse."""
    folder = tmp_path_factory.mktemp("dagster")
    return folder, job(folder, "full_refresh")


def test_the_definitions_load(tmp_path: Path) -> None:
    done = run(tmp_path, "dagster", "definitions", "validate", "-m", MODULE)
    assert done.returncode == 0, done.stderr
    assert f"Validation successful for code location {MODULE}" in done.stdout + done.stderr


def test_a_job_shows_what_it_built(loaded: tuple[Path, dict[str, Any]]) -> None:
    folder, report = loaded
    assert report["is_success"]
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        for name in ("bronze/raw_movies", SILVER, GOLD):
            ((count,),) = connection.execute(
                f"SELECT count(*) FROM {name.replace('/', '.')}"
            ).fetchall()
            assert report["built"][name]["dagster/row_count"] == count > 0
        ((built,),) = connection.execute("SELECT count(*) FROM ops.model_log").fetchall()
    layers = ("silver/", "snapshots/", "gold/", "ops/")
    models = {name: of for name, of in report["built"].items() if name.startswith(layers)}
    assert len(models) == built
    assert all(of["seconds"] >= 0 for of in models.values())
    assert report["checks"][f"{SILVER} not_null"]
    assert "health healthy" in report["checks"]
    assert len(report["checks"]) > 150


def test_an_audit_that_fails_appears_at_its_asset_and_stops_what_is_downstream(
    loaded: tuple[Path, dict[str, Any]],
) -> None:
    folder, _ = loaded
    warehouse = str(folder / "warehouse.duckdb")
    with duckdb.connect(warehouse) as connection:
        ((table,),) = connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
            "WHERE table_name LIKE 'silver__silver_movies__%'"
        ).fetchall()
        newest = f"(SELECT max(_source_load_number) FROM {table})"
        connection.execute(
            f"UPDATE {table} SET revenue_usd = -1, profit_usd = NULL, "
            f"_source_load_number = {newest} WHERE movie_id = (SELECT min(movie_id) FROM {table})"
        )
    other = "silver/stg_titles"  # of the studio
    report = job(folder, "transform_only", SILVER, GOLD, other)
    assert not report["is_success"]
    failed = {name for name, is_passed in report["checks"].items() if not is_passed}
    assert failed
    assert {name.split()[0] for name in failed} == {SILVER}
    assert set(report["built"]) == {other}


def test_what_may_succeed_later_is_tried_again_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb.lock").touch()
    holder = (
        "import sys; from pathlib import Path; from marquee.core.lock import run_lock\n"
        "with run_lock(Path(sys.argv[1])): print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [str(BIN / "python"), "-c", holder, str(tmp_path / "warehouse.duckdb.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        assert job(tmp_path, "full_refresh", *TMDB)["retries"] == 1
        process.communicate("\n")
    (tmp_path / "warehouse.duckdb").write_bytes(b"no database" * 1000)
    report = job(tmp_path, "full_refresh", *TMDB)
    assert (report["is_success"], report["retries"]) == (False, 0)


@pytest.fixture
def address(loaded: tuple[Path, dict[str, Any]]) -> Iterator[str]:
    """`dagster dev` on a free port."""
    folder, _ = loaded
    command = [str(BIN / "dagster"), "dev", "-h", "127.0.0.1", "-m", MODULE, "-p"]
    log = folder / "dagster.log"
    with served(command, environment(folder), log, "/server_info") as address:
        yield address


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium")
def test_the_ui_shows_the_assets_of_each_layer(address: str, tmp_path: Path) -> None:
    with open_browser(viewport={"width": 1600, "height": 1000}) as page:
        page.goto(f"{address}/locations/{MODULE}/jobs/full_refresh")
        page.get_by_text("full_refresh").first.wait_for()
        page.goto(f"{address}/asset-groups/~?expanded=sources,bronze,silver,gold")
        for group in ("sources", "bronze", "silver", "snapshots", "gold", "ops", "monitoring"):
            page.get_by_text(group, exact=True).first.wait_for()
        page.wait_for_timeout(3000)
        folder = os.environ.get("MARQUEE_SCREENSHOTS")
        page.screenshot(path=Path(folder or tmp_path) / "dagster.png")
