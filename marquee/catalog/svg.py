"""Draws a placed graph as SVG: boxes that lead to pages, and lines between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from marquee.catalog.templates import TEMPLATES
from marquee.lineage.layout import Edge, place

LETTER_WIDTH = 7.3  # of the text of a box, in pixels; the style sheet sets its size
SMALL_LETTER_WIDTH = 6.2
PADDING = 14
BETWEEN = 56  # columns
MARGIN = 6


@dataclass(frozen=True)
class Box:
    """A node."""

    text: str
    over: str  # a smaller line over the text; empty for none
    layer: str  # gives the colour
    link: str
    hint: str = ""
    is_here: bool = False  # whether it is the subject of the picture


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
    return Markup(  # noqa: S704 - the template masks every text
        TEMPLATES.get_template("graph.html").render(
            title=title,
            boxes=[
                (box, placed.columns[name], placed.middles[name] - height / 2 + MARGIN)
                for name, box in boxes.items()
            ],
            edges=[
                (_edge_path(way, lefts, widths), names.index(start), names.index(end))
                for (start, end), way in placed.edge_paths.items()
            ],
            lefts=lefts,
            widths=widths,
            height=height,
            padding=PADDING,
            whole_width=lefts[-1] + widths[-1] + MARGIN,
            whole_height=placed.height + 2 * MARGIN,
        )
    )


def _width(box: Box) -> float:
    letters = max(len(box.text) * LETTER_WIDTH, len(box.over) * SMALL_LETTER_WIDTH)
    return letters + 2 * PADDING


def _edge_path(
    way: Sequence[tuple[int, float]], lefts: Sequence[float], widths: Sequence[float]
) -> str:
    """Draw a line that leaves and enters level, and passes the columns between straight."""
    column, y = way[0]
    x, y = lefts[column] + widths[column], y + MARGIN
    parts = [f"M{x:.0f} {y:.0f}"]
    for column, middle in way[1:]:
        left, height = lefts[column], middle + MARGIN
        half = (x + left) / 2
        parts.append(f"C{half:.0f} {y:.0f} {half:.0f} {height:.0f} {left:.0f} {height:.0f}")
        x, y = left, height
        if (column, middle) != way[-1]:
            x = left + widths[column]
            parts.append(f"H{x:.0f}")
    return "".join(parts)
