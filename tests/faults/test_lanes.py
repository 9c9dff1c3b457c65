"""Slow queries beside fast ones: they are moved, begun again or sent away, and never in the way."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kg.web import pool as pools
from kg.web.guard import QueryFailure
from kg.web.pool import Limits, Pool, Tally

ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
A_WHILE = """SELECT (COUNT(*) AS ?n) { ?a ch:number ?b . ?c a ch:Agent
  FILTER(?b != STRLEN(CONCAT(STR(?a), STR(?c)))) }"""
LARGE = "SELECT * { ?s ?p ?o }"
ONE = "SELECT (1 AS ?one) {}"


def run(release: Path, limits: Limits, test: Callable[[Pool], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Pool(release, limits) as pool:
            await test(pool)

    asyncio.run(main(), debug=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def stop(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def lowered(pool: Pool) -> list[int]:
    """Return the numbers of the processes that give way to others, without those being ended."""
    alive = [worker.pid for worker in pool._workers if worker.alive]
    return [pid for pid in alive if os.getpriority(os.PRIO_PROCESS, pid) == 10]


def ask(pool: Pool, query: str, client: str = "") -> asyncio.Task[object]:
    """Return a task that asks a query on behalf of a client."""
    pools.client.set(client)
    try:
        return asyncio.create_task(pool.query(query))
    finally:
        pools.client.set("")


def test_slow_queries_leave_half_of_the_workers(release: Path) -> None:
    async def test(pool: Pool) -> None:
        slow = [ask(pool, ENDLESS) for _ in range(8)]
        await until(lambda: pool.load().slow == 2 and pool.load().waiting_slow == 6)
        assert pool.load().fast == 0
        assert pool.tally.moved == 2
        for _ in range(20):
            assert await pool.select(ONE)
        assert pool.load().slow == 2
        await stop(*slow)
        assert pool.load().running == 0
        assert (pool.load().waiting, pool.load().waiting_slow) == (0, 0)

    run(release, Limits(workers=4, spares=1, slow_after_s=0.1), test)


def test_a_query_that_was_displaced_is_answered_all_the_same(release: Path) -> None:
    async def test(pool: Pool) -> None:
        found = await asyncio.gather(*(pool.select(A_WHILE) for _ in range(6)))
        assert len({rows[0]["n"].value for rows in found}) == 1
        assert pool.tally.restarted
        assert pool.tally.moved

    run(release, Limits(workers=2, spares=1, slow_after_s=0.02), test)


def test_clients_share_the_slow_lane(release: Path) -> None:
    async def test(pool: Pool) -> None:
        greedy = [ask(pool, ENDLESS, "greedy") for _ in range(4)]
        await until(lambda: pool.load().slow == 2 and pool.load().waiting_slow == 2)
        modest = ask(pool, ENDLESS, "modest")
        await until(lambda: pool.load().waiting_slow == 3)
        os.kill(lowered(pool)[0], 9)  # one of the greedy ones fails, and the modest one is next
        await until(lambda: pool._lanes._held_slow["modest"] == 1)
        await stop(*greedy, modest)

    run(release, Limits(workers=4, spares=1, slow_after_s=0.1), test)


def test_one_client_does_not_fill_the_queue(release: Path) -> None:
    async def test(pool: Pool) -> None:
        greedy = [ask(pool, ENDLESS, "greedy") for _ in range(30)]
        await until(lambda: sum(task.done() for task in greedy) >= 20)
        refused = [task.exception() for task in greedy if task.done()]
        assert all(isinstance(e, QueryFailure) and e.reason == "busy" for e in refused)
        assert all(isinstance(e, QueryFailure) and e.retry_after for e in refused)
        assert await ask(pool, ONE, "modest")
        await stop(*greedy)

    run(release, Limits(workers=4, spares=1, queue=8, slow_after_s=0.1), test)


def test_a_slow_query_gives_way_to_other_processes_and_its_worker_recovers(release: Path) -> None:
    async def test(pool: Pool) -> None:
        task = ask(pool, ENDLESS)
        await until(lambda: pool.load().slow == 1)
        assert len(lowered(pool)) == 1
        await stop(task)
        await until(lambda: pool.load().idle == 3)
        assert await pool.select(A_WHILE)
        assert pool.tally.moved == 2
        await until(lambda: pool.load().idle == 3)
        assert lowered(pool) == []

    run(release, Limits(workers=2, spares=1, slow_after_s=0.05), test)


def test_a_large_answer_is_a_slow_one(release: Path) -> None:
    async def test(pool: Pool) -> None:
        answer = await pool.query(LARGE)
        assert answer.body is None
        assert answer.slow
        assert pool.load().slow == 1
        others = [ask(pool, LARGE) for _ in range(2)]
        await until(lambda: pool.load().waiting_slow == 2)
        parts = [part async for part in answer]
        assert sum(map(len, parts)) > 1 << 20
        for task in others:
            other = await task
            assert isinstance(other, pools.Answer)
            assert b"".join([part async for part in other]) == b"".join(parts)
        assert pool.load().running == 0

    run(release, Limits(workers=2, spares=1, slow_after_s=60), test)


def test_an_answer_has_to_begin_in_time(release: Path) -> None:
    async def test(pool: Pool) -> None:
        with pytest.raises(QueryFailure) as error:
            await pool.select(ENDLESS)
        assert error.value.reason == "timeout"
        await until(lambda: pool.tally.ends["timeout"] == 1)
        assert await pool.select(ONE)

    run(release, Limits(workers=2, timeout_s=600, first_byte_s=0.3), test)


def test_answers_are_compressed_where_it_is_worth_it(release: Path) -> None:
    async def test(pool: Pool) -> None:
        async def body(query: str, *, compressed: bool) -> tuple[bytes, bool]:
            answer = await pool.answer(await pool.prepare(query, gzip=compressed))
            whole = b"".join([part async for part in answer])
            return whole, answer.gzip

        for query in (LARGE, f"{LARGE} LIMIT 100"):
            plain, coded = await body(query, compressed=False)
            assert not coded
            packed, coded = await body(query, compressed=True)
            assert coded
            assert len(packed) < len(plain) / 4
            assert gzip.decompress(packed) == plain
        assert (await body(ONE, compressed=True)) == (await body(ONE, compressed=False))

    run(release, Limits(workers=2), test)


def test_the_size_of_an_answer_counts_before_it_is_compressed(release: Path) -> None:
    async def test(pool: Pool) -> None:
        question = await pool.prepare(LARGE, gzip=True)

        async def read() -> None:
            async for _ in await pool.answer(question):
                pass

        with pytest.raises(QueryFailure) as error:
            await read()
        assert error.value.reason == "result-size"

    run(release, Limits(workers=2, result_mib=2), test)


def test_questions_with_one_key_have_one_answer(release: Path) -> None:
    async def test(pool: Pool) -> None:
        question = await pool.prepare(ONE)
        assert (await pool.prepare(ONE)).key == question.key
        registry = "https://kg.example/id/graph/registry"
        others = [
            await pool.prepare(ONE + " "),
            await pool.prepare(ONE, accept="text/csv"),
            await pool.prepare(ONE, gzip=True),
            await pool.prepare(ONE, timeout_s=1),
            await pool.prepare(ONE, default_graphs=[registry]),
            await pool.prepare(ONE, named_graphs=[registry]),
        ]
        assert len({question.key, *(other.key for other in others)}) == 7
        assert not question.volatile
        assert (await pool.prepare("SELECT (NOW() AS ?now) {}")).volatile
        assert (await pool.prepare("SELECT (bnode() AS ?b) {}")).volatile
        assert not (await pool.prepare("SELECT ?now { ?now ?p 'RAND()' } # UUID()")).volatile

    run(release, Limits(workers=1), test)


def test_the_tally_goes_on_in_another_pool(release: Path) -> None:
    tally = Tally()

    async def main() -> None:
        for _ in range(2):
            async with Pool(release, Limits(workers=1, spares=0), tally) as pool:
                assert await pool.select(ONE)

    asyncio.run(main())
    assert tally.starts == 2


def test_waiting_counts_towards_the_deadline(release: Path) -> None:
    async def test(pool: Pool) -> None:
        slow = [ask(pool, ENDLESS) for _ in range(4)]
        await until(lambda: pool.load().slow == 1)
        ended = await asyncio.gather(*slow, return_exceptions=True)
        reasons = sorted(e.reason for e in ended if isinstance(e, QueryFailure))
        assert len(reasons) == 4
        assert "timeout" in reasons
        assert set(reasons) <= {"timeout", "busy"}

    run(release, Limits(workers=2, timeout_s=1.5, slow_after_s=0.1), test)


def test_limits_of_one_worker_work(release: Path) -> None:
    async def test(pool: Pool) -> None:
        with contextlib.suppress(QueryFailure):
            await pool.select(A_WHILE)
        assert await pool.select(ONE)

    run(release, Limits(workers=1, spares=0, queue=0, slow_after_s=0.05), test)
