"""A read-only snapshot of the DuckDB file.

DuckDB admits one process at a time, readers included: a process that opened the warehouse itself
would make the next run fail. So its bytes are copied, which needs no lock. A copy is used only if
the file and its log did not change while it was made and shortly before, and if it opens
(decision 25).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import duckdb

from marquee.core.errors import FULL, MarqueeError
from marquee.core.settings import ROOT, check_link
from marquee.monitoring.store import LAYERS, MissingWarehouse

ATTEMPTS = 20
PAUSE_SECONDS = 0.5
LEFT_SECONDS = 3600  # a copy that is not done by then was left by a process that was killed
QUIET_SECONDS = 0.2  # a change within the tick of the file's clock would not show

FileState = tuple[tuple[int, int, int] | None, ...]


def snapshot_dir(path: Path) -> Path:
    """Return the folder of a warehouse's snapshots: `MARQUEE_COPY_DIR`, or the project's cache."""
    folder = os.environ.get("MARQUEE_COPY_DIR")
    name = str(path.resolve()).strip("/").replace("/", "%")
    return (Path(folder) if folder else ROOT / ".cache" / "copies") / name


def file_state(path: Path) -> FileState:
    """Tell a file's state, and its log's: what changes with every write."""

    def one(file: Path) -> tuple[int, int, int] | None:
        try:
            found = file.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    return one(path), one(_log(path))


def current_snapshot(path: Path, *, older_after: int = 1) -> Path:
    """Return a copy of the warehouse as it is now; made only if it changed since the last one.

    Args:
        path: the DuckDB file.
        older_after: after so many attempts the last copy will do, for the file is being written.

    Returns:
        The copy. It keeps the name of the file, which is part of every view, and is never changed:
        the next one gets a folder of its own, and this one goes when two newer ones are there.

    Raises:
        MissingWarehouse: there is no file, its name cannot serve, or it could not be copied.

    """
    schema = path.stem.lower()
    if schema in LAYERS:  # DuckDB names the catalog after the file
        raise MissingWarehouse(
            f"A warehouse file cannot be called {path.name}: its name would hide the schema "
            f"{schema}. Set MARQUEE_DUCKDB to another name."
        )
    try:
        check_link(path)
    except MarqueeError as error:
        raise MissingWarehouse(" ".join(str(error).split())) from error
    folder = snapshot_dir(path)
    unreadable: FileState | None = None
    for attempt in range(ATTEMPTS):
        before = file_state(path)
        if before[0] is None:
            raise MissingWarehouse(f"There is no warehouse at {path} yet: `make demo` makes one.")
        target = folder / _name(before) / path.name
        if target.exists():
            return target
        try:
            is_made = _is_quiet(before) and _copy(path, before, target)
        except duckdb.Error as error:
            if before == unreadable:  # it did not change in between, so it was not half written
                reason = str(error).splitlines()[0].replace(str(folder), "")
                raise MissingWarehouse(f"DuckDB cannot read {path}: {reason}") from error
            unreadable, is_made = before, False
        except OSError as error:
            if error.errno in FULL:
                reason = f"no room for a snapshot of {path} in {folder}"
                raise MissingWarehouse(f"The disk is full: {reason}.") from error
            is_made = target.exists()  # made by a faster process, or the file is being replaced
        if is_made:
            _remove_old(folder)
            return target
        older = _existing_snapshots(folder, path.name)
        if older and attempt >= older_after:
            return older[-1]
        time.sleep(PAUSE_SECONDS)
    raise MissingWarehouse(
        f"No snapshot of {path} could be made in {folder}: the file is being written without a "
        "pause. Try again in a moment."
    )


def delete_snapshots(path: Path) -> None:
    """Delete all snapshots of a warehouse, for they have what was erased in it since."""
    with suppress(FileNotFoundError):
        shutil.rmtree(snapshot_dir(path))


def snapshot_age(path: Path, copy: Path) -> timedelta | None:
    """Tell how old a copy is if the file has changed since it was made; None if it has not."""
    if copy.parent.name == _name(file_state(path)):
        return None
    try:
        return timedelta(seconds=time.time() - copy.parent.stat().st_mtime)
    except FileNotFoundError:  # two newer ones were made, a moment ago
        return timedelta()


def _copy(path: Path, before: FileState, target: Path) -> bool:
    """Copy file and log; False if they changed meanwhile.

    Raises:
        OSError: they were replaced meanwhile, a faster process made the same, or there is no room.
        duckdb.Error: what was copied does not open.

    """
    target.parent.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=target.parent.parent))
    try:
        copy = scratch / path.name
        shutil.copyfile(path, copy)
        if before[1] is not None:
            shutil.copyfile(_log(path), _log(copy))
        if file_state(path) != before:
            return False
        with duckdb.connect(str(copy)) as connection:
            connection.execute("CHECKPOINT")  # the log becomes part of the file
        scratch.rename(target.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return True


def _is_quiet(found: FileState) -> bool:
    newest = max(one[2] for one in found if one) / 1e9
    return abs(time.time() - newest) > QUIET_SECONDS  # a clock set back leaves a time in the future


def _name(found: FileState) -> str:
    return "-".join(str(part) for one in found if one for part in one)


def _existing_snapshots(folder: Path, name: str) -> list[Path]:
    """Return the snapshots, the newest last."""
    found = [one / name for one in folder.glob("[0-9]*") if (one / name).exists()]
    return sorted(found, key=lambda one: one.parent.stat().st_mtime)


def _remove_old(folder: Path) -> None:
    """Delete old and half snapshots; a process that still reads one keeps its bytes."""
    made = sorted(folder.glob("[0-9]*"), key=lambda one: one.stat().st_mtime)
    for old in made[:-2]:
        shutil.rmtree(old, ignore_errors=True)
    for half in folder.glob(".making-*"):
        with suppress(FileNotFoundError):  # whole meanwhile
            if time.time() - half.stat().st_mtime > LEFT_SECONDS:
                shutil.rmtree(half, ignore_errors=True)


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")
