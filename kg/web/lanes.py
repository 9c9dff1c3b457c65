"""Who may use a worker next: the fast and the slow lane, in which clients take turns.

There is no process and no query here, only numbers: `workers` places, of which at most half are
slow ones. Whoever gets a place holds a worker until it is given back.

Spec: docs/how-to/operate.md, "Lanes"
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from kg.web.guard import QueryFailure
from kg.web.process import ended

_W = TypeVar("_W")
_RESERVED_FROM: Final = 4
"""Workers from which on the last free one is kept from clients that hold one already."""


@dataclass(eq=False, slots=True)
class Place(Generic[_W]):
    """A place in a lane, and the worker that goes with it."""

    client: str
    slow: bool
    worker: _W


@dataclass(eq=False, slots=True)
class _Waiting(Generic[_W]):
    client: str
    place: asyncio.Future[Place[_W]]


class Lanes(Generic[_W]):
    """The places of a pool.

    Whatever happens: at most `workers` places are held, at most half of them slow ones (one if
    there is one worker only), at most `queue` clients' queries wait, at most half of them of one
    client and at most half of them for the slow lane. The client that holds the fewest places is
    next, among equals the one whose last turn is longest ago, then whoever has waited longest.
    With four workers or more, one client alone never takes the last place or the last worker that
    is free. Nobody is the client of all that have no name.

    Args:
        workers: places, from 1.
        queue: queries that wait.
        usable: whether a worker that is free can be given something to do.
    """

    def __init__(self, workers: int, queue: int, usable: Callable[[_W], bool]) -> None:
        self.workers = workers
        self.most_slow = max(1, workers // 2)
        self.idle: list[_W] = []
        self.fast = 0
        self.slow = 0
        self._queue = queue
        self._usable = usable
        self._held: Counter[str] = Counter()
        self._held_slow: Counter[str] = Counter()
        self._turns: dict[str, int] = {}
        self._turn = 0
        self._waiting: list[_Waiting[_W]] = []
        self._waiting_slow: list[_Waiting[_W]] = []
        self._closed = False
        self._loop = asyncio.get_running_loop()

    @property
    def running(self) -> int:
        """Return the number of places that are held."""
        return self.fast + self.slow

    @property
    def waiting(self) -> int:
        """Return how many wait for a fast place."""
        return len(self._waiting)

    @property
    def waiting_slow(self) -> int:
        """Return how many wait for a slow place."""
        return len(self._waiting_slow)

    async def get(self, client: str, until: float, *, slow: bool = False) -> Place[_W]:
        """Return a place, at once or when there is one.

        Args:
            client: who asks; empty for nobody.
            until: the time of the loop at which waiting ends.
            slow: in the slow lane.
        Raises:
            QueryFailure: `busy`: too many wait already, none became free in time, or the lanes
                are closed.
        """
        if self._closed:
            raise ended()
        line = self._waiting_slow if slow else self._waiting
        if not line and self._may(client, slow):
            place = self._give(client, slow)
            if place is not None:
                return place
        self._refuse_if_full(client, line, slow)
        one: _Waiting[_W] = _Waiting(client, self._loop.create_future())
        line.append(one)
        # It may be that all are skipped that stood before: one client may not have the last place.
        self._dispatch()
        timer = self._loop.call_at(until, _give_up, one.place)
        try:
            return await one.place
        except BaseException:
            if one in line:
                line.remove(one)
            elif (done := one.place).done() and not done.cancelled() and not done.exception():
                self.give_back(done.result(), usable=True)  # given in the moment of giving up
            self._forget(client)
            raise
        finally:
            timer.cancel()

    def move(self, place: Place[_W]) -> bool:
        """Return whether a fast place has become a slow one."""
        others = any(one.client != place.client for one in self._waiting_slow)
        if self.slow >= self.most_slow or (others and self._held_slow[place.client]):
            return False
        self.fast -= 1
        self.slow += 1
        self._held_slow[place.client] += 1
        place.slow = True
        return True

    def give_back(self, place: Place[_W], *, usable: bool) -> None:
        """Take a place back; its worker is free if it is usable."""
        _less(self._held, place.client)
        if place.slow:
            self.slow -= 1
            _less(self._held_slow, place.client)
        else:
            self.fast -= 1
        if usable:
            self.idle.append(place.worker)
        self._dispatch()
        self._forget(place.client)

    def add(self, worker: _W) -> None:
        """Take a new worker, which is free."""
        self.idle.append(worker)
        self._dispatch()

    def remove(self, worker: _W) -> bool:
        """Return whether a worker was free; it no longer is."""
        if worker in self.idle:
            self.idle.remove(worker)
            return True
        return False

    def close(self) -> None:
        """Send away all that wait, and all that come."""
        self._closed = True
        for line in (self._waiting, self._waiting_slow):
            for one in line:
                if not one.place.done():
                    one.place.set_exception(ended())
            line.clear()

    def _may(self, client: str, slow: bool) -> bool:
        """Return whether a client may have a place now."""
        left = self.workers - self.running
        if not left or not self.idle:
            return False
        if slow:
            return self.slow < self.most_slow
        alone = self.workers >= _RESERVED_FROM and bool(client) and self._held[client] > 0
        return not alone or (left > 1 and len(self.idle) > 1)

    def _give(self, client: str, slow: bool) -> Place[_W] | None:
        """Return a place with a usable worker, if one of the free ones is that."""
        while self.idle:
            worker = self.idle.pop()
            if self._usable(worker):
                self._held[client] += 1
                self._turn += 1
                self._turns[client] = self._turn
                if slow:
                    self.slow += 1
                    self._held_slow[client] += 1
                else:
                    self.fast += 1
                return Place(client, slow, worker)
        return None

    def _dispatch(self) -> None:
        """Give free workers to those whose turn it is."""
        while self.idle and (self._waiting or self._waiting_slow):
            one = self._next(self._waiting_slow, self._held_slow, slow=True)
            slow = one is not None
            if one is None:
                one = self._next(self._waiting, self._held, slow=False)
            if one is None:
                return
            place = self._give(one.client, slow)
            if place is None:
                return
            (self._waiting_slow if slow else self._waiting).remove(one)
            one.place.set_result(place)

    def _next(
        self, line: list[_Waiting[_W]], held: Counter[str], *, slow: bool
    ) -> _Waiting[_W] | None:
        """Return whose turn it is, if it can be anybody's."""
        if not line or self.running >= self.workers:
            return None
        line[:] = [one for one in line if not one.place.done()]  # the others have given up
        able = [one for one in line if self._may(one.client, slow)]
        turns = self._turns
        return min(able, key=lambda one: (held[one.client], turns.get(one.client, 0)), default=None)

    def _forget(self, client: str) -> None:
        """Keep nothing about a client that holds nothing and waits for nothing."""
        if self._held[client]:
            return
        if not any(one.client == client for one in (*self._waiting, *self._waiting_slow)):
            self._turns.pop(client, None)

    def _refuse_if_full(self, client: str, line: list[_Waiting[_W]], slow: bool) -> None:
        everyone = len(self._waiting) + len(self._waiting_slow)
        half = max(1, self._queue // 2)
        if everyone >= self._queue or (slow and len(line) >= half):
            what = "too many slow queries are waiting" if slow else "too many queries are waiting"
            raise QueryFailure("busy", what, seen=f"{everyone} of them", retry_after=1)
        mine = sum(
            one.client == client for line in (self._waiting, self._waiting_slow) for one in line
        )
        if client and mine >= half:
            raise QueryFailure(
                "busy",
                "too many queries of yours are waiting",
                seen=f"{mine} of them",
                retry_after=1,
            )


def _give_up(place: asyncio.Future[Place[_W]]) -> None:
    """End the waiting for a place."""
    if not place.done():
        place.set_exception(
            QueryFailure("busy", "no worker became free before the deadline", retry_after=5)
        )


def _less(counter: Counter[str], key: str) -> None:
    """Count one less; what is not there is not kept."""
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
