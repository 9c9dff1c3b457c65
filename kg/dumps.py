"""The files in which a graph is handed on, put together from the parts of a release.

A dump is one sequence of bytes: a head, what the parts hold, and a foot. None of it is stored
twice: a dump is a list of *segments*, bytes of files that are there, so that any range of it can be
read without making it. Members of gzip and frames of Zstandard may follow one another, so that the
packed dumps are made in the same way.

Spec: docs/reference/release.md, "The dumps"; RFC 1952 (gzip), section 2.2; RFC 8878 (Zstandard),
section 3
"""

import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from kg.bounded import bounded
from kg.manifest import SUMS, GraphEntry, Manifest, Part, read_manifest, read_parts

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".nq": "application/n-quads",
    ".trig": "application/trig",
    ".ttl": "text/turtle",
    ".jsonld": "application/ld+json",
}
"""What a graph is handed on as, by suffix."""

PACKINGS: Final[Mapping[str, str]] = {
    "": "",
    ".gz": "application/gzip",
    ".zst": "application/zstd",
}
"""How it is packed, by further suffix."""

MEMBERS: Final = tuple(
    form + packing for form in (".nq", ".trig", ".jsonld") for packing in PACKINGS
)
"""The forms of a part by suffix. Turtle is what stands inside of the TriG."""

NQ: Final = ".nq"
PACK: Final = ".pack"
FILES: Final = (NQ, PACK)
"""The suffixes of the files of a part: N-Quads, and all other members one after another."""

SUFFIXES: Final = tuple(form + packing for form in MEDIA_TYPES for packing in PACKINGS)
"""The suffixes of dumps."""

WHOLE: Final = "graph"
GRAPHS: Final = "graphs/"
"""Where the dumps of single graphs stand: `graphs/<key>.ttl.gz`."""

FOLDER: Final = "downloads"
"""Where heads and feet are stored, in a release."""

_CHUNK: Final = 1 << 20
_APART: Final = 500_000
"""Quads from which dumps are summed up by several processes."""
_MOST_S: Final = 24 * 3600
_UNCUT: Final = 8192
"""Quads up to which a graph is one part."""
_AIM: Final = 2048
"""Quads of a part of a larger graph: between half as many and so many, if hashes are fair."""
_MOST_BITS: Final = 12


class Segment(NamedTuple):
    """Bytes of a file: its path in the release, where they start, and how many they are."""

    path: str
    start: int
    length: int


class Dump(NamedTuple):
    """A file that is put together. A segment may be empty."""

    folder: Path
    name: str
    segments: tuple[Segment, ...]

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return sum(segment.length for segment in self.segments)

    def within(self, start: int = 0, stop: int | None = None) -> Iterator[Segment]:
        """Yield the segments that hold the bytes from `start` up to `stop`, or to the end."""
        at = 0
        for path, first, length in self.segments:
            low = max(start, at)
            high = at + length if stop is None else min(stop, at + length)
            if low < high:
                yield Segment(path, first + low - at, high - low)
            at += length

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` up to `stop`, or to the end, in chunks.

        Raises:
            OSError: a file cannot be read, or is shorter than it was.
        """
        for segment in self.within(start, stop):
            yield from _bytes(self.folder / segment.path, segment.start, segment.length)


def _bytes(path: Path, start: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while length:
            chunk = file.read(min(length, _CHUNK))
            if not chunk:
                raise OSError(f"{path.name} is shorter than it was")
            length -= len(chunk)
            yield chunk


class _Held:
    """Holds one file after another in the same memory: new memory costs as much as reading."""

    def __init__(self) -> None:
        self._memory = memoryview(bytearray(_CHUNK))

    def read(self, path: str) -> memoryview:
        """Return the bytes of a file, until the next is read."""
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size > len(self._memory):
                self._memory = memoryview(bytearray(2 * size))
            at = 0
            while at < size and (count := file.readinto(self._memory[at:size])):
                at += count
        return self._memory[:at]


def _in_child(task: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Return what a task returns, done in a process of its own."""
    [found] = bounded(
        lambda: iter([task()]), seconds=_MOST_S, what="summing up was ended", where="the dumps"
    )
    return found


def media_type(name: str) -> str:
    """Return the media type of a dump by its name; that of the packing if it is packed.

    >>> media_type("graph.ttl"), media_type("graphs/registry.nq.zst")
    ('text/turtle', 'application/zstd')
    """
    plain, packing = media_types(name)
    return packing or plain


def media_types(name: str) -> tuple[str, str]:
    """Return the media type of what a dump holds, and that of its packing or nothing.

    >>> media_types("graph.ttl.gz")
    ('text/turtle', 'application/gzip')
    """
    form, packing = split(suffix_of(name))
    return MEDIA_TYPES[form], PACKINGS[packing]


def split(suffix: str) -> tuple[str, str]:
    """Return the suffix of the form and that of the packing.

    >>> split(".nq.gz"), split(".ttl")
    (('.nq', '.gz'), ('.ttl', ''))
    """
    form, dot, packing = suffix[1:].partition(".")
    return f".{form}", dot + packing


def suffix_of(name: str) -> str:
    """Return the suffix of a dump's name, one of `SUFFIXES`, or nothing.

    >>> suffix_of("graph.jsonld.gz"), suffix_of("graph.zip")
    ('.jsonld.gz', '')
    """
    base = name.rpartition("/")[2]
    dot = base.find(".")
    return base[dot:] if dot >= 0 and base[dot:] in SUFFIXES else ""


def part_path(part: Part, suffix: str) -> str:
    """Return the path of a file of a part, in the release.

    Args:
        part: the part.
        suffix: one of `FILES`.
    """
    return f"parts/{part.name}{suffix}"


def part_files(part: Part) -> Iterator[tuple[str, int, str]]:
    """Yield path, size and checksum of each file of a part."""
    yield part_path(part, NQ), part.members[0].bytes, part.nq_sha256
    size = sum(member.bytes for member in part.members[1:])
    yield part_path(part, PACK), size, part.pack_sha256


class _Place(NamedTuple):
    """Where one form of a part stands in its file, and which of it are the statements."""

    start: int
    bytes: int
    inner: int
    inner_bytes: int


def _places(part: Part) -> dict[str, _Place]:
    """Return where each form of a part stands, by its suffix; Turtle is that inside of TriG."""
    found: dict[str, _Place] = {}
    at = 0
    for suffix, member in zip(MEMBERS, part.members, strict=True):
        place = _Place(at, member.bytes, at + member.start, member.stop - member.start)
        found[suffix] = place
        if suffix.startswith(".trig"):
            found[suffix.replace(".trig", ".ttl")] = _Place(
                place.inner, place.inner_bytes, place.inner, place.inner_bytes
            )
        at = at + member.bytes if suffix != NQ else 0
    return found


def bucket_of(subject: str, bits: int) -> int:
    """Return the first bits of the SHA-256 of a subject, which is given as in N-Triples."""
    if not bits:
        return 0
    return int.from_bytes(hashlib.sha256(subject.encode()).digest()[:4]) >> (32 - bits)


def bits_of(quads: int) -> int:
    """Return by how many bits of the subjects' hashes a graph of so many quads is cut.

    >>> [bits_of(n) for n in (0, 8192, 8193, 16_384, 16_385, 10**9)]
    [0, 0, 3, 3, 4, 12]
    """
    return 0 if quads <= _UNCUT else min(_MOST_BITS, ((quads - 1) // _AIM).bit_length())


class Dumps:
    """The dumps of a release: of what may be handed on, and of nothing else.

    Args:
        folder: that of the release.
        manifest, parts: what it says of itself; read if they are not given.
    Raises:
        ReleaseError: they cannot be read.
    """

    def __init__(
        self, folder: Path, manifest: Manifest | None = None, parts: Iterable[Part] | None = None
    ) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder) if manifest is None else manifest
        private = {graph.key for graph in self.manifest.graphs if graph.private}
        found = read_parts(folder) if parts is None else parts
        self.parts: dict[str, tuple[Part, ...]] = {
            key: tuple(group)
            for key, group in itertools.groupby(found, lambda part: part.graph)
            if key not in private
        }

    def names(self) -> Iterator[str]:
        """Yield the name of every dump: of the whole graph first, then of each graph."""
        for stem in (WHOLE, *(GRAPHS + key for key in self.parts)):
            yield from (stem + suffix for suffix in SUFFIXES)

    def find(self, name: str) -> Dump | None:
        """Return the dump of a name, such as `graph.ttl.gz` or `graphs/registry.nq`, or None."""
        suffix = suffix_of(name)
        stem = name.removesuffix(suffix)
        if not suffix:
            return None
        if stem == WHOLE:
            return self.of(name, itertools.chain.from_iterable(self.parts.values()))
        key = stem.removeprefix(GRAPHS)
        if stem == key or key not in self.parts:
            return None
        return self.of(name, self.parts[key])

    def get(self, name: str) -> Dump:
        """Return the dump of a name.

        Raises:
            KeyError: there is none.
        """
        found = self.find(name)
        if found is None:
            raise KeyError(name)
        return found

    def of(self, name: str, parts: Iterable[Part]) -> Dump:
        """Return the dump of some parts, in their order."""
        suffix = suffix_of(name)
        form, packing = split(suffix)
        file = NQ if suffix == NQ else PACK
        found: list[Segment] = []
        for part in parts:
            place = _places(part)[suffix]
            if form == ".jsonld" and not found:
                found.append(Segment(part_path(part, file), place.inner, place.inner_bytes))
            else:
                found.append(Segment(part_path(part, file), place.start, place.bytes))
        head = f"{FOLDER}/head{'.ttl' if form == '.trig' else form}{packing}"
        foot = [f"{FOLDER}/foot{form}{packing}"] if form == ".jsonld" else []
        ends = [
            [Segment(path, 0, (self.folder / path).stat().st_size) for path in paths]
            for paths in ([head], foot)
        ]
        return Dump(self.folder, name, (*ends[0], *found, *ends[1]))

    def part_of(self, graph: GraphEntry, subject: str) -> Part | None:
        """Return the part of a graph in which a subject is described, if it is described there.

        Args:
            graph: one that may be handed on.
            subject: given as in N-Triples.
        """
        parts = self.parts.get(graph.key, ())
        bits = bits_of(graph.quads)
        if not bits:
            return parts[0] if parts else None
        bucket = f"{graph.key}.{bucket_of(subject, bits):0{(bits + 3) // 4}x}."
        return next((part for part in parts if part.name.startswith(bucket)), None)

    def sizes(self) -> dict[str, int]:
        """Return the bytes of every dump of the whole graph by its suffix."""
        found = {
            suffix: sum(one.length for one in self.of(WHOLE + suffix, ()).segments)
            for suffix in SUFFIXES
        }
        first = True
        for parts in self.parts.values():
            for part in parts:
                places = _places(part)
                for suffix in SUFFIXES:
                    place = places[suffix]
                    inner = first and suffix.startswith(".jsonld")
                    found[suffix] += place.inner_bytes if inner else place.bytes
                first = False
        return found

    def checksums(self, known: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
        """Return the SHA-256 of every dump by its name, in the order of `names`.

        Args:
            known: those of graphs that are known already.
        Raises:
            OSError: a file cannot be read.
        """
        found: dict[str, str] = dict(known)
        tasks = [partial(self._checksums, suffix, known) for suffix in FILES]
        if sum(part.quads for parts in self.parts.values() for part in parts) < _APART:
            done = [task() for task in tasks]
        else:  # each is a second of a core for some millions of quads
            with ThreadPoolExecutor(len(tasks)) as threads:
                done = list(threads.map(_in_child, tasks))
        for sums in done:
            found |= sums
        return {name: found[name] for name in self.names()}

    def _checksums(self, file: str, known: Mapping[str, str]) -> dict[str, str]:
        """Return the checksums of the dumps that are made of one of the files of every part."""
        suffixes = [suffix for suffix in SUFFIXES if (suffix == NQ) == (file == NQ)]
        ends = {suffix: self.of(WHOLE + suffix, ()).segments for suffix in suffixes}
        heads, feet = (
            {
                suffix: b"".join(
                    (self.folder / one.path).read_bytes() for one in (some[:1], some[1:])[side]
                )
                for suffix, some in ends.items()
            }
            for side in (0, 1)
        )
        wholes = {suffix: hashlib.sha256(heads[suffix]) for suffix in suffixes}
        found: dict[str, str] = {}
        held = _Held()
        first = True
        for key, parts in self.parts.items():
            names = {suffix: GRAPHS + key + suffix for suffix in suffixes}
            ones = {
                suffix: hashlib.sha256(heads[suffix])
                for suffix in suffixes
                if names[suffix] not in known
            }
            for number, part in enumerate(parts):
                data = held.read(f"{self.folder}/{part_path(part, file)}")
                places = _places(part)
                for suffix in suffixes:
                    place = places[suffix]
                    whole = data[place.start : place.start + place.bytes]
                    inner = data[place.inner : place.inner + place.inner_bytes]
                    separated = suffix.startswith(".jsonld")
                    wholes[suffix].update(inner if separated and first else whole)
                    if suffix in ones:
                        ones[suffix].update(inner if separated and not number else whole)
                first = False
            for suffix, one in ones.items():
                one.update(feet[suffix])
                found[names[suffix]] = one.hexdigest()
        for suffix, whole_one in wholes.items():
            whole_one.update(feet[suffix])
            found[WHOLE + suffix] = whole_one.hexdigest()
        return found

    @cached_property
    def sums(self) -> Mapping[str, str]:
        """Return the checksum of every dump by its name, as `SHA256SUMS` has it.

        Raises:
            OSError: the file cannot be read.
        """
        lines = (self.folder / SUMS).read_text(encoding="utf-8").splitlines()
        return {line[66:]: line[:64] for line in lines}


def dump(folder: Path, name: str) -> bytes:
    """Return a dump of the release in a folder, such as `graph.nq`; all of it, so for small ones.

    Raises:
        KeyError: there is no dump of that name.
        OSError: a file cannot be read.
        ReleaseError: the release cannot be read.
    """
    return b"".join(Dumps(folder).get(name).read())
