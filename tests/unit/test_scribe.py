"""Scribes write the lines of every node sorted, each once, and take back what a row wrote."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.feed import Feed, Rejected, Scribe, Table, _digest, number_of, slug, text_of
from kg.resources import folder
from kg.rows import key_of, key_reader
from kg.vocab import claim_key, digest_key, load_vocabulary

BASE = "https://chancery.example/"
FEED = Feed(
    id="port_calls",
    title="Port calls",
    publisher="Harbour office",
    url="https://harbour.example/",
    languages=("en",),
    licence="https://creativecommons.org/licenses/by/4.0/",
    redistribution="open",
    citation="Harbour office",
    retrieved="2026-01-01",
    method="Read from a list.",
    machine=False,
    tables=(),
)
VOCABULARY = load_vocabulary(folder("ontology"))


class NoStates:
    def find(self, scheme: str, code: str, day: str) -> tuple[str, str] | None:
        return ("agent/arvenia", "Arvenia") if code == "ARV" else None


def new() -> Scribe:
    scribe = Scribe(FEED, BASE, "batch", VOCABULARY, NoStates())
    scribe.begin(1)
    return scribe


def texts(scribe: Scribe) -> dict[str, str]:
    return {**scribe.shared, **scribe.sources, **dict(scribe.blocks)}


def check(scribe: Scribe) -> None:
    """Hold that all nodes have their lines sorted, each once, and that all are N-Quads."""
    for subject, text in texts(scribe).items():
        lines = text.splitlines(keepends=True)
        assert lines == sorted(set(lines))
        assert all(line.startswith(f"{subject} <") for line in lines)
        assert len(list(ox.parse(text.encode(), format=ox.RdfFormat.N_QUADS))) == len(lines)


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
NAME = TEXT.filter(lambda text: any(c.isalnum() for c in text))


@given(TEXT, st.sampled_from(["", "en"]))
def test_a_text_is_a_literal_in_nfc_without_control_characters(text: str, lang: str) -> None:
    line = f"<a:a> <b:b> {text_of(text, lang)} .\n"
    [quad] = ox.parse(line.encode(), format=ox.RdfFormat.N_TRIPLES)
    assert isinstance(quad.object, ox.Literal)
    assert f"{quad.subject} {quad.predicate} {quad.object} .\n" == line
    assert text_of(quad.object.value, lang) == text_of(text, lang)
    assert not any(ord(c) < 32 or ord(c) == 127 for c in quad.object.value)


@given(st.lists(TEXT, min_size=1, max_size=4))
def test_the_digest_of_texts_is_that_of_the_vocabulary(fields: list[str]) -> None:
    assert _digest(fields) == digest_key(*fields)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9
    )
)
def test_numbers_are_canonical(number: Decimal) -> None:
    text = number_of(str(number))
    assert Decimal(text) == number
    assert text == number_of(text)
    assert text != "-0"
    assert not ("." in text and text[-1] in "0.")


@pytest.mark.parametrize(
    ("text", "found"),
    [("-0", "0"), ("-0.0", "0"), ("0.50", "0.5"), (".5", "0.5"), ("5.", "5"), ("007", "7")],
)
def test_numbers_in_other_forms(text: str, found: str) -> None:
    assert number_of(text) == found


def test_slugs_of_foreign_digits_are_hashed() -> None:
    assert slug("410") == "410"
    assert slug("٤١٠") != "٤١٠"
    assert len(slug("4" * 81)) == 16


@given(
    NAME,
    st.sampled_from(["", "State", "Person", "NewsOrganization", "ArmedActor"]),
    st.lists(st.one_of(NAME, st.tuples(NAME, st.sampled_from(["bn", "hi"]))), max_size=3),
    st.sampled_from(["", "Words of ours"]),
    st.booleans(),
    st.booleans(),
)
def test_shared_nodes(
    label: str, kind: str, variants: list[Any], description: str, side: bool, country: bool
) -> None:
    scribe = new()
    state = scribe.state("iso3", "ARV")
    place = scribe.place(("p", label), label, country=state if country else None)
    scribe.place(
        ("q",), label, latitude="-1.50", longitude="2e1", country=state, located_in=place,
        variants=variants, description=description,
    )  # fmt: skip
    agent = scribe.agent(
        ("a", label), label, kind=kind, variants=variants, description=description,
        acts_for=state if side else None, country=state if country else None, located_in=place,
    )  # fmt: skip
    scribe.thing((label,), label, kind="Measure", variants=variants, description=description)
    scribe.position(("o",), label, variants=variants)
    assert scribe.known("agent", ("a", label)) == agent
    assert scribe.known("agent", ("b", label)) is None
    check(scribe)


ROLES = ("actor", "recipient", "place", "origin", "destination", "item", "topic", "instrument")


@given(
    NAME,
    st.sets(st.sampled_from(ROLES)),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "Words of ours"]),
    st.sets(st.sampled_from(["actor", "place", "topic"])),
    st.sampled_from(["plover-consult", "arms-transfer", "statement"]),
)
def test_events(
    label: str,
    roles: set[str],
    many: int,
    timed: bool,
    counted: bool,
    description: str,
    unstated: set[str],
    kind: str,
) -> None:
    scribe = new()
    nodes = [scribe.agent((str(n),), f"Agent {n}") for n in range(many)]
    one = scribe.agent(("x",), "X")
    for n in range(2):  # the second time from what was kept of the first
        event = scribe.event(
            f"e {n}",
            label,
            kind,
            time=scribe.time("2024-01") if timed else None,
            quantity=scribe.amount("deaths", best="3") if counted else None,
            description=description,
            unstated=sorted(unstated),
            **{role: one if role < "m" else [*nodes, *nodes] for role in roles},
            backer=None,
        )
        text = dict(scribe.blocks)[event.iri]
        assert text.count("\n") == 8 + (kind != "statement") + timed + counted + bool(
            description
        ) + len(unstated) + sum(1 if role < "m" else many for role in roles)
    check(scribe)


@given(
    NAME,
    st.integers(0, 3),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from(["affirms", "denies", "cannot-verify"]),
    st.sampled_from(["", "0.25", "1", "0"]),
    st.integers(1, 3),
)
def test_claims(
    label: str, many: int, places: int, relaying: bool, stance: str, confidence: str, n: int
) -> None:
    scribe = new()
    voice = scribe.voice(
        ("https://a.example/", label), label, url="https://a.example/", issued="2024"
    )
    record = scribe.record("r 1", label)
    nodes = [scribe.agent((str(n),), f"Agent {n}") for n in range(many)]
    event = scribe.event("e", label, "plover-consult")
    by = nodes[0] if many == 1 else [*nodes, *nodes] if many else None
    inner = scribe.claim(
        record, event, by=by, stance=stance, confidence=confidence, n=n,
        locator=[f"place {k // 2}" for k in range(places)],
    )  # fmt: skip
    who = [one.key.partition("/")[2] for one in nodes] or [f"narrator-{record.key}"]
    assert inner.key == f"claim/{claim_key(record.key, who, event.key, n)}"
    if relaying:
        outer = scribe.claim(voice, event, relays=inner)
        scribe.claim(voice, event, relays=outer, n=2)
    check(scribe)


def test_confidence_is_a_number_from_0_to_1() -> None:
    scribe = new()
    event = scribe.event("e", "E", "plover-consult")
    for wrong in ("1.1", "-0.1", "much", "nan"):
        with pytest.raises(Rejected) as error:
            scribe.claim(scribe.record("1", "R"), event, confidence=wrong)
        assert error.value.column == "confidence"


def test_all_that_a_row_wrote_is_taken_back() -> None:
    scribe = new()
    state = scribe.state("iso3", "ARV")
    kept = scribe.agent(("kept",), "Kept", country=state, acts_for=state)
    before = {name: len(value) for name, value in vars(scribe).items() if hasattr(value, "__len__")}
    for row in (2, 3):
        scribe.begin(row)
        scribe.state("iso3", f"X{row}")
        agent = scribe.agent(("new",), "New", acts_for=kept, country=state)
        place = scribe.place(("new",), "New", latitude="1", longitude="2", country=state)
        event = scribe.event("e", "E", "plover-consult", actor=agent, place=place)
        scribe.elsewhere(scribe.event_name("other"))
        voice = scribe.voice(("u",), "U", url="u")
        scribe.claim(voice, event, relays=scribe.claim(voice, event, by=agent))
        scribe.undo()
        made = ("_bases", "_classes", "_concepts", "_plans", "_stances", "_types")
        for name, number in before.items():
            assert len(getattr(scribe, name)) == number or name in made, name
    assert scribe.known("agent", ("new",)) is None


@given(st.lists(TEXT, min_size=3, max_size=3))
def test_keys_of_rows(cells: list[str]) -> None:
    table = Table(id="t", form="tsv", columns=("a", "b", "c"), key=("c", "a"))
    assert key_of(table, tuple(cells)) == f"{cells[2]}\x1f{cells[0]}"
    assert key_reader(table, ("b",))(tuple(cells)) == cells[1]
    objects = Table(id="t", form="json", columns=("a", "b"), key=("b", "a"))
    record = json.loads(json.dumps({"a": cells[0], "b": None}))
    assert key_reader(objects)(record) == f"\x1f{cells[0]}"
