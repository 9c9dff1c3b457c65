"""ACLED: what a row says, by whom, and which rows are set aside. All rows are made up."""

from __future__ import annotations

import csv
import io
import unicodedata
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from feeding import ask, conforming, feed_file, lines_of, scribe
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import RdfFormat, Store

from kg import edtf
from kg.feed import Rejected, load_feed
from kg.ingest import Mapped
from kg.resources import folder

HERE = Path(__file__).resolve().parent
SAMPLE = HERE / "samples/acled/acled.csv"
SCRIPT = load_feed(folder("mappings"), "acled")
USED = SCRIPT.mapper.__globals__
TABLE = SCRIPT.source.table("events")
COLUMNS = USED["COLUMNS"]
WHOLE = {
    "event_id_cnty": "BOS12",
    "event_date": "05 March 2024",
    "year": "2024",
    "time_precision": "1",
    "disorder_type": "Political violence",
    "event_type": "Battles",
    "sub_event_type": "Armed clash",
    "actor1": "Military Forces of Bostmark (2019-)",
    "inter1": "State forces",
    "actor2": "River Brigade",
    "assoc_actor_2": "Reed Clan (Bostmark); Ford Clan (Bostmark)",
    "inter2": "Rebel group",
    "iso": "999",
    "country": "Bostmark",
    "admin1": "Solen",
    "location": "Port Solen",
    "latitude": "54.50",
    "longitude": "18.25",
    "geo_precision": "1",
    "source": "Harbour Post; Northland Wire",
    "source_scale": "National",
    "notes": "Sentence of a coder.",
    "fatalities": "3",
}


def text(*rows: dict[str, str], delimiter: str = ";", columns: tuple[str, ...] = COLUMNS) -> str:
    """Return a file of rows, each what `WHOLE` is with some columns changed."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", delimiter=delimiter)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([(WHOLE | row).get(name, "") for name in columns])
    return file.getvalue()


def mapped(path: Path, *rows: dict[str, str], check: bool = True, **form: Any) -> Mapped:
    """Return what becomes of rows; that no shape is broken is tested here too."""
    file = path / "acled.csv"
    file.write_text(text(*rows, **form), encoding="utf-8")
    return conforming("acled", file, check=check)


def test_it_is_not_handed_on():
    assert SCRIPT.source.redistribution == "none"


def test_the_record_and_each_outlet_claim_the_event_and_the_record_alone_the_number(
    tmp_path: Path,
):
    found = mapped(tmp_path, {})
    assert ask(
        found,
        "SELECT ?who ?what ?stance ?modality ?certainty ?basis ?publisher ?where WHERE { "
        "?c ch:claimant/rdfs:label ?who ; ch:about ?a ; ch:stance ?stance ; ch:modality "
        "?modality ; ch:certainty ?certainty ; ch:basis ?basis ; ch:inSource ?s ; ch:locator "
        "?where OPTIONAL { ?s dcterms:publisher/rdfs:label ?publisher } "
        "BIND (IF(EXISTS { ?a a ch:Event }, 'event', 'number') AS ?what) }",
    ) == [
        ("ACLED BOS12 (own voice)", what, "stance-affirms", "modality-actual",
         "certainty-unstated", basis, "", "row BOS12 of ACLED, sources: National")
        for what, basis in (("event", "basis-document"), ("number", "basis-analysis"))
    ] + [
        (f"{outlet}, cited in ACLED BOS12 (own voice)", "event", "stance-affirms",
         "modality-actual", "certainty-unstated", "basis-none-stated", outlet,
         "named in row BOS12 of ACLED")
        for outlet in ("Harbour Post", "Northland Wire")
    ]  # fmt: skip
    assert ask(
        found,
        "SELECT ?n ?p ?u WHERE { ?r ch:relationType ch:relation-number-killed ; ch:quantity ?q . "
        "?q ch:best ?n ; ch:precision ?p ; ch:unit ?u }",
    ) == [("3", "precision-approximate", "deaths")]
    none = mapped(tmp_path, {"fatalities": "0"}, {"event_id_cnty": "BOS13", "fatalities": ""})
    assert ask(none, "SELECT ?q WHERE { ?q a ch:Quantity }") == []


def test_who_took_part_and_how(tmp_path: Path):
    """The order of actors says nothing; their kinds say who is never the one that did it."""
    civil = {"actor2": "Civilians (Bostmark)", "inter2": "7", "sub_event_type": "Attack"}
    rows = {
        "Fighting between Military Forces of Bostmark (2019-) and River Brigade": {},
        "Use of force by River Brigade against Civilians (Bostmark)": civil
        | {"actor1": "River Brigade", "inter1": "2"},
        "Strike from the air by Military Forces of Bostmark (2019-) against Civilians (Bostmark)": {
            "sub_event_type": "Air/drone strike",
            "actor1": "Civilians (Bostmark)",
            "inter1": "Civilians",
            "actor2": "Military Forces of Bostmark (2019-)",
            "inter2": "1.0",
        },
        "Protest involving Protesters (Bostmark)": {
            "sub_event_type": "Peaceful protest",
            "actor1": "Protesters (Bostmark)",
            "inter1": "Protesters",
            "actor2": "",
            "inter2": "0",
        },
        "Force against protesters by Police of Bostmark against Protesters (Bostmark)": {
            "sub_event_type": "Excessive force against protesters",
            "actor1": "Protesters (Bostmark)",
            "inter1": "6",
            "actor2": "Police of Bostmark",
            "inter2": "1",
        },
        "Force against protesters: Protesters (Bostmark)": {
            "sub_event_type": "Excessive force against protesters",
            "actor1": "Protesters (Bostmark)",
            "inter1": "6",
            "actor2": "",
            "inter2": "0",
        },
        "Arrests by Police of Bostmark against Rioters (Bostmark)": {
            "event_type": "Strategic developments",
            "sub_event_type": "Arrests",
            "actor1": "Rioters (Bostmark)",
            "inter1": "5",
            "actor2": "Police of Bostmark",
            "inter2": "1",
        },
        "Arrests involving River Brigade and Police of Bostmark": {
            "event_type": "Strategic developments",
            "sub_event_type": "Arrests",
            "actor1": "River Brigade",
            "inter1": "2",
            "actor2": "Police of Bostmark",
            "inter2": "1",
        },
    }
    found = mapped(
        tmp_path, *({"event_id_cnty": str(n)} | row for n, row in enumerate(rows.values()))
    )
    assert ask(
        found, "SELECT ?i ?l WHERE { ?e a ch:Event ; dcterms:identifier ?i ; rdfs:label ?l }"
    ) == [(str(n), f"{label}, Port Solen") for n, label in enumerate(rows)]
    assert ask(
        found,
        "SELECT ?i ?role ?class WHERE { ?e a ch:Event ; dcterms:identifier ?i ; ?role ?a . "
        "?a a ch:Agent OPTIONAL { ?a a ?class FILTER (?class IN (ch:Group, ch:GovernmentBody, "
        "ch:ArmedActor)) } }",
    ) == [
        ("0", "actor", "ArmedActor"),
        ("0", "actor", "GovernmentBody"),
        ("1", "actor", "ArmedActor"),
        ("1", "recipient", "Group"),
        ("2", "actor", "GovernmentBody"),
        ("2", "recipient", "Group"),
        ("3", "actor", "Group"),
        ("4", "actor", "GovernmentBody"),
        ("4", "recipient", "Group"),
        ("5", "recipient", "Group"),
        ("6", "actor", "GovernmentBody"),
        ("6", "recipient", "Group"),
        ("7", "actor", "ArmedActor"),
        ("7", "actor", "GovernmentBody"),
    ]
    assert ask(found, "SELECT ?i ?r WHERE { ?e dcterms:identifier ?i ; ch:leavesUnstated ?r }") == [
        ("0", "role-recipient"),
        ("5", "role-actor"),
    ]
    groups = ask(found, "SELECT ?g WHERE { ?g a ch:Group }")
    assert len(groups) == 6


def test_every_type_has_a_category(tmp_path: Path):
    kinds = [*USED["TYPES"], "of next year"]
    rows = [
        {"event_id_cnty": f"{n:02}", "sub_event_type": kind.upper(), "event_type": "Riots"}
        for n, kind in enumerate(kinds)
    ]
    found = mapped(tmp_path, *rows)
    assert ask(
        found,
        "SELECT ?i ?t ?c WHERE { ?e a ch:Event ; dcterms:identifier ?i ; ch:eventType ?t "
        "OPTIONAL { ?e ch:category ?c } }",
    ) == [
        (f"{n:02}", *((f"type-{kind}", "") if kind == "conflict-development" else (kind, kind)))
        for n, one in enumerate(kinds)
        for kind in [USED["TYPES"].get(one, ("plover-protest", ""))[0]]
    ]


def test_dates(tmp_path: Path):
    forms = ["2024-03-05", "5 Mar 2024", "05-March-2024", "2024-03-05 00:00:00"]
    rows = [{"event_id_cnty": str(n), "event_date": form} for n, form in enumerate(forms)]
    rows += [
        {"event_id_cnty": "8", "time_precision": "2"},
        {"event_id_cnty": "9", "time_precision": "3"},
    ]
    assert ask(
        mapped(tmp_path, *rows),
        "SELECT ?i ?edtf ?a ?b ?sure WHERE { ?e a ch:Event ; dcterms:identifier ?i ; ch:time ?t . "
        "?t ch:edtf ?edtf ; ch:earliest ?a ; ch:latest ?b ; ch:certainty ?sure }",
    ) == [
        *((str(n), *["2024-03-05"] * 3, "certainty-certain") for n in range(4)),
        ("8", "2024-02-28~/2024-03-11~", "2024-02-28", "2024-03-11", "certainty-unstated"),
        ("9", "2024-03", "2024-03-01", "2024-03-31", "certainty-unstated"),
    ]  # fmt: skip


def test_places_are_local(tmp_path: Path):
    """There is no scheme of ISO's numbers here, and a name is no identity."""
    found = mapped(tmp_path, {"iso": "4", "country": "Afghanistan", "admin2": "Lower Solen"})
    assert ask(
        found,
        "SELECT ?lat ?d ?l ?i WHERE { ?e ch:place ?p . ?p ch:latitude ?lat ; dcterms:description "
        "?d ; ch:locatedIn+ ?in . ?in rdfs:label ?l ; dcterms:identifier ?i }",
    ) == [
        ("54.5", "The place itself (precision 1 of 3).", "Afghanistan", "ISO 3166-1 4"),
        ("54.5", "The place itself (precision 1 of 3).", "Lower Solen",
         "admin-2 4 Afghanistan Solen Lower Solen"),
        ("54.5", "The place itself (precision 1 of 3).", "Solen", "admin-1 4 Afghanistan Solen"),
    ]  # fmt: skip
    assert found.scribe.states == {}
    bare = mapped(tmp_path, {"location": "", "admin1": ""})
    assert ask(bare, "SELECT ?l WHERE { ?e ch:place/rdfs:label ?l }") == [("Bostmark",)]


def test_who_is_coded_with_an_actor_stands_in_the_description(tmp_path: Path):
    found = mapped(tmp_path, {"civilian_targeting": "Civilian targeting"})
    assert ask(found, "SELECT ?d WHERE { ?e a ch:Event ; dcterms:description ?d }") == [
        (
            "The day is known. Coded with the second actor: Reed Clan (Bostmark); Ford Clan "
            "(Bostmark). Coded as aimed at civilians mainly or only.",
        )
    ]
    assert "Sentence" not in "".join(lines_of(found))


BAD = [
    ({"event_date": "3/5/2024"}, "event_date", "3/5/2024",
     "no such day; expected 2024-03-05 or 05 March 2024"),
    ({"event_date": "31 June 2024"}, "event_date", "31 June 2024",
     "no such day; expected 2024-03-05 or 05 March 2024"),
    ({"event_date": "5 Moon 2024"}, "event_date", "5 Moon 2024",
     "no such day; expected 2024-03-05 or 05 March 2024"),
    ({"year": "2023"}, "year", "2023", "another one than that of the date, 2024-03-05"),
    ({"time_precision": "4"}, "time_precision", "4", "no such code; expected one of 1, 2, 3"),
    ({"geo_precision": "0"}, "geo_precision", "0", "no such code; expected one of 1, 2, 3"),
    ({"event_type": "Other", "sub_event_type": "New"}, "event_type, sub_event_type", "Other, New",
     "no such type; expected one of ACLED's since 2019, such as battles, explosions/remote "
     "violence, violence against civilians, protests, riots, strategic developments"),
    ({"actor1": " "}, "actor1", " ", "an event without an actor"),
    ({"inter2": "9"}, "inter2", "9", "no kind of actor; expected 0 to 8, or its words"),
    ({"inter1": "Ships"}, "inter1", "Ships", "no kind of actor; expected 0 to 8, or its words"),
    ({"fatalities": "some"}, "fatalities", "some",
     "no number of people; expected a whole one from 0"),
    ({"fatalities": "-3"}, "fatalities", "-3", "no number of people; expected a whole one from 0"),
    ({"fatalities": "2.5"}, "fatalities", "2.5",
     "no number of people; expected a whole one from 0"),
    ({"latitude": "-90.01"}, "latitude", "-90.01", "expected degrees from -90 to 90"),
    ({"latitude": ""}, "latitude, longitude", ", 18.25", "expected both"),
    ({"location": "", "admin1": "", "country": ""}, "location", "",
     "a place without a name, a division or a country"),
    ({"actor2": "y" * 301}, "actor2", "y" * 200, "no name: more than 300 characters"),
    ({"event_id_cnty": "9" * 81}, "event_id_cnty", "9" * 81,
     "no identifier: more than 80 characters"),
    ({"event_id_cnty": "0"}, "event_id_cnty", "0", "a record with this key came before"),
]  # fmt: skip


def test_bad_rows_are_set_aside_alone(tmp_path: Path):
    rows: list[dict[str, str]] = [{"event_id_cnty": "0"}]
    for n, (change, *_) in enumerate(BAD):
        rows += [{"event_id_cnty": f"bad-{n}"} | change, {"event_id_cnty": f"good-{n}"}]
    found = mapped(tmp_path, *rows, check=False)
    assert [(one.row, one.column, one.value, one.reason) for one in found.issues] == [
        (2 * n + 3, column, value, reason) for n, (_, column, value, reason) in enumerate(BAD)
    ]
    good = [row for row in rows if not row["event_id_cnty"].startswith(("bad", "9"))]
    good = [good[0], *(row for row in good if row["event_id_cnty"].startswith("good"))]
    assert lines_of(mapped(tmp_path, *good, check=False)) == lines_of(found)


def test_files_of_other_forms(tmp_path: Path):
    """Commas or tabs, another order, names in capitals, columns of older and of newer exports."""
    expected = lines_of(mapped(tmp_path, {}))
    variants = [
        text({}, delimiter=","),
        text({}, delimiter="\t"),
        "\ufeff" + text({}, delimiter=",").replace(",".join(COLUMNS), ",".join(COLUMNS).upper()),
        text({}, columns=tuple(reversed(COLUMNS))),
        text({}, columns=("data_id", "iso3", *COLUMNS, "population_best")),
        text({}).replace("\n", "\r\n"),
    ]
    for variant in variants:
        file = tmp_path / "other.csv"
        file.write_bytes(variant.encode())
        (found,) = feed_file("acled", file, check=False)
        assert lines_of(found) == expected


HOSTILE = [
    'say "no" \\ now',
    "line\nbreak\tand\x00control\x9b",
    "<https://x.example/> . # é",
    "\u202eright to left\u202c مدينة",
    "নয়াদিল্লি",
    "य़ूपी क़िला",
    "x" * 290,
]


def test_hostile_text_stays_text(tmp_path: Path):
    columns = ("actor1", "actor2", "country", "admin1", "admin3", "location", "source",
               "source_scale", "assoc_actor_1", "civilian_targeting")  # fmt: skip

    def rows(form: Literal["NFC", "NFD"]) -> list[dict[str, str]]:
        return [
            dict.fromkeys(columns, unicodedata.normalize(form, words)) | {"event_id_cnty": str(n)}
            for n, words in enumerate(HOSTILE)
        ]

    found = mapped(tmp_path, *rows("NFC"))
    assert found.issues == []
    labels = {label for (label,) in ask(found, "SELECT ?l WHERE { ?x rdfs:label ?l }")}
    assert {USED["clean"](words) for words in HOSTILE} <= labels
    again = mapped(tmp_path, *rows("NFD"), check=False)
    assert lines_of(again) == lines_of(found)


class Recording(tuple[str, ...]):
    """A row that notes which of its columns are read."""

    read: set[int]

    def __getitem__(self, place: Any) -> Any:
        self.read.add(place)
        return super().__getitem__(place)


def test_every_column_is_read_or_ignored_with_a_reason():
    assert all(TABLE.ignored.values())
    read: set[int] = set()
    for n, fields in enumerate((WHOLE, WHOLE | {"sub_event_type": "of next year"})):
        row = Recording(fields.get(name, "") for name in TABLE.columns)
        row.read = read
        out = scribe(SCRIPT)
        out.begin(n)
        SCRIPT.mapper("events", out)(row)
    unread = {name for n, name in enumerate(TABLE.columns) if n not in read}
    assert unread == set(TABLE.ignored)


def test_the_same_rows_give_the_same_lines(tmp_path: Path):
    rows = [{"event_id_cnty": str(n)} for n in range(20)]
    found = mapped(tmp_path, *rows, check=False)
    for again in (rows, rows[::-1]):
        assert lines_of(mapped(tmp_path, *again, check=False)) == lines_of(found)


def test_golden_quads():
    """What the sample gives; a changed address shows here."""
    (found,) = feed_file("acled", SAMPLE)
    assert found.report is not None
    assert found.report.results == ()
    assert (found.records, found.mapped) == (3, 3)
    assert "".join(lines_of(found)) == (HERE / "golden/acled.nq").read_text(encoding="utf-8"), (
        "if the change is meant, write the new lines with tests/sources/update_golden.py "
        "and say in CHANGELOG.md which addresses changed"
    )


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_any_date_lies_in_its_bounds(day: date):
    assert edtf.bounds(USED["edtf_of"](day, "1")) == (day.isoformat(), day.isoformat())
    first, last = edtf.bounds(USED["edtf_of"](day, "3"))
    assert first is not None
    assert last is not None
    assert first <= day.isoformat() <= last
    first, last = edtf.bounds(USED["edtf_of"](day, "2"))
    monday = day - timedelta(days=day.weekday())
    assert first is not None
    assert last is not None
    assert first <= monday.isoformat()
    assert (monday + timedelta(days=6)).isoformat() <= last
    forms = (day.isoformat(), f"{day.day} {day:%B %Y}", f"{day:%d-%b-%Y}")
    assert {USED["day_of"](form) for form in forms} == {day}


@given(st.text(max_size=40), st.sampled_from(COLUMNS))
def test_any_text_in_any_column_maps_or_is_set_aside_with_a_reason(value: str, column: str):
    out = scribe(SCRIPT)
    out.begin(0)
    row = tuple((WHOLE | {column: value}).get(name, "") for name in TABLE.columns)
    try:
        SCRIPT.mapper("events", out)(row)
    except Rejected as one:
        wrong = one
        out.undo()
    else:
        written = [*out.shared.values(), *out.sources.values(), *(text for _, text in out.blocks)]
        Store().load("".join(written).encode(), format=RdfFormat.N_QUADS)
        return
    assert wrong.reason
    assert set(wrong.column.split(", ")) <= set(TABLE.columns)
    assert out.blocks == []
    assert out.shared == {}
