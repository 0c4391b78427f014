"""Draws a placed graph as SVG: boxes that lead to pages, and lines between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from marquee.lineage.layout import Edge, place

LETTER_WIDTH = 7.3  # of the text of a box, in pixels; the style sheet sets its size
SMALL_LETTER_WIDTH = 6.2
PADDING = 14
BETWEEN = 56  # columns
MARGIN = 6


@dataclass(frozen=True)
class Box:
    """A node.

    Attributes:
        text: The line to read.
        over: A smaller line over it; empty for none.
        layer: It gives the colour.
        link: Where a click leads.
        hint: The tooltip.
        is_here: Whether it is the subject of the picture.

    """

    text: str
    over: str
    layer: str
    link: str
    hint: str = ""
    is_here: bool = False


def draw(boxes: Mapping[str, Box], edges: Iterable[Edge], title: str) -> Markup:
    """Draw boxes from left to right.

    Args:
        boxes: By name, in an order that settles draws.
        edges: Names of two boxes each.
        title: What the picture shows, for those who don't see it.

    """
    names = list(boxes)
    height = 42.0 if any(box.over for box in boxes.values()) else 28.0
    placed = place(names, edges, height)
    count = max(placed.columns.values(), default=0) + 1
    widths = [0.0] * count
    for name, box in boxes.items():
        column = placed.columns[name]
        widths[column] = max(widths[column], _width(box))
    lefts = [MARGIN + sum(widths[:column]) + BETWEEN * column for column in range(count)]
    numbers = {name: number for number, name in enumerate(names)}
    parts = [
        f'<path d="{_edge_path(way, lefts, widths)}" data-from="{numbers[start]}" '
        f'data-to="{numbers[end]}"/>'
        for (start, end), way in placed.edge_paths.items()
    ]
    for name, box in boxes.items():
        column = placed.columns[name]
        top = placed.middles[name] - height / 2 + MARGIN
        parts.append(_box(box, numbers[name], lefts[column], top, widths[column], height))
    width = lefts[-1] + widths[-1] + MARGIN
    whole = placed.height + 2 * MARGIN
    return Markup(  # noqa: S704 - every text in it is escaped
        f'<svg class="lineage" role="group" aria-label="{escape(title)}" width="{width:.0f}" '
        f'height="{whole:.0f}" viewBox="0 0 {width:.0f} {whole:.0f}">{"".join(parts)}</svg>'
    )


def _width(box: Box) -> float:
    letters = max(len(box.text) * LETTER_WIDTH, len(box.over) * SMALL_LETTER_WIDTH)
    return letters + 2 * PADDING


def _box(box: Box, number: int, left: float, top: float, width: float, height: float) -> str:
    x = left + PADDING
    lines = f'<text x="{x:.0f}" y="{top + height - 10:.0f}">{escape(box.text)}</text>'
    if box.over:
        lines += f'<text class="over" x="{x:.0f}" y="{top + 16:.0f}">{escape(box.over)}</text>'
    here = ' class="here" aria-current="true"' if box.is_here else ""
    hint = f"<title>{escape(box.hint)}</title>" if box.hint else ""
    return (
        f'<a href="{escape(box.link)}" data-node="{number}" data-layer="{escape(box.layer)}"{here}>'
        f'{hint}<rect x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'rx="6"/>{lines}</a>'
    )


def _edge_path(
    way: Sequence[tuple[int, float]], lefts: Sequence[float], widths: Sequence[float]
) -> str:
    """Draw a line that leaves and enters level, and passes the columns between straight."""
    column, y = way[0]
    parts = [f"M{lefts[column] + widths[column]:.0f} {y + MARGIN:.0f}"]
    x, y = lefts[column] + widths[column], y + MARGIN
    for column, middle in way[1:]:
        left, height = lefts[column], middle + MARGIN
        half = (x + left) / 2
        parts.append(f"C{half:.0f} {y:.0f} {half:.0f} {height:.0f} {left:.0f} {height:.0f}")
        x, y = left, height
        if (column, middle) != way[-1]:
            x = left + widths[column]
            parts.append(f"H{x:.0f}")
    return "".join(parts)
