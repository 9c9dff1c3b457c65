"""What is said of a name beside its type, held against what the lexicon knows of an item.

"US special representative" fits a person of the United States with such an office; "Idaho" speaks
against a city of Russia; of "boxer" nothing is known.

Spec: docs/reference/linking.md, "Hints"
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from kg.lexicon import Entity, Lexicon
from kg.names import fold

_SPAN: Final = 4
_LOOKED_AT: Final = 12
_KEPT: Final = 10_000
_PLACES: Final = frozenset(
    (
        *("building", "city", "former state", "region", "separatist entity", "state"),
        *("intergovernmental organisation", "subdivision", "territory"),
    )
)
_GENERIC: Final = frozenset(
    (
        *("chief", "current", "diplomat", "head", "leader", "official", "politician"),
        *("senior", "statesman", "top", "minister", "former", "capital", "president"),
        *("presidential", "residence", "seat"),
    )
)
"""Words that say of a holder of an office, or of a capital, no more than is known."""


class Said(NamedTuple):
    """What qualifiers say.

    Attributes:
        places: for each place that they name, the items of that name.
        roles: the offices that they name, each with the words for it.
        words: the words that are left.
    """

    places: tuple[frozenset[str], ...]
    roles: tuple[tuple[str, tuple[str, ...]], ...]
    words: tuple[str, ...]


class Fit(NamedTuple):
    """How qualifiers fit an item: how much they say of it, and whether all of it is understood."""

    score: int
    explained: bool


class Qualifiers:
    """Reads qualifiers, and holds them against items of a lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._read: dict[tuple[str, ...], Said] = {}

    def read(self, qualifiers: Sequence[str]) -> Said:
        """Return what folded words say: the longest names of places and offices first."""
        key = tuple(qualifiers[:_LOOKED_AT])
        found = self._read.get(key)
        if found is None:
            if len(self._read) >= _KEPT:
                self._read.clear()
            found = self._read[key] = self._said(key)
        return found

    def _said(self, qualifiers: tuple[str, ...]) -> Said:
        names, roles = self._lexicon.names("en").by_key, self._lexicon.roles("en")
        places, offices, words = [], [], []
        start = 0
        while start < len(qualifiers):
            for end in range(min(start + _SPAN, len(qualifiers)), start, -1):
                text = " ".join(qualifiers[start:end])
                items = frozenset(
                    name.qid
                    for name in names.get(text, ())
                    if self._lexicon.entities[name.qid].kind in _PLACES
                )
                if items:
                    places.append(items)
                elif text in roles:
                    offices.append((text, roles[text]))
                else:
                    continue
                start = end
                break
            else:
                words.append(qualifiers[start])
                start += 1
        return Said(tuple(places), tuple(offices), tuple(words))

    def fit(self, qid: str, said: Said) -> Fit | None:
        """Return how what is said fits an item; nothing where it speaks against it."""
        entity = self._lexicon.entities[qid]
        score, explained = 0, True
        about = {*entity.words.split(), *entity.kind.split(), *fold(entity.label).split()}
        for items in said.places:
            related = self._related(entity, items, about)
            if related:
                score += 2
            elif related is None:
                explained = explained and entity.kind in _PLACES and self._are_regions(items)
            else:
                return None
        for text, _ in said.roles:
            if about.issuperset(text.split()):
                score += 1
            elif text not in _GENERIC:
                explained = False
        for word in said.words:
            if word in about:
                score += 1
            elif word not in _GENERIC:
                explained = False
        return Fit(score, explained)

    def _are_regions(self, items: Iterable[str]) -> bool:
        """Return whether a name is that of a region, which says little of a place."""
        return all(self._lexicon.entities[qid].kind == "region" for qid in items)

    def _related(self, entity: Entity, items: Iterable[str], about: set[str]) -> bool | None:
        """Return whether one of some places is an item, its state, its capital, or lies with it.

        None where that is not known: of what has no state, and of two places in one.
        """
        places = [self._lexicon.entities[qid] for qid in items]
        if any(about.issuperset(fold(place.label).split()) for place in places):
            return True
        if any(place.kind in ("region", "intergovernmental organisation") for place in places):
            return None
        if entity.kind in ("state", "territory"):
            return any(entity.qid in (place.qid, place.seat_of) for place in places)
        if any(place.qid in (entity.qid, entity.country) for place in places):
            return True
        if not entity.country:
            return None
        if entity.kind == "building":
            # That it lies in the same state says little: there is a Moscow in Idaho.
            return any(place.seat_of == entity.country for place in places) or None
        if any(place.country == entity.country for place in places):
            return None if entity.kind in ("city", "subdivision", "region") else True
        return False
