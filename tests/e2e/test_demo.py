"""The first hour: the tour, the ten questions, the export and the dashboard on its warehouse."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from streamlit.testing.v1 import AppTest

from marquee.core.settings import ROOT
from marquee.dashboard.pages import PAGES
from tests.conftest import alone
from tests.questions import BLOCK, PAGE, result_table, with_results

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        alone(patch, tmp_path_factory.mktemp("tour") / "project")
        return {**os.environ, "COLUMNS": "80"}


def command(environment: dict[str, str], name: str, *arguments: str, code: int = 0) -> str:
    """Run a script of `pipelines` as people do; return what it prints."""
    ended = subprocess.run(
        [sys.executable, f"pipelines/{name}.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def tour(environment: dict[str, str]) -> str:
    """What `make tour` prints on an empty warehouse."""
    return command(environment, "tour")


def test_the_tour_shows_what_each_day_changes(tour: str) -> None:
    assert tour.count("of the movies, batch") == 3
    for shown in (
        *("Day 0 of the movies, batch 1", "Day 2 of the movies, batch 2", "Fans who moved"),
        *("What changed, beyond popularity", "Box office that the studio corrected"),
        *("Histories", "snap_dim_fans", "account type TRIAL is not mapped"),
        *("make dashboard", "make demo DAY=3", "make demo BATCH=3"),
    ):
        assert shown in tour, shown
    assert "error" not in tour
    assert max(len(line) for line in tour.splitlines() if "INFO" not in line) <= 80


def test_the_page_has_the_results_of_the_ten_questions(
    tour: str, environment: dict[str, str]
) -> None:
    page = PAGE.read_text()
    assert len(BLOCK.findall(page)) == 10
    assert "silver." not in "".join(sql for sql, _ in BLOCK.findall(page))
    with duckdb.connect(environment["MARQUEE_DUCKDB"], read_only=True) as connection:
        for sql, result in BLOCK.findall(page):
            assert result_table(connection, sql) == result, sql
        assert with_results(page, connection) == page


def test_a_demo_after_the_tour_goes_on_and_never_back(
    tour: str, environment: dict[str, str]
) -> None:
    assert "Nothing new: the warehouse has day 2 and batch 2." in command(environment, "demo")
    assert "older figures" in command(environment, "demo", "--day", "0", code=2)
    assert "older figures" in command(environment, "demo", "--batch", "1", code=2)


def test_the_queries_of_the_page_on_tools_run_on_the_snapshot(
    tour: str, environment: dict[str, str]
) -> None:
    page = (ROOT / "docs" / "connect.md").read_text()
    (notebook,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (shell,) = re.findall(r'^duckdb -readonly \S+ "(.*)"$', page, re.MULTILINE)
    folder = Path(environment["MARQUEE_DUCKDB"]).parent
    code = f"{notebook}\nprint(len(top), len(gold.sql({shell!r}).df()))"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["10", "10"]


def test_gold_is_exported(tour: str, environment: dict[str, str], tmp_path: Path) -> None:
    assert "as .parquet and .csv" in command(environment, "export", "--out", str(tmp_path))
    ((exported, movies),) = duckdb.sql(
        f"SELECT COUNT(*), COUNT(DISTINCT movie_id) FROM '{tmp_path}/fact_movies.parquet'"
    ).fetchall()
    assert exported == movies > 3000


def test_descriptions_are_comments_of_the_warehouse(tour: str, environment: dict[str, str]) -> None:
    with duckdb.connect(environment["MARQUEE_DUCKDB"], read_only=True) as connection:
        (columns, described) = connection.execute(
            "SELECT COUNT(*), COUNT(shown.comment) FROM duckdb_columns() AS shown "
            "JOIN duckdb_views() USING (database_name, schema_name) "
            "WHERE schema_name = 'gold' AND table_name = view_name"
        ).fetchone() or (0, 0)
    assert described == columns > 200


@pytest.mark.parametrize("name", [name for name in PAGES if name != "lineage"])
def test_every_page_shows_the_tour(
    tour: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("MARQUEE_DUCKDB", environment["MARQUEE_DUCKDB"])
    script = (
        "from marquee.core.settings import Settings\n"
        "from marquee.dashboard.pages import PAGES\n"
        "from marquee.monitoring.store import DuckDBStore\n"
        "path = Settings.from_environment().duckdb\n"
        f"PAGES['{name}'][2](DuckDBStore(path), path, None)\n"
    )
    shown = AppTest.from_string(script, default_timeout=120).run()
    assert not shown.exception
    assert shown.title[0].value == PAGES[name][0]
