"""The list of links to outside, in every format, and its files."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from starlette.testclient import TestClient

from kg.build import DEFAULT_BASE, publish
from kg.config import Settings
from kg.resources import folder
from kg.sssom import TSV_FILE, TURTLE_FILE, read_table
from kg.web import links, static
from kg.web.app import create_app
from kg.web.static import export_site

TSV = "text/tab-separated-values; charset=utf-8"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("links")
    release, _ = publish([folder("facts")], found, base=DEFAULT_BASE)
    assert release is not None
    return found


def test_one_address_has_every_form(out: Path, settings: Settings) -> None:
    release = out / "current"
    with TestClient(create_app(out, settings)) as client:
        for path, accept in (
            ("/links.sssom.tsv", "*/*"),
            ("/links", "text/tab-separated-values"),
            ("/links?format=tsv", "text/html"),
            (f"/download/current/{TSV_FILE}", "*/*"),
        ):
            answer = client.get(path, headers={"Accept": accept})
            assert answer.headers["content-type"] == TSV, path
            assert answer.content == (release / TSV_FILE).read_bytes(), path
        turtle = (release / TURTLE_FILE).read_bytes()
        assert client.get("/links.ttl").content == turtle
        assert client.get("/links", headers={"Accept": "text/turtle"}).content == turtle
        nt = client.get("/links.nt").content
        assert len(list(ox.parse(nt, format=ox.RdfFormat.N_TRIPLES))) == len(
            list(ox.parse(turtle, format=ox.RdfFormat.TURTLE))
        )
        assert client.get("/links.srj").status_code == 404
        assert client.get("/links", headers={"Accept": "image/png"}).status_code == 406


def test_the_page_lists_refusals_and_what_was_not_found(out: Path, settings: Settings) -> None:
    with TestClient(create_app(out, settings)) as client:
        page = client.get("/links", headers={"Accept": "text/html"}).text
        for words in ("the same", "not the same", "looked for, not found", "nobody yet"):
            assert words in page
        assert 'href="http://www.wikidata.org/entity/Q423"' in page
        assert "উত্তর কোরিয়া" in client.get("/links?lang=bn").text
        text = client.get("/links.csv").text
        rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        decisions = {row["decision"] for row in rows}
        assert decisions == {"match", "refused", "not-found"}
        tsv = client.get("/links.sssom.tsv").text.splitlines()
        assert len(rows) == len([line for line in tsv if not line.startswith("#")]) - 1
        assert "/links" in client.get("/download").text


def test_the_list_has_pages(out: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "LINKS_SHOWN", 10)
    with TestClient(create_app(out, settings)) as client:
        first, last = (client.get(f"/links?page={number}").text for number in (1, 7))
        assert first.count("<tr>") == 11
        assert 'rel="next"' in first
        assert last.count("<tr>") == 6
        assert 'rel="next"' not in last


@pytest.mark.requires("chromium", "chromedriver")
@pytest.mark.parametrize(
    ("lang", "words"), [("en", "Reviewed by"), ("bn", "পর্যালোচক"), ("hi", "समीक्षक")]
)
def test_a_narrow_screen_shows_who_decided_and_on_what(
    browser: Any,
    out: Path,
    serving: Callable[[Path], AbstractContextManager[str]],
    lang: str,
    words: str,
) -> None:
    metrics = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    with serving(out) as address:
        browser.get(f"{address}/links?lang={lang}")
        cells = browser.find_elements("css selector", "tbody tr:first-child td")
        assert len(cells) == 7
        for cell in cells:
            assert cell.rect["x"] >= 0
            assert cell.rect["x"] + cell.rect["width"] <= 360
        called = "return getComputedStyle(arguments[0], '::before').content"
        assert words in cells[5].get_attribute("data-label")
        assert "data-label" in browser.execute_script(called, cells[5]) or words in (
            browser.execute_script(called, cells[5])
        )


def test_a_static_copy_has_them(
    out: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All on one page where they just fit, and no page of none."""
    rows = read_table((out / "current" / TSV_FILE).read_text(encoding="utf-8"), DEFAULT_BASE)
    for module in (links, static):
        monkeypatch.setattr(module, "LINKS_SHOWN", len(rows))
    export_site(out / "current", tmp_path / "copy", settings)
    for name in ("links.html", "links.sssom.tsv", "links.ttl", "links.jsonld", "links/index.html"):
        assert (tmp_path / "copy" / name).is_file(), name
    assert (tmp_path / "copy/links.sssom.tsv").read_bytes() == (
        out / "current" / TSV_FILE
    ).read_bytes()
    pages = [path.name for path in (tmp_path / "copy").glob("links*.html")]
    assert pages == ["links.html"]
    assert 'href="links.html"' in (tmp_path / "copy/index.html").read_text(encoding="utf-8")


def test_a_release_without_them_leads_to_none(
    out: Path, settings: Settings, tmp_path: Path
) -> None:
    """As they were before there were such files."""
    shutil.copytree(out, tmp_path / "old", symlinks=True)
    path = tmp_path / "old/current/manifest.json"
    path.chmod(0o644)
    manifest = json.loads(path.read_bytes())
    manifest["files"] = [one for one in manifest["files"] if "sssom" not in one["path"]]
    path.write_bytes(json.dumps(manifest).encode())
    with TestClient(create_app(tmp_path / "old", settings)) as client:
        assert client.get("/links").status_code == 404
        for page in ("/", "/download"):
            assert 'href="/links' not in client.get(page, headers={"Accept": "text/html"}).text
