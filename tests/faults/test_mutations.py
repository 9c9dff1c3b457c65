"""A thousand hostile queries, changed at random, against `kg serve`: each costs itself at most."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from kg.web.guard import CHAIN, DEPTH, PATH, WEIGHT
from kg.web.protocol import PROBLEM, PROBLEMS

DEADLINE_S = 1
QUERIES = 1000
CONNECTIONS = 8
NORMAL = "SELECT ?l { agent:kim-jong-un rdfs:label ?l FILTER(LANG(?l) = 'hi') }"
PRODUCT = "?a ?b ?c . ?d ?e ?f . ?g ?h ?i . "


@pytest.fixture(scope="module")
def site(serve: Callable[..., Any], built: Path) -> Any:
    """Return `kg serve` with the built-in facts and a short deadline."""
    return serve(
        built, workers=4, query_timeout_s=DEADLINE_S, query_memory_mib=128, result_limit_mib=4
    )


@pytest.fixture(scope="module")
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


def seeds(url: str) -> list[str]:
    """Return hostile queries; each is a kind of its own."""
    deep, many = DEPTH + 20, CHAIN + 50
    doubled = " ".join(f"BIND(CONCAT(?x{n}, ?x{n}) AS ?x{n + 1})" for n in range(40))
    return [
        # what takes long
        f"SELECT (COUNT(*) AS ?n) {{ {PRODUCT} }}",
        f"SELECT * {{ {PRODUCT} }} ORDER BY ?c ?i",
        f"SELECT DISTINCT ?a ?f {{ {PRODUCT} FILTER(REGEX(STR(?c), '(a*)*b')) }}",
        "SELECT (GROUP_CONCAT(?a) AS ?x) { ?a ?b ?c . ?d ?e ?f }",
        "SELECT * { ?s (!<x:y>)* ?o }",
        "ASK { ?s " + "(" * 40 + "rdf:type" + ")*" * 40 + " ?o . " + PRODUCT + "}",
        "CONSTRUCT { ?a ?e ?i } WHERE { " + PRODUCT + "}",
        "DESCRIBE * { ?s ?p ?o }",
        "SELECT * { ?s ?p ?o }",
        "ASK { " + "?s ?p ?o . " * 300 + "}",
        "ASK { " + "OPTIONAL { ?s ?p ?o " * 60 + "}" * 60 + " }",
        # what takes much
        f'SELECT * {{ BIND("xxxxxxxxxxxxxxxx" AS ?x0) {doubled} }}',
        "SELECT (STRLEN(REPLACE(REPLACE(STR(?s), '.', ?t), '.', ?t)) AS ?n) { ?s ?p ?o , ?t }",
        "ASK { ?s ?p '" + "x" * 200_000 + "' }",
        "ASK { <http://example.org/" + "x" * 200_000 + "> ?p ?o }",
        "ASK { VALUES ?x { " + "1 " * 50_000 + "} ?s ?p ?x }",
        "ASK { ?s ?p ?o FILTER(?o IN (" + "1, " * 20_000 + "2)) }",
        # what is nested, and what is beside each other
        "ASK {" + "{" * deep + "}" * deep + "}",
        "ASK { FILTER(" + "(" * deep + "1" + ")" * deep + ") }",
        "ASK { ?s ?p " + "[ ?p " * deep + "1" + "]" * deep + " }",
        "ASK { ?s ?p " + "<<( ?a ?b " * deep + "1" + ")>>" * deep + " }",
        "ASK { FILTER(" + "1+" * many + "1) }",
        "ASK { ?s ?p (" + "1 " * many + ") }",
        "ASK { ?s " + "rdf:type/" * many + "rdf:type ?o }",
        "DESCRIBE " + "rdf:type " * many,
        "BASE <http://x/> " + "BASE <a/> " * many + "ASK {}",
        # what asks others
        f"SELECT * {{ SERVICE <{url}> {{ ?s ?p ?o }} }}",
        f"SELECT * {{ SERVICE SILENT <{url}> {{ ?s ?p ?o }} }}",
        f"ASK{{FILTER(1<2)SERVICE#>\n<{url}>{{}}}}",
        f"PREFIX ex: <{url}> ASK {{ SERVICEex:a {{}} }}",
        f"ASK {{ VALUES ?e {{ <{url}> }} SERVICE ?e {{}} }}",
        f"ASK FROM <{url}> {{}}",
        f"SELECT * FROM NAMED <{url}> {{ GRAPH ?g {{ ?s ?p ?o }} }}",
        "SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }",
        f"LOAD <{url}>",
        f"LOAD SILENT <{url}> INTO GRAPH <x:y>",
        "INSERT DATA { <x:a> <x:b> <x:c> }",
        "DELETE WHERE { ?s ?p ?o }",
        # what is fine, until something happens to it
        NORMAL,
        "SELECT ?s (COUNT(DISTINCT ?o) AS ?n) { ?s ?p ?o } GROUP BY ?s HAVING (?n > 3) LIMIT 5",
        'ASK { ?s rdfs:label \'কিম জং উন\'@bn , """it\'s "SERVICE" """ # comment\n }',
    ]


WORDS = (
    *(
        "SERVICE",
        "SERVICE SILENT",
        "FROM",
        "NAMED",
        "LOAD",
        "GRAPH",
        "UNION",
        "OPTIONAL {",
        "MINUS {",
    ),
    *("SELECT *", "FILTER(", "EXISTS {", "VALUES ?x {", "BIND(1 AS ?z)", "LIMIT 1", "GROUP BY ?s"),
    *("{", "}", "(", ")", "[", "]", "<<(", ")>>", "<", ">", "'", '"', '"""', "#", "\n", "\r", "\\"),
    *(
        "\0",
        "\x01",
        "\x7f",
        "\ufeff",
        "\u202e",
        "\U0001f600",
        "e\u0301",
        "ſERVICE",
        "&",
        "%00",
        "%",
    ),
    *("?x", "?s ?p ?o .", "rdf:type", "<x:y>", "<file:///etc/passwd>", "true", "1e9", "-", "^^"),
    *(
        "\\u0000",
        "\\uD800",
        "\\U00110000",
        "_:b",
        "@en",
        "a" * 300,
        "." * 300,
        "(" * 300,
        "1," * 300,
    ),
)


def mutations(url: str, number: int) -> Iterator[str]:
    """Yield hostile queries, each changed in a few places; the same ones every time."""
    random = Random(20231018)
    kinds = seeds(url)
    for n in range(number):
        text = kinds[n % len(kinds)]
        for _ in range(random.randrange(4)):
            start = random.randrange(len(text) + 1)
            end = min(len(text), start + random.choice((0, 1, 1, 2, 5, 40)))
            change = random.randrange(6)
            if change == 0:  # cut off
                text = text[:start]
            elif change == 1:  # two in one
                text = text[:start] + random.choice(kinds)[-2000:]
            elif change == 2:
                text = text[:start] + text[end:]
            elif change == 3:
                text = text[:start] + text[start:end] * random.choice((2, 50)) + text[end:]
            else:
                text = text[:start] + random.choice(WORDS) + text[end:]
        yield text


def request(text: str, n: int) -> dict[str, Any]:
    """Return how a query is sent: in each of the ways there are, and in some wrong ones."""
    way = n % 5
    if way == 0 and len(quote(text)) < 60_000:
        return {"method": "GET", "params": {"query": text}}
    if way == 1:
        headers = {"content-type": "application/sparql-query", "accept-encoding": "gzip"}
        return {"method": "POST", "content": text.encode(), "headers": headers}
    if way == 2:
        return {"method": "POST", "data": {"query": text, "default-graph-uri": "x:y"}}
    if way == 3:
        accept = "application/ld+json, text/csv;q=0.5"
        return {"method": "POST", "data": {"query": text}, "headers": {"accept": accept}}
    return {"method": "POST", "data": {"query": text, "timeout": "0.5"}}


def is_known(answer: httpx2.Response) -> str:
    """Return the reason of a problem; fail if the answer is none that is documented."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    reason = problem["type"].removeprefix(PROBLEM)
    assert reason in PROBLEMS, problem
    assert answer.status_code == problem["status"] == PROBLEMS[reason][0]
    return reason


def starved(pid: int | str) -> float:
    """Return the seconds for which the system has let a thread wait for a processor."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except FileNotFoundError:
        return 0.0


@pytest.mark.timeout(300)  # a core that others use too
def test_a_thousand_hostile_queries(site: Any, listener: tuple[str, list[None]]) -> None:
    url, connections = listener
    pid = site.pid
    tasks = enumerate(mutations(url, QUERIES))
    lock = threading.Lock()
    outcomes: Counter[str] = Counter()
    trouble: list[str] = []

    def ask() -> None:
        with httpx2.Client(base_url=site.url, timeout=30) as client:
            while True:
                with lock:
                    n, text = next(tasks, (-1, ""))
                if n < 0:
                    return
                # What other programs take of the machine is no fault of the server's.
                began = time.monotonic() - starved(pid) - starved("thread-self")
                try:
                    answer = client.request(url="/sparql", **request(text, n))
                    outcome = "200" if answer.status_code == 200 else is_known(answer)
                except httpx2.RemoteProtocolError:
                    outcome = "broken off"  # in the middle of a large answer
                except Exception as error:  # noqa: BLE001 - of another thread
                    outcome = f"{type(error).__name__}: {error}"
                    trouble.append(f"{n}: {outcome}: {text[:300]!r}")
                took = time.monotonic() - starved(pid) - starved("thread-self") - began
                if took > DEADLINE_S + 1:
                    trouble.append(f"{n}: {took:.2f} s: {text[:300]!r}")
                if outcome == "internal":
                    trouble.append(f"{n}: {outcome}: {text[:300]!r}")
                outcomes[outcome] += 1

    threads = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not trouble, "\n".join(trouble[:10])
    assert outcomes.total() == QUERIES
    assert {"200", "syntax", "service", "update", "graph", "complexity", "timeout"} <= {*outcomes}
    assert outcomes["crash"] == 0, outcomes
    assert connections == []
    assert (site.running, site.pid) == (True, pid)
    time.sleep(2)
    assert not site.busy()
    assert len(site.values(NORMAL)) == 1


def groups(times: int, begin: str = "{", end: str = "}") -> str:
    return begin.join(["", *["?s ?p ?o . " * (CHAIN - 10)] * times]) + end * times


LARGEST = {
    "groups": f"ASK {{ {('{' + '?s ?p ?o . ' * (CHAIN - 20) + '}') * (WEIGHT // CHAIN)} }}",
    "nested groups": f"ASK {{ {groups(9)} }}",
    "optionals": f"ASK {{ {groups(9, 'OPTIONAL {')} }}",
    "exists": f"ASK {{ {groups(9, 'FILTER EXISTS {')} }}",
    "subselects": "ASK {"
    + "".join(
        "{ SELECT " + " ".join(f"(1 AS ?x{n}_{k})" for k in range(200)) + " {" for n in range(45)
    )
    + "} }" * 45
    + "}",
    "describe": "DESCRIBE " + " ".join(f"agent:a{n}" for n in range(CHAIN - 1)),
    "collection": "ASK { ?s ?p (" + "1 " * (CHAIN - 1) + ") }",
    "path": "ASK { ?s " + "rdf:type/" * (PATH - 1) + "rdf:type 1, 2, 3, 4, 5, 6, 7, 8 }",
    "sum": "ASK { FILTER("
    + "(1+" * (DEPTH - 3)
    + "1+" * (CHAIN - 1)
    + "1"
    + ")" * (DEPTH - 2)
    + "}",
    "braces": "ASK " + "{" * DEPTH + "}" * DEPTH,
    "lists": "ASK { ?s ?p " + "(" * (DEPTH - 1) + ")" * (DEPTH - 1) + " }",
    "paths": "ASK { ?s " + "(" * (DEPTH - 1) + "rdf:type" + "|rdf:type)*" * (DEPTH - 1) + " ?o }",
    "arguments": "SELECT (CONCAT(" + "CONCAT(1, 1), " * 20_000 + "1) AS ?x) {}",
    "values": "ASK { VALUES ?x {" + " <<( rdf:a rdf:b 1 )>>" * 39_000 + " } }",
}


@pytest.mark.parametrize("query", LARGEST.values(), ids=LARGEST)
def test_the_largest_queries_crash_no_worker(site: Any, query: str) -> None:
    """The guard lets them pass; they may be slow, or take too much."""
    answer = site.client.post("/sparql", data={"query": query})
    if answer.status_code != 200:
        assert is_known(answer) in ("timeout", "memory")
