"""Feeds of calls at ports, made from a number, and builds of them: here and as a command."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import kg.build
from kg.feed import Feed, load_feed
from kg.pipeline import Cut, Engine, Ingested, Local, Setup, cut_file, ingest
from kg.resources import folder
from kg.validate import data_shapes

BASE = "https://kg.example/"
HERE = Path(__file__).resolve().parent
HEAD = "id,day,ship,flag,port,latitude,longitude,containers,told_by"
FLAGS = ("IND", "BGD", "CHN", "FRA", "BRA")


def call(n: int, **other: str) -> str:
    """Return a row of calls; equal numbers give equal rows."""
    row = {
        "id": f"c{n}",
        "day": f"2024-{1 + n % 12:02}-{1 + n % 28:02}",
        "ship": ("Jolpori", "জলপরী", "जलपरी", "Marie")[n % 4] + f" {n % 7}",
        "flag": FLAGS[n % 5],
        "port": f"Bostmark {n % 9}",
        "latitude": f"{n % 9 * 5}.25",
        "longitude": f"{n % 9 * 7}.5",
        "containers": str(n % 400),
        "told_by": "Harbour master" if n % 3 == 0 else "",
    }
    return ",".join({**row, **other}.values())


def calls(first: int, number: int) -> str:
    """Return a file of calls."""
    return "\n".join([HEAD, *(call(n) for n in range(first, first + number))]) + "\n"


def reports(first: int, number: int) -> str:
    """Return a file of reports of these calls."""
    return "".join(
        f"c{n}\thttps://news-{n % 5}.example/{n % 50}\t0.{n % 9 + 1}\n"
        for n in range(first, first + number)
    )


def write_feed(place: Path, files: int, rows: int) -> Path:
    """Write so many files of calls, and one of reports for each two; return the folder."""
    place.mkdir(parents=True)
    for n in range(files):
        (place / f"calls-{n:03}.csv").write_text(calls(n * rows, rows), encoding="utf-8")
        if n % 2 == 0:
            text = reports(n * rows, rows)
            (place / f"reports-{n:03}.tsv").write_text(text, encoding="utf-8")
    return place


@pytest.fixture(scope="session")
def feed() -> Feed:
    return load_feed(HERE, "port_calls").source


@pytest.fixture(scope="session")
def mappings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the mapping of calls at ports."""
    place = tmp_path_factory.mktemp("mappings")
    shutil.copy(HERE / "port_calls.py", place)
    return place


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    """Return where things are, for `run`; what is in between is kept in `work`."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "states.json").write_text("{}")
    return Setup(
        work=str(work),
        base=BASE,
        ontology=str(folder("ontology")),
        shapes=tuple(map(str, data_shapes())),
        mappings=str(HERE),
        states=str(work / "states.json"),
        version="1",
    )


def run(setup: Setup, feed: Feed, files: Sequence[Path], engine: Engine | None = None) -> Ingested:
    """Return the graphs of files."""
    cuts: list[Cut] = []
    for file in files:
        cuts += cut_file(Path(setup.work), feed, file)[2]
    return ingest(setup, [(feed, cuts)], engine or Local(1))


def lines(done: Ingested) -> dict[str, list[str]]:
    return {iri: list(graph.lines()) for iri, graph in done.graphs.items()}


def results(out: Path) -> dict[Path, tuple[int, int]]:
    """Return inode and time of every result that stands in a folder of releases."""
    found = {}
    for path in (out / ".build/feeds").glob("[ms]*/*/*"):
        if not path.name.startswith("."):
            state = path.stat()
            found[path] = (state.st_ino, state.st_mtime_ns)
    return found


def hashes(out: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of the current release but those of the store."""
    release = (out / "current").resolve()
    found = {"": release.name}
    for path in sorted(release.rglob("*")):
        name = path.relative_to(release).as_posix()
        if path.is_file() and not name.startswith("store"):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


Build = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def command(mappings: Path, checkout: Path) -> Build:
    """Return what starts `kg build` of a feed: `command(out, place, *options)`."""

    def start(out: Path, place: Path, *options: str) -> subprocess.Popen[str]:
        facts = checkout / "docs/tutorial/facts"
        words = ("build", "--facts", facts, "--out", out, "--base", BASE, *options)
        feeds = ("--mappings", mappings, "--source", f"port_calls={place}")
        return subprocess.Popen(
            [sys.executable, "-m", "kg", *words, *feeds],
            env={**os.environ, "PYTHONPATH": str(Path(kg.build.__file__).parent.parent)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def finish(process: subprocess.Popen[str], code: int = 0) -> str:
    """Return what a command says until it ends with a code."""
    said, _ = process.communicate(timeout=300)
    assert process.returncode == code, said
    return said


def below(pid: int) -> dict[int, str]:
    """Return the processes that a process started, and those that they started: their commands."""
    parents: dict[int, int] = {}
    words: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(
                    (entry / "stat").read_text().rpartition(")")[2].split()[1]
                )
                words[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except (OSError, ValueError, IndexError):
                continue
    found = {pid}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return {one: words.get(one, "") for one in found - {pid}}
