"""What a name may be a form of: affixes are stripped, and only to stems that are known.

One mechanism for all languages, over the table of affixes of the lexicon: cases, plurals,
articles, adjectives and demonyms, glued to a word or written as a word of their own.

Spec: docs/reference/linking.md, "Affixes"
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from kg.lexicon import Lexicon, key_of

WORDS: Final = 12
"""Words of a name that are looked at; a longer one is not analysed."""
_COMBINATIONS: Final = 64
_STRIPS: Final = 3
_REMEMBERED: Final = 1 << 16
_POSSESSIVE: Final = re.compile(r"(?<=\w)['’]s\b|(?<=s)['’](?!\w)")


class Form(NamedTuple):
    """A stem, and the kinds of the affixes that it lost: case, plural, adjective, demonym …"""

    stem: str
    lost: tuple[str, ...]


class Morphology:
    """The analyses of names under the affixes of a lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._known: dict[tuple[str, str, str], tuple[Form, ...]] = {}

    def analyses(self, surface: str, lang: str, lender: str = "") -> Iterator[list[Form]]:
        """Yield the names that a surface may be a form of, folded as keys of the lexicon.

        First as it is; then, at once, all with affixes stripped from some of its words, those that
        lost the fewest first. Each of their words is one of a known name: of the language, or of
        the lender if there is one.
        """
        key = key_of(surface, lang)
        yield [Form(key, ())]
        if lang == "en":
            owner = key_of(without_possessive(surface), lang)
            if owner != key:
                yield [Form(owner, ("case",))]
                key = owner
        words, lost = self.without_particles(key.split(), lang)
        if not words or len(words) > WORDS:
            return
        options = [self.known(word, lang, lender) for word in words]
        size = 1
        for some in options:
            size *= len(some)
            if not 0 < size <= _COMBINATIONS:
                return
        found = []
        for combined in itertools.product(*options):
            kinds = (*lost, *(kind for form in combined for kind in form.lost))
            if kinds:
                found.append(Form(" ".join(form.stem for form in combined), kinds))
        found.sort(key=lambda form: len(form.lost))
        yield found

    def without_particles(self, words: list[str], lang: str) -> tuple[list[str], tuple[str, ...]]:
        """Return the words without the particles at either end, and the kinds of these."""
        affixes = self._lexicon.affixes(lang)
        start, end = 0, len(words)
        while end > 1 and words[end - 1] in affixes.particles:
            end -= 1
        while end - start > 1 and words[start] in affixes.leading:
            start += 1
        kinds = (affixes.particles[word] for word in words[end:])
        return words[start:end], (*("case",) * start, *kinds)

    def known(self, word: str, lang: str, lender: str = "") -> tuple[Form, ...]:
        """Return the words of known names that a folded word may be a form of, itself first."""
        found = self._known.get((lang, lender, word))
        if found is None:
            there = self._lexicon.names(lender or lang).words
            forms = {word: Form(word, ())}
            last = list(forms.values())
            for _ in range(_STRIPS):
                last = [
                    Form(stem, (*form.lost, kind))
                    for form in last
                    for stem, kind in self.stripped(form.stem, lang)
                    if stem not in forms and kind not in form.lost
                ]
                for form in last:
                    forms.setdefault(form.stem, form)
            found = tuple(form for form in forms.values() if form.stem in there)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[lang, lender, word] = found
        return found

    def stripped(self, word: str, lang: str) -> Iterator[tuple[str, str]]:
        """Yield a folded word without each affix that it may have, and the kind of that affix."""
        affixes = self._lexicon.affixes(lang)
        for size in range(1, min(affixes.longest, len(word) - 1) + 1):
            for affix in affixes.endings.get(word[-size:], ()):
                stem = word[:-size] + affix.instead
                if len(stem) > 1:
                    yield stem, affix.kind
            for affix in affixes.beginnings.get(word[:size], ()):
                stem = affix.instead + word[size:]
                if len(stem) > 1:
                    yield stem, affix.kind

    def ways(self, word: str, stem: str, lang: str) -> set[str]:
        """Return what a folded word loses its affixes by on the ways to a stem, with both of them.

        Empty where it is no form of the stem.
        """
        found: set[str] = set()
        paths: list[tuple[str, ...]] = [(word,)]
        for _ in range(_STRIPS + 1):
            found.update(form for path in paths if path[-1] == stem for form in path)
            paths = [
                (*path, form)
                for path in paths
                for form, _kind in self.stripped(path[-1], lang)
                if len(form) >= len(stem) - 1 and form not in path
            ][:_COMBINATIONS]
        return found

    def inflected(self, word: str, lang: str) -> list[str]:
        """Return a folded word, and it without each affix that makes no other word of it."""
        kept = (stem for stem, kind in self.stripped(word, lang) if kind not in _DERIVING)
        return list(dict.fromkeys((word, *kept)))


_DERIVING: Final = frozenset(("adjective", "demonym", "people"))


def without_possessive(text: str) -> str:
    """Return an English text without the endings of possession.

    >>> without_possessive("Russia’s"), without_possessive("the Emirates'")
    ('Russia', 'the Emirates')
    """
    return _POSSESSIVE.sub("", text)
