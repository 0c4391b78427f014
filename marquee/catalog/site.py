"""Writes the pages: HTML from templates, one style sheet, one script, one index to search."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import SqlLexer

from marquee.catalog.history import History
from marquee.catalog.llms import Question
from marquee.catalog.pictures import Lineage
from marquee.catalog.templates import TEMPLATES
from marquee.lineage.project import Table

HERE = Path(__file__).resolve().parent
MODELS = "models"

CURVE_WIDTH = 120
CURVE_HEIGHT = 28


@dataclass(frozen=True)
class Site:
    """All that the pages say."""

    tables: Mapping[str, Table]
    history: History  # empty without a warehouse
    layers: Mapping[str, str]  # what each schema is for, in the order of the page
    questions: Sequence[Question] = ()

    def write(self, folder: Path) -> Path:
        """Write the site into a folder, in place of an older one; return the page to begin with."""
        lineage = Lineage(self.tables)
        shutil.rmtree(folder / MODELS, ignore_errors=True)
        (folder / MODELS).mkdir(parents=True)
        shutil.copytree(HERE / "assets", folder / "assets", dirs_exist_ok=True)
        entries = json.dumps(list(self._entries()), ensure_ascii=False, separators=(",", ":"))
        # A script and not JSON: a page from file:// may not fetch.
        (folder / "assets" / "entries.js").write_text(f"const ENTRIES={entries};\n", "utf-8")
        shared = {"site": self, "lineage": lineage, "history": self.history}
        for name, table in self.tables.items():
            page = TEMPLATES.get_template("model.html").render(
                **shared, root="../", table=table, past=self.history.of(name)
            )
            (folder / page_of(name)).write_text(page, "utf-8")
        for page_name in ("index.html", "lineage.html"):
            page = TEMPLATES.get_template(page_name).render(**shared, root="")
            (folder / page_name).write_text(page, "utf-8")
        return folder / "index.html"

    def questions_of(self, table: str) -> list[Question]:
        """The example queries that read a table."""
        return [one for one in self.questions if re.search(rf"\b{re.escape(table)}\b", one.sql)]

    def in_layer(self, layer: str) -> list[Table]:
        """The tables of a schema."""
        return [table for table in self.tables.values() if table.layer == layer]

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of everything."""
        tables = self.tables.values()
        return {
            "tables": len(tables),
            "columns": sum(len(table.columns) for table in tables),
            "audits": sum(len(table.audits) for table in tables),
            "unit tests": sum(len(table.tests) for table in tables),
        }

    def _entries(self) -> Iterator[list[str]]:
        """What can be searched: name, description, page, layer; tables first."""
        for table in self.tables.values():
            yield [table.name, table.summary, page_of(table.name), table.layer]
        for table in self.tables.values():
            for column in table.columns:
                page = f"{page_of(table.name)}#{anchor(column.name)}"
                yield [f"{table.name}.{column.name}", column.description, page, table.layer]


def page_of(table: str) -> str:
    """The page of a table, from the site's folder."""
    return f"{MODELS}/{table}.html"


def anchor(column: str) -> str:
    """The place of a column on its table's page."""
    return f"column-{column}"


def sql(text: str) -> Markup:
    """SQL with its words marked, for the style sheet to colour."""
    return Markup(highlight(text, SqlLexer(), HtmlFormatter(nowrap=True)))  # noqa: S704


def number(count: float | None) -> str:
    """A number with its thousands apart; a dash where there is none."""
    return "-" if count is None else f"{count:,.0f}"


def moment(at: datetime | None) -> str:
    """A moment to the minute, UTC."""
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}"


def curve(counts: list[int]) -> Markup:
    """A small curve of the rows over the newest runs; nothing for fewer than two."""
    if len(counts) < 2:
        return Markup("")
    low, high = min(counts), max(counts)
    step = CURVE_WIDTH / (len(counts) - 1)
    room = CURVE_HEIGHT - 4
    points = " ".join(
        f"{place * step:.1f},{2 + room * (high - count) / ((high - low) or 1):.1f}"
        for place, count in enumerate(counts)
    )
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="curve" viewBox="0 0 {CURVE_WIDTH} {CURVE_HEIGHT}" width="{CURVE_WIDTH}" '
        f'height="{CURVE_HEIGHT}" role="img" aria-label="Rows of the last {len(counts)} runs: '
        f'{low:,} to {high:,}"><polyline points="{points}"/></svg>'
    )


TEMPLATES.filters.update(sql=sql, number=number, moment=moment, curve=curve)
TEMPLATES.globals.update(page_of=page_of, anchor=anchor)
