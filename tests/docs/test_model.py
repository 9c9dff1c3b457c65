"""docs/model.md has every term, every closed scheme and every rule, and the prefixes there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CH = "https://w3id.org/chancery/ontology#"
OPEN = {"type", "plover", "relation", "time-rule"}


@pytest.fixture(scope="module")
def page(checkout: Path) -> str:
    return (checkout / "docs/model.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def ontology(checkout: Path):
    import rdflib

    graph = rdflib.Graph()
    for path in sorted((checkout / "ontology").glob("*.ttl")):
        graph.parse(path, format="turtle")
    return graph


def _section(page: str, heading: str) -> str:
    start = page.index(f"\n## {heading}\n")
    end = page.find("\n## ", start + 1)
    return page[start : end if end > 0 else len(page)]


def _terms(ontology, *kinds: str) -> set[str]:
    return {
        str(row[0]).removeprefix(CH)
        for kind in kinds
        for row in ontology.query(f"SELECT ?t {{ ?t a <http://www.w3.org/2002/07/owl#{kind}> }}")
    }


def test_every_class_is_in_its_table(page: str, ontology):
    named = set(re.findall(r"`ch:([A-Z]\w*)`", _section(page, "Classes")))
    assert named == _terms(ontology, "Class")


def test_every_property_is_in_its_table(page: str, ontology):
    rows = [x for x in _section(page, "Properties").splitlines() if x.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`ch:(\w+)`", row.split("|")[1])]
    known = _terms(ontology, "ObjectProperty", "DatatypeProperty", "AnnotationProperty")
    assert set(named) == known
    assert len(named) == len(known)


def test_every_term_in_the_page_exists(page: str, ontology):
    subjects = {str(s).removeprefix(CH) for s in ontology.subjects() if str(s).startswith(CH)}
    used = set(re.findall(r"\bch:([A-Za-z][A-Za-z0-9-]*)", page))
    assert {name for name in used if name not in subjects and not name.endswith("-")} == set()


def test_the_closed_schemes_are_complete(page: str, checkout: Path):
    from kg.vocab import load_vocabulary

    vocabulary = load_vocabulary(checkout / "ontology")
    rows = re.findall(
        r"^\| `([a-z-]+)` \| (.*) \|$", _section(page, "Closed schemes"), re.MULTILINE
    )
    shown = {name: set(re.findall(r"`([a-z-]+)`", keys)) for name, keys in rows}
    closed = {
        name: set(keys)
        for name, keys in vocabulary.keys().items()
        if name not in ("event-type", "relation-type", "time-rule")
    }
    assert shown == closed


def test_the_rules_of_the_statuses_are_those_of_the_code(page: str):
    from kg.derive import STATUS_RULES

    rows = re.findall(
        r"^\| `([a-z]+)` \| (.*) \|$", _section(page, "Derived statements"), re.MULTILINE
    )
    rules = [(name, rule[0].lower() + rule[1:].rstrip(".")) for name, rule in STATUS_RULES.items()]
    assert rows == rules


def test_the_prefixes_are_those_that_need_no_declaration(page: str):
    from kg.store import prefixes

    cells = re.findall(r"^\| (`\w+:`.*?) \|", _section(page, "Where to type"), re.MULTILINE)
    shown = {name for cell in cells for name in re.findall(r"`(\w+):`", cell)}
    assert shown == set(prefixes("https://chancery.example/"))
