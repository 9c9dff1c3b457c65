"""PLOVER gold-standard records: who says what, on records made up for this."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from feeding import conforming, feed_file, lines_of, scribe
from hypothesis import given
from hypothesis import strategies as st

from kg.feed import load_feed, slug
from kg.ingest import Mapped
from kg.resources import folder
from kg.vocab import CH, DCTERMS, RDFS

SCRIPT = load_feed(folder("mappings"), "plover")
SAMPLES = Path(__file__).parent / "samples/plover/plover.json"
SAMPLE = json.loads(SAMPLES.read_text("utf-8"))
ID = "https://chancery.example/id/"
USA = "agent/united-states"
BASE_RECORD = {
    "id": "R-9",
    "date": "2024-03-10",
    "source": [{"actorText": "US", "code": "USA"}],
    "event": "AGREE",
}


def mapped(tmp_path: Path, records: list[Any], *, lines: bool = False) -> Mapped:
    path = tmp_path / "records.json"
    text = "\n".join(map(json.dumps, records)) if lines else json.dumps(records)
    path.write_text(text, encoding="utf-8")
    return conforming("plover", path)


@pytest.fixture(scope="module")
def sample() -> Mapped:
    return conforming("plover", SAMPLES)


def event_of(found: Mapped, identifier: str) -> tuple[Any, ...]:
    return next(one for one in found.scribe.events if one[1] == identifier)


def claim_of(found: Mapped, identifier: str) -> tuple[Any, ...]:
    name = event_of(found, identifier)[0]
    return next(one for one in found.scribe.claims if one[1] == name)


def roles(found: Mapped, identifier: str) -> set[tuple[str, str]]:
    name = event_of(found, identifier)[0]
    labels = {}
    for line in lines_of(found):
        subject, predicate, rest = line.split(" ", 2)
        if predicate == f"<{RDFS}label>":
            labels[subject.removeprefix(f"<{ID}").rstrip(">")] = rest.rpartition("@")[0]
    return {
        (role, labels.get(who, who).strip('"'))
        for event, role, who in found.scribe.participants
        if event == name
    }


def test_the_record_that_documents_the_file_is_no_event_and_no_issue(sample: Mapped):
    assert sample.issues == []
    assert sample.records == sample.mapped == len(SAMPLE)
    assert not any(one[1] == "DOC-1" for one in sample.scribe.events)


@pytest.mark.parametrize(
    ("identifier", "kind", "stance", "modality", "first", "last"),
    [
        ("R-1", "plover-agree", "affirms", "actual", "2024-03-10", "2024-03-10"),
        ("R-2", "plover-protest", "affirms", "expected", "", ""),
        ("R-3", "plover-assault", "denies", "actual", "2024-03-10", "2024-03-10"),
        ("R-4 request", "plover-request", "affirms", "hypothetical", "", ""),
        ("R-4 consult", "plover-consult", "affirms", "hypothetical", "", ""),
        ("R-5", "plover-aid", "affirms", "actual", "", ""),
        ("R-6", "plover-aid", "affirms", "actual", "2024-02-01", "2024-02-05"),
    ],
)
def test_the_record_itself_says_it(
    sample: Mapped,
    identifier: str,
    kind: str,
    stance: str,
    modality: str,
    first: str,
    last: str,
):
    event = event_of(sample, identifier)
    assert event[3:7] == (kind, kind, first, last)
    claim = claim_of(sample, identifier)
    record = slug(identifier.partition(" ")[0])
    assert claim[3:9] == (
        f"agent/narrator-plover-{record}",
        f"<{ID}record/plover-{record}>",
        stance,
        modality,
        "unstated",
        "none-stated",
    )


def test_a_state_is_who_its_bare_name_stands_for_and_nobody_else(sample: Mapped):
    assert roles(sample, "R-1") == {
        ("actor", USA),
        ("actor", "“Arvenian ministers” (ARV GOV)"),
        ("recipient", "“Australian” (AUS)"),
    }
    assert roles(sample, "R-3") == {
        ("actor", "actor coded USA MIL"),
        ("recipient", "“rebels” (AUS REB)"),
    }
    assert roles(sample, "R-2") == {("actor", "“dockers” (LAB)"), ("place", "Port Solen")}
    assert event_of(sample, "R-1")[2] == (
        "Agreement or promise to cooperate: United States, “Arvenian ministers” (ARV GOV) "
        "toward “Australian” (AUS)"
    )


@pytest.mark.parametrize(
    ("text", "code", "sector", "state"),
    [
        ("United States", "USA", "", True),
        ("the U.S.", "USA", "", True),
        ("US", "USA", "GOV", False),
        ("Washington", "USA", "GOV", False),
        ("Washington", "USA", "", False),
        ("American", "USA", "", False),
        ("United States", "JAP", "", False),
        ("United States", "AUS", "", False),
    ],
)
def test_no_identity_is_guessed(tmp_path: Path, text: str, code: str, sector: str, state: bool):
    actor = {"actorText": text, "code": code, "sector": sector}
    found = mapped(tmp_path, [BASE_RECORD | {"source": [actor]}])
    [(_, _, who)] = found.scribe.participants
    assert (who == USA) is state


def test_the_same_words_in_two_records_are_two_agents(tmp_path: Path):
    actor = [{"actorText": "an official", "code": "AUS", "sector": "GOV"}]
    found = mapped(
        tmp_path, [BASE_RECORD | {"source": actor}, BASE_RECORD | {"source": actor, "id": "R-8"}]
    )
    assert len({who for _, _, who in found.scribe.participants}) == 2


def test_no_sentence_is_republished(sample: Mapped):
    text = "".join(lines_of(sample))
    for words in ("Nobody may see", "not for others", "agreed", "about this file"):
        assert words not in text
    where = "sentence of the record; coded by Ada on 2024-03-12, version 1; published by"
    assert f'{where} Harbour Post"@en' in text
    assert f'{DCTERMS}description> "Coded in the context diplomatic, military."@en' in text


def test_a_date_that_stands_for_none_is_left_out(sample: Mapped):
    block = next(text for key, text in sample.scribe.blocks if slug("R-4 consult") in key)
    assert "its date is a placeholder" in block
    assert f"<{CH}time>" not in block
    assert "2000-01-01" not in "".join(lines_of(sample))


def test_what_is_left_open_is_said_so(sample: Mapped):
    block = next(text for key, text in sample.scribe.blocks if slug("R-5") in key)
    for role in ("actor", "recipient"):
        assert f"<{CH}leavesUnstated> <{CH}role-{role}>" in block


@pytest.mark.parametrize(
    ("change", "column", "value", "reason"),
    [
        ({"event": "CRIME"}, "event", "CRIME", "expected one of PLOVER's 16 categories"),
        ({"event": 7}, "event", "7", "expected a category"),
        ({"target": "military"}, "target", "military", "expected a list of actors, or nothing"),
        (
            {"source": ["US"]},
            "source",
            "US",
            "expected a list of actors, each an object",
        ),
        (
            {"source": [{"sector": ""}]},
            "source",
            "{'sector': ''}",
            "expected the name or the code of an actor",
        ),
        ({"source": [{"code": 2}]}, "source.code", "2", "expected a text"),
        (
            {"date": "10 March"},
            "date",
            "10 March",
            "'10 March' is no EDTF date such as 2023, 2023-10 or 2023-10-18",
        ),
        ({"date": "2024-02-30"}, "date", "2024-02-30", "day is out of range for month"),
        ({"negation": "perhaps"}, "negation", "perhaps", "expected true or false"),
        (
            {"eventLoc": "Solen"},
            "eventLoc",
            "Solen",
            "expected an object with the name of a place",
        ),
        (
            {"eventLoc": {"geonameid": 3}},
            "eventLoc",
            "",
            "expected a name of at most 120 characters",
        ),
        (
            {"eventLoc": {"name": "Solen", "latitude": 91, "longitude": 0}},
            "latitude",
            "91",
            "expected degrees from -90 to 90",
        ),
    ],
)
def test_a_bad_record_is_set_aside_alone(
    tmp_path: Path, change: dict[str, Any], column: str, value: str, reason: str
):
    found = mapped(tmp_path, [BASE_RECORD, BASE_RECORD | {"id": "bad"} | change])
    [issue] = found.issues
    assert (issue.row, issue.column, issue.value) == (2, column, value)
    assert issue.reason.startswith(reason)
    assert found.mapped == 1


def test_records_in_lines_are_read_like_an_array(tmp_path: Path):
    assert lines_of(mapped(tmp_path, SAMPLE)) == lines_of(mapped(tmp_path, SAMPLE, lines=True))


def test_hostile_names_are_names(tmp_path: Path):
    name = 'a "b" \\ \n<script> \x00 שלום হ্যাঁ'
    found = mapped(tmp_path, [BASE_RECORD | {"source": [{"actorText": name, "code": "AUS"}]}])
    text = "".join(lines_of(found))
    assert '“a \\"b\\" \\\\ <script> שלום হ্যাঁ” (AUS)' in text
    long = mapped(tmp_path, [BASE_RECORD | {"source": [{"actorText": "x" * 121, "code": "AUS"}]}])
    assert "xxx" not in "".join(lines_of(long))


class Recorded(dict[str, Any]):
    """Notes which fields are read."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key)
        return super().get(key, default)


def test_every_field_is_read_or_left_out_for_a_reason():
    [table] = SCRIPT.source.tables
    row = Recorded(SAMPLE[1])
    map_row = SCRIPT.mapper("records", scribe(SCRIPT))
    map_row(row)
    bare = Recorded(BASE_RECORD)
    map_row(bare)
    assert row.read | bare.read == set(table.columns) - set(table.ignored)
    assert set(table.ignored) <= set(table.columns)


@given(st.dates().map(str), st.sampled_from(["historical", "future", "hypothetical", "", "legal"]))
def test_days_are_those_of_what_is_said_to_happen(day: str, context: str):
    out = scribe(SCRIPT)
    SCRIPT.mapper("records", out)(BASE_RECORD | {"date": day, "context": context})
    [event] = out.events
    assert event[5:7] == ((day, day) if context in ("", "legal") else ("", ""))


def test_two_runs_give_the_same_and_lines_are_sorted(sample: Mapped):
    [other] = feed_file("plover", SAMPLES)
    assert lines_of(sample) == lines_of(other)
    for text in (*sample.scribe.shared.values(), *(text for _, text in sample.scribe.blocks)):
        lines = text.split("\n")[:-1]
        assert lines == sorted(set(lines))


def test_golden_quads(sample: Mapped, checkout: Path):
    golden = checkout / "tests/sources/golden/plover.nq"
    assert "".join(lines_of(sample)) == golden.read_text(encoding="utf-8")


def test_the_real_file(checkout: Path):
    path = checkout.parent / "shared/feeds/plover/gsr.json"
    if not path.is_file():
        pytest.skip("no real files here")
    [found] = feed_file("plover", path)
    assert (found.records, found.mapped) == (200, 199)
    [issue] = found.issues
    assert (issue.row, issue.column, issue.value) == (8, "target", "diplomatic")
    assert len(found.scribe.events) == len(found.scribe.claims) == 198
    assert found.report is not None
    assert found.report.results == ()
    assert not any(event[5] for event in found.scribe.events)
    assert "2000-01-01" not in "".join(lines_of(found))
