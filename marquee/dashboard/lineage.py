"""The graph of the project's tables, and the origins of each column, for the dashboard.

SQLMesh reads the project in a process of its own (`python -m marquee.dashboard.lineage`): it takes
seconds, and needs an environment that the dashboard's threads must not share.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from marquee.core.settings import ROOT
from marquee.core.signals import end_with_parent
from marquee.lineage.graph import Graph
from marquee.lineage.layout import place

CACHE = ROOT / ".cache" / "dashboard"
# In Snowflake, where SQLMesh is missing: what `describe` returned when the dashboard was deployed.
DEPLOYED = Path(__file__).with_name("lineage.json")
NODE_HEIGHT = 30  # pixels: the lanes of a column, in which its points stand


class Lineage:
    """What tables are made of.

    Attributes:
        nodes: one row per table: `table_name`, `layer`, `kind`, `description` and `parents`.

    """

    def __init__(self, tables: list[dict[str, Any]], columns: list[dict[str, Any]]) -> None:
        """Take one record per table, and one per column."""
        self.nodes = pd.DataFrame(tables)
        self._columns = pd.DataFrame(columns)

    @cached_property
    def graph(self) -> Graph:
        """Parents and children of the tables."""
        return Graph(dict(zip(self.nodes["table_name"], self.nodes["parents"], strict=True)))

    def columns(self, table: str) -> pd.DataFrame:
        """Return the columns of a table: `column`, `type`, `meaning`, `origins`."""
        found = self._columns[self._columns["table_name"] == table]
        return found.drop(columns=["table_name"])

    def placed(self, tables: Collection[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return some tables and the edges among them with their places.

        Returns:
            The nodes with x (the column) and y (pixels from the top), and the edges as paths: one
            row per point, with `parent`, `child`, x and y.

        """
        names = [name for name in sorted(self.graph.parents) if name in tables]
        edges = self.graph.edges(names)
        layout = place(names, edges, NODE_HEIGHT)
        nodes = self.nodes[self.nodes["table_name"].isin(names)].drop(columns=["parents"])
        lanes = {name: _lane(layout.middles[name], layout.columns[name]) for name in names}
        nodes = nodes.assign(
            x=nodes["table_name"].map(layout.columns), y=nodes["table_name"].map(lanes)
        )
        paths = pd.DataFrame(
            [
                {"parent": parent, "child": child, "x": x, "y": y}
                for (parent, child), path in layout.edge_paths.items()
                for x, y in [
                    (layout.columns[parent], lanes[parent]),
                    *path[1:-1],
                    (layout.columns[child], lanes[child]),
                ]
            ],
            columns=["parent", "child", "x", "y"],
        )
        return nodes, paths


def _lane(height: float, column: int) -> float:
    """Return the height of the lane of a point.

    The lanes of every other column are half a lane lower: a name is longer than a column is wide,
    and so meets neither the points of the next column nor their names.
    """
    return height // NODE_HEIGHT * NODE_HEIGHT + NODE_HEIGHT / 2 * (1 + column % 2)


def read_lineage(cache: Path = CACHE) -> Lineage:
    """Return the project's lineage; SQLMesh reads the project only if its files have changed.

    Raises:
        subprocess.CalledProcessError: the project cannot be read; `sqlmesh lint` has the reason.

    """
    kept = DEPLOYED if DEPLOYED.exists() else cache / f"lineage-{_digest()}.json"
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it does not exist, or a crash interrupted its writing
        found = _read_in_subprocess()
        for old in cache.glob("lineage-*.json"):
            old.unlink(missing_ok=True)
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found), encoding="utf-8")
    return Lineage(found["tables"], found["columns"])


def _digest() -> str:
    """Return a hash of what the graph depends on: the project's files, this package, SQLMesh."""
    digest = sha256(version("sqlmesh").encode())
    package = sorted((ROOT / "marquee" / "lineage").glob("*.py"))
    parts = [ROOT / "config.yaml", ROOT / "external_models.yaml", Path(__file__), *package]
    for path in [*parts, *sorted((ROOT / "sqlmesh_project").rglob("*"))]:
        if path.suffix in (".sql", ".py", ".yaml"):
            digest.update(f"{path}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _read_in_subprocess() -> dict[str, list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, "-m", "marquee.dashboard.lineage"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout.splitlines()[-1])
    return found


def describe() -> dict[str, list[dict[str, Any]]]:
    """Read the project in this process; `tables` and `columns` as plain values."""
    # Only in the process of its own: SQLMesh takes seconds to import.
    from marquee.lineage.project import read_project

    tables = read_project(ROOT).values()
    return {
        "tables": [
            {
                "table_name": table.name,
                "layer": table.layer,
                "kind": table.kind,
                "description": table.description,
                "parents": table.parents,
            }
            for table in tables
        ],
        "columns": [
            {
                "table_name": table.name,
                "column": column.name,
                "type": column.type,
                "meaning": column.description,
                "origins": ", ".join(".".join(parent) for parent in column.parents),
            }
            for table in tables
            for column in table.columns
        ],
    }


if __name__ == "__main__":
    end_with_parent()
    print(json.dumps(describe()))
