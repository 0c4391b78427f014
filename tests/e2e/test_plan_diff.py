"""The plan diff: three prepared changes against one base, and the report on them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlmesh.core.model import Model

from marquee.cli import plan_diff
from marquee.core.errors import MarqueeError
from marquee.core.settings import ROOT
from marquee.plan_diff.build import Base, build_base
from marquee.plan_diff.lineage import ROWS, consumers_of_removed, impacted_columns
from marquee.plan_diff.models import Change, ChangeType, Columns, compare_columns, whole_diff
from marquee.plan_diff.report import WarehouseDiff, markdown, verdict
from marquee.plan_diff.revision import merge_base
from tests.small_warehouse import Warehouse, movie

pytestmark = pytest.mark.e2e

SNAP_GENRES = "snapshots/snap_dim_genres.sql"
GENRE_HISTORY = "gold/genre_history.sql"
OBSERVATIONS = "silver/silver_movie_observations.sql"
SILVER_MOVIES = "silver/silver_movies.sql"
FACT_MOVIES = "gold/fact_movies.sql"
KPI_GENRES = "gold/kpi_genre_performance.sql"
KPI_YEARS = "gold/kpi_yearly_trends.sql"
AGG_FRANCHISES = "gold/studio/agg_franchise_performance.sql"


@dataclass(frozen=True)
class Bench:
    """A project to be changed, and a base to compare it with, each with a copy as it was."""

    project: Path
    base: Base
    pristine: Path

    def compare(self, *edits: tuple[str, str, str], patch: Path | None = None) -> WarehouseDiff:
        """Compare the project, with texts replaced in its models, with the base.

        In the same folders each time: SQLMesh keeps what it has read of the other models.
        """
        files = {self.project / "models" / name for name, _, _ in edits}
        apply = ["git", "apply", "--include=sqlmesh_project/*"]
        if patch:
            listed = subprocess.run(
                [*apply, "--numstat", patch], check=True, capture_output=True, text=True
            )
            files |= {self.project / line.split("\t")[2] for line in listed.stdout.splitlines()}
        before = {file: (file.read_text(encoding="utf-8"), file.stat()) for file in files}
        shutil.rmtree(self.base.folder)
        shutil.copytree(self.pristine, self.base.folder)
        try:
            for name, old, new in edits:
                model = self.project / "models" / name
                sql = model.read_text(encoding="utf-8")
                assert old in sql
                model.write_text(sql.replace(old, new), encoding="utf-8")
            if patch:
                # Not a repository: git would apply to the one around it.
                ceiling = {**os.environ, "GIT_CEILING_DIRECTORIES": str(self.project.parent)}
                subprocess.run([*apply, patch], cwd=self.project, env=ceiling, check=True)
            return plan_diff.compare(self.project, self.base, "abcdef0", "main (1234567)")
        finally:
            for file, (text, stat) in before.items():
                file.write_text(text, encoding="utf-8")
                os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Prod of the half of this project that movies need, on three movies."""
    folder = tmp_path_factory.mktemp("bench")
    bronze = Warehouse.create(tmp_path_factory.mktemp("bronze"))
    bronze.land(
        movie(1, budget=10_000_000, revenue=30_000_000),
        movie(2, budget=20_000_000, revenue=10_000_000, runtime=90),
        movie(3, budget=0, revenue=0),
        at="2026-03-01 06:00:00",
    )
    project = folder / "project"
    bronze.copy_project_to(project)
    for layer in ("silver", "gold", "snapshots", "ops"):
        shutil.rmtree(project / "sqlmesh_project" / "models" / layer / "studio")
    (project / "sqlmesh_project" / "models" / "ops" / "quarantine_summary.sql").unlink()
    (project / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "models" / "test_kpi_genre_performance.yaml", project / "tests")
    base = build_base(project, bronze.duckdb, folder / "warehouse")
    shutil.copytree(base.folder, folder / "pristine")
    return Bench(project, base, folder / "pristine")


@pytest.fixture(scope="module")
def new_roi(bench: Bench) -> WarehouseDiff:
    """ROI a hundredth higher than it was."""
    return bench.compare((SILVER_MOVIES, ") * 100, document", ") * 101, document"))


@pytest.fixture(scope="module")
def fact(bench: Bench) -> Model:
    """The model gold.fact_movies of the base."""
    return next(one for one in bench.base.models.values() if one.name == "gold.fact_movies")


def names(diff: WarehouseDiff, change_type: ChangeType) -> list[str]:
    return [change.name for change in diff.changes if change.change_type is change_type]


def test_a_changed_formula_names_the_models_and_the_kpi_columns_that_read_it(
    new_roi: WarehouseDiff,
) -> None:
    assert names(new_roi, ChangeType.DIRECT) == ["silver.silver_movies"]
    assert {change.category for change in new_roi.changes} == {"Breaking", "Indirect Breaking"}
    assert new_roi.impacted["silver.silver_movies"] == ["roi_pct"]
    assert new_roi.impacted["gold.fact_movies"] == ["roi_pct"]
    kpis = {name: names for name, names in new_roi.impacted.items() if ".kpi_" in name}
    assert kpis == {
        "gold.kpi_genre_performance": ["avg_roi_pct", "median_roi_pct", "roi_rank"],
        "gold.kpi_top_movies": ["roi_pct", "roi_rank"],
        "gold.kpi_yearly_trends": ["avg_roi_pct", "median_roi_pct", "roi_rank"],
    }


def test_a_changed_formula_names_the_tables_that_prod_would_rebuild(new_roi: WarehouseDiff) -> None:
    assert new_roi.guard_error is None
    assert (
        "Prod rebuilds `silver.silver_movies`, `silver.silver_movie_companies` and "
        "`silver.silver_movie_genres`, and asks first where one has more than 5,000,000 rows."
    ) in markdown(new_roi, 0)


def test_a_changed_formula_shows_how_many_values_differ_and_the_measure_before_and_after(
    new_roi: WarehouseDiff,
) -> None:
    tables = {table.name: table for table in new_roi.tables}
    silver = tables["silver.silver_movies"]
    assert (silver.rows_before, silver.rows_after) == (3, 3)
    assert (silver.added, silver.removed, silver.changed) == (0, 0, 2)
    assert silver.differing == {"roi_pct": 2}
    # 200 % and -50 %, and a hundredth more of each
    assert [(t.column, t.statistic, t.before, t.after) for t in silver.totals] == [
        ("roi_pct", "mean", "75", "75.75")
    ]
    assert silver.changed_rows[0].key == {"movie_id": "1"}
    assert silver.changed_rows[0].values == {"roi_pct": ("200", "202")}
    assert {name for name, table in tables.items() if table.differs} == {
        "silver.silver_movies",
        "gold.fact_movies",
        "gold.kpi_genre_performance",
        "gold.kpi_top_movies",
        "gold.kpi_yearly_trends",
    }


def test_a_report_begins_with_the_verdict_and_folds_the_rest(new_roi: WarehouseDiff) -> None:
    lines = markdown(new_roi, 12.3).splitlines()
    assert lines[2].startswith("**12 values in 7 columns differ** (`abcdef0` against `main")
    assert "1 model changed directly; 4 of 10 models that read them changed" in lines[2]
    assert "5 KPI columns differ" in lines[2]
    unfolded = re.sub(r"<details.*?</details>", "", "\n".join(lines), flags=re.DOTALL)
    assert len(unfolded.split()) < 120
    assert lines[-1] == "<sub>Compared on the sandbox's data, in 12 s.</sub>"


def test_a_column_renamed_in_silver_is_followed_to_the_kpis_and_changes_no_value(
    bench: Bench,
) -> None:
    diff = bench.compare(
        (SILVER_MOVIES, "::BIGINT AS runtime_minutes", "::BIGINT AS running_minutes"),
        (FACT_MOVIES, "movie.runtime_minutes::", "movie.running_minutes::"),
    )
    assert diff.error is None
    assert names(diff, ChangeType.DIRECT) == ["gold.fact_movies", "silver.silver_movies"]
    silver = next(c for c in diff.changes if c.name == "silver.silver_movies")
    assert silver.category == "Breaking"
    assert silver.columns.renamed == {"runtime_minutes": "running_minutes"}
    assert silver.columns == Columns(renamed=silver.columns.renamed)
    assert diff.impacted == {
        "silver.silver_movies": ["running_minutes"],
        "gold.fact_movies": ["runtime_minutes"],
        "gold.kpi_genre_performance": ["avg_runtime_minutes"],
        "gold.kpi_yearly_trends": ["avg_runtime_minutes"],
    }
    assert {t.name: t.differing for t in diff.tables if t.differs} == {}
    report = markdown(diff, 0)
    assert "`runtime_minutes` is now called `running_minutes`" in report
    assert verdict(diff).startswith("**1 column renamed, no value differs** (")


def test_removed_columns_are_impacted_and_name_their_consumers(bench: Bench) -> None:
    described = "/* Mean of the known running times. */"
    average = f"avg_runtime_minutes::DOUBLE AS avg_runtime_minutes, {described}\n"
    in_minutes = "/* Running time in minutes; NULL when unknown. */"
    diff = bench.compare(
        (FACT_MOVIES, f"  movie.runtime_minutes::BIGINT AS runtime_minutes, {in_minutes}\n", ""),
        (KPI_GENRES, "    runtime_minutes,\n", ""),
        (KPI_GENRES, "    @mean(movie.runtime_minutes) AS avg_runtime_minutes,\n", ""),
        (KPI_GENRES, f"  by_genre.{average}", ""),
        (KPI_YEARS, "    @mean(runtime_minutes) AS avg_runtime_minutes,\n", ""),
        (KPI_YEARS, f"  year.{average}", ""),
    )
    assert diff.error is None
    assert diff.impacted == {
        "gold.fact_movies": ["runtime_minutes"],
        "gold.kpi_genre_performance": ["avg_runtime_minutes"],
        "gold.kpi_yearly_trends": ["avg_runtime_minutes"],
    }
    assert verdict(diff).startswith("**3 columns removed, no value differs** (")
    assert "**2 KPI columns removed**" in verdict(diff)
    report = markdown(diff, 0)
    assert (
        "- removed: `runtime_minutes` BIGINT, which was read by `gold.kpi_genre_performance` "
        "(`avg_runtime_minutes`) and `gold.kpi_yearly_trends` (`avg_runtime_minutes`)"
    ) in report
    assert "- `gold.kpi_yearly_trends`: `avg_runtime_minutes` (removed)" in report


def test_a_change_that_prods_plan_guard_would_reject_says_so_in_the_verdict(bench: Bench) -> None:
    diff = bench.compare(
        (SNAP_GENRES, "    genre_group = 'The family of genres it is reported with.',\n", ""),
        (SNAP_GENRES, "(genre_id, genre_name, genre_group,", "(genre_id, genre_name,"),
        (SNAP_GENRES, "(genre_name, genre_group,", "(genre_name,"),
        (SNAP_GENRES, "  genre_group::TEXT AS genre_group,\n", ""),
        (GENRE_HISTORY, "  genre_group::TEXT AS genre_group", "  'Other'::TEXT AS genre_group"),
    )
    assert diff.error is None
    assert verdict(diff).endswith("**prod's plan guard would reject it**.")
    report = markdown(diff, 0)
    assert "snapshots.snap_dim_genres would lose the history of genre_group" in report
    assert "MARQUEE_ALLOW=snapshots.snap_dim_genres" in report


def test_all_columns_of_a_removed_model_are_impacted(bench: Bench, fact: Model) -> None:
    going = Change(
        name=fact.name,
        change_type=ChangeType.REMOVED,
        category="Breaking",
        columns=compare_columns(fact, None),
        before=fact,
    )
    others = [one for one in bench.base.models.values() if one is not fact]
    assert impacted_columns(others, [going]) == {fact.name: list(fact.columns_to_types or {})}
    readers = consumers_of_removed(bench.base.models.values(), [going])
    rois = ["avg_roi_pct", "median_roi_pct", "roi_rank"]
    assert readers["gold.fact_movies", "roi_pct"]["gold.kpi_yearly_trends"] == rois
    assert readers["gold.fact_movies", "vote_count"]["gold.kpi_top_movies"][-1] == ROWS


def test_a_model_that_is_added_or_removed_is_shown_whole(fact: Model) -> None:
    removed, added = whole_diff(fact, None), whole_diff(None, fact)
    assert "\n-  CAST(movie.roi_pct AS DOUBLE) AS roi_pct" in removed
    assert "\n+  CAST(movie.roi_pct AS DOUBLE) AS roi_pct" in added
    assert "def " not in added, "no macro's Python"
    assert compare_columns(None, fact).added["roi_pct"] == "DOUBLE"
    assert compare_columns(fact, None).removed == compare_columns(None, fact).added


def test_a_key_that_is_renamed_still_finds_its_rows_and_one_that_is_removed_none(
    bench: Bench,
) -> None:
    grain = (KPI_YEARS, "  grain release_year,", "  grain premiere_year,")
    checked = (KPI_YEARS, "(release_year, movie_count)", "(premiere_year, movie_count)")
    unique = (KPI_YEARS, "      release_year\n    )),", "      premiere_year\n    )),")
    ranged = (KPI_YEARS, '"column" := release_year, min', '"column" := premiere_year, min')
    named = (KPI_YEARS, "::INT AS release_year", "::INT AS premiere_year")
    edits = (grain, checked, unique, ranged)

    renamed = bench.compare(*edits, named)
    assert renamed.error is None
    (table,) = renamed.tables
    assert (table.rows_before > 0, table.differs) == (True, False)

    another = "CAST(year.release_year + 1 AS INT) AS premiere_year"
    moved = bench.compare(*edits, (KPI_YEARS, "year.release_year::INT AS release_year", another))
    assert moved.error is None
    (table,) = moved.tables
    assert (table.added, table.removed, table.changed) == (table.rows_after, table.rows_before, 0)


def test_the_worked_example_adds_columns_and_changes_no_value(bench: Bench) -> None:
    diff = bench.compare(patch=ROOT / "docs" / "examples" / "add-a-field.patch")
    assert diff.error is None
    # Its histories are built again for the preview, with other versions of their sources.
    assert "snapshots.snap_silver_movies" in {table.name for table in diff.tables}
    assert verdict(diff).startswith("**4 columns added, no value differs** (")


def test_a_table_that_gets_new_rows_only_does_not_lose_those_it_has(bench: Bench) -> None:
    flag = "@movie_flag(adult)::BOOLEAN AS is_adult_content,"
    diff = bench.compare((OBSERVATIONS, flag, f"{flag} 1::INT AS one,"))
    assert diff.error is None
    history = next(one for one in diff.changes if one.name == "snapshots.snap_silver_movies")
    assert history.category == "Indirect Non-breaking"
    assert verdict(diff).startswith("**1 column added, no value differs** (")


def test_a_comment_is_no_change(bench: Bench) -> None:
    diff = bench.compare((KPI_GENRES, "/* Of the data, not", "/* Of the movies, not"))
    assert verdict(diff).startswith("**No change** (`abcdef0` against `main (1234567)`): ")
    assert "only comments or format differ in `gold.kpi_genre_performance`" in verdict(diff)
    assert diff.real_changes == []
    assert (diff.impacted, diff.tables) == ({}, [])
    assert diff.is_good


def test_an_audit_and_a_unit_test_that_a_change_breaks_are_named(bench: Bench) -> None:
    diff = bench.compare((KPI_GENRES, "> 0) * 100,", "> 0) * 1000,"))
    assert verdict(diff) == "**Does not build** (`abcdef0` against `main (1234567)`)."
    assert "'accepted_range' audit error: 2 rows failed" in markdown(diff, 0)
    assert "test_genre_measures_by_hand" in diff.checks.tests_failed


def test_nothing_changed_is_reported_in_one_line(bench: Bench) -> None:
    diff = bench.compare()
    model_count = diff.model_count
    assert model_count > 20
    lines = markdown(diff, 5).splitlines()
    assert lines[2] == (
        "**No change** (`abcdef0` against `main (1234567)`): "
        f"{model_count} models, columns and rows are the same."
    )
    assert len(lines) == 5


def test_a_change_that_does_not_parse_says_so(bench: Bench) -> None:
    diff = bench.compare((FACT_MOVIES, "FROM silver.silver_movies AS movie", "FROM FROM"))
    assert diff.error is not None
    assert "fact_movies" in diff.error


@pytest.mark.parametrize(
    ("python", "reason"),
    [("def broken(:\n", "SyntaxError"), ("import no_such_module\n", "No module named")],
)
def test_a_macro_that_cannot_be_imported_is_a_change_that_does_not_build(
    bench: Bench, python: str, reason: str
) -> None:
    macro = bench.project / "sqlmesh_project" / "macros" / "broken.py"
    macro.write_text(python, encoding="utf-8")
    try:
        diff = bench.compare()
    finally:
        macro.unlink()
    assert verdict(diff) == "**Does not build** (`abcdef0` against `main (1234567)`)."
    assert reason in str(diff.error)


def test_a_clone_without_secrets_writes_the_same_report_twice(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone of git")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    model = clone / "sqlmesh_project" / "models" / AGG_FRANCHISES
    sql = model.read_text(encoding="utf-8")
    divisor = ", described.title_count)"
    assert divisor in sql
    model.write_text(sql.replace(divisor, ", described.title_count / 2)"), encoding="utf-8")
    reports = []
    for name in ("first.md", "second.md"):
        command = [sys.executable, "-m", "marquee.cli.plan_diff", "--base", "HEAD", "--out", name]
        environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
        done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True)
        assert done.returncode == 1, done.stderr  # the unit test of the formula fails
        reports.append((clone / name).read_text(encoding="utf-8").splitlines())
    first, second = reports
    assert first[2].partition(": ")[2] == (
        "1 model changed directly; none of 1 model that read them changed; SQLMesh's category: "
        "Breaking; 1 KPI column differs; **1 check failed**."
    )
    assert first[2].startswith("**5 values in 1 column differ** (")
    assert "- `gold.agg_franchise_performance`: `avg_gross_per_title_usd` (differs)" in first
    assert first[:-1] == second[:-1]


def test_a_base_that_git_does_not_know_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(MarqueeError, match="git finds no base 'nowhere'"):
        merge_base(tmp_path, "nowhere")
