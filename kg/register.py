"""What was suppressed: a register beside the releases, which builds obey and nobody can read back.

An entry has what is said in public (a random name, reason, authority, day) and marks: keyed hashes
of the addresses that were named. Without the secret that lies beside it nobody can tell whether an
address is among them; with it one can, but only of an address that one has. Whoever moves releases
or builds into another folder takes the folder of the register along.

Spec: docs/decisions/0014-acts-of-an-editor.md; RFC 2104 (HMAC)
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from kg.errors import ReleaseError
from kg.manifest import Input, canonical_json
from kg.vocab import DCTERMS, RDF, RDFS, data_iri, date, graph_iri, literal, term

FOLDER: Final = "suppressed"
INPUT: Final = "suppressed.jsonl"
"""What the register is called among the inputs of a release."""
PENDING: Final = f"{FOLDER}/pending.json"
"""Where a suppression that is not finished is noted, in the folder of releases."""
BLINDED: Final = "blinded/"
"""What the names of inputs begin with whose hashes are not told any more."""
CORRECTIONS: Final = "corrections"
"""The key of the graph in which notices stand."""
_REGISTER: Final = "register.jsonl"
_SECRET: Final = "secret"

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "inaccurate": "inaccurate",
        "unfair": "unfair",
        "defamatory": "defamatory",
        "protected-person": "minor or protected person",
        "attribution": "attribution",
        "investigation": "investigation",
        "outdated": "outdated",
        "privacy": "privacy",
        "other": "other",
    }
)
"""The closed list of reasons, as the ontology has it, with their English labels."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One suppression. `id` is random; `marks` are of the addresses that were named, sorted.

    `also` are marks of what went along and is in no release any more: it stays away unless
    something else needs it.
    """

    id: str
    reason: str
    authority: str
    date: str
    marks: tuple[str, ...]
    also: tuple[str, ...] = ()

    def address(self, base: str) -> str:
        """Return the address of its notice."""
        return data_iri(base, "notice", self.id)

    def lines(self, base: str) -> list[str]:
        """Return its notice as lines of N-Quads, with line feeds, sorted."""
        node = f"<{self.address(base)}>"
        words = f"Suppression of {self.date}: {REASONS[self.reason]}"
        pairs = (
            (f"<{RDF}type>", term("Suppression")),
            (f"<{RDF}type>", term("Notice")),
            (f"<{RDFS}label>", literal(words, lang="en")),
            (f"<{DCTERMS}identifier>", literal(self.id)),
            (f"<{DCTERMS}date>", date(self.date)),
            (term("noticeReason"), term(f"notice-reason-{self.reason}")),
            (term("authority"), literal(self.authority)),
        )
        graph = f"<{graph_iri(base, CORRECTIONS)}>"
        return sorted(f"{node} {predicate} {value} {graph} .\n" for predicate, value in pairs)


class Register:
    """The suppressions of a folder of releases, the first one first.

    Args:
        releases: the folder of releases.
    Raises:
        ReleaseError: it cannot be read: then nothing may be built.
    """

    def __init__(self, releases: Path) -> None:
        self.folder = releases / FOLDER
        try:
            data = (self.folder / _REGISTER).read_bytes()
        except FileNotFoundError:
            data = b""
        except OSError as error:
            raise self._unreadable(str(error.strerror)) from error
        try:
            lines = data.split(b"\n")[:-1]  # a crash may have cut the last line off
            self.entries = tuple(msgspec.json.decode(line, type=Entry) for line in lines)
        except msgspec.MsgspecError as error:
            raise self._unreadable(str(error)) from error
        self._marks = {mark for entry in self.entries for mark in entry.marks}
        self._also = {mark for entry in self.entries for mark in entry.also}

    def _unreadable(self, why: str) -> ReleaseError:
        return ReleaseError(
            "the register of what was suppressed cannot be read",
            where=str(self.folder / _REGISTER),
            seen=why,
            hint="bring it back from a backup: without it, what was suppressed would come back",
        )

    def __bool__(self) -> bool:
        """Return whether anything was suppressed."""
        return bool(self.entries)

    @cached_property
    def _secret(self) -> bytes:
        try:
            return (self.folder / _SECRET).read_bytes()
        except OSError as error:
            raise self._unreadable(f"the secret: {error.strerror}") from error

    def _mark(self, name: str) -> str:
        return hmac.digest(self._secret, name.encode(), "sha256").hex()

    def holds(self, name: str) -> bool:
        """Return whether a thing was named in a suppression.

        Args:
            name: its kind and key, such as `claim/7aadc8de0e8b4fdb`.
        """
        return bool(self._marks) and self._mark(name) in self._marks

    def went(self, name: str) -> bool:
        """Return whether a thing went along with something that was named; see `holds`."""
        return bool(self._also) and self._mark(name) in self._also

    def lines(self, base: str) -> Iterator[str]:
        """Yield the notices as lines of N-Quads, in no order."""
        for entry in self.entries:
            yield from entry.lines(base)

    def input(self) -> Input | None:
        """Return it as an input of a build: what is public of it; None if there is nothing."""
        if not self.entries:
            return None
        public = [[one.id, one.reason, one.authority, one.date] for one in self.entries]
        data = b"".join(map(canonical_json, public))
        return Input(name=INPUT, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))

    def entry(self, names: Iterable[str], reason: str, authority: str, day: str) -> Entry:
        """Return a new entry with a random name; it is not in the register yet.

        Args:
            names: the things that are named, by kind and key.
            reason, authority, day: what is said in public; the day as `YYYY-MM-DD`.
        Raises:
            OSError: the secret cannot be written.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / _SECRET
        if not path.exists():
            write_private(path, secrets.token_bytes(32))
            self.__dict__.pop("_secret", None)
        marks = tuple(sorted(map(self._mark, names)))
        return Entry(
            id=secrets.token_hex(16), reason=reason, authority=authority, date=day, marks=marks
        )

    def add(self, entry: Entry, also: Iterable[str] = ()) -> None:
        """Write an entry into the register, in the place of one of its id, and bring it to disk.

        Args:
            entry: from `entry`.
            also: what went along, by kind and key.
        Raises:
            OSError: it cannot be written.
        """
        entry = msgspec.structs.replace(entry, also=tuple(sorted(map(self._mark, also))))
        others = [one for one in self.entries if one.id != entry.id]
        self._write([*others, entry])

    def drop(self, entry: Entry) -> None:
        """Take an entry out of the register.

        Raises:
            OSError: it cannot be written.
        """
        self._write([one for one in self.entries if one.id != entry.id])

    def _write(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._marks = {mark for entry in self.entries for mark in entry.marks}
        self._also = {mark for entry in self.entries for mark in entry.also}
        write_private(self.folder / _REGISTER, b"".join(map(canonical_json, self.entries)))


def write_private(path: Path, data: bytes) -> None:
    """Write a file that nobody else may read, at once or not at all, and bring it to disk.

    Raises:
        OSError: it cannot be written.
    """
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    place = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
