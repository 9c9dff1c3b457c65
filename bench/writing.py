"""Measures what writing a release costs, stage by stage, of a feed that is made up.

    python bench/writing.py [--millions 1] [--lines] [--data bench/.data] [--keep]

Makes so many million quads of the shape that feeds have: about 30 for each event, in one graph,
with short literals and IRIs under one base, and labels in one language. They are cut and sorted
before the time counts, and given as a `kg.parts.Cut`, or with `--lines` as lines of one sorted
file. Then writes a release of them and prints for each stage seconds, seconds of processor of all
processes, both also for each million quads, and the highest memory of all processes together (their
proportional set size, looked at once a second: to look takes time too). Nothing else should run.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import msgspec

from kg.dumps import bits_of, bucket_of
from kg.identity import ReleaseSettings
from kg.manifest import read_manifest
from kg.parts import Cut
from kg.release import write_release
from kg.resources import folder
from kg.vocab import CH, DCTERMS, PROV, RDF, RDFS, XSD, graph_iri, load_vocabulary
from kg.writer import ReportFiles

DATA: Final = Path(__file__).parent / ".data"
BASE: Final = "https://data.example/"
GRAPH: Final = graph_iri(BASE, "feed")
EVENT_QUADS: Final = 30
_NOTES: Final = ("a crowd of several hundred", "no injuries were reported", "the road was closed")
_KINDS: Final = ("Protest", "Battle", "Statement", "Meeting", "Strike", "Aid")
_HELD: Final = 2_000_000


def event(number: int, rnd: random.Random) -> Iterator[tuple[str, list[str]]]:
    """Yield the subjects of one event with predicates and objects."""

    def key() -> str:
        return f"{rnd.getrandbits(64):016x}"

    def node(kind: str, local: str) -> str:
        return f"<{BASE}id/{kind}/{local}>"

    def say(prefixed: str, value: str) -> str:
        return f"<{prefixed}> {value}"

    def typed(value: str, name: str) -> str:
        return f'"{value}"^^<{XSD}{name}>'

    day = date(2018, 1, 1) + timedelta(days=rnd.randrange(2500))
    this, span, claim = node("event", key()), node("span", key()), node("claim", key())
    parts = [node("participation", key()) for _ in range(2)]
    when = node("time", f"{day}")
    place = node("place", f"g{rnd.randrange(20_000)}")
    kind = rnd.choice(_KINDS)
    label = f'"{kind} in district {rnd.randrange(5000)}, {day}"@en'
    yield (
        this,
        [
            say(RDF + "type", f"<{CH}Event>"),
            say(RDF + "type", f"<{CH}{kind}>"),
            say(RDFS + "label", label),
            say(DCTERMS + "identifier", f'"FEED{number}"'),
            say(CH + "during", when),
            say(CH + "place", place),
            *(say(CH + "hasParticipation", part) for part in parts),
            say(CH + "note", f'"{rnd.choice(_NOTES)}, {rnd.randrange(900)}"'),
            say(CH + "fatalities", typed(str(rnd.randrange(20)), "integer")),
            say(CH + "latitude", typed(f"{rnd.randrange(59)}.{rnd.randrange(1, 999)}1", "decimal")),
            say(PROV + "wasGeneratedBy", node("run", "feed")),
        ],
    )
    for part, role in zip(parts, ("actor", "recipient"), strict=True):
        yield (
            part,
            [
                say(RDF + "type", f"<{CH}Participation>"),
                say(CH + "participant", node("agent", f"a{rnd.randrange(5000)}")),
                say(CH + "role", f"<{CH}role-{role}>"),
            ],
        )
    yield (
        claim,
        [
            say(RDF + "type", f"<{CH}Claim>"),
            say(CH + "about", this),
            say(CH + "stance", f"<{CH}stance-affirms>"),
            say(CH + "modality", f"<{CH}modality-actual>"),
            say(CH + "certainty", f"<{CH}certainty-unstated>"),
            say(CH + "claimant", node("agent", f"o{rnd.randrange(300)}")),
            say(CH + "evidence", span),
            say(CH + "reviewState", f"<{CH}review-state-drafted>"),
        ],
    )
    yield (
        span,
        [
            say(RDF + "type", f"<{CH}Span>"),
            say(CH + "inSource", node("document", f"d{number // 40}")),
            say(CH + "selector", f'"row {number}"'),
            say(CH + "sha256", f'"{rnd.getrandbits(256):064x}"'),
        ],
    )


class Files(msgspec.Struct, frozen=True):
    """A graph whose buckets are files: what a `kg.parts.Cut` is."""

    folder: Path
    quads: int

    def text(self, bits: int, number: int) -> str:
        """Return the lines of one bucket, sorted."""
        path = self.folder / f"{number}"
        if not path.exists():
            return ""
        lines = path.read_bytes().decode().split("\n")[:-1]
        return "".join([f"{line}\n" for line in sorted(lines)])


def make(place: Path, millions: float) -> Files:
    """Return so many quads, cut into files."""
    rnd = random.Random(1)
    place.mkdir(parents=True)
    bits = bits_of(int(millions * 1e6))
    held: dict[int, list[str]] = {}
    quads = waiting = 0

    def flush() -> None:
        for number, lines in held.items():
            with (place / f"{number}").open("a", encoding="utf-8") as file:
                file.writelines(lines)
        held.clear()

    for number in range(int(millions * 1e6 / EVENT_QUADS)):
        for subject, found in event(number, rnd):
            lines = [f"{subject} {one} <{GRAPH}> .\n" for one in found]
            held.setdefault(bucket_of(subject, bits), []).extend(lines)
            quads += len(found)
            waiting += len(found)
        if waiting > _HELD:
            flush()
            waiting = 0
    flush()
    if bits_of(quads) != bits:
        sys.exit("choose another number: this one is near to where graphs are cut otherwise")
    return Files(place, quads)


def lines_of(cut: Files) -> Iterator[str]:
    """Yield all lines of a graph, sorted."""
    found = [cut.text(0, int(path.name)) for path in cut.folder.iterdir()]
    lines = sorted(f"{line}\n" for text in found for line in text.split("\n")[:-1])
    found.clear()
    yield from lines


class Watch(logging.Handler):
    """Notes when each stage begins, and the memory and processor time in it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.stages: list[list[float | str]] = []
        self._seen: dict[int, float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        self.begin(record.getMessage())

    def begin(self, name: str) -> None:
        """Begin a stage."""
        self.stages.append([name, time.perf_counter(), self._processor(), 0.0])

    def _look(self) -> None:
        while not self._done.wait(1.0):
            if self.stages:
                self._processor()
                self.stages[-1][3] = max(float(self.stages[-1][3]), self._memory())

    def end(self) -> None:
        """Look no more."""
        self.begin("")
        self._done.set()
        self._thread.join()

    def _memory(self) -> float:
        total = 0
        for pid in _family():
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
            except OSError:
                continue
            total += next(int(x.split()[1]) for x in text.splitlines() if x.startswith("Pss:"))
        return total / 1024

    def _processor(self) -> float:
        for pid in _family():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
            except OSError:
                continue
            ticks = sum(map(int, fields.split()[11:13]))
            self._seen[pid] = max(self._seen.get(pid, 0.0), ticks / os.sysconf("SC_CLK_TCK"))
        return sum(self._seen.values())


def _family() -> list[int]:
    """Return this process and all that it started."""
    found = [os.getpid()]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                found += map(int, task.read_text(encoding="ascii").split())
            except OSError:
                continue
    return found


def main() -> None:
    """Make quads, write them, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, default=1.0)
    parser.add_argument("--lines", action="store_true", help="give lines, not what is cut")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--keep", action="store_true", help="leave the release, and say where")
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="writing-", dir=options.data))
    start = time.perf_counter()
    cut = make(place / "cut", options.millions)
    assert isinstance(cut, Cut)
    print(f"{cut.quads:,} quads made in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    vocabulary = load_vocabulary(folder("ontology"))
    terms = graph_iri(BASE, "vocabulary")
    texts = sorted({f"{triple} <{terms}> .\n" for triple in vocabulary.lines})
    watch = Watch()
    log = logging.getLogger("kg.writer")
    log.setLevel(logging.DEBUG)
    log.addHandler(watch)
    watch.begin("writing the parts")
    out = write_release(
        place / "releases",
        graphs={GRAPH: lines_of(cut) if options.lines else cut, terms: texts},
        inputs=(),
        settings=ReleaseSettings(base_iri=BASE, title="Feed", licence="https://a.example/"),
        report=ReportFiles(conforms=None, blocks=False, ttl="", json="{}\n", text=""),
        issues=(),
        sources=(),
        questions=(),
        ontology={},
    )
    watch.end()
    quads = read_manifest(out).quads / 1e6
    stages = watch.stages
    rows = [
        (str(name), float(after[1]) - float(begun), float(after[2]) - float(used), float(memory))
        for (name, begun, used, memory), after in itertools.pairwise(stages)
    ]
    rows.append(("all", sum(r[1] for r in rows), sum(r[2] for r in rows), max(r[3] for r in rows)))
    print(f"{'stage':44}{'s':>8}{'s/M':>8}{'cpu s/M':>9}{'MiB':>8}")
    for name, taken, used, memory in rows:
        print(f"{name:44}{taken:8.1f}{taken / quads:8.2f}{used / quads:9.2f}{memory:8.0f}")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{quads:.2f} million quads, {size / 1e6:.0f} MB on disk")
    if options.keep:
        print(out)
        return
    subprocess.run(["chmod", "-R", "u+w", str(place)], check=True)
    shutil.rmtree(place)


if __name__ == "__main__":
    main()
