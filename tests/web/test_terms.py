"""The terms of the ontology: each has a page, its data, and what uses it with all positions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
from starlette.testclient import TestClient

CH = "https://w3id.org/chancery/ontology#"
HTML = {"Accept": "text/html"}
BASE = "https://chancery.example/"


@pytest.fixture(scope="module")
def names(releases: Path) -> list[str]:
    """Return the name of every term of the ontology."""
    text = (releases / "current/ontology/ontology.ttl").read_bytes()
    quads = ox.parse(text, format=ox.RdfFormat.TURTLE)
    subjects = {quad.subject.value for quad in quads if isinstance(quad.subject, ox.NamedNode)}
    return sorted(iri.removeprefix(CH) for iri in subjects if iri.startswith(CH))


@pytest.fixture(scope="module")
def texts(client: TestClient, names: list[str]) -> dict[str, str]:
    """Return the page of every term."""
    found = {name: client.get(f"/ontology/{name}", headers=HTML) for name in names}
    assert [name for name, answer in found.items() if answer.status_code != 200] == []
    return {name: answer.text for name, answer in found.items()}


def test_every_term_has_a_page_and_data(client: TestClient, texts: dict[str, str]) -> None:
    assert len(texts) > 400
    for name, text in texts.items():
        assert f"ch:{name}</code>" in text
        turtle = client.get(f"/ontology/{name}.ttl")
        document = client.get(f"/ontology/{name}", headers={"Accept": "application/ld+json"})
        one = rdflib.Graph().parse(data=turtle.text, format="turtle")
        assert (rdflib.URIRef(CH + name), rdflib.SKOS.prefLabel, None) in one
        assert json.loads(document.text)["@graph"][0]["id"] == f"ch:{name}"


@pytest.mark.parametrize("name", ["stance-denies", "Event", "claimant", "scheme-stance"])
def test_all_formats_hold_the_same(client: TestClient, name: str) -> None:
    found = []
    for suffix, form in (
        ("ttl", ox.RdfFormat.TURTLE),
        ("nt", ox.RdfFormat.N_TRIPLES),
        ("jsonld", ox.RdfFormat.JSON_LD),
        ("rdf", ox.RdfFormat.RDF_XML),
        ("trig", ox.RdfFormat.TRIG),
    ):
        quads = ox.parse(client.get(f"/ontology/{name}.{suffix}").content, format=form)
        found.append({quad.triple for quad in quads})
    assert found[0]
    assert all(one == found[0] for one in found)


def test_the_address_of_a_term_is_an_anchor(client: TestClient, names: list[str]) -> None:
    text = client.get("/ontology", headers=HTML).text
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(set(ids)) == len(ids)
    schemes = {name for name in names if name.startswith("scheme-")}
    assert set(names) - schemes <= set(ids)
    assert schemes <= set(ids)
    for name in set(names) - schemes:
        assert f'href="/ontology/{name}"' in text


def test_classes_are_a_tree_and_properties_under_what_has_them(client: TestClient) -> None:
    text = client.get("/ontology", headers=HTML).text
    tree = text[text.index('<ul class="tree">') : text.index('<article class="term" id="Agent"')]
    assert re.search(r'href="#Proposition">[^<]*</a><ul><li><a href="#Event">', tree)
    properties = text[text.index('id="properties"') :]
    of_event = properties[properties.index('href="/ontology#Event"') :]
    assert of_event.index('id="eventType"') < of_event.index('class="of"')


def test_a_stance_lists_its_claims_with_all_positions(client: TestClient) -> None:
    text = client.get("/ontology/stance-denies", headers=HTML).text
    uses = text[text.index('id="uses"') :]
    items = uses.split("<li>")[1:]
    assert items
    for item in items:
        assert '<span class="attributed">' in item
        assert 'class="position denies"' in item
        assert "On:" in item
    assert "affirms" in uses


def test_no_proposition_is_bare_whatever_uses_a_term(
    texts: dict[str, str], quads: list[ox.Quad]
) -> None:
    """Neither as subject nor as value, in whatever property: a mark or a speaker goes before."""
    kinds = ("event", "relation", "claimset", "participation", "status")
    labels = {
        str(quad.object.value)
        for quad in quads
        if quad.predicate.value == "http://www.w3.org/2000/01/rdf-schema#label"
        and any(quad.subject.value.startswith(f"{BASE}id/{kind}/") for kind in kinds)
    }
    assert labels
    seen = 0
    for name, text in texts.items():
        for label in labels:
            for found in re.finditer(f">{re.escape(label)}<", text):
                seen += 1
                before = text[max(0, found.start() - 120) : found.start()]
                assert '<span class="mark">' in before, (name, label)
    assert seen > 50


def test_every_proposition_has_its_positions_or_says_that_there_are_none(
    texts: dict[str, str],
) -> None:
    for name in ("Event", "Relation", "topic", "status-contested", "Participation", "assesses"):
        text = texts[name]
        for item in text[text.index('id="uses"') :].split("<li>\n<p")[1:]:
            if 'class="described"' in item:
                assert 'class="positions"' in item, (name, item)


def test_data_of_a_term_holds_the_denials_too(client: TestClient) -> None:
    graph = rdflib.Graph().parse(data=client.get("/ontology/Event.ttl").text, format="turtle")
    concerns, stance = rdflib.URIRef(CH + "concerns"), rdflib.URIRef(CH + "stance")
    event = rdflib.URIRef(f"{BASE}id/event/radar-delivery")
    stances = {
        str(value).removeprefix(CH)
        for claim in graph.subjects(concerns, event)
        for value in graph.objects(claim, stance)
    }
    assert {"stance-affirms", "stance-denies"} <= stances


@pytest.mark.parametrize(
    ("tag", "word", "definition"),
    [("en", "denies", ""), ("bn", "অস্বীকার করে", 'lang="en"'), ("hi", "खंडन करता है", 'lang="en"')],
)
def test_a_term_is_named_in_the_language_of_the_reader(
    client: TestClient, tag: str, word: str, definition: str
) -> None:
    text = client.get(f"/ontology/stance-denies?lang={tag}", headers=HTML).text
    assert f"<h1>{word}</h1>" in text
    sentence = re.search(r"<p>(<span[^>]*>)?The claimant says that", text)
    assert sentence
    assert definition in (sentence[1] or "")


def test_uses_are_counted(client: TestClient, quads: list[ox.Quad]) -> None:
    vocabulary = f"{BASE}id/graph/vocabulary"
    used = {
        quad.subject
        for quad in quads
        if quad.graph_name.value != vocabulary and quad.object == ox.NamedNode(f"{CH}stance-denies")
    }
    text = client.get("/ontology/stance-denies", headers=HTML).text
    assert f"{len(used)} use" in text
    events = {q.subject for q in quads if q.object == ox.NamedNode(f"{CH}Event")}
    in_data = {one for one in events if one.value.startswith(BASE)}
    text = client.get("/ontology/Event", headers=HTML).text
    assert f"{len(in_data)} uses in this release" in text
    assert "not used in this release" in client.get("/ontology/Suppression", headers=HTML).text


@pytest.mark.parametrize("name", ["nope", "Event.exe", "event", "Event.ttl.ttl", "a b", "কথা"])
def test_an_unknown_term_is_not_found(client: TestClient, name: str) -> None:
    for accept in ("text/html", "text/turtle", "application/ld+json", "application/json"):
        answer = client.get(f"/ontology/{name}", headers={"Accept": accept})
        assert answer.status_code == 404


def test_pages_of_uses_hold_everything_once(client: TestClient, quads: list[ox.Quad]) -> None:
    wanted = {
        quad.subject.value
        for quad in quads
        if quad.predicate.value == f"{CH}claimant" and isinstance(quad.subject, ox.NamedNode)
    }
    seen: list[str] = []
    for page in range(1, 9):
        text = client.get(f"/ontology/claimant?page={page}", headers=HTML).text
        uses = text[text.index('id="uses"') :]
        seen += re.findall(r'<p class="what"><a href="/doc/(claim/\w+)"', uses)
        if 'rel="next"' not in uses:
            break
    assert len(seen) == len(set(seen))
    assert {f"{BASE}id/{one}" for one in seen} == wanted
    assert client.get("/ontology/claimant?page=0", headers=HTML).status_code == 400


def test_it_is_answered_once(client: TestClient) -> None:
    first = client.get("/ontology/Event", headers=HTML)
    assert "Accept" in first.headers["vary"]
    again = client.get("/ontology/Event", headers={**HTML, "If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    turtle = client.get("/ontology/Event.ttl", headers={"If-None-Match": first.headers["etag"]})
    assert turtle.status_code == 200
    assert f'<{CH}Event>; rel="describes"' in turtle.headers["link"]


@pytest.mark.requires("chromium", "chromedriver")
def test_it_draws_quietly_and_fits(browser: Any, releases: Path, serving: Any) -> None:
    with serving(releases) as address:
        browser.get_log("browser")
        for width in (320, 768, 1280):
            metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            for path in ("/ontology", "/ontology/Event", "/ontology/topic", "/ontology/place"):
                browser.get(address + path)
                wide = browser.execute_script("return document.documentElement.scrollWidth")
                assert wide <= width, path
        assert browser.get_log("browser") == []
