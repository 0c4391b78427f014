"""What could make a benchmark wrong: its movies, its verdicts, and builds that differ."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import movies as generated
from benchmarks import transform
from benchmarks.baselines import dbt
from benchmarks.environment import BenchmarkEnv
from benchmarks.measure import BenchmarkError, call, run
from benchmarks.results import Benchmark, Goal, markdown, read, record, write
from tests.conftest import TMDB_KEYS

MEASURED = {
    "date": "2026-11-22 06:00 UTC",
    "command": "python benchmarks",
    "revision": "abc",
    "processor": "abacus",
    "cores": 2,
    "memory_gb": 24.0,
    "system": "Linux 6",
    "versions": {"python": "3.11.7"},
}


def versions(*numbers: int) -> list[list[str]]:
    """Documents of 300 movies in each of the versions."""
    with generated.generator() as generator:
        queries = [
            generated.documents(f"SELECT range AS movie_id, {one} AS version FROM range(1, 301)")
            for one in numbers
        ]
        found = [generator.execute(f"{one} ORDER BY movie_id").fetchall() for one in queries]
    return [[text for _, _, text in rows] for rows in found]


@pytest.fixture(scope="module")
def first_and_sixth() -> list[list[str]]:
    return versions(0, 5)


@pytest.fixture
def movies(first_and_sixth: list[list[str]]) -> list[str]:
    return first_and_sixth[0]


def test_the_same_bytes_are_generated_each_time(movies: list[str]) -> None:
    assert versions(0) == [movies]


def test_documents_have_tmdbs_keys_and_ids_of_their_own(movies: list[str]) -> None:
    parsed = [json.loads(text) for text in movies]
    assert [one["id"] for one in parsed] == list(range(1, 301))
    assert all(one.keys() == {*TMDB_KEYS} for one in parsed)
    sizes = [len(text.encode()) for text in movies]
    assert 1000 < sum(sizes) / len(sizes) < 2500


def test_documents_lack_what_tmdb_lacks(movies: list[str]) -> None:
    parsed = [json.loads(text) for text in movies]
    for key in ("revenue", "genres", "production_companies"):
        known = sum(bool(one[key]) for one in parsed)
        assert 0 < known < len(parsed), key
    for one in parsed:
        ids = [company["id"] for company in one["production_companies"]]
        assert len(set(ids)) == len(ids)


def test_a_later_version_differs_in_what_moves_at_tmdb(
    first_and_sixth: list[list[str]],
) -> None:
    for before, after in zip(*first_and_sixth, strict=True):
        old, new = json.loads(before), json.loads(after)
        moved = {key for key in old if old[key] != new[key]}
        assert {"popularity", "vote_count"} <= moved
        assert moved <= {"popularity", "revenue", "vote_count"}


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        (Goal("ratio", 1.5, 1.5), "met"),
        (Goal("ratio", 1.5, 1.51), "missed"),
        (Goal("rate", 38, 38, at_most=False), "met"),
        (Goal("rate", 38, 37.9, at_most=False), "missed"),
        (Goal("ratio", 1.5, 9.0, is_checked=False), "not checked"),
    ],
)
def test_a_goal_is_met_or_missed_by_its_measure(goal: Goal, verdict: str) -> None:
    assert goal.verdict == verdict


def test_results_show_each_goal_beside_its_figure(tmp_path: Path) -> None:
    benchmark = Benchmark(
        "Fetching",
        columns=("limit", "movies/s", "429s"),
        rows=[["40/s", 39.44, 0]],
        goals=[
            Goal("rate", 38, 39.44, "movies/s", at_most=False),
            Goal("memory", 600, 823.8, "MB"),
        ],
        notes=["A note."],
    )
    write(tmp_path, "full", {"fetch": record("fetch", benchmark, MEASURED, 12.34)})

    lines = (tmp_path / "full.md").read_text().splitlines()
    assert "| [fetch](#fetching) | rate | ≥ 38 movies/s | 39.4 movies/s | met |" in lines
    assert "| [fetch](#fetching) | memory | ≤ 600 MB | 824 MB | **missed** |" in lines
    assert "| 40/s | 39.4 | 0 |" in lines
    again = read(tmp_path / "full.json")
    assert [goal["verdict"] for goal in again["fetch"]["goals"]] == ["met", "missed"]
    assert markdown("full", list(again.values())).splitlines() == lines

    older = {"name": "day", "tables": [], "goals": []}
    (tmp_path / "full.json").write_text(json.dumps({"benchmarks": [older, again["fetch"]]}))
    assert list(read(tmp_path / "full.json")) == ["fetch"], "a record of an older form is left out"


def test_builds_that_disagree_are_no_comparison() -> None:
    rows = {"gold.fact_movies": (10, 123), "gold.dim_genres": (20, 456)}
    transform.require_agreement({"sqlmesh": rows, "dbt": dict(rows)})
    with pytest.raises(BenchmarkError, match=r"dbt and sqlmesh disagree on gold\.fact_movies\."):
        transform.require_agreement({"sqlmesh": rows, "dbt": rows | {"gold.fact_movies": (9, 0)}})


def test_a_process_is_measured_with_its_children(tmp_path: Path) -> None:
    taking = "taken = bytearray(300_000_000)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {taking!r}])"
    took = run([sys.executable, "-c", child], cwd=tmp_path, log=tmp_path / "log.txt")
    assert took.peak_mb > 300
    assert took.seconds > 0


def test_a_process_that_fails_ends_the_benchmark_with_its_last_lines(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('it was the butler'); raise SystemExit(3)"]
    with pytest.raises(BenchmarkError, match=r"(?s)ended with 3.*it was the butler"):
        run(command, cwd=tmp_path, log=tmp_path / "log.txt")


def test_a_function_is_measured_in_a_process_of_its_own() -> None:
    took = call(os.getenv, "MARQUEE_DUCKDB", environment={"MARQUEE_DUCKDB": "warehouse.duckdb"})
    assert took.result == "warehouse.duckdb"
    assert took.seconds > 0
    assert call(os.getpid).result != os.getpid()


def test_too_small_a_disk_is_reported_before_anything_is_written(tmp_path: Path) -> None:
    env = BenchmarkEnv(tmp_path / "full", is_quick=False)
    with pytest.raises(BenchmarkError, match="needs 1000000 GB of free disk"):
        env.need_disk(1_000_000)


def test_the_dbt_project_has_our_kinds_and_reads_its_own_models(tmp_path: Path) -> None:
    movies: dict[str, Any] = {
        "schema": "silver",
        "name": "silver_movies",
        "kind": "incremental",
        "key": ["movie_id"],
        "columns": {"movie_id": "BIGINT"},
        "query": 'SELECT r.movie_id FROM "bronze"."raw_movies" AS r '
        'LEFT JOIN "silver"."silver_movies" AS known ON known.movie_id = r.movie_id',
        "audits": ['SELECT * FROM "silver"."silver_movies" WHERE movie_id IS NULL'],
        "reads_itself": True,
    }
    facts = {
        **movies,
        "schema": "gold",
        "name": "fact_movies",
        "kind": "table",
        "query": "SELECT movie_id, 'silver.silver_movies' AS source "
        'FROM "silver"."silver_movies"',
        "audits": [],
        "reads_itself": False,
    }
    steps = tmp_path / "steps.json"
    steps.write_text(json.dumps([movies, facts]))
    dbt.write_project(tmp_path, Path("warehouse.duckdb"), steps, 2, "6GB")

    silver = (tmp_path / "models" / "silver" / "silver_movies.sql").read_text()
    assert "materialized='incremental'" in silver
    assert "unique_key=['movie_id']" in silver
    assert 'FROM "bronze"."raw_movies"' in silver
    assert "{% if is_incremental() %}{{ this }}{% else %}" in silver
    gold = (tmp_path / "models" / "gold" / "fact_movies.sql").read_text()
    assert "materialized='table'" in gold
    assert "'silver.silver_movies' AS source FROM {{ ref('silver_movies') }}" in gold
    audit = (tmp_path / "tests" / "silver_movies_0.sql").read_text()
    assert audit == "SELECT * FROM {{ ref('silver_movies') }} WHERE movie_id IS NULL"
