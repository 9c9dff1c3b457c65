"""The loop in which pages are made: what crosses over, and how it ends."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest
from starlette.types import Message, Receive, Scope, Send

from kg.web.pageloop import PageLoop, at

NAME: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="")


async def receive() -> Message:
    return {"type": "http.request", "thread": threading.get_ident()}


def test_an_application_runs_there_and_its_messages_arrive_here() -> None:
    sent: list[tuple[Message, int]] = []

    async def send(message: Message) -> None:
        sent.append((message, threading.get_ident()))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        await send(
            {
                "type": "there",
                "thread": threading.get_ident(),
                "name": NAME.get(),
                "received": message["thread"],
            }
        )

    async def main() -> None:
        loop = PageLoop()
        NAME.set("mine")
        await loop.run(app, {}, receive, send)
        await loop.run(app, {}, receive, send)
        await loop.close()
        await loop.close()

    asyncio.run(main(), debug=True)
    here = threading.get_ident()
    assert len(sent) == 2
    for message, thread in sent:
        assert thread == here == message["received"]
        assert message["thread"] != here
        assert message["name"] == "mine"
    assert sent[0][0]["thread"] == sent[1][0]["thread"]


def test_what_is_raised_there_is_raised_here() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("there")

    async def send(message: Message) -> None:
        raise AssertionError

    async def main() -> None:
        loop = PageLoop()
        try:
            with pytest.raises(LookupError, match="there"):
                await loop.run(app, {}, receive, send)
        finally:
            await loop.close()

    asyncio.run(main(), debug=True)


def test_the_server_goes_on_while_a_page_is_made() -> None:
    made = threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert made.wait(60)  # a page that takes long, and awaits nothing

    async def send(message: Message) -> None:
        raise AssertionError

    async def main() -> None:
        loop = PageLoop()
        page = asyncio.create_task(loop.run(app, {}, receive, send))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not page.done()
        made.set()
        await page
        await loop.close()

    asyncio.run(main())


def test_closing_ends_what_still_waits() -> None:
    ended: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(threading.current_thread().name)

    async def send(message: Message) -> None:
        raise AssertionError

    async def main() -> None:
        loop = PageLoop()
        page = asyncio.create_task(loop.run(app, {}, receive, send))
        await asyncio.sleep(0.05)
        await loop.close()
        await asyncio.gather(page, return_exceptions=True)

    asyncio.run(main())
    assert ended == ["pages"]


def test_leaving_here_ends_the_work_there() -> None:
    async def main() -> str:
        loop = PageLoop()
        ended = asyncio.get_running_loop().create_future()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                ended.get_loop().call_soon_threadsafe(ended.set_result, "cancelled")
                raise

        async def send(message: Message) -> None:
            raise AssertionError

        page = asyncio.create_task(loop.run(app, {}, receive, send))
        await asyncio.sleep(0.05)
        page.cancel()
        async with asyncio.timeout(30):
            found: str = await ended
        await loop.close()
        return found

    assert asyncio.run(main()) == "cancelled"


def test_work_of_the_own_loop_takes_no_way_round() -> None:
    async def work() -> int:
        return threading.get_ident()

    async def main() -> None:
        assert await at(asyncio.get_running_loop(), work()) == threading.get_ident()

    asyncio.run(main())
