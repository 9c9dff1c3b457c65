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
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kg.errors import ConfigError, FactError, KgError, ShapesError, TooLarge, raise_all
from kg.evaluate import Evaluator, Rows, Unit
from kg.literals import RDF, Literal
from kg.locality import places
from kg.queries import Queries, Uncompiled, check_constraint, to_rdflib
from kg.report import WHOLE_GRAPH, Checked, Omitted, Report, Result
from kg.resources import folder
from kg.shacl import (
    SH,
    Constraint,
    Graph,
    Pattern,
    Qualified,
    Reader,
    Shape,
    short,
)
from kg.triples import Loader, Nodes, Triples, compose, ends, identity, starts, unique
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

_TYPE: Final = f"<{RDF}type>"
_DETAILED: Final = 100
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
    _graphs: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """Return what is evaluated: each shape with targets, and the shapes within it.

        Raises:
            ShapesError: the shapes are ill-formed.
        """
        reader = Reader(self.terms)
        found = reader.shapes()
        reader.read_typed()
        for what in reader.unread():
            _log.warning("not evaluated: %s", what)
        for shape in reader.every():
            for constraint in shape.constraints:
                check_constraint(shape, constraint)
        return tuple(
            Unit(shape) for shape in found if not shape.deactivated and not _is_recursive(shape)
        )

    @cached_property
    def recursive(self) -> tuple[Shape, ...]:
        """Return the shapes with targets that refer to themselves in the end."""
        return tuple(
            shape
            for shape in Reader(self.terms).shapes()
            if not shape.deactivated and _is_recursive(shape)
        )

    @cached_property
    def labels(self) -> dict[str, str]:
        """Return how the shapes without names can be found: the shape around each, and its path."""
        out: dict[str, str] = {}
        for top in self.units:
            for unit in top.every():
                if not unit.shape.node.startswith("_"):
                    continue
                path = unit.shape.path
                where = "" if path is None else short(str(path)) if path.op == "iri" else str(path)
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
        ConfigError: a folder has none.
    """
    out: list[Path] = []
    for path in paths:
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
    Spec: SHACL, appendix B (Summary of SHACL Syntax Rules).
    """
    loader = Loader()
    for number, path in enumerate(paths):
        loader.add_file(path, f"s{number}-", ShapesError)
    data, _ = loader.triples()
    shapes = Shapes(Graph(texts_of(data)))
    _ = shapes.units
    return shapes


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

_Origin = Callable[[Triples, Nodes], Mapping[int, str]]
"""Returns where nodes come from: `file:line` by number; what is not known is not in it."""


def validate(
    lines: Iterable[str],
    shapes: Shapes,
    *,
    origins: Mapping[str, str] | None = None,
    max_results: int = MAX_RESULTS,
    scope: str = ALL,
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
    Raises:
        FactError: a line is no N-Quads, or holds an RDF 1.2 triple term.
        ShapesError: the shapes are ill-formed.
        TooLarge: a part of the work is for pyshacl, and the data is too much for it.
    """
    loader = Loader(_progress("read %d quads"))
    loader.add_lines(lines)
    data, _ = loader.triples()
    return _run(data, shapes, record_origins(origins or {}), max_results, scope)


def validate_files(
    paths: Iterable[Path],
    shapes: Shapes,
    *,
    max_results: int = MAX_RESULTS,
    scope: str = ALL,
) -> Report:
    """Return the report on the union of the graphs of some RDF files.

    The origin of a result is the file that describes its focus node; of N-Triples and N-Quads also
    the line on which the description begins.

    Args:
        paths: files in Turtle, TriG, N-Triples, N-Quads, RDF/XML or JSON-LD, told by their suffix,
            perhaps with a further `.gz`.
        shapes: from `load_shapes`.
        max_results: see `validate`.
        scope: see `validate`.
    Raises:
        ConfigError: a file cannot be read, or its suffix tells no format.
        FactError: a file is not what its suffix says, or holds an RDF 1.2 triple term.
        KgErrors: several of these.
        ShapesError: the shapes are ill-formed.
        TooLarge: a part of the work is for pyshacl, and the data is too much for it.
    """
    loader = Loader(_progress("read %d quads"))
    errors: list[KgError] = []
    subjects: list[tuple[Path, Nodes]] = []
    for number, path in enumerate(paths):
        try:
            rows = loader.add_file(path, f"d{number}-")
            subjects.append((path, unique(rows[0].astype(np.int64))))
        except (ConfigError, FactError) as e:
            errors.append(e)
    raise_all(errors)
    data, _ = loader.triples()
    return _run(data, shapes, file_origins(subjects), max_results, scope)


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
) -> Report:
    if shapes.reference:
        nodes = [unit.shape.node for unit in shapes.units]
        nodes += [shape.node for shape in shapes.recursive]
        by_reference = _by_pyshacl(data, shapes, nodes)
        return sorted_report(by_reference, (), data, origin, shapes.labels)
    queries = Queries(data, shapes.terms.triples())
    evaluator = Evaluator(data, queries)
    tell = _progress(f"checked %d of {len(shapes.units)} shapes")
    rows: list[Rows] = []
    wanted = None if scope == ALL else _in_scope(shapes, scope)
    left = [(shape, "it refers to itself") for shape in shapes.recursive if scope != LOCAL]
    focus_nodes = checked = 0
    known = len(data.terms)  # a node that only a shape names is not in the data
    for number, unit in enumerate(shapes.units):
        if wanted is not None and not any(inner in wanted for inner in unit.every()):
            continue
        foci = evaluator.targets(unit.shape)
        focus_nodes, checked = focus_nodes + int((foci < known).sum()), checked + 1
        try:
            found = evaluator.check_within(unit, foci, None, wanted)
            rows += [r for _, part in found for r in part]
        except Uncompiled as e:
            left.append((unit.shape, str(e)))
        tell(number)
    results, omitted = materialise(evaluator, rows, max_results)
    if left:
        results += left_to_pyshacl(data, shapes, left)
    report = sorted_report(results, omitted, data, origin, shapes.labels)
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
    labels: Mapping[str, str],
) -> Report:
    """Return the report, with the origins of what the results are about."""
    about = {r: r.value if r.focus == WHOLE_GRAPH else r.focus for r in results}
    numbers = {term: data.find(_term(term)) for term in set(about.values()) if term}
    nodes = np.array(sorted(n for n in numbers.values() if n is not None), np.int64)
    found = origin(data, nodes) if len(nodes) else {}
    out = []
    for r in results:
        number = numbers.get(about[r])
        where = "" if number is None else found.get(number, "")
        out.append(_found_at(r, where, labels.get(r.shape, "")))
    return Report(tuple(sorted(out, key=Result.order)), tuple(omitted))


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
    message = _message(shape.messages) or default_message(shape, rows.constraint)
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
            message=message,
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


_WORDS: Final = {
    "Class": "the value is no {}",
    "Datatype": "the value is no {}, or its form is not one of that datatype",
    "NodeKind": "the value is not of the kind {}",
    "MinCount": "fewer values than {}, the least that is expected",
    "MaxCount": "more values than {}, the most that is expected",
    "MinExclusive": "the value is not greater than {}",
    "MinInclusive": "the value is less than {}, or cannot be compared with it",
    "MaxExclusive": "the value is not less than {}",
    "MaxInclusive": "the value is greater than {}, or cannot be compared with it",
    "MinLength": "the value has fewer than {} characters",
    "MaxLength": "the value has more than {} characters",
    "Pattern": "the value does not match {}",
    "LanguageIn": "the language of the value is none of {}",
    "UniqueLang": "two values have the same language",
    "Equals": "the value is not at both this path and {}",
    "Disjoint": "the value is at {} too",
    "LessThan": "the value is not less than that of {}",
    "LessThanOrEquals": "the value is greater than that of {}, or cannot be compared with it",
    "Not": "the value conforms to {}, and must not",
    "And": "the value does not conform to all of {}",
    "Or": "the value conforms to none of {}",
    "Xone": "the value conforms to none or to several of {}",
    "Node": "the value does not conform to {}",
    "QualifiedMinCount": "too few values conform to {}",
    "QualifiedMaxCount": "too many values conform to {}",
    "Closed": "the property is not allowed here",
    "HasValue": "{} is not among the values",
    "In": "the value is none of {}",
    "SPARQL": "the node is a solution of the SPARQL constraint",
    "Custom": "the node does not fulfil the constraint component",
}


def default_message(shape: Shape, constraint: Constraint) -> str:
    """Return what is told where a shape has no message: what was expected, and where."""
    arg = constraint.value
    if isinstance(arg, Shape):
        told = _called(arg)
    elif isinstance(arg, Qualified):
        told = f"{_called(arg.shape)} ({arg.number} expected)"
    elif isinstance(arg, Literal):
        told = arg.lexical
    elif isinstance(arg, Pattern):
        told = arg.pattern
    elif isinstance(arg, tuple):
        told = ", ".join(_called(m) if isinstance(m, Shape) else short(str(m)) for m in arg)
    else:
        told = short(str(arg))
    path = shape.path
    where = "" if path is None else f"{short(str(path)) if path.op == 'iri' else path}: "
    return where + _WORDS[constraint.name].format(told)


def _called(shape: Shape) -> str:
    """Return the name of a shape, or that it has none."""
    return "a shape without a name" if shape.node.startswith("_") else short(shape.node)


# --- where it comes from ----------------------------------------------------------------------


def _no_origins(data: Triples, nodes: Nodes) -> Mapping[int, str]:
    return {}


def record_origins(origins: Mapping[str, str]) -> _Origin:
    """Return what finds the line of the record that nodes come from.

    That is the origin of the node itself; else of the nearest that refers to it, through at most
    six others; else of the nearest that it refers to, what it is made for first. Of several as
    near, the first by address.
    """

    def find(data: Triples, nodes: Nodes) -> Mapping[int, str]:
        if not origins:
            return {}

        def own(number: int) -> str:
            return origins.get(data.text(number)[1:-1], "")

        out = {n: own(n) for n in nodes.tolist()}
        for back in (True, False):
            missing = np.array([n for n, where in out.items() if not where], np.int64)
            out |= _nearest(data, missing, own, back=back)
        return out

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


def file_origins(subjects: Sequence[tuple[Path, Nodes]]) -> _Origin:
    """Return what finds the file that describes nodes, and the line where there are lines."""

    def find(data: Triples, nodes: Nodes) -> Mapping[int, str]:
        out: dict[int, str] = {}
        for path, described in subjects:
            here = [n for n in nodes[np.isin(nodes, described)].tolist() if n not in out]
            wanted = {data.terms[n]: n for n in here}
            if path.suffix in (".nt", ".nq") and wanted:
                with path.open("rb") as file:
                    for number, line in enumerate(file, 1):
                        found = wanted.pop(line.split(b" ", 1)[0], None)
                        if found is not None:
                            out[found] = f"{path}:{number}"
                            if not wanted:
                                break
            for n in here:
                out.setdefault(n, str(path))
        return out

    return find


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
    """
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
            shacl_graph=shapes.of(nodes),
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
    except (
        ReportableRuntimeError,
        ConstraintLoadWarning,
        ConstraintLoadError,
        ShapeLoadError,
        ValidationFailure,
    ) as e:
        text = str(e).split("\nFor reference", maxsplit=1)[0]
        raise ShapesError("the shapes are ill-formed", seen=text) from None
    except (ArithmeticError, AttributeError, RecursionError, TypeError, ValueError) as e:
        raise TooLarge(
            "pyshacl, which alone can check some shapes, failed on this data",
            where=", ".join(short(node) for node in nodes),
            seen=f"{type(e).__name__}: {e}"[:200],
            hint="change these shapes, or the literals that they look at",
        ) from None
    except ParseBaseException as e:
        raise ShapesError("a SPARQL constraint is not SPARQL", seen=str(e)) from None
    except re.error as e:
        raise ShapesError(
            "a pattern is no regular expression", seen=f"{e.pattern!r}: {e}"
        ) from None
    return _reported(report, Reader(shapes.terms))


def _reported(report: rdflib.Graph, reader: Reader) -> list[Result]:
    """Return the results of a report graph on the shapes of a reader."""
    from rdflib import URIRef

    def values(node: Any, name: str) -> list[str]:
        return [_from_rdflib(o) for o in report.objects(node, URIRef(SH + name))]

    def one(node: Any, name: str) -> str:
        return next(iter(values(node, name)), "")

    def result(node: Any) -> Result:
        from kg.literals import parse_literal

        # pyshacl does not copy every path whole; that of the shape is.
        path, source = one(node, "resultPath"), one(node, "sourceShape")
        if path and not path.startswith("<"):
            path = str(reader.shape(source).path)
        path = _bare(path)
        messages = sorted(
            (parse_literal(m) for m in values(node, "resultMessage")),
            key=lambda m: (m.language not in ("", "en"), m),
        )
        detail = (result(d) for d in report.objects(node, URIRef(SH + "detail")))
        return Result(
            focus=_bare(one(node, "focusNode")),
            path=path,
            value=_bare(one(node, "value")),
            severity=_bare(one(node, "resultSeverity")),
            component=_bare(one(node, "sourceConstraintComponent")),
            shape=_bare(one(node, "sourceShape")),
            constraint=_bare(one(node, "sourceConstraint")),
            message=_message(messages),
            messages=_told(messages),
            origin="",
            detail=tuple(sorted(detail, key=Result.order)),
        )

    return [result(node) for node in report.objects(None, URIRef(SH + "result"))]


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
