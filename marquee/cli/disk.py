"""What uses the disk, and what of it can be removed: `make disk`, `make disk CLEAN=1`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from marquee.cli.base import command_parser, report_error
from marquee.core.errors import MarqueeError
from marquee.core.lock import lock_file, run_lock
from marquee.core.settings import ROOT, Settings
from marquee.monitoring.snapshot import snapshot_file
from marquee.sources.studio.encryption import rewrite

EPILOG = """\
--clean removes everything that is marked: all of it is made again when it is
needed. Then it runs `sqlmesh janitor --ignore-ttl`, which drops tables that
no environment shows (a rollback builds them again), and writes the warehouse
again without free blocks, if the disk has room for a second one.
"""


@dataclass(frozen=True)
class Item:
    """A file or folder that uses space, and whether it is made again when it is needed."""

    path: Path
    meaning: str
    is_removable: bool = False

    @property
    def size_bytes(self) -> int:
        """Return its size, with everything in it."""
        if not self.path.is_dir():
            return self.path.stat().st_size
        files = (one for one in self.path.rglob("*") if one.is_file() and not one.is_symlink())
        return sum(one.stat().st_size for one in files)


def main(argv: Sequence[str] | None = None) -> int:
    """Show what uses the disk, and remove what can be made again; return the exit code."""
    parser = command_parser("python -m marquee.cli.disk", "Show what uses the disk.", EPILOG)
    parser.add_argument("--clean", action="store_true", help="remove what can be made again")
    options = parser.parse_args(argv)
    settings = Settings.from_environment()
    try:
        if options.clean:
            with run_lock(lock_file(settings.dlt_dir, settings.duckdb)):
                clean(settings)
        show(settings)
    except (MarqueeError, OSError, duckdb.Error) as error:
        return report_error(error, settings.duckdb)
    return 0


def items(settings: Settings) -> Iterator[Item]:
    """Yield what exists and uses space."""
    current = (ROOT / ".venv").resolve()
    known = [
        Item(settings.duckdb, "the warehouse"),
        Item(settings.state_duckdb, "SQLMesh's state"),
        Item(settings.vault_duckdb, "the vault"),
        Item(snapshot_file(settings.duckdb).parent, "the read-only snapshot", True),
        Item(settings.dlt_dir, "dlt's working folder", True),
        Item(ROOT / "logs", "SQLMesh's logs", True),
        Item(ROOT / ".cache", "caches", True),
        *(
            Item(one, "an old environment", True)
            for one in sorted((ROOT / ".venvs").glob("*"))
            if one.resolve() != current
        ),
    ]
    yield from (one for one in known if one.path.exists())


def show(settings: Settings) -> None:
    """Print each item, the free blocks of the warehouse, and what the disk has left."""
    for one in sorted(items(settings), key=lambda item: -item.size_bytes):
        mark = "  (removable)" if one.is_removable else ""
        print(f"{one.size_bytes / 1e6:>12,.1f} MB  {one.path}: {one.meaning}{mark}")
    if settings.duckdb.exists():
        print(f"{free_bytes(settings.duckdb) / 1e6:>12,.1f} MB  of the warehouse are free blocks")
    free = shutil.disk_usage(settings.duckdb.parent).free
    print(f"{free / 1e6:>12,.1f} MB  are free on the disk of the warehouse")


def clean(settings: Settings) -> None:
    """Remove what can be made again, the largest part last.

    Raises:
        duckdb.Error: another process holds the warehouse.
    """
    for one in items(settings):
        if one.is_removable:
            shutil.rmtree(one.path)
    if not settings.duckdb.exists():
        return
    sqlmesh = str(Path(sys.executable).with_name("sqlmesh"))
    janitor = [sqlmesh, "janitor", "--ignore-ttl"]
    # It asks whether a plan is being applied; the lock says no.
    if subprocess.run(janitor, cwd=ROOT, input="y\n", text=True).returncode:  # noqa: S603 - ours
        print("sqlmesh janitor failed; the other steps go on.", file=sys.stderr)
    used = settings.duckdb.stat().st_size - free_bytes(settings.duckdb)
    if shutil.disk_usage(settings.duckdb.parent).free > used:
        rewrite(settings.duckdb)
    else:
        print("There is no room to write the warehouse again without its free blocks.")


def free_bytes(path: Path) -> int:
    """Return the size of a DuckDB file's free blocks.

    Raises:
        duckdb.Error: another process holds it.
    """
    with duckdb.connect(str(path), read_only=True) as connection:
        ((blocks, size),) = connection.execute(
            "SELECT free_blocks, block_size FROM pragma_database_size()"
        ).fetchall()
    return int(blocks) * int(size)


if __name__ == "__main__":
    sys.exit(main())
