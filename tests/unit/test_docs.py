"""The documents: links lead somewhere, decisions have date, status and a line in the index."""

import re
from pathlib import Path

import pytest

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
