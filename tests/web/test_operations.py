"""A server as its operator has it: starting, stopping, what it counts and what it writes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from kg.config import Settings
from kg.web.app import create_app
from kg.web.metrics import COUNTERS, GAUGES, HISTOGRAMS, PROCESS

ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
NAMES = "SELECT ?name { agent:mira-odan rdfs:label ?name } ORDER BY ?name"
HTML = {"accept": "text/html"}


class Process:
    """`kg serve` in a process of its own."""

    def __init__(self, releases: Path, log: Path, settings: dict[str, str]) -> None:
        self.log = log
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        env = {name: value for name, value in os.environ.items() if not name.startswith("KG_")}
        env |= {f"KG_{name.upper()}": value for name, value in settings.items()}
        command = [sys.executable, "-m", "kg", "serve", "--releases", str(releases)]
        with log.open("wb") as out:
            self.popen = subprocess.Popen(
                [*command, "--port", str(self.port)],
                stdout=out,
                stderr=out,
                env=env,
                cwd=log.parent,
            )
        self.url = f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **options: Any) -> httpx2.Response:
        return httpx2.get(self.url + path, timeout=60, **options)

    def ask(self, query: str, **options: Any) -> httpx2.Response:
        params = {"query": query, **options.pop("params", {})}
        return self.get("/sparql", params=params, **options)

    def ready(self) -> bool:
        try:
            return self.get("/readyz").status_code == 200
        except httpx2.HTTPError:
            assert self.popen.poll() is None, self.log.read_text()
            return False

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextmanager
def process(releases: Path, log: Path, **settings: str) -> Iterator[Process]:
    """Serve some releases while the context lasts."""
    found = Process(releases, log, {"workers": "1", "log_format": "json", **settings})
    try:
        while not found.ready():
            time.sleep(0.05)
        yield found
    finally:
        if found.popen.poll() is None:
            found.popen.kill()
        found.popen.wait(30)


# --- starting and stopping ---


def test_says_what_it_serves(releases: Path, tmp_path: Path) -> None:
    with process(releases, tmp_path / "log", log_format="text", spare_workers="2") as server:
        server.popen.send_signal(signal.SIGTERM)
        assert server.popen.wait(30) == 0
        log = server.log.read_text()
    lines = log.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z (info|warning) ", line) for line in lines), log
    assert f"open {server.url}/" in log
    assert (releases / "current").resolve().name[:12] in log
    assert "1 query workers, 2 to spare; a query may take 30 s, 512 MiB of memory" in log
    assert "have no network" in log or "does not let query workers give up the network" in log
    assert lines[-1].endswith("stopped")


def test_a_release_that_cannot_be_opened_ends_the_command(
    write_sample: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_sample(tmp_path / "releases")
    store = folder / "store/quads"
    store.chmod(0o755)
    for path in store.iterdir():
        path.unlink()
    server = Process(tmp_path / "releases", tmp_path / "log", {})
    assert server.popen.wait(60) == 2
    log = server.log.read_text()
    assert "a query worker cannot start" in log
    assert len(log.splitlines()) == 1
    assert "open http" not in log


def test_no_release_and_no_port_are_said_at_once(releases: Path, tmp_path: Path) -> None:
    server = Process(tmp_path / "nothing", tmp_path / "log", {})
    assert server.popen.wait(60) == 2
    assert "kg build" in server.log.read_text()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "kg", "serve", "--releases", str(releases)]
        done = subprocess.run(
            [*command, "--port", str(taken.getsockname()[1])],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
    assert "cannot listen: Address already in use" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_queries_end_when_the_server_is_told_to(
    releases: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with process(releases, tmp_path / "log", workers="2", query_timeout_s="3") as server:
        children = Path(f"/proc/{server.popen.pid}/task/{server.popen.pid}/children")
        workers = {int(pid) for pid in children.read_text().split()}
        found: list[int] = []
        asking = threading.Thread(target=lambda: found.append(server.ask(ENDLESS).status_code))
        asking.start()
        while 'lane="fast"} 1.0' not in server.get("/metrics").text.partition("_running{")[2][:30]:
            time.sleep(0.01)
        server.popen.send_signal(number)
        asking.join()
        assert found == [504]
        assert server.popen.wait(30) == 0
        with pytest.raises(httpx2.ConnectError):
            server.get("/healthz")
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
        messages = [line["message"] for line in server.lines()]
    assert messages[-1] == "stopped"
    assert not [line for line in server.lines() if line["level"] == "error"]


def test_the_last_release_goes_on_where_the_next_cannot_be_opened(
    write_sample: Callable[..., Path], tmp_path: Path
) -> None:
    releases = tmp_path / "releases"
    first = write_sample(releases, title="First").name
    with process(releases, tmp_path / "log") as server:
        broken = write_sample(tmp_path / "others", title="Second")
        (broken / "manifest.json").chmod(0o644)
        broken.chmod(0o755)
        broken.joinpath("manifest.json").write_text("{")
        broken.rename(releases / broken.name)
        link = releases / "next"
        link.symlink_to(broken.name)
        link.rename(releases / "current")
        while not (errors := [line for line in server.lines() if line["level"] == "error"]):
            time.sleep(0.05)
        assert f"{first[:12]} is served" in errors[0]["message"]
        assert server.get("/readyz").json()["release"] == first
        assert server.ask(NAMES).headers["kg-release"] == first
        assert value(server.get("/metrics").text, "kg_release_failures_total") == 1


# --- metrics ---


def families(text: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(text: str, name: str, **labels: str) -> float:
    found = [
        sample.value
        for family in families(text).values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return sum(found)


def test_every_metric_is_told_and_documented(client: TestClient, checkout: Path) -> None:
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    told = families(answer.text)
    counters = {f"{name}_total" for name in COUNTERS}
    assert counters == {f"{name}_total" for name, one in told.items() if one.type == "counter"} - {
        "process_cpu_seconds_total"
    }
    assert {*COUNTERS, *HISTOGRAMS, *GAUGES, *PROCESS} == {
        f"{name}_total" if name == "process_cpu_seconds" else name for name in told
    }
    page = (checkout / "docs/how-to/operate.md").read_text(encoding="utf-8")
    section = page.partition("## Metrics")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `([a-z_]+)", section, re.MULTILINE))
    assert listed == {*counters, *HISTOGRAMS, *GAUGES, *PROCESS}


def test_open_metrics_for_who_asks_for_it(client: TestClient) -> None:
    answer = client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert client.head("/metrics").status_code == 200


def test_queries_are_counted_by_form_and_outcome(releases: Path, settings: Settings) -> None:
    with TestClient(create_app(releases, settings)) as client:

        def count(outcome: str, form: str = "SELECT") -> float:
            text = client.get("/metrics").text
            return value(text, "kg_queries_total", form=form, outcome=outcome)

        def ask(query: str, **headers: str) -> httpx2.Response:
            return client.get("/sparql", params={"query": query}, headers=headers)

        tag = ask(NAMES).headers["etag"]
        ask(NAMES)
        ask(NAMES, **{"if-none-match": tag})
        assert (count("ok"), count("cached"), count("not-modified")) == (1, 1, 1)
        ask("ASK {}")
        assert count("ok", "ASK") == 1
        ask("SELECT")
        ask("ASK { SERVICE <x:a> {} }")
        assert (count("syntax"), count("service", "unknown")) == (1, 1)
        client.get("/graphs?default")
        assert count("ok", "GRAPH") == 1
        client.get("/sparql", headers={"accept": "text/turtle"})
        assert count("ok", "DESCRIPTION") == 1
        client.options("/sparql")
        client.get("/nope")
        text = client.get("/metrics").text
        assert value(text, "kg_requests_total", route="sparql", status="400") == 2
        assert value(text, "kg_requests_total", route="sparql", status="204") == 1
        assert value(text, "kg_requests_total", route="graphs", status="200") == 1
        assert value(text, "kg_requests_total", route="other", status="404") == 1
        assert value(text, "kg_query_seconds_count") == 4
        assert value(text, "kg_query_seconds_bucket", le="+Inf") == 4
        assert (value(text, "kg_cache_hits_total"), value(text, "kg_not_modified_total")) == (1, 1)
        assert value(text, "kg_cache_misses_total") == 5  # one of them was no SPARQL
        assert value(text, "kg_cache_answers") == 4
        assert value(text, "kg_cache_bytes") > 8192
        assert value(text, "kg_sent_bytes_total") > 1000
        assert value(text, "kg_worker_starts_total") >= 1
        assert value(text, "kg_release_info", release=(releases / "current").resolve().name) == 1


def test_counts_do_not_go_down_with_another_release(
    tmp_path: Path, write_sample: Callable[..., Path], settings: Settings
) -> None:
    site = create_app(tmp_path, settings)
    with TestClient(site) as client:
        assert value(client.get("/metrics").text, "kg_ready") == 0
        before: dict[tuple[str, str], float] = {}
        for n, title in enumerate(("First", "Second", "Third")):
            release = write_sample(tmp_path, title=title).name
            assert client.portal is not None
            client.portal.call(site.refresh)
            answer = client.get("/sparql", params={"query": NAMES})
            assert answer.headers["kg-release"] == release
            text = client.get("/metrics").text
            now = {
                (sample.name, json.dumps(sample.labels)): sample.value
                for family in families(text).values()
                if family.type in ("counter", "histogram")
                for sample in family.samples
            }
            assert all(now[name] >= number for name, number in before.items())
            assert value(text, "kg_releases_opened_total") == n + 1
            assert value(text, "kg_queries_total", outcome="ok") == n + 1
            before = now


def test_operations_are_answered_without_a_release(tmp_path: Path, settings: Settings) -> None:
    with TestClient(create_app(tmp_path, settings)) as client:
        assert client.get("/healthz").text == "ok\n"
        assert client.get("/metrics").status_code == 200
        assert client.get("/readyz").status_code == 503
        asked = [("GET", "/sparql?query=ASK%7B%7D"), ("GET", "/graphs?default"), ("GET", "/")]
        for method, path in [*asked, ("POST", "/sparql")]:
            answer = client.request(method, path, headers={"accept": "application/json"})
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert answer.json()["type"].endswith("#busy")


# --- the log ---


def test_the_log_names_queries_without_telling_them(releases: Path, tmp_path: Path) -> None:
    secret = 'SELECT ?secret { ?secret rdfs:label "a very private question" }'
    with process(releases, tmp_path / "log") as server:
        answer = server.ask(secret, headers={"x-request-id": "from-a-proxy"})
        server.ask(secret)
        server.ask(secret + " {")
        server.get("/query", params={"query": secret + " {"}, headers=HTML)
        server.get("/search", params={"q": "a very private question"}, headers=HTML)
        server.get("/doc/agent/private-question")
        server.get("/sparql", params={"query": secret}, headers=HTML)
        server.get("/graphs", params={"graph": "http://private/graph"})
        time.sleep(0.2)
        log = server.log.read_text()
        lines = server.lines()
    assert "secret" not in log
    assert "private" not in log
    assert "127.0.0.1" not in log.replace(server.url, "")
    queries = [line for line in lines if line["message"] == "query"]
    assert [line["outcome"] for line in queries] == ["ok", "syntax", "not-found"]
    first = queries[0]
    assert first.keys() == {
        *("time", "level", "logger", "message", "request", "query", "form", "outcome", "status"),
        *("ms", "bytes", "lane"),
    }
    assert first["request"] == answer.headers["x-request-id"] == "from-a-proxy"
    assert re.fullmatch("[0-9a-f]{16}", first["query"])
    assert (first["form"], first["status"], first["lane"]) == ("SELECT", 200, "fast")
    assert first["bytes"] == len(answer.content)


def test_the_debug_log_tells_all(releases: Path, tmp_path: Path) -> None:
    with process(releases, tmp_path / "log", log_level="debug") as server:
        server.ask("ASK { # very private\n}", headers={"x-forwarded-for": "192.0.2.9"})
        server.ask("ASK { # very private\n}")
        while len(asked := [one for one in server.lines() if one["message"] == "asked"]) < 1:
            time.sleep(0.01)
        queries = [one["outcome"] for one in server.lines() if one["message"] == "query"]
    assert asked[0]["text"] == "ASK { # very private\n}"
    assert asked[0]["client"] == "192.0.2.9"
    assert queries == ["ok", "cached"]


def test_what_clients_do_wrong_is_no_line_of_the_log(releases: Path, tmp_path: Path) -> None:
    with process(releases, tmp_path / "log") as server:
        before = server.log.read_text()
        for sent in (
            b"not HTTP\r\n\r\n",
            b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost",
        ):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1000)
        assert server.ready()
        assert server.log.read_text() == before


def test_pages_have_request_ids_too(client: TestClient) -> None:
    for path in ("/", "/nope", "/metrics", "/doc/event/radar-delivery.ttl"):
        assert re.fullmatch("[0-9a-f]{16}", client.get(path).headers["x-request-id"])
        given = client.get(path, headers={"x-request-id": "n-1"})
        assert given.headers["x-request-id"] == "n-1"


# --- the quota ---


def test_a_client_that_asks_too_much_is_told_when_to_come_again(
    releases: Path, settings: Settings
) -> None:
    limited = Settings(workers=1, client_rate=3)
    with TestClient(create_app(releases, limited)) as client:

        def ask(number: int, **headers: str) -> httpx2.Response:
            query = {"query": f"ASK {{}} # {number}"}
            return client.get("/sparql", params=query, headers=headers)

        tags = [ask(n).headers["etag"] for n in range(3)]
        refused = ask(3)
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["cache-control"] == "no-store"
        assert refused.json()["type"].endswith("#quota")
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        # What costs nothing is free.
        for n, tag in enumerate(tags):
            assert ask(n).status_code == 200
            assert ask(n, **{"if-none-match": tag}).status_code == 304
            form = {"query": f"ASK {{}} # {n}"}
            assert client.post("/sparql", data=form).status_code == 200
        assert client.get("/sparql", params={"query": "ASK {"}).status_code == 429
        assert client.get("/sparql", params={"query": "no query"}).status_code == 400
        assert client.get("/", headers=HTML).status_code == 200
        assert client.get("/healthz").status_code == 200
        # The page with the result of a query is no way round, nor are the graphs.
        query = {"query": "ASK {} # a page"}
        for path in ("/query", "/sparql"):
            page = client.get(path, params=query, headers=HTML)
            assert page.status_code == 429
            assert page.headers["content-type"].startswith("text/html")
            assert page.headers["retry-after"]
        assert client.get("/graphs?default").status_code == 429
        text = client.get("/metrics").text
        assert value(text, "kg_queries_total", outcome="quota") == 3


def test_clients_are_told_apart_by_what_a_trusted_proxy_says(
    releases: Path, tmp_path: Path
) -> None:
    def statuses(server: Process) -> list[int]:
        found = []
        for n, address in enumerate(("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2")):
            headers = {"x-forwarded-for": f"198.51.100.7, {address}"}
            found.append(server.ask(f"ASK {{}} # {n}", headers=headers).status_code)
        return found

    with process(releases, tmp_path / "log", client_rate="1") as server:
        assert statuses(server) == [200, 200, 200, 429]
    with process(
        releases, tmp_path / "log", client_rate="1", trusted_proxies="192.0.2.77"
    ) as server:
        assert statuses(server) == [200, 429, 429, 429]


# --- clients that leave ---


def test_who_leaves_a_page_stops_its_query(releases: Path, tmp_path: Path) -> None:
    with process(releases, tmp_path / "log") as server:

        def running() -> float:
            return value(server.get("/metrics").text, "kg_queries_running")

        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            start = f"GET /query?query={quote(ENDLESS)} HTTP/1.1\r\nHost: x\r\n\r\n"
            connection.sendall(start.encode())
            while not running():
                time.sleep(0.05)
        end = time.monotonic() + 10
        while running():
            assert time.monotonic() < end, "the query goes on"
            time.sleep(0.05)
        assert "Traceback" not in (tmp_path / "log").read_text()


def test_who_leaves_behind_a_page_stops_the_query_that_follows_it(
    releases: Path, tmp_path: Path
) -> None:
    with process(releases, tmp_path / "log") as server:

        def running() -> float:
            return value(server.get("/metrics").text, "kg_queries_running")

        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            page = "GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n"
            asked = f"GET /sparql?query={quote(ENDLESS)} HTTP/1.1\r\nHost: x\r\n\r\n"
            connection.sendall((page + asked).encode())
            assert connection.recv(12) == b"HTTP/1.1 200"
            end = time.monotonic() + 10
            while not running() or time.monotonic() < end - 8:  # the page has gone by then
                time.sleep(0.05)
        while running():
            assert time.monotonic() < end + 10, "the query goes on"
            time.sleep(0.05)


def test_a_page_refuses_a_long_request_so_that_its_client_hears_of_it(
    releases: Path, tmp_path: Path
) -> None:
    with process(releases, tmp_path / "log") as server:
        for path in ("/", "/nothing", "/healthz", "/sparql/x"):
            asked = urllib.request.Request(
                f"http://127.0.0.1:{server.port}{path}", b"x" * (8 << 20)
            )
            with pytest.raises(urllib.error.HTTPError) as refused:  # it says "Connection: close"
                urllib.request.urlopen(asked, timeout=30)
            with refused.value as answer:
                assert answer.code in (404, 405)


# --- the row limit ---


def test_pages_say_that_an_answer_is_cut(releases: Path) -> None:
    limited = Settings(workers=1, row_limit=3)
    with TestClient(create_app(releases, limited)) as client:

        def page(query: str) -> str:
            return client.get("/query", params={"query": query}, headers=HTML).text

        assert "Only the first 3 rows are shown" in page("SELECT ?s { ?s rdfs:label ?l }")
        graph = page("CONSTRUCT WHERE { ?s rdfs:label ?l }")
        assert "more statements than are shown" in graph
        assert "rows are shown" not in graph
        assert "are shown." not in page("SELECT ?s { ?s rdfs:label ?l } LIMIT 3")
        # What the pages themselves ask is not an answer to anybody's query.
        assert client.get("/doc/agent/mira-odan", headers=HTML).status_code == 200
        assert len(client.get("/doc/agent/mira-odan.nt").text.splitlines()) > 3
