"""The lanes as numbers: what holds whatever clients do, and whose turn it is."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.web.guard import QueryFailure
from kg.web.lanes import Lanes, Place

FAR = 1e9
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["get", "get", "get", "get slow", "move", "back", "die", "give up"]),
        st.sampled_from(["", "a", "b", "c"]),
        st.integers(0, 20),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=300)
@given(workers=st.integers(1, 6), spares=st.integers(0, 2), queue=st.integers(0, 8), steps=STEPS)
def test_the_bounds_hold_whatever_happens(
    workers: int, spares: int, queue: int, steps: list[tuple[str, str, int]]
) -> None:
    asyncio.run(check(workers, spares, queue, steps))


async def check(workers: int, spares: int, queue: int, steps: list[tuple[str, str, int]]) -> None:
    dead: set[int] = set()
    lanes: Lanes[int] = Lanes(workers, queue, lambda worker: worker not in dead)
    for worker in range(workers + spares):
        lanes.add(worker)
    last = workers + spares
    asked: list[tuple[str, bool, asyncio.Task[Place[int]]]] = []
    held: list[Place[int]] = []

    async def settle() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for one in [one for one in asked if one[2].done()]:
            asked.remove(one)
            client, slow, task = one
            if task.cancelled():
                continue
            if (error := task.exception()) is not None:
                assert isinstance(error, QueryFailure)
                assert error.reason == "busy"
                continue
            place = task.result()
            assert (place.client, place.slow) == (client, slow)
            assert place.worker not in dead
            held.append(place)

    for step, client, number in steps:
        if step.startswith("get"):
            slow = step == "get slow"
            asked.append((client, slow, asyncio.create_task(lanes.get(client, FAR, slow=slow))))
        elif step == "give up" and asked:
            asked[number % len(asked)][2].cancel()
        elif step == "move" and held:
            place = held[number % len(held)]
            if not place.slow:
                assert lanes.move(place) == place.slow
        elif step == "back" and held:
            lanes.give_back(held.pop(number % len(held)), usable=True)
        elif step == "die" and held:
            place = held.pop(number % len(held))
            dead.add(place.worker)
            lanes.give_back(place, usable=False)
            lanes.add(last)
            last += 1
        await settle()
        check_bounds(lanes, queue, held, [(c, s) for c, s, task in asked if not task.done()])

    for _, _, task in asked:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, QueryFailure):
            lanes.give_back(await task, usable=True)
    for place in held:
        lanes.give_back(place, usable=True)
    assert (lanes.fast, lanes.slow, lanes.waiting, lanes.waiting_slow) == (0, 0, 0, 0)
    assert not lanes._held
    assert not lanes._held_slow
    assert not lanes._turns
    assert len(lanes.idle) == len(set(lanes.idle)) == workers + spares


def check_bounds(
    lanes: Lanes[int], queue: int, held: list[Place[int]], waiting: list[tuple[str, bool]]
) -> None:
    """Check what the docstring of `Lanes` promises."""
    assert lanes.running == len(held) <= lanes.workers
    assert lanes.slow == sum(place.slow for place in held) <= lanes.most_slow
    assert len({place.worker for place in held}) == len(held)
    assert not {place.worker for place in held} & set(lanes.idle)
    assert (lanes.waiting, lanes.waiting_slow) == (
        sum(not slow for _, slow in waiting),
        sum(slow for _, slow in waiting),
    )
    assert len(waiting) <= queue
    half = max(1, queue // 2)
    assert lanes.waiting_slow <= half
    assert all(n <= half for client, n in Counter(c for c, _ in waiting).items() if client)
    # Nobody waits for what is there.
    for client, slow in waiting:
        if lanes.idle and lanes.running < lanes.workers:
            mine = sum(place.client == client for place in held)
            if slow:
                assert lanes.slow == lanes.most_slow
            else:
                assert client
                assert mine
                assert lanes.workers >= 4
                assert lanes.workers - lanes.running == 1 or len(lanes.idle) == 1


def test_clients_take_turns() -> None:
    async def main() -> list[str]:
        lanes: Lanes[int] = Lanes(1, 20, lambda _: True)
        lanes.add(1)
        first = await lanes.get("greedy", FAR)
        order: list[str] = []

        async def ask(client: str) -> None:
            place = await lanes.get(client, FAR)
            order.append(client)
            await asyncio.sleep(0)
            lanes.give_back(place, usable=True)

        tasks = [asyncio.create_task(ask("greedy")) for _ in range(5)]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(ask("modest")))
        await asyncio.sleep(0)
        lanes.give_back(first, usable=True)
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(main()) == ["modest"] + ["greedy"] * 5


def test_who_waits_is_not_passed_by_those_who_come_and_go() -> None:
    async def main() -> int:
        lanes: Lanes[int] = Lanes(1, 20, lambda _: True)
        lanes.add(1)
        answered = 0

        async def ask(client: str) -> None:
            place = await lanes.get(client, FAR)
            await asyncio.sleep(0)
            lanes.give_back(place, usable=True)

        async def steady(client: str) -> None:
            nonlocal answered
            while not waiting.done():
                await ask(client)
                answered += 1
                assert answered < 100

        async def several() -> None:
            await asyncio.gather(*(ask("several") for _ in range(4)))

        waiting = asyncio.create_task(several())
        await asyncio.gather(waiting, *(steady(f"steady {n}") for n in range(3)))
        return answered

    assert asyncio.run(main()) < 30


def test_whoever_holds_least_is_next() -> None:
    async def main() -> tuple[str, str]:
        lanes: Lanes[int] = Lanes(2, 20, lambda _: True)
        lanes.add(1)
        lanes.add(2)
        held = [await lanes.get("greedy", FAR), await lanes.get("greedy", FAR)]
        waiting = [
            asyncio.create_task(lanes.get(client, FAR)) for client in ("greedy", "greedy", "modest")
        ]
        await asyncio.sleep(0)
        lanes.give_back(held.pop(), usable=True)
        await asyncio.sleep(0)
        first = next(task for task in waiting if task.done())
        waiting.remove(first)
        lanes.give_back(held.pop(), usable=True)
        await asyncio.sleep(0)
        second = next(task for task in waiting if task.done())
        for task in waiting:
            task.cancel()
        return first.result().client, second.result().client

    assert asyncio.run(main()) == ("modest", "greedy")


def test_a_client_with_a_slow_query_gives_way_to_others_that_wait() -> None:
    async def main() -> None:
        lanes: Lanes[int] = Lanes(4, 20, lambda _: True)
        for worker in range(5):
            lanes.add(worker)
        mine = [await lanes.get("a", FAR) for _ in range(3)]
        other = await lanes.get("b", FAR)
        assert lanes.move(mine[0])
        lanes.give_back(other, usable=True)
        other = await lanes.get("b", FAR, slow=True)
        waiting = asyncio.create_task(lanes.get("c", FAR, slow=True))
        await asyncio.sleep(0)
        lanes.give_back(other, usable=True)
        await asyncio.sleep(0)
        assert waiting.done()
        lanes.give_back(waiting.result(), usable=True)
        assert lanes.move(mine[1])  # nobody waits now
        assert not lanes.move(mine[2])  # half of the workers are slow

    asyncio.run(main())


def test_one_client_leaves_the_last_place_to_others() -> None:
    async def main() -> None:
        lanes: Lanes[int] = Lanes(4, 20, lambda _: True)
        for worker in range(5):
            lanes.add(worker)
        for _ in range(3):
            await lanes.get("a", FAR)
        greedy = asyncio.create_task(lanes.get("a", FAR))
        await asyncio.sleep(0)
        assert not greedy.done()
        assert (await lanes.get("b", FAR)).client == "b"
        greedy.cancel()

    asyncio.run(main())


def test_waiting_ends() -> None:
    async def main() -> None:
        lanes: Lanes[int] = Lanes(1, 20, lambda _: True)
        with pytest.raises(QueryFailure, match="before the deadline") as error:
            await lanes.get("a", asyncio.get_running_loop().time() + 0.01)
        assert error.value.retry_after
        waiting = asyncio.create_task(lanes.get("a", FAR))
        await asyncio.sleep(0)
        lanes.close()
        with pytest.raises(QueryFailure, match="no longer served"):
            await waiting
        with pytest.raises(QueryFailure, match="no longer served"):
            await lanes.get("a", FAR)

    asyncio.run(main())
