"""Where the benchmarks work: a scratch folder, a copy of the project, an environment of peers."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import BenchmarkError, Took, call, run
from marquee.core.settings import ROOT

MEMORY_LIMIT = "6GB"  # the project's default; for every baseline, so that none has more room
LOCK = ROOT / "benchmarks" / "requirements.lock"


@dataclass(frozen=True)
class Workspace:
    """A warehouse of one baseline: its file, SQLMesh's state and dlt's working folder."""

    folder: Path

    @property
    def duckdb(self) -> Path:
        """The warehouse; views name the catalog, so that each baseline's has the same name."""
        return self.folder / "warehouse.duckdb"

    @property
    def environment(self) -> dict[str, str]:
        """What points the project's commands at it."""
        return {
            "MARQUEE_DUCKDB": str(self.duckdb),
            "MARQUEE_DUCKDB_MEMORY_LIMIT": MEMORY_LIMIT,
            "MARQUEE_STATE_DUCKDB": str(self.folder / "state.duckdb"),
            "MARQUEE_DLT_DIR": str(self.folder / "dlt"),
        }

    def remove(self) -> None:
        """Give the disk back."""
        shutil.rmtree(self.folder, ignore_errors=True)


class BenchmarkEnv:
    """Scratch folder and tools of a run of the benchmarks."""

    def __init__(
        self, folder: Path, *, plots: Path, is_quick: bool, days: int | None = None
    ) -> None:
        """Take where to work.

        Args:
            folder: for everything that is deleted afterwards; the tools are kept beside it.
            plots: for the plots.
            is_quick: whether it must be over in three minutes.
            days: how long a history to rebuild, None for one that fits with the rest.

        """
        self.folder = folder
        self.plots = plots
        self.is_quick = is_quick
        self.days = days
        self._begun = time.monotonic()
        self._log = folder / "log.txt"
        self._tools = folder.parent / "tools"
        folder.mkdir(parents=True, exist_ok=True)

    def say(self, text: str) -> None:
        """Print how far it is."""
        print(f"{time.monotonic() - self._begun:7.1f} s  {text}", flush=True)

    def need_disk(self, gigabytes: float) -> None:
        """Abort before a benchmark would fill the disk.

        Raises:
            BenchmarkError: so much is not free.

        """
        free = shutil.disk_usage(self.folder).free / 1e9
        if free < gigabytes:
            raise BenchmarkError(
                f"This needs {gigabytes:.0f} GB of free disk at {self.folder}, and there are "
                f"{free:.0f} GB: make room, work elsewhere (--folder) or try --quick."
            )

    def workspace(self, name: str) -> Workspace:
        """Return a new, empty workspace."""
        workspace = Workspace(self.folder / name)
        workspace.remove()
        workspace.folder.mkdir(parents=True)
        return workspace

    def copy(self, workspace: Workspace, name: str) -> Workspace:
        """Return a copy of a workspace."""
        copied = Workspace(self.folder / name)
        copied.remove()
        shutil.copytree(workspace.folder, copied.folder)
        return copied

    def project(self) -> Path:
        """Return a fresh copy of the project's files, whose caches are nobody else's."""
        copied = self.folder / "project"
        shutil.rmtree(copied, ignore_errors=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            source = ROOT / name
            if source.exists():
                target = copied / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)
        # A root of its own, or the tools would skip it: .cache is ignored by the one around it.
        self.run("git", "init", "--quiet", cwd=copied)
        return copied

    def tools(self) -> Path:
        """Return the interpreter of the peers' environment, made from the lock when needed."""
        python = self._tools / "bin" / "python"
        locked = self._tools / LOCK.name
        if not (locked.exists() and locked.read_bytes() == LOCK.read_bytes()):
            self.say("installing the peers (benchmarks/requirements.lock)")
            venv.create(self._tools, clear=True, with_pip=True)
            install = "install --quiet --disable-pip-version-check --no-deps --require-hashes -r"
            self.run(python, "-m", "pip", *install.split(), LOCK)
            shutil.copy(LOCK, locked)
        return python

    def run(
        self,
        *command: str | Path,
        cwd: Path | None = None,
        workspace: Workspace | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Took:
        """Run a command, in a workspace if one is given; see `measure.run`."""
        variables = {**(workspace.environment if workspace else {}), **(environment or {})}
        return run(command, cwd=cwd or self.folder, environment=variables, log=self._log)

    def call(
        self,
        function: str,
        *arguments: Any,
        workspace: Workspace | None = None,
        with_tools: bool = False,
    ) -> Took:
        """Call a function in a process of its own; see `measure.call`."""
        return call(
            function,
            *arguments,
            python=self.tools() if with_tools else sys.executable,
            cwd=self.folder,
            environment=workspace.environment if workspace else None,
            log=self._log,
        )

    def plot(self, name: str, points: Sequence[Mapping[str, Any]], x: str, series: str) -> None:
        """Draw seconds over `x`, a line per series, as an SVG beside the results."""
        self.call("plot:lines", self.plots / name, points, x, "seconds", series, with_tools=True)
