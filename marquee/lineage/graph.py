"""A graph of names, of tables or of columns: what each is made of, and what is made of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)


class Graph(Generic[Name]):
    """Parents and children of names.

    Attributes:
        parents: by name; parents outside of the graph are left out.
        children: by name.
    """

    def __init__(self, parents: Mapping[Name, Iterable[Name]]) -> None:
        """Take the parents of each name."""
        self.parents: dict[Name, list[Name]] = {
            name: [one for one in of_name if one in parents] for name, of_name in parents.items()
        }
        self.children: dict[Name, list[Name]] = {name: [] for name in parents}
        for name, of_name in self.parents.items():
            for parent in of_name:
                self.children[parent].append(name)

    @property
    def isolated(self) -> list[Name]:
        """The names without parents and without children."""
        return [name for name in self.parents if not self.neighbors(name)]

    def neighbors(self, name: Name) -> set[Name]:
        """Return parents and children of a name."""
        return {*self.parents[name], *self.children[name]}

    def ancestors(self, name: Name) -> set[Name]:
        """Return a name and all that it is made of."""
        return _reachable(name, self.parents)

    def descendants(self, name: Name) -> set[Name]:
        """Return a name and all that is made of it."""
        return _reachable(name, self.children)

    def related(self, name: Name) -> set[Name]:
        """Return ancestors and descendants of a name, itself included."""
        return self.ancestors(name) | self.descendants(name)

    def edges(self, names: Iterable[Name]) -> list[tuple[Name, Name]]:
        """Return the pairs of parent and child among some names, in the order of the children."""
        shown = set(names)
        return [
            (parent, name)
            for name, parents in self.parents.items()
            for parent in parents
            if name in shown and parent in shown
        ]


def _reachable(name: Name, edges: Mapping[Name, list[Name]]) -> set[Name]:
    found, left = {name}, [name]
    while left:
        new = set(edges[left.pop()]) - found
        found |= new
        left += new
    return found
