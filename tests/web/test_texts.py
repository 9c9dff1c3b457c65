"""The words of the evidence: for who holds the text and sits at this machine, and nobody else."""

from __future__ import annotations

import hashlib
import html
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kg.build import publish
from kg.config import Settings
from kg.errors import ConfigError
from kg.web.app import create_app
from kg.web.texts import Texts, must_be_here

HTML = {"Accept": "text/html"}
HERE = {"base_url": "http://127.0.0.1:8000", "client": ("127.0.0.1", 50000)}


@pytest.fixture(scope="module")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("texts")
    release, _ = publish([checkout / "docs/tutorial/facts"], out, base="https://chancery.example/")
    assert release is not None
    return out


@pytest.fixture(scope="module")
def texts(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the texts of the tutorial under names of their own."""
    folder = tmp_path_factory.mktemp("copies")
    for number, path in enumerate(sorted((checkout / "docs/tutorial/texts").iterdir())):
        (folder / "deep").mkdir(exist_ok=True)
        shutil.copy(path, folder / "deep" / f"copy-{number}")
    return folder


@pytest.fixture(scope="module")
def here(built: Path, texts: Path, settings: Settings) -> Iterator[TestClient]:
    """Return a browser on the machine of a server with texts."""
    app = create_app(built, replace(settings, texts=texts))
    with TestClient(app, **HERE) as found:  # type: ignore[arg-type]
        assert app.texts is not None
        came = found.get(f"/?texts={app.texts.token}", headers=HTML)
        assert "HttpOnly" in came.headers["set-cookie"]
        assert "SameSite=strict" in came.headers["set-cookie"]
        assert app.texts.token not in came.text
        yield found


def spans(client: TestClient) -> list[tuple[str, str, int, int]]:
    """Return the spans of evidence: address, hash of the text, start and end."""
    query = """SELECT ?s ?hash ?start ?end WHERE {
      ?c ch:evidence ?s . ?s ch:inDocument/ch:sha256 ?hash ; ch:start ?start ; ch:end ?end }"""
    answer = client.get("/sparql", params={"query": query, "format": "json"}).json()
    return [
        (
            row["s"]["value"].removeprefix("https://chancery.example/id/"),
            row["hash"]["value"],
            int(row["start"]["value"]),
            int(row["end"]["value"]),
        )
        for row in answer["results"]["bindings"]
    ]


def test_the_words_are_those_of_the_span(here: TestClient, texts: Path) -> None:
    held = {
        hashlib.sha256(path.read_bytes()).hexdigest(): path.read_text("utf-8")
        for path in texts.rglob("copy-*")
    }
    found = spans(here)
    assert found
    for address, sha256, start, end in found:
        page = here.get(f"/doc/{address}", headers=HTML).text
        (marked, *_) = re.findall(r"<mark>(.*?)</mark>", page, re.DOTALL)
        assert html.unescape(marked) == held[sha256][start:end]
        assert "do not fit" not in page


def test_a_page_with_words_is_for_nobody_else(here: TestClient) -> None:
    ((address, *_), *_) = spans(here)
    answer = here.get(f"/doc/{address}", headers=HTML)
    assert "<mark>" in answer.text
    assert answer.headers["access-control-allow-origin"] == "http://127.0.0.1:8000"
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    for suffix in ("ttl", "jsonld", "nq", "csv"):
        data = here.get(f"/doc/{address}.{suffix}")
        assert "<mark>" not in data.text
    island = re.findall(r'<script type="application/ld\+json">.*?</script>', answer.text, re.DOTALL)
    (words, *_) = re.findall(r"<mark>(.*?)</mark>", answer.text, re.DOTALL)
    assert len(words) < 12 or words not in island[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "news.example"},
        {"Host": "[::1"},
        {"Cookie": "texts=guessed"},
        {"X-Forwarded-For": "10.0.0.1"},
        {"Forwarded": "for=10.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_others_get_the_page_without_words(here: TestClient, headers: dict[str, str]) -> None:
    ((address, *_), *_) = spans(here)
    assert "<mark>" in here.get(f"/doc/{address}", headers=HTML).text
    answer = here.get(f"/doc/{address}", headers={**HTML, **headers})
    assert answer.status_code == 200
    assert "<mark>" not in answer.text
    assert answer.headers["access-control-allow-origin"] == "*"


def test_another_machine_gets_no_words(built: Path, texts: Path, settings: Settings) -> None:
    app = create_app(built, replace(settings, texts=texts))
    assert app.texts is not None
    with TestClient(app, base_url="http://127.0.0.1:8000", client=("192.0.2.7", 50000)) as far:
        ((address, *_), *_) = spans(far)
        page = far.get(f"/doc/{address}?texts={app.texts.token}", headers=HTML)
        assert "<mark>" not in page.text


def test_a_proxy_on_this_machine_does_not_open_them(
    built: Path, texts: Path, settings: Settings
) -> None:
    app = create_app(built, replace(settings, texts=texts))
    with TestClient(app, **HERE) as near:  # type: ignore[arg-type]
        ((address, *_), *_) = spans(near)
        assert "<mark>" not in near.get(f"/doc/{address}", headers=HTML).text
        assert "<mark>" not in near.get(f"/doc/{address}?texts=guessed", headers=HTML).text


def test_a_text_that_changes_is_no_longer_shown(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("সে বলল: না।", encoding="utf-8")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    held = Texts(tmp_path)
    words = held.passage(sha256, "3", "6")
    assert words is not None
    assert (words.before, words.words, words.damaged) == ("সে ", "বলল", False)
    damaged = held.passage(sha256, "3", "6", "0" * 64)
    assert damaged is not None
    assert damaged.damaged
    assert held.passage(sha256, "3", "60") is None
    assert held.passage(sha256, "6", "3") is None
    assert held.passage("0" * 64, "3", "6") is None
    path.write_text("সে বলল: হ্যাঁ।", encoding="utf-8")
    assert held.passage(sha256, "3", "6") is None
    path.unlink()
    assert held.passage(sha256, "3", "6") is None


def test_texts_are_not_shown_where_others_listen(tmp_path: Path) -> None:
    for host in ("127.0.0.1", "::1", "localhost", "127.8.0.1"):
        must_be_here(host)
    for host in ("0.0.0.0", "::", "192.0.2.7", "kg.example"):
        with pytest.raises(ConfigError, match="this machine only"):
            must_be_here(host)
    with pytest.raises(ConfigError, match="no such folder"):
        Texts(tmp_path / "none")
