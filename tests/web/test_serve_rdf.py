"""`kg serve --rdf`: a server of its own, over HTTP, and nothing left of it when it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pyoxigraph as ox
import pytest

DATA = """@prefix foaf: <http://xmlns.com/foaf/0.1/> .
<#rahim> a foaf:Person ; foaf:name "রহিম"@bn ; foaf:age 041 ; foaf:knows [ foaf:name "सीता"@hi ] .
"""
GRAPHS = "<urn:x:a> <urn:x:in> <urn:x:file> . <urn:x:g> { <urn:x:a> <urn:x:in> <urn:x:graph> }"


@contextmanager
def serving(folder: Path, arguments: Sequence[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start `kg serve` with its temporary files in `folder`; yield it and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kg", "serve", "--port", "0", *arguments],
        env={**os.environ, "TMPDIR": str(folder)},
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = ""
        for line in process.stderr:
            said += line
            if found := re.search(r"http://127\.0\.0\.1:[0-9]+/", line):
                yield process, found[0]
                break
        else:
            pytest.fail(said)
    finally:
        process.kill()
        process.wait(20)
        process.stderr.close()


def _files(folder: Path) -> tuple[str, str]:
    for name, text in (("people.ttl", DATA), ("two.trig", GRAPHS)):
        (folder / name).write_text(text, encoding="utf-8")
    return str(folder / "people.ttl"), f"https://base.example/two={folder / 'two.trig'}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_files_are_served_and_nothing_is_left(tmp_path: Path, number: signal.Signals) -> None:
    files = _files(tmp_path)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with serving(temporary, ["--rdf", *files]) as (process, address):
        assert [path.name.startswith("kg-rdf-") for path in temporary.iterdir()] == [True]
        with httpx2.Client(base_url=address, timeout=60) as client:
            home = client.get("/", headers={"Accept": "text/html"})
            assert "not mapped, not validated by this software" in home.text

            def values(query: str, **dataset: str) -> list[str]:
                answer = client.get("/sparql", params={"query": query, **dataset})
                assert answer.status_code == 200, answer.text
                return [row["x"]["value"] for row in answer.json()["results"]["bindings"]]

            every = "SELECT ?x { ?s <urn:x:in> ?x } ORDER BY ?x"
            assert values(every) == ["urn:x:file", "urn:x:graph"]
            only = {"default-graph-uri": "https://base.example/two"}
            assert values(every, **only) == ["urn:x:file"]
            assert values(every, **{"default-graph-uri": "urn:x:g"}) == ["urn:x:graph"]
            named = "SELECT ?x { GRAPH ?x { ?s <urn:x:in> ?o } }"
            assert values(named, **{"named-graph-uri": "urn:x:g"}) == ["urn:x:g"]
            assert values("SELECT ?x { ?s foaf:age ?x }") == ["41"]
            dump = client.get("/download/current/graph.nq")
            found = {str(quad) for quad in ox.parse(dump.content, format=ox.RdfFormat.N_QUADS)}
            assert len(found) == 7
            answer = client.get(
                "/sparql",
                params={"query": "CONSTRUCT WHERE { ?s ?p ?o }"},
                headers={"Accept": "application/n-triples"},
            )
            triples = ox.parse(answer.content, format=ox.RdfFormat.N_TRIPLES)
            in_store = {str(quad.triple) for quad in triples}
            assert in_store == {quad.rsplit(" ", 1)[0] for quad in found}
        process.send_signal(number)
        assert process.wait(30) in (0, 1, 128 + number, 130)
    assert list(temporary.iterdir()) == []


def test_a_signal_while_files_are_read_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    large = tmp_path / "large.nt"
    large.write_text("".join(f"_:a{n} <urn:x:p> _:b{n} .\n" for n in range(300_000)))
    with subprocess.Popen(
        [sys.executable, "-m", "kg", "serve", "--port", "0", "--rdf", str(large)],
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
    ) as process:
        end = time.monotonic() + 60
        while not list(temporary.glob("kg-rdf-*")) and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGTERM
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rdf", "broken.ttl"], "broken.ttl:1:9: the file is no Turtle"),
        (["--rdf", "nowhere.ttl"], "nowhere.ttl: there is no such file"),
        (["--rdf", "empty.ttl"], "there is no statement in these files"),
        (["--rdf", "good.nt", "--releases", "releases"], "--rdf and --releases exclude each other"),
        (["good.nt"], "files are served with --rdf only"),
    ],
)
def test_what_cannot_be_served_is_an_error_in_words(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "broken.ttl").write_text("<urn:a> . ")
    (tmp_path / "empty.ttl").write_text("")
    (tmp_path / "good.nt").write_text("<urn:a> <urn:b> <urn:c> .")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "kg", "serve", "--port", "0", *arguments],
        env={**os.environ, "TMPDIR": str(temporary)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert done.stdout == ""
    assert list(temporary.iterdir()) == []
