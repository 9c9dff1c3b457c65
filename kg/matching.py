"""Events of several sources that are perhaps the same: found by rule, never merged.

Two sources seldom name an event alike. What they may have in common is its category, its days, its
place and the states that take part. A rule that finds these gives a link with a certainty and its
reason; a curator may accept or refuse it.

Spec: docs/model.md, "Derived statements"; docs/decisions/0018-feeds.md
"""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from kg.derive import event_link
from kg.serialise import read_literal
from kg.vocab import (
    RDF,
    data_iri,
    digest_key,
    term,
)

RULE: Final = (
    "Two sources describe events of one category, whose days can coincide, at places near each "
    "other, with agents of a state in common."
)
NEAR: Final = 50.0
"""Kilometres between places at most."""
CLOSE: Final = 10.0
"""Kilometres within which, on the same day and with two states in common, it is probable."""
LONGEST: Final = 7
"""Days that an event may take at most: of a longer one the days say little."""
MOST: Final = 5
"""Events that one event is linked to at most. Where more are as near as the nearest, none is."""
_KEPT: Final = 40
_CELL: Final = 0.5
_EARTH: Final = 6371.0


class Happening(NamedTuple):
    """What an event is compared by.

    Attributes:
        key: kind and key of the event, `event/…`.
        category: a PLOVER category, by its key.
        first, last: days, `YYYY-MM-DD`.
        latitude, longitude: degrees.
        states: keys of agents that are states: of those who take part, whom they act for, or by
            which they are coded.
    """

    key: str
    category: str
    first: str
    last: str
    latitude: float
    longitude: float
    states: tuple[str, ...]


class Match(NamedTuple):
    """Two events that are perhaps the same: the lesser key first; certainty and reason."""

    one: str
    two: str
    certainty: str
    reason: str


def comparable(one: Happening) -> bool:
    """Return whether enough is known of an event, and its days are few enough."""
    return bool(one.category and one.first and one.last and one.states) and (
        _day(one.last) - _day(one.first) < LONGEST
    )


def matches(sources: Sequence[tuple[str, Iterable[Happening]]]) -> list[Match]:
    """Return the pairs of events of different sources that are perhaps the same, sorted.

    All but the last source are held in memory, so the largest should come last.

    Args:
        sources: the id of each, and its events, which are comparable.
    """
    index: dict[tuple[str, int, int, int], list[tuple[str, Happening]]] = {}
    found: dict[str, list[tuple[float, str]]] = {}
    known: dict[str, Happening] = {}
    for n, (source, events) in enumerate(sources):
        for event in events:
            for other in _near(index, source, event):
                distance = _kilometres(event, other)
                if distance > NEAR:
                    continue
                if set(event.states).isdisjoint(other.states):
                    continue
                for one, two in ((event, other), (other, event)):
                    near = found.setdefault(one.key, [])
                    near.append((distance, two.key))
                    if len(near) > _KEPT:  # of many only the nearest are looked at in the end
                        near.sort()
                        del near[MOST + 1 :]
                    known.setdefault(one.key, one)
            if n + 1 < len(sources):
                for cell in _cells(event, around=False):
                    index.setdefault(cell, []).append((source, event))
    kept: Counter[tuple[str, str]] = Counter()
    for key, some in found.items():
        some.sort()
        if len(some) > MOST and some[MOST][0] == some[0][0]:
            continue
        kept.update((min(key, far), max(key, far)) for _, far in some[:MOST])
    return sorted(
        _match(known[one], known[two]) for (one, two), number in kept.items() if number == 2
    )


def _match(one: Happening, two: Happening) -> Match:
    distance = _kilometres(one, two)
    common = sorted(set(one.states) & set(two.states))
    first, second = sorted((one, two))
    exact = one.first == one.last == two.first == two.last
    probable = exact and distance <= CLOSE and len(common) > 1
    days = (
        f"the same day, {one.first}"
        if exact
        else f"{first.first}/{first.last} and {second.first}/{second.last}"
    )
    names = ", ".join(state.partition("/")[2] for state in common)
    return Match(
        first.key,
        second.key,
        "probable" if probable else "possible",
        f"Same category ({one.category}); {days}; places {distance:.0f} km apart; "
        f"states in common: {names}. Proposed by rule; not reviewed.",
    )


def described(lines: Iterable[str]) -> list[Happening]:
    """Return what the events of some quads are compared by, sorted; those that are comparable.

    Args:
        lines: N-Quads of articles and of the registry.
    """
    wanted = {
        term(name): name
        for name in (
            *("actsFor", "category", "earliest", "latest", "latitude", "longitude", "time"),
            *("participant", "hasParticipation", "locatedIn", "place", "actor", "recipient"),
        )
    }
    values: dict[str, dict[str, list[str]]] = {name: {} for name in wanted.values()}
    events: set[str] = set()
    states: set[str] = set()
    a = f"<{RDF}type>"
    for line in lines:
        subject, predicate, rest = line.split(" ", 2)
        if predicate == a:
            kind = rest[: rest.index(" ")]
            if kind == term("Event"):
                events.add(subject)
            elif kind == term("State"):
                states.add(subject)
        elif name := wanted.get(predicate):
            token = rest.rsplit(" ", 2)[0]
            value = token if token[0] == "<" else read_literal(token)[0]
            values[name].setdefault(subject, []).append(value)

    def one(name: str, node: str) -> str:
        return min(values[name].get(node, [""]))

    def state(agent: str) -> str:
        for _ in range(20):
            if agent in states or not one("actsFor", agent):
                break
            agent = one("actsFor", agent)
        return agent if agent in states else ""

    found = []
    for event in sorted(events):
        time = one("time", event)
        place = one("place", event)
        latitude, longitude = (one(name, place) for name in ("latitude", "longitude"))
        taking = {*values["actor"].get(event, ()), *values["recipient"].get(event, ())}
        for part in values["hasParticipation"].get(event, ()):
            taking |= set(values["participant"].get(part, ()))
        category = one("category", event)
        if time and latitude and longitude and category:
            found.append(
                Happening(
                    _key(event),
                    category.rpartition("#plover-")[2].rstrip(">"),
                    one("earliest", time),
                    one("latest", time),
                    float(latitude),
                    float(longitude),
                    tuple(sorted({_key(s) for s in map(state, taking) if s})),
                )
            )
    return [event for event in found if comparable(event)]


def _key(node: str) -> str:
    """Return kind and key of a node, e.g. `event/arrival`."""
    return "/".join(node[1:-1].rsplit("/", 2)[1:])


def link_iri(one: str, two: str, base: str) -> str:
    """Return the IRI of the link between two events, by their keys, the lesser one first."""
    return data_iri(base, "record", digest_key("event-link", one, two))


def lines_of(found: Iterable[Match], labels: Mapping[str, str], base: str, graph: str) -> list[str]:
    """Return the lines of links between events, sorted.

    Args:
        found: the pairs.
        labels: those of the events, by their keys.
        base: the base IRI.
        graph: the IRI of the graph.
    """
    out = []
    for match in found:
        keys = (match.one, match.two)
        one, two = (f"{base}id/{key}" for key in keys)
        words = [labels.get(key, key) for key in keys]
        node, pairs = event_link(base, (one, two), words, match.certainty, match.reason, RULE)
        out += [f"{node} {pair}" for pair in pairs]
        out.append(f"<{one}> {term('possiblySameAs')} <{two}>")
        out.append(f"<{two}> {term('possiblySameAs')} <{one}>")
    return sorted(f"{line} <{graph}> .\n" for line in out)


def _day(text: str) -> int:
    return datetime.date.fromisoformat(text).toordinal()


def _cells(event: Happening, *, around: bool) -> Iterator[tuple[str, int, int, int]]:
    """Yield the cells of an event: of each of its days, with those around it if they are wanted."""
    row = math.floor(event.latitude / _CELL)
    columns = round(360 / _CELL)
    column = math.floor(event.longitude / _CELL) % columns
    rows = range(row - 1, row + 2) if around else (row,)
    for day in range(_day(event.first), _day(event.last) + 1):
        for r in rows:
            # Towards the poles the cells get narrow.
            widest = max(abs(r), abs(r + 1)) * _CELL
            reach = 1
            if around and widest < 89:
                reach = math.ceil(NEAR / (_EARTH * math.radians(_CELL) * _cos(widest)))
            elif around:
                reach = columns // 2
            for c in range(column - reach, column + reach + 1) if around else (column,):
                yield event.category, day, r, c % columns


def _cos(degrees: float) -> float:
    return math.cos(math.radians(degrees))


def _near(
    index: dict[tuple[str, int, int, int], list[tuple[str, Happening]]],
    source: str,
    event: Happening,
) -> Iterator[Happening]:
    """Yield each event of other sources in the cells of an event and around it, once."""
    seen: set[str] = set()
    for cell in _cells(event, around=True):
        for other_source, other in index.get(cell, ()):
            if other_source != source and other.key not in seen:
                seen.add(other.key)
                yield other


def _kilometres(one: Happening, two: Happening) -> float:
    """Return the distance of two events on a sphere."""
    a, b = math.radians(one.latitude), math.radians(two.latitude)
    half = math.sin((b - a) / 2) ** 2
    turned = math.radians(two.longitude - one.longitude)
    half += math.cos(a) * math.cos(b) * math.sin(turned / 2) ** 2
    return 2 * _EARTH * math.asin(math.sqrt(min(1.0, half)))
