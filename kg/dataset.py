"""The quads of a build, as lines of N-Quads text in named graphs.

A line is `S P O G .` with single spaces and a line feed; the same quads are the same lines.

Spec: RDF 1.1 N-Quads, canonical form; docs/decisions/0005-determinism.md
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


class Dataset:
    """Named graphs of N-Quads lines; a quad that is added twice stands once."""

    def __init__(self) -> None:
        self._graphs: dict[str, set[str]] = {}

    def __len__(self) -> int:
        """Return the number of distinct quads."""
        return sum(map(len, self._graphs.values()))

    def add(self, graph: str, subject: str, predicate: str, value: str) -> None:
        """Add one quad; the terms are N-Quads text, `graph` is an IRI without brackets."""
        line = f"{subject} {predicate} {value} <{graph}> .\n"
        self._graphs.setdefault(graph, set()).add(line)

    def add_lines(self, graph: str, lines: Iterable[str]) -> None:
        """Add quads that are N-Quads lines of this graph already."""
        self._graphs.setdefault(graph, set()).update(lines)

    def update(self, other: "Dataset") -> None:
        """Add every quad of another dataset."""
        for graph, lines in other._graphs.items():
            self.add_lines(graph, lines)

    def graphs(self) -> list[str]:
        """Return the IRIs of the graphs, sorted."""
        return sorted(self._graphs)

    def lines(self, graph: str) -> list[str]:
        """Return the lines of a graph, sorted by code point, without duplicates."""
        return sorted(self._graphs.get(graph, ()))

    def sorted_graphs(self) -> Mapping[str, list[str]]:
        """Return the sorted lines of every graph, in the order of the graphs' IRIs."""
        return {graph: self.lines(graph) for graph in self.graphs()}

    def __iter__(self) -> Iterator[str]:
        """Yield every line, graph by graph, sorted."""
        for graph in self.graphs():
            yield from self.lines(graph)

    def store(self) -> Any:
        """Return a new in-memory pyoxigraph.Store that holds the quads."""
        import pyoxigraph

        store = pyoxigraph.Store()
        store.bulk_load(input="".join(self).encode(), format=pyoxigraph.RdfFormat.N_QUADS)
        return store
