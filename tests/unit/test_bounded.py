"""kg.bounded: what a child works out, what it raises, and how it ends when it takes too much."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kg.bounded import bounded
from kg.errors import ShapesError, TooLarge


def test_what_is_yielded_comes_back_in_its_order() -> None:
    for many in (0, 1, 999, 1_000, 2_001):
        found = bounded(lambda n=many: range(n), seconds=9, what="ended", where="here")
        assert found == list(range(many))


def test_work_is_done_in_another_process() -> None:
    (process,) = bounded(lambda: [os.getpid()], seconds=9, what="ended", where="here")
    assert process != os.getpid()
    with pytest.raises(ChildProcessError):
        os.waitpid(process, os.WNOHANG)  # nothing is left of it


def test_what_it_raises_is_raised() -> None:
    def steps() -> Iterator[int]:
        yield 1
        raise ShapesError("wrong", where="there", seen="this")

    with pytest.raises(ShapesError, match="there: wrong; seen this"):
        bounded(steps, seconds=9, what="ended", where="here")


def test_a_step_without_end_is_ended() -> None:
    def steps() -> Iterator[int]:
        yield 1
        while True:
            pass

    with pytest.raises(TooLarge, match="here: a query was ended; seen its time was over"):
        bounded(steps, seconds=1, what="a query was ended", where="here")


def test_an_engine_that_is_inside_of_a_query_is_ended() -> None:
    import pyoxigraph as ox

    store = ox.Store()
    p = ox.NamedNode("urn:kg:p")
    numbers = [ox.Literal(n) for n in range(1_000)]
    store.extend(ox.Quad(p, p, number) for number in numbers)
    query = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?p ?b . ?c ?q ?d . ?e ?r ?f . ?g ?s ?h }"

    def steps() -> Iterator[int]:
        yield len(list(store.query(query)))  # type: ignore[arg-type]  # solutions

    with pytest.raises(TooLarge, match="its time was over"):
        bounded(steps, seconds=1, what="ended", where="here")
    assert len(store) == len(numbers)


def test_a_step_that_takes_all_memory_is_ended() -> None:
    def steps() -> Iterator[int]:
        kept = []
        while True:
            kept.append(bytes(1 << 30))
            yield len(kept)

    with pytest.raises(TooLarge, match="too much memory"):
        bounded(steps, seconds=60, what="ended", where="here")


class Awkward(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def test_an_error_that_cannot_be_taken_apart_says_what_it_is() -> None:
    def steps() -> Iterator[int]:
        yield 1
        raise Awkward("one", "two")

    with pytest.raises(RuntimeError, match="Awkward: one two"):
        bounded(steps, seconds=9, what="ended", where="here")


def test_a_child_that_is_killed_is_told_as_that() -> None:
    def steps() -> Iterator[int]:
        os.kill(os.getpid(), signal.SIGKILL)
        yield 1

    with pytest.raises(TooLarge, match="ended by signal 9"):
        bounded(steps, seconds=9, what="ended", where="here")


def test_where_children_are_not_waited_for_the_answer_still_comes() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert bounded(lambda: [1, 2], seconds=9, what="ended", where="here") == [1, 2]
    finally:
        signal.signal(signal.SIGCHLD, before)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_a_child_ends_with_its_parent_and_holds_none_of_its_output() -> None:
    script = """
import os, sys
from kg.bounded import bounded
def steps():
    os.write(9, b"%d " % os.getpid())
    while True: pass
    yield 1
os.dup2(1, 9)
bounded(steps, seconds=60, what="ended", where="here")
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.read(8).split()[0])
        parent.terminate()
        parent.wait(timeout=30)
        for _ in range(300):
            try:
                os.kill(child, 0)
            except ProcessLookupError:
                return
            state = Path(f"/proc/{child}/stat")
            if not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return
            time.sleep(0.1)
    raise AssertionError("the child goes on")
