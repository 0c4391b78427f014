"""Warehouses of generated movies, made once a run and shared by the benchmarks that need them."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path

from benchmarks.environment import BenchmarkEnv, Workspace
from benchmarks.measure import Took

GB_A_MILLION = 4  # of bronze; silver, snapshots and gold take half as much again
SQLMESH = Path(sys.executable).with_name("sqlmesh")
PLAN = ("plan", "--auto-apply", "--no-prompts", "--skip-tests")
REFRESH = ("run", "--ignore-cron")


class Warehouses:
    """Bronze by dlt and generator, and the rest by `sqlmesh plan`, as of yesterday."""

    def __init__(self, env: BenchmarkEnv) -> None:
        """Take where to keep them; nothing is made before it is needed."""
        self._env = env
        self._bronze: dict[int, Workspace] = {}
        self._built: dict[int, tuple[Workspace, Took]] = {}
        yesterday = datetime.now(timezone.utc) - timedelta(days=1)
        self.day = yesterday.date().isoformat()
        # A refresh reads what was written since the hour of the last build: that was yesterday.
        self.execution_time = f"{self.day} 06:00:00"

    @cached_property
    def project(self) -> Path:
        """A copy of the project's files, whose caches are nobody else's."""
        return self._env.project()

    def bronze(self, movies: int) -> Workspace:
        """Return a warehouse that a full backfill of so many movies has filled yesterday."""
        if movies not in self._bronze:
            self._env.need_disk(movies / 1e6 * GB_A_MILLION * 4)
            self._env.say(f"bronze: generating {movies:,} movies")
            workspace = self._env.workspace(f"bronze-{movies}")
            self._env.call("baselines.loaders:make_bronze", movies, self.day, workspace=workspace)
            self._bronze[movies] = workspace
        return self._bronze[movies]

    def built(self, movies: int) -> tuple[Workspace, Took]:
        """Return such a warehouse with everything above bronze, and what `sqlmesh plan` took."""
        if movies not in self._built:
            workspace = self._env.copy(self.bronze(movies), f"built-{movies}")
            self._env.say(f"sqlmesh plan: {movies:,} movies")
            self._built[movies] = (workspace, self.plan(workspace))
        return self._built[movies]

    def plan(self, workspace: Workspace, *options: str) -> Took:
        """Run `sqlmesh plan` as of yesterday."""
        return self.sqlmesh(workspace, *PLAN, "--execution-time", self.execution_time, *options)

    def sqlmesh(self, workspace: Workspace, *arguments: str, allowed: str = "") -> Took:
        """Run a command of SQLMesh on a warehouse; `allowed` is a model that it may rebuild."""
        environment = {"MARQUEE_ALLOW": allowed}
        return self._env.run(
            SQLMESH, *arguments, cwd=self.project, workspace=workspace, environment=environment
        )

    def render(self) -> Path:
        """Write the models' SQL as of yesterday; return the file."""
        out = self._env.folder / "steps.json"
        empty = self._env.workspace("rendering")
        self._env.call(
            "baselines.rendered:render", self.project, self.execution_time, out, workspace=empty
        )
        empty.remove()
        return out

    def drop(self, movies: int) -> None:
        """Give back the disk that warehouses of so many movies take."""
        for workspace in (self._bronze.pop(movies, None), self._built.pop(movies, (None,))[0]):
            if workspace:
                workspace.remove()
