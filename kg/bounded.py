"""Work that an engine does on its own, with a bound on its time and memory.

An engine that is asked what it cannot answer in time cannot be interrupted from Python. So it is
asked in a child process, a copy of this one, which the system ends when it has had enough, or when
this one ends.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import resource
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final, NoReturn, TypeVar

from kg.errors import TooLarge

T = TypeVar("T")

_FRAME: Final = 1_000
_ROOM: Final = 4 << 30
"""Bytes that a child may take beside what this process has."""
_NO_MEMORY: Final = 3
_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM)
_END_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG of Linux


def bounded(
    steps: Callable[[], Iterable[T]],
    *,
    seconds: int,
    what: str,
    where: str,
    hint: str = "",
    quiet: bool = False,
) -> list[T]:
    """Return what an iterable yields, worked out in a child process.

    Where the system has no processes of this kind, in this one and without bounds.

    Args:
        steps: makes the iterable; what it yields can be pickled.
        seconds: of the processor, for each step; memory is 4 GiB beside what this process has.
        what: what is told of work that was ended: "a query was ended".
        where: its place, for the error.
        hint: what its author can do, for the error.
        quiet: drop what it writes as errors: an engine's last words, of out of memory.
    Raises:
        TooLarge: a step took too long, or too much memory.
        KgError: what a step raises.
    """
    if not hasattr(os, "fork"):
        return list(steps())
    control = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    parent = os.getpid()
    reading, writing = os.pipe()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    try:
        child = os.fork()
        if child == 0:
            os.close(reading)
            if control is not None:
                control(_END_WITH_PARENT, signal.SIGKILL)
            if os.getppid() == parent:
                _work(steps, seconds, writing, quiet=quiet)
            os._exit(1)
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    out: list[T] = []
    kind = "more"
    try:
        with open(reading, "rb") as stream:
            while kind == "more":
                kind, value = _next(stream)
                if kind == "raise":
                    raise value
                out += value
    finally:
        if kind != "lost":
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        status = _wait(child)
    if kind == "lost":
        raise TooLarge(
            what,
            where=where,
            seen=_reason(status),
            expected=f"at most {seconds} s and {_ROOM >> 30} GiB for one step",
            hint=hint,
        )
    return out


def end_with_parent() -> None:
    """Let the system end this process when the one that started it ends, where it can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
        parent = multiprocessing.parent_process()
        if parent is not None and os.getppid() != parent.pid:
            os._exit(1)  # it had ended before


def _wait(child: int) -> int:
    """Return the status of a child that ends, 0 where the system keeps none."""
    try:
        return os.waitpid(child, 0)[1]
    except ChildProcessError:
        return 0


def _reason(status: int) -> str:
    """Return why a child ended before its work did."""
    by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
    if by == signal.SIGXCPU:
        return "its time was over"
    if by == signal.SIGABRT or code == _NO_MEMORY:
        return "it took too much memory"
    return f"it was ended by signal {by}" if by else f"it ended with code {code}"


def _next(stream: Any) -> tuple[str, Any]:
    """Return the next frame of a child, "lost" for an end that nobody told."""
    try:
        kind, value = pickle.load(stream)  # of this very program
    except (EOFError, pickle.UnpicklingError):
        return "lost", []
    return kind, value


def _work(steps: Callable[[], Iterable[T]], seconds: int, writing: int, *, quiet: bool) -> NoReturn:
    """Work in the child, and end it."""
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXCPU):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, *((2,) * quiet)):
            os.dup2(nowhere, stream)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _limit(resource.RLIMIT_AS, _taken() + _ROOM)
        with open(writing, "wb") as pipe:
            try:
                _tell(steps, seconds, pipe)
            except MemoryError:
                code = _NO_MEMORY
                raise
            except Exception as e:  # noqa: BLE001  # the parent raises it
                pipe.write(_pickled(e))
        code = 0
    finally:  # nothing of the child may go on in the copy of the parent
        os._exit(code)


def _pickled(error: Exception) -> bytes:
    """Return the frame of an error; of one that cannot be taken apart, of what it says."""
    try:
        frame = pickle.dumps(("raise", error))
        pickle.loads(frame)
    except Exception:  # noqa: BLE001  # whatever its class does
        frame = pickle.dumps(("raise", RuntimeError(f"{type(error).__name__}: {error}")))
    return frame


def _tell(steps: Callable[[], Iterable[T]], seconds: int, stream: Any) -> None:
    frame: list[T] = []

    def go_on() -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds + 1)

    go_on()
    for step in steps():
        frame.append(step)
        if len(frame) == _FRAME:
            pickle.dump(("more", frame), stream)
            frame = []
        go_on()
    pickle.dump(("end", frame), stream)


def _limit(kind: int, value: int) -> None:
    """Set a limit of this process, as far as it may."""
    now, most = resource.getrlimit(kind)
    if kind == resource.RLIMIT_AS and now != resource.RLIM_INFINITY:
        value = min(value, now)
    if most != resource.RLIM_INFINITY:
        value = min(value, most)
    resource.setrlimit(kind, (value, most))


def _taken() -> int:
    """Return the bytes of address space that this process has."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
