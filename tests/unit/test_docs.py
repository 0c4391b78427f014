"""The documents: links lead somewhere, commands exist, decisions have date, status and a line."""

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from marquee.cli import backup, daily, demo, disk, export, plan_diff, refresh, ui
from marquee.core.settings import ROOT

DECISIONS = ROOT / "docs" / "decisions"
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "docs/decisions/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "plan-diff.md"
)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target, anchor in LINK.findall(page.read_text()):
        path = (page.parent / target).resolve() if target else page
        is_missing_anchor = path.suffix == ".md" and anchor and path.exists()
        if not path.exists() or (is_missing_anchor and anchor not in anchors(path)):
            broken.append(f"{target}#{anchor}")
    assert broken == []


@pytest.mark.parametrize(
    "record", sorted(DECISIONS.glob("0*.md")), ids=lambda record: str(record.name)
)
def test_a_decision_has_date_status_and_a_line_in_the_index(record: Path) -> None:
    number, text = int(record.name[:4]), record.read_text()
    assert text.startswith(f"# {number}. ")
    assert re.search(r"^(- )?Date: \d{4}-\d\d-\d\d", text, re.MULTILINE)
    assert re.search(r"\bStatus: (accepted|superseded)", text)
    assert f"[{number}]({record.name})" in (DECISIONS / "README.md").read_text()


def test_every_command_of_the_documents_exists() -> None:
    targets = set(re.findall(r"^([\w -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    targets = {name for line in targets for name in line.split()}
    for page in PAGES:
        # A changelog names commands that no longer exist.
        text = page.read_text() if page.name != "CHANGELOG.md" else ""
        code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
        for target in re.findall(r"(?<![\w-])make ([a-z][a-z-]*)", code):
            assert target in targets, f"{page.name}: make {target}"
        for script in re.findall(r"(?:python|run|ExecStart=\S+) (pipelines/\w+\.py)", code):
            assert (ROOT / script).is_file(), f"{page.name}: {script}"
        for module in re.findall(r"python3? -m ((?:marquee|tests|benchmarks)[\w.]*)", code):
            assert find_spec(module), f"{page.name}: {module}"


@pytest.mark.parametrize(
    "main",
    [
        *(backup.main, disk.main, export.main, plan_diff.main, refresh.main, ui.main),
        lambda argv: daily.run(argv, _no_pipeline, _no_pipeline),
        lambda argv: demo.main(argv, {}),
    ],
)
def test_the_help_of_a_command_fits_80_columns(
    main: Callable[[list[str]], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert [line for line in capsys.readouterr().out.splitlines() if len(line) > 80] == []


def test_make_help_fits_80_columns() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line for line in listed.stdout.splitlines() if len(line) > 80] == []
    assert "\n  demo  " in listed.stdout


def _no_pipeline(argv: Sequence[str]) -> int:
    raise AssertionError(argv)


def test_the_ai_assistants_server_gets_a_read_only_snapshot() -> None:
    page = (ROOT / "docs" / "connect.md").read_text()
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    arguments = json.loads(block)["mcpServers"]["marquee"]["args"]
    assert "snapshot/warehouse.duckdb" in arguments
    assert "--read-only" in arguments
    for tool in ("DBeaver", "Metabase, Superset", "Evidence", "Spreadsheets", "Notebook"):
        assert f"\n## {tool}\n" in page
