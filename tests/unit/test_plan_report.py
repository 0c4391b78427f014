"""What a plan diff's report says, from diff made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from marquee.monitoring.checks import CheckResult
from marquee.plan_diff.bronze import INPUTS
from marquee.plan_diff.data import TableChange, Total
from marquee.plan_diff.failure import failure
from marquee.plan_diff.models import Change, ChangeType, Columns
from marquee.plan_diff.report import WarehouseDiff, markdown, verdict
from marquee.plan_diff.revision import Revision, is_changed, merge_base
from tests.conftest import git

CHANGE = Change(
    "gold.fact_movies", ChangeType.DIRECT, "Breaking", is_rebuilt=True, is_compared=True
)


TABLE = TableChange("gold.fact_movies", rows_before=1, rows_after=1)
KPI = replace(TABLE, name="gold.kpi_yearly_trends")
READER = replace(CHANGE, name=KPI.name, change_type=ChangeType.INDIRECT)
REMOVED = replace(READER, change_type=ChangeType.REMOVED, is_compared=False)
COLUMN = {"roi_pct": "DOUBLE"}


@pytest.mark.parametrize(
    ("changes", "tables", "line"),
    [
        (
            [replace(CHANGE, columns=Columns(added=COLUMN)), READER],
            [TABLE, KPI],
            "**1 column added, no value differs** (`a` against `b`): 1 model changed directly; "
            "none of 1 model that read them changed; SQLMesh's category: Breaking.",
        ),
        (
            [CHANGE, READER],
            [
                replace(TABLE, changed=2, differing={"roi_pct": 2, "vote_count": 1}),
                replace(KPI, changed=1, differing={"avg_roi_pct": 1}, added=1),
            ],
            "**1 row added, 4 values in 3 columns differ** (`a` against `b`): 1 model changed "
            "directly; 1 of 1 model that read them changed; SQLMesh's category: Breaking; 1 KPI "
            "column differs.",
        ),
        (
            [replace(CHANGE, columns=Columns(renamed={"roi": "roi_pct"}))],
            [TABLE],
            "**1 column renamed, no value differs** (`a` against `b`): 1 model changed directly; "
            "SQLMesh's category: Breaking.",
        ),
        (
            [replace(CHANGE, is_rebuilt=False, is_forward_only=True, category="Forward-only")],
            [replace(TABLE, removed=2)],
            "**2 rows removed** (`a` against `b`): 1 model changed directly; SQLMesh's category: "
            "Forward-only; prod keeps the rows of 1 table.",
        ),
        (
            [replace(CHANGE, change_type=ChangeType.ADDED, category="Non-breaking")],
            [],
            "**1 model added, no value differs** (`a` against `b`): SQLMesh's category: "
            "Non-breaking.",
        ),
        (
            [replace(REMOVED, columns=Columns(removed=COLUMN))],
            [],
            "**1 model removed, no value differs** (`a` against `b`): SQLMesh's category: "
            "Breaking; **1 KPI column removed**.",
        ),
        (
            [replace(CHANGE, change_type=ChangeType.METADATA, category="Metadata")],
            [],
            "**No value differs** (`a` against `b`): 1 model described or audited differently; "
            "SQLMesh's category: Metadata.",
        ),
    ],
    ids=["column", "formula", "rename", "new rows only", "new", "removed", "audit"],
)
def test_the_verdict_begins_with_what_differs(
    changes: list[Change], tables: list[TableChange], line: str
) -> None:
    assert verdict(WarehouseDiff("a", "b", changes=changes, tables=tables)) == line


def test_what_only_reads_a_change_is_one_line_and_no_difference() -> None:
    diff = WarehouseDiff(
        "a",
        "b",
        changes=[CHANGE, READER],
        tables=[replace(TABLE, changed=1, differing={"roi_pct": 1}), KPI],
        impacted={TABLE.name: ["roi_pct", "_source_load_number"], KPI.name: ["avg_roi_pct"]},
    )
    report = markdown(diff, 0)
    assert "| `gold.kpi_yearly_trends` |" not in report
    assert "The same rows: 1 table" in report
    assert "By lineage 2 columns can be affected; 1 of them differ" in report
    assert "- `gold.fact_movies`: `roi_pct` (differs)\n" in report
    assert "0 of 0" not in report  # no audit and no test ran


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("-0.5", "0.5", "| mean `roi_pct` | -0.5 | 0.5 |"),
        ("12.341", "12.349", "| mean `roi_pct` | 12.341 | 12.349 |"),
        ("1234567.25", None, "| mean `roi_pct` | 1,234,567.25 | none |"),
        ("NULL", "-1234", "| mean `roi_pct` | NULL | -1,234 |"),
    ],
)
def test_a_measure_is_shown_with_its_sign_and_every_digit_that_was_compared(
    before: str, after: str | None, line: str
) -> None:
    total = Total("roi_pct", "mean", before, after)
    table = replace(TABLE, changed=1, differing={"roi_pct": 1}, totals=[total])
    assert line in markdown(WarehouseDiff("a", "b", tables=[table]), 0).splitlines()


@pytest.mark.parametrize(
    ("changes", "error", "beginning"),
    [
        ([], None, "**No model changed** (`a` against `b`)"),
        (
            [CHANGE],
            None,
            "**Rows not compared** (`a` against `b`): 1 model changed directly; "
            "SQLMesh's category: Breaking",
        ),
        ([], "a reason", "**Does not build** (`a` against `b`)"),
    ],
    ids=["nothing else", "a model too", "broken"],
)
def test_a_change_of_the_pipelines_is_never_called_no_change(
    changes: list[Change], error: str | None, beginning: str
) -> None:
    diff = WarehouseDiff("a", "b", changes=changes, error=error, is_ingestion_changed=True)
    notice = "; **ingestion changed: its effect on bronze is not shown**."
    assert verdict(diff) == beginning + notice


def test_a_pipeline_is_changed_by_a_commit_by_an_edit_and_by_a_new_file(tmp_path: Path) -> None:
    script = tmp_path / "pipelines" / "tmdb.py"
    script.parent.mkdir()
    script.write_text("1", encoding="utf-8")
    (tmp_path / "requirements.lock").touch()
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message=base")
    base = merge_base(tmp_path, "HEAD")
    # As in a clone of another branch.
    git(tmp_path, "update-ref", "refs/remotes/origin/released", "HEAD")
    assert merge_base(tmp_path, "released") == Revision("origin/released", base.commit)
    (tmp_path / "README.md").touch()
    page = tmp_path / "marquee" / "dashboard" / "page.py"
    page.parent.mkdir(parents=True)
    page.touch()  # reads the warehouse, loads nothing
    assert not is_changed(tmp_path, base, INPUTS)

    script.write_text("2", encoding="utf-8")
    assert is_changed(tmp_path, base, INPUTS)
    git(tmp_path, "commit", "--quiet", "--all", "--message=change")
    assert is_changed(tmp_path, base, INPUTS)
    assert not is_changed(tmp_path, merge_base(tmp_path, "HEAD"), INPUTS)

    (script.parent / "new.py").touch()
    assert is_changed(tmp_path, merge_base(tmp_path, "HEAD"), INPUTS)


HOSTILE = (
    "<img src=http://evil.example/x.png> [click](javascript:alert(1)) @team ![](//e.example) `x`"
)


def assert_escaped(text: str) -> None:
    for sign in "<>[]()!`":
        assert text.count(sign) == text.count(f"\\{sign}"), sign


def test_the_text_of_a_failure_is_no_markup() -> None:
    report = failure("building", HOSTILE, head="a`b", base="<b>main", command="make plan-diff")
    verdict = report.split("\n\n")[1]
    assert "(`` a`b `` against `<b>main`)" in verdict
    message = verdict.partition("while building: ")[2]
    assert_escaped(message)
    assert "\\@team" in message
    _, _, folded = report.partition("<summary>The error</summary>")
    assert f"```\n{HOSTILE}\n```" in folded


def test_a_csv_has_no_formula_and_a_message_no_markup() -> None:
    pages = pytest.importorskip("marquee.dashboard.pages", reason="the extra `dashboard`")
    frame = pd.DataFrame(
        {
            "title": ["=HYPERLINK(1)", "+1", "-1", "@x", "\t=1", "\uff1d1", "plain", None, "a=b"],
            "change": [-1, 2, 3, 4, 5, 6, 7, 8, 9],
        }
    )
    rows = [line.split(",")[0].strip('"') for line in pages.csv(frame).splitlines()[1:]]
    assert rows == ["'=HYPERLINK(1)", "'+1", "'-1", "'@x", "'\t=1", "'\uff1d1", "plain", "", "a=b"]
    assert pages.csv(frame).splitlines()[1].endswith(",-1")  # a number stays one
    for other in (frame[["title"]].astype("category"), frame[["title"]].astype("string")):
        assert [row.strip('"') for row in pages.csv(other).splitlines()[1:]][:6] == rows[:6]
    headed = pd.DataFrame({"=1+1": [1]})
    assert pages.csv(headed).splitlines()[0] == "'=1+1"
    listed = pages.failures([CheckResult("run", HOSTILE, False, HOSTILE)])
    assert_escaped(listed)
    assert "http:" not in listed
