"""What a command has started ends with it, however it ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from marquee.core.settings import ROOT
from tests.conftest import Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prctl is of Linux")
PATIENCE_SECONDS = 300
COMMANDS = {
    "refresh": [sys.executable, "-m", "marquee.cli.refresh"],
    "sqlmesh plan": [str(Path(sys.executable).with_name("sqlmesh")), "plan", "--auto-apply"],
}


def helpers(process_id: int) -> list[str]:
    """The processes that a process has forked and that have not ended, by their numbers."""
    tasks = Path(f"/proc/{process_id}/task").glob("*/children")
    numbers = b" ".join(map(content, tasks)).decode().split()
    parent = content(Path(f"/proc/{process_id}/cmdline"))
    return [one for one in numbers if content(Path(f"/proc/{one}/cmdline")) == parent]


def content(path: Path) -> bytes:
    """What a file says; nothing where its process has ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("command", "number"),
    [
        ("refresh", signal.SIGTERM),
        ("refresh", signal.SIGINT),
        ("refresh", signal.SIGKILL),
        ("sqlmesh plan", signal.SIGKILL),
    ],
)
def test_the_helpers_of_a_command_that_is_killed_end_with_it(
    project: Project, command: str, number: signal.Signals
) -> None:
    # What a shell starts in the background ignores Ctrl-C, and so would a command that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    project.monkeypatch.setenv("MAX_FORK_WORKERS", "2")
    project.monkeypatch.setenv("SQLMESH__CACHE_DIR", str(project.folder / "cache"))
    reading, writing = os.pipe()  # its end is read when all that have it for writing have ended
    with (project.folder / "output.txt").open("w") as output:
        process = subprocess.Popen(
            COMMANDS[command],
            cwd=ROOT,
            stdout=output,
            stderr=output,
            pass_fds=[writing],
            start_new_session=True,
        )
        os.close(writing)
        try:
            end = time.monotonic() + PATIENCE_SECONDS
            while not helpers(process.pid):
                assert process.poll() is None, (project.folder / "output.txt").read_text()
                assert time.monotonic() < end
                time.sleep(0.02)
            # Python drops a KeyboardInterrupt in a callback: as people do, Ctrl-C once more.
            while process.poll() is None and time.monotonic() < end:
                process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(1)
            assert process.returncode
            assert select.select([reading], [], [], PATIENCE_SECONDS)[0], "a helper is left"
            assert os.read(reading, 1) == b""
        finally:
            os.close(reading)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
