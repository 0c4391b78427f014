"""Warehouses of generated movies, made once a run and shared by the benchmarks that need them."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path

from benchmarks.environment import House, Workshop
from benchmarks.measure import Took

GB_A_MILLION = 4  # of bronze; silver, snapshots and gold take half as much again
SQLMESH = Path(sys.executable).with_name("sqlmesh")
PLAN = ("plan", "--auto-apply", "--no-prompts", "--skip-tests")
REFRESH = ("run", "--ignore-cron")


class Warehouses:
    """Bronze by dlt and generator, and the rest by `sqlmesh plan`, as of yesterday."""

    def __init__(self, workshop: Workshop) -> None:
        """Take where to keep them; nothing is made before it is asked for."""
        self._workshop = workshop
        self._bronze: dict[int, House] = {}
        self._built: dict[int, tuple[House, Took]] = {}
        yesterday = datetime.now(timezone.utc) - timedelta(days=1)
        self.day = yesterday.date().isoformat()
        # A refresh reads what was written since the hour of the last build: that was yesterday.
        self.execution_time = f"{self.day} 06:00:00"

    @cached_property
    def project(self) -> Path:
        """A copy of the project's files, whose caches are nobody else's."""
        return self._workshop.project()

    def bronze(self, movies: int) -> House:
        """Return a warehouse that a full backfill of so many movies has filled yesterday."""
        if movies not in self._bronze:
            self._workshop.need_disk(movies / 1e6 * GB_A_MILLION * 4)
            self._workshop.say(f"bronze: generating {movies:,} movies")
            house = self._workshop.house(f"bronze-{movies}")
            self._workshop.call("contenders.loaders:make_bronze", movies, self.day, house=house)
            self._bronze[movies] = house
        return self._bronze[movies]

    def built(self, movies: int) -> tuple[House, Took]:
        """Return such a warehouse with everything above bronze, and what `sqlmesh plan` took."""
        if movies not in self._built:
            house = self._workshop.copy(self.bronze(movies), f"built-{movies}")
            self._workshop.say(f"sqlmesh plan: {movies:,} movies")
            self._built[movies] = (house, self.plan(house))
        return self._built[movies]

    def plan(self, house: House, *options: str) -> Took:
        """Run `sqlmesh plan` as of yesterday."""
        return self.sqlmesh(house, *PLAN, "--execution-time", self.execution_time, *options)

    def sqlmesh(self, house: House, *arguments: str, allowed: str = "") -> Took:
        """Run a command of SQLMesh on a warehouse; `allowed` is a model that it may make anew."""
        environment = {"MARQUEE_ALLOW": allowed}
        return self._workshop.run(
            SQLMESH, *arguments, cwd=self.project, house=house, environment=environment
        )

    def render(self) -> Path:
        """Write the models' SQL as of yesterday; return the file."""
        out = self._workshop.folder / "steps.json"
        empty = self._workshop.house("rendering")
        self._workshop.call(
            "contenders.rendered:render", self.project, self.execution_time, out, house=empty
        )
        empty.remove()
        return out

    def drop(self, movies: int) -> None:
        """Give back the disk that warehouses of so many movies take."""
        for house in (self._bronze.pop(movies, None), self._built.pop(movies, (None,))[0]):
            if house:
                house.remove()
