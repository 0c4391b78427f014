"""The whole path on Snowflake, emulated: two days, from the sandbox to gold, beside DuckDB."""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlmesh.core.context import Context

from macros.quality import METRICS
from marquee.cli import refresh
from marquee.core.clock import utcnow
from marquee.core.settings import ROOT
from marquee.dashboard import pages as dashboard
from marquee.dashboard import queries
from marquee.dashboard.bundle import write_bundle
from marquee.monitoring.checks import check_all
from marquee.monitoring.store import DuckDBStore, SnowflakeStore, Store
from marquee.monitoring.thresholds import read_thresholds
from marquee.sandbox.movies import load
from marquee.sandbox.server import Sandbox
from marquee.sandbox.studio import TOKEN_KEY, write_batch
from pipelines import studio, tmdb
from tests.conftest import alone
from tests.fakes.emulator.account import NEEDS_WAREHOUSE
from tests.fakes.postgres import postgres
from tests.fakes.snowflake_dashboard import pages
from tests.fakes.snowflake_emulator import PASSWORD, Emulator, emulator, signed_in, statements_of
from tests.small_warehouse import Rows, Warehouse
from tests.snowflake_lint import problems

pytestmark = pytest.mark.snowflake

PAGES = ("--pages", "10")
STUDIO_SCALE = 0.03
# Each engine has loads of its own.
LEARNED = {
    *("valid_from", "valid_to", "recorded_at", "superseded_at"),
    *("_source_batch_id", "_source_load_number", "_source_version"),
}
INGEST = {"SNOWFLAKE_USER": "MARQUEE_INGEST"}


@dataclass
class Story:
    """Two days, lived through on both engines.

    Attributes:
        account: the emulated one.
        duckdb: the warehouse beside it.
        variables: what to export for SQLMesh to find its state.
        days: by day and engine, the rows of gold by table.
        outputs: what the pipelines printed, in order.
        refreshed: the statements of the refresh of the third day.
    """

    account: Emulator
    duckdb: Warehouse
    variables: dict[str, str]
    days: dict[tuple[str, str], dict[str, list[str]]] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    refreshed: list[str] = field(default_factory=list)

    def land(self, batch: int) -> None:
        """Run both pipelines into both warehouses."""
        write_batch(batch, self.duckdb.folder / "feed", STUDIO_SCALE)
        for more, variables in (((), {}), (("--destination", "snowflake"), INGEST | self.key)):
            output = io.StringIO()
            with signed_in(self.account, **variables), contextlib.redirect_stdout(output):
                assert tmdb.main([*PAGES, *more]) == 0
                assert studio.main([*more]) == 0
            self.outputs.append(output.getvalue())

    def sent(self, *parts: str) -> list[str]:
        """The statements so far that contain these parts."""
        statements = [one["sql"] for one in self.account.log()]
        return [one for one in statements if all(part in one for part in parts)]

    @property
    def key(self) -> dict[str, str]:
        return {"SNOWFLAKE_PRIVATE_KEY_PATH": str(self.account.keys["INGEST"].path)}

    @contextlib.contextmanager
    def sqlmesh(self, **variables: str) -> Iterator[Context]:
        """SQLMesh on Snowflake."""
        gateway = {"SQLMESH__DEFAULT_GATEWAY": "snowflake", **self.variables, **variables}
        with signed_in(self.account, **gateway):
            context = Context(paths=[str(ROOT)])
            try:
                yield context
            finally:
                context.close()

    def plan(self, *environments: str | None, **variables: str) -> None:
        with self.sqlmesh(**variables) as context:
            for environment in environments or [None]:
                plan(context, environment)

    def refresh(self, **variables: str) -> None:
        with self.sqlmesh(**variables) as context:
            assert context.run(ignore_cron=True).is_success

    def compare(self, day: str) -> None:
        """Keep the rows of gold of both engines."""
        duck = {
            name: self.duckdb.query(f"SELECT {self.columns(name)} FROM {name}")
            for name in self.tables("gold")
        }
        self.days[day, "duckdb"] = {name: as_text(rows) for name, rows in duck.items()}
        self.days[day, "snowflake"] = self.on_snowflake("gold", "gold")

    def tables(self, schema: str) -> list[str]:
        names = self.duckdb.query(
            "SELECT table_name FROM information_schema.tables "
            f"WHERE table_schema = '{schema}' ORDER BY ALL"
        )
        return [f"{schema}.{name}" for (name,) in names]

    def columns(self, name: str) -> str:
        """Those of a table, but for the names that SQLMesh gives to an engine's tables.

        A period begins when its response was loaded, which each engine does at a time of its own:
        of these times the order is compared, and which period is open.
        """
        described = [column for column, *_ in self.duckdb.query(f"DESCRIBE {name}")]
        columns = [
            one for one in described if one not in ("_source_version", "valid_from", "valid_to")
        ]
        if "valid_to" in described:
            order = f"ROW_NUMBER() OVER (PARTITION BY {described[0]} ORDER BY valid_from)"
            columns += ["valid_to IS NULL AS is_open", f"{order} AS period_number"]
        return ", ".join(columns)

    def on_snowflake(self, like: str, schema: str) -> dict[str, list[str]]:
        """All rows of the tables of a schema that is like one on DuckDB, columns in its order."""
        found = {}
        for name in self.tables(like):
            table = f"MARQUEE.{schema}.{name.split('.')[1]}"
            found[name] = as_text(self.account.run(f"SELECT {self.columns(name)} FROM {table}"))
        return found


def plan(context: Context, environment: str | None = None) -> None:
    context.plan(environment, auto_apply=True, no_prompts=True, skip_tests=True)


def as_text(rows: Rows) -> list[str]:
    """Rows in an order of their own, each value with its type."""
    return sorted(map(repr, rows))


RELATIVE_TOLERANCE = 1e-9  # of doubles; integers, decimals, dates and texts must be equal


def is_same(one: list[str], other: list[str]) -> bool:
    """Whether two tables are the same within the tolerance.

    Rows are paired by their exact values, and then by their doubles.
    """
    if one == other:
        return True
    rows, others = (sorted(map(keyed, table)) for table in (one, other))
    return [exact for exact, _ in rows] == [exact for exact, _ in others] and all(
        math.isclose(mine, theirs, rel_tol=RELATIVE_TOLERANCE)
        for (_, doubles), (_, other_doubles) in zip(rows, others, strict=True)
        for mine, theirs in zip(doubles, other_doubles, strict=True)
    )


DOUBLE = re.compile(r"(?<=[(, ])-?\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]?\d+)(?=[,)])")


def keyed(row: str) -> tuple[str, list[float]]:
    """A row without its doubles, and its doubles."""
    return DOUBLE.sub("~", row), [float(one) for one in DOUBLE.findall(row)]


@pytest.fixture(scope="module")
def state() -> Iterator[dict[str, str]]:
    """SQLMesh's state: in Postgres where it is installed, otherwise in a file."""
    with contextlib.ExitStack() as stack:
        try:
            variables = stack.enter_context(postgres())
        except pytest.skip.Exception:
            variables = {}
        yield variables


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, state: dict[str, str]) -> Iterator[Story]:
    """First day: load, plan prod, plan dev. Third day: load, refresh. Then dynamic tables.

    The studio's second batch comes with the third day.
    """
    folder = tmp_path_factory.mktemp("snowflake")
    first, third = load(None), load(None, day=2)
    with (
        pytest.MonkeyPatch.context() as patch,
        emulator(folder / "account") as account,
        Sandbox(first) as sandbox,
    ):
        alone(patch, folder / "project")
        patch.setenv("STUDIO_URL", str(folder / "project" / "feed"))
        patch.setenv("STUDIO_TOKEN_KEY", TOKEN_KEY)
        patch.setenv("TMDB_BASE_URL", sandbox.base_url)
        patch.setenv("TMDB_ACCESS_TOKEN", sandbox.credential)
        account.set_up()
        story = Story(account, Warehouse(folder / "project"), state)
        story.land(1)
        story.duckdb.plan()
        story.plan(None, "dev")
        story.compare("first")
        story.days["first", "dev"] = story.on_snowflake("gold", "gold__dev")

        sandbox.movie_set = third
        story.land(2)
        story.duckdb.refresh()
        before = len(story.sent())
        story.refresh()
        story.refreshed = story.sent()[before:]
        story.compare("third")
        yield story


@pytest.mark.parametrize("day", ["first", "third"])
def test_gold_is_the_same_on_both_engines_row_for_row(story: Story, day: str) -> None:
    duckdb, snowflake = story.days[day, "duckdb"], story.days[day, "snowflake"]
    assert len(duckdb) >= 16
    assert all(duckdb.values())
    assert [table for table, rows in duckdb.items() if not is_same(snowflake[table], rows)] == []


def test_the_tolerance_is_of_doubles_only() -> None:
    rows = [(1, "0.5, 2", 0.1, None), (2, "b", 1e20, 3.0)]
    assert is_same(as_text(rows), as_text([(1, "0.5, 2", 0.1 + 1e-12, None), rows[1]]))
    for other in (
        [(1, "0.5, 2", 0.1 + 1e-8, None), rows[1]],
        [(1, "0.6, 2", 0.1, None), rows[1]],
        [(3, "0.5, 2", 0.1, None), rows[1]],
        [(1, "0.5, 2", 0.1, 0.0), rows[1]],
        rows[:1],
    ):
        assert not is_same(as_text(rows), as_text(other))


def test_the_second_load_changed_gold(story: Story) -> None:
    assert story.days["first", "snowflake"] != story.days["third", "snowflake"]


def test_a_refresh_without_a_new_load_computes_nothing(story: Story) -> None:
    before = len(story.sent())
    with signed_in(story.account, SQLMESH__DEFAULT_GATEWAY="snowflake", **story.variables):
        assert refresh.main(["--skip-plan"]) == 0
    sent = story.sent()[before:]
    in_a_warehouse = [sql for sql in sent if NEEDS_WAREHOUSE.match(sql)]
    assert len(in_a_warehouse) <= 5, "the newest load, the runs since, a row of the run log"
    assert not [sql for sql in sent if "SQLMESH__" in sql]


def test_a_refresh_sends_no_more_statements_than_the_documentation_says(story: Story) -> None:
    audits = [sql for sql in story.refreshed if "SELECT COUNT(*) FROM (" in sql]
    in_a_warehouse = [sql for sql in story.refreshed if NEEDS_WAREHOUSE.match(sql)]
    text = (ROOT / "docs" / "snowflake.md").read_text(encoding="utf-8")
    (documented,) = re.findall(r"(\d+) statements in the warehouse, (\d+) of them audits", text)
    for found, expected in zip((in_a_warehouse, audits), map(int, documented), strict=True):
        assert 0.9 * expected <= len(found) <= expected


def test_dev_shows_what_prod_does(story: Story) -> None:
    assert story.days["first", "dev"] == story.days["first", "snowflake"]


def test_the_history_is_the_same_but_for_when_it_was_learned(story: Story) -> None:
    for table in ("snap_silver_movies", "snap_dim_genres"):
        columns = [
            column
            for column, *_ in story.duckdb.query(f"DESCRIBE snapshots.{table}")
            if column not in LEARNED
        ]
        query = f"SELECT {', '.join(columns)}, valid_to IS NULL AS is_open FROM"
        on_duckdb = story.duckdb.query(f"{query} snapshots.{table}")
        on_snowflake = story.account.run(f"{query} MARQUEE.SNAPSHOTS.{table}")
        assert as_text(on_snowflake) == as_text(on_duckdb)
    movies = "FROM MARQUEE.SNAPSHOTS.SNAP_SILVER_MOVIES GROUP BY movie_id HAVING COUNT(*) > 1"
    assert story.account.run(f"SELECT movie_id {movies}"), "some movie has more than one period"


def test_documents_are_variants_whose_values_can_be_reached(story: Story) -> None:
    bronze = "MARQUEE.BRONZE.RAW_MOVIES"
    rows = story.account.run(
        f"SELECT raw_data:title::VARCHAR, raw_data:genres[0]:id::INT FROM {bronze} "
        "WHERE raw_data:id IS NOT NULL"
    )
    assert len(rows) > 200
    assert all(title and genre for title, genre in rows[:10])
    assert ("RAW_DATA", "VARIANT") in [
        (name, kind)
        for name, kind, *_ in story.account.run("USE DATABASE MARQUEE", f"DESCRIBE TABLE {bronze}")
    ]


def test_bronze_is_loaded_by_stage_and_copy_by_the_ingest_user(story: Story) -> None:
    log = story.account.log()
    copies = [one for one in log if one["sql"].startswith('COPY INTO "BRONZE"')]
    assert copies
    assert all('FROM \'@"BRONZE"."%' in one["sql"] for one in copies)
    for one in copies:
        assert (one["user"], one["role"]) == ("MARQUEE_INGEST", "MARQUEE_ENGINEER")
        assert one["warehouse"] == "MARQUEE_INGEST_WH"
    assert not [one for one in log if re.match(r'INSERT INTO "BRONZE"\."RAW_', one["sql"])]
    in_stages = {re.findall(r"FROM '(@\S+)'", one["sql"])[0] for one in copies}
    assert in_stages == {
        one["sql"].split("'")[1] for one in log if one["sql"].startswith("REMOVE ")
    }, "nothing stays in a stage"


def test_a_load_bears_the_name_of_its_run_and_a_build_that_of_sqlmesh(story: Story) -> None:
    log = story.account.log()
    batches = dict.fromkeys(re.findall(r"batch: (\S+)", "".join(story.outputs[1::2])))
    tags = [
        json.loads(one["query_tag"])
        for one in log
        if re.match('COPY INTO "BRONZE"."RAW_(MOVIES|BOX_OFFICE)"', one["sql"])
    ]
    assert len(batches) == 4
    assert {tag["batch_id"] for tag in tags} == set(batches)
    assert {(tag["app"], tag["part"], tag["table"]) for tag in tags} == {
        ("marquee", "tmdb", "raw_movies"),
        ("marquee", "studio", "raw_box_office"),
    }
    built = [one for one in log if "SQLMESH_PLAN" in one["sql"]]
    assert built
    for one in built:
        assert json.loads(one["query_tag"]) == {"app": "marquee", "part": "sqlmesh"}
        assert (one["user"], one["warehouse"]) == ("MARQUEE_TRANSFORM", "MARQUEE_TRANSFORM_WH")


def test_the_second_day_merges_by_key(story: Story) -> None:
    assert story.sent("MERGE INTO", "SILVER__SILVER_MOVIES__")


def test_every_statement_that_was_sent_is_snowflakes(story: Story) -> None:
    ours = {one["sql"] for one in story.account.log() if one["user"] == "MARQUEE_TRANSFORM"}
    sent = {one for one in ours if not re.search("INFORMATION_SCHEMA|write_pandas", one)}
    assert len(sent) > 200
    assert {one[:300]: found for one in sorted(sent) if (found := problems(one))} == {}


def test_analysts_are_granted_gold_and_snapshots_by_the_models(story: Story) -> None:
    granted = {
        name
        for privilege, kind, name in story.account.run("SHOW GRANTS TO ROLE MARQUEE_ANALYST")
        if (privilege, kind) == ("SELECT", "VIEW") and "__DEV" not in name
    }
    assert granted == {
        f"MARQUEE.{name.upper()}"
        for schema in ("gold", "snapshots")
        for name in story.tables(schema)
    }


def row_counts(store: Store) -> dict[str, int]:
    return {
        one.table_name: int(one.row_count)
        for one in queries.row_counts(store).itertuples()
        if one.layer in ("bronze", "silver", "gold")
    }


# What the dashboard reads, and what of it must be the same.
READ: list[Callable[[Store], Any]] = [
    row_counts,
    *(
        lambda store, query=query: (
            queries.answer(store, query).columns.tolist(),
            len(queries.answer(store, query)),
        )
        for query in ("genres", "years", "franchises")
    ),
    lambda store: queries.top_movies(store, years=(1900, 2100), title="the")["title"].tolist(),
    lambda store: queries.find_movies(store, "the")["title"].tolist(),
]


def test_health_and_the_dashboard_read_snowflake_as_they_read_duckdb(story: Story) -> None:
    with (
        signed_in(story.account, SQLMESH__DEFAULT_GATEWAY="snowflake"),
        contextlib.closing(DuckDBStore(story.duckdb.duckdb)) as on_duckdb,
        contextlib.closing(SnowflakeStore()) as on_snowflake,
    ):
        for read in READ:
            expected = read(on_duckdb)
            assert expected
            assert read(on_snowflake) == expected
        for query in ("run_totals", "last_build", "layer_history", "audits"):
            assert len(queries.answer(on_snowflake, query)) > 0, query
        for table, column, metric, _ in METRICS:
            broken = queries.violating_rows(on_snowflake, table, column, metric)
            assert len(broken) == len(queries.violating_rows(on_duckdb, table, column, metric))
        native = "SELECT raw_data:id::INT AS movie_id FROM bronze.raw_movies;"
        assert len(queries.failing_rows(on_snowflake, native)) == queries.SAMPLE_ROWS
        checks = check_all(on_snowflake, read_thresholds(), utcnow(), None)
    assert {"source", "run", "audit", "metric"} <= {one.check for one in checks}
    # The sandbox has an account type that nobody knows.
    assert [one.subject for one in checks if not one.is_ok] == [
        "silver.stg_fan_interactions.account_type unknown_account_type_count"
    ]


def test_the_dashboard_in_snowflake_shows_what_the_analysts_may_read(
    story: Story, tmp_path: Path
) -> None:
    story.account.run(*statements_of(ROOT / "snowflake" / "dashboard.sql", {}))
    write_bundle(tmp_path / "bundle")
    found = pages(tmp_path / "bundle", str(story.account.port), PASSWORD)
    assert {name: one["errors"] for name, one in found.items() if one["errors"]} == {}
    titles = {name: [title] for name, (title, *_) in dashboard.PAGES.items()}
    assert {name: found[name]["titles"] for name in titles} == titles
    overview = found["overview"]["figures"]
    assert {"snapshots rows", "gold rows"} <= overview.keys()
    assert not {"bronze rows", "silver rows"} & overview.keys(), "analysts read neither"
    assert int(found["quality"]["figures"]["audits"]) > 100
    assert int(found["pipelines"]["figures"]["runs"]) >= 4
    assert int(found["tests"]["figures"]["audits passed"]) > 100
    assert int(found["business"]["figures"]["Movies found"].replace(",", "")) > 50
    assert not [text for text in found["business"]["texts"] if text.startswith("No movie")]
    assert found["lineage"]["tables"] == 1


def test_personal_data_is_in_the_vault_only_and_a_fan_can_be_forgotten(story: Story) -> None:
    vault = "MARQUEE.SECURE.PII_VAULT"
    fan = f"{vault} WHERE fan_id = (SELECT MIN(fan_id) FROM {vault})"
    ((fan_id, email, token),) = set(
        story.account.run(f"SELECT fan_id, email, fan_token FROM {fan}")
    )
    assert story.sent("COPY INTO incoming_people ")
    assert not story.sent(email), "the query history shows what was sent"

    def rows_of_the_fan() -> list[int]:
        return [
            story.account.run(f"SELECT COUNT(*) FROM {table} WHERE fan_token = '{token}'")[0][0]
            for table in (
                vault,
                "MARQUEE.BRONZE.RAW_FAN_INTERACTIONS",
                "MARQUEE.SILVER.STG_FAN_VERIFIED",
                "MARQUEE.SNAPSHOTS.SNAP_DIM_FANS",
                "MARQUEE.GOLD.DIM_FANS",
            )
        ]

    assert all(rows_of_the_fan())
    with signed_in(story.account, **(INGEST | story.key)):
        assert studio.main(["--destination", "snowflake", "--forget", fan_id]) == 0
    assert not any(rows_of_the_fan())


def test_two_plans_without_a_change_at_once_leave_each_other_alone(
    story: Story, state: dict[str, str]
) -> None:
    if not state:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    before = story.on_snowflake("gold", "gold")
    with story.sqlmesh() as one, story.sqlmesh() as other:
        with ThreadPoolExecutor() as threads:
            plans = [threads.submit(plan, context) for context in (one, other)]
        assert [plan.exception() for plan in plans] == [None, None]
        assert one.run(ignore_cron=True).is_success
    assert story.on_snowflake("gold", "gold") == before


def test_kpis_as_dynamic_tables_have_the_same_rows(story: Story) -> None:
    before = story.on_snowflake("gold", "gold")
    story.plan(MARQUEE_KPI_TARGET_LAG="1 hour")
    story.refresh(MARQUEE_KPI_TARGET_LAG="1 hour")  # its audits see what the parents hold now
    made = story.sent("CREATE OR REPLACE DYNAMIC TABLE")
    assert len({re.findall("DYNAMIC TABLE ([^ ]+)", one)[0] for one in made}) == 5
    assert all("TARGET_LAG='1 hour'" in one and "WAREHOUSE=" in one for one in made)
    assert all("REFRESH_MODE='FULL'" in one for one in made)
    refreshed = story.sent("ALTER DYNAMIC TABLE")
    names = {re.findall("DYNAMIC TABLE ([^ ]+) REFRESH", one)[0] for one in refreshed}
    assert len(names) == 5, "by the refresh; the plan has just created them"
    assert story.on_snowflake("gold", "gold") == before
    story.plan()
