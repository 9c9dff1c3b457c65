"""UCDP GED: what a row says, by whom, and which rows are set aside."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from feeding import ask, conforming, feed_file, lines_of, scribe
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import RdfFormat, Store, parse

from kg import edtf
from kg.errors import FactError
from kg.feed import Rejected, load_feed
from kg.ingest import Mapped
from kg.resources import folder
from kg.tables import COLUMNS as TABLES
from kg.tables import Tables, joined

HERE = Path(__file__).resolve().parent
SAMPLE = HERE / "samples/ucdp_ged/ucdp_ged.csv"
SCRIPT = load_feed(folder("mappings"), "ucdp_ged")
USED = SCRIPT.mapper.__globals__
TABLE = SCRIPT.source.table("events")
COLUMNS = TABLE.columns[: TABLE.lengths[0]]
WHOLE = {
    "id": "9001",
    "relid": "BOS-2024-1-1",
    "year": "2024",
    "active_year": "1",
    "code_status": "Clear",
    "type_of_violence": "1",
    "conflict_new_id": "71",
    "conflict_name": "Bostmark: Government",
    "side_a_new_id": "91",
    "side_a": "Government of Bostmark",
    "side_b_new_id": "93",
    "side_b": "River Brigade",
    "number_of_sources": "1",
    "source_article": '"Harbour Post,2024-03-06,Ford taken, ministry says"',
    "source_office": "Harbour Post",
    "source_date": "2024-03-06",
    "source_headline": "Ford taken, ministry says",
    "source_original": "Ministry of Defence",
    "where_prec": "1",
    "where_coordinates": "Solen ford",
    "adm_1": "Solen province",
    "latitude": "54.5",
    "longitude": "18.25",
    "country": "Bostmark",
    "country_id": "999",
    "event_clarity": "1",
    "date_prec": "1",
    "date_start": "2024-03-05",
    "date_end": "2024-03-05",
    "deaths_a": "1",
    "deaths_b": "4",
    "deaths_civilians": "0",
    "deaths_unknown": "1",
    "best": "6",
    "high": "8",
    "low": "5",
    "gwnoa": "999",
}


def text(*rows: dict[str, str], header: bool = True, columns: tuple[str, ...] = COLUMNS) -> str:
    """Return a file of rows, each what `WHOLE` is with some columns changed."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    if header:
        writer.writerow(columns)
    for row in rows:
        writer.writerow([(WHOLE | row).get(name, "") for name in columns])
    return file.getvalue()


def mapped(path: Path, *rows: dict[str, str], check: bool = True, **form: Any) -> Mapped:
    """Return what becomes of rows; that no shape is broken is tested here too."""
    file = path / "ged.csv"
    file.write_text(text(*rows, **form), encoding="utf-8")
    return conforming("ucdp_ged", file, check=check)


CLAIMS = """
SELECT ?who ?says ?stance ?modality ?certainty ?basis ?source ?attribution WHERE {
    ?claim a ch:Claim ; ch:claimant/rdfs:label ?who ; ch:stance ?stance ; ch:modality ?modality ;
        ch:certainty ?certainty ; ch:basis ?basis ; ch:inSource/rdfs:label ?source ;
        ch:attribution ?attribution .
    OPTIONAL { ?claim ch:about ?what }
    OPTIONAL { ?claim ch:relays/ch:claimant/rdfs:label ?speaker }
    BIND (COALESCE(?speaker, STRBEFORE(STRAFTER(STR(?what), "/id/"), "/")) AS ?says)
}"""
RECORD = "UCDP GED 9001"
POST = "Harbour Post, 2024-03-06: Ford taken, ministry says"
MINISTRY = "Ministry of Defence (cited in UCDP GED 9001)"


def positions(certainty: str, basis: str) -> tuple[str, ...]:
    return ("stance-affirms", "modality-actual", f"certainty-{certainty}", f"basis-{basis}")


def test_the_record_the_outlet_and_whom_it_cites_each_make_their_own_claim(tmp_path: Path):
    found = mapped(tmp_path, {})
    assert ask(found, CLAIMS) == sorted(
        [
            (f"{RECORD} (own voice)", "event", *positions("unstated", "document"), RECORD,
             "attribution-stated"),
            (f"{RECORD} (own voice)", "relation", *positions("unstated", "analysis"), RECORD,
             "attribution-stated"),
            (MINISTRY, "event", *positions("unstated", "none-stated"), POST,
             "attribution-stated"),
            ("Harbour Post", MINISTRY, *positions("unstated", "none-stated"), POST,
             "attribution-stated"),
        ]
    )  # fmt: skip
    assert ask(
        found,
        "SELECT ?i ?w WHERE { d:record/ucdp-ged-9001 dcterms:identifier ?i . "
        "?c ch:inSource d:record/ucdp-ged-9001 ; ch:about d:event/ucdp-ged-9001 ; "
        "dcterms:identifier ?r ; ch:locator ?w }".replace(
            "d:record/ucdp-ged-9001", "<https://chancery.example/id/record/ucdp-ged-9001>"
        ).replace("d:event/ucdp-ged-9001", "<https://chancery.example/id/event/ucdp-ged-9001>"),
    ) == [("9001", "row 9001 of UCDP GED, by 1 report, coding status Clear")]


def test_only_the_record_claims_how_many_were_killed(tmp_path: Path):
    found = mapped(tmp_path, {})
    assert ask(
        found,
        "SELECT ?who ?low ?best ?high ?unit ?precision ?text WHERE { ?c ch:about ?r ; "
        "ch:claimant ?who . ?r ch:relationType ch:relation-number-killed ; "
        "dcterms:description ?text ; ch:subject ?e ; ch:quantity ?q . ?e a ch:Event . "
        "?q ch:low ?low ; ch:best ?best ; ch:high ?high ; ch:unit ?unit ; "
        "ch:precision ?precision }",
    ) == [
        ("agent/narrator-ucdp-ged-9001", "5", "6", "8", "deaths", "precision-approximate",
         "The best estimate by side: Government of Bostmark: 1; River Brigade: 4; civilians: 0; "
         "not known of which side: 1.")
    ]  # fmt: skip
    assert ask(found, "SELECT ?q WHERE { ?e a ch:Event ; ch:quantity ?q }") == []
    tables = Tables("https://chancery.example/")
    said: dict[str, list[tuple[str, str]]] = {}
    for quad in parse("".join(lines_of(found)).encode(), format=RdfFormat.N_QUADS):
        said.setdefault(str(quad.subject), []).append((str(quad.predicate), str(quad.object)))
    quantities = {one: said.pop(one) for one in list(said) if "/id/quantity/" in one}
    for subject, pairs in said.items():
        tables.add(subject, pairs)
    assert tables.missing() == list(quantities)
    for subject, pairs in quantities.items():
        tables.add(subject, pairs)
    (number,) = joined(tables.rows, tables.rows.times, tables.rows.amounts)["relations"]
    cells = dict(zip(TABLES["relations"], number, strict=True))
    assert [cells[name] for name in ("type", "low", "best", "high", "unit", "earliest")] == [
        "number-killed", "5", "6", "8", "deaths", "",
    ]  # fmt: skip
    same = mapped(tmp_path, {"low": "6", "high": "6"})
    assert ask(same, "SELECT ?p WHERE { ?q ch:best 6 ; ch:precision ?p }") == [("precision-exact",)]


def test_between_two_armed_sides_both_are_actors(tmp_path: Path):
    """Who attacked whom is not coded, so nobody is said to be attacked."""
    found = mapped(tmp_path, {})
    roles = "SELECT ?role ?who WHERE { ?e a ch:Event ; ?role ?a . ?a a ch:Agent ; rdfs:label ?who }"
    assert ask(found, roles) == [
        ("actor", "Government of Bostmark"),
        ("actor", "River Brigade"),
    ]
    assert ask(found, "SELECT ?r ?l WHERE { ?e ch:leavesUnstated ?r ; rdfs:label ?l }") == [
        (
            "role-recipient",
            "Use of armed force between Government of Bostmark and River Brigade, Solen ford",
        )
    ]
    assert ask(found, "SELECT ?c WHERE { ?e ch:category ?c ; ch:eventType ch:plover-assault }") == [
        ("plover-assault",)
    ]
    one_sided = {"type_of_violence": "3", "side_a": "River Brigade", "gwnoa": ""}
    found = mapped(tmp_path, one_sided | {"side_b": "Civilians", "side_b_new_id": "1"})
    assert ask(found, roles) == [
        ("actor", "River Brigade"),
        ("recipient", "Civilians (UCDP GED 9001)"),
    ]
    assert ask(
        found,
        "SELECT ?t WHERE { ?e ch:recipient/a ?t }".replace("/a", "/rdf:type").replace(
            "SELECT", "PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> SELECT"
        ),
    ) == [("Agent",), ("Group",)]
    assert ask(found, "SELECT ?l WHERE { ?e a ch:Event ; rdfs:label ?l }") == [
        ("Use of armed force by River Brigade against civilians, Solen ford",)
    ]


def test_civilians_and_unnamed_speakers_of_two_rows_are_not_the_same(tmp_path: Path):
    one_sided = {"type_of_violence": "3", "side_b": "Civilians", "source_original": "police"}
    found = mapped(tmp_path, one_sided, one_sided | {"id": "9002"})
    assert len(ask(found, "SELECT DISTINCT ?g WHERE { ?g a ch:Group }")) == 2
    assert len(ask(found, "SELECT DISTINCT ?g WHERE { ?g a ch:UnnamedSource }")) == 2
    assert len(ask(found, "SELECT DISTINCT ?o WHERE { ?d dcterms:publisher ?o }")) == 1


def test_a_government_acts_for_the_state_of_its_number_and_nobody_else_does(tmp_path: Path):
    found = mapped(
        tmp_path,
        {"gwnoa": "700", "country_id": "700"},
        {"id": "2", "gwnoa": "999"},
        {"id": "3", "gwnoa": "900, 700", "side_a": "Government of A, Government of B"},
    )
    assert ask(
        found,
        "SELECT ?label ?state WHERE { ?a a ch:GovernmentBody ; rdfs:label ?label "
        "OPTIONAL { ?a ch:actsFor ?state } }",
    ) == [("Government of Bostmark", ""), ("Government of Bostmark", "agent/afghanistan")]
    assert ask(found, "SELECT DISTINCT ?l WHERE { ?p ch:country ?s ; rdfs:label ?l }") == [
        ("Solen ford",), ("Solen province",),
    ]  # fmt: skip
    assert ask(found, "SELECT ?l WHERE { ?a a ch:ArmedActor ; rdfs:label ?l }") == [
        ("River Brigade",)
    ]
    assert ask(
        found,
        "SELECT ?l WHERE { ?e ch:actor ?a . ?a rdfs:label ?l ; dcterms:description ?d "
        "FILTER NOT EXISTS { ?a a ch:ArmedActor } }",
    ) == [("Government of A, Government of B",)]


def test_a_place_lies_in_its_divisions_and_says_how_precise_it_is(tmp_path: Path):
    found = mapped(tmp_path, {"adm_2": "Lower Solen district", "where_prec": "3.0"})
    assert ask(
        found,
        "SELECT ?lat ?lon ?d ?inside WHERE { ?e ch:place ?p . ?p ch:latitude ?lat ; ch:longitude "
        "?lon ; dcterms:description ?d ; ch:locatedIn+/rdfs:label ?inside }",
    ) == [
        ("54.5", "18.25", "The point stands for a division of the second order (precision 3 of 7).",
         inside)
        for inside in ("Bostmark", "Lower Solen district", "Solen province")
    ]  # fmt: skip


DATES = [
    ("1", "2024-03-05 00:00:00.000", "2024-03-05", "2024-03-05", "certain"),
    ("1", "5/3/2024", "07/03/2024", "2024-03-05/2024-03-07", "certain"),
    ("1.0", "2024-3-5", "2024-03-05T00:00:00Z", "2024-03-05", "certain"),
    ("2", "2024-03-05", "2024-03-07", "2024-03-05/2024-03-07", "unstated"),
    ("2", "2024-03-05", "2024-03-05", "2024-03-05~", "unstated"),
    ("3", "2024-03-04", "2024-03-10", "2024-03-04/2024-03-10", "unstated"),
    ("4", "2024-02-01", "2024-02-29", "2024-02", "unstated"),
    ("4", "2024-02-01", "2024-02-28", "2024-02-01/2024-02-28", "unstated"),
    ("5", "2024-01-01", "2024-12-31", "2024", "unstated"),
    ("5", "2024-01-01", "2024-04-30", "2024-01-01/2024-04-30", "unstated"),
]


def test_dates(tmp_path: Path):
    rows = [
        {"id": str(n), "date_prec": precision, "date_start": start, "date_end": end}
        for n, (precision, start, end, _, _) in enumerate(DATES)
    ]
    assert ask(
        mapped(tmp_path, *rows),
        "SELECT ?id ?edtf ?first ?last ?sure WHERE { ?e a ch:Event ; dcterms:identifier ?id ; "
        "ch:time ?t . ?t ch:edtf ?edtf ; ch:earliest ?first ; ch:latest ?last ; "
        "ch:certainty ?sure }",
    ) == [
        (str(n), text, *edtf.bounds(text), f"certainty-{certainty}")
        for n, (_, _, _, text, certainty) in enumerate(DATES)
    ]


def test_what_the_reports_give_together_is_repeated(tmp_path: Path):
    found = mapped(tmp_path, {"event_clarity": "2"}, {"id": "2"})
    assert ask(found, "SELECT ?i ?a WHERE { ?e ch:aspect ?a ; dcterms:identifier ?i }") == [
        ("2", "aspect-single"),
        ("9001", "aspect-repeated"),
    ]


def test_what_is_still_being_checked_is_not_certain(tmp_path: Path):
    found = mapped(tmp_path, {"code_status": "Check deaths"})
    assert ask(
        found, "SELECT ?s ?w WHERE { ?c ch:inSource/a ch:FeedRecord ; ch:certainty ?s ; "
        "ch:locator ?w }".replace("/a ", "/<http://www.w3.org/1999/02/22-rdf-syntax-ns#type> "),
    ) == 2 * [
        ("certainty-unstated", "row 9001 of UCDP GED, by 1 report, coding status Check deaths")
    ]  # fmt: skip


CHAINS = """
SELECT ?report ?who ?relayed ?how ?where WHERE {
    ?claim ch:claimant/rdfs:label ?who ; ch:inSource ?source ; ch:attribution ?how ;
        ch:locator ?where .
    ?source rdfs:label ?report FILTER NOT EXISTS { ?source a ch:FeedRecord }
    OPTIONAL { ?claim ch:relays/ch:claimant/rdfs:label ?relayed }
}"""
TWO = '"Harbour Post,2024-03-06,A";"Northland Wire,2024-03-07,B, ""so"" they say"'
WIRE = 'Northland Wire, 2024-03-07: B, ""so"" they say'


CITED: list[tuple[str, str, list[tuple[str, str, str, str]]]] = [
    # Nobody is cited: each report speaks for itself.
    (TWO, "", [("A", "A (own voice)", "", "inferred"), ("B", "B (own voice)", "", "inferred")]),
    # One is cited, by two reports: which of them cites is inferred.
    (
        TWO,
        "police",
        [
            ("A", "Harbour Post", "police", "inferred"),
            ("A", "police", "", "inferred"),
            ("B", "Northland Wire", "police", "inferred"),
            ("B", "police", "", "inferred"),
        ],
    ),
    # An outlet that is its own origin speaks for itself; the other one relays it.
    (
        TWO,
        "HARBOUR POST.",
        [
            ("A", "A (own voice)", "", "stated"),
            ("B", "Harbour Post", "", "inferred"),
            ("B", "Northland Wire", "Harbour Post", "inferred"),
        ],
    ),
    # Both are their own origins.
    (
        TWO,
        "Northland Wire, Harbour Post",
        [("A", "A (own voice)", "", "stated"), ("B", "B (own voice)", "", "stated")],
    ),
    # One is, and somebody else is cited, by the other one.
    (
        TWO,
        "Harbour Post; police",
        [
            ("A", "A (own voice)", "", "stated"),
            ("B", "Northland Wire", "police", "inferred"),
            ("B", "police", "", "inferred"),
        ],
    ),
    # The only report speaks for itself and cites somebody.
    (
        '"Harbour Post,2024-03-06,A"',
        "Harbour Post, local officials",
        [
            ("A", "A (own voice)", "", "stated"),
            ("A", "Harbour Post", "local officials", "stated"),
            ("A", "local officials", "", "stated"),
        ],
    ),
    # The same report twice is one.
    (
        '"Harbour Post,2024-03-06,A";"Harbour Post ,2024-03-06,A"',
        "",
        [("A", "A (own voice)", "", "inferred")],
    ),
    # A free citation has no outlet that could relay.
    (
        'Northland Wire 5/3/2024 "QUAY CLOSED"',
        "police",
        [("Q", "police", "", "stated")],
    ),
    (
        '"Harbour Post,2024-03-06,A"',
        "police; witnesses",
        [
            ("A", "Harbour Post", "police", "inferred"),
            ("A", "Harbour Post", "witnesses", "inferred"),
            ("A", "police", "", "inferred"),
            ("A", "witnesses", "", "inferred"),
        ],
    ),
    ("https://post.example/1", "", [("U", "U (own voice)", "", "inferred")]),
    ("", "", []),
    (" . ", ".", []),
]


def test_chains(tmp_path: Path):
    labels = {
        "A": "Harbour Post, 2024-03-06: A",
        "B": WIRE,
        "Q": 'Cited by UCDP: Northland Wire 5/3/2024 "QUAY CLOSED"',
        "U": "Cited by UCDP: https://post.example/1",
    }
    found = mapped(
        tmp_path,
        *(
            {"id": f"{n:02}", "source_article": one, "source_office": "", "source_original": who}
            for n, (one, who, _) in enumerate(CITED)
        ),
    )
    said: list[set[tuple[str, ...]]] = [set() for _ in CITED]
    for report, who, relayed, how, where in ask(found, CHAINS):
        row = re.search("row ([0-9]+) of UCDP GED", where)
        assert row
        cited = f" (cited in UCDP GED {row[1]})"
        said[int(row[1])].add((report, who.removesuffix(cited), relayed.removesuffix(cited), how))
    for n, (_, _, claims) in enumerate(CITED):
        assert said[n] == {
            (
                labels[report],
                f"{labels[report]} (own voice)" if "(own voice)" in who else who,
                relayed,
                f"attribution-{how}",
            )
            for report, who, relayed, how in claims
        }, CITED[n]


def test_speakers_without_a_report_stand_in_the_record(tmp_path: Path):
    found = mapped(
        tmp_path, {"source_article": "", "source_office": "", "source_original": "police\nA. Rell"}
    )
    assert ask(
        found,
        "SELECT ?who ?type WHERE { ?c ch:claimant ?a ; ch:basis ch:basis-none-stated ; "
        "ch:inSource <https://chancery.example/id/record/ucdp-ged-9001> . ?a rdfs:label ?who "
        "OPTIONAL { ?a a ?type FILTER (?type IN (ch:UnnamedSource, ch:Narrator)) } }",
    ) == [
        ("A. Rell (cited in UCDP GED 9001)", ""),
        ("UCDP GED 9001 (own voice)", "Narrator"),
        ("police (cited in UCDP GED 9001)", "UnnamedSource"),
    ]


@pytest.mark.parametrize(
    ("original", "speakers"),
    [
        ("police, witnesses", ["police", "witnesses"]),
        ("police spokesman of Solen, A. Rell", ["police spokesman of Solen, A. Rell"]),
        ("UNXX, police; the mayor", ["UNXX", "police", "the mayor"]),
        ("Police; police;", ["Police"]),
        ("a /// b\nc", ["a", "b", "c"]),
        ("?? ; .", []),
        ("পুলিশ", ["পুলিশ"]),
    ],
)
def test_who_is_cited(original: str, speakers: list[str]):
    speakers_of = USED["speakers_of"]
    assert speakers_of(original, frozenset()) == speakers


def test_reports_of_releases_without_a_list_in_quotes(tmp_path: Path):
    some = {"source_article": "free; text", "source_original": ""}
    found = mapped(
        tmp_path,
        some | {"source_office": "Post;Wire", "source_date": "2024-03-06;2024-03-07",
                "source_headline": "A;B"},
        some | {"id": "2", "source_office": "Post;Wire", "source_date": "2024-03-06;2024-03-07",
                "source_headline": "A; with more;B"},
        some | {"id": "3", "source_office": "Post;", "source_date": "6 March",
                "source_headline": "A"},
    )  # fmt: skip
    assert ask(found, "SELECT ?l ?day WHERE { ?s dcterms:publisher ?o ; rdfs:label ?l OPTIONAL "
               "{ ?s dcterms:issued ?day } }") == [
        ("Post", ""),
        ("Post, 2024-03-06", "2024-03-06"),
        ("Post, 2024-03-06: A", "2024-03-06"),
        ("Wire, 2024-03-07", "2024-03-07"),
        ("Wire, 2024-03-07: B", "2024-03-07"),
    ]  # fmt: skip


BAD = [
    ({"type_of_violence": "4"}, "type_of_violence", "4", "no such code; expected one of 1, 2, 3"),
    ({"date_prec": ""}, "date_prec", "", "no such code; expected one of 1, 2, 3, 4, 5"),
    ({"date_prec": "6"}, "date_prec", "6", "no such code; expected one of 1, 2, 3, 4, 5"),
    ({"event_clarity": "3"}, "event_clarity", "3", "no such code; expected one of 1, 2"),
    (
        {"where_prec": "8"},
        "where_prec",
        "8",
        "no such code; expected one of 1, 2, 3, 4, 5, 6, 7",
    ),
    (
        {"date_start": "2024-02-30"},
        "date_start",
        "2024-02-30",
        "no such day; expected YYYY-MM-DD or D/M/YYYY",
    ),
    (
        {"date_end": "3/25/2024"},
        "date_end",
        "3/25/2024",
        "no such day; expected YYYY-MM-DD or D/M/YYYY",
    ),
    ({"date_end": ""}, "date_end", "", "no such day; expected YYYY-MM-DD or D/M/YYYY"),
    (
        {"date_end": "2024-03-04"},
        "date_start, date_end",
        "2024-03-05, 2024-03-04",
        "the end lies before the start",
    ),
    (
        {"year": "2023"},
        "year",
        "2023",
        "another one than that of the dates, 2024-03-05 to 2024-03-05",
    ),
    ({"best": ""}, "best", "", "no estimate of how many were killed"),
    ({"best": "many"}, "best", "many", "no number of people; expected a whole one from 0"),
    ({"low": "-1"}, "low", "-1", "no number of people; expected a whole one from 0"),
    ({"high": "8.5"}, "high", "8.5", "no number of people; expected a whole one from 0"),
    ({"deaths_b": "4,5"}, "deaths_b", "4,5", "no number of people; expected a whole one from 0"),
    ({"best": "six"}, "best", "six", "no number of people; expected a whole one from 0"),
    ({"side_a": " "}, "side_a", "", "a side without a name"),
    ({"side_b": "\x01"}, "side_b", "", "a side without a name"),
    ({"latitude": "91"}, "latitude", "91", "expected degrees from -90 to 90"),
    ({"longitude": "east"}, "longitude", "east", "no number; expected degrees"),
    ({"longitude": ""}, "latitude, longitude", "54.5, ", "expected both"),
    (
        {"where_coordinates": "", "adm_1": "", "country": ""},
        "where_coordinates",
        "",
        "a place without a name, a division or a country",
    ),
    ({"side_b": "x" * 301}, "side_b", "x" * 200, "no name: more than 300 characters"),
    ({"id": "9" * 81}, "id", "9" * 81, "no identifier: more than 80 characters"),
    ({"id": ""}, "id", "", "a record without its identifier"),
    ({"id": "0"}, "id", "0", "a record with this key came before"),
]


def test_bad_rows_are_set_aside_alone(tmp_path: Path):
    rows: list[dict[str, str]] = [{"id": "0"}]
    for n, (change, *_) in enumerate(BAD):
        rows += [{"id": f"bad-{n}"} | change, {"id": f"good-{n}"}]
    found = mapped(tmp_path, *rows, check=False)
    assert [(one.row, one.column, one.value, one.reason) for one in found.issues] == [
        (2 * n + 3, column, value, reason) for n, (_, column, value, reason) in enumerate(BAD)
    ]
    assert {event[1] for event in found.scribe.events} == {
        "0",
        *(f"good-{n}" for n in range(len(BAD))),
    }
    good = [row for row in rows if row["id"] == "0" or row["id"].startswith("good")]
    assert lines_of(mapped(tmp_path, *good, check=False)) == lines_of(found)


@pytest.mark.parametrize(
    ("change", "seen"), [({"low": "7"}, "7, 6, 8"), ({"high": "5"}, "5, 6, 5")]
)
def test_numbers_that_disagree_are_left_out_and_the_event_is_not(
    tmp_path: Path, change: dict[str, str], seen: str
):
    found = mapped(tmp_path, change)
    (issue,) = found.issues
    assert (issue.kind, issue.column, issue.value) == ("partly", "low, best, high", seen)
    assert (found.records, found.mapped) == (1, 1)
    assert len(found.scribe.events) == 1
    assert not any(claim[1].startswith("relation/") for claim in found.scribe.claims)


def test_a_corrected_headline_moves_no_address(tmp_path: Path):
    changes = [
        {},
        {"source_headline": "Another one", "source_article": '"Harbour Post,2024-03-06,X"'},
    ]
    one, two = (mapped(tmp_path, change).scribe for change in changes)
    assert [claim[0] for claim in one.claims] == [claim[0] for claim in two.claims]
    assert set(one.sources) == set(two.sources)
    assert one.sources != two.sources


def test_a_row_that_lacks_columns_is_set_aside(tmp_path: Path):
    file = tmp_path / "ged.csv"
    file.write_text(text({}) + '2,"x\n', encoding="utf-8")
    (found,) = feed_file("ucdp_ged", file)
    assert [(one.row, one.reason) for one in found.issues] == [(3, "a quote is not closed")]
    assert found.mapped == 1


def test_files_of_other_releases(tmp_path: Path):
    """Without a header, with other columns, names in capitals, a byte order mark, semicolons."""
    expected = lines_of(mapped(tmp_path, {}))
    assert lines_of(mapped(tmp_path, {}, header=False, check=False)) == expected
    capitals = text({}).replace(text().strip(), text().strip().upper())
    mixed = tuple(reversed(COLUMNS))
    semicolons = io.StringIO()
    csv.writer(semicolons, delimiter=";").writerows(csv.reader(io.StringIO(text({}))))
    variants = [
        capitals,
        "\ufeff" + text({}),
        text({}, columns=mixed),
        text({}, columns=(*COLUMNS, "more")),
        semicolons.getvalue(),
    ]
    for variant in variants:
        file = tmp_path / "other.csv"
        file.write_text(variant, encoding="utf-8")
        (found,) = feed_file("ucdp_ged", file, check=False)
        assert lines_of(found) == expected
    names = {"best": "best_est", "high": "high_est", "low": "low_est", "country_id": "gwno",
             "side_a_new_id": "side_a_id", "side_b_new_id": "side_b_id",
             "conflict_new_id": "conflict_id"}  # fmt: skip
    older = tuple(
        names.get(name, name)
        for name in COLUMNS
        if name not in ("code_status", "number_of_sources", "event_clarity", "source_office",
                        "source_date", "source_headline", "relid", "adm_2")
    )  # fmt: skip
    row = {new: WHOLE[old] for old, new in names.items()}
    found = mapped(tmp_path, row, columns=older)
    assert ask(found, "SELECT ?w WHERE { ?c ch:locator ?w } LIMIT 1")
    assert "row 9001 of UCDP GED" in {
        where for (where,) in ask(found, "SELECT ?w WHERE { ?c ch:locator ?w }")
    }
    assert ask(found, "SELECT ?n WHERE { ?q a ch:Quantity ; ch:best ?n }") == [("6",)]


def test_a_file_without_a_header_may_begin_with_a_record_of_several_lines(tmp_path: Path):
    found = mapped(tmp_path, {"where_description": "one\ntwo"}, {"id": "2"}, header=False)
    assert (found.records, found.mapped) == (2, 2)


def test_a_file_of_something_else_is_refused(tmp_path: Path):
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(FactError, match="no file of ucdp_ged"):
        feed_file("ucdp_ged", file)


HOSTILE = [
    'say "no" \\ now',
    "line\nbreak\tand\x00control\x9b",
    "<https://x.example/> . # é",
    "\u202eright to left\u202c مدينة",
    "নয়াদিল্লি",
    "य़ूपी क़िला",
    "x" * 290,
    "'; DROP TABLE events; --",
]


def test_hostile_text_stays_text(tmp_path: Path):
    columns = ("side_a", "side_b", "where_coordinates", "adm_1", "adm_2", "country",
               "conflict_name", "source_original", "relid", "code_status")  # fmt: skip

    def rows(form: Literal["NFC", "NFD"]) -> list[dict[str, str]]:
        return [
            dict.fromkeys(columns, unicodedata.normalize(form, words))
            | {"id": str(n)}
            | {"source_article": unicodedata.normalize(form, f'"{words},2024-03-06,{words * 5}"')}
            for n, words in enumerate(HOSTILE)
        ]

    found = mapped(tmp_path, *rows("NFC"))
    assert found.issues == []
    labels = {label for (label,) in ask(found, "SELECT ?l WHERE { ?x rdfs:label ?l }")}
    assert {USED["clean"](words) for words in HOSTILE} <= labels
    assert all(unicodedata.is_normalized("NFC", label) for label in labels)
    again = mapped(tmp_path, *rows("NFD"), check=False)
    assert lines_of(again) == lines_of(found)


def test_no_text_of_the_project_is_copied(tmp_path: Path):
    found = mapped(tmp_path, {"where_description": "Sentence of a coder."})
    assert "Sentence" not in "".join(lines_of(found))


class Recording(tuple[str, ...]):
    """A row that notes which of its columns are read."""

    read: set[int]

    def __getitem__(self, place: Any) -> Any:
        self.read.add(place)
        return super().__getitem__(place)


def test_every_column_is_read_or_ignored_with_a_reason():
    assert all(TABLE.ignored.values())
    assert set(TABLE.ignored) <= set(TABLE.columns)
    read: set[int] = set()
    rows = (
        WHOLE,
        {name: value for name, value in WHOLE.items() if not name.endswith("_new_id")}
        | {"best": "", "low": "", "high": "", "best_est": "1", "country_id": "", "gwno": "999"},
        WHOLE | {"source_article": "", "gwnob": "700", "side_b": "Government of Corland"},
    )
    for n, fields in enumerate(rows):
        row = Recording(fields.get(name, "") for name in TABLE.columns)
        row.read = read
        out = scribe(SCRIPT)
        out.begin(n)
        SCRIPT.mapper("events", out)(row)
    unread = {name for n, name in enumerate(TABLE.columns) if n not in read}
    assert unread == set(TABLE.ignored)


def test_the_same_rows_give_the_same_lines(tmp_path: Path):
    rows = [{"id": str(n), "source_original": "police; A. Rell"} for n in range(20)]
    one, other = (mapped(tmp_path, *some, check=False) for some in (rows, rows))
    assert lines_of(one) == lines_of(other)
    assert one.scribe.claims == other.scribe.claims
    turned = mapped(tmp_path, *reversed(rows), check=False)
    assert lines_of(turned) == lines_of(one)


def test_golden_quads():
    """What the sample gives; a changed address shows here."""
    (found,) = feed_file("ucdp_ged", SAMPLE)
    assert "".join(lines_of(found)) == (HERE / "golden/ucdp_ged.nq").read_text(encoding="utf-8"), (
        "if the change is meant, write the new lines with tests/sources/update_golden.py "
        "and say in CHANGELOG.md which addresses changed"
    )
    assert [(one.row, one.reason) for one in found.issues] == [(5, "expected low ≤ best ≤ high")]


DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))


@given(DAYS, st.integers(0, 800), st.sampled_from("12345"))
def test_any_dates_give_edtf_with_their_bounds(first: date, length: int, precision: str):
    last = first + timedelta(days=length)
    found = USED["edtf_of"](first.isoformat(), last.isoformat(), precision)
    assert edtf.bounds(found) == (first.isoformat(), last.isoformat())


@given(DAYS)
def test_a_day_is_the_same_in_every_form(day: date):
    day_of = USED["day_of"]
    forms = (
        day.isoformat(),
        f"{day} 00:00:00.000",
        f"{day.day}/{day.month}/{day.year}",
        f"{day:%d.%m.%Y}",
    )
    assert {day_of(form) for form in forms} == {day.isoformat()}


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


def test_the_real_file(checkout: Path):
    path = checkout.parent / "shared/feeds/ucdp/ged.csv"
    if not path.exists():
        pytest.skip("no real file here")
    (found,) = feed_file("ucdp_ged", path)
    assert found.report is not None
    assert found.report.results == ()
    assert (found.records, found.mapped) == (600, 600)
    assert Counter((one.kind, one.column, one.reason) for one in found.issues) == {
        ("partly", "low, best, high", "expected low ≤ best ≤ high"): 10
    }
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert {event[1] for event in found.scribe.events} == set(rows)
    claims = found.scribe.claims
    assert sum(one[1].startswith("relation/") for one in claims) == 590
    assert sum(one[3].startswith("agent/narrator-") for one in claims) == 1541
    assert sum(bool(one[2]) for one in claims) == 348
    assert len(claims) == 2368
