"""The flat tables of a release say what is queried, and the sums are those of the claims."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest

from kg.build import publish
from kg.pipeline import FeedInput, Local
from kg.tables import COLUMNS, NAMES, Tables
from kg.vocab import CH

BASE = "https://chancery.example/"
PREFIXES = f"PREFIX ch: <{CH}> PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> "
PREFIXES += "PREFIX dct: <http://purl.org/dc/terms/> "


@pytest.fixture(scope="module")
def release(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a release of an article and of a feed."""
    path, _ = publish(
        [checkout / "docs/tutorial/facts"],
        tmp_path_factory.mktemp("tables") / "out",
        base=BASE,
        sources=[
            FeedInput("gdelt", checkout / "tests/sources/samples/gdelt/events.tsv"),
            FeedInput("ucdp_ged", checkout / "tests/sources/samples/ucdp_ged/ucdp_ged.csv"),
        ],
        engine=Local(1),
    )
    assert path is not None
    return path


def rows(release: Path, name: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = pq.read_table(release / f"tables/{name}.parquet").to_pylist()
    return found


def asked(release: Path, query: str) -> Counter[tuple[str, ...]]:
    store = ox.Store.read_only(str(release / "store/quads"))
    found = store.query(PREFIXES + query)
    assert isinstance(found, ox.QuerySolutions)
    return Counter(tuple(one.value if one else "" for one in row) for row in found)


def test_every_event_stands_once_with_status_and_category(release: Path) -> None:
    found = Counter(
        (str(e["event"]), f"{CH}status-{e['status']}", f"{CH}plover-{e['category']}")
        for e in rows(release, "events")
        if e["category"]
    )
    assert found == asked(
        release, "SELECT ?e ?s ?c WHERE { ?e a ch:Event ; ch:status ?s ; ch:category ?c }"
    )
    assert len(rows(release, "events")) == len(asked(release, "SELECT ?e WHERE { ?e a ch:Event }"))


def test_every_claim_stands_once_with_its_stance_and_claimants(release: Path) -> None:
    found = Counter(
        (str(c["claim"]), f"{CH}stance-{c['stance']}", str(who))
        for c in rows(release, "claims")
        for who in c["claimants"]  # type: ignore[attr-defined]
    )
    query = "SELECT ?c ?s ?a WHERE { ?c a ch:Claim ; ch:stance ?s ; ch:claimant ?a }"
    assert found == asked(release, query)
    confident = {str(c["claim"]): c["confidence"] for c in rows(release, "claims")}
    for claim, value in asked(release, "SELECT ?c ?n WHERE { ?c ch:extractionConfidence ?n }"):
        assert confident[claim] == float(value)


def test_every_source_stands_once_and_every_claim_finds_its_own(release: Path) -> None:
    found = rows(release, "sources")
    names = (
        "?s a ch:Source . BIND(REPLACE(STR(?s), '^.*/id/([^/]*)/.*$', '$1') AS ?kind) "
        "OPTIONAL { ?s dct:source ?url } OPTIONAL { ?s dct:publisher ?who } "
        "OPTIONAL { ?s dct:issued ?day } OPTIONAL { ?s dct:language ?tag }"
    )
    assert Counter(
        (
            *(
                str(one[name] or "")
                for name in ("source", "kind", "address", "publisher", "issued")
            ),
            " ".join(one["languages"]),  # type: ignore[arg-type]
        )
        for one in found
    ) == asked(release, f"SELECT ?s ?kind ?url ?who ?day ?tag WHERE {{ {names} }}")
    there = {str(one["source"]) for one in found}
    assert {str(c["source"]) for c in rows(release, "claims") if c["source"]} <= there
    assert {one["kind"] for one in found} == {"document", "record"}
    assert all(one["label"] for one in found)


def test_participants_are_the_shortcuts(release: Path) -> None:
    found = Counter(
        (str(p["event"]), f"{CH}{p['role']}", str(p["participant"]))
        for p in rows(release, "participants")
    )
    assert found == asked(
        release,
        "SELECT ?e ?p ?w WHERE { ?role ch:shortcut ?p . FILTER CONTAINS(STR(?role), '#role-') "
        "?e a ch:Event ; ?p ?w }",
    )


def test_days_are_the_bounds_of_the_time(release: Path) -> None:
    found = Counter((str(e["event"]), str(e["earliest"])) for e in rows(release, "events"))
    wanted = asked(release, "SELECT ?e ?d WHERE { ?e a ch:Event ; ch:time/ch:earliest ?d }")
    assert {pair for pair in found if pair[1] != "None"} == set(wanted)


def test_sums_are_those_of_the_tables(release: Path) -> None:
    counts = json.loads((release / "tables/counts.json").read_text(encoding="utf-8"))
    assert counts["rows"] == {name: len(rows(release, name)) for name in NAMES}
    events = Counter(
        (e["type"] or "", e["category"] or "", str(e["earliest"] or "")[:7], e["status"] or "")
        for e in rows(release, "events")
    )
    assert events == {
        (one["type"], one["category"], one["month"], one["status"]): one["number"]
        for one in counts["events"]
    }
    claims = Counter(
        (c["stance"], c["modality"], c["basis"])
        for c in rows(release, "claims")
        if c["relays"] is None
    )
    assert claims == {
        (one["stance"], one["modality"], one["basis"]): one["number"] for one in counts["claims"]
    }


def test_columns_are_those_that_are_documented(release: Path, checkout: Path) -> None:
    page = (checkout / "docs/reference/tables.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert pq.read_schema(release / f"tables/{name}.parquet").names == list(COLUMNS[name])
        section = page.partition(f"### {name}\n")[2].partition("\n### ")[0]
        assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == [
            *COLUMNS[name]
        ]


def test_what_is_no_thing_of_ours_is_in_no_table() -> None:
    tables = Tables(BASE)
    for subject in (f"<{BASE}id/>", f"<{BASE}id/event>", "<https://other.example/id/event/x>"):
        tables.add(subject, [(f"<{CH}x>", '"y"')])
    assert not any((tables.rows.events, tables.rows.claims, tables.rows.entities))
