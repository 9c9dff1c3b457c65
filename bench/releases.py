"""Measures what a build, a change of one document, and a difference cost.

    python bench/releases.py [--claims 180000] [--data bench/.data] [--changes 6]

Makes facts of so many claims (180,000 are 5 million quads), builds them as a whole with `kg build`,
and then changes one document after another, each with a `kg build` of its own: a new document, one
with a changed claim, and one that reports again what another one did, so that its events are
perhaps the same as hundreds of others. All are commands as a user types them, so starting Python is
a part of it. Prints seconds, the highest resident memory of the command and its children, the disk
that each release takes for itself, and ratios to the whole build of the same run. Nothing else
should run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from generate import DATA, write_facts

from kg.diff import Difference

COMMAND: Final = (sys.executable, "-m", "kg")


def run(*arguments: str) -> tuple[float, float]:
    """Return seconds and the highest resident memory in MiB of a command and its children."""
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=2)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "print(done.returncode, used)\n"
    )
    start = time.perf_counter()
    told = subprocess.run(
        [sys.executable, "-c", code, *COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        text=True,
    )
    taken = time.perf_counter() - start
    status, memory = map(int, told.stdout.split())
    if status:
        sys.exit(f"{' '.join(arguments)} ended with {status}")
    return taken, memory / 1024


def size(folder: Path, *, own: bool = False) -> int:
    """Return the bytes of the files of a folder; `own`: of those that no other folder shares."""
    found = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            status = (Path(parent) / name).stat()
            if not own or status.st_nlink == 1:
                found += status.st_size
        found += Path(parent).stat().st_size
    return found


def same_again(facts: Path, number: int) -> None:
    """Add a document that reports again what another one reports."""
    key, new = f"report-{number:06}", f"report-again-{number:06}"
    text = (facts / f"{key}.jsonl").read_text(encoding="utf-8").replace(key, new)
    (facts / f"{new}.jsonl").write_text(text, encoding="utf-8")


def new_document(facts: Path, number: int) -> None:
    """Add a document on events of days on which nothing else happened."""
    key, new = f"report-{number:06}", f"report-new-{number:06}"
    text = (facts / f"{key}.jsonl").read_text(encoding="utf-8").replace(key, new)
    records = [json.loads(line) for line in text.splitlines()]
    for day, record in enumerate((one for one in records if one["kind"] == "event"), 1):
        record["time"] = {"edtf": f"20{30 + number % 60}-01-{day:02}", "rule": "stated-date"}
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (facts / f"{new}.jsonl").write_text("".join(lines), encoding="utf-8")


def changed_document(facts: Path, number: int) -> None:
    """Let a claim of a document have another stance."""
    path = facts / f"report-{number:06}.jsonl"
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    claim = next(one for one in records if one["kind"] == "claim" and "about" in one)
    claim["stance"] = "questions" if claim["stance"] != "questions" else "affirms"
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_text("".join(lines), encoding="utf-8")


CHANGES: Final = (
    ("a new document", new_document),
    ("a changed claim", changed_document),
    ("the same report again", same_again),
)


def main() -> None:
    """Build, change, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=180_000)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--changes", type=int, default=6)
    options = parser.parse_args()
    place = options.data / f"releases-{options.claims}"
    if place.exists():
        subprocess.run(["chmod", "-R", "u+w", str(place)], check=True)
        shutil.rmtree(place)
    facts, out = place / "facts", place / "releases"
    write_facts(facts, options.claims)
    arguments = ("build", "--facts", str(facts), "--out", str(out))
    whole, memory = run(*arguments)
    total = size((out / "current").resolve())
    manifest = json.loads((out / "current/manifest.json").read_bytes())
    print(f"{manifest['quads']:,} quads, {len(manifest['graphs']):,} graphs, {total / 1e9:.2f} GB")
    print(f"{'whole build':28}{whole:8.1f} s {memory:8.0f} MiB", flush=True)
    several: list[tuple[str, float]] = []
    for number in range(options.changes):
        before = (out / "current").resolve()
        kind, change = CHANGES[number % len(CHANGES)]
        change(facts, number)
        taken, memory = run(*arguments)
        after = (out / "current").resolve()
        own = size(after, own=True)
        start = time.perf_counter()
        lines = sum(1 for _ in Difference(before, after).patch())
        difference = time.perf_counter() - start
        several.append((kind, taken))
        print(
            f"{kind:28}{taken:8.2f} s {memory:8.0f} MiB  {100 * own / total:.2f} % of the disk, "
            f"difference of {lines - 4:,} quads in {difference:.2f} s",
            flush=True,
        )
    for kind, _ in CHANGES:
        median = statistics.median(taken for one, taken in several if one == kind)
        part = f"1/{whole / median:.0f} of the whole build"
        print(f"{kind + ', median':28}{median:8.2f} s  {part}")
    print(f"{'memory between builds':28}{size(out / '.build') / 1e6:8.0f} MB on disk")
    print(f"{'own peak':28}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MiB")


if __name__ == "__main__":
    main()
