"""Validation that is kept up to date: a changed document is checked with all that it concerns.

A change is a set of triples. From them it is followed back, through paths, nested shapes and the
patterns of queries, which focus nodes could be judged otherwise than before; those are evaluated
again, and no others. The report is the one that validation from scratch gives.

    graph = Validation(shapes)
    graph.load({"seoul-2023-10-18": lines, …})
    graph.replace("seoul-2023-10-18", changed_lines)
    report = graph.report()

Spec: docs/reference/validation.md, "One document changed"
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path as File
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kg.errors import KgError, raise_all
from kg.evaluate import Evaluator, Rows, Unit
from kg.literals import RDF
from kg.queries import Queries, Solutions, Uncompiled
from kg.report import Checked, Report, Result
from kg.shacl import RDFS, Constraint, Shape, Sparql
from kg.solve import certain
from kg.sparql import Group, Path, Triple
from kg.triples import Loader, Nodes, Pairs, Triples, ends, members, starts, unique
from kg.validate import (
    MAX_RESULTS,
    Shapes,
    file_origins,
    left_to_pyshacl,
    load_shapes,
    materialise,
    record_origins,
    shapes_in,
    sorted_report,
    source,
)

_log = logging.getLogger(__name__)

_EMPTY: Final = np.empty(0, np.int64)
_ROOM: Final = 1_000_000
_NO_ROWS: Final = np.empty((3, 0), np.int32)
_TYPE: Final = f"<{RDF}type>"
_SUBCLASS: Final = f"<{RDFS}subClassOf>"

Rows32 = NDArray[np.int32]
Tokens = tuple[str, str, str]
"""Subject, predicate and object as N-Triples tokens."""
Delta = Mapping[int, Pairs]
"""The pairs that came or went, by predicate."""


class _Unknown(Exception):
    """It cannot be told what a change concerns, so that everything has to be looked at again."""


class Validation:
    """A graph made of documents, and what is wrong with it."""

    def __init__(self, shapes: Shapes, *, max_results: int = MAX_RESULTS) -> None:
        self._shapes = shapes
        self._max_results = max_results
        self._documents: dict[str, Rows32] = {}
        self._data, self._again = Loader().triples()
        self._units = [unit for top in shapes.units for unit in top.every()]
        self._looks = {unit: _looks_at(unit) for unit in self._units}
        self._queries: Queries
        self._evaluator: Evaluator
        self._core: dict[Unit, list[Rows]] = {}
        self._sparql: dict[tuple[Unit, Constraint], Rows] = {}
        self._left: dict[Unit, str] = {}
        self._times: dict[tuple[Unit, bytes], Nodes] = {}
        self._marks: dict[str, str] = {}
        self._prefixes: dict[str, Mapping[str, str]] = {}
        self._by_line: set[str] = set()
        self._stale = False
        self._by_pyshacl: list[Result] | None = None
        self._start()

    def load(self, documents: Mapping[str, Iterable[str]]) -> None:
        """Take documents in the place of all that was there, and validate them.

        Args:
            documents: N-Quads of each, each line with its line feed; named graphs are not told
                apart. Blank nodes of two documents are never the same.
        Raises:
            FactError: a line is no N-Quads, or holds an RDF 1.2 triple term.
            ShapesError: the shapes cannot be evaluated as they are written.
        """
        loader = Loader()
        self._marks.clear()
        self._prefixes.clear()
        rows = {
            name: loader.add_lines(lines, self._mark(name)) for name, lines in documents.items()
        }
        self._load(loader, rows)

    def load_files(self, paths: Iterable[File], form: str = "") -> None:
        """Take files in the place of all that was there, each as a document of its path.

        Args:
            paths: see `kg.validate.validate_files`.
            form: the suffix that counts where a path has none that tells a format.
        Raises:
            ConfigError: a file cannot be read, or its suffix tells no format.
            FactError: a file is not what its suffix says, or holds an RDF 1.2 triple term.
            KgErrors: several of these.
            ShapesError: the shapes cannot be evaluated as they are written.
        """
        loader = Loader()
        self._marks.clear()
        self._prefixes.clear()
        rows: dict[str, Rows32] = {}
        errors: list[KgError] = []
        for path in dict.fromkeys(paths):
            try:
                rows[str(path)] = loader.add_file(path, self._mark(str(path)), form=form)
                self._note(str(path), loader)
            except KgError as e:
                errors.append(e)
        raise_all(errors)
        self._load(loader, rows)

    def _load(self, loader: Loader, rows: Mapping[str, Rows32]) -> None:
        self._data, self._again = loader.triples()
        self._documents = dict(rows)
        for part in rows.values():  # a triple that is twice in one document is there once
            self._again.subtract(_repeated(part))
        self._start()

    def _start(self) -> None:
        self._queries = Queries(self._data, self._shapes.terms.triples())
        self._evaluator = Evaluator(self._data, self._queries)
        self._everything()

    def _everything(self) -> None:
        """Evaluate all shapes on the whole graph."""
        self._evaluator.forget()
        self._queries.forget()
        self._core.clear()
        self._sparql.clear()
        self._left.clear()
        self._by_pyshacl = None
        for top in self._shapes.units:
            try:
                for unit, rows in self._evaluator.check_all(top):
                    self._keep(unit, rows)
            except Uncompiled as e:
                self._left[top] = str(e)
                for unit in top.every():
                    self._core.pop(unit, None)
                    for constraint in unit.shape.constraints:
                        self._sparql.pop((unit, constraint), None)

    def _keep(self, unit: Unit, rows: Sequence[Rows]) -> None:
        self._core[unit] = [row for row in rows if row.solutions is None]
        for row in rows:
            if row.solutions is not None:
                self._sparql[unit, row.constraint] = row

    @property
    def terms(self) -> int:
        """Return how many terms are kept: all that the graph ever had."""
        return len(self._data.terms)

    # --- change ---

    def replace(self, document: str, lines: Iterable[str]) -> None:
        """Take other lines in the place of a document's, and validate what that concerns.

        A document that was not there is added; one without lines is removed.

        Raises:
            FactError: a line is no N-Quads, or holds an RDF 1.2 triple term; nothing has changed.
        """
        rows = self._data.loader().add_lines(lines, self._mark(document))
        self._replace(document, rows)

    def replace_file(self, path: File, form: str = "") -> None:
        """Read a file again, as the document of its path.

        Args:
            path: the file.
            form: see `load_files`.
        Raises:
            ConfigError: it cannot be read, or its suffix tells no format; nothing has changed.
            FactError: it is not what its suffix says, or holds an RDF 1.2 triple term.
        """
        loader = self._data.loader()
        rows = loader.add_file(path, self._mark(str(path)), form=form)
        self._note(str(path), loader)
        self._replace(str(path), rows)

    def _note(self, document: str, loader: Loader) -> None:
        """Remember of a file what is in no row of it."""
        self._prefixes[document] = loader.prefixes
        self._by_line.discard(document)
        if loader.by_line:
            self._by_line.add(document)

    def _mark(self, document: str) -> str:
        """Return what the names of a document's blank nodes begin with."""
        return self._marks.setdefault(document, f"d{len(self._marks)}-")

    def _replace(self, document: str, rows: Rows32) -> None:
        new = _triples(rows)
        old = _triples(self._documents.get(document, _NO_ROWS))
        removed, added = [], []
        for triple in old - new:
            if self._again[triple]:
                self._again[triple] -= 1
            else:
                removed.append(triple)
        for triple in new - old:
            if self._data.has(*triple):
                self._again[triple] += 1
            else:
                added.append(triple)
        if new:
            self._documents[document] = rows
        else:
            self._documents.pop(document, None)
        if self._stale:
            self._data.change(removed, added)
            self._evaluator.changed()
            self._everything()
            self._stale = False
        elif removed or added:
            self._change(removed, added)

    def _change(self, removed: Sequence[tuple[int, int]], added: Sequence[tuple[int, int]]) -> None:
        self._by_pyshacl = None
        self._stale = True  # until this has come to its end
        delta = _delta([*removed, *added])
        whole = self._data.find(_SUBCLASS) in delta or bool(self._left)
        self._data.change((), added)
        self._evaluator.changed()
        concerned: list[tuple[Unit, Nodes | None]] = []
        asked: list[tuple[Unit, Constraint, Nodes | None]] = []
        try:
            if not whole:
                concerned, asked = self._concerned(delta)
        finally:
            self._data.change(removed, ())
            self._evaluator.changed()
            self._queries.forget()
            self._times.clear()
        if not whole:
            try:
                for unit, nodes in concerned:
                    self._again_core(unit, nodes)
                for unit, constraint, nodes in asked:
                    self._again_sparql(unit, constraint, nodes)
            except Uncompiled:
                whole = True
        if whole:
            self._everything()
        self._stale = False

    def _concerned(
        self, delta: Delta
    ) -> tuple[list[tuple[Unit, Nodes | None]], list[tuple[Unit, Constraint, Nodes | None]]]:
        """Return what has to be looked at again of every unit and of every query."""
        concerned: list[tuple[Unit, Nodes | None]] = []
        asked: list[tuple[Unit, Constraint, Nodes | None]] = []
        reach = _Reach(self._evaluator, self._queries, delta)
        changed = {self._data.text(predicate) for predicate in delta}
        for unit in self._units:
            looks = self._looks[unit]
            if looks is not None and looks.isdisjoint(changed):
                continue
            core = False
            for constraint in unit.shape.constraints:
                if constraint.name in ("SPARQL", "Custom"):
                    asked.append((unit, constraint, reach.query(unit, constraint)))
                else:
                    core = core or constraint.name != "Property"
            if core:
                concerned.append((unit, reach.unit(unit)))
        return concerned, asked

    def _again_core(self, unit: Unit, nodes: Nodes | None) -> None:
        """Evaluate the constraints of a unit that are no SPARQL on some nodes, or (None) on all."""
        if nodes is None:
            foci, times = self._foci(unit)
            kept: list[Rows] = []
        elif not len(nodes):
            return
        else:
            foci, times = self._among(unit, nodes)
            kept = [_without(rows, nodes) for rows in self._core.get(unit, ())]
        found = self._evaluator.check(unit, foci, times, core=True)
        self._core[unit] = [rows for rows in (*kept, *found) if rows.total]

    def _again_sparql(self, unit: Unit, constraint: Constraint, nodes: Nodes | None) -> None:
        key = (unit, constraint)
        shape = unit.shape
        known = self._sparql.get(key)
        sparql = constraint.value
        if nodes is None or not isinstance(sparql, Sparql):
            if nodes is not None and not len(nodes):
                return
            foci, times = self._foci(unit)
            self._sparql.pop(key, None)
            for rows in self._evaluator.check(unit, foci, times, only=constraint):
                self._sparql[key] = rows
            return
        if not len(nodes):
            return
        plain = sparql.query.is_plain()
        if plain:
            foci, _ = self._foci(unit)
            found = self._queries.solutions(shape, constraint, foci, nodes)
        else:
            foci, _ = self._among(unit, nodes)
            found = self._queries.solutions(shape, constraint, foci)
        if known is None and not len(found):
            return
        name = "?value" if plain else "?this"
        if not isinstance(found, Solutions) or (
            known is not None and not isinstance(known.solutions, Solutions)
        ):
            self._again_sparql(unit, constraint, None)
            return
        if known is not None:
            assert isinstance(known.solutions, Solutions)
            found = known.solutions.replaced(name, nodes, found)
        self._sparql[key] = Rows(shape, constraint, _EMPTY, solutions=found)

    def _among(self, unit: Unit, nodes: Nodes) -> tuple[Nodes, Nodes]:
        """Return those of the nodes that are focus nodes of a unit, and how often each is one."""
        one = unit
        while one.outer is not None and one.outer.shape.path is None:
            one = one.outer  # the same focus nodes
        key = (one, nodes.tobytes())
        often = self._times.get(key)
        if often is None:
            often = self._times[key] = self._evaluator.times(one, nodes)
        return nodes[often > 0], often[often > 0]

    def _foci(self, unit: Unit) -> tuple[Nodes, Nodes | None]:
        """Return all focus nodes of a unit, and how often each is reached."""
        if unit.outer is None:
            return self._evaluator.targets(unit.shape), None
        foci, times = self._foci(unit.outer)
        return self._evaluator.reached(unit.outer, foci, times)

    # --- files ---

    def save(self, folder: File) -> None:
        """Write the graph into a new folder, for `restore`.

        Raises:
            OSError: the folder is there, or cannot be written.
        """
        self._data.save(folder)

    def restore(self, folder: File, *, clean: bool) -> None:
        """Take a graph that was saved in the place of all that was there.

        It is no more made of documents: it changes by `change`.

        Args:
            folder: where it was saved.
            clean: whether nothing was found to be wrong with it; else all of it is validated.
        Raises:
            OSError: a file is missing or cannot be read.
            ValueError: a file is not what was saved.
        """
        self._documents.clear()
        self._data, self._again = Triples.open(folder), Counter()
        self._queries = Queries(self._data, self._shapes.terms.triples())
        self._evaluator = Evaluator(self._data, self._queries)
        for held in (self._core, self._sparql, self._left):
            held.clear()
        self._stale = not clean

    def change(
        self, removed: Iterable[Tokens], added: Iterable[Tokens], *, validate: bool = True
    ) -> None:
        """Remove triples that are there, add some that are not, and validate what that concerns.

        Args:
            removed, added: subject, predicate and object as N-Triples tokens.
            validate: do not, if not: nothing was found to be wrong with the graph that this gives.
        """
        sides = []
        for triples in (removed, added):
            numbers = (tuple(map(self._data.number, triple)) for triple in triples)
            sides.append([(p, s << 32 | o) for s, p, o in numbers])
        if self._stale or not validate:
            self._data.change(*sides)
            self._evaluator.changed()
        elif any(sides):
            self._change(*sides)

    # --- report ---

    def report(
        self,
        origins: Mapping[str, str] | None = None,
        *,
        of_files: bool = False,
        checked: bool = False,
    ) -> Report:
        """Return the report on the graph as it is.

        Args:
            origins: the `file:line` of every node that stands for a record; see `validate`.
            of_files: the documents are files: results lead to them, and how much was checked is
                told.
            checked: how much was checked is told, as `validate` tells it.
        Raises:
            TooLarge: a part of the work is for pyshacl, and the data is too much for it.
        """
        if self._stale:
            self._everything()
            self._stale = False
        failed: list[Rows] = []
        for unit in self._units:
            failed += self._core.get(unit, ())
            for constraint in unit.shape.constraints:
                found = self._sparql.get((unit, constraint))
                if found is not None:
                    failed.append(found)
        results, omitted = materialise(self._evaluator, failed, self._max_results)
        left = [(shape, "it refers to itself") for shape in self._shapes.recursive]
        left += [(unit.shape, why) for unit, why in self._left.items()]
        if left:
            if self._by_pyshacl is None:
                self._by_pyshacl = left_to_pyshacl(self._data, self._shapes, left)
            results += self._by_pyshacl
        find = record_origins(origins or {})
        if of_files:
            find = file_origins(
                [
                    source(File(name), rows, by_line=name in self._by_line)
                    for name, rows in self._documents.items()
                ]
            )
        prefixes = [self._prefixes[name] for name in self._documents if name in self._prefixes]
        report = sorted_report(results, omitted, self._data, find, self._shapes, prefixes)
        return replace(report, checked=self._checked()) if of_files or checked else report

    def _checked(self) -> Checked:
        """Return how much there is to check."""
        shapes = [*(unit.shape for unit in self._shapes.units), *self._shapes.recursive]
        nodes = 0
        for shape in shapes:
            found = self._evaluator.targets(shape)
            if any(kind == "Node" for kind, _ in shape.targets):  # it may be in the shapes only
                found = found[[self._data.holds(int(node)) for node in found]]
            nodes += len(found)
        return Checked(len(shapes), nodes, len(self._data))


def watch_files(
    paths: Sequence[File],
    shape_paths: Sequence[File],
    *,
    form: str = "",
    max_results: int = MAX_RESULTS,
    every: float = 0.3,
) -> Iterator[tuple[str, float, Report]]:
    """Yield the report on files at once, and again after each change of one of them, without end.

    Each comes with the path that changed (empty at first) and the seconds that it took. A file that
    cannot be read, and shapes that are ill-formed, are told in the log, and what was there before
    stays.

    Args:
        paths: see `kg.validate.validate_files`.
        shape_paths: see `kg.validate.load_shapes`.
        form: see `kg.validate.validate_files`.
        max_results: see `kg.validate.validate`.
        every: seconds between two looks at the files.
    Raises:
        KgError: a file cannot be read to begin with, or shapes are ill-formed.
    """
    files = [*paths, *shape_paths]

    def stamp(path: File) -> tuple[int, int]:
        try:
            status = path.stat()
        except OSError:
            return (0, 0)
        return (status.st_mtime_ns, status.st_size)

    start = time.perf_counter()
    seen = {path: stamp(path) for path in files}
    graph = Validation(load_shapes(shape_paths), max_results=max_results)
    graph.load_files(paths, form)
    most = graph.terms * 2 + _ROOM
    again = False  # whether all has to be read again, which failed before
    yield "", time.perf_counter() - start, graph.report(of_files=True)
    while True:
        time.sleep(every)
        for path in files:
            now = stamp(path)
            if now == seen[path]:
                continue
            seen[path] = now
            start = time.perf_counter()
            try:
                # Terms of old are never forgotten: when there are too many, all is read again.
                again = again or path in shape_paths or graph.terms > most
                if again:
                    new = Validation(load_shapes(shape_paths), max_results=max_results)
                    new.load_files(paths, form)
                    graph, most, again = new, new.terms * 2 + _ROOM, False
                else:
                    graph.replace_file(path, form)
                report = graph.report(of_files=True)
            except KgError as e:
                _log.warning("%s\nwhat was read before this change is kept", e)
                continue
            yield str(path), time.perf_counter() - start, report


def _looks_at(unit: Unit) -> set[str] | None:
    """Return the predicates that the results of a unit depend on; None for all."""
    out: set[str] = set()
    one: Unit | None = unit
    while one is not None:
        if one.shape.path is not None:
            out |= one.shape.path.predicates()
        for kind, term in one.shape.targets:
            out |= {"Class": {_TYPE}, "Node": set[str]()}.get(kind, {term})
        one = one.outer
    return _seen_by(unit.shape, out, set())


def _seen_by(shape: Shape, out: set[str], known: set[int]) -> set[str] | None:
    """Add the predicates that a shape looks at; return None for all."""
    if id(shape) in known:
        return out
    known.add(id(shape))
    if shape.path is not None:
        out |= shape.path.predicates()
    for constraint in shape.constraints:
        name, arg = constraint.name, constraint.value
        if name == "Class":
            out.add(_TYPE)
        elif name in ("Equals", "Disjoint", "LessThan", "LessThanOrEquals"):
            out.add(str(arg))
        elif name in ("Closed", "Custom"):
            return None
        elif isinstance(arg, Sparql):
            found = arg.query.predicates()
            if found is None:
                return None
            out |= found
        for inner in shapes_in(arg):
            if _seen_by(inner, out, known) is None:
                return None
    return out


def _triples(rows: Rows32) -> set[tuple[int, int]]:
    """Return rows as predicates and pairs."""
    pairs = rows[0].astype(np.int64) << 32 | rows[2]
    return set(zip(rows[1].tolist(), pairs.tolist(), strict=True))


def _repeated(rows: Rows32) -> Counter[tuple[int, int]]:
    """Return how often each triple stands again among rows."""
    pairs = rows[0].astype(np.int64) << 32 | rows[2]
    order = np.lexsort((pairs, rows[1]))
    pairs, predicates = pairs[order], rows[1][order]
    again = (pairs[1:] == pairs[:-1]) & (predicates[1:] == predicates[:-1])
    return Counter(zip(predicates[1:][again].tolist(), pairs[1:][again].tolist(), strict=True))


def _delta(triples: Iterable[tuple[int, int]]) -> dict[int, Pairs]:
    out: dict[int, list[int]] = {}
    for predicate, pair in triples:
        out.setdefault(predicate, []).append(pair)
    return {predicate: np.array(sorted(pairs), np.int64) for predicate, pairs in out.items()}


def _without(rows: Rows, nodes: Nodes) -> Rows:
    """Return rows without those of some focus nodes."""
    keep = ~members(rows.focus, nodes)
    return rows._replace(
        focus=rows.focus[keep],
        value=None if rows.value is None else rows.value[keep],
        path=None if rows.path is None else rows.path[keep],
        times=None if rows.times is None else rows.times[keep],
    )


class _Reach:
    """Finds what a change concerns, on the graph that holds what was and what is."""

    def __init__(self, evaluator: Evaluator, queries: Queries, delta: Delta) -> None:
        self._evaluator = evaluator
        self._queries = queries
        self._data = evaluator.data
        self._delta = delta
        self._subjects = _union(map(starts, delta.values()))
        self._objects = _union(map(ends, delta.values()))
        self._shapes: dict[Shape, Nodes] = {}
        self._crossed: dict[Path, Nodes] = {}
        self._led: dict[tuple[Path, bytes], Nodes] = {}

    def unit(self, unit: Unit) -> Nodes | None:
        """Return the nodes that a unit could judge otherwise than before; None if any."""
        try:
            return _union((self._of_shape(unit.shape, inner=False), self._reached(unit)))
        except _Unknown:
            return None

    def query(self, unit: Unit, constraint: Constraint) -> Nodes | None:
        """Return the focus nodes of which a SPARQL constraint could have other results.

        Of a query that does not depend on its focus node, the values of ?value. None if any.
        """
        reached = self._reached(unit)
        if not isinstance(constraint.value, Sparql):  # a component: looked at again as a whole
            return None
        query = constraint.value.query
        if not self._queries.is_solved(query):
            return None
        outer = unit.outer
        while outer is not None:
            if outer.shape.path is not None:
                return None  # a focus node may be reached more than once
            outer = outer.outer
        group = self._queries.group(query, unit.shape)
        if query.is_plain():
            if len(reached) or "value" not in query.select or "?value" not in certain(group):
                return None
            return self._of_group(group, "?value")
        found = self._of_group(group, "?this")
        return None if found is None else _union((found, reached))

    def _changed(self, term: str) -> Pairs:
        number = self._data.find(term)
        return self._delta.get(number, _EMPTY) if number is not None else _EMPTY

    def _back(self, path: Path, nodes: Nodes) -> Nodes:
        """Return the nodes from which a path leads to some."""
        return self._forward(path.inverted(), nodes) if len(nodes) else _EMPTY

    def _forward(self, path: Path, nodes: Nodes) -> Nodes:
        """Return the nodes to which a path leads from some."""
        key = (path, nodes.tobytes())
        known = self._led.get(key)
        if known is None:
            known = self._led[key] = unique(ends(self._evaluator.follow(path, nodes)))
        return known

    def _crossing(self, path: Path) -> Nodes:
        """Return the nodes from which a path leads through a changed triple."""
        known = self._crossed.get(path)
        if known is None:
            known = self._crossed[path] = self._find_crossing(path)
        return known

    def _find_crossing(self, path: Path) -> Nodes:
        op = path.op
        if op == "iri":
            return unique(starts(self._changed(str(path.parts[0]))))
        parts = [part for part in path.parts if isinstance(part, Path)]
        if op == "^":
            if parts[0].op == "iri":
                return unique(ends(self._changed(str(parts[0].parts[0]))))
            return self._crossing(parts[0].inverted())
        if op == "/":
            found = []
            for n, part in enumerate(parts):
                nodes = self._crossing(part)
                for before in reversed(parts[:n]):
                    nodes = self._back(before, nodes)
                found.append(nodes)
            return _union(found)
        if op in ("|", "?"):
            return _union(map(self._crossing, parts))
        return self._back(Path("*", (parts[0],)), self._crossing(parts[0]))

    def _reached(self, unit: Unit) -> Nodes:
        """Return the nodes that could be focus nodes now and were not, or the other way round."""
        if unit.outer is None:
            found = []
            for kind, term in unit.shape.targets:
                if kind == "Class":
                    found.append(starts(self._changed(_TYPE)))
                elif kind == "SubjectsOf":
                    found.append(starts(self._changed(term)))
                elif kind == "ObjectsOf":
                    found.append(ends(self._changed(term)))
            return _union(found)
        path = unit.outer.shape.path
        nodes = self._reached(unit.outer)
        if path is None:
            return nodes
        nodes = _union((nodes, self._crossing(path)))
        return self._forward(path, nodes) if len(nodes) else _EMPTY

    def _of_shape(self, shape: Shape, *, inner: bool) -> Nodes:
        """Return the nodes of which a shape could say something else than before.

        Args:
            shape: what is looked at.
            inner: also through sh:property, and through SPARQL.
        Raises:
            _Unknown: that cannot be told.
        """
        if inner and shape in self._shapes:
            return self._shapes[shape]
        values, foci = [], []
        for constraint in shape.constraints:
            name, arg = constraint.name, constraint.value
            if name in ("SPARQL", "Custom"):
                if inner:
                    raise _Unknown
            elif name == "Class":
                values.append(starts(self._changed(_TYPE)))
            elif name == "Closed":
                values.append(self._subjects)
            elif name in ("Equals", "Disjoint", "LessThan", "LessThanOrEquals"):
                foci.append(starts(self._changed(str(arg))))
            elif name != "Property" or inner:
                values += (self._of_shape(one, inner=True) for one in shapes_in(arg))
        found = _union(values)
        if shape.path is not None:
            found = _union((self._back(shape.path, found), self._crossing(shape.path)))
        found = _union((found, *foci))
        if inner:
            self._shapes[shape] = found
        return found

    # --- queries ---

    def _of_group(self, group: Group, name: str) -> Nodes | None:
        """Return what a variable could be where solutions changed; None if that cannot be told."""
        found: list[Nodes] = []
        for inner in group.groups():
            patterns = [t for outer in _with_outer(inner) for t in outer.triples()]
            for triple in inner.triples():
                known = self._known(triple)
                if not any(len(nodes) for nodes in known.values()):
                    continue
                nodes = self._along(patterns, known, name)
                if nodes is None:
                    return None
                found.append(nodes)
        return _union(found)

    def _known(self, triple: Triple) -> dict[str, Nodes]:
        """Return what the ends of a pattern could be where it matches a changed triple."""
        if isinstance(triple.predicate, Path):
            at = {
                triple.subject: self._crossing(triple.predicate),
                triple.object: self._crossing(triple.predicate.inverted()),
            }
        else:
            at = {
                triple.subject: self._subjects,
                triple.object: self._objects,
                triple.predicate: np.array(sorted(self._delta), np.int64),
            }
        return at

    def _along(
        self, patterns: Sequence[Triple], known: dict[str, Nodes], name: str
    ) -> Nodes | None:
        """Return what a variable could be, led from known ones along the patterns."""
        known = {term: nodes for term, nodes in known.items() if term.startswith("?")}
        while name not in known:
            step = next(
                (
                    (t, t.subject in known)
                    for t in patterns
                    if isinstance(t.predicate, Path)
                    and (t.subject in known) != (t.object in known)
                    and (t.object if t.subject in known else t.subject).startswith("?")
                ),
                None,
            )
            if step is None:
                return None
            triple, forward = step
            path = triple.predicate
            assert isinstance(path, Path)
            if forward:
                known[triple.object] = self._forward(path, known[triple.subject])
            else:
                known[triple.subject] = self._back(path, known[triple.object])
        return known[name]


def _with_outer(group: Group) -> Iterator[Group]:
    """Yield a group and those around it, from inside to outside."""
    one: Group | None = group
    while one is not None:
        yield one
        one = one.outer


def _union(nodes: Iterable[Nodes]) -> Nodes:
    found = [some for some in nodes if len(some)]
    if not found:
        return _EMPTY
    return unique(np.concatenate(found) if len(found) > 1 else found[0])
