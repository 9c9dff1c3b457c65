"""The site as an ASGI application: the release that is served, its workers, and the common headers.

The release that `<releases>/current` points to is opened when the server starts, and looked for
again every second: a new one is opened beside the old, new requests go to it, and the old workers
end when their last request is answered. One that cannot be opened leaves the old one served.

Spec: RFC 9110 (HTTP)
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import json
import logging
import re
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import jinja2
from fastapi import FastAPI
from fastapi.responses import Response
from starlette.types import Message, Receive, Scope, Send

import kg
from kg import logs, resources
from kg.errors import ConfigError, KgError
from kg.manifest import (
    LABELS,
    Manifest,
    read_manifest,
)
from kg.remote import Access
from kg.store import Release, current_release
from kg.vocab import graph_iri
from kg.web import describe, gather
from kg.web.backend import attach
from kg.web.cache import Cache
from kg.web.downloads import Files
from kg.web.guard import QueryFailure
from kg.web.language import LOCALE
from kg.web.metrics import Exposition, Metrics, State
from kg.web.negotiation import (
    GRAPH_FORMATS,
    HTML,
    JSON,
    RESULT_FORMATS,
    TURTLE,
    choose,
)
from kg.web.pageloop import PageLoop, at
from kg.web.pool import Answer, Limits, Pool, Term, client, solutions
from kg.web.protocol import SparqlEndpoint, request_id
from kg.web.protocol import problem as problem_json
from kg.web.quota import Quota, client_of
from kg.web.search import label_languages
from kg.web.texts import TOKEN, Texts, is_here
from kg.web.worker import GRACE_S

if TYPE_CHECKING:
    from kg.config import Settings

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

HERE: Final = Path(__file__).parent
BUILT: Final = "built/"
"""What the paths of assets begin with that are made with Node."""
POLL_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
"""Between two tries to open a release that could not be opened."""
LANGUAGES_OF_LABELS: Final = 8
"""Languages, the most frequent ones, in which a text without one is looked for among labels."""
_DEADLINES: Final = 3
"""So many deadlines of a query after it was replaced, nobody needs a release's workers."""
RECENT: Final = 16
"""Descriptions and contents of pictures that are kept."""
LARGEST_ON_PAGE: Final = 8 << 20
"""Bytes of an answer that a page shows; the endpoint gives more."""
POLICY: Final = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"Accept-Ranges, Content-Location, Content-Range, ETag, Kg-Positions-Cut, Kg-Release, "
        b"Link, Repr-Digest, Retry-After, X-Request-Id",
    ),
)
OPERATIONS: Final = ("/healthz", "/readyz", "/metrics")
"""Answered at once, however much is being done for pages."""
METHODS: Final[Mapping[str, str]] = {
    "/reconcile": "GET, HEAD, POST, OPTIONS",
    "/reconcile/match": "POST, OPTIONS",
    "/reconcile/extend": "POST, OPTIONS",
}
"""What these addresses allow; all others of pages allow `READING`."""
_RECONCILE: Final = re.compile(r"(/reconcile)(?:/([a-z]{2,3}))?((?:/[a-z]{4,})*)/?")
READING: Final = "GET, HEAD, OPTIONS"
BARE: Final = ("/sparql", "/sparql/", "/graphs", "/graphs/")
_DESCRIPTIONS: Final = (*GRAPH_FORMATS, HTML)
_ANSWERS: Final = (*RESULT_FORMATS, *_DESCRIPTIONS)


def must_be_public(manifest: Manifest, host: str) -> None:
    """Return if all graphs of a release may be handed on.

    Raises:
        ConfigError: some may not, and others reach the server that listens on `host`.
    """
    private = [graph.key for graph in manifest.graphs if graph.private]
    if private:
        more = f" and {len(private) - 3} more" if len(private) > 3 else ""
        raise ConfigError(
            "the release has graphs that may not be handed on, and others would be served them",
            where=manifest.id[:12],
            seen=f"--host {host}, with {', '.join(private[:3])}{more}",
            expected="an address of this machine, or --private",
            hint="build a release without these sources; or, where those who reach this address "
            "may have them, give --private",
        )


class PoolEngine:
    """Answers the queries of pages with a pool of workers, from whichever loop they are asked.

    Made in the loop that the pool is used in.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._home = asyncio.get_running_loop()
        self.terms: Mapping[str, Sequence[describe.Quad]] = {}
        self.imported = pool.release.manifest.imported
        self.languages: Sequence[str] = ()

    async def rows(self, queries: Sequence[str]) -> list[list[describe.Row]]:
        """Return the solutions of several SELECT queries.

        Raises:
            QueryFailure: for the first query that fails.
        """
        documents = await at(self._home, self.pool.own(queries))
        return _rows(documents)

    async def introduced(self, iris: Collection[str]) -> Sequence[describe.Quad]:
        """Return what introduces things; see `describe.Engine`."""
        return await describe.introduced(self, iris)

    async def gathered(self, call: str, **options: Any) -> describe.Description | None:
        """Return a description, for which a worker asks all that has to be asked.

        Args:
            call: one of `gather.CALLS`.
            options: its arguments, but for the engine.
        Raises:
            QueryFailure: it takes too long, or the workers are busy.
        """
        return gather.decode(await at(self._home, self.pool.description(call, options)))

    async def ask(self, query: str, limit: int, **options: Any) -> describe.Solutions:
        """Return the answer to a query of any form, of at most `limit` rows.

        The blank nodes in it have numbers, but those of imported RDF their labels.

        Args:
            query: the text.
            limit: rows that are wanted.
            options: dataset and deadline, as for `Pool.query`.
        Raises:
            QueryFailure: it was refused or failed, or the answer is too large for a page.
        """
        answer, body = await at(self._home, self._whole(query, options))
        if answer.media_type == TURTLE.media_type:
            text = body if self.imported else await asyncio.to_thread(describe.numbered, body)
            return describe.Solutions(text=text.decode(), cut=bool(answer.cut))
        found = json.loads(body)
        if "boolean" in found:
            return describe.Solutions(truth=found["boolean"])
        rows = found["results"]["bindings"]
        parts: dict[describe.Term, tuple[describe.Term, describe.Term, describe.Term]] = {}
        blank: dict[str, str] = {}  # a query can make labels of anything

        def made(term: Mapping[str, Any]) -> describe.Term:
            value = term["value"]
            if term["type"] == "triple":
                inside = made(value["subject"]), made(value["predicate"]), made(value["object"])
                whole = describe.triple_term(inside)
                parts[whole] = inside
                return whole
            tags = term.get("xml:lang", ""), term.get("datatype", "")
            if term["type"] == "bnode" and not self.imported:
                value = blank.setdefault(value, str(len(blank) + 1))
            return describe.term(term["type"], value, *tags)

        return describe.Solutions(
            tuple(found["head"]["vars"]),
            tuple({name: made(term) for name, term in row.items()} for row in rows[:limit]),
            cut=len(rows) > limit or bool(answer.cut),
            parts=parts,
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


def _rows(documents: Iterable[bytes]) -> list[list[describe.Row]]:
    """Return the solutions in documents of SPARQL results.

    A page is made of a few thousand terms, most of which stand there many times: each IRI is made
    once.
    """
    known: dict[str, describe.Term] = {}

    def made(term: Term) -> describe.Term:
        if term.type != "uri":
            return describe.term(term.type, term.value, term.lang, term.datatype)
        found = known.get(term.value)
        if found is None:
            found = known[term.value] = describe.Term(term.value)
        return found

    return [
        [{name: made(term) for name, term in row.items()} for row in solutions(document)]
        for document in documents
    ]


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
    pages: Cache = field(default_factory=lambda: Cache(0))
    """Pages and descriptions that were made, by entity tag."""
    cache: dict[object, Any] = field(default_factory=dict)
    locks: dict[object, asyncio.Lock] = field(default_factory=dict)
    _recent: dict[object, Any] = field(default_factory=dict)

    async def described(self, kind: str, key: str, number: int) -> describe.Description | None:
        """Return page `number` of the description of a thing, or None where there is nothing.

        Raises:
            QueryFailure: a query took too long or the workers are busy.
        """
        return await self.recent(
            (f"{kind}/{key}", number),
            lambda: self.engine.gathered(
                "describe", **self._among_graphs, kind=kind, key=key, page=number
            ),
        )

    async def described_iri(self, iri: str, number: int) -> describe.Description | None:
        """Return the same of any IRI of imported RDF."""
        return await self.recent(
            (iri, number),
            lambda: self.engine.gathered("resource", **self._among_graphs, iri=iri, page=number),
        )

    async def described_term(self, name: str, iri: str, use: str, number: int) -> Any:
        """Return the same of a term of the ontology, whose graph is `name`; never None."""
        return await self.recent(
            (f"term {iri}", number),
            lambda: self.engine.gathered(
                "term_page", base=self.base, name=name, iri=iri, use=use, page=number
            ),
        )

    @property
    def _among_graphs(self) -> Mapping[str, Any]:
        return {"base": self.base, "graphs": sorted(self.release.graphs)}

    async def recent(self, key: object, make: Callable[[], Awaitable[_T]]) -> _T:
        """Return what `make` gives, unless it gives None; the last ones are kept.

        Who reads a page asks for its data next, and for the page in another language.
        """
        found: _T = self._recent.get(key) or await make()
        if found is not None:
            self._recent[key] = found
            while len(self._recent) > RECENT:
                del self._recent[next(iter(self._recent))]
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
    """The ASGI application: chooses the release, then the endpoint or the pages.

    Args:
        releases: the folder of releases, with the link `current` in it.
        settings: number of workers and limits of queries.
        application: makes what answers everything but queries.
        names: what the paths of its routes begin with, for the metrics.
    """

    def __init__(
        self,
        releases: Path,
        settings: Settings,
        application: Callable[[Site], FastAPI],
        names: Collection[str],
    ) -> None:
        self.releases = releases
        self.settings = settings
        self.served: Served | None = None
        self.metrics = Metrics()
        self.exposition = Exposition(self.metrics, self._state)
        self.quota = Quota(settings.client_rate)
        self.texts = Texts(settings.texts) if settings.texts else None
        self.connections: Collection[object] = ()
        """Those that are open, as far as the server tells."""
        self.assets = _assets(HERE / "assets")
        self.hashes = {
            name: hashlib.sha256(data).hexdigest()[:12] for name, data in self.assets.items()
        }
        self.build = _fingerprint(self.assets)
        self.zipped = cache(lambda name: gzip.compress(self.assets[name], mtime=0))
        """Returns an asset by its name, compressed."""
        self.templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
            extensions=["jinja2.ext.i18n"],
        )
        # The language is one of the variables of a page, so that one set of templates serves all.
        self.templates.install_gettext_callables(  # type: ignore[attr-defined] # of the extension
            jinja2.pass_context(lambda page, *words: page["language"].gettext(*words)),
            jinja2.pass_context(lambda page, *words: page["language"].ngettext(*words)),
            newstyle=True,
            pgettext=jinja2.pass_context(lambda page, *words: page["language"].pgettext(*words)),
        )
        self.app = application(self)
        self.routes = names
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
        if served is None and scope["path"] in BARE and not _is_for_people(scope):
            status, pairs, body = problem_json(nothing_served())
            headers = {name.decode(): value.decode() for name, value in pairs}
            await Response(body, status, headers)(scope, receive, send)
            return
        scope = {**scope, **_reconciling(scope["path"])}
        if scope["method"] == "OPTIONS":
            await _preflight(scope, receive, send)
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
        route = first if first in self.routes else first.partition(".")[0]
        route = route if route in self.routes else "other"
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
            cache_bytes=served.endpoint.cache.bytes + served.pages.bytes,
            cache_answers=len(served.endpoint.cache) + len(served.pages),
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
        if self.texts is not None:
            secret = f"{address}?{TOKEN}={self.texts.token}"
            _log.info("the words of %d texts are shown by %s", len(self.texts), secret)
        if served.pool.backend is not None:
            _log.info("queries are evaluated by %s", served.pool.backend.query)
        elif served.pool.isolated:
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
        settings = self.settings
        if not (settings.private == "everywhere" or is_here(settings.host)):
            must_be_public(await asyncio.to_thread(read_manifest, folder), settings.host)
        backend = None
        if settings.backend:
            access = Access(
                query=settings.backend,
                user=settings.server_user,
                password=settings.server_password,
                timeout_s=settings.query_timeout_s + GRACE_S,
            )
            manifest = await asyncio.to_thread(read_manifest, folder)
            attached = await asyncio.to_thread(attach, access, manifest, settings.result_limit_mib)
            backend = attached.backend
            if attached.missing:
                _log.warning(
                    "the server behind has only what may be handed on: queries do not see %s",
                    ", ".join(attached.missing),
                )
        pool = Pool(folder, Limits.of(settings), self.metrics.pools, backend)
        endpoint = SparqlEndpoint(
            pool, cache_mib=self.settings.cache_mib, quota=self.quota, metrics=self.metrics
        )
        release = pool.release
        files = Files(release.path, release.manifest, self.served.files if self.served else None)
        pages = Cache(self.settings.cache_mib << 20)
        served = Served(release, pool, PoolEngine(pool), endpoint, files, pages=pages)
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
        served.engine.languages = found[:LANGUAGES_OF_LABELS]
        return served

    def asset(self, name: str, *, root: str = "") -> str:
        """Return the address of an asset with its hash, so that it can be kept for ever.

        Those in `built/` are made with Node from `frontend/`; of one that is not there, the address
        is empty.

        Args:
            root: path under which the site stands.
        """
        if name not in self.assets and name.startswith(BUILT):
            return ""
        return f"{root}/assets/{name}?v={self.hashes[name]}"


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


def _assets(folder: Path) -> dict[str, bytes]:
    """Return the files of pages by their path in the folder of assets, sorted."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _fingerprint(assets: Mapping[str, bytes]) -> str:
    """Return a hash of what shapes a page beside the release: version, templates, documentation."""
    digest = hashlib.sha256(kg.__version__.encode())
    pages = (
        path for path in resources.folder("docs").rglob("*.*") if path.suffix in (".md", ".svg")
    )
    shown = (HERE / "templates").glob("*.html")
    for path in (*sorted(shown), *sorted(LOCALE.glob("*.po")), *sorted(pages)):
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


def _reconciling(path: str) -> dict[str, str]:
    """Return what a path of reconciliation changes of a scope: it may hold a language.

    Clients add names of services, and `?type=` and the like, to the address that they were given; a
    language among the parameters would be lost.

    >>> _reconciling("/reconcile/bn/preview/")
    {'path': '/reconcile/preview', 'kg.lang': 'bn'}
    >>> _reconciling("/reconcile/reconcile"), _reconciling("/doc/agent/russia")
    ({'path': '/reconcile/match'}, {})
    """
    found = _RECONCILE.fullmatch(path)
    if found is None:
        return {}
    # An earlier draft of version 1.0 had another name for it.
    rest = "/match" if found[3] == "/reconcile" else found[3]
    return {"path": found[1] + rest} | ({"kg.lang": found[2]} if found[2] else {})


async def _preflight(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer whether a page elsewhere may read: it may."""
    asked = dict(scope["headers"]).get(b"access-control-request-headers", b"").decode("latin-1")
    allowed = METHODS.get(scope["path"], READING)
    headers = {
        "Access-Control-Allow-Methods": allowed,
        "Access-Control-Max-Age": "86400",
        "Allow": allowed,
    }
    if re.fullmatch(r"[A-Za-z0-9, _-]{1,500}", asked):
        headers["Access-Control-Allow-Headers"] = asked
    await Response(status_code=204, headers=headers)(scope, receive, send)


def nothing_served() -> QueryFailure:
    """Return the failure of whatever is asked before a release is open."""
    return QueryFailure(
        "busy",
        "no release is served yet",
        hint="build one with `kg build`; it is picked up by itself",
        retry_after=2,
    )
