"""Is the warehouse well? `python pipelines/health.py`, or `make health`; for cron and CI.

A line a check, what fails first. What is expected is in `monitoring/thresholds.yaml`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from marquee.core.clock import now_utc
from marquee.core.errors import explain
from marquee.core.settings import Settings
from marquee.monitoring.alerts import send_alerts
from marquee.monitoring.checks import CheckResult, check_all, disk
from marquee.monitoring.store import MissingWarehouse, open_warehouse
from marquee.monitoring.thresholds import THRESHOLDS_FILE, read_thresholds

EPILOG = """\
exit codes:
  0 all is well    1 something is not, or the warehouse cannot be looked at    2 wrong usage

alerts of what fails (--alert), off unless set:
  MARQUEE_SLACK_WEBHOOK_URL   an incoming webhook of Slack
  MARQUEE_SMTP_HOST, _PORT, _USER, _PASSWORD, _SENDER, _RECIPIENTS   mail over TLS
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Check, print, perhaps tell people; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python pipelines/health.py",
        description="Check sources, runs, audits, metrics, row counts, quarantine and disk.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--alert", action="store_true", help="tell people of what fails")
    parser.add_argument(
        "--thresholds", type=Path, default=THRESHOLDS_FILE, metavar="FILE", help="what is expected"
    )
    options = parser.parse_args(argv)
    try:
        results = current_results(options.thresholds)
    except Exception as error:  # who is waiting for an alert reads no stack trace
        results = [not_readable(explain(error, Settings.from_environment().duckdb))]
    is_ok = all(result.is_ok for result in results)
    if options.json:
        report = {"is_ok": is_ok, "checks": [asdict(result) for result in results]}
        print(json.dumps(report, indent=2, default=str))
    else:
        for result in results:
            mark = "ok  " if result.is_ok else "FAIL"
            print(f"{mark}  {result.check:<10} {result.subject}: {result.message}")
    if options.alert and not is_ok:
        send_alerts([result for result in results if not result.is_ok])
    return 0 if is_ok else 1


def current_results(thresholds: Path = THRESHOLDS_FILE) -> list[CheckResult]:
    """Check the warehouse of the environment; without one, the disk.

    Raises:
        MarqueeError: the file of expectations cannot be used.

    """
    expected = read_thresholds(thresholds)
    is_file = os.environ.get("SQLMESH__DEFAULT_GATEWAY") != "snowflake"
    path = Settings.from_environment().duckdb
    warehouse = path if is_file else None
    try:
        with open_warehouse(path) as view:
            return check_all(view.store, expected, now_utc(), warehouse, view.age)
    except MissingWarehouse as error:
        return [not_readable(str(error)), *disk(expected, warehouse)]


def not_readable(reason: str) -> CheckResult:
    """Say that the warehouse cannot be looked at, which is no good sign."""
    return CheckResult("warehouse", "", False, " ".join(reason.split()))


if __name__ == "__main__":
    sys.exit(main())
