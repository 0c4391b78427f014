"""The table graph, drawn from SQLMesh's own model graph."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from tempfile import TemporaryDirectory
from unittest import mock

import pandas as pd
from sqlmesh.core.context import Context
from sqlmesh.core.lineage import column_dependencies

from landing.settings import ROOT


@dataclass
class Lineage:
    """The models and where their columns come from; loading takes SQLMesh some seconds."""

    project: str = str(ROOT)
    _origins: dict[tuple[str, str], str] = field(default_factory=dict)

    @cached_property
    def context(self) -> Context:
        """The project, with a warehouse of its own for a moment: nothing is asked of it."""
        scratch = TemporaryDirectory(prefix="marquee-lineage-")
        self._scratch = scratch  # lives as long as the context
        variables = {
            "MARQUEE_DUCKDB": f"{scratch.name}/warehouse.duckdb",
            "MARQUEE_STATE_DUCKDB": f"{scratch.name}/state.duckdb",
        }
        with mock.patch.dict(os.environ, variables):
            return Context(paths=[self.project])

    @cached_property
    def nodes(self) -> pd.DataFrame:
        """One row a table: `table_name`, `layer`, `kind`, `description`, and its place x, y."""
        depths = self._depths
        rows = [
            {
                "table_name": model.name,
                "layer": model.schema_name,
                "kind": model.kind.name.name,
                "description": model.description or "",
                "x": depths[fqn],
            }
            for fqn, model in self.context.models.items()
        ]
        frame = pd.DataFrame(rows).sort_values(["x", "layer", "table_name"], ignore_index=True)
        place = frame.groupby("x").cumcount()
        height = frame.groupby("x")["x"].transform("size")
        frame["y"] = (place + 0.5) / height
        return frame

    @cached_property
    def edges(self) -> pd.DataFrame:
        """One row a table and a table it reads: `parent`, `child`."""
        known = self.context.models
        rows = [
            (known[parent].name, model.name)
            for model in known.values()
            for parent in sorted(model.depends_on or ())
            if parent in known and known[parent].name != model.name
        ]
        return pd.DataFrame(rows, columns=["parent", "child"])

    @cached_property
    def _depths(self) -> dict[str, int]:
        depths: dict[str, int] = {}
        for fqn in self.context.dag.sorted:
            if fqn in self.context.models:
                parents = (self.context.models[fqn].depends_on or set()) - {fqn}
                depths[fqn] = 1 + max((depths.get(one, -1) for one in parents), default=-1)
        return depths

    def columns(self, table: str) -> pd.DataFrame:
        """Return a table's columns: `column`, `type`, `meaning`, and `origins`, `table.column`."""
        model = self.context.get_model(table, raise_if_missing=True)
        return pd.DataFrame(
            [
                {
                    "column": column,
                    "type": kind.sql("duckdb"),
                    "meaning": (model.column_descriptions or {}).get(column, ""),
                    "origins": self._origin(table, column),
                }
                for column, kind in (model.columns_to_types or {}).items()
            ],
            columns=["column", "type", "meaning", "origins"],
        )

    def _origin(self, table: str, column: str) -> str:
        if (table, column) not in self._origins:
            model = self.context.get_model(table, raise_if_missing=True)
            found = column_dependencies(self.context, table, column) if model.is_sql else {}
            names = {fqn: one.name for fqn, one in self.context.models.items()}
            self._origins[table, column] = ", ".join(
                sorted(f"{names.get(fqn, fqn)}.{one}" for fqn, of in found.items() for one in of)
            )
        return self._origins[table, column]
