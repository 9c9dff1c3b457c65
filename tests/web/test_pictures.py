"""Timeline, map and network: whole without a script, bounded, and nothing in them is bare."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from kg.config import Settings
from kg.importing import import_release
from kg.web.app import create_app
from kg.web.marks import MARKS
from kg.web.pictures import EVENTS

PICTURES = ("timeline", "map", "network")
LANGUAGES = ("en", "bn", "hi")
LABELS = {
    "Delivery of radar parts by Arvenia to Bostmark",
    "আরভেনিয়া থেকে বস্টমার্কে রাডার যন্ত্রাংশ সরবরাহ",
    "Handover of radar equipment to Bostmark",
    "Talks at Mill Town",
    "মিল টাউনে আলোচনা",
    "मिल टाउन में वार्ता",
    "Visit to the old mill",
    "পুরনো মিলে সফর",
    "Fire at the mill",
    "Mira Odan — holds office — foreign minister of Arvenia",
}
MORE = """
g:registry {
  pl:mill-town a ch:Place ; rdfs:label "Mill Town"@en, "মিল টাউন"@bn, "मिल टाउन"@hi ;
    ch:latitude "-20.5"^^xsd:decimal ; ch:longitude "140"^^xsd:decimal .
  pl:old-mill a ch:Place ; rdfs:label "Old Mill"@en ; ch:locatedIn pl:mill-town .
}
g:harbour-bn {
  e:mill-talks a ch:Event, ch:Proposition ;
    rdfs:label "Talks at Mill Town"@en, "মিল টাউনে আলোচনা"@bn, "मिल टाउन में वार्ता"@hi ;
    ch:eventType ch:type-talks ; ch:actor a:bostmark ; ch:recipient a:cordia ;
    ch:place pl:mill-town ; ch:time t:since-april .
  t:since-april a ch:TimeExtent ; rdfs:label "since April"@en ; ch:edtf "2031-04/.." ;
    ch:earliest "2031-04-01"^^xsd:date ; ch:timeRule ch:time-rule-since-month .
  e:mill-visit a ch:Event, ch:Proposition ;
    rdfs:label "Visit to the old mill"@en, "পুরনো মিলে সফর"@bn ;
    ch:eventType ch:type-official-visit ; ch:actor a:mira-odan ; ch:recipient a:cordia ;
    ch:place pl:old-mill ; ch:time t:before-may .
  t:before-may a ch:TimeExtent ; rdfs:label "before May"@en ; ch:edtf "../2031-05-10" ;
    ch:latest "2031-05-10"^^xsd:date ; ch:timeRule ch:time-rule-recent .
  e:mill-fire a ch:Event, ch:Proposition ; rdfs:label "Fire at the mill"@en ;
    ch:place pl:mill-town, a:cordia ; ch:time t:about-march .
  t:about-march a ch:TimeExtent ; rdfs:label "about March"@en ; ch:edtf "2031-03~" ;
    ch:earliest "2031-03-01"^^xsd:date ; ch:latest "2031-03-31"^^xsd:date .
  c:00000000000000f1 a ch:Claim ; rdfs:label "Harbour News affirms talks"@en ;
    ch:claimant a:harbour-news ; ch:about e:mill-talks ; ch:concerns e:mill-talks ;
    ch:stance ch:stance-affirms ; ch:modality ch:modality-actual ; ch:inSource d:harbour-bn .
}
g:status {
  e:mill-talks ch:status ch:status-reported .
  e:mill-visit ch:status ch:status-planned .
}
""".encode()


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, write_sample: Callable[..., Path]) -> Path:
    """Return a folder of releases with times, places and ties of all kinds."""
    folder = tmp_path_factory.mktemp("pictures")
    write_sample(folder, extra=MORE)
    return folder


@pytest.fixture(scope="module")
def site(out: Path, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(out, settings), follow_redirects=False) as found:
        yield found


@pytest.fixture(scope="module")
def address(out: Path, serving: Any) -> Iterator[str]:
    with serving(out) as found:
        yield found


@pytest.fixture(scope="module")
def crowded(
    tmp_path_factory: pytest.TempPathFactory, write_sample: Callable[..., Path], serving: Any
) -> Iterator[str]:
    """Return the address of a site in whose network sixteen more have long names."""
    lines = []
    for n in range(16):
        lines.append(
            f'a:body-{n} a ch:Agent, ch:Organization ; rdfs:label "Ministry of Works of Region {n}"'
            f'@en, "অঞ্চল {n} এর পূর্ত মন্ত্রণালয়"@bn, "क्षेत्र {n} का निर्माण मंत्रालय"@hi .'
            f'e:talks-{n} a ch:Event, ch:Proposition ; rdfs:label "Talks {n}"@en ;'
            f"ch:eventType ch:type-talks ; ch:actor a:body-{n} ; ch:recipient a:body-{n // 3} ."
        )
    out = tmp_path_factory.mktemp("crowded")
    write_sample(out, extra=MORE + f"g:crowd {{ {' '.join(lines)} }}".encode())
    with serving(out) as found:
        yield found


def data(site: TestClient, path: str) -> Any:
    answer = site.get(path, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def keys(found: Any) -> list[str]:
    """Return the keys of the events on a timeline, in order."""
    return [one["iri"].rpartition("/")[2] for one in found["timeline"]]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"))))


def test_events_are_in_one_order_in_every_format(site: TestClient, walk: Any) -> None:
    found = data(site, "/timeline")
    order = ["mill-visit", "radar-delivery", "mill-talks", "mill-fire", "radar-handover"]
    assert keys(found) == order
    page = site.get("/timeline", headers={"Accept": "text/html"}).text
    walker = walk(page)
    assert not walker.stack
    table = page[page.index('<table id="events"') :]
    places = [table.index(f'href="/doc/event/{key}"') for key in order]
    assert places == sorted(places)
    cells = rows(site.get("/timeline.csv").text)
    assert [row["iri"].rpartition("/")[2] for row in cells] == order
    assert cells[1]["described"] == found["timeline"][1]["described"]
    assert cells[1]["denied_by"] == "Arvenian foreign ministry"


def test_times_are_as_uncertain_as_they_are(site: TestClient) -> None:
    found = {
        key: (one["time"], one["earliest"], one["latest"])
        for key, one in zip(
            keys(data(site, "/timeline")), data(site, "/timeline")["timeline"], strict=True
        )
    }
    assert found == {
        "mill-visit": ("within", None, "2031-05-10"),
        "radar-delivery": ("within", "2031-04-21", "2031-04-27"),
        "mill-talks": ("lasting", "2031-04-01", None),
        "mill-fire": ("about", "2031-03-01", "2031-03-31"),
        "radar-handover": (None, None, None),
    }
    page = site.get("/timeline").text
    assert "1 has no date and is listed last" in page
    with_relations = data(site, "/timeline?relations=yes")
    assert "00000000000000a1" in keys(with_relations), "an office has a date"
    assert "00000000000000a2" not in keys(with_relations), "a capital has none"


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_is_bare(site: TestClient, walk: Any, picture: str, lang: str) -> None:
    query = f"?lang={lang}&relations=yes" if picture == "timeline" else f"?lang={lang}"
    page = site.get(f"/{picture}.html{query}").text
    assert any(label in page for label in LABELS)
    assert walk(page).bare(LABELS) == []
    whole = data(site, f"/{picture}{query}")
    named = [
        (name, text) for name, text in walk.strings(whole) if any(one in text for one in LABELS)
    ]
    assert named
    for name, text in named:
        assert name == "described", name
        assert min(text.index(one) for one in LABELS if one in text) > 0, text
    cells = rows(site.get(f"/{picture}.csv{query}").text)
    for row in cells:
        for name, text in row.items():
            if any(one in text for one in LABELS):
                assert name == "described"
                assert not text.startswith(tuple(LABELS))


@pytest.mark.parametrize("picture", PICTURES)
def test_who_contradicts_is_beside_what_is_described(site: TestClient, picture: str) -> None:
    def described(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, list):
            for one in value:
                yield from described(one)
        elif isinstance(value, dict):
            if "affirmed_by" in value:
                yield value
            for one in value.values():
                yield from described(one)

    found = {one["iri"].rpartition("/")[2]: one for one in described(data(site, f"/{picture}"))}
    delivery = found["radar-delivery"]
    assert delivery["affirmed_by"] == ["Cordian officials (unnamed)"]
    assert delivery["denied_by"] == ["Arvenian foreign ministry"]
    assert delivery["evidence_disputed_by"] == ["Mira Odan"]
    assert delivery["not_confirmed_by"] == ["Bostmark defence ministry"]
    assert delivery["status"] == "contested"
    assert delivery["nobody_takes_another_position"] is False
    assert found["mill-talks"]["nobody_takes_another_position"] is True
    if picture == "timeline":
        other = found["radar-handover"]
        assert "denies: Arvenian foreign ministry" in other["on_what_is_possibly_the_same_event"]
        assert other["nobody_takes_another_position"] is False
    page = site.get(f"/{picture}").text
    assert "no claim takes another position" in page
    assert "Arvenian foreign ministry" in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("agent=arvenia", ["radar-delivery"]),
        ("agent=arvenia&agent=bostmark", ["radar-delivery"]),
        ("agent=arvenia&agent=cordia", []),
        ("agent=cordia", ["mill-visit", "mill-talks", "mill-fire"]),
        ("place=mill-town", ["mill-talks", "mill-fire"]),
        ("place=cordia", ["mill-fire"]),
        ("type=type-talks", ["mill-talks"]),
        ("status=contested", ["radar-delivery", "radar-handover"]),
        ("from=2031-04-28", ["mill-visit", "mill-talks"]),
        ("to=2031-03", ["mill-visit", "mill-fire"]),
        ("from=2031-03-31&to=2031-03-31", ["mill-visit", "mill-fire"]),
        ("from=2032", ["mill-talks"]),
        ("to=2030", ["mill-visit"]),
        ("agent=nobody-of-this-name", []),
        ("from=&to=&agent=&type=&place=&status=&rows=", None),
    ],
)
def test_events_are_narrowed(site: TestClient, query: str, expected: list[str] | None) -> None:
    found = keys(data(site, f"/timeline?{query}"))
    assert found == (expected if expected is not None else keys(data(site, "/timeline")))
    page = site.get(f"/timeline?{query}")
    assert page.status_code == 200
    assert ("Nothing of the kind is described" in page.text) == (not found)


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("agent=Kim%20Jong", "agent is 'Kim Jong'"),
        ("agent=a&agent=b&agent=c", "agent is given 3 times"),
        ("place=a/b", "place is 'a/b'"),
        ("type=type-nothing", "type is 'type-nothing', which is no concept"),
        ("status=true", "status is 'true'; expected one of acknowledged, "),
        ("from=18%20October", "from is '18 October'; expected a date"),
        ("to=2031-02-30", "to is '2031-02-30'; expected a date"),
        ("from=2031-05&to=2031-04", "from is '2031-05', after '2031-04'"),
        ("relations=perhaps", "relations is 'perhaps'; expected yes or no"),
        ("rows=columns", "rows is 'columns'; expected event or agent"),
        ("format=xml", "format is 'xml'; expected html, json or csv"),
        ("page=0", "page is '0'"),
    ],
)
def test_what_cannot_be_asked_is_said(
    site: TestClient, picture: str, query: str, words: str
) -> None:
    answer = site.get(f"/{picture}?{query}", headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("picture", PICTURES)
def test_an_answer_that_is_known_is_not_sent_again(site: TestClient, picture: str) -> None:
    for suffix in ("", ".html", ".json", ".csv"):
        first = site.get(f"/{picture}{suffix}")
        assert "Accept-Language, Cookie" in first.headers["vary"]
        assert ("Accept," in first.headers["vary"]) == (not suffix)
        again = site.get(f"/{picture}{suffix}", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = site.get(
            f"/{picture}{suffix}?lang=bn", headers={"If-None-Match": first.headers["etag"]}
        )
        assert other.status_code == 200
    assert site.get(f"/{picture}.ttl").status_code == 404
    assert site.get(f"/{picture}", headers={"Accept": "image/png"}).status_code == 406


def test_a_place_has_its_own_position_or_none(site: TestClient) -> None:
    found = {one["label"]: one for one in data(site, "/map")["places"]}
    assert found["Mill Town"]["latitude"] == -20.5
    assert (found["Mill Town"]["described_events"], found["Mill Town"]["disputed"]) == (2, False)
    assert found["Bost City"]["disputed"] is True
    assert found["Old Mill"]["latitude"] is None
    assert found["Old Mill"]["located_in"] == ["Mill Town"]
    page = site.get("/map").text
    marks, beside = page.split("Without coordinates", 1)
    assert "/doc/place/old-mill" in beside
    assert 'class="what"><a href="/doc/place/old-mill"' not in marks
    assert page.count("data-latitude=") == 2
    assert "without borders" in page


def test_ties_are_told_apart(site: TestClient) -> None:
    found = {
        (
            one["described_actor"].rpartition("/")[2],
            one["described_recipient"].rpartition("/")[2],
        ): one
        for one in data(site, "/network")["ties"]
    }
    assert {pair: one["standing"] for pair, one in found.items()} == {
        ("arvenia", "bostmark"): "disputed",
        ("bostmark", "cordia"): "described",
        ("mira-odan", "cordia"): "planned",
    }
    assert (
        found["arvenia", "bostmark"]["described"] == "Described: Arvenia → Bostmark: arms transfer"
    )
    agents = {one["label"]: one for one in data(site, "/network")["agents"]}
    assert agents["Mira Odan"]["shape"] == "person"
    assert agents["Mira Odan"]["acts_for"] == ["Arvenia"]
    assert agents["Arvenia"]["shape"] == "state"
    ego = data(site, "/network?agent=mira-odan")
    assert [one["described_actor"].rpartition("/")[2] for one in ego["ties"]] == ["mira-odan"]


@pytest.mark.parametrize("picture", PICTURES)
def test_where_nothing_is_described_it_says_so(site: TestClient, picture: str) -> None:
    for year in range(1900, 1906):
        page = site.get(f"/{picture}?agent=bostmark&to={year}", headers={"Accept": "text/html"})
        assert page.status_code == 200, year
        assert "Nothing of the kind is described in this release." in page.text
        assert "<figure" not in page.text


def test_many_events_are_paged_and_the_rest_is_announced(
    tmp_path: Path, write_sample: Callable[..., Path], settings: Settings
) -> None:
    many = EVENTS + 3
    events = "\n".join(
        f'e:patrol-{n} a ch:Event, ch:Proposition ; rdfs:label "Patrol {n}"@en ; '
        f"ch:actor a:cordia ; ch:recipient a:arvenia ; ch:place pl:bost-city ; ch:time t:day ."
        for n in range(many)
    )
    write_sample(tmp_path, extra=f"g:harbour-bn {{ {events} }}".encode())
    with TestClient(create_app(tmp_path, settings)) as site:
        first, second = data(site, "/timeline"), data(site, "/timeline?page=2")
        assert (first["events"], first["undated"], first["more"]) == (many + 2, 1, True)
        assert len(first["timeline"]) == EVENTS
        assert len(second["timeline"]) == 5
        assert not set(keys(first)) & set(keys(second))
        assert keys(second)[-2:] == ["radar-delivery", "radar-handover"], "undated ones are last"
        page = site.get("/timeline").text
        assert f"shown here: {EVENTS}" in page
        assert 'href="/timeline?page=2"' in page
        [place] = data(site, "/map")["places"]
        assert place["described_events"] == many + 1
        shown = [one["iri"].rpartition("/")[2] for one in place["examples"]]
        assert shown[0] == "radar-delivery", "the disputed one is shown whatever is left out"
        assert f"All of them: {many + 1} events" in site.get("/map").text
        tie = data(site, "/network")["ties"][0]
        assert (tie["events"], len(tie["examples"])) == (many, 3)
        assert keys(data(site, "/timeline?page=99")) == []


def test_pictures_are_reached_from_other_pages(site: TestClient) -> None:
    home = site.get("/", headers={"Accept": "text/html"}).text
    for picture in PICTURES:
        assert f'href="/{picture}"' in home
    latest = home[home.index('id="latest-events"') : home.index("The whole timeline")]
    assert latest.count("data-how=") == 4, "those with a date"
    assert "Arvenian foreign ministry" in latest
    agent = site.get("/doc/agent/mira-odan", headers={"Accept": "text/html"}).text
    assert 'href="/timeline?agent=mira-odan"' in agent
    assert 'href="/network?agent=mira-odan"' in agent
    place = site.get("/doc/place/bost-city", headers={"Accept": "text/html"}).text
    assert 'data-latitude="12.5" data-longitude="-3.25"' in place
    assert 'href="/timeline?place=bost-city"' in place
    thing = site.get("/doc/thing/radar-parts", headers={"Accept": "text/html"}).text
    assert "/timeline?" not in thing
    assert (
        "data-latitude" not in site.get("/doc/place/old-mill", headers={"Accept": "text/html"}).text
    )


def test_imported_rdf_has_no_pictures(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "data.ttl"
    file.write_text("<http://data.example/a> <http://data.example/b> 1 .")
    import_release([str(file)], tmp_path / "releases", base="https://chancery.example/")
    with TestClient(create_app(tmp_path / "releases", settings)) as site:
        for picture in PICTURES:
            assert site.get(f"/{picture}").status_code == 404
            assert f'href="/{picture}"' not in site.get("/").text


# --- of the answer to a query --------------------------------------------------------------------

AT = "SELECT ?event ?place { ?event ch:place|ch:origin|ch:destination ?place }"
WHEN = "SELECT ?event ?from ?to { ?event a ch:Event ; ch:time ?t \
    OPTIONAL { ?t ch:earliest ?from } OPTIONAL { ?t ch:latest ?to } }"


def answered(site: TestClient, query: str, lang: str = "en") -> str:
    """Return the page of a query."""
    found = site.get(
        "/query", params={"query": query, "lang": lang}, headers={"Accept": "text/html"}
    )
    assert found.status_code == 200, found.text
    return found.text


def marks(text: str, picture: str) -> list[tuple[dict[str, str], str]]:
    """Return the marks of a picture: what of them is drawn, and their words."""
    found = re.search(rf'<ul id="{picture}-marks" hidden>(.*?)</ul>', text, re.DOTALL)
    return [
        (
            dict(re.findall(r'data-([a-z]+)="(.*?)"', tag)),
            " ".join(re.sub("<[^>]*>", "", words).split()),
        )
        for tag, words in re.findall(
            r"<li ([^>]*)>(.*?)</li>", found[1] if found else "", re.DOTALL
        )
    ]


def test_places_of_an_answer_are_on_a_map(site: TestClient) -> None:
    text = answered(site, AT)
    rows = site.get("/sparql", params={"query": AT, "format": "json"}).json()["results"]["bindings"]
    at = [row["place"]["value"].rpartition("/")[2] for row in rows]
    found = {words: one for one, words in marks(text, "map")}
    assert set(found) == {"Mill Town 2 rows", "Bost City"}
    assert found["Mill Town 2 rows"] == {
        "latitude": "-20.5",
        "longitude": "140",
        "count": str(at.count("mill-town")),
        "disputed": "0",
    }
    others = sum(one not in ("mill-town", "bost-city") for one in at)
    assert others > 1
    assert f"{others} rows cannot be drawn here; they are in the table." in text


def test_coordinates_of_an_answer_are_on_a_map(site: TestClient) -> None:
    values = '(1 2 "এক"@bn) (1 2 "one"@en) (90 180 UNDEF) (91 0 "off"@en)'
    text = answered(site, f"SELECT * {{ VALUES (?lat ?lon ?x) {{ {values} }} }}")
    found = marks(text, "map")
    where = [(one["latitude"], one["longitude"], one["count"]) for one, _ in found]
    assert where == [("1", "2", "2"), ("90", "180", "1")]
    assert "1 row cannot be drawn here; it is in the table." in text
    assert 'href="#row-3"' in text
    assert '<tr id="row-3">' in text
    point = '"Point(140 -20.5)"^^<http://www.opengis.net/ont/geosparql#wktLiteral>'
    [(one, words)] = marks(answered(site, f"SELECT * {{ VALUES ?p {{ {point} }} }}"), "map")
    assert (one["latitude"], one["longitude"], words) == ("-20.5", "140", "Row 1")
    labels = "SELECT ?l ?lat ?long { ?p rdfs:label ?l ; ch:latitude ?lat ; ch:longitude ?long }"
    for lang, name in (("en", "Mill Town"), ("bn", "মিল টাউন"), ("hi", "मिल टाउन")):
        names = [words for _, words in marks(answered(site, labels, lang), "map")]
        assert len(names) == 2, "what lies at one point is one mark"
        assert any(one.startswith(name) for one in names)


@pytest.mark.parametrize("query", [WHEN, "SELECT ?event { ?event a ch:Event }"])
def test_times_of_an_answer_are_as_uncertain_as_they_are(site: TestClient, query: str) -> None:
    on_page = {
        one["iri"]: (one["time"], one["earliest"], one["latest"])
        for one in data(site, "/timeline.json")["timeline"]
        if one["time"]
    }
    text = answered(site, query)
    hrefs = re.findall(r'class="what"><a href="/doc/(event/.*?)"', text.split("<table>")[0])
    found = [
        (one["how"], one["earliest"] or None, one["latest"] or None)
        for one, _ in marks(text, "timeline")
    ]
    assert (
        dict(zip((f"https://chancery.example/id/{h}" for h in hrefs), found, strict=True))
        == on_page
    )
    assert {how for how, *_ in found} >= {"lasting", "within", "about"}
    assert any("contested" in words for _, words in marks(text, "timeline"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ('"2031-05-02"^^xsd:date', ("day", "2031-05-02", "2031-05-02")),
        ('"2031-05-02T23:00:00-05:00"^^xsd:dateTime', ("day", "2031-05-02", "2031-05-02")),
        ('"2031-05"^^xsd:gYearMonth', ("within", "2031-05-01", "2031-05-31")),
        ('"2031"^^xsd:gYear', ("within", "2031-01-01", "2031-12-31")),
        ("2031", ("within", "2031-01-01", "2031-12-31")),
        ('"2031-05~"^^edtf:EDTF', ("about", "2031-05-01", "2031-05-31")),
        ('"2031-05/.."^^edtf:EDTF', ("within", "2031-05-01", "")),
        ('"-0044"^^xsd:gYear', None),
        ('"next week"^^xsd:date', None),
        ('"2031-05-02"', None),
        ("1066.5", None),
    ],
)
def test_dates_of_an_answer_are_on_a_timeline(
    site: TestClient, values: str, expected: tuple[str, str, str] | None
) -> None:
    edtf = "PREFIX edtf: <http://id.loc.gov/datatypes/edtf/>"
    query = f'{edtf} SELECT * {{ VALUES (?year ?what) {{ ({values} "it"@en) }} }}'
    found = [
        (one["how"], one["earliest"], one["latest"])
        for one, _ in marks(answered(site, query), "timeline")
    ]
    assert found == ([expected] if expected else [])


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?agent { ?agent a ch:Person }",
        "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
        "SELECT ?lat { ?place ch:latitude ?lat }",
        "SELECT ?place { VALUES ?place { <https://chancery.example/id/place/old-mill> } }",
        "ASK { ?event a ch:Event }",
        "CONSTRUCT WHERE { ?place ch:latitude ?lat ; ch:longitude ?long }",
    ],
)
def test_what_has_no_place_and_no_time_is_no_picture(site: TestClient, query: str) -> None:
    text = answered(site, query)
    assert 'id="pictures"' not in text
    assert "pictures.css" not in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_mark_is_bare(site: TestClient, walk: Any, lang: str) -> None:
    body = "{ ?e a ch:Event ; rdfs:label ?l ; ch:time/ch:earliest ?day }"
    for what in ("?e ?day", "?l ?day", "(STR(?l) AS ?x) ?day", "?e"):
        text = answered(site, f"SELECT {what} {body}", lang)
        assert marks(text, "timeline")
        assert walk(text).bare(LABELS) == []
    claims = "SELECT ?c ?day { ?c a ch:Claim ; ch:concerns ?e . ?e ch:time/ch:earliest ?day }"
    text = answered(site, claims, lang)
    assert marks(text, "timeline")
    assert walk(text).bare(LABELS) == []
    # What a query put together names no mark, and says in the table where it is from.
    for made in ("CONCAT(STR(?l), '!')", "REPLACE(?l, '$', ' .')", "UCASE(CONCAT(STR(?l), 'x'))"):
        text = answered(site, f"SELECT ({made} AS ?x) ?day {body}", lang)
        words = [words for _, words in marks(text, "timeline")]
        assert words
        row = {"en": "Row", "bn": "সারি", "hi": "पंक्ति"}[lang]
        assert all(re.search(rf" {row} \S+( |$)", one) for one in words), words
        mark = {
            "en": "text made by the query: ",
            "bn": "কোয়েরির তৈরি লেখা: ",
            "hi": "क्वेरी का बनाया पाठ: ",
        }[lang]
        table = text[text.index("<tbody>") :]
        assert f'<span class="made"><span class="mark">{mark}</span>' in table


def test_only_labels_name_a_mark(site: TestClient) -> None:
    """A note that stands in the graph may say what only a source says."""
    for text, words in (
        ('"Invented for the tests"@en', "Row 1"),
        ('"Mill Town"', "Mill Town"),
        ('"Talks at Mill Town"', "described: Talks at Mill Town reported"),
        ('"Mill Town"^^xsd:token', "Row 1"),
        ("true", "Row 1"),
    ):
        query = f'SELECT * {{ VALUES (?x ?y) {{ ({text} "2031-05-02"^^xsd:date) }} }}'
        found = answered(site, query)
        assert [words for _, words in marks(found, "timeline")] == [f"2 May 2031 {words}"]
        assert ('class="made"' in found) == ("token" in text)


@pytest.mark.parametrize(
    "pattern",
    [
        "?what ch:concerns event:radar-delivery",
        "?relayed ch:concerns event:radar-delivery . ?what ch:ultimately ?relayed",
        "VALUES ?what { event:radar-delivery }",
        "event:radar-delivery rdfs:label ?what",
    ],
)
def test_a_mark_has_the_status_of_what_it_is_about(site: TestClient, pattern: str) -> None:
    values = "VALUES (?lat ?long ?day) { (1 2 '2031-05-02'^^xsd:date) }"
    text = answered(site, f"SELECT * {{ {{ {pattern} }} {values} }}")
    [(spot, words)] = marks(text, "map")
    assert spot["disputed"] == "1"
    assert "contested" in words
    assert "somebody denies or disputes it" in text
    bars = marks(text, "timeline")
    assert bars
    assert {bar["status"] for bar, _ in bars} == {"contested"}


def test_a_mark_of_what_nobody_contradicts_is_an_ordinary_one(site: TestClient) -> None:
    claims = "SELECT ?c (1 AS ?lat) (2 AS ?long) { ?c ch:concerns event:mill-talks }"
    text = answered(site, claims)
    [(spot, words)] = marks(text, "map")
    assert spot["disputed"] == "0"
    assert "reported" in words
    assert "somebody denies or disputes it" not in text


def test_marks_are_bounded_and_that_is_said(site: TestClient) -> None:
    some = " ".join(f"({n / 10} 7 {n + 1000})" for n in range(MARKS + 1))
    text = answered(site, f"SELECT * {{ VALUES (?lat ?long ?year) {{ {some} }} }}")
    for picture in ("map", "timeline"):
        assert len(marks(text, picture)) == MARKS
    assert text.count(f"Only the first {MARKS} marks are drawn.") == 2
    assert len(text) < 300_000


def test_imported_places_are_on_a_map(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "data.ttl"
    geo = "http://www.w3.org/2003/01/geo/wgs84_pos#"
    file.write_text(
        f'<http://data.example/a> <{geo}lat> "1.5" ; <{geo}long> "2" .'
        f'<http://data.example/b> <{geo}lat> "1.5" .'
    )
    import_release([str(file)], tmp_path / "releases", base="https://chancery.example/")
    with TestClient(create_app(tmp_path / "releases", settings)) as site:
        text = answered(site, "SELECT DISTINCT ?s { ?s ?p ?o }")
        assert [(one["latitude"], one["longitude"]) for one, _ in marks(text, "map")] == [
            ("1.5", "2")
        ]


# --- in a browser --------------------------------------------------------------------------------

in_a_browser = pytest.mark.requires("chromium", "chromedriver", "assets")
MARKS_OF = {"timeline": ".bar.pin", "map": ".spot.pin", "network": ".tie.pin"}
ROWS_OF = {
    "timeline": "#events tr[data-how]",
    "map": "#places tr[data-latitude]",
    "network": "#ties tbody tr",
}


def drawn(browser: Any, picture: str) -> int:
    """Wait until a picture is drawn, and return how many marks its script says there are."""
    from selenium.webdriver.support.ui import WebDriverWait

    name = "timeline" if picture == "latest" else picture
    script = f"return document.getElementById('{name}').dataset.drawn"
    return int(WebDriverWait(browser, 20).until(lambda it: it.execute_script(script)))


def asked(browser: Any) -> list[str]:
    """Return the addresses asked for since the last call."""
    messages = [json.loads(one["message"])["message"] for one in browser.get_log("performance")]
    return [
        one["params"]["request"]["url"]
        for one in messages
        if one["method"] == "Network.requestWillBeSent"
    ]


def count(browser: Any, selector: str) -> int:
    return len(browser.find_elements("css selector", selector))


def resize(browser: Any, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


@in_a_browser
@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_mark_for_each_row_with_its_words(
    browser: Any, address: str, picture: str, lang: str
) -> None:
    resize(browser, 1280)
    asked(browser)
    browser.get_log("browser")
    browser.get(f"{address}/{picture}?lang={lang}")
    marks = drawn(browser, picture)
    assert marks == count(browser, ROWS_OF[picture]) == count(browser, MARKS_OF[picture])
    whole = data_of(address, f"/{picture}.json?lang={lang}")
    expected = {
        "timeline": lambda: sum(one["time"] is not None for one in whole["timeline"]),
        "map": lambda: sum(one["latitude"] is not None for one in whole["places"]),
        "network": lambda: len(whole["ties"]),
    }[picture]()
    assert marks == expected > 1
    if picture == "network":
        assert count(browser, ".agent.pin") == len(whole["agents"])
    script = (
        "return [...document.querySelectorAll('svg')].flatMap((svg) => "
        "[...svg.querySelectorAll('text, title')].map((one) => one.textContent).concat("
        "[...svg.querySelectorAll('[aria-label]')].map((one) => one.getAttribute('aria-label'))))"
    )
    texts = [text for text in browser.execute_script(script) if any(one in text for one in LABELS)]
    assert texts or picture == "network"
    for text in texts:
        for label in LABELS:
            if label in text:
                before = text[: text.index(label)]
                assert before.endswith(": "), text
    links = browser.find_elements("css selector", ".canvas a")
    names = [link.get_attribute("aria-label") for link in links]
    assert all(names)
    if lang == "en":
        contradicted = [name for name in names if "radar parts" in name]
        assert contradicted
        assert all("denies Arvenian foreign ministry" in name for name in contradicted)
    assert [url for url in asked(browser) if not url.startswith((address, "data:"))] == []
    assert browser.get_log("browser") == []


def data_of(address: str, path: str) -> Any:
    import urllib.request

    with urllib.request.urlopen(address + path) as answer:
        return json.load(answer)


@in_a_browser
@pytest.mark.parametrize("picture", PICTURES)
def test_the_keyboard_and_buttons_zoom_and_move(browser: Any, address: str, picture: str) -> None:
    from selenium.webdriver.common.keys import Keys

    def scale() -> float:
        found = browser.execute_script(
            f"return document.getElementById('{picture}').dataset.scale || '1'"
        )
        return float(found)

    resize(browser, 1280)
    browser.get(f"{address}/{picture}")
    drawn(browser, picture)
    whole = scale()
    stops = browser.find_elements("css selector", ".canvas a[tabindex='0']")
    assert len(stops) == 1, "the picture is one stop of the keyboard"
    browser.execute_script("arguments[0].focus()", stops[0])
    browser.switch_to.active_element.send_keys("+")
    assert scale() > whole
    browser.switch_to.active_element.send_keys("0")
    assert scale() == pytest.approx(whole)
    before = browser.switch_to.active_element.get_attribute("aria-label")
    browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    assert browser.switch_to.active_element.get_attribute("aria-label") != before
    browser.find_element("css selector", "[data-zoom='in']").click()
    assert scale() > whole
    browser.find_element("css selector", "[data-zoom='out']").click()
    assert scale() == pytest.approx(whole)


@in_a_browser
def test_a_mark_leads_to_its_page(browser: Any, address: str) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get(f"{address}/timeline?agent=arvenia")
    drawn(browser, "timeline")
    mark = browser.find_element("css selector", ".bar.pin")
    browser.execute_script("arguments[0].focus()", mark)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.current_url == f"{address}/doc/event/radar-delivery"


@in_a_browser
def test_kinds_of_times_and_ties_are_drawn_differently(browser: Any, address: str) -> None:
    resize(browser, 1280)
    browser.get(f"{address}/timeline")
    drawn(browser, "timeline")
    fills = {
        how: browser.execute_script(
            f"return getComputedStyle(document.querySelector('.bar.pin.how-{how} .body')).fill"
        )
        for how in ("lasting", "within", "about")
    }
    assert "url(" in fills["within"]
    assert "url(" in fills["about"]
    assert "url(" not in fills["lasting"]
    assert count(browser, ".bar.pin.how-about .body[mask]") == 1
    assert count(browser, ".bar.pin .arrow") == 2, "one open start and one open end"
    signs = {
        mark.get_attribute("d") for mark in browser.find_elements("css selector", ".bar.pin .point")
    }
    assert len(signs) == 4, "contested, planned, reported, and none"
    browser.get(f"{address}/network")
    drawn(browser, "network")
    dashes, heads = set(), set()
    for standing in ("described", "disputed", "planned"):
        line = browser.find_element("css selector", f".tie.pin.{standing} path.tie")
        dashes.add(line.value_of_css_property("stroke-dasharray"))
        heads.add(line.get_attribute("marker-end"))
    assert len(dashes) == len(heads) == 3


@in_a_browser
@pytest.mark.parametrize("width", [320, 360, 768])
def test_pictures_fit_small_screens(browser: Any, address: str, width: int) -> None:
    resize(browser, width)
    for path in (*PICTURES, "", "doc/place/bost-city"):
        browser.get(f"{address}/{path}")
        drawn(browser, {"": "latest", "doc/place/bost-city": "map"}.get(path, path))
        script = "return document.documentElement.scrollWidth"
        assert browser.execute_script(script) <= width, path


NAMES_SHOWN = """
const box = (one) => {
  const found = one.getBoundingClientRect();
  return [found.left, found.top, found.right, found.bottom];
};
return [...document.querySelectorAll("#network .agent.pin")].map((one) => [
  one.querySelector("title").textContent,
  getComputedStyle(one.querySelector("text")).visibility,
  box(one.querySelector("text")),
  box(one.querySelector(".body")),
  one.getAttribute("aria-label"),
]);
"""


@in_a_browser
@pytest.mark.parametrize("lang", LANGUAGES)
def test_names_in_the_network_are_read_on_small_screens(
    browser: Any, crowded: str, lang: str
) -> None:
    resize(browser, 360)
    browser.get(f"{crowded}/network?lang={lang}")
    drawn(browser, "network")
    names = browser.execute_script(NAMES_SHOWN)
    assert len(names) > 12
    assert all(label.startswith(name) for name, _, _, _, label in names)
    shown = [one for one in names if one[1] == "visible"]
    assert len(names) - len(shown) <= 2, [one[0] for one in names if one not in shown]
    for n, (name, _, box, _, _) in enumerate(shown):
        assert box[0] >= 0
        assert box[2] <= 360
        for other, _, there, mark, _ in shown[n + 1 :]:
            assert _apart(box, there), (name, other)
            assert _apart(box, mark), (name, other)


def _apart(one: list[float], other: list[float]) -> bool:
    return one[2] <= other[0] or one[0] >= other[2] or one[3] <= other[1] or one[1] >= other[3]


@in_a_browser
def test_without_a_script_the_tables_are_whole(browser: Any, address: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    resize(browser, 1280)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        for picture in PICTURES:
            browser.get(f"{address}/{picture}")
            page = browser.find_element("css selector", "main")
            assert "The picture is drawn by a script" in page.text
            assert "Arvenian foreign ministry" in page.text
            assert count(browser, ROWS_OF[picture]) > 1
            assert not browser.find_element("css selector", ".tools").is_displayed()
            assert not browser.find_element("css selector", ".hint").is_displayed()
        browser.get(f"{address}/timeline")
        browser.find_element("css selector", ".narrow input[name='from']").send_keys("2031-04-28")
        browser.find_element("css selector", ".narrow button").click()
        # Without scripts a click does not wait for the next page.
        WebDriverWait(browser, 20).until(lambda it: "from=2031" in it.current_url)
        WebDriverWait(browser, 20).until(lambda it: count(it, ROWS_OF["timeline"]) == 2)
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@in_a_browser
def test_the_home_page_is_light(browser: Any, address: str) -> None:
    browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    browser.get_log("performance")
    browser.get(f"{address}/")
    assert drawn(browser, "latest") == 4
    messages = [json.loads(one["message"])["message"] for one in browser.get_log("performance")]
    size = sum(
        one["params"]["encodedDataLength"]
        for one in messages
        if one["method"] == "Network.loadingFinished"
    )
    assert 20_000 < size < 100_000, "the sample itself is small: this is what surrounds it"


@in_a_browser
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("width", [320, 1280])
def test_an_answer_is_drawn_when_it_is_opened(
    browser: Any, address: str, site: TestClient, lang: str, width: int
) -> None:
    resize(browser, width)
    both = f"{AT[:-1]} OPTIONAL {{ ?event ch:time ?t }} }}"
    text = answered(site, both, lang)
    asked(browser)
    browser.get_log("browser")
    browser.get(f"{address}/query?query={quote(both)}&lang={lang}")
    assert not [url for url in asked(browser) if re.search("built/(map|timeline)", url)]
    timed = both.replace("?event ?place", "DISTINCT ?event").replace("OPTIONAL", "")
    rows = site.get("/sparql", params={"query": timed, "format": "json"}).json()["results"]
    for picture, expected in (("map", 2), ("timeline", len(rows["bindings"]))):
        assert len(marks(text, picture)) == expected
        browser.find_element("css selector", f"details:has(#{picture}) summary").click()
        assert drawn(browser, picture) == expected
        assert count(browser, f"#{picture} {MARKS_OF[picture]}") == expected
    names = [
        mark.get_attribute("aria-label")
        for mark in browser.find_elements("css selector", ".canvas a")
    ]
    assert all(names)
    for name in names:
        for label in LABELS:
            assert label not in name or name[: name.index(label)].endswith(": ")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert [url for url in asked(browser) if not url.startswith((address, "data:"))] == []
    assert browser.get_log("browser") == []


@in_a_browser
def test_a_mark_without_a_page_leads_to_its_row(browser: Any, address: str) -> None:
    from selenium.webdriver.common.keys import Keys

    resize(browser, 1280)
    query = 'SELECT * { VALUES (?n ?day) { (1 UNDEF) (2 "2031-05-02"^^xsd:date) } }'
    browser.get(f"{address}/query?query={quote(query)}")
    summary = browser.find_element("css selector", ".drawn summary")
    browser.execute_script("arguments[0].focus()", summary)
    summary.send_keys(Keys.ENTER)
    assert drawn(browser, "timeline") == 1
    mark = browser.find_element("css selector", ".bar.pin")
    assert mark.get_attribute("aria-label") == "2 May 2031. Row 2"
    browser.execute_script("arguments[0].focus()", mark)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.current_url.endswith("#row-2")
    assert browser.find_element("css selector", "tr:target").text == "2031-05-02 2"


def opened(browser: Any, address: str, picture: str, query: str, lang: str = "en") -> None:
    """Open a picture of the answer to a query."""
    browser.get(f"{address}/query?query={quote(query)}&lang={lang}")
    browser.find_element("css selector", f"details:has(#{picture}) summary").click()
    drawn(browser, picture)


BOXES = """
return [...document.querySelectorAll(arguments[0])].map((one) => {
  const [box, svg] = [one, one.closest("svg")].map((each) => each.getBoundingClientRect());
  return [one.textContent, getComputedStyle(one).visibility, box.left - svg.left,
    box.top - svg.top, svg.right - box.right, svg.bottom - box.bottom];
});
"""


@in_a_browser
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("width", [360, 900, 1280])
@pytest.mark.parametrize("what", ["VALUES ?c { event:radar-delivery }", "?c a ch:Claim"])
def test_names_on_a_map_keep_their_beginning(
    browser: Any, address: str, what: str, lang: str, width: int
) -> None:
    resize(browser, width)
    where = "VALUES (?lat ?long) { (60 -150) (20 -60) (0 0) (-20 60) (-60 150) }"
    query = f"SELECT ?c ?lat ?long {{ {what} {where} }}"
    opened(browser, address, "map", query, lang)
    rows = browser.find_elements("css selector", "#map-marks .what")
    script = "return arguments[0].textContent.replace(/\\s+/g, ' ').trim()"
    names = [browser.execute_script(script, row) for row in rows]
    for _ in range(2):
        shown = [one for one in browser.execute_script(BOXES, "#map .spot text") if one[0]]
        assert shown or width == 360, "a speaker may be too long for a telephone"
        assert shown or what.startswith("?c")
        for text, _, *distances in shown:
            assert min(distances) >= -1, (text, distances)
            own = text.removesuffix("…").split(" · ")[0]
            assert any(name.startswith(own) and len(own) > name.index(": ") for name in names), text
        browser.find_element("css selector", "#map [data-zoom=in]").click()


@in_a_browser
@pytest.mark.parametrize("width", [360, 1280])
def test_marks_at_the_ends_of_the_earth_are_whole(browser: Any, address: str, width: int) -> None:
    resize(browser, width)
    where = "(90 0) (-90 180) (0 180) (0 -180) (90 -180)"
    opened(browser, address, "map", f"SELECT * {{ VALUES (?lat ?long) {{ {where} }} }}")
    for selector in ("#map .spot .body", "#map .spot text"):
        boxes = browser.execute_script(BOXES, selector)
        assert len(boxes) == 5
        assert all(min(box[2:]) >= 0 for box in boxes), boxes


@in_a_browser
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("days", ["2023-04-01 2023-05-03", "2022-04-01 2024-01-30", "2023 2031"])
def test_names_of_days_are_not_cut_at_the_edges(
    browser: Any, address: str, width: int, lang: str, days: str
) -> None:
    resize(browser, width)
    values = " ".join(f'"{day}"^^<http://id.loc.gov/datatypes/edtf/EDTF>' for day in days.split())
    query = f"SELECT ?day {{ VALUES ?day {{ {values} }} }}"
    opened(browser, address, "timeline", query, lang)
    for _ in range(3):
        boxes = browser.execute_script(BOXES, "#timeline .axis text")
        shown = sorted((box for box in boxes if box[1] == "visible"), key=lambda box: box[2])
        assert shown
        for text, _, left, _, right, _ in shown:
            assert min(left, right) >= 0, (text, left, right)
        browser.find_element("css selector", "#timeline [data-zoom=in]").click()


@in_a_browser
def test_a_picture_that_cannot_be_fetched_is_asked_for_again(browser: Any, address: str) -> None:
    resize(browser, 1280)
    browser.get(f"{address}/query?query={quote(AT)}")
    summary = browser.find_element("css selector", ".drawn:has(#map) summary")
    said = browser.find_element("css selector", ".drawn:has(#map) .unfetched")
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/built/map.js*"]})
    try:
        summary.click()
        browser.implicitly_wait(5)
        assert browser.find_element("css selector", ".unfetched:not([hidden])") == said
    finally:
        browser.implicitly_wait(0)
        browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        browser.get_log("browser")
    summary.click()
    summary.click()
    assert drawn(browser, "map") == 2
    assert not said.is_displayed()
