"""Puts the dashboard in Snowflake together: `make snowflake-dashboard`.

The folder is a project of Snowflake CLI: `snowflake.yml`, the app's script and packages, the parts
of `marquee` that it imports, and the lineage, for SQLMesh is missing in Snowflake.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from marquee.core.settings import ROOT
from marquee.dashboard.lineage import DEPLOYED, describe

FOLDER = ROOT / ".cache" / "snowflake_dashboard"
PACKAGES = ("core", "dashboard", "lineage", "monitoring")


def write_bundle(folder: Path = FOLDER) -> None:
    """Write the folder; what it held before is replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "snowflake" / "dashboard", folder)
    shutil.copy(ROOT / "snowflake" / "snowflake.yml", folder)
    for package in PACKAGES:
        shutil.copytree(
            ROOT / "marquee" / package,
            folder / "marquee" / package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    shutil.copy(ROOT / "marquee" / "__init__.py", folder / "marquee")
    lineage = folder / DEPLOYED.relative_to(ROOT)
    lineage.write_text(json.dumps(describe()), encoding="utf-8")


if __name__ == "__main__":
    write_bundle()
