"""The records of facts files: their types, how they are read, and what a reader is told of errors.

A facts file holds records, each with a `kind`. People write YAML (a list of records, every scalar
read as a string), machines write JSON Lines; both give the same records and the same checks.

Reading has three stages, and each reports all of its errors together:

1. the file: encoding, YAML or JSON syntax, duplicate keys;
2. the record: unknown fields, missing fields, values that are not of the field's form;
3. the set: one id twice, references that lead nowhere, offsets outside the document, unknown
   concepts, dates, records that are only proposed.

Spec: docs/reference/facts.md; JSON Schema 2020-12 from `json_schema()`.
"""

import decimal
import json
import os
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from kg import edtf
from kg.errors import FactError, KgErrors
from kg.names import is_nfc, nfc

Key = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$(?!\n)", max_length=80)]
"""An id or a reference to one: lower-case ASCII letters, digits and single hyphens."""

ShortKey = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$(?!\n)", max_length=60)]
"""The id of a new document: other ids are made from it."""

LanguageTag = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$(?!\n)")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Offsets = Annotated[str, Meta(pattern=r"^[0-9]{1,9}-[0-9]{1,9}$(?!\n)")]
IsoDate = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)")]
Number = Annotated[str, Meta(pattern=r"^-?[0-9]{1,30}([.][0-9]{0,30}[1-9])?$(?!\n)")]
Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Labels = dict[LanguageTag, Text]
Variants = dict[LanguageTag, list[Text]]

Stance = Literal[
    "affirms", "denies", "disputes-evidence", "questions", "does-not-confirm", "cannot-verify"
]
Modality = Literal[
    "actual", "ongoing", "planned", "expected", "intended", "conditional", "hypothetical"
]
Certainty = Literal["certain", "probable", "possible", "unstated"]
Basis = Literal[
    "satellite-imagery",
    "intelligence",
    "document",
    "own-observation",
    "named-source",
    "unnamed-source",
    "analysis",
    "official-statement",
    "machine-coded",
    "curation",
    "none-stated",
]
Manner = Literal["stated", "presupposed", "implied"]
Attribution = Literal["stated", "inferred"]
Aspect = Literal["single", "repeated", "continuing"]
Quality = Literal["garbled", "ambiguous", "fragment", "loose"]
Precision = Literal["exact", "approximate", "at-least", "at-most", "vague", "unstated"]
PartOfDay = Literal["early", "morning", "afternoon", "evening", "night"]
ReferenceBasis = Literal["dateline", "supplied-by-curator", "stated-in-text"]
ReviewState = Literal["drafted", "checked", "cleared"]
Redistribution = Literal["open", "share-alike", "none"]
AgentType = Literal[
    "Person",
    "Organization",
    "State",
    "GovernmentBody",
    "NewsOrganization",
    "IntergovernmentalOrganization",
    "ResearchOrganization",
    "ArmedActor",
    "UnnamedSource",
    "Group",
    "SoftwareAgent",
]
PlaceType = Literal["Place", "Facility"]
ThingType = Literal["Vehicle", "Materiel", "Programme", "Measure", "Work", "Topic"]
RunType = Literal["extraction", "review", "curation", "coding"]
NoticeReason = Literal[
    "inaccurate",
    "unfair",
    "defamatory",
    "protected-person",
    "attribution",
    "investigation",
    "outdated",
    "privacy",
    "other",
]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A value inside a record."""


class Evidence(Part, frozen=True, kw_only=True):
    """Where a document says it: a whole sentence by number, or half-open code-point offsets.

    Exactly one of `sentence` (counted from 0) and `at` ("start-end") is given. `sha256` is of the
    UTF-8 bytes of the span; for a sentence it is taken from the document's list.
    """

    sentence: int | None = None
    at: Offsets | None = None
    sha256: Sha256 | None = None
    document: Key | None = None


class Time(Part, frozen=True, kw_only=True):
    """When: what the words say, resolved against a reference date.

    `edtf` is level 0 or 1 of EDTF (ISO 8601-2:2019); its bounds become `earliest` and `latest`.
    `rule` is a concept of the scheme "how a date was read" (weekday, last-week, …).
    """

    edtf: Annotated[str, Meta(min_length=4, max_length=60)]
    rule: Key
    reference: IsoDate | None = None
    reference_basis: ReferenceBasis | None = None
    part: PartOfDay | None = None
    certainty: Certainty = "certain"
    wording: Text | None = None


class Quantity(Part, frozen=True, kw_only=True):
    """How many or how much: bounds, precision, unit, and the wording in our own words."""

    low: Number | None = None
    best: Number | None = None
    high: Number | None = None
    precision: Precision
    unit: Text
    wording: Text | None = None


class Participant(Part, frozen=True, kw_only=True):
    """Who or what takes part in an event, in which role; `named_as` is the metonym's place."""

    role: Key
    who: Key
    named_as: Key | None = None
    quantity: Quantity | None = None
    note: Text | None = None


class Reading(Part, frozen=True, kw_only=True):
    """What is wrong with the text, what it says word for word, which sense was taken, and why."""

    quality: Quality
    literal: Text
    chosen: Text
    reason: Text


class Quote(Part, frozen=True, kw_only=True):
    """At most five words, kept because the wording is the fact."""

    text: Annotated[str, Meta(min_length=1, max_length=80)]
    lang: LanguageTag


class Sentence(Part, frozen=True, kw_only=True):
    """One sentence of a document: offsets and hash, never its text."""

    at: Offsets
    sha256: Sha256
    fragment: bool = False


class Custody(Part, frozen=True, kw_only=True):
    """Where and when the text was captured, or why that is not known."""

    url: Text | None = None
    archive_url: Text | None = None
    captured: IsoDate | None = None
    tool: Text | None = None
    reason: Text | None = None


class Record(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"
):
    """What every record has. `extracted`, `reviewed` and `review` default to the document's.

    `proposed` is of a program's proposal, which nobody has taken over: it is never published.
    """

    id: Key
    note: Text | None = None
    extracted: Key | None = None
    reviewed: Key | None = None
    review: Literal["proposed", "drafted", "checked", "cleared"] | None = None


class Document(Record, frozen=True, kw_only=True, tag="document"):
    """A text that was read: identified by its hash, described, not republished."""

    identifier: Text
    title: Labels
    language: LanguageTag
    sha256: Sha256
    characters: int
    sentences: list[Sentence]
    reference_date: IsoDate
    reference_basis: ReferenceBasis
    dateline_place: Key | None = None
    published: Text | None = None
    publisher: Key | None = None
    publisher_unstated: Text | None = None
    custody: Custody
    redistribution: Redistribution = "open"


class Run(Record, frozen=True, kw_only=True, tag="run"):
    """One reading or re-reading: who or what did it, how and when."""

    type: RunType
    agent: Key
    date: IsoDate
    method: Text
    label: Labels


class Entity(Record, frozen=True, kw_only=True):
    """What agents, places, things and positions share.

    `wikidata` publishes nothing: it states which identifier the writer has in mind, and the build
    stops where the authority of links (`mappings/wikidata.sssom.tsv`) does not say the same.
    """

    labels: Labels
    variants: Variants = {}
    description: Labels = {}
    basis: Text
    as_of: IsoDate
    distinct_from: list[Key] = []
    wikidata: Annotated[str, Meta(pattern=r"^Q[1-9][0-9]{0,11}$(?!\n)")] | None = None


class Agent(Entity, frozen=True, kw_only=True, tag="agent"):
    """Somebody who can act or speak. Unnamed ones are described and never merged."""

    type: AgentType
    acts_for: Key | None = None
    quantity: Quantity | None = None
    located_in: Key | None = None


class Place(Entity, frozen=True, kw_only=True, tag="place"):
    """A place or facility; coordinates are WGS 84 decimal degrees."""

    type: PlaceType = "Place"
    located_in: Key | None = None
    latitude: Number | None = None
    longitude: Number | None = None


class Thing(Entity, frozen=True, kw_only=True, tag="thing"):
    """What is moved, made, decided, written or talked about."""

    type: ThingType
    quantity: Quantity | None = None


class Position(Entity, frozen=True, kw_only=True, tag="position"):
    """An office: in which body, for which state or person, toward whom."""

    position_in: Key | None = None
    position_for: Key | None = None
    position_toward: Key | None = None


class Event(Record, frozen=True, kw_only=True, tag="event"):
    """A description of something that happens. It asserts nothing: claims do."""

    label: Labels
    type: Key
    description: Labels = {}
    participants: list[Participant] = []
    unstated: list[Key] = []
    time: Time | None = None
    aspect: Aspect = "single"
    quantity: Quantity | None = None
    reading: Reading | None = None


class Relation(Record, frozen=True, kw_only=True, tag="relation"):
    """A description of a state of affairs between two things, or of a thing and a value."""

    type: Key
    subject: Key
    object: Key | None = None
    value: Text | None = None
    time: Time | None = None
    quantity: Quantity | None = None
    reading: Reading | None = None


class Claim(Record, frozen=True, kw_only=True, tag="claim"):
    """Somebody's position on a proposition, on a set of claims, or somebody's relaying of a claim.

    Exactly one of `about` and `relays`. `by` may be `narrator` (the document's own voice) or
    `unattributed` ("it is said"). `via` lists the outlets through which it reached the document,
    outermost first; the mapping writes their relaying claims.
    """

    by: Annotated[list[Key], Meta(min_length=1)]
    about: Key | None = None
    relays: Key | None = None
    via: list[Key] = []
    stance: Stance
    modality: Modality
    certainty: Certainty
    basis: Basis
    manner: Manner = "stated"
    attribution: Attribution = "stated"
    time: Time | None = None
    evidence: Annotated[list[Evidence], Meta(min_length=1)]
    responds_to: list[Key] = []
    quoted: list[Quote] = []
    concedes: list[Key] = []
    contrasts_with: list[Key] = []
    gives_reason_for: list[Key] = []
    says_only: list[Key] = []
    confidence: Number | None = None
    n: Annotated[int, Meta(ge=1)] = 1
    description: Labels = {}
    reading: Reading | None = None


class ClaimSet(Record, frozen=True, kw_only=True, tag="claimset"):
    """A class of claims that a text speaks of ("such accusations")."""

    label: Labels
    stated: list[Key] = []
    inferred: list[Key] = []
    evidence: Annotated[list[Evidence], Meta(min_length=1)]


class Mention(Record, frozen=True, kw_only=True, tag="mention"):
    """A name in the text: its form, what it names, and what is meant where that differs."""

    at: Offsets
    surface: Annotated[str, Meta(min_length=1, max_length=120)]
    names: Key
    means: Key | None = None
    stem: Text | None = None
    form: Text | None = None
    sha256: Sha256 | None = None


class Link(Record, frozen=True, kw_only=True, tag="link"):
    """Two events, perhaps the same one: a curator's judgement, never a merge.

    `events` are of these facts, `feed_events` of feeds, by the keys of their addresses (of
    `…/id/event/gdelt-410412347` the last part); both together are two. A link with an event that a
    release does not have is left out of it.
    """

    events: Annotated[list[Key], Meta(max_length=2)] = []
    feed_events: Annotated[list[Key], Meta(max_length=2)] = []
    certainty: Certainty
    accepted: bool = False
    reason: Text


class Notice(Record, frozen=True, kw_only=True):
    """What corrections and withdrawals share.

    A notice stands in the file of the records that it is of. `authority` is who decided, or which
    order of a court, in words.
    """

    of: Annotated[list[Key], Meta(min_length=1)]
    reason: NoticeReason
    authority: Text
    date: IsoDate


class Correction(Notice, frozen=True, kw_only=True, tag="correction"):
    """Records that were wrong here and are mended: `summary` says what was said and what is now.

    What is corrected keeps its address; earlier releases keep what was said.
    """

    summary: Labels


class Withdrawal(Notice, frozen=True, kw_only=True, tag="withdrawal"):
    """Records that are no longer published. They stay in the file; their addresses are answered
    with a tombstone.

    Of a document it withdraws every record of its file.
    """

    summary: Labels = {}


AnyRecord = (
    Document
    | Run
    | Agent
    | Place
    | Thing
    | Position
    | Event
    | Relation
    | Claim
    | ClaimSet
    | Mention
    | Link
    | Correction
    | Withdrawal
)
RECORD_TYPES: Final[Mapping[str, type[Record]]] = types.MappingProxyType(
    {str(t.__struct_config__.tag): t for t in typing.get_args(AnyRecord)}
)
"""The record type of each `kind`, in the order in which a person meets them."""

VOICES: Final = ("narrator", "unattributed")
"""What `by` may say instead of an agent: the document's own voice, or nobody named."""

RESERVED: Final[Mapping[str, frozenset[str]]] = types.MappingProxyType(
    {
        "document": frozenset(
            (
                "registry",
                "vocabulary",
                "links",
                "event-links",
                "status",
                "uncontested",
                "provenance",
                "corrections",
            )
        ),
        "run": frozenset(("build",)),
        "agent": frozenset(VOICES),
    }
)
"""Ids that are taken: by graphs of the build, by its own run, and by the two voices."""

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_DEPTH: Final = 12
_ENTITY = ("agent", "place", "thing", "position")
_PROPOSITION = ("event", "relation")

_REFERENCES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = types.MappingProxyType(
    {
        ("document", "dateline_place"): ("place",),
        ("document", "publisher"): ("agent",),
        ("run", "agent"): ("agent",),
        ("agent", "acts_for"): ("agent",),
        ("agent", "located_in"): ("place", "agent"),
        ("place", "located_in"): ("place", "agent"),
        ("position", "position_in"): ("agent",),
        ("position", "position_for"): ("agent",),
        ("position", "position_toward"): ("agent",),
        ("event", "who"): (*_ENTITY, *_PROPOSITION),
        ("event", "named_as"): ("place", "agent"),
        ("relation", "subject"): (*_ENTITY, *_PROPOSITION),
        ("relation", "object"): (*_ENTITY, *_PROPOSITION),
        ("claim", "by"): ("agent",),
        ("claim", "about"): (*_PROPOSITION, "claimset"),
        ("claim", "relays"): ("claim",),
        ("claim", "via"): ("agent",),
        ("claim", "responds_to"): ("claim",),
        ("claim", "concedes"): ("claim",),
        ("claim", "contrasts_with"): ("claim",),
        ("claim", "gives_reason_for"): ("claim",),
        ("claim", "says_only"): _PROPOSITION,
        ("claim", "document"): ("document",),
        ("claimset", "stated"): ("claim",),
        ("claimset", "inferred"): ("claim",),
        ("claimset", "document"): ("document",),
        ("mention", "names"): (*_ENTITY, *_PROPOSITION),
        ("mention", "means"): (*_ENTITY, *_PROPOSITION),
        ("link", "events"): ("event",),
        ("*", "distinct_from"): _ENTITY,
        ("*", "extracted"): ("run",),
        ("*", "reviewed"): ("run",),
    }
)
"""Which kinds a field may refer to; `*` is every kind of record that has the field."""

_CONCEPTS: Final[Mapping[tuple[str, str], str]] = types.MappingProxyType(
    {
        ("event", "type"): "event-type",
        ("event", "unstated"): "role",
        ("event", "role"): "role",
        ("event", "rule"): "time-rule",
        ("relation", "type"): "relation-type",
        ("relation", "rule"): "time-rule",
        ("claim", "rule"): "time-rule",
    }
)
"""Which open scheme of the ontology a field takes its concepts from."""


class Origin(msgspec.Struct, frozen=True):
    """Where a record stands: the file, named `facts/…` wherever the folder lies, and the line."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class FactFile(msgspec.Struct, frozen=True, dict=True):
    """The records of one file, in their order, each with its place; `document` if it has one."""

    file: str
    records: tuple[AnyRecord, ...]
    origins: tuple[Origin, ...]
    document: Document | None

    @cached_property
    def withdrawn(self) -> frozenset[str]:
        """Return the ids of the records that are withdrawn: they are read, and not published."""
        found = {
            key for record in self.records if isinstance(record, Withdrawal) for key in record.of
        }
        if self.document and self.document.id in found:
            found |= {record.id for record in self.records if not isinstance(record, Notice)}
        return frozenset(found)


class Elsewhere(typing.Protocol):
    """Records of files that are not read again."""

    def find(self, key: str) -> FactFile | None:
        """Return the file that holds the record of an id, or None."""


class Records(Mapping[str, AnyRecord]):
    """Records by id. Notes which file looked at which record of another file.

    Iterating gives the records of the files that were read, and no others.

    Args:
        files: those that were read.
        elsewhere: knows the records of all others.
    """

    def __init__(self, files: Iterable[FactFile], elsewhere: Elsewhere | None = None) -> None:
        self._held: dict[str, AnyRecord] = {}
        self._home: dict[str, FactFile] = {}
        self._elsewhere = elsewhere
        self._reader = ""
        self._look: set[str] = set()
        self.looked: dict[str, set[str]] = {}
        """The ids of records in other files that each file looked at."""
        for file in files:
            for record in file.records:
                self._held[record.id] = record
                self._home[record.id] = file

    def begin(self, file: str) -> None:
        """Note from now on what this file looks at; no file is named by an empty text."""
        self._reader = file
        self._look = self.looked.setdefault(file, set()) if file else set()

    def __getitem__(self, key: str) -> AnyRecord:
        """Return the record of an id."""
        record = self._held.get(key)
        if record is None:
            self._fetch(key)
            record = self._held[key]
        if self._home[key].file != self._reader:
            self._look.add(key)
        return record

    def _fetch(self, key: str) -> None:
        """Take a file that was not read, for a record in it."""
        file = self._elsewhere.find(key) if self._elsewhere else None
        for record in file.records if file else ():
            self._held.setdefault(record.id, record)
            if file:
                self._home.setdefault(record.id, file)

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def file_of(self, key: str) -> FactFile:
        """Return the file that holds the record of an id.

        Raises:
            KeyError: there is no such record.
        """
        if key not in self._home:
            self._fetch(key)
        file = self._home[key]
        if file.file != self._reader:
            self._look.add(key)
            if file.document:
                self._look.add(file.document.id)
        return file


class FactSet(msgspec.Struct, frozen=True):
    """Records of a build, checked: ids are unique and every reference leads somewhere.

    `files` are what is to be mapped, in order of their names: all of a build, or those that an
    incremental build reads. `by_id` has every record, also of other files.
    """

    files: tuple[FactFile, ...]
    by_id: Records

    @property
    def count(self) -> int:
        """Return the number of records in the files."""
        return sum(len(file.records) for file in self.files)

    def records(self) -> dict[str, tuple[AnyRecord, Origin]]:
        """Return the records of the files with their places, in the order of their ids."""
        found = {
            record.id: (record, place)
            for file in self.files
            for record, place in zip(file.records, file.origins, strict=True)
        }
        return dict(sorted(found.items()))


def date_bounds(text: str) -> tuple[str | None, str | None]:
    """Return the first and the last day that an EDTF date covers; see `kg.edtf.bounds`.

    Raises:
        ValueError: the text is no date of the supported part of EDTF.
    """
    return edtf.bounds(text)


@cache
def fields_of(form: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Return the fields of a type of record or value, in order; msgspec evaluates them each time.

    Raises:
        TypeError: no type of msgspec.Struct.
    """
    return msgspec.structs.fields(form)


def kind_of(record: Record) -> str:
    """Return the `kind` of a record, e.g. `claim`."""
    return str(type(record).__struct_config__.tag)


def facts_files(folders: Sequence[Path]) -> dict[str, Path]:
    """Return the facts files of some folders by name, in the order in which they are read.

    A name is `facts/<path>`, of the second folder `facts-2/<path>`: the same wherever they lie.

    Args:
        folders: hold `*.yaml`, `*.yml` and `*.jsonl`, also in folders below; folders are taken in
            the order given, files in the order of their names.
    Raises:
        FactError: a folder is missing or holds no facts file.
    """
    found: dict[str, Path] = {}
    for number, folder in enumerate(folders, 1):
        prefix = "facts" if number == 1 else f"facts-{number}"
        if not folder.is_dir():
            raise FactError("no such folder", where=str(folder), hint="name one with --facts")
        paths = sorted(
            Path(parent, name)
            for parent, _, names in os.walk(folder)
            for name in names
            if name.lower().endswith((".yaml", ".yml", ".jsonl"))
            and not name.startswith(".")
            and os.path.isfile(os.path.join(parent, name))
        )
        if not paths:
            raise FactError(
                "no facts file",
                where=str(folder),
                expected="files that end in .yaml or .jsonl",
                hint="kg facts new makes one",
            )
        found |= {f"{prefix}/{path.relative_to(folder).as_posix()}": path for path in paths}
    return found


def read_facts(folders: Sequence[Path], schemes: Mapping[str, Iterable[str]]) -> FactSet:
    """Return every record below the folders, checked as one set.

    Args:
        folders: see `facts_files`.
        schemes: bare concept keys by scheme (`event-type`, `relation-type`, `role`, `time-rule`),
            from the ontology.
    Raises:
        KgErrors: every error of the first stage that has any (file, record, set), in the order
            of files and lines.
        FactError: the folder is missing or holds no facts file.
    """
    return read_files(facts_files(folders), schemes)


def read_files(
    paths: Mapping[str, Path],
    schemes: Mapping[str, Iterable[str]],
    elsewhere: Elsewhere | None = None,
) -> FactSet:
    """Return the records of some facts files, checked as one set with those of other files.

    Args:
        paths: the files by name, in order.
        schemes: see `read_facts`.
        elsewhere: the records of the other files, which were checked before.
    Raises:
        KgErrors: see `read_facts`.
    """
    errors: list[FactError] = []
    raw: list[tuple[str, list[_Raw]]] = []
    for name, path in paths.items():
        try:
            raw.append((name, _read_file(path, str(path))))
        except KgErrors as e:
            errors += typing.cast("tuple[FactError, ...]", e.errors)
        except FactError as e:
            errors.append(e)
    _stop(errors)
    files = [_typed(name, records, errors) for name, records in raw]
    _stop(errors)
    places: dict[str, Origin] = {}
    for file in files:
        for record, place in zip(file.records, file.origins, strict=True):
            known = places.setdefault(record.id, place)
            if known is place and elsewhere and (other := elsewhere.find(record.id)):
                known = next(
                    there
                    for one, there in zip(other.records, other.origins, strict=True)
                    if one.id == record.id
                )
            if known is not place:
                errors.append(
                    FactError(
                        "two records have one id",
                        where=str(place),
                        seen=f'"{record.id}", also at {known}',
                        expected="an id used once in all facts files",
                        hint="rename one of them and what refers to it",
                    )
                )
    facts = FactSet(tuple(files), Records(reversed(files), elsewhere))
    known_keys = {scheme: frozenset(keys) for scheme, keys in schemes.items()}
    for file, (_, lines) in zip(files, raw, strict=True):
        facts.by_id.begin(file.file)
        for record, item in zip(file.records, lines, strict=True):
            errors += _check_record(record, _Where(item), file, facts, known_keys)
        errors += _proposals(file, [_Where(item) for item in lines])
    facts.by_id.begin("")
    _stop(errors)
    return facts


def read_registry(folders: Sequence[Path]) -> list[AnyRecord]:
    """Return the records of the files without a document: what facts of any article may name.

    Each is read by itself: a file that is still being worked on beside them is no error.

    Raises:
        KgErrors: a record is not of its form, in one of those files.
        FactError: a folder is missing or holds no facts file, or a file cannot be read.
    """
    errors: list[FactError] = []
    out: list[AnyRecord] = []
    for name, path in facts_files(folders).items():
        raw = _read_file(path, str(path))
        if not any(isinstance(r.value, dict) and r.value.get("kind") == "document" for r in raw):
            out.extend(_typed(name, raw, errors).records)
    _stop(errors)
    return out


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a facts file: a list of records told apart by `kind`.

    Numbers and booleans are accepted in their JSON forms and as strings, as YAML gives them here.
    """
    (out,), components = msgspec.json.schema_components(
        [list[AnyRecord]], ref_template="#/$defs/{name}"
    )
    for definition in components.values():
        for field in definition.get("properties", {}).values():
            _accept_strings(field)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://w3id.org/chancery/facts/schema.json",
        "title": "Chancery facts",
        "description": "One facts file: a list of records.",
        **out,
        "$defs": components,
    }


_NUMBER_PATTERN: Final = typing.get_args(Number)[1].pattern


def _accept_strings(schema: dict[str, Any]) -> None:
    for option in [schema, *schema.get("anyOf", [])]:
        if option.get("type") == "integer":
            option["type"] = ["integer", "string"]
            option["pattern"] = "^[0-9]+$"
        elif option.get("pattern") == _NUMBER_PATTERN:
            option["type"] = ["string", "number"]
        elif option.get("type") == "boolean":
            option["type"] = ["boolean", "string"]
            option["pattern"] = "^(true|false)$"


def _stop(errors: list[FactError]) -> None:
    if errors:
        raise KgErrors(errors)


# --- stage 1: files -------------------------------------------------------------------------

_Path = tuple[str | int, ...]


class _Raw(msgspec.Struct):
    """One record as read: plain values, and the line of each path in it."""

    value: Any
    file: str
    lines: dict[_Path, int]


class _Where(msgspec.Struct, frozen=True):
    raw: _Raw

    def __call__(self, *path: str | int) -> str:
        """Return `file:line` of the nearest part of `path` that has a line."""
        for n in range(len(path), -1, -1):
            if path[:n] in self.raw.lines:
                return f"{self.raw.file}:{self.raw.lines[path[:n]]}"
        return self.raw.file


def _read_file(path: Path, name: str) -> list[_Raw]:
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_FILE_BYTES else b""
    except OSError as e:
        raise FactError("the file cannot be read", where=name, seen=str(e.strerror)) from None
    if size > MAX_FILE_BYTES:
        raise FactError(
            "the file is too large",
            where=name,
            seen=f"{size} bytes",
            expected=f"at most {MAX_FILE_BYTES}",
            hint="split it; feeds of many rows are read by mappings, not as facts",
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        line = data[: e.start].count(b"\n") + 1
        raise FactError(
            "the file is not UTF-8",
            where=f"{name}:{line}",
            seen=f"byte 0x{data[e.start]:02X}",
            expected="text encoded as UTF-8",
            hint="save the file as UTF-8",
        ) from None
    text = text.removeprefix("\ufeff")
    return _read_jsonl(text, name) if path.suffix.lower() == ".jsonl" else _read_yaml(text, name)


def _read_jsonl(text: str, name: str) -> list[_Raw]:
    errors: list[FactError] = []
    out: list[_Raw] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{name}:{number}"

        def pairs(items: list[tuple[str, Any]], where: str = where) -> dict[str, Any]:
            seen: dict[str, Any] = {}
            for key, value in items:
                if key in seen:
                    errors.append(_twice(where, key))
                seen[key] = value
            return seen

        try:
            value = json.loads(line, object_pairs_hook=pairs, parse_float=decimal.Decimal)
        except (ValueError, RecursionError) as e:
            errors.append(
                FactError(
                    "the line is not JSON",
                    where=where,
                    seen=str(e),
                    expected="one JSON object on each line",
                )
            )
            continue
        if _depth(value) > MAX_DEPTH:
            errors.append(
                FactError(
                    "the record is nested too deeply",
                    where=where,
                    expected=f"at most {MAX_DEPTH} levels",
                )
            )
            continue
        out.append(_Raw(value, name, {(): number}))
    _stop(errors)
    return out


def _depth(value: Any) -> int:
    """Return how deeply lists and objects are nested, counted up to one more than is allowed."""
    depth, level = 0, [value]
    while level and depth <= MAX_DEPTH:
        depth += 1
        level = [
            item
            for one in level
            if isinstance(one, (dict, list))
            for item in (one.values() if isinstance(one, dict) else one)
        ]
    return depth


def _twice(where: str, key: str) -> FactError:
    return FactError(
        "a field is given twice", where=where, seen=f'"{key}"', expected="each field once"
    )


def _at(name: str, event: Any) -> str:
    return f"{name}:{event.start_mark.line + 1}"


def _read_yaml(text: str, name: str) -> list[_Raw]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    errors: list[FactError] = []
    events = _yaml_events(yaml, text, loader, name)
    top: list[_Raw] = []
    for event in events:
        if isinstance(event, yaml.SequenceStartEvent):
            break
        if isinstance(event, yaml.NodeEvent):
            raise FactError(
                "the file is not a list of records",
                where=_at(name, event),
                expected='records that each begin with "- kind: …"',
            )
    else:
        return []
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            break
        raw = _Raw(None, name, {})
        raw.value = _yaml_value(yaml, event, events, raw, (), errors)
        top.append(raw)
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            errors.append(
                FactError(
                    "the file holds more than one YAML document",
                    where=_at(name, event),
                    expected="one list of records",
                    hint="remove the line ---",
                )
            )
            break
    _stop(errors)
    return top


def _yaml_events(yaml: Any, text: str, loader: Any, name: str) -> Iterator[Any]:
    """Yield the parser's events; a syntax error becomes a FactError with its line."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                raise FactError(
                    "the file is nested too deeply",
                    where=_at(name, event),
                    expected=f"at most {MAX_DEPTH} levels",
                )
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise FactError(
                    "YAML anchors and aliases are not used in facts files",
                    where=_at(name, event),
                    hint="write the value out",
                )
            yield event
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise FactError(
            "the file is not YAML",
            where=f"{name}{line}",
            seen=str(getattr(e, "problem", None) or e).splitlines()[0],
            expected="valid YAML",
            hint="quote a text that holds ': ' or ' #', and indent with spaces",
        ) from None


def _yaml_value(
    yaml: Any, event: Any, events: Iterator[Any], raw: _Raw, path: _Path, errors: list[FactError]
) -> Any:
    raw.lines[path] = event.start_mark.line + 1
    if isinstance(event, yaml.ScalarEvent):
        return event.value
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Any] = []
        for item in events:
            if isinstance(item, yaml.SequenceEndEvent):
                break
            items.append(_yaml_value(yaml, item, events, raw, (*path, len(items)), errors))
        return items
    out: dict[str, Any] = {}
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            break
        where = _at(raw.file, key)
        if not isinstance(key, yaml.ScalarEvent):
            raise FactError("a field's name is not a word", where=where, expected="name: value")
        if key.value in out:
            errors.append(_twice(where, key.value))
        out[key.value] = _yaml_value(yaml, next(events), events, raw, (*path, key.value), errors)
        raw.lines[(*path, key.value)] = key.start_mark.line + 1
    return out


# --- stage 2: records -----------------------------------------------------------------------


def _typed(name: str, raw: list[_Raw], errors: list[FactError]) -> FactFile:
    records: list[AnyRecord] = []
    origins: list[Origin] = []
    document: Document | None = None
    for item in raw:
        before = len(errors)
        record = _record(item, errors)
        if record is None or len(errors) > before:
            continue
        origin = Origin(name, item.lines[()])
        if isinstance(record, Document):
            if document is not None:
                errors.append(
                    FactError(
                        "the file has two documents",
                        where=str(origin),
                        seen=f'"{record.id}" after "{document.id}"',
                        expected="one document in a file",
                        hint="move the second one and its records to a file of its own",
                    )
                )
            document = record
        records.append(record)
        origins.append(origin)
    return FactFile(name, tuple(records), tuple(origins), document)


def _record(item: _Raw, errors: list[FactError]) -> AnyRecord | None:
    where = _Where(item)
    value = item.value
    if not isinstance(value, dict):
        errors.append(
            FactError(
                "a record is not a set of fields",
                where=where(),
                seen=_shown(value),
                expected="fields, the first of them kind",
            )
        )
        return None
    kind = str(value.get("kind", ""))
    if kind not in RECORD_TYPES:
        errors.append(
            FactError(
                'field "kind" is not known' if kind else 'field "kind" is missing',
                where=where("kind"),
                seen=_shown(kind) if kind else "",
                expected="one of " + " ".join(RECORD_TYPES),
            )
        )
        return None
    if item.lines.keys() == {()}:  # JSON has numbers; a facts file has their text
        value = _number_texts(value)
    try:
        return msgspec.convert(value, RECORD_TYPES[kind], strict=False)  # type: ignore[return-value]  # the tag decides
    except msgspec.ValidationError as e:
        found = len(errors)
        fields = {k: v for k, v in value.items() if k != "kind"}
        _explain(fields, RECORD_TYPES[kind], where, (), errors)
        if len(errors) == found:
            errors.append(FactError("the record is not of its form", where=where(), seen=str(e)))
        return None


def _number_texts(value: Any) -> Any:
    """Return JSON numbers as YAML would give them: as their text."""
    if isinstance(value, dict):
        return {key: _number_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_number_texts(item) for item in value]
    if isinstance(value, (int, decimal.Decimal)) and not isinstance(value, bool):
        return str(value)
    return value


def _explain(value: Any, form: Any, where: _Where, path: _Path, errors: list[FactError]) -> None:
    """Append one error for each part of `value` that is not of its form."""
    origin = typing.get_origin(form)
    if origin is Annotated and typing.get_origin(typing.get_args(form)[0]) is not None:
        inner = typing.get_args(form)[0]
        bound = form.__metadata__[0]
        if isinstance(value, list) and not (
            (bound.min_length or 0) <= len(value) <= (bound.max_length or len(value))
        ):
            errors.append(
                FactError(
                    f'field "{_dotted(path)}" has another number of items',
                    where=where(*path),
                    seen=str(len(value)),
                    expected=f"{bound.min_length} to {bound.max_length}"
                    if bound.max_length
                    else f"at least {bound.min_length}",
                )
            )
            return None
        if typing.get_origin(inner) in (list, dict) and isinstance(value, (list, dict)) and value:
            return _explain(value, inner, where, path, errors)
    if origin in (types.UnionType, typing.Union):
        options = [a for a in typing.get_args(form) if a is not type(None)]
        return _explain(value, options[0], where, path, errors)
    if isinstance(form, type) and issubclass(form, msgspec.Struct) and isinstance(value, dict):
        known = {f.encode_name: f for f in msgspec.structs.fields(form)}
        for name in value:
            if name not in known:
                errors.append(
                    FactError(
                        f'field "{_dotted((*path, name))}" is not known',
                        where=where(*path, name),
                        seen=_shown(value[name]),
                        expected="one of " + " ".join(sorted(known)),
                        hint="correct the name or remove the field",
                    )
                )
        for name, field in known.items():
            if name in value:
                _explain(value[name], field.type, where, (*path, name), errors)
            elif field.required:
                errors.append(
                    FactError(
                        f'field "{_dotted((*path, name))}" is missing',
                        where=where(*path),
                        expected=_form(field.type),
                    )
                )
        return None
    if origin is list and isinstance(value, list):
        for n, part in enumerate(value):
            _explain(part, typing.get_args(form)[0], where, (*path, n), errors)
        return None
    if origin is dict and isinstance(value, dict):
        key_form, value_form = typing.get_args(form)
        for key, part in value.items():
            _explain(key, key_form, where, (*path, key), errors)
            _explain(part, value_form, where, (*path, key), errors)
        return None
    try:
        msgspec.convert(value, form, strict=False)
    except msgspec.ValidationError:
        errors.append(
            FactError(
                f'field "{_dotted(path)}" is not of its form',
                where=where(*path),
                seen=_shown(value),
                expected=_form(form),
            )
        )
    return None


_FORMS: Final[tuple[tuple[Any, str], ...]] = (
    (Key, "an id: lower-case letters, digits and single hyphens"),
    (LanguageTag, "a language tag such as bn or hi-Latn"),
    (Sha256, "64 lower-case hex digits"),
    (Offsets, 'code-point offsets "start-end"'),
    (IsoDate, "a date such as 2023-10-18"),
    (Number, "a number without trailing zeros after the point"),
    (int, "a whole number"),
    (bool, "true or false"),
)


def _form(form: Any) -> str:
    for known, text in _FORMS:
        if form == known:
            return text
    if typing.get_origin(form) in (types.UnionType, typing.Union):
        return _form(typing.get_args(form)[0])
    base = typing.get_args(form)[0] if typing.get_origin(form) is Annotated else form
    if typing.get_origin(base) is Literal:
        return "one of " + " ".join(typing.get_args(base))
    if typing.get_origin(base) is list:
        return f"a list; each item: {_form(typing.get_args(base)[0])}"
    if typing.get_origin(base) is dict:
        return "texts by language tag"
    if isinstance(base, type) and issubclass(base, msgspec.Struct):
        return "fields: " + " ".join(f.encode_name for f in msgspec.structs.fields(base))
    for meta in getattr(form, "__metadata__", ()):
        if meta.ge is not None:
            return f"a whole number from {meta.ge}"
        if meta.max_length is not None:
            return f"a text of at most {meta.max_length} characters"
    return "a text"


def _dotted(path: _Path) -> str:
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return f'"{text[:80]}…"' if len(text) > 80 else f'"{text}"'


# --- stage 3: the set -----------------------------------------------------------------------


def _check_record(
    record: AnyRecord,
    where: _Where,
    file: FactFile,
    facts: FactSet,
    schemes: Mapping[str, frozenset[str]],
) -> Iterator[FactError]:
    """Yield what is wrong with a record beside the others: references, offsets, dates, text."""
    kind = kind_of(record)
    for path, name, value in _strings(record):
        at = where(*path)
        if not is_nfc(value):
            yield FactError(
                f'field "{_dotted(path)}" is not in Unicode Normalization Form C',
                where=at,
                seen=_shown(value),
                expected="text in NFC",
                hint="save the file normalised to NFC",
            )
        if _UNPRINTABLE.search(value):
            yield FactError(
                f'field "{_dotted(path)}" holds a character that no text holds',
                where=at,
                seen=ascii(value)[:80],
                expected="no control characters and no lone surrogates",
            )
        if value.startswith("TODO"):
            yield FactError(
                f'field "{_dotted(path)}" is still to be filled in',
                where=at,
                seen=_shown(value),
                expected="your text",
            )
        targets = _REFERENCES.get((kind, name)) or _REFERENCES.get(("*", name))
        if targets and not (kind == "claim" and name == "by" and value in VOICES):
            found = facts.by_id.get(value)
            found_kind = kind_of(found) if found else ""
            if found_kind not in targets:
                yield FactError(
                    f'field "{_dotted(path)}" refers to nothing'
                    if not found
                    else f'field "{_dotted(path)}" refers to a record of another kind',
                    where=at,
                    seen=_shown(value) + (f", a {found_kind}" if found else ""),
                    expected="the id of a record of kind " + " or ".join(targets),
                )
            elif value in facts.by_id.file_of(value).withdrawn and record.id not in file.withdrawn:
                yield FactError(
                    f'field "{_dotted(path)}" refers to a record that is withdrawn',
                    where=at,
                    seen=_shown(value),
                    expected="the id of a record that is published",
                    hint=f"withdraw {record.id} too, or let it refer to another record",
                )
        scheme = _CONCEPTS.get((kind, name))
        if scheme and value not in schemes[scheme]:
            yield FactError(
                f'field "{_dotted(path)}" is no concept of the scheme {scheme}',
                where=at,
                seen=_shown(value),
                expected=_nearest(value, schemes[scheme]),
                hint="concepts are listed in docs/reference/ontology.md",
            )
        if name in ("edtf", "published"):
            try:
                date_bounds(value)
            except ValueError as e:
                yield FactError(
                    f'field "{_dotted(path)}" is no date',
                    where=at,
                    seen=_shown(value),
                    expected="an EDTF date such as 2023-10-18, 2023-09~ or 2023-08/..",
                    hint=str(e),
                )
        if name in _DATE_FIELDS:
            try:
                date.fromisoformat(value)
            except ValueError:
                yield FactError(
                    f'field "{_dotted(path)}" is no day of the calendar',
                    where=at,
                    seen=_shown(value),
                    expected="a date such as 2023-10-18",
                )
    for path, tag in _language_tags(record):
        if not known_language(tag):
            yield FactError(
                f'field "{_dotted(path)}" has an unknown language tag',
                where=where(*path),
                seen=_shown(tag),
                expected="a registered language tag such as bn, hi or ko",
            )
    if record.id in RESERVED.get(kind, ()):
        yield FactError(
            'field "id" is taken by the build itself',
            where=where("id"),
            seen=_shown(record.id),
            expected="another id than " + " ".join(sorted(RESERVED[kind])),
        )
    yield from _check_shape(record, where, file, facts)


_PROPOSALS_SHOWN: Final = 10


def _proposals(file: FactFile, places: Sequence[_Where]) -> Iterator[FactError]:
    """Yield the records that nobody has taken over yet; of many the first, and how many more."""
    default = file.document.review if file.document else None
    open_ones = [
        (record, where)
        for record, where in zip(file.records, places, strict=True)
        if (record.review or default) == "proposed"
    ]
    for record, where in open_ones[:_PROPOSALS_SHOWN]:
        yield FactError(
            f"the {kind_of(record)} is only proposed, and nothing proposed is published",
            where=where("review"),
            seen=f'"{record.id}", review: proposed',
            expected="review: drafted (taken over) or checked (compared with the text)",
            hint="complete the record and mark it so, or delete it",
        )
    if len(open_ones) > _PROPOSALS_SHOWN:
        rest = open_ones[_PROPOSALS_SHOWN:]
        yield FactError(
            f"{len(rest)} more records are only proposed",
            where=rest[0][1]("review"),
            seen=" ".join(f'"{record.id}"' for record, _ in rest),
            expected="review: drafted or checked in each of them",
            hint="the last of them stands at line " + rest[-1][1]("review").rpartition(":")[2],
        )


_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DATE_FIELDS: Final = frozenset(("reference_date", "reference", "date", "as_of", "captured"))


def _nearest(value: str, known: frozenset[str]) -> str:
    import difflib

    close = difflib.get_close_matches(value, sorted(known), 3, 0.6)
    if close:
        return "one of its concepts, perhaps " + " or ".join(close)
    return f"one of its {len(known)} concepts, such as " + " ".join(sorted(known)[:4])


def _strings(value: Any, path: _Path = (), name: str = "") -> Iterator[tuple[_Path, str, str]]:
    """Yield path, field name and value of every text in a record, in field order."""
    if isinstance(value, str):
        yield path, name, value
    elif isinstance(value, msgspec.Struct):
        for field in fields_of(type(value)):
            yield from _strings(
                getattr(value, field.name), (*path, field.encode_name), field.encode_name
            )
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _strings(item, (*path, n), name)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, (*path, key), name)


def _language_tags(value: Any, path: _Path = ()) -> Iterator[tuple[_Path, str]]:
    if isinstance(value, msgspec.Struct):
        for field in fields_of(type(value)):
            item = getattr(value, field.name)
            if field.name in ("language", "lang") and isinstance(item, str):
                yield (*path, field.encode_name), item
            else:
                yield from _language_tags(item, (*path, field.encode_name))
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _language_tags(item, (*path, n))
    elif isinstance(value, dict):
        for key in value:
            yield (*path, key), key


def known_language(tag: str) -> bool:
    """Return whether a language tag is registered."""
    import langcodes

    return langcodes.tag_is_valid(tag)


def offsets(text: str) -> tuple[int, int]:
    """Return start and end of a span written `start-end`."""
    start, _, end = text.partition("-")
    return int(start), int(end)


def _check_shape(
    record: AnyRecord, where: _Where, file: FactFile, facts: FactSet
) -> Iterator[FactError]:
    """Yield errors that concern several fields of one record."""
    match record:
        case Document():
            yield from _check_document(record, where)
        case Claim() | ClaimSet():
            if isinstance(record, Claim) and (record.about is None) == (record.relays is None):
                yield FactError(
                    "a claim has exactly one target",
                    where=where(),
                    seen="both about and relays" if record.about else "neither about nor relays",
                    expected="about (an event, relation or claim set) or relays (a claim)",
                )
            for n, evidence in enumerate(record.evidence):
                document = file.document
                if evidence.document:
                    other = facts.by_id.get(evidence.document)
                    document = other if isinstance(other, Document) else None
                yield from _check_evidence(evidence, where, ("evidence", n), document)
            if file.document is None:
                yield _homeless(record, where)
            if isinstance(record, Claim) and len(set(record.via)) < len(record.via):
                yield FactError(
                    'field "via" names an outlet twice',
                    where=where("via"),
                    seen=" ".join(record.via),
                    expected="each outlet once, outermost first",
                )
            if isinstance(record, Claim):
                for n, quote in enumerate(record.quoted):
                    if len(quote.text.split()) > 5:
                        yield FactError(
                            f'field "quoted[{n}].text" is too long',
                            where=where("quoted", n),
                            seen=_shown(quote.text),
                            expected="at most five words: no text is republished",
                        )
        case Relation():
            if file.document is None:
                yield _homeless(record, where)
            if (record.object is None) == (record.value is None):
                yield FactError(
                    "a relation has exactly one of object and value",
                    where=where(),
                    seen="both" if record.object else "neither",
                    expected="object (an id) or value (a text)",
                )
        case Place() if (record.latitude is None) != (record.longitude is None):
            yield FactError(
                "a place has both latitude and longitude, or neither",
                where=where(),
                expected="decimal degrees in both fields",
            )
        case Mention():
            if file.document is None:
                yield _homeless(record, where)
            else:
                yield from _check_span(record.at, where, ("at",), file.document)
        case Event() if file.document is None:
            yield _homeless(record, where)
        case Link() if len({*record.events, *record.feed_events}) != 2:
            yield FactError(
                'field "events" does not name the two ends of a link',
                where=where(),
                seen=" ".join([*record.events, *record.feed_events]) or "none",
                expected="two different ids in events and feed_events together",
            )
        case Notice():
            yield from _check_notice(record, where, file)
        case _:
            pass


def _check_notice(record: Notice, where: _Where, file: FactFile) -> Iterator[FactError]:
    here = {one.id: one for one in file.records}
    for n, key in enumerate(record.of):
        if key not in here or isinstance(here[key], Notice):
            yield FactError(
                f'field "of[{n}]" names no record of this file'
                if key not in here
                else f'field "of[{n}]" names a notice',
                where=where("of", n),
                seen=_shown(key),
                expected="the id of a record in the same file; a notice stays",
            )
        elif isinstance(record, Correction) and isinstance(here[key], Mention):
            yield FactError(
                f'field "of[{n}]" names a mention, which has no address of its own',
                where=where("of", n),
                seen=_shown(key),
                expected="what the mention is of, or the document",
            )
    if not record.authority.strip():
        yield FactError(
            'field "authority" has no words',
            where=where("authority"),
            seen=_shown(record.authority),
            expected="who decided it, or which order of a court",
        )


def _homeless(record: Record, where: _Where) -> FactError:
    return FactError(
        "the record belongs to a document, and the file has none",
        where=where(),
        seen=f'"{record.id}"',
        expected="a record of kind document in the same file",
    )


def _check_document(record: Document, where: _Where) -> Iterator[FactError]:
    last = 0
    for n, sentence in enumerate(record.sentences):
        start, end = offsets(sentence.at)
        if not last <= start < end <= record.characters:
            yield FactError(
                f'field "sentences[{n}].at" is out of order or outside the document',
                where=where("sentences", n),
                seen=_shown(sentence.at),
                expected=f"offsets between {last} and {record.characters}, in text order",
            )
        last = end
    custody = record.custody
    if not (custody.url or custody.archive_url or custody.reason):
        yield FactError(
            'field "custody" says neither where the text was captured nor why not',
            where=where("custody"),
            expected="url or archive_url with captured and tool, or reason",
        )
    if (record.publisher is None) == (record.publisher_unstated is None):
        yield FactError(
            "a document has exactly one of publisher and publisher_unstated",
            where=where(),
            expected="publisher (an agent) or publisher_unstated (why it is not known)",
        )


def _check_evidence(
    evidence: Evidence, where: _Where, path: _Path, document: Document | None
) -> Iterator[FactError]:
    if (evidence.sentence is None) == (evidence.at is None):
        yield FactError(
            f'field "{_dotted(path)}" has exactly one of sentence and at',
            where=where(*path),
            expected="sentence: a number from 0, or at: start-end",
        )
    elif evidence.sentence is not None and evidence.sha256:
        yield FactError(
            f'field "{_dotted((*path, "sha256"))}" stands beside a sentence',
            where=where(*path, "sha256"),
            expected="no hash here: the sentence's own is in the document's record",
        )
    elif document is None:
        return
    elif evidence.at is not None:
        yield from _check_span(evidence.at, where, (*path, "at"), document)
    elif evidence.sentence is not None and not 0 <= evidence.sentence < len(document.sentences):
        yield FactError(
            f'field "{_dotted((*path, "sentence"))}" is outside the document',
            where=where(*path, "sentence"),
            seen=str(evidence.sentence),
            expected=f"a sentence from 0 to {len(document.sentences) - 1} of {document.id}",
        )


def _check_span(at: str, where: _Where, path: _Path, document: Document) -> Iterator[FactError]:
    start, end = offsets(at)
    if not 0 <= start < end <= document.characters:
        yield FactError(
            f'field "{_dotted(path)}" is outside the document',
            where=where(*path),
            seen=_shown(at),
            expected=f"start < end <= {document.characters}, the characters of {document.id}",
        )


# --- rules on well-formed records -----------------------------------------------------------


class RuleBreak(msgspec.Struct, frozen=True):
    """A well-formed record that breaks a rule: where, which record, and what to do."""

    origin: str
    record: str
    rule: str
    message: str


def rule_breaks(facts: FactSet) -> list[RuleBreak]:
    """Return the claims that relay themselves in the end, and relations that contain themselves.

    Such a record has no address (the address is made of what it is about), so this is found before
    the mapping; every other rule is a SHACL shape. In the order of ids.
    """
    out: list[RuleBreak] = []
    for start, (record, place) in facts.records().items():
        way = _way_back(start, facts.by_id) if isinstance(record, (Claim, Relation)) else []
        if not way:
            continue
        shown = " → ".join(way)
        if isinstance(record, Claim):
            rule, text = (
                "relay-cycle",
                (
                    f"the claim relays itself: {shown}; "
                    "let the innermost claim be about an event or relation"
                ),
            )
        else:
            rule, text = (
                "relation-cycle",
                (f"the relation contains itself: {shown}; name another subject or object"),
            )
        out.append(RuleBreak(str(place), start, rule, text))
    return out


def _way_back(start: str, records: Mapping[str, AnyRecord]) -> list[str]:
    """Return a way from a record to itself, both ends included, or nothing."""
    came: dict[str, str] = {}
    todo = [start]
    while todo:
        here = todo.pop()
        for there in _targets(records[here]):
            if there == start:
                way = [start, here]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return list(reversed(way)) if here != start else [start, start]
            if there not in came:
                came[there] = here
                todo.append(there)
    return []


def _targets(record: AnyRecord) -> list[str]:
    """Return the records of which the address of a claim or relation is made."""
    if isinstance(record, Claim):
        return [record.relays] if record.relays else []
    if isinstance(record, Relation):
        return [record.subject, *([record.object] if record.object else [])]
    return []


# --- texts that the user holds --------------------------------------------------------------


class Verified(msgspec.Struct, frozen=True):
    """What was checked against texts: documents and spans, and what did not agree."""

    documents: int
    spans: int
    without_hash: int
    errors: tuple[FactError, ...]


def verify_texts(facts: FactSet, texts: Path) -> Verified:
    """Return the outcome of checking every hash and offset against the texts in a folder.

    A document's text is the file whose SHA-256 is the document's, under any name. Spans are
    half-open code-point offsets of the decoded file; their hash is SHA-256 of their UTF-8 bytes.

    Raises:
        FactError: the folder is missing.
    """
    if not texts.is_dir():
        raise FactError("no such folder", where=str(texts), hint="name one with --texts")
    by_hash: dict[str, bytes] = {}
    names: dict[str, str] = {}
    for path in sorted(p for p in texts.rglob("*") if p.is_file()):
        if path.stat().st_size <= MAX_FILE_BYTES:
            data = path.read_bytes()
            by_hash[_sha256(data)] = data
            names[path.stem] = _sha256(data)
    errors: list[FactError] = []
    documents = spans = without = 0
    for file in facts.files:
        if file.document is None:
            continue
        documents += 1
        d = file.document
        where = str(file.origins[file.records.index(d)])
        if d.sha256 not in by_hash:
            errors.append(
                FactError(
                    f"no text with the hash of the document {d.id}",
                    where=where,
                    seen=f"{d.identifier} has {names[d.identifier]}"
                    if d.identifier in names
                    else f"{len(by_hash)} files in {texts.name}",
                    expected=f"a file whose SHA-256 is {d.sha256}",
                    hint="the text was changed, or is not in the folder",
                )
            )
            continue
        text = by_hash[d.sha256].decode("utf-8", "replace")
        if len(text) != d.characters:
            errors.append(
                FactError(
                    f'field "characters" of {d.id} is wrong',
                    where=where,
                    seen=str(d.characters),
                    expected=str(len(text)),
                )
            )
    for file in facts.files:
        for record, origin in zip(file.records, file.origins, strict=True):
            for field, at, sha, document in _spans(record, file, facts):
                if document is None or document.sha256 not in by_hash:
                    continue
                spans += 1
                start, end = offsets(at)
                found = by_hash[document.sha256].decode("utf-8", "replace")[start:end]
                if sha is None:
                    without += 1
                elif _sha256(found.encode()) != sha:
                    errors.append(
                        FactError(
                            f"the span {at} of {document.id} has another text",
                            where=str(origin),
                            seen=f'{kind_of(record)} "{record.id}", {field} with hash {sha[:12]}…',
                            expected=f"a span whose hash is {_sha256(found.encode())[:12]}…",
                            hint="correct the offsets or the hash",
                        )
                    )
                if isinstance(record, Mention) and field == "at" and nfc(found) != record.surface:
                    errors.append(
                        FactError(
                            f'field "surface" is not what stands at {at} of {document.id}',
                            where=str(origin),
                            seen=_shown(record.surface),
                            expected=_shown(found),
                        )
                    )
    return Verified(documents, spans, without, tuple(errors))


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def _spans(
    record: AnyRecord, file: FactFile, facts: FactSet
) -> Iterator[tuple[str, str, str | None, Document | None]]:
    """Yield field, offsets, hash and document of every span that a record gives."""
    if isinstance(record, Document):
        for n, sentence in enumerate(record.sentences):
            yield f"sentences[{n}]", sentence.at, sentence.sha256, record
    elif isinstance(record, Mention):
        yield "at", record.at, record.sha256, file.document
    elif isinstance(record, (Claim, ClaimSet)):
        for n, evidence in enumerate(record.evidence):
            other = facts.by_id.get(evidence.document or "")
            document = other if isinstance(other, Document) else file.document
            if evidence.at is not None:
                yield f"evidence[{n}]", evidence.at, evidence.sha256, document


# --- starting a file ------------------------------------------------------------------------

_SENTENCE_END: Final = frozenset("।॥.!?。．！？؟۔…\n\r\u2028\u2029")
_CLOSERS: Final = frozenset("\"'”’»›)]』」》")
_TITLES: Final = frozenset(
    [
        "Mr",
        "Mrs",
        "Ms",
        "Dr",
        "Prof",
        "Rev",
        "Sr",
        "Jr",
        "St",
        "Gen",
        "Lt",
        "Col",
        "Maj",
        "Capt",
        "Sgt",
        "Cmdr",
        "Adm",
        "Gov",
        "Sen",
        "Rep",
        "Hon",
        "Pres",
        "Inc",
        "Ltd",
        "Co",
        "Corp",
        "Dept",
        "Univ",
        "Jan",
        "Feb",
        "Mar",
        "Apr",
        "Jun",
        "Jul",
        "Aug",
        "Sep",
        "Sept",
        "Oct",
        "Nov",
        "Dec",
    ]
)
_ABBREVIATIONS: Final = frozenset(
    [
        "vs",
        "approx",
        "гг",
        "вв",
        "им",
        "ул",
        "тыс",
        "млн",
        "млрд",
        "трлн",
        "руб",
        "коп",
        "стр",
        "др",
        "пр",
        "напр",
        "см",
        "ср",
        "акад",
        "проф",
        "ген",
        "лейт",
        "полк",
        "ড",
        "ডা",
        "মো",
        "মি",
        "ডঃ",
        "मि",
        "श्री",
        "डॉ",
        "डा",
        "प्रो",
    ]
)
"""Words that end with a full stop and end no sentence."""
_STARTERS: Final = frozenset(
    [
        "The",
        "A",
        "An",
        "In",
        "On",
        "At",
        "But",
        "And",
        "He",
        "She",
        "It",
        "They",
        "We",
        "This",
        "That",
    ]
)
"""Words before which initials such as U.S. end a sentence."""


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Return half-open code-point offsets of the sentences of a text, in order.

    A sentence ends after one of `। ॥ . ! ? 。 ؟ ۔ …`, with what closes a quotation after it, or at
    a line's end. A full stop ends none between two characters that are not spaces, after an
    initial or an abbreviation, and before a small letter. Only a proposal: people correct it.

    >>> split_sentences("Dr. A. Rell left. It took 2.5 hours.")
    [(0, 17), (18, 36)]
    """
    out: list[tuple[int, int]] = []
    start = i = 0
    while i < len(text):
        end = i + 1
        if text[i] in _SENTENCE_END and not (text[i] == "." and _inside(text, start, i)):
            while end < len(text) and text[i] not in "\n\r" and text[end] in _AFTER_END:
                end += 1
        elif end < len(text):
            i = end
            continue
        body = text[start:end]
        kept = body.strip(_BLANK)
        if kept.strip(_NO_SENTENCE):
            first = start + len(body) - len(body.lstrip(_BLANK))
            out.append((first, first + len(kept)))
        start = i = end
    return out


_AFTER_END: Final = _CLOSERS | frozenset("।॥.!?。．！？؟۔…")
_BLANK: Final = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u3000\ufeff\u2028\u2029"
_NO_SENTENCE: Final = _BLANK + "".join(_AFTER_END)


def _inside(text: str, start: int, i: int) -> bool:
    """Return whether the full stop at `i` stands inside a sentence that begins at `start`."""
    after = text[i + 1 : i + 2]
    if not after:
        return False
    if not after.isspace() and after not in _AFTER_END:
        return True
    before = text[max(start, i - 40) : i]
    word = re.split(r"[\s(\[“\"'«]", before)[-1]
    following = text[i + 1 :].lstrip(_BLANK + "".join(_CLOSERS))[:20]
    if word in ("No", "no", "Nos"):
        return following[:1].isdecimal()
    if word in ("г", "гг", "в", "вв") and before[: -len(word)].rstrip()[-1:].isalnum():
        return not following[:1].isupper()
    if re.fullmatch(r"(?:[^\W\d_]\.)+[^\W\d_]", word):  # U.S., т.е.
        return not following or following.split()[0] not in _STARTERS
    if (len(word) == 1 and word.isalpha()) or word in _TITLES or word in _ABBREVIATIONS:
        return True
    return following[:1].islower() and "\n" not in text[i + 1 : i + 3]


def facts_template(key: str, text: Path, language: str, reference_date: str, today: str) -> str:
    """Return the text of a new facts file: the document's record, and examples to replace.

    Args:
        key: the id of the document.
        text: the document's text.
        language: its language tag.
        reference_date: what its weekdays and "last week" are counted from, `YYYY-MM-DD`.
        today: the day of the reading, `YYYY-MM-DD`.
    Raises:
        FactError: the text cannot be read as UTF-8, or an argument is no id, tag or date.
    """
    try:
        data = text.read_bytes()
        content = data.decode("utf-8")
    except OSError as e:
        raise FactError("the text cannot be read", where=str(text), seen=str(e.strerror)) from None
    except UnicodeDecodeError as e:
        raise FactError("the text is not UTF-8", where=str(text), seen=str(e)) from None
    for what, value, form in (
        ("KEY", key, ShortKey),
        ("--language", language, LanguageTag),
        ("--date", reference_date, IsoDate),
    ):
        try:
            msgspec.convert(value, form)
        except msgspec.ValidationError:
            raise FactError(
                "not of its form", where=what, seen=_shown(value), expected=_form(form)
            ) from None
    if key in RESERVED["document"]:
        raise FactError("the id is taken by the build itself", where="KEY", seen=_shown(key))
    try:
        date.fromisoformat(reference_date)
    except ValueError:
        raise FactError(
            "no day of the calendar", where="--date", seen=reference_date, expected="YYYY-MM-DD"
        ) from None
    if not content.strip():
        raise FactError("the text is empty", where=str(text))
    if not known_language(language):
        raise FactError("unknown language tag", where="--language", seen=language)
    sentences = "\n".join(
        f"    - {{at: {a}-{b}, sha256: {_sha256(content[a:b].encode())}}}"
        for a, b in split_sentences(content)
    )
    return f"""# Facts of one document. Reference: kg facts schema, docs/tutorial.md.
# yaml-language-server: $schema=schema.json
# Sentences are numbered from 0; evidence names one (sentence: 0) or offsets (at: 12-40).

- kind: document
  id: {key}
  identifier: {json.dumps(text.stem, ensure_ascii=False)}
  title:
    en: "TODO: a title that says what the document is about, in your own words"
  language: {language}
  sha256: {_sha256(data)}
  characters: {len(content)}
  sentences:
{sentences}
  reference_date: {reference_date}
  reference_basis: supplied-by-curator
  publisher_unstated: "TODO: why the publisher is not known, or use publisher"
  custody:
    reason: "TODO: where and when the text was captured, or why that is not known"
  extracted: {key}-first-reading
  review: drafted

- kind: run
  id: {key}-first-reading
  type: extraction
  agent: {key}-reader
  date: {today}
  label: {{en: First reading of {key}}}
  method: "TODO: who or what read the text, and how"

- kind: agent
  id: {key}-reader
  type: Person
  labels: {{en: "TODO: who or what read it"}}
  basis: own record
  as_of: {today}

# Then what the text describes, and who says it. An event asserts nothing; a claim does.
#
# - kind: event
#   id: {key}-first-event
#   label: {{en: Visit of A to B}}
#   type: official-visit
#   participants:
#     - {{role: actor, who: some-agent}}
#   time: {{edtf: "{reference_date}", rule: stated-date}}
#
# - kind: claim
#   id: {key}-c01
#   by: [narrator]
#   about: {key}-first-event
#   stance: affirms
#   modality: actual
#   certainty: unstated
#   basis: none-stated
#   evidence: [{{sentence: 0}}]
"""
