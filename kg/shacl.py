"""Shapes graphs as SHACL defines them: targets, paths and constraints, read once and checked.

A shape is what a graph says of a node; nothing here looks at data. What the rules for shapes forbid
is a `ShapesError`: a validator that guessed would report on shapes that nobody wrote.

Spec: SHACL (W3C Recommendation, 20 July 2017), sections 2 to 6
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, NamedTuple

from kg.errors import QueryError, ShapesError
from kg.literals import RDF, XSD, Literal, is_known, is_valid, parse_literal
from kg.sparql import Path, Query

SH: Final = "http://www.w3.org/ns/shacl#"
RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
VIOLATION: Final = SH + "Violation"

Term = str
"""A term as N-Triples writes it: `<iri>`, `"text"@en`, `_:b0`."""


def sh(name: str) -> Term:
    """Return a term of SHACL's namespace."""
    return f"<{SH}{name}>"


_A: Final = f"<{RDF}type>"
_IMPORTS: Final = "<http://www.w3.org/2002/07/owl#imports>"
_FIRST, _REST, _NIL = (f"<{RDF}{n}>" for n in ("first", "rest", "nil"))
_SUBCLASS: Final = f"<{RDFS}subClassOf>"
_TRUE: Final = f'"true"^^<{XSD}boolean>'
_FALSE: Final = f'"false"^^<{XSD}boolean>'


class Graph:
    """A small graph of terms as text: the values of a subject and predicate, in order."""

    def __init__(self, triples: Iterable[tuple[Term, Term, Term]] = ()) -> None:
        self._values: dict[Term, dict[Term, list[Term]]] = {}
        self._subjects: dict[Term, dict[Term, list[Term]]] = {}
        for s, p, o in triples:
            self.add(s, p, o)

    def add(self, s: Term, p: Term, o: Term) -> None:
        """Add a triple; one that is there stays once."""
        values = self._values.setdefault(s, {}).setdefault(p, [])
        if o not in values:
            values.append(o)
            self._subjects.setdefault(p, {}).setdefault(o, []).append(s)

    def values(self, s: Term, p: Term) -> list[Term]:
        """Return the objects of a subject and predicate."""
        return self._values.get(s, {}).get(p, [])

    def subjects(self, p: Term, o: Term | None = None) -> list[Term]:
        """Return the subjects that have the predicate (and the object), each once."""
        by_object = self._subjects.get(p, {})
        if o is not None:
            return by_object.get(o, [])
        return list(dict.fromkeys(s for found in by_object.values() for s in found))

    def objects(self, p: Term) -> list[Term]:
        """Return the objects of a predicate, each once."""
        return list(self._subjects.get(p, {}))

    def predicates(self, s: Term) -> list[Term]:
        """Return the predicates of a subject."""
        return list(self._values.get(s, {}))

    def parent(self, o: Term, but: Container[Term] = ()) -> tuple[Term, Term] | None:
        """Return subject and predicate of the first triple with an object, but for predicates."""
        for p, by_object in self._subjects.items():
            if o in by_object and p not in but:
                return by_object[o][0], p
        return None

    def triples(self) -> Iterator[tuple[Term, Term, Term]]:
        """Yield every triple."""
        for s, of_subject in self._values.items():
            for p, values in of_subject.items():
                for o in values:
                    yield s, p, o

    def is_a(self, node: Term, cls: Term) -> bool:
        """Return whether a node is an instance of a class or of a subclass."""
        seen, queue = set[Term](), list(self.values(node, _A))
        while queue:
            one = queue.pop()
            if one == cls:
                return True
            if one not in seen:
                seen.add(one)
                queue += self.values(one, _SUBCLASS)
        return False


# --- shapes -----------------------------------------------------------------------------------

_UNARY: Final = (
    ("inversePath", "^"),
    ("zeroOrMorePath", "*"),
    ("oneOrMorePath", "+"),
    ("zeroOrOnePath", "?"),
)
_DEEPEST: Final = 64
_MOST_STEPS: Final = 8


@dataclass(frozen=True, eq=False)
class Constraint:
    """One constraint of a shape.

    `name` is the component without the words of SHACL around it (`MinCount`), or `SPARQL`, or
    `Custom`; `component` its IRI. `value` is what the component takes: a term, number, literal,
    list of terms, shape or list of shapes; see `_COMPONENTS`.
    """

    name: str
    component: str
    value: object = None
    node: Term = ""


@dataclass(eq=False)
class Shape:
    """A shape: where it applies, what is looked at, and what must hold."""

    node: Term
    path: Path | None
    severity: str = VIOLATION
    messages: tuple[Literal, ...] = ()
    deactivated: bool = False
    targets: tuple[tuple[str, Term], ...] = ()
    """Kind (`Class`, `Node`, `SubjectsOf`, `ObjectsOf`) and term."""
    constraints: list[Constraint] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Shape({self.node})"


class Pattern(NamedTuple):
    """`sh:pattern` with `sh:flags`."""

    pattern: str
    flags: str


class Qualified(NamedTuple):
    """`sh:qualifiedValueShape`: how many values conform to it, and to none of the siblings."""

    number: int
    shape: Shape
    siblings: tuple[Shape, ...]


class Sparql(NamedTuple):
    """A SPARQL-based constraint: its query with prefixes, and what it says of itself."""

    query: Query
    messages: tuple[Literal, ...]
    deactivated: bool


class Component(NamedTuple):
    """A constraint component that the shapes graph defines, with the values of a shape.

    `ask` says whether the query asks of each value whether it conforms; else it selects results.
    """

    query: Query
    ask: bool
    parameters: tuple[tuple[str, Term], ...]
    messages: tuple[Literal, ...]


NODE_KINDS: Final = (
    "BlankNode",
    "IRI",
    "Literal",
    "BlankNodeOrIRI",
    "BlankNodeOrLiteral",
    "IRIOrLiteral",
)
_TARGETS: Final = ("Class", "Node", "SubjectsOf", "ObjectsOf")
_SHAPE_LISTS: Final = ("and", "or", "xone")
# fmt: off
_TERMS: Final = frozenset((
    "alternativePath", "and", "annotationProperty", "annotationValue", "annotationVarName",
    "ask", "class", "closed", "conforms", "construct", "datatype", "deactivated", "declare",
    "defaultValue", "description", "detail", "disjoint", "editor", "entailment", "equals",
    "flags", "focusNode", "group", "hasValue", "ignoredProperties", "in", "inversePath",
    "labelTemplate", "languageIn", "lessThan", "lessThanOrEquals", "maxCount", "maxExclusive",
    "maxInclusive", "maxLength", "message", "minCount", "minExclusive", "minInclusive",
    "minLength", "name", "namespace", "node", "nodeKind", "nodeValidator", "not",
    "oneOrMorePath", "optional", "or", "order", "parameter", "path", "pattern", "prefix",
    "prefixes", "property", "propertyValidator", "qualifiedMaxCount", "qualifiedMinCount",
    "qualifiedValueShape", "qualifiedValueShapesDisjoint", "result", "resultMessage",
    "resultPath", "resultSeverity", "select", "severity", "shapesGraph", "shapesGraphWellFormed",
    "sourceConstraint", "sourceConstraintComponent", "sourceShape", "sparql",
    "suggestedShapesGraph", "targetClass", "targetNode", "targetObjectsOf", "targetSubjectsOf",
    "uniqueLang", "validator", "value", "viewer", "xone", "zeroOrMorePath", "zeroOrOnePath",
))
_ADVANCED: Final = frozenset((
    "condition", "count", "desc", "distinct", "else", "exists", "expression", "filterShape",
    "groupConcat", "if", "intersection", "js", "jsFunctionName", "jsLibrary", "jsLibraryURL",
    "limit", "max", "min", "minus", "nodes", "object", "offset", "orderBy", "predicate",
    "resultAnnotation", "returnType", "rule", "sortBy", "subject", "sum", "target", "then",
    "union", "update", "values",
))
# fmt: on
_SEVERITIES: Final = tuple(map(sh, ("Violation", "Warning", "Info")))
# fmt: off
_PARAMETERS: Final = (
    "class", "datatype", "nodeKind", "minCount", "maxCount", "minExclusive", "minInclusive",
    "maxExclusive", "maxInclusive", "minLength", "maxLength", "pattern", "languageIn",
    "uniqueLang", "equals", "disjoint", "lessThan", "lessThanOrEquals", "not", "and", "or",
    "xone", "node", "property", "qualifiedValueShape", "closed", "hasValue", "in", "sparql",
)
_REPEATED: Final = (
    "class", "equals", "disjoint", "lessThan", "lessThanOrEquals", "not", "and", "or", "xone",
    "node", "property", "hasValue", "sparql",
)
# fmt: on
_NEED: Final = (
    (
        ("qualifiedMinCount", "qualifiedMaxCount", "qualifiedValueShapesDisjoint"),
        ("qualifiedValueShape",),
    ),
    (("qualifiedValueShape",), ("qualifiedMinCount", "qualifiedMaxCount")),
    (("flags",), ("pattern",)),
    (("ignoredProperties",), ("closed",)),
)
"""Parameters, and those of which one has to stand beside each."""
_NO_USE: Final = (_A, _SUBCLASS, f"<{RDFS}isDefinedBy>", f"<{RDFS}seeAlso>")
_ON_PROPERTIES: Final = ("minCount", "maxCount", "uniqueLang", "lessThan", "lessThanOrEquals")


def _name(parameter: str) -> str:
    return parameter[0].upper() + parameter[1:]


class Reader:
    """Reads the shapes of a graph.

    What breaks a rule for shapes is kept in `errors`, each once, and the reading goes on.

    Args:
        graph: the shapes graph.
        file_of: returns the file that describes a node, or nothing.
    Spec: SHACL, section 2.1
    """

    def __init__(self, graph: Graph, file_of: Callable[[Term], str] = lambda _: "") -> None:
        self.graph = graph
        self._errors: dict[str, ShapesError] = {}
        self._file_of = file_of
        self._shapes: dict[Term, Shape] = {}
        self._depth = 0
        self._custom: list[tuple[Term, list[tuple[Term, bool]]]] = []
        self._without_validator: list[Term] = []
        self._ways: dict[Term, tuple[Term, tuple[str, ...]]] = {}
        with self.noting():
            self._custom = self._components()

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Keep a `ShapesError` in `errors` instead of raising it."""
        try:
            yield
        except ShapesError as e:
            self._errors.setdefault(str(e), e)

    @property
    def errors(self) -> list[ShapesError]:
        """Return what breaks rules, in the order of reading."""
        return list(self._errors.values())

    def shapes(self) -> list[Shape]:
        """Return the shapes that have targets, in the order of their names."""
        for regime in self.graph.objects(sh("entailment")):
            with self.noting():
                raise self._wrong(
                    "no entailment regime is supported",
                    self.graph.subjects(sh("entailment"), regime)[0],
                    f"sh:entailment {short(regime)}",
                )
        nodes = {s for t in _TARGETS for s in self.graph.subjects(sh("target" + t))}
        for kind in ("NodeShape", "PropertyShape"):
            classes = self._subclasses(sh(kind))
            nodes |= {
                s
                for cls in classes
                for s in self.graph.subjects(_A, cls)
                if self.graph.is_a(s, f"<{RDFS}Class>")
            }
        out = []
        for node in sorted(nodes):
            with self.noting():
                out.append(self.shape(node))
        return out

    def read_typed(self) -> None:
        """Read also the shapes that nothing refers to, if they are called shapes."""
        for kind in ("NodeShape", "PropertyShape"):
            for cls in sorted(self._subclasses(sh(kind))):
                for node in sorted(self.graph.subjects(_A, cls)):
                    with self.noting():
                        self.shape(node)

    def every(self) -> list[Shape]:
        """Return the shapes that were read: those with targets, and all that they refer to."""
        return [self._shapes[node] for node in sorted(self._shapes)]

    def warnings(self) -> list[str]:
        """Return what stands in the graph without effect, each with its place, sorted.

        Terms that SHACL does not know, or only its Advanced Features; parameters without the one
        that they belong to; shapes that nothing applies; what is imported and not there.
        """
        found = [
            (s, f"owl:imports {short(o)}, which is not followed: give its file as shapes, too")
            for o in self.graph.objects(_IMPORTS)
            for s in self.graph.subjects(_IMPORTS, o)
            if not self.graph.predicates(o)
        ]
        for s, p, o in self.graph.triples():
            if p.startswith(f"<{SH}"):
                name = p[len(SH) + 1 : -1]
                if name in _ADVANCED:
                    found.append((s, f"sh:{name}, of SHACL Advanced Features"))
                elif name not in _TERMS:
                    found.append((s, f"sh:{name}, which SHACL does not know{_similar(name)}"))
                elif name == "severity" and o.startswith(f"<{SH}") and o not in _SEVERITIES:
                    found.append((s, f"the severity {short(o)}, which SHACL does not know"))
                elif name == "datatype" and not is_known(o[1:-1]):
                    found.append((s, f"the datatype {short(o)}, which XML Schema does not know"))
        found += (
            (node, "a constraint component without a validator")
            for node in self._without_validator
            if not node.startswith(f"<{SH}")
        )
        for shape in self.every():
            found += ((shape.node, what) for what in self._idle(shape))
        return sorted({f"{self.where(s)}: {what}" for s, what in found})

    def _idle(self, shape: Shape) -> Iterator[str]:
        """Yield what a shape says without effect."""
        node = shape.node
        if shape.deactivated:
            return
        own = (p for p in self.graph.predicates(node) if p.startswith(f"<{SH}"))
        has = {p[len(SH) + 1 : -1] for p in own}
        own_use = {p for _, parameters in self._custom for p, _ in parameters}
        for names, needed in _NEED:
            for name in names:
                if name in has and not has & set(needed) and sh(name) not in own_use:
                    yield f"sh:{name} has no effect without sh:{' or sh:'.join(needed)}"
        counts = {c.name: c.value for c in shape.constraints if c.name in ("MinCount", "MaxCount")}
        least, most = counts.get("MinCount", 0), counts.get("MaxCount")
        if isinstance(least, int) and isinstance(most, int) and least > most:
            yield f"sh:minCount {least} with sh:maxCount {most}, which no node fulfils"
        if not shape.targets and not self._is_used(node):
            hint = ": a class is a target if it is an rdfs:Class"
            owl = self.graph.is_a(node, "<http://www.w3.org/2002/07/owl#Class>")
            yield f"no target, and no shape refers to it{hint if owl else ''}"

    def _is_used(self, node: Term) -> bool:
        """Return whether a shape is of use without a target: something refers to it."""
        return self.graph.parent(node, _NO_USE) is not None

    def shape(self, node: Term, of: Term = "") -> Shape:
        """Return the shape of a node; of one that breaks rules, what does not.

        Args:
            node: the shape.
            of: the shape that refers to it, for errors.
        Raises:
            ShapesError: there is nothing to return.
        """
        known = self._shapes.get(node)
        if known is not None:
            return known
        if node.startswith('"'):
            raise self._wrong("a literal is no shape", of or node, node)
        self._depth += 1
        try:
            if self._depth > _DEEPEST:
                raise self._wrong(f"shapes are nested more than {_DEEPEST} deep", node, node)
            return self._read_shape(node)
        finally:
            self._depth -= 1

    def _read_shape(self, node: Term) -> Shape:
        path = None
        with self.noting():
            path = self._path_of(node)
        shape = self._shapes[node] = Shape(node, path)
        with self.noting():
            severities = self.graph.values(node, sh("severity"))
            if len(severities) > 1 or any(not s.startswith("<") for s in severities):
                raise self._wrong("sh:severity is one IRI", node, ", ".join(severities))
            if severities:
                shape.severity = severities[0][1:-1]
        with self.noting():
            shape.messages = self._messages(node)
        with self.noting():
            shape.deactivated = self._flag(node, "deactivated")
        with self.noting():
            shape.targets = tuple(self._targets(node))
        node_shape = path is None and not self._is_property_shape(node)
        for name in _PARAMETERS:
            values = self.graph.values(node, sh(name))
            if not values:
                continue
            with self.noting():
                if node_shape and name in _ON_PROPERTIES:
                    raise self._wrong(f"sh:{name} is for property shapes", node, "no sh:path")
                shape.constraints += self._constraints(node, name, values)
        with self.noting():
            shape.constraints += self._custom_constraints(shape)
        return shape

    def _path_of(self, node: Term) -> Path | None:
        paths = self.graph.values(node, sh("path"))
        if len(paths) > 1:
            raise self._wrong("a property shape has one sh:path", node, ", ".join(paths))
        if not paths and self._is_property_shape(node):
            raise self._wrong("a property shape has no sh:path", node, "none", "one sh:path")
        if paths and self.graph.is_a(node, sh("NodeShape")):
            raise self._wrong("a node shape has no sh:path", node, paths[0], "a sh:PropertyShape")
        return self.path(paths[0], node) if paths else None

    def _is_property_shape(self, node: Term) -> bool:
        """Return whether a node is meant as a property shape, by its path, its class or its use."""
        return bool(
            self.graph.values(node, sh("path"))
            or self.graph.is_a(node, sh("PropertyShape"))
            or self.graph.subjects(sh("property"), node)
        )

    def _targets(self, node: Term) -> Iterator[tuple[str, Term]]:
        for kind in _TARGETS:
            for term in self.graph.values(node, sh("target" + kind)):
                if kind != "Node" and not term.startswith("<"):
                    raise self._wrong(f"sh:target{kind} is an IRI", node, term)
                if term.startswith("_"):
                    raise self._wrong("sh:targetNode is no blank node", node, term)
                yield kind, term
        if self.graph.is_a(node, f"<{RDFS}Class>") and (
            self.graph.is_a(node, sh("NodeShape")) or self.graph.is_a(node, sh("PropertyShape"))
        ):
            yield "Class", node

    def _subclasses(self, cls: Term) -> set[Term]:
        seen, queue = {cls}, [cls]
        while queue:
            for sub in self.graph.subjects(_SUBCLASS, queue.pop()):
                if sub not in seen:
                    seen.add(sub)
                    queue.append(sub)
        return seen

    # --- constraints ---

    def _constraints(self, node: Term, name: str, values: list[Term]) -> Iterator[Constraint]:
        if name in ("closed", "qualifiedValueShape", "pattern", "languageIn"):
            if name != "qualifiedValueShape" and len(values) > 1 and name != "pattern":
                raise self._wrong(f"sh:{name} is given once", node, ", ".join(values))
            yield from getattr(self, f"_{name}")(node, values)
            return
        single = name not in _REPEATED
        if single and len(values) > 1:
            raise self._wrong(f"sh:{name} is given once", node, ", ".join(values))
        for term in values:
            with self.noting():
                yield from self._constraint(node, name, term)

    def _constraint(self, node: Term, name: str, term: Term) -> Iterator[Constraint]:
        component = f"{SH}{_name(name)}ConstraintComponent"
        if name == "sparql":
            component = f"{SH}SPARQLConstraintComponent"
            query = self._sparql(term, node)
            if not query.deactivated:
                yield Constraint("SPARQL", component, query, term)
            return
        if name == "property":
            component = f"{SH}PropertyShapeComponent"
        value: object = term
        if name in ("class", "datatype", "equals", "disjoint", "lessThan", "lessThanOrEquals"):
            if not term.startswith("<"):
                raise self._wrong(f"sh:{name} is an IRI", node, term)
        elif name == "nodeKind":
            if term not in map(sh, NODE_KINDS):
                raise self._wrong("sh:nodeKind is one of six", node, term, ", ".join(NODE_KINDS))
            value = term[len(SH) + 1 : -1]
        elif name in ("minCount", "maxCount", "minLength", "maxLength"):
            value = self._integer(node, name, term)
        elif name.startswith(("min", "max")):
            if not term.startswith('"'):
                raise self._wrong(f"sh:{name} is a literal", node, term)
            value = parse_literal(term)
        elif name == "uniqueLang":
            if term == _FALSE:
                return
            if term != _TRUE:
                if not term.endswith("boolean>"):
                    raise self._wrong("sh:uniqueLang is true or false", node, term)
                return  # the standard's tests: only "true" switches it on
        elif name in _SHAPE_LISTS:
            value = tuple(self._members(term, node, name))
        elif name == "in":
            value = tuple(self.items(term, node, name))
        elif name in ("not", "node", "property"):
            value = self.shape(term, node)
            if name == "node" and value.path is not None:
                raise self._wrong("sh:node names node shapes", node, term, "no sh:path")
        yield Constraint(_name(name), component, value)

    def _members(self, head: Term, node: Term, name: str) -> Iterator[Shape]:
        for member in self.items(head, node, name):
            with self.noting():
                yield self.shape(member, node)

    def _pattern(self, node: Term, values: list[Term]) -> Iterator[Constraint]:
        flags = [self._string(node, "flags", v) for v in self.graph.values(node, sh("flags"))]
        if len(flags) > 1 or len(values) > 1:
            raise self._wrong("sh:pattern and sh:flags are given once", node, ", ".join(values))
        for term in values:
            value = Pattern(self._string(node, "pattern", term), flags[0] if flags else "")
            yield Constraint("Pattern", f"{SH}PatternConstraintComponent", value)

    def _languageIn(self, node: Term, values: list[Term]) -> Iterator[Constraint]:  # noqa: N802
        for term in values:
            tags = [
                self._string(node, "languageIn", item)
                for item in self.items(term, node, "languageIn")
            ]
            yield Constraint("LanguageIn", f"{SH}LanguageInConstraintComponent", tuple(tags))

    def _closed(self, node: Term, values: list[Term]) -> Iterator[Constraint]:
        if not values or values[0] == _FALSE:
            return
        if values[0] != _TRUE:
            raise self._wrong("sh:closed is true or false", node, values[0])
        ignored = self.graph.values(node, sh("ignoredProperties"))
        if len(ignored) > 1:
            raise self._wrong("sh:ignoredProperties is one list", node, ", ".join(ignored))
        allowed = {item for head in ignored for item in self.items(head, node, "ignoredProperties")}
        for shape in self.graph.values(node, sh("property")):
            allowed |= {p for p in self.graph.values(shape, sh("path")) if p.startswith("<")}
        yield Constraint("Closed", f"{SH}ClosedConstraintComponent", tuple(sorted(allowed)))

    def _qualifiedValueShape(self, node: Term, values: list[Term]) -> Iterator[Constraint]:  # noqa: N802
        if not values:
            return
        if len(values) > 1:
            raise self._wrong("sh:qualifiedValueShape is given once", node, ", ".join(values))
        shape = self.shape(values[0], node)
        siblings: dict[Term, Shape] = {}
        if self._flag(node, "qualifiedValueShapesDisjoint"):
            for parent in self.graph.subjects(sh("property"), node):
                for other in self.graph.values(parent, sh("property")):
                    for sibling in self.graph.values(other, sh("qualifiedValueShape")):
                        if sibling != values[0]:
                            siblings[sibling] = self.shape(sibling, other)
        for bound in ("qualifiedMinCount", "qualifiedMaxCount"):
            counts = self.graph.values(node, sh(bound))
            if len(counts) > 1:
                raise self._wrong(f"sh:{bound} is given once", node, ", ".join(counts))
            for term in counts:
                value = Qualified(self._integer(node, bound, term), shape, tuple(siblings.values()))
                yield Constraint(_name(bound), f"{SH}{_name(bound)}ConstraintComponent", value)

    # --- SPARQL ---

    def _sparql(self, node: Term, shape: Term) -> Sparql:
        queries = self.graph.values(node, sh("select"))
        if len(queries) != 1:
            raise self._wrong(
                "a SPARQL constraint has one sh:select", shape, ", ".join(queries) or "none"
            )
        text = self._string(node, "select", queries[0])
        return Sparql(
            self._query(node, text, shape), self._messages(node), self._flag(node, "deactivated")
        )

    def _query(self, node: Term, text: str, shape: Term) -> Query:
        try:
            return Query(self._prefixes(node) + text)
        except QueryError as e:
            raise self._wrong("a query is no SPARQL", shape, e.seen) from None

    def _prefixes(self, node: Term) -> str:
        """Return the PREFIX lines of sh:prefixes, also through owl:imports."""
        queue = list(self.graph.values(node, sh("prefixes")))
        seen: set[Term] = set()
        found: dict[str, str] = {}
        while queue:
            one = queue.pop(0)
            if one in seen:
                continue
            seen.add(one)
            queue += self.graph.values(one, _IMPORTS)
            for declaration in self.graph.values(one, sh("declare")):
                prefix = self.graph.values(declaration, sh("prefix"))
                namespace = self.graph.values(declaration, sh("namespace"))
                if len(prefix) != 1 or len(namespace) != 1:
                    raise self._wrong(
                        "sh:declare has one sh:prefix and one sh:namespace", one, declaration
                    )
                if not prefix[0].startswith('"') or not namespace[0].startswith('"'):
                    raise self._wrong(
                        "sh:prefix and sh:namespace are literals",
                        one,
                        f"{prefix[0]} {namespace[0]}",
                        'as in sh:prefix "ex" ; sh:namespace "http://x.example/"^^xsd:anyURI',
                    )
                name = parse_literal(prefix[0]).lexical
                iri = parse_literal(namespace[0]).lexical
                if found.setdefault(name, iri) != iri:
                    raise self._wrong(f"the prefix {name} has two namespaces", one, iri)
        return "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in sorted(found.items()))

    def _components(self) -> list[tuple[Term, list[tuple[Term, bool]]]]:
        """Return the components that the graph defines: parameters, and whether optional."""
        out = []
        nodes = {
            s
            for cls in self._subclasses(sh("ConstraintComponent"))
            for s in self.graph.subjects(_A, cls)
        }
        for node in sorted(nodes):
            parameters = []
            for parameter in self.graph.values(node, sh("parameter")):
                paths = self.graph.values(parameter, sh("path"))
                if len(paths) != 1 or not paths[0].startswith("<"):
                    raise self._wrong("a parameter has one sh:path, an IRI", node, str(paths))
                parameters.append((paths[0], self._flag(parameter, "optional")))
            if not parameters:
                raise self._wrong("a constraint component has parameters", node, "none")
            if any(
                self.graph.values(node, sh(v))
                for v in ("validator", "nodeValidator", "propertyValidator")
            ):
                out.append((node, parameters))
            else:
                self._without_validator.append(node)
        return out

    def _custom_constraints(self, shape: Shape) -> Iterator[Constraint]:
        node = shape.node
        for component, parameters in self._custom:
            values = {p: self.graph.values(node, p) for p, _ in parameters}
            if not any(values.values()) or any(
                not values[p] for p, optional in parameters if not optional
            ):
                continue
            own = "nodeValidator" if shape.path is None else "propertyValidator"
            validators = self.graph.values(component, sh(own)) or self.graph.values(
                component, sh("validator")
            )
            if not validators:
                continue
            several = [p for p in values if len(values[p]) > 1]
            if several and len(parameters) > 1:
                raise self._wrong(
                    f"{short(several[0])} is given once, for a component with several parameters",
                    node,
                    ", ".join(values[several[0]]),
                )
            for combination in _combinations(values):
                yield self._custom_constraint(component, validators[0], combination)

    def _custom_constraint(
        self, component: Term, validator: Term, values: Sequence[tuple[Term, Term]]
    ) -> Constraint:
        asks = self.graph.values(validator, sh("ask"))
        selects = self.graph.values(validator, sh("select"))
        if len(asks) + len(selects) != 1:
            raise self._wrong(
                "a validator has one sh:ask or one sh:select", component, str([*asks, *selects])
            )
        query = self._string(validator, "ask" if asks else "select", (*asks, *selects)[0])
        names = tuple((re.split("[#/]", p[1:-1])[-1], value) for p, value in values)
        messages = self._messages(validator) or self._messages(component)
        value = Component(self._query(validator, query, component), bool(asks), names, messages)
        return Constraint("Custom", component[1:-1], value, "")

    # --- terms ---

    def path(self, node: Term, of: Term = "", depth: int = 0) -> Path:
        """Return a property path.

        Args:
            node: the path.
            of: the shape whose it is, for errors.
            depth: how many paths are around it.
        Raises:
            ShapesError: it is none of SHACL's.
        Spec: SHACL, section 2.3.1
        """
        if depth > _DEEPEST:
            raise self._wrong("a path contains itself, or is too deep", node, node)
        if node.startswith("<") and node != _NIL:
            return Path("iri", (node,))
        if not node.startswith("_"):
            raise self._wrong("a path is an IRI or a blank node", of or node, node)
        if self.graph.values(node, _FIRST):
            parts = tuple(self.path(m, node, depth + 1) for m in self.items(node, node, "path"))
            if len(parts) < 2:
                raise self._wrong("a sequence path has two members or more", node, str(len(parts)))
            return Path("/", parts)
        heads = self.graph.values(node, sh("alternativePath"))
        if len(heads) == 1:
            parts = tuple(
                self.path(m, node, depth + 1) for m in self.items(heads[0], node, "alternativePath")
            )
            if len(parts) < 2:
                raise self._wrong(
                    "an alternative path has two members or more", node, str(len(parts))
                )
            return Path("|", parts)
        for name, op in _UNARY:
            inner = self.graph.values(node, sh(name))
            if len(inner) == 1:
                return Path(op, (self.path(inner[0], node, depth + 1),))
        raise self._wrong(
            "no path",
            node,
            ", ".join(map(short, self.graph.predicates(node))) or "a node without properties",
            "a list, or one of sh:alternativePath, sh:inversePath, sh:zeroOrMorePath, "
            "sh:oneOrMorePath, sh:zeroOrOnePath",
        )

    def items(self, head: Term, node: Term, name: str) -> list[Term]:
        """Return the members of an RDF list.

        Raises:
            ShapesError: it is no well-formed list.
        """
        out, seen = [], set[Term]()
        while head != _NIL:
            first, rest = self.graph.values(head, _FIRST), self.graph.values(head, _REST)
            if head in seen or len(first) != 1 or len(rest) != 1:
                raise self._wrong(f"sh:{name} is no list", node, head, "a list that ends")
            seen.add(head)
            out.append(first[0])
            head = rest[0]
        return out

    def _flag(self, node: Term, name: str) -> bool:
        values = self.graph.values(node, sh(name))
        if any(v not in (_TRUE, _FALSE) for v in values) or len(values) > 1:
            raise self._wrong(f"sh:{name} is true or false", node, ", ".join(values))
        return values == [_TRUE]

    def _integer(self, node: Term, name: str, term: Term) -> int:
        if term.startswith('"'):
            literal = parse_literal(term)
            if literal.datatype == XSD + "integer" and is_valid(*literal[:2]):
                return int(literal.lexical)
        raise self._wrong(f"sh:{name} is an xsd:integer", node, term)

    def _string(self, node: Term, name: str, term: Term) -> str:
        if term.startswith('"'):
            literal = parse_literal(term)
            if literal.datatype == XSD + "string":
                return literal.lexical
        raise self._wrong(f"sh:{name} is an xsd:string", node, term)

    def _messages(self, node: Term) -> tuple[Literal, ...]:
        out = []
        for term in self.graph.values(node, sh("message")):
            literal = parse_literal(term) if term.startswith('"') else None
            if literal is None or not (literal.language or literal.datatype == XSD + "string"):
                raise self._wrong("sh:message is a text", node, term)
            out.append(literal)
        return tuple(sorted(out, key=lambda m: (m.language not in ("", "en"), m.language, m)))

    def _wrong(self, what: str, node: Term, seen: str, expected: str = "") -> ShapesError:
        return ShapesError(
            f"the shapes are ill-formed: {what}",
            where=self.where(node),
            seen=seen,
            expected=expected,
        )

    def where(self, node: Term) -> str:
        """Return where a node is: its file, if that is known, and its name.

        A node without a name is told by the nearest that has one, and the way from there.
        """
        one, steps = self._way(node)
        name = "a node without a name" if one.startswith("_") else short(one)
        file = self._file_of(node) or self._file_of(one)
        return f"{file}: " * bool(file) + " / ".join([name, *steps[:_MOST_STEPS]])

    def _way(self, node: Term) -> tuple[Term, tuple[str, ...]]:
        """Return the nearest node with a name around a node, and the steps from there."""
        passed: list[tuple[Term, str]] = []
        one, seen = node, set[Term]()
        while one not in self._ways and one.startswith("_") and one not in seen:
            seen.add(one)
            parent = self.graph.parent(one)
            if parent is None:
                break
            paths = [short(p) for p in self.graph.values(one, sh("path")) if p.startswith("<")]
            step = "" if parent[1] in (_FIRST, _REST) else short(parent[1])
            if paths:
                step = f"{step or 'a member'} of {paths[0]}"
            passed.append((one, step))
            one = parent[0]
        top, steps = self._ways.get(one, (one, ()))
        for passed_by, step in reversed(passed):
            steps = (*steps, step)[:_MOST_STEPS] if step else steps
            self._ways[passed_by] = (top, steps)
        return top, steps


def _similar(name: str) -> str:
    """Return a question for a term that was perhaps meant."""
    known = {term.lower(): term for term in _TERMS}
    near = get_close_matches(name.lower(), known, 1, 0.8)
    return f"; did you mean sh:{known[near[0]]}?" if near else ""


def _combinations(values: dict[Term, list[Term]]) -> list[list[tuple[Term, Term]]]:
    out: list[list[tuple[Term, Term]]] = [[]]
    for p, terms in values.items():
        if terms:
            out = [[*one, (p, term)] for one in out for term in terms]
    return out


def short(term: Term) -> str:
    """Return a term for messages: SHACL's own with its prefix, other IRIs without brackets."""
    if term.startswith(f"<{SH}"):
        return "sh:" + term[len(SH) + 1 : -1]
    return term[1:-1] if term.startswith("<") else term
