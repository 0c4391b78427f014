"""One run at a time: a lock file that names the process that holds it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from marquee.core.errors import MarqueeError, TemporaryError

# Files that a command holds for all its steps, which take the lock themselves when run alone.
_held_for_steps: set[Path] = set()


def runs_steps() -> bool:
    """Return whether a command with several steps is at work, which says itself what is next."""
    return bool(_held_for_steps)


def lock_file(folder: Path, warehouse: Path | None) -> Path:
    """Name the lock file: beside the warehouse, or in `folder` where the warehouse is no file.

    All pipelines share it, for they write to the same warehouse.
    """
    if warehouse is None:
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "marquee.lock"
    return warehouse.with_name(f"{warehouse.name}.lock")


def restored_folder(lock: Path) -> Path:
    """Return the folder with the files of a restore that is being put in place."""
    return lock.with_suffix(".restored")


@contextmanager
def run_lock(path: Path, *, for_steps: bool = False, for_restore: bool = False) -> Iterator[None]:
    """Hold the lock file at `path` while the block runs; it names this process for the others.

    The operating system holds the lock and releases it with the process, however that ends. So a
    file that a killed run left behind is taken over, without asking which processes live.

    Args:
        path: the lock file.
        for_steps: whether the block's own calls of this function for the same file are covered.
        for_restore: whether the block completes a restore that was interrupted.

    Raises:
        MarqueeError: a restore was interrupted, so that the files do not match.
        TemporaryError: another run has it; the message names its process, host and start.
        OSError: the file cannot be written.
    """
    if path in _held_for_steps:
        yield
        return
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise TemporaryError(
            f"Another run is loading this warehouse: {_holder(path)} ({path}).",
            "Wait for it to end, or stop it: the next run resumes where it stopped.",
        ) from None
    try:
        if restored_folder(path).exists() and not for_restore:
            raise MarqueeError(
                f"A restore was interrupted: {restored_folder(path)} has files that are not in "
                "their places yet.",
                "Complete it: make restore FROM=... with the same place",
            )
        started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with suppress(OSError):  # Windows lets nobody write to a locked file; the lock holds
            path.write_text(f"process {os.getpid()} on {socket.gethostname()} since {started}\n")
        if for_steps:
            _held_for_steps.add(path)
        yield
    finally:
        _held_for_steps.discard(path)
        # While the lock is held: filelock notices a deleted file and does not take it for the lock.
        with suppress(OSError):
            path.unlink(missing_ok=True)
        lock.release()


def _holder(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(errors="replace")[:1000].strip() or "another process"
    return "another process"
