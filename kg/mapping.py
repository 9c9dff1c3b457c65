"""What a mapping script is given and must keep to: the source contract, and how quads are written.

A mapping script is one file in `mappings/` with a `SOURCE` and a function
`map_records(facts, out)`. It imports from `kg.mapping`, `kg.vocab` and `kg.facts` only.

Strict reading: `reading(record)` gives the record behind a proxy that notes which fields are read;
a field that was neither read nor listed as ignored, and has a value, stops the build. So a field
that is added to the records cannot be dropped in silence.

Spec: docs/how-to/add-a-source.md
"""

import hashlib
import importlib.util
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec

from kg.dataset import Dataset
from kg.errors import KgError, KgErrors, MappingError
from kg.facts import FactFile, FactSet, Record, fields_of
from kg.feed import with_source
from kg.register import Register
from kg.vocab import Kind, Vocabulary, data_iri, graph_iri

T = TypeVar("T", bound=msgspec.Struct)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a source of records.

    `id` equals the file name; `expected` are the least and the most records, ends included;
    `ignored` holds `kind.field` names that the mapping leaves out on purpose, each with its reason.
    `on_error`: `stop` (one bad record stops the build) or `quarantine` (it is set aside).
    """

    id: str
    title: str
    publisher: str
    languages: tuple[str, ...]
    licence: str
    redistribution: Literal["open", "share-alike", "none"]
    retrieved: str
    on_error: Literal["stop", "quarantine"]
    expected: tuple[int, int]
    ignored: Mapping[str, str]


class Counts(msgspec.Struct, frozen=True):
    """How many records came in, how many were mapped and how many were set aside.

    Among those set aside are records that came before, and those that need others.
    """

    id: str
    records: int
    mapped: int
    rejected: int
    repeated: int = 0
    unresolved: int = 0


_OF_SEVERAL: Final = ("agent", "relation")
"""Kinds of nodes that two files can mint under one address with different identities."""


def digest_of(line: str) -> bytes:
    """Return 16 bytes by which a line is known."""
    return hashlib.sha256(line.encode()).digest()[:16]


class Quads:
    """Where a mapping writes: a dataset, the base IRI, and a register of every minted node.

    `origins` maps the IRI of a node to the `file:line` it came from: the report uses it.

    Args:
        base: the base IRI.
        vocabulary: the ontology.
        register: of what was suppressed: nodes that it holds are noted in `suppressed`.
    """

    def __init__(self, base: str, vocabulary: Vocabulary, register: Register | None = None) -> None:
        self.base = base
        self.vocabulary = vocabulary
        self.dataset = Dataset()
        self._register = register or None
        self.suppressed: set[str] = set()
        """The addresses that were suppressed, as far as the facts still have them."""
        self.went: set[str] = set()
        """Those of what went along with something suppressed."""
        self.shared: dict[str, set[bytes]] = {}
        """The lines that each file wrote into graphs that are not of its own document: their
        digests."""
        self._own = ""
        self._shared: set[bytes] | None = None
        self.minted: dict[str, set[tuple[bytes, bytes]]] = {}
        """The nodes that several files may mint and that each file minted: digests of address and
        identity."""
        self._minted: set[tuple[bytes, bytes]] | None = None
        self.origins: dict[str, str] = {}
        self._identities: dict[str, object] = {}

    def graph(self, key: str) -> str:
        """Return the IRI of the named graph with this key."""
        return graph_iri(self.base, key)

    def name(self, kind: Kind, key: str) -> str:
        """Return the N-Quads form of a data IRI, without minting it."""
        return f"<{data_iri(self.base, kind, key)}>"

    def mint(self, kind: Kind, key: str, identity: object, origin: str) -> str:
        """Return the N-Quads form of a data IRI and remember what it stands for.

        Args:
            identity: everything that makes two nodes the same one; a second identity for one
                address is a collision.
            origin: `file:line` of the record.
        Raises:
            MappingError: the address is taken by something else.
        """
        address = data_iri(self.base, kind, key)
        known = self._identities.setdefault(address, identity)
        if known != identity:
            raise MappingError(
                "two different things have one address",
                where=origin,
                seen=f"{kind}/{key}, also from {self.origins[address]}",
                expected="fields that tell them apart",
                hint='for two claims by one speaker on one target, give the second one "n: 2"'
                if kind == "claim"
                else "",
            )
        if address not in self.origins:
            self.origins[address] = origin
            self.held(address)
        if kind in _OF_SEVERAL and self._minted is not None:
            self._minted.add((digest_of(address), digest_of(repr(identity))))
        return f"<{address}>"

    def held(self, address: str) -> bool:
        """Return whether an address was suppressed or went along with one; then it is noted."""
        if not self._register:
            return False
        name = address.removeprefix(f"{self.base}id/")
        if self._register.holds(name):
            self.suppressed.add(address)
        elif self._register.went(name):
            self.went.add(address)
        else:
            return False
        return True

    def add(self, graph: str, subject: str, predicate: str, value: str) -> None:
        """Add a quad; all but the graph are N-Quads text."""
        self.dataset.add(graph, subject, predicate, value)
        if graph != self._own and self._shared is not None:
            self._shared.add(digest_of(f"{subject} {predicate} {value} <{graph}> .\n"))

    def begin(self, file: FactFile | None) -> None:
        """Take what is added from now on for that of this file; None: of no file."""
        self._own = self.graph(file.document.id) if file and file.document else ""
        self._shared = self.shared.setdefault(file.file, set()) if file else None
        self._minted = self.minted.setdefault(file.file, set()) if file else None

    def concept(self, scheme: str, key: str) -> str:
        """Return the N-Quads form of a concept by its bare key.

        Raises:
            MappingError: the scheme has no such concept.
        """
        from kg.vocab import term

        found = self.vocabulary.schemes.get(scheme, {}).get(key)
        if found is None:
            raise MappingError(f"no concept {key!r} in the scheme {scheme!r}", where="ontology")
        return term(found.local)


class _Proxy:
    """A record that notes which of its fields were read."""

    __slots__ = ("_inner", "_parts", "_read")

    def __init__(self, inner: msgspec.Struct) -> None:
        self._inner = inner
        self._read: set[str] = set()
        self._parts: dict[str, Any] = {}

    def __repr__(self) -> str:
        return repr(self._inner)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        self._read.add(name)
        if isinstance(value, (msgspec.Struct, list)):
            if name not in self._parts:
                self._parts[name] = _wrap(value)
            return self._parts[name]
        return value


def _wrap(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _Proxy(value)
    if isinstance(value, list) and value and isinstance(value[0], msgspec.Struct):
        return [_Proxy(v) for v in value]
    return value


def _unread(proxy: _Proxy, kind: str, path: str, ignored: Mapping[str, str]) -> Iterator[str]:
    for field in fields_of(type(proxy._inner)):
        name = field.name
        shown = f"{path}{name}"
        if f"{kind}.{shown}" in ignored or f"*.{shown}" in ignored:
            continue
        value = getattr(proxy._inner, name)
        if name not in proxy._read:
            default = (
                field.default
                if field.default_factory is msgspec.NODEFAULT
                else (field.default_factory())
            )
            if value != default:
                yield shown
        else:
            parts = proxy._parts.get(name)
            for part in parts if isinstance(parts, list) else [parts]:
                if isinstance(part, _Proxy):
                    yield from _unread(part, kind, f"{shown}.", ignored)


@contextmanager
def reading(record: T, source: Source, origin: str) -> Iterator[T]:
    """Yield `record` so that at the end every field with a value was read or is ignored.

    Raises:
        MappingError: a field was not read.
    """
    proxy = _Proxy(record)
    yield typing.cast("T", proxy)
    kind = str(type(record).__struct_config__.tag)
    left = sorted(_unread(proxy, kind, "", source.ignored))
    if left:
        raise MappingError(
            f"the mapping {source.id} does not use every field",
            where=origin,
            seen=", ".join(f"{kind}.{name}" for name in left),
            expected="each field used, or listed in Source.ignored with a reason",
        )


class MappingScript(msgspec.Struct, frozen=True):
    """A loaded mapping script."""

    source: Source
    map_records: Callable[[FactSet, Quads], None]


def load_mapping(folder: Path, source_id: str) -> MappingScript:
    """Return the mapping script `<folder>/<source_id>.py`.

    Raises:
        MappingError: there is none, or it has no `SOURCE` of that id and no `map_records`.
    """
    path = folder / f"{source_id}.py"
    spec = importlib.util.spec_from_file_location(f"kg_mappings.{source_id}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise MappingError("no such mapping", where=str(path.name), seen=source_id)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    source = getattr(module, "SOURCE", None)
    function = getattr(module, "map_records", None)
    if not isinstance(source, Source) or source.id != source_id or function is None:
        raise MappingError(
            "the mapping script breaks the contract",
            where=path.name,
            expected=f'SOURCE = Source(id="{source_id}", …) and map_records(facts, out)',
        )
    return MappingScript(source, function)


def mappings(folder: Path) -> list[str]:
    """Return the ids of the mapping scripts in a folder, sorted; none is run."""
    return with_source(folder, "Source")


def run_mapping(
    mapping: MappingScript, facts: FactSet, out: Quads, *, whole: bool = True
) -> Counts:
    """Return the counts after mapping every record into `out`.

    Args:
        mapping: from `load_mapping`.
        facts: the records.
        out: takes the quads.
        whole: whether these are all records, so many as the source declares.

    Raises:
        KgErrors: what could not be mapped, all of it; records outside the expected counts.
    """
    low, high = mapping.source.expected
    if whole and not low <= facts.count <= high:
        raise MappingError(
            "the number of records is not what the source declares",
            where=mapping.source.id,
            seen=str(facts.count),
            expected=f"{low} to {high}",
            hint="is the folder the right one?",
        )
    mapping.map_records(facts, out)
    return Counts(mapping.source.id, facts.count, facts.count, 0)


def for_each_record(
    facts: FactSet,
    out: Quads,
    functions: Mapping[type[Record], Callable[[Any, str, FactFile], None]],
) -> None:
    """Call the function of each record's type with the record, its origin and its file.

    Records come in the order of the files and of their lines; those that are withdrawn are left
    out.

    Raises:
        KgErrors: the MappingErrors of all records, together; one of them is a record of a type
            that has no function.
    """
    errors: list[KgError] = []
    for file in facts.files:
        facts.by_id.begin(file.file)
        out.begin(file)
        for record, origin in zip(file.records, file.origins, strict=True):
            if record.id in file.withdrawn:
                continue
            function = functions.get(type(record))
            try:
                if function is None:
                    raise MappingError("no rule maps this record", where=str(origin))
                function(record, str(origin), file)
            except MappingError as e:
                errors.append(e)
    facts.by_id.begin("")
    out.begin(None)
    if errors:
        raise KgErrors(errors)
