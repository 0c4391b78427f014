"""The table graph and the origins of each column, from SQLMesh's own model graph.

SQLMesh reads the project in a process of its own (`python -m dashboard.lineage`): that takes
seconds, and needs an environment that the dashboard's threads must not share.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from marquee.core.settings import ROOT

CACHE = ROOT / ".cache" / "dashboard"


@dataclass(frozen=True)
class Lineage:
    """What tables are made of.

    Attributes:
        nodes: one row a table: `table_name`, `layer`, `kind`, `description`, and x, the longest way
            from a source to it.
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

    def related(self, table: str) -> set[str]:
        """Return a table, all it is made of, and all that is made of it."""
        found = {table}
        for start, end in (("child", "parent"), ("parent", "child")):
            step = {table}
            while step:
                step = set(self.edges.loc[self.edges[start].isin(step), end]) - found
                found |= step
        return found

    def placed(self, tables: Collection[str]) -> pd.DataFrame:
        """Return the nodes of some tables with a place x, y of their own, y from 0 to 1.

        Columns without a table close up. In each, the order is by the middle of the neighbours
        (Sugiyama's barycentres, a few times there and back), so that few lines cross.
        """
        nodes = self.nodes[self.nodes["table_name"].isin(tables)].copy()
        nodes["x"] = nodes["x"].rank(method="dense").astype(int) - 1
        nodes = nodes.sort_values(["x", "layer", "table_name"], ignore_index=True)
        nodes["y"] = _spread(nodes)
        edges = self.edges[self.edges.isin(tables).all(axis="columns")]
        for sweep in range(8):
            here, there = ("child", "parent") if sweep % 2 == 0 else ("parent", "child")
            places = nodes.set_index("table_name")["y"]
            middles = edges[there].map(places).groupby(edges[here]).mean()
            nodes["y"] = nodes["table_name"].map(middles).fillna(nodes["y"])
            nodes = nodes.sort_values(["x", "y", "table_name"], ignore_index=True)
            nodes["y"] = _spread(nodes)
        return nodes


def read_lineage(cache: Path = CACHE) -> Lineage:
    """Return what SQLMesh says of the project; asked again only when the project's files changed.

    The warehouse is one of a folder that is thrown away: nothing is asked of it.

    Raises:
        subprocess.CalledProcessError: the project cannot be read; `sqlmesh lint` says why.

    """
    kept = cache / f"lineage-{_digest()}.json"
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there, or a crash cut it short
        found = _ask_sqlmesh()
        for old in cache.glob("lineage-*.json"):
            old.unlink(missing_ok=True)
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found), encoding="utf-8")
    return Lineage(*(pd.DataFrame(found[part]) for part in ("nodes", "edges", "columns")))


def _digest() -> str:
    """Return a hash of what the graph is made of: the project's files and SQLMesh."""
    digest = sha256(version("sqlmesh").encode())
    parts = [ROOT / "config.yaml", ROOT / "external_models.yaml", Path(__file__)]
    for path in [*parts, *sorted((ROOT / "sqlmesh_project").rglob("*"))]:
        if path.suffix in (".sql", ".py", ".yaml"):
            digest.update(f"{path}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _ask_sqlmesh() -> dict[str, list[dict[str, Any]]]:
    with TemporaryDirectory(prefix="marquee-lineage-") as scratch:
        done = subprocess.run(
            [sys.executable, "-m", "marquee.dashboard.lineage"],
            env={
                **os.environ,
                "MARQUEE_DUCKDB": f"{scratch}/warehouse.duckdb",
                "MARQUEE_STATE_DUCKDB": f"{scratch}/state.duckdb",
                "SQLMESH__DEFAULT_GATEWAY": "duckdb",
            },
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout.splitlines()[-1])
    return found


def _spread(nodes: pd.DataFrame) -> pd.Series:
    """Spread the nodes of each column evenly, in the order they are in."""
    height = nodes.groupby("x")["x"].transform("size")
    # Every other column a little lower, so that the names beside the points have room.
    return (nodes.groupby("x").cumcount() + 0.4 + 0.2 * (nodes["x"] % 2)) / height


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
