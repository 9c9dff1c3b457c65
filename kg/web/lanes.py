"""Who may use a worker next: the fast and the slow lane, in which clients take turns.

There is no process and no query here, only numbers: `workers` places, of which at most half are
slow ones. Whoever gets a place holds a worker until it is given back.

Spec: docs/how-to/operate.md, "Lanes"
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
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


class _Line(Generic[_W]):
    """Those who wait for one lane: of each client, in the order in which they came.

    There may be some among them that have given up; `first` forgets them.
    """

    def __init__(self) -> None:
        self.clients: dict[str, deque[asyncio.Future[Place[_W]]]] = {}
        self.length = 0

    def join(self, client: str, place: asyncio.Future[Place[_W]]) -> None:
        """Let one more wait, behind those of the same client."""
        self.clients.setdefault(client, deque()).append(place)
        self.length += 1

    def leave(self, client: str, place: asyncio.Future[Place[_W]]) -> None:
        """Let one wait no longer; nothing happens if it is not there."""
        mine = self.clients.get(client)
        if mine is not None and place in mine:
            mine.remove(place)
            self.length -= 1
            if not mine:
                del self.clients[client]

    def first(self, client: str) -> asyncio.Future[Place[_W]] | None:
        """Return the first of a client's that still waits."""
        while (mine := self.clients.get(client)) and mine[0].done():
            self.leave(client, mine[0])
        return mine[0] if mine else None

    def of(self, client: str) -> int:
        """Return how many of a client wait."""
        return len(self.clients.get(client, ()))


class Lanes(Generic[_W]):
    """The places of a pool.

    Whatever happens: at most `workers` places are held, at most half of them slow ones (one if
    there is one worker only), at most `queue` clients' queries wait, at most half of them of one
    client and at most half of them for the slow lane. The client that holds the fewest places is
    next, among equals the one whose last turn is longest ago, then the client that came first; who
    is new counts as having had the turn before the last. With four workers or more, no query that
    begins takes the last place or the last free worker for a client that holds one already. Nobody
    is the client of all that have no name.

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
        self._waiting: _Line[_W] = _Line()
        self._waiting_slow: _Line[_W] = _Line()
        self._closed = False
        self._loop = asyncio.get_running_loop()

    @property
    def running(self) -> int:
        """Return the number of places that are held."""
        return self.fast + self.slow

    @property
    def waiting(self) -> int:
        """Return how many wait for a fast place."""
        return self._waiting.length

    @property
    def waiting_slow(self) -> int:
        """Return how many wait for a slow place."""
        return self._waiting_slow.length

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
        if not line.length and self._may(client, slow):
            found = self._give(client, slow)
            if found is not None:
                return found
        self._refuse_if_full(client, slow)
        # Who is new comes behind those that have waited for long, not before them.
        self._turns.setdefault(client, self._turn - 1)
        place: asyncio.Future[Place[_W]] = self._loop.create_future()
        line.join(client, place)
        # It may be that all are skipped that stood before: one client may not have the last place.
        if self._may(client, slow):
            self._dispatch()
        timer = self._loop.call_at(until, _give_up, place)
        try:
            return await place
        except BaseException:
            line.leave(client, place)
            if place.done() and not place.cancelled() and not place.exception():
                self.give_back(place.result(), usable=True)  # given in the moment of giving up
            self._forget(client)
            raise
        finally:
            timer.cancel()

    def move(self, place: Place[_W]) -> bool:
        """Return whether a fast place has become a slow one."""
        others = any(client != place.client for client in self._waiting_slow.clients)
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
            for place in chain.from_iterable(line.clients.values()):
                if not place.done():
                    place.set_exception(ended())

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
        """Give free workers to those whose turn it is, the slow ones first."""
        while self.idle and self.running < self.workers:
            line, slow = self._waiting_slow, True
            client = self._next(line, self._held_slow, slow=True)
            if client is None:
                line, slow = self._waiting, False
                client = self._next(line, self._held, slow=False)
            if client is None:
                return
            one = line.first(client)
            place = self._give(client, slow)
            if one is None or place is None:
                return
            line.leave(client, one)
            one.set_result(place)

    def _next(self, line: _Line[_W], held: Counter[str], *, slow: bool) -> str | None:
        """Return the client whose turn it is, if it can be anybody's."""
        if not line.length:
            return None
        if len(line.clients) == 1:
            (client,) = line.clients
            return client if self._may(client, slow) and line.first(client) is not None else None
        able = [
            client
            for client in tuple(line.clients)
            if self._may(client, slow) and line.first(client) is not None
        ]
        if len(able) < 2:
            return able[0] if able else None
        turns = self._turns
        return min(able, key=lambda client: (held[client], turns.get(client, 0)))

    def _forget(self, client: str) -> None:
        """Keep nothing about a client that holds nothing and waits for nothing."""
        if not (self._held[client] or self._waiting.of(client) or self._waiting_slow.of(client)):
            self._turns.pop(client, None)

    def _refuse_if_full(self, client: str, slow: bool) -> None:
        everyone = self.waiting + self.waiting_slow
        half = max(1, self._queue // 2)
        if everyone >= self._queue or (slow and self.waiting_slow >= half):
            what = "too many slow queries are waiting" if slow else "too many queries are waiting"
            raise QueryFailure("busy", what, seen=f"{everyone} of them", retry_after=1)
        mine = self._waiting.of(client) + self._waiting_slow.of(client)
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
