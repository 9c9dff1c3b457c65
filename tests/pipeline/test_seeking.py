"""Rows of a feed find the records of its tables, in whatever file or piece these are."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.feed import load_feed
from kg.pipeline import Ingested, Local, Setup, cut_file, ingest
from kg.resources import folder
from kg.validate import data_shapes

FEED = load_feed(folder("mappings"), "followthemoney").source


def entity(identifier: str, schema: str, **properties: Any) -> dict[str, Any]:
    return {"id": identifier, "schema": schema, "datasets": ["d"], "properties": properties}


LINKS = [
    entity("own", "Ownership", owner=["company"], asset=["ship"]),
    entity("own2", "Ownership", owner=["company"], asset=["broken"]),
]
THINGS = [
    entity("company", "Company", name=["Ferry Company"], country=["de"]),
    entity("ship", "Vessel", name=["Solen Star"]),
    entity("broken", "Vessel", name=[7]),
]


def built(tmp_path: Path, *files: Path) -> Ingested:
    work = tmp_path / "work"
    states = tmp_path / "states.json"
    states.write_text("{}", encoding="utf-8")
    setup = Setup(
        work=str(work),
        base="https://chancery.example/",
        ontology=str(folder("ontology")),
        shapes=tuple(map(str, data_shapes())),
        mappings=str(folder("mappings")),
        states=str(states),
        version="1",
    )
    cuts = [cut for path in files for cut in cut_file(work, FEED, path)[2]]
    return ingest(setup, [(FEED, cuts)], Local(1))


def write(path: Path, entities: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in entities), encoding="utf-8")
    return path


def lines(found: Ingested) -> str:
    return "".join(line for graph in found.graphs.values() for line in graph.lines())


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let half of the rows be bad."""
    import kg.pipeline

    monkeypatch.setattr(kg.pipeline, "_counted", lambda feed, results: (feed, results))


def test_a_link_leads_into_another_file_and_not_to_what_was_set_aside(tmp_path: Path, few: None):
    found = built(tmp_path, write(tmp_path / "a.json", LINKS), write(tmp_path / "b.json", THINGS))
    assert found.problem == ""
    text = lines(found)
    assert "#object> <https://chancery.example/id/thing/followthemoney-ship>" in text
    # The broken ship was found by its schema at first, and then set aside.
    assert "followthemoney-broken" not in text
    assert '#value> "entity broken"@en' in text
    assert [issue.column for issue in found.issues()] == ["properties.name"]


def test_statements_say_what_entities_then_do_not(tmp_path: Path, few: None):
    columns = FEED.table("statements").columns
    rows = [("id", "x"), ("name", "Паром"), ("country", "de")]
    path = tmp_path / "s.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        for canonical in ("company", "nobody"):
            for prop, value in rows:
                writer.writerow(
                    {
                        "id": f"{canonical}-{prop}",
                        "canonical_id": canonical,
                        "entity_id": canonical,
                        "prop": prop,
                        "schema": "LegalEntity",
                        "value": value,
                        "dataset": "d",
                        "lang": "rus",
                    }
                )
    found = built(tmp_path, path, write(tmp_path / "b.json", THINGS[:2]))
    assert found.problem == ""
    assert [(one.kind, one.value) for one in found.issues()] == [("unresolved", "nobody")] * 3
    text = lines(found)
    assert text.count("#relationType> <https://w3id.org/chancery/ontology#relation-") == 2
    assert '#value> "Паром"@ru' in text
    assert '#locator> "statement company-country, country"@en' in text
    assert "entity company, country" not in text


def test_a_corrected_link_is_mapped_though_its_forerunner_led_to_what_was_set_aside(
    tmp_path: Path, few: None
):
    files = [
        [entity("link", "Ownership", owner=["broken"], asset=["ship"]), *THINGS],
        [entity("link", "Ownership", owner=["company"], asset=["ship"])],
        [entity("link", "Ownership", owner=["company"], asset=["nothing"])],
    ]
    paths = [write(tmp_path / f"{n}.json", some) for n, some in enumerate(files)]
    found = built(tmp_path, *paths)
    assert (
        lines(found).count("#relationType> <https://w3id.org/chancery/ontology#relation-owns>") == 1
    )
    assert [(one.file, one.kind, one.column) for one in found.issues()] == [
        ("0.json", "rejected", "owner"),
        ("0.json", "rejected", "properties.name"),
        ("2.json", "repeated", "id"),
    ]


NAMES = st.sampled_from(["a", "b", "c", "d"])
RECORDS = st.one_of(
    st.builds(
        lambda name, good: entity(name, "Company", name=[f"Firm {name}" if good else 7]),
        NAMES,
        st.booleans(),
    ),
    st.builds(
        lambda name, owner, asset: entity(f"l{name}", "Ownership", owner=[owner], asset=[asset]),
        NAMES,
        NAMES,
        NAMES,
    ),
)


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(st.tuples(RECORDS, st.booleans()), min_size=2, max_size=12))
def test_where_files_begin_and_end_is_no_matter(
    tmp_path: Path, few: None, records: list[tuple[dict[str, Any], bool]]
):
    """What is mapped of which record does not depend on how rows are cut into files."""
    files: list[list[dict[str, Any]]] = [[]]
    for record, apart in records:
        if apart and files[-1]:
            files.append([])
        files[-1].append(record)
    outcomes = []
    for parts in (files, [[record for record, _ in records]]):
        paths = [write(tmp_path / f"f{n}.json", some) for n, some in enumerate(parts)]
        found = built(tmp_path, *paths)
        assert found.problem == ""
        outcomes.append(
            (
                sorted({line.rsplit(" <", 1)[0] for line in lines(found).splitlines()}),
                [(one.kind, one.column, one.value, one.reason) for one in found.issues()],
            )
        )
    assert outcomes[0] == outcomes[1]
