"""The pictures of the site: all tables, a table's neighbors, the lineage of a column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from markupsafe import Markup

from marquee.catalog.svg import Box, draw
from marquee.lineage.graph import Graph
from marquee.lineage.layout import Edge
from marquee.lineage.project import Table


class Lineage:
    """Draws where tables and columns come from and go to.

    Attributes:
        graph: of the tables.
        columns: the graph of their columns, each with the name of its table.
    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        """Take the tables."""
        self._tables = tables
        self.graph = Graph({name: table.parents for name, table in tables.items()})
        self.columns = Graph(
            {
                (table.name, column.name): column.parents
                for table in tables.values()
                for column in table.columns
            }
        )

    def of_all(self, link: Callable[[str], str]) -> Markup:
        """Draw all tables but the isolated ones."""
        shown = set(self._tables) - set(self.graph.isolated)
        return self._draw_tables(shown, "", "All tables", link)

    def of_neighbors(self, name: str, link: Callable[[str], str]) -> Markup:
        """Draw a table between those that it reads and those that read it."""
        edges = [(parent, name) for parent in self.graph.parents[name]]
        edges += [(name, child) for child in self.graph.children[name]]
        near = {name, *self.graph.neighbors(name)}
        return self._draw_tables(near, name, f"The neighbors of {name}", link, edges)

    def of_table(self, name: str, link: Callable[[str], str]) -> Markup:
        """Draw all that a table comes from and goes to."""
        return self._draw_tables(self.graph.related(name), name, f"All lineage of {name}", link)

    def of_column(self, table: str, column: str, link: Callable[[str, str], str]) -> Markup:
        """Draw all columns that a column comes from and goes to; nothing where there are none."""
        subject = table, column
        before, after = self.columns.ancestors(subject), self.columns.descendants(subject)
        if len(before | after) == 1:
            return Markup("")
        boxes = {
            ".".join(name): Box(
                name[1], name[0], self._tables[name[0]].layer, link(*name), is_here=name == subject
            )
            for name in sorted(before | after)
        }
        edges = [
            (".".join(start), ".".join(end))
            for start, end in [*self.columns.edges(before), *self.columns.edges(after)]
        ]
        return draw(boxes, edges, f"Where {'.'.join(subject)} comes from and goes to")

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
        return draw(boxes, self.graph.edges(boxes) if edges is None else edges, title)
