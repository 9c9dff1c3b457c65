"""The SPARQL of shapes, answered by Oxigraph on the triples that it looks at.

Oxigraph rewrites some literals when it loads them (`2.50`, xsd:int), and a query cannot name a
blank node. Where a query cannot tell the difference, its answers are turned back; else it is
`Uncompiled`.

Spec: SHACL (W3C Recommendation, 20 July 2017), sections 5 and 6
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar, overload

import numpy as np

from kg.bounded import bounded
from kg.errors import KgError, ShapesError, TooLarge
from kg.evaluate import Evaluator, Solution
from kg.literals import XSD, Literal, is_valid, matcher, parse_literal
from kg.shacl import Component, Constraint, Pattern, Shape, Sparql, short
from kg.solve import UNBOUND, Solver, Table, Unsupported, is_supported, joined, with_path
from kg.sparql import Group, Path, Query
from kg.triples import BLANK, LITERAL, Nodes, Pairs, Triples, ends, starts, unique

T = TypeVar("T")

_log = logging.getLogger(__name__)

_MOST_SOLUTIONS: Final = 10_000_000
ENGINE_SECONDS: Final = 60
"""How long Oxigraph may think about one focus node."""

_SHAPES_GRAPH: Final = "<urn:kg:shapes>"
_BLANK: Final = "urn:kg:blank:"
# fmt: off
_BLIND: Final = frozenset((
    "SELECT", "ASK", "WHERE", "PREFIX", "BASE", "DISTINCT", "REDUCED", "AS", "A", "TRUE", "FALSE",
    "OPTIONAL", "UNION", "FILTER", "NOT", "EXISTS", "IN", "GROUP", "BY", "HAVING", "BOUND",
    "COUNT", "SUM", "AVG", "ABS", "CEIL", "FLOOR", "ROUND", "ISNUMERIC", "ISLITERAL", "LANG",
    "LANGMATCHES", "YEAR", "MONTH", "DAY", "HOURS", "MINUTES", "SECONDS",
))
# fmt: on
"""Words of queries that ask neither how a literal is written, nor whether a node has a name."""
_BLIND_TO_FORMS: Final = _BLIND | {"ISIRI", "ISURI", "ISBLANK"}
_BATCH: Final = 2_000
_LOAD: Final = 100_000
_BOUND: Final = ("this", "shapesGraph", "currentShape", "value")


class Uncompiled(KgError):
    """What only the reference engine can evaluate, and why."""


def _may_stand(path: Path) -> bool:
    """Return whether a path may have no step."""
    parts = [part for part in path.parts if isinstance(part, Path)]
    return path.op in ("*", "?") or any(map(_may_stand, parts))


class Solutions(Sequence[Solution]):
    """The results that a table stands for; each is made when it is looked at."""

    def __init__(
        self,
        table: Table,
        names: Sequence[str],
        make: Callable[[int, Mapping[str, str]], Solution],
        data: Triples,
    ) -> None:
        self.table = table
        self._columns = {name: table.column(f"?{name}") for name in names}
        self._names = names
        self._make = make
        self._data = data

    def replaced(self, name: str, nodes: Nodes, new: Solutions) -> Solutions:
        """Return the results without those in whose column some nodes are, and with new ones."""
        kept = self.table.take(~np.isin(self.table.column(name), nodes))
        return Solutions(joined([kept, new.table]), self._names, self._make, self._data)

    def __len__(self) -> int:
        return self.table.rows

    @overload
    def __getitem__(self, at: int) -> Solution: ...

    @overload
    def __getitem__(self, at: slice) -> list[Solution]: ...

    def __getitem__(self, at: int | slice) -> Solution | list[Solution]:
        if isinstance(at, slice):
            return [self[n] for n in range(*at.indices(len(self)))]
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        row = {
            name: self._data.text(int(column[at]))
            for name, column in self._columns.items()
            if column[at] != UNBOUND
        }
        return self._make(int(self.table.columns["?this"][at]), row)


class _Store:
    """A graph in Oxigraph, as far as it was asked for.

    Oxigraph rewrites some literals when it loads them: `2.50`, xsd:int. With `named`, blank nodes
    have IRIs, so that queries can name them.
    """

    def __init__(
        self, data: Triples, shapes: Iterable[tuple[str, str, str]], *, named: bool
    ) -> None:
        self._data = data
        self._shapes = shapes
        self._named = named
        self._shapes_loaded = False
        self.engine: Any = None
        self.odd: dict[int, list[str]] = {}
        """The literals that are rewritten, by the predicates that were loaded."""

    def load(self, predicates: set[int] | None) -> set[int]:
        """Load the triples of some predicates, None for all; return the predicates."""
        import pyoxigraph as ox

        if self.engine is None:
            self.engine = ox.Store()
        if predicates is None:
            predicates = set(self._data.predicates())
        for predicate in sorted(predicates - set(self.odd)):
            self._load_pairs(predicate, self._data.pairs(predicate))
        return predicates

    def load_shapes(self) -> None:
        """Load the shapes graph, as a graph of its own."""
        import pyoxigraph as ox

        if not self._shapes_loaded:
            name = to_oxigraph(_SHAPES_GRAPH)
            self.engine.extend(
                ox.Quad(to_oxigraph(s), to_oxigraph(p), to_oxigraph(o), name)
                for s, p, o in self._shapes
            )
            self._shapes_loaded = True

    def _load_pairs(self, predicate: int, pairs: Pairs) -> None:
        import pyoxigraph as ox

        terms, kinds = self._data.terms, self._data.kinds
        middle = b" " + terms[predicate] + b" "
        objects = unique(ends(pairs))
        typed = [n for n in objects[kinds[objects] == LITERAL].tolist() if terms[n][-1:] == b">"]
        texts = map(self._data.text, typed)
        self.odd[predicate] = [text for text in texts if as_oxigraph_keeps_it(text) != text]
        blank = (kinds[starts(pairs)] == BLANK) | (kinds[ends(pairs)] == BLANK)
        plain = pairs[~blank]
        for at in range(0, len(plain), _LOAD):
            part = plain[at : at + _LOAD]
            subjects, values = starts(part).tolist(), ends(part).tolist()
            text = b" .\n".join(
                [terms[s] + middle + terms[o] for s, o in zip(subjects, values, strict=True)]
            )
            self.engine.bulk_load(text + b" .\n", format=ox.RdfFormat.N_TRIPLES)
        self.engine.extend(self._quad(predicate, int(pair)) for pair in pairs[blank])

    def _quad(self, predicate: int, pair: int) -> Any:
        import pyoxigraph as ox

        return ox.Quad(
            to_oxigraph(self.name(self._data.text(pair >> 32))),
            to_oxigraph(self._data.text(predicate)),
            to_oxigraph(self.name(self._data.text(pair & 0xFFFFFFFF))),
        )

    def name(self, term: str) -> str:
        """Return what a query can call a term."""
        return f"<{_BLANK}{term[2:]}>" if self._named and term.startswith("_:") else term

    def unnamed(self, term: str) -> str:
        """Return the term that `name` was given."""
        if self._named and term.startswith(f"<{_BLANK}"):
            return f"_:{term[len(_BLANK) + 1 : -1]}"
        return term


class _View(NamedTuple):
    """What a query sees of a store, and how its answers are turned back."""

    store: _Store
    query: Query
    predicates: tuple[int, ...]
    back: Mapping[str, str]
    """The literals that are rewritten, by what they become."""
    computed: frozenset[str]
    blind: bool
    """Whether the query cannot tell the forms of a literal."""

    def original(self, name: str, term: str, more: Mapping[str, str]) -> str:
        """Return the value of a variable as it is in the graph, or as it was worked out."""
        if name not in self.computed:
            term = more.get(term) or self.back.get(term, term)
        return self.store.unnamed(term)


class Queries:
    """Answers the SPARQL of shapes on a graph. Triples are loaded when a query first needs them."""

    def __init__(
        self,
        data: Triples,
        shapes: Iterable[tuple[str, str, str]] = (),
        *,
        on_columns: bool = True,
    ) -> None:
        self._data = data
        self._shapes = shapes
        self._on_columns = on_columns
        self._solver = Solver(Evaluator(data, self))
        self._stores = {named: _Store(data, shapes, named=named) for named in (False, True)}

    # --- loading ---

    def looked_at(self, query: Query) -> set[int] | None:
        """Return the predicates of the graph that a query looks at, None for all."""
        names = query.predicates()
        if names is None or "GRAPH" in query.features:
            return None
        if any(isinstance(t.predicate, Path) and _may_stand(t.predicate) for t in query.triples):
            return None  # a path without a step leads from any node to itself
        found = map(self._data.find, sorted(names))
        return {number for number in found if number is not None}

    def forget(self) -> None:
        """Forget what was loaded: the graph has changed."""
        self._stores = {
            named: _Store(self._data, self._shapes, named=named) for named in (False, True)
        }

    # --- asking ---

    def solutions(
        self, shape: Shape, constraint: Constraint, foci: Nodes, values: Nodes | None = None
    ) -> Sequence[Solution]:
        """Return the results of a SPARQL constraint on focus nodes, in their order.

        Args:
            shape: whose constraint it is.
            constraint: with a `Sparql`.
            foci: a node set.
            values: only results with these values are wanted.
        Raises:
            ShapesError: the query is no SPARQL, or one that SHACL forbids.
            Uncompiled: Oxigraph cannot be asked.
        """
        sparql = constraint.value
        assert isinstance(sparql, Sparql)
        query = sparql.query
        messages = sparql.messages or shape.messages
        if self.is_solved(query):
            try:
                return self._solved(query, shape, foci, values, messages)
            except Unsupported as e:
                _log.info("%s has a query for Oxigraph: %s", short(shape.node), e)
        view = self._need(query)
        out: list[Solution] = []
        for focus, rows in self._rows_of(view, foci, {}, shape, constraint):
            out += (self._solution(shape, focus, row, messages) for row in rows)
        return out

    def _rows_of(
        self,
        view: _View,
        foci: Nodes,
        names: Mapping[str, str],
        shape: Shape,
        constraint: Constraint,
    ) -> list[tuple[int, list[dict[str, str]]]]:
        """Return the solutions of a query for each focus node that has some."""

        def steps() -> Iterator[tuple[int, list[dict[str, str]]]]:
            total = 0
            for focus in foci.tolist():
                bound = {"this": self._data.text(focus), **names}
                rows = list(islice(self._rows(view, bound, shape, constraint), _MOST_SOLUTIONS))
                total += len(rows)
                _bear(total, shape)
                yield focus, rows

        found = self._bounded(steps, shape, constraint)
        return [(focus, rows) for focus, rows in found if rows]

    def _bounded(
        self, steps: Callable[[], Iterable[T]], shape: Shape, constraint: Constraint
    ) -> list[T]:
        return bounded(
            steps,
            seconds=ENGINE_SECONDS,
            what="a query of the shapes was ended",
            where=short(constraint.node if constraint.node.startswith("<") else shape.node),
            hint="ask less of it: fewer patterns that share no variable, or filters",
            quiet=True,
        )

    def is_solved(self, query: Query, given: Iterable[str] = ()) -> bool:
        """Return whether a query is answered on columns, where some variables are given."""
        unknown = query.variables & {"shapesGraph", "currentShape"}
        bound = frozenset(f"?{name}" for name in ("this", *given))
        return self._on_columns and not unknown and is_supported(query, bound)

    def _solved(
        self,
        query: Query,
        shape: Shape,
        foci: Nodes,
        values: Nodes | None,
        messages: tuple[Literal, ...],
    ) -> Sequence[Solution]:
        """Return the results of a constraint, answered on columns."""
        inside = not query.is_plain()
        table = Table(len(foci), {"?this": foci}) if inside else Table(min(len(foci), 1))
        if values is not None:
            if inside:
                raise Unsupported("values beside focus nodes")
            table = Table(len(values), {"?value": values})
        distinct = "DISTINCT" in query.features
        found = self._solver.solutions(self.group(query, shape), table, distinct=distinct)
        names = sorted(query.variables if "*" in query.select else query.select)
        if "DISTINCT" in query.features:
            found, _, _ = found.distinct([f"?{name}" for name in names])
        if not inside:
            _bear(found.rows * len(foci), shape)
            found = Table(
                found.rows * len(foci),
                {
                    **{name: np.tile(c, len(foci)) for name, c in found.columns.items()},
                    "?this": np.repeat(foci, found.rows),
                },
            )
        if "failure" in names and (found.column("?failure") != UNBOUND).any():
            raise Unsupported("a failure")
        return Solutions(
            found, names, lambda f, row: self._solution(shape, f, row, messages), self._data
        )

    def group(self, query: Query, shape: Shape) -> Group:
        """Return the group of a query of a shape, with its path in the place of $PATH."""
        if "PATH" not in query.variables:
            return query.group
        if shape.path is None:
            raise ShapesError("$PATH is for property shapes", where=short(shape.node))
        return with_path(query.group, shape.path)

    def _custom_solved(
        self,
        query: Query,
        shape: Shape,
        component: Component,
        foci: Nodes,
        pairs: Pairs,
        messages: tuple[Literal, ...],
    ) -> Sequence[Solution]:
        """Return the results of a component of the shapes graph, answered on columns."""
        rows = len(pairs) if component.ask else len(foci)
        columns = {
            f"?{name}": np.full(rows, self._data.number(term), np.int64)
            for name, term in component.parameters
        }
        columns["?this"] = starts(pairs) if component.ask else foci
        if component.ask:
            columns["?value"] = ends(pairs)
        found = self._solver.solutions(
            self.group(query, shape),
            Table(rows, {**columns, "?#n": np.arange(rows)}),
            distinct=component.ask or "DISTINCT" in query.features,
        )
        if not component.ask:
            names = sorted(query.variables if "*" in query.select else query.select)
            if "DISTINCT" in query.features:
                found, _, _ = found.distinct(["?this", *(f"?{n}" for n in names if n != "this")])
            return Solutions(
                found, names, lambda f, row: self._solution(shape, f, row, messages), self._data
            )
        failing = np.ones(rows, np.bool_)
        failing[found.columns["?#n"]] = False
        left = pairs[failing]
        table = Table(len(left), {"?this": starts(left), "?value": ends(left)})

        def result(focus: int, row: Mapping[str, str]) -> Solution:
            filled = tuple(m._replace(lexical=_filled(m.lexical, row)) for m in messages)
            return Solution(focus, row["value"], str(shape.path or ""), filled)

        return Solutions(table, ["value"], result, self._data)

    def custom(
        self, shape: Shape, constraint: Constraint, foci: Nodes, pairs: Pairs
    ) -> Sequence[Solution]:
        """Return the results of a component that the shapes graph defines.

        Spec: SHACL, section 6.3
        """
        component = constraint.value
        assert isinstance(component, Component)
        query = component.query
        names = dict(component.parameters)
        given = (*names, *(("value",) * component.ask))
        check_query(query, constraint.component, {"this", "shapesGraph", "currentShape", *given})
        messages = shape.messages or component.messages
        messages = tuple(m._replace(lexical=_filled(m.lexical, names)) for m in messages)
        if self.is_solved(query, given):
            try:
                return self._custom_solved(query, shape, component, foci, pairs, messages)
            except Unsupported as e:
                _log.info("%s has a query for Oxigraph: %s", short(shape.node), e)
        view = self._need(query)
        out: list[Solution] = []
        if not component.ask:
            for focus, rows in self._rows_of(view, foci, names, shape, constraint):
                out += (self._solution(shape, focus, row, messages) for row in rows)
            return out

        def asked() -> Iterator[bool]:
            for pair in pairs.tolist():
                this, value = self._data.text(pair >> 32), self._data.text(pair & 0xFFFFFFFF)
                bound = {"this": this, "value": value, **names}
                yield self._ask(view, bound, shape, constraint)

        answers = self._bounded(asked, shape, constraint)
        for pair, conforms in zip(pairs.tolist(), answers, strict=True):
            if not conforms:
                focus, term = pair >> 32, self._data.text(pair & 0xFFFFFFFF)
                row = {"this": self._data.text(focus), "value": term}
                filled = tuple(m._replace(lexical=_filled(m.lexical, row)) for m in messages)
                out.append(Solution(focus, term, str(shape.path or ""), filled))
        return out

    def matching(self, texts: list[str], pattern: str, flags: str) -> list[bool]:
        """Return which texts match a regular expression that `check_constraint` has passed."""
        import pyoxigraph as ox

        store = ox.Store()
        match = f"REGEX(?text, {_quoted(pattern)}, {_quoted(flags)})"
        out = [False] * len(texts)
        for at in range(0, len(texts), _BATCH):
            part = texts[at : at + _BATCH]
            rows = " ".join(f"({n} {_quoted(text)})" for n, text in enumerate(part, at))
            found: Any = store.query(
                f"SELECT ?n WHERE {{ VALUES (?n ?text) {{ {rows} }} FILTER ({match}) }}"
            )
            for row in found:
                out[int(row["n"].value)] = True
        return out

    def _need(self, query: Query) -> _View:
        """Return what a query sees in Oxigraph.

        Raises:
            Uncompiled: that is not what it would see of the graph.
        """
        words = query.words()
        store = self._stores[words <= _BLIND]
        predicates = tuple(sorted(store.load(self.looked_at(query))))
        if "shapesGraph" in query.variables:
            store.load_shapes()
        computed, meets = query.computed()
        if query.hides_literals or (meets and query.has_typed_literals()):
            raise Uncompiled("the query has numbers or typed literals that meet those of the graph")
        blind = words <= _BLIND_TO_FORMS and not meets
        back: dict[str, str] = {}
        view = _View(store, query, predicates, back, frozenset(computed), blind)
        odd = dict.fromkeys(text for p in predicates for text in store.odd[p])
        for literal in (*odd, *sorted(query.literals())):
            self._admit(view, literal, back)
        return view

    def _admit(self, view: _View, literal: str, back: dict[str, str]) -> None:
        """Add a literal to what is turned back, if it is rewritten.

        Raises:
            Uncompiled: the query can tell, or it becomes what another term is.
        """
        written = as_oxigraph_keeps_it(literal)
        known = back.get(written) or view.back.get(written)
        if known == literal or (known is None and written == literal):
            return
        value = parse_literal(literal)
        if (
            not view.blind
            or known is not None
            or not is_valid(value.lexical, value.datatype)
            or written in view.query.literals()
            or self._is_object(written, view.predicates)
        ):
            raise Uncompiled("Oxigraph rewrites a literal that the query looks at", seen=literal)
        back[written] = literal

    def _is_object(self, term: str, predicates: Iterable[int]) -> bool:
        """Return whether a term is an object of one of the predicates."""
        number = self._data.find(term)
        if number is None:
            return False
        node = np.array([number], np.int64)
        return any(len(self._data.step(p, node, inverse=True)) for p in predicates)

    def _rows(
        self,
        view: _View,
        bound: Mapping[str, str],
        shape: Shape,
        constraint: Constraint,
    ) -> Iterator[dict[str, str]]:
        more: dict[str, str] = {}
        text = view.query.bound(self._bindings(view, bound, shape, more))
        found = self._ask_engine(view.store, text, shape, constraint)
        names = [variable.value for variable in found.variables]
        for row in found:
            out = {name: str(row[name]) for name in names if row[name] is not None}
            if out.get("failure") == f'"true"^^<{XSD}boolean>':
                raise ShapesError(
                    "a SPARQL constraint reports a failure",
                    where=short(shape.node),
                    seen=f"?failure is true, of the focus node {short(bound['this'])}",
                )
            yield {name: view.original(name, value, more) for name, value in out.items()}

    def _bindings(
        self, view: _View, bound: Mapping[str, str], shape: Shape, more: dict[str, str]
    ) -> dict[str, str]:
        """Return the terms of pre-bound variables; add to `more` what is to be turned back."""
        out = {
            **bound,
            "shapesGraph": _SHAPES_GRAPH,
            "currentShape": shape.node,
            "PATH": str(shape.path) if shape.path else "",
        }
        names = view.query.variables
        used = {name: view.store.name(text) for name, text in out.items() if name in names}
        if "PATH" in used and not used["PATH"]:
            raise ShapesError("$PATH is for property shapes", where=short(shape.node))
        if any(text.startswith("_") for text in used.values()):
            raise Uncompiled("a query cannot name a blank node, and this one asks of names")
        for text in used.values():
            if text.startswith('"'):
                self._admit(view, text, more)
        return used

    def _ask(
        self,
        view: _View,
        bound: Mapping[str, str],
        shape: Shape,
        constraint: Constraint,
    ) -> bool:
        text = view.query.bound(self._bindings(view, bound, shape, {}))
        return bool(self._ask_engine(view.store, text, shape, constraint))

    def _ask_engine(self, store: _Store, text: str, shape: Shape, constraint: Constraint) -> Any:
        try:
            return store.engine.query(text)
        except (SyntaxError, RuntimeError) as e:
            raise ShapesError(
                "a SPARQL constraint is not SPARQL",
                where=short(shape.node),
                seen=str(e),
            ) from None

    def _solution(
        self, shape: Shape, focus: int, row: Mapping[str, str], messages: tuple[Literal, ...]
    ) -> Solution:
        """Return the result that a solution stands for.

        Spec: SHACL, section 5.3.2
        """
        path = row.get("path", "")
        if not path.startswith("<"):
            path = str(shape.path) if shape.path else ""
        value = row.get("value", "" if shape.path else self._data.text(focus))
        row = {"this": self._data.text(focus), **row}
        texts = tuple(m._replace(lexical=_filled(m.lexical, row)) for m in messages)
        if "message" in row and row["message"].startswith('"'):
            texts = (parse_literal(row["message"]),)
        return Solution(focus, value, path, texts)


def _bear(solutions: int, shape: Shape) -> None:
    """Return nothing if a query has not too many solutions.

    Raises:
        TooLarge: it has.
    """
    if solutions >= _MOST_SOLUTIONS:
        raise TooLarge(
            "a query of the shapes has too many solutions",
            where=short(shape.node),
            seen=f"{solutions:,} or more",
            expected=f"fewer than {_MOST_SOLUTIONS:,}, for all focus nodes together",
        )


def check_constraint(constraint: Constraint, where: str) -> None:
    """Return nothing if the query or the pattern of a constraint, if it has one, can be used.

    Args:
        constraint: of a shape.
        where: the place of the shape, for errors.
    Raises:
        ShapesError: it does not.
    """
    value = constraint.value
    if isinstance(value, Pattern):
        wrong = _wrong_pattern(value)
        if wrong:
            raise ShapesError(
                "a pattern is no regular expression",
                where=where,
                seen=f"{value.pattern!r}: {wrong}",
            )
    if isinstance(value, Sparql | Component):
        wanted = "ASK" if isinstance(value, Component) and value.ask else "SELECT"
        if value.query.form != wanted:
            raise ShapesError(
                "the shapes are ill-formed: a query of another form",
                where=where,
                seen=value.query.form,
                expected=wanted,
            )
    if isinstance(value, Sparql):
        check_query(value.query, where)
    elif isinstance(value, Component):
        names = {name for name, _ in value.parameters} | ({"value"} if value.ask else set())
        bound = {"this", "shapesGraph", "currentShape", *names}
        check_query(value.query, f"{where} ({short(f'<{constraint.component}>')})", bound)


def _wrong_pattern(pattern: Pattern) -> str:
    """Return why a pattern is no regular expression, also not to Oxigraph; empty if it is one."""
    import pyoxigraph as ox

    try:
        if matcher(*pattern) is not None:
            return ""
    except re.error as e:
        return str(e)
    match = f'REGEX("a", {", ".join(map(_quoted, pattern))})'
    answer: Any = ox.Store().query(f"SELECT ({match} AS ?known) WHERE {{ }}")
    return "" if next(iter(answer))["known"] is not None else "the engine does not know it"


def check_query(query: Query, where: str, bound: set[str] | None = None) -> None:
    """Return nothing if SHACL allows a query.

    Raises:
        ShapesError: it does not.
    Spec: SHACL, sections 5.2.1 and A.1
    """
    import pyoxigraph as ox

    wrong = query.forbidden(bound or {"this", "shapesGraph", "currentShape"})
    if not wrong and query.form == "SELECT" and not {"this", "*"} & query.select and not bound:
        wrong = "a SELECT that does not return $this"
    if not wrong and "FROM" in query.features:
        wrong = "FROM: shapes see the union of all graphs"
    if not wrong and "GRAPH" in query.features and "shapesGraph" not in query.variables:
        wrong = "GRAPH without $shapesGraph: shapes see the union of all graphs"
    if wrong:
        raise ShapesError(
            "the shapes are ill-formed: a query with pre-bound variables has no "
            "MINUS, SERVICE or VALUES, returns what is bound, and binds it not again",
            where=where,
            seen=wrong,
            hint=_INSTEAD.get(wrong, ""),
        )
    undeclared = query.undeclared()
    if undeclared:
        raise ShapesError(
            "a SPARQL constraint uses a prefix that is not declared",
            where=where,
            seen=", ".join(f"{prefix}:" for prefix in undeclared),
            hint="sh:prefixes names a node that has it in sh:declare; give the file of that, too",
        )
    names = dict.fromkeys(sorted(bound or {"this", "shapesGraph", "currentShape"}), "<urn:kg:x>")
    text = query.bound({n: term for n, term in names.items() if n != "value"})
    try:
        ox.Store().query(text)
    except (SyntaxError, RuntimeError) as e:
        raise ShapesError(
            "a SPARQL constraint is not SPARQL", where=where, seen=_told_by_engine(str(e), text)
        ) from None


_INSTEAD: Final = {
    "MINUS": "FILTER NOT EXISTS does what MINUS does here",
    "VALUES": "use FILTER (?x IN (...)), or UNION",
}
_ERROR_AT: Final = re.compile(r"error at (\d+):\d+: ")
_MOST_EXPECTED: Final = 120


def _told_by_engine(message: str, query: str) -> str:
    """Return what an engine says of a query, with the line instead of its number."""
    at = _ERROR_AT.match(message)
    if at is None:
        return message
    lines = query.split("\n")
    line = lines[min(int(at[1]), len(lines)) - 1].strip()
    what = " ".join(message[at.end() :].split())
    if len(what) > _MOST_EXPECTED:
        what = f"{what[:_MOST_EXPECTED]}…"
    return f"in the line {line[:_MOST_EXPECTED]!r}, {what}"


_CANONICAL: Final = re.compile(
    rf'^"(?:(?:0|-?[1-9][0-9]{{0,17}})"\^\^<{XSD}integer|(?:true|false)"\^\^<{XSD}boolean'
    rf'|[12][0-9]{{3}}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"\^\^<{XSD}date'
    rf'|[^"]*"\^\^<(?!{XSD}))'
)
"""Literals that Oxigraph certainly keeps."""


@lru_cache(maxsize=4096)
def as_oxigraph_keeps_it(literal: str) -> str:
    """Return a literal as Oxigraph has it once it is loaded."""
    import pyoxigraph as ox

    if literal[-1:] != ">" or _CANONICAL.search(literal):
        return literal
    store = ox.Store()
    x = ox.NamedNode("urn:kg:x")
    store.add(ox.Quad(x, x, to_oxigraph(literal)))
    return next(str(quad.object) for quad in store)


_PLACEHOLDER: Final = re.compile(r"\{[?$](\w+)\}")


def _filled(message: str, row: Mapping[str, str]) -> str:
    """Return a message with the values of its variables in it."""

    def of(match: re.Match[str]) -> str:
        term = row.get(match[1])
        if term is None:
            return match[0]
        if term.startswith('"'):
            return parse_literal(term).lexical
        return term[1:-1] if term.startswith("<") else term

    return _PLACEHOLDER.sub(of, message)


def _quoted(text: str) -> str:
    """Return a text as a literal of SPARQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + escaped.replace("\r", "\\r") + '"'


def to_oxigraph(term: str) -> Any:
    """Return a term of pyoxigraph."""
    import pyoxigraph as ox

    if term[0] == "<":
        return ox.NamedNode(term[1:-1])
    if term[0] == "_":
        return ox.BlankNode(term[2:])
    literal = parse_literal(term)
    if literal.language:
        return ox.Literal(literal.lexical, language=literal.language)
    return ox.Literal(literal.lexical, datatype=ox.NamedNode(literal.datatype))


def to_rdflib(term: str) -> Any:
    """Return a term of rdflib, as it was written: `2.50` stays `2.50`."""
    from rdflib import BNode, URIRef
    from rdflib import Literal as RdfLiteral

    if term[0] == "<":
        return URIRef(term[1:-1])
    if term[0] == "_":
        return BNode(term[2:])
    literal = parse_literal(term)
    if literal.language:
        return RdfLiteral(literal.lexical, lang=literal.language)
    if literal.datatype == XSD + "string":
        return RdfLiteral(literal.lexical)
    return RdfLiteral(literal.lexical, datatype=URIRef(literal.datatype), normalize=False)
