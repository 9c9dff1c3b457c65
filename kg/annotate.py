"""Proposes a facts file for an article: what a person then completes, accepts or deletes.

Names are linked (`kg.scan`, and the registry's own names), dates resolved (`kg.dates`), words of
saying found (`kg.attribution`), and each becomes a record with `review: proposed`, which no build
publishes. A speaker is a guess by a simple rule and is called one; where there is none, the claim
is unattributed, never the narrator's.

Spec: docs/how-to/annotate-an-article.md
"""

import bisect
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Final, Literal

import msgspec

from kg import attribution, clauses, dates
from kg.article import Article
from kg.attribution import Cue
from kg.dates import DateFound
from kg.facts import (
    RESERVED,
    VOICES,
    Agent,
    AnyRecord,
    Claim,
    Custody,
    Document,
    Event,
    Evidence,
    Mention,
    Place,
    Position,
    Quantity,
    Quote,
    Record,
    Run,
    Sentence,
    Thing,
    Time,
    date_bounds,
    kind_of,
    split_sentences,
)
from kg.linker import LONGEST
from kg.names import fold, nfc, stems
from kg.scan import Found

TODO: Final = "TODO: "
LONGEST_SENTENCE: Final = 5_000
"""Characters of a sentence, at most: what is longer is cut, and said so."""
_LONGEST_SURFACE: Final = 120
"""Characters of a mention, as facts files have it."""
_RESERVED: Final = frozenset((*VOICES, *RESERVED.get("agent", ())))
"""Ids that no agent can have: of the article's own voice above all."""
UNKNOWN_TYPE: Final = "todo"
"""The event type of a proposition that nobody has read: no concept, so that it is refused."""


Finder = Callable[[str, str], Iterable[Found]]
"""What finds names in a text of a language and links them, as `kg.scan.find` does."""


class Item(msgspec.Struct, frozen=True):
    """What is known of a linked item beside its identifier."""

    label: str
    kind: str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller says of an article."""

    key: str
    language: str
    today: str
    reference: date | None = None
    reference_basis: Literal["dateline", "supplied-by-curator", "stated-in-text"] | None = None
    url: str | None = None
    archive_url: str | None = None
    captured: str | None = None
    tool: str | None = None
    program: str = "kg annotate"


class Spoken(msgspec.Struct, frozen=True):
    """A claim that was proposed, with what it was made of; offsets are of the normalised text."""

    sentence: int
    cue: Cue
    claim: Claim
    event: Event


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Records that are proposed, in the order of the file, and what was left open.

    `dates` are all dates that were found, by sentence, also those that no record has.
    """

    records: tuple[AnyRecord, ...]
    dates: tuple[tuple[int, DateFound], ...]
    spoken: tuple[Spoken, ...]
    open: tuple[tuple[int, str], ...]

    def counts(self) -> dict[str, int]:
        """Return how many records of each kind are proposed, in the order of the file."""
        return dict(Counter(kind_of(record) for record in self.records))


# --- how much of a text is shown ---------------------------------------------------------------

_SHORT: Final = 5
"""Words of a text that are shown in a row, at most."""
_SHORT_CHARACTERS: Final = 40
_DENSE: Final = 10
"""Characters that are as many, in a script without spaces."""
_SPACELESS: Final = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_HANGUL: Final = re.compile("[\uac00-\ud7a3]")
_GLUED: Final = 6
"""Syllables of a word of Korean, at most; more are several words written as one."""


@cache
def sentences_of(text: str) -> tuple[tuple[int, int], ...]:
    """Return the offsets of the sentences of a text; one that is too long is several."""
    out = []
    for start, end in split_sentences(text):
        while end - start > LONGEST_SENTENCE:
            last = start + LONGEST_SENTENCE
            space = max(text.rfind(" ", start + 1, last + 1), text.rfind("\t", start + 1, last + 1))
            last = last if space < 0 else space
            out.append((start, last))
            start = last + re.match(r"\s*", text[last:end]).end()  # type: ignore[union-attr]  # matches
        if start < end:
            out.append((start, end))
    return tuple(out)


def printable(text: str) -> str:
    """Return a text in Form C and in one line, without what cannot be seen or written in a file.

    >>> printable("a\\x07b\\u2028c")
    'ab c'
    """
    kept = []
    for char in text:
        kind = unicodedata.category(char)
        if char in "\t\n\v\f\r\x85" or kind in ("Zl", "Zp"):
            kept.append(" ")
        elif char in "\u200c\u200d" or kind[0] != "C":
            kept.append(char)
    return nfc("".join(kept))


def words_of(text: str) -> list[str]:
    """Return the words of a text, without case, punctuation and what cannot be seen.

    >>> words_of("Rell’s “ships—and\u200b boats”")
    ['rells', 'ships', 'and', 'boats']
    """
    out = []
    for char in unicodedata.normalize("NFKC", text).casefold():
        kind = unicodedata.category(char)
        if kind[0] in "LMN":
            out.append(char)
        elif kind != "Cf" and char not in "'’ʼ":
            out.append(" ")
    return "".join(out).split()


def is_short(text: str) -> bool:
    """Return whether a stretch of a text is so short that it may be shown.

    At most five words and forty characters; a word is two characters in a script without spaces,
    and three syllables in Korean that is written as one word.
    """
    count = 0
    for word in words_of(text):
        dense, syllables = len(_SPACELESS.findall(word)), len(_HANGUL.findall(word))
        glued = -(-syllables // 3) if syllables > _GLUED else 0
        count += max(1, -(-dense * _SHORT // _DENSE) + glued)
    return 0 < count <= _SHORT and len(text) <= _SHORT_CHARACTERS


def copies(text: str, source: str) -> bool:
    """Return whether a text has more of another one than may be shown, or a whole sentence of it.

    Compared are letters and digits only, so that signs between words, or words without spaces,
    hide nothing.
    """
    words, others = words_of(text), words_of(source)
    plain = "".join(words)
    size = min(_SHORT + 1, max(len(others), 3))
    if any("".join(others[n : n + size]) in plain for n in range(len(others) - size + 1)):
        return True
    one, other = ("".join(filter(_is_dense, "".join(all_))) for all_ in (words, others))
    return any(one[n : n + _DENSE + 1] in other for n in range(len(one) - _DENSE))


def _is_dense(char: str) -> bool:
    return bool(_SPACELESS.match(char) or _HANGUL.match(char))


# --- names ------------------------------------------------------------------------------------


class _Named(msgspec.Struct, frozen=True, kw_only=True):
    """A name in the text: what it names, what it may stand for, and how it speaks."""

    start: int
    end: int
    names: str
    means: str | None = None
    may_mean: str | None = None
    stem: str | None = None
    note: str
    agent: bool
    rank: int
    inflected: bool = False
    adjective: bool = False


_PLACE_KINDS: Final = frozenset(("city", "region", "subdivision", "building", "territory"))
_AGENT_TYPES: Final[Mapping[str, str]] = {
    "state": "State",
    "former state": "State",
    "historical state": "State",
    "separatist entity": "Organization",
    "person": "Person",
    "news agency": "NewsOrganization",
    "government": "GovernmentBody",
    "ministry": "GovernmentBody",
    "agency": "GovernmentBody",
    "armed force": "ArmedActor",
    "intergovernmental organisation": "IntergovernmentalOrganization",
    "intergovernmental organ": "IntergovernmentalOrganization",
    "organisation": "Organization",
}
_STATELIKE: Final = frozenset(
    ("state", "former state", "territory", "intergovernmental organisation")
)
_NAMED: Final = (Agent, Place, Thing, Position)
_TOKEN: Final = re.compile(
    r"[^\W_](?:[^\W_]|[\u0300-\u036f\u0900-\u0963\u0966-\u09ff\u200c\u200d'’.-](?=\w|[\u0900-\u09ff])"
    r"|[\u0900-\u0903\u093a-\u094f\u0981-\u0983\u09bc-\u09cd\u09d7])*"
)
_BREAK: Final = re.compile(r"[,;:!?।॥。()\[\]\n\"“”«»]|\.\s")
_KOREAN: Final = re.compile("(?:에서|에게|으로|은|는|이|가|을|를|의|에|와|과|도|로|측)$")
_LONGEST: Final = 8


class _Registry:
    """Records that may be named, by identifier of Wikidata and by name."""

    def __init__(
        self, records: Sequence[AnyRecord], identifiers: Mapping[str, str], language: str
    ) -> None:
        base = language.partition("-")[0]
        self.by_id: Final = {r.id: r for r in records if isinstance(r, _NAMED)}
        self.by_item: Final = {q: key for q, key in identifiers.items() if key in self.by_id}
        self.by_name: Final[dict[str, list[tuple[str, str]]]] = {}
        self.twins: Final = _twins(self.by_id.values())
        for record in self.by_id.values():
            tags = [base, f"{base}-Latn", *(["en"] if base != "en" else [])]
            for tag in tags:
                names = [
                    *([record.labels[tag]] if tag in record.labels else []),
                    *record.variants.get(tag, []),
                ]
                for name in names:
                    if tag == "en" and base != "en" and not _acronym(name):
                        continue
                    entry = (record.id, name)
                    if "(" not in name and entry not in self.by_name.get(_key(name), []):
                        self.by_name.setdefault(_key(name), []).append(entry)

    def unlinked(self, label: str, form: type[Agent] | type[Place]) -> str:
        """Return the only record with an English label and without an item; else nothing."""
        linked = set(self.by_item.values())
        found = [
            key
            for key, record in self.by_id.items()
            if isinstance(record, form)
            and key not in linked
            and fold(record.labels.get("en", "")) == fold(label)
        ]
        return found[0] if len(found) == 1 else ""

    def outlet(self, name: str) -> str:
        """Return the outlet of the registry that has an English name; else nothing."""
        for key, record in self.by_id.items():
            if isinstance(record, Agent) and record.type == "NewsOrganization":
                names = [record.labels.get("en", ""), *record.variants.get("en", [])]
                if key == fold(name).replace(" ", "-") or fold(name) in map(fold, names):
                    return key
        return ""

    def find(self, text: str, language: str) -> Iterator[tuple[int, int, tuple[str, ...], str]]:
        """Yield start, end, ids and the name of what the registry names, the longest first."""
        tokens = list(_TOKEN.finditer(text))
        number = 0
        while number < len(tokens):
            for size in range(min(_LONGEST, len(tokens) - number), 0, -1):
                start, end = tokens[number].start(), tokens[number + size - 1].end()
                surface = text[start:end]
                if len(surface) > LONGEST or _BREAK.search(surface):
                    continue
                if language.startswith("en"):
                    surface = re.sub(r"['’]s?$", "", surface)
                if found := self._look_up(surface, language):
                    yield start, start + len(surface), found[0], found[1]
                    number += size
                    break
            else:
                number += 1

    def _look_up(self, surface: str, language: str) -> tuple[tuple[str, ...], str] | None:
        folded = _key(surface)
        forms = [folded]
        if language.startswith(("bn", "hi")) and not surface.isascii():
            *before, last = folded.split(" ")
            forms += [" ".join([*before, stem]) for stem in stems(last) if len(stem) > 2]
        if language.startswith("ko"):
            forms.append(_key(_KOREAN.sub("", surface)))
        for form in forms:
            entries = [
                (key, name)
                for key, name in self.by_name.get(form, [])
                if _as_written(name, surface)
            ]
            if entries:
                return tuple(dict.fromkeys(key for key, _ in entries)), entries[0][1]
        return None


def _key(name: str) -> str:
    """Return a name as it is looked up: the genitive of Hindi has one form."""
    return re.sub("(?<= )(?:के|की)(?= )", "का", fold(name))


def _twins(records: Iterable[Agent | Place | Thing | Position]) -> dict[str, str]:
    """Return the agent that shares a name with a place: whom the place's name may stand for."""
    by_name: dict[tuple[str, str], list[Agent | Place]] = {}
    for record in records:
        if isinstance(record, (Agent, Place)):
            for tag, name in [
                *record.labels.items(),
                *((tag, name) for tag, names in record.variants.items() for name in names),
            ]:
                by_name.setdefault((tag, fold(name)), []).append(record)
    return {
        one.id: other.id
        for pair in by_name.values()
        for one in pair
        for other in pair
        if len(pair) == 2 and isinstance(one, Place) and isinstance(other, Agent)
    }


def _acronym(name: str) -> bool:
    return name.isascii() and name.isupper() and 2 <= len(name) <= 6


def _as_written(name: str, surface: str) -> bool:
    """Return whether capitals allow that a surface is a name: "us" is no "US"."""
    if _acronym(name):
        return surface.startswith(name)
    return not name[:1].isupper() or surface[:1].isupper()


class _Names:
    """All names of an article, and the records that they need and nobody has."""

    def __init__(
        self,
        article: Article,
        request: Request,
        registry: _Registry,
        finder: Finder,
        item_of: Callable[[str], Item | None],
    ) -> None:
        self.article, self.request, self.registry = article, request, registry
        self.item_of = item_of
        self.new: dict[str, Agent | Place] = {}
        self.open: list[tuple[int, str]] = []
        self._by_item: dict[str, str] = {}
        self._titles: list[tuple[int, int]] = []
        linked = [
            named
            for found in finder(article.plain, request.language)
            if (named := self._linked(found))
        ]
        self.all = self._merged(linked, list(self._own()))
        self.all = sorted(
            [*self.all, *self._inside(finder)], key=lambda named: (named.start, -named.end)
        )

    def _inside(self, finder: Finder) -> Iterator[_Named]:
        """Yield the states and bodies that are named inside other names: "Russia's minister"."""
        plain, language = self.article.plain, self.request.language
        taken = {(named.start, named.end) for named in self.all}
        covered = [found for found in self._titles if found not in taken] + sorted(taken)
        for start, end in covered:
            tokens = list(_TOKEN.finditer(plain, start, end))
            around = {n.names for n in self.near(start, end) if n.start <= start and end <= n.end}
            number = 0
            while number < len(tokens):
                step = 1
                for size in range(min(3, len(tokens) - number), 0, -1):
                    first, last = tokens[number].start(), tokens[number + size - 1].end()
                    if (first, last) in taken:
                        continue
                    found = next(iter(finder(plain[first:last], language)), None)
                    if (
                        found
                        and found.answer.features.get("kind") in _STATELIKE
                        and (found.start, found.end) == (0, last - first)
                    ):
                        moved = msgspec.structs.replace(found, start=first, end=last)
                        if (named := self._linked(moved)) and named.names not in around:
                            taken.add((first, last))
                            yield named
                            step = size
                            break
                number += step

    def _own(self) -> Iterator[_Named]:
        for start, end, keys, name in self.registry.find(self.article.plain, self.request.language):
            places = [k for k in keys if isinstance(self.registry.by_id[k], Place)]
            agents = [k for k in keys if isinstance(self.registry.by_id[k], Agent)]
            if len(keys) > 1 and not (len(keys) == 2 and len(places) == len(agents) == 1):
                self.open.append((start, f"several records have the name: {' '.join(keys)}"))
                continue
            key = places[0] if len(keys) > 1 else keys[0]
            yield self._named(
                start,
                end,
                key,
                may_mean=self.registry.twins.get(key),
                stem=name,
                note="by the registry's name",
                inflected=fold(self.article.plain[start:end]) != fold(name),
            )

    def _linked(self, found: Found) -> _Named | None:
        """Return what a linked name is; what cannot be a record is left open."""
        answer, features = found.answer, found.answer.features
        start, end = found.start, found.end
        if not answer.qid:
            known = [c for c in answer.candidates if c.qid in self.registry.by_item]
            several = " or ".join(f"{c.label} ({c.kind}, {c.qid})" for c in answer.candidates)
            if len(known) != 1:
                self.open.append((start, f"a name of several things: {several}"))
                return None
            return self._named(
                start,
                end,
                self.registry.by_item[known[0].qid],
                note=f"one of several items of this name: {several}"[:500],
            )
        if features.get("rule") == "office" and not answer.literal_qid:
            self._titles.append((start, end))  # the office has no item; the state inside it has
            return None
        literal = answer.literal_qid or answer.qid
        key = self._key_of(literal, features, start, end)
        if key is None:
            return None
        means = self._key_of(answer.qid, {}, start, end) if answer.qid != literal else None
        stands = features.get("may_stand_for", "")
        may = self.registry.twins.get(key) or self.registry.by_item.get(stands)
        affixes = features.get("affixes", "")
        note = f"{features.get('rule', 'linked')}, Wikidata {literal}, {answer.confidence}"
        if (may or stands) and not means:
            note += f"; may stand for {may or stands}: then say so with means"
        return self._named(
            start,
            end,
            key,
            means=means,
            may_mean=may,
            stem=features.get("name") if affixes else None,
            note=note,
            inflected="case" in affixes,
            adjective=features.get("use") in ("adjective", "demonym") or "adjective" in affixes,
        )

    def _key_of(self, qid: str, features: Mapping[str, str], start: int, end: int) -> str | None:
        """Return the id of the record of an item, a new one where there is none."""
        if key := self.registry.by_item.get(qid) or self._by_item.get(qid):
            return key
        item = self.item_of(qid)
        kind = item.kind if item else features.get("kind", "")
        surface = self.article.plain[start:end]
        name = features.get("name") or surface
        label = item.label if item and item.label else ""
        if kind not in _AGENT_TYPES and kind not in _PLACE_KINDS:
            what = f" ({kind})" if kind else ""
            self.open.append((start, f"{label or name}{what}, Wikidata {qid}: no record proposed"))
            return None
        wanted = Place if kind in _PLACE_KINDS else Agent
        if label and (known := self.registry.unlinked(label, wanted)):
            self._by_item[qid] = known
            return known
        labels = {self.request.language: nfc(name)} | ({"en": nfc(label)} if label else {})
        key = self.free(label)
        common: dict[str, Any] = {
            "id": key,
            "labels": labels,
            "basis": "Named in the article",
            "as_of": (self.request.reference or date.fromisoformat(self.request.today)).isoformat(),
            "review": "proposed",
            "note": f"no record of the registry; linked to Wikidata {qid}, which becomes a link "
            "only by a row in mappings/wikidata.sssom.tsv",
        }
        self.new[key] = (
            Place(type="Facility" if kind == "building" else "Place", **common)
            if kind in _PLACE_KINDS
            else Agent(type=_AGENT_TYPES[kind], **common)  # type: ignore[arg-type]  # its values
        )
        self._by_item[qid] = key
        return key

    def free(self, label: str) -> str:
        """Return an id for a new record that no record has."""
        slug = re.sub("[^a-z0-9]+", "-", fold(label)).strip("-")[:60].strip("-")
        if not slug or not slug.isascii():
            slug = f"{self.request.key}-name-{len(self.new) + 1:02}"
        while slug in self.registry.by_id or slug in self.new or slug in _RESERVED:
            slug += "-x"
        return slug

    def _named(
        self,
        start: int,
        end: int,
        key: str,
        *,
        means: str | None = None,
        may_mean: str | None = None,
        stem: str | None = None,
        note: str,
        inflected: bool = False,
        adjective: bool = False,
    ) -> _Named:
        record = self.record(key)
        surface = self.article.plain[start:end]
        speaks = isinstance(record, Agent) or bool(means or may_mean)
        rank = 2
        if isinstance(record, Agent):
            rank = 1 if record.type in ("State", "Group") else 0
        return _Named(
            start=start,
            end=end,
            names=key,
            means=means,
            may_mean=may_mean,
            stem=stem if stem and stem != surface else None,
            note=note,
            agent=speaks,
            rank=rank,
            inflected=inflected,
            adjective=adjective,
        )

    def near(self, start: int, end: int) -> list[_Named]:
        """Return the names that may overlap a stretch of the text, in the order of the text."""
        return _near(self.all, start, end)

    def record(self, key: str) -> Record | None:
        """Return a record of the registry, or one that is proposed."""
        return self.registry.by_id.get(key) or self.new.get(key)

    def _can_be_written(self, named: _Named) -> bool:
        surface = self.article.plain[named.start : named.end]
        return len(surface) <= _LONGEST_SURFACE and all(
            c in "\u200c\u200d" or unicodedata.category(c)[0] != "C" for c in surface
        )

    def _merged(self, linked: list[_Named], own: list[_Named]) -> list[_Named]:
        """Return all names: at one place one, and none that overlaps another in part."""
        linked, own = ([n for n in names if self._can_be_written(n)] for names in (linked, own))
        places = {(n.start, n.end): n for n in linked}
        for named in own:
            other = places.get((named.start, named.end))
            if other is not None:
                if other.names in self.new and named.names not in self.new:
                    places[(named.start, named.end)] = named
                continue
            near = _near(linked, named.start, named.end)
            if not any(_crosses(named, n) or _same_inside(named, n) for n in near):
                places[(named.start, named.end)] = named
        used = {n.names for n in places.values()} | {n.means for n in places.values()}
        self.new = {key: record for key, record in self.new.items() if key in used}
        return sorted(places.values(), key=lambda n: (n.start, -n.end))


def _near(names: Sequence[_Named], start: int, end: int) -> list[_Named]:
    """Return the names, sorted by their start, that may overlap a stretch of the text."""
    first = bisect.bisect_left(names, start - LONGEST, key=lambda named: named.start)
    last = bisect.bisect_left(names, end, key=lambda named: named.start)
    return list(names[first:last])


def _same_inside(one: _Named, other: _Named) -> bool:
    """Return whether a name is only a part of another one of the same record."""
    return other.start <= one.start and one.end <= other.end and one.names == other.names


def _crosses(one: _Named, other: _Named) -> bool:
    inside = other.start <= one.start and one.end <= other.end
    around = one.start <= other.start and other.end <= one.end
    return one.start < other.end and other.start < one.end and not inside and not around


# --- speakers ---------------------------------------------------------------------------------


class _Speaker(msgspec.Struct, frozen=True):
    start: int
    end: int
    key: str
    rank: int
    inflected: bool
    outlet: bool
    subject: bool = False
    person: bool = False
    name: str = ""


_VERB_LAST: Final = ("bn", "hi", "ko")
_SUBJECT: Final[Mapping[str, str]] = {
    "hi": r"^(?:\s+[^\s,।]+)?\s+ने(?=\s)|^\s+का\s+(?:यह\s+)?कहना",
    "ko": r"^(?:[^\s,.]{0,6})?(?:은|는|이|가)(?=\s)",
}
"""What marks the subject, where a language marks it."""
_PRONOUNS: Final[Mapping[str, str]] = {
    "en": "[Hh]e|[Ss]he|[Tt]hey|[Ii]t|[Ww]e|I",
    "bn": "তিনি|তারা|তাঁরা|যারা|যিনি",
    "hi": "उन्होंने|उसने|वह|वे|हमने",
    "ru": "[Оо]н|[Оо]на|[Оо]ни|[Оо]но|[Мм]ы",
    "ko": "그는|그녀는|이들은|그들은",
}
_KIN: Final[Mapping[str, str]] = {
    "bn": "বোন|ভাই|স্ত্রী|মেয়ে|ছেলে|কন্যা|পুত্র|বাবা|মা",
    "hi": "बहन|भाई|पत्नी|बेटी|बेटे|बेटा|पुत्र|पुत्री|पिता|माँ",
    "ko": "여동생|동생|부인|아내|딸|아들|누나|형",
}
"""Relatives: a surname after one is that of somebody else."""
_OFFICE: Final = (
    r"\s+\S*(?:대통령|총리|장관|위원장|부장|대변인|총서기|주석|의원|특사|대표|차관|대사)"
)
_TOPIC: Final = rf"[은는]\s|.(?:\S{{0,6}}|{_OFFICE})[은는]\s"
_OBJECT: Final = r"\s+(?:[–—-]\s+)?(?:को|पर|से|के|की|में|तक|द्वारा)(?=\s)"
"""What marks that a name is no subject in Hindi."""
_AND: Final = re.compile(
    r"^\s*(?:,|,?\s*(?<!\w)(?:and|or|और|तथा|व|ও|এবং|и|및|와|과)(?!\w))\s*(?:\S+\s+)?$"
)
"""What stands between speakers that are named together, with at most one word more."""
_CLAUSE: Final[Mapping[str, str]] = {
    "en": r"[,;:]|\bthat\b|\bwhich\b",
    "bn": r"[,;:]|(?<=\s)যে(?=\s)",
    "hi": r"[,;:]|(?<=\s)कि(?=\s)",
    "ru": r"[,;:]",
    "ko": r"[,;:]|고(?=\s)",
}
"""What separates clauses, roughly."""
_PASSIVE: Final = re.compile(
    r"\b(?:was|were|is|are|been|being|be|gets?|got)\s+(?:\w+ly\s+)?$", re.IGNORECASE
)
_BEFORE_INVERTED: Final = ",?!”»\"’'–—"
"""What ends before "said A"."""
_OUTLET_KIND: Final = re.compile(
    r"\s+(?:state\s+)?(?:news agency|agency|newspaper|daily|broadcaster|television|radio|magazine"
    r"|channel|website)(?=\s)"
)
_NOT_BEFORE: Final = (
    "in|on|at|of|to|with|from|by|for|about|against|after|before|between|among|into|through|than|as"
    "|like|without|under|over|near|and|but|or|that|who|which|met|told|said|asked"
    "|с|со|от|к|ко|у|о|об|для|из|по|на|в|во|и|но|а|что"
)
"""Words after which a noun is no subject."""
_FAR: Final = 400
"""Characters between what belongs together in a sentence, at most."""
_TIME_WORDS: Final = 10
"""Words between a date and the words of saying whose time it is, at most."""
_TIME_CHARACTERS: Final = 300


class _Speakers:
    """Guesses who speaks in a sentence; unnamed speakers become records."""

    def __init__(self, names: _Names, language: str) -> None:
        self._names = names
        self._base = language.partition("-")[0]
        self.new: dict[str, Agent] = {}
        self.spoke: dict[tuple[int, int], str] = {}
        self.mentions: list[_Named] = []
        self._keys: dict[tuple[int, int], str] = {}
        self._by_name: dict[str, str] = {}
        self._capitals = (
            clauses.capitals(names.article.plain) if self._base == "en" else frozenset()
        )
        self._unnamed = 0
        self._first: dict[int, bool] = {}
        self.cues: Sequence[Cue] = ()
        self.floor = 0

    def candidates(self, start: int, end: int, cues: Sequence[Cue]) -> list[_Speaker]:
        """Return who may speak in a sentence, in the order of the text; from here on it is read."""
        self.cues, self.floor, self._first = cues, start, {}
        inside = [n for n in self._names.near(start, end) if start <= n.start and n.end <= end]
        out: list[_Speaker] = []
        nouns = attribution.find_unnamed(
            self._names.article.plain, self._names.request.language, start, end
        )
        for noun in nouns:
            before = [n for n in inside if 0 <= noun.start - n.end <= 2]
            state = before[-1] if before else None
            words = self._names.article.plain[noun.start : noun.end]
            out.append(
                _Speaker(
                    state.start if state else noun.start,
                    noun.end,
                    f"{noun.start}:{noun.type}:{noun.label}:{state.names if state else ''}",
                    0,
                    False,
                    False,
                    subject=self._base == "ko" and bool(re.search("(?:은|는|이|가|들은)$", words)),
                )
            )
        text = self._names.article.plain
        for known in attribution.find_outlets(text, self._names.request.language, start, end):
            if not any(n.start < known.end and known.start < n.end for n in inside):
                words = text[known.start : known.end]
                out.append(
                    _Speaker(
                        known.start,
                        known.end,
                        f"{known.start}:",
                        0,
                        False,
                        True,
                        subject=self._base == "ko" and words[-1] in "은는이가",
                        person=True,
                        name=known.label,
                    )
                )
        for named in inside:
            nested = any(
                (n.start, n.end) != (named.start, named.end)
                and n.start <= named.start
                and named.end <= n.end
                for n in inside
            )
            covered = any(s.start <= named.start < s.end for s in out if ":" in s.key)
            owner = self._names.article.plain[named.end : named.end + 2] in ("'s", "’s")
            adjective = named.adjective and not self._is_acronym(named)
            if not named.agent or adjective or owner or nested or covered:
                continue
            key = named.means or named.may_mean or named.names
            record = self._names.record(key)
            if not isinstance(record, Agent) or self._is_relative(start, named):
                continue
            outlet = record.type == "NewsOrganization"
            inflected, subject = named.inflected, False
            if self._base == "ko":
                ending = self._names.article.plain[named.end - 1]
                subject = named.stem is not None and ending in "은는이가"
                # Without an ending a state only says whose the next noun is.
                inflected = not subject and (inflected or named.rank > 0)
            out.append(
                _Speaker(
                    named.start,
                    named.end,
                    key,
                    named.rank,
                    inflected,
                    outlet,
                    subject,
                    person=record.type in ("Person", "NewsOrganization"),
                )
            )
        if self._base == "en":
            out += self._unknown(start, end, [(s.start, s.end) for s in out])
        return self._objects(sorted(out, key=lambda s: s.start))

    def _is_acronym(self, named: _Named) -> bool:
        """Return whether an English word that may be an adjective is a name: "the US"."""
        text = self._names.article.plain
        the = text[max(0, named.start - 4) : named.start].lower() == "the "
        return self._base == "en" and the and text[named.start : named.end].isupper()

    def _is_relative(self, floor: int, named: _Named) -> bool:
        """Return whether a bare surname begins the name of a relative: "his sister Kim …"."""
        kin = _KIN.get(self._base)
        text = self._names.article.plain
        bare = " " not in text[named.start : named.end]
        before = text[max(floor, named.start - 20) : named.start]
        return bare and bool(kin and re.search(rf"(?:^|\s)(?:{kin})\s+$", before))

    def _unknown(
        self, start: int, end: int, taken: Sequence[tuple[int, int]]
    ) -> Iterator[_Speaker]:
        """Yield names that nothing knows; one of which that is not sure speaks for nobody."""
        text = self._names.article.plain
        spans = [(n.start, n.end) for n in self._names.near(start, end)]
        for first, last, sure in clauses.unknown_names(
            text, start, end, [*spans, *taken], self._capitals
        ):
            surface = text[first:last]
            if text[last : last + 2] not in ("'s", "’s") and len(surface) <= _LONGEST_SURFACE:
                key = f"{first}:" if sure else ""
                yield _Speaker(first, last, key, 0, False, False, person=True, name=surface)

    def _objects(self, speakers: list[_Speaker]) -> list[_Speaker]:
        """Return speakers with those marked as no subject that a postposition or an "and" shows."""
        text = self._names.article.plain
        out: list[_Speaker] = []
        for one in reversed(speakers):
            object_ = self._base == "hi" and re.match(_OBJECT, text[one.end : one.end + 12])
            joined = bool(out) and out[0].inflected and _AND.match(text[one.end : out[0].start])
            if (object_ or joined) and self._base in _VERB_LAST:
                one = msgspec.structs.replace(one, inflected=True)
            out.insert(0, one)
        return out

    def guess(self, cue: Cue, candidates: Sequence[_Speaker]) -> list[_Speaker]:
        """Return the likeliest speakers of some words of saying, none where nobody is near."""
        if cue.speaker == "nobody":
            return []
        if self._base in clauses.LANGUAGES:
            who = self._subject(cue, candidates)
            return who if all(one.key for one in who) else []
        text = self._names.article.plain
        # In Korean the words may be glued to the name before them.
        before = [s for s in candidates if s.start < cue.start and s.end <= cue.end]
        if cue.act in ("according-to", "cites"):
            return before[-1:]
        if self._base == "ko":
            before = self._unquoted(cue, before)
        elif said := self._said(cue):
            inside = [s for s in before if s.start >= said]
            own = any(not s.inflected if self._base == "bn" else self._marked(s) for s in inside)
            before = inside if own else before
        marked = [s for s in before if self._marked(s)]
        pool = marked or [s for s in before if not s.inflected]
        if not pool:
            return []
        pronoun = _PRONOUNS.get(self._base, "(?!)")
        nearest = self._base == "ko" and bool(marked) and text[cue.end - 1] == "고"
        best = min(pool, key=lambda s: (0 if nearest else s.rank, cue.start - s.end))
        between = text[best.end : cue.start]
        if re.search(rf"(?<![\w\u0900-\u09ff])(?:{pronoun})(?![\w\u0900-\u09ff])", between):
            return []  # a pronoun stands nearer, and whom it means is not known here
        return self._joined(best, before, text)

    def _said(self, cue: Cue) -> int:
        """Return where the last words of saying before others end, else 0."""
        return max((other.end for other in self.cues if other.end <= cue.start), default=0)

    def _unquoted(self, cue: Cue, before: list[_Speaker]) -> list[_Speaker]:
        """Return speakers without the subjects of what is only quoted before a Korean verb.

        A topic (은, 는) goes with the verb of saying, a subject (이, 가) with the nearest verb.
        """
        text = self._names.article.plain
        for other in self.cues:
            if 0 <= cue.start - other.end <= _FAR and text[other.end - 1] == "고":
                subjects = [s for s in before if self._marked(s) and s.end <= other.start]
                if len(subjects) > 1:
                    before = [s for s in before if s != subjects[-1]]
        if text[self.floor : cue.start].rstrip().endswith("고"):
            topics = [s for s in before if re.match(_TOPIC, text[s.end - 1 : s.end + 40])]
            other_topic = any(
                re.search(r"(?<!\S)\S+[은는]\s", text[self.floor : s.start])
                for s in before
                if self._marked(s)
            )
            before = topics[:1] if topics or other_topic else before
        return before

    def _subject(self, cue: Cue, candidates: Sequence[_Speaker]) -> list[_Speaker]:
        """Return whom an English or Russian clause has as the subject of some words of saying."""
        text, base, floor = self._names.article.plain, self._base, self.floor
        after = self._after(cue, candidates)
        if cue.speaker == "after":
            return after[:1]
        verb = text[cue.start : cue.end]
        if base == "en" and _PASSIVE.search(text[max(floor, cue.start - 40) : cue.start]):
            return []
        pronoun = _PRONOUNS[base]
        if re.match(rf"\s+(?:{pronoun})\b", text[cue.end : cue.end + 20]) and base == "ru":
            return []
        before = [s for s in candidates if s.end <= cue.start and not s.inflected]
        first = [s for s in before if self._begins(s)]
        found: list[_Speaker] = []
        participle = (
            base == "en"
            and verb.endswith("ing")
            and text[self.floor : cue.start].rstrip()[-1:] == ","
        )
        if participle:
            found = first if len(first) == 1 else []
        for one in [] if participle else reversed(before):
            if cue.start - one.end > _FAR:
                break
            between = text[one.end : cue.start]
            if one.outlet and (kind := _OUTLET_KIND.match(between)):
                between = between[kind.end() :]
            joined = self._joined(one, before, text)
            said = any(one.end <= other.start and other.end <= cue.start for other in self.cues)
            if (
                clauses.reaches(between, base)
                or clauses.apposed(between, base, said)
                or (clauses.coordinated(between, base) and not said)
            ):
                if joined[0] in first and not clauses.relative(text, base, floor, one.start):
                    found = joined
                    break
                if not one.key:
                    break
        if after and cue.speaker == "either" and verb.split()[-1].lower() not in ("told",):
            quoted = text[floor : cue.start].rstrip()[-1:] in _BEFORE_INVERTED
            if (quoted or (base == "ru" and not found)) and clauses.closes(
                text, base, after[0].end
            ):
                return [] if found else after
        if base == "ru" and found and not self._agrees(verb, found, after):
            return []
        return found

    def _after(self, cue: Cue, candidates: Sequence[_Speaker]) -> list[_Speaker]:
        """Return who stands directly after some words of saying, at most one."""
        text = self._names.article.plain
        for one in candidates:
            if one.start < cue.end:
                continue
            start = self._phrase(one, cue.end)
            unnamed = not one.person and ":" in one.key
            if unnamed and re.fullmatch(r"(?:\s+[\w-]+){0,4}\s+", text[cue.end : start]):
                before = text[cue.end : start].lower().split()
                start = cue.end if not {"of", "to", "with", "and", "by"} & {*before} else start
            whole = one.person or unnamed or clauses.closes(text, self._base, one.end)
            return [one] if clauses.follows(text, cue.end, start) and whole else []
        return []

    def _phrase(self, speaker: _Speaker, floor: int) -> int:
        spans = [(n.start, n.end) for n in self._names.near(floor, speaker.start)]
        spans = [(a, b) for a, b in spans if a >= floor and b <= speaker.start]
        text = self._names.article.plain
        return clauses.phrase_start(text, self._base, floor, speaker.start, speaker.person, spans)

    def _begins(self, speaker: _Speaker) -> bool:
        """Return whether a speaker stands where the subject of a clause does."""
        if (known := self._first.get(speaker.start)) is None:
            known = self._first[speaker.start] = self._is_first(speaker)
        return known

    def _is_first(self, speaker: _Speaker) -> bool:
        text = self._names.article.plain
        start = self._phrase(speaker, self.floor)
        if not speaker.person and ":" in speaker.key:  # "two harbour officials"
            words = text[max(self.floor, start - 60) : start]
            if match := re.search(r"(?:^|(?<=[,;:“”\"]))\s*(?:[\w-]+\s+){1,3}$", words):
                few = re.search(rf"\b(?:{_NOT_BEFORE})\b", match[0], re.IGNORECASE)
                return not few and (match.start() > 0 or len(words) < 60)
        told = any(
            cue.end <= start
            and not text[cue.end : start].strip()
            and not cue.form.startswith("told")
            for cue in self.cues
            if cue.stance == "affirms" and cue.speaker in ("either", "before")
        )
        return told or clauses.begins(text, self._base, self.floor, start)

    def _agrees(self, verb: str, found: Sequence[_Speaker], after: Sequence[_Speaker]) -> bool:
        """Return whether a Russian verb can have a subject, and no other name could be it too."""
        text = self._names.article.plain
        one = found[0]
        surface = text[one.start : one.end]
        named = not (":" in one.key and not one.name)
        if named and len(found) == 1 and re.search("(?:ли|ют|ят)$", verb) and not surface.isupper():
            return False
        if one.person and not one.outlet and verb.endswith("ло"):
            return False
        other = next((s for s in after if not s.inflected), None)
        return not other or (text[other.start : other.end].isupper() and not surface.isupper())

    def _marked(self, speaker: _Speaker) -> bool:
        pattern = _SUBJECT.get(self._base)
        rest = self._names.article.plain[speaker.end : speaker.end + 40]
        if self._base == "ko" and speaker.person and re.match(f"{_OFFICE}(?:은|는|이|가)\\s", rest):
            return True
        return speaker.subject or bool(pattern and re.search(pattern, rest))

    def _joined(self, best: _Speaker, before: Sequence[_Speaker], text: str) -> list[_Speaker]:
        """Return a speaker with those to whom an "and" joins it."""
        out, conjunction = [best], False
        for other in reversed(before):
            if out[0].start - other.end > _FAR:
                break
            between = text[other.end : out[0].start]
            if other.end <= out[0].start and _AND.match(between):
                conjunction = conjunction or between.strip().split(" ")[0] != ","
                out.insert(0, other)
        return out if conjunction else [best]

    def as_outlet(
        self, cue: Cue, who: list[_Speaker], guesses: Sequence[tuple[Cue, list[_Speaker]]]
    ) -> list[_Speaker]:
        """Return a speaker whom nothing knows as an outlet, where words say that it passes on."""
        cites = any(other.act == "cites" and whose for other, whose in guesses)
        if len(who) == 1 and who[0].name and (cue.act == "reports" or cites):
            return [msgspec.structs.replace(who[0], outlet=True)]
        return who

    def key(self, speaker: _Speaker, number: int) -> str:
        """Return the id of a speaker; one without a name becomes a record of this place only."""
        if speaker.name:
            return self._key_of_name(speaker)
        if ":" not in speaker.key:
            self.spoke[(speaker.start, speaker.end)] = speaker.key
            return speaker.key
        _, kind, label, state = speaker.key.split(":")
        request = self._names.request
        if known := self._keys.get((speaker.start, speaker.end)):
            return known
        self._unnamed += 1
        key = f"{request.key}-speaker-{self._unnamed:02}"
        self._keys[(speaker.start, speaker.end)] = key
        of = self._names.record(state)
        name = ""
        if isinstance(of, _NAMED):
            name = of.labels.get("en") or next(iter(of.labels.values()))
        words = f"{label.capitalize()}{f' of {name}' if name else ''}"
        self.new[key] = Agent(
            id=key,
            type=kind,  # type: ignore[arg-type]  # the table has agent types
            labels={"en": f"{words} (unnamed, in sentence {number} of {request.key})"},
            description={"en": f"Cited without a name as {label}; how many is not stated."},
            quantity=Quantity(
                precision="unstated", unit="outlets" if label == "media" else "persons"
            ),
            basis="Described in the article only",
            as_of=(request.reference or date.fromisoformat(request.today)).isoformat(),
            review="proposed",
            note=f"at {self._at(speaker)}; never merge it with another one of the same wording",
        )
        self.mentions.append(
            _Named(
                start=speaker.start,
                end=speaker.end,
                names=key,
                note="a speaker without a name",
                agent=True,
                rank=0,
            )
        )
        return key

    def _key_of_name(self, speaker: _Speaker) -> str:
        """Return the id of a speaker whose name nothing knows: one for each name."""
        request = self._names.request
        if not (key := self._by_name.get(speaker.name)):
            key = self._by_name[speaker.name] = self._names.registry.outlet(speaker.name) or (
                self._names.free(speaker.name)
            )
        if key not in self._names.registry.by_id and key not in self.new:
            type_: Any = "NewsOrganization" if speaker.outlet else UNKNOWN_TYPE
            self.new[key] = Agent(
                id=key,
                type=type_,
                labels={"en" if speaker.outlet else request.language: nfc(speaker.name)},
                basis="Named in the article",
                as_of=(request.reference or date.fromisoformat(request.today)).isoformat(),
                review="proposed",
                note="no record of the registry, and no item is known: "
                "say what it is, or use a record that the registry has",
            )
        if (speaker.start, speaker.end) not in self._keys:
            self._keys[(speaker.start, speaker.end)] = key
            self.mentions.append(
                _Named(
                    start=speaker.start,
                    end=speaker.end,
                    names=key,
                    note="a speaker that has no record yet",
                    agent=True,
                    rank=0,
                )
            )
        return key

    def _at(self, speaker: _Speaker) -> str:
        return self._names.article.at(speaker.start, speaker.end)


# --- the proposal -----------------------------------------------------------------------------


def propose(
    article: Article,
    request: Request,
    finder: Finder,
    registry: Sequence[AnyRecord],
    identifiers: Mapping[str, str],
    item_of: Callable[[str], Item | None] = lambda qid: None,
) -> Proposal:
    """Return what is proposed for an article; equal inputs give equal proposals.

    Args:
        article: the text.
        request: what the caller says of it.
        finder: finds and links names.
        registry: records that the facts may name (`kg.facts.read_registry`).
        identifiers: the id of the record of each item of Wikidata, from the authority of links.
        item_of: what else is known of an item.
    Raises:
        ResourceError: a table of the lexicon is missing.
    """
    plain = article.plain
    sentences = sentences_of(plain)
    known = _Registry(registry, identifiers, request.language)
    names = _Names(article, request, known, finder, item_of)
    speakers = _Speakers(names, request.language)
    found: list[tuple[int, DateFound]] = []
    spoken: list[Spoken] = []
    events: list[Event] = []
    open_: list[tuple[int, str]] = [(_sentence_of(sentences, at), text) for at, text in names.open]
    cut = {start for start, _ in sentences} - {start for start, _ in split_sentences(plain)}
    for number, (start, end) in enumerate(sentences):
        if start in cut:
            open_.append((number, f"cut off: no sentence ends in {LONGEST_SENTENCE} characters"))
        here = dates.find_dates(plain, request.language, request.reference, start, end)
        found += [(number, one) for one in here]
        cues, left = attribution.find_cues(plain, request.language, start, end)
        open_ += [
            (
                number,
                f"words at {article.at(cue.start, cue.end)} have no stance ({cue.form}: {cue.why})",
            )
            for cue in left
        ]
        open_ += [
            (
                number,
                f"a date at {article.at(one.start, one.end)} ({one.wording}) "
                f"is unresolved: {one.why}",
            )
            for one in here
            if not one.edtf
        ]
        made, more, unsaid = _sentence(
            article, request, number, (start, end), cues, here, speakers, len(spoken)
        )
        open_ += [(number, text) for text in unsaid]
        spoken += made
        events += [one.event for one in made]
        open_ += [
            (
                number,
                f"a date at {article.at(one.start, one.end)} ({one.wording}: {one.edtf}) has no "
                "words of saying: an event with it needs a claim, by whom you read",
            )
            for one in more
        ]
    mentions = [
        _mention(article, request, _as_speaker(named, speakers.spoke), n)
        for n, named in enumerate(
            sorted([*names.all, *speakers.mentions], key=lambda named: (named.start, -named.end)), 1
        )
    ]
    document, runs = _document(article, request, sentences, names.all, found, known)
    records: list[AnyRecord] = [
        document,
        *runs,
        *names.new.values(),
        *speakers.new.values(),
        *events,
        *(one.claim for one in spoken),
        *mentions,
    ]
    return Proposal(
        records=tuple(records),
        dates=tuple(found),
        spoken=tuple(spoken),
        open=tuple(sorted(open_)),
    )


def _sentence_of(sentences: Sequence[tuple[int, int]], at: int) -> int:
    return min(bisect.bisect_right(sentences, at, key=lambda s: s[1]), len(sentences) - 1)


def _sentence(
    article: Article,
    request: Request,
    number: int,
    bounds: tuple[int, int],
    cues: Sequence[Cue],
    here: Sequence[DateFound],
    speakers: _Speakers,
    before: int,
) -> tuple[list[Spoken], list[DateFound], list[str]]:
    """Return a sentence's claims with an event each, dates that belong to none, what is open."""
    plain = article.plain
    candidates = speakers.candidates(*bounds, cues)
    guesses = [(cue, speakers.guess(cue, candidates)) for cue in cues]
    guesses = _without_absorbed(plain, request.language, guesses)
    guesses = [(cue, speakers.as_outlet(cue, who, guesses)) for cue, who in guesses]
    guesses, only_quoted = _without_nested(plain, request.language, guesses)
    outlets = [
        (cue, who)
        for cue, who in guesses
        if cue.act in ("reports", "says", "according-to") and len(who) == 1 and who[0].outlet
    ]
    others = [(cue, who) for cue, who in guesses if (cue, who) not in outlets]
    via: list[str] = []
    if others and outlets:  # "…, TASS reported": the outlet passes on what the others say
        guesses = others
        via = list(dict.fromkeys(speakers.key(who[0], number) for _, who in outlets))
    if any(cue.act == "cites" and who for cue, who in guesses):  # "an outlet, citing A, said"
        only_quoted += [cue for cue, who in guesses if not who and cue.act in ("says", "reports")]
        guesses = [(cue, who) for cue, who in guesses if cue not in only_quoted]
    unsaid = [
        f"words at {article.at(cue.start, cue.end)} are not proposed ({cue.act}: {cue.form}): "
        "only what somebody else says in this sentence"
        for cue in only_quoted
    ]
    sure = [s for s in candidates if s.key and (s.name or ":" not in s.key)]
    named = list(dict.fromkeys(s.name or s.key for s in sure))
    nobody = "no speaker was found" + (
        f"; names in the sentence: {', '.join(named)}" if named else ""
    )
    dated = [one for one in here if one.edtf and not _is_dateline(article, one)]
    times: dict[int, DateFound] = {}
    kept = {other for other, _ in guesses}
    said = [other for other in cues if other not in kept]  # what introduces a denial
    for n, (cue, _) in enumerate(guesses):
        for words in (cue, *(said if cue.stance != "affirms" else [])):
            if words.act in ("according-to", "cites"):
                continue
            one = _time_of(plain, request, words, dated)
            if one and one not in times.values():
                times[n] = one
                break
    rest = [one for one in dated if one not in times.values()]
    out: list[Spoken] = []
    quotes = _quotes(plain, request.language, *bounds)
    for n, (cue, who) in enumerate(guesses):
        key = f"{request.key}-e{before + n + 1:02}"
        event = _event(article, request, number, key, rest.pop(0) if rest else None)
        keys = list(dict.fromkeys(speakers.key(one, number) for one in who))
        shown = [v for v in via if v not in keys]
        claim = Claim(
            id=f"{request.key}-c{before + n + 1:02}",
            by=keys or ["unattributed"],
            about=key,
            via=shown,
            stance=cue.stance,  # type: ignore[arg-type]  # the table has stances
            modality=_modality(plain, request.language, cue),
            certainty="unstated",
            basis="none-stated",
            attribution="inferred" if keys else "stated",
            time=_time(request, times[n]) if n in times else None,
            evidence=[Evidence(sentence=number)],
            quoted=quotes if n == 0 else [],
            review="proposed",
            note=f"proposed for the words {article.at(cue.start, cue.end)} ({cue.act}: {cue.form}) "
            f"in sentence {number}; "
            + ("the speaker is a guess, the likeliest name in the sentence" if keys else nobody)
            + ("; via is a guess" if shown else ""),
        )
        out.append(Spoken(number, cue, claim, event))
    return out, rest, unsaid


def _without_absorbed(
    plain: str, language: str, guesses: list[tuple[Cue, list[_Speaker]]]
) -> list[tuple[Cue, list[_Speaker]]]:
    """Return the words of saying without those that only introduce a denial or the like.

    "said that there was no evidence" disputes the evidence; it does not affirm as well.
    """
    base = language.partition("-")[0]
    out, absorbed = [], {}
    for cue, who in guesses:
        absorbing = [
            other
            for other, whose in guesses
            if cue.stance == "affirms" != other.stance
            and cue.act not in ("according-to", "cites")
            and _only_introduces(plain, base, cue, other, who, whose)
        ]
        absorbed.update({other: who for other in absorbing if other not in absorbed and who})
        if not absorbing:
            out.append((cue, who))
    # What a denial lacks as a speaker, the words that introduced it have.
    return [(cue, who or absorbed.get(cue, [])) for cue, who in out]


_ITS_OWN: Final = re.compile(r"\s+(?:that\s+)?(?:it|they|we|I)\s")
"""What follows words of saying where the speaker goes on to speak of himself."""
_THAT: Final = re.compile(r",\s+что(?=\s)|(?<=\s)(?:যে|कि|that)(?=\s)")


def _only_introduces(
    plain: str,
    base: str,
    cue: Cue,
    other: Cue,
    who: Sequence[_Speaker],
    whose: Sequence[_Speaker],
) -> bool:
    """Return whether words of saying only introduce a denial or the like of the same speaker."""
    if base in clauses.LANGUAGES and other.start < cue.end:
        return False
    between = _THAT.sub(" ", plain[min(cue.end, other.end) : max(cue.start, other.start)])
    if base in ("bn", "hi") and cue.end <= other.start:
        between = between.lstrip(" ,")
    clause = _CLAUSE.get(base, "[,;:]").replace(r"|\bthat\b", "")
    if re.search(clause, between) or (whose and list(whose) != list(who)):
        return False
    own = bool(whose) or other.speaker == "nobody"
    return own or base not in clauses.LANGUAGES or bool(_ITS_OWN.match(plain, cue.end))


_ENDS: Final[Mapping[str, str]] = {
    "en": r"[;:“”\"]|,\s|\b(?:and|but)\b",
    "ru": r"[;:«»\"]|(?<!\S)(?:и|но|а)(?!\S)|,(?!\s+что\s)",
    "hi": r"[,;:“”\"]|(?<!\S)(?:और|लेकिन|मगर|तथा)(?!\S)",
    "bn": r"[,;:“”\"]|(?<!\S)(?:এবং|ও|কিন্তু|আর)(?!\S)",
    "ko": r"[,;:“”\"]|고(?=\s)",
}
"""What ends that which somebody says."""


def _without_nested(
    plain: str, language: str, guesses: list[tuple[Cue, list[_Speaker]]]
) -> tuple[list[tuple[Cue, list[_Speaker]]], list[Cue]]:
    """Return the words of saying without those inside what another one says, and these.

    "A said that B denied it" is a claim by A; that B denied it is only said by A. What an outlet
    passes on stays.
    """
    base = language.partition("-")[0]
    kept, nested = [], []
    for cue, who in guesses:
        around = [
            (other, whose)
            for other, whose in guesses
            if (
                other.stance == "affirms"
                or (base in clauses.LANGUAGES and other.speaker != "nobody")
            )
            and other != cue
            and not (len(whose) == 1 and whose[0].outlet)
            and (base in clauses.LANGUAGES or (who and who != whose))
            and _is_inside(plain, base, cue, other, who)
        ]
        if around:
            nested.append(cue)
        else:
            kept.append((cue, who))
    return kept, nested


def _is_inside(plain: str, base: str, cue: Cue, other: Cue, who: Sequence[_Speaker]) -> bool:
    """Return whether words of saying stand inside what others say."""
    if other.act == "seen-as" or other.act == "cites" or cue.act in ("according-to", "cites"):
        return False
    if other.act == "according-to":
        return True
    first, last = (cue, other) if base == "ko" else (other, cue)
    if not first.end <= last.start <= first.end + _FAR or (
        base == "ko" and plain[cue.end - 1] != "고"
    ):
        return False
    between = plain[first.end : last.start]
    if who and first.end <= who[0].start < last.start:
        between = f"{plain[first.end : who[0].start]} {plain[who[-1].end : last.start]}"
    if base in ("bn", "hi"):
        between = between.lstrip(" ,")
    return not re.search(_ENDS[base], between) and (base != "ru" or ", что " in between)


def _time_of(plain: str, request: Request, cue: Cue, here: Sequence[DateFound]) -> DateFound | None:
    """Return the date that stands nearest to some words of saying, in their clause and not after
    the reference date."""
    clause = _CLAUSE.get(request.language.partition("-")[0], "[,;:]")
    near = []
    for one in here:
        between = plain[min(cue.end, one.end) : max(cue.start, one.start)]
        if len(between) > _TIME_CHARACTERS or len(between.split()) > _TIME_WORDS:
            continue
        first = date_bounds(one.edtf)[0]
        if first and request.reference and first > request.reference.isoformat():
            continue  # what is said has been said
        if not re.search(clause, between):
            near.append((len(between), one.start, one))
    return min(near)[2] if near else None


def _modality(plain: str, language: str, cue: Cue) -> Literal["actual", "expected"]:
    """Return `expected` where the words after those of saying speak of the future only."""
    if not dates.supported(language):
        return "actual"
    towards, both = dates.tense(plain[cue.end : cue.end + 200].split("\n")[0], language, 0)
    return "expected" if towards == "future" and not both else "actual"


_QUOTE: Final = re.compile('[“"«「]([^“”"«»「」\n]{1,80})[”"»」]')
_BEFORE: Final = 200
"""Characters before a sentence in which a quotation may stand beside its first one."""
_APART: Final = 3
"""Words between two quotations that are both kept, at least."""


def _quotes(plain: str, language: str, start: int, end: int) -> list[Quote]:
    """Return what a sentence quotes in one to five words: the wording may be the fact.

    Of quotations beside each other the first is kept: together they would be the text.
    """
    out, last = [], -1
    for match in _QUOTE.finditer(plain, max(start - _BEFORE, 0), end):
        words = printable(match[1]).strip()
        if not is_short(words):
            continue
        apart = last < 0 or len(words_of(plain[last : match.start()])) >= _APART
        last = match.end()
        if apart and match.start() >= start:
            out.append(Quote(text=words, lang=language))
    return out


def _time(request: Request, one: DateFound) -> Time:
    return Time(
        edtf=one.edtf,
        rule=one.rule,
        reference=request.reference.isoformat() if request.reference and one.relative else None,
        reference_basis=request.reference_basis if request.reference and one.relative else None,
        part=one.part,
        certainty=one.certainty,
        wording=one.wording,
    )


def _event(
    article: Article, request: Request, number: int, key: str, one: DateFound | None
) -> Event:
    note = f"sentence {number}"
    if one:
        note += f"; the date stands at {article.at(one.start, one.end)}"
        note += f" ({one.why})" if one.why else ""
        note += "; that it is the time of this event is a guess"
    return Event(
        id=key,
        label={"en": f"{TODO}what sentence {number} describes, as a noun phrase"},
        type=UNKNOWN_TYPE,
        time=_time(request, one) if one else None,
        review="proposed",
        note=note,
    )


def _as_speaker(named: _Named, spoke: Mapping[tuple[int, int], str]) -> _Named:
    """Return a name with whom it means, where it is taken for a speaker and names a place."""
    key = spoke.get((named.start, named.end))
    if key is None or named.means or key == named.names:
        return named
    return msgspec.structs.replace(named, means=key, note=f"{named.note}; taken for a speaker")


def _mention(article: Article, request: Request, named: _Named, number: int) -> Mention:
    return Mention(
        id=f"{request.key}-m{number:03}",
        at=article.at(named.start, named.end),
        surface=article.plain[named.start : named.end],
        names=named.names,
        means=named.means,
        stem=named.stem,
        sha256=article.hash(named.start, named.end),
        review="proposed",
        note=named.note,
    )


def _is_dateline(article: Article, one: DateFound) -> bool:
    """Return whether a date is that of a dateline: near the start of the text, before a dash."""
    after = article.plain[one.end : one.end + 3]
    return one.start < 60 and one.rule != "weekday" and bool(re.match(r"\s*[–—-]", after))


def _document(
    article: Article,
    request: Request,
    sentences: Sequence[tuple[int, int]],
    names: Sequence[_Named],
    found: Sequence[tuple[int, DateFound]],
    registry: _Registry,
) -> tuple[Document, list[AnyRecord]]:
    """Return the document's record, and those of who proposed and who is to read."""
    key = request.key
    first = next((n for n in names if n.start <= sentences[0][0] + 1), None)
    place = None
    if (
        first
        and isinstance(registry.by_id.get(first.names), Place)
        and any(_is_dateline(article, one) for _, one in found)
    ):
        place = first.names
    url, archive_url, tool = (
        printable(text or "").strip() or None
        for text in (request.url, request.archive_url, request.tool)
    )
    captured = bool(url or archive_url)
    document = Document(
        id=key,
        identifier=printable(article.name) or key,
        title={"en": f"{TODO}what the document is about, in your own words"},
        language=request.language,
        sha256=article.sha256,
        characters=len(article.text),
        sentences=[
            Sentence(at=article.at(start, end), sha256=article.hash(start, end))
            for start, end in sentences
        ],
        reference_date=request.reference.isoformat() if request.reference else "TODO",
        reference_basis=request.reference_basis or "supplied-by-curator",
        dateline_place=place,
        publisher_unstated=f"{TODO}why the publisher is not known, or use publisher",
        custody=Custody(
            url=url,
            archive_url=archive_url,
            captured=request.captured,
            tool=tool,
            reason=None
            if captured
            else f"{TODO}where and when the text was captured, or why that is not known",
        ),
        extracted=f"{key}-proposal",
        reviewed=f"{key}-reading",
        review="proposed",
    )
    made: dict[str, Any] = {"basis": "own record", "as_of": request.today, "review": "proposed"}
    runs: list[AnyRecord] = [
        Run(
            id=f"{key}-proposal",
            type="extraction",
            agent=f"{key}-program",
            date=request.today,
            label={"en": f"Proposal of records for {key}"},
            method=f"{request.program} proposed names, dates and attributions by tables of words; "
            "speakers are guessed by their place in the sentence",
        ),
        Agent(
            id=f"{key}-program",
            type="SoftwareAgent",
            labels={"en": f"{request.program} (proposal for {key})"},
            description={
                "en": "A program. What it proposes counts when somebody has taken it over."
            },
            **made,
        ),
        Run(
            id=f"{key}-reading",
            type="review",
            agent=f"{key}-reader",
            date=request.today,
            label={"en": f"Reading of {key}"},
            method=f"{TODO}who read the article beside the proposal, and how",
        ),
        Agent(
            id=f"{key}-reader",
            type="Person",
            labels={"en": f"{TODO}who read it"},
            **made,
        ),
    ]
    return document, runs


# --- the file ---------------------------------------------------------------------------------

_HEAD: Final = """\
# A proposal for {key}. Nothing of it is published yet: `kg facts check` and `kg build` refuse the
# file as long as a record says `review: proposed`. For each record: complete what says TODO or
# todo, correct it, and write `review: drafted` (taken over) or `review: checked` (compared with
# the text), or delete the record. Speakers and times are guesses. Notes are not published.
# yaml-language-server: $schema=schema.json
"""
_SAFE: Final = re.compile(r"[A-Za-z0-9_./+][A-Za-z0-9_./+ ()-]*")
_WORDS: Final = frozenset(["true", "false", "null", "yes", "no", "on", "off", "~"])
_FLAT: Final = ("mention",)


def to_yaml(proposal: Proposal, key: str) -> str:
    """Return the text of the facts file: YAML, a record after the other, with what is left open."""
    parts = [_HEAD.format(key=key)]
    titles = {
        "document": "The text, and who proposed and who reads",
        "event": "What is described; each wants a label and a type",
        "claim": "Who says it: candidates, with guessed speakers",
        "mention": "Names in the text",
    }
    seen: set[str] = set()
    flat = False
    for n, record in enumerate(proposal.records):
        kind = kind_of(record)
        title = titles.get(kind)
        if kind in ("agent", "place") and n > 4:
            title = "Who and what is named or cited, and is in no registry"
        if title and title not in seen:
            seen.add(title)
            parts += ["\n", f"# --- {title} ---\n"]
            flat = False
        parts += [_record(record)] if kind in _FLAT and flat else ["\n", _record(record)]
        flat = kind in _FLAT
    if proposal.open:
        lines = "".join(f"# sentence {n}: {_comment(text)}\n" for n, text in proposal.open)
        parts += ["\n", f"# --- Left open ---\n{lines}"]
    return "".join(parts)


def plain_fields(record: AnyRecord) -> dict[str, Any]:
    """Return a record as plain values, without fields that have their default."""
    return {"kind": kind_of(record), **_plain(record)}


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        out = {}
        for field in msgspec.structs.fields(type(value)):
            item = getattr(value, field.name)
            default = field.default if field.default is not msgspec.NODEFAULT else None
            if field.default_factory is not msgspec.NODEFAULT:
                default = field.default_factory()
            if item != default:
                out[field.encode_name] = _plain(item)
        return out
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _record(record: AnyRecord) -> str:
    fields = plain_fields(record)
    first = ("kind", "id", "review")
    fields = {**{k: fields[k] for k in first if k in fields}, **fields}
    if kind_of(record) in _FLAT:
        return f"- {_flow(fields)}\n"
    lines = []
    for name, value in fields.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines.append(f"{name}:\n" + "\n".join(f"    - {_flow(item)}" for item in value))
        else:
            lines.append(f"{name}: {_flow(value)}")
    return "- " + "\n  ".join(lines) + "\n"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = printable(str(value))
    if _SAFE.fullmatch(text) and text.lower() not in _WORDS and text == text.strip():
        return text
    return json.dumps(text, ensure_ascii=False)


def _comment(text: str) -> str:
    return " ".join(printable(text).split())
