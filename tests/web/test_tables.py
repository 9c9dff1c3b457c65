"""The tables of pages as CSV: whole, with a speaker in every row, and safe in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re

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
