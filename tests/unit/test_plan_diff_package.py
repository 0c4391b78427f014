"""The base revision of a plan diff runs with its own package, not with that of the working tree."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import duckdb
import pytest

from marquee.ops import log_tables
from marquee.plan_diff import build
from marquee.plan_diff.bronze import FILE
from marquee.plan_diff.build import own_package

CONFIG = """
gateways:
  duckdb:
    connection: {type: duckdb, database: '{{ env_var("MARQUEE_DUCKDB") }}'}
    state_connection: {type: duckdb, database: '{{ env_var("MARQUEE_STATE_DUCKDB") }}'}
default_gateway: duckdb
model_defaults: {dialect: duckdb, start: 2026-01-01}
before_all: ["@mark()"]
"""
MACRO = """
from sqlmesh import macro
from marquee.marks import at_import


@macro()
def mark(evaluator):
    from marquee.ops.log_tables import MARK

    return f"CREATE OR REPLACE TABLE mark AS SELECT '{MARK}' AS name, '{at_import()}' AS at_import"
"""


def revision(folder: Path, name: str) -> Path:
    """A project of one model, whose hook asks the package for its mark."""
    for path, text in {
        "config.yaml": CONFIG,
        "macros/__init__.py": "",
        "macros/mark.py": MACRO,
        "marquee/__init__.py": "",
        "marquee/marks.py": f"def at_import():\n    return {name!r}\n",
        "marquee/ops/__init__.py": "",
        "marquee/ops/log_tables.py": f"MARK = {name!r}\n",
        "models/one.sql": "MODEL (name silver.one, kind FULL); SELECT 1::INT AS one",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_macros_of_each_revision_import_the_package_of_that_revision(tmp_path: Path) -> None:
    bronze = tmp_path / FILE
    with duckdb.connect(str(bronze)) as warehouse:
        warehouse.execute(
            "CREATE SCHEMA bronze; CREATE TABLE bronze.raw_movies AS SELECT TIMESTAMP "
            "'2026-03-01' AS ingested_at"
        )
    for name in ("old", "new"):
        build.build_base(revision(tmp_path / name, name), bronze, tmp_path / f"{name}-built")
        with duckdb.connect(str(tmp_path / f"{name}-built" / FILE)) as warehouse:
            assert warehouse.execute("FROM mark").fetchall() == [(name, name)]
    # And afterwards this process has its own again.
    assert sys.modules["marquee.ops.log_tables"] is log_tables
    assert importlib.import_module("marquee.plan_diff.build") is build


def test_the_package_comes_back_after_a_failure(tmp_path: Path) -> None:
    project = revision(tmp_path, "broken")

    def fail() -> None:
        with own_package(project):
            assert importlib.import_module("marquee.marks").__file__ == str(
                project / "marquee" / "marks.py"
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert "marquee.marks" not in sys.modules
    assert sys.modules["marquee.ops.log_tables"] is log_tables
