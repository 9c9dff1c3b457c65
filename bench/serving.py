"""Measures `kg serve` beside other SPARQL servers, on the same data, in the same run.

    python bench/serving.py [PART…] [--claims 100000] [--rounds 3] [--seconds 4] [--json FILE]

Parts: lookups, rows, aggregates, hostile, queue, memory; all by default. Servers take turns,
several rounds of each; a ratio is taken within a round, so that what else the machine does hits
both. The peers are the extra `bench`; look-ups need `wrk`. How to read the table: bench/README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import importlib.metadata
import json
import os
import platform
import random
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from generate import CLAIMS, DATA, release_of

BIN: Final = Path(sys.executable).parent
PARTS: Final = ("lookups", "rows", "aggregates", "hostile", "queue", "memory")
JSON: Final = "application/sparql-results+json"
CH: Final = "https://w3id.org/chancery/ontology#"
LABEL: Final = "http://www.w3.org/2000/01/rdf-schema#label"
PREFIXES: Final = f"PREFIX ch: <{CH}>\nPREFIX rdfs: <{LABEL.removesuffix('label')}>\n"
LOOKUPS: Final = (
    ("?x a ch:Claim", "SELECT ?v WHERE { <$x> <$ch:stance> ?v }"),
    ("?x a ch:Claim ; ch:claimant ?a", "SELECT ?v WHERE { <$x> <$ch:claimant> ?v }"),
    ("?x a ch:Agent", 'SELECT ?v WHERE { <$x> <$label> ?v FILTER(LANG(?v) = "en") }'),
)
"""Of what is asked, and questions with one row for an answer."""
DISTINCT: Final = 30_000
"""Look-ups in a list; the servers are asked one after the other, round and round."""
ASKED: Final = 1000
"""Questions while the queue is full."""
HOT: Final = 100
"""Look-ups in the list that is answered from a cache."""
ROWS: Final = "SELECT ?s ?p ?o WHERE { ?s ?p ?o } LIMIT 100000"
AGGREGATES: Final[Mapping[str, str]] = {
    "claims": "SELECT (COUNT(*) AS ?n) WHERE { ?c a ch:Claim }",
    "claims by stance": "SELECT ?s (COUNT(?c) AS ?n) WHERE { ?c ch:stance ?s } GROUP BY ?s",
    "by stance and modality": "SELECT ?s ?m (COUNT(*) AS ?n) WHERE "
    "{ ?c ch:stance ?s ; ch:modality ?m } GROUP BY ?s ?m ORDER BY DESC(?n)",
    "loudest speakers": "SELECT ?a (COUNT(?c) AS ?n) WHERE { ?c ch:claimant ?a } "
    "GROUP BY ?a ORDER BY DESC(?n) ?a LIMIT 20",
    "events by type and status": "SELECT ?t ?s (COUNT(?e) AS ?n) WHERE "
    "{ ?e a ch:Event ; ch:eventType ?t ; ch:status ?s } GROUP BY ?t ?s",
    "who denies": "SELECT (COUNT(DISTINCT ?a) AS ?n) WHERE "
    "{ ?c ch:stance ch:stance-denies ; ch:claimant ?a }",
}
HOSTILE: Final[Mapping[str, str]] = {
    "count of a product": "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "order of a product": "SELECT * WHERE { ?a a ?c . ?d ?e ?f } ORDER BY ?f ?a LIMIT 10",
    "distinct of a product": "SELECT DISTINCT ?a ?f WHERE { ?a ?b ?c . ?d ?e ?f }",
    "every path": "SELECT (COUNT(*) AS ?n) WHERE { ?a (!<urn:x>)+ ?b }",
    "regex of a product": "SELECT ?a WHERE { ?a ?b ?c . ?d ?e ?f "
    'FILTER(REGEX(CONCAT(STR(?c), STR(?f)), "(x+x+)+y.*z$")) }',
    "one long text": "SELECT (GROUP_CONCAT(STR(?f)) AS ?t) WHERE { ?a ?b ?c . ?d ?e ?f }",
    "doubled text": "SELECT (STRLEN(?z) AS ?n) WHERE { BIND('0123456789' AS ?x0) "
    + " ".join(f"BIND(CONCAT(?x{n}, ?x{n}) AS ?x{n + 1})" for n in range(32))
    + " BIND(?x32 AS ?z) }",
    "many groups": "SELECT ?a ?f (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f } GROUP BY ?a ?f",
    "endless rows": "SELECT * WHERE { ?a ?b ?c . ?d ?e ?f }",
    "all of it, read slowly": "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }",
    "deep nesting": "SELECT * WHERE " + "{" * 10_000 + "}" * 10_000,
    "many patterns": "SELECT * WHERE { "
    + " . ".join(f"?v{n} ?p{n} ?o{n}" for n in range(60))
    + " }",
}
SLOW_READER: Final = "all of it, read slowly"
CROWD: Final = 8
"""Hostile clients in the rows "beside eight of"; they have one address, and ask again at once."""
CROWDED: Final = ("count of a product", "order of a product", "endless rows")
ELSEWHERE: Final = "127.0.0.2"
"""The address that hostile clients come from; the well-behaved one has 127.0.0.1."""
RATE: Final = 100
"""Look-ups a second of the well-behaved client."""
MEMORY_MIB: Final = 512
"""The setting query_memory_mib: what each worker may use on top of the open store."""
PEER_MEMORY: Final = 6 << 30
"""Address space of a peer while it is asked hostile queries, so that the machine survives."""


# --- servers --------------------------------------------------------------------------------


@dataclass
class Server:
    """A server that runs: its name, where queries go, and the process."""

    name: str
    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        return int(urllib.parse.urlsplit(self.url).port or 0)

    @property
    def path(self) -> str:
        return urllib.parse.urlsplit(self.url).path

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def processes(self) -> list[int]:
        """Return the pids of the server and of all that it started, parents before children."""
        found = [self.process.pid]
        for pid in found:
            found += self._children(pid)
        return found

    def workers(self) -> int:
        """Return the number of processes that the server started and that started no other."""
        return sum(not self._children(pid) for pid in self.processes()[1:])

    @staticmethod
    def _children(pid: int) -> list[int]:
        children: list[int] = []
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                children += map(int, (task / "children").read_text(encoding="ascii").split())
        return children

    def cpu(self) -> float:
        """Return the seconds of processor time that the processes have used."""
        ticks = 0
        for pid in self.processes():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
                ticks += sum(map(int, fields.rpartition(") ")[2].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self) -> list[float]:
        """Return the proportional set size of each process in MiB, the server's own first."""
        sizes = []
        for pid in self.processes():
            with contextlib.suppress(OSError):
                text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
                line = next(x for x in text.splitlines() if x.startswith("Pss:"))
                sizes.append(int(line.split()[1]) / 1024)
        return sizes

    def ask(self, query: str, accept: str = JSON, timeout: float = 600) -> bytes:
        """Return the whole answer to a query."""
        data = urllib.parse.urlencode({"query": query}).encode()
        request = urllib.request.Request(self.url, data, {"Accept": accept})
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return bytes(response.read())


@dataclass(frozen=True)
class Kind:
    """How a server is started."""

    name: str
    path: str
    command: Callable[[int], Sequence[str | Path]]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_s: float = 60


def ours(releases: Path, **settings: object) -> Kind:
    """Return `kg serve` with some settings by name."""
    return Kind(
        "kg serve",
        "/sparql",
        lambda port: [BIN / "kg", "serve", "--releases", releases, "--port", str(port)],
        {f"KG_{name.upper()}": str(value) for name, value in settings.items()},
    )


def oxigraph(releases: Path) -> Kind:
    """Return the Oxigraph server on the store of the release; default settings."""
    store = releases / "current" / "store" / "quads"
    return Kind(
        "oxigraph",
        "/query",
        lambda port: [
            *(BIN / "oxigraph", "serve-read-only"),
            *("--location", store, "--bind", f"127.0.0.1:{port}"),
        ],
    )


def rdflib_endpoint(releases: Path) -> Kind:
    """Return rdflib-endpoint with the dump of the release in memory."""
    dump = (releases / "current").resolve() / "downloads" / "graph.nq"
    return Kind(
        "rdflib-endpoint",
        "/",
        lambda port: [BIN / "rdflib-endpoint", "serve", "--port", str(port), dump],
        ready_s=1200,
    )


@contextlib.contextmanager
def running(kind: Kind, memory: int | None = None) -> Iterator[Server]:
    """Yield a server that answers; it and all that it started are ended afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def limit() -> None:
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                list(map(str, kind.command(port))),
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **kind.environment},
                start_new_session=True,
                preexec_fn=limit,
            )
        server = Server(kind.name, f"http://127.0.0.1:{port}{kind.path}", process, log)
        try:
            end = time.monotonic() + kind.ready_s
            while True:
                try:
                    server.ask("ASK {}", timeout=5)
                    break
                except OSError:
                    if not server.alive or time.monotonic() > end:
                        tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                        sys.exit(f"{kind.name} does not answer:\n{tail}")
                    time.sleep(0.05)
            yield server
        finally:
            pids = server.processes()
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


# --- clients --------------------------------------------------------------------------------

_LUA: Final = """
local requests, n = {}, 0
function init(args)
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", line, {["Accept"] = args[2]})
  end
end
function request()
  n = n % #requests + 1
  return requests[n]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('\\nRESULT {"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f,'
    .. ' "errors": %d}\\n', summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def wrk(server: Server, lines: Path, seconds: float, connections: int = 8) -> dict[str, float]:
    """Return what wrk says of a run over a list of query strings."""
    script = lines.with_name("requests.lua")
    script.write_text(_LUA, encoding="utf-8")
    prefixed = lines.with_name(f"{lines.stem}-{server.name.replace(' ', '-')}.txt")
    text = lines.read_text(encoding="ascii")
    prefixed.write_text(
        "".join(f"{server.path}?query={line}\n" for line in text.splitlines()), encoding="ascii"
    )
    before = server.cpu()
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "30s", "-s", script,
         f"http://127.0.0.1:{server.port}", "--", prefixed, JSON],
        capture_output=True, text=True,
    )  # fmt: skip
    spent = server.cpu() - before
    found = [x for x in done.stdout.splitlines() if x.startswith("RESULT ")]
    if not found:
        sys.exit(f"wrk failed:\n{done.stdout}{done.stderr}")
    result: dict[str, float] = json.loads(found[0].removeprefix("RESULT "))
    result["rate"] = result["requests"] / result["seconds"]
    result["cpu_us"] = spent / max(1, result["requests"]) * 1e6
    return result


def request_bytes(server: Server, query: str, accept: str, *, close: bool) -> bytes:
    """Return a GET request for a query, as it goes over the wire."""
    target = f"{server.path}?query={urllib.parse.quote(query, safe='')}"
    if len(target) > 8000:
        body = urllib.parse.urlencode({"query": query})
        head = f"POST {server.path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        head += f"Content-Length: {len(body)}\r\n"
    else:
        head, body = f"GET {target} HTTP/1.1\r\n", ""
    head += f"Host: 127.0.0.1:{server.port}\r\nAccept: {accept}\r\n"
    return (head + ("Connection: close\r\n" if close else "") + "\r\n" + body).encode()


def fetch(server: Server, request: bytes) -> int:
    """Return the bytes of an answer, read as fast as they come and thrown away.

    Raises:
        OSError: the answer is no success, or not whole.
    """
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection:
        connection.sendall(request)
        buffer = bytearray(1 << 20)
        view = memoryview(buffer)
        size, head, end = 0, b"", b""
        while count := connection.recv_into(buffer):
            if size == 0:
                head = bytes(view[: min(count, 4000)])
            end = (end + bytes(view[max(0, count - 8) : count]))[-8:]
            size += count
    whole = end.endswith(b"0\r\n\r\n") or b"content-length" in head.lower()
    if b" 200 " not in head[:20] or not whole:
        raise OSError(f"{server.name}: {head[:200]!r} … {end!r}")
    return size


def steady(port: int, file: Path, rate: float, seconds: float) -> dict[str, Any]:
    """Return latencies in ms and failures of a client that asks at a fixed rate.

    A latency counts from the moment at which the request should have been sent.
    """
    import http.client

    paths = file.read_text(encoding="ascii").splitlines()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    latencies, failures = [], []
    start = time.perf_counter()
    for n in range(int(rate * seconds)):
        due = start + n / rate
        if (wait := due - time.perf_counter()) > 0:
            time.sleep(wait)
        if time.perf_counter() > start + 4 * seconds:
            failures.append("the client gave up")
            break
        try:
            connection.request("GET", paths[n % len(paths)], headers={"Accept": JSON})
            response = connection.getresponse()
            body = response.read()
            if response.status != 200 or not body.endswith(b"}"):
                failures.append(f"{response.status}: {body[:200]!r}")
        except (OSError, http.client.HTTPException) as error:
            failures.append(repr(error))
            connection.close()
        latencies.append((time.perf_counter() - due) * 1e3)
    return {"latencies": latencies, "failures": failures}


def well_behaved(server: Server, lines: Path, seconds: float) -> dict[str, Any]:
    """Return what a well-behaved client sees, which is a process of its own."""
    paths = lines.with_name(f"{lines.stem}-{server.name.replace(' ', '-')}.txt")
    text = lines.read_text(encoding="ascii")
    paths.write_text(
        "".join(f"{server.path}?query={line}\n" for line in text.splitlines()), encoding="ascii"
    )
    done = subprocess.run(
        [sys.executable, __file__, "--steady", f"{server.port}", paths, f"{seconds}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    seen = json.loads(done.stdout)
    ordered = sorted(seen["latencies"])
    return {
        "asked": len(ordered),
        "failed": len(seen["failures"]),
        "why": seen["failures"][:1],
        "p50_ms": ordered[len(ordered) // 2],
        "p99_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
    }


class Attack:
    """Clients at one address that send a query over and over, until they are told to stop."""

    def __init__(self, server: Server, query: str, clients: int, *, slowly: bool) -> None:
        accept = "application/n-triples" if query.startswith("CONSTRUCT") else JSON
        self._request = request_bytes(server, query, accept, close=True)
        self._server = server
        self._slowly = slowly
        self._stop = threading.Event()
        self.statuses: list[str] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def __enter__(self) -> Attack:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            status = "no connection"
            try:
                with socket.create_connection(
                    ("127.0.0.1", self._server.port), 2, (ELSEWHERE, 0)
                ) as connection:
                    connection.settimeout(0.2)
                    connection.sendall(self._request)
                    status = self._read(connection)
            except OSError:
                pass
            self.statuses.append(status)
            self._stop.wait(0.05 if status in ("200", "left") else 0.2)

    def _read(self, connection: socket.socket) -> str:
        status = "left"
        while not self._stop.is_set():
            try:
                data = connection.recv(1024 if self._slowly else 1 << 18)
            except TimeoutError:
                continue
            if not data:
                return status
            if status == "left":
                status = data[9:12].decode("ascii", "replace")
            if self._slowly:
                self._stop.wait(0.2)
        return "left" if status == "left" else f"{status}, left"


# --- what is measured -----------------------------------------------------------------------


@dataclass
class Row:
    """One line of the table: our figure, the peer's, their ratio and the goal."""

    what: str
    ours: str
    peer: str
    ratio: float | None
    spread: str
    goal: str
    met: bool | None


@dataclass
class Bench:
    """One run: the data, the options, and what was found."""

    releases: Path
    tenth: Path
    small: Path
    work: Path
    rounds: int
    seconds: float
    peers: Sequence[str]
    table: list[Row] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        self.table.append(row)
        show(row)

    # Look-ups

    def questions(self, releases: Path) -> tuple[Path, Path]:
        """Return the files of distinct and of hot look-ups, one encoded query on each line."""
        which = "all" if releases == self.releases else "tenth"
        cold, hot = self.work / f"cold-{which}.txt", self.work / f"hot-{which}.txt"
        if not cold.exists():
            import pyoxigraph

            store = pyoxigraph.Store.read_only(str(releases / "current" / "store" / "quads"))
            chosen = random.Random(1)
            queries = []
            for which, pattern in LOOKUPS:
                every = f"SELECT ?x WHERE {{ {which} }} GROUP BY ?x HAVING(COUNT(*) = 1)"
                found = store.query(PREFIXES + every)
                assert isinstance(found, pyoxigraph.QuerySolutions)
                iris = sorted(row["x"].value for row in found)
                some = chosen.sample(iris, min(len(iris), DISTINCT // len(LOOKUPS)))
                known = pattern.replace("$ch:", CH).replace("$label", LABEL)
                queries += [known.replace("$x", iri) for iri in some]
            chosen.shuffle(queries)
            lines = [urllib.parse.quote(query, safe="") + "\n" for query in queries]
            cold.write_text("".join(lines), encoding="ascii")
            hot.write_text("".join(lines[:HOT]), encoding="ascii")
        return cold, hot

    def lookups(self) -> None:
        cold, hot = self.questions(self.releases)
        with contextlib.ExitStack() as stack:
            servers = {
                "uncached": stack.enter_context(running(ours(self.releases, cache_mib=0))),
                "cached": stack.enter_context(running(ours(self.releases))),
                "oxigraph": stack.enter_context(running(oxigraph(self.releases))),
            }
            self._same_answers(servers, cold)
            runs: dict[str, list[dict[str, float]]] = {name: [] for name in servers}
            for number in range(self.rounds + 1):
                for name, server in servers.items():
                    seen = wrk(server, hot if name == "cached" else cold, self.seconds)
                    if number:  # the first round warms up
                        runs[name].append(seen)
            for name, goal in (("uncached", 0.25), ("cached", 0.7)):
                self._rates(f"one-row look-ups, {name}", runs[name], runs["oxigraph"], goal)
            self.raw["lookups"] = runs
        if "rdflib-endpoint" in self.peers:
            self._lookups_of_a_tenth()

    def _lookups_of_a_tenth(self) -> None:
        """Compare with a server that holds its data in memory: 5 GB and minutes for all of it."""
        cold, _ = self.questions(self.tenth)
        with (
            running(ours(self.tenth, cache_mib=0)) as own,
            running(rdflib_endpoint(self.tenth)) as peer,
        ):
            self._same_answers({"ours": own, "peer": peer}, cold)
            runs: dict[str, list[dict[str, float]]] = {"ours": [], "peer": []}
            for number in range(self.rounds + 1):
                for name, server in (("ours", own), ("peer", peer)):
                    seen = wrk(server, cold, self.seconds)
                    if number:
                        runs[name].append(seen)
        self.raw["lookups of a tenth"] = runs
        what = "one-row look-ups, uncached, a tenth of the data"
        self._rates(what, runs["ours"], runs["peer"], 5, peer.name)

    def _same_answers(self, servers: Mapping[str, Server], lines: Path) -> None:
        for line in lines.read_text(encoding="ascii").splitlines()[:30]:
            query = urllib.parse.unquote(line)
            answers = {
                name: rows_of(json.loads(server.ask(query))) for name, server in servers.items()
            }
            if (
                len(set(map(str, answers.values()))) != 1
                or len(min(answers.values(), key=len)) != 1
            ):
                sys.exit(f"the servers do not agree on {query}\n{answers}")

    def _rates(
        self,
        what: str,
        own: Sequence[Mapping[str, float]],
        peer: Sequence[Mapping[str, float]],
        goal: float,
        name: str = "oxigraph",
    ) -> None:
        ratios = [a["rate"] / b["rate"] for a, b in zip(own, peer, strict=True)]
        errors = sum(run["errors"] for run in own)

        def shown(runs: Sequence[Mapping[str, float]]) -> str:
            rate, cpu = (statistics.median(run[key] for run in runs) for key in ("rate", "cpu_us"))
            return f"{rate:,.0f}/s, {cpu:.0f} µs each"

        self.add(
            Row(
                f"{what}, 8 connections, to {name}" + (f"; {errors:.0f} errors" if errors else ""),
                shown(own),
                shown(peer),
                statistics.median(ratios),
                f"{min(ratios):.2f} to {max(ratios):.2f}",
                f"at least {goal}",
                statistics.median(ratios) >= goal and not errors,
            )
        )

    # Many rows

    def rows(self) -> None:
        with (
            running(ours(self.releases, cache_mib=0)) as own,
            running(oxigraph(self.releases)) as peer,
        ):
            for media_type, connections in (
                (JSON, 1),
                (JSON, 4),
                ("text/csv", 1),
                ("text/tab-separated-values", 1),
            ):
                taken: dict[str, list[float]] = {"ours": [], "peer": []}
                for number in range(self.rounds + 1):
                    for key, server in (("ours", own), ("peer", peer)):
                        request = request_bytes(server, ROWS, media_type, close=True)
                        seconds = self._fetched(server, request, connections)
                        if number:
                            taken[key].append(seconds)
                ratios = [b / a for a, b in zip(taken["ours"], taken["peer"], strict=True)]
                name = media_type.rpartition("/")[2].removeprefix("sparql-results+")
                self.raw[f"rows, {name}, {connections}"] = taken
                self.add(
                    Row(
                        f"100,000 rows, {name}, {connections} connections, to oxigraph",
                        f"{statistics.median(taken['ours']):.2f} s",
                        f"{statistics.median(taken['peer']):.2f} s",
                        statistics.median(ratios),
                        f"{min(ratios):.2f} to {max(ratios):.2f}",
                        "at least 0.85",
                        statistics.median(ratios) >= 0.85,
                    )
                )

    def _fetched(self, server: Server, request: bytes, connections: int) -> float:
        """Return the seconds that an answer takes when several are fetched at once."""
        each = 2
        failed: list[OSError] = []

        def run() -> None:
            try:
                for _ in range(each):
                    fetch(server, request)
            except OSError as error:
                failed.append(error)

        threads = [threading.Thread(target=run) for _ in range(connections)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            sys.exit(str(failed[0]))
        return (time.perf_counter() - start) / each

    # Aggregates

    def aggregates(self) -> None:
        store = str((self.releases / "current" / "store" / "quads").resolve())
        with (
            running(ours(self.releases, cache_mib=0)) as own,
            bare(store) as ask,
        ):
            for name, query in AGGREGATES.items():
                text = PREFIXES + query
                taken: dict[str, list[float]] = {"ours": [], "peer": []}
                for number in range(self.rounds + 3):
                    start = time.perf_counter()
                    one = own.ask(text)
                    middle = time.perf_counter()
                    two = ask(text)
                    end = time.perf_counter()
                    if number:
                        taken["ours"].append(middle - start)
                        taken["peer"].append(end - middle)
                    if rows_of(json.loads(one)) != rows_of(json.loads(two)):
                        sys.exit(f"the answers to {query} differ")
                ratios = [a / b for a, b in zip(taken["ours"], taken["peer"], strict=True)]
                self.raw[f"aggregate, {name}"] = taken
                self.add(
                    Row(
                        f"aggregate: {name}, to bare pyoxigraph",
                        f"{statistics.median(taken['ours']) * 1e3:.0f} ms",
                        f"{statistics.median(taken['peer']) * 1e3:.0f} ms",
                        statistics.median(ratios),
                        f"{min(ratios):.2f} to {max(ratios):.2f}",
                        "at most 1.3",
                        statistics.median(ratios) <= 1.3,
                    )
                )

    # Hostile queries

    def hostile(self) -> None:
        cold, _ = self.questions(self.releases)
        kinds = [ours(self.releases, cache_mib=0, query_memory_mib=MEMORY_MIB)]
        if "oxigraph" in self.peers:
            kinds.append(oxigraph(self.releases))
        attacks = [(name, 1) for name in HOSTILE] + [(name, CROWD) for name in CROWDED]
        found: dict[str, dict[str, dict[str, Any]]] = {}
        peaks: list[float] = []
        with running(kinds[0]) as own:
            base = sum(own.memory())
            promise = base + own.workers() * MEMORY_MIB
            for name, clients in attacks:
                title = f"p99 beside: {name}" if clients == 1 else f"p99 beside {CROWD} of: {name}"
                found[title] = {"ours": self._attacked(own, cold, name, clients, peaks)}
            self.raw["memory under attack"] = {
                "base": base,
                "peak": max(peaks),
                "promise": promise,
            }
        for kind in kinds[1:]:
            for (name, clients), both in zip(attacks, found.values(), strict=True):
                with running(
                    kind, PEER_MEMORY
                ) as peer:  # anew: some go on when the client has gone
                    both["peer"] = self._attacked(peer, cold, name, clients, [])
        self.raw["hostile"] = found
        idle = {
            who: statistics.median(
                one[who]["idle"]["p99_ms"] for one in found.values() if who in one
            )
            for who in ("ours", "peer")
            if any(who in one for one in found.values())
        }
        for title, both in found.items():
            own_ratio = both["ours"]["busy"]["p99_ms"] / idle["ours"]
            met = own_ratio <= 5 and not both["ours"]["busy"]["failed"] and both["ours"]["alive"]
            self.add(
                Row(
                    title,
                    attacked_text(both["ours"], idle["ours"]),
                    attacked_text(both["peer"], idle["peer"]) if "peer" in both else "",
                    own_ratio,
                    f"idle {idle['ours']:.1f} ms",
                    "at most 5, none failed",
                    met,
                )
            )
        peak = max(peaks)
        self.add(
            Row(
                "memory under all of these (PSS, all processes)",
                f"{peak:,.0f} MiB, base {base:,.0f}",
                "",
                None,
                "",
                f"at most {promise:,.0f} MiB",
                peak <= promise,
            )
        )

    def _attacked(
        self, server: Server, lines: Path, name: str, clients: int, peaks: list[float]
    ) -> dict[str, Any]:
        idle = well_behaved(server, lines, self.seconds / 2)
        watching = threading.Event()

        def watch() -> None:
            while not watching.wait(0.25):
                peaks.append(sum(server.memory()))

        watcher = threading.Thread(target=watch)
        watcher.start()
        with Attack(server, HOSTILE[name], clients, slowly=name == SLOW_READER) as attack:
            time.sleep(0.5)
            try:
                busy = well_behaved(server, lines, self.seconds)
            except subprocess.CalledProcessError as error:
                sys.exit(error.stderr)
        watching.set()
        watcher.join()
        before, start = server.cpu(), time.perf_counter()
        time.sleep(2)
        before, start = server.cpu(), time.perf_counter()
        time.sleep(1)
        load = (server.cpu() - before) / (time.perf_counter() - start)
        return {
            "idle": idle,
            "busy": busy,
            "alive": server.alive,
            "load_after_2_s": load,
            "answers": {x: attack.statuses.count(x) for x in sorted(set(attack.statuses))},
        }

    # Memory

    def queue(self) -> None:
        """Measure how soon a client whose places in the queue are taken is told so."""
        query = HOSTILE["count of a product"]
        settings = {"workers": 1, "spare_workers": 0, "query_queue": 4}
        taken: list[float] = []
        with running(ours(self.small, **settings)) as own, Attack(own, query, 40, slowly=False):
            time.sleep(2)
            for number in range(ASKED):
                connection = http.client.HTTPConnection(
                    "127.0.0.1", own.port, timeout=60, source_address=(ELSEWHERE, 0)
                )
                began = time.perf_counter()
                connection.request("GET", f"{own.path}?query=ASK%7B%7D%23{number}")
                answer = connection.getresponse()
                answer.read()
                if answer.status == 503:
                    taken.append((time.perf_counter() - began) * 1000)
                connection.close()
        self.raw["full queue"] = taken
        taken.sort()
        self.add(
            Row(
                f"503 where the queue is full, {len(taken)} of {ASKED} questions",
                f"median {statistics.median(taken):.1f} ms, p99 {taken[-len(taken) // 100]:.1f} ms",
                "",
                None,
                f"at most {taken[-1]:.1f} ms",
                "within 50 ms",
                taken[-1] < 50,
            )
        )

    def memory(self) -> None:
        for what, releases in (
            ("the built-in facts", self.small),
            ("the large data", self.releases),
        ):
            with running(ours(releases)) as own:
                time.sleep(2)
                sizes = own.memory()
                total = sum(sizes)
                workers = ", ".join(f"{size:.0f}" for size in sizes[1:])
                self.raw[f"memory, {what}"] = sizes
                self.add(
                    Row(
                        f"memory of the idle server, {what} (PSS)",
                        f"{total:.0f} MiB: {sizes[0]:.0f}; others {workers}",
                        "",
                        None,
                        "",
                        "under 150 MB",
                        total * 1.048576 < 150,
                    )
                )
                if releases == self.releases:
                    cold, _ = self.questions(self.releases)
                    wrk(own, cold, self.seconds)
                    after = own.memory()
                    self.raw[f"memory after look-ups, {what}"] = after
                    self.add(
                        Row(
                            "memory after some thousand look-ups (PSS)",
                            f"{sum(after):.0f} MiB: {after[0]:.0f}; others "
                            + ", ".join(f"{size:.0f}" for size in after[1:]),
                            "",
                            None,
                            "",
                            "",
                            None,
                        )
                    )


def attacked_text(seen: Mapping[str, Any], idle: float) -> str:
    """Return in words what a well-behaved client saw beside a hostile one."""
    busy = seen["busy"]
    text = f"{busy['p99_ms']:.1f} ms ({busy['p99_ms'] / idle:.1f}×)"
    if busy["failed"]:
        text += f", {busy['failed']} of {busy['asked']} failed"
    if not seen["alive"]:
        text += ", the server died"
    elif seen["load_after_2_s"] > 0.2:
        text += f", then {seen['load_after_2_s']:.1f} cores busy"
    return text


def rows_of(document: Mapping[str, Any]) -> list[str]:
    """Return the solutions of a result in one order; xsd:string is no datatype."""
    rows = []
    for row in document["results"]["bindings"]:
        rows.append(
            json.dumps({k: (v["type"], v["value"]) for k, v in row.items()}, sort_keys=True)
        )
    return sorted(rows)


@contextlib.contextmanager
def bare(store: str) -> Iterator[Callable[[str], bytes]]:
    """Yield a function that has a plain Python process answer a query with pyoxigraph."""
    with subprocess.Popen(
        [sys.executable, __file__, "--bare", store], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        sent, got = process.stdin, process.stdout

        def ask(query: str) -> bytes:
            sent.write(json.dumps(query).encode() + b"\n")
            sent.flush()
            return got.read(int(got.readline()))

        yield ask
        sent.close()


def answer_bare(path: str) -> None:
    """Answer queries that come as JSON lines: the length of the answer, and the answer."""
    import pyoxigraph

    store = pyoxigraph.Store.read_only(path)
    for line in sys.stdin.buffer:
        answer = store.query(json.loads(line))
        assert isinstance(answer, pyoxigraph.QuerySolutions)
        body = answer.serialize(format=pyoxigraph.QueryResultsFormat.JSON) or b""
        sys.stdout.buffer.write(b"%d\n%s" % (len(body), body))
        sys.stdout.buffer.flush()


def show(row: Row) -> None:
    """Print one line of the table."""
    ratio = "" if row.ratio is None else f"{row.ratio:7.2f}"
    verdict = "" if row.met is None else "yes" if row.met else "NO"
    print(
        f"{row.what:58} {row.ours:34} {row.peer:40} {ratio:7} {row.spread:16} "
        f"{row.goal:24} {verdict}",
        flush=True,
    )


def small_release(data: Path) -> Path:
    """Return the folder of releases of the built-in facts, built if need be."""
    out = data / "built-in"
    subprocess.run([BIN / "kg", "build", "--out", out], check=True, capture_output=True)
    return out


def versions() -> dict[str, str]:
    """Return what the figures depend on."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    cpus = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = next((x for x in cpus.splitlines() if x.startswith("model name")), ": unknown")
    found["processors"] = f"{len(os.sched_getaffinity(0))} × {model.partition(': ')[2].strip()}"
    for name in ("chancery-kg", "pyoxigraph", "oxigraph", "rdflib", "rdflib-endpoint", "uvicorn"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=(*PARTS, []), metavar="PART")
    parser.add_argument("--claims", type=int, default=CLAIMS)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--without", action="append", default=[], help="a peer to leave out")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--steady", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--bare", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        return answer_bare(options.bare)
    if options.steady:
        port, file, seconds = options.steady
        print(json.dumps(steady(int(port), Path(file), RATE, float(seconds))))
        return None
    parts = options.parts or PARTS
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk (Debian, Ubuntu), or see github.com/wg/wrk")
    peers = [p for p in ("oxigraph", "rdflib-endpoint") if p not in options.without]
    for peer in ("oxigraph", *peers):
        if not (BIN / peer).exists():
            sys.exit(f"{peer} is missing: pip install -e '.[bench]' -c constraints.txt")
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"note: the machine is not idle (load {load:.1f})", file=sys.stderr)
    facts = versions()
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    with tempfile.TemporaryDirectory() as work:
        bench = Bench(
            releases=release_of(options.claims, options.data),
            tenth=release_of(options.claims // 10, options.data),
            small=small_release(options.data),
            work=Path(work),
            rounds=options.rounds,
            seconds=options.seconds,
            peers=peers,
        )
        for part in parts:
            getattr(bench, part)()
    if options.json:
        value = {
            "versions": facts,
            "claims": options.claims,
            "load": load,
            "rows": [asdict(row) for row in bench.table],
            "raw": bench.raw,
        }
        options.json.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
    return None


if __name__ == "__main__":
    main()
