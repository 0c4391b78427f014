"""Writes docs/data-dictionary.md from the models' own descriptions: `make docs`.

The models are the source; the page is made so that an analyst can read it without the tools. A test
fails when it is out of date.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlmesh.core.context import Context
from sqlmesh.core.model import Model

from marquee.core.settings import ROOT

PAGE = ROOT / "docs" / "data-dictionary.md"

LAYERS = {
    "bronze": "The sources' records, unchanged. Written by dlt, append-only.",
    "silver": "Typed and cleaned, one row per entity; also the seeds, small tables kept as CSV.",
    "snapshots": "History: which values were valid when (SCD type 2), half-open periods.",
    "gold": "The star schema and the KPI tables, for analysts.",
    "ops": "How the warehouse itself is doing.",
}

INTRODUCTION = """\
# Data dictionary

Made by `make docs` from the models' own descriptions; change it there.

Money is in US dollars (`_usd`), whole ones in TMDb's tables, with cents in the studio's. Shares are
percentages (`_pct`), moments are UTC (`_at`, `valid_from`, `valid_to`). NULL is unknown, never 0.
Columns that begin with `_` are lineage.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(Context(paths=[str(ROOT)]).models.values()), encoding="utf-8")


def page(models: Iterable[Model]) -> str:
    """The dictionary as Markdown, a section a layer, a table a model."""
    parts = [INTRODUCTION]
    by_name = sorted(models, key=lambda model: model.name)
    for layer, purpose in LAYERS.items():
        parts.append(f"## {layer}\n\n{purpose}\n")
        parts += [section(model) for model in by_name if model.schema_name == layer]
    return "\n".join(parts)


def section(model: Model) -> str:
    """One model: what a row is, its key, its columns."""
    grain = ", ".join(f"`{column.sql()}`" for column in model.grains)
    lines = [f"### {model.name}", "", model.description or ""]
    if grain:
        lines += ["", f"Key: {grain}. Kind: {model.kind.name}."]
    lines += ["", "| column | type | meaning |", "|---|---|---|"]
    for column, kind in (model.columns_to_types or {}).items():
        meaning = (model.column_descriptions or {}).get(column, "")
        lines.append(f"| `{column}` | {kind.sql('duckdb')} | {meaning} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
