"""shapes/ontology-lint.ttl: the ontology passes it, and each constraint has an example that fails.

The examples in `lint/` have the form of the W3C SHACL test suite: data and expected report in one
file. The manifest is taken out before the rest is validated.
"""

from __future__ import annotations

from pathlib import Path

import pyshacl
import pytest
from rdflib import RDF, RDFS, SH, BNode, Graph, Namespace, URIRef
from rdflib.collection import Collection
from rdflib.term import Node

MF = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
SHT = Namespace("http://www.w3.org/ns/shacl-test#")
CASES = sorted((Path(__file__).parent / "lint").glob("*.ttl"))

Result = tuple[object, ...]


@pytest.fixture(scope="session")
def lint(root: Path) -> Graph:
    graph = Graph()
    graph.parse(root / "shapes" / "header.ttl")
    graph.parse(root / "shapes" / "ontology-lint.ttl")
    return graph


def run(data: Graph, shapes: Graph) -> tuple[bool, Graph]:
    conforms, report, _ = pyshacl.validate(data, shacl_graph=shapes, inference="none")
    assert isinstance(report, Graph)
    return conforms, report


def path_text(graph: Graph, node: Node | None) -> str:
    if not isinstance(node, BNode):
        return str(node)
    alternatives = graph.value(node, SH.alternativePath)
    return "|".join(path_text(graph, n) for n in Collection(graph, alternatives))


def results(graph: Graph, report: Node | None) -> list[Result]:
    out = []
    for result in graph.objects(report, SH.result):
        fields = [
            graph.value(result, name)
            for name in (
                SH.focusNode,
                SH.resultSeverity,
                SH.sourceConstraintComponent,
                SH.sourceConstraint,
                SH.sourceShape,
                SH.value,
            )
        ]
        out.append((*fields, path_text(graph, graph.value(result, SH.resultPath))))
    return sorted(out, key=str)


def read_case(path: Path) -> tuple[Graph, Graph, bool, list[Result]]:
    """Return the data, the whole file, and what is expected of the data."""
    whole = Graph().parse(path, format="turtle", publicID=f"file:{path.stem}")
    (entry,) = whole.subjects(RDF.type, SHT.Validate)
    report = whole.value(entry, MF.result)
    conforms = whole.value(report, SH.conforms)
    manifest: set[Node] = {entry, *whole.subjects(RDF.type, MF.Manifest)}
    waiting = list(manifest)
    while waiting:
        for value in whole.objects(waiting.pop()):
            if isinstance(value, BNode) and value not in manifest:
                manifest.add(value)
                waiting.append(value)
    data = Graph()
    for triple in whole:
        if triple[0] not in manifest:
            data.add(triple)
    assert conforms is not None
    return data, whole, bool(conforms.toPython()), results(whole, report)


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_example_gives_exactly_the_expected_report(path: Path, lint: Graph) -> None:
    data, _, conforms, expected = read_case(path)
    found, report = run(data, lint)
    (node,) = report.subjects(RDF.type, SH.ValidationReport)
    assert results(report, node) == expected
    assert found is conforms


def test_example_names_say_what_is_wrong() -> None:
    labels = set()
    for path in CASES:
        _, whole, _, _ = read_case(path)
        (entry,) = whole.subjects(RDF.type, SHT.Validate)
        labels.add(str(whole.value(entry, RDFS.label)))
    assert len(labels) == len(CASES)


def test_every_constraint_has_an_example_that_fails(lint: Graph) -> None:
    components = {
        SH.minCount: SH.MinCountConstraintComponent,
        SH.maxCount: SH.MaxCountConstraintComponent,
        SH.minLength: SH.MinLengthConstraintComponent,
        SH.uniqueLang: SH.UniqueLangConstraintComponent,
        SH.languageIn: SH.LanguageInConstraintComponent,
        SH["in"]: SH.InConstraintComponent,
        SH["class"]: SH.ClassConstraintComponent,
        SH.datatype: SH.DatatypeConstraintComponent,
        SH.nodeKind: SH.NodeKindConstraintComponent,
        SH.pattern: SH.PatternConstraintComponent,
        SH.sparql: SH.SPARQLConstraintComponent,
    }
    structure = {
        RDF.type,
        RDFS.comment,
        SH.message,
        SH.path,
        SH.property,
        SH.severity,
        SH.targetClass,
    }
    declared = set()
    for kind in (SH.NodeShape, SH.PropertyShape):
        for shape in lint.subjects(RDF.type, kind):
            assert isinstance(shape, URIRef)
            for name in set(lint.predicates(shape)):
                assert name in components or name in structure, name
                if name in components:
                    declared.add((components[name], shape))
    failing = {(r[2], r[4]) for path in CASES for r in read_case(path)[3]}
    assert declared == failing


def test_the_ontology_passes(ontology: Graph, uses: Graph, lint: Graph) -> None:
    conforms, report = run(ontology + uses, lint)
    messages = [str(m) for m in report.objects(None, SH.resultMessage)]
    assert conforms, "\n".join(sorted(messages))
