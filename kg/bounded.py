"""Work that an engine does on its own, with a bound on its time and memory.

An engine that is asked what it cannot answer in time cannot be interrupted from Python. So it is
asked in a child process, a copy of this one, which the system ends when it has had enough.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn, TypeVar

from kg.errors import TooLarge

T = TypeVar("T")

_FRAME: Final = 1_000
_ROOM: Final = 4 << 30
"""Bytes that a child may take beside what this process has."""


def bounded(steps: Callable[[], Iterable[T]], *, seconds: int, what: str, where: str) -> list[T]:
    """Return what an iterable yields, worked out in a child process.

    Where the system has no processes of this kind, in this one and without bounds.

    Args:
        steps: makes the iterable; what it yields can be pickled.
        seconds: of the processor, for each step; memory is 4 GiB beside what this process has.
        what: what is told of work that was ended: "a query was ended".
        where: its place, for the error.
    Raises:
        TooLarge: a step took too long, or too much memory.
        KgError: what a step raises.
    """
    if not hasattr(os, "fork"):
        return list(steps())
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _work(steps, seconds, writing)
    os.close(writing)
    out: list[T] = []
    ended = False
    try:
        with open(reading, "rb") as stream:
            while not ended:
                kind, value = _next(stream)
                if kind == "raise":
                    raise value
                out += value
                ended = kind != "more"
        _, status = os.waitpid(child, 0)
        child = 0
    finally:
        if child:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
    if status:
        by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        raise TooLarge(
            what,
            where=where,
            seen="its time was over" if by == signal.SIGXCPU else "it took too much memory",
            expected=f"at most {seconds} s and {_ROOM >> 30} GiB for one step",
            hint="ask less of it: fewer patterns that share no variable, or filters",
        )
    return out


def _next(stream: Any) -> tuple[str, Any]:
    """Return the next frame of a child; an end that nobody told is one as well."""
    try:
        kind, value = pickle.load(stream)  # of this very program
    except (EOFError, pickle.UnpicklingError):
        return "end", []
    return kind, value


def _work(steps: Callable[[], Iterable[T]], seconds: int, writing: int) -> NoReturn:
    """Work in the child, and end it."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # an engine's last words, of out of memory
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _limit(resource.RLIMIT_AS, _taken() + _ROOM)
        with open(writing, "wb") as stream:
            try:
                _tell(steps, seconds, stream)
            except MemoryError:
                raise
            except Exception as e:  # noqa: BLE001  # the parent raises it
                pickle.dump(("raise", e), stream)
        code = 0
    finally:  # nothing of the child may go on in the copy of the parent
        os._exit(code)


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
    _, most = resource.getrlimit(kind)
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
