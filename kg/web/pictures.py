"""Pictures of what is described: the timeline, the map, and the network of who acts on whom.

Each is a table first: the page, the JSON and the CSV hold the same rows in the same order, and the
scripts of `frontend/src` draw the rows of the page that they find. So nothing is in a picture that
is not written beside it, with its mark and with who affirms or denies it.

Spec: docs/how-to/read-the-pages.md; RFC 4180 (CSV)
"""

from __future__ import annotations

import datetime
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from kg.vocab import CH, MARKS
from kg.web import describe, pages
from kg.web.ask import PLAIN_JSON, Ask, cached, form_of, lacking
from kg.web.drawn import (
    ACTORS,
    LOOKED_AT,
    PLACED,
    TAKING_PART,
    Actor,
    Drawn,
    Map,
    Narrowed,
    Network,
    Spot,
    Tie,
    Timeline,
    chosen,
    disputed,
    drawn,
    map_of,
    network_of,
    timeline_of,
)
from kg.web.guard import QueryFailure
from kg.web.language import N_
from kg.web.negotiation import CSV, HTML, Format
from kg.web.numbers import last_month, most_frequent, sums
from kg.web.site import Served
from kg.web.tables import Table

EVENTS: Final = 200
"""Events on a page of the timeline."""
LATEST: Final = 6
"""Events on the timeline of the home page."""
CHOICES: Final = 100
"""Agents, places and types that the forms offer."""
FORMATS: Final = (HTML, PLAIN_JSON, CSV)
PICTURES: Final = ("timeline", "map", "network")

SAID: Final[Mapping[str, str]] = {
    "affirms": "affirmed_by",
    "denies": "denied_by",
    "disputes-evidence": "evidence_disputed_by",
    "questions": "questioned_by",
    "does-not-confirm": "not_confirmed_by",
    "cannot-verify": "not_verified_by",
    pages.REPLIES: "answered_by",
}
"""Stance, and the name of the column and property that holds who takes it."""
ELSEWHERE: Final = "on_what_is_possibly_the_same_event"
INNER: Final = "on_what_it_names"
UNCONTRADICTED: Final = "nobody_takes_another_position"
LEFT_OUT: Final = "positions_left_out"

CLASSES: Final = (
    ("Person", "person", N_("person")),
    ("State", "state", N_("state")),
    ("UnnamedSource", "source", N_("unnamed source")),
    ("Narrator", "source", N_("unnamed source")),
    ("Unattributed", "source", N_("unnamed source")),
    ("Organization", "organisation", N_("organisation")),
)
"""Class, its shape in the network, and the name of that; the first that fits."""
STANDINGS: Final[Mapping[str, str]] = {
    "described": N_("described"),
    "disputed": N_("disputed"),
    "planned": N_("planned or hypothetical"),
}

_DATE: Final = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_STANCE: Final = re.compile(r"[a-z]+(?:-[a-z]+)*")

_TAKING_PART_QUERY: Final = """
SELECT ?one (COUNT(DISTINCT ?node) AS ?n) WHERE {
  { SELECT ?node WHERE { ?node a ch:Event } LIMIT $window }
  VALUES ?role { $roles } ?node ?role ?one . FILTER(STRSTARTS(STR(?one), '$kind'))
} GROUP BY ?one ORDER BY DESC(1 * ?n) STR(?one) LIMIT $limit"""
_TYPES_QUERY: Final = """
SELECT ?one (COUNT(?node) AS ?n) WHERE {
  { SELECT ?node WHERE { ?node a ch:Event } LIMIT $window } ?node ch:eventType ?one
} GROUP BY ?one ORDER BY DESC(1 * ?n) STR(?one) LIMIT $limit"""


# --- what is asked for ---------------------------------------------------------------------------


def narrowed(ask: Ask) -> Narrowed:
    """Return what the parameters of a request ask for.

    Raises:
        QueryFailure: one of them is not what it may be.
    """
    params = ask.request.query_params

    def one(name: str, pattern: re.Pattern[str], expected: str) -> str:
        text = params.get(name, "").strip()
        if text and not (pattern.fullmatch(text) and len(text) <= 200):
            raise QueryFailure("parameter", f"{name} is {text!r}; expected {expected}")
        return text

    def day(name: str) -> str:
        return _day(one(name, _DATE, "a date such as 2023-10-18"), name)

    agents = tuple(sorted({text.strip() for text in params.getlist("agent") if text.strip()}))
    for key in agents:
        if not (describe.KEY.fullmatch(key) and len(key) <= 200):
            raise QueryFailure("parameter", f"agent is {key!r}; expected a key such as russia")
    if len(agents) > 2:
        raise QueryFailure("parameter", f"agent is given {len(agents)} times; expected one or two")
    kind = one("type", describe.KEY, "the name of a type of event such as type-meeting")
    if kind and CH + kind not in ask.served.engine.terms:
        raise QueryFailure(
            "parameter", f"type is {kind!r}, which is no concept of the ontology; see /ontology"
        )
    statuses = _statuses(ask.served)
    status = one("status", _STANCE, f"one of {', '.join(statuses)}")
    if status and status not in statuses:
        raise QueryFailure(
            "parameter", f"status is {status!r}; expected one of {', '.join(statuses)}"
        )
    for name, values in (("relations", ("yes", "no")), ("rows", ("event", "agent"))):
        if (text := params.get(name) or values[1 if name == "relations" else 0]) not in values:
            raise QueryFailure("parameter", f"{name} is {text!r}; expected {' or '.join(values)}")
    found = Narrowed(
        agents,
        one("place", describe.KEY, "a key such as pyongyang"),
        kind,
        status,
        day("from"),
        day("to"),
        params.get("relations") == "yes",
        params.get("rows") == "agent",
    )
    if found.start and found.end and found.end + "~" < found.start:
        raise QueryFailure(
            "parameter", f"from is {found.start!r}, after {found.end!r}; expected the earlier one"
        )
    return found


def _day(text: str, name: str) -> str:
    """Return a day, a month or a year as it is, if there is such a one."""
    if text:
        try:
            datetime.date.fromisoformat(text + "-01-01"[len(text) - 4 :])
        except ValueError:
            raise QueryFailure(
                "parameter", f"{name} is {text!r}; expected a date such as 2023-10-18"
            ) from None
    return text


def _statuses(served: Served) -> list[str]:
    """Return the names of the derived statuses, sorted."""
    start = f"{CH}status-"
    return sorted(iri.removeprefix(start) for iri in served.engine.terms if iri.startswith(start))


def _form(ask: Ask, suffix: str) -> Format:
    """Return the format that is asked for: by suffix, `format`, else the header Accept."""
    return form_of(ask.request, FORMATS, suffix)


# --- what is shown -------------------------------------------------------------------------------


def said(listed: pages.Listed) -> dict[str, Any]:
    """Return who takes which position on a proposition, in plain words, by the names in `SAID`."""
    found: dict[str, Any] = {name: [] for name in SAID.values()}
    for position in listed.positions:
        if position.key in SAID:
            found[SAID[position.key]] += [pages.plain(who) for who in position.speakers]
    for name, positions in ((ELSEWHERE, listed.elsewhere), (INNER, listed.inner)):
        found[name] = [
            f"{position.stance.label.text}: {pages.plain(who)}"
            for position in positions
            for who in position.speakers
        ]
    found[UNCONTRADICTED] = not listed.against and not listed.partial
    found[LEFT_OUT] = listed.partial
    return found


def _proposition(listed: pages.Listed) -> dict[str, Any]:
    """Return a proposition with its mark and the positions on it, as JSON has it."""
    ref = listed.ref
    return {
        "iri": ref.iri,
        "described": pages.plain(ref),
        "type": pages.plain(listed.type) if listed.type else None,
        "status": pages.plain(ref.status) if ref.status else None,
        "when": listed.when,
        **said(listed),
    }


def cells(listed: pages.Listed) -> list[str]:
    """Return who takes which position on a proposition as cells of CSV, under `POSITIONS`."""
    return [
        ("yes" if value else "no") if isinstance(value, bool) else "; ".join(value)
        for value in said(listed).values()
    ]


def _cells(listed: pages.Listed) -> list[str]:
    """Return a proposition and the positions on it as cells of CSV, under `_COLUMNS`."""
    own = _proposition(listed)
    return [*(own[name] or "" for name in _OWN), *cells(listed)]


_OWN: Final = ("iri", "described", "type", "status", "when")
POSITIONS: Final = (*SAID.values(), ELSEWHERE, INNER, UNCONTRADICTED, LEFT_OUT)
"""Columns of who takes which position."""
_COLUMNS: Final = (
    "iri",
    "described",
    "described_type",
    "derived_status",
    "described_time",
    *POSITIONS,
)


def _table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table as CSV for spreadsheets."""
    return Table(
        tuple(header), [["" if cell is None else str(cell) for cell in row] for row in rows]
    ).csv()


# --- what the forms offer ----------------------------------------------------------------------


async def _choices(ask: Ask, view: pages.View, wanted: Narrowed) -> dict[str, Any]:
    """Return what the form offers: the agents, places and types that most events have."""
    served = ask.served

    async def make() -> tuple[describe.Description, list[list[str]]]:
        if (found := await sums(served)) is not None:
            counted = most_frequent(found, served.base, CHOICES)
            lists = [counted[name] for name in ("agent", "place", "type")]
            iris = list(dict.fromkeys(iri for one in lists for iri in one))
            return await describe.named(served.engine, served.base, iris), lists
        roles = {"agent": TAKING_PART, "place": PLACED}
        answers = await served.engine.rows(
            [
                *(
                    describe.fill(
                        _TAKING_PART_QUERY,
                        window=LOOKED_AT,
                        limit=CHOICES,
                        roles=roles[kind],
                        kind=f"{served.base}id/{'agent/' if kind == 'agent' else ''}",
                    )
                    for kind in roles
                ),
                describe.fill(_TYPES_QUERY, window=LOOKED_AT, limit=CHOICES),
            ]
        )
        lists = [[row["one"].value for row in rows if "one" in row] for rows in answers]
        iris = list(dict.fromkeys(iri for one in lists for iri in one))
        return await describe.named(served.engine, served.base, iris), lists

    d, (agents, places, types) = await cached(served, "picture choices", make)
    named = ask.view(d)

    def options(iris: Iterable[str], wanted: Iterable[str]) -> list[tuple[str, pages.Ref]]:
        found = {iri.rpartition("/")[2]: named.ref(iri) for iri in iris}
        for iri in wanted:
            if iri in view.d.graph:
                found.setdefault(iri.rpartition("/")[2], view.ref(iri))
        return sorted(found.items(), key=lambda pair: (pair[1].label.text, pair[0]))

    named_there = chosen(served, wanted)
    beginning = f"{CH}status-"
    statuses = [beginning + name for name in _statuses(served)]
    graph = describe.Graph()
    for iri in (*statuses, *([CH + wanted.type] if wanted.type else [])):
        graph.add(served.engine.terms.get(iri, ()))
    concepts = ask.view(describe.Description("", served.base, "list", "", 1, graph, {}, (), False))
    kinds = {iri: named.ref(iri) for iri in types}
    if wanted.type:
        kinds.setdefault(CH + wanted.type, concepts.ref(CH + wanted.type))
    return {
        "agents": options(agents, named_there[: len(wanted.agents)]),
        "places": options(places, named_there[len(wanted.agents) :]),
        "types": sorted(
            ((iri.removeprefix(CH), ref) for iri, ref in kinds.items()),
            key=lambda pair: (pair[1].label.text, pair[0]),
        ),
        "statuses": [(iri.removeprefix(beginning), concepts.ref(iri)) for iri in statuses],
    }


# --- the pages -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """A request for a picture: what of it, in which format, and the headers of its answer."""

    ask: Ask
    wanted: Narrowed
    form: Format
    headers: Mapping[str, str]
    number: int
    same: Response | None


def _asked(request: Request, name: str, suffix: str) -> _Asked:
    """Return what is asked for; `same` is the answer where the reader has it already."""
    ask = Ask(request)
    if ask.served.manifest.imported:
        raise lacking(ask, name)
    ask.path = f"/{name}"  # one page, whichever address it was asked by
    form, wanted, number = _form(ask, suffix), narrowed(ask), ask.number
    etag = ask.etag(name, form.name, wanted, number, *ask.reader)
    vary = "Accept-Language" if suffix else "Accept, Accept-Language"
    headers = {"ETag": etag, "Vary": vary, "Cache-Control": "no-cache"}
    return _Asked(ask, wanted, form, headers, number, ask.known(etag, headers))


async def _answer(
    asked: _Asked,
    name: str,
    view: pages.View,
    value: Mapping[str, Any],
    table: Callable[[], str],
    **context: Any,
) -> Response:
    """Return a picture in the format asked for."""
    ask = asked.ask
    if asked.form is PLAIN_JSON:
        shared = {"release": ask.served.manifest.id, "query": asked.wanted.query()}
        body = json.dumps({**shared, **value}, ensure_ascii=False)
        return ask.answer(body, PLAIN_JSON.media_type, asked.headers)
    if asked.form is CSV:
        return ask.answer(table(), CSV.media_type, asked.headers)
    wanted = asked.wanted
    query = wanted.query(page=asked.number if asked.number > 1 else "")
    there = f"?{query}" if query else ""
    same = wanted.query(relations="", rows="")
    named = [view.ref(iri) for iri in chosen(ask.served, wanted) if iri in view.d.graph]
    return ask.page(
        f"{name}.html",
        headers=asked.headers,
        formats=[
            {
                "name": words,
                "type": form.media_type,
                "href": f"{ask.root}/{name}{form.suffix}{there}",
            }
            for form, words in ((PLAIN_JSON, "JSON"), (CSV, "CSV"))
        ],
        name=name,
        view=view,
        wanted=wanted,
        named=named,
        choices=await _choices(ask, view, wanted),
        others=[
            (other, f"{ask.root}/{other}?{same}" if wanted.anything else f"{ask.root}/{other}")
            for other in PICTURES
            if other != name
        ],
        looked_at=LOOKED_AT,
        beyond=await _beyond(ask.served, wanted),
        **context,
    )


async def _beyond(served: Served, wanted: Narrowed) -> bool:
    """Return whether a picture that nothing narrows is of some of the events only."""
    found = None if wanted.anything else await sums(served)
    return found is not None and found.rows.get("events", 0) > LOOKED_AT


async def timeline(request: Request) -> Response:
    """Return events on a timeline, those that begin last first; HTML, JSON (`.json`) or CSV.

    Narrowed by `agent` (a key; given twice, both take part), `place`, `type` (of event), `status`,
    `from` and `to` (a day, a month or a year). `relations=yes` adds relations that have a time,
    `rows=agent` sets the events of a page in groups by who is described as acting. Events without a
    date come last.
    """
    return await _timeline_as(request, "")


async def timeline_as(request: Request, suffix: str) -> Response:
    """Return the same in the format of the suffix."""
    return await _timeline_as(request, suffix)


async def _timeline_as(request: Request, suffix: str) -> Response:
    asked = _asked(request, "timeline", suffix)
    if asked.same is not None:
        return asked.same
    ask, wanted, number = asked.ask, asked.wanted, asked.number
    found: Timeline = await ask.served.recent(
        ("timeline", wanted, number),
        lambda: timeline_of(ask.served, wanted, number, EVENTS),
    )
    view = ask.view(found.d)
    items = drawn(view, found.nodes)
    groups: list[tuple[pages.Ref | None, list[Drawn]]] = [(None, list(items))]
    if wanted.grouped:
        by_actor: dict[pages.Ref | None, list[Drawn]] = {}
        for item in items:
            by_actor.setdefault(item.actors[0] if item.actors else None, []).append(item)
        groups = sorted(
            by_actor.items(),
            key=lambda pair: (pair[0] is None, pair[0].label.text if pair[0] else ""),
        )
        items = tuple(item for _, some in groups for item in some)
    more = found.total > number * EVENTS
    return await _answer(
        asked,
        "timeline",
        view,
        {
            "page": number,
            "more": more,
            "events": found.total,
            "undated": found.total - found.dated,
            "cut": found.total >= LOOKED_AT,
            "timeline": [
                {
                    **_proposition(item.listed),
                    "described_actors": [pages.plain(who) for who in item.actors],
                    "time": item.how or None,
                    "earliest": item.earliest or None,
                    "latest": item.latest or None,
                }
                for item in items
            ],
        },
        lambda: _table(
            (*_COLUMNS, "described_actors", "kind_of_time", "earliest", "latest"),
            (
                (
                    *_cells(item.listed),
                    "; ".join(pages.plain(who) for who in item.actors),
                    item.how,
                    item.earliest,
                    item.latest,
                )
                for item in items
            ),
        ),
        title=ask.language.gettext(N_("Timeline")),
        groups=groups,
        shown=len(items),
        dated=sum(bool(item.how) for item in items),
        total=found.total,
        undated=found.total - found.dated,
        cut=found.total >= LOOKED_AT,
        more=more,
        used=sorted({item.key for item in items if item.how}),
    )


async def map_page(request: Request) -> Response:
    """Return where events are described to take place; HTML, JSON (`.json`) or CSV (`.csv`).

    Narrowed as `/timeline` is. A place has its own coordinates or none: what it lies in is said,
    and no position made of that.
    """
    return await _map_as(request, "")


async def map_page_as(request: Request, suffix: str) -> Response:
    """Return the same in the format of the suffix."""
    return await _map_as(request, suffix)


async def _map_as(request: Request, suffix: str) -> Response:
    asked = _asked(request, "map", suffix)
    if asked.same is not None:
        return asked.same
    ask, wanted, number = asked.ask, asked.wanted, asked.number
    found: Map = await ask.served.recent(
        ("map", wanted, number), lambda: map_of(ask.served, wanted, number)
    )
    view = ask.view(found.d)
    examples = {iri: view.listed(found.examples[iri]) for iri, _ in found.rows}
    spots = [
        Spot(
            view.ref(iri),
            *found.points.get(iri, ("", "")),
            tuple(view.ref(one) for one in found.regions.get(iri, ())),
            count,
            any(map(disputed, examples[iri])),
            examples[iri],
            f"{ask.root}/timeline?{wanted.query(place=iri.rpartition('/')[2])}",
        )
        for iri, count in found.rows
    ]
    placed = [spot for spot in spots if spot.latitude]
    unplaced = [spot for spot in spots if not spot.latitude]
    return await _answer(
        asked,
        "map",
        view,
        {
            "page": number,
            "more": found.more,
            "places": [
                {
                    "iri": spot.ref.iri,
                    "label": pages.plain(spot.ref),
                    "latitude": float(spot.latitude) if spot.latitude else None,
                    "longitude": float(spot.longitude) if spot.longitude else None,
                    "located_in": [pages.plain(one) for one in spot.regions],
                    "described_events": spot.count,
                    "disputed": spot.disputed,
                    "examples": [_proposition(one) for one in spot.listed],
                }
                for spot in (*placed, *unplaced)
            ],
        },
        lambda: _table(
            (
                "place",
                "place_label",
                "latitude",
                "longitude",
                "located_in",
                "described_events",
                "disputed",
                *_COLUMNS,
            ),
            (
                (
                    spot.ref.iri,
                    pages.plain(spot.ref),
                    spot.latitude,
                    spot.longitude,
                    "; ".join(pages.plain(one) for one in spot.regions),
                    spot.count,
                    "yes" if spot.disputed else "no",
                    *_cells(one),
                )
                for spot in (*placed, *unplaced)
                for one in spot.listed
            ),
        ),
        title=ask.language.gettext(N_("Map")),
        placed=placed,
        unplaced=unplaced,
        more=found.more,
    )


async def network(request: Request) -> Response:
    """Return who is described as acting on whom; HTML, JSON (`.json`) or CSV (`.csv`).

    Narrowed as `/timeline` is. A tie is an actor, a recipient and a type of event; it is disputed
    where somebody denies one of its events, disputes the evidence or questions it.
    """
    return await _network_as(request, "")


async def network_as(request: Request, suffix: str) -> Response:
    """Return the same in the format of the suffix."""
    return await _network_as(request, suffix)


async def _network_as(request: Request, suffix: str) -> Response:
    asked = _asked(request, "network", suffix)
    if asked.same is not None:
        return asked.same
    ask, wanted = asked.ask, asked.wanted
    found: Network = await ask.served.recent(
        ("network", wanted), lambda: network_of(ask.served, wanted)
    )
    view = ask.view(found.d)
    _ = ask.language.gettext
    examples = [view.listed(some) for some in found.examples]
    ties = [
        Tie(
            view.ref(source),
            view.ref(target),
            view.ref(kind) if kind else None,
            count,
            "disputed"
            if any(map(disputed, some))
            else "planned"
            if ahead == count
            else "described",
            some,
            _events_of(ask, wanted, source, target, kind),
        )
        for (source, target, kind, count, ahead), some in zip(found.ties, examples, strict=True)
    ]
    degree = Counter(ref for tie in ties for ref in {tie.source, tie.target})
    actors = [_actor(view, ref, count) for ref, count in degree.items()]
    actors.sort(key=lambda actor: (-actor.ties, actor.ref.label.text, actor.ref.iri))
    return await _answer(
        asked,
        "network",
        view,
        {
            "more": found.more or bool(found.left_out),
            "agents": [
                {
                    "iri": actor.ref.iri,
                    "label": pages.plain(actor.ref),
                    "shape": actor.shape,
                    "acts_for": [pages.plain(side) for side in actor.sides],
                    "ties": actor.ties,
                }
                for actor in actors
            ],
            "ties": [
                {
                    "described_actor": tie.source.iri,
                    "described_recipient": tie.target.iri,
                    "described": _tie_words(tie),
                    "type": pages.plain(tie.type) if tie.type else None,
                    "events": tie.count,
                    "standing": tie.standing,
                    "examples": [_proposition(one) for one in tie.listed],
                }
                for tie in ties
            ],
        },
        lambda: _table(
            (
                "described_actor",
                "described_recipient",
                "described_tie",
                "events",
                "standing",
                *_COLUMNS,
            ),
            (
                (
                    pages.plain(tie.source),
                    pages.plain(tie.target),
                    _tie_words(tie),
                    tie.count,
                    tie.standing,
                    *_cells(one),
                )
                for tie in ties
                for one in tie.listed
            ),
        ),
        title=_(N_("Network")),
        ties=ties,
        actors=actors,
        left_out=found.left_out,
        more=False,
        cut=found.more,
        most=ACTORS,
        standings=[(name, _(words)) for name, words in STANDINGS.items()],
        standing_words=STANDINGS,
    )


def _tie_words(tie: Tie) -> str:
    """Return a tie in plain words, with the mark of an event."""
    words = f"{tie.source.label.text} → {tie.target.label.text}"
    if tie.type:
        words += f": {tie.type.label.text}"
    return pages.plain(pages.Ref("", "", pages.Label(words), "event", MARKS["event"]))


def _events_of(ask: Ask, wanted: Narrowed, source: str, target: str, kind: str) -> str:
    """Return the timeline of a tie: of the events in which both take part, of its type."""
    start = f"{ask.served.base}id/agent/"
    agents = [iri.removeprefix(start) for iri in (source, target) if iri.startswith(start)]
    changed = {"agent": agents, "type": kind.removeprefix(CH)}
    return f"{ask.root}/timeline?{wanted.query(**changed)}"


def _actor(view: pages.View, ref: pages.Ref, ties: int) -> Actor:
    """Return who or what stands in the network."""
    graph = view.d.graph
    shape, kind = next(
        ((shape, words) for name, shape, words in CLASSES if graph.a(ref.iri, name)),
        ("organisation", N_("organisation")) if ref.kind == "agent" else ("other", N_("other")),
    )
    sides = tuple(view.ref(side) for side in view.sides(ref.iri))
    return Actor(ref, shape, view.language.gettext(kind), sides, ties)


# --- small pictures on other pages ---------------------------------------------------------------


async def latest(ask: Ask) -> tuple[Drawn, ...]:
    """Return the events that begin last, for the home page; computed once for each release."""
    served = ask.served

    async def make() -> Timeline:
        # Of more events than can be put in order, those of the last months are looked at.
        found = await sums(served)
        many = found is not None and found.rows.get("events", 0) > LOOKED_AT
        since = last_month(found, LATEST) if found and many else ""
        return await timeline_of(served, Narrowed(start=since), 1, LATEST)

    found: Timeline = await cached(served, "latest events", make)
    items = drawn(ask.view(found.d), found.nodes)
    return tuple(item for item in items if item.how)


def of_thing(ask: Ask, kind: str, key: str) -> list[tuple[str, str]]:
    """Return the pictures of an agent or a place: name and address."""
    if kind not in ("agent", "place") or ask.static:
        return []
    return [
        (name, f"{ask.root}/{name}?{urlencode({kind: key})}")
        for name in PICTURES
        if not (kind == "place" and name == "map")
    ]
