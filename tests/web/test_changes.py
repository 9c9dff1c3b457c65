"""The feed of changes: an event stream that a client can follow, and pages for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rdflib
from rdflib.namespace import RDF
from starlette.testclient import TestClient

from kg import changes
from kg.config import Settings
from kg.manifest import read_publications
from kg.release import rollback
from kg.web.app import create_app

BASE = "https://chancery.example/"
# rdflib's own reader of JSON-LD uses a class that rdflib has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")

HTML = {"Accept": "text/html"}
TURTLE = {"Accept": "text/turtle"}
AS = rdflib.Namespace(changes.AS)
LDES = rdflib.Namespace(changes.LDES)
TREE = rdflib.Namespace(changes.TREE)
AGENT = f"{BASE}id/agent/newcomer"
MORE = f"""
GRAPH <{BASE}id/graph/registry> {{
  <{AGENT}> a <https://w3id.org/chancery/ontology#Agent> ;
    <http://www.w3.org/2000/01/rdf-schema#label> "নতুন"@bn .
  <{BASE}id/agent/arvenia> <http://www.w3.org/2004/02/skos/core#altLabel> "Another name"@en .
}}
""".encode()


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, write_sample: Callable[..., Path]) -> Path:
    """A folder of releases: published, changed, and gone back."""
    folder = tmp_path_factory.mktemp("changes")
    write_sample(folder)
    write_sample(folder, extra=MORE, title="More facts")
    rollback(folder)
    return folder


@pytest.fixture(scope="module")
def site(out: Path, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(out, settings), follow_redirects=False) as client:
        yield client


def graph_of(site: TestClient, address: str) -> rdflib.Graph:
    answer = site.get(address, headers=TURTLE)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/turtle; charset=utf-8"
    return rdflib.Graph().parse(data=answer.text, format="turtle")


def followed(site: TestClient) -> list[tuple[str, str, str]]:
    """Follow the stream from its root, as a client does: time, act and thing, oldest first."""
    root = graph_of(site, "/changes")
    [stream] = root.subjects(RDF.type, LDES.EventStream)
    assert (stream, LDES.timestampPath, AS.published) in root
    [view] = root.objects(stream, TREE.view)
    found = []
    for relation in root.objects(view, TREE.relation):
        assert (relation, RDF.type, TREE.GreaterThanOrEqualToRelation) in root
        since = str(root.value(relation, TREE.value))
        page = graph_of(site, "/" + str(root.value(relation, TREE.node)).removeprefix(BASE))
        for member in page.objects(stream, TREE.member):
            time = str(page.value(member, AS.published))
            assert time >= since
            act = str(page.value(member, RDF.type)).removeprefix(changes.AS)
            found.append((time, act, str(page.value(member, AS.object))))
    return sorted(found)


def test_a_client_learns_what_became_of_each_thing(site: TestClient, out: Path) -> None:
    acts = [(act, thing.removeprefix(BASE)) for _, act, thing in followed(site)]
    assert sorted(acts) == [
        ("Create", "dataset"),
        ("Create", "id/agent/newcomer"),
        ("Delete", "id/agent/newcomer"),
        ("Update", "id/agent/arvenia"),
        ("Update", "id/agent/arvenia"),
    ]
    assert len(read_publications(out)) == 3


def test_pages_never_change_and_the_root_does(site: TestClient) -> None:
    root, page = (site.get(path, headers=TURTLE) for path in ("/changes", "/changes/1"))
    assert root.headers["cache-control"] == "no-cache"
    assert page.headers["cache-control"] == "public, max-age=86400"
    for answer, path in ((root, "/changes"), (page, "/changes/1")):
        same = site.get(path, headers={**TURTLE, "If-None-Match": answer.headers["etag"]})
        assert same.status_code == 304


def test_every_format_says_the_same(site: TestClient) -> None:
    for path in ("/changes", "/changes/1"):
        turtle = graph_of(site, path)
        for suffix, form in (("jsonld", "json-ld"), ("nt", "nt"), ("rdf", "xml")):
            answer = site.get(f"{path}.{suffix}")
            assert answer.status_code == 200
            assert set(rdflib.Graph().parse(data=answer.content, format=form)) == set(turtle)


def test_people_see_what_happened(site: TestClient) -> None:
    root = site.get("/changes", headers=HTML).text
    assert "gone back to" in root
    page = site.get("/changes/1", headers=HTML).text
    assert "new: </span>" in page
    assert 'href="/doc/agent/newcomer"' in page
    assert "statement by statement" in page


@pytest.mark.parametrize("path", ["/changes/3", "/changes/-1", "/changes/x.ttl", "/changes/1.zip"])
def test_what_is_not_there_is_said(site: TestClient, path: str) -> None:
    answer = site.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_where_detail_is_lost_the_whole_has_changed(
    tmp_path: Path, write_sample: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sample(tmp_path)
    monkeypatch.setattr(changes, "MOST", 1)
    write_sample(tmp_path, extra=MORE, title="More facts")
    for number, act in ((0, "Create"), (1, "Update")):
        page = changes.read_page(tmp_path, BASE, number)
        assert page is not None
        assert page.activities == (changes.Activity(act, f"{BASE}dataset"),)
    assert changes.read_page(tmp_path, BASE, 2) is None
    (tmp_path / "changes").mkdir(exist_ok=True)
    others = json.dumps(["a" * 64, "b" * 64]).encode()
    for damage in (b"", b"nonsense\n", json.dumps(["x"]).encode(), others):
        (tmp_path / "changes/00000001.jsonl").write_bytes(damage)
        page = changes.read_page(tmp_path, BASE, 1)
        assert page is not None
        assert page.activities[0].object == f"{BASE}dataset"
        assert not page.known
