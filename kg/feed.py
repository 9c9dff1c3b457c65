"""What the mapping of a feed is given and must keep to: tables of rows, and how rows become quads.

A feed is one file in `mappings/` with a `SOURCE = Feed(…)` and a function
`mapper(table, out)` that returns the function which maps one row of this table. It imports from
`kg.feed`, `kg.vocab` and the standard library only.

A row never becomes a fact. It becomes a description (`Scribe.event`, `Scribe.relation`) and a claim
about it (`Scribe.claim`) by the narrator of an article or of the record itself, or by whom the row
names. What a row breaks, it breaks alone: `Scribe.reject` sets it aside with its reason.

What is said of one row goes to the graph of its batch; agents, places, times and quantities, which
rows share, go to the registry of the source.

Spec: docs/how-to/add-a-source.md; docs/decisions/0018-feeds.md
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import traceback
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, NoReturn, Protocol

import msgspec

from kg import edtf
from kg.errors import MappingError
from kg.vocab import (
    DCTERMS,
    EDTF,
    PROV,
    RDF,
    RDFS,
    ROLES,
    SKOS,
    Vocabulary,
    data_iri,
    date,
    decimal,
    digest_key,
    graph_iri,
    literal,
    term,
)

Row = Any
"""A row as its mapping gets it: a tuple of texts in the order of `Table.columns`, empty where the
file has nothing; of JSON, the object as decoded."""

MapRow = Callable[[Row], None]

Kind = Literal["agent", "place", "thing", "position"]
"""Kinds of what a registry holds."""

NOUNS: Final[Mapping[str, str]] = {
    "agree": "Agreement or promise to cooperate",
    "consult": "Consultation",
    "support": "Support in words",
    "concede": "Concession in words",
    "cooperate": "Material cooperation",
    "aid": "Material aid",
    "retreat": "Giving way in deed",
    "request": "Request or demand",
    "accuse": "Criticism, charge or inquiry",
    "reject": "Refusal",
    "threaten": "Threat",
    "protest": "Public protest",
    "sanction": "Reduction of relations",
    "mobilize": "Readying or show of force",
    "coerce": "Coercion",
    "assault": "Use of physical force",
}
"""What an event of each of the 16 categories of PLOVER is called, in our own words."""

FORMER: Final[Mapping[str, str]] = {
    "demand": "request",
    "disapprove": "accuse",
    "investigate": "accuse",
    "fight": "assault",
}
"""Categories of drafts of PLOVER, and the released ones that took them in. CRIME has none."""

STATES: Final = ("iso2", "iso3", "gw", "cameo", "fips")
"""Schemes of codes by which states are known."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of file of a feed.

    Attributes:
        id: its name, `[a-z]+`: in `issues.jsonl` and as the argument of `mapper`.
        form: `tsv` has neither quotes nor escapes; `csv` as in RFC 4180, also with semicolons or
            tabs for commas; `json` is one object a line, or one array of objects.
        columns: the names of the columns, in the order of files without a header. Of JSON, the
            fields that the mapping reads.
        header: whether files begin with the names of their columns. Where they do, their order
            is free, and a column that is not known is told once and left out.
        required: the columns without which a file is not of this table.
        key: the columns that tell a record from all others of the table.
        again: what becomes of a further record with the same key: `reject` sets it aside once one
            was mapped, `number` counts it in `Scribe.n`.
        needs: a table, and the columns that hold the key of a record there: a row without one is
            set aside.
        index: columns by whose values other rows find a record (`Scribe.has`): such as the kind
            of a record and its id.
        seeks: tables with an index that rows of this one look into. It may look into itself.
        lengths: how many columns files without a header may have; those of `columns` by default.
        ignored: columns that the mapping leaves out on purpose, each with its reason.
    """

    id: str
    form: Literal["csv", "tsv", "json"]
    columns: tuple[str, ...]
    key: tuple[str, ...]
    header: Literal["always", "never", "either"] = "always"
    required: tuple[str, ...] = ()
    again: Literal["reject", "number"] = "reject"
    needs: tuple[str, tuple[str, ...]] | None = None
    index: tuple[str, ...] = ()
    seeks: tuple[str, ...] = ()
    lengths: tuple[int, ...] = ()
    ignored: Mapping[str, str] = {}


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a feed.

    Attributes:
        id: equals the file name, `[a-z_]+`.
        publisher: who codes it: its records are this project's statements.
        url: where it is described.
        licence, redistribution, citation: how it may be used, whether what is made of it may be
            handed on, and how it is to be cited. `none` keeps its graphs out of all downloads.
        retrieved: the day for which what is said here was checked; in a build it gives way to that
            on which the files were fetched, if that is told.
        method: how its records come about, in a sentence.
        machine: whether machines code it.
        quarantine: the largest share of rows that may be set aside before the build stops.
        tables: its kinds of files; a file is of the first that fits.
    """

    id: str
    title: str
    publisher: str
    url: str
    languages: tuple[str, ...]
    licence: str
    redistribution: Literal["open", "share-alike", "none"]
    citation: str
    retrieved: str
    method: str
    machine: bool
    tables: tuple[Table, ...]
    quarantine: str = "0.05"

    @property
    def key(self) -> str:
        """Return the id as a part of addresses, `[a-z-]+`."""
        return self.id.replace("_", "-")

    def table(self, name: str) -> Table:
        """Return a table by its id."""
        return next(one for one in self.tables if one.id == name)


class Rejected(Exception):
    """A row cannot be mapped: the column, the value seen, and the reason."""

    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(column, value, reason)
        self.column = column
        self.value = value
        self.reason = reason


class Node(NamedTuple):
    """Something that was written: its N-Quads form, kind and key (`agent/usa`), and label."""

    iri: str
    key: str
    label: str


class Voice(NamedTuple):
    """A source and its own voice: N-Quads forms; `key` is that of the source."""

    source: str
    key: str
    narrator: Node


class Time(NamedTuple):
    """A time: its N-Quads form, and its first and last day, empty where open."""

    iri: str
    edtf: str
    earliest: str
    latest: str


class Amount(NamedTuple):
    """A quantity: its N-Quads form, and its numbers as texts, empty where unknown."""

    iri: str
    low: str
    best: str
    high: str

    @property
    def shown(self) -> str:
        """Return it in a few words: `10`, `10 (8 to 12)`, `at least 8`."""
        low, best, high = self[1:]
        if best:
            spread = low not in ("", best) or high not in ("", best)
            return f"{best} ({low or '…'} to {high or '…'})" if spread else best
        return f"at least {low}" if low else f"at most {high}"


class States(Protocol):
    """Finds the states that codes stand for."""

    def find(self, scheme: str, code: str, day: str) -> tuple[str, str] | None:
        """Return the key of the agent (`agent/…`) and the label of a state, or None."""


_A: Final = f"<{RDF}type> "
_LABEL: Final = f"<{RDFS}label> "
_ALT: Final = f"<{SKOS}altLabel> "
_IDENTIFIER: Final = f"<{DCTERMS}identifier> "
_DESCRIPTION: Final = f"<{DCTERMS}description> "
_SOURCE: Final = f"<{DCTERMS}source> "
_PUBLISHER: Final = f"<{DCTERMS}publisher> "
_ISSUED: Final = f"<{DCTERMS}issued> "
_MADE: Final = f"<{PROV}wasGeneratedBy> "
_DRAFTED: Final = f"{term('reviewState')} {term('review-state-drafted')}"
_KEY: Final = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")
"""Also what others than N-Quads take for the end of a line."""
_CANONICAL: Final = re.compile("-?(?:0|[1-9][0-9]{0,14})(?:[.][0-9]{0,14}[1-9])?")
_P: Final = {
    name: f"{term(name)} "
    for name in (
        *ROLES,
        "about",
        "actsFor",
        "asOf",
        "basis",
        "category",
        "certainty",
        "claimant",
        "concerns",
        "country",
        "earliest",
        "edtf",
        "eventType",
        "extractionConfidence",
        "inSource",
        "latest",
        "latitude",
        "locatedIn",
        "locator",
        "longitude",
        "object",
        "precision",
        "quantity",
        "registryBasis",
        "relationType",
        "relays",
        "subject",
        "time",
        "ultimately",
        "unit",
        "value",
        "voiceOf",
    )
}
_ACTS_FOR: Final = _P["actsFor"]
_ABOUT: Final = _P["about"]
_CLAIMANT: Final = _P["claimant"]
_CONCERNS: Final = _P["concerns"]
_CONFIDENCE: Final = _P["extractionConfidence"]
_IN_SOURCE: Final = _P["inSource"]
_LOCATOR: Final = _P["locator"]
_RELAYS: Final = _P["relays"]
_ULTIMATELY: Final = _P["ultimately"]
_STANCE: Final = ("attribution", "basis", "certainty", "manner", "modality", "stance")
_QUANTITY: Final = _P["quantity"]
_TIME: Final = _P["time"]
_UNSTATED: Final = f"{term('leavesUnstated')} "
_VOICE_OF: Final = _P["voiceOf"]
_RELATION: Final = (_A + term("Relation"), _A + term("Proposition"), _DRAFTED)
_IS_CLAIM: Final = _A + term("Claim")
_IS_EVENT: Final = _A + term("Event")
_IS_PROPOSITION: Final = _A + term("Proposition")
_IS_SOURCE: Final = _A + term("Source")
_IS_AGENT: Final = _A + term("Agent")
_IS_NARRATOR: Final = _A + term("Narrator")
_CLASSES: Final = {
    name: (name, "Organization")
    for name in (
        "State",
        "GovernmentBody",
        "NewsOrganization",
        "IntergovernmentalOrganization",
        "ResearchOrganization",
        "ArmedActor",
    )
}


_VERBS: Final = {
    "affirms": "affirmed",
    "denies": "denied",
    "disputes-evidence": "disputed the evidence for",
    "questions": "questioned",
    "does-not-confirm": "did not confirm",
    "cannot-verify": "could not verify",
}
_PLAIN: Final = ("actual", "certain", "unstated")
"""Modalities and certainties that a label leaves out."""


def slug(text: str) -> str:
    """Return a feed's identifier as a part of a key: as it is, or 16 hex digits of its SHA-256.

    >>> slug("410412347"), slug("AFG-2021-1-735-1217.1")
    ('410412347', '599eff307cff3a69')
    """
    if len(text) <= 80 and ((text.isdigit() and text.isascii()) or _KEY.fullmatch(text)):
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def lines_in(text: str) -> list[str]:
    """Return the lines of N-Quads text, with their line feeds: only these end one.

    >>> lines_in('<x:s> <x:p> "a\x85b" .\\n')
    ['<x:s> <x:p> "a\\x85b" .\\n']
    """
    return [f"{line}\n" for line in text.split("\n")[:-1]]


def clean(text: str) -> str:
    """Return a text in NFC with spaces once and without control characters.

    >>> clean(" In the  north ")
    'In the north'
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if text.isprintable() and "  " not in text:  # no line ends, no spaces but the plain one
        return text.strip()
    return " ".join(_CONTROL.sub(" ", text).split())


def text_of(value: str, lang: str = "") -> str:
    """Return a text of a feed, as `clean` makes it, as a literal.

    >>> text_of("Kyiv  today", "en")
    '"Kyiv today"@en'
    """
    value = clean(value)
    if '"' in value or "\\" in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"@{lang}' if lang else f'"{value}"'


def number_of(value: str) -> str:
    """Return the canonical text of a number: `2.50` → `2.5`, `1e3` → `1000`, `+3` → `3`.

    Raises:
        ValueError: it is none, or has more than 30 digits.
    """
    if _CANONICAL.fullmatch(value) and value != "-0":
        return value
    try:
        found = Decimal(value.strip())
        if "_" in value or not found.is_finite() or len(found.as_tuple().digits) > 30:
            raise ValueError(f"no number, or one of too many digits: {value!r}")
        if not -30 < found.adjusted() < 30:
            raise ValueError(f"no number of a usual size: {value!r}")
        text = format(found, "f")
    except InvalidOperation:
        raise ValueError(f"no number: {value!r}") from None
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _digest(fields: Sequence[str]) -> str:
    """Return `kg.vocab.digest_key` of texts."""
    text = f"[{','.join(map(encode_basestring, fields))}]"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Scribe:
    """Where the mapping of a feed writes: nodes as blocks of lines, and the rows of flat tables.

    What is written with `event`, `relation`, `claim`, `voice` and `record` belongs to the row that
    is being mapped, and goes with it if it is set aside. What is written with `agent`, `place`,
    `thing`, `time` and `amount` is shared: it is known by its fields, and written once.

    Args:
        feed: the source.
        base: the base IRI.
        batch: the key of the graph of this batch.
        vocabulary: the ontology.
        states: finds states by their codes.
    """

    def __init__(
        self, feed: Feed, base: str, batch: str, vocabulary: Vocabulary, states: States
    ) -> None:
        self.feed = feed
        self.base = base
        self.n = 1
        """How many records with this key there were, this one included; see `Table.again`."""
        self.seek: Callable[[str], bool] = lambda _: False
        """Whether a table that is sought has a record with this index; see `has`."""
        self._key = feed.key
        self._states = states
        self._vocabulary = vocabulary
        self._tail = f" <{graph_iri(base, batch)}> .\n"
        self._shared_tail = f" <{graph_iri(base, f'{feed.key}-registry')}> .\n"
        self._run = f"{_MADE}<{data_iri(base, 'run', feed.key)}>"
        self._as_of = f" {_P['asOf']}{date(feed.retrieved)}{self._shared_tail}"
        self.blocks: list[tuple[str, str]] = []
        """Subject and lines of every node of rows, in the order of writing."""
        self.sources: dict[str, str] = {}
        """The lines of sources and of their voices, by subject."""
        self.shared: dict[str, str] = {}
        """The lines of every shared node, by subject."""
        self.states: dict[str, str] = {}
        """The keys of the states that were found, each with its label."""
        self.needed: dict[str, tuple[str, ...]] = {}
        """Nodes that other records write, each with its classes."""
        self.events: list[tuple[Any, ...]] = []
        self.claims: list[tuple[Any, ...]] = []
        self.participants: list[tuple[str, str, str]] = []
        self.acts_for: dict[str, str] = {}
        """Whose side agents are on, by their keys."""
        self.partly: list[tuple[int, str, str, str]] = []
        """Values that were left out: row, column, value and reason."""
        self.placeless: set[str] = set()
        """Agents of whom the source tells neither what they are nor for whom they act."""
        self.where: dict[str, tuple[float, float]] = {}
        """The coordinates of places, by their keys."""
        self.country: dict[str, str] = {}
        """The states by which agents are coded, by their keys."""
        self.uses: dict[str, set[int]] | None = None
        """Which rows use a shared node, where somebody wants to know."""
        self.ends: list[tuple[int, int]] = []
        """Where the blocks of each row end, and its number."""
        self.row = 0
        self._nodes: dict[tuple[object, ...], Any] = {}
        self._types: dict[str, tuple[str, ...]] = {}
        self._concepts: dict[tuple[str, str], str] = {}
        self._voices: dict[str, Voice] = {}
        self._inner: dict[str, str] = {}
        self._bases: dict[str, str] = {}
        self._plans: dict[tuple[object, ...], tuple[tuple[str, str], ...]] = {}
        self._stances: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._growing: tuple[list[Any] | dict[Any, Any], ...] = (
            self.blocks,
            self.sources,
            self.shared,
            self.states,
            self.needed,
            self.events,
            self.claims,
            self.participants,
            self.partly,
            self.acts_for,
            self.where,
            self.country,
            self._nodes,
            self._voices,
            self._inner,
        )
        """What grows in the order of writing, so that its end can be taken back."""
        self._since: tuple[int, ...] = ()
        self._classes: dict[tuple[str, ...], list[str]] = {}
        self._shared_made = f" {self._run}{self._shared_tail}"
        self._shared_drafted = f" {_DRAFTED}{self._shared_tail}"
        self._made = f" {self._run}{self._tail}"
        self._drafted = f" {_DRAFTED}{self._tail}"
        self._is_event = (f" {_IS_EVENT}{self._tail}", f" {_IS_PROPOSITION}{self._tail}")

    # --- rows --------------------------------------------------------------------------------

    def begin(self, row: int, n: int = 1) -> None:
        """Take what is written from now on for that of a row; see `undo`."""
        self.row, self.n = row, n
        self._since = tuple(map(len, self._growing))

    def undo(self) -> None:
        """Take back all that was written since `begin`."""
        for one, before in zip(self._growing, self._since, strict=True):
            if isinstance(one, list):
                del one[before:]
            else:
                while len(one) > before:
                    one.popitem()

    # --- what goes wrong ---------------------------------------------------------------------

    def reject(self, column: str, value: str, reason: str) -> NoReturn:
        """Set the row aside.

        Args:
            column: the column at fault, by its name; several with commas between.
            value: what stands there.
            reason: what is wrong with it, and what was expected.
        Raises:
            Rejected: always.
        """
        raise Rejected(column, value, reason)

    def leave_out(self, column: str, value: str, reason: str) -> None:
        """Note that one value of the row is left out, while the rest of it is mapped.

        Args:
            column, value, reason: as of `reject`.
        """
        self.partly.append((self.row, column, value, reason))

    # --- words -------------------------------------------------------------------------------

    def concept(self, scheme: str, key: str) -> str:
        """Return the N-Quads form of a concept by its bare key.

        Raises:
            MappingError: the scheme has no such concept.
        """
        found = self._concepts.get((scheme, key))
        if found is None:
            concept = self._vocabulary.schemes.get(scheme, {}).get(key)
            if concept is None:
                raise MappingError(
                    f"no concept {key!r} in the scheme {scheme!r}", where=f"mappings/{self.feed.id}"
                )
            found = self._concepts[scheme, key] = term(concept.local)
        return found

    def _block(self, subject: str, pairs: list[str]) -> str:
        """Return the lines of a node of this batch, sorted."""
        pairs.sort()
        tail = self._tail
        return f"{subject} {f'{tail}{subject} '.join(pairs)}{tail}"

    def _put(self, subject: str, pairs: list[str]) -> None:
        self.blocks.append((subject, self._block(subject, pairs)))

    def _share(self, subject: str, pairs: list[str]) -> None:
        pairs.sort()
        tail = self._shared_tail
        self.shared[subject] = f"{subject} {f'{tail}{subject} '.join(pairs)}{tail}"

    def _using(self, subject: str) -> None:
        if self.uses is not None:
            self.uses.setdefault(subject, set()).add(self.row)

    # --- what rows share ---------------------------------------------------------------------

    def state(self, scheme: str, code: str, day: str = "") -> Node | None:
        """Return the state that a code stands for, or None: then nothing is guessed.

        Args:
            scheme: one of `STATES`.
            code: as the row has it.
            day: on which it stood for it, where that matters, `YYYY-MM-DD`.
        """
        key = ("state", scheme, code, day)
        if key in self._nodes:
            node: Node | None = self._nodes[key]
        else:
            found = self._states.find(scheme, code, day)
            node = None
            if found:
                self.states[found[0]] = found[1]
                node = Node(f"<{self.base}id/{found[0]}>", *found)
            self._nodes[key] = node
        if node and self.uses is not None:
            self._using(node.iri)
        return node

    def known(self, kind: Kind, fields: Sequence[str]) -> Node | None:
        """Return an agent, a place, a thing or an office that was written already, or None.

        Rows name the same ones over and over: this spares them to put label and country together.
        """
        node: Node | None = self._nodes.get((kind, *fields))
        if node is not None and self.uses is not None:
            self._using(node.iri)
        return node

    def agent(
        self,
        fields: Sequence[str],
        label: str,
        *,
        kind: str = "",
        lang: str = "en",
        variants: Sequence[str | tuple[str, str]] = (),
        identifier: str = "",
        basis: str = "",
        description: str = "",
        acts_for: Node | None = None,
        country: Node | None = None,
        located_in: Node | None = None,
    ) -> Node:
        """Return an agent of this source.

        Args:
            fields: what tells it from others of the source: its id there, or code and name.
            label: its name.
            kind: a class of agents; empty where the source does not tell one.
            lang: the language of names.
            variants: further names; with its language where that is another.
            identifier: what the source calls it; `fields` with a space between by default.
            basis: what the record of it rests on.
            description: needed of `UnnamedSource` and `Group`.
            acts_for: whose side it is on.
            country: the state by which the source codes it; no side follows from that.
            located_in: where it is.
        """
        if node := self.known("agent", fields):
            return node
        more = []
        if acts_for:
            self.acts_for[self._name("agent", fields)] = acts_for.key
        elif kind in ("", "UnnamedSource", "Group"):
            self.placeless.add(self._name("agent", fields))
        if country:
            more.append(_P["country"] + country.iri)
            self.country[self._name("agent", fields)] = country.key
        if located_in:
            more.append(_P["locatedIn"] + located_in.iri)
        classes = ("Agent", *_CLASSES.get(kind, (kind,) if kind else ()))
        return self._entity(
            "agent",
            fields,
            label,
            classes,
            lang,
            variants,
            identifier,
            basis,
            description,
            more,
            acts_for,
        )

    def place(
        self,
        fields: Sequence[str],
        label: str,
        *,
        lang: str = "en",
        variants: Sequence[str | tuple[str, str]] = (),
        identifier: str = "",
        basis: str = "",
        description: str = "",
        latitude: str = "",
        longitude: str = "",
        exact: bool = True,
        country: Node | None = None,
        located_in: Node | None = None,
    ) -> Node:
        """Return a place of this source; see `agent`.

        Args:
            latitude, longitude: degrees of WGS 84 as texts, both or none.
            exact: whether they are of the place itself, and not of the middle of a region around
                it: then events there are compared with those of other sources.
        Raises:
            Rejected: they are no such numbers.
        """
        if node := self.known("place", fields):
            return node
        more = []
        if country:
            more.append(_P["country"] + country.iri)
        degrees = latitude and longitude
        if degrees:
            more.append(f"{_P['latitude']}{self._degrees('latitude', latitude, 90)}")
        if located_in:
            more.append(_P["locatedIn"] + located_in.iri)
        if degrees:
            more.append(f"{_P['longitude']}{self._degrees('longitude', longitude, 180)}")
            if exact:
                self.where[self._name("place", fields)] = (float(latitude), float(longitude))
        return self._entity(
            "place",
            fields,
            label,
            ("Place",),
            lang,
            variants,
            identifier,
            basis,
            description,
            more,
        )

    def _degrees(self, name: str, value: str, most: int) -> str:
        try:
            text = number_of(value)
        except ValueError:
            self.reject(name, value, "no number; expected degrees")
        if not -most <= float(text) <= most:
            self.reject(name, value, f"expected degrees from -{most} to {most}")
        return decimal(text)

    def thing(
        self,
        fields: Sequence[str],
        label: str,
        *,
        kind: str = "",
        lang: str = "en",
        variants: Sequence[str | tuple[str, str]] = (),
        identifier: str = "",
        basis: str = "",
        description: str = "",
    ) -> Node:
        """Return a thing of this source; see `agent`.

        Args:
            kind: `Vehicle`, `Materiel`, `Programme`, `Measure`, `Work` or `Topic`.
        """
        if node := self.known("thing", fields):
            return node
        classes = (kind, "Thing") if kind else ("Thing",)
        return self._entity(
            "thing", fields, label, classes, lang, variants, identifier, basis, description, []
        )

    def position(
        self,
        fields: Sequence[str],
        label: str,
        *,
        lang: str = "en",
        variants: Sequence[str | tuple[str, str]] = (),
        identifier: str = "",
        basis: str = "",
    ) -> Node:
        """Return an office of this source; see `agent`."""
        if node := self.known("position", fields):
            return node
        return self._entity(
            "position",
            fields,
            label,
            ("Position",),
            lang,
            variants,
            identifier,
            basis,
            "",
            [],
        )

    def name(self, kind: Kind, identifier: str) -> Node:
        """Return an agent, place, thing or position of this source without writing it.

        Another record writes it: see `has`.
        """
        key = f"{self._key}-{slug(identifier)}"
        node = Node(f"<{data_iri(self.base, kind, key)}>", f"{kind}/{key}", identifier)
        self.needed[node.iri] = (kind.capitalize(),)
        self._using(node.iri)
        return node

    def has(self, *values: str) -> bool:
        """Return whether the files have a record with this index in a table that is sought.

        Args:
            values: those of `Table.index`, in the order of the columns. See `Table.seeks`.
        """
        return self.seek("\x1f".join(values))

    def _entity(
        self,
        kind: Kind,
        fields: Sequence[str],
        label: str,
        classes: tuple[str, ...],
        lang: str,
        variants: Sequence[str | tuple[str, str]],
        identifier: str,
        basis: str,
        description: str,
        more: Sequence[str],
        acts_for: Node | None = None,
    ) -> Node:
        """Write a shared node, which a row uses, and return it.

        Args:
            more: further pairs, sorted: of properties between `asOf` and `registryBasis`.
        """
        key = self._name(kind, fields)
        subject = f"<{self.base}id/{key}>"
        name = text_of(label, lang)
        mark = text_of(identifier or " ".join(filter(None, fields)))
        tail = self._shared_tail
        # In the order in which they are sorted.
        lines = ["", f" {_IDENTIFIER}{mark}{tail}", *self._of_class(classes)]
        if description:
            lines.insert(1, f" {_DESCRIPTION}{text_of(description, 'en')}{tail}")
        lines.append(f" {_LABEL}{name}{tail}")
        if variants:
            others = {text_of(v, lang) if isinstance(v, str) else text_of(*v) for v in variants} - {
                name
            }
            lines += sorted(f" {_ALT}{other}{tail}" for other in others)
        lines.append(self._shared_made)
        if acts_for:
            lines.append(f" {_ACTS_FOR}{acts_for.iri}{tail}")
        lines.append(self._as_of)
        lines += [f" {pair}{tail}" for pair in more]
        lines.append(self._bases.get(basis) or self._basis(basis))
        lines.append(self._shared_drafted)
        self.shared[subject] = subject.join(lines)
        node = self._nodes[(kind, *fields)] = Node(subject, key, label)
        if self.uses is not None:
            self._using(subject)
        return node

    def _of_class(self, classes: tuple[str, ...]) -> list[str]:
        """Return the lines with the classes of a shared node, sorted."""
        found = self._classes.get(classes)
        if found is None:
            pairs = sorted(_A + term(name) for name in classes)
            found = self._classes[classes] = [f" {pair}{self._shared_tail}" for pair in pairs]
        return found

    def _basis(self, basis: str) -> str:
        """Return the line that says what the record of a shared node rests on."""
        words = text_of(basis or self.feed.title, "en")
        found = self._bases[basis] = f" {_P['registryBasis']}{words}{self._shared_tail}"
        return found

    def _name(self, kind: str, fields: Sequence[str]) -> str:
        """Return kind and key of a shared node, e.g. `agent/ucdp-ged-303`."""
        one = fields[0] if len(fields) == 1 else ""
        return f"{kind}/{self._key}-{slug(one) if one else _digest(fields)}"

    def time(self, text: str, *, certainty: str = "unstated", column: str = "date") -> Time:
        """Return a time.

        Args:
            text: EDTF, e.g. `2023-10-18`, `2023-10`, `2023-10-09/2023-10-15`.
            certainty: how sure the source is of it.
            column: where it comes from, if it is wrong.
        Raises:
            Rejected: it is no such date.
        """
        key = ("time", text, certainty)
        found = self._nodes.get(key)
        if found is None:
            try:
                first, last = edtf.bounds(text)
            except ValueError as error:
                self.reject(column, text, str(error))
            name = digest_key("time", text, "stated-date", None, None, None, certainty, None)
            subject = f"<{data_iri(self.base, 'time', name)}>"
            pairs = [
                _A + term("TimeExtent"),
                f'{_LABEL}"{text}"@en',
                _P["edtf"] + literal(text, datatype=EDTF),
                f"{term('timeRule')} {self.concept('time-rule', 'stated-date')}",
                _P["certainty"] + self.concept("certainty", certainty),
            ]
            if first:
                pairs.append(_P["earliest"] + date(first))
            if last:
                pairs.append(_P["latest"] + date(last))
            self._share(subject, pairs)
            found = self._nodes[key] = Time(subject, text, first or "", last or "")
        if self.uses is not None:
            self._using(found.iri)
        return found

    def amount(
        self,
        unit: str,
        *,
        low: str = "",
        best: str = "",
        high: str = "",
        precision: str = "",
        column: str = "",
    ) -> Amount:
        """Return a quantity.

        Args:
            unit: of what, in English: "deaths".
            low, best, high: numbers as texts; at least one.
            precision: a concept; by default `exact` where the three are the same, or `approximate`.
            column: where they come from, if they are wrong.
        Raises:
            Rejected: a value is no number, or they are not in this order.
        """
        key = ("quantity", unit, low, best, high, precision)
        found = self._nodes.get(key)
        if found is None:
            texts = []
            for value in (low, best, high):
                try:
                    texts.append(number_of(value) if value else "")
                except ValueError:
                    self.reject(column or unit, value, "no number")
            numbers = [Decimal(one) for one in texts if one]
            if numbers != sorted(numbers) or not numbers:
                self.reject(column or unit, f"{low}, {best}, {high}", "expected low ≤ best ≤ high")
            if not precision:
                precision = "exact" if len(set(numbers)) == 1 and all(texts) else "approximate"
            lowest, middle, highest = (one or None for one in texts)
            name = digest_key("quantity", lowest, middle, highest, precision, unit, None)
            subject = f"<{data_iri(self.base, 'quantity', name)}>"
            shown = middle or (f"at least {lowest}" if lowest else f"at most {highest}")
            pairs = [
                _A + term("Quantity"),
                _LABEL + text_of(f"{unit}: {shown}", "en"),
                _P["precision"] + self.concept("precision", precision),
                _P["unit"] + text_of(unit, "en"),
            ]
            for name, text in zip(("low", "best", "high"), texts, strict=True):
                if text:
                    pairs.append(f"{term(name)} {decimal(text)}")
            self._share(subject, pairs)
            found = self._nodes[key] = Amount(subject, *texts)
        if self.uses is not None:
            self._using(found.iri)
        return found

    # --- whose words -------------------------------------------------------------------------

    def voice(
        self,
        fields: Sequence[str],
        label: str,
        *,
        url: str = "",
        issued: str = "",
        publisher: Node | None = None,
        lang: str = "en",
    ) -> Voice:
        """Return an article that a row rests on, with its own voice.

        Args:
            fields: what tells it from others: its address; or outlet, day and headline.
            label: what it is called: the outlet, with a headline or day. Headlines are titles, so
                they may stand here.
            url: its address, as the source gives it.
            issued: when it appeared, EDTF.
            publisher: the outlet.
            lang: the language of the label.
        """
        name = fields[0] if len(fields) == 1 else "\n".join(fields)
        found = self._voices.get(name)
        if found is None:
            key = hashlib.sha256(name.encode()).hexdigest()[:16]
            more = []
            if issued:
                more.append(_ISSUED + text_of(issued))
            if publisher:
                more.append(_PUBLISHER + publisher.iri)
            if url:
                more.append(_SOURCE + text_of(url))
            found = self._voices[name] = self._speaking("document", key, label, lang, more)
        if self.uses is not None:
            self._using(found.source)
            self._using(found.narrator.iri)
        return found

    def record(self, identifier: str, label: str) -> Voice:
        """Return the row itself as a source, with its own voice: that of the coding project.

        Args:
            identifier: the row's, as the source has it.
            label: what the row is called: "UCDP GED 401115".
        """
        key = f"{self._key}-{slug(identifier)}"
        found = self._voices.get(key)
        if found is None:
            found = self._voices[key] = self._speaking(
                "record",
                key,
                label,
                "en",
                (_IDENTIFIER + text_of(identifier),),
                _A + term("FeedRecord"),
            )
        if self.uses is not None:
            self._using(found.source)
            self._using(found.narrator.iri)
        return found

    def _speaking(
        self,
        kind: Literal["document", "record"],
        key: str,
        label: str,
        lang: str,
        said: Sequence[str],
        types: str = "",
    ) -> Voice:
        """Write a source and its own voice.

        Args:
            said: pairs with properties of Dublin Core, sorted.
            types: its class, if it has one below `Source`, as a pair.
        """
        tail = self._tail
        source = f"<{self.base}id/{kind}/{key}>"
        narrator = f"<{self.base}id/agent/narrator-{key}>"
        words = f"{label} (own voice)"
        lines = ["", *(f" {pair}{tail}" for pair in said)]
        if types:
            lines.append(f" {types}{tail}")
        lines += (f" {_IS_SOURCE}{tail}", f" {_LABEL}{text_of(label, lang)}{tail}")
        self.sources[source] = source.join(lines)
        self.sources[narrator] = narrator.join(
            (
                "",
                f" {_IS_AGENT}{tail}",
                f" {_IS_NARRATOR}{tail}",
                f" {_LABEL}{text_of(words, lang)}{tail}",
                f" {_VOICE_OF}{source}{tail}",
            )
        )
        return Voice(source, key, Node(narrator, f"agent/narrator-{key}", words))

    # --- what is described -------------------------------------------------------------------

    def event_name(self, identifier: str) -> Node:
        """Return an event of this source by its identifier, without writing it."""
        key = f"{self._key}-{slug(identifier)}"
        return Node(f"<{data_iri(self.base, 'event', key)}>", f"event/{key}", identifier)

    def elsewhere(self, event: Node) -> Node:
        """Return an event that another table has: a row says something of it; see `Table.needs`."""
        self.needed[event.iri] = ("Event", "Proposition")
        self._using(event.iri)
        return event

    def event(
        self,
        identifier: str,
        label: str,
        kind: str,
        *,
        time: Time | None = None,
        quantity: Amount | None = None,
        description: str = "",
        aspect: str = "single",
        lang: str = "en",
        unstated: Sequence[str] = (),
        **roles: Iterable[Node] | Node | None,
    ) -> Node:
        """Write an event: a description; nothing here says that it happened. Return it.

        Args:
            identifier: the row's, as the source has it.
            label: what it would be, without verdict words.
            kind: a concept of event types, by its key: `consult`, `arms-transfer` ….
            time: when.
            quantity: how many: of deaths, say.
            description: more about it, in our own words; no text of a source.
            aspect: `single`, `repeated` or `continuing`.
            lang: the language of label and description.
            unstated: roles that the row leaves open where one would expect them.
            roles: nodes by role: actor, recipient, place, origin, destination, item, topic,
                instrument, backer, beneficiary.
        """
        name = f"event/{self._key}-{slug(identifier)}"
        subject = f"<{self.base}id/{name}>"
        given = {role: nodes for role, nodes in roles.items() if nodes is not None}
        fields = (kind, aspect, time is None, quantity is None, not unstated, *given)
        plan = self._plans.get(fields) or self._plan(kind, aspect, fields)
        tail = self._tail
        # In the order in which they are sorted.
        lines = [
            "",
            f" {_IDENTIFIER}{text_of(identifier)}{tail}",
            *self._is_event,
            f" {_LABEL}{text_of(label, lang)}{tail}",
            self._made,
        ]
        if description:
            lines.insert(1, f" {_DESCRIPTION}{text_of(description, lang)}{tail}")
        earliest = latest = low = best = high = ""
        for role, line in plan:
            if line:
                lines.append(line)
            elif role in given:
                nodes = given[role]
                if isinstance(nodes, Node):
                    lines.append(f" {_P[role]}{nodes.iri}{tail}")
                    self.participants.append((name, role, nodes.key))
                else:
                    every = dict.fromkeys(nodes)
                    lines += sorted(f" {_P[role]}{node.iri}{tail}" for node in every)
                    self.participants += [(name, role, node.key) for node in every]
            elif role == "time":
                assert time
                lines.append(f" {_TIME}{time.iri}{tail}")
                _, _, earliest, latest = time
            elif role == "quantity":
                assert quantity
                lines.append(f" {_QUANTITY}{quantity.iri}{tail}")
                _, low, best, high = quantity
            else:
                lines += sorted(
                    {f" {_UNSTATED}{self.concept('role', one)}{tail}" for one in unstated}
                )
        self.blocks.append((subject, subject.join(lines)))
        self.events.append(
            (
                name,
                identifier,
                label,
                kind,
                self._types[kind][-1],
                earliest,
                latest,
                low,
                best,
                high,
            )
        )
        return Node(subject, name, label)

    def _plan(
        self, kind: str, aspect: str, fields: tuple[object, ...]
    ) -> tuple[tuple[str, str], ...]:
        """Return what follows label and run of an event, sorted as its lines are.

        Args:
            fields: type and aspect; whether time, quantity and unstated roles are absent; roles.
        Returns:
            Lines that all such events have, each after an empty name; and the names of roles,
            `time`, `quantity` and `unstated`, where their lines come.
        """
        pairs = [*(self._types.get(kind) or self._type(kind))[:-1], _DRAFTED]
        pairs.append(f"{term('aspect')} {self.concept('aspect', aspect)}")
        plan = [(pair, "", f" {pair}{self._tail}") for pair in pairs]
        others = ((_TIME, "time"), (_QUANTITY, "quantity"), (_UNSTATED, "unstated"))
        plan += [(*one, "") for one, absent in zip(others, fields[2:5], strict=True) if not absent]
        plan += [(_P[str(role)], str(role), "") for role in fields[5:]]
        found = self._plans[fields] = tuple((role, line) for _, role, line in sorted(plan))
        return found

    def _type(self, key: str) -> tuple[str, ...]:
        """Return the pairs that say what type and category an event has, and the category's key."""
        concepts = {c.local: (k, c) for k, c in self._vocabulary.schemes["event-type"].items()}
        pairs = [_P["eventType"] + self.concept("event-type", key)]
        local = self._vocabulary.schemes["event-type"][key].local
        category = ""
        for _ in range(len(concepts)):
            name, concept = concepts[local]
            if local.startswith("plover-"):
                pairs.append(_P["category"] + term(local))
                category = name
                break
            if not concept.broader:
                break
            local = concept.broader[0]
        found = self._types[key] = (*pairs, category)
        return found

    def relation(
        self,
        subject: Node,
        kind: str,
        to: Node | None = None,
        *,
        value: str = "",
        quantity: Amount | None = None,
        lang: str = "en",
        time: Time | None = None,
        description: str = "",
        identifier: str = "",
    ) -> Node:
        """Write a relation: a description; nothing here says that it holds. Return it.

        Rows that speak of the same one share it: without an identifier it is written once.

        A number that only some of those who speak of an event give is a relation of the event, with
        claims of its own.

        Args:
            subject: of whom.
            kind: a concept of relation types, by its key.
            to: what it leads to; or
            value: a text; or
            quantity: a number, which is no part of the address.
            lang: the language of the value.
            time: for which time.
            description: more about it, in our own words; no text of a source.
            identifier: the row's, if it has one.
        """
        assert (to is not None) + bool(value) + (quantity is not None) == 1
        when = time.iri.rpartition("/")[2][:-1] if time else None
        key = digest_key("relation", subject.key, kind, to.key if to else None, value or None, when)
        node = f"<{data_iri(self.base, 'relation', key)}>"
        known: Node | None = None if identifier else self._nodes.get(("relation", key))
        if known:
            self._using(node)
            return known
        words = self._vocabulary.schemes["relation-type"][kind].label
        end = to.label if to else quantity.shown if quantity else value
        label = f"{subject.label} — {words} — {end}"
        pairs = [
            *_RELATION,
            self._run,
            _LABEL + text_of(label, "en"),
            _P["relationType"] + self.concept("relation-type", kind),
            _P["subject"] + subject.iri,
            _IDENTIFIER + text_of(identifier or key),
        ]
        if to:
            pairs.append(_P["object"] + to.iri)
        elif quantity:
            pairs.append(_P["quantity"] + quantity.iri)
        else:
            pairs.append(_P["value"] + text_of(value, lang))
        if time:
            pairs.append(_P["time"] + time.iri)
        if description:
            pairs.append(_DESCRIPTION + text_of(description, "en"))
        self._put(node, pairs)
        self._using(node)
        found = self._nodes["relation", key] = Node(node, f"relation/{key}", label)
        return found

    # --- who says it -------------------------------------------------------------------------

    def claim(
        self,
        voice: Voice,
        about: Node,
        *,
        by: Node | Sequence[Node] | None = None,
        relays: Node | None = None,
        label: str = "",
        stance: str = "affirms",
        modality: str = "actual",
        certainty: str = "unstated",
        basis: str = "none-stated",
        manner: str = "stated",
        attribution: str = "stated",
        locator: Sequence[str] = (),
        confidence: str = "",
        identifier: str = "",
        n: int = 1,
    ) -> Node:
        """Write a claim and return it.

        Args:
            voice: the source in which it is found.
            about: an event or a relation; of a relaying claim, what is claimed in the end.
            by: who claims it; the source's own voice by default.
            relays: the claim that this one passes on: `by` says that somebody said it.
            label: what it is called; made of the others by default.
            stance, modality, certainty, basis, manner, attribution: concepts, by their keys.
            locator: where in the source it stands, in words: there is no span of a feed.
            confidence: of the extraction, from 0 to 1.
            identifier: the row's, if it is one of its own.
            n: tells claims by one speaker about one thing in one source apart.
        Raises:
            Rejected: the confidence is no number from 0 to 1.
        """
        if by is None or isinstance(by, Node):
            one = by or voice.narrator
            who: Sequence[Node] = (one,)
            joined = one.key.partition("/")[2]
        else:
            who = tuple(dict.fromkeys(by))
            joined = '","'.join(sorted({one.key.partition("/")[2] for one in who}))
        target = relays.key if relays else about.key
        # As kg.vocab.claim_key has it: keys hold nothing that JSON would escape.
        text = f'["claim","{voice.key}",["{joined}"],"{target}",{n}]'
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        subject = f"<{self.base}id/claim/{key}>"
        if not label:
            names = ", ".join(one.label for one in who)
            hedge = ", ".join(w for w in (modality, certainty) if w not in _PLAIN)
            verb = "relayed" if relays else _VERBS[stance]
            label = f"{names} {verb}{f' ({hedge})' if hedge else ''}: {about.label}"
        kinds = (attribution, basis, certainty, manner, modality, stance)
        said = self._stances.get(kinds) or self._stance(kinds)
        tail = self._tail
        mark = text_of(identifier) if identifier else f'"{self._key}-{key}"'
        # In the order in which they are sorted.
        lines = [
            "",
            f" {_IDENTIFIER}{mark}{tail}",
            f" {_IS_CLAIM}{tail}",
            f" {_LABEL}{text_of(label, 'en')}{tail}",
            self._made,
        ]
        if not relays:
            lines.append(f" {_ABOUT}{about.iri}{tail}")
        lines += said[:3]
        if len(who) == 1:
            lines.append(f" {_CLAIMANT}{who[0].iri}{tail}")
        else:
            lines += sorted(f" {_CLAIMANT}{one.iri}{tail}" for one in who)
        if not relays:
            lines.append(f" {_CONCERNS}{about.iri}{tail}")
        if confidence:
            try:
                number = number_of(confidence)
            except ValueError:
                self.reject("confidence", confidence, "no number; expected one from 0 to 1")
            if not 0 <= float(number) <= 1:
                self.reject("confidence", confidence, "expected a number from 0 to 1")
            lines.append(f" {_CONFIDENCE}{decimal(number)}{tail}")
        lines.append(f" {_IN_SOURCE}{voice.source}{tail}")
        if len(locator) == 1:
            lines.append(f" {_LOCATOR}{text_of(locator[0], 'en')}{tail}")
        elif locator:
            lines += sorted({f" {_LOCATOR}{text_of(where, 'en')}{tail}" for where in locator})
        lines += said[3:5]
        if relays:
            inner = self._inner[subject] = self._inner.get(relays.iri, relays.iri)
            lines += (
                f" {_RELAYS}{relays.iri}{tail}",
                self._drafted,
                said[5],
                f" {_ULTIMATELY}{inner}{tail}",
            )
        else:
            lines += (self._drafted, said[5])
        self.blocks.append((subject, subject.join(lines)))
        name = f"claim/{key}"
        self.claims.append(
            (
                name,
                about.key,
                relays.key if relays else "",
                who[0].key if len(who) == 1 else ",".join(one.key for one in who),
                voice.source,
                stance,
                modality,
                certainty,
                basis,
                confidence,
            )
        )
        return Node(subject, name, label)

    def _stance(self, kinds: tuple[str, ...]) -> tuple[str, ...]:
        """Return the lines that say of a claim what it is, in the order of `_STANCE`."""
        found = self._stances[kinds] = tuple(
            f" {term(name)} {self.concept(name, key)}{self._tail}"
            for name, key in zip(_STANCE, kinds, strict=True)
        )
        return found


def prelude(feed: Feed, base: str) -> list[str]:
    """Return the lines of the source itself in its registry: who codes it, and how; sorted."""
    graph = graph_iri(base, f"{feed.key}-registry")
    run = f"<{data_iri(base, 'run', feed.key)}>"
    agent = f"<{data_iri(base, 'agent', feed.key)}>"
    made = f"{_MADE}{run}"
    pairs = {
        run: [
            _A + term("ExtractionRun"),
            f"{_A}<{PROV}Activity>",
            _LABEL + text_of(f"Coding of {feed.title}", "en"),
            _IDENTIFIER + text_of(feed.key),
            f"{term('runType')} {term('run-type-coding')}",
            f"<{PROV}wasAssociatedWith> {agent}",
            f"<{DCTERMS}date> {date(feed.retrieved)}",
            f"{term('method')} {text_of(feed.method, 'en')}",
        ],
        agent: [
            _A + term("Organization"),
            _A + term("Agent"),
            _LABEL + text_of(feed.publisher, "en"),
            _IDENTIFIER + text_of(feed.key),
            _P["registryBasis"] + text_of(f"Publisher of {feed.title}", "en"),
            f"{_P['asOf']}{date(feed.retrieved)}",
            made,
            _DRAFTED,
        ],
    }
    return sorted(f"{node} {pair} <{graph}> .\n" for node, some in pairs.items() for pair in some)


class FeedScript(msgspec.Struct, frozen=True):
    """A loaded mapping of a feed: see the top of this module."""

    source: Feed
    mapper: Callable[[str, Scribe], MapRow]


def load_feed(folder: Path, source_id: str) -> FeedScript:
    """Return the mapping of the feed `<folder>/<source_id>.py`.

    Raises:
        MappingError: there is none, or it has no `SOURCE` of that id and no `mapper`.
    """
    path = folder / f"{source_id}.py"
    spec = importlib.util.spec_from_file_location(f"kg_mappings.{source_id}", path)
    if path.is_file() and not re.fullmatch("[a-z][a-z_]*", source_id):
        raise MappingError(
            "the name of the file is no id", where=path.name, expected="letters a to z and _"
        )
    if not path.is_file() or not spec:
        raise MappingError(
            "no such source",
            where="--source",
            seen=source_id,
            expected=f"one of {', '.join(feeds(folder))}",
            hint="`kg source list` shows them; `kg source new` begins another one",
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where the types of annotations are looked up
    try:
        # As the file is now: byte code that is kept may be of a moment before.
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except Exception as error:
        raise MappingError(
            "the mapping cannot be loaded", where=place_of(error, path), seen=words_of(error)
        ) from error
    source = getattr(module, "SOURCE", None)
    function = getattr(module, "mapper", None)
    if not isinstance(source, Feed) or source.id != source_id or function is None:
        raise MappingError(
            "the mapping is none of a feed",
            where=f"mappings/{path.name}",
            expected=f'SOURCE = Feed(id="{source_id}", …) and mapper(table, out)',
        )
    return FeedScript(source, function)


def words_of(error: Exception) -> str:
    """Return what an error of a mapping's code says, with its type."""
    return f"{type(error).__name__}: {error}"


def place_of(error: Exception, path: Path) -> str:
    """Return the place in the file of a mapping at which an error came up: `gdelt.py:12`."""
    line = error.lineno or 0 if isinstance(error, SyntaxError) else 0
    for frame in traceback.extract_tb(error.__traceback__):
        if Path(frame.filename).name == path.name:
            line = frame.lineno or line
    return f"{path.name}:{line}" if line else path.name


def feeds(folder: Path) -> list[str]:
    """Return the ids of the mappings of feeds in a folder, sorted."""
    return with_source(folder, "Feed")


def with_source(folder: Path, kind: str) -> list[str]:
    """Return the names of the files of a folder with a `SOURCE` of a kind, sorted; none is run."""
    wanted = re.compile(rf"^SOURCE\b[^=\n]*= *(?:\w+\.)*{kind}\(", re.MULTILINE)
    paths = sorted(folder.glob("*.py"))
    return [p.stem for p in paths if wanted.search(p.read_text(encoding="utf-8", errors="replace"))]
