"""Measures feeds by Spark beside processes of this machine, and kills builds at ten moments.

    python bench/spark.py overhead [--rows 100000] [--shape gdelt] [--rounds 3] [--also NAME=ENGINE]
    python bench/spark.py kills [--rows 20000] [--shape gdelt] [--files 12]

`overhead` turns the same files into sorted graphs (cut, mapped, settled: all that an engine does)
by one process, by two, and by Spark with as many; they take turns, and a ratio is taken within one
round. Start and stop of Java are part of it, and so is the reading of shapes in each process. CPU
seconds are those of all processes.

`kills` builds a release undisturbed, by one process. Then by Spark, with a process of Spark's
killed in the middle of a partition, at ten moments; and with the build itself killed at ten
moments, and started again. Each time it compares the SHA-256 of every file of the release but those
of its store, and inode and time of the results that stood when something was killed.

It needs the extra `spark` and Java 17. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from feeds import SHAPES, _made
from generate import DATA, SEED

from kg.resources import folder

MOMENTS: Final = 10


# --- how long it takes --------------------------------------------------------------------------


def _ingest(engine: str, source: str, place: Path, out: Path) -> None:
    """Turn files into graphs, in a process of its own, and print what came out."""
    from kg.build import DEFAULT_BASE, _Feeds
    from kg.identity import collect_inputs
    from kg.pipeline import FeedInput, Local
    from kg.spark import Spark

    feeds = _Feeds(out, [FeedInput(source, place)], DEFAULT_BASE)
    inputs = [*collect_inputs({"shapes": folder("shapes")}), *feeds.inputs]
    with contextlib.ExitStack() as stack:
        kind, _, number = engine.partition(":")
        runs = Local(int(number)) if kind == "local" else stack.enter_context(Spark(out, number))
        done = feeds.maker(inputs, runs)({})
    quads = sum(graph.quads for graph in done.graphs.values())
    digest = hashlib.sha256()
    for iri, graph in done.graphs.items():
        digest.update(iri.encode())
        for bucket in range(1 << graph.bits):
            digest.update(graph.text(graph.bits, bucket).encode())
    print(sum(one.records for one in done.counts), quads, digest.hexdigest())


def _overhead(options: argparse.Namespace) -> None:
    place = _made(options.shape, options.rows, options.seed)
    engines = {
        "one process": "local:1",
        "two processes": "local:2",
        "Spark, local[1]": "spark:local[1]",
        "Spark, local[2]": "spark:local[2]",
    }
    engines |= dict(one.split("=", 1) for one in options.also)
    wall: dict[str, list[float]] = {name: [] for name in engines}
    cpu: dict[str, list[float]] = {name: [] for name in engines}
    answers: dict[str, str] = {}
    for n in range(options.rounds):
        for name in list(engines)[n % len(engines) :] + list(engines)[: n % len(engines)]:
            with tempfile.TemporaryDirectory(dir=DATA) as out:
                words = ["ingest", engines[name], SHAPES[options.shape], str(place), out]
                start = time.monotonic()
                process = subprocess.Popen(
                    [sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True
                )
                cpu[name].append(_used(process))
                wall[name].append(time.monotonic() - start)
                answers[name] = process.communicate()[0]
                if process.returncode:
                    raise SystemExit(f"{name} ended with {process.returncode}")
            print(f"round {n + 1}, {name}: {wall[name][-1]:.1f} s", file=sys.stderr, flush=True)
    rows, quads, _ = answers["one process"].split()
    same = "equal" if len(set(answers.values())) == 1 else "NOT EQUAL"
    print(f"{int(rows):,} rows of {options.shape}, {int(quads):,} quads; graphs {same}\n")
    print("| engine | seconds | CPU s | to one process | to two processes |")
    print("|---|---|---|---|---|")
    for name in engines:
        ratios = [_ratio(wall[name], wall[other]) for other in ("one process", "two processes")]
        middle = statistics.median(wall[name])
        print(
            f"| {name} | {middle:.1f} | {statistics.median(cpu[name]):.1f} | {' | '.join(ratios)} |"
        )


def _ratio(some: list[float], others: list[float]) -> str:
    each = [a / b for a, b in zip(some, others, strict=True)]
    return f"{statistics.median(each):.2f} ({min(each):.2f} to {max(each):.2f})"


def _used(process: subprocess.Popen[str]) -> float:
    """Return CPU seconds of a process and of all below it, when it has ended.

    They are looked at ten times a second: Spark kills its Python, whose time no parent is told.
    """
    ticks: dict[int, int] = {}
    while process.poll() is None:
        for pid in _below(process.pid):
            with contextlib.suppress(OSError, IndexError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks[pid] = int(fields[11]) + int(fields[12])
        time.sleep(0.1)
    return sum(ticks.values()) / os.sysconf("SC_CLK_TCK")


# --- what is killed -----------------------------------------------------------------------------


def _kills(options: argparse.Namespace) -> None:
    whole = _made(options.shape, options.rows, options.seed)
    with tempfile.TemporaryDirectory(dir=DATA) as place_:
        top = Path(place_)
        place = _split(whole, top / "in", options.files)
        undisturbed = top / "undisturbed"
        _finish(_start(undisturbed, place, options.shape, "--processes", "1"))
        expected = _hashes(undisturbed)
        number = len(_results(undisturbed))
        moments = [max(1, number * n // (MOMENTS + 1)) for n in range(1, MOMENTS + 1)]
        print("| killed | results that stood | release | done again |", flush=True)
        print("|---|---|---|---|")
        for what in ("a process of Spark's", "the build"):
            for n in moments:
                out = top / "out"
                before = (_worker if what.startswith("a") else _build)(out, place, options, n)
                after = _results(out)
                redone = sum(after[p] != one for p, one in before.items() if p in after)
                same = "equal" if _hashes(out) == expected else "NOT EQUAL"
                print(f"| {what} | {len(before)} of {number} | {same} | {redone} |", flush=True)
                subprocess.run(["rm", "-rf", str(out)], check=True)


def _worker(
    out: Path, place: Path, options: argparse.Namespace, n: int
) -> dict[str, tuple[int, int]]:
    """Kill the processes in which Spark runs Python, once so many results stand; let it end."""
    process = _start(out, place, options.shape, "--engine", "spark", "--master", "local[2]")
    log = out / ".build/spark.log"
    before: dict[str, tuple[int, int]] = {}
    lost = False
    while process.poll() is None and not lost:
        if before or len(_results(out)) >= n:
            before = before or _results(out)
            for one in _workers(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            time.sleep(0.2)  # one that was idle was no loss: then the next ones are killed too
            lost = "crashed" in log.read_text()
        time.sleep(0.005)
    _finish(process)
    if not lost:
        print(f"no partition was lost at {n} results", file=sys.stderr)
    return before


def _build(
    out: Path, place: Path, options: argparse.Namespace, n: int
) -> dict[str, tuple[int, int]]:
    """Kill the build once so many results stand, and start it again."""
    words = (out, place, options.shape, "--engine", "spark", "--master", "local[2]")
    process = _start(*words)
    while process.poll() is None and len(_results(out)) < n:
        time.sleep(0.005)
    process.kill()
    process.communicate()
    before = _results(out)
    _finish(_start(*words))
    return before


def _start(out: Path, place: Path, shape: str, *options: str) -> subprocess.Popen[str]:
    facts = folder("docs") / "tutorial/facts"
    words = ["--facts", str(facts), "--out", str(out), "--source", f"{SHAPES[shape]}={place}"]
    return subprocess.Popen(
        [sys.executable, "-m", "kg", "build", *words, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _finish(process: subprocess.Popen[str]) -> None:
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"the build ended with {process.returncode}:\n{said}")


def _split(whole: Path, place: Path, files: int) -> Path:
    """Write each file as so many."""
    place.mkdir()
    for path in sorted(whole.iterdir()):
        rows = path.read_bytes().splitlines(keepends=True)
        share = -(-len(rows) // files)
        stem, _, rest = path.name.partition(".")
        for n in range(files):
            part = rows[n * share : (n + 1) * share]
            if part:
                (place / f"{stem}-{n:03}.{rest}").write_bytes(b"".join(part))
    return place


def _results(out: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in (out / ".build/feeds").glob("[ms]*/*/*"):
        if not path.name.startswith("."):
            state = path.stat()
            found[path.relative_to(out).as_posix()] = (state.st_ino, state.st_mtime_ns)
    return found


def _hashes(out: Path) -> dict[str, str]:
    release = (out / "current").resolve()
    return {"": release.name} | {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(release.rglob("*"))
        if path.is_file() and not (name := path.relative_to(release).as_posix()).startswith("store")
    }


def _below(pid: int) -> set[int]:
    """Return a process, those that it started, and those that they started."""
    parents = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            parents[int(entry.name)] = int(
                (entry / "stat").read_text().rpartition(")")[2].split()[1]
            )
    found = {pid}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _workers(pid: int) -> list[int]:
    """Return the processes in which Spark runs Python, without the one that starts them."""
    found = set()
    for one in _below(pid):
        with contextlib.suppress(OSError):
            if b"pyspark.daemon" in Path(f"/proc/{one}/cmdline").read_bytes():
                found.add(one)
    return [one for one in found if any(one in _below(other) - {other} for other in found)]


def main() -> None:
    """Measure, or kill."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    overhead = commands.add_parser("overhead", help="Spark beside one process and two")
    overhead.add_argument("--rows", type=int, default=100_000)
    overhead.add_argument("--rounds", type=int, default=3)
    overhead.add_argument("--also", action="append", default=[], metavar="NAME=ENGINE")
    overhead.set_defaults(run=_overhead)
    kills = commands.add_parser("kills", help="builds that are killed at ten moments")
    kills.add_argument("--rows", type=int, default=20_000)
    kills.add_argument("--files", type=int, default=12)
    kills.set_defaults(run=_kills)
    for one in (overhead, kills):
        one.add_argument("--shape", choices=SHAPES, default="gdelt")
        one.add_argument("--seed", type=int, default=SEED)
    inner = commands.add_parser("ingest")
    inner.add_argument("words", nargs=4)
    inner.set_defaults(
        run=lambda o: _ingest(o.words[0], o.words[1], Path(o.words[2]), Path(o.words[3]))
    )
    options = parser.parse_args()
    DATA.mkdir(parents=True, exist_ok=True)
    options.run(options)


if __name__ == "__main__":
    main()
