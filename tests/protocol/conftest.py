"""A small release, made by hand: three graphs, with one triple that stands in two of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pyoxigraph as ox
import pytest

from kg.build import publish
from kg.manifest import FORMAT, GraphEntry, Manifest, Statistics, write_manifest
from kg.resources import folder
from kg.vocab import CH, RDF, RDFS

BASE = "https://kg.example/"
MANY = 60_000
"""Statements of the large graph: an answer with all of them is not complete at once."""


def _graph(key: str) -> str:
    return f"{BASE}id/graph/{key}"


def _quads() -> list[str]:
    label, kind = f"<{RDFS}label>", f"<{RDF}type>"
    lines = []
    for key, name, lang in (
        ("kim-jong-un", "Kim Jong Un", "en"),
        ("kim-jong-un", "কিম জং উন", "bn"),
        ("tass", "TASS", "en"),
        ("tass", "тасс", "ru"),
    ):
        agent, graph = f"<{BASE}id/agent/{key}>", f"<{_graph('registry')}>"
        lines.append(f"{agent} {kind} <{CH}Agent> {graph} .")
        lines.append(f'{agent} {label} "{name}"@{lang} {graph} .')
    lines.append(f"<{BASE}id/agent/tass> {kind} <{CH}Agent> <{_graph('seoul')}> .")
    lines.append(
        f'<{BASE}id/event/visit> {label} "a \\"visit\\",\\nin two lines" <{_graph("seoul")}> .'
    )
    for n in range(MANY):
        lines.append(
            f'<{BASE}id/thing/t{n}> <{CH}number> "{n}"^^<http://www.w3.org/2001/XMLSchema#integer>'
            f" <{_graph('many')}> ."
        )
    return sorted(set(lines))


def make_release(folder: Path, *, union: bool = True, id_: str = "a1b2c3") -> Path:
    """Return the folder of a new release; `union`: its store holds the union of all graphs."""
    release = folder / id_
    release.mkdir(parents=True)
    lines = _quads()
    (release / "store").mkdir()
    store = ox.Store(str(release / "store/quads"))
    store.bulk_load("\n".join(lines).encode(), ox.RdfFormat.N_QUADS)
    triples = {line[: line.rindex(" <")] + " ." for line in lines}
    if union:
        store.bulk_load("\n".join(sorted(triples)).encode(), ox.RdfFormat.N_TRIPLES)
    store.flush()
    del store
    counts: Mapping[str, int] = {
        key: sum(f"<{_graph(key)}> ." in line for line in lines)
        for key in ("registry", "seoul", "many")
    }
    write_manifest(
        release,
        Manifest(
            format=FORMAT,
            id=id_,
            base_iri=BASE,
            title="A small release",
            licence="https://creativecommons.org/licenses/by/4.0/",
            agent="",
            time=None,
            options={},
            versions={},
            inputs=(),
            conforms=True,
            quads=len(lines),
            triples=len(triples),
            graphs=tuple(
                GraphEntry(
                    iri=_graph(key),
                    key=key,
                    quads=count,
                    parts=1,
                    private=False,
                )
                for key, count in sorted(counts.items())
            ),
            classes={},
            public=Statistics(
                triples=1, subjects=1, entities=1, classes={}, properties={}, examples={}
            ),
            sources=(),
            questions=(),
            dumps=(),
            files=(),
        ),
    )
    return release


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small release."""
    return make_release(tmp_path_factory.mktemp("releases"))


@pytest.fixture(scope="session")
def new_release() -> Callable[..., Path]:
    """Return the function that makes a release in a folder."""
    return make_release


class Server:
    """A server in a process of its own that says its address, and a client for it."""

    def __init__(self, log: Path, *command: str, **environment: str) -> None:
        self.log = log
        self._out = log.with_name("out")
        with log.open("wb") as errors, self._out.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, *command],
                stdout=out,
                stderr=errors,
                env={**os.environ, **environment},
            )
        until(lambda: bool(self._address()) or not self.running, "the server does not start")
        assert self.running, log.read_text()
        self.url = self._address()
        self.client = httpx2.Client(base_url=self.url, timeout=60)

    def _address(self) -> str:
        said = self._out.read_text() + self.log.read_text()
        found = re.search(r"http://127\.0\.0\.1:\d+(?=/?[\n\"])", said)
        return found[0] if found else ""

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def workers(self) -> set[int]:
        """Return the process ids of the workers: what the children of the server have forked."""
        return {worker for nursery in children(self.pid) for worker in children(nursery)}

    def busy(self) -> set[int]:
        """Return the process ids of the workers that use a core at the moment."""
        before = {pid: cpu(pid) for pid in self.workers()}
        time.sleep(0.2)
        return {pid for pid, ticks in before.items() if cpu(pid) > ticks + 5}

    def get(self, query: str, **options: Any) -> httpx2.Response:
        """Return the answer to a query by GET."""
        params = {"query": query, **options.pop("params", {})}
        return self.client.get("/sparql", params=params, **options)

    def values(self, query: str) -> list[str]:
        """Return the values of the first variable."""
        answer = self.get(query)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        name = found["head"]["vars"][0]
        return [row[name]["value"] for row in found["results"]["bindings"]]

    def close(self) -> None:
        self.client.close()
        self._process.terminate()
        self._process.wait(20)


def children(pid: int) -> set[int]:
    """Return the process ids of the children of a process; none if it is gone."""
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except (FileNotFoundError, ProcessLookupError):
        return set()


def cpu(pid: int) -> int:
    """Return the ticks of processor time that a process has used, or 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(fields[11]) + int(fields[12])


@pytest.fixture(scope="session")
def start(
    release: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Server]]:
    """Return the function that serves the small release with some limits until the tests end."""
    servers: list[Server] = []

    def start(**limits: object) -> Server:
        log = tmp_path_factory.mktemp("server") / "log"
        endpoint = str(Path(__file__).with_name("serve.py"))
        servers.append(Server(log, endpoint, str(release), json.dumps(limits)))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of releases: the built-in facts."""
    out = tmp_path_factory.mktemp("built")
    published, _ = publish([folder("facts")], out, base="https://chancery.example/")
    assert published is not None
    return out


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Return the function that runs `kg serve` on a folder of releases until the tests end."""
    servers: list[Server] = []

    def serve(releases: Path, **settings: object) -> Server:
        log = tmp_path_factory.mktemp("site") / "log"
        environment = {f"KG_{name.upper()}": str(value) for name, value in settings.items()}
        command = ("-m", "kg", "serve", "--releases", str(releases), "--port", "0")
        servers.append(Server(log, *command, **environment))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def server(start: Callable[..., Server]) -> Server:
    """Return an endpoint with short deadlines."""
    return start(workers=2, timeout_s=3, memory_mib=256)


def until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Return when a condition holds; fail if it does not in a long time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """Return the function that waits for a condition."""
    return until
