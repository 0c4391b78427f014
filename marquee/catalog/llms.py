"""The warehouse in one Markdown file for AI assistants: `llms.txt`, of `make catalog`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from marquee.lineage.project import Table

INTRODUCTION = """\
# Marquee

A movie-analytics warehouse: movies of TMDb and an invented or real film studio. This file has all
that is needed to write SQL on it. Engine: DuckDB or Snowflake; write SQL that both accept.

- Read the schema gold. ops has data quality; silver and bronze are not for analysis.
- Money is in US dollars (`_usd`). Shares are in percent (`_pct`). Moments are UTC. NULL is unknown.
- Every dimension has an unknown member, so use inner joins.
- Revenue of a movie counts whole in each of its genres (bridge_movie_genres). To divide it,
  multiply by the bridge's weight.
- Distinct fans (`unique_fans`) must not be added up.
- Histories: valid_from is inclusive, valid_to exclusive, NULL means until now.
"""
JOIN = re.compile(r"key := (?P<key>\w+), parent := (?P<parent>[\w.\"]+), parent_key := (?P<to>\w+)")

QUESTION = re.compile(r"^## \d+\. (?P<title>[^\n]+)\n\n```sql\n(?P<sql>.*?)```", re.M | re.DOTALL)


@dataclass(frozen=True)
class Question:
    """A question of docs/questions.md, and the query that answers it."""

    title: str
    sql: str


def read_questions(root: Path) -> list[Question]:
    """Return the ten questions.

    Args:
        root: the project's folder.

    """
    text = (root / "docs" / "questions.md").read_text(encoding="utf-8")
    return [Question(one["title"], one["sql"]) for one in QUESTION.finditer(text)]


def page(tables: Mapping[str, Table], root: Path) -> str:
    """Return the file: tables, grains, columns, joins, measures and the ten questions.

    Args:
        tables: of the project, by name.
        root: the project's folder.

    """
    shown = [one for one in tables.values() if one.layer == "gold"]
    shown.append(tables["ops.data_quality_results"])
    parts = [INTRODUCTION, "## Tables\n", *(section(one) for one in shown)]
    joins = [f"- {line}" for one in shown for line in joins_of(one)]
    parts.append("\n".join(["## Joins", "", *dict.fromkeys(joins), ""]))
    measures = (root / "metrics" / "gold.sql").read_text(encoding="utf-8").strip()
    parts.append(f"## Measures\n\n```sql\n{measures}\n```\n")
    questions = (root / "docs" / "questions.md").read_text(encoding="utf-8")
    return "\n".join([*parts, re.sub(r"^#", "##", questions, flags=re.MULTILINE)])


def section(table: Table) -> str:
    """Return a table: what a row is, its key, its columns."""
    keys = ", ".join(column.name for column in table.columns if column.is_key)
    columns = [f"- {one.name} ({one.type}): {one.description}" for one in table.columns]
    return "\n".join(
        [f"### {table.name}", "", table.description, f"Key: {keys}.", "", *columns, ""]
    )


def joins_of(table: Table) -> Iterator[str]:
    """Yield the references of a table to others of gold, which audits check."""
    for audit in table.audits:
        found = JOIN.search(audit.arguments) if audit.name == "relationship" else None
        if found and found["parent"].replace('"', "").startswith("gold."):
            parent = found["parent"].replace('"', "")
            yield f"{table.name}.{found['key']} = {parent}.{found['to']}"
