"""Each public question against the answer that a reader took from the article.

`expected/<query>.yaml` holds what must be found (`expected`), what may be found (`optional`) and
what must not (`must_not`); all else is an error. A row names the variables that it is about and
has a `why` with document (bn, hi) and sentence, counted from 0. `rank` gives the order where the
question asks for one: rows of one rank may swap. For yes or no, `expected` is true or false.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import pytest
import rdflib
import yaml
from rdflib.paths import Path as PropertyPath
from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.term import Variable

from kg.build import Built, read_questions
from kg.resources import folder

BASE = "https://chancery.example/"
EXPECTED = Path(__file__).parent / "expected"
QUERIES = {q.id: q for q in read_questions(folder("queries"), BASE)}
SLUGS = sorted(QUERIES)
each_query = pytest.mark.parametrize("slug", SLUGS)

_NOTES = {"why", "rank"}
_SENTENCE = re.compile(r"\b(bn|hi) s\d+\b")


@functools.cache
def expectation(slug: str) -> dict[str, Any]:
    """Return the expectation of a query; scalars but true, false and null are strings."""
    text = (EXPECTED / f"{slug}.yaml").read_text(encoding="utf-8")
    value = yaml.load(text, yaml.BaseLoader)
    for part in ("expected", "optional", "must_not"):
        for row in value.get(part, []) if isinstance(value.get(part), list) else []:
            row.update({k: None for k, v in row.items() if v == "null"})
    return dict(value)


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without its notes."""
    return {k: v for k, v in row.items() if k not in _NOTES}


def cut(row: dict[str, Any], names: Any) -> dict[str, Any]:
    """Return the part of a solution that an expected row is about."""
    return {name: row[name] for name in names}


def header(slug: str) -> dict[str, str]:
    """Return the fields of the comment at the head of a query."""
    fields: dict[str, str] = {}
    last = ""
    for line in (folder("queries") / f"{slug}.rq").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        match = re.match(r"# (\w+): (\S.*)$", line)
        if match:
            last = match[1]
            fields[last] = match[2]
        else:
            assert line.startswith("#   "), f"{slug}: {line!r} is neither a field nor its rest"
            fields[last] += " " + line[1:].strip()
    return fields


@functools.cache
def algebra(slug: str) -> CompValue:
    """Return the query as rdflib's SPARQL parser reads it, with no prefix but its own."""
    return prepareQuery(QUERIES[slug].query).algebra


def parts(node: Any) -> list[CompValue]:
    """Return every node of an algebra tree."""
    found = []
    todo = [node]
    while todo:
        item = todo.pop()
        if isinstance(item, CompValue):
            found.append(item)
            todo.extend(item.values())
        elif isinstance(item, list | tuple | set) and not isinstance(item, str):
            todo.extend(item)
    return found


def triples(part: CompValue) -> list[tuple[Any, Any, Any]]:
    """Return the triple patterns of a node; within EXISTS they stand in flat lists of three."""
    found = []
    for item in dict(part).get("triples", ()):
        terms = list(item)
        found += [tuple(terms[n : n + 3]) for n in range(0, len(terms), 3)]
    return found


def test_each_query_has_an_expectation_and_the_reverse() -> None:
    assert len(SLUGS) >= 44
    assert {p.stem for p in EXPECTED.glob("*.yaml")} == set(SLUGS)


@each_query
def test_the_expectation_says_why(slug: str) -> None:
    value = expectation(slug)
    assert set(value) <= {"expected", "optional", "must_not", "ordered", "why"}
    if isinstance(value["expected"], str):
        assert _SENTENCE.search(value["why"]), "name document and sentence, e.g. bn s9"
        return
    names = list(plain(value["expected"][0]))
    for part in ("expected", "optional", "must_not"):
        for row in value.get(part, []):
            assert _SENTENCE.search(row["why"]), f"{row}: name document and sentence, e.g. bn s9"
            assert part == "must_not" or list(plain(row)) == names, f"{row}: other variables"
            assert ("rank" in row) == (part == "expected" and value.get("ordered") == "true")


@each_query
def test_the_header_is_complete(slug: str) -> None:
    fields = header(slug)
    assert list(fields) == ["question", "keywords", "description", "variables"]
    assert fields["question"].endswith(("?", "articles."))
    assert 3 <= len(fields["keywords"].split(", ")) <= 8
    assert fields["description"].endswith(".")
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    described = set(re.findall(r"\?(\w+)", fields["variables"]))
    returned = {str(v) for v in algebra(slug).get("PV") or ()} if not is_ask(slug) else set()
    labels = {v for v in returned if v.endswith("Label") and v.removesuffix("Label") in returned}
    assert described == returned - labels


def is_ask(slug: str) -> bool:
    return bool(algebra(slug).name == "AskQuery")


@each_query
def test_the_answer_is_that_of_the_article(slug: str, answers: Any) -> None:
    value = expectation(slug)
    if is_ask(slug):
        assert answers.ask(QUERIES[slug].query) is (value["expected"] == "true")
        return
    found = answers.rows(QUERIES[slug].query)
    wanted = [plain(r) for r in value["expected"]]
    allowed = wanted + [plain(r) for r in value.get("optional", [])]
    got = [cut(row, wanted[0]) for row in found]
    missing = [r for r in wanted if r not in got]
    assert not missing, f"not found: {missing}"
    unexpected = [r for r in got if r not in allowed]
    assert not unexpected, f"found, and not in the article: {unexpected}"
    for row in value.get("must_not", []):
        refused = plain(row)
        assert refused not in [cut(r, refused) for r in found], f"must not be found: {row}"


@pytest.mark.parametrize("slug", [s for s in SLUGS if expectation(s).get("ordered") == "true"])
def test_the_answer_is_in_the_order_that_is_asked_for(slug: str, answers: Any) -> None:
    value = expectation(slug)
    ranks = [(plain(r), int(r["rank"])) for r in value["expected"]]
    got = [cut(row, ranks[0][0]) for row in answers.rows(QUERIES[slug].query)]
    order = [
        next(rank for row, rank in ranks if row == g) for g in got if g in [r for r, _ in ranks]
    ]
    assert order == sorted(order)


@each_query
def test_the_answer_is_the_same_under_another_base(slug: str, answers: Any, moved: Any) -> None:
    (there,) = [q for q in read_questions(folder("queries"), moved.base) if q.id == slug]
    assert BASE not in there.query
    if is_ask(slug):
        assert moved.ask(there.query) is answers.ask(QUERIES[slug].query)
        return
    both = (answers.rows(QUERIES[slug].query), moved.rows(there.query))
    here, other = ([sorted(map(str, row.values())) for row in rows] for rows in both)
    assert sorted(here) == sorted(other)


@each_query
def test_ids_come_with_labels_and_rows_in_a_fixed_order(slug: str, answers: Any) -> None:
    if is_ask(slug):
        return
    query = QUERIES[slug].query
    found = answers.store.query(query, use_default_graph_as_union=True)
    names = [v.value for v in found.variables]
    solutions = list(found)
    for solution in solutions:
        for name in names:
            term = solution[name]
            if term is not None and str(term.value).startswith(f"{BASE}id/") and name != "person":
                assert f"{name}Label" in names, f"?{name} is an address; return ?{name}Label too"
                assert solution[f"{name}Label"].value
    order = query.rpartition("ORDER BY")[2]
    keys = [v for v in re.findall(r"\?(\w+)", order) if v in names]
    seen = [tuple(str(solution[k]) for k in keys) for solution in solutions]
    assert len(seen) == len(set(seen)), f"ORDER BY {keys} leaves ties"


@each_query
def test_the_query_is_short_and_runs_anywhere(slug: str) -> None:
    """No feature beyond SPARQL 1.1, nothing that a server must guess or may refuse."""
    text = QUERIES[slug].query
    body = text.partition("\n\n")[2]
    declared = set(re.findall(r"^PREFIX (\w+):", body, re.M))
    code = re.sub(r'"[^"]*"', "", re.sub(r"^PREFIX .*$", "", body, flags=re.M))
    used = set(re.findall(r"(?<![\w?-])(\w+):(?=[\w-])", code))
    assert declared == used
    pattern = code.strip().splitlines()
    assert len(pattern) <= 16, "a question takes a few lines"
    assert not re.search(r"\b(SERVICE|FROM|NAMED)\b", code)
    if re.search(r"\bGRAPH\b", code):
        assert "graph" in header(slug)["description"], "GRAPH only where a graph is asked about"
    tree = algebra(slug)
    for part in parts(tree):
        for s, p, o in triples(part):
            loose = isinstance(s, Variable) and isinstance(o, Variable)
            assert not (isinstance(p, PropertyPath) and loose), "a path unbound at both ends"
    assert is_ask(slug) or any(part.name == "OrderBy" for part in parts(tree))


@pytest.fixture(scope="session")
def second_engine(built: Built) -> rdflib.Graph:
    """Return the union of all graphs in rdflib."""
    union = rdflib.Graph()
    triples = {line[: line.rindex("<")] + "." for line in built.dataset}
    return union.parse(data="\n".join(sorted(triples)), format="nt")


@each_query
def test_a_second_engine_gives_the_same_answer(
    slug: str, answers: Any, second_engine: rdflib.Graph
) -> None:
    query = QUERIES[slug].query
    if re.search(r"\bGRAPH\b", query.partition("WHERE")[2]):
        return  # the union of all graphs has none
    result = second_engine.query(query)
    if is_ask(slug):
        assert result.askAnswer is answers.ask(query)
        return
    found = answers.store.query(query, use_default_graph_as_union=True)
    names = [v.value for v in found.variables]
    here = [tuple(None if r[n] is None else r[n].value for n in names) for r in found]
    there = [tuple(None if r[n] is None else str(r[n]) for n in names) for r in result]
    assert here == there
