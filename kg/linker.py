"""Links names in any script to items of Wikidata, or to nothing.

It accepts only what is unique and curated: a name of the lexicon as it stands, or with affixes
that are stripped to a known stem; an office of a state on a date; a surname that a full name of
the same document has introduced. What is merely alike, or reads alike in Latin letters, is
proposed and never accepted.

Two readings are kept: what the words name (`literal_qid`), and what is meant (`qid`). They differ
for a metonym, "Moscow" or "the White House" for a government, which is so read where the hint of
the caller says so.

Spec: docs/reference/linking.md
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from kg.alike import alike
from kg.lexicon import ANY, SPACELESS, Entity, Lexicon, Name, Tenure, key_of
from kg.names import fold, nfc

NIL: Final = "NIL"
LONGEST: Final = 200
"""Characters of a name that are looked at; a longer one is nobody's name."""
_ANALYSES: Final = 64
_STRIPS: Final = 3
_DAY: Final = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")

STATELIKE: Final = frozenset(
    ("state", "territory", "former state", "former territory", "subdivision", "separatist entity")
)
_PLACES: Final = frozenset(
    ("city", "region", "subdivision", "territory", "building", "state", "former territory")
)
_BODIES: Final = frozenset(
    (
        *("agency", "armed force", "government", "intergovernmental organ", "ministry"),
        *("intergovernmental organisation", "news agency", "organisation"),
    )
)
HINTS: Final[Mapping[str, frozenset[str]]] = {
    "state": frozenset(("state", "territory", "former state")),
    "country": frozenset(("state", "territory", "former state")),
    "nation": frozenset(("state", "territory", "former state")),
    "territory": frozenset(("territory", "state", "former territory")),
    "former state": frozenset(("former state", "historical state")),
    "historical state": frozenset(("historical state", "former state")),
    "separatist entity": frozenset(("separatist entity",)),
    "republic": frozenset(("separatist entity", "state", "subdivision")),
    "subdivision": frozenset(("subdivision",)),
    "province": frozenset(("subdivision",)),
    "oblast": frozenset(("subdivision",)),
    "region": frozenset(("region", "subdivision")),
    "peninsula": frozenset(("region",)),
    "continent": frozenset(("region",)),
    "city": frozenset(("city",)),
    "capital": frozenset(("city",)),
    "town": frozenset(("city",)),
    "place": _PLACES,
    "location": _PLACES,
    "building": frozenset(("building",)),
    "facility": frozenset(("building",)),
    "government": frozenset(("government",)),
    "governmentbody": frozenset(("government", "ministry", "agency", "armed force")),
    "ministry": frozenset(("ministry",)),
    "agency": frozenset(("agency", "intergovernmental organ", "news agency")),
    "news agency": frozenset(("news agency",)),
    "media": frozenset(("news agency",)),
    "newsorganization": frozenset(("news agency",)),
    "organisation": _BODIES,
    "organization": _BODIES,
    "intergovernmentalorganization": frozenset(
        ("intergovernmental organisation", "intergovernmental organ")
    ),
    "intergovernmental organisation": frozenset(
        ("intergovernmental organisation", "intergovernmental organ")
    ),
    "intergovernmental organ": frozenset(("intergovernmental organ",)),
    "armed force": frozenset(("armed force",)),
    "person": frozenset(("person",)),
    "office": frozenset(("office",)),
    "position": frozenset(("office",)),
    "conflict": frozenset(("conflict",)),
    "war": frozenset(("conflict",)),
    "event": frozenset(("conflict",)),
    "agent": frozenset(("state", "person", "former state", "separatist entity", *_BODIES)),
    # These are kinds of which the lexicon has none, so that nothing is linked.
    **dict.fromkeys(
        (
            *("role", "surname", "group", "armed group", "ship", "ships", "vehicle", "vessel"),
            *("newspaper", "thing", "work", "programme", "measure", "weapon", "materiel"),
            *("unnamedsource", "narrator", "unattributed", "armedactor", "company", "party"),
        ),
        frozenset(),
    ),
}
"""The words for a type that are understood, each with the kinds of item that it admits."""

_FLAGS: Final = frozenset(("adj", "adjective", "demonym", "metonym"))
_NAMELESS: Final = frozenset(("unnamed", "nobody", "generic", "anonymous"))
_EMPTY: Final = frozenset(
    (
        *("a", "an", "and", "at", "by", "document", "for", "from", "government", "in", "of", "on"),
        *("no", "not", "or", "the", "to", "context", "with"),
    )
)
_GOVERNMENT: Final = "government"
_CONFIDENCE: Final = {
    "name": 99,
    "inflected": 97,
    "adjective": 95,
    "qualified": 95,
    "surname": 95,
    "titled": 95,
    "office": 93,
    "introduced": 92,
    "capital": 90,
}
"""How sure each rule is, in hundredths; docs/reference/linking.md says what was measured."""
_UNTYPED: Final = 90
"""The most for a mention whose type nobody has said."""


class Mention(msgspec.Struct, frozen=True):
    """A name as it stands in a text, and what is known of it.

    Attributes:
        surface: the words.
        lang: the tag of their language; empty if it is not known.
        hint: its type in English words, e.g. "state", "person; US", "government(metonym)".
        date: what the text speaks of: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; empty if not known.
        document: what tells the documents apart; empty for a mention that stands alone.
    """

    surface: str
    lang: str
    hint: str = ""
    date: str = ""
    document: str = ""


class Candidate(msgspec.Struct, frozen=True):
    """An item that a mention may name.

    Attributes:
        qid, label, kind: the item, as in `kg.lexicon.Entity`.
        score: how alike the names are, a decimal from 0 to 1 with at most two digits.
        why: what speaks for it.
    """

    qid: str
    label: str
    kind: str
    score: str
    why: str


class Answer(msgspec.Struct, frozen=True):
    """What a mention is linked to.

    Attributes:
        qid: the item that is meant; empty where nothing is accepted.
        literal_qid: the item that the words name; empty where nothing is accepted.
        confidence: how sure the rule is, a decimal from 0 to 1; empty where nothing is accepted.
        features: what it rests on: "rule", "name", "source", "kind", "affixes" …, or "reason" why
            nothing is accepted.
        candidates: where several were possible, all of them, by identifier.
    """

    qid: str
    literal_qid: str
    confidence: str
    features: dict[str, str]
    candidates: tuple[Candidate, ...] = ()


class Found(msgspec.Struct, frozen=True):
    """A mention that was found in a text: half-open offsets in code points."""

    start: int
    end: int
    surface: str
    answer: Answer


class _Hint(NamedTuple):
    kinds: frozenset[str] | None
    metonym: bool
    nameless: bool
    qualifiers: tuple[str, ...]
    known: bool


class _Reading(NamedTuple):
    name: Name
    affixes: tuple[str, ...]
    literal: str
    meant: str


class Linker:
    """A linker over one lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon: Final = lexicon
        self._hints: dict[str, _Hint] = {}
        self._stems: dict[tuple[str, str], tuple[tuple[str, tuple[str, ...]], ...]] = {}
        self._words: dict[str, frozenset[str]] = {}

    @classmethod
    def load(cls, languages: Iterable[str] | None = None) -> Linker:
        """Return a linker over the lexicon of the package.

        Args:
            languages: tags whose names are read at once; the others when they are asked for.
        Raises:
            ResourceError: the lexicon is missing.
        """
        linker = cls(Lexicon.load())
        for lang in languages or ():
            linker.lexicon.names(base(lang))
        return linker

    def link(self, mentions: Sequence[Mention]) -> list[Answer]:
        """Return the answer for each mention, in their order.

        Mentions of one `document` help each other: a full name introduces its surname.
        """
        answers = [self.one(mention) for mention in mentions]
        documents: dict[str, list[int]] = {}
        for number, mention in enumerate(mentions):
            if mention.document:
                documents.setdefault(mention.document, []).append(number)
        for numbers in documents.values():
            self._introduce(mentions, answers, numbers)
        return answers

    def one(self, mention: Mention) -> Answer:
        """Return the answer for a mention by itself."""
        surface = nfc(mention.surface).strip()
        lang = base(mention.lang) or ANY
        if not surface or len(surface) > LONGEST:
            return _nothing("not a name")
        hint = self._hint(mention.hint)
        if hint.nameless or hint.kinds == frozenset():
            return _nothing("no item has this type", type=mention.hint)
        if not hint.known:
            return _nothing("the type is not known", type=mention.hint)
        found = self._look_up(surface, lang, hint)
        if found is None and lang != "en" and _latin(surface):
            found = self._look_up(surface, "en", hint)
        if found is None or (not found.qid and not found.candidates):
            found = self._composed(surface, lang, hint, mention.date) or found
        if found is None and hint.kinds and hint.kinds & STATELIKE:
            found = self._coded(surface, hint)
        if found is None and hint.qualifiers and hint.kinds and "person" in hint.kinds:
            found = self._namesake(surface, lang, hint, mention.date)
        return found or _nothing("no name of the lexicon")

    # What a hint says

    def _hint(self, text: str) -> _Hint:
        found = self._hints.get(text)
        if found is None:
            found = self._hints[text] = self._read_hint(text)
        return found

    def _read_hint(self, text: str) -> _Hint:
        head, _, rest = text.lower().partition(";")
        flags = set(re.findall(r"\(([^)]*)\)", head))
        head = re.sub(r"\([^)]*\)", " ", head)
        words = set(re.findall(r"\w+", f"{rest} {' '.join(flags - _FLAGS)}"))
        kinds: set[str] = set()
        known = not head.strip()
        qualifiers: list[str] = []
        for part in re.split("[/,|]", head):
            tokens = part.split()
            for size in (2, 1):
                kind = " ".join(tokens[-size:])
                if len(tokens) >= size and kind in HINTS:
                    before = tokens[:-size]
                    admitted = HINTS[kind]
                    if before and kind == "state":
                        admitted = frozenset(("subdivision",))
                    kinds |= admitted
                    qualifiers += before
                    known = True
                    break
        qualifiers += sorted(words - _EMPTY)
        kept = tuple(dict.fromkeys(fold(w) for w in qualifiers if w not in _EMPTY))
        return _Hint(
            frozenset(kinds) if head.strip() else None,
            "metonym" in flags,
            bool(words & _NAMELESS),
            kept,
            known,
        )

    # Names as they stand in the lexicon

    def _look_up(self, surface: str, lang: str, hint: _Hint) -> Answer | None:
        """Return the answer by names of one language; nothing where it has no such name."""
        other = ""
        for analyses in self._analyses(surface, lang):
            readings = [
                reading
                for key, affixes in analyses
                for name in self.lexicon.names(lang).by_key.get(key, ())
                if (reading := self._read(name, surface, affixes, hint))
            ]
            if readings:
                return self._choose(readings, hint)
            if not other:
                other = self._of_another_type(analyses, lang)
        return _nothing("the name is of another type", kind=other) if other else None

    def _of_another_type(self, analyses: Iterable[tuple[str, tuple[str, ...]]], lang: str) -> str:
        index = self.lexicon.names(lang).by_key
        found = {
            self.lexicon.entities[name.qid].kind
            for key, affixes in analyses
            if not affixes
            for name in index.get(key, ())
            if name.use == "name"
        }
        return ", ".join(sorted(found))

    def _analyses(self, surface: str, lang: str) -> Iterator[list[tuple[str, tuple[str, ...]]]]:
        """Yield the stems that a name may have, with the affixes that they lost.

        First the name as it is, then all with affixes stripped from some of its words.
        """
        key = key_of(surface, lang)
        yield [(key, ())]
        if lang == "en":
            owned = key_of(_POSSESSIVE.sub("", surface), lang)
            if owned != key:
                yield [(owned, ("case",))]
                key = owned
        words = key.split()
        if not words or len(words) > 12:
            return
        particles = self.lexicon.affixes(lang).particles
        lost: tuple[str, ...] = ()
        while len(words) > 1 and words[-1] in particles:
            lost = (*lost, "case")
            words.pop()
        options = [self._stripped(word, lang) for word in words]
        size = 1
        for some in options:
            size *= len(some)
            if not some or size > _ANALYSES:
                return
        found = []
        for combined in itertools.product(*options):
            affixes = (*lost, *(kind for _, kinds in combined for kind in kinds))
            if affixes:
                found.append((" ".join(stem for stem, _ in combined), affixes))
        found.sort(key=lambda item: len(item[1]))
        yield found

    def _stripped(self, word: str, lang: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the words of known names that a word may be a form of, with the affixes lost."""
        found = self._stems.get((lang, word))
        if found is not None:
            return found
        known = self.lexicon.names(lang).words
        affixes = self.lexicon.affixes(lang)
        stems: dict[str, tuple[str, ...]] = {word: ()}
        last = [word]
        for _ in range(_STRIPS):
            there = last
            last = []
            for one in there:
                for stem, kind in _without(
                    one, affixes.endings, affixes.beginnings, affixes.longest
                ):
                    if stem not in stems:
                        stems[stem] = (*stems[one], kind)
                        last.append(stem)
        result = tuple((stem, kinds) for stem, kinds in stems.items() if stem in known)
        if len(self._stems) >= 1 << 16:
            self._stems.clear()
        self._stems[lang, word] = result
        return result

    def _coded(self, surface: str, hint: _Hint) -> Answer | None:
        """Return the answer for a code of ISO 3166-1 in capital letters, where a state is meant."""
        qid = self.lexicon.codes.get(surface)
        if not qid or (hint.kinds and self.lexicon.entities[qid].kind not in hint.kinds):
            return None
        reading = _Reading(Name(qid, surface, "code", "iso"), (), qid, qid)
        return self._choose([reading], hint)

    def _read(
        self, name: Name, surface: str, affixes: tuple[str, ...], hint: _Hint
    ) -> _Reading | None:
        """Return what a name means under a hint; nothing where it cannot be this name."""
        entity = self.lexicon.entities[name.qid]
        kind, kinds = entity.kind, hint.kinds
        if name.use == "code":
            return None
        if not _same_case(name.text, surface):
            return None
        formed = "adjective" in affixes
        if "demonym" in affixes and not (name.use in ("adjective", "demonym") or kind in STATELIKE):
            return None
        if (formed or name.use in ("adjective", "demonym")) and kind not in STATELIKE:
            return None
        if formed and name.use != "name":
            return None
        if name.use == "short" and (kinds is None or kind not in kinds or "state" in kinds):
            return None
        if kinds is None:
            return _Reading(name, affixes, name.qid, name.qid)
        if hint.metonym or _GOVERNMENT in kinds:
            meant = self._stands_for(entity, hint)
            if meant:
                return _Reading(name, affixes, name.qid, meant)
        if hint.metonym and kind in ("city", "building"):
            return None
        if kind in kinds:
            return _Reading(name, affixes, name.qid, name.qid)
        return None

    def _stands_for(self, entity: Entity, hint: _Hint) -> str:
        """Return what an item stands for; empty where it stands for nothing.

        Where the hint says government, that of the state if it is verified, and else the state;
        where it says only that a place is meant as a metonym, the state.
        """
        government = bool(hint.kinds and _GOVERNMENT in hint.kinds)
        state = ""
        if entity.kind in ("city", "building"):
            state = entity.seat_of
        elif entity.kind == "state" and government:
            state = entity.qid
        return (government and self.lexicon.government(state)) or state

    def _choose(self, readings: Sequence[_Reading], hint: _Hint) -> Answer:
        """Return the only reading that fits, or nothing where several do."""
        qualified = False
        items = {reading.meant: reading for reading in reversed(readings)}
        if hint.qualifiers:
            fitting = self._qualified({r.literal for r in readings}, hint.qualifiers)
            if fitting is not None:
                kept = {m: r for m, r in items.items() if r.literal in fitting}
                qualified = bool(kept)
                if not kept:
                    return _nothing(
                        "what is said of it fits no item of this name",
                        self._candidates(items.values()),
                        said=" ".join(hint.qualifiers),
                    )
                items = kept
        if len(items) > 1:
            capital = self._only_capital(items)
            if capital:
                return self._accepted(items[capital], "capital", hint)
            return _nothing("several items have this name", self._candidates(items.values()))
        (reading,) = items.values()
        rule = "name"
        if reading.affixes:
            rule = "adjective" if "adjective" in reading.affixes else "inflected"
        elif reading.name.use == "surname":
            rule = "surname"
        if qualified and len({r.meant for r in readings}) > 1:
            rule = "qualified"
        return self._accepted(reading, rule, hint)

    def _only_capital(self, items: Mapping[str, _Reading]) -> str:
        """Return the only capital among items that are all cities; empty if they are not."""
        literal = {meant: self.lexicon.entities[r.literal] for meant, r in items.items()}
        if any(entity.kind != "city" for entity in literal.values()):
            return ""
        capitals = [meant for meant, entity in literal.items() if entity.seat_of]
        return capitals[0] if len(capitals) == 1 else ""

    def _namesake(self, surface: str, lang: str, hint: _Hint, date: str) -> Answer | None:
        """Return the answer for a family name, of which the hint says whose it is.

        An office that the hint names is held on the date, and without one by who held it last.
        """
        key = key_of(surface, lang)
        bearers = self.lexicon.bearers(lang)
        keys = [key, *(stem for stem, _ in self._forms(key, lang))]
        qids = next((bearers[k] for k in keys if k in bearers), frozenset())
        if not qids:
            return None
        states = {qid for word in hint.qualifiers if (qid := self._state(word.upper(), "en"))}
        if states:
            qids = frozenset(q for q in qids if self.lexicon.entities[q].country in states)
        roles = self.lexicon.roles("en")
        held: set[str] = set()
        for state, word in itertools.product(states, hint.qualifiers):
            for role in roles.get(word, ()):
                tenures = self.lexicon.tenures(role, state)
                held |= {t.qid for t in tenures if (_held(t, date) if date else not t.end)}
        fitting = qids & held or self._qualified(qids, hint.qualifiers) or frozenset()
        if len(fitting) != 1:
            return _nothing("several persons have this name", said=" ".join(hint.qualifiers))
        (qid,) = fitting
        features = {"rule": "qualified", "kind": "person", "said": " ".join(hint.qualifiers)}
        features["name"] = self.lexicon.entities[qid].label
        return Answer(qid, qid, _decimal(_CONFIDENCE["qualified"]), features)

    def _accepted(self, reading: _Reading, rule: str, hint: _Hint, **more: str) -> Answer:
        name, entity = reading.name, self.lexicon.entities[reading.literal]
        features = {"rule": rule, "name": name.text, "source": name.source, "kind": entity.kind}
        if reading.affixes:
            features["affixes"] = " ".join(reading.affixes)
        if name.use not in ("name", "surname"):
            features["use"] = name.use
        if reading.meant != reading.literal:
            features["metonym"] = self.lexicon.entities[reading.meant].label
        elif entity.seat_of and hint.kinds is None:
            meant = self.lexicon.government(entity.seat_of) or entity.seat_of
            features["may_stand_for"] = meant
        hundredths = min(
            _CONFIDENCE[rule], _CONFIDENCE["surname" if name.use == "surname" else rule]
        )
        if hint.kinds is None:
            hundredths = min(hundredths, _UNTYPED)
        return Answer(reading.meant, reading.literal, _decimal(hundredths), {**features, **more})

    def _qualified(self, qids: Iterable[str], qualifiers: Sequence[str]) -> set[str] | None:
        """Return the items that most of the qualifiers fit.

        None if no qualifier says anything of any of them, nor is a name of something else: then
        nothing is known against them.
        """
        scores = {qid: len(self._about(qid) & set(qualifiers)) for qid in qids}
        best = max(scores.values(), default=0)
        if best:
            return {qid for qid, score in scores.items() if score == best}
        index = self.lexicon.names("en").by_key
        roles = self.lexicon.roles("en")
        if any(word in index or word in roles for word in qualifiers):
            return set()
        return None

    def _about(self, qid: str) -> frozenset[str]:
        """Return the English words that are about an item, folded."""
        found = self._words.get(qid)
        if found is None:
            entity = self.lexicon.entities[qid]
            words = set(entity.words.split()) | set(fold(entity.label).split())
            words |= set(entity.kind.split())
            if entity.country:
                state = self.lexicon.entities[entity.country]
                words |= set(fold(state.label).split()) | set(fold(state.words).split())
                for name in self._names_of(entity.country):
                    words |= set(fold(name).split())
            elif entity.kind == "state":
                for city in self.lexicon.entities.values():
                    if city.kind == "city" and city.seat_of == qid:
                        words |= set(fold(city.label).split())
            found = self._words[qid] = frozenset(words)
        return found

    def _names_of(self, qid: str) -> Iterator[str]:
        for names in self.lexicon.names("en").by_key.values():
            for name in names:
                if name.qid == qid:
                    yield name.text

    def _candidates(self, readings: Iterable[_Reading]) -> tuple[Candidate, ...]:
        found = {}
        for reading in readings:
            entity = self.lexicon.entities[reading.literal]
            why = f"{reading.name.use} “{reading.name.text}” ({reading.name.source})"
            found[entity.qid] = Candidate(entity.qid, entity.label, entity.kind, "1", why)
        return tuple(found[qid] for qid in sorted(found, key=lambda q: int(q[1:])))

    # Offices, titles and governments: names that are composed of others

    def _composed(self, surface: str, lang: str, hint: _Hint, date: str) -> Answer | None:
        """Return the answer for a name with the word of an office in it; nothing without one."""
        roles = self.lexicon.roles(lang)
        if not roles:
            return None
        lost = False
        for state, words, person in self._split(surface, lang, roles):
            if person:
                found = self._titled(person, lang, hint)
                if found:
                    return found
            elif state:
                for role in roles[words]:
                    found = self._office(state, role, hint, date)
                    if found and found.qid:
                        return found
                    lost = lost or found is not None
                    kept = found
        return kept if lost else None

    def _split(
        self, surface: str, lang: str, roles: Mapping[str, tuple[str, ...]]
    ) -> Iterator[tuple[str, str, str]]:
        """Yield a state's item, the word of an office, and the rest: a person's name."""
        if lang == "en":
            surface = _POSSESSIVE.sub("", surface)
        key = key_of(surface, lang)
        if lang in SPACELESS:
            for text, kinds in [(key, ()), *self._spaceless(key, lang)]:
                del kinds
                for word in sorted(roles, key=len, reverse=True):
                    if text.endswith(word) and text != word:
                        rest = text[: -len(word)]
                        state = self._state(rest, lang)
                        yield state, word, "" if state else rest
            return
        words = key.split()
        if not 2 <= len(words) <= 12:
            return
        connect = self.lexicon.connectives.get(lang, frozenset())
        particles = self.lexicon.affixes(lang).particles
        while len(words) > 2 and words[-1] in particles:
            words.pop()
        for start in range(len(words)):
            for end in range(min(len(words), start + 5), start, -1):
                word = self._role(words[start:end], lang, roles)
                if not word:
                    continue
                before = [w for w in words[:start] if w not in connect]
                after = words[end:]
                if before and not after:
                    yield self._state(" ".join(before), lang), word, ""
                elif after and not before:
                    bare = [w for w in after if w not in connect]
                    state, person = self._state_first(bare, lang)
                    yield "" if person else state, word, person
                elif before and after and self._state(" ".join(before), lang):
                    yield "", word, " ".join(after)

    def _state_first(self, words: Sequence[str], lang: str) -> tuple[str, str]:
        """Return the state that the first words name, and what follows: a person's name."""
        for end in range(len(words), 0, -1):
            state = self._state(" ".join(words[:end]), lang)
            if state:
                return state, " ".join(words[end:])
        return "", " ".join(words)

    def _spaceless(self, key: str, lang: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        affixes = self.lexicon.affixes(lang)
        for stem, kind in _without(key, affixes.endings, {}, affixes.longest):
            yield stem, (kind,)

    def _role(self, words: Sequence[str], lang: str, roles: Mapping[str, tuple[str, ...]]) -> str:
        """Return the word of an office that some words are, perhaps inflected."""
        text = " ".join(words)
        if text in roles:
            return text
        affixes = self.lexicon.affixes(lang)
        options = []
        for word in words:
            stems = {word}
            stems |= {s for s, _ in _without(word, affixes.endings, {}, affixes.longest)}
            options.append(sorted(stems)[:8])
        if len(options) > 3:
            return ""
        for combined in itertools.product(*options):
            if " ".join(combined) in roles:
                return " ".join(combined)
        return ""

    def _state(self, key: str, lang: str) -> str:
        """Return the state, or the United Nations, that a folded expression names; or nothing."""
        hint = _Hint(_ISSUERS, False, False, (), True)
        found = self._look_up(key, lang, hint)
        return found.qid if found else ""

    def _office(self, state: str, role: str, hint: _Hint, date: str) -> Answer | None:
        """Return the answer for an office of a state: the office, or who holds it on the date."""
        label = self.lexicon.entities[state].label
        said = {"rule": "office", "state": label, "role": role}
        kinds = hint.kinds
        if role == _GOVERNMENT:
            if kinds is not None and _GOVERNMENT not in kinds:
                return None
            body = self.lexicon.government(state)
            features = {**said, "kind": "government"}
            return Answer(body or state, body, _decimal(_CONFIDENCE["office"]), features)
        office = self.lexicon.office(role, state)
        if kinds is not None and "office" in kinds and "person" not in kinds:
            if not office:
                return _nothing("no verified item of this office", **said)
            features = {**said, "kind": "office"}
            return Answer(office, office, _decimal(_CONFIDENCE["office"]), features)
        if kinds is not None and "person" not in kinds:
            return None
        holders = self.lexicon.tenures(role, state)
        if not _DAY.fullmatch(date):
            return _nothing("who holds the office depends on a date", **said)
        there = {t.qid for t in holders if _held(t, date)}
        if len(there) != 1:
            reason = "several held the office then" if there else "nobody is known to hold it then"
            return _nothing(reason, **said, date=date)
        (qid,) = there
        features = {**said, "kind": "person", "date": date}
        return Answer(qid, office or qid, _decimal(_CONFIDENCE["office"]), features)

    def _titled(self, name: str, lang: str, hint: _Hint) -> Answer | None:
        """Return the answer for a person's name that stood with the word of an office."""
        if hint.kinds is not None and "person" not in hint.kinds:
            return None
        found = self._look_up(name, lang, hint._replace(kinds=HINTS["person"]))
        if not found or not found.qid:
            return None
        hundredths = min(int(float(found.confidence) * 100 + 0.5), _CONFIDENCE["titled"])
        features = {**found.features, "rule": "titled"}
        return msgspec.structs.replace(found, confidence=_decimal(hundredths), features=features)

    # What the document says

    def _introduce(
        self, mentions: Sequence[Mention], answers: list[Answer], numbers: Sequence[int]
    ) -> None:
        """Link surnames to the only person whose full name the document has with this surname.

        A surname that the lexicon knows is not linked where the document has somebody else's.
        """
        full: dict[str, set[str]] = {}
        for number in numbers:
            mention, answer = mentions[number], answers[number]
            if not self._of_person(mention, answer):
                continue
            for word in self._surnames(mention, answer):
                full.setdefault(word, set()).add(answer.qid)
        for number in numbers:
            mention, answer = mentions[number], answers[number]
            if not self._may_be_person(mention):
                continue
            lang = base(mention.lang)
            key = key_of(mention.surface, lang)
            if len(key.split()) != 1 or (lang in SPACELESS and len(key) > 4):
                continue
            qids = next(
                (full[k] for k, _ in [(key, ()), *self._forms(key, lang)] if k in full), set()
            )
            if len(qids) > 1 or qids == {""}:
                if answer.qid and self.lexicon.entities[answer.qid].kind == "person":
                    answers[number] = _nothing("the document has another person of this surname")
            elif qids and not answer.qid:
                (qid,) = qids
                features = {"rule": "introduced", "kind": "person", "name": mention.surface}
                confidence = _decimal(_CONFIDENCE["introduced"])
                answers[number] = Answer(qid, qid, confidence, features)
            elif (
                qids
                and answer.qid not in qids
                and self.lexicon.entities[answer.qid].kind == "person"
            ):
                answers[number] = _nothing("the document has another person of this surname")

    def _forms(self, word: str, lang: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        affixes = self.lexicon.affixes(lang)
        for stem, kind in _without(word, affixes.endings, affixes.beginnings, affixes.longest):
            if kind not in ("adjective", "demonym"):
                yield stem, (kind,)

    def _may_be_person(self, mention: Mention) -> bool:
        hint = self._hint(mention.hint)
        return not hint.nameless and (
            hint.kinds is None or "person" in hint.kinds or mention.hint == "surname"
        )

    def _of_person(self, mention: Mention, answer: Answer) -> bool:
        hint = self._hint(mention.hint)
        if answer.qid:
            return self.lexicon.entities[answer.qid].kind == "person"
        return hint.kinds is not None and "person" in hint.kinds and not hint.nameless

    def _surnames(self, mention: Mention, answer: Answer) -> Iterator[str]:
        """Yield the words of a full name that may stand for it: its family name, if that is known.

        Of a person of Korea or China whose name has three words the first one, else the last.
        """
        lang = base(mention.lang)
        words = key_of(mention.surface, lang).split()
        if answer.features.get("rule") in ("introduced", "office"):
            return
        if len(words) < 2:
            return
        first = not answer.qid or self.lexicon.family_first(answer.qid)
        last = not answer.qid or not self.lexicon.family_first(answer.qid)
        if first:
            yield words[0]
        if last:
            yield words[-1]
            yield from (stem for stem, _ in self._forms(words[-1], lang))

    # What is alike

    def propose(self, mention: Mention, limit: int = 5) -> list[Candidate]:
        """Return items whose names are like a mention's, the most alike first; never a decision.

        What is accepted comes first, with a score of 1. The others were compared in the language
        of the mention, and in Latin letters with the English names.

        Args:
            mention: what is looked for; its hint leaves out what is of another type.
            limit: how many at most.
        """
        answer = self.one(mention)
        found: dict[str, Candidate] = {c.qid: c for c in answer.candidates}
        if answer.qid:
            entity = self.lexicon.entities[answer.literal_qid or answer.qid]
            why = ", ".join(f"{k} {v}" for k, v in sorted(answer.features.items()))
            found[entity.qid] = Candidate(entity.qid, entity.label, entity.kind, "1", why)
        hint = self._hint(mention.hint)
        lang = base(mention.lang) or "en"
        for one in alike(self.lexicon, mention.surface[:LONGEST], lang):
            if len(found) >= limit:
                break
            entity = self.lexicon.entities[one.qid]
            fits = hint.kinds is None or entity.kind in hint.kinds
            if fits or (hint.metonym and self._stands_for(entity, hint)):
                how = "in Latin letters like" if one.latin else "like"
                candidate = Candidate(
                    *(entity.qid, entity.label, entity.kind, _decimal(one.likeness)),
                    f"{how} “{one.name}”",
                )
                found.setdefault(entity.qid, candidate)
        ranked = sorted(found.values(), key=lambda c: (-float(c.score), int(c.qid[1:])))
        return ranked[:limit]

    # Mentions in a text

    def find(self, text: str, lang: str) -> Iterator[Found]:
        """Yield the names of the lexicon that stand in a text, the longest at each place.

        In the order of the text; none overlaps another. What several items have as a name is
        there too, with its candidates and without an identifier.

        Args:
            text: the text, at most some megabytes.
            lang: the tag of its language.
        """
        lang = base(lang) or ANY
        tokens = list(_TOKEN.finditer(text))
        if lang in SPACELESS - {"ko"}:
            yield from self._find_spaceless(text, lang)
            return
        number = 0
        while number < len(tokens):
            found = self._longest_at(text, tokens, number, lang)
            if found is None:
                number += 1
                continue
            yield found[0]
            number = found[1]

    def _longest_at(
        self, text: str, tokens: Sequence[re.Match[str]], number: int, lang: str
    ) -> tuple[Found, int] | None:
        if not self._begins(tokens[number].group(), lang):
            return None
        start = tokens[number].start()
        for size in range(min(8, len(tokens) - number), 0, -1):
            last = tokens[number + size - 1]
            between = text[start : last.end()]
            if len(between) > LONGEST or _BREAK.search(between):
                continue
            answer = self.one(Mention(between, lang))
            if size > 1 and self._without_last(text, tokens, number, size, lang, answer):
                continue
            if answer.qid or answer.candidates:
                return Found(start, last.end(), between, answer), number + size
        return None

    def _without_last(
        self,
        text: str,
        tokens: Sequence[re.Match[str]],
        number: int,
        size: int,
        lang: str,
        answer: Answer,
    ) -> bool:
        """Return whether the last word is a particle, which is no part of the name."""
        last = fold(tokens[number + size - 1].group())
        if last not in self.lexicon.affixes(lang).particles:
            return False
        # A hyphen glues it to the name, as in "PyongYang-e".
        return text[tokens[number + size - 1].start() - 1] != "-"

    def _begins(self, token: str, lang: str) -> bool:
        """Return whether a name, or the word of an office, may begin with a token."""
        word = fold(_POSSESSIVE.sub("", token) if lang == "en" else token).split(" ")[0]
        if self._stripped(word, lang) or self._role_words(lang).get(word):
            return True
        return lang != "en" and _latin(token) and word in self.lexicon.names("en").words

    def _role_words(self, lang: str) -> Mapping[str, bool]:
        return {word: True for key in self.lexicon.roles(lang) for word in key.split()[:1]}

    def _find_spaceless(self, text: str, lang: str) -> Iterator[Found]:
        index = self.lexicon.names(lang).by_key
        longest = min(max(map(len, index), default=0), 24)
        position = 0
        while position < len(text):
            for size in range(min(longest, len(text) - position), 1, -1):
                between = text[position : position + size]
                if key_of(between, lang) in index:
                    answer = self.one(Mention(between, lang))
                    if answer.qid or answer.candidates:
                        yield Found(position, position + size, between, answer)
                        position += size
                        break
            else:
                position += 1


_POSSESSIVE: Final = re.compile(r"['’](s\b|(?<=s['’])(?!\w))")
_TOKEN: Final = re.compile(
    r"[^\W_](?:[^\W_]|[\u0300-\u036f\u0900-\u0dff\u200c\u200d'’.-](?=\w|[\u0900-\u0dff])|[\u0900-\u0903\u093a-\u094f\u0981-\u0983\u09bc-\u09cd\u09d7])*"
)
_BREAK: Final = re.compile(r"[,;:!?।॥。()\[\]\n\"“”«»]|\.\s")
_ISSUERS: Final = frozenset(
    ("state", "territory", "former state", "intergovernmental organisation")
)


def base(tag: str) -> str:
    """Return the language of a tag, in lower case: "zh" of "zh-Hant"."""
    return re.split("[-_]", tag.strip().lower())[0] if tag.strip().lower() != "und" else ""


def _nothing(reason: str, candidates: tuple[Candidate, ...] = (), /, **more: str) -> Answer:
    return Answer("", "", "", {"reason": reason, **more}, candidates)


def _decimal(hundredths: int) -> str:
    """Return hundredths as a decimal without trailing zeros.

    >>> _decimal(97), _decimal(90), _decimal(100)
    ('0.97', '0.9', '1')
    """
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".")


def _without(
    word: str,
    endings: Mapping[str, Sequence[object]],
    beginnings: Mapping[str, Sequence[object]],
    longest: int,
) -> Iterator[tuple[str, str]]:
    """Yield a word without each affix that it may have, and the kind of that affix."""
    for size in range(1, min(longest, len(word) - 1) + 1):
        for affix in endings.get(word[-size:], ()):
            stem = word[:-size] + affix.instead  # type: ignore[attr-defined]
            if len(stem) > 1:
                yield stem, affix.kind  # type: ignore[attr-defined]
        for affix in beginnings.get(word[:size], ()):
            stem = affix.instead + word[size:]  # type: ignore[attr-defined]
            if len(stem) > 1:
                yield stem, affix.kind  # type: ignore[attr-defined]


def _latin(text: str) -> bool:
    """Return whether all letters of a text are Latin."""
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and all(
        c.isascii() or unicodedata.name(c, "").startswith("LATIN") for c in letters
    )


def _same_case(name: str, surface: str) -> bool:
    """Return whether a surface may be an acronym: "US" is no "us", nor "IT" an "it"."""
    if len(name) > 5 or not name.isupper():
        return True
    letters = [c for c in surface if c.isalpha()]
    if len(name.replace(".", "")) <= 2:
        return all(c.isupper() for c in letters[:2])
    return not all(c.islower() for c in letters)


def _held(tenure: Tenure, date: str) -> bool:
    """Return whether somebody is known to have held an office through a day, month or year."""
    first, last = f"{date}-01-01"[:10], f"{date}-12-31"[:10]
    if len(date) == 7:
        first, last = f"{date}-01", f"{date}-31"
    if tenure.start and f"{tenure.start}-01-01"[:10] > last:
        return False
    until = tenure.end or tenure.seen
    return not until or first <= f"{until}-12-31"[:10]
