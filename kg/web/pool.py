"""The query workers of one release: processes that may be killed, so that the server never dies.

A query is given to a worker that is free, with a deadline. When the deadline is over, when the
answer is too large, and when whoever asked has gone, the worker is killed and another one takes
its place; one or more spares stand ready, so that nobody waits for that. A worker that crashes or
runs out of memory takes only its own query with it.

There are two lanes. A query begins in the fast one. When it has run for a while, or its answer is
no small one, it needs a place in the slow lane, which has at most half of the workers and a lowered
priority. If there is one, it goes on there; if not, its worker is killed, and it waits to be begun
again there. So slow queries, however many, never hold all workers, and clients take turns.

Small answers are complete before `Pool.answer` returns. A larger one is read while it is made; if
it has to stop in the middle, reading it raises.

Spec: docs/decisions/0004-store.md; docs/reference/sparql.md; docs/how-to/operate.md
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import dataclasses
import hashlib
import json
import logging
import math
import sys
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TextIO, TypeVar

import msgspec

from kg.config import Settings
from kg.errors import ReleaseError
from kg.store import Release, open_release
from kg.vocab import graph_iri
from kg.web import negotiation
from kg.web.backend import Backend
from kg.web.guard import Checked, Form, QueryFailure, check
from kg.web.lanes import Lanes, Place
from kg.web.nursery import Nursery
from kg.web.process import Worker

_T = TypeVar("_T")
_LOG = logging.getLogger(__name__)
LONG: Final = 1 << 13
"""Characters from which a text is looked at in a thread, so that other requests go on."""
_LONGEST_PAUSE_S: Final = 10.0
_TRIES: Final = 3
_END_S: Final = 10.0
"""How long the end of a pool waits to hear that its workers have ended."""
_WHOLE: Final = sys.maxsize
_ROUNDS: Final = 5
"""Queries that a description asks one after the other, each for what the last one found."""
_LARGEST_KEPT: Final = 32 << 20
"""Bytes of an answer that is wanted whole, for a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the queries of a pool may take; the defaults are safe on a small machine.

    Args:
        workers: queries that run at once; slow ones have at most half of them.
        spares: workers beyond them that stand ready to replace one that was killed.
        queue: queries that wait for a worker; one more is told that the service is busy.
        timeout_s: seconds from the question to the end of the answer.
        first_byte_s: seconds from the question to the beginning of the answer.
        slow_after_s: seconds after which a query is a slow one.
        memory_mib: address space of a query on top of what the open store occupies.
        result_mib: size of the largest answer, before it is compressed.
        rows: rows or statements after which an answer is cut; 0 for none.
        complete_kib: size up to which an answer is complete before it is handed out.
    """

    workers: int = 4
    spares: int = 1
    queue: int = 64
    timeout_s: float = 30.0
    first_byte_s: float = 30.0
    slow_after_s: float = 0.25
    memory_mib: int = 512
    result_mib: int = 256
    rows: int = 0
    complete_kib: int = 1024

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Return the limits that the settings ask for."""
        return cls(
            workers=settings.workers,
            spares=settings.spare_workers,
            queue=settings.query_queue,
            timeout_s=settings.query_timeout_s,
            first_byte_s=settings.first_byte_s,
            slow_after_s=settings.slow_after_s,
            memory_mib=settings.query_memory_mib,
            result_mib=settings.result_limit_mib,
            rows=settings.row_limit,
        )


DEFAULTS: Final = Limits()

client: ContextVar[str] = ContextVar("client", default="")
"""Who asks, as far as it matters for fairness; set once for each request, empty for nobody."""


@dataclass(slots=True)
class Tally:
    """What has happened in pools since the server started; one tally can serve several pools.

    `starts` counts workers that became ready, `ends` those that ended, by reason; `moved` counts
    queries that went on in the slow lane, `restarted` those that were begun again there.
    """

    starts: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    moved: int = 0
    restarted: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """What a pool is doing at the moment, in numbers of queries and workers."""

    fast: int
    slow: int
    waiting: int
    waiting_slow: int
    idle: int
    workers: int

    @property
    def running(self) -> int:
        """Return the number of queries that run."""
        return self.fast + self.slow


Job = Mapping[str, Any] | msgspec.Raw
"""What a worker is asked to do; `kg.web.worker` has the fields."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A query that the guard let pass, and what its answer will be like.

    `volatile` says that two answers may differ on the same release. `key` is equal for questions
    whose answers are equal on one release: a hash of the query, its dataset, the limits that hold
    for it, and media type and coding of the answer. `began` is when it was asked.
    """

    form: Form
    media_type: str
    gzip: bool
    volatile: bool
    timeout_s: float
    key: bytes
    job: msgspec.Raw
    began: float


class Term(msgspec.Struct, frozen=True):
    """An RDF term of a solution; `type` is `uri`, `literal` or `bnode`.

    Spec: SPARQL 1.1 Query Results JSON Format, section 3.2.2
    """

    type: str
    value: str
    lang: str = msgspec.field(default="", name="xml:lang")
    datatype: str = ""

    def __str__(self) -> str:
        return self.value

    @property
    def is_iri(self) -> bool:
        """Return whether the term is an IRI."""
        return self.type == "uri"


Row = dict[str, Term]
"""A solution: terms by the name of the variable; an unbound one is absent."""


class _Results(msgspec.Struct):
    bindings: list[Row]


class _Head(msgspec.Struct):
    vars: list[str] = []


class _Document(msgspec.Struct):
    head: _Head
    results: _Results | None = None
    boolean: bool | None = None


def solutions(document: bytes) -> list[Row]:
    """Return the solutions in SPARQL results in JSON; none of those of an ASK query."""
    results = msgspec.json.decode(document, type=_Document).results
    return results.bindings if results is not None else []


class Answer:
    """The answer to one question: its media type and its bytes.

    Either `body` is the whole of it, or it is read once with `async for`; then `close` has to be
    called if reading ends early, because a worker is busy with it until then.
    """

    def __init__(
        self, media_type: str, release: str, found: _Found, slow: bool, rest: _Exchange | None
    ) -> None:
        self.media_type = media_type
        self.release = release
        self.body: bytes | None = b"".join(found.parts) if rest is None else None
        self.gzip = found.gzip
        """Whether the bytes are compressed."""
        self.cut = found.cut
        """Rows after which the answer was cut, or 0 if it is whole."""
        self.slow = slow
        """Whether the query was a slow one."""
        self._parts = found.parts
        self._rest = rest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes in parts.

        Raises:
            QueryFailure: the answer has to stop here, incomplete.
        """
        if self.body is not None:
            yield self.body
            return
        try:
            while self._parts:
                yield self._parts.popleft()
            while self._rest is not None and (part := await self._rest.rest()) is not None:
                yield part
        finally:
            self.close()

    def close(self) -> None:
        """Give the worker back, or kill it if it is not ready; nothing happens a second time."""
        if self._rest is not None:
            self._rest.close()
            self._rest = None


class Pool:
    """The workers of one release.

    Args:
        release: the folder of a finished release, or the release once opened.
        limits: what queries may take.
        tally: counts on where one is given, else a new one.
        backend: the server that evaluates the queries in the place of our engine, if there is one.

    Use it as `async with Pool(path, limits) as pool`; entering fails if no worker can start.
    """

    def __init__(
        self,
        release: Path | Release,
        limits: Limits = DEFAULTS,
        tally: Tally | None = None,
        backend: Backend | None = None,
    ) -> None:
        self.tally = tally or Tally()
        self.release = release if isinstance(release, Release) else open_release(release)
        self.limits = limits
        self.backend = backend
        self.isolated: bool | None = None
        """Whether the system has taken the network from the workers; None before the start."""
        self._link = f"{self.release.base_iri}download"
        self._workers: set[Worker] = set()
        self._loop: asyncio.AbstractEventLoop
        self._texts: Lanes[None]
        self._lanes: Lanes[Worker]
        self._nursery: Nursery
        self._closed = False
        self._empty: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Start the workers, and return when the first one is ready.

        Raises:
            ReleaseError: a worker cannot open the store, or not under the memory limit.
        """
        self._loop = asyncio.get_running_loop()
        self._texts = Lanes(1, self.limits.queue, lambda _: True)
        self._texts.add(None)
        self._lanes = Lanes(self.limits.workers, self.limits.queue, _usable)
        try:
            self._nursery = Nursery(backend=self.backend is not None)
            try:
                self._add(await self._start())
            except BaseException:
                self._nursery.close()
                raise
        except OSError as error:
            raise ReleaseError(f"no query worker can be started: {error}") from error
        for _ in range(self.limits.workers + self.limits.spares - 1):
            self._replace()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Kill all workers."""
        await self.close()

    # --- questions ---

    async def query(
        self,
        text: str,
        *,
        accept: str = "*/*",
        default_graphs: Sequence[str] = (),
        named_graphs: Sequence[str] = (),
        timeout_s: float | None = None,
        bindings: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer to a SPARQL query.

        Args:
            text: the query; `Release.prefixes` need no declaration.
            accept: an Accept header, or one media type.
            default_graphs, named_graphs: the dataset, in place of FROM and FROM NAMED.
            timeout_s: a shorter deadline than that of the limits; a longer one is cut to it.
            bindings: terms as N-Triples writes them (`kg.vocab.iri`, `kg.vocab.literal`), by
                variables of the query; they are bound at the beginning of WHERE.
        Raises:
            QueryFailure: for each `reason` that it has.
        """
        return await self.answer(
            await self.prepare(
                text,
                accept=accept,
                default_graphs=default_graphs,
                named_graphs=named_graphs,
                timeout_s=timeout_s,
                bindings=bindings,
            )
        )

    async def prepare(
        self,
        text: str,
        *,
        accept: str = "*/*",
        default_graphs: Sequence[str] = (),
        named_graphs: Sequence[str] = (),
        timeout_s: float | None = None,
        bindings: Mapping[str, str] | None = None,
        gzip: bool = False,
    ) -> Question:
        """Return what is to be asked, checked and negotiated; no worker sees it yet.

        Args:
            gzip: the answer may be compressed.
            text, accept, default_graphs, named_graphs, timeout_s, bindings: as for `query`.
        Raises:
            QueryFailure: it is refused.
        """
        began = self._loop.time()
        longest = self.limits.timeout_s
        timeout = longest if timeout_s is None else min(timeout_s, longest)

        def run() -> Question:
            default, named = tuple(default_graphs), tuple(named_graphs)
            return self._question(text, accept, default, named, timeout, bindings, gzip, began)

        return await self.aside(run, len(text), timeout)

    def _question(
        self,
        text: str,
        accept: str,
        default_graphs: tuple[str, ...],
        named_graphs: tuple[str, ...],
        timeout: float,
        bindings: Mapping[str, str] | None,
        gzip: bool,
        began: float,
    ) -> Question:
        replaced = bool(default_graphs or named_graphs)
        checked = self._check(text, graphs=None if replaced else self.release.graphs)
        offered = (
            negotiation.RESULT_FORMATS
            if checked.form in ("SELECT", "ASK")
            else negotiation.GRAPH_FORMATS
        )
        media_type = _negotiated(accept, offered)
        default, named = checked.default_graphs, checked.named_graphs
        if replaced:
            self._known((*default_graphs, *named_graphs))
            default, named = default_graphs, named_graphs
        limits = self.limits
        job = {
            "kind": "query",
            "text": _bind(text, checked, bindings),
            "default": default,
            "named": named,
            "media_type": media_type,
            "gzip": gzip,
            "rows": limits.rows,
            "link": self._link,
        }
        encoded = msgspec.json.encode(job)
        bounds = f"{timeout} {limits.memory_mib} {limits.result_mib} ".encode()
        return Question(
            form=checked.form,
            media_type=media_type,
            gzip=gzip,
            volatile=checked.volatile,
            timeout_s=timeout,
            key=hashlib.sha256(bounds + encoded).digest(),
            job=msgspec.Raw(encoded),
            began=began,
        )

    async def answer(self, question: Question) -> Answer:
        """Return the answer to a question of this pool.

        Raises:
            QueryFailure: as for `query`.
        """
        left = question.timeout_s - (self._loop.time() - question.began)
        return await self._answer(question.job, question.media_type, max(left, 0.0))

    async def select(self, text: str, bindings: Mapping[str, str] | None = None) -> list[Row]:
        """Return the solutions of a SELECT query, in the order in which the engine gives them.

        Raises:
            QueryFailure: as for `query`.
        """
        return (await self.batch([text], bindings))[0]

    async def ask(self, text: str, bindings: Mapping[str, str] | None = None) -> bool:
        """Return the answer to an ASK query.

        Raises:
            QueryFailure: as for `query`.
        """
        (body,) = await self._all([await self._small(text, bindings)])
        return bool(msgspec.json.decode(body, type=_Document).boolean)

    async def batch(
        self, texts: Sequence[str], bindings: Mapping[str, str] | None = None
    ) -> list[list[Row]]:
        """Return the solutions of several SELECT queries: one worker, one round trip, one deadline.

        Args:
            texts: the queries.
            bindings: as for `query`; for each query, so every one must have a WHERE clause.
        Raises:
            QueryFailure: for the first query that fails.
        """
        return [solutions(body) for body in await self.documents(texts, bindings)]

    async def documents(
        self, texts: Sequence[str], bindings: Mapping[str, str] | None = None
    ) -> list[bytes]:
        """Return what `batch` returns before it is read: SPARQL results in JSON, for `solutions`.

        Raises:
            QueryFailure: as for `batch`.
        """
        return await self._all([await self._small(text, bindings) for text in texts])

    async def own(self, texts: Sequence[str]) -> list[bytes]:
        """Return what `documents` returns for queries of this package.

        They are neither looked at before they are asked nor changed: each of the two takes a third
        of the time of a page. Whatever a reader sent must not be in them but as an IRI or a literal
        that was checked, and they sort by expressions that have values of one kind, no variables.

        Args:
            texts: SELECT queries over all graphs, without FROM.
        Raises:
            QueryFailure: one takes too long or needs too much, or too many wait.
        """
        job = {
            "kind": "query",
            "own": True,
            "default": None,
            "named": None,
            "media_type": negotiation.JSON.media_type,
        }
        return await self._all([{**job, "text": text} for text in texts])

    async def description(self, call: str, options: Mapping[str, Any]) -> bytes:
        """Return a description that a worker gathered, as `kg.web.gather.decode` takes it.

        Args:
            call: one of `kg.web.gather.CALLS`.
            options: its arguments, but for the engine.
        Raises:
            QueryFailure: it takes too long or needs too much, or too many wait.
        """
        job = {"kind": "description", "call": call, "options": dict(options)}
        return (await self._all([job], _ROUNDS))[0]

    async def construct(
        self,
        text: str,
        media_type: str = negotiation.NQUADS.media_type,
        bindings: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return what a query describes, sorted, each statement once: equal stores, equal bytes.

        Args:
            text: CONSTRUCT or DESCRIBE, or SELECT with the variables s, p, o and perhaps g, whose
                solutions are statements, in the graph g.
            media_type: one of `negotiation.GRAPH_FORMATS`; those without named graphs leave g out.
            bindings: as for `query`.
        Raises:
            QueryFailure: as for `query`.
        """
        graphs = self.release.graphs
        checked = await self.aside(lambda: self._check(text, graphs), len(text))
        job = {
            "kind": "statements",
            "text": _bind(text, checked, bindings),
            "media_type": _negotiated(media_type, negotiation.GRAPH_FORMATS),
        }
        return (await self._all([job]))[0]

    async def graph(
        self,
        iri: str | None,
        *,
        accept: str = "*/*",
        timeout_s: float | None = None,
        gzip: bool = False,
    ) -> Answer:
        """Return a named graph of the release, or its default graph for None.

        Raises:
            QueryFailure: `graph` if the release has no such graph; others as for `query`.
        """
        if iri is not None:
            self._known((iri,))
        media_type = _negotiated(accept, negotiation.GRAPH_FORMATS)
        job = {"kind": "graph", "text": iri, "media_type": media_type, "gzip": gzip}
        return await self._answer(job, media_type, timeout_s)

    async def convert(self, ntriples: str, media_type: str) -> bytes:
        """Return N-Triples in another format.

        Raises:
            QueryFailure: as for `query`.
        """
        media_type = _negotiated(media_type, negotiation.GRAPH_FORMATS)
        return (await self._all([{"kind": "convert", "text": ntriples, "media_type": media_type}]))[
            0
        ]

    def load(self) -> Load:
        """Return what the pool is doing at the moment."""
        lanes = self._lanes
        return Load(
            fast=lanes.fast,
            slow=lanes.slow,
            waiting=lanes.waiting,
            waiting_slow=lanes.waiting_slow,
            idle=len(lanes.idle),
            workers=len(self._workers),
        )

    # --- the end ---

    async def drain(self) -> None:
        """Take no more questions, let the running ones end, then end the workers."""
        self._closed = True
        self._lanes.close()
        self._texts.close()
        if self._lanes.running:
            self._empty = self._empty or self._loop.create_future()
            await asyncio.shield(self._empty)
        await self.close()

    async def close(self) -> None:
        """End the workers at once; running questions fail."""
        self._closed = True
        self._lanes.close()
        self._texts.close()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        workers = tuple(self._workers)
        for worker in workers:
            worker.kill("closed")
        with contextlib.suppress(TimeoutError):  # a nursery that is stopped says nothing
            async with asyncio.timeout(_END_S):
                for worker in workers:
                    await worker.end()
        for worker in self._lanes.idle:
            worker.disconnect()
        self._workers.clear()
        self._lanes.idle.clear()
        self._nursery.close()

    # --- between questions and workers ---

    async def aside(
        self, work: Callable[[], _T], length: int, timeout_s: float | None = None
    ) -> _T:
        """Return what `work` returns; what looks at a long text is done in a thread, in its turn.

        One after the other: several threads would keep the loop from its own work. Clients take
        turns, as for workers.

        Args:
            work: needs no more than its thread.
            length: of the text that it looks at.
            timeout_s: how long it may wait for its turn; without it, as long as a query may take.
        Raises:
            QueryFailure: `busy`: too many wait, or there was no turn in time. And what `work`
                raises.
        """
        if length <= LONG:
            return work()
        seconds = self.limits.timeout_s if timeout_s is None else timeout_s
        place = await self._texts.get(client.get(), self._loop.time() + seconds)
        done = self._loop.run_in_executor(None, work)
        # A thread cannot be stopped: whoever leaves does not end its turn.
        done.add_done_callback(lambda _: self._texts.give_back(place, usable=True))
        return await asyncio.shield(done)

    def _check(self, text: str, graphs: frozenset[str] | None) -> Checked:
        return check(text, prefixes=self.release.prefixes, graphs=graphs)

    def _known(self, graphs: Sequence[str]) -> None:
        for iri in graphs:
            if iri not in self.release.graphs:
                raise QueryFailure(
                    "graph",
                    "this release has no such graph, and nothing is loaded",
                    seen=iri,
                    hint="list the graphs with SELECT DISTINCT ?g { GRAPH ?g {} }",
                )

    async def _small(self, text: str, bindings: Mapping[str, str] | None) -> dict[str, Any]:
        """Return the job for a query whose whole answer is wanted as JSON."""
        graphs = self.release.graphs
        checked = await self.aside(lambda: self._check(text, graphs), len(text))
        if checked.form not in ("SELECT", "ASK"):
            raise QueryFailure("format", f"{checked.form} has no solutions", expected="SELECT")
        return {
            "kind": "query",
            "text": _bind(text, checked, bindings),
            "default": checked.default_graphs,
            "named": checked.named_graphs,
            "media_type": negotiation.JSON.media_type,
        }

    async def _answer(self, job: Job, media_type: str, timeout_s: float | None) -> Answer:
        """Return the answer to one job, complete if it is small."""
        exchange = await self._ask([job], timeout_s, self.limits.complete_kib << 10)
        (found,) = exchange.found
        rest = None if found.whole else exchange
        return Answer(media_type, self.release.id, found, exchange.place.slow, rest)

    async def _all(self, jobs: Sequence[Job], patience: int = 1) -> list[bytes]:
        """Return the whole answers to several jobs, by one worker; of none, none."""
        if not jobs:
            return []
        exchange = await self._ask(jobs, None, _WHOLE, patience)
        return [b"".join(found.parts) for found in exchange.found]

    async def _ask(
        self, jobs: Sequence[Job], timeout_s: float | None, most: int, patience: int = 1
    ) -> _Exchange:
        """Return an exchange that has ended, or whose answer has more bytes than `most`.

        Args:
            jobs: what is asked.
            timeout_s: seconds that it may take, if less than all may.
            most: bytes.
            patience: times as long as a query it may take before it is slow.
        """
        limits = self.limits
        began = self._loop.time()
        timeout = limits.timeout_s if timeout_s is None else min(timeout_s, limits.timeout_s)
        until = began + timeout
        slow = False
        tries = _TRIES
        while True:
            place = await self._lanes.get(client.get(), until, slow=slow)
            exchange = _Exchange(self, place, until, began + limits.first_byte_s, patience)
            try:
                await exchange.run(jobs, most)
            except _DisplacedError:
                exchange.close()
                slow = True
                self.tally.restarted += 1
            except _GoneError:
                # The worker was gone before it could answer: that says nothing about the query.
                exchange.close()
                tries -= 1
                if not tries:
                    raise QueryFailure(
                        "busy",
                        "the system has ended the workers before they could answer",
                        seen=f"{_TRIES} of them",
                        hint="it may be short of memory; ask again, or for less",
                        retry_after=5,
                    ) from None
            except BaseException:
                exchange.close()
                raise
            else:
                return exchange

    # --- workers ---

    def _add(self, worker: Worker) -> None:
        self._workers.add(worker)
        self.tally.starts += 1
        self.isolated = worker.isolated
        worker.exited.add_done_callback(lambda _: self._lost(worker))
        self._lanes.add(worker)

    def _lost(self, worker: Worker) -> None:
        """Replace a worker that has ended."""
        self._workers.discard(worker)
        idle = self._lanes.remove(worker)
        if idle:
            worker.disconnect()
        if not self._closed:
            self.tally.ends[worker.outcome] += 1
            # Nobody's query tells of the end of a worker that had none.
            level = logging.WARNING if idle and worker.outcome == "crash" else logging.DEBUG
            ended = "query worker %d ended: %s (%s)"
            _LOG.log(level, ended, worker.pid, worker.outcome, worker.status)
            self._replace()

    def _release(self, place: Place[Worker]) -> None:
        """Take back a place and the worker that goes with it."""
        worker = place.worker
        if worker.alive and not worker.restore():
            worker.kill("renewed")
        if not worker.alive:
            worker.disconnect()
        self._lanes.give_back(place, usable=worker.alive)
        if not self._lanes.running and self._empty is not None and not self._empty.done():
            self._empty.set_result(None)

    def _replace(self) -> None:
        """Start one more worker, however long it takes until one can be started."""
        task = self._loop.create_task(self._start_and_add())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start_and_add(self) -> None:
        pause = 0.1
        while not self._closed:
            try:
                self._add(await self._start())
            except (ReleaseError, OSError) as error:
                _LOG.error("no query worker can be started: %s", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            else:
                return

    async def _start(self) -> Worker:
        if not self._nursery.alive:
            self._nursery = Nursery(backend=self.backend is not None)
        nursery = self._nursery
        setup = {
            "store": str(self.release.store),
            "prefixes": dict(self.release.prefixes),
            "disjoint": self.release.disjoint,
            "ontology": graph_iri(self.release.base_iri, "vocabulary"),
            "imported": self.release.manifest.imported,
            "memory_mib": self.limits.memory_mib,
            "backend": msgspec.to_builtins(self.backend),
        }
        try:
            return await Worker.start(nursery, setup)
        except TimeoutError:
            nursery.close()  # it does not answer any more: there will be another one
            raise


def _usable(worker: Worker) -> bool:
    """Return whether a free worker is still there."""
    if worker.ended():
        worker.disconnect()  # it is replaced when the loop hears of its end
        return False
    return True


class _GoneError(Exception):
    """A worker was gone before it answered, and not by what it was asked."""


class _DisplacedError(Exception):
    """The query has to be begun again in the slow lane."""


@dataclass(slots=True)
class _Found:
    """What has come of one answer: its parts, and whether they are all."""

    parts: deque[bytes] = field(default_factory=deque)
    gzip: bool = False
    cut: int = 0
    whole: bool = False


class _Exchange:
    """One request to a worker, and what comes back, within its deadlines."""

    def __init__(
        self, pool: Pool, place: Place[Worker], until: float, begin: float, patience: int
    ) -> None:
        self.place = place
        self.found: list[_Found] = []
        self._pool = pool
        self._loop = pool._loop
        self._until = until
        self._begin = begin
        self._slow_at = self._loop.time() + patience * pool.limits.slow_after_s
        self._begun = False
        self._open = True
        self._over = False
        if place.slow:
            place.worker.lower()
        self._timer = self._loop.call_at(self._next(), self._tick)

    async def run(self, jobs: Sequence[Job], most: int) -> None:
        """Ask, and return when all answers are whole, or have more bytes than `most`.

        Raises:
            _GoneError: another worker must be asked.
            _DisplacedError: the query must be asked again in the slow lane.
            QueryFailure: there is no answer.
        """
        worker, limits = self.place.worker, self._pool.limits
        # The kernel's alarm in the worker is later than the timer here, whatever the load.
        seconds = max(0.0, self._until - self._loop.time())
        largest = min(limits.result_mib << 20, _LARGEST_KEPT if most == _WHOLE else sys.maxsize)
        request = {"timeout_s": seconds, "largest": largest, "jobs": jobs}
        size = 0
        try:
            try:
                await worker.send(request)
            except OSError:
                raise EOFError from None
            for _ in jobs:
                found = _Found()
                self.found.append(found)
                while (part := await self._part(found)) is not None:
                    found.parts.append(part)
                    size += len(part)
                    if size > most and (self.place.slow or self._move()):
                        return
                found.whole = True
        except EOFError:
            failure = await worker.failure()
            if worker.why == "displaced":
                raise _DisplacedError from None
            raise (_GoneError if worker.blameless and not self._begun else failure) from None
        self._over = True
        self.close()

    async def rest(self) -> bytes | None:
        """Return the next part of the last answer, or None at its end.

        Raises:
            QueryFailure: the answer stops here.
        """
        try:
            part = await self._part(self.found[-1])
        except EOFError:
            raise await self.place.worker.failure() from None
        self._over = self._over or part is None
        return part

    async def _part(self, found: _Found) -> bytes | None:
        """Return the next part of an answer, or None at its end."""
        while True:
            kind, content = await self.place.worker.frame()
            self._begun = True
            if kind in (b"D", b"Z"):
                found.gzip = kind == b"Z"
                return content
            if kind == b"C":
                found.cut = int(content)
            elif kind == b"X":
                self._over = True  # the worker leaves the other jobs undone
                fields = json.loads(content)
                if told := fields.pop("log", ""):
                    _LOG.warning("no answer from the server behind: %s", told)
                raise QueryFailure(**fields)
            else:
                return None

    def close(self) -> None:
        """Give the worker back; kill it if it has not answered everything."""
        if not self._open:
            return
        self._open = False
        self._timer.cancel()
        if not self._over:
            self.place.worker.kill("left")
        self._pool._release(self.place)

    def _next(self) -> float:
        """Return when there is something to be looked at."""
        times = [self._until]
        if not self._begun:
            times.append(self._begin)
        if not self.place.slow:
            times.append(self._slow_at)
        return min(times)

    def _tick(self) -> None:
        now = self._loop.time()
        if now >= self._until or (now >= self._begin and not self._begun):
            self.place.worker.kill("timeout")
        elif self.place.slow or now < self._slow_at or self._move():
            self._timer = self._loop.call_at(self._next(), self._tick)

    def _move(self) -> bool:
        """Return whether the query goes on in the slow lane; if not, its worker is killed."""
        worker = self.place.worker
        if not self._pool._lanes.move(self.place):
            worker.kill("displaced")
            return False
        worker.lower()
        self._pool.tally.moved += 1
        return True


def run_query(
    release: Path, text: str, form: Literal["table", "json", "csv"], out: TextIO, settings: Settings
) -> None:
    """Write the answer to one query, evaluated in a process of its own, as `kg query` does.

    Args:
        release: the folder of a finished release.
        text: the query.
        form: `table` for people: aligned columns, or Turtle; `json`: SPARQL results, or JSON-LD.
        out: takes the text.
        settings: what the query may take.
    Raises:
        ReleaseError: there is no release, or its store cannot be opened.
        QueryFailure: as for `Pool.query`.
    """
    accept = {
        "table": "application/sparql-results+json, text/turtle",
        "json": "application/sparql-results+json, application/ld+json",
        "csv": "text/csv",
    }[form]
    opened = open_release(release)
    decoder = codecs.getincrementaldecoder("utf-8")()
    answer: deque[bytes] = deque()
    part = b""
    for media_type, part in run_once(opened, text, accept, Limits.of(settings)):
        if form == "table" and media_type == negotiation.JSON.media_type:
            answer.append(part)
        else:
            out.write(decoder.decode(part))
    if answer:
        out.write(_table(msgspec.json.decode(b"".join(answer), type=_Document), opened.prefixes))
    elif part and not part.endswith(b"\n"):
        out.write("\n")


def run_once(
    release: Path | Release, text: str, accept: str = "*/*", limits: Limits = DEFAULTS
) -> Iterator[tuple[str, bytes]]:
    """Yield media type and bytes of the answer to one query, in parts.

    The query is evaluated in a process of its own, which ends with the iterator.

    Args:
        release: the folder of a finished release, or the release once opened.
        text: the query.
        accept: an Accept header, or one media type.
        limits: what the query may take.
    Raises:
        ReleaseError: there is no release, or its store cannot be opened.
        QueryFailure: as for `Pool.query`.
    """
    alone = dataclasses.replace(limits, workers=1, spares=0, slow_after_s=math.inf)

    async def answer() -> AsyncGenerator[tuple[str, bytes], None]:
        async with Pool(release, alone) as pool:
            found = await pool.query(text, accept=accept)
            async for part in found:
                yield found.media_type, part

    async def following() -> tuple[str, bytes] | None:
        return await anext(parts, None)

    parts = answer()
    with asyncio.Runner() as runner:
        try:
            while (part := runner.run(following())) is not None:
                yield part
        finally:
            runner.run(parts.aclose())


def _table(document: _Document, prefixes: Mapping[str, str]) -> str:
    """Return solutions in aligned columns under the names of their variables, or yes or no."""
    from rich.cells import cell_len

    if document.results is None:
        return "yes\n" if document.boolean else "no\n"
    names = document.head.vars
    rows = [[f"?{name}" for name in names]]
    for row in document.results.bindings:
        rows.append([_cell(row[name], prefixes) if name in row else "" for name in names])
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for cells in rows:
        padded = (
            cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)
        )
        lines.append("  ".join(padded).rstrip() + "\n")
    return "".join(lines)


def _cell(term: Term, prefixes: Mapping[str, str]) -> str:
    """Return a term in one line: an IRI by its prefix if it has one, else the bare value."""
    if term.is_iri:
        end = max(term.value.rfind("#"), term.value.rfind("/")) + 1
        for name, namespace in prefixes.items():
            if namespace == term.value[:end]:
                return f"{name}:{term.value[end:]}"
        return f"<{term.value}>"
    if term.type == "bnode":
        return f"_:{term.value}"
    shown = "".join(c if c.isprintable() else " " for c in term.value)
    return f"{shown}@{term.lang}" if term.lang else shown


def _negotiated(accept: str, offered: tuple[negotiation.Format, ...]) -> str:
    """Return the media type to answer with.

    Raises:
        QueryFailure: `format`, with those that are on offer.
    """
    found = negotiation.choose(accept, offered)
    if found is None:
        available = negotiation.media_types(offered)
        raise QueryFailure(
            "format",
            "there is no such answer to this query",
            seen=accept,
            expected="one of " + ", ".join(available),
            available=available,
        )
    return found[1]


def _bind(text: str, checked: Checked, bindings: Mapping[str, str] | None) -> str:
    """Return the query with variables bound to terms at the beginning of its WHERE clause."""
    if not bindings:
        return text
    if checked.where is None:
        raise QueryFailure("parameter", "variables cannot be bound in a query without WHERE { … }")
    names = " ".join(f"?{name}" for name in bindings)
    values = f" VALUES ({names}) {{ ({' '.join(bindings.values())}) }} "
    return text[: checked.where] + values + text[checked.where :]
