"""The health check of the warehouse: `python pipelines/health.py`, or `make health`.

One line per check, failed ones first. The limits are in `marquee/monitoring/thresholds.yaml`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from marquee.cli.base import command_parser
from marquee.core.clock import utcnow
from marquee.core.errors import explain
from marquee.core.settings import Settings, gateway
from marquee.monitoring.checks import CheckResult, check_all, disk
from marquee.monitoring.snapshot import snapshot_age
from marquee.monitoring.store import MissingWarehouse
from marquee.monitoring.thresholds import THRESHOLDS_FILE, read_thresholds
from marquee.monitoring.view import open_warehouse
from marquee.ops.alerts import send_alert

JOB = "health"  # in ops.run_log; written by `make daily` only
EPILOG = """\
exit codes:
  0 healthy    1 a check failed, or the warehouse cannot be read    2 wrong usage

receivers of alerts (--alert), off unless set:
  MARQUEE_SLACK_WEBHOOK_URL   an incoming webhook of Slack
  MARQUEE_SMTP_HOST, _PORT (465), _USER, _PASSWORD, _SENDER, _RECIPIENTS   mail over TLS
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Check, print, and send an alert if requested; return the exit code."""
    parser = command_parser(
        "python pipelines/health.py",
        "Check sources, runs, audits, metrics, row counts, quarantine and disk.",
        EPILOG,
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--alert", action="store_true", help="send an alert if a check fails")
    parser.add_argument(
        "--thresholds", type=Path, default=THRESHOLDS_FILE, metavar="FILE", help="other limits"
    )
    parser.add_argument("--cadence", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.cadence:
        parser.error("--cadence is now --thresholds, and the part `copy` of its file `snapshot`")
    return 1 if check(options.thresholds, as_json=options.json, alert=options.alert) else 0


def check(
    thresholds: Path = THRESHOLDS_FILE, *, as_json: bool = False, alert: bool = False
) -> list[CheckResult]:
    """Check, print, and send an alert if requested; return the checks that failed."""
    try:
        results = current_results(thresholds)
    except Exception as error:  # an alert is sent for any failure, without a stack trace
        results = [not_readable(explain(error, Settings.from_environment().duckdb))]
    failed = [result for result in results if not result.is_ok]
    if as_json:
        report = {"is_ok": not failed, "checks": [asdict(result) for result in results]}
        print(json.dumps(report, indent=2, default=str))
    else:
        for result in results:
            mark = "ok  " if result.is_ok else "FAIL"
            print(f"{mark}  {result.check:<10} {result.subject}: {result.message}")
    if alert and failed:
        send_alert_of(failed)
    return failed


def current_results(thresholds: Path = THRESHOLDS_FILE) -> list[CheckResult]:
    """Check the warehouse of the environment; without one, the disk.

    Raises:
        MarqueeError: the file of expectations cannot be used.
    """
    expected = read_thresholds(thresholds)
    is_file = gateway() != "snowflake"
    path = Settings.from_environment().duckdb
    warehouse = path if is_file else None
    try:
        with open_warehouse(path) as store:
            age = snapshot_age(path) if is_file else None
            return check_all(store, expected, utcnow(), warehouse, age)
    except MissingWarehouse as error:
        return [not_readable(str(error)), *disk(expected, warehouse)]


def not_readable(reason: str) -> CheckResult:
    """Return the failed check of a warehouse that cannot be read."""
    return CheckResult("warehouse", "", False, " ".join(reason.split()))


def send_alert_of(
    failed: Sequence[CheckResult], environ: Mapping[str, str] = os.environ
) -> list[str]:
    """Send an alert that lists the failed checks; return the kinds of the receivers."""
    lines = [f"- {one.check} {one.subject}: {one.message}" for one in failed]
    return send_alert("Marquee: health check failed", "\n".join(lines), environ)


if __name__ == "__main__":
    sys.exit(main())
