"""Words by which a text says that somebody says, denies or does not confirm something.

The words are data: `lexicon/attribution.tsv` has the forms of each language with the stance and
the act of each, `lexicon/unnamed-sources.tsv` the nouns for speakers without a name,
`lexicon/outlets.tsv` the names of some that pass on what others say. Six stances are kept apart;
above all a denial, a dispute of the evidence, a refusal to confirm and an inability to verify. What
is negated, in doubt or refused and stands in no row has no stance here.

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
_SUSPENDED: Final = 8
"""Words between an "if" or "whether" and what it puts in doubt, at most."""
_TOKENS: Final = {
    "…": _GAP,
    "?": r"(?:\s+[^\s.,;:।?!]+)?",
    "^": r"(?:\s+(?!\w+day\b)(?-i:[A-Z])[\w.-]*){1,3}(?![\w'’])",
    "|": r"(?=\s*(?:[.,;:!?।»”\"'’)\]—–]|$))",
}
"""What may stand in a form beside words; see `_pattern`."""
_CONJUNCTIONS: Final = re.compile(
    r"[,;:।]|(?<!\S)(?:and|but|while|и|но|а|और|लेकिन|मगर|ও|এবং|কিন্তু|그리고)(?!\S)", re.IGNORECASE
)
_MODIFIERS: Final = (
    "negates",
    "negates-after",
    "negates-around",
    "suspends",
)
"""Acts of the words that take the stance from others."""


class Cue(msgspec.Struct, frozen=True):
    """Words of saying in a sentence.

    `act` says what they do (says, denies, according-to, …), `speaker` on which side of them the
    speaker stands: before, after, either, or nobody; `why` why no stance can be proposed.
    """

    start: int
    end: int
    form: str
    stance: str
    act: str
    speaker: str
    why: str = ""


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
    note: str
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
        if row.act not in _MODIFIERS
        for match in row.pattern.finditer(text, start, stop)
    ]
    modifiers = [
        (match.start(), match.end(), row)
        for row in rows
        if row.act in _MODIFIERS
        for match in row.pattern.finditer(text, start, stop)
    ]
    taken: list[Cue] = []
    left: list[Cue] = []
    # The form with most words decides, then the longest.
    for a, b, row in sorted(found, key=lambda f: (-_words(f[2].form), f[0] - f[1], f[0])):
        if any(a < cue.end and cue.start < b for cue in (*taken, *left)):
            continue
        why = row.note.partition(":")[0] if row.stance == NO_STANCE else ""
        if not why and any(_takes_stance(text, a, b, row, *other) for other in modifiers):
            why = "negated or in doubt"
        cue = Cue(a, b, row.form, row.stance, row.act, row.speaker, why)
        (left if why else taken).append(cue)
    key = lambda cue: (cue.start, cue.end)  # noqa: E731 - one order for two lists
    return sorted(taken, key=key), sorted(left, key=key)


def find_unnamed(text: str, language: str, start: int = 0, end: int | None = None) -> list[Unnamed]:
    """Return the nouns for speakers without a name in a sentence, in the order of the text.

    Raises:
        ResourceError: the tables are missing.

    >>> [one.label for one in find_unnamed("US officials told analysts.", "en")]
    ['officials', 'analysts']
    """
    return _nouns("unnamed-sources.tsv", text, language, start, end)


def find_outlets(text: str, language: str, start: int = 0, end: int | None = None) -> list[Unnamed]:
    """Return the names of known outlets in a sentence, in the order of the text.

    Raises:
        ResourceError: the table is missing.

    >>> [one.label for one in find_outlets("The BBC reported so.", "en")]
    ['BBC']
    """
    return _nouns("outlets.tsv", text, language, start, end)


def _nouns(table: str, text: str, language: str, start: int, end: int | None) -> list[Unnamed]:
    rows = _forms(table).get(language.partition("-")[0], ())
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


def _words(form: str) -> int:
    return sum(word != "?" for word in form.split())


def _takes_stance(text: str, a: int, b: int, row: _Row, start: int, end: int, by: _Row) -> bool:
    """Return whether words negate a cue, put it in doubt, or refuse what it says."""
    if end <= a:
        most = _SUSPENDED if by.act == "suspends" else _NEAR
        return by.act != "negates-after" and _near(text[end:a], most)
    if by.act not in ("negates-after", "negates-around"):
        return False
    if by.form.startswith("*"):  # an ending, which belongs to the last word of the cue
        return a < start < b <= end
    most = _NEAR if row.stance != "affirms" else 0
    # "said that it is not": what is said is negated, not the saying.
    that = text[a:b].endswith((" कि", " যে")) or row.act in ("according-to", "cites")
    return b <= start and not that and _near(text[b:start], most)


def _near(between: str, most: int) -> bool:
    return len(between.split()) <= most and not _CONJUNCTIONS.search(between)


@cache
def _table() -> dict[str, tuple[_Row, ...]]:
    out: dict[str, list[_Row]] = {}
    for lang, form, stance, act, speaker, note in _rows("attribution.tsv", 6):
        out.setdefault(lang, []).append(_Row(form, stance, act, speaker, note, _pattern(form)))
    return {lang: tuple(rows) for lang, rows in out.items()}


@cache
def _forms(table: str) -> dict[str, tuple[tuple[re.Pattern[str], str, str], ...]]:
    out: dict[str, list[tuple[re.Pattern[str], str, str]]] = {}
    for lang, form, kind, label in _rows(table, 4):
        out.setdefault(lang, []).append((_pattern(form), kind, label))
    return {lang: tuple(rows) for lang, rows in out.items()}


def _rows(name: str, columns: int) -> list[list[str]]:
    lines = (folder("lexicon") / name).read_text(encoding="utf-8").split("\n")
    return [line.split("\t") for line in lines[1:] if line.count("\t") == columns - 1]


def _pattern(form: str) -> re.Pattern[str]:
    """Return what finds a form.

    `*` is any ending (or beginning) of a word, `…` up to five other words, `?` one or none, `^` up
    to three words with a capital, `|` the end of the clause.
    """
    words = nfc(form).split(" ")
    out = ""
    for n, word in enumerate(words):
        if word in _TOKENS:
            out += _TOKENS[word]
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
