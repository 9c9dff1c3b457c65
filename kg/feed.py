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
    SKOS,
    XSD,
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

STATES: Final = ("iso2", "iso3", "gw", "cameo", "fips")
"""Schemes of codes by which states are known."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of file of a feed.

    Attributes:
        id: its name, `[a-z]+`: in `issues.jsonl` and as the argument of `mapper`.
        form: `tsv` has neither quotes nor escapes; `csv` as in RFC 4180; `json` is one object a
            line, or one array of objects.
        columns: the names of the columns, in the order of files without a header. Of JSON, the
            fields that the mapping reads.
        header: whether files begin with the names of their columns. Where they do, their order
            is free, and a column that is not known is told once and left out.
        required: the columns without which a file is not of this table.
        key: the columns that tell a record from all others of the table.
        again: what becomes of a second record with the same key: `reject` sets it aside, `number`
            counts it in `Scribe.n`.
        needs: a table, and the columns that hold the key of a record there: a row without one is
            set aside.
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
        retrieved: the day for which what is said here was checked.
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
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ESCAPED: Final = re.compile('[\\\\"\n\r\t\x00-\x1f\x7f]')
_ROLES: Final = (
    "actor",
    "recipient",
    "place",
    "origin",
    "destination",
    "item",
    "topic",
    "instrument",
    "backer",
    "beneficiary",
)
_P: Final = {
    name: f"{term(name)} "
    for name in (
        *_ROLES,
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
_EVENT: Final = (_A + term("Event"), _A + term("Proposition"), _DRAFTED)
_RELATION: Final = (_A + term("Relation"), _A + term("Proposition"), _DRAFTED)
_CLAIM: Final = (_A + term("Claim"), _DRAFTED)
_INTEGER: Final = f'"^^<{XSD}integer>'
_CLASSES: Final = {
    name: (_A + term(name), _A + term("Organization"), _A + term("Agent"))
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
    if _KEY.fullmatch(text) and len(text) <= 80:
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def text_of(value: str, lang: str = "") -> str:
    """Return a text of a feed as a literal: NFC, without control characters, spaces once.

    >>> text_of("Kyiv  today", "en")
    '"Kyiv today"@en'
    """
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    if "  " in value or _ESCAPED.search(value) or value[:1].isspace() or value[-1:].isspace():
        value = " ".join(_CONTROL.sub(" ", value).split())
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"@{lang}' if lang else f'"{value}"'


def number_of(value: str) -> str:
    """Return the canonical text of a number: `2.50` → `2.5`, `1e3` → `1000`, `+3` → `3`.

    Raises:
        ValueError: it is none, or has more than 30 digits.
    """
    if value.isascii() and value.isdigit() and (value[0] != "0" or value == "0"):
        return value
    try:
        found = Decimal(value.strip())
        if not found.is_finite() or not -30 < found.adjusted() < 30:
            raise ValueError(f"no number of a usual size: {value!r}")
        text = format(found, "f")
    except InvalidOperation:
        raise ValueError(f"no number: {value!r}") from None
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


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
        self._key = feed.key
        self._states = states
        self._vocabulary = vocabulary
        self._tail = f" <{graph_iri(base, batch)}> .\n"
        self._shared_tail = f" <{graph_iri(base, f'{feed.key}-registry')}> .\n"
        self._run = f"{_MADE}<{data_iri(base, 'run', feed.key)}>"
        self._as_of = f"{_P['asOf']}{date(feed.retrieved)}"
        self.blocks: list[tuple[str, str]] = []
        """Subject and lines of every node of rows, in the order of writing."""
        self.sources: dict[str, str] = {}
        """The lines of sources and of their voices, by subject."""
        self.shared: dict[str, str] = {}
        """The lines of every shared node, by subject."""
        self.states: dict[str, str] = {}
        """The keys of the states that were found, each with its label."""
        self.needed: dict[str, None] = {}
        """Nodes of other tables that are said to be there."""
        self.events: list[tuple[Any, ...]] = []
        self.claims: list[tuple[Any, ...]] = []
        self.participants: list[tuple[str, str, str]] = []
        self.acts_for: dict[str, str] = {}
        """Whose side agents are on, by their keys."""
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
        self._since: tuple[int, ...] = ()

    # --- rows --------------------------------------------------------------------------------

    def begin(self, row: int, n: int = 1) -> None:
        """Take what is written from now on for that of a row; see `undo`."""
        self.row, self.n = row, n
        self._since = tuple(map(len, self._growing()))

    def undo(self) -> None:
        """Take back all that was written since `begin`."""
        for one, before in zip(self._growing(), self._since, strict=True):
            if isinstance(one, list):
                del one[before:]
            else:
                while len(one) > before:
                    one.popitem()

    def _growing(self) -> tuple[list[Any] | dict[Any, Any], ...]:
        """Return what grows in the order of writing, so that its end can be taken back."""
        return (
            self.blocks,
            self.sources,
            self.shared,
            self.states,
            self.needed,
            self.events,
            self.claims,
            self.participants,
            self._nodes,
            self._voices,
            self._inner,
        )

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
        lines = sorted(set(pairs))
        tail = self._shared_tail
        self.shared[subject] = f"{subject} {f'{tail}{subject} '.join(lines)}{tail}"

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
        return node

    def agent(
        self,
        fields: Sequence[str],
        label: str,
        *,
        kind: str = "",
        lang: str = "en",
        variants: Sequence[str] = (),
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
            variants: further names.
            identifier: what the source calls it; `fields` with a space between by default.
            basis: what the record of it rests on.
            description: needed of `UnnamedSource` and `Group`.
            acts_for: whose side it is on.
            country: the state by which the source codes it; no side follows from that.
            located_in: where it is.
        """
        key = ("agent", *fields)
        node = self._nodes.get(key)
        if node is None:
            more = []
            if acts_for:
                more.append(_P["actsFor"] + acts_for.iri)
                self.acts_for[self._name("agent", fields)] = acts_for.key
            if country:
                more.append(_P["country"] + country.iri)
            if located_in:
                more.append(_P["locatedIn"] + located_in.iri)
            classes = _CLASSES.get(kind) or (
                (_A + term(kind), _A + term("Agent")) if kind else (_A + term("Agent"),)
            )
            node = self._nodes[key] = self._entity(
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
            )
        self._using(node.iri)
        return node

    def place(
        self,
        fields: Sequence[str],
        label: str,
        *,
        lang: str = "en",
        variants: Sequence[str] = (),
        identifier: str = "",
        basis: str = "",
        description: str = "",
        latitude: str = "",
        longitude: str = "",
        country: Node | None = None,
        located_in: Node | None = None,
    ) -> Node:
        """Return a place of this source; see `agent`.

        Args:
            latitude, longitude: degrees of WGS 84 as texts, both or none.
        Raises:
            Rejected: they are no such numbers.
        """
        key = ("place", *fields)
        node = self._nodes.get(key)
        if node is None:
            more = []
            for name, value, most in (("latitude", latitude, 90), ("longitude", longitude, 180)):
                if latitude and longitude:
                    try:
                        text = number_of(value)
                    except ValueError:
                        self.reject(name, value, "no number; expected degrees")
                    if not -most <= float(text) <= most:
                        self.reject(name, value, f"expected degrees from -{most} to {most}")
                    more.append(_P[name] + decimal(text))
            if country:
                more.append(_P["country"] + country.iri)
            if located_in:
                more.append(_P["locatedIn"] + located_in.iri)
            node = self._nodes[key] = self._entity(
                "place",
                fields,
                label,
                (_A + term("Place"),),
                lang,
                variants,
                identifier,
                basis,
                description,
                more,
            )
        self._using(node.iri)
        return node

    def thing(
        self,
        fields: Sequence[str],
        label: str,
        *,
        kind: str = "",
        lang: str = "en",
        variants: Sequence[str] = (),
        identifier: str = "",
        basis: str = "",
        description: str = "",
    ) -> Node:
        """Return a thing of this source; see `agent`.

        Args:
            kind: `Vehicle`, `Materiel`, `Programme`, `Measure`, `Work` or `Topic`.
        """
        key = ("thing", *fields)
        node = self._nodes.get(key)
        if node is None:
            classes = ((_A + term(kind),) if kind else ()) + (_A + term("Thing"),)
            node = self._nodes[key] = self._entity(
                "thing", fields, label, classes, lang, variants, identifier, basis, description, []
            )
        self._using(node.iri)
        return node

    def _entity(
        self,
        kind: Literal["agent", "place", "thing"],
        fields: Sequence[str],
        label: str,
        classes: Sequence[str],
        lang: str,
        variants: Sequence[str],
        identifier: str,
        basis: str,
        description: str,
        more: list[str],
    ) -> Node:
        key = self._name(kind, fields)
        subject = f"<{self.base}id/{key}>"
        name = text_of(label, lang)
        pairs = [
            *classes,
            _LABEL + name,
            _IDENTIFIER + text_of(identifier or " ".join(filter(None, fields))),
            f"{_P['registryBasis']}{text_of(basis or self.feed.title, 'en')}",
            self._as_of,
            self._run,
            _DRAFTED,
            *more,
        ]
        pairs += [_ALT + other for v in variants if (other := text_of(v, lang)) != name]
        if description:
            pairs.append(_DESCRIPTION + text_of(description, "en"))
        self._share(subject, pairs)
        return Node(subject, key, label)

    def _name(self, kind: str, fields: Sequence[str]) -> str:
        """Return kind and key of a shared node, e.g. `agent/ucdp-ged-303`."""
        one = fields[0] if len(fields) == 1 else ""
        return f"{kind}/{self._key}-{slug(one) if one else digest_key(*fields)}"

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
            if url:
                more.append(_SOURCE + text_of(url))
            if issued:
                more.append(_ISSUED + text_of(issued))
            if publisher:
                more.append(_PUBLISHER + publisher.iri)
            found = self._voices[name] = self._speaking("document", key, label, lang, more)
        self._using(found.source)
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
            more = [_A + term("FeedRecord"), _IDENTIFIER + text_of(identifier)]
            found = self._voices[key] = self._speaking("record", key, label, "en", more)
        self._using(found.source)
        return found

    def _speaking(
        self, kind: Literal["document", "record"], key: str, label: str, lang: str, more: list[str]
    ) -> Voice:
        source = f"<{data_iri(self.base, kind, key)}>"
        narrator = f"<{data_iri(self.base, 'agent', f'narrator-{key}')}>"
        words = f"{label} (own voice)"
        self.sources[source] = self._block(
            source, [_A + term("Source"), _LABEL + text_of(label, lang), *more]
        )
        self.sources[narrator] = self._block(
            narrator,
            [
                _A + term("Narrator"),
                _A + term("Agent"),
                _LABEL + text_of(words, lang),
                _P["voiceOf"] + source,
            ],
        )
        return Voice(source, key, Node(narrator, f"agent/narrator-{key}", words))

    # --- what is described -------------------------------------------------------------------

    def event_name(self, identifier: str) -> Node:
        """Return an event of this source by its identifier, without writing it."""
        key = f"{self._key}-{slug(identifier)}"
        return Node(f"<{data_iri(self.base, 'event', key)}>", f"event/{key}", identifier)

    def elsewhere(self, event: Node) -> Node:
        """Return an event that another table has: a row says something of it; see `Table.needs`."""
        self.needed[event.iri] = None
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
        key = f"{self._key}-{slug(identifier)}"
        subject = f"<{data_iri(self.base, 'event', key)}>"
        kinds = self._types.get(kind) or self._type(kind)
        pairs = [
            *_EVENT,
            *kinds[:-1],
            self._run,
            _IDENTIFIER + text_of(identifier),
            _LABEL + text_of(label, lang),
            f"{term('aspect')} {self.concept('aspect', aspect)}",
        ]
        earliest = latest = low = best = high = ""
        if time:
            pairs.append(_P["time"] + time.iri)
            _, _, earliest, latest = time
        if quantity:
            pairs.append(_P["quantity"] + quantity.iri)
            _, low, best, high = quantity
        if description:
            pairs.append(_DESCRIPTION + text_of(description, lang))
        for role in unstated:
            pairs.append(f"{term('leavesUnstated')} {self.concept('role', role)}")
        name = f"event/{key}"
        for role, nodes in roles.items():
            if nodes is None:
                continue
            for node in (nodes,) if isinstance(nodes, Node) else dict.fromkeys(nodes):
                pairs.append(_P[role] + node.iri)
                self.participants.append((name, role, node.key))
        self._put(subject, pairs)
        self.events.append(
            (name, identifier, label, kind, kinds[-1], earliest, latest, low, best, high)
        )
        return Node(subject, name, label)

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
        time: Time | None = None,
        identifier: str = "",
    ) -> Node:
        """Write a relation: a description; nothing here says that it holds. Return it.

        Args:
            subject: of whom.
            kind: a concept of relation types, by its key.
            to: what it leads to; or
            value: a text.
            time: for which time.
            identifier: the row's, if it has one.
        """
        assert bool(to) != bool(value)
        when = time.iri.rpartition("/")[2][:-1] if time else None
        key = digest_key("relation", subject.key, kind, to.key if to else None, value or None, when)
        node = f"<{data_iri(self.base, 'relation', key)}>"
        words = self._vocabulary.schemes["relation-type"][kind].label
        label = f"{subject.label} — {words} — {to.label if to else value}"
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
        else:
            pairs.append(_P["value"] + text_of(value, "en"))
        if time:
            pairs.append(_P["time"] + time.iri)
        self._put(node, pairs)
        return Node(node, f"relation/{key}", label)

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
        who = (voice.narrator,) if by is None else (by,) if isinstance(by, Node) else tuple(by)
        keys = sorted({one.key.partition("/")[2] for one in who})
        target = relays.key if relays else about.key
        joined = '","'.join(keys)
        # As kg.vocab.claim_key has it: keys hold nothing that JSON would escape.
        text = f'["claim","{voice.key}",["{joined}"],"{target}",{n}]'
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        subject = f"<{self.base}id/claim/{key}>"
        if not label:
            names = ", ".join(one.label for one in who)
            hedge = ", ".join(w for w in (modality, certainty) if w not in _PLAIN)
            verb = "relayed" if relays else _VERBS[stance]
            label = f"{names} {verb}{f' ({hedge})' if hedge else ''}: {about.label}"
        pairs = [
            *_CLAIM,
            self._run,
            _IDENTIFIER + (text_of(identifier) if identifier else f'"{self._key}-{key}"'),
            _LABEL + text_of(label, "en"),
            _P["inSource"] + voice.source,
            f"{term('stance')} {self.concept('stance', stance)}",
            f"{term('modality')} {self.concept('modality', modality)}",
            f"{term('certainty')} {self.concept('certainty', certainty)}",
            f"{term('basis')} {self.concept('basis', basis)}",
            f"{term('manner')} {self.concept('manner', manner)}",
            f"{term('attribution')} {self.concept('attribution', attribution)}",
        ]
        pairs += [_P["claimant"] + one.iri for one in who]
        if relays:
            pairs.append(_P["relays"] + relays.iri)
            pairs.append(_P["ultimately"] + self._inner.get(relays.iri, relays.iri))
            self._inner[subject] = self._inner.get(relays.iri, relays.iri)
        else:
            pairs.append(_P["about"] + about.iri)
            pairs.append(_P["concerns"] + about.iri)
        for where in locator:
            pairs.append(_P["locator"] + text_of(where, "en"))
        if confidence:
            try:
                number = number_of(confidence)
            except ValueError:
                self.reject("confidence", confidence, "no number; expected one from 0 to 1")
            if not 0 <= Decimal(number) <= 1:
                self.reject("confidence", confidence, "expected a number from 0 to 1")
            pairs.append(_P["extractionConfidence"] + decimal(number))
        self._put(subject, pairs)
        name = f"claim/{key}"
        self.claims.append(
            (
                name,
                about.key,
                relays.key if relays else "",
                ",".join(one.key for one in who),
                voice.source,
                stance,
                modality,
                certainty,
                basis,
                confidence,
            )
        )
        return Node(subject, name, label)


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
