"""A small fake of GitHub's API: one pull request, its comments, reviews and check runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from itertools import count
from typing import Any

from tests.fakes.fake_receivers import QuietHandler, served

REPOSITORY = "studio/marquee"
NUMBER = 7
TOKEN = "a-token-of-nobody"
HEAD = "a" * 40

Document = dict[str, Any]


@dataclass
class FakeGitHub:
    """What GitHub has of the repository.

    Attributes:
        comments: The comments of the pull request, oldest first.
        reviews: Its reviews.
        checks: Its check runs by name, as they are after the last update.
        requests: Method and path of every request.
        may_write: Whether the token may; a fork's may not.
        person: Whose token it is; None for a workflow's, who is no user.
        url: Where the API is served.
        numbers: Those of the check runs to come.
    """

    comments: list[Document] = field(default_factory=list)
    reviews: list[Document] = field(default_factory=list)
    checks: dict[str, Document] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    may_write: bool = True
    person: str | None = None
    is_merged: bool = False
    url: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @contextmanager
    def serving(self) -> Iterator[FakeGitHub]:
        """Serve on loopback until the end of the block."""
        fake = self

        class Handler(QuietHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"{}")
                authorised = TOKEN in self.headers.get("Authorization", "")
                status, document = fake.answer(self.command, self.path, body, authorised)
                data = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_PUT = answer

        with served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
            self.url = f"http://127.0.0.1:{port}"
            yield self

    @property
    def pull_request(self) -> Document:
        url = f"{self.url}/repos/{REPOSITORY}/pulls/{NUMBER}"
        return {
            "number": NUMBER,
            "url": url,
            "state": "open",
            "merged": self.is_merged,
            "head": {"ref": "change", "sha": HEAD},
            "base": {"ref": "main", "sha": "b" * 40},
            "_links": {"self": {"href": url}},
        }

    def pushed(self) -> Document:
        """What GitHub writes to GITHUB_EVENT_PATH when the pull request gets a commit."""
        return {"action": "synchronize", "pull_request": self.pull_request}

    def approved_by(self, name: str) -> Document:
        """The same when somebody approves it."""
        review = {
            "id": 1,
            "user": {"login": name},
            "state": "APPROVED",
            "pull_request_url": self.pull_request["url"],
        }
        self.reviews.append(review)
        return {"action": "submitted", "review": review, "pull_request": self.pull_request}

    def answer(
        self, method: str, path: str, body: Document, authorised: bool
    ) -> tuple[int, Document | list[Document]]:
        """Answer one request as GitHub would."""
        self.requests.append((method, path))
        denied = 403, {"message": "Resource not accessible by integration"}
        if not authorised:
            return 401, {"message": "Bad credentials"}
        if method != "GET" and not self.may_write:
            return denied
        place, _, query = path.partition("?")
        repository = f"/repos/{REPOSITORY}"
        pull_request = f"{repository}/pulls/{NUMBER}"
        issue = f"{repository}/issues/{NUMBER}"
        if place == "/graphql":  # the bot asks it for one thing
            state = {"title": "A change", "state": "OPEN", "mergeStateStatus": "CLEAN"}
            return 200, {"data": {"repository": {"pullRequest": state}}}
        if place == "/user":
            return (200, {"login": self.person, "type": "User"}) if self.person else denied
        if place == f"{pull_request}/merge" and method == "PUT":
            self.is_merged = True
            return 200, {"sha": HEAD, "merged": True, "message": "merged"}
        if place == f"{issue}/comments":
            return self._comments(method, query, body)
        if comment := re.fullmatch(rf"{repository}/issues/comments/(\d+)", place):
            self.comments[int(comment[1]) - 1].update(body)
            return 200, self.comments[int(comment[1]) - 1]
        if place == f"{repository}/check-runs" and method == "POST":
            number = next(self.numbers)
            self.checks[body["name"]] = {"id": number, "url": f"{self.url}{place}/{number}", **body}
            return 201, self.checks[body["name"]]
        if check := re.fullmatch(rf"{repository}/check-runs/(\d+)", place):
            found = next(run for run in self.checks.values() if run["id"] == int(check[1]))
            found.update(body)
            return 200, found
        documents: dict[str, Document | list[Document]] = {
            pull_request: self.pull_request,
            f"{pull_request}/reviews": self.reviews,
            issue: {"number": NUMBER, "url": self.url + issue},
        }
        if place in documents:
            return 200, documents[place]
        return 404, {"message": f"the fake server knows no {method} {place}"}

    def _comments(
        self, method: str, query: str, body: Document
    ) -> tuple[int, Document | list[Document]]:
        if method == "POST":
            author = {"author": "User", "login": self.person} if self.person else {}
            return 201, self.add_comment(body["body"], **author)
        numbers = dict(re.findall(r"(per_page|page)=(\d+)", query))
        size, page = int(numbers.get("per_page", 30)), int(numbers.get("page", 1))
        return 200, self.comments[(page - 1) * size : page * size]

    def add_comment(self, text: str, author: str = "Bot", login: str = "somebody") -> Document:
        number = len(self.comments) + 1
        comment = {
            "id": number,
            "body": text,
            "user": {"login": login, "type": author},
            "url": f"{self.url}/repos/{REPOSITORY}/issues/comments/{number}",
            "html_url": f"{self.url}/{REPOSITORY}/pull/{NUMBER}#issuecomment-{number}",
        }
        self.comments.append(comment)
        return comment
