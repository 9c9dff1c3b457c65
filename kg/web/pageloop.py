"""A loop in a thread of its own, in which pages are made.

A page takes tens of milliseconds of Python, some a tenth of a second; in the loop of the server
nobody else would be answered meanwhile. So the application of the pages runs here, and all that
belongs to the server (connections, workers) is used in the loop of the server: `PageLoop` takes
requests over, and `at` goes back.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_T = TypeVar("_T")


class PageLoop:
    """The loop of the pages; its thread runs from the first request to `close`."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Have an ASGI application answer a request there; what it raises is raised here."""
        home = asyncio.get_running_loop()

        async def receive_there() -> Message:
            return await at(home, receive())

        async def send_there(message: Message) -> None:
            await at(home, send(message))

        await at(self._started(), app(scope, receive_there, send_there))

    async def close(self) -> None:
        """End the thread, whatever it is doing; nothing happens a second time."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is not None and thread is not None:
            await at(loop, _end_all())
            loop.call_soon_threadsafe(loop.stop)
            await asyncio.to_thread(thread.join)
            loop.close()

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="pages", daemon=True
            )
            self._thread.start()
        return self._loop


async def at(loop: asyncio.AbstractEventLoop, work: Awaitable[_T]) -> _T:
    """Return what comes of `work`, done in a loop of this or of another thread."""
    if loop is asyncio.get_running_loop():
        return await work

    async def there() -> _T:
        return await work

    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(there(), loop))


async def _end_all() -> None:
    """Cancel all other tasks of this loop, and return when they have ended."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()
