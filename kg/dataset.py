"""The quads of a build, as lines of N-Quads text in named graphs.

A line is `S P O G .` with single spaces and a line feed; the same quads are the same lines. Of many
lines most wait in files, sorted, until they are asked for.

Spec: RDF 1.1 N-Quads, canonical form; docs/decisions/0005-determinism.md
"""

from __future__ import annotations

import heapq
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any, Final

import msgspec

HELD: Final = 400_000
"""Lines that are held in memory."""
_BATCH: Final = 500_000


class _Run(msgspec.Struct, frozen=True):
    """Sorted lines of some graphs in one file: where those of each begin, and their bytes."""

    path: Path
    graphs: dict[str, tuple[int, int]]


class Dataset:
    """Named graphs of N-Quads lines; a quad that is added twice stands once.

    Args:
        held: how many lines are held in memory; further ones wait in files, which go with this.
    """

    def __init__(self, held: int = HELD) -> None:
        self._most = held
        self._graphs: dict[str, set[str]] = {}
        self._added = 0
        self._runs: list[_Run] = []
        self._place: tempfile.TemporaryDirectory[str] | None = None

    def __len__(self) -> int:
        """Return the number of distinct quads."""
        if not self._runs:
            return sum(map(len, self._graphs.values()))
        return sum(sum(1 for _ in self.lines(graph)) for graph in self.graphs())

    def add(self, graph: str, subject: str, predicate: str, value: str) -> None:
        """Add one quad; the terms are N-Quads text, `graph` is an IRI without brackets."""
        line = f"{subject} {predicate} {value} <{graph}> .\n"
        self._graphs.setdefault(graph, set()).add(line)
        self._added += 1
        if self._added > self._most:
            self._put_away()

    def add_lines(self, graph: str, lines: Iterable[str]) -> None:
        """Add quads that are N-Quads lines of this graph already."""
        rest = iter(lines)
        while some := list(itertools.islice(rest, _BATCH)):
            self._graphs.setdefault(graph, set()).update(some)
            self._added += len(some)
            if self._added > self._most:
                self._put_away()

    def update(self, other: Dataset) -> None:
        """Add every quad of another dataset."""
        for graph in other.graphs():
            self.add_lines(graph, other.lines(graph))

    def without(self, lines: Set[str]) -> Dataset:
        """Return a dataset of all quads but those of some lines."""
        left = Dataset(self._most)
        for graph in self.graphs():
            left.add_lines(graph, (line for line in self.lines(graph) if line not in lines))
        return left

    def _put_away(self) -> None:
        """Write what is held to a file, if it is as much as was added."""
        self._added = sum(map(len, self._graphs.values()))
        if self._added <= self._most // 2:
            return
        if self._place is None:
            self._place = tempfile.TemporaryDirectory(prefix="kg-quads-")
        path = Path(self._place.name) / f"{len(self._runs)}.nq"
        index: dict[str, tuple[int, int]] = {}
        with path.open("wb") as file:
            for graph in sorted(self._graphs):
                start = file.tell()
                file.writelines(line.encode() for line in sorted(self._graphs[graph]))
                index[graph] = (start, file.tell() - start)
        self._runs.append(_Run(path, index))
        self._graphs, self._added = {}, 0

    def graphs(self) -> list[str]:
        """Return the IRIs of the graphs, sorted."""
        return sorted(set(self._graphs).union(*(run.graphs for run in self._runs)))

    def lines(self, graph: str) -> Iterator[str]:
        """Yield the lines of a graph, sorted by code point, without duplicates."""
        runs: list[Iterable[str]] = [
            _read(run.path, *run.graphs[graph]) for run in self._runs if graph in run.graphs
        ]
        if held := self._graphs.get(graph):
            runs.append(sorted(held))
        merged = heapq.merge(*runs) if len(runs) > 1 else iter(runs[0] if runs else ())
        before = ""
        for line in merged:
            if line != before:
                yield line
            before = line

    def sorted_graphs(self) -> Mapping[str, Iterable[str]]:
        """Return the sorted lines of every graph, in the order of the graphs' IRIs."""
        return {graph: _Lines(self, graph) for graph in self.graphs()}

    def __iter__(self) -> Iterator[str]:
        """Yield every line, graph by graph, sorted."""
        for graph in self.graphs():
            yield from self.lines(graph)

    def store(self) -> Any:
        """Return a new pyoxigraph.Store that holds the quads: in memory, or on disk if many."""
        import pyoxigraph

        if not self._runs:
            store = pyoxigraph.Store()
            store.bulk_load(input="".join(self).encode(), format=pyoxigraph.RdfFormat.N_QUADS)
            return store
        assert self._place is not None
        store = pyoxigraph.Store(tempfile.mkdtemp(prefix="store-", dir=self._place.name))
        lines = iter(self)
        while batch := "".join(itertools.islice(lines, _BATCH)):
            store.bulk_load(input=batch.encode(), format=pyoxigraph.RdfFormat.N_QUADS)
        return store


class _Lines:
    """The lines of a graph, sorted; may be read more than once."""

    def __init__(self, dataset: Dataset, graph: str) -> None:
        self._dataset = dataset
        self._graph = graph

    def __iter__(self) -> Iterator[str]:
        return self._dataset.lines(self._graph)


def _read(path: Path, start: int, length: int) -> Iterator[str]:
    """Yield the lines of a part of a file, with no file open in between."""
    rest = b""
    while length:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(min(length, 1 << 20))
        start += len(data)
        length -= len(data)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield f"{line.decode()}\n"
