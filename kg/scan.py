"""Finds the names of the lexicon in a text.

Spec: docs/reference/linking.md, "Mentions in a text"
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Final

import msgspec

from kg.lexicon import ANY, SPACELESS, key_of
from kg.linker import (
    LONGEST,
    Answer,
    Linker,
    Mention,
    base,
    introduced,
    is_latin,
    within_another,
)
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
        self._tokens = list(_token().finditer(text))
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
                if len(qids) == 1 and not self._in_another_name(number):
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
        leading = self._linker.lexicon.affixes(self._lang).leading
        if size > 1 and fold(self._tokens[number].group()) in leading:
            return None
        answer = self._linker.one(Mention(words, self._lang))
        if answer.features.get("rule") == "titled" or not (answer.qid or answer.candidates):
            return None
        if answer.features.get("use") == "surname" and self._in_another_name(number):
            return None
        if size > 1 and self._lang in SPACELESS and not self._reaches_last(number, size, answer):
            return None
        if size == 1 and answer.qid and self._is_half(number, words, answer):
            entity = self._linker.lexicon.entities[answer.qid]
            answer = within_another(answer, entity.label, entity.kind)
        return Found(start, last.end(), words, answer)

    def _reaches_last(self, number: int, size: int, answer: Answer) -> bool:
        """Return whether a name goes on into the last token, of which more is left than endings."""
        before = "".join(token.group() for token in self._tokens[number : number + size - 1])
        name = answer.features.get("name", "")
        return not name or len(key_of(name, self._lang)) > len(key_of(before, self._lang))

    def _is_half(self, number: int, words: str, answer: Answer) -> bool:
        """Return whether a place is rather a half of a name: "Jordan Peterson", "Moscow Times"."""
        if answer.features["rule"] not in ("name", "capital") or "use" in answer.features:
            return False
        entity = self._linker.lexicon.entities[answer.qid]
        if words.isupper() or not _is_capital(words) or entity.kind not in _TOWNS:
            return False
        return self._in_another_name(number, opening=False)

    def _in_another_name(self, number: int, *, opening: bool = True) -> bool:
        """Return whether a word with a capital stands beside a surname: a name that nobody knows.

        Only a gap of one space joins them. Before it, words for offices, names of the lexicon and,
        at the beginning of a sentence, short words are none; none at all with `opening` false.
        """
        token = self._tokens[number]
        if number + 1 < len(self._tokens):
            after = self._tokens[number + 1]
            joined = self._text[token.end() : after.start()] == " "
            if joined and _is_capital(after.group()) and not self._is_known(after.group()):
                return True
        if number == 0:
            return False
        before = self._tokens[number - 1]
        if self._text[before.end() : token.start()] != " " or not _is_capital(before.group()):
            return False
        first = not before.start() or bool(
            _OPENS.search(self._text, max(0, before.start() - _OPENING), before.start())
        )
        if first and (not opening or len(before.group()) <= _SHORT):
            return False
        return not self._is_known(before.group())

    def _is_known(self, token: str) -> bool:
        words = fold(token).split()
        return not words or all(word in self._roles or self._is_of_a_state(word) for word in words)

    def _is_of_a_state(self, word: str) -> bool:
        by_key = self._linker.lexicon.names(self._lang).by_key
        forms = self._linker.morphology.known(word, self._lang)
        names = (name for form in forms for name in by_key.get(form.stem, ()))
        return any(not self._linker.is_person(name.qid) for name in names)

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
                if self._is_within(position, size):
                    continue
                if key_of(words, self._lang) in by_key:
                    answer = self._linker.one(Mention(words, self._lang))
                    if answer.qid or answer.candidates:
                        yield Found(position, position + size, words, answer)
                        position += size
                        break
            else:
                position += 1

    def _is_within(self, position: int, size: int) -> bool:
        """Return whether a name stands within a longer word: of Katakana, or before a sea."""
        before = self._text[position - 1 : position]
        after = self._text[position + size : position + size + 1]
        first, last = self._text[position], self._text[position + size - 1]
        return (
            (_is_katakana(first) and _is_katakana(before))
            or (_is_katakana(last) and _is_katakana(after))
            or (bool(after) and after in _WATERS)
        )


@cache
def _token() -> re.Pattern[str]:
    """Return the pattern of a token: letters, marks and digits, with hyphens and dots inside."""
    marks = "".join(
        char
        for char in map(chr, range(0x300, 0x10000))
        if unicodedata.category(char) in ("Mn", "Mc")
    )
    return re.compile(rf"[^\W_](?:[^\W_]|[{marks}\u200c\u200d]|['’.-](?=[^\W_]))*")


def _is_capital(token: str) -> bool:
    return token[0].isupper()


def _is_katakana(char: str) -> bool:
    return bool(char) and ("ァ" <= char <= "ヺ" or char == "ー")


_BREAK: Final = re.compile(
    r"[,;:!?।॥。()\[\]\n\"“”«»]|(?<!\bSt)(?<!\bMr)(?<!\bDr)(?<!\bMs)(?<!\bGen)\.\s"
)
_OPENS: Final = re.compile(r"[.!?।॥:«“\"\n]\s*$")
_OPENING: Final = 50
"""Characters before a word in which a sentence's end is looked for."""
_TOWNS: Final = frozenset(("city", "state", "territory", "subdivision", "region"))
_SHORT: Final = 5
"""Letters of a word that opens a sentence and is rather no given name."""
_WATERS: Final = frozenset("洋海湾湾")
