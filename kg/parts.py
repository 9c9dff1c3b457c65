"""Cuts graphs into parts and writes the files of each.

A graph that is large is cut by the hashes of its subjects, so that a change touches a file of some
thousand statements and not of millions. All that is known of a subject in a graph stands in one
part: graphs are worked on piece by piece, in an amount of memory that does not grow with them.

Spec: docs/reference/release.md, "Parts"
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import multiprocessing
import operator
import os
import re
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Generic, Protocol, Self, TypeVar, runtime_checkable

import msgspec
import zstandard

from kg.bounded import end_with_parent
from kg.dumps import (
    FOLDER,
    MEMBERS,
    NQ,
    PACK,
    PACKINGS,
    bits_of,
    bucket_of,
    part_path,
    split,
)
from kg.errors import ReleaseError
from kg.load import Keeps
from kg.manifest import Member, Part
from kg.serialise import Nodes, Pairs, Prefixes, by_line, namespaces, subjects
from kg.vocab import graph_iri

_HELD: Final = 1 << 25
"""Bytes of lines that are held before they are written to files."""
_LEVELS: Final = {"gzip": 6, "zstd": 6}
_APART: Final = 200_000
"""Quads from which more than one process writes."""
_CHECKED: Final = 10_000
"""Lines that are looked at together."""

_SEPARATOR: Final = ",\n"


def key_of(base_iri: str, iri: str) -> str:
    """Return what the files of a graph are called: the key of its address, or 16 hex digits."""
    key = iri.removeprefix(graph_iri(base_iri, ""))
    if re.fullmatch("[a-z0-9-]{1,150}", key):
        return key
    return hashlib.sha256(iri.encode()).hexdigest()[:16]


@runtime_checkable
class Cut(Protocol):
    """A graph that is cut and sorted already, whose lines need not come through one process.

    It can be pickled, and is small when it is: every part is asked for in the process that writes
    it, perhaps at the same time as others.
    """

    @property
    def quads(self) -> int:
        """Return the number of its quads."""

    def text(self, bits: int, number: int) -> str:
        """Return its N-Quads lines whose subjects have `kg.dumps.bucket_of(subject, bits)` number.

        They are canonical, sorted by code point, each once and with its line feed; there may be
        none.

        Args:
            bits: `kg.dumps.bits_of(self.quads)`.
            number: from 0 on, less than two to the power of `bits`.
        """


def bucket_label(number: int, bits: int) -> str:
    """Return what names a bucket in the names of parts: nothing where a graph is not cut."""
    return f"{number:0{(bits + 3) // 4}x}" if bits else ""


def bucket_number(part: Part, bits: int) -> int:
    """Return the number of the bucket that a part is, of a graph that is cut by so many bits."""
    return int(part.name[len(part.graph) + 1 :].partition(".")[0], 16) if bits else 0


class Form(msgspec.Struct, frozen=True):
    """What the files of parts depend on besides their lines. `context` is that of JSON-LD."""

    base_iri: str
    imported: bool
    context: Mapping[str, object]


def pack(data: bytes, packing: str) -> bytes:
    """Return a member that can stand beside others: equal bytes give equal bytes.

    Args:
        data: what is packed.
        packing: one of `kg.dumps.PACKINGS`.
    """
    if packing == ".gz":
        return gzip.compress(data, _LEVELS["gzip"], mtime=0)
    if packing == ".zst":
        return _zstandard().compress(data)
    return data


@cache
def _zstandard() -> zstandard.ZstdCompressor:
    """Return what packs; to make it takes as long as to pack a part. For one thread at a time."""
    return zstandard.ZstdCompressor(level=_LEVELS["zstd"], write_checksum=True)


def write_ends(folder: Path, form: Form) -> None:
    """Write the heads and feet of the dumps of a release.

    Raises:
        OSError: a file cannot be written.
    """
    header = Prefixes(namespaces(form.base_iri, imported=form.imported)).header
    ends = {
        "head.nq": "",
        "head.ttl": f"{header}\n",
        "head.jsonld": f'{{"@context": {by_line(form.context)},\n"@graph": [\n',
        "foot.jsonld": "\n]}\n",
    }
    for name, text in ends.items():
        for packing in PACKINGS:
            (folder / FOLDER / (name + packing)).write_bytes(pack(text.encode(), packing))


class _Writer:
    """Writes the files of parts; what they have in common is made once."""

    def __init__(self, folder: Path, form: Form) -> None:
        self._folder = folder
        self._blank = form.imported
        self._prefixes = Prefixes(namespaces(form.base_iri, imported=form.imported))
        self._nodes = Nodes(form.context)
        self._keeps = Keeps()

    def cut(self, source: Cut, graph: str, key: str, bits: int, number: int) -> Part | None:
        """Write the files of one part of a graph that is cut already, if there is anything in it.

        Raises:
            ReleaseError: its lines are not what a part has, or a term cannot be written.
            OSError: a file cannot be written.
        """
        text = source.text(bits, number)
        if not text:
            return None
        lines = text.split("\n")
        wrong = lines.pop() or _out_of_order("", lines, f" <{graph}> .")
        subjects = dict.fromkeys(line.partition(" ")[0] for line in lines)
        wrong = wrong or next((one for one in subjects if bucket_of(one, bits) != number), "")
        if wrong:
            raise ReleaseError(
                "a line is out of order, in the wrong graph or in the wrong bucket",
                where=f"graph <{graph}>, bucket {number} of {1 << bits}",
                seen=wrong,
                expected=f"sorted lines of the bucket that end in <{graph}> .",
            )
        return self.write(graph, key, bucket_label(number, bits), text)

    def write(self, graph: str, key: str, bucket: str, text: str) -> Part:
        """Write the files of one part.

        Args:
            graph, key: IRI and key of the graph.
            bucket: what tells this part from others of the graph, or nothing.
            text: its lines, sorted.
        Raises:
            ReleaseError: a term cannot be written.
            OSError: a file cannot be written.
        """
        end = -len(f" <{graph}> .")
        lines = text.split("\n")
        lines.pop()
        found: dict[str, Pairs] = {}
        for subject, pairs in subjects((line[:end] for line in lines), blank=self._blank):
            found[subject] = pairs
        self._keeps.check(text, found)
        turtle = "".join([self._prefixes.block(*one) for one in found.items()])
        pieces = {
            ".nq": ("", text, ""),
            ".trig": (f"{self._prefixes.turtle(f'<{graph}>')} {{\n", turtle, "}\n"),
            ".jsonld": (_SEPARATOR, _SEPARATOR.join(self._nodes.framed(found)), ""),
        }
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        members: list[Member] = []
        data: list[bytes] = []
        for suffix in MEMBERS:
            form, packing = split(suffix)
            packed = [pack(piece.encode(), packing) if piece else b"" for piece in pieces[form]]
            start = len(packed[0])
            data.append(b"".join(packed))
            members.append(Member(len(data[-1]), start, start + len(packed[1])))
        others = b"".join(data[1:])
        part = Part(
            graph=key,
            name=".".join(piece for piece in (key, bucket, sha256[:16]) if piece),
            quads=len(lines),
            nq_sha256=sha256,
            pack_sha256=hashlib.sha256(others).hexdigest(),
            members=tuple(members),
        )
        for suffix, content in ((NQ, data[0]), (PACK, others)):
            path = self._folder / part_path(part, suffix)
            path.unlink(missing_ok=True)  # it may be the file of another release
            path.write_bytes(content)
        return part


_writer: _Writer | None = None
"""That of a process which does nothing else."""


def _begin(folder: Path, form: Form) -> None:
    global _writer
    _writer = _Writer(folder, form)


def _write(graph: str, key: str, bucket: str, text: str) -> Part:
    assert _writer is not None
    return _writer.write(graph, key, bucket, text)


def _cut(source: Cut, graph: str, key: str, bits: int, number: int) -> Part | None:
    assert _writer is not None
    return _writer.cut(source, graph, key, bits, number)


_T = TypeVar("_T")


class Crew(Generic[_T]):
    """Processes that work beside this one; what they return is taken in the order of the tasks.

    They are started with the first task, and end with this process.

    Args:
        take: called with what each task returned.
        begin: called in each process before its first task.
        arguments: of `begin`.
    """

    def __init__(
        self, take: Callable[[_T], None], begin: Callable[..., None], arguments: tuple[Any, ...]
    ) -> None:
        self._take = take
        self._begin = begin, arguments
        self._pool: ProcessPoolExecutor | None = None
        self._pending: deque[Future[_T]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.drain()
        finally:
            if self._pool:
                self._pool.shutdown(cancel_futures=True)

    def do(self, task: Callable[..., _T], *arguments: object) -> None:
        """Let a process do a task, once few enough wait.

        Raises:
            ReleaseError: a process has been ended; what a task raises is raised as well.
        """
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                min(_MOST_PROCESSES, processors()),
                multiprocessing.get_context("spawn"),
                _begin_with_parent,
                self._begin,
            )
        try:
            self._pending.append(self._pool.submit(task, *arguments))
        except BrokenProcessPool as error:
            raise _ended() from error
        self.drain(2 * processors())

    def drain(self, leave: int = 0) -> None:
        """Take what tasks return until only so many wait.

        Raises:
            ReleaseError: a process has been ended; what a task raises is raised as well.
        """
        while len(self._pending) > leave:
            try:
                found = self._pending.popleft().result()
            except BrokenProcessPool as error:
                raise _ended() from error
            self._take(found)


_MOST_PROCESSES: Final = 4


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


def _begin_with_parent(begin: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    end_with_parent()
    begin(*arguments)


def _ended() -> ReleaseError:
    return ReleaseError(
        "a process that wrote parts of the release has been ended",
        hint="it may have been short of memory; try again with more",
    )


class Parts:
    """Cuts graphs and writes their parts, in several processes once there is much to do.

    Args:
        folder: that of the release; `parts` is there.
        form: what the files depend on.
        each: called with each part, in the order in which they were added.
    """

    def __init__(self, folder: Path, form: Form, each: Callable[[Part], None]) -> None:
        self._folder = folder
        self._form = form
        self._each = each
        self._here = _Writer(folder, form)
        self._crew: Crew[Part | None] = Crew(self._take, _begin, (folder, form))
        self._quads = 0
        self._written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._crew.__exit__(kind)

    def add(self, iri: str, lines: Iterable[str] | Cut) -> int:
        """Write the parts of a graph; return the number of its quads. No lines are no part.

        Raises:
            ReleaseError: a line is out of order, in the wrong graph or in the wrong bucket, a term
                cannot be written, or a store would not return it.
            OSError: a file cannot be written.
        """
        key = key_of(self._form.base_iri, iri)
        if isinstance(lines, Cut):
            return self._add_cut(iri, key, lines)
        end = f" <{iri}> .\n"
        with _Lines(self._folder) as spool:
            before = ""
            found = iter(lines)
            while some := list(itertools.islice(found, _CHECKED)):
                if wrong := _out_of_order(before, some, end):
                    raise ReleaseError(
                        "a line is out of order or in the wrong graph",
                        where=f"graph <{iri}>",
                        seen=wrong.rstrip("\n"),
                        expected=f"a line that sorts after the one before and ends in{end[:-1]}",
                    )
                spool.add(some)
                before = some[-1]
            bits = bits_of(spool.count)
            for number, text in spool.cut(bits):
                self._quads += text.count("\n")
                self._do(_write, self._here.write, iri, key, bucket_label(number, bits), text)
            return spool.count

    def _add_cut(self, iri: str, key: str, source: Cut) -> int:
        """Write the parts of a graph that is cut already; return the number of its quads."""
        self._crew.drain()
        before = self._written
        self._quads += source.quads
        bits = bits_of(source.quads)
        for number in range(1 << bits):
            self._do(_cut, self._here.cut, source, iri, key, bits, number)
        self._crew.drain()
        if self._written - before != source.quads:
            raise ReleaseError(
                "a graph that is cut has another number of quads than it says",
                where=f"graph <{iri}>",
                seen=str(self._written - before),
                expected=str(source.quads),
            )
        return source.quads

    def key(self, iri: str) -> str:
        """Return what the files of a graph are called."""
        return key_of(self._form.base_iri, iri)

    def write(self, iri: str, bucket: int, bits: int, text: str) -> Part:
        """Return one part of a graph that is cut by so many bits, after writing it."""
        return self._here.write(iri, self.key(iri), bucket_label(bucket, bits), text)

    def _do(
        self,
        apart: Callable[..., Part | None],
        here: Callable[..., Part | None],
        *arguments: object,
    ) -> None:
        """Write a part, in another process once there is much to do."""
        if self._quads < _APART or processors() < 2:
            self._crew.drain()
            self._take(here(*arguments))
        else:
            self._crew.do(apart, *arguments)

    def _take(self, part: Part | None) -> None:
        if part:
            self._written += part.quads
            self._each(part)


def _out_of_order(before: str, lines: Sequence[str], end: str) -> str:
    """Return the first line that does not sort after the one before, or has another end.

    Args:
        before: the line before the first.
        lines: with or without line feeds, which stand nowhere else.
        end: what each ends in, and no other text does.
    """
    feeds = len(lines) if end.endswith("\n") else 0
    if (
        lines[0] > before
        and all(map(operator.lt, lines, itertools.islice(lines, 1, None)))
        and all(map(operator.methodcaller("endswith", end), lines))
        and "".join(lines).count("\n") == feeds
    ):
        return ""
    for line in lines:
        if line <= before or not line.endswith(end) or line.count("\n") > 1:
            return line or "an empty line"
        before = line
    return ""


class _Lines:
    """Lines that are counted first and cut afterwards; many of them wait in a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[str] = []
        self._bytes = 0
        self._file: IO[str] | None = None
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def add(self, lines: Sequence[str]) -> None:
        """Take some lines, with their line feeds."""
        self._held += lines
        self._bytes += sum(map(len, lines))
        self.count += len(lines)
        if self._bytes > _HELD:
            if self._file is None:
                self._file = tempfile.TemporaryFile(  # noqa: SIM115 - closed with this
                    "w+", encoding="utf-8", newline="\n", dir=self._folder
                )
            self._file.writelines(self._held)
            self._held, self._bytes = [], 0

    def _all(self) -> Iterator[str]:
        if self._file:
            self._file.flush()
            self._file.seek(0)
            yield from self._file
        yield from self._held

    def cut(self, bits: int) -> Iterator[tuple[int, str]]:
        """Yield the number and the lines of every bucket that has any, in order of the numbers."""
        if not self.count:
            return
        if not bits:
            yield 0, "".join(self._all())
            return
        with Buckets(self._folder, bits) as buckets:
            for line in self._all():
                buckets.add(line[: line.index(" ")], line)
            yield from buckets.texts()


class Buckets:
    """Lines by the hashes of their subjects; many of them wait in files."""

    def __init__(self, folder: Path, bits: int) -> None:
        self._folder = folder
        self._bits = bits
        self._held: dict[int, list[str]] = {}
        self._bytes = 0
        self._place: Path | None = None
        self._subject = ""
        self._here: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._place:
            shutil.rmtree(self._place)

    def add(self, subject: str, line: str) -> None:
        """Take a line, with its line feed. Those of one subject best come one after another."""
        if subject != self._subject:
            if self._bytes > _HELD:
                self._flush()
            self._subject = subject
            self._here = self._held.setdefault(bucket_of(subject, self._bits), [])
        self._here.append(line)
        self._bytes += len(line)

    def _flush(self) -> None:
        if self._place is None:
            self._place = Path(tempfile.mkdtemp(prefix="buckets-", dir=self._folder))
        for number, lines in self._held.items():
            with (self._place / str(number)).open("a", encoding="utf-8", newline="\n") as file:
                file.writelines(lines)
        self._held, self._bytes = {}, 0

    def texts(self) -> Iterator[tuple[int, str]]:
        """Yield the number and the lines of every bucket that has any, each as they were added."""
        self._subject = ""
        numbers = set(self._held)
        if self._place:
            numbers |= {int(path.name) for path in self._place.iterdir()}
        for number in sorted(numbers):
            text = "".join(self._held.pop(number, ()))
            if self._place and (path := self._place / str(number)).exists():
                text = path.read_text(encoding="utf-8") + text
                path.unlink()
            yield number, text
