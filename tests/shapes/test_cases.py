"""Every constraint has an example that passes and one that fails for exactly this constraint.

The files in `cases/` have the form of the W3C's SHACL test suite: manifest, entries, and the
expected report. The data graph of an entry is `base.ttl` without the triples in `case:remove` and
with those in `case:add`, two texts of Turtle whose prefixes are those of `base.ttl`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pyoxigraph as ox
import pytest

from kg.validate import (
    SH,
    WHOLE_GRAPH,
    Report,
    Shapes,
    data_shapes,
    load_shapes,
    validate,
    validate_files,
)
from kg.vocab import CH, RDF, RDFS, SHAPES, SKOS

HERE = Path(__file__).resolve().parent
CASE = "https://w3id.org/chancery/tests#"
MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
SHT = "http://www.w3.org/ns/shacl-test#"
TURTLE = ox.RdfFormat.TURTLE

Found = tuple[str, str, str, str, str, str, str]
"""Focus node, path, value, severity, component, source shape, source constraint."""


class Entry(NamedTuple):
    """One entry of a manifest."""

    file: str
    name: str
    remove: str
    add: str
    conforms: bool
    results: frozenset[Found]

    @property
    def id(self) -> str:
        return f"{self.file}#{self.name}"


class Triples:
    """The triples of a file, by subject and predicate."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._by: dict[tuple[Any, str], list[Any]] = {}
        for q in ox.parse(path.read_bytes(), format=TURTLE, base_iri=path.as_uri()):
            self._by.setdefault((q.subject, q.predicate.value), []).append(q.object)

    def all(self, subject: Any, predicate: str) -> list[Any]:
        return self._by.get((subject, predicate), [])

    def one(self, subject: Any, predicate: str) -> Any:
        values = self.all(subject, predicate)
        assert len(values) <= 1, (self.path.name, predicate)
        return values[0] if values else None

    def items(self, head: Any) -> Iterator[Any]:
        while str(head) != f"<{RDF}nil>":
            yield self.one(head, RDF + "first")
            head = self.one(head, RDF + "rest")

    def path_text(self, node: Any) -> str:
        """Return an IRI as it is, any other path as SPARQL writes it."""
        if node is None:
            return ""
        if isinstance(node, ox.NamedNode):
            return node.value
        inverse = self.one(node, SH + "inversePath")
        if inverse is not None:
            return f"^{inverse}"
        options = self.one(node, SH + "alternativePath")
        steps, between = (options, "|") if options is not None else (node, "/")
        return "(" + between.join(map(str, self.items(steps))) + ")"


def text(term: Any) -> str:
    """Return a term as results write it: IRIs bare, literals as N-Triples."""
    if term is None:
        return ""
    return term.value if isinstance(term, ox.NamedNode) else str(term)


@cache
def shapes() -> Shapes:
    return load_shapes(data_shapes())


@cache
def base() -> tuple[str, frozenset[Any]]:
    """Return the prefix lines of the base graph, and its triples."""
    source = (HERE / "base.ttl").read_text(encoding="utf-8")
    prefixes = "".join(re.findall(r"^@prefix .*\n", source, re.MULTILINE))
    prefixes += (
        "@prefix dcat: <http://www.w3.org/ns/dcat#> .\n"
        "@prefix spdx: <http://spdx.org/rdf/terms#> .\n"
        "@prefix void: <http://rdfs.org/ns/void#> .\n"
    )
    return prefixes, frozenset(ox.parse(source, format=TURTLE))


def data(entry: Entry) -> list[str]:
    """Return the data graph of an entry as lines."""
    prefixes, triples = base()
    removed = frozenset(ox.parse(prefixes + entry.remove, format=TURTLE))
    added = frozenset(ox.parse(prefixes + entry.add, format=TURTLE))
    assert removed <= triples, f"not in base.ttl: {removed - triples}"
    assert not added & triples, f"in base.ttl already: {added & triples}"
    return [f"{q} .\n" for q in (triples - removed) | added]


def read_entries(path: Path) -> list[Entry]:
    t = Triples(path)
    manifest = ox.NamedNode(path.as_uri())
    out = []
    for node in t.items(t.one(manifest, MF + "entries")):
        action, result = t.one(node, MF + "action"), t.one(node, MF + "result")
        assert t.one(action, SHT + "dataGraph").value == (HERE / "base.ttl").as_uri()
        found = []
        for r in t.all(result, SH + "result"):
            found.append(
                (
                    text(t.one(r, SH + "focusNode")),
                    t.path_text(t.one(r, SH + "resultPath")),
                    text(t.one(r, SH + "value")),
                    text(t.one(r, SH + "resultSeverity")),
                    text(t.one(r, SH + "sourceConstraintComponent")),
                    text(t.one(r, SH + "sourceShape")),
                    text(t.one(r, SH + "sourceConstraint")),
                )
            )
        out.append(
            Entry(
                path.stem,
                node.value.rpartition("#")[2],
                t.one(action, CASE + "remove").value if t.one(action, CASE + "remove") else "",
                t.one(action, CASE + "add").value if t.one(action, CASE + "add") else "",
                t.one(result, SH + "conforms").value == "true",
                frozenset(found),
            )
        )
    return out


ENTRIES = [e for path in sorted((HERE / "cases").glob("*.ttl")) for e in read_entries(path)]


def found(report: Report) -> frozenset[Found]:
    return frozenset(
        (r.focus, r.path, r.value, r.severity, r.component, r.shape, r.constraint)
        for r in report.results
    )


@cache
def base_report() -> Report:
    return validate([f"{q} .\n" for q in base()[1]], shapes())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.id)
def test_case(entry: Entry) -> None:
    changed = entry.remove or entry.add
    report = validate(data(entry), shapes()) if changed else base_report()
    assert found(report) == entry.results
    assert report.conforms == entry.conforms


def test_dispute_of_a_possibly_same_relation_counts() -> None:
    """A plain triple falls with what is possibly the same; this cannot be had without a link."""
    prefixes, triples = base()
    same = (
        "relation:1000000000000001 ch:possiblySameAs relation:1000000000000003 ."
        "relation:1000000000000003 ch:possiblySameAs relation:1000000000000001 ."
    )
    more = ox.parse(prefixes + same, format=TURTLE)
    report = validate([f"{q} .\n" for q in [*triples, *more]], shapes())
    assert SHAPES + "Undisputed" in {r.shape for r in report.results}


# --- what the cases cover ---------------------------------------------------------------------

COMPONENTS = {
    "class": "Class",
    "datatype": "Datatype",
    "disjoint": "Disjoint",
    "equals": "Equals",
    "in": "In",
    "lessThan": "LessThan",
    "lessThanOrEquals": "LessThanOrEquals",
    "maxCount": "MaxCount",
    "maxInclusive": "MaxInclusive",
    "maxLength": "MaxLength",
    "minCount": "MinCount",
    "minInclusive": "MinInclusive",
    "minLength": "MinLength",
    "nodeKind": "NodeKind",
    "not": "Not",
    "or": "Or",
    "pattern": "Pattern",
    "qualifiedMaxCount": "QualifiedMaxCount",
    "qualifiedMinCount": "QualifiedMinCount",
    "sparql": "SPARQL",
    "uniqueLang": "UniqueLang",
    "xone": "Xone",
}
NOT_CONSTRAINTS = {
    "deactivated",
    "message",
    "path",
    "property",
    "qualifiedValueShape",
    "severity",
    "targetClass",
    "targetNode",
    "targetObjectsOf",
    "targetSubjectsOf",
}
TARGETS = ("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf")


def checking_shapes() -> list[Any]:
    """Return the shapes that have targets of their own or by sh:property, sorted."""
    from rdflib import URIRef

    graph = shapes().graph
    out = {s for t in TARGETS for s in graph.subjects(URIRef(SH + t), None)}
    out |= {p for s in out for p in graph.objects(s, URIRef(SH + "property"))}
    return sorted(out)


def constraints() -> set[tuple[str, str, str]]:
    """Return source shape, component and SPARQL constraint of every constraint."""
    out = set()
    for shape in checking_shapes():
        for p, o in shapes().graph.predicate_objects(shape):
            name = str(p).removeprefix(SH)
            if not str(p).startswith(SH) or name in NOT_CONSTRAINTS:
                continue
            component = f"{SH}{COMPONENTS[name]}ConstraintComponent"
            out.add((str(shape), component, str(o) if name == "sparql" else ""))
    return out


def test_every_constraint_fails_alone() -> None:
    """For each constraint there is an entry in which it alone fails."""
    alone = set()
    for entry in ENTRIES:
        failed = {(r[5], r[4], r[6]) for r in entry.results}
        if len(failed) == 1:
            alone |= failed
    assert constraints() - alone == set()
    assert alone - constraints() == set()


def test_every_entry_is_about_the_shape_of_its_file() -> None:
    for entry in ENTRIES:
        assert {r[5] for r in entry.results} <= {SHAPES + entry.file}, entry.id
        assert entry.conforms == (not entry.results), entry.id


def test_every_shape_has_a_passing_entry() -> None:
    passing = {SHAPES + e.file for e in ENTRIES if e.conforms}
    assert {shape for shape, _, _ in constraints()} == passing


def test_no_pass_is_empty() -> None:
    """In the base graph every property shape has a focus node, and a value if values can fail."""
    from rdflib import RDF as R
    from rdflib import Graph, URIRef

    graph = Graph()
    graph.parse(HERE / "base.ttl")
    s = shapes().graph
    for shape in checking_shapes():
        owners = {shape, *s.subjects(URIRef(SH + "property"), shape)}
        focus: set[Any] = set()
        for owner in owners:
            for c in s.objects(owner, URIRef(SH + "targetClass")):
                focus |= set(graph.subjects(R.type, c))
            for p in s.objects(owner, URIRef(SH + "targetSubjectsOf")):
                focus |= set(graph.subjects(p, None))
            focus |= set(s.objects(owner, URIRef(SH + "targetNode")))
        names = {str(p).removeprefix(SH) for p in s.predicates(shape, None)} & COMPONENTS.keys()
        if not names:
            continue  # it only lists property shapes
        banned = any(int(str(m)) == 0 for m in s.objects(shape, URIRef(SH + "maxCount")))
        subjects_of = [t for o in owners for t in s.objects(o, URIRef(SH + "targetSubjectsOf"))]
        if banned and subjects_of and not focus:
            continue  # what is banned has no place in a graph that conforms
        assert focus, shape
        path: Any = s.value(shape, URIRef(SH + "path"))
        if path is None or names <= {"minCount", "maxCount"}:
            continue
        inverse = s.value(path, URIRef(SH + "inversePath"))
        alternatives = s.value(path, URIRef(SH + "alternativePath"))
        if inverse is not None:
            assert any((None, inverse, f) in graph for f in focus), shape
            continue
        options = list(s.items(alternatives)) if alternatives is not None else [path]
        if (path, R.first, None) in s:
            options = [s.value(path, R.first)]  # a sequence: its first step has a value
        assert any((f, o, None) in graph for f in focus for o in options), shape


# --- the shapes themselves --------------------------------------------------------------------


def test_every_shape_is_compiled() -> None:
    """None is left to pyshacl, and no query to Oxigraph."""
    from kg.shacl import Sparql
    from kg.solve import is_supported

    assert not shapes().recursive
    queries = [
        c.value.query
        for top in shapes().units
        for unit in top.every()
        for c in unit.shape.constraints
        if isinstance(c.value, Sparql)
    ]
    assert len(queries) > 40
    assert all(map(is_supported, queries))


def test_shapes_are_well_formed() -> None:
    """The shapes conform to the shapes of shapes (SHACL, appendix C), as pyshacl has them."""
    from importlib.resources import as_file, files

    with as_file(files("pyshacl") / "assets" / "shacl-shacl.ttl") as rules:
        report = validate_files(data_shapes(), load_shapes([rules]))
    assert report.conforms, report.to_table()


def test_every_constraint_says_what_to_do() -> None:
    """Each has a message, a severity and an address."""
    from rdflib import URIRef

    graph = shapes().graph
    for shape, component, sparql in constraints():
        assert shape.startswith(SHAPES)
        carrier = URIRef(sparql or shape)
        messages = list(graph.objects(carrier, URIRef(SH + "message")))
        assert len(messages) == 1, (shape, component)
        assert messages[0].language == "en"
        assert messages[0].strip().endswith((".", "?"))
        assert len(list(graph.objects(URIRef(shape), URIRef(SH + "severity")))) == 1, shape


def test_blank_nodes_are_paths_and_lists_only() -> None:
    from rdflib import BNode

    allowed = {SH + "inversePath", SH + "alternativePath", RDF + "first", RDF + "rest"}
    for s, p, _ in shapes().graph:
        if isinstance(s, BNode):
            assert str(p) in allowed


def test_constraints_over_the_whole_graph_run_once() -> None:
    """A SPARQL constraint has one focus node, and its query does not depend on it."""
    from rdflib import URIRef

    graph = shapes().graph
    for shape, constraint in graph.subject_objects(URIRef(SH + "sparql")):
        assert [str(o) for o in graph.objects(shape, URIRef(SH + "targetNode"))] == [WHOLE_GRAPH]
        query = str(graph.value(constraint, URIRef(SH + "select")))
        assert re.findall(r"[$?](?:this|PATH|currentShape|shapesGraph)\b", query) == ["$this"]


def test_closed_lists_are_the_schemes_of_the_ontology() -> None:
    """What `sh:in` lists is what the ontology has, but for broader concepts that nobody uses."""
    from rdflib import BNode, Graph, URIRef

    ontology = Graph()
    for path in sorted((HERE.parent.parent / "ontology").glob("*.ttl")):
        ontology.parse(path)
    in_scheme = URIRef(SKOS + "inScheme")
    checked = 0
    for shape, head in shapes().graph.subject_objects(URIRef(SH + "in")):
        if isinstance(shapes().graph.value(shape, URIRef(SH + "path")), BNode):
            continue  # what a plain triple rests on: a choice of the scheme
        members = set(shapes().graph.items(head))
        if not all(str(m).startswith(CH) for m in members):
            continue
        schemes = {o for m in members for o in ontology.objects(m, in_scheme)}
        assert len(schemes) == 1, sorted(map(str, members))[:1]
        concepts = set(ontology.subjects(in_scheme, schemes.pop()))
        broader = {o for c in concepts for o in ontology.objects(c, URIRef(SKOS + "broader"))}
        assert members == concepts - broader
        checked += 1
    assert checked >= 15


def test_base_graph_uses_the_ontology_as_it_is() -> None:
    """The part of the ontology that stands in `base.ttl` stands in `ontology/` too."""
    from rdflib import Graph, URIRef

    ontology = Graph()
    for path in sorted((HERE.parent.parent / "ontology").glob("*.ttl")):
        ontology.parse(path)
    graph = Graph()
    graph.parse(HERE / "base.ttl")
    for s, p, o in graph:
        if str(s).startswith(CH):
            assert (s, p, o) in ontology, (s, p, o)
        elif str(p).startswith(CH):
            assert (p, URIRef(RDFS + "label"), None) in ontology, p
        for term in (p, o):
            if str(term).startswith(CH):
                assert (term, None, None) in ontology, term


def test_fast_way_equals_the_reference() -> None:
    """Moved targets and plain queries on Oxigraph give what pyshacl on rdflib gives.

    Many failing changes are made at once, so that most constraints have results.
    """
    prefixes, triples = base()
    removed: set[Any] = set()
    added: set[Any] = set()
    for entry in ENTRIES:
        if entry.conforms or entry.file in ("LiteralForm", "NoBlankNodes"):
            continue
        less = set(ox.parse(prefixes + entry.remove, format=TURTLE))
        more = set(ox.parse(prefixes + entry.add, format=TURTLE))
        if entry.file.endswith("Address") or less & added or more & removed:
            continue
        removed |= less
        added |= more
    lines = [f"{q} .\n" for q in (triples - removed) | added]
    fast = validate(lines, shapes())
    slow = validate(lines, Shapes(shapes().terms, reference=True))
    assert found(fast) == found(slow)
    assert len({r.shape for r in fast.results}) > 120
