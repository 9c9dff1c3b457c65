"""The SPARQL endpoint and the Graph Store, as plain ASGI: query and read only.

Both are answered before any web framework sees the request. Errors are problem details with a
stable type; `PROBLEMS` is the one table from a reason to its status, for every address of the
site.

Where an answer comes from, tried in this order: the bytes that this very request had before;
nowhere (304), because the client has them; the bytes that another request for the same had; and a
worker. The first needs neither parsing nor a task: `SparqlEndpoint.instant` is for the server.

Spec: SPARQL 1.1 Protocol; SPARQL 1.1 Graph Store HTTP Protocol; SPARQL 1.1 Service Description;
RFC 9110 (HTTP), RFC 9457 (problem details); docs/reference/sparql.md
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import logging
import math
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import version
from time import perf_counter
from typing import Any, Final, Protocol
from urllib.parse import quote

import kg
from kg import logs
from kg.errors import KgError
from kg.store import Release
from kg.vocab import DCTERMS, RDF
from kg.vocab import integer as _integer
from kg.vocab import iri as _iri
from kg.vocab import literal as _literal
from kg.web import negotiation
from kg.web.cache import Asked, Cache, Headers, Kept, matches
from kg.web.guard import LENGTH, QueryFailure, Reason
from kg.web.language import N_
from kg.web.metrics import Metrics
from kg.web.pool import Answer, Pool, client
from kg.web.quota import Quota, client_of

_log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

PROBLEM: Final = "https://w3id.org/chancery/problem#"
"""What the `type` of every problem begins with; its reason follows."""
PROBLEMS: Final[Mapping[Reason, tuple[int, str]]] = {
    "request": (400, N_("The request cannot be read")),
    "syntax": (400, N_("The query cannot be read")),
    "service": (400, N_("SERVICE is refused")),
    "update": (400, N_("Updates are refused")),
    "graph": (400, N_("There is no such graph")),
    "parameter": (400, N_("A parameter cannot be used")),
    "complexity": (400, N_("The query is too complex")),
    "evaluation": (400, N_("The query cannot be evaluated")),
    "memory": (400, N_("The query needs too much memory")),
    "not-found": (404, N_("There is nothing here")),
    "method": (405, N_("The method is not allowed")),
    "format": (406, N_("There is no such format")),
    "length": (413, N_("The request is too long")),
    "result-size": (413, N_("The answer is too large")),
    "media-type": (415, N_("The media type of the request is not accepted")),
    "range": (416, N_("The file has no such range")),
    "quota": (429, N_("Too many queries")),
    "crash": (500, N_("The query has stopped its worker")),
    "internal": (500, N_("The service has failed")),
    "busy": (503, N_("The service is busy")),
    "store": (503, N_("The data cannot be read")),
    "timeout": (504, N_("The query takes too long")),
}

SD: Final = "http://www.w3.org/ns/sparql-service-description#"
VOID: Final = "http://rdfs.org/ns/void#"
ENTAILMENT: Final = "http://www.w3.org/ns/entailment/Simple"

_BODY: Final = 4 * LENGTH
"""Bytes of a request: a query of the greatest length, each byte of it percent-encoded, and more."""
_ROOM: Final = 32 << 20
"""Bytes of long bodies that are held at once; a quarter of them for one client."""
_SHORT: Final = 1 << 16
"""Bytes of a body that is always let in."""
_FIELDS: Final = 1000
_STEP: Final = 1 << 14
_PART: Final = 1 << 18
"""Bytes that a connection is given at once; `slow_reader_s` is the time for them."""
_INSTANT: Final = 1 << 16
_PATIENCE_S: Final = 0.02
"""How long a query runs before anybody looks whether its client is still there."""
_DATASET: Final = ("default-graph-uri", "named-graph-uri")
_QUERY: Final = "application/sparql-query"
_FORM: Final = "application/x-www-form-urlencoded"
_ALLOWED: Final = {"sparql": "GET, HEAD, POST, OPTIONS", "graphs": "GET, HEAD, OPTIONS"}
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]*)', re.IGNORECASE)
_NO_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ID = re.compile(rb"[A-Za-z0-9._:=+/-]{1,128}")
_NOT_PLAIN: Final = frozenset((b"content-length", b"transfer-encoding", b"expect", b"upgrade"))
_EVALUATED: Final = frozenset(
    ("ok", "left", "timeout", "memory", "result-size", "crash", "evaluation")
)
"""Outcomes of queries that a worker has worked on."""
_QUIET: Final = frozenset(("cached", "not-modified"))
_VARY: Final = (b"vary", b"Accept, Accept-Encoding")
_NO_CACHE: Final = (b"cache-control", b"no-cache")
_NO_STORE: Final = (b"cache-control", b"no-store")
COMMON: Final = (
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"ETag, Kg-Release, Kg-Rows-Cut, Link, Retry-After, X-Request-Id",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""Headers of every answer."""


class Connection(Protocol):
    """What `kg.web.server` puts into the scope of a request, as `kg.connection`."""

    def whole(self, scope: Scope, head: bytes, body: bytes) -> bool:
        """Return whether a whole answer was sent, in one go; else it has to be sent otherwise.

        Args:
            scope: of the request.
            head: status line and headers; the server adds its own.
            body: what follows behind an empty line.
        """

    def stop(self) -> None:
        """Break the connection, without a proper end of the answer that is being sent."""

    def watch(self, left: Callable[[], None]) -> None:
        """Call `left` when the client goes before the answer has gone."""

    def unwatch(self, left: Callable[[], None]) -> None:
        """Call `left` no more."""


class SparqlEndpoint:
    """The SPARQL endpoint of one release, for `/sparql` and `/sparql/`, and its Graph Store.

    Args:
        pool: the workers of the release.
        cache_mib: memory for answers that are kept; 0 for none.
        quota: counts the queries of each client; without one, nobody is refused.
        metrics: counts on where it is given, else anew.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        cache_mib: int = 32,
        quota: Quota | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.cache = Cache(cache_mib << 20)
        self.metrics = metrics or Metrics()
        self._pool = pool
        self._quota = quota or Quota(0)
        self._room = _Room()
        release = pool.release.id
        self._common = (*COMMON, (b"kg-release", release.encode()))
        self._seed = _key(release, kg.__version__, version("pyoxigraph"))
        self._more = f'<{pool.release.base_iri}download>; rel="related"'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; for `/graphs`, as the Graph Store.

        Raises:
            QueryFailure: an answer has to stop after its beginning was sent, and the server offers
                no way to break the connection but this.
        """
        request = _Request(scope, receive, send)
        kept = self.cache.find(request.asked) if request.asked else None
        if kept is None:
            await self._serve(request)
        else:
            await self._send(request, self._again(request, kept))
            self._told(request)

    def instant(
        self, url: bytes, headers: Sequence[tuple[bytes, bytes]]
    ) -> tuple[bytes, bytes] | None:
        """Return the answer to a GET that was answered before, or None for any other request.

        Returned are status line and headers, behind which there is room for more of them, and the
        body, which follows after an empty line.

        Args:
            url: path and query string, as they were sent.
            headers: with their names in small letters.
        """
        given = dict(headers)
        asked = (url, given.get(b"accept", b""), given.get(b"accept-encoding", b""))
        kept = self.cache.find(asked)
        if (
            kept is None
            or not kept.head
            or len(given) != len(headers)
            or not given.keys().isdisjoint(_NOT_PLAIN)
        ):
            return None
        metrics = self.metrics
        tag = given.get(b"if-none-match")
        if tag is None:
            head, body, status, outcome = kept.head, kept.body, 200, "cached"
            metrics.hits += 1
            metrics.sent += len(body)
        elif tag == kept.etag:
            head = _rendered(304, self._unchanged_headers(kept.etag))
            body, status, outcome = b"", 304, "not-modified"
            metrics.not_modified += 1
        else:
            return None
        name = request_id(given.get(b"x-request-id"))
        metrics.requests[kept.route, status] += 1
        metrics.queries[kept.form, outcome] += 1
        if _log.isEnabledFor(logging.DEBUG):
            told = {"form": kept.form, "outcome": outcome, "status": status}
            logs.say(_log, logging.DEBUG, "query", request=name.decode(), **told)
        return b"%bx-request-id: %b\r\n" % (head, name), body

    # --- one request ---

    async def _serve(self, request: _Request) -> None:
        """Work on a request as long as its client is there, and answer."""
        logs.request.set(request.id.decode())
        client.set(request.client)
        watch: _Watch | None = None
        try:
            try:
                if request.route == "graphs":
                    watch = _Watch(request)
                    response = await self._graphs(request)
                else:
                    media_type, body = "", b""
                    if request.method == "POST":
                        media_type = _media_type(request)
                        body = await _body(request, self._room)
                    watch = _Watch(request)
                    response = await self._sparql(request, media_type, body)
            except QueryFailure as failure:
                response = self._failed(request, failure)
            except _GoneError:
                request.outcome = "left"
                return
            except Exception as error:  # noqa: BLE001 - the edge of the process
                response = self._failed(request, failure_of(error))
            await self._send(request, response)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            # Both may be true: the client has gone, and the server ends.
            if watch is None or not watch.gone or task is None or task.uncancel():
                raise
            request.outcome = "left"
        except _StoppedError as stopped:
            if watch is not None:
                watch.stop()
            await _break(request, stopped.failure)
        finally:
            if watch is not None:
                watch.stop()
            self._room.leave(request)
            self._told(request)

    async def _sparql(self, request: _Request, media_type: str, body: bytes) -> _Response:
        """Return the answer of the SPARQL endpoint; `media_type` is that of the body of a POST."""
        method, pool = request.method, self._pool
        if method == "OPTIONS":
            return self._options("sparql")
        if method not in ("GET", "HEAD", "POST"):
            raise _not_allowed(method, "sparql")
        fields = _fields(request.scope["query_string"])
        if method == "POST":
            if media_type == _QUERY:
                if "query" in fields:
                    raise QueryFailure("parameter", "the query stands in the body and the address")
                fields["query"] = [_text(body, "the body")]
            else:
                form = await pool.aside(lambda: _fields(body), len(body))
                for field, values in form.items():
                    fields.setdefault(field, []).extend(values)
        if "update" in fields:
            raise QueryFailure("update", "this service only answers queries")
        query = _one(fields, "query")
        accept = request.header(b"accept")
        if names := fields.get("format"):
            accept = _named(names, (*negotiation.RESULT_FORMATS, *negotiation.GRAPH_FORMATS))
        timeout = seconds(_one(fields, "timeout"))
        if query is None:
            if method == "POST" or not fields.keys().isdisjoint(_DATASET):
                raise QueryFailure("parameter", "the parameter query is missing")
            return await self._description(request, accept)
        request.text = query
        coding = _coding(request)
        question = await pool.prepare(
            query,
            accept=accept,
            default_graphs=fields.get("default-graph-uri", ()),
            named_graphs=fields.get("named-graph-uri", ()),
            timeout_s=timeout,
            gzip=coding.gzip,
        )
        request.form = question.form
        key = None if question.volatile else question.key
        return await self._found(request, key, coding, lambda: pool.answer(question))

    async def _description(self, request: _Request, accept: str) -> _Response:
        """Return what the endpoint is: formats, features, graphs and their sizes."""
        request.form = "DESCRIPTION"
        media_type = _graph_format(accept, "there is no such description of this service")
        coding = _coding(request)
        pool = self._pool

        async def make() -> _Made:
            lines = "".join(describe(pool.release))
            return _Made(media_type, await pool.convert(lines, media_type))

        return await self._found(request, _key("description", media_type), coding, make)

    async def _graphs(self, request: _Request) -> _Response:
        """Return the answer of the Graph Store."""
        method, pool = request.method, self._pool
        if method == "OPTIONS":
            return self._options("graphs")
        if method not in ("GET", "HEAD"):
            raise _not_allowed(method, "graphs")
        fields = _fields(request.scope["query_string"])
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
        request.text = graph or ""
        accept = request.header(b"accept")
        if names := fields.get("format"):
            accept = _named(names, negotiation.GRAPH_FORMATS)
        media_type = _graph_format(accept, "there is no such form of a graph")
        coding = _coding(request)
        key = _key("graph", graph or "", media_type, str(coding.gzip))
        return await self._found(
            request, key, coding, lambda: pool.graph(graph, accept=media_type, gzip=coding.gzip)
        )

    # --- where an answer comes from ---

    async def _found(
        self,
        request: _Request,
        key: bytes | None,
        coding: negotiation.Coding,
        make: Callable[[], Awaitable[Answer | _Made]],
    ) -> _Response:
        """Return that the client has the answer already, or the one that is kept, or a new one.

        Args:
            key: what the answer depends on; None if two answers to the same may differ.
            make: asks a worker.
        """
        cache, reads = self.cache, request.method != "POST"
        if key is not None and not coding.identity:
            key = _key(key, "compressed, however small")
        etag = b""
        if key is not None:
            etag = b'W/"%b"' % hashlib.sha256(self._seed + key).hexdigest()[:32].encode()
        tags = request.headers.get(b"if-none-match") if etag and reads else None
        has = tags is not None and matches(tags, etag)
        # What was never answered may be no answer but an error: that has to be found out.
        if has and cache.given(etag):
            return self._unchanged(request, etag)
        if key is not None and (kept := cache.get(key, request.asked)) is not None:
            return self._again(request, kept)
        self._quota.take(request.client)
        self.metrics.misses += 1
        answer = await make()
        request.lane = "slow" if answer.slow else "fast"
        if has:
            if isinstance(answer, Answer):
                answer.close()
            cache.give(etag)
            return self._unchanged(request, etag)
        body, zipped = answer.body, answer.gzip
        if body is not None and not zipped and not coding.identity:
            # The worker leaves small answers as they are; this client wants none of those.
            body, zipped = gzip.compress(body, mtime=0), True
        request.outcome = "ok"
        headers = self._headers(answer, zipped, etag if reads else b"", body)
        if body is None:
            assert isinstance(answer, Answer)
            return _Response(200, headers, answer, etag)
        if key is not None and cache.fits(len(body)):
            again = headers if reads else self._headers(answer, zipped, etag, body)
            kept = self._kept(request, key, etag, again, body)
            cache.put(kept, request.asked)
            if reads:
                return _Response(200, headers, body, etag, kept.head)
        return _Response(200, headers, body, etag)

    def _headers(
        self, answer: Answer | _Made, zipped: bool, etag: bytes, body: bytes | None
    ) -> Headers:
        """Return the headers of an answer; without an entity tag it is not to be stored."""
        name = negotiation.content_type(answer.media_type).encode()
        headers = [(b"content-type", name), _VARY]
        headers += [_NO_CACHE, (b"etag", etag)] if etag else [_NO_STORE]
        if zipped:
            headers.append((b"content-encoding", b"gzip"))
        if answer.cut:
            headers += [(b"kg-rows-cut", b"%d" % answer.cut), (b"link", self._more)]
        if body is not None:
            headers.append((b"content-length", b"%d" % len(body)))
        return [*headers, *self._common]

    def _kept(
        self, request: _Request, key: bytes, etag: bytes, headers: Headers, body: bytes
    ) -> Kept:
        """Return an answer as it is kept."""
        kept = Kept(key, request.route, request.form, etag, headers, body)
        if len(body) <= _INSTANT:
            kept.head = _rendered(200, headers)
        return kept

    def _again(self, request: _Request, kept: Kept) -> _Response:
        """Return an answer that is kept, unless the client has it."""
        request.form, request.outcome = kept.form, "cached"
        if request.method == "POST":
            headers = [pair for pair in kept.headers if pair[0] not in (b"etag", b"cache-control")]
            self.metrics.hits += 1
            return _Response(200, [*headers, _NO_STORE], kept.body)
        tags = request.headers.get(b"if-none-match")
        if tags is not None and matches(tags, kept.etag):
            return self._unchanged(request, kept.etag)
        self.metrics.hits += 1
        return _Response(200, kept.headers, kept.body, kept.etag, kept.head)

    def _unchanged(self, request: _Request, etag: bytes) -> _Response:
        """Return that the client has the answer already."""
        request.outcome = "not-modified"
        self.metrics.not_modified += 1
        return _Response(304, self._unchanged_headers(etag))

    def _unchanged_headers(self, etag: bytes) -> Headers:
        return [_VARY, _NO_CACHE, (b"etag", etag), *self._common]

    def _failed(self, request: _Request, failure: QueryFailure) -> _Response:
        request.outcome = failure.reason
        status, headers, body = problem(failure, self._pool.release.id)
        headers.append((b"content-length", b"%d" % len(body)))
        return _Response(status, [*headers, *self._common], body)

    def _options(self, route: str) -> _Response:
        """Return the answer to OPTIONS, which is also that to a preflight of CORS."""
        methods = _ALLOWED[route].encode()
        headers = [
            (b"allow", methods),
            (b"access-control-allow-methods", methods),
            (b"access-control-allow-headers", b"Accept, Content-Type, If-None-Match, X-Request-Id"),
            (b"access-control-max-age", b"86400"),
        ]
        if route == "sparql":
            headers.append((b"accept-post", f"{_QUERY}, {_FORM}".encode()))
        return _Response(204, [*headers, *self._common])

    # --- the way back ---

    async def _send(self, request: _Request, response: _Response) -> None:
        """Send a response.

        Raises:
            _StoppedError: it had to stop after its beginning was sent.
        """
        send, body = request.send, response.body
        request.status = response.status
        if isinstance(body, bytes) and len(body) <= _INSTANT and request.method != "HEAD":
            connection = request.connection
            if connection is not None:
                head = response.head or _rendered(response.status, response.headers)
                head = b"%bx-request-id: %b\r\n" % (head, request.id)
                if connection.whole(request.scope, head, body):
                    request.sent = len(body)
                    self._given(response)
                    return
        headers = [*response.headers, (b"x-request-id", request.id)]
        start = {"type": "http.response.start", "status": response.status, "headers": headers}
        if isinstance(body, Answer):
            try:
                await send(start)  # may wait for a client that never reads
                if request.method != "HEAD":
                    async for part in body:
                        await send({"type": "http.response.body", "body": part, "more_body": True})
                        request.sent += len(part)
            except QueryFailure as failure:
                request.outcome = failure.reason
                raise _StoppedError(failure) from None
            finally:
                body.close()
            await send({"type": "http.response.body", "body": b""})
        else:
            await send(start)
            body = b"" if request.method == "HEAD" else body
            for offset in range(0, len(body) - _PART, _PART):
                part = body[offset : offset + _PART]
                await send({"type": "http.response.body", "body": part, "more_body": True})
                request.sent += len(part)
            rest = body[request.sent :]
            await send({"type": "http.response.body", "body": rest})
            request.sent += len(rest)
        if request.method != "HEAD":  # nothing shows that the answer has an end
            self._given(response)

    def _given(self, response: _Response) -> None:
        """Remember the entity tag of an answer that was sent to its end."""
        if response.etag and response.status == 200:
            self.cache.give(response.etag)

    def _told(self, request: _Request) -> None:
        """Count a request and what came of it, and say so."""
        metrics, form, outcome = self.metrics, request.form, request.outcome
        if request.status:
            metrics.requests[request.route, request.status] += 1
        if not form:
            return
        seconds = perf_counter() - request.began
        metrics.sent += request.sent
        metrics.queries[form, outcome] += 1
        slow = request.lane == "slow" or seconds >= self._pool.limits.slow_after_s
        if outcome in _EVALUATED:
            metrics.seconds["slow" if slow else "fast"].add(seconds)
        level = logging.DEBUG if outcome in _QUIET and not request.lane else logging.INFO
        if not _log.isEnabledFor(level):
            return
        text = request.text.encode("utf-8", "surrogatepass")
        name = request.id.decode()
        logs.say(
            _log,
            level,
            "query",
            request=name,
            query=hashlib.sha256(text).hexdigest()[:16] if text else "",
            form=form,
            outcome=outcome,
            status=request.status,
            ms=round(seconds * 1000, 1),
            bytes=request.sent,
            lane=request.lane,
        )
        if _log.isEnabledFor(logging.DEBUG):
            told = {"client": request.client, "text": request.text}
            logs.say(_log, logging.DEBUG, "asked", request=name, **told)


def request_id(given: bytes | None) -> bytes:
    """Return the id of a request: what the client or a proxy calls it if that is fit, or a new one.

    >>> request_id(b"a-1"), len(request_id(b"two words")), len(request_id(None))
    (b'a-1', 16, 16)
    """
    if given is not None and _ID.fullmatch(given):
        return given
    return b"%016x" % random.getrandbits(64)


def status_of(reason: Reason) -> int:
    """Return the HTTP status that says so."""
    return PROBLEMS[reason][0]


def failure_of(error: Exception) -> QueryFailure:
    """Return what to say of an error; one that nobody can be blamed for is logged."""
    if isinstance(error, QueryFailure):
        return error
    if isinstance(error, KgError | OSError):
        _log.error("the release cannot be read: %s", error)
        return QueryFailure("store", "the data cannot be read")
    _log.error("a request failed", exc_info=error)
    return QueryFailure("internal", "the answer could not be made")


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
    headers = [(b"content-type", b"application/problem+json"), _VARY, _NO_STORE]
    if failure.retry_after:
        headers.append((b"retry-after", str(failure.retry_after).encode()))
    if failure.reason == "method":
        headers.append((b"allow", failure.expected.encode()))
    if failure.reason == "media-type":
        headers.append((b"accept-post", f"{_QUERY}, {_FORM}".encode()))
    return status, headers, json.dumps(body, ensure_ascii=False).encode()


# --- requests and responses ------------------------------------------------------------------


class _Request:
    """One request, and what has come of it so far."""

    __slots__ = (
        *("scope", "receive", "send", "connection"),
        *("method", "route", "headers", "id", "asked", "client"),
        *("began", "form", "text", "lane", "outcome", "status", "sent", "held"),
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.began = perf_counter()
        self.scope = scope
        self.connection: Connection | None = scope.get("kg.connection")
        self.receive = receive
        self.send = send
        self.method: str = scope["method"]
        self.route = "graphs" if scope["path"].startswith("/graphs") else "sparql"
        self.headers = _merged(scope["headers"])
        self.id = request_id(self.headers.get(b"x-request-id"))
        self.client = client_of(scope)
        self.asked: Asked | None = None
        self.form = ""
        if self.route == "sparql" and self.method in ("GET", "HEAD", "POST"):
            self.form = "unknown"
        elif self.method in ("GET", "HEAD"):
            self.form = "GRAPH"
        if self.method in ("GET", "HEAD"):
            query: bytes = scope["query_string"]
            path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
            self.asked = (
                b"%b?%b" % (path, query) if query else path,
                self.headers.get(b"accept", b""),
                self.headers.get(b"accept-encoding", b""),
            )
        self.text = ""
        self.lane = ""
        self.outcome = ""
        self.status = 0
        self.sent = 0
        self.held = 0

    def header(self, name: bytes) -> str:
        """Return the value of a header; empty where it is not there."""
        return self.headers.get(name, b"").decode("latin-1")


def _merged(pairs: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the headers by name; one that stands there twice is one with a comma."""
    found = dict(pairs)
    if len(found) != len(pairs):
        found.clear()
        for name, value in pairs:
            found[name] = b"%b,%b" % (found[name], value) if name in found else value
    return found


@dataclass(slots=True)
class _Response:
    """Status, headers and what is sent.

    Args:
        etag: the entity tag that is given out with it.
        head: status line and headers as they are sent, where that is known.
    """

    status: int
    headers: Headers
    body: bytes | Answer = b""
    etag: bytes = b""
    head: bytes = b""


@dataclass(slots=True)
class _Made:
    """An answer that no query has."""

    media_type: str
    body: bytes
    gzip: bool = False
    cut: int = 0
    slow: bool = False


class _GoneError(Exception):
    """The client has gone before it had sent its request."""


class _StoppedError(Exception):
    """An answer had to stop after its beginning was sent."""

    def __init__(self, failure: QueryFailure) -> None:
        super().__init__(failure)
        self.failure = failure


class _Watch:
    """Cancels the task of a request when its client goes.

    The connection tells; where the server has none that does, it is asked, but after a moment only:
    most queries are answered in less, and cost one timer.
    """

    __slots__ = ("_connection", "_receive", "_task", "_timer", "_watching", "gone")

    def __init__(self, request: _Request) -> None:
        self.gone = False
        self._task = asyncio.current_task()
        self._watching: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._connection = request.connection
        if self._connection is not None:
            self._connection.watch(self._left)
        else:
            self._receive = request.receive
            self._timer = asyncio.get_running_loop().call_later(_PATIENCE_S, self._begin)

    def stop(self) -> None:
        """Look no more."""
        if self._connection is not None:
            self._connection.unwatch(self._left)
        if self._timer is not None:
            self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()

    def _begin(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        await _gone(self._receive)
        self._left()

    def _left(self) -> None:
        self.gone = True
        if self._task is not None:
            self._task.cancel()


async def _gone(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _break(request: _Request, failure: QueryFailure) -> None:
    """Break the connection, so that no client takes what it has for a whole answer.

    Raises:
        QueryFailure: the server has no way to do so but this.
    """
    if request.connection is None:
        raise failure
    request.connection.stop()
    await _gone(request.receive)


def _key(*parts: str | bytes) -> bytes:
    """Return a hash of what is told apart by its parts."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(b"%d:%b" % (len(data), data))
    return digest.digest()


def _rendered(status: int, headers: Headers) -> bytes:
    """Return status line and headers as HTTP/1.1 sends them."""
    return b"".join([_status_line(status), *[b"%b: %b\r\n" % pair for pair in headers]])


@lru_cache
def _status_line(status: int) -> bytes:
    return b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode())


# --- reading requests ------------------------------------------------------------------------


def _not_allowed(method: str, route: str) -> QueryFailure:
    return QueryFailure(
        "method", "this address only answers questions", seen=method, expected=_ALLOWED[route]
    )


def _coding(request: _Request) -> negotiation.Coding:
    """Return how the answer may be sent.

    Raises:
        QueryFailure: `format`: neither compressed nor as it is.
    """
    sent = request.header(b"accept-encoding")
    coding = negotiation.coding(sent)
    if not coding.gzip and not coding.identity:
        raise QueryFailure(
            "format",
            "there is no such coding of an answer",
            seen=sent,
            expected="gzip or identity",
            available=("gzip", "identity"),
        )
    return coding


def _graph_format(accept: str, what: str) -> str:
    """Return the media type to send a graph in.

    Raises:
        QueryFailure: `format`, with those that are on offer.
    """
    found = negotiation.choose(accept, negotiation.GRAPH_FORMATS)
    if found is None:
        available = negotiation.media_types(negotiation.GRAPH_FORMATS)
        raise QueryFailure(
            "format",
            what,
            seen=accept,
            expected="one of " + ", ".join(available),
            available=available,
        )
    return found[1]


def _media_type(request: _Request) -> str:
    """Return the media type of a request that has a body.

    Raises:
        QueryFailure: `media-type`.
    """
    sent = request.header(b"content-type")
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
    if request.header(b"content-encoding").strip().lower() not in ("", "identity"):
        raise QueryFailure("media-type", "an encoded body is not accepted", expected="identity")
    return media_type


class _Room:
    """What is left for the long bodies of requests, so that who sends many of them, or never ends
    them, does not take all memory.
    """

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    def enter(self, request: _Request, length: int) -> None:
        """Take note of the length that the body of a request has reached.

        Raises:
            QueryFailure: `busy`.
        """
        if length <= _SHORT:
            return
        client, held = request.client, self._held
        held[client] += length - request.held
        request.held = length
        if held.total() > _ROOM or held[client] > _ROOM // 4:
            raise QueryFailure("busy", "too many long requests at once", retry_after=5)

    def leave(self, request: _Request) -> None:
        """Forget the body of a request."""
        if request.held:
            self._held[request.client] -= request.held
            request.held = 0
            self._held = +self._held


async def _body(request: _Request, room: _Room) -> bytes:
    """Return the body of a request.

    Raises:
        QueryFailure: `length`, `busy`.
        _GoneError: the client has gone.
    """
    too_long = QueryFailure(
        "length", "the request is too long", expected=f"at most {_BODY:,} bytes"
    )
    announced = request.header(b"content-length")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > _BODY:
        raise too_long
    body = bytearray()
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        body += message.get("body", b"")
        if len(body) > _BODY:
            raise too_long
        room.enter(request, len(body))
        if not message.get("more_body", False):
            return bytes(body)


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise QueryFailure(
            "parameter", f"{what} is not UTF-8", seen=f"byte {error.start}: {data[error.start]:#x}"
        ) from None


def _fields(data: bytes) -> dict[str, list[str]]:
    """Return the fields of a query string or form, with all their values.

    Spec: WHATWG URL, application/x-www-form-urlencoded parsing, of UTF-8 only
    """
    parts = data.split(b"&")
    if len(parts) > _FIELDS:
        raise QueryFailure(
            "parameter", "there are too many parameters", expected=f"at most {_FIELDS:,}"
        )
    fields: dict[str, list[str]] = {}
    for part in parts:
        if part:
            name, _, value = part.replace(b"+", b" ").partition(b"=")
            fields.setdefault(_unquoted(name), []).append(_unquoted(value))
    return fields


def _unquoted(data: bytes) -> str:
    """Return text without percent-encoding; a `%` that begins no escape stands for itself."""
    if b"%" not in data:
        return _text(data, "a parameter")
    # The escapes of Python's own strings are decoded a hundred times as fast as by
    # `urllib.parse`; in steps, so that other threads can go on.
    pieces, start = [], 0
    while start < len(data):
        end = start + _STEP
        cut = data.rfind(b"%", end - 2, end) if end < len(data) else -1
        end = cut if cut > start else end
        piece = data[start:end]
        if _NO_ESCAPE.search(piece) is not None:
            piece = _NO_ESCAPE.sub(b"%25", piece)
        piece = piece.replace(b"\\", rb"\\").replace(b"%", rb"\x")
        pieces.append(piece.decode("unicode_escape").encode("latin-1"))
        start = end
    return _text(b"".join(pieces), "a parameter")


def _one(fields: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = fields.get(name, ())
    if len(values) > 1:
        raise QueryFailure("parameter", f"the parameter {name} stands {len(values)} times")
    return values[0] if values else None


def _named(names: Sequence[str], formats: Sequence[negotiation.Format]) -> str:
    """Return the Accept header that says what `?format=` does."""
    accept = negotiation.accept_of(names, formats)
    if accept is None:
        known = [one.name for one in formats]
        raise QueryFailure(
            "parameter",
            "the parameter format names no format"
            if len(names) == 1
            else "the parameter format does not name one format",
            seen=", ".join(names),
            expected="one of " + ", ".join(known),
            available=known,
        )
    return accept


def seconds(value: str | None) -> float | None:
    """Return the deadline that a request asks for; None where it asks for none.

    Raises:
        QueryFailure: `parameter`: it is no number over 0.
    """
    if value is None:
        return None
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise QueryFailure(
            "parameter",
            "the parameter timeout is not a number of seconds",
            seen=value,
            expected="a number over 0, such as 2.5",
        )
    return found


# --- the service description -----------------------------------------------------------------


def describe(release: Release) -> Iterable[str]:
    """Yield the lines of the service description, as N-Triples, in a fixed order.

    Features that are not said are not there: nothing is dereferenced, SERVICE is refused, graphs
    without a triple do not exist, and no request needs a dataset.

    Spec: SPARQL 1.1 Service Description; VoID, section 4.3
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
    yield line(service, f"{SD}defaultEntailmentRegime", _iri(ENTAILMENT))
    for format_ in (*negotiation.RESULT_FORMATS, *negotiation.GRAPH_FORMATS):
        yield line(service, f"{SD}resultFormat", _iri(format_.iri))
    yield line(service, f"{SD}defaultDataset", _iri(dataset))
    yield line(service, f"{SD}availableGraphs", _iri(dataset))
    described = f"{release.base_iri}dataset"
    yield line(described, f"{RDF}type", _iri(f"{VOID}Dataset"))
    yield line(described, f"{VOID}sparqlEndpoint", _iri(service))
    yield line(dataset, f"{RDF}type", _iri(f"{SD}Dataset"))
    yield line(dataset, f"{DCTERMS}title", _literal(manifest.title))
    yield line(dataset, f"{DCTERMS}identifier", _literal(manifest.id))
    yield line(dataset, f"{SD}defaultGraph", _iri(union))
    names = {f"{service}#{quote(graph.iri, safe='')}": graph for graph in manifest.graphs}
    for named in names:
        yield line(dataset, f"{SD}namedGraph", _iri(named))
    yield line(union, f"{RDF}type", _iri(f"{SD}Graph"))
    yield line(union, f"{RDF}type", _iri(f"{VOID}Dataset"))
    yield line(union, f"{VOID}triples", _integer(manifest.triples))
    for named, graph in names.items():
        yield line(named, f"{RDF}type", _iri(f"{SD}NamedGraph"))
        yield line(named, f"{SD}name", _iri(graph.iri))
        yield line(named, f"{SD}graph", _iri(f"{named}-triples"))
        yield line(f"{named}-triples", f"{RDF}type", _iri(f"{SD}Graph"))
        yield line(f"{named}-triples", f"{RDF}type", _iri(f"{VOID}Dataset"))
        yield line(f"{named}-triples", f"{VOID}triples", _integer(graph.quads))
