"""The pages by which a reader comes in: home, questions, queries, search."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import (
    Mapping,
)
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from kg.manifest import (
    LABELS,
    Question,
)
from kg.vocab import CH
from kg.web import describe, pages, pictures
from kg.web.guard import QueryFailure
from kg.web.pool import client
from kg.web.protocol import seconds, status_of
from kg.web.search import Hits, search

if TYPE_CHECKING:
    pass
from kg.web.ask import Ask, cached, report_page, wants_json

_log = logging.getLogger(__name__)

ROWS_SHOWN: Final = 1000
ROWS_AT_HOME: Final = 5
AT_HOME_S: Final = 3.0
"""How long the home page waits for the answers to all questions."""
AT_HOME_EACH_S: Final = 0.5
"""How long it waits for one, and that once for each release."""
HITS_SHOWN: Final = 50
"""Things on a page of what was searched for."""
KIND_NAMES: Final[Mapping[str, str]] = {
    "agent": "People, states, organisations, sources",
    "place": "Places",
    "thing": "Things",
    "position": "Offices",
    "event": "Events",
    "relation": "Relations",
    "claim": "Claims",
    "claimset": "Sets of claims",
    "document": "Documents",
    "term": "Terms of the ontology",
    "participation": "Participations",
    "span": "Spans of text",
    "quantity": "Quantities",
    "time": "Times",
    "record": "Records of links",
    "notice": "Notices of corrections and withdrawals",
}
NUMBERS: Final = (
    ("Document", "documents read", "document"),
    ("Event", "events described", "event"),
    ("Relation", "relations described", "relation"),
    ("Claim", "claims by somebody", "claim"),
    ("Agent", "people, bodies, sources", "agent"),
    ("Place", "places", "place"),
    ("Thing", "things", "thing"),
)


async def home(request: Request) -> Response:
    """Return the home page: what this is, its numbers, and questions with their answers."""
    ask = Ask(request)
    served, manifest = ask.served, ask.served.manifest
    etag = ask.etag("/", *ask.reader)
    headers = {
        "Vary": "Accept-Language",
        "ETag": etag,
        "Link": f'<{ask.root}/dataset>; rel="describedby"',
    }
    if (same := ask.unchanged(etag, headers)) is not None:
        return same
    if manifest.imported:
        return await _home_of_imported(ask, headers)
    numbers = [
        {"count": count, "name": name, "href": f"{ask.root}/search?kind={kind}"}
        for class_name, name, kind in NUMBERS
        if (count := manifest.classes.get(CH + class_name, 0))
    ]
    numbers.append({"count": manifest.triples, "name": "triples", "href": f"{ask.root}/dataset"})

    async def overview() -> tuple[describe.Description, describe.Description]:
        disputed, documents = await served.engine.rows(
            [describe.DISPUTED_QUERY, describe.DOCUMENTS_QUERY]
        )
        return (
            await describe.related(served.engine, served.base, [r["node"].value for r in disputed]),
            await describe.named(served.engine, served.base, [r["node"].value for r in documents]),
        )

    disputed, documents = await cached(served, "overview", overview)
    questions = []
    until = time.monotonic() + AT_HOME_S
    for question in manifest.questions:
        answer, trouble, lasting = await _answered_soon(ask, question, until)
        if not lasting:
            headers.pop("ETag", None)
        questions.append(
            {
                "id": question.id,
                "question": question.question,
                "answer": answer,
                "problem": trouble,
            }
        )
    view = ask.view(disputed)
    return ask.page(
        "home.html",
        headers=headers,
        title="Home",
        numbers=numbers,
        disputed=view.listed(disputed.sections["nodes"]),
        latest=await pictures.latest(ask),
        documents=[ask.view(documents).ref(iri) for iri in documents.sections["nodes"]],
        questions=questions,
        conforms=manifest.conforms,
        report=report_page(ask),
    )


AT_HOME: Final = 24
"""Graphs and classes that the home page of imported RDF lists."""


async def _home_of_imported(ask: Ask, headers: Mapping[str, str]) -> Response:
    """Return the home page of RDF that was imported: its numbers, graphs and classes."""
    served, manifest = ask.served, ask.served.manifest
    classes = sorted(manifest.classes.items(), key=lambda c: (-c[1], c[0]))[:AT_HOME]
    graphs = sorted(manifest.graphs, key=lambda g: (-g.quads, g.iri))[:AT_HOME]
    names = [iri for iri, _ in classes] + [graph.iri for graph in graphs]
    view = ask.view(
        await cached(served, "overview", lambda: describe.named(served.engine, served.base, names))
    )
    return ask.page(
        "home_imported.html",
        headers=headers,
        title="Home",
        graphs=[{"ref": view.ref(graph.iri), "quads": graph.quads} for graph in graphs],
        classes=[{"ref": view.ref(iri), "count": count} for iri, count in classes],
        examples=[
            {"question": words, "href": f"{ask.root}/query?{urlencode({'query': query})}"}
            for words, query in pages.EXAMPLES_OF_IMPORTED
        ],
    )


async def _answered(
    ask: Ask, question: Question, limit: int
) -> tuple[pages.Answer | None, str, bool]:
    """Return the answer to a question, or why there is none, and whether that will stay so."""
    served = ask.served

    async def make() -> tuple[describe.Solutions, describe.Description]:
        found = await served.engine.ask(question.query, ROWS_SHOWN)
        return found, await describe.named_in(served.engine, served.base, found)

    try:
        found, named = await cached(served, ("question", question.id), make)
    except QueryFailure as error:
        lasting = status_of(error.reason) < 500 and error.reason != "memory"
        if ask.static and not lasting:  # the copy would say it for ever
            raise
        return None, str(error), lasting
    return pages.answer(ask.view(named), found, limit, tidy=True), "", True


async def _answered_soon(
    ask: Ask, question: Question, until: float
) -> tuple[pages.Answer | None, str, bool]:
    """Return what `_answered` does, or that there is no answer yet if it would take too long."""
    if ask.static:
        return await _answered(ask, question, ROWS_AT_HOME)
    cache, slow = ask.served.cache, ("slow question", question.id)
    left = min(until - time.monotonic(), AT_HOME_EACH_S)
    if ("question", question.id) not in cache and (left <= 0 or slow in cache):
        return None, NOT_YET, False
    try:
        async with asyncio.timeout(max(left, AT_HOME_EACH_S / 10)):
            return await _answered(ask, question, ROWS_AT_HOME)
    except TimeoutError:
        if left == AT_HOME_EACH_S:
            cache[slow] = True
        return None, NOT_YET, False


NOT_YET: Final = "It takes a while to answer: open the question to see."


async def question_list(request: Request) -> Response:
    """Return the questions of the release, each with the query that answers it; HTML or JSON."""
    ask = Ask(request)
    found = ask.served.manifest.questions
    if wants_json(request):
        return JSONResponse(
            [
                {
                    "id": q.id,
                    "question": q.question,
                    "keywords": list(q.keywords),
                    "description": q.description,
                    "query": q.query,
                }
                for q in found
            ],
            headers={"Vary": "Accept", "Cache-Control": "no-cache"},
        )
    return ask.page(
        "questions.html",
        headers={"Vary": "Accept, Accept-Language"},
        title="Questions",
        questions=found,
    )


async def question_page(request: Request, name: str) -> Response:
    """Return one question with its query and its answer from this release."""
    ask = Ask(request)
    for question in ask.served.manifest.questions:
        if question.id == name:
            break
    else:
        raise QueryFailure("not-found", f"This release has no question {name!r}")
    etag = ask.etag("/questions", name, *ask.reader)
    headers = {"Vary": "Accept-Language", "ETag": etag}
    if (same := ask.unchanged(etag, headers)) is not None:
        return same
    answer, trouble, lasting = await _answered(ask, question, ROWS_SHOWN)
    if not lasting:
        del headers["ETag"]
    return ask.page(
        "question.html",
        headers=headers,
        title=question.question,
        question=question,
        query=_without_header(question.query),
        answer=answer,
        problem=trouble,
        editor=f"{ask.root}/query?{urlencode({'query': question.query})}",
    )


def _without_header(query: str) -> str:
    """Return a query without the comments before it, which the page says in its own way."""
    lines = query.strip().splitlines()
    while lines and (lines[0].startswith("#") or not lines[0].strip()):
        del lines[0]
    return "\n".join(lines)


async def query_page(request: Request, query: str = "") -> Response:
    """Return the query form and, where a query is given, its result as a table."""
    ask = Ask(request)
    served = ask.served
    answer, problem, status = None, "", 200
    headers = {"Vary": "Accept, Accept-Language"}
    if query.strip():
        ask.site.quota.take(client.get())
        try:
            found = await served.engine.ask(
                query,
                ROWS_SHOWN,
                default_graphs=request.query_params.getlist("default-graph-uri"),
                named_graphs=request.query_params.getlist("named-graph-uri"),
                timeout_s=seconds(request.query_params.get("timeout")),
            )
            description = await describe.named_in(served.engine, served.base, found)
            answer = pages.answer(ask.view(description), found, ROWS_SHOWN)
        except QueryFailure as error:
            problem, status = str(error), status_of(error.reason)
            if error.retry_after:
                headers["Retry-After"] = str(error.retry_after)
    return ask.page(
        "query.html",
        status=status,
        headers=headers,
        title="Query",
        query=query or (pages.EXAMPLES_OF_IMPORTED[0][1] if served.manifest.imported else EXAMPLE),
        problem=problem,
        answer=answer,
        limits={
            "seconds": f"{ask.site.settings.query_timeout_s:g}",
            "prefixes": " ".join(f"{name}:" for name in served.release.prefixes),
        },
        examples=[
            {"question": words, "href": f"{ask.root}/query?{urlencode({'query': text})}"}
            for words, text in (
                pages.EXAMPLES_OF_IMPORTED
                if served.manifest.imported
                else [(q.question, q.query) for q in served.manifest.questions]
            )
        ],
        endpoint=str(request.base_url) + "sparql",
    )


EXAMPLE: Final = """# Who takes which position on what?
SELECT ?speaker ?stance ?event WHERE {
  ?claim a ch:Claim ;
    ch:claimant ?speaker ;
    ch:stance ?stance ;
    ch:concerns ?event .
  ?event a ch:Event .
}
LIMIT 20"""


async def search_page(
    request: Request, q: str = "", kind: str = "", lang: str = "", page: int = 1
) -> Response:
    """Return what has a name that begins with the words of `q`, in any script; HTML or JSON.

    `kind` narrows it to one kind of address (agent, place, thing, position, event, relation,
    claim, claimset, document, term, participation, span, quantity, time, record), of which the
    last five are found in no other way; `lang` chooses the language of the names that are shown.
    """
    del lang, page  # read by Ask
    ask = Ask(request)
    served, number = ask.served, ask.number
    if kind and kind not in KIND_NAMES:
        raise QueryFailure(
            "parameter", f"kind is {kind!r}; expected one of {', '.join(KIND_NAMES)}"
        )
    found: Hits | None = request.scope.get("kg.hits")
    hits: list[dict[str, Any]] = []
    if found is None and (q.strip() or kind):
        found = await asyncio.to_thread(
            search,
            served.folder / LABELS,
            q,
            kind=kind,
            limit=HITS_SHOWN,
            offset=HITS_SHOWN * (number - 1),
        )
    if found is not None:
        iris = [hit.iri for hit in found.hits]
        types = [hit.type for hit in found.hits if hit.type]
        if served.manifest.imported:  # names only: a thing may have any number of statements
            described = await describe.named(served.engine, served.base, [*iris, *types])
        else:
            described = await describe.related(served.engine, served.base, iris, types)
        view = ask.view(described)
        for hit in found.hits:
            ref = view.ref(hit.iri)
            other = hit.label != ref.label.text and ref.kind not in ("claim",)
            lang_shown = "" if hit.lang.split("-")[0] == view.ui else hit.lang
            hits.append(
                {
                    "ref": ref,
                    "type": view.ref(hit.type) if hit.type else None,
                    "matched": pages.Label(hit.label, lang_shown) if other else None,
                    "listed": view.listed([hit.iri])[0]
                    if ref.kind in describe.PROPOSITIONS
                    else None,
                }
            )
    if wants_json(request):
        return JSONResponse(
            {
                "query": q,
                "hits": [
                    {
                        "iri": hit["ref"].iri,
                        "kind": hit["ref"].kind,
                        "class": hit["type"].iri if hit["type"] else None,
                        "label": pages.plain(hit["ref"]),
                        "lang": hit["ref"].label.lang or view.ui,
                    }
                    for hit in hits
                ],
                "more": bool(found and found.more),
            },
            headers={"Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"},
        )
    return ask.page(
        "search.html",
        headers={"Vary": "Accept, Accept-Language"},
        title=KIND_NAMES.get(kind, "Lists") if ask.static else f"Search: {q}" if q else "Search",
        q=q,
        kind=kind,
        kinds=[("", "All kinds"), *KIND_NAMES.items()],
        hits=hits,
        more=bool(found and found.more),
    )
