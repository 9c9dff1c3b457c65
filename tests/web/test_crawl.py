"""What crawlers find: robots.txt, and a map of the site that leads to every thing with a name."""

from __future__ import annotations

import urllib.robotparser
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kg.build import publish
from kg.config import Settings
from kg.web import crawl
from kg.web.app import create_app

BASE = "https://data.example.org/kg/"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def site(
    checkout: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    """Return a site with the facts of the tutorial, under a base IRI that somebody owns."""
    out = tmp_path_factory.mktemp("crawled")
    release, _ = publish([checkout / "docs/tutorial/facts"], out, base=BASE)
    assert release is not None
    with TestClient(create_app(out, settings)) as found:
        yield found


def listed(text: str) -> list[str]:
    """Return the addresses in a map."""
    return [element.text or "" for element in ET.fromstring(text).iter() if "loc" in element.tag]


def test_the_map_leads_to_every_thing_with_a_name(
    site: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawl, "MOST", 7)
    site.app.served.cache.pop("site map", None)  # type: ignore[attr-defined] # a Site
    index = site.get("/sitemap.xml")
    assert index.headers["content-type"] == "application/xml"
    maps = listed(index.text)
    assert maps == [f"{BASE}sitemap/{n}.xml" for n in range(1, len(maps) + 1)]
    found: list[str] = []
    for address in maps:
        part = listed(site.get(address.removeprefix(BASE[:-1])).text)
        assert 0 < len(part) <= 7
        found += part
    assert len(found) == len(set(found))
    for address in found:
        answer = site.get(address.removeprefix(BASE[:-1]), headers=HTML)
        assert answer.status_code == 200, address
    query = (
        "SELECT DISTINCT ?s { { ?s a ch:Event } UNION { ?s a ch:Agent } UNION { ?s a ch:Place } }"
    )
    rows = site.get("/sparql", params={"query": query, "format": "csv"}).text.split()[1:]
    assert rows
    assert {row.replace("/id/", "/doc/") for row in rows} <= set(found)
    assert site.get("/sitemap/0.xml").status_code == 404
    assert site.get(f"/sitemap/{len(maps) + 1}.xml").status_code == 404


def test_robots_are_told_what_costs_a_query(site: TestClient) -> None:
    answer = site.get("/robots.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    robots = urllib.robotparser.RobotFileParser()
    robots.parse(answer.text.splitlines())
    assert robots.site_maps() == [f"{BASE}sitemap.xml"]
    assert robots.can_fetch("*", f"{BASE[:-4]}/doc/event/anything")
    assert robots.can_fetch("*", f"{BASE[:-4]}/")
    assert not robots.can_fetch("*", f"{BASE[:-4]}/sparql?query=x")
    assert not robots.can_fetch("*", f"{BASE[:-4]}/query?query=x")


def test_without_a_base_of_its_own_a_site_has_no_map(client: TestClient) -> None:
    assert "Sitemap" not in client.get("/robots.txt").text
    answer = client.get("/sitemap.xml", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert "base_iri" in answer.json()["hint"]
