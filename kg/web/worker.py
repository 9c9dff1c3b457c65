"""Query workers, and the process that they are forked from.

`kg.web.nursery` starts `python -m kg.web.worker PID`, with the id of the server, and one end of a
socket pair as standard input. That process imports what workers need and opens nothing; for each
message it forks a worker, which opens the store and answers one request after the other. A worker
ends when its server or the nursery does, when it has used its memory, and when an answer takes
longer than its request allows: the server kills it then, and should the server be unable to, an
alarm of the kernel does. Where another server evaluates the queries (`kg.web.backend`), the
nursery is told so by a word behind PID, and workers keep the network.

Frames to the worker: four bytes of length, JSON. Frames from it: one byte of kind, four of length,
content. Kinds: `H` ready (JSON), `D` a part of an answer, `Z` a part of one that is compressed, `C`
before them: the number of rows after which it was cut, `E` its end, `X` an error instead of it or
in the middle of it (JSON).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import traceback
import zlib
from pathlib import Path
from typing import IO, Any, Final, NoReturn, cast

from kg.errors import QueryError, ServerError
from kg.store import RowLimit, Store
from kg.web.gather import Gatherer
from kg.web.guard import position
from kg.web.order import ordered
from kg.web.syntax import explain, mistake

LENGTH: Final = struct.Struct(">I")
HEAD: Final = struct.Struct(">cI")
BORN: Final = struct.Struct("=ci")
DIED: Final = struct.Struct("=cii")
BACKEND: Final = "backend"
"""What tells a nursery that its workers ask another server."""
GRACE_S: Final = 2.0
"""How much later than the server the kernel ends an answer that takes too long."""

_STACK: Final = 1 << 26
"""Bytes of stack. The engine goes through a query by recursion: in the usual 8 MiB it crashes on
queries of a size that the guard lets pass (`kg.web.guard.WEIGHT`)."""
_PART: Final = 1 << 16
_PIECES: Final = 500
"""Pieces that are sent in one call; the system takes about twice as many."""
_WORTH_IT: Final = 1 << 10
_LEVEL: Final = 4
_GZIP: Final = 31
"""Window of the greatest size, and the header of gzip, which has no time in it (zlib manual)."""
_PAGE: Final = resource.getpagesize()
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000


class _TooLargeError(OSError):
    """The answer is larger than it may be."""


class _Output:
    """A file object that sends what is written to it in parts, compressed where that was asked.

    Args:
        connection: where to.
        gzip: whether to compress; an answer of less than a kilobyte is not.
        largest: bytes that may be written, before they are compressed; 0 for any number.
    """

    def __init__(self, connection: socket.socket, gzip: bool, largest: int) -> None:
        self._connection = connection
        self._gzip = gzip
        self._left = largest or sys.maxsize
        self._pieces: list[bytes] = []
        self._size = 0
        self._kind = b"D"
        self._deflate: Any = None

    def write(self, data: bytes) -> int:
        """Take some bytes; send a part when there is enough of it.

        Raises:
            _TooLargeError: there is no room for them.
        """
        size = len(data)
        self._left -= size
        if self._left < 0:
            raise _TooLargeError
        # One value can be as large as the memory limit: the server must not have to hold it.
        for piece in [data] if size <= _PART else _split(data):
            self._pieces.append(bytes(piece))
            self._size += len(piece)
            if self._size >= _PART:
                self._send(self._part())
        return size

    def flush(self) -> None:
        """Do nothing: parts are sent when they are big enough, and at the end."""

    def cut(self, rows: int) -> None:
        """Say, before anything is written, that the answer is cut after so many rows."""
        content = str(rows).encode()
        self._send([HEAD.pack(b"C", len(content)), content])

    def finish(self) -> None:
        """Send the last part together with the end."""
        self._send([*self._part(last=True), HEAD.pack(b"E", 0)])

    def fail(self, content: bytes) -> None:
        """Send an error, and no more of an answer that would look whole if it was compressed."""
        self._send([HEAD.pack(b"X", len(content)), content])

    def _part(self, *, last: bool = False) -> list[bytes]:
        """Return what has been written since the last part, as a frame; none where it is empty."""
        pieces, size = self._pieces, self._size
        self._pieces, self._size = [], 0
        if self._gzip and self._deflate is None and (size >= _WORTH_IT or not last):
            self._deflate = zlib.compressobj(_LEVEL, wbits=_GZIP)
            self._kind = b"Z"
        if self._deflate is not None:
            pieces = [self._deflate.compress(piece) for piece in pieces]
            pieces += [self._deflate.flush()] if last else []
            size = sum(map(len, pieces))
        return [HEAD.pack(self._kind, size), *pieces] if size else []

    def _send(self, pieces: list[bytes]) -> None:
        """Send some pieces, all of them, in one system call if the system takes them."""
        if len(pieces) > _PIECES:
            pieces = [b"".join(pieces)]
        sent = self._connection.sendmsg(pieces)
        if sent < sum(map(len, pieces)):
            self._connection.sendall(b"".join(pieces)[sent:])


def _split(data: bytes) -> list[memoryview]:
    """Return the pieces of what is too large for one part."""
    view = memoryview(data)
    return [view[start : start + _PART] for start in range(0, len(view), _PART)]


def main() -> None:
    """Fork workers until the server is gone."""
    _die_with(int(sys.argv[1]))
    import pyoxigraph  # noqa: F401 - so that no worker has to

    if sys.argv[2:] == [BACKEND]:
        import httpx2  # noqa: F401

        import kg.web.backend  # noqa: F401
    server = socket.socket(fileno=0)
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    own = os.getpid()
    gc.collect()
    gc.freeze()  # so that no collection in a worker copies what all of them share
    while True:
        ready, _, _ = select.select([server.fileno(), read], [], [])
        if read in ready:
            os.read(read, 1 << 10)
            _bury(server)
        if server.fileno() in ready:
            message, descriptors, *_ = socket.recv_fds(server, 1, 2)
            if not message:
                return
            connection, errors = descriptors
            try:
                pid = os.fork()
                if not pid:
                    _begin(server, (read, write), connection, errors, own)
                process = os.pidfd_open(pid)  # without it the server drops the worker, which ends
            except OSError as error:
                server.send(BORN.pack(b"x", error.errno or 0))
            else:
                socket.send_fds(server, [BORN.pack(b"b", pid)], [process])
                os.close(process)
            os.close(connection)
            os.close(errors)


def _bury(server: socket.socket) -> None:
    """Tell the server which workers have ended."""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            server.send(DIED.pack(b"d", found[0], os.waitstatus_to_exitcode(found[1])))


def _begin(
    server: socket.socket, wakeup: tuple[int, int], connection: int, errors: int, parent: int
) -> NoReturn:
    """Be a worker, from the fork to the end of the process."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(errors, 2)
        os.close(errors)
        server.close()
        for end in wakeup:
            os.close(end)
        _die_with(parent)
        # A worker that is given something to do waits until the server, which has more of it to
        # give, has used its turn of the processor.
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        _work(socket.socket(fileno=connection))
        status = 0
    except BaseException:  # noqa: BLE001 - the edge of the process
        traceback.print_exc()
    finally:
        os._exit(status)


def _work(connection: socket.socket) -> None:
    """Open the store and answer requests until the server is gone."""
    setup = _receive(connection)
    if setup is None:
        return
    backend = setup["backend"]
    isolated = _leave_network(only_privileges=backend is not None)
    _deepen_stack()
    store = _open(setup)
    gatherer = Gatherer(store, setup["ontology"], imported=setup["imported"])
    store.probe()
    statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    base = _limit_memory(setup["memory_mib"] << 20, statm)
    # A worker that cannot answer under the limit must fail now, not at the first request.
    store.probe()
    hello = json.dumps({"isolated": isolated, "address_space": base}).encode()
    connection.sendall(HEAD.pack(b"H", len(hello)) + hello)
    grown = base + (setup["memory_mib"] << 19)
    while (request := _receive(connection)) is not None:
        signal.setitimer(signal.ITIMER_REAL, request["timeout_s"] + GRACE_S)
        for job in request["jobs"]:
            outcome = _Job(store, gatherer, connection, request["largest"]).answer(job)
            if outcome is None:
                return
            if not outcome:
                break
        signal.setitimer(signal.ITIMER_REAL, 0)
        if _address_space(statm) > grown:
            return


def _open(setup: dict[str, Any]) -> Store:
    """Return the store of the release, with our engine or with another server."""
    path, prefixes, disjoint = Path(setup["store"]), setup["prefixes"], setup["disjoint"]
    if setup["backend"] is None:
        return Store(path, prefixes, disjoint=disjoint)
    from kg.web.backend import Backend, RemoteStore

    return RemoteStore(path, prefixes, Backend(**setup["backend"]), disjoint=disjoint)


class _Job:
    """One answer to one job."""

    def __init__(
        self, store: Store, gatherer: Gatherer, connection: socket.socket, largest: int = 0
    ) -> None:
        self._store = store
        self._gatherer = gatherer
        self._connection = connection
        self._largest = largest
        self._output = _Output(connection, False, largest)

    def answer(self, job: dict[str, Any]) -> bool | None:
        """Send the answer, and return whether there was one; None if this process is unfit now."""
        self._output = _Output(self._connection, job.get("gzip", False), self._largest)
        try:
            self._run(job)
        except ServerError as error:
            self._fail(error.reason, **_of_server(error))
        except SyntaxError as error:
            self._fail("syntax", **_syntax(str(error), job["text"]))
        except QueryError as error:
            about = {"seen": error.seen, "expected": error.expected, "hint": error.hint}
            self._fail("evaluation", error.what, **about)
        except MemoryError:
            self._fail("memory", "the query needs more memory than it may use")
            return None
        except BrokenPipeError:
            return None
        except _TooLargeError:
            self._fail(
                "result-size",
                "the answer is too large",
                hint="ask for less with LIMIT and OFFSET, or download the whole release",
            )
        except OSError as error:
            self._fail("store", f"the data cannot be read: {error}")
        else:
            self._output.finish()
            return True
        return False

    def _run(self, job: dict[str, Any]) -> None:
        output = cast("IO[bytes]", self._output)
        if job["kind"] == "description":
            output.write(self._gatherer.answer(job["call"], job["options"]))
            return
        store, media_type = self._store, job["media_type"]
        if job["kind"] == "query":
            rows, limit = job.get("rows", 0), None
            if rows:
                limit = RowLimit(rows, job["link"], self._output.cut)
            if job.get("own"):
                answer, text = store.query, job["text"]
            else:
                answer = store.asked
                text = ordered(job["text"]) if store.sorts_by_kind else job["text"]
            answer(text, output, media_type, job["default"], job["named"], limit)
        elif job["kind"] == "statements":
            store.statements(ordered(job["text"]), output, media_type)
        elif job["kind"] == "graph":
            store.graph(job["text"], output, media_type)
        else:
            store.convert(job["text"], output, media_type)

    def _fail(self, reason: str, what: str, **others: Any) -> None:
        fields = {"reason": reason, "what": what, **others}
        self._output.fail(json.dumps(fields).encode())


def _of_server(error: ServerError) -> dict[str, Any]:
    """Return the fields of a failure of the server behind; what only who runs us has to know goes
    into the log.
    """
    if error.reason == "store":
        again = 5 if error.passing else 0
        what = "the server behind this one does not answer"
        return {"what": what, "retry_after": again, "log": str(error)}
    hint = error.hint.partition("; who runs it")[0]
    if error.reason == "timeout":
        return {"what": "the query takes too long", "hint": "ask for less", "log": str(error)}
    return {"what": error.what, "seen": error.seen, "expected": error.expected, "hint": hint}


def _syntax(message: str, text: str) -> dict[str, Any]:
    """Return the fields of a failure for a syntax error of the engine."""
    # The engine's position is that of the longest keyword that it tried, so it is not used.
    misfit = explain(text)
    if misfit is None:
        found = mistake(text, message)
        place = position(text, found.offset) if found.offset >= 0 else (0, 0)
        fields = {"what": found.what, "seen": found.seen, "expected": found.expected}
        return {**fields, "hint": found.hint, "line": place[0], "column": place[1]}
    line, column = position(text, misfit.offset)
    return {
        "what": "the query is not SPARQL from here on",
        "line": line,
        "column": column,
        "seen": misfit.seen,
        "expected": misfit.expected,
    }


def _receive(connection: socket.socket) -> Any:
    """Return the content of the next frame, or None when the server is gone.

    The server sends one, and then waits for the answer.
    """
    frame = b""
    while len(frame) < LENGTH.size or len(frame) < LENGTH.size + LENGTH.unpack_from(frame)[0]:
        more = connection.recv(_PART)
        if not more:
            return None
        frame += more
    return json.loads(frame[LENGTH.size :])


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the server ends, however it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    # Where memory is short, the system takes it from here and not from the server.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800", encoding="ascii")


def _leave_network(*, only_privileges: bool) -> bool:
    """Return whether the system has taken all networks from this process, for good.

    Args:
        only_privileges: leave it the network, and take only what it could gain.
    """
    libc = ctypes.CDLL(None)
    isolated = not only_privileges and libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return bool(isolated)


def _deepen_stack() -> None:
    """Let the stack of this thread grow further, as far as the system permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    wanted = _STACK if hard == resource.RLIM_INFINITY else min(_STACK, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))


def _limit_memory(allowance: int, statm: int) -> int:
    """Limit the address space to what is in use plus `allowance`; return what is in use."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    base = _address_space(statm)
    resource.setrlimit(resource.RLIMIT_AS, (base + allowance, base + allowance))
    return base


def _address_space(statm: int) -> int:
    """Return the bytes of address space in use; `statm` is that file of /proc, open."""
    return int(os.pread(statm, 64, 0).split()[0]) * _PAGE


if __name__ == "__main__":
    main()
