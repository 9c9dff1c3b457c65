"""Fills the store of a release, and sees to it that it holds what the parts hold.

Spec: docs/reference/release.md
"""

from __future__ import annotations

import itertools
import os
import select
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self, cast

import msgspec

from kg.errors import ReleaseError
from kg.serialise import Pairs

if TYPE_CHECKING:
    import pyoxigraph

_BATCH: Final = 100_000
"""Quads that are loaded at a time where they are parsed here."""
_WAIT: Final = 1000
"""Milliseconds after which it is asked whether anybody still reads."""
_KNOWN: Final = 1 << 15
"""Literals that are remembered to be kept."""


def load(folder: Path, texts: Iterable[bytes], *, blank: bool) -> None:
    """Make a store in a folder that is not there, and load quads into it.

    Args:
        folder: its parent is there.
        texts: whole lines of N-Quads, of terms that were checked (`Keeps`); what names no graph
            goes into the default graph.
        blank: whether there may be blank nodes, whose labels are to be kept.
    Raises:
        OSError: the folder cannot be written.
        SyntaxError: a text is no N-Quads.
    """
    import pyoxigraph

    form = pyoxigraph.RdfFormat.N_QUADS
    store = pyoxigraph.Store(str(folder))
    if blank:  # loading a text would give them other labels
        quads = (quad for text in texts for quad in pyoxigraph.parse(text, format=form))
        while batch := list(itertools.islice(quads, _BATCH)):
            store.bulk_extend(batch)
    else:
        # What is loaded at once is sorted once, in a bounded amount of memory; of many texts, each
        # would be merged into those before. That IRIs were checked saves a tenth of the time.
        with _Pipe() as pipe, ThreadPoolExecutor(1) as thread:
            loading = thread.submit(store.bulk_load, path=pipe.path, format=form, lenient=True)
            pipe.write(texts, loading)
            loading.result()
    store.optimize()
    store.flush()
    del store  # closes its files
    # The engine's own log names paths and the host, and nothing reads it.
    (folder / "LOG").write_bytes(b"")


class _Pipe:
    """Bytes that another thread reads from a file, without waiting for Python."""

    def __enter__(self) -> Self:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self.path = f"/dev/fd/{self._reading}"
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        os.close(self._reading)

    def _end(self) -> None:
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1

    def write(self, texts: Iterable[bytes], reading: Future[None]) -> None:
        """Write all texts and an end, or stop when nobody reads any more."""
        ready = select.poll()
        ready.register(self._writing, select.POLLOUT)
        try:
            for text in texts:
                left = memoryview(text)
                while left:
                    if ready.poll(_WAIT):
                        left = left[os.write(self._writing, left) :]
                    elif reading.done():
                        return
        finally:
            self._end()


class Keeps:
    """Tells whether a store keeps terms as they are written; remembers some of what it keeps."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def check(self, text: str, found: Mapping[str, Pairs]) -> None:
        """See to it that lines are what a store returns of them.

        The parser must read every line as it is written. A store keeps IRIs and texts as they were
        read, but it may rewrite what has a datatype, so each of these values goes through one.

        Args:
            text: lines of N-Quads.
            found: predicates and objects of the same lines by their subjects.
        Raises:
            ReleaseError: a line is no N-Quads, or would be changed.
        """
        import pyoxigraph as ox

        form = ox.RdfFormat.N_QUADS
        data = text.encode()
        try:
            read = ox.serialize(ox.parse(data, form), format=form)
        except SyntaxError as error:
            raise ReleaseError("a line is not N-Quads", seen=str(error)) from error
        if read != data:
            raise _changed(_first_difference(data, read or b""))
        typed = {
            o for pairs in found.values() for _, o in pairs if o[-1] == ">" and o[0] == '"'
        } - self._known
        if not typed:
            return
        tokens = sorted(typed)
        store = ox.Store()
        lines = "".join(f"<x:{n}> <x:p> {token} .\n" for n, token in enumerate(tokens))
        store.load(lines, ox.RdfFormat.N_TRIPLES)
        kept = {str(quad.object) for quad in store}
        for token in tokens:
            if token not in kept:
                raise _changed(next(line for line in text.split("\n") if f" {token} <" in line))
        if len(self._known) > _KNOWN:
            self._known.clear()
        self._known |= typed


def _first_difference(data: bytes, other: bytes) -> str:
    lines = zip(data.split(b"\n"), other.split(b"\n"), strict=False)
    return next((line.decode() for line, read in lines if line != read), "")


def _changed(line: str) -> ReleaseError:
    return ReleaseError(
        "the store does not return this line unchanged",
        seen=line,
        hint="the mapping must emit only what the store returns unchanged",
    )


class Change(msgspec.Struct, frozen=True):
    """The quads of one graph that go and come, as N-Quads lines with line feeds.

    What goes is there, and what comes is not.
    """

    removed: frozenset[str]
    added: frozenset[str]


class Delta(msgspec.Struct, frozen=True):
    """What a change means to the union of all graphs: triples and subjects that go and come.

    Terms are tokens of N-Triples. `subjects` are all of which anything has changed.
    """

    removed: list[tuple[str, str, str]]
    added: list[tuple[str, str, str]]
    gone: set[str]
    new: set[str]
    subjects: set[str]


def extend_store(
    old: Path, new: Path, changes: Mapping[str, Change]
) -> tuple[pyoxigraph.Store, Delta]:
    """Return the store that another one becomes by some changes, open to be read; what changed.

    Files that do not change are shared with the other store, which is not touched.

    Args:
        old: the folder of the other store.
        new: that of the store, which is not there.
        changes: by the IRI of the graph; without blank nodes.
    Raises:
        OSError: a folder cannot be read or written.
        ReleaseError: a line is no quad, or would not come back as it is.
    """
    import pyoxigraph as ox

    new.mkdir()
    for path in old.iterdir():
        if path.suffix == ".sst":  # never written to
            os.link(path, new / path.name)
        else:
            shutil.copyfile(path, new / path.name)
    store = ox.Store(str(new))
    removed = [quad for one in changes.values() for quad in _quads(one.removed)]
    added = [quad for one in changes.values() for quad in _quads(one.added)]
    default = ox.DefaultGraph()
    subjects = {str(quad.subject) for quad in (*removed, *added)}
    there = {subject for subject in subjects if _known(store, subject)}
    for quad in removed:
        store.remove(quad)
    store.extend(added)
    gone, came = [], []
    for triple in {quad.triple for quad in (*removed, *added)}:
        s, p, o = triple.subject, triple.predicate, triple.object
        graphs = {quad.graph_name for quad in store.quads_for_pattern(s, p, o, None)}
        if graphs == {default}:
            gone.append(triple)
        elif graphs and default not in graphs:
            came.append(triple)
    for triple in gone:
        store.remove(ox.Quad(triple.subject, triple.predicate, triple.object, default))
    store.extend(ox.Quad(one.subject, one.predicate, one.object, default) for one in came)
    store.flush()
    left = {subject for subject in subjects if _known(store, subject)}
    del store
    for log in new.glob("LOG*"):  # the engine's own log names paths and the host
        log.unlink() if log.name != "LOG" else log.write_bytes(b"")
    opened = ox.Store.read_only(str(new))
    for change in changes.values():
        for line in change.added:
            if not _has(opened, line.rstrip("\n").encode()):
                raise _changed(line.rstrip("\n"))
    delta = Delta(
        removed=[_tokens(triple) for triple in gone],
        added=[_tokens(triple) for triple in came],
        gone=there - left,
        new=left - there,
        subjects=subjects,
    )
    return opened, delta


def pairs_of(store: pyoxigraph.Store, subject: str) -> Pairs:
    """Return what a store says of a subject in all graphs together, sorted, each once.

    Args:
        store: that of a release.
        subject: an IRI as an N-Triples token.
    """
    import pyoxigraph as ox

    node, default = ox.NamedNode(subject[1:-1]), ox.DefaultGraph()
    quads = store.quads_for_pattern(node, None, None, default)
    return sorted((str(quad.predicate), str(quad.object)) for quad in quads)


def _quads(lines: Iterable[str]) -> Iterator[pyoxigraph.Quad]:
    import pyoxigraph as ox

    try:
        for quad in ox.parse("".join(lines).encode(), format=ox.RdfFormat.N_QUADS):
            if any(isinstance(term, ox.BlankNode) for term in (quad.subject, quad.object)):
                raise ReleaseError("a blank node cannot be published", seen=str(quad))
            yield quad
    except SyntaxError as error:
        raise ReleaseError("a line is not N-Quads", seen=str(error)) from error


def _known(store: pyoxigraph.Store, subject: str) -> bool:
    """Return whether a store says anything of a subject, an IRI."""
    import pyoxigraph as ox

    node = ox.NamedNode(subject[1:-1])
    found = store.quads_for_pattern(node, None, None, ox.DefaultGraph())
    return next(iter(found), None) is not None


def _tokens(triple: pyoxigraph.Triple) -> tuple[str, str, str]:
    return str(triple.subject), str(triple.predicate), str(triple.object)


class Sum:
    """A sum over lines that does not depend on their order; takes what a file would take.

    It is compared within one process only, whose hashes nobody outside can foresee.
    """

    def __init__(self) -> None:
        self.count = 0
        self.value = 0
        self.ending = b""
        """What stands at the end of each line in place of its full stop."""
        self._rest = b""

    def write(self, data: bytes) -> int:
        """Take some more bytes, with lines that may begin or end elsewhere."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if self.ending:
            lines = [line.removesuffix(b" .") + self.ending for line in lines]
        self.value += sum(map(hash, lines))
        self.count += len(lines)
        return len(data)

    def flush(self) -> None:
        """Do nothing: there is nothing to write."""


def difference(folder: Path, parts: Sequence[Path], written: Sum, distinct: Sum) -> str:
    """Return what the store and the lines of the parts differ in, or nothing.

    The store holds the quads of the parts, and in its default graph each of their triples once.

    Args:
        folder: that of the store.
        parts: the N-Quads files.
        written: the sum of their lines.
        distinct: the sum of their distinct triples, as N-Triples.
    Raises:
        OSError: the store cannot be read.
    """
    import pyoxigraph

    opened = pyoxigraph.Store.read_only(str(folder))
    triples = pyoxigraph.RdfFormat.N_TRIPLES
    stored, union = Sum(), Sum()
    for graph in opened.named_graphs():
        stored.ending = f" {graph} .".encode()
        opened.dump(cast("IO[bytes]", stored), triples, from_graph=graph)
    opened.dump(cast("IO[bytes]", union), triples, from_graph=pyoxigraph.DefaultGraph())
    if (stored.count, stored.value) == (written.count, written.value):
        if (union.count, union.value) == (distinct.count, distinct.value):
            return ""
        return f"the union holds {union.count} triples, the parts hold {distinct.count}"
    for part in parts:
        for line in part.read_bytes().split(b"\n")[:-1]:
            if not _has(opened, line):
                text = line.decode(errors="replace")
                return f"the store does not return this line of {part.name} unchanged: {text}"
    return f"the store holds {stored.count} quads, the parts hold {written.count}"


def miscount(folder: Path, graphs: Mapping[str, int], properties: Mapping[str, int]) -> str:
    """Return where a store holds another number of statements than it should, or nothing.

    Of lines that were checked (`Keeps`) it can then hold no others than these. This takes a
    twentieth of the time of `difference`, which reads every term.

    Args:
        folder: that of the store.
        graphs: how many quads each named graph has.
        properties: how many triples the default graph has of each property.
    Raises:
        OSError: the store cannot be read.
    """
    import pyoxigraph

    store = pyoxigraph.Store.read_only(str(folder))
    for what, pattern, expected in (
        ("graph", "GRAPH ?key { ?s ?p ?o }", graphs),
        ("property", "?s ?key ?o", properties),
    ):
        found = store.query(f"SELECT ?key (COUNT(*) AS ?n) {{ {pattern} }} GROUP BY ?key")
        assert isinstance(found, pyoxigraph.QuerySolutions)
        counts = {str(row["key"])[1:-1]: int(row["n"].value) for row in found}
        for key in sorted(counts.keys() | expected.keys()):
            if counts.get(key, 0) != expected.get(key, 0):
                return (
                    f"of the {what} <{key}> the store holds {counts.get(key, 0)} statements, "
                    f"the parts hold {expected.get(key, 0)}"
                )
    return ""


def _has(store: pyoxigraph.Store, line: bytes) -> bool:
    """Return whether a store returns a line of N-Quads as it is."""
    import pyoxigraph

    try:
        [quad] = pyoxigraph.parse(line, format=pyoxigraph.RdfFormat.N_QUADS)
    except (SyntaxError, ValueError):
        return False
    found = store.quads_for_pattern(quad.subject, quad.predicate, quad.object, quad.graph_name)
    return any(f"{one} .".encode() == line for one in found)
