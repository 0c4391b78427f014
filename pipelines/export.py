"""Gold as Parquet and CSV: `python pipelines/export.py --help`, or `make export`."""

import sys

from marquee.cli.export import main

if __name__ == "__main__":
    sys.exit(main())
