"""`make disk`: what uses the space, and what is left after CLEAN=1."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from marquee.cli import disk
from marquee.core.lock import lock_file, run_lock
from marquee.core.settings import Settings
from marquee.monitoring.snapshot import current_snapshot
from tests.conftest import Project

ROWS = "SELECT range AS n, hash(range)::TEXT AS text FROM range(300000)"


@pytest.fixture
def full(project: Project, tmp_path: Path) -> Project:
    """A warehouse with free blocks, a snapshot, old logs and environments."""
    root = tmp_path / "root"
    for name in (".venvs/1", ".venvs/2", "logs", ".cache/sqlmesh"):
        (root / name).mkdir(parents=True)
        (root / name / "file").write_bytes(b"x" * 1000)
    os.symlink(".venvs/2", root / ".venv")
    project.monkeypatch.setattr(disk, "ROOT", root)
    with duckdb.connect(str(project.duckdb)) as connection:
        connection.execute(f"CREATE TABLE kept AS SELECT 1 AS n; CREATE TABLE old AS {ROWS}")
        connection.execute("CREATE VIEW seen AS FROM warehouse.main.kept; CHECKPOINT")
        connection.execute("DROP TABLE old; CHECKPOINT")
    current_snapshot(project.duckdb)
    return project


def test_each_part_is_listed_with_what_may_go(full: Project) -> None:
    assert disk.main([]) == 0
    lines = full.capsys.readouterr().out.splitlines()
    removable = {line.split(": ")[1] for line in lines if line.endswith("(removable)")}
    assert {one.removesuffix("  (removable)") for one in removable} == {
        "the read-only snapshot",
        "SQLMesh's logs",
        "caches",
        "an old environment",
    }
    (warehouse,) = (line for line in lines if line.endswith(": the warehouse"))
    (free,) = (line for line in lines if line.endswith("are free blocks"))
    assert float(warehouse.split()[0]) > float(free.split()[0]) > 1


def test_clean_removes_what_can_be_made_again_and_nothing_else(
    full: Project, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    size = full.duckdb.stat().st_size
    # Not in the folder of a project: the janitor fails, and the other steps go on.
    assert disk.main(["--clean"]) == 0
    assert full.query("FROM seen") == [(1,)]
    assert full.duckdb.stat().st_size < size / 2
    assert not (full.folder / "snapshot").exists()
    assert [one.name for one in (root / ".venvs").iterdir()] == ["2"]
    assert not (root / "logs" / "file").exists()
    assert not (root / ".cache").exists()


def test_nothing_is_removed_while_a_run_is_active(full: Project) -> None:
    settings = Settings.from_environment()
    with run_lock(lock_file(settings.dlt_dir, settings.duckdb)):
        assert disk.main(["--clean"]) == 75
    assert (full.folder / "snapshot").exists()
