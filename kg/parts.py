"""Cuts graphs into parts and writes the files of each; cuts the union of all graphs into shards.

A graph that is large is cut by the hashes of its subjects, so that a change touches a file of some
thousand statements and not of millions. All that is known of a subject in a graph stands in one
part, and all that is known of it anywhere in one shard: both are worked on piece by piece, in an
amount of memory that does not grow with the graph.

Spec: docs/reference/release.md, "Parts"
"""

from __future__ import annotations

import gzip
import hashlib
import multiprocessing
import os
import re
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import TracebackType
from typing import IO, Final, NamedTuple, Self

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
from kg.manifest import Member, Part
from kg.serialise import Nodes, Pairs, Prefixes, block, by_line, namespaces, subjects
from kg.vocab import graph_iri

_SHARD: Final = 65_536
_MOST_SHARDS: Final = 8
_HELD: Final = 1 << 25
"""Bytes of lines that are held before they are written to files."""
_LEVELS: Final = {"gzip": 6, "zstd": 6}
_APART: Final = 200_000
"""Quads from which more than one process writes."""

_SEPARATOR: Final = ",\n"


def key_of(base_iri: str, iri: str) -> str:
    """Return what the files of a graph are called: the key of its address, or 16 hex digits."""
    key = iri.removeprefix(graph_iri(base_iri, ""))
    if re.fullmatch("[a-z0-9-]{1,150}", key):
        return key
    return hashlib.sha256(iri.encode()).hexdigest()[:16]


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
        return zstandard.ZstdCompressor(level=_LEVELS["zstd"], write_checksum=True).compress(data)
    return data


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
        self._turtle = Prefixes(namespaces(form.base_iri, imported=form.imported)).turtle
        self._nodes = Nodes(form.context)

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
        turtle = "".join(block(subject, pairs, self._turtle) for subject, pairs in found.items())
        pieces = {
            ".nq": ("", text, ""),
            ".trig": (f"{self._turtle(f'<{graph}>')} {{\n", turtle, "}\n"),
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
    end_with_parent()
    _writer = _Writer(folder, form)


def _write(graph: str, key: str, bucket: str, text: str) -> Part:
    assert _writer is not None
    return _writer.write(graph, key, bucket, text)


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
        self._pool: ProcessPoolExecutor | None = None
        self._pending: deque[Future[Part]] = deque()
        self._quads = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._drain(0)
        finally:
            if self._pool:
                self._pool.shutdown(cancel_futures=True)

    def add(self, iri: str, lines: Iterable[str]) -> int:
        """Write the parts of a graph; return the number of its quads. No lines are no part.

        Raises:
            ReleaseError: a line is out of order or in the wrong graph, or a term cannot be written.
            OSError: a file cannot be written.
        """
        key = key_of(self._form.base_iri, iri)
        suffix = f" <{iri}> .\n"
        with _Lines(self._folder) as spool:
            before = ""
            for line in lines:
                if line <= before or not line.endswith(suffix) or line.count("\n") > 1:
                    raise ReleaseError(
                        "a line is out of order or in the wrong graph",
                        where=f"graph <{iri}>",
                        seen=line.rstrip("\n"),
                        expected=f"a line that sorts after the one before and ends in{suffix[:-1]}",
                    )
                spool.add(line)
                before = line
            bits = bits_of(spool.count)
            digits = (bits + 3) // 4
            for number, text in spool.cut(bits):
                self._one(iri, key, f"{number:0{digits}x}" if bits else "", text)
            return spool.count

    def key(self, iri: str) -> str:
        """Return what the files of a graph are called."""
        return key_of(self._form.base_iri, iri)

    def write(self, iri: str, bucket: int, bits: int, text: str) -> Part:
        """Return one part of a graph that is cut by so many bits, after writing it."""
        label = f"{bucket:0{(bits + 3) // 4}x}" if bits else ""
        return self._here.write(iri, self.key(iri), label, text)

    def _one(self, iri: str, key: str, bucket: str, text: str) -> None:
        self._quads += text.count("\n")
        processors = len(os.sched_getaffinity(0))
        if self._quads < _APART or processors < 2:
            self._drain(0)
            self._each(self._here.write(iri, key, bucket, text))
            return
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                min(4, processors),
                multiprocessing.get_context("spawn"),
                _begin,
                (self._folder, self._form),
            )
        self._pending.append(self._pool.submit(_write, iri, key, bucket, text))
        self._drain(4 * processors)

    def _drain(self, leave: int) -> None:
        while len(self._pending) > leave:
            try:
                part = self._pending.popleft().result()
            except BrokenProcessPool as error:
                raise ReleaseError(
                    "a process that wrote parts of the release has been ended",
                    hint="it may have been short of memory; try again with more",
                ) from error
            self._each(part)


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

    def add(self, line: str) -> None:
        """Take a line, with its line feed."""
        self._held.append(line)
        self._bytes += len(line)
        self.count += 1
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


class Shard(NamedTuple):
    """What is known of some subjects: `S P O` in N-Triples tokens, sorted, each once.

    `public` are those that may be handed on: the same list where all may.
    """

    triples: list[str]
    public: list[str]


class Union:
    """The triples of all graphs, as a set, in shards by subject.

    Args:
        folder: where files may be written while this is open.
        quads: how many there will be; it tells how many shards there are.
    """

    def __init__(self, folder: Path, quads: int) -> None:
        bits = min(_MOST_SHARDS, max(0, (quads - 1) // _SHARD).bit_length())
        self._public = Buckets(folder, bits)
        self._private = Buckets(folder, bits)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *rest: object) -> None:
        self._public.__exit__(*rest)
        self._private.__exit__(*rest)

    def add(self, graph: str, text: str, *, private: bool) -> None:
        """Take the lines of a graph."""
        end = -len(f" <{graph}> .")
        buckets = self._private if private else self._public
        for line in text.split("\n")[:-1]:
            buckets.add(line[: line.index(" ")], f"{line[:end]}\n")

    def shards(self) -> Iterator[Shard]:
        """Yield every shard, in the order of their numbers."""
        private = self._private.texts()
        nothing = (1 << 32, "")
        other = next(private, nothing)
        for number, text in self._public.texts():
            while other[0] < number:
                yield Shard(_distinct(other[1]), [])
                other = next(private, nothing)
            public = _distinct(text)
            if other[0] == number:
                yield Shard(_distinct(text + other[1]), public)
                other = next(private, nothing)
            else:
                yield Shard(public, public)
        while other is not nothing:
            yield Shard(_distinct(other[1]), [])
            other = next(private, nothing)


def _distinct(text: str) -> list[str]:
    return sorted(set(text.split("\n")[:-1]))
