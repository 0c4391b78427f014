"""The table graph and the origins of each column, from SQLMesh's own model graph.

SQLMesh reads the project in a process of its own (`python -m dashboard.lineage`): that takes
seconds, and needs an environment that the dashboard's threads must not share.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from landing.settings import ROOT

PIPELINES = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Lineage:
    """What tables are made of.

    Attributes:
        nodes: one row a table: `table_name`, `layer`, `kind`, `description`, and its place x, y.
        edges: one row a table and a table it reads: `parent`, `child`.
        all_columns: one row a column: `table_name`, `column`, `type`, `meaning`, and `origins`, the
            columns that it is made of.

    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    all_columns: pd.DataFrame

    def columns(self, table: str) -> pd.DataFrame:
        """Return the columns of a table."""
        found = self.all_columns[self.all_columns["table_name"] == table]
        return found.drop(columns=["table_name"])


def read_lineage() -> Lineage:
    """Have SQLMesh read the project.

    The warehouse is one of a folder that is thrown away: nothing is asked of it.

    Raises:
        subprocess.CalledProcessError: the project cannot be read; `sqlmesh lint` says why.

    """
    with TemporaryDirectory(prefix="marquee-lineage-") as scratch:
        done = subprocess.run(
            [sys.executable, "-m", "dashboard.lineage"],
            env={
                **os.environ,
                "PYTHONPATH": str(PIPELINES),
                "MARQUEE_DUCKDB": f"{scratch}/warehouse.duckdb",
                "MARQUEE_STATE_DUCKDB": f"{scratch}/state.duckdb",
                "SQLMESH__DEFAULT_GATEWAY": "duckdb",
            },
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    found = json.loads(done.stdout.splitlines()[-1])
    nodes = pd.DataFrame(found["nodes"])
    nodes = nodes.sort_values(["x", "layer", "table_name"], ignore_index=True)
    height = nodes.groupby("x")["x"].transform("size")
    # Every other column a little lower, so that the names beside the points have room.
    nodes["y"] = (nodes.groupby("x").cumcount() + 0.35 + 0.3 * (nodes["x"] % 2)) / height
    return Lineage(nodes, pd.DataFrame(found["edges"]), pd.DataFrame(found["columns"]))


def describe() -> dict[str, list[dict[str, Any]]]:
    """Read the project in this process; `nodes`, `edges` and `columns` as plain values."""
    from sqlmesh.core.context import Context
    from sqlmesh.core.lineage import column_dependencies

    context = Context(paths=[str(ROOT)])
    models = context.models
    names = {fqn: model.name for fqn, model in models.items()}
    depths: dict[str, int] = {}
    for fqn in context.dag.sorted:
        if fqn in models:
            parents = (models[fqn].depends_on or set()) - {fqn}
            depths[fqn] = 1 + max((depths.get(one, -1) for one in parents), default=-1)

    def origins(table: str, column: str) -> str:
        found = column_dependencies(context, table, column)
        return ", ".join(
            sorted(f"{names.get(fqn, fqn)}.{one}" for fqn, of in found.items() for one in of)
        )

    return {
        "nodes": [
            {
                "table_name": model.name,
                "layer": model.schema_name,
                "kind": model.kind.name.name,
                "description": model.description or "",
                "x": depths[fqn],
            }
            for fqn, model in models.items()
        ],
        "edges": [
            {"parent": names[parent], "child": model.name}
            for fqn, model in models.items()
            for parent in sorted(model.depends_on or ())
            if parent in names and parent != fqn
        ],
        "columns": [
            {
                "table_name": model.name,
                "column": column,
                "type": kind.sql("duckdb"),
                "meaning": (model.column_descriptions or {}).get(column, ""),
                "origins": origins(model.name, column) if model.is_sql else "",
            }
            for model in models.values()
            for column, kind in (model.columns_to_types or {}).items()
        ],
    }


if __name__ == "__main__":
    print(json.dumps(describe()))
