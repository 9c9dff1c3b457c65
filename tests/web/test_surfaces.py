"""No surface says what only a source says: one crawl over all that the site answers with.

Every label of an event, a relation or a set of claims, wherever it stands, has its mark before it,
or stands in an element or a field whose name says that it is described; every label of a claim
names who makes it. RDF and the answers of the endpoint are apart: labels are data there, and
docs/model.md says what they are.
"""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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
from kg.store import current_release
from kg.web.app import ROUTES, create_app
from kg.web.language import INTERFACE
from kg.web.static import export_site

BASE = "https://chancery.example/"
CH = "https://w3id.org/chancery/ontology#"
LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}
MARKED = ("event", "relation", "claimset")
MORE = """
g:harbour-bn {
  e:mill-talks a ch:Event, ch:Proposition ;
    rdfs:label "Talks at Mill Town"@en, "মিল টাউনে আলোচনা"@bn, "मिल टाउन में वार्ता"@hi ;
    ch:eventType ch:type-talks ; ch:actor a:bostmark ; ch:recipient a:cordia ;
    ch:place pl:bost-city ; ch:time t:day .
  c:00000000000000f1 a ch:Claim ; rdfs:label "Harbour News affirms talks"@en ;
    ch:claimant a:harbour-news ; ch:about e:mill-talks ; ch:concerns e:mill-talks ;
    ch:stance ch:stance-affirms ; ch:modality ch:modality-actual ; ch:inSource d:harbour-bn .
}
g:notices {
  <https://chancery.example/id/notice/mill> a ch:Notice, ch:Correction ;
    rdfs:label "Correction of what was said of talks"@en ; dcterms:date "2031-05-06"^^xsd:date ;
    ch:authority "The standards editor" ; ch:corrects c:00000000000000f1, e:mill-talks .
}
""".encode()


@dataclass(frozen=True)
class Held:
    """A site, what its labels are, and the addresses of its things."""

    client: TestClient
    releases: Path
    labels: frozenset[str]
    claims: Mapping[str, frozenset[str]]
    addresses: tuple[str, ...]

    def bare(self, text: str, name: str = "", *, marked: Callable[[str], bool]) -> list[str]:
        """Return the labels in a text that nobody is said to say."""
        found = []
        for label in self.labels:
            if label in text and not (marked(text) or name.startswith("described")):
                before = text[: text.index(label)]
                # In prose the mark is not at the beginning, but right before.
                if not any(marked(before[at:]) for at in range(len(before))):
                    found.append(label)
        for label, speakers in self.claims.items():
            if label in text and not any(speaker in text for speaker in speakers):
                found.append(label)
        return found


def held(client: TestClient, releases: Path) -> Held:
    quads = ox.parse(dump(releases / "current", "graph.nq"), format=ox.RdfFormat.N_QUADS)
    labels: dict[str, set[str]] = {}
    said: dict[str, set[str]] = {}
    surfaces: set[str] = set()
    for quad in quads:
        if quad.predicate.value == CH + "surface":
            surfaces.add(quad.object.value)
        if quad.predicate.value == LABEL:
            labels.setdefault(quad.subject.value, set()).add(quad.object.value)
        if quad.predicate.value == CH + "claimant":
            said.setdefault(quad.subject.value, set()).add(quad.object.value)
    beginnings = tuple(f"{BASE}id/{kind}/" for kind in MARKED)
    claims = {
        label: frozenset(name for who in said.get(iri, ()) for name in labels.get(who, ()))
        for iri, some in labels.items()
        if iri.startswith(f"{BASE}id/claim/")
        for label in some
    }
    things = sorted(iri[len(BASE) + 3 :] for iri in labels if iri.startswith(f"{BASE}id/"))
    return Held(
        client,
        releases,
        # What a text calls something stands, as such, on the page of the span.
        frozenset(
            label for iri, some in labels.items() if iri.startswith(beginnings) for label in some
        )
        - surfaces,
        claims,
        tuple(things),
    )


@pytest.fixture(scope="module")
def invented(
    tmp_path_factory: pytest.TempPathFactory, write_sample: Callable[..., Path], settings: Settings
) -> Iterator[Held]:
    out = tmp_path_factory.mktemp("surfaces")
    write_sample(out, title="Invented facts, earlier")
    write_sample(out, extra=MORE)
    with TestClient(create_app(out, settings)) as client:
        yield held(client, out)


@pytest.fixture(scope="module")
def built_in(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Held]:
    out = tmp_path_factory.mktemp("surfaces-built-in")
    release, _ = publish([folder("facts")], out, base=BASE)
    assert release is not None, "the built-in facts do not conform"
    with TestClient(create_app(out, settings)) as client:
        yield held(client, out)


SURFACES: Mapping[str, tuple[str, ...]] = {
    "/": ("/",),
    "/doc/{kind}/{name}": (),  # every thing, or some of each kind
    "/ontology": ("/ontology",),
    "/ontology{suffix}": ("/ontology.html", "/ontology.csv"),
    "/ontology/{name}": (
        "/ontology/Event",
        "/ontology/Claim",
        "/ontology/Relation",
        "/ontology/ClaimSet",
        "/ontology/stance-denies",
        "/ontology/type-arms-transfer",
        "/ontology/concerns",
        "/ontology/status-contested",
    ),
    "/shapes": ("/shapes",),
    "/facts/schema.json": ("/facts/schema.json",),
    "/query": (
        "/query",
        "/query?query=" + quote("SELECT * { ?event a ch:Event ; rdfs:label ?label }"),
        "/query?query=" + quote("SELECT ?label { ?event a ch:Relation ; rdfs:label ?label }"),
        "/query?query=" + quote("SELECT * { ?claim a ch:Claim ; rdfs:label ?l ; ch:about ?e }"),
        "/query?query=" + quote("SELECT ?set ?label { ?set a ch:ClaimSet ; rdfs:label ?label }"),
    ),
    "/query/terms.json": ("/query/terms.json",),
    "/dataset": ("/dataset",),
    "/dataset{suffix}": tuple(
        f"/dataset.csv?table={table}" for table in ("sources", "graphs", "classes")
    ),
    "/download": ("/download",),
    "/download{suffix}": tuple(
        f"/download.csv?table={table}" for table in ("files", "others", "graphs", "licences")
    ),
    "/releases": ("/releases", "/releases?format=csv"),
    "/releases{suffix}": ("/releases.json", "/releases.csv"),
    "/releases/{release}": ("/releases/{new}",),
    "/releases/{old}/diff/{new}": (
        "/releases/{old}/diff/{new}",
        "/releases/{old}/diff/{new}.csv?table=things",
        "/releases/{old}/diff/{new}.csv?table=graphs",
    ),
    "/corrections": ("/corrections",),
    "/corrections{suffix}": ("/corrections.html", "/corrections.json", "/corrections.atom"),
    "/links": ("/links", "/links?format=csv"),
    "/links{suffix}": ("/links.html", "/links.csv"),
    "/changes": ("/changes", "/changes?format=csv"),
    "/changes/{number}": ("/changes/1",),
    "/search": (
        "/search",
        *(f"/search?kind={kind}" for kind in (*MARKED, "claim", "record", "notice")),
        "/search?kind=event&format=json",
        "/search?kind=claim&format=json",
        "/search?kind=claimset&format=json",
        "/search?kind=participation&format=json",
        *(f"/search?kind={kind}&format=csv" for kind in (*MARKED, "claim", "record", "notice")),
    ),
    "/search{suffix}": ("/search.json?kind=event", "/search.csv?kind=claim"),
    "/reconcile": (
        "/reconcile",
        "/reconcile?format=json",
        *(f"/reconcile?q={quote(word)}" for word in ("talks", "delivery", "arms", "Russia")),
        "/reconcile?q=delivery&type=Event",
        "/reconcile?format=json&queries="
        + quote(
            json.dumps(
                {
                    word: {"query": word, "limit": 20}
                    for word in ("talks", "delivery", "visit", "arms", "meeting", "Putin")
                }
            )
        ),
    ),
    "/reconcile/suggest/{what}": tuple(
        f"/reconcile/suggest/{what}?limit=50&prefix={prefix}"
        for what in ("entity", "type", "property")
        for prefix in ("", "a", "d", "talks", "delivery")
    ),
    "/reconcile/preview": (),  # every event and relation
    "/reconcile/extend/propose": ("/reconcile/extend/propose?type=Event",),
    "/suggest": (),  # for the beginning of every label
    "/timeline": ("/timeline", "/timeline?relations=yes"),
    "/timeline{suffix}": ("/timeline.json?relations=yes", "/timeline.csv?relations=yes"),
    "/numbers": ("/numbers",),
    "/map": ("/map",),
    "/map{suffix}": ("/map.json", "/map.csv"),
    "/network": ("/network",),
    "/network{suffix}": ("/network.json", "/network.csv"),
    "/questions": ("/questions", "/questions?format=json"),
    "/questions{suffix}": ("/questions.json", "/questions.csv"),
    "/questions/{name}": (),  # every question
    "/docs": ("/docs",),
    "/docs/api": ("/docs/api",),
    "/docs/{path:path}": ("/docs/model", "/docs/how-to/read-the-pages"),
}
"""What is looked at of each route."""
APART = {
    "/id/{kind}/{key}",
    "/resource",
    "/resource{suffix}",
    "/shapes{suffix}",
    "/context.jsonld",
    "/sparql",
    "/sparql/",
    "/docs/",
    "/.well-known/void",
    "/download/{release}/",
    "/download/{release}/{path:path}",
    "/changes{suffix}",
    "/robots.txt",
    "/sitemap.xml",
    "/sitemap/{name}",
    "/healthz",
    "/readyz",
    "/metrics",
    "/assets/{name:path}",
}
"""Routes that answer with RDF, with what the endpoint gives, with files, or with no names."""


def test_every_route_is_looked_at_or_apart() -> None:
    assert {path for path, _, _ in ROUTES} == {*SURFACES, *APART}


def said(walk: Any, media: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield what stands in an answer that is no page, each with the name of its field."""
    if media.endswith("json"):
        yield from walk.strings(json.loads(text))
    elif media == "text/csv":
        head, *rows = csv.reader(io.StringIO(text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")))
        yield from (("", name) for name in head)
        for row in rows:
            yield from zip(head, row, strict=True)
    elif "xml" in media:
        for element in ET.fromstring(text).iter():
            yield from (("", value) for value in element.attrib.values())
            yield "", element.text or ""
            yield "", element.tail or ""
    else:
        raise AssertionError(f"{media} is no surface that this test knows")


def trouble(site: Held, walk: Any, media: str, text: str) -> list[str]:
    """Return what is bare in an answer."""
    if media != "text/html":
        return [
            f"{name}: {value}"
            for name, value in said(walk, media, text)
            if site.bare(value, name, marked=walk.marked)
        ]
    walker = walk(text)
    found = walker.bare(set(site.labels))
    for value, classes, _ in walker.texts:
        if not classes & {"attributed", "described"}:
            found += site.bare(value, "described", marked=walk.marked)
    for island in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.S):
        for name, value in walk.strings(json.loads(island)):
            found += site.bare(value, name, marked=walk.marked)
    return found


def check(site: Held, walk: Any, paths: list[str]) -> set[str]:
    """Look at answers in every language; return the labels that stand in them."""
    seen: set[str] = set()
    wrong = {}
    for path in paths:
        for lang in INTERFACE:
            address = f"{path}{'&' if '?' in path else '?'}lang={lang}"
            json_too = re.search("/suggest|/propose", path) or "format=json" in path
            answer = site.client.get(address, headers=JSON if json_too else HTML)
            assert answer.status_code == 200, (address, answer.text[:300])
            media = answer.headers["content-type"].partition(";")[0]
            if found := trouble(site, walk, media, answer.text):
                wrong[address] = found
            seen |= {label for label in (*site.labels, *site.claims) if label in answer.text}
    assert wrong == {}
    return seen


def surfaces(site: Held) -> list[str]:
    """Return the addresses of all surfaces that are not of one thing."""
    new = current_release(site.releases).name
    old = [one.name for one in site.releases.iterdir() if len(one.name) == 64 and one.name != new]
    ids = {"old": old[0] if old else new, "new": new}
    paths = [path for some in SURFACES.values() for path in some]
    if not old:
        paths = [path for path in paths if "{old}" not in path]
        paths.remove("/changes/1")
    questions = site.client.get("/questions?format=json").json()
    paths = [path if "quer" in path else path.format_map(ids) for path in paths]
    paths += [f"/questions/{one['id']}" for one in questions]
    held_by = [one for one in site.addresses if one.startswith(("event/", "relation/", "agent/"))]
    paths += [f"/reconcile/preview?id={one}" for one in held_by[:: max(1, len(held_by) // 30)]]
    words = sorted({label.split()[0] for label in site.labels})
    paths += [f"/suggest?q={quote(word)}" for word in words[:: max(1, len(words) // 12)]]
    paths += [f"/search?q={quote(word)}" for word in words[:: max(1, len(words) // 4)]]
    return paths


@pytest.mark.timeout(900)
def test_nothing_is_bare_in_the_invented_graph(invented: Held, walk: Any) -> None:
    seen = check(invented, walk, [f"/doc/{one}" for one in invented.addresses])
    seen |= check(invented, walk, surfaces(invented))
    assert invented.labels <= seen


@pytest.mark.timeout(900)
def test_nothing_is_bare_in_the_built_in_graph(built_in: Held, walk: Any) -> None:
    kinds: dict[str, list[str]] = {}
    for address in built_in.addresses:
        kinds.setdefault(address.partition("/")[0], []).append(address)
    each = 3
    some = [one for listed in kinds.values() for one in listed[:: max(1, len(listed) // each)]]
    seen = check(built_in, walk, [f"/doc/{one}" for one in some])
    seen |= check(built_in, walk, surfaces(built_in))
    assert len(seen & built_in.labels) > len(built_in.labels) / 2


def everything(site: Held) -> list[str]:
    """Return addresses of every route that answers GET with something of the release."""
    things = [f"/doc/{one}" for one in site.addresses[:: max(1, len(site.addresses) // 12)]]
    new = current_release(site.releases).name
    return [
        *surfaces(site),
        *things,
        *(f"{things[0]}.{suffix}" for suffix in ("html", "ttl", "jsonld", "rdf")),
        *("/ontology.ttl", "/ontology/Event.jsonld", "/shapes.ttl", "/dataset.ttl"),
        *("/context.jsonld", "/.well-known/void", "/corrections.ttl", "/corrections.jsonld"),
        *("/changes.ttl", "/changes/0.ttl", "/changes/1.trig", f"/releases/{new}?format=json"),
        *("/releases?format=json", "/robots.txt", "/assets/site.css"),
        *(f"/download/current/{name}" for name in ("graph.nq", "graph.ttl.gz", "manifest.json")),
        *(f"/releases/{new[:9]}/diff/{new}{form}" for form in (".json", ".rdfp")),
    ]


def test_an_entity_tag_that_is_sent_is_known_when_it_comes_back(invented: Held) -> None:
    """RFC 9110, section 13.1.2."""
    client, tagged = invented.client, 0
    for path in everything(invented):
        for zipped in ("gzip", "identity"):
            headers = {**HTML, "Accept-Encoding": zipped}
            first = client.get(path, headers=headers)
            assert first.status_code == 200, (path, first.text[:300])
            assert first.headers.get("content-encoding", "identity") in ("identity", zipped), path
            if etag := first.headers.get("etag"):
                tagged += 1
                same = client.get(path, headers={**headers, "If-None-Match": etag})
                assert (same.status_code, same.content) == (304, b""), path
                assert same.headers["etag"] == etag, path
                vary = {one for one in first.headers.get("vary", "").split(", ") if one}
                assert vary <= set(same.headers.get("vary", "").split(", ")), path
    assert tagged > 100


def test_whatever_there_is_is_had_by_who_says_so(
    invented: Held, settings: Settings, tmp_path: Path
) -> None:
    """What the server has made before makes no difference."""
    any_ = {**HTML, "If-None-Match": "*"}
    with TestClient(create_app(invented.releases, settings)) as client:
        for path in everything(invented):
            if path.startswith("/assets"):
                continue
            for state in ("new", "made before"):
                answer = client.get(path, headers=any_)
                assert (answer.status_code, answer.content) == (304, b""), (path, state)
                assert client.get(path, headers=HTML).status_code == 200, path
        for path in ("/doc/event/nope", "/nope", "/download/current/nope", "/questions/nope"):
            assert client.get(path, headers=any_).status_code == 404, path


def test_what_depends_on_the_cookie_says_so(invented: Held) -> None:
    client, different = invented.client, 0
    for path in everything(invented):
        plain = client.get(path, headers=HTML)
        hindi = client.get(path, headers={**HTML, "Cookie": "lang=hi"})
        vary = [one.strip() for one in plain.headers.get("vary", "").split(",")]
        assert len(vary) == len(set(vary)), path
        assert ("Cookie" in vary) == ("Accept-Language" in vary), path
        if plain.content != hindi.content:
            different += 1
            assert "Cookie" in vary, path
    assert different > 50


def test_nothing_is_bare_in_a_static_copy(
    invented: Held, walk: Any, settings: Settings, tmp_path: Path
) -> None:
    export_site(current_release(invented.releases), tmp_path / "copy", settings)
    kinds = {".html": "text/html", ".csv": "text/csv", ".atom": "application/atom+xml"}
    seen: set[str] = set()
    for path in sorted((tmp_path / "copy").rglob("*")):
        if path.suffix in kinds:
            text = path.read_text(encoding="utf-8")
            assert trouble(invented, walk, kinds[path.suffix], text) == [], path
            seen |= {label for label in invented.labels if label in text}
    assert seen == invented.labels


def test_links_name_events_as_described(built_in: Held) -> None:
    """The records of links are apart from the crawl: their mark is not the one of events."""
    found = built_in.client.get("/search?kind=record&format=json").json()
    page, hits = 1, list(found["hits"])
    while found["more"]:
        page += 1
        found = built_in.client.get(f"/search?kind=record&format=json&page={page}").json()
        hits += found["hits"]
    words = [one["label"] for one in hits]
    named = {label for label in built_in.labels for one in words if label in one}
    assert len(named) > 10
    for label in named:
        for one in words:
            # A longer label may hold a shorter one.
            longer = [other for other in named if label in other]
            assert label not in one or any(f"described: {other}" in one for other in longer), one
    links = [one for one in hits if one["class"].endswith("EventLink")]
    assert len(links) > 5
    unconfirmed = 0
    for one in links:
        stances = [position["stance"].partition("#stance-")[2] for position in one["positions"]]
        assert "affirms" in stances, one
        assert len(set(stances)) == len(stances), one
        unconfirmed += "does-not-confirm" in stances
    assert unconfirmed
    # While somebody types there is less of a hit; who does not confirm it is there all the same.
    told = built_in.client.get("/suggest?kind=record&q=train").json()["suggestions"]
    notes = [note["text"] for one in told for note in one["notes"]]
    assert any(note.startswith("does not confirm: ") for note in notes), notes


def test_bare_labels_are_found(invented: Held, walk: Any) -> None:
    label = "Talks at Mill Town"
    claim = "Cordian officials affirm: delivery of radar parts"
    for media, text in (
        ("text/html", f"<p>{label}</p>"),
        ("text/html", f'<a title="{label}">x</a>'),
        ("text/html", f'<script type="application/json">["{label}"]</script>'),
        ("application/json", json.dumps({"label": label})),
        ("application/json", json.dumps({label: 1})),
        ("application/json", json.dumps({"label": f"Record: Perhaps the same event: {label}"})),
        ("text/csv", f"label\n{label}\n"),
        ("text/csv", f"{label}\n1\n"),
        ("application/atom+xml", f"<feed><title>{label}</title></feed>"),
    ):
        assert trouble(invented, walk, media, text), text
    for media, text in (
        ("text/html", f'<p class="described">described: {label}</p>'),
        ("text/html", f'<a title="Described: {label}">x</a>'),
        ("application/json", json.dumps({"described": label})),
        ("text/csv", f"label\nDescribed: {label}\n"),
    ):
        assert not trouble(invented, walk, media, text), text
    assert claim in invented.claims
    assert trouble(invented, walk, "application/json", json.dumps([claim]))


# --- after the scripts have run ------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(invented: Held, serving: Any) -> Iterator[str]:
    with serving(invented.releases) as found:
        yield found


DRAWN = """
const shown = [];
const tree = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_ALL);
for (let node = tree.currentNode; node; node = tree.nextNode()) {
  if (node.nodeType === Node.TEXT_NODE && node.parentElement.closest("svg")) {
    const words = node.parentElement.closest("text, title, desc") || node.parentElement;
    shown.push(["text", words.textContent]);
  } else if (node.nodeType === Node.ELEMENT_NODE) {
    for (const one of node.attributes) {
      if (one.name !== "href" && one.name !== "value") shown.push([one.name, one.value]);
    }
  }
}
shown.push(["title", document.title]);
return shown;
"""
"""Every text of a drawing and every attribute of a page, as they are after its scripts have run."""


@pytest.mark.requires("chromium", "chromedriver", "assets")
@pytest.mark.parametrize("lang", INTERFACE)
@pytest.mark.parametrize("path", ["/", "/timeline", "/map", "/network", "/doc/place/bost-city"])
def test_nothing_is_bare_in_what_scripts_draw(
    browser: Any, address: str, invented: Held, walk: Any, path: str, lang: str
) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(f"{address}{path}?lang={lang}")
    ready = "return document.querySelector('figure.picture').dataset.drawn"
    assert int(WebDriverWait(browser, 20).until(lambda it: it.execute_script(ready))) > 0
    shown = browser.execute_script(DRAWN)
    named = any(label in text for _, text in shown for label in invented.labels)
    assert named != path.startswith("/doc/place/"), "what is drawn of a place is its name"
    wrong = [one for one in shown if invented.bare(one[1], marked=walk.marked)]
    assert wrong == []


@pytest.mark.requires("chromium", "chromedriver", "assets")
def test_nothing_is_bare_in_what_is_suggested_while_typing(
    browser: Any, address: str, invented: Held, walk: Any
) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(f"{address}/")
    browser.find_element("id", "q").send_keys("মিল টাউ")
    options = WebDriverWait(browser, 20).until(
        lambda it: it.find_elements("css selector", "[role=option]")
    )
    texts = [one.text for one in options]
    assert any("মিল টাউনে আলোচনা" in text or "Talks at Mill Town" in text for text in texts)
    assert [one for one in texts if invented.bare(one, marked=walk.marked)] == []
