"""What pictures show of a release: events on a timeline, places on a map, ties of a network.

`Narrowed` says which events are wanted; `timeline_of`, `map_of` and `network_of` gather these, with
the positions on each; `Drawn`, `Spot`, `Tie` and `Actor` are what `kg.web.pictures` writes of them.

Spec: docs/how-to/read-the-pages.md
"""

from __future__ import annotations

import asyncio
import heapq
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from kg.vocab import CH, ROLES
from kg.web import describe, pages
from kg.web.language import RANGE_RULES
from kg.web.site import Served

PLACES: Final = 60
"""Places on a page of the map, and as many without coordinates."""
ACTORS: Final = 80
"""Who is in the picture of the network: those with the most ties."""
TIES: Final = 200
"""Ties in the picture of the network."""
EXAMPLES: Final = 3
"""Events that are listed with a place or a tie; the timeline has the others."""
LOOKED_AT: Final = 5_000
"""Events that are sorted and counted; where more fit, a page says so."""
ROWS: Final = 5 * LOOKED_AT
"""Roles of these events that are read."""
DISSENT: Final = ("denies", "disputes-evidence", "questions")
"""Stances that make a tie or a place a disputed one."""
AHEAD: Final = (f"{CH}status-planned", f"{CH}status-hypothetical")
DISPUTED: Final = (f"{CH}status-contested", f"{CH}status-denied")
PLACED: Final = "ch:place ch:origin ch:destination"
TAKING_PART: Final = " ".join(f"ch:{role}" for role in ROLES)
# What is found is put in order, counted and grouped here: the engine takes four times as long to
# group ten thousand events, and each tie or place would need a query for its examples.
_DATES_QUERY: Final = """
SELECT ?node ?first ?last WHERE {
  { SELECT DISTINCT ?node WHERE { $body } LIMIT $window }
  OPTIONAL { ?node ch:time ?t . OPTIONAL { ?t ch:earliest ?first } OPTIONAL { ?t ch:latest ?last } }
}"""
# Two queries: of a union the engine evaluates each branch for all events there are.
_DISSENT_QUERIES: Final = tuple(
    "SELECT DISTINCT ?node WHERE { { SELECT DISTINCT ?node WHERE { $body } LIMIT $window } "
    f"{pattern} }}"
    for pattern in (
        "?node ch:status ?status . FILTER(?status IN (ch:status-contested, ch:status-denied))",
        "?claim ch:concerns ?node . ?claim ch:stance ?stance . FILTER(?stance IN "
        "(ch:stance-denies, ch:stance-disputes-evidence, ch:stance-questions))",
    )
)
_PLACES_QUERY: Final = """
SELECT DISTINCT ?where ?node ?lat ?lon WHERE {
  { SELECT DISTINCT ?node WHERE { $body } LIMIT $window }
  ?node ch:place|ch:origin|ch:destination ?where .
  OPTIONAL { ?where ch:latitude ?lat ; ch:longitude ?lon }
} LIMIT $limit"""
_REGIONS_QUERY: Final = (
    "SELECT ?where ?in WHERE { VALUES ?where { $nodes } ?where ch:locatedIn ?in }"
)
_TIES_QUERY: Final = """
SELECT DISTINCT ?from ?to ?type ?node ?status WHERE {
  { SELECT DISTINCT ?node WHERE { $body } LIMIT $window }
  ?node ch:actor ?from ; ch:recipient ?to .
  OPTIONAL { ?node ch:eventType ?type } OPTIONAL { ?node ch:status ?status }
} LIMIT $limit"""


@dataclass(frozen=True)
class Narrowed:
    """Which events are wanted: those that everything given here is true of.

    `agents` and `place` are keys, `type` and `status` local names of concepts without what they
    all begin with, `start` and `end` days, months or years.
    """

    agents: tuple[str, ...] = ()
    place: str = ""
    type: str = ""
    status: str = ""
    start: str = ""
    end: str = ""
    relations: bool = False
    grouped: bool = False

    def body(self, base: str) -> str:
        """Return the pattern that finds them, as `?node`."""
        found = []
        roles = TAKING_PART + (" ch:subject ch:object" if self.relations else "")
        for number, key in enumerate(self.agents):
            agent = f"<{base}id/agent/{key}>"
            found.append(f"VALUES ?role{number} {{ {roles} }} ?node ?role{number} {agent} .")
        if self.place:
            places = f"<{base}id/place/{self.place}> <{base}id/agent/{self.place}>"
            found.append(f"VALUES ?at {{ {places} }} VALUES ?in {{ {PLACED} }} ?node ?in ?at .")
        if self.type:
            names = "ch:eventType|ch:relationType" if self.relations else "ch:eventType"
            found.append(f"?node {names} <{CH}{self.type}> .")
        if self.status:
            found.append(f"?node ch:status <{CH}status-{self.status}> .")
        if self.relations:
            found.append(
                "{ ?node a ch:Event } UNION { ?node a ch:Relation . "
                "FILTER EXISTS { ?node ch:time/(ch:earliest|ch:latest) ?some } }"
            )
        else:
            found.append("?node a ch:Event .")
        if self.start or self.end:  # of all events there are, few have these days: so days first
            days = [
                "?when a ch:TimeExtent . OPTIONAL { ?when ch:earliest ?begins } "
                "OPTIONAL { ?when ch:latest ?ends } FILTER(BOUND(?begins) || BOUND(?ends))"
            ]
            if self.start:
                first = self.start + "-01-01"[len(self.start) - 4 :]
                days.append(f'FILTER(!BOUND(?ends) || STR(?ends) >= "{first}")')
            if self.end:  # "2023-10~" comes after every day of October in the order of characters
                days.append(f'FILTER(!BOUND(?begins) || STR(?begins) <= "{self.end}~")')
            found.insert(0, f"{{ SELECT ?when WHERE {{ {' '.join(days)} }} }}")
            found.append("?node ch:time ?when .")
        return " ".join(found)

    def query(self, **changed: object) -> str:
        """Return the query string of an address for the same, with some parameters changed."""
        given: dict[str, object] = {
            "agent": list(self.agents),
            "place": self.place,
            "type": self.type,
            "status": self.status,
            "from": self.start,
            "to": self.end,
            "relations": "yes" if self.relations else "",
            "rows": "agent" if self.grouped else "",
        } | changed
        return urlencode({name: value for name, value in given.items() if value}, doseq=True)

    @property
    def anything(self) -> bool:
        """Return whether something narrows it."""
        return self != Narrowed(relations=self.relations, grouped=self.grouped)


@dataclass(frozen=True)
class Drawn:
    """A proposition on the timeline: what is said of it, and where its bar begins and ends.

    `how` is what kind of time it is: `day`, `lasting`, `within` (some time in it), `about`
    (approximate), or empty where there is none. An empty end of a bar that has a kind is open.
    """

    listed: pages.Listed
    how: str
    earliest: str
    latest: str
    actors: tuple[pages.Ref, ...]

    @property
    def key(self) -> str:
        """Return the name of the derived status; empty where there is none."""
        status = self.listed.ref.status
        return status.iri.removeprefix(f"{CH}status-") if status else ""


@dataclass(frozen=True)
class Spot:
    """A place on the map or beside it: how many events are described there, and some of them."""

    ref: pages.Ref
    latitude: str
    longitude: str
    regions: tuple[pages.Ref, ...]
    count: int
    disputed: bool
    listed: tuple[pages.Listed, ...]
    all: str


@dataclass(frozen=True)
class Tie:
    """Who is described as acting on whom, by type of event, with some of these events."""

    source: pages.Ref
    target: pages.Ref
    type: pages.Ref | None
    count: int
    standing: str
    listed: tuple[pages.Listed, ...]
    all: str


@dataclass(frozen=True)
class Actor:
    """Who or what is in the network: its shape, the sides that it acts for, how many ties."""

    ref: pages.Ref
    shape: str
    kind: str
    sides: tuple[pages.Ref, ...]
    ties: int


@dataclass(frozen=True)
class Timeline:
    """Propositions in the order of a timeline; how many there are, and how many have a date."""

    d: describe.Description
    nodes: tuple[str, ...]
    total: int
    dated: int


@dataclass(frozen=True)
class Map:
    """Places and how many events each has, those with coordinates first, and some of the events."""

    d: describe.Description
    points: Mapping[str, tuple[str, str]]
    regions: Mapping[str, Sequence[str]]
    rows: tuple[tuple[str, int], ...]
    examples: Mapping[str, Sequence[str]]
    more: bool


@dataclass(frozen=True)
class Network:
    """Ties by who acts on whom and type, with their numbers and some of the events of each."""

    d: describe.Description
    ties: tuple[tuple[str, str, str, int, int], ...]
    examples: Sequence[Sequence[str]]
    left_out: int
    more: bool


def extent(edtf: str, rule: str) -> str:
    """Return what kind of time EDTF says: `day`, `lasting`, `within` or `about`.

    Args:
        edtf: a date or interval of level 0 or 1.
        rule: local name of the concept that says how it was read.

    >>> extent("2023-10-18", ""), extent("2023-09", ""), extent("2023-09~", "")
    ('day', 'within', 'about')
    >>> extent("2023-10-09/2023-10-15", "time-rule-last-week")
    'within'
    >>> extent("2023-08/..", "time-rule-since-month")
    'lasting'
    """
    if re.search("[~?%]", edtf):
        return "about"
    if "/" in edtf:
        return "lasting" if not rule or rule.endswith(RANGE_RULES) else "within"
    return "day" if len(edtf) == 10 else "within"


def drawn(view: pages.View, nodes: Iterable[str]) -> tuple[Drawn, ...]:
    """Return propositions as they stand on a timeline, in their order."""
    found = []
    for listed in view.listed(nodes):
        iri = listed.ref.iri
        actors = (*view.refs(iri, "ch:actor"), *view.refs(iri, "ch:subject"))
        found.append(Drawn(listed, *reach(view.d.graph, iri), actors))
    return tuple(found)


def reach(graph: describe.Graph, iri: str) -> tuple[str, str, str]:
    """Return the kind of time of a proposition, and the first and last day of all its times.

    All are empty where it has none; an end that is open is.
    """
    kinds, firsts, lasts = [], [], []
    for time in graph.iris(iri, "ch:time"):
        first, last = graph.one(time, "ch:earliest"), graph.one(time, "ch:latest")
        if first or last:
            rule = graph.one(time, "ch:timeRule").removeprefix(CH)
            kinds.append(extent(graph.one(time, "ch:edtf"), rule))
            firsts.append(first)
            lasts.append(last)
    how = kinds[0] if len(set(kinds)) == 1 else "within" if kinds else ""
    if len(kinds) > 1 and how == "day":
        how = "within"
    return how, min(firsts, default=""), max(lasts) if lasts and all(lasts) else ""


def disputed(listed: pages.Listed) -> bool:
    """Return whether somebody denies it, disputes the evidence for it or questions it."""
    status = listed.ref.status
    return any(one.key in DISSENT for one in (*listed.positions, *listed.elsewhere)) or (
        status is not None and status.iri in DISPUTED
    )


def chosen(served: Served, wanted: Narrowed) -> list[str]:
    """Return the things that a request names: their labels are shown whatever is found."""
    found = [f"{served.base}id/agent/{key}" for key in wanted.agents]
    if wanted.place:
        found += [f"{served.base}id/{kind}/{wanted.place}" for kind in ("place", "agent")]
    return found


async def timeline_of(served: Served, wanted: Narrowed, number: int, size: int) -> Timeline:
    """Return page `number`, from 1, of a timeline of so many events a page, the last ones first.

    Raises:
        QueryFailure: a query took too long or the workers are busy.
    """
    dates = await _dates(served, wanted)
    offset = (number - 1) * size
    nodes = tuple(node for node, _ in dates[offset : offset + size])
    d = await describe.sketched(served.engine, served.base, nodes, chosen(served, wanted))
    return Timeline(d, nodes, len(dates), sum(bool(day) for _, day in dates))


async def _dates(served: Served, wanted: Narrowed) -> list[tuple[str, str]]:
    """Return the events that are wanted, each with its day, the last ones first."""

    async def make() -> list[tuple[str, str]]:
        query = describe.fill(_DATES_QUERY, body=wanted.body(served.base), window=LOOKED_AT)
        [rows] = await served.engine.rows([query])
        days: dict[str, str] = {}
        for row in rows:
            if "node" in row:
                day = row.get("first") or row.get("last")
                node = row["node"].value
                days[node] = max(days.get(node, ""), day.value if day else "")
        return sorted(sorted(days.items()), key=lambda pair: pair[1], reverse=True)

    return await served.recent(("dates", wanted), make)


async def _disputed(served: Served, wanted: Narrowed) -> set[str]:
    """Return those of the events that are wanted which somebody does not affirm."""
    body = wanted.body(served.base)
    answers = await served.engine.rows(
        [describe.fill(query, body=body, window=LOOKED_AT) for query in _DISSENT_QUERIES]
    )
    return {row["node"].value for rows in answers for row in rows if "node" in row}


def _examples(nodes: Iterable[str], disputed: Collection[str]) -> list[str]:
    """Return the first few of some events, those that somebody does not affirm before others."""
    return heapq.nsmallest(EXAMPLES, set(nodes), key=lambda node: (node not in disputed, node))


async def map_of(served: Served, wanted: Narrowed, number: int) -> Map:
    """Return page `number`, from 1, of the places of events, those with the most first.

    Raises:
        QueryFailure: a query took too long or the workers are busy.
    """
    engine = served.engine
    query = describe.fill(
        _PLACES_QUERY, body=wanted.body(served.base), window=LOOKED_AT, limit=ROWS
    )
    [found], against = await asyncio.gather(engine.rows([query]), _disputed(served, wanted))
    events: dict[str, set[str]] = {}
    every: dict[str, tuple[str, str]] = {}
    for row in found:
        if "where" in row:
            where = row["where"].value
            events.setdefault(where, set()).add(row["node"].value)
            if "lat" in row and "lon" in row:
                every[where] = (row["lat"].value, row["lon"].value)
    ranked = sorted(events, key=lambda iri: (-len(events[iri]), iri))
    placed = [iri for iri in ranked if iri in every]
    unplaced = [iri for iri in ranked if iri not in every]
    start, end = (number - 1) * PLACES, number * PLACES
    rows = tuple((iri, len(events[iri])) for iri in (*placed[start:end], *unplaced[start:end]))
    points = {iri: every[iri] for iri, _ in rows if iri in every}
    names = describe.values_of(iri for iri, _ in rows)
    [regions] = await engine.rows([describe.fill(_REGIONS_QUERY, nodes=names)])
    examples = {iri: _examples(events[iri], against) for iri, _ in rows}
    inside: dict[str, list[str]] = {}
    for row in regions:
        inside.setdefault(row["where"].value, []).append(row["in"].value)
    nodes = dict.fromkeys(node for found in examples.values() for node in found)
    named = {iri for iri, _ in rows} | {iri for found in inside.values() for iri in found}
    return Map(
        await describe.sketched(
            engine, served.base, tuple(nodes), [*named, *chosen(served, wanted)]
        ),
        points,
        inside,
        rows,
        examples,
        len(placed) > end or len(unplaced) > end,
    )


async def network_of(served: Served, wanted: Narrowed) -> Network:
    """Return the ties between those that have the most; whom the request names comes first.

    Raises:
        QueryFailure: a query took too long or the workers are busy.
    """
    engine, most = served.engine, 5 * TIES
    query = describe.fill(_TIES_QUERY, body=wanted.body(served.base), window=LOOKED_AT, limit=ROWS)
    [rows], against = await asyncio.gather(engine.rows([query]), _disputed(served, wanted))
    events: dict[tuple[str, str, str], set[str]] = {}
    planned: dict[tuple[str, str, str], set[str]] = {}
    for row in rows:
        if "from" in row:
            kind = row["type"].value if "type" in row else ""
            tie, node = (row["from"].value, row["to"].value, kind), row["node"].value
            events.setdefault(tie, set()).add(node)
            if "status" in row and row["status"].value in AHEAD:
                planned.setdefault(tie, set()).add(node)
    every = sorted(events, key=lambda tie: (-len(events[tie]), tie))
    found = [(*tie, len(events[tie]), len(planned.get(tie, ()))) for tie in every[:most]]
    degree: Counter[str] = Counter()
    for source, target, *_ in found:
        degree.update({source, target})
    first = set(chosen(served, wanted))
    ranked = sorted(degree, key=lambda iri: (iri not in first, -degree[iri], iri))
    shown = set(ranked[:ACTORS])
    ties = tuple(tie for tie in found if tie[0] in shown and tie[1] in shown)[:TIES]
    examples = [_examples(events[tie[:3]], against) for tie in ties]
    named = {iri for tie in ties for iri in tie[:2]}
    nodes = tuple(dict.fromkeys(node for one in examples for node in one))
    return Network(
        await describe.sketched(engine, served.base, nodes, [*named, *chosen(served, wanted)]),
        ties,
        examples,
        len(found) - len(ties),
        len(every) > most,
    )
