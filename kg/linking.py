"""Decisions on links to things outside: what is open, what is proposed, and what is decided.

Only decisions stand in the authority (`kg.link`). Proposals are written by a program into a file of
their own, which no build reads; a reviewer turns each into one row of the authority, or leaves it.

Spec: docs/reference/links.md
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from kg.errors import KgErrors, MappingError
from kg.facts import (
    Agent,
    Claim,
    Document,
    Entity,
    Event,
    FactSet,
    Mention,
    Place,
    Position,
    Relation,
    Thing,
    kind_of,
)
from kg.link import is_text, pair_errors, read_links, read_proposals, row_errors
from kg.linker import Candidate
from kg.names import fold
from kg.sssom import AGREEMENT, COLUMNS, EXACT, NO_TERM, PREDICATES, LinkRow, table

LINKER: Final = "kg:agent/linker"
"""Who makes proposals: a program, which no record of the facts describes."""
PROPOSALS: Final = ".proposals.sssom.tsv"
"""What the name of a file of proposals ends in; it is no input of a build (`kg.identity`)."""
TEMPORARY: Final = ".sssom.tsv.tmp"
"""What the name of a table ends in while it is written."""
_BY_HAND: Final = "semapv:ManualMappingCuration"
_BY_PROGRAM: Final = "semapv:BackgroundKnowledgeBasedMatching"
_CONFIDENCE: Final = {"match": "0.95", "near": "0.8", "refused": "0.99", "not-found": "0.9"}
_DOUBT: Final = "0.5"
_ALIKE: Final = 0.9
"""From here on names are so alike that an item of another kind is worth a decision too."""
_LEAST: Final = 0.7
"""Below this names are not so alike that anybody should look at them."""
REVISIT_DAYS: Final = 181
"""After so many days what was not found or not decided is looked at again."""

KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("person",), "person"),
    **dict.fromkeys(("state", "former state"), "state"),
    **dict.fromkeys(("city", "town", "region", "territory", "building"), "place"),
    **dict.fromkeys(("office",), "position"),
    **dict.fromkeys(("conflict", "occurrence"), "event"),
    **dict.fromkeys(("vehicle", "materiel", "programme", "measure", "work", "topic"), "thing"),
    **dict.fromkeys(
        (
            *("government", "government body", "ministry", "agency", "company"),
            *("political party", "news agency", "newspaper", "think tank", "armed group"),
            *("intergovernmental organ", "intergovernmental organisation", "organisation"),
            "unrecognised separatist entity",
        ),
        "organisation",
    ),
}
"""What an item can be, in a word, and which sort of record it can be an exact match of."""
_ALSO: Final[Mapping[str, str]] = {
    "subdivision": "region",
    "former territory": "territory",
    "historical state": "former state",
    "separatist entity": "unrecognised separatist entity",
    "armed force": "armed group",
}
"""Kinds that linkers and lexicons tell apart and tables of links do not."""
_NAMELESS: Final = ("UnnamedSource", "Group", "SoftwareAgent")
"""Agents that are nothing that others have an item for."""
_WHO: Final = ("Person", "SoftwareAgent")
"""Agents that can decide."""
_HINTS: Final = {
    "Person": "person",
    "State": "state",
    "GovernmentBody": "government",
    "NewsOrganization": "media",
    "Facility": "building",
}


_GENERIC: Final = frozenset(
    word
    for text in (
        "a an and at by for from in of on the to with de la le of",
        "government governments ministry minister ministers president presidency prime office",
        "department state states republic kingdom federation federal national democratic people s",
        "peoples united union council committee commission agency administration executive",
        "foreign defence defense affairs security armed forces army party general secretary",
        "official officials spokesperson spokesman organisation organization international",
        "সরকার সরকারের মন্ত্রণালয় মন্ত্রী রাষ্ট্রপতি প্রেসিডেন্ট প্রজাতন্ত্র ও এর জন্য",
        "सरकार मंत्रालय मंत्री राष्ट्रपति गणराज्य गणतंत्र और का के की के लिए",
    )
    for word in fold(text).split()
)
"""Words, folded, that many names have."""


Propose = Callable[[str, str, str], Sequence[Candidate]]
"""Returns candidates for a name: its words, their language, and a hint at what is named."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A record that may be linked: what it is called, and where the facts name it."""

    id: str
    kind: str
    sort: str
    type: str
    label: str
    labels: dict[str, tuple[str, ...]]
    description: str
    basis: str
    named_in: tuple[str, ...] = ()
    nameless: bool = False

    @property
    def curie(self) -> str:
        """Return its address in tables, e.g. `kg:agent/japan`."""
        return f"kg:{self.kind}/{self.id}"


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An item outside, as far as it is known; `names` are those in each language."""

    qid: str
    label: str = ""
    kind: str = ""
    names: dict[str, tuple[str, ...]] = {}


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What a reviewer says with a decision, and when.

    `program` is true where the reviewer is one: then nobody has reviewed what it decides.
    `overturn` is true where it is meant to replace what a person has decided.
    """

    reviewer: str
    day: str
    evidence: str
    comment: str = ""
    revisit: str = ""
    program: bool = False
    overturn: bool = False


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How far linking has come; lists are in the order of the subjects."""

    decisions: dict[str, int]
    kinds: dict[str, dict[str, int]]
    undecided: tuple[str, ...]
    unsure: tuple[LinkRow, ...]
    due: tuple[LinkRow, ...]
    unreviewed: int
    proposals: int
    unknown: tuple[LinkRow, ...]


# --- what can be linked ---------------------------------------------------------------------------


def subjects(facts: FactSet) -> dict[str, Subject]:
    """Return the agents, places, things, positions and events of the facts by their address.

    In the order of the addresses; what is withdrawn is left out. `nameless` is what nobody is asked
    to link: groups, programs, and persons whom no record names, such as who reviews.
    """
    named: dict[str, dict[str, None]] = {}
    for file in facts.files:
        for record in file.records:
            for key in _names(record):
                named.setdefault(key, {})[file.file] = None
    found = []
    for record, place in facts.records().values():
        if not isinstance(record, (Agent, Place, Thing, Position, Event)):
            continue
        if record.id in facts.by_id.file_of(record.id).withdrawn:
            continue
        labels = dict(record.label if isinstance(record, Event) else record.labels)
        variants = record.variants if isinstance(record, Entity) else {}
        words = {
            lang: (*([labels[lang]] if lang in labels else []), *variants.get(lang, ()))
            for lang in sorted({*labels, *variants})
        }
        found.append(
            Subject(
                id=record.id,
                kind=kind_of(record),
                sort=_sort(record),
                type=getattr(record, "type", "Position"),
                label=labels.get("en") or next(iter(labels.values())),
                labels=words,
                description=record.description.get("en", ""),
                basis=record.basis if isinstance(record, Entity) else "",
                named_in=tuple(named.get(record.id, {str(place): None})),
                nameless=isinstance(record, Agent)
                and (
                    record.type in _NAMELESS or (record.type == "Person" and record.id not in named)
                ),
            )
        )
    return {one.curie: one for one in sorted(found, key=lambda one: one.curie)}


def _names(record: object) -> Iterator[str]:
    """Yield the ids that a record of a text names."""
    if isinstance(record, Mention):
        yield from filter(None, (record.names, record.means))
    elif isinstance(record, Event):
        for one in record.participants:
            yield from filter(None, (one.who, one.named_as))
    elif isinstance(record, Relation):
        yield from filter(None, (record.subject, record.object))
    elif isinstance(record, Claim):
        yield from (*record.by, *record.via)
    elif isinstance(record, Document):
        yield from filter(None, (record.publisher, record.dateline_place))


def _sort(record: Agent | Place | Thing | Position | Event) -> str:
    """Return which sort of item can be the same as a record; see `KINDS`."""
    if isinstance(record, Agent):
        alone = {"Person": "person", "State": "state"}
        return alone.get(record.type, "" if record.type in _NAMELESS else "organisation")
    return kind_of(record)


def find_subject(known: Mapping[str, Subject], name: str) -> Subject:
    """Return the record of an id, or of an address such as `kg:agent/japan` or `agent/japan`.

    Raises:
        MappingError: the facts have none.
    """
    for one in known.values():
        if name in (one.id, one.curie, one.curie.removeprefix("kg:")):
            return one
    raise MappingError(
        "the facts have no such record that can be linked",
        where="SUBJECT",
        seen=name,
        expected="the id of an agent, place, thing, position or event, e.g. agent/japan",
        hint="see `kg link status --json` for those that are open",
    )


def fits(kind: str, subject: Subject) -> bool:
    """Return whether an item of a kind can be an exact match of a record.

    What stands after a semicolon in a kind is a note.
    """
    sort = KINDS.get(kind.partition(";")[0], "")
    # A state is an organisation too, and so its government can be what is meant by it.
    return bool(sort) and sort in (subject.sort, *(["organisation"] * (subject.sort == "state")))


def kind_of_item(text: str) -> str:
    """Return the kind of an item as tables of links name it.

    >>> kind_of_item("subdivision"), kind_of_item("state")
    ('region', 'state')
    """
    return _ALSO.get(text, text)


def against(item: Item, subject: Subject, rows: Iterable[LinkRow]) -> str:
    """Return what speaks against an item, in words; nothing where nothing is known."""
    found = []
    word = item.kind.partition(";")[0]
    if word == "building" and subject.kind == "agent":
        found.append("it is a building, and an agent never gets one")
    elif item.kind and not fits(item.kind, subject):
        found.append(f"it is of the kind {item.kind}, and this is of the class {subject.type}")
    for row in rows:
        if row.object_id == f"wd:{item.qid}" and row.published and row.predicate_id == EXACT:
            found.append(f"it is the exact match of {row.subject_id} already")
    return "; ".join(found)


def unlike(item: Item, subject: Subject) -> str:
    """Return that an item and a record have no word of their names in common; else nothing.

    Names are compared where both have some in one language. Words that many names have, as of and
    government, say nothing, but in a name that has no others.
    """
    names = {lang: some for lang, some in item.names.items() if some}
    if item.label:
        names["en"] = (*names.get("en", ()), item.label)
    common = sorted(set(names) & set(subject.labels))
    theirs = {word for lang in common for name in names[lang] for word in telling(name)}
    ours = {word for lang in common for name in subject.labels[lang] for word in telling(name)}
    if not theirs or not ours or theirs & ours:
        return ""
    return f"it is called {item.label or names[common[0]][0]}: no word is in common"


def telling(name: str) -> list[str]:
    """Return the words of a name that tell it from others; all, where it has no such words.

    >>> telling("The Government of Ghana"), telling("Ministry of Defence")
    (['ghana'], ['ministry', 'of', 'defence'])
    """
    words = fold(name).split()
    return [word for word in words if word not in _GENERIC] or words


# --- proposals ------------------------------------------------------------------------------------


def proposals_of(authority: Path) -> Path:
    """Return the file of the proposals that belong to an authority, beside it."""
    return authority.with_name(authority.name.removesuffix(".sssom.tsv") + PROPOSALS)


def is_open(subject: Subject, rows: Iterable[LinkRow]) -> bool:
    """Return whether it was not decided yet what a record is outside.

    What was only refused, or could not be decided, is open.
    """
    return not subject.nameless and not any(
        row.subject_id == subject.curie
        and (row.decision == "not-found" or (row.decision == "match" and row.predicate_id == EXACT))
        for row in rows
    )


def propose(
    wanted: Iterable[Subject],
    rows: Sequence[LinkRow],
    ask: Propose,
    limit: int = 5,
    items: Mapping[str, Item] = MappingProxyType({}),
) -> list[LinkRow]:
    """Return proposals for some records, sorted by subject, then the likeliest first.

    Pairs of which the authority says anything are not proposed again, and items of another kind
    only where the names are nearly the same. Equal arguments give equal rows: there is no date in
    them.

    Args:
        wanted: the records.
        rows: the authority.
        ask: the linker; it is asked for every name of a record, in every language.
        limit: how many candidates there may be for one record.
        items: what the lexicon knows of items.
    """
    decided = {(row.subject_id, row.object_id) for row in rows}
    found: list[LinkRow] = []
    for subject in wanted:
        best: dict[str, Candidate] = {}
        reasons: dict[str, dict[str, None]] = {}
        hint = _hint(subject)
        for lang, names in subject.labels.items():
            for name in names:
                for one in ask(name, lang, hint):
                    if (subject.curie, f"wd:{one.qid}") in decided:
                        continue
                    kind = kind_of_item(one.kind)
                    if kind and not fits(kind, subject) and float(one.score) < _ALIKE:
                        continue
                    score = float(one.score)
                    if score < _LEAST:
                        continue
                    known = items[one.qid].names.get(lang, ()) if one.qid in items else ()
                    if score < 1 and _only_generic(name, (one.label, *known)):
                        continue
                    reasons.setdefault(one.qid, {})[f"{name} ({lang}): {one.why}"] = None
                    if one.qid not in best or float(one.score) > float(best[one.qid].score):
                        best[one.qid] = one
        likely = sorted(best.values(), key=lambda one: (-float(one.score), int(one.qid[1:])))
        for one in likely[:limit]:
            item = Item(qid=one.qid, label=one.label, kind=kind_of_item(one.kind))
            exact = not item.kind or fits(item.kind, subject)
            found.append(
                LinkRow(
                    subject_id=subject.curie,
                    subject_label=_line(subject.label),
                    predicate_id=EXACT if exact else "skos:relatedMatch",
                    predicate_modifier="",
                    object_id=f"wd:{one.qid}",
                    object_label=_line(one.label),
                    object_kind=_line(item.kind),
                    mapping_justification="semapv:LexicalMatching",
                    author_id=LINKER,
                    reviewer_id="",
                    mapping_date="",
                    confidence=_plain_number(one.score),
                    evidence=_line("; ".join(reasons[one.qid])),
                    revisit_on="",
                    comment=_line(against(item, subject, rows)),
                )
            )
    return sorted(found, key=_likely_first)


def _only_generic(name: str, others: Iterable[str]) -> bool:
    """Return whether a name is like some others in words that many names have, and else not.

    >>> _only_generic("Government of China", ["Government of Ghana"])
    True
    >>> _only_generic("Government of Ukraine", ["Ukraine", "Government of the Ukraine"])
    False
    """
    mine = fold(name).split()
    alike = [words for other in others if _GENERIC & set(mine) & set(words := fold(other).split())]
    own = " ".join(word for word in mine if word not in _GENERIC)
    rests = [" ".join(word for word in words if word not in _GENERIC) for words in alike]
    return bool(rests) and not any(
        own == rest or SequenceMatcher(None, own, rest).ratio() >= _LEAST for rest in rests
    )


def _likely_first(row: LinkRow) -> tuple[str, float, int]:
    return row.subject_id, -float(row.confidence), int(row.object_id.removeprefix("wd:Q"))


def _hint(subject: Subject) -> str:
    """Return at what a linker is told that a record is."""
    if subject.kind == "position":
        return "office"
    if subject.kind == "event":
        return "conflict"
    organisation = "organisation" if subject.sort == "organisation" else ""
    return _HINTS.get(subject.type, organisation)


def _plain_number(text: str) -> str:
    """Return a number from 0 to 1 without trailing zeros.

    >>> _plain_number("0.80"), _plain_number("1.0"), _plain_number("0")
    ('0.8', '1', '0')
    """
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _line(text: str) -> str:
    """Return a text as one line of a table."""
    return "".join(char if is_text(char) else " " for char in text)


def _in_one_line(text: str) -> str:
    """Return what somebody typed, without the ends of its lines."""
    return re.sub(r"[ \t]*[\r\n]+[ \t]*", " ", text.strip())


_HEAD: Final = """\
#curie_map:
#  kg: https://chancery.example/id/
#  semapv: https://w3id.org/semapv/vocab/
#  skos: http://www.w3.org/2004/02/skos/core#
#  wd: http://www.wikidata.org/entity/
#mapping_set_id: https://w3id.org/chancery/mappings/wikidata-proposals
#mapping_set_title: Proposals of links to Wikidata, which nobody has decided
#license: https://creativecommons.org/licenses/by/4.0/
#comment: >-
#  Written by a program (kg link propose). These are no links: no build reads this file, and a row
#  means nothing before somebody has decided on it in the authority.
"""


def write_proposals(
    path: Path, rows: Sequence[LinkRow], only: Iterable[Subject] | None = None
) -> list[LinkRow]:
    """Write proposals into their file; return all that are in it then.

    Args:
        path: the file.
        rows: the proposals.
        only: the subjects whose proposals are replaced; by default all are.
    Raises:
        KgError: what is there cannot be read, or what is to be written could not be; it cannot be
            written.
    """
    with _locked(path):
        kept: list[LinkRow] = []
        if only is not None:
            again = {one.curie for one in only}
            kept = [row for row in read_proposals(path) if row.subject_id not in again]
        every = sorted([*kept, *rows], key=_likely_first)
        errors = [error for row in every for error in row_errors(row, proposed=True)]
        if errors:
            raise KgErrors(errors)
        _replace(path, _HEAD + table(every))
    return every


def forget(path: Path, subject: Subject) -> None:
    """Take the proposals of a record out of their file, if there is one.

    Raises:
        KgError: it cannot be read, or not be written.
    """
    if any(row.subject_id == subject.curie for row in read_proposals(path)):
        write_proposals(path, [], [subject])


# --- decisions ------------------------------------------------------------------------------------


class Authority:
    """The authority of links as a file that several reviewers may write.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[LinkRow]:
        """Return its rows; see `kg.link.read_links`."""
        return read_links(self.path)

    def write(
        self, subject: Subject, seen: Sequence[LinkRow], change: Callable[[list[LinkRow]], LinkRow]
    ) -> LinkRow:
        """Return the row that was written: one decision, with what it replaces taken out.

        The file is read again under a lock, so that rows which others wrote in the meantime stay.

        Args:
            subject: what is decided on.
            seen: the rows on which the decision was made.
            change: takes all rows as they are now, removes what its decision replaces, and returns
                the new row.
        Raises:
            MappingError: others decided on this subject since `seen` was read; the decision cannot
                be taken; the file cannot be read, or not be written.
        """
        with _locked(self.path):
            rows = self.read()
            now, then = (
                {_cells(row) for row in some if row.subject_id == subject.curie}
                for some in (rows, seen)
            )
            if now != then:
                others = sorted(now - then)
                raise MappingError(
                    "somebody else has decided on this in the meantime",
                    where=f"{self.path.name}, {subject.curie}",
                    seen="; ".join(" ".join(filter(None, one)) for one in others)
                    or "a row is gone",
                    expected="the rows that you were shown",
                    hint="look at it again; nothing was written",
                )
            old = list(rows)
            row = change(rows)
            errors = list(row_errors(row))
            errors += pair_errors([*rows, row])
            if errors:
                raise KgErrors(errors)
            gone = [one for one in old if all(one is not left for left in rows)]
            _replace(self.path, _edited(self.path, old, gone, row))
        return row


def _edited(path: Path, rows: Sequence[LinkRow], gone: Sequence[LinkRow], new: LinkRow) -> str:
    """Return the text of a table with some rows taken out and one put in; no other line changes.

    Raises:
        MappingError: the table has no column for what the new row says.
    """
    lines = re.split("(?<=\n)", path.read_bytes().decode())
    lines = [line for line in lines if line]
    number = {id(row): int(row.origin.rpartition(":")[2]) - 1 for row in rows}
    head = next(n for n, line in enumerate(lines) if line.strip() and not line.startswith("#"))
    columns = lines[head].rstrip("\r\n").split("\t")
    if new.reviewer_agreement and AGREEMENT not in columns:
        raise MappingError(
            "the table has no column for what could not be decided",
            where=f"{path.name}:{head + 1}",
            seen=" ".join(columns),
            expected=f"a last column {AGREEMENT}",
            hint=f"add it to line {head + 1}, and a tab to the end of every row below; nothing "
            "was written",
        )
    end = "\r\n" if lines[head].endswith("\r\n") else "\n"
    text = table([new], columns).split("\n", 1)[1].replace("\n", end)
    dropped = {number[id(row)] for row in gone}
    left = [row for row in rows if number[id(row)] not in dropped]
    after = next((number[id(row)] for row in left if row.order > new.order), None)
    if after is None:
        after = max((number[id(row)] for row in rows), default=head) + 1
    if after == len(lines) and not lines[-1].endswith("\n"):
        lines[-1] += end
    kept = [(n, line) for n, line in enumerate(lines) if n not in dropped]
    before = "".join(line for n, line in kept if n < after)
    return before + text + "".join(line for n, line in kept if n >= after)


def _cells(row: LinkRow) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in (*COLUMNS, AGREEMENT))


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other reviewers from writing into the folder of a file; the lock ends with us.

    Raises:
        MappingError: the folder or the file cannot be used.
    """
    try:
        folder = os.open(path.resolve().parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)
    except OSError as error:
        raise MappingError(
            f"the table cannot be written: {error.strerror}",
            where=str(path),
            expected="a file in a folder that you may write into",
            hint="nothing was written",
        ) from error


def _replace(path: Path, text: str) -> None:
    """Write a file at once or not at all; where it is a link, what it leads to.

    Raises:
        MappingError: it is there to be read only.
    """
    path = path.resolve()
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    if not mode & 0o222:
        raise MappingError(
            "the table is there to be read only",
            where=str(path),
            seen=f"mode {mode:o}",
            expected="a file that may be written",
            hint="nothing was written; change its mode (chmod u+w) if it is yours to change",
        )
    number, name = tempfile.mkstemp(TEMPORARY, f".{path.name}-", path.parent)
    try:
        with open(number, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def accept(rows: list[LinkRow], subject: Subject, item: Item, predicate: str, act: Act) -> LinkRow:
    """Return the row of a match; what it replaces is taken out of the rows.

    A pair has one decision, so that another predicate replaces the one that stands there. An equal
    match that nobody has reviewed is confirmed: it keeps its author, and what it rests on. So is
    one that is due to be looked at again.

    Raises:
        MappingError: the record or the item has another exact match; the item is of a kind that
            cannot be an exact match of the record, or of none that is known; the match is there;
            somebody has decided otherwise (see `Act.overturn`).
    """
    _must_be_known(predicate)
    old = _of_pair(rows, subject, item.qid)
    there = old if _says(old, "match", predicate) else None
    kind = item.kind or (old.object_kind if old else "")
    if predicate == EXACT:
        _must_fit(subject, Item(qid=item.qid, label=item.label, kind=kind))
        _must_be_one_to_one(rows, subject, item)
    missed = _missed(rows, subject) if predicate == EXACT else None
    if there is not None:
        _must_be_new(there, act, "`reject` takes a match back")
        _must_be_replaceable(missed, act)
        _take_out(rows, filter(None, (there, missed)))
        return msgspec.structs.replace(
            _confirmed(there, act),
            object_label=there.object_label or item.label,
            object_kind=there.object_kind or item.kind,
            revisit_on=act.revisit,
        )
    act = _instead(rows, (old, missed), act)
    confidence = _CONFIDENCE["match" if predicate == EXACT else "near"]
    return _row(subject, predicate, _with(item, old), act, confidence)


def reject(rows: list[LinkRow], subject: Subject, item: Item, predicate: str, act: Act) -> LinkRow:
    """Return the row of a refusal; what was decided of the same pair is taken out.

    Raises:
        MappingError: no such predicate; the refusal is there; somebody has decided otherwise (see
            `Act.overturn`).
    """
    _must_be_known(predicate)
    old = _of_pair(rows, subject, item.qid)
    if old is not None and _says(old, "refused", predicate):
        _must_be_new(old, act, "`accept` takes a refusal back")
        _take_out(rows, [old])
        return msgspec.structs.replace(_confirmed(old, act), revisit_on=act.revisit)
    act = _instead(rows, (old,), act)
    known = _with(item, old)
    return _row(subject, predicate, known, act, _CONFIDENCE["refused"], modifier="Not")


def doubt(rows: list[LinkRow], subject: Subject, item: Item, predicate: str, act: Act) -> LinkRow:
    """Return the row that says that a pair was looked at and could not be decided.

    Raises:
        MappingError: no such predicate; the pair is decided.
    """
    _must_be_known(predicate)
    old = _of_pair(rows, subject, item.qid)
    if old is not None and not old.unsure:
        raise MappingError(
            "this pair is decided",
            where=old.origin,
            seen=f"{old.decision}: {subject.curie} {old.predicate_id} wd:{item.qid}",
            expected="a pair that nobody has decided",
            hint="use reject, if the match is wrong",
        )
    act = _instead(rows, (old,), act)
    row = _row(subject, predicate, _with(item, old), act, _DOUBT)
    return msgspec.structs.replace(
        row, reviewer_agreement="0", revisit_on=act.revisit or later(act.day)
    )


def not_found(rows: list[LinkRow], subject: Subject, act: Act) -> LinkRow:
    """Return the row that says that a record was looked for, and no item was found.

    One that nobody has reviewed is confirmed.

    Raises:
        MappingError: it has an exact match; this is there, and not due to be looked at again.
    """
    for row in rows:
        if row.subject_id == subject.curie and row.published and row.predicate_id == EXACT:
            raise MappingError(
                "this has an exact match",
                where=row.origin,
                seen=f"{subject.curie} {row.object_id}",
                expected="a record without one",
                hint="reject that one first, if it is wrong",
            )
    old = _missed(rows, subject)
    again = act.revisit or later(act.day)
    if old is not None:
        _must_be_new(old, act, "`accept` says what was found")
        _take_out(rows, [old])
        return msgspec.structs.replace(_confirmed(old, act), revisit_on=again)
    row = _row(subject, EXACT, None, act, _CONFIDENCE["not-found"])
    return msgspec.structs.replace(row, revisit_on=again)


def _must_be_known(predicate: str) -> None:
    if predicate not in PREDICATES:
        raise MappingError(
            "no such predicate", where="--predicate", seen=predicate, expected=" ".join(PREDICATES)
        )


def _of_pair(rows: Iterable[LinkRow], subject: Subject, qid: str) -> LinkRow | None:
    """Return the row of a record and an item: there is one at most (`kg.link.pair_errors`)."""
    pair = (subject.curie, f"wd:{qid}")
    return next((row for row in rows if (row.subject_id, row.object_id) == pair), None)


def _missed(rows: Iterable[LinkRow], subject: Subject) -> LinkRow | None:
    """Return the row that says that a record was looked for, and not found."""
    pair = (subject.curie, NO_TERM)
    return next((row for row in rows if (row.subject_id, row.object_id) == pair), None)


def _says(row: LinkRow | None, decision: str, predicate: str) -> bool:
    return row is not None and (row.decision, row.predicate_id) == (decision, predicate)


def _must_be_new(row: LinkRow, act: Act, hint: str) -> None:
    """Raise where an act says again what somebody has reviewed, and it is not due."""
    due = bool(row.revisit_on) and row.revisit_on <= act.day
    if act.program or (row.reviewer_id and not due):
        words = f", reviewed by {row.reviewer_id}" if row.reviewer_id else ""
        raise MappingError(
            "this decision is in the authority already",
            where=row.origin,
            seen=f"{row.decision}: {row.subject_id} {row.predicate_id} {row.object_id}{words}",
            expected="a decision that is new",
            hint=f"nothing was written; {hint}",
        )


def _must_be_replaceable(row: LinkRow | None, act: Act) -> None:
    """Raise where an act may not replace what stands there."""
    if row is None or not row.reviewer_id:
        return
    seen = (
        f"{row.decision}: {row.subject_id} {row.predicate_id} {row.object_id}, reviewed by "
        f"{row.reviewer_id} on {row.mapping_date}"
    )
    if act.program:
        raise MappingError(
            "a program does not replace what somebody has reviewed",
            where=row.origin,
            seen=seen,
            expected="a reviewer who is a person",
            hint="nothing was written",
        )
    if row.decision in ("match", "refused") and not act.overturn:
        raise MappingError(
            "somebody has decided otherwise",
            where=row.origin,
            seen=seen,
            expected="a pair that nobody has reviewed",
            hint="nothing was written; --overturn replaces it, and keeps in the remark what it was",
        )


def _instead(rows: list[LinkRow], old: Iterable[LinkRow | None], act: Act) -> Act:
    """Return an act with what it replaces of others in its remark; that is taken out.

    Raises:
        MappingError: it may not replace it.
    """
    gone = [row for row in old if row is not None]
    for row in gone:
        _must_be_replaceable(row, act)
    _take_out(rows, gone)
    before = [
        f"before: {row.decision} {row.predicate_id}, by {row.reviewer_id}, on {row.mapping_date}"
        for row in gone
        if row.reviewer_id
    ]
    return msgspec.structs.replace(act, comment="; ".join(filter(None, (act.comment, *before))))


def _confirmed(row: LinkRow, act: Act) -> LinkRow:
    """Return a row with who has looked at it now, and on what evidence."""
    return msgspec.structs.replace(
        row,
        reviewer_id=act.reviewer,
        mapping_date=act.day,
        evidence=_joined(row.evidence, act.evidence),
        comment=_joined(row.comment, act.comment),
    )


def _with(item: Item, row: LinkRow | None) -> Item:
    """Return an item with what a row knows of it besides."""
    if row is None:
        return item
    return Item(
        qid=item.qid, label=item.label or row.object_label, kind=item.kind or row.object_kind
    )


def later(day: str) -> str:
    """Return the day on which what was not decided is looked at again.

    >>> later("2026-11-21")
    '2027-05-21'
    """
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days=REVISIT_DAYS)).isoformat()


def _row(
    subject: Subject,
    predicate: str,
    item: Item | None,
    act: Act,
    confidence: str,
    *,
    modifier: str = "",
) -> LinkRow:
    return LinkRow(
        subject_id=subject.curie,
        subject_label=_line(subject.label),
        predicate_id=predicate,
        predicate_modifier=modifier,
        object_id=f"wd:{item.qid}" if item else NO_TERM,
        object_label=_line(item.label) if item else "",
        object_kind=item.kind if item else "",
        mapping_justification=_BY_PROGRAM if act.program else _BY_HAND,
        author_id=act.reviewer,
        reviewer_id="" if act.program else act.reviewer,
        mapping_date=act.day,
        confidence=confidence,
        evidence=act.evidence,
        revisit_on=act.revisit,
        comment=act.comment,
        origin=f"{subject.curie}, the new row",
    )


def _take_out(rows: list[LinkRow], gone: Iterable[LinkRow]) -> None:
    for row in gone:
        rows.remove(row)


def _joined(old: str, new: str) -> str:
    return "; ".join(filter(None, (old, new)))


def _must_be_one_to_one(rows: Iterable[LinkRow], subject: Subject, item: Item) -> None:
    for row in rows:
        if row.predicate_id != EXACT or not row.published:
            continue
        mine, its = row.subject_id == subject.curie, row.object_id == f"wd:{item.qid}"
        if mine != its:
            what = "this record" if mine else "this item"
            raise MappingError(
                f"{what} has an exact match already",
                where=row.origin,
                seen=f"{row.subject_id} {EXACT} {row.object_id}",
                expected="exact matches that are one to one",
                hint="use --predicate skos:closeMatch, or reject the other one first",
            )


def _must_fit(subject: Subject, item: Item) -> None:
    word = item.kind.partition(";")[0]
    if word == "building" and subject.kind == "agent":
        raise MappingError(
            "an agent never gets an exact match to a building",
            where=subject.curie,
            seen=f"wd:{item.qid} {item.label}, {item.kind}",
            expected="the government or body that is meant, or a place as the subject",
            hint="use --predicate skos:relatedMatch; the building is a place of its own",
        )
    if word not in KINDS:
        raise MappingError(
            "it is not known what the item is" if not word else "no such kind of item",
            where=f"wd:{item.qid}",
            seen=item.kind or "nothing",
            expected=", ".join(KINDS),
            hint="say it with --kind, once you have looked at the item",
        )
    if not fits(item.kind, subject):
        raise MappingError(
            "an item of this kind cannot be an exact match of this record",
            where=subject.curie,
            seen=f"wd:{item.qid}, {item.kind}; the record is of the class {subject.type}",
            expected=", ".join(kind for kind in KINDS if fits(kind, subject)),
            hint="use another predicate, or correct the class of the record",
        )


# --- how far it is --------------------------------------------------------------------------------


def status(
    known: Mapping[str, Subject], rows: Sequence[LinkRow], proposals: Sequence[LinkRow], today: str
) -> Status:
    """Return how far linking has come.

    Args:
        known: what can be linked, from `subjects`.
        rows: the authority.
        proposals: those that are there.
        today: `YYYY-MM-DD`, for what is to be looked at again.
    """
    decided = {(row.subject_id, row.object_id) for row in rows}
    kinds: dict[str, Counter[str]] = {}
    for row in rows:
        if row.subject_id in known:
            kind = known[row.subject_id].kind
            kinds.setdefault(kind, Counter())[row.decision] += 1
    unsure = tuple(sorted((row for row in rows if row.unsure), key=lambda row: row.order))
    undecided = tuple(
        one.curie for one in known.values() if one.kind != "event" and is_open(one, rows)
    )
    for curie in undecided:
        kinds.setdefault(known[curie].kind, Counter())["undecided"] += 1
    return Status(
        decisions=dict(sorted(Counter(row.decision for row in rows).items())),
        kinds={kind: dict(sorted(some.items())) for kind, some in sorted(kinds.items())},
        undecided=undecided,
        unsure=unsure,
        due=tuple(row for row in rows if row.revisit_on and row.revisit_on <= today),
        unreviewed=sum(not row.reviewer_id for row in rows),
        proposals=sum((row.subject_id, row.object_id) not in decided for row in proposals),
        unknown=tuple(row for row in rows if row.subject_id not in known),
    )


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One thing for a reviewer to decide: a record, a row that is proposed, and what is known.

    `stands` is true where the row is one of the authority, which nobody has reviewed or which is
    due to be looked at again.
    """

    subject: Subject
    row: LinkRow
    against: str
    decided: tuple[LinkRow, ...]
    """What the authority says of the record already."""
    stands: bool = False

    @property
    def item(self) -> Item:
        """Return the item that is proposed; without a number where none was found."""
        return _item_of(self.row)

    @property
    def key(self) -> tuple[str, str]:
        """Return what tells it from others."""
        return self.row.subject_id, self.row.object_id

    @property
    def offered(self) -> tuple[str, ...]:
        """Return which of `DECISIONS` there are on it, in their order."""
        if self.row.decision == "not-found":
            return ("not-found",)
        if self.stands and not self.row.unsure:
            return tuple(name for name in DECISIONS if name not in ("unsure", "not-found"))
        return tuple(DECISIONS)

    def confirms(self, what: str) -> bool:
        """Return whether a decision says again what stands there."""
        if not self.stands:
            return False
        row = self.row
        if row.decision == "match":
            return DECISIONS.get(what) == row.predicate_id
        return what == {"refused": "reject"}.get(row.decision, row.decision)

    def overturns(self, what: str) -> bool:
        """Return whether a decision says something else than what a person has decided."""
        reviewed = self.stands and self.row.reviewer_id != ""
        return reviewed and self.row.decision in ("match", "refused") and not self.confirms(what)


def _item_of(row: LinkRow) -> Item:
    qid = "" if row.object_id == NO_TERM else row.object_id.removeprefix("wd:")
    return Item(qid=qid, label=row.object_label, kind=row.object_kind)


def tasks(
    known: Mapping[str, Subject],
    rows: Sequence[LinkRow],
    proposals: Sequence[LinkRow],
    *,
    unreviewed: bool = False,
    today: str = "",
    items: Mapping[str, Item] = MappingProxyType({}),
) -> list[Task]:
    """Return what there is to decide, sorted by subject.

    Args:
        known: what can be linked.
        rows: the authority.
        proposals: from their file; those that were decided since are left out.
        unreviewed: instead of proposals and of what is due, rows of the authority that nobody has
            reviewed.
        today: rows that are to be looked at again on this day, or before, are there too.
        items: what the lexicon knows of items.
    """
    decided = {(row.subject_id, row.object_id) for row in rows}
    if unreviewed:
        standing = [row for row in rows if not row.reviewer_id]
        proposed: list[LinkRow] = []
    else:
        standing = [row for row in rows if row.revisit_on and row.revisit_on <= today]
        proposed = [row for row in proposals if (row.subject_id, row.object_id) not in decided]
    wanted = [(row, True) for row in sorted(standing, key=lambda row: row.order)]
    wanted += [(row, False) for row in proposed]
    found = []
    for row, stands in sorted(wanted, key=lambda one: one[0].subject_id):
        if row.subject_id not in known:
            continue
        subject = known[row.subject_id]
        others = [one for one in rows if one is not row]
        item = told(_item_of(row), items)
        problems = [against(item, subject, others), unlike(item, subject)] if item.qid else []
        found.append(
            Task(
                subject=subject,
                row=row,
                against="; ".join(filter(None, problems)),
                decided=tuple(one for one in rows if one.subject_id == row.subject_id),
                stands=stands,
            )
        )
    return found


def told(item: Item, items: Mapping[str, Item]) -> Item:
    """Return an item with what the lexicon knows of it; its kind is what the lexicon says.

    Args:
        item: as somebody takes it for.
        items: from `kg.witness.read_known`.
    """
    known = items.get(item.qid)
    if known is None:
        return item
    return Item(
        qid=item.qid,
        label=item.label or known.label,
        kind=known.kind or item.kind,
        names=known.names,
    )


def as_json(value: Any) -> Any:
    """Return rows, subjects and so on as plain values for JSON."""
    return msgspec.to_builtins(value)


def reviewer_of(facts: FactSet, name: str) -> tuple[str, bool]:
    """Return a reviewer as tables name them, and whether it is a program.

    Args:
        facts: in which they are an agent.
        name: the id, or `kg:agent/<id>`.
    Raises:
        MappingError: they are not among the agents, or neither a person nor a program.
    """
    key = name.removeprefix("kg:").removeprefix("agent/")
    found = facts.by_id.get(key)
    if not isinstance(found, Agent):
        raise MappingError(
            "no agent of the facts is called so",
            where="--reviewer",
            seen=name or "nothing",
            expected="the id of an agent that describes you",
            hint="add a record of yourself to the registry: a person, with a label and a basis",
        )
    if found.type not in _WHO:
        raise MappingError(
            "only a person or a program decides",
            where="--reviewer",
            seen=f"{key}, of the class {found.type}",
            expected=" or ".join(_WHO),
        )
    return f"kg:agent/{key}", found.type == "SoftwareAgent"


# --- reviewing ------------------------------------------------------------------------------------

DECISIONS: Final[Mapping[str, str]] = {
    "exact": EXACT,
    "close": "skos:closeMatch",
    "broad": "skos:broadMatch",
    "related": "skos:relatedMatch",
    "reject": "",
    "unsure": "",
    "not-found": "",
}
"""What a reviewer can say of a task, and the predicate of the match if it is one."""


class Review:
    """One reviewer at work: what is left to decide, and each decision as a row of the authority.

    Args:
        facts: what can be linked, and the reviewer among its agents.
        authority: the file of decisions.
        reviewer: the id of the reviewer.
        day: today, `YYYY-MM-DD`.
        unreviewed: whether rows of the authority that nobody has reviewed are worked through,
            instead of proposals and of what is due.
        items: what the lexicon knows of items.
    Raises:
        MappingError: the facts do not know the reviewer.
    """

    def __init__(
        self,
        facts: FactSet,
        authority: Path,
        reviewer: str,
        day: str,
        *,
        unreviewed: bool = False,
        items: Mapping[str, Item] = MappingProxyType({}),
    ) -> None:
        self.authority = Authority(authority)
        self.proposals = proposals_of(authority)
        self.subjects = subjects(facts)
        self.reviewer, self.program = reviewer_of(facts, reviewer)
        self.day = day
        self.unreviewed = unreviewed
        self.items = items

    def tasks(self) -> list[Task]:
        """Return what is left to decide, as the files are now.

        Raises:
            KgError: one of them cannot be read.
        """
        rows = self.authority.read()
        proposed = [] if self.unreviewed else read_proposals(self.proposals)
        return tasks(
            self.subjects,
            rows,
            proposed,
            unreviewed=self.unreviewed,
            today=self.day,
            items=self.items,
        )

    def status(self) -> Status:
        """Return how far linking has come, as the files are now."""
        proposed = read_proposals(self.proposals)
        return status(self.subjects, self.authority.read(), proposed, self.day)

    def decide(
        self,
        task: Task,
        what: str,
        evidence: str,
        *,
        comment: str = "",
        kind: str = "",
        revisit: str = "",
        overturn: bool = False,
    ) -> LinkRow:
        """Return the row of a decision, which is in the authority then.

        Args:
            task: what is decided, as the reviewer was shown it.
            what: one of `DECISIONS`.
            evidence: what it rests on.
            comment: a remark.
            kind: what the item is, in a word, if not what the task says; a building stays one.
            revisit: when to look again, `YYYY-MM-DD`.
            overturn: whether it is meant to replace what a person has decided.
        Raises:
            MappingError: it cannot be decided so; the authority says why.
        """
        act = Act(
            reviewer=self.reviewer,
            day=self.day,
            evidence=_in_one_line(evidence),
            comment=_in_one_line(comment),
            revisit=revisit,
            program=self.program,
            overturn=overturn,
        )
        if what not in task.offered:
            raise MappingError(
                "no such decision",
                where=task.row.object_id,
                seen=what,
                expected=" ".join(task.offered),
            )
        if kind and kind not in KINDS:
            raise MappingError("no such kind of item", seen=kind, expected=", ".join(KINDS))
        item, predicate = told(task.item, self.items), task.row.predicate_id
        if kind and item.kind.partition(";")[0] != "building":  # whatever it stands for
            item = msgspec.structs.replace(item, kind=kind)

        def change(rows: list[LinkRow]) -> LinkRow:
            if what == "reject":
                refused = predicate if task.stands else EXACT
                return reject(rows, task.subject, item, refused, act)
            if what == "unsure":
                return doubt(rows, task.subject, item, predicate, act)
            if what == "not-found":
                return not_found(rows, task.subject, act)
            return accept(rows, task.subject, item, DECISIONS[what], act)

        row = self.authority.write(task.subject, task.decided, change)
        if what == "not-found":
            forget(self.proposals, task.subject)
        return row
