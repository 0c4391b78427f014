"""Health check of the warehouse: `python pipelines/health.py --help`."""

import sys

from marquee.cli.health import main

if __name__ == "__main__":
    sys.exit(main())
