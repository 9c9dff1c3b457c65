"""The page of downloads: every file, commands for this release, how to cite, licences."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kg.manifest import Manifest, read_manifest

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def manifest(releases: Path) -> Manifest:
    return read_manifest((releases / "current").resolve())


@pytest.fixture(scope="module")
def page(client: TestClient) -> str:
    answer = client.get("/download", headers=HTML)
    assert answer.status_code == 200
    return answer.text


def _copied(page: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(r'data-copy="([^"]*)"', page)]


def test_every_dump_is_there_with_size_and_checksum(page: str, manifest: Manifest) -> None:
    for entry in manifest.dumps:
        row = page[page.index(f">{entry.path}</a>") :].split("</tr>")[0]
        assert f"{entry.bytes:,}" in row
        assert (entry.sha256 or "see its packed form") in row


def test_commands_name_the_files_of_this_release(
    page: str, manifest: Manifest, client: TestClient
) -> None:
    first = next(text for text in _copied(page) if "SHA256SUMS" in text)
    addresses = re.findall(r"http://testserver(/\S+)", first)
    assert addresses
    for address in addresses:
        assert address.startswith(f"/download/{manifest.id}/")
        assert client.get(address).status_code == 200
    assert "127.0.0.1" not in page
    assert any("http://testserver/sparql?" in text for text in _copied(page))


def test_it_says_what_to_do_with_each_tool(page: str) -> None:
    tools = re.findall(r'<details class="tool"[^>]*><summary>([^<]+)', page)
    for name in ("rdflib", "pyoxigraph", "Oxigraph", "Jena", "Virtuoso", "QLever", "pandas", "R"):
        assert any(name in tool for tool in tools), name


def test_it_says_how_to_cite(page: str, manifest: Manifest) -> None:
    copied = _copied(page)
    address = f"http://testserver/releases/{manifest.id}"
    sentence = next(text for text in copied if "[Data set]" in text)
    assert manifest.id[:12] in sentence
    assert sentence.endswith(address)
    bibtex = next(text for text in copied if text.startswith("@misc{"))
    assert bibtex.count("{") == bibtex.count("}")
    assert manifest.id in bibtex
    item = json.loads(next(text for text in copied if text.startswith("[\n")))[0]
    assert item["type"] == "dataset"
    assert item["version"] == manifest.id
    assert item["URL"] == address


def test_licences_are_listed_with_what_they_are_of(page: str) -> None:
    section = page[page.index('id="licences"') : page.index('id="graphs"')]
    assert "https://creativecommons.org/licenses/by-sa/4.0/" in section
    row = section[section.index(">https://creativecommons.org/licenses/by-sa/4.0/<") :]
    assert "/ontology#scheme-plover" in row.split("</tr>")[0]


def test_it_leads_to_the_record(page: str, client: TestClient) -> None:
    for address in ("/dataset", "/dataset.ttl", "/dataset.jsonld"):
        assert f'href="{address}"' in page
        assert client.get(address, headers=HTML).status_code == 200


def test_numbers_are_those_of_the_language(client: TestClient, manifest: Manifest) -> None:
    text = client.get("/download?lang=bn", headers=HTML).text
    size = next(entry.bytes for entry in manifest.dumps if entry.path == "graph.nq")
    digits = str(size).translate(str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯"))
    assert digits in text.replace(",", "")
    assert '<details class="tool" lang="en"' in text
