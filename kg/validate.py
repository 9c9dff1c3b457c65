"""Checking of quads against SHACL shapes, and reports that lead to the line of the facts file.

The shapes see the union of all graphs, the ontology included. pyshacl is the engine; Oxigraph
answers the SPARQL constraints that are plain queries. A result tells the severity: only a
violation blocks a release, a warning or an information is printed.

    shapes = load_shapes(data_shapes())
    report = validate(dataset, shapes, origins=quads.origins)
    if report.blocks: …

Spec: SHACL (W3C Recommendation, 20 July 2017), Core and SHACL-SPARQL; docs/reference/shapes.md;
docs/decisions/0007-validation.md
"""

from __future__ import annotations

import json
import logging
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kg.errors import ConfigError, FactError, KgError, raise_all
from kg.resources import folder
from kg.vocab import CH, SHAPES

if TYPE_CHECKING:
    from rdflib import Graph

_engine_log = logging.getLogger(f"{__name__}.pyshacl")

SH: Final = "http://www.w3.org/ns/shacl#"
DC: Final = "http://purl.org/dc/elements/1.1/"
WHOLE_GRAPH: Final = CH.removesuffix("#")
"""The focus node of the constraints that range over the whole graph: the ontology. They run once
and name the offending nodes as values."""

ONTOLOGY_LINT: Final = "ontology-lint.ttl"
"""The shapes that check the ontology itself and not the data."""

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XSD_STRING: Final = "http://www.w3.org/2001/XMLSchema#string"
_SEVERITIES: Final = ("Violation", "Warning", "Info")
_SHOWN: Final = 5
_STEPS: Final = 6
_SHORT: Final = (
    (SHAPES, ""),
    (SH, "sh:"),
    (CH, "ch:"),
    ("http://www.w3.org/2000/01/rdf-schema#", "rdfs:"),
    ("http://www.w3.org/2004/02/skos/core#", "skos:"),
    ("http://www.w3.org/2002/07/owl#", "owl:"),
    ("http://www.w3.org/ns/prov#", "prov:"),
    ("http://purl.org/dc/terms/", "dcterms:"),
    ("https://schema.org/", "schema:"),
    (_RDF, "rdf:"),
)
_MADE_FOR: Final = frozenset(CH + name for name in ("assesses", "links", "linkSubject"))
_IRI_IN_TEXT: Final = re.compile(r"https?://[^\s<>\"'`,;]*[^\s<>\"'`,;.:]")
_DATA_IRI: Final = re.compile(r"^[^<>\"]*/id/([a-z]+/[^/]+)$")


class ShapesError(ConfigError):
    """The shapes are not well formed, so that nothing can be said of the data."""


@dataclass(frozen=True)
class Result:
    """One validation result.

    IRIs stand as they are, literals in their N-Triples form (they begin with a quotation mark),
    blank nodes as `_:b0`; a path that is not one property is a SPARQL 1.1 property path. `value`,
    `path`, `constraint` (the SPARQL constraint) and `origin` (`file:line`) may be empty.
    """

    focus: str
    path: str
    value: str
    severity: str
    component: str
    shape: str
    constraint: str
    message: str
    origin: str


@dataclass(frozen=True)
class Report:
    """The results of one validation, sorted; equal data and shapes give equal reports.

    `conforms` is that of the standard: there is no result of any severity. `blocks` says whether
    there is a violation, which is what keeps data from being published.
    """

    results: tuple[Result, ...]

    @property
    def conforms(self) -> bool:
        """Return whether there are no results at all."""
        return not self.results

    @property
    def blocks(self) -> bool:
        """Return whether there is a result that is no mere warning or information."""
        return any(r.severity not in (SH + "Warning", SH + "Info") for r in self.results)

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of results by severity: Violation, Warning, Info, then others."""
        out = dict.fromkeys(_SEVERITIES, 0)
        for result in self.results:
            name = result.severity.removeprefix(SH)
            out[name] = out.get(name, 0) + 1
        return out

    def to_turtle(self) -> str:
        """Return the `sh:ValidationReport` as Turtle; equal reports give equal bytes."""
        out = [
            f"@prefix sh: <{SH}> .\n@prefix dc: <{DC}> .\n\n[] a sh:ValidationReport ;\n"
            f"    sh:conforms {'true' if self.conforms else 'false'}"
        ]
        for r in self.results:
            lines = ["a sh:ValidationResult", f"sh:focusNode {_turtle(r.focus)}"]
            if r.path:
                lines.append(f"sh:resultPath {_turtle_path(r.path)}")
            if r.value:
                lines.append(f"sh:value {_turtle(r.value)}")
            lines.append(f"sh:resultSeverity {_turtle(r.severity)}")
            lines.append(f"sh:sourceConstraintComponent {_turtle(r.component)}")
            if r.constraint:
                lines.append(f"sh:sourceConstraint {_turtle(r.constraint)}")
            lines.append(f"sh:sourceShape {_turtle(r.shape)}")
            if r.message:
                lines.append(f"sh:resultMessage {_quoted(r.message)}")
            if r.origin:
                lines.append(f"dc:source {_quoted(r.origin)}")
            inner = " ;\n        ".join(lines)
            out.append(f" ;\n    sh:result [\n        {inner}\n    ]")
        return "".join([*out, " .\n"])

    def to_json(self) -> str:
        """Return the report as JSON text: `conforms`, `blocks`, `counts` and `results`."""
        value = {
            "conforms": self.conforms,
            "blocks": self.blocks,
            "counts": self.counts,
            "results": [vars(r) for r in self.results],
        }
        return json.dumps(value, ensure_ascii=False, indent=2) + "\n"

    def to_table(self) -> str:
        """Return the report for people: grouped by shape, with the first examples of each."""
        if not self.results:
            return "Conforms: no results.\n"
        counts = ", ".join(_many(n, name) for name, n in self.counts.items() if n)
        verdict = "Does not conform" if self.blocks else "Conforms, nothing blocks"
        out = [f"{verdict}: {counts}.\n"]
        groups: dict[tuple[str, str, str, str], list[Result]] = {}
        for r in self.results:
            # A message with values in it differs by result; then it is told with each of them.
            groups.setdefault((r.severity, r.shape, r.component, r.constraint), []).append(r)
        for (severity, shape, component, _), results in groups.items():
            kind = _short(component).removeprefix("sh:").removesuffix("ConstraintComponent")
            head = f"{_short(severity).removeprefix('sh:')}  {_short(shape)}  ({kind})"
            out.append(f"\n{head}  {_many(len(results), 'result')}\n")
            messages = {r.message for r in results}
            common = messages.pop() if len(messages) == 1 else ""
            if common:
                out.append(f"  {_shorten(common)}\n")
            for r in results[:_SHOWN]:
                out.append(f"    {r.origin or '(no line)'}  {_subject(r)}\n")
                if not common and r.message:
                    out.append(f"      {_shorten(r.message)}\n")
            if len(results) > _SHOWN:
                out.append(
                    f"    and {len(results) - _SHOWN} more, in the JSON and Turtle reports\n"
                )
        return "".join(out)


@dataclass(frozen=True, eq=False)
class Shapes:
    """A shapes graph, loaded once and used for any number of validations.

    With `reference`, pyshacl and rdflib do everything, slowly, on the shapes as they stand; a test
    holds the faster way to that.
    """

    graph: Graph
    reference: bool = False
    _queries: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _read: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def flat(self) -> Graph:
        """Return the shapes graph with targets moved from node shapes to property shapes.

        The results are the same: `sh:property` says that the values of a target conform to a
        property shape, and so does a target of it. But pyshacl sets up each constraint again for
        every focus node of a node shape, and only once for all targets of a property shape.
        """
        return _flatten(self.graph)


def data_shapes() -> list[Path]:
    """Return the paths of the built-in shapes for data, sorted.

    Raises:
        ResourceError: the folder of shapes is missing.
    """
    return sorted(p for p in folder("shapes").glob("*.ttl") if p.name != ONTOLOGY_LINT)


def load_shapes(paths: Iterable[Path], *, check: bool = False) -> Shapes:
    """Return the shapes of some RDF files together.

    Args:
        paths: files in Turtle, TriG, N-Triples, N-Quads, RDF/XML or JSON-LD, told by their suffix.
        check: also hold the shapes against the shapes of shapes, which takes seconds; without it
            only what keeps the engine from running is found, by `validate`.
    Raises:
        ConfigError: a file cannot be read, or its suffix tells no format.
        ShapesError: a file is no RDF, or the shapes break the rules for shapes.
    Spec: SHACL, appendix C (SHACL Shapes to Validate Shapes Graphs).
    """
    import rdflib

    graph = rdflib.Graph(bind_namespaces="none")
    for number, path in enumerate(paths):
        for triple in _Terms(f"s{number}-").triples(_parse_file(path, ShapesError)):
            graph.add(triple)
    shapes = Shapes(graph)
    if check:
        _check_shapes(shapes)
    return shapes


def validate(
    lines: Iterable[str], shapes: Shapes, *, origins: Mapping[str, str] | None = None
) -> Report:
    """Return the report on the union of the graphs.

    Args:
        lines: N-Quads or N-Triples, each with its line feed; a `Dataset` is one.
        shapes: from `load_shapes`.
        origins: the `file:line` of every node that stands for a record. A result about a node
            without one (a span, a time …) gets that of the nearest node that refers to it.
    Raises:
        FactError: a line is no N-Quads, or holds an RDF 1.2 triple term.
        ShapesError: the shapes are ill-formed.
    """
    import pyoxigraph as ox

    data = _Data()
    text = "".join(lines).encode()
    try:
        with _without_tracebacks():
            data.add(ox.parse(text, format=ox.RdfFormat.N_QUADS), "")
    except SyntaxError as e:
        raise FactError("the data is not N-Quads", seen=str(e)) from None
    return _run(data, shapes, origins or {})


def validate_files(data: Iterable[Path], shapes: Shapes) -> Report:
    """Return the report on the union of the graphs of some RDF files.

    Args:
        data: files in Turtle, TriG, N-Triples, N-Quads, RDF/XML or JSON-LD, told by their suffix.
        shapes: from `load_shapes`.
    Raises:
        ConfigError: a file cannot be read, or its suffix tells no format.
        FactError: a file is not what its suffix says, or holds an RDF 1.2 triple term.
        KgErrors: several of these.
        ShapesError: the shapes are ill-formed.
    """
    union = _Data()
    errors: list[KgError] = []
    with _without_tracebacks():
        for number, path in enumerate(data):
            try:
                union.add(_parse_file(path, FactError), f"d{number}-")
            except (ConfigError, FactError) as e:
                errors.append(e)
    raise_all(errors)
    return _run(union, shapes, {})


# --- reading ----------------------------------------------------------------------------------


def _parse_file(path: Path, error: type[KgError]) -> Iterator[Any]:
    """Yield the quads of a file.

    Raises:
        ConfigError: the file cannot be read, or its suffix tells no format.
        KgError: the file is not what its suffix says; an `error`.
    """
    import pyoxigraph as ox

    suffix = path.suffix.removeprefix(".")
    rdf_format = ox.RdfFormat.from_extension(suffix)
    if rdf_format is None:
        raise ConfigError(
            "the name of the file tells no RDF format",
            where=str(path),
            expected="a name that ends in .ttl, .trig, .nt, .nq, .rdf or .jsonld",
        )
    try:
        content = path.read_bytes()
    except OSError as e:
        raise ConfigError("the file cannot be read", where=str(path), seen=str(e)) from None
    base = path.resolve().as_uri()
    try:
        yield from ox.parse(content, format=rdf_format, base_iri=base)
    except SyntaxError as e:
        raise error(f"the file is no {rdf_format.name}", where=str(path), seen=str(e)) from None


class _Terms:
    """Turns pyoxigraph's terms into rdflib's; blank nodes are named in the order of the file.

    Terms stay as they were written: `2.50` stays `2.50`, which rdflib would normalise.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._known: dict[Any, Any] = {}
        self._blank = 0

    def triples(self, quads: Iterable[Any]) -> Iterator[tuple[Any, Any, Any]]:
        """Yield the triples of quads, whatever their graphs.

        Raises:
            FactError: a triple term of RDF 1.2.
        """
        for quad in quads:
            yield self(quad.subject), self(quad.predicate), self(quad.object)

    def __call__(self, term: Any) -> Any:
        """Return the rdflib term.

        Raises:
            FactError: a triple term of RDF 1.2.
        """
        known = self._known.get(term)
        if known is None:
            known = self._known[term] = self._new(term)
        return known

    def _new(self, term: Any) -> Any:
        import pyoxigraph as ox
        from rdflib import BNode, Literal, URIRef

        if isinstance(term, ox.NamedNode):
            return URIRef(term.value)
        if isinstance(term, ox.Literal):
            if term.language:
                return Literal(term.value, lang=term.language)
            datatype = term.datatype.value
            if datatype == _XSD_STRING:
                return Literal(term.value)
            return Literal(term.value, datatype=URIRef(datatype), normalize=False)
        if isinstance(term, ox.BlankNode):
            self._blank += 1
            return BNode(f"{self._mark}b{self._blank - 1}")
        raise FactError(
            "a triple term of RDF 1.2, which SHACL cannot check",
            seen=str(term),
            expected="RDF 1.1",
        )


class _Data:
    """The union of the graphs that are validated: for rdflib, and for Oxigraph where that helps."""

    def __init__(self) -> None:
        self._triples: list[tuple[Any, Any, Any]] = []
        self._quads: list[Any] = []
        self._terms: list[_Terms] = []

    def add(self, quads: Iterable[Any], mark: str) -> None:
        """Add the triples of quads.

        Args:
            mark: begins the names of blank nodes: those of two files are never the same.
        Raises:
            FactError: a triple term of RDF 1.2.
        """
        import pyoxigraph as ox

        terms = _Terms(mark)
        for quad in quads:
            s, p, o = quad.subject, quad.predicate, quad.object
            self._triples.append((terms(s), terms(p), terms(o)))
            self._quads.append(ox.Quad(s, p, o))
        self._terms.append(terms)

    @cached_property
    def store(self) -> Any:
        """Return a pyoxigraph.Store with the triples, or None if it does not keep them as they are.

        Oxigraph rewrites some literals when it loads them (`2.50`, xsd:int …): then it cannot
        answer for them. Nor can it where several files have blank nodes of their own.
        """
        import pyoxigraph as ox

        if len(self._terms) > 1 and any(t._blank for t in self._terms):
            return None
        store = ox.Store()
        store.bulk_extend(self._quads)
        return store if set(store) == set(self._quads) else None

    def graph(self, shapes: Shapes) -> Graph:
        """Return the triples as a graph of rdflib, with a faster `query`."""
        import rdflib

        data, reference, queries = self, shapes.reference, shapes._queries

        class Union(rdflib.Graph):
            def query(self, query_object: Any, *args: Any, **kwargs: Any) -> Any:
                """Return the answer of Oxigraph to a plain query, else that of rdflib.

                pyshacl hands over the text of a constraint for every focus node in every run;
                rdflib takes longer to parse it than to answer it, so it is parsed once.
                """
                from rdflib.plugins.sparql import prepareQuery

                if isinstance(query_object, str):
                    text = query_object
                    if not reference and _is_plain(text) and data.store is not None:
                        return data.answer(text)
                    if text not in queries:
                        queries[text] = prepareQuery(text)
                    query_object = queries[text]
                return super().query(query_object, *args, **kwargs)

        graph = Union(bind_namespaces="none")
        for triple in self._triples:
            graph.add(triple)
        return graph

    def answer(self, text: str) -> Any:
        """Return Oxigraph's answer to a SELECT query as rdflib's result.

        Raises:
            ShapesError: the text is no SPARQL.
        """
        from rdflib import Variable
        from rdflib.query import Result as Answer

        terms = self._terms[0] if self._terms else _Terms("")
        try:
            found = self.store.query(text)
        except SyntaxError as e:
            raise ShapesError("a SPARQL constraint is not SPARQL", seen=str(e)) from None
        names = [v.value for v in found.variables]
        out = Answer("SELECT")
        out.vars = [Variable(name) for name in names]
        out.bindings = [
            {Variable(n): terms(row[n]) for n in names if row[n] is not None} for row in found
        ]
        return out


_PREBOUND: Final = re.compile(r"[?$](?:this|PATH|shapesGraph|currentShape)\b")
_SELECT: Final = re.compile(
    r"^(?:\s*PREFIX\s+[\w-]*:\s*<[^>]*>)*\s*SELECT\s+(?:DISTINCT\s+)?[$]this(?=\s)", re.IGNORECASE
)


def _is_plain(text: str) -> bool:
    """Return whether a query only projects `$this`: what is pre-bound does not change its answer.

    >>> _is_plain("SELECT $this ?value WHERE { ?value ?p ?value }")
    True
    >>> _is_plain("SELECT $this ?value WHERE { $this ?p ?value }")
    False
    """
    head = _SELECT.match(text)
    return head is not None and not _PREBOUND.search(text, head.end())


# --- running ----------------------------------------------------------------------------------


def _check_shapes(shapes: Shapes) -> None:
    """Return nothing if the shapes keep the rules for shapes.

    Raises:
        ShapesError: they do not; the first results are told.
    """
    from pyshacl.entrypoints import meta_validate

    conforms, report, _ = meta_validate(shapes.graph, inference="none")
    if conforms:
        return
    found = [
        f"{_short(r.focus)} {_short(r.path)}: {r.message}".strip()
        for r in _results(report, shapes.graph, {})
    ]
    more = f" (and {len(found) - _SHOWN} more)" if len(found) > _SHOWN else ""
    raise ShapesError("the shapes are ill-formed", seen="; ".join(found[:_SHOWN]) + more)


def _flatten(shapes: Graph) -> Graph:
    """Return the shapes with the targets of node shapes moved to their property shapes."""
    import rdflib
    from rdflib import RDF, RDFS, Literal, URIRef

    def sh(name: str) -> URIRef:
        return URIRef(SH + name)

    nested = set(shapes.objects(None, sh("node")))
    for name in ("not", "qualifiedValueShape"):
        nested.update(shapes.objects(None, sh(name)))
    for name in ("and", "or", "xone"):
        for members in shapes.objects(None, sh(name)):
            nested.update(shapes.items(members))
    targets = [sh("target" + n) for n in ("Class", "Node", "SubjectsOf", "ObjectsOf")]
    out = rdflib.Graph(bind_namespaces="none")
    for triple in shapes:
        out.add(triple)
    for node, shape in shapes.subject_objects(sh("property")):
        of_node = [(t, o) for t in targets for o in shapes.objects(node, t)]
        if (
            not of_node
            or node in nested
            or (node, RDF.type, RDFS.Class) in shapes
            or (node, sh("path"), None) in shapes
            or (node, sh("deactivated"), Literal(True)) in shapes
        ):
            continue
        for target, value in of_node:
            out.add((shape, target, value))
        out.remove((node, sh("property"), shape))
    return out


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


def _run(data: _Data, shapes: Shapes, origins: Mapping[str, str]) -> Report:
    from pyparsing import ParseBaseException
    from pyshacl import Validator
    from pyshacl.errors import ConstraintLoadWarning, ReportableRuntimeError
    from pyshacl.graph_abstraction import DataGraph

    _engine_log.setLevel(logging.WARNING)  # below it pyshacl tells every step
    options = {"inference": "none", "inplace": True, "logger": _engine_log}
    graph = data.graph(shapes)
    try:
        validator = Validator(
            DataGraph.from_rdflib(graph),
            shacl_graph=shapes.graph if shapes.reference else shapes.flat,
            options=options,
        )
        # pyshacl reads the shapes once for each validator; they are the same every time.
        validator.shacl_graph = shapes._read.setdefault("shapes", validator.shacl_graph)
        with _without_tracebacks():
            _, report, _ = validator.run()  # type: ignore[no-untyped-call]  # pyshacl
    except (ReportableRuntimeError, ConstraintLoadWarning) as e:
        text = str(e).split("\nFor reference", maxsplit=1)[0]
        raise ShapesError("the shapes are ill-formed", seen=text) from None
    except ParseBaseException as e:
        raise ShapesError("a SPARQL constraint is not SPARQL", seen=str(e)) from None
    except re.error as e:
        raise ShapesError(
            "a pattern is no regular expression", seen=f"{e.pattern!r}: {e}"
        ) from None
    return Report(tuple(_results(report, graph, origins)))


def _results(report: Graph, graph: Graph, origins: Mapping[str, str]) -> list[Result]:
    """Return the results of a report graph, sorted."""
    from rdflib import Literal, URIRef

    find = _Origins(graph, origins)
    out: set[Result] = set()
    for node in report.objects(None, URIRef(SH + "result")):

        def one(name: str, node: Any = node) -> Any:
            return report.value(node, URIRef(SH + name))

        messages = sorted(
            (m for m in report.objects(node, URIRef(SH + "resultMessage"))),
            key=lambda m: (getattr(m, "language", "") not in (None, "en"), str(m)),
        )
        english = [m for m in messages if isinstance(m, Literal) and m.language in (None, "en")]
        focus, value, path = one("focusNode"), one("value"), one("resultPath")
        out.add(
            Result(
                focus=_text(focus),
                path=_path(report, path) if path is not None else "",
                value=_text(value),
                severity=_text(one("resultSeverity")),
                component=_text(one("sourceConstraintComponent")),
                shape=_text(one("sourceShape")),
                constraint=_text(one("sourceConstraint")),
                message=" ".join(str(m) for m in english or messages),
                origin=find(value if str(focus) == WHOLE_GRAPH else focus),
            )
        )

    def order(r: Result) -> tuple[object, ...]:
        name = r.severity.removeprefix(SH)
        rank = _SEVERITIES.index(name) if name in _SEVERITIES else -1
        return (rank, r.shape, r.component, r.constraint, r.focus, r.path, r.value, r.message)

    return sorted(out, key=order)


class _Origins:
    """Finds the line of the record that a node comes from."""

    def __init__(self, graph: Graph, origins: Mapping[str, str]) -> None:
        self._graph = graph
        self._origins = origins
        self._found: dict[Any, str] = {}

    def __call__(self, node: Any) -> str:
        """Return the origin of the nearest node: itself, what refers to it, what it refers to."""
        if node is None or not self._origins:
            return ""
        if node not in self._found:
            self._found[node] = self._walk(node, back=True) or self._walk(node, back=False)
        return self._found[node]

    def _walk(self, start: Any, *, back: bool) -> str:
        seen = {start}
        queue = deque([(start, 0)])
        while queue:
            node, steps = queue.popleft()
            origin = self._origins.get(str(node))
            if origin:
                return origin
            if steps == _STEPS:
                continue
            for other in self._next(node, back=back):
                if other not in seen:
                    seen.add(other)
                    queue.append((other, steps + 1))
        return ""

    def _next(self, node: Any, *, back: bool) -> list[Any]:
        """Return the neighbours of a node, what it is made for first, then by their IRIs."""
        if back:
            return sorted(set(self._graph.subjects(None, node)), key=str)
        pairs = sorted(
            (str(p) not in _MADE_FOR, str(o), o) for p, o in self._graph.predicate_objects(node)
        )
        return [o for _, _, o in pairs]


# --- writing ----------------------------------------------------------------------------------


def _text(node: Any) -> str:
    from rdflib import BNode, Literal

    if node is None:
        return ""
    if isinstance(node, BNode):
        return f"_:{node}"
    if isinstance(node, Literal):
        text = _quoted(str(node))
        if node.language:
            return f"{text}@{node.language}"
        return f"{text}^^<{node.datatype}>" if node.datatype else text
    return str(node)


_PATH_SUFFIXES: Final = {"zeroOrMorePath": "*", "oneOrMorePath": "+", "zeroOrOnePath": "?"}


def _path(graph: Graph, node: Any) -> str:
    """Return an IRI as it is, any other path as a SPARQL 1.1 property path with full IRIs."""
    from rdflib import URIRef

    def inner(node: Any) -> str:
        if isinstance(node, URIRef):
            return f"<{node}>"
        if (node, URIRef(_RDF + "first"), None) in graph:
            return "(" + "/".join(inner(n) for n in graph.items(node)) + ")"
        for _, p, o in graph.triples((node, None, None)):
            name = str(p).removeprefix(SH)
            if name == "inversePath":
                return f"^{inner(o)}"
            if name == "alternativePath":
                return "(" + "|".join(inner(n) for n in graph.items(o)) + ")"
            if name in _PATH_SUFFIXES:
                return inner(o) + _PATH_SUFFIXES[name]
        return ""

    return str(node) if isinstance(node, URIRef) else inner(node)


_STEP: Final = re.compile(r"<[^>]*>|[()^/|*+?]")


def _turtle_path(path: str) -> str:
    """Return a path as Turtle, from the text that `_path` gives."""
    if not path.startswith(("<", "^", "(")):
        return _turtle(path)
    tokens = _STEP.findall(path)
    words = {s: f"sh:{name}" for name, s in _PATH_SUFFIXES.items()}

    def element() -> str:
        token = tokens.pop(0)
        if token == "^":
            out = f"[ sh:inversePath {element()} ]"
        elif token == "(":
            parts, kind = [element()], ""
            while (token := tokens.pop(0)) != ")":
                kind = token
                parts.append(element())
            out = "( " + " ".join(parts) + " )"
            if kind == "|":
                out = f"[ sh:alternativePath {out} ]"
        else:
            out = token
        while tokens and tokens[0] in words:
            out = f"[ {words[tokens.pop(0)]} {out} ]"
        return out

    return element()


def _turtle(text: str) -> str:
    """Return a term of a result as Turtle."""
    if text.startswith(('"', "_:")):
        return text
    if text.startswith(SH) and text[len(SH) :].isalpha():
        return f"sh:{text[len(SH) :]}"
    return f"<{text}>"


_ESCAPED: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _quoted(text: str) -> str:
    escaped = "".join(
        _ESCAPED.get(c) or (f"\\u{ord(c):04X}" if c < " " or c == "\x7f" else c) for c in text
    )
    return f'"{escaped}"'


def _many(count: int, noun: str) -> str:
    noun = noun.lower()
    return f"{count} {noun if count == 1 or noun == 'info' else noun + 's'}"


def _short(text: str) -> str:
    """Return an IRI in the short form in which people know it."""
    for namespace, prefix in _SHORT:
        if text.startswith(namespace):
            return prefix + text[len(namespace) :]
    match = _DATA_IRI.match(text)
    return match[1] if match else text


def _shorten(message: str) -> str:
    """Return a message with its IRIs in short form."""
    return _IRI_IN_TEXT.sub(lambda match: _short(match[0]), message)


def _subject(result: Result) -> str:
    """Return focus node, path and value in one line, short."""
    if result.focus == WHOLE_GRAPH:
        parts = [_short(result.value), _short(result.path)]
    else:
        value = "" if result.value == result.focus else _short(result.value)
        parts = [_short(result.focus), _short(result.path), f"= {value}" if value else ""]
    return "  ".join(part for part in parts if part)


def shape_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files of shapes that are meant by files and folders, in the order given.

    A folder stands for its `*.ttl` files, without the shapes that check the ontology.
    """
    out: list[Path] = []
    for path in paths:
        if path.is_dir():
            out += sorted(p for p in path.glob("*.ttl") if p.name != ONTOLOGY_LINT)
        else:
            out.append(path)
    return out
