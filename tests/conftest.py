from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from marquee.core.settings import ROOT
from marquee.sandbox.movies import MovieSet, from_lines
from marquee.sandbox.server import Sandbox
from pipelines import tmdb

# The variables that Marquee, dlt and SQLMesh listen to.
SETTINGS = (
    *("TMDB_", "STUDIO_", "MARQUEE_", "SNOWFLAKE_"),
    *("SOURCES__", "DESTINATION__", "RUNTIME__", "SQLMESH__"),
)
# SQLMesh keeps every model as a large tree, and Python's collector of cycles walks through all of
# them again and again: a fifth of the time of a refresh. Nothing here needs it often.
gc.set_threshold(50_000, 20, 100)
LARGE_PROCESS_BYTES = 2_000_000_000

# SQLMesh forks helpers at each load of the project and each read of its state, and with them every
# tree that this process holds: on two cores that costs twice what the helpers do.
os.environ.setdefault("MAX_FORK_WORKERS", "1")

# A worker takes whole files, and none shall wait for another's last.
LONGEST = (
    *("test_tmdb_daily.py", "test_warehouse.py", "test_run_log.py", "test_studio_quality.py"),
    *("test_tmdb_failures.py", "test_studio_warehouse.py", "test_tmdb_resume.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


def pytest_collection_finish() -> None:
    """Take what was imported out of the collector's way for good; dlt collects at each load."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Spare pytest's last collections, five of all that the tests have left, for seconds."""
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def collected() -> Iterator[None]:
    """Free what SQLMesh's contexts of a file leave behind in cycles, where it is much."""
    yield
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if sys.platform == "linux" else 0
    if pages * resource.getpagesize() > LARGE_PROCESS_BYTES:
        gc.collect()


# Of a /movie/{id} document, in TMDb's order; the bundled movies lack `origin_country`.
TMDB_KEYS = [
    *("adult", "backdrop_path", "belongs_to_collection", "budget", "genres", "homepage", "id"),
    *("imdb_id", "origin_country", "original_language", "original_title", "overview"),
    *("popularity", "poster_path", "production_companies", "production_countries"),
    *("release_date", "revenue", "runtime", "spoken_languages", "status", "tagline", "title"),
    *("video", "vote_average", "vote_count"),
]


def movie(movie_id: int, **fields: Any) -> bytes:
    """A /movie/{id} document, small but with what the sandbox sorts by."""
    document = {
        "id": movie_id,
        "title": f"Film {movie_id}",
        "popularity": 1000 - movie_id,
        **fields,
    }
    return json.dumps(document).encode()


def films(*documents: bytes) -> MovieSet:
    return from_lines(documents)


@dataclass
class CliResult:
    """How a run of the command line ended."""

    code: int
    out: str
    err: str

    @property
    def output(self) -> str:
        return self.out + self.err

    def check(self) -> None:
        """Raise an error where it did not end well."""
        assert self.code == 0, self.output


BEGINNINGS: dict[Hashable, Path] = {}  # the folders that `Project.begin_with` copies


@dataclass
class Project:
    """A Marquee of its own: warehouse, state and dlt's files in a temporary folder."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    sandbox: Sandbox | None = None

    @property
    def duckdb(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def vault(self) -> Path:
        return self.folder / "vault.duckdb"

    @property
    def dlt_dir(self) -> Path:
        return self.folder / "dlt"

    def point_at(self, sandbox: Sandbox) -> None:
        self.monkeypatch.setenv("TMDB_BASE_URL", sandbox.base_url)
        self.monkeypatch.setenv("TMDB_ACCESS_TOKEN", sandbox.credential)
        self.sandbox = sandbox

    def begin(self, *arguments: str) -> None:
        """Load into an empty project, or copy what another test loaded from the same movies."""
        assert self.sandbox
        movie_set = self.sandbox.movie_set
        loaded = (arguments, movie_set.day, *movie_set.documents.values())
        self.begin_with(loaded, lambda: self.load(*arguments).check())

    def begin_with(self, name: Hashable, act: Callable[[], object]) -> None:
        """Begin with the files that an act leaves, which is done once in a session."""
        folder = self.folder.parent
        if name in BEGINNINGS:
            shutil.copytree(BEGINNINGS[name], folder, dirs_exist_ok=True)
            return
        act()
        copy = folder.parent / f"beginning{len(BEGINNINGS)}"
        unused = shutil.ignore_patterns("dlt", "settings")
        BEGINNINGS[name] = shutil.copytree(folder, copy, ignore=unused)

    def load(self, *arguments: str) -> CliResult:
        """Run the command line in this process."""
        self.capsys.readouterr()
        try:
            code = tmdb.main(arguments)
        except SystemExit as leaving:
            code = int(str(leaving.code))
        return CliResult(code, *self.capsys.readouterr())

    def start(self, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        """Run the command line as people do, as a process."""
        return subprocess.Popen(
            [sys.executable, str(ROOT / "pipelines" / "tmdb.py"), *arguments],
            cwd=cwd or self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def fork(self, patch: Callable[[], None], *arguments: str) -> int:
        """Run the command line in a forked child, much faster than a new interpreter.

        The child calls `patch` first and says what it says in `output.txt`. Returns its process id,
        for `finish`.
        """
        return in_child(self.folder / "output.txt", patch, lambda: tmdb.main(arguments))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.duckdb), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def has_landed(self) -> bool:
        """Whether anything is in bronze; the run log is there after an aborted run, too."""
        return self.duckdb.exists() and bool(
            self.query("FROM duckdb_tables() WHERE schema_name = 'bronze'")
        )

    def files_with(self, secret: str) -> list[Path]:
        """Every file of this project that holds a text."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return [path for path in files if secret.encode() in path.read_bytes()]


def in_child(output_file: Path, *actions: Callable[[], int | None]) -> int:
    """Start a forked child that does these in order, until one returns another number than 0.

    What it says goes to a file. Returns its process id, for `finish`.
    """
    child = os.fork()
    if child:
        return child
    code = 0
    gc.freeze()  # what this process left behind has threads that the child lacks
    try:
        os.setpgid(0, 0)  # so that `finish` finds what it has forked in turn
        with output_file.open("w") as sys.stdout:
            sys.stderr = sys.stdout
            for action in actions:
                code = code or action() or 0
    except BaseException:
        with output_file.open("a", encoding="utf-8") as file:
            traceback.print_exc(file=file)
        os._exit(70)
    os._exit(code)


def finish(child: int) -> int:
    """Wait for a forked child; return its exit code, negative for the signal that ended it."""
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # SQLMesh's helpers wait for a killed parent for ever
    return os.waitstatus_to_exitcode(status)


def alone(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Work in a folder that no credential and no setting of the developer's machine reaches."""
    for variable in list(os.environ):
        if variable.startswith(SETTINGS):
            patch.delenv(variable)
    settings = folder.parent / "settings" / ".dlt"
    settings.mkdir(parents=True)
    shutil.copy(ROOT / ".dlt" / "config.toml", settings)
    folder.mkdir()
    patch.setenv("DLT_PROJECT_DIR", str(settings.parent))
    patch.setenv("MARQUEE_DUCKDB", str(folder / "warehouse.duckdb"))
    patch.setenv("MARQUEE_STATE_DUCKDB", str(folder / "state.duckdb"))
    patch.setenv("MARQUEE_DLT_DIR", str(folder / "dlt"))
    patch.setenv("SOURCES__TMDB__REQUESTS_PER_SECOND", "1000")
    patch.setenv("SOURCES__TMDB__BACKOFF_SECONDS", "0.01")


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    """An empty project of a test's own."""
    alone(monkeypatch, tmp_path / "project")
    return Project(tmp_path / "project", capsys, monkeypatch)


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular; return what it prints."""
    who = ["-c", "user.name=ada", "-c", "user.email=ada@example.test"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def serving(project: Project, movie_set: MovieSet, **options: Any) -> Iterator[Sandbox]:
    """Serve the movies, with the options of `Sandbox`, and point the project at them."""
    with Sandbox(movie_set, **options) as sandbox:
        project.point_at(sandbox)
        yield sandbox


@pytest.fixture
def sandbox(project: Project) -> Iterator[Sandbox]:
    """Three films to serve; `project` asks for them."""
    with serving(project, films(movie(1), movie(2), movie(3))) as running:
        yield running
