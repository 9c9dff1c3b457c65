"""The site in a real browser: it draws, it is quiet, it asks no other host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kg.importing import import_release

pytestmark = pytest.mark.requires("chromium", "chromedriver")

PATHS = [
    "/",
    "/doc/event/radar-delivery",
    "/doc/relation/00000000000000a2",
    "/doc/claim/0000000000000003",
    "/doc/claimset/such-accusations",
    "/doc/document/harbour-bn",
    "/doc/agent/mira-odan",
    "/doc/place/bost-city",
    "/doc/span/1",
    "/doc/status/0000000000000001",
    "/questions",
    "/questions/who-denies",
    "/query",
    "/search?q=মীরা",
    "/ontology",
    "/dataset",
    "/download",
    "/links",
    "/releases",
    "/docs",
    "/docs/api",
    "/docs/model",
    "/docs/reference/sparql",
    "/nope",
]
IMPORTED = f"""
@prefix ex: <http://data.example/> .
ex:kolkata <http://xmlns.com/foaf/0.1/name> "কলকাতা"@bn, "Kolkata"@en ; a ex:City ;
    ex:list ( 1 [ ex:nested [ ex:deeper [ ex:deepest <http://data.example/{"long" * 60}> ] ] ] ) ;
    ex:{"property" * 12} "{"word" * 90}", ex:kolkata .
<http://data.example/{"city" * 50}> ex:near ex:kolkata .
"""
OF_IMPORTED = [
    "/",
    "/dataset",
    "/resource?iri=http://data.example/kolkata",
    f"/resource?iri=http://data.example/{'city' * 50}",
    f"/resource?iri=http://data.example/{'property' * 12}",
    "/resource?iri=http://nowhere.example/",
    "/search?q=kol",
    "/query?query=SELECT+*+{+?s+?p+?o+}",
    "/download",
    "/ontology",
]


@pytest.fixture(scope="module")
def address(releases: Path, serving: Any) -> Iterator[str]:
    """Return the address of a server with the invented facts."""
    with serving(releases) as found:
        yield found


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory, serving: Any) -> Iterator[str]:
    """Return the address of a server with RDF that was imported."""
    folder = tmp_path_factory.mktemp("imported")
    file = folder / "a-file-with-a-name-that-is-rather-long-for-a-telephone.ttl"
    file.write_text(IMPORTED, encoding="utf-8")
    import_release([str(file)], folder / "releases", base="https://chancery.example/")
    with serving(folder / "releases") as found:
        yield found


def requests(browser: Any) -> list[str]:
    """Return the addresses asked for since the last call."""
    found = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.append(message["params"]["request"]["url"])
    return found


def resize(browser: Any, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_draws_quietly_and_from_here_only(browser: Any, address: str, path: str) -> None:
    resize(browser, 1280)
    requests(browser)
    browser.get_log("browser")
    browser.get(address + path)
    assert browser.find_element("css selector", "h1").text
    colour = browser.execute_script(
        "return getComputedStyle(document.querySelector('header.site')).display"
    )
    assert colour == "flex", "the style sheet is not applied"
    asked = requests(browser)
    assert any(url.startswith(f"{address}/assets/site.css") for url in asked)
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    complaints = [
        entry
        for entry in browser.get_log("browser")
        if not (path == "/nope" and "404" in entry["message"])
    ]
    assert complaints == []


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_nothing_is_wider_than_the_screen(browser: Any, address: str, width: int) -> None:
    resize(browser, width)
    for path in PATHS:
        browser.get(address + path)
        script = "return document.documentElement.scrollWidth"
        assert browser.execute_script(script) <= width, path


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_pages_of_imported_rdf_fit_and_are_quiet(browser: Any, imported: str, width: int) -> None:
    resize(browser, width)
    requests(browser)
    browser.get_log("browser")
    for path in OF_IMPORTED:
        browser.get(imported + path)
        script = "return document.documentElement.scrollWidth"
        assert browser.execute_script(script) <= width, path
        banner = browser.find_element("css selector", ".imported")
        assert "not mapped, not validated" in banner.text
    assert [u for u in requests(browser) if not u.startswith((imported, "data:"))] == []
    complaints = [e["message"] for e in browser.get_log("browser") if "404" not in e["message"]]
    assert complaints == []


def test_search_and_language(browser: Any, address: str) -> None:
    resize(browser, 360)
    browser.get(f"{address}/")
    box = browser.find_element("id", "q2")
    box.send_keys("মীরা")
    box.submit()
    browser.find_element("css selector", ".hits a").click()
    assert browser.find_element("css selector", "h1").text == "Mira Odan"
    browser.find_element("link text", "বাংলা").click()
    assert browser.find_element("css selector", "h1").text == "মীরা ওদান"
    root = browser.find_element("css selector", "html")
    assert root.get_attribute("lang") == "bn"
    browser.get(f"{address}/doc/agent/mira-odan")
    assert browser.find_element("css selector", "h1").text == "মীরা ওদান", "it is kept"
    browser.find_element("link text", "English").click()
    assert browser.find_element("css selector", "h1").text == "Mira Odan"


def test_the_ledger_has_a_column_for_each_stance(browser: Any, address: str) -> None:
    resize(browser, 1280)
    browser.get(f"{address}/doc/event/radar-delivery")
    ledger = browser.find_element("css selector", "section[aria-labelledby=claims] .ledger")
    columns = ledger.find_elements("css selector", ".column")
    names = [column.find_element("css selector", "h3 a").text for column in columns]
    assert names == ["affirms", "denies", "disputes the evidence", "does not confirm"]
    assert len({column.rect["y"] for column in columns[:3]}) == 1, "side by side"
    resize(browser, 360)
    assert len({column.rect["x"] for column in columns}) == 1, "one below the other"
