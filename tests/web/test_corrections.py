"""What editors did: in the graph, above what it is of, at its address, and as a list."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import rdflib
from starlette.testclient import TestClient

from kg.build import build_dataset, publish
from kg.config import Settings
from kg.dumps import dump
from kg.errors import KgErrors
from kg.vocab import CH
from kg.web.app import create_app

BASE = "https://chancery.example/"
HTML = {"Accept": "text/html"}
ATOM = "{http://www.w3.org/2005/Atom}"
CORRECTION = """
- kind: correction
  id: hv-c04-correction
  of: [hv-c04]
  reason: inaccurate
  authority: The standards editor
  date: 2026-11-25
  summary: {en: "The official was said to be certain; the article has probably.", bn: "সংশোধন"}
"""
WITHDRAWAL = """
- kind: withdrawal
  id: hv-c06-withdrawal
  of: [hv-c06]
  reason: attribution
  authority: Order 7 of the press council
  date: 2026-11-26
"""


def facts(checkout: Path, folder: Path, more: str) -> Path:
    shutil.copytree(checkout / "docs/tutorial/facts", folder)
    path = folder / "harbour-visit.yaml"
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Path:
    place = tmp_path_factory.mktemp("corrections")
    publish([facts(checkout, place / "old", "")], place / "out", base=BASE)
    new = facts(checkout, place / "new", CORRECTION + WITHDRAWAL)
    path, built = publish([new], place / "out", base=BASE)
    assert path, built and built.report_table()
    return place / "out"


@pytest.fixture(scope="module")
def site(out: Path, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(out, settings), follow_redirects=False) as client:
        yield client


def select(site: TestClient, query: str) -> list[dict[str, str]]:
    answer = site.get("/sparql", params={"query": query}, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return [
        {name: term["value"] for name, term in row.items()}
        for row in answer.json()["results"]["bindings"]
    ]


@pytest.fixture(scope="module")
def claims(out: Path) -> dict[str, str]:
    """The addresses of the claims by their ids, in the release before."""
    current = (out / "current").resolve()
    first = next(path for path in out.iterdir() if len(path.name) == 64 and path != current)
    named = re.compile(r'^<(.*?)> <http://purl.org/dc/terms/identifier> "(.*?)" ')
    lines = dump(first, "graphs/harbour-visit.nq").decode().splitlines()
    return {match[2]: match[1] for line in lines if (match := named.match(line))}


def test_a_correction_stands_above_the_claim(site: TestClient, claims: dict[str, str]) -> None:
    claim = claims["hv-c04"].removeprefix(f"{BASE}id")
    page = site.get(f"/doc{claim}", headers=HTML)
    assert page.status_code == 200
    notice = page.text.index("The official was said to be certain")
    assert notice < page.text.index("<blockquote") if "<blockquote" in page.text else True
    assert notice < page.text.index('<p class="who">')
    assert "The standards editor" in page.text
    # Also where the claim is one of several, beside what it is about.
    event = site.get("/doc/event/drones-unloading-port-solen", headers=HTML)
    assert "The official was said to be certain" in event.text
    bengali = site.get(f"/doc{claim}?lang=bn", headers=HTML).text
    assert "সংশোধন" in bengali
    turtle = rdflib.Graph().parse(data=site.get(f"/doc{claim}.ttl").text, format="turtle")
    corrects = rdflib.URIRef(f"{CH}corrects")
    assert (None, corrects, rdflib.URIRef(claims["hv-c04"])) in turtle


@pytest.mark.parametrize(
    "suffix", ["", ".html", ".ttl", ".jsonld", ".nq", ".trig", ".nt", ".rdf", ".csv", "?format=csv"]
)
def test_what_was_withdrawn_is_gone_and_says_so(
    site: TestClient, claims: dict[str, str], suffix: str
) -> None:
    address = f"/doc{claims['hv-c06'].removeprefix(f'{BASE}id')}{suffix}"
    answer = site.get(address, headers=HTML)
    assert answer.status_code == 410
    assert "Order 7 of the press council" in answer.text
    assert "did not confirm" not in answer.text
    assert "etag" not in answer.headers  # a precondition is for what is there


def test_a_thing_that_was_withdrawn_leads_to_its_tombstone(
    site: TestClient, claims: dict[str, str]
) -> None:
    answer = site.get(claims["hv-c06"].removeprefix(BASE.rstrip("/")))
    assert answer.status_code == 303
    assert site.get(answer.headers["location"], headers=HTML).status_code == 410


def test_nothing_more_is_said_of_what_was_withdrawn(
    site: TestClient, claims: dict[str, str]
) -> None:
    rows = select(site, f"SELECT ?p ?o WHERE {{ <{claims['hv-c06']}> ?p ?o }}")
    assert [row["o"] for row in rows] == [f"{CH}Tombstone"]
    status = f"SELECT ?who WHERE {{ ?s a <{CH}StatusAssessment> ; <{CH}notConfirmedBy> ?who }}"
    assert select(site, status) == []


def test_corrections_are_listed_for_people_programs_and_readers_of_feeds(
    site: TestClient, claims: dict[str, str], out: Path
) -> None:
    page = site.get("/corrections", headers=HTML)
    assert page.status_code == 200
    assert page.text.index("Order 7") < page.text.index("The standards editor")
    told = site.get("/corrections.json").json()
    assert (told["page"], told["more"]) == (1, False)
    assert told["release"] == (out / "current").resolve().name
    assert told["notices"] == [
        {
            "id": f"{BASE}id/notice/hv-c06-withdrawal",
            "act": "withdrawal",
            "reason": "attribution",
            "authority": "Order 7 of the press council",
            "date": "2026-11-26",
            "of": [claims["hv-c06"]],
            "summary": {},
        },
        {
            "id": f"{BASE}id/notice/hv-c04-correction",
            "act": "correction",
            "reason": "inaccurate",
            "authority": "The standards editor",
            "date": "2026-11-25",
            "of": [claims["hv-c04"]],
            "summary": {
                "en": "The official was said to be certain; the article has probably.",
                "bn": "সংশোধন",
            },
        },
    ]
    feed = ElementTree.fromstring(site.get("/corrections.atom").content)
    assert feed.findtext(f"{ATOM}updated") == "2026-11-26T00:00:00Z"
    assert [one.findtext(f"{ATOM}id") for one in feed.findall(f"{ATOM}entry")] == [
        one["id"] for one in told["notices"]
    ]
    turtle = site.get("/corrections.ttl")
    assert len(rdflib.Graph().parse(data=turtle.text, format="turtle")) > 10
    assert site.get("/corrections.xyz").status_code == 404
    asked = site.get("/corrections", headers={"Accept": "application/atom+xml"})
    assert asked.headers["content-type"].startswith("application/atom+xml")
    for path in ("/doc/notice/hv-c06-withdrawal", "/doc/notice/hv-c04-correction"):
        assert site.get(path, headers=HTML).status_code == 200


def test_a_release_without_notices_has_an_empty_list(
    tmp_path: Path, checkout: Path, settings: Settings
) -> None:
    publish([facts(checkout, tmp_path / "facts", "")], tmp_path / "out", base=BASE)
    with TestClient(create_app(tmp_path / "out", settings)) as client:
        assert client.get("/corrections.json").json()["notices"] == []
        assert "Nothing in this release" in client.get("/corrections", headers=HTML).text
        feed = ElementTree.fromstring(client.get("/corrections.atom").content)
        assert feed.findall(f"{ATOM}entry") == []


@pytest.mark.parametrize(
    ("more", "message", "seen"),
    [
        (WITHDRAWAL.replace("hv-c06]", "hv-c99]"), "names no record of this file", "hv-c99"),
        (CORRECTION + CORRECTION.replace("04-correction", "04-again").replace(
            "of: [hv-c04]", "of: [hv-c04-correction]"), "names a notice", "hv-c04-correction"),
        (WITHDRAWAL.replace("hv-c06]", "hv-c04]"), "refers to a record that is withdrawn",
         "hv-c04"),
        (WITHDRAWAL.replace("hv-c06]", "drones-unloading-port-solen]"),
         "refers to a record that is withdrawn", "drones-unloading-port-solen"),
        (WITHDRAWAL.replace("attribution", "because"), "is not of its form", "because"),
        (WITHDRAWAL.replace("2026-11-26", "2026-02-30"), "no day of the calendar", "2026-02-30"),
        (CORRECTION.replace("hv-c04]", "hv-m01]"), "names a mention", "hv-m01"),
        (CORRECTION.replace("The standards editor", '" "'), "has no words", ""),
        (CORRECTION.replace("  authority: The standards editor\n", ""), "is missing", ""),
    ],
)  # fmt: skip
def test_a_notice_that_cannot_be_is_refused_with_its_line(
    tmp_path: Path, checkout: Path, more: str, message: str, seen: str
) -> None:
    folder = facts(checkout, tmp_path / "facts", more)
    with pytest.raises(KgErrors) as caught:
        build_dataset([folder], BASE)
    told = [error for error in caught.value.errors if message in str(error)]
    assert told, caught.value.errors
    assert "harbour-visit.yaml:" in str(told[0])
    assert seen in str(told[0])


def test_a_whole_document_is_withdrawn_with_all_that_it_holds(
    tmp_path: Path, checkout: Path
) -> None:
    whole = WITHDRAWAL.replace("hv-c06]", "harbour-visit]")
    built = build_dataset([facts(checkout, tmp_path / "facts", whole)], BASE)
    assert built.report is not None
    assert not built.report.results, built.report_table()
    named = [graph.rpartition("/")[2] for graph in built.dataset.graphs()]
    assert "harbour-visit" not in named
    tombs = [line for line in built.dataset.lines(f"{BASE}id/graph/corrections") if "Tomb" in line]
    assert any(f"<{BASE}id/document/harbour-visit>" in line for line in tombs)
    assert not [line for line in built.dataset if "Unloading of drones" in line]


def test_a_relation_that_another_document_describes_stays(tmp_path: Path, checkout: Path) -> None:
    """The two articles share a relation; one of them can be withdrawn all the same."""
    folder = tmp_path / "facts"
    shutil.copytree(checkout / "facts", folder)
    (folder / "links.yaml").unlink()
    path = folder / "lavrov-visit-bn.yaml"
    more = WITHDRAWAL.replace("hv-c06]", "lavrov-visit-bn]").replace("hv-c06", "bn")
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    built = build_dataset([folder], BASE)
    assert built.conforms, built.report_table()


def test_facts_that_may_not_be_handed_on_are_in_no_dump(tmp_path: Path, checkout: Path) -> None:
    folder = facts(checkout, tmp_path / "facts", CORRECTION)
    path = folder / "harbour-visit.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("  review: drafted\n", "  review: drafted\n  redistribution: none\n", 1)
    )
    release, _ = publish([folder], tmp_path / "out", base=BASE)
    assert release
    assert b"Unloading of drones" not in dump(release, "graph.nq")
    assert b"The official was said" not in dump(release, "graph.nq")
    path.write_text(path.read_text(encoding="utf-8").replace("A fishing treaty", "A treaty"))
    again, _ = publish([folder], tmp_path / "out", base=BASE)
    assert again
    assert again != release
    assert b"Unloading of drones" not in dump(again, "graph.nq")


def test_a_notice_of_many_names_few_of_them(
    tmp_path: Path, checkout: Path, settings: Settings
) -> None:
    whole = WITHDRAWAL.replace("hv-c06]", "harbour-visit]")
    publish([facts(checkout, tmp_path / "facts", whole)], tmp_path / "out", base=BASE)
    with TestClient(create_app(tmp_path / "out", settings)) as client:
        page = client.get("/doc/document/harbour-visit", headers=HTML)
        assert page.status_code == 410
        turtle = client.get("/doc/event/rell-talks-port-solen.ttl")
        assert turtle.status_code == 410
        assert turtle.text.count("id/") + turtle.text.count(":rell") < 20
        assert "drones-unloading" not in turtle.text
        relation = select(client, "SELECT ?r { ?n ch:withdraws ?r FILTER NOT EXISTS { ?r a ?t } }")
        address = relation[0]["r"].removeprefix(f"{BASE}id")
        assert client.get(f"/doc{address}", headers=HTML).status_code == 410
