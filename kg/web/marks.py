"""What of a result stands on a map and on a timeline.

The scripts of the pictures draw these marks as they draw the rows of their own tables: from
elements of the page, which the macros of every other table write. So a mark has the words of the
table of the result and none of its own, and no text names one but labels: of a longer text, or
one that a query put together, nobody knows whether it says something that only a source says.

Spec: docs/how-to/read-the-pages.md; ISO 8601-2:2019
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from kg.edtf import bounds
from kg.vocab import CH, COMMON
from kg.web import describe, drawn
from kg.web.ask import Ask
from kg.web.describe import Quad, Row, Solutions
from kg.web.pages import Answer, Ref, Text, View

MARKS: Final = 200
"""Marks of a picture; a page says so where there would be more."""
ALSO: Final = 5
"""What else is named with a mark of several things at one point."""
_GEO: Final = COMMON["geo"]
_POINTS_QUERY: Final = (
    "SELECT DISTINCT ?s ?lat ?long WHERE { VALUES ?s { $nodes } "
    f"?s ch:latitude|<{_GEO}lat> ?lat ; ch:longitude|<{_GEO}long> ?long }}"
)
_TIME_QUERY: Final = (
    "SELECT DISTINCT ?s ?p ?o WHERE { VALUES ?s { $nodes } VALUES ?p { ch:time } ?s ?p ?o }"
)
_OF: Final = "VALUES ?n { $nodes } ?n (ch:ultimately?/ch:concerns)? ?p ."
_STATUS_QUERY: Final = f"SELECT DISTINCT ?n ?o WHERE {{ {_OF} ?p ch:status ?o }}"
_DISSENT_QUERY: Final = (
    f"SELECT DISTINCT ?n WHERE {{ {_OF} ?p ch:possiblySameAs? ?same . "
    "?same ^ch:concerns/ch:stance ?stance "
    f"VALUES ?stance {{ {' '.join(f'ch:stance-{key}' for key in drawn.DISSENT)} }} }}"
)
_PLACES: Final = ("place", "agent")
_TIMED: Final = (*describe.PROPOSITIONS, "claim")
_NUMBER: Final = r"([+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
_DEGREES: Final = re.compile(_NUMBER)
_WKT: Final = re.compile(rf"\s*POINT\s*\(\s*{_NUMBER}\s+{_NUMBER}\s*\)\s*", re.IGNORECASE)
_DATE: Final = re.compile(r"([0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?)(?:T.*|Z|[+-][0-9]{2}:[0-9]{2})?")
_FIRST: Final = re.compile("earliest|from|since|start|begin(s|ning)?|first", re.IGNORECASE)
_LAST: Final = re.compile("latest|to|until|till|ends?|last", re.IGNORECASE)

Point = tuple[str, str]
"""A latitude and a longitude in degrees."""


@dataclass(frozen=True)
class Mark:
    """What stands on a picture: what it is of, and how many rows of the table it is drawn for.

    `row` is the first of them, from 1; it stands for a mark that nothing names. `also` are some of
    what else is at the same point. On a map it has a latitude and a longitude, on a timeline the
    fields of `kg.web.drawn.Drawn`, and the words of its time. `status` is the derived status of
    what it is of, or of what that is about; `disputed` says whether somebody contradicts it.
    """

    label: Ref | Text | None
    row: int
    latitude: str = ""
    longitude: str = ""
    how: str = ""
    earliest: str = ""
    latest: str = ""
    when: str = ""
    count: int = 1
    also: tuple[Ref | Text | None, ...] = ()
    status: Ref | None = field(default=None, compare=False)
    disputed: bool = field(default=False, compare=False)

    @property
    def leads(self) -> bool:
        """Return whether it leads to its row, since it has no page."""
        return not (isinstance(self.label, Ref) and self.label.href)

    @property
    def key(self) -> str:
        """Return the name of the derived status; empty where there is none."""
        return self.status.iri.removeprefix(f"{CH}status-") if self.status else ""


class Marks(NamedTuple):
    """The marks of a picture, the variables that say where they stand (none where the graph does),
    whether there would be more, and the number of rows for which none is drawn."""

    marks: tuple[Mark, ...]
    variables: tuple[str, ...]
    cut: bool
    left: int


class Standing(NamedTuple):
    """The derived status of each event, relation and claim, or of what it is about; and which of
    them somebody contradicts."""

    status: Mapping[str, Ref]
    disputed: frozenset[str]

    def of(self, mark: Mark) -> Mark:
        """Return a mark with the status of what it is of."""
        label = mark.label
        iris = [label.iri] if isinstance(label, Ref) else label.of if label else ()
        statuses = [self.status[iri] for iri in iris if iri in self.status]
        if isinstance(label, Ref) and label.status:
            statuses = [label.status]
        return replace(
            mark,
            status=min(statuses, key=_most_disputed, default=None),
            disputed=any(one.iri in drawn.DISPUTED for one in statuses)
            or not self.disputed.isdisjoint(iris),
        )


def _most_disputed(status: Ref) -> tuple[bool, str]:
    return status.iri not in drawn.DISPUTED, status.iri


class Pictured(NamedTuple):
    """The pictures of a result, each where it has a mark, and the rows to which marks lead."""

    map: Marks | None = None
    timeline: Marks | None = None
    targets: frozenset[int] = frozenset()


async def pictured(ask: Ask, view: View, found: Solutions, answer: Answer) -> Pictured:
    """Return what of a result stands on a map and on a timeline; adds the times to the view.

    Args:
        view: the names of the result, as `kg.web.describe.named_in` gives them.
        answer: the table of the result, with all its variables.
    Raises:
        QueryFailure: it took too long.
    """
    rows = found.rows[: len(answer.rows)]
    kinds = {
        term.value: view.kind(term.value) for row in rows for term in row.values() if term.is_iri
    }
    imported = ask.served.manifest.imported
    places = [iri for iri, kind in kinds.items() if imported or kind in _PLACES]
    nodes = [iri for iri, kind in kinds.items() if kind in _TIMED and not imported]
    stated = [] if imported else view.stated()
    asked = [
        (_STATUS_QUERY, stated),
        (_DISSENT_QUERY, stated),
        (_POINTS_QUERY, places),
        (_TIME_QUERY, nodes),
        (describe.TIMES_QUERY, nodes),
    ]
    answers = iter(
        await ask.served.engine.rows(
            [describe.fill(query, nodes=describe.values_of(iris)) for query, iris in asked if iris]
        )
        if places or nodes or stated
        else ()
    )
    statuses, dissent, points, *times = (next(answers) if iris else [] for _, iris in asked)
    graph = view.d.graph
    for some in times:
        graph.add(Quad(row["s"].value, row["p"].value, row["o"], "") for row in some)
    for part in {one.object.value for one in graph.quads if one.predicate == f"{CH}partOfDay"}:
        graph.add(ask.served.engine.terms.get(part, ()))
    for status in {row["o"].value for row in statuses}:
        graph.add(ask.served.engine.terms.get(status, ()))
    standing = _standing(view, statuses, dissent)
    on_map = _map(view, rows, answer, _known(points), standing)
    on_line = _timeline(view, rows, answer, standing)
    targets = {mark.row for some in (on_map, on_line) if some for mark in some.marks if mark.leads}
    return Pictured(on_map, on_line, frozenset(targets))


def _standing(view: View, statuses: Iterable[Row], dissent: Iterable[Row]) -> Standing:
    """Return how things stand; of what is about several, the status that is disputed."""
    found: dict[str, Ref] = {}
    for row in statuses:
        iri, status = row["n"].value, view.ref(row["o"].value)
        found[iri] = min(found.get(iri, status), status, key=_most_disputed)
    return Standing(found, frozenset(row["n"].value for row in dissent))


def _known(rows: Iterable[Row]) -> dict[str, Point]:
    """Return where each thing lies; of what has several positions, one."""
    found: dict[str, Point] = {}
    for row in sorted(rows, key=lambda row: (row["s"].value, row["lat"].value, row["long"].value)):
        if point := _point(row["lat"].value, row["long"].value):
            found.setdefault(row["s"].value, point)
    return found


def _point(latitude: str, longitude: str) -> Point | None:
    """Return a position on Earth, or None where the numbers are none."""
    if not (_DEGREES.fullmatch(latitude) and _DEGREES.fullmatch(longitude)):
        return None
    inside = abs(float(latitude)) <= 90 and abs(float(longitude)) <= 180
    return (latitude, longitude) if inside else None


def _map(
    view: View,
    rows: Sequence[Row],
    answer: Answer,
    known: Mapping[str, Point],
    standing: Standing,
) -> Marks | None:
    """Return the marks of a map: by columns of coordinates where there are some, else of places."""
    of = [
        answer.columns.index(kind) for kind in ("latitude", "longitude") if kind in answer.columns
    ]
    if len(of) < 2:
        of = [answer.columns.index("point")] if "point" in answer.columns else []

    def marks(number: int, row: Row) -> Iterator[Mark]:
        if of:
            texts = _texts(answer.rows[number - 1], of)
            if len(of) == 1:  # Well-known text has the longitude first.
                match = _WKT.fullmatch(texts[0])
                texts = [match[2], match[1]] if match else ["", ""]
            if point := _point(*texts):
                yield Mark(_label(view, answer, number), number, *point)
            return
        for iri in _iris(row):
            if iri in known:
                yield Mark(view.ref(iri), number, *known[iri])

    return _gathered(marks, rows, answer, of, standing)


def _timeline(view: View, rows: Sequence[Row], answer: Answer, standing: Standing) -> Marks | None:
    """Return the marks of a timeline: by columns of dates where there are some, else of
    propositions whose time is known.

    A date that is an end of the time of a proposition or claim in its row stands for that time: it
    is as uncertain as that.
    """
    dates = [i for i, kind in enumerate(answer.columns) if kind in ("date", "year")]
    of = dates[:1]
    if of and _FIRST.fullmatch(answer.variables[of[0]]):
        of += [i for i in dates if _LAST.fullmatch(answer.variables[i])][:1]
    graph = view.d.graph

    def own(iri: str, number: int) -> Iterator[Mark]:
        how, earliest, latest = drawn.reach(graph, iri)
        if how:
            when = view.when(iri)
            yield Mark(view.ref(iri), number, "", "", how, earliest, latest, when)

    def marks(number: int, row: Row) -> Iterator[Mark]:
        if not of:
            for iri in _iris(row):
                if view.kind(iri) in describe.PROPOSITIONS:
                    yield from own(iri, number)
            return
        texts = _texts(answer.rows[number - 1], of)
        for iri in _iris(row):
            ends = {
                graph.one(time, f"ch:{name}")
                for time in graph.iris(iri, "ch:time")
                for name in ("edtf", "earliest", "latest")
            }
            if any(texts) and ends.issuperset(filter(None, texts)):
                yield from own(iri, number)
                return
        how, earliest, latest, edtf = _interval(texts)
        if how:
            label, when = _label(view, answer, number), view.language.date(edtf, "within")
            yield Mark(label, number, "", "", how, earliest, latest, when)

    return _gathered(marks, rows, answer, of, standing)


def _interval(texts: Sequence[str]) -> tuple[str, str, str, str]:
    """Return what kind of time some dates say, its first and last day, and how EDTF writes it.

    Of an interval nobody knows here whether something lasted all of it; it lies within it.

    >>> _interval(["2023-10-18T04:00:00+09:00"])
    ('day', '2023-10-18', '2023-10-18', '2023-10-18')
    >>> _interval(["2023-10-09", "2023-10-15"])
    ('within', '2023-10-09', '2023-10-15', '2023-10-09/2023-10-15')
    >>> _interval(["2023-08/.."])
    ('within', '2023-08-01', '', '2023-08/..')
    >>> _interval(["-0044"]), _interval(["", ""])
    (('', '', '', ''), ('', '', '', ''))
    """
    plain = [match[1] if (match := _DATE.fullmatch(text)) else text for text in texts]
    if len(plain) == 2 and any(plain):
        plain = ["/".join(text or ".." for text in plain)]
    try:
        earliest, latest = bounds(plain[0])
    except ValueError:
        return "", "", "", ""
    how = drawn.extent(plain[0], "")
    return "within" if how == "lasting" else how, earliest or "", latest or "", plain[0]


def _iris(row: Row) -> Iterator[str]:
    """Yield the IRIs of a row, each once."""
    yield from dict.fromkeys(term.value for term in row.values() if term.is_iri)


def _texts(values: Sequence[object], of: Iterable[int]) -> list[str]:
    """Return the texts of some columns of a row; empty where there is none."""
    return [value.text if isinstance(value := values[i], Text) else "" for i in of]


def _label(view: View, answer: Answer, number: int) -> Ref | Text | None:
    """Return what a row is of: the first name in it, or None where it has no name."""
    for value in answer.rows[number - 1]:
        if isinstance(value, Ref):
            return value
        if isinstance(value, Text) and (value.label or (view.imported and not value.datatype)):
            return value
    return None


def _gathered(
    marks: Callable[[int, Row], Iterable[Mark]],
    rows: Sequence[Row],
    answer: Answer,
    of: Sequence[int],
    standing: Standing,
) -> Marks | None:
    """Return the marks of all rows, what is the same in several of them once; None for none.

    What columns of coordinates place at one point is one mark.
    """
    found: dict[Mark, Mark] = {}
    cut, left = False, 0
    for number, row in enumerate(rows, 1):
        here = [standing.of(mark) for mark in marks(number, row)]
        left += not here
        for mark in here:
            same = replace(mark, row=0, label=None if of and mark.latitude else mark.label)
            if (first := found.get(same)) is not None:
                found[same] = _joined(first, mark)
            elif len(found) < MARKS:
                found[same] = mark
            else:
                cut = True
    variables = tuple(answer.variables[i] for i in of)
    return Marks(tuple(found.values()), variables, cut, left) if found else None


def _joined(mark: Mark, other: Mark) -> Mark:
    """Return a mark for one row more; a name in the language of the page is its first."""
    names, label = (mark.label, *mark.also), other.label
    if label not in names:
        foreign = isinstance(mark.label, Text) and mark.label.lang
        own = isinstance(label, Text) and not label.lang
        names = (label, *names) if foreign and own else (*names, label)
    return replace(
        mark,
        label=names[0],
        also=names[1 : ALSO + 1],
        count=mark.count + 1,
        status=mark.status if names[0] == mark.label else other.status,
        disputed=mark.disputed or other.disputed,
    )
