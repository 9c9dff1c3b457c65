"""A store whose queries are evaluated by a SPARQL server elsewhere, in the place of our engine.

`RemoteStore` is what a worker opens where the server was given a backend. What readers ask goes
over HTTP and comes back through the engine's own parsers and writers. What pages ask for themselves
and whole graphs come from the release on disk, as downloads do. Before a query goes elsewhere our
engine has read it, so what it refuses the other server never sees; and each has an explicit dataset
where the marker of the release names one (`kg.servers`), so that what else the other server holds
is not seen.

CONSTRUCT and DESCRIBE are asked as SELECT and put together here: Virtuoso cuts their answers at its
row limit without a word, but says so of solutions.

Spec: docs/decisions/0019-other-servers.md
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

import msgspec

from kg.errors import QueryError, ServerError
from kg.remote import (
    DCTERMS,
    Access,
    Reply,
    Server,
    marker_graph,
    no_graph,
)
from kg.store import RowLimit, Store
from kg.web.guard import TOKEN

if TYPE_CHECKING:
    from kg.manifest import Manifest

_LOOK_S: Final = 1.0
"""How often a worker asks which release the other server holds."""
_BATCH: Final = 500
"""Solutions that a template is filled with at a time; and things that are described."""
_NAMED: Final = 500
"""Named graphs that a query lists. Virtuoso says each of them again in a header, and headers have a
greatest length. Where there are more, our engine answers what is asked of named graphs."""
_ASKED: Final = 1 << 16
"""Bytes of an answer to ASK."""
_TAIL: Final = 1 << 16
"""Bytes that may follow the last solution."""
_EXTENSIONS: Final = ("bif:", "sql:", "http://www.openlinksw.com/schemas/bif#")
"""What the IRIs of functions begin with that Virtuoso has of its own, SQL among them."""
_BLANK: Final = "urn:x-kg-blank:"
_CODE_POINT: Final = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_BOOLEAN: Final = re.compile(rb'(XMLSchema#boolean", "value": ")([01])"')
_TRUTH: Final = {b"0": b"false", b"1": b"true"}
_OVERLAP: Final = 64
_FORMS: Final = frozenset({"SELECT", "ASK", "CONSTRUCT", "DESCRIBE"})
_OPEN: Final = frozenset({"{", "(", "[", "{|", "<<", "<<("})
_CLOSE: Final = frozenset({"}", ")", "]", "|}", ">>", ")>>"})
_MODIFIERS: Final = frozenset({"WHERE", "FROM", "ORDER", "GROUP", "HAVING", "LIMIT", "OFFSET"})


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """The other server, as workers are told of it.

    `union` is the graph with the union of all, or nothing where the default graph has it.
    """

    query: str
    user: str
    password: str
    timeout_s: float
    most: int
    base: str
    release: str
    union: str
    graphs: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Backend({self.query})"


class Attached(msgspec.Struct, frozen=True):
    """The other server, and the graphs of the release that it does not hold."""

    backend: Backend
    missing: tuple[str, ...]


def attach(access: Access, manifest: Manifest, result_mib: int) -> Attached:
    """Return a server as the backend of a release, once it says that it holds that release.

    Args:
        access: where it is, and who asks.
        manifest: that of the release.
        result_mib: size of the largest answer.
    Raises:
        ConfigError: the address cannot be used, or a package is missing.
        ServerError: the server cannot be reached, or holds no or another release.
    """
    base = manifest.base_iri
    with Server(access) as server:
        marker = server.marker(base)
        if marker is None or marker.release != manifest.id:
            raise _another(access.query, manifest.id, marker.release if marker else None)
    graphs = tuple(one.iri for one in manifest.graphs if marker.graphs.get(one.iri))
    missing = {one.iri for one in manifest.graphs} - set(graphs)
    backend = Backend(
        query=access.query,
        user=access.user,
        password=access.password,
        timeout_s=access.timeout_s,
        most=4 * (result_mib << 20),  # results in JSON are larger than most others
        base=base,
        release=manifest.id,
        union=marker.union,
        graphs=graphs,
    )
    return Attached(backend, tuple(sorted(missing)))


def _another(address: str, wanted: str, seen: str | None) -> ServerError:
    """Return the error for a server that does not hold the release that is served."""
    return ServerError(
        "the server behind does not hold this release",
        where=address,
        seen="none"
        if seen is None
        else f"release {seen[:12]}"
        if seen
        else "one that is being loaded, or was not loaded to its end",
        expected=f"release {wanted[:12]}",
        hint="load it with `kg export --to KIND URL`",
        passing=True,
    )


@dataclass(frozen=True)
class _Parts:
    """A query in pieces: what is declared, its form, what stands behind that up to the dataset and
    the WHERE clause, and the rest of it, without FROM."""

    form: str
    declared: str
    prefixes: frozenset[str]
    head: str
    rest: str
    variables: tuple[str, ...]
    """The variables of the head, in order."""
    constants: tuple[str, ...]
    """The IRIs and prefixed names of the head."""


class RemoteStore(Store):
    """The store of a release, with another server that evaluates what readers ask.

    Args:
        path, prefixes, disjoint: as for `Store`.
        backend: the other server.
    Raises:
        OSError: the store on disk cannot be opened.
        ConfigError: a package is missing.
    """

    def __init__(
        self, path: Path, prefixes: Mapping[str, str], backend: Backend, *, disjoint: bool = False
    ) -> None:
        import pyoxigraph as ox

        super().__init__(path, prefixes, disjoint=disjoint)
        self._backend = backend
        self._empty = ox.Store()
        access = Access(
            query=backend.query,
            user=backend.user,
            password=backend.password,
            timeout_s=backend.timeout_s,
        )
        self._server = Server(access)
        self._context = ExitStack()
        self._reply: _Content | None = None
        self._looked = 0.0

    def close(self) -> None:
        """Close the connections to the other server."""
        self._close()
        self._server.close()

    @property
    def sorts_by_kind(self) -> bool:
        """Return that nothing is changed: other servers have an order of their own."""
        return False

    def asked(
        self,
        text: str,
        output: IO[bytes],
        media_type: str,
        default_graphs: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
        limit: RowLimit | None = None,
    ) -> None:
        """Write the answer of the other server to a query; as for `Store`, and

        Raises:
            ServerError: it gives no whole answer.
        """

        def work() -> None:
            answer = self._elsewhere(text, default_graphs, named_graphs)
            self._write(answer, output, media_type, limit)

        self._told(work)

    def _told(self, work: Callable[[], None]) -> None:
        """Return once `work` is done and the whole answer was read.

        What goes wrong in the middle is that of the other server, however the engine puts it: it
        has read the query before.
        """
        try:
            work()
            if self._reply is not None:
                self._reply.finish()
        except (SyntaxError, OSError, RuntimeError, ValueError, QueryError) as error:
            reply = self._reply
            if reply is None:
                raise
            if reply.failure is not None:
                raise reply.failure from None
            if not isinstance(error, SyntaxError):
                raise
            raise ServerError(
                "the answer of the server is no result of a query, or breaks off",
                where=self._backend.query,
                seen=str(error)[:200],
                expected="results in JSON",
            ) from None
        finally:
            self._close()

    def _close(self) -> None:
        self._reply = None
        self._context.close()

    def _elsewhere(
        self, text: str, default_graphs: Sequence[str] | None, named_graphs: Sequence[str] | None
    ) -> Any:
        """Return the other server's answer: solutions, yes or no, or triples as they come."""
        self._close()
        if default_graphs and len(set(default_graphs)) > 1 and not self._disjoint:
            # No server keeps a triple of two of the graphs from standing there twice.
            return self._evaluate(text, default_graphs, named_graphs)
        own, backend = default_graphs is None and named_graphs is None, self._backend
        if own and backend.union and len(backend.graphs) > _NAMED and "GRAPH" in text.upper():
            return self._evaluate(text, None, None)
        self._read(text)
        self._look()
        if own and not backend.union:
            text = _without_graph(text, marker_graph(backend.base))
        parts = _parts(text)
        dataset = self._dataset(text, default_graphs, named_graphs)
        ask = partial(self._solutions, parts, dataset)
        if parts.form == "CONSTRUCT":
            return self._construct(parts, ask)
        if parts.form == "DESCRIBE":
            return self._describe(parts, ask)
        if parts.form == "ASK":
            return self._asked(self._text(parts, f"ASK {parts.head}{parts.rest}"), dataset)
        return ask(f"SELECT {parts.head}{parts.rest}")

    def _read(self, text: str) -> None:
        """Return if our engine can read a query.

        Raises:
            SyntaxError, QueryError: it cannot.
        """
        try:
            used = {name: iri for name, colon, iri in self._written if colon in text}
            self._empty.query(text, prefixes=used)
        except (RuntimeError, ValueError) as error:
            raise QueryError(f"the query cannot be evaluated: {error}") from error
        for match in TOKEN.finditer(text):
            if match.lastgroup not in ("iri", "name"):
                continue
            name = _CODE_POINT.sub(lambda m: chr(int(m[1] or m[2], 16) % 0x110000), match[0])
            if name.lstrip("<").lower().startswith(_EXTENSIONS):
                raise QueryError(
                    "functions of one server are not called",
                    seen=match[0],
                    expected="those of SPARQL 1.1",
                )

    def _look(self) -> None:
        """Return if the other server still holds the release; it is asked now and then."""
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        backend = self._backend
        graph = marker_graph(backend.base)
        query = f"SELECT ?id WHERE {{ GRAPH <{graph}> {{ <{graph}> <{DCTERMS}identifier> ?id }} }}"
        with self._server.ask(query, most=_ASKED) as reply:
            seen = [row["id"]["value"] for row in _bindings(reply.read(), backend.query)]
        if seen != [backend.release]:
            raise _another(backend.query, backend.release, next(iter(seen), ""))
        self._looked = now

    def _dataset(
        self, text: str, default: Sequence[str] | None, named: Sequence[str] | None
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the graphs of the default graph and the named graphs that a query is about.

        Where both are empty, those of the server. A list of named graphs that is not given means
        none to one server and all to another: so there is always one.
        """
        backend = self._backend
        none = no_graph(backend.base)
        if default is not None or named is not None:
            return (
                tuple(dict.fromkeys(default or ())) or (none,),
                tuple(dict.fromkeys(named or ())) or (none,),
            )
        if not backend.union:
            return (), ()
        asked = "GRAPH" in text.upper()
        return (backend.union,), (backend.graphs if asked and backend.graphs else (none,))

    def _text(self, parts: _Parts, text: str) -> str:
        """Return a query with all that it needs declared."""
        known = "".join(
            f"PREFIX {name}: <{iri}>\n"
            for name, colon, iri in self._written
            if name not in parts.prefixes and (colon in text or colon in parts.declared)
        )
        return f"{known}{parts.declared}{text}"

    def _opened(
        self, query: str, dataset: tuple[tuple[str, ...], tuple[str, ...]], most: int
    ) -> _Content:
        """Return the answer of the other server as a file; asked again where it had hung up."""
        self._close()
        default, named = dataset
        for last in (False, True):
            try:
                reply = self._context.enter_context(
                    self._server.ask(query, default_graphs=default, named_graphs=named, most=most)
                )
            except ServerError as error:
                # A connection that was kept open may have been closed meanwhile: that is known now.
                if last or not error.passing or error.reason != "store":
                    raise
            else:
                break
        self._reply = _Content(reply)
        return self._reply

    def _solutions(
        self, parts: _Parts, dataset: tuple[tuple[str, ...], tuple[str, ...]], text: str
    ) -> Any:
        """Return the solutions of a SELECT as the engine would give them."""
        import pyoxigraph as ox

        content = self._opened(self._text(parts, text), dataset, self._backend.most)
        answer = ox.parse_query_results(cast("IO[bytes]", content), ox.QueryResultsFormat.JSON)
        if not isinstance(answer, ox.QuerySolutions):
            raise ServerError(
                "the server answers a SELECT query with yes or no", where=self._backend.query
            )
        return answer

    def _asked(self, query: str, dataset: tuple[tuple[str, ...], tuple[str, ...]]) -> Any:
        """Return yes or no. Virtuoso says it with one solution, or none."""
        import pyoxigraph as ox

        data = self._opened(query, dataset, _ASKED).read()
        try:
            document = json.loads(data)
            if "boolean" in document:
                found = bool(document["boolean"])
            else:
                rows = document["results"]["bindings"]
                (name,) = document["head"]["vars"]
                found = bool(rows) and rows[0][name]["value"] in ("1", "true")
        except (ValueError, KeyError, TypeError) as error:
            raise ServerError(
                "the answer of the server is neither yes nor no",
                where=self._backend.query,
                seen=data[:100].decode(errors="replace"),
            ) from error
        text = b'{"head":{},"boolean":true}' if found else b'{"head":{},"boolean":false}'
        return ox.parse_query_results(text, ox.QueryResultsFormat.JSON)

    def _construct(self, parts: _Parts, ask: Callable[[str], Any]) -> Iterator[Any]:
        """Yield the triples that the solutions of a pattern make of a template, each once."""
        import pyoxigraph as ox

        names = parts.variables
        chosen = " ".join(f"?{name}" for name in names) or "(1 AS ?kg_any)"
        solutions = iter(ask(f"SELECT {chosen} {parts.rest}"))
        seen: set[Any] = set()
        used = {name: iri for name, colon, iri in self._written if colon in parts.head}
        while rows := list(itertools.islice(solutions, _BATCH)):
            if names:
                values = "".join(
                    f"({' '.join(_value(row[name]) for name in names)}) " for row in rows
                )
                where = f"VALUES ({' '.join(f'?{name}' for name in names)}) {{ {values} }}"
            else:
                where = f"VALUES ?kg_any {{ {'1 ' * len(rows)} }}"
            text = f"{parts.declared}CONSTRUCT {parts.head} WHERE {{ {where} }}"
            made = cast("Iterable[ox.Triple]", self._empty.query(text, prefixes=used))
            for triple in made:
                found = ox.Triple(_blank(triple.subject), triple.predicate, _blank(triple.object))
                if found not in seen:
                    seen.add(found)
                    yield found

    def _describe(self, parts: _Parts, ask: Callable[[str], Any]) -> Iterator[Any]:
        """Yield what the server says of things: the triples with each of them as subject."""
        import pyoxigraph as ox

        things: dict[str, None] = dict.fromkeys(parts.constants)
        if "*" in parts.head or parts.variables:
            chosen = " ".join(f"?{name}" for name in parts.variables) or "*"
            for row in ask(f"SELECT {chosen} {parts.rest}"):
                things.update((str(one), None) for one in row if isinstance(one, ox.NamedNode))
        some = iter(things)
        while batch := list(itertools.islice(some, _BATCH)):
            if self._reply is not None:
                self._reply.finish()
            values = " ".join(batch)
            for row in ask(f"SELECT ?s ?p ?o WHERE {{ VALUES ?s {{ {values} }} ?s ?p ?o }}"):
                yield ox.Triple(row["s"], row["p"], row["o"])


class _Content:
    """What a server answers, as a file for the engine's parser.

    Virtuoso writes the truth values of XML Schema as 0 and 1, which mean the same and compare as
    other terms.
    """

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._held = b""

    @property
    def failure(self) -> ServerError | None:
        """Return what has ended the reading before its end."""
        return self._reply.failure

    def read(self, size: int = -1) -> bytes:
        """Return some of the answer; none at its end.

        Raises:
            ServerError: the server breaks off, is too slow or says too much.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        # What may be the beginning of a truth value waits for the rest of it.
        while len(self._held) < 2 * _OVERLAP:
            more = self._reply.read(1 << 16)
            if not more:
                break
            self._held = _BOOLEAN.sub(_boolean, self._held + more)
        else:
            size = min(size, len(self._held) - _OVERLAP)
        found, self._held = self._held[:size], self._held[size:]
        return found

    def finish(self) -> None:
        """Read what is left if it is little, so that the connection can be used again.

        Raises:
            ServerError: the server breaks off.
        """
        left = _TAIL
        while left > 0 and (more := self._reply.read(left)):
            left -= len(more)


def _boolean(match: re.Match[bytes]) -> bytes:
    return match[1] + _TRUTH[match[2]] + b'"'


def _bindings(data: bytes, address: str) -> list[dict[str, dict[str, str]]]:
    """Return the solutions of a small answer."""
    try:
        found: list[dict[str, dict[str, str]]] = json.loads(data)["results"]["bindings"]
    except (ValueError, KeyError, TypeError) as error:
        raise ServerError(
            "the answer of the server is no result of a query",
            where=address,
            seen=data[:100].decode(errors="replace"),
            expected="results in JSON",
        ) from error
    return found


def _value(term: Any) -> str:
    """Return a term as VALUES takes it: a blank node by a name, which `_blank` takes back."""
    if term is None:
        return "UNDEF"
    return f"<{_BLANK}{term.value}>" if type(term).__name__ == "BlankNode" else str(term)


def _blank(term: Any) -> Any:
    import pyoxigraph as ox

    if isinstance(term, ox.NamedNode) and term.value.startswith(_BLANK):
        return ox.BlankNode(term.value.removeprefix(_BLANK))
    return term


def _parts(query: str) -> _Parts:
    """Return the pieces of a query that the engine can read.

    >>> parts = _parts("PREFIX a: <urn:a> CONSTRUCT { ?s a:b 1 } FROM <urn:g> { ?s ?p ?o } LIMIT 2")
    >>> parts.declared, parts.head, parts.rest, parts.variables
    ('PREFIX a: <urn:a> ', '{ ?s a:b 1 }', '{ ?s ?p ?o } LIMIT 2', ('s',))
    """
    tokens = [match for match in TOKEN.finditer(query) if match.lastgroup != "skip"]
    words = [match[0].upper() if match.lastgroup == "word" else match[0] for match in tokens]
    first = next(n for n, m in enumerate(tokens) if m.lastgroup == "word" and words[n] in _FORMS)
    form = words[first]
    prefixes = frozenset(
        tokens[n + 1][0].partition(":")[0] for n in range(first) if words[n] == "PREFIX"
    )
    depths = _depths(words, first)
    begin = first + 1
    # Where what is asked for ends: the template, the things or the expressions.
    if form == "CONSTRUCT" and words[begin : begin + 1] == ["{"]:
        end = _closing(depths, begin) + 1
        head = range(begin, end)
    elif form == "CONSTRUCT":
        end = begin
        opening = next(n for n in range(begin, len(words)) if words[n] == "{" and not depths[n])
        head = range(opening, _closing(depths, opening) + 1)
    else:
        end = next(
            (
                n
                for n in range(begin, len(words))
                if not depths[n] and (words[n] == "{" or words[n] in _MODIFIERS)
            ),
            len(words),
        )
        head = range(begin, end)
    rest = _without_from(query, tokens, words, depths, end)
    some = [tokens[n] for n in head]
    return _Parts(
        form,
        query[: tokens[first].start()],
        prefixes,
        query[some[0].start() : some[-1].end()] + ("" if form == "CONSTRUCT" else " ")
        if some
        else "",
        rest,
        tuple(dict.fromkeys(m[0][1:] for m in some if m.lastgroup == "var")),
        tuple(dict.fromkeys(m[0] for m in some if m.lastgroup in ("iri", "name"))),
    )


def _without_graph(query: str, graph: str) -> str:
    """Return a query in which `GRAPH ?g { … }` does not find one of the named graphs.

    >>> _without_graph("SELECT * { GRAPH ?g { ?s ?p ?o } . ?s a ?c }", "urn:m")
    'SELECT * { GRAPH ?g { ?s ?p ?o } FILTER(?g != <urn:m>) . ?s a ?c }'
    """
    if "GRAPH" not in query.upper():
        return query
    tokens = [match for match in TOKEN.finditer(query) if match.lastgroup != "skip"]
    words = [match[0].upper() if match.lastgroup == "word" else match[0] for match in tokens]
    depths = _depths(words, 0)
    ends = {
        tokens[_closing(depths, n + 2)].end(): words[n + 1]
        for n, word in enumerate(words[:-2])
        if word.endswith("GRAPH") and words[n + 1][0] in "?$" and words[n + 2] == "{"
    }
    pieces, start = [], 0
    for end in sorted(ends):
        pieces += [query[start:end], f" FILTER({ends[end]} != <{graph}>)"]
        start = end
    return "".join([*pieces, query[start:]])


def _depths(words: Sequence[str], first: int) -> list[int]:
    """Return how many brackets are open before each token."""
    found, depth = [], 0
    for number, word in enumerate(words):
        if number >= first and word in _CLOSE:
            depth -= 1
        found.append(depth)
        if number >= first and word in _OPEN:
            depth += 1
    return found


def _closing(depths: Sequence[int], opening: int) -> int:
    """Return where the bracket closes that opens at a token."""
    return next(n for n in range(opening + 1, len(depths)) if depths[n] == depths[opening])


def _without_from(
    query: str,
    tokens: Sequence[re.Match[str]],
    words: Sequence[str],
    depths: Sequence[int],
    begin: int,
) -> str:
    """Return a query from a token on, without FROM: the dataset goes beside it."""
    pieces, number = [], begin
    if begin >= len(tokens):
        return ""
    start = tokens[begin].start()
    while number < len(tokens) and not (words[number] == "{" and not depths[number]):
        if words[number] == "FROM":
            pieces.append(query[start : tokens[number].start()])
            number += 1 + (words[number + 1] == "NAMED")
            start = tokens[number + 1].start() if number + 1 < len(tokens) else len(query)
        number += 1
    return "".join([*pieces, query[start:]])
