"""The report where there is nothing to report: a plan diff that failed, and at what.

Nothing but the standard library: the poster of comments writes it too, where no report arrived.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from marquee.plan_diff.markup import code, fenced, folded, plain

TITLE = "## What this change does to the warehouse"

# Of a long error its end says most.
MOST_CHARACTERS = 4_000
LONGEST_LINE = 200
# Environment variables of such names hold what no report may show.
SECRET = re.compile(r"TOKEN|KEY|PASSWORD|PASSPHRASE|SECRET|WEBHOOK", re.IGNORECASE)
SHORTEST_SECRET = 6


def failure(
    step: str,
    error: str,
    *,
    head: str,
    base: str,
    command: str,
    environ: Mapping[str, str] = os.environ,
) -> str:
    """Write the report on a plan diff that failed, as Markdown.

    It failed at a step such as `building the base`. `head` was to be compared with `base`, both
    revisions for people. `command` is what a person types to see the error, from which the secrets
    of `environ` are cut.
    """
    reason = without_secrets(error, environ).strip() or "no reason was given"
    shown = reason if len(reason) <= MOST_CHARACTERS else f"...{reason[-MOST_CHARACTERS:]}"
    first = " ".join(reason.splitlines()[0].split()).rstrip(".:")
    first = first if len(first) <= LONGEST_LINE else f"{first[: LONGEST_LINE - 1]}…"
    parts = [
        TITLE,
        f"**Plan diff failed** ({code(head)} against {code(base)}) while {step}: {plain(first)}.",
        "What the change does to the warehouse is not known. To see it on your machine:",
        fenced(command, "sh"),
        folded("The error", fenced(shown)),
    ]
    return "\n\n".join(parts) + "\n"


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """A text in which the values of secret variables are blotted out."""
    for name, value in environ.items():
        if SECRET.search(name) and len(value) >= SHORTEST_SECRET:
            text = text.replace(value, "***")
    return text
