"""SQLMesh's model graph as plain values: what the pages are made of."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from unittest import mock

from sqlglot import exp
from sqlmesh.core.context import Context
from sqlmesh.core.model import Model, SeedModel

from marquee.lineage.columns import parents_of

# A column of a table, by the names that people use.
ColumnName = tuple[str, str]

SEED_ROWS = 50


@dataclass(frozen=True)
class Audit:
    """A check of a table's rows; if `is_blocking`, a failure stops what depends on the table."""

    name: str
    arguments: str  # such as `columns := (movie_sk, movie_id)`
    columns: frozenset[str]  # that the arguments name
    is_blocking: bool


@dataclass(frozen=True)
class Test:
    """A unit test of a model: its name, what it says of itself, and its file."""

    name: str
    description: str
    file: str


@dataclass(frozen=True)
class Column:
    """A column, and the columns of other tables that it is made of."""

    name: str
    type: str  # as DuckDB writes it
    description: str
    is_key: bool  # part of the grain
    parents: tuple[ColumnName, ...]


@dataclass(frozen=True)
class Table:
    """A model, or a table that a pipeline lands."""

    name: str  # such as `gold.fact_movies`
    layer: str  # its schema
    kind: str  # as SQLMesh calls it
    description: str
    cron: str  # how often it is due; empty for what SQLMesh does not build
    file: str  # the definition's, from the project's folder
    definition: str  # as its author wrote it
    query: str  # as SQLMesh runs it on DuckDB; empty where there is none
    columns: tuple[Column, ...]
    parents: tuple[str, ...]  # the tables that it reads
    audits: tuple[Audit, ...]
    tests: tuple[Test, ...]
    seed: Sequence[Sequence[str]] = ()  # head and first rows of a seed's CSV file

    @property
    def short_name(self) -> str:
        """The name without its schema."""
        return self.name.rpartition(".")[2]

    @property
    def summary(self) -> str:
        """The first sentence of the description."""
        head, stop, _ = self.description.partition(". ")
        return head + stop.strip()


# Takes the models and returns them, and may report how far it is, as `rich.progress.track` does.
Watch = Callable[[Sequence[Model]], Iterable[Model]]


def read_project(root: Path, watch: Watch = iter) -> dict[str, Table]:
    """Have SQLMesh read the project, and return all tables, by name; no warehouse is opened.

    `watch` is passed the models, whose column lineage takes most of the time.

    Raises:
        SQLMeshError: the project does not load.
    """
    elsewhere = {
        "MARQUEE_DUCKDB": ":memory:",
        "MARQUEE_STATE_DUCKDB": ":memory:",
        "SQLMESH__DEFAULT_GATEWAY": "duckdb",
    }
    with mock.patch.dict(os.environ, elsewhere):
        context = Context(paths=[str(root)])
        try:
            return tables_of(context, root, watch)
        finally:
            context.close()


def tables_of(context: Context, root: Path, watch: Watch = iter) -> dict[str, Table]:
    """All tables of a loaded project, ordered by name."""
    names = {fqn: model.name for fqn, model in context.models.items()}
    tests: dict[str, list[Test]] = defaultdict(list)
    for test in context.select_tests():
        description = str(test.body.get("description") or "")
        found = Test(test.test_name, description, _relative(test.path, root))
        tests[test.model_name].append(found)
    by_name = sorted(context.models.values(), key=lambda model: model.name)
    return {model.name: _table(model, names, tests[model.name], root) for model in watch(by_name)}


def _table(model: Model, names: Mapping[str, str], tests: list[Test], root: Path) -> Table:
    path = model._path  # SQLMesh has no other name for it
    query = model.render_query() if model.is_sql else None
    return Table(
        name=model.name,
        layer=model.schema_name,
        kind=model.kind.name.name,
        description=model.description or "",
        cron="" if model.kind.is_external or model.kind.is_seed else model.cron,
        file=_relative(path, root) if path else "",
        definition="" if model.kind.is_external or not path else path.read_text(encoding="utf-8"),
        query=query.sql(dialect="duckdb", pretty=True) if query else "",
        columns=tuple(_columns(model, names)),
        parents=tuple(
            sorted(names[fqn] for fqn in (model.depends_on or set()) - {model.fqn} if fqn in names)
        ),
        audits=tuple(_audits(model)),
        tests=tuple(tests),
        seed=_seed_rows(model) if isinstance(model, SeedModel) else (),
    )


def _columns(model: Model, names: Mapping[str, str]) -> Iterator[Column]:
    keys = {column.name for grain in model.grains for column in grain.find_all(exp.Column)}
    for name, kind in (model.columns_to_types or {}).items():
        yield Column(
            name=name,
            type=kind.sql("duckdb"),
            description=(model.column_descriptions or {}).get(name, ""),
            is_key=name in keys,
            parents=tuple(
                sorted(
                    (names[fqn], column)
                    for fqn, column in (parents_of(model, name) if model.is_sql else ())
                    if fqn in names and fqn != model.fqn
                )
            ),
        )


def _audits(model: Model) -> Iterator[Audit]:
    for audit, arguments in model.audits_with_args:
        yield Audit(
            name=audit.name,
            arguments=", ".join(
                f"{name} := {value.sql('duckdb')}" for name, value in arguments.items()
            ),
            columns=frozenset(
                column.name for value in arguments.values() for column in value.find_all(exp.Column)
            ),
            # A model may say otherwise than the audit, as SQLMesh's evaluator reads it.
            is_blocking=arguments.get("blocking", exp.convert(audit.blocking)) == exp.true(),
        )


def _seed_rows(model: SeedModel) -> list[list[str]]:
    with model.seed_path.open(encoding="utf-8", newline="") as file:
        return list(islice(csv.reader(file), SEED_ROWS + 1))


def _relative(path: Path, root: Path) -> str:
    """A file from the project's folder, the links of the root followed."""
    return os.path.relpath(path.resolve(), root.resolve()).replace(os.sep, "/")
