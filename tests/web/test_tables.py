"""The tables of pages as CSV: whole, with a speaker in every row, and safe in a spreadsheet."""

from __future__ import annotations

import csv
import html
import io
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from kg.build import publish
from kg.config import Settings
from kg.web.app import create_app
from kg.web.tables import CLAIMS, DESCRIPTIONS, Table

HTML = {"Accept": "text/html"}
EVENT = "/doc/event/radar-delivery"


def rows(text: str) -> list[dict[str, str]]:
    assert text[0] == "\N{ZERO WIDTH NO-BREAK SPACE}"
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def test_the_claims_of_an_event(client: TestClient) -> None:
    answer = client.get(f"{EVENT}.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    found = rows(answer.text)
    assert tuple(found[0]) == CLAIMS
    page = client.get(EVENT, headers=HTML).text
    assert {row["claim_iri"].rpartition("/")[2] for row in found} <= set(
        re.findall(r"/doc/claim/([0-9a-f]{16})", page)
    )
    stances = {row["stance_of_speaker"] for row in found}
    assert {"affirms", "denies", "disputes the evidence"} <= stances
    for row in found:
        assert row["speaker"]
        assert row["speaker_iri"].startswith("https://chancery.example/id/agent/")
        assert row["described_or_claimed"].startswith(("Described", "Claim"))
        assert row["source"]
    bengali = rows(client.get(f"{EVENT}.csv?lang=bn").text)
    assert [row["claim_iri"] for row in bengali] == [row["claim_iri"] for row in found]
    assert bengali[0]["stance_of_speaker"] != found[0]["stance_of_speaker"]


def test_every_table_that_a_page_offers_is_there(client: TestClient, addresses: list[str]) -> None:
    offered = 0
    for address in addresses:
        page = client.get(f"/doc/{address}", headers=HTML).text
        links = re.findall(rf'href="(/doc/{address}\.csv\?[^"]*)" type="text/csv"', page)
        offered += len(set(links))
        for link in set(links):
            found = rows(client.get(link.replace("&amp;", "&")).text)
            assert found, link
            if tuple(found[0]) == DESCRIPTIONS:
                assert all(row["described"].startswith("Described") for row in found)
        if not links:
            assert client.get(f"/doc/{address}.csv").status_code == 404
    assert offered > 10


def test_a_table_that_is_not_there(client: TestClient) -> None:
    answer = client.get(f"{EVENT}.csv?table=prices")
    assert answer.status_code == 404
    assert "'prices'; there are: claims" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("page", "tables"),
    [
        ("/search?q=radar", {""}),
        ("/search?kind=claim", {""}),
        ("/releases", {""}),
        ("/questions", {""}),
        ("/changes", {""}),
        ("/ontology", {""}),
        ("/releases/current/diff/current", {"things", "graphs"}),
        ("/download", {"files", "others", "graphs", "licences"}),
        ("/dataset", {"sources", "graphs", "classes"}),
    ],
)
def test_pages_of_no_one_thing_have_their_tables(
    client: TestClient, page: str, tables: set[str]
) -> None:
    text = client.get(page, headers=HTML).text.partition("<footer")[2]
    links = {link.replace("&amp;", "&") for link in re.findall('href="([^"]*csv[^"]*)"', text)}
    assert {parse_qs(urlsplit(link).query).get("table", [""])[0] for link in links} == tables
    for link in links:
        answer = client.get(link, headers=HTML)
        assert answer.headers["content-type"] == "text/csv; charset=utf-8", link
        assert rows(answer.text) or "licences" in link or "/diff/" in link, link
    where = links.pop().partition("table=")[0]
    if "table=" in text:
        assert client.get(f"{where}table=prices").status_code == 404


WITH_TABLES = (
    *("/search?q=radar", "/download", "/releases", "/releases/current/diff/current"),
    *("/questions", "/changes", "/ontology", "/dataset", "/dataset?table=graphs"),
    *("/timeline", "/map", "/network", EVENT, f"{EVENT}?table=claims", "/doc/agent/mira-odan"),
)


@pytest.mark.parametrize("page", WITH_TABLES)
def test_every_page_with_a_table_is_asked_for_it_in_one_way(client: TestClient, page: str) -> None:
    """The suffix says the format, else the parameter, else the header Accept."""
    path, _, query = page.partition("?")
    more = f"&{query}" if query else ""
    asked = (
        client.get(f"{path}.csv?{query}", headers=HTML),
        client.get(f"{path}?format=csv{more}", headers=HTML),
        client.get(f"{path}?format=text/csv{more}", headers=HTML),
        client.get(f"{path}?{query}", headers={"Accept": "text/csv"}),
        client.get(f"{path}.csv?format=html{more}", headers=HTML),
        client.get(f"{path}?format=csv{more}", headers={"Accept": "image/png"}),
    )
    for answer in asked:
        assert answer.status_code == 200, answer.text[:300]
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.text == asked[0].text
    page_ = client.get(f"{path}.html?{query}", headers={"Accept": "text/csv"})
    assert page_.headers["content-type"] == "text/html; charset=utf-8"
    assert "Accept" in asked[3].headers["vary"]
    wrong = client.get(f"{path}?format=xls{more}", headers={"Accept": "application/json"})
    assert wrong.status_code == 400
    assert "'xls'; expected html" in wrong.json()["detail"]
    assert client.get(f"{path}.xls?{query}", headers=HTML).status_code == 404


def test_a_page_without_a_table_is_not_one_in_csv(client: TestClient, addresses: list[str]) -> None:
    bare = next(one for one in addresses if client.get(f"/doc/{one}.csv").status_code == 404)
    refused = client.get(f"/doc/{bare}", headers={"Accept": "text/csv"})
    assert refused.status_code == 406
    assert "text/csv" not in refused.json()["available"]
    instead = client.get(f"/doc/{bare}", headers={"Accept": "text/csv, text/html;q=0.5"})
    assert instead.headers["content-type"] == "text/html; charset=utf-8"
    for path in ("/shapes", "/corrections", "/ontology/Event"):
        assert client.get(path, headers={"Accept": "text/csv"}).status_code == 406, path
        assert client.get(f"{path}?format=csv").status_code == 400, path
        assert client.get(f"{path}.csv").status_code == 404, path
        turtle = client.get(f"{path}?format=ttl", headers=HTML)
        assert turtle.content == client.get(f"{path}.ttl").content, path


@pytest.mark.parametrize(
    "table",
    [
        *("/download.csv?table=files", "/download.csv?table=others", "/download.csv?table=graphs"),
        *("/releases.csv", "/questions.csv", "/changes.csv"),
    ],
)
def test_addresses_in_a_table_lead_there_from_anywhere(client: TestClient, table: str) -> None:
    found = rows(client.get(table, headers={"Host": "data.example"}).text)
    assert found
    for row in found:
        assert row["address"].startswith("http://data.example/")
        path = row["address"].removeprefix("http://data.example")
        assert client.head(path, headers=HTML).status_code == 200, path


@pytest.mark.parametrize("base", ["https://chancery.example/", "https://data.example/g/"])
def test_addresses_in_a_table_are_those_of_the_publisher(
    tmp_path: Path, checkout: Path, settings: Settings, base: str
) -> None:
    """The base IRI where it was set, else the host with the path of the site."""
    publish([checkout / "docs/tutorial/facts"], tmp_path, base=base)
    owned = base != Settings().base_iri
    with TestClient(create_app(tmp_path, settings), root_path="/kg") as client:
        for table in ("releases", "download", "questions", "changes"):
            text = client.get(f"/kg/{table}.csv").text
            for row in rows(text):
                begins = f"{base if owned else 'http://testserver/kg/'}{table}/"
                assert row["address"].startswith(begins), table
            assert rows(text) or table == "questions"


def test_the_terms_are_those_of_the_page(client: TestClient) -> None:
    page = client.get("/ontology?lang=hi", headers=HTML).text
    found = rows(client.get("/ontology.csv?lang=hi").text)
    assert len(found) > 300
    for row in found:
        assert f'id="{row["term"]}"' in page
        assert row["label"] in html.unescape(page)
    named = {row["term"]: row for row in found}
    assert named["Event"]["section"] == "classes"
    assert int(named["Event"]["uses"]) > 0
    assert named["stance-denies"]["section"] == "scheme-stance"


def test_what_was_found_is_said_with_who_takes_which_position(client: TestClient) -> None:
    found = rows(client.get("/search?q=radar", headers={"Accept": "text/csv"}).text)
    assert [one["iri"] for one in found] == [
        one["iri"] for one in client.get("/search?q=radar&format=json").json()["hits"]
    ]
    for row in found:
        if row["kind"] in ("event", "relation"):
            assert row["name"].startswith("Described: ")
        if row["kind"] == "claim":
            assert row["name"].startswith("Claim: ")
    event = next(row for row in found if row["iri"].endswith("/event/radar-delivery"))
    assert event["affirmed_by"]
    assert event["denied_by"]
    assert event["nobody_takes_another_position"] == "no"
    bengali = rows(client.get("/search?q=radar&format=csv&lang=bn").text)
    assert next(row for row in bengali if row["iri"] == event["iri"])["name"] != event["name"]


def test_the_files_are_those_of_the_page(client: TestClient) -> None:
    page = client.get("/download", headers=HTML).text
    for table in ("files", "others"):
        for row in rows(client.get(f"/download?format=csv&table={table}").text):
            assert f'href="{row["address"].removeprefix("http://testserver")}"' in page
            assert row["bytes"].isdigit()
    graphs = rows(client.get("/dataset.csv?table=graphs").text)
    assert {row["graph_iri"] for row in graphs} >= {
        row["graph_iri"] for row in rows(client.get("/download?format=csv&table=graphs").text)
    }


def test_a_number_stays_a_number() -> None:
    assert Table(("latitude",), [("-12.5",)]).csv().endswith("\r\n-12.5\r\n")


def test_answers_are_there_in_every_language(client: TestClient) -> None:
    found = {tag: rows(client.get(f"{EVENT}.csv?lang={tag}").text) for tag in ("en", "bn", "hi")}
    for tag, some in found.items():
        answering = {row["claim_iri"] for row in some if row["answers"] or row["answered_by"]}
        assert answering, tag
        assert answering == {
            row["claim_iri"] for row in found["en"] if row["answers"] or row["answered_by"]
        }


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-x", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(cell: str) -> None:
    ((found, other),) = csv.reader(
        io.StringIO(Table(("a", "b"), [(cell, "ক")]).csv().split("\r\n", 1)[1], newline="")
    )
    assert found == f"'{cell}"
    assert other == "ক"
