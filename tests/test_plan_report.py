"""What a plan diff's report says, from findings made by hand."""

from __future__ import annotations

import pytest

from plandiff.data import TableChange, Total
from plandiff.report import Findings, markdown


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
    assert line in markdown(Findings("a", "b", tables=[table]), 0).splitlines()
