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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final, NamedTuple

from kg.errors import ReleaseError
from kg.identity import digest
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

MEMBERS: Final = (
    ".nq",
    *(form + packing for form in (".nq", ".trig", ".jsonld") for packing in (".gz", ".zst")),
    ".trig",
    ".jsonld",
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
UNSUMMED: Final = 64 << 20
"""Bytes from which a plain dump of the whole graph has no checksum of its own: it would cost a
second of a core for each gigabyte and each change. What is packed has one, and so has each part."""
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

    def read(self, path: str, size: int) -> memoryview:
        """Return the first bytes of a file, until the next is read."""
        with open(path, "rb", buffering=0) as file:
            if size > len(self._memory):
                self._memory = memoryview(bytearray(2 * size))
            at = 0
            while at < size and (count := file.readinto(self._memory[at:size])):
                at += count
        return self._memory[:at]


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
    separated: bool

    def of(self, data: memoryview, *, inner: bool) -> memoryview:
        """Return it out of the file; of what is separated from others only the statements."""
        if inner and self.separated:
            return data[self.inner : self.inner + self.inner_bytes]
        return data[self.start : self.start + self.bytes]


def _places(part: Part) -> dict[str, _Place]:
    """Return where each form of a part stands, by its suffix; Turtle is that inside of TriG."""
    found: dict[str, _Place] = {}
    at = 0
    for suffix, member in zip(MEMBERS, part.members, strict=True):
        separated = suffix.startswith(".jsonld")
        inner, length = at + member.start, member.stop - member.start
        place = _Place(at, member.bytes, inner, length, separated)
        found[suffix] = place
        if suffix.startswith(".trig"):
            found[suffix.replace(".trig", ".ttl")] = _Place(
                inner, length, inner, length, separated=False
            )
        at = at + member.bytes if suffix != NQ else 0
    return found


def part_lines(folder: Path, part: Part) -> list[str]:
    """Return the lines of a part, with their line feeds, sorted.

    Args:
        folder: that of the release.
        part: the part.
    Raises:
        OSError: the file cannot be read.
        ReleaseError: it is not what was published.
    """
    path = part_path(part, NQ)
    data = (folder / path).read_bytes()
    if hashlib.sha256(data).hexdigest() != part.nq_sha256:
        raise ReleaseError(
            "a part of the release is not what was published",
            where=path,
            hint="see `kg release verify`",
        )
    return [f"{line}\n" for line in data.decode().split("\n")[:-1]]


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
        private: also of what may not be handed on, for whoever does not hand it on.
    Raises:
        ReleaseError: they cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest | None = None,
        parts: Iterable[Part] | None = None,
        *,
        private: bool = False,
    ) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder) if manifest is None else manifest
        hidden = {graph.key for graph in self.manifest.graphs if graph.private and not private}
        found = read_parts(folder) if parts is None else parts
        self._found: dict[str, dict[str, _Place]] = {}
        self.parts: dict[str, tuple[Part, ...]] = {
            key: tuple(group)
            for key, group in itertools.groupby(found, lambda part: part.graph)
            if key not in hidden
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

    def write(self, name: str, file: IO[bytes]) -> None:
        """Write the dump of a name to an open file, compared with its checksum on the way.

        Raises:
            KeyError: there is none.
            ReleaseError: a file of the release is not what was published; what was written is no
                dump.
            OSError: a file cannot be read, or nothing more can be written.
        """
        if name not in self.sums:
            self._check(name)
        sha256 = hashlib.sha256()
        for chunk in self.get(name).read():
            sha256.update(chunk)
            file.write(chunk)
        if sha256.hexdigest() != self.sums.get(name, sha256.hexdigest()):
            raise _damaged(name)

    def _check(self, name: str) -> None:
        """See to it that the parts are what was published, for a dump without a checksum."""
        for parts in self.parts.values():
            for part in parts:
                for path, size, sha256 in part_files(part):
                    if digest(self.folder / path) != (size, sha256):
                        raise _damaged(name)

    def of(self, name: str, parts: Iterable[Part]) -> Dump:
        """Return the dump of some parts, in their order."""
        suffix = suffix_of(name)
        form, packing = split(suffix)
        file = NQ if suffix == NQ else PACK
        found: list[Segment] = []
        for part in parts:
            place = self._places(part)[suffix]
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

    def _places(self, part: Part) -> dict[str, _Place]:
        found = self._found.get(part.name)
        if found is None:
            found = self._found[part.name] = _places(part)
        return found

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Return the bytes of every dump of the whole graph by its suffix."""
        found = {
            suffix: sum(one.length for one in self.of(WHOLE + suffix, ()).segments)
            for suffix in SUFFIXES
        }
        first = True
        for parts in self.parts.values():
            for part in parts:
                places = self._places(part)
                for suffix in SUFFIXES:
                    place = places[suffix]
                    inner = first and suffix.startswith(".jsonld")
                    found[suffix] += place.inner_bytes if inner else place.bytes
                first = False
        return found

    def checksums(self, known: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
        """Return the SHA-256 of every dump by its name, in the order of `names`.

        A plain dump of the whole graph of more than `UNSUMMED` bytes has none.

        Args:
            known: those of graphs that are known already.
        Raises:
            OSError: a file cannot be read.
        """
        summed = [
            suffix for suffix, size in self.sizes.items() if split(suffix)[1] or size <= UNSUMMED
        ]
        found = dict(known)
        with ThreadPoolExecutor(len(FILES)) as threads:
            for some in threads.map(lambda file: self._checksums(file, summed, known), FILES):
                found |= some
        return {name: found[name] for name in self.names() if name in found}

    def _checksums(
        self, file: str, summed: Sequence[str], known: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the checksums of the dumps that are made of one of the files of every part.

        Args:
            file: one of `FILES`.
            summed: the suffixes of the dumps of the whole graph that have a checksum.
            known: those of graphs that are known already.
        """
        suffixes = [suffix for suffix in SUFFIXES if (suffix == NQ) == (file == NQ)]
        heads, feet = {}, {}
        for suffix in suffixes:
            ends = [self.folder / one.path for one in self.of(WHOLE + suffix, ()).segments]
            heads[suffix], *rest = (path.read_bytes() for path in ends)
            feet[suffix] = b"".join(rest)
        wholes = {suffix: hashlib.sha256(heads[suffix]) for suffix in suffixes if suffix in summed}
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
                if not (wholes or ones):
                    continue
                places = self._places(part)
                needed = max(places[one].start + places[one].bytes for one in (*wholes, *ones))
                data = held.read(f"{self.folder}/{part_path(part, file)}", needed)
                for suffix, some in wholes.items():
                    some.update(places[suffix].of(data, inner=first))
                for suffix, some in ones.items():
                    some.update(places[suffix].of(data, inner=not number))
                first = False
            for suffix, some in ones.items():
                some.update(feet[suffix])
                found[names[suffix]] = some.hexdigest()
        for suffix, some in wholes.items():
            some.update(feet[suffix])
            found[WHOLE + suffix] = some.hexdigest()
        return found

    def etag(self, name: str) -> str:
        """Return 64 hexadecimal digits that tell the bytes of a dump from any others.

        They are its checksum if it has one, else a hash over those of its parts.

        Raises:
            OSError: a file cannot be read.
        """
        if name in self.sums:
            return self.sums[name]
        digest = hashlib.sha256(name.encode())
        for end in self.of(name, ()).segments:
            digest.update((self.folder / end.path).read_bytes())
        for parts in self.parts.values():
            for part in parts:
                digest.update(f"{part.nq_sha256} {part.pack_sha256} ".encode())
        return digest.hexdigest()

    @cached_property
    def sums(self) -> Mapping[str, str]:
        """Return the checksum of every dump by its name, as `SHA256SUMS` has it.

        Raises:
            OSError: the file cannot be read.
        """
        lines = (self.folder / SUMS).read_text(encoding="utf-8").splitlines()
        return {line[66:]: line[:64] for line in lines}


def _damaged(name: str) -> ReleaseError:
    return ReleaseError(
        "the release is damaged: this dump is not what was published",
        where=name,
        hint="see `kg release verify`",
    )


def dump(folder: Path, name: str) -> bytes:
    """Return a dump of the release in a folder, such as `graph.nq`; all of it, so for small ones.

    Raises:
        KeyError: there is no dump of that name.
        OSError: a file cannot be read.
        ReleaseError: the release cannot be read.
    """
    return b"".join(Dumps(folder).get(name).read())
