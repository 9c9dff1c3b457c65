"""The rows of feeds, mapped piece by piece.

`map_piece` is a pure function of a piece of a file and of what the build knows: it runs in any
process, on any machine, and gives the same result. A row that cannot be mapped, or whose quads
break a shape that looks at a record alone, is set aside, with its place, column, value and reason.

Spec: docs/decisions/0018-feeds.md
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from kg.errors import KgError
from kg.feed import FeedScript, Rejected, Scribe
from kg.report import WHOLE_GRAPH, Report
from kg.rows import Fault, Form, Piece, hashed, key_of, rows
from kg.validate import LOCAL, WHOLE, Shapes, validate
from kg.vocab import CH, RDF

_A: Final = f"<{RDF}type>"


class Issue(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row that was set aside: its place, and why.

    `kind` is `rejected`, or `repeated` for a record that was there before.
    """

    file: str
    row: int
    column: str
    value: str
    reason: str
    source: str
    kind: str = "rejected"


class Mapped(msgspec.Struct):
    """What became of a piece of a file.

    Attributes:
        records: how many there were.
        issues: those that were set aside.
        keys: the key of each record that was mapped, hashed.
        scribe: what was written.
        report: of the shapes that look at more than one record; None where nothing was validated.
    """

    records: int
    issues: list[Issue]
    keys: list[int]
    scribe: Scribe
    report: Report | None = None


def map_piece(
    script: FeedScript,
    form: Form,
    piece: Piece,
    new: Any,
    *,
    file: str,
    first: bool,
    repeated: Mapping[int, int] | None = None,
    known: Any = None,
    checks: Checks | None = None,
) -> Mapped:
    """Return what becomes of the records of a piece.

    Args:
        script: the mapping.
        form: how the file is read.
        piece: some of its records.
        new: makes a `Scribe`.
        file: the name of the file, for issues.
        first: whether the piece begins the file.
        repeated: the number of a record among those with its key, where it is not the first.
        known: holds the hashes of `keys_of` of all records of the tables that this one needs or
            seeks (`Table.needs`, `Table.seeks`).
        checks: what the result is held against.
    """
    table = script.source.table(form.table)
    found = list(rows(piece, form, table, first=first))
    issues: dict[int, Issue] = {}

    def aside(n: int, column: str, value: str, reason: str, kind: str = "rejected") -> None:
        line = found[n][0]
        issues[n] = Issue(file, line, column, value[:200], reason, script.source.id, kind)

    keys: dict[int, int] = {}
    again = repeated or {}
    for n, (_, row) in enumerate(found):
        if isinstance(row, Fault):
            aside(n, row.column, row.value, row.reason)
            continue
        key = key_of(table, row)
        if not key.strip("\x1f"):
            aside(n, ", ".join(table.key), "", "a record without its identifier")
            continue
        if n in again and table.again == "reject":
            aside(n, ", ".join(table.key), key, "a record with this key came before", "repeated")
            continue
        if table.needs and known is not None:
            other, columns = table.needs
            wanted = key_of(table, row, columns)
            if hashed(wanted) not in known:
                shown = wanted.replace("\x1f", ", ")
                aside(n, ", ".join(columns), shown, f"the files have no such record of {other}")
                continue
        keys[n] = hashed(key)

    def write(trace: bool) -> Scribe:
        scribe: Scribe = new()
        scribe.uses = {} if trace else None
        scribe.known = None if known is None else lambda text: hashed(text) in known
        map_row = script.mapper(table.id, scribe)
        for n in list(keys):
            scribe.begin(n, again.get(n, 1))
            try:
                map_row(found[n][1])
            except Rejected as error:
                scribe.undo()
                del keys[n]
                aside(n, error.column, error.value, error.reason)
            scribe.ends.append((len(scribe.blocks), n))
        return scribe

    scribe = write(trace=False)
    report = None
    if checks is not None:
        bad = checks.local(scribe)
        if bad:
            scribe = write(trace=True)
            for n, (column, value, reason) in _rows_of(bad, scribe).items():
                if n in keys:
                    del keys[n]
                    aside(n, column, value, reason)
            scribe = write(trace=False)
            if left := checks.local(scribe):
                node, (path, value, message) = next(iter(left.items()))
                raise KgError(
                    "a node breaks a shape and no row is to blame",
                    where=f"{file}, mappings/{script.source.id}.py",
                    seen=f"{node} {path} {value}: {message}",
                )
        report = checks.whole(scribe)
    return Mapped(
        records=len(found),
        issues=[issues[n] for n in sorted(issues)],
        keys=list(keys.values()),
        scribe=scribe,
        report=report,
    )


def _rows_of(
    bad: Mapping[str, tuple[str, str, str]], scribe: Scribe
) -> dict[int, tuple[str, str, str]]:
    """Return the rows that wrote, or use, the nodes that break a shape, and what is wrong."""
    out: dict[int, tuple[str, str, str]] = {}
    start = 0
    for end, n in scribe.ends:
        for subject, _ in scribe.blocks[start:end]:
            if subject in bad:
                out.setdefault(n, bad[subject])
        start = end
    assert scribe.uses is not None
    for subject, wrong in bad.items():
        for n in scribe.uses.get(subject, ()):
            out.setdefault(n, wrong)
    return out


class Checks:
    """The shapes, and what is said elsewhere that they look at beside a piece.

    Args:
        shapes: those for data.
        context: N-Triples lines of the vocabulary, of states and of the source itself.
    """

    def __init__(self, shapes: Shapes, context: Iterable[str]) -> None:
        self._shapes = shapes
        self._context = list(context)

    def local(self, scribe: Scribe) -> dict[str, tuple[str, str, str]]:
        """Return the nodes that break a shape which looks at them alone: path, value, message."""
        report = validate(self._lines(scribe), self._shapes, scope=LOCAL, max_results=1_000_000)
        out: dict[str, tuple[str, str, str]] = {}
        for one in report.results:
            if one.severity.endswith("#Violation"):
                path = one.path.removeprefix(CH)
                node = one.value if one.focus == WHOLE_GRAPH else one.focus
                out.setdefault(f"<{node}>", (path, one.value, one.message))
        return out

    def whole(self, scribe: Scribe) -> Report:
        """Return the report on the shapes that look at more than one node."""
        return validate(self._all(scribe), self._shapes, scope=WHOLE)

    def _all(self, scribe: Scribe) -> Iterable[str]:
        """Yield what the piece has, and of what other records write that it is there.

        The latter only here: the shapes that look at a node alone would miss its label.
        """
        yield from self._lines(scribe)
        for node, classes in scribe.needed.items():
            for name in classes:
                yield f"{node} {_A} <{CH}{name}> .\n"

    def _lines(self, scribe: Scribe) -> Iterable[str]:
        yield from self._context
        for text in (*scribe.shared.values(), *scribe.sources.values()):
            yield from text.splitlines(keepends=True)
        for _, text in scribe.blocks:
            yield from text.splitlines(keepends=True)
