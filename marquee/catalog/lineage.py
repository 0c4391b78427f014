"""The pictures of the site: all tables, a table's neighbours, a column's way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from markupsafe import Markup

from marquee.catalog.layout import Edge
from marquee.catalog.project import ColumnName, Table
from marquee.catalog.svg import Box, draw

Graph = dict[str, list[str]]


class Lineage:
    """Where tables and columns come from and go to.

    Attributes:
        children: The tables that read each table.

    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        """Take the tables."""
        self._tables = tables
        self._parents: Graph = {name: list(table.parents) for name, table in tables.items()}
        self.children = _reversed(self._parents)
        columns = {
            _join(table.name, column.name): [_join(*parent) for parent in column.parents]
            for table in tables.values()
            for column in table.columns
        }
        self._origins: Graph = {
            name: [parent for parent in parents if parent in columns]
            for name, parents in columns.items()
        }
        self._uses = _reversed(self._origins)

    def origins(self, table: str, column: str) -> list[ColumnName]:
        """The columns that a column is made of."""
        return [_split(name) for name in self._origins[_join(table, column)]]

    def uses(self, table: str, column: str) -> list[ColumnName]:
        """The columns that are made of a column."""
        return [_split(name) for name in self._uses[_join(table, column)]]

    def of_all(self, link: Callable[[str], str]) -> Markup:
        """Draw all tables but those that stand isolated."""
        return self._draw_tables(set(self._tables) - set(self.isolated), "", "All tables", link)

    @property
    def isolated(self) -> list[str]:
        """The tables that are made of none and read by none."""
        return sorted(
            name
            for name, parents in self._parents.items()
            if not parents and not self.children[name]
        )

    def of_neighbours(self, name: str, link: Callable[[str], str]) -> Markup:
        """Draw a table between those that it reads and those that read it."""
        near = {name, *self._parents[name], *self.children[name]}
        edges = [(parent, name) for parent in self._parents[name]]
        edges += [(name, child) for child in self.children[name]]
        return self._draw_tables(near, name, f"The neighbours of {name}", link, edges)

    def of_table(self, name: str, link: Callable[[str], str]) -> Markup:
        """Draw all that a table comes from and goes to."""
        return self._draw_tables(self.related(name), name, f"All lineage of {name}", link)

    def related(self, name: str) -> set[str]:
        """All that a table comes from and goes to, itself included."""
        return _reachable(name, self._parents) | _reachable(name, self.children)

    def of_column(self, table: str, column: str, link: Callable[[str, str], str]) -> Markup:
        """Draw all columns that a column comes from and goes to; nothing where it is isolated."""
        subject = _join(table, column)
        before, after = _reachable(subject, self._origins), _reachable(subject, self._uses)
        if len(before | after) == 1:
            return Markup("")
        edges = [
            (parent, name)
            for side in (before, after)
            for name in side
            for parent in self._origins[name]
            if parent in side
        ]
        boxes = {}
        for name in sorted(before | after):
            own_table, own_column = _split(name)
            boxes[name] = Box(
                own_column,
                own_table,
                self._tables[own_table].layer,
                link(own_table, own_column),
                is_here=name == subject,
            )
        return draw(boxes, edges, f"Where {subject} comes from and goes to")

    def _draw_tables(
        self,
        names: Iterable[str],
        subject: str,
        title: str,
        link: Callable[[str], str],
        edges: list[Edge] | None = None,
    ) -> Markup:
        shown = set(names)
        boxes = {
            name: Box(
                table.name,
                "",
                table.layer,
                link(name),
                hint=table.summary,
                is_here=name == subject,
            )
            for name, table in self._tables.items()
            if name in shown
        }
        if edges is None:
            edges = [(p, child) for child in boxes for p in self._parents[child] if p in boxes]
        return draw(boxes, edges, title)


def _join(table: str, column: str) -> str:
    return f"{table}.{column}"


def _split(name: str) -> ColumnName:
    table, _, column = name.rpartition(".")
    return table, column


def _reversed(graph: Graph) -> Graph:
    found: Graph = {name: [] for name in graph}
    for name, others in graph.items():
        for other in others:
            found[other].append(name)
    return found


def _reachable(name: str, graph: Graph) -> set[str]:
    """All that can be reached from a node, itself included."""
    found, left = {name}, [name]
    while left:
        new = set(graph[left.pop()]) - found
        found |= new
        left += new
    return found
