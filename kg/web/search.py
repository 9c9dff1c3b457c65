"""Searches the labels of a release: any script, whole words and beginnings of words.

The index is the file `labels.sqlite` of the release, made by the build; it is opened read-only and
never written. What is searched is folded as what was indexed: `kg.names.fold`.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kg.errors import QueryError
from kg.names import fold

LONGEST: Final = 200
"""Characters of a search text that are looked at."""
WORDS: Final = 12
PARTS: Final = ("participation", "quantity", "record", "span", "time")
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
    statement = """
        SELECT lang FROM labels WHERE lang != '' GROUP BY lang ORDER BY COUNT(*) DESC, lang"""
    return [tag for (tag,) in _rows(index, statement, [])]


def search(index: Path, text: str, *, kind: str = "", limit: int = 50, offset: int = 0) -> Hits:
    """Return what has a label with all words of `text`, each whole or as the beginning of a word.

    Labels equal to the text come first, then those that begin with it, then the best matches; one
    hit for each thing. Without words: the things of `kind` by label.

    Args:
        index: `labels.sqlite` of a release.
        kind: only this kind of data address (agent, event, …) or `term`; empty for all but `PARTS`.
        limit, offset: which part of what was found.
    Raises:
        QueryError: the index is missing or cannot be read.
    """
    found = words(text)
    where, values = ["1"], []
    if found:
        where.append("labels MATCH ?")
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
    rank = "bm25(labels)" if found else "0"
    statement = f"""
        SELECT iri, kind, class, label, lang FROM (
            SELECT iri, kind, class, label, lang, folded, preferred,
                folded = ? AS equal, substr(folded, 1, ?) = ? AS begins, {rank} AS score
            FROM labels WHERE {" AND ".join(where)})
        ORDER BY equal DESC, begins DESC, preferred DESC, score, length(folded), folded, iri, lang
        LIMIT ?"""
    # Several labels of one thing may match, so more rows are read than things are wanted.
    rows_wanted = 8 * (offset + limit + 1)
    rows = _rows(index, statement, [folded, len(folded), folded, *values, rows_wanted])
    hits: dict[str, Hit] = {}
    for iri, hit_kind, hit_class, label, lang in rows:
        hits.setdefault(iri, Hit(iri, hit_kind, hit_class, label, lang))
    page = tuple(hits.values())[offset : offset + limit]
    return Hits(page, len(hits) > offset + limit)


def _rows(index: Path, statement: str, values: Sequence[object]) -> list[Any]:
    """Return what the index answers.

    Raises:
        QueryError: it is missing or cannot be read.
    """
    try:
        database = sqlite3.connect(f"{index.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            return database.execute(statement, values).fetchall()
        finally:
            database.close()
    except sqlite3.Error as error:
        raise QueryError(
            f"the index of labels cannot be searched: {error}",
            where=str(index),
            hint="check the release with `kg release verify`",
        ) from error
