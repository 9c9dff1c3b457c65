"""Crowds of clients that do harm at once, against `kg serve`: neighbours are answered all the same.

Two seconds after each of them no core is busy.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import pytest

from kg.web.protocol import PROBLEM

ONE = "SELECT (1 AS ?one) {}"
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
LARGE = "SELECT * { ?a ?b ?c . ?d ?e ?f }"


@pytest.fixture(scope="module")
def site(serve: Callable[..., Any], built: Path) -> Any:
    """Return `kg serve`, whose queries may take longer than these tests."""
    return serve(built, workers=2, query_timeout_s=60, query_memory_mib=256, slow_reader_s=1)


@pytest.fixture(autouse=True)
def rests(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check that the server is the same process, idle after two seconds, and answers."""
    yield
    if "site" in request.fixturenames:
        server = request.getfixturevalue("site")
        time.sleep(2)
        assert server.running
        assert used(server) < 0.1
        assert server.values(ONE) == ["1"]


def used(server: Any) -> float:
    """Return the share of a core that the server and its workers use at the moment."""
    pids = (server.pid, *server.workers())
    before = sum(map(ticks, pids))
    time.sleep(0.5)
    return (sum(map(ticks, pids)) - before) / os.sysconf("SC_CLK_TCK") / 0.5


def ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(fields[11]) + int(fields[12])


class Neighbour:
    """Somebody who asks one small question after the other while others do harm."""

    def __init__(self, server: Any) -> None:
        self.answers: list[int] = []
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        with httpx2.Client(base_url=self._server.url, timeout=30) as client:
            while not self._over.is_set():
                query = f"{ONE} # {len(self.answers)}"  # none is kept
                answer = client.get("/sparql", params={"query": query})
                self.answers.append(answer.status_code)

    def __enter__(self) -> Neighbour:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def is_answered(self, eventually: Callable[..., None], times: int = 20) -> None:
        """Return when so many more questions have been answered."""
        wanted = len(self.answers) + times
        eventually(lambda: len(self.answers) >= wanted, "the neighbour is not answered")
        assert set(self.answers) == {200}


@contextlib.contextmanager
def crowd(server: Any, size: int, sent: bytes, receive: int = 0) -> Iterator[list[socket.socket]]:
    """Open so many connections, each of which sends the same bytes."""
    address = urlsplit(server.url)
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(size):
            connection = stack.enter_context(socket.socket())
            if receive:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
            connection.connect((address.hostname, address.port))
            connection.sendall(sent)
            found.append(connection)
        yield found


def get(query: str) -> bytes:
    return f"GET /sparql?query={quote(query)} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def slow(server: Any) -> int:
    """Return the number of slow queries that run or wait."""
    text = server.client.get("/metrics").text
    found = re.findall(r'^kg_queries_(?:running|waiting){lane="slow"} (\d+)', text, re.MULTILINE)
    assert len(found) == 2
    return sum(map(int, found))


def memory(pid: int) -> int:
    """Return the bytes of memory that a process has to itself."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")


def files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


HALF_OPEN = (
    b"",
    b"GET /sparql?query=ASK",
    b"GET /sparql?query=ASK%20%7B%7D HTTP/1.1\r\nHost: x\r\n",
    b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
    b"Content-Length: 4000000\r\n\r\nASK {}",
    b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n3\r\nASK\r\n",
)


def test_half_open_connections(site: Any, eventually: Callable[..., None]) -> None:
    before = files(site.pid)
    with Neighbour(site) as neighbour, contextlib.ExitStack() as stack:
        for number, sent in enumerate(HALF_OPEN, start=1):
            stack.enter_context(crowd(site, 100, sent))
            open_ = before + 100 * number
            eventually(lambda open_=open_: files(site.pid) >= open_, "they are not connected")
            neighbour.is_answered(eventually)
        stack.close()
        neighbour.is_answered(eventually)
    eventually(lambda: files(site.pid) < before + 20, "the server holds on to them")


def test_long_requests_that_never_end(site: Any, eventually: Callable[..., None]) -> None:
    head = b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n"
    sent = head + b"Content-Length: 4000000\r\n\r\n" + b"#" * 3_900_000
    before = memory(site.pid)
    with Neighbour(site) as neighbour, crowd(site, 50, sent):
        neighbour.is_answered(eventually)
        assert site.client.post("/sparql", data={"query": ONE}).status_code == 200
        assert memory(site.pid) - before < 64 << 20  # of 195 MB that were sent
        neighbour.is_answered(eventually)
    again = head + b"Content-Length: 1000000\r\nConnection: close\r\n\r\nASK {}" + b" " * 999_994

    def is_let_in() -> bool:
        with crowd(site, 1, again) as (connection,):
            return connection.recv(12) == b"HTTP/1.1 200"

    eventually(is_let_in, "there is no room any more")


@pytest.mark.parametrize(
    "query",
    ["ASK { VALUES ?x { " + "1 " * 199_000 + "} } \\", "ASK {} #" + "কিম " * 100_000],
    ids=["refused", "answered"],
)
def test_floods_of_long_queries(site: Any, eventually: Callable[..., None], query: str) -> None:
    form = f"query={quote(query)}".encode()
    head = b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % len(form)
    sent = head + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + form
    with Neighbour(site) as neighbour, crowd(site, 20, sent) as connections:
        neighbour.is_answered(eventually, 40)
        statuses = {int(connection.recv(12)[-3:]) for connection in connections}
    assert statuses <= {200, 400, 503}
    assert statuses & {200, 400}


def test_slow_readers(site: Any, eventually: Callable[..., None]) -> None:
    with Neighbour(site) as neighbour, crowd(site, 4, get(LARGE), receive=4096):
        eventually(lambda: slow(site) > 0, "no query runs")
        neighbour.is_answered(eventually)
        eventually(lambda: slow(site) == 0, "a slow reader keeps its worker")
        neighbour.is_answered(eventually)


def test_clients_that_leave_at_once(site: Any, eventually: Callable[..., None]) -> None:
    with Neighbour(site) as neighbour:
        for query in (ENDLESS, LARGE, ONE):
            with crowd(site, 60, get(query)):
                pass
            neighbour.is_answered(eventually)
        eventually(lambda: slow(site) == 0, "a query goes on without its client")


def test_endless_queries_of_many_clients(site: Any, eventually: Callable[..., None]) -> None:
    with Neighbour(site) as neighbour, crowd(site, 50, get(ENDLESS)):
        neighbour.is_answered(eventually)
        eventually(lambda: slow(site) > 0, "no query runs")
        neighbour.is_answered(eventually)


def test_every_worker_is_killed_under_load(site: Any, eventually: Callable[..., None]) -> None:
    with contextlib.ExitStack() as stack:
        neighbours = [stack.enter_context(Neighbour(site)) for _ in range(4)]
        for how in (signal.SIGKILL, signal.SIGSTOP):
            for pid in sorted(site.workers()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, how)
                if how == signal.SIGSTOP:  # what a worker that hangs looks like
                    time.sleep(0.2)
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
                neighbours[0].is_answered(eventually, 5)
        for neighbour in neighbours:
            neighbour.is_answered(eventually, 5)


def test_a_full_queue_answers_at_once(serve: Callable[..., Any], built: Path) -> None:
    full = serve(built, workers=1, spare_workers=0, query_queue=4, query_timeout_s=5)
    with crowd(full, 40, get(ENDLESS)):
        time.sleep(1)
        answer = full.get("SELECT (2 AS ?two) {}")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert answer.json()["type"] == f"{PROBLEM}busy"
        assert full.client.get("/healthz").status_code == 200
    time.sleep(2)
    assert used(full) < 0.1
    assert full.values(ONE) == ["1"]


def test_a_store_that_vanishes_and_comes_back(
    serve: Callable[..., Any], built: Path, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    shutil.copytree(built, tmp_path / "releases", symlinks=True)
    served = serve(tmp_path / "releases", workers=2, query_timeout_s=3)
    store = (tmp_path / "releases/current").resolve() / "store/quads"
    store.parent.chmod(0o755)
    store.rename(tmp_path / "aside")
    for _ in range(2):  # the workers have its files open
        assert served.values(ONE) == ["1"]
        assert served.get("SELECT * { ?s ?p ?o } LIMIT 3").status_code == 200
    for pid in served.workers():
        os.kill(pid, signal.SIGKILL)
    answer = served.get("SELECT (3 AS ?three) {}")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["type"] == f"{PROBLEM}busy"
    assert served.client.get("/healthz").status_code == 200
    assert "no query worker can be started" in served.log.read_text()
    (tmp_path / "aside").rename(store)
    eventually(lambda: served.get(ONE).status_code == 200, "no worker has come back", 40)
