"""GDELT: what becomes of events and of mentions, on rows made up for this."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from feeding import feed_file, known_of, lines_of, scribe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.feed import Rejected, lines_in, load_feed
from kg.ingest import Mapped, happenings
from kg.resources import folder
from kg.vocab import CH, DCTERMS, RDF, RDFS

SCRIPT = load_feed(folder("mappings"), "gdelt")
EVENTS, MENTIONS, HISTORY = (SCRIPT.source.table(t) for t in ("events", "mentions", "history"))
SAMPLES = Path(__file__).parent / "samples/gdelt"
ID = "https://chancery.example/id/"
PREFIXES = f"PREFIX ch: <{CH}> PREFIX rdfs: <{RDFS}> PREFIX dct: <{DCTERMS}> PREFIX rdf: <{RDF}> "
URL = "https://www.outlet-17.example/world/talks-in-solen.html"
EVENT = {
    "GLOBALEVENTID": "900000001",
    "SQLDATE": "20231018",
    "MonthYear": "202310",
    "Year": "2023",
    "FractionDate": "2023.7918",
    "Actor1Code": "USA",
    "Actor1Name": "UNITED STATES",
    "Actor1CountryCode": "USA",
    "Actor2Code": "AUSGOV",
    "Actor2Name": "MINISTER",
    "Actor2CountryCode": "AUS",
    "Actor2Type1Code": "GOV",
    "IsRootEvent": "1",
    "EventCode": "046",
    "EventBaseCode": "046",
    "EventRootCode": "04",
    "QuadClass": "1",
    "GoldsteinScale": "7.0",
    "NumMentions": "3",
    "NumSources": "1",
    "NumArticles": "3",
    "AvgTone": "-1.25",
    "ActionGeo_Type": "4",
    "ActionGeo_FullName": "Solen, Bostmark, Australia",
    "ActionGeo_CountryCode": "AS",
    "ActionGeo_ADM1Code": "AS07",
    "ActionGeo_ADM2Code": "1234",
    "ActionGeo_Lat": "-36.5",
    "ActionGeo_Long": "146.25",
    "ActionGeo_FeatureID": "-1500000",
    "DATEADDED": "20231018121500",
    "SOURCEURL": URL,
}
MENTION = {
    "GLOBALEVENTID": "900000001",
    "EventTimeDate": "20231018121500",
    "MentionTimeDate": "20231018121500",
    "MentionType": "1",
    "MentionSourceName": "outlet-17.example",
    "MentionIdentifier": URL,
    "SentenceID": "19",
    "Actor1CharOffset": "-1",
    "Actor2CharOffset": "4594",
    "ActionCharOffset": "4634",
    "InRawText": "1",
    "Confidence": "50",
    "MentionDocLen": "6665",
    "MentionDocTone": "-1.25",
}


def row(columns: tuple[str, ...], fields: dict[str, str], **more: str) -> str:
    assert set(fields) | set(more) <= set(columns)
    return "\t".join((fields | more).get(name, "") for name in columns)


def event(**more: str) -> str:
    return row(EVENTS.columns, EVENT, **more)


def mention(**more: str) -> str:
    return row(MENTIONS.columns, MENTION, **more)


def mapped(tmp_path: Path, *lines: str, known: Any = None) -> Mapped:
    path = tmp_path / "file.csv"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="")
    [found] = feed_file("gdelt", path, known=known)
    assert found.report is not None
    assert found.report.results == ()
    for text in (*found.scribe.shared.values(), *found.scribe.sources.values()):
        assert lines_in(text) == sorted(set(lines_in(text)))
    for subject, text in found.scribe.blocks:
        assert lines_in(text) == sorted(set(lines_in(text)))
        assert all(line.startswith(f"{subject} ") for line in lines_in(text))
    return found


def issue(tmp_path: Path, line: str) -> tuple[str, str, str]:
    found = mapped(tmp_path, line)
    assert found.mapped == 0
    assert lines_of(found) == []
    [one] = found.issues
    return one.column, one.value, one.reason


def ask(found: Mapped | list[str], where: str) -> list[tuple[str, ...]]:
    """Return the rows of a query, without the base of addresses."""
    store = ox.Store()
    lines = found if isinstance(found, list) else lines_of(found)
    store.load("".join(lines).encode(), format=ox.RdfFormat.N_QUADS)
    solutions = store.query(PREFIXES + where, use_default_graph_as_union=True)
    assert isinstance(solutions, ox.QuerySolutions)
    return sorted(
        tuple(
            "" if value is None else str(value.value).replace(ID, "").replace(CH, "")  # type: ignore[union-attr]
            for value in solution
        )
        for solution in solutions
    )


# --- events ---------------------------------------------------------------------------------------


def test_an_event_is_described_and_its_article_says_so(tmp_path: Path) -> None:
    found = mapped(tmp_path, event())
    assert found.issues == []
    said = ask(found, "SELECT ?p ?o { ?e a ch:Event ; ?p ?o FILTER (?p != rdf:type) }")
    assert set(said) == {
        ("actor", "agent/united-states"),
        ("aspect", "aspect-single"),
        ("category", "plover-consult"),
        ("eventType", "plover-consult"),
        (f"{DCTERMS}identifier", "900000001"),
        ("http://www.w3.org/ns/prov#wasGeneratedBy", "run/gdelt"),
        (
            f"{RDFS}label",
            "Consultation by United States toward MINISTER (AUSGOV) in "
            "Solen, Bostmark, Australia (CAMEO 046)",
        ),
        ("place", ask(found, "SELECT ?p { ?p a ch:Place }")[0][0]),
        ("recipient", ask(found, "SELECT ?a { ?a dct:identifier 'AUSGOV MINISTER' }")[0][0]),
        ("reviewState", "review-state-drafted"),
        ("time", ask(found, "SELECT ?t { ?t a ch:TimeExtent }")[0][0]),
    }
    assert ask(
        found,
        "SELECT ?stance ?modality ?certainty ?basis ?manner ?attribution ?where ?confidence "
        "?of ?label { ?c a ch:Claim ; ch:stance ?stance ; ch:modality ?modality ; ch:certainty "
        "?certainty ; ch:basis ?basis ; ch:manner ?manner ; ch:attribution ?attribution ; "
        "ch:locator ?where ; ch:about ?of ; ch:concerns ?of ; rdfs:label ?label "
        "OPTIONAL { ?c ch:extractionConfidence ?confidence } }",
    ) == [
        (
            "stance-affirms", "modality-actual", "certainty-unstated", "basis-machine-coded",
            "manner-stated", "attribution-inferred", "event 900000001", "",
            "event/gdelt-900000001",
            "outlet-17.example (own voice) affirmed: GDELT event 900000001",
        )
    ]  # fmt: skip
    assert ask(
        found,
        "SELECT ?type ?label ?url ?of { ?c ch:claimant ?n ; ch:inSource ?s . ?n a ch:Narrator ; "
        "ch:voiceOf ?s . ?s a ?type ; rdfs:label ?label ; dct:source ?url . ?c ch:about ?of }",
    ) == [("Source", "outlet-17.example", URL, "event/gdelt-900000001")]
    assert ask(
        found,
        "SELECT ?edtf ?first ?last ?sure { ?e ch:time [ ch:edtf ?edtf ; ch:earliest ?first ; "
        "ch:latest ?last ; ch:certainty ?sure ] }",
    ) == [("2023-10-18", "2023-10-18", "2023-10-18", "certainty-unstated")]
    assert ask(
        found,
        "SELECT ?label ?id ?lat ?long ?of { ?p a ch:Place ; rdfs:label ?label ; dct:identifier "
        "?id ; ch:latitude ?lat ; ch:longitude ?long ; ch:country ?of }",
    ) == [("Solen, Bostmark, Australia", "-1500000", "-36.5", "146.25", "agent/australia")]


def test_an_event_with_one_mention_is_few_quads(tmp_path: Path) -> None:
    lines = {*lines_of(mapped(tmp_path, event())), *lines_of(mapped(tmp_path, mention()))}
    of_row = [x for x in lines if "/event/" in x.split(" ")[0] or "/claim/" in x.split(" ")[0]]
    assert len(of_row) <= 35


@pytest.mark.parametrize(
    ("code", "name", "country", "more", "shown"),
    [
        ("USA", "UNITED STATES", "USA", {}, "United States"),
        ("AUS", "AUSTRALIA", "AUS", {}, "Australia"),
        ("USA", "LOS ANGELES", "USA", {}, "LOS ANGELES (USA)"),
        ("AUS", "AUSTRALIAN", "AUS", {}, "AUSTRALIAN (AUS)"),
        ("USA", "AMERICA", "USA", {}, "AMERICA (USA)"),
        ("USAGOV", "UNITED STATES", "USA", {"Type1Code": "GOV"}, "UNITED STATES (USAGOV)"),
        ("USA", "UNITED STATES", "USA", {"Type1Code": "GOV"}, "UNITED STATES (USA)"),
        ("USA", "UNITED STATES", "USA", {"KnownGroupCode": "NAT"}, "UNITED STATES (USA)"),
        ("USA", "UNITED STATES", "", {}, "UNITED STATES (USA)"),
        ("USA", "AUSTRALIA", "USA", {}, "AUSTRALIA (USA)"),
        ("EUR", "EUROPE", "EUR", {}, "EUROPE (EUR)"),
        ("CHN", "CHINA", "CHN", {}, "CHINA (CHN)"),  # a state that the build does not know
        ("GOV", "PRESIDENT", "", {}, "PRESIDENT (GOV)"),
        ("", "RESIDENTS", "", {}, "RESIDENTS"),
        ("UAF", "", "", {}, "an actor coded UAF"),
    ],
)
def test_only_the_bare_name_of_a_state_is_the_state(
    tmp_path: Path, code: str, name: str, country: str, more: dict[str, str], shown: str
) -> None:
    fields = {"Code": code, "Name": name, "CountryCode": country, **more}
    found = mapped(tmp_path, event(**{f"Actor1{k}": v for k, v in fields.items()}))
    assert f" by {shown} toward " in found.scribe.events[0][2]
    states = {"USA": "agent/united-states", "AUS": "agent/australia"}
    where = "{ ?e ch:actor ?a OPTIONAL { ?a rdfs:label ?l } OPTIONAL { ?a ch:country ?c } }"
    [(agent, label, of)] = ask(found, f"SELECT ?a ?l ?c {where}")
    if shown in ("United States", "Australia"):
        assert (agent, label) == (states[code], "")
    else:
        assert (label, of) == (shown, states.get(country, ""))
    assert ask(found, "SELECT ?a { ?a ch:actsFor ?b }") == []


def test_equal_names_with_other_codes_are_other_agents(tmp_path: Path) -> None:
    found = mapped(
        tmp_path,
        event(Actor1Name="POLICE", Actor1Code="USACOP", Actor2Name="POLICE", Actor2Code="AUSCOP"),
        event(GLOBALEVENTID="2", Actor1Name="POLICE", Actor1Code="USACOP"),
    )
    rows = ask(found, "SELECT DISTINCT ?a { ?a rdfs:label ?l FILTER (STRSTARTS(?l, 'POLICE')) }")
    assert len(rows) == 2
    [(both,)] = ask(
        found, "SELECT (COUNT(?e) AS ?n) { ?e ch:actor ?a . ?a dct:identifier 'USACOP POLICE' }"
    )
    assert both == "2"


@pytest.mark.parametrize(
    ("code", "kind", "category", "words"),
    [
        ("010", "type-statement", "", "Statement"),
        ("017", "type-signalling", "", "Symbolic act"),
        ("0233", "plover-request", "plover-request", "Request"),
        ("036", "plover-agree", "plover-agree", "Agreement or offer"),
        ("042", "plover-consult", "plover-consult", "Consultation"),
        ("057", "plover-support", "plover-support", "Support"),
        ("055", "plover-support", "plover-support", "Support"),
        ("061", "plover-cooperate", "plover-cooperate", "Cooperation"),
        ("072", "plover-aid", "plover-aid", "Aid"),
        ("0831", "plover-retreat", "plover-retreat", "Retreat or release"),
        ("0841", "plover-retreat", "plover-retreat", "Retreat or release"),
        ("085", "plover-concede", "plover-concede", "Concession"),
        ("0874", "plover-retreat", "plover-retreat", "Retreat or release"),
        ("092", "plover-accuse", "plover-accuse", "Investigation"),
        ("104", "plover-request", "plover-request", "Demand"),
        ("1123", "plover-accuse", "plover-accuse", "Criticism or accusation"),
        ("129", "plover-reject", "plover-reject", "Rejection"),
        ("1383", "plover-threaten", "plover-threaten", "Threat"),
        ("145", "plover-protest", "plover-protest", "Protest"),
        ("152", "plover-mobilize", "plover-mobilize", "Readying or showing of force"),
        ("163", "plover-sanction", "plover-sanction", "Reduction of relations"),
        ("1711", "plover-coerce", "plover-coerce", "Coercion"),
        ("1712", "plover-assault", "plover-assault", "Use of force"),
        ("1723", "plover-coerce", "plover-coerce", "Coercion"),
        ("175", "plover-assault", "plover-assault", "Use of force"),
        ("183", "plover-assault", "plover-assault", "Use of force"),
        ("191", "plover-coerce", "plover-coerce", "Coercion"),
        ("194", "plover-assault", "plover-assault", "Use of force"),
        ("204", "plover-assault", "plover-assault", "Use of force"),
    ],
)
def test_codes_stand_under_categories(
    tmp_path: Path, code: str, kind: str, category: str, words: str
) -> None:
    line = event(EventCode=code, EventBaseCode=code[:3], EventRootCode=code[:2])
    found = mapped(tmp_path, line)
    where = "{ ?e ch:eventType ?t ; rdfs:label ?l OPTIONAL { ?e ch:category ?c } }"
    [(type_, of, label)] = ask(found, f"SELECT ?t ?c ?l {where}")
    assert (type_, of) == (kind, category)
    assert label.startswith(f"{words} by ")
    assert label.endswith(f" (CAMEO {code})")


def test_every_code_that_there_can_be_has_a_type() -> None:
    kind_of = SCRIPT.mapper.__globals__["kind_of"]
    for root, digit, rest in itertools.product(range(1, 21), range(10), ("", *"0123456789")):
        kind = kind_of(f"{root:02}{digit}{rest}")
        assert kind.type in scribe(SCRIPT)._vocabulary.schemes["event-type"]
    for wrong in ("", "0", "04", "00", "000", "210", "04a", "04321", "---", "X", "٠٤٢", "042\n"):
        assert kind_of(wrong) is None


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"ActionGeo_Type": "0"}, ""),
        ({"ActionGeo_Type": ""}, ""),
        ({"ActionGeo_FullName": "", "ActionGeo_FeatureID": ""}, ""),
        ({"ActionGeo_FullName": ""}, "a place coded -1500000"),
        ({"ActionGeo_FeatureID": ""}, "Solen, Bostmark, Australia"),
        ({"ActionGeo_Lat": "", "ActionGeo_Long": ""}, "Solen, Bostmark, Australia"),
        ({"ActionGeo_CountryCode": "XX"}, "Solen, Bostmark, Australia"),
    ],
)
def test_places_as_far_as_they_are_told(tmp_path: Path, fields: dict[str, str], label: str) -> None:
    found = mapped(tmp_path, event(**fields))
    assert found.mapped == 1
    assert ask(found, "SELECT ?l { ?e ch:place ?p . ?p rdfs:label ?l }") == [(label,)] * bool(label)
    assert f" in {label} (CAMEO" in found.scribe.events[0][2] or not label


def test_a_place_that_is_a_country_is_the_state(tmp_path: Path) -> None:
    geo = {"Type": "1", "FullName": "South Africa", "CountryCode": "SF", "FeatureID": "SF"}
    found = mapped(tmp_path, event(**{f"ActionGeo_{k}": v for k, v in geo.items()}))
    assert ask(found, "SELECT ?p { ?e ch:place ?p }") == [("agent/south-africa",)]
    geo |= {"CountryCode": "QQ", "FeatureID": "QQ"}
    found = mapped(tmp_path, event(**{f"ActionGeo_{k}": v for k, v in geo.items()}))
    assert ask(found, "SELECT ?l { ?e ch:place ?p . ?p a ch:Place ; rdfs:label ?l }") == [
        ("South Africa",)
    ]


@pytest.mark.parametrize(("kind", "own"), [(str(n), n in (3, 4)) for n in range(1, 6)])
def test_only_the_point_of_a_town_is_compared_with_others(
    tmp_path: Path, kind: str, own: bool
) -> None:
    found = mapped(tmp_path, event(ActionGeo_Type=kind))
    assert len(happenings(found.scribe)) == own
    assert ask(found, "SELECT ?o { ?e ch:place ?p . ?p ch:latitude ?o }") == [("-36.5",)]
    words = ask(found, "SELECT ?d { ?e ch:place ?p . ?p dct:description ?d }")
    assert [text.startswith("The point stands for a whole ") for (text,) in words] == [True] * (
        not own
    )


def test_what_is_said_of_a_shared_node_follows_from_its_address(tmp_path: Path) -> None:
    """Two pieces give one node the same lines; what differs in a name or a number is another."""
    lines = [
        event(),
        event(GLOBALEVENTID="2", ActionGeo_FullName="Port Solen, Bostmark, Australia"),
        event(GLOBALEVENTID="3", ActionGeo_Lat="-36.51"),
        event(GLOBALEVENTID="4", Actor2CountryCode="USA"),
    ]
    one = mapped(tmp_path, *lines).scribe
    for n, _ in enumerate(lines):
        alone = mapped(tmp_path, *lines[n:], *lines[:n]).scribe
        assert alone.shared == one.shared
        assert {k: alone.sources[k] for k in alone.sources} == one.sources
    assert len([key for key in one.shared if "/place/" in key]) == 3


@pytest.mark.parametrize(
    ("url", "label", "source"),
    [
        ("http://outlet-3.example/a?b=c", "outlet-3.example", "http://outlet-3.example/a?b=c"),
        ("HTTPS://WWW.Outlet-3.example", "outlet-3.example", "HTTPS://WWW.Outlet-3.example"),
        ("https://me:x@www.outlet-3.example:81/a", "outlet-3.example", None),
        ("https://outlet-৩.example/a", "outlet-৩.example", None),
        ("Radio Solen", "Radio Solen", "Radio Solen"),
        ("", "GDELT event 900000001", ""),
    ],
)
def test_whose_voice_it_is(tmp_path: Path, url: str, label: str, source: str | None) -> None:
    found = mapped(tmp_path, event(SOURCEURL=url), event(GLOBALEVENTID="7", SOURCEURL=url))
    assert found.mapped == 2
    rows = ask(
        found,
        "SELECT ?label ?url { ?c ch:about <https://chancery.example/id/event/gdelt-900000001> ; "
        "ch:inSource ?s . ?s rdfs:label ?label OPTIONAL { ?s dct:source ?url } }",
    )
    assert rows == [(label, url if source is None else source)]
    # A document is one where it has an address; without one it is another for each event.
    assert len(ask(found, "SELECT ?n { ?n a ch:Narrator }")) == (1 if "://" in url else 2)


@pytest.mark.parametrize(
    ("fields", "column", "value", "reason"),
    [
        ({"GLOBALEVENTID": "9e5"}, "GLOBALEVENTID", "9e5", "expected a whole number"),
        ({"GLOBALEVENTID": "٩"}, "GLOBALEVENTID", "٩", "expected a whole number"),
        ({"SQLDATE": "2023-10-18"}, "SQLDATE", "2023-10-18", "expected a day as YYYYMMDD"),
        ({"SQLDATE": ""}, "SQLDATE", "", "expected a day as YYYYMMDD"),
        ({"SQLDATE": "20230230"}, "SQLDATE", "20230230", "there is no such day"),
        ({"SQLDATE": "20231301"}, "SQLDATE", "20231301", "there is no such day"),
        ({"SQLDATE": "00001018"}, "SQLDATE", "00001018", "there is no such day"),
        ({"EventCode": "42"}, "EventCode", "42", "no CAMEO code"),
        ({"EventCode": ""}, "EventCode", "", "no CAMEO code"),
        ({"EventCode": "210"}, "EventCode", "210", "no CAMEO code"),
        ({"EventRootCode": "05"}, "EventRootCode", "05", "expected 04, as EventCode begins"),
        ({"ActionGeo_Type": "9"}, "ActionGeo_Type", "9", "expected 0 to 5"),
        ({"ActionGeo_Lat": "12#.5"}, "ActionGeo_Lat", "12#.5", "no number; expected degrees"),
        ({"ActionGeo_Lat": "-91"}, "ActionGeo_Lat", "-91", "expected degrees from -90 to 90"),
        ({"ActionGeo_Long": "181"}, "ActionGeo_Long", "181", "expected degrees from -180 to 180"),
        ({"ActionGeo_Lat": ""}, "ActionGeo_Lat, ActionGeo_Long", ", 146.25", "one without the"),
        ({"SOURCEURL": "http:///a"}, "SOURCEURL", "http:///a", "expected a web address"),
        ({"SOURCEURL": "ftp://x.example/a"}, "SOURCEURL", "ftp://x.example/a", "expected a web"),
    ],
)
def test_events_that_are_set_aside(
    tmp_path: Path, fields: dict[str, str], column: str, value: str, reason: str
) -> None:
    found = issue(tmp_path, event(**fields))
    assert found[:2] == (column, value)
    assert found[2].startswith(reason)


def test_a_row_that_is_set_aside_takes_nothing_with_it(tmp_path: Path) -> None:
    good = [event(), event(GLOBALEVENTID="3", Actor1Name="POLICE", Actor1Code="COP")]
    bad = event(GLOBALEVENTID="2", Actor1Name="POLICE", Actor1Code="COP", ActionGeo_Lat="x")
    with_it = mapped(tmp_path, good[0], bad, good[1])
    assert lines_of(with_it) == lines_of(mapped(tmp_path, *good))
    assert [one.row for one in with_it.issues] == [2]


def test_a_record_comes_once_and_has_its_width(tmp_path: Path) -> None:
    found = mapped(tmp_path, event(), event(SOURCEURL=""), event(GLOBALEVENTID="2") + "\tmore", "")
    assert [(one.row, one.kind, one.column) for one in found.issues] == [
        (2, "repeated", "GLOBALEVENTID"),
        (3, "rejected", ""),
    ]
    assert found.issues[1].reason == "62 columns where the file has 61"


# --- files ----------------------------------------------------------------------------------------


def test_with_a_header_columns_come_in_any_order(tmp_path: Path) -> None:
    plain = lines_of(mapped(tmp_path, event()))
    names = [*reversed(EVENTS.columns), "Surplus"]
    cells = {**EVENT, "Surplus": "x"}
    line = "\t".join(cells.get(name, "") for name in names)
    assert lines_of(mapped(tmp_path, "\t".join(names), line)) == plain
    few = [name for name in EVENT if not name.startswith(("Actor1", "Num", "Event"))]
    few.append("EventCode")
    found = mapped(
        tmp_path, "\t".join(n.upper() for n in few), "\t".join(EVENT[name] for name in few)
    )
    assert found.issues == []
    assert ask(found, "SELECT ?a { ?e ch:actor ?a }") == []


@pytest.mark.parametrize("columns", [58, 57])
def test_the_older_form_has_fewer_columns(tmp_path: Path, columns: int) -> None:
    fields = {k: v for k, v in EVENT.items() if not k.endswith("ADM2Code")}
    line = "\t".join(row(HISTORY.columns, fields).split("\t")[:columns])
    found = mapped(tmp_path, line)
    assert found.issues == []
    plain = lines_of(mapped(tmp_path, event()))
    if columns == 58:
        assert lines_of(found) == plain
    else:
        assert {x for x in lines_of(found) if "/event/" in x.split(" ")[0]} <= set(plain)
        assert ask(found, "SELECT ?l { ?s a ch:FeedRecord ; rdfs:label ?l }") == [
            ("GDELT event 900000001",)
        ]


class Noting(tuple[str, ...]):
    """A row that notes which of its columns are read."""

    read: set[int]

    def __getitem__(self, at: Any) -> Any:
        self.read.add(at)
        return super().__getitem__(at)


@pytest.mark.parametrize("table", SCRIPT.source.tables, ids=lambda t: t.id)
def test_every_column_is_read_or_left_out_for_a_reason(table: Any) -> None:
    fields = MENTION if table.id == "mentions" else EVENT
    noting = Noting(
        row(table.columns, {k: v for k, v in fields.items() if k in table.columns}).split("\t")
    )
    noting.read = set()
    out = scribe(SCRIPT)
    out.begin(1)
    SCRIPT.mapper(table.id, out)(noting)
    read = {table.columns[n] for n in noting.read}
    assert read | set(table.ignored) == set(table.columns)
    assert not read & set(table.ignored)
    assert all(table.ignored.values())


# --- mentions -------------------------------------------------------------------------------------


def test_a_mention_is_a_claim_with_its_confidence(tmp_path: Path) -> None:
    found = mapped(tmp_path, mention())
    assert ask(
        found,
        "SELECT ?of ?label ?basis ?confidence ?where { ?c ch:about ?of ; ch:claimant ?n ; "
        "ch:basis ?basis ; ch:extractionConfidence ?confidence ; ch:locator ?where . "
        "?n ch:voiceOf ?s . ?s rdfs:label ?label }",
    ) == [
        (
            "event/gdelt-900000001", "outlet-17.example", "basis-machine-coded", "0.5",
            "sentence 19, characters 4594–4634 of the English text",
        )
    ]  # fmt: skip
    assert ask(found, "SELECT ?e { ?e a ch:Event }") == []
    assert list(found.scribe.needed) == [f"<{ID}event/gdelt-900000001>"]


def test_the_mention_in_the_events_own_article_is_the_same_claim(tmp_path: Path) -> None:
    of_event, of_mention = mapped(tmp_path, event()), mapped(tmp_path, mention())
    [(claim, first)] = [b for b in of_event.scribe.blocks if "/claim/" in b[0]]
    [(again, second)] = of_mention.scribe.blocks
    assert claim == again
    assert of_event.scribe.sources == of_mention.scribe.sources
    only = {line.split(" ")[1] for line in set(second.splitlines()) - set(first.splitlines())}
    assert only == {f"<{CH}locator>", f"<{CH}extractionConfidence>"}
    only = {line.split(" ")[1] for line in set(first.splitlines()) - set(second.splitlines())}
    assert only == {f"<{CH}locator>"}


def test_mentions_of_one_event_in_one_article_are_counted(tmp_path: Path) -> None:
    found = mapped(tmp_path, mention(), mention(SentenceID="3", Confidence="20"))
    rows = ask(found, "SELECT ?c ?confidence { ?c ch:extractionConfidence ?confidence }")
    assert [confidence for _, confidence in rows] != []
    assert sorted(confidence for _, confidence in rows) == ["0.2", "0.5"]
    assert len({claim for claim, _ in rows}) == 2


def test_a_mention_without_its_event_is_told(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(event() + "\n", encoding="utf-8")
    known = known_of("gdelt", path)
    found = mapped(tmp_path, mention(), mention(GLOBALEVENTID="5"), known=known)
    [one] = found.issues
    assert (one.kind, one.column, one.value) == ("unresolved", "GLOBALEVENTID", "5")
    assert one.reason == "the files have no such record of events"


@pytest.mark.parametrize("confidence", range(101))
def test_confidence_is_an_exact_decimal(confidence: int) -> None:
    text = SCRIPT.mapper.__globals__["_CONFIDENCES"][str(confidence)]
    assert Decimal(text) == Decimal(confidence) / 100
    assert text == "0" or not text.endswith(("0", ".")) or text == "0"


@pytest.mark.parametrize(
    ("fields", "locator"),
    [
        ({"SentenceID": ""}, "characters 4594–4634 of the English text"),
        ({"ActionCharOffset": "-1"}, "sentence 19, character 4594 of the English text"),
        ({"ActionCharOffset": "4594"}, "sentence 19, character 4594 of the English text"),
        ({"Actor1CharOffset": "7"}, "sentence 19, characters 7–4634 of the English text"),
        (
            {"SentenceID": "-1", "Actor2CharOffset": "", "ActionCharOffset": ""},
            "somewhere in the English text",
        ),
        (
            {"MentionDocTranslationInfo": "srclc:ben; eng:machine 1.0"},
            "sentence 19, characters 4594–4634 of the English translation by machine from ben",
        ),
        (
            {"MentionDocTranslationInfo": "another tool"},
            "sentence 19, characters 4594–4634 of the English translation by machine",
        ),
    ],
)
def test_where_it_stands(tmp_path: Path, fields: dict[str, str], locator: str) -> None:
    assert ask(mapped(tmp_path, mention(**fields)), "SELECT ?w { ?c ch:locator ?w }") == [
        (locator,)
    ]


@pytest.mark.parametrize(
    ("kind", "name", "identifier", "label"),
    [
        ("2", "Radio Solen", "Radio Solen, Bostmark, in English 0723 gmt", "Radio Solen"),
        ("3", "CORE", "10.1000/182", "CORE"),
        ("5", "", "10.1000/183", "an article of JSTOR"),
        ("6", "", "a broadcast", "a source other than text"),
    ],
)
def test_sources_that_are_no_pages_of_the_web(
    tmp_path: Path, kind: str, name: str, identifier: str, label: str
) -> None:
    line = mention(MentionType=kind, MentionSourceName=name, MentionIdentifier=identifier)
    found = mapped(tmp_path, line)
    assert ask(found, "SELECT ?l ?s { ?c ch:inSource ?d . ?d rdfs:label ?l ; dct:source ?s }") == [
        (label, identifier)
    ]


@pytest.mark.parametrize(
    ("fields", "column", "value", "reason"),
    [
        ({"GLOBALEVENTID": "x"}, "GLOBALEVENTID", "x", "expected a whole number"),
        ({"MentionType": "7"}, "MentionType", "7", "expected 1 to 6"),
        ({"MentionType": ""}, "MentionType", "", "expected 1 to 6"),
        ({"MentionIdentifier": "Radio"}, "MentionIdentifier", "Radio", "expected a web address"),
        ({"MentionIdentifier": ""}, "MentionIdentifier", "", "expected a web address"),
        ({"MentionType": "2", "MentionIdentifier": ""}, "MentionIdentifier", "", "expected what"),
        ({"Confidence": "101"}, "Confidence", "101", "expected a whole number from 0 to 100"),
        ({"Confidence": "0.5"}, "Confidence", "0.5", "expected a whole number from 0 to 100"),
        ({"SentenceID": "one"}, "SentenceID", "one", "expected a whole number"),
        ({"Actor2CharOffset": "-2"}, "Actor2CharOffset", "-2", "expected a whole number, or -1"),
        ({"ActionCharOffset": "4_0"}, "ActionCharOffset", "4_0", "expected a whole number, or -1"),
    ],
)
def test_mentions_that_are_set_aside(
    tmp_path: Path, fields: dict[str, str], column: str, value: str, reason: str
) -> None:
    found = issue(tmp_path, mention(**fields))
    assert found[:2] == (column, value)
    assert found[2].startswith(reason)


# --- any text -------------------------------------------------------------------------------------

HOSTILE = (
    'QUOTED "NAME" \\ and \\" more',
    "control \x00\x1f\x7f here",
    "  spaces   inside ",
    "‮right to left‬ شرطة",
    "\u09af\u09bc পুলিশ",
    "प्रधान\u200dमंत्री",
    "A" * 5000,
    "ends\x85of\u2028lines\u2029",
    "<https://x.example/> .",
    "'; DROP",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_texts(tmp_path: Path, text: str) -> None:
    found = mapped(
        tmp_path,
        event(
            Actor1Name=text,
            Actor1Code=text,
            ActionGeo_FullName=text,
            ActionGeo_FeatureID=text,
            SOURCEURL=f"https://outlet-1.example/{text}",
        ),
        event(GLOBALEVENTID="2", SOURCEURL=text),
    )
    assert found.mapped + len(found.issues) == 2
    if found.mapped == 2:
        [(label,)] = ask(found, "SELECT ?l { ?e ch:place ?p . ?p rdfs:label ?l } LIMIT 1")
        assert "\x00" not in label
    assert lines_of(found) == lines_of(found)
    again = mapped(tmp_path, mention(MentionIdentifier=f"http://a.example/{text}"))
    assert again.mapped == 1


TEXT = st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=("Cs",)), max_size=30)


@given(st.dictionaries(st.sampled_from(EVENTS.columns), TEXT, max_size=12))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_any_event_is_mapped_or_set_aside_for_a_reason(fields: dict[str, str]) -> None:
    check_any(EVENTS.id, row(EVENTS.columns, EVENT | fields))


@given(st.dictionaries(st.sampled_from(MENTIONS.columns), TEXT, max_size=8))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_any_mention_is_mapped_or_set_aside_for_a_reason(fields: dict[str, str]) -> None:
    check_any(MENTIONS.id, row(MENTIONS.columns, MENTION | fields))


def check_any(table: str, line: str) -> None:
    out = scribe(SCRIPT)
    out.begin(1)
    wrong: Rejected | None = None
    try:
        SCRIPT.mapper(table, out)(tuple(line.split("\t")))
    except Rejected as error:
        wrong = error
    if wrong:
        columns = SCRIPT.source.table(table).columns
        assert all(name in columns for name in wrong.column.split(", "))
        assert wrong.reason
        out.undo()
        left = (out.blocks, out.shared, out.sources, out.events, out.claims)
        assert not any(left)
        return
    texts = [*out.shared.values(), *out.sources.values(), *(text for _, text in out.blocks)]
    store = ox.Store()
    for text in texts:
        assert lines_in(text) == sorted(set(lines_in(text)))
        store.load(text.encode(), format=ox.RdfFormat.N_QUADS)
    assert len(store) == sum(text.count("\n") for text in texts)
    assert "".join(sorted(f"{quad} .\n" for quad in store)) == "".join(
        sorted(line for text in texts for line in lines_in(text))
    )


@given(st.dates(date(1, 1, 1)))
def test_every_day_there_is(day: date) -> None:
    out = scribe(SCRIPT)
    out.begin(1)
    line = row(EVENTS.columns, EVENT, SQLDATE=f"{day.year:04}{day.month:02}{day.day:02}")
    SCRIPT.mapper("events", out)(tuple(line.split("\t")))
    assert out.events[0][5:7] == (day.isoformat(), day.isoformat())


# --- samples --------------------------------------------------------------------------------------


def test_the_sample_gives_the_golden_quads(checkout: Path) -> None:
    lines: set[str] = set()
    for path in sorted(SAMPLES.iterdir()):
        [found] = feed_file("gdelt", path)
        assert found.report is not None
        assert found.report.results == ()
        lines.update(lines_of(found))
        [again] = feed_file("gdelt", path)
        assert lines_of(again) == lines_of(found)
    golden = checkout / "tests/sources/golden/gdelt.nq"
    assert "".join(sorted(lines)) == golden.read_text(encoding="utf-8"), (
        "if the change is meant, write the new lines with tests/sources/update_golden.py "
        "and say in CHANGELOG.md which addresses changed"
    )


@pytest.fixture(scope="module")
def real(checkout: Path) -> Path:
    place = checkout.parent / "shared/feeds/gdelt"
    if not place.is_dir():
        pytest.skip("no files of GDELT beside the checkout")
    return place


def test_real_events(real: Path) -> None:
    [found] = feed_file("gdelt", real / "events.export.csv")
    assert (found.records, found.mapped, found.issues) == (100, 100, [])
    assert found.report is not None
    assert found.report.results == ()
    assert len(found.scribe.events) == len(found.scribe.claims) == 100
    assert len({key for key in found.scribe.sources if "/document/" in key}) == 49
    kinds = ask(found, "SELECT ?c (COUNT(?e) AS ?n) { ?e ch:eventType ?c } GROUP BY ?c")
    assert kinds == [
        ("plover-accuse", "5"),
        ("plover-agree", "7"),
        ("plover-aid", "6"),
        ("plover-assault", "4"),
        ("plover-coerce", "2"),
        ("plover-concede", "1"),
        ("plover-consult", "43"),
        ("plover-reject", "4"),
        ("plover-request", "7"),
        ("plover-retreat", "3"),
        ("plover-support", "7"),
        ("type-statement", "11"),
    ]


def test_real_mentions(real: Path) -> None:
    known = known_of("gdelt", real / "events.export.csv")
    [found] = feed_file("gdelt", real / "mentions.csv", known=known)
    assert (found.records, found.mapped) == (100, 52)
    assert {(one.column, one.kind) for one in found.issues} == {("GLOBALEVENTID", "unresolved")}
    [every] = feed_file("gdelt", real / "mentions.csv")
    assert (every.records, every.mapped, every.issues) == (100, 100, [])
    assert every.report is not None
    assert every.report.results == ()
    assert len({key for key in every.scribe.sources if "/document/" in key}) == 54
    assert len({name for name, *_ in every.scribe.claims}) == 100
    [of_events] = feed_file("gdelt", real / "events.export.csv")
    same = {one[0] for one in of_events.scribe.claims} & {one[0] for one in found.scribe.claims}
    assert len(same) == 52
