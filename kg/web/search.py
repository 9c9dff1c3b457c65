"""Searches the labels of a release in any script: exact, by words, by beginnings, and by likeness.

The index is made by the build; it is opened read-only and never written. Beside it there may be one
of what changed since it was made, which knows better. What is searched is folded as what was
indexed: `kg.names.fold`; a release of before that has no words to compare, and is searched as then.

Spec: docs/reference/release.md, "The index of labels"
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import sys
import unicodedata
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from kg.errors import QueryError
from kg.manifest import LABELS_CHANGED
from kg.names import (
    errors_allowed,
    fold,
    form_number,
    joined,
    loosen,
    pairs_of_units,
    plain,
    stems,
    units,
)

LONGEST: Final = 200
"""Characters of a search text that are looked at."""
WORDS: Final = 12
PARTS: Final = ("notice", "participation", "quantity", "record", "span", "time")
"""Kinds that are parts of something else: found only where they are asked for."""
FEW: Final = 5
"""Things found by their own words below which similar ones are looked for."""
SIMILAR: Final = 50
"""Similar things that are found at most."""
COUNTED: Final = 20_000
"""Labels that are looked at for the numbers of things of each kind."""
WORDS_COMPARED: Final = 6
"""Words of a search text for which others are found that are like them."""
CANDIDATES: Final = 300
"""Words of the release that are compared with one of the search text."""
ALIKE: Final = 24
"""Words of the release that one of the search text is taken for at most."""
ROWS_COMPARED: Final = 500
FORMS: Final = 400
"""Forms of one name that are looked up at most."""


@dataclass(frozen=True)
class Hit:
    """One thing that was found, and the label by which it was found.

    `similar` says that no label of it has the words that were searched, only such as are like them;
    `preferred` that the label is the name by which the thing is shown, and no other name.
    """

    iri: str
    kind: str
    type: str
    label: str
    lang: str
    similar: bool = False
    preferred: bool = False


@dataclass(frozen=True)
class Hits:
    """A page of what was found; `more` says whether there are further ones.

    `kinds` and `classes` say how many things of each kind and class there are for the text,
    whichever were asked for; `counted` whether these are all, or only those in the first labels.
    """

    hits: tuple[Hit, ...]
    more: bool
    kinds: Mapping[str, int] = field(default_factory=dict)
    classes: Mapping[str, int] = field(default_factory=dict)
    counted: bool = True


def words(text: str) -> tuple[str, ...]:
    """Return the words of a search text, folded.

    >>> words("  Kim-Jong  UN? ")
    ('kim', 'jong', 'un')
    """
    return _printable(fold(text[:LONGEST]).split())


def _printable(found: Sequence[str]) -> tuple[str, ...]:
    # The query language of FTS5 ends at NUL, and half of a surrogate pair is no text.
    some = (word for word in found if not _UNSEARCHABLE & set(map(unicodedata.category, word)))
    return tuple(some)[:WORDS]


_UNSEARCHABLE: Final = frozenset(("Cc", "Cs"))


def label_languages(index: Path) -> list[str]:
    """Return the language tags of the labels of a release, the most frequent one first.

    Raises:
        QueryError: the index is missing or cannot be read.
    """
    found: Counter[str] = Counter()
    for table, right in _tables(index).items():
        statement = f"SELECT lang, COUNT(*) FROM {table} WHERE lang != '' {right} GROUP BY lang"
        found.update(dict(_rows(index, statement, [])))
    return sorted(found, key=lambda tag: (-found[tag], tag))


def search(
    index: Path, text: str, *, kind: str = "", class_: str = "", limit: int = 50, offset: int = 0
) -> Hits:
    """Return what has a label with all words of `text`, each whole or as the beginning of a word.

    Labels written like the text come first, then those that are folded like it, then those with all
    words whole, then the shortest ones; one hit for each thing. Where fewer than `FEW` are found,
    those follow with words that are like those of `text`: the fewer errors, the earlier. Without
    words: the things of `kind` by label. The order is the same every time.

    Args:
        index: the index of labels of a release; one of what changed since may lie beside it.
        kind: only this kind of data address (agent, event, …) or `term`; empty for all but `PARTS`.
        class_: only this class, as an IRI; empty for all.
        limit, offset: which part of what was found.
    Raises:
        QueryError: the index is missing or cannot be read.
    """
    with _opened(index) as database:
        asked = _Asked(database, _tables(index), text)
        if text.strip() and not asked.words:
            return Hits((), False)
        kinds, classes, counted = asked.counts(kind)
        hits = asked.direct(kind, class_, offset + limit + 1)
        if asked.words and counted and sum(kinds.values()) < FEW:
            known = {hit.iri for hit in asked.direct(kind if kind in PARTS else "", "", FEW)}
            further = [hit for hit in asked.similar(kind) if hit.iri not in known]
            kinds.update(Counter(hit.kind for hit in further))
            classes.update(Counter(h.type for h in further if not kind or h.kind == kind))
            hits += [h for h in further if kind in ("", h.kind) and class_ in ("", h.type)]
        page = tuple(hits[offset : offset + limit])
        return Hits(page, len(hits) > offset + limit, kinds, classes, counted)


def suggest(index: Path, text: str, *, kind: str = "", limit: int = 10) -> tuple[Hit, ...]:
    """Return what `search` would for a text that is still being written: its last word may go on.

    Args:
        index, kind: as for `search`.
        limit: how many at most.
    Raises:
        QueryError: the index is missing or cannot be read.
    """
    with _opened(index) as database:
        asked = _Asked(database, _tables(index), text)
        if not asked.words:
            return ()
        hits = asked.direct(kind, "", limit)
        if len(hits) < min(limit, FEW):
            known = {hit.iri for hit in hits}
            found = asked.similar(kind, typing=True)
            hits += [h for h in found if h.iri not in known and kind in ("", h.kind)]
        return tuple(hits[:limit])


class Sought(NamedTuple):
    """A text, and of which kinds of data address and which classes is what it may be found for.

    Args:
        kinds: without any, nothing is found.
        classes: IRIs; none for every class.
    """

    text: str
    kinds: Sequence[str]
    classes: Sequence[str] = ()


def candidates(
    index: Path, texts: Iterable[Sought], *, limit: int, typing: bool = False
) -> Iterator[tuple[Hit, ...]]:
    """Yield for each of several texts what `search` finds of some kinds; `suggest`, if `typing`.

    The index is opened once for all of them, and one text is searched when its answer is asked for.
    Nothing similar is looked for where a label is written like the text, unless `typing`.

    Args:
        index: as for `search`.
        limit: how many at most for each text.
        typing: the last word of each text may go on.
    Raises:
        QueryError: the index is missing or cannot be read.
    """
    with _opened(index) as database:
        tables = _tables(index)
        for text, kinds, some in texts:
            asked = _Asked(database, tables, text)
            searched = bool(asked.words and kinds)
            hits = asked.direct(kinds, some, limit) if searched else []
            there = not typing and any(plain(hit.label) == plain(text) for hit in hits)
            if searched and not there and len(hits) < min(limit, FEW):
                known = {hit.iri for hit in hits}
                hits += [
                    hit
                    for hit in asked.similar("", typing=typing)
                    if hit.iri not in known and hit.kind in kinds and (not some or hit.type in some)
                ]
            yield tuple(hits[:limit])


def called(
    index: Path, names: Iterable[tuple[Collection[str], Sequence[str], Sequence[str]]]
) -> Iterator[tuple[Hit, ...]]:
    """Yield what has a label that is folded to one of several forms, for each set of forms.

    A thing is there once for each such label; a release whose index has no forms yet has none.

    Args:
        index: as for `search`.
        names: each with folded forms, kinds of data address and classes, as in `Sought`.
    Raises:
        QueryError: the index is missing or cannot be read.
    """
    with _opened(index) as database:
        asked = _Asked(database, _tables(index), "")
        for forms, kinds, some in names:
            found = asked.has_forms and any(forms) and kinds
            yield tuple(asked.called(forms, kinds, some)) if found else ()


def classes(index: Path) -> dict[str, frozenset[str]]:
    """Return the classes of what can be found, each with the kinds of data address that it is of.

    Raises:
        QueryError: the index is missing or cannot be read.
    """
    matching = " UNION ".join(
        f"SELECT class, kind FROM {table} WHERE class != '' {right}"
        for table, right in _tables(index).items()
    )
    found: dict[str, set[str]] = {}
    for class_, kind in _rows(index, matching, []):
        found.setdefault(class_, set()).add(kind)
    return {class_: frozenset(kinds) for class_, kinds in sorted(found.items())}


class _Asked:
    """A search text, and the open index that it is looked up in.

    Args:
        database: the index, with the one of what changed since, if there is one.
        tables: as `_tables` returns them.
    """

    def __init__(self, database: sqlite3.Connection, tables: Mapping[str, str], text: str) -> None:
        self._database = database
        self._tables = tables
        there = [
            {name for (name,) in database.execute(f"SELECT name FROM {schema}.sqlite_master")}
            for schema in dict.fromkeys(table.split(".")[0] for table in tables)
        ]
        self.compares = "words" in there[0]
        self.has_forms = all("forms" in some for some in there)
        # Half of a pair of UTF-16 is no character, and SQLite takes none.
        self._text = text[:LONGEST].encode("utf-8", "replace").decode()
        if self.compares:
            self.words = words(text)
            self._folded = " ".join(self.words)
        else:
            kept = (c if unicodedata.category(c)[0] in "LMN" else " " for c in plain(self._text))
            self.words = _printable("".join(kept).split())
            self._folded = plain(self._text)
        self._joined = joined(self._folded) or self._folded
        database.create_function("plain", 1, plain, deterministic=True)

    def direct(
        self, kind: str | Sequence[str], class_: str | Sequence[str], limit: int
    ) -> list[Hit]:
        """Return what has all words, each whole or as the beginning of a word.

        Args:
            kind, class_: one, or several of which each will do.
        """
        where, values = self._conditions(self._expression(), kind, class_)
        columns = "iri, kind, class, label, lang, folded, preferred"
        whole, equal, given = "1", "folded = ?", [self._folded]
        if self.compares:
            equal, given = "folded = ? OR joined = ?", [self._folded, self._joined]
        matching: list[str] = []
        bound: list[object] = []
        for table, right in self._tables.items():
            if self.words:
                whole = f"rowid IN (SELECT rowid FROM {table} WHERE {_name(table)} MATCH ?)"
                bound.append("folded : (" + " AND ".join(map(_quoted, self.words)) + ")")
            matching.append(
                f"SELECT {columns}, {equal} AS equal, {whole} AS whole "
                f"FROM {table} AS l WHERE {where} {right}"
            )
            # In the order of their marks: the condition of `equal` stands before that of `whole`.
            bound[len(bound) - bool(self.words) : len(bound) - bool(self.words)] = given
            bound.extend(values)
        statement = f"""
            SELECT iri, kind, class, label, lang, preferred
            FROM ({" UNION ALL ".join(matching)})
            ORDER BY CASE WHEN equal THEN plain(label) = ? END DESC, equal DESC, whole DESC,
                substr(folded, 1, ?) = ? DESC, preferred DESC, length(folded), folded, iri, lang
            LIMIT ?"""
        # Several labels of one thing may match, so more rows are read than things are wanted.
        bound += [plain(self._text), len(self._folded), self._folded, 8 * limit]
        hits: dict[str, Hit] = {}
        for row in self._database.execute(statement, bound):
            hits.setdefault(row[0], _hit(row))
        return list(hits.values())[:limit]

    def called(
        self, forms: Collection[str], kind: Sequence[str], class_: Sequence[str]
    ) -> list[Hit]:
        """Return what has a label that is folded to one of some forms, the first by label."""
        some = sorted(one for one in forms if one and _printable(one.split()))[:FORMS]
        where, values = self._among(kind, class_)
        marks = ", ".join("?" * len(some))
        matching = " UNION ALL ".join(
            "SELECT iri, kind, class, label, lang, folded, preferred "
            f"FROM {table.split('.')[0]}.forms CROSS JOIN {table} AS l ON l.rowid = forms.entry "
            f"WHERE form IN ({marks}) AND (folded IN ({marks}) OR joined IN ({marks})) "
            f"AND {where} {right}"
            for table, right in self._tables.items()
        )
        statement = (
            f"SELECT iri, kind, class, label, lang, preferred FROM ({matching}) "
            "ORDER BY preferred DESC, folded, iri, lang LIMIT ?"
        )
        numbers = map(form_number, some)
        bound = [*(*numbers, *some, *some, *values) * len(self._tables), ROWS_COMPARED]
        return [_hit(row, similar=True) for row in self._database.execute(statement, bound)]

    def counts(self, kind: str) -> tuple[Counter[str], Counter[str], bool]:
        """Return how many things have all words, by kind and by class, and whether these are all.

        The classes are those of `kind`, if there is one.
        """
        where, values = self._conditions(self._expression(), kind if kind in PARTS else "", "")
        matching = " UNION ALL ".join(
            f"SELECT iri, kind, class FROM {table} AS l WHERE {where} {right}"
            for table, right in self._tables.items()
        )
        found: set[tuple[str, str, str]] = set()
        read = 0
        bound = [*values * len(self._tables), COUNTED + 1]
        for row in self._database.execute(f"{matching} LIMIT ?", bound):
            read += 1
            found.add(row)
        kinds = Counter(one[1] for one in found)
        classes = Counter(one[2] for one in found if not kind or one[1] == kind)
        return kinds, classes, read <= COUNTED

    def similar(self, kind: str, *, typing: bool = False) -> list[Hit]:
        """Return what has words that are like those asked for, the fewest errors first.

        Those with the words themselves are among them, and those of other kinds than `kind`.
        """
        if not self.compares:
            return []
        # A short word is like too many others; beside further words it is not alone to decide.
        least = 1 if len(self.words) > 1 else 0
        options = [
            self._like(word, least, typing=typing and number == len(self.words))
            for number, word in enumerate(self.words[:WORDS_COMPARED], 1)
        ]
        options += [{} for _ in self.words[WORDS_COMPARED:]]
        at_once = self._like(self._joined) if len(self.words) > 1 and self._joined else {}
        if not (any(options) or at_once):
            return []
        each = (
            "(" + " OR ".join([f"{_quoted(word)} *", *map(_quoted, like)]) + ")"
            for word, like in zip(self.words, options, strict=True)
        )
        expression = "folded : (" + " AND ".join(each) + ")"
        if at_once:
            expression += " OR folded : (" + " OR ".join(map(_quoted, at_once)) + ")"
        where, values = self._conditions(expression, kind if kind in PARTS else "", "")
        columns = "iri, kind, class, label, lang, folded, preferred"
        matching = " UNION ALL ".join(
            f"SELECT {columns} FROM {table} AS l WHERE {where} {right}"
            for table, right in self._tables.items()
        )
        statement = f"SELECT * FROM ({matching}) ORDER BY length(folded), folded, iri, lang LIMIT ?"
        bound = [*values * len(self._tables), ROWS_COMPARED]
        known = [
            {one: 0 if one.startswith(word) else errors for one, errors in like.items()}
            for word, like in zip(self.words, options, strict=True)
        ]
        ranked: list[tuple[int, int, int, str, list[str]]] = []
        for *row, folded, preferred in self._database.execute(statement, bound):
            there = folded.split()
            errors = sum(map(_fewest, self.words, known, itertools.repeat(there)))
            for one in there if at_once else ():
                errors = min(errors, at_once.get(one, _MANY) + 1)
            if errors <= max(2, len(self.words)):
                ranked.append((errors, -preferred, len(folded), folded, row))
        ranked.sort()
        hits: dict[str, Hit] = {}
        for *_, found in ranked:
            iri, of_kind, of_class, label, lang = found
            hits.setdefault(iri, Hit(iri, of_kind, of_class, label, lang, similar=True))
        return list(hits.values())[:SIMILAR]

    def _expression(self) -> str:
        """Return the words in the query language of FTS5; empty without words."""
        if not self.words:
            return ""
        found = "folded : (" + " AND ".join(f"{_quoted(word)} *" for word in self.words) + ")"
        if self.compares and self._joined:
            found += f" OR {{folded joined}} : {_quoted(self._joined)} *"
        return found

    def _conditions(
        self, expression: str, kind: str | Sequence[str], class_: str | Sequence[str]
    ) -> tuple[str, list[str]]:
        """Return the conditions on the rows of a table, and their values."""
        among, values = self._among(kind, class_)
        if expression:
            return f"l.labels MATCH ? AND {among}", [expression, *values]
        return f"preferred = 1 AND {among}", values

    @staticmethod
    def _among(kind: str | Sequence[str], class_: str | Sequence[str]) -> tuple[str, list[str]]:
        """Return the conditions on the kind and class of rows of a table, and their values."""
        where: list[str] = []
        values: list[str] = []
        if kind:
            some = [kind] if isinstance(kind, str) else kind
            where.append(f"kind IN ({', '.join('?' * len(some))})")
            values.extend(some)
        else:
            where.append(f"kind NOT IN ({', '.join('?' * len(PARTS))})")
            values.extend(PARTS)
        if class_:
            some = [class_] if isinstance(class_, str) else class_
            where.append(f"class IN ({', '.join('?' * len(some))})")
            values.extend(some)
        return " AND ".join(where), values

    def _like(self, word: str, least: int = 0, *, typing: bool = False) -> dict[str, int]:
        """Return words of the release that are like a folded word, with their errors; not itself.

        Args:
            least: errors that are allowed in the shortest words too, of two letters or more.
            typing: the word may go on.
        """
        found: dict[str, int] = {}
        loose = loosen(word)
        letters, allowed = units(loose), errors_allowed(word)
        if len(letters) > 1:
            allowed = max(allowed, least)
        grams = pairs_of_units(loose)
        ahead = typing and errors_allowed(word) > 0
        if ahead:
            grams.discard(letters[-1] + " ")
        # An error spoils two pairs of letters, and three where two letters changed places.
        wanted = max(1, len(grams) - 3 * allowed)
        marks = ", ".join("?" * len(grams))
        for schema in dict.fromkeys(table.split(".")[0] for table in self._tables):
            counts: Counter[int] = Counter()
            statement = f"SELECT words FROM {schema}.grams WHERE gram IN ({marks})"
            for (packed,) in self._database.execute(statement, sorted(grams)):
                numbers = array("I", packed)
                if sys.byteorder == "big":
                    numbers.byteswap()
                counts.update(numbers)
            near = [number for number, count in counts.items() if count >= wanted]
            near.sort(key=lambda number: (-counts[number], number))
            near = near[:CANDIDATES]
            statement = (
                f"SELECT word FROM {schema}.words WHERE id IN ({', '.join('?' * len(near))})"
            )
            for (one,) in self._database.execute(statement, near):
                if one != word:
                    errors = distance(letters, _letters(one), allowed, beginning=ahead)
                    if errors <= allowed:
                        found[one] = errors
        for stem in stems(word):
            found.setdefault(stem, 0)
        best = sorted(found.items(), key=lambda item: (item[1], len(item[0]), item[0]))
        return dict(best[:ALIKE])


def _hit(row: Sequence[Any], *, similar: bool = False) -> Hit:
    iri, kind, class_, label, lang, preferred = row
    return Hit(iri, kind, class_, label, lang, similar, bool(preferred))


_MANY: Final = 99


def _fewest(word: str, known: dict[str, int], there: Sequence[str]) -> int:
    """Return with how few errors one of the words of a label is the one asked for.

    Args:
        known: errors of words; what is found out of others is added.
    """
    fewest = _MANY
    for one in there:
        errors = known.get(one)
        if errors is None:
            errors = known[one] = 0 if one.startswith(word) else _MANY
        fewest = min(fewest, errors)
    return fewest


@lru_cache(maxsize=1 << 14)
def _letters(word: str) -> tuple[str, ...]:
    """Return the letters of a loosened word: of the same few words they are asked for often."""
    return tuple(units(loosen(word)))


def _quoted(word: str) -> str:
    """Return a word as a string of the query language of FTS5."""
    return '"' + word.replace('"', '""') + '"'


def _name(table: str) -> str:
    return table.split(".")[1]


def distance(
    one: Sequence[str], other: Sequence[str], most: int, *, beginning: bool = False
) -> int:
    """Return how many letters have to be added, left out, changed or swapped with the next one.

    No letter is touched twice. Of more than `most` it only says that it is more.

    Args:
        beginning: compare with that beginning of `other` that is most like `one`.

    >>> distance("putin", "puitn", 2), distance("lavrov", "lavrof", 2), distance("kim", "peskov", 1)
    (1, 1, 2)
    >>> distance("vladw", "vladivostok", 1, beginning=True)
    1
    """
    if len(one) - len(other) > most or (len(other) - len(one) > most and not beginning):
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, another in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != another))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == another:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return min(min(last) if beginning else last[-1], most + 1)


def listing(index: Path, kind: str = "") -> Iterator[Hit]:
    """Yield what `search` finds without words, all of it: the things of `kind`, or of every kind.

    Raises:
        QueryError: the index is missing or cannot be read.
    """
    matching = " UNION ALL ".join(
        f"SELECT iri, kind, class, label, lang, folded FROM {table} "
        f"WHERE preferred = 1 {'AND kind = ?' if kind else ''} {right}"
        for table, right in _tables(index).items()
    )
    statement = (
        f"SELECT iri, kind, class, label, lang FROM ({matching}) "
        "ORDER BY length(folded), folded, iri, lang"
    )
    seen: set[str] = set()
    bound = [kind] * len(_tables(index)) if kind else []
    with _opened(index) as database:
        for row in database.execute(statement, bound):
            if row[0] not in seen:
                seen.add(row[0])
                yield Hit(*row)


def addresses(index: Path, most: int) -> list[str]:
    """Return the IRIs of the things that have a name of their own, sorted; at most so many.

    Raises:
        QueryError: the index is missing or cannot be read.
    """
    parts = ", ".join("?" * len(PARTS))
    matching = " UNION ".join(
        f"SELECT iri FROM {table} WHERE preferred = 1 AND kind NOT IN ('', 'term', {parts}) {right}"
        for table, right in _tables(index).items()
    )
    bound = [*PARTS * len(_tables(index)), most]
    return [iri for (iri,) in _rows(index, f"{matching} ORDER BY iri LIMIT ?", bound)]


def kinds(index: Path) -> dict[str, int]:
    """Return how many things of each kind `listing` yields, by kind.

    Raises:
        QueryError: the index is missing or cannot be read.
    """
    matching = " UNION ALL ".join(
        f"SELECT iri, kind FROM {table} WHERE preferred = 1 {right}"
        for table, right in _tables(index).items()
    )
    statement = f"SELECT kind, COUNT(DISTINCT iri) FROM ({matching}) GROUP BY kind ORDER BY kind"
    return dict(_rows(index, statement, []))


def _tables(index: Path) -> dict[str, str]:
    """Return the tables of labels, each with the condition under which it is right."""
    if (index.parent / Path(LABELS_CHANGED).name).exists():
        return {
            "main.labels": "AND iri NOT IN (SELECT iri FROM changed.gone)",
            "changed.labels": "",
        }
    return {"main.labels": ""}


def _rows(index: Path, statement: str, values: Sequence[object]) -> list[Any]:
    """Return what the index answers.

    Raises:
        QueryError: it is missing or cannot be read.
    """
    with _opened(index) as database:
        return database.execute(statement, values).fetchall()


@contextlib.contextmanager
def _opened(index: Path) -> Iterator[sqlite3.Connection]:
    """Open the index, with the one of what changed since.

    Raises:
        QueryError: it is missing or cannot be read.
    """
    try:
        database = sqlite3.connect(f"{index.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            changed = index.parent / Path(LABELS_CHANGED).name
            if changed.exists():
                address = f"{changed.resolve().as_uri()}?mode=ro&immutable=1"
                database.execute("ATTACH ? AS changed", [address])
            yield database
        finally:
            database.close()
    except sqlite3.Error as error:
        raise QueryError(
            f"the index of labels cannot be searched: {error}",
            where=str(index),
            hint="check the release with `kg release verify`",
        ) from error
