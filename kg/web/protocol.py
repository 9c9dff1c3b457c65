"""The SPARQL endpoint and the Graph Store, as plain ASGI: query and read only.

Both are answered before any web framework sees the request. Errors are problem details with a
stable type; `PROBLEMS` is the one table from a reason to its status, for every address of the
site.

Spec: SPARQL 1.1 Protocol; SPARQL 1.1 Graph Store HTTP Protocol; SPARQL 1.1 Service Description;
RFC 9457 (problem details); docs/reference/sparql.md
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from kg.store import Release
from kg.vocab import DCTERMS, RDF
from kg.vocab import integer as _integer
from kg.vocab import iri as _iri
from kg.vocab import literal as _literal
from kg.web import negotiation
from kg.web.guard import LENGTH, QueryFailure, Reason
from kg.web.pool import Answer, Pool

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

PROBLEM: Final = "https://w3id.org/chancery/problem#"
"""What the `type` of every problem begins with; its reason follows."""
PROBLEMS: Final[Mapping[Reason, tuple[int, str]]] = {
    "syntax": (400, "The query cannot be read"),
    "service": (400, "SERVICE is refused"),
    "update": (400, "Updates are refused"),
    "graph": (400, "There is no such graph"),
    "parameter": (400, "A parameter cannot be used"),
    "complexity": (400, "The query is too complex"),
    "evaluation": (400, "The query cannot be evaluated"),
    "memory": (400, "The query needs too much memory"),
    "not-found": (404, "There is nothing here"),
    "method": (405, "The method is not allowed"),
    "format": (406, "There is no such format"),
    "length": (413, "The request is too long"),
    "result-size": (413, "The answer is too large"),
    "media-type": (415, "The media type of the request is not accepted"),
    "quota": (429, "Too many queries"),
    "crash": (500, "The query has stopped its worker"),
    "internal": (500, "The service has failed"),
    "busy": (503, "The service is busy"),
    "store": (503, "The data cannot be read"),
    "timeout": (504, "The query takes too long"),
}

SD: Final = "http://www.w3.org/ns/sparql-service-description#"
VOID: Final = "http://rdfs.org/ns/void#"

_BODY: Final = 4 * LENGTH
"""Bytes of a request: a query of the greatest length, each byte of it percent-encoded, and more."""
_FIELDS: Final = 1000
_QUERY: Final = "application/sparql-query"
_FORM: Final = "application/x-www-form-urlencoded"
_ALLOWED: Final = {"sparql": "GET, HEAD, POST, OPTIONS", "graphs": "GET, HEAD, OPTIONS"}
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]*)', re.IGNORECASE)
_COMMON: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Kg-Release, Retry-After, Link"),
    (b"x-content-type-options", b"nosniff"),
)


@dataclass(frozen=True, slots=True)
class _Response:
    """Status, headers and what is sent."""

    status: int
    headers: Headers
    body: bytes | Answer = b""


class SparqlEndpoint:
    """The SPARQL endpoint of one release, for `/sparql` and `/sparql/`, and its Graph Store.

    Args:
        pool: the workers of the release.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._graphs = GraphStore(pool)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; `/graphs` is passed on to the Graph Store.

        Raises:
            QueryFailure: an answer has to stop after its beginning was sent: the server must close
                the connection without a proper end.
        """
        if scope["path"].rstrip("/").endswith("/graphs"):
            await self._graphs(scope, receive, send)
        else:
            await _serve(self._pool, scope, receive, send, self._answer)

    async def _answer(self, scope: Scope, receive: Receive) -> _Work:
        pool = self._pool
        method = scope["method"]
        if method == "OPTIONS":
            return _options("sparql")
        if method not in ("GET", "HEAD", "POST"):
            raise _not_allowed(method)
        fields = _fields(_text(scope["query_string"], "the query string"))
        if method == "POST":
            media_type = _media_type(scope)
            body = _text(await _body(scope, receive), "the body")
            if media_type == _QUERY:
                if "query" in fields:
                    raise QueryFailure("parameter", "the query stands in the body and the address")
                fields["query"] = [body]
            else:
                for field, values in _fields(body).items():
                    fields.setdefault(field, []).extend(values)
        if "update" in fields:
            raise QueryFailure("update", "this service only answers queries")
        query = _one(fields, "query")
        accept = _accept(scope)
        if (name := _one(fields, "format")) is not None:
            accept = _named(name, (*negotiation.RESULT_FORMATS, *negotiation.GRAPH_FORMATS))
        if query is None:
            if method == "POST":
                raise QueryFailure("parameter", "the parameter query is missing")
            return lambda: _description(pool, accept)
        timeout = _seconds(_one(fields, "timeout"))

        text = query

        async def work() -> _Response:
            answer = await pool.query(
                text,
                accept=accept,
                default_graphs=fields.get("default-graph-uri", ()),
                named_graphs=fields.get("named-graph-uri", ()),
                timeout_s=timeout,
            )
            return _found(answer)

        return work


class GraphStore:
    """The Graph Store, read only, for `/graphs`: `?graph=IRI` and `?default`.

    Args:
        pool: the workers of the release.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            QueryFailure: as for `SparqlEndpoint`.
        """
        await _serve(self._pool, scope, receive, send, self._answer)

    async def _answer(self, scope: Scope, receive: Receive) -> _Work:
        pool = self._pool
        method = scope["method"]
        if method == "OPTIONS":
            return _options("graphs")
        if method not in ("GET", "HEAD"):
            raise _not_allowed(method, "graphs")
        fields = _fields(_text(scope["query_string"], "the query string"))
        graph = _one(fields, "graph")
        if (graph is None) == (_one(fields, "default") is None):
            raise QueryFailure(
                "parameter", "one graph has to be named", expected="either graph=IRI or default"
            )
        if graph is not None and graph not in pool.release.graphs:
            raise QueryFailure(
                "not-found",
                "this release has no such graph",
                seen=graph,
                hint="list the graphs with SELECT DISTINCT ?g { GRAPH ?g {} }",
            )
        accept = _accept(scope)
        if (name := _one(fields, "format")) is not None:
            accept = _named(name, negotiation.GRAPH_FORMATS)

        async def work() -> _Response:
            return _found(await pool.graph(graph, accept=accept))

        return work


def status_of(reason: Reason) -> int:
    """Return the HTTP status that says so."""
    return PROBLEMS[reason][0]


def problem(failure: QueryFailure, release: str = "") -> tuple[int, Headers, bytes]:
    """Return status, headers and body of the answer to a request that failed.

    Args:
        failure: what went wrong.
        release: the id of the release that is served.
    Spec: RFC 9457
    """
    status, title = PROBLEMS[failure.reason]
    body: dict[str, object] = {
        "type": PROBLEM + failure.reason,
        "title": title,
        "status": status,
        "detail": str(failure),
    }
    if failure.line:
        body |= {"line": failure.line, "column": failure.column}
    if failure.hint:
        body["hint"] = failure.hint
    if failure.available:
        body["available"] = list(failure.available)
    if release:
        body["release"] = release
    headers = [(b"content-type", b"application/problem+json"), (b"vary", b"Accept")]
    if failure.retry_after:
        headers.append((b"retry-after", str(failure.retry_after).encode()))
    if failure.reason == "method":
        headers.append((b"allow", failure.expected.encode()))
    if failure.reason == "media-type":
        headers.append((b"accept-post", f"{_QUERY}, {_FORM}".encode()))
    return status, headers, json.dumps(body, ensure_ascii=False).encode()


# --- serving ---------------------------------------------------------------------------------

_Work = Callable[[], Awaitable[_Response]]
_Handler = Callable[[Scope, Receive], Awaitable[_Work]]


async def _serve(pool: Pool, scope: Scope, receive: Receive, send: Send, handler: _Handler) -> None:
    """Read a request, work on it as long as the client is there, and answer."""
    release = pool.release.id
    try:
        work = await handler(scope, receive)
    except QueryFailure as failure:
        await _send(scope, send, _failed(failure, release), release)
        return
    except _GoneError:
        return

    async def answer() -> None:
        try:
            response = await work()
        except QueryFailure as failure:
            response = _failed(failure, release)
        await _send(scope, send, response, release)

    answering = asyncio.create_task(answer())
    leaving = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        if not answering.done():
            answering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await answering


async def _gone(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(scope: Scope, send: Send, response: _Response, release: str) -> None:
    """Send a response; one that stops in the middle raises."""
    headers = [*response.headers, *_COMMON]
    headers.append((b"kg-release", release.encode()))
    body = response.body
    whole = body.body if isinstance(body, Answer) else body
    if whole is not None and response.status != 204:
        headers.append((b"content-length", str(len(whole)).encode()))
    start = {"type": "http.response.start", "status": response.status, "headers": headers}
    if scope["method"] == "HEAD" or not isinstance(body, Answer) or whole is not None:
        if isinstance(body, Answer):
            body.close()
        await send(start)
        sent = b"" if scope["method"] == "HEAD" else whole
        await send({"type": "http.response.body", "body": sent})
        return
    try:
        await send(start)
        async for part in body:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        body.close()


def _found(answer: Answer) -> _Response:
    name = negotiation.content_type(answer.media_type).encode()
    return _Response(200, [(b"content-type", name), (b"vary", b"Accept")], answer)


def _failed(failure: QueryFailure, release: str) -> _Response:
    return _Response(*problem(failure, release))


def _options(which: str) -> _Work:
    """Return the answer to OPTIONS, which is also that to a preflight of CORS."""

    async def work() -> _Response:
        methods = _ALLOWED[which].encode()
        headers = [
            (b"allow", methods),
            (b"access-control-allow-methods", methods),
            (b"access-control-allow-headers", b"Accept, Content-Type"),
            (b"access-control-max-age", b"86400"),
        ]
        if which == "sparql":
            headers.append((b"accept-post", f"{_QUERY}, {_FORM}".encode()))
        return _Response(204, headers)

    return work


def _not_allowed(method: str, which: str = "sparql") -> QueryFailure:
    return QueryFailure(
        "method", "this address only answers questions", seen=method, expected=_ALLOWED[which]
    )


# --- reading requests ------------------------------------------------------------------------


class _GoneError(Exception):
    """The client has gone before it had sent its request."""


def _headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _accept(scope: Scope) -> str:
    return ",".join(_headers(scope, b"accept"))


def _media_type(scope: Scope) -> str:
    """Return the media type of a request that has a body.

    Raises:
        QueryFailure: `media-type`.
    """
    sent = ",".join(_headers(scope, b"content-type"))
    media_type = sent.partition(";")[0].strip().lower()
    if media_type not in (_QUERY, _FORM):
        update = media_type == "application/sparql-update"
        raise QueryFailure(
            "media-type",
            "updates are refused" if update else "a query cannot be sent like this",
            seen=sent or "no Content-Type",
            expected=f"{_QUERY} or {_FORM}",
        )
    charset = _CHARSET.search(sent)
    if charset is not None and charset[1].lower() not in ("utf-8", "utf8"):
        raise QueryFailure(
            "media-type", "the charset is not accepted", seen=charset[1], expected="utf-8"
        )
    if any(coding.strip().lower() != "identity" for coding in _headers(scope, b"content-encoding")):
        raise QueryFailure("media-type", "an encoded body is not accepted", expected="identity")
    return media_type


async def _body(scope: Scope, receive: Receive) -> bytes:
    """Return the body of a request.

    Raises:
        QueryFailure: `length`.
        _GoneError: the client has gone.
    """
    too_long = QueryFailure(
        "length", "the request is too long", expected=f"at most {_BODY:,} bytes"
    )
    announced = "".join(_headers(scope, b"content-length"))
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > _BODY:
        raise too_long
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        body += message.get("body", b"")
        if len(body) > _BODY:
            raise too_long
        if not message.get("more_body", False):
            return bytes(body)


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise QueryFailure(
            "parameter", f"{what} is not UTF-8", seen=f"byte {error.start}: {data[error.start]:#x}"
        ) from None


def _fields(text: str) -> dict[str, list[str]]:
    """Return the fields of a query string or form, with all their values."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS)
    except UnicodeDecodeError:
        raise QueryFailure("parameter", "a percent-encoded parameter is not UTF-8") from None
    except ValueError:
        raise QueryFailure(
            "parameter", "there are too many parameters", expected=f"at most {_FIELDS:,}"
        ) from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _one(fields: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = fields.get(name, ())
    if len(values) > 1:
        raise QueryFailure("parameter", f"the parameter {name} stands {len(values)} times")
    return values[0] if values else None


def _named(name: str, formats: Sequence[negotiation.Format]) -> str:
    """Return the media type of the format that `?format=` names."""
    found = negotiation.by_name(name, formats)
    if found is None:
        names = [one.name for one in formats]
        raise QueryFailure(
            "parameter",
            "the parameter format names no format",
            seen=name,
            expected="one of " + ", ".join(names),
            available=names,
        )
    return found.media_type


def _seconds(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise QueryFailure(
            "parameter",
            "the parameter timeout is not a number of seconds",
            seen=value,
            expected="a number over 0, such as 2.5",
        )
    return seconds


# --- the service description -----------------------------------------------------------------


async def _description(pool: Pool, accept: str) -> _Response:
    """Return what the endpoint is: formats, features, graphs and their sizes."""
    found = negotiation.choose(accept, negotiation.GRAPH_FORMATS)
    if found is None:
        available = negotiation.media_types(negotiation.GRAPH_FORMATS)
        raise QueryFailure(
            "format",
            "there is no such description of this service",
            seen=accept,
            expected="one of " + ", ".join(available),
            hint="to ask something, add ?query=",
            available=available,
        )
    body = await pool.convert("".join(describe(pool.release)), found[1])
    name = negotiation.content_type(found[1]).encode()
    return _Response(200, [(b"content-type", name), (b"vary", b"Accept")], body)


def describe(release: Release) -> Iterable[str]:
    """Yield the lines of the service description, as N-Triples, in a fixed order.

    Spec: SPARQL 1.1 Service Description
    """
    manifest = release.manifest
    service = f"{release.base_iri}sparql"
    dataset, union = f"{service}#dataset", f"{service}#union"

    def line(subject: str, predicate: str, object_: str) -> str:
        return f"{_iri(subject)} {_iri(predicate)} {object_} .\n"

    yield line(service, f"{RDF}type", _iri(f"{SD}Service"))
    yield line(service, f"{SD}endpoint", _iri(service))
    yield line(service, f"{SD}supportedLanguage", _iri(f"{SD}SPARQL11Query"))
    yield line(service, f"{SD}feature", _iri(f"{SD}UnionDefaultGraph"))
    for format_ in (*negotiation.RESULT_FORMATS, *negotiation.GRAPH_FORMATS):
        yield line(service, f"{SD}resultFormat", _iri(format_.iri))
    yield line(service, f"{SD}defaultDataset", _iri(dataset))
    yield line(dataset, f"{RDF}type", _iri(f"{SD}Dataset"))
    yield line(dataset, f"{DCTERMS}title", _literal(manifest.title))
    yield line(dataset, f"{DCTERMS}identifier", _literal(manifest.id))
    yield line(dataset, f"{SD}defaultGraph", _iri(union))
    names = {f"{service}#{quote(graph.iri, safe='')}": graph for graph in manifest.graphs}
    for named in names:
        yield line(dataset, f"{SD}namedGraph", _iri(named))
    yield line(union, f"{RDF}type", _iri(f"{SD}Graph"))
    yield line(union, f"{VOID}triples", _integer(manifest.triples))
    for named, graph in names.items():
        yield line(named, f"{RDF}type", _iri(f"{SD}NamedGraph"))
        yield line(named, f"{SD}name", _iri(graph.iri))
        yield line(named, f"{SD}graph", _iri(f"{named}-triples"))
        yield line(f"{named}-triples", f"{RDF}type", _iri(f"{SD}Graph"))
        yield line(f"{named}-triples", f"{VOID}triples", _integer(graph.quads))
