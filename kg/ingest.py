"""The rows of feeds, mapped piece by piece.

`map_piece` is a pure function of a piece of a file and of what the build knows: it runs in any
process, on any machine, and gives the same result. A row that cannot be mapped, or whose quads
break a shape that looks at a record alone, is set aside, with its place, column, value and reason.

Spec: docs/decisions/0018-feeds.md
"""

from __future__ import annotations

import gc
import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from kg.derive import assessment, known_sides, status_of
from kg.errors import KgError, MappingError
from kg.feed import FeedScript, Rejected, Scribe, lines_in, place_of, words_of
from kg.matching import Happening, comparable
from kg.report import WHOLE_GRAPH, Report
from kg.rows import Fault, Form, Piece, hashed, key_reader, rows
from kg.validate import LOCAL, Shapes, validate
from kg.vocab import CH, RDF, data_iri, digest_key, graph_iri, term

_A: Final = f"<{RDF}type>"
INDEX: Final = "\x1e"
"""What the indexes of records begin with, before they are hashed, so that none is a key."""
_ROUNDS: Final = 8
"""How often the first row that wrote a node is set aside, before all that use it are."""
_STATE: Final = ("State", "Organization", "Agent")
ASIDE, MAPPED, HIDDEN = range(3)
"""What became of a record."""
VEIL: Final = 0x9E3779B97F4A7C15
"""By what the hashed keys of hidden records differ from others where they are known."""


class Issue(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row that was set aside: its place, and why.

    `kind` is `rejected`; `repeated` for a record that was there before; or `unresolved` where it
    needs a record that the files do not have; `partly` where the row was mapped without this value.
    Only the first says that a row is bad.
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
        records: how many there were, without those that are hidden.
        mapped: how many were mapped.
        issues: those that were set aside, and the values that were left out of others.
        keys: the hashed key of each record that has one, and whether it was set `ASIDE`, `MAPPED`,
            or is `HIDDEN`: whoever needs it is hidden too, and nothing tells of it.
        sought: the hashed indexes by which records of sought tables were found, sorted.
        scribe: what was written.
        report: on what was written; None where nothing was validated.
    """

    records: int
    mapped: int
    issues: list[Issue]
    keys: list[tuple[int, int]]
    scribe: Scribe
    sought: list[int]
    report: Report | None = None


@contextmanager
def uncollected() -> Iterator[None]:
    """Do not look for garbage meanwhile, nor at what becomes of many rows.

    Rows make many objects and no circles of them: each is freed when nobody has it any more.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def map_piece(
    script: FeedScript,
    form: Form,
    piece: Piece,
    new: Any,
    *,
    file: str,
    first: bool,
    before: Mapping[int, int] | None = None,
    known: Any = None,
    checks: Checks | None = None,
    held: Callable[[str], bool] | None = None,
) -> Mapped:
    """Return what becomes of the records of a piece.

    Args:
        script: the mapping.
        form: how the file is read.
        piece: some of its records.
        new: makes a `Scribe`.
        file: the name of the file, for issues.
        first: whether the piece begins the file.
        before: how often a hashed key came in earlier pieces of the table, where it did; where a
            record may come but once (`Table.again`), those that were mapped count.
        known: holds the hashed keys of the records of the table that this one needs
            (`Table.needs`), and the hashed indexes of those that it seeks (`Table.seeks`).
        checks: what the result is held against.
        held: whether a node was suppressed, by its kind and key. A row that writes or uses one is
            taken for one that was never there: nothing tells of it.
    """
    table = script.source.table(form.table)
    found = list(rows(piece, form, table, first=first))
    issues: dict[int, Issue] = {}

    def aside(n: int, column: str, value: str, reason: str, kind: str = "rejected") -> None:
        line = found[n][0]
        issues[n] = Issue(file, line, column, value[:200], reason, script.source.id, kind)

    keys: dict[int, int] = {}
    again: dict[int, int] = {}
    left: dict[int, None] = {}
    hidden: set[int] = set()
    later: dict[int, list[int]] = {}
    """By its key the rows that came after the one that stands for a record."""
    seen: dict[int, int] = dict(before or {})
    key_of = key_reader(table)
    wanted_of = key_reader(table, table.needs[1]) if table.needs else None

    def let_in(n: int) -> bool:
        """Let a row stand for its record, if the record that it needs is there."""
        if table.needs and wanted_of and known is not None:
            other, columns = table.needs
            wanted = wanted_of(found[n][1])
            number = hashed(wanted)
            if number not in known:
                if number ^ VEIL in known:
                    hidden.add(n)
                    return False
                shown = wanted.replace("\x1f", ", ")
                reason = f"the files have no such record of {other}"
                aside(n, ", ".join(columns), shown, reason, "unresolved")
                return False
        left[n] = None
        return True

    def give_way(n: int) -> int | None:
        """Return the row that stands for a record in place of one that is gone, if there is any."""
        rest = later.get(keys[n], [])
        while rest:
            other = rest.pop(0)
            del issues[other]
            if let_in(other):
                return other
        return None

    for n, (_, row) in enumerate(found):
        if isinstance(row, Fault):
            aside(n, row.column, row.value, row.reason)
            continue
        key = key_of(row)
        if not key.strip("\x1f"):
            aside(n, ", ".join(table.key), "", "a record without its identifier")
            continue
        keys[n] = number = hashed(key)
        times = seen.get(number, 0) + 1
        if table.again == "number":
            again[n] = seen[number] = times
            let_in(n)
        elif times > 1:
            aside(n, ", ".join(table.key), key, "a record with this key came before", "repeated")
            later.setdefault(number, []).append(n)
        elif let_in(n):
            seen[number] = 1

    sought: set[int] = set()

    def seek(text: str) -> bool:
        number = hashed(INDEX + text)
        if known is None or number not in known:
            return False
        sought.add(number)
        return True

    def write(trace: bool) -> Scribe:
        scribe: Scribe = new()
        scribe.uses = {} if trace else None
        scribe.seek = seek
        map_row = script.mapper(table.id, scribe)
        waiting = sorted(left)  # which is a heap
        while waiting:
            n = heapq.heappop(waiting)
            scribe.begin(n, again.get(n, 1))
            try:
                map_row(found[n][1])
            except Rejected as error:
                scribe.undo()
                del left[n]
                aside(n, error.column, error.value, error.reason)
                if (other := give_way(n)) is not None:
                    heapq.heappush(waiting, other)
            except Exception as error:
                path = Path(f"{script.source.id}.py")
                raise MappingError(
                    "the mapping fails",
                    where=f"{file}:{found[n][0]}, {place_of(error, path)}",
                    seen=str(error) if isinstance(error, KgError) else words_of(error),
                    hint="a row that cannot be mapped is set aside with out.reject(…)",
                ) from error
            scribe.ends.append((len(scribe.blocks), n))
        return scribe

    def written() -> Scribe:
        scribe = write(trace=False)
        while held and (gone := _held(scribe, held)):
            users = _users_of(gone, write(trace=True))
            if not users:
                raise KgError(
                    "a node was suppressed and no row is known to use it",
                    where=f"{file}, mappings/{script.source.id}.py",
                    hint="please report it",
                )
            for n in users:
                del left[n]
                hidden.add(n)
                give_way(n)
            scribe = write(trace=False)
        return scribe

    scribe = written()
    report = None
    if checks is not None:
        report = checks.every(scribe)
        rounds = 0
        while report.blocks and (bad := checks.local(scribe)):
            # Who first wrote what others use is to blame: another row writes it next. Where that
            # does not end, all who use it are.
            traced = write(trace=True)
            blamed = {n: one for n, one in _writers_of(bad, traced).items() if n in left}
            if rounds > _ROUNDS:
                wrong = next(iter(bad.values()))
                blamed = {n: blamed.get(n, wrong) for n in _users_of(bad, traced) if n in left}
            if not blamed:
                node, (path, value, message) = next(iter(bad.items()))
                raise KgError(
                    "a node breaks a shape and no row is to blame",
                    where=f"{file}, mappings/{script.source.id}.py",
                    seen=f"{node} {path} {value}: {message}",
                )
            for n, (column, value, reason) in blamed.items():
                del left[n]
                aside(n, column, value, reason)
                if rounds <= _ROUNDS:
                    give_way(n)
            scribe = written()
            rounds += 1
        if rounds:
            report = checks.every(scribe)
    # Nor is another row of a hidden record told of, if it was set aside.
    veiled = {keys[n] for n in hidden}
    besides = {n for n in issues if keys.get(n) in veiled}
    hidden |= besides
    issues = {n: one for n, one in issues.items() if n not in besides}
    left_out = [
        (n, Issue(file, found[n][0], column, value[:200], reason, script.source.id, "partly"))
        for n, column, value, reason in scribe.partly
    ]
    return Mapped(
        records=len(found) - len(hidden),
        mapped=len(left),
        issues=[one for _, one in sorted([*issues.items(), *left_out], key=lambda pair: pair[0])],
        keys=[
            (key, HIDDEN if n in hidden else ASIDE if n in issues else MAPPED)
            for n, key in keys.items()
        ],
        scribe=scribe,
        sought=sorted(sought),
        report=report,
    )


def _held(scribe: Scribe, held: Callable[[str], bool]) -> set[str]:
    """Return the nodes that were suppressed, among those that were written or are used."""
    start = len(f"<{scribe.base}id/")
    nodes = (
        scribe.shared,
        scribe.sources,
        scribe.needed,
        (f"<{scribe.base}id/{key}>" for key in scribe.states),
        (subject for subject, _ in scribe.blocks),
    )
    return {node for some in nodes for node in some if held(node[start:-1])}


def _writers_of(
    bad: Mapping[str, tuple[str, str, str]], scribe: Scribe
) -> dict[int, tuple[str, str, str]]:
    """Return the rows that wrote the nodes that break a shape, and what is wrong.

    Of a node that several rows use it is the first of them.
    """
    out: dict[int, tuple[str, str, str]] = {}
    for subject, n in _blocks_of(scribe):
        if subject in bad:
            out.setdefault(n, bad[subject])
    assert scribe.uses is not None
    for subject, wrong in bad.items():
        if users := scribe.uses.get(subject):
            out.setdefault(min(users), wrong)
    return out


def _users_of(nodes: Iterable[str], scribe: Scribe) -> set[int]:
    """Return the rows that wrote, or use, some nodes."""
    wanted = set(nodes)
    assert scribe.uses is not None
    found = {n for subject, n in _blocks_of(scribe) if subject in wanted}
    return found.union(*(scribe.uses.get(subject, set()) for subject in wanted))


def _blocks_of(scribe: Scribe) -> Iterator[tuple[str, int]]:
    """Yield the subject of each block with the row that wrote it."""
    start = 0
    for end, n in scribe.ends:
        for subject, _ in scribe.blocks[start:end]:
            yield subject, n
        start = end


class Checks:
    """The shapes, and what is said elsewhere that they look at beside a piece.

    Args:
        shapes: those for data.
        context: N-Triples lines of the vocabulary and of the source itself.
    """

    def __init__(self, shapes: Shapes, context: Iterable[str]) -> None:
        self._shapes = shapes
        self._context = list(context)

    def local(self, scribe: Scribe) -> dict[str, tuple[str, str, str]]:
        """Return the nodes that break a shape which looks at them alone: path, value, message."""
        lines = itertools.chain(self._context, _lines(scribe))
        report = validate(lines, self._shapes, scope=LOCAL, max_results=1_000_000)
        out: dict[str, tuple[str, str, str]] = {}
        for one in report.results:
            if one.severity.endswith("#Violation"):
                path = one.path.removeprefix(CH)
                node = one.value if one.focus == WHOLE_GRAPH else one.focus
                out.setdefault(f"<{node}>", (path, one.value, one.message))
        return out

    def every(self, scribe: Scribe) -> Report:
        """Return the report on all that was written.

        Of what is described elsewhere no more is said than its classes, and nothing is told.
        """
        stubs = {node: kinds for node, kinds in scribe.needed.items() if node not in scribe.shared}
        stubs |= {f"<{scribe.base}id/{key}>": _STATE for key in scribe.states}
        types = (f"{node} {_A} <{CH}{kind}> .\n" for node in stubs for kind in stubs[node])
        lines = itertools.chain(self._context, _lines(scribe), types)
        report = validate(lines, self._shapes)
        return Report(
            tuple(
                one
                for one in report.results
                if f"<{one.value if one.focus == WHOLE_GRAPH else one.focus}>" not in stubs
            )
        )


def _lines(scribe: Scribe) -> Iterator[str]:
    """Yield every line that was written, and those of what is concluded."""
    texts = itertools.chain(
        scribe.shared.values(),
        scribe.sources.values(),
        (text for _, text in scribe.blocks),
        statuses(scribe).values(),
    )
    for text in texts:
        yield from lines_in(text)


# --- what is concluded ----------------------------------------------------------------------------

NARRATOR: Final = "agent/narrator-"


def statuses(scribe: Scribe) -> dict[str, str]:
    """Return the lines of the status of every event that was written, by subject.

    The rules are those of `kg.derive`. An event of a feed stands alone until a curator says that
    it is the same as another one. Where nobody but narrators says anything, there is no assessment.
    """
    graph = graph_iri(scribe.base, f"{scribe.feed.key}-status")
    tail = f" <{graph}> .\n"
    claims: dict[str, list[tuple[Any, ...]]] = {}
    for claim in scribe.claims:
        if not claim[2]:  # what is relayed is counted where it was said
            claims.setdefault(claim[1], []).append(claim)
    taking: dict[str, set[str]] = {}
    for event, _, who in scribe.participants:
        if who.startswith("agent/"):
            taking.setdefault(event, set()).add(_side(scribe, who))
    out: dict[str, str] = {}
    for name, _, label, *_ in scribe.events:
        about = claims.get(name, ())
        by: dict[str, set[str]] = {}
        for claim in about:
            sides = {_side(scribe, w) for w in claim[3].split(",") if not w.startswith(NARRATOR)}
            by.setdefault(claim[5], set()).update(sides)
        status = status_of(
            [claim[6] for claim in about if claim[5] == "affirms"],
            [claim[5] for claim in about if claim[5] != "affirms"],
            {stance: known_sides(some, scribe.placeless) for stance, some in by.items()},
            taking.get(name, set()),
        )
        event = f"<{scribe.base}id/{name}>"
        out[event] = f"{event} {term('status')} {term(f'status-{status}')}{tail}"
        if status != "reported":
            start = f"{scribe.base}id/"
            node, pairs = assessment(
                scribe.base,
                [event[1:-1]],
                label,
                status,
                {stance: {start + side for side in sides} for stance, sides in by.items()},
                [start + claim[0] for claim in about],
            )
            out[node] = "".join(f"{node} {pair}{tail}" for pair in sorted(pairs))
    return out


def based(scribe: Scribe) -> dict[str, str]:
    """Return the lines by which assessments of events of other tables rest on claims, by subject.

    They count where such an event has an assessment at all, which nobody knows here.

    Raises:
        MappingError: somebody else than a narrator claims something, or does not affirm it: what
            that means to the status of the event cannot be told here.
    """
    graph = graph_iri(scribe.base, f"{scribe.feed.key}-status")
    here = {event[0] for event in scribe.events}
    found: dict[str, list[str]] = {}
    for claim in scribe.claims:
        name, about, relays, by, _, stance, *_ = claim
        if relays or about in here or not about.startswith("event/"):
            continue
        if stance != "affirms" or any(not who.startswith(NARRATOR) for who in by.split(",")):
            raise MappingError(
                "a claim about an event of another table is not that of a narrator who affirms it",
                where=f"mappings/{scribe.feed.id}.py",
                seen=f"{name} about {about}",
                hint="write it where the row of the event is mapped",
            )
        node = f"<{data_iri(scribe.base, 'status', digest_key('status', about[6:]))}>"
        line = f"{node} {term('basedOn')} <{scribe.base}id/{name}> <{graph}> .\n"
        found.setdefault(node, []).append(line)
    return {node: "".join(sorted(lines)) for node, lines in found.items()}


def happenings(scribe: Scribe) -> list[tuple[Happening, str]]:
    """Return what events are compared by with those of other sources, and the label of each."""
    places: dict[str, tuple[float, float]] = {}
    states: dict[str, set[str]] = {}
    for event, role, key in scribe.participants:
        if role == "place" and key in scribe.where:
            places.setdefault(event, scribe.where[key])
        if key.startswith("agent/"):
            for one in (_side(scribe, key), scribe.country.get(key, "")):
                if one in scribe.states:
                    states.setdefault(event, set()).add(one)
    found = []
    for name, _, label, _, category, earliest, latest, *_ in scribe.events:
        if name in places and name in states:
            happening = Happening(
                name, category, earliest, latest, *places[name], tuple(sorted(states[name]))
            )
            if comparable(happening):
                found.append((happening, label))
    return found


def _side(scribe: Scribe, agent: str) -> str:
    seen = {agent}
    while (other := scribe.acts_for.get(agent)) and other not in seen:
        agent = other
        seen.add(agent)
    return agent
