"""The tables of pages as CSV: whole, with a speaker in every row, and safe in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

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
        assert rows(answer.text) or "licences" in link, link
    where = links.pop().partition("table=")[0]
    if "table=" in text:
        assert client.get(f"{where}table=prices").status_code == 404


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
            assert f'href="{row["address"]}"' in page
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
