"""What a build has to do where only some facts files changed since the release that is current.

The records that changed are mapped as they were and as they are; so are those of files that looked
at them. What differs is what the release has to lose and to gain. From that follows what has to be
derived again, and what has to be validated again. Everything else is taken as it is.

What is remembered from one build to the next stands in `.build` beside the releases: the index of
the facts (`kg.index`), and the graph as validation needs it. Where it is missing, or of another
release, or where a change concerns too much, the build is done as a whole.

Spec: docs/decisions/0012-incremental-builds.md
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import msgspec

from kg.derive import Unclear, by_graph, derived_changes
from kg.facts import FactFile, FactSet, Records, facts_files, read_files, rule_breaks
from kg.index import FOLDER, Index, Remembered, take_index, write_index
from kg.link import link_breaks
from kg.load import Change
from kg.manifest import QUADS, Input, Manifest
from kg.mapping import Quads, digest_of
from kg.report import Report
from kg.revalidate import Tokens, Validation
from kg.sssom import LinkRow
from kg.triples import Triples
from kg.validate import Shapes
from kg.view import changes_between, together, union_change
from kg.vocab import Vocabulary

if TYPE_CHECKING:
    import pyoxigraph

_log = logging.getLogger(__name__)

GRAPH: Final = "graph"
_STATE: Final = "graph.json"
_JOURNAL: Final = "journal.nt"
_LONGEST: Final = 200_000
"""Triples in the journal after which the next build is done as a whole."""
_SHARE: Final = 0.3
_FEW: Final = 2
"""Share of the facts files that may have to be mapped again, and how many always may."""

Mapped = Callable[[FactSet, Sequence[LinkRow]], Quads]
"""Maps facts and rows of links, as a whole build does."""


class Increment(msgspec.Struct, frozen=True):
    """What a build of some changed facts comes to.

    `changes` are the quads that go and come by graph; nothing was found to be wrong with what they
    give. `records` is the number of all records.
    """

    changes: dict[str, Change]
    report: Report
    records: int
    facts: FactSet
    gone: list[str]
    remembered: Remembered
    triples: tuple[list[Tokens], list[Tokens]]


class Memory:
    """What is remembered of the release that is current.

    Args:
        releases: the folder of releases.
        release: the folder of that release.
    Raises:
        LookupError: nothing is remembered of it, or not all that is needed.
    """

    def __init__(self, releases: Path, release: Path) -> None:
        self._place = releases / FOLDER
        self._release = release
        try:
            self._lock = _lock(self._place)
        except OSError as error:
            raise LookupError(str(error)) from error
        try:
            state = json.loads((self._place / _STATE).read_bytes())
            if state["release"] != release.name or not state["clean"]:
                raise LookupError("the graph is of another release, or something is wrong with it")
            if state["journal"] > _LONGEST:
                raise LookupError("too much has changed since the graph was saved")
            self._state = state
            self._index = Index(releases, release.name)
        except (OSError, ValueError, KeyError, TypeError, LookupError, sqlite3.Error) as error:
            self._lock.close()
            raise LookupError(str(error)) from error

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_: object) -> None:
        self._index.close()
        self._lock.close()

    def increment(
        self,
        before: Manifest,
        inputs: Sequence[Input],
        folders: Sequence[Path],
        rows: Sequence[LinkRow],
        shapes: Shapes,
        vocabulary: Vocabulary,
        mapped: Mapped,
    ) -> Increment:
        """Return what the build of changed facts comes to; nothing is written.

        Args:
            before: the manifest of the release.
            inputs: what the build reads now; other files than facts are as they were.
            folders: those of the facts.
            rows: the authority of outside links.
            shapes, vocabulary: as in a whole build.
            mapped: maps some facts.
        Raises:
            KgErrors: what cannot be read as records; a whole build tells of more.
            LookupError: this has to be done as a whole, also because there is something to be told
                of the data: a whole build tells all of it, and in its order.
        """
        old, new = (
            {one.name: one.sha256 for one in some if one.name.startswith("facts")}
            for some in (before.inputs, inputs)
        )
        paths = facts_files(folders)
        if paths.keys() - new.keys():
            raise LookupError("facts lie where no input is looked for")
        changed = {name for name in paths if old.get(name) != new.get(name)}
        known = self._index.names
        gone = sorted(known - paths.keys())
        first = self._read(changed & known, gone)
        index = self._index
        index.without({*changed, *gone})
        schemes = vocabulary.keys()
        facts = read_files({n: p for n, p in paths.items() if n in changed}, schemes, index)
        keys = _changed(first, facts)
        lookers = index.lookers(keys) - changed - set(gone)
        again = changed | lookers
        if len(again) + len(gone) > max(_FEW, _SHARE * len(paths)):
            raise LookupError("too many files would be mapped again")
        if lookers:
            index.without(lookers)
            facts = read_files({n: p for n, p in paths.items() if n in again}, schemes, index)
        was = self._read(again & known, gone)
        _log.info("mapping %d of %d files again", len(again), len(paths))
        records = index.count - was.count + facts.count
        if rule_breaks(facts) or link_breaks(facts, rows):
            raise LookupError("records break rules")
        concerned = [row for row in rows if row.subject in keys]
        earlier, now = mapped(was, concerned), mapped(facts, concerned)
        if any(f.document and f.document.redistribution == "none" for f in facts.files):
            raise LookupError("a document may not be handed on")
        if any((earlier.suppressed, earlier.went, now.suppressed, now.went)):
            raise LookupError("something is in the facts that was suppressed")
        minted = (node for nodes in now.minted.values() for node in nodes)
        if index.minted_otherwise(minted, {*again, *gone}):
            raise LookupError("another file has something else under the address of a node")
        changes = self._without_shared(
            changes_between(by_graph(earlier.dataset), by_graph(now.dataset)), {*again, *gone}
        )
        changes = together(changes, self._derived(changes, before.base_iri))
        triples = union_change(_opened(self._release), changes)
        if sum(map(len, triples)) > _LONGEST:
            raise LookupError("too much has changed")
        _log.info("validating what %d triples concern", sum(map(len, triples)))
        report = self._report(shapes, triples)
        if report.results:  # a whole build knows better where each comes from
            raise LookupError("there is something to be told of the data")
        remembered = Remembered(facts.by_id.looked, now.shared, now.minted)
        return Increment(changes, report, records, facts, gone, remembered, triples)

    def _read(self, names: set[str], gone: Sequence[str]) -> FactSet:
        """Return files as they were, with a way to all others as they were."""
        files = tuple(self._index.file(name) for name in sorted({*names, *gone}))
        return FactSet(files, Records(files, _AsItWas(self._index)))

    def _without_shared(self, changes: Mapping[str, Change], names: set[str]) -> dict[str, Change]:
        """Return changes without the quads that files which are not mapped again wrote too."""
        lines = {
            digest_of(line): line
            for change in changes.values()
            for line in (*change.removed, *change.added)
        }
        kept = {lines[one] for one in self._index.written_elsewhere(lines, names)}
        found = {
            graph: Change(change.removed - kept, change.added - kept)
            for graph, change in changes.items()
        }
        return {graph: one for graph, one in found.items() if one.removed or one.added}

    def _derived(self, changes: Mapping[str, Change], base: str) -> dict[str, Change]:
        store = _opened(self._release)
        try:
            return derived_changes(store, changes, base)
        except Unclear as error:
            raise LookupError("too much would have to be derived again") from error

    def _report(
        self,
        shapes: Shapes,
        triples: tuple[Sequence[Tokens], Sequence[Tokens]],
    ) -> Report:
        validation = Validation(shapes)
        try:
            validation.restore(self._place / GRAPH, clean=True)
            validation.change(*self._journal(), validate=False)
        except (OSError, ValueError) as error:
            raise LookupError(str(error)) from error
        validation.change(*triples)
        return validation.report(checked=True)

    def _journal(self) -> tuple[list[Tokens], list[Tokens]]:
        """Return what changed since the graph was saved, all in all."""
        found: dict[Tokens, int] = {}
        lines = self._lines_of_journal()
        if len(lines) != self._state["journal"]:
            raise ValueError("the journal is not as long as it was")
        for line in lines:
            sign, s, p, o = line.split(" ", 3)
            triple = (s, p, o)
            found[triple] = found.get(triple, 0) + (1 if sign == "A" else -1)
        return (
            [triple for triple, number in found.items() if number < 0],
            [triple for triple, number in found.items() if number > 0],
        )

    def _lines_of_journal(self) -> list[str]:
        """Return the lines that count: behind them may stand those of a build that died."""
        text = (self._place / _JOURNAL).read_text(encoding="utf-8")
        return text.split("\n")[:-1][: self._state["journal"]]

    def update(self, release: str, increment: Increment) -> None:
        """Remember the release that an increment has become, or nothing if that fails.

        Args:
            release: its id.
        """
        try:
            self._update(release, increment)
        except (OSError, ValueError, sqlite3.Error) as error:
            _log.debug("nothing is remembered of this build: %s", error)

    def _update(self, release: str, increment: Increment) -> None:
        removed, added = increment.triples
        # The index is looked at first: it knows whether somebody else has come in between.
        lines = self._lines_of_journal()
        self._index.update(release, increment.gone, increment.facts, increment.remembered)
        lines += (f"D {s} {p} {o}" for s, p, o in removed)
        lines += (f"A {s} {p} {o}" for s, p, o in added)
        new = self._place / f"{_JOURNAL}.new"
        new.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
        new.replace(self._place / _JOURNAL)
        _write_state(self._place, release, len(lines), clean=not increment.report.results)


class _AsItWas:
    """Finds every record as it was, whatever is read again."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def find(self, key: str) -> FactFile | None:
        """Return the file that held the record of an id, or None."""
        return self._index.find_as_it_was(key)


class Notes:
    """What a whole build writes down of itself, to be remembered if it is published.

    Where nothing can be written, nothing is remembered: the next build is done as a whole too.

    Args:
        releases: the folder of releases.
    """

    def __init__(self, releases: Path) -> None:
        self._releases = releases
        self._place = releases / FOLDER
        self.graph = self._place / f"{GRAPH}-{os.getpid()}"
        """Where the graph is to be saved; it is not there."""
        self._index: Path | None = None
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Notes:
        try:
            self._place.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(self._place)
            _sweep(self._place)
        except (OSError, LookupError) as error:
            _log.debug("nothing will be remembered of this build: %s", error)
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock:
            _sweep(self._place)
            self._lock.close()

    def note(self, facts: FactSet, mapped: Quads) -> None:
        """Write down what was mapped."""
        if self._lock is None:
            return
        try:
            found = Remembered(facts.by_id.looked, mapped.shared, mapped.minted)
            self._index = write_index(self._releases, facts, found)
        except (OSError, sqlite3.Error) as error:
            _log.debug("nothing will be remembered of this build: %s", error)

    def save(self, graph: Triples) -> None:
        """Write down the graph."""
        if self._lock is None:
            return
        try:
            graph.save(self.graph)
        except OSError as error:
            _log.debug("nothing will be remembered of this build: %s", error)

    def keep(self, release: str, *, clean: bool) -> None:
        """Remember all that as being of a release.

        Args:
            release: its id.
            clean: whether nothing was found to be wrong with the graph.
        """
        try:
            if self._index is None or not self.graph.is_dir():
                return
            (self._place / _STATE).unlink(missing_ok=True)
            take_index(self._index, release)
            shutil.rmtree(self._place / GRAPH, ignore_errors=True)
            self.graph.rename(self._place / GRAPH)
            (self._place / _JOURNAL).write_bytes(b"")
            _write_state(self._place, release, 0, clean=clean)
        except (OSError, sqlite3.Error) as error:
            _log.debug("nothing is remembered of this build: %s", error)


def tidy(releases: Path) -> None:
    """Remove what builds that died wanted to remember, unless another build is at work.

    Args:
        releases: the folder of releases.
    """
    place = releases / FOLDER
    with contextlib.suppress(OSError, LookupError), _lock(place):
        _sweep(place)


def forget(releases: Path) -> None:
    """Remember nothing any more.

    Raises:
        OSError: it cannot be removed.
    """
    if (releases / FOLDER).exists():
        aside = releases / f".tmp-forgotten-{os.getpid()}"
        (releases / FOLDER).rename(aside)  # a build that is at work has it no more
        shutil.rmtree(aside, ignore_errors=True)


def _lock(place: Path) -> IO[bytes]:
    """Return what keeps others from reading and writing what is remembered, until it is closed.

    Raises:
        LookupError: another build has it.
        OSError: the folder is not there, or cannot be written.
    """
    file = (place / "lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise LookupError("another build is at work") from None
    return file


def _sweep(place: Path) -> None:
    """Remove what was not written to its end, or not kept; the caller holds the lock."""
    for pattern in (f"{GRAPH}-*", "new-*.sqlite*", "*.new"):
        for path in place.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _write_state(place: Path, release: str, journal: int, *, clean: bool) -> None:
    text = json.dumps({"release": release, "journal": journal, "clean": clean})
    new = place / f"{_STATE}.new"
    new.write_text(text, encoding="utf-8")
    new.replace(place / _STATE)


def _opened(release: Path) -> pyoxigraph.Store:
    import pyoxigraph

    return pyoxigraph.Store.read_only(str(release / QUADS))


def _changed(old: FactSet, new: FactSet) -> set[str]:
    """Return the ids of the records that went, came, changed or were withdrawn, or stand in another
    document."""
    encoder = msgspec.msgpack.Encoder()  # which keeps the order of labels

    def states(facts: FactSet) -> dict[str, tuple[bytes, str, bool]]:
        return {
            record.id: (
                encoder.encode(record),
                file.document.id if file.document else "",
                record.id in file.withdrawn,
            )
            for file in facts.files
            for record in file.records
        }

    before, after = states(old), states(new)
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
