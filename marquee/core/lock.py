"""One run at a time: a lock file that says who is at work."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from marquee.core.errors import MarqueeError


def lock_file(folder: Path, warehouse: Path | None) -> Path:
    """Name the lock file: beside the warehouse, or where that is no file in `folder`.

    All doors share it, for they write to the same warehouse.
    """
    if warehouse is None:
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "marquee.lock"
    return warehouse.with_name(f"{warehouse.name}.lock")


@contextmanager
def run_lock(path: Path) -> Iterator[None]:
    """Hold the lock file at `path` while the block runs; it names this process for the others.

    The operating system holds the lock and lets go of it with the process, however that ends. So a
    file that a killed run left behind is told from one in use without asking which processes live,
    and is taken over.

    Raises:
        MarqueeError: another run has it; the message names its process, host and start.
        OSError: the file cannot be written.

    """
    descriptor = _take(path)
    try:
        started = datetime.now(timezone.utc).isoformat(timespec="seconds")
        os.truncate(descriptor, 0)
        os.write(
            descriptor,
            f"process {os.getpid()} on {socket.gethostname()} since {started}\n".encode(),
        )
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _take(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 1000).decode(errors="replace").strip() or "another process"
            os.close(descriptor)
            raise MarqueeError(
                f"Another run is loading this warehouse: {holder} ({path}).",
                "Wait for it to end, or stop it: the next run goes on where it stood.",
            ) from None
        # The holder before may have deleted the file between our opening and locking it.
        if path.exists() and os.path.samestat(os.stat(path), os.fstat(descriptor)):
            return descriptor
        os.close(descriptor)


only_run = run_lock  # the former name, until every caller uses the new one
