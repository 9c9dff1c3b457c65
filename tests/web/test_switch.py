"""A real server: a release that changes under it loses no request; HEAD has no body."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import itertools
import json
import os
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from kg.config import Settings
from kg.release import rollback
from kg.web import pool, site
from kg.web.app import create_app
from kg.web.site import Site

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


LABELS = "SELECT ?o { agent:changing rdfs:label ?o }"


def test_nothing_that_is_kept_outlives_its_release(
    tmp_path: Path, write_sample: Callable[..., Path], serving: Any
) -> None:
    """Under load, every answer and every 304 is of the release that it names."""
    names = ("first", "second", "third")
    label = "<http://www.w3.org/2000/01/rdf-schema#label>"
    prepared = []
    for name in names:
        extra = f'g:registry {{ a:changing a ch:Agent ; {label} "{name}" }}'.encode()
        prepared.append(write_sample(tmp_path / name, title=name, extra=extra))
    releases = tmp_path / "releases"
    releases.mkdir()
    order = [folder.name for folder in prepared]
    failures: list[str] = []
    counts: Counter[tuple[str, int]] = Counter()
    given: dict[str, str] = {}
    done = threading.Event()

    def publish(folder: Path) -> None:
        folder.chmod(0o755)
        folder.rename(releases / folder.name)
        link = tmp_path / "link"
        link.symlink_to(folder.name)
        link.rename(releases / "current")

    def read(address: str, path: str) -> None:
        tag, body, last = "", "", 0
        with httpx2.Client(base_url=address, timeout=60) as client:
            while not done.is_set():
                answer = client.get(path, headers={"if-none-match": tag} if tag else {})
                release = answer.headers["kg-release"]
                counts[release, answer.status_code] += 1
                if answer.status_code == 200:
                    tag, body = answer.headers["etag"], answer.text
                    if given.setdefault(tag, release) != release:
                        failures.append(f"{tag} is given out for two releases")
                elif answer.status_code != 304 or given[answer.headers["etag"]] != release:
                    failures.append(f"{answer.status_code} from {release}: {answer.text}")
                position = order.index(release)
                if [names[position]] != [name for name in names if f'"{name}"' in body]:
                    failures.append(f"{body} from the {names[position]} release")
                if position < last:
                    failures.append("an older release after a newer one")
                last = position
                if sum(counts.values()) % 5 == 0:
                    tag = ""

    paths = [
        f"/sparql?query={quote(LABELS)}",
        f"/sparql?query={quote(LABELS)}&format=tsv",
        "/graphs?format=nt&default",
    ]
    publish(prepared[0])
    with serving(releases) as address:
        while b"true" not in _get_or_nothing(f"{address}/readyz"):
            done.wait(0.02)
        readers = [threading.Thread(target=read, args=(address, path)) for path in paths * 2]
        for reader in readers:
            reader.start()
        try:
            for n, release in enumerate(order):
                while min(counts[release, 200], counts[release, 304]) < 30:
                    assert all(reader.is_alive() for reader in readers)
                    done.wait(0.02)
                if n + 1 < len(order):
                    publish(prepared[n + 1])
        finally:
            done.set()
            for reader in readers:
                reader.join()
    assert failures == []


def test_every_answer_is_whole_and_of_one_release_however_often_it_changes(
    tmp_path: Path,
    write_sample: Callable[..., Path],
    serving: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Back and forth: each body is the one that its release gives when nothing else happens."""
    monkeypatch.setattr(site, "POLL_S", 0.02)
    label = "<http://www.w3.org/2000/01/rdf-schema#label>"
    order = []
    for name in ("first", "second", "third"):
        many = (f'a:many-{n} a ch:Agent ; {label} "{name} {n}" .' for n in range(2500))
        extra = f"g:registry {{ {' '.join(many)} }}".encode()
        order.append(write_sample(tmp_path, title=name, extra=extra).name)
    everything = "SELECT ?s ?p ?o { ?s ?p ?o }"
    paths = (
        f"/sparql?format=tsv&query={quote(everything)}",
        f"/sparql?format=nt&query={quote('CONSTRUCT WHERE { ?a rdfs:label ?b }')}",
        "/doc/agent/many-7.html",
        "/doc/agent/many-7.ttl",
        "/download/current/graph.nq",
        "/download/current/graphs/registry.ttl.gz",
    )
    whole: dict[tuple[str, str], tuple[bytes, str]] = {}
    failures: list[str] = []
    counts: Counter[tuple[str, str]] = Counter()
    done = threading.Event()

    def read(address: str, first: int) -> None:
        with httpx2.Client(base_url=address, timeout=60) as client:
            for n in itertools.count(first):
                if done.is_set():
                    return
                path = paths[n % len(paths)]
                anew = quote(f" # {n}") if n % 2 and "sparql" in path else ""
                answer = client.get(path + anew)
                release = answer.headers["kg-release"]
                counts[release, path] += 1
                body, tag = whole[release, path]
                if answer.status_code != 200:
                    failures.append(f"{path}: {answer.status_code}")
                elif answer.content != body or (not anew and answer.headers["etag"] != tag):
                    failures.append(f"{path}: not what {release} gives")

    def switched(address: str, release: str) -> None:
        rollback(tmp_path, release)
        while json.loads(_get(f"{address}/readyz"))["release"] != release:
            done.wait(0.02)

    with serving(tmp_path) as address:
        while b"true" not in _get_or_nothing(f"{address}/readyz"):
            done.wait(0.02)
        for release in order:
            switched(address, release)
            for path in paths:
                answer = httpx2.get(address + path, timeout=60)
                whole[release, path] = answer.content, answer.headers["etag"]
        for path in paths:
            assert len({whole[release, path] for release in order}) == len(order), path
        readers = [threading.Thread(target=read, args=(address, n)) for n in range(3)]
        for reader in readers:
            reader.start()
        try:
            for release in (*order, order[0]):
                wanted = {path: counts[release, path] + 2 for path in paths}
                switched(address, release)
                while any(counts[release, path] < number for path, number in wanted.items()):
                    assert all(reader.is_alive() for reader in readers)
                    done.wait(0.02)
        finally:
            done.set()
            for reader in readers:
                reader.join()
    assert failures == []


def _with_site(releases: Path, settings: Settings, test: Callable[[Site], Any]) -> None:
    async def main() -> None:
        site = create_app(releases, settings)
        await site.open()
        try:
            await test(site)
        finally:
            await site.aclose()

    asyncio.run(main())


@pytest.mark.parametrize(
    "error", [OSError(errno.EMFILE, os.strerror(errno.EMFILE)), ZeroDivisionError("by surprise")]
)
def test_a_release_is_tried_again_whatever_went_wrong(
    tmp_path: Path,
    write_sample: Callable[..., Path],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    def fail() -> None:
        raise error

    async def test(site: Site) -> None:
        first = site.served
        release = write_sample(tmp_path, title="Second")
        with monkeypatch.context() as patch:
            patch.setattr(pool, "Nursery", fail)
            await site.refresh()
        assert site.served is first
        assert site.metrics.failures == 1
        site._again = 0.0
        await site.refresh()
        assert site.served is not None
        assert site.served.folder == release

    write_sample(tmp_path, title="First")
    _with_site(tmp_path, settings, test)


def test_a_download_does_not_keep_the_workers_of_an_old_release(
    tmp_path: Path, write_sample: Callable[..., Path], settings: Settings
) -> None:
    async def test(site: Site) -> None:
        first = site.served
        assert first is not None
        first.users += 1  # somebody downloads a file
        write_sample(tmp_path, title="Second")
        await site.refresh()
        assert site.served is not first
        async with asyncio.timeout(20):
            while first.pool.load().workers:
                await asyncio.sleep(0.05)

    write_sample(tmp_path, title="First")
    _with_site(tmp_path, dataclasses.replace(settings, query_timeout_s=1), test)


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
