"""Pages of RDF that was imported: they say what it is, and whatever it holds leads somewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import pyoxigraph as ox
import pytest
from starlette.testclient import TestClient

from kg.config import Settings
from kg.dumps import dump
from kg.importing import import_release
from kg.web import describe
from kg.web.app import create_app
from kg.web.language import INTERFACE, Language

BASE = "https://chancery.example/"
BANNER = "<b>Imported RDF:</b> not mapped, not validated by this software."
BANNERS = tuple(Language(tag).gettext(BANNER) for tag in INTERFACE)
ODD = "http://data.example/a&b=c;'(d)?e=%20f#g\u0995"
TRIG = f"""
@prefix ex: <http://data.example/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix ch: <https://w3id.org/chancery/ontology#> .
@prefix id: <{BASE}id/> .
ex:kolkata a ex:City ; rdfs:label "Kolkata"@en, "কলকাতা"@bn, "कोलकाता"@hi ;
    ex:population 04496694 ; ex:tags ( "port" 2 ex:river [ foaf:name "a node" ] ) ;
    ex:script <javascript:alert(1)>, <urn:isbn:1>, <{ODD}> ; ex:odd "a\\u0001<b>&amp;\\u202e" .
<{ODD}> foaf:name "Odd <i>name</i>" ; ex:1 "no name of XML" ; foaf:knows _:n .
_:n foaf:knows _:n ; foaf:name "Knows itself" .
<{BASE}id/event/visit> a ch:Event ; rdfs:label "Visit"@en ; ch:actor [ rdfs:label "Nobody" ] .
<{BASE}id/event/visit.x> rdfs:label "No key" . <{BASE}about> rdfs:label "Beside id" .
_:claim ch:concerns <{BASE}id/event/visit> ; ch:stance ch:stance-affirms ; ch:claimant _:n .
ex:ontology {{
  ex:City a owl:Class ; rdfs:label "City"@en ;
    rdfs:subClassOf [ a owl:Restriction ; owl:onProperty ex:population ;
      owl:allValuesFrom [ owl:unionOf ( ex:A [ owl:unionOf ( ex:B ) ] ) ] ] .
}}
<{BASE}id/graph/named> {{
  ex:kolkata ex:population 4496694 . ex:{"x" * 300} ex:p "{"long " * 2000}" .
}}
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of releases with one that was imported."""
    folder = tmp_path_factory.mktemp("imported")
    file = folder / "cities.trig"
    file.write_text(TRIG, encoding="utf-8")
    import_release([str(file)], folder / "releases", base=BASE)
    return folder / "releases"


@pytest.fixture(scope="module")
def site(imported: Path, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(imported, settings), follow_redirects=False) as found:
        yield found


def resource(iri: str, suffix: str = "", **more: str) -> str:
    return f"/resource{suffix}?{urlencode({'iri': iri, **more})}"


def get(site: TestClient, path: str, accept: str = "text/html") -> Any:
    return site.get(path, headers={"Accept": accept})


@pytest.mark.timeout(300)
def test_every_page_says_what_it_is_and_every_link_leads_somewhere(
    site: TestClient, walk: Callable[[str], Any]
) -> None:
    starts = ["/", "/search?q=ko", "/query?query=SELECT+*+%7B+%3Fs+%3Fp+%3Fo+%7D", "/questions"]
    todo, seen, pages = list(starts), set(starts), 0
    while todo:
        path = todo.pop()
        answer = get(site, path, "text/html, */*;q=0.1")
        assert answer.status_code in (200, 303), f"{path}: {answer.status_code} {answer.text[:300]}"
        found = {answer.headers["location"]} if answer.status_code == 303 else set()
        if answer.headers.get("content-type", "").startswith("text/html"):
            assert any(banner in answer.text for banner in BANNERS), path
            assert "Events are described, never asserted" not in answer.text
            pages += 1
            found = {link for link in walk(answer.text).links() if link}
        for link in found:
            parts = urlsplit(urljoin(f"http://testserver{path}", link))
            assert parts.scheme in ("http", "https"), link
            if parts.netloc == "testserver":
                target = f"{parts.path}?{parts.query}" if parts.query else parts.path
                if target not in seen and not parts.path.endswith((".rdf", "manifest.json")):
                    seen.add(target)
                    todo.append(target)
    assert pages > 40
    assert resource("http://data.example/kolkata") in seen


def test_a_page_shows_names_values_lists_and_what_refers_to_it(site: TestClient) -> None:
    text = get(site, resource("http://data.example/kolkata")).text
    for words in (
        "<h1>Kolkata</h1>",
        '<span lang="bn" dir="auto">কলকাতা</span>',
        '<ol class="members"><li>port</li><li>2</li><li><a href="/resource?iri=http%3A%2F%2F',
        "a node",
        f'href="{resource(ODD)}"',
        "Odd &lt;i&gt;name&lt;/i&gt;",
        'href="/doc/graph/named"',
    ):
        assert words in text, words
    assert "<h1>কলকাতা" not in text
    in_bengali = get(site, resource("http://data.example/kolkata", lang="bn")).text
    assert "<h1>কলকাতা</h1>" in in_bengali
    river = get(site, resource("http://data.example/river")).text
    assert "What refers to it" in river
    restriction = get(site, resource("http://data.example/City")).text
    assert restriction.count('<div class="nested">') == 3
    assert "Knows itself" in get(site, resource(ODD)).text


def test_properties_classes_and_graphs_have_pages_too(site: TestClient) -> None:
    assert "Used as a property" in get(site, resource("http://data.example/population")).text
    assert "Kolkata" in get(site, resource("http://data.example/City")).text
    whole = get(site, resource("http://data.example/ontology")).text
    assert f'href="/graphs?{urlencode({"graph": "http://data.example/ontology"})}"' in whole


def test_addresses_of_data_keep_their_documents(site: TestClient) -> None:
    answer = get(site, resource(f"{BASE}id/event/visit"))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/doc/event/visit"
    assert get(site, "/id/event/visit").status_code == 303
    page = get(site, "/doc/event/visit")
    assert page.status_code == 200
    assert "described" in page.text
    nquads = get(site, "/doc/event/visit.nq").content
    found = list(ox.parse(nquads, format=ox.RdfFormat.N_QUADS))
    actors = [q.object for q in found if q.predicate.value.endswith("#actor")]
    assert [type(one) for one in actors] == [ox.BlankNode]
    assert get(site, resource(f"{BASE}id/event/visit.x")).status_code == 200
    assert get(site, resource(f"{BASE}about")).status_code == 200


@pytest.mark.parametrize("suffix", ["ttl", "nt", "nq", "trig", "jsonld", "rdf"])
def test_the_formats_hold_the_same_statements(
    site: TestClient, imported: Path, suffix: str
) -> None:
    iri = "http://data.example/City"
    answer = get(site, resource(iri, f".{suffix}"))
    assert answer.status_code == 200
    form = ox.RdfFormat.from_extension(suffix)
    assert form is not None
    found = {quad.triple for quad in ox.parse(answer.content, format=form)}
    data = dump(imported / "current", "graph.nq")
    whole = {quad.triple for quad in ox.parse(data, format=ox.RdfFormat.N_QUADS)}

    def closure(node: Any) -> set[Any]:
        own = {triple for triple in whole if triple.subject == node}
        return own.union(
            *(closure(one.object) for one in own if isinstance(one.object, ox.BlankNode))
        )

    expected = closure(ox.NamedNode(iri)) | {t for t in whole if t.object == ox.NamedNode(iri)}
    names = {t for t in found if t.predicate.value.endswith("label")}
    if suffix == "rdf":  # which gives blank nodes other labels
        assert len(found) == len(expected | names)
    else:
        assert expected <= found
        assert found - expected <= names


def test_what_a_format_cannot_carry_is_not_written_in_it(site: TestClient) -> None:
    for iri, words in (
        (ODD, "http://data.example/1 does not end in a name of XML"),
        ("http://data.example/kolkata", "U+0001"),
    ):
        answer = get(site, resource(iri, ".rdf"))
        assert answer.status_code == 406
        assert words in answer.text
        for suffix in ("ttl", "nt", "nq", "trig", "jsonld"):
            assert get(site, resource(iri, f".{suffix}")).status_code == 200


def test_no_answer_is_xml_that_nobody_can_read(site: TestClient) -> None:
    for accept, status in (("application/rdf+xml", 400), ("text/turtle", 200)):
        for query in (f"DESCRIBE <{ODD}>", 'CONSTRUCT { <urn:x:a> <urn:x:b> "\\u0001" } {}'):
            answer = site.get("/sparql", params={"query": query}, headers={"Accept": accept})
            assert answer.status_code == status, answer.text
            assert ("RDF/XML cannot carry" in answer.text) == (status == 400)
    answer = site.get(
        "/graphs",
        params={"graph": f"{BASE}id/graph/cities"},
        headers={"Accept": "application/rdf+xml"},
    )
    assert answer.status_code == 400


def test_formats_are_negotiated_and_answers_are_kept(site: TestClient) -> None:
    path = resource("http://data.example/City")
    answer = get(site, path, "text/turtle")
    assert answer.headers["content-type"].startswith("text/turtle")
    assert answer.headers["content-location"] == path.replace("/resource?", "/resource.ttl?")
    again = site.get(
        path, headers={"Accept": "text/turtle", "If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304
    assert get(site, path, "image/png").status_code == 406


@pytest.mark.parametrize(
    ("iri", "status"),
    [
        ("", 400),
        ("nothing", 400),
        ("http://a b/", 400),
        ("http://a.example/> ?p ?o } #", 400),
        ("_:f1b0", 400),
        ("http://a.example/" + "x" * 9000, 400),
        ("http://nowhere.example/", 404),
        ("javascript:alert(1)", 200),
    ],
)
def test_any_text_as_an_iri_has_an_answer(site: TestClient, iri: str, status: int) -> None:
    answer = get(site, resource(iri))
    assert answer.status_code == status
    assert 'href="javascript:' not in answer.text


@pytest.mark.parametrize(
    "path",
    ["/ontology", "/ontology.ttl", "/shapes", "/shapes.rdf", "/facts/schema.json"],
)
def test_what_an_import_does_not_have_is_said(site: TestClient, path: str) -> None:
    answer = get(site, path, "*/*")
    assert answer.status_code == 404
    assert "RDF that was imported" in answer.text


def test_the_home_page_shows_what_there_is(site: TestClient) -> None:
    text = get(site, "/").text
    assert "<h1>cities.trig</h1>" in text
    assert f'<a href="{resource("http://data.example/City")}">City</a>' in text
    assert 'href="/questions"' not in text
    assert 'href="/ontology"' not in text
    for link in ("/query", "/download", "/dataset"):
        assert f'href="{link}"' in text


def test_no_licence_and_no_conformance_is_claimed(site: TestClient) -> None:
    for path in ("/", "/dataset", "/download"):
        text = get(site, path).text
        assert "creativecommons" not in text
        assert 'rel="license' not in text
        assert "Conforms to the shapes" not in text
    dataset = get(site, "/dataset").text
    assert "none is claimed" in dataset
    assert "no: the files are published as they are" in dataset
    assert "Literals rewritten</dt><dd>1," in dataset
    assert "cities.trig" in dataset


def test_names_are_found_in_any_script_and_lead_to_pages(site: TestClient) -> None:
    for words, iri in (("কলকা", "http://data.example/kolkata"), ("odd", ODD)):
        answer = get(site, f"/search?q={quote(words)}", "application/json")
        assert [hit["iri"] for hit in answer.json()["hits"]] == [iri]
        assert f'href="{resource(iri)}"' in get(site, f"/search?q={quote(words)}").text


def test_a_result_shows_blank_nodes_as_such_and_names_what_has_a_name(site: TestClient) -> None:
    query = "SELECT ?a ?b ?c { ?a foaf:knows ?b BIND(<http://data.example/kolkata> AS ?c) }"
    text = get(site, f"/query?{urlencode({'query': query})}").text
    assert "<td>_:f1b" in text
    assert ">Kolkata</a>" in text


def test_the_description_for_programs_names_the_route(site: TestClient) -> None:
    description = get(site, "/openapi.json", "*/*").json()
    parameters = description["paths"]["/resource"]["get"]["parameters"]
    assert [one["name"] for one in parameters] == ["iri", "format", "page", "lang"]


def test_a_built_release_has_none_of_this(client: TestClient) -> None:
    assert BANNER not in client.get("/", headers={"Accept": "text/html"}).text
    assert client.get(resource("http://www.wikidata.org/entity/Q1")).status_code == 404


def test_a_character_that_no_label_has_is_shown_all_the_same(client: TestClient) -> None:
    query = urlencode({"query": 'SELECT ("\\u0001" AS ?x) {}'})
    assert client.get(f"/query?{query}", headers={"Accept": "text/html"}).status_code == 200


def test_a_vocabulary_that_was_imported_is_shown(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "vocabulary.ttl"
    file.write_text(
        "@prefix ch: <https://w3id.org/chancery/ontology#> .\n"
        "@prefix owl: <http://www.w3.org/2002/07/owl#> .\n"
        "ch:Event a owl:Class ; owl:disjointWith [ a owl:Class ] .\n"
    )
    import_release([str(file)], tmp_path / "out", base=BASE)
    with TestClient(create_app(tmp_path / "out", settings)) as found:
        page = get(found, "/ontology")
        assert page.status_code == 200
        assert 'id="Event"' in page.text


CYCLES = f"""
@prefix ch: <https://w3id.org/chancery/ontology#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix claim: <{BASE}id/claim/> .
@prefix relation: <{BASE}id/relation/> .
@prefix event: <{BASE}id/event/> .
@prefix agent: <{BASE}id/agent/> .
event:q a ch:Event, ch:Proposition ; rdfs:label "Landing"@en ; ch:topic event:q2 .
event:q2 a ch:Event, ch:Proposition ; rdfs:label "Raid"@en ; ch:topic event:q .
agent:a a ch:Person, ch:Agent ; rdfs:label "Speaker"@en .
claim:c1 a ch:Claim ; rdfs:label "Relay one"@en ; ch:relays claim:c2 ; ch:claimant agent:a ;
    ch:stance ch:stance-affirms .
claim:c2 a ch:Claim ; rdfs:label "Relay two"@en ; ch:relays claim:c1 ; ch:claimant agent:a ;
    ch:stance ch:stance-affirms .
relation:r1 a ch:Relation, ch:Proposition ; rdfs:label "Tie one"@en ; ch:subject relation:r2 ;
    ch:relationType ch:relation-purpose-of ; ch:object event:q .
relation:r2 a ch:Relation, ch:Proposition ; rdfs:label "Tie two"@en ; ch:subject relation:r1 ;
    ch:relationType ch:relation-purpose-of ; ch:object event:q .
"""


def test_what_leads_back_to_itself_is_shown(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "cycles.ttl").write_text(CYCLES, encoding="utf-8")
    import_release([str(tmp_path / "cycles.ttl")], tmp_path / "out", base=BASE)
    with TestClient(create_app(tmp_path / "out", settings)) as found:
        paths = [f"/doc/claim/c{n}" for n in (1, 2)] + [f"/doc/relation/r{n}" for n in (1, 2)]
        paths += ["/doc/event/q", "/search?q=relay", "/search?q=tie", "/suggest?q=relay"]
        paths += [f"/query?query=SELECT+?s+{{?s+a+ch:{name}}}" for name in ("Claim", "Relation")]
        for path in paths:
            for lang in INTERFACE:
                answer = get(found, f"{path}{'&' if '?' in path else '?'}lang={lang}")
                assert answer.status_code == 200, (path, lang)


def test_nothing_is_said_of_positions_that_are_not_read(imported: Path, settings: Settings) -> None:
    """Search has the names of imported RDF and no more: it says neither that nobody claims it."""
    with TestClient(create_app(imported, settings)) as found:
        page = get(found, "/search?q=visit").text
        assert "Visit" in page
        assert "no claim" not in page
        (hit,) = [
            hit
            for hit in found.get("/search?q=visit&format=json").json()["hits"]
            if hit["iri"].endswith("/event/visit")
        ]
        assert hit["positions"] is None
        notes = found.get("/suggest?q=visit").json()["suggestions"][0]["notes"]
        assert not [note for note in notes if "no claim" in note["text"]]


def test_more_than_a_page_is_paged(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "hub.nt"
    lines = [f"<urn:hub> <urn:has> <urn:x:{n}> .\n<urn:x:{n}> a <urn:C> .\n" for n in range(250)]
    file.write_text("".join(lines).replace(" a ", " <urn:type> "))
    import_release([str(file)], tmp_path / "out", base=BASE)
    with TestClient(create_app(tmp_path / "out", settings)) as found:
        seen = set()
        pages = 250 // describe.PAGE
        for page in range(1, pages + 1):
            answer = get(found, resource("urn:hub", ".nt", page=str(page)), "*/*")
            seen |= {q.object for q in ox.parse(answer.content, format=ox.RdfFormat.N_TRIPLES)}
            text = get(found, resource("urn:hub", page=str(page))).text
            assert ('rel="next"' in text) == (page < pages)
        assert len(seen) == 250
        assert get(found, resource("urn:hub", page=str(pages + 1))).status_code == 404


def test_the_context_shortens_no_iri(site: TestClient) -> None:
    context = json.loads(get(site, "/context.jsonld", "*/*").content)["@context"]
    assert context == {"id": "@id", "type": "@type"}
