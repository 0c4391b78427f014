"""Load, refresh and check, every day: `python pipelines/daily.py --help`, or `make daily`."""

import os
import sys

from marquee.cli.daily import run
from marquee.core.garbage import collect_rarely
from pipelines import studio, tmdb

if __name__ == "__main__":
    collect_rarely()
    code = run(None, tmdb.main, studio.main)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: it would wait for requests that are still waiting for a dead server.
    os._exit(code)
