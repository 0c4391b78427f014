"""Report on the warehouse: `python pipelines/report.py --help`."""

import sys

from marquee.cli.report import main

if __name__ == "__main__":
    sys.exit(main())
