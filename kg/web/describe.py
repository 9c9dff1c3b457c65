"""The bounded description of a resource: which quads a release holds of it, and their formats.

A description is a set of quads, gathered by the queries below. The data formats write that set;
the HTML pages (`kg.web.pages`) are views of the same set. So whatever a page says is in its
Turtle, and where an allegation is in a description, the denials of it and the replies to it are in
it too.

Spec: docs/model.md; docs/how-to/read-the-pages.md
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Final, NamedTuple, Protocol, get_args

import msgspec

from kg.serialise import Documents, not_in_xml
from kg.vocab import (
    CH,
    COMMON,
    DCTERMS,
    EDTF,
    MARKS,
    NAMES,
    PREFIXES,
    RDF,
    ROLES,
    WORDED,
    XSD,
    Kind,
    literal,
)
from kg.web.guard import QueryFailure
from kg.web.negotiation import PAGE_FORMATS

KINDS: Final[tuple[str, ...]] = get_args(Kind)
KEY: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

PAGE: Final = 50
"""Rows of each section of a page; `?page=` asks for the next ones."""
USES: Final = 40
"""Uses on a page of a term: each comes with what is said on it."""
SORTED_PAGES: Final = 20
"""Pages of references within which they are sorted."""
AGAINST: Final = 500
"""Claims other than affirming ones that are held on every page of a proposition."""
BLANK: Final = 1000
"""Statements of the blank nodes at one distance from a resource."""
_LONGEST_IRI: Final = 8192
_LONGEST_VALUES: Final = 200_000
"""Characters of IRIs in one query for names."""
ACTS_FOR: Final = 6
"""Steps from an agent to whom it acts for in the end, which pictures follow."""
POSITIONS: Final = 4000
"""Claims read for the positions on the propositions that a page lists; more are announced."""
POSITIONS_CUT: Final = "Kg-Positions-Cut"
"""Header of a description with not all of the positions: how many claims were read."""

PROPOSITIONS: Final = ("event", "relation")
"""Kinds of data addresses that are of propositions."""
ABOUT: Final[Mapping[str, tuple[str, ...]]] = {
    "claim": ("concerns",),
    "claimset": ("statedMember", "inferredMember"),
    "status": ("assesses",),
    "record": ("links", "linkSubject"),
    "relation": ("subject", "object"),
    "event": ("topic",),
}
"""Kinds of what names propositions without being one alone, and the properties that lead there: a
set leads to claims, a relation to what it is between and an event to what it is about, such as what
somebody is accused of: these may be propositions."""
_INNER: Final = frozenset(CH + name for kind in PROPOSITIONS for name in ABOUT[kind])
_DEEPEST: Final = 5
"""Steps from what names a proposition to that."""


class Term(NamedTuple):
    """An RDF term: an IRI, or a literal with its language tag or datatype.

    A blank node, as imported RDF may have them, is `_:` and its label in the place of an IRI.
    """

    value: str
    is_iri: bool = True
    lang: str = ""
    datatype: str = ""


class Quad(NamedTuple):
    """One statement in one named graph."""

    subject: str
    predicate: str
    object: Term
    graph: str


Row = Mapping[str, Term]


def term(kind: str, value: str, lang: str = "", datatype: str = "") -> Term:
    """Return a term of an answer; `kind` is `uri`, `bnode` or `literal`."""
    return Term(f"_:{value}" if kind == "bnode" else value, kind != "literal", lang, datatype)


class Engine(Protocol):
    """What answers queries: never this process.

    `terms` has the labels and types of the terms of the ontology, so that they need not be asked
    for again. `imported` says that the release is RDF that was imported: then everything with an
    IRI is named, wherever it is.
    """

    terms: Mapping[str, Sequence[Quad]]
    imported: bool
    languages: Sequence[str]

    async def rows(self, queries: Sequence[str]) -> list[list[Row]]:
        """Return the solutions of each SELECT query, in order."""

    async def introduced(self, iris: Collection[str]) -> Sequence[Quad]:
        """Return what introduces things where others name them: class, names, who they act for.

        It is what `INTRODUCTION_QUERY` finds, in no particular order.
        """


# --- queries -----------------------------------------------------------------------------------

_ROLE_LIST = " ".join(f"ch:{role}" for role in ROLES)
# What stands after it ranks nodes that are found before; see `_section`.
_BY: Final = " #by# "
_BY_DATE = (
    _BY + "OPTIONAL { ?node ch:time/ch:earliest ?from } BIND(COALESCE(STR(?from), '~') AS ?rank)"
)
_BY_SPAN = _BY + "OPTIONAL { ?node ch:evidence/ch:start ?at } BIND(COALESCE(?at, 0) AS ?rank)"
_BY_START = _BY + "OPTIONAL { ?node ch:start ?rank }"

SECTIONS_OF_ENTITY: Final[Mapping[str, str]] = {
    "events": f"VALUES ?role {{ {_ROLE_LIST} }} ?node ?role $this .{_BY_DATE}",
    "relations": "{ ?node ch:subject $this } UNION { ?node ch:object $this } " + _BY_DATE,
    "said": f"?node ch:claimant $this .{_BY_SPAN}",
    "named": "?node ch:denotes|ch:standsFor $this ." + _BY_START,
    "metonym": f"?node ch:hasParticipation/ch:mentionedAs $this .{_BY_DATE}",
    "acting": "?node ch:actsFor $this",
    "positions": "?node ch:positionIn|ch:positionFor|ch:positionToward $this",
    "inside": "?node ch:locatedIn $this",
    "links": "?node ch:linkSubject $this",
    "published": "?node dcterms:publisher $this",
    "runs": "?node prov:wasAssociatedWith $this",
}

# The claims stand in each branch, or the engine would begin each with all sets.
_SETS = (
    "{ ?c ch:concerns $this ; ch:about ?node . ?node a ch:ClaimSet } "
    "UNION { ?c ch:concerns $this . ?node ch:statedMember ?c } "
    "UNION { ?c ch:concerns $this . ?node ch:inferredMember ?c }"
)

SECTIONS_OF_PROPOSITION: Final[Mapping[str, str]] = {
    "claims": f"?node ch:concerns $this ; ch:stance ch:stance-affirms .{_BY_SPAN}",
    "against": "?node ch:concerns $this ; ch:stance ?s . FILTER(?s != ch:stance-affirms) "
    + _BY_SPAN.removeprefix(_BY),
    "relays": "?node ch:ultimately/ch:concerns $this",
    "replies": "?node ch:respondsTo/ch:concerns $this",
    "sets": _SETS,
    "statuses": "?node ch:assesses $this",
    "same": "?node ch:links $this",
    "elsewhere": "$this ch:possiblySameAs/^ch:concerns ?node",
    "events": f"VALUES ?role {{ {_ROLE_LIST} }} ?node ?role $this .{_BY_DATE}",
    "relations": "{ ?node ch:subject $this } UNION { ?node ch:object $this } " + _BY_DATE,
    "only": "?node ch:saysOnly $this",
    "named": "?node ch:denotes|ch:standsFor $this ." + _BY_START,
}

SECTIONS_OF_CLAIM: Final[Mapping[str, str]] = {
    "propositions": "{ $this ch:concerns ?node } UNION { $this ch:ultimately/ch:concerns ?node }",
    "others": "{ $this ch:concerns ?p } UNION { $this ch:ultimately/ch:concerns ?p } "
    "?node ch:concerns ?p ; ch:stance ?s . BIND(IF(?s = ch:stance-affirms, 1, 0) AS ?rank)",
    "relays": "{ ?node ch:ultimately $this } UNION { $this ch:relays+ ?node } "
    "UNION { $this ch:ultimately/^ch:ultimately ?node } "
    "UNION { $this ch:concerns/^ch:concerns/^ch:ultimately ?node }",
    "replies": "?node ch:respondsTo|ch:concedes|ch:contrastsWith|ch:givesReasonFor $this",
    "sets": "{ $this ch:about ?node . ?node a ch:ClaimSet } "
    "UNION { ?node ch:statedMember|ch:inferredMember $this }",
    "statuses": "?node ch:basedOn $this . ?node a ch:StatusAssessment",
}

SECTIONS_OF_CLAIMSET: Final[Mapping[str, str]] = {
    "about": "?node ch:about $this",
    "members": "$this ch:statedMember|ch:inferredMember ?node",
    "propositions": "$this (ch:statedMember|ch:inferredMember)/ch:concerns ?node",
    "others": "$this (ch:statedMember|ch:inferredMember)/ch:concerns/^ch:concerns ?node",
    "relays": "$this ^ch:about/^ch:ultimately ?node",
}

SECTIONS_OF_DOCUMENT: Final[Mapping[str, str]] = {
    "claims": f"?node ch:inSource $this .{_BY_SPAN}",
    "spans": "?node ch:inDocument $this ." + _BY_START,
    "propositions": "?c ch:inSource $this ; ch:about|ch:concerns ?node . ?node a ch:Proposition ."
    + _BY_DATE,
}

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "agent": SECTIONS_OF_ENTITY,
    "place": SECTIONS_OF_ENTITY,
    "thing": SECTIONS_OF_ENTITY,
    "position": SECTIONS_OF_ENTITY,
    "event": SECTIONS_OF_PROPOSITION,
    "relation": SECTIONS_OF_PROPOSITION,
    "claim": SECTIONS_OF_CLAIM,
    "claimset": SECTIONS_OF_CLAIMSET,
    "document": SECTIONS_OF_DOCUMENT,
    "span": {
        "claims": "?node ch:evidence $this . ?node a ch:Claim",
        "sets": "?node ch:evidence $this . ?node a ch:ClaimSet",
    },
    "status": {
        "claims": "$this ch:basedOn ?node",
        "propositions": "$this ch:assesses ?node",
        "same": "$this ch:usesLink ?node",
    },
    "participation": {"propositions": "?node ch:hasParticipation $this"},
    "record": {
        "propositions": "{ $this ch:links ?node } UNION "
        "{ ?c ch:inSource $this ; ch:about ?node . ?node a ch:Proposition }",
        "claims": f"?node ch:inSource $this .{_BY_SPAN}",
    },
}

NOTICES: Final = "?node ch:corrects|ch:withdraws $this . ?node dcterms:date ?rank"
"""What editors did to a thing of any kind, the first act first: the section `notices`."""
_NOTICED: Final = " ch:corrects ch:withdraws"

SHOWN_ELSEWHERE: Final[Mapping[str, str]] = {
    # Inverse properties that the sections above show, per group of kinds; the rest is listed
    # under "Other references".
    "entity": f"{_ROLE_LIST} ch:participant ch:subject ch:object ch:claimant ch:denotes "
    "ch:standsFor ch:mentionedAs ch:actsFor ch:positionIn ch:positionFor ch:positionToward "
    "ch:locatedIn ch:linkSubject dcterms:publisher prov:wasAssociatedWith owl:differentFrom "
    "ch:affirmedBy ch:deniedBy ch:disputedBy ch:questionedBy ch:notConfirmedBy ch:notVerifiedBy",
    "proposition": f"{_ROLE_LIST} ch:participant ch:subject ch:object ch:about ch:concerns "
    "ch:assesses ch:links ch:possiblySameAs ch:saysOnly ch:denotes ch:standsFor",
    "claim": "ch:relays ch:ultimately ch:respondsTo ch:concedes ch:contrastsWith "
    "ch:givesReasonFor ch:statedMember ch:inferredMember ch:basedOn",
    "claimset": "ch:about",
    "document": "ch:inSource ch:inDocument ch:voiceOf",
    "record": "ch:inSource ch:voiceOf",
    "span": "ch:evidence",
}
_GROUP: Final = {
    "agent": "entity",
    "place": "entity",
    "thing": "entity",
    "position": "entity",
    "event": "proposition",
    "relation": "proposition",
}

# Queries of this package sort by expressions that have values of one kind, whatever the data are:
# they are not made safe as others are (`kg.web.order`), which takes longer than most of them do.
SECTION_QUERY: Final = (
    "SELECT ?node (MIN(?rank) AS ?r) WHERE { $body } GROUP BY ?node "
    "ORDER BY xsd:integer(?r) STR(?r) STR(?node) LIMIT $limit OFFSET $offset"
)
WINDOWED_QUERY: Final = (
    "SELECT ?node (MIN(?rank) AS ?r) WHERE { "
    "{ SELECT DISTINCT ?node WHERE { $body } LIMIT $window OFFSET $start } $rank } GROUP BY ?node "
    "ORDER BY xsd:integer(?r) STR(?r) STR(?node) LIMIT $limit OFFSET $offset"
)
# Sorted within some pages: to sort all of a hub's hundred thousand takes the engine 20 seconds.
REFERENCES_QUERY: Final = (
    "SELECT ?s ?p ?g WHERE { "
    "{ SELECT ?s ?p ?g WHERE { GRAPH ?g { ?s ?p $this } $filter } LIMIT $window OFFSET $start } "
    "} ORDER BY STR(?p) STR(?s) STR(?g) LIMIT $limit OFFSET $offset"
)
FURTHER_QUERY: Final = "SELECT ?s WHERE { GRAPH ?g { ?s ?p $this } $filter } LIMIT 1 OFFSET $offset"
NODES_QUERY: Final = "SELECT ?s ?p ?o ?g WHERE { VALUES ?s { $nodes } GRAPH ?g { ?s ?p ?o } }"
# Of a part, what the graph says that names it: a day is the same in all documents that name it.
PARTS_QUERY: Final = """
SELECT DISTINCT ?s ?p ?o ?g WHERE {
  { VALUES ?n { $whole }
    GRAPH ?g { ?n ch:hasParticipation|ch:quantity|ch:hasParticipation/ch:quantity ?s . ?s ?p ?o } }
  UNION { VALUES ?n { $nodes } GRAPH ?g { ?n ch:time|ch:evidence ?s . ?s ?p ?o } }
}"""
_PARTS: Final = ("ch:hasParticipation", "ch:quantity", "ch:time", "ch:evidence")
POSITIONS_QUERY: Final = """
SELECT ?s ?p ?o ?g WHERE {
  { SELECT ?s WHERE {
      VALUES ?n { $nodes }
      { ?n ^ch:concerns ?s } UNION { ?n ch:possiblySameAs/^ch:concerns ?s }
      UNION { ?n ^ch:concerns/^ch:respondsTo ?s BIND(true AS ?reply) }
      UNION { ?n ch:possiblySameAs/^ch:concerns/^ch:respondsTo ?s BIND(true AS ?reply) }
      ?s ch:stance ?st .
      BIND(IF(?st = ch:stance-affirms && !BOUND(?reply), 1, 0) AS ?rank)
    } GROUP BY ?s ORDER BY (MIN(?rank)) STR(?s) LIMIT $limit }
  GRAPH ?g { ?s ?p ?o }
  FILTER(?p IN (rdf:type, rdfs:label, ch:claimant, ch:stance, ch:modality, ch:certainty,
    ch:about, ch:concerns, ch:inSource, ch:respondsTo))
}"""
TAKEN_QUERY: Final = """
SELECT DISTINCT ?n ?p ?same ?c ?answered ?stance ?who ?rank WHERE {
  VALUES ?n { $nodes }
  ?n (ch:concerns|ch:assesses|ch:links|ch:linkSubject|ch:ultimately/ch:concerns
    |(ch:statedMember|ch:inferredMember)/ch:ultimately?/ch:concerns|^ch:hasParticipation)?
    /(ch:subject|ch:object|ch:topic)* ?p .
  ?p ch:possiblySameAs? ?same .
  { ?same ^ch:concerns ?c } UNION { ?same ^ch:concerns ?answered . ?answered ^ch:respondsTo ?c }
  ?c ch:stance ?stance ; ch:claimant ?who .
  BIND(IF(?stance = ch:stance-affirms && !BOUND(?answered), 1, 0) AS ?rank)
} ORDER BY (1 * ?rank) STR(?c) STR(?who) STR(?n) LIMIT $limit"""
# Without graphs: what many documents say alike is wanted once.
SKETCH_QUERY: Final = """
SELECT ?s ?p ?o WHERE {
  VALUES ?s { $nodes } ?s ?p ?o .
  FILTER(?p IN (rdf:type, rdfs:label, ch:eventType, ch:relationType, ch:actor, ch:subject,
    ch:object, ch:topic, ch:time, ch:status, ch:possiblySameAs, ch:yields, ch:reviewState))
}"""
# From what names propositions to them: `ABOUT`. An agent that a relation is between is none.
ABOUT_QUERY: Final = """
SELECT DISTINCT ?s ?p ?o ?g WHERE {
  { VALUES ?s { $nodes } GRAPH ?g { ?s ?p ?o }
    FILTER(?p IN (ch:assesses, ch:links, ch:linkSubject, ch:statedMember, ch:inferredMember)
      || (?p IN (ch:subject, ch:object, ch:topic)
        && (STRSTARTS(STR(?o), "$base/event/") || STRSTARTS(STR(?o), "$base/relation/")))) }
  UNION { VALUES ?n { $nodes } ?n ch:statedMember|ch:inferredMember ?s .
    GRAPH ?g { ?s ?p ?o } FILTER(?p IN (ch:concerns, ch:ultimately)) }
  UNION { VALUES ?n { $nodes } ?n (ch:statedMember|ch:inferredMember)/ch:ultimately ?s .
    GRAPH ?g { ?s ?p ?o } FILTER(?p = ch:concerns) }
} LIMIT $limit"""
INNER_QUERY: Final = """
SELECT ?s ?p ?o WHERE {
  VALUES ?s { $nodes } ?s ?p ?o .
  FILTER(?p IN (ch:subject, ch:object, ch:topic, ch:possiblySameAs))
}"""
TIMES_QUERY: Final = """
SELECT DISTINCT ?s ?p ?o WHERE {
  VALUES ?n { $nodes } ?n ch:time ?s . ?s ?p ?o .
  FILTER(?p IN (rdfs:label, ch:edtf, ch:earliest, ch:latest, ch:timeRule, ch:partOfDay,
    ch:certainty))
}"""
NAMED_QUERY: Final = """
SELECT ?s ?p ?o WHERE {
  VALUES ?s { $nodes } ?s ?p ?o . FILTER(?p IN (rdf:type, rdfs:label, ch:actsFor))
}"""
STANCES_QUERY: Final = """
SELECT DISTINCT ?claim ?node ?answered ?stance ?who WHERE {
  VALUES ?node { $nodes }
  { ?node ^ch:concerns ?claim }
  UNION { ?node ^ch:concerns ?answered . ?answered ^ch:respondsTo ?claim }
  ?claim ch:stance ?stance ; ch:claimant ?who .
} ORDER BY (?stance = ch:stance-affirms && !BOUND(?answered)) STR(?claim) LIMIT $limit"""
# Whose data a page shows: each source of feeds has its own licence, and says how it is cited.
CREDITS_QUERY: Final = """
SELECT ?s ?p ?o ?g WHERE {
  VALUES ?s { $nodes } GRAPH ?g { ?s ?p ?o }
  FILTER(?p IN (dcterms:license, dcterms:bibliographicCitation))
}"""
LIES_QUERY: Final = """
SELECT DISTINCT ?s ?p ?o ?g WHERE {
  VALUES ?n { $nodes } ?n ch:place|ch:origin|ch:destination ?s .
  GRAPH ?g { ?s ?p ?o } FILTER(?p IN (ch:latitude, ch:longitude))
}"""
STATUS_QUERY: Final = (
    "SELECT ?s ?p ?o ?g WHERE { VALUES ?s { $nodes } GRAPH ?g { ?s ?p ?o } "
    "FILTER(?p IN (ch:status, ch:possiblySameAs)) }"
)
LABELS_QUERY: Final = """
SELECT ?s ?p ?o ?g WHERE {
  VALUES ?s { $nodes } GRAPH ?g { ?s ?p ?o }
  FILTER(?p IN (rdf:type, rdfs:label, skos:prefLabel))
}"""
NAMES_QUERY: Final = f"""
SELECT ?s ?p ?o ?g WHERE {{
  VALUES ?s {{ $nodes }} GRAPH ?g {{ ?s ?p ?o }}
  FILTER(?p IN (rdfs:label, skos:prefLabel, {", ".join(f"<{iri}>" for iri in NAMES)}))
}}"""
# What imported RDF says of an IRI. Nothing is sorted: of a class with a million instances the
# engine finds a hundred at once, and in order in a minute.
OWN_QUERY: Final = (
    "SELECT ?s ?p ?o ?g WHERE { VALUES ?s { $this } GRAPH ?g { ?s ?p ?o } } "
    "LIMIT $limit OFFSET $offset"
)
NAMED_BY_QUERY: Final = (
    "SELECT ?s ?p ?g WHERE { GRAPH ?g { ?s ?p $this } } LIMIT $limit OFFSET $offset"
)
PROPERTY_QUERY: Final = (
    "SELECT ?s ?p ?o ?g WHERE { VALUES ?p { $this } GRAPH ?g { ?s ?p ?o } } LIMIT 21"
)


def _blank(depth: int) -> str:
    """Return the query for the blank nodes that are so many steps away; a list is one step.

    Each step is made from the distinct nodes of the one before, or a few nodes that all name each
    other would have more ways between them than anybody can count.
    """
    start = f"{{ {_blank(depth - 1)} }}" if depth > 1 else "BIND($this AS ?n0)"
    last, here = depth - 1, depth
    return (
        f"SELECT DISTINCT ?n{here} WHERE {{ {start} ?n{last} ?p{here} ?b{here} . "
        f"FILTER(isBlank(?b{here})) ?b{here} rdf:rest* ?n{here} . FILTER(isBlank(?n{here})) }} "
        "LIMIT $limit"
    )


BLANK_QUERIES: Final = tuple(
    f"SELECT ?s ?p ?o ?g WHERE {{ {{ {_blank(depth)} }} BIND(?n{depth} AS ?s) "
    f"GRAPH ?g {{ ?s ?p ?o }} }} LIMIT {BLANK + 1}"
    for depth in range(1, 7)
)
"""The blank nodes that are one to six steps away."""
NAMING_QUERY: Final = """
SELECT DISTINCT ?s ?p ?o ?g WHERE {
  VALUES ?n { $nodes } ?n ch:relays* ?s .
  GRAPH ?g { ?s ?p ?o }
  FILTER(?p IN (rdf:type, ch:status, ch:claimant, ch:stance, ch:about, ch:relays))
}"""
# A notice may be of thousands: only those that are asked for are read.
CORRECTIONS_QUERY: Final = """
SELECT DISTINCT ?s ?p ?o ?g WHERE {
  VALUES ?n { $nodes } ?s ch:corrects|ch:withdraws ?n .
  GRAPH ?g { ?s ?p ?o }
  FILTER(?p NOT IN (ch:corrects, ch:withdraws) || ?o = ?n)
}"""
NOTICES_QUERY: Final = (
    "SELECT ?node WHERE { ?node a ch:Notice ; dcterms:date ?date } "
    "ORDER BY DESC(STR(?date)) STR(?node) LIMIT $limit OFFSET $offset"
)
INTRODUCTION_QUERY: Final = """
SELECT ?s ?p ?o ?g WHERE {
  VALUES ?s { $nodes } GRAPH ?g { ?s ?p ?o }
  FILTER(?p IN (rdf:type, rdfs:label, skos:prefLabel, ch:actsFor, ch:voiceOf))
}"""
TEXTS_QUERY: Final = (
    "SELECT ?s ?hash ?lang WHERE { VALUES ?s { $nodes } "
    "?s ch:sha256 ?hash ; dcterms:language ?lang }"
)
VOCABULARY_QUERY: Final = "SELECT ?s ?p ?o ?g WHERE { GRAPH $this { ?s ?p ?o } BIND($this AS ?g) }"
TERMS_QUERY: Final = """
SELECT ?s ?p ?o ?g WHERE {
  GRAPH $this { ?s ?p ?o } BIND($this AS ?g)
  FILTER(?p IN (rdf:type, rdfs:label, skos:prefLabel) && STRSTARTS(STR(?s), '$namespace'))
}"""
TERM_QUERY: Final = """
SELECT ?s ?p ?o ?g WHERE {
  { VALUES ?s { $this } GRAPH $graph { ?s ?p ?o } }
  UNION { VALUES ?o { $this } GRAPH $graph { ?s ?p ?o } }
  BIND($graph AS ?g)
} LIMIT 2000"""
_USES: Final[Mapping[str, str]] = {
    "class": "?s a $this",
    "property": "?s $this ?o",
    "concept": "GRAPH ?g { ?s ?p $this } FILTER(?g != $graph)",
}
"""How a term is used, by what it is."""
USES_QUERY: Final = (
    "SELECT DISTINCT ?s ?o WHERE { { SELECT ?s ?o WHERE { $body } LIMIT $window OFFSET $start } } "
    "ORDER BY STR(?s) STR(?o) LIMIT $limit OFFSET $offset"
)
COUNT_QUERY: Final = "SELECT (COUNT(*) AS ?n) WHERE { SELECT ?s WHERE { $body } LIMIT $limit }"
# What a participation, an assessment or a set of claims is of: the positions on it are shown too.
OF_QUERY: Final = """
SELECT DISTINCT ?node WHERE {
  { VALUES ?n { $nodes } ?node ch:hasParticipation ?n }
  UNION { VALUES ?n { $nodes } ?n ch:assesses|ch:links|ch:saysOnly|ch:concerns ?node }
  UNION { VALUES ?n { $nodes } ?n ch:ultimately/ch:concerns ?node }
  UNION { VALUES ?n { $nodes }
    ?n (ch:statedMember|ch:inferredMember)/ch:ultimately?/ch:concerns ?node }
} LIMIT 2000"""
DISPUTED_QUERY: Final = """
SELECT ?node WHERE {
  ?node a ch:Event ; ch:status ?status .
  VALUES (?status ?rank) { (ch:status-contested 0) (ch:status-denied 1) }
} ORDER BY (1 * ?rank) STR(?node) LIMIT 12"""
DOCUMENTS_QUERY: Final = (
    "SELECT ?node WHERE { ?node a ch:Document OPTIONAL { ?node ch:referenceDate ?d } } "
    "ORDER BY DESC(STR(?d)) STR(?node) LIMIT 12"
)
# The keys of events are words as well.
_NAMING: Final = WORDED | {DCTERMS + "identifier"}
# What has the texts is asked for by itself: joined with the types at once it takes the engine
# many times as long.
_BEARERS: Final = (
    "{ SELECT ?l ?p ?s WHERE { VALUES ?l { $literals } ?s ?p ?l "
    f"FILTER(?p IN ({', '.join(f'<{iri}>' for iri in sorted(_NAMING))})) }} }} ?s a ?t . "
    "VALUES ?t { ch:Proposition ch:Claim ch:ClaimSet ch:StatusAssessment ch:EventLink "
    "ch:Participation }"
)
WORDED_QUERY: Final = f"SELECT DISTINCT ?l ?p WHERE {{ {_BEARERS} }}"
STANDING_QUERY: Final = "SELECT ?l WHERE { VALUES ?l { $literals } FILTER EXISTS { ?s ?p ?l } }"
LABELLING_QUERY: Final = (
    "SELECT ?l WHERE { VALUES ?l { $literals } "
    "FILTER EXISTS { ?s rdfs:label|skos:prefLabel|skos:altLabel ?l } }"
)
BEARERS_QUERY: Final = f"SELECT DISTINCT ?l ?s WHERE {{ {_BEARERS} }} LIMIT $limit"
# What others call an event.
CALLED_QUERY: Final = (
    "SELECT DISTINCT ?l ?s WHERE { VALUES ?l { $literals } "
    "?record ch:linkObjectLabel ?l ; ch:linkSubject ?s . ?s a ch:Proposition } LIMIT $limit"
)
KNOWN_QUERY: Final = """
SELECT ?n WHERE {
  VALUES ?n { $nodes }
  FILTER(EXISTS { ?n ?p ?o } || EXISTS { ?s ?p ?n } || EXISTS { ?s ?n ?o }
    || EXISTS { GRAPH ?n { ?s ?p ?o } })
}"""


# --- the description ---------------------------------------------------------------------------


class Graph:
    """Quads with an index by subject; keeps each quad once, in the order of arrival."""

    def __init__(self) -> None:
        self.quads: dict[Quad, None] = {}
        self._by_subject: dict[str, dict[str, dict[Term, None]]] = {}
        self._by_object: dict[tuple[str, str], dict[str, None]] = {}

    def add(self, quads: Iterable[Quad]) -> None:
        """Add the quads that are not in it yet."""
        for quad in quads:
            if quad in self.quads:
                continue
            self.quads[quad] = None
            by_predicate = self._by_subject.setdefault(quad.subject, {})
            by_predicate.setdefault(quad.predicate, {})[quad.object] = None
            if quad.object.is_iri:
                key = (quad.predicate, quad.object.value)
                self._by_object.setdefault(key, {})[quad.subject] = None

    def __contains__(self, subject: str) -> bool:
        return subject in self._by_subject

    def terms(self, subject: str, predicate: str) -> list[Term]:
        """Return the objects, sorted."""
        return sorted(self._by_subject.get(subject, {}).get(_expand(predicate), ()))

    def iris(self, subject: str, predicate: str) -> list[str]:
        """Return the objects that are IRIs, sorted."""
        return [term.value for term in self.terms(subject, predicate) if term.is_iri]

    def one(self, subject: str, predicate: str) -> str:
        """Return the first object as text, or an empty string."""
        found = self.terms(subject, predicate)
        return found[0].value if found else ""

    def subjects(self, predicate: str, value: str) -> list[str]:
        """Return the subjects that have the IRI `value` under `predicate`, sorted."""
        return sorted(self._by_object.get((_expand(predicate), value), ()))

    def predicates(self, subject: str) -> Mapping[str, Mapping[Term, None]]:
        """Return what is said of the subject: predicate to objects."""
        return self._by_subject.get(subject, {})

    def a(self, subject: str, name: str) -> bool:
        """Return whether the subject is typed as the class `ch:<name>`."""
        return Term(CH + name) in self._by_subject.get(subject, {}).get(RDF + "type", ())


Parts = Mapping[Term, tuple[Term, Term, Term]]
"""Triple terms, each with its subject, predicate and object."""


@dataclass(frozen=True)
class Texts:
    """What is known of the terms of a result: by text, or where it says so by term.

    Args:
        worded: which texts say what somebody may affirm or deny, and the property that says how.
        labels: which texts are a label of anything.
        made: terms that stand nowhere in the graph: a query put them together.
        bearers: of what a text is the label, the key or the address, or what it puts into words
            otherwise.
        parts: what the triple terms are made of.
    """

    worded: Mapping[str, str] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    made: frozenset[Term] = frozenset()
    bearers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parts: Parts = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """What a release says of one resource: the quads, and which nodes stand in which section."""

    iri: str
    base: str
    kind: str
    key: str
    page: int
    graph: Graph
    sections: Mapping[str, tuple[str, ...]]
    references: tuple[tuple[str, str], ...]
    more: bool
    cut: bool = False
    partial: bool = False
    """Not all positions on what it names are in it."""
    about: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The propositions that things name, where the graph does not lead to them."""
    texts: Texts = field(default_factory=lambda: Texts())
    """What is known of the terms of a result."""

    @cached_property
    def triples(self) -> list[tuple[str, str, Term]]:
        """Return the distinct triples: those of the resource first, then by subject."""
        found = {(quad.subject, quad.predicate, quad.object) for quad in self.graph.quads}
        return sorted(found, key=lambda t: (t[0] != self.iri, t))

    def statements(self, suffix: str) -> list[Quad]:
        """Return what a data format writes, in its order.

        N-Quads and TriG keep the graphs; in the others each triple stands once and the resource
        comes first, as one block.
        """
        if suffix in ("nq", "trig"):
            return self.quads
        return [Quad(s, p, o, "") for s, p, o in self.triples]

    @cached_property
    def quads(self) -> list[Quad]:
        """Return the quads by graph, those of the resource first within each."""
        return sorted(self.graph.quads, key=lambda q: (q.graph, q.subject != self.iri, q[:3]))


async def describe(
    engine: Engine, base: str, kind: str, key: str, *, page: int = 1, graphs: Iterable[str] = ()
) -> Description | None:
    """Return the bounded description of `<base>id/<kind>/<key>`, or None where there is nothing.

    It holds every triple with the resource as subject, its participations, times, quantities and
    spans, the nodes of each section of its kind, the positions taken on every proposition that it
    lists, and the labels of all that is named.

    Args:
        engine: answers the queries.
        base: the base IRI of the release.
        kind, key: as in the address; both are checked here.
        page: which `PAGE` nodes of each section, from 1.
        graphs: IRIs of named graphs, which exist without being described.
    Raises:
        QueryError: a query took too long or the workers are busy.
    """
    if kind not in KINDS or not KEY.fullmatch(key) or page < 1:
        return None
    iri = f"{base}id/{kind}/{key}"
    return await _gather(engine, base, iri, kind, key, page, iri in set(graphs))


async def _gather(
    engine: Engine, base: str, iri: str, kind: str, key: str, page: int, known: bool
) -> Description | None:
    sections = {**SECTIONS.get(kind, {}), "notices": NOTICES}
    limit = PAGE
    if kind == "document":  # one that was read; of what a feed names there may be thousands
        [read] = await engine.rows([f"SELECT ?t WHERE {{ <{iri}> a ch:Document, ?t }} LIMIT 1"])
        limit = 5 * PAGE if read else PAGE
    group = _GROUP.get(kind, kind)
    shown = SHOWN_ELSEWHERE.get(group, "") + _NOTICED
    skip = f"FILTER(?p NOT IN ({', '.join(shown.split())}))"
    queries = [fill(NODES_QUERY, nodes=values_of([iri]))]
    for name, body in sections.items():
        if name == "against":
            queries.append(_section(body, iri, AGAINST, 1))
        else:
            queries.append(_section(body, iri, limit, page))
    window = SORTED_PAGES * limit
    start, offset = divmod((page - 1) * limit, window)
    queries.append(
        fill(
            REFERENCES_QUERY,
            this=f"<{iri}>",
            filter=skip,
            window=str(window),
            start=str(start * window),
            limit=str(limit),
            offset=str(offset),
        )
    )
    queries.append(fill(FURTHER_QUERY, this=f"<{iri}>", filter=skip, offset=str(page * limit)))
    *answers, named_by, further = await engine.rows(queries)
    graph = Graph()
    graph.add(_quads(answers[0]))
    found: dict[str, tuple[str, ...]] = {}
    more = cut = False
    for name, rows in zip(sections, answers[1:], strict=True):
        size = AGAINST if name == "against" else limit
        listed = tuple(row["node"].value for row in rows if row.get("node"))
        # What follows the last page within which nodes are ranked was not looked at.
        last = _BY in sections[name] and page % SORTED_PAGES == 0
        if len(listed) > size or (last and len(listed) == size):
            more, cut = more or name != "against", cut or name == "against"
        found[name] = listed[:size]
    more = more or bool(further)
    references = []
    for row in named_by:
        subject, predicate = row["s"].value, row["p"].value
        references.append((subject, predicate))
        graph.add([Quad(subject, predicate, Term(iri), row["g"].value)])
    if not (graph.quads or known or any(found.values())):
        return None

    if found["notices"]:
        [rows] = await engine.rows([fill(CORRECTIONS_QUERY, nodes=values_of([iri]))])
        graph.add(_quads(rows))
    others = {node for name, some in found.items() if name != "notices" for node in some}
    nodes = sorted(others - {iri})
    partial = await _complete(engine, graph, iri, nodes, base)
    graphs = {quad.graph for quad in graph.quads if quad.graph.startswith(f"{base}id/graph/")}
    further_queries = [fill(CREDITS_QUERY, nodes=values_of({*graphs, iri} if known else graphs))]
    if kind == "event":
        further_queries.append(fill(LIES_QUERY, nodes=values_of([iri])))
    for rows in await engine.rows(further_queries):
        graph.add(_quads(rows))
    named = tuple(dict.fromkeys(references))
    return Description(iri, base, kind, key, page, graph, found, named, more, cut, partial)


def _section(body: str, iri: str, limit: int, page: int) -> str:
    """Return the query for one page of a section, and for whether there is another.

    Nodes that are ranked by a part of the pattern are ranked within some pages: a hub has more
    than can be put in order.
    """
    found, by, rank = fill(body, this=f"<{iri}>").partition(_BY)
    places = {"limit": limit + 1, "offset": (page - 1) * limit}
    if not by:
        return fill(SECTION_QUERY, body=f"{found} {rank}", **places)
    window = SORTED_PAGES * limit
    start, offset = divmod(places["offset"], window)
    return fill(
        WINDOWED_QUERY,
        body=found,
        rank=rank,
        window=window,
        start=start * window,
        **places | {"offset": offset},
    )


async def _complete(
    engine: Engine, graph: Graph, iri: str, nodes: Sequence[str], base: str
) -> bool:
    """Add what the nodes are, their parts, the positions taken on them, and all labels.

    Returns whether there are more positions than were read.
    """
    spans = [n for n in nodes if n.startswith(f"{base}id/span/")]
    whole = [iri] if iri else []
    labelled = {*whole, *nodes}
    for answer in await engine.rows(
        [
            fill(NODES_QUERY, nodes=values_of(nodes)),
            fill(
                PARTS_QUERY,
                whole=values_of(whole),
                nodes=values_of([*whole, *(n for n in nodes if n not in set(spans))]),
            ),
        ]
    ):
        graph.add(_quads(answer))
        labelled |= {row["s"].value for row in answer}
    reached = {*whole, *nodes}
    partial = await _reach(engine, graph, reached, base)
    claims = _named_iris(graph, f"{base}id/claim/")
    queries = [fill(one, nodes=values_of(claims)) for one in (NAMING_QUERY, CORRECTIONS_QUERY)]
    parts = {part for node in labelled for name in _PARTS for part in graph.iris(node, name)}
    if elsewhere := parts - labelled:
        queries.append(fill(NODES_QUERY, nodes=values_of(elsewhere)))
    for rows in await engine.rows(queries):
        graph.add(_quads(rows))
    partial = await _reach(engine, graph, reached, base) or partial
    listed = _named_iris(graph, f"{base}id/event/", f"{base}id/relation/")
    if listed:
        taken, states = await engine.rows(
            [
                fill(POSITIONS_QUERY, nodes=values_of(listed), limit=str(POSITIONS + 1)),
                fill(STATUS_QUERY, nodes=values_of(listed)),
            ]
        )
        graph.add(_quads(states))
        claims = {row["s"].value for row in taken}
        labelled |= claims
        partial = partial or len(claims) > POSITIONS
        same = {one for node in listed for one in graph.iris(node, "ch:possiblySameAs")}
        graph.add(_bearing_on({*listed, *same}, list(_quads(taken)), graph, base))
    named = _named_iris(graph, f"{base}id/", CH)
    named |= {f"{CH}role-{role}" for role in ROLES if CH + role in named}
    agents = {name for name in named if name.startswith(f"{base}id/agent/")}
    for name in sorted(named):
        graph.add(engine.terms.get(name, ()))
    left = (named - labelled - set(engine.terms)) | agents
    met: set[str] = set()
    while left:
        met |= left
        quads = await engine.introduced(left)
        graph.add(quads)
        left = {q.object.value for q in quads if q.predicate == CH + "actsFor"} - met
    return partial


async def _reach(engine: Engine, graph: Graph, reached: set[str], base: str) -> bool:
    """Add what leads from things in the graph to the propositions that they name; see `ABOUT`.

    Returns whether there is more of it.

    Args:
        reached: those of which that is known; the others are added to it.
    """
    cut = False
    kinds = tuple(f"{base}id/{kind}/" for kind in ABOUT if kind != "claim")
    for _ in range(_DEEPEST):
        further = _named_iris(graph, *kinds) - reached
        if not further:
            return cut
        reached |= further
        names = {"nodes": values_of(further), "base": f"{base}id", "limit": POSITIONS + 1}
        [rows] = await engine.rows([fill(ABOUT_QUERY, **names)])
        graph.add(_quads(rows))
        cut = cut or len(rows) > POSITIONS
    return cut or bool(_named_iris(graph, *kinds) - reached)


async def introduced(engine: Engine, iris: Collection[str]) -> list[Quad]:
    """Return what introduces things where others name them, asked for in one query."""
    [rows] = await engine.rows([fill(INTRODUCTION_QUERY, nodes=values_of(iris))])
    return list(_quads(rows))


def _bearing_on(
    propositions: set[str], quads: Sequence[Quad], graph: Graph, base: str
) -> Iterator[Quad]:
    """Yield what was read of claims, without what they say of anything but these propositions.

    Else a description would name allegations without the positions on them.
    """
    stated = tuple(f"{base}id/{kind}/" for kind in (*PROPOSITIONS, "claimset"))
    claims = {quad.subject for quad in quads}
    for quad in quads:
        value = quad.object.value
        if quad.predicate in (CH + "about", CH + "concerns") and value.startswith(stated):
            if value not in propositions and value not in graph:
                continue
        elif quad.predicate == CH + "respondsTo" and value not in claims and value not in graph:
            continue
        yield quad


async def related(
    engine: Engine, base: str, nodes: Sequence[str], terms: Iterable[str] = ()
) -> Description:
    """Return one description of several nodes, as for a list: labels, status, positions on them.

    Args:
        engine, base: as for `describe`.
        nodes: IRIs of the data, in the order of the list.
        terms: further IRIs whose labels are needed.
    """
    graph = Graph()
    partial = await _complete(engine, graph, "", nodes, base)
    await _add_labels(engine, graph, set(terms))
    return _list(base, nodes, graph, partial)


def _list(
    base: str,
    nodes: Sequence[str],
    graph: Graph,
    partial: bool,
    about: Mapping[str, tuple[str, ...]] | None = None,
) -> Description:
    sections = {"nodes": tuple(nodes)}
    return Description(
        "", base, "list", "", 1, graph, sections, (), False, partial=partial, about=about or {}
    )


async def sketched(
    engine: Engine, base: str, nodes: Sequence[str], others: Iterable[str] = ()
) -> Description:
    """Return what a picture shows of several propositions: labels, time, status, positions on them.

    It is a small part of what `related` gives, for lists of hundreds, and has no graphs.

    Args:
        engine, base: as for `describe`.
        nodes: IRIs of propositions, in the order of the list.
        others: further IRIs whose labels are needed.
    """
    graph = Graph()

    async def add(*queries: str) -> None:
        for rows in await engine.rows(queries):
            graph.add(Quad(row["s"].value, row["p"].value, row["o"], "") for row in rows)

    if nodes:
        await add(*(fill(query, nodes=values_of(nodes)) for query in (SKETCH_QUERY, TIMES_QUERY)))
    inner: set[str] = set()
    for _ in range(_DEEPEST):
        further = _contained(graph, base) - {*nodes, *inner}
        if not further:
            break
        inner |= further
        await add(fill(INNER_QUERY, nodes=values_of(further)))
    same = {iri for node in (*nodes, *inner) for iri in graph.iris(node, "ch:possiblySameAs")}
    known = {*nodes, *same, *engine.terms, *(quad.subject for quad in graph.quads)}
    stances = fill(
        STANCES_QUERY, nodes=values_of({*nodes, *same, *inner}), limit=str(POSITIONS + 1)
    )
    [rows] = await engine.rows([stances]) if nodes else [[]]
    for row in rows:
        claim, answered = row["claim"].value, row.get("answered")
        known.add(claim)
        for predicate, name in (("stance", "stance"), ("claimant", "who")):
            graph.add([Quad(claim, CH + predicate, row[name], "")])
        graph.add(_bearing(claim, answered, row["node"]))
    named = {*_named_iris(graph, f"{base}id/", CH), *others}
    for name in sorted(named):
        graph.add(engine.terms.get(name, ()))
    left = named - known
    for _ in range(ACTS_FOR):
        if left:
            await add(fill(NAMED_QUERY, nodes=values_of(left)))
            known |= left
            left = {side for one in left for side in graph.iris(one, "ch:actsFor")} - known
    cut = bool(_contained(graph, base) - {*nodes, *inner})
    return _list(base, nodes, graph, cut or len(rows) > POSITIONS)


def _contained(graph: Graph, base: str) -> set[str]:
    """Return the propositions that relations in the graph are between and events are about."""
    stated = tuple(f"{base}id/{kind}/" for kind in PROPOSITIONS)
    return {
        quad.object.value
        for quad in graph.quads
        if quad.predicate in _INNER and quad.object.value.startswith(stated)
    }


async def notices(engine: Engine, base: str, page: int) -> tuple[Description, bool]:
    """Return one page of what editors did, the last act first, and whether there is more.

    Args:
        engine, base: as for `describe`.
        page: from 1.
    """
    query = fill(NOTICES_QUERY, limit=str(PAGE + 1), offset=str((page - 1) * PAGE))
    [rows] = await engine.rows([query])
    nodes = [row["node"].value for row in rows]
    return await related(engine, base, nodes[:PAGE]), len(nodes) > PAGE


async def named(engine: Engine, base: str, iris: Sequence[str]) -> Description:
    """Return labels, statuses and speakers of the IRIs: what is needed to name them, no more."""
    graph = Graph()
    await _add_labels(engine, graph, set(iris))
    return _list(base, iris, graph, partial=False)


async def brief(
    engine: Engine, base: str, nodes: Sequence[str], terms: Iterable[str] = ()
) -> Description:
    """Return what `named` does, and who takes which stance on what the nodes are or are about.

    Args:
        engine, base, nodes, terms: as for `related`, which says more and takes longer.
    """
    graph = Graph()
    kinds = {*PROPOSITIONS, *ABOUT, "participation"}
    stated = tuple(f"{base}id/{kind}/" for kind in kinds)
    taken = [node for node in nodes if node.startswith(stated)]
    about: dict[str, dict[str, None]] = {}
    partial = await _add_labels(engine, graph, {*nodes, *terms}, taken, about)
    found = {node: tuple(some) for node, some in about.items()}
    return _list(base, nodes, graph, partial, found)


def _bearing(claim: str, answered: Term | None, proposition: Term) -> Iterator[Quad]:
    """Yield that a claim is about a proposition, or answers one that is."""
    if answered:
        yield Quad(claim, f"{CH}respondsTo", answered, "")
    yield Quad(answered.value if answered else claim, f"{CH}concerns", proposition, "")


def _taken(rows: Iterable[Row], found: dict[str, dict[str, None]]) -> Iterator[Quad]:
    """Yield what TAKEN_QUERY found as statements; add to `found` what each node is about."""
    for row in rows:
        claim, node, about, same = (row[name].value for name in ("c", "n", "p", "same"))
        found.setdefault(node, {})[about] = None
        yield from _bearing(claim, row.get("answered"), row["same"])
        yield Quad(claim, f"{CH}stance", row["stance"], "")
        yield Quad(claim, f"{CH}claimant", row["who"], "")
        if same != about:
            yield Quad(about, f"{CH}possiblySameAs", row["same"], "")


async def _add_labels(
    engine: Engine,
    graph: Graph,
    iris: set[str],
    taken: Sequence[str] = (),
    about: dict[str, dict[str, None]] | None = None,
) -> bool:
    """Add the names of the IRIs and the positions on what was `taken`; return as `_complete`.

    Args:
        about: takes what each of `taken` is about.
    """
    for iri in sorted(iris):
        graph.add(engine.terms.get(iri, ()))
    iris = iris - set(engine.terms)
    if engine.imported:
        iris = _within(iris)
    if not iris:
        return False
    queries = [
        fill(NAMES_QUERY if engine.imported else LABELS_QUERY, nodes=values_of(iris)),
        fill(NAMING_QUERY, nodes=values_of(iris)),
    ]
    if taken:
        queries.append(fill(TAKEN_QUERY, nodes=values_of(taken), limit=str(POSITIONS + 1)))
    labels, claims, *positions = await engine.rows(queries)
    graph.add(_quads(labels))
    graph.add(_quads(claims))
    further = {row["o"].value for row in claims} - iris
    for rows in positions:
        graph.add(_taken(rows, {} if about is None else about))
        further |= {row[name].value for row in rows for name in ("p", "stance", "who")} - iris
    for iri in sorted(further):
        graph.add(engine.terms.get(iri, ()))
    further -= set(engine.terms)
    if further:
        [labels] = await engine.rows([fill(LABELS_QUERY, nodes=values_of(further))])
        graph.add(_quads(labels))
    return any(len(rows) > POSITIONS for rows in positions)


async def resource(
    engine: Engine, base: str, iri: str, *, page: int = 1, graphs: Iterable[str] = ()
) -> Description | None:
    """Return what imported RDF says of an IRI, or None where it is not in it.

    It holds the statements with it as subject and the blank nodes that they lead to, the statements
    that name it, some that have it as property, and the names of everything in these.

    Args:
        engine, base, page, graphs: as for `describe`.
        iri: any IRI, checked.
    Raises:
        QueryFailure: a query took too long or the workers are busy.
    """
    window = {"this": f"<{iri}>", "offset": str((page - 1) * PAGE), "limit": str(PAGE + 1)}
    own, named_by, used, *blank = await engine.rows(
        [
            fill(query, **window)
            for query in (OWN_QUERY, NAMED_BY_QUERY, PROPERTY_QUERY, *BLANK_QUERIES)
        ]
    )
    graph = Graph()
    graph.add(_quads(own[:PAGE]))
    references = []
    for row in named_by[:PAGE]:
        subject, predicate = row["s"].value, row["p"].value
        references.append((subject, predicate))
        graph.add([Quad(subject, predicate, Term(iri), row["g"].value)])
    shown = list(_quads(used[:20]))
    graph.add(shown)
    if not (graph.quads or iri in set(graphs)):
        return None
    for rows in blank:
        graph.add(_quads(rows[:BLANK]))
    await _add_labels(engine, graph, _iris(graph) | {iri})
    sections = {"used": tuple(dict.fromkeys(quad.subject for quad in shown))}
    more = len(own) > PAGE or len(named_by) > PAGE
    cut = len(used) > 20 or any(len(rows) > BLANK for rows in blank)
    found = tuple(dict.fromkeys(references))
    return Description(iri, base, "resource", "", page, graph, sections, found, more, cut)


def _iris(graph: Graph) -> set[str]:
    """Return every IRI in the quads."""
    return {iri for iri in _named_iris(graph, "") if not iri.startswith("_:")}


def _within(iris: set[str]) -> set[str]:
    """Return those IRIs that fit into a query; what is left out is shown without its name."""
    sizes = itertools.accumulate(len(iri) for iri in sorted(iris))
    return {
        iri
        for iri, size in zip(sorted(iris), sizes, strict=True)
        if size < _LONGEST_VALUES and not iri.startswith("_:")
    }


async def terms(engine: Engine, name: str) -> dict[str, list[Quad]]:
    """Return the labels and types of the terms of the ontology, whose graph is `name`."""
    [rows] = await engine.rows([fill(TERMS_QUERY, this=f"<{name}>", namespace=CH)])
    found: dict[str, list[Quad]] = {}
    for quad in _quads(rows):
        found.setdefault(quad.subject, []).append(quad)
    return found


async def vocabulary(engine: Engine, base: str, name: str) -> Description:
    """Return the whole of the vocabulary graph, `name`."""
    graph = Graph()
    [rows] = await engine.rows([fill(VOCABULARY_QUERY, this=f"<{name}>")])
    graph.add(_quads(rows))
    return Description(name, base, "graph", "vocabulary", 1, graph, {}, (), False)


async def term_page(
    engine: Engine, base: str, name: str, iri: str, use: str, page: int
) -> Description:
    """Return what a term of the ontology is, and one page of what uses it.

    It holds the statements of the ontology with the term in them, the things that use it with all
    their statements, the positions on every proposition that these are or are of, and the labels
    of all that is named. The section `uses` has what uses the term.

    Args:
        engine, base: as for `describe`.
        name: the graph of the ontology.
        iri: the term; it is in that graph.
        use: "class", "property", "concept", or nothing where no data uses it.
        page: from 1.
    Raises:
        QueryFailure: a query took too long or the workers are busy.
    """
    window = SORTED_PAGES * USES
    start, offset = divmod((page - 1) * USES, window)
    queries = [fill(TERM_QUERY, this=f"<{iri}>", graph=f"<{name}>")]
    if use:
        places = {"window": window + 1, "start": start * window, "limit": USES + 1}
        queries.append(
            fill(
                USES_QUERY,
                body=fill(_USES[use], this=f"<{iri}>", graph=f"<{name}>"),
                offset=str(offset),
                **{key: str(value) for key, value in places.items()},
            )
        )
    own, *found = await engine.rows(queries)
    graph = Graph()
    graph.add(_quads(own))
    rows = found[0] if found else []
    shown = rows[:USES]
    nodes = list(dict.fromkeys(row["s"].value for row in shown))
    values = [row["o"].value for row in shown if "o" in row and row["o"].is_iri]
    data = sorted(iri for iri in {*nodes, *values} if iri.startswith(f"{base}id/"))
    of = await propositions_of(engine, data)
    partial = await _complete(engine, graph, "", sorted({*nodes, *of}), base)
    sections = {"uses": tuple(nodes)}
    key, more = iri.removeprefix(CH), len(rows) > USES
    return Description(iri, base, "term", key, page, graph, sections, (), more, partial=partial)


async def propositions_of(engine: Engine, iris: Collection[str]) -> list[str]:
    """Return the propositions that claims, sets, assessments, links and participations are of."""
    if not iris:
        return []
    [rows] = await engine.rows([fill(OF_QUERY, nodes=values_of(iris))])
    return [row["node"].value for row in rows]


async def uses(engine: Engine, name: str, terms: Mapping[str, str], most: int) -> dict[str, int]:
    """Return how often each term is used, counted up to `most` + 1.

    Args:
        engine: answers the queries.
        name: the graph of the ontology.
        terms: for each IRI, "class", "property" or "concept".
        most: the highest count that is exact.
    Raises:
        QueryFailure: a query took too long or the workers are busy.
    """
    queries = [
        fill(
            COUNT_QUERY,
            body=fill(_USES[use], this=f"<{iri}>", graph=f"<{name}>"),
            limit=str(most + 1),
        )
        for iri, use in terms.items()
    ]
    answers = await engine.rows(queries) if queries else []
    return {iri: int(rows[0]["n"].value) for iri, rows in zip(terms, answers, strict=True)}


async def reviews(engine: Engine, most: int) -> dict[str, int]:
    """Return how many records are in each state of review, counted up to `most` + 1.

    Raises:
        QueryFailure: a query took too long or the workers are busy.
    """
    states = sorted(iri for iri in engine.terms if iri.startswith(f"{CH}review-state-"))
    body = "?s ch:reviewState <{}>"
    queries = [fill(COUNT_QUERY, body=body.format(iri), limit=str(most + 1)) for iri in states]
    answers = await engine.rows(queries) if queries else []
    return {iri: int(rows[0]["n"].value) for iri, rows in zip(states, answers, strict=True)}


@dataclass(frozen=True)
class Solutions:
    """What a query gave, as terms: solutions, a truth value, or a graph as Turtle."""

    variables: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    truth: bool | None = None
    text: str = ""
    cut: bool = False
    parts: Parts = field(default_factory=dict)
    """What the triple terms in the rows, and those within each other, are made of."""

    @cached_property
    def terms(self) -> frozenset[Term]:
        """Return all terms but triple terms, for which their parts are there."""
        inside = itertools.chain.from_iterable(self.parts.values())
        found = {term for row in self.rows for term in row.values()}.union(inside)
        return frozenset(found.difference(self.parts))

    @cached_property
    def mentioned(self) -> tuple[Term, ...]:
        """Return the distinct IRIs and literals of a graph, in the order in which it has them."""
        return tuple(dict.fromkeys(_terms_in(self.text)))


TRIPLE: Final = "triple"
"""In the place of the datatype of a triple term."""


def triple_term(parts: tuple[Term, Term, Term]) -> Term:
    """Return what stands for a triple term in a row.

    >>> triple_term((Term("a:b"), Term("a:c"), Term("1", False))).value
    '<<( a:b a:c 1 )>>'
    """
    return Term(f"<<( {' '.join(part.value for part in parts)} )>>", False, "", TRIPLE)


_MOST_TEXTS: Final = 8000
_LONGEST_TEXTS: Final = 2_000_000
"""Characters of the texts, and of the IRIs, that are looked up for one result."""
_PART: Final = "(?:[A-Z]?[a-z0-9]+|[A-Z0-9]+)"
_SAYS_NOTHING: Final = re.compile(
    rf"[\W\d_TXYZ]*|(?=.{{1,15}}$){_PART}(?:-{_PART})?"
    r"|[+-]?(?:INF|[\d.]+[eE][+-]?\d+)|-?P[\dYMDTHS.]+|(?i:point)\s*\([\s\d.eE+-]*\)"
)
"""Text that a query may make without saying something: what has no word (but for the letters in
times), one short word or two with a hyphen, a number, a duration, a position."""
_LONGEST_WORD: Final = 15
_UNSPACED: Final = frozenset(
    (
        *("CJK", "HIRAGANA", "KATAKANA", "HALFWIDTH", "BOPOMOFO", "HANGUL", "YI", "THAI", "LAO"),
        *("KHMER", "MYANMAR", "TIBETAN", "TAI"),
    )
)
"""Scripts in which a few letters say a lot or no spaces stand between words: with these words the
names of their letters begin."""
_JOINERS: Final = "\u200c\u200d"
_BETWEEN_TAGS: Final = re.compile(r"[\s,;|/]+")
_VALUES: Final = frozenset(
    (
        EDTF,
        COMMON["geosparql"] + "wktLiteral",
        *(
            XSD + name
            for name in (
                *("boolean", "decimal", "integer", "double", "float", "date", "time", "dateTime"),
                *("dateTimeStamp", "gYear", "gMonth", "gDay", "gYearMonth", "gMonthDay"),
                *("duration", "yearMonthDuration", "dayTimeDuration", "byte", "short", "int"),
                *("long", "unsignedByte", "unsignedShort", "unsignedInt", "unsignedLong"),
                *("positiveInteger", "nonNegativeInteger", "negativeInteger"),
                *("nonPositiveInteger", "hexBinary", "base64Binary"),
            )
        ),
    )
)
"""Datatypes of what is no text."""
_DATATYPES: Final = _VALUES | {
    *(XSD + name for name in ("string", "normalizedString", "token", "language", "anyURI")),
    *(XSD + name for name in ("Name", "NCName", "NMTOKEN")),
    *(RDF + name for name in ("langString", "HTML", "XMLLiteral", "JSON")),
}
"""Datatypes that a query may name although the graph does not."""
_BEARING: Final = tuple(kind for kind in MARKS if kind != "record")
"""Kinds of addresses that are of what somebody may affirm or deny."""
_LOCAL_NAME: Final = re.compile(r"(?=.{1,100}$)[A-Za-z0-9]*[A-Za-z][A-Za-z0-9-]*")
_MOST_KEYS: Final = 1000
"""Texts that are looked up as keys and local names for one result; others are made by a query."""
_MOST_LABELLED: Final = 2000


_MOST_READ: Final = 20_000
"""Triples of a graph, as an answer, in which is looked for what they name."""


async def named_in(engine: Engine, base: str, found: Solutions) -> Description:
    """Return what is needed to show the terms of a result, as `Texts` and by its graph.

    Text that puts into words what somebody may deny is remembered as such, and what stands nowhere
    in the graph as made by the query, so that no table shows either bare. Text without a language
    counts as standing there if it does in some language, the address or the key of something if
    that does. Of which events, relations and claims a text speaks, or is the key, is kept too, for
    the positions on them. Of a graph that is the answer, its texts alone are looked up.
    """
    iris = {term.value for term in found.terms if term.is_iri}
    words = {
        term
        for term in found.terms.union(found.mentioned)
        if not (term.is_iri or (term.datatype in _VALUES and _SAYS_NOTHING.fullmatch(term.value)))
    }
    known = await _known_iris(engine, iris | {term.value for term in words if _addresses(term)})
    # A function takes the language or the datatype from a label, and so do some programs.
    written = {
        text
        for term in words
        for one in (
            term,
            *(() if term.lang else (Term(term.value, False, tag) for tag in engine.languages)),
            *((Term(term.value, False),) if plain_datatype(term) else ()),
        )
        if (text := _literal(one))
    }
    shortest = sorted(written, key=lambda text: (len(text), text))[:_MOST_TEXTS]
    sizes = itertools.accumulate(map(len, shortest))
    texts = [t for t, size in zip(shortest, sizes, strict=True) if size <= _LONGEST_TEXTS]
    worded: dict[str, str] = {}
    labels: frozenset[str] = frozenset()
    bearers: dict[str, tuple[str, ...]] = {}
    standing: set[Term] = set()
    if texts:
        queries = (WORDED_QUERY, LABELLING_QUERY, STANDING_QUERY, BEARERS_QUERY, CALLED_QUERY)
        said, labelling, others, speaking, called = await engine.rows(
            [fill(one, literals=" ".join(texts), limit=_MOST_LABELLED) for one in queries]
        )
        for row in sorted(said, key=lambda row: _AS_SHOWN.get(row["p"].value, 0)):
            worded.setdefault(row["l"].value, row["p"].value)
        for row in called:
            worded.setdefault(row["l"].value, f"{CH}linkObjectLabel")
        labels = frozenset(row["l"].value for row in labelling)
        for row in others:
            standing |= {_like(row["l"]), Term(row["l"].value, False, "", plain_datatype(row["l"]))}
        for text, iri in sorted({(row["l"].value, row["s"].value) for row in (*speaking, *called)}):
            bearers[text] = (*bearers.get(text, ()), iri)
    queried = {term for term in words if _like(term) not in standing}
    named_by: dict[str, tuple[str, ...]] = {}
    if not engine.imported:
        named_by = await _named_by(engine, base, queried)
        named_by |= {term.value: (term.value,) for term in words if term.value in known}
    bearing = tuple(f"{base}id/{kind}/" for kind in _BEARING)
    for text, iris_of in named_by.items():
        if some := [iri for iri in iris_of if iri.startswith(bearing)]:
            worded.setdefault(text, DCTERMS + "identifier")
            bearers[text] = tuple(dict.fromkeys((*bearers.get(text, ()), *some)))
    made = {
        *(Term(iri) for iri in iris - known if not iri.startswith("_:")),
        *(
            term
            for term in queried
            if (term.datatype and term.datatype not in _DATATYPES)
            or not (term.value in named_by or _says_nothing(term.value, engine.languages))
        ),
    }
    ours = {iri for iri in iris & known if engine.imported or iri.startswith((f"{base}id/", CH))}
    ours |= {iri for some in bearers.values() for iri in some}
    of = Texts(
        worded, labels, frozenset() if engine.imported else frozenset(made), bearers, found.parts
    )
    description = await named(engine, base, sorted(ours))
    return Description("", base, "list", "", 1, description.graph, {}, (), False, texts=of)


_AS_SHOWN: Final = {
    CH + name: place for place, name in enumerate(("literalReading", "chosenReading"), 1)
}
"""What is a label too is shown as that."""


def _says_nothing(text: str, languages: Collection[str]) -> bool:
    """Return whether a query may make a text without saying something.

    Args:
        languages: tags that say nothing, alone or several.

    >>> [_says_nothing(text, ("en", "bn")) for text in ("short", "नहीं", "démenti", "en, bn")]
    [True, True, True, True]
    >>> [_says_nothing(text, ("en", "bn")) for text in ("war-in-ukraine", "TourOfSeoul", "a b")]
    [False, False, False]
    """
    if _SAYS_NOTHING.fullmatch(text) or _is_word(text):
        return True
    tags = {tag.lower() for tag in languages}
    return tags.issuperset(_BETWEEN_TAGS.split(text.lower()))


def _is_word(text: str) -> bool:
    """Return whether a text is one short word, in any script.

    Where words stand without spaces between them, it is one or two letters.
    """
    if len(text) > _LONGEST_WORD or text[1:] not in (text[1:].lower(), text[1:].upper()):
        return False
    if not all(c.isalpha() or c in _JOINERS or unicodedata.category(c)[0] == "M" for c in text):
        return False
    scripts = {unicodedata.name(c, "").split(" ")[0] for c in text}
    return len(text) <= 2 or not scripts & _UNSPACED


async def _named_by(engine: Engine, base: str, terms: Iterable[Term]) -> dict[str, tuple[str, ...]]:
    """Return the texts that are the key of a thing or the local name of a term of the graph.

    Each comes with the IRIs that end with it.
    """
    beginnings = (*(f"{base}id/{kind}/" for kind in KINDS), *PREFIXES.values())
    texts = {term.value for term in terms if _LOCAL_NAME.fullmatch(term.value)}
    may = {
        text: [f"{beginning}{text}" for beginning in beginnings]
        for text in sorted(texts, key=lambda text: (len(text), text))[:_MOST_KEYS]
    }
    known = await _known_iris(engine, {iri for iris in may.values() for iri in iris})
    found = {text: tuple(iri for iri in iris if iri in known) for text, iris in may.items()}
    return {text: iris for text, iris in found.items() if iris}


def _like(term: Term) -> Term:
    """Return a literal as all that write the same one are compared."""
    return Term(term.value, False, term.lang.lower(), plain_datatype(term))


def _addresses(term: Term) -> bool:
    """Return whether a literal is written like an IRI."""
    return ":" in term.value and is_iri(term.value)


async def _known_iris(engine: Engine, iris: Collection[str]) -> set[str]:
    """Return those IRIs that stand in the graph; of imported RDF, all of them."""
    if engine.imported:
        return set(iris)
    asked = sorted(
        iri for iri in iris if iri not in engine.terms and not iri.startswith("_:") and is_iri(iri)
    )
    sizes = itertools.accumulate(map(len, asked))
    asked = [iri for iri, size in zip(asked, sizes, strict=True) if size <= _LONGEST_TEXTS]
    known = {iri for iri in iris if iri in engine.terms} | _DATATYPES
    if asked:
        [rows] = await engine.rows([fill(KNOWN_QUERY, nodes=values_of(asked))])
        known |= {row["n"].value for row in rows}
    return known


def numbered(turtle: bytes) -> bytes:
    """Return a Turtle document with numbers for the labels of its blank nodes.

    A query can make labels of anything.
    """
    if b"_:" not in turtle:
        return turtle
    import pyoxigraph as ox

    names: dict[Any, Any] = {}

    def plain(term: Any) -> Any:
        if isinstance(term, ox.BlankNode):
            return names.setdefault(term, ox.BlankNode(str(len(names) + 1)))
        if isinstance(term, ox.Triple):
            return ox.Triple(plain(term.subject), term.predicate, plain(term.object))
        return term

    parser = ox.parse(turtle, format=ox.RdfFormat.TURTLE)
    triples = [ox.Triple(plain(q.subject), q.predicate, plain(q.object)) for q in parser]
    written = ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=dict(parser.prefixes))
    return written or b""


def _terms_in(turtle: str) -> Iterator[Term]:
    """Yield the IRIs and the literals of a graph, wherever they stand, in its order.

    Of a large graph these are those of its first `_MOST_READ` triples.
    """
    if not turtle:
        return
    import pyoxigraph as ox

    for quad in itertools.islice(ox.parse(turtle.encode(), format=ox.RdfFormat.TURTLE), _MOST_READ):
        left = [quad.object, quad.predicate, quad.subject]
        while left:
            term = left.pop()
            if isinstance(term, ox.Triple):
                left += [term.object, term.predicate, term.subject]
            elif isinstance(term, ox.NamedNode):
                yield Term(term.value)
            elif isinstance(term, ox.Literal):
                yield Term(term.value, False, term.language or "", term.datatype.value)
                yield Term(term.datatype.value)


def plain_datatype(term: Term) -> str:
    """Return the datatype of a literal that is no text, else nothing."""
    return "" if term.datatype in ("", XSD + "string", RDF + "langString") else term.datatype


def _literal(term: Term) -> str:
    """Return a literal as a query writes it; nothing if none in a graph is like it."""
    datatype = plain_datatype(term)
    if datatype and not is_iri(datatype):
        return ""
    try:
        return literal(term.value, lang=term.lang, datatype=datatype)
    except ValueError:  # a control character, which a query may make or imported RDF may have
        return ""


def _named_iris(graph: Graph, *beginnings: str) -> set[str]:
    """Return the IRIs in the quads that begin with one of these."""
    found: set[str] = set()
    for quad in graph.quads:
        found.update((quad.subject, quad.predicate, quad.graph))
        if quad.object.is_iri:
            found.add(quad.object.value)
    return {iri for iri in found if iri.startswith(beginnings)}


def fill(template: str, **values: object) -> str:
    """Return a query with values for its names, such as `$this`; other names stay."""
    return re.sub(r"\$([a-z]+)", lambda m: str(values.get(m[1], m[0])), template)


def values_of(iris: Iterable[str]) -> str:
    """Return IRIs as VALUES takes them; blank nodes have no name there."""
    return " ".join(f"<{iri}>" for iri in sorted(iris) if not iri.startswith("_:"))


def _quads(rows: Iterable[Row]) -> Iterator[Quad]:
    for row in rows:
        yield Quad(row["s"].value, row["p"].value, row["o"], row["g"].value)


def _expand(name: str) -> str:
    """Return the IRI of a prefixed name; an IRI stays as it is."""
    prefix, colon, local = name.partition(":")
    return PREFIXES[prefix] + local if colon and prefix in PREFIXES else name


def is_iri(text: str) -> bool:
    """Return whether a text is an absolute IRI, which a query can hold.

    >>> is_iri("https://a.example/b"), is_iri("b"), is_iri("urn:x> ?p ?o")
    (True, False, False)
    """
    import pyoxigraph as ox

    try:
        ox.NamedNode(text)
    except ValueError:
        return False
    return len(text) <= _LONGEST_IRI


def shrink(iri: str) -> str:
    """Return the prefixed name of an IRI where there is one, else the IRI.

    >>> shrink("https://w3id.org/chancery/ontology#claimant")
    'ch:claimant'
    >>> shrink("http://xmlns.com/foaf/0.1/name")
    'foaf:name'
    """
    for prefix, namespace in (*PREFIXES.items(), *COMMON.items()):
        local = iri.removeprefix(namespace)
        if local is not iri and len(local) < len(iri) and re.fullmatch(r"[\w-]+", local):
            return f"{prefix}:{local}"
    return iri


# --- data formats ------------------------------------------------------------------------------

FORMATS: Final[Mapping[str, str]] = {one.name: one.media_type for one in PAGE_FORMATS}
"""Suffix of a document's address, and its media type."""

FORMAT_NAMES: Final[Mapping[str, str]] = {
    "ttl": "Turtle",
    "jsonld": "JSON-LD",
    "trig": "TriG",
    "nt": "N-Triples",
    "nq": "N-Quads",
    "rdf": "RDF/XML",
}


def serialize(
    quads: Sequence[Quad], suffix: str, prefixes: Mapping[str, str], documents: Documents
) -> bytes:
    """Return the quads in one of the data formats; equal quads in equal order give equal bytes.

    Turtle, N-Triples, JSON-LD and RDF/XML hold the distinct triples without graph names; TriG and
    N-Quads keep the graphs.

    Args:
        quads: what to write, in the order to write it.
        suffix: a key of `FORMATS` but `html`.
        prefixes: names of namespaces; only those that are used are declared.
        documents: writes JSON-LD under the context of the release.
    Raises:
        QueryFailure: RDF/XML cannot carry a statement.
    """
    import pyoxigraph as ox

    named, node = _makers()
    if suffix == "jsonld":
        tokens = ((str(named(q.subject)), f"<{q.predicate}>", str(node(q.object))) for q in quads)
        return documents.text(tokens).encode()
    if suffix == "rdf":
        for quad in quads:
            if why := not_in_xml(quad.predicate, "" if quad.object.is_iri else quad.object.value):
                raise QueryFailure(
                    "format",
                    f"RDF/XML cannot carry this: {why}",
                    available=tuple(media for name, media in FORMATS.items() if name != suffix),
                )
    form = {
        "ttl": ox.RdfFormat.TURTLE,
        "nt": ox.RdfFormat.N_TRIPLES,
        "nq": ox.RdfFormat.N_QUADS,
        "trig": ox.RdfFormat.TRIG,
        "rdf": ox.RdfFormat.RDF_XML,
    }[suffix]
    if suffix in ("nq", "trig"):
        statements: list[Any] = [
            ox.Quad(named(q.subject), named(q.predicate), node(q.object), named(q.graph))
            for q in quads
        ]
    else:
        statements = [
            ox.Triple(named(s), named(p), node(o))
            for s, p, o in dict.fromkeys(quad[:3] for quad in quads)
        ]
    names: set[str] = set()
    for quad in quads:
        names.update((quad.subject, quad.predicate, quad.graph))
        if quad.object.is_iri or quad.object.datatype:
            names.add(quad.object.datatype or quad.object.value)
    seen = {iri[: max(iri.rfind("#"), iri.rfind("/")) + 1] for iri in names}
    used: dict[str, str] = {}
    for name, namespace in prefixes.items():
        if namespace in seen and namespace not in used.values():
            used[name] = namespace
    written = ox.serialize(statements, format=form, prefixes=used)
    return written or b""


def _makers() -> tuple[Callable[[str], Any], Callable[[Term], Any]]:
    """Return what makes the nodes and the terms of the engine."""
    import pyoxigraph as ox

    # The same few names stand in most statements; to make one costs more than to look it up.
    @cache
    def named(name: str) -> Any:
        return ox.BlankNode(name[2:]) if name.startswith("_:") else ox.NamedNode(name)

    @cache
    def node(term: Term) -> Any:
        if term.is_iri:
            return named(term.value)
        if term.lang:
            return ox.Literal(term.value, language=term.lang)
        if term.datatype and term.datatype != XSD + "string":
            return ox.Literal(term.value, datatype=ox.NamedNode(term.datatype))
        return ox.Literal(term.value)

    return named, node


def island(triples: Iterable[tuple[str, str, Term]]) -> str:
    """Return triples as JSON-LD that can stand inside of a `script` element of a page.

    It is expanded, so that it needs no context. The form under the context of the release, which
    `serialize` gives, takes ten times as long, and this is written for every page.

    Spec: JSON-LD 1.1, section 7 (Embedding JSON-LD in HTML Documents) and 9.1 (node objects)
    """
    nodes: dict[str, dict[str, Any]] = {}
    for subject, predicate, term in triples:
        node = nodes.get(subject)
        if node is None:
            node = nodes[subject] = {"@id": subject}
        if term.is_iri:
            if predicate == RDF + "type":
                node.setdefault("@type", []).append(term.value)
                continue
            value = {"@id": term.value}
        elif term.lang:
            value = {"@value": term.value, "@language": term.lang}
        elif term.datatype and term.datatype != XSD + "string":
            value = {"@value": term.value, "@type": term.datatype}
        else:
            value = {"@value": term.value}
        node.setdefault(predicate, []).append(value)
    return msgspec.json.encode(list(nodes.values())).decode().replace("<", "\\u003c")


def convert(turtle: bytes, suffix: str, documents: Documents) -> bytes:
    """Return a Turtle document in another of the data formats; equal ones give equal bytes.

    Blank nodes are named by their order, because the parser gives each another name every time.
    JSON-LD is written under the context of the release where the document has no blank nodes.

    Args:
        turtle: the document.
        suffix: a key of `FORMATS` but `html` and `ttl`.
        documents: writes JSON-LD under the context of the release.
    Raises:
        SyntaxError: it is not Turtle.
    """
    import pyoxigraph as ox

    form = {
        "nt": ox.RdfFormat.N_TRIPLES,
        "nq": ox.RdfFormat.N_QUADS,
        "trig": ox.RdfFormat.TRIG,
        "rdf": ox.RdfFormat.RDF_XML,
        "jsonld": ox.RdfFormat.JSON_LD,
    }[suffix]
    names: dict[Any, Any] = {}

    def stable(term: Any) -> Any:
        if isinstance(term, ox.BlankNode):
            return names.setdefault(term, ox.BlankNode(f"b{len(names)}"))
        return term

    parser = ox.parse(turtle, format=ox.RdfFormat.TURTLE)
    triples = [
        ox.Triple(stable(quad.subject), quad.predicate, stable(quad.object)) for quad in parser
    ]
    if suffix == "jsonld":
        terms = {type(term) for triple in triples for term in (triple.subject, triple.object)}
        if terms <= {ox.NamedNode, ox.Literal}:
            tokens = ((str(t.subject), str(t.predicate), str(t.object)) for t in triples)
            return documents.text(tokens).encode()
    used = dict(parser.prefixes) if suffix in ("trig", "rdf") else {}
    written = ox.serialize(triples, format=form, prefixes=used)
    return written or b""
