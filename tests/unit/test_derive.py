"""The rules on claims: statuses, sides, links between events, the uncontested triples."""

from collections.abc import Iterable
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.dataset import Dataset
from kg.derive import STATUS_RULES, derive

BASE = "https://data.example/"
PREFIXES = (
    "@prefix ch: <https://w3id.org/chancery/ontology#> . @prefix : <https://data.example/id/x/> ."
    "@prefix e: <https://data.example/id/event/> ."
    "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> ."
    "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
)
WORLD = """
:arvenia a ch:Agent, ch:State . :bostmark a ch:Agent, ch:State . :cusp a ch:Agent, ch:State .
:president a ch:Agent, ch:Person ; ch:actsFor :office . :office a ch:Agent ; ch:actsFor :arvenia .
:narrator a ch:Agent, ch:Narrator . :nobody a ch:Agent, ch:Unattributed .
:paper a ch:Agent, ch:NewsOrganization .
e:one a ch:Event ; rdfs:label "one"@en ; ch:eventType ch:type-visit ;
  ch:hasParticipation :p1, :p2 . :p1 ch:role ch:role-actor ; ch:participant :bostmark .
:p2 ch:role ch:role-recipient ; ch:participant :cusp .
"""


def dataset(turtle: str, graph: str = f"{BASE}id/graph/doc") -> Dataset:
    out = Dataset()
    for quad in ox.parse((PREFIXES + turtle).encode(), format=ox.RdfFormat.TURTLE):
        out.add(graph, str(quad.subject), str(quad.predicate), str(quad.object))
    return out


def claim(
    name: str,
    who: str,
    stance: str,
    modality: str = "actual",
    target: str = "e:one",
    certainty: str = "unstated",
) -> str:
    return (
        f":{name} a ch:Claim ; ch:claimant {who} ; ch:about {target} ; ch:concerns {target} ;"
        f" ch:stance ch:stance-{stance} ; ch:modality ch:modality-{modality} ;"
        f" ch:certainty ch:certainty-{certainty} .\n"
    )


def answers(out: Dataset, query: str) -> set[tuple[str, ...]]:
    store: Any = out.store()
    rows = store.query(
        query,
        prefixes={
            "ch": "https://w3id.org/chancery/ontology#",
            "e": f"{BASE}id/event/",
            "x": f"{BASE}id/x/",
            "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        },
        use_default_graph_as_union=True,
    )
    return {tuple(v.value for v in row) for row in rows}


def status(claims: Iterable[str], world: str = WORLD) -> str:
    out = derive(dataset(world + "".join(claims)), BASE)
    ((found,),) = answers(out, "SELECT ?s { e:one ch:status ?s }")
    return found.partition("#status-")[2]


CASES = {
    "denied": [
        [claim("a", ":arvenia", "denies")],
        [claim("a", ":arvenia", "denies"), claim("b", ":narrator", "affirms")],
    ],
    "contested": [
        [claim("a", ":arvenia", "affirms"), claim("b", ":bostmark", "denies")],
        [claim("a", ":arvenia", "affirms"), claim("b", ":bostmark", "disputes-evidence")],
        [claim("a", ":arvenia", "affirms"), claim("b", ":cusp", "questions")],
        [claim("a", ":president", "affirms", "planned"), claim("b", ":cusp", "denies")],
    ],
    "planned": [
        [
            claim("a", ":arvenia", "affirms", "planned"),
            claim("b", ":narrator", "affirms", "expected"),
        ],
        [claim("a", ":narrator", "affirms", "intended")],
    ],
    "hypothetical": [
        [claim("a", ":arvenia", "affirms", "hypothetical")],
        [
            claim("a", ":arvenia", "affirms", "planned"),
            claim("b", ":cusp", "affirms", "conditional"),
        ],
    ],
    "acknowledged": [
        [claim("a", ":bostmark", "affirms")],
        [claim("a", ":arvenia", "affirms"), claim("b", ":cusp", "affirms")],
    ],
    "corroborated": [[claim("a", ":arvenia", "affirms"), claim("b", ":paper", "affirms")]],
    "claimed": [
        [claim("a", ":arvenia", "affirms")],
        [claim("a", ":president", "affirms"), claim("b", ":office", "affirms")],
        [claim("a", ":arvenia", "affirms"), claim("b", ":bostmark", "does-not-confirm")],
        [claim("a", ":arvenia", "affirms"), claim("b", ":bostmark", "cannot-verify")],
        [claim("a", ":arvenia", "affirms"), claim("b", ":president", "denies")],
        [claim("a", ":arvenia", "affirms"), claim("b", ":narrator", "denies")],
    ],
    "reported": [
        [claim("a", ":narrator", "affirms")],
        [claim("a", ":nobody", "affirms")],
        [claim("a", ":narrator", "affirms"), claim("b", ":arvenia", "disputes-evidence")],
    ],
    "unaffirmed": [[claim("a", ":arvenia", "does-not-confirm")], []],
}


@pytest.mark.parametrize(
    ("expected", "claims"), [(name, c) for name, cases in CASES.items() for c in cases]
)
def test_status(expected: str, claims: list[str]) -> None:
    assert status(claims) == expected


def test_every_status_has_a_case() -> None:
    assert set(CASES) == set(STATUS_RULES)


def test_a_relaying_outlet_is_no_side() -> None:
    relay = (
        ":r a ch:Claim ; ch:claimant :paper ; ch:relays :a ; ch:ultimately :a ;"
        " ch:stance ch:stance-affirms ; ch:modality ch:modality-actual ;"
        " ch:certainty ch:certainty-unstated ."
    )
    assert status([claim("a", ":arvenia", "affirms"), relay]) == "claimed"
    assert status([claim("a", ":arvenia", "denies"), relay]) == "denied"


def test_two_speakers_of_one_state_are_one_side() -> None:
    out = derive(
        dataset(WORLD + claim("a", ":president", "affirms") + claim("b", ":arvenia", "affirms")),
        BASE,
    )
    assert answers(out, "SELECT ?w { ?a ch:affirmedBy ?w }") == {(f"{BASE}id/x/arvenia",)}
    assert len(answers(out, "SELECT ?c { ?a ch:basedOn ?c }")) == 2


TWO = WORLD + (
    'e:two a ch:Event ; rdfs:label "two"@en ; ch:eventType ch:type-visit .'
    ":l a ch:EventLink ; ch:links e:one, e:two ; ch:certainty ch:certainty-%s ; ch:accepted %s .\n"
)


@pytest.mark.parametrize(
    ("certainty", "accepted", "expected"),
    [
        ("certain", "true", "corroborated"),
        ("certain", "false", "claimed"),
        ("probable", "true", "claimed"),
    ],
)
def test_affirmations_add_up_over_accepted_certain_links_only(
    certainty: str, accepted: str, expected: str
) -> None:
    claims = [claim("a", ":arvenia", "affirms"), claim("b", ":paper", "affirms", target="e:two")]
    assert status(claims, TWO % (certainty, accepted)) == expected


@pytest.mark.parametrize(("certainty", "accepted"), [("possible", "false"), ("certain", "true")])
def test_disputes_spread_over_every_link(certainty: str, accepted: str) -> None:
    claims = [claim("a", ":arvenia", "affirms"), claim("b", ":bostmark", "denies", target="e:two")]
    assert status(claims, TWO % (certainty, accepted)) == "contested"
    out = derive(dataset(TWO % (certainty, accepted) + "".join(claims)), BASE)
    assert answers(out, "SELECT ?l { ?a ch:assesses e:one ; ch:usesLink ?l }")
    assert answers(
        out,
        "ASK { e:one ch:possiblySameAs e:two }".replace("ASK", "SELECT ?x").replace(
            "e:two }", "?x }"
        ),
    ) == {(f"{BASE}id/event/two",)}


def events(second: str) -> Dataset:
    """Return two documents, each with one event: the visit of WORLD and `second`."""
    world = (
        WORLD
        + 'e:one ch:time :t1 . :t1 ch:earliest "2024-03-01"^^xsd:date ;'
        + ' ch:latest "2024-03-31"^^xsd:date .'
    )
    out = dataset(world)
    out.update(dataset(second, f"{BASE}id/graph/other"))
    return out


SAME = (
    "e:two a ch:Event ; ch:eventType ch:type-visit ; ch:time :t2 ; ch:hasParticipation :q1, :q2 ."
    ':t2 ch:earliest "2024-03-10"^^xsd:date ; ch:latest "2024-04-10"^^xsd:date .'
    ":q1 ch:role ch:role-actor ; ch:participant :bostmark ."
    ":q2 ch:role ch:role-recipient ; ch:participant :cusp ."
)


@pytest.mark.parametrize(
    ("old", "new", "linked"),
    [
        ("", "", True),
        ("type-visit", "type-talks", False),
        ("2024-03-10", "2024-04-01", False),
        (":participant :cusp", ":participant :arvenia", False),
        ("role-recipient", "role-place", False),
        (" ch:time :t2 ;", "", False),
    ],
)
def test_candidate_links(old: str, new: str, linked: bool) -> None:
    out = derive(events(SAME.replace(old, new) if old else SAME), BASE)
    found = answers(out, "SELECT ?e { ?l a ch:EventLink ; ch:links ?e ; ch:rule ?r }")
    assert found == ({(f"{BASE}id/event/one",), (f"{BASE}id/event/two",)} if linked else set())


def test_links_name_events_as_described() -> None:
    out = derive(events(SAME + 'e:two rdfs:label "two"@en .'), BASE)
    found = answers(out, "SELECT ?n { ?l a ch:EventLink ; rdfs:label ?n }")
    assert found == {("Perhaps the same event (described: one; described: two)",)}


def test_events_of_one_document_are_never_linked_by_rule() -> None:
    world = WORLD + 'e:one ch:time :t1 . :t1 ch:earliest "2024-03-01"^^xsd:date .'
    assert not answers(derive(dataset(world + SAME), BASE), "SELECT ?l { ?l a ch:EventLink }")


CAPITAL = (
    WORLD + "ch:relation-capital-of ch:shortcut ch:capitalOf ."
    ":r a ch:Relation ; ch:relationType ch:relation-capital-of ;"
    " ch:subject :town ; ch:object :arvenia ."
)


@pytest.mark.parametrize(
    ("more", "published"),
    [
        (claim("a", ":narrator", "affirms", target=":r"), True),
        (claim("a", ":narrator", "affirms", target=":r", certainty="certain"), True),
        (claim("a", ":narrator", "affirms", target=":r", certainty="probable"), False),
        (claim("a", ":narrator", "affirms", "expected", target=":r"), False),
        (claim("a", ":paper", "affirms", target=":r"), False),
        (claim("a", ":nobody", "affirms", target=":r"), False),
        (claim("a", ":narrator, :paper", "affirms", target=":r"), False),
        (
            claim("a", ":narrator", "affirms", target=":r")
            + claim("b", ":paper", "questions", target=":r"),
            False,
        ),
        (
            claim("a", ":narrator", "affirms", target=":r")
            + claim("b", ":cusp", "does-not-confirm", target=":r"),
            False,
        ),
        (
            claim("a", ":narrator", "affirms", target=":r")
            + ":a ch:textQuality ch:text-quality-garbled .",
            False,
        ),
        (
            claim("a", ":narrator", "affirms", target=":r")
            + ":r ch:textQuality ch:text-quality-loose .",
            False,
        ),
        (claim("a", ":narrator", "affirms", target=":r") + ":r ch:time :t .", False),
        (claim("a", ":narrator", "affirms", target=":r") + ":town a ch:Proposition .", False),
        (
            claim("a", ":narrator", "affirms", target=":r") + ":a ch:manner ch:manner-implied .",
            False,
        ),
        (
            claim("a", ":narrator", "affirms", target=":r")
            + claim("b", ":cusp", "denies", target=":r2")
            + ":r2 a ch:Relation ; ch:relationType ch:relation-capital-of ; ch:time :t ;"
            " ch:subject :town ; ch:object :arvenia .",
            False,
        ),
    ],
)
def test_uncontested(more: str, published: bool) -> None:
    out = derive(dataset(CAPITAL + more), BASE)
    assert bool(answers(out, "SELECT ?o { x:town ch:capitalOf ?o }")) is published
    assert bool(answers(out, "SELECT ?c { x:r ch:yields ?p ; ch:basedOn ?c }")) is published


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [":arvenia", ":bostmark", ":president", ":paper", ":narrator", ":nobody"]
            ),
            st.sampled_from(
                ["affirms", "denies", "disputes-evidence", "questions", "does-not-confirm"]
            ),
            st.sampled_from(["actual", "planned", "hypothetical"]),
        ),
        max_size=6,
    )
)
def test_more_claims_never_turn_a_dispute_into_agreement(
    rows: list[tuple[str, str, str]],
) -> None:
    """Whatever is said: a side that affirms against another that denies is contested."""
    claims = [claim(f"c{n}", *row) for n, row in enumerate(rows)]
    found = status(claims)
    side = {":president": ":arvenia"}
    yes = {
        side.get(w, w) for w, s, _ in rows if s == "affirms" and w not in (":narrator", ":nobody")
    }
    no = {
        side.get(w, w)
        for w, s, _ in rows
        if s in ("denies", "disputes-evidence", "questions") and w not in (":narrator", ":nobody")
    }
    disputed = any(a != b for a in yes for b in no)
    assert (found == "contested") == disputed
    if found in ("acknowledged", "corroborated", "claimed"):
        assert yes
    if any(s == "denies" for _, s, _ in rows) and not yes:
        assert found == "denied"
