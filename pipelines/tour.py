"""The guided tour: `python pipelines/tour.py`, or `make tour`."""

import sys

from marquee.cli.tour import main
from marquee.core.garbage import collect_rarely
from pipelines import studio, tmdb

if __name__ == "__main__":
    collect_rarely()
    sys.exit(main({"tmdb": tmdb.main, "studio": studio.main}))
