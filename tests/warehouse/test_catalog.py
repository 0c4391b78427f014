"""The catalog's content: every model and column is there, links resolve, lineage is right."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from html import unescape
from pathlib import Path

import duckdb
import pytest
from sqlmesh.core.context import Context

from marquee.catalog.history import History, TableHistory, read_history
from marquee.catalog.llms import read_questions
from marquee.catalog.pictures import Lineage
from marquee.catalog.site import Site, anchor, curve, page_of
from marquee.core.settings import ROOT
from marquee.lineage.layout import place
from marquee.lineage.project import Table, tables_of
from marquee.monitoring.store import DuckDBStore
from marquee.ops.log_tables import TABLES as LOG_TABLES
from tests.small_warehouse import Warehouse

LAYERS = {name: "" for name in ("bronze", "silver", "snapshots", "gold", "ops")}
FACT = "gold.fact_movies"
BUILT = TableHistory(
    built_at=datetime(2026, 3, 1, 6, 5),
    status="SUCCEEDED",
    seconds=1.25,
    counts=[1000, 1234],
    failing={"not_null": 0, "relationship": 2},
)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    with Warehouse(tmp_path_factory.mktemp("project")).context() as context:
        yield context


@pytest.fixture(scope="module")
def tables(context: Context) -> dict[str, Table]:
    return tables_of(context, ROOT)


@pytest.fixture(scope="module")
def pages(tables: dict[str, Table], tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    """Every page of a site of the whole project, with a past of one table."""
    folder = tmp_path_factory.mktemp("site")
    history = History(
        {FACT: BUILT}, {"job": "run", "started_at": datetime(2026, 3, 1, 6), "status": "SUCCEEDED"}
    )
    assert Site(tables, history, LAYERS).write(folder) == folder / "index.html"
    return {page: page.read_text(encoding="utf-8") for page in folder.rglob("*.html")}


def page(pages: dict[Path, str], name: str) -> str:
    (text,) = (text for path, text in pages.items() if path.name == f"{name}.html")
    return text


def test_every_model_has_a_page_with_all_its_columns(
    context: Context, pages: dict[Path, str]
) -> None:
    index = page(pages, "index")
    for model in context.models.values():
        assert f'href="{page_of(model.name)}"' in index
        own = page(pages, model.name)
        columns = list(model.columns_to_types or {})
        assert re.findall(r'<details class="column" id="([^"]+)"', own) == [*map(anchor, columns)]
        text = unescape(own)
        assert str(model.description) in text
        assert all(meaning in text for meaning in (model.column_descriptions or {}).values())


def test_every_link_leads_to_a_file_of_the_site_and_to_a_place_in_it(
    pages: dict[Path, str],
) -> None:
    ids = {path: set(re.findall(r' id="([^"]+)"', text)) for path, text in pages.items()}
    count = 0
    for path, text in pages.items():
        for link in set(re.findall(r' (?:href|src)="([^"]*)"', text)):
            file, _, place_in_it = unescape(link).partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.is_file(), f"{path.name}: {link}"
            assert not place_in_it or place_in_it in ids[target], f"{path.name}: {link}"
            count += 1
    assert count > 1000


def test_a_page_has_the_audits_the_tests_and_the_sql_of_its_model(
    context: Context, pages: dict[Path, str]
) -> None:
    text = unescape(re.sub(r"</?span[^>]*>", "", page(pages, FACT)))
    model = context.get_model(FACT, raise_if_missing=True)
    for audit, _ in model.audits_with_args:
        assert f"<strong>{audit.name}</strong>" in text
    tests = [test.test_name for test in context.select_tests() if test.model_name == FACT]
    assert tests
    assert all(f"<strong>{name}</strong>" in text for name in tests)
    source = ROOT / "sqlmesh_project" / "models" / "gold" / "fact_movies.sql"
    assert source.read_text(encoding="utf-8").strip() in text
    assert "macros written out" in text


def test_a_seeds_page_shows_its_rows(pages: dict[Path, str]) -> None:
    text = page(pages, "silver.seed_months")
    assert "<th>release_season</th>" in text
    assert text.count("<tr>") == 13  # a head and twelve months


def test_rows_last_run_and_failing_audits_are_those_of_the_run_log(pages: dict[Path, str]) -> None:
    text = page(pages, FACT)
    assert "<dd>1,234</dd>" in text
    assert "2026-03-01 06:05" in text
    assert "succeeded, 1.2 s" in text
    assert 'aria-label="Rows of the last 2 runs: 1,000 to 1,234"' in text
    assert '<span class="bad">2 rows</span>' in text
    assert "1,234 rows" in page(pages, "index")
    assert "last built" not in page(pages, "gold.dim_dates")


def test_a_columns_lineage_goes_from_the_kpi_to_bronze(tables: dict[str, Table]) -> None:
    lineage = Lineage(tables)
    assert lineage.columns.parents["gold.kpi_top_movies", "roi_rank"] == [
        (FACT, "budget_usd"),
        (FACT, "roi_pct"),
    ]
    assert ("gold.kpi_yearly_trends", "avg_roi_pct") in lineage.columns.children[FACT, "roi_pct"]
    picture = lineage.of_column("gold.kpi_top_movies", "roi_rank", "{}#{}".format)
    assert set(re.findall(r'href="([^"]+)"', picture)) == {
        *("bronze.raw_movies#raw_data", "gold.kpi_top_movies#roi_rank"),
        *(f"silver.silver_movie_observations#{one}_usd" for one in ("budget", "revenue")),
        *(f"silver.silver_movies#{one}" for one in ("budget_usd", "roi_pct")),
        *(f"{FACT}#{one}" for one in ("budget_usd", "roi_pct")),
    }


def test_a_tables_lineage_has_all_before_it_and_all_after_it(tables: dict[str, Table]) -> None:
    lineage = Lineage(tables)
    related = lineage.graph.related("silver.silver_genres")
    assert {"bronze.raw_genres", "gold.dim_genres", "gold.kpi_genre_performance"} <= related
    assert "gold.agg_fan_retention" not in related
    near = lineage.of_neighbors("silver.silver_genres", str)
    assert "gold.kpi_genre_performance" not in near


def test_the_history_is_read_from_the_run_log(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE SCHEMA ops")
        for table, columns in LOG_TABLES.items():
            connection.execute(f"CREATE TABLE ops.{table} ({columns})")
        connection.execute("""
            INSERT INTO ops.run_log (run_id, tool, job, started_at, status) VALUES
            ('1', 'sqlmesh', 'plan', '2026-03-01 06:00', 'SUCCEEDED'),
            ('2', 'sqlmesh', 'run', '2026-03-02 06:00', 'FAILED'),
            ('3', 'dlt', 'tmdb', '2026-03-03 06:00', 'SUCCEEDED');
            INSERT INTO ops.model_log (table_name, status, started_at, duration_seconds) VALUES
            ('gold.a', 'SUCCEEDED', '2026-03-01 06:01', 3),
            ('gold.a', 'FAILED', '2026-03-02 06:01', 4);
            INSERT INTO ops.row_counts (counted_at, table_name, row_count) VALUES
            ('2026-03-02 06:02', 'gold.a', 7), ('2026-03-01 06:02', 'gold.a', 5);
            INSERT INTO ops.audit_results (audited_at, table_name, audit_name, failing_row_count)
            VALUES ('2026-03-01 06:02', 'gold.a', 'b', 9), ('2026-03-02 06:02', 'gold.a', 'b', 2);
        """)
    with closing(DuckDBStore(file)) as store:
        history = read_history(store)
    second = datetime(2026, 3, 2, 6)
    assert history.newest_run == {"job": "run", "started_at": second, "status": "FAILED"}
    past = history.of("gold.a")
    built_at = second.replace(minute=1)
    assert (past.built_at, past.status, past.seconds) == (built_at, "FAILED", 4)
    assert (past.counts, past.row_count, past.failing) == ([5, 7], 7, {"b": 2})
    assert history.of("gold.never_built").row_count is None


def test_a_warehouse_without_a_run_log_has_no_history(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(file)).close()
    with closing(DuckDBStore(file)) as store:
        assert read_history(store) == History()


def test_a_graph_is_placed_from_left_to_right_without_needless_crossings() -> None:
    nodes = ["a", "b", "c", "d", "e"]
    edges = [("a", "d"), ("b", "c"), ("c", "e"), ("d", "e"), ("a", "e")]
    placed = place(nodes, edges, 20)
    assert placed.columns == {"a": 0, "b": 0, "c": 1, "d": 1, "e": 2}
    middles = placed.middles
    assert (middles["a"] < middles["b"]) == (middles["d"] < middles["c"])
    assert abs(middles["a"] - middles["b"]) >= 20
    assert [column for column, _ in placed.edge_paths["a", "e"]] == [0, 1, 2]
    shuffled = random.Random(1).sample(edges, len(edges))
    assert place(nodes, shuffled, 20) == placed


def test_a_source_stands_beside_the_first_that_reads_it() -> None:
    placed = place(["a", "b", "c", "seed"], [("a", "b"), ("b", "c"), ("seed", "c")], 20)
    assert placed.columns["seed"] == 1


def test_a_curve_needs_two_counts_and_stays_in_its_frame() -> None:
    assert curve([5]) == ""
    assert 'points="0.0,26.0 60.0,2.0 120.0,14.0"' in curve([0, 10, 5])


def test_a_table_shows_the_questions_that_it_answers(tables: dict[str, Table]) -> None:
    questions = read_questions(ROOT)
    assert len(questions) == 10
    site = Site(tables, History(), LAYERS, questions)
    of_history = [one.title for one in site.questions_of("gold.movie_history")]
    assert of_history[0] == "What was known about a movie on a date?"
    assert site.questions_of("silver.silver_movies") == []
