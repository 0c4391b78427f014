"""Load, refresh and check, every day: `python pipelines/daily.py --help`, or `make daily`."""

import os
import sys

from marquee.cli.daily import run
from pipelines import studio, tmdb

if __name__ == "__main__":
    code = run(None, tmdb.main, studio.main)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: it would wait for requests that are still waiting for a dead server.
    os._exit(code)
