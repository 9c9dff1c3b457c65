"""Asks a server for every address of a release, and says which do not resolve.

    python bench/crawl.py [--releases FOLDER] [--clients 4]

Serves a folder of releases (without one it builds the built-in facts) and asks for every IRI below
the base that occurs anywhere in the release, as subject, predicate, object or graph, and for every
term of the ontology: the thing, which has to lead to its document (303), and the document as HTML,
Turtle and JSON-LD. An address resolves if each has the status and the media type that it should
have and if Turtle and JSON-LD are read as the same triples, at least one of which names it. What
was withdrawn has to answer with 410 instead. Ends with 1 if an address does not resolve.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import pyoxigraph as ox

from kg.dumps import dump
from kg.store import current_release, open_release
from kg.vocab import CH, RDF

KG: Final = Path(sys.executable).parent / "kg"
FORMATS: Final = (
    ("text/html", None),
    ("text/turtle", ox.RdfFormat.TURTLE),
    ("application/ld+json", ox.RdfFormat.JSON_LD),
)
READY_S: Final = 60
SHOWN: Final = 50
"""Failures that are printed."""

_local = threading.local()


def ask(port: int, path: str, accept: str) -> tuple[int, str, str, bytes]:
    """Return status, media type, location and body of an answer."""
    connection: http.client.HTTPConnection | None = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Accept": accept})
    answer = connection.getresponse()
    media = answer.headers.get("Content-Type", "").partition(";")[0]
    return answer.status, media, answer.headers.get("Location", ""), answer.read()


def addresses(releases: Path) -> tuple[dict[str, str], set[str]]:
    """Return the path of every address of a release by its IRI, and what was withdrawn."""
    release = open_release(current_release(releases))
    base = release.base_iri
    found: dict[str, str] = {}
    gone = set()
    for quad in ox.parse(dump(release.path, "graph.nq"), format=ox.RdfFormat.N_QUADS):
        for node in (quad.subject, quad.predicate, quad.object, quad.graph_name):
            if not isinstance(node, ox.NamedNode):
                continue
            iri = node.value
            if iri.startswith(base):
                found[iri] = "/" + quote(iri[len(base) :], safe="/%?=&")
            elif iri.startswith(CH) and len(iri) > len(CH):
                found[iri] = "/ontology/" + quote(iri[len(CH) :])
        if quad.predicate.value == RDF + "type" and quad.object == ox.NamedNode(CH + "Tombstone"):
            gone.add(quad.subject.value)
    return found, gone


def kind(path: str) -> str:
    """Return what stands in the table for an address."""
    parts = path.split("/")
    return (
        parts[2] if parts[1] == "id" else {"ontology": "term of the ontology"}.get(parts[1], path)
    )


def trouble(port: int, iri: str, path: str, gone: bool) -> list[str]:
    """Return what is wrong with an address."""
    found = []
    if path.startswith("/id/"):
        status, _, location, _ = ask(port, path, "text/html")
        document = "/doc/" + path.removeprefix("/id/")
        if status != 303 or urlsplit(location).path != document:
            return [f"{status} to {location!r}; expected 303 to {document}"]
        path = document
    expected = 410 if gone else 200
    read: list[frozenset[str]] = []
    for media, form in FORMATS:
        status, given, _, body = ask(port, path, media)
        if status != expected or given != media:
            found.append(f"{media}: {status} {given}; expected {expected}")
        elif form is not None and not gone:
            try:
                read.append(frozenset(str(quad.triple) for quad in ox.parse(body, format=form)))
            except (SyntaxError, ValueError) as error:
                found.append(f"{media}: {error}")
    if len(read) == len(FORMATS) - 1:
        if len(set(read)) > 1:
            found.append(f"Turtle and JSON-LD differ in {len(read[0] ^ read[1])} triples")
        # A graph may be named by no triple: it is what triples stand in.
        named = path.startswith("/doc/graph/") or any(f"<{iri}>" in one for one in read[0])
        if not named:
            found.append("no triple names it")
    return found


@contextlib.contextmanager
def built(given: Path | None) -> Iterator[Path]:
    """Return the folder of releases that is given, or one with the built-in facts."""
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        releases = Path(folder) / "releases"
        subprocess.run([KG, "build", "--out", releases], check=True, stderr=subprocess.DEVNULL)
        yield releases


@contextlib.contextmanager
def served(releases: Path) -> Iterator[int]:
    """Serve a folder of releases on a free port, and return that once it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [KG, "serve", "--releases", releases, "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                probe = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
                probe.request("GET", "/readyz")
                if probe.getresponse().status == 200:
                    break
            time.sleep(0.1)
        else:
            sys.exit(f"kg serve was not ready within {READY_S} s")
        yield port
    finally:
        server.terminate()
        server.wait()


def crawl(releases: Path, clients: int) -> int:
    """Ask for every address, print a table, and return how many do not resolve."""
    found, gone = addresses(releases)
    start = time.perf_counter()
    with served(releases) as port, ThreadPoolExecutor(clients) as pool:
        asked = sorted(found.items())
        answers = pool.map(lambda one: trouble(port, *one, one[0] in gone), asked)
        failed = {}
        for number, ((iri, path), wrong) in enumerate(zip(asked, answers, strict=True), 1):
            if wrong:
                failed[iri] = path, wrong
            if number % 500 == 0:
                print(f"{number} of {len(asked)}", file=sys.stderr, flush=True)
    took = time.perf_counter() - start
    every = Counter(map(kind, found.values()))
    bad = Counter(kind(path) for path, _ in failed.values())
    print(f"{'kind':24} {'addresses':>9} {'failures':>8}")
    for name, count in sorted(every.items(), key=lambda one: (-one[1], one[0])):
        print(f"{name:24} {count:9} {bad[name]:8}")
    print(f"{'all':24} {len(found):9} {len(failed):8}")
    share = 1 - len(failed) / len(found) if found else 0
    print(f"{share:.2%} resolve in HTML, Turtle and JSON-LD; {took:.0f} s with {clients} clients")
    for iri, (_, wrong) in sorted(failed.items())[:SHOWN]:
        print(f"{iri}: {'; '.join(wrong)}")
    return len(failed)


def main() -> None:
    """Crawl the release that is given, or the built-in facts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=Path, help="a folder of releases; built if not given")
    parser.add_argument("--clients", type=int, default=4)
    options = parser.parse_args()
    with built(options.releases) as releases:
        sys.exit(1 if crawl(releases, options.clients) else 0)


if __name__ == "__main__":
    main()
