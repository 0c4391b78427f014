"""The graph of the project's tables, and the origins of each column, for the dashboard.

SQLMesh reads the project in a process of its own (`python -m marquee.dashboard.lineage`): it takes
seconds, and needs an environment that the dashboard's threads must not share.
"""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from marquee.core.settings import ROOT
from marquee.core.signals import end_with_parent
from marquee.dashboard.charts import LAYER_COLOURS
from marquee.lineage.graph import Graph

CACHE = ROOT / ".cache" / "dashboard"
# In Snowflake, where SQLMesh is missing: what `describe` returned when the dashboard was deployed.
DEPLOYED = Path(__file__).with_name("lineage.json")
DOT_HEAD = """\
digraph {
rankdir=LR bgcolor=transparent nodesep=0.12 ranksep=0.5
node [shape=box style="filled,rounded" fontname="sans-serif" fontsize=12 height=0.3
  margin="0.12,0.04" color="#8c1d18"]
edge [color="#8d99a6" arrowsize=0.6]"""


# By the name of a table: its `layer`, `kind`, `description` and `parents`, and in `columns` one
# record per column, as the page lists it.
Tables = dict[str, dict[str, Any]]


class Lineage:
    """What tables are made of."""

    def __init__(self, tables: Tables) -> None:
        """Take the tables."""
        self.tables = tables
        self.graph = Graph({name: one["parents"] for name, one in tables.items()})

    def dot(self, chosen: str, extent: int) -> str:
        """Return a picture in Graphviz's language: tables, each made of those on its left.

        Args:
            chosen: the table that stands out.
            extent: 0 for it and its neighbors, 1 for all upstream and downstream, 2 for all tables.
        """
        names = [
            {chosen, *self.graph.neighbors(chosen)},
            self.graph.related(chosen),
            {*self.graph.parents},
        ][extent]
        edges = self.graph.edges(names)
        lines = [DOT_HEAD]
        for name in sorted(names):
            attributes = {
                "fillcolor": LAYER_COLOURS[self.tables[name]["layer"]],
                "tooltip": self.tables[name]["description"],
                "URL": f"?table={name}",
                "target": "_self",
                "penwidth": "3" if name == chosen else "0",
            }
            quoted = (f"{key}={json.dumps(value)}" for key, value in attributes.items())
            lines.append(f'"{name}" [{" ".join(quoted)}]')
        # Of neighbors only their edges to the chosen one, so that there are three columns.
        lines += [f'"{a}" -> "{b}"' for a, b in edges if extent or chosen in (a, b)]
        return "\n".join([*lines, "}"])


def read_lineage() -> Lineage:
    """Return the project's lineage; SQLMesh reads the project only if its files have changed.

    Raises:
        subprocess.CalledProcessError: the project cannot be read; `sqlmesh lint` has the reason.
    """
    kept = DEPLOYED if DEPLOYED.exists() else CACHE / f"lineage-{_digest()}.json"
    try:
        found = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it does not exist, or a crash interrupted its writing
        done = subprocess.run(
            [sys.executable, "-m", "marquee.dashboard.lineage"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        found = json.loads(done.stdout.splitlines()[-1])
        for old in CACHE.glob("lineage-*.json"):
            old.unlink(missing_ok=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found), encoding="utf-8")
    return Lineage(found)


def _digest() -> str:
    """Return a hash of what the graph depends on: the project's files, this package, SQLMesh."""
    digest = sha256(version("sqlmesh").encode())
    package = sorted((ROOT / "marquee" / "lineage").glob("*.py"))
    parts = [ROOT / "config.yaml", ROOT / "external_models.yaml", Path(__file__), *package]
    for path in [*parts, *sorted((ROOT / "sqlmesh_project").rglob("*"))]:
        if path.suffix in (".sql", ".py", ".yaml"):
            digest.update(f"{path}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def describe() -> Tables:
    """Read the project in this process."""
    # Only in the process of its own: SQLMesh takes seconds to import.
    from marquee.lineage.project import read_project

    return {
        table.name: {
            "layer": table.layer,
            "kind": table.kind,
            "description": table.description,
            "parents": table.parents,
            "columns": [
                {
                    "column": column.name,
                    "type": column.type,
                    "meaning": column.description,
                    "origins": ", ".join(".".join(parent) for parent in column.parents),
                }
                for column in table.columns
            ],
        }
        for table in read_project(ROOT).values()
    }


if __name__ == "__main__":
    end_with_parent()
    print(json.dumps(describe()))
