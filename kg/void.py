"""Counts what a release holds, and describes its dumps in the words of VoID and DCAT.

Spec: VoID; DCAT 3; docs/reference/release.md, "VoID and DCAT"
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Final

from kg.dumps import media_types
from kg.identity import ReleaseSettings
from kg.load import Delta
from kg.manifest import FileEntry, GraphEntry, Statistics
from kg.serialise import TYPE, VOCABULARIES, Pairs, Prefixes, document
from kg.sssom import TURTLE_FILE
from kg.vocab import COMMON, SKOS, XSD, literal


class Counts:
    """What there is of each class and property in some graphs, each triple counted once."""

    def __init__(self, base_iri: str) -> None:
        self._data = f"<{base_iri}id/"
        self.triples = 0
        self.subjects = 0
        self.entities = 0
        self.classes: Counter[str] = Counter()
        self.properties: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        """The first thing of each kind."""
        self.lost: set[str] = set()
        """The kinds whose first thing went, so that the next has to be looked for."""

    @classmethod
    def of(cls, base_iri: str, known: Statistics) -> Counts:
        """Return counts that go on from others."""
        out = cls(base_iri)
        out.triples, out.subjects, out.entities = known.triples, known.subjects, known.entities
        out.classes.update(known.classes)
        out.properties.update(known.properties)
        out.examples.update(known.examples)
        return out

    def statistics(self) -> Statistics:
        """Return the counts as a manifest has them."""
        return Statistics(
            triples=self.triples,
            subjects=self.subjects,
            entities=self.entities,
            classes=dict(self.classes),
            properties=dict(self.properties),
            examples=dict(self.examples),
        )

    def change(self, delta: Delta) -> None:
        """Count what came and went."""
        for triples, by in ((delta.removed, -1), (delta.added, 1)):
            self.triples += by * len(triples)
            for _, p, o in triples:
                self.properties[p[1:-1]] += by
                if p == TYPE and o[0] == "<":
                    self.classes[o[1:-1]] += by
        for subjects, by in ((delta.gone, -1), (delta.new, 1)):
            self.subjects += by * len(subjects)
            for subject in subjects:
                if subject.startswith(self._data):
                    self.entities += by
                    kind = self._kind(subject)
                    if by < 0 and self.examples.get(kind) == subject:
                        del self.examples[kind]
                        self.lost.add(kind)
        for subject in delta.new:
            if subject.startswith(self._data):
                self._example(subject)
        self.classes = +self.classes
        self.properties = +self.properties

    def _kind(self, subject: str) -> str:
        return subject[len(self._data) :].partition("/")[0]

    def _example(self, subject: str) -> None:
        kind = self._kind(subject)
        if kind not in self.lost and subject <= self.examples.get(kind, subject):
            self.examples[kind] = subject

    def merge(self, other: Counts) -> None:
        """Count what others counted of other subjects."""
        self.triples += other.triples
        self.subjects += other.subjects
        self.entities += other.entities
        self.classes.update(other.classes)
        self.properties.update(other.properties)
        for subject in other.examples.values():
            self._example(subject)

    def add(self, subject: str, pairs: Pairs) -> None:
        """Count one subject."""
        self.triples += len(pairs)
        self.subjects += 1
        if subject.startswith(self._data):
            self.entities += 1
            self._example(subject)
        for p, o in pairs:
            self.properties[p[1:-1]] += 1
            if p == TYPE and o[0] == "<":
                self.classes[o[1:-1]] += 1


# --------------------------------------------------------------------------------------------------
# VoID and DCAT

_DESCRIPTIONS: Final = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "sd": "http://www.w3.org/ns/sparql-service-description#",
    "spdx": "http://spdx.org/rdf/terms#",
    "void": "http://rdfs.org/ns/void#",
}
_KEY: Final = "a-graph-of-many"
_IRI: Final = "urn:kg:one-of-many"
_LICENCE: Final = "urn:kg:licence-of-one"
_NUMBER: Final = 1_234_567_890_123
"""Stand for what is told of each graph."""
_IANA: Final = "https://www.iana.org/assignments/media-types/"


def describe(
    settings: ReleaseSettings,
    name: str,
    graphs: Sequence[GraphEntry],
    counts: Counts,
    dumps: Sequence[FileEntry],
) -> str:
    """Return the description of the dumps as Turtle, in the words of VoID and DCAT."""
    base = settings.base_iri
    names = Prefixes(VOCABULARIES | _DESCRIPTIONS)
    dataset = f"<{base}dataset>"
    service = f"<{base}sparql>"
    found: list[str] = []

    def say(subject: str, *statements: tuple[str, str]) -> None:
        for prefixed, value in statements:
            prefix, _, local = prefixed.partition(":")
            namespace = (VOCABULARIES | _DESCRIPTIONS)[prefix]
            found.append(f"{subject} <{namespace}{local}> {value}")

    def a(prefixed: str) -> tuple[str, str]:
        prefix, _, local = prefixed.partition(":")
        return "rdf:type", f"<{(VOCABULARIES | _DESCRIPTIONS)[prefix]}{local}>"

    def number(value: int) -> str:
        return literal(str(value), datatype=XSD + "integer")

    def node(fragment: str, iri: str) -> str:
        short = names.turtle(f"<{iri}>")
        if short.startswith("<"):
            short = hashlib.sha256(iri.encode()).hexdigest()[:16]
        return f"<{base}dataset#{fragment}-{short.replace(':', '-')}>"

    def licence_of(graph: GraphEntry) -> str:
        """Return the licence of a graph; those of a feed have that of the feed."""
        found = (one for start, one in settings.licences.items() if graph.key.startswith(start))
        return next(found, settings.licence)

    # What holds graphs under several licences is under all of them, each for its part.
    each = dict.fromkeys([settings.licence, *sorted(set(map(licence_of, graphs)))])
    licence = [("dcterms:license", f"<{one}>") for one in each if one]
    if settings.rights:
        licence.append(("dcterms:rights", literal(settings.rights, lang="en")))
    own = not settings.imported
    say(
        dataset,
        a("void:Dataset"),
        a("dcat:Dataset"),
        ("dcterms:title", literal(settings.title, lang="en" if own else "")),
        *([("dcterms:description", literal(settings.about, lang="en"))] if settings.about else []),
        *licence,
        ("dcterms:identifier", literal(name)),
        ("dcat:version", literal(name)),
        ("void:triples", number(counts.triples)),
        *([("void:entities", number(counts.entities))] if own else []),
        ("void:distinctSubjects", number(counts.subjects)),
        ("void:classes", number(len(counts.classes))),
        ("void:properties", number(len(counts.properties))),
        *([("void:uriSpace", literal(f"{base}id/"))] if own else []),
        ("void:sparqlEndpoint", service),
        ("foaf:homepage", f"<{base}>"),
    )
    if settings.time:
        say(dataset, ("dcterms:issued", literal(settings.time, datatype=XSD + "dateTime")))
    if settings.agent:
        agent = f"<{base}dataset#agent>"
        say(dataset, ("dcterms:publisher", agent))
        say(agent, a("foaf:Agent"), ("foaf:name", literal(settings.agent)))
    used = {iri[: max(iri.rfind("/"), iri.rfind("#")) + 1] for iri in counts.properties}
    used |= {iri[: max(iri.rfind("/"), iri.rfind("#")) + 1] for iri in counts.classes}
    for namespace in {**({} if own else COMMON), **VOCABULARIES}.values():
        if namespace in used:
            say(dataset, ("void:vocabulary", f"<{namespace}>"))
    for kind in ("agent", "claim", "document", "event", "place"):
        if kind in counts.examples:
            say(dataset, ("void:exampleResource", counts.examples[kind]))
    for iri, count in counts.classes.items():
        part = node("class", iri)
        say(dataset, ("void:classPartition", part))
        say(part, ("void:class", f"<{iri}>"), ("void:entities", number(count)))
    for iri, count in counts.properties.items():
        part = node("property", iri)
        say(dataset, ("void:propertyPartition", part))
        say(part, ("void:property", f"<{iri}>"), ("void:triples", number(count)))
    # There may be thousands, all alike: one is written, and the others after it.
    some = f"<{base}dataset#graph-{_KEY}>"
    say(
        some,
        a("void:Dataset"),
        a("sd:NamedGraph"),
        ("dcterms:title", literal(_KEY)),
        ("sd:name", f"<{_IRI}>"),
        ("void:triples", number(_NUMBER)),
        *([("dcterms:license", f"<{_LICENCE}>")] if settings.licence else []),
        *licence[len([one for one in each if one]) :],
    )
    for graph in graphs:
        say(dataset, ("void:subset", f"<{base}dataset#graph-{graph.key}>"))
    matches = counts.properties.get(f"{SKOS}exactMatch")
    if matches and own:  # elsewhere nobody knows what the matches lead to
        linkset = f"<{base}dataset#links-wikidata>"
        say(dataset, ("void:subset", linkset))
        say(
            linkset,
            a("void:Linkset"),
            ("dcterms:title", literal("Links to Wikidata", lang="en")),
            ("void:linkPredicate", f"<{SKOS}exactMatch>"),
            ("void:subjectsTarget", dataset),
            ("void:objectsTarget", "<http://www.wikidata.org/>"),
            ("void:dataDump", f"<{base}download/{name}/{TURTLE_FILE}>"),
            ("void:triples", number(matches)),
        )
    say(
        service,
        a("dcat:DataService"),
        ("dcterms:title", literal(f"SPARQL endpoint of {settings.title}")),
        ("dcat:endpointURL", service),
        ("dcat:servesDataset", dataset),
    )
    for dump in dumps:
        file = dump.path
        # The address of this release's file: what stands at download/current changes.
        address = f"<{base}download/{name}/{file}>"
        checksum = f"<{base}download/{name}/{file}#sha256>"
        plain, packing = media_types(file)
        size = literal(str(dump.bytes), datatype=XSD + "nonNegativeInteger")
        say(dataset, ("dcat:distribution", address), ("void:dataDump", address))
        say(
            address,
            a("dcat:Distribution"),
            ("dcterms:title", literal(file)),
            *licence,
            ("dcat:accessURL", f"<{base}download>"),
            ("dcat:downloadURL", address),
            ("dcat:mediaType", f"<{_IANA}{plain}>"),
            ("dcat:byteSize", size),
            *((("spdx:checksum", checksum),) if dump.sha256 else ()),
        )
        if packing:
            say(address, ("dcat:compressFormat", f"<{_IANA}{packing}>"))
        if not dump.sha256:
            continue
        say(
            checksum,
            a("spdx:Checksum"),
            ("spdx:algorithm", f"<{_DESCRIPTIONS['spdx']}checksumAlgorithm_sha256>"),
            ("spdx:checksumValue", literal(dump.sha256, datatype=XSD + "hexBinary")),
        )
    text = document(dataset, found, VOCABULARIES | _DESCRIPTIONS)
    start = text.index(f"\n{some} ") + 1
    end = text.index("\n\n", start) + 2
    alike = text[start:end]
    blocks = (
        alike.replace(str(_NUMBER), str(graph.quads))
        .replace(f"<{_IRI}>", f"<{graph.iri}>")
        .replace(f"<{_LICENCE}>", f"<{licence_of(graph)}>")
        .replace(_KEY, graph.key)
        for graph in sorted(graphs, key=lambda graph: graph.key)
    )
    return text[:start] + "".join(blocks) + text[end:]
