"""Where the benchmarks work: a folder and its warehouses."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.baselines import loaders, rendered
from benchmarks.measure import BenchmarkError, Took
from marquee.core.settings import ROOT

MEMORY_LIMIT = "6GB"  # the project's default; for every baseline, so that none has more room
DBT = ROOT / ".cache" / "bench" / "tools" / "bin" / "dbt"  # `make bench` installs it
SQLMESH = Path(sys.executable).with_name("sqlmesh")
PLAN = ("plan", "--auto-apply", "--no-prompts", "--skip-tests")
REFRESH = ("run", "--ignore-cron")


@dataclass(frozen=True)
class Workspace:
    """A folder with a warehouse, SQLMesh's state and dlt's working folder."""

    folder: Path

    @property
    def duckdb(self) -> Path:
        """The warehouse; views name the catalog, so that each workspace's has the same name."""
        return self.folder / "warehouse.duckdb"

    @property
    def variables(self) -> dict[str, str]:
        """What points the project's commands at it."""
        return {
            "MARQUEE_DUCKDB": str(self.duckdb),
            "MARQUEE_DUCKDB_MEMORY_LIMIT": MEMORY_LIMIT,
            "MARQUEE_STATE_DUCKDB": str(self.folder / "state.duckdb"),
            "MARQUEE_DLT_DIR": str(self.folder / "dlt"),
            "SQLMESH__CACHE_DIR": str(self.folder.parent / "sqlmesh"),
        }

    def remove(self) -> None:
        """Give the disk back."""
        shutil.rmtree(self.folder, ignore_errors=True)


class BenchmarkEnv:
    """Folder and warehouses of a run of the benchmarks.

    Warehouses are as of yesterday: bronze by dlt and the generator, the rest by `sqlmesh plan`.
    Each is built once per run and shared by the benchmarks that need it.
    """

    def __init__(self, folder: Path, *, is_quick: bool) -> None:
        """Take where to work; no warehouse is built before it is requested.

        Args:
            folder: for everything that is deleted afterwards.
            is_quick: whether it must be over in three minutes.
        """
        self.folder = folder
        self.is_quick = is_quick
        self.day = (datetime.now(timezone.utc) - timedelta(days=1)).date().isoformat()
        self.execution_time = f"{self.day} 06:00:00"
        self._started_at = time.monotonic()
        self._log = folder / "log.txt"
        self._bronze: dict[int, Workspace] = {}
        self._built: dict[int, tuple[Workspace, Took]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def say(self, text: str) -> None:
        """Print how far it is."""
        print(f"{time.monotonic() - self._started_at:7.1f} s  {text}", flush=True)

    def need_disk(self, gigabytes: float) -> None:
        """Stop before the disk is full.

        Raises:
            BenchmarkError: so much is not free.
        """
        free = shutil.disk_usage(self.folder).free / 1e9
        if free < gigabytes:
            raise BenchmarkError(
                f"This needs {gigabytes:.0f} GB of free disk at {self.folder}, and there are "
                f"{free:.0f} GB: make room, work elsewhere (--folder) or try --quick."
            )

    def run(
        self,
        *command: str | Path,
        cwd: Path = ROOT,
        workspace: Workspace | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Took:
        """Run a command, in a workspace if one is given; see `measure.run`."""
        variables = {**(workspace.variables if workspace else {}), **(environment or {})}
        return measure.run(command, cwd=cwd, environment=variables, log=self._log)

    def call(
        self, function: Callable[..., Any], *arguments: Any, workspace: Workspace | None = None
    ) -> Took:
        """Call a function in a process of its own; see `measure.call`."""
        variables = workspace.variables if workspace else None
        return measure.call(function, *arguments, environment=variables)

    def workspace(self, name: str, source: Workspace | None = None) -> Workspace:
        """Return a new workspace: empty, or a copy of another one."""
        workspace = Workspace(self.folder / name)
        workspace.remove()
        if source:
            shutil.copytree(source.folder, workspace.folder)
        else:
            workspace.folder.mkdir(parents=True)
        return workspace

    def bronze(self, movies: int) -> Workspace:
        """Return a warehouse that a full backfill of so many movies has filled yesterday."""
        if movies not in self._bronze:
            self.say(f"bronze: generating {movies:,} movies")
            workspace = self.workspace(f"bronze-{movies}")
            self.call(loaders.make_bronze, movies, self.day, workspace=workspace)
            self._bronze[movies] = workspace
        return self._bronze[movies]

    def built(self, movies: int) -> tuple[Workspace, Took]:
        """Return such a warehouse with everything above bronze, and what `sqlmesh plan` took."""
        if movies not in self._built:
            workspace = self.workspace(f"built-{movies}", self.bronze(movies))
            self.say(f"sqlmesh plan: {movies:,} movies")
            self._built[movies] = (workspace, self.plan(workspace))
        return self._built[movies]

    def plan(self, workspace: Workspace, *options: str) -> Took:
        """Run `sqlmesh plan` as of yesterday."""
        as_of = ("--execution-time", self.execution_time)
        return self.run(SQLMESH, *PLAN, *as_of, *options, workspace=workspace)

    @cached_property
    def steps(self) -> Path:
        """A file with the models' SQL as of yesterday, see `rendered.render`."""
        steps = self.folder / "steps.json"
        empty = self.workspace("rendering")
        self.call(rendered.render, ROOT, self.execution_time, steps, workspace=empty)
        empty.remove()
        return steps

    def drop(self, movies: int) -> None:
        """Give back the disk that warehouses of so many movies take."""
        for workspace in (self._bronze.pop(movies, None), self._built.pop(movies, (None,))[0]):
            if workspace:
                workspace.remove()
