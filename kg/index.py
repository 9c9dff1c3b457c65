"""What a build remembers of its facts, so that the next one costs what changed.

A file beside the releases, `.build/facts.sqlite`: the records of every facts file as they were
read, which records of other files each looked at while it was mapped, and what it wrote into graphs
that are not its own. It is of one release; of any other it tells nothing. It may be deleted.

Spec: docs/decisions/0012-incremental-builds.md
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
import zstandard

from kg.facts import AnyRecord, Document, FactFile, FactSet, Origin

FOLDER: Final = ".build"
_FILE: Final = "facts.sqlite"
_SCHEMA: Final = """
CREATE TABLE release (id TEXT NOT NULL);
CREATE TABLE file (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, records INTEGER NOT NULL, content BLOB
);
CREATE TABLE record (id TEXT PRIMARY KEY, file INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE looked (id TEXT, file INTEGER, PRIMARY KEY (id, file)) WITHOUT ROWID;
CREATE TABLE shared (line BLOB, file INTEGER, PRIMARY KEY (line, file)) WITHOUT ROWID;
CREATE TABLE minted (
    address BLOB, identity BLOB, file INTEGER, PRIMARY KEY (address, file)
) WITHOUT ROWID;
CREATE INDEX minted_file ON minted (file);
CREATE INDEX record_file ON record (file);
CREATE INDEX looked_file ON looked (file);
CREATE INDEX shared_file ON shared (file);
"""
_SOME: Final = 500


class Remembered(msgspec.Struct, frozen=True):
    """What is remembered of a mapping, by the name of the file."""

    looked: Mapping[str, Iterable[str]]
    shared: Mapping[str, Iterable[bytes]]
    minted: Mapping[str, Iterable[tuple[bytes, bytes]]]


class _Content(msgspec.Struct, frozen=True, array_like=True):
    records: list[AnyRecord]
    lines: list[int]


class Index:
    """The index of the facts of one release; finds records of files that are not read again.

    Args:
        releases: the folder of releases.
        release: the id of the release that it has to be of.
    Raises:
        LookupError: there is no index, or it is of another release.
        sqlite3.Error: it cannot be read.
    """

    def __init__(self, releases: Path, release: str) -> None:
        path = releases / FOLDER / _FILE
        if not path.exists():
            raise LookupError("there is no index")
        self._release = release
        self._database = sqlite3.connect(path, isolation_level=None)
        self._files: dict[str, FactFile] = {}
        self._without: set[str] = set()
        found = self._database.execute("SELECT id FROM release").fetchone()
        if found != (release,):
            self._database.close()
            raise LookupError("the index is of another release")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return dict(self._database.execute("SELECT name, number FROM file"))

    @property
    def count(self) -> int:
        """Return the number of records in all files."""
        [found] = self._database.execute("SELECT TOTAL(records) FROM file").fetchone()
        return int(found)

    def without(self, names: Iterable[str]) -> None:
        """Find no records of these files from now on: they are read again, or gone."""
        self._without.update(names)

    @property
    def names(self) -> set[str]:
        """Return the names of the files."""
        return set(self._numbers)

    def find(self, key: str) -> FactFile | None:
        """Return the file that holds the record of an id, or None; see `without`."""
        name = self._home(key)
        return None if name is None or name in self._without else self.file(name)

    def find_as_it_was(self, key: str) -> FactFile | None:
        """Return the file that held the record of an id, or None, whatever is read again."""
        name = self._home(key)
        return None if name is None else self.file(name)

    def _home(self, key: str) -> str | None:
        row = self._database.execute(
            "SELECT name FROM record JOIN file ON number = file WHERE id = ?", [key]
        ).fetchone()
        return None if row is None else str(row[0])

    def file(self, name: str) -> FactFile:
        """Return a file as it was read.

        Raises:
            KeyError: there was no such file.
        """
        if name not in self._files:
            row = self._database.execute(
                "SELECT content FROM file WHERE name = ?", [name]
            ).fetchone()
            if row is None:
                raise KeyError(name)
            content = msgspec.msgpack.decode(
                zstandard.ZstdDecompressor().decompress(row[0]), type=_Content
            )
            documents = [one for one in content.records if isinstance(one, Document)]
            self._files[name] = FactFile(
                name,
                tuple(content.records),
                tuple(Origin(name, line) for line in content.lines),
                documents[0] if documents else None,
            )
        return self._files[name]

    def lookers(self, keys: Iterable[str]) -> set[str]:
        """Return the files that looked at the record of one of some ids."""
        found: set[str] = set()
        for some in _batches(sorted(keys)):
            marks = ", ".join("?" * len(some))
            rows = self._database.execute(
                "SELECT DISTINCT name FROM looked JOIN file ON number = file "
                f"WHERE id IN ({marks})",
                some,
            )
            found.update(name for (name,) in rows)
        return found

    def written_elsewhere(self, lines: Iterable[bytes], names: Iterable[str]) -> set[bytes]:
        """Return those of some lines, by their digests, that also other files than these wrote."""
        numbers = {self._numbers[name] for name in names if name in self._numbers}
        found: set[bytes] = set()
        for some in _batches(list(lines)):
            marks = ", ".join("?" * len(some))
            rows = self._database.execute(
                f"SELECT line, file FROM shared WHERE line IN ({marks})", some
            )
            found.update(line for line, number in rows if number not in numbers)
        return found

    def minted_otherwise(self, nodes: Iterable[tuple[bytes, bytes]], names: Iterable[str]) -> bool:
        """Return whether other files than these minted one of some nodes as something else.

        Args:
            nodes: the digests of address and identity.
            names: files.
        """
        numbers = {self._numbers[name] for name in names if name in self._numbers}
        wanted = dict(nodes)
        for some in _batches(list(wanted)):
            marks = ", ".join("?" * len(some))
            rows = self._database.execute(
                f"SELECT address, identity, file FROM minted WHERE address IN ({marks})", some
            )
            for address, known, number in rows:
                if number not in numbers and known != wanted[address]:
                    return True
        return False

    def update(self, release: str, gone: Iterable[str], facts: FactSet, found: Remembered) -> None:
        """Make this the index of another release, in which some files are others.

        Args:
            release: its id.
            gone: the names of files that are no more.
            facts: the files that were read again.
            found: what is to be remembered of them.
        Raises:
            sqlite3.Error: it cannot be written, or somebody else has written it.
        """
        with _transaction(self._database):
            if self._database.execute("SELECT id FROM release").fetchone() != (self._release,):
                raise sqlite3.OperationalError("the index is of another release")
            for name in {*gone, *(file.file for file in facts.files)}:
                number = self._numbers.get(name)
                if number is not None:
                    for table in ("record", "looked", "shared", "minted"):
                        self._database.execute(f"DELETE FROM {table} WHERE file = ?", [number])
                    self._database.execute("DELETE FROM file WHERE number = ?", [number])
            _insert(self._database, facts, found, _next_number(self._database))
            self._database.execute("UPDATE release SET id = ?", [release])


def write_index(releases: Path, facts: FactSet, found: Remembered) -> Path:
    """Return a new file with the index of a whole build; `take_index` puts it to its place.

    Raises:
        OSError, sqlite3.Error: it cannot be written.
    """
    folder = releases / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"new-{os.getpid()}.sqlite"
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.executescript(_SCHEMA)
        with _transaction(database):
            database.execute("INSERT INTO release VALUES ('')")
            _insert(database, facts, found, 1)
    finally:
        database.close()
    return path


def take_index(path: Path, release: str) -> None:
    """Make a new index that of a release.

    Raises:
        OSError, sqlite3.Error: it cannot be written.
    """
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("UPDATE release SET id = ?", [release])
    finally:
        database.close()
    path.replace(path.with_name(_FILE))


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _next_number(database: sqlite3.Connection) -> int:
    [found] = database.execute("SELECT IFNULL(MAX(number), 0) + 1 FROM file").fetchone()
    return int(found)


def _insert(database: sqlite3.Connection, facts: FactSet, found: Remembered, number: int) -> None:
    packer = zstandard.ZstdCompressor(level=1)
    encoder = msgspec.msgpack.Encoder()
    for number_, file in enumerate(facts.files, number):
        content = _Content(list(file.records), [place.line for place in file.origins])
        database.execute(
            "INSERT INTO file VALUES (?, ?, ?, ?)",
            [number_, file.file, len(file.records), packer.compress(encoder.encode(content))],
        )
        for table, values in (
            ("record", (record.id for record in file.records)),
            ("looked", found.looked.get(file.file, ())),
            ("shared", found.shared.get(file.file, ())),
        ):
            rows = ((value, number_) for value in values)
            database.executemany(f"INSERT INTO {table} VALUES (?, ?)", rows)
        database.executemany(
            "INSERT INTO minted VALUES (?, ?, ?)",
            ((*one, number_) for one in found.minted.get(file.file, ())),
        )


def _batches(values: Sequence[object]) -> Iterator[Sequence[object]]:
    for start in range(0, len(values), _SOME):
        yield values[start : start + _SOME]
