"""`lint-imports` finds an import that breaks a layer; its rules are in pyproject.toml."""

import re
import subprocess
import sys
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest

from marquee.core.settings import ROOT

PACKAGES = ["marquee", "pipelines", "macros", "linter", "benchmarks", "tests"]

# The contract that is broken, the file, what is planted in it, and what the report says of it.
PLANTED = [
    (
        "layers",
        "marquee/core/clock.py",
        "from marquee.bronze.tables import Table",
        "marquee.core.clock -> marquee.bronze.tables",
    ),
    (
        "layers",
        "marquee/bronze/tables.py",
        "def hidden():\n    from marquee.ops import run_log",
        "marquee.bronze.tables -> marquee.ops.run_log",
    ),
    (
        "sources",
        "marquee/sources/tmdb/tables.py",
        "import marquee.sources.studio.tables",
        "marquee.sources.tmdb.tables -> marquee.sources.studio.tables",
    ),
    (
        "sandbox",
        "marquee/sandbox/genres.py",
        "import marquee.sources.tmdb.tables",
        "marquee.sandbox.genres -> marquee.sources.tmdb.tables",
    ),
    ("cli", "macros/ranks.py", "from marquee.cli import health", "macros.ranks"),
    (
        "product",
        "marquee/ops/alerts.py",
        "from tests import conftest",
        "marquee.ops.alerts -> tests.conftest",
    ),
    (
        "cycles",
        "marquee/sandbox/genres.py",
        "def hidden():\n    from marquee.sandbox import handlers",
        "No cycles are allowed in marquee.sandbox",
    ),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report on a copy of the Python files in which all is planted."""
    folder = tmp_path_factory.mktemp("project")
    copy(ROOT / "pyproject.toml", folder)
    unused = ignore_patterns("__pycache__", "data", "results", "models", "*.sql", "*.yaml")
    for package in PACKAGES:
        copytree(ROOT / package, folder / package, ignore=unused)
    for _, file, statement, _ in PLANTED:
        with (folder / file).open("a") as planted:
            planted.write(f"\n\n{statement}\n")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("contract", "finding"), [(one, found) for one, _, _, found in PLANTED])
def test_a_planted_import_is_found(report: str, contract: str, finding: str) -> None:
    rules = (ROOT / "pyproject.toml").read_text()
    (name,) = re.findall(rf'id = "{contract}"\nname = "(.+)"', rules)
    assert f"{name} BROKEN" in report
    section = report.partition(f"\n{name}\n---")[2]
    assert finding in re.split(r"\n\S.*\n---+\n", section)[0]
