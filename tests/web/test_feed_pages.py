"""Pages of what a feed describes, whose data they are, the tables, and the page of numbers."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from kg.config import Settings
from kg.errors import ConfigError
from kg.manifest import read_manifest
from kg.vocab import CH, graph_iri
from kg.web import describe, drawn, numbers, pages
from kg.web.app import create_app
from kg.web.describe import PAGE, Description, Graph, Quad, Term
from kg.web.site import must_be_public

BASE = "https://chancery.example/"
HTML = {"Accept": "text/html"}
CITATION = "The Quarry Project (2031): Quarry events. doi:10.0000/quarry."
LICENCE = "https://licences.example/quarry"
EVENTS = 60
FEED = (
    """
g:quarry-events {
  e:quarry-1 a ch:Event, ch:Proposition ; rdfs:label "Protest against Bostmark in Quarry"@en ;
    dcterms:identifier "1" ; ch:eventType ch:plover-protest ; ch:category ch:plover-protest ;
    ch:actor a:quarry-crowd ; ch:recipient a:bostmark ; ch:place pl:quarry ; ch:time t:quarry-day .
  d:0123456789abcdef a ch:Source ; rdfs:label "quarry-news.example"@en ;
    dcterms:publisher a:harbour-news ; dcterms:issued "2031-05-02" ;
    dcterms:source "https://quarry-news.example/a?b=1&c=2" .
  d:0123456789abcdee a ch:Source ; rdfs:label "An address that is none"@en ;
    dcterms:source "javascript:alert(1)" .
  a:narrator-quarry a ch:Narrator, ch:Agent ; rdfs:label "quarry-news.example (own voice)"@en ;
    ch:voiceOf d:0123456789abcdef .
  a:narrator-row a ch:Narrator, ch:Agent ; rdfs:label "Quarry 1 (own voice)"@en ;
    ch:voiceOf rec:quarry-1 .
  rec:quarry-1 a ch:FeedRecord, ch:Source ; rdfs:label "Quarry 1"@en ; dcterms:identifier "1" .
  c:00000000000000e1 a ch:Claim ; rdfs:label "quarry-news.example (own voice) affirmed: 1"@en ;
    ch:claimant a:narrator-quarry ; ch:about e:quarry-1 ; ch:concerns e:quarry-1 ;
    ch:stance ch:stance-affirms ; ch:modality ch:modality-actual ; ch:basis ch:basis-machine-coded ;
    ch:inSource d:0123456789abcdef ; ch:locator "sentence 19 of the English text"@en .
  c:00000000000000e2 a ch:Claim ; rdfs:label "Quarry 1 (own voice) affirmed: event 1"@en ;
    ch:claimant a:narrator-row ; ch:about e:quarry-1 ; ch:concerns e:quarry-1 ;
    ch:stance ch:stance-affirms ; ch:modality ch:modality-actual ;
    ch:inSource rec:quarry-1 ; ch:locator "row 1"@en .
  t:quarry-day a ch:TimeExtent ; rdfs:label "2031-05-02"@en ; ch:edtf "2031-05-02" ;
    ch:earliest "2031-05-02"^^xsd:date ; ch:latest "2031-05-02"^^xsd:date .
"""
    + "".join(
        f'  e:quarry-x{n} a ch:Event, ch:Proposition ; rdfs:label "Protest {n}"@en ; '
        f"ch:eventType ch:plover-protest ; ch:category ch:plover-protest ; "
        f"ch:actor a:quarry-crowd ; ch:place pl:quarry ; ch:time t:quarry-day .\n"
        for n in range(EVENTS)
    )
    + """
}
g:quarry-registry {
  a:quarry-crowd a ch:Agent, ch:Group ; rdfs:label "Crowd of Quarry"@en ; ch:country a:cordia .
  pl:quarry a ch:Place ; rdfs:label "Quarry"@en ;
    ch:latitude "7.25"^^xsd:decimal ; ch:longitude "44.5"^^xsd:decimal .
}
g:quarry-status { e:quarry-1 ch:status ch:status-reported . }
g:secret {
  e:secret-1 a ch:Event, ch:Proposition ; rdfs:label "Secret sabotage"@en ;
    ch:eventType ch:plover-assault ; ch:category ch:plover-assault ; ch:actor a:quarry-crowd .
}
g:provenance {
"""
    + "".join(
        f'  g:quarry-{name} a prov:Entity ; rdfs:label "Quarry: {name}"@en ; '
        f'dcterms:license <{LICENCE}> ; dcterms:bibliographicCitation "{CITATION}" .\n'
        for name in ("events", "registry", "status")
    )
    + """
  g:registry a prov:Entity ; rdfs:label "Registry"@en ;
    dcterms:license <https://creativecommons.org/licenses/by/4.0/> .
}
"""
).encode()


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, write_sample: Callable[..., Path]) -> Path:
    """Return a folder of releases with events of a feed, and a graph that is not handed on."""
    out = tmp_path_factory.mktemp("feeds")
    write_sample(out, extra=FEED, private=frozenset([graph_iri(BASE, "secret")]))
    return out


@pytest.fixture(scope="module")
def site(release: Path, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(release, settings), follow_redirects=False) as found:
        yield found


def page(site: TestClient, address: str, language: str = "en") -> str:
    answer = site.get(address, headers={**HTML, "Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return answer.text


def words(markup: str) -> str:
    """Return the text of a page, with single spaces."""
    bare = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", markup, flags=re.DOTALL)
    return " ".join(html.unescape(bare).split())


def part(markup: str, name: str) -> str:
    """Return the section with the heading of this id."""
    found = re.search(rf'<section[^>]*aria-labelledby="{name}".*?</section>', markup, re.DOTALL)
    assert found, name
    return found[0]


# --- events --------------------------------------------------------------------------------------


def test_who_takes_part_is_shown_without_participations(site: TestClient) -> None:
    what = words(part(page(site, "/doc/event/quarry-1"), "what"))
    assert "actor Crowd of Quarry recipient Bostmark place Quarry" in what
    assert "Quarry : latitude 7.25, longitude 44.5" in what


def test_a_participation_and_its_shortcut_are_one(site: TestClient) -> None:
    what = part(page(site, "/doc/event/radar-delivery"), "what")
    assert what.count("/doc/agent/arvenia") == 1
    assert what.count("/doc/place/bost-city") == 1


def test_a_status_without_an_assessment_has_its_rule(site: TestClient) -> None:
    text = words(page(site, "/doc/event/quarry-1"))
    assert "Derived status: reported Only a document's own voice, or nobody named, affirms" in text
    assert "Nothing but the sources' own voices affirms it" in text
    assert "The assessment with its inputs" not in text


def test_an_assessed_status_is_shown_once(site: TestClient) -> None:
    text = words(page(site, "/doc/event/radar-delivery"))
    assert text.count("Derived status:") == 1
    assert "The assessment with its inputs" in text


def test_one_concept_as_type_and_category_is_shown_once(site: TestClient) -> None:
    kicker = re.search(r'<p class="kicker">(.*?)</p>', page(site, "/doc/event/quarry-1"))
    assert kicker
    assert words(kicker[1]) == "Event · protest"
    kicker = re.search(r'<p class="kicker">(.*?)</p>', page(site, "/doc/event/radar-delivery"))
    assert kicker
    assert words(kicker[1]) == "Event · arms transfer · aid"


def test_claims_show_where_they_stand(site: TestClient) -> None:
    where = "Where sentence 19 of the English text"
    assert where in words(part(page(site, "/doc/event/quarry-1"), "claims"))
    assert where in words(page(site, "/doc/claim/00000000000000e1"))
    table = site.get("/doc/event/quarry-1.csv").text
    assert "sentence 19 of the English text" in table


# --- agents, places, sources ---------------------------------------------------------------------


@pytest.mark.parametrize("thing", ["agent/quarry-crowd", "place/quarry"])
def test_events_of_feeds_are_listed_in_pages(site: TestClient, thing: str) -> None:
    first, second = page(site, f"/doc/{thing}"), page(site, f"/doc/{thing}?page=2")
    found = [set(re.findall(r"/doc/event/quarry-[x0-9]+", one)) for one in (first, second)]
    assert 'rel="next"' in first
    assert 'rel="next"' not in second
    assert len(found[0]) == PAGE
    assert len(found[0] | found[1]) == EVENTS + 1
    assert not found[0] & found[1]


def test_a_country_is_what_the_feed_codes(site: TestClient) -> None:
    text = words(page(site, "/doc/agent/quarry-crowd"))
    assert "Country, as the feed codes it Cordia" in text


def test_an_article_was_not_read_here(site: TestClient) -> None:
    markup = page(site, "/doc/document/0123456789abcdef")
    text = words(markup)
    assert "A report that a feed names. It was not read here" in text
    assert "A text that was read" not in text
    assert "The text itself" not in text
    assert "Publisher Harbour News" in text
    assert "Issued 2031-05-02" in text
    assert (
        '<a class="outside" href="https://quarry-news.example/a?b=1&amp;c=2" '
        'rel="nofollow noopener noreferrer">' in markup
    )
    assert "sentence 19 of the English text" in words(part(markup, "claims"))
    assert "described: Protest against Bostmark" in words(part(markup, "described"))


def test_only_an_address_of_the_web_is_a_link(site: TestClient) -> None:
    markup = page(site, "/doc/document/0123456789abcdee")
    assert "javascript:alert(1)" in words(markup)
    assert 'href="javascript' not in markup


def test_a_document_that_was_read_says_so(site: TestClient) -> None:
    assert "A text that was read" in page(site, "/doc/document/harbour-bn")


def test_a_row_of_a_feed_has_its_claims(site: TestClient) -> None:
    markup = page(site, "/doc/record/quarry-1")
    assert "Record of a feed" in words(markup)
    assert "Where row 1" in words(part(markup, "claims"))
    assert "/doc/event/quarry-1" in part(markup, "described")


# --- whose data ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "/doc/event/quarry-1",
        "/doc/claim/00000000000000e1",
        "/doc/agent/quarry-crowd",
        "/doc/document/0123456789abcdef",
        "/doc/record/quarry-1",
        "/doc/graph/quarry-events",
    ],
)
def test_pages_say_whose_data_they_show(site: TestClient, address: str) -> None:
    answer = site.get(address, headers=HTML)
    text = words(answer.text)
    assert f"Licence {LICENCE}" in text
    assert f"Cite as {CITATION}" in text
    cite = re.search(r'<details class="cite">.*?</details>', answer.text, re.DOTALL)
    assert cite
    assert CITATION in html.unescape(cite[0])
    assert f'<{LICENCE}>; rel="license"' in answer.headers["link"]
    data = site.get(f"{address}.nt").text
    assert LICENCE in data
    assert CITATION in data


def test_what_is_of_the_feed_alone_is_not_under_our_licence(site: TestClient) -> None:
    ours = '<https://creativecommons.org/licenses/by/4.0/>; rel="license"'
    assert ours not in site.get("/doc/event/quarry-1", headers=HTML).headers["link"]
    assert ours in site.get("/doc/event/radar-delivery", headers=HTML).headers["link"]
    both = site.get("/doc/agent/bostmark", headers=HTML).headers["link"]
    assert ours in both
    assert LICENCE in both


def test_other_pages_credit_nobody(site: TestClient) -> None:
    assert 'id="licence"' not in page(site, "/doc/event/radar-delivery")


def test_a_licence_of_its_own_is_credited_without_a_citation() -> None:
    graph, name = Graph(), f"{BASE}id/graph/x"
    label = "http://www.w3.org/2000/01/rdf-schema#label"
    licence = "http://purl.org/dc/terms/license"
    graph.add(
        [
            Quad(f"{BASE}id/agent/a", label, Term("A", False, "en"), name),
            Quad(name, licence, Term(LICENCE), f"{BASE}id/graph/provenance"),
        ]
    )
    d = Description(f"{BASE}id/agent/a", BASE, "agent", "a", 1, graph, {}, (), False)
    assert [one.citation for one in pages.View(d).credits("https://ours.example/")] == [""]
    assert not pages.View(d).credits(LICENCE)


# --- tables and numbers --------------------------------------------------------------------------


def test_the_tables_are_a_section_of_the_downloads(site: TestClient) -> None:
    markup = page(site, "/download")
    at = markup.index('<h2 id="tables">')
    section = markup[at : markup.index('<h2 id="tools">')]
    for name in ("events", "claims", "participants", "relations", "entities", "sources"):
        assert f"tables/{name}.parquet" in section
    assert "tables/counts.json" in section
    counts = site.get("/download/current/tables/counts.json").json()
    assert f'<td class="n">{counts["rows"]["events"]}</td>' in section
    assert "Graphs that may not be handed on are in none of the files" in section
    assert "tables/" not in markup[markup.index("All other files of this release") :]


def test_a_table_is_handed_on_in_ranges(site: TestClient) -> None:
    import pyarrow.parquet as pq

    address = "/download/current/tables/events.parquet"
    whole = site.get(address)
    assert whole.headers["content-type"] == "application/vnd.apache.parquet"
    assert pq.read_table(io.BytesIO(whole.content)).num_rows > EVENTS
    some = site.get(address, headers={"Range": "bytes=0-3"})
    assert (some.status_code, some.content) == (206, b"PAR1")
    again = site.get(address, headers={"If-None-Match": whole.headers["etag"]})
    assert again.status_code == 304


def test_what_may_not_be_handed_on_is_in_no_file(site: TestClient) -> None:
    import pyarrow.parquet as pq

    data = site.get("/download/current/tables/events.parquet").content
    assert not [
        one for one in pq.read_table(io.BytesIO(data))["label"].to_pylist() if "Secret" in one
    ]
    assert "Secret" not in site.get("/download/current/graph.nt.gz").text
    assert b"Secret" not in site.get("/download/current/graph.nq").content
    assert "graphs/secret" not in page(site, "/download")
    assert site.get("/download/current/graphs/secret.nq").status_code == 404
    kinds = site.get("/download/current/tables/counts.json").json()["events"]
    assert not [one for one in kinds if one["type"] == "plover-assault"]


@pytest.mark.parametrize("language", ["en", "bn", "hi"])
def test_numbers_are_of_descriptions_and_lead_to_them(site: TestClient, language: str) -> None:
    markup = page(site, "/numbers", language)
    counts = site.get("/download/current/tables/counts.json").json()
    protests = sum(one["number"] for one in counts["events"] if one["category"] == "protest")
    assert protests == EVENTS + 1
    section = part(markup, "categories")
    assert len(re.findall("<rect", section)) == len({one["category"] for one in counts["events"]})
    if language == "en":
        assert "not a fact" in words(markup)
        assert f"protest {protests}" in words(section)
        assert "Crowd of Quarry as actor 61" in words(part(markup, "participants"))
    [address] = [
        one for one in re.findall(r'href="(/query[^"]*)"', section) if "plover-protest" in one
    ]
    query = parse_qs(urlsplit(html.unescape(address)).query)["query"][0]
    found = site.get("/sparql", params={"query": query}, headers={"Accept": "application/json"})
    assert len(found.json()["results"]["bindings"]) == protests
    for address in re.findall(r'href="(/timeline[^"]*)"', part(markup, "months")):
        assert site.get(html.unescape(address), headers=HTML).status_code == 200


def test_numbers_stay_few(site: TestClient) -> None:
    events = [
        {"type": f"type-{n}", "category": f"c{n}", "month": f"{1500 + n}-01", "status": "reported"}
        for n in range(400)
    ]
    found = numbers.sums_of(
        json.dumps(
            {
                "rows": {"events": 400_000},
                "events": [{**one, "number": 1000} for one in events],
                "claims": [],
                "participants": [],
            }
        ).encode()
    )
    ask: Any = type(
        "Ask",
        (),
        {
            "root": "",
            "static": None,
            "language": pages.language("en"),
        },
    )()
    years = numbers.by_days(ask, found.years, numbers.YEARS)
    assert len(years) == numbers.YEARS
    assert years[0].name.label.text == "1899"
    assert numbers.last_month(found, 6) == "1899-01"
    assert numbers.last_month(found, 1001) == "1898-01"


def test_the_home_page_leads_to_the_numbers(site: TestClient) -> None:
    markup = page(site, "/")
    assert '<a href="/numbers">' in markup
    assert "Described events by category" in words(markup)


def test_a_release_without_tables_has_no_numbers(
    release: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbers, "COUNTS", "tables/none.json")
    with TestClient(create_app(release, settings)) as client:
        assert client.get("/numbers", headers=HTML).status_code == 404
        assert "Described events by category" not in client.get("/", headers=HTML).text


def test_who_is_offered_by_forms_comes_from_the_sums(site: TestClient) -> None:
    markup = page(site, "/timeline")
    assert '<option value="quarry-crowd"' in markup
    assert '<option value="quarry"' in markup
    assert '<option value="plover-protest"' in markup


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1"])
def test_others_are_not_served_what_may_not_be_handed_on(release: Path, host: str) -> None:
    site = create_app(release, Settings(workers=1, host=host))
    with TestClient(site) as client:
        assert client.get("/readyz").status_code == 503
        assert client.get("/doc/event/secret-1", headers=HTML).status_code == 503
    with pytest.raises(ConfigError, match="--private"):
        must_be_public(read_manifest(release / "current"), host)
    everybody = Settings(workers=1, host=host, private="everywhere")
    with TestClient(create_app(release, everybody)) as client:
        assert client.get("/doc/event/secret-1", headers=HTML).status_code == 200


# --- bounds --------------------------------------------------------------------------------------


def test_pictures_look_at_so_many_events(
    release: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawn, "LOOKED_AT", 20)
    monkeypatch.setattr("kg.web.pictures.LOOKED_AT", 20)
    with TestClient(create_app(release, settings)) as client:
        line = client.get("/timeline.json").json()
        assert line["events"] == 20
        assert line["cut"]
        places = client.get("/map.json").json()["places"]
        assert sum(one["described_events"] for one in places) <= 20
        for name in ("map", "network"):
            assert "only that many were looked at" in client.get(f"/{name}", headers=HTML).text
        latest = client.get("/", headers=HTML).text
        assert 'id="latest-events"' in latest


def test_the_last_events_come_first(site: TestClient) -> None:
    line = site.get("/timeline.json").json()
    days = [one["earliest"] or one["latest"] or "" for one in line["timeline"]]
    assert days == sorted(days, reverse=True)
    narrow = site.get("/timeline.json?from=2031-05-02&to=2031-05-02").json()
    assert narrow["events"] >= EVENTS + 1
    assert not [one for one in narrow["timeline"] if one["latest"] and one["latest"] < "2031-05-02"]


def test_concepts_without_a_name_in_the_sums() -> None:
    found = numbers.sums_of(
        b'{"rows":{},"events":[{"type":"","category":"","month":"","status":"","number":2}],'
        b'"claims":[{"stance":"denies","modality":"","basis":"","number":1}],"participants":[]}'
    )
    assert found.categories == {"": 2}
    assert found.stances == {f"{CH}stance-denies": 1}
    assert numbers.last_month(found, 1) == ""


def test_a_hub_is_sorted_within_some_pages_and_nothing_is_lost(
    release: Path,
    settings: Settings,
    gathers_here: Callable[[Any], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(describe, "SORTED_PAGES", 2)
    monkeypatch.setattr(describe, "PAGE", 10)
    with TestClient(create_app(release, settings)) as client:
        served = client.app.served  # type: ignore[attr-defined] # the site
        with gathers_here(served.engine):
            found: list[str] = []
            number = 1
            while number < 20:
                markup = client.get(f"/doc/agent/quarry-crowd?page={number}", headers=HTML).text
                listed = markup[markup.index('id="does"') : markup.index('id="record"')]
                found += dict.fromkeys(re.findall(r"/doc/event/(quarry-[x0-9]+)", listed))
                if 'rel="next"' not in markup:
                    break
                number += 1
    assert len(found) == len(set(found)) == EVENTS + 1
    assert number == 7
