"""Words by which a text says that somebody says, denies or does not confirm something.

The words are data: `lexicon/attribution.tsv` has the forms of each language with the stance and
the act of each, `lexicon/unnamed-sources.tsv` the nouns for speakers without a name. Six stances
are kept apart; above all a denial, a dispute of the evidence, a refusal to confirm and an
inability to verify. What is negated and stands in no row has no stance here.

Spec: docs/how-to/annotate-an-article.md
"""

import re
from functools import cache
from typing import Final

import msgspec

from kg.names import nfc
from kg.resources import folder

NO_STANCE: Final = "-"
"""The stance of words of which none can be proposed, such as "did not say"."""

_LETTER: Final = r"[\w\u0900-\u0963\u0966-\u09ff\u200c\u200d]"
_GAP: Final = r"(?:\s+[^\s.;:।?!]+){0,5}?\s+"
_NEAR: Final = 2
"""Words between a negation and what it negates, at most."""


class Cue(msgspec.Struct, frozen=True):
    """Words of saying in a sentence.

    `act` says what they do (says, denies, according-to, …), `speaker` on which side of them the
    speaker stands: before, after, either, or nobody.
    """

    start: int
    end: int
    form: str
    stance: str
    act: str
    speaker: str


class Unnamed(msgspec.Struct, frozen=True):
    """A noun for speakers without a name: its class in the facts, and what they are in English."""

    start: int
    end: int
    type: str
    label: str


class _Row(msgspec.Struct, frozen=True):
    form: str
    stance: str
    act: str
    speaker: str
    pattern: re.Pattern[str]


def languages() -> frozenset[str]:
    """Return the tags of the languages whose words are known.

    Raises:
        ResourceError: the tables are missing.
    """
    return frozenset(_table())


def find_cues(
    text: str, language: str, start: int = 0, end: int | None = None
) -> tuple[list[Cue], list[Cue]]:
    """Return the words of saying in a sentence, and those of which no stance can be proposed.

    Both in the order of the text. Where several forms overlap, the longest is taken: "did not
    confirm" and no "confirm".

    Args:
        text: in Normalization Form C.
        language: its language tag.
        start: where the sentence begins; offsets are those of the text.
        end: where it ends.
    Raises:
        ResourceError: the tables are missing.

    >>> cues, _ = find_cues("The ministry did not immediately confirm it.", "en")
    >>> [(cue.stance, cue.act) for cue in cues]
    [('does-not-confirm', 'does-not-confirm')]
    """
    rows = _table().get(language.partition("-")[0], ())
    stop = len(text) if end is None else end
    found = [
        (match.start(), match.end(), row)
        for row in rows
        if row.act != "negates"
        for match in row.pattern.finditer(text, start, stop)
    ]
    negations = [
        match.span()
        for row in rows
        if row.act == "negates"
        for match in row.pattern.finditer(text, start, stop)
    ]
    taken: list[Cue] = []
    left: list[Cue] = []
    # The form with most words decides, then the longest.
    for a, b, row in sorted(found, key=lambda f: (-len(f[2].form.split()), f[0] - f[1], f[0])):
        if any(a < cue.end and cue.start < b for cue in (*taken, *left)):
            continue
        cue = Cue(a, b, row.form, row.stance, row.act, row.speaker)
        negated = row.stance == "affirms" or row.stance == "denies"
        if row.stance == NO_STANCE or (
            negated and any(_near(text[n:a]) for _, n in negations if n <= a)
        ):
            left.append(cue)
        else:
            taken.append(cue)
    key = lambda cue: (cue.start, cue.end)  # noqa: E731 - one order for two lists
    return sorted(taken, key=key), sorted(left, key=key)


def find_unnamed(text: str, language: str, start: int = 0, end: int | None = None) -> list[Unnamed]:
    """Return the nouns for speakers without a name in a sentence, in the order of the text.

    Raises:
        ResourceError: the tables are missing.

    >>> [one.label for one in find_unnamed("US officials told analysts.", "en")]
    ['officials', 'analysts']
    """
    rows = _unnamed().get(language.partition("-")[0], ())
    stop = len(text) if end is None else end
    found = [
        Unnamed(match.start(), match.end(), kind, label)
        for pattern, kind, label in rows
        for match in pattern.finditer(text, start, stop)
    ]
    out: list[Unnamed] = []
    for one in sorted(found, key=lambda u: (u.start, -u.end)):
        if not out or out[-1].end <= one.start:
            out.append(one)
    return out


def _near(between: str) -> bool:
    return len(between.split()) <= _NEAR and not re.search(r"[,;:।]", between)


@cache
def _table() -> dict[str, tuple[_Row, ...]]:
    out: dict[str, list[_Row]] = {}
    for lang, form, stance, act, speaker, _ in _rows("attribution.tsv", 6):
        out.setdefault(lang, []).append(_Row(form, stance, act, speaker, _pattern(form)))
    return {lang: tuple(rows) for lang, rows in out.items()}


@cache
def _unnamed() -> dict[str, tuple[tuple[re.Pattern[str], str, str], ...]]:
    out: dict[str, list[tuple[re.Pattern[str], str, str]]] = {}
    for lang, form, kind, label in _rows("unnamed-sources.tsv", 4):
        out.setdefault(lang, []).append((_pattern(form), kind, label))
    return {lang: tuple(rows) for lang, rows in out.items()}


def _rows(name: str, columns: int) -> list[list[str]]:
    lines = (folder("lexicon") / name).read_text(encoding="utf-8").split("\n")
    return [line.split("\t") for line in lines[1:] if line.count("\t") == columns - 1]


def _pattern(form: str) -> re.Pattern[str]:
    """Return what finds a form: `*` is any ending (or beginning), `…` up to five other words."""
    words = nfc(form).split(" ")
    out = ""
    for n, word in enumerate(words):
        if word == "…":
            out += _GAP
            continue
        if n and words[n - 1] != "…":
            out += r"\s+"
        body = re.escape(word.strip("*"))
        head = f"(?<!{_LETTER})" if not word.startswith("*") else ""
        tail = f"{_LETTER}*" if word.endswith("*") else f"(?!{_LETTER})"
        if word == "n't":
            head = ""
        out += head + body + tail
    return re.compile(out, re.IGNORECASE)
