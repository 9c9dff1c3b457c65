"""The manifest of a release, and the record of what was published: what both sides read.

The write side makes a release folder with `manifest.json` in it; the read side needs nothing but
that file to know what the folder holds. `published.jsonl` stands beside the releases, because it
has times in it and a release has none of its own.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal, TypeVar

import msgspec

from kg.errors import ReleaseError

FORMAT: Final = 2
"""Version of the layout of a release folder and of its manifest; raised when a reader must know."""

MANIFEST: Final = "manifest.json"
PARTS: Final = "parts.jsonl"
SUMS: Final = "SHA256SUMS"
PROVENANCE: Final = "provenance.ttl"
STORE: Final = "store"
STORE_SUMS: Final = "store.sha256"
QUADS: Final = f"{STORE}/quads"
LABELS: Final = f"{STORE}/labels.sqlite"
LABELS_CHANGED: Final = f"{STORE}/labels-changed.sqlite"
PUBLISHED: Final = "published.jsonl"
CURRENT: Final = "current"

IMPORT: Final = "import"
"""The option of a release that was made from RDF files: neither mapped nor validated."""


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file that was read by a build, e.g. `facts/registry.yaml`."""

    name: str
    sha256: str
    bytes: int


class FileEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a release; `path` is relative to the release folder, with `/`.

    `sha256` is empty where a dump has no checksum of its own. `private` marks a file with content
    that must not be handed on: it is neither offered for download nor exported.
    """

    path: str
    media_type: str
    bytes: int
    sha256: str
    private: bool


class GraphEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One named graph that holds at least one quad.

    `key` names its files: that of its address, or 16 hex digits. `parts` is the number of its parts
    in `parts.jsonl`.
    """

    iri: str
    key: str
    quads: int
    parts: int
    private: bool


class Member(msgspec.Struct, frozen=True, array_like=True):
    """One form of a part: how many bytes it has, and which of them are the statements.

    Around `start` and `stop` stands what makes them a graph of TriG, or separates them from those
    of the part before.
    """

    bytes: int
    start: int
    stop: int


class Part(msgspec.Struct, frozen=True, array_like=True):
    """The statements of a named graph, or those of its subjects whose hashes begin alike.

    `graph` is the key of the graph, `name` what its files are called. There are two: `.nq`, and
    `.pack` with all other members, one after another; `members` are in the order of
    `kg.dumps.MEMBERS`.
    """

    graph: str
    name: str
    quads: int
    nq_sha256: str
    pack_sha256: str
    members: tuple[Member, ...]


class SourceCount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of the records of one source; `records` = `mapped` + `rejected`.

    Among those rejected are `repeated` ones, whose key came before, and `unresolved` ones, which
    need a record that the files do not have.
    """

    id: str
    records: int
    mapped: int
    rejected: int
    repeated: int = 0
    unresolved: int = 0


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One public question with the SPARQL query that answers it."""

    id: str
    question: str
    keywords: tuple[str, ...]
    query: str
    description: str = ""


class Statistics(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Counts of what may be handed on, each triple counted once.

    `classes` has the instances and `properties` the triples of each, `examples` the first thing of
    each kind.
    """

    triples: int
    subjects: int
    entities: int
    classes: dict[str, int]
    properties: dict[str, int]
    examples: dict[str, str]


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a release is, what it was made of and what it holds.

    `dumps` are the files of the whole graph, which are put together from the parts when they are
    asked for (`kg.dumps`); `files` are all others, but for the parts (in `parts.jsonl`), the store
    and this manifest.

    `quads` counts the distinct quads of the store and `triples` the distinct triples in them;
    `classes` counts the distinct instances of each class over all graphs. `id` is computed from
    `inputs`, `base_iri`, `title`, `licence`, `agent`, `time`, `options` and `versions` (but for
    the version of the ontology, which is among the inputs already). `conforms` is None where
    nothing was validated, and `licence` empty where none is claimed.
    """

    format: int
    id: str
    base_iri: str
    title: str
    licence: str
    agent: str
    time: str | None
    options: dict[str, str]
    versions: dict[str, str]
    inputs: tuple[Input, ...]
    conforms: bool | None
    quads: int
    triples: int
    graphs: tuple[GraphEntry, ...]
    classes: dict[str, int]
    public: Statistics
    sources: tuple[SourceCount, ...]
    questions: tuple[Question, ...]
    dumps: tuple[FileEntry, ...]
    files: tuple[FileEntry, ...]

    @property
    def imported(self) -> bool:
        """Return whether the data is RDF that was imported: neither mapped nor validated."""
        return IMPORT in self.options

    def offers(self, path: str) -> bool:
        """Return whether the release has a file, by its path, that may be handed on."""
        return any(entry.path == path and not entry.private for entry in self.files)


class Publication(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One line of `published.jsonl`: the moment at which a release became the current one.

    `notice` is the key of the notice of a suppression, after which it is what it was without
    something.
    """

    id: str
    action: Literal["publish", "rollback", "suppress"]
    time: str
    notice: str = ""


class _Header(msgspec.Struct):
    """The one field that every format of the manifest has."""

    format: int


_T = TypeVar("_T")


def canonical_json(value: object) -> bytes:
    """Return `value` as canonical JSON: sorted keys, no spaces, UTF-8, a newline at the end.

    Args:
        value: Structs, mappings, sequences, strings, integers, booleans and None.
    Spec: RFC 8785 for these types, but for the newline.
    """
    return msgspec.json.encode(value, order="sorted") + b"\n"


def read_manifest(release: Path) -> Manifest:
    """Return the manifest of the release in the folder `release`.

    Raises:
        ReleaseError: there is no manifest, it cannot be read, or it was written by a later version
            of this software.
    """
    path = release / MANIFEST
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ReleaseError(
            "there is no release here: it has no manifest",
            where=str(path),
            hint="build one with `kg build --out DIR`",
        ) from None
    except OSError as error:
        raise ReleaseError(
            f"the manifest cannot be read: {error.strerror}", where=str(path)
        ) from error
    written = _decode(data, _Header, path).format
    if written != FORMAT:
        later = written > FORMAT
        raise ReleaseError(
            f"the release was written by {'a later' if later else 'another'} version of chancery",
            where=str(path),
            seen=f"format {written}",
            expected=f"format {FORMAT}",
            hint="upgrade chancery-kg" if later else "build the release again",
        )
    return _decode(data, Manifest, path)


def write_manifest(release: Path, manifest: Manifest) -> None:
    """Write `manifest.json` into the folder `release`, as canonical JSON.

    Raises:
        OSError: the file cannot be written.
    """
    (release / MANIFEST).write_bytes(canonical_json(manifest))


def read_parts(release: Path) -> tuple[Part, ...]:
    """Return the parts of the release in the folder `release`, in the order of the dumps.

    Raises:
        ReleaseError: the list is missing or cannot be read.
    """
    path = release / PARTS
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReleaseError(
            f"the list of parts cannot be read: {error.strerror}", where=str(path)
        ) from error
    decoder = msgspec.json.Decoder(Part)
    try:
        return tuple(map(decoder.decode, data.splitlines()))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ReleaseError(f"the list of parts cannot be read: {error}", where=str(path)) from error


def write_parts(release: Path, parts: Iterable[Part]) -> None:
    """Write `parts.jsonl` into the folder `release`, one line for each part.

    Raises:
        OSError: the file cannot be written.
    """
    with (release / PARTS).open("wb") as file:
        file.writelines(map(canonical_json, parts))


def read_publications(releases: Path) -> tuple[Publication, ...]:
    """Return what was published in the folder `releases`, oldest first.

    A line that was cut off by a crash is left out.

    Raises:
        ReleaseError: the file is there and cannot be opened.
    """
    path = releases / PUBLISHED
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ReleaseError(
            f"the list of what was published cannot be read: {error.strerror}", where=str(path)
        ) from error
    found = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=Publication))
        except msgspec.MsgspecError:
            continue
    return tuple(found)


def write_publication(releases: Path, publication: Publication) -> None:
    """Append one line to `published.jsonl` and bring it to disk.

    Raises:
        OSError: the file cannot be written.
    """
    with (releases / PUBLISHED).open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # a crash has cut the last line off
                file.write(b"\n")
        file.write(canonical_json(publication))
        file.flush()
        os.fsync(file.fileno())


def rename_publications(releases: Path, names: Mapping[str, str]) -> None:
    """Let the record of what was published name releases by other ids, at once or not at all.

    Args:
        releases: the folder of releases.
        names: the new ids by the old ones.
    Raises:
        OSError: the file cannot be written.
        ReleaseError: the file cannot be read.
    """
    found = read_publications(releases)
    partial = releases / f"{PUBLISHED}.new"
    with partial.open("wb") as file:
        for one in found:
            other = msgspec.structs.replace(one, id=names.get(one.id, one.id))
            file.write(canonical_json(other))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(releases / PUBLISHED)


def _decode(data: bytes, kind: type[_T], path: Path) -> _T:
    """Return the JSON document `data` as a `kind`."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ReleaseError(
            f"the manifest cannot be read: {error}",
            where=str(path),
            hint="check the folder with `kg release verify`, or build the release again",
        ) from error
