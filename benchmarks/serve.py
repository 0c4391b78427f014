"""The sandbox in a process of its own, so that it takes no time from the client in front of it."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from multiprocessing.connection import Connection
from pathlib import Path

from marquee.sandbox.movies import MovieSet, from_lines
from marquee.sandbox.server import Sandbox

DETAILS = "/3/movie/"


@dataclass
class Served:
    """A running sandbox, and after the end of its `with` block what was requested of it.

    Attributes:
        base_url: in the place of `https://api.themoviedb.org/3`.
        credential: the accepted one.
        latency_s: how long it waits before each response.
        log: a request each: seconds, path, status; oldest first.
        cpu_seconds: processor time it took to respond.
    """

    base_url: str
    credential: str
    latency_s: float
    log: list[tuple[float, str, int]] = field(default_factory=list)
    cpu_seconds: float = 0

    @property
    def variables(self) -> dict[str, str]:
        """What points the pipeline at it."""
        return {"TMDB_BASE_URL": self.base_url, "TMDB_ACCESS_TOKEN": self.credential}

    def details(self) -> list[tuple[float, int]]:
        """Return time and status of each request for a movie."""
        return [
            (at, status)
            for at, path, status in self.log
            if path.startswith(DETAILS) and path.removeprefix(DETAILS).isdigit()
        ]

    def fetch_seconds(self) -> float:
        """Return the time from the first request for a movie to the response to the last one."""
        times = [at for at, _ in self.details()]
        return max(times) - min(times) + self.latency_s

    def useful_rate(self) -> float:
        """Return the movies with a response of status 200, per second of that time."""
        return sum(status == 200 for _, status in self.details()) / self.fetch_seconds()

    def count(self, status: int) -> int:
        """Count the responses of a status."""
        return sum(one == status for _, _, one in self.log)


@contextmanager
def sandbox(
    movies: Path, *, latency_ms: int = 0, rate_limit: float | None = None, exported: int = 0
) -> Iterator[Served]:
    """Serve movies (NDJSON) from another process while the block runs.

    Args:
        movies: the documents.
        latency_ms: wait before each response.
        rate_limit: 429 above so many requests per second.
        exported: if given, today's id export lists the movies 1 to this number, and today's change
            log names those of the file.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    options = (movies, latency_ms, rate_limit, exported)
    process = context.Process(target=_serve, args=(there, *options))
    process.start()
    there.close()  # so that a process that fails ends the wait below
    try:
        base_url, credential = here.recv()
        served = Served(base_url, credential, latency_ms / 1000)
        yield served
        here.send("end")
        served.log, served.cpu_seconds = here.recv()
    finally:
        process.kill()
        process.join()


def _serve(
    parent: Connection, movies: Path, latency_ms: int, rate_limit: float | None, exported: int
) -> None:
    """Serve until the parent sends a message."""
    today = datetime.now(timezone.utc).date()
    films = from_lines(movies.read_bytes().split(b"\n"))
    if exported:
        ids = {number: b'{"id":%d}' % number for number in range(1, exported + 1)}
        changed = {1: tuple(sorted(films.documents))}
        films = MovieSet("changed", 1, {**ids, **films.documents}, {}, changed)
    with Sandbox(
        films, latency_ms=latency_ms, rate_limit_per_second=rate_limit, today=lambda: today
    ) as running:
        parent.send((running.base_url, running.credential))
        parent.recv()
        log = [(one.at, one.path, one.status) for one in running.requests]
    parent.send((log, time.process_time()))
