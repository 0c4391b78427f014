"""Pictures of dashboard, catalog and UI: `make screenshots`, of a healthy warehouse."""

from __future__ import annotations

import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from marquee.cli.health import current_results
from marquee.core.settings import ROOT, Settings
from marquee.dashboard.pages import PAGES
from tests.e2e.browser import CHROMIUM, dashboard, open_browser, path, sqlmesh_ui, visit

FOLDER = ROOT / "docs" / "screenshots"
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def main() -> int:
    """Take the pictures; return 1 where there is no browser, or a check fails."""
    if CHROMIUM is None:
        print("No chromium here: apt-get install chromium", file=sys.stderr)
        return 1
    failing = [f"{one.subject}: {one.message}" for one in current_results() if not one.is_ok]
    if failing:
        print("\n".join(["The pictures show a healthy warehouse:", *failing]), file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as scratch:
        take_dashboard(Path(scratch))
        take_catalog(Path(scratch))
        take_ui(Path(scratch))
    return 0


def take_dashboard(scratch: Path) -> None:
    """Take pictures of every page, and of one on a phone."""
    with dashboard(Settings.from_environment().duckdb, scratch) as address:
        with open_browser(viewport=WIDE) as page:
            for name in PAGES:
                take(page, f"{address}/{path(name)}", name)
        with open_browser(viewport=PHONE, color_scheme="dark") as page:
            take(page, address, "phone-dark")


def take_catalog(scratch: Path) -> None:
    """Take pictures of a table's page, and of a column on a phone."""
    command = [sys.executable, "-m", "marquee.cli.catalog", "--out", str(scratch)]
    subprocess.run(command, cwd=ROOT, check=True)
    page_of_fact = (scratch / "models" / "gold.fact_movies.html").as_uri()
    with open_browser(viewport=WIDE, color_scheme="light") as page:
        page.goto(page_of_fact)
        save(page, "catalog")
    with open_browser(viewport=PHONE, color_scheme="dark") as page:
        page.goto(f"{page_of_fact}#column-roi_pct")
        save(page, "catalog-phone-dark")


def take_ui(scratch: Path) -> None:
    """Take a picture of a model in SQLMesh's UI."""
    settings = Settings.from_environment()
    with (
        sqlmesh_ui(settings.duckdb, settings.state_duckdb, scratch) as address,
        open_browser(viewport=WIDE) as page,
    ):
        page.goto(f"{address}/data-catalog/models/gold.fact_movies")
        page.locator(".react-flow__node").filter(has_text=re.compile("kpi_top")).wait_for()
        page.wait_for_timeout(2000)
        save(page, "ui")


def take(page: Any, address: str, name: str) -> None:
    """Take a picture of a page."""
    visit(page, address)
    page.wait_for_timeout(2000)  # charts are drawn after their data is there
    save(page, name)


def save(page: Any, name: str) -> None:
    """Save what a page shows, in 256 colours: a third of the bytes."""
    picture = Image.open(BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(256).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
