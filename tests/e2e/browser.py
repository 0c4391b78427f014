"""A browser, and what it looks at, for the tests and the screenshots."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from marquee.core.settings import ROOT

CHROMIUM = shutil.which("chromium")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
# Until a server answers or a page is drawn: much, because a machine may do other things as well.
PATIENCE_SECONDS = 600


@contextmanager
def dashboard(duckdb_file: Path, folder: Path) -> Iterator[str]:
    """Serve the dashboard of a warehouse on a free port of loopback; yields its address."""
    environment = {"MARQUEE_DUCKDB": str(duckdb_file)}
    command = [sys.executable, "pipelines/dashboard.py", "--server.port"]
    with served(command, environment, folder / "dashboard.log", "/_stcore/health") as address:
        yield address


@contextmanager
def sqlmesh_ui(duckdb_file: Path, state_file: Path, folder: Path) -> Iterator[str]:
    """Serve SQLMesh's UI (`make ui`) on a free port of loopback; yields its address."""
    environment = {
        "MARQUEE_DUCKDB": str(duckdb_file),
        "MARQUEE_STATE_DUCKDB": str(state_file),
        "TMPDIR": str(folder),
        # The tests' own, with the queries that it holds of the same models.
        "SQLMESH__CACHE_DIR": str(ROOT / ".cache" / "sqlmesh" / "duckdb"),
    }
    command = [sys.executable, "-m", "marquee.cli.ui", "--port"]
    with served(command, environment, folder / "ui.log", "/api/meta") as address:
        yield address


@contextmanager
def served(
    command: list[str], environment: dict[str, str], log_file: Path, alive: str
) -> Iterator[str]:
    """Run a server, whose last argument is a port, until the block ends; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with log_file.open("w") as log:
        server = subprocess.Popen(
            [*command, str(port)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_for(address + alive, server)
            yield address
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(60)
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)  # and what it started
            server.wait()


def _wait_for(address: str, server: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            assert server.poll() is None, "the server did not start"
            time.sleep(0.1)
    raise RuntimeError("the server does not answer")


@cache
def _driver() -> Any:
    """Start Playwright, once a process: it takes no second one."""
    from playwright.sync_api import sync_playwright

    driver = sync_playwright().start()
    atexit.register(driver.stop)
    return driver


@contextmanager
def open_browser(**options: Any) -> Iterator[Any]:
    """Open a page of headless Chromium with an empty profile.

    Args:
        options: what Playwright calls the context: viewport, color_scheme ...
    """
    with tempfile.TemporaryDirectory(prefix="marquee-chromium-") as profile:
        context = _driver().chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, headless=True, args=FLAGS, **options
        )
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        try:
            yield context.pages[0]
        finally:
            context.close()


def settled(page: Any) -> None:
    """Wait until the page has been drawn and nothing runs behind it any more."""
    page.locator("h1").first.wait_for()
    for _ in range(2):  # a click is noticed a moment later
        page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
        page.wait_for_timeout(300)


def visit(page: Any, address: str) -> None:
    """Open an address and wait until it is drawn."""
    page.goto(address)
    settled(page)


def figures(page: Any) -> dict[str, str]:
    """Return the figures that a page shows large, by their labels."""
    found = {}
    for metric in page.get_by_test_id("stMetric").all():
        name = metric.get_by_test_id("stMetricLabel").inner_text().strip()
        found[name] = metric.get_by_test_id("stMetricValue").inner_text().strip()
    return found


def exceptions(page: Any) -> list[str]:
    """Return the exceptions that a page shows."""
    return [str(one) for one in page.get_by_test_id("stException").all_inner_texts()]


def path(name: str) -> str:
    """A page's place below the dashboard's address, which itself is the first page."""
    return "" if name == "business" else name
