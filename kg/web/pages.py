"""What pages show: view models made from descriptions, in the languages of a reader.

No label of a proposition is shown bare: `Ref.mark` says what stands before it, and the macro `ref`
in templates/macros.html is the one place that writes it.

Spec: docs/model.md; docs/how-to/read-the-pages.md
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from kg.vocab import CH, COMMON, EDTF, MARKS, NAMES, RDF, ROLES, SSSOM, WORDED, XSD
from kg.web.describe import (
    ABOUT,
    KEY,
    KINDS,
    PROPOSITIONS,
    Description,
    Row,
    Solutions,
    Term,
    plain_datatype,
    shrink,
)
from kg.web.language import N_, VERB_LAST, Language, language
from kg.web.texts import Passage

STANCES: Final = (
    "affirms",
    "denies",
    "disputes-evidence",
    "questions",
    "does-not-confirm",
    "cannot-verify",
)
SIDES: Final = (
    ("affirmedBy", N_("Affirmed by")),
    ("deniedBy", N_("Denied by")),
    ("disputedBy", N_("Evidence disputed by")),
    ("questionedBy", N_("Questioned by")),
    ("notConfirmedBy", N_("Not confirmed by")),
    ("notVerifiedBy", N_("Not verifiable for")),
)

_MARKS: Final = (
    N_("described"),
    N_("described claims"),
    N_("described role"),
    N_("claim"),
    N_("assessment of what is described"),
    N_("record"),
)
"""The words of `kg.vocab.MARKS`."""
KIND_NAMES: Final[Mapping[str, str]] = {
    "event": N_("Event"),
    "relation": N_("Relation"),
    "claim": N_("Claim"),
    "claimset": N_("Set of claims"),
    "document": N_("Document"),
    "agent": N_("Agent"),
    "place": N_("Place"),
    "thing": N_("Thing"),
    "position": N_("Office"),
    "notice": N_("Notice"),
}
"""What one thing of a kind is called; other kinds have no page on which it is said."""
_ACTS: Final = {
    "Correction": N_("Correction"),
    "Withdrawal": N_("Withdrawal"),
    "Suppression": N_("Suppression"),
}
MADE: Final = N_("text made by the query")
"""What is written before text that stands nowhere in the graph."""
READINGS: Final[Mapping[str, str]] = {
    CH + "literalReading": N_("literal reading"),
    CH + "chosenReading": N_("chosen reading"),
}
"""What is written before the readings of a text, by property."""
_CERTAINTIES: Final = {"probable": N_("probable"), "possible": N_("possible")}

ANSWERS: Final = N_("answers")
ANSWERED: Final = N_("answered by")
"""Links of a claim to others, by the words for them."""
RULES: Final = (
    N_("Somebody denies it and no side affirms it."),
    N_("A side affirms it; another denies it, disputes its evidence or questions it."),
    N_("Every affirming claim puts it as planned, expected or intended."),
    N_(
        "Every affirming claim puts it as something to come, some only as a possibility or under "
        "a condition."
    ),
    N_("A participant's own side affirms it."),
    N_("Two or more sides affirm it."),
    N_("One side affirms it."),
    N_("Only a document's own voice, or nobody named, affirms it."),
    N_("Nobody affirms it: it is described only in positions that do not affirm it."),
)
"""The rules of derived statuses, as the build writes them in English."""
RULE_OF: Final[Mapping[str, str]] = dict(
    zip(
        (
            *("denied", "contested", "planned", "hypothetical", "acknowledged"),
            *("corroborated", "claimed", "reported", "unaffirmed"),
        ),
        RULES,
        strict=True,
    )
)
"""The rule of each status, by its name."""
DEEPEST: Final = 6
"""Blank nodes that are shown within each other."""


# --- views -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Label:
    """Words, and the language they are in; empty for none or for the language of the page."""

    text: str
    lang: str = ""


@dataclass(frozen=True)
class Ref:
    """A link to something that is named: the macro `ref` writes it.

    `mark` is what must stand before the label, so that no page says a proposition in its own
    voice. `corrected` says that an editor corrected it. `speakers` and `stance` are of a claim: its
    label is attributed with them; `relays` is the word for what it does to another claim.
    """

    iri: str
    href: str
    label: Label
    kind: str = ""
    mark: str = ""
    outside: bool = False
    status: Ref | None = None
    speakers: tuple[Ref, ...] = ()
    stance: Ref | None = None
    target: Ref | None = None
    corrected: bool = False
    relays: str = ""

    @property
    def plain(self) -> str:
        """Return the label as plain text, with its mark or its speaker."""
        return plain(self)


@dataclass(frozen=True)
class Text:
    """A literal to show: its words, its language and its datatype by prefixed name.

    `mark` is what must stand before it where it says something that somebody may deny, or where a
    query put it together, which `made` says. `label` says that it is a label of anything; `of` is
    what it puts into words.
    """

    text: str
    lang: str = ""
    datatype: str = ""
    mark: str = ""
    label: bool = False
    made: bool = False
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Amount:
    """A quantity to show: how many in words, of what, and our wording of it."""

    number: str
    unit: Text | None
    wording: Text | None


@dataclass(frozen=True)
class Nested:
    """A blank node: what is said of it, or the members of the list that begins with it."""

    facts: tuple[Fact, ...] = ()
    members: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Triple:
    """A triple term: its subject, predicate and object."""

    terms: tuple[Value, ...]


@dataclass(frozen=True)
class Outside:
    """An address that a source or a feed gives: nobody here vouches for what is there."""

    address: str
    """Empty where it cannot be opened in a browser: then it is text."""
    text: str


@dataclass(frozen=True)
class Credit:
    """Whose data a page shows: its licence, and how it is cited."""

    licence: Ref | None
    citation: str
    graphs: tuple[Ref, ...]


Value = Ref | Text | Amount | Nested | Triple | Outside


@dataclass(frozen=True)
class Fact:
    """One row of a table of properties."""

    name: str | Ref
    values: tuple[Value, ...]
    note: str = ""


@dataclass(frozen=True)
class Participant:
    """Who or what is described as taking part, in which role, and what the text literally named."""

    role: Ref
    who: Ref
    named_as: Ref | None = None
    quantities: tuple[Amount, ...] = ()


MOST_SUMMARISED: Final = 3
"""Propositions of a claim in the summary of its page."""
LONGEST_SUMMARY: Final = 240
"""Characters of positions by name in the summary of a page."""
REPLIES: Final = "replies"
"""The key of the position of those who answer, beside the names of stances."""


@dataclass(frozen=True)
class Position:
    """Who takes one stance, for the short list beside a proposition."""

    stance: Ref
    key: str
    speakers: tuple[Ref, ...]


@dataclass(frozen=True)
class Listed:
    """A proposition in a list: what is described, when, in which roles, and who says what of it.

    `elsewhere` are other positions than affirming ones on what is possibly the same event, `inner`
    those on what a relation is between or an event is about. `partial` says that not all positions
    were read, so that none may be said not to be there.
    `shown` are the propositions that the page has shown with the positions on them.
    """

    ref: Ref
    type: Ref | None
    when: str
    roles: tuple[Ref, ...]
    positions: tuple[Position, ...]
    against: bool
    elsewhere: tuple[Position, ...] = ()
    inner: tuple[Position, ...] = ()
    uncontested: bool = False
    partial: bool = False
    shown: set[str] = field(default_factory=set, compare=False, repr=False)

    def on_page(self) -> str:
        """Return nothing; remember that the page shows the positions."""
        self.shown.add(self.ref.iri)
        return ""


@dataclass(frozen=True)
class EvidenceView:
    """A place in a document: numbers; its words only for who holds the text and sits here."""

    document: Ref
    ref: Ref
    sentence: str
    start: str
    end: str
    passage: Passage | None = None


@dataclass(frozen=True)
class Notice:
    """What an editor did: a correction, a withdrawal or a suppression, and what that is called."""

    ref: Ref
    act: str
    called: str
    reason: Ref | None
    authority: str
    date: str
    summary: Text | None
    of: tuple[Ref, ...]


@dataclass(frozen=True)
class Card:
    """One claim in a ledger, with all that it carries."""

    ref: Ref
    speakers: tuple[Ref, ...]
    sides: tuple[Ref, ...]
    chains: tuple[tuple[Ref, ...], ...]
    stance: Ref | None
    stance_key: str
    target: Ref | None
    others: Listed | None
    set_note: str
    modality: Ref | None
    certainty: Ref | None
    basis: Ref | None
    manner: Ref | None
    attribution: Ref | None
    when: str
    source: Ref | None
    evidence: tuple[EvidenceView, ...]
    locators: tuple[Text, ...]
    quotes: tuple[Text, ...]
    links: tuple[tuple[str, tuple[Ref, ...]], ...]
    reading: Reading | None
    note: Text | None
    confidence: str
    review: Ref | None
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class Side:
    """The claims of one side; without agents, those of speakers who speak for themselves."""

    agents: tuple[Ref, ...]
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class Group:
    """The claims of one stance, by side."""

    key: str
    stance: Ref
    sides: tuple[Side, ...]

    @property
    def cards(self) -> tuple[Card, ...]:
        """Return the claims of all sides."""
        return tuple(card for side in self.sides for card in side.cards)


@dataclass(frozen=True)
class Ledger:
    """All claims on a proposition by stance; `against` says whether anybody does not affirm it."""

    groups: tuple[Group, ...]
    total: int
    against: bool
    cut: bool = False


@dataclass(frozen=True)
class Reading:
    """What is wrong with the text, and which sense was taken."""

    quality: Ref | None
    literal: Text | None
    chosen: Text | None
    reason: Text | None


@dataclass(frozen=True)
class Assessment:
    """A derived status with its sides and its rule."""

    ref: Ref
    status: Ref
    rule: Text | None
    sides: tuple[tuple[str, tuple[Ref, ...]], ...]
    events: tuple[Ref, ...]
    links: tuple[Ref, ...]


@dataclass(frozen=True)
class SameEvent:
    """Another event that is possibly the same one, with the positions on it."""

    listed: Listed
    record: Ref
    certainty: Ref | None
    accepted: bool
    reason: Text | None


@dataclass(frozen=True)
class Point:
    """A position in degrees, as the data have it."""

    latitude: str
    longitude: str


@dataclass(frozen=True)
class OutsideLink:
    """A link to another dataset, or the note that none was found."""

    target: Ref | None
    label: str
    negative: bool
    predicate: str
    justification: str
    confidence: str
    note: str
    reviewed: str
    record: Ref


@dataclass(frozen=True)
class Sentence:
    """One sentence of a document: where its spans lie and what they support."""

    number: str
    spans: tuple[EvidenceView, ...]
    cards: tuple[Ref, ...]
    names: tuple[tuple[Text, Ref], ...]


@dataclass
class View:
    """The reader's view of a description: which languages, and under which address.

    Args:
        d: the description.
        languages: tags in the order of preference, e.g. `("bn", "en")`.
        root: path under which the site stands, without a slash at the end; often empty.
        language: of the page itself; labels in it carry no `lang`.
        imported: the release is RDF that was imported, so that every IRI has a page here.
    """

    d: Description
    languages: tuple[str, ...] = ("en",)
    root: str = ""
    language: Language = field(default_factory=lambda: language("en"))
    imported: bool = False
    passages: Callable[[str, str, str, str], Passage | None] | None = None
    """Returns the words of a span, by document, start, end and hash."""
    _refs: dict[str, Ref] = field(default_factory=dict)
    MOST_UNLISTED: ClassVar[int] = 200
    """Of what else a page names, so many are listed with the positions on them."""
    _naming: set[str] = field(default_factory=set)
    _composing: set[str] = field(default_factory=set)
    _shown: set[str] = field(default_factory=set)

    @property
    def ui(self) -> str:
        """Return the tag of the language of the page itself."""
        return self.language.tag

    # names

    def label(self, iri: str) -> Label:
        """Return the label in the first language that has one, else in any, else the local name.

        On the page of a document that was read its own voice has a short name.
        """
        graph = self.d.graph
        read = self.d.kind == "document" and graph.a(self.d.iri, "Document")
        if read and self.d.iri in graph.iris(iri, "ch:voiceOf"):
            _ = self.language.gettext
            nobody = graph.a(iri, "Unattributed")
            return Label(_("Nobody named") if nobody else _("The text itself"))
        words: dict[str, str] = {}
        for predicate in ("rdfs:label", "skos:prefLabel"):
            for term in graph.terms(iri, predicate):
                words.setdefault(term.lang, term.value)
        if self.kind(iri) == "relation" and self.languages[0] not in words:
            composed = self._composed(iri)
            if composed:
                return composed
        if not words:
            for predicate in NAMES:
                for term in graph.terms(iri, predicate):
                    words.setdefault(term.lang, term.value)
        lang = choose(words, self.languages)
        if lang is None and self.imported and self.kind(iri) in ("term", "outside", "blank"):
            return Label(shrink(iri))
        if lang is None:
            return Label(shrink(iri) if "#" in iri else iri.rsplit("/", 1)[-1] or iri)
        return Label(words[lang], self.foreign(lang))

    def foreign(self, lang: str) -> str:
        """Return a language tag where the page is in another language, else nothing.

        What has no tag is in English more often than not, so a page in English says nothing of it.
        """
        if lang.split("-")[0] == self.ui or (not lang and self.ui == "en"):
            return ""
        return lang or "und"

    def _composed(self, relation: str) -> Label | None:
        """Return the label of a relation in the wanted language, made of those of its parts.

        They stand in the order in which that language says them.
        """
        if relation in self._composing:  # relations of each other, as imported RDF may have them
            return None
        self._composing.add(relation)
        parts = []
        for name in ("ch:subject", "ch:relationType", "ch:object"):
            for part in self.d.graph.iris(relation, name)[:1]:
                parts.append(self.label(part))
        self._composing.discard(relation)
        first = self.languages[0]
        wanted = [part for part in parts if (part.lang or self.ui).split("-")[0] == first]
        if len(parts) < 3 or len(wanted) < len(parts):
            return None
        subject, relation_type, end = parts
        said = (subject, end, relation_type) if first in VERB_LAST else parts
        return Label(" — ".join(part.text for part in said), "" if first == self.ui else first)

    def text(self, subject: str, predicate: str) -> Text | None:
        """Return the literal in the preferred language, or None."""
        terms = [t for t in self.d.graph.terms(subject, predicate) if not t.is_iri]
        words: dict[str, str] = {}
        for term in terms:
            words.setdefault(term.lang, term.value)
        lang = choose(words, self.languages)
        if lang is None:
            return None
        return Text(words[lang], self.foreign(lang))

    def ref(self, iri: str, *, status: bool = True) -> Ref:
        """Return the link to `iri` with its label, its mark, and for a claim its speaker."""
        if iri in self._refs:
            return self._refs[iri]
        kind = self.kind(iri)
        label = self.label(iri)
        graph = self.d.graph
        speakers: tuple[Ref, ...] = ()
        stance = target = status_ref = None
        if kind == "claim":
            speakers = tuple(self.ref(agent) for agent in graph.iris(iri, "ch:claimant"))
            stances = graph.iris(iri, "ch:stance")
            stance = self.ref(stances[0]) if stances and speakers else None
            targets = graph.iris(iri, "ch:about") or graph.iris(iri, "ch:relays")
            if targets and speakers and iri not in self._naming:
                self._naming.add(iri)
                target = self.ref(targets[0])
                self._naming.discard(iri)
        elif kind == "event" and status:
            found = graph.iris(iri, "ch:status")
            status_ref = self.ref(found[0]) if found else None
        made = Ref(
            iri=iri,
            href=self.href(iri),
            label=label,
            kind=kind,
            mark=self.language.gettext(MARKS.get(kind, "")),
            outside=kind == "outside" and not self.imported,
            status=status_ref,
            speakers=speakers,
            stance=stance,
            target=target,
            corrected=bool(graph.subjects("ch:corrects", iri)),
            relays=self.language.gettext("relays") if target and target.kind == "claim" else "",
        )
        self._refs[iri] = made
        return made

    def kind(self, iri: str) -> str:
        """Return the kind in a data address, `term`, `blank` for a blank node, else `outside`."""
        if iri.startswith("_:"):
            return "blank"
        if iri.startswith(f"{self.d.base}id/"):
            return iri[len(self.d.base) + 3 :].split("/", 1)[0]
        return "term" if iri.startswith(CH) or iri == CH[:-1] else "outside"

    def href(self, iri: str) -> str:
        """Return where `iri` is read: on this host if it is ours, else itself; empty for none."""
        base = self.d.base
        if self.imported:
            return self._page_of(iri)
        if iri.startswith(f"{base}id/"):
            return f"{self.root}/doc/{iri[len(base) + 3 :]}"
        if iri.startswith(base):
            return f"{self.root}/{iri[len(base) :]}"
        if iri.startswith(CH):
            return f"{self.root}/ontology#{iri[len(CH) :]}"
        if iri == CH[:-1]:
            return f"{self.root}/ontology"
        return iri if iri.startswith(("http://", "https://")) else ""

    def _page_of(self, iri: str) -> str:
        """Return the page on which a release that was imported describes an IRI."""
        if iri.startswith("_:"):
            return ""
        kind, _, key = iri.removeprefix(f"{self.d.base}id/").partition("/")
        if iri.startswith(f"{self.d.base}id/") and kind in KINDS and KEY.fullmatch(key):
            return f"{self.root}/doc/{kind}/{key}"
        return f"{self.root}/resource?{urlencode({'iri': iri})}"

    def refs(self, subject: str, predicate: str) -> tuple[Ref, ...]:
        """Return links to the objects, sorted by label."""
        found = [self.ref(iri) for iri in self.d.graph.iris(subject, predicate)]
        return tuple(sorted(found, key=lambda r: (r.label.text, r.iri)))

    def first(self, subject: str, predicate: str) -> Ref | None:
        """Return a link to the first object, or None."""
        found = self.refs(subject, predicate)
        return found[0] if found else None

    def value(self, term: Term) -> Value:
        """Return the term as something to show."""
        texts, words = self.d.texts, self.language.gettext
        made = term in texts.made
        if term.is_iri:
            return Text(term.value, mark=words(MADE), made=True) if made else self.ref(term.value)
        if (parts := texts.parts.get(term)) is not None:
            return Triple(tuple(self.value(part) for part in parts))
        datatype = plain_datatype(term)
        lang = "" if datatype else self.foreign(term.lang)
        said = texts.worded.get(term.value, "")
        mark = MADE if made else READINGS.get(said, MARKS["event"]) if said else ""
        of = texts.bearers.get(term.value, ())
        for iri in of:
            self.ref(iri)  # named by what puts it into words
        return Text(
            term.value,
            lang,
            shrink(datatype) if datatype else "",
            words(mark) if mark else "",
            not datatype and not made and term.value in texts.labels,
            made,
            of,
        )

    def nested(self, term: Term, path: tuple[str, ...] = ()) -> Value:
        """Return the term as something to show; of a blank node, what is said of it.

        Args:
            path: the nodes within which it is shown; none is shown within itself.
        """
        graph, node = self.d.graph, term.value
        if not (term.is_iri and node.startswith("_:") and node in graph) or node in path:
            return self.value(term)
        if len(path) > DEEPEST:
            return Text("…")
        path = (*path, node)
        members = self._members(node)
        if members:
            return Nested(members=tuple(self.nested(one, path) for one in members))
        return Nested(self.facts(node, path))

    def _members(self, node: str) -> list[Term]:
        """Return the members of the list that begins here, or nothing where none does."""
        graph = self.d.graph
        found: list[Term] = []
        seen: set[str] = set()
        while node in graph and node not in seen:
            seen.add(node)
            if graph.predicates(node).keys() != {RDF + "first", RDF + "rest"}:
                return []
            found.append(graph.terms(node, RDF + "first")[0])
            node = graph.one(node, RDF + "rest")
        return found if node == RDF + "nil" else [*found, Term("…", is_iri=False)]

    def facts(self, subject: str, path: tuple[str, ...] = ()) -> tuple[Fact, ...]:
        """Return everything that is said of a node, by property; types first, then by name."""
        rows = [
            (
                predicate != RDF + "type",
                self.property(predicate),
                tuple(self.nested(term, path) for term in sorted(objects)),
            )
            for predicate, objects in self.d.graph.predicates(subject).items()
        ]
        rows.sort(key=lambda row: (row[0], row[1].label.text, row[1].iri))
        return tuple(Fact(name, values) for _, name, values in rows)

    def property(self, iri: str) -> Ref:
        """Return the link to a property of imported RDF: without a label, by its local name."""
        ref = self.ref(iri)
        if ref.label.text != iri:
            return ref
        local = re.sub(r"^.*[/#:](?=.)", "", iri)
        return dataclasses.replace(ref, label=Label(local))

    def _fact(self, name: str, values: tuple[Value, ...]) -> Fact:
        """Return a row whose name is a message of the interface."""
        return Fact(self.language.gettext(name), values)

    # what every page has

    @cached_property
    def kind_name(self) -> str:
        """Return what one thing of this kind is called."""
        kind = self.d.kind
        return self.language.gettext(KIND_NAMES.get(kind, "")) or kind.capitalize()

    @cached_property
    def this(self) -> Ref:
        """Return the resource itself."""
        return self.ref(self.d.iri)

    @cached_property
    def title(self) -> str:
        """Return the title of the page in plain text; a proposition's carries its mark."""
        return plain(self.this)

    @cached_property
    def summary(self) -> str:
        """Return what previews say of the page, in plain text: the title, then what follows.

        Whatever is in it of a proposition, the positions on it are in it too: by name, or where
        that is too long, how many take each.
        """
        about = self.about(self.d.iri)
        if not about:
            types = ", ".join(plain(ref) for ref in self.types)
            return f"{self.title} ({types})" if types else self.title
        words = [self.title]
        for listed in self.listed(about[:MOST_SUMMARISED]):
            taken = " · ".join(self.in_short(listed, LONGEST_SUMMARY))
            words.append(taken if about == [self.d.iri] else f"{plain(listed.ref)} – {taken}")
        if len(about) > MOST_SUMMARISED:
            words.append("…")
        return " · ".join(words)

    def in_short(self, listed: Listed, longest: int) -> list[str]:
        """Return the positions on a proposition in plain text, a piece for what each is on.

        Args:
            listed: the proposition.
            longest: characters above which a piece says how many there are and not who.
        """
        _ = self.language.gettext

        def told(positions: Sequence[Position]) -> str:
            named = "; ".join(
                f"{p.stance.label.text}: {', '.join(plain(who) for who in p.speakers)}"
                for p in positions
            )
            if len(named) <= longest:
                return named
            return "; ".join(
                f"{p.stance.label.text}: {self.language.number(len(p.speakers))}" for p in positions
            )

        words = [told(listed.positions) or _("no claim in this release")]
        if listed.elsewhere:
            words.append(f"{_('on what is possibly the same event:')} {told(listed.elsewhere)}")
        if listed.inner:
            words.append(f"{_('on what it names:')} {told(listed.inner)}")
        if listed.partial:
            words.append(_("not all positions are shown"))
        elif listed.positions and not listed.against:
            words.append(_("no claim takes another position"))
        return words

    @cached_property
    def types(self) -> tuple[Ref, ...]:
        """Return our classes, without the general ones where there is a more specific one."""
        found = [ref for ref in self.refs(self.d.iri, "rdf:type") if ref.kind == "term"]
        for general in (
            {"Proposition", "Agent", "Place", "Thing", "Source", "Span", "Organization"},
            {"Proposition", "Agent", "Place", "Thing", "Source", "Span"},
        ):
            special = [ref for ref in found if ref.iri.removeprefix(CH) not in general]
            if special:
                return tuple(special)
        return tuple(found)

    @cached_property
    def statements(self) -> tuple[Fact, ...]:
        """Return every property of the resource with its values, by the name of the property."""
        graph = self.d.graph
        rows = [
            Fact(
                self.ref(predicate) if predicate.startswith(CH) else _outside_name(predicate),
                tuple(self._own(predicate, term) for term in sorted(objects)),
            )
            for predicate, objects in graph.predicates(self.d.iri).items()
        ]
        return tuple(
            sorted(rows, key=lambda f: f.name.label.text if isinstance(f.name, Ref) else "")
        )

    def _own(self, predicate: str, term: Term) -> Value:
        """Return a value of the resource; words that say a proposition carry its mark."""
        shown = self.value(term)
        worded = self.d.kind in MARKS and predicate in WORDED
        if predicate == CH + "linkObjectLabel":  # what others call an event
            subject = self.d.graph.one(self.d.iri, "ch:linkSubject")
            worded = self.kind(subject) in PROPOSITIONS
        if isinstance(shown, Text) and worded:
            mark = self.language.gettext(MARKS["event"])
            return Text(shown.text, shown.lang, shown.datatype, mark)
        return shown

    @cached_property
    def referring(self) -> tuple[Listed, ...]:
        """Return the propositions that refer to the resource and are in no other section."""
        return self.listed(s for s, _ in self.d.references if self.kind(s) in PROPOSITIONS)

    @cached_property
    def references(self) -> tuple[Fact, ...]:
        """Return what else refers to the resource and is in no other section, by property."""
        by_predicate: dict[str, list[str]] = {}
        for subject, predicate in self.d.references:
            if self.kind(subject) not in PROPOSITIONS:
                by_predicate.setdefault(predicate, []).append(subject)
        return tuple(
            Fact(
                self.ref(p) if p.startswith(CH) else _outside_name(p),
                tuple(self.ref(s) for s in subjects),
            )
            for p, subjects in by_predicate.items()
        )

    @cached_property
    def provenance(self) -> tuple[Fact, ...]:
        """Return who extracted and reviewed the record, and in which graphs it stands."""
        iri = self.d.iri
        rows = []
        for predicate, name in (
            ("prov:wasGeneratedBy", N_("Extracted in")),
            ("ch:reviewedIn", N_("Reviewed in")),
            ("ch:reviewState", N_("Review state")),
            ("ch:registryBasis", N_("Basis of the record")),
            ("ch:asOf", N_("As of")),
            ("dcterms:identifier", N_("Name in the source's files")),
        ):
            values = tuple(self.value(term) for term in self.d.graph.terms(iri, predicate))
            if values:
                rows.append(self._fact(name, values))
        graphs = {q.graph for q in self.d.graph.quads if q.subject == iri}
        if graphs:
            rows.append(self._fact(N_("Named graphs"), tuple(self.ref(g) for g in sorted(graphs))))
        return tuple(rows)

    # parts

    def when(self, subject: str) -> str:
        """Return the time of the subject in words, or an empty string."""
        return "; ".join(self.time(time) for time in self.d.graph.iris(subject, "ch:time"))

    def time(self, iri: str) -> str:
        """Return a time in words: what EDTF says, and the part of the day."""
        graph = self.d.graph
        words = self.language.date(
            graph.one(iri, "ch:edtf"), graph.one(iri, "ch:timeRule").removeprefix(CH)
        )
        if not words:
            return self.label(iri).text
        part = self.first(iri, "ch:partOfDay")
        if part:
            words += f", {part.label.text}"
        certainty = graph.one(iri, "ch:certainty").removeprefix(CH + "certainty-")
        if certainty in _CERTAINTIES:
            words += f" ({self.language.gettext(_CERTAINTIES[certainty])})"
        return words

    def time_facts(self, subject: str) -> tuple[tuple[Ref, str, tuple[Fact, ...]], ...]:
        """Return each time of the subject: link, words, and how it was read."""
        found = []
        for iri in self.d.graph.iris(subject, "ch:time"):
            rows = []
            for predicate, name in (
                ("ch:timeRule", N_("read as")),
                ("ch:referenceDate", N_("counted from")),
                ("ch:referenceBasis", N_("which is known from")),
                ("ch:earliest", N_("earliest")),
                ("ch:latest", N_("latest")),
                ("ch:edtf", "EDTF"),
                ("ch:wording", N_("in our words")),
            ):
                values = tuple(self.value(t) for t in self.d.graph.terms(iri, predicate))
                if values:
                    rows.append(self._fact(name, values))
            found.append((self.ref(iri), self.time(iri), tuple(rows)))
        return tuple(found)

    def quantity(self, iri: str) -> Amount:
        """Return a quantity in words."""
        graph = self.d.graph
        number = self.language.quantity(
            graph.one(iri, "ch:low"),
            graph.one(iri, "ch:best"),
            graph.one(iri, "ch:high"),
            graph.one(iri, "ch:precision").removeprefix(CH + "precision-"),
            "",
        )
        return Amount(number, self.text(iri, "ch:unit"), self.text(iri, "ch:wording"))

    def quantities(self, subject: str) -> tuple[tuple[Ref, Amount], ...]:
        """Return each quantity of the subject: link and words."""
        return tuple(
            (self.ref(iri), self.quantity(iri)) for iri in self.d.graph.iris(subject, "ch:quantity")
        )

    def participants(self) -> tuple[Participant, ...]:
        """Return who takes part, in the order of the roles.

        What a feed describes has no node for each participation: there the role leads to them.
        """
        graph = self.d.graph
        order = {f"{CH}role-{role}": n for n, role in enumerate(ROLES)}
        found: list[tuple[int, Participant]] = []
        for part in graph.iris(self.d.iri, "ch:hasParticipation"):
            role = self.first(part, "ch:role")
            for who in graph.iris(part, "ch:participant"):
                amounts = tuple(self.quantity(q) for q in graph.iris(part, "ch:quantity"))
                found.append(
                    (
                        order.get(graph.one(part, "ch:role"), len(order)),
                        Participant(
                            role or self.ref(part),
                            self.ref(who),
                            self.first(part, "ch:mentionedAs"),
                            amounts,
                        ),
                    )
                )
        known = {(p.role.iri, p.who.iri) for _, p in found}
        for place, name in enumerate(ROLES):
            for who in graph.iris(self.d.iri, f"ch:{name}"):
                if (f"{CH}role-{name}", who) not in known:
                    # RDF that was imported has the property, and perhaps no concept.
                    concept = f"{CH}role-{name}"
                    role = self.property(CH + name) if self.imported else self.ref(concept)
                    found.append((place, Participant(role, self.ref(who))))
        return tuple(
            p for _, p in sorted(found, key=lambda f: (f[0], f[1].who.label.text, f[1].who.iri))
        )

    def points(self) -> tuple[tuple[Ref, Point], ...]:
        """Return the places of an event of which a position is known."""
        places = dict.fromkeys(
            where
            for role in ("place", "origin", "destination")
            for where in self.d.graph.iris(self.d.iri, f"ch:{role}")
        )
        found = ((self.ref(where), self.point(where)) for where in places)
        return tuple((ref, point) for ref, point in found if point is not None)

    def bare_status(self) -> tuple[Ref, Text | None] | None:
        """Return the derived status and its rule where no assessment names the sides; else None."""
        status = self.first(self.d.iri, "ch:status")
        if status is None or self.d.page > 1 or self.assessments():
            return None
        rule = RULE_OF.get(status.iri.removeprefix(f"{CH}status-"))
        return status, Text(self.language.gettext(rule)) if rule else None

    def credits(self, ours: str | None = None) -> tuple[Credit, ...]:
        """Return whose data the page shows: those that are cited or have a licence of their own.

        Args:
            ours: the licence of the release.
        """
        graph = self.d.graph
        found: dict[tuple[str, str], list[str]] = {}
        shown = {quad.graph for quad in graph.quads}
        for name in sorted(shown | {self.d.iri}):
            licence = graph.one(name, "dcterms:license")
            citation = graph.one(name, "dcterms:bibliographicCitation")
            if name.startswith(f"{self.d.base}id/graph/") and (
                citation or (licence and licence != ours)
            ):
                found.setdefault((licence, citation), []).append(name)
        return tuple(
            Credit(self.ref(licence) if licence else None, citation, tuple(map(self.ref, names)))
            for (licence, citation), names in sorted(found.items())
        )

    @cached_property
    def reviews(self) -> tuple[tuple[Ref, int, bool], ...]:
        """Return in which states of review the records shown are, the most frequent one first.

        Each with how many, and whether there are more than were counted.
        """
        reviewed = {
            (quad.subject, quad.object.value)
            for quad in self.d.graph.quads
            if quad.predicate == CH + "reviewState"
        }
        return self.states(Counter(state for _, state in reviewed))

    def states(
        self, counted: Mapping[str, int], most: int = 0
    ) -> tuple[tuple[Ref, int, bool], ...]:
        """Return states with their numbers, the most frequent one first; with `most`, up to it."""
        ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        return tuple(
            (self.ref(state), min(count, most or count), 0 < most < count)
            for state, count in ranked
        )

    def reading(self, subject: str) -> Reading | None:
        """Return the note on the quality of the text, or None."""
        graph = self.d.graph
        if not (graph.terms(subject, "ch:textQuality") or graph.terms(subject, "ch:chosenReading")):
            return None
        return Reading(
            self.first(subject, "ch:textQuality"),
            self.text(subject, "ch:literalReading"),
            self.text(subject, "ch:chosenReading"),
            self.text(subject, "ch:readingReason"),
        )

    def evidence(self, subject: str) -> tuple[EvidenceView, ...]:
        """Return the spans that support the subject, by document and offset."""
        return tuple(
            view
            for _, view in sorted(
                (
                    (self._span_key(span), self.span(span))
                    for span in self.d.graph.iris(subject, "ch:evidence")
                ),
                key=lambda pair: pair[0],
            )
        )

    def span(self, iri: str) -> EvidenceView:
        """Return a span as numbers."""
        graph = self.d.graph
        start, end = graph.one(iri, "ch:start"), graph.one(iri, "ch:end")
        passage = None
        if self.passages is not None:
            document, sha256 = graph.one(iri, "ch:inDocument"), graph.one(iri, "ch:sha256")
            passage = self.passages(document, start, end, sha256)
        return EvidenceView(
            self.first(iri, "ch:inDocument") or self.ref(iri),
            self.ref(iri),
            graph.one(iri, "ch:sentence"),
            start,
            end,
            passage,
        )

    def _span_key(self, iri: str) -> tuple[str, int, int, str]:
        graph = self.d.graph
        numbers = [graph.one(iri, name) for name in ("ch:start", "ch:end")]
        start, end = (int(n) if n.isdigit() else 0 for n in numbers)
        return graph.one(iri, "ch:inDocument"), start, end, iri

    def sides(self, agent: str) -> tuple[str, ...]:
        """Return the ends of `ch:actsFor` from the agent, or nothing where it acts for itself."""
        ends: set[str] = set()
        seen = {agent}
        todo = [agent]
        while todo:
            here = todo.pop()
            onward = self.d.graph.iris(here, "ch:actsFor")
            if not onward and here != agent:
                ends.add(here)
            todo += [iri for iri in onward if iri not in seen]
            seen.update(onward)
        return tuple(sorted(ends))

    # claims

    def card(self, claim: str) -> Card:
        """Return one claim with all that it carries."""
        graph, _ = self.d.graph, self.language.gettext
        speakers = self.refs(claim, "ch:claimant")
        sides = {side for who in speakers for side in self.sides(who.iri)}
        about = graph.iris(claim, "ch:about")
        links = (
            (ANSWERS, self.refs(claim, "ch:respondsTo")),
            (ANSWERED, tuple(self.ref(c) for c in graph.subjects("ch:respondsTo", claim))),
            (N_("concedes"), self.refs(claim, "ch:concedes")),
            (N_("stands in contrast to"), self.refs(claim, "ch:contrastsWith")),
            (N_("gives a reason for"), self.refs(claim, "ch:givesReasonFor")),
            (N_("says that only this holds"), self.refs(claim, "ch:saysOnly")),
        )
        inner = graph.iris(claim, "ch:ultimately")
        matter = [
            iri
            for iri in about or [one for other in inner for one in graph.iris(other, "ch:about")]
            if self.kind(iri) in PROPOSITIONS
        ]
        set_note = ""
        if about and graph.a(about[0], "ClaimSet"):
            set_note = _("speaks of a described set of claims")
        stance = self.first(claim, "ch:stance")
        return Card(
            ref=self.ref(claim),
            speakers=speakers,
            sides=tuple(self.ref(side) for side in sorted(sides)),
            chains=self.chains(claim),
            stance=stance,
            stance_key=stance.iri.removeprefix(CH + "stance-") if stance else "",
            target=self.ref(about[0]) if about else self.first(claim, "ch:relays"),
            others=self.listed(matter[:1])[0] if matter else None,
            set_note=set_note,
            modality=self.first(claim, "ch:modality"),
            certainty=self.first(claim, "ch:certainty"),
            basis=self.first(claim, "ch:basis"),
            manner=self.first(claim, "ch:manner"),
            attribution=self.first(claim, "ch:attribution"),
            when=self.when(claim),
            source=self.first(claim, "ch:inSource"),
            evidence=self.evidence(claim),
            locators=self.locators(claim),
            quotes=tuple(Text(t.value, t.lang) for t in graph.terms(claim, "ch:quotedWording")),
            links=tuple((name, found) for name, found in links if found),
            reading=self.reading(claim),
            note=self.text(claim, "dcterms:description"),
            confidence=graph.one(claim, "ch:extractionConfidence"),
            review=self.first(claim, "ch:reviewState"),
            notices=self.corrections(claim),
        )

    def locators(self, claim: str) -> tuple[Text, ...]:
        """Return where in its source a claim stands, in the words of the feed."""
        terms = self.d.graph.terms(claim, "ch:locator")
        return tuple(Text(t.value, self.foreign(t.lang)) for t in terms if not t.is_iri)

    def notice(self, iri: str) -> Notice:
        """Return what an editor did."""
        graph = self.d.graph
        act = next((act for act in _ACTS if graph.a(iri, act)), "Notice")
        return Notice(
            ref=self.ref(iri),
            act=act,
            called=self.language.gettext(_ACTS.get(act, KIND_NAMES["notice"])),
            reason=self.first(iri, "ch:noticeReason"),
            authority=graph.one(iri, "ch:authority"),
            date=graph.one(iri, "dcterms:date"),
            summary=self.text(iri, "dcterms:description"),
            of=(*self.refs(iri, "ch:corrects"), *self.refs(iri, "ch:withdraws")),
        )

    def corrections(self, iri: str) -> tuple[Notice, ...]:
        """Return what was corrected in something, the last correction first."""
        found = [self.notice(one) for one in self.d.graph.subjects("ch:corrects", iri)]
        return tuple(sorted(found, key=lambda one: (one.date, one.ref.iri), reverse=True))

    @cached_property
    def notices(self) -> tuple[Notice, ...]:
        """Return what editors did to the resource, the last act first."""
        return tuple(self.notice(one) for one in reversed(self.d.sections.get("notices", ())))

    def chains(self, claim: str) -> tuple[tuple[Ref, ...], ...]:
        """Return the relaying claims through which a claim came, each chain outermost first."""
        graph = self.d.graph
        found: list[tuple[Ref, ...]] = []

        def walk(inner: str, path: tuple[str, ...]) -> None:
            outer = [c for c in graph.subjects("ch:relays", inner) if c not in path]
            if not outer and path:
                found.append(tuple(self.ref(c) for c in path))
            for c in outer:
                walk(c, (c, *path))

        walk(claim, ())
        return tuple(found)

    def ledger(self, claims: Iterable[str], *, without: str = "") -> Ledger:
        """Return the claims by stance, affirming ones first, then by side, then by speaker."""
        groups: dict[str, list[Card]] = {}
        for claim in dict.fromkeys(claims):
            if claim == without or not self.d.graph.terms(claim, "ch:stance"):
                continue
            card = self.card(claim)
            groups.setdefault(card.stance_key, []).append(card)

        def by_side(cards: Iterable[Card]) -> tuple[Side, ...]:
            """Who speaks for nobody else is a side alone, which the name above the card says."""
            sides: dict[tuple[Ref, ...], list[Card]] = {}
            for card in sorted(cards, key=order):
                sides.setdefault(card.sides or card.speakers, []).append(card)
            return tuple(
                Side(
                    agents if any(card.sides for card in some) or len(some) > 1 else (),
                    tuple(some),
                )
                for agents, some in sides.items()
            )

        def order(card: Card) -> tuple[str, str, str, str]:
            sides = card.sides or card.speakers
            return (
                sides[0].label.text if sides else "",
                sides[0].iri if sides else "",
                card.speakers[0].label.text if card.speakers else "",
                card.ref.iri,
            )

        known: list[str] = [key for key in STANCES if key in groups]
        known += sorted(set(groups) - set(STANCES))
        return Ledger(
            tuple(Group(key, self.ref(f"{CH}stance-{key}"), by_side(groups[key])) for key in known),
            sum(map(len, groups.values())),
            any(key != "affirms" for key in groups),
            self.d.cut or self.d.partial,
        )

    def positions(self, *propositions: str) -> tuple[Position, ...]:
        """Return who takes which stance on the propositions, in short.

        Last come those who answer a claim on them with one on something else.
        """
        graph = self.d.graph
        by_stance: dict[str, dict[str, None]] = {}
        claims = dict.fromkeys(
            c for one in propositions for c in graph.subjects("ch:concerns", one)
        )
        for claim in claims:
            for stance in graph.iris(claim, "ch:stance"):
                who = by_stance.setdefault(stance.removeprefix(CH + "stance-"), {})
                who.update(dict.fromkeys(graph.iris(claim, "ch:claimant")))
        found = [
            Position(
                self.ref(f"{CH}stance-{key}"), key, tuple(self.ref(who) for who in by_stance[key])
            )
            for key in (*STANCES, *sorted(set(by_stance) - set(STANCES)))
            if key in by_stance
        ]
        answers = [c for one in claims for c in graph.subjects("ch:respondsTo", one)]
        speakers = dict.fromkeys(
            who for c in answers if c not in claims for who in graph.iris(c, "ch:claimant")
        )
        if speakers:
            name = Label(self.language.gettext("answers"))
            reply = Ref(f"{CH}respondsTo", self.href(f"{CH}respondsTo"), name, "term")
            found.append(Position(reply, REPLIES, tuple(map(self.ref, speakers))))
        return tuple(found)

    def listed(self, propositions: Iterable[str], *, roles_of: str = "") -> tuple[Listed, ...]:
        """Return propositions for a list, each with the positions taken on it."""
        graph = self.d.graph
        found = []
        for iri in dict.fromkeys(propositions):
            positions = self.positions(iri)
            elsewhere = tuple(
                position
                for position in self.positions(*graph.iris(iri, "ch:possiblySameAs"))
                if position.key != "affirms"
            )
            roles = tuple(
                self.ref(f"{CH}role-{role}")
                for role in ROLES
                if roles_of and Term(roles_of) in graph.predicates(iri).get(CH + role, ())
            )
            inner = self.around(iri)
            found.append(
                Listed(
                    self.ref(iri),
                    self.first(iri, "ch:eventType") or self.first(iri, "ch:relationType"),
                    self.when(iri),
                    roles,
                    positions,
                    any(p.key != "affirms" for p in (*positions, *elsewhere, *inner)),
                    elsewhere,
                    inner,
                    bool(graph.terms(iri, "ch:yields")),
                    self.d.partial,
                    self._shown,
                )
            )
        return tuple(found)

    def about(self, iri: str) -> list[str]:
        """Return the propositions that the name of a thing is about, as far as the graph leads.

        A proposition is about itself; a relation names what it is between besides (`inner`).
        """
        kind, graph = self.kind(iri), self.d.graph
        if kind in PROPOSITIONS:
            return [iri]
        if kind == "participation":
            found = graph.subjects("ch:hasParticipation", iri)
        else:
            found = [o for name in ABOUT.get(kind, ()) for o in graph.iris(iri, f"ch:{name}")]
        if kind == "claimset":
            found = [one for member in found for one in self._concerned(member)]
        elif kind == "claim":
            found = self._concerned(iri)
        known = self.d.about.get(iri, ())
        return [one for one in dict.fromkeys((*found, *known)) if self.kind(one) in PROPOSITIONS]

    def _concerned(self, claim: str) -> list[str]:
        """Return what a claim concerns, or the claim in which a chain of relaying ones ends."""
        graph, seen, left = self.d.graph, {claim}, [claim]
        while left:
            one = left.pop(0)
            if found := graph.iris(one, "ch:concerns"):
                return found
            further = (*graph.iris(one, "ch:ultimately"), *graph.iris(one, "ch:relays"))
            left += [other for other in further if other not in seen]
            seen.update(further)
        return []

    def around(self, *propositions: str) -> tuple[Position, ...]:
        """Return the positions on what relations are between and events are about, and on what is
        possibly the same as that, but for affirming ones.
        """
        inner = dict.fromkeys(one for iri in propositions for one in self.inner(iri))
        same = (o for one in inner for o in self.d.graph.iris(one, "ch:possiblySameAs"))
        all_of_it = dict.fromkeys((*inner, *same))
        return tuple(p for p in self.positions(*all_of_it) if p.key != "affirms")

    def inner(self, iri: str) -> list[str]:
        """Return the propositions that a relation is between or an event is about, and so on."""
        found: dict[str, None] = {}
        left = [iri]
        while left:
            names = ABOUT.get(self.kind(left[0]), ())
            known = [o for name in names for o in self.d.graph.iris(left[0], f"ch:{name}")]
            known += self.d.about.get(left.pop(0), ())
            for one in known:
                if self.kind(one) in PROPOSITIONS and one not in found and one != iri:
                    found[one] = None
                    left.append(one)
        return list(found)

    def named(self) -> list[str]:
        """Return the propositions that were named so far, in the order in which they were.

        Those are among them that the name of something else is about, as far as the graph leads.
        """
        return list(dict.fromkeys(one for iri in self._refs for one in self.about(iri)))

    def astray(self) -> list[str]:
        """Return what was named so far whose propositions the graph does not lead to."""
        kinds = {*ABOUT, "participation"} - {*PROPOSITIONS}
        return [iri for iri in self._refs if self.kind(iri) in kinds and not self.about(iri)]

    def stated(self) -> list[str]:
        """Return the propositions and claims that were named so far."""
        return [iri for iri in self._refs if self.kind(iri) in (*PROPOSITIONS, "claim")]

    def unlisted(self) -> tuple[Listed, ...]:
        """Return what was named so far, but not shown with the positions on it.

        A page ends with these, so that no allegation stands on it alone. What the page is about is
        not among them: its claims are on every page of it.
        """
        shown = {*self._shown, self.d.iri}
        left = sorted(iri for iri in self.named() if iri not in shown)
        found = self.listed(left)
        # On which somebody takes another position come first, should there be too many.
        return tuple(sorted(found, key=lambda one: not one.against))

    def _rule(self, assessment: str) -> Text | None:
        """Return the rule of a derived status in the language of the page, where that is known."""
        rule = self.text(assessment, "ch:rule")
        if rule is not None and rule.lang == "en" and rule.text in RULES:
            return Text(self.language.gettext(rule.text))
        return rule

    def assessments(self) -> tuple[Assessment, ...]:
        """Return the derived statuses in the description."""
        graph = self.d.graph
        found = []
        for iri in self.d.sections.get("statuses", ()):
            status = self.first(iri, "ch:status")
            if not status:
                continue
            found.append(
                Assessment(
                    self.ref(iri),
                    status,
                    self._rule(iri),
                    tuple(
                        (self.language.gettext(name), refs)
                        for predicate, name in SIDES
                        if (refs := self.refs(iri, f"ch:{predicate}"))
                    ),
                    tuple(self.ref(e) for e in graph.iris(iri, "ch:assesses")),
                    self.refs(iri, "ch:usesLink"),
                )
            )
        return tuple(found)

    def same_events(self) -> tuple[SameEvent, ...]:
        """Return the events that are possibly the same one."""
        graph = self.d.graph
        found = []
        for record in self.d.sections.get("same", ()):
            for other in graph.iris(record, "ch:links"):
                if other != self.d.iri:
                    found.append(
                        SameEvent(
                            self.listed([other])[0],
                            self.ref(record),
                            self.first(record, "ch:certainty"),
                            graph.one(record, "ch:accepted") == "true",
                            self.text(record, "ch:reason"),
                        )
                    )
        return tuple(found)

    # entities

    def point(self, where: str = "") -> Point | None:
        """Return where the resource or a place lies, or None where no position is known."""
        graph, iri = self.d.graph, where or self.d.iri
        latitude, longitude = graph.one(iri, "ch:latitude"), graph.one(iri, "ch:longitude")
        return Point(latitude, longitude) if latitude and longitude else None

    def names(self) -> tuple[tuple[str, Text, tuple[Text, ...]], ...]:
        """Return for each language its label and its variants."""
        graph = self.d.graph
        labels = {t.lang: t.value for t in graph.terms(self.d.iri, "rdfs:label")}
        variants: dict[str, list[str]] = {}
        for term in graph.terms(self.d.iri, "skos:altLabel"):
            variants.setdefault(term.lang, []).append(term.value)
        order = [*self.languages, *sorted({*labels, *variants})]
        return tuple(
            (
                lang,
                Text(labels.get(lang, ""), lang),
                tuple(Text(v, lang) for v in variants.get(lang, ())),
            )
            for lang in dict.fromkeys(order)
            if lang in labels or lang in variants
        )

    def outside_links(self) -> tuple[OutsideLink, ...]:
        """Return the links to other datasets with their justification."""
        graph = self.d.graph
        found = []
        for record in self.d.sections.get("links", ()):
            target = graph.one(record, "ch:linkObject")
            missing = target == SSSOM + "NoTermFound"
            found.append(
                OutsideLink(
                    None if missing or not target else self.ref(target),
                    graph.one(record, "ch:linkObjectLabel"),
                    graph.one(record, "ch:linkModifier") == "Not",
                    shrink(graph.one(record, "ch:linkPredicate")),
                    spaced(graph.one(record, "ch:justification").rsplit("/", 1)[-1]),
                    graph.one(record, "ch:confidence"),
                    "; ".join(
                        term.value
                        for name in ("ch:linkComment", "ch:evidenceNote")
                        for term in graph.terms(record, name)
                    ),
                    graph.one(record, "ch:reviewedOn"),
                    self.ref(record),
                )
            )
        return tuple(found)

    def uncontested(self) -> tuple[tuple[Ref, Ref, Ref], ...]:
        """Return the plain triples of the graph of uncontested facts that name this resource.

        The parts of each stand in the order in which the language of its predicate says them.
        """
        name = f"{self.d.base}id/graph/uncontested"
        found = []
        for q in sorted(self.d.graph.quads):
            named = q.object.is_iri and self.d.iri in (q.subject, q.object.value)
            if q.graph == name and named and q.predicate.startswith(CH):
                subject, predicate, end = map(self.ref, (q.subject, q.predicate, q.object.value))
                last = (predicate.label.lang or self.ui) in VERB_LAST
                found.append((subject, end, predicate) if last else (subject, predicate, end))
        return tuple(found)

    def mentions(self) -> tuple[tuple[Text, EvidenceView, Ref | None, Ref | None, str], ...]:
        """Return where the resource is named: the words, the place, what they name and mean."""
        graph = self.d.graph
        found = []
        for span in sorted(self.d.sections.get("named", ()), key=self._span_key):
            surface = graph.terms(span, "ch:surface")
            if surface:
                found.append(
                    (
                        Text(surface[0].value, surface[0].lang),
                        self.span(span),
                        self.first(span, "ch:denotes"),
                        self.first(span, "ch:standsFor"),
                        graph.one(span, "ch:form"),
                    )
                )
        return tuple(found)

    def section(self, name: str) -> tuple[Ref, ...]:
        """Return links to the nodes of a section, in its order."""
        return tuple(self.ref(iri) for iri in self.d.sections.get(name, ()))

    # documents

    def outline(self) -> tuple[Sentence, ...]:
        """Return the sentences that hold evidence or names, in order; numbers, not text."""
        graph = self.d.graph
        spans: dict[int, list[str]] = {}
        for span in sorted(self.d.sections.get("spans", ()), key=self._span_key):
            text = graph.one(span, "ch:sentence")
            spans.setdefault(int(text) if text.isdigit() else -1, []).append(span)
        found = []
        for number in sorted(spans):
            claims: dict[str, None] = {}
            names = []
            places = []
            for span in spans[number]:
                surface = graph.terms(span, "ch:surface")
                means = self.first(span, "ch:standsFor") or self.first(span, "ch:denotes")
                if surface and means:
                    names.append((Text(surface[0].value, surface[0].lang), means))
                supported = graph.subjects("ch:evidence", span)
                if supported:
                    places.append(self.span(span))
                claims.update(dict.fromkeys(supported))
            found.append(
                Sentence(
                    str(number) if number >= 0 else "–",
                    tuple(places),
                    tuple(self.ref(claim) for claim in claims),
                    tuple(names),
                )
            )
        return tuple(found)


def spaced(name: str) -> str:
    """Return a name in camel case as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def plain(ref: Ref) -> str:
    """Return the label of a link as plain text, with its mark or its speaker.

    >>> plain(Ref("i", "/doc/event/x", Label("Delivery of goods"), "event", "described"))
    'Described: Delivery of goods'
    """
    if ref.kind == "claim" and ref.speakers and ref.stance:
        who = ", ".join(speaker.label.text for speaker in ref.speakers)
        words = f"{_capital(ref.mark)}: {who} – {ref.relays or ref.stance.label.text}"
        return f"{words} – {plain(ref.target)}" if ref.target else words
    return f"{_capital(ref.mark)}: {ref.label.text}" if ref.mark else ref.label.text


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def choose(words: Mapping[str, str], languages: Sequence[str]) -> str | None:
    """Return the language tag to show: the first wanted one, else English, else any; or None.

    >>> choose({"en": "Russia", "bn": "রাশিয়া"}, ["hi", "bn"])
    'bn'
    """
    for wanted in (*languages, "en", ""):
        for tag in sorted(words):
            if tag == wanted or (wanted and tag.startswith(wanted + "-")):
                return tag
    return min(words, default=None)


def languages(asked: str | None, accept: str | None) -> tuple[str, ...]:
    """Return the languages wanted for labels, best first; English is always the last.

    Args:
        asked: value of `?lang=`; it comes first. Not a language tag: ignored.
        accept: the header Accept-Language.
    Spec: RFC 9110, section 12.5.4.

    >>> languages(None, "bn-BD, hi;q=0.8, en;q=0.5")
    ('bn', 'hi', 'en')
    """
    ranked = []
    for place, part in enumerate((accept or "").split(",")[:20]):
        tag, _, params = part.strip().partition(";")
        weight = 1.0
        match = re.fullmatch(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", params)
        if match:
            weight = float(match[1])
        if weight > 0 and re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", tag.strip()):
            ranked.append((-weight, place, tag.strip().split("-")[0].lower()))
    tags = [tag for _, _, tag in sorted(ranked)]
    if asked and re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", asked):
        tags.insert(0, asked.split("-")[0].lower())
    return tuple(dict.fromkeys([*tags, "en"]))


def _outside_name(predicate: str) -> str:
    """Return the name of a property of another vocabulary: its prefixed name."""
    return shrink(predicate)


# --- pages -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """What a query gave: a table, a truth value, or a graph as text; `cut` where rows are left.

    `columns` says of each variable what all its values are: `number`, `year`, `date`, `latitude`,
    `longitude` or `point`; empty for anything else. `bars` is there where rows can be compared.
    """

    variables: tuple[str, ...] = ()
    rows: tuple[tuple[Value | None, ...], ...] = ()
    truth: bool | None = None
    text: str = ""
    cut: bool = False
    columns: tuple[str, ...] = ()
    bars: Bars | None = None


@dataclass(frozen=True)
class Bar:
    """One row as a bar: what it is of, its number, and where it begins and how long it is, in
    hundredths of the whole width."""

    label: Value | None
    number: str
    start: str
    length: str


@dataclass(frozen=True)
class Bars:
    """A chart of rows: the variables of labels and numbers, and at most `BARS` rows."""

    label: str
    number: str
    bars: tuple[Bar, ...]
    cut: bool


BARS: Final = 50
"""Rows that a chart shows."""
_NUMBERS: Final = frozenset(
    XSD + name
    for name in (
        *("integer", "decimal", "double", "float", "long", "int", "short", "byte"),
        *("nonNegativeInteger", "positiveInteger", "nonPositiveInteger", "negativeInteger"),
        *("unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"),
    )
)
_DATES: Final = frozenset(
    (EDTF, *(XSD + name for name in ("date", "dateTime", "dateTimeStamp", "gYear", "gYearMonth")))
)
_POINTS: Final = frozenset((COMMON["geosparql"] + "wktLiteral",))
_COORDINATES: Final = {
    "latitude": re.compile("lat(itude)?", re.IGNORECASE),
    "longitude": re.compile("lon(g(itude)?)?|lng", re.IGNORECASE),
}
_YEAR: Final = re.compile("(.*_)?year|.*Year")


def answer(view: View, found: Solutions, limit: int, *, tidy: bool = False) -> Answer:
    """Return a result to show: at most `limit` rows.

    Args:
        tidy: leave out a column such as `whoLabel` where `who` is shown by its label already.
    """
    for term in found.mentioned:
        if not term.is_iri or term.value.startswith(f"{view.d.base}id/"):
            view.value(term)  # named, as what stands in a table is
    shown = found.variables
    if tidy:
        linked = {name for row in found.rows for name, term in row.items() if term.is_iri}
        shown = tuple(
            name
            for name in shown
            if not (name.endswith("Label") and name.removesuffix("Label") in linked)
        )
    rows = tuple(
        tuple(view.value(row[name]) if name in row else None for name in shown)
        for row in found.rows[:limit]
    )
    cut = found.cut or len(found.rows) > limit
    columns = tuple(_column(name, found.rows[:limit]) for name in shown)
    # Nobody knows whether text that a query of ours put together says something.
    made = any(_made(value) for row in rows for value in row)
    bars = None if made else _bars(shown, columns, rows, cut)
    return Answer(shown, rows, found.truth, found.text, cut, columns, bars)


def _made(value: Value | None) -> bool:
    """Return whether a query put a value together, or something in it."""
    if isinstance(value, Triple):
        return any(map(_made, value.terms))
    return isinstance(value, Text) and value.made


def _column(name: str, rows: Sequence[Row]) -> str:
    """Return what all values of a variable are: see `Answer`."""
    terms = [row[name] for row in rows if name in row]
    if not terms or any(term.is_iri for term in terms):
        return ""
    datatypes = {term.datatype for term in terms}
    if datatypes <= _NUMBERS and all(_finite(term.value) for term in terms):
        fits = (kind for kind, pattern in _COORDINATES.items() if pattern.fullmatch(name))
        years = _YEAR.fullmatch(name) and all(re.fullmatch("[0-9]{4}", t.value) for t in terms)
        return "year" if years else next(fits, "number")
    return "date" if datatypes <= _DATES else "point" if datatypes <= _POINTS else ""


def _finite(number: str) -> bool:
    try:
        return math.isfinite(float(number))
    except ValueError:
        return False


def _bars(
    variables: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Sequence[Value | None]],
    cut: bool,
) -> Bars | None:
    """Return a chart of the first column of numbers by the first one of names; None where there
    are no two such columns, or not two rows that have a number."""
    if "number" not in columns or not {"", "date", "year"} & set(columns):
        return None
    at = columns.index("number")
    named = next(i for i, kind in enumerate(columns) if kind in ("", "date", "year"))
    whole = [(row[named], value) for row in rows if isinstance(value := row[at], Text)]
    if len(whole) < 2:
        return None
    shown = [(label, value.text, float(value.text)) for label, value in whole[:BARS]]
    low = min(0.0, *(size for _, _, size in shown))
    high = max(0.0, *(size for _, _, size in shown))
    # Half of it, so that the difference of two large numbers stays finite.
    width = (high / 2 - low / 2) or 1.0
    return Bars(
        variables[named],
        variables[at],
        tuple(
            Bar(
                label,
                text,
                f"{50 * ((min(size, 0.0) - low) / width):.2f}",
                f"{50 * (abs(size) / width):.2f}",
            )
            for label, text, size in shown
        ),
        cut or len(whole) > BARS,
    )


_ROLE_GROUPS: Final = (
    ("does", N_("Described as acting"), "", ("actor",)),
    (
        "undergoes",
        N_("Described as recipient or beneficiary"),
        "",
        ("recipient", "beneficiary"),
    ),
    ("place", N_("Described as place"), "", ("place", "origin", "destination")),
    ("other", N_("Described in other roles"), "", ("item", "topic", "instrument", "backer")),
)


def withdrawn(description: Description) -> bool:
    """Return whether a resource was withdrawn and nothing is said of it any more.

    A relation has no tombstone, since another document may describe it too.
    """
    graph, iri = description.graph, description.iri
    if graph.a(iri, "Tombstone"):
        return True
    return iri not in graph and bool(graph.subjects("ch:withdraws", iri))


def resource_page(view: View) -> tuple[str, dict[str, Any]]:
    """Return the template of the page of a resource, and what it shows beside the view."""
    kind = view.d.kind
    sections = view.d.sections
    if withdrawn(view.d):
        return "tombstone.html", {}
    if kind == "notice":
        return "notice.html", {"notice": view.notice(view.d.iri)}
    if kind in ("event", "relation"):
        claims = (*sections["claims"], *sections["against"], *sections["replies"])
        here = {c for c in claims if Term(view.d.iri) in _concerned(view, c)}
        graph = view.d.graph
        about = graph.subjects("ch:concerns", view.d.iri)
        answers = {c for one in about for c in graph.subjects("ch:respondsTo", one)} - set(about)
        return "proposition.html", {
            "answers": [view.ref(claim) for claim in sorted(answers)],
            "ledger": view.ledger(c for c in claims if c in here),
            "elsewhere": view.ledger(c for c in sections["elsewhere"] if c not in here),
        }
    if kind == "claim":
        relays = bool(view.d.graph.terms(view.d.iri, "ch:relays"))
        return "claim.html", {
            "card": view.card(view.d.iri),
            "relays": relays,
            "propositions": view.listed(sections["propositions"]),
            "others": view.ledger(sections["others"], without=view.d.iri),
        }
    if kind == "claimset":
        return "claimset.html", {
            "ledger": view.ledger(sections["about"]),
            "propositions": view.listed(sections["propositions"]),
        }
    if kind in ("agent", "place", "thing", "position"):
        return "entity.html", _entity_page(view)
    graph, iri = view.d.graph, view.d.iri
    if kind == "document" and graph.a(iri, "Document"):
        return "document.html", _document_page(view)
    if kind in ("document", "record") and graph.a(iri, "Source"):
        return "source.html", _source_page(view)
    return "record.html", {
        "propositions": view.listed(sections.get("propositions", ())),
        "claims": view.ledger(sections.get("claims", ())),
        "parts": (),
    }


EXAMPLES_OF_IMPORTED: Final = (
    (
        N_("Which classes are there, and how many things of each?"),
        "SELECT ?class (COUNT(DISTINCT ?thing) AS ?things) WHERE {\n  ?thing a ?class .\n}\n"
        "GROUP BY ?class ORDER BY DESC(?things) LIMIT 50",
    ),
    (
        N_("Which properties are there, and how often?"),
        "SELECT ?property (COUNT(*) AS ?statements) WHERE {\n  ?thing ?property ?value .\n}\n"
        "GROUP BY ?property ORDER BY DESC(?statements) LIMIT 50",
    ),
    (
        N_("Any statements"),
        "SELECT ?thing ?property ?value WHERE {\n  ?thing ?property ?value .\n}\nLIMIT 50",
    ),
    (
        N_("What is in which named graph?"),
        "SELECT ?graph (COUNT(*) AS ?statements) WHERE {\n"
        "  GRAPH ?graph { ?thing ?property ?value }\n}\n"
        "GROUP BY ?graph ORDER BY DESC(?statements) LIMIT 50",
    ),
)
"""Questions that any RDF answers, each with its query."""


def imported_page(view: View) -> dict[str, Any]:
    """Return what the page of an IRI of imported RDF shows beside the view."""
    graph, iri = view.d.graph, view.d.iri
    named_by: dict[str, list[str]] = {}
    for subject, predicate in view.d.references:
        named_by.setdefault(predicate, []).append(subject)
    return {
        "facts": view.facts(iri, (iri,)),
        "types": view.refs(iri, "rdf:type"),
        "named_by": tuple(
            Fact(view.property(predicate), tuple(view.ref(one) for one in subjects))
            for predicate, subjects in sorted(named_by.items())
        ),
        "used": tuple(
            (view.ref(subject), tuple(view.value(term) for term in graph.terms(subject, iri)))
            for subject in view.d.sections["used"]
        ),
        "graphs": tuple(
            view.ref(one) for one in sorted({q.graph for q in graph.quads if q.subject == iri})
        ),
        "outside": iri if iri.startswith(("http://", "https://")) else "",
    }


def graph_parts(view: View, iri: str, quads: int) -> tuple[tuple[str, tuple[Fact, ...]], ...]:
    """Return what the page of a named graph says of what it holds."""
    _ = view.language.gettext
    whole = f"{view.root}/graphs?{urlencode({'graph': iri})}"
    rows = (
        Fact(_("Statements"), (Text(view.language.number(quads)),)),
        Fact(_("The whole graph"), (Ref(iri, whole, Label(_("as RDF"))),)),
    )
    return ((_("What it holds"), rows),)


def _concerned(view: View, claim: str) -> Mapping[Term, None]:
    return view.d.graph.predicates(claim).get(CH + "concerns", {})


def _entity_page(view: View) -> dict[str, Any]:
    graph, sections, iri = view.d.graph, view.d.sections, view.d.iri
    _ = view.language.gettext
    offices: list[str] = []
    relations: list[str] = []
    for node in sections["relations"]:
        office = graph.one(node, "ch:relationType") == CH + "relation-holds-office"
        (offices if office else relations).append(node)
    groups = [("offices", _("Offices") if view.d.kind != "position" else _("Held by"), "", offices)]
    left = list(sections["events"])
    for name, title, note, roles in _ROLE_GROUPS:
        chosen = [
            node
            for node in left
            if any(Term(iri) in graph.predicates(node).get(CH + role, ()) for role in roles)
        ]
        left = [node for node in left if node not in chosen]
        groups.append((name, _(title), note, chosen))
    groups.append(("relations", _("Relations described"), "", relations))
    groups.append(
        (
            "metonym",
            _("Where its name stands for somebody else"),
            "",
            [node for node in sections["metonym"] if node not in sections["events"]],
        )
    )
    rows = []
    for predicate, name in (
        ("ch:actsFor", N_("Acts for")),
        ("ch:voiceOf", N_("Voice of")),
        ("ch:locatedIn", N_("Located in")),
        ("ch:country", N_("Country, as the feed codes it")),
        ("ch:positionIn", N_("In")),
        ("ch:positionFor", N_("For")),
        ("ch:positionToward", N_("Toward")),
        ("owl:differentFrom", N_("Not the same as")),
        ("ch:latitude", N_("Latitude")),
        ("ch:longitude", N_("Longitude")),
    ):
        values = tuple(view.value(term) for term in graph.terms(iri, predicate))
        if values:
            rows.append(Fact(_(name), values))
    amounts = view.quantities(iri)
    if amounts:
        rows.append(
            Fact(
                view.language.pgettext("how many", "Number"),
                tuple(amount for _link, amount in amounts),
            )
        )
    return {
        "registry": rows,
        "groups": [
            (name, title, note, view.listed(nodes, roles_of=iri))
            for name, title, note, nodes in groups
        ],
        "said": view.ledger(sections["said"]),
        "lists": [
            (_("Who acts for this agent"), view.section("acting")),
            (_("Offices connected with it"), view.section("positions")),
            (_("Located here"), view.section("inside")),
            (_("Documents published"), view.section("published")),
            (_("Readings and reviews"), view.section("runs")),
        ],
    }


def _document_page(view: View) -> dict[str, Any]:
    graph, sections, iri = view.d.graph, view.d.sections, view.d.iri
    rows = []
    for predicate, name in (
        ("dcterms:identifier", N_("Name of the file")),
        ("dcterms:publisher", N_("Publisher")),
        ("ch:publisherUnstated", N_("Publisher not stated")),
        ("dcterms:issued", N_("Issued")),
        ("ch:referenceDate", N_("Dates are counted from")),
        ("ch:referenceBasis", N_("That date is known from")),
        ("ch:datelinePlace", N_("Dateline")),
        ("ch:custody", N_("Custody")),
        ("ch:capturedOn", N_("Captured on")),
        ("ch:captureTool", N_("Captured with")),
        ("ch:archivedAt", N_("Archived at")),
        ("ch:redistribution", N_("Redistribution")),
        ("ch:characters", N_("Characters")),
        ("ch:sentences", N_("Sentences")),
        ("ch:sha256", N_("SHA-256 of the text")),
    ):
        values = tuple(view.value(term) for term in graph.terms(iri, predicate))
        if values:
            rows.append(Fact(view.language.gettext(name), values))
    spans = sections["spans"]
    propositions = sections["propositions"]
    named = [span for span in spans if graph.terms(span, "ch:surface")]
    counts = (
        (N_("events described"), sum(view.kind(node) == "event" for node in propositions)),
        (N_("relations described"), sum(view.kind(node) == "relation" for node in propositions)),
        (N_("claims"), len(sections["claims"])),
        (N_("spans of evidence"), len(spans) - len(named)),
        (N_("names"), len(named)),
    )
    return {
        "custody": rows,
        "counts": [{"name": view.language.gettext(name), "count": count} for name, count in counts],
        "propositions": view.listed(propositions),
    }


def _source_page(view: View) -> dict[str, Any]:
    """Return what the page of a source that nobody here read shows: a report, or a feed's row."""
    graph, sections, iri = view.d.graph, view.d.sections, view.d.iri
    rows = []
    for predicate, name in (
        ("dcterms:publisher", N_("Publisher")),
        ("dcterms:issued", N_("Issued")),
        ("dcterms:source", N_("Address")),
        ("dcterms:language", N_("Language")),
        ("dcterms:identifier", N_("Name in the source's files")),
        ("dcterms:description", N_("Description")),
    ):
        terms = graph.terms(iri, predicate)
        outside = predicate == "dcterms:source"
        values = tuple(_outside(term) if outside else view.value(term) for term in terms)
        if values:
            rows.append(Fact(view.language.gettext(name), values))
    return {
        "record": graph.a(iri, "FeedRecord"),
        "facts": rows,
        "propositions": view.listed(sections["propositions"]),
        "claims": view.ledger(sections["claims"]),
    }


def _outside(term: Term) -> Outside:
    """Return an address that a feed gives; only one of the web can be opened.

    >>> _outside(Term("javascript:alert(1)", False))
    Outside(address='', text='javascript:alert(1)')
    """
    web = re.fullmatch(r"https?://[^\s<>\"]+", term.value) is not None
    return Outside(term.value if web else "", term.value)
