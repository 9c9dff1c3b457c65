"""What HTTP promises: negotiation, caching, headers, errors in the format asked for, files."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import rdflib
from starlette.testclient import TestClient

from kg.config import Settings
from kg.dumps import dump
from kg.manifest import read_parts
from kg.vocab import graph_iri
from kg.web import front
from kg.web.app import create_app

# rdflib's own reader of JSON-LD uses a class that rdflib has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")

HTML = {"Accept": "text/html"}
EVENT = "/doc/event/radar-delivery"
MEDIA = {
    "html": "text/html; charset=utf-8",
    "ttl": "text/turtle; charset=utf-8",
    "jsonld": "application/ld+json",
    "nt": "application/n-triples",
    "nq": "application/n-quads",
    "trig": "application/trig",
    "rdf": "application/rdf+xml",
}


@pytest.mark.parametrize("suffix", MEDIA)
def test_formats_by_suffix_and_by_accept(client: TestClient, suffix: str) -> None:
    by_suffix = client.get(f"{EVENT}.{suffix}", headers={"Accept": "image/png"})
    assert by_suffix.status_code == 200
    assert by_suffix.headers["content-type"] == MEDIA[suffix]
    by_accept = client.get(EVENT, headers={"Accept": MEDIA[suffix].partition(";")[0]})
    assert by_accept.headers["content-type"] == MEDIA[suffix]
    assert by_accept.content == by_suffix.content
    assert by_accept.headers["content-location"] == f"{EVENT}.{suffix}"
    assert "Accept" in by_accept.headers["vary"]
    assert by_accept.headers["etag"] == by_suffix.headers["etag"]


def test_browsers_get_html_and_so_does_whoever_does_not_mind(client: TestClient) -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for accept in (browser, "*/*"):
        response = client.get(EVENT, headers={"Accept": accept})
        assert response.headers["content-type"] == MEDIA["html"]


def test_json_is_json_ld(client: TestClient) -> None:
    for path in (EVENT, "/ontology"):
        response = client.get(path, headers={"Accept": "application/json"})
        assert response.headers["content-type"] == MEDIA["jsonld"]
        assert response.content == client.get(f"{path}.jsonld").content


@pytest.mark.parametrize("path", [EVENT, "/ontology", "/dataset", "/search", "/sparql"])
def test_pages_vary_by_format_and_language(client: TestClient, path: str) -> None:
    assert client.get(path, headers=HTML).headers["vary"] == (
        "Accept, Accept-Language, Cookie, Accept-Encoding"
    )


def test_results_as_plain_xml(client: TestClient) -> None:
    response = client.get(
        "/sparql", params={"query": "ASK {}"}, headers={"Accept": "application/xml"}
    )
    assert response.headers["content-type"] == "application/xml"
    assert "<boolean>true</boolean>" in response.text


def test_home_says_where_the_dataset_is_described(client: TestClient) -> None:
    assert client.get("/").headers["link"] == '</dataset>; rel="describedby"'


@pytest.mark.parametrize(("violations", "said"), [(0, "yes"), (2, "no")])
def test_remarks_do_not_keep_the_dataset_from_conforming(
    write_sample: Callable[..., Path],
    settings: Settings,
    tmp_path: Path,
    violations: int,
    said: str,
) -> None:
    counts = {"Violation": violations, "Warning": 0, "Info": 3}
    write_sample(tmp_path, report=json.dumps({"counts": counts}))
    with TestClient(create_app(tmp_path, settings)) as client:
        page = client.get("/dataset", headers=HTML).text
    assert f"<dd>{said}: violations {violations}, warnings 0, remarks 3 (" in page


def test_link_headers(client: TestClient) -> None:
    link = client.get(f"{EVENT}.ttl").headers["link"]
    assert f'<{EVENT}.jsonld>; rel="alternate"; type="application/ld+json"' in link
    assert f"<{EVENT}.ttl>" not in link
    assert '</dataset>; rel="describedby"' in link
    assert '<https://chancery.example/doc/event/radar-delivery>; rel="canonical"' in link
    assert '<https://creativecommons.org/licenses/by/4.0/>; rel="license"' in link
    assert '</search?kind=event>; rel="collection"' in link
    assert client.get("/search?kind=event").status_code == 200
    assert "collection" not in client.get("/doc/status/0000000000000001").headers["link"]


def test_home_is_a_dataset_for_search_engines(client: TestClient) -> None:
    page = client.get("/", headers=HTML).text
    (island,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    said = json.loads(island)
    assert (said["@context"], said["@type"]) == ("https://schema.org", "Dataset")
    assert said["license"] == "https://creativecommons.org/licenses/by/4.0/"
    for one in said["distribution"]:
        path = one["contentUrl"].removeprefix("https://chancery.example")
        answer = client.head(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == one["encodingFormat"]
    assert client.get(said["version"] and f"/releases/{said['version']}").status_code == 200


@pytest.mark.parametrize(
    "path", ["/", EVENT, f"{EVENT}.ttl", "/ontology", "/dataset.ttl", "/download/current/graph.ttl"]
)
def test_etags_and_304(client: TestClient, path: str) -> None:
    first = client.get(path, headers=HTML)
    etag = first.headers["etag"]
    again = client.get(path, headers={**HTML, "If-None-Match": f'"x", W/{etag}'})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == etag
    assert client.get(path, headers={**HTML, "If-None-Match": '"x"'}).status_code == 200


def test_etags_tell_representations_apart(client: TestClient) -> None:
    tags = {
        client.get(f"{EVENT}.html?lang=en").headers["etag"],
        client.get(f"{EVENT}.html?lang=bn").headers["etag"],
        client.get(f"{EVENT}.ttl").headers["etag"],
        client.get(f"{EVENT}.nt").headers["etag"],
        client.get("/doc/event/radar-handover.ttl").headers["etag"],
    }
    assert len(tags) == 5


@pytest.mark.parametrize(
    "path",
    ["/", EVENT, f"{EVENT}.ttl", "/id/event/radar-delivery", "/download/current/graph.nq", "/nope"],
)
def test_head_is_get_without_a_body(client: TestClient, path: str) -> None:
    get, head = client.get(path, headers=HTML), client.head(path, headers=HTML)
    assert head.status_code == get.status_code
    assert head.content == b""
    for name in ("content-type", "content-length", "etag", "location"):
        assert head.headers.get(name) == get.headers.get(name), name


@pytest.mark.parametrize("path", ["/", EVENT, f"{EVENT}.ttl", "/assets/site.css", "/ontology.nt"])
def test_answers_are_compressed_for_those_who_take_it(client: TestClient, path: str) -> None:
    plain = client.get(path, headers={**HTML, "Accept-Encoding": "identity"})
    zipped = client.get(path, headers={**HTML, "Accept-Encoding": "gzip, br"})
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.content == plain.content
    assert int(zipped.headers["content-length"]) < len(plain.content) / 2
    assert zipped.headers["etag"] != plain.headers["etag"]
    for answer in (plain, zipped):
        assert "Accept-Encoding" in answer.headers["vary"]
    same = client.get(
        path,
        headers={**HTML, "Accept-Encoding": "gzip", "If-None-Match": zipped.headers["etag"]},
    )
    assert same.status_code == 304
    again = client.get(path, headers={**HTML, "Accept-Encoding": "gzip, br"})
    assert again.content == zipped.content
    assert again.headers["content-length"] == zipped.headers["content-length"]


def test_a_kept_page_is_that_of_its_own_address(client: TestClient) -> None:
    first = client.get(f"{EVENT}.html?from=one", headers=HTML)
    second = client.get(f"{EVENT}.html?from=two", headers=HTML)
    assert first.headers["etag"] == second.headers["etag"]
    assert "from=one&amp;lang=bn" in first.text
    assert "from=one" not in second.text
    assert "from=two&amp;lang=bn" in second.text


def test_headers_of_every_answer(client: TestClient) -> None:
    for path in ("/", EVENT, f"{EVENT}.ttl", "/nope", "/assets/site.css", "/readyz"):
        headers = client.get(path, headers=HTML).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in headers


def test_preflight(client: TestClient) -> None:
    response = client.options(
        f"{EVENT}.ttl",
        headers={
            "Origin": "https://elsewhere.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "if-none-match",
        },
    )
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    assert "GET" in response.headers["access-control-allow-methods"]
    assert "if-none-match" in response.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize(
    "path",
    [
        "/doc/event/nothing-of-the-kind",
        "/doc/event/Radar",
        "/doc/verdict/x",
        "/doc/event/radar-delivery.exe",
        "/doc/event/..%2f..%2fetc",
        "/id/event/nothing-of-the-kind",
        "/id/event/x%3E%20%7B%7D",
        "/questions/none",
        "/assets/none.css",
        "/download/current/none.nq",
        "/nope",
    ],
)
def test_404_in_the_format_asked_for(client: TestClient, path: str) -> None:
    page = client.get(path, headers=HTML)
    assert page.status_code == 404
    assert page.headers["content-type"] == MEDIA["html"]
    assert "There is nothing here" in page.text
    problem = client.get(path, headers={"Accept": "application/json"})
    assert problem.status_code == 404
    assert problem.headers["content-type"] == "application/problem+json"
    assert set(problem.json()) == {"type", "title", "status", "detail", "release"}
    assert problem.json()["type"] == "https://w3id.org/chancery/problem#not-found"


@pytest.mark.parametrize("suffix", ["ttl", "jsonld", "nt", "nq", "trig", "rdf"])
def test_a_missing_resource_is_an_empty_document(client: TestClient, suffix: str) -> None:
    response = client.get(f"/doc/event/nothing.{suffix}")
    assert response.status_code == 404
    assert response.headers["content-type"] == MEDIA[suffix]
    assert "nothing" in response.text
    form = {"jsonld": "json-ld", "ttl": "turtle", "rdf": "xml", "nq": "nt", "trig": "turtle"}
    empty = rdflib.Graph().parse(data=response.text, format=form.get(suffix, suffix))
    assert len(empty) == 0


def test_406_names_what_is_offered(client: TestClient) -> None:
    response = client.get(EVENT, headers={"Accept": "image/png"})
    assert response.status_code == 406
    assert "text/turtle" in response.json()["available"]


PAGES = (
    *("/", "/query", "/download", "/releases", "/search?q=radar", "/timeline", "/map", "/network"),
    *("/questions", "/questions/who-denies", "/docs", "/docs/api", "/docs/model", "/ontology"),
    *("/ontology/Event", "/shapes", "/dataset", "/corrections", "/changes"),
)
BROWSERS = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;"
    "q=0.8,application/signed-exchange;v=b3;q=0.7",
    "text/html, application/xhtml+xml, image/jxr, */*",
)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_given_to_who_takes_it(client: TestClient, path: str) -> None:
    refused = client.get(path, headers={"Accept": "image/png"})
    assert refused.status_code == 406
    assert "text/html" in refused.json()["available"]
    for accept in (*BROWSERS, "*/*", "text/*", "image/png, text/html;q=0.1", "", "nonsense"):
        given = client.get(path, headers={"Accept": accept})
        assert given.status_code == 200, accept
        assert given.headers["content-type"].startswith("text/html"), accept
        assert "Accept," in given.headers["vary"]
    assert client.head(path, headers={"Accept": "image/png"}).status_code == 406
    assert client.get(path, headers={"Accept": "text/html;q=0, text/css"}).status_code == 406


def test_what_is_not_there_is_not_found_whatever_is_asked_for(client: TestClient) -> None:
    for path in ("/questions/nope", "/docs/nope", "/doc/event/nope", "/ontology/Nope"):
        assert client.get(path, headers={"Accept": "image/png"}).status_code == 404, path


def test_other_methods_are_refused(client: TestClient) -> None:
    response = client.post(EVENT)
    assert response.status_code == 405
    assert "GET" in response.headers["allow"]


def test_a_page_number_that_is_none(client: TestClient) -> None:
    assert client.get(f"{EVENT}?page=0", headers=HTML).status_code == 400
    assert client.get(f"{EVENT}?page=x", headers=HTML).status_code == 400


def test_the_vocabulary_and_the_contracts(client: TestClient, releases: Path) -> None:
    folder = releases / "current" / "ontology"
    assert client.get("/ontology.ttl").content == (folder / "ontology.ttl").read_bytes()
    negotiated = client.get("/ontology", headers={"Accept": "application/n-triples"})
    assert negotiated.headers["content-type"] == "application/n-triples"
    turtle = rdflib.Graph().parse(data=client.get("/ontology.ttl").text, format="turtle")
    assert len(rdflib.Graph().parse(data=negotiated.text, format="nt")) == len(turtle)
    assert "# no shapes" in client.get("/shapes", headers=HTML).text
    assert client.get("/facts/schema.json").json() == {}
    assert "@context" in client.get("/context.jsonld").json()
    assert client.get("/ontologyx").status_code == 404
    void = client.get("/.well-known/void")
    assert void.headers["content-type"].startswith("text/turtle")
    assert void.content == (releases / "current" / "void.ttl").read_bytes()
    assert client.get("/dataset.rdf").headers["content-type"] == "application/rdf+xml"


# --- files ---


def test_downloads_are_the_files_of_the_release(client: TestClient, releases: Path) -> None:
    folder = (releases / "current").resolve()
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["files"]:
        for release in ("current", folder.name):
            response = client.get(f"/download/{release}/{entry['path']}")
            assert response.status_code == 200
            assert hashlib.sha256(response.content).hexdigest() == entry["sha256"]
            assert response.headers["content-type"].startswith(entry["media_type"])
            assert "content-encoding" not in response.headers
    short = client.get("/download/current/graph.ttl.gz")
    assert short.content == dump(folder, "graph.ttl.gz")
    # Not for longer: what is suppressed would stay in caches.
    kept = client.get(f"/download/{folder.name}/graph.nq").headers["cache-control"]
    assert kept == "public, max-age=86400"
    assert client.get("/download/current/manifest.json").json()["id"] == folder.name


def test_ranges(client: TestClient, releases: Path) -> None:
    path = "/download/current/graph.nq"
    whole = dump(releases / "current", "graph.nq")
    etag = client.head(path).headers["etag"]
    part = client.get(path, headers={"Range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == whole[10:20]
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"
    assert client.get(path, headers={"Range": "bytes=-5"}).content == whole[-5:]
    still = client.get(path, headers={"Range": "bytes=0-4", "If-Range": etag})
    assert still.status_code == 206
    other = client.get(path, headers={"Range": "bytes=0-4", "If-Range": '"other"'})
    assert other.status_code == 200
    assert other.content == whole
    beyond = client.get(path, headers={"Range": f"bytes={len(whole)}-"})
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{len(whole)}"
    assert beyond.headers["content-type"] == "application/problem+json"
    # Ranges are defined for GET only (RFC 9110, section 14.2).
    assert client.head(path, headers={"Range": f"bytes={len(whole)}-"}).status_code == 200
    assert (
        client.get(path, headers={"Range": f"bytes={len(whole)}-"})
        .json()["type"]
        .endswith("#range")
    )
    for nonsense in ("lines=1-2", "bytes", "bytes=x-y", "bytes=9-3"):
        assert client.get(path, headers={"Range": nonsense}).content == whole


@pytest.mark.parametrize(
    "path",
    [
        "../manifest.json",
        "..%2f..%2fcurrent",
        "store/CURRENT",
        "/etc/passwd",
        "%2e%2e/manifest.json",
    ],
)
def test_only_files_of_the_manifest_are_served(client: TestClient, path: str) -> None:
    assert client.get(f"/download/current/{path}").status_code == 404
    assert client.get(f"/download/{'0' * 64}/graph.nq").status_code == 404


def test_private_files_are_not_offered(
    tmp_path: Path, write_sample: Callable[..., Path], settings: Settings
) -> None:
    folder = write_sample(
        tmp_path, private=frozenset([graph_iri("https://chancery.example/", "registry")])
    )
    [hidden] = {part.name for part in read_parts(folder) if part.graph == "registry"}
    with TestClient(create_app(tmp_path, settings)) as client:
        page = client.get("/download", headers=HTML).text
        assert "parts.jsonl" not in page
        for path in (f"parts/{hidden}.nq", "graphs/registry.ttl", "parts.jsonl"):
            assert client.get(f"/download/current/{path}").status_code == 404
            assert f"/{path.partition('.')[0]}" not in page


# --- questions, queries, search ---


def test_home_answers_questions(client: TestClient) -> None:
    page = client.get("/", headers=HTML).text
    assert "Who denies the delivery of radar parts?" in page
    assert "Arvenian foreign ministry" in page
    assert "SERVICE is refused" in page
    assert "events described" in page


def test_home_waits_for_no_answer_that_takes_long(
    releases: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TestClient(create_app(releases, settings)) as client:
        monkeypatch.setattr(front, "AT_HOME_S", 0.0)
        page = client.get("/", headers=HTML)
        assert page.text.count(front.NOT_YET) == len(client.get("/questions?format=json").json())
        assert "etag" not in page.headers, "there is more to come"
        assert "Arvenian foreign ministry" not in page.text.split('id="questions"')[1]
        monkeypatch.undo()
        page = client.get("/", headers=HTML)
        assert front.NOT_YET not in page.text
        assert "etag" in page.headers


@pytest.mark.parametrize("path", ["/query", "/sparql"])
def test_the_query_page_takes_dataset_and_deadline(client: TestClient, path: str) -> None:
    def count(**options: str) -> tuple[int, str]:
        query = "SELECT (COUNT(*) AS ?n) (1 AS ?one) { ?s ?p ?o }"
        page = client.get(path, params={"query": query, **options}, headers=HTML)
        return page.status_code, page.text

    graphs = "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g ORDER BY ?n LIMIT 1"
    accept = {"accept": "application/sparql-results+json"}
    answer = client.get("/sparql", params={"query": graphs}, headers=accept).json()
    smallest = answer["results"]["bindings"][0]
    status, page = count(**{"default-graph-uri": smallest["g"]["value"]})
    assert status == 200
    assert f">{int(smallest['n']['value']):,}<" in page or f">{smallest['n']['value']}<" in page
    assert count(**{"default-graph-uri": "urn:x"})[0] == 400
    assert count(timeout="soon")[0] == 400


def test_the_query_page(client: TestClient) -> None:
    shown = client.get("/query", params={"query": "SELECT ?o { agent:mira-odan rdfs:label ?o }"})
    assert '<span lang="bn" dir="auto">মীরা ওদান</span>' in shown.text
    asked = client.get("/query", params={"query": "ASK { agent:mira-odan a ch:Place }"})
    assert "<strong>false</strong>" in asked.text
    graph = client.get("/query", params={"query": "CONSTRUCT WHERE { agent:mira-odan a ?t }"})
    assert "ch:Person" in graph.text
    wrong = client.get("/query", params={"query": "SELECT ?x { ?x ?y"})
    assert wrong.status_code == 400
    assert "The query was not answered" in wrong.text
    assert "SELECT ?x { ?x ?y" in wrong.text
    attack = client.get("/query", params={"query": "</textarea><script>alert(1)</script>"})
    assert "<script>" not in attack.text


@pytest.mark.parametrize(
    "query",
    [
        "DESCRIBE event:radar-delivery",
        "CONSTRUCT { ?e rdfs:label ?l } WHERE { VALUES ?e { event:radar-delivery } "
        "?e rdfs:label ?l }",
        "CONSTRUCT { ?s ch:about ?set } WHERE { ?s ch:about ?set . ?set a ch:ClaimSet }",
    ],
)
def test_a_graph_on_a_page_has_the_positions_on_what_it_names(
    client: TestClient, query: str
) -> None:
    page = client.get("/query", params={"query": query}, headers={"Accept": "text/html"}).text
    listed = page[page.index("Who takes which position on what is described here") :]
    assert "Delivery of radar parts" in listed
    assert re.search("denies.{0,200}Arvenian foreign ministry", listed, re.DOTALL)


def test_a_long_result_says_that_it_is_cut(client: TestClient) -> None:
    page = client.get("/query", params={"query": "SELECT * { ?s ?p ?o }"}).text
    assert "Only the first 1,000 rows are shown" in page


def test_sparql_is_a_form_for_browsers_and_an_endpoint_for_programs(client: TestClient) -> None:
    form = client.get("/sparql", headers=HTML)
    assert "<textarea" in form.text
    query = "SELECT ?o { <https://chancery.example/id/agent/tass> ?p ?o }"
    answer = client.get(
        "/sparql", params={"query": query}, headers={"Accept": "application/sparql-results+json"}
    )
    assert answer.json()["results"] == {"bindings": []}


def test_search_in_three_scripts(client: TestClient) -> None:
    for text in ("mira od", "মীরা", "मीरा ओदान", "M. ODAN"):
        found = client.get("/search", params={"q": text}, headers={"Accept": "application/json"})
        hits = found.json()["hits"]
        assert [hit["iri"] for hit in hits][:1] == ["https://chancery.example/id/agent/mira-odan"]
    page = client.get("/search", params={"q": "মিরা", "lang": "bn"}, headers=HTML).text
    assert "মিরা ওদান" in page
    for text in ('"', "*", "a AND", "NEAR(", "-", "'; DROP", "x" * 5000, "\x00"):
        response = client.get("/search", params={"q": text}, headers=HTML)
        assert response.status_code == 200, text
    assert client.get("/search", params={"kind": "verdict"}).status_code == 400


def test_parts_are_found_only_where_they_are_asked_for(client: TestClient) -> None:
    def kinds(**params: str) -> set[str]:
        found = client.get("/search", params={**params, "format": "json"}).json()
        return {hit["kind"] for hit in found["hits"]}

    assert kinds(q="radar", kind="participation") == {"participation"}
    assert kinds(q="radar") & {"event", "claim"}
    assert not kinds(q="radar") & {"participation", "span", "quantity", "time", "record"}
    page = client.get("/search", params={"q": "radar"}, headers=HTML).text
    assert "/doc/event/" in page or "/id/event/" in page
    assert "/participation/" not in page


def test_search_hits_are_marked_and_show_the_denials(client: TestClient) -> None:
    found = client.get("/search", params={"q": "radar", "kind": "event", "format": "json"}).json()
    assert all(hit["label"].startswith("Described: ") for hit in found["hits"])
    page = client.get("/search", params={"q": "delivery of radar", "kind": "event"}, headers=HTML)
    assert "Arvenian foreign ministry" in page.text


def test_questions_as_json(client: TestClient) -> None:
    found = client.get("/questions", headers={"Accept": "application/json"}).json()
    assert found[0]["id"] == "who-denies"
    assert "SELECT" in found[0]["query"]


def test_the_description_of_the_interface(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/sparql", "/graphs", "/doc/{kind}/{name}", "/search"} <= set(paths)
    page = client.get("/docs/api", headers=HTML).text
    assert "/doc/{kind}/{name}" in page
    ours = r'<script defer src="/assets/built/[^"<>]+"></script>'
    assert "<script" not in re.sub(ours, "", page)
    assert "<code>.nq</code> and <code>.trig</code> name the graph" in page
    assert "`" not in page


def test_the_documentation_has_one_address(client: TestClient) -> None:
    for query in ("", "?lang=bn"):
        moved = client.get(f"/docs/{query}", headers=HTML)
        assert (moved.status_code, moved.headers["location"]) == (308, f"/docs{query}")


# --- operations ---


def test_operations(client: TestClient, releases: Path) -> None:
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert ready.json() == {"ready": True, "release": (releases / "current").resolve().name}
    client.get("/doc/agent/arvenia.ttl")
    text = client.get("/metrics").text
    assert "kg_ready 1" in text
    assert 'kg_requests_total{route="doc",status="200"}' in text


def test_a_release_is_picked_up_and_replaced(
    tmp_path: Path, write_sample: Callable[..., Path], settings: Settings
) -> None:
    site = create_app(tmp_path, settings)
    with TestClient(site) as client:
        portal = client.portal
        assert portal is not None
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        assert client.get("/", headers=HTML).status_code == 503
        first = write_sample(tmp_path, title="First").name
        portal.call(site.refresh)
        assert client.get("/readyz").json()["release"] == first
        etag = client.get(f"{EVENT}.ttl").headers["etag"]
        extra = (
            b'g:registry { a:new a ch:Agent ; <http://www.w3.org/2000/01/rdf-schema#label> "N" }'
        )
        assert client.get("/doc/agent/new.ttl").status_code == 404
        second = write_sample(tmp_path, title="Second", extra=extra).name
        portal.call(site.refresh)
        assert client.get("/readyz").json()["release"] == second
        assert client.get("/doc/agent/new.ttl").status_code == 200
        assert client.get(f"{EVENT}.ttl").headers["etag"] != etag
        listed = client.get("/releases", headers={"Accept": "application/json"}).json()
        assert [r["id"] for r in listed if r["current"]] == [second]
        assert {r["id"] for r in listed} == {first, second}
        assert client.get(f"/download/{first}/graph.nq").status_code == 200
