"""Entity tags, 304, compressed answers, and answers that are kept: what is sent, and when."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import pytest

from kg.web.protocol import PROBLEM

BASE = "https://kg.example/"
ROWS = "SELECT ?s ?n {{ ?s ch:number ?n }} LIMIT {}"
PLAIN = {"accept-encoding": "identity"}
VARY = "Accept, Accept-Encoding"


@pytest.fixture(scope="module")
def server(start: Callable[..., Any]) -> Any:
    """Return an endpoint that nobody else asks."""
    return start(workers=2, timeout_s=5, memory_mib=256)


@pytest.fixture
def query() -> str:
    """Return a query that nobody has asked before."""
    return f"SELECT ?l {{ agent:tass rdfs:label ?l }} ORDER BY ?l # {next(_NUMBERS)}"


_NUMBERS = iter(range(1_000_000))


def evaluated(server: Any) -> int:
    """Return the number of queries that were evaluated, by the log."""
    # The log is written after the answer, but before that to the next request.
    server.get(f"ASK {{}} # {next(_NUMBERS)}", headers={"x-request-id": "look"})
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    return len([line for line in lines if line.get("lane") and line["request"] != "look"])


def ask(server: Any, text: str, **headers: str) -> httpx2.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    found: httpx2.Response = server.get(text, headers=names)
    return found


# --- what tells answers apart ---


def test_the_same_request_has_the_same_entity_tag(server: Any, query: str) -> None:
    first, second = ask(server, query), ask(server, query)
    assert first.headers["etag"].startswith('W/"')
    assert first.headers["etag"] == second.headers["etag"]
    assert first.headers["cache-control"] == second.headers["cache-control"] == "no-cache"
    assert first.headers["vary"] == second.headers["vary"] == VARY
    assert first.content == second.content
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    changing = {"x-request-id", "date"}
    assert {k: v for k, v in first.headers.items() if k not in changing} == {
        k: v for k, v in second.headers.items() if k not in changing
    }


def test_all_that_an_answer_depends_on_tells_the_tags_apart(server: Any, query: str) -> None:
    graph = f"{BASE}id/graph/registry"
    requests: list[dict[str, Any]] = [
        {},
        {"headers": {"accept": "text/csv"}},
        {"headers": {"accept": "application/json"}},
        {"headers": {"accept-encoding": "gzip"}},
        {"params": {"default-graph-uri": graph}},
        {"params": {"named-graph-uri": graph}},
        {"params": {"timeout": "2"}},
        {"params": {"timeout": "2.5"}},
    ]
    tags = []
    for asked in requests:
        headers = {"accept": "*/*", "accept-encoding": "identity", **asked.get("headers", {})}
        answer = server.get(query, params=asked.get("params", {}), headers=headers)
        assert answer.status_code == 200
        tags.append(answer.headers["etag"])
    tags.append(ask(server, query + " ").headers["etag"])
    assert len(set(tags)) == len(tags)
    # A longer deadline than that of the server is that of the server.
    longest = server.get(query, params={"timeout": "99"}, headers={**PLAIN, "accept": "*/*"})
    assert longest.headers["etag"] == tags[0]


def test_two_headers_are_not_taken_for_the_last_of_them(server: Any, query: str) -> None:
    assert ask(server, query, accept="text/csv").headers["content-type"].startswith("text/csv")
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(
            f"GET /sparql?query={quote(query)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            "Accept: application/sparql-results+xml\r\nAccept: text/csv;q=0.1\r\n\r\n".encode()
        )
        assert b"application/sparql-results+xml" in connection.makefile("rb").read()


# --- 304 ---


def test_what_the_client_has_is_not_sent_again(server: Any, query: str) -> None:
    first = ask(server, query)
    tag = first.headers["etag"]
    before = evaluated(server)
    for given in (tag, tag.removeprefix("W/"), f'"x", {tag}', f'W/"y",{tag} , "z"', "*"):
        again = ask(server, query, if_none_match=given)
        assert (again.status_code, again.content) == (304, b""), given
        assert again.headers["etag"] == tag
        for name in ("vary", "cache-control", "kg-release", "access-control-allow-origin"):
            assert again.headers[name] == first.headers[name]
        assert again.headers["x-request-id"]
        assert "content-type" not in again.headers
    for given in ('"x"', tag.upper(), "x", ""):
        assert ask(server, query, if_none_match=given).status_code == 200
    head = server.client.head("/sparql", params={"query": query}, headers={"if-none-match": tag})
    assert head.status_code == 304
    assert evaluated(server) == before


def test_a_tag_of_an_answer_that_is_not_kept_is_believed(start: Callable[..., Any]) -> None:
    forgetful = start(workers=1, spares=0, timeout_s=5, cache_mib=0)
    query = ROWS.format(3)
    tag = ask(forgetful, query).headers["etag"]
    assert ask(forgetful, query).headers["etag"] == tag
    before = evaluated(forgetful)
    assert before == 2
    assert ask(forgetful, query, if_none_match=tag).status_code == 304
    assert evaluated(forgetful) == before


def test_a_tag_that_was_given_out_by_another_process_is_looked_at(
    server: Any, start: Callable[..., Any], query: str
) -> None:
    tag = ask(server, query).headers["etag"]
    other = start(workers=1, spares=0, timeout_s=5, memory_mib=256)
    before = evaluated(other)
    assert ask(other, query, if_none_match=tag).status_code == 304
    assert evaluated(other) == before + 1
    assert ask(other, query, if_none_match=tag).status_code == 304
    assert evaluated(other) == before + 1


def test_an_error_is_never_unchanged(server: Any) -> None:
    endless = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    for query, status in ((endless, 504), ("SELECT", 400), ("ASK { SERVICE <x:a> {} }", 400)):
        for _ in range(2):
            answer = server.get(query, params={"timeout": "0.4"}, headers={"if-none-match": "*"})
            assert answer.status_code == status
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["vary"] == VARY
            assert "etag" not in answer.headers


def test_a_large_answer_is_unchanged_too(server: Any) -> None:
    query = "SELECT ?s ?n { ?s ch:number ?n } # large"
    first = ask(server, query, **PLAIN)
    assert "content-length" not in first.headers
    before = evaluated(server)
    again = ask(server, query, if_none_match=first.headers["etag"], **PLAIN)
    assert again.status_code == 304
    assert evaluated(server) == before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT (NOW() AS ?x) {}",
        "SELECT (RAND() AS ?x) {}",
        "SELECT (UUID() AS ?x) {}",
        "SELECT (STRUUID() AS ?x) {}",
        "SELECT (BNODE() AS ?x) {}",
    ],
)
def test_what_changes_by_itself_is_never_stored(server: Any, query: str) -> None:
    before = evaluated(server)
    for _ in range(2):
        answer = ask(server, query, if_none_match="*")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
    assert evaluated(server) == before + 2


# --- methods ---


def test_head_has_the_headers_of_get(server: Any, query: str) -> None:
    for headers in (PLAIN, {"accept-encoding": "gzip"}):
        for _ in range(2):
            head = server.client.head("/sparql", params={"query": query}, headers=headers)
            get = server.client.get("/sparql", params={"query": query}, headers=headers)
            for name in get.headers.keys() - {"date", "x-request-id"}:
                assert head.headers[name] == get.headers[name], name
            assert head.content == b""


def test_post_is_answered_from_memory_but_never_stored(server: Any, query: str) -> None:
    first = ask(server, query)
    before = evaluated(server)
    for _ in range(2):
        answer = server.client.post("/sparql", data={"query": query})
        assert answer.content == first.content
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
    assert evaluated(server) == before
    other = query + " # and more"
    server.client.post("/sparql", data={"query": other}, headers={"if-none-match": "*"})
    assert evaluated(server) == before + 1
    assert ask(server, other).headers["etag"]
    assert evaluated(server) == before + 1


# --- codings ---


def test_answers_are_compressed_where_that_is_asked_for(server: Any) -> None:
    for limit in (200, 5000, 60_000):
        query = ROWS.format(limit)
        plain = ask(server, query, **PLAIN)
        assert "content-encoding" not in plain.headers
        for _ in range(2):
            with server.client.stream(
                "GET", "/sparql", params={"query": query}, headers={"accept-encoding": "gzip"}
            ) as answer:
                raw = b"".join(answer.iter_raw())
            assert answer.headers["content-encoding"] == "gzip"
            assert answer.headers["vary"] == VARY
            assert answer.headers["etag"] != plain.headers["etag"]
            assert gzip.decompress(raw) == plain.content
            assert len(raw) < len(plain.content) / 3


def test_a_small_answer_is_compressed_only_where_nothing_else_is_accepted(
    server: Any, query: str
) -> None:
    assert "content-encoding" not in ask(server, query, accept_encoding="gzip").headers
    only = ask(server, query, accept_encoding="gzip, identity;q=0")
    assert only.headers["content-encoding"] == "gzip"
    assert only.content == ask(server, query, **PLAIN).content


def test_no_coding_at_all_is_406(server: Any, query: str) -> None:
    for header in ("identity;q=0", "*;q=0", "br, *;q=0"):
        answer = ask(server, query, accept_encoding=header)
        assert answer.status_code == 406
        assert answer.json()["type"] == f"{PROBLEM}format"
        assert answer.json()["available"] == ["gzip", "identity"]


# --- the description and the graphs ---


@pytest.mark.parametrize(
    "address", ["/sparql", f"/graphs?graph={quote(BASE, safe='')}id/graph/seoul", "/graphs?default"]
)
def test_descriptions_and_graphs_are_cached_alike(server: Any, address: str) -> None:
    for accept in ("text/turtle", "application/n-triples"):
        headers = {**PLAIN, "accept": accept}
        first = server.client.get(address, headers=headers)
        assert first.headers["cache-control"] == "no-cache"
        assert first.headers["vary"] == VARY
        tag = first.headers["etag"]
        before = evaluated(server)
        again = server.client.get(address, headers={**headers, "if-none-match": tag})
        assert again.status_code == 304
        assert server.client.head(address, headers=headers).headers["etag"] == tag
        if "content-length" in first.headers:
            assert server.client.get(address, headers=headers).content == first.content
            assert evaluated(server) == before
        zipped = server.client.get(address, headers={"accept": accept, "accept-encoding": "gzip"})
        assert zipped.content == first.content


# --- answers that are ready ---


def test_requests_in_one_go_are_answered_in_their_order(server: Any) -> None:
    known, unknown = (f"SELECT ({n} AS ?x) {{}}" for n in (next(_NUMBERS) + 1000, 7))
    requests = [known, unknown, known, known, unknown + " ", known]
    assert server.values(known)
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        for n, query in enumerate(requests):
            last = "Connection: close\r\n" if n == len(requests) - 1 else ""
            connection.sendall(
                f"GET /sparql?query={quote(query)} HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n"
                f"X-Request-Id: n{n}\r\n{last}\r\n".encode()
            )
        received = connection.makefile("rb").read().decode()
    answers = received.split("HTTP/1.1 200 OK\r\n")[1:]
    assert [f"x-request-id: n{n}\r\n" in answer for n, answer in enumerate(answers)] == [True] * 6
    values = [answer.rpartition("x\r\n")[2].strip() for answer in answers]
    assert values == [server.values(query)[0] for query in requests]


def test_a_ready_answer_does_not_depend_on_how_it_is_asked_for(server: Any) -> None:
    query = ROWS.format(800)  # more than is written at once
    first = ask(server, query, **PLAIN)
    assert 1 << 16 < len(first.content) < 1 << 20
    address = urlsplit(server.url)
    for text in (query, ROWS.format(5)):
        expected = ask(server, text, **PLAIN).content
        for start, more in (
            ("GET", ""),
            ("GET", "Connection: close\r\n"),
            ("GET", "Content-Length: 3\r\n"),
            ("GET", "Expect: 100-continue\r\n"),
            ("GET", "Upgrade: websocket\r\nConnection: upgrade\r\n"),
            ("GET", "Connection: keep-alive\r\n"),
            ("HEAD", ""),
        ):
            with socket.create_connection((address.hostname, address.port)) as connection:
                body = "abc" if "Length" in more else ""
                path = f"/sparql?query={quote(text)}"
                accept = "Accept: */*\r\nAccept-Encoding: identity\r\n"
                for close in ("", "Connection: close\r\n"):
                    if close and "Connection" in more:
                        break
                    connection.sendall(
                        f"{start} {path} HTTP/1.1\r\nHost: x\r\n{accept}{more}{close}\r\n"
                        f"{body}".encode()
                    )
                if "keep-alive" in more or "upgrade" in more:
                    connection.shutdown(socket.SHUT_WR)
                received = connection.makefile("rb").read()
            times = 1 if "Connection" in more else 2
            if "keep-alive" not in more and "upgrade" not in more:
                assert received.count(b"HTTP/1.1 200 OK") == times, (start, more)
                assert received.count(expected) == (0 if start == "HEAD" else times), (start, more)


def test_the_request_id_is_taken_over_if_it_is_fit(server: Any, query: str) -> None:
    for _ in range(2):
        assert ask(server, query, x_request_id="abc-123.4").headers["x-request-id"] == "abc-123.4"
        for unfit in ("two words", "x" * 200, "a;b", "ä"):
            given = server.get(query, headers=[(b"x-request-id", unfit.encode())])
            assert given.headers["x-request-id"] != unfit
            assert len(given.headers["x-request-id"]) == 16
