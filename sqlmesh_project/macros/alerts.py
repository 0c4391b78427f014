"""Telling people of a plan or run that failed, by SQLMesh's own senders; off unless set.

What tells is the run log when it has written the end (decision 26), so that no receiver stands in
the way of the log, nor hides a failure behind one of its own.
"""

import os
import socket
import sys
from collections.abc import Mapping

from pydantic import SecretStr
from sqlmesh.core.notification_target import (
    BasicSMTPNotificationTarget,
    NotificationStatus,
    SlackWebhookNotificationTarget,
)

TIMEOUT_SECONDS = 20  # for a receiver that does not answer


def send_alert(subject: str, text: str) -> None:
    """Send a message wherever the environment says; who cannot be reached is said on the terminal.

    Args:
        subject: of a mail.
        text: nothing secret.

    """
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_SECONDS)  # SQLMesh's mail sender has none of its own
    try:
        for name, send in (("Slack", tell_slack), ("mail", tell_mail)):
            try:
                send(subject, text, os.environ)
            except Exception as error:
                # Its own words may hold the webhook's address, which is a credential.
                print(
                    f"The alert by {name} could not be sent ({type(error).__name__}).",
                    file=sys.stderr,
                )
    finally:
        socket.setdefaulttimeout(patience)


def tell_slack(subject: str, text: str, environ: Mapping[str, str]) -> None:
    """Send to Slack's webhook, if there is one.

    Raises:
        OSError: it is not reached, or refuses.

    """
    url = environ.get("MARQUEE_SLACK_WEBHOOK_URL")
    if not url:
        return
    # Of the target the client alone: the target's own method does not look at the answer.
    answer = SlackWebhookNotificationTarget(url=url).client.send(text=f"{subject}\n{text}")
    if answer.status_code >= 400:
        raise ConnectionRefusedError(answer.status_code)


def tell_mail(subject: str, text: str, environ: Mapping[str, str]) -> None:
    """Send a mail over TLS, if there is a server.

    Raises:
        OSError: it is not reached, or refuses.

    """
    if not environ.get("MARQUEE_SMTP_HOST"):
        return
    BasicSMTPNotificationTarget(
        host=environ["MARQUEE_SMTP_HOST"],
        port=int(environ.get("MARQUEE_SMTP_PORT") or 465),
        user=environ.get("MARQUEE_SMTP_USER") or None,
        password=SecretStr(environ.get("MARQUEE_SMTP_PASSWORD") or ""),
        sender=environ.get("MARQUEE_SMTP_SENDER") or None,
        recipients=frozenset(
            (environ.get("MARQUEE_SMTP_RECIPIENTS") or "").replace(" ", "").split(",")
        ),
        subject=subject,
    ).send_text_message(NotificationStatus.FAILURE, text)
