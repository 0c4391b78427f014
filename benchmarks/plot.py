"""Plots, by altair; runs among the peers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def lines(path: str, points: Sequence[dict[str, Any]], x: str, y: str, series: str) -> None:
    """Draw a line per series, on linear axes from 0, so that a straight line is linear growth."""
    import altair

    chart = (
        altair.Chart(altair.Data(values=list(points)))  # type: ignore[no-untyped-call]
        .mark_line(point=True)
        .encode(
            x=altair.X(x, type="quantitative", scale=altair.Scale(zero=True)),
            y=altair.Y(y, type="quantitative", scale=altair.Scale(zero=True)),
            color=altair.Color(series, type="nominal", sort=None),
        )
        .properties(width=520, height=300, background="white")
    )
    chart.save(path, format="svg")
