"""Telling people what fails, through the senders that dlt and SQLMesh have; off unless set.

A plan, run or audit of SQLMesh tells by itself (`notification_targets` in config.yaml, the same
variables); this is for what only `make health` knows: silence, drift, a full disk.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from monitoring.checks import Finding


def send_alerts(failing: Sequence[Finding], environ: Mapping[str, str] = os.environ) -> list[str]:
    """Send what fails wherever the environment says.

    A place that cannot be reached is said on the terminal, and the others are still told.

    Returns:
        The kinds of the places that were told: `slack`, `smtp`.

    """
    text = "\n".join(
        ["Marquee is not well:"]
        + [f"- {one.check} {one.subject}: {one.message}" for one in failing]
    )
    senders = {"slack": _slack, "smtp": _smtp}
    told = []
    for name, send in senders.items():
        try:
            if send(text, environ):
                told.append(name)
        except Exception as error:
            # Its own words may hold the webhook's address, which is a credential.
            print(
                f"The alert by {name} could not be sent ({type(error).__name__}).", file=sys.stderr
            )
    return told


def _slack(text: str, environ: Mapping[str, str]) -> bool:
    url = environ.get("MARQUEE_SLACK_WEBHOOK_URL")
    if not url:
        return False
    from dlt.common.runtime.slack import send_slack_message

    send_slack_message(url, text, is_markdown=False)
    return True


def _smtp(text: str, environ: Mapping[str, str]) -> bool:
    def given(name: str) -> str | None:
        return environ.get(f"MARQUEE_SMTP_{name}") or None

    if not given("HOST"):
        return False
    # Only here: importing SQLMesh takes a second.
    from pydantic import SecretStr
    from sqlmesh.core.notification_target import BasicSMTPNotificationTarget, NotificationStatus

    BasicSMTPNotificationTarget(
        host=given("HOST"),
        port=int(given("PORT") or 465),
        user=given("USER"),
        password=SecretStr(given("PASSWORD") or ""),
        sender=given("SENDER"),
        recipients=frozenset((given("RECIPIENTS") or "").replace(" ", "").split(",")),
        subject="Marquee is not well",
    ).send_text_message(NotificationStatus.FAILURE, text)
    return True
