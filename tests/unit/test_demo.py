"""`make demo` knows where a warehouse is; what it prints fits a terminal and agrees."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from marquee.catalog import llms
from marquee.cli import demo, export, report
from marquee.core import progress
from marquee.core.settings import ROOT
from marquee.core.text import counted
from marquee.lineage.project import Audit, Column, Table
from marquee.monitoring.checks import CheckResult, with_remedy
from marquee.sandbox.loaded import Loaded
from tests.conftest import Project

RUNS = [
    ("tmdb", "tmdb.py --sandbox", "SUCCEEDED"),
    ("tmdb", "tmdb.py --sandbox --day 2 --pages 500", "FAILED"),
    ("studio", "studio.py --sandbox --batch=1", "SUCCEEDED"),
]


def test_the_newest_day_counts_also_if_it_was_interrupted() -> None:
    loaded = Loaded.of(RUNS)
    assert (loaded.day, loaded.batch) == (2, 1)
    assert loaded.days == {0: True, 2: False}
    assert (Loaded().day, Loaded().batch) == (0, 1)


DEMOS: dict[str, tuple[list[tuple[str, str, str]], str, str, str]] = {
    "the first one": (
        [],
        "",
        "tmdb --sandbox --day 0 --pages 500; studio --sandbox --batch 1; refresh",
        "",
    ),
    "after an interruption": (RUNS, "", "tmdb --sandbox --day 2 --pages 500; refresh", ""),
    "every batch up to the wanted one, and the day stays": (
        [*RUNS, ("tmdb", "tmdb.py --sandbox --day 2", "SUCCEEDED")],
        "--batch 3",
        "studio --sandbox --batch 2; studio --sandbox --batch 3; refresh",
        "",
    ),
    "nothing new": (
        [RUNS[0], RUNS[2]],
        "",
        "refresh",
        "Nothing new: the warehouse has day 0 and batch 1.",
    ),
    "never back": (RUNS, "--day 1", "", "DAY=1 would put older figures over newer ones"),
}


@pytest.mark.parametrize("name", DEMOS)
def test_a_demo_loads_what_is_missing_and_nothing_else(project: Project, name: str) -> None:
    runs, arguments, expected, printed = DEMOS[name]
    commands: list[str] = []

    def pipeline(name: str) -> demo.Pipeline:
        def load(options: Sequence[str]) -> int:
            assert sys.argv[1:] == list(options)
            commands.append(f"{name} {' '.join(options)}")
            return 0

        return load

    def refresh() -> int:
        commands.append("refresh")
        return 0

    project.monkeypatch.setattr(demo, "refresh", refresh)
    project.monkeypatch.setattr(report, "main", lambda: 0)
    if runs:
        with duckdb.connect(str(project.duckdb)) as connection:
            connection.execute("CREATE SCHEMA ops")
            connection.execute("CREATE TABLE ops.run_log (job TEXT, command TEXT, status TEXT)")
            connection.executemany("INSERT INTO ops.run_log VALUES (?, ?, ?)", runs)
    pipelines = {name: pipeline(name) for name in ("tmdb", "studio")}
    assert demo.main(arguments.split(), pipelines) == (0 if expected else 2)
    assert "; ".join(commands) == expected
    output = project.capsys.readouterr()
    assert printed in (output.out if expected else output.err)


@pytest.mark.parametrize("position", [(None, None), (0, 1), (2, 3), (41, None)])
def test_next_steps_start_with_the_dashboard_and_go_on_from_the_day(
    position: tuple[int | None, int | None],
) -> None:
    steps = report.next_steps(*position)
    commands = [command for command, _ in steps]
    assert commands[0] == "make dashboard"
    assert ("make tour" in commands) == (position[0] == 0)
    assert (f"make demo DAY={(position[0] or 0) + 1}" in commands) == (position[0] is not None)
    assert "make demo BATCH=4" not in commands
    width = max(map(len, commands))
    assert all(len(f"  {command:<{width}}  {purpose}") <= 80 for command, purpose in steps)
    assert max(map(len, report.QUERIES.splitlines())) <= 80


def test_a_narrow_terminal_cuts_titles_and_no_figures() -> None:
    shown = io.StringIO()
    table = report.titled("What changed", "title", "column", "before", "now")
    title = "Indiana Jones and the Kingdom of the Crystal Skull"
    table.add_row(report.title_cell(title), "revenue_usd", "$2,810,630,124", "$2,824,748,003")
    Console(file=shown, width=60).print(table)
    (row,) = [line for line in shown.getvalue().splitlines() if "Indiana" in line]
    assert "…" in row
    assert [one.strip() for one in row.split("│")[2:5]] == [
        *("revenue_usd", "$2,810,630,124", "$2,824,748,003")
    ]


def test_the_bar_shows_its_numbers_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=80, force_terminal=True, color_system=None)
    monkeypatch.setattr(progress, "Console", lambda **_: console)
    with progress.Progress() as bar:
        bar.stage("fetching movies", 3039, "movie", 3038)
        bar.advance("3,039 new, 0 changed, 0 unchanged, 0 missing, 0 quarantined, and a long note")
    lines = re.sub(r"\x1b\[[?0-9]*[a-zA-Z]", "\n", shown.getvalue()).splitlines()
    drawn = [line for line in lines if "3039/3039" in line]
    assert drawn
    assert "3,039 new, 0 chan" in drawn[-1]
    assert max(map(len, lines)) <= 80


def test_words_and_numbers_agree() -> None:
    assert [counted(n, "file") for n in (0, 1, 2, 1000)] == [
        *("0 files", "1 file", "2 files", "1,000 files")
    ]


def test_a_failing_check_ends_with_what_to_do() -> None:
    subject = "silver.stg_fan_interactions.account_type unknown_account_type_count"
    failing = with_remedy(CheckResult("metric", subject, False, "55, at most 0 is tolerated"))
    assert failing.message.endswith("to do: map it in seeds/account_types.csv, then make refresh")
    passed = CheckResult("disk", "/", True, "78.8 GB free")
    assert with_remedy(passed) is passed


def test_gold_is_exported_with_its_dictionary_and_without_formulas(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("CREATE SCHEMA gold; CREATE SCHEMA silver")
        connection.execute(
            "CREATE VIEW gold.films AS SELECT * FROM (VALUES (2, 'Amélie', NULL), "
            "(1, '=1+1', 2.50::DECIMAL(18, 2))) AS films(movie_id, title, revenue_usd)"
        )
        connection.execute("COMMENT ON VIEW gold.films IS 'One row per film.'")
        connection.execute("COMMENT ON COLUMN gold.films.title IS 'Title.'")
        connection.execute("CREATE VIEW silver.hidden AS SELECT 1 AS one")
    assert export.export(warehouse, tmp_path / "out") == ["films"]
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"films.csv", "films.parquet", "data_dictionary.csv"}
    with (tmp_path / "out" / "films.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [
            ["movie_id", "title", "revenue_usd"],
            ["1", "'=1+1", "2.50"],
            ["2", "Amélie", ""],
        ]
    parquet = tmp_path / "out" / "films.parquet"
    assert duckdb.sql(f"SELECT title FROM '{parquet}'").fetchall() == [("=1+1",), ("Amélie",)]
    dictionary = (tmp_path / "out" / "data_dictionary.csv").read_text("utf-8-sig").splitlines()
    assert "films,One row per film.,title,VARCHAR,Title." in dictionary


def test_llms_txt_has_tables_joins_measures_and_questions() -> None:
    def table(name: str, audits: tuple[Audit, ...] = ()) -> Table:
        column = Column("genre_sk", "TEXT", "The genre.", is_key=True, parents=())
        unknown = dict.fromkeys(("cron", "file", "definition", "query"), "")
        return Table(
            name,
            layer=name.partition(".")[0],
            kind="FULL",
            description=f"One row per {name}.",
            columns=(column,),
            parents=(),
            audits=audits,
            tests=(),
            **unknown,
        )

    join = Audit(
        "relationship",
        "key := genre_sk, parent := gold.dim_genres, parent_key := genre_sk",
        frozenset({"genre_sk"}),
        is_blocking=True,
    )
    others = ("gold.dim_genres", "ops.data_quality_results", "silver.hidden")
    tables = [table("gold.bridge", (join,)), *map(table, others)]
    text = llms.page({one.name: one for one in tables}, ROOT)
    assert "One row per gold.bridge.\nKey: genre_sk." in text
    assert "- gold.bridge.genre_sk = gold.dim_genres.genre_sk" in text
    assert "silver.hidden" not in text
    assert "METRIC" in text
    assert "## Ten questions in SQL" in text
    assert "### 1. Which genre earns most per dollar?" in text
    assert "](" not in text  # a link would lead to a file beside docs/questions.md
