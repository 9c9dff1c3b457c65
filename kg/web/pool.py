"""The query workers of one release: processes that may be killed, so that the server never dies.

A query is given to a worker that is free, with a deadline. When the deadline is over, when the
answer is too large, and when whoever asked has gone, the worker is killed and another one takes
its place; one or more spares stand ready, so that nobody waits for that. A worker that crashes or
runs out of memory takes only its own query with it.

Small answers are complete before `Pool.query` returns. A larger one is read while it is made; if
it has to stop in the middle, reading it raises.

Spec: docs/decisions/0004-store.md; docs/reference/sparql.md; docs/how-to/operate.md
"""

from __future__ import annotations

import asyncio
import codecs
import dataclasses
import hashlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TextIO

import msgspec

from kg.config import Settings
from kg.errors import ReleaseError
from kg.store import Release, open_release
from kg.web import negotiation
from kg.web.guard import LENGTH, Checked, Form, QueryFailure, Reason, check
from kg.web.worker import HEAD
from kg.web.worker import LENGTH as FRAME

_LOG = logging.getLogger(__name__)
_CHUNK: Final = 1 << 18
_LONG: Final = 1 << 14
"""Characters from which a query is checked in a thread, so that other requests go on."""
_LONGEST_PAUSE_S: Final = 10.0
_START_S: Final = 60.0
_TRIES: Final = 3


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


@dataclass(frozen=True, slots=True)
class Question:
    """A query that the guard let pass, and what its answer will be like.

    `volatile` says that two answers may differ on the same release. `key` is equal for questions
    whose answers are equal on one release: a hash of the query, its dataset, the limits that hold
    for it, and media type and coding of the answer.
    """

    form: Form
    media_type: str
    gzip: bool
    volatile: bool
    timeout_s: float
    key: bytes
    job: Mapping[str, Any]


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


class Answer:
    """The answer to one question: its media type and its bytes.

    Either `body` is the whole of it, or it is read once with `async for`; then `close` has to be
    called if reading ends early, because a worker is busy with it until then.
    """

    def __init__(
        self, media_type: str, release: str, parts: deque[bytes], rest: _Exchange | None
    ) -> None:
        self.media_type = media_type
        self.release = release
        self.body: bytes | None = b"".join(parts) if rest is None else None
        self._parts = parts
        self._rest = rest
        self.gzip = False
        """Whether the bytes are compressed."""
        self.cut = 0
        """Rows after which the answer was cut, or 0 if it is whole."""
        self.slow = False
        """Whether the query went on in the slow lane."""

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
            while self._rest is not None and (part := await self._rest.part()) is not None:
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

    Use it as `async with Pool(path, limits) as pool`; entering fails if no worker can start.
    """

    def __init__(
        self, release: Path | Release, limits: Limits = DEFAULTS, tally: Tally | None = None
    ) -> None:
        self.tally = tally or Tally()
        self.release = release if isinstance(release, Release) else open_release(release)
        self.limits = limits
        self.isolated: bool | None = None
        """Whether the system has taken the network from the workers; None before the start."""
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._waiting: deque[asyncio.Future[_Worker]] = deque()
        self._running = 0
        self._closed = False
        self._empty: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Start the workers, and return when the first one is ready.

        Raises:
            ReleaseError: a worker cannot open the store, or not under the memory limit.
        """
        self._add(await self._start())
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
        checked = await self._check(text)
        offered = (
            negotiation.RESULT_FORMATS
            if checked.form in ("SELECT", "ASK")
            else negotiation.GRAPH_FORMATS
        )
        media_type = _negotiated(accept, offered)
        default, named = checked.default_graphs, checked.named_graphs
        if default_graphs or named_graphs:
            self._known((*default_graphs, *named_graphs))
            default, named = tuple(default_graphs), tuple(named_graphs)
        longest = self.limits.timeout_s
        timeout = longest if timeout_s is None else min(timeout_s, longest)
        job = {
            "kind": "query",
            "text": _bind(text, checked, bindings),
            "default": default,
            "named": named,
            "media_type": media_type,
            "gzip": gzip,
            "rows": self.limits.rows,
        }
        parts = (job, timeout, self.limits.memory_mib, self.limits.result_mib)
        key = hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogatepass")).digest()
        return Question(checked.form, media_type, gzip, checked.volatile, timeout, key, job)

    async def answer(self, question: Question) -> Answer:
        """Return the answer to a question of this pool.

        Raises:
            QueryFailure: as for `query`.
        """
        return await self._answer(question.job, question.media_type, question.timeout_s)

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
        jobs = [await self._small(text, bindings) for text in texts]
        found = []
        for body in await self._all(jobs):
            results = msgspec.json.decode(body, type=_Document).results
            found.append(results.bindings if results is not None else [])
        return found

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
        checked = await self._check(text)
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
        return Load(self._running, 0, len(self._waiting), 0, len(self._idle), len(self._workers))

    # --- the end ---

    async def drain(self) -> None:
        """Take no more questions, let the running ones end, then end the workers."""
        self._closed = True
        self._refuse_waiting()
        if self._running:
            self._empty = self._empty or asyncio.get_running_loop().create_future()
            await asyncio.shield(self._empty)
        await self.close()

    async def close(self) -> None:
        """End the workers at once; running questions fail."""
        self._closed = True
        self._refuse_waiting()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        workers = tuple(self._workers)
        for worker in workers:
            worker.kill("closed")
        for worker in workers:
            await worker.end()
        for worker in self._idle:
            worker.disconnect()
        self._workers.clear()
        self._idle.clear()

    # --- between questions and workers ---

    async def _check(self, text: str) -> Checked:
        release = self.release

        def run() -> Checked:
            return check(text, prefixes=release.prefixes, graphs=release.graphs)

        return await asyncio.to_thread(run) if _LONG < len(text) <= LENGTH else run()

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
        checked = await self._check(text)
        if checked.form not in ("SELECT", "ASK"):
            raise QueryFailure("format", f"{checked.form} has no solutions", expected="SELECT")
        return {
            "kind": "query",
            "text": _bind(text, checked, bindings),
            "default": checked.default_graphs,
            "named": checked.named_graphs,
            "media_type": negotiation.JSON.media_type,
        }

    async def _answer(
        self, job: Mapping[str, Any], media_type: str, timeout_s: float | None
    ) -> Answer:
        """Return the answer to one job, complete if it is small."""
        exchange = await self._ask([job], timeout_s)
        parts: deque[bytes] = deque()
        size = 0
        try:
            while size <= self.limits.complete_kib << 10:
                part = await exchange.part()
                if part is None:
                    exchange.close()
                    return Answer(media_type, self.release.id, parts, None)
                parts.append(part)
                size += len(part)
        except BaseException:
            exchange.close()
            raise
        return Answer(media_type, self.release.id, parts, exchange)

    async def _all(self, jobs: Sequence[Mapping[str, Any]]) -> list[bytes]:
        """Return the whole answers to several jobs, by one worker."""
        exchange = await self._ask(jobs, None)
        try:
            answers = []
            for _ in jobs:
                parts = []
                while (part := await exchange.part()) is not None:
                    parts.append(part)
                answers.append(b"".join(parts))
            return answers
        finally:
            exchange.close()

    async def _ask(self, jobs: Sequence[Mapping[str, Any]], timeout_s: float | None) -> _Exchange:
        """Return an exchange whose answer has begun or ended."""
        longest = self.limits.timeout_s
        timeout = longest if timeout_s is None else min(timeout_s, longest)
        until = asyncio.get_running_loop().time() + timeout
        for tries in reversed(range(_TRIES)):
            worker = await self._acquire(until)
            exchange = _Exchange(self, worker, until, len(jobs))
            try:
                await exchange.begin(jobs)
            except _GoneError as error:
                # The worker was gone before it could answer: that says nothing about the query.
                exchange.close()
                if tries == 0:
                    raise error.failure from None
            except BaseException:
                exchange.close()
                raise
            else:
                return exchange

        raise AssertionError("the last try returns or raises")

    async def _acquire(self, until: float) -> _Worker:
        """Return a worker that is free, or wait for one in turn."""
        if self._closed:
            raise _ended()
        free = self._idle and self._running < self.limits.workers
        if len(self._waiting) >= self.limits.queue and not free:
            raise QueryFailure(
                "busy",
                "too many queries are waiting",
                seen=f"{len(self._waiting)} of them",
                retry_after=1,
            )
        future: asyncio.Future[_Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._dispatch()
        try:
            async with asyncio.timeout_at(until):
                await future
        except BaseException as error:
            if future in self._waiting:
                self._waiting.remove(future)
            elif future.done() and not future.cancelled() and future.exception() is None:
                self._release(future.result())  # given out in the moment of giving up
            if isinstance(error, TimeoutError):
                raise QueryFailure(
                    "busy", "no worker became free before the deadline", retry_after=5
                ) from None
            raise
        return future.result()

    def _dispatch(self) -> None:
        """Give free workers to those who wait longest."""
        while self._waiting and self._idle and self._running < self.limits.workers:
            if self._waiting[0].done():  # whoever waited has given up
                self._waiting.popleft()
                continue
            worker = self._idle.pop()
            if worker.ended():
                worker.disconnect()  # it is replaced when the loop hears of its end
                continue
            self._running += 1
            self._waiting.popleft().set_result(worker)

    def _release(self, worker: _Worker) -> None:
        """Take back a worker that was given out."""
        self._running -= 1
        if worker.alive:
            self._idle.append(worker)
        else:
            worker.disconnect()
        self._dispatch()
        if not self._running and self._empty is not None and not self._empty.done():
            self._empty.set_result(None)

    def _refuse_waiting(self) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(_ended())

    # --- workers ---

    def _add(self, worker: _Worker) -> None:
        self._workers.add(worker)
        self._idle.append(worker)
        self.isolated = worker.isolated
        worker.exited.add_done_callback(lambda _: self._lost(worker))
        self._dispatch()

    def _lost(self, worker: _Worker) -> None:
        """Replace a worker that has ended."""
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
            worker.disconnect()
        if not self._closed:
            _LOG.info("query worker %d ended: %s", worker.pid, worker.why or worker.status)
            self._replace()

    def _replace(self) -> None:
        """Start one more worker, however long it takes until one can be started."""
        task = asyncio.get_running_loop().create_task(self._start_and_add())
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

    async def _start(self) -> _Worker:
        return await _Worker.start(
            {
                "parent": os.getpid(),
                "store": str(self.release.store),
                "prefixes": dict(self.release.prefixes),
                "disjoint": self.release.disjoint,
                "memory_mib": self.limits.memory_mib,
            }
        )


class _Worker:
    """A query worker as the server sees it: a process, and one end of a socket pair."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        self._loop = loop
        self._socket = ours
        ours.setblocking(False)
        # What a dying worker writes is read when it is dead; a pipe would have to be emptied.
        self._errors = os.memfd_create("kg-worker-stderr", os.MFD_CLOEXEC)
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "kg.web.worker"],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    env={**os.environ, "MALLOC_ARENA_MAX": "1", "RUST_BACKTRACE": "0"},
                    process_group=0,  # Ctrl-C is for the server, which ends its workers
                )
            self._watch = os.pidfd_open(self._process.pid)
        except BaseException:
            ours.close()
            os.close(self._errors)
            raise
        self.pid = self._process.pid
        self.isolated = False
        self.why: Reason | Literal["left", "closed"] | None = None
        self.exited: asyncio.Future[None] = loop.create_future()
        self._buffer = bytearray()
        loop.add_reader(self._watch, self._on_exit)

    @classmethod
    async def start(cls, setup: Mapping[str, Any]) -> _Worker:
        """Return a worker that is ready.

        Raises:
            ReleaseError: it cannot open the store, or cannot work under the memory limit.
        """
        worker = cls()
        try:
            async with asyncio.timeout(_START_S):
                await worker.send(setup)
                _, content = await worker.frame()
        except BaseException as error:
            worker.kill("closed")
            await worker.end()
            worker.disconnect()
            if not isinstance(error, EOFError | OSError):
                raise
            raise ReleaseError(
                "a query worker cannot start",
                where=str(setup["store"]),
                seen=worker.last_words or worker.status,
                hint="the memory limit for queries may be too low (query_memory_mib), or the "
                "store damaged (`kg release verify`)",
            ) from None
        worker.isolated = json.loads(content)["isolated"]
        return worker

    @property
    def alive(self) -> bool:
        """Return whether the worker can be given something to do."""
        return self.why is None and not self.exited.done()

    @property
    def status(self) -> str:
        """Return in words how the process ended."""
        code = self._process.returncode
        if code is None:
            return "running"
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    async def end(self) -> None:
        """Return when the process has ended; whoever stops waiting stops nobody else."""
        await asyncio.shield(self.exited)

    def ended(self) -> bool:
        """Return whether the process has ended, perhaps before the loop has heard of it."""
        if self.exited.done():
            return True
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PIDFD, self._watch, options) is not None

    @property
    def blameless(self) -> bool:
        """Return whether the process ended by itself between two requests, or by a stranger."""
        return self.why is None and self._process.returncode in (0, -signal.SIGKILL)

    def kill(self, why: Reason | Literal["left", "closed"]) -> None:
        """Kill the process; reads from it end."""
        if self.alive:
            self.why = why
            self._process.kill()

    async def send(self, value: Any) -> None:
        """Send one frame.

        Raises:
            OSError: the worker has ended.
        """
        body = json.dumps(value, separators=(",", ":")).encode()
        await self._loop.sock_sendall(self._socket, FRAME.pack(len(body)) + body)

    async def frame(self) -> tuple[bytes, bytes]:
        """Return kind and content of the next frame.

        Raises:
            EOFError: the worker has ended.
        """
        buffer = self._buffer
        wanted = HEAD.size
        while True:
            if len(buffer) >= HEAD.size:
                kind, length = HEAD.unpack_from(buffer)
                wanted = HEAD.size + length
                if len(buffer) >= wanted:
                    content = bytes(memoryview(buffer)[HEAD.size : wanted])
                    del buffer[:wanted]
                    return kind, content
            try:
                data = await self._loop.sock_recv(self._socket, _CHUNK)
            except ConnectionError:
                data = b""
            if not data:
                raise EOFError
            buffer += data

    async def failure(self) -> QueryFailure:
        """Return why the worker has ended in the middle of an answer."""
        await self.end()
        if self.why == "timeout" or self._process.returncode == -signal.SIGALRM:
            return QueryFailure(
                "timeout",
                "the query takes too long",
                hint="ask for less: fewer patterns, a LIMIT, or one thing at a time",
            )
        if self.why == "result-size":
            return QueryFailure(
                "result-size",
                "the answer is too large",
                hint="ask for less with LIMIT and OFFSET, or download the whole release",
            )
        if self.why is not None:
            return _ended()
        if "memory allocation" in self.last_words or "MemoryError" in self.last_words:
            return QueryFailure(
                "memory",
                "the query needs more memory than it may use",
                hint="ask for less: ORDER BY, DISTINCT, GROUP BY and joins of large patterns "
                "are what takes memory",
            )
        return QueryFailure("crash", "the query stopped its worker", seen=self.status)

    def disconnect(self) -> None:
        """Close the socket of a worker that has ended or been killed; nobody reads from it."""
        self._socket.close()

    @property
    def last_words(self) -> str:
        """Return the end of what the process wrote to stderr; nothing before it has ended."""
        return self._last_words

    _last_words = ""

    def _on_exit(self) -> None:
        self._loop.remove_reader(self._watch)
        self._process.wait()
        size = os.fstat(self._errors).st_size
        tail = os.pread(self._errors, 2000, max(0, size - 2000))
        self._last_words = tail.decode(errors="replace").strip()
        os.close(self._watch)
        os.close(self._errors)
        self.exited.set_result(None)


class _GoneError(Exception):
    """A worker was gone before it answered; `failure` is what to say if there is no other."""

    def __init__(self, failure: QueryFailure) -> None:
        super().__init__(failure)
        self.failure = failure


class _Exchange:
    """One request to a worker, and what comes back, within a deadline."""

    def __init__(self, pool: Pool, worker: _Worker, until: float, jobs: int) -> None:
        self._pool = pool
        self._worker = worker
        self._left = jobs
        self._until = until
        self._size = 0
        self._first: tuple[bytes, bytes] | None = None
        self._open = True
        self._timer = asyncio.get_running_loop().call_at(until, worker.kill, "timeout")

    async def begin(self, jobs: Sequence[Mapping[str, Any]]) -> None:
        """Ask, and return when the answer begins.

        Raises:
            _GoneError: another worker must be asked.
            QueryFailure: the worker ended, and so would another one.
        """
        worker = self._worker
        # The kernel's alarm in the worker is later than the timer here, whatever the load.
        seconds = max(0.0, self._until - asyncio.get_running_loop().time())
        try:
            await worker.send({"timeout_s": seconds, "jobs": jobs})
            self._first = await worker.frame()
        except (EOFError, OSError):
            failure = await worker.failure()
            raise (_GoneError(failure) if worker.blameless else failure) from None

    async def part(self) -> bytes | None:
        """Return the next part of an answer, or None at its end; then the next job's follows.

        Raises:
            QueryFailure: the answer stops here.
        """
        worker = self._worker
        try:
            kind, content = self._first or await worker.frame()
        except EOFError:
            raise await worker.failure() from None
        self._first = None
        if kind == b"D":
            self._size += len(content)
            if self._size > self._pool.limits.result_mib << 20:
                worker.kill("result-size")
                raise await worker.failure()
            return content
        self._left -= 1
        if kind == b"X":
            self._left = 0  # the worker leaves the other jobs undone
            raise QueryFailure(**json.loads(content))
        return None

    def close(self) -> None:
        """Give the worker back; kill it if it has not answered everything."""
        if not self._open:
            return
        self._open = False
        self._timer.cancel()
        if self._left:
            self._worker.kill("left")
        self._pool._release(self._worker)


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
    alone = dataclasses.replace(limits, workers=1, spares=0)

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
    shown = "".join(c if c.isprintable() else " " for c in term.value)
    return f"{shown}@{term.lang}" if term.lang else shown


def _negotiated(accept: str, offered: Sequence[negotiation.Format]) -> str:
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


def _ended() -> QueryFailure:
    return QueryFailure("busy", "this release is no longer served", retry_after=1)
