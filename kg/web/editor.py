"""The query editor: its form, the result as table, pictures and files, what it completes with.

The form is whole without scripts; `frontend/src/query.ts` puts an editor over its text field.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from kg.serialise import not_in_xml
from kg.vocab import CH, OWL, RDF, RDFS, SKOS, graph_iri
from kg.web import describe, marks, pages
from kg.web.ask import Ask, accepted, cached
from kg.web.describe import Description, Solutions, Term
from kg.web.guard import ADDRESS_BYTES, LENGTH, QueryFailure, check
from kg.web.language import N_
from kg.web.negotiation import GRAPH_FORMATS, HTML, RESULT_FORMATS, XML
from kg.web.pool import client
from kg.web.protocol import seconds, status_of
from kg.web.site import Served

ROWS_SHOWN: Final = 1000
"""Rows of an answer on a page."""
LISTED: Final = 25
"""Events and relations of a result with whom the positions on them are listed."""
ASTRAY: Final = 500
"""Claims, sets and the like in a result of which is looked up what they are about."""
TERMS: Final = 5000
"""Terms that the editor completes with."""
EXCERPT: Final = 60
"""Characters of a line that are shown before and behind what is wrong in it."""
LONGEST_ADDRESS: Final = ADDRESS_BYTES - 4096
"""Bytes of the address of a query that the form sends; the rest is for proxies."""
FORMAT_NAMES: Final[Mapping[str, str]] = {
    "json": "JSON",
    "xml": "XML",
    "csv": "CSV",
    "tsv": "TSV",
    **describe.FORMAT_NAMES,
}
_PASSED_ON: Final = ("default-graph-uri", "named-graph-uri", "timeout")

WORDS: Final = (
    N_("Find"),
    N_("Replace"),
    N_("next"),
    N_("previous"),
    N_("all"),
    N_("match case"),
    N_("by word"),
    N_("regexp"),
    N_("replace"),
    N_("replace all"),
    N_("close"),
    N_("current match"),
    N_("replaced $ matches"),
    N_("replaced match on line $"),
    N_("on line"),
    N_("Go to line"),
    N_("go"),
    N_("Completions"),
    N_("Control character"),
    N_("Selection deleted"),
    N_("Diagnostics"),
    N_("No diagnostics"),
)
"""What CodeMirror says, by its own words."""
KINDS: Final[Mapping[str, str]] = {
    "class": N_("class"),
    "property": N_("property"),
    "concept": N_("concept"),
    "prefix": N_("prefix"),
    "variable": N_("variable"),
    "keyword": N_("keyword"),
}
"""What a completion is of; of things of the data it is their kind."""

EXAMPLE_QUESTION: Final = N_("Who takes which position on what?")
EXAMPLE: Final = """SELECT ?speaker ?stance ?event WHERE {
  ?claim a ch:Claim ;
    ch:claimant ?speaker ;
    ch:stance ?stance ;
    ch:concerns ?event .
  ?event a ch:Event .
}
LIMIT 20"""


async def query_page(request: Request, query: str = "") -> Response:
    """Return the query form and, where a query is given, its result as a table."""
    ask = Ask(request)
    accepted(request, (HTML,))
    served = ask.served
    found: Solutions | None = None
    shown: dict[str, Any] = {}
    problem: dict[str, Any] | None = None
    status = 200
    headers = {"Vary": "Accept, Accept-Language"}
    if query.strip():
        ask.site.quota.take(client.get())
        begin = time.perf_counter()
        try:
            found = await served.engine.ask(
                query,
                ROWS_SHOWN,
                default_graphs=request.query_params.getlist("default-graph-uri"),
                named_graphs=request.query_params.getlist("named-graph-uri"),
                timeout_s=seconds(request.query_params.get("timeout")),
            )
            took = time.perf_counter() - begin
            named = await describe.named_in(served.engine, served.base, found)
            view = ask.view(named)
            answer = pages.answer(view, found, ROWS_SHOWN)
            shown = {
                "answer": answer,
                "took": max(1, round(1000 * took)),
                "pictured": await marks.pictured(ask, view, found, answer),
                **(await positions(ask, view))._asdict(),
            }
        except QueryFailure as error:
            found, status = None, status_of(error.reason)
            problem = {
                "text": str(error),
                "line": error.line,
                "column": error.column,
                "excerpt": _excerpt(query, error.line, error.column),
            }
            if error.retry_after:
                headers["Retry-After"] = str(error.retry_after)
    gettext = ask.language.gettext
    return ask.page(
        "query.html",
        status=status,
        headers=headers,
        title=gettext(N_("Query")),
        query=query or _to_begin_with(ask),
        problem=problem,
        **{"answer": None, "took": 0, "listed": (), "further": 0, "pictured": None, **shown},
        files=_files(ask, query, found) if found else (),
        kinds_of_files=[
            {"name": one.name, "words": FORMAT_NAMES[one.name]}
            for one in (*RESULT_FORMATS, *GRAPH_FORMATS)
        ],
        limits={
            "seconds": ask.site.settings.query_timeout_s,
            "rows": ROWS_SHOWN,
            "characters": LENGTH,
            "address": LONGEST_ADDRESS,
            "prefixes": " ".join(f"{name}:" for name in served.release.prefixes),
        },
        share=ask.link() if found else "",
        terms=f"{ask.root}/query/terms.json?{urlencode({'lang': ask.languages[0]})}",
        words={word: gettext(word) for word in WORDS},
        kinds={kind: gettext(word) for kind, word in KINDS.items()},
        examples=[
            {**one, "href": f"{ask.root}/query?{urlencode({'query': one['query']})}"}
            for one in _examples(ask)
        ],
        endpoint=str(request.base_url) + "sparql",
    )


def _to_begin_with(ask: Ask) -> str:
    """Return the query that stands in the form where none is given."""
    if ask.served.manifest.imported:
        return pages.EXAMPLES_OF_IMPORTED[0][1]
    return f"# {ask.language.gettext(EXAMPLE_QUESTION)}\n{EXAMPLE}"


def _examples(ask: Ask) -> list[dict[str, Any]]:
    """Return the questions to start from: each with its words, explanation and query."""
    manifest, gettext = ask.served.manifest, ask.language.gettext
    if manifest.imported:
        return [
            {"question": gettext(words), "description": "", "keywords": (), "query": text}
            for words, text in pages.EXAMPLES_OF_IMPORTED
        ]
    return [
        {
            "question": one.question,
            "description": one.description,
            "keywords": one.keywords,
            "query": one.query,
        }
        for one in manifest.questions
    ]


def _files(ask: Ask, query: str, found: Solutions) -> list[dict[str, str]]:
    """Return where the endpoint gives the whole answer, in each format that can carry it."""
    rows = check(query, prefixes=ask.served.release.prefixes).form in ("SELECT", "ASK")
    passed = [(k, v) for k, v in ask.request.query_params.multi_items() if k in _PASSED_ON]
    return [
        {
            "name": FORMAT_NAMES[one.name],
            "file": f"answer{one.suffix}",
            "type": one.media_type,
            "href": f"{ask.root}/sparql?"
            + urlencode([("query", query), ("format", one.name), *passed]),
        }
        for one in (RESULT_FORMATS if rows else GRAPH_FORMATS)
        if one is not XML or not any(not_in_xml(RDF + "value", term.value) for term in found.terms)
    ]


def _excerpt(query: str, line: int, column: int) -> dict[str, str] | None:
    """Return the line of a query in which something is wrong: before it, itself, behind it."""
    lines = query.split("\n")
    if not 0 < line <= len(lines):
        return None
    text, at = lines[line - 1].rstrip("\r"), max(column, 1) - 1
    wrong = re.match(r"[\w:-]+|\S?", text[at:])
    end = at + (len(wrong[0]) if wrong else 0)
    return {
        "before": ("…" if at > EXCERPT else "") + text[max(0, at - EXCERPT) : at],
        "wrong": text[at : min(end, at + EXCERPT)],
        "behind": text[end : end + EXCERPT] + ("…" if len(text) > end + EXCERPT else ""),
    }


class Positions(NamedTuple):
    """Events and relations that an answer names, with the positions on them; and how many more
    there are."""

    listed: Sequence[pages.Listed] = ()
    further: int = 0


async def positions(ask: Ask, view: pages.View, key: object = None) -> Positions:
    """Return the events and relations that an answer names, in the order of its rows, with the
    positions on them: at most `LISTED`. What its claims are about is among them.

    Args:
        view: with which the answer was made, as `kg.web.pages.answer` does it.
        key: under which what was asked for is kept; None to keep nothing.
    Raises:
        QueryFailure: it took too long.
    """
    served, known, astray = ask.served, view.named(), view.astray()
    if served.manifest.imported or not (known or astray):
        return Positions()

    async def make() -> tuple[list[str], Description]:
        of = await describe.propositions_of(served.engine, astray[:ASTRAY])
        named = list(dict.fromkeys([*known, *of]))
        return named, await describe.related(served.engine, served.base, named[:LISTED])

    named, around = await (make() if key is None else cached(served, key, make))
    first = named[:LISTED]
    return Positions(ask.view(around).listed(first), len(named) - len(first))


# --- what the editor completes with --------------------------------------------------------------

_TYPES: Final[Mapping[str, str]] = {
    OWL + "Class": "class",
    RDFS + "Class": "class",
    OWL + "ObjectProperty": "property",
    OWL + "DatatypeProperty": "property",
    OWL + "AnnotationProperty": "property",
    RDF + "Property": "property",
    SKOS + "Concept": "concept",
}
_LOCAL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?")
_SCHEME_QUERY: Final = (
    "SELECT ?scheme WHERE {{ ?thing <{property}> ?value . ?value skos:inScheme ?scheme }} LIMIT 1"
)


async def query_terms(request: Request) -> Response:
    """Return what the editor completes with: prefixes, and the terms of this release.

    Each term has its kind (`class`, `property`, `concept`), its label and definition in the
    language that is asked for, and how often it is used; `values` says from which scheme the
    values of a property are.
    """
    ask = Ask(request)
    served = ask.served
    etag = ask.etag("/query/terms.json", *ask.reader)
    headers = {"Cache-Control": "no-cache", "ETag": etag, "Vary": "Accept-Language"}
    if (same := ask.known(etag, headers)) is not None:
        return same
    known, values = await cached(served, "query terms", lambda: _known(served))
    view = ask.view(known)
    counts = {**served.manifest.public.classes, **served.manifest.public.properties}
    terms = [
        _term(view, iri, kind, counts.get(iri, 0), served.release.prefixes)
        for iri, kind in _kinds(known, served).items()
    ]
    prefixes = served.release.prefixes
    found = {
        "prefixes": dict(prefixes),
        "terms": terms[:TERMS],
        "values": {_name(p, prefixes): _name(s, prefixes) for p, s in values.items()},
        "more": len(terms) > TERMS,
    }
    return ask.answer(json.dumps(found, ensure_ascii=False), "application/json", headers)


async def _known(served: Served) -> tuple[Description, dict[str, str]]:
    """Return the terms of a release, and the scheme of the values of each property."""
    name = graph_iri(served.base, "vocabulary")
    if served.manifest.imported or name not in served.release.graphs:
        used = [*served.manifest.public.classes, *served.manifest.public.properties]
        return await describe.named(served.engine, served.base, used[:TERMS]), {}
    known = await cached(
        served, "vocabulary", lambda: describe.vocabulary(served.engine, served.base, name)
    )
    concept = Term(SKOS + "Concept")
    properties = [
        iri
        for iri in sorted({quad.subject for quad in known.graph.quads})
        if concept in known.graph.terms(iri, "rdfs:range")
    ]
    answers = await served.engine.rows([_SCHEME_QUERY.format(property=p) for p in properties])
    found = zip(properties, answers, strict=True)
    return known, {iri: rows[0]["scheme"].value for iri, rows in found if rows}


def _kinds(known: Description, served: Served) -> dict[str, str]:
    """Return the terms by IRI with their kinds: those of the ontology, then others in use."""
    found: dict[str, str] = {}
    for iri in sorted({quad.subject for quad in known.graph.quads}):
        types = (_TYPES.get(one) for one in known.graph.iris(iri, "rdf:type"))
        kind = next((one for one in types if one), "")
        if kind and (iri.startswith(CH) or served.manifest.imported):
            found[iri] = kind
    used = served.manifest.public
    by_count: Iterable[tuple[str, Mapping[str, int]]] = (
        ("class", used.classes),
        ("property", used.properties),
    )
    for kind, counts in by_count:
        for iri, _ in sorted(counts.items(), key=lambda c: (-c[1], c[0])):
            found.setdefault(iri, kind)
    return found


def _term(
    view: pages.View, iri: str, kind: str, count: int, prefixes: Mapping[str, str]
) -> dict[str, Any]:
    label = view.label(iri)
    definition = view.text(iri, "skos:definition")
    scheme = view.d.graph.iris(iri, "skos:inScheme") if kind == "concept" else []
    return {
        "name": _name(iri, prefixes),
        "kind": kind,
        "label": {"text": label.text, "lang": label.lang or view.ui},
        "definition": {"text": definition.text, "lang": definition.lang or view.ui}
        if definition
        else None,
        "scheme": _name(scheme[0], prefixes) if scheme else None,
        "count": count,
    }


def _name(iri: str, prefixes: Mapping[str, str]) -> str:
    """Return how a query writes an IRI: with the longest prefix that fits, else in brackets.

    >>> _name("https://a.example/id/agent/tass", {"a": "https://a.example/", "agent":
    ...       "https://a.example/id/agent/"})
    'agent:tass'
    """
    fitting = sorted(
        (len(space), name)
        for name, space in prefixes.items()
        if iri.startswith(space) and _LOCAL.fullmatch(iri, len(space))
    )
    if not fitting:
        return f"<{iri}>"
    length, name = fitting[-1]
    return f"{name}:{iri[length:]}"
