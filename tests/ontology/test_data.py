"""What the ontology says of its terms holds in the built-in graph: nothing published breaks it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from rdflib import OWL, RDF, RDFS, SKOS, XSD, Graph, Literal, Namespace, URIRef
from rdflib.term import Node

from kg.build import build_dataset

CH = Namespace("https://w3id.org/chancery/ontology#")


@pytest.fixture(scope="module")
def data(root: Path) -> Graph:
    """Return the union of all graphs of a build of the built-in facts, the vocabulary included."""
    built = build_dataset([root / "facts"], "https://chancery.example/")
    assert not built.breaks
    lines = (f"{q.subject} {q.predicate} {q.object} ." for q in built.dataset.store())
    graph = Graph().parse(data="\n".join(lines), format="nt")
    assert (None, RDF.type, CH.Claim) in graph
    return graph


@pytest.fixture(scope="module")
def types(data: Graph, ontology: Graph) -> dict[Node, set[Node]]:
    """Return the classes of each node, their superclasses included."""
    above = {
        c: set(ontology.transitive_objects(c, RDFS.subClassOf))
        for c in ontology.subjects(RDF.type, OWL.Class)
    }
    found: dict[Node, set[Node]] = defaultdict(set)
    for node, klass in data.subject_objects(RDF.type):
        found[node] |= above.get(klass, {klass})
    return found


def test_every_term_of_the_data_is_defined(data: Graph, terms: set[str]) -> None:
    used = {
        str(node).removeprefix(str(CH))
        for triple in data
        for node in triple
        if isinstance(node, URIRef) and str(node).startswith(str(CH))
    }
    assert used <= terms, sorted(used - terms)


def test_domains_and_ranges_hold(
    data: Graph, ontology: Graph, types: dict[Node, set[Node]]
) -> None:
    wrong = set()
    for subject, name, value in data:
        if not str(name).startswith(str(CH)):
            continue
        domain, expected = ontology.value(name, RDFS.domain), ontology.value(name, RDFS.range)
        if domain is not None and domain not in types[subject]:
            wrong.add((str(name), "from", str(subject)))
        if isinstance(value, Literal):
            datatype = value.datatype or (RDF.langString if value.language else XSD.string)
            fits = {datatype, RDFS.Literal} | ({XSD.decimal} if datatype == XSD.integer else set())
            if expected not in fits:
                wrong.add((str(name), "to", value.n3()))
        elif (name, RDF.type, OWL.DatatypeProperty) in ontology:
            wrong.add((str(name), "to no literal", str(value)))
        elif str(expected).startswith(str(CH)) and expected not in types[value]:
            wrong.add((str(name), "to", str(value)))
    assert not wrong, sorted(wrong)[:20]


def test_no_node_is_of_two_disjoint_classes(ontology: Graph, types: dict[Node, set[Node]]) -> None:
    pairs = list(ontology.subject_objects(OWL.disjointWith))
    for node, classes in types.items():
        for one, other in pairs:
            assert not {one, other} <= classes, (node, one, other)


def test_superclasses_are_written_out(data: Graph, ontology: Graph) -> None:
    """No query needs rdfs:subClassOf: an instance has every class of ours that is above its own."""
    for node, klass in data.subject_objects(RDF.type):
        for above in ontology.transitive_objects(klass, RDFS.subClassOf):
            if str(above).startswith(str(CH)):
                assert (node, RDF.type, above) in data, (node, klass, above)


def test_concepts_are_those_of_the_property(data: Graph, ontology: Graph) -> None:
    """A property that takes concepts takes those of its own schemes."""
    for name in ontology.subjects(RDFS.range, SKOS.Concept):
        schemes = set(ontology.subjects(RDFS.seeAlso, name))
        for value in data.objects(None, name):
            inside = set(ontology.objects(value, SKOS.inScheme))
            assert inside & schemes, (name, value)
