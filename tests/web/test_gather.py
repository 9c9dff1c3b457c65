"""What a worker gathers is what its queries, asked one after the other, give."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from kg.errors import QueryError
from kg.store import Store, open_release
from kg.vocab import graph_iri
from kg.web import describe, gather

BASE = "https://chancery.example/"


@pytest.fixture(scope="module")
def gatherer(releases: Path) -> gather.Gatherer:
    release = open_release(releases / "current")
    store = Store(release.store, release.prefixes, disjoint=release.disjoint)
    return gather.Gatherer(store, graph_iri(BASE, "vocabulary"), imported=False)


def test_it_is_the_same_everywhere(client: TestClient, gatherer: gather.Gatherer) -> None:
    """Quads, sections and references are those that the server would have made."""
    site: Any = client.app
    engine = site.served.engine
    portal = client.portal
    assert portal is not None
    rows = asyncio.run(gatherer.rows([f"SELECT DISTINCT ?s {{ ?s ?p ?o }} # {BASE}"]))[0]
    things = sorted(
        row["s"].value.removeprefix(f"{BASE}id/").split("/")
        for row in rows
        if row["s"].value.startswith(f"{BASE}id/")
    )
    assert len(things) > 50
    compared = 0
    for kind, key in things:
        options = {"base": BASE, "kind": kind, "key": key, "page": 1, "graphs": ()}

        def here(options: dict[str, Any] = options) -> Any:
            return describe.describe(engine, **options)

        ours = gather.decode(gatherer.answer("describe", options))
        theirs = portal.call(here)
        assert (ours is None) == (theirs is None)
        if ours is None:
            continue
        compared += 1
        assert ours.quads == theirs.quads
        for name in ("sections", "references", "iri", "kind", "key", "page", "more", "cut"):
            assert getattr(ours, name) == getattr(theirs, name), (kind, key, name)
    assert compared > 50


def test_what_is_nothing_is_nothing(gatherer: gather.Gatherer) -> None:
    options = {"base": BASE, "kind": "event", "key": "no-such-event", "page": 1, "graphs": ()}
    assert gather.decode(gatherer.answer("describe", options)) is None


@pytest.mark.parametrize("call", ["fill", "__import__", "serialize", ""])
def test_only_descriptions_are_gathered(gatherer: gather.Gatherer, call: str) -> None:
    with pytest.raises(QueryError, match="nothing that can be gathered"):
        gatherer.answer(call, {})


def test_literals_come_as_they_are(write_imported: Callable[[str], gather.Gatherer]) -> None:
    """Plain, with a language, with a datatype; blank nodes keep their mark."""
    gatherer = write_imported(
        '<urn:a> <urn:p> "x", "x"@bn, "7"^^<http://www.w3.org/2001/XMLSchema#integer>, _:b .\n'
        '_:b <urn:q> "y" .\n'
    )
    options = {"base": BASE, "iri": "urn:a", "page": 1, "graphs": ()}
    found = gather.decode(gatherer.answer("resource", options))
    assert found is not None
    objects = set(found.graph.predicates("urn:a")["urn:p"])
    assert {
        describe.Term("x", is_iri=False),
        describe.Term("x", is_iri=False, lang="bn"),
        describe.Term("7", is_iri=False, datatype="http://www.w3.org/2001/XMLSchema#integer"),
    } < objects
    assert sum(one.value.startswith("_:") for one in objects) == 1
    assert any(q.subject.startswith("_:") and q.object.value == "y" for q in found.graph.quads)


@pytest.fixture
def write_imported(tmp_path: Path) -> Callable[[str], gather.Gatherer]:
    from kg.importing import import_release

    def write(turtle: str) -> gather.Gatherer:
        (tmp_path / "x.ttl").write_text(turtle, encoding="utf-8")
        import_release([str(tmp_path / "x.ttl")], tmp_path / "out", base=BASE)
        release = open_release(tmp_path / "out" / "current")
        store = Store(release.store, release.prefixes, disjoint=release.disjoint)
        return gather.Gatherer(store, graph_iri(BASE, "vocabulary"), imported=True)

    return write
