"""What the files of a release take from its ontology: the JSON-LD context, and kinds of classes.

Spec: JSON-LD 1.1, section 4.1
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kg.serialise import LOCAL, TYPE, VOCABULARIES, Prefixes, read_literal, subjects
from kg.vocab import CH, DCTERMS, OWL, PROV, RDF, RDFS, SCHEMA, SKOS, XSD


class Terms:
    """What is to be known of an ontology: its version, its classes and its properties.

    Args:
        triples: `S P O` in N-Triples tokens, sorted by code point.
        blank: whether there may be blank nodes.
    Raises:
        ReleaseError: there is a blank node where there may be none, or a triple term.
    """

    def __init__(self, triples: Iterable[str], *, blank: bool = False) -> None:
        self.version = ""
        self.classes: set[str] = set()
        self.properties: dict[str, str] = {}
        """Property IRI to `@id`, `@language`, a datatype IRI, or nothing where values vary."""
        self._broader: dict[str, set[str]] = {}
        for token, pairs in subjects(triples, blank=blank):
            subject = token[1:-1]
            types = {o[1:-1] for p, o in pairs if p == TYPE}
            ranges = {o[1:-1] for p, o in pairs if p == f"<{RDFS}range>"}
            if subject == CH.rstrip("#"):
                for p, o in pairs:
                    if p == f"<{OWL}versionInfo>":
                        self.version = read_literal(o)[0]
            if OWL + "Class" in types:
                self.classes.add(subject)
                self._broader[subject] = {o[1:-1] for p, o in pairs if p == f"<{RDFS}subClassOf>"}
            if OWL + "ObjectProperty" in types:
                self.properties[subject] = "@id"
            elif OWL + "DatatypeProperty" in types or OWL + "AnnotationProperty" in types:
                only = ranges.pop() if len(ranges) == 1 else ""
                if only in (RDF + "langString", RDFS + "Literal"):  # text, most of it in a language
                    self.properties[subject] = "@language"
                else:
                    self.properties[subject] = "" if only == XSD + "string" else only

    def depth(self, iri: str, seen: frozenset[str] = frozenset()) -> int:
        """Return how many classes stand above this one on the longest way up."""
        above = self._broader.get(iri, set()) - seen
        return max((1 + self.depth(one, seen | {iri}) for one in above), default=0)


_TERMS: Final = {
    "altLabel": (SKOS + "altLabel", "@language"),
    "broader": (SKOS + "broader", "@id"),
    "closeMatch": (SKOS + "closeMatch", "@id"),
    "comment": (RDFS + "comment", "@language"),
    "date": (DCTERMS + "date", ""),
    "definition": (SKOS + "definition", "@language"),
    "deprecated": (OWL + "deprecated", XSD + "boolean"),
    "description": (DCTERMS + "description", "@language"),
    "differentFrom": (OWL + "differentFrom", "@id"),
    "disjointWith": (OWL + "disjointWith", "@id"),
    "domain": (RDFS + "domain", "@id"),
    "exactMatch": (SKOS + "exactMatch", "@id"),
    "example": (SKOS + "example", "@language"),
    "historyNote": (SKOS + "historyNote", "@language"),
    "identifier": (DCTERMS + "identifier", ""),
    "inScheme": (SKOS + "inScheme", "@id"),
    "isDefinedBy": (RDFS + "isDefinedBy", "@id"),
    "issued": (DCTERMS + "issued", ""),
    "label": (RDFS + "label", "@language"),
    "language": (DCTERMS + "language", ""),
    "license": (DCTERMS + "license", "@id"),
    "notation": (SKOS + "notation", ""),
    "prefLabel": (SKOS + "prefLabel", "@language"),
    "publisher": (DCTERMS + "publisher", "@id"),
    "range": (RDFS + "range", "@id"),
    "sameAs": (SCHEMA + "sameAs", "@id"),
    "seeAlso": (RDFS + "seeAlso", "@id"),
    "source": (DCTERMS + "source", "@id"),
    "subClassOf": (RDFS + "subClassOf", "@id"),
    "subPropertyOf": (RDFS + "subPropertyOf", "@id"),
    "title": (DCTERMS + "title", "@language"),
    "topConceptOf": (SKOS + "topConceptOf", "@id"),
    "used": (PROV + "used", "@id"),
    "versionInfo": (OWL + "versionInfo", ""),
    "wasAssociatedWith": (PROV + "wasAssociatedWith", "@id"),
    "wasDerivedFrom": (PROV + "wasDerivedFrom", "@id"),
    "wasGeneratedBy": (PROV + "wasGeneratedBy", "@id"),
}
"""Borrowed properties by their short name; a term of our own with the same name goes first."""


def context_of(base_iri: str, vocabulary: Terms) -> dict[str, object]:
    """Return the JSON-LD context: prefixes, and every term of the ontology by its local name."""
    own = {iri.removeprefix(CH): iri for iri in vocabulary.properties if iri.startswith(CH)}
    # A property goes before a prefix of the same name, as with `edtf`; data needs `kg` and `ch`.
    prefixes = {name: iri for name, iri in VOCABULARIES.items() if name not in own or name == "ch"}
    context: dict[str, object] = {"id": "@id", "type": "@type", "kg": f"{base_iri}id/", **prefixes}
    short = Prefixes(prefixes)
    terms = {name: (iri, vocabulary.properties[iri]) for name, iri in own.items()}
    for name, (iri, coercion) in sorted((_TERMS | terms).items()):
        if LOCAL.fullmatch(name) and name not in context:
            definition = {"@id": short.turtle(f"<{iri}>").strip("<>")}
            if coercion == "@language":
                definition["@container"] = "@language"
            elif coercion:
                definition["@type"] = short.turtle(f"<{coercion}>").strip("<>")
            context[name] = definition
    for iri in sorted(vocabulary.classes):
        name = iri.removeprefix(CH)
        if LOCAL.fullmatch(name) and name not in context:
            context[name] = f"ch:{name}"
    return context
