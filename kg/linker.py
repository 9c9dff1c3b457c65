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

import datetime
import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from kg.alike import alike
from kg.hints import HINTS, STATELIKE, Hint, read_hint
from kg.lexicon import ANY, SPACELESS, Entity, Lexicon, Name, Tenure, key_of
from kg.morphology import WORDS, Form, Morphology, without_possessive
from kg.names import fold, nfc, plain
from kg.qualifiers import Qualifiers, Said

NIL: Final = "NIL"
LONGEST: Final = 200
"""Characters of a name that are looked at; a longer one is nobody's name."""
_KEPT: Final = 10_000
"""Hints, and words, that are remembered."""
_NARROW: Final = 4
"""Kinds that a hint admits at most for names that are said only of what is asked for."""
_GLUED: Final = 40
"""Characters of a name without spaces that is taken apart."""
_PAST: Final = frozenset(("former", "ex", "late", "then", "previous"))
"""Words of a hint that speak of an office that was left."""
_UNFIT: Final = "what is said of it fits no item of this name"
_DAY: Final = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")

_GOVERNMENT: Final = "government"
_OFFICIAL: Final = frozenset(("person", "office", _GOVERNMENT))
_CONFIDENCE: Final = {
    "name": 99,
    "inflected": 97,
    "adjective": 95,
    "qualified": 95,
    "surname": 95,
    "titled": 95,
    "office": 93,
    "introduced": 90,
    "capital": 90,
}
"""How sure each rule is, in hundredths; docs/reference/linking.md says what was measured."""
_OF_MANY: Final = "doctor"
"""The title that tells nobody from others of the surname: Jill Biden is a doctor, too."""
_HEADS: Final = (("secretary", "general"), ("director", "general"), ("president",))
"""Words for those who are at the head of an organisation."""
_LENDERS: Final = dict.fromkeys(("awa", "bho", "doi", "kok", "mai", "mr", "ne", "sa"), "hi")
"""Languages that write many names as another one does, and which that is."""
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


class _Reading(NamedTuple):
    name: Name
    affixes: tuple[str, ...]
    literal: str
    meant: str


class Linker:
    """A linker over one lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon: Final = lexicon
        self.morphology: Final = Morphology(lexicon)
        self.qualifiers: Final = Qualifiers(lexicon)
        self._hints: dict[str, Hint] = {}
        self._roles: dict[tuple[str, str], list[str]] = {}

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
        found = self._find(surface, lang, hint)
        if found and found.features.get("reason") == _UNFIT and hint.kinds == HINTS["state"]:
            part = self._look_up(surface, lang, hint._replace(kinds=HINTS["subdivision"]))
            found = part if part and part.qid else found
        if not _settled(found):
            found = self._composed(surface, lang, hint, mention.date) or found
        elif found and found.features.get("kind") == "office" and mention.date:
            holder = self._composed(surface, lang, hint, mention.date)
            found = holder if _settled(holder) else found
        if found is None and hint.kinds and hint.kinds & STATELIKE:
            found = self._coded(surface, hint)
        if hint.qualifiers and hint.kinds and "person" in hint.kinds and not _settled(found):
            found = self._namesake(surface, lang, hint, mention.date) or found
        return found or _nothing("no name of the lexicon")

    def _hint(self, text: str) -> Hint:
        found = self._hints.get(text)
        if found is None:
            if len(self._hints) >= _KEPT:
                self._hints.clear()
            found = self._hints[text] = read_hint(text)
        return found

    # Names as they stand in the lexicon

    def _find(self, surface: str, lang: str, hint: Hint) -> Answer | None:
        """Return the answer by names of a language, or of the one with which it shares names.

        Names in Latin letters may be written as in English, those in Devanagari as in Hindi.
        """
        found = self._look_up(surface, lang, hint)
        if found is not None or lang == "en":
            return found
        if not is_latin(surface):
            lender = _LENDERS.get(lang)
            found = self._look_up(surface, lang, hint, lender) if lender else None
            return found if hint.kinds or not (found and "affixes" in found.features) else None
        if hint.kinds is None and key_of(surface, lang) in self.lexicon.common(lang):
            return _nothing("it is an ordinary word too")
        found = self._look_up(surface, "en", hint)
        if found is None and hint.kinds is not None:
            found = self._look_up(surface, lang, hint, "en")
        if found is None or not found.qid:
            return found
        kind = self.lexicon.entities[found.literal_qid].kind
        if "adjective" in found.features.get("affixes", ""):
            return None
        if plain(found.features["name"]) not in plain(surface):
            return None
        return None if hint.kinds is None and kind == "subdivision" else found

    def _look_up(self, surface: str, lang: str, hint: Hint, lender: str = "") -> Answer | None:
        """Return the answer by names of one language; nothing where it has no such name.

        Args:
            lender: the language whose names they are, where it is another one.
        """
        other = ""
        names = self.lexicon.names(lender or lang).by_key
        for analyses in self.morphology.analyses(surface, lang, lender):
            readings = [
                reading
                for key, affixes in analyses
                for name in names.get(key, ())
                if not (lender and affixes and name.text.isupper() and len(name.text) < 4)
                if (reading := self._read(name, surface, affixes, lang, hint))
            ]
            if hint.kinds is None and all(r.name.use == "short" for r in readings):
                readings = []
            if (
                readings
                and hint.kinds in (None, HINTS["place"])
                and self._is_common(surface, lang, readings)
            ):
                return _nothing("it is an ordinary word too", self._candidates(readings))
            if readings:
                return self._choose(readings, key_of(surface, lang), hint)
            if not other:
                other = self._of_another_type(analyses, names)
        if not other or hint.kinds is None:
            return None
        return _nothing("the name is of another type", kind=other)

    def _of_another_type(
        self, analyses: Iterable[Form], index: Mapping[str, tuple[Name, ...]]
    ) -> str:
        found = {
            self.lexicon.entities[name.qid].kind
            for key, affixes in analyses
            if not affixes
            for name in index.get(key, ())
            if name.use == "name"
        }
        return ", ".join(sorted(found))

    def _is_common(self, surface: str, lang: str, readings: Iterable[_Reading]) -> bool:
        """Return whether a surface, or a form between it and one of the names, is also a word."""
        common = self.lexicon.common(lang)
        words, _ = self.morphology.without_particles(key_of(surface, lang).split(), lang)
        return any(
            not common.isdisjoint(self.morphology.ways(" ".join(words), name, lang))
            for name in {key_of(reading.name.text, lang) for reading in readings}
        )

    def _coded(self, surface: str, hint: Hint) -> Answer | None:
        """Return the answer for a code of ISO 3166-1 in capital letters, where a state is meant."""
        qid = self.lexicon.codes.get(surface)
        if not qid or (hint.kinds and self.lexicon.entities[qid].kind not in hint.kinds):
            return None
        reading = _Reading(Name(qid, surface, "code", "iso"), (), qid, qid)
        return self._choose([reading], surface, hint)

    def _read(
        self, name: Name, surface: str, affixes: tuple[str, ...], lang: str, hint: Hint
    ) -> _Reading | None:
        """Return what a name means under a hint; nothing where it cannot be this name."""
        entity = self.lexicon.entities[name.qid]
        kind, kinds = entity.kind, hint.kinds
        if name.use == "code":
            return None
        if not _same_case(name.text, surface, 2 if kinds else 3):
            return None
        if name.text[0].isupper() and surface[0].islower() and (kinds is None or len(surface) < 5):
            return None
        other_letters = kinds is None and lang != "en" and is_latin(surface)
        if other_letters and plain(name.text) not in plain(surface):
            return None  # nothing else tells "Granada" and "Grenada", or "Sam" and "Şam", apart
        if "honorific" in affixes and kind != "person":
            return None
        formed = "adjective" in affixes
        if "people" in affixes and name.use not in ("adjective", "demonym"):
            return None
        if "demonym" in affixes and kind not in STATELIKE:
            return None
        if formed and kind not in STATELIKE:
            return None
        if name.use in ("adjective", "demonym") and kind not in STATELIKE | {"region"}:
            return None
        if formed and (name.use != "name" or name.text.isupper()):
            return None
        if kind == "person" and "agreement" in affixes:
            return None
        if kind == "person" and affixes and name.use == "name" and _is_short_in_korean(name.text):
            return None
        if name.use == "short" and kinds is not None and len(kinds) > _NARROW:
            return None
        if name.use == "metonym" and not hint.metonym:
            return None
        if kinds is None:
            return _Reading(name, affixes, name.qid, name.qid)
        if hint.metonym or hint.government:
            meant = self._stands_for(entity, hint)
            if meant:
                return _Reading(name, affixes, name.qid, meant)
        if hint.metonym and kind in ("city", "building"):
            return None
        if kind in kinds:
            return _Reading(name, affixes, name.qid, name.qid)
        return None

    def _stands_for(self, entity: Entity, hint: Hint) -> str:
        """Return what an item stands for; empty where it stands for nothing.

        Where the hint says government, that of the state if it is verified, and else the state;
        where it says only that a place is meant as a metonym, the state.
        """
        state = ""
        if entity.kind in ("city", "building"):
            state = entity.seat_of
        elif entity.kind == "state" and hint.government:
            state = entity.qid
        return (hint.government and self.lexicon.government(state)) or state

    def _choose(self, readings: Sequence[_Reading], key: str, hint: Hint) -> Answer:
        """Return the only reading that fits, or nothing where several do."""
        items = {r.meant: r for r in sorted(readings, key=lambda r: r.name.use == "name")}
        qualified = False
        if hint.qualifiers:
            said = self.qualifiers.read(hint.qualifiers)
            fits = {
                m: fit for m, r in items.items() if (fit := self.qualifiers.fit(r.literal, said))
            }
            best = max((fit.score for fit in fits.values()), default=-1)
            kept = {m: items[m] for m, fit in fits.items() if fit.score == best}
            explained = all(fits[m].explained for m in kept)
            named = {name.qid for name in self.lexicon.names("en").by_key.get(key, ())}
            # There are hardly states that the lexicon does not have; of all else there are.
            doubtful = len(named | set(items)) > len(kept) or any(
                self.lexicon.entities[r.literal].kind not in STATELIKE for r in kept.values()
            )
            if not kept or (doubtful and not explained) or self._names_another(said, key, kept):
                return _nothing(
                    _UNFIT, self._candidates(items.values()), said=" ".join(hint.qualifiers)
                )
            qualified = best > 0
            items = kept
        if not qualified and all(r.name.use == "shared" for r in items.values()):
            return _nothing("others have this name too", self._candidates(items.values()))
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

    def _names_another(self, said: Said, key: str, kept: Collection[str]) -> bool:
        """Return whether what is said is the rest of another's name: "Sudan", and "south"."""
        by_key = self.lexicon.names("en").by_key
        rests = {*said.words, " ".join(said.words)} - {""}
        return any(
            name.qid not in kept for rest in rests for name in by_key.get(f"{rest} {key}", ())
        )

    def _only_capital(self, items: Mapping[str, _Reading]) -> str:
        """Return the only capital among items that are all cities; empty if they are not."""
        literal = {meant: self.lexicon.entities[r.literal] for meant, r in items.items()}
        if any(entity.kind != "city" for entity in literal.values()):
            return ""
        capitals = [meant for meant, entity in literal.items() if entity.seat_of]
        return capitals[0] if len(capitals) == 1 else ""

    def _namesake(self, surface: str, lang: str, hint: Hint, date: str) -> Answer | None:
        """Return the answer for a family name, of which the hint says whose it is.

        An office that the hint names is held on the date, and without one by who held it last.
        """
        key = key_of(surface, lang)
        bearers = self.lexicon.bearers(lang)
        keys = self.morphology.inflected(key, lang)
        qids = next((bearers[k] for k in keys if k in bearers), frozenset())
        if not qids:
            return None
        said = self.qualifiers.read(hint.qualifiers)
        past = not _PAST.isdisjoint(hint.qualifiers)
        fits = {qid: fit for qid in qids if (fit := self.qualifiers.fit(qid, said))}
        states = {qid for items in said.places for qid in items}
        held = {
            tenure.qid
            for state, (_, roles) in itertools.product(states, said.roles)
            for role in roles
            for tenure in self.lexicon.tenures(role, state)
            if (_held(tenure, date) if date else past or not tenure.end)
        }
        fitting = fits.keys() & held
        if not fitting and not (date and said.roles):
            best = max((fit.score for fit in fits.values()), default=0)
            fitting = {
                qid for qid, fit in fits.items() if fit.score == best and best and fit.explained
            }
        if len(fitting) != 1:
            return _nothing("several persons have this name", said=" ".join(hint.qualifiers))
        (qid,) = fitting
        features = {"rule": "qualified", "kind": "person", "said": " ".join(hint.qualifiers)}
        features["name"] = self.lexicon.entities[qid].label
        return Answer(qid, qid, _decimal(_CONFIDENCE["qualified"]), features)

    def _accepted(self, reading: _Reading, rule: str, hint: Hint, **more: str) -> Answer:
        name, entity = reading.name, self.lexicon.entities[reading.literal]
        features = {"rule": rule, "name": name.text, "source": name.source, "kind": entity.kind}
        if reading.affixes:
            features["affixes"] = " ".join(reading.affixes)
        if name.use != "name":
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

    def _candidates(self, readings: Iterable[_Reading]) -> tuple[Candidate, ...]:
        found = {}
        for reading in readings:
            entity = self.lexicon.entities[reading.literal]
            why = f"{reading.name.use} “{reading.name.text}” ({reading.name.source})"
            found[entity.qid] = Candidate(entity.qid, entity.label, entity.kind, "1", why)
        return tuple(found[qid] for qid in sorted(found, key=lambda q: int(q[1:])))

    # Offices, titles and governments: names that are composed of others

    def _composed(self, surface: str, lang: str, hint: Hint, date: str) -> Answer | None:
        """Return the answer for a name with the word of an office in it; nothing without one."""
        roles = self.lexicon.roles(lang)
        if not roles or (hint.kinds is not None and not hint.kinds & _OFFICIAL):
            return None
        kept: Answer | None = None
        for state, words, person in self._split(surface, lang, roles):
            if person:
                found = self._titled(person, lang, hint)
                if found and self._may_be_of(found.qid, state):
                    of_many = _OF_MANY in roles.get(words, ()) and "use" in found.features
                    return None if of_many else found
            elif state:
                for role in roles[words]:
                    found = self._office(state, role, hint, date)
                    if found and found.qid:
                        return found
                    kept = kept or found
        return kept

    def _split(
        self, surface: str, lang: str, roles: Mapping[str, tuple[str, ...]]
    ) -> Iterator[tuple[str, str, str]]:
        """Yield a state's item, the word of an office, and the rest: a person's name."""
        if lang == "en":
            owner, _, owned = surface.replace("’", "'").partition("'s ")
            if owned and (state := self._state(key_of(owner, lang), lang)):
                yield state, "", key_of(owned, lang)
            surface = without_possessive(surface)
        key = key_of(surface, lang)
        if lang in SPACELESS:
            yield from self._split_spaceless(key, lang, roles)
            return
        words, _ = self.morphology.without_particles(key.split(), lang)
        if not 2 <= len(words) <= WORDS:
            return
        connect = self.lexicon.connectives.get(lang, frozenset())
        forms = [self._role_forms(word, lang) for word in words]
        for start in range(len(words)):
            for end in range(min(len(words), start + 3), start, -1):
                if not all(forms[start:end]):
                    continue
                word = next(
                    (
                        w
                        for some in itertools.product(*forms[start:end])
                        if (w := " ".join(some)) in roles
                    ),
                    "",
                )
                if not word:
                    continue
                before = [w for w in words[:start] if w not in connect]
                after = words[end:]
                if before and not after:
                    yield self._state(" ".join(before), lang), word, ""
                elif after and not before:
                    bare = [w for w in after if w not in connect]
                    state, person = self._state_first(bare, lang)
                    # An ambassador to a state is not of that state.
                    yield "" if person and after[0] == "to" else state, word, person
                elif before and after and (state := self._state(" ".join(before), lang)):
                    yield state, word, " ".join(after)

    def _split_spaceless(
        self, key: str, lang: str, roles: Mapping[str, tuple[str, ...]]
    ) -> Iterator[tuple[str, str, str]]:
        """Yield what `_split` does, of a name in which words are not written apart."""
        for text in self.morphology.inflected(key, lang) if len(key) <= _GLUED else ():
            for word in sorted((w for w in roles if w in text), key=lambda w: (-len(w), w)):
                before, _, after = text.rpartition(word)
                state = self._state(before, lang)
                if after:
                    if state or not before:
                        yield state, word, after
                    continue
                if state or not before:
                    yield state, word, ""
                    continue
                yield "", word, before
                for at in range(1, len(before)):
                    if state := self._state(before[at:], lang):
                        yield state, word, before[:at]
                    if state := self._state(before[:at], lang):
                        yield state, word, before[at:]

    def _may_be_of(self, qid: str, state: str) -> bool:
        """Return whether a person may be of a state, or of an organisation of states.

        "Hungary's Putin" is another one. Whose country is not known is of no state, and of an
        organisation is only who was at its head.
        """
        if not state:
            return True
        person, of = self.lexicon.entities[qid], self.lexicon.entities[state]
        if of.kind != "intergovernmental organisation":
            return person.country == state
        words = {*person.words.split()}
        return words.issuperset(fold(of.label).split()) and any(map(words.issuperset, _HEADS))

    def _state_first(self, words: Sequence[str], lang: str) -> tuple[str, str]:
        """Return the state that the first words name, and what follows: a person's name."""
        for end in range(len(words), 0, -1):
            state = self._state(" ".join(words[:end]), lang)
            if state:
                return state, " ".join(words[end:])
        return "", " ".join(words)

    def _role_forms(self, word: str, lang: str) -> list[str]:
        """Return the words within words for offices that a word may be a form of."""
        found = self._roles.get((lang, word))
        if found is None:
            parts = {part for key in self.lexicon.roles(lang) for part in key.split()}
            found = [form for form in self.morphology.inflected(word, lang) if form in parts]
            if len(self._roles) >= _KEPT:
                self._roles.clear()
            self._roles[lang, word] = found
        return found

    def _state(self, key: str, lang: str) -> str:
        """Return the state, or the United Nations, that a folded expression names; or nothing."""
        hint = Hint(_ISSUERS, False, False, (), True)
        # What was folded has lost its capitals, and "us" is not the US.
        found = self._find(key.upper(), lang, hint)
        return found.qid if found else ""

    def _office(self, state: str, role: str, hint: Hint, date: str) -> Answer | None:
        """Return the answer for an office of a state: the office, or who holds it on the date."""
        label = self.lexicon.entities[state].label
        said = {"rule": "office", "state": label, "role": role}
        kinds = hint.kinds
        if role == _GOVERNMENT:
            if kinds is not None and _GOVERNMENT not in kinds:
                return None
            body = self.lexicon.government(state)
            features = {**said, "kind": "government"}
            return Answer(body or state, body, self._confidence("office", hint), features)
        office = self.lexicon.office(role, state)
        if kinds is not None and "office" in kinds and "person" not in kinds:
            if not office:
                return _nothing("no verified item of this office", **said)
            features = {**said, "kind": "office"}
            return Answer(office, office, self._confidence("office", hint), features)
        if kinds is not None and "person" not in kinds:
            return None
        holders = self.lexicon.tenures(role, state)
        if not is_day(date):
            return _nothing("who holds the office depends on a date", **said)
        there = {t.qid for t in holders if _held(t, date)}
        if len(there) != 1:
            reason = "several held the office then" if there else "nobody is known to hold it then"
            return _nothing(reason, **said, date=date)
        (qid,) = there
        features = {**said, "kind": "person", "date": date}
        return Answer(qid, office, self._confidence("office", hint), features)

    def _titled(self, name: str, lang: str, hint: Hint) -> Answer | None:
        """Return the answer for a person's name that stood with the word of an office."""
        if hint.kinds is not None and "person" not in hint.kinds:
            return None
        asked = hint._replace(kinds=HINTS["person"])
        found = self._find(name, lang, asked)
        if not _settled(found):
            rests = self._split(name, lang, self.lexicon.roles(lang))
            found = next(
                (
                    answer
                    for _, _, rest in rests
                    if rest and (answer := self._find(rest, lang, asked))
                ),
                None,
            )
        if not found or not found.qid:
            return None
        features = {**found.features, "rule": "titled"}
        if float(found.confidence) * 100 < _CONFIDENCE["titled"]:
            return msgspec.structs.replace(found, features=features)
        confidence = self._confidence("titled", hint)
        return msgspec.structs.replace(found, confidence=confidence, features=features)

    def _confidence(self, rule: str, hint: Hint) -> str:
        """Return how sure a rule is, under a hint; less where nobody has said the type."""
        most = _UNTYPED if hint.kinds is None else 100
        return _decimal(min(_CONFIDENCE[rule], most))

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
            if not self._names_person(mention, answer):
                continue
            for word in self.surnames(mention, answer):
                full.setdefault(word, set()).add(answer.qid)
        for number in numbers:
            mention, answer = mentions[number], answers[number]
            if not self._may_be_person(mention):
                continue
            word = self._only_word(mention)
            forms = self.morphology.inflected(word, base(mention.lang)) if word else ()
            # Of somebody who is not known only the very word is compared.
            bearers = (full.get(form, set()) - ({""} if form != word else set()) for form in forms)
            qids = next(filter(None, bearers), set())
            if len(qids) == 1 and "" not in qids and not _settled(answer):
                answers[number] = introduced(next(iter(qids)), mention.surface)
            elif qids and qids != {answer.qid} and answer.features.get("use") == "surname":
                answers[number] = _nothing("the document has another person of this surname")

    def _only_word(self, mention: Mention) -> str:
        """Return the only word of a name, without the word of an office; empty if there are more.

        In a language without spaces a name of more than four characters is more than a surname.
        """
        lang = base(mention.lang)
        words = self._own_words(mention)
        if len(words) != 1 or (lang in SPACELESS and len(words[0]) > 4):
            return ""
        return words[0]

    def _own_words(self, mention: Mention) -> list[str]:
        """Return the folded words of a name, without particles and words for offices."""
        lang = base(mention.lang)
        surface = without_possessive(mention.surface) if lang == "en" else mention.surface
        words, _ = self.morphology.without_particles(key_of(surface, lang).split(), lang)
        roles = self.lexicon.roles(lang)
        return [word for word in words if word not in roles]

    def is_person(self, qid: str) -> bool:
        """Return whether an item is a person's; not for an empty identifier."""
        return bool(qid) and self.lexicon.entities[qid].kind == "person"

    def _may_be_person(self, mention: Mention) -> bool:
        hint = self._hint(mention.hint)
        return not hint.nameless and (
            hint.kinds is None or "person" in hint.kinds or mention.hint == "surname"
        )

    def _names_person(self, mention: Mention, answer: Answer) -> bool:
        hint = self._hint(mention.hint)
        if answer.qid:
            return self.is_person(answer.qid)
        return hint.kinds is not None and "person" in hint.kinds and not hint.nameless

    def surnames(self, mention: Mention, answer: Answer) -> Iterator[str]:
        """Yield the words of a full name that may stand for it: its family name, if that is known.

        Of a person of Korea or China that is the first word, else the last; of somebody who is not
        known, either.
        """
        lang = base(mention.lang)
        words = self._own_words(mention)
        if len(words) < 2 or answer.features.get("rule") in ("introduced", "office"):
            return
        first = not answer.qid or self.lexicon.family_first(answer.qid)
        last = not answer.qid or not self.lexicon.family_first(answer.qid)
        if first:
            yield words[0]
        if last:
            known = bool(answer.qid)
            yield from self.morphology.inflected(words[-1], lang) if known else words[-1:]

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


_ISSUERS: Final = frozenset(
    ("state", "territory", "former state", "intergovernmental organisation")
)


def within_another(answer: Answer, label: str, kind: str) -> Answer:
    """Return the answer for a name that stands beside a word that makes another name of it."""
    candidate = Candidate(answer.qid, label, kind, "1", f"name “{answer.features['name']}”")
    return _nothing("it may be a part of another name", (candidate,))


def introduced(qid: str, surface: str) -> Answer:
    """Return the answer for a surname that a full name of the same document has introduced."""
    features = {"rule": "introduced", "kind": "person", "name": surface}
    return Answer(qid, qid, _decimal(_CONFIDENCE["introduced"]), features)


def _settled(answer: Answer | None) -> bool:
    """Return whether a name is known: linked, or one of several items."""
    return answer is not None and bool(answer.qid or answer.candidates)


def base(tag: str) -> str:
    """Return the language of a tag, in lower case: "zh" of "zh-Hant"; empty for "und".

    >>> base("zh-Hant"), base("und-Latn"), base(" ")
    ('zh', '', '')
    """
    lang = re.split("[-_]", tag.strip().lower())[0]
    return "" if lang == "und" else lang


def _is_short_in_korean(name: str) -> bool:
    """Return whether a name has two syllables of Hangul: a third is rather a part of another."""
    return len(name) <= 2 and all("가" <= c <= "힣" for c in name)


def _nothing(reason: str, candidates: tuple[Candidate, ...] = (), /, **more: str) -> Answer:
    return Answer("", "", "", {"reason": reason, **more}, candidates)


def _decimal(hundredths: int) -> str:
    """Return hundredths as a decimal without trailing zeros.

    >>> _decimal(97), _decimal(90), _decimal(100)
    ('0.97', '0.9', '1')
    """
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".")


def is_day(text: str) -> bool:
    """Return whether a text is a day, a month or a year as a mention has it.

    >>> is_day("2023-09"), is_day("2023-09-31"), is_day("11.9.2023")
    (True, False, False)
    """
    if not _DAY.fullmatch(text):
        return False
    try:
        datetime.date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        return False
    return True


def is_latin(text: str) -> bool:
    """Return whether all letters of a text are Latin."""
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and all(
        c.isascii() or unicodedata.name(c, "").startswith("LATIN") for c in letters
    )


def _same_case(name: str, surface: str, short: int) -> bool:
    """Return whether a surface may be an acronym: "US" is no "us", nor "IT" an "it".

    Args:
        short: letters up to which all are capitals; of longer ones one is enough, as in "Nato".
    """
    if len(name) > 5 or not name.isupper():
        return True
    word = next((w for w in surface.split() if fold(w) == fold(name)), surface)
    letters = [c for c in word if c.isalpha()]
    size = len(name.replace(".", ""))
    if size <= short:
        return all(c.isupper() for c in letters[:size])
    return not all(c.islower() for c in letters)


def _held(tenure: Tenure, date: str) -> bool:
    """Return whether somebody is known to have held an office through all of a day, month or year.

    Of a tenure that is known to a month or a year only, what is certain counts.
    """
    first, last = f"{date}-01-01"[:10], f"{date}-12-31"[:10]
    if len(date) == 7:
        first, last = f"{date}-01", f"{date}-31"
    begun = f"{tenure.start}-12-31"[:10] if len(tenure.start) != 7 else f"{tenure.start}-31"
    until = f"{tenure.end or tenure.seen}-01-01"[:10]
    return bool(tenure.start) and begun <= first and last[:7] + "-28" <= until
