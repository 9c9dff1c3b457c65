"""Measures validation beside other validators, on generated claims with seeded faults.

    python bench/validation.py [peers] [growth] [change] [memory] [pyshacl]      (all by default)

Data: bench/generate.py, mapped and derived as a build does it, as one file of N-Triples in which
every so many lines a triple is missing, has another object, or is there twice with another one.
A million claims are the data of 100,000 under ten base IRIs.

peers   Our shapes, with and without their SPARQL, by kg and by PyPI's shacl (0.3.0, written in
        Rust), each in a process of its own from files to the report in Turtle. The results are
        compared in the same run.
pyshacl The same by pyshacl on rdflib, at 2,000 and 10,000 claims, with half an hour for each.
growth  Seconds and memory of kg at 2,000, 10,000, 100,000 and 1,000,000 claims.
change  Milliseconds from a changed document to the report, at each size but the largest.
memory  The highest resident memory of kg on 10 million quads.

Ratios are what counts: the machine may be busy, and it is for all.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
BASE: Final = "https://chancery.example/"
LIMIT: Final = 16 << 30
"""Bytes of address space that a peer may take."""
PATIENCE_S: Final = 1800

sys.path.insert(0, str(HERE))

# --- data -------------------------------------------------------------------------------------


def triples_of(claims: int) -> Iterator[bytes]:
    """Yield the triples of a generated release, as lines of N-Triples, and where they come from."""
    from generate import release_of

    release = (release_of(claims) / "current").resolve()
    for part in sorted((release / "parts").glob("*.nq")):
        with part.open("rb") as file:
            for line in file:
                yield line[: line.rindex(b" <")] + b" .\n"


def with_faults(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield lines of which some are missing, changed or said again otherwise."""
    for number, line in enumerate(lines, 1):
        subject, predicate, _ = line.split(b" ", 2)
        if number % 997 == 0:
            continue
        if number % 1999 == 0:
            yield b"%s %s <urn:kg:odd> .\n" % (subject, predicate)
            continue
        yield line
        if number % 3001 == 0:
            yield b'%s %s "odd" .\n' % (subject, predicate)


def file_of(claims: int) -> Path:
    """Return the file of so many claims with faults, made if need be."""
    path = HERE / ".data" / f"validation-{claims}.nt"
    if path.exists():
        return path
    path.parent.mkdir(exist_ok=True)
    draft = path.with_suffix(".draft")
    with draft.open("wb") as out:
        if claims <= 100_000:
            out.writelines(with_faults(triples_of(claims)))
        else:
            out.writelines(copies(file_of(100_000), claims // 100_000))
    draft.rename(path)
    return path


def copies(path: Path, count: int) -> Iterator[bytes]:
    """Yield the lines of a file as they are, and again under other base IRIs."""
    item = b"<http://www.wikidata.org/entity/Q"
    for n in range(count):
        base = b"<https://copy-%d.example/" % n
        with path.open("rb") as file:
            for line in file:
                if n == 0:
                    yield line
                elif line.startswith(b"<" + BASE.encode()):
                    moved = line.replace(b"<" + BASE.encode(), base)
                    yield moved.replace(item, b"%s%d00" % (item, n))


def shapes_file(*, sparql: bool) -> Path:
    """Return a file of our shapes, with or without SPARQL constraints."""
    import pyoxigraph as ox

    from kg.validate import data_shapes

    path = HERE / ".data" / ("shapes.nt" if sparql else "shapes-core.nt")
    path.parent.mkdir(exist_ok=True)
    query = "http://www.w3.org/ns/shacl#sparql"
    triples = (
        ox.Triple(q.subject, q.predicate, q.object)
        for file in data_shapes()
        for q in ox.parse(path=file, format=ox.RdfFormat.TURTLE, rename_blank_nodes=True)
        if sparql or q.predicate.value != query
    )
    ox.serialize(triples, path, format=ox.RdfFormat.N_TRIPLES)
    return path


# --- engines ----------------------------------------------------------------------------------

Keys = set[tuple[str, str, str]]
"""Focus node, component and shape of every result."""


def by_kg(data: Path, shapes: Path) -> tuple[int, Callable[[], Keys]]:
    """Return the number of results, and what gives their keys."""
    from kg.validate import load_shapes, validate_files

    report = validate_files([data], load_shapes([shapes]), max_results=10_000_000)
    report.to_turtle()
    return len(report.results), lambda: {(r.focus, r.component, r.shape) for r in report.results}


def by_pyshacl(data: Path, shapes: Path) -> tuple[int, Callable[[], Keys]]:
    """See `by_kg`."""
    import pyshacl as peer
    import rdflib
    from rdflib.namespace import SH

    graph, rules = rdflib.Graph(), rdflib.Graph()
    graph.parse(data, format="nt")
    rules.parse(shapes, format="nt")
    _, report, _ = peer.validate(graph, shacl_graph=rules, inplace=True)
    assert isinstance(report, rdflib.Graph)
    report.serialize(format="turtle")
    results = list(report.objects(None, SH.result))

    def keys() -> Keys:
        return {
            tuple(
                str(report.value(r, SH[n]))
                for n in ("focusNode", "sourceConstraintComponent", "sourceShape")
            )
            for r in results
        }

    return len(results), keys


def by_shacl(data: Path, shapes: Path) -> tuple[int, Callable[[], Keys]]:
    """See `by_kg`."""
    import shacl

    report = shacl.Shapes.from_file(str(shapes)).validate_file(str(data))
    report.serialize()
    sh = "http://www.w3.org/ns/shacl#"

    return len(report), lambda: {
        (r.focus_node.strip("<>"), sh + r.component, r.source_shape.strip("<>"))
        for r in report.results
    }


ENGINES: Final = {"kg": by_kg, "pyshacl": by_pyshacl, "shacl": by_shacl}


def measure_here(engine: str, data: Path, shapes: Path, keys: Path) -> None:
    """Print seconds, memory and results of an engine in this process, as JSON."""
    if engine != "kg":
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    start = time.perf_counter()
    results, found = ENGINES[engine](data, shapes)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    keys.write_text("\n".join(sorted("\t".join(key) for key in found())), encoding="utf-8")
    print(json.dumps({"seconds": seconds, "bytes": peak, "results": results}))


def measure(engine: str, data: Path, shapes: Path) -> dict[str, Any] | None:
    """Return what an engine took in a process of its own; None if it did not come to an end."""
    keys = HERE / ".data" / f"keys-{engine}.txt"
    command = [sys.executable, __file__, "--engine", engine, str(data), str(shapes), str(keys)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"    {engine} did not end within {PATIENCE_S} s", flush=True)
        return None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"signal {-done.returncode}"])[-1]
        print(f"    {engine} failed under {LIMIT >> 30} GiB: {last[:120]}", flush=True)
        return None
    out: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    out["keys"] = set(keys.read_text(encoding="utf-8").splitlines())
    return out


# --- what is measured -------------------------------------------------------------------------


def told(engine: str, found: dict[str, Any]) -> str:
    return (
        f"    {engine:8} {found['seconds']:8.2f} s {found['bytes'] / 2**20:7.0f} MiB "
        f"{found['results']:9,} results"
    )


def compare(peer: str, claims: int, *, sparql: bool, rounds: int) -> None:
    """Print kg and a peer in turn, their ratio, and whether their results are the same."""
    data, shapes = file_of(claims), shapes_file(sparql=sparql)
    what = "our shapes" if sparql else "our shapes without SPARQL"
    print(f"{claims:,} claims, {what}", flush=True)
    ratios = []
    for _ in range(rounds):
        ours = measure("kg", data, shapes)
        assert ours is not None, "kg failed"
        print(told("kg", ours), flush=True)
        theirs = measure(peer, data, shapes)
        if theirs is None:
            return
        print(told(peer, theirs), flush=True)
        ratios.append(theirs["seconds"] / ours["seconds"])
        more, less = ours["keys"] - theirs["keys"], theirs["keys"] - ours["keys"]
        if more or less:
            print(f"    results differ: {len(more)} only of kg, {len(less)} only of {peer}")
            for key in [*sorted(more)[:3], *sorted(less)[:3]]:
                print(f"      {key}")
        else:
            print(f"    the same {len(ours['keys']):,} results")
    ratio = statistics.median(ratios)
    print(f"    {peer} takes {ratio:.2f} times as long ({min(ratios):.2f} to {max(ratios):.2f})")


def peers(options: argparse.Namespace) -> None:
    for claims, sparql in ((10_000, True), (10_000, False), (100_000, True), (100_000, False)):
        compare("shacl", claims, sparql=sparql, rounds=3)


def pyshacl(options: argparse.Namespace) -> None:
    for claims in (2_000, 10_000):
        compare("pyshacl", claims, sparql=True, rounds=1)


def growth(options: argparse.Namespace) -> None:
    print("growth", flush=True)
    each: dict[int, float] = {}
    for claims in (2_000, 10_000, 100_000, 1_000_000):
        data, shapes = file_of(claims), shapes_file(sparql=True)
        rounds = 1 if claims > 100_000 else 3
        runs = [measure("kg", data, shapes) for _ in range(rounds)]
        found = min((run for run in runs if run), key=lambda run: run["seconds"])
        each[claims] = found["seconds"] / claims
        print(f"{told(f'{claims:,}', found)}, {each[claims] * 1e6:.0f} µs a claim", flush=True)
    print(f"    a claim of 1,000,000 to one of 10,000: {each[1_000_000] / each[10_000]:.2f}")


def memory(options: argparse.Namespace) -> None:
    data = HERE / ".data" / "validation-memory.nt"
    if not data.exists():
        with data.open("wb") as out:
            for number, line in enumerate(copies(file_of(100_000), 4)):
                if number == 10_000_000:
                    break
                out.write(line)
    print("10,000,000 quads", flush=True)
    found = measure("kg", data, shapes_file(sparql=True))
    assert found is not None
    print(told("kg", found))


def change(options: argparse.Namespace) -> None:
    """Print the time from an edit to the report, of edits to one document of 40 claims."""
    from generate import release_of

    from kg.revalidate import Validation
    from kg.validate import data_shapes, load_shapes

    shapes = load_shapes(data_shapes())
    for claims in (2_000, 10_000, 100_000):
        release = (release_of(claims) / "current").resolve()
        documents: dict[str, list[str]] = {}
        for part in sorted((release / "parts").glob("*.nq")):
            for line in part.read_text(encoding="utf-8").splitlines(keepends=True):
                documents.setdefault(line[line.rindex(" <") + 2 : -4], []).append(line)
        graph = Validation(shapes)
        start = time.perf_counter()
        graph.load(documents)
        print(f"{claims:,} claims, loaded and validated in {time.perf_counter() - start:.1f} s")
        names = sorted(name for name in documents if "/report-" in name)
        chance = random.Random(claims)
        for what, edit in EDITS.items():
            taken = []
            for _ in range(15):
                name = chance.choice(names)
                for lines in (edit(documents[name]), documents[name]):
                    start = time.perf_counter()
                    graph.replace(name, lines)
                    graph.report()
                    taken.append((time.perf_counter() - start) * 1000)
            taken.sort()
            print(
                f"    {what:38} median {statistics.median(taken):6.1f} ms, "
                f"nine of ten under {taken[len(taken) * 9 // 10]:.1f} ms",
                flush=True,
            )


def _one_triple(lines: list[str]) -> list[str]:
    at = next(n for n, line in enumerate(lines) if "ontology#stance>" in line)
    return lines[:at] + lines[at + 1 :]


def _one_claim(lines: list[str]) -> list[str]:
    subject = next(line.split(" ")[0] for line in lines if "ontology#stance>" in line)
    return [line for line in lines if not line.startswith(subject)]


EDITS: Final[dict[str, Callable[[list[str]], list[str]]]] = {
    "a triple taken out and put back": _one_triple,
    "a claim taken out and put back": _one_claim,
    "the document taken out and put back": lambda lines: [],
}


PARTS: Final = (peers, growth, change, memory, pyshacl)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*(part.__name__ for part in PARTS), []])
    parser.add_argument("--engine", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        engine, *paths = options.engine
        measure_here(engine, *map(Path, paths))
        return
    print(f"{os.cpu_count()} processors", flush=True)
    for part in PARTS:
        if not options.what or part.__name__ in options.what:
            part(options)


if __name__ == "__main__":
    main()
