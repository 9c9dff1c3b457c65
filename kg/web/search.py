"""Searches the labels of a release: any script, whole words and beginnings of words.

The index is made by the build; it is opened read-only and never written. Beside it there may be one
of what changed since it was made, which knows better. What is searched is folded as what was
indexed: `kg.names.fold`.
"""

from __future__ import annotations

import contextlib
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kg.errors import QueryError
from kg.manifest import LABELS_CHANGED
from kg.names import fold

LONGEST: Final = 200
"""Characters of a search text that are looked at."""
WORDS: Final = 12
PARTS: Final = ("notice", "participation", "quantity", "record", "span", "time")
"""Kinds that are parts of something else: found only where they are asked for."""


@dataclass(frozen=True)
class Hit:
    """One thing that was found, and the label by which it was found."""

    iri: str
    kind: str
    type: str
    label: str
    lang: str


@dataclass(frozen=True)
class Hits:
    """A page of what was found; `more` says whether there are further ones."""

    hits: tuple[Hit, ...]
    more: bool


def words(text: str) -> tuple[str, ...]:
    """Return the words of a search text, folded; marks belong to words, punctuation does not.

    >>> words("  Kim-Jong  UN? ")
    ('kim', 'jong', 'un')
    """
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in fold(text[:LONGEST]))
    return tuple(kept.split()[:WORDS])


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


def search(index: Path, text: str, *, kind: str = "", limit: int = 50, offset: int = 0) -> Hits:
    """Return what has a label with all words of `text`, each whole or as the beginning of a word.

    Labels equal to the text come first, then those that begin with it, then the shortest ones; one
    hit for each thing. Without words: the things of `kind` by label.

    Args:
        index: the index of labels of a release; one of what changed since may lie beside it.
        kind: only this kind of data address (agent, event, …) or `term`; empty for all but `PARTS`.
        limit, offset: which part of what was found.
    Raises:
        QueryError: the index is missing or cannot be read.
    """
    found = words(text)
    where, values = [], []
    if found:
        where.append("l.labels MATCH ?")
        values.append("folded : (" + " AND ".join(f'"{word}" *' for word in found) + ")")
    if kind:
        where.append("kind = ?")
        values.append(kind)
    else:
        where.append(f"kind NOT IN ({', '.join('?' * len(PARTS))})")
        values.extend(PARTS)
    if not found:
        where.append("preferred = 1")
    folded = fold(text[:LONGEST])
    tables = _tables(index)
    matching = " UNION ALL ".join(
        f"SELECT iri, kind, class, label, lang, folded, preferred FROM {table} AS l "
        f"WHERE {' AND '.join(where)} {right}"
        for table, right in tables.items()
    )
    statement = f"""
        SELECT iri, kind, class, label, lang FROM (
            SELECT *, folded = ? AS equal, substr(folded, 1, ?) = ? AS begins FROM ({matching}))
        ORDER BY equal DESC, begins DESC, preferred DESC, length(folded), folded, iri, lang
        LIMIT ?"""
    # Several labels of one thing may match, so more rows are read than things are wanted.
    rows_wanted = 8 * (offset + limit + 1)
    bound = [folded, len(folded), folded, *values * len(tables), rows_wanted]
    rows = _rows(index, statement, bound)
    hits: dict[str, Hit] = {}
    for iri, hit_kind, hit_class, label, lang in rows:
        hits.setdefault(iri, Hit(iri, hit_kind, hit_class, label, lang))
    page = tuple(hits.values())[offset : offset + limit]
    return Hits(page, len(hits) > offset + limit)


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
