"""A query worker as the server sees it: a process, and one end of a socket pair.

`Worker.start` returns one that is ready. What it sends arrives as frames (`kg.web.worker` has the
list of them); reading from the socket pauses while nobody takes them, so that a slow reader slows
its worker down and costs no memory here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Literal, cast

import msgspec

from kg.errors import ReleaseError
from kg.web.guard import QueryFailure, Reason
from kg.web.nursery import Nursery
from kg.web.worker import HEAD
from kg.web.worker import LENGTH as FRAME

Why = Reason | Literal["left", "displaced", "renewed", "closed"]
"""Why a worker was ended by the server; `left`: its client has gone; `displaced`: its query waits
for a place among the slow ones; `renewed`: its priority could not be raised again; `closed`: the
pool ends."""
Frame = tuple[bytes, bytes]
"""Kind and content."""

_START_S: Final = 60.0
_DEATH_S: Final = 5.0
"""How long an answer waits to hear how its worker has ended."""
_BUFFERED: Final = 1 << 20
"""Bytes of frames that are kept until somebody takes them."""
_LOW: Final = 10
"""A tenth of the processor where others want it; of a lower one, a busy machine gives nothing."""


class Worker(asyncio.Protocol):
    """One worker process. Made by `start`.

    `exited` is done when the process has ended and has been waited for.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        # What a dying worker writes is read when it is dead; a pipe would have to be emptied.
        self._errors = os.memfd_create("kg-worker-stderr", os.MFD_CLOEXEC)
        self.pid = 0
        self._process = -1
        self._returncode: int | None = None
        self.isolated = False
        self.why: Why | None = None
        self.exited: asyncio.Future[None] = loop.create_future()
        self._lowered = False
        self._last_words = ""
        self._transport: asyncio.Transport | None = None
        self._frames: deque[Frame] = deque()
        self._partial = bytearray()
        self._held = 0
        self._paused = False
        self._over = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    @classmethod
    async def start(cls, nursery: Nursery, setup: Mapping[str, Any]) -> Worker:
        """Return a worker that is ready.

        Raises:
            OSError: the nursery has no worker; TimeoutError: it does not answer.
            ReleaseError: it cannot open the store, or cannot work under the memory limit.
        """
        worker: Worker | None = None
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                worker = cls()
                async with asyncio.timeout(_START_S):
                    await nursery.fork(
                        theirs.fileno(), worker._errors, worker._on_birth, worker._on_exit
                    )
        except BaseException:
            ours.close()
            if worker is not None:
                worker._abandon()
            raise
        try:
            async with asyncio.timeout(_START_S):
                await worker._loop.create_unix_connection(lambda: worker, sock=ours)
                await worker.send(setup)
                _, content = await worker.frame()
        except BaseException as error:
            worker.kill("closed")
            await worker.end()
            worker.disconnect()
            ours.close()
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

    # --- the process ---

    @property
    def alive(self) -> bool:
        """Return whether the worker can be given something to do."""
        return self.why is None and not self.exited.done()

    @property
    def status(self) -> str:
        """Return in words how the process ended."""
        code = self._returncode
        if code is None:
            return "running"
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    @property
    def outcome(self) -> str:
        """Return in a word why the process ended: a `Why`, `memory`, `crash` or `exit`."""
        if self.why is not None:
            return self.why
        if self._returncode == -signal.SIGALRM:
            return "timeout"
        if self._out_of_memory:
            return "memory"
        return "crash" if self._returncode else "exit"

    @property
    def last_words(self) -> str:
        """Return the end of what the process wrote to stderr; nothing before it has ended."""
        return self._last_words

    @property
    def blameless(self) -> bool:
        """Return whether the process ended by itself between two requests, or by a stranger."""
        return self.why is None and self._returncode in (0, -signal.SIGKILL)

    async def end(self) -> None:
        """Return when the process has ended; whoever stops waiting stops nobody else."""
        await asyncio.shield(self.exited)

    def ended(self) -> bool:
        """Return whether the process has ended, or has closed its end of the connection."""
        return self._over or self.exited.done()

    def kill(self, why: Why) -> None:
        """Kill the process; reads from it end at once, however long it takes to die."""
        if self.alive:
            self.why = why
            self.restore()  # with a lowered priority it would be long in dying
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)
            self._over = True
            _wake(self._reader)
            _wake(self._writer)

    def lower(self) -> None:
        """Have the process give way to others."""
        self._lowered = True
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.pid, _LOW)

    def restore(self) -> bool:
        """Return whether the process runs like any other again; only some users may do that."""
        if self._lowered:
            try:
                os.setpriority(os.PRIO_PROCESS, self.pid, 0)
            except OSError:
                return False
            self._lowered = False
        return True

    async def failure(self) -> QueryFailure:
        """Return why the worker has ended in the middle of an answer."""
        if self.why is None:
            with contextlib.suppress(TimeoutError):  # a nursery that is stopped says nothing
                async with asyncio.timeout(_DEATH_S):
                    await self.end()
        if self.why == "timeout" or self._returncode == -signal.SIGALRM:
            return QueryFailure(
                "timeout",
                "the query takes too long",
                hint="ask for less: fewer patterns, a LIMIT, or one thing at a time",
            )
        if self.why is not None:
            return ended()
        if self._out_of_memory:
            return QueryFailure(
                "memory",
                "the query needs more memory than it may use",
                hint="ask for less: ORDER BY, DISTINCT, GROUP BY and joins of large patterns "
                "are what takes memory",
            )
        if "total order" in self._last_words:
            return QueryFailure(
                "evaluation",
                "what is sorted by has values that have no common order",
                hint="BIND what you sort by to a variable, or take STR(…) or xsd:double(…) of it",
            )
        return QueryFailure("crash", "the query stopped its worker", seen=self.status)

    @property
    def _out_of_memory(self) -> bool:
        return "memory allocation" in self._last_words or "MemoryError" in self._last_words

    def _on_birth(self, pid: int, process: int) -> None:
        self.pid, self._process = pid, process

    def _abandon(self) -> None:
        """Leave a process that nobody waits for; what is heard of its end closes the rest."""
        if self.pid:
            self.kill("closed")
        else:
            os.close(self._errors)

    def _on_exit(self, returncode: int) -> None:
        self._returncode = returncode
        size = os.fstat(self._errors).st_size
        tail = os.pread(self._errors, 2000, max(0, size - 2000))
        self._last_words = tail.decode(errors="replace").strip()
        os.close(self._process)
        os.close(self._errors)
        self.exited.set_result(None)

    # --- frames ---

    async def send(self, value: Any) -> None:
        """Send one frame.

        Raises:
            OSError: the worker has ended.
        """
        body = msgspec.json.encode(value)
        if self._transport is None or self._over:
            raise BrokenPipeError
        self._transport.write(FRAME.pack(len(body)) + body)
        if self._writer is not None:
            await self._writer

    async def frame(self) -> Frame:
        """Return kind and content of the next frame.

        Raises:
            EOFError: the worker has ended.
        """
        while not self._frames:
            if self._over:
                raise EOFError
            self._reader = self._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._take()

    def disconnect(self) -> None:
        """Close the socket of a worker that has ended or been killed; nobody reads from it."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self) -> Frame:
        frame = self._frames.popleft()
        self._held -= len(frame[1])
        if self._paused and self._held <= _BUFFERED // 2:
            self._paused = False
            if not self._over and self._transport is not None:
                self._transport.resume_reading()
        return frame

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take bytes, and wake whoever waits for a frame if there is a whole one."""
        partial = self._partial
        whole: bytes | bytearray = data
        if partial:
            partial += data
            whole = partial
        start, size = 0, len(whole)
        while size - start >= HEAD.size:
            kind, length = HEAD.unpack_from(whole, start)
            after = start + HEAD.size + length
            if after > size:
                break
            begin = start + HEAD.size
            content = data[begin:after] if not partial else bytes(memoryview(partial)[begin:after])
            self._frames.append((kind, content))
            self._held += length
            start = after
        if partial:
            del partial[:start]
        elif start < size:
            partial += memoryview(data)[start:]
        if self._held > _BUFFERED and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        if self._frames:
            _wake(self._reader)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits that nothing more will come."""
        self._over = True
        _wake(self._reader)
        _wake(self._writer)

    def pause_writing(self) -> None:
        """Have `send` wait: the worker has not read what was sent."""
        self._writer = self._loop.create_future()

    def resume_writing(self) -> None:
        """Let `send` go on."""
        _wake(self._writer)
        self._writer = None


def ended() -> QueryFailure:
    """Return the failure of a query whose release is no longer served."""
    return QueryFailure("busy", "this release is no longer served", retry_after=1)


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
