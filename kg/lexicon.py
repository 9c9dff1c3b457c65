"""The lexicon of the linker: states, governments, capitals, offices, bodies and persons by name.

It is made by `lexicon/build.py`; `ontology/NOTICE` names each source of it. The files are sorted
tables, and only the languages that are asked for are read.

Spec: docs/reference/linking.md
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from kg.errors import ResourceError
from kg.names import fold, nfc
from kg.resources import folder

SPACELESS: Final = frozenset(("ja", "ko", "lo", "my", "th", "yue", "zh"))
"""Languages whose names are looked up without the spaces that some write in them."""
ANY: Final = "mul"
"""The tag of codes, which belong to no language, and of a name whose language is not known."""
SCHEMES: Final = ("cameo", "fips", "gw", "iso2", "iso3")
"""The schemes of codes by which feeds name states; docs/reference/linking.md explains them."""


class Entity(NamedTuple):
    """An item of Wikidata that the linker knows.

    Attributes:
        qid: its identifier, e.g. "Q159".
        kind: in a word or two: state, city, person, office …; docs/reference/linking.md has all.
        label: its English label.
        country: the item of the state that it belongs to; empty where that is not said.
        seat_of: the item of the state whose executive sits there: of a capital and of a building.
        words: further English words about it, folded: offices held, a capital.
    """

    qid: str
    kind: str
    label: str
    country: str
    seat_of: str
    words: str


class Name(NamedTuple):
    """A name of an item in one language.

    Attributes:
        qid: the item.
        text: the name as its source has it, in NFC.
        use: name; surname, which names the person alone; adjective; demonym; short, which is said
            of the item only where its kind is asked for; shared, which others have that are not in
            the lexicon; metonym, which is said of a capital only where it stands for its state;
            code.
        source: where it was found: curated, registry, cldr, verified, holders, natural-earth,
            rigour, nsi, iso.
    """

    qid: str
    text: str
    use: str
    source: str


class Tenure(NamedTuple):
    """Who held an office: dates are `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, or empty.

    `seen` is the last day on which the source knew the holder to be one, where `end` is empty.
    """

    qid: str
    start: str
    end: str
    seen: str


class Span(NamedTuple):
    """What a code stands for, from a day until a day, both included; empty where unbounded."""

    qid: str
    start: str
    end: str


class Affix(NamedTuple):
    """An ending, or a beginning, that names carry, folded; `instead` stands in the stem for it."""

    text: str
    instead: str
    kind: str


class Names(NamedTuple):
    """The names of one language.

    Attributes:
        by_key: by the folded name; without spaces for `SPACELESS`.
        words: every word of these.
    """

    by_key: Mapping[str, tuple[Name, ...]]
    words: frozenset[str]


class Affixes(NamedTuple):
    """The affixes of one language: glued to the end, to the beginning, and words of their own.

    Attributes:
        particles: the words that may follow a name, folded, each with its kind.
    """

    endings: Mapping[str, tuple[Affix, ...]]
    beginnings: Mapping[str, tuple[Affix, ...]]
    particles: Mapping[str, str]
    leading: frozenset[str]
    longest: int


class Lexicon:
    """The tables of the lexicon, each language read when it is first asked for."""

    def __init__(self, path: Path) -> None:
        """Open the lexicon in a folder.

        Raises:
            ResourceError: one of its files is missing.
        """
        self._path = path
        rows = self._rows("entities.tsv")
        self.entities: Final = {row[0]: Entity(*row) for row in rows}
        self._tags: Final = frozenset(path.stem for path in (path / "names").glob("*.tsv"))
        self._loaded: dict[str, Names] = {}
        self._bearers: dict[str, Mapping[str, frozenset[str]]] = {}
        self._governments: dict[str, str] = {}
        for entity in self.entities.values():
            if entity.kind == "government" and entity.country:
                self._governments[entity.country] = entity.qid

    @classmethod
    def load(cls) -> Lexicon:
        """Return the lexicon that comes with the package.

        Raises:
            ResourceError: it is missing.
        """
        return cls(folder("lexicon"))

    @property
    def languages(self) -> list[str]:
        """Return the tags of the languages that have names, sorted."""
        return sorted(self._tags - {ANY})

    def government(self, state: str) -> str:
        """Return the item of the government of a state; empty where none is verified."""
        return self._governments.get(state, "")

    def names(self, lang: str) -> Names:
        """Return the names of a language, those of all languages for `ANY`; empty if unknown."""
        found = self._loaded.get(lang)
        if found is None:
            index: dict[str, tuple[Name, ...]] = {}
            words: set[str] = set()
            for of, name in self._names_in(lang):
                key = key_of(name.text, of)
                old = index.get(key, ())
                if not any(name[0] == o[0] and name[2] == o[2] for o in old):
                    index[key] = (*old, name)
                words.update(key.split())
            found = self._loaded[lang] = Names(index, frozenset(words))
        return found

    def _names_in(self, lang: str) -> Iterator[tuple[str, Name]]:
        """Yield the names of a language, or of all, each with its language."""
        for tag in (*self.languages, ANY) if lang == ANY else (lang,):
            for row in self._rows(f"names/{tag}.tsv") if tag in self._tags else ():
                yield tag, Name(*row)

    def family_first(self, qid: str) -> bool:
        """Return whether a person's family name is the first word: of Korea's and China's."""
        return self.entities[qid].country in _FAMILY_FIRST

    def bearers(self, lang: str) -> Mapping[str, frozenset[str]]:
        """Return the family names of persons in a language, folded, with those who bear them."""
        found = self._bearers.get(lang)
        if found is None:
            sets: dict[str, set[str]] = {}
            for key, names in self.names(lang).by_key.items():
                words = key.split()
                for name in names if len(words) > 1 else ():
                    if self.entities[name.qid].kind == "person" and name.use == "name":
                        word = words[0 if self.family_first(name.qid) else -1]
                        sets.setdefault(word, set()).add(name.qid)
            found = {word: frozenset(qids) for word, qids in sets.items()}
            self._bearers[lang] = found
        return found

    @cached_property
    def codes(self) -> Mapping[str, str]:
        """The codes of ISO 3166-1, of two and three letters and as flags, with the item of each."""
        return {name: qid for qid, name, _, _ in self._rows(f"names/{ANY}.tsv")}

    def state(self, scheme: str, code: str, day: str = "") -> Entity | None:
        """Return the state or territory that a code names; None where it is none, or not known.

        A code that went from one state to another is answered by the day. Without a day it is
        answered only if it is of one item of the lexicon.

        Args:
            scheme: one of `SCHEMES`.
            code: as the feed has it; case matters.
            day: what the record speaks of: `YYYY-MM-DD`, `YYYY-MM` or `YYYY`. Of a month or a
                year all days have to be of that state.
        Raises:
            KeyError: the scheme is none of `SCHEMES`.
            ValueError: the day is written otherwise.
            ResourceError: a table is missing.
        Spec: docs/reference/linking.md
        """
        spans = self._states[scheme].get(code, ())
        if day:
            if not _DAY.fullmatch(day):
                raise ValueError(f"day is {day!r}; expected YYYY-MM-DD, YYYY-MM or YYYY")
            first, last = (day + rest[len(day) - 4 :] for rest in ("-01-01", "-12-31"))
            spans = tuple(s for s in spans if s.start <= first and (not s.end or last <= s.end))
        found = {span.qid for span in spans}
        return self.entities[found.pop()] if len(found) == 1 else None

    def iso3(self, qid: str) -> str:
        """Return the code of three letters of a state or territory; empty if it has none.

        A few are not of ISO 3166-1, but reserved or in use, as `XKX` of Kosovo.

        Raises:
            ResourceError: a table is missing.
        """
        return self._alpha["iso3"].get(qid, "")

    def label(self, qid: str, language: str) -> str:
        """Return one name of an item, to be shown, in a language; empty where none is known.

        Of states and territories it is the one of CLDR, unless that was refused for the item; of
        others a name of the registry before any other. English ones are of `entities`.

        Raises:
            ResourceError: a table is missing.
        """
        from babel import Locale, UnknownLocaleError

        if language == "en":
            return self.entities[qid].label if qid in self.entities else ""
        lang = language.partition("-")[0]
        if code := self._alpha["iso2"].get(qid):
            try:
                name = nfc(Locale.parse(language, sep="-").territories.get(code, code))
            except (UnknownLocaleError, ValueError):
                name = code
            if name != code and (qid, lang, name) not in self._refused:
                return name
        names = [n for _, n in self._names_in(lang) if n.qid == qid and n.use == "name"]
        return min(names, key=lambda name: name.source != "registry").text if names else ""

    @cached_property
    def _states(self) -> Mapping[str, Mapping[str, tuple[Span, ...]]]:
        """What codes stand for, by scheme and code."""
        found: dict[str, dict[str, tuple[Span, ...]]] = {scheme: {} for scheme in SCHEMES}
        for scheme, code, qid, start, end, _ in self._rows("codes.tsv"):
            found[scheme][code] = (*found[scheme].get(code, ()), Span(qid, start, end))
        for code, qid in self.codes.items():
            if code.isascii() and self.entities[qid].kind in ("state", "territory"):
                found[f"iso{len(code)}"][code] = (Span(qid, "", ""),)
        return found

    @cached_property
    def _alpha(self) -> Mapping[str, Mapping[str, str]]:
        """The codes of two and of three letters, by item."""
        return {
            scheme: {spans[0].qid: code for code, spans in self._states[scheme].items()}
            for scheme in ("iso2", "iso3")
        }

    @cached_property
    def _refused(self) -> frozenset[tuple[str, ...]]:
        """What was refused as a name: item, language and name."""
        return frozenset(tuple(row[:3]) for row in self._rows("dropped.tsv"))

    def affixes(self, lang: str) -> Affixes:
        """Return the affixes of a language; none where the lexicon has none."""
        return self._affixes.get(lang, _NO_AFFIXES)

    @cached_property
    def _affixes(self) -> Mapping[str, Affixes]:
        rows: dict[str, list[list[str]]] = {}
        for lang, *row in self._rows("affixes.tsv"):
            rows.setdefault(lang, []).append(row)
        return {lang: _affixes_of(some) for lang, some in rows.items()}

    @cached_property
    def connectives(self) -> Mapping[str, frozenset[str]]:
        """The words that stand between an office and a state, folded, by language."""
        rows = self._rows("connectives.tsv")
        return {lang: frozenset(map(fold, text.split(" | "))) for lang, text in rows}

    def common(self, lang: str) -> frozenset[str]:
        """Return ordinary words that are also a form of a name, folded.

        Those of a language in Latin letters are its own; any other is looked for in all languages
        of its script, since neighbours have many words in common.
        """
        return self._common.get(lang, frozenset()) | self._common[""]

    @cached_property
    def _common(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {"": set()}
        for lang, word, _ in self._rows("common.tsv"):
            own = unicodedata.name(word[0], "").startswith("LATIN") or lang in SPACELESS
            found.setdefault(lang if own else "", set()).add(key_of(word, lang))
        return {lang: frozenset(words) for lang, words in found.items()}

    def roles(self, lang: str) -> Mapping[str, tuple[str, ...]]:
        """Return the words for offices in a language, folded, with the roles that each may be."""
        return self._roles.get(lang, {})

    @cached_property
    def _roles(self) -> Mapping[str, dict[str, tuple[str, ...]]]:
        found: dict[str, dict[str, tuple[str, ...]]] = {}
        for role, lang, text in self._rows("roles.tsv"):
            words = found.setdefault(lang, {})
            for name in text.split(" | "):
                key = key_of(name, lang)
                words[key] = (*words.get(key, ()), role)
        return found

    def office(self, role: str, state: str) -> str:
        """Return the item of an office of a state; empty where none is verified."""
        return self._offices.get((role, state), ("", ()))[0]

    def tenures(self, role: str, state: str) -> tuple[Tenure, ...]:
        """Return who is known to have held an office of a state, in the order of their ids."""
        return self._offices.get((role, state), ("", ()))[1]

    @cached_property
    def _offices(self) -> Mapping[tuple[str, str], tuple[str, tuple[Tenure, ...]]]:
        codes = {**self.codes, "UN": "Q1065"}
        held: dict[tuple[str, str], list[Tenure]] = {}
        for country, position, *rest in self._rows("tenures.tsv"):
            held.setdefault((country, position), []).append(Tenure(*rest))
        countries = sorted({country for country, _ in held})
        found: dict[tuple[str, str], tuple[str, tuple[Tenure, ...]]] = {}
        for role, country, office, text in self._rows("offices.tsv"):
            for of in countries if country == "*" else [country]:
                key = (role, codes[of])
                old, tenures = found.get(key, ("", ()))
                more = [t for p in text.split(" | ") for t in held.get((of, p), ())]
                found[key] = (office or old, tuple(sorted({*tenures, *more})))
        return found

    def _rows(self, name: str) -> list[list[str]]:
        """Return the rows of a table, without the line that names its columns."""
        return [line.split("\t") for line in self._text(name).rstrip("\n").split("\n")[1:]]

    def _text(self, name: str) -> str:
        """Return a file of the lexicon.

        Raises:
            ResourceError: it cannot be read.
        """
        try:
            return (self._path / name).read_text(encoding="utf-8")
        except OSError as error:
            raise ResourceError(
                f"the lexicon's {name} cannot be read: {error.strerror}",
                where=str(self._path / name),
                hint="reinstall chancery-kg, or run from a complete checkout",
            ) from error


_DAY: Final = re.compile("[0-9]{4}(-[0-9]{2}){0,2}")
_FAMILY_FIRST: Final = frozenset(("Q423", "Q884", "Q148"))
_NO_AFFIXES: Final = Affixes({}, {}, {}, frozenset(), 0)


def _affixes_of(rows: Sequence[Sequence[str]]) -> Affixes:
    """Return the affixes of a language out of its rows of the table."""
    endings: dict[str, tuple[Affix, ...]] = {}
    beginnings: dict[str, tuple[Affix, ...]] = {}
    particles: dict[str, str] = {}
    leading = set()
    for text, instead, kind in rows:
        bare = fold(text.strip("- "))
        affix = Affix(bare, fold(instead) if instead else "", kind)
        if text.startswith(" "):
            particles[bare] = kind
        elif text.endswith(" "):
            leading.add(bare)
        elif text.startswith("-"):
            endings[bare] = (*endings.get(bare, ()), affix)
        else:
            beginnings[bare] = (*beginnings.get(bare, ()), affix)
    longest = max(map(len, [*endings, *beginnings]), default=0)
    return Affixes(endings, beginnings, particles, frozenset(leading), longest)


def key_of(name: str, lang: str) -> str:
    """Return the form under which a name of a language is looked up.

    >>> key_of("조선 민주주의 인민 공화국", "ko"), key_of("Kim Jong-un", "en")
    ('조선민주주의인민공화국', 'kim jong un')
    """
    key = fold(name)
    return key.replace(" ", "") if lang in SPACELESS else key
