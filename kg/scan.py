"""Finds the names of the lexicon in a text.

Spec: docs/reference/linking.md, "Mentions in a text"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from kg.lexicon import ANY, SPACELESS, key_of
from kg.linker import LONGEST, Answer, Linker, Mention, base, introduced, is_latin
from kg.names import fold

WORDS: Final = 8
"""Words that a name in a text has at most."""
CHARACTERS: Final = 24
"""Characters that a name has at most in a script without spaces."""


class Found(msgspec.Struct, frozen=True):
    """A mention that was found in a text: half-open offsets in code points."""

    start: int
    end: int
    surface: str
    answer: Answer


def find(linker: Linker, text: str, lang: str) -> Iterator[Found]:
    """Yield the names of the lexicon that stand in a text, the longest at each place.

    In the order of the text; none overlaps another. Where several items have a name, it is there
    with these as candidates and without an identifier. A person's title is no part of the name. A
    family name that a full name has introduced is found after it, unless two persons have it.

    Args:
        linker: what links each.
        text: the text, of at most some megabytes.
        lang: the tag of its language.
    """
    lang = base(lang) or ANY
    scan = (
        _Spaceless(linker, text, lang) if lang in SPACELESS - {"ko"} else _Words(linker, text, lang)
    )
    yield from scan.found()


class _Words:
    """A text whose words are written apart."""

    def __init__(self, linker: Linker, text: str, lang: str) -> None:
        self._linker = linker
        self._text = text
        self._lang = lang
        self._tokens = list(_TOKEN.finditer(text))
        self._roles = {key.split()[0] for key in linker.lexicon.roles(lang)}
        self._surnames: dict[str, set[str]] = {}

    def found(self) -> Iterator[Found]:
        number = 0
        while number < len(self._tokens):
            found = self._longest(number)
            if found is None:
                number += 1
                continue
            mention, number = found
            self._remember(mention)
            yield mention

    def _longest(self, number: int) -> tuple[Found, int] | None:
        """Return the longest name that begins with a token, and the number of the next token."""
        token = self._tokens[number]
        if self._begins(token.group()):
            for size in range(min(WORDS, len(self._tokens) - number), 0, -1):
                found = self._name(number, size)
                if found:
                    return found, number + size
        words = fold(token.group()).split()
        if len(words) == 1:
            for stem in self._linker.morphology.inflected(words[0], self._lang):
                qids = self._surnames.get(stem, set())
                if len(qids) == 1:
                    answer = introduced(next(iter(qids)), token.group())
                    return Found(token.start(), token.end(), token.group(), answer), number + 1
        return None

    def _name(self, number: int, size: int) -> Found | None:
        """Return the name that so many tokens are; nothing where they are none."""
        start, last = self._tokens[number].start(), self._tokens[number + size - 1]
        words = self._text[start : last.end()]
        if len(words) > LONGEST or _BREAK.search(words):
            return None
        if size > 1 and self._is_particle(last):
            return None
        answer = self._linker.one(Mention(words, self._lang))
        if answer.features.get("rule") == "titled" or not (answer.qid or answer.candidates):
            return None
        return Found(start, last.end(), words, answer)

    def _is_particle(self, token: re.Match[str]) -> bool:
        """Return whether a token is a particle of its own: a hyphen makes it a part of the name."""
        particles = self._linker.lexicon.affixes(self._lang).particles
        return fold(token.group()) in particles and self._text[token.start() - 1] != "-"

    def _begins(self, token: str) -> bool:
        """Return whether a name, or the word of an office, may begin with a token."""
        key = key_of(token, self._lang)
        if self._lang in SPACELESS:
            return True
        words = key.split()[:1]
        if not words:
            return False
        if self._linker.morphology.known(words[0], self._lang) or words[0] in self._roles:
            return True
        return self._lang != "en" and is_latin(token) and self._begins_in_english(token)

    def _begins_in_english(self, token: str) -> bool:
        words = fold(token).split()
        return bool(words) and words[0] in self._linker.lexicon.names("en").words

    def _remember(self, found: Found) -> None:
        mention = Mention(found.surface, self._lang, "person")
        if found.answer.qid and self._linker.is_person(found.answer.qid):
            for word in self._linker.surnames(mention, found.answer):
                self._surnames.setdefault(word, set()).add(found.answer.qid)


class _Spaceless:
    """A text whose words are not written apart."""

    def __init__(self, linker: Linker, text: str, lang: str) -> None:
        self._linker = linker
        self._text = text
        self._lang = lang

    def found(self) -> Iterator[Found]:
        by_key = self._linker.lexicon.names(self._lang).by_key
        position = 0
        while position < len(self._text):
            for size in range(min(CHARACTERS, len(self._text) - position), 1, -1):
                words = self._text[position : position + size]
                if not (words[0].isalnum() and words[-1].isalnum()):
                    continue
                if key_of(words, self._lang) in by_key:
                    answer = self._linker.one(Mention(words, self._lang))
                    if answer.qid or answer.candidates:
                        yield Found(position, position + size, words, answer)
                        position += size
                        break
            else:
                position += 1


def _tokens_of() -> str:
    """Return the pattern of a token: letters, marks and digits, with hyphens and dots inside."""
    marks = "\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0981-\u0983\u09bc-\u09cd\u09d7\u200c\u200d"
    return rf"[^\W_](?:[^\W_]|[{marks}]|['’.-](?=[^\W_]))*"


_TOKEN: Final = re.compile(_tokens_of())
_BREAK: Final = re.compile(r"[,;:!?।॥。()\[\]\n\"“”«»]|\.\s")
