"""Measures `/reconcile` over HTTP: names a second in batches of ten, beside PyPI's csv-reconcile.

    python bench/reconcile.py [--peer PYTHON] [--claims 10000] [--asked 1000] [--rounds 3]

Both answer the same batches about the same things: the agents, places and things of a generated
release with their English names; ours knows all their names and the events too, and says why. The
servers take turns, one client asks one batch after the other, and the first round of each is thrown
away. The peer is asked with its default limits, in an environment of its own, because it needs old
packages: `python -m venv X && X/bin/pip install csv-reconcile`, then `--peer X/bin/python`. Nothing
is asserted.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from generate import release_of

from kg.manifest import LABELS
from kg.web.search import Hit, listing

SEED: Final = 20231018
TOGETHER: Final = 10
"""Names in a batch: as many as OpenRefine sends."""
KINDS: Final = ("agent", "place", "thing")
PEER: Final = (
    "import csv_reconcile, sys; "
    "csv_reconcile.create_app(scorerOption='dice').run(port=int(sys.argv[1]))"
)


@contextlib.contextmanager
def served(command: Sequence[str], port: int, folder: Path) -> Iterator[int]:
    """Serve with a command while the context lasts; yield the port."""
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if process.poll() is not None:
                sys.exit((folder / f"{port}.log").read_text())
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def asked(port: int, batches: Sequence[Mapping[str, str]]) -> tuple[float, int]:
    """Return names a second, and how many found the thing that is meant first.

    Args:
        port: of the server.
        batches: names by the id of what is meant.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    right = count = 0
    start = time.perf_counter()
    for batch in batches:
        queries = {key: {"query": text} for key, text in batch.items()}
        body = urlencode({"queries": json.dumps(queries)})
        connection.request("POST", "/reconcile", body, headers)
        found = json.loads(connection.getresponse().read())
        for key in batch:
            count += 1
            right += [one["id"] for one in found[key]["result"][:1]] == [key]
    taken = time.perf_counter() - start
    connection.close()
    return count / taken, right


def main() -> None:
    """Print a line for each server and kind of names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--claims", type=int, default=10_000)
    parser.add_argument("--asked", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    releases = release_of(options.claims).resolve()
    index = (releases / "current").resolve() / LABELS
    every: list[Hit] = [
        hit for kind in KINDS for hit in listing(index, kind) if hit.lang in ("", "en")
    ]
    chance = random.Random(SEED)
    meant = chance.sample(every, min(options.asked, len(every)))
    names = {hit.iri.split("/id/", 1)[1]: hit.label for hit in meant}
    wrong = {key: text[:2] + text[3:] for key, text in names.items()}
    print(f"{len(every):,} things with an English name; {len(names):,} asked, {TOGETHER} at once")
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        folder, ours = Path(place), free_port()
        command = [sys.executable, "-m", "kg", "serve", "--releases", str(releases)]
        servers = {
            "kg serve": stack.enter_context(served([*command, "--port", str(ours)], ours, folder))
        }
        if options.peer:
            python = str(Path(os.path.abspath(options.peer)))  # not the file that it links to
            table = folder / "names.tsv"
            with table.open("w", newline="", encoding="utf-8") as file:
                rows = csv.writer(file, delimiter="\t")
                rows.writerow(("id", "name"))
                rows.writerows((hit.iri.split("/id/", 1)[1], hit.label) for hit in every)
            init = ["-m", "csv_reconcile", "init", "--scorer", "dice", str(table), "id", "name"]
            subprocess.run([python, *init], cwd=folder, check=True, capture_output=True)
            port = free_port()
            servers["csv-reconcile"] = stack.enter_context(
                served([python, "-c", PEER, str(port)], port, folder)
            )
        for what, texts in (("as they are", names), ("a letter left out", wrong)):
            pairs = list(texts.items())
            batches = [dict(pairs[at : at + TOGETHER]) for at in range(0, len(pairs), TOGETHER)]
            rates: dict[str, list[float]] = {name: [] for name in servers}
            first: dict[str, int] = {}
            for _ in range(options.rounds + 1):
                for name, port in servers.items():
                    rate, first[name] = asked(port, batches)
                    rates[name].append(rate)
            for name, some in rates.items():
                middle, low, high = statistics.median(some[1:]), min(some[1:]), max(some[1:])
                share = first[name] / len(texts)
                print(
                    f"{what:18} {name:14} {middle:7.0f} names/s ({low:.0f} to {high:.0f}), "
                    f"{share:.1%} first",
                    flush=True,
                )


if __name__ == "__main__":
    main()
