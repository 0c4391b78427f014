"""Post a report as the one comment of its kind on a pull request: created once, updated after.

Where no report arrived, the comment says so: a report on an older commit must not stay standing.
Nothing but the standard library: it runs with a right to write, so nothing else is installed there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marquee.plan_diff.failure import failure

# By this, invisible on the page, a comment is found again; by its author, that it is ours.
MARKER = "<!-- marquee: plan diff -->"
PAGE_SIZE = 100
# GitHub's limit of a comment, in characters.
MOST_CHARACTERS = 65_536
TIMEOUT_SECONDS = 30

CUT = "\n\n**The report is longer than a comment may be**: the rest is in the workflow's summary.\n"

EPILOG = """\
environment:
  GITHUB_TOKEN        a token that may write to pull requests
  GITHUB_REPOSITORY   owner/name
  GITHUB_API_URL      another API than https://api.github.com
"""


class GitHubError(Exception):
    """GitHub rejected a call, or could not be reached; the message says why, without the token."""


@dataclass(frozen=True)
class GitHub:
    """The few calls that a comment needs."""

    api_url: str  # such as https://api.github.com
    repository: str  # owner/name
    token: str  # sent in the header only

    def post_once(self, pull_request: int, body: str) -> tuple[str, bool]:
        """Create the comment, or update it; return its address and whether it is new.

        Raises:
            GitHubError: GitHub rejected a call or could not be reached.
        """
        text = f"{MARKER}\n{fitting(body)}"
        issue = f"/repos/{self.repository}/issues"
        own = self._login()
        for comment in self._comments(f"{issue}/{pull_request}/comments"):
            # Anybody may write the marker; a comment of somebody else's is not ours to change.
            author = comment["user"] or {"login": "", "type": ""}  # somebody who left
            is_ours = author["login"] == own if own else author["type"] == "Bot"
            if comment["body"].startswith(MARKER) and is_ours:
                path = f"{issue}/comments/{comment['id']}"
                return self._call("PATCH", path, {"body": text})["html_url"], False
        path = f"{issue}/{pull_request}/comments"
        return self._call("POST", path, {"body": text})["html_url"], True

    def _login(self) -> str | None:
        """Whose token it is; None for an app's, such as that of GitHub's workflows."""
        try:
            return str(self._call("GET", "/user")["login"])
        except GitHubError as error:
            cause = error.__cause__
            if isinstance(cause, urllib.error.HTTPError) and cause.code == 403:
                return None  # an app is no user, and may not ask
            raise

    def _comments(self, path: str) -> Iterator[dict[str, Any]]:
        page = 1
        while found := self._call("GET", f"{path}?per_page={PAGE_SIZE}&page={page}"):
            yield from found
            page += 1

    def _call(self, method: str, path: str, document: dict[str, str] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked in `from_environment`
            self.api_url + path,
            data=None if document is None else json.dumps(document).encode(),
            method=method,
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            hint = " The token may not write here: is this a fork?" if error.code == 403 else ""
            raise GitHubError(f"{method} {path}: GitHub answered {error.code}.{hint}") from error
        except (OSError, ValueError) as error:
            raise GitHubError(f"{method} {path}: no answer from GitHub ({error}).") from error


def fitting(body: str) -> str:
    """A report that fits into a comment: cut between two folded parts, and saying so."""
    room = MOST_CHARACTERS - len(MARKER) - len(CUT) - 1
    if len(body) <= room:
        return body
    whole_parts, _, _ = body[:room].rpartition("\n<details")
    return (whole_parts or body[:room]).rstrip() + CUT


def missing(pull_request: int, head: str, base: str, run: str | None) -> str:
    """A report that there is none: whatever was to write it was stopped, or never began."""
    return failure(
        "waiting for the report",
        f"none was written. What happened is in the log{f' of {run}' if run else ''}",
        head=head[:7],
        base=base[:7],
        command=f"git fetch origin pull/{pull_request}/head && git switch --detach FETCH_HEAD\n"
        f"make plan-diff BASE={base}",
    )


def from_environment() -> GitHub:
    """Read GitHub's own variables.

    Raises:
        GitHubError: one is missing or makes no sense.
    """
    missing = [name for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY") if not os.environ.get(name)]
    if missing:
        raise GitHubError(f"{' and '.join(missing)} must be set.")
    token = os.environ["GITHUB_TOKEN"].strip()
    if not all("!" <= character <= "~" for character in token):
        # http.client would quote the token in its error.
        raise GitHubError("GITHUB_TOKEN contains a character that no HTTP header can carry.")
    api_url = os.environ.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
    if urllib.parse.urlsplit(api_url).scheme not in ("http", "https"):
        raise GitHubError(f"GITHUB_API_URL must be an address of the web, not {api_url}.")
    return GitHub(api_url, os.environ["GITHUB_REPOSITORY"], token)


def main(argv: Sequence[str] | None = None) -> int:
    """Post the report; return 0, or 1 where GitHub rejected a call."""
    parser = argparse.ArgumentParser(
        prog="python -m marquee.plan_diff.pr_comment",
        description="Post a report as the one plan-diff comment of a pull request.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "report", type=Path, help="Markdown; where there is no such file, the comment says so"
    )
    parser.add_argument("--pull-request", type=int, required=True, metavar="NUMBER")
    parser.add_argument("--head", default="?", metavar="COMMIT", help="what was to be compared")
    parser.add_argument("--base", default="main", metavar="COMMIT", help="and with what")
    parser.add_argument("--run", metavar="URL", help="where to read what happened")
    options = parser.parse_args(argv)
    try:
        if options.report.exists():
            report = options.report.read_text(encoding="utf-8")
        else:
            report = missing(options.pull_request, options.head, options.base, options.run)
        address, is_new = from_environment().post_once(options.pull_request, report)
    except (GitHubError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{'created' if is_new else 'updated'}: {address}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
