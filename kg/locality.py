"""Which shapes look at a record's own quads only, so that records can be validated apart.

A record's own quads are those with its node as subject. A shape is local if what it says of a focus
node depends on the focus node's own quads, on the terms in them, and on the tree of subclasses, and
on nothing else. Then a graph may be cut between its subjects, each part be validated by itself, on
any machine, with the subclass triples beside it, and the results together are those of the whole.
What is not local is left to a second pass over the whole graph.

Spec: docs/reference/validation.md, "In parts"
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from kg.evaluate import Unit
from kg.shacl import Constraint, Qualified, Shape, Sparql, short
from kg.solve import is_supported
from kg.sparql import Path, Query

_OF_TERMS: Final = frozenset(
    (
        "Datatype",
        "NodeKind",
        "MinExclusive",
        "MinInclusive",
        "MaxExclusive",
        "MaxInclusive",
        "MinLength",
        "MaxLength",
        "Pattern",
        "LanguageIn",
        "In",
    )
)
"""Components that look at the value itself."""
_OF_FOCUS: Final = frozenset(
    (
        "MinCount",
        "MaxCount",
        "UniqueLang",
        "HasValue",
        "Equals",
        "Disjoint",
        "LessThan",
        "LessThanOrEquals",
    )
)
"""Components that look at the values of the focus node together, or at another property of it."""


class Place(NamedTuple):
    """Whether a shape is local where it is reached, and if not, why. `within` leads there."""

    unit: Unit
    shape: str
    within: str
    reason: str

    @property
    def local(self) -> bool:
        """Return whether it is."""
        return not self.reason


def places(tops: Iterable[Unit]) -> list[Place]:
    """Return every shape that is evaluated, in the order of evaluation.

    Args:
        tops: the shapes with targets, `Shapes.units`.
    """
    out = []
    for top in tops:
        for unit in top.every():
            trail, one = [], unit.outer
            while one is not None:
                trail.append(short(one.shape.node))
                one = one.outer
            within = " / ".join(reversed(trail))
            out.append(Place(unit, short(unit.shape.node), within, _reason(unit)))
    return out


def _reason(unit: Unit) -> str:
    """Return why a unit is not local; empty if it is."""
    shape = unit.shape
    constraints = [c for c in shape.constraints if c.name != "Property"]
    plain = all(isinstance(c.value, Sparql) and c.value.query.is_plain() for c in constraints)
    one: Unit | None = unit
    while one is not None:
        if one is not unit and one.shape.path is not None:
            return f"it is about the values of {short(one.shape.node)}, which are other nodes"
        for kind, term in one.shape.targets:
            if plain and constraints:
                if kind != "Node":
                    return "its query is asked for focus nodes that other parts have too"
                continue
            if kind == "ObjectsOf":
                return f"its focus nodes are the objects of {short(term)}: the quads of others"
            if kind == "Node":
                return f"its focus node {short(term)} is in one part only"
        one = one.outer
    if shape.path is not None and not _is_step(shape.path):
        return f"its path {shape.path} leads through other nodes"
    for constraint in constraints:
        reason = _of_constraint(shape, constraint)
        if reason:
            return reason
    return ""


def _is_step(path: Path) -> bool:
    """Return whether a path leads from the focus node along one of its own quads."""
    parts = [part for part in path.parts if isinstance(part, Path)]
    return path.op == "iri" or (path.op == "|" and all(map(_is_step, parts)))


def _of_constraint(shape: Shape, constraint: Constraint) -> str:
    name, arg = constraint.name, constraint.value
    if name in _OF_TERMS or name in _OF_FOCUS:
        return ""
    if isinstance(arg, Sparql):
        return _of_query(arg.query)
    if name == "Custom":
        return "its component is a query of the shapes graph"
    if name == "Class":
        return "" if shape.path is None else f"the type of a value ({short(str(arg))}) is elsewhere"
    if name == "Closed":
        return "" if shape.path is None else "the quads of a value are elsewhere"
    inner: tuple[Shape, ...]
    if isinstance(arg, Qualified):
        inner = (arg.shape, *arg.siblings)
    elif isinstance(arg, Shape):
        inner = (arg,)
    else:
        assert isinstance(arg, tuple)
        inner = arg
    for one in inner:
        reason = _of_inner(one, same=shape.path is None)
        if reason:
            return f"{short(one.node)}: {reason}"
    return ""


def _of_inner(shape: Shape, *, same: bool) -> str:
    """Return why a shape inside another is not local.

    Args:
        shape: what the values have to conform to.
        same: the value is the focus node itself.
    """
    if same:
        if shape.path is not None and not _is_step(shape.path):
            return f"its path {shape.path} leads through other nodes"
        for constraint in shape.constraints:
            if constraint.name == "Property":
                assert isinstance(constraint.value, Shape)
                reason = _of_inner(constraint.value, same=shape.path is None)
            elif isinstance(constraint.value, Sparql):
                reason = "it has a query"
            else:
                reason = _of_constraint(shape, constraint)
            if reason:
                return reason
        return ""
    if shape.path is not None:
        return "it looks at the quads of a value"
    for constraint in shape.constraints:
        name, arg = constraint.name, constraint.value
        if name in _OF_TERMS or name == "HasValue":
            continue
        if name in ("Not", "And", "Or", "Xone", "Node"):
            for one in arg if isinstance(arg, tuple) else (arg,):
                assert isinstance(one, Shape)
                reason = _of_inner(one, same=False)
                if reason:
                    return reason
            continue
        return "it looks at the quads of a value"
    return ""


def _of_query(query: Query) -> str:
    """Return why a query is not local: it looks at the quads of other nodes than one."""
    if not is_supported(query):
        return "its query is more than patterns and filters"
    centre = "?value" if query.is_plain() else "?this"
    for triple in query.triples:
        if triple.subject != centre:
            return f"its query looks at the quads of {triple.subject}"
        if isinstance(triple.predicate, Path) and not _is_step(triple.predicate):
            return f"its query follows {triple.predicate}"
    if query.is_plain() and not any(triple.subject == centre for triple in query.group.triples()):
        return "its query may have solutions that rest on no quad"
    return ""
