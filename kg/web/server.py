"""The HTTP server: uvicorn, and what a server needs that anybody may talk to.

- a connection on which no whole request arrives, or whose client takes nothing of an answer, is
  broken after a while, so that nobody holds a worker or memory by waiting;
- request line and headers have a greatest length, and connections a greatest number;
- a refusal arrives, although its client may still be sending;
- what is no HTTP, or names no host, is refused in the words of every other error;
- an answer that was given before is written at once, without a task (`Site.instant`);
- the first release is opened before anybody can connect, and a server that is told to end lets the
  running queries end.

Spec: RFC 9112 (HTTP/1.1); docs/how-to/operate.md
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import gc
import logging
import math
import re
import resource
import select
import signal
import socket
import struct
import sys
import termios
from collections import Counter
from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from http import HTTPStatus
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

import httptools
import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from kg.errors import ConfigError
from kg.web.app import create_app
from kg.web.guard import ADDRESS_BYTES, QueryFailure
from kg.web.protocol import COMMON, ASGIApp, Receive, Scope, Send, problem, request_id
from kg.web.texts import must_be_here

if TYPE_CHECKING:
    from kg.config import Settings

_log = logging.getLogger(__name__)

Instant = Callable[[bytes, Sequence[tuple[bytes, bytes]]], tuple[bytes, bytes] | None]
"""Takes address and headers of a GET; returns beginning and body of an answer that is ready."""

REQUEST_S: Final = 30.0
"""How long a client may take to send a whole request; the first one, from when it connected."""
KEEP_ALIVE_S: Final = 75
"""How long a connection stays open after an answer; longer than proxies keep one that is idle."""
HEAD_BYTES: Final = 1 << 17
"""Bytes of a request line and its headers; and of what stands between and behind the chunks of a
body."""
PIPELINED: Final = 64
"""Requests that may wait on a connection for the answer to the one before."""
_LOOK_S: Final = 0.25
_LINGER_S: Final = 2.0
"""How long a client may go on sending after it was refused: what nobody reads resets a connection,
and with it the refusal."""
_UNHEARD_BYTES: Final = 32 << 20
"""How much of it is taken in that time."""
_LEAST: Final = 100
_METHOD = re.compile(rb"(?:\A|\n)[A-Z][A-Z-]{0,31} [^ \r\n]+ HTTP/1\.[01]\r?\n")
_FORWARDED: Final = frozenset((b"x-forwarded-for", b"x-forwarded-proto"))
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
_NO_LINGER: Final = struct.pack("ii", 1, 0)
_BACKLOG: Final = 1024
_FILES: Final = 1 << 16
_FILES_ASIDE: Final = 256
_GRACE_S: Final = 5
_SWITCH_S: Final = 0.0005
"""How long a thread that looks at a long query may keep the loop waiting; Python's own is ten times
as long."""
_CLIENTS_FAULTS: Final = ("Invalid HTTP request", "Unsupported upgrade", "No supported WebSocket")


class House:
    """The connections that are open, and what each of them may do.

    Args:
        slow_reader_s: how long a client may take nothing of an answer that is waiting for it.
        request_s: how long it may take to send a whole request.
        keep_alive_s: how long a connection stays open without one.
        most: connections that may be open at once; for one more, another one is broken.
        instant: returns answers that are ready.
        broken: counts the connections that are broken, by reason.
        release: returns the id of the release that is served, or nothing.
        forwarded: the application for requests that a proxy has passed on.
    """

    def __init__(
        self,
        *,
        slow_reader_s: float = 10.0,
        request_s: float = REQUEST_S,
        keep_alive_s: float = KEEP_ALIVE_S,
        most: int = 10_000,
        instant: Instant | None = None,
        broken: Counter[str] | None = None,
        release: Callable[[], str] = str,
        forwarded: ASGIApp | None = None,
    ) -> None:
        self.slow_reader_s = slow_reader_s
        self.request_s = request_s
        self.keep_alive_s = keep_alive_s
        self.most = most
        self.instant = instant or (lambda url, headers: None)
        self.broken: Counter[str] = Counter() if broken is None else broken
        self.release = release
        self.forwarded = forwarded
        self.open: dict[_Connection, None] = {}
        self._watching: asyncio.Task[None] | None = None
        self._lines: tuple[object, bytes] = (None, b"")

    def connection(self) -> Callable[..., asyncio.Protocol]:
        """Return what uvicorn takes as `http`."""
        return partial(_Connection, self)

    def enter(self, connection: _Connection) -> None:
        """Take one more connection."""
        self.open[connection] = None
        if self._watching is None:
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    def leave(self, connection: _Connection) -> None:
        """Forget a connection that is closed; without any, nobody watches."""
        self.open.pop(connection, None)
        if not self.open and self._watching is not None:
            self._watching.cancel()
            self._watching = None

    def least(self) -> _Connection:
        """Return the connection to break where there are too many.

        Of the hundred that began the last request, or came, longest ago, it is the first that waits
        for nothing: whoever holds many of them gives way to who comes. If there is none, it is the
        newest.
        """
        able = (one for one in islice(self.open, _LEAST) if one.is_idle())
        return next(able, next(reversed(self.open)))

    def lines(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """Return headers as they are sent: those of the server, which change once a second."""
        if self._lines[0] is not headers:
            self._lines = headers, b"".join(b"%b: %b\r\n" % pair for pair in headers)
        return self._lines[1]

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            now = asyncio.get_running_loop().time()
            for connection in tuple(self.open):
                connection.look(now)


class _Connection(HttpToolsProtocol):
    """One connection; the methods that override others are called by uvicorn and its parser."""

    def __init__(self, house: House, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._house = house
        self._since = 0.0  # when the server began to wait for the end of a request, else 0
        self._idle = 0.0  # since when there has been nothing to do, 0 if there is something
        self._stuck = 0.0  # when the client ceased to take what is sent, 0 while it does
        self._closing = 0.0
        self._in_body = False  # whether a request has begun whose body has not ended
        self._deaf = False  # whether nothing that comes is looked at any more
        self._unheard = 0  # bytes that came since then
        self._leaving = 0.0  # when the last answer went, while its client may still be sending
        self._data = b""  # what is being read
        self._head = 0  # bytes of request line and headers; -1 behind them
        self._between = 0  # bytes behind them that are no content
        self._full = False  # whether no more requests are taken
        self._running: RequestResponseCycle | None = None
        self._left: Callable[[], None] | None = None
        self._instant = False  # whether the request needs no more than it has got

    # what a request may do to its connection

    def whole(self, scope: Scope, head: bytes, body: bytes) -> bool:
        """Return whether a whole answer was sent, in one go; else it has to be sent otherwise."""
        cycle = scope.pop("kg.cycle")  # each holds the other: the collector has none to look for
        if self.flow.write_paused or cycle.disconnected or cycle.response_started:
            return False
        lines = self._house.lines(self.server_state.default_headers)
        if self._in_body and cycle is self.cycle:
            cycle.keep_alive = False  # nobody waits for the rest of a body that nobody wants
        if not cycle.keep_alive:
            lines += b"connection: close\r\n"
        self.transport.write(b"%b%b\r\n%b" % (head, lines, body))
        # What uvicorn does at the end of an answer.
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.leave()
        cycle.on_response()
        return True

    def watch(self, left: Callable[[], None]) -> None:
        """Call `left` when the client goes before the answer has gone."""
        self._left = left

    def unwatch(self, left: Callable[[], None]) -> None:
        """Call `left` no more; the next request may have begun to watch already."""
        if self._left == left:
            self._left = None

    def leave(self) -> None:
        """Close the connection behind an answer."""
        self._leave(sending=self._in_body or self._deaf or self._full)

    def stop(self) -> None:
        """Break the connection, without a proper end of the answer that is being sent."""
        self._house.broken["stopped"] += 1
        if self._running is not None and self._running.scope["http_version"] == "1.1":
            self.transport.close()  # what was sent arrives; the end of the last chunk never does
        else:
            self._reset()

    def look(self, now: float) -> None:
        """Break the connection if its client makes the server wait too long."""
        house = self._house
        if self.transport.is_closing():
            self._closing = self._closing or now
            if now - self._closing > house.slow_reader_s:
                self._abort("slow-reader")
        elif self._leaving:
            longest = max(house.slow_reader_s, _LINGER_S) if self._is_waiting() else _LINGER_S
            if now - self._leaving > longest:
                self.transport.close()
        elif self._running is not None and self.flow.read_paused and self._is_gone():
            self._reset()
        elif self._stuck and now - self._stuck > house.slow_reader_s:
            self._abort("slow-reader")
        elif self._since:
            if self.flow.read_paused:  # the server does not look: that is no fault of the client
                self._since = now
            elif now - self._since > house.request_s:
                self._abort("half-open")
        elif not self.has_answered():
            self._idle = 0.0
        elif not self._idle:
            self._idle = now
        elif now - self._idle > house.keep_alive_s:
            self.transport.close()

    def _is_waiting(self) -> bool:
        """Return whether there is something that was sent and that the client has not taken."""
        if self.transport.get_write_buffer_size():
            return True
        left = bytearray(4)
        with contextlib.suppress(OSError):
            number = self.transport.get_extra_info("socket").fileno()
            fcntl.ioctl(number, termios.TIOCOUTQ, left)
        return any(left)

    def _is_gone(self) -> bool:
        """Return whether the client has gone, while nobody reads what it has sent."""
        socket_ = self.transport.get_extra_info("socket")
        if socket_ is None:
            return False
        poll = select.poll()
        poll.register(socket_.fileno(), select.POLLRDHUP)
        return bool(poll.poll(0))

    def _abort(self, why: str) -> None:
        self._house.broken[why] += 1
        self._reset()

    def _reset(self) -> None:
        """Break the connection so that the client hears of it: for HTTP/1.0 any other end is one
        of the answer.
        """
        with (
            contextlib.suppress(OSError),
            socket.fromfd(
                self.transport.get_extra_info("socket").fileno(), socket.AF_INET, socket.SOCK_STREAM
            ) as own,
        ):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    # what uvicorn and the parser call

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # uvicorn's own signature
        super().connection_made(transport)
        self._outlet = _Outlet(self)
        self._since = self.loop.time()
        self._house.enter(self)
        if len(self._house.open) > self._house.most:
            self._house.least()._abort("too-many")

    def connection_lost(self, exc: Exception | None) -> None:
        self._house.leave(self)
        super().connection_lost(exc)
        if self._running is not None:  # uvicorn tells the last one of those that came at once
            self._running.disconnected = True
            self._running.message_event.set()
        if self._left is not None:
            self._left()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._unheard += len(data)
            if self._unheard > _UNHEARD_BYTES:
                self.flow.pause_reading()
            return
        self._data = data
        if (b"pgrade" in data or b"PGRADE" in data) and (self._head >= 0 or not self._since):
            data = _without_upgrade(data)
        if self._head >= 0:
            self._head += len(data)
        self._between += len(data)
        super().data_received(data)
        self._data = b""
        if self._head > HEAD_BYTES:  # and it has not ended
            self._refuse(_LONG_HEAD, "head")
        elif self._between > HEAD_BYTES and not self._deaf:
            self._abort("head")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._since = 0.0 if self._deaf else self.loop.time()
        self._idle = 0.0
        self._head = max(self._head, 0)
        self._between = 0
        self._house.open[self] = self._house.open.pop(self, None)  # the last one that began
        self.scope["kg.connection"] = self  # type: ignore[typeddict-unknown-key] # an extension

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head >= 0:  # what follows a body is no header, and nobody wants it
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head = -1
        if self._full or len(self.pipeline) >= PIPELINED:
            # Whoever sent more sends it again when this connection has been closed.
            self._full = self._instant = True
            self.cycle.keep_alive = False
            return
        if len(self.url) > ADDRESS_BYTES:
            self._refuse(_too_long("the address is", ADDRESS_BYTES), "head")
        elif (
            len(self.url)
            + len(self.headers) * len(":\r\n")
            + sum(map(len, chain.from_iterable(self.headers)))
        ) > HEAD_BYTES:
            self._refuse(_LONG_HEAD, "head")
        hosts = [value for name, value in self.headers if name == b"host"]
        # HTTP/1.0 needs none. Spec: RFC 9112, section 3.2
        if (len(hosts) != 1 or _HOST.fullmatch(hosts[0]) is None) and (
            hosts or self.parser.get_http_version() != "1.0"
        ):
            self._refuse(_no_host(hosts), "malformed")
        if self._deaf or self.transport.is_closing():
            self._instant = True
            return
        parser = self.parser
        if (
            parser.get_method() == b"GET"
            and self.has_answered()
            and not self.flow.write_paused
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
        ):
            ready = self._house.instant(self.url, self.headers)
            if ready is not None:
                self._in_body = True
                self._write(*ready)
                return
        super().on_headers_complete()  # it may find that the address is none
        self._in_body = True
        self.cycle.transport = self._outlet  # type: ignore[assignment] # what it needs of one
        self.scope["kg.cycle"] = self.cycle  # type: ignore[typeddict-unknown-key] # an extension

    def on_body(self, body: bytes) -> None:
        self._between -= len(body)
        if not self._instant:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        if self._instant:
            self._instant = False
            self._since = 0.0
            return
        self._since = 0.0
        super().on_message_complete()

    def pause_writing(self) -> None:
        self._stuck = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stuck = 0.0
        super().resume_writing()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        if self._house.forwarded is not None:
            for name, _ in cycle.scope["headers"]:
                if name in _FORWARDED:
                    app = self._house.forwarded
                    break
        old = cycle.scope["http_version"] == "1.0"
        super()._start_asgi_task(cycle, partial(self._until_the_end, cycle, app) if old else app)

    def on_response_complete(self) -> None:
        """Begin with the next request, if it is there; the house looks after what stays idle."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self._in_body and self.has_answered():
            self.leave()
        self.flow.resume_reading()
        if self.pipeline and not self._leaving:
            self._start_asgi_task(*self.pipeline.pop())

    async def _until_the_end(
        self,
        cycle: RequestResponseCycle,
        app: ASGIApp,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer a request of HTTP/1.0, which knows no chunks: the connection ends with the answer.

        uvicorn would send chunks all the same. Spec: RFC 9112, sections 6.1 and 8
        """
        open_end = False

        async def plain(message: MutableMapping[str, Any]) -> None:
            nonlocal open_end
            if message["type"] == "http.response.start":
                open_end = all(name != b"content-length" for name, _ in message["headers"])
                if open_end:
                    cycle.chunked_encoding = False
            elif open_end:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        try:
            await app(scope, receive, plain)
        except BaseException:
            if open_end:
                self._reset()
            raise

    def is_idle(self) -> bool:
        """Return whether nothing is being done for the client, and nothing on its way to it."""
        closing = self.transport.is_closing()
        return not closing and self.has_answered() and not self._is_waiting()

    def has_answered(self) -> bool:
        """Return whether every request before this one was answered."""
        cycle: object = self.cycle  # None before the first
        return cycle is None or self.cycle.response_complete

    def _write(self, head: bytes, body: bytes) -> None:
        """Answer at once."""
        self._instant = True
        self.server_state.total_requests += 1
        lines = self._house.lines(self.server_state.default_headers)
        self.transport.write(b"%b%b\r\n%b" % (head, lines, body))

    def send_400_response(self, msg: str) -> None:
        error = sys.exception()  # uvicorn calls this while it handles that of the parser
        if isinstance(error, httptools.HttpParserInvalidMethodError) and _METHOD.search(self._data):
            failure = QueryFailure(
                "method",
                "this server does not know the method",
                expected="GET, HEAD, POST, OPTIONS",
            )
        elif isinstance(error, httptools.HttpParserInvalidURLError):
            failure = QueryFailure(
                "request",
                "the address has characters that it cannot have",
                hint="percent-encode them; a client or library for HTTP does so",
            )
        else:
            failure = QueryFailure("request", "this is not HTTP/1.1 as it has to be sent")
        self._refuse(failure, "malformed")

    def _refuse(self, failure: QueryFailure, why: str) -> None:
        """Answer a request that nobody else sees, and read nothing more."""
        if self._deaf or self.transport.is_closing():
            return
        method = self.parser.get_method()
        if self.has_answered():
            if self._in_body:  # of a request that was refused before all of it had come
                self._leave(sending=True)
                return
        else:
            cycle = self.cycle
            if not self._in_body:  # those before it are answered, and then no more
                cycle.keep_alive = False
                self._deaf, self._since = True, 0.0
                return
            if cycle is not self._running or cycle.response_started:
                self._abort(why)  # an answer is under way, and this one would stand in it
                return
            # It is the body of the very request that is being answered.
            method = cycle.scope["method"].encode()
            cycle.disconnected = True
            cycle.waiting_for_100_continue = False
            cycle.message_event.set()
            if self._left is not None:
                self._left()
        release = self._house.release()
        status, headers, body = problem(failure, release)
        lines = [
            *(*self.server_state.default_headers, *headers, *COMMON),
            *([(b"kg-release", release.encode())] if release else []),
            *((b"content-length", b"%d" % len(body)), (b"connection", b"close")),
            (b"x-request-id", request_id(None)),
        ]
        text = b"".join(b"%b: %b\r\n" % pair for pair in lines)
        if method == b"HEAD":
            body = b""
        phrase = HTTPStatus(status).phrase.encode()
        self._house.broken[why] += 1
        self.transport.write(b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, phrase, text, body))
        self._leave(sending=True)

    def _leave(self, *, sending: bool) -> None:
        """Close the connection behind an answer.

        Args:
            sending: whether the client may still be sending. What it sends to a socket that is
                closed would reset the connection, and with it the answer.
        """
        if not sending:
            self.transport.close()
        elif not self._leaving and not self.transport.is_closing():
            self._deaf, self._leaving, self._since = True, self.loop.time(), 0.0
            self.flow.resume_reading()
            self.transport.write_eof()


class _Outlet:
    """What uvicorn writes an answer to, in place of the transport."""

    __slots__ = ("close", "is_closing", "write")

    def __init__(self, connection: _Connection) -> None:
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing
        self.close = connection.leave


def _too_long(what: str, most: int) -> QueryFailure:
    return QueryFailure(
        "length",
        f"{what} too long",
        expected=f"at most {most:,} bytes",
        hint="send the query by POST",
    )


_LONG_HEAD: Final = _too_long("the request line and its headers are", HEAD_BYTES)


def _no_host(hosts: Sequence[bytes]) -> QueryFailure:
    """Return the failure of a request whose Host header is missing, doubled or no host."""
    return QueryFailure(
        "request",
        "the request names no host" if not hosts else "the Host header cannot be used",
        seen=b", ".join(hosts).decode("latin-1")[:200],
        expected="one Host header, such as example.org:8000",
    )


def _without_upgrade(data: bytes) -> bytes:
    """Return the beginning of a request without the wish for another protocol.

    Java's client has it in the first request to every server. A server may ignore it, but the
    parser takes what follows, the body, for the other protocol. Spec: RFC 9110, section 7.8
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nignored:", head) + end + rest


class _Server(uvicorn.Server):
    """uvicorn's server, which says what it does in our words."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        tasks, most = len(self.server_state.tasks), self.config.timeout_graceful_shutdown
        _log.info("stopping; running requests: %d; they may end within %s s", tasks, most)
        await super().shutdown(sockets)
        if self.force_exit:  # by a second signal: uvicorn would leave the application as it is
            await self.lifespan.shutdown()
        _log.info("stopped")


def serve(settings: Settings) -> None:
    """Serve the releases of `settings.releases` until a signal ends it; logs what to open.

    Raises:
        ConfigError: the address cannot be listened on, or texts or graphs that may not be handed on
            are to be shown on one that other machines reach.
        ReleaseError: the current release cannot be opened, or no query runs under the limits.
        QueryFailure: the first queries on it fail.
    """
    if settings.texts is not None:
        must_be_here(settings.host)
    most = _files(settings) - _FILES_ASIDE - 8 * (settings.workers + settings.spare_workers)
    proxies = settings.trusted_proxies
    site = create_app(settings.releases, settings)
    house = House(
        slow_reader_s=settings.slow_reader_s,
        most=max(most, 64),
        instant=site.instant,
        broken=site.metrics.broken,
        release=lambda: site.release,
        # uvicorn would look at who sent each request, which takes a while, before it looks at what.
        forwarded=ProxyHeadersMiddleware(site, proxies) if proxies else None,  # type: ignore[arg-type]
    )
    site.connections = house.open
    config = uvicorn.Config(
        site,
        http=house.connection(),  # type: ignore[arg-type] # it is called like a class
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="debug" if settings.log_level == "debug" else "warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=math.ceil(settings.query_timeout_s) + _GRACE_S,
    )
    if settings.log_level != "debug":
        logging.getLogger("uvicorn.error").addFilter(_not_of_clients)

    async def run() -> None:
        async with contextlib.aclosing(site):
            await site.open()
            gc.collect()
            gc.freeze()  # what is there now stays: no later collection has to look at it
            with _listen(settings.host, settings.port) as listener:
                address = _address(settings.host, listener)
                server = _Server(config, lambda: site.introduce(address))
                # uvicorn raises the signals that ended it again: these have done their work.
                for one in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(one, lambda number, frame: None)
                await server.serve(sockets=[listener])

    sys.setswitchinterval(_SWITCH_S)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(run())


def _not_of_clients(record: logging.LogRecord) -> bool:
    """Return whether a message is about this server, and not about what some client has sent."""
    return not str(record.msg).startswith(_CLIENTS_FAULTS)


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: it cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server(
            (host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=host == "::"
        )
    except OSError as error:
        what = "port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "host"
        raise ConfigError(
            f"cannot listen: {error.strerror}",
            where=f"{host}:{port}",
            hint=f"choose another {what} with --{what} or KG_{what.upper()}",
        ) from error


def _address(host: str, listener: socket.socket) -> str:
    """Return the address to open in a browser."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}/"


def _files(settings: Settings) -> int:
    """Return how many files this process may have open, after asking for enough of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return _FILES if soft == resource.RLIM_INFINITY else soft
