"""Every query in the documentation answers on the built-in facts, and says what stands there."""

from __future__ import annotations

import asyncio
import io
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PAGES = ("README.md", "docs/model.md", "docs/reference/links.md", "docs/reference/sparql.md")
ROOT = Path(__file__).resolve().parent.parent.parent
_BLOCK = re.compile(
    r"(?P<empty><!-- no rows -->\n\n?)?```sparql\n(?P<query>.*?)```\n"
    r"(?:\n<!-- answer: (?P<answer>yes|no) -->\n)?"
    r"(?:\n```text\n(?P<table>.*?)```\n)?",
    re.DOTALL,
)


class Block(NamedTuple):
    where: str
    query: str
    empty: bool
    answer: str | None
    table: str | None


def _blocks() -> list[Block]:
    found = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for match in _BLOCK.finditer(text):
            line = text[: match.start("query")].count("\n") + 1
            found.append(
                Block(
                    f"{page}:{line}",
                    match["query"],
                    match["empty"] is not None,
                    match["answer"],
                    match["table"],
                )
            )
    return found


BLOCKS = _blocks()


@pytest.fixture(scope="module")
def answers(release: Path) -> dict[str, Any]:
    """Return the answer to each query, or what went wrong, by its place."""
    from kg.web.guard import QueryFailure
    from kg.web.pool import Pool

    async def ask() -> dict[str, Any]:
        found: dict[str, Any] = {}
        async with Pool(release) as pool:
            for block in BLOCKS:
                try:
                    answer = await pool.query(block.query, accept="application/sparql-results+json")
                    parts = [part async for part in answer]
                    found[block.where] = json.loads(b"".join(parts))
                except QueryFailure as failure:
                    found[block.where] = str(failure)
        return found

    return asyncio.run(ask())


def test_there_are_queries():
    pages = {block.where.partition(":")[0] for block in BLOCKS}
    assert pages == set(PAGES)
    assert sum(block.where.startswith("docs/model.md") for block in BLOCKS) > 30


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_the_query_answers(block: Block, answers: dict[str, Any]):
    answer = answers[block.where]
    assert not isinstance(answer, str), answer
    if "boolean" in answer:
        assert block.answer is not None, "say what it answers: <!-- answer: … -->"
        assert answer["boolean"] is (block.answer == "yes")
    else:
        assert bool(answer["results"]["bindings"]) is not block.empty


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.table], ids=lambda block: block.where
)
def test_the_answer_that_is_shown_is_the_answer(block: Block, release: Path):
    from kg.config import load_settings
    from kg.web.pool import run_query

    out = io.StringIO()
    run_query(release, block.query, "table", out, load_settings(None, {}, {}))
    assert block.table is not None
    if "ORDER BY" in block.query:
        assert block.table == out.getvalue()
    else:
        assert sorted(block.table.splitlines()) == sorted(out.getvalue().splitlines())


def _asked(release: Path, query: str) -> str:
    from kg.config import load_settings
    from kg.web.pool import run_query

    out = io.StringIO()
    run_query(release, query, "table", out, load_settings(None, {}, {}))
    return out.getvalue().strip()


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        ("?event ch:eventType ch:type-official-visit ; ch:actor agent:sergei-shoigu .", "yes"),
        # garbled on the event, not on the claim: word for word North Korea imposes the sanctions
        ("?event ch:eventType ch:type-sanction-imposition .", "no"),
        # the same in any role, one side only: no pair of roles hides a delivery
        (
            "?event ch:eventType/skos:broader* ch:type-arms-transfer ;"
            " ch:hasParticipation/ch:participant/ch:actsFor* agent:russia .",
            "no",
        ),
    ],
)
def test_the_pattern_for_stated_as_fact_holds_for_other_events(
    event: str, answer: str, release: Path
):
    (pattern,) = (b.query for b in BLOCKS if "ASK" in b.query and "manner-implied" in b.query)
    lines = pattern.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("  ?claim ch:concerns"))
    assert _asked(release, "\n".join([lines[0], event, *lines[first:]])) == answer


@pytest.mark.parametrize(
    ("said", "query", "answer"),
    [
        (
            "denials and non-confirmations have `ch:modality-actual`",
            "ASK { ?c ch:stance ?s ; ch:modality ?m ."
            " FILTER(?s != ch:stance-affirms && ?m != ch:modality-actual) }",
            "no",
        ),
        (
            "are sources of Kyodo or of the Chosun Ilbo have none",
            "ASK { ?outer ch:claimant ?o ; ch:ultimately/ch:claimant/ch:actsFor ?side ."
            " FILTER(?o IN (agent:kyodo, agent:chosun-ilbo)) }",
            "no",
        ),
        (
            '"Speaker of the closing quotation (not stated)"',
            "ASK { ?a a ch:UnnamedSource ; rdfs:label ?l FILTER(STR(?l) ="
            ' "Speaker of the closing quotation (not stated)") }',
            "yes",
        ),
        (
            "what the report states has `ch:basis-document`",
            "ASK { ?c ch:claimant agent:rusi ; ch:basis ch:basis-document }",
            "yes",
        ),
        (
            "deliveries of weapons in the two articles are left apart on purpose",
            "ASK { ?x ch:eventType/skos:broader* ch:type-arms-transfer ; ch:possiblySameAs ?y ."
            " GRAPH graph:kim-train-hi { ?x a ch:Event }"
            " GRAPH graph:lavrov-visit-bn { ?y a ch:Event } }",
            "no",
        ),
        (
            "both articles appears twice",
            "ASK { ?r ch:subject ?who ; ch:relationType ?t ; ch:object ?o ; ch:time ?d ."
            " ?q ch:subject ?who ; ch:relationType ?t ; ch:object ?o ; ch:time ?e ."
            " FILTER(?t = ch:relation-holds-office && ?d != ?e) }",
            "yes",
        ),
        (
            "The actor of a talk or a meeting that has",
            "ASK { ?e ch:leavesUnstated ch:role-actor ; ch:actor ?a ; ch:eventType ?t ."
            " FILTER(?t NOT IN (ch:type-talks, ch:type-meeting)) }",
            "no",
        ),
    ],
)
def test_what_the_page_says_of_the_data_is_so(said: str, query: str, answer: str, release: Path):
    assert said in (ROOT / "docs/model.md").read_text(encoding="utf-8")
    for name in set(re.findall(r"\b(?:ch|agent|graph):[\w-]+", query)):  # a misspelt key says no
        assert _asked(release, f"ASK {{ {name} ?property ?value }}") == "yes", name
    assert _asked(release, query) == answer


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_the_query_is_short_enough_to_type(block: Block):
    lines = block.query.strip().splitlines()
    assert len(lines) <= 12
    assert [line for line in lines if len(line) > 100] == []
