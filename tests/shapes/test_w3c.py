"""The W3C's tests of SHACL: every result equal, and what is ill-formed told as such."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from kg.errors import KgErrors, ShapesError
from kg.shacl import Graph, Reader, sh
from kg.triples import Loader
from kg.validate import load_shapes, texts_of, validate_files

SUITE = Path(__file__).resolve().parent.parent.parent / ".cache" / "shacl-suite"
MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
SHT = "http://www.w3.org/ns/shacl-test#"
A = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
TRUE = '"true"^^<http://www.w3.org/2001/XMLSchema#boolean>'

pytestmark = pytest.mark.requires("shacl-suite")

Key = tuple[str, ...]


class Case(NamedTuple):
    """A test of the suite; `results` is None where a failure is expected."""

    data: Path
    shapes: Path
    conforms: bool
    results: Counter[Key] | None


def read(path: Path) -> list[Case]:
    loader = Loader()
    loader.add_file(path)
    graph = Graph(texts_of(loader.triples()[0]))
    reader = Reader(graph)

    def one(node: str, name: str) -> str:
        return next(iter(graph.values(node, name)), "")

    def file(term: str) -> Path:
        return Path(term.removeprefix("<file://").removesuffix(">"))

    out = []
    for node in graph.subjects(A, f"<{SHT}Validate>"):
        action, result = one(node, f"<{MF}action>"), one(node, f"<{MF}result>")
        results: Counter[Key] | None = None
        if result != f"<{SHT}Failure>":
            results = Counter()
            for r in graph.values(result, sh("result")):
                steps = one(r, sh("resultPath"))
                results[
                    (
                        same(one(r, sh("focusNode"))),
                        str(reader.path(steps)) if steps else "",
                        same(one(r, sh("value"))),
                        one(r, sh("resultSeverity")),
                        one(r, sh("sourceConstraintComponent")),
                        same(one(r, sh("sourceShape"))),
                    )
                ] += 1
        out.append(
            Case(
                file(one(action, f"<{SHT}dataGraph>")),
                file(one(action, f"<{SHT}shapesGraph>")),
                one(result, sh("conforms")) == TRUE,
                results,
            )
        )
    return out


def same(term: str) -> str:
    """Return a term; of a blank node, that it is one: its name is a matter of the file."""
    return "_:" if term.startswith("_:") else term


def named(text: str) -> str:
    """Return a term of a result as N-Triples writes it."""
    if text.startswith(("_:", '"', "(", "^")) or not text:
        return same(text)
    return f"<{text}>" if not text.startswith("<") else text


def names_of(folder: str) -> list[str]:
    return sorted(str(p.relative_to(SUITE)) for p in (SUITE / folder).rglob("*.ttl"))


def check(path: Path) -> int:
    tests = read(path)
    for test in tests:
        if test.results is None:
            with pytest.raises((ShapesError, KgErrors)):
                validate_files([test.data], load_shapes([test.shapes]))
            continue
        report = validate_files([test.data], load_shapes([test.shapes]))
        found = Counter(
            tuple(map(named, (r.focus, r.path, r.value, r.severity, r.component, r.shape)))
            for r in report.results
        )
        assert found == test.results
        assert report.conforms == test.conforms
    return len(tests)


@pytest.mark.parametrize(("folder", "number"), [("core", 98), ("sparql", 23)])
def test_suite(folder: str, number: int) -> None:
    assert sum(check(SUITE / name) for name in names_of(folder)) == number
