"""A small fake of GitHub's API: one pull request, its comments, reviews and check runs."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

REPOSITORY = "studio/marquee"
NUMBER = 7
TOKEN = "a-token-of-nobody"
HEAD = "a" * 40

Document = dict[str, Any]


@dataclass
class FakeGitHub:
    """Serves on loopback while it is entered.

    Attributes:
        comments: The comments of the pull request, oldest first.
        reviews: Its reviews.
        checks: Its check runs by name, as they are after the last update.
        requests: Method and path of every request.
        may_write: Whether the token may; a fork's may not.
        person: Whose token it is; None for a workflow's, who is no user.
    """

    comments: list[Document] = field(default_factory=list)
    reviews: list[Document] = field(default_factory=list)
    checks: dict[str, Document] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    may_write: bool = True
    person: str | None = None
    is_merged: bool = False
    _runs: int = 0

    def __enter__(self) -> FakeGitHub:
        fake = self

        class Handler(BaseHTTPRequestHandler):
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

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

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
        if not authorised:
            return 401, {"message": "Bad credentials"}
        if method != "GET" and not self.may_write:
            return 403, {"message": "Resource not accessible by integration"}
        place, _, query = path.partition("?")
        if place == "/graphql":  # the bot asks it for one thing
            state = {"title": "A change", "state": "OPEN", "mergeStateStatus": "CLEAN"}
            return 200, {"data": {"repository": {"pullRequest": state}}}
        if place == "/user":
            if self.person is None:
                return 403, {"message": "Resource not accessible by integration"}
            return 200, {"login": self.person, "type": "User"}
        repository = f"/repos/{REPOSITORY}"
        if place == f"{repository}/pulls/{NUMBER}":
            return 200, self.pull_request
        if place == f"{repository}/pulls/{NUMBER}/reviews":
            return 200, self.reviews
        if place == f"{repository}/pulls/{NUMBER}/merge" and method == "PUT":
            self.is_merged = True
            return 200, {"sha": HEAD, "merged": True, "message": "merged"}
        if place == f"{repository}/issues/{NUMBER}":
            return 200, {"number": NUMBER, "url": self.url + place}
        if place == f"{repository}/issues/{NUMBER}/comments":
            return self._comments(method, query, body)
        if comment := re.fullmatch(rf"{repository}/issues/comments/(\d+)", place):
            found = self.comments[int(comment[1]) - 1]
            found.update(body)
            return 200, found
        if place == f"{repository}/check-runs" and method == "POST":
            self._runs += 1
            run = {"id": self._runs, **body}
            run["url"] = f"{self.url}{place}/{run['id']}"
            self.checks[body["name"]] = run
            return 201, run
        if check := re.fullmatch(rf"{repository}/check-runs/(\d+)", place):
            found = next(run for run in self.checks.values() if run["id"] == int(check[1]))
            found.update(body)
            return 200, found
        return 404, {"message": f"the fake server knows no {method} {place}"}

    def _comments(
        self, method: str, query: str, body: Document
    ) -> tuple[int, Document | list[Document]]:
        if method == "POST":
            if self.person:
                return 201, self.add_comment(body["body"], author="User", login=self.person)
            return 201, self.add_comment(body["body"])
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
