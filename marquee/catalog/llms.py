"""The warehouse in one Markdown file for AI assistants: `llms.txt`, of `make catalog`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from marquee.catalog.templates import TEMPLATES
from marquee.lineage.project import Table

JOIN = re.compile(r"key := (?P<key>\w+), parent := (?P<parent>[\w.\"]+), parent_key := (?P<to>\w+)")

QUESTION = re.compile(r"^## \d+\. (?P<title>[^\n]+)\n\n```sql\n(?P<sql>.*?)```", re.M | re.DOTALL)
LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")


@dataclass(frozen=True)
class Question:
    """A question of docs/questions.md, and the query that answers it."""

    title: str
    sql: str


def read_questions(root: Path) -> list[Question]:
    """Return the ten questions of the project below `root`."""
    text = (root / "docs" / "questions.md").read_text(encoding="utf-8")
    return [Question(one["title"], one["sql"]) for one in QUESTION.finditer(text)]


def page(tables: Mapping[str, Table], root: Path) -> str:
    """Return the file: tables, grains, columns, joins, measures and the ten questions."""
    shown = [one for one in tables.values() if one.layer == "gold"]
    shown.append(tables["ops.data_quality_results"])
    questions = (root / "docs" / "questions.md").read_text(encoding="utf-8").rstrip()
    questions = LINK.sub(r"\1", questions)  # the file is read without the documents beside it
    page = TEMPLATES.get_template("llms.txt.jinja").render(
        tables=shown,
        joins=dict.fromkeys(line for one in shown for line in joins_of(one)),
        measures=(root / "metrics" / "gold.sql").read_text(encoding="utf-8").strip(),
        questions=re.sub(r"^#", "##", questions, flags=re.MULTILINE),
    )
    return f"{page}\n"


def joins_of(table: Table) -> Iterator[str]:
    """Yield the references of a table to others of gold, which audits check."""
    for audit in table.audits:
        found = JOIN.search(audit.arguments) if audit.name == "relationship" else None
        if found and found["parent"].replace('"', "").startswith("gold."):
            parent = found["parent"].replace('"', "")
            yield f"{table.name}.{found['key']} = {parent}.{found['to']}"
