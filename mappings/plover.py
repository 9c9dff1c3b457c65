"""PLOVER gold-standard records: events that people coded from sentences, in JSON.

Source: the Open Event Data Alliance. Language: English; of later files the one that `language`
names. Licence: CC BY-SA 4.0, share-alike.

A record is the description of an event and a claim by the record's own voice: what its sentence
says as its coder read it. The first records were made from the examples of a coding manual, which
were edited and need not refer to events that took place; their date is a placeholder and is left
out. What is past, future, hypothetical or negated is kept, with stance and modality.
"""

import re
from collections.abc import Mapping
from typing import Any

from kg.feed import FORMER, NOUNS, Feed, MapRow, Node, Row, Scribe, Table

_TEXT = "text of others"

SOURCE = Feed(
    id="plover",
    title="PLOVER gold-standard records",
    publisher="Open Event Data Alliance",
    url="https://github.com/openeventdata/PLOVER",
    languages=("en",),
    licence="https://creativecommons.org/licenses/by-sa/4.0/",
    redistribution="share-alike",
    citation=(
        "Open Event Data Alliance: PLOVER gold-standard records, "
        "https://github.com/openeventdata/PLOVER, CC BY-SA 4.0."
    ),
    retrieved="2026-11-28",
    method="People read a sentence and code who does what to whom, by the PLOVER manual.",
    machine=False,
    tables=(
        Table(
            id="records",
            form="json",
            columns=(
                "id",
                "date",
                "enddate",
                "source",
                "target",
                "recipient",
                "event",
                "mode",
                "event mode",
                "context",
                "historical",
                "future",
                "hypothetical",
                "negation",
                "eventLoc",
                "event_loc",
                "language",
                "publication",
                "coder",
                "version",
                "dateCoded",
                "coded_date",
                "eventText",
                "event_text",
                "text",
                "textInfo",
                "text_info",
                "comment",
                "license",
                "copyright",
            ),
            required=("id", "event"),
            key=("id",),
            ignored={
                "eventText": _TEXT,
                "event_text": _TEXT,
                "text": _TEXT,
                "textInfo": _TEXT,
                "text_info": _TEXT,
                "comment": _TEXT,
                "license": "the same for the whole file; told of the source",
                "copyright": "the same for the whole file; told of the source",
            },
        ),
    ),
)

HEADER = "DOCUMENT"
"""The category of what is no event: the record that documents the file."""

HEDGES = ("hypothetical", "future", "historical")
"""Marks of what is not said to happen now; of several the first counts."""

CODES: Mapping[str, tuple[str, ...]] = {
    "ARE": ("united arab emirates", "uae"),
    "BIH": ("bosnia and herzegovina", "bosnia-herzegovina"),
    "CHN": ("china", "prc", "people's republic of china"),
    "CIV": ("ivory coast", "cote d'ivoire", "côte d'ivoire"),
    "COD": ("democratic republic of the congo", "drc", "dr congo"),
    "CZE": ("czechia", "czech republic"),
    "GBR": ("united kingdom", "uk", "u.k.", "great britain", "britain"),
    "IRN": ("iran", "islamic republic of iran"),
    "KOR": ("south korea", "republic of korea"),
    "LAO": ("laos",),
    "MDA": ("moldova",),
    "MKD": ("macedonia", "north macedonia"),
    "MMR": ("myanmar", "burma"),
    "PRK": ("north korea", "dprk", "democratic people's republic of korea"),
    "RUS": ("russia", "russian federation"),
    "SYR": ("syria",),
    "TLS": ("east timor", "timor-leste"),
    "TUR": ("turkey", "türkiye"),
    "TZA": ("tanzania",),
    "USA": ("united states", "united states of america", "us", "u.s.", "usa", "u.s.a."),
    "VNM": ("vietnam", "viet nam"),
}
"""Names of states beside the label that the registry has, in lower case, by code."""

NEEDS_RECIPIENT = frozenset(("aid", "sanction"))
"""Categories in which one expects somebody to whom it is done."""

LONGEST = 120
"""Characters of the name of an actor or place; what is longer is a text."""

_SPLIT = re.compile(r"[,;|]")
_LANGUAGE = re.compile("[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_PLACEHOLDER = "2000-01-01"


def mapper(table: str, out: Scribe) -> MapRow:
    """Return what maps one record."""

    def actor(identifier: str, given: Any, column: str, lang: str) -> Node:
        """Return who acts: a state if its bare name stands there, else somebody of this record."""
        if not isinstance(given, dict):
            out.reject(column, str(given), "expected a list of actors, each an object")
        text = " ".join(_text(out, given, "actorText", "actor_text", column=column).split())
        code = _text(out, given, "code", column=column)
        sector = _text(out, given, "sector", column=column).strip("*")
        state = out.state("iso3", code) if len(code) == 3 else None
        if state and not sector and is_name(text, code, state):
            return state
        coded = " ".join(filter(None, (code, sector)))
        if len(text) > LONGEST or not text:
            text = ""
            if not coded:
                out.reject(column, str(given), "expected the name or the code of an actor")
        # The same words in another record may be somebody else.
        return out.agent(
            (identifier, text, code, sector),
            (f"“{text}” ({coded})" if coded else f"“{text}”") if text else f"actor coded {coded}",
            lang=lang if text else "en",
            identifier=" ".join(filter(None, (text, code, sector))),
            basis=f"PLOVER record {identifier}, as its sentence has it",
            country=state,
        )

    def is_name(text: str, code: str, state: Node) -> bool:
        name = text.casefold().removeprefix("the ").replace("’", "'")
        return name == state.label.casefold() or name in CODES.get(code, ())

    def actors(row: Row, identifier: str, lang: str, *names: str) -> list[Node]:
        found: dict[Node, None] = {}
        for name in names:
            given = row.get(name)
            if given is None or given == "":
                continue
            if not isinstance(given, list):
                out.reject(name, str(given), "expected a list of actors, or nothing")
            for one in given:
                found[actor(identifier, one, name, lang)] = None
        return list(found)

    def place(row: Row, identifier: str, lang: str) -> Node | None:
        for name in ("eventLoc", "event_loc"):
            given = row.get(name)
            if not given:
                continue
            if not isinstance(given, dict):
                out.reject(name, str(given), "expected an object with the name of a place")
            called = _text(out, given, "name", column=name)
            code = _text(out, given, "country code", column=name)
            if not called or len(called) > LONGEST:
                out.reject(name, called, f"expected a name of at most {LONGEST} characters")
            latitude, longitude = (
                "" if given.get(one) is None else str(given[one])
                for one in ("latitude", "longitude")
            )
            return out.place(
                (identifier, called),
                called,
                lang=lang,
                identifier=called,
                basis=f"PLOVER record {identifier}, as its sentence has it",
                latitude=latitude,
                longitude=longitude,
                country=out.state("iso2", code.upper()) if len(code) == 2 else None,
            )
        return None

    def map_record(row: Row) -> None:
        events = _words(row.get("event"))
        if events == [HEADER.lower()]:
            return
        identifier = row.get("id")
        if not isinstance(identifier, str):
            out.reject("id", str(identifier), "expected a text")
        kinds = list(dict.fromkeys(FORMER.get(one, one) for one in events))
        for one in kinds:
            if one not in NOUNS:
                out.reject("event", one.upper(), "expected one of PLOVER's 16 categories")
        if not kinds:
            out.reject("event", str(row.get("event")), "expected a category")
        language = row.get("language")
        lang = language if isinstance(language, str) and _LANGUAGE.fullmatch(language) else "en"
        contexts = _words(row.get("context"))
        marks = {one for one in HEDGES if one in contexts or _flag(out, row, one)}
        mark = next((one for one in HEDGES if one in marks), "")
        negated = "negation" in contexts or _flag(out, row, "negation")
        publication = row.get("publication")
        example = isinstance(publication, str) and "manual" in publication.casefold()
        when = None
        date = row.get("date")
        if date and not mark and not (example and date == _PLACEHOLDER):
            end = row.get("enddate")
            when = out.time(f"{date}/{end}" if end and end != date else str(date))
        who = actors(row, identifier, lang, "source")
        whom = actors(row, identifier, lang, "target", "recipient")
        where = place(row, identifier, lang)
        description = _description(row, contexts, mark, example=example)
        locator = "sentence of the record"
        for before, value in (
            ("; coded by ", row.get("coder")),
            (" on ", row.get("dateCoded") or row.get("coded_date")),
            (", version ", row.get("version")),
            ("; published by ", publication),
        ):
            if isinstance(value, str) and value and len(locator) + len(value) < 180:
                locator += before + value
        voice = out.record(identifier, f"PLOVER gold-standard record {identifier}")
        for kind in kinds:
            unstated = [] if who else ["actor"]
            if not whom and kind in NEEDS_RECIPIENT:
                unstated.append("recipient")
            event = out.event(
                identifier if len(kinds) == 1 else f"{identifier} {kind}",
                label_of(kind, who, whom, where),
                f"plover-{kind}",
                time=when,
                description=description,
                unstated=unstated,
                actor=who,
                recipient=whom,
                place=where,
            )
            out.claim(
                voice,
                event,
                stance="denies" if negated else "affirms",
                modality=MODALITIES.get(mark, "actual"),
                locator=[locator],
            )

    return map_record


MODALITIES: Mapping[str, str] = {"hypothetical": "hypothetical", "future": "expected"}
"""Modality by mark: who foresees it is not told, nor whether it is arranged."""


def label_of(kind: str, who: list[Node], whom: list[Node], where: Node | None) -> str:
    """Return what an event is called: what it would be, who, to whom, where."""
    label = NOUNS[kind]
    if who:
        label += f": {', '.join(one.label for one in who)}"
    if whom:
        label += f" toward {', '.join(one.label for one in whom)}"
    return f"{label}; {where.label}" if where else label


def _description(row: Row, contexts: list[str], mark: str, *, example: bool) -> str:
    """Return what more a record codes, in words of ours."""
    parts = []
    modes = [*_words(row.get("mode")), *_words(row.get("event mode"))]
    if modes:
        parts.append(f"Coded with the mode {', '.join(modes)}.")
    plain = [one for one in contexts if one not in (*HEDGES, "negation")]
    if plain:
        parts.append(f"Coded in the context {', '.join(plain)}.")
    if mark:
        parts.append("The record does not date what is not of its own day.")
    if example:
        parts.append(
            "The sentence is an edited example of a manual: it need not refer to an event that "
            "took place, and its date is a placeholder."
        )
    return " ".join(parts)


def _text(out: Scribe, given: Mapping[str, Any], *names: str, column: str) -> str:
    for name in names:
        value = given.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            out.reject(f"{column}.{name}", str(value), "expected a text")
        return value.strip()
    return ""


def _words(given: Any) -> list[str]:
    """Return the codes of a field that may hold one text, several with commas, or a list."""
    values = given if isinstance(given, list) else [given]
    found = (
        one.strip().lower()
        for value in values
        if isinstance(value, str) and len(value) <= LONGEST
        for one in _SPLIT.split(value)
    )
    return list(dict.fromkeys(filter(None, found)))


def _flag(out: Scribe, row: Row, name: str) -> bool:
    value = row.get(name)
    if value in (None, "", False, 0, "0", "false", "False", "no", "N", "n"):
        return False
    if value in (True, 1, "1", "true", "True", "yes", "Y", "y"):
        return True
    return out.reject(name, str(value), "expected true or false")
