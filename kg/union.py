"""The triples of all graphs of a release together, as a set: in shards by subject.

All that is known of a subject anywhere stands in one shard, so shards are made, counted and
searched for labels in several processes at once, in an amount of memory that does not grow with the
graph.

Spec: docs/reference/release.md
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from kg.dumps import NQ, bits_of, bucket_of, part_path
from kg.labels import Row, Wording
from kg.manifest import GraphEntry, Part
from kg.parts import Crew, bucket_number, processors
from kg.tables import Tables, pack
from kg.void import Counts

_SHARD: Final = 65_536
_MOST_BITS: Final = 10
_TASK: Final = 50_000
"""Quads that are cut into shards at a time."""
_APART: Final = 200_000
"""Quads from which more than one process works."""


class Shard(msgspec.Struct, frozen=True):
    """What is known of some subjects.

    `text` is N-Triples, each triple once. `total` counts them, and `shared` those that may be
    handed on: the same object where all may. `labels` are in the order of the subjects, `rows` are
    those of flat tables, packed (`kg.tables`), of what may be handed on.
    """

    text: bytes
    total: Counts
    shared: Counts
    labels: list[Row]
    rows: bytes


class Piece(NamedTuple):
    """A part, with what is to be known of its graph."""

    part: Part
    graph: str
    private: bool


class _Cutter:
    """Makes shards in one process."""

    def __init__(
        self,
        folder: Path,
        place: Path,
        bits: int,
        base_iri: str,
        wording: Wording | None,
        private: bool,
        tables: bool,
    ) -> None:
        self._folder = folder
        self._place = place
        self._bits = bits
        self._base_iri = base_iri
        self._wording = wording
        self._private = private
        self._tables = tables

    def scatter(self, parts: Sequence[Piece]) -> None:
        """Cut the triples of some parts into files."""
        found: dict[tuple[int, bool], list[str]] = {}
        for part, graph, private in parts:
            for subject, lines in _runs(self._triples(part, graph)):
                shard = bucket_of(subject, self._bits), private
                found.setdefault(shard, []).extend(lines)
        for (number, private), lines in found.items():
            path = self._place / f"{number}.{int(private)}.{os.getpid()}"
            with path.open("ab") as file:
                file.write(("\n".join(lines) + "\n").encode())

    def gather(self, number: int, parts: Sequence[Piece]) -> Shard:
        """Return a shard: of what was cut before, and of parts that lie in it as a whole."""
        texts: dict[bool, list[str]] = {False: [], True: []}
        for part, graph, private in parts:
            texts[private].append(self._triples(part, graph))
        for path in sorted(self._place.glob(f"{number}.*")):
            # Lines of one subject may follow each other here though they are of two graphs.
            lines = sorted(set(path.read_bytes().decode().split("\n")[:-1]))
            texts[path.suffixes[0] == ".1"].append("\n".join([*lines, ""]))
            path.unlink()
        public = _merged(texts[False])
        shared = Counts(self._base_iri)
        every, total = public, shared
        tables = Tables(self._base_iri) if self._tables else None
        if self._private:
            for subject, lines in public.items():
                pairs = _pairs(subject, lines)
                shared.add(subject, pairs)
                if tables:
                    tables.add(subject, pairs)
            every = _merged([*texts[False], *texts[True]])
            total = Counts(self._base_iri)
        labels: list[Row] = []
        for subject in sorted(every):
            pairs = _pairs(subject, every[subject])
            total.add(subject, pairs)
            if tables and not self._private:
                tables.add(subject, pairs)
            if self._wording:
                labels += self._wording.rows(subject, pairs)
        text = "".join(["\n".join(lines) + "\n" for lines in every.values()])
        rows = pack(tables.rows) if tables else b""
        return Shard(text.encode(), total, shared, labels, rows)

    def _triples(self, part: Part, graph: str) -> str:
        """Return the lines of a part as N-Triples."""
        text = (self._folder / part_path(part, NQ)).read_bytes().decode()
        return text.replace(f" <{graph}> .\n", " .\n")


def _runs(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each subject with the lines in which it stands one after another."""
    before = ""
    run: list[str] = []
    for line in text.split("\n")[:-1]:
        if not line.startswith(before) or not run:
            if run:
                yield before[:-1], run
            before, run = line[: line.index(" ") + 1], []
        run.append(line)
    if run:
        yield before[:-1], run


def _merged(texts: Iterable[str]) -> dict[str, list[str]]:
    """Return the lines about each subject, sorted, each once.

    Args:
        texts: each with sorted lines, or with several such rows of lines of no common subject.
    """
    found: dict[str, list[str]] = {}
    several = set()
    for text in texts:
        for subject, run in _runs(text):
            there = found.setdefault(subject, run)
            if there is not run:
                there += run
                several.add(subject)
    for subject in several:
        found[subject] = sorted(set(found[subject]))
    return found


def _pairs(subject: str, lines: Iterable[str]) -> list[tuple[str, str]]:
    """Return predicates and objects of lines about a subject."""
    start = len(subject) + 1
    found = []
    for line in lines:
        end = line.index(" ", start)
        found.append((line[start:end], line[end + 1 : -2]))
    return found


_cutter: _Cutter | None = None
"""That of a process which does nothing else."""


def _begin(*arguments: Any) -> None:
    global _cutter
    _cutter = _Cutter(*arguments)


def _scatter(parts: Sequence[Piece]) -> None:
    assert _cutter is not None
    _cutter.scatter(parts)


def _gather(number: int, parts: Sequence[Piece]) -> Shard:
    assert _cutter is not None
    return _cutter.gather(number, parts)


def shards(
    folder: Path,
    parts: Iterable[Part],
    graphs: Iterable[GraphEntry],
    base_iri: str,
    *,
    wording: Wording | None = None,
    tables: bool = False,
    place: Path | None = None,
) -> Iterator[Shard]:
    """Yield the shards of the union of graphs, in the order of their numbers.

    Args:
        folder: that of the release.
        parts: those of all graphs.
        graphs: what they are parts of.
        base_iri: what our addresses begin with.
        wording: finds labels; without it there are none.
        tables: whether rows of flat tables are wanted.
        place: where files may be written until the end, by default in the folder.
    Raises:
        OSError: a part cannot be read, or a file written.
        ReleaseError: a process has been ended.
    """
    entries = {graph.key: graph for graph in graphs}
    quads = sum(graph.quads for graph in entries.values())
    bits = min(_MOST_BITS, max(0, (quads - 1) // _SHARD).bit_length())
    within: list[list[Piece]] = [[] for _ in range(1 << bits)]
    smaller: list[Piece] = []
    """Parts that have subjects of several shards."""
    for part in parts:
        graph = entries[part.graph]
        piece = Piece(part, graph.iri, graph.private)
        own = bits_of(graph.quads)
        if own >= bits:
            within[bucket_number(part, own) >> (own - bits)].append(piece)
        else:
            smaller.append(piece)
    private = any(graph.private for graph in entries.values())
    ready: list[Shard] = []

    def take(found: Shard | None) -> None:
        if found is not None:
            ready.append(found)

    with tempfile.TemporaryDirectory(prefix="union-", dir=place or folder) as name:
        arguments = (folder, Path(name), bits, base_iri, wording, private, tables)
        if quads < _APART or processors() < 2:
            here = _Cutter(*arguments)
            for some in _batches(smaller):
                here.scatter(some)
            for number, pieces in enumerate(within):
                yield here.gather(number, pieces)
            return
        with Crew(take, _begin, arguments) as crew:
            for some in _batches(smaller):
                crew.do(_scatter, some)
            crew.drain()
            for number, pieces in enumerate(within):
                crew.do(_gather, number, pieces)
                yield from ready
                ready.clear()
            crew.drain()
            yield from ready


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Yield pieces together, as many as are cut at a time."""
    held: list[Piece] = []
    quads = 0
    for piece in pieces:
        held.append(piece)
        quads += piece.part.quads
        if quads > _TASK:
            yield held
            held, quads = [], 0
    if held:
        yield held
