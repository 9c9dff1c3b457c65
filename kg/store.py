"""Opens a finished release, and evaluates queries on its store.

`Release` is what the read side knows of a release without opening the store. `Store` is the open
store: it exists in query workers only, never in the web process, because the engine can neither be
interrupted nor kept from crashing.

Spec: SPARQL 1.1 Query Language; docs/decisions/0004-store.md
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar, cast, get_args

from kg.errors import QueryError, ReleaseError
from kg.vocab import COMMON, PREFIXES, RDF, XSD, Kind

if TYPE_CHECKING:
    import pyoxigraph

    from kg.manifest import Manifest

# A worker starts faster without what only the server needs: `kg.manifest` is imported where it is
# used.

_T = TypeVar("_T")
_ENDS: Final = re.compile(r"\A[ \t\n]+|[ \t\n]+\Z")
_NOT_XML: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_PEEK: Final = 1000
"""Triples that are looked at to see which prefixes an answer uses."""
_IMPLIED: Final = frozenset({f"{XSD}string", f"{RDF}langString", f"{XSD}boolean", f"{XSD}integer"})
"""Datatypes that Turtle need not name."""


@dataclass(frozen=True)
class Release:
    """A finished release: its folder and its manifest."""

    path: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        """Return the id of the release."""
        return self.manifest.id

    @property
    def base_iri(self) -> str:
        """Return what the IRIs of the data begin with."""
        return self.manifest.base_iri

    @property
    def store(self) -> Path:
        """Return the folder of the store."""
        from kg.manifest import QUADS

        return self.path / QUADS

    @cached_property
    def graphs(self) -> frozenset[str]:
        """Return the IRIs of the named graphs."""
        return frozenset(graph.iri for graph in self.manifest.graphs)

    @cached_property
    def prefixes(self) -> Mapping[str, str]:
        """Return the prefixes that a query may use without declaring them."""
        known = prefixes(self.base_iri)
        return {**COMMON, **known} if self.manifest.imported else known

    @property
    def disjoint(self) -> bool:
        """Return whether no triple stands in two graphs."""
        return self.manifest.quads == self.manifest.triples


def prefixes(base: str) -> dict[str, str]:
    """Return the prefixes that need no declaration, with their namespaces, in a fixed order.

    Args:
        base: what the IRIs of the data begin with, with a `/` at its end.

    >>> prefixes("https://example.org/")["agent"]
    'https://example.org/id/agent/'
    """
    known = {
        **PREFIXES,
        "sd": "http://www.w3.org/ns/sparql-service-description#",
        "void": "http://rdfs.org/ns/void#",
    }
    known.update({kind: f"{base}id/{kind}/" for kind in get_args(Kind)})
    known["doc"] = known["document"]
    return known


def open_release(path: Path) -> Release:
    """Return the release in the folder `path`; a symbolic link is followed once and for all.

    Raises:
        ReleaseError: there is no release, or it has no store.
    """
    from kg.manifest import read_manifest

    folder = path.resolve()
    release = Release(folder, read_manifest(folder))
    if not release.store.is_dir():
        raise ReleaseError(
            "the release has no store",
            where=str(release.store),
            hint="check the folder with `kg release verify`, or build the release again",
        )
    return release


def current_release(releases: Path) -> Path:
    """Return the folder of the release that is current, with the link resolved.

    Raises:
        ReleaseError: nothing has been published in the folder `releases`.
    """
    from kg.manifest import CURRENT

    link = releases / CURRENT
    if not link.is_dir():
        raise ReleaseError(
            "no release is published here",
            where=str(releases),
            hint="build one with `kg build --out DIR`",
        )
    return link.resolve()


class RowLimit:
    """The number of rows after which an answer is cut.

    Args:
        rows: how many there may be.
        link: where to find more; it stands in the head of an answer that is cut.
        tell: called with `rows` before anything of an answer that is cut is written.
    """

    def __init__(self, rows: int, link: str, tell: Callable[[int], None]) -> None:
        self._rows = rows
        self._tell = tell
        self.link = link
        self.reached = False

    def first(self, answer: Iterable[_T]) -> list[_T]:
        """Return the rows that there may be; says so if there are more."""
        found = list(islice(answer, self._rows + 1))
        self.reached = len(found) > self._rows
        if self.reached:
            self._tell(self._rows)
        return found[: self._rows]


class Store:
    """The store of a release, opened read-only. Only for processes that may be killed.

    Answers are written to a file object as they come. Without a dataset the default graph is the
    union of all named graphs, as a set of triples where the store holds that set as its default
    graph; otherwise the engine's union, in which a triple of two graphs stands twice.

    Args:
        path: the folder of the store.
        prefixes: those that queries may use without declaring them.
        disjoint: no triple stands in two graphs, so no union has to be made to keep them apart.
    Raises:
        OSError: the store cannot be opened.
    """

    def __init__(self, path: Path, prefixes: Mapping[str, str], *, disjoint: bool = False) -> None:
        import pyoxigraph as ox

        self._store = ox.Store.read_only(str(path))
        self._prefixes = dict(prefixes)
        self._written = [(name, f"{name}:", iri) for name, iri in prefixes.items()]
        self._disjoint = disjoint
        default = self._store.quads_for_pattern(None, None, None, ox.DefaultGraph())
        self._union = next(default, None) is None

    def probe(self) -> None:
        """Return if a small query on the store on disk can be answered.

        Raises:
            QueryError, OSError: it cannot.
        """
        try:
            for _ in cast("Iterable[Any]", self._store.query("SELECT * { ?s ?p ?o } LIMIT 1")):
                pass
        except (RuntimeError, ValueError) as error:
            raise QueryError(f"the query cannot be evaluated: {error}") from error

    @property
    def sorts_by_kind(self) -> bool:
        """Return whether what is asked is changed so that values of several kinds have an order.

        See `kg.web.order`.
        """
        return True

    def query(
        self,
        text: str,
        output: IO[bytes],
        media_type: str,
        default_graphs: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        limit: RowLimit | None = None,
    ) -> None:
        """Write the answer to a query.

        Args:
            text: a query that `kg.web.guard` let pass.
            output: takes the bytes.
            media_type: one of a kind of answer that the form of the query has.
            default_graphs, named_graphs: the dataset, or both None for all graphs.
            limit: where the answer is cut.
        Raises:
            SyntaxError: the query is not SPARQL; the message has line and column.
            QueryError: the evaluation failed.
            OSError: nothing more can be written, or the store cannot be read.
        """
        answer = self._evaluate(text, default_graphs, named_graphs)
        self._write(answer, output, media_type, limit)

    def asked(
        self,
        text: str,
        output: IO[bytes],
        media_type: str,
        default_graphs: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        limit: RowLimit | None = None,
    ) -> None:
        """Write the answer to a query that somebody asks of us, and no page of its own: as `query`.

        Args:
            text, output, media_type, default_graphs, named_graphs, limit: as for `query`.
        Raises:
            SyntaxError, QueryError, OSError: as for `query`.
        """
        self.query(text, output, media_type, default_graphs, named_graphs, limit)

    def _write(
        self, answer: Any, output: IO[bytes], media_type: str, limit: RowLimit | None
    ) -> None:
        """Write solutions, yes or no, or triples as they come."""
        import pyoxigraph as ox

        if not isinstance(answer, ox.QuerySolutions | ox.QueryBoolean):
            triples = answer if limit is None else limit.first(answer)
            self._serialize(triples, output, media_type)
            return
        results = ox.QueryResultsFormat.from_media_type(media_type)
        if results is None:
            raise QueryError("not a format of results", seen=media_type)
        try:
            if results == ox.QueryResultsFormat.XML:
                output = cast("IO[bytes]", _XmlText(output))
            if limit is None or isinstance(answer, ox.QueryBoolean):
                answer.serialize(output, results)
                return
            names = [variable.value for variable in answer.variables]
            rows = [{name: row[name] for name in names} for row in limit.first(answer)]
            link = limit.link if limit.reached else ""
            output.write(_RESULTS[results.media_type.partition(";")[0]](names, rows, link).encode())
        except (RuntimeError, ValueError) as error:
            raise QueryError(f"the query cannot be evaluated: {error}") from error

    def solutions(self, text: str) -> tuple[list[str], Iterable[Sequence[Any]]]:
        """Return the variables of a SELECT query over all graphs, and its solutions as they come.

        A solution has a term of the engine, or None, for each variable.

        Raises:
            SyntaxError: the query is not SPARQL.
            QueryError: the query is of another kind, or the evaluation failed.
            OSError: the store cannot be read.
        """
        import pyoxigraph as ox

        answer = self._evaluate(text, None, None)
        if not isinstance(answer, ox.QuerySolutions):
            raise QueryError("not a SELECT query")
        return [variable.value for variable in answer.variables], cast("Any", answer)

    def statements(self, text: str, output: IO[bytes], media_type: str) -> None:
        """Write what a query describes, sorted, each statement once.

        Args:
            text: CONSTRUCT or DESCRIBE, or SELECT with the variables s, p, o and perhaps g, whose
                solutions are statements, in the graph g.
            output: takes the bytes.
            media_type: one of RDF; those without named graphs leave g out.
        Raises:
            SyntaxError: the query is not SPARQL.
            QueryError: the query is of another kind, or a solution is no statement.
            OSError: nothing more can be written, or the store cannot be read.
        """
        import pyoxigraph as ox

        answer = self._evaluate(text, None, None)
        found: set[ox.Quad] = set()
        if isinstance(answer, ox.QueryBoolean):
            raise QueryError("an ASK query describes nothing")
        try:
            if isinstance(answer, ox.QueryTriples):
                found.update(ox.Quad(t.subject, t.predicate, t.object) for t in answer)
            else:
                graphs = any(variable.value == "g" for variable in answer.variables)
                for row in answer:
                    graph = row["g"] if graphs else None
                    found.add(ox.Quad(row["s"], row["p"], row["o"], graph or ox.DefaultGraph()))
        except (KeyError, TypeError) as error:
            raise QueryError(f"a solution is no statement: {error}") from error
        format_ = ox.RdfFormat.from_media_type(media_type)
        if format_ is not None and not format_.supports_datasets:
            found = {ox.Quad(one.subject, one.predicate, one.object) for one in found}
        ordered = sorted(found, key=lambda one: (str(one.graph_name), str(one)))
        self._serialize(ordered, output, media_type)

    def graph(self, iri: str | None, output: IO[bytes], media_type: str) -> None:
        """Write a whole graph.

        Args:
            iri: a named graph, or None for the default graph.
            output: takes the bytes.
            media_type: one of RDF; N-Quads and TriG name the graph.
        Raises:
            QueryError: there is no such format.
            OSError: nothing more can be written, or the store cannot be read.
        """
        if iri is None:
            self.query("CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }", output, media_type)
            return
        import pyoxigraph as ox

        graph = ox.NamedNode(iri)
        self._serialize(self._store.quads_for_pattern(None, None, None, graph), output, media_type)

    def convert(self, ntriples: str, output: IO[bytes], media_type: str) -> None:
        """Write N-Triples in another format.

        Raises:
            SyntaxError: the text is not N-Triples.
            QueryError: there is no such format.
            OSError: nothing more can be written.
        """
        import pyoxigraph as ox

        parsed = ox.parse(ntriples.encode(), format=ox.RdfFormat.N_TRIPLES)
        self._serialize(parsed, output, media_type)

    def _evaluate(
        self, text: str, default_graphs: Sequence[str] | None, named_graphs: Sequence[str] | None
    ) -> pyoxigraph.QuerySolutions | pyoxigraph.QueryBoolean | pyoxigraph.QueryTriples:
        """Return the engine's answer; most of the work is done when it is read."""
        import pyoxigraph as ox

        store = self._store
        options: dict[str, Any] = {}
        if default_graphs is None and named_graphs is None:
            if self._union:
                options["use_default_graph_as_union"] = True
        else:
            default: list[ox.NamedNode | ox.BlankNode | ox.DefaultGraph]
            default = [ox.NamedNode(iri) for iri in dict.fromkeys(default_graphs or ())]
            named = [ox.NamedNode(iri) for iri in dict.fromkeys(named_graphs or ())]
            if len(default) > 1 and not self._disjoint:
                store, default = self._merge(default, named), [ox.DefaultGraph()]
            options.update(default_graph=default, named_graphs=named)
        try:
            # The engine looks at each prefix anew for each query.
            used = {name: iri for name, colon, iri in self._written if colon in text}
            return store.query(text, prefixes=used, **options)
        except (RuntimeError, ValueError) as error:
            raise QueryError(f"the query cannot be evaluated: {error}") from error

    def _merge(self, default: Iterable[Any], named: Iterable[Any]) -> pyoxigraph.Store:
        """Return a store whose default graph is the set of the triples of several graphs.

        The engine would give a triple that stands in two of them twice, and count it twice.
        """
        import pyoxigraph as ox

        merged = ox.Store()
        for graph in default:
            quads = self._store.quads_for_pattern(None, None, None, graph)
            merged.bulk_extend(ox.Quad(q.subject, q.predicate, q.object) for q in quads)
        for graph in named:
            merged.bulk_extend(self._store.quads_for_pattern(None, None, None, graph))
        return merged

    def _serialize(self, statements: Iterable[Any], output: IO[bytes], media_type: str) -> None:
        """Write triples or quads, with the prefixes that they use where that can be told."""
        import pyoxigraph as ox

        format_ = ox.RdfFormat.from_media_type(media_type)
        if format_ is None:
            raise QueryError("not a format of graphs", seen=media_type)
        try:
            stream = iter(statements)
            head = list(islice(stream, _PEEK))
            used = self._used(head) if len(head) < _PEEK else self._prefixes
            whole: Iterator[Any] = chain(head, stream)
            if not format_.supports_datasets:
                whole = (one.triple if isinstance(one, ox.Quad) else one for one in whole)
            elif head and isinstance(head[0], ox.Triple):
                whole = (ox.Quad(one.subject, one.predicate, one.object) for one in whole)
            if format_ == ox.RdfFormat.RDF_XML:
                whole = _fit_for_xml(whole)
            ox.serialize(whole, output, format_, prefixes=used)
        except (RuntimeError, ValueError, TypeError) as error:
            raise QueryError(f"the answer cannot be written: {error}") from error

    def _used(self, statements: Iterable[Any]) -> dict[str, str]:
        """Return the prefixes whose namespace some IRI of the statements is in."""
        seen: set[str] = set()
        for one in statements:
            for term in (one.subject, one.predicate, one.object, getattr(one, "graph_name", None)):
                datatype = getattr(term, "datatype", None)
                if datatype is None or datatype.value not in _IMPLIED:
                    iri = getattr(datatype or term, "value", "")
                    seen.add(iri[: max(iri.rfind("#"), iri.rfind("/")) + 1])
        # A namespace has one name in an answer: the first.
        names: dict[str, str] = {}
        for name, namespace in self._prefixes.items():
            if namespace in seen:
                names.setdefault(namespace, name)
        return {name: namespace for namespace, name in names.items()}


# The engine writes solutions by itself, but only all of them; these write the first ones.

_Rows = Sequence[Mapping[str, Any]]


def _json_results(names: Sequence[str], rows: _Rows, link: str) -> str:
    """Return solutions as JSON.

    Spec: SPARQL 1.1 Query Results JSON Format
    """
    head = {"vars": list(names), **({"link": [link]} if link else {})}
    bindings = [
        {name: _json_term(term) for name, term in row.items() if term is not None} for row in rows
    ]
    document = {"head": head, "results": {"bindings": bindings}}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _json_term(term: Any) -> dict[str, Any]:
    kind = type(term).__name__
    if kind == "NamedNode":
        return {"type": "uri", "value": term.value}
    if kind == "BlankNode":
        return {"type": "bnode", "value": term.value}
    if kind == "Triple":
        parts = {
            name: _json_term(getattr(term, name)) for name in ("subject", "predicate", "object")
        }
        return {"type": "triple", "value": parts}
    found = {"type": "literal", "value": term.value}
    if term.language:
        found["xml:lang"] = term.language
        if term.direction is not None:
            found["its:dir"] = str(term.direction)
    elif term.datatype.value != f"{XSD}string":
        found["datatype"] = term.datatype.value
    return found


def _xml_results(names: Sequence[str], rows: _Rows, link: str) -> str:
    """Return solutions as XML.

    Spec: SPARQL Query Results XML Format (Second Edition)
    """
    head = "".join(f"<variable name={_attribute(name)}/>" for name in names)
    if link:
        head += f"<link href={_attribute(link)}/>"
    results = []
    for row in rows:
        bindings = (
            f"<binding name={_attribute(name)}>{_xml_term(term)}</binding>"
            for name, term in row.items()
            if term is not None
        )
        results.append(f"<result>{''.join(bindings)}</result>")
    return (
        '<?xml version="1.0"?><sparql xmlns="http://www.w3.org/2005/sparql-results#">'
        f"<head>{head}</head><results>{''.join(results)}</results></sparql>"
    )


def _attribute(value: str) -> str:
    return f'"{html.escape(value)}"'


def _xml_term(term: Any) -> str:
    kind = type(term).__name__
    if kind == "NamedNode":
        return f"<uri>{html.escape(term.value)}</uri>"
    if kind == "BlankNode":
        return f"<bnode>{html.escape(term.value)}</bnode>"
    if kind == "Triple":
        parts = (
            f"<{name}>{_xml_term(getattr(term, name))}</{name}>"
            for name in ("subject", "predicate", "object")
        )
        return f"<triple>{''.join(parts)}</triple>"
    about = ""
    if term.language:
        about = f" xml:lang={_attribute(term.language)}"
    elif term.datatype.value != f"{XSD}string":
        about = f" datatype={_attribute(term.datatype.value)}"
    # A parser of XML reads a bare carriage return as a line feed; some leave out space at the ends.
    text = html.escape(term.value, quote=False).replace("\r", "&#13;")
    text = _ENDS.sub(lambda found: "".join(f"&#{ord(c)};" for c in found[0]), text)
    return f"<literal{about}>{text}</literal>"


def _csv_results(names: Sequence[str], rows: _Rows, _: str) -> str:
    """Return solutions as CSV.

    Spec: SPARQL 1.1 Query Results CSV and TSV Formats
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_csv_value(row[name]) for name in names])
    return text.getvalue()


def _csv_value(term: Any) -> str:
    if term is None:
        return ""
    return str(term) if type(term).__name__ in ("BlankNode", "Triple") else str(term.value)


def _tsv_results(names: Sequence[str], rows: _Rows, _: str) -> str:
    """Return solutions as TSV.

    Spec: SPARQL 1.1 Query Results CSV and TSV Formats
    """
    lines = ["\t".join(f"?{name}" for name in names)]
    lines += ["\t".join("" if row[n] is None else _tsv_term(row[n]) for n in names) for row in rows]
    return "\n".join(lines) + "\n"


def _tsv_term(term: Any) -> str:
    return str(term).replace("\t", "\\t")


_RESULTS: Final[Mapping[str, Callable[[Sequence[str], _Rows, str], str]]] = {
    "application/sparql-results+json": _json_results,
    "application/sparql-results+xml": _xml_results,
    "text/csv": _csv_results,
    "text/tab-separated-values": _tsv_results,
}


class _XmlText:
    """A file object for the engine's XML: what it writes as it is and XML cannot hold is refused,
    and a carriage return, which a parser would read as a line feed, is escaped.

    Spec: XML 1.0, sections 2.2 and 2.11
    """

    def __init__(self, output: IO[bytes]) -> None:
        self._output = output
        self._end = b""  # of what was written: a character may be cut in two

    def write(self, data: bytes) -> int:
        """Write a part of the document.

        Raises:
            QueryError: XML cannot hold it.
        """
        text = self._end + data
        found = _NOT_XML.search(text)
        if found is not None:
            raise QueryError(
                "XML cannot carry the answer",
                seen=f"the character U+{ord(found[0].decode()):04X} in a value",
                hint="ask for JSON, CSV or TSV",
            )
        self._end = text[-2:]
        self._output.write(data.replace(b"\r", b"&#13;"))
        return len(data)

    def flush(self) -> None:
        """Write what is left."""
        self._output.flush()


def _fit_for_xml(triples: Iterable[pyoxigraph.Triple]) -> Iterator[pyoxigraph.Triple]:
    """Yield triples as long as RDF/XML can carry them.

    Raises:
        QueryError: it cannot; the engine would write a document that nobody can read.
    """
    import pyoxigraph as ox

    from kg.serialise import not_in_xml

    for one in triples:
        text = one.object.value if isinstance(one.object, ox.Literal) else ""
        if why := not_in_xml(one.predicate.value, text):
            raise QueryError(f"RDF/XML cannot carry the answer: {why}", hint="ask for Turtle")
        yield one
