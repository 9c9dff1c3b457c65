"""The process that query workers are forked from: it has imported what they need, opened nothing.

A fork takes milliseconds and shares memory; a new interpreter takes a tenth of a second of
processor time, which a client whose queries have to be killed would cost everybody else. Here is
the end of the server; `kg.web.worker` has the other.

Messages to the nursery: `f` with two descriptors, the connection of a worker and its stderr.
Messages from it: `b` with a process id, and a descriptor of that process; `d` with a process id and
how it ended; `x` with the number of an error instead of `b`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kg.web.worker import BACKEND, BORN, DIED

FORK: Final = b"f"
_LONGEST: Final = 64
_TUNABLES: Final = "glibc.malloc.tcache_count=250"
"""The engine allocates and frees some hundred small pieces for each query, and the allocator of
glibc keeps seven of a size at hand. Others ignore it."""

Born = Callable[[int, int], None]
"""Takes id and descriptor of a process; the descriptor is the taker's to close."""
Ended = Callable[[int], None]
"""Takes how a process ended: its exit status, or the signal that ended it, negative."""


@dataclass(eq=False, slots=True)
class _Birth:
    over: asyncio.Future[None]
    born: Born
    ended: Ended


class Nursery:
    """The nursery of a pool, as the server sees it.

    Args:
        backend: whether workers ask another server.
    """

    def __init__(self, *, backend: bool = False) -> None:
        self._loop = asyncio.get_running_loop()
        self._births: deque[_Birth] = deque()
        self._living: dict[int, Ended] = {}
        self.alive = True
        """Whether processes can be had from it."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        tunables = ":".join(filter(None, (os.environ.get("GLIBC_TUNABLES"), _TUNABLES)))
        allocator = {"MALLOC_ARENA_MAX": "1", "GLIBC_TUNABLES": tunables}
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-P", "-m", "kg.web.worker", str(os.getpid())),
                        *([BACKEND] if backend else []),
                    ],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    env={**os.environ, **allocator, "RUST_BACKTRACE": "0"},
                    process_group=0,  # Ctrl-C is for the server, which ends its workers
                )
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)
        self._loop.add_reader(ours.fileno(), self._hear)

    async def fork(self, connection: int, errors: int, born: Born, ended: Ended) -> None:
        """Return when there is a new worker.

        Args:
            connection, errors: descriptors of what it talks to and of its stderr.
            born: called when there is one, before anything else is heard of it; never called for
                one that nobody waits for any more.
            ended: called when it has ended.
        Raises:
            OSError: there can be none.
        """
        if not self.alive:
            raise BrokenPipeError
        birth = _Birth(self._loop.create_future(), born, ended)
        socket.send_fds(self._socket, [FORK], [connection, errors])
        self._births.append(birth)
        await birth.over

    def close(self) -> None:
        """End the nursery, and with it every process that came from it."""
        if self.alive:
            self._end()

    def _hear(self) -> None:
        """Take one message."""
        try:
            message, descriptors, *_ = socket.recv_fds(self._socket, _LONGEST, 1)
        except BlockingIOError:
            return
        except OSError:
            message, descriptors = b"", []
        if not message:
            self._end()
        elif message[:1] == b"d":
            _, pid, status = DIED.unpack(message)
            if (ended := self._living.pop(pid, None)) is not None:
                ended(status)
        else:
            _, number = BORN.unpack(message)
            birth = self._births.popleft()
            if not descriptors:
                if not birth.over.done():
                    birth.over.set_exception(OSError(number, os.strerror(number)))
                return
            (process,) = descriptors
            if birth.over.done():  # whoever asked has given up
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(process, signal.SIGKILL)
                os.close(process)
                return
            birth.born(number, process)
            self._living[number] = birth.ended
            birth.over.set_result(None)

    def _end(self) -> None:
        """Take leave: nothing more will be heard of any process, and the kernel kills them all."""
        self.alive = False
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        for birth in self._births:
            if not birth.over.done():
                birth.over.set_exception(BrokenPipeError())
        self._births.clear()
        living, self._living = self._living, {}
        for ended in living.values():
            ended(-signal.SIGKILL)
