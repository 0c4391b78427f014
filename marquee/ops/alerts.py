"""Alerts by Slack and by mail, for pipelines, SQLMesh's plans and runs, and `make health`.

Off unless the environment names a receiver (docs/decisions/0034).
"""

from __future__ import annotations

import os
import smtplib
import ssl
import sys
from collections.abc import Mapping
from email.message import EmailMessage

import requests

TIMEOUT_SECONDS = 20  # for each step of the exchange with a receiver
STARTTLS_PORT = 587  # mail submission: plain at first, TLS before anything else is sent
MAX_SLACK_CHARACTERS = 38_000  # Slack rejects a text of more than 40,000
SHORTENED = "\n[...]\n"


def send_alert(subject: str, text: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Send a message to every receiver that the environment names.

    A receiver that cannot be reached is reported on the terminal; the others still get the message.

    Args:
        subject: of a mail, and the first line of what Slack shows.
        text: nothing secret, nothing personal.
        environ: names the receivers.

    Returns:
        The kinds of the receivers that took the message: `Slack`, `mail`.
    """
    sent = []
    for name, send in (("Slack", _send_to_slack), ("mail", _send_mail)):
        try:
            if send(subject, text, environ):
                sent.append(name)
        except Exception as error:
            # The error's own text may hold the webhook's address, which is a credential.
            is_timeout = isinstance(error, (TimeoutError, requests.Timeout))
            reason = "no answer" if is_timeout else type(error).__name__
            print(f"The alert by {name} could not be sent ({reason}).", file=sys.stderr)
    return sent


def shorten(text: str, max_characters: int) -> str:
    """Cut the middle out of a text that is too long: its end recommends what to do."""
    if len(text) <= max_characters:
        return text
    half = (max_characters - len(SHORTENED)) // 2
    return f"{text[:half]}{SHORTENED}{text[-half:]}"


def _send_to_slack(subject: str, text: str, environ: Mapping[str, str]) -> bool:
    """Post to the webhook of Marquee's variable, or of dlt's configuration."""
    url = environ.get("MARQUEE_SLACK_WEBHOOK_URL") or _webhook_of_dlt()
    if not url:
        return False
    message = shorten(f"{subject}\n{text}", MAX_SLACK_CHARACTERS)
    for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):  # Slack's own markup
        message = message.replace(sign, escaped)
    response = requests.post(
        url, json={"text": message, "mrkdwn": False}, timeout=TIMEOUT_SECONDS, allow_redirects=False
    )
    response.raise_for_status()
    return True


def _webhook_of_dlt() -> str | None:
    # Imported only when there is an alert: a plan or run of SQLMesh needs no dlt, which takes long.
    import dlt

    found: str | None = dlt.secrets.get("runtime.slack_incoming_hook")
    return found


def _send_mail(subject: str, text: str, environ: Mapping[str, str]) -> bool:
    """Send a mail over TLS to a server whose certificate is verified."""
    host = environ.get("MARQUEE_SMTP_HOST")
    if not host:
        return False
    message = EmailMessage()
    message["Subject"] = " ".join(subject.split())
    message["From"] = environ.get("MARQUEE_SMTP_SENDER", "")
    recipients = environ.get("MARQUEE_SMTP_RECIPIENTS", "").replace(" ", "").split(",")
    message["To"] = ", ".join(filter(None, recipients))
    message.set_content(text)
    port = int(environ.get("MARQUEE_SMTP_PORT") or smtplib.SMTP_SSL_PORT)
    context = ssl.create_default_context()  # verifies certificate and host
    server = (
        smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        if port == STARTTLS_PORT
        else smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
    )
    with server:
        if port == STARTTLS_PORT:
            server.starttls(context=context)
        if user := environ.get("MARQUEE_SMTP_USER"):
            server.login(user, environ.get("MARQUEE_SMTP_PASSWORD", ""))
        server.send_message(message)
    return True
