"""What a plan diff's report says, from diff made by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from marquee.monitoring.checks import CheckResult
from marquee.plan_diff.bronze import INPUTS
from marquee.plan_diff.data import TableChange, Total
from marquee.plan_diff.failure import failure
from marquee.plan_diff.models import Change, ChangeType, Columns
from marquee.plan_diff.report import WarehouseDiff, markdown, verdict
from marquee.plan_diff.revision import is_changed, merge_base

CHANGE = Change(
    name="gold.fact_movies",
    change_type=ChangeType.DIRECT,
    category="Breaking",
    is_rebuilt=True,
    is_forward_only=False,
    diff="",
    columns=Columns(),
    before=None,
    after=None,
)


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
    table = TableChange(
        name="gold.fact_movies",
        rows_before=1,
        rows_after=1,
        added=0,
        removed=0,
        changed=1,
        differing={"roi_pct": 1},
        totals=[Total("roi_pct", "mean", before, after)],
        changed_rows=[],
        added_keys=[],
        removed_keys=[],
    )
    assert line in markdown(WarehouseDiff("a", "b", tables=[table]), 0).splitlines()


@pytest.mark.parametrize(
    ("diff", "beginning"),
    [
        (
            WarehouseDiff("a", "b", is_ingestion_changed=True),
            "**No model changed** (`a` against `b`)",
        ),
        (
            WarehouseDiff("a", "b", changes=[CHANGE], is_ingestion_changed=True),
            "**Breaking** (`a` against `b`): 1 model changed directly",
        ),
        (
            WarehouseDiff("a", "b", error="a reason", is_ingestion_changed=True),
            "**Does not build** (`a` against `b`)",
        ),
    ],
    ids=["nothing else", "a model too", "broken"],
)
def test_a_change_of_the_pipelines_is_never_called_no_change(
    diff: WarehouseDiff, beginning: str
) -> None:
    notice = "; **ingestion changed: its effect on bronze is not shown**."
    assert verdict(diff) == beginning + notice


def test_a_pipeline_is_changed_by_a_commit_by_an_edit_and_by_a_new_file(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=ada", "-c", "user.email=ada@example.test"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True)

    script = tmp_path / "pipelines" / "tmdb.py"
    script.parent.mkdir()
    script.write_text("1", encoding="utf-8")
    (tmp_path / "requirements.lock").touch()
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message=base")
    base = merge_base(tmp_path, "HEAD")
    (tmp_path / "README.md").touch()
    assert not is_changed(tmp_path, base, INPUTS)

    script.write_text("2", encoding="utf-8")
    assert is_changed(tmp_path, base, INPUTS)
    git("commit", "--quiet", "--all", "--message=change")
    assert is_changed(tmp_path, base, INPUTS)
    assert not is_changed(tmp_path, merge_base(tmp_path, "HEAD"), INPUTS)

    (script.parent / "new.py").touch()
    assert is_changed(tmp_path, merge_base(tmp_path, "HEAD"), INPUTS)


HOSTILE = (
    "<img src=http://evil.example/x.png> [click](javascript:alert(1)) @team ![](//e.example) `x`"
)


def test_the_text_of_a_failure_is_no_markup() -> None:
    report = failure("building", HOSTILE, head="a`b", base="<b>main", command="make plan-diff")
    verdict = report.split("\n\n")[1]
    assert "(`` a`b `` against `<b>main`)" in verdict
    message = verdict.partition("while building: ")[2]
    for sign in "<>[]()@!`":
        assert message.count(sign) == message.count(f"\\{sign}"), sign
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
    for sign in "<>[]()!`":
        assert listed.count(sign) == listed.count(f"\\{sign}"), sign
    assert "http:" not in listed
