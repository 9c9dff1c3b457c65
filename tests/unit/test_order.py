"""Sorting by a variable gives one order, whatever kinds of values there are."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
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


_ZONED = re.compile("(Z|[+-][0-9]{2}:[0-9]{2})$")
_WORD = st.text("abz019-", max_size=3)
_HOUR = st.integers(0, 23)
_ZONE = st.sampled_from(["", "Z", "+14:00", "-09:00"])
_TERM = st.one_of(
    _typed("integer", st.integers(-20, 20).map(str)),
    _typed("decimal", st.decimals(-20, 20, places=1).map(str)),
    _typed("double", st.integers(-20, 20).map(lambda n: f"{n}.5e0")),
    _typed("integer", _WORD),  # most of them are no integers
    _typed("boolean", st.sampled_from(["true", "false"])),
    _typed("integer", st.sampled_from([str(2**53), str(2**53 - 1), "9" * 20])),
    _typed("double", st.sampled_from(["9007199254740992e0", "1e30", "-INF", "NaN"])),
    _typed("date", st.dates(date(1000, 1, 1)).map(str)),
    _typed("date", st.sampled_from(["2000-01-01-07:00", "2000-01-01Z", "2000-01-02+14:00"])),
    _typed("dateTime", st.builds("2000-01-01T{:02}:00:00{}".format, _HOUR, _ZONE)),
    _typed("dateTime", st.builds("2000-01-01T{:02}:bad{}".format, _HOUR, _ZONE)),
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
    if _number(term) is not None:
        return "number"
    if (moment := _moment(term)) is not None:
        return f"{term.datatype} {moment.tzinfo is not None}"
    return f"{term.datatype} {_ZONED.search(term.value) is not None} none"


def _number(term: Any) -> float | None:
    """Return the value of a number; those of more than 64 bits are none to the engine."""
    local = term.datatype.value.removeprefix(XSD)
    if local == "integer":
        fits = re.fullmatch("[+-]?[0-9]{1,18}", term.value) is not None
        return float(term.value) if fits else None
    return float(term.value.replace("INF", "inf")) if local in ("decimal", "double") else None


def _moment(term: Any) -> datetime | None:
    """Return the beginning of a date, or a time."""
    local = term.datatype.value.removeprefix(XSD)
    text = re.sub("^([0-9-]{10})(?!T)", r"\1T00:00:00", term.value)
    fits = local in ("date", "dateTime") and "bad" not in term.value
    return datetime.fromisoformat(text) if fits else None


def _worth(term: Any) -> Any:
    """Return what terms of one kind are sorted by; NaN behind all numbers."""
    number = _number(term) if isinstance(term, ox.Literal) else None
    if number is not None:
        return (math.isnan(number), 0 if math.isnan(number) else number)
    moment = _moment(term) if isinstance(term, ox.Literal) else None
    return moment if moment is not None else term.value


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
            assert all(_worth(a) <= _worth(b) for a, b in pairwise(group))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { ?order ?by ?x }",
        "SELECT * { ?s ?p 'ORDER BY ?x' } # ORDER BY ?x",
        "SELECT * { ?s ?p ?x } ORDER BY STR(?x) (?x + 1) xsd:integer(?x) DESC(STR(?x)) DESC(-?x)",
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
        "ORDER BY EXISTS { { SELECT ?d { ?d ?e ?f } ORDER BY ?f } } $a ( ?c ) "
        "LIMIT10VALUES ?g { 1 }"
    )
    found = ordered(query)
    assert found.count("isNumeric") == 4
    for kept in ("desc ( ?c ) LIMIT", "?f } } ", "( ?c ) LIMIT10VALUES ?g { 1 }"):
        assert kept in found
    assert "DESC(IF(isNumeric(?c)" in found
    assert "ASC(IF(isNumeric($a)" in found
    ox.Store().query(found)


def test_what_stands_together_stays_apart() -> None:
    values = 'VALUES (?n ?s) { ("a" 2) ("b" 1) ("a" 1) }'
    for order in ("?n?s", "?n$s", "?n(?s)", "ASC(?n)?s", "?n ASC(?s)", "((?n)) ASC((?s))"):
        query = f"SELECT ?n ?s {{ {values} }} ORDER BY {order}"
        answer: Any = ox.Store().query(ordered(query))
        found = [(row["n"].value, row["s"].value) for row in answer]
        assert found == [("a", "1"), ("a", "2"), ("b", "1")], order


def test_takes_a_long_text_in_one_go() -> None:
    query = "SELECT * {} " + "ORDER BY " * 20_000
    assert ordered(query) == query
