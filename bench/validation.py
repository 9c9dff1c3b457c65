"""Measures validation of the built-in facts, and of copies of them under other base IRIs.

    python bench/validation.py [--reference]

Prints quads, seconds and results for one, five and twenty times the data. With --reference it also
measures the first by pyshacl and rdflib alone.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import time
from collections.abc import Sequence

from kg.build import DEFAULT_BASE, build_dataset
from kg.resources import folder
from kg.validate import Shapes, data_shapes, load_shapes, validate

ITEM = "<http://www.wikidata.org/entity/Q"


def copies(lines: Sequence[str], count: int) -> list[str]:
    """Return the lines, and `count - 1` times those of the data under another base."""
    out = list(lines)
    data = [line for line in lines if f"<{DEFAULT_BASE}id/graph/vocabulary>" not in line]
    for n in range(1, count):
        base = f"<https://copy-{n}.example/"
        out += [re.sub(ITEM, f"{ITEM}{n}00", d.replace(f"<{DEFAULT_BASE}", base)) for d in data]
    return out


def measure(name: str, lines: Sequence[str], shapes: Shapes) -> None:
    start = time.perf_counter()
    report = validate(lines, shapes)
    taken = time.perf_counter() - start
    print(f"{name}: {len(lines)} quads, {taken:.1f} s, {len(report.results)} results", flush=True)


def main() -> None:
    built = build_dataset([folder("facts")], DEFAULT_BASE)
    lines = list(built.dataset)
    shapes = load_shapes(data_shapes())
    for count in (1, 5, 20):
        measure(f"{count} times the facts", copies(lines, count), shapes)
    if "--reference" in sys.argv[1:]:
        measure("by the reference", lines, dataclasses.replace(shapes, reference=True))


if __name__ == "__main__":
    main()
