"""Connections: who makes the server wait is cut off, and half an answer is never a whole one."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import pytest
import rdflib

from kg.web.protocol import PROBLEM

ALL = "SELECT * { ?s ?p ?o }"
GRAPH = "CONSTRUCT WHERE { ?s ?p ?o }"
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"


@pytest.fixture(scope="module")
def hasty(start: Callable[..., Any]) -> Any:
    """Return an endpoint that waits for nobody."""
    return start(workers=2, spares=1, timeout_s=60, slow_reader_s=1, request_s=1, keep_alive_s=5)


@pytest.fixture
def busy(start: Callable[..., Any]) -> Any:
    """Return an endpoint that one query keeps busy for a minute."""
    return start(workers=1, spares=0, timeout_s=60, slow_after_s=50)


@pytest.fixture(scope="module")
def small(start: Callable[..., Any]) -> Any:
    """Return an endpoint whose large answers have to stop in the middle."""
    return start(workers=2, spares=1, result_mib=1, complete_kib=16)


@contextmanager
def connected(server: Any, receive: int = 0) -> Iterator[socket.socket]:
    address = urlsplit(server.url)
    with socket.socket() as connection:
        if receive:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        connection.settimeout(30)
        connection.connect((address.hostname, address.port))
        yield connection


def request(query: str, *more: str) -> bytes:
    lines = [f"GET /sparql?query={quote(query)} HTTP/1.1", "Host: x", *more, "", ""]
    return "\r\n".join(lines).encode()


def rest(connection: socket.socket) -> bytes:
    """Return what comes until the server ends it, in whatever way."""
    found = b""
    with suppress(ConnectionError):
        while data := connection.recv(1 << 16):
            found += data
    return found


def told(server: Any) -> list[dict[str, Any]]:
    """Return what the log says of queries up to now."""
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    return [line for line in lines if line["message"] == "query"]


def queries(server: Any) -> list[dict[str, Any]]:
    """Return what the log says of all queries so far, but for one that is asked here."""
    # The log is written after the answer, but before that to the next request.
    server.get("ASK {}", headers={"x-request-id": "look"})
    return [line for line in told(server) if line["request"] != "look"]


# --- who makes the server wait ---


def test_a_slow_reader_of_a_stream_is_cut_off_and_its_worker_freed(
    hasty: Any, eventually: Callable[..., None]
) -> None:
    before = hasty.workers()
    with connected(hasty, 4096) as connection:
        connection.sendall(request(ALL))
        eventually(lambda: bool(before - hasty.workers()), "its worker goes on", 20)
        eventually(lambda: not hasty.busy(), "a worker is busy")
        assert not rest(connection).endswith(b"0\r\n\r\n")
    assert queries(hasty)[-1]["outcome"] == "left"
    assert "Traceback" not in hasty.log.read_text()
    assert hasty.values("SELECT (1 AS ?one) {}") == ["1"]


def test_a_slow_reader_of_a_whole_answer_is_cut_off(hasty: Any) -> None:
    query = "SELECT ?s ?n { ?s ch:number ?n } LIMIT 6000"
    length = int(
        hasty.get(query, headers={"accept-encoding": "identity"}).headers["content-length"]
    )
    assert 300_000 < length < 1 << 20
    with connected(hasty, 4096) as connection:
        for _ in range(8):  # more than the system takes on its own
            connection.sendall(request(query, "Accept: */*", "Accept-Encoding: identity"))
        time.sleep(3)
        assert len(rest(connection)) < 8 * length


def test_who_reads_slowly_but_steadily_is_served(hasty: Any) -> None:
    query = "SELECT ?s ?n { ?s ch:number ?n } LIMIT 20000"
    with connected(hasty, 1 << 16) as connection:
        connection.sendall(request(query, "Accept: text/csv", "Connection: close"))
        found = b""
        while data := connection.recv(1 << 15):
            found += data
            time.sleep(0.05)
    assert found.count(b"/thing/t") == 20_000


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /sparql?query=ASK",
        b"GET /sparql HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
        b"Content-Length: 100\r\n\r\nASK",
    ],
)
def test_who_never_ends_a_request_is_cut_off(
    hasty: Any, sent: bytes, eventually: Callable[..., None]
) -> None:
    with connected(hasty) as connection:
        connection.sendall(sent)
        assert rest(connection) == b""
    with connected(hasty) as connection:  # nor after a request that was one
        connection.sendall(request("ASK {}") + sent)
        assert rest(connection).count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("sent", "later"),
    [
        (b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\nHost: x\r\n\r\n", b""),
        (b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n"),
        (
            b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
            b"Content-Length: 5\r\n\r\n",
            b"hello",
        ),
    ],
)
def test_a_connection_without_a_request_is_closed(
    start: Callable[..., Any], sent: bytes, later: bytes
) -> None:
    server = start(workers=1, spares=0, keep_alive_s=1)
    with connected(server) as connection:
        connection.sendall(sent)
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 ")
        connection.sendall(later)
        assert rest(connection) == b""


def test_drops_do_not_make_a_request(hasty: Any) -> None:
    with connected(hasty) as connection:
        began = time.monotonic()
        with suppress(ConnectionError):
            for _ in range(200):
                connection.sendall(b"X")
                time.sleep(0.05)
        assert time.monotonic() - began < 8


def test_headers_without_end_are_refused(hasty: Any) -> None:
    with connected(hasty) as connection:
        with suppress(ConnectionError):
            connection.sendall(b"GET /sparql?query=ASK%20%7B%7D HTTP/1.1\r\nHost: x\r\n")
            for n in range(1000):
                connection.sendall(b"X-%d: %b\r\n" % (n, b"x" * 1000))
        received = rest(connection)
    assert received.startswith(b"HTTP/1.1 413 ")


def test_a_refusal_arrives_while_its_client_is_still_sending(hasty: Any) -> None:
    """What is sent to a socket that is closed resets the connection, and with it the answer."""
    for _ in range(5):
        with connected(hasty) as connection:
            connection.sendall(b"POST /sparql HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
            for _ in range(20):
                connection.sendall(b"x" * 100_000)
                time.sleep(0.01)
            received = rest(connection)
        assert received.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert json.loads(received.partition(b"\r\n\r\n")[2])["type"] == f"{PROBLEM}request"


def test_who_goes_on_sending_after_a_refusal_is_cut_off(
    hasty: Any, eventually: Callable[..., None]
) -> None:
    with connected(hasty) as connection:
        connection.sendall(b"POST /sparql HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
        began = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - began < 20:
                connection.sendall(b"x" * 1000)
                time.sleep(0.05)
        assert time.monotonic() - began < 10


def test_a_body_that_comes_with_its_head_is_no_long_head(hasty: Any) -> None:
    query = b"ASK{}" + b" " * 300_000
    head = (
        b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(query)
    )
    for _ in range(5):
        with connected(hasty) as connection:
            connection.sendall(head + query)
            assert rest(connection).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_head_has_a_greatest_length_however_it_comes(hasty: Any) -> None:
    for length, status in ((130_000, b"200"), (132_000, b"413")):
        field = b"X: " + b"x" * (length // 100 - 5) + b"\r\n"
        sent = request("ASK {}", "Connection: close").removesuffix(b"\r\n") + field * 100 + b"\r\n"
        with connected(hasty) as connection:
            connection.sendall(sent)
            assert rest(connection).startswith(b"HTTP/1.1 " + status)


def test_a_client_that_leaves_behind_what_nobody_has_read_is_noticed(
    busy: Any, eventually: Callable[..., None]
) -> None:
    with connected(busy) as connection:
        connection.sendall(request(ENDLESS) + request("ASK {}"))
        eventually(lambda: bool(busy.busy()), "no worker is busy")
    eventually(lambda: not busy.busy(), "the query goes on although its client has gone")
    assert busy.values("SELECT (1 AS ?one) {}") == ["1"]


def test_who_is_half_through_another_request_is_noticed_too(
    busy: Any, eventually: Callable[..., None]
) -> None:
    with connected(busy) as connection:
        connection.sendall(request(ENDLESS))
        connection.sendall(b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
        eventually(lambda: bool(busy.busy()), "no worker is busy")
    eventually(lambda: not busy.busy(), "the query goes on although its client has gone")


@pytest.mark.parametrize(
    "bad",
    [
        b"BREW / HTTP/1.1\r\n\r\n",
        b"HEAD / HTTP/1.1\r\n\r\n",
        b"GET http://example.org HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_bad_request_does_not_answer_the_good_ones_before_it(hasty: Any, bad: bytes) -> None:
    for count in (1, 2):
        query = f"SELECT (COUNT(*) AS ?n) {{ ?s ch:number ?a . ?t ch:number ?a }} # {count} {bad!r}"
        good = request(query)
        with connected(hasty) as connection:
            connection.sendall(good * count + bad)
            received = rest(connection)
        assert received.count(b"HTTP/1.1 200 OK\r\n") == count
        assert received.count(b"60000") == count
        assert received.count(b"HTTP/1.1") == count
        assert received.count(b"connection: close\r\n") == 1


def test_an_answer_to_a_request_that_has_not_ended_arrives(hasty: Any) -> None:
    body = b" " * (8 << 20)
    for _ in range(5):
        asked = urllib.request.Request(
            f"{hasty.url}/sparql", body, {"content-type": "application/sparql-query"}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:  # it says "Connection: close"
            urllib.request.urlopen(asked, timeout=30)
        with refused.value as answer:
            assert answer.code == 413
            assert json.load(answer)["type"] == f"{PROBLEM}length"


def test_a_stream_arrives_whole_whatever_follows_it(start: Callable[..., Any]) -> None:
    patient = start(workers=2, spares=1)
    query = "SELECT ?s ?n { ?s ch:number ?n } LIMIT 40000"
    good = request(query, "Accept: text/csv", "Accept-Encoding: identity")
    with connected(patient, receive=4096) as connection:
        connection.sendall(good + b"BREW / HTTP/1.1\r\n\r\n")
        connection.setblocking(False)
        found = b""
        while True:
            with suppress(BlockingIOError, BrokenPipeError):
                connection.send(b"more of it\r\n")
            try:
                data = connection.recv(1 << 16)
            except BlockingIOError:
                time.sleep(0.002)
                continue
            if not data:
                break
            found += data
    assert found.count(b"/thing/t") == 40_000
    assert found.endswith(b"\r\n0\r\n\r\n")


def test_a_request_that_was_refused_is_refused_once(hasty: Any) -> None:
    head = b"POST /sparql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    with connected(hasty) as connection:
        connection.sendall(head + b"Content-Type: text/plain\r\n\r\n")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 415 ")
        connection.sendall(b"ZZ\r\n")
        assert rest(connection) == b""
    with connected(hasty) as connection:
        form = b"Content-Type: application/sparql-query\r\nExpect: 100-continue\r\n\r\nZZ\r\n"
        connection.sendall(head + form)
        received = rest(connection)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"100 Continue" not in received
    assert "Traceback" not in hasty.log.read_text()


def test_nothing_is_answered_behind_the_last_answer(hasty: Any) -> None:
    old = b"GET /sparql?query=ASK%7B%7D%23a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    with connected(hasty) as connection:
        connection.sendall(old + request("ASK {} # b") + b"BREW / HTTP/1.1\r\n\r\n")
        assert rest(connection).count(b" 200 OK\r\n") == 1
    assert "Traceback" not in hasty.log.read_text()


@pytest.mark.parametrize("path", [b"/sparql?query=ASK%7B%7D", b"/sparql"])
def test_a_body_that_nobody_wants_is_not_read_for_long(hasty: Any, path: bytes) -> None:
    method = b"GET" if b"?" in path else b"POST"
    with connected(hasty) as connection:
        connection.sendall(
            b"%b %b HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
            b"Content-Length: 99999999999\r\n\r\n" % (method, path)
        )
        assert b"connection: close\r\n" in connection.recv(1 << 16)
        sent, began = 0, time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - began < 20:
                sent += connection.send(b"x" * 1_000_000)
        assert time.monotonic() - began < 10
        assert sent < 64 << 20


def test_who_comes_gets_the_place_of_one_who_does_nothing(
    start: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    few = start(workers=2, spares=0, timeout_s=60, slow_after_s=50, most=6)
    with ExitStack() as stack:
        waits = stack.enter_context(connected(few))
        waits.sendall(request(ENDLESS))
        eventually(lambda: bool(few.busy()), "no worker is busy")
        for _ in range(50):
            stack.enter_context(connected(few))
        for _ in range(5):
            with connected(few) as asking:
                asking.sendall(request("ASK {}", "Connection: close"))
                assert rest(asking).startswith(b"HTTP/1.1 200 OK\r\n")
        taking = stack.enter_context(connected(few, receive=4096))
        plain = "Accept-Encoding: identity"
        query = "SELECT ?s { ?s ch:number ?n } LIMIT 1000"
        taking.sendall(request(query, plain, "Connection: close"))
        assert taking.recv(1) == b"H"
        for _ in range(20):
            stack.enter_context(connected(few))
        assert rest(taking).count(b"/thing/t") == 1000
        waits.setblocking(False)
        with pytest.raises(BlockingIOError):  # it still waits
            waits.recv(1)


def test_a_method_that_nobody_knows_is_405(hasty: Any) -> None:
    with connected(hasty) as connection:
        connection.sendall(b"BREW /sparql HTTP/1.1\r\nHost: x\r\n\r\n")
        head, _, body = rest(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
    assert b"\r\nallow: GET, HEAD, POST, OPTIONS\r\n" in head
    assert json.loads(body)["type"] == f"{PROBLEM}method"


def test_what_follows_a_body_is_no_header_and_has_an_end(hasty: Any) -> None:
    post = (
        b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nASK{}\r\n0\r\n"
    )
    with connected(hasty) as connection:
        connection.sendall(post + b"Accept: text/csv\r\nX-Request-Id: trailer\r\n\r\n")
        received = connection.recv(1 << 16)
    assert b" 200 OK\r\n" in received
    assert b"sparql-results+json" in received
    assert b"trailer" not in received
    for endless in (b"X-A: " + b"a" * 1000 + b"\r\n", b"a"):
        with connected(hasty) as connection:
            connection.sendall(post + endless)
            sent = 0
            with suppress(ConnectionError):
                while sent < 64 << 20:
                    sent += connection.send(endless * (65536 // len(endless)))
                rest(connection)
        assert sent < 32 << 20
    assert hasty.values("SELECT (1 AS ?one) {}") == ["1"]


def test_requests_that_nobody_waits_for_are_not_kept(hasty: Any) -> None:
    """Of very many in one go, so many are answered, in their order, and then no more."""
    first = request("SELECT * { ?s ?p ?o } LIMIT 3 # a query that is not kept")
    with connected(hasty) as connection:
        connection.sendall(first + request("ASK {}") * 2000)
        received = rest(connection)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert 2 < received.count(b"HTTP/1.1 200 OK\r\n") < 1000
    assert b"connection: close\r\n" in received[received.rindex(b"HTTP/1.1 200 OK") :]


def test_no_refusal_stands_in_the_answer_before_it(hasty: Any) -> None:
    with connected(hasty, receive=4096) as connection:
        connection.sendall(request(ALL, "Accept: text/csv", "Accept-Encoding: identity"))
        time.sleep(0.3)
        with suppress(ConnectionError):
            connection.sendall(request("ASK {}", *["X: " + "x" * 1000] * 600))
        assert b"HTTP/1.1 413" not in rest(connection)


def test_who_would_like_another_protocol_is_answered_in_this_one(hasty: Any) -> None:
    """Java's client, and with it Jena, sends this with the first request, also with a POST."""
    body = 'SELECT ("""\r\nUpgrade: no""" AS ?text) {}'
    lines = (
        "POST /sparql HTTP/1.1",
        "Connection: Upgrade, HTTP2-Settings",
        f"Content-Length: {len(body)}",
        "Host: x",
        "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
        "Upgrade: h2c",
        "Content-Type: application/sparql-query",
        "Accept: text/csv",
        "",
        body,
    )
    with connected(hasty) as connection:
        for _ in range(2):
            connection.sendall("\r\n".join(lines).encode())
            received = connection.recv(1 << 16)
            assert received.startswith(b"HTTP/1.1 200 OK\r\n")
            assert received.endswith(b'text\r\n"\r\nUpgrade: no"\r\n')


def test_http_1_0_has_no_chunks(hasty: Any) -> None:
    lines = f"GET /sparql?query={quote(ALL)} HTTP/1.0\r\nAccept: text/csv\r\n\r\n"
    with connected(hasty) as connection:
        connection.sendall(lines.encode())
        head, _, body = rest(connection).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    answer = hasty.get(ALL, headers={"accept": "text/csv"})
    assert sorted(body.splitlines()) == sorted(answer.content.splitlines())


def test_a_slow_reader_with_http_1_0_does_not_take_half_an_answer_for_a_whole_one(
    hasty: Any,
) -> None:
    lines = f"GET /sparql?query={quote(ALL)} HTTP/1.0\r\nAccept: text/csv\r\n\r\n"
    with connected(hasty, receive=4096) as connection:
        connection.sendall(lines.encode())
        time.sleep(4)
        with pytest.raises(ConnectionResetError):
            b"".join(iter(lambda: connection.recv(1 << 16), b""))


def test_an_address_that_is_too_long_is_413(hasty: Any) -> None:
    for length, status in ((65_000, b"200"), (66_000, b"413")):
        text = b"ASK%20%7B%7D%23" + b"x" * length
        with connected(hasty) as connection:
            start = b"GET /sparql?query=" + text[: length - 18]
            connection.sendall(start + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" * 2)
            received = rest(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + status)
        assert received.count(b"HTTP/1.1") == 1
    assert b"application/problem+json" in head
    assert json.loads(body)["type"] == f"{PROBLEM}length"


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\n\r\n",
        b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /sparql?query=ASK%7B%7D HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET /sparql?query=ASK%7B%7D HTTP/1.0\r\nHost: a b\r\n\r\n",
        "GET /sparql?query=মস্কো HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        b"GET /sparql HTTP/7.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET http://example.org HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"what is this?\r\n\r\n",
    ],
)
def test_what_is_no_http_or_names_no_host_is_400(hasty: Any, sent: bytes) -> None:
    with connected(hasty) as connection:
        connection.sendall(sent)
        received = rest(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head
    assert b"\r\ndate: " in head
    assert b"\r\naccess-control-allow-origin: *" in head
    assert json.loads(body)["type"] == f"{PROBLEM}request"


def test_a_body_that_is_malformed_is_400_too(hasty: Any) -> None:
    with connected(hasty) as connection:
        connection.sendall(
            b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n"
        )
        assert rest(connection).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert hasty.values("SELECT (1 AS ?one) {}") == ["1"]
    assert "Traceback" not in hasty.log.read_text()


def test_a_refusal_of_head_has_no_body(hasty: Any) -> None:
    with connected(hasty) as connection:
        connection.sendall(b"HEAD /sparql?query=ASK%7B%7D HTTP/1.1\r\n\r\n")
        head, _, body = rest(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert not body


def test_http_1_0_needs_no_host_and_a_host_may_have_a_port(hasty: Any) -> None:
    for first in (b"HTTP/1.0\r\n", b"HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n"):
        with connected(hasty) as connection:
            connection.sendall(b"GET /sparql?query=ASK%7B%7D " + first + b"\r\n")
            assert rest(connection).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_client_that_leaves_while_it_waits_is_noticed(
    busy: Any, eventually: Callable[..., None]
) -> None:
    with connected(busy) as first:
        first.sendall(request(ENDLESS))
        eventually(lambda: bool(busy.busy()), "no worker is busy")
        with connected(busy) as second:
            second.sendall(request("ASK { # the second\n}"))
            time.sleep(0.2)
        eventually(lambda: len(told(busy)) == 1, "nobody has noticed")
        assert told(busy)[0]["outcome"] == "left"
    eventually(lambda: len(told(busy)) == 2, "nobody has noticed")
    assert busy.values("SELECT (1 AS ?one) {}") == ["1"]


# --- half an answer ---


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("query", [ALL, GRAPH])
def test_standard_clients_see_that_an_answer_is_broken_off(
    small: Any, query: str, coding: str
) -> None:
    address = urlsplit(small.url)
    path = f"/sparql?query={quote(query)}"
    headers = {"Accept-Encoding": coding}

    plain = http.client.HTTPConnection(address.netloc, timeout=30)
    plain.request("GET", path, headers=headers)
    response = plain.getresponse()
    assert response.status == 200
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        response.read()
    plain.close()

    asked = urllib.request.Request(small.url + path, headers=headers)
    with (
        urllib.request.urlopen(asked, timeout=30) as opened,
        pytest.raises((http.client.IncompleteRead, ConnectionError)),
    ):
        opened.read()

    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        small.client.get(path, headers=headers)

    with connected(small) as connection:
        connection.sendall(request(query, f"Accept-Encoding: {coding}"))
        received = rest(connection)
    assert received.startswith(b"HTTP/1.1 200")
    assert b"transfer-encoding: chunked" in received
    assert not received.endswith(b"0\r\n\r\n")

    assert queries(small)[-1]["outcome"] == "result-size"
    assert "Traceback" not in small.log.read_text()
    assert small.values("SELECT (1 AS ?one) {}") == ["1"]


def test_an_answer_that_is_broken_off_ends_what_follows_it(
    small: Any, eventually: Callable[..., None]
) -> None:
    with connected(small) as connection:
        connection.sendall(request(ALL, "X-Request-Id: broken") + request("ASK {}") * 3)
        rest(connection)
    eventually(
        lambda: "broken" in [one["request"] for one in told(small)], "the request has no end"
    )
    assert "ASGI" not in small.log.read_text()


def test_a_sparql_client_sees_that_an_answer_is_broken_off(small: Any) -> None:
    from rdflib.plugins.stores.sparqlstore import SPARQLStore

    for form in ("xml", "json", "csv", "tsv"):
        store = SPARQLStore(f"{small.url}/sparql", returnFormat=form)
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            list(rdflib.Graph(store).query(ALL))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
@pytest.mark.parametrize("options", [[], ["--compressed"], ["--http1.0"]])
def test_curl_sees_that_an_answer_is_broken_off(small: Any, options: list[str]) -> None:
    command = ["curl", "-sS", *options, "--max-time", "30", "-G", f"{small.url}/sparql"]
    done = subprocess.run(
        [*command, "--data-urlencode", f"query={ALL}"], capture_output=True, check=False
    )
    assert done.returncode in (18, 56), done.stderr


def test_a_compressed_answer_that_is_broken_off_has_no_end_in_itself_either(small: Any) -> None:
    received = bytearray()
    with (
        small.client.stream(
            "GET", "/sparql", params={"query": ALL}, headers={"accept-encoding": "gzip"}
        ) as answer,
        suppress(httpx2.RemoteProtocolError, httpx2.ReadError),
    ):
        for part in answer.iter_raw():
            received += part
    assert answer.headers["content-encoding"] == "gzip"
    inflate = zlib.decompressobj(wbits=31)
    assert inflate.decompress(received)
    assert not inflate.eof


def test_a_tag_of_an_answer_that_was_broken_off_is_not_believed(small: Any) -> None:
    query = ALL + " # once more"
    plain = {"accept-encoding": "identity"}
    with (
        small.client.stream("GET", "/sparql", params={"query": query}, headers=plain) as answer,
        pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)),
    ):
        list(answer.iter_bytes())
    before = len(queries(small))
    small.get(query, headers={**plain, "if-none-match": answer.headers["etag"]})
    assert queries(small)[before]["lane"]


def test_a_tag_that_was_only_asked_for_is_not_believed(small: Any) -> None:
    query = ALL + " # its head"
    tag = small.client.head("/sparql", params={"query": query}).headers["etag"]
    before = len(queries(small))
    small.get(query, headers={"if-none-match": tag})
    assert queries(small)[before]["lane"]
