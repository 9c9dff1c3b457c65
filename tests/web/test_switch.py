"""A real server: a release that changes under it loses no request; HEAD has no body."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATHS = (
    "/doc/event/radar-delivery.ttl",
    "/doc/agent/mira-odan.html",
    "/sparql?query=SELECT+*+%7B%3Fs+%3Fp+%3Fo%7D",
    "/download/current/graph.nq",
)


def _get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as response:
        body: bytes = response.read()
        return body


def test_no_request_is_lost_when_the_release_changes(
    tmp_path: Path, write_sample: Callable[..., Path], serving: Any
) -> None:
    first = write_sample(tmp_path, title="First").name
    failures: list[str] = []
    count = 0
    done = threading.Event()

    def read(address: str) -> None:
        nonlocal count
        while not done.is_set():
            for path in PATHS:
                try:
                    _get(address + path)
                except (OSError, ValueError) as error:
                    failures.append(f"{path}: {error}")
                count += 1

    def served(address: str) -> str:
        return str(json.loads(_get(f"{address}/readyz"))["release"])

    with serving(tmp_path) as address:
        while b"true" not in _get_or_nothing(f"{address}/readyz"):
            done.wait(0.02)
        assert served(address) == first
        readers = [threading.Thread(target=read, args=(address,)) for _ in range(3)]
        for reader in readers:
            reader.start()
        try:
            for title in ("Second", "Third"):
                release = write_sample(tmp_path, title=title).name
                before = count
                while served(address) != release:
                    done.wait(0.02)
                while count < before + 20:
                    done.wait(0.02)
        finally:
            done.set()
            for reader in readers:
                reader.join()
    assert failures == []
    assert count > 40


def test_head_over_a_real_connection(releases: Path, serving: Any) -> None:
    with serving(releases) as address:
        while b"true" not in _get_or_nothing(f"{address}/readyz"):
            pass
        for path in ("/", *PATHS, "/download/current/graph.nq.gz"):
            asked = urllib.request.Request(address + path, method="HEAD")
            with urllib.request.urlopen(asked, timeout=60) as response:
                assert response.status == 200
                assert response.read() == b""
                length = response.headers["content-length"]
            if length is not None and "sparql" not in path:
                assert int(length) == len(_get(address + path)), path


def _get_or_nothing(address: str) -> bytes:
    try:
        return _get(address)
    except OSError:
        return b""
