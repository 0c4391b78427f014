"""A small warehouse for a test: bronze by plain SQL, the rest by the project's models."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import duckdb
from sqlmesh.core.config import GatewayConfig
from sqlmesh.core.context import Context
from sqlmesh.core.loader import LoadedProject, SqlMeshLoader
from sqlmesh.core.snapshot.evaluator import SnapshotEvaluator

from marquee import LINKS
from marquee.core.settings import ROOT
from marquee.plan_diff.build import forget_modules
from marquee.sources.studio.tables import TABLES
from tests.conftest import finish, in_child

Rows = list[tuple[Any, ...]]

TOKEN = "0123456789abcdef" * 4  # of a fan, an e-mail address or anything
STUDIO_TABLES = {
    table.name: ", ".join(f"{column.name} {column.data_type}" for column in table.columns)
    for table in TABLES
}
TESTS = os.getpid()  # a forked child is a process of its own already

# Half of the models, for half of the time: those made of bronze.raw_movies and raw_genres alone.
OF_TMDB = (
    "+gold.bridge_*",
    "+gold.kpi_*",
    "+gold.genre_history",
    "+gold.movie_history",
    "ops.rejected_values",
)

# Columns that tell of refreshes, and which rows of a table hold now.
OF_REFRESHES = {
    "_loaded_at",
    "_source_load_number",
    "_source_version",
    "recorded_at",
    "superseded_at",
    "correction_number",
}
IS_CURRENT = {
    "is_current": "is_current",
    "superseded_at": "superseded_at IS NULL",
    "is_withdrawn": "NOT is_withdrawn",
}

GENRES = {28: "Action", 18: "Drama", 35: "Comedy"}

# As dlt makes them (see marquee/sources/tmdb/tables.yaml).
BRONZE = """
CREATE SCHEMA bronze;
CREATE TABLE bronze.raw_movies (
  movie_id BIGINT, raw_data JSON, source_url TEXT, ingested_at TIMESTAMP, batch_id TEXT,
  _dlt_load_id TEXT, _dlt_id TEXT
);
CREATE TABLE bronze.raw_genres (
  raw_data JSON, ingested_at TIMESTAMP, batch_id TEXT, _dlt_load_id TEXT, _dlt_id TEXT
);
CREATE TABLE bronze._dlt_loads (
  load_id TEXT, schema_name TEXT, status BIGINT, inserted_at TIMESTAMPTZ, schema_version_hash TEXT
);
"""


def movie(movie_id: int, **fields: Any) -> dict[str, Any]:
    """A document of /movie/{id}: an invented film of which everything is known."""
    return {
        "id": movie_id,
        "title": f"Film {movie_id}",
        "status": "Released",
        "release_date": "2020-06-15",
        "budget": 10_000_000,
        "revenue": 30_000_000,
        "runtime": 100,
        "popularity": 7.5,
        "vote_average": 6.5,
        "vote_count": 500,
        "original_language": "en",
        "adult": False,
        "genres": [genre(28), genre(18)],
        "production_companies": [company(1, "Acme"), company(2, "Brick")],
        **fields,
    }


def genre(genre_id: int, name: str | None = None) -> dict[str, Any]:
    """An entry of a movie's genres."""
    return {"id": genre_id, "name": name or GENRES[genre_id]}


def company(company_id: int, name: str) -> dict[str, Any]:
    """An entry of a movie's production companies."""
    return {"id": company_id, "name": name, "origin_country": "US", "logo_path": None}


class CachedLoader(SqlMeshLoader):
    """Reads the project's files once per process, which is a fifth of the time of a plan.

    SQLMesh's cache on disk knows models by the configuration, and would know none of a warehouse in
    a folder of its own: what a gateway connects to does not change them.
    """

    _loaded: ClassVar[dict[str, LoadedProject]] = {}

    def load(self, *args: Any, **kwargs: Any) -> LoadedProject:
        """Return the project as this process loaded it first, with the same configuration."""
        gateways = {
            name: GatewayConfig(variables=gateway.variables)
            for name, gateway in self.config.gateways.items()
        }
        self.config = self.config.copy(update={"gateways": gateways})
        key = f"{self.context.gateway} {self.config.fingerprint}"
        if key not in self._loaded:
            self._loaded[key] = super().load(*args, **kwargs)
        return self._loaded[key]


@dataclass
class Warehouse:
    """The warehouse file, SQLMesh's state and its cache in one folder.

    Attributes:
        folder: where they are.
        project: the models.
        selected: which of the models plans and refreshes are of; all of them if empty.
        is_audited: whether plans and refreshes run audits, a seventh of their time; a test that
            is about something else does without.
    """

    folder: Path
    project: Path = ROOT
    selected: tuple[str, ...] = ()
    is_audited: bool = True

    @property
    def duckdb(self) -> Path:
        """The warehouse; the name is part of every view, so that a copy must keep it."""
        return self.folder / "warehouse.duckdb"

    @property
    def state_duckdb(self) -> Path:
        """SQLMesh's state."""
        return self.folder / "state.duckdb"

    @classmethod
    def create(
        cls, folder: Path, selected: tuple[str, ...] = (), *, is_audited: bool = True
    ) -> Warehouse:
        """An empty bronze that knows three genres."""
        warehouse = cls(folder, selected=selected, is_audited=is_audited)
        warehouse.execute(BRONZE)
        genres = [genre(genre_id) for genre_id in GENRES]
        warehouse.land_genres(genres, at="2026-03-01 06:00:00")
        return warehouse

    def copy_to(self, folder: Path, **settings: Any) -> Warehouse:
        """The same warehouse in another folder, to be changed; with other settings, if given."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return replace(self, folder=folder, **settings)

    def copy_project_to(self, folder: Path) -> None:
        """Work from here on with a copy of the project's files, to be changed."""
        for name in ("sqlmesh_project", "audits"):
            shutil.copytree(ROOT / name, folder / name)
        for name in ("config.yaml", *LINKS):
            shutil.copy(ROOT / name, folder / name, follow_symlinks=False)
        self.project = folder

    def land(self, *documents: dict[str, Any], at: str = "now", batch_id: str = "test") -> None:
        """Append responses of /movie/{id} to bronze.

        Args:
            documents: Bodies of responses; one without `id` but with `movie_id` is a tombstone.
            at: When they arrived, UTC; "now" for this moment.
            batch_id: The run that landed them.
        """
        rows = [
            {
                "movie_id": document.get("id") or document["movie_id"],
                "raw_data": json.dumps(document),
                "source_url": "http://127.0.0.1/3/movie",
            }
            for document in documents
        ]
        self._append("raw_movies", rows, at, batch_id, "tmdb")

    def land_genres(self, genres: list[dict[str, Any]], at: str = "now") -> None:
        """Append a response of /genre/movie/list to bronze."""
        rows = [{"raw_data": json.dumps({"genres": genres})}]
        self._append("raw_genres", rows, at, "test", "tmdb")

    def land_interactions(
        self, *interactions: dict[str, Any], at: str = "now", batch_id: str = "test"
    ) -> None:
        """Append interactions of fans to bronze; what is not given is that of a plain stream."""
        plain = {
            "fan_token": TOKEN,
            "account_type": "VERIFIED",
            "email_token": TOKEN,
            "region": "Europe",
            "country_code": "ESP",
            "device_type": "TV",
            "title_id": "T-1",
            "event_type": "STREAM",
            "event_timestamp": "2026-02-01T10:00:00Z",
        }
        self._land_studio("raw_fan_interactions", plain, interactions, at, batch_id)

    def land_titles(self, *titles: dict[str, Any], at: str = "now", batch_id: str = "test") -> None:
        """Append descriptions of titles to bronze."""
        self._land_studio("raw_title_metadata", {"title_name": "Film"}, titles, at, batch_id)

    def land_box_office(
        self, *records: dict[str, Any], at: str = "now", batch_id: str = "test"
    ) -> None:
        """Append records of the box office to bronze; what is not given is that of a full one."""
        plain = {
            "title_id": "T-1",
            "theater_id": "C-1",
            "region": "Europe",
            "country": "ESP",
            "report_date": "2026-02-01",
            "tickets_sold": "100",
            "gross_revenue_local": "1000.00",
            "local_currency": "EUR",
            "exchange_rate_usd": "1.10",
            "gross_revenue_usd": "1100.00",
            "screen_count": "2",
            "showtime_count": "4",
        }
        self._land_studio("raw_box_office", plain, records, at, batch_id)

    def _land_studio(
        self,
        table: str,
        plain: dict[str, Any],
        rows: tuple[dict[str, Any], ...],
        at: str,
        batch_id: str,
    ) -> None:
        """Append rows to a table of the studio, each given as what differs from a plain one."""
        places = ({"source_file": table, "source_line": line} for line in count(1))
        whole = [{**plain, **place, **row} for place, row in zip(places, rows, strict=False)]
        self._append(table, whole, at, batch_id, "studio")

    def _append(
        self, table: str, rows: list[dict[str, Any]], at: str, batch_id: str, pipeline: str
    ) -> None:
        """Append rows to bronze as a new load, complete as dlt notes it: later than all before."""
        # Not by `query`: DuckDB opens no reader while a context of this process is open.
        with duckdb.connect(str(self.duckdb)) as connection:
            if table in STUDIO_TABLES:
                connection.execute(
                    f"CREATE TABLE IF NOT EXISTS bronze.{table} "
                    f"({STUDIO_TABLES[table]}, _dlt_load_id TEXT, _dlt_id TEXT)"
                )
            ((load_id,),) = connection.execute(
                "INSERT INTO bronze._dlt_loads "
                "SELECT (1_772_000_000 + COUNT(*)) || '.5', $1, 0, now(), 'test' "
                "FROM bronze._dlt_loads RETURNING load_id",
                [pipeline],
            ).fetchall()
            for row in rows:
                names, marks = ", ".join(row), ", ".join(f"${name}" for name in row)
                connection.execute(
                    f"INSERT INTO bronze.{table} "
                    f"({names}, ingested_at, batch_id, _dlt_load_id, _dlt_id) "
                    f"SELECT {marks}, {moment(at)}, '{batch_id}', '{load_id}', uuid()::TEXT",
                    row,
                )

    def plan(self, environment: str | None = None, **options: Any) -> None:
        """`sqlmesh plan [environment] --auto-apply --skip-tests`."""

        def plan() -> None:
            with self.context() as context:
                context.plan(
                    environment,
                    auto_apply=True,
                    no_prompts=True,
                    skip_tests=True,
                    **({"select_models": self.selected or None} | options),
                )

        self.apart(plan)

    def refresh(self, environment: str | None = None, **options: Any) -> None:
        """`sqlmesh run [environment] --ignore-cron`."""

        def run() -> None:
            with self.context(load=False) as context:
                ended = context.run(
                    environment,
                    ignore_cron=True,
                    **({"select_models": self.selected or None} | options),
                )
                assert ended.is_success

        self.apart(run)

    def apart(self, action: Callable[[], None]) -> None:
        """Do what loads models or macros; those of a changed copy in a process of its own.

        Python keeps the macros of the first project that a process loads, and SQLMesh takes those
        from another folder for other macros: models would differ that are the same.
        """
        if self.project == ROOT:
            action()
            return
        if os.getpid() != TESTS:
            forget_modules(self.project)
            action()
            return
        output_file = self.folder / "output.txt"
        child = in_child(output_file, lambda: forget_modules(self.project), action)
        assert finish(child) == 0, output_file.read_text(encoding="utf-8")

    @contextmanager
    def context(self, *, load: bool = True) -> Iterator[Context]:
        """SQLMesh on this warehouse, as the command line sees it.

        Args:
            load: Whether to read the project's files, which takes seconds. `sqlmesh run` does not:
                it goes by the state alone.
        """
        variables = {
            "MARQUEE_DUCKDB": str(self.duckdb),
            "MARQUEE_STATE_DUCKDB": str(self.state_duckdb),
            # What is cached of the project holds for its copies: entries bear a hash of the model.
            "SQLMESH__CACHE_DIR": str(ROOT / ".cache" / "sqlmesh" / "duckdb"),
            # A statement per column and plan, 1,600 for all models; test_demo.py looks at them.
            "SQLMESH__GATEWAYS__DUCKDB__CONNECTION__REGISTER_COMMENTS": "false",
        }
        loader = CachedLoader if self.project == ROOT else None
        with ExitStack() as stack:
            stack.enter_context(mock.patch.dict(os.environ, variables))
            if not self.is_audited:
                stack.enter_context(mock.patch.object(SnapshotEvaluator, "audit", return_value=[]))
            context = Context(paths=[str(self.project)], load=load, loader=loader)
            stack.callback(context.close)
            yield context

    def execute(self, sql: str, parameters: dict[str, Any] | None = None) -> None:
        """Run a statement in the warehouse."""
        with duckdb.connect(str(self.duckdb)) as connection:
            connection.execute(sql, parameters)

    def query(self, sql: str) -> Rows:
        """All rows of a query."""
        with duckdb.connect(str(self.duckdb), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def delete_state(self) -> None:
        """`rm state.duckdb*`: DuckDB would replay a log that a killed process left behind."""
        for file in self.folder.glob("state.duckdb*"):
            file.unlink()

    def forget_all_but_bronze(self) -> None:
        """Drop what SQLMesh made, and its state."""
        self.delete_state()
        for schema in ("silver", "snapshots", "gold", "ops"):
            self.execute(f"DROP SCHEMA {schema} CASCADE")
            self.execute(f"DROP SCHEMA sqlmesh__{schema} CASCADE")

    def rows_of(self, *schemas: str, without: str = "") -> dict[str, Rows]:
        """Every row of every table of the schemas, in an order of its own, by table.

        Without the logs of runs in `ops`, which every run adds to: they are no views.

        Args:
            schemas: Their names.
            without: The end of the names of columns to leave out.
        """
        columns = f"COLUMNS(name -> {not without} OR NOT suffix(name, '{without}'))"
        with self.opened():
            return {
                name: self.query(f"SELECT {columns} FROM {name} ORDER BY ALL")
                for name in self.tables_of(*schemas)
            }

    def current_rows_of(self, *schemas: str) -> dict[str, Rows]:
        """Rows of the schemas that a rebuild from bronze gives, too, by table.

        Without what tells of refreshes: their columns, removed pairs, superseded periods.
        """
        found = {}
        with self.opened():
            for name in self.tables_of(*schemas):
                columns = [column for column, *_ in self.query(f"DESCRIBE {name}")]
                kept = [column for column in columns if column not in OF_REFRESHES]
                condition = " AND ".join(IS_CURRENT[one] for one in columns if one in IS_CURRENT)
                found[name] = self.query(
                    f"SELECT {', '.join(kept)} FROM {name} WHERE {condition or 'TRUE'} ORDER BY ALL"
                )
        return found

    def tables_of(self, *schemas: str) -> list[str]:
        """Names of all tables of the schemas but the logs of runs, which are no views."""
        names = ", ".join(f"'{schema}'" for schema in schemas)
        tables = self.query(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables "
            f"WHERE table_schema IN ({names}) "
            "AND NOT (table_schema = 'ops' AND table_type = 'BASE TABLE') ORDER BY ALL"
        )
        return [name for (name,) in tables]

    def opened(self) -> AbstractContextManager[Any]:
        """Keep the file open for the queries of a block: to open it takes longer than most."""
        return duckdb.connect(str(self.duckdb), read_only=True)


def moment(at: str) -> str:
    """SQL for a moment in UTC."""
    return "current_timestamp AT TIME ZONE 'UTC'" if at == "now" else f"TIMESTAMP '{at}'"
