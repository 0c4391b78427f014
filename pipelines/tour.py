"""The guided tour: `python pipelines/tour.py`, or `make tour`."""

import sys

from marquee.cli.tour import main
from pipelines import studio, tmdb

if __name__ == "__main__":
    sys.exit(main({"tmdb": tmdb.main, "studio": studio.main}))
