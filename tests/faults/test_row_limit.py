"""Answers that are cut say so, and what is left of them is what the engine would write."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pyoxigraph as ox
import pytest

from kg.web.negotiation import GRAPH_FORMATS, RESULT_FORMATS
from kg.web.pool import Answer, Limits, Pool

TERMS = """SELECT * { VALUES (?a ?b) {
  (<https://kg.example/a> "সিউল\\t\\"x\\", ব\\n2\\\\"@bn)
  (UNDEF "1.50"^^<http://www.w3.org/2001/XMLSchema#decimal>)
  (" " UNDEF)
  ("<&>'\\"" "2023-10-18"^^<http://www.w3.org/2001/XMLSchema#date>)
} }"""
MANY = "SELECT ?s ?n { ?s ch:number ?n }"


async def answered(release: Path, query: str, media_type: str, rows: int) -> tuple[bytes, Answer]:
    async with Pool(release, Limits(workers=1, spares=0, rows=rows)) as pool:
        answer = await pool.query(query, accept=media_type)
        return b"".join([part async for part in answer]), answer


def ask(release: Path, query: str, media_type: str, rows: int) -> tuple[bytes, Answer]:
    return asyncio.run(answered(release, query, media_type, rows))


@pytest.mark.parametrize("format_", RESULT_FORMATS, ids=lambda f: f.name)
@pytest.mark.parametrize("query", [TERMS, "ASK {}", "SELECT ?none { FILTER(false) }"])
def test_what_is_not_cut_is_what_the_engine_writes(
    release: Path, format_: object, query: str
) -> None:
    media_type = format_.media_type  # type: ignore[attr-defined]
    whole, _ = ask(release, query, media_type, 0)
    limited, answer = ask(release, query, media_type, 4)
    assert answer.cut == 0
    if media_type == "text/csv":
        assert limited == whole
    else:
        assert read(limited, media_type) == read(whole, media_type)


def read(body: bytes, media_type: str) -> object:
    """Return what a document of results says, however it is written."""
    found = ox.parse_query_results(body, ox.QueryResultsFormat.from_media_type(media_type))
    if isinstance(found, ox.QueryBoolean):
        return bool(found)
    return [str(name) for name in found.variables], [tuple(map(str, row)) for row in found]


def test_a_cut_answer_says_so(release: Path) -> None:
    body, answer = ask(release, MANY, "application/sparql-results+json", 3)
    found = json.loads(body)
    assert answer.cut == 3
    assert len(found["results"]["bindings"]) == 3
    assert found["head"] == {"vars": ["s", "n"], "link": ["https://kg.example/download"]}

    body, answer = ask(release, MANY, "application/sparql-results+xml", 3)
    root = ET.fromstring(body)
    space = "{http://www.w3.org/2005/sparql-results#}"
    assert answer.cut == 3
    assert len(root.findall(f".//{space}result")) == 3
    assert [one.get("href") for one in root.findall(f"{space}head/{space}link")] == [
        "https://kg.example/download"
    ]

    body, answer = ask(release, MANY, "text/csv", 3)
    assert answer.cut == 3
    assert len(list(csv.reader(io.StringIO(body.decode())))) == 4


@pytest.mark.parametrize("format_", GRAPH_FORMATS, ids=lambda f: f.name)
def test_graphs_are_cut_too(release: Path, format_: object) -> None:
    media_type = format_.media_type  # type: ignore[attr-defined]
    query = "CONSTRUCT { ?s ch:number ?n } WHERE { ?s ch:number ?n }"
    body, answer = ask(release, query, media_type, 5)
    assert answer.cut == 5
    parsed = ox.parse(body, ox.RdfFormat.from_media_type(media_type))
    assert len(list(parsed)) == 5


def test_the_last_row_is_no_cut(release: Path) -> None:
    _, answer = ask(release, "SELECT ?l { agent:kim-jong-un rdfs:label ?l }", "text/csv", 2)
    assert answer.cut == 0
    _, answer = ask(release, "SELECT ?l { agent:kim-jong-un rdfs:label ?l }", "text/csv", 1)
    assert answer.cut == 1
