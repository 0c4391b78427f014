"""Snapshots of the warehouse: files that are none, names that hide a schema, clocks set back."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import duckdb
import pytest
from sqlmesh.core.config import DuckDBConnectionConfig
from sqlmesh.core.macros import RuntimeStage
from sqlmesh.utils.errors import PlanError

from macros.plan_guards import check_plan
from marquee.bronze.destination import duckdb_destination
from marquee.cli import health
from marquee.core.errors import MarqueeError
from marquee.core.settings import Settings
from marquee.monitoring.snapshot import current_snapshot
from marquee.monitoring.store import MissingWarehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """An empty database."""
    path = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(path)).close()
    return path


@pytest.mark.parametrize("name", ["gold", "Bronze", "OPS", "silver", "snapshots"])
def test_a_file_named_like_a_schema_is_rejected_by_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.duckdb"
    duckdb.connect(str(path)).close()
    with pytest.raises(MissingWarehouse, match=f"cannot be called {name}.duckdb.*MARQUEE_DUCKDB"):
        current_snapshot(path)


@pytest.mark.parametrize("catalog", ["gold", "ops", "sqlmesh__gold"])
def test_sqlmesh_rejects_such_a_file_too(catalog: str) -> None:
    evaluator: Any = SimpleNamespace(
        dialect="duckdb",
        locals={"runtime_stage": RuntimeStage.BEFORE_ALL.value},
        engine_adapter=SimpleNamespace(get_current_catalog=lambda: catalog),
    )
    with pytest.raises(PlanError, match=f"cannot be called {catalog}.duckdb.*\\n.*MARQUEE_DUCKDB"):
        check_plan(evaluator)


@pytest.mark.parametrize("given", ["~/linked/warehouse.duckdb", "~/warehouse.duckdb"])
def test_a_home_folder_and_a_link_are_the_same_file_for_sqlmesh_and_for_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """A linked folder, and a link with the same name as the file."""
    (tmp_path / "disk").mkdir()
    duckdb.connect(str(tmp_path / "disk" / "warehouse.duckdb")).close()
    (tmp_path / "linked").symlink_to(tmp_path / "disk")
    (tmp_path / "warehouse.duckdb").symlink_to(tmp_path / "disk" / "warehouse.duckdb")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MARQUEE_DUCKDB", given)
    settings = Settings.from_environment()
    assert settings.duckdb == tmp_path / "disk" / "warehouse.duckdb"
    connection = DuckDBConnectionConfig(database=given)
    with duckdb.connect(given) as of_sqlmesh:
        rows = of_sqlmesh.execute("SELECT path FROM duckdb_databases() WHERE NOT internal")
        assert rows.fetchall() == [(str(settings.duckdb),)]
    assert connection.get_catalog() == settings.duckdb.stem
    assert current_snapshot(settings.duckdb).name == "warehouse.duckdb"
    assert duckdb_destination(settings.duckdb).path == settings.duckdb


def test_a_link_to_a_file_with_another_name_is_rejected(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLMesh's views would contain the link's name."""
    link = warehouse.with_name("movies.duckdb")
    link.symlink_to(warehouse)
    monkeypatch.setenv("MARQUEE_DUCKDB", str(link))
    path = Settings.from_environment().duckdb
    with pytest.raises(MissingWarehouse, match="a link to a file with another name"):
        current_snapshot(path)
    with pytest.raises(MarqueeError, match="Set MARQUEE_DUCKDB to the file itself"):
        duckdb_destination(path)


def test_health_names_the_file_that_is_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_text("not a database" * 1000)
    monkeypatch.setenv("MARQUEE_DUCKDB", str(path))
    began = time.monotonic()
    assert health.main([]) == 1
    output = capsys.readouterr().out
    assert f"FAIL  warehouse  : DuckDB cannot read {path}: " in output
    assert "snapshots" not in output
    assert time.monotonic() - began < 8  # of the 10 seconds that a busy file is waited for


def test_a_full_disk_is_named(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Mock(side_effect=OSError(errno.ENOSPC, "No space left on device"))
    monkeypatch.setattr("marquee.monitoring.snapshot.shutil.copyfile", full)
    with pytest.raises(MissingWarehouse, match="The disk is full"):
        current_snapshot(warehouse)


def test_a_file_of_the_future_is_still_read(warehouse: Path) -> None:
    later = time.time() + 3600  # a clock that was set back since
    os.utime(warehouse, (later, later))
    assert current_snapshot(warehouse).exists()


def test_the_option_of_the_limits_names_its_successor(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        health.main(["--cadence", "cadence.yaml"])
    assert "--cadence is now --thresholds" in capsys.readouterr().err
