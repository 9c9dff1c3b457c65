"""Checking of quads against SHACL shapes, and reports that lead to the line of the facts file.

The shapes see the union of all graphs, the ontology included. A result tells the severity: only a
violation blocks a release, a warning or an information is printed.

    shapes = load_shapes(data_shapes())
    report = validate(dataset, shapes, origins=quads.origins)
    if report.blocks: …

SHACL Core is evaluated on columns (`kg.evaluate`), SPARQL on Oxigraph (`kg.queries`). What neither
does faithfully goes to pyshacl, shape by shape; the log says which and why.

Spec: SHACL (W3C Recommendation, 20 July 2017), Core and SHACL-SPARQL; docs/reference/shapes.md;
docs/decisions/0007-validation.md
"""

from __future__ import annotations

import logging
import re
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kg.bounded import bounded
from kg.errors import ConfigError, FactError, KgError, ShapesError, TooLarge, raise_all
from kg.evaluate import Evaluator, Rows, Unit
from kg.literals import RDF, XSD, Literal, compare, parse_literal
from kg.locality import places
from kg.queries import Queries, Uncompiled, check_constraint, to_rdflib
from kg.report import WHOLE_GRAPH, Checked, Omitted, Report, Result
from kg.resources import folder
from kg.shacl import (
    SH,
    Component,
    Constraint,
    Graph,
    Pattern,
    Qualified,
    Reader,
    Shape,
    Sparql,
    short,
)
from kg.triples import STDIN, Loader, Nodes, Triples, compose, ends, identity, spans, starts, unique
from kg.vocab import CH

if TYPE_CHECKING:
    import rdflib

_log = logging.getLogger(__name__)
_engine_log = logging.getLogger(f"{__name__}.pyshacl")

ONTOLOGY_LINT: Final = "ontology-lint.ttl"
"""The shapes that check the ontology itself and not the data."""

MAX_RESULTS: Final = 10_000
"""How many results of one constraint a report shows; the others are counted."""

MOST_FOR_PYSHACL: Final = 1_000_000
"""The most triples that are handed to pyshacl, which needs more than a kilobyte for each."""

ALL: Final = "all"
LOCAL: Final = "local"
WHOLE: Final = "whole"
SCOPES: Final = (ALL, LOCAL, WHOLE)

PYSHACL_SECONDS: Final = 1800
"""How long pyshacl may work."""

_TYPE: Final = f"<{RDF}type>"
_DETAILED: Final = 100
_MOST_ERRORS: Final = 50
_DEEPEST: Final = 200
_STEPS: Final = 6
_PROGRESS_SECONDS: Final = 5.0
_MADE_FOR: Final = frozenset(f"<{CH}{name}>" for name in ("assesses", "links", "linkSubject"))


@dataclass(frozen=True, eq=False)
class Shapes:
    """A shapes graph, loaded once and used for any number of validations.

    With `reference`, pyshacl and rdflib do everything, slowly; tests hold the faster way to that.
    """

    terms: Graph
    reference: bool = False
    prefixes: Mapping[str, str] = field(default_factory=dict)
    """Namespaces by prefix, as the files have them."""
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The file that describes a node, or the files."""
    _graphs: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def _read(self) -> tuple[tuple[Shape, ...], tuple[str, ...]]:
        """Return the shapes with targets that are not deactivated, and what has no effect."""
        reader = Reader(self.terms, lambda node: self.files.get(node, ""))
        found = reader.shapes()
        reader.read_typed()
        for shape in reader.every():
            for constraint in shape.constraints:
                if isinstance(constraint.value, Pattern | Sparql | Component):
                    with reader.noting():
                        check_constraint(constraint, reader.where(shape.node))
        raise_all(_first(reader.errors))
        idle = tuple(reader.warnings())
        for what in idle[:_MOST_ERRORS]:
            _log.warning("%s", what)
        if len(idle) > _MOST_ERRORS:
            _log.warning("and %d more of that kind", len(idle) - _MOST_ERRORS)
        return tuple(shape for shape in found if not shape.deactivated), idle

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what stands in the shapes without effect, each with its place."""
        return self._read[1]

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """Return what is evaluated: each shape with targets, and the shapes within it.

        Raises:
            ShapesError: the shapes are ill-formed.
            KgErrors: several of these.
        """
        return tuple(Unit(shape) for shape in self._read[0] if not _is_recursive(shape))

    @cached_property
    def recursive(self) -> tuple[Shape, ...]:
        """Return the shapes with targets that refer to themselves in the end."""
        return tuple(shape for shape in self._read[0] if _is_recursive(shape))

    @cached_property
    def labels(self) -> dict[str, str]:
        """Return how the shapes without names can be found: the shape around each, and its path."""
        out: dict[str, str] = {}
        for top in self.units:
            for unit in top.every():
                if not unit.shape.node.startswith("_"):
                    continue
                where = _path(unit.shape)
                around = ""
                if unit.outer is not None:
                    node = unit.outer.shape.node
                    around = out.get(node, _bare(node))
                out[unit.shape.node] = f"{around} at {where}" if around else f"a shape at {where}"
        return out

    @property
    def graph(self) -> rdflib.Graph:
        """Return the shapes graph for rdflib."""
        if "rdflib" not in self._graphs:
            self._graphs["rdflib"] = _rdflib_graph(self.terms.triples())
        graph: rdflib.Graph = self._graphs["rdflib"]
        return graph

    def of(self, nodes: Sequence[str]) -> rdflib.Graph:
        """Return the shapes graph with the targets of some shapes only, for rdflib."""
        keep = set(nodes)
        classes = {
            shape.node
            for shape in (*(unit.shape for unit in self.units), *self.recursive)
            if ("Class", shape.node) in shape.targets and shape.node not in keep
        }
        return _rdflib_graph(
            (s, p, o)
            for s, p, o in self.terms.triples()
            if s in keep
            or not (
                p.startswith(f"<{SH}target")
                # A shape that is a class has its instances as targets.
                or (s in classes and p == _TYPE and not o.startswith(f"<{SH}"))
            )
        )


def data_shapes() -> list[Path]:
    """Return the paths of the built-in shapes for data, sorted.

    Raises:
        ResourceError: the folder of shapes is missing.
    """
    return sorted(p for p in folder("shapes").glob("*.ttl") if p.name != ONTOLOGY_LINT)


def shape_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files of shapes that are meant by files and folders, in the order given.

    A folder stands for its `*.ttl` files, without the shapes that check the ontology.

    Raises:
        ConfigError: a folder has none, or the standard input is named.
    """
    out: list[Path] = []
    for path in paths:
        if path == STDIN:
            raise ConfigError("shapes are read from files", where="--shapes", seen="-")
        if path.is_dir():
            found = sorted(p for p in path.glob("*.ttl") if p.name != ONTOLOGY_LINT)
            if not found:
                raise ConfigError(
                    "the folder holds no shapes", where=str(path), expected="files that end in .ttl"
                )
            out += found
        else:
            out.append(path)
    return out


def load_shapes(paths: Iterable[Path]) -> Shapes:
    """Return the shapes of some RDF files together.

    Args:
        paths: files in Turtle, TriG, N-Triples, N-Quads, RDF/XML or JSON-LD, told by their suffix.
    Raises:
        ConfigError: a file cannot be read, or its suffix tells no format.
        ShapesError: a file is no RDF, or the shapes break the rules for shapes.
        KgErrors: several of these.
    Spec: SHACL, appendix B (Summary of SHACL Syntax Rules).
    """
    loader = Loader()
    errors: list[KgError] = []
    subjects: list[tuple[Path, Nodes]] = []
    prefixes: list[Mapping[str, str]] = []
    for number, path in enumerate(paths):
        try:
            rows = loader.add_file(path, f"s{number}-", ShapesError)
            subjects.append((path, unique(rows[0].astype(np.int64))))
            prefixes.append(loader.prefixes)
        except ConfigError as e:
            errors.append(e)
    raise_all(errors)
    data, _ = loader.triples()
    described: dict[str, list[Path]] = {}
    for path, nodes in subjects:
        for node in nodes.tolist():
            described.setdefault(data.text(node), []).append(path)
    files = {
        name: " or ".join(map(str, places)) if len(places) < 4 else f"{len(places)} files"
        for name, places in described.items()
    }
    shapes = Shapes(Graph(texts_of(data)), prefixes=first_of(prefixes), files=files)
    _ = shapes.units
    return shapes


def _first(errors: Sequence[ShapesError]) -> list[ShapesError]:
    """Return the first errors, and of how many others nothing more is told."""
    more = len(errors) - _MOST_ERRORS
    if more <= 0:
        return list(errors)
    return [*errors[:_MOST_ERRORS], ShapesError(f"the shapes have {more} more errors")]


def texts_of(data: Triples) -> Iterator[tuple[str, str, str]]:
    """Yield the triples as text; the values of a subject in the order of their first mention."""
    for predicate in data.predicates():
        name = data.text(predicate)
        for pair in data.pairs(predicate).tolist():
            yield data.text(pair >> 32), name, data.text(pair & 0xFFFFFFFF)


def _is_recursive(shape: Shape) -> bool:
    """Return whether a shape refers to itself in the end, or to one that does."""
    done: set[int] = set()
    trail: list[tuple[Shape, Iterator[Shape]]] = [(shape, _referred(shape))]
    within = {id(shape)}
    while trail:
        one, rest = trail[-1]
        following = next(rest, None)
        if following is None:
            trail.pop()
            within.discard(id(one))
            done.add(id(one))
        elif id(following) in within:
            return True
        elif id(following) not in done:
            within.add(id(following))
            trail.append((following, _referred(following)))
    return False


def _referred(shape: Shape) -> Iterator[Shape]:
    for constraint in shape.constraints:
        yield from shapes_in(constraint.value)


def shapes_in(value: object) -> Iterator[Shape]:
    """Yield the shapes that the value of a constraint holds."""
    if isinstance(value, Shape):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from shapes_in(part)


# --- validating -------------------------------------------------------------------------------


class Place(NamedTuple):
    """A node, and predicate and object of the triple in question, if there is one."""

    node: int
    predicate: int = -1
    value: int = -1


_Origin = Callable[[Triples, Sequence[Place]], Mapping[Place, str]]
"""Returns where places are: `file:line`; what is not known is not in it."""


def validate(
    lines: Iterable[str],
    shapes: Shapes,
    *,
    origins: Mapping[str, str] | None = None,
    max_results: int = MAX_RESULTS,
    scope: str = ALL,
    keep: Callable[[Triples], None] | None = None,
) -> Report:
    """Return the report on the union of the graphs.

    Args:
        lines: N-Quads or N-Triples, each with its line feed; a `Dataset` is one.
        shapes: from `load_shapes`.
        origins: the `file:line` of every node that stands for a record. A result about a node
            without one (a span, a time …) gets that of the nearest node that refers to it.
        max_results: how many results of one constraint are shown; the others are counted.
        scope: `LOCAL` for the shapes that look at a record's own quads only, `WHOLE` for the
            others; see kg.locality.
        keep: called with the graph once it is read.
    Raises:
        FactError: a line is no N-Quads, or holds an RDF 1.2 triple term.
        ShapesError: the shapes are ill-formed.
        TooLarge: a part of the work is for pyshacl, and the data is too much for it.
    """
    loader = Loader(_progress("read %d quads"))
    loader.add_lines(lines)
    data, _ = loader.triples()
    if keep:
        keep(data)
    return _run(data, shapes, record_origins(origins or {}), max_results, scope)


def validate_files(
    paths: Iterable[Path],
    shapes: Shapes,
    *,
    max_results: int = MAX_RESULTS,
    scope: str = ALL,
    form: str = "",
) -> Report:
    """Return the report on the union of the graphs of some RDF files.

    The origin of a result is the file that describes its focus node; of N-Triples and N-Quads also
    the line on which the description begins.

    Args:
        paths: files in Turtle, TriG, N-Triples, N-Quads, RDF/XML or JSON-LD, told by their suffix,
            perhaps with a further `.gz`; `STDIN` is the standard input.
        shapes: from `load_shapes`.
        max_results: see `validate`.
        scope: see `validate`.
        form: the suffix that counts where a path has none that tells a format.
    Raises:
        ConfigError: a file cannot be read, or its suffix tells no format.
        FactError: a file is not what its suffix says, or holds an RDF 1.2 triple term.
        KgErrors: several of these.
        ShapesError: the shapes are ill-formed.
        TooLarge: a part of the work is for pyshacl, and the data is too much for it.
    """
    loader = Loader(_progress("read %d quads"))
    errors: list[KgError] = []
    sources: list[Source] = []
    prefixes: list[Mapping[str, str]] = []
    for number, path in enumerate(paths):
        try:
            rows = loader.add_file(path, f"d{number}-", form=form)
            sources.append(source(path, rows, by_line=loader.by_line))
            del rows
            prefixes.append(loader.prefixes)
        except (ConfigError, FactError) as e:
            errors.append(e)
    raise_all(errors)
    data, _ = loader.triples()
    return _run(data, shapes, file_origins(sources), max_results, scope, prefixes)


def _progress(message: str) -> Callable[[int], None]:
    """Return what tells a growing number in the log, every few seconds."""
    last = time.monotonic()

    def tell(number: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > _PROGRESS_SECONDS:
            last = now
            _log.info(message, number)

    return tell


def _run(
    data: Triples,
    shapes: Shapes,
    origin: _Origin,
    max_results: int,
    scope: str = ALL,
    prefixes: Sequence[Mapping[str, str]] = (),
) -> Report:
    if shapes.reference:
        nodes = [unit.shape.node for unit in shapes.units]
        nodes += [shape.node for shape in shapes.recursive]
        by_reference = _by_pyshacl(data, shapes, nodes)
        return sorted_report(by_reference, (), data, origin, shapes, prefixes)
    queries = Queries(data, shapes.terms.triples())
    evaluator = Evaluator(data, queries)
    tell = _progress(f"checked %d of {len(shapes.units)} shapes")
    rows: list[Rows] = []
    wanted = None if scope == ALL else _in_scope(shapes, scope)
    left = [(shape, "it refers to itself") for shape in shapes.recursive if scope != LOCAL]
    focus_nodes = checked = 0
    known = len(data.terms)  # a node that only a shape names is not in the data
    for shape, _ in left:
        foci = evaluator.targets(shape)
        focus_nodes, checked = focus_nodes + int((foci < known).sum()), checked + 1
    for number, unit in enumerate(shapes.units):
        if wanted is not None and not any(inner in wanted for inner in unit.every()):
            continue
        foci = evaluator.targets(unit.shape)
        focus_nodes, checked = focus_nodes + int((foci < known).sum()), checked + 1
        try:
            found = evaluator.check_within(unit, foci, None, wanted)
            rows += [r for _, part in found for r in part]
        except Uncompiled as e:
            if wanted is not None and not all(inner in wanted for inner in unit.every()):
                raise TooLarge(
                    "a shape that is for pyshacl here cannot be taken apart",
                    where=short(unit.shape.node),
                    seen=str(e),
                    hint="validate the whole at once, with the scope all",
                ) from None
            left.append((unit.shape, str(e)))
        tell(number)
    results, omitted = materialise(evaluator, rows, max_results)
    if left:
        results += left_to_pyshacl(data, shapes, left)
    report = sorted_report(results, omitted, data, origin, shapes, prefixes)
    return replace(report, checked=Checked(checked, focus_nodes, len(data)))


def _in_scope(shapes: Shapes, scope: str) -> frozenset[Unit]:
    found = places(shapes.units)
    return frozenset(place.unit for place in found if place.local == (scope == LOCAL))


def left_to_pyshacl(
    data: Triples, shapes: Shapes, left: Sequence[tuple[Shape, str]]
) -> list[Result]:
    """Return the results of the shapes that are not compiled.

    Raises:
        TooLarge: there are too many triples.
    """
    for shape, why in left:
        _log.warning("%s is left to pyshacl, which is slow: %s", short(shape.node), why)
    if len(data) > MOST_FOR_PYSHACL:
        raise TooLarge(
            "the graph is too large for pyshacl, which has to check some shapes",
            where=", ".join(short(shape.node) for shape, _ in left),
            seen=f"{len(data)} triples; {left[0][1]}",
            expected=f"at most {MOST_FOR_PYSHACL} triples",
            hint="change these shapes or the literals they look at, or validate parts of the data",
        )
    return _by_pyshacl(data, shapes, [shape.node for shape, _ in left])


def sorted_report(
    results: list[Result],
    omitted: Sequence[Omitted],
    data: Triples,
    origin: _Origin,
    shapes: Shapes,
    prefixes: Sequence[Mapping[str, str]] = (),
) -> Report:
    """Return the report, with the origins of what the results are about.

    Args:
        prefixes: those of the files of data; those of the shapes come before them.
    """
    places = [_place(data, r) for r in results]
    known = list(dict.fromkeys(place for place in places if place is not None))
    found = origin(data, known) if known else {}
    out = []
    for r, place in zip(results, places, strict=True):
        where = "" if place is None else found.get(place, "")
        out.append(_found_at(r, where, shapes.labels.get(r.shape, "")))
    return Report(
        tuple(sorted(out, key=Result.order)),
        tuple(replace(more, label=shapes.labels.get(more.shape, "")) for more in omitted),
        prefixes=first_of((shapes.prefixes, *prefixes)),
    )


def _place(data: Triples, result: Result) -> Place | None:
    """Return where the fault of a result is: a triple, if it is one of the graph, or a node."""
    about = result.value if result.focus == WHOLE_GRAPH else result.focus
    node = data.find(_term(about)) if about else None
    if node is None:
        return None
    predicate, value = data.find(f"<{result.path}>"), data.find(_term(result.value))
    if about != result.focus or predicate is None or value is None:
        return Place(node)
    if not data.has(predicate, node << 32 | value):
        return Place(node)
    return Place(node, predicate, value)


def first_of(maps: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return maps as one, in which the first value of a key counts."""
    out: dict[str, str] = {}
    for one in maps:
        for key, value in one.items():
            out.setdefault(key, value)
    return out


def _found_at(result: Result, origin: str, label: str) -> Result:
    return replace(result, origin=origin, label=label) if origin or label else result


def _term(text: str) -> str:
    """Return a term as N-Triples writes it, from the text of a result."""
    return text if text.startswith(('"', "_:")) else f"<{text}>"


# --- results ----------------------------------------------------------------------------------


def materialise(
    evaluator: Evaluator, rows: Iterable[Rows], max_results: int
) -> tuple[list[Result], list[Omitted]]:
    """Return the results that rows stand for, and how many are left out of each constraint."""
    out: list[Result] = []
    counts: dict[tuple[str, str, str, str], tuple[int, int]] = {}
    for one in rows:
        key = _key(one)
        shown, omitted = counts.get(key, (0, 0))
        take = min(one.total, max_results - shown)
        out += _results(evaluator, one, take)
        counts[key] = shown + take, omitted + one.total - take
    left = [Omitted(*key, omitted) for key, (_, omitted) in sorted(counts.items()) if omitted]
    return out, left


def _key(rows: Rows) -> tuple[str, str, str, str]:
    """Return severity, shape, component and constraint."""
    node = rows.constraint.node if rows.constraint.name == "SPARQL" else ""
    return (
        rows.shape.severity,
        _bare(rows.shape.node),
        rows.constraint.component,
        _bare(node) if node else "",
    )


def _results(evaluator: Evaluator, rows: Rows, most: int) -> Iterator[Result]:
    severity, node, component, constraint = _key(rows)
    shape = rows.shape
    own_path = _bare(str(shape.path)) if shape.path else ""
    text = evaluator.data.text
    if rows.solutions is not None:
        for s in rows.solutions[:most]:
            message = _message(s.messages) or default_message(shape, rows.constraint)
            yield Result(
                focus=_bare(text(s.focus)),
                path=_bare(s.path),
                value=_bare(s.value),
                severity=severity,
                component=component,
                shape=node,
                constraint=constraint,
                message=message,
                origin="",
                messages=_told(s.messages),
            )
        return
    own = _message(shape.messages)
    start, end = _default(shape, rows.constraint)
    seen = [] if own else _seen(evaluator, rows, most)
    details = _details(evaluator, rows)
    written = 0
    for n, focus in enumerate(rows.focus[:most].tolist()):
        value = int(rows.value[n]) if rows.value is not None else None
        path = _bare(text(int(rows.path[n]))) if rows.path is not None else own_path
        result = Result(
            focus=_bare(text(focus)),
            path=path,
            value="" if value is None else _bare(text(value)),
            severity=severity,
            component=component,
            shape=node,
            constraint=constraint,
            message=own or f"{start}{seen[n]}{'; ' if seen[n] else ''}{end}",
            origin="",
            detail=details.get(value, ()) if value is not None else (),
            messages=_told(shape.messages),
        )
        times = 1 if rows.times is None else int(rows.times[n])
        for _ in range(times):
            if written < most:
                yield result
                written += 1


def _details(evaluator: Evaluator, rows: Rows) -> dict[int, tuple[Result, ...]]:
    """Return what the first values that fail another shape do not conform to, by value."""
    name, arg = rows.constraint.name, rows.constraint.value
    if rows.value is None or name not in ("Node", "And", "Or", "Xone"):
        return {}
    out: dict[int, tuple[Result, ...]] = {}
    shapes = arg if isinstance(arg, tuple) else (arg,)
    for value in unique(rows.value)[:_DETAILED].tolist():
        found: list[Result] = []
        for member in shapes:
            assert isinstance(member, Shape)
            if member.deactivated:
                continue
            one = np.array([value], np.int64)
            inner = [r for _, part in evaluator.check_within(Unit(member), one) for r in part]
            found += materialise(evaluator, inner, _DETAILED)[0]
        out[value] = tuple(sorted(found, key=Result.order))
    return out


def _message(messages: Sequence[Literal]) -> str:
    """Return the messages in English or without a language, or all if there are none."""
    english = [m.lexical for m in messages if m.language in ("", "en")]
    return " ".join(english or [m.lexical for m in messages])


def _told(messages: Sequence[Literal]) -> tuple[tuple[str, str], ...]:
    return tuple((m.lexical, m.language) for m in messages)


def _bare(term: str) -> str:
    """Return a term as results write it: an IRI without brackets."""
    return term[1:-1] if term.startswith("<") and term.endswith(">") and " " not in term else term


_EXPECTED: Final = {
    "Class": "an instance of {}",
    "Datatype": "a well-formed {}",
    "NodeKind": "{}",
    "MinCount": "at least {}",
    "MaxCount": "at most {}",
    "MinExclusive": "more than {}",
    "MinInclusive": "{} or above",
    "MaxExclusive": "less than {}",
    "MaxInclusive": "{} or below",
    "MinLength": "at least {} characters",
    "MaxLength": "at most {} characters",
    "Pattern": "a text that matches {}",
    "LanguageIn": "a text in one of the languages {}",
    "UniqueLang": "one value for each language",
    "Equals": "the same values here and at {}",
    "Disjoint": "no value that is at {} too",
    "LessThan": "a value below those at {}",
    "LessThanOrEquals": "a value not above those at {}, which can be compared with them",
    "Not": "a value that is not: {}",
    "And": "a value that is all of: {}",
    "Or": "a value that is one or more of: {}",
    "Xone": "a value that is exactly one of: {}",
    "Node": "a value that is: {}",
    "Property": "{}",
    "QualifiedMinCount": "at least {} that are: {}",
    "QualifiedMaxCount": "at most {} that are: {}",
    "Closed": "no properties but those that the shape names or ignores",
    "HasValue": "{} among the values",
    "In": "one of {}",
    "SPARQL": "no solution of the SPARQL constraint",
    "Custom": "what the constraint component asks for",
}
_KINDS: Final = {
    "BlankNode": "a blank node",
    "IRI": "an IRI",
    "Literal": "a literal",
    "BlankNodeOrIRI": "a blank node or an IRI",
    "BlankNodeOrLiteral": "a blank node or a literal",
    "IRIOrLiteral": "an IRI or a literal",
}
_MOST_TOLD: Final = 12
_MOST_NESTED: Final = 3
_MOST_CHARACTERS: Final = 600


def default_message(shape: Shape, constraint: Constraint) -> str:
    """Return what is told where a shape has no message: where, and what was expected."""
    return "".join(_default(shape, constraint))


def _default(shape: Shape, constraint: Constraint) -> tuple[str, str]:
    """Return what comes before and after what was seen, in the message of a constraint."""
    where = f"{_path(shape)}: " if shape.path else ""
    expected = _expected(constraint, 0)
    if len(expected) > _MOST_CHARACTERS:
        expected = f"{expected[:_MOST_CHARACTERS]}…"
    return where, f"expected {expected}"


def _expected(constraint: Constraint, depth: int) -> str:
    """Return what a constraint expects, in words."""
    arg = constraint.value
    told: tuple[object, ...]
    if isinstance(arg, Shape):
        told = (_called(arg, depth),)
    elif isinstance(arg, Qualified):
        told = (arg.number, _called(arg.shape, depth))
    elif isinstance(arg, Literal):
        told = (arg.lexical,)
    elif isinstance(arg, Pattern):
        told = (arg.pattern + (f" (flags {arg.flags})" if arg.flags else ""),)
    elif isinstance(arg, tuple):
        parts = [
            f"({_called(one, depth)})" if isinstance(one, Shape) else _written(str(one))
            for one in arg[:_MOST_TOLD]
        ]
        more = len(arg) - len(parts)
        told = (", ".join(parts) + (f" and {more} more" if more else "") or "an empty list",)
    elif constraint.name in ("MinCount", "MaxCount"):
        told = ("1 value" if arg == 1 else f"{arg} values",)
    elif constraint.name == "NodeKind":
        told = (_KINDS[str(arg)],)
    else:
        told = (_written(str(arg)),)
    return _EXPECTED[constraint.name].format(*told)


def _path(shape: Shape) -> str:
    """Return the path of a shape for people, empty if it has none."""
    path = shape.path
    return "" if path is None else short(str(path)) if path.op == "iri" else str(path)


def _written(term: str) -> str:
    """Return a term for people: an IRI without brackets, a number or date as it is."""
    if not term.startswith('"'):
        return short(term)
    literal = parse_literal(term)
    return literal.lexical if literal.datatype.startswith(XSD) and '"^^' in term else term


def _called(shape: Shape, depth: int) -> str:
    """Return the name of a shape, or what it expects if it has none."""
    if not shape.node.startswith("_"):
        return short(shape.node)
    if shape.deactivated:
        return "anything"
    if depth == _MOST_NESTED:
        return "a shape without a name"
    where = f"{_path(shape)}: " if shape.path else ""
    told = [_expected(one, depth + 1) for one in shape.constraints[:_MOST_TOLD]]
    more = len(shape.constraints) - len(told)
    return where + (" and ".join([*told, *([f"{more} more"] if more else [])]) or "anything")


def _seen(evaluator: Evaluator, rows: Rows, most: int) -> list[str]:
    """Return what was seen at the first focus nodes, for constraints that count."""
    name, shape, arg = rows.constraint.name, rows.shape, rows.constraint.value
    shown = rows.focus[:most]
    foci = unique(shown)
    if name in ("MinCount", "MaxCount", "QualifiedMinCount", "QualifiedMaxCount"):
        pairs = evaluator.values(shape, foci)
        counts = spans(pairs, foci)[1]
        told = [f"{n} value{'' if n == 1 else 's'}" for n in counts.tolist()]
        if isinstance(arg, Qualified):
            such = spans(evaluator.qualified(pairs, arg), foci)[1].tolist()
            told = [f"{n} of {what}" for n, what in zip(such, told, strict=True)]
        return [told[at] for at in foci.searchsorted(shown).tolist()]
    if name == "UniqueLang":
        tags = evaluator.repeated_languages(evaluator.values(shape, foci))
        each = {focus: iter(found) for focus, found in tags.items()}
        return [f"several values in {next(each[focus], '')}" for focus in shown.tolist()]
    if rows.value is not None and (name == "Datatype" or isinstance(arg, Literal)):
        values = rows.value[:most]
        told_of = {n: _kind_seen(evaluator.data.text(n), arg) for n in unique(values).tolist()}
        return [told_of[n] for n in values.tolist()]
    return [""] * len(shown)


def _kind_seen(term: str, arg: object) -> str:
    """Return why a term is not of a datatype, or not in a range, where that is not plain to see."""
    if not term.startswith('"'):
        return ""
    literal = parse_literal(term)
    if isinstance(arg, Literal):
        return "" if compare(literal, arg) is not None else f"cannot be compared with {arg.lexical}"
    if literal.language:
        return f"a text in {literal.language}"
    return "not a form of its datatype" if f"<{literal.datatype}>" == arg else ""


# --- where it comes from ----------------------------------------------------------------------


def record_origins(origins: Mapping[str, str]) -> _Origin:
    """Return what finds the line of the record that nodes come from.

    That is the origin of the node itself; else of the nearest that refers to it, through at most
    six others; else of the nearest that it refers to, what it is made for first. Of several as
    near, the first by address.
    """

    def find(data: Triples, places: Sequence[Place]) -> Mapping[Place, str]:
        if not origins:
            return {}

        def own(number: int) -> str:
            return origins.get(data.text(number)[1:-1], "")

        out = {place.node: own(place.node) for place in places}
        for back in (True, False):
            missing = np.array([n for n, where in out.items() if not where], np.int64)
            out |= _nearest(data, np.sort(missing), own, back=back)
        return {place: out[place.node] for place in places}

    return find


def _nearest(
    data: Triples, nodes: Nodes, own: Callable[[int], str], *, back: bool
) -> dict[int, str]:
    """Return the origin that is nearest to each node."""
    out: dict[int, str] = {}
    reached = latest = identity(nodes)
    made_for = {p for p in map(data.find, _MADE_FOR) if p is not None}
    for step in range(_STEPS):
        if not len(latest):
            break
        frontier = unique(ends(latest))
        found = []
        near: dict[int, list[tuple[bool, str, str]]] = {}
        for predicate in data.predicates():
            pairs = compose(latest, data.step(predicate, frontier, inverse=back))
            if not len(pairs):
                continue
            found.append(pairs)
            first = not back and step == 0 and predicate in made_for
            for number in unique(ends(pairs)).tolist():
                where = own(number)
                if where:
                    for root in starts(pairs[ends(pairs) == number]).tolist():
                        near.setdefault(root, []).append((not first, data.text(number), where))
        out |= {root: min(places)[2] for root, places in near.items()}
        if not found:
            break
        pairs = unique(np.concatenate(found))
        pairs = np.setdiff1d(pairs, reached, assume_unique=True)
        latest = pairs[~np.isin(starts(pairs), list(out))]
        reached = np.union1d(reached, latest)
    return out


class Source(NamedTuple):
    """A file that was read: what it describes, and its triples line by line, if that is known."""

    path: Path
    nodes: Nodes
    rows: NDArray[np.int32] | None = None


def source(path: Path, rows: NDArray[np.int32], *, by_line: bool) -> Source:
    """Return a file as a source; see `kg.triples.Loader` for its rows."""
    return Source(path, unique(rows[0].astype(np.int64)), rows if by_line else None)


def file_origins(sources: Sequence[Source]) -> _Origin:
    """Return what finds the file that describes a node, and the line where there are lines.

    That is the line of the triple, where a place tells it; else the first with the node as subject.
    """

    def find(data: Triples, places: Sequence[Place]) -> Mapping[Place, str]:
        out: dict[Place, str] = {}
        missing = list(places)  # also of which only the node was found
        for one in sources:
            nodes = np.array([place.node for place in missing], np.int64)
            there = np.isin(nodes, one.nodes).tolist()
            here = [place for place, is_there in zip(missing, there, strict=True) if is_there]
            name = "stdin" if one.path == STDIN else str(one.path)
            first: dict[int, int] = {}
            lines: dict[Place, int] = {}
            if here and one.rows is not None:
                first, lines = _lines_in_rows(one.rows, here)
            elif here and one.path.suffix in (".nt", ".nq"):
                first, lines = _lines_in_file(one.path, data, here)
            for place in here:
                if place in lines:
                    out[place] = f"{name}:{lines[place]}"
                elif place.node in first:
                    out.setdefault(place, f"{name}:{first[place.node]}")
                else:
                    out.setdefault(place, name)
            missing = [p for p in missing if not (p in lines or (p in out and p.predicate < 0))]
        return out

    return find


def _lines_in_rows(
    rows: NDArray[np.int32], places: Sequence[Place]
) -> tuple[dict[int, int], dict[Place, int]]:
    """Return the first line about each node, and the lines of the triples that places tell."""
    first: dict[int, int] = {}
    lines: dict[Place, int] = {}
    wanted = set(places)
    about = np.flatnonzero(np.isin(rows[0], [place.node for place in places]))
    triples = zip(*rows[:, about].tolist(), strict=True)
    for line, triple in zip((about + 1).tolist(), triples, strict=True):
        first.setdefault(triple[0], line)
        place = Place(*triple)
        if place in wanted:
            lines.setdefault(place, line)
    return first, lines


def _lines_in_file(
    path: Path, data: Triples, places: Sequence[Place]
) -> tuple[dict[int, int], dict[Place, int]]:
    """Return what `_lines_in_rows` returns, as far as lines are written as this program does."""
    first: dict[int, int] = {}
    lines: dict[Place, int] = {}
    nodes = {data.terms[place.node]: place.node for place in places}
    wanted = {
        (data.terms[p.node], data.terms[p.predicate], data.terms[p.value]): p
        for p in places
        if p.predicate >= 0
    }
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            subject, _, after = line.partition(b" ")
            if subject not in nodes:
                continue
            first.setdefault(nodes[subject], number)
            predicate, _, rest = after.partition(b" ")
            rest = rest.rstrip().removesuffix(b".").rstrip()
            # With a graph behind it, or without.
            for value in (rest, rest.rpartition(b" ")[0]):
                place = wanted.get((subject, predicate, value))
                if place is not None:
                    lines.setdefault(place, number)
    return first, lines


# --- pyshacl ----------------------------------------------------------------------------------


def _rdflib_graph(triples: Iterable[tuple[str, str, str]]) -> rdflib.Graph:
    import rdflib

    graph = rdflib.Graph(bind_namespaces="none")
    terms: dict[str, Any] = {}

    def of(text: str) -> Any:
        if text not in terms:
            terms[text] = to_rdflib(text)
        return terms[text]

    with _without_tracebacks():
        for s, p, o in triples:
            graph.add((of(s), of(p), of(o)))
    return graph


@contextmanager
def _without_tracebacks() -> Iterator[None]:
    """Keep rdflib from printing a traceback for each literal whose form is not of its datatype.

    Such a literal is a matter for the shapes, and they report it.
    """
    logger = logging.getLogger("rdflib.term")

    def drop(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Failed to convert Literal lexical form")

    logger.addFilter(drop)
    try:
        yield
    finally:
        logger.removeFilter(drop)


def _by_pyshacl(data: Triples, shapes: Shapes, nodes: Sequence[str]) -> list[Result]:
    """Return what pyshacl finds with some of the shapes.

    Raises:
        ShapesError: pyshacl cannot work with the shapes.
        TooLarge: it took too long.
    """
    import pyshacl  # noqa: F401  # once, and not in each child

    rules = shapes.of(nodes)
    (found,) = bounded(
        lambda: [_asked_of_pyshacl(data, shapes, rules, nodes)],
        seconds=PYSHACL_SECONDS,
        what="pyshacl, which alone can check some shapes, was ended",
        where=", ".join(map(short, nodes)),
        hint="validate parts of the data, or write these shapes in a way that needs no pyshacl",
    )
    return found


def _asked_of_pyshacl(
    data: Triples, shapes: Shapes, rules: rdflib.Graph, nodes: Sequence[str]
) -> list[Result]:
    from pyparsing import ParseBaseException
    from pyshacl import Validator
    from pyshacl.errors import (
        ConstraintLoadError,
        ConstraintLoadWarning,
        ReportableRuntimeError,
        ShapeLoadError,
        ValidationFailure,
    )
    from pyshacl.graph_abstraction import DataGraph

    _engine_log.setLevel(logging.WARNING)  # below it pyshacl tells every step
    graph = _rdflib_graph(texts_of(data))
    try:
        validator = Validator(
            DataGraph.from_rdflib(graph),
            shacl_graph=rules,
            options={
                "inference": "none",
                "inplace": True,
                "logger": _engine_log,
                "max_validation_depth": _DEEPEST,
            },
        )
        with _without_tracebacks(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of recursion, which the log has told
            _, report, _ = validator.run()  # type: ignore[no-untyped-call]  # pyshacl
        return _reported(report, Reader(shapes.terms))
    except (
        ReportableRuntimeError,
        ConstraintLoadWarning,
        ConstraintLoadError,
        ShapeLoadError,
        ValidationFailure,
    ) as e:
        text = str(e).split("\nFor reference", maxsplit=1)[0]
        raise ShapesError("the shapes are ill-formed", seen=text) from None
    except ParseBaseException as e:
        raise ShapesError("a SPARQL constraint is not SPARQL", seen=str(e)) from None
    except re.error as e:
        raise ShapesError(
            "a pattern is no regular expression", seen=f"{e.pattern!r}: {e}"
        ) from None
    except MemoryError:
        raise
    except Exception as e:  # noqa: BLE001  # another engine, which may fail in any way
        raise TooLarge(
            "pyshacl, which alone can check some shapes, failed on this data",
            where=", ".join(short(node) for node in nodes),
            seen=f"{type(e).__name__}: {e}"[:200],
            hint="the log says why they are for pyshacl: change that, or leave the shapes out",
        ) from None


def _reported(report: rdflib.Graph, reader: Reader) -> list[Result]:
    """Return the results of a report graph on the shapes of a reader."""
    from rdflib import URIRef

    def values(node: Any, name: str) -> list[str]:
        return [_from_rdflib(o) for o in report.objects(node, URIRef(SH + name))]

    def one(node: Any, name: str) -> str:
        return next(iter(values(node, name)), "")

    def result(node: Any) -> Result:
        # pyshacl does not copy every path whole; that of the shape is.
        path, source = one(node, "resultPath"), one(node, "sourceShape")
        shape = reader.shape(source)
        if path and not path.startswith("<"):
            path = str(shape.path)
        path = _bare(path)
        component = _bare(one(node, "sourceConstraintComponent"))
        messages = sorted(
            (parse_literal(m) for m in values(node, "resultMessage")),
            key=lambda m: (m.language not in ("", "en"), m),
        )
        detail = (result(d) for d in report.objects(node, URIRef(SH + "detail")))
        own = [c for c in shape.constraints if c.component == component]
        if own and not shape.messages and not any(_has_messages(c) for c in own):
            text = default_message(shape, own[0]) if len(own) == 1 else ""
            messages = [Literal(text, f"{XSD}string", "")] if text else messages
        return Result(
            focus=_bare(one(node, "focusNode")),
            path=path,
            value=_bare(one(node, "value")),
            severity=_bare(one(node, "resultSeverity")),
            component=component,
            shape=_bare(one(node, "sourceShape")),
            constraint=_bare(one(node, "sourceConstraint")),
            message=_message(messages),
            messages=_told(messages),
            origin="",
            detail=tuple(sorted(detail, key=Result.order)),
        )

    return [result(node) for node in report.objects(None, URIRef(SH + "result"))]


def _has_messages(constraint: Constraint) -> bool:
    """Return whether a constraint has messages of its own, beside those of its shape."""
    value = constraint.value
    own = isinstance(value, Component) and value.messages
    return bool(own) or (
        isinstance(value, Sparql) and bool(value.messages or "message" in value.query.variables)
    )


def _from_rdflib(term: Any) -> str:
    """Return a term of rdflib as N-Triples text, as kg.triples writes it."""
    import pyoxigraph as ox
    from rdflib import BNode, URIRef

    if isinstance(term, URIRef):
        return f"<{term}>"
    if isinstance(term, BNode):
        return f"_:{term}"
    if term.language:
        return str(ox.Literal(str(term), language=term.language))
    if term.datatype:
        return str(ox.Literal(str(term), datatype=ox.NamedNode(str(term.datatype))))
    return str(ox.Literal(str(term)))
