"""Whatever holds an allegation holds the denials of it and the replies to it, or announces them.

Held against invented graphs of claims, with small bounds: the pages and descriptions are made by
the site itself, only that its queries are answered from a store in memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlencode

import msgspec
import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some
from starlette.testclient import TestClient

from kg.config import Settings
from kg.manifest import Question
from kg.web import describe, editor
from kg.web.app import create_app
from kg.web.cache import Cache

BASE = "https://chancery.example/"
CH = "https://w3id.org/chancery/ontology#"
STANCES = (
    "affirms",
    "denies",
    "disputes-evidence",
    "does-not-confirm",
    "cannot-verify",
    "questions",
)
AFFIRMS = STANCES[0]
HEAD = "\n".join(
    f"@prefix {name}: <{iri}> ."
    for name, iri in {
        "ch": CH,
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        **{kind: f"{BASE}id/{kind}/" for kind in ("agent", "claim", "claimset", "document")},
        **{kind: f"{BASE}id/{kind}/" for kind in ("event", "graph", "record", "time", "place")},
        "relation": f"{BASE}id/relation/",
    }.items()
)


@dataclass(frozen=True)
class Claim:
    """One claim: who, in which document, with which stance, on what, and what it answers.

    `about` is an event, a relation, a claim that it relays, or all claims before it as a set.
    """

    who: int
    document: int
    stance: str
    about: tuple[str, int]
    answers: int | None = None


@dataclass(frozen=True)
class World:
    """Events, of which some are possibly the same, and claims, each about something before it.

    Relations are between an event, whose number is given, and an agent, or between a relation
    before it, n as -1 - n, and an agent. The topic of an event that
    has one is an event before it.
    """

    events: int
    same: frozenset[tuple[int, int]]
    claims: tuple[Claim, ...]
    relations: tuple[int, ...] = ()
    topics: frozenset[tuple[int, int]] = frozenset()

    @property
    def concerns(self) -> list[frozenset[int]]:
        """Return the events that each claim bears on; none where it relays another."""
        found: list[frozenset[int]] = []
        for claim in self.claims:
            kind, number = claim.about
            if kind == "event":
                found.append(frozenset((number,)))
            elif kind == "set":
                found.append(frozenset().union(*found[: number + 1]))
            else:
                found.append(frozenset())
        return found

    def innermost(self, number: int) -> int:
        """Return the claim that a chain of relaying ones ends in."""
        while self.claims[number].about[0] == "claim":
            number = self.claims[number].about[1]
        return number

    @property
    def other_side(self) -> dict[int, set[int]]:
        """Return for each event the claims that do not affirm it, or answer one that does."""
        concerns = self.concerns
        found: dict[int, set[int]] = {event: set() for event in range(self.events)}
        for number, claim in enumerate(self.claims):
            if claim.stance != AFFIRMS:
                for event in concerns[number]:
                    found[event].add(number)
            if claim.answers is not None:
                for event in concerns[claim.answers] - concerns[number]:
                    found[event].add(number)
        return found

    @property
    def within(self) -> dict[int, set[int]]:
        """Return the other side of each event and of its topics."""
        found = {event: set(against) for event, against in self.other_side.items()}
        for event, topic in sorted(self.topics):
            found[event] |= found[topic]
        return found

    @property
    def other_side_of_relations(self) -> dict[int, set[int]]:
        """Return the same for each relation: on it, and on the event that it is of."""
        found: dict[int, set[int]] = {number: set() for number in range(len(self.relations))}
        for number, claim in enumerate(self.claims):
            if claim.about[0] == "relation" and claim.stance != AFFIRMS:
                found[claim.about[1]].add(number)
            if claim.answers is not None:
                answered = self.claims[claim.answers].about
                if answered[0] == "relation" and claim.about != answered:
                    found[answered[1]].add(number)
        for number, subject in enumerate(self.relations):
            found[number] |= self.within[subject] if subject >= 0 else found[-1 - subject]
        return found

    @property
    def other_side_of_sets(self) -> dict[int, set[int]]:
        """Return the same for each set: on all that its members are about."""
        found = {}
        for kind, number in {claim.about for claim in self.claims}:
            if kind == "set":
                members = {self.innermost(one) for one in range(number + 1)}
                events = set().union(*(self.concerns[one] for one in members))
                found[number] = set().union(*(self.other_side[event] for event in events))
        return found

    def trig(self) -> bytes:
        """Return the world as the build would write it."""
        graphs: dict[int, list[str]] = {0: [], 1: []}
        for event in range(self.events):
            graphs[0].append(
                f'event:e{event} a ch:Event, ch:Proposition ; rdfs:label "Matter {event}"@en ; '
                f"ch:eventType ch:type-talks ; ch:actor agent:subject ; ch:place place:town ; "
                "ch:recipient agent:object ; ch:time time:day ."
            )
        for event, topic in self.topics:
            graphs[0].append(f"event:e{event} ch:topic event:e{topic} .")
        for relation, subject in enumerate(self.relations):
            of = f"event:e{subject}" if subject >= 0 else f"relation:r{-1 - subject}"
            graphs[1].append(
                f"relation:r{relation} a ch:Relation, ch:Proposition ; "
                f'rdfs:label "Bond {relation}"@en ; '
                f"ch:relationType ch:relation-purpose-of ; ch:subject {of} ; "
                "ch:object agent:object ."
            )
        sets = set()
        concerns = self.concerns
        for number, claim in enumerate(self.claims):
            kind, target = claim.about
            lines = graphs[claim.document]
            about = f"event:e{target}"
            if kind == "set":
                about = f"claimset:s{target}"
                sets.add(target)
            if kind == "claim":
                about = f"ch:relays claim:c{target} ; ch:ultimately claim:c{self.innermost(target)}"
            elif kind == "relation":
                about = f"ch:about relation:r{target} ; ch:concerns relation:r{target}"
            else:
                bears = "".join(f", event:e{one}" for one in sorted(concerns[number]))
                about = f"ch:about {about}" + (f" ; ch:concerns {bears[2:]}" if bears else "")
            answers = "" if claim.answers is None else f" ; ch:respondsTo claim:c{claim.answers}"
            lines.append(
                f'claim:c{number} a ch:Claim ; rdfs:label "Saying {number}"@en ; {about} ; '
                f"ch:claimant agent:w{claim.who} ; ch:stance ch:stance-{claim.stance} ; "
                f"ch:inSource document:d{claim.document}{answers} ."
            )
            lines.append(
                f'agent:w{claim.who} a ch:Person, ch:Agent ; rdfs:label "Witness {claim.who}"@en .'
            )
        for number in sets:
            members = ", ".join(f"claim:c{one}" for one in range(number + 1))
            graphs[0].append(
                f'claimset:s{number} a ch:ClaimSet ; rdfs:label "Such sayings {number}"@en ; '
                f"ch:inferredMember {members} ; ch:inSource document:d0 ."
            )
        for one, other in self.same:
            graphs[0].append(
                f"event:e{one} ch:possiblySameAs event:e{other} . "
                f"event:e{other} ch:possiblySameAs event:e{one} . "
                f"record:r{one}-{other} a ch:EventLink ; ch:links event:e{one}, event:e{other} ; "
                f'ch:accepted false ; rdfs:label "Possibly the same {one} {other}"@en .'
            )
        for number, lines in graphs.items():
            lines.append(f'document:d{number} a ch:Document ; rdfs:label "Report {number}"@en .')
        graphs[0].append(
            'agent:subject a ch:State, ch:Agent ; rdfs:label "Arvenia"@en . '
            'agent:object a ch:State, ch:Agent ; rdfs:label "Bostmark"@en . '
            'place:town a ch:Place ; rdfs:label "Mill Town"@en ; ch:latitude "1"^^xsd:decimal ; '
            'ch:longitude "2"^^xsd:decimal . '
            'time:day a ch:TimeExtent ; ch:edtf "2031-05-02" ; '
            'ch:earliest "2031-05-02"^^xsd:date ; '
            'ch:latest "2031-05-02"^^xsd:date .'
        )
        bodies = (f"graph:g{n} {{ {' '.join(lines)} }}" for n, lines in graphs.items())
        return "\n".join((HEAD, *bodies)).encode()

    def addresses(self) -> Iterator[str]:
        """Yield the path of everything that has a page."""
        for event in range(self.events):
            yield f"/doc/event/e{event}"
        for number, claim in enumerate(self.claims):
            yield f"/doc/claim/c{number}"
            if claim.about[0] == "set":
                yield f"/doc/claimset/s{claim.about[1]}"
        for who in {claim.who for claim in self.claims}:
            yield f"/doc/agent/w{who}"
        yield from (f"/doc/record/r{one}-{other}" for one, other in self.same)
        yield from (f"/doc/relation/r{number}" for number in range(len(self.relations)))
        yield from ("/doc/agent/subject", "/doc/place/town", "/doc/document/d0")
        yield from ("/doc/document/d1", "/doc/time/day")


@some.composite
def worlds(draw: some.DrawFn) -> World:
    events = draw(some.integers(1, 3))
    pairs = [(one, other) for one in range(events) for other in range(one + 1, events)]
    same = draw(some.frozensets(some.sampled_from(pairs), max_size=2)) if pairs else frozenset()
    relations = tuple(draw(some.lists(some.integers(0, events - 1), max_size=2)))
    if relations and draw(some.booleans()):
        relations = (*relations, -1 - draw(some.integers(0, len(relations) - 1)))
    claims: list[Claim] = []
    for number in range(draw(some.integers(0, 6))):
        kinds = ("event", "event", "claim", "set") if number else ("event",)
        kind = draw(some.sampled_from((*kinds, "relation") if relations else kinds))
        most = {"event": events, "relation": len(relations)}.get(kind, number)
        claims.append(
            Claim(
                who=number,  # one witness for each claim: their names tell claims apart
                document=draw(some.integers(0, 1)),
                stance=AFFIRMS if kind == "claim" else draw(some.sampled_from(STANCES)),
                about=(kind, draw(some.integers(0, most - 1))),
                answers=draw(some.none() | some.integers(0, number - 1)) if number else None,
            )
        )
    before = [(one, other) for other, one in pairs]
    topics = draw(some.frozensets(some.sampled_from(before), max_size=2)) if before else frozenset()
    return World(events, same, tuple(claims), relations, topics)


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, write_sample: Callable[..., Path]
) -> Iterator[TestClient]:
    """Return a client of a site of its own: what answers its queries is changed here."""
    out = tmp_path_factory.mktemp("other-side")
    write_sample(out)
    with TestClient(create_app(out, Settings(workers=1)), follow_redirects=False) as found:
        yield found


class Answers:
    """Answers queries from a store that holds one world, in the place of the pool."""

    def __init__(self, world: World, prefixes: Mapping[str, str]) -> None:
        self.store = ox.Store()
        self.store.load(world.trig(), format=ox.RdfFormat.TRIG)
        self.prefixes = prefixes

    async def rows(self, queries: Sequence[str]) -> list[list[describe.Row]]:
        return [self._rows(query)[1] for query in queries]

    async def ask(self, query: str, limit: int, **_: object) -> describe.Solutions:
        if not query.startswith("SELECT"):
            found = self.store.query(query, prefixes=self.prefixes, use_default_graph_as_union=True)
            assert isinstance(found, ox.QueryTriples)
            turtle = found.serialize(format=ox.RdfFormat.TURTLE)
            assert turtle is not None
            return describe.Solutions(text=turtle.decode())
        names, rows = self._rows(query)
        return describe.Solutions(tuple(names), tuple(rows[:limit]), cut=len(rows) > limit)

    def _rows(self, query: str) -> tuple[list[str], list[describe.Row]]:
        found = self.store.query(query, prefixes=self.prefixes, use_default_graph_as_union=True)
        assert isinstance(found, ox.QuerySolutions)
        names = [variable.value for variable in found.variables]
        return names, [
            {name: _term(row[name]) for name in names if row[name] is not None} for row in found
        ]


QUESTIONS = {
    "events": "SELECT ?event { ?event a ch:Event } ORDER BY DESC(STR(?event))",
    "claims": "SELECT ?claim { ?claim a ch:Claim } ORDER BY STR(?claim)",
    "graph": "CONSTRUCT { ?event rdfs:label ?l } WHERE { ?event a ch:Event ; rdfs:label ?l }",
    "said": "DESCRIBE ?claim WHERE { ?claim a ch:Claim }",
    "relations": "SELECT ?relation { ?relation a ch:Relation } ORDER BY STR(?relation)",
    "sets": "SELECT ?set { ?set a ch:ClaimSet } ORDER BY STR(?set)",
    "links": "SELECT ?link { ?link a ch:EventLink } ORDER BY STR(?link)",
    "labels": "SELECT ?label { ?event a ch:Event ; rdfs:label ?label } ORDER BY STR(?label)",
    "texts": "SELECT (STR(?l) AS ?text) { ?event a ch:Event ; rdfs:label ?l } ORDER BY STR(?l)",
}
"""Queries that name events: themselves, by claims on them, by their labels, by plain text."""


def _term(node: Any) -> describe.Term:
    if isinstance(node, ox.Literal):
        datatype = "" if node.language else node.datatype.value
        plain = datatype == "http://www.w3.org/2001/XMLSchema#string"
        return describe.term("literal", node.value, node.language or "", "" if plain else datatype)
    return describe.term("bnode" if isinstance(node, ox.BlankNode) else "uri", node.value)


PAGES = 3
"""So many pages of a thing are looked at."""


def pages(client: TestClient, path: str, accept: str) -> Iterator[tuple[str, Any]]:
    """Yield the pages of a thing as far as they lead to each other."""
    for number in range(1, PAGES + 1):
        address = f"{path}?page={number}"
        answer = client.get(address, headers={"Accept": accept})
        assert answer.status_code == 200, (address, answer.text)
        yield address, answer
        if 'rel="next"' not in answer.headers.get("link", ""):
            break


def check_rdf(world: World, address: str, answer: Any) -> int:
    """Return how many claims of the other side were looked for in a description."""
    if "kg-positions-cut" in answer.headers:
        return 0
    found = {str(q.triple) for q in ox.parse(answer.content, format=ox.RdfFormat.TURTLE)}
    text = "\n".join(found)
    checked = 0
    # What is only named as possibly the same is not followed to its topics.
    alike = {event for pair in world.same for event in pair}
    named = {
        f"id/event/e{event}>": world.other_side[event] if event in alike else against
        for event, against in world.within.items()
    }
    for relation, against in world.other_side_of_relations.items():
        named[f"id/relation/r{relation}>"] = against
    for name, against in named.items():
        if name not in text:
            continue
        for number in against:
            stance = world.claims[number].stance
            held = (
                f"<{BASE}id/claim/c{number}> <{CH}stance> <{CH}stance-{stance}>",
                f"<{BASE}id/claim/c{number}> <{CH}claimant> <{BASE}id/agent/w{number}>",
            )
            for triple in held:
                assert triple in found, (address, name, triple)
            checked += 1
    return checked


MORE = (
    "There are more claims that do not affirm it",
    "not all positions are shown",
    "is named: its page has the positions on it",
    "are named: the page of each has the positions on it",
)
NONE = (
    "no claim takes another position",
    "no claim in this release",
    "No claim in this release denies it",
    "none denies it",
    "No claim in this release is about it",
)


def witness(number: int, text: str) -> bool:
    """Return whether a text names who made a claim."""
    return re.search(rf"Witness {number}\b", text) is not None


def check_page(world: World, address: str, text: str) -> int:
    """Return how many claims of the other side were looked for on a page."""
    body = text[text.index("<main") : text.index("</main>")]
    told = any(words in body for words in MORE)
    checked = 0
    named = {f"Matter {event}<": against for event, against in world.within.items()}
    for relation, against in world.other_side_of_relations.items():
        named[f"Bond {relation}<"] = against
    for number, against in world.other_side_of_sets.items():
        named[f"Such sayings {number}<"] = against
    for name, against in named.items():
        if name not in body:
            continue
        for number in against:
            checked += 1
            assert told or witness(number, body), (address, name, number)
    for item in re.findall(r'<p class="what">(.*?)</li>', body, re.DOTALL):
        head, _, rest = item.partition("</p>")
        for relation in map(int, re.findall(r'href="/doc/relation/r(\d+)"', head)):
            for number in world.other_side_of_relations[relation]:
                where = (address, f"relation {relation} in a list", number)
                assert "not all positions are shown" in rest or witness(number, rest), where
                assert "no claim takes another position" not in rest, where
        for event in map(int, re.findall(r'href="/doc/event/e(\d+)"', head)):
            for number in world.within[event]:
                where = (address, f"event {event} in a list", number)
                assert "not all positions are shown" in rest or witness(number, rest), where
                assert "no claim takes another position" not in rest, (address, event)
            if not world.within[event] and not world.same:
                assert any(words in rest for words in (*NONE, *MORE)), (address, event)
    return checked


def check_json(world: World, address: str, value: Any) -> int:
    """Return how many claims of the other side were looked for in an answer for programs."""
    checked = 0
    if isinstance(value, list):
        return sum(check_json(world, address, one) for one in value)
    if not isinstance(value, dict):
        return 0
    event = re.fullmatch(rf"{BASE}id/event/e(\d+)", str(value.get("iri", "")))
    if event and "affirmed_by" in value:
        words = json.dumps(value)
        for number in world.within[int(event[1])]:
            checked += 1
            assert not value["nobody_takes_another_position"], address
            assert value["positions_left_out"] or witness(number, words), (address, number)
    return checked + sum(check_json(world, address, one) for one in value.values())


def answers_of(text: str) -> Iterator[str]:
    """Yield what the home page shows of each question, as a page of its own."""
    for one in re.findall(r'<details class="question".*?</details>', text, re.DOTALL):
        yield f"<main>{one}</main>"


SEEN = {"rdf": 0, "html": 0, "json": 0, "home": 0, "answers": 0}


def other_side_of_all(client: TestClient, world: World, bounds: Mapping[str, int]) -> None:
    site: Any = client.app
    served = site.served
    answers = Answers(world, served.release.prefixes)
    asked = tuple(
        Question(id=name, question=f"Which {name}?", keywords=(), query=query)
        for name, query in QUESTIONS.items()
    )
    manifest = msgspec.structs.replace(served.manifest, questions=asked)
    with (
        mock.patch.multiple(describe, **bounds),
        mock.patch.object(editor, "LISTED", bounds["PAGE"]),
        mock.patch.object(type(served), "manifest", manifest),
        mock.patch.object(served.engine, "rows", answers.rows),
        mock.patch.object(served.engine, "ask", answers.ask),
        mock.patch.object(served, "pages", Cache(0)),
    ):
        served.cache.clear()
        served._recent.clear()
        for path in world.addresses():
            for address, answer in pages(client, path, "text/turtle"):
                SEEN["rdf"] += check_rdf(world, address, answer)
            for address, answer in pages(client, path, "text/html"):
                SEEN["html"] += check_page(world, address, answer.text)
        for picture in ("timeline", "map", "network"):
            answer = client.get(f"/{picture}", headers={"Accept": "application/json"})
            assert answer.status_code == 200, answer.text
            SEEN["json"] += check_json(world, picture, answer.json())
        home = client.get("/", headers={"Accept": "text/html"}).text
        check_page(world, "/", home)
        shown = list(answers_of(home))
        assert len(shown) == len(QUESTIONS)
        for one in shown:
            SEEN["home"] += check_page(world, "a question at home", one)
        for name, query in QUESTIONS.items():
            for address in (f"/questions/{name}", f"/query?{urlencode({'query': query})}"):
                answer = client.get(address, headers={"Accept": "text/html"})
                assert answer.status_code == 200, (address, answer.text)
                SEEN["answers"] += check_page(world, address, answer.text)
        served._recent.clear()
        served.cache.clear()


ANSWERED = World(
    2,
    frozenset(),
    (
        Claim(0, 0, AFFIRMS, ("event", 0)),
        Claim(1, 1, AFFIRMS, ("event", 1), answers=0),
        Claim(2, 1, AFFIRMS, ("claim", 0)),
        Claim(3, 0, AFFIRMS, ("set", 0), answers=1),
    ),
)
"""Who answers says something else: that is no denial, and still the other side."""
WITHIN = World(
    2,
    frozenset(),
    (
        Claim(0, 0, AFFIRMS, ("relation", 0)),
        Claim(1, 1, "disputes-evidence", ("event", 0)),
        Claim(2, 0, AFFIRMS, ("claim", 0)),
        Claim(3, 1, "denies", ("relation", 1)),
    ),
    (0, 1, -1),
    frozenset(((1, 0),)),
)
"""A relation that nobody disputes, of an event that somebody does; and the other way round."""
MANY = World(
    2,
    frozenset(((0, 1),)),
    (
        *(Claim(n, 0, AFFIRMS, ("event", n % 2)) for n in range(4)),
        *(Claim(n, n % 2, "denies", ("event", n % 2)) for n in range(4, 8)),
        Claim(8, 1, "questions", ("set", 5)),
    ),
)
"""More claims on everything than the small bounds let through."""


@pytest.mark.timeout(600)
@example(ANSWERED, 100, 500, 4000)
@example(WITHIN, 100, 500, 4000)
@example(MANY, 1, 2, 3)
@example(MANY, 1, 500, 4000)
@given(
    worlds(),
    some.sampled_from((1, 2, 100)),
    some.sampled_from((1, 2, 500)),
    some.sampled_from((1, 3, 4000)),
)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_other_side_is_held_or_announced(
    client: TestClient,
    gathers_here: Callable[[Any], AbstractContextManager[Any]],
    world: World,
    page: int,
    against: int,
    positions: int,
) -> None:
    bounds = {"PAGE": page, "AGAINST": against, "POSITIONS": positions}
    site: Any = client.app
    with gathers_here(site.served.engine):
        other_side_of_all(client, world, bounds)


def test_what_is_too_deep_to_follow_is_announced(
    client: TestClient, gathers_here: Callable[[Any], AbstractContextManager[Any]]
) -> None:
    site: Any = client.app
    for deepest in (0, 1):
        bounds = {"PAGE": 100, "AGAINST": 500, "POSITIONS": 4000, "_DEEPEST": deepest}
        with gathers_here(site.served.engine):
            other_side_of_all(client, WITHIN, bounds)


def test_the_other_side_was_looked_for() -> None:
    assert all(SEEN.values()), SEEN
