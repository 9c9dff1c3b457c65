"""What a hostile query costs: itself. Every case is followed by a question of somebody else."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import pytest

from kg.web.protocol import PROBLEM

ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
HUNGRY = "SELECT * { ?s ?p ?o . ?a ?b ?c } ORDER BY ?o ?c"


@pytest.fixture(autouse=True)
def still_there(server: Any) -> Iterator[None]:
    """Check that the server is the same process, and answers, after each test."""
    yield
    assert server.running
    assert server.values(
        "SELECT ?l { agent:kim-jong-un rdfs:label ?l FILTER(LANG(?l) = 'bn') }"
    ) == ["কিম জং উন"]


@pytest.fixture
def listener() -> Iterator[tuple[str, list[None]]]:
    """Return an address on loopback, and who has connected to it."""
    connections: list[None] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                connections.append(None)
                connection.close()

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/", connections
    listening.close()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { SERVICE <U> { ?s ?p ?o } }",
        "SELECT * { SERVICE SILENT <U> { ?s ?p ?o } }",
        "ASK{FILTER(1<2)SERVICE#>\n<U>{}}",
        "PREFIX ex: <U> ASK { SERVICEex:a {} }",
        "ASK { VALUES ?x { trueSERVICE <U> {} }",
        "ASK FROM <U> {}",
        "ASK FROM NAMED <U> {}",
    ],
)
def test_no_other_host_is_asked(server: Any, listener: tuple[str, list[None]], query: str) -> None:
    url, connections = listener
    answer = server.get(query.replace("<U>", f"<{url}>"))
    assert answer.status_code == 400
    if "SERVICE <" in query or "SILENT" in query:
        assert answer.json()["type"] == f"{PROBLEM}service"
        assert "VALUES" in answer.json()["hint"]
    assert connections == []


def test_no_other_host_is_asked_by_a_variable(
    server: Any, listener: tuple[str, list[None]]
) -> None:
    url, connections = listener
    query = f"SELECT * {{ VALUES ?e {{ <{url}> }} SERVICE ?e {{ ?s ?p ?o }} }}"
    assert server.get(query).json()["type"] == f"{PROBLEM}service"
    assert connections == []


REQUESTS: list[dict[str, Any]] = [
    {"params": {"query": "ASK {}", "default-graph-uri": "@URL"}},
    {"params": {"query": "ASK {}", "named-graph-uri": "@URL"}},
    {"method": "POST", "data": {"query": "ASK {}", "default-graph-uri": ["@URL", "@URL"]}},
    {"params": {"update": "LOAD <@URL>"}},
    {"params": {"query": "LOAD <@URL>"}},
    {"method": "POST", "data": {"update": "LOAD SILENT <@URL> INTO GRAPH <x:y>"}},
    {"method": "POST", "type": "application/sparql-update", "content": "LOAD <@URL>"},
    {
        "method": "POST",
        "data": {"query": "ASK {}", "using-graph-uri": "@URL", "update": "LOAD <@URL>"},
    },
    {"params": {"query": "ASK { SERVICE <@URL> {} }"}, "accept": "application/ld+json"},
    {"method": "POST", "type": "application/ld+json", "content": '{"@context": "@URL"}'},
    {"url": "/graphs", "params": {"graph": "@URL"}},
    {"url": "/graphs", "params": {"default": "", "graph": "@URL"}},
    {"method": "POST", "url": "/graphs", "type": "text/turtle", "content": "@base <@URL> ."},
    {
        "method": "PUT",
        "url": "/graphs?default",
        "type": "application/ld+json",
        "content": '{"@context": "@URL", "@id": "urn:a", "name": "x"}',
    },
]


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_no_request_leads_elsewhere(
    server: Any, listener: tuple[str, list[None]], request_: dict[str, Any]
) -> None:
    url, connections = listener
    given = json.loads(json.dumps(request_).replace("@URL", url))
    headers = {"accept": given.pop("accept", "*/*")}
    if "type" in given:
        headers["content-type"] = given.pop("type")
    given = {"method": "GET", "url": "/sparql", "headers": headers, **given}
    answer = server.client.request(**given)
    assert 400 <= answer.status_code < 500
    assert answer.json()["type"].startswith(PROBLEM)
    assert connections == []


@pytest.mark.parametrize(
    "query",
    [
        "ASK {" + "{" * 5000 + "}" * 5000 + "}",
        "ASK { FILTER(" + "(" * 5000 + "1" + ")" * 5000 + ") }",
        "ASK { ?s ?p " + "[ ?p " * 5000 + "1" + "]" * 5000 + " }",
        "ASK { FILTER(" + "1+" * 50_000 + "1) }",
        "ASK {" + "BIND(1 AS ?x)" * 20_000 + "}",
    ],
)
def test_what_would_kill_the_engine_is_refused(server: Any, query: str) -> None:
    answer = server.client.post("/sparql", data={"query": query})
    assert answer.status_code == 400
    assert answer.json()["type"] == f"{PROBLEM}complexity"


def test_the_deadline_ends_a_query_while_others_are_served(
    server: Any, eventually: Callable[..., None]
) -> None:
    before = server.workers()
    found: list[httpx2.Response] = []
    asking = threading.Thread(target=lambda: found.append(server.get(ENDLESS)))
    asking.start()
    answered = 0
    while asking.is_alive():
        assert server.values("SELECT (1 AS ?one) {}") == ["1"]
        answered += 1
    asking.join()
    assert found[0].status_code == 504
    assert found[0].json()["type"] == f"{PROBLEM}timeout"
    assert answered > 5
    eventually(lambda: bool(before - server.workers()), "its worker was not ended")


def test_a_request_may_ask_for_a_shorter_deadline(start: Callable[..., Any]) -> None:
    patient = start(workers=1, spares=0, timeout_s=600)
    assert patient.get(ENDLESS, params={"timeout": "0.5"}).status_code == 504
    assert patient.values("SELECT (1 AS ?one) {}") == ["1"]


def test_a_request_cannot_ask_for_a_longer_deadline(server: Any) -> None:
    assert server.get(ENDLESS, params={"timeout": "100000"}).status_code == 504


def test_memory_ends_a_query(server: Any) -> None:
    answer = server.get(HUNGRY)
    assert answer.status_code == 400
    assert answer.json()["type"] == f"{PROBLEM}memory"
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("end", [signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_costs_its_own_query_only(
    server: Any, eventually: Callable[..., None], end: signal.Signals
) -> None:
    found: list[httpx2.Response] = []
    asking = threading.Thread(target=lambda: found.append(server.get(ENDLESS)))
    asking.start()
    busy: set[int] = set()

    def started() -> bool:
        busy.update(server.busy())
        return bool(busy)

    eventually(started, "no worker is busy")
    os.kill(busy.pop(), end)
    asking.join()
    assert found[0].status_code == 500
    assert "retry-after" not in found[0].headers
    assert found[0].json()["type"] == f"{PROBLEM}crash"


def test_a_client_that_leaves_takes_its_query_along(
    start: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    patient = start(workers=2, spares=1, timeout_s=600)
    address = urlsplit(patient.url)
    before = patient.workers()
    with socket.create_connection((address.hostname, address.port)) as connection:
        request = f"GET /sparql?query={quote(ENDLESS)} HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(request.encode())
        eventually(lambda: bool(patient.busy()), "no worker is busy")
    eventually(lambda: not patient.busy(), "a worker goes on after its client has left")
    assert before - patient.workers()
    assert patient.values("SELECT (1 AS ?one) {}") == ["1"]


def test_a_client_that_leaves_in_the_middle_of_an_answer_frees_its_worker(
    start: Callable[..., Any],
) -> None:
    patient = start(workers=1, spares=0, timeout_s=600)
    for _ in range(3):
        with patient.client.stream(
            "GET", "/sparql", params={"query": "SELECT * { ?s ?p ?o }"}
        ) as answer:
            next(answer.iter_bytes())
    assert patient.values("SELECT (1 AS ?one) {}") == ["1"]


def test_an_answer_that_has_to_stop_breaks_the_connection(start: Callable[..., Any]) -> None:
    small = start(workers=1, spares=0, result_mib=2)
    with small.client.stream(
        "GET",
        "/sparql",
        params={"query": "SELECT * { ?s ?p ?o }"},
        headers={"accept-encoding": "identity"},
    ) as answer:
        assert answer.status_code == 200
        parts = answer.iter_bytes()
        assert next(parts)
        with pytest.raises(httpx2.RemoteProtocolError):
            list(parts)
    assert small.values("SELECT (1 AS ?one) {}") == ["1"]
    log = small.log.read_text()
    assert '"outcome": "result-size"' in log
    assert "Traceback" not in log


def test_a_slow_reader_is_cut_off_at_the_deadline(
    server: Any, eventually: Callable[..., None]
) -> None:
    address = urlsplit(server.url)
    before = server.workers()
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        query = quote("SELECT * { ?s ?p ?o }")
        connection.sendall(f"GET /sparql?query={query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        eventually(lambda: bool(before - server.workers()), "its worker was not ended")


def test_a_full_queue_says_so(start: Callable[..., Any]) -> None:
    small = start(workers=1, spares=0, queue=1, timeout_s=5)
    found: list[httpx2.Response] = []
    threads = [threading.Thread(target=lambda: found.append(small.get(ENDLESS))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [one for one in found if "too many queries" in one.text]
    assert len(refused) >= 5
    for answer in refused:
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["type"] == f"{PROBLEM}busy"
    assert 504 in [answer.status_code for answer in found]
    assert small.values("SELECT (1 AS ?one) {}") == ["1"]


def test_workers_end_with_their_server(
    start: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    doomed = start(workers=2, spares=1, timeout_s=600)
    eventually(lambda: len(doomed.workers()) == 3, "the workers are not all there")
    workers = doomed.workers()

    def ask() -> None:
        with contextlib.suppress(httpx2.HTTPError):
            doomed.get(ENDLESS)

    asking = threading.Thread(target=ask)
    asking.start()
    eventually(lambda: bool(doomed.busy()), "no worker is busy")
    os.kill(doomed.pid, signal.SIGKILL)
    asking.join()

    def gone() -> bool:
        return not any(alive(pid) for pid in workers)

    eventually(gone, "workers go on without their server")


def alive(pid: int) -> bool:
    """Return whether a process is there and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
