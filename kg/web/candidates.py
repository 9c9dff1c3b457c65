"""Candidates for the names of a table: what the index of labels finds, why, and how likely it is.

Nothing is matched by likeness: the one candidate that is certain has a name that is written like
the text, and no other candidate has it.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from kg.manifest import LABELS
from kg.names import fold, joined, pairs_of_units, plain
from kg.web import describe, pages, search
from kg.web.ask import Ask
from kg.web.batches import LIMIT, USUAL, Condition, Query
from kg.web.front import Shown, as_shown
from kg.web.guard import QueryFailure
from kg.web.language import N_
from kg.web.properties import (
    BEARERS_QUERY,
    DESCRIBED,
    KINDS,
    PROPERTIES,
    THINGS,
    TOMBSTONE,
    WIKIDATA,
    Facts,
    Scheme,
    class_iri,
    facts,
    graph_of,
    id_of,
    iri_of,
    known,
    scheme,
    type_id,
)
from kg.web.search import Hit

ANSWERED: Final = 1000
"""Candidates of all queries of one request."""
_QID: Final = re.compile(
    r"(?:https?://www\.wikidata\.org/(?:entity|wiki)/|wd:)?(Q[1-9][0-9]{0,11})"
)


@lru_cache(maxsize=4096)
def _pairs(folded: str) -> frozenset[str]:
    return frozenset(pair for word in folded.split() for pair in pairs_of_units(word))


def likeness(one: str, other: str) -> float:
    """Return how much of their pairs of letters two folded names share, from 0 to 1.

    >>> likeness("moscow", "moscow"), round(likeness("moscow", "moskva"), 1), likeness("a", "")
    (1.0, 0.4, 0.0)
    """
    first, second = _pairs(one), _pairs(other)
    both = len(first) + len(second)
    return 2 * len(first & second) / both if both else 0.0


FEATURES: Final[Mapping[str, str]] = {
    "identifier": N_("The text is its identifier"),
    "exact_label": N_("A name is written like the text"),
    "folded_label": N_("A name has the same words, however they are written"),
    "all_words": N_("All words of the text are in a name"),
    "beginnings": N_("All words of the text begin words of a name"),
    "likeness": N_("How alike text and name are, of 100"),
    "type": N_("It has the type asked for"),
    "described": N_("It is only described: somebody may affirm or deny it"),
    "wikidata": N_("It has a link to Wikidata"),
}


@dataclass
class Candidate:
    """A thing that a query may mean, and why.

    Args:
        hit: the thing, and its label that is most like a name of the query.
        text: that name; empty where only properties were asked for.
        fits: whether it has the type that is asked for.
        wanted: whether what is only described was asked for by its type.
        identified: whether the text is its identifier.
        met: which of the conditions it meets, by their place.
    """

    hit: Hit
    text: str
    fits: bool
    wanted: bool
    identified: bool = False
    met: list[bool] = field(default_factory=list)
    match: bool = False

    @cached_property
    def exact(self) -> bool:
        """Return whether the label is written like the name."""
        return bool(self.text) and plain(self.hit.label) == plain(self.text)

    @cached_property
    def folded(self) -> bool:
        """Return whether the label has the same words."""
        one, other = fold(self.hit.label), fold(self.text)
        return bool(self.text) and (
            one == other or (joined(one) or one) == (joined(other) or other)
        )

    @cached_property
    def whole(self) -> bool:
        """Return whether all words of the name are words of the label."""
        return bool(self.text) and set(fold(self.text).split()) <= set(fold(self.hit.label).split())

    @cached_property
    def likeness(self) -> float:
        """Return how alike name and label are."""
        return likeness(fold(self.text), fold(self.hit.label))

    @property
    def described(self) -> bool:
        """Return whether it is what somebody describes."""
        return self.hit.kind in DESCRIBED

    @property
    def score(self) -> float:
        """Return how likely it is meant, from 0 to 100; a place in the order, no probability."""
        if self.identified or self.exact:
            found = 100.0
        elif self.folded:
            found = 95.0
        elif not self.text:
            found = 80.0
        elif self.whole and not self.hit.similar:
            found = 70 + 20 * self.likeness
        elif not self.hit.similar:
            found = 55 + 20 * self.likeness
        else:
            found = 42 + 25 * self.likeness
        if self.described and not self.wanted and not self.identified:
            found *= 0.39  # below whatever is there whoever says so
        if not self.fits:
            found *= 0.6
        if self.met:
            found *= 1 - 0.4 * self.met.count(False) / len(self.met)
        return round(found, 1)

    def features(self, query: Query, linked: bool) -> Iterator[tuple[str, bool | float]]:
        """Yield why it is a candidate: ids of features and their values."""
        yield "identifier", self.identified
        yield "exact_label", self.exact
        yield "folded_label", self.folded
        yield "all_words", self.whole
        yield "beginnings", bool(self.text) and not self.hit.similar and not self.identified
        yield "likeness", round(100 * self.likeness, 1)
        if query.types:
            yield "type", self.fits
        properties: dict[str, bool] = {}
        for condition, met in zip(query.conditions, self.met, strict=False):
            properties[condition.property] = met and properties.get(condition.property, True)
        for name, met in properties.items():
            yield f"property:{name}", met
        yield "described", self.described
        yield "wikidata", linked


def _decide(found: Sequence[Candidate]) -> None:
    """Mark the candidate that is certain, if one is: no other has the name, nothing is against."""
    same = [one for one in found if one.identified] or [one for one in found if one.exact]
    if len(same) == 1:
        [one] = same
        one.match = (
            one.fits and all(one.met) and (one.identified or one.wanted or not one.described)
        )


class Answered(NamedTuple):
    """What was found for the queries of a batch, and what is known of it."""

    queries: Sequence[Query]
    found: Sequence[Sequence[Candidate]]
    shown: Mapping[tuple[str, str], Shown]
    view: pages.View
    facts: Facts


async def answer(ask: Ask, queries: Sequence[Query]) -> Answered:
    """Return the candidates of some queries, the most likely first.

    Raises:
        QueryFailure: it takes too long, or the workers are busy.
    """
    classes_ = await scheme(ask)
    each = max(1, ANSWERED // max(1, len(queries)))
    until = time.monotonic() + ask.site.settings.query_timeout_s
    asked = [(query, _kinds(query, classes_)) for query in queries]
    hits = await asyncio.to_thread(_searched, ask, asked, until)
    named = {iri for q in queries for text in q.texts if (iri := iri_of(ask, text))}
    there = await known(ask, named, classes_)
    pools: list[list[Candidate]] = []
    for query, some in zip(queries, hits, strict=True):
        wanted = {class_iri(one) for one in query.types}
        asked_kinds = frozenset[str]().union(*(classes_.kinds.get(one, ()) for one in wanted))
        by_id = {iri for text in query.texts if (iri := iri_of(ask, text)) in there}
        best: dict[str, Candidate] = {}
        alone = await _bearing(ask, query, classes_, each) if not query.texts else []
        for text, hit in [*((id_of(ask, i), there[i]) for i in by_id), *some, *alone]:
            types = set(classes_.above(hit.type))
            fits = wanted <= types if query.strict == "all" else bool(wanted & types)
            candidate = Candidate(
                hit, text, fits or not wanted, bool(asked_kinds & set(DESCRIBED)), hit.iri in by_id
            )
            before = best.get(hit.iri)
            if hit.type == TOMBSTONE or not (candidate.fits or query.strict == "should"):
                continue
            if before is None or candidate.score > before.score:
                best[hit.iri] = candidate
        pools.append(list(best.values()))
    properties = {one.property for query in queries for one in query.conditions}
    iris = {one.hit.iri for pool in pools for one in pool}
    if properties:
        said = await facts(ask, iris, {*properties, "wikidata"})
        pools = [
            _conforming(query, pool, said, classes_)
            for query, pool in zip(queries, pools, strict=True)
        ]
    for number, (query, pool) in enumerate(zip(queries, pools, strict=True)):
        pool.sort(key=lambda one: (-one.score, one.described, one.hit.kind, one.hit.iri))
        _decide(pool)
        pools[number] = pool[: min(query.limit, each)]
    if not properties:
        iris = {one.hit.iri for pool in pools for one in pool}
        said = await facts(ask, iris, ("wikidata",))
    view, shown = await as_shown(ask, [one.hit for pool in pools for one in pool], brief=True)
    by_label = {(one.hit.iri, one.hit.label): one for one in shown}
    return Answered(queries, pools, by_label, view, said)


def _kinds(query: Query, classes_: Scheme) -> tuple[str, ...]:
    """Return the kinds of data address among which things of the types of a query can be."""
    if not query.types or query.strict == "should":
        return KINDS
    some = frozenset[str]().union(*(classes_.kinds.get(class_iri(one), ()) for one in query.types))
    return tuple(kind for kind in KINDS if kind in some)


def _searched(
    ask: Ask, asked: Sequence[tuple[Query, Sequence[str]]], until: float
) -> list[list[tuple[str, Hit]]]:
    """Return what is found for each query, each with the name for which it was found."""
    texts = [(text, kinds) for query, kinds in asked for text in query.texts]
    found = search.candidates(ask.served.folder / LABELS, texts, limit=LIMIT)
    answers = []
    for query, _ in asked:
        hits: list[tuple[str, Hit]] = []
        for text in query.texts:
            if time.monotonic() > until:
                raise QueryFailure(
                    "timeout", "the search takes too long", hint="send fewer queries at once"
                )
            hits += ((text, hit) for hit in next(found))
        answers.append(hits)
    return answers


def _conforming(
    query: Query, pool: Iterable[Candidate], said: Facts, classes_: Scheme
) -> list[Candidate]:
    """Return those that meet what is required; note of each which conditions it meets."""
    found = []
    for one in pool:
        one.met = [_meets(one.hit, condition, said, classes_) for condition in query.conditions]
        if all(met or not c.required for met, c in zip(one.met, query.conditions, strict=True)):
            found.append(one)
    return found


def _meets(hit: Hit, condition: Condition, said: Facts, classes_: Scheme) -> bool:
    if condition.property == "type":
        there = {form for one in classes_.above(hit.type) for form in (one, type_id(one))}
    else:
        there = said.called(hit.iri, condition.property)
    found = [_same(value, condition.property, there) for value in condition.values]
    if condition.quantifier == "none":
        return not any(found)
    return all(found) if condition.quantifier == "all" else any(found)


def _same(value: str, name: str, there: Collection[str]) -> bool:
    if name == "wikidata" and (item := _QID.fullmatch(value.strip())):
        value = item[1]
    return value in there or (bool(fold(value)) and fold(value) in there)


async def _bearing(ask: Ask, query: Query, classes_: Scheme, limit: int) -> list[tuple[str, Hit]]:
    """Return what has a property that a query without a name asks for: a link, or a thing."""
    for condition in query.conditions:
        one = PROPERTIES.get(condition.property)
        if one is None or condition.quantifier == "none":
            continue
        if condition.property == "wikidata":
            items = map(_QID.fullmatch, map(str.strip, condition.values))
            nodes = {WIKIDATA + item[1] for item in items if item}
        elif one.form == "id":
            nodes = {iri for value in condition.values if (iri := iri_of(ask, value))}
            nodes |= await asyncio.to_thread(_called, ask, condition.values)
        else:
            continue
        filled = describe.fill(
            BEARERS_QUERY,
            nodes=describe.values_of(nodes),
            graph=graph_of(ask, one),
            path=one.path,
            limit=min(limit, LIMIT),
        )
        [rows] = await ask.served.engine.rows([filled])
        there = await known(ask, {row["s"].value for row in rows}, classes_)
        return [("", there[iri]) for iri in sorted(there)]
    return []


def _called(ask: Ask, names: Sequence[str]) -> set[str]:
    """Return the things that are called exactly so."""
    asked = [(name, THINGS) for name in names]
    found = search.candidates(ask.served.folder / LABELS, asked, limit=USUAL)
    return {
        hit.iri
        for name, hits in zip(names, found, strict=True)
        for hit in hits
        if fold(hit.label) == fold(name)
    }
