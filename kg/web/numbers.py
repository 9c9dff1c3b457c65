"""The page of numbers: how many events are described, of what kind, when, with what status and who.

It reads the sums that the build wrote beside the tables, once for each release, and asks for
nothing but names: a million events take as long as a hundred.

Spec: docs/reference/tables.md
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import msgspec
from fastapi import Request
from fastapi.responses import Response

from kg.vocab import CH
from kg.web import describe, pages
from kg.web.ask import Ask, accepted, cached, lacking
from kg.web.language import N_
from kg.web.negotiation import HTML
from kg.web.site import Served

COUNTS: Final = "tables/counts.json"
SHOWN: Final = 50
"""Rows of a list of numbers."""
TYPES: Final = 20
"""Types of events that are listed, those with the most."""
YEARS: Final = 60
"""Years that are listed, the last ones."""
MONTHS: Final = 24
"""Months that are listed, the last ones."""
AT_HOME: Final = 8
"""Categories on the home page."""
EXAMPLES: Final = 100
"""Things that a query shows which a number links to."""
ROWS: Final = (
    ("events", N_("events described"), "event"),
    ("relations", N_("relations described"), "relation"),
    ("claims", N_("claims by somebody"), "claim"),
    ("participants", N_("roles in events"), ""),
    ("entities", N_("agents, places, things and offices"), ""),
    ("sources", N_("documents and records that claims are in"), ""),
)
"""The tables: what a row of each is, and the kind by which they are searched for."""


class _Events(msgspec.Struct):
    type: str
    category: str
    month: str
    status: str
    number: int


class _Claims(msgspec.Struct):
    stance: str
    modality: str
    basis: str
    number: int


class _Participants(msgspec.Struct):
    participant: str
    role: str
    number: int


class _File(msgspec.Struct):
    rows: dict[str, int]
    events: list[_Events]
    claims: list[_Claims]
    participants: list[_Participants]


@dataclass(frozen=True)
class Sums:
    """The sums of a release, each by one thing: concepts by address, days by year and by month.

    `participants` are who or what, in which role, of how many events: the most frequent first.
    """

    rows: Mapping[str, int]
    categories: Mapping[str, int]
    types: Mapping[str, int]
    statuses: Mapping[str, int]
    years: Mapping[str, int]
    months: Mapping[str, int]
    stances: Mapping[str, int]
    modalities: Mapping[str, int]
    bases: Mapping[str, int]
    participants: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Bar:
    """A number as a bar: of what, how many, its length in hundredths, and where they are shown."""

    name: pages.Ref
    number: int
    length: str
    href: str


def sums_of(data: bytes) -> Sums:
    """Return the sums in a file of counts.

    Raises:
        msgspec.DecodeError: it is no such file.

    >>> found = sums_of(
    ...     b'{"rows":{"events":3},"events":[{"type":"type-talks","category":"consult",'
    ...     b'"month":"2031-05","status":"reported","number":3}],"claims":[],"participants":[]}'
    ... )
    >>> found.years, found.months, found.categories[f"{CH}plover-consult"]
    (Counter({'2031': 3}), Counter({'2031-05': 3}), 3)
    """
    file = msgspec.json.decode(data, type=_File)
    events = [Counter[str]() for _ in range(5)]  # by category, type, status, year and month
    categories, types, statuses, years, months = events
    for one in file.events:
        categories[f"{CH}plover-{one.category}" if one.category else ""] += one.number
        types[f"{CH}{one.type}" if one.type else ""] += one.number
        statuses[f"{CH}status-{one.status}" if one.status else ""] += one.number
        years[one.month[:4]] += one.number
        months[one.month] += one.number
    stances, modalities, bases = Counter[str](), Counter[str](), Counter[str]()
    for said in file.claims:
        for counter, name, value in (
            (stances, "stance", said.stance),
            (modalities, "modality", said.modality),
            (bases, "basis", said.basis),
        ):
            counter[f"{CH}{name}-{value}" if value else ""] += said.number
    return Sums(
        file.rows,
        categories,
        types,
        statuses,
        years,
        months,
        stances,
        modalities,
        bases,
        tuple((one.participant, one.role, one.number) for one in file.participants),
    )


async def sums(served: Served) -> Sums | None:
    """Return the sums of a release, which are read once; None where it has none."""
    if served.manifest.imported or not served.manifest.offers(COUNTS):
        return None

    async def make() -> Sums:
        return sums_of(await asyncio.to_thread((served.folder / COUNTS).read_bytes))

    found: Sums = await cached(served, "sums", make)
    return found


def concepts(ask: Ask, iris: Iterable[str]) -> pages.View:
    """Return a view that names concepts of the ontology; it asks for nothing."""
    graph = describe.Graph()
    for iri in iris:
        graph.add(ask.served.engine.terms.get(iri, ()))
    return ask.view(describe.Description("", ask.served.base, "list", "", 1, graph, {}, (), False))


def by_concept(
    ask: Ask, counted: Mapping[str, int], href: Callable[[str], str], most: int = SHOWN
) -> tuple[Bar, ...]:
    """Return numbers by concept, the largest first; those without one are called so.

    Args:
        href: returns the address below the root that shows what is counted; empty for none.
        most: of how many.
    """
    ranked = sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:most]
    view = concepts(ask, counted)
    none = pages.Ref("", "", pages.Label(ask.language.gettext("none told")))
    return _bars(
        ask, [(view.ref(iri) if iri else none, n, href(iri) if iri else "") for iri, n in ranked]
    )


def _bars(ask: Ask, rows: Sequence[tuple[pages.Ref, int, str]]) -> tuple[Bar, ...]:
    largest = max((number for _, number, _ in rows), default=1)
    return tuple(
        Bar(
            name,
            number,
            f"{100 * number / largest:.2f}",
            f"{ask.root}{href}" if href and not ask.static else "",
        )
        for name, number, href in rows
    )


def by_days(ask: Ask, counted: Mapping[str, int], most: int) -> tuple[Bar, ...]:
    """Return numbers by year or month, the last ones first, and then those without a day."""
    days = sorted(day for day in counted if re.fullmatch(r"[0-9]{4}(-[0-9]{2})?", day))
    rows = [
        (
            pages.Ref("", "", pages.Label(ask.language.date(day))),
            counted[day],
            f"/timeline?{urlencode({'from': day, 'to': day})}",
        )
        for day in reversed(days[-most:])
    ]
    if counted.get(""):
        none = pages.Label(ask.language.gettext("no date"))
        rows.append((pages.Ref("", "", none), counted[""], ""))
    return _bars(ask, rows)


def query_of(pattern: str, name: str) -> str:
    """Return the address below the root of a query that shows some of what is counted.

    Args:
        pattern: of SPARQL.
        name: of the variable.
    """
    query = (
        f"SELECT ?{name} ?label WHERE {{\n  ?{name} {pattern} ; rdfs:label ?label .\n}}"
        f"\nLIMIT {EXAMPLES}"
    )
    return f"/query?{urlencode({'query': query})}"


def categories(ask: Ask, found: Sums, most: int = SHOWN) -> tuple[Bar, ...]:
    """Return how many events are described of each category."""
    return by_concept(
        ask,
        found.categories,
        lambda iri: query_of(f"ch:category ch:{iri.removeprefix(CH)}", "event"),
        most,
    )


async def number_page(request: Request) -> Response:
    """Return the numbers of the release: described events by category, day, status and role.

    They are sums that the build wrote; each links to what is counted, or some of it. As data they
    are the file `tables/counts.json` of the release.
    """
    ask = Ask(request)
    accepted(request, (HTML,))
    served = ask.served
    found = await sums(served)
    if found is None:
        raise lacking(ask, "numbers")
    headers = {"Vary": "Accept, Accept-Language", "ETag": ask.etag("/numbers", *ask.reader)}
    if (same := ask.known(headers["ETag"], headers)) is not None:
        return same
    participants = found.participants[:SHOWN]
    named = await cached(
        served,
        "participants",
        lambda: describe.named(served.engine, served.base, [one for one, _, _ in participants]),
    )
    view = ask.view(named)
    roles = concepts(ask, {f"{CH}role-{role}" for _, role, _ in participants})

    def claims_of(name: str) -> Callable[[str], str]:
        return lambda iri: query_of(f"ch:{name} ch:{iri.removeprefix(CH)}", "claim")

    def events_of(iri: str) -> str:
        """Return the timeline of what takes part, where it can be narrowed by that."""
        kind, _, key = iri.removeprefix(f"{served.base}id/").partition("/")
        return f"/timeline?{urlencode({kind: key})}" if kind in ("agent", "place") else ""

    bars = _bars(ask, [(view.ref(iri), n, events_of(iri)) for iri, _, n in participants])
    _ = ask.language.gettext
    return ask.page(
        "numbers.html",
        headers=headers,
        title=_(N_("Numbers")),
        formats=[
            {
                "name": "JSON",
                "type": "application/json",
                "href": f"{ask.root}/download/current/{COUNTS}",
            }
        ],
        rows=[
            {
                "name": _(name),
                "count": found.rows[table],
                "href": f"{ask.root}/search?kind={kind}" if kind else "",
            }
            for table, name, kind in ROWS
            if table in found.rows
        ],
        charts=[
            ("categories", _(N_("Described events by category")), categories(ask, found)),
            (
                "statuses",
                _(N_("Described events by derived status")),
                by_concept(
                    ask,
                    found.statuses,
                    lambda iri: f"/timeline?status={iri.removeprefix(f'{CH}status-')}",
                ),
            ),
            (
                "types",
                _(N_("Described events by type")),
                by_concept(
                    ask, found.types, lambda iri: f"/timeline?type={iri.removeprefix(CH)}", TYPES
                ),
            ),
            (
                "years",
                _(N_("Described events by the year in which they begin")),
                by_days(ask, found.years, YEARS),
            ),
            (
                "months",
                _(N_("Described events by the month in which they begin")),
                by_days(ask, found.months, MONTHS),
            ),
            (
                "stances",
                _(N_("Claims by stance")),
                by_concept(ask, found.stances, claims_of("stance")),
            ),
            (
                "modalities",
                _(N_("Claims by modality")),
                by_concept(ask, found.modalities, claims_of("modality")),
            ),
            ("bases", _(N_("Claims by basis")), by_concept(ask, found.bases, claims_of("basis"))),
        ],
        participants=[
            (bar, roles.ref(f"{CH}role-{role}"))
            for bar, (_iri, role, _n) in zip(bars, participants, strict=True)
        ],
        private=[graph for graph in served.manifest.graphs if graph.private],
    )


async def at_home(ask: Ask) -> tuple[Bar, ...]:
    """Return the categories of most described events, for the home page."""
    found = await sums(ask.served)
    return categories(ask, found, AT_HOME) if found else ()


def most_frequent(found: Sums, base: str, most: int) -> dict[str, list[str]]:
    """Return who, where and of which type most events are described, for the forms of pictures.

    Args:
        found: the sums of the release.
        base: its base IRI.
        most: of each.
    """
    who, where = Counter[str](), Counter[str]()
    for iri, role, number in found.participants:
        if iri.startswith(f"{base}id/agent/"):
            who[iri] += number
        if role in ("place", "origin", "destination"):
            where[iri] += number
    ranked = {"agent": who, "place": where, "type": Counter(found.types)}
    return {
        name: [iri for iri, _ in sorted(counted.items(), key=lambda one: (-one[1], one[0])) if iri][
            :most
        ]
        for name, counted in ranked.items()
    }


def last_month(found: Sums, wanted: int) -> str:
    """Return the month since which at least so many described events begin; empty for none.

    >>> last_month(sums_of(b'{"rows":{},"events":[],"claims":[],"participants":[]}'), 1)
    ''
    """
    total = 0
    for month in sorted(found.months, reverse=True):
        total += found.months[month]
        if month and total >= wanted:
            return month
    return ""
