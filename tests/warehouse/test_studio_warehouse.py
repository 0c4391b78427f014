"""Batches of the sandbox's studio, each followed by a refresh, and what must come of them.

The first one is planned in a warehouse without TMDb. `make test` has two batches, `make test-kills`
three. What is expected is counted in the files themselves, by plain SQL or Python that knows
nothing of the models. Canaries, planted in every personal field, are searched for wherever anything
is kept.
"""

from __future__ import annotations

import gzip
import json
import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import pyarrow.parquet as pq
import pytest
from sqlmesh import configure_logging
from sqlmesh.core.context import Context
from sqlmesh.core.dialect import parse
from sqlmesh.core.lineage import column_dependencies
from sqlmesh.core.model import create_external_model, load_sql_based_model

from macros.quality import METRICS
from marquee.catalog.data_dictionary import LAYERS
from marquee.catalog.history import read_history
from marquee.catalog.site import Site
from marquee.cli import health, report
from marquee.core.settings import ROOT
from marquee.dashboard.pages import csv
from marquee.lineage.project import tables_of
from marquee.monitoring.snapshot import current_snapshot
from marquee.monitoring.view import open_warehouse
from marquee.sandbox.studio import TOKEN_KEY, write_batch
from marquee.sources.studio.encryption import open_vault
from marquee.sources.studio.settings import derived_vault_key
from marquee.sources.studio.tokens import Tokens
from marquee.sources.studio.vault import Vault
from pipelines import studio
from pipelines.studio import BOX_OFFICE
from tests.plain_studio import PlainStudio
from tests.small_warehouse import GENRES, Warehouse, genre, movie

SCALE = 0.1
CANARY_FAN = "F000777777"
FORGOTTEN = [f"canary{number}x7q2z9w4k" for number in range(6)]
KEPT = "kept5canary8v3t6m1p"
ANALYSTS = ("gold", "snapshots")
INTERACTIONS = ("silver.stg_fan_interactions", "account_type")


def canary_lines() -> list[bytes]:
    """Lines with canaries in every personal field: good ones, one of a guest, and broken ones."""
    email, first, last, address, session, _ = FORGOTTEN
    whole = {
        "interaction_id": "CANARY-1",
        "fan_id": CANARY_FAN,
        "account_type": "VERIFIED",
        "email": f"{email}@example.com",
        "first_name": first,
        "last_name": last,
        "ip_address": address,
        "session_id": session,
        "region": "Europe",
        "country_code": "ESP",
        "device_type": "TV",
        "title_id": "T-001",
        "event_type": "PURCHASE",
        "event_timestamp": "2025-12-30T10:00:00Z",
        "amount": 10,
        "currency": "EUR",
        "telephone": FORGOTTEN[5],
        FORGOTTEN[5]: 1,
    }
    unknown = {**whole, "interaction_id": "CANARY-2", "account_type": "TRIAL"}
    guest = {**whole, "interaction_id": "CANARY-3", "account_type": "GUEST", "fan_id": "G-CANARY"}
    other = {**whole, "interaction_id": "CANARY-4", "fan_id": "F000888888"}
    other |= dict.fromkeys(("email", "first_name", "last_name", "ip_address", "session_id"), KEPT)
    line = json.dumps(whole).encode()
    return [
        line,
        json.dumps(unknown).encode(),
        json.dumps(guest).encode(),
        json.dumps(other).encode(),
        line[:-1],  # cut off
        line.replace(b"CANARY-1", b""),
        line.replace(b"example", b"\xff"),
        b"[" + line + b"]",
    ]


@dataclass
class Studio:
    """A warehouse with three batches, the files they came from, and all output of the runs."""

    warehouse: Warehouse
    feed: Path
    output: str
    loaded_by_batch: list[dict[str, int]]

    @property
    def batches(self) -> int:
        return len(self.loaded_by_batch)

    def independent(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the files: `event` has a row per interaction, `record` one per line of box office."""
        columns = ", ".join(f"{name}: 'TEXT'" for name in BOX_OFFICE.fields)
        with duckdb.connect() as connection:
            connection.execute(
                f"""
                CREATE TABLE event AS SELECT DISTINCT ON (interaction_id) *
                FROM read_json('{self.feed}/fan_interactions/*.jsonl', ignore_errors = true,
                  format = 'newline_delimited', columns = {{interaction_id: 'TEXT',
                  fan_id: 'TEXT', account_type: 'TEXT', event_type: 'TEXT', region: 'TEXT',
                  event_timestamp: 'TEXT', amount: 'DECIMAL(18, 2)', currency: 'TEXT',
                  title_id: 'TEXT', country_code: 'TEXT', device_type: 'TEXT'}})
                WHERE interaction_id <> '' AND fan_id LIKE '_0%' OR fan_id = 'G-CANARY';
                ALTER TABLE event ADD COLUMN is_accepted BOOLEAN;
                UPDATE event SET is_accepted = upper(trim(account_type)) <> 'TRIAL'
                  AND event_type <> 'SHARE' AND event_timestamp < '2027';
                CREATE TABLE record AS
                FROM read_csv('{self.feed}/box_office/*.csv', auto_detect = false, header = true,
                  delim = ',', quote = '"', ignore_errors = true, filename = true,
                  columns = {{{columns}}});
                """
            )
            return connection.execute(sql).fetchall()


@contextmanager
def sqlmesh_logs(folder: Path) -> Iterator[None]:
    """Keep the log files that SQLMesh's command line keeps, with all details."""
    root, sqlmesh = logging.getLogger(), logging.getLogger("sqlmesh")
    level, handlers = root.level, [*root.handlers]
    sqlmesh.setLevel(logging.NOTSET)  # the run log raises it unless somebody has set it
    configure_logging(log_file_dir=folder, log_level="DEBUG")
    try:
        yield
    finally:
        root.setLevel(level)
        for handler in [one for one in root.handlers if one not in handlers]:
            root.removeHandler(handler)
            handler.close()


@pytest.fixture(
    scope="module",
    params=[pytest.param(2, id="two"), pytest.param(3, id="three", marks=pytest.mark.slow)],
)
def loaded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Studio]:
    """Load and refresh batch by batch; one load fails in the middle of the vault."""
    folder = tmp_path_factory.mktemp("studio")
    warehouse, feed = Warehouse(folder), folder.parent / f"{folder.name}_feed"
    settings = folder.parent / f"{folder.name}_settings"
    (settings / ".dlt").mkdir(parents=True)
    shutil.copy(warehouse.project / ".dlt" / "config.toml", settings / ".dlt")
    environment = {
        "STUDIO_URL": str(feed),
        "STUDIO_TOKEN_KEY": TOKEN_KEY,
        "DLT_PROJECT_DIR": str(settings),
        "MARQUEE_DUCKDB": str(warehouse.duckdb),
        "MARQUEE_STATE_DUCKDB": str(warehouse.state_duckdb),
        "MARQUEE_DLT_DIR": str(folder / "dlt"),
        "RUNTIME__LOG_LEVEL": "DEBUG",
    }
    output_file = folder / "output.txt"
    with (
        sqlmesh_logs(folder / "logs"),
        mock.patch.dict(os.environ, environment),
        output_file.open("w") as output,
        mock.patch("sys.stdout", output),
        mock.patch("sys.stderr", output),
    ):
        loads: list[dict[str, int]] = []
        for batch in range(1, request.param + 1):
            write_batch(batch, feed, SCALE)
            if batch == 1:
                with (feed / "fan_interactions" / "canaries.jsonl").open("wb") as file:
                    file.write(b"\n".join(canary_lines()) + b"\n")
                # A failure that has the plaintext personal data in hand, reported with all details.
                words = " ".join(FORGOTTEN)
                with mock.patch.object(Vault, "_stage", side_effect=RuntimeError(words)):
                    assert studio.main([]) == 1
            assert studio.main([]) == 0
            if batch == 1:
                warehouse.plan()
                warehouse.land_genres([genre(one) for one in GENRES])
                warehouse.land(movie(90001354, revenue=500), movie(90001355, revenue=700))
            else:
                warehouse.refresh()
            loads.append(
                dict(
                    warehouse.query(
                        "SELECT _source_batch_id, COUNT(*) FROM silver.stg_fan_interactions "
                        "GROUP BY ALL"
                    )
                )
            )
        yield Studio(warehouse, feed, output_file.read_text(), loads)


def test_every_event_is_there_once_and_in_one_place(loaded: Studio) -> None:
    ((events, accepted),) = loaded.independent("SELECT COUNT(*), COUNT_IF(is_accepted) FROM event")
    assert events > 3500
    assert loaded.warehouse.query(
        "SELECT COUNT(*), COUNT(DISTINCT interaction_id) FROM silver.stg_fan_interactions"
    ) == [(events, events)]
    assert loaded.warehouse.query(
        """
        SELECT COUNT(*), COUNT(DISTINCT interaction_id) FROM (
          SELECT interaction_id FROM silver.stg_fan_verified
          UNION ALL SELECT interaction_id FROM silver.stg_fan_guest
        )
        """
    ) == [(accepted, accepted)]
    quarantined: dict[str, int] = dict(
        loaded.warehouse.query(
            "SELECT quarantine_reason, COUNT(*) FROM ops.quarantine_fan_interactions GROUP BY ALL"
        )
    )
    assert sum(quarantined.values()) == events - accepted
    assert len(quarantined) == 3
    # delivered twice, in bronze twice
    ((delivered,),) = loaded.warehouse.query("SELECT COUNT(*) FROM bronze.raw_fan_interactions")
    assert delivered > events


def test_fans_are_counted_once_and_their_money_to_the_cent(loaded: Studio) -> None:
    rates = {
        currency: Decimal(rate)
        for currency, rate in loaded.warehouse.query(
            "SELECT currency, rate_usd::TEXT FROM silver.seed_exchange_rates"
        )
    }
    cents = Decimal("0.01")
    paid = loaded.independent(
        "SELECT amount, currency FROM event "
        "WHERE is_accepted AND event_type = 'PURCHASE' AND amount >= 0"
    )
    revenue = sum(
        (amount * rates[currency]).quantize(cents, "ROUND_HALF_UP")
        for amount, currency in paid
        if currency in rates
    )
    ((fans, unpriced),) = loaded.independent(
        "SELECT COUNT(DISTINCT fan_id), COUNT_IF(currency = 'XTS') FROM event WHERE is_accepted"
    )
    assert unpriced > 0
    assert loaded.warehouse.query(
        "SELECT SUM(fan_count), SUM(revenue_usd) FROM gold.agg_fan_lifetime_value"
    ) == [(fans, revenue)]
    assert loaded.warehouse.query(
        "SELECT SUM(purchase_revenue_usd) FROM gold.fact_daily_performance"
    ) == [(revenue,)]

    by_franchise = dict(
        loaded.independent(
            """
            SELECT
              CASE
                WHEN title_id IN ('T-014', 'T-LOST') THEN 'Standalone'
                WHEN title_id < 'T-003' THEN 'Bourne'
                WHEN title_id < 'T-006' THEN 'Ice Age'
                WHEN title_id < 'T-009' THEN 'The Matrix'
                WHEN title_id < 'T-012' THEN 'Shrek'
                ELSE 'Spider-Man'
              END,
              COUNT(DISTINCT fan_id)
            FROM event WHERE is_accepted GROUP BY 1
            """
        )
    )
    franchises = loaded.warehouse.query(
        "SELECT franchise, unique_fans, tmdb_movie_count, tmdb_revenue_usd "
        "FROM gold.agg_franchise_performance"
    )
    assert {name: fans for name, fans, _, _ in franchises} == by_franchise
    assert {row for row in franchises if row[0] == "Bourne"} == {
        ("Bourne", by_franchise["Bourne"], 2, 1200)
    }


# What of gold is compared with plain Python: keys as the feed has them, everything else as it is.
UNCOMPARED = "title_sk, date_sk, _source_load_number, _source_version"
MONTH = "12 * YEAR(acquisition_month) + MONTH(acquisition_month) - 1"
GOLD = {
    "dim_titles": """
        SELECT title_id, movie_id, title.* EXCLUDE (title_sk, title_id, movie_sk)
        FROM gold.dim_titles AS title JOIN gold.dim_movies USING (movie_sk)
    """,
    "dim_fans": "FROM gold.dim_fans WHERE fan_token <> '-1'",
    "fan_history": """
        SELECT
          fan_token,
          ROW_NUMBER() OVER (PARTITION BY fan_token ORDER BY valid_from),
          region, country_code, preferred_device, valid_to IS NULL
        FROM gold.fan_history
    """,
    "fact_daily_performance": f"""
        SELECT title_id, full_date, fact.* EXCLUDE ({UNCOMPARED})
        FROM gold.fact_daily_performance AS fact
        JOIN gold.dim_titles USING (title_sk)
        JOIN gold.dim_dates USING (date_sk)
    """,
    "agg_franchise_performance": """
        SELECT * EXCLUDE (gross_rank), gross_rank FROM gold.agg_franchise_performance
    """,
    "agg_fan_retention": f"""
        SELECT * REPLACE ({MONTH} AS acquisition_month) FROM gold.agg_fan_retention
    """,
    "agg_fan_lifetime_value": f"""
        SELECT * REPLACE ({MONTH} AS acquisition_month) FROM gold.agg_fan_lifetime_value
    """,
}


def test_gold_is_what_plain_python_computes_from_the_files(loaded: Studio) -> None:
    countries = loaded.warehouse.query("SELECT country_code FROM silver.seed_country_codes")
    plain = PlainStudio(
        loaded.feed, {code for (code,) in countries}, {90001354: 500, 90001355: 700}
    )
    tokens = Tokens(TOKEN_KEY)
    for table, query in GOLD.items():
        expected = getattr(plain, table)()
        if table in ("dim_fans", "fan_history"):
            expected = [(tokens.fan(fan_id), *values) for fan_id, *values in expected]
        rows = loaded.warehouse.query(query)
        different = Counter(rows)
        different.subtract(expected)
        assert [row for row, count in different.items() if count][:10] == [], table
        assert len(rows) > 5


def test_corrections_of_the_box_office_apply(loaded: Studio) -> None:
    ((records, corrected, tickets),) = loaded.independent(
        """
        SELECT COUNT(*), COUNT_IF(times > 1), SUM(TRY_CAST(tickets AS BIGINT)) FROM (
          SELECT COUNT(*) AS times, ARG_MAX(tickets_sold, filename || record_id) AS tickets
          FROM record WHERE theater_id LIKE 'C%' GROUP BY title_id, theater_id, report_date
        )
        """
    )
    assert corrected > 0
    assert loaded.warehouse.query(
        "SELECT COUNT(*), SUM(tickets_sold) FROM silver.stg_box_office"
    ) == [(records, tickets)]
    assert loaded.warehouse.query("SELECT SUM(tickets_sold) FROM gold.fact_daily_performance") == [
        (tickets,)
    ]


def test_a_fan_who_moved_has_a_period_in_each_region(loaded: Studio) -> None:
    tokens = Tokens(TOKEN_KEY)
    moved = loaded.independent(
        """
        SELECT
          fan_id,
          ARG_MAX(region, event_timestamp) FILTER (interaction_id LIKE 'I1%') AS before,
          ARG_MAX(region, event_timestamp) FILTER (interaction_id NOT LIKE 'I1%') AS now,
          COUNT(DISTINCT device_type) = 1 AS is_of_one_device
        FROM event
        WHERE is_accepted AND NOT region IS NULL
        GROUP BY fan_id
        HAVING before <> now 
          AND COUNT_IF(interaction_id LIKE 'I2%' AND event_timestamp > '2026') > 0
        """
    )
    assert len(moved) >= 5
    for fan_id, before, now, is_of_one_device in moved:
        periods = loaded.warehouse.query(
            "SELECT region, valid_to IS NULL FROM gold.fan_history "
            f"WHERE fan_token = '{tokens.fan(fan_id)}' ORDER BY valid_from"
        )
        regions = [region for region, _ in periods]
        assert list(dict.fromkeys(regions)) == [before, now], fan_id
        assert [is_open for _, is_open in periods] == [False] * (len(periods) - 1) + [True]
        if is_of_one_device:
            assert len(periods) == 2


def test_a_refresh_writes_the_new_batch_and_nothing_else(loaded: Studio) -> None:
    assert [len(one) for one in loaded.loaded_by_batch] == [1, 2, 3][: loaded.batches]
    for before, after in pairwise(loaded.loaded_by_batch):
        assert before.items() < after.items()
    # All refreshes may be of one hour; each row is of the one that changed it.
    for table in ("stg_fan_interactions", "stg_fan_verified", "stg_box_office"):
        written = loaded.warehouse.query(
            f"SELECT _source_load_number, COUNT(DISTINCT _loaded_at) FROM silver.{table} "
            "GROUP BY ALL ORDER BY ALL"
        )
        assert written == [(1, 1), (2, 1), (3, 1)][: loaded.batches], table
    ((untouched,),) = loaded.warehouse.query(
        "SELECT COUNT(*) FROM silver.fans "
        "WHERE _loaded_at = (SELECT MIN(_loaded_at) FROM silver.fans)"
    )
    assert untouched > 0


@pytest.mark.slow
@pytest.mark.parametrize("loaded", [3], ids=["three"], indirect=True)
def test_history_is_the_same_after_a_rebuild_from_bronze(loaded: Studio, tmp_path: Path) -> None:
    rebuilt = loaded.warehouse.copy_to(tmp_path / "rebuilt")
    tables = ("gold.fan_history", "gold.agg_fan_lifetime_value", "silver.stg_box_office")
    lineage = "('_loaded_at', '_source_load_number')"
    unstamped = [
        f"SELECT COLUMNS(name -> name NOT IN {lineage}) FROM {one} ORDER BY ALL" for one in tables
    ]
    before = [rebuilt.query(query) for query in unstamped]
    rebuilt.plan(restate_models=["silver.studio_loads"])
    assert [rebuilt.query(query) for query in unstamped] == before
    ((runs,),) = rebuilt.query("SELECT COUNT(DISTINCT measured_at) FROM ops.data_quality_results")
    assert runs == loaded.batches  # a log that no rebuild empties


def test_quality_is_measured_at_every_refresh_and_by_every_audit(loaded: Studio) -> None:
    results = loaded.warehouse.query(
        "SELECT table_name, column_name, metric_name, COUNT(*), COUNT_IF(is_passed) "
        "FROM ops.data_quality_results GROUP BY ALL"
    )
    assert {row[:3] for row in results} == {tuple(metric[:3]) for metric in METRICS}
    # The sandbox has an account type that nobody knows, in each batch.
    assert {row for row in results if row[3:] != (loaded.batches, loaded.batches)} == {
        (*INTERACTIONS, "unknown_account_type_count", loaded.batches, 0)
    }
    assert loaded.warehouse.query(
        "SELECT COUNT(DISTINCT run.run_id), COUNT_IF(run.run_id IS NULL) "
        "FROM ops.data_quality_results LEFT JOIN ops.run_log AS run USING (run_id)"
    ) == [(loaded.batches, 0)]

    by_name = {path.stem for path in (ROOT / "audits").glob("*.sql")} & {
        metric for _, _, metric, _ in METRICS
    }
    assert len(by_name) == 6
    with loaded.warehouse.context() as context:
        attached = {
            (model.name, arguments["column"].name, audit.name)
            for model in context.models.values()
            for audit, arguments in model.audits_with_args
            if audit.name in by_name
        }
        studio_audits = sum(
            len(model.audits) for model in context.models.values() if "/studio/" in str(model._path)
        )
    assert attached == {tuple(metric[:3]) for metric in METRICS if metric[2] in by_name}
    assert studio_audits >= 40


def personal_roots(context: Context, schemas: tuple[str, ...]) -> set[str]:
    """The columns, of no model, that those of the schemas descend from, however far away."""
    seen: set[tuple[str, str]] = set()
    roots: set[str] = set()
    left = [
        (model.name, column)
        for model in context.models.values()
        if model.schema_name in schemas
        and any(
            parent.split(".")[-1].strip('"').startswith(("raw_fan", "pii"))
            for parent in context.dag.upstream(model.fqn)
        )
        for column in model.columns_to_types or {}
    ]
    while left:
        name, column = left.pop()
        if (name, column) in seen:
            continue
        seen.add((name, column))
        model = context.get_model(name)
        if model is None or not model.is_sql:
            short = ".".join(part.strip('"') for part in name.split(".")[-2:])
            roots.add(f"{short}.{column}")
            continue
        for parent, columns in column_dependencies(context, name, column).items():
            left += [(parent, one) for one in columns if one != "*"]
    return roots


def test_no_column_that_analysts_read_descends_from_a_clear_value_or_its_token(
    loaded: Studio,
) -> None:
    with loaded.warehouse.context() as context:
        roots = personal_roots(context, ANALYSTS)
        # The same walk finds a model that reads the vault.
        options: dict[str, Any] = {
            "dialect": "duckdb",
            "default_catalog": context.default_catalog,
        }
        leak = parse("MODEL (name gold.leak); SELECT person.email FROM secure.pii_vault AS person")
        for model in (
            create_external_model("secure.pii_vault", columns={"email": "TEXT"}, **options),
            load_sql_based_model(leak, **options),
        ):
            context.upsert_model(model)
        assert personal_roots(context, ANALYSTS) - roots == {"secure.pii_vault.email"}
    assert "bronze.raw_fan_interactions.fan_token" in roots
    assert not [one for one in roots if one.startswith("secure.")]
    personal = ("email", "first_name", "last_name", "session", "ip_token")
    assert not [one for one in roots if one.split(".")[-1].startswith(personal)]


@contextmanager
def opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a file of a warehouse for reading; the vault with its key."""
    if database.name == "vault.duckdb":
        with open_vault(database, derived_vault_key(TOKEN_KEY), read_only=True) as connection:
            yield connection
    else:
        with duckdb.connect(str(database), read_only=True) as connection:
            yield connection


def uncompressed(path: Path) -> bytes:
    """The bytes of a file; those of SQLMesh's cache and of dlt's loads are compressed."""
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content)
    if content.startswith(b"PAR1"):
        return json.dumps(pq.read_table(path).to_pylist(), default=str).encode()
    return content


def write_readers_output(warehouse: Warehouse, folder: Path) -> None:
    """Have every command that reads the warehouse write what it shows into a folder."""
    with warehouse.context() as context:
        tables = tables_of(context, ROOT)
    folder.mkdir()
    with open_warehouse(warehouse.duckdb) as store:
        Site(tables, read_history(store), LAYERS).write(folder / "site")
        for table in store.tables():
            shown = csv(store.frame(f"FROM {table}"))
            (folder / f"{table}.csv").write_text(shown)
    outputs: dict[str, Callable[[], int]] = {
        "report.txt": report.main,
        "health.txt": lambda: health.main([]),
        "health.json": lambda: health.main(["--json"]),
    }
    for name, command in outputs.items():
        with (folder / name).open("w") as file, redirect_stdout(file), redirect_stderr(file):
            command()
    written = {path.name for path in folder.iterdir() if path.stat().st_size}
    assert written >= {"site", *outputs, "gold.dim_fans.csv", "bronze.raw_fan_interactions.csv"}


def found_in(folder: Path, *words: str) -> set[str]:
    """The files in which a word is found, in a row of a table or anywhere in their bytes."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and any(word.encode() in uncompressed(path) for word in words):
            found.add(path.name)
    for database in filter(Path.is_file, folder.rglob("*.duckdb")):
        with opened(database) as connection:
            tables = connection.execute(
                "SELECT '\"' || table_schema || '\".\"' || table_name || '\"' "
                "FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
                "AND table_catalog = CURRENT_DATABASE()"
            ).fetchall()
            for (table,) in tables:
                rows = f"SELECT COUNT(*) FROM {table} AS row WHERE REGEXP_MATCHES(row::TEXT, $1)"
                if connection.execute(rows, ["|".join(words)]).fetchone() != (0,):
                    found.add(f"{database.name}: {table}")
    return found


VAULT = {'vault.duckdb: "secure"."pii_vault"'}


def test_personal_data_is_in_the_vault_only_and_nowhere_once_forgotten(
    loaded: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = loaded.warehouse.copy_to(tmp_path / "project")
    monkeypatch.setenv("MARQUEE_DUCKDB", str(project.duckdb))
    monkeypatch.setenv("MARQUEE_DLT_DIR", str(project.folder / "dlt"))
    copied = current_snapshot(project.duckdb)
    assert copied.is_relative_to(project.folder)
    write_readers_output(project, project.folder / "shown")
    kept = {"dlt", "logs", "shown", "snapshot", "state.duckdb", "output.txt"}
    assert {path.name for path in project.folder.iterdir()} >= kept
    assert found_in(
        project.folder / "logs", "raw_fan_interactions"
    )  # the search finds what is there
    assert "The vault could not be written (RuntimeError)" in loaded.output

    assert not [word for word in [*FORGOTTEN, KEPT] if word in loaded.output]
    # An address, names and the id are kept of a fan; sessions and fields of no name of nobody.
    assert found_in(project.folder, *FORGOTTEN[:4], CANARY_FAN, KEPT) == VAULT
    assert found_in(project.folder, *FORGOTTEN[4:]) == set()
    # A rejected value is none of the feed's own words, whether or not it looks personal.
    rejected = "FROM ops.rejected_studio_values WHERE table_name = 'raw_fan_interactions'"
    assert project.query(f"SELECT COUNT(*) > 0 {rejected}") == [(True,)]
    quoted = "NOT rejected_value SIMILAR TO '([a-z]+ of length \\d+)?'"
    assert project.query(f"{rejected} AND {quoted}") == []

    before = project.rows_of("gold")
    token = Tokens(TOKEN_KEY).fan(CANARY_FAN)
    assert "warehouse.duckdb" in found_in(project.folder, token)
    monkeypatch.setenv("STUDIO_TOKEN_KEY", TOKEN_KEY)
    for exported in (project.folder / "shown").glob("*.csv"):
        exported.unlink()  # a copy of a table, which its maker has to delete
    assert studio.main(["--forget", CANARY_FAN]) == 0
    assert studio.main(["--forget", CANARY_FAN]) == 0
    assert not copied.exists()
    assert found_in(project.folder, *FORGOTTEN, CANARY_FAN) == set()
    # No row bears the token any more, but for the one that keeps old events out.
    in_rows = {place for place in found_in(project.folder, token) if ": " in place}
    assert in_rows == {
        'vault.duckdb: "secure"."erasures"',
        'vault.duckdb: "secure"."forgotten_fans"',
    }
    assert "warehouse.duckdb" not in found_in(project.folder, token)  # nor any free block
    assert found_in(project.folder, KEPT) == VAULT  # the others' rows are still there

    # The rows are, and keep counting: only the fan's token is another one, in every layer.
    after = project.rows_of("gold")
    assert {name: len(rows) for name, rows in after.items()} == {
        name: len(rows) for name, rows in before.items()
    }
    assert after["gold.agg_fan_lifetime_value"] == before["gold.agg_fan_lifetime_value"]
    assert project.query(
        """
        SELECT COUNT(*), COUNT(DISTINCT fan.fan_token) FROM gold.dim_fans AS fan
        JOIN snapshots.snap_dim_fans USING (fan_token)
        JOIN silver.stg_fan_verified AS event USING (fan_token)
        JOIN bronze.raw_fan_interactions AS landed USING (fan_token)
        WHERE event.interaction_id = 'CANARY-1' AND landed.interaction_id = 'CANARY-1'
          AND event.email_token IS NULL AND landed.ip_token IS NULL
        """
    ) == [(1, 1)]
