"""kg.validate: reading, results, their lines, and the three forms of the report."""

from __future__ import annotations

import gzip
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kg.errors import ConfigError, FactError, KgErrors, TooLarge
from kg.report import Names
from kg.validate import (
    SH,
    WHOLE_GRAPH,
    Report,
    Result,
    Shapes,
    ShapesError,
    data_shapes,
    load_shapes,
    shape_files,
    validate,
    validate_files,
)
from kg.vocab import CH

PREFIXES = """
@prefix : <https://x.example/> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
"""
X = "https://x.example/"
XSD = "http://www.w3.org/2001/XMLSchema#"
RDF_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"


def shapes_of(folder: Path, text: str) -> Shapes:
    path = folder / "shapes.ttl"
    path.write_text(PREFIXES + text, encoding="utf-8")
    return load_shapes([path])


def report_of(folder: Path, shapes: str, data: str) -> Report:
    path = folder / "data.ttl"
    path.write_text(PREFIXES + data, encoding="utf-8")
    return validate_files([path], shapes_of(folder, shapes))


HALF = ":a :n 2.5 ; :m 1 ."
FIVE = ':a :n "5"^^xsd:int ; :m 1 .'
TIMES = ':a :n "2020-02-02T00:00:00.00Z"^^xsd:dateTime , "2020-01-01"^^xsd:gYear .'
NAMED = """
:Named a sh:NodeShape ; sh:targetClass :Thing ; sh:property :Named-name .
:Named-name a sh:PropertyShape ; sh:path :name ; sh:minCount 1 ; sh:severity sh:Violation ;
    sh:message "A thing has a name."@en .
"""


# --- what is read -----------------------------------------------------------------------------


def test_graphs_are_one(tmp_path: Path) -> None:
    """A type in one graph and a value in another make one node."""
    shapes = shapes_of(tmp_path, NAMED)
    lines = [
        f"<{X}a> {RDF_TYPE} <{X}Thing> <{X}g1> .\n",
        f'<{X}a> <{X}name> "A" <{X}g2> .\n',
        f"<{X}b> {RDF_TYPE} <{X}Thing> <{X}g1> .\n",
        f"<{X}b> {RDF_TYPE} <{X}Thing> .\n",
    ]
    report = validate(lines, shapes)
    assert [(r.focus, r.shape) for r in report.results] == [(X + "b", X + "Named-name")]


def test_every_format_is_read(tmp_path: Path) -> None:
    forms = {
        "a.ttl": f"<{X}a> a <{X}Thing> .",
        "a.nt": f"<{X}a> {RDF_TYPE} <{X}Thing> .",
        "a.nq": f"<{X}a> {RDF_TYPE} <{X}Thing> <{X}g> .",
        "a.trig": f"<{X}g> {{ <{X}a> a <{X}Thing> . }}",
        "a.jsonld": json.dumps({"@id": X + "a", "@type": X + "Thing"}),
        "a.rdf": '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<Thing xmlns="{X}" rdf:about="{X}a"/></rdf:RDF>',
    }
    shapes = shapes_of(tmp_path, NAMED)
    for name, text in forms.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        report = validate_files([tmp_path / name], shapes)
        assert [r.focus for r in report.results] == [X + "a"], name


def test_several_files_are_one_graph(tmp_path: Path) -> None:
    (tmp_path / "type.ttl").write_text(f"<{X}a> a <{X}Thing> . [] a <{X}Thing> .")
    (tmp_path / "name.ttl").write_text(f'<{X}a> <{X}name> "A" . [] <{X}name> "B" .')
    report = validate_files(
        [tmp_path / "type.ttl", tmp_path / "name.ttl"], shapes_of(tmp_path, NAMED)
    )
    assert [r.focus for r in report.results] == ["_:d0-b0"]  # not the one of the other file


@pytest.mark.parametrize(
    ("name", "text", "error", "says"),
    [
        ("a.csv", "", ConfigError, "tells no RDF format"),
        ("a.ttl", "<a> <b .", FactError, "is no Turtle"),
        ("a.nq", "not quads\n", FactError, "is no N-Quads"),
        ("a.jsonld", "{", FactError, "is no JSON-LD"),
        ("a.ttl", "<u:a> <u:b> <<( <u:c> <u:d> <u:e> )>> .", FactError, "triple term"),
    ],
)
def test_what_is_no_rdf_is_told(
    tmp_path: Path, name: str, text: str, error: type[Exception], says: str
) -> None:
    shapes = shapes_of(tmp_path, NAMED)
    (tmp_path / name).write_text(text)
    with pytest.raises(error, match=says):
        validate_files([tmp_path / name], shapes)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        validate_files([tmp_path / "none.ttl"], shapes_of(tmp_path, NAMED))


def test_all_unreadable_files_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "bad.ttl").write_text("<a> <b .")
    with pytest.raises(KgErrors) as e:
        validate_files([tmp_path / "bad.ttl", tmp_path / "none.nt"], shapes_of(tmp_path, NAMED))
    assert len(e.value.errors) == 2


def test_lines_that_are_no_quads_are_told(tmp_path: Path) -> None:
    with pytest.raises(FactError, match="no N-Quads"):
        validate([f"<{X}a> <{X}b>\n"], shapes_of(tmp_path, NAMED))


def test_literals_stay_as_they_are_written(tmp_path: Path) -> None:
    """rdflib would read 2.50 as 2.5, and Oxigraph stores it so."""
    report = report_of(
        tmp_path,
        ":S a sh:NodeShape ; sh:targetClass :T ; sh:property [ sh:path :n ; sh:in ( 1 ) ] .",
        ":a a :T ; :n 2.50 , 01 .",
    )
    number = "http://www.w3.org/2001/XMLSchema#"
    assert {r.value for r in report.results} == {
        f'"2.50"^^<{number}decimal>',
        f'"01"^^<{number}integer>',
    }


def test_a_literal_of_no_form_is_a_result_and_no_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        report = report_of(
            tmp_path,
            ":S a sh:NodeShape ; sh:targetClass :T ; sh:property :P ."
            ":P sh:path :d ; sh:datatype xsd:date .",
            ':a a :T ; :d "2024-99-99"^^xsd:date .',
        )
    assert [r.component for r in report.results] == [SH + "DatatypeConstraintComponent"]
    assert "Traceback" not in caplog.text
    assert "Failed to convert" not in caplog.text


# --- shapes -----------------------------------------------------------------------------------

ILL_FORMED = {
    "no path": ":S a sh:PropertyShape ; sh:targetClass :T .",
    "no regular expression": ":S a sh:NodeShape ; sh:targetClass :T ; sh:property "
    '[ sh:path :n ; sh:pattern "(" ] .',
    "a regular expression of no engine": ":S a sh:NodeShape ; sh:targetClass :T ; sh:property "
    '[ sh:path :n ; sh:pattern "^(?=A)" ] .',
    "minCount is a word": ":S a sh:NodeShape ; sh:targetClass :T ; sh:property "
    '[ sh:path :n ; sh:minCount "x" ] .',
    "or is no list": ":S a sh:NodeShape ; sh:targetClass :T ; sh:or :none .",
    "no SPARQL, with $this": ":S a sh:NodeShape ; sh:targetClass :T ; "
    'sh:sparql [ sh:select "SELECT $this WHERE { $this ?p " ] .',
    "no SPARQL, plain": ":S a sh:NodeShape ; sh:targetClass :T ; "
    'sh:sparql [ sh:select "SELECT $this ?value WHERE { ?value ?p " ] .',
    "MINUS": ":S a sh:NodeShape ; sh:targetClass :T ; "
    'sh:sparql [ sh:select "SELECT $this WHERE { $this ?p ?v MINUS { ?v ?q ?r } }" ] .',
}


@pytest.mark.parametrize("text", ILL_FORMED.values(), ids=ILL_FORMED.keys())
def test_ill_formed_shapes_are_no_result(tmp_path: Path, text: str) -> None:
    with pytest.raises(ShapesError, match=rf"{tmp_path}/shapes\.ttl: {X}S"):
        report_of(tmp_path, text, ':a a :T ; :n "x" .')


def test_shapes_that_nothing_refers_to_are_checked_too(tmp_path: Path) -> None:
    text = ":P a sh:PropertyShape ; sh:path :n ; sh:nodeKind :odd ."
    with pytest.raises(ShapesError, match="nodeKind"):
        shapes_of(tmp_path, text)


def test_all_faults_of_shapes_are_told_with_their_file_and_place(tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text(
        PREFIXES + ':A a sh:NodeShape ; sh:property [ sh:path :n ; sh:minCount "x" ; '
        'sh:or ( [ sh:nodeKind :odd ] [ sh:pattern "(" ] ) ] .'
    )
    (tmp_path / "b.ttl").write_text(PREFIXES + ":B sh:targetClass :T ; sh:maxLength 1.5 .")
    with pytest.raises(KgErrors) as caught:
        load_shapes([tmp_path / "a.ttl", tmp_path / "b.ttl"])
    assert all(isinstance(e, ShapesError) for e in caught.value.errors)
    inside = f"{tmp_path / 'a.ttl'}: {X}A / sh:property of {X}n"
    assert [(e.where, e.seen.split(":")[0]) for e in caught.value.errors] == [
        (f"{tmp_path / 'b.ttl'}: {X}B", '"1.5"^^<http'),
        (inside, '"x"'),
        (f"{inside} / sh:or", "<https"),
        (f"{inside} / sh:or", "'('"),
    ]


FAULTS = {
    "two in one property": (
        "[ sh:minCount 1 ] , [ sh:path :p ; sh:maxCount 'x' ]",
        ["no sh:path", "sh:maxCount is an xsd:integer"],
    ),
    "two paths": (
        "[ sh:path 'a' ; sh:minCount 'x' ] , [ sh:path [ sh:inversePath 'b' ] ]",
        ["a path is an IRI", "sh:minCount is an xsd:integer", "a path is an IRI"],
    ),
    "members of a list": (
        "[ sh:path :p ; sh:or ( [ sh:nodeKind :x ] 'b' [ sh:class 'c' ] ) ]",
        ["sh:nodeKind is one of six", "a literal is no shape", "sh:class is an IRI"],
    ),
    "a severity and more": (
        "[ sh:path :p ; sh:severity 'x' ; sh:minCount 'y' ]",
        ["sh:severity is one IRI", "sh:minCount is an xsd:integer"],
    ),
}


@pytest.mark.parametrize(("properties", "says"), FAULTS.values(), ids=FAULTS.keys())
def test_no_fault_hides_another(tmp_path: Path, properties: str, says: list[str]) -> None:
    with pytest.raises(KgErrors) as caught:
        shapes_of(tmp_path, f":S a sh:NodeShape ; sh:property {properties} .")
    told = [str(e) for e in caught.value.errors]
    start = f"{tmp_path / 'shapes.ttl'}: {X}S / "
    assert all(line.startswith(start) for line in told), told
    assert len(told) == len(says)
    for what in says:
        assert any(what in line for line in told), told


@pytest.mark.parametrize(
    "text",
    [
        "_:l rdf:rest _:l ; rdf:first :p . :S sh:targetClass :T ; sh:path _:l .",
        "_:l rdf:rest _:l ; rdf:first _:b . _:b sh:targetClass :T ; sh:minCount 1 .",
        "_:a sh:node _:b ; sh:minCount 1 . _:b sh:node _:a .",
    ],
)
def test_shapes_in_circles_are_ill_formed_and_no_trap(tmp_path: Path, text: str) -> None:
    with pytest.raises((ShapesError, KgErrors)):
        shapes_of(tmp_path, text + " _:a sh:targetClass :T .")


def test_deep_shapes_are_ill_formed_and_hide_nothing(tmp_path: Path) -> None:
    deep = "sh:not [ " * 70 + " ] " * 70
    with pytest.raises(KgErrors) as caught:
        shapes_of(tmp_path, f":A sh:targetClass :T ; {deep} . :B sh:targetClass :T ; sh:in 1 , 2 .")
    assert len(caught.value.errors) == 2
    assert "nested more than 64 deep" in str(caught.value)
    assert "sh:in is given once" in str(caught.value)


def test_of_very_many_faults_the_first_are_told(tmp_path: Path) -> None:
    text = "".join(f":S{n} sh:targetClass :T ; sh:minLength 1.5 ." for n in range(60))
    with pytest.raises(KgErrors) as caught:
        shapes_of(tmp_path, text)
    assert len(caught.value.errors) == 51
    assert "10 more errors" in str(caught.value)


def test_what_is_imported_and_not_there_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    owl = "<http://www.w3.org/2002/07/owl#imports>"
    shapes_of(tmp_path, f":one {owl} :two , :three . :three rdfs:label 'here' .")
    assert f"owl:imports {X}two, which is not followed" in caplog.text
    assert "three" not in caplog.text


def test_shapes_that_are_no_turtle_are_told_as_shapes(tmp_path: Path) -> None:
    (tmp_path / "s.ttl").write_text("<a> <b .")
    with pytest.raises(ShapesError, match=r"s\.ttl"):
        load_shapes([tmp_path / "s.ttl"])


def test_a_query_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts a product, which is for Oxigraph, and would take years."""
    monkeypatch.setattr("kg.queries.ENGINE_SECONDS", 1)
    text = (
        ":S a sh:NodeShape ; sh:targetNode :a ; sh:sparql [ sh:select '"
        "SELECT $this WHERE { { SELECT $this (COUNT(*) AS ?n) WHERE "
        "{ $this ?p ?b . ?c ?q ?d . ?e ?r ?f . ?g ?s ?h } GROUP BY $this } FILTER (?n = 7) }' ] ."
    )
    data = "".join(f":a :p {n} ." for n in range(3_000))
    with pytest.raises(TooLarge, match=f"{X}S: a query of the shapes was ended"):
        report_of(tmp_path, text, data)


def test_a_product_is_not_worked_out_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight patterns that share nothing: too much for columns, and Oxigraph is ended."""
    monkeypatch.setattr("kg.queries.ENGINE_SECONDS", 1)
    patterns = " . ".join(f"?a{n} ?b{n} ?c{n}" for n in range(8))
    text = (
        ":S a sh:NodeShape ; sh:targetNode :a ; sh:sparql "
        f"[ sh:select 'SELECT $this WHERE {{ {patterns} FILTER (?c7 = ?a0) }}' ] ."
    )
    data = "".join(f":a :p{n} {n} ." for n in range(13))
    with pytest.raises(TooLarge, match=f"{X}S: a query of the shapes was ended"):
        report_of(tmp_path, text, data)


def sparql(query: str, target: str = "sh:targetSubjectsOf :n") -> str:
    return f":S a sh:NodeShape ; {target} ; sh:sparql [ sh:select '{PREFIX} SELECT {query}' ] ."


PREFIX = f"PREFIX : <{X}>"
EACH = "$this ?value WHERE { $this :n ?value FILTER "


@pytest.mark.parametrize(
    ("query", "data", "values"),
    [
        (EACH + "(?value IN (30, -1)) }", ":a :n 30.0 , 31 .", [f'"30.0"^^<{XSD}decimal>']),
        (EACH + "(?value > -2) }", ':a :n 30.0 . :b :n "old" .', [f'"30.0"^^<{XSD}decimal>']),
        (EACH + "(?value) }", ':a :n "x"@en , ""@en , "" , 0 .', ['"x"@en']),
        (EACH + "(YEAR(?value) = 2020) }", TIMES, [f'"2020-02-02T00:00:00.00Z"^^<{XSD}dateTime>']),
        (
            "$this (COUNT(?o) AS ?value) WHERE { $this :n ?o } GROUP BY $this",
            "[] :n 1 , 2.50 .",
            [f'"2"^^<{XSD}integer>'],
        ),
        (
            "$this ?value WHERE { { SELECT $this (MAX(?o) AS ?value) WHERE { $this :n ?o } "
            "GROUP BY $this } }",
            ":a :n 1 , 2 .",
            [f'"2"^^<{XSD}integer>'],
        ),
    ],
)
def test_queries_see_values_however_they_are_written(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    query: str,
    data: str,
    values: list[str],
) -> None:
    report = report_of(tmp_path, sparql(query), data)
    assert [r.value for r in report.results] == values
    assert "pyshacl" not in caplog.text


def test_what_oxigraph_would_mix_up_is_for_pyshacl(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    query = "$this (COUNT(?o) AS ?value) WHERE { $this :n ?o } GROUP BY $this"
    report = report_of(tmp_path, sparql(query), ":a :n 1.50 , 1.5 .")
    assert [r.value for r in report.results] == [f'"2"^^<{XSD}integer>']
    assert "is left to pyshacl, which is slow: Oxigraph rewrites" in caplog.text


COUNTED = "{ SELECT $this (COUNT(?x) AS ?n) WHERE { $this :n ?x } GROUP BY $this }"


@pytest.mark.parametrize(
    ("query", "data", "values"),
    [
        # What AS names is a copy, and turned back, or worked out, and not.
        ("$this (?x AS ?value) WHERE { $this :n ?x }", ":a :n 2.50 .", [f'"2.50"^^<{XSD}decimal>']),
        ("$this (?x AS ?value) WHERE { $this :n ?x }", ":a :n _:b .", ["_:d0-b0"]),
        (
            "$this (?n AS ?value) WHERE { $this :n ?any . " + COUNTED + " }",
            ':a :n "1"^^xsd:int .',
            [f'"1"^^<{XSD}integer>'],
        ),
        # A number that is worked out is no xsd:int, though Oxigraph makes one of the other.
        (
            f"$this WHERE {{ {COUNTED} FILTER NOT EXISTS {{ $this :m ?n }} }}",
            ':a :n :x , :y ; :m "2"^^xsd:int .',
            [X + "a"],
        ),
        (f"$this WHERE {{ {COUNTED} $this :m ?n }}", ':a :n :x , :y ; :m "2"^^xsd:int .', []),
        ("$this WHERE { { SELECT $this (5 AS ?x) { $this :m ?z } } $this :n ?x }", FIVE, []),
        ("$this WHERE { { SELECT $this (2.50 AS ?x) { $this :m ?z } } $this :n ?x }", HALF, []),
        # What is of no form does not get one.
        (EACH + "(?value > 1000) } GROUP BY $this ?value", ':a :n "1200"^^xsd:byte .', []),
        # Literals in brackets are seen, too.
        ("$this WHERE { $this :m [ :n 2.50 ] ; :n ?any }", ":a :m [ :n 2.5 ] ; :n 1 .", []),
    ],
)
def test_answers_of_oxigraph_are_turned_back_and_no_others(
    tmp_path: Path, query: str, data: str, values: list[str]
) -> None:
    report = report_of(tmp_path, sparql(query), data)
    assert [r.value for r in report.results if r.focus == X + "a"] == values


def test_what_one_query_looks_at_is_nothing_to_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An xsd:int at one property, and the integer that Oxigraph makes of it at another."""
    count = "SELECT $this (COUNT(?x) AS ?c) WHERE { $this :n ?x } GROUP BY $this"
    of_m = "SELECT $this ?value WHERE { $this :m ?value } GROUP BY $this ?value"
    text = "".join(
        f":{name} sh:targetNode :a ; sh:sparql [ sh:select '{PREFIX} {query}' ] ."
        for name, query in (("A", count), ("B", of_m))
    )
    text += ":C sh:targetNode :a ; sh:property [ sh:path :m ; sh:hasValue 5 , 6 ] ."
    report = report_of(tmp_path, text, ':a :n "5"^^xsd:int , "6"^^xsd:int ; :m 5 .')
    assert [r.value for r in report.results if r.shape == X + "B"] == [f'"5"^^<{XSD}integer>']
    assert "pyshacl" not in caplog.text


def test_this_is_in_messages_whoever_answers(tmp_path: Path) -> None:
    text = sparql("$this ?value WHERE { $this :n ?value } GROUP BY $this ?value").replace(
        " ] .", ' ; sh:message "{$this} has {?value}" ] .'
    )
    report = report_of(tmp_path, text, ":a :n 2.50 .")
    assert [r.message for r in report.results] == [f"{X}a has 2.50"]


def test_too_many_solutions_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kg.queries._MOST_SOLUTIONS", 99)
    data = "".join(f":a{n} :n {n} ." for n in range(10))
    for query in (
        "$this ?x WHERE { ?x :n ?y }",
        "$this ?x ?y WHERE { ?x :n ?y } GROUP BY $this ?x ?y",
    ):
        with pytest.raises(TooLarge, match=f"{X}S: a query of the shapes has too many solutions"):
            report_of(tmp_path, sparql(query), data)


def test_whatever_happens_in_pyshacl_is_told(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match=f"{X}S: pyshacl, which alone can check some shapes, failed"):
        report_of(
            tmp_path,
            sparql('$this (STRLANG(STR(?o), "x") AS ?value) WHERE { $this :n ?o }'),
            '[] :n "a" .',
        )


UNUSED = {
    "sh:mincount 1": "sh:mincount, which SHACL does not know; did you mean sh:minCount?",
    "sh:targetclass :T": "sh:targetclass, which SHACL does not know; did you mean sh:targetClass?",
    "sh:qualifiedMinCount 1": "sh:qualifiedMinCount has no effect without sh:qualifiedValueShape",
    "sh:qualifiedValueShape [ sh:class :T ]": "sh:qualifiedValueShape has no effect without "
    "sh:qualifiedMinCount or sh:qualifiedMaxCount",
    'sh:flags "i"': "sh:flags has no effect without sh:pattern",
    "sh:ignoredProperties ()": "sh:ignoredProperties has no effect without sh:closed",
    "sh:minCount 3 ; sh:maxCount 2": "sh:minCount 3 with sh:maxCount 2, which no node fulfils",
    "sh:datatype xsd:integr": f"the datatype {XSD}integr, which XML Schema does not know",
    "sh:rule []": "sh:rule, of SHACL Advanced Features",
}


@pytest.mark.parametrize(("said", "told"), UNUSED.items(), ids=UNUSED.keys())
def test_what_has_no_effect_is_told_with_its_place(tmp_path: Path, said: str, told: str) -> None:
    shapes = shapes_of(
        tmp_path, f":S a sh:NodeShape ; sh:targetNode :a ; sh:property [ sh:path :n ; {said} ] ."
    )
    assert shapes.warnings == (f"{tmp_path / 'shapes.ttl'}: {X}S / sh:property of {X}n: {told}",)


def test_shapes_that_nothing_applies_are_told(tmp_path: Path) -> None:
    text = (
        ":A a sh:NodeShape , rdfs:Class ; sh:not :B . :B a sh:NodeShape . :C a sh:NodeShape . "
        ":D a sh:NodeShape , <http://www.w3.org/2002/07/owl#Class> . "
        ":E a sh:ConstraintComponent ; sh:parameter [ sh:path :e ] ."
    )
    told = [line.split(": ", 1)[1] for line in shapes_of(tmp_path, text).warnings]
    none = "no target, and no shape refers to it"
    text = ":F a sh:NodeShape ; sh:deactivated true ; sh:flags 'i' ."
    assert shapes_of(tmp_path, text).warnings == ()
    assert told == [
        f"{X}C: {none}",
        f"{X}D: {none}: a class is a target if it is an rdfs:Class",
        f"{X}E: a constraint component without a validator",
    ]


def test_prefixes_that_nobody_declares_are_told(tmp_path: Path) -> None:
    text = sparql("$this WHERE { $this foaf:name ?n }").replace(PREFIX, "")
    with pytest.raises(ShapesError, match="a prefix that is not declared; seen foaf:; sh:prefixes"):
        shapes_of(tmp_path, text)


def test_of_a_query_that_is_none_the_line_is_told(tmp_path: Path) -> None:
    text = sparql("$this WHERE {\\n$this ?p\\n}")
    with pytest.raises(ShapesError, match="is not SPARQL; seen in the line '}', expected"):
        shapes_of(tmp_path, text)


def test_what_is_for_pyshacl_is_not_validated_in_parts(tmp_path: Path) -> None:
    """Both parts would have its results: an xsd:int is what Oxigraph rewrites."""
    text = (
        ":S a sh:NodeShape ; sh:targetClass :T ; sh:property [ sh:path :n ; sh:minCount 2 ] ; "
        "sh:sparql [ sh:select 'SELECT $this WHERE { $this <https://x.example/n> ?n "
        "FILTER (STRLEN(SHA1(STR(?n))) = 0) }' ] ."
    )
    shapes = shapes_of(tmp_path, text)
    (tmp_path / "d.ttl").write_text(PREFIXES + ':a a :T ; :n "01"^^xsd:int .')
    whole = validate_files([tmp_path / "d.ttl"], shapes)
    assert len(whole.results) == 1
    with pytest.raises(TooLarge, match="cannot be taken apart"):
        validate_files([tmp_path / "d.ttl"], shapes, scope="whole")
    assert len(validate_files([tmp_path / "d.ttl"], shapes, scope="local").results) == 1


def test_a_folder_stands_for_its_shapes_of_data(tmp_path: Path) -> None:
    for name in ("b.ttl", "a.ttl", "ontology-lint.ttl", "notes.md"):
        (tmp_path / name).write_text("")
    files = shape_files([tmp_path, tmp_path / "ontology-lint.ttl"])
    assert [p.name for p in files] == ["a.ttl", "b.ttl", "ontology-lint.ttl"]
    assert "ontology-lint.ttl" not in {p.name for p in data_shapes()}


NESTED = """
:Outer a sh:NodeShape ; sh:targetClass :Thing ; sh:property :name , :part ; sh:node :Inner .
:Inner a sh:NodeShape ; sh:targetClass :Other ; sh:property :name .
:Off a sh:NodeShape ; sh:targetClass :Thing ; sh:deactivated true ; sh:property :never .
:Class a sh:NodeShape , rdfs:Class ; sh:targetSubjectsOf :part ; sh:property :size .
:name a sh:PropertyShape ; sh:path :name ; sh:minCount 1 ; sh:datatype xsd:string .
:part a sh:PropertyShape ; sh:path :part ; sh:targetObjectsOf :whole ; sh:class :Thing ;
    sh:property :name .
:never a sh:PropertyShape ; sh:path :never ; sh:minCount 1 .
:size a sh:PropertyShape ; sh:path :size ; sh:maxCount 0 .
:Plain a sh:NodeShape ; sh:targetNode :all ; sh:sparql :Plain-query .
:Plain-query sh:message "The name {?name} is taken." ; sh:select '''
    SELECT DISTINCT $this ?value ?path ?name WHERE {
        ?value ?path ?name . ?other ?path ?name .
        FILTER (?path = <https://x.example/name> && ?value != ?other)
    }''' .
:Each a sh:NodeShape ; sh:targetClass :Thing ; sh:sparql :Each-query .
:Each-query sh:message "It is a part of itself." ; sh:select '''
    SELECT $this ?value WHERE { $this <https://x.example/part> $this, ?value }''' .
"""
# --- results ----------------------------------------------------------------------------------


def test_warnings_do_not_block(tmp_path: Path) -> None:
    for severity, blocks in (("Violation", True), ("Warning", False), ("Info", False)):
        report = report_of(
            tmp_path, NAMED.replace("sh:Violation", f"sh:{severity}"), ":a a :Thing ."
        )
        assert not report.conforms
        assert report.blocks is blocks
        assert report.counts[severity] == 1
    report = report_of(tmp_path, NAMED, ':a a :Thing ; :name "A" .')
    assert report.conforms
    assert not report.blocks


def test_a_severity_of_ones_own_blocks(tmp_path: Path) -> None:
    report = report_of(tmp_path, NAMED.replace("sh:Violation", ":Grave"), ":a a :Thing .")
    assert report.blocks
    assert report.counts[X + "Grave"] == 1


def test_english_messages_come_first(tmp_path: Path) -> None:
    shapes = NAMED.replace('name."@en', 'name."@en , "Name fehlt."@de')
    assert report_of(tmp_path, shapes, ":a a :Thing .").results[0].message == "A thing has a name."
    shapes = NAMED.replace('"A thing has a name."@en', '"Name fehlt."@de')
    assert report_of(tmp_path, shapes, ":a a :Thing .").results[0].message == "Name fehlt."


WHOLE = f"""
:Whole a sh:NodeShape ; sh:targetNode <{WHOLE_GRAPH}> ; sh:sparql :Whole-query .
:Whole-query sh:message "It refers to {{?other}}, which is not there." ; sh:select '''
    SELECT $this ?value ?other WHERE {{
        ?value <{X}of> ?other . FILTER NOT EXISTS {{ ?other a ?class }}
    }}''' .
"""


def test_shapes_without_names_are_told_by_what_is_around_them(tmp_path: Path) -> None:
    text = (
        ":S a sh:NodeShape ; sh:targetClass :T ; sh:property [ sh:path :p ; sh:minCount 1 ; "
        "sh:property [ sh:path :q ; sh:minCount 1 ] ] ."
    )
    report = report_of(tmp_path, text, ":a a :T . :b a :T ; :p :c .")
    assert {r.label for r in report.results} == {f"{X}S at {X}p", f"{X}S at {X}p at {X}q"}
    assert "Violation  :S at :p at :q  (MinCount)" in report.to_table()


SAYS = {
    "counts, few": ("sh:minCount 3", '"a", "b"', "2 values; expected at least 3 values"),
    "counts, one": ("sh:minCount 1", "", "0 values; expected at least 1 value"),
    "counts, many": ("sh:maxCount 1", '"a", "b", "c"', "3 values; expected at most 1 value"),
    "qualified": (
        "sh:qualifiedValueShape [ sh:datatype xsd:string ] ; sh:qualifiedMinCount 2",
        '"a", 1, 2',
        f"1 of 3 values; expected at least 2 that are: a well-formed {XSD}string",
    ),
    "languages": (
        "sh:uniqueLang true",
        '"a"@en, "b"@EN, "c"@de, "d"',
        "several values in en; expected one value for each language",
    ),
    "a choice": (
        "sh:or ( [ sh:datatype xsd:string ] [ sh:class :T ; sh:nodeKind sh:IRI ] )",
        "1",
        f"expected a value that is one or more of: (a well-formed {XSD}string), "
        f"(an instance of {X}T and an IRI)",
    ),
    "a shape in a shape": (
        "sh:not [ sh:property [ sh:path :m ; sh:minCount 1 ] ]",
        "[ :m 1 ]",
        f"expected a value that is not: {X}m: at least 1 value",
    ),
    "a language": (
        "sh:datatype xsd:string",
        '"a"@en',
        f"a text in en; expected a well-formed {XSD}string",
    ),
    "a form": (
        "sh:datatype xsd:byte",
        '"200"^^xsd:byte',
        f"not a form of its datatype; expected a well-formed {XSD}byte",
    ),
    "a range": ("sh:minInclusive 18", "17", "expected 18 or above"),
    "no range": (
        "sh:maxExclusive 18",
        '"old"',
        "cannot be compared with 18; expected less than 18",
    ),
    "an empty list": ("sh:in ()", "1", "expected one of an empty list"),
    "nothing in particular": (
        "sh:not [ sh:property [ sh:path :p ] ]",
        "1",
        f"expected a value that is not: {X}p: anything",
    ),
    "very much": (
        f"sh:in ( {' '.join(f':{n}{chr(120) * 90}' for n in range(9))} )",
        "1",
        f"expected one of {', '.join(f'{X}{n}{chr(120) * 90}' for n in range(9))}"[:609] + "…",
    ),
    "a list": ('sh:in ( 1 "a" :b )', "2", f'expected one of 1, "a", {X}b'),
    "a pattern": (
        'sh:pattern "^a" ; sh:flags "i"',
        '"b"',
        "expected a text that matches ^a (flags i)",
    ),
}


@pytest.mark.parametrize(("shape", "values", "says"), SAYS.values(), ids=SAYS.keys())
def test_messages_tell_what_was_seen_and_expected(
    tmp_path: Path, shape: str, values: str, says: str
) -> None:
    text = f":S a sh:NodeShape ; sh:targetNode :a ; sh:property [ sh:path :n ; {shape} ] ."
    report = report_of(tmp_path, text, f":a :n {values} ." if values else "")
    assert {r.message for r in report.results} == {f"{X}n: {says}"}


def test_pyshacl_speaks_with_the_same_words(tmp_path: Path) -> None:
    """A shape that refers to itself is for pyshacl; what it says is ours."""
    text = (
        ":S a sh:NodeShape ; sh:targetNode :a ; sh:property [ sh:path :p ; sh:node :S ] , "
        "[ sh:path :n ; sh:datatype xsd:string ] ."
    )
    report = report_of(tmp_path, text, ":a :n 1 .")
    assert [r.message for r in report.results] == [f"{X}n: expected a well-formed {XSD}string"]
    assert report.checked is not None
    assert (report.checked.shapes, report.checked.focus_nodes) == (1, 1)


def test_tables_have_the_prefixes_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "data.ttl").write_text(
        f"@prefix d: <urn:data:> . @prefix n: <{X}n/> . d:a a <{X}T> ; n:m '5'^^d:number ."
    )
    shapes = shapes_of(
        tmp_path,
        ":S a sh:NodeShape ; sh:targetClass :T ; sh:property "
        f"[ sh:path ( <{X}n/m> :k ) ; sh:minCount 1 ] , "
        f"[ sh:path <{X}n/m> ; sh:nodeKind sh:IRI ] .",
    )
    report = validate_files([tmp_path / "data.ttl"], shapes)
    table = report.to_table()
    assert "d:a  (n:m/:k)\n" in table
    assert "(n:m/:k): 0 values; expected at least 1 value\n" in table
    assert 'd:a  n:m  = "5"^^d:number\n' in table
    assert "n:m: expected an IRI\n" in table
    assert ">d:a</a>" not in report.to_html()  # an address of no web page
    assert " n:m = " in report.to_html()


def test_of_prefixes_those_of_the_shapes_come_first(tmp_path: Path) -> None:
    (tmp_path / "shapes.ttl").write_text(
        f"@prefix s: <{X}> . @prefix shacl: <{SH}> . s:S shacl:targetNode s:a ; "
        "shacl:property [ shacl:path s:p ; shacl:minCount 1 ; shacl:maxCount 0 ] ."
    )
    (tmp_path / "data.ttl").write_text(f"@prefix d: <{X}> . d:a d:q 1 .")
    report = validate_files([tmp_path / "data.ttl"], load_shapes([tmp_path / "shapes.ttl"]))
    assert "Violation  s:S at s:p  (MinCount)" in report.to_table()
    assert "d:" not in report.to_table()
    assert ">s:S at s:p  (MinCount)<" in report.to_html()


def test_what_a_terminal_obeys_is_written_out(tmp_path: Path) -> None:
    shapes = shapes_of(
        tmp_path,
        ":S sh:targetNode :a ; sh:property [ sh:path :n ; "
        'sh:in ( "\\u001B[31m\\nx"^^xsd:token ) ] , [ sh:path :n ; sh:message "two\\nlines" ; '
        "sh:nodeKind sh:IRI ] .",
    )
    (tmp_path / "data.jsonld").write_text(
        json.dumps(
            {
                "@context": {"e\x1b[31m": "https://y.example/"},
                "@id": X + "a",
                X + "n": [{"@id": "https://y.example/b"}, "\u202e" + "x" * 999],
            }
        )
    )
    report = validate_files([tmp_path / "data.jsonld"], shapes)
    table = report.to_table()
    assert "\x1b" not in table
    assert "\u202e" not in table
    assert "two lines" in table
    assert "… (1,002 characters)\n" in table
    assert "\x1b" not in report.to_html()


def test_literals_that_look_like_typed_ones_stay_whole() -> None:
    names = Names({"x": "bar"})
    for text in ('"foo\\"^^<bar"', '"foo\\"^^<bar"@en', '"<bar>"', '"<bar>"^^<urn:other>'):
        assert names.short(text).replace("^^urn:other", "^^<urn:other>") == text
    assert names.short('"foo\\"^^<bar>"^^<barrel>') == '"foo\\"^^<bar>"^^x:rel'


def test_every_message_is_in_the_turtle_report(tmp_path: Path) -> None:
    shapes = NAMED.replace('name."@en', 'name."@en , "Name fehlt."@de')
    text = report_of(tmp_path, shapes, ":a a :Thing .").to_turtle()
    assert 'sh:resultMessage "A thing has a name."@en' in text
    assert 'sh:resultMessage "Name fehlt."@de' in text


def test_lines_are_found(tmp_path: Path) -> None:
    """Of the node itself; of what refers to it; of what a derived node is made for; of a value."""
    shapes = shapes_of(tmp_path, NAMED + WHOLE)
    a = f"{RDF_TYPE} <{X}Thing> .\n"
    lines = [
        f"<{X}record> {a}",
        f"<{X}record> <{X}time> <{X}middle> .\n",
        f"<{X}middle> <{X}bounds> <{X}time> .\n",
        f"<{X}time> {a}",
        f"<{X}derived> {a}",
        f"<{X}derived> <{X}by> <{X}agent> .\n",
        f"<{X}derived> <{CH}assesses> <{X}record> .\n",
        f"<{X}alone> {a}",
        f"<{X}agent> <{X}of> <{X}nobody> .\n",
    ]
    origins = {X + "record": "facts/a.yaml:12", X + "agent": "facts/registry.yaml:3"}
    report = validate(lines, shapes, origins=origins)
    assert {(r.focus, r.value): r.origin for r in report.results} == {
        (X + "record", ""): "facts/a.yaml:12",
        (X + "time", ""): "facts/a.yaml:12",
        (X + "derived", ""): "facts/a.yaml:12",
        (X + "alone", ""): "",
        (WHOLE_GRAPH, X + "agent"): "facts/registry.yaml:3",
    }
    assert all(r.origin == "" for r in validate(lines, shapes).results)


def test_lines_are_those_of_the_triple_or_else_of_the_node(tmp_path: Path) -> None:
    shapes = shapes_of(
        tmp_path,
        ":S sh:targetSubjectsOf :p ; sh:property [ sh:path :p ; sh:nodeKind sh:IRI ; "
        "sh:minCount 3 ] , [ sh:path [ sh:inversePath :p ] ; sh:minCount 9 ] .",
    )
    lines = [
        f'<{X}a> <{X}p> "1" <{X}g> .',
        f"<{X}b> <{X}p> <{X}a> <{X}g> .",
        f'<{X}a>  <{X}p>  "3" .',  # not canonical: the line of the node is told
        f'<{X}a> <{X}p> "2" .',
    ]
    one, two = tmp_path / "one.nq", tmp_path / "two.nt"
    one.write_text("\n".join(lines[:3]) + "\n")
    two.write_text(lines[3] + "\n")
    report = validate_files([one, two], shapes)
    assert {(r.focus[-1], r.path, r.value, r.origin) for r in report.results} == {
        ("a", X + "p", '"1"', f"{one}:1"),
        ("a", X + "p", '"2"', f"{two}:1"),
        ("a", X + "p", '"3"', f"{one}:1"),
        ("a", f"^<{X}p>", "", f"{one}:1"),
        ("b", X + "p", "", f"{one}:2"),
        ("b", f"^<{X}p>", "", f"{one}:2"),
    }


@pytest.mark.parametrize("large", [False, True])
def test_lines_are_known_of_blank_nodes_and_packed_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    """Read by this process, or by several."""
    monkeypatch.setattr("kg.triples._LARGE", 0 if large else 1 << 30)
    monkeypatch.setattr("kg.triples._BLOCK", 1_000)
    shapes = shapes_of(
        tmp_path, ":S sh:targetSubjectsOf :p ; sh:property [ sh:path :p ; sh:nodeKind sh:IRI ] ."
    )
    names = [f"_:n{n}" if n % 2 else f"<{X}n{n}>" for n in range(100)]
    text = "".join(
        f'{name} <{X}p> <{X}a> .\n{name} <{X}p> "{n}" .\n' for n, name in enumerate(names)
    )
    path = tmp_path / ("data.nt" if large else "data.nt.gz")
    path.write_bytes(text.encode() if large else gzip.compress(text.encode()))
    report = validate_files([path], shapes)
    assert len(report.results) == 100
    assert {r.value: r.origin for r in report.results} == {
        f'"{n}"': f"{path}:{2 * n + 2}" for n in range(100)
    }


def test_what_is_left_out_has_its_place(tmp_path: Path) -> None:
    shapes = shapes_of(
        tmp_path, ":S sh:targetNode :a ; sh:property [ sh:path :n ; sh:minCount 1 ] ."
    )
    report = validate([], shapes, max_results=0)
    assert "Violation  :S at :n  (MinCount)  1 result\n" in report.to_table()


def test_cycles_do_not_trap_the_search_for_lines(tmp_path: Path) -> None:
    lines = [f"<{X}a> {RDF_TYPE} <{X}Thing> .\n"]
    lines += [f"<{X}{s}> <{X}p> <{X}{o}> .\n" for s, o in ("ab", "bc", "ca", "aa")]
    report = validate(lines, shapes_of(tmp_path, NAMED), origins={X + "elsewhere": "f:1"})
    assert [r.origin for r in report.results] == [""]


# --- the three forms --------------------------------------------------------------------------

PATHS = """
:S a sh:NodeShape ; sh:targetClass :T ; sh:property
    [ sh:path [ sh:inversePath :p ] ; sh:minCount 1 ] ,
    [ sh:path ( :p [ sh:zeroOrMorePath [ sh:alternativePath ( :q [ sh:inversePath :r ] ) ] ] ) ;
      sh:minCount 1 ] ,
    [ sh:path [ sh:oneOrMorePath :p ] ; sh:minCount 1 ] ,
    [ sh:path ( [ sh:zeroOrOnePath :q ] :p ) ; sh:minCount 1 ] ,
    [ sh:path :p ; sh:minCount 1 ] .
"""


def test_paths_are_told_as_sparql_and_written_as_shacl(tmp_path: Path) -> None:
    from rdflib import Graph, URIRef

    report = report_of(tmp_path, PATHS, ":a a :T .")
    p, q, r = (f"<{X}{n}>" for n in "pqr")
    assert {x.path for x in report.results} == {
        f"^{p}",
        f"({p}/({q}|^{r})*)",
        f"{p}+",
        f"({q}?/{p})",
        X + "p",
    }
    shapes, graph = Graph(), Graph()
    shapes.parse(tmp_path / "shapes.ttl")
    graph.parse(data=report.to_turtle(), format="turtle")

    def structure(g: Graph, node: object) -> object:
        if isinstance(node, URIRef):
            return node
        return sorted((pp, structure(g, o)) for pp, o in g.predicate_objects(node))  # type: ignore[arg-type]

    wanted = [structure(shapes, o) for o in shapes.objects(None, URIRef(SH + "path"))]
    written = [structure(graph, o) for o in graph.objects(None, URIRef(SH + "resultPath"))]
    assert sorted(map(str, wanted)) == sorted(map(str, written))


def test_turtle_is_a_report_of_the_standard(tmp_path: Path) -> None:
    from rdflib import RDF, Graph, Literal, URIRef

    value = 'a "quoted" \\ back\nslash\t\u0001 কিম'
    shapes = shapes_of(tmp_path, NAMED + ":Named-name sh:maxLength 3 .")
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    quoted = quoted.replace("\t", "\\t").replace("\u0001", "\\u0001")
    lines = [f"<{X}a> {RDF_TYPE} <{X}Thing> .\n", f'<{X}a> <{X}name> "{quoted}"@bn .\n']
    report = validate(lines, shapes, origins={X + "a": "facts/a.yaml:1"})
    graph = Graph()
    graph.parse(data=report.to_turtle(), format="turtle")

    def sh(name: str) -> URIRef:
        return URIRef(SH + name)

    (top,) = graph.subjects(RDF.type, sh("ValidationReport"))
    assert graph.value(top, sh("conforms")) == Literal(False)
    (result,) = graph.objects(top, sh("result"))
    assert {(p, o) for p, o in graph.predicate_objects(result)} == {
        (RDF.type, sh("ValidationResult")),
        (sh("focusNode"), URIRef(X + "a")),
        (sh("resultPath"), URIRef(X + "name")),
        (sh("value"), Literal(value, lang="bn")),
        (sh("resultSeverity"), sh("Violation")),
        (sh("sourceConstraintComponent"), sh("MaxLengthConstraintComponent")),
        (sh("sourceShape"), URIRef(X + "Named-name")),
        (sh("resultMessage"), Literal("A thing has a name.", lang="en")),
        (URIRef("http://purl.org/dc/elements/1.1/source"), Literal("facts/a.yaml:1")),
    }


def test_a_report_without_results_is_turtle_too() -> None:
    from rdflib import Graph, Literal, URIRef

    graph = Graph()
    graph.parse(data=Report(()).to_turtle(), format="turtle")
    assert list(graph.objects(None, URIRef(SH + "conforms"))) == [Literal(True)]
    assert json.loads(Report(()).to_json())["conforms"] is True
    assert Report(()).to_table() == "Conforms: no results.\n"


def test_json_has_every_field(tmp_path: Path) -> None:
    report = report_of(tmp_path, NAMED, ":a a :Thing .")
    assert json.loads(report.to_json()) == {
        "conforms": False,
        "blocks": True,
        "counts": {"Violation": 1, "Warning": 0, "Info": 0},
        "checked": {"shapes": 1, "focus_nodes": 1, "triples": 1},
        "results": [
            {
                "focus": X + "a",
                "path": X + "name",
                "value": "",
                "severity": SH + "Violation",
                "component": SH + "MinCountConstraintComponent",
                "shape": X + "Named-name",
                "constraint": "",
                "message": "A thing has a name.",
                "origin": str(tmp_path / "data.ttl"),
            }
        ],
    }


def result(n: int, message: str = "Correct it.", severity: str = "Violation") -> Result:
    return Result(
        focus=f"https://chancery.example/id/claim/{n:016x}",
        path=CH + "stance",
        value=CH + "stance-odd",
        severity=SH + severity,
        component=SH + "InConstraintComponent",
        shape="https://w3id.org/chancery/shapes#Claim-stance",
        constraint="",
        message=message,
        origin=f"facts/a.yaml:{n}",
    )


def test_table_groups_by_shape_and_counts_the_rest() -> None:
    report = Report((*(result(n) for n in range(1, 8)), result(9, severity="Warning")))
    assert report.to_table() == (
        "Does not conform: 7 violations, 1 warning.\n"
        "\n"
        "Violation  Claim-stance  (In)  7 results\n"
        "  Correct it.\n"
        + "".join(
            f"    facts/a.yaml:{n}  claim/{n:016x}  ch:stance  = ch:stance-odd\n"
            for n in range(1, 6)
        )
        + "    and 2 more, in the JSON and Turtle reports\n"
        "\n"
        "Warning  Claim-stance  (In)  1 result\n"
        "  Correct it.\n"
        "    facts/a.yaml:9  claim/0000000000000009  ch:stance  = ch:stance-odd\n"
    )


def test_table_tells_messages_that_differ_beside_each_result() -> None:
    one = result(1, f"It leads to {CH}stance-odd, see https://chancery.example/id/agent/belmark.")
    table = Report((one, result(2, "Another one."))).to_table()
    assert "      It leads to ch:stance-odd, see agent/belmark.\n" in table
    assert "      Another one.\n" in table


def test_only_warnings_still_conform_in_words() -> None:
    table = Report((result(1, severity="Warning"),)).to_table()
    assert table.startswith("Does not conform, but nothing blocks: 1 warning.\n")


SCRIPT = """
import sys
from pathlib import Path
from kg.validate import load_shapes, validate_files
folder = Path(sys.argv[1])
report = validate_files([folder / "data.ttl"], load_shapes([folder / "shapes.ttl"]))
sys.stdout.write(report.to_turtle() + report.to_json() + report.to_table())
"""


def test_reports_are_the_same_bytes_under_any_hash_seed(tmp_path: Path) -> None:
    data = "".join(f':n{n} a :Thing , :T ; :name "x{n}"@en . [] a :T .\n' for n in range(9))
    (tmp_path / "data.ttl").write_text(PREFIXES + data)
    (tmp_path / "shapes.ttl").write_text(PREFIXES + NESTED + PATHS)
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
    assert b"Does not conform" in outputs.pop()
