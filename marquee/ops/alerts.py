"""Telling people, through the senders that dlt and SQLMesh have; off unless set (decision 26).

SQLMesh's plans and runs send theirs in `macros/alerts.py` (the same variables); this is for the
pipelines and for `make health`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from threading import Thread

import dlt
from dlt.common.runtime.slack import send_slack_message

TIMEOUT_SECONDS = 30  # for a receiver that does not answer: dlt's sender would wait for ever


def send_alert(subject: str, text: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Send a message wherever the environment says.

    A place that cannot be reached is said on the terminal, and the others are still told.

    Args:
        subject: of a mail, and the first line of what Slack shows.
        text: nothing secret, nothing personal.
        environ: says where.

    Returns:
        The kinds of the places that were told: `slack`, `smtp`.

    """
    told = []
    for name, send in (("slack", _slack), ("smtp", _smtp)):
        outcome = _with_timeout(partial(send, subject, text, environ))
        if outcome is True:
            told.append(name)
        elif outcome is not False:
            print(f"The alert by {name} could not be sent ({outcome}).", file=sys.stderr)
    return told


def _with_timeout(send: Callable[[], bool]) -> bool | str:
    """Return whether there was somebody to send_alert, or in a word why it failed."""
    outcome: list[bool | str] = []

    def attempt() -> None:
        try:
            outcome.append(send())
        except Exception as error:
            # Its own words may hold the webhook's address, which is a credential.
            outcome.append(type(error).__name__)

    thread = Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(TIMEOUT_SECONDS)
    return outcome[0] if outcome else "no answer"


def _slack(subject: str, text: str, environ: Mapping[str, str]) -> bool:
    """Tell the webhook of Marquee's variable, or the one that dlt is configured with."""
    url = environ.get("MARQUEE_SLACK_WEBHOOK_URL") or dlt.secrets.get("runtime.slack_incoming_hook")
    if not url:
        return False
    send_slack_message(url, f"{subject}\n{text}", is_markdown=False)
    return True


def _smtp(subject: str, text: str, environ: Mapping[str, str]) -> bool:
    def given(name: str) -> str | None:
        return environ.get(name) or None

    if not given("MARQUEE_SMTP_HOST"):
        return False
    # Only here: importing SQLMesh takes a second.
    from pydantic import SecretStr
    from sqlmesh.core.notification_target import BasicSMTPNotificationTarget, NotificationStatus

    BasicSMTPNotificationTarget(
        host=given("MARQUEE_SMTP_HOST"),
        port=int(given("MARQUEE_SMTP_PORT") or 465),
        user=given("MARQUEE_SMTP_USER"),
        password=SecretStr(given("MARQUEE_SMTP_PASSWORD") or ""),
        sender=given("MARQUEE_SMTP_SENDER"),
        recipients=frozenset((given("MARQUEE_SMTP_RECIPIENTS") or "").replace(" ", "").split(",")),
        subject=subject,
    ).send_text_message(NotificationStatus.FAILURE, text)
    return True
