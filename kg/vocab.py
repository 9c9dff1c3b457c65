"""The namespaces, the IRIs that are minted, and how terms are written in N-Quads.

Everything here is a pure function of its arguments. Data IRIs are `<base>id/<kind>/<key>`; keys
that are derived are 16 lower-case hex digits of SHA-256 over canonical JSON.

Spec: RDF 1.1 N-Quads; RFC 3987 (IRIs); docs/decisions/0001-iri-scheme.md
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from kg.errors import ResourceError

CH: Final = "https://w3id.org/chancery/ontology#"
SHAPES: Final = "https://w3id.org/chancery/shapes#"
RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
XSD: Final = "http://www.w3.org/2001/XMLSchema#"
OWL: Final = "http://www.w3.org/2002/07/owl#"
SKOS: Final = "http://www.w3.org/2004/02/skos/core#"
PROV: Final = "http://www.w3.org/ns/prov#"
DCTERMS: Final = "http://purl.org/dc/terms/"
SCHEMA: Final = "https://schema.org/"
WD: Final = "http://www.wikidata.org/entity/"
EDTF: Final = "http://id.loc.gov/datatypes/edtf/EDTF"
SSSOM: Final = "https://w3id.org/sssom/"

PREFIXES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ch": CH,
        "rdf": RDF,
        "rdfs": RDFS,
        "xsd": XSD,
        "owl": OWL,
        "skos": SKOS,
        "prov": PROV,
        "dcterms": DCTERMS,
        "schema": SCHEMA,
        "wd": WD,
        "sssom": SSSOM,
    }
)
"""The prefixes of the vocabularies: predeclared in queries, used in dumps and on pages."""

FOAF: Final = "http://xmlns.com/foaf/0.1/"
DC: Final = "http://purl.org/dc/elements/1.1/"

COMMON: Final[Mapping[str, str]] = MappingProxyType(
    {
        "foaf": FOAF,
        "dc": DC,
        "dcat": "http://www.w3.org/ns/dcat#",
        "geo": "http://www.w3.org/2003/01/geo/wgs84_pos#",
        "geosparql": "http://www.opengis.net/ont/geosparql#",
        "org": "http://www.w3.org/ns/org#",
        "sdo": "http://schema.org/",
        "sh": "http://www.w3.org/ns/shacl#",
        "vcard": "http://www.w3.org/2006/vcard/ns#",
        "void": "http://rdfs.org/ns/void#",
        "wdt": "http://www.wikidata.org/prop/direct/",
    }
)
"""Prefixes of vocabularies that we do not use and others do: for RDF that was imported."""

NAMES: Final = (
    FOAF + "name",
    SCHEMA + "name",
    "http://schema.org/name",
    DCTERMS + "title",
    DC + "title",
)
"""Properties by which others name things, besides rdfs:label and skos:prefLabel."""

Kind = Literal[
    "agent",
    "place",
    "thing",
    "event",
    "relation",
    "claim",
    "claimset",
    "document",
    "record",
    "span",
    "time",
    "participation",
    "quantity",
    "position",
    "status",
    "graph",
    "run",
    "notice",
]
"""The closed list of kinds in data addresses. A kind is part of a name, never a class."""

MARKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "event": "described",
        "relation": "described",
        "claimset": "described claims",
        "participation": "described role",
        "claim": "claim",
        "status": "assessment of what is described",
        "record": "record",
    }
)
"""What is written before a label, by the kind of what it labels: nothing that somebody may affirm
or deny is said without it."""

ROLES: Final = (
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
"""The roles in an event, which are also the local names of their shortcuts."""

WORDED: Final = frozenset(
    (
        RDFS + "label",
        SKOS + "altLabel",
        DCTERMS + "description",
        CH + "literalReading",
        CH + "chosenReading",
        CH + "quotedWording",
    )
)
"""Properties whose values put into words what their subject describes."""

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NOT_IN_IRI = re.compile('[\x00-\x20<>"{}|^`\\\\]')
_LANGUAGE = re.compile("^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*$")


def described(label: str) -> str:
    """Return the English label of an event or a relation with its mark, for words of the data.

    >>> described("Delivery of radar parts")
    'described: Delivery of radar parts'
    """
    return f"{MARKS['event']}: {label}"


def perhaps_the_same(labels: Iterable[str]) -> str:
    """Return what a link between events is called, by their English labels.

    >>> perhaps_the_same(["Delivery of radar parts", "Shipment of radars"])
    'Perhaps the same event (described: Delivery of radar parts; described: Shipment of radars)'
    """
    return f"Perhaps the same event ({'; '.join(map(described, labels))})"


def digest_key(*fields: object) -> str:
    """Return 16 lower-case hex digits; equal fields give equal keys.

    Args:
        fields: JSON values (strings, integers, None, lists of them), in the order of the identity
            table in docs/decisions/0001-iri-scheme.md.
    Spec: RFC 8785 (canonical JSON) for strings and integers; SHA-256 cut to 64 bits.
    """
    text = json.dumps(list(fields), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def data_iri(base: str, kind: Kind, key: str) -> str:
    """Return the IRI of a thing: `<base>id/<kind>/<key>`."""
    return f"{base}id/{kind}/{key}"


def graph_iri(base: str, key: str) -> str:
    """Return the IRI of a named graph: `<base>id/graph/<key>`."""
    return f"{base}id/graph/{key}"


def term(local: str) -> str:
    """Return the N-Quads form of a term of the ontology, e.g. `Claim` or `stance-denies`."""
    return f"<{CH}{local}>"


def iri(value: str) -> str:
    """Return the N-Quads form of an IRI.

    Raises:
        ValueError: the value holds a character that an IRI cannot hold, or is not absolute.
    Spec: RDF 1.1 N-Quads, IRIREF.
    """
    if _NOT_IN_IRI.search(value) or ":" not in value:
        raise ValueError(f"not an absolute IRI: {value!r}")
    return f"<{value}>"


def literal(text: str, *, lang: str = "", datatype: str = "") -> str:
    """Return the N-Quads form of a literal: canonical escapes only.

    Args:
        text: the lexical form; no control characters but tab, line feed and carriage return.
        lang: a language tag; written in lower case.
        datatype: a datatype IRI; leave out for plain strings.
    Raises:
        ValueError: a control character, or a language tag that is none.
    Spec: RDF 1.1 N-Quads, canonical form.
    """
    if _CONTROL.search(text):
        raise ValueError(f"a control character in {text!r}")
    quoted = f'"{text.translate(_ESCAPES)}"'
    if lang:
        if not _LANGUAGE.match(lang):
            raise ValueError(f"not a language tag: {lang!r}")
        return f"{quoted}@{lang.lower()}"
    return f"{quoted}^^<{datatype}>" if datatype else quoted


def integer(value: int) -> str:
    """Return the N-Quads form of an xsd:integer in canonical form."""
    return f'"{value}"^^<{XSD}integer>'


def decimal(lexical: str) -> str:
    """Return the N-Quads form of a number: xsd:integer without a point, else xsd:decimal.

    Args:
        lexical: digits with an optional sign and a fraction that does not end in 0.
    """
    kind = "decimal" if "." in lexical else "integer"
    return f'"{lexical}"^^<{XSD}{kind}>'


def date(lexical: str) -> str:
    """Return the N-Quads form of an xsd:date, `YYYY-MM-DD`."""
    return f'"{lexical}"^^<{XSD}date>'


def boolean(value: bool) -> str:
    """Return the N-Quads form of an xsd:boolean."""
    return f'"{"true" if value else "false"}"^^<{XSD}boolean>'


def claim_key(document: str, claimants: Sequence[str], target: str, n: int = 1) -> str:
    """Return the key of a claim; the claimants' order does not matter.

    Stance, modality, certainty and evidence are no part of it: a correction keeps the address.

    Args:
        document: key of the document or feed record.
        claimants: keys of the agents.
        target: kind and key of the proposition, claim or claim set, e.g. `event/arrival`.
        n: ordinal among claims with the same fields, from 1.
    """
    return digest_key("claim", document, sorted(set(claimants)), target, n)


class Concept(NamedTuple):
    """A concept of a scheme: its local name, English label, broader ones, and shortcut property."""

    local: str
    label: str
    broader: tuple[str, ...]
    shortcut: str | None


class Vocabulary(NamedTuple):
    """The ontology as the mappings need it.

    `schemes` maps a scheme (`stance`, `event-type`, …) to its concepts by bare key (`denies`);
    `lines` are the ontology's triples as N-Triples without the final ` .`, for the vocabulary
    graph.
    """

    schemes: Mapping[str, Mapping[str, Concept]]
    lines: tuple[str, ...]

    def keys(self) -> dict[str, frozenset[str]]:
        """Return the bare concept keys of every scheme."""
        return {name: frozenset(concepts) for name, concepts in self.schemes.items()}


def load_vocabulary(folder: Path) -> Vocabulary:
    """Return the terms, schemes and triples of the ontology's Turtle files in `folder`.

    A concept belongs to a scheme by `skos:inScheme`; `ch:scheme-stance` is the scheme `stance`.
    A concept's bare key is its `skos:notation`.

    Raises:
        ResourceError: a file is not Turtle, has a blank node, or a concept lacks a notation.
    """
    import pyoxigraph as ox

    triples: set[tuple[str, str, str]] = set()
    by_predicate: dict[str, list[tuple[str, object]]] = {}
    for path in sorted(folder.glob("*.ttl")):
        try:
            quads = list(ox.parse(path=str(path), format=ox.RdfFormat.TURTLE))
        except SyntaxError as e:
            raise ResourceError("the file is not Turtle", where=path.name, seen=str(e)) from None
        for quad in quads:
            if "_:" in (str(quad.subject)[:2], str(quad.object)[:2]):
                raise ResourceError(
                    "a blank node in the ontology", where=path.name, seen=str(quad.subject)
                )
            triples.add((str(quad.subject), str(quad.predicate), str(quad.object)))
            assert isinstance(quad.subject, ox.NamedNode)
            by_predicate.setdefault(quad.predicate.value, []).append(
                (quad.subject.value, quad.object)
            )

    def texts(predicate: str, lang: str | None = None) -> dict[str, str]:
        return {
            s: o.value
            for s, o in by_predicate.get(predicate, [])
            if isinstance(o, ox.Literal) and (lang is None or o.language == lang)
        }

    def targets(predicate: str) -> dict[str, list[str]]:
        out: dict[str, list[str]] = {}
        for s, o in by_predicate.get(predicate, []):
            if isinstance(o, ox.NamedNode):
                out.setdefault(s, []).append(o.value)
        return out

    # PLOVER's categories and our own types are one choice in a facts file.
    names = {
        f"{CH}scheme-type": "event-type",
        f"{CH}scheme-plover": "event-type",
        f"{CH}scheme-relation": "relation-type",
    }
    notations = texts(SKOS + "notation")
    labels = texts(SKOS + "prefLabel", "en")
    broader = targets(SKOS + "broader")
    shortcuts = targets(CH + "shortcut")
    schemes: dict[str, dict[str, Concept]] = {}
    for concept, scheme_iris in sorted(targets(SKOS + "inScheme").items()):
        for scheme in scheme_iris:
            if concept not in notations or concept not in labels:
                raise ResourceError(
                    "a concept lacks a skos:notation or an English label",
                    where="ontology",
                    seen=concept,
                )
            schemes.setdefault(names.get(scheme, scheme.removeprefix(CH + "scheme-")), {})[
                notations[concept]
            ] = Concept(
                concept.removeprefix(CH),
                labels[concept],
                tuple(sorted(b.removeprefix(CH) for b in broader.get(concept, []))),
                shortcuts.get(concept, [""])[0].removeprefix(CH) or None,
            )
    return Vocabulary(schemes, tuple(f"{s} {p} {o}" for s, p, o in sorted(triples)))
