"""Names of the lexicon that are like another one: for proposals, never for decisions.

Names are compared in their own language by the pairs of letters that they share, after sounds
that are often confused in writing were made one; and in Latin letters, without vowels, with the
English names. A wrong name is often more alike than the right one, so nobody accepts by score.

Spec: docs/reference/linking.md, "Proposals"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from anyascii import anyascii

from kg.lexicon import Lexicon, key_of
from kg.names import fold, loosen, pairs_of_units

LEAST: Final = 0.5
"""The likeness below which nothing is proposed, of 1."""
LATIN: Final = 0.9
"""What likeness in Latin letters counts: it has lost the vowels."""


class Alike(NamedTuple):
    """An item with a name that is like the one looked for.

    Attributes:
        qid: the item.
        name: the name that was compared.
        likeness: from 0 to 1, in hundredths.
        latin: whether both were compared in Latin letters.
    """

    qid: str
    name: str
    likeness: int
    latin: bool


def alike(lexicon: Lexicon, surface: str, lang: str) -> list[Alike]:
    """Return the items with a name like `surface`: the most alike first, then by identifier.

    Args:
        surface: the name, of at most some dozens of words.
        lang: the tag of its language; names of others are compared in Latin letters only.
    """
    best: dict[str, Alike] = {}
    for found in (*_in_language(lexicon, surface, lang), *_in_latin(lexicon, surface)):
        old = best.get(found.qid)
        if old is None or found.likeness > old.likeness:
            best[found.qid] = found
    return sorted(best.values(), key=lambda a: (-a.likeness, int(a.qid[1:])))


def _in_language(lexicon: Lexicon, surface: str, lang: str) -> Iterator[Alike]:
    wanted = pairs_of_units(loosen(key_of(surface, lang)))
    for key, names in lexicon.names(lang).by_key.items():
        likeness = _dice(wanted, pairs_of_units(loosen(key)))
        if likeness >= LEAST:
            for name in names:
                yield Alike(name.qid, name.text, round(likeness * 99), False)


def _in_latin(lexicon: Lexicon, surface: str) -> Iterator[Alike]:
    wanted = pairs_of_units(consonants(surface))
    if len(wanted) < 3:
        return
    for key, names in lexicon.names("en").by_key.items():
        likeness = _dice(wanted, pairs_of_units(consonants(key))) * LATIN
        if likeness >= LEAST:
            for name in names:
                yield Alike(name.qid, name.text, round(likeness * 99), True)


def consonants(text: str) -> str:
    """Return the consonants of a text in Latin letters, sounds that languages confuse made one.

    >>> consonants("পেসকভ"), consonants("Peskov"), consonants("Песков")
    ('pskb', 'pskb', 'pskb')
    """
    latin = fold(anyascii(text)).replace("ph", "f").replace("sh", "s").replace("bh", "v")
    return re.sub(r"(.)\1+", r"\1", latin.translate(_SOUNDS))


_SOUNDS: Final = {
    **dict.fromkeys(map(ord, "aeiouyhw "), None),
    **str.maketrans("vcqzgdj", "bkksktk"),
}


def _dice(one: Iterable[str], other: set[str]) -> float:
    mine = set(one)
    return 2 * len(mine & other) / (len(mine) + len(other)) if mine and other else 0.0
