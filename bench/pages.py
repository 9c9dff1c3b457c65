"""Measures pages of things: how long a reader waits, for a new page and for one asked for before.

    python bench/pages.py [--claims 36000] [--pages 800] [--connections 8] [--rounds 3]

Asked are as many pages of events, relations, claims, people, places and things, drawn at random
from a generated graph of a million quads, over so many connections, each asking for the next as
soon as it has one: first each of them once, then each once more. Before that, a quarter as many
others by one reader, who has the server to themselves. Beside them the same things are
described by Oxigraph's own server (`DESCRIBE`, as Turtle), which knows neither claims on them nor
labels of what they name. Then the home page: what a browser fetches on its first visit, as
transferred. The clients share the processors with the server. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import statistics
import threading
import time
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import serving
from generate import DATA, release_of

KINDS: Final = ("event", "relation", "claim", "agent", "place", "thing")
ACCEPT: Final = "text/html"
GOAL_MS: Final = 50
GOAL_KB: Final = 200


def drawn(server: serving.Server, count: int, seed: int) -> list[str]:
    """Return the IRIs of things of each kind, as many of one as of another, in random order."""
    chance, found = random.Random(seed), []
    for kind in KINDS:
        query = f"SELECT DISTINCT ?s WHERE {{ ?s a ?t . FILTER(CONTAINS(STR(?s), '/id/{kind}/')) }}"
        rows = json.loads(server.ask(query))["results"]["bindings"]
        iris = sorted(row["s"]["value"] for row in rows)
        found += chance.sample(iris, min(len(iris), -(-count // len(KINDS))))
    chance.shuffle(found)
    return found[:count]


def asked(
    port: int, paths: Sequence[str], accept: str, connections: int
) -> tuple[list[float], float, int]:
    """Return how many milliseconds each answer took, seconds for all, and bytes of all.

    Raises:
        SystemExit: an answer is no success.
    """
    left, lock = iter(paths), threading.Lock()
    taken: list[float] = []
    sizes: list[int] = []
    failed: list[str] = []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while not failed:
            with lock:
                path = next(left, None)
            if path is None:
                break
            began = time.perf_counter()
            connection.request("GET", path, headers={"Accept": accept, "Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            body = answer.read()
            taken.append((time.perf_counter() - began) * 1000)
            sizes.append(len(body))
            if answer.status != 200:
                failed.append(f"{path}: {answer.status}")
        connection.close()

    began = time.perf_counter()
    threads = [threading.Thread(target=client) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(failed[0])
    return taken, time.perf_counter() - began, sum(sizes)


def told(name: str, server: serving.Server, paths: Sequence[str], accept: str, many: int) -> float:
    """Print a line of figures, and return the 95th percentile in milliseconds."""
    before = server.cpu()
    taken, seconds, size = asked(server.port, paths, accept, many)
    spent = (server.cpu() - before) / len(paths) * 1000
    p95 = statistics.quantiles(taken, n=20)[-1]
    print(
        f"{name:34} p50 {statistics.median(taken):7.1f} ms   p95 {p95:7.1f} ms   "
        f"{len(paths) / seconds:7.1f}/s   {spent:6.1f} ms of processor   "
        f"{size / len(paths) / 1000:6.1f} kB"
    )
    return p95


def first_load(server: serving.Server) -> tuple[int, int]:
    """Return the bytes that the home page takes with all it loads, and the number of requests."""
    todo, seen, size = ["/"], set(), 0
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", path, headers={"Accept": "*/*", "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        size += len(body) + sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
        if answer.getheader("content-encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        text = body.decode(errors="replace")
        if path == "/":
            links = re.findall(
                r'<(?:link rel="(?:stylesheet|icon)"[^>]*href|script[^>]*src)="([^"]+)"', text
            )
            todo += [link.replace("&amp;", "&") for link in links]
    return size, len(seen)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claims", type=int, default=36_000)
    parser.add_argument("--pages", type=int, default=800)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=DATA)
    given = parser.parse_args()
    releases = release_of(given.claims, given.data)
    manifest = json.loads((releases / "current/manifest.json").read_bytes())
    base = manifest["base_iri"]
    print(f"{manifest['quads']:,} quads, {given.connections} connections, {given.pages} pages")
    for number in range(given.rounds):
        with serving.running(serving.ours(releases)) as server:
            alone = given.pages // 4
            iris = drawn(server, given.pages + alone, number)
            pages = [iri.replace(f"{base}id/", "/doc/") for iri in iris]
            told("kg serve, one reader", server, pages[given.pages :], ACCEPT, 1)
            iris, pages = iris[: given.pages], pages[: given.pages]
            new = told("kg serve, pages asked for once", server, pages, ACCEPT, given.connections)
            again = told("kg serve, once more", server, pages, ACCEPT, given.connections)
            if number == 0:
                size, requests = first_load(server)
        with serving.running(serving.oxigraph(releases)) as server:
            queries = [
                f"{server.path}?{urllib.parse.urlencode({'query': f'DESCRIBE <{iri}>'})}"
                for iri in iris
            ]
            told("Oxigraph, DESCRIBE", server, queries, "text/turtle", given.connections)
        print(f"goal: p95 under {GOAL_MS} ms; new {new:.0f}, again {again:.0f}")
    print(f"home: {size / 1000:.0f} kB in {requests} requests; goal: under {GOAL_KB} kB")


if __name__ == "__main__":
    main()
