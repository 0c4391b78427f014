"""A page on another origin reaches neither SQLMesh's UI nor the dashboard nor the sandbox."""

from __future__ import annotations

import hashlib
import http.client
import re
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest

from marquee.core.settings import ROOT
from marquee.sandbox.server import Sandbox
from tests.conftest import films
from tests.e2e.browser import CHROMIUM, PATIENCE_SECONDS, dashboard, open_browser, sqlmesh_ui
from tests.fakes.fake_receivers import served

FOREIGN = [
    {"Host": "rebound.example"},
    {"Host": "127.0.0.1.rebound.example:80"},
    {"Origin": "http://127.0.0.1:9"},
    {"Origin": "http://localhost"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]
# A path in place of a table is none any more: DuckDB looks for a table of that name.
DENIED = "disabled (by|through) configuration|configuration has been locked|does not exist"
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def status(address: str, path: str, method: str = "GET", **headers: str) -> int:
    return request(address, path, method, None, headers)[0]


def request(
    address: str, path: str, method: str, body: str | None, headers: dict[str, str]
) -> tuple[int, str]:
    """Send a request, with any header; return status and, but of a WebSocket's, the text."""
    place = address.removeprefix("http://")
    with closing(http.client.HTTPConnection(place, timeout=PATIENCE_SECONDS)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, "" if answer.status == 101 else answer.read().decode(errors="replace")


@pytest.fixture(scope="module")
def ui_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ui")


@pytest.fixture(scope="module")
def ui(ui_folder: Path) -> Iterator[str]:
    """The UI on an empty warehouse, which has neighbors."""
    folder = ui_folder
    for name in ("warehouse", "state", "vault"):
        with duckdb.connect(str(folder / f"{name}.duckdb")) as connection:
            connection.execute(f"CREATE TABLE canary AS SELECT 'canary-of-{name}' AS text")
    pytest.importorskip("web.server.main", reason="the extra `ui`")
    with sqlmesh_ui(folder / "warehouse.duckdb", folder / "state.duckdb", folder) as address:
        assert len(list(folder.glob("marquee-ui-*"))) == 1
        yield address
    assert not list(folder.glob("marquee-ui-*")), "the copies end with the UI"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("streamlit", reason="the extra `dashboard`")
    folder = tmp_path_factory.mktemp("board")
    duckdb.connect(str(folder / "warehouse.duckdb")).close()
    with dashboard(folder / "warehouse.duckdb", folder) as address:
        yield address


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(films()) as running:
        yield running


def test_the_ui_denies_requests_of_other_origins(ui: str) -> None:
    assert status(ui, "/api/meta") == 200
    own = {"Origin": ui, "Sec-Fetch-Site": "same-origin"}
    assert status(ui, "/api/meta", **own) == 200
    assert status(ui, "/", **{"Sec-Fetch-Site": "none"}) == 200
    for headers in FOREIGN:
        for path in ("/", "/api/meta", "/api/files", "/api/commands/fetchdf", "/health"):
            for method in ("GET", "POST", "DELETE", "OPTIONS"):
                assert status(ui, path, method, **headers) == 403, (path, method, headers)


def test_the_ui_reads_no_file_but_the_warehouse(ui: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("canary-of-a-file")

    def answer(sql: str) -> str:
        json = {"Content-Type": "application/json"}
        return request(ui, "/api/commands/fetchdf", "POST", f'{{"sql": "{sql}"}}', json)[1]

    assert "canary-of-warehouse" in answer("SELECT text FROM warehouse.main.canary")
    for sql in (
        f"SELECT content FROM read_text('{secret}')",
        "SET enable_external_access = true",
        f"ATTACH '{tmp_path}/other.duckdb' AS other",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        f"EXPORT DATABASE '{tmp_path}/out'",
        f"FROM '{secret}'",
        f"FROM glob('{tmp_path}/*')",
        "INSTALL httpfs",
        "LOAD httpfs",
    ):
        text = answer(sql)
        assert "canary-of-a-file" not in text
        assert re.search(DENIED, text), text
    assert [one.name for one in tmp_path.iterdir()] == ["secret.txt"]


def test_the_dashboard_denies_requests_of_other_origins(board: str) -> None:
    assert status(board, "/_stcore/health") == 200
    assert status(board, "/_stcore/stream", **WEBSOCKET, Origin=board) == 101
    rebound = {"Host": "rebound.example", "Origin": "http://rebound.example"}
    for headers in [*FOREIGN, rebound]:
        for path in ("/", "/_stcore/health", "/_stcore/host-config"):
            assert status(board, path, **headers) == 403, (path, headers)
        assert status(board, "/_stcore/stream", **{**WEBSOCKET, **headers}) == 403, headers


def test_the_sandbox_denies_requests_of_other_origins(sandbox: Sandbox) -> None:
    key = {"Authorization": f"Bearer {sandbox.credential}"}
    assert status(sandbox.root_url, "/3/genre/movie/list", **key) == 200
    for headers in FOREIGN:
        assert status(sandbox.root_url, "/3/genre/movie/list", **key, **headers) == 403, headers


ATTACK = """
async ([ui, board, sandbox]) => {
  const body = JSON.stringify({sql: "SELECT 1", content: "", new_path: "stolen"});
  const tries = [];
  // Chromium resolves any name below localhost to this machine, as a name that was rebound.
  const named = (address, name) => address.replace("127.0.0.1", name);
  for (const name of ["127.0.0.1", "localhost", "rebound.localhost"]) {
    for (const mode of ["cors", "no-cors"]) {
      for (const url of [ui + "/api/meta", ui + "/api/files", board + "/_stcore/health",
                         sandbox + "/3/genre/movie/list"]) {
        tries.push(fetch(named(url, name), {mode}));
      }
      for (const path of ["/api/files/config.yaml", "/api/commands/fetchdf"]) {
        tries.push(fetch(named(ui, name) + path, {mode, method: "POST", body}));
      }
    }
    tries.push(fetch(named(ui, name) + "/api/files/config.yaml", {method: "DELETE"}));
  }
  const results = [];
  for (const one of await Promise.allSettled(tries)) {
    results.push(one.status == "rejected" || one.value.type == "opaque"
      ? "unreadable" : await one.value.text());
  }
  for (const name of ["127.0.0.1", "localhost", "rebound.localhost"]) {
    for (const address of [board + "/_stcore/stream", ui + "/api/events"]) {
      const socket = new WebSocket(named(address, name).replace("http", "ws"));
      results.push(await new Promise(done => {
        socket.onopen = () => done("connected");
        socket.onerror = () => done("unreadable");
      }));
    }
  }
  // A form needs no script and no permission to be sent.
  const form = document.createElement("form");
  form.method = "post";
  form.enctype = "text/plain";
  form.action = ui + "/api/files/config.yaml";
  form.target = "frame";
  const frame = document.createElement("iframe");
  frame.name = "frame";
  document.body.append(frame, form);
  const loaded = new Promise(done => { frame.onload = () => done(); });
  form.submit();
  await loaded;
  return results;
}
"""


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
def test_a_page_of_another_origin_reaches_nothing_and_changes_no_file(
    ui: str, ui_folder: Path, board: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("<title>another origin</title>")
    (copy,) = ui_folder.glob("marquee-ui-*/project")
    before = fingerprint(ROOT), fingerprint(copy)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with served(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as port, open_browser() as page:
        address = f"http://127.0.0.1:{port}/"
        answers: dict[str, int] = {}
        page.on("response", lambda answer: answers.update({answer.url: answer.status}))
        page.goto(f"{address}index.html")
        results = page.evaluate(ATTACK, [ui, board, sandbox.root_url])
    assert set(results) == {"unreadable"}, results
    # What a page may not read was not done either: each request that was answered was denied.
    denied = {url: code for url, code in answers.items() if not url.startswith(address)}
    assert len(denied) >= 12
    assert set(denied.values()) == {403}, denied
    assert (fingerprint(ROOT), fingerprint(copy)) == before
    # The same pages work by themselves.
    with open_browser() as page:
        assert page.goto(f"{ui}/health").status == 200
        assert page.goto(board).status == 200


def fingerprint(project: Path) -> str:
    """A hash of a project's files, and of their names."""
    digest = hashlib.sha256()
    kept = [project / "config.yaml", project / "external_models.yaml"]
    for folder in ("sqlmesh_project", "audits", "marquee", "tests/models"):
        kept += [one for one in (project / folder).rglob("*") if one.suffix != ".pyc"]
    for path in sorted(path for path in kept if path.is_file()):
        digest.update(f"{path.relative_to(project)}\n".encode() + path.read_bytes())
    return digest.hexdigest()
