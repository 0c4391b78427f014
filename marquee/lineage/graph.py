"""A graph of names: what each is made of, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Edges = dict[str, list[str]]


class Graph:
    """Parents and children of names.

    Attributes:
        parents: by name; parents outside of the graph are left out.
        children: by name.
    """

    def __init__(self, parents: Mapping[str, Iterable[str]]) -> None:
        """Take the parents of each name."""
        self.parents: Edges = {
            name: [one for one in of_name if one in parents] for name, of_name in parents.items()
        }
        self.children: Edges = {name: [] for name in parents}
        for name, of_name in self.parents.items():
            for parent in of_name:
                self.children[parent].append(name)

    @property
    def isolated(self) -> list[str]:
        """The names without parents and without children."""
        return sorted(name for name in self.parents if not self.neighbors(name))

    def neighbors(self, name: str) -> set[str]:
        """Return parents and children of a name."""
        return {*self.parents[name], *self.children[name]}

    def ancestors(self, name: str) -> set[str]:
        """Return a name and all that it is made of."""
        return _reachable(name, self.parents)

    def descendants(self, name: str) -> set[str]:
        """Return a name and all that is made of it."""
        return _reachable(name, self.children)

    def related(self, name: str) -> set[str]:
        """Return ancestors and descendants of a name, itself included."""
        return self.ancestors(name) | self.descendants(name)

    def edges(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Return the pairs of parent and child among some names."""
        shown = set(names)
        return [
            (parent, name)
            for name in sorted(shown)
            for parent in self.parents[name]
            if parent in shown
        ]


def _reachable(name: str, edges: Edges) -> set[str]:
    found, left = {name}, [name]
    while left:
        new = set(edges[left.pop()]) - found
        found |= new
        left += new
    return found
