"""Snapshots of the warehouse: files that are none, names that hide a schema, clocks set back."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import duckdb
import pytest

from marquee.cli import health
from marquee.monitoring.snapshot import current_snapshot
from marquee.monitoring.store import MissingWarehouse


@pytest.fixture(autouse=True)
def snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARQUEE_COPY_DIR", str(tmp_path / "snapshots"))


@pytest.mark.parametrize("name", ["gold", "Bronze", "OPS", "silver", "snapshots"])
def test_a_file_named_like_a_schema_is_rejected_by_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.duckdb"
    duckdb.connect(str(path)).close()
    with pytest.raises(MissingWarehouse, match=f"cannot be called {name}.duckdb.*MARQUEE_DUCKDB"):
        current_snapshot(path)


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


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(path)).close()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("marquee.monitoring.snapshot.shutil.copyfile", full)
    with pytest.raises(MissingWarehouse, match="The disk is full"):
        current_snapshot(path)


def test_a_file_of_the_future_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(path)).close()
    later = time.time() + 3600  # a clock that was set back since
    os.utime(path, (later, later))
    assert current_snapshot(path).exists()


def test_the_option_of_the_limits_names_its_successor(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        health.main(["--cadence", "cadence.yaml"])
    assert "--cadence is now --thresholds" in capsys.readouterr().err
