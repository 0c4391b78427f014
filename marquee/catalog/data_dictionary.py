"""Writes docs/data-dictionary.md from the models' own descriptions: `make docs`.

The models are the source; the page is made so that an analyst can read it without the tools. A test
fails when it is out of date.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlmesh.core.context import Context
from sqlmesh.core.model import Model

from marquee.catalog.templates import TEMPLATES
from marquee.core.settings import ROOT

PAGE = ROOT / "docs" / "data-dictionary.md"

LAYERS = {
    "bronze": "The sources' records, unchanged. Written by dlt, append-only.",
    "silver": "Typed and cleaned, one row per entity; also the seeds, small tables kept as CSV.",
    "snapshots": "History: which values were valid when (SCD type 2), half-open periods.",
    "gold": "The star schema and the KPI tables, for analysts.",
    "ops": "How the warehouse itself is doing.",
}


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(Context(paths=[str(ROOT)]).models.values()), encoding="utf-8")


def page(models: Iterable[Model]) -> str:
    """The dictionary as Markdown, a section a layer, a table a model."""
    by_name = sorted(models, key=lambda model: model.name)
    template = TEMPLATES.get_template("data_dictionary.md.jinja")
    return template.render(models=by_name, layers=LAYERS)


if __name__ == "__main__":
    main()
