"""Releases and their differences on the site; files that are not what was published."""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from kg.config import Settings
from kg.diff import apply_patch
from kg.dumps import Dumps, dump, part_path
from kg.manifest import read_manifest, read_parts
from kg.web import history
from kg.web.app import create_app

HTML = {"Accept": "text/html"}
MORE = """
GRAPH <https://chancery.example/id/graph/registry> {
  <https://chancery.example/id/agent/newcomer> a <https://w3id.org/chancery/ontology#Agent> ;
    <http://www.w3.org/2000/01/rdf-schema#label> "New & old"@en, "নতুন"@bn .
}
""".encode()


@pytest.fixture(scope="module")
def folders(
    tmp_path_factory: pytest.TempPathFactory, write_sample: Callable[..., Path]
) -> tuple[Path, Path]:
    out = tmp_path_factory.mktemp("history")
    return write_sample(out), write_sample(out, extra=MORE, title="More facts")


@pytest.fixture(scope="module")
def site(folders: tuple[Path, Path], settings: Settings) -> Iterator[TestClient]:
    app = create_app(folders[0].parent, settings)
    with TestClient(app, follow_redirects=False) as client:
        yield client


def test_releases_are_listed_with_what_came_before(
    site: TestClient, folders: tuple[Path, Path]
) -> None:
    old, new = folders
    one, two = site.get("/releases", headers={"Accept": "application/json"}).json()
    assert (one["id"], one["current"], one["before"]) == (new.name, True, old.name)
    assert (two["id"], two["current"], two["before"]) == (old.name, False, None)
    page = site.get("/releases", headers=HTML).text
    assert f"/releases/{old.name}/diff/{new.name}" in page


def test_a_release_has_a_page_and_its_manifest(
    site: TestClient, folders: tuple[Path, Path]
) -> None:
    old, new = folders
    for folder in folders:
        page = site.get(f"/releases/{folder.name[:9]}", headers=HTML)
        assert page.status_code == 200
        assert folder.name in page.text
        manifest = site.get(f"/releases/{folder.name}", headers={"Accept": "application/json"})
        assert manifest.content == (folder / "manifest.json").read_bytes()
    assert f"/releases/{old.name}/diff/{new.name}" in site.get(f"/releases/{old.name}").text
    assert "The release that is served" in site.get("/releases/current", headers=HTML).text


def test_a_difference_is_a_page_json_and_a_patch(
    site: TestClient, folders: tuple[Path, Path]
) -> None:
    old, new = folders
    address = f"/releases/{old.name}/diff/{new.name}"
    page = site.get(address, headers=HTML)
    assert page.status_code == 200
    assert "New &amp; old" in page.text
    assert '<ins class="value"><span lang="bn" dir="auto">নতুন</span>' in page.text
    found = site.get(f"{address}.json").json()
    assert (found["from"], found["to"], found["more"]) == (old.name, new.name, False)
    assert [change["label"] for change in found["changes"]] == ["New & old"]
    patch = site.get(address, headers={"Accept": "application/rdf-patch"})
    assert patch.headers["content-type"] == "application/rdf-patch"
    assert patch.text == site.get(f"{address}.rdfp").text
    before, after = (
        dump(folder, "graph.nq").decode().splitlines(keepends=True) for folder in folders
    )
    assert apply_patch(before, patch.text.splitlines(keepends=True)) == set(after)


def test_a_difference_has_its_tables(site: TestClient, folders: tuple[Path, Path]) -> None:
    old, new = folders
    address = f"/releases/{old.name}/diff/{new.name}"
    text = site.get(f"{address}.csv?table=things").text.removeprefix("\ufeff")
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["thing"], row["kind"], row["change"]) == ("New & old", "agent", "added")
    assert row["thing_iri"] == "https://chancery.example/id/agent/newcomer"
    text = site.get(f"{address}.csv?table=graphs").text.removeprefix("\ufeff")
    found = csv.DictReader(io.StringIO(text, newline=""))
    assert [(one["graph_iri"], one["added"]) for one in found] == [
        ("https://chancery.example/id/graph/registry", "3")
    ]


DESCRIBED = b"""
GRAPH <https://chancery.example/id/graph/registry> {
  <https://chancery.example/id/event/theft> a <https://w3id.org/chancery/ontology#Event> ;
    <http://www.w3.org/2000/01/rdf-schema#label> "Theft of the crown"@en .
  <https://chancery.example/id/claim/c1> a <https://w3id.org/chancery/ontology#Claim> ;
    <https://w3id.org/chancery/ontology#about> <https://chancery.example/id/event/theft> ;
    <http://www.w3.org/2000/01/rdf-schema#label> "Somebody denied: Theft of the crown"@en .
}
"""


def test_a_difference_says_nothing_in_its_own_voice(
    tmp_path: Path, write_sample: Callable[..., Path], settings: Settings, walk: Any
) -> None:
    old = write_sample(tmp_path)
    write_sample(tmp_path, extra=DESCRIBED, title="More facts")
    with TestClient(create_app(tmp_path, settings)) as client:
        page = client.get(f"/releases/{old.name}/diff/current", headers=HTML).text
        assert page.count("Theft of the crown") >= 4
        walker = walk(page)
        assert not walker.stack
        assert walker.bare({"Theft of the crown"}) == []
        told = client.get(f"/releases/{old.name}/diff/current.json").json()
        marks = {change["thing"].rpartition("/")[2]: change["mark"] for change in told["changes"]}
        assert marks == {"theft": "described", "c1": "claim"}
        table = client.get(f"/releases/{old.name}/diff/current.csv").text
        assert "Described: Theft of the crown" in table
        assert "Claim: Somebody denied: Theft of the crown" in table
        # Who else speaks of it has not changed: it is said where that is.
        assert "the page of each thing has the positions on it" in page
        assert "http://testserver/doc/event/theft," in table


def test_a_difference_is_cached_by_its_tag(site: TestClient, folders: tuple[Path, Path]) -> None:
    address = f"/releases/{folders[0].name[:8]}/diff/current"
    tags = set()
    for suffix in (".json", ".rdfp", ".html"):
        first = site.get(address + suffix)
        tags.add(first.headers["etag"])
        again = site.get(address + suffix, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304
    assert len(tags) == 3


def test_nothing_differs_from_itself(site: TestClient, folders: tuple[Path, Path]) -> None:
    page = site.get(f"/releases/{folders[1].name}/diff/current", headers=HTML).text
    assert "No statement differs" in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/releases/ffffffff", 404),
        ("/releases/none/diff/current", 404),
        ("/releases/current/diff/current.ttl", 404),
        ("/releases/current/diff/current?page=0", 400),
    ],
)
def test_what_is_not_there_is_said(site: TestClient, path: str, status: int) -> None:
    answer = site.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_no_form_that_is_asked_for_is_406(site: TestClient) -> None:
    answer = site.get("/releases/current/diff/current", headers={"Accept": "image/png"})
    assert answer.status_code == 406


def test_too_much_is_shown_by_its_size(
    site: TestClient, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "LINES", 3)
    old, new = folders
    page = site.get(f"/releases/{old.name}/diff/{new.name}?not=kept", headers=HTML).text
    assert "Too much has changed" in page
    assert f"/releases/{old.name}/diff/{new.name}.rdfp" in page


def test_dumps_of_one_graph_are_served_in_every_form(
    site: TestClient, folders: tuple[Path, Path]
) -> None:
    for folder in folders:
        for name in Dumps(folder).names():
            answer = site.get(f"/download/{folder.name}/{name}")
            assert answer.status_code == 200
            assert answer.content == dump(folder, name)
            sha256 = hashlib.sha256(answer.content).hexdigest()
            assert answer.headers["etag"] == f'"{sha256}"'
            assert site.head(f"/download/{folder.name}/{name}").headers["content-length"] == str(
                len(answer.content)
            )


def test_damaged_files_are_told_at_start_and_not_handed_on(
    tmp_path: Path,
    write_sample: Callable[..., Path],
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = write_sample(tmp_path)
    [part] = [one for one in read_parts(folder) if one.graph == "registry"]
    path = folder / part_path(part, ".pack")
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    caplog.set_level(logging.ERROR, "kg.web")
    with TestClient(create_app(tmp_path, settings)) as client:
        for name in ("graph.ttl.gz", "graph.jsonld", "graphs/registry.trig"):
            answer = client.get(f"/download/current/{name}")
            assert answer.status_code == 503
            assert "is not what was published" in answer.json()["detail"]
            assert client.head(f"/download/current/{name}").status_code == 503
        assert client.get("/download/current/graph.nq").content == dump(folder, "graph.nq")
        ends = client.get("/download/current/graph.trig", headers={"Range": "bytes=0-9"})
        assert ends.status_code == 206  # of a file that is whole
        until = time.monotonic() + 20
        while time.monotonic() < until and not any(
            record.name == "kg.web.site" for record in caplog.records
        ):
            time.sleep(0.05)
        assert all(path.name in record.getMessage() for record in caplog.records)
        assert any(record.name == "kg.web.site" for record in caplog.records)
    assert read_manifest(folder).id == folder.name


@pytest.mark.parametrize("name", ["parts.jsonl", "SHA256SUMS"])
def test_nothing_is_put_together_by_damaged_lists(
    tmp_path: Path, write_sample: Callable[..., Path], settings: Settings, name: str
) -> None:
    folder = write_sample(tmp_path)
    path = folder / name
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
    with TestClient(create_app(tmp_path, settings)) as client:
        assert client.get("/download/current/graph.nq.gz").status_code == 503
        assert client.get("/download/current/void.ttl").status_code in (200, 503)


def test_head_has_no_range(site: TestClient) -> None:
    answer = site.head("/download/current/graph.nq", headers={"Range": "bytes=0-9"})
    assert answer.status_code == 200
