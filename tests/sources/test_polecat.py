"""POLECAT: who says what, on rows made up for this."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from feeding import conforming, feed_file, lines_of, scribe

from kg.errors import FactError
from kg.feed import load_feed
from kg.ingest import Mapped, happenings
from kg.resources import folder
from kg.vocab import CH, DCTERMS, RDFS

SCRIPT = load_feed(folder("mappings"), "polecat")
[TABLE] = SCRIPT.source.tables
SAMPLES = Path(__file__).parent / "samples/polecat/polecat.tsv"
HEADER, *ROWS = [line.split("\t") for line in SAMPLES.read_text("utf-8").splitlines()]
ID = "https://chancery.example/id/"
USA = "agent/united-states"


def mapped(tmp_path: Path, *rows: list[str], header: list[str] = HEADER) -> Mapped:
    path = tmp_path / "events.txt"
    path.write_text(
        "".join("\t".join(one) + "\n" for one in (header, *rows)), encoding="utf-8", newline=""
    )
    return conforming("polecat", path)


def changed(**cells: str) -> list[str]:
    row = dict(zip(HEADER, ROWS[0], strict=True))
    row |= {name.replace("_", " "): value for name, value in cells.items()}
    return [row[name] for name in HEADER]


@pytest.fixture(scope="module")
def sample() -> Mapped:
    found = conforming("polecat", SAMPLES)
    assert found.issues == []
    return found


def labels(found: Mapped) -> dict[str, str]:
    out = {}
    for line in lines_of(found):
        subject, predicate, rest = line.split(" ", 2)
        if predicate == f"<{RDFS}label>":
            out[subject.removeprefix(f"<{ID}").rstrip(">")] = rest.rpartition('"@')[0].strip('"')
    return out


def test_the_report_says_it_and_a_program_read_it(sample: Mapped):
    assert [claim[5:9] for claim in sample.scribe.claims] == [
        ("affirms", "actual", "unstated", "machine-coded"),
        ("denies", "actual", "unstated", "machine-coded"),
        ("affirms", "expected", "unstated", "machine-coded"),
        ("affirms", "actual", "unstated", "machine-coded"),
    ]
    known = labels(sample)
    sources = [claim[4].removeprefix(f"<{ID}").rstrip(">") for claim in sample.scribe.claims]
    assert [known[one] for one in sources] == [
        "Harbour Post, 2024-03-11 (report 20240311-7)",
        "Harbour Post, 2024-03-11 (report 20240311-7)",
        "Harbour Post, 2024-03-11 (report 20240311-8)",
        "Report (report 20240311-9)",
    ]
    assert sources[0] == sources[1]
    text = "".join(lines_of(sample))
    assert f'<{DCTERMS}issued> "2024-03-11"' in text
    where = "report from which POLECAT coded 20240311-7_CONSULT_visit; in Bengali; version NGEC-1"
    assert f'"{where}"@en' in text


def test_events_have_their_day_actors_and_place(sample: Mapped):
    event = sample.scribe.events[0]
    assert event[1:7] == (
        "20240311-7_CONSULT_visit",
        "Consultation: United States, Ada Rell toward “harbour workers” (AUS LAB); Port Solen",
        "plover-consult",
        "plover-consult",
        "2024-03-10",
        "2024-03-10",
    )
    known = labels(sample)
    assert {
        (role, who if who == USA else known[who])
        for name, role, who in sample.scribe.participants
        if name == event[0]
    } == {
        ("actor", USA),
        ("actor", "Ada Rell"),
        ("recipient", "“harbour workers” (AUS LAB)"),
        ("place", "Port Solen"),
    }
    text = "".join(lines_of(sample))
    assert "Coded with the mode visit. Coded in the context diplomatic, military." in text
    assert f'<{CH}latitude> "54.5"' in text
    assert f'<{CH}longitude> "-18.25"' in text


def test_lists_of_different_lengths_are_not_put_together(sample: Mapped):
    known = labels(sample)
    event = sample.scribe.events[1][0]
    who = {known[who] for name, _, who in sample.scribe.participants if name == event}
    assert who == {"“Rell's men”", "“others”", "“more”"}


def test_what_is_missing_is_said_to_be_open_and_the_past_has_no_day(sample: Mapped):
    block = sample.scribe.blocks[-2][1]
    assert f"<{CH}leavesUnstated> <{CH}role-actor>" in block
    assert f"<{CH}time>" not in block
    assert "None" not in "".join(lines_of(sample))


@pytest.mark.parametrize(
    ("name", "country", "sector", "state"),
    [
        ("United States", "USA", "GOV", True),
        ("United States", "USA", "None", True),
        ("United States", "USA", "MIL", False),
        ("Washington", "USA", "GOV", False),
        ("United States", "AUS", "GOV", False),
        ("United States", "None", "GOV", False),
    ],
)
def test_no_identity_is_guessed(tmp_path: Path, name: str, country: str, sector: str, state: bool):
    row = changed(
        Actor_Name=name,
        Actor_Name_Raw=name,
        Actor_Country=country,
        Primary_Actor_Sector=sector,
        Wikipedia_Actor_ID="None",
    )
    found = mapped(tmp_path, row)
    [who] = [who for _, role, who in found.scribe.participants if role == "actor"]
    assert (who == USA) is state


@pytest.mark.parametrize(
    ("name", "province", "country", "words", "own"),
    [
        ("Solen", "Lantern Coast", "AUS", "In Lantern Coast.", True),
        ("Solen", "None", "AUS", "", True),
        (
            "Lantern Coast",
            "Lantern Coast",
            "AUS",
            "The point may stand for the whole of it.",
            False,
        ),
        ("Australia", "None", "AUS", "The point stands for the whole of it.", False),
    ],
)
def test_only_the_point_of_a_town_is_compared_with_others(
    tmp_path: Path, name: str, province: str, country: str, words: str, own: bool
):
    row = changed(Placename=name, Province=province, Country=country, Actor_Country="USA")
    found = mapped(tmp_path, row)
    assert [place.endswith(words) for place in places(found, "description")] == [True] * bool(words)
    assert len(places(found, "latitude")) == 1
    assert len(happenings(found.scribe)) == own


def places(found: Mapped, name: str) -> list[str]:
    """Return the values of a property of places."""
    wanted = {"description": f"<{DCTERMS}description>", "latitude": f"<{CH}latitude>"}[name]
    split = (line.split(" ", 2) for line in lines_of(found))
    return [o.split('"')[1] for s, p, o in split if "/id/place/" in s and p == wanted]


@pytest.mark.parametrize(
    ("event", "published", "modality"),
    [
        ("2024-03-11", "2024-03-11", "actual"),
        ("2024-03-12", "2024-03-11", "actual"),
        ("2024-03-13", "2024-03-11", "expected"),
        ("2024-03-13", "None", "actual"),
        ("2024-03-01", "2024-03-11 06:00:00", "actual"),
    ],
)
def test_a_report_foresees_what_is_dated_after_it(
    tmp_path: Path, event: str, published: str, modality: str
):
    found = mapped(tmp_path, changed(Event_Date=event, Publication_Date=published))
    assert [claim[6] for claim in found.scribe.claims] == [modality]


@pytest.mark.parametrize(
    ("cells", "column", "value", "reason"),
    [
        (
            {"Event_Type": "CRIME"},
            "Event Type",
            "CRIME",
            "expected one of PLOVER's 16 categories",
        ),
        ({"Event_Date": "March"}, "Event Date", "March", "expected a day such as 2023-10-18"),
        (
            {"Publication_Date": "2024-02-30"},
            "Publication Date",
            "2024-02-30",
            "expected a day such as 2023-10-18",
        ),
        ({"Latitude": "north"}, "latitude", "north", "no number; expected degrees"),
        ({"Longitude": "181"}, "longitude", "181", "expected degrees from -180 to 180"),
    ],
)
def test_a_bad_row_is_set_aside_alone(
    tmp_path: Path, cells: dict[str, str], column: str, value: str, reason: str
):
    found = mapped(tmp_path, ROWS[1], changed(Event_ID="bad", **cells))
    [issue] = found.issues
    assert (issue.row, issue.column, issue.value, issue.reason) == (3, column, value, reason)
    assert found.mapped == 1


def test_a_row_that_came_before_and_one_that_is_cut_off(tmp_path: Path):
    found = mapped(tmp_path, ROWS[0], ROWS[0], ROWS[1][:5])
    assert [one.reason for one in found.issues] == [
        "a record with this key came before",
        "5 columns where the file has 40",
    ]


def test_columns_may_stand_in_any_order_and_more_may_come(tmp_path: Path, sample: Mapped):
    more = ["Headline", *reversed(HEADER), "", "Event Text"]
    rows = [["A title", *reversed(row), "", "A text."] for row in ROWS]
    assert lines_of(mapped(tmp_path, *rows, header=more)) == lines_of(sample)


def test_a_file_without_a_header_is_refused(tmp_path: Path):
    with pytest.raises(FactError, match="no file of polecat"):
        mapped(tmp_path, header=ROWS[0])


def test_hostile_names_are_names(tmp_path: Path):
    name = 'a "b" \\ <script> \x07 שלום हिन्दी'
    row = changed(Recipient_Name=name, Placename="x" * 121)
    text = "".join(lines_of(mapped(tmp_path, row)))
    assert '“a \\"b\\" \\\\ <script> שלום हिन्दी” (AUS LAB)' in text
    assert "xxx" not in text


class Recorded(tuple[str, ...]):
    """Notes which places are read."""

    read: set[int]

    def __getitem__(self, key: Any) -> Any:
        self.read.add(key)
        return super().__getitem__(key)


def test_every_column_is_read_or_left_out_for_a_reason():
    cells = dict(zip(HEADER, ROWS[0], strict=True))
    row = Recorded(cells.get(name, "") for name in TABLE.columns)
    row.read = set()
    SCRIPT.mapper("events", scribe(SCRIPT))(row)
    assert {TABLE.columns[n] for n in row.read} == set(TABLE.columns) - set(TABLE.ignored)
    assert set(TABLE.ignored) <= set(TABLE.columns)
    assert all(TABLE.ignored.values())


def test_two_runs_give_the_same_and_lines_are_sorted(sample: Mapped):
    [other] = feed_file("polecat", SAMPLES)
    assert lines_of(sample) == lines_of(other)
    for text in (*sample.scribe.shared.values(), *(text for _, text in sample.scribe.blocks)):
        lines = text.split("\n")[:-1]
        assert lines == sorted(set(lines))


def test_golden_quads(sample: Mapped, checkout: Path):
    golden = checkout / "tests/sources/golden/polecat.nq"
    assert "".join(lines_of(sample)) == golden.read_text(encoding="utf-8")
