"""A SPARQL server elsewhere: how it is asked, and how its graphs are written.

HTTP is that of the package httpx2, of the extra `servers`. Nothing waits without a bound, no
address is followed that the server names, and an answer that the server has cut is an error: some
cut at their row limit with status 200.

Spec: SPARQL 1.1 Protocol; SPARQL 1.1 Graph Store HTTP Protocol;
docs/decisions/0019-other-servers.md
"""

from __future__ import annotations

import importlib.util
import ipaddress
import json
import logging
import re
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

from kg.errors import ConfigError, ServerError, ServerReason

if TYPE_CHECKING:
    from types import TracebackType

    import httpx2

_log = logging.getLogger(__name__)

JSON: Final = "application/sparql-results+json"
NTRIPLES: Final = "application/n-triples"
NQUADS: Final = "application/n-quads"
EXTRA: Final = "servers"
DCTERMS: Final = "http://purl.org/dc/terms/"
SD: Final = "http://www.w3.org/ns/sparql-service-description#"

_CONNECT_S: Final = 5.0
_TRIES: Final = 4
"""How often what is safe to repeat is sent in all."""
_FIRST_WAIT_S: Final = 1.0
_AGAIN: Final = frozenset({429, 502, 503, 504})
_SMALL: Final = 16 << 20
"""Bytes of an answer that is read as a whole."""
_SAID: Final = 600
"""Bytes of a refusal that are looked at."""
_PAGE: Final = 1000
"""Rows that are asked for at a time: below the row limit of any server."""
_MARKUP: Final = re.compile(r"<[^>]*>|\s+")
_EVALUATED: Final = re.compile(r"Virtuoso [0-9A-Z]{5} Error")
"""How Virtuoso answers a query that it cannot evaluate: with any status from 400 on."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where a server is, and who asks.

    Args:
        query: the address that takes queries.
        store: that of its Graph Store, where one is written to.
        user, password: for whoever has to say who they are; never shown.
        timeout_s: how long one request may take.
    """

    query: str
    store: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = 120.0


class Marker(NamedTuple):
    """What a server says of the release that was loaded into it.

    `release` is its id, or nothing while it is being loaded. `graphs` are the graphs that were
    loaded, each with a digest of what it holds, or nothing where it is not whole. `union` is the
    graph that holds the union of all, or nothing where the server's default graph does.
    """

    release: str = ""
    graphs: Mapping[str, str] = {}
    union: str = ""


def marker_graph(base: str) -> str:
    """Return the graph that tells which release a server holds.

    >>> marker_graph("https://kg.example/")
    'https://kg.example/export'
    """
    return f"{base}export"


def union_graph(base: str) -> str:
    """Return the name of the union of all graphs of a release.

    >>> union_graph("https://kg.example/")
    'https://kg.example/export/union'
    """
    return f"{base}export/union"


def no_graph(base: str) -> str:
    """Return the name of a graph that is never there: a dataset of it is an empty one."""
    return f"{base}export/none"


def check_address(address: str, where: str) -> str:
    """Return the address of a server if it can be one.

    Raises:
        ConfigError: it is none, or has a password in it.
    """
    expected = "an http or https address such as http://127.0.0.1:7878/query"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(
            f"no address of a server: {error}", where=where, seen=address, expected=expected
        ) from None
    if "@" in parts.netloc:
        raise ConfigError(
            "the address of a server must not have a user or a password in it",
            where=where,
            seen=f"{parts.scheme}://…@{parts.netloc.rpartition('@')[2]}",
            hint="set KG_SERVER_USER and KG_SERVER_PASSWORD, which no list of processes shows",
        )
    if parts.scheme not in ("http", "https") or not host or parts.fragment or parts.query:
        raise ConfigError("no address of a server", where=where, seen=address, expected=expected)
    return address


def is_local(address: str) -> bool:
    """Return whether an address is one of this machine.

    >>> is_local("http://127.0.0.1:7878/query"), is_local("http://kg.example/sparql")
    (True, False)
    """
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Reply:
    """The beginning of an answer, and its content as a file that is read once."""

    def __init__(self, response: httpx2.Response, address: str, most: int) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.failure: ServerError | None = None
        """What has ended the reading, where it did not come to its end."""
        self._address = address
        self._chunks = response.iter_bytes()
        self._held = b""
        self._left = most

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, or all that is left; none at the end.

        Raises:
            ServerError: the server breaks off, is too slow or says too much.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        if not self._held:
            try:
                with _http(self._address):
                    self._held = next(self._chunks, b"")
            except ServerError as failure:
                self.failure = failure
                raise
            self._left -= len(self._held)
            if self._left < 0:
                self.failure = ServerError(
                    "the answer is too large",
                    where=self._address,
                    hint="ask for less with LIMIT and OFFSET, or download the whole release",
                    reason="result-size",
                )
                raise self.failure
        found, self._held = self._held[:size], self._held[size:]
        return found


class Server:
    """A connection to a server; use it as `with Server(access) as server`.

    Args:
        access: where it is, and who asks.
        say: takes a line when something is tried again.
        wait: waits for some seconds.
    Raises:
        ConfigError: the extra is not installed, or an address is none.
    """

    def __init__(
        self,
        access: Access,
        *,
        say: Callable[[str], None] = _log.info,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        _needed()
        import httpx2

        for address in filter(None, (access.query, access.store)):
            check_address(address, "the address of the server")
        self.access = access
        self._say, self._wait = say, wait
        secure = any(a.startswith("https:") for a in (access.query, access.store))
        local = is_local(access.query) and (not access.store or is_local(access.store))
        self._client = httpx2.Client(
            auth=_credentials(access) if access.user else None,
            timeout=httpx2.Timeout(access.timeout_s, connect=_CONNECT_S),
            trust_env=not local,
            verify=secure,  # what needs no certificates need not read them
            headers={"user-agent": "chancery-kg", "accept-encoding": "identity"},
        )

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # --- asking ---

    @contextmanager
    def ask(
        self,
        query: str,
        *,
        default_graphs: Sequence[str] = (),
        named_graphs: Sequence[str] = (),
        timeout_s: float | None = None,
        most: int = _SMALL,
    ) -> Generator[Reply]:
        """Give the answer to a SELECT or ASK query, as results in JSON, while the context lasts.

        Args:
            query: the text, with all its prefixes.
            default_graphs, named_graphs: the dataset; without any, that of the server.
            timeout_s: how long the server may say nothing, if not as long as one request may take.
            most: bytes that the answer may have.
        Raises:
            ServerError: the server cannot be reached, refuses, has cut the answer or gives another
                one than was asked for.
        """
        import httpx2

        access = self.access
        fields = [("query", query)]
        fields += [("default-graph-uri", one) for one in default_graphs]
        fields += [("named-graph-uri", one) for one in named_graphs]
        request = self._client.build_request(
            "POST",
            access.query,
            content=urlencode(fields).encode(),
            headers={"content-type": "application/x-www-form-urlencoded", "accept": JSON},
            timeout=httpx2.Timeout(timeout_s or access.timeout_s, connect=_CONNECT_S),
        )
        response = self._sent(request)
        try:
            reply = Reply(response, access.query, most)
            if reply.status != 200:
                raise refusal(reply, access.query, "query")
            _whole(reply, access.query)
            kind = reply.headers.get("content-type", "")
            if kind.partition(";")[0].strip().lower() not in (JSON, "application/json"):
                raise ServerError(
                    "this address does not answer SPARQL queries",
                    where=access.query,
                    seen=f"an answer of the type {kind or 'nothing'}",
                    expected=JSON,
                    hint="give the address that takes queries, such as http://HOST:7878/query of "
                    "Oxigraph or http://HOST:8890/sparql of Virtuoso",
                )
            yield reply
        finally:
            with _http(access.query):
                response.close()

    def rows(self, query: str) -> list[dict[str, str]]:
        """Return the solutions of a small SELECT query: the values by variable.

        Raises:
            ServerError: as for `ask`; or what comes is no answer.
        """

        def attempt() -> Any:
            with self.ask(query) as reply:
                return reply.read()

        data = self._repeated(attempt, "a query")
        try:
            bindings = json.loads(data)["results"]["bindings"]
            return [{name: str(term["value"]) for name, term in row.items()} for row in bindings]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ServerError(
                "the answer of the server is no result of a query",
                where=self.access.query,
                seen=data[:100].decode(errors="replace"),
                expected="results in JSON",
            ) from error

    def count(self, graph: str | None) -> int:
        """Return the number of triples in a named graph, or in the default graph for None.

        Raises:
            ServerError: as for `rows`.
        """
        pattern = "?s ?p ?o" if graph is None else f"GRAPH <{graph}> {{ ?s ?p ?o }}"
        rows = self.rows(f"SELECT (COUNT(*) AS ?n) WHERE {{ {pattern} }}")
        try:
            return int(rows[0]["n"])
        except (IndexError, KeyError, ValueError) as error:
            raise ServerError(
                "the server does not count", where=self.access.query, seen=str(rows)[:100]
            ) from error

    def marker(self, base: str) -> Marker | None:
        """Return what the server says of the release of a base IRI in it, or None for nothing.

        Raises:
            ServerError: as for `rows`.
        """
        graph, found, last = marker_graph(base), list[tuple[str, str, str]](), ""
        while True:  # in pages by what they begin with: servers cut what is sorted and skipped
            rows = self.rows(
                f"SELECT ?s ?p ?o WHERE {{ GRAPH <{graph}> {{ ?s ?p ?o }} "
                f'FILTER(CONCAT(STR(?s), " ", STR(?p), " ", STR(?o)) > "{last}") }} '
                f'ORDER BY CONCAT(STR(?s), " ", STR(?p), " ", STR(?o)) LIMIT {_PAGE}'
            )
            try:
                found += [(row["s"], row["p"], row["o"]) for row in rows]
            except KeyError:
                raise ServerError(
                    "the answer of the server is another one than was asked for",
                    where=self.access.query,
                    seen=str(rows[0])[:100],
                ) from None
            if len(rows) < _PAGE:
                break
            last = " ".join(found[-1])
        if not found:
            return None
        told = {(s, p): o for s, p, o in found}
        parts = [o for s, p, o in found if (s, p) == (graph, f"{DCTERMS}hasPart")]
        return Marker(
            told.get((graph, f"{DCTERMS}identifier"), ""),
            {one: told.get((one, f"{DCTERMS}identifier"), "") for one in sorted(parts)},
            told.get((graph, f"{SD}defaultGraph"), ""),
        )

    # --- writing ---

    def put(self, graph: str | None, ntriples: bytes) -> None:
        """Make a graph, or the default graph, hold these triples and no others.

        Raises:
            ServerError: the server cannot be reached, or refuses.
        """
        self._write("PUT", _graph(graph), ntriples, NTRIPLES)

    def post(self, graph: str | None, ntriples: bytes) -> None:
        """Add triples to a graph, or to the default graph. There must be no blank nodes in them:
        then they may be sent again.

        Raises:
            ServerError: as for `put`.
        """
        self._write("POST", _graph(graph), ntriples, NTRIPLES)

    def post_quads(self, nquads: bytes) -> None:
        """Add quads without blank nodes, in one request; not every server takes that.

        Raises:
            ServerError: as for `put`.
        """
        self._write("POST", "", nquads, NQUADS)

    def delete(self, graph: str | None) -> None:
        """Remove a graph, or what is in the default graph; nothing happens where it is not there.

        Raises:
            ServerError: as for `put`.
        """
        self._write("DELETE", _graph(graph), b"", "")

    def _write(self, method: str, query: str, content: bytes, media_type: str) -> None:
        store = self.access.store
        address = f"{store}?{query}" if query else store
        headers = {"content-type": media_type} if content or method != "DELETE" else {}

        def attempt() -> None:
            request = self._client.build_request(method, address, content=content, headers=headers)
            response = self._sent(request)
            try:
                reply = Reply(response, store, _SMALL)
                if method == "DELETE" and reply.status == 404:
                    return
                if not 200 <= reply.status < 300:
                    raise refusal(reply, store, method)
                reply.read()
            finally:
                with _http(store):
                    response.close()

        self._repeated(attempt, f"{method} of {len(content):,} bytes")

    def _repeated(self, attempt: Callable[[], Any], what: str) -> Any:
        """Return what an attempt gives; one that may go better a second time is made again."""
        pause = _FIRST_WAIT_S
        for number in range(1, _TRIES + 1):
            try:
                return attempt()
            except ServerError as error:
                if not error.passing or number == _TRIES:
                    raise
                self._say(f"{what}: {error}; again in {pause:g} s")
                self._wait(pause)
                pause *= 2
        raise AssertionError("no attempt was made")

    def _sent(self, request: httpx2.Request) -> httpx2.Response:
        address = str(request.url.copy_with(query=None))
        with _http(address):
            return self._client.send(request, stream=True)


def _graph(graph: str | None) -> str:
    """Return the query string that names a graph in a Graph Store."""
    return "default" if graph is None else urlencode({"graph": graph})


def refusal(reply: Reply, address: str, what: str) -> ServerError:
    """Return the error for an answer with a status that is no success.

    Args:
        reply: the answer; some of it is read, for what the server says.
        address: what was asked.
        what: `query`, or the method by which something was to be written.
    """
    status = reply.status
    try:
        text = reply.read(_SAID).decode(errors="replace")
    except ServerError:
        text = ""
    said = _MARKUP.sub(" ", text).strip()
    said = re.sub(r" {2,}", " ", said.partition("SPARQL query:")[0]).strip()[:300]
    seen = f"status {status}" + (f": {said}" if said else "")
    reason: ServerReason = "store"
    if status in (401, 403):
        return ServerError(
            "the server does not let us in" if status == 401 else "the server does not permit this",
            where=address,
            seen=seen,
            hint="set KG_SERVER_USER and KG_SERVER_PASSWORD to somebody who may "
            + ("ask" if what == "query" else "write there"),
        )
    if status in (404, 405, 406, 410, 415, 501) or 300 <= status < 400:
        return ServerError(
            "this address does not answer SPARQL queries"
            if what == "query"
            else f"this address takes no {what}: it is no Graph Store that can be written",
            where=address,
            seen=seen,
            hint="see docs/how-to/serve-past-one-box.md for the addresses of each server",
        )
    if status == 413:
        return ServerError(
            "the piece is too large for the server",
            where=address,
            seen=seen,
            hint="send smaller ones with --piece-mib",
        )
    if what == "query" and (status == 400 or _EVALUATED.search(said)):
        reason = "evaluation"
    if status in (408, 504) and what == "query":
        reason = "timeout"
    return ServerError(
        "the server cannot evaluate the query"
        if reason == "evaluation"
        else f"the server fails with a {what}",
        where=address,
        seen=seen,
        reason=reason,
        passing=status in _AGAIN,
        hint="" if reason == "evaluation" else "look into its log",
    )


def _whole(reply: Reply, address: str) -> None:
    """Return if nothing says that the server has cut the answer.

    Raises:
        ServerError: it has.
    """
    rows = reply.headers.get("x-sparql-maxrows")
    if rows is not None:
        raise ServerError(
            f"the server gives {rows} rows at most, so the answer may have been cut",
            where=address,
            expected=f"fewer than {rows} rows",
            hint="ask for less with LIMIT and OFFSET; who runs it can raise ResultSetMaxRows",
            reason="result-size",
        )
    state = reply.headers.get("x-sql-state")
    if state is not None:
        message = reply.headers.get("x-sql-message", "")
        raise ServerError(
            "the server has stopped before the answer was whole",
            where=address,
            seen=f"{state} {message}".strip(),
            hint="ask for less; who runs it can raise MaxQueryExecutionTime",
            reason="timeout" if state == "S1TAT" else "store",
        )


@contextmanager
def _http(address: str) -> Generator[None]:
    """Turn what the client of HTTP raises into errors of ours."""
    import httpx2

    try:
        yield
    except httpx2.TimeoutException as error:
        connecting = isinstance(error, httpx2.ConnectTimeout)
        raise ServerError(
            "the server cannot be reached" if connecting else "the server does not answer in time",
            where=address,
            seen=type(error).__name__,
            hint="see whether it runs, and what keeps it busy",
            reason="store" if connecting else "timeout",
            passing=True,
        ) from None
    except httpx2.ConnectError as error:
        raise ServerError(
            "the server cannot be reached",
            where=address,
            seen=str(error),
            expected="a SPARQL server that listens there",
            hint="start it, or give its address",
            passing=True,
        ) from None
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise ServerError(
            "the connection to the server broke",
            where=address,
            seen=f"{type(error).__name__}: {error}",
            hint="look into its log",
            passing=True,
        ) from None


def _needed() -> None:
    """Return if the client of HTTP is installed.

    Raises:
        ConfigError: it is not.
    """
    if importlib.util.find_spec("httpx2") is None:
        raise ConfigError(
            f"another server is reached with the extra {EXTRA}",
            expected="the package httpx2",
            hint=f"pip install 'chancery-kg[{EXTRA}]'",
        )


def _credentials(access: Access) -> httpx2.Auth:
    """Return what says who asks, in the way that the server wants: Digest or Basic."""
    import httpx2

    digest = httpx2.DigestAuth(access.user, access.password)
    basic = httpx2.BasicAuth(access.user, access.password)

    class Credentials(httpx2.Auth):
        chosen: httpx2.Auth | None = None

        def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response]:
            if self.chosen is None:
                response = yield request
                if response.status_code != 401:
                    return
                asked = response.headers.get("www-authenticate", "").lower()
                self.chosen = digest if asked.startswith("digest") else basic
                plain = self.chosen is basic and request.url.scheme == "http"
                if plain and not is_local(str(request.url)):
                    _log.warning("the password goes to %s unencrypted", request.url.host)
            yield from self.chosen.auth_flow(request)

    return Credentials()


def marker_lines(base: str, marker: Marker) -> bytes:
    """Return the triples of a marker as N-Triples, sorted.

    Args:
        base: the base IRI of the release.
        marker: what they say.
    """
    graph = marker_graph(base)
    lines = [f"<{graph}> <{DCTERMS}hasPart> <{one}> .\n" for one in marker.graphs]
    lines += [
        f'<{one}> <{DCTERMS}identifier> "{digest}" .\n'
        for one, digest in marker.graphs.items()
        if digest
    ]
    if marker.release:
        lines.append(f'<{graph}> <{DCTERMS}identifier> "{marker.release}" .\n')
    if marker.union:
        lines.append(f"<{graph}> <{SD}defaultGraph> <{marker.union}> .\n")
    return "".join(sorted(lines)).encode()


def differences(server: Server, expected: Iterable[tuple[str, str | None, int]]) -> list[str]:
    """Return in which numbers of triples a server differs from what is expected.

    Each graph is counted by a query of its own, whose answer is one row: no row limit cuts it.

    Args:
        server: what is asked.
        expected: how each graph is called in messages, its IRI or None for the default graph, and
            how many triples it should have.
    Raises:
        ServerError: as for `Server.count`.
    """
    found = []
    for name, graph, wanted in expected:
        seen = server.count(graph)
        if seen != wanted:
            found.append(f"{name}: {seen:,} triples; expected {wanted:,}")
    return found
