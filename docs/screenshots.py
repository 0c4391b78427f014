"""Pictures of the dashboard for the README: `make screenshots`, of the warehouse as it is."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "pipelines"), str(ROOT / "tests")]

from browser import CHROMIUM, dashboard, open_browser, visit  # noqa: E402
from dashboard.pages import PAGES, path  # noqa: E402
from landing.settings import Settings  # noqa: E402

FOLDER = ROOT / "docs" / "screenshots"
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def main() -> int:
    """Take the pictures; return 1 where there is no browser."""
    if CHROMIUM is None:
        print("No chromium here: apt-get install chromium", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with (
        TemporaryDirectory() as scratch,
        dashboard(Settings.from_environment().duckdb, Path(scratch)) as address,
    ):
        with open_browser(viewport=WIDE) as page:
            for name in PAGES:
                take(page, f"{address}/{path(name)}", name)
        with open_browser(viewport=PHONE, color_scheme="dark") as page:
            take(page, address, "phone-dark")
    return 0


def take(page: Any, address: str, name: str) -> None:
    """Take a picture of a page."""
    visit(page, address)
    page.wait_for_timeout(2000)  # charts are drawn after their data is there
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
