"""Evaluation of shapes on triples in columns: whole sets of focus nodes at a time.

A constraint is not asked of one node after another: the values of all focus nodes are one array,
and what fails is what is left of it. A term is looked into (its lexical form, its language) once
for each constraint, however often it is a value.

Spec: SHACL (W3C Recommendation, 20 July 2017), sections 3.4 and 4
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np

from kg.errors import TooLarge
from kg.literals import (
    RDF,
    XSD,
    Literal,
    Value,
    compare_values,
    is_valid,
    matcher,
    parse_literal,
    value,
)
from kg.shacl import RDFS, Component, Constraint, Pattern, Qualified, Shape
from kg.sparql import Path
from kg.triples import (
    BLANK,
    IRI,
    LITERAL,
    Mask,
    Nodes,
    Pairs,
    Triples,
    compose,
    ends,
    identity,
    members,
    spans,
    starts,
    swap,
    unique,
)

_FEW: Final = 1_000
_KEPT: Final = 256
_MOST_PAIRS: Final = 100_000_000
_MANY_STEPS: Final = 200
_EMPTY: Final = np.empty(0, np.int64)
_TYPE: Final = f"<{RDF}type>"
_SUBCLASS: Final = f"<{RDFS}subClassOf>"
_KINDS: Final = {
    "BlankNode": (BLANK,),
    "IRI": (IRI,),
    "Literal": (LITERAL,),
    "BlankNodeOrIRI": (BLANK, IRI),
    "BlankNodeOrLiteral": (BLANK, LITERAL),
    "IRIOrLiteral": (IRI, LITERAL),
}


class Solution(NamedTuple):
    """One result of a SPARQL constraint; terms as N-Triples text, empty where there is none."""

    focus: int
    value: str
    path: str
    messages: tuple[Literal, ...]


class Rows(NamedTuple):
    """What fails one constraint.

    `focus` holds the focus nodes, `value` and `path` (a predicate) what belongs to each, if the
    component tells them. `times` says how often each result stands in a report, once if None. Of a
    SPARQL constraint there are `solutions` instead.
    """

    shape: Shape
    constraint: Constraint
    focus: Nodes
    value: Nodes | None = None
    path: Nodes | None = None
    times: Nodes | None = None
    solutions: Sequence[Solution] | None = None

    @property
    def total(self) -> int:
        """Return the number of results."""
        if self.solutions is not None:
            return len(self.solutions)
        return len(self.focus) if self.times is None else int(self.times.sum())


class Unit:
    """A shape where it is reached: by its targets, or by sh:property from an outer unit."""

    def __init__(self, shape: Shape, outer: Unit | None = None) -> None:
        self.shape = shape
        self.outer = outer
        self.inner = [
            Unit(c.value, self)
            for c in shape.constraints
            if isinstance(c.value, Shape) and c.name == "Property" and not c.value.deactivated
        ]

    def every(self) -> Iterator[Unit]:
        """Yield the unit and those within it, in the order in which they are evaluated."""
        yield self
        for unit in self.inner:
            yield from unit.every()


class Queries(Protocol):
    """What answers the parts of shapes that are SPARQL."""

    def solutions(self, shape: Shape, constraint: Constraint, foci: Nodes) -> Sequence[Solution]:
        """Return the results of a SPARQL constraint on focus nodes."""

    def custom(
        self, shape: Shape, constraint: Constraint, foci: Nodes, pairs: Pairs
    ) -> Sequence[Solution]:
        """Return the results of a component that the shapes graph defines."""

    def matching(self, texts: list[str], pattern: str, flags: str) -> list[bool]:
        """Return which texts match a regular expression."""


def distinct(nodes: Nodes, among: int) -> Nodes:
    """Return the distinct numbers of an array, all below `among`, as a node set."""
    if len(nodes) * 64 < among:
        return unique(nodes)
    flags = np.zeros(among, np.bool_)
    flags[nodes] = True
    return np.flatnonzero(flags)


class Evaluator:
    """Evaluates shapes on a graph that does not change meanwhile."""

    def __init__(self, data: Triples, queries: Queries) -> None:
        self.data = data
        self._queries = queries
        self._classes: dict[str, Nodes] = {}
        self._types: dict[bytes, Pairs] = {}
        self._failing: dict[tuple[int, bytes], Mask] = {}
        self._matchers: dict[Pattern, Callable[[list[str]], list[bool]]] = {}

    def forget(self) -> None:
        """Forget the tree of subclasses, which is read once: it has changed."""
        self._classes.clear()
        self.changed()

    def changed(self) -> None:
        """Forget what is kept of the graph, but for the tree of subclasses."""
        self._types.clear()
        self._failing.clear()

    # --- targets and values ---

    def targets(self, shape: Shape) -> Nodes:
        """Return the focus nodes that the targets of a shape name.

        Spec: SHACL, section 2.1.3
        """
        found = [self._target(kind, term) for kind, term in shape.targets]
        if not found:
            return _EMPTY
        return distinct(np.concatenate(found), len(self.data.terms))

    def _target(self, kind: str, term: str) -> Nodes:
        if kind == "Node":
            return np.array([self.data.number(term)], np.int64)
        if kind == "Class":
            types = self.data.find(_TYPE)
            return ends(self.data.step(types, self.subclasses(term), inverse=True))
        pairs = self.data.pairs(self.data.find(term))
        return starts(pairs) if kind == "SubjectsOf" else ends(pairs)

    def of_target(self, kind: str, term: str, nodes: Nodes) -> Nodes:
        """Return those of the nodes that a target names."""
        if kind == "Class":
            return self._instances(nodes, term)
        if kind == "Node":
            return np.intersect1d(nodes, [self.data.number(term)])
        pairs = self.data.step(self.data.find(term), nodes, inverse=kind == "ObjectsOf")
        return unique(starts(pairs))

    def subclasses(self, cls: str) -> Nodes:
        """Return a class and its subclasses, direct and indirect."""
        known = self._classes.get(cls)
        if known is None:
            path = Path("*", (Path("^", (Path("iri", (_SUBCLASS,)),)),))
            start = np.array([self.data.number(cls)], np.int64)
            known = unique(ends(self.follow(path, start)))
            self._classes[cls] = known
        return known

    def _instances(self, nodes: Nodes, cls: str) -> Nodes:
        """Return those of the nodes that are instances of a class."""
        types = self._types_of(nodes)
        return unique(starts(types[members(ends(types), self.subclasses(cls))]))

    def _types_of(self, nodes: Nodes) -> Pairs:
        """Return the types of nodes; those of few nodes are kept, as they are asked for often."""
        if len(nodes) > _FEW:
            return self.data.step(self.data.find(_TYPE), nodes)
        key = nodes.tobytes()
        known = self._types.get(key)
        if known is None:
            if len(self._types) > _FEW:
                self._types.clear()
            known = self._types[key] = self.data.step(self.data.find(_TYPE), nodes)
        return known

    def follow(self, path: Path, nodes: Nodes) -> Pairs:
        """Return the pairs (node, value) of a path that starts at the nodes.

        Spec: SHACL, section 2.3.1; SPARQL 1.1 Query, section 9
        """
        op, parts = path.op, path.parts
        if op == "iri":
            return self.data.step(self.data.find(str(parts[0])), nodes)
        paths = [part for part in parts if isinstance(part, Path)]
        if op == "^":
            if paths[0].op == "iri":
                term = str(paths[0].parts[0])
                return self.data.step(self.data.find(term), nodes, inverse=True)
            return self.follow(paths[0].inverted(), nodes)
        if op == "/":
            pairs = identity(nodes)
            for part in paths:
                pairs = compose(pairs, self.follow(part, unique(ends(pairs))))
            return pairs
        if op == "|":
            return unique(np.concatenate([self.follow(part, nodes) for part in paths]))
        if op == "?":
            return np.union1d(identity(nodes), self.follow(paths[0], nodes))
        return self._closure(path, nodes)

    def _closure(self, path: Path, nodes: Nodes) -> Pairs:
        """Return the pairs of a path with any number of steps.

        Raises:
            TooLarge: it leads too far from too many nodes.
        """
        step = path.parts[0]
        assert isinstance(step, Path)
        latest = identity(nodes) if path.op == "*" else self.follow(step, nodes)
        # What is reached is kept in sorted runs, each more than twice as long as the next.
        runs: list[Pairs] = []
        steps = total = 0
        while len(latest):
            runs.append(latest)
            while len(runs) > 1 and len(runs[-2]) <= 2 * len(runs[-1]):
                runs[-2:] = [np.sort(np.concatenate(runs[-2:]))]
            steps, total = steps + 1, total + len(latest)
            if total > (_MOST_PAIRS if steps < _MANY_STEPS else _MOST_PAIRS // 10):
                raise TooLarge(
                    "a path of any length leads too far from too many nodes",
                    seen=f"{path} from {len(nodes):,} nodes",
                    hint="give the shape fewer focus nodes, or the path an end",
                )
            latest = compose(latest, self.follow(step, unique(ends(latest))))
            for run in runs:
                latest = latest[~members(latest, run)]
        return np.sort(np.concatenate(runs)) if runs else _EMPTY

    # --- shapes ---

    def check(
        self,
        unit: Unit,
        foci: Nodes,
        times: Nodes | None = None,
        *,
        core: bool = False,
        only: Constraint | None = None,
    ) -> Iterator[Rows]:
        """Yield what fails in a unit, constraint by constraint; not what its inner units do.

        Args:
            unit: what is evaluated.
            foci: a node set.
            times: how often each focus node is reached, once if None.
            core: leave out SPARQL.
            only: leave out all other constraints.
        Raises:
            ShapesError: a constraint cannot be evaluated as it is written.
        """
        shape = unit.shape
        if not len(foci):
            return
        pairs = self.values(shape, foci)
        for constraint in shape.constraints:
            if constraint.name == "Property" or only not in (None, constraint):
                continue
            if not core or constraint.name not in ("SPARQL", "Custom"):
                rows = self._rows(shape, constraint, foci, pairs)
                if rows.total:
                    yield rows if times is None else _repeated(rows, foci, times)

    def check_all(
        self, unit: Unit, wanted: Container[Unit] | None = None
    ) -> Iterator[tuple[Unit, list[Rows]]]:
        """Yield a unit and its inner units, each with what fails there on the whole graph.

        Of units that are not wanted, nothing is evaluated; by default all are.
        """
        self._failing.clear()
        foci = self.targets(unit.shape)
        yield from self.check_within(unit, foci, None, wanted)

    def check_within(
        self,
        unit: Unit,
        foci: Nodes,
        times: Nodes | None = None,
        wanted: Container[Unit] | None = None,
    ) -> Iterator[tuple[Unit, list[Rows]]]:
        """Yield a unit and its inner units, each with what fails there for some focus nodes."""
        if wanted is None or unit in wanted:
            yield unit, list(self.check(unit, foci, times))
        if unit.inner and len(foci):
            values, often = self.reached(unit, foci, times)
            for inner in unit.inner:
                yield from self.check_within(inner, values, often, wanted)

    def values(self, shape: Shape, foci: Nodes) -> Pairs:
        """Return the pairs (focus node, value node) of a shape."""
        return identity(foci) if shape.path is None else self.follow(shape.path, foci)

    def times(self, unit: Unit, nodes: Nodes) -> Nodes:
        """Return how often each node of a set is a focus node of a unit: 0 where it is none."""
        if unit.outer is None:
            found = [self.of_target(*target, nodes) for target in unit.shape.targets]
            of = unique(np.concatenate([_EMPTY, *found]))
            return members(nodes, of).astype(np.int64)
        path = unit.outer.shape.path
        if path is None:
            return self.times(unit.outer, nodes)
        pairs = self.follow(path.inverted(), nodes)
        foci = unique(ends(pairs))
        often = self.times(unit.outer, foci)
        out = np.zeros(len(nodes), np.int64)
        np.add.at(out, nodes.searchsorted(starts(pairs)), often[foci.searchsorted(ends(pairs))])
        return out

    def reached(self, unit: Unit, foci: Nodes, times: Nodes | None) -> tuple[Nodes, Nodes | None]:
        """Return the focus nodes of what is within a unit: its values, and how often each is one.

        Where that is once for all, it is None.
        """
        pairs = self.values(unit.shape, foci)
        values = distinct(ends(pairs), len(self.data.terms))
        if times is None and len(values) == len(pairs):
            return values, None
        each = np.ones(len(foci), np.int64) if times is None else times
        weights = each[foci.searchsorted(starts(pairs))]
        often = np.zeros(len(values), np.int64)
        np.add.at(often, values.searchsorted(ends(pairs)), weights)
        return values, often

    def failing(self, shape: Shape, nodes: Nodes) -> Mask:
        """Return for each node of a set whether it does not conform to a shape.

        Spec: SHACL, section 3.4.3 (conformance checking)
        """
        key = (id(shape), hashlib.blake2b(nodes.tobytes(), digest_size=16).digest())
        known = self._failing.get(key)
        if known is None:
            if len(self._failing) >= _KEPT:
                self._failing.clear()
            known = self._failing[key] = self._find_failing(shape, nodes)
        return known.copy()

    def _find_failing(self, shape: Shape, nodes: Nodes) -> Mask:
        out = np.zeros(len(nodes), np.bool_)
        if shape.deactivated or not len(nodes):
            return out
        pairs = identity(nodes) if shape.path is None else self.follow(shape.path, nodes)
        for constraint in shape.constraints:
            if constraint.name == "Property":
                assert isinstance(constraint.value, Shape)
                failed = starts(pairs[self._failing_ends(constraint.value, pairs)])
            else:
                rows = self._rows(shape, constraint, nodes, pairs)
                failed = (
                    rows.focus
                    if rows.solutions is None
                    else np.array([s.focus for s in rows.solutions], np.int64)
                )
            out[nodes.searchsorted(failed)] = True
        return out

    def _failing_ends(self, shape: Shape, pairs: Pairs) -> Mask:
        return self._by_value(pairs, lambda values: self.failing(shape, values))

    def _by_value(self, pairs: Pairs, test: Callable[[Nodes], Mask]) -> Mask:
        """Return for each pair what a test says of its value; each value is tested once."""
        of = ends(pairs)
        values = distinct(of, len(self.data.terms))
        return test(values)[values.searchsorted(of)]

    # --- constraints ---

    def _rows(self, shape: Shape, constraint: Constraint, foci: Nodes, pairs: Pairs) -> Rows:
        name, arg = constraint.name, constraint.value
        if name in ("SPARQL", "Custom"):
            if name == "SPARQL":
                found = self._queries.solutions(shape, constraint, foci)
            else:
                assert isinstance(arg, Component)
                found = self._queries.custom(shape, constraint, foci, pairs)
            return Rows(shape, constraint, _EMPTY, solutions=found)
        if name in _BY_FOCUS:
            focus, values = getattr(self, f"_{name.lower()}")(foci, pairs, arg)
            return Rows(shape, constraint, focus, values)
        if name == "Closed":
            return Rows(shape, constraint, *self._closed(pairs, arg))
        failed = pairs[self._by_value(pairs, lambda v: self._failing_values(constraint, v))]
        return Rows(shape, constraint, starts(failed), ends(failed))

    def _failing_values(self, constraint: Constraint, values: Nodes) -> Mask:
        """Return which values fail a constraint that looks at one value at a time."""
        name, arg = constraint.name, constraint.value
        if name == "Class":
            return ~members(values, self._instances(values, str(arg)))
        if name == "NodeKind":
            return ~np.isin(self.data.kinds[values], _KINDS[str(arg)])
        if name == "In":
            assert isinstance(arg, tuple)
            return ~np.isin(values, [self.data.number(term) for term in arg])
        if name in ("Node", "Not"):
            assert isinstance(arg, Shape)
            failing = self.failing(arg, values)
            return failing if name == "Node" else ~failing
        if name in ("And", "Or", "Xone"):
            assert isinstance(arg, tuple)
            fail = np.zeros(len(values), np.int64)
            for member in arg:
                fail += self.failing(member, values)
            return np.isin(fail, _FAILING[name](len(arg)))
        return self._test(name, arg)(values)

    def _test(self, name: str, arg: object) -> Callable[[Nodes], Mask]:
        """Return the test of a constraint that looks into terms: True where it fails."""
        terms = self.data.terms
        if name == "Datatype":
            return self._datatype(str(arg)[1:-1])
        if name in ("MinLength", "MaxLength"):
            assert isinstance(arg, int)
            limit, least = arg, name == "MinLength"

            def wrong_length(term: bytes) -> bool:
                if term[:1] == b"_":
                    return True
                if least and term.rfind(b'"') > 10 * limit:
                    return False  # no character takes more than ten bytes, \\U and eight digits
                length = len(_string(term))
                return length < limit if least else length > limit

            return lambda v: _mask(wrong_length(terms[n]) for n in v)
        if name == "Pattern":
            assert isinstance(arg, Pattern)
            return self._pattern(arg)
        if name == "LanguageIn":
            assert isinstance(arg, tuple)
            ranges = [tag.lower() for tag in arg]
            return lambda v: self._by_tail(v, lambda tail: not _in_range(_tag(tail), ranges))
        assert isinstance(arg, Literal), name
        bound = value(arg)
        allowed = _ALLOWED[name]

        def out_of_range(term: bytes) -> bool:
            if term[:1] != b'"':
                return True
            return compare_values(value(parse_literal(term.decode())), bound) not in allowed

        return lambda v: _mask(out_of_range(terms[n]) for n in v)

    def _by_tail(self, values: Nodes, test: Callable[[str], bool]) -> Mask:
        """Return what a test says of the language tag or datatype of each value."""
        tails = self.data.tails[values]
        present = np.flatnonzero(np.bincount(tails))
        found = np.zeros(int(present[-1]) + 1 if len(present) else 0, np.bool_)
        found[present] = _mask(test(self.data.tail(n)) for n in present.tolist())
        return found[tails]

    def _datatype(self, iri: str) -> Callable[[Nodes], Mask]:
        terms = self.data.terms
        tail = '"' if iri == f"{XSD}string" else f'"^^<{iri}>'
        if iri == f"{RDF}langString":
            return lambda v: self._by_tail(v, lambda t: not _tag(t))

        def valid(term: bytes) -> bool:
            if tail == '"' and b"\\" not in term:
                return True  # no character that XML has not
            return is_valid(parse_literal(term.decode()).lexical, iri)

        def failing(values: Nodes) -> Mask:
            out = self._by_tail(values, lambda t: t != tail)
            out[~out] = _mask(not valid(terms[n]) for n in values[~out])
            return out

        return failing

    def _pattern(self, pattern: Pattern) -> Callable[[Nodes], Mask]:
        match = self._matchers.get(pattern)
        if match is None:
            one = matcher(*pattern)
            if one is not None:
                test = one

                def match(texts: list[str]) -> list[bool]:
                    return [test(text) for text in texts]

            else:

                def match(texts: list[str]) -> list[bool]:
                    return self._queries.matching(texts, *pattern)

            self._matchers[pattern] = match

        def failing(values: Nodes) -> Mask:
            out = self.data.kinds[values] == BLANK
            texts = [_string(self.data.terms[n]) for n in values[~out]]
            out[~out] = ~np.array(match(texts), np.bool_)
            return np.asarray(out)

        return failing

    # Each returns the focus nodes that fail, and the values that make them fail or None.

    def _mincount(self, foci: Nodes, pairs: Pairs, least: int) -> tuple[Nodes, None]:
        return foci[spans(pairs, foci)[1] < least], None

    def _maxcount(self, foci: Nodes, pairs: Pairs, most: int) -> tuple[Nodes, None]:
        if most == 1:
            of = starts(pairs)
            return unique(of[1:][of[1:] == of[:-1]]), None
        return foci[spans(pairs, foci)[1] > most], None

    def _qualifiedmincount(self, foci: Nodes, pairs: Pairs, arg: Qualified) -> tuple[Nodes, None]:
        return foci[spans(self.qualified(pairs, arg), foci)[1] < arg.number], None

    def _qualifiedmaxcount(self, foci: Nodes, pairs: Pairs, arg: Qualified) -> tuple[Nodes, None]:
        return foci[spans(self.qualified(pairs, arg), foci)[1] > arg.number], None

    def qualified(self, pairs: Pairs, arg: Qualified) -> Pairs:
        """Return the pairs whose value conforms to the shape and to no sibling."""

        def counts(values: Nodes) -> Mask:
            out = ~self.failing(arg.shape, values)
            for sibling in arg.siblings:
                out &= self.failing(sibling, values)
            return out

        return pairs[self._by_value(pairs, counts)]

    def _hasvalue(self, foci: Nodes, pairs: Pairs, term: str) -> tuple[Nodes, None]:
        wanted = foci << 32 | self.data.number(term)
        return foci[~members(wanted, pairs)], None

    def _uniquelang(self, foci: Nodes, pairs: Pairs, _: object) -> tuple[Nodes, None]:
        return starts(self._repeated_tags(pairs)[0]), None

    def repeated_languages(self, pairs: Pairs) -> dict[int, list[str]]:
        """Return the languages in which a node has several values, by node; in the results' order.

        Each in lower case.
        """
        found, tags = self._repeated_tags(pairs)
        out: dict[int, list[str]] = {}
        for pair in found.tolist():
            out.setdefault(pair >> 32, []).append(tags[pair & 0xFFFFFFFF])
        return out

    def _repeated_tags(self, pairs: Pairs) -> tuple[Pairs, list[str]]:
        """Return nodes with the numbers of languages in which each has several values."""
        tails = self.data.tails[ends(pairs)]
        present = np.flatnonzero(np.bincount(tails))
        tags: dict[str, int] = {"": 0}
        numbers = np.zeros(int(present[-1]) + 1 if len(present) else 0, np.int64)
        for n in present.tolist():
            numbers[n] = tags.setdefault(_tag(self.data.tail(n)).lower(), len(tags))
        tag = numbers[tails]
        tagged = np.sort((starts(pairs) << 32 | tag)[tag > 0])
        return unique(tagged[1:][tagged[1:] == tagged[:-1]]), list(tags)

    def _equals(self, foci: Nodes, pairs: Pairs, term: str) -> tuple[Nodes, Nodes]:
        other = self.data.step(self.data.find(term), foci)
        failed = np.setxor1d(pairs, other, assume_unique=True)
        return starts(failed), ends(failed)

    def _disjoint(self, foci: Nodes, pairs: Pairs, term: str) -> tuple[Nodes, Nodes]:
        failed = pairs[members(pairs, self.data.step(self.data.find(term), foci))]
        return starts(failed), ends(failed)

    def _lessthan(self, foci: Nodes, pairs: Pairs, term: str) -> tuple[Nodes, Nodes]:
        return self._ordered(foci, pairs, term, (-1,))

    def _lessthanorequals(self, foci: Nodes, pairs: Pairs, term: str) -> tuple[Nodes, Nodes]:
        return self._ordered(foci, pairs, term, (-1, 0))

    def _ordered(
        self, foci: Nodes, pairs: Pairs, term: str, allowed: tuple[int, ...]
    ) -> tuple[Nodes, Nodes]:
        other = self.data.step(self.data.find(term), foci)
        low, lengths = spans(other, starts(pairs))
        known: dict[int, Value | None] = {}

        def of(number: int) -> Value | None:
            if number not in known:
                text = self.data.terms[number]
                known[number] = value(parse_literal(text.decode())) if text[:1] == b'"' else None
            return known[number]

        failed = [
            pair
            for pair, at, length in zip(pairs.tolist(), low.tolist(), lengths.tolist(), strict=True)
            for end in ends(other[at : at + length]).tolist()
            if compare_values(of(pair & 0xFFFFFFFF), of(end)) not in allowed
        ]
        out = np.array(failed, np.int64)
        return starts(out), ends(out)

    def _closed(self, pairs: Pairs, allowed: object) -> tuple[Nodes, Nodes, Nodes]:
        assert isinstance(allowed, tuple)
        open_ = {self.data.find(term) for term in allowed}
        nodes = distinct(ends(pairs), len(self.data.terms))
        back = swap(pairs)
        focus, values, paths = [_EMPTY], [_EMPTY], [_EMPTY]
        for predicate in self.data.predicates():
            if predicate in open_:
                continue
            triples = self.data.step(predicate, nodes)
            if not len(triples):
                continue
            # A value node may be that of several focus nodes; a node shape's is its own.
            low, lengths = spans(back, starts(triples))
            for row in range(int(lengths.max())):
                there = lengths > row
                focus.append(ends(back[low[there] + row]))
                values.append(ends(triples[there]))
                paths.append(np.full(int(there.sum()), predicate, np.int64))
        return np.concatenate(focus), np.concatenate(values), np.concatenate(paths)


_BY_FOCUS: Final = frozenset(
    (
        "MinCount",
        "MaxCount",
        "QualifiedMinCount",
        "QualifiedMaxCount",
        "HasValue",
        "UniqueLang",
        "Equals",
        "Disjoint",
        "LessThan",
        "LessThanOrEquals",
    )
)
_FAILING: Final[dict[str, Callable[[int], list[int]]]] = {
    "And": lambda n: list(range(1, n + 1)),
    "Or": lambda n: [n],
    "Xone": lambda n: [k for k in range(n + 1) if k != n - 1],
}
"""How many of n members of a list fail where the list fails."""
_ALLOWED: Final = {
    "MinExclusive": (1,),
    "MinInclusive": (0, 1),
    "MaxExclusive": (-1,),
    "MaxInclusive": (-1, 0),
}


def _repeated(rows: Rows, foci: Nodes, times: Nodes) -> Rows:
    if rows.solutions is not None:
        often = dict(zip(foci.tolist(), times.tolist(), strict=True))
        return rows._replace(solutions=[s for s in rows.solutions for _ in range(often[s.focus])])
    return rows._replace(times=times[foci.searchsorted(rows.focus)])


def _mask(values: Iterator[bool]) -> Mask:
    return np.fromiter(values, np.bool_)


def _string(term: bytes) -> str:
    """Return what STR() returns of an IRI or literal."""
    text = term.decode()
    return text[1:-1] if text[0] == "<" else parse_literal(text).lexical


def _tag(tail: str) -> str:
    """Return the language tag of a tail, empty where it has none."""
    return tail[2:].partition("--")[0] if tail.startswith('"@') else ""


def _in_range(tag: str, ranges: list[str]) -> bool:
    """Return whether a tag matches a language range (RFC 4647, basic filtering)."""
    tag = tag.lower()
    return bool(tag) and any(r == "*" or tag == r or tag.startswith(f"{r}-") for r in ranges)
