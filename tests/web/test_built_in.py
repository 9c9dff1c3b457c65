"""The pages of the built-in facts: they resolve, and say nothing in our own voice."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyoxigraph as ox
import pytest
from starlette.testclient import TestClient

from kg.build import publish
from kg.config import Settings
from kg.dumps import dump
from kg.resources import folder
from kg.vocab import CH
from kg.web.app import create_app

BASE = "https://chancery.example/"
LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built")
    release, _ = publish([folder("facts")], out, base=BASE)
    assert release is not None, "the built-in facts do not conform"
    return out


@pytest.fixture(scope="module")
def site(built: Path, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(built, settings)) as found:
        yield found


@pytest.fixture(scope="module")
def built_quads(built: Path) -> list[ox.Quad]:
    data = dump(built / "current", "graph.nq")
    return list(ox.parse(data, format=ox.RdfFormat.N_QUADS))


def some(quads: list[ox.Quad], each: int) -> list[str]:
    """Return up to `each` addresses of each kind, spread over it; all documents and sets."""
    kinds: dict[str, set[str]] = {}
    for quad in quads:
        if quad.subject.value.startswith(f"{BASE}id/"):
            address = quad.subject.value.removeprefix(f"{BASE}id/")
            kinds.setdefault(address.partition("/")[0], set()).add(address)
    found = []
    for addresses in kinds.values():
        listed = sorted(addresses)
        found += listed[:: max(1, len(listed) // each)]
    return found


def test_addresses_resolve_and_no_label_is_bare(
    site: TestClient, built_quads: list[ox.Quad], walk: Any
) -> None:
    kinds = ("/event/", "/relation/", "/claimset/")
    labels = {
        quad.object.value
        for quad in built_quads
        if quad.predicate.value == LABEL and any(kind in quad.subject.value for kind in kinds)
    }
    addresses = some(built_quads, 12)
    assert len({address.partition("/")[0] for address in addresses}) > 12
    for path in ["/", "/questions", *(f"/doc/{address}" for address in addresses)]:
        page = site.get(path, headers=HTML)
        assert page.status_code == 200, path
        walker = walk(page.text)
        assert not walker.stack, path
        assert walker.bare(labels) == [], path
        if path.startswith("/doc/"):
            for media in ("text/turtle", "application/ld+json"):
                assert site.get(path, headers={"Accept": media}).status_code == 200, path


def test_every_question_is_answered_on_its_page(site: TestClient) -> None:
    questions = site.get("/questions", headers={"Accept": "application/json"}).json()
    for question in questions:
        page = site.get(f"/questions/{question['id']}", headers=HTML)
        assert page.status_code == 200
        assert '<p class="problem">' not in page.text, question["id"]


def test_a_relation_is_said_in_the_order_of_the_language(site: TestClient) -> None:
    said = {
        "en": "Kim Jong Un — holds office — Leader of North Korea",
        "bn": "কিম জং উন — উত্তর কোরিয়ার নেতা — এ পদে আসীন",
        "hi": "किम जोंग उन — उत्तर कोरिया के नेता — पद पर है",
    }
    plain = {
        "en": "Pyongyang is capital of North Korea",
        "bn": "পিয়ংইয়ং উত্তর কোরিয়া এর রাজধানী",
        "hi": "प्योंगयांग उत्तर कोरिया की राजधानी है",
    }
    mark = {"en": "described", "bn": "বর্ণিত", "hi": "वर्णित"}
    affirms = {"en": "affirms", "bn": "সত্য বলে জানায় –", "hi": "सही बताता है –"}
    for lang in said:
        kim = site.get(f"/doc/agent/kim-jong-un?lang={lang}", headers=HTML).text
        assert said[lang] in kim
        state = site.get(f"/doc/agent/north-korea?lang={lang}", headers=HTML).text
        facts = state[state.index('id="uncontested"') :]
        facts = facts[: facts.index("</section>")]
        assert plain[lang] in " ".join(re.sub(r"<[^>]+>", "", facts).split())
        claims = re.sub(
            r"<[^>]+>", "", site.get(f"/search?kind=claim&lang={lang}", headers=HTML).text
        )
        assert f"{affirms[lang]} {mark[lang]}: " in claims


CONTAINED = """SELECT DISTINCT ?relation WHERE {
  ?relation a ch:Relation ; ch:subject|ch:object ?event . ?event a ch:Event .
  ?event ch:possiblySameAs?/^ch:concerns/ch:stance ?stance . FILTER(?stance != ch:stance-affirms)
}"""


def test_relations_have_the_positions_on_what_they_are_between(site: TestClient) -> None:
    """On the events, and on what is possibly the same; in previews, search and suggestions too."""
    answer = site.get("/sparql", params={"query": CONTAINED, "format": "json"}).json()
    relations = [row["relation"]["value"] for row in answer["results"]["bindings"]]
    assert len(relations) > 5
    rows: dict[str, dict[str, str]] = {}
    for page in range(1, 10):
        table = site.get(f"/search.csv?kind=relation&page={page}")
        if table.status_code != 200:
            break
        for row in csv.DictReader(table.text.removeprefix("\ufeff").splitlines()):
            rows[row["iri"]] = row
    nobody = "no claim takes another position"
    for iri in relations:
        assert rows[iri]["nobody_takes_another_position"] == "no", iri
        page = site.get(iri.replace(f"{BASE}id/", "/doc/"), headers=HTML).text
        preview = re.findall('<meta name="description" content="([^"]*)">', page)
        assert nobody not in preview[0], iri
        assert "on what it names: " in preview[0], iri
        name = rows[iri]["name"].partition(": ")[2]
        told = site.get("/suggest", params={"q": name, "kind": "relation"}).json()["suggestions"]
        notes = [note["text"] for one in told if one["iri"] == iri for note in one["notes"]]
        assert notes, iri
        assert nobody not in notes, iri


def test_what_is_not_the_same_is_said_to_be_another(site: TestClient) -> None:
    page = site.get("/doc/agent/sung-kim", headers=HTML).text
    assert '<strong>Not</strong> <a href="http://www.wikidata.org/entity/Q56226"' in page
    assert "Not the same as" in page


def test_a_chain_is_shown_from_the_outlet_to_the_speaker(site: TestClient) -> None:
    page = site.get("/doc/event/train-departure-from-pyongyang", headers=HTML).text
    assert "South Korean government sources" in page
    assert "through" in page
    assert "Chosun Ilbo" in page


@pytest.mark.requires("chromium", "chromedriver", "assets")
def test_the_home_page_is_light(browser: Any, built: Path, serving: Any) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    with serving(built) as address:
        browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
        browser.get_log("performance")
        browser.get(f"{address}/")
        ready = "return document.querySelector('figure.picture').dataset.drawn"
        WebDriverWait(browser, 20).until(lambda it: it.execute_script(ready))
        sent, types = 0, set()
        for entry in browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.loadingFinished":
                sent += message["params"]["encodedDataLength"]
            elif message["method"] == "Network.responseReceived":
                types.add(message["params"]["response"]["mimeType"])
    assert {"text/html", "text/css", "text/javascript"} <= types
    assert 20_000 < sent < 200_000, "as transferred: the page, its styles, scripts and icon"


def test_the_validation_report_is_a_page_that_the_home_page_links(site: TestClient) -> None:
    (address,) = re.findall(r'href="([^"]+/report\.html)"', site.get("/").text)
    answer = site.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script" not in answer.headers["content-security-policy"]
    assert "107 shapes with targets were held against" in answer.text
    assert address in site.get("/dataset").text


@pytest.mark.requires("chromium", "chromedriver", "assets")
def test_answers_are_drawn_on_a_map_and_a_timeline(
    browser: Any, built: Path, built_quads: list[ox.Quad], serving: Any
) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    places, dated = set(), set()
    ends = {q.subject for q in built_quads if q.predicate.value in (f"{CH}earliest", f"{CH}latest")}
    for quad in built_quads:
        if quad.predicate.value == f"{CH}latitude":
            places.add(quad.subject)
        if quad.predicate.value == f"{CH}time" and quad.object in ends:
            dated.add(quad.subject.value)
    dated = {iri for iri in dated if "/id/event/" in iri}
    asked = {
        "SELECT ?place { ?place a ch:Place }": {"map": len(places)},
        "SELECT ?event { ?event a ch:Event }": {"timeline": len(dated)},
        "SELECT ?agent { ?agent a ch:Agent }": {},
    }
    assert len(places) > 3
    assert len(dated) > 20
    script = "const one = document.getElementById(arguments[0]); return one && one.dataset.drawn"
    with serving(built) as address:
        browser.get_log("browser")
        browser.get_log("performance")
        for query, expected in asked.items():
            browser.get(f"{address}/query?query={quote(query)}")
            assert browser.find_elements("css selector", "#result tbody tr")
            offered = browser.find_elements("css selector", ".drawn")
            assert len(offered) == len(expected)
            for picture, count in expected.items():
                offered[0].find_element("css selector", "summary").click()
                drawn = WebDriverWait(browser, 20).until(
                    lambda it, name=picture: it.execute_script(script, name)
                )
                marks = browser.find_elements("css selector", f"#{picture} .canvas .pin")
                assert int(drawn) == len(marks) == count
        assert browser.get_log("browser") == []
        urls = [
            message["params"]["request"]["url"]
            for entry in browser.get_log("performance")
            if (message := json.loads(entry["message"])["message"])["method"]
            == "Network.requestWillBeSent"
        ]
    assert [url for url in urls if not url.startswith((address, "data:", "chrome:"))] == []
