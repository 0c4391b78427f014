"""Python's garbage collector, tuned for programs that keep what they load."""

from __future__ import annotations

import atexit
import gc

# Python's last collection, when a program ends, walks through all that the system frees anyway.
atexit.register(gc.freeze)


def collect_rarely() -> None:
    """Keep what is loaded so far out of the collector's way, and let it run rarely.

    The collector looks for cycles in all objects again and again. SQLMesh keeps every model as a
    tree of thousands of them, which is a quarter of the CPU time of a refresh; a pipeline keeps the
    rows of a load, which is a tenth of its time.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
