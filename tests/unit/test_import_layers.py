"""`lint-imports` finds an import that breaks a layer; its rules are in pyproject.toml."""

import subprocess
import sys
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest

from marquee.core.settings import ROOT

PACKAGES = ["marquee", "pipelines", "macros", "linter", "benchmarks", "tests"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the Python files and of the rules."""
    folder = tmp_path_factory.mktemp("project")
    copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        copytree(
            ROOT / package,
            folder / package,
            ignore=ignore_patterns("__pycache__", "data", "results", "models", "*.sql", "*.yaml"),
        )
    return folder


@pytest.mark.parametrize(
    ("contract", "file", "statement", "finding"),
    [
        pytest.param(
            "layers",
            "marquee/core/clock.py",
            "from marquee.bronze.tables import Table",
            "marquee.core.clock -> marquee.bronze.tables",
            id="core imports bronze",
        ),
        pytest.param(
            "layers",
            "marquee/bronze/tables.py",
            "def hidden():\n    from marquee.ops import run_log",
            "marquee.bronze.tables -> marquee.ops.run_log",
            id="bronze imports ops inside a function",
        ),
        pytest.param(
            "sources",
            "marquee/sources/tmdb/tables.py",
            "import marquee.sources.studio.tables",
            "marquee.sources.tmdb.tables -> marquee.sources.studio.tables",
            id="a source imports another source",
        ),
        pytest.param(
            "sandbox",
            "marquee/sandbox/genres.py",
            "import marquee.sources.tmdb.tables",
            "marquee.sandbox.genres -> marquee.sources.tmdb.tables",
            id="the sandbox imports the source that it stands for",
        ),
        pytest.param(
            "cli",
            "macros/ranks.py",
            "from marquee.cli import health",
            "macros.ranks",
            id="a macro imports a command line",
        ),
        pytest.param(
            "product",
            "marquee/ops/alerts.py",
            "from tests import conftest",
            "marquee.ops.alerts -> tests.conftest",
            id="the product imports tests",
        ),
        pytest.param(
            "cycles",
            "marquee/sandbox/genres.py",
            "def hidden():\n    from marquee.sandbox import handlers",
            "No cycles are allowed in marquee.sandbox",
            id="a cycle hidden in a function",
        ),
    ],
)
def test_a_planted_import_is_found(
    project: Path, contract: str, file: str, statement: str, finding: str
) -> None:
    path = project / file
    original = path.read_text()
    path.write_text(f"{original}\n\n{statement}\n")
    try:
        run = subprocess.run(
            [
                Path(sys.executable).with_name("lint-imports"),
                *("--contract", contract, "--no-cache"),
            ],
            cwd=project,
            capture_output=True,
            text=True,
        )
    finally:
        path.write_text(original)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "1 broken" in run.stdout
    assert finding in run.stdout
