"""From the files of feeds to sorted graphs: cut, map, settle.

    files ──cut──► pieces ──map──► results ──settle──► graphs

Cutting reads a file once and leaves pieces of some megabytes. Mapping a piece is one job, and
settling a slice of a graph another one: each is a pure function of files, writes one file under the
name of everything that it depends on, and puts it in place in one step. So jobs run in any order,
on any number of processes or machines, more than once if need be; what is there is not done again;
and only the names that a job returns are ever read, never what lies in a folder.

A slice holds the subjects whose hashes begin alike, out of all pieces.

Spec: docs/decisions/0018-feeds.md
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import itertools
import json
import logging
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar
from unicodedata import normalize

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

import kg.rows
from kg.bounded import end_with_parent
from kg.dumps import bits_of, bucket_of
from kg.errors import FactError, MappingError, ReleaseError
from kg.feed import Feed, FeedScript, Rejected, Scribe, lines_in, load_feed, prelude
from kg.identity import digest
from kg.ingest import (
    ASIDE,
    HIDDEN,
    INDEX,
    MAPPED,
    VEIL,
    Checks,
    Issue,
    based,
    happenings,
    map_piece,
    statuses,
    uncollected,
)
from kg.lexicon import Lexicon
from kg.mapping import Counts
from kg.matching import Happening, described, lines_of, link_iri, matches
from kg.register import Register
from kg.report import Report
from kg.rows import (
    BROKEN,
    HEAD,
    STDIN,
    Fault,
    Form,
    Piece,
    form_of,
    hashed,
    key_of,
    members,
    pieces,
    rows,
)
from kg.validate import LOCAL, load_shapes, validate
from kg.vocab import (
    DCTERMS,
    PROV,
    RDF,
    RDFS,
    Vocabulary,
    date,
    graph_iri,
    literal,
    load_vocabulary,
    term,
)

_log = logging.getLogger(__name__)

FOLDER: Final = "feeds"
STATES: Final = "states-{}.json"
"""What the file is called in which the states of the facts stand."""
CLOSED_LINKS: Final = "event-links-closed"
"""The key of the graph of links with events that may not be handed on."""
_SLICES: Final = 256
_JOB: Final = 300_000
"""Quads that are settled in one job, about."""
_EVERY: Final = 5.0
"""Seconds between two words on progress."""
_SHOWN: Final = 5
_LEVEL: Final = 3
_ASKED: Final = ".asked"

T = TypeVar("T")
R = TypeVar("R")


class Engine(Protocol):
    """Runs jobs, in processes of this machine or of many."""

    def run(self, function: Callable[[Any], R], jobs: Sequence[Any]) -> Iterator[tuple[int, R]]:
        """Yield the number of each job and what it returns, in any order.

        Args:
            function: one of this module's, by which a job is done: it can be pickled.
            jobs: what can be pickled.
        Raises:
            KgError: what a job raises; or it was ended again and again.
        """


class Setup(msgspec.Struct, frozen=True):
    """What all jobs need to know: where things are, by paths that each machine has.

    `version` stands for every byte of code, ontology, shapes and states, and for what was
    suppressed. `register` is the folder of releases where anything was, or empty. `own` are
    further folders of mappings. `retrieved` are days on which the files of feeds were fetched, by
    their ids.
    """

    work: str
    base: str
    ontology: str
    shapes: tuple[str, ...]
    mappings: str
    states: str
    version: str
    register: str = ""
    own: tuple[str, ...] = ()
    retrieved: tuple[tuple[str, str], ...] = ()


class Cut(msgspec.Struct, frozen=True):
    """A piece of a file.

    Attributes:
        source, file: of which it is: the id of the feed, the name of the file.
        batch: the key of the graph of its rows.
        path: its bytes, packed; sha256 of them unpacked.
    """

    source: str
    file: str
    batch: str
    form: Form
    line: int
    first: bool
    path: str
    sha256: str


_Before = tuple[bytes, bytes]
"""Hashed keys, sorted, and how often each came in earlier pieces: arrays of NumPy."""
_NONE: Final[_Before] = (b"", b"")


class _MapJob(msgspec.Struct, frozen=True):
    setup: Setup
    cut: Cut
    before: _Before = _NONE
    known: str = ""

    @property
    def name(self) -> str:
        """Return a name for all that the result depends on, but for what is known of others."""
        one, cut = self.setup, self.cut
        fields = (
            one.version,
            one.base,
            cut.source,
            cut.file,
            cut.batch,
            cut.form,
            cut.line,
            cut.first,
            cut.sha256,
            self.before,
            [day for source, day in one.retrieved if source == cut.source],
        )
        return hashlib.sha256(msgspec.json.encode(fields)).hexdigest()


class Result(msgspec.Struct, frozen=True):
    """What became of a piece.

    Attributes:
        path: the file with its quads and rows.
        records, mapped: how many; the others were set aside.
        issues: how many of each kind (`Issue.kind`); they stand in the file.
        keys: the hashed key of each record that has one, in their order, as an array of NumPy;
        whether: of each, what became of it, as a byte (`kg.ingest.MAPPED` and others).
        quads: by the name of the graph: `batch`, `registry` or `status`.
        states: the states that were found, by their keys, each with its label.
        sought: the hashed indexes by which records of sought tables were found, as an array.
        problem: what keeps the data from being published, as a table; empty if nothing does.
    """

    path: str
    records: int
    mapped: int
    issues: dict[str, int]
    keys: bytes
    whether: bytes
    quads: dict[str, int]
    states: dict[str, str]
    sought: bytes = b""
    problem: str = ""


class _SettleJob(msgspec.Struct, frozen=True):
    setup: Setup
    graph: str
    name: str
    slices: tuple[int, int]
    bits: int
    parts: tuple[str, ...]


class _Settled(msgspec.Struct, frozen=True):
    path: str
    quads: int
    problem: str = ""


# --- in the processes ---------------------------------------------------------------------------


class StatesByCode:
    """Finds states by codes: those of the facts have their own addresses.

    Args:
        known: the key and the label of agents by the items that they are.
    """

    def __init__(self, known: Mapping[str, tuple[str, str]]) -> None:
        self._known = known
        self._lexicon = Lexicon.load()

    def find(self, scheme: str, code: str, day: str) -> tuple[str, str] | None:
        """Return the key and the label of the agent that a code stands for, or None."""
        try:
            found = self._lexicon.state(scheme, code, day[:10])
        except ValueError as error:
            raise Rejected("", day, str(error)) from error
        if found is None or found.kind not in ("state", "former state"):
            return None
        key, label = self._known.get(found.qid, ("", ""))
        return (key, label) if key else (state_key(self._lexicon, found.qid), found.label)


CODES_CHECKED: Final = "2026-11-28"
"""The day on which the tables of codes were compared with others."""


def state_key(lexicon: Lexicon, qid: str) -> str:
    """Return the key of the agent for a state that no facts have, e.g. `agent/state-usa`."""
    return f"agent/state-{(lexicon.iso3(qid) or qid).lower()}"


class _Tools:
    """What a process loads once."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.vocabulary: Vocabulary = load_vocabulary(Path(setup.ontology))
        self.states = StatesByCode(json.loads(Path(setup.states).read_bytes()))
        self.shapes = load_shapes(map(Path, setup.shapes))
        self.register = Register(Path(setup.register)) if setup.register else None
        self._scripts: dict[str, FeedScript] = {}
        self._checks: dict[str, Checks] = {}

    def held(self, name: str) -> bool:
        """Return whether a node was suppressed, or went along with one, by kind and key."""
        register = self.register
        return register is not None and (register.holds(name) or register.went(name))

    def script(self, source: str) -> FeedScript:
        if source not in self._scripts:
            folders = [Path(one) for one in (self.setup.mappings, *self.setup.own)]
            place = next((one for one in folders if (one / f"{source}.py").is_file()), folders[0])
            script = load_feed(place, source)
            if day := dict(self.setup.retrieved).get(source):
                feed = msgspec.structs.replace(script.source, retrieved=day)
                script = msgspec.structs.replace(script, source=feed)
            self._scripts[source] = script
        return self._scripts[source]

    def checks(self, feed: Feed) -> Checks:
        if feed.id not in self._checks:
            lines = [f"{line} .\n" for line in self.vocabulary.lines]
            self._checks[feed.id] = Checks(self.shapes, lines + prelude(feed, self.setup.base))
        return self._checks[feed.id]


@lru_cache(maxsize=1)
def _tools(setup: Setup) -> _Tools:
    return _Tools(setup)


class _Known:
    """The hashed keys of the records of other pieces; it remembers what it was asked for.

    Args:
        path: a file of them, sorted.
    """

    def __init__(self, path: str) -> None:
        self._keys: NDArray[np.uint64] = np.load(path, mmap_mode="r")
        self._answers: dict[int, bool] = {}

    def __contains__(self, key: int) -> bool:
        found = self._answers.get(key)
        if found is None:
            n = int(np.searchsorted(self._keys, np.uint64(key)))
            found = n < len(self._keys) and int(self._keys[n]) == key
            self._answers[key] = found
        return found

    @property
    def asked(self) -> NDArray[np.uint64]:
        """Return what it was asked for, sorted."""
        return np.array(sorted(self._answers), dtype=np.uint64)

    def digest(self, asked: NDArray[np.uint64]) -> str:
        """Return 32 hex digits for some questions and their answers."""
        answers = np.isin(asked, self._keys, assume_unique=True)
        return hashlib.sha256(asked.tobytes() + answers.tobytes()).hexdigest()[:32]


@uncollected()
def _map(job: _MapJob) -> Result:
    """Map one piece and write its result; return what is to be known of it."""
    cut = job.cut
    tools = _tools(job.setup)
    path = Path(job.setup.work) / "mapped" / job.name[:2] / job.name
    questions = path.with_suffix(_ASKED)
    known = _Known(job.known) if job.known else None
    before: NDArray[np.uint64] | None = None
    if known and questions.exists():
        # The same answers to the same questions give the same result, whatever else is known.
        before = _numbers(questions.read_bytes())
        path = path.with_name(f"{job.name}-{known.digest(before)}")
    if path.exists():
        with contextlib.suppress(OSError, ValueError, msgspec.DecodeError):
            found = msgspec.msgpack.decode(_header(path), type=Result)
            return msgspec.structs.replace(found, path=str(path))
    try:
        data = zstandard.ZstdDecompressor().decompress(Path(cut.path).read_bytes())
    except zstandard.ZstdError:
        data = b""
    if hashlib.sha256(data).hexdigest() != cut.sha256:
        raise ReleaseError("a piece is not what was cut", where=cut.path, hint="remove it")
    script = tools.script(cut.source)
    base = job.setup.base
    mapped = map_piece(
        script,
        cut.form,
        Piece(cut.line, data),
        lambda: Scribe(script.source, base, cut.batch, tools.vocabulary, tools.states),
        file=cut.file,
        first=cut.first,
        before=dict(zip(*(_numbers(one).tolist() for one in job.before), strict=True)),
        known=known,
        checks=tools.checks(script.source),
        held=tools.held if tools.register else None,
    )
    if known:
        # Other answers may have led to other questions: all of them count.
        asked = known.asked if before is None else np.union1d(before, known.asked)
        path = path.with_name(f"{job.name}-{known.digest(asked)}")
        if before is None or len(before) < len(asked):
            put(questions, [asked.tobytes()])
    scribe = mapped.scribe
    graphs = {
        "batch": [*scribe.sources.items(), *scribe.blocks],
        "registry": list(scribe.shared.items()),
        "status": list(statuses(scribe).items()),
        "based": list(based(scribe).items()),
    }
    frames: dict[str, list[tuple[int, bytes]]] = {}
    quads = {}
    for graph, blocks in graphs.items():
        slices: dict[int, list[tuple[str, str]]] = {}
        for subject, text in blocks:
            number = hashlib.sha256(subject.encode()).digest()[0]
            slices.setdefault(number, []).append((subject, text))
        quads[graph] = sum(text.count("\n") for _, text in blocks)
        frames[graph] = [(n, _frame(slices[n])) for n in sorted(slices)]
    result = Result(
        path=str(path),
        records=mapped.records,
        mapped=mapped.mapped,
        issues=dict(Counter(one.kind for one in mapped.issues)),
        keys=np.array([key for key, _ in mapped.keys], dtype=np.uint64).tobytes(),
        whether=bytes(what for _, what in mapped.keys),
        quads=quads,
        states=scribe.states,
        sought=np.array(mapped.sought, dtype=np.uint64).tobytes(),
        problem=_problem(mapped.report),
    )
    _write(
        path,
        msgspec.msgpack.encode(result),
        frames
        | {"rows": [(0, _packed(happenings(scribe)))], "issues": [(0, _packed(mapped.issues))]},
    )
    return result


class _Listed(msgspec.Struct, frozen=True):
    """The hashed key and the hashed index of every record of a piece, as arrays of NumPy."""

    records: int
    keys: bytes
    indexes: bytes


def _list(job: _MapJob) -> _Listed:
    """Read a piece for the index of its table; nothing is mapped."""
    cut = job.cut
    table = _tools(job.setup).script(cut.source).source.table(cut.form.table)
    data = zstandard.ZstdDecompressor().decompress(Path(cut.path).read_bytes())
    read = (row for _, row in rows(Piece(cut.line, data), cut.form, table, first=cut.first))
    found = [
        (hashed(key_of(table, row)), hashed(INDEX + key_of(table, row, table.index)))
        for row in read
        if not isinstance(row, Fault)
    ]
    keys, indexes = np.array(found, dtype=np.uint64).reshape(-1, 2).T
    return _Listed(len(found), keys.tobytes(), indexes.tobytes())


def _problem(report: Report | None) -> str:
    return report.to_table() if report is not None and report.blocks else ""


# --- files of results ---------------------------------------------------------------------------
#
# Eight bytes with the length of the header, eight with that of the index, header, index, frames.
# A frame is packed and holds blocks: their number, the lengths of subject and lines of each, and
# then subjects and lines.


def _frame(blocks: Sequence[tuple[str, str]]) -> bytes:
    pairs = [(subject.encode(), text.encode()) for subject, text in sorted(blocks)]
    lengths = np.array([len(one) for pair in pairs for one in pair], dtype=np.uint32).tobytes()
    text = b"".join(one for pair in pairs for one in pair)
    data = len(pairs).to_bytes(4, "little") + lengths + text
    return zstandard.ZstdCompressor(_LEVEL).compress(data)


def _packed(value: object) -> bytes:
    return zstandard.ZstdCompressor(_LEVEL).compress(msgspec.msgpack.encode(value))


def _blocks(frame: bytes) -> Iterator[tuple[bytes, bytes]]:
    data = zstandard.ZstdDecompressor().decompress(frame)
    number = int.from_bytes(data[:4], "little")
    lengths = np.frombuffer(data, dtype=np.uint32, count=2 * number, offset=4).tolist()
    at = 4 + 8 * number
    for n in range(0, 2 * number, 2):
        middle = at + lengths[n]
        end = middle + lengths[n + 1]
        yield data[at:middle], data[middle:end]
        at = end


def _write(
    path: Path,
    header: bytes,
    frames: Mapping[str, Sequence[tuple[int, bytes]]],
) -> None:
    """Write a file of results, and put it in place in one step."""
    index: dict[str, list[tuple[int, int, int]]] = {}
    at = 0
    for graph, some in frames.items():
        for number, frame in some:
            index.setdefault(graph, []).append((number, at, len(frame)))
            at += len(frame)
    packed = msgspec.msgpack.encode(index)
    head = len(header).to_bytes(8, "little") + len(packed).to_bytes(8, "little")
    body = (frame for some in frames.values() for _, frame in some)
    put(path, itertools.chain((head, header, packed), body))


def put(path: Path, data: Iterable[bytes]) -> None:
    """Write a file so that it is there as a whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(16)
        return file.read(int.from_bytes(head[:8], "little"))


class _Reader:
    """Reads frames of a file of results."""

    def __init__(self, path: str) -> None:
        with open(path, "rb") as file:
            head = file.read(16)
            first, second = (int.from_bytes(head[n : n + 8], "little") for n in (0, 8))
            file.seek(16 + first)
            self._index: dict[str, list[tuple[int, int, int]]] = msgspec.msgpack.decode(
                file.read(second)
            )
        self._start = 16 + first + second
        self._path = path

    def frames(self, graph: str, slices: tuple[int, int]) -> Iterator[bytes]:
        """Yield the frames of a graph with numbers from the first up to the second, without it."""
        wanted = [one for one in self._index.get(graph, ()) if slices[0] <= one[0] < slices[1]]
        if not wanted:
            return
        with open(self._path, "rb") as file:
            for _, at, size in wanted:
                file.seek(self._start + at)
                yield file.read(size)

    def happenings(self) -> list[tuple[Happening, str]]:
        """Return what the events of a piece are compared by, and their labels."""
        return msgspec.msgpack.decode(self._only("rows"), type=list[tuple[Happening, str]])

    def issues(self) -> list[Issue]:
        """Return the records of a piece that were set aside, in their order, and the values."""
        return msgspec.msgpack.decode(self._only("issues"), type=list[Issue])

    def _only(self, name: str) -> bytes:
        [frame] = self.frames(name, (0, 1))
        return zstandard.ZstdDecompressor().decompress(frame)


def _settle(job: _SettleJob) -> _Settled:
    """Put the blocks of some slices of a graph together, sorted, each line once."""
    name = hashlib.sha256(
        msgspec.json.encode(
            (job.setup.version, job.graph, job.slices, job.bits, [Path(p).name for p in job.parts])
        )
    ).hexdigest()
    path = Path(job.setup.work) / "settled" / name[:2] / name
    if path.exists():
        with contextlib.suppress(OSError, ValueError, msgspec.DecodeError):
            known = msgspec.msgpack.decode(_header(path), type=_Settled)
            return msgspec.structs.replace(known, path=str(path))
    found: dict[bytes, bytes] = {}
    seams: set[bytes] = set()
    for part in job.parts:
        for frame in _Reader(part).frames(job.name, job.slices):
            for subject, text in _blocks(frame):
                other = found.setdefault(subject, text)
                if job.name == "registry":
                    continue  # as within a piece: what was said first of a shared node counts
                if other is not text and other != text:
                    lines = {line + b"\n" for line in (other + text).split(b"\n")[:-1]}
                    found[subject] = b"".join(sorted(lines))
                    seams.add(subject)
    if job.name == "status":
        for part in job.parts:
            for frame in _Reader(part).frames("based", job.slices):
                for subject, text in _blocks(frame):
                    if subject in found:
                        lines = {one + b"\n" for one in (found[subject] + text).split(b"\n")[:-1]}
                        found[subject] = b"".join(sorted(lines))
    problem = ""
    if seams:
        tools = _tools(job.setup)
        whole = [f"{line} .\n" for line in tools.vocabulary.lines]
        for subject in sorted(seams):
            whole += lines_in(found[subject].decode())
        report = validate(whole, tools.shapes, scope=LOCAL)
        problem = _problem(report)
    buckets: dict[int, list[bytes]] = {}
    shift = 32 - job.bits
    for subject, text in found.items():
        number = int.from_bytes(hashlib.sha256(subject).digest()[:4]) >> shift if job.bits else 0
        buckets.setdefault(number, []).append(text)
    quads = 0
    frames = []
    packer = zstandard.ZstdCompressor(_LEVEL)
    for number in sorted(buckets):
        buckets[number].sort()
        text = b"".join(buckets[number])
        quads += text.count(b"\n")
        frames.append((number, packer.compress(text)))
    result = _Settled(str(path), quads, problem)
    _write(path, msgspec.msgpack.encode(result), {"quads": frames})
    return result


class SettledGraph(msgspec.Struct, frozen=True):
    """A graph that is cut into buckets already: what `kg.parts` takes instead of lines.

    Attributes:
        quads: how many it has.
        bits: by how many bits of the subjects' hashes the files are cut.
        files: the files, in the order of their buckets, each with its first bucket.
    """

    quads: int
    bits: int
    files: tuple[tuple[int, str], ...]

    def text(self, bits: int, number: int) -> str:
        """Return the sorted lines of a bucket of a graph that is cut by so many bits."""
        if bits >= self.bits:
            first, last = number >> (bits - self.bits), (number >> (bits - self.bits)) + 1
        else:
            first, last = number << (self.bits - bits), (number + 1) << (self.bits - bits)
        texts = []
        unpack = zstandard.ZstdDecompressor()
        starts = [start for start, _ in self.files]
        for n, (start, path) in enumerate(self.files):
            end = starts[n + 1] if n + 1 < len(starts) else 1 << self.bits
            if start < last and first < end:
                texts += [
                    unpack.decompress(frame).decode()
                    for frame in _Reader(path).frames("quads", (first, last))
                ]
        text = "".join(texts)
        if bits > self.bits:
            lines = lines_in(text)
            return "".join(x for x in lines if bucket_of(x[: x.index(" ")], bits) == number)
        if len(texts) > 1:
            return "".join(sorted(lines_in(text)))
        return text

    def lines(self) -> Iterator[str]:
        """Yield all lines, sorted; for a graph that memory can hold."""
        yield from sorted(lines_in(self.text(0, 0)))


# --- the processes of this machine --------------------------------------------------------------


def begin() -> None:
    """Prepare a process that does nothing but jobs: it ends with its parent, and keeps memory.

    Each piece needs as much memory as the one before: to give it back and take it again would cost
    a tenth of the time.
    """
    end_with_parent()
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):  # another C library has no such thing
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(_TRIM_THRESHOLD, 1 << 29)
            mallopt(_TOP_PAD, 1 << 26)


_TRIM_THRESHOLD, _TOP_PAD = -1, -2  # of malloc.h


class Local:
    """Runs jobs in processes of this machine, one for each processor.

    Args:
        most: processes at most.
    """

    def __init__(self, most: int = 0) -> None:
        self._most = most or len(os.sched_getaffinity(0))

    def run(self, function: Callable[[Any], R], jobs: Sequence[Any]) -> Iterator[tuple[int, R]]:
        """Yield what jobs return; see `Engine.run`."""
        if self._most < 2 or len(jobs) < 2:
            for n, job in enumerate(jobs):
                yield n, function(job)
            return
        others = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(
            min(self._most, len(jobs)),
            multiprocessing.get_context("spawn"),
            initializer=begin,
        )
        try:
            waiting = dict(enumerate(jobs))
            running: dict[Any, int] = {}
            while waiting or running:
                for n in list(itertools.islice(waiting, max(0, 2 * self._most - len(running)))):
                    running[_submit(pool, function, waiting.pop(n))] = n
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    n = running.pop(future)
                    yield n, future.result()
        except BrokenProcessPool as error:
            raise ReleaseError(
                "a process that worked on a feed has been ended",
                hint="it may have been short of memory; what was done is kept: try again",
            ) from error
        except BaseException:  # also an interrupt: nobody waits for what is not wanted any more
            for one in set(multiprocessing.active_children()) - others:
                one.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, function: Callable[[Any], R], job: Any) -> Future[R]:
    """Begin a job. A process that is started for it leaves an interrupt to this one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(function, job)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# --- the whole ------------------------------------------------------------------------------------


class FeedInput(msgspec.Struct, frozen=True):
    """A source of a build: the id of the feed, and its files and folders, `-` for the input."""

    source: str
    path: Path


class Ingested(msgspec.Struct, frozen=True):
    """What feeds give to a release.

    Attributes:
        graphs: by their IRIs.
        names: what each graph is, for people; of whose source it is.
        states: the states that rows name, by their keys, each with its label.
        results: of every piece, in the order of sources, files and lines.
    """

    feeds: tuple[Feed, ...]
    counts: tuple[Counts, ...]
    graphs: dict[str, SettledGraph]
    names: dict[str, tuple[str, Feed]]
    states: dict[str, str]
    results: tuple[tuple[str, Result], ...]
    problem: str
    used: tuple[str, ...]

    def links(self, lines: Iterable[str], base: str) -> dict[str, list[str]]:
        """Return the links between events of several sources, as lines by the IRI of their graph.

        Those with an event of a source that may not be handed on stand in a graph of their own,
        which may not be handed on either.

        Args:
            lines: the quads of articles and of the registry.
            base: the base IRI.
        """
        articles = described(lines)
        sizes = {feed.id: 0 for feed in self.feeds}
        for source, result in self.results:
            sizes[source] += result.mapped
        order = sorted(sizes, key=lambda source: (sizes[source], source))
        if len(order) + bool(articles) < 2:
            return {}
        sources: list[tuple[str, Iterable[Happening]]] = [("articles", articles)]
        sources += [(source, self._happenings(source)) for source in order]
        curated = {
            line[: line.index(" ")] for line in lines if line.split(" ", 3)[2] == term("EventLink")
        }
        found = [
            match
            for match in matches(sources)
            if f"<{link_iri(match.one, match.two, base)}>" not in curated
        ]
        _log.info("%d pairs of events of several sources are perhaps the same", len(found))
        ends = {key for match in found for key in (match.one, match.two)}
        labels = _labels(lines, ends, base) if found else {}
        closed = set()
        if found:
            private = {feed.id for feed in self.feeds if feed.redistribution == "none"}
            for source, result in self.results:
                for event, label in _Reader(result.path).happenings():
                    if event.key in ends:
                        labels[event.key] = label
                        if source in private:
                            closed.add(event.key)
        out = {}
        for key, hidden in (("event-links", False), (CLOSED_LINKS, True)):
            some = [m for m in found if bool({m.one, m.two} & closed) is hidden]
            if some:
                iri = graph_iri(base, key)
                out[iri] = lines_of(some, labels, base, iri)
        return out

    def has(self, node: str) -> bool:
        """Return whether a feed describes a node, given as in N-Quads."""
        for iri, graph in self.graphs.items():
            if iri.endswith(("-registry", "-status")):
                continue
            text = graph.text(graph.bits, bucket_of(node, graph.bits))
            if text.startswith(f"{node} ") or f"\n{node} " in text:
                return True
        return False

    def _happenings(self, source: str) -> Iterator[Happening]:
        for of, result in self.results:
            if of == source:
                for event, _ in _Reader(result.path).happenings():
                    yield event

    def issues(self) -> Iterable[Issue]:
        """Return the records that were set aside, in the order of sources, files and lines."""
        return _Issues([result for _, result in self.results])


OWN_GRAPHS: Final = ("registry", "status")
"""Ends of the keys of the graphs of a feed that are of no batch."""


def batch_of(feed: Feed, file: str) -> str:
    """Return the key of the graph for the rows of a file: files whose names begin alike share one.

    >>> from kg.feed import Feed
    >>> batch_of(Feed(id="a_b", title="", publisher="", url="", languages=(), licence="",
    ...     redistribution="open", citation="", retrieved="", method="", machine=True, tables=()),
    ...     "20150218230000.mentions.CSV")
    'a-b-20150218230000'
    """
    stem = re.sub("[^a-z0-9]+", "-", file.partition(".")[0].lower()).strip("-")[:60].strip("-")
    if stem in OWN_GRAPHS:
        stem = f"file-{stem}"
    return f"{feed.key}-{stem or 'file'}"


def cut_file(work: Path, feed: Feed, path: Path, known: str = "") -> tuple[str, int, list[Cut]]:
    """Return the SHA-256 and the bytes of a file, and its pieces, which are cut if need be.

    Args:
        work: the folder for what is in between.
        known: its SHA-256, if that is known; of the standard input it is not.
    Raises:
        FactError: it cannot be read to its end, or is no file of this feed.
    """
    spooled: Path | None = None
    if str(path) == STDIN:
        work.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".tmp-stdin-", dir=work)
        spooled = Path(name)
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
    try:
        real = spooled or path
        try:
            size, sha256 = digest(real)
        except OSError as error:
            raise FactError(
                "the file cannot be read", where=str(path), seen=str(error.strerror)
            ) from error
        shown = "stdin" if spooled else path.name
        code = (kg.rows.__file__, __file__)
        cutting = hashlib.sha256(b"".join(Path(one).read_bytes() for one in code)).hexdigest()
        same = msgspec.structs.replace(feed, retrieved="")  # cut alike, whenever it was fetched
        place = work / "cut" / f"{sha256[:32]}-{_digest(same, shown, cutting)}"
        index = place / "index.json"
        if not _is_whole(place):
            _cut(place, feed, real, shown)
        with contextlib.suppress(OSError):
            os.utime(place)
        cuts = msgspec.json.decode(index.read_bytes(), type=list[Cut])
        here = [msgspec.structs.replace(c, path=str(place / Path(c.path).name)) for c in cuts]
        return sha256, size, here
    finally:
        if spooled:
            spooled.unlink(missing_ok=True)


def _digest(*fields: object) -> str:
    return hashlib.sha256(msgspec.json.encode(fields)).hexdigest()[:16]


_TRIES: Final = 5
_UNWRITABLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


def _is_whole(place: Path) -> bool:
    """Return whether all pieces of a file are in a folder."""
    try:
        cuts = msgspec.json.decode((place / "index.json").read_bytes(), type=list[Cut])
    except (OSError, msgspec.DecodeError):
        return False
    return all((place / Path(cut.path).name).exists() for cut in cuts)


def _cut(place: Path, feed: Feed, path: Path, shown: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".tmp-", dir=place.parent))
    packer = zstandard.ZstdCompressor(level=1)
    cuts: list[Cut] = []
    where = shown
    try:
        for name, file in members(path):
            where = shown if shown.startswith(name) else f"{shown}/{name}"
            first = file.read(HEAD)
            if not first.strip():
                raise FactError("the file is empty", where=where, hint="fetch it again")
            form = form_of(feed, first, where)
            table = feed.table(form.table)
            for n, piece in enumerate(pieces(file, table.form, head=first)):
                target = temporary / f"{len(cuts):06}"
                target.write_bytes(packer.compress(piece.data))
                cuts.append(
                    Cut(
                        feed.id,
                        where,
                        batch_of(feed, name),
                        form,
                        piece.line,
                        n == 0,
                        str(place / target.name),
                        hashlib.sha256(piece.data).hexdigest(),
                    )
                )
        if not cuts:
            raise FactError("there is no file in it", where=where, hint="fetch it again")
        put(temporary / "index.json", [msgspec.json.encode(cuts)])
        for _ in range(_TRIES):
            try:
                temporary.rename(place)
                break
            except OSError:
                if _is_whole(place):  # another build was as quick
                    break
                shutil.rmtree(place, ignore_errors=True)
        else:
            raise ReleaseError("the folder cannot be written", where=str(place))
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno in _UNWRITABLE:
            raise ReleaseError(
                "the pieces of the file cannot be written",
                where=str(temporary),
                seen=str(error.strerror),
                hint="make room on the disk and try again",
            ) from error
        raise FactError(
            "the file cannot be read to its end",
            where=where,
            seen=str(error) or type(error).__name__,
            hint="fetch it again",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def ingest(
    setup: Setup,
    sources: Sequence[tuple[Feed, Sequence[Cut]]],
    engine: Engine,
) -> Ingested:
    """Return the graphs of feeds, out of the pieces of their files.

    Args:
        setup: where things are.
        sources: each feed with the pieces of its files, in their order.
        engine: runs the jobs.
    Raises:
        KgError: more rows were set aside than a source allows, or a job ended again and again.
    """
    passing: list[str] = []
    results: list[tuple[str, str, Result]] = []
    counts = []
    for feed, cuts in sources:
        found = _map_source(setup, feed, cuts, engine, passing)
        results += [(feed.id, cut.batch, one) for cut, one in zip(cuts, found, strict=True)]
        counts.append(_counted(feed, found))
    names: dict[str, tuple[str, Feed]] = {}
    jobs: list[_SettleJob] = []
    problems = [one.problem for _, _, one in results if one.problem]
    for feed, _ in sources:
        of_feed = [(batch, one) for source, batch, one in results if source == feed.id]
        parts: dict[str, list[tuple[str, Result]]] = {}
        for batch, one in of_feed:
            parts.setdefault(batch, []).append(("batch", one))
        own = [("", _prelude(setup, feed))]
        for graph, more in (("registry", own), ("status", [])):
            parts[f"{feed.key}-{graph}"] = [(graph, one) for _, one in (*more, *of_feed)]
        for key, some in parts.items():
            iri = f"{setup.base}id/graph/{key}"
            jobs += _settle_jobs(setup, iri, some)
            names[iri] = (_words(feed, key), feed)
    what = "putting graphs together"
    every: list[_Settled] = _run(engine, _settle, jobs, what, lambda r: r.quads, "quads")
    problems += [one.problem for one in every if one.problem]
    by_graph: dict[str, list[tuple[_SettleJob, _Settled]]] = {}
    for job, settled in zip(jobs, every, strict=True):
        by_graph.setdefault(job.graph, []).append((job, settled))
    graphs = {
        iri: SettledGraph(
            quads=sum(one.quads for _, one in pairs),
            bits=pairs[0][0].bits,
            files=tuple(((job.slices[0] << job.bits) >> 8, one.path) for job, one in pairs),
        )
        for iri, pairs in by_graph.items()
    }
    return Ingested(
        feeds=tuple(feed for feed, _ in sources),
        counts=tuple(counts),
        graphs={iri: one for iri, one in sorted(graphs.items()) if one.quads},
        names=names,
        states={key: label for _, _, one in results for key, label in one.states.items()},
        results=tuple((source, one) for source, _, one in results),
        problem="\n".join(problems[:_SHOWN]),
        used=(
            setup.states,
            *(cut.path for _, cuts in sources for cut in cuts),
            *(one.path for _, _, one in results),
            *passing,
            *(path for graph in graphs.values() for _, path in graph.files),
        ),
    )


def _prelude(setup: Setup, feed: Feed) -> Result:
    """Return what says of a source who codes it, as if it were the result of a piece."""
    blocks: dict[str, str] = {}
    for line in prelude(feed, setup.base):
        subject = line[: line.index(" ")]
        blocks[subject] = blocks.get(subject, "") + line
    name = hashlib.sha256("".join(blocks.values()).encode()).hexdigest()
    path = Path(setup.work) / "mapped" / name[:2] / name
    frames: dict[int, list[tuple[str, str]]] = {}
    for subject, text in blocks.items():
        number = hashlib.sha256(subject.encode()).digest()[0]
        frames.setdefault(number, []).append((subject, text))
    quads = sum(text.count("\n") for text in blocks.values())
    result = Result(str(path), 0, 0, {}, b"", b"", {"registry": quads}, {})
    head = msgspec.msgpack.encode(msgspec.structs.replace(result, path=""))
    with contextlib.suppress(OSError):
        if _header(path) == head:
            return result
    found = {"registry": [(n, _frame(frames[n])) for n in sorted(frames)]}
    _write(path, head, found)
    return result


def state_lines(states: Mapping[str, str], base: str) -> list[str]:
    """Return the lines of the registry on states that codes of feeds name and no facts have.

    Args:
        states: the keys of agents, each with its label; those of the facts are left out.
        base: the base IRI.
    """
    lexicon = Lexicon.load()
    items = {state_key(lexicon, qid): qid for qid in lexicon.entities}
    graph = graph_iri(base, "registry")
    run, agent = (f"<{base}id/{kind}/state-codes>" for kind in ("run", "agent"))
    a, label = f"<{RDF}type>", f"<{RDFS}label>"
    made = f"<{PROV}wasGeneratedBy> {run}"
    basis = term("registryBasis")
    as_of = f"{term('asOf')} {date(CODES_CHECKED)}"
    drafted = f"{term('reviewState')} {term('review-state-drafted')}"
    identifier = f"<{DCTERMS}identifier>"
    pairs: dict[str, set[str]] = {}
    for key, name in states.items():
        if key not in items:
            continue
        node = pairs.setdefault(f"<{base}id/{key}>", set())
        node |= {f"{a} {term(kind)}" for kind in ("State", "Organization", "Agent")}
        node |= {f"{label} {literal(name, lang='en')}", f"{identifier} {literal(key[6:])}"}
        for lang in ("bn", "hi"):
            if other := lexicon.label(items[key], lang):
                node.add(f"{label} {literal(normalize('NFC', other), lang=lang)}")
        node |= {f"{basis} {literal('Named by a code in a feed', lang='en')}", as_of}
        node |= {made, drafted}
    if pairs:
        words = "States that codes of feeds name, by the lexicon"
        pairs[run] = {
            f"{a} {term('ExtractionRun')}",
            f"{a} <{PROV}Activity>",
            f"{label} {literal(words, lang='en')}",
            f'{identifier} "state-codes"',
            f"{term('runType')} {term('run-type-curation')}",
            f"<{PROV}wasAssociatedWith> {agent}",
            f"<{DCTERMS}date> {date(CODES_CHECKED)}",
            f"{term('method')} {literal('Tables of codes were compared', lang='en')}",
        }
        pairs[agent] = {
            f"{a} {term('SoftwareAgent')}",
            f"{a} {term('Agent')}",
            f"{label} {literal('The lexicon of Chancery', lang='en')}",
            f'{identifier} "state-codes"',
            f"{basis} {literal('This build', lang='en')}",
            as_of,
            made,
            drafted,
        }
    return sorted(f"{s} {pair} <{graph}> .\n" for s, some in pairs.items() for pair in some)


def _labels(lines: Iterable[str], keys: set[str], base: str) -> dict[str, str]:
    """Return the English labels of some nodes, by their keys."""
    from kg.serialise import read_literal

    nodes = {f"<{base}id/{key}>": key for key in keys}
    out = {}
    for line in lines:
        subject, predicate, rest = line.split(" ", 2)
        if subject in nodes and predicate == f"<{RDFS}label>" and rest.find('"@en <') > 0:
            out[nodes[subject]] = read_literal(rest.rsplit(" ", 2)[0])[0]
    return out


def _words(feed: Feed, key: str) -> str:
    what = {
        f"{feed.key}-registry": "agents, places, times and quantities",
        f"{feed.key}-status": "derived: who affirms and who denies what is described",
    }
    rows = f"rows of {key.removeprefix(f'{feed.key}-')}"
    return f"{feed.title}: {what.get(key, rows)}"


def _map_source(
    setup: Setup, feed: Feed, cuts: Sequence[Cut], engine: Engine, passing: list[str]
) -> list[Result]:
    """Return the result of each piece: tables that others need come first.

    Results that another one took the place of are added to `passing`: the next build begins with
    them again.
    """
    done: dict[int, Result] = {}
    known: dict[str, list[Result]] = {}
    waiting = [table for table in feed.tables if any(c.form.table == table.id for c in cuts)]
    present = {table.id for table in waiting}
    indexes = _indexes(setup, feed, cuts, engine)
    while waiting:
        ready = [
            table
            for table in waiting
            if not table.needs or table.needs[0] not in present or table.needs[0] in known
        ]
        if not ready:
            raise MappingError("tables need one another in a circle", where=f"mappings/{feed.id}")
        for table in ready:
            numbers = [n for n, cut in enumerate(cuts) if cut.form.table == table.id]
            needed = known.get(table.needs[0], []) if table.needs else []
            path = ""
            if table.needs or table.seeks:
                path = _known(setup, needed, *(indexes[one][1] for one in table.seeks))
            before = [_NONE] * len(numbers)
            found: list[Result] = []
            stale = list(range(len(numbers)))
            what = f"{feed.id}: {table.id}"
            while stale:
                jobs = [_MapJob(setup, cuts[numbers[n]], before[n], path) for n in stale]
                results = _run(engine, _map, jobs, what, lambda r: r.records, "rows")
                if found:
                    passing += [found[n].path for n in stale]
                    for n, one in zip(stale, results, strict=True):
                        found[n] = one
                else:
                    found = results
                # This ends: a piece needs those before it alone, and indexes only lose records.
                now = _before(found, mapped=table.again == "reject")
                stale = [n for n, one in enumerate(now) if one != before[n]]
                before = now
                if not stale and table.id in table.seeks:
                    # What was found in the table itself may have been set aside: it is not there.
                    gone = _gone(indexes[table.id], found)
                    stale = [
                        n
                        for n, one in enumerate(found)
                        if np.isin(_numbers(one.sought), gone).any()
                    ]
                    keep = ~np.isin(indexes[table.id][1], gone)
                    indexes[table.id] = tuple(part[keep] for part in indexes[table.id])
                    path = _known(setup, needed, *(indexes[one][1] for one in table.seeks))
                what = f"{feed.id}: {table.id} again, for what became of others"
            done.update(zip(numbers, found, strict=True))
            known[table.id] = found
            if table.id in indexes:
                gone = _gone(indexes[table.id], found)
                keep = ~np.isin(indexes[table.id][1], gone)
                indexes[table.id] = tuple(part[keep] for part in indexes[table.id])
            waiting.remove(table)
    return [done[n] for n in range(len(cuts))]


def _indexes(
    setup: Setup, feed: Feed, cuts: Sequence[Cut], engine: Engine
) -> dict[str, tuple[NDArray[np.uint64], ...]]:
    """Return the hashed keys and indexes of every table that others look into."""
    out: dict[str, tuple[NDArray[np.uint64], ...]] = {}
    for name in dict.fromkeys(one for table in feed.tables for one in table.seeks):
        jobs = [_MapJob(setup, cut) for cut in cuts if cut.form.table == name]
        found = _run(engine, _list, jobs, f"{feed.id}: {name}, index", lambda r: r.records, "rows")
        out[name] = tuple(
            np.frombuffer(b"".join(parts), dtype=np.uint64)
            for parts in ([one.keys for one in found], [one.indexes for one in found])
        )
    return out


def _numbers(packed: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(packed, dtype=np.uint64)


def _there(result: Result) -> NDArray[np.uint64]:
    """Return the hashed keys of the records that were not set aside."""
    return np.compress(_whether(result) != ASIDE, _numbers(result.keys))


def _whether(result: Result) -> NDArray[np.uint8]:
    return np.frombuffer(result.whether, dtype=np.uint8)


def _gone(index: tuple[NDArray[np.uint64], ...], results: Sequence[Result]) -> NDArray[np.uint64]:
    """Return the hashed indexes of records all of which were set aside."""
    keys, indexes = index
    mapped = np.isin(keys, np.concatenate([_numbers(b""), *map(_there, results)]))
    return np.setdiff1d(indexes[~mapped], indexes[mapped])


def _before(results: Sequence[Result], *, mapped: bool) -> list[_Before]:
    """Return for each piece how often keys of it came in pieces before.

    Args:
        results: of the pieces.
        mapped: whether those that were mapped count, and each key once, instead of all records.
    """
    out = [_NONE] * len(results)
    every = np.concatenate([_numbers(one.keys) for one in results])
    if len(results) < 2 or not len(every):
        return out
    owners = np.repeat(
        np.arange(len(results), dtype=np.uint32), [len(one.whether) for one in results]
    )
    counts = np.ones(len(every), dtype=np.uint64)
    if mapped:
        whether = np.frombuffer(b"".join(one.whether for one in results), dtype=np.uint8)
        counts = (whether == MAPPED).astype(np.uint64)
    order = np.lexsort((owners, every))
    every, owners, counts = every[order], owners[order], counts[order]
    other_key = np.append(True, every[1:] != every[:-1])
    starts = np.flatnonzero(other_key | np.append(True, owners[1:] != owners[:-1]))
    sums = np.add.reduceat(counts, starts)
    every, owners, other_key = every[starts], owners[starts], other_key[starts]
    earlier = np.cumsum(sums) - sums
    earlier -= earlier[other_key][np.cumsum(other_key) - 1]
    if mapped:
        earlier = np.minimum(earlier, 1)
    some = np.flatnonzero(earlier)
    some = some[np.argsort(owners[some], kind="stable")]
    ends = np.searchsorted(owners[some], np.arange(len(results) + 1))
    for n in range(len(results)):
        if len(here := some[ends[n] : ends[n + 1]]):
            out[n] = (every[here].tobytes(), earlier[here].astype(np.uint64).tobytes())
    return out


def _known(setup: Setup, results: Sequence[Result], *more: NDArray[np.uint64]) -> str:
    """Write the hashed keys of the records that were mapped, and more, sorted; return the file.

    The keys of those that are hidden are there in another form (`kg.ingest.VEIL`).
    """
    arrays = [np.compress(_whether(one) == MAPPED, _numbers(one.keys)) for one in results]
    hidden = (np.compress(_whether(one) == HIDDEN, _numbers(one.keys)) for one in results)
    arrays += [*(some ^ np.uint64(VEIL) for some in hidden), *more]
    keys = np.unique(np.concatenate(arrays)) if arrays else np.array([], dtype=np.uint64)
    name = hashlib.sha256(keys.tobytes()).hexdigest()
    path = Path(setup.work) / "keys" / name
    if not path.exists():
        import io

        buffer = io.BytesIO()
        np.save(buffer, keys)
        put(path, [buffer.getvalue()])
    return str(path)


def _counted(feed: Feed, results: Sequence[Result]) -> Counts:
    """Return the counts of a source, if no more was set aside than it allows."""
    records = sum(one.records for one in results)
    mapped = sum(one.mapped for one in results)
    kinds: Counter[str] = Counter()
    for one in results:
        kinds.update(one.issues)
    aside = kinds.total() - kinds["partly"]
    if records != mapped + aside:
        raise MappingError(
            "records were lost",
            where=f"mappings/{feed.id}.py",
            seen=f"{records} came in, {mapped} were mapped and {aside} set aside",
        )
    counts = Counts(feed.id, records, mapped, aside, kinds["repeated"], kinds["unresolved"])
    bad = kinds["rejected"]
    if bad and bad > records * float(feed.quarantine):
        issues = _Issues(results)
        rejected = (one for one in issues if one.kind == "rejected")
        first = next(rejected)
        reasons = Counter((one.column, one.reason) for one in itertools.chain((first,), rejected))
        told = "; ".join(
            f"{number} times {column + ': ' if column else ''}{reason}"
            for (column, reason), number in reasons.most_common(_SHOWN)
        )
        raise TooMany(
            f"{bad} of {records} rows of {feed.id} cannot be mapped",
            where=f"{first.file}:{first.row}",
            seen=f"{first.value[:80]!r}; {told}",
            expected=f"at most {float(feed.quarantine):.0%} of the rows",
            hint="see rejected/issues.jsonl beside the releases",
            issues=issues,
            counts=counts,
        )
    return counts


class TooMany(MappingError):
    """More rows of a source are bad than it allows: data does not conform.

    `issues` are all that were set aside, read from files each time, and `counts` how many.
    """

    def __init__(self, what: str, *, issues: Iterable[Issue], counts: Counts, **rest: str) -> None:
        super().__init__(what, **rest)
        self.issues = issues
        self.counts = counts


class _Issues:
    """What was set aside, read from the results each time: of many rows it is too much to hold."""

    def __init__(self, results: Sequence[Result]) -> None:
        self._results = results

    def __iter__(self) -> Iterator[Issue]:
        for one in self._results:
            if one.issues:
                yield from _Reader(one.path).issues()


def _settle_jobs(setup: Setup, iri: str, some: Sequence[tuple[str, Result]]) -> list[_SettleJob]:
    """Return the jobs that put a graph together, in the order of its slices."""
    total = sum(one.quads.get(graph, 0) for graph, one in some)
    bits = bits_of(total)
    wide = 1 << min(8, max(0, total // _JOB).bit_length())
    step = _SLICES // wide
    name = some[0][0]
    parts = tuple(dict.fromkeys(one.path for _, one in some))
    return [
        _SettleJob(setup, iri, name, (start, start + step), bits, parts)
        for start in range(0, _SLICES, step)
    ]


def _run(
    engine: Engine,
    function: Callable[[Any], R],
    jobs: Sequence[Any],
    what: str,
    size: Callable[[R], int],
    unit: str,
) -> list[R]:
    """Return what jobs return, in their order, and tell how far they are."""
    found: dict[int, R] = {}
    last = start = time.monotonic()
    number = 0
    for n, one in engine.run(function, jobs):
        found[n] = one
        number += size(one)
        now = time.monotonic()
        if now - last > _EVERY:
            last = now
            left = (now - start) / len(found) * (len(jobs) - len(found))
            _log.info(
                "%s: %d of %d pieces, %s %s, about %d s left",
                what,
                len(found),
                len(jobs),
                f"{number:,}",
                unit,
                left,
            )
    return [found[n] for n in range(len(jobs))]


def hold(work: Path) -> int:
    """Return a file of the system that keeps other builds from sweeping, until it is closed.

    Raises:
        OSError: it cannot be written.
    """
    work.mkdir(parents=True, exist_ok=True)
    held = os.open(work / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(held, fcntl.LOCK_SH)
    return held


def sweep(work: Path, keep: Iterable[str], held: int) -> None:
    """Remove what is in between and was not used: of builds that died, or of files that changed.

    Where another build is at work nothing is removed; it will sweep in its turn.

    Args:
        work: the folder.
        keep: the paths that were used.
        held: what `hold` returned.
    """
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    for path in work.glob(".tmp-*"):
        path.unlink(missing_ok=True)
    work = work.absolute()
    kept = {str(Path(path).absolute()) for path in keep}
    kept |= {f"{path.rpartition('-')[0]}{_ASKED}" for path in kept if "-" in Path(path).name}
    folders = {str(Path(path).parent) for path in kept}
    for path in work.glob(STATES.format("*")):
        if str(path) not in kept:
            path.unlink(missing_ok=True)
    for name in ("cut", "mapped", "settled", "keys"):
        for path in (work / name).glob("*"):
            if name == "cut":
                if str(path) not in folders:
                    shutil.rmtree(path, ignore_errors=True)
                continue
            for file in path.glob("*") if path.is_dir() else [path]:
                if str(file) not in kept:
                    file.unlink(missing_ok=True)
