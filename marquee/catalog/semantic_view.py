"""Writes snowflake/semantic_view.sql from the models and metrics: `make docs`.

Cortex Analyst answers questions by it. Tables, keys, columns and descriptions are those of the
models of gold, the relationships are their `relationship` audits, the metrics are SQLMesh's
(sqlmesh_project/metrics/). A test fails when the script is out of date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml
from sqlglot import exp
from sqlmesh.core.context import Context
from sqlmesh.core.metric import Metric
from sqlmesh.core.model import Model

from marquee.catalog.templates import TEMPLATES
from marquee.core.settings import ROOT

SCRIPT = ROOT / "snowflake" / "semantic_view.sql"
DATABASE = "<% ctx.env.SNOWFLAKE_DATABASE %>"
# What is defined, the name by which its synonyms are found, and its description.
Entry = tuple[str, str, str | None]
SYNONYMS = yaml.safe_load(Path(__file__).with_name("synonyms.yaml").read_text(encoding="utf-8"))


def main() -> None:
    """Write the script."""
    context = Context(paths=[str(ROOT)])
    SCRIPT.write_text(script(context.models.values(), context.metrics), encoding="utf-8")


def script(models: Iterable[Model], metrics: Mapping[str, Metric]) -> str:
    """Return the script of the facts and dimensions of gold, and of SQLMesh's metrics over them."""
    tables = {
        model.view_name: model
        for model in sorted(models, key=lambda one: one.name)
        if model.schema_name == "gold" and model.view_name.startswith(("dim_", "fact_"))
    }
    lists: dict[str, list[Entry]] = {
        "TABLES": [table(name, model) for name, model in tables.items()],
        "RELATIONSHIPS": [
            (one, "", "")
            for name, model in tables.items()
            for one in relationships(name, model, tables)
        ],
        "FACTS": columns(tables, is_fact=True),
        "DIMENSIONS": columns(tables, is_fact=False),
        "METRICS": sorted(metric(one) for one in metrics.values()),
    }
    template = TEMPLATES.get_template("semantic_view.sql.jinja")
    return template.render(lists=lists, synonyms=SYNONYMS) + "\n"


def table(name: str, model: Model) -> Entry:
    """Return a table's entry: its view, its grain as the primary key, its description."""
    keys = ", ".join(
        column.name.upper() for grain in model.grains for column in grain.find_all(exp.Column)
    )
    view = f"{DATABASE}.GOLD.{name.upper()}"
    return f"{name} AS {view} PRIMARY KEY ({keys})", name, model.description


def relationships(name: str, model: Model, tables: Mapping[str, Model]) -> Iterator[str]:
    """Yield a table's references to the other tables, as its audits check them."""
    for audit, arguments in model.audits_with_args:
        if audit.name != "relationship":
            continue
        key, parent_key = arguments["key"].name, arguments["parent_key"].name
        parent = arguments["parent"].sql("duckdb").replace('"', "").rpartition(".")[2]
        if parent in tables and parent != name:
            yield (
                f"{name}_{key} AS {name} ({key.upper()}) REFERENCES {parent} ({parent_key.upper()})"
            )


def columns(tables: Mapping[str, Model], *, is_fact: bool) -> list[Entry]:
    """Return the entries of the facts, or of the dimensions: all columns but keys and lineage."""
    found = []
    for name, model in tables.items():
        for column, kind in (model.columns_to_types or {}).items():
            if column.startswith("_") or column.endswith(("_sk", "_token")):
                continue
            is_measure = (
                name.startswith("fact_")
                and kind.is_type(*exp.DataType.NUMERIC_TYPES)
                and not column.endswith(("_id", "_year", "_month"))
            )
            if is_measure == is_fact:
                meaning = (model.column_descriptions or {}).get(column)
                logical = f"{name}.{column}"
                found.append((f"{logical} AS {column.upper()}", logical, meaning))
    return found


def metric(definition: Metric) -> Entry:
    """Return a metric's entry, under the table that it measures."""
    formula = definition.expression.copy()
    measured = ""
    for column in formula.find_all(exp.Column):
        measured = column.table
        column.replace(exp.column(column.name, table=measured))
    text = f"{measured}.{definition.name} AS {formula.sql('snowflake')}"
    return text, "", definition.description


if __name__ == "__main__":
    main()
