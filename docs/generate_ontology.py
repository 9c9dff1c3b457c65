"""Writes docs/reference/ontology.md from ontology/*.ttl; with --check, says whether it is current.

The order and the sections are those of the files: a comment "# Classes: …" or "# Properties: …"
begins a section.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from rdflib import DCTERMS, OWL, RDF, RDFS, SKOS, Graph, Literal, Namespace, URIRef
from rdflib.term import Node

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "reference" / "ontology.md"
ONTOLOGY = DOCS.parent / "ontology"

CH = Namespace("https://w3id.org/chancery/ontology#")
_HEADER = URIRef("https://w3id.org/chancery/ontology")
_PREFIXES = {
    str(CH): "ch",
    "http://id.loc.gov/datatypes/edtf/": "edtf",
    "http://purl.org/dc/terms/": "dcterms",
    "http://semanticweb.cs.vu.nl/2009/11/sem/": "sem",
    "http://www.opengis.net/ont/geosparql#": "geo",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://www.w3.org/2000/01/rdf-schema#": "rdfs",
    "http://www.w3.org/2001/XMLSchema#": "xsd",
    "http://www.w3.org/2004/02/skos/core#": "skos",
    "http://www.w3.org/2006/time#": "time",
    "http://www.w3.org/ns/oa#": "oa",
    "http://www.w3.org/ns/org#": "org",
    "http://www.w3.org/ns/prov#": "prov",
    "https://schema.org/": "schema",
    "https://w3id.org/sssom/": "sssom",
}
_LICENCES = {
    "https://creativecommons.org/licenses/by/4.0/": "CC BY 4.0",
    "https://creativecommons.org/licenses/by-sa/4.0/": "CC BY-SA 4.0",
}
_SCHEME_FILES = ("schemes.ttl", "event-types.ttl", "plover.ttl", "relation-types.ttl")
_SUBJECT = re.compile(r"^ch:([A-Za-z0-9-]+) a ")
_SECTION = re.compile(r"^# (Classes|Properties): (.+)$")


def ontology_page() -> str:
    """Return the text of the page; equal files give equal text."""
    graph = Graph()
    for path in sorted(ONTOLOGY.glob("*.ttl")):
        graph.parse(path, format="turtle")
    out = _introduction(graph)
    for line in (ONTOLOGY / "chancery.ttl").read_text(encoding="utf-8").splitlines():
        if section := _SECTION.match(line):
            kind, words = section.groups()
            out += [f"## {kind}: {words}", ""]
        elif subject := _SUBJECT.match(line):
            out += _term(graph, CH[subject[1]])
    for name in _SCHEME_FILES:
        for line in (ONTOLOGY / name).read_text(encoding="utf-8").splitlines():
            subject = _SUBJECT.match(line)
            if subject and subject[1].startswith("scheme-"):
                out += _scheme(graph, CH[subject[1]], name)
    return "\n".join(out)


def _introduction(graph: Graph) -> list[str]:
    def count(kind: Node) -> int:
        return len(set(graph.subjects(RDF.type, kind)))

    properties = sum(
        count(kind) for kind in (OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty)
    )
    licence = _LICENCES[str(graph.value(_HEADER, DCTERMS.license))]
    notes = sorted(str(n) for n in graph.objects(_HEADER, RDFS.comment))
    return [
        "# Ontology",
        "",
        "<!-- Written by docs/generate_ontology.py from ontology/*.ttl; edit those. -->",
        "",
        f"{graph.value(_HEADER, DCTERMS.description)}",
        "",
        f"Version {graph.value(_HEADER, OWL.versionInfo)}, {licence}. "
        f"{graph.value(_HEADER, SKOS.historyNote)}",
        "",
        f"`ch:` is `{CH}`. {' '.join(notes)}",
        "",
        f"{count(OWL.Class)} classes, {properties} properties, {count(SKOS.Concept)} concepts in "
        f"{count(SKOS.ConceptScheme)} schemes. In the examples `ex:` is an invented world.",
        "",
        "Every agent is also typed `ch:Agent` (an organisation of any kind also "
        "`ch:Organization`), every place `ch:Place`, every thing `ch:Thing`, every document "
        "`ch:Source`, every event and relation `ch:Proposition`: no query needs to follow "
        "`rdfs:subClassOf`.",
        "",
    ]


def _term(graph: Graph, term: URIRef) -> list[str]:
    facts = []
    for name in (RDFS.subClassOf, RDFS.subPropertyOf):
        if above := _names(graph, term, name):
            facts.append(f"Under: {above}.")
    if (term, RDF.type, OWL.Class) not in graph:
        start, end = _names(graph, term, RDFS.domain), _names(graph, term, RDFS.range)
        facts.append(f"From {start or 'anything'} to {end or 'anything'}.")
        schemes = sorted(
            f"[{_label(graph, s, 'en')}](#{_anchor(_heading(graph, s))})"
            for s in graph.subjects(RDFS.seeAlso, term)
        )
        if schemes:
            facts.append(f"Concepts: {', '.join(schemes)}.")
    if near := _names(graph, term, SKOS.closeMatch):
        facts.append(f"Near: {near}.")
    out = [
        f"### `{_name(term)}`",
        "",
        _labels(graph, term),
        "",
        str(graph.value(term, SKOS.definition)),
        *facts,
        "",
    ]
    for example in sorted(str(e) for e in graph.objects(term, SKOS.example)):
        out += ["```turtle", *_lines(example), "```", ""]
    return out


def _lines(turtle: str) -> list[str]:
    """Return an example with one sentence a line, a long one broken after its semicolons."""
    lines: list[str] = []
    for sentence in re.split(r"(?<= \.) (?=\S)", turtle):
        long = len(sentence) > 100
        lines += sentence.replace(" ; ", " ;\n    ").split("\n") if long else [sentence]
    return lines


def _scheme(graph: Graph, scheme: URIRef, file: str) -> list[str]:
    licence = _LICENCES[str(graph.value(scheme, DCTERMS.license))]
    prefix = str(scheme).removeprefix(f"{CH}scheme-")
    properties = ", ".join(sorted(f"`{_name(p)}`" for p in graph.objects(scheme, RDFS.seeAlso)))
    out = [
        f"## {_heading(graph, scheme)}",
        "",
        _labels(graph, scheme),
        "",
        f"{graph.value(scheme, SKOS.definition)}",
        f"Values of {properties}; its concepts are `ch:{prefix}-…`. {licence}, `ontology/{file}`.",
        "",
        f"Example: {graph.value(scheme, SKOS.example)}",
        "",
        "| key | English | বাংলা | हिन्दी | definition | example |",
        "|---|---|---|---|---|---|",
    ]
    text = (ONTOLOGY / file).read_text(encoding="utf-8")
    for local in re.findall(r"^ch:([a-z0-9-]+) a skos:Concept ", text, re.MULTILINE):
        concept = CH[local]
        if (concept, SKOS.inScheme, scheme) not in graph:
            continue
        definition = str(graph.value(concept, SKOS.definition))
        if broader := _names(graph, concept, SKOS.broader):
            definition += f" Broader: {broader}."
        if shortcut := _names(graph, concept, CH.shortcut):
            definition += f" Shortcut: {shortcut}."
        cells = [
            f"`{graph.value(concept, SKOS.notation)}`",
            *(_label(graph, concept, lang) for lang in ("en", "bn", "hi")),
            definition,
            str(graph.value(concept, SKOS.example)),
        ]
        out.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return [*out, ""]


def _heading(graph: Graph, scheme: Node) -> str:
    return f"Concepts: {_label(graph, scheme, 'en')}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def _label(graph: Graph, term: Node, lang: str) -> str:
    labels = (o for o in graph.objects(term, SKOS.prefLabel) if isinstance(o, Literal))
    return next(str(o) for o in labels if o.language == lang)


def _labels(graph: Graph, term: Node) -> str:
    bold, *others = (_label(graph, term, lang) for lang in ("en", "bn", "hi"))
    return " · ".join([f"**{bold}**", *others])


def _names(graph: Graph, term: URIRef, name: URIRef) -> str:
    return ", ".join(sorted(f"`{_name(o)}`" for o in graph.objects(term, name)))


def _name(node: Node) -> str:
    """Return the prefixed form of an IRI."""
    text = str(node)
    space = max((ns for ns in _PREFIXES if text.startswith(ns)), key=len)
    return f"{_PREFIXES[space]}:{text.removeprefix(space)}"


def main(arguments: list[str]) -> int:
    """Write the page and return 0; with --check write nothing and return 1 if it is stale."""
    if arguments not in ([], ["--check"]):
        print("usage: python docs/generate_ontology.py [--check]", file=sys.stderr)
        return 2
    text = ontology_page().encode()
    if PAGE.is_file() and PAGE.read_bytes() == text:
        return 0
    if arguments:
        print(
            "docs/reference/ontology.md is not current; run python docs/generate_ontology.py",
            file=sys.stderr,
        )
        return 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_bytes(text)
    print("docs/reference/ontology.md written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
