"""kg.bounded: what a child works out, what it raises, and how it ends when it takes too much."""

from __future__ import annotations

import os
from collections.abc import Iterator

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
