"""The sandbox in a process of its own, so that it takes no time from the client in front of it."""

from __future__ import annotations

import functools
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measure import BenchmarkError, child_environment, clean_environment

DETAILS = "/3/movie/"


@dataclass
class Served:
    """A running sandbox, and after the end of its `with` block what was requested of it.

    Attributes:
        base_url: in the place of `https://api.themoviedb.org/3`.
        credential: the accepted one.
        export_url: the folder with the id export.
        latency_s: what it waits before each answer.
        log: a request each: seconds, path, status; oldest first.
        cpu_seconds: processor time it took to answer.

    """

    base_url: str
    credential: str
    export_url: str
    latency_s: float
    log: list[tuple[float, str, int]] = field(default_factory=list)
    cpu_seconds: float = 0

    @property
    def environment(self) -> dict[str, str]:
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
        """Return the time from the first request for a movie to the answer to the last one."""
        requested_at = [at for at, _ in self.details()]
        return max(requested_at) - min(requested_at) + self.latency_s

    def useful_rate(self) -> float:
        """Return the movies that were answered with 200, a second of that time."""
        return sum(status == 200 for _, status in self.details()) / self.fetch_seconds()

    def count(self, status: int) -> int:
        """Count the answers of a status."""
        return sum(one == status for _, _, one in self.log)


@contextmanager
def sandbox(
    folder: Path,
    movie_file: Path,
    *,
    latency_ms: int = 0,
    rate_limit: float | None = None,
    is_change_feed: bool = False,
) -> Iterator[Served]:
    """Serve the movies of an NDJSON file from another process while the block runs.

    Args:
        folder: where to work; an id export in it is served too.
        movie_file: the NDJSON file.
        latency_ms: wait before each answer.
        rate_limit: 429 above so many requests a second.
        is_change_feed: whether today's change log names all these movies.

    """
    out = folder / "served.json"
    arguments = [str(movie_file), latency_ms, rate_limit, is_change_feed, str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.child", "serve:serve", out, json.dumps(arguments)],
        cwd=folder,
        env=clean_environment() | child_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdin
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            raise BenchmarkError("The sandbox did not start; what it says is above.")
        served = Served(**json.loads(line), latency_s=latency_ms / 1000)
        yield served
        process.stdin.close()  # which it takes for the end
        process.wait(timeout=60)
        result = json.loads(out.read_text())
        served.log, served.cpu_seconds = result["log"], result["cpu_seconds"]
    finally:
        process.kill()
        process.wait()


def serve(
    movie_file: str,
    latency_ms: int,
    rate_limit: float | None,
    is_change_feed: bool,
    folder: str,
) -> dict[str, Any]:
    """Serve until standard input ends; runs in the process of its own."""
    from datetime import datetime, timezone

    from marquee.sandbox.movies import MovieSet, from_lines
    from marquee.sandbox.server import Sandbox

    today = datetime.now(timezone.utc).date()
    films = from_lines(Path(movie_file).read_bytes().split(b"\n"))
    if is_change_feed:
        films = MovieSet("changed", 1, films.documents, {}, {1: tuple(sorted(films.documents))})
    running = Sandbox(
        films, latency_ms=latency_ms, rate_limit_per_second=rate_limit, today=lambda: today
    )
    files = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_QuietFiles, directory=folder)
    )
    threading.Thread(target=files.serve_forever, daemon=True).start()
    with running:
        started = {
            "base_url": running.base_url,
            "credential": running.credential,
            "export_url": f"http://127.0.0.1:{files.server_address[1]}",
        }
        print(json.dumps(started), flush=True)
        sys.stdin.read()
        log: Sequence[tuple[float, str, int]] = [
            (one.at, one.path, one.status) for one in running.requests
        ]
    times = os.times()
    return {"log": log, "cpu_seconds": times.user + times.system}


class _QuietFiles(http.server.SimpleHTTPRequestHandler):
    """Files of a folder: TMDb's id exports are files too."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
