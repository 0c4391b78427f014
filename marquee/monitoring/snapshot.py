"""The read-only snapshot of the DuckDB file: `snapshot/warehouse.duckdb` beside it.

DuckDB admits one process at a time, readers included: a process that opened the warehouse itself
would make the next run fail. So its bytes are copied, which needs no lock. A copy is used only if
the file and its log did not change while it was made and shortly before, and if it opens. It
replaces the snapshot at once: a process that has the old one open keeps it (decision 25).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import duckdb

from marquee.core.errors import FULL, MarqueeError
from marquee.core.settings import check_file_name
from marquee.monitoring.store import MissingWarehouse

ATTEMPTS = 20
PAUSE_SECONDS = 0.5
LEFT_SECONDS = 3600  # a copy that is not done by then was left by a process that was killed
QUIET_SECONDS = 0.2  # a change within the tick of the file's clock would not show

FileState = tuple[tuple[int, int, int] | None, ...]


def snapshot_file(path: Path) -> Path:
    """Return where the snapshot of a DuckDB file is; it has the same name, as views contain it."""
    return path.parent / "snapshot" / path.name


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
    """Return the snapshot of a DuckDB file; it is made again if the file changed since.

    Args:
        path: the DuckDB file.
        older_after: after so many attempts the last snapshot will do: the file is being written.

    Raises:
        MissingWarehouse: there is no file, its name cannot serve, or it could not be copied.
    """
    try:
        check_file_name(path)
    except MarqueeError as error:
        raise MissingWarehouse(" ".join(str(error).split())) from error
    target = snapshot_file(path)
    unreadable: FileState | None = None
    for attempt in range(ATTEMPTS):
        before = file_state(path)
        if before[0] is None:
            raise MissingWarehouse(f"There is no warehouse at {path} yet: `make demo` makes one.")
        if _is_of(target, before):
            return target
        try:
            is_made = _is_quiet(before) and _copy(path, before, target)
        except duckdb.Error as error:
            if before == unreadable:  # it did not change in between, so it was not half written
                reason = str(error).splitlines()[0].replace(str(target.parent), "")
                raise MissingWarehouse(
                    f"DuckDB cannot read {path}: {reason}. Restore a backup: make restore."
                ) from error
            unreadable, is_made = before, False
        except OSError as error:
            if error.errno in FULL:
                reason = f"no room for a snapshot of {path} in {target.parent}"
                raise MissingWarehouse(f"The disk is full: {reason}. Free space.") from error
            is_made = False  # the file is being replaced
        if is_made or (target.exists() and attempt >= older_after):
            return target
        time.sleep(PAUSE_SECONDS)
    raise MissingWarehouse(
        f"No snapshot of {path} could be made in {target.parent}: the file is being written "
        "without a pause. Try again in a moment."
    )


def delete_snapshots(path: Path) -> None:
    """Delete the snapshot of a warehouse, for it has what was erased in it since."""
    target = snapshot_file(path)
    target.unlink(missing_ok=True)
    for half in target.parent.glob(".making-*"):
        shutil.rmtree(half, ignore_errors=True)


def publish(path: Path) -> None:
    """Make the snapshot after a refresh; a failure is reported on the terminal and nothing else."""
    try:
        current_snapshot(path, older_after=ATTEMPTS)
    except MissingWarehouse as error:
        print(f"The read-only snapshot is not up to date: {error}", file=sys.stderr)


def snapshot_age(path: Path) -> timedelta | None:
    """Tell how old a file's snapshot is if the file has changed since; None if it has not."""
    target = snapshot_file(path)
    if _is_of(target, file_state(path)):
        return None
    # The time of its last modification is that of the file's. It was renamed when it was made.
    return timedelta(seconds=time.time() - target.stat().st_ctime)


def _copy(path: Path, before: FileState, target: Path) -> bool:
    """Copy file and log, and put them in place as one file; False if they changed meanwhile."""
    target.parent.mkdir(exist_ok=True)
    _remove_left(target.parent)
    with tempfile.TemporaryDirectory(
        prefix=".making-", dir=target.parent, ignore_cleanup_errors=True
    ) as scratch:
        copy = Path(scratch) / path.name
        shutil.copyfile(path, copy)
        if before[1] is not None:
            shutil.copyfile(_log(path), _log(copy))
        if file_state(path) != before:
            return False
        with duckdb.connect(str(copy)) as connection:
            connection.execute("CHECKPOINT")  # the log becomes part of the file
        shutil.copymode(path, copy)
        os.utime(copy, ns=(_newest_ns(before), _newest_ns(before)))
        os.replace(copy, target)
    return True


def _is_of(target: Path, found: FileState) -> bool:
    """Tell whether a snapshot was made of a file in this state."""
    try:
        return target.stat().st_mtime_ns == _newest_ns(found)
    except FileNotFoundError:
        return False


def _newest_ns(found: FileState) -> int:
    return max((one[2] for one in found if one), default=0)


def _is_quiet(found: FileState) -> bool:
    # A clock set back leaves a time in the future.
    return abs(time.time() - _newest_ns(found) / 1e9) > QUIET_SECONDS


def _remove_left(folder: Path) -> None:
    """Delete half copies that killed processes left."""
    for half in folder.glob(".making-*"):
        with suppress(FileNotFoundError):  # whole meanwhile
            if time.time() - half.stat().st_mtime > LEFT_SECONDS:
                shutil.rmtree(half, ignore_errors=True)


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")
