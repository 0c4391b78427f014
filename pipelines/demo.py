"""The demo: `python pipelines/demo.py --help`, or `make demo`."""

import sys

from marquee.cli.demo import main
from marquee.core.garbage import collect_rarely
from pipelines import studio, tmdb

if __name__ == "__main__":
    collect_rarely()
    sys.exit(main(None, {"tmdb": tmdb.main, "studio": studio.main}))
