"""What was suppressed does not come back with a feed, and nothing tells of it."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest
import zstandard

from kg.build import publish
from kg.manifest import read_manifest
from kg.pipeline import FeedInput, Local
from kg.release import verify_release
from kg.suppress import suppress
from tests.pipeline.conftest import BASE, HEAD, call, calls, reports

GONE = ("port-calls-c3>", "port-calls-c3 ", '"c3"', "Call c3")


def build(out: Path, place: Path, mappings: Path, facts: Path) -> Path:
    release, _ = publish(
        [facts],
        out,
        base=BASE,
        sources=[FeedInput("port_calls", place)],
        mappings=[mappings],
        engine=Local(1),
    )
    assert release is not None
    return release


def spoken_of(folder: Path) -> list[str]:
    """Return the files below a folder in which a text of the row is, also packed."""
    found = []
    for path in sorted(folder.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        if data[:4] == b"\x28\xb5\x2f\xfd":
            data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        if any(text.encode() in data for text in GONE):
            found.append(path.name)
    return found


def fill(place: Path, number: int) -> Path:
    """Write so many calls and a report of each into a folder; return it."""
    place.mkdir()
    (place / "calls.csv").write_text(calls(0, number), encoding="utf-8")
    (place / "reports.tsv").write_text(reports(0, number), encoding="utf-8")
    return place


@pytest.fixture
def facts(checkout: Path) -> Path:
    return checkout / "docs/tutorial/facts"


def test_a_suppressed_event_of_a_feed_stays_away(
    tmp_path: Path, mappings: Path, facts: Path
) -> None:
    place = fill(tmp_path / "in", 12)
    out = tmp_path / "out"
    first = build(out, place, mappings, facts)
    assert spoken_of(first)
    event, record = (f"{BASE}id/{kind}/port-calls-c3" for kind in ("event", "record"))
    suppress(out, [event, record], reason="privacy", authority="The editor", day="2026-11-28")
    assert spoken_of(out) == []
    again = build(out, place, mappings, facts)
    assert verify_release(out) == []
    assert spoken_of(out) == []
    counts = {one.id: one for one in read_manifest(again).sources}["port_calls"]
    # The row and the report of it are counted as if they had never been there.
    assert (counts.records, counts.mapped, counts.rejected) == (22, 22, 0)
    assert (again / "issues.jsonl").read_text() == ""
    assert event.rpartition("/")[2] not in (again / "report.json").read_text()
    # Nor does another row with its key tell of it, in this file or elsewhere.
    (place / "calls.csv").write_text(calls(0, 12) + call(3) + "\n", encoding="utf-8")
    rows = [HEAD, call(3, containers="9"), call(3), call(40)]
    (place / "calls-more.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    more = build(out, place, mappings, facts)
    assert spoken_of(out) == []
    counts = {one.id: one for one in read_manifest(more).sources}["port_calls"]
    assert (counts.records, counts.mapped, counts.rejected) == (23, 23, 0)
    assert (more / "issues.jsonl").read_text() == ""


def test_who_tells_of_what_is_hidden_is_hidden_too(
    tmp_path: Path, mappings: Path, facts: Path
) -> None:
    """A ship is suppressed: so its calls are not built again, nor are the reports of these."""
    place = fill(tmp_path / "in", 30)
    out = tmp_path / "out"
    first = build(out, place, mappings, facts)
    about = "?claim <https://w3id.org/chancery/ontology#about> ?event"
    events = {one[0] for one in asked(first, f"SELECT ?event WHERE {{ {about} }}")}
    called = "<http://www.w3.org/2000/01/rdf-schema#label> 'Jolpori 0'@en"
    [(ship,)] = asked(first, f"SELECT ?ship WHERE {{ ?ship {called} }}")
    suppress(out, [ship], reason="privacy", authority="The editor", day="2026-11-28")
    again = build(out, place, mappings, facts)
    left = {one[0] for one in asked(again, f"SELECT ?event WHERE {{ {about} }}")}
    assert left < events
    nowhere = f"SELECT ?event WHERE {{ {about} FILTER NOT EXISTS {{ ?event a ?class }} }}"
    assert asked(again, nowhere) == []
    counts = {one.id: one for one in read_manifest(again).sources}["port_calls"]
    gone = len(events - left)
    assert (counts.records, counts.rejected) == (60 - 2 * gone, 0)
    assert (again / "issues.jsonl").read_text() == ""


def asked(release: Path, query: str) -> list[tuple[str, ...]]:
    store = ox.Store.read_only(str(release / "store/quads"))
    found = store.query(query)
    assert isinstance(found, ox.QuerySolutions)
    return [tuple(one.value for one in row) for row in found]
