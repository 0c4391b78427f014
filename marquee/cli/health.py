"""Is the warehouse well? `python pipelines/health.py`, or `make health`; for cron and CI.

A line a check, what fails first. What is expected is in `monitoring/cadence.yaml`.
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
from marquee.monitoring.checks import Finding, check_all, disk
from marquee.monitoring.store import MissingWarehouse, opened
from marquee.monitoring.thresholds import CADENCE, read_cadence

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
        "--cadence", type=Path, default=CADENCE, metavar="FILE", help="what is expected"
    )
    options = parser.parse_args(argv)
    try:
        findings = findings_now(options.cadence)
    except Exception as error:  # who is waiting for an alert reads no stack trace
        findings = [unseen(explain(error, Settings.from_environment().duckdb))]
    is_ok = all(finding.is_ok for finding in findings)
    if options.json:
        report = {"is_ok": is_ok, "checks": [asdict(finding) for finding in findings]}
        print(json.dumps(report, indent=2, default=str))
    else:
        for finding in findings:
            mark = "ok  " if finding.is_ok else "FAIL"
            print(f"{mark}  {finding.check:<10} {finding.subject}: {finding.message}")
    if options.alert and not is_ok:
        send_alerts([finding for finding in findings if not finding.is_ok])
    return 0 if is_ok else 1


def findings_now(cadence: Path = CADENCE) -> list[Finding]:
    """Check the warehouse of the environment; without one, the disk.

    Raises:
        MarqueeError: the file of expectations cannot be used.

    """
    expected = read_cadence(cadence)
    is_file = os.environ.get("SQLMESH__DEFAULT_GATEWAY") != "snowflake"
    path = Settings.from_environment().duckdb
    warehouse = path if is_file else None
    try:
        with opened(path) as look:
            return check_all(look.store, expected, now_utc(), warehouse, look.age)
    except MissingWarehouse as error:
        return [unseen(str(error)), *disk(expected, warehouse)]


def unseen(reason: str) -> Finding:
    """Say that the warehouse cannot be looked at, which is no good sign."""
    return Finding("warehouse", "", False, " ".join(reason.split()))


if __name__ == "__main__":
    sys.exit(main())
