"""Candidates for the names of a table: what the index of labels finds, why, and how likely it is.

Nothing is matched by likeness: the one candidate that is certain has a name that is written like
the text, no other candidate has it, and it is a name that would hardly be that of anything else.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from kg.manifest import LABELS
from kg.names import (
    base_forms,
    fold,
    inflected_from,
    joined,
    nfc,
    pairs_of_units,
    plain,
    without_particles,
)
from kg.vocab import CH
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
    LINKED_QUERY,
    PROPERTIES,
    THINGS,
    TOMBSTONE,
    WIKIDATA,
    Facts,
    Scheme,
    class_of,
    facts,
    graph_of,
    id_of,
    iri_of,
    known,
    scheme,
    type_id,
)
from kg.web.search import Hit

INFLECTED: Final = 90.0
"""Score of a name that is the text without case endings."""
CUT: Final = 85.0
"""Score of a name that is the text without what stands in brackets, an article or a particle."""
PARTS_OF: Final = 8
"""Words of a text of which parts are looked up."""
_TELLING: Final = ("wikidata", "country", "locatedIn", "actsFor", "positionFor", "positionIn")
"""Properties that confirm a name which says little alone."""
_BRACKETS: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|（[^（）]*）")
_ARTICLE: Final = re.compile(r"(?:the|an?|mr|mrs|ms|dr)\.?\s+", re.IGNORECASE)
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
    "inflected": N_("A name is written like the text without case endings"),
    "shortened": N_("A name is a part of the text"),
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
        form: where the label is that of a form of the text: how near that is, from 0 to 100.
        met: which of the conditions it meets, by their place.
    """

    hit: Hit
    text: str
    fits: bool
    wanted: bool
    identified: bool = False
    form: float = 0.0
    met: list[bool] = field(default_factory=list)
    match: bool = False

    @cached_property
    def exact(self) -> bool:
        """Return whether the label is written like the name; letters of an acronym as they are."""
        if is_acronym(self.hit.label) and self.hit.label != " ".join(nfc(self.text).split()):
            return False
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
    def last(self) -> bool:
        """Return whether it is only described, and nobody asked for that."""
        return self.described and not self.wanted and not self.identified

    @property
    def score(self) -> float:
        """Return how likely it is meant, from 0 to 100; a place in the order, no probability."""
        if self.identified or self.exact:
            found = 100.0
        elif self.folded:
            found = 95.0
        elif not self.text:
            found = 80.0
        elif self.form:
            found = self.form
        elif self.whole and not self.hit.similar:
            found = 70 + 20 * self.likeness
        elif not self.hit.similar:
            found = 55 + 20 * self.likeness
        else:
            found = 42 + 25 * self.likeness
        if self.last:
            found *= 0.1  # below whatever is there whoever says so
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
        yield "inflected", self.form == INFLECTED
        yield "shortened", 0 < self.form < INFLECTED
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


def is_acronym(text: str) -> bool:
    """Return whether a name is two to four capitals: in small letters it may be a word.

    >>> is_acronym("US"), is_acronym("Us"), is_acronym("রুশ")
    (True, False, False)
    """
    return 2 <= len(text) <= 4 and text.isalpha() and text.isupper()


def _alone(found: Sequence[Candidate]) -> Candidate | None:
    """Return the candidate that is the only one with the name, or with the identifier."""
    same = [one for one in found if one.identified] or [one for one in found if one.exact]
    return same[0] if len(same) == 1 else None


def _decide(query: Query, found: Sequence[Candidate], bodies: Facts, classes_: Scheme) -> None:
    """Mark the candidate that is certain, if one is: no other has the name, nothing is against.

    Args:
        bodies: the countries of those that may be certain.
    """
    one = _alone(found)
    if one is None or not one.fits or not all(one.met) or one.last:
        return
    one.match = one.identified or _telling(query, one, found, bodies, classes_)


def _telling(
    query: Query, one: Candidate, found: Sequence[Candidate], bodies: Facts, classes_: Scheme
) -> bool:
    """Return whether the name of a candidate would hardly be that of anything else."""
    rivals = (
        other for other in found if other.hit.iri != one.hit.iri and other.hit.type == one.hit.type
    )
    if any(other.whole for other in rivals):
        return False
    if one.hit.kind == "place" and not query.types:
        return False  # the name of a capital or a seat also stands for who sits there
    if any(
        met and condition.property in _TELLING and condition.quantifier != "none"
        for condition, met in zip(query.conditions, one.met, strict=False)
    ):
        return True
    if not one.hit.preferred and len(fold(one.text).split()) < 2:
        return False
    countries = {value.text for value in bodies.values(one.hit.iri, "country")} - {one.hit.iri}
    public = one.hit.kind == "position" or f"{CH}GovernmentBody" in classes_.above(one.hit.type)
    if f"{CH}Person" in classes_.above(one.hit.type) or not (countries or public):
        return True
    # Each state has a ministry of that name.
    if one.hit.preferred and one.hit.lang == "en":
        return True
    words = f" {fold(one.hit.label)} "
    names = bodies.called(one.hit.iri, "country") if countries else set()
    return any(f" {name}{' ' if len(name) < 4 else ''}" in words for name in names if name)


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
    types = [tuple(class_of(classes_, one) for one in query.types) for query in queries]
    asked = [
        (query, *_sought(query, some, classes_)) for query, some in zip(queries, types, strict=True)
    ]
    hits = await asyncio.to_thread(_searched, ask, asked, until)
    by_text = await _identified(
        ask, {text for query in queries for text in (*query.texts, *query.ids)}
    )
    there = await known(ask, set().union(*by_text.values()), classes_)
    pools: list[list[Candidate]] = []
    for query, wanted, some in zip(queries, types, hits, strict=True):
        asked_kinds = frozenset[str]().union(*(classes_.kinds.get(one, ()) for one in wanted))
        by_id = {
            iri
            for text in (*query.texts, *query.ids)
            for iri in by_text.get(text, ())
            if iri in there
        }
        best: dict[str, Candidate] = {}
        alone = await _bearing(ask, query, classes_, each) if not (query.texts or query.ids) else []
        named = [(id_of(ask, iri), there[iri], 0.0) for iri in sorted(by_id)]
        for text, hit, form in [*named, *some, *alone]:
            above = set(classes_.above(hit.type))
            fits = set(wanted) <= above if query.strict == "all" else bool(set(wanted) & above)
            candidate = Candidate(
                hit,
                text,
                fits or not wanted,
                bool(asked_kinds & set(DESCRIBED)),
                hit.iri in by_id,
                form,
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
        said = await facts(ask, iris, {*properties, "wikidata", "modality"})
        pools = [
            _conforming(query, pool, said, classes_)
            for query, pool in zip(queries, pools, strict=True)
        ]
    single = {one.hit.iri for pool in pools if (one := _alone(pool))}
    bodies = await facts(ask, single, ("country",))
    for number, (query, pool) in enumerate(zip(queries, pools, strict=True)):
        pool.sort(key=lambda one: (one.last, -one.score, one.described, one.hit.kind, one.hit.iri))
        _decide(query, pool, bodies, classes_)
        pools[number] = pool[: min(query.limit, each)]
    if not properties:
        iris = {one.hit.iri for pool in pools for one in pool}
        said = await facts(ask, iris, ("wikidata", "modality"))
    view, shown = await as_shown(ask, [one.hit for pool in pools for one in pool], brief=True)
    by_label = {(one.hit.iri, one.hit.label): one for one in shown}
    return Answered(queries, pools, by_label, view, said)


def _sought(
    query: Query, wanted: Sequence[str], classes_: Scheme
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the kinds of data address and the classes among which things of a query can be.

    What is only described is left out where a type is asked for that nothing described has.
    """
    if not wanted:
        return KINDS, ()
    some = frozenset[str]().union(*(classes_.kinds.get(one, ()) for one in wanted))
    if query.strict == "should":
        return (KINDS if some & set(DESCRIBED) else THINGS), ()
    every = all if query.strict == "all" else any
    leaves = sorted(
        leaf for leaf in classes_.leaves if every(one in classes_.above(leaf) for one in wanted)
    )
    return tuple(kind for kind in KINDS if kind in some and leaves), tuple(leaves)


async def _identified(ask: Ask, texts: Collection[str]) -> dict[str, set[str]]:
    """Return what texts are identifiers of: ids, addresses, items of Wikidata that are linked."""
    found = {text: {iri} for text in texts if (iri := iri_of(ask, text))}
    items = {text: item[1] for text in texts if (item := _QID.fullmatch(text.strip()))}
    if items:
        filled = describe.fill(
            LINKED_QUERY,
            nodes=describe.values_of({WIKIDATA + item for item in items.values()}),
            graph=graph_of(ask, PROPERTIES["wikidata"]),
        )
        [rows] = await ask.served.engine.rows([filled])
        for text, name in items.items():
            some = {row["s"].value for row in rows if row["o"].value == WIKIDATA + name}
            found[text] = found.get(text, set()) | some
    return found


def forms_of(text: str) -> dict[str, float]:
    """Return folded forms of a text by which a thing may be called, and how near they are to it.

    Without case endings; without what stands in brackets or after a comma, and without an article;
    then parts of it, of fewer and fewer words.

    >>> forms = forms_of("The White House (US)")
    >>> forms["white house"], forms["house"] < forms["white house us"]
    (85.0, True)
    """
    cut = _ARTICLE.sub("", _BRACKETS.sub(" ", text).strip(), count=1) or text
    found: dict[str, float] = {}
    words = without_particles(fold(text)).split()[:PARTS_OF]
    for size in range(1, len(words) + 1):
        near = 45 + 20 * size / max(2, len(words))
        for begin in range(len(words) - size + 1):
            part = words[begin : begin + size]
            last = [part[-1], *base_forms(part[-1])] if size < 3 else [part[-1]]
            found |= {" ".join([*part[:-1], one]): near for one in last if len(one) > 1}
    for one in (cut, cut.partition(",")[0]):
        found |= dict.fromkeys(inflected_from(one), CUT)
    found |= dict.fromkeys(inflected_from(text), INFLECTED)
    return found


def _searched(
    ask: Ask, asked: Sequence[tuple[Query, Sequence[str], Sequence[str]]], until: float
) -> list[list[tuple[str, Hit, float]]]:
    """Return what is found for each query: the name for which, what, and how near a form it is."""
    index = ask.served.folder / LABELS
    every = [(text, kinds, some) for query, kinds, some in asked for text in query.texts]
    direct = search.candidates(index, map(search.Sought._make, every), limit=LIMIT)
    near: dict[str, float] = {}
    # What is looked for further depends on what was found: it is read when its turn comes.
    further = search.called(index, ((near, kinds, some) for _, kinds, some in every))
    found: list[list[tuple[str, Hit, float]]] = []
    for query, _, _ in asked:
        hits: list[tuple[str, Hit, float]] = []
        for text in query.texts:
            if time.monotonic() > until:
                raise QueryFailure(
                    "timeout", "the search takes too long", hint="send fewer queries at once"
                )
            some = next(direct)
            near = _further_forms(text, some)
            called = any(fold(hit.label) == fold(text) for hit in some)
            hits += ((text, hit, 0.0) for hit in some)
            hits += (
                (text, hit, score)
                for hit in next(further)
                if (score := _nearness(near, hit)) >= (INFLECTED if called else 1)
                and (not is_acronym(hit.label) or hit.label in text)
            )
        found.append(hits)
    return found


def _further_forms(text: str, hits: Sequence[Hit]) -> dict[str, float]:
    """Return the forms of a text that are looked for beside what was found for it as it is.

    None where a label is written like it; single words of it, which thousands may have, only where
    nothing but what is described was found.
    """
    if any(plain(hit.label) == plain(text) for hit in hits):
        return {}
    forms = forms_of(text)
    if all(hit.kind in DESCRIBED for hit in hits):
        return forms
    return {form: near for form, near in forms.items() if " " in form or near >= CUT}


def _nearness(forms: Mapping[str, float], hit: Hit) -> float:
    folded = fold(hit.label)
    return max(forms.get(folded, 0.0), forms.get(joined(folded), 0.0))


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
    name = condition.property
    if name == "type":
        above = classes_.above(hit.type)
        there = {
            form for one in above for form in (one, type_id(one), *classes_.names.get(one, ()))
        }
        there |= {fold(one) for one in there}
    else:
        there = said.called(hit.iri, name)
    found = [_same(value, name, there) for value in condition.values]
    if condition.quantifier == "none":
        return not any(found)
    return all(found) if condition.quantifier == "all" else any(found)


def _same(value: str, name: str, there: Collection[str]) -> bool:
    if name == "wikidata" and (item := _QID.fullmatch(value.strip())):
        value = item[1]
    one = PROPERTIES.get(name)
    if one and one.form in ("float", "int") and (number := _number(value)) is not None:
        return any(_number(other) == number for other in there)
    return value in there or (bool(fold(value)) and fold(value) in there)


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


async def _bearing(
    ask: Ask, query: Query, classes_: Scheme, limit: int
) -> list[tuple[str, Hit, float]]:
    """Return what has a property that a query without a name asks for: a link, or a thing.

    Raises:
        QueryFailure: `parameter`: it asks for no property by which anything is looked up.
    """
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
        return [("", there[iri], 0.0) for iri in sorted(there)]
    raise QueryFailure(
        "parameter",
        "a query without a name has no property by which things are looked up",
        seen=", ".join(one.property for one in query.conditions)[:100],
        expected=f"one of {', '.join(_TELLING)}, or a name",
    )


def _called(ask: Ask, names: Sequence[str]) -> set[str]:
    """Return the things that are called exactly so."""
    asked = [search.Sought(name, THINGS) for name in names]
    found = search.candidates(ask.served.folder / LABELS, asked, limit=USUAL)
    return {
        hit.iri
        for name, hits in zip(names, found, strict=True)
        for hit in hits
        if fold(hit.label) == fold(name)
    }
