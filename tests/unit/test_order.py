"""Sorting by a variable gives one order, whatever kinds of values there are."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.vocab import XSD
from kg.web.order import ordered


def _typed(name: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return values.map(lambda value: f'"{value}"^^<{XSD}{name}>')


_WORD = st.text("abz019-", max_size=3)
_TERM = st.one_of(
    _typed("integer", st.integers(-20, 20).map(str)),
    _typed("decimal", st.decimals(-20, 20, places=1).map(str)),
    _typed("double", st.integers(-20, 20).map(lambda n: f"{n}.5e0")),
    _typed("integer", _WORD),  # most of them are no integers
    _typed("boolean", st.sampled_from(["true", "false"])),
    _typed("date", st.dates().map(str)),
    _typed("dateTime", st.integers(1000, 9999).map(lambda n: f"{n}-01-01T00:00:00Z")),
    _WORD.map(lambda word: f'"{word}"'),
    _WORD.map(lambda word: f'"{word}"@bn'),
    _WORD.map(lambda word: f"<http://a.example/{word}>"),
    st.just("UNDEF"),
)


def _kind(term: Any) -> str:
    """Return what the terms that have an order among themselves have in common."""
    if term is None or isinstance(term, ox.NamedNode):
        return "unbound" if term is None else "IRI"
    if term.language or term.datatype.value == f"{XSD}string":
        return "text"
    local = term.datatype.value.removeprefix(XSD)
    if local in ("integer", "decimal", "double") and _number(term) is not None:
        return "number"
    return f"not a number: {local}" if local == "integer" else local


def _number(term: Any) -> Decimal | None:
    text = term.value
    fits = text.lstrip("+-").isdigit() if term.datatype.value == f"{XSD}integer" else True
    return Decimal(text) if fits and text.count("-") + text.count("+") < 2 else None


def _compare(one: Any, other: Any) -> int:
    """Compare two terms of one kind by the operators of the standard."""
    if _kind(one) == "number":
        a, b = _number(one), _number(other)
        assert a is not None
        assert b is not None
        return (a > b) - (a < b)
    return (one.value > other.value) - (one.value < other.value)


@given(st.lists(_TERM, max_size=40), st.sampled_from(["?x", "ASC(?x)", "DESC(?x)"]))
def test_sorts_by_kind_and_in_each_kind_by_value(terms: list[str], condition: str) -> None:
    query = f"SELECT ?x {{ VALUES ?x {{ {' '.join(terms)} }} }} ORDER BY {condition}"
    answer: Any = ox.Store().query(ordered(query))
    found = [row["x"] for row in answer]
    assert len(found) == len(terms)
    if condition.startswith("DESC"):
        found.reverse()
    kinds = [(kind, list(group)) for kind, group in groupby(found, _kind)]
    names = [kind for kind, _ in kinds]
    assert len(set(names)) == len(names)
    first = [name for name in ("unbound", "IRI") if name in names]
    assert names[: len(first)] == first  # then literals
    for kind, group in kinds:
        if kind != "unbound":
            assert all(_compare(a, b) <= 0 for a, b in pairwise(group))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { ?order ?by ?x }",
        "SELECT * { ?s ?p 'ORDER BY ?x' } # ORDER BY ?x",
        "SELECT * { ?s ?p ?x } ORDER BY STR(?x) (?x) xsd:integer(?x) DESC(STR(?x)) DESC(?x + 1)",
        "SELECT * { ?s ?p ?x } ORDER BY STR(?x) LIMIT 3",
        "ASK { { SELECT * { ?s ?p ?o } ORDER BY COUNT(?o) } ?x ?y ?z }",
        "ORDER BY",
    ],
)
def test_leaves_everything_else_alone(query: str) -> None:
    assert ordered(query) == query


def test_adds_a_kind_to_each_condition_that_is_a_variable() -> None:
    query = (
        "SELECT * { { SELECT ?a { ?a ?b ?c } order by desc ( ?c ) LIMIT 2 } ?a ?b ?c }\n"
        "ORDER BY EXISTS { { SELECT ?d { ?d ?e ?f } ORDER BY ?f } } $a VALUES ?g { 1 }"
    )
    found = ordered(query)
    assert found.count("isNumeric") == 3
    for kept in ("desc ( ?c ) LIMIT", "?f } } ", "$a VALUES"):
        assert kept in found
    assert "DESC(IF(isNumeric(?c)" in found
    assert "ASC(IF(isNumeric($a)" in found
    ox.Store().query(found)


def test_takes_a_long_text_in_one_go() -> None:
    query = "SELECT * {} " + "ORDER BY " * 20_000
    assert ordered(query) == query
