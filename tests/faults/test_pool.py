"""The pool of query workers in its own process: what may happen to workers, and to the pool."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kg.errors import ReleaseError
from kg.web import process
from kg.web.guard import QueryFailure
from kg.web.pool import LONG, Limits, Pool, client, run_once
from kg.web.protocol import SparqlEndpoint

ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
ONE = "SELECT (1 AS ?one) {}"


def run(release: Path, limits: Limits, test: Callable[[Pool], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Pool(release, limits) as pool:
            await test(pool)

    asyncio.run(main(), debug=True)


async def is_fine(pool: Pool) -> None:
    rows = await pool.select(ONE)
    assert [row["one"].value for row in rows] == ["1"]


def end(pid: int, how: signal.Signals = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)


def pids(pool: Pool) -> list[int]:
    return [worker.pid for worker in pool._workers]


def test_workers_may_be_killed_while_they_are_free(release: Path) -> None:
    async def test(pool: Pool) -> None:
        for _ in range(5):
            for pid in pids(pool):
                end(pid)
            await is_fine(pool)

    run(release, Limits(workers=2, spares=1), test)


def test_killing_every_worker_under_load_fails_no_neighbour(release: Path) -> None:
    async def test(pool: Pool) -> None:
        asked = [asyncio.create_task(is_fine(pool)) for _ in range(60)]
        for _ in range(6):
            await asyncio.sleep(0.05)
            for pid in pids(pool)[:1]:
                end(pid)
        await asyncio.gather(*asked)
        await is_fine(pool)

    run(release, Limits(workers=2, spares=1), test)


def test_a_cancelled_question_frees_its_place(release: Path) -> None:
    async def test(pool: Pool) -> None:
        for pause in (0, 0.001, 0.05, 0.3):
            asked = [asyncio.create_task(pool.select(ENDLESS)) for _ in range(4)]
            await asyncio.sleep(pause)
            for task in asked:
                task.cancel()
            ended = await asyncio.gather(*asked, return_exceptions=True)
            assert all(isinstance(error, asyncio.CancelledError) for error in ended)
            await is_fine(pool)
        assert pool.load().running == 0

    run(release, Limits(workers=1, spares=1), test)


def test_deadlines_end_queries_and_waiting(release: Path) -> None:
    async def test(pool: Pool) -> None:
        async def fails() -> str:
            with pytest.raises(QueryFailure) as error:
                await pool.query(ENDLESS)
            return error.value.reason

        reasons = await asyncio.gather(fails(), fails(), fails())
        assert sorted(reasons) == ["busy", "busy", "timeout"]
        await is_fine(pool)

    run(release, Limits(workers=1, spares=0, timeout_s=1), test)


def test_long_texts_are_looked_at_in_turn(release: Path) -> None:
    running: list[int] = []
    seen: list[int] = []

    def work(n: int, seconds: float = 0.02) -> int:
        running.append(n)
        time.sleep(seconds)
        seen.append(len(running))
        running.remove(n)
        return n

    async def test(pool: Pool) -> None:
        def aside(n: int, seconds: float = 0.02) -> Awaitable[int]:
            return pool.aside(lambda: work(n, seconds), LONG + 1, timeout_s=5)

        assert await asyncio.gather(*map(aside, range(5))) == [0, 1, 2, 3, 4]
        leaving = asyncio.ensure_future(aside(5, 0.3))
        await asyncio.sleep(0.1)
        leaving.cancel()
        with pytest.raises(QueryFailure) as error:
            await pool.aside(lambda: work(6), LONG + 1, timeout_s=0.05)
        assert (error.value.reason, error.value.retry_after) == ("busy", 5)
        assert await aside(7) == 7
        assert await pool.aside(lambda: 8, LONG) == 8
        assert set(seen) == {1}

    run(release, Limits(workers=1, spares=0), test)


def test_clients_take_turns_with_long_texts_too(release: Path) -> None:
    async def test(pool: Pool) -> None:
        order: list[str] = []

        async def ask(name: str) -> None:
            client.set(name)
            await pool.aside(lambda: time.sleep(0.02), LONG + 1)
            order.append(name)

        greedy = [asyncio.create_task(ask("greedy")) for _ in range(10)]
        await asyncio.sleep(0.03)
        await asyncio.create_task(ask("modest"))
        assert order.count("greedy") < 5
        await asyncio.gather(*greedy)

    run(release, Limits(workers=1, spares=0), test)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_leaves_before_an_answer_begins_keeps_no_place(release: Path, method: str) -> None:
    async def test(pool: Pool) -> None:
        endpoint = SparqlEndpoint(pool)
        begun = asyncio.Event()

        async def send(message: object) -> None:
            begun.set()
            await asyncio.sleep(60)

        async def receive() -> dict[str, str]:
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}

        scope = {
            "type": "http",
            "method": method,
            "path": "/sparql",
            "raw_path": b"/sparql",
            "query_string": b"query=SELECT%20*%20%7B%3Fs%20%3Fp%20%3Fo%7D",
            "headers": [],
        }
        task = asyncio.create_task(endpoint(scope, receive, send))
        await begun.wait()
        assert pool.load().running == 1
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert pool.load().running == 0

    run(release, Limits(workers=2, spares=1, complete_kib=1), test)


def test_an_answer_that_is_not_read_can_be_closed(release: Path) -> None:
    async def test(pool: Pool) -> None:
        answer = await pool.query("SELECT * { ?s ?p ?o }")
        assert answer.body is None
        answer.close()
        answer.close()
        await is_fine(pool)

    run(release, Limits(workers=1, spares=0), test)


def test_a_stream_that_stops_raises(release: Path) -> None:
    async def test(pool: Pool) -> None:
        answer = await pool.query("SELECT * { ?s ?p ?o }")

        async def read() -> None:
            async for _ in answer:
                end(pids(pool)[0], signal.SIGSEGV)

        with pytest.raises(QueryFailure) as error:
            await read()
        assert error.value.reason == "crash"
        await is_fine(pool)

    run(release, Limits(workers=1, spares=0), test)


def test_a_query_whose_workers_are_ended_by_others_is_not_to_blame(release: Path) -> None:
    async def test(pool: Pool) -> None:
        task = asyncio.create_task(pool.query(ENDLESS))
        ended = set[int]()
        async with asyncio.timeout(30):
            while not task.done():
                if pool.load().running and (there := set(pids(pool)) - ended):
                    ended |= there
                    end(min(there))
                await asyncio.sleep(0.01)
        with pytest.raises(QueryFailure, match="ended the workers") as error:
            await task
        assert error.value.reason == "busy"
        assert error.value.retry_after
        await is_fine(pool)

    run(release, Limits(workers=1, spares=0), test)


def test_a_batch_of_no_queries_asks_no_worker(release: Path) -> None:
    async def test(pool: Pool) -> None:
        for _ in range(3):
            assert await pool.batch([]) == []
            assert await pool.own([]) == []
            await is_fine(pool)
        assert pool.tally.starts == 1

    run(release, Limits(workers=1, spares=0), test)


def test_a_batch_stops_at_its_first_failure(release: Path) -> None:
    async def test(pool: Pool) -> None:
        worker = pids(pool)
        rows = await pool.batch([ONE, "SELECT ?l { agent:tass rdfs:label ?l } ORDER BY ?l", ONE])
        assert [[str(term) for row in one for term in row.values()] for one in rows] == [
            ["1"],
            ["TASS", "тасс"],
            ["1"],
        ]
        with pytest.raises(QueryFailure) as error:
            await pool.batch([ONE, "SELECT * { ?s ?p }", ONE])
        assert (error.value.reason, error.value.line, error.value.column) == ("syntax", 1, 18)
        await is_fine(pool)
        assert pids(pool) == worker

    run(release, Limits(workers=1, spares=0), test)


def test_variables_can_be_bound(release: Path) -> None:
    async def test(pool: Pool) -> None:
        one = {"a": "<https://kg.example/id/agent/tass>", "l": '"ru"'}
        query = "SELECT ?n WHERE { ?a rdfs:label ?n FILTER(LANG(?n) = ?l) }"
        assert [row["n"].value for row in await pool.select(query, one)] == ["тасс"]
        assert await pool.ask("ASK { ?a rdfs:label 'TASS'@en }", one)
        assert not await pool.ask("ASK { ?a rdfs:label 'x' }", one)
        with pytest.raises(QueryFailure) as error:
            await pool.construct("CONSTRUCT WHERE { ?a rdfs:label ?n }", bindings=one)
        assert error.value.reason == "parameter"

    run(release, Limits(workers=1, spares=0), test)


def test_statements_are_sorted_and_named(release: Path) -> None:
    async def test(pool: Pool) -> None:
        query = "SELECT ?s ?p ?o ?g { GRAPH ?g { VALUES ?s { agent:tass } ?s ?p ?o } }"
        quads = (await pool.construct(query)).decode().splitlines()
        assert len(quads) == 4
        assert quads == sorted(quads, key=lambda quad: (quad.rsplit(" ", 2)[1], quad))
        assert sum("/graph/seoul>" in quad for quad in quads) == 1
        triples = await pool.construct(query, "application/n-triples")
        assert len(triples.splitlines()) == 3
        assert await pool.construct("DESCRIBE agent:tass", "application/n-triples") == triples
        for wrong in ("ASK {}", "SELECT ?x { ?x ?y ?z }", "SELECT (1 AS ?s) ?p ?o { ?o ?p ?q }"):
            with pytest.raises(QueryFailure) as error:
                await pool.construct(wrong)
            assert error.value.reason == "evaluation"

    run(release, Limits(workers=1, spares=0), test)


def test_draining_lets_answers_end(release: Path) -> None:
    async def main() -> None:
        pool = await Pool(release, Limits(workers=2, spares=0)).__aenter__()
        answer = await pool.query("SELECT * { ?s ?p ?o }")
        draining = asyncio.create_task(pool.drain())
        await asyncio.sleep(0)
        with pytest.raises(QueryFailure) as error:
            await pool.select(ONE)
        assert error.value.reason == "busy"
        assert error.value.retry_after
        size = 0
        async for part in answer:
            size += len(part)
        assert size > 5_000_000
        await draining
        assert not pool._workers

    asyncio.run(main(), debug=True)


def test_closing_ends_answers(release: Path) -> None:
    async def main() -> None:
        pool = await Pool(release, Limits(workers=1, spares=1)).__aenter__()
        asked = asyncio.create_task(pool.select(ENDLESS))
        waiting = asyncio.create_task(pool.select(ENDLESS))
        await asyncio.sleep(0.2)
        await pool.close()
        for task in (asked, waiting):
            with pytest.raises(QueryFailure) as error:
                await task
            assert error.value.reason == "busy"

    asyncio.run(main(), debug=True)


def test_a_pool_that_cannot_start_says_why(release: Path, tmp_path: Path) -> None:
    shutil.copytree(release, tmp_path / "release")
    for file in (tmp_path / "release/store/quads").glob("*.sst"):
        file.write_bytes(b"damaged")

    async def main() -> None:
        async with Pool(tmp_path / "release"):
            raise AssertionError("it has started")

    with pytest.raises(ReleaseError) as error:
        asyncio.run(main())
    assert "a query worker cannot start" in str(error.value)
    assert str(tmp_path / "release/store/quads") in str(error.value)
    shutil.rmtree(tmp_path / "release/store/quads")
    with pytest.raises(ReleaseError, match="has no store"):
        Pool(tmp_path / "release")


def test_a_store_that_vanishes_stops_no_worker_that_runs(release: Path, tmp_path: Path) -> None:
    shutil.copytree(release, tmp_path / "release")

    async def test(pool: Pool) -> None:
        shutil.rmtree(tmp_path / "release")
        await is_fine(pool)
        end(pids(pool)[0])
        with pytest.raises(QueryFailure) as error:
            await pool.query(ONE, timeout_s=1)
        assert error.value.reason == "busy"
        assert error.value.retry_after

    run(tmp_path / "release", Limits(workers=1, spares=0), test)


def test_workers_have_no_network_where_the_system_permits(release: Path) -> None:
    async def test(pool: Pool) -> None:
        for worker in pool._workers:
            own = os.readlink(f"/proc/{worker.pid}/ns/net") != os.readlink("/proc/self/ns/net")
            assert own == worker.isolated
        assert pool.isolated is not None

    run(release, Limits(workers=1, spares=0), test)


def test_one_query_alone_has_the_same_limits(release: Path) -> None:
    assert b"".join(part for _, part in run_once(release, ONE, "text/csv")) == b"one\r\n1\r\n"
    for query, reason in (
        ("SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f }", "timeout"),
        ("SELECT * { ?s ?p ?o . ?a ?b ?c } ORDER BY ?o ?c", "memory"),
        ("ASK {" + "{" * 5000, "complexity"),
        ("ASK { SERVICE <http://127.0.0.1:9/> {} }", "service"),
    ):
        with pytest.raises(QueryFailure) as error:
            list(run_once(release, query, limits=Limits(timeout_s=3, memory_mib=64)))
        assert error.value.reason == reason


def test_an_answer_may_be_left_in_the_middle(release: Path) -> None:
    parts = run_once(release, "SELECT * { ?s ?p ?o }", "text/csv")
    assert next(parts)[0] == "text/csv"
    parts.close()  # type: ignore[attr-defined]


def test_a_nursery_that_dies_is_replaced(release: Path) -> None:
    async def test(pool: Pool) -> None:
        for _ in range(3):
            before = set(pids(pool))
            end(pool._nursery._process.pid)
            await is_fine(pool)
            async with asyncio.timeout(30):
                while len(pool._workers) < 3 or before & set(pids(pool)):
                    await asyncio.sleep(0.01)
        assert pool._nursery.alive

    run(release, Limits(workers=2, spares=1), test)


def test_workers_hold_nothing_of_each_other(release: Path) -> None:
    async def test(pool: Pool) -> None:
        async with asyncio.timeout(30):
            while len(pool._workers) < 4:
                await asyncio.sleep(0.01)
        sockets = [
            sum("socket:" in os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir())
            for pid in pids(pool)
        ]
        assert sockets == [1] * 4
        for pid in pids(pool):
            assert os.getpgid(pid) != os.getpgid(0)  # Ctrl-C is for the server

    run(release, Limits(workers=3, spares=1), test)


def test_a_nursery_that_does_not_answer_is_replaced(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(pool: Pool) -> None:
        monkeypatch.setattr(process, "_START_S", 0.5)
        before = pool._nursery
        end(before._process.pid, signal.SIGSTOP)
        next(iter(pool._workers)).kill("closed")
        pool._replace()
        async with asyncio.timeout(30):
            while before.alive:
                await asyncio.sleep(0.05)
        monkeypatch.undo()
        await is_fine(pool)

    run(release, Limits(workers=1, spares=0), test)


def test_no_file_stays_open_where_there_are_too_few(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def files() -> set[str]:
        return set(os.listdir("/proc/self/fd"))

    async def main() -> None:
        async with Pool(release, Limits(workers=1, spares=0)) as pool:
            before = files()
            for where, what in ((process.socket, "socketpair"), (process.os, "memfd_create")):
                with monkeypatch.context() as patch:
                    patch.setattr(where, what, fail)
                    with pytest.raises(OSError, match="Too many open files"):
                        await pool._start()
                assert files() == before
        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "Popen", fail)
            pool = Pool(release, Limits(workers=1, spares=0))
            with pytest.raises(ReleaseError, match="Too many open files"):
                await pool.__aenter__()

    asyncio.run(main())


def test_one_large_value_comes_in_parts(release: Path) -> None:
    doubled = " ".join(f"BIND(CONCAT(?v{n}, ?v{n}) AS ?v{n + 1})" for n in range(20))
    query = f'SELECT ?v20 {{ BIND("0123456789" AS ?v0) {doubled} }}'
    parts = [part for _, part in run_once(release, query, "text/csv")]
    assert max(map(len, parts)) <= 1 << 18
    assert len(b"".join(parts)) == (10 << 20) + len("v20\r\n\r\n")
