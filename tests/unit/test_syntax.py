"""The grammar that explains errors, held to the engine and to the queries of the repository."""

from __future__ import annotations

import random
from pathlib import Path

import pyoxigraph as ox
import pytest

from kg.store import prefixes
from kg.web.guard import TOKEN
from kg.web.syntax import explain, mistake

PREFIXES = {**prefixes("https://kg.example/"), "ex": "http://example.org/"}
FINE = [
    "SELECT * { ?s ?p ?o }",
    "SELECT*{?s?p?o}",
    "VERSION '1.2' BASE <http://b/> ASK {}",
    "CONSTRUCT { ?s ?p ?o } { ?s (a|^<x:b>)/<c:d>* [ a ( 1 -2 ) ] FILTER(NOT EXISTS { } && "
    "?x NOT IN (1, 2)) } LIMIT 3",
    "ASK { VALUES (?a ?b) { (1 UNDEF) (2 3) } } VALUES ?x { 'a'@en '1'^^<x:y> -1 +2.0 3e4 true }",
    "SELECT (GROUP_CONCAT(DISTINCT ?x; SEPARATOR=',') AS ?y) (COUNT(*) AS ?n) {} "
    "GROUP BY (STR(?x) AS ?z) HAVING (?n > 1) ORDER BY DESC(?y) ?z OFFSET 3 LIMIT 1",
    "BASE <http://b/> DESCRIBE ex:a ?b FROM <g> FROM NAMED ex:g WHERE { ?b ex:p ?c ; a ex:B , ex:C"
    " ; . [] ex:x _:b . [ ex:y 1 ] . (1 2) ex:z () }",
    'CONSTRUCT WHERE { ?s ?p "a\\nb" , """x "" y""" }',
    "SELECT DISTINCT ?s (1+2*-3 AS ?x) WHERE { { ?s ex:p+ ?o } UNION { ?s !(ex:a|^ex:b|a) ?o } "
    "MINUS { ?s ex:a? 1.5 } OPTIONAL { GRAPH ?g { ?s ex:p true } } BIND(IF(BOUND(?s), ?s, "
    "COALESCE(?s, 1)) AS ?t) FILTER REGEX(STR(?s), 'x', 'i') { SELECT ?q { ?q ?r ?t } LIMIT 1 } } "
    "ORDER BY ?s ASC(?o)",
]  # fmt: skip


def engine_takes(query: str) -> bool:
    try:
        ox.Store().query(query, prefixes=PREFIXES)
    except SyntaxError:
        return False
    return True


def queries(checkout: Path) -> list[str]:
    files = sorted((checkout / "queries").glob("*.rq"))
    return [*FINE, *(file.read_text(encoding="utf-8") for file in files)]


def test_finds_nothing_in_queries_that_the_engine_takes(checkout: Path) -> None:
    for query in queries(checkout):
        assert engine_takes(query), query
        assert explain(query) is None, query


def test_agrees_with_the_engine_on_changed_queries(checkout: Path) -> None:
    # Each is a good query with a token taken out, put in or replaced. The engine refuses a few more
    # for their meaning (rows of VALUES, variables of SELECT); it must never take what is refused.
    source = random.Random(11)
    kept = [
        [match[0] for match in TOKEN.finditer(query) if match.lastgroup != "skip"]
        for query in queries(checkout)
    ]
    words = sorted({token for tokens in kept for token in tokens})
    found = 0
    for _ in range(2000):
        tokens = list(source.choice(kept))
        place = source.randrange(len(tokens))
        tokens[place : place + source.randrange(2)] = source.sample(words, source.randrange(2))
        query = " ".join(tokens)
        misfit = explain(query)
        if misfit is not None:
            found += 1
            assert not engine_takes(query), (query, misfit)
    assert found > 500


@pytest.mark.parametrize(
    ("query", "seen", "expected"),
    [
        ("SELEC * {}", "SELEC", "SELECT"),
        ("SELECT ?x WHER { ?x a <x:y> }", "WHER", "WHERE"),
        ("SELECT * {\n  ?s ?p }", "}", "a variable"),
        ("SELECT * { ?s ?p ?o", "the end of the query", "}"),
        ("SELECT * { FILTER ?x }", "?x", "("),
        ("SELECT * { FILTER(?x >) }", ")", "a variable"),
        ("SELECT * {} GROUP", "the end of the query", "BY"),
        ("SELECT * {} LIMIT ?n", "?n", "a whole number"),
        ("SELECT (1 ?x) {}", "?x", "AS"),
        ("ASK { BIND(STR() AS ?x) }", "()", "("),
        ("ASK { BIND(IF(1, 2) AS ?x) }", ")", ","),
        ("ASK { ?s ?p 'কিম' 1 }", "1", "."),
        ("ASK {} }", "}", "the end of the query"),
        ("PREFIX ASK {}", "ASK", "a prefix"),
        ("", "the end of the query", "ASK"),
    ],
)
def test_names_what_does_not_fit(query: str, seen: str, expected: str) -> None:
    misfit = explain(query)
    assert misfit is not None
    assert misfit.seen == seen
    assert query[misfit.offset :].startswith(seen) or misfit.offset == len(query)
    assert expected in misfit.expected
    assert not engine_takes(query)


@pytest.mark.parametrize(
    ("query", "said", "place"),
    [
        ('SELECT * { ?a ?b "\\\\x\\uD800" }', "escape", 21),
        ('SELECT * { ?a ?b "\\\\uD800", <b> }', "relative", 28),
        ("SELECT * { ?a ?b ?c } LIMIT 99999999999999999999", "too large", 28),
        (f"SELECT * {{ ?a ?b ?c }} LIMIT {'9' * 5000}", "too large", 28),
        ("SELECT * { ?a ?b ?c } OFFSET 99999999999999999999", "too large", 29),
        ("SELECT * { ?a ?b 'x'@abcdefghi }", "language tag", 20),
        ("SELECT * { <rel> ?b ?c }", "relative", 11),
        ("PREFIX a: <rel> SELECT * { a:b ?c ?d }", "relative", 10),
        ("SELECT * { ?a ?b <http://[> }", "not well-formed", -1),
        ("SELECT ?a (COUNT(?b) AS ?n) { ?a ?p ?b }", "no value", -1),
        ("SELECT * { ?a ?b ?c } GROUP BY ?a", "have to be named", -1),
        ("SELECT (1 AS ?a) { ?a ?b ?c }", "value to a variable", -1),
        ("SELECT ?a ?a { ?a ?b ?c }", "twice", -1),
        ("SELECT * { ?a ?b ?c BIND(1 AS ?a) }", "no meaning", -1),
        ("SELECT * { VALUES (?a ?b) { (1) } }", "no meaning", -1),
        ("SELECT * { ?a ?b _:x OPTIONAL { _:x ?c ?d } }", "no meaning", -1),
    ],
)
def test_says_what_is_wrong_with_the_meaning(query: str, said: str, place: int) -> None:
    assert explain(query) is None
    with pytest.raises(SyntaxError) as refused:
        ox.Store().query(query)
    found = mistake(query, str(refused.value))
    assert said in found.what
    assert found.hint
    assert found.offset == place
