"""Things with many statements: several pages, and the other side on every one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from starlette.testclient import TestClient

from kg.config import Settings
from kg.web import describe
from kg.web.app import create_app

BASE = "https://chancery.example/"
CH = "https://w3id.org/chancery/ontology#"
MANY = 130
PAGES = -(-MANY // describe.PAGE)
RUN = f"{BASE}id/run/patrols"


def _many() -> bytes:
    """Return events by one actor, and claims about one event: one denies it, the others affirm."""
    lines = ["g:harbour-bn {"]
    for n in range(MANY):
        lines.append(
            f'e:patrol-{n} a ch:Event, ch:Proposition ; rdfs:label "Patrol {n}"@en ; '
            f"ch:actor a:cordia ; prov:wasGeneratedBy <{RUN}> ."
        )
        lines.append(
            f"c:{n:016x} a ch:Claim ; ch:claimant a:harbour-news ; ch:stance ch:stance-affirms ; "
            "ch:about e:exercise ; ch:concerns e:exercise ; ch:inSource d:harbour-bn ; "
            f"ch:evidence sp:1 ; prov:wasGeneratedBy <{RUN}> ."
        )
    lines.append(
        "c:ffffffffffffffff a ch:Claim ; ch:claimant a:arvenian-ministry ; "
        "ch:stance ch:stance-denies ; ch:about e:exercise ; ch:concerns e:exercise ; "
        "ch:inSource d:harbour-bn ; ch:evidence sp:3 ."
    )
    lines.append('e:exercise a ch:Event, ch:Proposition ; rdfs:label "Exercise"@en . }')
    return "\n".join(lines).encode()


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, write_sample: Callable[..., Path], settings: Settings
) -> Iterator[TestClient]:
    out = tmp_path_factory.mktemp("many")
    write_sample(out, extra=_many())
    with TestClient(create_app(out, settings)) as found:
        yield found


def _subjects(client: TestClient, path: str) -> set[str]:
    quads = ox.parse(client.get(path).content, format=ox.RdfFormat.N_QUADS)
    return {quad.subject.value for quad in quads}


def test_pages_cover_everything_and_link_to_each_other(client: TestClient) -> None:
    path = "/doc/agent/cordia"
    first = client.get(f"{path}.nq").headers["link"]
    assert f'<{path}?page=2>; rel="next"' in first
    assert 'rel="prev"' not in first
    last = client.get(f"{path}.nq?page={PAGES}").headers["link"]
    assert f'<{path}?page={PAGES - 1}>; rel="prev"' in last
    assert 'rel="next"' not in last
    events = {f"{BASE}id/event/patrol-{n}" for n in range(MANY)}
    found = [_subjects(client, f"{path}.nq?page={n}") & events for n in range(1, PAGES + 1)]
    assert set().union(*found) == events
    assert [len(one) for one in found[:-1]] == [describe.PAGE] * (PAGES - 1)
    page = client.get(f"{path}.html?page={PAGES}").text
    assert "Previous page" in page
    assert "Next page" not in page
    assert f"{path}?page={PAGES - 1}" in page
    assert f"{path}.ttl?page={PAGES}" in page, "the data formats of this page"


def test_links_of_a_later_page_are_of_that_page(client: TestClient) -> None:
    for path in ("/doc/agent/cordia", "/ontology/Event"):
        first = client.get(path, headers={"Accept": "text/html"}).headers["link"]
        assert "page=1" not in first
        second = client.get(f"{path}?page=2", headers={"Accept": "text/html"}).headers["link"]
        alternate = re.findall('<([^>]*)>; rel="alternate"', second)
        assert f"{path}.ttl?page=2" in alternate
        assert all(link.endswith("?page=2") for link in alternate)
        for link in alternate:
            assert client.get(link).status_code == 200, link
        assert f'<{path}>; rel="next"' not in second
        canonical = re.findall('<([^>]*)>; rel="canonical"', second)
        assert canonical == [f"{BASE}{path[1:]}?page=2"] * ("/doc/" in path)


def test_the_denial_is_on_every_page(client: TestClient) -> None:
    claims = {f"{BASE}id/claim/{n:016x}" for n in range(MANY)}
    seen = set()
    for page in range(1, PAGES + 1):
        found = _subjects(client, f"/doc/event/exercise.nq?page={page}")
        assert f"{BASE}id/claim/ffffffffffffffff" in found
        seen |= found & claims
        html = client.get(f"/doc/event/exercise.html?page={page}").text
        assert "Arvenian foreign ministry" in html
        assert "Nobody in the sources" not in html
    assert seen == claims


@pytest.mark.parametrize("sorted_pages", [1, 2, 20])
def test_every_reference_is_on_one_page(
    client: TestClient,
    gathers_here: Callable[[Any], AbstractContextManager[Any]],
    monkeypatch: pytest.MonkeyPatch,
    sorted_pages: int,
) -> None:
    monkeypatch.setattr(describe, "SORTED_PAGES", sorted_pages)
    site: Any = client.app
    seen: list[str] = []
    pages = -(-2 * MANY // describe.PAGE)
    for page in range(1, pages + 1):
        with gathers_here(site.served.engine):
            answer = client.get(f"/doc/run/patrols.nq?page={page}")
        assert ('rel="next"' in answer.headers["link"]) == (page < pages)
        quads = ox.parse(answer.content, format=ox.RdfFormat.N_QUADS)
        named = [q.subject.value for q in quads if getattr(q.object, "value", "") == RUN]
        left = 2 * MANY - (page - 1) * describe.PAGE
        assert len(named) == min(describe.PAGE, left)
        seen += named
    assert len(seen) == len(set(seen)) == 2 * MANY
