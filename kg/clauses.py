"""Which name is the subject of some words of saying, where verbs stand in the middle.

In English and Russian a name is a subject only if nothing but articles, titles and words of time
stands between the beginning of a clause and it, and nothing but adverbs or an apposition between
it and the verb. "The wife of Kim said" has no subject that is a name. All is told from a few lists
of words; where they do not suffice, there is no subject.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

LANGUAGES: Final = frozenset(("en", "ru"))

_TIMES: Final = {
    "en": "monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april"
    "|may|june|july|august|september|october|november|december|today|yesterday|earlier|later"
    "|week|month|year|[0-9]+(?:st|nd|rd|th)?",
    "ru": "сегодня|вчера|позже|ранее|накануне|понедельник|вторник|среду|четверг|пятницу|субботу"
    "|воскресенье|января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября"
    "|декабря|году|года|[0-9]+",
}
_ADVERBS: Final = {
    "en": "also|again|then|meanwhile|however|now|already|still|always|once|long|will|twice"
    "|has|have|had|since|so|both|all|never|ever|instead|too|even|just|first|itself|himself|herself|themselves"
    r"|later|earlier|(?!fly\b|rely\b|reply\b|apply\b)[a-z]+ly",
    "ru": "также|снова|вновь|опять|уже|тогда|однако|тоже|сам|сама|само|сами|неоднократно|[а-яё]+но",
}
_ARTICLES: Final = {"en": "the|a|an|mr|mrs|ms|dr|sir", "ru": "(?!)"}
_TITLES: Final = {
    "en": "president|minister|secretary|leader|chief|head|chairman|chairwoman|chair|chancellor"
    "|premier|king|queen|prince|princess|emperor|pope|general|admiral|colonel|marshal|commander"
    "|spokesman|spokeswoman|spokesperson|ambassador|envoy|diplomat|senator|governor|mayor|judge"
    "|representative|congressman|congresswoman|adviser|advisor|director|counterpart|dictator"
    "|professor|analyst|expert|lawmaker|candidate|politician|foreign|prime|defence|defense"
    "|interior|finance|state|national|security|former|ex|deputy|vice|acting|senior|top|late|new"
    "|supreme|first|opposition|press|party|news|agency|newspaper|broadcaster|daily|channel|and",
    "ru": "президент[а-яё]*|министр[а-яё]*|глав[аыеуо][а-яё]*|лидер[а-яё]*|премьер[а-яё-]*"
    "|представител[а-яё]*|посол|посла|генерал[а-яё]*|секретар[а-яё]*|пресс-секретар[а-яё]*"
    "|канцлер[а-яё]*|госсекретар[а-яё]*|директор[а-яё]*|дел|обороны|иностранных|внутренних"
    "|официальн[а-яё]*|замминистр[а-яё]*|заместител[а-яё]*|агентств[а-яё]*|газет[а-яё]*"
    "|мид|мида|минобороны|кремля|[а-яё]+(?:ский|ская|ского|ской)",
}
_RANKS: Final = (
    "president|minister|secretary|leader|chief|chairman|chairwoman|chancellor|premier|king|queen"
    "|prince|princess|emperor|pope|general|admiral|colonel|marshal|commander|spokesman"
    "|spokeswoman|spokesperson|ambassador|envoy|senator|governor|mayor|judge|professor|director"
)
"""Titles that stand directly before a name in English."""
_PREPOSITIONS: Final = {
    "en": "in|on|at|from|after|before|during|since|through|via|with|of|for|by|about",
    "ru": "в|во|на|по|из|с|со|после|до|о|об|у|для|без|через|от|при|под|перед|за|к|ко",
}
_BEGINNERS: Final = {
    "en": "that|but|while|because|when|although|though|whereas|after|before|since|until|if"
    "|whether|how|why|where",
    "ru": "что|но|а|однако|пока|когда|хотя|поскольку|если|ли|как",
}
_STOPS: Final = {
    "en": "and|but|or|that|who|whom|whose|which|while|because|when|although|though|if|whether"
    "|he|she|it|they|we|i",
    "ru": "и|но|а|или|что|котор[а-яё]*|чтобы|если|он|она|оно|они|мы|я",
}
_MARKS: Final = ",;:—–“”\"«»()!?.'‘’"
_LONGEST: Final = 12
"""Words between a subject and its verb, at most."""
_RELATIVES: Final = {"en": "who|whom|whose|which|that", "ru": "котор[а-яё]*|что"}
_CAPITALS: Final = re.compile(
    r"(?<![\w’'-])[A-Z][\w’'&.-]*[\w&](?: (?:(?:of|for|the|al|de|von) )?[A-Z][\w’'&.-]*[\w&])*"
)
_NO_NAME: Final = (
    "i|he|she|it|they|we|you|the|a|an|this|that|these|those|there|here|what|who|how|why|when|if"
    "|in|on|at|but|and|or|as|for|by|with|from|after|before|since|while|although|however"
    "|according|according to|no|yes|some|many|most|all|both|one|two|three|several"
)


def phrase_start(
    text: str, language: str, floor: int, start: int, person: bool, names: Iterable[tuple[int, int]]
) -> int:
    """Return where the phrase of a name begins: "the Russian foreign minister" is before Lavrov.

    Args:
        text: the text.
        language: en or ru.
        floor: where the sentence begins.
        start: where the name begins.
        person: whether it names a person; only these have titles.
        names: where other names stand; one in the phrase is passed over.
    """
    ends: dict[int, int] = {}
    for first, end in names:
        ends[end] = min(first, ends.get(end, first))
    words, titles = _fitting(_ARTICLES[language]), _fitting(_TITLES[language])
    while match := re.search(r"(\S+)\s+$", text[max(floor, start - 60) : start]):
        at = start - len(match[0])
        word = match[1]
        end = at + len(word)
        owner = re.search("['’]s?$", word)
        before = ends.get(end, ends.get(end - len(owner[0])) if owner else None)
        if before is not None and person:
            start = before
        elif words.fullmatch(word.rstrip(".")) or (person and titles.fullmatch(word)):
            start = at
        else:
            break
    return start


def begins(text: str, language: str, floor: int, start: int) -> bool:
    """Return whether a phrase stands at the beginning of a clause, or after words of time there."""
    return bool(
        _beginning(language).search(text[max(floor, start - 120) : start]) or start == floor
    )


def reaches(between: str, language: str) -> bool:
    """Return whether only adverbs, phrases of time and place, or an apposition stand between."""
    if len(between.split()) > _LONGEST:
        return False
    return bool(_adverbial(language).fullmatch(between))


def apposed(between: str, language: str, verb: bool) -> bool:
    """Return whether a subject and its verb have one apposition or relative clause between them.

    Args:
        between: what stands between them.
        language: en or ru.
        verb: whether words of saying are in it: then "A, B said, denied it" is no apposition.
    """
    match = re.fullmatch(r"\s*,\s*([^,;:.!?“”\"]+),\s*(.*)", between, re.DOTALL)
    first = re.compile(r"(?:and|but|or|и|а|но)\s", re.IGNORECASE)
    if not match or first.match(match[1]):
        return False
    inner = re.compile(rf"(?:{_RELATIVES[language]}|[a-z]+ing)\b", re.IGNORECASE)
    return bool((not verb or inner.match(match[1])) and _adverbial(language).fullmatch(match[2]))


def coordinated(between: str, language: str) -> bool:
    """Return whether a subject has another verb first, and an "and" before this one."""
    match = re.fullmatch(r"\s+([^,;:.!?“”\"]+?),?\s+(?:and|и)\s+(.*)", between, re.DOTALL)
    if not match or len(between.split()) > _LONGEST:
        return False
    stops = re.search(rf"\b(?:{_STOPS[language]})\b", match[1], re.IGNORECASE)
    return not stops and bool(_adverbial(language).fullmatch(match[2]))


def relative(text: str, language: str, floor: int, start: int) -> bool:
    """Return whether a relative clause that has not ended stands before a name."""
    clause = re.split(r"[,;:“”\"]", text[floor:start])[-1]
    return bool(re.search(rf"\b(?:{_RELATIVES[language]})\b\s+\S+\s", clause, re.IGNORECASE))


def follows(text: str, end: int, phrase: int) -> bool:
    """Return whether a phrase stands directly after some words."""
    return not text[end:phrase].strip()


def closes(text: str, language: str, end: int) -> bool:
    """Return whether a clause ends after a name, or goes on with a preposition."""
    rest = text[end : end + 40]
    return bool(
        re.match(rf"\s*(?:[{re.escape(_MARKS)}]|$|(?:{_PREPOSITIONS[language]})\s)", rest)
        or re.match(rf"\s+(?:(?:and|who|as)|(?:{_TIMES[language]}))\b", rest, re.IGNORECASE)
    )


def capitals(text: str) -> frozenset[str]:
    """Return the words that have a capital inside an English sentence somewhere in a text."""
    return frozenset(re.findall(r"(?<=[a-z,] )[A-Z][\w’'&.-]*[\w&]", text))


def unknown_names(
    text: str,
    start: int,
    end: int,
    names: Sequence[tuple[int, int]],
    capital: frozenset[str],
) -> list[tuple[int, int, bool]]:
    """Return where English words with capitals stand that are in no name, in their order.

    Each with whether they can be taken for the name of a speaker: the first word of a sentence has
    a capital anyway.

    Args:
        text: the text.
        start: where the sentence begins.
        end: where it ends.
        names: where names stand that are known.
        capital: words that have a capital inside sentences, as `capitals` returns them.
    """
    out = []
    for match in _CAPITALS.finditer(text, start, end):
        first, last = match.span()
        if text[last - 2 : last] in ("'s", "’s"):
            last -= 2
        if words := _fitting(rf"(?:(?:{_NO_NAME}|{_TIMES['en']}|{_ADVERBS['en']}) )+").match(
            text, first, last
        ):
            first = words.end()
        if title := _fitting(rf"(?:(?:{_TITLES['en']}) )*(?:{_RANKS}) ").match(text, first, last):
            first = title.end()
        name = text[first:last]
        if any(a < last and first < b for a, b in names) or _fitting(
            f"{_NO_NAME}|{_TITLES['en']}|{_TIMES['en']}"
        ).fullmatch(name):
            continue
        whose = any(
            b <= first
            and (noun := re.fullmatch(r"(?:['’]s?)?\s+([a-z]*)\s*", text[b:first]))
            and not (noun[1] and _fitting(_TITLES["en"]).fullmatch(noun[1]))
            for _, b in names
        )
        bare = not text[start:first].strip(f" \n{_MARKS}") and " " not in name
        sure = not bare or name in capital or (name.isupper() and len(name) > 1)
        sure = sure and not _fitting(_RANKS).fullmatch(name.split(" ")[-1])
        out.append((first, last, sure and not whose))
    return out


@cache
def _fitting(words: str) -> re.Pattern[str]:
    return re.compile(words, re.IGNORECASE)


@cache
def _beginning(language: str) -> re.Pattern[str]:
    time = rf"(?:(?:on|in|by|last|late|early|this|в|во)\s+)*(?:{_TIMES[language]})"
    return re.compile(
        rf"(?:^|[{re.escape(_MARKS)}]\s*(?:(?:and|и)\s+)?|\b(?:{_BEGINNERS[language]})\s+)\s*"
        rf"(?:(?:{_ADVERBS[language]}|{time})\s+)*$",
        re.IGNORECASE,
    )


@cache
def _adverbial(language: str) -> re.Pattern[str]:
    word = rf"(?:(?!(?:{_STOPS[language]})\b)[^\s,;:.()!?“”\"]+)\s+"
    adverb = rf"(?:(?:{_ADVERBS[language]}|{_TIMES[language]})\s+)*"
    return re.compile(
        rf"\s*{adverb}(?:(?:{_PREPOSITIONS[language]})\s+(?:{word}){{1,7}}?{adverb})*",
        re.IGNORECASE,
    )
