"""The site: every address, on top of one finished release.

`create_app` returns a plain ASGI application. `/sparql` and `/graphs` are answered before FastAPI
sees the request; everything else is a route below. No query is evaluated in this process: pages
ask the pool of workers.

The release that `<releases>/current` points to is opened when the server starts, and looked for
again every second: a new one is opened beside the old, new requests go to it, and the old workers
end when their last request is answered. One that cannot be opened leaves the old one served.

Spec: RFC 9110 (HTTP), RFC 9457 (problem details), Cool URIs for the Semantic Web (303)
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import html
import inspect
import itertools
import json
import logging
import re
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import jinja2
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

import kg
from kg import changes, logs
from kg.diff import Difference
from kg.dumps import GRAPHS, MEDIA_TYPES, PACKINGS
from kg.errors import KgError
from kg.manifest import (
    LABELS,
    MANIFEST,
    SUMS,
    FileEntry,
    Manifest,
    Question,
    read_manifest,
    read_publications,
)
from kg.serialise import Documents
from kg.store import Release, current_release
from kg.vocab import CH, RDF, graph_iri
from kg.web import corrections, describe, history, pages
from kg.web.cache import matches
from kg.web.downloads import Files, answer
from kg.web.guard import QueryFailure, Reason
from kg.web.metrics import Exposition, Metrics, State
from kg.web.negotiation import (
    GRAPH_FORMATS,
    HTML,
    JSON,
    PAGE_FORMATS,
    RESULT_FORMATS,
    TURTLE,
    Format,
    by_suffix,
    choose,
    media_types,
)
from kg.web.openapi import Page, interface
from kg.web.pageloop import PageLoop, at
from kg.web.pool import Answer, Limits, Pool, client, solutions
from kg.web.protocol import PROBLEMS, SparqlEndpoint, failure_of, request_id, seconds, status_of
from kg.web.protocol import problem as problem_json
from kg.web.quota import Quota, client_of
from kg.web.search import Hits, label_languages, search

if TYPE_CHECKING:
    from kg.config import Settings

_log = logging.getLogger(__name__)

HERE: Final = Path(__file__).parent
POLL_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
"""Between two tries to open a release that could not be opened."""
_DEADLINES: Final = 3
"""So many deadlines of a query after it was replaced, nobody needs a release's workers."""
ROWS_SHOWN: Final = 1000
ROWS_AT_HOME: Final = 5
AT_HOME_S: Final = 3.0
"""How long the home page waits for the answers to all questions."""
AT_HOME_EACH_S: Final = 0.5
"""How long it waits for one, and that once for each release."""
LANGUAGES_SHOWN: Final = 16
A_DAY: Final = "public, max-age=86400"
"""How long caches may keep what never changes, unless something in it is suppressed."""
FOREVER: Final = "public, max-age=31536000, immutable"
PAGES_OF_CHANGES: Final = 5000
"""Pages that the root of the feed of changes names: the last ones."""
CHANGES_SHOWN: Final = 500
"""Lines of a list of changes."""
DESCRIPTIONS_KEPT: Final = 8
GRAPHS_SHOWN: Final = 500
"""Named graphs that the page of downloads lists."""
HITS_SHOWN: Final = 50
"""Things on a page of what was searched for."""
LARGEST_ON_PAGE: Final = 8 << 20
"""Bytes of an answer that a page shows; the endpoint gives more."""

POLICY: Final = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
REPORT_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"Accept-Ranges, Content-Location, Content-Range, ETag, Kg-Release, Link, Repr-Digest, "
        b"Retry-After, X-Request-Id",
    ),
)
OPERATIONS: Final = ("/healthz", "/readyz", "/metrics")
"""Answered at once, however much is being done for pages."""
BARE: Final = ("/sparql", "/sparql/", "/graphs", "/graphs/")
_DESCRIPTIONS: Final = (*GRAPH_FORMATS, HTML)
_ANSWERS: Final = (*RESULT_FORMATS, *_DESCRIPTIONS)
LANGUAGE_NAMES: Final[Mapping[str, str]] = {
    "en": "English",
    "bn": "বাংলা",
    "hi": "हिन्दी",
    "ko": "한국어",
    "ru": "Русский",
    "uk": "Українська",
    "zh": "中文",
    "ja": "日本語",
    "ar": "العربية",
    "fr": "Français",
    "de": "Deutsch",
    "es": "Español",
}
KIND_NAMES: Final[Mapping[str, str]] = {
    "agent": "People, states, organisations, sources",
    "place": "Places",
    "thing": "Things",
    "position": "Offices",
    "event": "Events",
    "relation": "Relations",
    "claim": "Claims",
    "claimset": "Sets of claims",
    "document": "Documents",
    "term": "Terms of the ontology",
    "participation": "Participations",
    "span": "Spans of text",
    "quantity": "Quantities",
    "time": "Times",
    "record": "Records of links",
    "notice": "Notices of corrections and withdrawals",
}


# --- the release that is served ------------------------------------------------------------------


class PoolEngine:
    """Answers the queries of pages with a pool of workers, from whichever loop they are asked.

    Made in the loop that the pool is used in.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._home = asyncio.get_running_loop()
        self.terms: Mapping[str, Sequence[describe.Quad]] = {}
        self.imported = pool.release.manifest.imported

    async def rows(self, queries: Sequence[str]) -> list[list[describe.Row]]:
        """Return the solutions of several SELECT queries.

        Raises:
            QueryFailure: for the first query that fails.
        """
        documents = await at(self._home, self.pool.documents(queries))
        return [[_terms(row) for row in solutions(document)] for document in documents]

    async def ask(self, query: str, limit: int, **options: Any) -> describe.Solutions:
        """Return the answer to a query of any form, of at most `limit` rows.

        Args:
            query: the text.
            limit: rows that are wanted.
            options: dataset and deadline, as for `Pool.query`.
        Raises:
            QueryFailure: it was refused or failed, or the answer is too large for a page.
        """
        answer, body = await at(self._home, self._whole(query, options))
        if answer.media_type == TURTLE.media_type:
            return describe.Solutions(text=body.decode(), cut=bool(answer.cut))
        found = json.loads(body)
        if "boolean" in found:
            return describe.Solutions(truth=found["boolean"])
        rows = found["results"]["bindings"]
        return describe.Solutions(
            tuple(found["head"]["vars"]),
            tuple(
                {
                    name: describe.term(
                        term["type"],
                        term["value"],
                        term.get("xml:lang", ""),
                        term.get("datatype", ""),
                    )
                    for name, term in row.items()
                }
                for row in rows[:limit]
            ),
            cut=len(rows) > limit or bool(answer.cut),
        )

    async def _whole(self, query: str, options: Mapping[str, Any]) -> tuple[Answer, bytes]:
        """Return the answer to a query, and all of its bytes."""
        accept = f"{JSON.media_type}, {TURTLE.media_type}"
        answer = await self.pool.query(query, accept=accept, **options)
        body = bytearray()
        async for part in answer:
            body += part
            if len(body) > LARGEST_ON_PAGE:
                answer.close()
                raise QueryFailure(
                    "result-size",
                    "the answer is too large for a page",
                    hint="end the query with LIMIT 1000, or send it to /sparql",
                )
        return answer, bytes(body)


def _terms(row: Mapping[str, Any]) -> describe.Row:
    return {name: describe.term(t.type, t.value, t.lang, t.datatype) for name, t in row.items()}


@dataclass(eq=False)
class Served:
    """A release that is open, with its workers, and what has been computed from it."""

    release: Release
    pool: Pool
    engine: PoolEngine
    endpoint: SparqlEndpoint
    files: Files
    users: int = 0
    """Requests that must be answered before the workers may end."""
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    languages: tuple[str, ...] = ("en",)
    check: asyncio.Task[None] | None = None
    """Compares the files that are handed on with what was published."""
    cache: dict[object, Any] = field(default_factory=dict)
    locks: dict[object, asyncio.Lock] = field(default_factory=dict)
    _described: dict[tuple[str, int], describe.Description] = field(default_factory=dict)

    async def described(self, kind: str, key: str, number: int) -> describe.Description | None:
        """Return page `number` of the description of a thing, or None where there is nothing.

        The last ones are kept: who reads a page asks for its data next.

        Raises:
            QueryFailure: a query took too long or the workers are busy.
        """
        return await self._kept(
            (f"{kind}/{key}", number),
            lambda: describe.describe(
                self.engine, self.base, kind, key, page=number, graphs=self.release.graphs
            ),
        )

    async def described_iri(self, iri: str, number: int) -> describe.Description | None:
        """Return the same of any IRI of imported RDF."""
        return await self._kept(
            (iri, number),
            lambda: describe.resource(
                self.engine, self.base, iri, page=number, graphs=self.release.graphs
            ),
        )

    async def _kept(
        self, key: tuple[str, int], make: Callable[[], Awaitable[describe.Description | None]]
    ) -> describe.Description | None:
        found = self._described.get(key) or await make()
        if found is not None:
            self._described[key] = found
            while len(self._described) > DESCRIPTIONS_KEPT:
                del self._described[next(iter(self._described))]
        return found

    @property
    def folder(self) -> Path:
        """Return the folder of the release."""
        return self.release.path

    @property
    def manifest(self) -> Manifest:
        """Return the manifest of the release."""
        return self.release.manifest

    @property
    def base(self) -> str:
        """Return the base IRI of the release."""
        return self.release.base_iri


class Site:
    """The ASGI application: chooses the release, then the endpoint or the pages."""

    def __init__(self, releases: Path, settings: Settings) -> None:
        self.releases = releases
        self.settings = settings
        self.served: Served | None = None
        self.metrics = Metrics()
        self.exposition = Exposition(self.metrics, self._state)
        self.quota = Quota(settings.client_rate)
        self.connections: Collection[object] = ()
        """Those that are open, as far as the server tells."""
        self.assets = {p.name: p.read_bytes() for p in sorted((HERE / "assets").iterdir())}
        self.build = _fingerprint(self.assets)
        self.templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        self.app = _application(self)
        self._retiring: dict[asyncio.Task[None], Pool] = {}
        self._opening = asyncio.Lock()
        self.comparing = asyncio.Lock()
        """Held while two releases are compared."""
        self._page_loop = PageLoop()
        self._trouble = ""
        self._failed: Path | None = None
        self._pause = self._again = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        served = self.served
        if served is None:
            await self._pages(scope, receive, send)
            return
        served.users += 1
        try:
            if scope["path"] in BARE and not _is_for_people(scope):
                await served.endpoint(scope, receive, send)
            else:
                await self._pages(scope, receive, send)
        finally:
            served.users -= 1
            if not served.users:
                served.idle.set()

    @property
    def release(self) -> str:
        """Return the id of the release that is served; empty where none is."""
        return self.served.manifest.id if self.served else ""

    def instant(
        self, url: bytes, headers: Sequence[tuple[bytes, bytes]]
    ) -> tuple[bytes, bytes] | None:
        """Return an answer that is ready; see `SparqlEndpoint.instant`."""
        return self.served.endpoint.instant(url, headers) if self.served else None

    async def _pages(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a page or a file."""
        head = scope["method"] == "HEAD"
        name = request_id(dict(scope["headers"]).get(b"x-request-id"))
        logs.request.set(name.decode())
        client.set(client_of(scope))
        served = self.served
        send = self._dressed(scope, send, name, self.release)
        if scope["method"] == "OPTIONS":
            await _preflight(scope, receive, send)
            return
        if served is None and scope["path"] in BARE and not _is_for_people(scope):
            status, pairs, body = problem_json(_nothing_served())
            headers = {name.decode(): value.decode() for name, value in pairs}
            await Response(body, status, headers)(scope, receive, send)
            return
        # A scope of its own: the server goes by the method of the one that it made.
        scope = {**scope, "kg.served": served, "kg.head": head}
        if head:
            scope["method"] = "GET"
        if scope["path"] in OPERATIONS:
            await self.app(scope, receive, send)
        else:
            with _while_there(scope):
                await self._page_loop.run(self.app, scope, receive, send)

    def _dressed(self, scope: Scope, send: Send, name: bytes, release: str) -> Send:
        """Return `send` with the headers that every page has, and without a body for HEAD."""
        common = (*HEADERS, *([(b"kg-release", release.encode())] if release else []))
        first = scope["path"][1:].partition("/")[0] or "home"
        route = first if first in ROUTE_NAMES else first.partition(".")[0]
        route = route if route in ROUTE_NAMES else "other"
        head = scope["method"] == "HEAD"

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.metrics.requests[route, message["status"]] += 1
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in common if pair[0] not in present),
                    (b"x-request-id", name),
                ]
            elif message["type"] == "http.response.body" and head:
                if message.get("more_body"):
                    return
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        return dressed

    def _state(self) -> State:
        """Return what is so at the moment, for the metrics."""
        served, connections = self.served, len(self.connections)
        if served is None:
            return State(connections=connections)
        return State(
            release=served.manifest.id,
            quads=served.manifest.quads,
            in_progress=served.users,
            connections=connections,
            load=served.pool.load(),
            isolated=bool(served.pool.isolated),
            cache_bytes=served.endpoint.cache.bytes,
            cache_answers=len(served.endpoint.cache),
        )

    # the release

    @contextlib.asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Watch for another release until the server stops; open the current one if none is."""
        if self.served is None:
            await self.refresh()
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
            await self.aclose()

    async def aclose(self) -> None:
        """End all workers; nothing happens a second time."""
        served, self.served = self.served, None
        if served:
            served.files.closed = True
        await self._page_loop.close()
        retiring = dict(self._retiring)
        for task in retiring:
            task.cancel()
        await asyncio.gather(*retiring, return_exceptions=True)
        for pool in (*retiring.values(), *([served.pool] if served else [])):
            await pool.close()

    def introduce(self, address: str) -> None:
        """Log where the server listens, what it serves, and what queries may take."""
        served, settings = self.served, self.settings
        assert served is not None
        manifest, limits = served.manifest, served.pool.limits
        logs.say(_log, logging.INFO, f"open {address}")
        counts = f"{manifest.quads:,} quads in {len(manifest.graphs)} graphs"
        logs.say(_log, logging.INFO, f"release {manifest.id[:12]}: {counts}", release=manifest.id)
        rate = f"; {settings.client_rate} queries a minute for each client"
        _log.info(
            "%d query workers, %d to spare; a query may take %g s, %d MiB of memory, %d MiB of "
            "answer%s; %d may wait%s",
            limits.workers,
            limits.spares,
            limits.timeout_s,
            limits.memory_mib,
            limits.result_mib,
            f", {limits.rows:,} rows" if limits.rows else "",
            limits.queue,
            rate if settings.client_rate else "",
        )
        if limits.workers == 1:
            _log.warning("with one query worker, each query waits for the one before; set workers")
        if served.pool.isolated:
            _log.info("query workers have no network")
        else:
            _log.warning(
                "this system does not let query workers give up the network "
                "(user and network namespaces); SERVICE and FROM are refused all the same"
            )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            await self.refresh()

    async def refresh(self) -> None:
        """Serve the release that is current now, if another one is served or none."""
        async with self._opening:
            await self._refresh()

    async def _refresh(self) -> None:
        try:
            folder = current_release(self.releases).resolve()
            if self.served and self.served.folder == folder:
                return
            if folder == self._failed and time.monotonic() < self._again:
                return
            await self.open()
        except Exception as error:  # noqa: BLE001 - whatever comes of this release, others follow
            if str(error) != self._trouble:
                self._trouble = str(error)
                self.metrics.failures += 1
                kept = self.served.manifest.id[:12] if self.served else "nothing"
                unexpected = None if isinstance(error, KgError | OSError) else error
                _log.error(
                    "the release cannot be opened; %s is served: %s",
                    kept,
                    error,
                    exc_info=unexpected,
                )

    async def open(self, folder: Path | None = None) -> None:
        """Serve the release that is current now, or the one in a folder.

        Raises:
            ReleaseError: there is none, it cannot be opened, or no query runs under the limits.
            QueryFailure: the first queries on it fail.
        """
        folder = (folder or current_release(self.releases)).resolve()
        try:
            opened = await self._open(folder)
        except Exception:
            # Each try takes the time of a core: where one has failed, the next is not near.
            again = folder == self._failed
            self._pause = min(2 * self._pause, LONGEST_PAUSE_S) if again else POLL_S
            self._failed, self._again = folder, time.monotonic() + self._pause
            raise
        self._trouble, self._failed = "", None
        self.metrics.opened += 1
        old, self.served = self.served, opened
        if old:
            name = opened.manifest.id
            logs.say(_log, logging.INFO, f"release {name[:12]} from now on", release=name)
            task = asyncio.create_task(_retire(old))
            self._retiring[task] = old.pool
            task.add_done_callback(self._retiring.pop)

    async def _open(self, folder: Path) -> Served:
        pool = Pool(folder, Limits.of(self.settings), self.metrics.pools)
        endpoint = SparqlEndpoint(
            pool, cache_mib=self.settings.cache_mib, quota=self.quota, metrics=self.metrics
        )
        release = pool.release
        files = Files(release.path, release.manifest, self.served.files if self.served else None)
        served = Served(release, pool, PoolEngine(pool), endpoint, files)
        await pool.__aenter__()
        try:
            name = graph_iri(pool.release.base_iri, "vocabulary")
            served.engine.terms = await describe.terms(served.engine, name)
            # Not a query: one over all labels would leave its worker four times as large.
            found = await asyncio.to_thread(label_languages, folder / LABELS)
        except BaseException:
            await pool.close()
            raise
        served.check = asyncio.create_task(_check(files))
        tags = [tag.split("-")[0].lower() for tag in found]
        served.languages = tuple(dict.fromkeys(["en", *tags]))
        return served

    def asset(self, name: str) -> str:
        """Return the address of an asset with its hash, so that it can be kept for ever."""
        return f"/assets/{name}?v={hashlib.sha256(self.assets[name]).hexdigest()[:12]}"


@contextlib.contextmanager
def _while_there(scope: Scope) -> Iterator[None]:
    """End what is done in this context when the client goes, where the server tells of that."""
    connection, task = scope.get("kg.connection"), asyncio.current_task()
    if connection is None or task is None:
        yield
        return
    gone = False

    def leave() -> None:
        nonlocal gone
        gone = True
        task.cancel()

    connection.watch(leave)
    try:
        yield
    except asyncio.CancelledError:
        # Both may be true: the client has gone, and the server ends.
        if not gone or task.uncancel():
            raise
    finally:
        connection.unwatch(leave)


async def _check(files: Files) -> None:
    """Tell in the log which files are not what was published: they are not handed on."""
    try:
        damaged = await asyncio.to_thread(files.check)
    except (KgError, OSError) as error:
        _log.error("the files of release %s cannot be checked: %s", files.manifest.id[:12], error)
        return
    for path in damaged:
        _log.error(
            "%s of release %s is not what was published, so it is not handed on; "
            "see `kg release verify`",
            path,
            files.manifest.id[:12],
        )


async def _retire(served: Served) -> None:
    """End the workers of a release when its last request is answered, or needs none any more."""
    # Who takes an hour to download a file asks nothing, and must not keep all the workers.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DEADLINES * served.pool.limits.timeout_s):
            while served.users:
                served.idle.clear()
                await served.idle.wait()
    served.files.closed = True
    await served.pool.drain()


def _fingerprint(assets: Mapping[str, bytes]) -> str:
    """Return a hash of what shapes a page beside the release: the version and the templates."""
    digest = hashlib.sha256(kg.__version__.encode())
    for path in sorted((HERE / "templates").glob("*.html")):
        digest.update(path.read_bytes())
    for name in sorted(assets):
        digest.update(assets[name])
    return digest.hexdigest()[:16]


def _is_for_people(scope: Scope) -> bool:
    """Return whether a browser asks at `/sparql`: it gets the form, and results as a table."""
    query = scope["query_string"]
    if scope["method"] not in ("GET", "HEAD") or not scope["path"].startswith("/sparql"):
        return False
    if b"format=" in query:
        return False
    accept = b",".join([value for name, value in scope["headers"] if name == b"accept"])
    found = choose(accept.decode("latin-1"), _ANSWERS if b"query=" in query else _DESCRIPTIONS)
    return found is not None and found[0] is HTML


async def _preflight(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer whether a page elsewhere may read: it may."""
    asked = dict(scope["headers"]).get(b"access-control-request-headers", b"").decode("latin-1")
    headers = {
        "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
        "Access-Control-Max-Age": "86400",
        "Allow": "GET, HEAD, OPTIONS",
    }
    if re.fullmatch(r"[A-Za-z0-9, _-]{1,500}", asked):
        headers["Access-Control-Allow-Headers"] = asked
    await Response(status_code=204, headers=headers)(scope, receive, send)


def create_app(releases: Path, settings: Settings) -> Site:
    """Return the ASGI application that serves the current release of the folder `releases`.

    Nothing is opened before its lifespan starts.

    Args:
        releases: the folder of releases, with the link `current` in it.
        settings: number of workers and limits of queries.
    """
    return Site(releases, settings)


def _nothing_served() -> QueryFailure:
    return QueryFailure(
        "busy",
        "no release is served yet",
        hint="build one with `kg build`; it is picked up by itself",
        retry_after=2,
    )


# --- one request for a page ----------------------------------------------------------------------


@dataclass(frozen=True)
class Static:
    """What the pages of a static copy must know: they offer nothing that needs a server.

    Args:
        live: what the addresses of the data begin with; empty where nobody owns that.
        listed: how many things of each kind the lists have.
    """

    live: str
    listed: Mapping[str, int]


class Ask:
    """One request: the release that answers it, the languages, and how its page is written."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.site: Site = request.app.state.site
        served: Served | None = request.scope.get("kg.served")
        if served is None:
            raise _nothing_served()
        self.served = served
        self.static: Static | None = request.scope.get("kg.static")
        self.root: str = request.scope.get("root_path", "").rstrip("/")
        self.path: str = quote(request.url.path)
        self.lang = request.query_params.get("lang")
        wanted = pages.languages(self.lang, request.headers.get("accept-language"))
        self.languages = tuple(tag for tag in wanted if tag in served.languages) or ("en",)

    @property
    def number(self) -> int:
        """Return the page number, from 1."""
        text = self.request.query_params.get("page", "1")
        if not re.fullmatch("[1-9][0-9]{0,5}", text):
            raise QueryFailure("parameter", f"page is {text!r}; expected a number from 1")
        return int(text)

    def view(self, description: describe.Description) -> pages.View:
        """Return the description as this reader sees it."""
        imported = self.served.manifest.imported
        return pages.View(description, self.languages, self.root, imported=imported)

    def link(self, **changed: object) -> str:
        """Return this address with some parameters changed; None removes one."""
        params = dict(self.request.query_params) | changed
        text = urlencode({k: v for k, v in params.items() if v is not None})
        return f"{self.root}{self.path}" + (f"?{text}" if text else "")

    def local(self, iri: str) -> str:
        """Return where a thing of the release is described here; its address if it is not ours."""
        base = self.served.base
        if iri.startswith(f"{base}id/"):
            return f"{self.root}/doc/{quote(iri[len(base) + 3 :])}"
        if iri.startswith(CH):
            return f"{self.root}/ontology#{quote(iri[len(CH) :])}"
        return iri if iri.startswith(("http://", "https://")) else ""

    def etag(self, *parts: object) -> str:
        """Return the entity tag of an answer: release, software, and what tells answers apart."""
        text = json.dumps([self.served.manifest.id, self.site.build, *map(str, parts)])
        return f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'

    def unchanged(self, etag: str, headers: Mapping[str, str]) -> Response | None:
        """Return 304 where the reader has this answer already."""
        given = self.request.headers.get("if-none-match")
        if given and matches(given.encode("latin-1"), etag.encode("latin-1")):
            return Response(status_code=304, headers={**headers, "ETag": etag})
        return None

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        formats: Sequence[Mapping[str, str]] = (),
        **context: Any,
    ) -> Response:
        """Return an HTML page."""
        switch = [
            {
                "tag": tag,
                "name": LANGUAGE_NAMES.get(tag, tag),
                "href": self.link(lang=tag),
                "current": tag == self.languages[0],
            }
            for tag in dict.fromkeys((*self.served.languages[:LANGUAGES_SHOWN], self.languages[0]))
        ]
        text = self.site.templates.get_template(template).render(
            site={"title": TITLE, "asset": lambda name: self.root + self.site.asset(name)},
            release=self.served.manifest,
            root=self.root,
            static=self.static,
            formats=formats,
            languages_offered=switch if len(switch) > 1 and not self.static else (),
            page={
                "number": self.number if status == 200 else 1,
                "previous": self.link(page=self.number - 1) if status == 200 else "",
                "next": self.link(page=self.number + 1) if status == 200 else "",
            },
            **context,
        )
        return Response(
            text,
            status,
            {"Cache-Control": "no-cache", "Vary": "Accept-Language", **(headers or {})},
            "text/html",
        )


TITLE: Final = "Chancery"
PLAIN_JSON: Final = Format("json", "application/json", ".json")
ATOM: Final = Format("atom", "application/atom+xml", ".atom")
RDF_PATCH: Final = Format("rdfp", "application/rdf-patch", ".rdfp")


# --- resources -----------------------------------------------------------------------------------


async def thing(request: Request, kind: str, key: str) -> Response:
    """Redirect from a thing to the document about it.

    The answer is 303 with a host-relative location; 404 where the release says nothing of it.
    """
    ask = Ask(request)
    await _must_exist(ask, kind, key)
    query = f"?{request.url.query}" if request.url.query else ""
    where = f"{ask.root}/doc/{kind}/{key}"
    return Response(
        status_code=303,
        headers={
            "Location": where + query,
            "Link": f'<{where}>; rel="describedby"',
            "Cache-Control": "no-cache",
        },
    )


async def _must_exist(ask: Ask, kind: str, key: str) -> None:
    iri = f"{ask.served.base}id/{kind}/{key}"
    if kind in describe.KINDS and describe.KEY.fullmatch(key):
        if any(graph.iri == iri for graph in ask.served.manifest.graphs):
            return
        [rows] = await ask.served.engine.rows(
            [f"SELECT ?p WHERE {{ {{ <{iri}> ?p ?o }} UNION {{ ?s ?p <{iri}> }} }} LIMIT 1"]
        )
        if rows:
            return
    raise QueryFailure("not-found", f"This release says nothing of {iri}")


async def document(request: Request, kind: str, name: str) -> Response:
    """Return what the release says of one resource, in HTML or as RDF.

    By suffix (`.html .ttl .jsonld .nt .nq .trig .rdf`) or by the header Accept. RDF holds every
    statement about the resource, its parts, the claims on it with their denials and replies, and
    the labels of what is named; `.nq` and `.trig` name the graph of each statement. 410 says that
    it was withdrawn, with the notice.
    """
    ask = Ask(request)
    key, dot, suffix = name.partition(".")
    if dot and suffix not in describe.FORMATS:
        raise QueryFailure("not-found", f"There is no format .{suffix}; there are: {_offers()}")
    served, number = ask.served, ask.number
    try:
        chosen = suffix or _negotiated(request)
    except QueryFailure:
        await _must_exist(ask, kind, key)
        raise
    ask.path = f"/doc/{kind}/{key}"  # one page, whichever address it was asked by
    path = ask.root + ask.path
    html_page = chosen == "html"
    etag = ask.etag(path, chosen, number, *(ask.languages if html_page else ()))
    vary = [] if suffix else ["Accept"]
    headers = {
        "Cache-Control": "no-cache",
        "Link": _links(ask, kind, key, chosen, number, more=False),
        "Content-Location": f"{path}.{chosen}" + (f"?page={number}" if number > 1 else ""),
    }
    if html_page:
        vary.append("Accept-Language")
    if vary:
        headers["Vary"] = ", ".join(vary)
    if (same := ask.unchanged(etag, headers)) is not None:
        return same
    found = await served.described(kind, key, number)
    if found is None:
        raise QueryFailure(
            "not-found", f"This release says nothing of {served.base}id/{kind}/{key}"
        )
    gone = pages.withdrawn(found)
    if not gone:  # a precondition is for what is there: RFC 9110, section 13.2.1
        headers["ETag"] = etag
    headers["Link"] = _links(ask, kind, key, chosen, number, more=found.more)
    if not html_page:
        return Response(
            describe.serialize(
                found.statements(chosen),
                chosen,
                served.release.prefixes,
                await _documents(served),
            ),
            410 if gone else 200,
            headers,
            describe.FORMATS[chosen],
        )
    view = ask.view(found)
    template, context = pages.resource_page(view)
    for graph in served.manifest.graphs:
        if graph.iri == found.iri:
            context["parts"] = pages.graph_parts(graph.iri, graph.quads, ask.root)
    return ask.page(
        template,
        status=410 if gone else 200,
        headers=headers,
        formats=_formats(f"{path}", f"?page={number}" if number > 1 else ""),
        title="Withdrawn" if gone else view.title,
        view=view,
        **context,
    )


async def resource(request: Request, iri: str = "") -> Response:
    """Return what a release of imported RDF says of any IRI, in HTML or as RDF.

    `iri` is the address. The data formats hold its statements with the blank nodes that they lead
    to, those that name it, and the names of everything in them.
    """
    return await _resource(request, iri, "")


async def resource_as(request: Request, suffix: str, iri: str = "") -> Response:
    """Return the same by suffix."""
    return await _resource(request, iri, suffix)


async def _resource(request: Request, iri: str, suffix: str) -> Response:
    ask = Ask(request)
    chosen = _chosen(request, suffix)
    served, number = ask.served, ask.number
    if not served.manifest.imported:
        raise QueryFailure("not-found", "Only of imported RDF there is a page for every IRI")
    if not describe.is_iri(iri):
        raise QueryFailure("parameter", f"iri is {iri!r}; expected an absolute IRI")
    local = ask.view(await describe.named(served.engine, served.base, ())).href(iri)
    if local.startswith(f"{ask.root}/doc/"):
        return Response(status_code=303, headers={"Location": local, "Cache-Control": "no-cache"})
    path, query = f"{ask.root}/resource", {"iri": iri} | ({"page": number} if number > 1 else {})
    html_page = chosen == "html"
    etag = ask.etag(path, iri, chosen, number, *(ask.languages if html_page else ()))
    headers = {
        "Cache-Control": "no-cache",
        "Vary": "Accept, Accept-Language",
        "Content-Location": f"{path}.{chosen}?{urlencode(query)}",
        "Link": f'<{ask.root}/dataset>; rel="describedby"',
    }
    if (same := ask.unchanged(etag, headers)) is not None:
        return same
    found = await served.described_iri(iri, number)
    if found is None:
        raise QueryFailure("not-found", f"This release says nothing of {iri}")
    headers["ETag"] = etag
    if not html_page:
        data = describe.serialize(
            found.statements(chosen), chosen, served.release.prefixes, await _documents(served)
        )
        return Response(data, 200, headers, describe.FORMATS[chosen])
    view = ask.view(found)
    parts = [g for g in served.manifest.graphs if g.iri == iri]
    return ask.page(
        "resource_imported.html",
        headers=headers,
        formats=_formats(path, f"?{urlencode(query)}"),
        title=view.title,
        view=view,
        parts=[pages.graph_parts(iri, graph.quads, ask.root) for graph in parts],
        **pages.imported_page(view),
    )


def _negotiated(request: Request) -> str:
    """Return the suffix of the format that the reader wants most; HTML where all are equal."""
    found = choose(request.headers.get("accept"), PAGE_FORMATS)
    if found is None:
        raise QueryFailure(
            "format",
            "none of the formats asked for is offered",
            available=media_types(PAGE_FORMATS),
        )
    return found[0].name


def _chosen(request: Request, suffix: str) -> str:
    """Return the format of an address with an optional suffix such as `.ttl`."""
    if not suffix:
        return _negotiated(request)
    if suffix[1:] not in describe.FORMATS or suffix[0] != ".":
        raise QueryFailure("not-found", f"There is no format {suffix}; there are: {_offers()}")
    return suffix[1:]


def _offers() -> str:
    return ", ".join(f".{suffix}" for suffix in describe.FORMATS)


def _formats(path: str, query: str = "") -> list[dict[str, str]]:
    return [
        {"name": name, "type": describe.FORMATS[suffix], "href": f"{path}.{suffix}{query}"}
        for suffix, name in describe.FORMAT_NAMES.items()
    ]


def _links(ask: Ask, kind: str, key: str, chosen: str, number: int, *, more: bool) -> str:
    path = f"{ask.root}/doc/{kind}/{key}"
    base, manifest = ask.served.base, ask.served.manifest
    links = [
        f'<{path}.{suffix}>; rel="alternate"; type="{media}"'
        for suffix, media in describe.FORMATS.items()
        if suffix != chosen
    ]
    links += [
        f'<{ask.root}/dataset>; rel="describedby"',
        f'<{base}id/{kind}/{key}>; rel="describes"',
        f'<{base}doc/{kind}/{key}>; rel="canonical"',
    ]
    if manifest.licence:
        links.append(f'<{manifest.licence}>; rel="license"')
    if number > 1:
        links.append(f'<{path}?page={number - 1}>; rel="prev"')
    if more:
        links.append(f'<{path}?page={number + 1}>; rel="next"')
    return ", ".join(links)


# --- the vocabulary, the contracts, the dataset --------------------------------------------------


async def ontology(request: Request) -> Response:
    """Return the ontology: its classes, properties and schemes, in HTML or as RDF."""
    return await _ontology(request, "")


async def ontology_as(request: Request, suffix: str) -> Response:
    """Return the same by suffix."""
    return await _ontology(request, suffix)


async def _ontology(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    chosen = _chosen(request, suffix)
    if chosen != "html":
        return await _turtle_file(ask, "ontology/ontology.ttl", chosen, "/ontology", not suffix)
    served = ask.served
    headers = {"Vary": "Accept, Accept-Language"}
    etag = ask.etag("/ontology", *ask.languages)
    if (same := ask.unchanged(etag, headers)) is not None:
        return same
    graph_name = graph_iri(served.base, "vocabulary")
    if not any(graph.iri == graph_name for graph in served.manifest.graphs):
        raise _without(ask, "ontology")
    description = await _cached(
        served,
        "vocabulary",
        lambda: describe.vocabulary(served.engine, served.base, graph_name),
    )
    return ask.page(
        "ontology.html",
        headers={**headers, "ETag": etag},
        formats=_formats(f"{ask.root}/ontology"),
        title="Ontology",
        namespace=CH,
        sections=pages.ontology_sections(ask.view(description)),
    )


async def shapes(request: Request) -> Response:
    """Return the SHACL shapes that every release conforms to, in HTML or as RDF."""
    return await _shapes(request, "")


async def shapes_as(request: Request, suffix: str) -> Response:
    """Return the same by suffix."""
    return await _shapes(request, suffix)


async def _shapes(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    chosen = _chosen(request, suffix)
    if chosen != "html":
        return await _turtle_file(ask, "ontology/shapes.ttl", chosen, "/shapes", not suffix)
    text = _file(ask, "ontology/shapes.ttl").read_text(encoding="utf-8")
    return ask.page(
        "shapes.html",
        headers={"Vary": "Accept, Accept-Language", "ETag": ask.etag("/shapes", *ask.languages)},
        formats=_formats(f"{ask.root}/shapes"),
        title="Shapes",
        text=text,
    )


async def dataset(request: Request) -> Response:
    """Return the description of the dataset: numbers, graphs, files; VoID and DCAT as RDF."""
    return await _dataset(request, "")


async def dataset_as(request: Request, suffix: str) -> Response:
    """Return the same by suffix."""
    return await _dataset(request, suffix)


async def _dataset(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    chosen = _chosen(request, suffix)
    if chosen != "html":
        return await _turtle_file(ask, "void.ttl", chosen, "/dataset", not suffix)
    served, manifest = ask.served, ask.served.manifest
    names = [graph.iri for graph in manifest.graphs] + list(manifest.classes)
    description = await _cached(
        served, "dataset", lambda: describe.named(served.engine, served.base, names)
    )
    view = ask.view(description)

    async def report() -> dict[str, Any]:
        path = served.folder / "report.json"
        found: dict[str, Any] = json.loads(await asyncio.to_thread(path.read_bytes))
        return found

    said = await _cached(served, "report", report)
    counts = said.get("counts", {})
    return ask.page(
        "dataset.html",
        headers={
            "Vary": "Accept, Accept-Language",
            "ETag": ask.etag("/dataset", *ask.languages),
        },
        formats=_formats(f"{ask.root}/dataset"),
        title="About the dataset",
        # What the shapes call a warning or a remark makes `conforms` false, but violates nothing.
        conforms=None if manifest.conforms is None else counts.get("Violation", 0) == 0,
        rewritten=said.get("rewritten", 0),
        report=_report_page(ask),
        counts=[
            f"{name} {counts[key]:,}"
            for key, name in (
                ("Violation", "violations"),
                ("Warning", "warnings"),
                ("Info", "remarks"),
            )
            if key in counts
        ],
        graphs=[{"ref": view.ref(g.iri), "quads": g.quads} for g in manifest.graphs],
        classes=[
            {"ref": view.ref(iri), "count": count}
            for iri, count in sorted(manifest.classes.items(), key=lambda c: (-c[1], c[0]))
        ],
    )


async def void(request: Request) -> Response:
    """Return the VoID and DCAT description of the dataset as RDF; Turtle unless asked otherwise."""
    found = choose(request.headers.get("accept"), GRAPH_FORMATS)
    form = found[0] if found else TURTLE
    return await _turtle_file(Ask(request), "void.ttl", form.name, "/dataset", True)


async def facts_schema(request: Request) -> Response:
    """Return the JSON Schema of facts files."""
    return _release_file(Ask(request), "ontology/schema.json", "application/schema+json")


async def context(request: Request) -> Response:
    """Return the JSON-LD context of the downloads."""
    return _release_file(Ask(request), "ontology/context.jsonld", "application/ld+json")


def _file(ask: Ask, path: str) -> Path:
    """Return a file of the release that is offered to the public."""
    for entry in ask.served.manifest.files:
        if entry.path == path and not entry.private:
            return ask.served.folder / path
    raise _without(ask, f"file {path}")


def _without(ask: Ask, what: str) -> QueryFailure:
    """Return the failure for what this release does not have."""
    imported = ask.served.manifest.imported
    why = "; it is RDF that was imported, with what its files hold and no more" if imported else ""
    return QueryFailure("not-found", f"This release has no {what}{why}")


def _release_file(ask: Ask, path: str, media: str) -> Response:
    etag = ask.etag(path)
    headers = {"Cache-Control": "no-cache", "ETag": etag}
    return ask.unchanged(etag, headers) or Response(
        _file(ask, path).read_bytes(), 200, headers, media
    )


async def _turtle_file(
    ask: Ask, path: str, suffix: str, address: str, negotiated: bool
) -> Response:
    """Return a Turtle file of the release in one of the data formats."""
    etag = ask.etag(path, suffix)
    headers = {
        "Cache-Control": "no-cache",
        "ETag": etag,
        "Content-Location": f"{ask.root}{address}.{suffix}",
        "Link": ", ".join(
            f'<{ask.root}{address}.{s}>; rel="alternate"; type="{m}"'
            for s, m in describe.FORMATS.items()
            if s != suffix
        ),
    }
    if negotiated:
        headers["Vary"] = "Accept, Accept-Language"
    if (same := ask.unchanged(etag, headers)) is not None:
        return same
    data = _file(ask, path).read_bytes()

    async def convert() -> bytes:
        documents = await _documents(ask.served)
        return await asyncio.to_thread(describe.convert, data, suffix, documents)

    if suffix != "ttl":
        data = await _cached(ask.served, (path, suffix), convert)
    return Response(data, 200, headers, describe.FORMATS[suffix])


async def _documents(served: Served) -> Documents:
    """Return what writes JSON-LD as the dump of the release does."""

    async def make() -> Documents:
        path = served.folder / "ontology/context.jsonld"
        return Documents(json.loads(await asyncio.to_thread(path.read_bytes))["@context"])

    found: Documents = await _cached(served, "documents", make)
    return found


async def _cached(served: Served, key: object, make: Callable[[], Awaitable[Any]]) -> Any:
    """Return what `make` gives, computed once for each release; a failure is not kept."""
    if key not in served.cache:
        async with served.locks.setdefault(key, asyncio.Lock()):
            if key not in served.cache:
                served.cache[key] = await make()
    return served.cache[key]


# --- home, questions, queries, search ------------------------------------------------------------

NUMBERS: Final = (
    ("Document", "documents read", "document"),
    ("Event", "events described", "event"),
    ("Relation", "relations described", "relation"),
    ("Claim", "claims by somebody", "claim"),
    ("Agent", "people, bodies, sources", "agent"),
    ("Place", "places", "place"),
    ("Thing", "things", "thing"),
)


async def home(request: Request) -> Response:
    """Return the home page: what this is, its numbers, and questions with their answers."""
    ask = Ask(request)
    served, manifest = ask.served, ask.served.manifest
    etag = ask.etag("/", *ask.languages)
    headers = {
        "Vary": "Accept-Language",
        "ETag": etag,
        "Link": f'<{ask.root}/dataset>; rel="describedby"',
    }
    if (same := ask.unchanged(etag, headers)) is not None:
        return same
    if manifest.imported:
        return await _home_of_imported(ask, headers)
    numbers = [
        {"count": count, "name": name, "href": f"{ask.root}/search?kind={kind}"}
        for class_name, name, kind in NUMBERS
        if (count := manifest.classes.get(CH + class_name, 0))
    ]
    numbers.append({"count": manifest.triples, "name": "triples", "href": f"{ask.root}/dataset"})

    async def overview() -> tuple[describe.Description, describe.Description]:
        disputed, documents = await served.engine.rows(
            [describe.DISPUTED_QUERY, describe.DOCUMENTS_QUERY]
        )
        return (
            await describe.related(served.engine, served.base, [r["node"].value for r in disputed]),
            await describe.named(served.engine, served.base, [r["node"].value for r in documents]),
        )

    disputed, documents = await _cached(served, "overview", overview)
    questions = []
    until = time.monotonic() + AT_HOME_S
    for question in manifest.questions:
        answer, trouble, lasting = await _answered_soon(ask, question, until)
        if not lasting:
            headers.pop("ETag", None)
        questions.append(
            {
                "id": question.id,
                "question": question.question,
                "answer": answer,
                "problem": trouble,
            }
        )
    view = ask.view(disputed)
    return ask.page(
        "home.html",
        headers=headers,
        title="Home",
        numbers=numbers,
        disputed=view.listed(disputed.sections["nodes"]),
        documents=[ask.view(documents).ref(iri) for iri in documents.sections["nodes"]],
        questions=questions,
        conforms=manifest.conforms,
        report=_report_page(ask),
    )


def _report_page(ask: Ask) -> str:
    """Return the address of the validation report as a page; empty where the release has none."""
    manifest = ask.served.manifest
    if any(file.path == "report.html" for file in manifest.files):
        return f"{ask.root}/download/{manifest.id}/report.html"
    return ""


AT_HOME: Final = 24
"""Graphs and classes that the home page of imported RDF lists."""


async def _home_of_imported(ask: Ask, headers: Mapping[str, str]) -> Response:
    """Return the home page of RDF that was imported: its numbers, graphs and classes."""
    served, manifest = ask.served, ask.served.manifest
    classes = sorted(manifest.classes.items(), key=lambda c: (-c[1], c[0]))[:AT_HOME]
    graphs = sorted(manifest.graphs, key=lambda g: (-g.quads, g.iri))[:AT_HOME]
    names = [iri for iri, _ in classes] + [graph.iri for graph in graphs]
    view = ask.view(
        await _cached(served, "overview", lambda: describe.named(served.engine, served.base, names))
    )
    return ask.page(
        "home_imported.html",
        headers=headers,
        title="Home",
        graphs=[{"ref": view.ref(graph.iri), "quads": graph.quads} for graph in graphs],
        classes=[{"ref": view.ref(iri), "count": count} for iri, count in classes],
        examples=[
            {"question": words, "href": f"{ask.root}/query?{urlencode({'query': query})}"}
            for words, query in pages.EXAMPLES_OF_IMPORTED
        ],
    )


async def _answered(
    ask: Ask, question: Question, limit: int
) -> tuple[pages.Answer | None, str, bool]:
    """Return the answer to a question, or why there is none, and whether that will stay so."""
    served = ask.served

    async def make() -> tuple[describe.Solutions, describe.Description]:
        found = await served.engine.ask(question.query, ROWS_SHOWN)
        return found, await describe.named_in(served.engine, served.base, found)

    try:
        found, named = await _cached(served, ("question", question.id), make)
    except QueryFailure as error:
        lasting = status_of(error.reason) < 500 and error.reason != "memory"
        if ask.static and not lasting:  # the copy would say it for ever
            raise
        return None, str(error), lasting
    return pages.answer(ask.view(named), found, limit, tidy=True), "", True


async def _answered_soon(
    ask: Ask, question: Question, until: float
) -> tuple[pages.Answer | None, str, bool]:
    """Return what `_answered` does, or that there is no answer yet if it would take too long."""
    if ask.static:
        return await _answered(ask, question, ROWS_AT_HOME)
    cache, slow = ask.served.cache, ("slow question", question.id)
    left = min(until - time.monotonic(), AT_HOME_EACH_S)
    if ("question", question.id) not in cache and (left <= 0 or slow in cache):
        return None, NOT_YET, False
    try:
        async with asyncio.timeout(max(left, AT_HOME_EACH_S / 10)):
            return await _answered(ask, question, ROWS_AT_HOME)
    except TimeoutError:
        if left == AT_HOME_EACH_S:
            cache[slow] = True
        return None, NOT_YET, False


NOT_YET: Final = "It takes a while to answer: open the question to see."


async def question_list(request: Request) -> Response:
    """Return the questions of the release, each with the query that answers it; HTML or JSON."""
    ask = Ask(request)
    found = ask.served.manifest.questions
    if _wants_json(request):
        return JSONResponse(
            [
                {
                    "id": q.id,
                    "question": q.question,
                    "keywords": list(q.keywords),
                    "description": q.description,
                    "query": q.query,
                }
                for q in found
            ],
            headers={"Vary": "Accept", "Cache-Control": "no-cache"},
        )
    return ask.page(
        "questions.html",
        headers={"Vary": "Accept, Accept-Language"},
        title="Questions",
        questions=found,
    )


async def question_page(request: Request, name: str) -> Response:
    """Return one question with its query and its answer from this release."""
    ask = Ask(request)
    for question in ask.served.manifest.questions:
        if question.id == name:
            break
    else:
        raise QueryFailure("not-found", f"This release has no question {name!r}")
    etag = ask.etag("/questions", name, *ask.languages)
    headers = {"Vary": "Accept-Language", "ETag": etag}
    if (same := ask.unchanged(etag, headers)) is not None:
        return same
    answer, trouble, lasting = await _answered(ask, question, ROWS_SHOWN)
    if not lasting:
        del headers["ETag"]
    return ask.page(
        "question.html",
        headers=headers,
        title=question.question,
        question=question,
        query=_without_header(question.query),
        answer=answer,
        problem=trouble,
        editor=f"{ask.root}/query?{urlencode({'query': question.query})}",
    )


def _without_header(query: str) -> str:
    """Return a query without the comments before it, which the page says in its own way."""
    lines = query.strip().splitlines()
    while lines and (lines[0].startswith("#") or not lines[0].strip()):
        del lines[0]
    return "\n".join(lines)


async def query_page(request: Request, query: str = "") -> Response:
    """Return the query form and, where a query is given, its result as a table."""
    ask = Ask(request)
    served = ask.served
    answer, problem, status = None, "", 200
    headers = {"Vary": "Accept, Accept-Language"}
    if query.strip():
        ask.site.quota.take(client.get())
        try:
            found = await served.engine.ask(
                query,
                ROWS_SHOWN,
                default_graphs=request.query_params.getlist("default-graph-uri"),
                named_graphs=request.query_params.getlist("named-graph-uri"),
                timeout_s=seconds(request.query_params.get("timeout")),
            )
            description = await describe.named_in(served.engine, served.base, found)
            answer = pages.answer(ask.view(description), found, ROWS_SHOWN)
        except QueryFailure as error:
            problem, status = str(error), status_of(error.reason)
            if error.retry_after:
                headers["Retry-After"] = str(error.retry_after)
    return ask.page(
        "query.html",
        status=status,
        headers=headers,
        title="Query",
        query=query or (pages.EXAMPLES_OF_IMPORTED[0][1] if served.manifest.imported else EXAMPLE),
        problem=problem,
        answer=answer,
        limits={
            "seconds": f"{ask.site.settings.query_timeout_s:g}",
            "prefixes": " ".join(f"{name}:" for name in served.release.prefixes),
        },
        examples=[
            {"question": words, "href": f"{ask.root}/query?{urlencode({'query': text})}"}
            for words, text in (
                pages.EXAMPLES_OF_IMPORTED
                if served.manifest.imported
                else [(q.question, q.query) for q in served.manifest.questions]
            )
        ],
        endpoint=str(request.base_url) + "sparql",
    )


EXAMPLE: Final = """# Who takes which position on what?
SELECT ?speaker ?stance ?event WHERE {
  ?claim a ch:Claim ;
    ch:claimant ?speaker ;
    ch:stance ?stance ;
    ch:concerns ?event .
  ?event a ch:Event .
}
LIMIT 20"""


async def search_page(
    request: Request, q: str = "", kind: str = "", lang: str = "", page: int = 1
) -> Response:
    """Return what has a name that begins with the words of `q`, in any script; HTML or JSON.

    `kind` narrows it to one kind of address (agent, place, thing, position, event, relation,
    claim, claimset, document, term, participation, span, quantity, time, record), of which the
    last five are found in no other way; `lang` chooses the language of the names that are shown.
    """
    del lang, page  # read by Ask
    ask = Ask(request)
    served, number = ask.served, ask.number
    if kind and kind not in KIND_NAMES:
        raise QueryFailure(
            "parameter", f"kind is {kind!r}; expected one of {', '.join(KIND_NAMES)}"
        )
    found: Hits | None = request.scope.get("kg.hits")
    hits: list[dict[str, Any]] = []
    if found is None and (q.strip() or kind):
        found = await asyncio.to_thread(
            search,
            served.folder / LABELS,
            q,
            kind=kind,
            limit=HITS_SHOWN,
            offset=HITS_SHOWN * (number - 1),
        )
    if found is not None:
        iris = [hit.iri for hit in found.hits]
        types = [hit.type for hit in found.hits if hit.type]
        if served.manifest.imported:  # names only: a thing may have any number of statements
            described = await describe.named(served.engine, served.base, [*iris, *types])
        else:
            described = await describe.related(served.engine, served.base, iris, types)
        view = ask.view(described)
        for hit in found.hits:
            ref = view.ref(hit.iri)
            other = hit.label != ref.label.text and ref.kind not in ("claim",)
            lang_shown = "" if hit.lang.split("-")[0] == view.ui else hit.lang
            hits.append(
                {
                    "ref": ref,
                    "type": view.ref(hit.type) if hit.type else None,
                    "matched": pages.Label(hit.label, lang_shown) if other else None,
                    "listed": view.listed([hit.iri])[0] if ref.kind in PROPOSITIONS else None,
                }
            )
    if _wants_json(request):
        return JSONResponse(
            {
                "query": q,
                "hits": [
                    {
                        "iri": hit["ref"].iri,
                        "kind": hit["ref"].kind,
                        "class": hit["type"].iri if hit["type"] else None,
                        "label": pages.plain(hit["ref"]),
                        "lang": hit["ref"].label.lang or view.ui,
                    }
                    for hit in hits
                ],
                "more": bool(found and found.more),
            },
            headers={"Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"},
        )
    return ask.page(
        "search.html",
        headers={"Vary": "Accept, Accept-Language"},
        title=KIND_NAMES.get(kind, "Lists") if ask.static else f"Search: {q}" if q else "Search",
        q=q,
        kind=kind,
        kinds=[("", "All kinds"), *KIND_NAMES.items()],
        hits=hits,
        more=bool(found and found.more),
    )


PROPOSITIONS: Final = ("event", "relation")


def _wants_json(request: Request) -> bool:
    if (name := request.query_params.get("format")) is not None:
        if name not in ("json", "html"):
            raise QueryFailure("parameter", f"format is {name!r}; expected json or html")
        return name == "json"
    found = choose(request.headers.get("accept"), (HTML, PLAIN_JSON))
    return found is not None and found[0] is PLAIN_JSON


# --- releases and files --------------------------------------------------------------------------


async def download_page(request: Request) -> Response:
    """Return the list of the files of the current release."""
    ask = Ask(request)
    manifest = ask.served.manifest
    current = f"{ask.root}/download/current/"
    host = ask.static.live if ask.static else str(request.base_url)
    below = f"{host}download/{manifest.id if ask.static else 'current'}/"
    numbered = f"{ask.root}/download/{manifest.id}/"

    def shown(entry: FileEntry, address: str) -> dict[str, object]:
        return {
            "href": address + quote(entry.path),
            "name": entry.path,
            "what": entry.media_type,
            "bytes": entry.bytes,
            "sha256": entry.sha256,
        }

    graphs = [graph for graph in manifest.graphs if not graph.private]
    return ask.page(
        "download.html",
        headers={"Vary": "Accept-Language", "ETag": ask.etag("/download", *ask.languages)},
        title="Downloads",
        dumps=[shown(entry, current) for entry in manifest.dumps],
        files=[shown(entry, numbered) for entry in manifest.files if not entry.private],
        graphs=[
            {
                "key": graph.key,
                "iri": graph.iri,
                "quads": graph.quads,
                "href": f"{current}{GRAPHS}{graph.key}",
            }
            for graph in graphs[:GRAPHS_SHOWN]
        ],
        all_graphs=len(graphs),
        suffixes=tuple(MEDIA_TYPES),
        packings=tuple(packing for packing in PACKINGS if packing),
        example=f"{below}graph.nq.gz" if host else "",
        sums=f"{below}{SUMS}",
    )


async def download(request: Request, release: str, path: str = "") -> Response:
    """Return one file of a release, or a range of it.

    `release` is `current` or the number of a release; `path` is a name such as `graph.ttl.gz` or
    `graphs/registry.nq`, or the path of a file in the release. Answers to a number never change.
    """
    ask = Ask(request)
    served = ask.served
    if release == "current" or release == served.manifest.id:
        files = served.files
    elif re.fullmatch("[0-9a-f]{64}", release) and (ask.site.releases / release).is_dir():
        files = await _earlier(ask, ask.site.releases / release)
    else:
        raise QueryFailure("not-found", f"There is no release {release!r}")
    if not path:
        return await download_page(request)
    found = await asyncio.to_thread(files.find, path)
    number = files.manifest.id
    if found is None:
        raise QueryFailure("not-found", f"Release {number[:12]} has no file {path!r} to download")
    etag = f'"{found.etag}"'
    headers = {
        "Cache-Control": "no-cache" if release == "current" else A_DAY,
        "ETag": etag,
        "Content-Location": f"{ask.root}/download/{number}/{quote(found.name)}",
    }
    if found.sha256:
        digest = base64.b64encode(bytes.fromhex(found.sha256)).decode()
        headers["Repr-Digest"] = f"sha-256=:{digest}:"
    if found.media_type == "text/html":  # the report, whose style is in it
        headers["Content-Security-Policy"] = REPORT_POLICY
    if (same := ask.unchanged(etag, headers)) is not None:
        return same
    head = bool(request.scope.get("kg.head"))
    return await asyncio.to_thread(answer, found, files, request.headers, headers, head=head)


async def _earlier(ask: Ask, folder: Path) -> Files:
    """Return the files of a release that is kept and not served."""

    async def make() -> Files:
        return Files(folder, await asyncio.to_thread(read_manifest, folder), ask.served.files)

    files: Files = await _cached(ask.served, ("files", folder.name), make)
    return files


async def release_list(request: Request) -> Response:
    """Return the releases that are kept, the one that was published last first; HTML or JSON."""
    ask = Ask(request)
    found = await asyncio.to_thread(history.kept, ask.site.releases)
    shown = [
        {
            "id": one.manifest.id,
            "current": one.manifest.id == ask.served.manifest.id,
            "published": one.published,
            "quads": one.manifest.quads,
            "triples": one.manifest.triples,
            "before": one.before,
            "href": f"{ask.root}/releases/{one.manifest.id}",
        }
        for one in found
    ]
    if _wants_json(request):
        return JSONResponse(shown, headers={"Vary": "Accept", "Cache-Control": "no-cache"})
    return ask.page(
        "releases.html",
        headers={"Vary": "Accept, Accept-Language"},
        title="Releases",
        releases=shown,
    )


async def release_page(request: Request, release: str) -> Response:
    """Return what a release that is kept says of itself; HTML, or its manifest as JSON."""
    ask = Ask(request)
    folder = await asyncio.to_thread(history.find, ask.site.releases, release)
    if _wants_json(request):
        found = await asyncio.to_thread((folder / MANIFEST).read_bytes)
        headers = {"Vary": "Accept", "Cache-Control": "no-cache"}
        return Response(found, 200, headers, "application/json")
    everything = await asyncio.to_thread(history.kept, ask.site.releases)
    one = next((one for one in everything if one.folder.name == folder.name), None)
    if one is None:
        raise QueryFailure("not-found", f"The release {folder.name[:12]} cannot be read")
    return ask.page(
        "release.html",
        headers={"Vary": "Accept, Accept-Language"},
        title=f"Release {one.manifest.id[:12]}",
        one=one,
        shown=one.manifest,
        current=one.manifest.id == ask.served.manifest.id,
        others=[other for other in everything if other is not one],
    )


async def release_difference(request: Request, old: str, new: str) -> Response:
    """Return what changed from one release to another: HTML by thing, JSON, or an RDF Patch.

    `.json` and `.rdfp` at the end of the address choose the form; else it is negotiated.
    """
    ask = Ask(request)
    name, _, suffix = new.partition(".")
    before = await asyncio.to_thread(history.find, ask.site.releases, old)
    after = await asyncio.to_thread(history.find, ask.site.releases, name)
    forms = {"json": PLAIN_JSON, "rdfp": RDF_PATCH, "html": HTML}
    if suffix and suffix not in forms:
        raise QueryFailure("not-found", f"There is no format .{suffix}; there are: .json .rdfp")
    form = forms.get(suffix)
    if form is None:
        chosen = choose(request.headers.get("accept"), (HTML, PLAIN_JSON, RDF_PATCH))
        form = chosen[0] if chosen else None
    if form is None:
        raise QueryFailure("format", "The difference is HTML, JSON or an RDF Patch")
    languages = ask.languages if form is HTML else ()
    etag = ask.etag("diff", before.name, after.name, form.name, ask.number, *languages)
    headers = {"ETag": etag, "Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"}
    if (same := ask.unchanged(etag, headers)) is not None:
        return same
    if form is RDF_PATCH:
        if request.scope.get("kg.head"):
            return Response(b"", 200, headers, RDF_PATCH.media_type)
        found = await asyncio.to_thread(Difference, before, after)
        patch = _one_by_one(ask.site, found)
        return StreamingResponse(patch, 200, headers, RDF_PATCH.media_type)
    async with ask.site.comparing:  # one at a time: each may take a second of a core
        compared = await asyncio.to_thread(history.compare, before, after, ask.number)
    if form is PLAIN_JSON:
        return JSONResponse(history.as_json(compared, ask.number), headers=headers)
    address = f"{ask.root}/releases/{before.name}/diff/{after.name}"
    return ask.page(
        "diff.html",
        headers=headers,
        title="What changed",
        compared=compared,
        local=ask.local,
        patch=f"{address}.rdfp",
        json=f"{address}.json",
        backwards=f"{ask.root}/releases/{after.name}/diff/{before.name}",
    )


async def correction_list(request: Request) -> Response:
    """Return what editors corrected, withdrew and suppressed, and why, the last act first.

    HTML, RDF, JSON (`.json`) or an Atom feed (`.atom`).
    """
    return await _correction_list(request, "")


async def correction_list_as(request: Request, suffix: str) -> Response:
    """Return the same in the format of the suffix."""
    return await _correction_list(request, suffix)


async def _correction_list(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    served, number = ask.served, ask.number
    if served.manifest.imported:
        raise _without(ask, "notices of corrections")
    offers = {f".{form.name}": form for form in (PLAIN_JSON, ATOM, *PAGE_FORMATS)}
    if suffix and suffix not in offers:
        raise QueryFailure(
            "not-found", f"There is no format {suffix}; there are: {', '.join(offers)}"
        )
    form = offers.get(suffix)
    if form is None:
        accept = request.headers.get("accept")
        chosen = choose(accept, (*PAGE_FORMATS, ATOM, PLAIN_JSON))
        if chosen is None:
            raise QueryFailure(
                "format",
                "none of the formats asked for is offered",
                available=media_types((*PAGE_FORMATS, ATOM, PLAIN_JSON)),
            )
        form = chosen[0]
    languages = ask.languages if form in (HTML, ATOM) else ()
    etag = ask.etag("corrections", form.name, number, *languages)
    headers = {"ETag": etag, "Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"}
    if (same := ask.unchanged(etag, headers)) is not None:
        return same
    found, more = await describe.notices(served.engine, served.base, number)
    if form.name in describe.FORMATS and form is not HTML:
        data = describe.serialize(
            found.statements(form.name),
            form.name,
            served.release.prefixes,
            await _documents(served),
        )
        return Response(data, 200, headers, form.media_type)
    view = ask.view(found)
    notices = [view.notice(iri) for iri in view.d.sections["nodes"]]
    if form is PLAIN_JSON:
        value = corrections.as_json(view, notices, served.manifest.id, number, more=more)
        return JSONResponse(value, headers=headers)
    if form is ATOM:
        if number > 1:
            raise QueryFailure("not-found", "The feed has one page: the last notices")
        text = corrections.as_atom(view, notices, served.base, served.manifest.title)
        return Response(text, 200, headers, ATOM.media_type)
    address = f"{ask.root}/corrections"
    query = f"?page={number}" if number > 1 else ""
    further = [
        {"name": "JSON", "type": PLAIN_JSON.media_type, "href": f"{address}.json{query}"},
        {"name": "Atom", "type": ATOM.media_type, "href": f"{address}.atom"},
    ]
    return ask.page(
        "corrections.html",
        headers=headers,
        formats=[*further, *_formats(address, query)],
        title="Corrections",
        notices=notices,
        more=more,
    )


async def change_list(request: Request) -> Response:
    """Return the feed of changes: a Linked Data Event Stream, or a page for people."""
    return await _change_list(request, "")


async def change_list_as(request: Request, suffix: str) -> Response:
    """Return the feed of changes in the format of the suffix."""
    return await _change_list(request, suffix)


async def _change_list(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    chosen = _chosen(request, suffix)
    publications = await asyncio.to_thread(read_publications, ask.site.releases)
    first = max(0, len(publications) - PAGES_OF_CHANGES)
    shown = publications[first:]
    headers = {"Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"}
    if chosen != "html":
        text = changes.stream(ask.served.base, ask.served.manifest.title, shown, first)
        return await _turtle_answer(ask, text, chosen, headers)
    kept = {one.folder.name for one in await asyncio.to_thread(history.kept, ask.site.releases)}
    return ask.page(
        "changes.html",
        headers=headers,
        formats=_formats(f"{ask.root}/changes"),
        title="Changes",
        pages=[
            {
                "number": number,
                "one": one,
                "before": publications[number - 1].id if number else None,
                "kept": one.id in kept,
            }
            for number, one in reversed(list(enumerate(shown, first)))
        ][:CHANGES_SHOWN],
        kept=kept,
    )


async def change_page(request: Request, number: str) -> Response:
    """Return one page of the feed of changes: what happened to which things.

    It changes only if something is suppressed. `.ttl` and so on at its end choose the format.
    """
    ask = Ask(request)
    digits, dot, suffix = number.partition(".")
    chosen = _chosen(request, dot + suffix)
    page = None
    if re.fullmatch("0|[1-9][0-9]{0,8}", digits):
        page = await asyncio.to_thread(
            changes.read_page, ask.site.releases, ask.served.base, int(digits)
        )
    if page is None:
        raise QueryFailure("not-found", f"The feed of changes has no page {digits!r}")
    headers = {"Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"}
    if chosen != "html":
        if page.known:
            headers["Cache-Control"] = A_DAY
        text = changes.page_turtle(ask.served.base, page)
        return await _turtle_answer(ask, text, chosen, headers)
    kept = {one.folder.name for one in await asyncio.to_thread(history.kept, ask.site.releases)}
    return ask.page(
        "change.html",
        headers=headers,
        formats=_formats(f"{ask.root}/changes/{page.number}"),
        title=f"Changes of {page.time}",
        changed=page,
        compared=page.before in kept and page.release in kept and page.before != page.release,
        local=ask.local,
        most=CHANGES_SHOWN,
    )


async def _turtle_answer(ask: Ask, text: str, suffix: str, headers: Mapping[str, str]) -> Response:
    """Return Turtle that was made for this request in one of the data formats."""
    etag = f'"{hashlib.sha256(f"{suffix} {text}".encode()).hexdigest()[:32]}"'
    headers = {**headers, "ETag": etag}
    if (same := ask.unchanged(etag, headers)) is not None:
        return same
    data = text.encode()
    if suffix != "ttl":
        documents = await _documents(ask.served)
        data = await asyncio.to_thread(describe.convert, data, suffix, documents)
    return Response(data, 200, headers, describe.FORMATS[suffix])


async def _one_by_one(site: Site, difference: Difference) -> AsyncIterator[bytes]:
    """Yield a patch, while no other is made: each holds what changed of one graph in memory."""
    async with site.comparing:
        chunks = _together(difference.patch())
        while chunk := await asyncio.to_thread(next, chunks, b""):
            yield chunk


def _together(lines: Iterator[str]) -> Iterator[bytes]:
    """Yield lines in chunks."""
    while chunk := "".join(itertools.islice(lines, 1000)):
        yield chunk.encode()


# --- operations ----------------------------------------------------------------------------------


async def healthz() -> Response:
    """Return 200 while the server runs."""
    return Response("ok\n", media_type="text/plain", headers={"Cache-Control": "no-store"})


async def readyz(request: Request) -> Response:
    """Return 200 while a release is served, else 503."""
    served: Served | None = request.scope.get("kg.served")
    return JSONResponse(
        {"ready": served is not None, "release": served.manifest.id if served else None},
        200 if served else 503,
        {"Cache-Control": "no-store"},
    )


async def metrics(request: Request) -> Response:
    """Return what was counted, for Prometheus; as OpenMetrics where that is asked for."""
    site: Site = request.app.state.site
    media_type, text = site.exposition.text(request.headers.get("accept", ""))
    headers = {"Cache-Control": "no-store", "Vary": "Accept", "Content-Type": media_type}
    return Response(text, headers=headers)


async def asset(request: Request, name: str) -> Response:
    """Return a style sheet or an image of the pages."""
    site: Site = request.app.state.site
    if name not in site.assets:
        raise QueryFailure("not-found", f"There is no asset {name!r}")
    media = {"css": "text/css", "svg": "image/svg+xml"}[name.rsplit(".", 1)[-1]]
    lasting = "v" in request.query_params
    return Response(
        site.assets[name],
        200,
        {"Cache-Control": FOREVER if lasting else "no-cache"},
        media,
    )


async def api_page(request: Request) -> Response:
    """Return the description of this interface for people."""
    ask = Ask(request)
    routes = []
    for path, methods in request.app.openapi()["paths"].items():
        for method, item in methods.items():
            paragraphs = item.get("description", "").split("\n\n", 1)
            routes.append(
                {
                    "method": method.upper(),
                    "path": path,
                    "summary": item.get("summary", ""),
                    "description": paragraphs[1] if len(paragraphs) > 1 else "",
                    "parameters": [
                        {
                            "name": p["name"],
                            "where": p["in"],
                            "description": p.get("description", ""),
                        }
                        for p in item.get("parameters", ())
                    ],
                }
            )
    return ask.page("api.html", title="Interface for programs", routes=routes)


# --- errors --------------------------------------------------------------------------------------

REASONS: Final[Mapping[int, Reason]] = {
    400: "parameter",
    404: "not-found",
    405: "method",
    413: "length",
    415: "media-type",
    422: "parameter",
}
"""What the framework refuses by itself, in the words of the one table of problems."""


async def problem(request: Request, error: Exception) -> Response:
    """Return an error in the format asked for: a page or problem+json.

    Of a resource that is not there, an empty RDF document says just that; other errors have no RDF,
    because it would be taken for an answer.
    """
    failure = _failure(error)
    served: Served | None = request.scope.get("kg.served")
    status, pairs, body = problem_json(failure, served.manifest.id if served else "")
    headers = {name.decode(): value.decode() for name, value in pairs if name != b"content-type"}
    headers |= {"cache-control": "no-store", "vary": "Accept, Accept-Language"}
    if failure.reason == "method":
        headers["allow"] = "GET, HEAD, OPTIONS"
    wanted = None
    if request.url.path.startswith(("/doc/", "/resource.", "/ontology", "/shapes", "/dataset")):
        wanted = by_suffix(request.url.path)
    if wanted is None:
        accept = request.headers.get("accept", "")
        found = choose(accept, (PROBLEM_JSON, *PAGE_FORMATS))
        wanted = found[0] if found and failure.reason != "format" else PROBLEM_JSON
        if "text/html" in accept:
            wanted = HTML
    if wanted is not HTML and failure.reason != "not-found":
        wanted = PROBLEM_JSON
    if wanted is HTML:
        return _error_page(request, failure, headers)
    if wanted is PROBLEM_JSON:
        return Response(body, status, headers, PROBLEM_JSON.media_type)
    return Response(_empty(wanted, json.loads(body)), status, headers, wanted.media_type)


def _failure(error: Exception) -> QueryFailure:
    if isinstance(error, HTTPException):
        return QueryFailure(REASONS.get(error.status_code, "internal"), str(error.detail))
    if isinstance(error, RequestValidationError):
        words = "; ".join(f"{e['loc'][-1]}: {e['msg']}" for e in error.errors())
        return QueryFailure("parameter", words)
    return failure_of(error)


PROBLEM_JSON: Final = Format(
    "problem", "application/problem+json", ".json", aliases=("application/json",)
)


def _empty(form: Format, body: Mapping[str, object]) -> str:
    """Return a document without a triple that says what went wrong to whoever reads it."""
    words = f"{body['status']} {body['title']}: {body['detail']}"
    if form.name == "jsonld":
        return json.dumps({"@context": {}, **body}, ensure_ascii=False)
    if form.name == "rdf":
        comment = html.escape(words).replace("--", "- -")
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<!-- {comment} -->\n<rdf:RDF xmlns:rdf="{RDF}"/>\n'
        )
    return "# " + " ".join(words.split()) + "\n"


def _error_page(request: Request, failure: QueryFailure, headers: Mapping[str, str]) -> Response:
    site: Site = request.app.state.site
    served: Served | None = request.scope.get("kg.served")
    root = request.scope.get("root_path", "").rstrip("/")
    status, title = PROBLEMS[failure.reason]
    text = site.templates.get_template("error.html").render(
        site={"title": TITLE, "asset": lambda name: root + site.asset(name)},
        release=served.manifest if served else None,
        root=root,
        static=request.scope.get("kg.static"),
        formats=(),
        languages_offered=(),
        title=title,
        detail=str(failure),
        offers=failure.available,
    )
    return Response(text, status, dict(headers), "text/html")


# --- the application -----------------------------------------------------------------------------

Route = tuple[str, Callable[..., Any], str]
ROUTES: Final[tuple[Route, ...]] = (
    ("/", home, "Home page"),
    ("/id/{kind}/{key}", thing, "A thing itself: 303 to its document"),
    ("/doc/{kind}/{name}", document, "The document about a thing"),
    ("/resource", resource, "What imported RDF says of an IRI"),
    ("/resource{suffix}", resource_as, ""),
    ("/ontology", ontology, "The ontology"),
    ("/ontology{suffix}", ontology_as, "The ontology, in one format"),
    ("/shapes", shapes, "The shapes"),
    ("/shapes{suffix}", shapes_as, "The shapes, in one format"),
    ("/facts/schema.json", facts_schema, "The JSON Schema of facts files"),
    ("/context.jsonld", context, "The JSON-LD context"),
    ("/query", query_page, "A query and its result as a page"),
    ("/sparql", query_page, ""),
    ("/sparql/", query_page, ""),
    ("/dataset", dataset, "The description of the dataset"),
    ("/dataset{suffix}", dataset_as, "The description of the dataset, in one format"),
    ("/.well-known/void", void, "The description of the dataset, as RDF"),
    ("/download", download_page, "The list of files"),
    ("/download/{release}/", download, ""),
    ("/download/{release}/{path:path}", download, "A file of a release"),
    ("/releases", release_list, "The releases"),
    ("/releases/{old}/diff/{new}", release_difference, "What changed between two releases"),
    ("/releases/{release}", release_page, "A release"),
    ("/corrections", correction_list, "What editors corrected, withdrew and suppressed"),
    ("/corrections{suffix}", correction_list_as, "The same, in one format"),
    ("/changes", change_list, "The feed of changes"),
    ("/changes{suffix}", change_list_as, "The feed of changes, in one format"),
    ("/changes/{number}", change_page, "A page of the feed of changes"),
    ("/search", search_page, "Search names in any script"),
    ("/questions", question_list, "The questions"),
    ("/questions/{name}", question_page, "A question with its answer"),
    ("/docs", api_page, "This interface for people"),
    ("/healthz", healthz, "Whether the server runs"),
    ("/readyz", readyz, "Whether a release is served"),
    ("/metrics", metrics, "Counters for Prometheus"),
    ("/assets/{name}", asset, ""),
)
"""Path, function, and its line in the description of the interface; without one it is not in it."""

ROUTE_NAMES: Final = frozenset(
    {"home", "sparql", *(path.split("/")[1].split("{")[0] for path, _, _ in ROUTES)}
)


def _application(site: Site) -> FastAPI:
    """Return the routes, the description of the interface, and how errors are answered."""
    app = FastAPI(
        title=TITLE,
        summary="Who says what, about which event, with what evidence",
        version=kg.__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=site.lifespan,
        redirect_slashes=False,
    )
    app.state.site = site
    for path, function, _ in ROUTES:
        app.add_api_route(path, function, methods=["GET"], response_class=Response)
    for error in (HTTPException, RequestValidationError, KgError, OSError, Exception):
        app.add_exception_handler(error, problem)
    described = [
        Page(path, function.__name__, words, inspect.getdoc(function) or "")
        for path, function, words in ROUTES
        if words
    ]
    description = interface(TITLE, app.summary or "", app.version, described)
    app.openapi = lambda: description  # type: ignore[method-assign] # as FastAPI documents it
    return app
