"""Writes the full-text index of labels.

Spec: docs/reference/release.md, "The index of labels"
"""

from __future__ import annotations

import re
import sqlite3
import sys
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from kg.context import Terms
from kg.names import fold, form_number, joined, loosen, pairs_of_units
from kg.serialise import TYPE, Pairs, read_literal
from kg.vocab import CH, RDFS, SKOS


def relabelled(path: Path) -> set[str]:
    """Return the things of which a further index knows better, as N-Triples tokens.

    Without that index there are none.

    Raises:
        sqlite3.Error: it cannot be read.
    """
    if not path.exists():
        return set()
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        return {f"<{iri}>" for (iri,) in database.execute("SELECT iri FROM gone")}
    finally:
        database.close()


class Row(NamedTuple):
    """A wording of a label of a thing in a language, as the table has it."""

    iri: str
    kind: str
    type: str
    language: str
    label: str
    preferred: int
    folded: str
    joined: str


class Wording:
    """Finds the labels among what is known of things.

    Args:
        base_iri: what our addresses begin with.
        terms: tell the most specific class.
        names: further properties whose values are labels, as N-Triples tokens.
    """

    _PREFERRED: Final[Mapping[str, int]] = {
        f"<{RDFS}label>": 1,
        f"<{SKOS}prefLabel>": 1,
        f"<{SKOS}altLabel>": 0,
    }

    def __init__(self, base_iri: str, terms: Terms, names: Iterable[str]) -> None:
        self._preferred = {**dict.fromkeys(names, 1), **self._PREFERRED}
        self._kind = re.compile(re.escape(f"{base_iri}id/") + "([a-z]+)/")
        self._terms = terms
        self._rank: dict[str, tuple[int, bool, str]] = {}

    def rows(self, subject: str, pairs: Pairs) -> list[Row]:
        """Return the labels of one subject, if it has an address: a row for each wording."""
        if subject[0] == "_":
            return []
        found: dict[tuple[str, str], int] = {}
        for p, o in pairs:
            if p in self._preferred and o[0] == '"':
                text, language, datatype = read_literal(o)
                if not datatype:
                    key = language, text
                    found[key] = max(self._preferred[p], found.get(key, 0))
        if not found:
            return []
        iri = subject[1:-1]
        match = self._kind.match(iri)
        kind = match[1] if match else "term" if iri.startswith(CH) else ""
        types = [o[1:-1] for p, o in pairs if p == TYPE and o[0] == "<"]
        best = min(types, key=self._specific, default="")
        rows = []
        for (language, text), preferred in sorted(found.items()):
            folded = fold(text)
            rows.append(Row(iri, kind, best, language, text, preferred, folded, joined(folded)))
        return rows

    def _specific(self, iri: str) -> tuple[int, bool, str]:
        """Return what sorts the most specific class first, our own before others."""
        if iri not in self._rank:
            self._rank[iri] = (-self._terms.depth(iri), not iri.startswith(CH), iri)
        return self._rank[iri]


class Labels:
    """The full-text index of labels: an SQLite file with the FTS5 table `labels`.

    The table `words` has each word of the labels, `grams` the words that have two letters in a row:
    with them what is like a word is found without reading all words. `forms` tells which labels are
    folded to a form, or are it without spaces.

    Args:
        path: a file that is not there.
        gone: makes it a further index beside another one: the things, as N-Triples tokens, of which
            this one knows better; they stand in its table `gone`.
    """

    def __init__(self, path: Path, gone: Iterable[str] | None = None) -> None:
        self._rows: list[Row] = []
        self._written = 0
        self._gone = gone
        self._database = sqlite3.connect(path, isolation_level=None)

    def __enter__(self) -> Labels:
        self._database.execute("PRAGMA page_size = 4096")
        self._database.execute("PRAGMA journal_mode = OFF")
        # What is folded has nothing but words in it, with spaces between them. To `ascii` whatever
        # is not ASCII belongs to a word; `unicode61` knows the scripts of 2012 only.
        self._database.execute(
            "CREATE VIRTUAL TABLE labels USING fts5("
            "iri UNINDEXED, kind UNINDEXED, class UNINDEXED, lang UNINDEXED, label UNINDEXED, "
            "preferred UNINDEXED, folded, joined, tokenize = ascii)"
        )
        self._database.execute("BEGIN")
        if self._gone is not None:
            self._database.execute("CREATE TABLE gone (iri TEXT PRIMARY KEY) WITHOUT ROWID")
            rows = ((token[1:-1],) for token in sorted(self._gone))
            self._database.executemany("INSERT INTO gone VALUES (?)", rows)
        self._database.execute(
            "CREATE TABLE forms (form INTEGER, entry INTEGER, PRIMARY KEY (form, entry)) "
            "WITHOUT ROWID"
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self._flush()
                self._database.execute("INSERT INTO labels(labels) VALUES ('optimize')")
                self._index_words()
                self._database.execute("COMMIT")
                self._database.execute("VACUUM")
        finally:
            self._database.close()

    def add(self, rows: Iterable[Row]) -> None:
        """Add some labels."""
        self._rows += rows
        if len(self._rows) > 10_000:
            self._flush()

    def _flush(self) -> None:
        marks = "?, " * 8 + "?"
        self._database.executemany(
            "INSERT INTO labels (iri, kind, class, lang, label, preferred, folded, joined, rowid) "
            f"VALUES ({marks})",
            ((*row, number) for number, row in enumerate(self._rows, self._written + 1)),
        )
        self._database.executemany(
            "INSERT INTO forms VALUES (?, ?)",
            (
                (form_number(form), number)
                for number, (*_, folded, together) in enumerate(self._rows, self._written + 1)
                for form in {folded, together}
                if form
            ),
        )
        self._written += len(self._rows)
        self._rows.clear()

    def _index_words(self) -> None:
        """Write the words of all labels, and which of them have two letters in a row."""
        run = self._database.execute
        run("CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL)")
        run("CREATE TABLE grams (gram TEXT PRIMARY KEY, words BLOB NOT NULL) WITHOUT ROWID")
        run("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab('main', 'labels', 'col')")
        grams: dict[str, array[int]] = {}
        found = run("SELECT term FROM temp.vocabulary WHERE col = 'folded' ORDER BY term")
        for (word,) in found.fetchall():
            if len(word) > _LONGEST or word.isdecimal():
                continue
            number = run("INSERT INTO words (word) VALUES (?)", [word]).lastrowid or 0
            for gram in pairs_of_units(loosen(word)):
                grams.setdefault(gram, array("I")).append(number)
        run("DROP TABLE temp.vocabulary")
        if sys.byteorder == "big":
            for numbers in grams.values():
                numbers.byteswap()
        rows = ((gram, numbers.tobytes()) for gram, numbers in sorted(grams.items()))
        self._database.executemany("INSERT INTO grams VALUES (?, ?)", rows)


_LONGEST: Final = 40
"""Characters of a word for which others are found that are like it."""
