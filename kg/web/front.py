"""The pages by which a reader comes in: home, questions, queries, search."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import re
import time
from collections.abc import (
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from kg.manifest import (
    LABELS,
    Question,
)
from kg.vocab import CH
from kg.web import describe, pages, pictures
from kg.web.ask import (
    PLAIN_JSON,
    Ask,
    accepted,
    cached,
    form_of,
    report_page,
    reviews,
)
from kg.web.crawl import begins
from kg.web.editor import ROWS_SHOWN, Positions, positions
from kg.web.guard import QueryFailure
from kg.web.language import N_
from kg.web.negotiation import CSV, HTML
from kg.web.numbers import at_home
from kg.web.protocol import status_of
from kg.web.search import Hit, Hits, search, suggest
from kg.web.tables import Table

_log = logging.getLogger(__name__)

ROWS_AT_HOME: Final = 5
QUESTIONS_AT_HOME: Final = 12
AT_HOME_S: Final = 3.0
"""How long the home page waits for the answers to all questions."""
AT_HOME_EACH_S: Final = 0.5
"""How long it waits for one, and that once for each release."""
HITS_SHOWN: Final = 50
"""Things on a page of what was searched for."""
CLASSES_SHOWN: Final = 20
"""Classes by which what was found can be narrowed."""
SUGGESTED: Final = 10
"""Things that are suggested while somebody types."""
SPEAKERS: Final = 3
"""Speakers of one stance that a suggestion names."""
KIND_NAMES: Final[Mapping[str, str]] = {
    "agent": N_("People, states, organisations, sources"),
    "place": N_("Places"),
    "thing": N_("Things"),
    "position": N_("Offices"),
    "event": N_("Events"),
    "relation": N_("Relations"),
    "claim": N_("Claims"),
    "claimset": N_("Sets of claims"),
    "document": N_("Documents"),
    "term": N_("Terms of the ontology"),
    "participation": N_("Participations"),
    "span": N_("Spans of text"),
    "quantity": N_("Quantities"),
    "time": N_("Times"),
    "record": N_("Records of links"),
    "notice": N_("Notices of corrections and withdrawals"),
}
NUMBERS: Final = (
    ("Document", N_("documents read"), "document"),
    ("Event", N_("events described"), "event"),
    ("Relation", N_("relations described"), "relation"),
    ("Claim", N_("claims by somebody"), "claim"),
    ("Agent", N_("people, bodies, sources"), "agent"),
    ("Place", N_("places"), "place"),
    ("Thing", N_("things"), "thing"),
)


async def home(request: Request) -> Response:
    """Return the home page: what this is, its numbers, and questions with their answers."""
    ask = Ask(request)
    accepted(request, (HTML,))
    served, manifest, _ = ask.served, ask.served.manifest, ask.language.gettext
    etag = ask.etag("/", *ask.reader)
    headers = {
        "Vary": "Accept, Accept-Language",
        "ETag": etag,
        "Link": f'<{ask.root}/dataset>; rel="describedby"',
    }
    if (same := ask.known(etag, headers)) is not None:
        return same
    if manifest.imported:
        return await _home_of_imported(ask, headers)
    numbers = [
        {"count": count, "name": _(name), "href": f"{ask.root}/search?kind={kind}"}
        for class_name, name, kind in NUMBERS
        if (count := manifest.classes.get(CH + class_name, 0))
    ]
    numbers.append({"count": manifest.triples, "name": _("triples"), "href": f"{ask.root}/dataset"})

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
    for question in manifest.questions[:QUESTIONS_AT_HOME]:
        found = await _answered_soon(ask, question, until)
        if not found.lasting:
            headers.pop("ETag", None)
        questions.append(
            {
                "id": question.id,
                "question": question.question,
                "answer": found.answer,
                "beside": found.beside,
                "problem": _(found.problem),
                "in_english": found.problem != NOT_YET,
            }
        )
    view = ask.view(disputed)
    return ask.page(
        "home.html",
        headers=headers,
        title=_("Home"),
        numbers=numbers,
        reviews=await reviews(ask),
        disputed=view.listed(disputed.sections["nodes"]),
        latest=await pictures.latest(ask),
        categories=await at_home(ask),
        documents=[ask.view(documents).ref(iri) for iri in documents.sections["nodes"]],
        questions=questions,
        all_questions=len(manifest.questions),
        conforms=manifest.conforms,
        report=report_page(ask),
        data=_dataset(ask) if not ask.static or ask.static.live else "",
    )


DISTRIBUTIONS: Final = ("graph.ttl.gz", "graph.nq.gz", "graph.jsonld.gz")


def _dataset(ask: Ask) -> str:
    """Return what search engines for data read: the release as a dataset, as JSON-LD.

    Spec: schema.org, Dataset
    """
    manifest, base, _ = ask.served.manifest, ask.served.base, ask.language.gettext
    said = {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "@id": f"{base}dataset",
        "url": base,
        "name": manifest.title,
        "description": _(LEDE),
        "version": manifest.id,
        "isAccessibleForFree": True,
        "distribution": [
            {
                "@type": "DataDownload",
                "contentUrl": f"{base}download/current/{name}",
                "encodingFormat": "application/gzip",
            }
            for name in DISTRIBUTIONS
        ],
    }
    if manifest.licence:
        said["license"] = manifest.licence
    if manifest.time:
        said["datePublished"] = manifest.time[:10]
    if manifest.agent:
        said["creator"] = {"@type": "Organization", "name": manifest.agent}
    return json.dumps(said, ensure_ascii=False).replace("<", "\\u003c")


LEDE: Final = N_(
    "A knowledge graph of geopolitics, read from news texts sentence by sentence. Events are "
    "described, never asserted: each page sets out who affirms, denies, disputes or does not "
    "confirm what is described, through whom it was reported, and where in the source it is "
    "written."
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
        title=ask.language.gettext("Home"),
        graphs=[{"ref": view.ref(graph.iri), "quads": graph.quads} for graph in graphs],
        classes=[{"ref": view.ref(iri), "count": count} for iri, count in classes],
        examples=[
            {
                "question": ask.language.gettext(words),
                "href": f"{ask.root}/query?{urlencode({'query': query})}",
            }
            for words, query in pages.EXAMPLES_OF_IMPORTED
        ],
    )


class Answered(NamedTuple):
    """The answer to a question with the positions on what it names, or why there is none.

    `lasting` says whether it stays so for this release.
    """

    answer: pages.Answer | None = None
    beside: Positions = Positions()
    problem: str = ""
    lasting: bool = True


async def _answered(ask: Ask, question: Question, limit: int) -> Answered:
    """Return the answer to a question: at most `limit` rows."""
    served = ask.served

    async def make() -> tuple[describe.Solutions, describe.Description]:
        found = await served.engine.ask(question.query, ROWS_SHOWN)
        return found, await describe.named_in(served.engine, served.base, found)

    try:
        found, named = await cached(served, ("question", question.id), make)
        view = ask.view(named)
        answer = pages.answer(view, found, limit, tidy=True)
        beside = await positions(ask, view, ("positions", question.id, limit))
    except QueryFailure as error:
        lasting = status_of(error.reason) < 500 and error.reason != "memory"
        if ask.static and not lasting:  # the copy would say it for ever
            raise
        return Answered(problem=str(error), lasting=lasting)
    return Answered(answer, beside)


async def _answered_soon(ask: Ask, question: Question, until: float) -> Answered:
    """Return what `_answered` does, or that there is no answer yet if it would take too long."""
    if ask.static:
        return await _answered(ask, question, ROWS_AT_HOME)
    cache, slow = ask.served.cache, ("slow question", question.id)
    left = min(until - time.monotonic(), AT_HOME_EACH_S)
    if ("question", question.id) not in cache and (left <= 0 or slow in cache):
        return Answered(problem=NOT_YET, lasting=False)
    try:
        async with asyncio.timeout(max(left, AT_HOME_EACH_S / 10)):
            return await _answered(ask, question, ROWS_AT_HOME)
    except TimeoutError:
        if left == AT_HOME_EACH_S:
            cache[slow] = True
        return Answered(problem=NOT_YET, lasting=False)


NOT_YET: Final = N_("It takes a while to answer: open the question to see.")


async def question_list(request: Request) -> Response:
    """Return the questions of the release, each with its query; HTML, JSON or CSV."""
    return await _question_list(request, "")


async def question_list_as(request: Request, suffix: str) -> Response:
    """Return the same in the format of the suffix."""
    return await _question_list(request, suffix)


async def _question_list(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    form = form_of(request, (HTML, PLAIN_JSON, CSV), suffix)
    ask.path = "/questions"
    found = ask.served.manifest.questions
    headers = {"Vary": "Accept", "Cache-Control": "no-cache"}
    if form is CSV:
        columns = ("id", "question", "keywords", "description", "query", "address")
        rows = [
            (
                *(one.id, one.question, "; ".join(one.keywords), one.description, one.query),
                f"{begins(ask)}questions/{one.id}",
            )
            for one in found
        ]
        return ask.answer(Table(columns, rows).csv(), CSV.media_type, headers)
    if form is PLAIN_JSON:
        return ask.json(
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
            headers,
        )
    return ask.page(
        "questions.html",
        formats=() if ask.static else ask.as_data(PLAIN_JSON, CSV),
        headers={"Vary": "Accept, Accept-Language"},
        title=ask.language.gettext("Questions"),
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
    accepted(request, (HTML,))
    etag = ask.etag("/questions", name, *ask.reader)
    headers = {"Vary": "Accept, Accept-Language", "ETag": etag}
    if (same := ask.known(etag, headers)) is not None:
        return same
    found = await _answered(ask, question, ROWS_SHOWN)
    if not found.lasting:
        del headers["ETag"]
    return ask.page(
        "question.html",
        headers=headers,
        title=question.question,
        question=question,
        query=_without_header(question.query),
        answer=found.answer,
        problem=found.problem,
        **found.beside._asdict(),
        editor=f"{ask.root}/query?{urlencode({'query': question.query})}",
    )


def _without_header(query: str) -> str:
    """Return a query without the comments before it, which the page says in its own way."""
    lines = query.strip().splitlines()
    while lines and (lines[0].startswith("#") or not lines[0].strip()):
        del lines[0]
    return "\n".join(lines)


async def search_page(
    request: Request, q: str = "", kind: str = "", lang: str = "", page: int = 1
) -> Response:
    """Return what has a name with the words of `q`, or with some like them; HTML, JSON or CSV.

    Names written like `q` come first, then those with all its words, whole or beginnings, in any
    script. Where there are few, names follow whose words are like those of `q`; they are marked as
    similar. `kind` narrows it to one kind of address (agent, place, thing, position, event,
    relation, claim, claimset, document, term, participation, span, quantity, time, record, notice),
    of which the last six are found in no other way; `class` to one class, by its name in the
    ontology or its address; `lang` chooses the language of the names that are shown.
    """
    del lang, page  # read by Ask
    return await _search_page(request, q, kind, "")


async def search_page_as(
    request: Request, suffix: str, q: str = "", kind: str = "", lang: str = "", page: int = 1
) -> Response:
    """Return the same in the format of the suffix."""
    del lang, page  # read by Ask
    return await _search_page(request, q, kind, suffix)


async def _search_page(request: Request, q: str, kind: str, suffix: str) -> Response:
    ask = Ask(request)
    form = form_of(request, (HTML, PLAIN_JSON, CSV), suffix)
    ask.path = "/search"
    number = ask.number
    class_iri = _class_iri(request)
    _check_kind(kind)
    found: Hits | None = request.scope.get("kg.hits")
    if found is None and (q.strip() or kind or class_iri):
        found = await asyncio.to_thread(
            search,
            ask.served.folder / LABELS,
            q,
            kind=kind,
            class_=class_iri,
            limit=HITS_SHOWN,
            offset=HITS_SHOWN * (number - 1),
        )
    found = found or Hits((), False)
    classes = sorted(found.classes.items(), key=lambda item: (-item[1], item[0]))[:CLASSES_SHOWN]
    named = [iri for iri, _ in classes if iri]
    view, shown = await as_shown(ask, found.hits, named, matched=bool(q.strip()))
    if form is CSV:
        headers = {"Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"}
        return ask.answer(_table(view, shown).csv(), CSV.media_type, headers)
    if form is PLAIN_JSON:
        return ask.json(
            {
                "query": q,
                "hits": [one.json(view) for one in shown],
                "more": found.more,
                "kinds": dict(sorted(found.kinds.items())),
                "classes": {iri: count for iri, count in classes if iri},
                "counted": found.counted,
            },
            {"Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"},
        )
    _ = ask.language.gettext
    if ask.static:
        title = _(KIND_NAMES.get(kind, N_("Lists")))
    else:
        title = _("Search: %(words)s") % {"words": q} if q else _("Search")
    return ask.page(
        "search.html",
        formats=ask.as_data(PLAIN_JSON, CSV) if shown and not ask.static else (),
        headers={"Vary": "Accept, Accept-Language"},
        title=title,
        q=q,
        kind=kind,
        kind_name=_(KIND_NAMES.get(kind, "")),
        kinds=[("", _("All kinds")), *((key, _(name)) for key, name in KIND_NAMES.items())],
        hits=shown,
        reviews=view.reviews,
        more=found.more,
        similar=bool(shown) and all(one.hit.similar for one in shown),
        counted=found.counted,
        by_kind=[
            {
                "name": _(name),
                "count": found.kinds[one],
                "href": ask.link(kind=one or None, page=None, **{"class": None}),
                "current": one == kind,
            }
            for one, name in KIND_NAMES.items()
            if found.kinds.get(one)
        ],
        by_class=[
            {
                "name": view.ref(iri),
                "count": count,
                "href": ask.link(page=None, **{"class": iri.removeprefix(CH)}),
                "current": iri == class_iri,
            }
            for iri, count in classes
            if iri
        ],
        every_kind=ask.link(kind=None, page=None, **{"class": None}),
        every_class=ask.link(page=None, **{"class": None}),
        chosen=bool(class_iri),
    )


def _table(view: pages.View, shown: Sequence[Shown]) -> Table:
    """Return what was found as a table: a proposition with its mark, and who takes which position.

    A claim has its speaker in its name, and the positions on what it is about.
    """
    columns = ("name", "found_as", "kind", "class", "language", "similar", *pictures.POSITIONS)
    return Table(
        (*columns, "iri"),
        [
            (
                pages.plain(one.ref),
                pages.plain(one.matched_ref) if one.matched_ref else "",
                one.ref.kind,
                pages.plain(one.type) if one.type else "",
                one.ref.label.lang or view.ui,
                "yes" if one.hit.similar else "no",
                *(pictures.cells(one.listed) if one.listed else ("",) * len(pictures.POSITIONS)),
                one.ref.iri,
            )
            for one in shown
        ],
    )


async def suggestions(request: Request, q: str = "", kind: str = "", lang: str = "") -> Response:
    """Return at most ten things for a text that is still being written, as JSON.

    They are what `/search` finds, the last word of `q` being the beginning of one. A proposition
    has its mark and a claim its speaker, with who takes another position; `notes` are words to show
    below the label, in the language of the reader.
    """
    del lang  # read by Ask
    ask = Ask(request)
    _check_kind(kind)
    etag = ask.etag("/suggest", q, kind, *ask.reader)
    headers = {
        "Cache-Control": "private, max-age=60",
        "ETag": etag,
        "Vary": "Accept-Language",
    }
    if (same := ask.known(etag, headers)) is not None:
        return same
    found = await asyncio.to_thread(
        suggest, ask.served.folder / LABELS, q, kind=kind, limit=SUGGESTED
    )
    view, shown = await as_shown(ask, found, brief=True)
    words = ask.language
    count = {"count": words.number(len(shown))}
    return ask.json(
        {
            "query": q,
            "suggestions": [
                {
                    "iri": one.ref.iri,
                    "href": one.ref.href,
                    "kind": one.ref.kind,
                    "label": pages.plain(one.ref),
                    "lang": one.ref.label.lang or view.ui,
                    "similar": one.hit.similar,
                    "notes": [
                        {"text": note.text, "lang": note.lang or view.ui}
                        for note in one.notes(view)
                    ],
                }
                for one in shown
            ],
            "announcement": words.ngettext(
                "%(count)s suggestion", "%(count)s suggestions", len(shown)
            )
            % count
            if shown
            else words.gettext("No suggestions"),
        },
        headers,
    )


@dataclass(frozen=True)
class Shown:
    """A hit as a reader sees it.

    Args:
        hit: what was found.
        ref: the thing, with its mark or its speaker.
        type: its class, where it has one.
        matched: the label by which it was found, where it is not the one that is shown.
        listed: the proposition that it is or is about, with the positions on it.
    """

    hit: Hit
    ref: pages.Ref
    type: pages.Ref | None
    matched: pages.Label | None
    listed: pages.Listed | None

    def json(self, view: pages.View) -> dict[str, Any]:
        """Return the hit for programs."""
        matched = self.matched_ref
        found: dict[str, Any] = {
            "iri": self.ref.iri,
            "kind": self.ref.kind,
            "class": self.type.iri if self.type else None,
            "label": pages.plain(self.ref),
            "lang": self.ref.label.lang or view.ui,
            "similar": self.hit.similar,
            "matched": None,
            "positions": None,
        }
        if matched:
            found["matched"] = {"label": pages.plain(matched), "lang": self.hit.lang}
        if self.listed:
            found["positions"] = [
                {"stance": position.stance.iri, "speakers": [who.iri for who in position.speakers]}
                for position in (
                    *self.listed.positions,
                    *self.listed.elsewhere,
                    *self.listed.inner,
                )
            ]
        return found

    def notes(self, view: pages.View, *, affirmed: bool = False) -> list[pages.Label]:
        """Return what is said below a suggestion: what it is, how it matched, who disagrees.

        Args:
            affirmed: say also who affirms it.
        """
        _ = view.language.gettext
        found: list[pages.Label] = []
        if self.type:
            found.append(self.type.label)
        if matched := self.matched_ref:
            found.append(pages.Label(pages.plain(matched), self.hit.lang))
        if self.listed:
            taken = self.listed.positions
            stances = [self._stance(view, p) for p in taken if p.key != "affirms"]
            for position in self.listed.elsewhere:
                if (words := self._stance(view, position)) not in stances:
                    about = _("on what is possibly the same event: %(position)s")
                    stances.append(about % {"position": words})
            for position in self.listed.inner:
                if (words := self._stance(view, position)) not in stances:
                    stances.append(f"{_('on what it names:')} {words}")
            if affirmed:
                found += (pages.Label(self._stance(view, p)) for p in taken if p.key == "affirms")
            found += map(pages.Label, stances)
            if not taken:
                found.append(pages.Label(_("no claim in this release")))
            elif not stances:
                found.append(pages.Label(_("no claim takes another position")))
        return found

    @staticmethod
    def _stance(view: pages.View, position: pages.Position) -> str:
        """Return who takes a stance, in a line."""
        names = ", ".join(who.label.text for who in position.speakers[:SPEAKERS])
        if (more := len(position.speakers) - SPEAKERS) > 0:
            rest = view.language.gettext("and %(count)s more")
            names += " " + rest % {"count": view.language.number(more)}
        return f"{position.stance.label.text}: {names}"

    @property
    def matched_ref(self) -> pages.Ref | None:
        """Return the thing under the label by which it was found, with its mark."""
        return dataclasses.replace(self.ref, label=self.matched) if self.matched else None


def _listed(view: pages.View, propositions: Sequence[str]) -> pages.Listed | None:
    """Return the positions on what a hit is about; on all of it together if it is several."""
    if not propositions:
        return None
    (found,) = view.listed(propositions[:1])
    if len(propositions) > 1:
        positions = view.positions(*propositions)
        against = found.against or any(one.key != "affirms" for one in positions)
        others = tuple(one for one in found.elsewhere if one not in positions)
        inner = tuple(one for one in view.around(*propositions) if one not in positions)
        found = dataclasses.replace(
            found,
            positions=positions,
            elsewhere=others,
            inner=inner,
            against=against or bool(inner),
        )
    return found


async def as_shown(
    ask: Ask,
    hits: Sequence[Hit],
    classes: Sequence[str] = (),
    *,
    matched: bool = True,
    brief: bool = False,
) -> tuple[pages.View, list[Shown]]:
    """Return the hits as this reader sees them, and the view that names the classes too.

    Args:
        matched: say by which label it was found.
        brief: without what a page says beside positions, such as times.
    """
    served = ask.served
    iris = list(dict.fromkeys(hit.iri for hit in hits))
    types = [*dict.fromkeys([*(hit.type for hit in hits if hit.type), *classes])]
    if served.manifest.imported:  # names only: a thing may have any number of statements
        described = await describe.named(served.engine, served.base, [*iris, *types])
    else:
        gather = describe.brief if brief or not iris else describe.related
        described = await gather(served.engine, served.base, iris, types)
    view = ask.view(described)
    found = []
    for hit in hits:
        ref = view.ref(hit.iri)
        other = matched and hit.label != ref.label.text and ref.kind != "claim"
        lang = "" if hit.lang.split("-")[0] == view.ui else hit.lang
        found.append(
            Shown(
                hit,
                ref,
                view.ref(hit.type) if hit.type else None,
                pages.Label(hit.label, lang) if other else None,
                None if served.manifest.imported else _listed(view, view.about(hit.iri)),
            )
        )
    return view, found


def _check_kind(kind: str) -> None:
    """Raise QueryFailure where `kind` is not one that can be searched."""
    if kind and kind not in KIND_NAMES:
        raise QueryFailure(
            "parameter", f"kind is {kind!r}; expected one of {', '.join(KIND_NAMES)}"
        )


def _class_iri(request: Request) -> str:
    """Return the class that is asked for as an IRI; empty for all.

    Raises:
        QueryFailure: it is neither a name of the ontology nor an address.
    """
    given = request.query_params.get("class", "")
    if not given or re.fullmatch(r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]{1,2000}", given):
        return given
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,80}", given):
        raise QueryFailure(
            "parameter", f"class is {given[:80]!r}; expected the name of a class, such as State"
        )
    return CH + given
