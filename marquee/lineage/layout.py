"""Places the nodes of a graph in columns from left to right, with few crossings.

The usual four steps for layered graphs (Sugiyama, Tagawa, Toda 1981): each node a column by its
longest way from a source; long edges cut into pieces, one a column; the order in a column by the
mean place of the neighbors; heights as near to the neighbors as the gaps allow (isotonic
regression). Nothing is random: the same graph gives the same picture.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from statistics import fmean

from marquee.lineage.graph import Graph

SWEEPS = 6
GAP = 14.0
GAP_OF_BENDS = 8.0

# A node's name, or a place where an edge passes a column.
Name = str
Edge = tuple[Name, Name]
Neighbors = defaultdict[Name, list[Name]]


@dataclass(frozen=True)
class Layout:
    """A graph with places."""

    columns: Mapping[Name, int]  # of each node, from 0
    middles: Mapping[Name, float]  # the height of each node's middle
    edge_paths: Mapping[Edge, Sequence[tuple[int, float]]]  # (column, height), both ends included
    height: float  # of the whole


def place(nodes: Sequence[Name], edges: Iterable[Edge], node_height: float) -> Layout:
    """Place a graph without cycles.

    Args:
        nodes: Names, in an order that settles draws.
        edges: From left to right; both ends are among the nodes.
        node_height: The same for all.
    """
    edges = sorted(set(edges))
    columns = _columns(nodes, edges)
    chains = {edge: _chain(edge, columns) for edge in edges}
    levels: list[list[Name]] = [[] for _ in range(max(columns.values(), default=-1) + 1)]
    for node in nodes:
        levels[columns[node]].append(node)
    for (start, _), chain in chains.items():
        for step, bend in enumerate(chain[1:-1], 1):
            levels[columns[start] + step].append(bend)
    left: Neighbors = defaultdict(list)
    right: Neighbors = defaultdict(list)
    for chain in chains.values():
        for one, other in pairwise(chain):
            right[one].append(other)
            left[other].append(one)
    _order(levels, left, right)
    middles = _heights(levels, left, right, set(nodes), node_height)
    return Layout(
        columns,
        {node: middles[node] for node in nodes},
        {
            edge: [(columns[edge[0]] + step, middles[name]) for step, name in enumerate(chain)]
            for edge, chain in chains.items()
        },
        max(middles.values(), default=0.0) + node_height / 2,
    )


def _columns(nodes: Sequence[Name], edges: Sequence[Edge]) -> dict[Name, int]:
    """The longest way from a source; a source stands beside the first that reads it."""
    parents: dict[Name, list[Name]] = {node: [] for node in nodes}
    for start, end in edges:
        parents[end].append(start)
    children = Graph(parents).children
    depths: dict[Name, int] = {}
    for node in TopologicalSorter(parents).static_order():
        depths[node] = 1 + max((depths[parent] for parent in parents[node]), default=-1)
    for node in nodes:
        if not parents[node] and children[node]:
            depths[node] = min(depths[child] for child in children[node]) - 1
    return depths


def _chain(edge: Edge, columns: Mapping[Name, int]) -> list[Name]:
    """The edge's start, its bends, its end."""
    start, end = edge
    count = columns[end] - columns[start] - 1
    return [start, *(f"{start} -> {end} {step}" for step in range(count)), end]


def _order(levels: list[list[Name]], left: Neighbors, right: Neighbors) -> None:
    """Order each column by its neighbors, to and fro; keep the order with fewest crossings."""
    best, fewest = [list(level) for level in levels], _crossings(levels, right)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        neighbors, in_turn = (right, levels[::-1]) if sweep % 2 else (left, levels)
        for beside, level in pairwise(in_turn):
            rank = {name: place for place, name in enumerate(beside)}
            wishes = {
                name: fmean([rank[one] for one in neighbors[name]] or [place])
                for place, name in enumerate(level)
            }
            level.sort(key=wishes.__getitem__)
        count = _crossings(levels, right)
        if count < fewest:
            best, fewest = [list(level) for level in levels], count
    levels[:] = best


def _crossings(levels: Sequence[Sequence[Name]], right: Neighbors) -> int:
    """Count the crossings between neighboring columns."""
    total = 0
    for level, following in pairwise(levels):
        rank = {name: place for place, name in enumerate(following)}
        passed: list[int] = []
        for name in level:
            ends = sorted(rank[one] for one in right[name])
            total += sum(1 for end in ends for other in passed if other > end)
            passed += ends
    return total


def _heights(
    levels: Sequence[Sequence[Name]],
    left: Neighbors,
    right: Neighbors,
    nodes: set[Name],
    node_height: float,
) -> dict[Name, float]:
    """Heights that keep the order and the gaps, each as near to its neighbors as that allows."""

    def half(name: Name) -> float:
        return (node_height + GAP) / 2 if name in nodes else GAP_OF_BENDS / 2

    offsets: list[list[float]] = []
    middles: dict[Name, float] = {}
    for level in levels:
        at, own = 0.0, []
        for name in level:
            at += half(name)
            own.append(at)
            at += half(name)
        offsets.append(own)
        middles.update(zip(level, own, strict=True))
    for sweep in range(SWEEPS):
        neighbors, step = (right, -1) if sweep % 2 else (left, 1)
        for level, own in list(zip(levels, offsets, strict=True))[::step]:
            wishes = [
                fmean(middles[one] for one in neighbors[name] or [name]) - offset
                for name, offset in zip(level, own, strict=True)
            ]
            for name, shift, offset in zip(level, _rising(wishes), own, strict=True):
                middles[name] = shift + offset
    top = min((middles[name] - half(name) for name in middles), default=0.0)
    return {name: middle - top for name, middle in middles.items()}


def _rising(values: Sequence[float]) -> list[float]:
    """The nearest sequence (least squares) that never falls: isotonic regression."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        block = (value, 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, count = blocks.pop()
            total = count + block[1]
            block = ((mean * count + block[0] * block[1]) / total, total)
        blocks.append(block)
    return [mean for mean, count in blocks for _ in range(count)]
