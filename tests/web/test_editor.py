"""The page of a query: table, chart and files; the other side; what it completes with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pyoxigraph as ox
import pytest
from starlette.testclient import TestClient

from kg.config import Settings
from kg.web.app import create_app
from kg.web.describe import Description, Graph, Solutions, Term
from kg.web.editor import LISTED, LONGEST_ADDRESS
from kg.web.guard import ADDRESS_BYTES
from kg.web.pages import BARS, View, answer

BASE = "https://chancery.example/"
XSD = "http://www.w3.org/2001/XMLSchema#"
HTML = {"Accept": "text/html"}
COUNTS = "SELECT ?stance (COUNT(*) AS ?n) { ?c ch:stance ?stance } GROUP BY ?stance ORDER BY ?n"


def page(client: TestClient, query: str, **more: str) -> str:
    """Return the page of a query that is answered."""
    found = client.get("/query", params={"query": query, **more}, headers=HTML)
    assert found.status_code == 200, found.text
    return found.text


def rows(client: TestClient, query: str) -> list[dict[str, Any]]:
    """Return what the endpoint answers."""
    found = client.get("/sparql", params={"query": query, "format": "json"}).json()
    return list(found["results"]["bindings"])


# --- results ---------------------------------------------------------------------------------


def shown(*numbers: str, datatype: str = XSD + "integer") -> Any:
    """Return the answer to show whose rows are called by their number and have these numbers."""
    found = Solutions(
        ("what", "n"),
        tuple(
            {"what": Term(f"row {i}", False, "en"), "n": Term(text, False, "", datatype)}
            for i, text in enumerate(numbers)
        ),
    )
    view = View(Description("", BASE, "list", "", 1, Graph(), {}, (), False))
    return answer(view, found, 1000)


def test_a_chart_has_a_bar_for_each_row_as_long_as_its_number() -> None:
    bars = shown("4", "1", "0", "2").bars
    assert (bars.label, bars.number, bars.cut) == ("what", "n", False)
    assert [bar.length for bar in bars.bars] == ["100.00", "25.00", "0.00", "50.00"]
    assert {bar.start for bar in bars.bars} == {"0.00"}
    both = shown("30", "-10").bars
    assert [(bar.start, bar.length) for bar in both.bars] == [("25.00", "75.00"), ("0.00", "25.00")]
    huge = shown("1e308", "-1e308", datatype=XSD + "double").bars
    assert [bar.length for bar in huge.bars] == ["50.00", "50.00"]
    assert [bar.length for bar in shown("0", "0").bars.bars] == ["0.00", "0.00"]


def test_there_is_no_chart_of_text_that_a_query_made(client: TestClient) -> None:
    """Nobody knows whether it says something that only a source says."""
    counted = "(COUNT(?c) AS ?n) { ?c ch:concerns ?e . ?e rdfs:label ?l } GROUP BY ?l"
    made = page(client, f"SELECT (CONCAT(STR(?l), '!') AS ?x) {counted}")
    assert "<rect" not in made
    stripped = page(client, f"SELECT (STR(?l) AS ?x) {counted}")
    label = "Delivery of radar parts by Arvenia to Bostmark"
    assert label in stripped
    for before in re.findall(rf"(.{{60}}){re.escape(label)}", stripped, re.DOTALL):
        assert 'class="mark"' in before or "lang=" in before, before


def test_text_that_a_query_made_is_marked(client: TestClient) -> None:
    row = "VALUES ?a { agent:mira-odan } ?a rdfs:label ?l"
    for text, made in (
        ("?l", False),
        ("STR(?l)", False),
        ("STR(?a)", False),
        ("STR(1 + 1)", False),
        ('"Radar parts were delivered, they say"@en', True),
        ("LCASE(?l)", True),
        (f"'{'long ' * 90}'", True),
    ):
        found = page(client, f"SELECT ({text} AS ?x) {{ {row} }}")
        mark = '<span class="made"><span class="mark">text made by the query: </span>'
        assert (mark in found) == made, text
    labels = page(client, "SELECT ?l (STR(?l) AS ?x) { ?e a ch:Event ; rdfs:label ?l }")
    assert 'class="made"' not in labels, "they are marked as described"


DOTS = "." * 401
EVENTS = '?e a ch:Event ; rdfs:label ?l FILTER(LANG(?l) = "en")'
MADE = '<span class="made"><span class="mark">text made by the query: </span>'


@pytest.mark.parametrize(
    "made",
    [
        "STRDT(STR(?l), xsd:token)",
        "STRDT(STR(?l), xsd:integer)",
        "STRDT(STR(?l), xsd:date)",
        'STRLANG(STR(?l), "fr")',
        f'STRLANG(CONCAT(STR(?l), "{DOTS}"), "en")',
        'CONCAT("https://", REPLACE(STR(?l), " ", "_"))',
        'IRI(CONCAT("https://x.example/", ENCODE_FOR_URI(STR(?l))))',
        f'IRI(CONCAT("{BASE}id/agent/", ENCODE_FOR_URI(STR(?l))))',
        "TRIPLE(?e, rdfs:comment, CONCAT(STR(?l), '!'))",
        'STRDT("x", IRI(CONCAT("urn:", ENCODE_FOR_URI(?l))))',
        'STRDT("x", IRI(CONCAT(STR(xsd:), ENCODE_FOR_URI(?l))))',
        "STRDT('x', ?e)",
        "STRAFTER(STR(?e), '/id/')",
        "IF(BOUND(?e), 'war-in-ukraine', '')",
        "IF(BOUND(?e), 'kim-invades-seoul', '')",
        "IF(BOUND(?e), 'TourOfSeoul', '')",
        "IF(BOUND(?e), '金正恩入侵首尔', '')",
    ],
)
def test_what_a_query_retypes_pads_or_addresses_anew_is_marked(
    client: TestClient, made: str
) -> None:
    query = f"SELECT ({made} AS ?x) (22.5 AS ?lat) (88.3 AS ?long) (1 AS ?n) {{ {EVENTS} }}"
    text = page(client, query)
    count = len(rows(client, query))
    assert count > 1
    assert text.count(MADE) == count, "once in each row of the table and nowhere else"
    assert '<ol class="bars">' not in text
    [mark] = re.findall(r"<li data-latitude.*?</li>", text, re.DOTALL)
    assert "Row 1" in mark


@pytest.mark.parametrize(
    "made",
    [
        "LANG(?l)",
        "DATATYPE(?l)",
        '"zh-Hant"',
        "STR(?e)",
        "?g",
        "?p",
        'IF(STRLEN(?l) > 20, "long", "short")',
        '"P1Y2M10DT2H30M"^^xsd:duration',
        '"2031-05-02T23:00:00-05:00"^^xsd:dateTime',
        "1.5e-7",
        '"-INF"^^xsd:float',
        "true",
        '"2031-05~"^^<http://id.loc.gov/datatypes/edtf/EDTF>',
        "DATATYPE(STRLEN(?l))",
        '"en, bn, hi"',
        '"नहीं"',
        '"হ্যাঁ"',
        '"Müller"',
        '"démenti"',
        '"否"',
        "STRAFTER(STR(?p), '#')",
        "STRAFTER(STR(skos:prefLabel), '#')",
        "STRAFTER(STR(ch:StatusAssessment), '#')",
        "STRAFTER(STR(ch:stance-does-not-confirm), '#')",
        "STRAFTER(STR(?g), '/graph/')",
        "'arvenian-foreign-minister'",
        "'unattributed-harbour-bn'",
    ],
)
def test_what_says_nothing_is_not_marked(client: TestClient, made: str) -> None:
    body = f"{{ {EVENTS} GRAPH ?g {{ ?e ?p ?l }} BIND({made} AS ?x) }} GROUP BY ?x"
    text = page(client, f"SELECT ?x (COUNT(*) AS ?n) {body}")
    assert "<tbody>" in text
    assert MADE not in text


@pytest.mark.parametrize("lang", ["en", "bn", "hi"])
def test_readings_and_quoted_words_have_the_marks_of_the_pages_of_things(
    client: TestClient, walk: Any, lang: str
) -> None:
    event = f"<{BASE}id/event/radar-delivery>"
    words = {"Bostmark delivered to itself", "Arvenia delivered to Bostmark", "ভিত্তিহীন গল্প"}
    for pattern, mark in (
        (f"{event} ch:literalReading ?x", "literal reading"),
        (f"{event} ch:chosenReading ?x", "chosen reading"),
        ("?c ch:quotedWording ?x", "described"),
    ):
        for what in ("?x", "(STR(?x) AS ?y)"):
            text = page(client, f"SELECT {what} {{ {pattern} }}", lang=lang)
            assert walk(text).bare(words) == []
            if lang == "en":
                assert f'<span class="described"><span class="mark">{mark}: </span>' in text
            beside = text[text.index('id="positions"') :]
            assert "event/radar-delivery" in beside
    for kind in ("StatusAssessment", "EventLink"):
        text = page(client, f"SELECT ?x {{ ?s a ch:{kind} ; rdfs:label ?x }}", lang=lang)
        assert "event/radar-delivery" in text[text.index('id="positions"') :], kind
    about = "SELECT ?x { agent:mira-odan dcterms:description ?x }"
    assert 'class="mark"' not in page(client, about), "nobody denies what an agent is"


KEYS = [
    "SELECT ?x (COUNT(?c) AS ?n) { ?c ch:concerns ?e . ?e a ch:Event ; dcterms:identifier ?x } "
    "GROUP BY ?x",
    "SELECT (STRAFTER(STR(?e), '/id/event/') AS ?x) (COUNT(?c) AS ?n) "
    "{ ?c ch:concerns ?e . ?e a ch:Event } GROUP BY ?e",
    "SELECT (STR(?e) AS ?x) (COUNT(?c) AS ?n) { ?c ch:concerns ?e . ?e a ch:Event } GROUP BY ?e",
    "SELECT (STRAFTER(STR(?e), '/id/relation/') AS ?x) (COUNT(?c) AS ?n) "
    "{ ?c ch:concerns ?e . ?e a ch:Relation } GROUP BY ?e",
    "SELECT (STRLANG(STRAFTER(STR(?e), '/id/claimset/'), 'en') AS ?x) { ?e a ch:ClaimSet }",
    "SELECT (STRDT(STR(?e), xsd:token) AS ?x) { ?e a ch:Event }",
]


@pytest.mark.parametrize("query", KEYS)
def test_keys_and_addresses_as_text_are_marked_as_labels_are(
    client: TestClient, query: str
) -> None:
    text = page(client, query)
    found = {row["x"]["value"] for row in rows(client, query)}
    assert found
    mark = '<span class="described"><span class="mark">described: </span>'
    for word in found:
        cells = re.findall(rf"<td>([^\n]*?){re.escape(word)}</span>", text)
        assert cells, word
        assert all(cell.startswith(mark) for cell in cells), cells
    beside = text[text.index('id="positions"') :]
    assert beside.count('<p class="what">') >= 1
    if "ch:Event" in query:
        assert "<b>denies</b>" in beside


def test_blank_nodes_are_numbered(client: TestClient) -> None:
    """A query can name them with words."""
    named = f"{EVENTS} BIND(BNODE(REPLACE(STR(?l), '[^A-Za-z]+', '_')) AS ?b)"
    text = page(client, f"SELECT ?b (TRIPLE(?b, rdf:type, ?b) AS ?t) {{ {named} }}")
    table = text[text.index("<tbody>") : text.index("</tbody>")]
    assert re.findall(r"_:\w+", table)[:4] == ["_:1", "_:1", "_:1", "_:2"]
    assert "_of_" not in table
    graph = shown_graph(
        page(
            client,
            f"CONSTRUCT {{ ?b ch:about ?b, ?t }} {{ {named} BIND(TRIPLE(?b, ?e, ?b) AS ?t) }}",
        )
    )
    assert "_:1" in graph
    assert "_of_" not in graph


def shown_graph(text: str) -> str:
    """Return the graph that a page shows as the answer."""
    [graph] = re.findall(r"<pre><code>(.*?)</code></pre>", text, re.DOTALL)
    return str(graph)


@pytest.mark.parametrize(
    "graph",
    [
        "[] rdfs:label ?l",
        "[] rdfs:label ?plain",
        "[] rdfs:label ?key",
        "[] ?e 1",
        "[] ch:about ?triple",
        "[] ch:about ?typed",
    ],
)
def test_positions_are_beside_whatever_place_of_a_graph_has_the_event(
    client: TestClient, graph: str
) -> None:
    event = f"<{BASE}id/event/radar-delivery>"
    where = (
        f"VALUES ?e {{ {event} }} ?e rdfs:label ?l BIND(STR(?l) AS ?plain) "
        "BIND(STRAFTER(STR(?e), '/event/') AS ?key) BIND(STRDT('x', ?e) AS ?typed) "
        "BIND(TRIPLE(rdf:nil, rdf:type, TRIPLE(?e, rdf:type, rdf:nil)) AS ?triple)"
    )
    text = page(client, f"CONSTRUCT {{ {graph} }} WHERE {{ {where} }}")
    assert text.count("they assert nothing") == 2, "of the graph, and of the raw answer"
    beside = text[text.index('id="positions"') :]
    assert "event/radar-delivery" in beside
    assert "<b>denies</b>" in beside


def test_a_triple_term_is_shown_by_its_terms(client: TestClient, walk: Any) -> None:
    values = page(client, "SELECT ?t { VALUES ?t { <<( agent:mira-odan rdf:type 1 )>> } }")
    assert re.search(r'class="triple">&lt;&lt;\( <a .*? 1 \)&gt;&gt;</span>', values)
    assert page(client, "SELECT (TRIPLE(?s, ?p, ?o) AS ?t) { ?s ?p ?o } LIMIT 9")
    label = "Delivery of radar parts by Arvenia to Bostmark"
    inside = "TRIPLE(?e, rdfs:label, TRIPLE(?e, rdfs:label, ?l))"
    text = page(client, f"SELECT ({inside} AS ?t) (1 AS ?n) {{ {EVENTS} }}")
    assert label in text
    assert walk(text).bare({label}) == []
    assert "<b>denies</b>" in text[text.index('id="positions"') :]


def test_there_is_no_chart_of_what_cannot_be_compared() -> None:
    assert shown("4").bars is None, "one row"
    assert shown("4", "5", datatype=XSD + "string").bars is None
    assert shown("4", "INF", datatype=XSD + "double").bars is None
    assert shown("4", "five").bars is None


def test_a_long_chart_says_that_it_is_cut(client: TestClient) -> None:
    bars = shown(*map(str, range(BARS + 1))).bars
    assert (len(bars.bars), bars.cut) == (BARS, True)
    text = page(client, "SELECT ?s (STRLEN(STR(?o)) AS ?n) { ?s ?p ?o } ORDER BY ?s ?p ?o LIMIT 99")
    assert f"Only the first {BARS} rows are drawn." in text
    assert text.count("<rect") == BARS


def test_columns_say_what_their_values_are(client: TestClient) -> None:
    query = 'SELECT ?day ?lat ?long ?n ?year ?x { VALUES (?day ?lat ?long ?n ?year ?x) { \
        ("2023-10-18"^^xsd:date 22.5 88.3 7 2023 "কলকাতা"@bn) \
        (UNDEF 28.6 77.2 8 1947 ch:Event) } }'
    found = re.findall(r'<th scope="col"(?: data-values="(\w+)")?>(\w+)</th>', page(client, query))
    assert found == [
        ("date", "day"),
        ("latitude", "lat"),
        ("longitude", "long"),
        ("number", "n"),
        ("year", "year"),
        ("", "x"),
    ]
    counted = "SELECT ?year ?n { VALUES (?year ?n) { (2022 4) (2023 1) } }"
    assert "Chart: n by year" in page(client, counted)
    assert "<rect" not in page(client, counted.replace("2023", "20231")), "no years, then"


def test_the_chart_is_of_the_rows_of_the_table(client: TestClient) -> None:
    text = page(client, COUNTS, lang="bn")
    expected = [int(row["n"]["value"]) for row in rows(client, COUNTS)]
    widths = [float(w) for w in re.findall(r'<rect [^>]*width="([\d.]+)"', text)]
    assert widths == pytest.approx([100 * n / max(expected) for n in expected], abs=0.01)
    assert text.index('class="bars"') < text.index("<table>"), "the table is beside it"


def test_files_are_the_whole_answer_in_each_format(client: TestClient) -> None:
    for query, count in ((COUNTS, 4), ("CONSTRUCT WHERE { agent:mira-odan a ?t }", 6)):
        graph = {"default-graph-uri": f"{BASE}id/graph/vocabulary"}
        links = re.findall(
            r'<a href="([^"]+)" type="([^"]+)" download=', page(client, query, **graph)
        )
        assert len(links) == count
        for href, media_type in links:
            href = href.replace("&amp;", "&")
            found = client.get(href)
            assert found.status_code == 200
            assert found.headers["content-type"].startswith(media_type)
            assert parse_qs(urlsplit(href).query)["default-graph-uri"] == [*graph.values()]


def test_a_result_says_how_much_it_is_and_of_what(client: TestClient, releases: Path) -> None:
    text = page(client, COUNTS)
    assert f"<span>{len(rows(client, COUNTS))} rows</span>" in text
    assert re.search(r"<span>answered in [\d,]+ ms</span>", text)
    assert f'href="/releases/{(releases / "current").resolve().name}"' in text
    long = page(client, "SELECT * { ?s ?p ?o }")
    assert "<span>1,000 rows, broken off</span>" in long


# --- the other side --------------------------------------------------------------------------


def test_whoever_denies_is_beside_what_a_result_names(
    client: TestClient, quads: list[ox.Quad]
) -> None:
    denials = rows(
        client,
        "SELECT ?event ?who ?name { ?c ch:stance ch:stance-denies ; ch:concerns ?event ; "
        'ch:claimant ?who . ?event a ch:Event . ?who rdfs:label ?name FILTER(LANG(?name) = "en") }',
    )
    assert denials
    for row in denials:
        event, name = row["event"]["value"], row["name"]["value"]
        # The event alone, and a claim that affirms it alone: neither query asks who denies it.
        for query in (
            f"SELECT ?e {{ VALUES ?e {{ <{event}> }} }}",
            f"SELECT ?c {{ ?c ch:about <{event}> ; ch:stance ch:stance-affirms }}",
        ):
            text = page(client, query)
            beside = text[text.index('id="positions"') :]
            assert "<b>denies</b>" in beside, query
            assert name in beside


def test_positions_are_bounded_and_that_is_said(client: TestClient) -> None:
    query = "SELECT ?e { { ?e a ch:Event } UNION { ?e a ch:Relation } }"
    found = len({row["e"]["value"] for row in rows(client, query)})
    text = page(client, query)
    beside = text[text.index('id="positions"') : text.index("Questions to start from")]
    assert beside.count('<p class="what">') == min(found, LISTED)
    assert ("more events and relations are named" in beside) == (found > LISTED + 1)
    assert 'id="positions"' not in page(client, "SELECT ?a { ?a a ch:Person }")


def test_a_question_has_the_other_side_too(client: TestClient) -> None:
    text = client.get("/questions/described-labels", headers=HTML).text
    assert "<b>denies</b>" in text[text.index('id="positions"') :]


def test_a_chart_of_events_shows_none_bare(
    client: TestClient, quads: list[ox.Quad], walk: Any
) -> None:
    label = "http://www.w3.org/2000/01/rdf-schema#label"
    labels = {
        quad.object.value
        for quad in quads
        if quad.predicate.value == label and "/event/" in quad.subject.value
    }
    for what in ("?e", "?l"):
        query = f"SELECT {what} (COUNT(?c) AS ?n) {{ ?e a ch:Event ; rdfs:label ?l . \
            ?c ch:concerns ?e }} GROUP BY {what}"
        text = page(client, query)
        assert '<ol class="bars">' in text
        assert walk(text).bare(labels) == []


# --- queries that are wrong or long ----------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "line", "column", "marked"),
    [
        ("SELECT * {\n  ?এক ch:stance ?b .\n  FILTR(?b)\n}", 3, 3, "  <mark>FILTR</mark>(?b)"),
        ('SELECT * { ?a ?b "কলকাতা 𝄞"@bn , nope:x }', 1, 34, "<mark>nope:x</mark> }"),
        ("SELECT * {\n ?a ?b ?c", 2, 10, "?c<mark>↵</mark>"),
        ("ASK { SERVICE <http://x.example/> {} }", 1, 7, "<mark>SERVICE</mark>"),
    ],
)
def test_what_is_wrong_is_shown_where_it_is(
    client: TestClient, query: str, line: int, column: int, marked: str
) -> None:
    found = client.get("/query", params={"query": query}, headers=HTML)
    assert found.status_code == 400
    problem = client.get("/sparql", params={"query": query, "format": "json"}).json()
    assert (problem["line"], problem["column"]) == (line, column)
    assert f'data-line="{line}" data-column="{column}"' in found.text
    assert marked in found.text


def test_a_query_that_is_too_long_for_an_address_is_sent_by_a_form(
    serving: Any, releases: Path
) -> None:
    values = " ".join(f'"{i}-কলকাতা"' for i in range(4000))
    query = f"SELECT (COUNT(*) AS ?n) {{ VALUES ?x {{ {values} }} }}"
    body = urlencode({"query": query, "format": "csv"})
    assert len(body) > ADDRESS_BYTES > LONGEST_ADDRESS

    def ask(address: str, method: str, target: str, text: str = "", **more: str) -> tuple[int, str]:
        connection = HTTPConnection(urlsplit(address).netloc)
        with closing(connection):
            connection.request(method, target, text or None, {**HTML, **more})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    with serving(releases) as address:
        status, long = ask(address, "GET", f"/query?{body}")
        assert (status, "send the query by POST" in long) == (413, True)
        _, form = ask(address, "GET", "/query")
        button = re.search(r'<button [^>]*formaction="(.*?)" formmethod="post" name="format"', form)
        assert button
        typed = {"Content-Type": "application/x-www-form-urlencoded"}
        assert ask(address, "POST", button[1], body, **typed) == (200, "n\r\n4000\r\n")


# --- completion ------------------------------------------------------------------------------


def test_terms_are_those_of_this_release(client: TestClient, quads: list[ox.Quad]) -> None:
    found = client.get("/query/terms.json?lang=bn").json()
    terms = {term["name"]: term for term in found["terms"]}
    assert terms["ch:stance"]["label"] == {"text": "অবস্থান", "lang": "bn"}
    assert terms["ch:stance"]["definition"]["lang"] == "en"
    assert terms["ch:stance"]["kind"] == "property"
    assert terms["ch:Event"]["kind"] == "class"
    assert terms["ch:stance-denies"]["scheme"] == found["values"]["ch:stance"] == "ch:scheme-stance"
    assert found["more"] is False
    used = {quad.predicate.value for quad in quads}
    spaces = found["prefixes"]
    iris = set()
    for name in terms:
        prefix, _, local = name.partition(":")
        iris.add(name[1:-1] if name[0] == "<" else spaces[prefix] + local)
    assert used <= iris, "every property of the data is among them"
    some = " ".join(name for name in list(terms)[:100])
    assert rows(client, f"SELECT ?x {{ VALUES ?x {{ {some} }} }}"), "they are names in a query"


def test_terms_are_kept_by_readers(client: TestClient) -> None:
    first = client.get("/query/terms.json?lang=hi")
    again = {"If-None-Match": first.headers["etag"]}
    assert client.get("/query/terms.json?lang=hi", headers=again).status_code == 304
    other = client.get("/query/terms.json?lang=en", headers=again)
    assert other.status_code == 200
    assert other.json() != first.json()
    assert "Accept-Language" in first.headers["vary"]


def test_a_server_without_scripts_says_so(releases: Path, settings: Settings) -> None:
    site = create_app(releases, settings)
    site.assets = {name: data for name, data in site.assets.items() if "built/" not in name}
    with TestClient(site) as client:
        text = page(client, COUNTS)
        assert "set up without the scripts" in text
        assert "<textarea" in text
        assert "<script defer" not in text
        assert "/assets/built/" not in text


# --- in a browser ----------------------------------------------------------------------------

in_browser = pytest.mark.requires("chromium", "chromedriver", "assets")


@pytest.fixture(scope="module")
def address(releases: Path, serving: Any) -> Iterator[str]:
    """Return the address of a server with the invented facts."""
    with serving(releases) as found:
        yield found


class Editor:
    """The page of a query in a browser."""

    def __init__(self, browser: Any, address: str, path: str = "/query") -> None:
        self.browser, self.address = browser, address
        browser.get_log("browser")
        browser.get_log("performance")
        self.open(path)

    def open(self, path: str) -> None:
        self.browser.get(self.address + path)
        self.wait(lambda: self.browser.find_elements("css selector", ".editor .code"))

    def wait(self, what: Any) -> Any:
        """Return what becomes true."""
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.browser, 30).until(lambda _: what())

    def find(self, selector: str) -> Any:
        return self.browser.find_element("css selector", selector)

    def inside(self, selector: str) -> list[Any]:
        """Return elements of the editor."""
        return list(self.find(".editor .code").shadow_root.find_elements("css selector", selector))

    def type(self, *keys: str) -> None:
        from selenium.webdriver import ActionChains

        chain = ActionChains(self.browser)
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def press(self, key: str) -> None:
        from selenium.webdriver import ActionChains
        from selenium.webdriver.common.keys import Keys

        ActionChains(self.browser).key_down(Keys.CONTROL).send_keys(key).key_up(
            Keys.CONTROL
        ).perform()

    def replace(self, text: str) -> None:
        """Type a text in the place of the whole query; brackets close by themselves."""
        self.inside(".cm-content")[0].click()
        self.press("a")
        self.type(text)

    def query(self) -> str:
        """Return what the form sends."""
        return str(self.browser.execute_script("return document.querySelector('textarea').value"))

    def completions(self) -> list[str]:
        return [item.text for item in self.inside(".cm-tooltip-autocomplete li")]

    def complete(self, beginning: str) -> None:
        """Choose the completion that begins like this, with the keyboard."""
        from selenium.webdriver.common.keys import Keys

        def chosen() -> Any:
            found = self.inside(".cm-tooltip-autocomplete li[aria-selected]")
            return found and found[0].text.startswith(beginning)

        self.wait(lambda: any(one.startswith(beginning) for one in self.completions()))
        self.browser.implicitly_wait(0)
        # What comes within the first moment is not taken for meant.
        self.wait(lambda: not self.inside(".cm-tooltip-autocomplete-disabled"))
        for _ in range(40):
            if chosen():
                break
            self.type(Keys.ARROW_DOWN)
        self.wait(chosen)
        before = self.query()
        self.wait(lambda: self.type(Keys.ENTER) or self.query() != before)

    def quiet(self, *, refused: int = 0) -> None:
        """Check that nothing was complained of and no other host was asked."""
        complaints = [e["message"] for e in self.browser.get_log("browser")]
        assert len([c for c in complaints if "400 (Bad Request)" in c]) == refused, complaints
        assert [c for c in complaints if "400 (Bad Request)" not in c] == []
        asked = [
            message["params"]["request"]["url"]
            for entry in self.browser.get_log("performance")
            if (message := json.loads(entry["message"])["message"])["method"]
            == "Network.requestWillBeSent"
        ]
        assert asked
        ours = (self.address, "data:", "chrome:")  # the last is Chromium's sign in a search field
        assert [u for u in asked if not u.startswith(ours)] == []


@in_browser
def test_a_query_is_typed_with_completion_and_run_by_the_keyboard(
    browser: Any, address: str, client: TestClient
) -> None:
    from selenium.webdriver.common.keys import Keys

    editor = Editor(browser, address)
    editor.replace("SELECT ?event ?claim {\n?claim ch:stance ")
    editor.complete("ch:stance-denies")
    editor.type(" ; ch:conc")
    editor.complete("ch:concerns")
    editor.type(" ?ev")
    editor.complete("?event")
    assert re.sub(r"\s+", " ", editor.query()) == (
        "SELECT ?event ?claim { ?claim ch:stance ch:stance-denies ; ch:concerns ?event }"
    )
    query = editor.query()
    editor.press(Keys.ENTER)
    editor.wait(lambda: "query=" in browser.current_url)
    table = editor.wait(lambda: browser.find_elements("css selector", "#result table"))[0].text
    assert "described: Delivery of radar parts" in table
    assert "Arvenian foreign ministry denies" in table
    # The address that is copied gives the same to somebody else.
    shared = editor.find("button[data-copy]").get_attribute("data-copy")
    assert parse_qs(urlsplit(shared).query)["query"] == [query.replace("\n", "\r\n")]
    editor.open(shared)
    assert editor.find("#result table").text == table
    assert editor.query().replace("\r\n", "\n") == query
    # The files are what the endpoint gives.
    link = editor.find(".files a[data-format=CSV]").get_attribute("href")
    body = browser.execute_async_script(
        "const done = arguments[1]; fetch(arguments[0]).then(a => a.text()).then(done)", link
    )
    csv = {"accept": "text/csv"}
    assert body == client.get("/sparql", params={"query": query}, headers=csv).text
    assert body.startswith("event,claim\r\n")
    editor.find(".raw summary").click()
    raw = editor.wait(lambda: editor.find(".raw code").text)
    assert json.loads(raw)["head"]["vars"] == ["event", "claim"]
    editor.quiet()


@in_browser
@pytest.mark.parametrize(
    ("typed", "label", "written"),
    [
        ("agent:মীরা", "Mira Odan", "agent:mira-odan"),
        ("agent:मीरा", "Mira Odan", "agent:mira-odan"),
        ("event:radar", "Described: Delivery of radar parts", "event:radar-delivery"),
    ],
)
def test_a_thing_is_found_by_its_name_in_any_script(
    browser: Any, address: str, typed: str, label: str, written: str
) -> None:
    editor = Editor(browser, address)
    editor.replace(f"ASK {{ ?x ?y {typed}")
    editor.complete(label)
    assert editor.query() == f"ASK {{ ?x ?y {written}}}"
    editor.quiet()


@in_browser
def test_a_name_alone_is_completed_when_that_is_asked_for(browser: Any, address: str) -> None:
    editor = Editor(browser, address)
    editor.replace("ASK { ?x ?y মীরা")
    editor.press(" ")
    editor.complete("Mira Odan")
    assert editor.query() == "ASK { ?x ?y agent:mira-odan}"
    assert "agent:mira-odan" in editor.inside(".cm-content")[0].text


@in_browser
def test_what_is_wrong_is_marked_in_its_line(browser: Any, address: str) -> None:
    query = "SELECT * {\n  ?এক ch:stance ?b .\n  FILTR(?b)\n}"
    editor = Editor(browser, address, f"/query?query={quote(query)}")
    assert [one.text for one in editor.inside(".cm-lintRange-error")] == ["FILTR"]
    lines = editor.inside(".cm-line")
    assert [bool(line.find_elements("css selector", ".cm-lintRange-error")) for line in lines] == [
        False,
        False,
        True,
        False,
    ]
    assert len(editor.inside(".cm-lint-marker-error")) == 1
    assert editor.find(".failed mark").text == "FILTR"
    editor.quiet(refused=1)


@in_browser
def test_colours_do_not_end_where_a_query_is_not_finished(browser: Any, address: str) -> None:
    query = 'SELECT ?নাম { ?x a ; (( "মীরা"@bn , agent:মীরা ch:x 1.5e3 <http://a.example/> # এই\n'
    editor = Editor(browser, address, f"/query?query={quote(query)}")
    script = "return getComputedStyle(arguments[0]).color"
    colours: dict[str, str] = {}
    for part in editor.inside(".cm-line span"):
        colours[part.text] = browser.execute_script(script, part)
    assert {"SELECT", "?নাম", '"মীরা"', "ch:x", "1.5e3", "<http://a.example/>", "# এই"} <= set(
        colours
    )
    assert len({colours[t] for t in ("SELECT", "?নাম", '"মীরা"', "ch:x", "1.5e3", "# এই")}) == 6
    assert colours["<http://a.example/>"] == colours["ch:x"] == colours["agent:মীরা"]


@in_browser
def test_tab_leaves_the_editor(browser: Any, address: str) -> None:
    from selenium.webdriver.common.keys import Keys

    editor = Editor(browser, address)
    editor.inside(".cm-content")[0].click()
    before = editor.query()
    editor.type(Keys.TAB)
    script = "return document.activeElement.className + document.activeElement.tagName"
    assert browser.execute_script(script) == "BUTTON"
    assert editor.query() == before
    assert "Tab leaves the editor" in editor.find("#hint").text


@in_browser
def test_a_question_is_chosen_and_what_was_there_comes_back(browser: Any, address: str) -> None:
    editor = Editor(browser, address)
    before = editor.query()
    box = editor.find("#filter")
    box.send_keys("DENIAL radar")
    left = [one.text for one in browser.find_elements("css selector", ".examples li") if one.text]
    assert len(left) == 1
    editor.find(".examples li:not([hidden]) a").click()
    assert "ch:stance-denies" in editor.query()
    assert "Denials only" in editor.find(".explained").text
    editor.press("z")
    assert editor.query() == before
    box.send_keys(" nowhere")
    assert editor.find(".filter [role=status]").text == "No question has these words."
    editor.quiet()


@in_browser
def test_a_long_query_is_not_sent_as_an_address(browser: Any, address: str) -> None:
    from selenium.webdriver.common.keys import Keys

    editor = Editor(browser, address)
    editor.replace("ASK { FILTER(false) } # ")
    script = """
      const host = document.querySelector('.editor .code');
      const data = new DataTransfer();
      data.setData('text/plain', 'ক'.repeat(9000));
      host.shadowRoot.querySelector('.cm-content').dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    """
    browser.execute_script(script)
    assert len(editor.query()) > 9000
    editor.press(Keys.ENTER)
    assert editor.find(".long").is_displayed()
    assert browser.current_url == f"{address}/query"
    assert editor.find(".send button[value=csv]").is_displayed()
    editor.quiet()


@in_browser
@pytest.mark.parametrize("width", [320, 768])
def test_results_fit_and_bars_are_drawn(browser: Any, address: str, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        editor = Editor(browser, address, f"/query?query={quote(COUNTS)}&lang=hi")
        script = "return document.documentElement.scrollWidth"
        assert browser.execute_script(script) <= width
        bars = browser.find_elements("css selector", ".bars rect")
        assert len(bars) == len(browser.find_elements("css selector", "#result tbody tr"))
        assert len(bars) > 2
        assert all(bar.rect["width"] > 0 for bar in bars)
        editor.quiet()
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.requires("chromium", "chromedriver")
def test_all_of_it_works_without_scripts(browser: Any, address: str) -> None:
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.support.ui import WebDriverWait

    def followed(element: Any, words: str) -> None:
        """Click, and wait for the next page: without scripts a click does not."""
        element.click()
        WebDriverWait(browser, 20, ignored_exceptions=[WebDriverException]).until(
            lambda it: words in it.find_element("css selector", "#result table").text
        )

    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(f"{address}/questions/who-denies")
        link = browser.find_element("link text", "Open it in the editor")
        followed(link, "Arvenian foreign ministry")
        box = browser.find_element("css selector", "textarea")
        box.clear()
        box.send_keys(COUNTS)
        followed(browser.find_element("css selector", ".editor .row > button"), "denies")
        assert browser.find_elements("css selector", ".bars rect")
        for hidden in (".raw", "#hint", "button[data-copy]", ".filter", ".long"):
            assert not browser.find_element("css selector", hidden).is_displayed(), hidden
        shared = browser.current_url
        browser.get(f"{address}/")
        browser.get(shared)
        assert "denies" in browser.find_element("css selector", "#result table").text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
