"""Check of a Snowflake account: `python pipelines/snowflake_check.py --help`."""

import sys

from marquee.cli.snowflake_check import main

if __name__ == "__main__":
    sys.exit(main())
