"""The shape of every error, at every address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from kg.config import Settings
from kg.web.app import ROUTES, create_app
from kg.web.protocol import PROBLEM, PROBLEMS
from kg.web.site import METHODS

EXAMPLES = {
    "{kind}": "agent",
    "{key}": "arvenia",
    "{name}": "arvenia",
    "{suffix}": ".ttl",
    "{release}": "current",
    "{path:path}": "graph.nq",
}
ENDPOINTS = ("/sparql", "/sparql/", "/graphs", "/graphs/")
OPERATIONS = ("/healthz", "/metrics", "/openapi.json")
JSON = {"accept": "application/json"}


def _example(path: str) -> str:
    if path == "/questions/{name}":
        return "/questions/who-denies"
    if path == "/assets/{name:path}":
        return "/assets/site.css"
    for name, value in EXAMPLES.items():
        path = path.replace(name, value)
    return path


ADDRESSES = sorted({_example(path) for path, _, _ in ROUTES} | set(ENDPOINTS) | {"/openapi.json"})


def check(answer: httpx2.Response, *reasons: str) -> None:
    """Check that an answer is a problem of one of these reasons."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert "Accept" in answer.headers["vary"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" in answer.headers
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-request-id"]
    body = answer.json()
    required = {"type", "title", "status", "detail"}
    assert required <= body.keys() <= required | {"line", "column", "hint", "available", "release"}
    reason = body["type"].removeprefix(PROBLEM)
    assert reason in reasons
    assert (answer.status_code, body["title"]) == PROBLEMS[reason]
    assert body["status"] == answer.status_code
    assert body["detail"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_other_methods_are_refused_with_those_that_are_not(
    client: TestClient, address: str
) -> None:
    reading = "GET, HEAD, POST, OPTIONS" if "sparql" in address else "GET, HEAD, OPTIONS"
    methods = METHODS.get(address, reading)
    for method in (
        "DELETE",
        "PUT",
        "PATCH",
        "TRACE",
        "BREW",
        *(["POST"] * ("POST" not in methods)),
    ):
        answer = client.request(method, address, headers=JSON)
        check(answer, "method")
        assert answer.headers["allow"] == methods
    options = client.options(address)
    assert (options.status_code, options.content) == (204, b"")
    assert options.headers["allow"] == methods
    assert options.headers["x-request-id"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_head_is_as_get(client: TestClient, address: str) -> None:
    get, head = client.get(address, headers=JSON), client.head(address, headers=JSON)
    assert head.status_code == get.status_code
    assert head.content == b""
    unlike = {"x-request-id", "content-length" if address == "/metrics" else ""}
    assert {k: v for k, v in head.headers.items() if k not in unlike} == {
        k: v for k, v in get.headers.items() if k not in unlike
    }


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("/nope", "not-found"),
        ("/doc/event/nothing-of-the-kind", "not-found"),
        ("/doc/event/arvenia?page=0", "parameter"),
        ("/search?page=x", "parameter"),
        ("/search?kind=verdict", "parameter"),
        ("/download/current/none", "not-found"),
        ("/download/none/graph.nq", "not-found"),
        ("/questions/none", "not-found"),
        ("/assets/none", "not-found"),
        ("/ontology.exe", "not-found"),
        ("/graphs?graph=x:y", "not-found"),
        ("/graphs", "parameter"),
        ("/sparql?query=SELECT", "syntax"),
        ("/sparql?query=SELECT&query=SELECT", "parameter"),
        ("/sparql?update=CLEAR+ALL", "update"),
        ("/sparql?query=ASK%7BSERVICE+%3Cx:y%3E%7B%7D%7D", "service"),
        ("/sparql?query=ASK%7B%7D&default-graph-uri=x:y", "graph"),
        ("/sparql?query=ASK%7B" + "(" * 200, "complexity"),
    ],
)
def test_errors_of_requests(client: TestClient, address: str, reason: str) -> None:
    check(client.get(address, headers=JSON), reason)


def test_nothing_is_served_yet(tmp_path: Path, settings: Settings) -> None:
    with TestClient(create_app(tmp_path, settings)) as client:
        for address in ADDRESSES:
            answer = client.get(address, headers=JSON)
            if address in (*OPERATIONS, "/assets/site.css"):
                assert answer.status_code == 200
            elif address == "/readyz":
                assert answer.status_code == 503
            else:
                check(answer, "busy")
                assert answer.headers["retry-after"]


def test_a_fault_of_the_software_is_a_problem_too(
    releases: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the house")

    site = create_app(releases, settings)
    with TestClient(site, raise_server_exceptions=False) as client:
        assert site.served is not None
        monkeypatch.setattr(site.served.pool, "prepare", fails)
        monkeypatch.setattr("kg.web.front.search", fails)
        for address in ("/sparql?query=ASK%7B%7D", "/search?q=x"):
            answer = client.get(address, headers=JSON)
            check(answer, "internal")
            assert "secret" not in answer.text


def test_a_browser_gets_pages_and_programs_get_problems(client: TestClient) -> None:
    browser = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    wrong = {"query": "SELECT"}
    page = client.get("/sparql", params=wrong, headers=browser)
    assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    for headers in ({"accept": "*/*"}, {}, {"accept": "application/sparql-results+json"}):
        check(client.get("/sparql", params=wrong, headers=headers), "syntax")
    check(client.post("/sparql", data=wrong, headers=browser), "syntax")
    assert client.get("/nope", headers=browser).headers["content-type"].startswith("text/html")


def test_odd_requests_are_answered(serving: Callable[..., object], releases: Path) -> None:
    import socket
    from urllib.parse import urlsplit

    with serving(releases) as url:  # type: ignore[attr-defined]
        address = urlsplit(url)
        for line, status in (
            (b"OPTIONS * HTTP/1.1", b"204"),
            (b"GET /..%2f..%2fetc/passwd HTTP/1.1", b"404"),
            (b"GET //sparql HTTP/1.1", b"404"),
            (b"GET /sparql%00 HTTP/1.1", b"404"),
            (b"GET /%ff HTTP/1.1", b"404"),
            (b"GET http://other.example/healthz HTTP/1.1", b"200"),
            (b"GET /healthz?x#y HTTP/1.1", b"200"),
            (b"GET /search?q=%ff&lang=%00 HTTP/1.1", b"200"),
            (b"NONSENSE", b"400"),
        ):
            with socket.create_connection((address.hostname, address.port)) as connection:
                connection.sendall(line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
                received = connection.makefile("rb").read()
            assert received.split(b" ")[1] == status, line
