"""Solutions of a SPARQL group on triples in columns: whole tables of bindings at a time.

Enough of SPARQL for the constraints that people write: triple patterns with property paths,
OPTIONAL, UNION, BIND of a term, EXISTS, and filters of the common operators and functions. What is
outside of that is `Unsupported`, before or while it is answered, and another engine is asked.

Bindings go from outside to inside, as pre-binding asks for. Where a group inside OPTIONAL or UNION
shares variables with the outside that may be unbound, that is not the meaning of SPARQL: such a
query is `Unsupported`.

Spec: SPARQL 1.1 Query, sections 5 to 9, 17 and 18
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kg.evaluate import Evaluator
from kg.literals import RDF, XSD, Literal, compare, is_valid, matcher, parse_literal, value
from kg.sparql import (
    Bind,
    Call,
    Exists,
    Expression,
    Filter,
    Group,
    Optional,
    Path,
    Query,
    Triple,
    Union,
    quoted,
)
from kg.triples import (
    BLANK,
    IRI,
    LITERAL,
    Nodes,
    Pairs,
    ends,
    members,
    ranges,
    spans,
    starts,
    unique,
)

UNBOUND: Final = -1
TRUE, FALSE, ERROR = 1, 0, -1
Truth = NDArray[np.int8]
_MOST_ROWS: Final = 50_000_000
_LARGE: Final = 1 << 40
_MOST_CELLS: Final = 200_000_000
"""Term numbers, of eight bytes, in one table."""
_MOST_IN_PRODUCT: Final = 5_000_000
_MOST_FREE: Final = 2
"""Predicates that may be any, in one group, each within what is found for the other."""


class Unsupported(Exception):
    """A query, or its answer on this graph, is outside of what is answered here."""


class Table:
    """Rows of bindings: a column of term numbers for each variable, `UNBOUND` where it has none."""

    def __init__(self, rows: int, columns: dict[str, Nodes] | None = None) -> None:
        self.rows = rows
        self.columns = columns or {}

    def take(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> Table:
        """Return the rows at some positions, or those of a mask."""
        columns = {name: column[which] for name, column in self.columns.items()}
        rows = int(which.sum()) if which.dtype == np.bool_ else len(which)
        return Table(rows, columns)

    def column(self, name: str) -> Nodes:
        """Return a column; all unbound where there is none."""
        found = self.columns.get(name)
        return np.full(self.rows, UNBOUND, np.int64) if found is None else found

    def distinct(self, names: Sequence[str]) -> tuple[Table, Nodes, Nodes]:
        """Return the distinct rows of some columns.

        Also for each row the position of its own among them, and where each stood first.
        """
        if not self.rows:
            return Table(0, dict.fromkeys(names, _NONE)), _NONE, _NONE
        code = np.zeros(self.rows, np.int64)
        first = np.zeros(min(self.rows, 1), np.int64)
        for name in names:
            _, number = np.unique(self.column(name), return_inverse=True)
            size = int(number.max()) + 1 if len(number) else 1
            _, first, code = np.unique(code * size + number, return_index=True, return_inverse=True)
        columns = {name: self.column(name)[first] for name in names}
        return Table(len(first), columns), code, first


def _check(rows: int, columns: int) -> None:
    """Return nothing if a table is not too large.

    Raises:
        Unsupported: it is.
    """
    if rows > _MOST_ROWS or rows * columns > _MOST_CELLS:
        raise Unsupported("too many rows")


def joined(tables: Sequence[Table]) -> Table:
    """Return the rows of some tables, one after another.

    Raises:
        Unsupported: there are too many.
    """
    if len(tables) == 1:
        return tables[0]
    names = dict.fromkeys(name for table in tables for name in table.columns)
    rows = sum(table.rows for table in tables)
    _check(rows, len(names))
    return Table(
        rows,
        {name: np.concatenate([t.column(name) for t in tables]) for name in names},
    )


def with_path(group: Group, path: Path, outer: Group | None = None) -> Group:
    """Return a group in which $PATH is a path."""
    out = Group(outer)

    def expression(one: Expression) -> Expression:
        if isinstance(one, Exists):
            return Exists(with_path(one.group, path, out))
        if isinstance(one, Call):
            return Call(one.name, tuple(map(expression, one.args)))
        return one

    for element in group.elements:
        if isinstance(element, Triple) and element.predicate == "?PATH":
            out.elements.append(Triple(element.subject, path, element.object))
        elif isinstance(element, Optional):
            out.elements.append(Optional(with_path(element.group, path, out)))
        elif isinstance(element, Union):
            out.elements.append(Union(tuple(with_path(g, path, out) for g in element.groups)))
        elif isinstance(element, Filter):
            out.elements.append(Filter(expression(element.expression)))
        else:
            out.elements.append(element)
    return out


@lru_cache(maxsize=4096)
def is_supported(query: Query, given: frozenset[str] = frozenset({"?this"})) -> bool:
    """Return whether a query is of the kind that is answered here.

    Args:
        query: as it was read.
        given: the variables that are pre-bound.
    """
    try:
        return _is_supported(query, given)
    except RecursionError:  # of a long chain of ||, perhaps
        return False


def _is_supported(query: Query, given: frozenset[str]) -> bool:
    return (
        query.simple
        and query.form in ("SELECT", "ASK")
        and not query.named - _bound_by(query.group)
        and _is_group(query.group)
        and _is_scoped(query.group, set(given), set(), set())
    )


def certain(group: Group) -> set[str]:
    """Return the variables that every solution of a group binds."""
    out: set[str] = set()
    for element in group.elements:
        if isinstance(element, Triple):
            out |= {str(part) for part in element if str(part).startswith("?")}
        elif isinstance(element, Union):
            out |= set.intersection(*map(certain, element.groups))
        elif isinstance(element, Bind) and _is_certain(element, out):
            out.add(element.variable)
    return out


def _is_certain(bind: Bind, bound: set[str]) -> bool:
    """Return whether BIND has a value in any case: a term, or what is bound."""
    expression = bind.expression
    return isinstance(expression, str) and (not expression.startswith("?") or expression in bound)


def _bound_in(element: object) -> set[str]:
    """Return the variables that an element may bind, with those of groups in it."""
    if isinstance(element, Bind):
        return {element.variable}
    if isinstance(element, Optional):
        return set().union(*map(_bound_in, element.group.elements))
    if isinstance(element, Union):
        return set().union(*(_bound_in(e) for g in element.groups for e in g.elements))
    return set() if isinstance(element, Filter) else _inside(element)


def _inside(element: object) -> set[str]:
    """Return the variables of an element, with those of groups in it."""
    if isinstance(element, Triple):
        return {str(part) for part in element if str(part).startswith("?")}
    if isinstance(element, Filter):
        return _inside_expression(element.expression)
    if isinstance(element, Bind):
        return _inside_expression(element.expression) | {element.variable}
    if isinstance(element, Optional):
        return set().union(*map(_inside, element.group.elements))
    if isinstance(element, Union):
        return set().union(*(_inside(e) for g in element.groups for e in g.elements))
    raise TypeError(element)


def _inside_expression(expression: Expression) -> set[str]:
    if isinstance(expression, Exists):
        return set().union(*map(_inside, expression.group.elements))
    if isinstance(expression, Call):
        return set().union(*map(_inside_expression, expression.args))
    return {expression} if expression.startswith("?") else set()


def _is_scoped(group: Group, given: set[str], outside: set[str], seen: set[str]) -> bool:
    """Return whether bindings that go from outside to inside mean what SPARQL means.

    SPARQL evaluates from inside to outside: a group does not see what is bound around it, and an
    OPTIONAL whose variables come from further outside than its own group is another question.

    Args:
        group: what is looked at.
        given: the variables that are replaced before: pre-bound, or those outside of EXISTS.
        outside: the variables that are bound around the group.
        seen: those around it that its filters see, as they do in OPTIONAL.
    """
    own: set[str] = set()
    mentioned = set().union(*map(_bound_in, group.elements))
    for n, element in enumerate(group.elements):
        rest = [e for k, e in enumerate(group.elements) if k != n]
        around = outside.union(*map(_bound_in, rest))
        if isinstance(element, Triple):
            own |= _inside(element)
        elif isinstance(element, Bind):
            before = set().union(*map(_bound_in, group.elements[:n]))
            if (_inside_expression(element.expression) - before - given) & around:
                return False
            if _is_certain(element, own | given):
                own.add(element.variable)
        elif isinstance(element, Optional):
            if (_bound_in(element) & around) - own - given:
                return False
            if not _is_scoped(element.group, given, around, own):
                return False
        elif isinstance(element, Union):
            if not all(_is_scoped(g, given, around, set()) for g in element.groups):
                return False
            own |= set.intersection(*map(certain, element.groups))
        elif not _is_filter_scoped(
            element.expression, mentioned | given | seen, mentioned | outside
        ):
            return False
    return True


def _is_filter_scoped(expression: Expression, visible: set[str], outside: set[str]) -> bool:
    if isinstance(expression, Exists):
        if (_inside_expression(expression) & outside) - visible:
            return False
        return _is_scoped(expression.group, visible, outside, set())
    if isinstance(expression, Call):
        return all(_is_filter_scoped(arg, visible, outside) for arg in expression.args)
    return expression not in outside or expression in visible


def _bound_by(group: Group) -> set[str]:
    return {
        element.variable[1:]
        for inner in group.groups()
        for element in inner.elements
        if isinstance(element, Bind)
    }


def _is_group(group: Group) -> bool:
    for element in group.elements:
        if isinstance(element, Optional):
            fine = _is_group(element.group)
        elif isinstance(element, Union):
            fine = all(map(_is_group, element.groups))
        elif isinstance(element, Filter | Bind):
            fine = _is_expression(element.expression)
        else:
            fine = True
        if not fine:
            return False
    return True


def _is_expression(expression: Expression) -> bool:
    if isinstance(expression, Exists):
        return _is_group(expression.group)
    if isinstance(expression, Call):
        known = expression.name in _CONNECTIVES or expression.name in _SCALAR
        return known and all(map(_is_expression, expression.args))
    return True


_CONNECTIVES: Final = frozenset(
    ("&&", "||", "!", "=", "!=", "IN", "BOUND", "ISIRI", "ISURI", "ISBLANK", "ISLITERAL")
)


class Solver:
    """Answers queries on the graph of an evaluator."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._follow = evaluator.follow
        self._data = evaluator.data
        self._names = count()
        self._bags = False
        self._free = 0

    def solutions(self, group: Group, table: Table, *, distinct: bool) -> Table:
        """Return the solutions of the group of a query, given some rows.

        Args:
            group: of a query that `is_supported`.
            table: the variables that are pre-bound.
            distinct: each once; else as often as there are ways along sequences and choices.
        Raises:
            Unsupported: see `solve`.
        """
        self._bags, self._free = not distinct, 0
        try:
            return self.solve(group, table)
        except RecursionError:
            raise Unsupported("a query that is nested deeply") from None

    def solve(self, group: Group, table: Table) -> Table:
        """Return the solutions of a group that are compatible with the rows of a table.

        Raises:
            Unsupported: a variable is used where it may be unbound, or there are too many rows.
        """
        if not table.rows:
            return table
        free = self._free_predicate(group, table)
        if free:
            if self._free == _MOST_FREE:
                raise Unsupported("many patterns that may be any triple")
            self._free += 1
            tables: list[Table] = []
            for predicate in self._data.predicates():
                column = np.full(table.rows, predicate, np.int64)
                given = Table(table.rows, {**table.columns, free: column})
                found = self.solve(group, given)
                if found.rows or not tables:
                    tables.append(found)
            self._free -= 1
            return joined([t for t in tables if t.rows] or tables[:1] or [table.take(_NONE)])
        filters = [e.expression for e in group.elements if isinstance(e, Filter)]
        others = [e for e in group.elements if not isinstance(e, Filter)]
        patterns: list[Triple] = []
        for element in [*others, None]:
            if isinstance(element, Triple):
                patterns.append(element)
                continue
            if patterns:
                table = self._match(patterns, table)
                if not table.rows:
                    return table
                patterns = []
                filters, table = self._early(filters, table)
            if isinstance(element, Optional):
                table = self._optional(element.group, table)
            elif isinstance(element, Union):
                table = joined([self.solve(inner, table) for inner in element.groups])
            elif isinstance(element, Bind):
                table = self._bind(element, table)
        for expression in filters:
            table = table.take(self.truth(expression, table) == TRUE)
        return table

    def _early(self, filters: list[Expression], table: Table) -> tuple[list[Expression], Table]:
        """Return the filters that look at what is not bound yet, and the rows that pass others."""
        left = []
        for expression in filters:
            names = _variables(expression)
            if names is None or not all(_is_bound(table, name) for name in names):
                left.append(expression)
            else:
                table = table.take(self.truth(expression, table) == TRUE)
        return left, table

    # --- patterns ---

    def _free_predicate(self, group: Group, table: Table) -> str:
        """Return a variable that is a predicate, of a pattern that may be any triple at all."""
        triples = group.triples()
        given = {name for t in triples for name in (t.subject, t.object)} | set(table.columns)
        for triple in triples:
            predicate = triple.predicate
            if (
                isinstance(predicate, str)
                and predicate not in given
                and all(
                    end.startswith("?") and end not in table.columns
                    for end in (triple.subject, triple.object)
                )
            ):
                return predicate
        return ""

    def _match(self, patterns: list[Triple], table: Table) -> Table:
        left = list(patterns)
        while left and table.rows:
            best = min(left, key=lambda t: self._cost(t, table))
            left.remove(best)
            table = self._extend(best, table)
            _check(table.rows, len(table.columns))
        return table

    def _cost(self, triple: Triple, table: Table) -> tuple[int, int]:
        """Return a rank: what only filters, then what is bound at one end, then what is small."""
        predicate = triple.predicate
        both = (triple.subject, triple.object)
        bound = [not end.startswith("?") or end in table.columns for end in both]
        if isinstance(predicate, str):
            if predicate not in table.columns:
                return (3 if any(bound) else 4, 0)
            size = _LARGE
        else:
            found = map(self._data.find, sorted(predicate.predicates()))
            size = sum(map(self._data.count, found))
        if any(end in table.columns for end in both) or all(bound):
            return (0 if all(bound) else 1, size)
        if any(bound) and isinstance(predicate, Path) and predicate.op == "iri":
            end = self._data.find(both[bound.index(True)])
            nodes = _NONE if end is None else np.array([end], np.int64)
            of = self._data.find(str(predicate.parts[0]))
            size = len(self._data.step(of, nodes, inverse=bound[1]))
        elif not any(bound) and isinstance(predicate, Path) and predicate.op in ("*", "?"):
            return (4, size)
        return (2, size)

    def _extend(self, triple: Triple, table: Table) -> Table:
        """Return the rows joined with a pattern."""
        if isinstance(triple.predicate, str):
            return self._extend_by_predicate(triple, triple.predicate, table)
        path = triple.predicate
        if self._bags and _has_ways(path):
            return self._extend_by_ways(triple, path, table)
        subject, value = self._end(triple.subject, table), self._end(triple.object, table)
        if subject is None and value is None:
            return self._cross(triple, path, table)
        if subject is None:
            assert value is not None
            return self._expand(path.inverted(), value, triple.subject, table)
        if value is None:
            return self._expand(path, subject, triple.object, table)
        pairs = self._follow(path, unique(subject[subject != UNBOUND]))
        return table.take(members(subject << 32 | value, pairs))

    def _extend_by_ways(self, triple: Triple, path: Path, table: Table) -> Table:
        """Return the rows joined with a path, each as often as the path has ways."""
        parts = [part for part in path.parts if isinstance(part, Path)]
        if path.op == "^":
            return self._extend(Triple(triple.object, parts[0], triple.subject), table)
        if path.op == "|":
            return joined([self._extend(triple._replace(predicate=p), table) for p in parts])
        between = [f"?#{next(self._names)}" for _ in parts[1:]]
        ends_ = [triple.subject, *between, triple.object]
        steps = [Triple(a, p, b) for a, p, b in zip(ends_, parts, ends_[1:], strict=False)]
        found = self._match(steps, table)
        return Table(found.rows, {n: c for n, c in found.columns.items() if n not in between})

    def _end(self, term: str, table: Table) -> Nodes | None:
        """Return the numbers of a term or bound variable, one for each row."""
        if not term.startswith("?"):
            number = self._data.number(term)
            return np.full(table.rows, number, np.int64)
        column = table.columns.get(term)
        if column is not None and len(column) and column.min() == UNBOUND:
            raise Unsupported("a variable may be unbound")
        return column

    def _expand(self, path: Path, column: Nodes, name: str, table: Table) -> Table:
        pairs = self._follow(path, unique(column))
        low, lengths = spans(pairs, column)
        _check(int(lengths.sum()), len(table.columns) + 1)
        out = table.take(np.arange(table.rows).repeat(lengths))
        out.columns[name] = ends(pairs[ranges(low, lengths)])
        return out

    def _cross(self, triple: Triple, path: Path, table: Table) -> Table:
        """Return the rows joined with a pattern that shares nothing with them."""
        pairs = self._pairs(path)
        if triple.subject == triple.object:
            pairs = pairs[starts(pairs) == ends(pairs)]
        if table.rows * len(pairs) > _MOST_IN_PRODUCT and table.rows > 1:
            raise Unsupported("a product")
        _check(table.rows * len(pairs), len(table.columns) + 2)
        out = table.take(np.repeat(np.arange(table.rows), len(pairs)))
        out.columns[triple.subject] = np.tile(starts(pairs), table.rows)
        out.columns[triple.object] = np.tile(ends(pairs), table.rows)
        return out

    def _pairs(self, path: Path) -> Pairs:
        """Return every pair of a path."""
        if path.op == "iri":
            return self._data.pairs(self._data.find(str(path.parts[0])))
        heads = self._heads(path)
        if heads is None:
            raise Unsupported("a path of any length, with both ends free")
        return self._follow(path, heads)

    def _heads(self, path: Path) -> Nodes | None:
        """Return the nodes with which a path may begin; None if it may have no step."""
        inner = [part for part in path.parts if isinstance(part, Path)]
        if path.op == "iri":
            return unique(starts(self._data.pairs(self._data.find(str(path.parts[0])))))
        if path.op == "^":
            if inner[0].op == "iri":
                term = self._data.find(str(inner[0].parts[0]))
                return unique(ends(self._data.pairs(term)))
            return self._heads(inner[0].inverted())
        if path.op in ("*", "?"):
            return None
        if path.op == "+":
            return self._heads(inner[0])
        found = [self._heads(part) for part in (inner if path.op == "|" else inner[:1])]
        known = [nodes for nodes in found if nodes is not None]
        return unique(np.concatenate(known)) if len(known) == len(found) else None

    def _extend_by_predicate(self, triple: Triple, name: str, table: Table) -> Table:
        """Return the rows joined with a pattern whose predicate is a bound variable."""
        if name in (triple.subject, triple.object):
            raise Unsupported("a variable that is predicate and more")
        column = self._end(name, table)
        if column is None:
            return self._extend_by_any(triple, name, table)
        tables = []
        for predicate in unique(column).tolist():
            path = Path("iri", (self._data.text(predicate),))
            part = table.take(column == predicate)
            tables.append(self._extend(Triple(triple.subject, path, triple.object), part))
        if not tables:
            names = [n for n in (triple.subject, triple.object) if n.startswith("?")]
            return Table(0, {**dict.fromkeys(names, _NONE), **table.columns})
        return joined(tables)

    def _extend_by_any(self, triple: Triple, name: str, table: Table) -> Table:
        """Return the rows joined with a pattern whose predicate is free and one end is not."""
        forward = self._end(triple.subject, table) is not None
        known = self._end(triple.subject if forward else triple.object, table)
        if known is None:
            raise Unsupported("a predicate that nothing gives")
        nodes = unique(known)
        tables = []
        for predicate in self._data.predicates():
            if len(self._data.step(predicate, nodes, inverse=not forward)):
                path = Path("iri", (self._data.text(predicate),))
                part = self._extend(Triple(triple.subject, path, triple.object), table)
                part.columns[name] = np.full(part.rows, predicate, np.int64)
                tables.append(part)
        if tables:
            return joined(tables)
        names = [n for n in (triple.subject, name, triple.object) if n.startswith("?")]
        return Table(0, {**dict.fromkeys([*names, *table.columns], _NONE)})

    # --- groups in groups ---

    def _optional(self, group: Group, table: Table) -> Table:
        row = f"#{next(self._names)}"
        outer = Table(table.rows, {**table.columns, row: np.arange(table.rows)})
        found = self.solve(group, outer)
        matched = np.zeros(table.rows, np.bool_)
        matched[found.columns[row]] = True
        out = joined([found, outer.take(~matched)])
        del out.columns[row]
        return out

    def _exists(self, group: Group, table: Table) -> NDArray[np.bool_]:
        inside = set().union(*map(_inside, group.elements))
        names = sorted(inside & set(table.columns))
        some, which, _ = table.distinct(names)
        row = f"#{next(self._names)}"
        some.columns[row] = np.arange(some.rows)
        found = self.solve(group, some)
        matched = np.zeros(some.rows, np.bool_)
        matched[found.columns[row]] = True
        return np.asarray(matched[which])

    def _bind(self, bind: Bind, table: Table) -> Table:
        if bind.variable in table.columns:
            raise Unsupported("BIND of a variable that is bound")
        expression = bind.expression
        if not isinstance(expression, str):
            column = self._values(expression, table)
        elif expression.startswith("?"):
            column = table.column(expression)
        else:
            column = np.full(table.rows, self._data.number(expression), np.int64)
        return Table(table.rows, {**table.columns, bind.variable: column})

    def _values(self, expression: Expression, table: Table) -> Nodes:
        """Return the number of the value of an expression for every row, unbound for an error."""
        some, which, _ = table.distinct(sorted(_variables(expression) or ()))
        out = np.empty(some.rows, np.int64)
        for n, row in enumerate(self._rows(some)):
            scalar = _value_of(expression, row)
            out[n] = UNBOUND if scalar is None else self._data.number(_term(scalar))
        return out[which]

    def _rows(self, table: Table) -> Iterator[dict[str, str]]:
        """Yield the terms of every row, without what is unbound."""
        columns = {name: column.tolist() for name, column in table.columns.items()}
        for n in range(table.rows):
            yield {
                name: self._data.text(column[n])
                for name, column in columns.items()
                if column[n] != UNBOUND
            }

    # --- filters ---

    def truth(self, expression: Expression, table: Table) -> Truth:
        """Return TRUE, FALSE or ERROR for every row.

        Spec: SPARQL 1.1 Query, 17.2
        """
        if isinstance(expression, Exists):
            return self._exists(expression.group, table).astype(np.int8)
        if isinstance(expression, Call):
            name, args = expression
            if name == "!":
                inner = self.truth(args[0], table)
                return np.asarray(np.where(inner == ERROR, ERROR, 1 - inner), np.int8)
            if name in ("&&", "||"):
                return self._connected(name, args, table)
            if name == "BOUND":
                return np.asarray(table.column(str(args[0])) != UNBOUND, np.int8)
            if name in _KINDS:
                simple = self._kind(args[0], _KINDS[name], table)
                if simple is not None:
                    return simple
            if name in ("=", "!=", "IN"):
                simple = self._equal(args[0], args[1:], table)
                if simple is not None:
                    return simple if name != "!=" else np.asarray(1 - simple, np.int8)
        return self._by_row(expression, table)

    def _connected(self, name: str, args: tuple[Expression, ...], table: Table) -> Truth:
        """Return the truth of && or ||; what is decided by the first is not asked of the second."""
        decided = FALSE if name == "&&" else TRUE
        out = self.truth(args[0], table)
        open_ = out != decided
        second = self.truth(args[1], table.take(open_)) if open_.any() else _NO_TRUTH
        first = out[open_]
        out[open_] = np.where(second == decided, decided, np.where(first == ERROR, ERROR, second))
        return out

    def _kind(self, arg: Expression, kind: int, table: Table) -> Truth | None:
        if not isinstance(arg, str) or not arg.startswith("?"):
            return None
        column = table.column(arg)
        found = (self._data.kinds[column] == kind).astype(np.int8)
        return np.where(column == UNBOUND, ERROR, found).astype(np.int8)

    def _equal(self, arg: Expression, others: Sequence[Expression], table: Table) -> Truth | None:
        """Return whether a term is one of some, where that takes no look into literals."""
        columns = []
        for one in (arg, *others):
            if not isinstance(one, str):
                return None
            columns.append(
                table.column(one)
                if one.startswith("?")
                else np.full(table.rows, self._data.number(one), np.int64)
            )
        kinds = self._data.kinds
        first = columns[0]
        if self._may_be_nan(first):
            return None
        for other in columns[1:]:
            both = (kinds[first] == LITERAL) & (kinds[other] == LITERAL) & (first != other)
            if (both | (first == UNBOUND) | (other == UNBOUND)).any():
                return None
        found = np.zeros(table.rows, np.bool_)
        for other in columns[1:]:
            found |= first == other
        return found.astype(np.int8)

    def _may_be_nan(self, column: Nodes) -> bool:
        """Return whether there are floating-point numbers among terms."""
        tails = np.flatnonzero(np.bincount(self._data.tails[column[column != UNBOUND]]))
        return any(self._data.tail(n) in _FLOATING for n in tails.tolist())

    def _by_row(self, expression: Expression, table: Table) -> Truth:
        """Return the truth for every row, asked once for all rows with the same bindings."""
        names = sorted(_variables(expression) or ())
        by = table
        if names and _looks_at_tails(expression):
            columns = {}
            for name in names:
                column = table.column(name)
                columns[name] = np.where(column == UNBOUND, UNBOUND, self._data.tails[column])
            by = Table(table.rows, columns)
        some, which, first = by.distinct(names)
        rows = Table(some.rows, {name: table.column(name)[first] for name in names})
        found = (_truth(_value_of(expression, row)) for row in self._rows(rows))
        return np.asarray(np.fromiter(found, np.int8)[which])


_FLOATING: Final = (f'"^^<{XSD}double>', f'"^^<{XSD}float>')


def _has_ways(path: Path) -> bool:
    """Return whether a path may lead to one node by several ways that count apart."""
    parts = [part for part in path.parts if isinstance(part, Path)]
    return path.op in ("/", "|") or (path.op == "^" and any(map(_has_ways, parts)))


def _looks_at_tails(expression: Expression) -> bool:
    """Return whether an expression depends on kinds, languages and datatypes of terms alone."""
    if isinstance(expression, Call):
        if expression.name in _OF_TAILS:
            return all(isinstance(arg, str) for arg in expression.args)
        return all(map(_looks_at_tails, expression.args))
    return isinstance(expression, str) and not expression.startswith("?")


_OF_TAILS: Final = frozenset(("LANG", "DATATYPE", "ISIRI", "ISURI", "ISBLANK", "ISLITERAL"))
_NONE: Final = np.empty(0, np.int64)
_NO_TRUTH: Final = np.empty(0, np.int8)
_KINDS: Final = {"ISIRI": IRI, "ISURI": IRI, "ISBLANK": BLANK, "ISLITERAL": LITERAL}


def _is_bound(table: Table, name: str) -> bool:
    column = table.columns.get(name)
    return column is not None and not (column == UNBOUND).any()


def _variables(expression: Expression) -> set[str] | None:
    """Return the variables of an expression; None if it has EXISTS."""
    if isinstance(expression, Exists):
        return None
    if isinstance(expression, Call):
        out: set[str] = set()
        for arg in expression.args:
            found = _variables(arg)
            if found is None:
                return None
            out |= found
        return out
    return {expression} if expression.startswith("?") else set()


# --- values -----------------------------------------------------------------------------------

Scalar = str | Literal | None
"""An IRI or blank node as N-Triples text, a literal, or None for an error."""


def _text(lexical: str) -> Literal:
    return Literal(lexical, f"{XSD}string", "")


def _term(scalar: str | Literal) -> str:
    """Return a term as N-Triples writes it."""
    if not isinstance(scalar, Literal):
        return scalar
    if scalar.language:
        return f"{quoted(scalar.lexical)}@{scalar.language}"
    if scalar.datatype == f"{XSD}string":
        return quoted(scalar.lexical)
    return f"{quoted(scalar.lexical)}^^<{scalar.datatype}>"


def _boolean(truth: bool | None) -> Scalar:
    return None if truth is None else Literal("true" if truth else "false", f"{XSD}boolean", "")


def _truth(scalar: Scalar) -> int:
    """Return the effective boolean value.

    Spec: SPARQL 1.1 Query, 17.2.2
    """
    if not isinstance(scalar, Literal):
        return ERROR
    if scalar.datatype == f"{XSD}boolean":
        return TRUE if scalar.lexical in ("true", "1") else FALSE
    if scalar.language or scalar.datatype == f"{XSD}string":
        return TRUE if scalar.lexical else FALSE
    number = value(scalar)
    if number is not None and number[0] == "number":
        return FALSE if compare(scalar, Literal("0", f"{XSD}integer", "")) in (0, None) else TRUE
    if scalar.datatype.startswith(XSD) and not is_valid(scalar.lexical, scalar.datatype):
        return FALSE
    return ERROR


def _equals(a: Scalar, b: Scalar) -> bool | None:
    """Return whether two terms are equal; None for literals of which that cannot be told.

    Spec: SPARQL 1.1 Query, 17.3 and 17.4.1.7
    """
    if a is None or b is None:
        return None
    if not isinstance(a, Literal) or not isinstance(b, Literal):
        return a == b
    if a.language or b.language:
        return (a.lexical, a.language.lower()) == (b.lexical, b.language.lower())
    order = compare(a, b)
    if order is not None:
        return order == 0
    one, two = value(a), value(b)
    if a == b:
        return one is None or one[0] != "number"  # NaN equals nothing
    return False if one is not None and two is not None and one[0] != two[0] else None


def _value_of(expression: Expression, row: dict[str, str]) -> Scalar:
    if isinstance(expression, str):
        term = row.get(expression) if expression.startswith("?") else expression
        if term is None:
            return None
        return parse_literal(term) if term.startswith('"') else term
    if isinstance(expression, Exists):
        raise Unsupported("EXISTS in an expression")
    name, args = expression
    if name == "BOUND":
        return _boolean(str(args[0]) in row)
    if name in ("&&", "||"):
        one, two = (_truth(_value_of(arg, row)) for arg in args)
        decided = FALSE if name == "&&" else TRUE
        if decided in (one, two):
            return _boolean(decided == TRUE)
        return None if ERROR in (one, two) else _boolean(decided == FALSE)
    values = [_value_of(arg, row) for arg in args]
    if name == "IN":
        found = [_equals(values[0], other) for other in values[1:]]
        return _boolean(True if True in found else None if None in found else False)
    if name == "COALESCE":
        return next((v for v in values if v is not None), None)
    if name == "IF":
        truth = _truth(values[0])
        return None if truth == ERROR else values[1 if truth == TRUE else 2]
    if any(v is None for v in values):
        return None
    function = _SCALAR[name] if name in _SCALAR else _BASIC[name]
    try:
        return function(*values)
    except (TypeError, ValueError, AttributeError):
        return None


def _string(scalar: Scalar) -> str:
    """Return the text of a string literal.

    Raises:
        TypeError: it is none.
    """
    if isinstance(scalar, Literal) and (scalar.language or scalar.datatype == f"{XSD}string"):
        return scalar.lexical
    raise TypeError


def _compatible(a: Scalar, b: Scalar) -> tuple[str, str]:
    """Return two texts that SPARQL compares.

    Raises:
        TypeError: the second has another language.
    """
    one, two = _string(a), _string(b)
    assert isinstance(a, Literal)
    assert isinstance(b, Literal)
    if b.language and a.language != b.language:
        raise TypeError
    return one, two


def _str(scalar: Scalar) -> Scalar:
    if isinstance(scalar, Literal):
        return _text(scalar.lexical)
    return _text(scalar[1:-1]) if scalar and scalar.startswith("<") else None


def _language(scalar: Scalar) -> Scalar:
    return _text(scalar.language) if isinstance(scalar, Literal) else None


def _datatype(scalar: Scalar) -> Scalar:
    return f"<{scalar.datatype}>" if isinstance(scalar, Literal) else None


def _part(a: Scalar, b: Scalar, *, after: bool) -> Scalar:
    one, two = _compatible(a, b)
    assert isinstance(a, Literal)
    if not two:
        return a._replace(lexical=one if after else "")
    before, found, rest = one.partition(two)
    return a._replace(lexical=rest if after else before) if found else _text("")


def _cased(scalar: Scalar, change: Callable[[str], str]) -> Scalar:
    text = _string(scalar)
    assert isinstance(scalar, Literal)
    return scalar._replace(lexical=change(text))


def _concatenated(*scalars: Scalar) -> Scalar:
    text = "".join(map(_string, scalars))
    languages = {s.language for s in scalars if isinstance(s, Literal)}
    if len(languages) == 1 and "" not in languages:
        return Literal(text, f"{RDF}langString", languages.pop())
    return _text(text)


def _regex(text: Scalar, pattern: Scalar, flags: Scalar = None) -> Scalar:
    try:
        test = matcher(_string(pattern), _string(flags) if flags is not None else "")
    except re.error as e:
        raise Unsupported(f"a regular expression: {e}") from None
    if test is None:
        raise Unsupported("a regular expression")
    return _boolean(test(_string(text)))


def _matches(tag: Scalar, wanted: Scalar) -> Scalar:
    language, one = _string(tag).lower(), _string(wanted).lower()
    if one == "*":
        return _boolean(bool(language))
    return _boolean(language == one or language.startswith(f"{one}-"))


def _ordered(allowed: tuple[int, ...]) -> Callable[[Scalar, Scalar], Scalar]:
    def of(a: Scalar, b: Scalar) -> Scalar:
        if not isinstance(a, Literal) or not isinstance(b, Literal):
            return None
        order = compare(a, b)
        return None if order is None else _boolean(order in allowed)

    return of


def _arithmetic(sign: str) -> Callable[[Scalar, Scalar], Scalar]:
    def of(a: Scalar, b: Scalar) -> Scalar:
        if not isinstance(a, Literal) or not isinstance(b, Literal):
            return None
        kinds = {_numeric(a), _numeric(b)}
        if not kinds <= {"integer", "decimal"}:
            return _floating(sign, a, b, "double" if "double" in kinds else "float")
        x, y = Fraction(a.lexical), Fraction(b.lexical)
        found = x + y if sign == "+" else x - y if sign == "-" else x * y
        if kinds == {"integer"}:
            return Literal(str(int(found)), f"{XSD}integer", "")
        return Literal(_decimal(found), f"{XSD}decimal", "")

    return of


def _decimal(number: Fraction) -> str:
    """Return a number that has an end in decimals, in canonical form."""
    digits = 0
    while (number * 10**digits).denominator != 1:
        digits += 1
    whole = str(abs(int(number * 10**digits))).rjust(digits + 1, "0")
    text = f"{whole[:-digits]}.{whole[-digits:]}" if digits else whole
    return f"-{text}" if number < 0 else text


def _floating(sign: str, a: Literal, b: Literal, kind: str) -> Scalar:
    x, y = (float(one.lexical.replace("INF", "inf").replace("NaN", "nan")) for one in (a, b))
    found = x + y if sign == "+" else x - y if sign == "-" else x * y
    text = repr(found).replace("inf", "INF").replace("nan", "NaN")
    return Literal(text, f"{XSD}{kind}", "")


def _numeric(literal: Literal) -> str:
    """Return the type to which a number is promoted.

    Raises:
        TypeError: it is no number.
    """
    number = value(literal)
    if number is None or number[0] != "number":
        raise TypeError
    name = literal.datatype.removeprefix(XSD)
    return name if name in ("decimal", "double", "float") else "integer"


def _is_numeric(scalar: Scalar) -> Scalar:
    number = value(scalar) if isinstance(scalar, Literal) else None
    return _boolean(number is not None and number[0] == "number")


_BASIC: Final[dict[str, Callable[..., Scalar]]] = {
    "!": lambda v: None if _truth(v) == ERROR else _boolean(_truth(v) == FALSE),
    "=": lambda a, b: _boolean(_equals(a, b)),
    "!=": lambda a, b: None if _equals(a, b) is None else _boolean(not _equals(a, b)),
    "ISIRI": lambda v: _boolean(isinstance(v, str) and v.startswith("<")),
    "ISURI": lambda v: _boolean(isinstance(v, str) and v.startswith("<")),
    "ISBLANK": lambda v: _boolean(isinstance(v, str) and v.startswith("_")),
    "ISLITERAL": lambda v: _boolean(isinstance(v, Literal)),
}
_SCALAR: Final[dict[str, Callable[..., Scalar]]] = {
    "<": _ordered((-1,)),
    ">": _ordered((1,)),
    "<=": _ordered((-1, 0)),
    ">=": _ordered((0, 1)),
    "+": _arithmetic("+"),
    "-": _arithmetic("-"),
    "*": _arithmetic("*"),
    "STR": _str,
    "LANG": _language,
    "DATATYPE": _datatype,
    "LANGMATCHES": _matches,
    "SAMETERM": lambda a, b: _boolean(a == b),
    "ISNUMERIC": _is_numeric,
    "STRLEN": lambda v: Literal(str(len(_string(v))), f"{XSD}integer", ""),
    "STRSTARTS": lambda a, b: _boolean(_compatible(a, b)[0].startswith(_string(b))),
    "STRENDS": lambda a, b: _boolean(_compatible(a, b)[0].endswith(_string(b))),
    "CONTAINS": lambda a, b: _boolean(_string(b) in _compatible(a, b)[0]),
    "STRAFTER": lambda a, b: _part(a, b, after=True),
    "STRBEFORE": lambda a, b: _part(a, b, after=False),
    "LCASE": lambda v: _cased(v, str.lower),
    "UCASE": lambda v: _cased(v, str.upper),
    "CONCAT": _concatenated,
    "REGEX": _regex,
    "COALESCE": lambda *v: None,
    "IF": lambda *v: None,
}
"""The functions of which every distinct row is asked. COALESCE and IF look at errors themselves."""
