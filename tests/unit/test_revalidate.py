"""kg.revalidate: documents that come, change and go; what random edits seldom meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from kg.errors import FactError, KgErrors, ShapesError
from kg.revalidate import Validation
from kg.validate import Shapes, load_shapes, validate_files

X = "https://x.example/"
PREFIXES = f"""
@prefix : <{X}> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"


def shapes_of(folder: Path, text: str) -> Shapes:
    (folder / "shapes.ttl").write_text(PREFIXES + text)
    return load_shapes([folder / "shapes.ttl"])


def line(s: str, p: str, o: str) -> str:
    value = o if o.startswith(('"', "_:", "<")) else f"<{X}{o}>"
    subject = s if s.startswith("_:") else f"<{X}{s}>"
    return f"{subject} {p if p.startswith('<') else f'<{X}{p}>'} {value} .\n"


def scratch(shapes: Shapes, documents: dict[str, list[str]]) -> Validation:
    graph = Validation(shapes)
    graph.load(documents)
    return graph


NAMED = """
:S a sh:NodeShape ; sh:targetClass :Thing ; sh:property :P .
:P sh:path :name ; sh:minCount 1 ; sh:maxCount 1 .
"""


def test_a_triple_of_two_documents_stays_until_the_last_is_gone(tmp_path: Path) -> None:
    graph = Validation(shapes_of(tmp_path, NAMED))
    name = line("a", "name", '"A"')
    graph.load({"x": [line("a", TYPE, "Thing"), name, name], "y": [name]})
    assert graph.report().conforms
    graph.replace("x", [line("a", TYPE, "Thing")])
    assert graph.report().conforms
    graph.replace("y", [])
    assert [r.shape for r in graph.report().results] == [X + "P"]
    graph.replace("z", [name])
    assert graph.report().conforms


def test_what_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    graph = Validation(shapes_of(tmp_path, NAMED))
    graph.load({"x": [line("a", TYPE, "Thing")]})
    before = graph.report()
    with pytest.raises(FactError):
        graph.replace("x", ["no quads\n"])
    assert graph.report() == before


def test_a_changed_tree_of_classes_concerns_all(tmp_path: Path) -> None:
    graph = Validation(shapes_of(tmp_path, NAMED))
    graph.load({"x": [line("a", TYPE, "Part")]})
    assert graph.report().conforms
    subclass = "<http://www.w3.org/2000/01/rdf-schema#subClassOf>"
    graph.replace("classes", [line("Part", subclass, "Thing")])
    assert [r.focus for r in graph.report().results] == [X + "a"]
    graph.replace("classes", [])
    assert graph.report().conforms


SPARQL_WITHIN = """
:S a sh:NodeShape ; sh:targetSubjectsOf :p ; sh:property :P .
:P sh:path :p ; sh:property :Q .
:Q sh:path :q ; sh:maxCount 0 ; sh:sparql :Q-query .
:Q-query sh:select "SELECT $this ?value WHERE { $this <https://x.example/q> ?value }" .
"""


def test_results_stand_as_often_as_their_node_is_reached(tmp_path: Path) -> None:
    shapes = shapes_of(tmp_path, SPARQL_WITHIN)
    documents = {"x": [line("a", "p", "v"), line("v", "q", '"1"')]}
    graph = scratch(shapes, documents)
    for name, lines in (("y", [line("b", "p", "v")]), ("z", [line("v", "q", '"2"')]), ("y", [])):
        documents[name] = lines
        graph.replace(name, lines)
        assert graph.report() == scratch(shapes, documents).report()
    documents["y"] = [line("b", "p", "v")]
    graph.replace("y", documents["y"])
    assert len(graph.report().results) == 6  # two values by SPARQL and a count, each reached twice


FAILING = """
:A a sh:NodeShape ; sh:targetSubjectsOf :p ; sh:sparql :A-query .
:A-query sh:select '''SELECT $this ?value ?failure WHERE {
    $this <https://x.example/p> ?value . BIND (true AS ?failure)
    $this <https://x.example/q> 1 }''' .
:B a sh:NodeShape ; sh:targetSubjectsOf :p ; sh:property :C .
:C sh:path :q ; sh:minCount 1 .
"""


def test_after_a_failure_the_report_is_made_anew(tmp_path: Path) -> None:
    shapes = shapes_of(tmp_path, FAILING)
    graph = Validation(shapes)
    one = '"1"^^<http://www.w3.org/2001/XMLSchema#integer>'
    graph.load({"x": [line("a", "p", "v")]})
    with pytest.raises(ShapesError, match="reports a failure"):
        graph.replace("y", [line("a", "q", one), line("b", "p", one)])
    with pytest.raises(ShapesError, match="reports a failure"):
        graph.report()
    graph.replace("x", [])
    documents = {"y": [line("a", "q", one), line("b", "p", one)]}
    assert graph.report() == scratch(shapes, documents).report()
    assert [r.focus for r in graph.report().results] == [X + "b"]


def test_files_are_documents(tmp_path: Path) -> None:
    shapes = shapes_of(tmp_path, NAMED)
    a, b = tmp_path / "a b.ttl", tmp_path / "b.nt"
    a.write_text(PREFIXES + "[] a :Thing .")
    b.write_text(line("b", TYPE, "Thing"))
    graph = Validation(shapes)
    graph.load_files([a, b, a])
    report = graph.report(of_files=True)
    assert {r.origin for r in report.results} == {str(a), f"{b}:1"}
    assert {r.focus for r in report.results} == {"_:d0-b0", X + "b"}
    a.write_text("")
    graph.replace_file(a)
    assert [r.origin for r in graph.report(of_files=True).results] == [f"{b}:1"]
    with pytest.raises(KgErrors):
        graph.load_files([tmp_path / "none.ttl", tmp_path / "none.nt"])


RECURSIVE = """
:S a sh:NodeShape ; sh:targetClass :Thing ; sh:property :P .
:P sh:path :part ; sh:node :S ; sh:maxCount 1 .
"""


def test_what_only_pyshacl_can_check_is_checked_at_each_report(tmp_path: Path) -> None:
    graph = Validation(shapes_of(tmp_path, RECURSIVE))
    graph.load({"x": [line("a", TYPE, "Thing"), line("a", "part", "b"), line("a", "part", "c")]})
    assert len(graph.report().results) == 1
    graph.replace("x", [line("a", TYPE, "Thing"), line("a", "part", "b")])
    assert graph.report().conforms


def test_what_pyshacl_checks_is_not_checked_here_too(tmp_path: Path) -> None:
    """One query is solved, one within is for Oxigraph, which would rewrite what it looks at."""
    shapes = shapes_of(
        tmp_path,
        f""":S a sh:NodeShape ; sh:targetSubjectsOf :p ;
            sh:sparql [ sh:select "SELECT $this WHERE {{ $this <{X}p> ?x }}" ] ;
            sh:property [ sh:path :q ; sh:sparql [ sh:select
                "SELECT $this WHERE {{ $this <{X}r> ?x FILTER (SHA1(STR(?x)) = '') }}" ] ] .""",
    )
    data = tmp_path / "data.ttl"
    data.write_text(PREFIXES + ':a :p 1 ; :q :b . :b :r "01"^^xsd:integer .')
    graph = Validation(shapes)
    graph.load_files([data])
    (result,) = graph.report(of_files=True).results
    assert result == validate_files([data], shapes).results[0]


def test_a_changed_file_has_its_own_prefixes(tmp_path: Path) -> None:
    graph = Validation(shapes_of(tmp_path, NAMED))
    data = tmp_path / "data.ttl"
    for name in ("old", "new"):
        data.write_text(f"@prefix {name}: <urn:x:> . @prefix x: <{X}> . {name}:a a x:Thing .")
        if name == "old":
            graph.load_files([data])
        else:
            graph.replace_file(data)
        assert f"  {name}:a  " in graph.report(of_files=True).to_table()
