"""What people are told of a warehouse that is not well."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from marquee.monitoring.checks import CheckResult
from marquee.ops.alerts import send_alert


def send_alerts(
    failing: Sequence[CheckResult], environ: Mapping[str, str] = os.environ
) -> list[str]:
    """Tell people what fails; return the kinds of the places that were told."""
    lines = [f"- {one.check} {one.subject}: {one.message}" for one in failing]
    return send_alert("Marquee is not well", "\n".join(lines), environ)
