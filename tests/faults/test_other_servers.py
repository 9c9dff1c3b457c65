"""Other servers that are dead, slow, refuse, cut what they give, or know no SPARQL at all."""

from __future__ import annotations

import asyncio
import gc
import io
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kg.errors import ConfigError, KgError, ServerError
from kg.remote import JSON, Access, Server
from kg.servers import target
from kg.store import open_release
from kg.web.backend import Backend, RemoteStore, _parts
from kg.web.guard import QueryFailure
from kg.web.pool import Limits, Pool

BASE = "https://kg.example/"
EMPTY = b'{"head":{"vars":["s"]},"results":{"bindings":[]}}'
ONE = b'{"head":{"vars":["s"]},"results":{"bindings":[{"s":{"type":"uri","value":"urn:a"}}]}}'

Answer = tuple[int, Mapping[str, str], bytes]


class Fake:
    """A server that gives the same answer to each query, and tells what it was asked."""

    def __init__(self) -> None:
        self.answer: Answer = (200, {"Content-Type": JSON}, ONE)
        self.release = "a1b2c3"
        self.pause = 0.0
        self.failures = 0
        self.asked: list[str] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                marker = "SELECT+%3Fid" in body or "identifier" in body
                if marker:
                    value = f'{{"id":{{"type":"literal","value":"{fake.release}"}}}}'
                    text = f'{{"head":{{"vars":["id"]}},"results":{{"bindings":[{value}]}}}}'
                    self._give(200, {"Content-Type": JSON}, text.encode())
                    return
                fake.asked.append(body)
                time.sleep(fake.pause)
                if fake.failures:
                    fake.failures -= 1
                    self._give(503, {}, b"busy")
                else:
                    self._give(*fake.answer)

            do_PUT = do_DELETE = do_POST  # noqa: N815

            def _give(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = "Content-Length" in headers

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/query"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def fake() -> Iterator[Fake]:
    found = Fake()
    gc.disable()  # an answer of the engine must not be collected by the thread of the fake
    yield found
    gc.collect()
    gc.enable()
    found.close()


@pytest.fixture
def backend(fake: Fake) -> Backend:
    return Backend(
        query=fake.address,
        user="",
        password="",
        timeout_s=5.0,
        most=10_000,
        base=BASE,
        release="a1b2c3",
        union="",
        graphs=(),
    )


@pytest.fixture
def store(release: Path, backend: Backend) -> Iterator[RemoteStore]:
    opened = open_release(release)
    found = RemoteStore(opened.store, opened.prefixes, backend, disjoint=opened.disjoint)
    yield found
    found.close()


def ask(store: RemoteStore, text: str = "SELECT ?s { ?s ?p ?o }", form: str = "text/csv") -> str:
    out = io.BytesIO()
    store.asked(text, out, form)
    return out.getvalue().decode()


LIES: Mapping[str, tuple[Answer, str, str]] = {
    "cut by its row limit": (
        (200, {"Content-Type": JSON, "X-SPARQL-MaxRows": "1"}, ONE),
        "may have been cut",
        "result-size",
    ),
    "stopped by its time limit": (
        (200, {"Content-Type": JSON, "X-SQL-State": "S1TAT", "X-SQL-Message": "RC..."}, ONE),
        "stopped before",
        "timeout",
    ),
    "breaks off": (
        (200, {"Content-Type": JSON, "Content-Length": "9999"}, ONE[:-10]),
        "connection to the server broke",
        "store",
    ),
    "half of an answer": ((200, {"Content-Type": JSON}, ONE[:-10]), "breaks off", "store"),
    "no JSON": ((200, {"Content-Type": JSON}, b"<html>"), "no result of a query", "store"),
    "another type": (
        (200, {"Content-Type": "text/html"}, b"<html>"),
        "does not answer SPARQL",
        "store",
    ),
    "no type": ((200, {}, b"hello"), "does not answer SPARQL", "store"),
    "yes instead of rows": (
        (200, {"Content-Type": JSON}, b'{"head":{},"boolean":true}'),
        "with yes or no",
        "store",
    ),
    "too much": (
        (
            200,
            {"Content-Type": JSON},
            ONE[:-2] + b',{"s":{"type":"uri","value":"urn:b"}}' * 400 + b"]}}",
        ),
        "too large",
        "result-size",
    ),
    "401": ((401, {"WWW-Authenticate": "Basic"}, b""), "does not let us in", "store"),
    "404": ((404, {}, b"nothing"), "does not answer SPARQL", "store"),
    "501": ((501, {}, b"no POST here"), "does not answer SPARQL", "store"),
    "elsewhere": ((302, {"Location": "http://127.0.0.1:9/"}, b""), "does not answer", "store"),
    "400": ((400, {}, b"<p>no such function</p>"), "no such function", "evaluation"),
    "500": ((500, {}, b"oops"), "fails with a query", "store"),
    "500 of Virtuoso": (
        (500, {}, b"Virtuoso 22023 Error XYZ\n\nSPARQL query:\nSELECT"),
        "Virtuoso 22023 Error XYZ",
        "evaluation",
    ),
    "504": ((504, {}, b""), "fails with a query", "timeout"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_no_whole_answer_is_an_error(lie: str, fake: Fake, store: RemoteStore) -> None:
    fake.answer, words, reason = LIES[lie]
    with pytest.raises(ServerError, match=words) as caught:
        ask(store)
    assert caught.value.reason == reason
    # The next query is answered again.
    fake.answer = (200, {"Content-Type": JSON}, ONE)
    assert ask(store) == "s\r\nurn:a\r\n"


@pytest.mark.parametrize(
    "text", ["ASK { ?s ?p ?o }", "CONSTRUCT WHERE { ?s ?p ?o }", "DESCRIBE ?s { ?s ?p ?o }"]
)
def test_no_form_of_query_takes_a_cut_answer(text: str, fake: Fake, store: RemoteStore) -> None:
    fake.answer = LIES["cut by its row limit"][0]
    with pytest.raises(ServerError, match="may have been cut"):
        ask(store, text, "application/n-triples" if "ASK" not in text else JSON)


def test_a_query_that_our_engine_cannot_read_is_not_sent(fake: Fake, store: RemoteStore) -> None:
    with pytest.raises(SyntaxError):
        ask(store, "SELECT ?s { ?s ?p }")
    with pytest.raises(KgError, match=r"not supported|of one server"):
        ask(store, 'SELECT (<bif:getenv>("HOME") AS ?x) {}')
    with pytest.raises(KgError, match="of one server"):
        ask(store, "SELECT * { ?s <\\u0062if:contains> 1 }")
    assert fake.asked == []


def test_another_release_is_not_answered_from(fake: Fake, store: RemoteStore) -> None:
    fake.release = "another"
    with pytest.raises(ServerError, match="does not hold this release"):
        ask(store)
    assert fake.asked == []


def test_terms_come_back_as_they_are(fake: Fake, store: RemoteStore) -> None:
    rows = (
        b'{"head":{"vars":["a","b","c","d"]},"results":{"bindings":[{'
        b'"a":{"type":"literal","xml:lang":"bn","value":"\xe0\xa6\x95\\n\\"x\\""},'
        b'"b":{"type": "typed-literal", "datatype": '
        b'"http://www.w3.org/2001/XMLSchema#boolean", "value": "1" },'
        b'"c":{"type":"literal","value":"XMLSchema#boolean\\", \\"value\\": \\"1\\""},'
        b'"d":{"type":"bnode","value":"x1"}}]}}'
    )
    fake.answer = (200, {"Content-Type": JSON}, rows)
    text = ask(store, "SELECT ?a ?b ?c ?d { ?a ?b ?c, ?d }", "text/tab-separated-values")
    assert '"ক\\n\\"x\\""@bn\ttrue\t"XMLSchema#boolean\\", \\"value\\": \\"1\\""\t_:' in text


async def _through_a_pool(release: Path, backend: Backend, timeout_s: float) -> QueryFailure:
    limits = Limits(workers=1, spares=0, timeout_s=60.0)
    async with Pool(release, limits, backend=backend) as pool:
        with pytest.raises(QueryFailure) as caught:
            await pool.query("SELECT ?s { ?s ?p ?o }", timeout_s=timeout_s)
        rows = await pool.own(["SELECT ?s { ?s a ch:Agent } LIMIT 1"])
        assert b"agent/" in rows[0]
    return caught.value


def test_a_server_that_says_nothing_ends_with_the_time_of_the_query(
    release: Path, fake: Fake, backend: Backend
) -> None:
    fake.pause = 30
    failure = asyncio.run(_through_a_pool(release, backend, 1.0))
    assert failure.reason == "timeout"


def test_a_server_that_is_not_there_ends_at_once(
    release: Path, fake: Fake, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    fake.close()
    failure = asyncio.run(_through_a_pool(release, backend, 20.0))
    assert (failure.reason, failure.retry_after) == ("store", 5)
    assert fake.address not in str(failure)
    assert "cannot be reached" in caplog.text


def test_what_may_go_better_is_sent_again(fake: Fake) -> None:
    fake.failures, said, waited = 2, list[str](), list[float]()
    fake.answer = (204, {}, b"")
    access = Access(query=fake.address, store=fake.address)
    with Server(access, say=said.append, wait=waited.append) as server:
        server.put("urn:g", b"<urn:a> <urn:b> <urn:c> .\n")
        assert waited == [1.0, 2.0]
        assert all("again in" in line for line in said)
        fake.failures = 99
        with pytest.raises(ServerError, match="status 503: busy"):
            server.post("urn:g", b"<urn:a> <urn:b> <urn:c> .\n")
        assert len(waited) == 5
        fake.failures, fake.answer = 0, (413, {}, b"")
        with pytest.raises(ServerError, match="--piece-mib"):
            server.post("urn:g", b"<urn:a> <urn:b> <urn:c> .\n")


def test_a_write_that_hangs_ends(fake: Fake) -> None:
    fake.pause = 3
    access = Access(query=fake.address, store=fake.address, timeout_s=0.2)
    late = pytest.raises(ServerError, match="does not answer in time")
    with Server(access, wait=lambda _: None) as server, late:
        server.put("urn:g", b"")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:7878", "no address of a server"),
        ("ftp://127.0.0.1/", "no address of a server"),
        ("http://", "no address of a server"),
        ("http://127.0.0.1:99999/", "no address of a server"),
        ("http://127.0.0.1/?query=x", "no address of a server"),
        ("http://somebody:kept-secret@127.0.0.1/", "KG_SERVER_PASSWORD"),
    ],
)
def test_an_address_that_is_none_is_said(address: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        target("gsp", address)
    assert "kept-secret" not in str(caught.value)


def test_a_password_is_shown_nowhere(backend: Backend) -> None:
    from kg.config import load_settings

    settings = load_settings(None, {"KG_SERVER_PASSWORD": "kept-secret"}, {})
    access = Access(query="http://127.0.0.1/", user="x", password=settings.server_password)
    with pytest.raises(ConfigError) as caught:
        load_settings(None, {"KG_SERVER_PASSWORD": "kept\nsecret"}, {})
    for shown in (repr(settings), repr(access), repr(backend), str(caught.value)):
        assert "secret" not in shown.replace("a secret", "")


@pytest.mark.parametrize(
    ("text", "head", "rest"),
    [
        ("ASK { ?s ?p ?o }", "", "{ ?s ?p ?o }"),
        ("SELECT * { ?s ?p ?o } LIMIT 1", "* ", "{ ?s ?p ?o } LIMIT 1"),
        ("SELECT (1 AS ?x) FROM <urn:g> FROM NAMED <urn:h> WHERE { }", "(1 AS ?x) ", "WHERE { }"),
        ("SELECT (EXISTS { ?a ?b ?c } AS ?x) WHERE {}", "(EXISTS { ?a ?b ?c } AS ?x) ", "WHERE {}"),
        (
            "CONSTRUCT FROM <urn:g> WHERE { ?s ?p 1 } LIMIT 2",
            "{ ?s ?p 1 }",
            "WHERE { ?s ?p 1 } LIMIT 2",
        ),
        ("DESCRIBE <urn:a>", "<urn:a> ", ""),
        ("DESCRIBE ?x <urn:a> FROM <urn:g> { ?x a 1 }", "?x <urn:a> ", "{ ?x a 1 }"),
        ("SELECT * { { SELECT * { ?s ?p 'FROM' } } }", "* ", "{ { SELECT * { ?s ?p 'FROM' } } }"),
    ],
)
def test_a_query_is_taken_apart(text: str, head: str, rest: str) -> None:
    parts = _parts(f"PREFIX a: <urn:a> # PREFIX b: <urn:b>\n{text}")
    assert (parts.head, parts.rest) == (head, rest)
    assert parts.prefixes == {"a"}
