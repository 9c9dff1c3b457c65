from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx2
import pyoxigraph as ox
import pytest
import rdflib

from kg.vocab import COMMON as IMPORTED
from kg.vocab import RDFS
from kg.web import negotiation as n
from kg.web.protocol import PROBLEM, PROBLEMS

LABELS = "SELECT ?s ?l WHERE { ?s rdfs:label ?l } ORDER BY ?s ?l"
BASE = "https://kg.example/"
COMMON = {"access-control-allow-origin": "*", "x-content-type-options": "nosniff"}
FORM = "application/x-www-form-urlencoded"
QUERY = "application/sparql-query"
RESULTS = "{http://www.w3.org/2005/sparql-results#}"


def check_problem(answer: httpx2.Response, status: int, reason: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == PROBLEM + reason
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert answer.headers["kg-release"] == body["release"] == "a1b2c3"
    assert {name: answer.headers[name] for name in COMMON} == COMMON
    return body


# --- the three ways to ask ---


def test_the_three_ways_to_ask_give_one_answer(server: Any) -> None:
    client = server.client
    answers = [
        client.get("/sparql", params={"query": LABELS}),
        client.get("/sparql/", params={"query": LABELS}),
        client.post("/sparql", data={"query": LABELS}),
        client.post("/sparql", content=LABELS, headers={"content-type": QUERY}),
        client.post(
            "/sparql/", content=LABELS, headers={"content-type": f'{QUERY}; charset="UTF-8"'}
        ),
        client.post(
            "/sparql", data={"query": LABELS}, headers={"content-type": f"{FORM};charset=utf-8"}
        ),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/sparql-results+json"
        assert answer.headers["vary"] == "Accept, Accept-Encoding"
        assert answer.headers["kg-release"] == "a1b2c3"
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert {name: answer.headers[name] for name in COMMON} == COMMON
        assert answer.content == answers[0].content
    found = answers[0].json()
    assert found["head"]["vars"] == ["s", "l"]
    assert [row["l"]["value"] for row in found["results"]["bindings"]] == [
        "Kim Jong Un",
        "কিম জং উন",
        "TASS",
        "тасс",
        'a "visit",\nin two lines',
    ]


def post(content: Any, media_type: str | None, **options: Any) -> dict[str, Any]:
    headers = {"content-type": media_type, **options.pop("headers", {})} if media_type else {}
    return {"method": "POST", "content": content, "headers": headers, **options}


def get(**params: Any) -> dict[str, Any]:
    return {"method": "GET", "params": params}


@pytest.mark.parametrize(
    ("asked", "status", "reason"),
    [
        (get(query=["ASK {}", "ASK {}"]), 400, "parameter"),
        (get(query=""), 400, "syntax"),
        (get(update="CLEAR ALL"), 400, "update"),
        (get(query="CLEAR ALL"), 400, "update"),
        (get(query="ASK {}", format="pdf"), 400, "parameter"),
        (get(query="ASK {}", timeout="soon"), 400, "parameter"),
        (get(query="ASK {}", timeout="-1"), 400, "parameter"),
        (get(query="ASK {}", timeout="nan"), 400, "parameter"),
        (get(x=["1"] * 2000), 400, "parameter"),
        ({"method": "GET", "url": "/sparql?query=%FF"}, 400, "parameter"),
        (post("update=CLEAR+ALL", FORM), 400, "update"),
        (post("x=y", FORM), 400, "parameter"),
        (post("query=ASK{}", FORM, params={"query": "ASK {}"}), 400, "parameter"),
        (post("ASK {}", None), 415, "media-type"),
        (post("ASK {}", "text/plain"), 415, "media-type"),
        (post("CLEAR ALL", "application/sparql-update"), 415, "media-type"),
        (post("ASK {}", f"{QUERY}; charset=utf-16"), 415, "media-type"),
        (post("ASK {}", QUERY, headers={"content-encoding": "gzip"}), 415, "media-type"),
        (post(b"ASK { \xff }", QUERY), 400, "parameter"),
        (post("ASK {}", QUERY, params={"query": "ASK {}"}), 400, "parameter"),
        (post(b" " * (5 << 20), QUERY), 413, "length"),
        (post([b" " * (1 << 20)] * 5, QUERY), 413, "length"),
        (post(b"ASK{}" + b" " * (1 << 20), QUERY), 413, "length"),
        ({"method": "PUT", "content": b"ASK {}"}, 405, "method"),
        ({"method": "DELETE"}, 405, "method"),
        ({"method": "PATCH", "content": b""}, 405, "method"),
    ],
)
def test_refuses_requests_that_are_none(
    server: Any, asked: dict[str, Any], status: int, reason: str
) -> None:
    answer = server.client.request(**{"url": "/sparql", **asked})
    check_problem(answer, status, reason)
    if status == 405:
        assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    if status == 415:
        assert answer.headers["accept-post"] == f"{QUERY}, {FORM}"


def test_head_has_the_headers_of_get_and_no_body(server: Any) -> None:
    get = server.client.get("/sparql", params={"query": LABELS})
    head = server.client.head("/sparql", params={"query": LABELS})
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "vary", "kg-release"):
        assert head.headers[name] == get.headers[name]
    assert server.client.head("/sparql", params={"query": "nonsense"}).status_code == 400
    large = server.client.head("/sparql", params={"query": "SELECT * { ?s ?p ?o }"})
    assert (large.status_code, large.content) == (200, b"")
    assert server.values("SELECT (1 AS ?one) {}") == ["1"]


def test_options_says_what_is_allowed_also_to_other_sites(server: Any) -> None:
    answer = server.client.options(
        "/sparql",
        headers={"origin": "https://other.example", "access-control-request-method": "POST"},
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "Content-Type" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers


# --- formats ---


def test_all_formats_of_results_say_the_same(server: Any) -> None:
    expected = {
        (f"{BASE}id/agent/kim-jong-un", "Kim Jong Un"),
        (f"{BASE}id/agent/kim-jong-un", "কিম জং উন"),
        (f"{BASE}id/agent/tass", "TASS"),
        (f"{BASE}id/agent/tass", "тасс"),
        (f"{BASE}id/event/visit", 'a "visit",\nin two lines'),
    }
    for format_, name in ((n.JSON, "json"), (n.XML, "xml"), (n.TSV, "tsv")):
        answer = server.get(LABELS, headers={"accept": format_.media_type})
        assert answer.headers["content-type"] == format_.content_type
        parsed = ox.parse_query_results(answer.content, ox.QueryResultsFormat.from_extension(name))
        assert isinstance(parsed, ox.QuerySolutions)
        assert {(row["s"].value, row["l"].value) for row in parsed} == expected
    answer = server.get(LABELS, headers={"accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert rows[0] == ["s", "l"]
    assert {(s, label) for s, label in rows[1:]} == expected


@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")
def test_all_formats_of_graphs_say_the_same(server: Any) -> None:
    query = "DESCRIBE agent:tass"
    expected = {
        (f"{BASE}id/agent/tass", "http://www.w3.org/2000/01/rdf-schema#label", "TASS"),
        (f"{BASE}id/agent/tass", "http://www.w3.org/2000/01/rdf-schema#label", "тасс"),
        (
            f"{BASE}id/agent/tass",
            "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
            "https://w3id.org/chancery/ontology#Agent",
        ),
    }
    for format_ in n.GRAPH_FORMATS:
        answer = server.get(query, headers={"accept": format_.media_type})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == format_.content_type
        parsed = ox.parse(answer.content, ox.RdfFormat.from_media_type(format_.media_type))
        assert {(q.subject.value, q.predicate.value, q.object.value) for q in parsed} == expected
        # A second implementation reads the same.
        graph = rdflib.Dataset(default_union=True)
        graph.parse(data=answer.content, format=format_.media_type)
        assert {tuple(map(str, triple)) for triple in graph.triples((None, None, None))} == expected


def test_turtle_uses_prefixes(server: Any) -> None:
    text = server.get("DESCRIBE agent:tass", headers={"accept": "text/turtle"}).text
    assert f"@prefix agent: <{BASE}id/agent/> ." in text
    assert "agent:tass a ch:Agent" in text
    assert "@prefix prov:" not in text


def test_booleans(server: Any) -> None:
    assert server.get("ASK { agent:tass ?p ?o }").json()["boolean"] is True
    assert server.get("ASK { agent:nobody ?p ?o }").json()["boolean"] is False
    xml = server.get("ASK {}", headers={"accept": "application/sparql-results+xml"})
    assert "<boolean>true</boolean>" in xml.text


@pytest.mark.parametrize(
    ("query", "accept", "format_", "expected"),
    [
        ("ASK {}", "text/csv;q=0.1, application/sparql-results+xml", "", n.XML.media_type),
        ("ASK {}", "application/json", "", "application/json"),
        ("ASK {}", "text/turtle", "xml", n.XML.media_type),
        ("ASK {}", "text/html,application/xhtml+xml,*/*;q=0.8", "", n.JSON.media_type),
        ("ASK {}", "*/*", "text/csv", n.CSV.content_type),
        ("DESCRIBE <x:y>", "*/*", "", n.TURTLE.content_type),
        ("DESCRIBE <x:y>", "application/*", "", n.JSONLD.media_type),
        ("DESCRIBE <x:y>", "text/turtle;q=0, */*;q=0.1", "", n.JSONLD.media_type),
        ("DESCRIBE <x:y>", "text/csv", "ntriples", None),
        ("DESCRIBE <x:y>", "text/csv", "n-triples", n.NTRIPLES.media_type),
    ],
)
def test_negotiates(
    server: Any, query: str, accept: str, format_: str, expected: str | None
) -> None:
    params = {"format": format_} if format_ else {}
    answer = server.get(query, params=params, headers={"accept": accept})
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    if expected is None:
        check_problem(answer, 400, "parameter")
    else:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == expected


@pytest.mark.parametrize(
    ("query", "accept", "format_", "available"),
    [
        ("ASK {}", "text/turtle", "", "text/csv"),
        ("ASK {}", "*/*", "turtle", "text/csv"),
        ("ASK {}", "image/png", "", "text/csv"),
        ("CONSTRUCT WHERE { ?s ?p ?o }", "text/csv", "", "text/turtle"),
        ("CONSTRUCT WHERE { ?s ?p ?o }", "*/*", "csv", "text/turtle"),
        ("ASK {}", "*/*;q=0", "", "text/csv"),
    ],
)
def test_says_what_there_is_where_nothing_fits(
    server: Any, query: str, accept: str, format_: str, available: str
) -> None:
    params = {"format": format_} if format_ else {}
    answer = server.get(query, params=params, headers={"accept": accept})
    assert available in check_problem(answer, 406, "format")["available"]


def test_several_accept_headers_are_one(server: Any) -> None:
    headers = [("accept", "text/csv;q=0.5"), ("accept", "application/sparql-results+xml")]
    assert server.get("ASK {}", headers=headers).headers["content-type"] == n.XML.media_type


# --- the dataset ---


def test_the_default_graph_is_the_union_as_a_set(server: Any) -> None:
    assert server.values("SELECT (COUNT(*) AS ?n) { ?a a ch:Agent }") == ["2"]
    assert server.values("SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?a a ch:Agent } }") == ["3"]


def test_several_graphs_make_a_set_too(server: Any) -> None:
    both = f"FROM <{BASE}id/graph/registry> FROM <{BASE}id/graph/seoul>"
    query = "SELECT (COUNT(*) AS ?n) %s { ?a a ch:Agent }"
    assert server.values(query % both) == ["2"]
    assert server.values(query % f"FROM <{BASE}id/graph/seoul>") == ["1"]
    answer = server.get(
        query % "",
        params={"default-graph-uri": [f"{BASE}id/graph/registry", f"{BASE}id/graph/seoul"]},
    )
    assert answer.json()["results"]["bindings"][0]["n"]["value"] == "2"


def test_from_is_obeyed_and_parameters_win(server: Any) -> None:
    named = "SELECT ?g FROM NAMED graph:seoul { GRAPH ?g { ?a a ch:Agent } }"
    assert server.values(named) == [f"{BASE}id/graph/seoul"]
    assert server.values("SELECT * FROM NAMED graph:seoul { ?a a ch:Agent }") == []
    assert server.values("SELECT ?g FROM graph:seoul { GRAPH ?g { ?a a ch:Agent } }") == []
    query = "SELECT ?a FROM graph:registry { ?a a ch:Agent }"
    assert len(server.values(query)) == 2
    for method in ("GET", "FORM", "POST"):
        dataset = {"default-graph-uri": f"{BASE}id/graph/seoul"}
        if method == "GET":
            answer = server.get(query, params=dataset)
        elif method == "FORM":
            answer = server.client.post("/sparql", data={"query": query, **dataset})
        else:
            answer = server.client.post(
                "/sparql", params=dataset, content=query, headers={"content-type": QUERY}
            )
        assert len(answer.json()["results"]["bindings"]) == 1
        unknown = server.get("SELECT ?a FROM <http://a.example/> { ?a a ch:Agent }", params=dataset)
        assert len(unknown.json()["results"]["bindings"]) == 1
    answer = server.get(
        "SELECT ?g { GRAPH ?g { ?a a ch:Agent } }",
        params={"named-graph-uri": f"{BASE}id/graph/seoul"},
    )
    assert len(answer.json()["results"]["bindings"]) == 1


@pytest.mark.parametrize(
    "graph", ["file:///etc/passwd", "http://127.0.0.1:9/", f"{BASE}id/graph/nothing", "not an iri"]
)
def test_nothing_is_loaded(server: Any, graph: str) -> None:
    for name in ("default-graph-uri", "named-graph-uri"):
        check_problem(server.get("ASK {}", params={name: graph}), 400, "graph")
    if " " not in graph:
        for clause in ("FROM", "FROM NAMED"):
            body = check_problem(server.get(f"ASK\n{clause} <{graph}> {{}}"), 400, "graph")
            assert body["line"] == 2


def test_a_store_without_the_union_is_served_too(
    new_release: Callable[..., Path], tmp_path: Path
) -> None:
    from kg.web.pool import run_once

    release = new_release(tmp_path, union=False)
    query = "SELECT (COUNT(DISTINCT ?a) AS ?n) { ?a a ch:Agent }"
    assert list(run_once(release, query, "text/csv")) == [("text/csv", b"n\r\n2\r\n")]


# --- prefixes and errors ---


def test_prefixes_need_no_declaration_and_give_way_to_one(server: Any) -> None:
    assert server.values("SELECT ?a { ?a a ch:Agent . FILTER(?a = agent:tass) }") == [
        f"{BASE}id/agent/tass"
    ]
    assert server.values("PREFIX agent: <http://other/> SELECT ?a { BIND(agent:x AS ?a) }") == [
        "http://other/x"
    ]


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [
        ("SELECT * {\n  ?s ?p ?o .\n  ?s ?p\n}", 4, 1),
        ("SELECT * {\n  ?s no:p ?o\n}", 2, 6),
        ("SELECT ?a {}\nGROUP", 2, 6),
        ("SELECT * { 'কিম' ?p }", 1, 21),
        ("hello", 1, 1),
    ],
)
def test_syntax_errors_have_line_and_column(
    server: Any, query: str, line: int, column: int
) -> None:
    body = check_problem(server.get(query), 400, "syntax")
    assert (body["line"], body["column"]) == (line, column)


def test_every_problem_has_a_status_and_a_title() -> None:
    from typing import get_args

    from kg.web.guard import Reason

    assert set(PROBLEMS) == set(get_args(Reason))


def test_update_by_the_media_type_is_named_as_such(server: Any) -> None:
    answer = server.client.post(
        "/sparql",
        content="INSERT DATA { <x:a> <x:b> <x:c> }",
        headers={"content-type": "application/sparql-update"},
    )
    assert "updates are refused" in check_problem(answer, 415, "media-type")["detail"]


# --- the service description ---


def test_describes_itself(server: Any) -> None:
    for path in ("/sparql", "/sparql/"):
        answer = server.client.get(path, headers={"accept": "text/turtle"})
        assert answer.headers["content-type"] == "text/turtle; charset=utf-8"
        graph = rdflib.Graph().parse(data=answer.content, format="turtle")
        rows = list(
            graph.query(
                """
                PREFIX sd: <http://www.w3.org/ns/sparql-service-description#>
                PREFIX void: <http://rdfs.org/ns/void#>
                SELECT ?name ?n {
                  ?service a sd:Service ; sd:endpoint ?service ; sd:feature sd:UnionDefaultGraph ;
                    sd:supportedLanguage sd:SPARQL11Query ; sd:defaultDataset ?dataset .
                  ?dataset sd:namedGraph [ sd:name ?name ; sd:graph [ void:triples ?n ] ] .
                } ORDER BY ?name"""
            )
        )
        assert [(str(row[0]), int(row[1])) for row in rows] == [
            (f"{BASE}id/graph/many", 60_000),
            (f"{BASE}id/graph/registry", 6),
            (f"{BASE}id/graph/seoul", 2),
        ]
        sd = rdflib.Namespace("http://www.w3.org/ns/sparql-service-description#")
        void = rdflib.Namespace("http://rdfs.org/ns/void#")
        service = rdflib.URIRef(f"{BASE}sparql")
        assert set(graph.objects(service, sd.feature)) == {sd.UnionDefaultGraph}
        assert graph.value(service, sd.availableGraphs) == graph.value(service, sd.defaultDataset)
        assert graph.value(predicate=void.sparqlEndpoint, object=service) == rdflib.URIRef(
            f"{BASE}dataset"
        )
        assert str(graph.value(service, sd.defaultEntailmentRegime)).endswith("/Simple")
        formats = graph.objects(
            None, rdflib.URIRef("http://www.w3.org/ns/sparql-service-description#resultFormat")
        )
        assert len(set(formats)) == 10


def test_the_description_comes_in_all_formats(server: Any) -> None:
    sizes = set()
    for format_ in n.GRAPH_FORMATS:
        answer = server.client.get("/sparql", params={"format": format_.name})
        assert answer.headers["content-type"] == format_.content_type
        sizes.add(
            len(set(ox.parse(answer.content, ox.RdfFormat.from_media_type(format_.media_type))))
        )
    assert len(sizes) == 1
    check_problem(server.client.get("/sparql", headers={"accept": "text/csv"}), 406, "format")


# --- the graph store ---


def test_reads_graphs(server: Any) -> None:
    answer = server.client.get("/graphs", params={"graph": f"{BASE}id/graph/seoul"})
    assert answer.headers["content-type"] == "text/turtle; charset=utf-8"
    assert answer.headers["kg-release"] == "a1b2c3"
    assert len(set(ox.parse(answer.content, ox.RdfFormat.TURTLE))) == 2
    for name, graph in (("nq", f"{BASE}id/graph/seoul"), ("trig", f"{BASE}id/graph/seoul")):
        found = server.client.get("/graphs", params={"graph": graph, "format": name})
        quads = list(ox.parse(found.content, ox.RdfFormat.from_extension(name)))
        assert {quad.graph_name.value for quad in quads} == {graph}
    head = server.client.head("/graphs/", params={"graph": f"{BASE}id/graph/seoul"})
    assert (head.status_code, head.content) == (200, b"")
    answer = server.client.get("/graphs?default", headers={"accept": "application/n-triples"})
    lines = answer.content.splitlines()
    assert len(lines) == len(set(lines)) == 60_007


@pytest.mark.parametrize(
    ("method", "query", "status", "reason"),
    [
        ("GET", "", 400, "parameter"),
        ("GET", "?default&graph=https://kg.example/id/graph/seoul", 400, "parameter"),
        ("GET", "?graph=x:a&graph=x:b", 400, "parameter"),
        ("GET", "?graph=https://kg.example/id/graph/nothing", 404, "not-found"),
        ("GET", "?graph=file:///etc/passwd", 404, "not-found"),
        ("GET", "?default&format=csv", 400, "parameter"),
        ("PUT", "?default", 405, "method"),
        ("POST", "?default", 405, "method"),
        ("DELETE", "?graph=https://kg.example/id/graph/seoul", 405, "method"),
    ],
)
def test_refuses_other_requests_for_graphs(
    server: Any, method: str, query: str, status: int, reason: str
) -> None:
    answer = server.client.request(method, f"/graphs{query}")
    check_problem(answer, status, reason)
    if status == 405:
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


def test_graphs_negotiate(server: Any) -> None:
    answer = server.client.get("/graphs?default", headers={"accept": "text/csv"})
    assert "text/turtle" in check_problem(answer, 406, "format")["available"]
    assert server.client.options("/graphs").headers["allow"] == "GET, HEAD, OPTIONS"


# --- large answers ---


def test_a_large_answer_is_streamed_whole(server: Any) -> None:
    query = "SELECT ?s ?n { ?s ch:number ?n }"
    plain = {"accept-encoding": "identity"}
    with server.client.stream("GET", "/sparql", params={"query": query}, headers=plain) as answer:
        assert answer.status_code == 200
        assert "content-length" not in answer.headers
        found = json.loads(answer.read())
    numbers = {int(row["n"]["value"]) for row in found["results"]["bindings"]}
    assert numbers == set(range(60_000))


def test_a_row_limit_is_never_silent(start: Callable[..., Any]) -> None:
    server = start(workers=1, spares=0, rows=3)
    query = "SELECT ?s { ?s ch:number ?n } LIMIT 4"
    for _ in range(2):  # the second one is kept
        cut = server.get(query)
        assert cut.headers["kg-rows-cut"] == "3"
        assert cut.headers["link"] == f'<{BASE}download>; rel="related"'
        assert {"Kg-Rows-Cut", "Link", "ETag", "X-Request-Id"} <= set(
            cut.headers["access-control-expose-headers"].split(", ")
        )
        assert len(cut.json()["results"]["bindings"]) == 3
        assert cut.json()["head"]["link"] == [f"{BASE}download"]
        assert server.client.head("/sparql", params={"query": query}).headers["kg-rows-cut"] == "3"
    whole = server.get("SELECT ?s { ?s ch:number ?n } LIMIT 3")
    assert "kg-rows-cut" not in whole.headers
    assert "link" not in whole.headers
    graph = server.get("CONSTRUCT WHERE { ?s ch:number ?n }", headers={"accept": "text/turtle"})
    assert graph.headers["kg-rows-cut"] == "3"
    assert len(set(ox.parse(graph.content, ox.RdfFormat.TURTLE))) == 3


# --- what the engine does not do well ---


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_values_of_all_kinds_are_sorted(server: Any, direction: str) -> None:
    found = server.values(f"SELECT ?c {{ ?a ?b ?c }} ORDER BY {direction}(?c)")
    if direction == "DESC":
        found.reverse()
    number = found.index("0")
    assert found[number:] == [str(n) for n in range(60_000)]
    iris = [value for value in found[:number] if value.startswith("https:")]
    assert found[: len(iris)] == iris
    assert found[len(iris) : number] == sorted(found[len(iris) : number])


def test_what_cannot_be_sorted_is_said_to_be_so(server: Any) -> None:
    values = " ".join(f"{n * 37 % 101} '{n * 53 % 101}'" for n in range(101))
    query = f"SELECT ?x {{ VALUES ?x {{ {values} }} }} ORDER BY COALESCE(?x, ?y)"
    body = check_problem(server.get(query), 400, "evaluation")
    assert "STR(" in body["hint"]


def test_xml_holds_every_value_or_says_that_it_cannot(server: Any) -> None:
    xml = {"accept": "application/sparql-results+xml"}
    query = r'SELECT ("a\rb\r\n\u0085\uFFFDc ]]> " AS ?x) {}'
    answer = server.get(query, headers=xml)
    (literal,) = ElementTree.fromstring(answer.content).iter(f"{RESULTS}literal")
    assert literal.text == "a\rb\r\n\x85\ufffdc ]]> "
    for text in (r"\u0000", r"\u0001", r"\u001F", r"\uFFFE", r"\uFFFF", r"\b", r"\f"):
        query = f'SELECT ("{"x" * 8000}কিম{text}" AS ?x) {{}}'
        body = check_problem(server.get(query, headers=xml), 400, "evaluation")
        assert "U+" in body["detail"]
        assert server.get(query).status_code == 200
    for length in range(8150, 8200):  # a character may be cut in two
        query = f'SELECT ("{"x" * length}\ufffe" AS ?x) {{}}'
        check_problem(server.get(query, headers=xml), 400, "evaluation")


# --- the reference page, and a client of somebody else ---


def test_the_page_lists_what_there_is(checkout: Path) -> None:
    from kg.store import prefixes

    page = (checkout / "docs/reference/sparql.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", page, re.MULTILINE)
    assert {name: int(status) for name, status in rows} == {
        reason: status for reason, (status, _) in PROBLEMS.items()
    }
    for format_ in (*n.RESULT_FORMATS, *n.GRAPH_FORMATS):
        row = rf"^\|[^|]*\| `{format_.name}`[^|]*\| `{re.escape(format_.media_type)}`"
        assert re.search(row, page, re.MULTILINE), format_.name
    section = page.partition("## Prefixes")[2].partition("\n## ")[0]
    listed = {name for text in re.findall(r"`([^`]*)`", section) for name in text.split()}
    assert {f"{name}:" for name in (*prefixes(BASE), *IMPORTED)} <= listed


def test_a_client_of_rdflib_understands_all_of_it(server: Any) -> None:
    from rdflib.plugins.stores.sparqlstore import SPARQLStore

    for form in ("xml", "json", "csv", "tsv"):
        for method in ("GET", "POST", "POST_FORM"):
            store = SPARQLStore(f"{server.url}/sparql", returnFormat=form, method=method)
            rows = rdflib.Graph(store).query(LABELS.replace("rdfs:label", f"<{RDFS}label>"))
            assert len(list(rows)) == 5, (form, method)
