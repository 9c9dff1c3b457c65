"""The ontology's files, read once, and which terms the rest of the repository names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from rdflib import DCTERMS, OWL, RDF, SKOS, Graph, URIRef

ROOT = Path(__file__).parents[2]
CH = "https://w3id.org/chancery/ontology#"

_NAMED = re.compile(r"(?<![\w-])ch:([A-Za-z][A-Za-z0-9]*(?:-[a-z0-9]+)*)(?![\w{<*…-])")
_TEXT = ("shapes/*.ttl", "queries/**/*.rq", "docs/**/*.md", "*.md", "kg/web/**/*.html")
_CODE = ("kg/**/*.py", "mappings/*.py")
_KINDS = (
    OWL.Class,
    OWL.ObjectProperty,
    OWL.DatatypeProperty,
    OWL.AnnotationProperty,
    SKOS.Concept,
    SKOS.ConceptScheme,
)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[Path]:
    found = sorted((ROOT / "ontology").glob("*.ttl"))
    assert len(found) == 6
    return found


@pytest.fixture(scope="session")
def ontology(files: list[Path]) -> Graph:
    graph = Graph()
    for path in files:
        graph.parse(path, format="turtle")
    return graph


@pytest.fixture(scope="session")
def terms(ontology: Graph) -> set[str]:
    """Return the local names of all terms that are defined."""
    found = {str(s) for kind in _KINDS for s in ontology.subjects(RDF.type, kind)}
    return {s.removeprefix(CH) for s in found if s.startswith(CH)}


@pytest.fixture(scope="session")
def uses(terms: set[str]) -> Graph:
    """Return one triple per file and term that the file names.

    In text, a term is `ch:name`. In code it is that, the argument of `term(…)`, or a string that is
    the name of a term (tables of names, the classes of records): such a string counts as use and
    is never taken for an undefined term.
    """
    graph = Graph()

    def add(path: Path, name: str) -> None:
        file = URIRef(f"file:{path.relative_to(ROOT).as_posix()}")
        graph.add((file, DCTERMS.references, URIRef(CH + name)))

    for pattern in (*_TEXT, *_CODE):
        for path in sorted(ROOT.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            for name in _NAMED.findall(text):
                add(path, name)
            if path.suffix == ".py":
                for name in _names_in_code(text, terms):
                    add(path, name)
    return graph


def _names_in_code(text: str, terms: set[str]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and node.value in terms:
            found.add(node.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            argument = node.args[0]
            if node.func.id == "term" and isinstance(argument, ast.Constant):
                found.add(argument.value)
    return found
