"""What the build concludes from the claims, by rules that are stated: never a truth score.

Three graphs of their own: `status` (for each described event, who affirms and who denies, by
sides), `uncontested` (the plain triples that nobody disputes) and `event-links` (events that are
perhaps the same). Every conclusion names its rule and the claims that it rests on.

Spec: docs/model.md, "Derived statements"
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from kg.dataset import Dataset
from kg.vocab import (
    CH,
    RDF,
    RDFS,
    boolean,
    data_iri,
    digest_key,
    graph_iri,
    literal,
    term,
)

STATUS_RULES: Final[Mapping[str, str]] = {
    "denied": "Somebody denies it and no side affirms it.",
    "contested": "A side affirms it; another denies it, disputes its evidence or questions it.",
    "planned": "Every affirming claim puts it as planned, expected or intended.",
    "hypothetical": "Every affirming claim puts it as something to come, some only as a "
    "possibility or under a condition.",
    "acknowledged": "A participant's own side affirms it.",
    "corroborated": "Two or more sides affirm it.",
    "claimed": "One side affirms it.",
    "reported": "Only a document's own voice, or nobody named, affirms it.",
    "unaffirmed": "Nobody affirms it: it is described only in positions that do not affirm it.",
}
"""The statuses in the order in which they are tried, each with its rule in one sentence."""

UNCONTESTED_RULE: Final = (
    "A relation of a timeless kind that a document states or presupposes in its own voice, as "
    "actual and not doubted, in clear text, and that no claim of any other stance is about."
)
CANDIDATE_RULE: Final = (
    "Two documents describe events of one type, whose dates can coincide, with the same sides in "
    "at least two of the same roles."
)
_FORWARD: Final = frozenset(("planned", "expected", "intended"))
_OPEN: Final = _FORWARD | {"conditional", "hypothetical"}
_POSITIONS: Final = {
    "affirms": "affirmedBy",
    "denies": "deniedBy",
    "disputes-evidence": "disputedBy",
    "questions": "questionedBy",
    "does-not-confirm": "notConfirmedBy",
    "cannot-verify": "notVerifiedBy",
}


class _Claim(msgspec.Struct):
    iri: str
    stance: str
    modality: str
    certainty: str
    claimants: set[str]
    concerns: set[str]
    about: set[str]


class _World:
    """What the rules read, taken out of the quads once."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.classes: dict[str, set[str]] = defaultdict(set)
        for iri, klass in self.rows("SELECT ?a ?t { ?a a ch:Agent ; a ?t }"):
            self.classes[iri].add(klass.removeprefix(CH))
        self.acts_for: dict[str, str] = {}
        for agent, other in sorted(self.rows("SELECT ?a ?o { ?a ch:actsFor ?o }")):
            self.acts_for.setdefault(agent, other)
        self.claims: dict[str, _Claim] = {}
        for iri, stance, modality, certainty in self.rows(
            "SELECT ?c ?s ?m ?x { ?c a ch:Claim ; ch:stance ?s ; ch:modality ?m ; ch:certainty ?x ."
            " FILTER NOT EXISTS { ?c ch:relays ?r } }"
        ):
            self.claims[iri] = _Claim(
                iri,
                _bare(stance, "stance"),
                _bare(modality, "modality"),
                _bare(certainty, "certainty"),
                set(),
                set(),
                set(),
            )
        for name, attribute in (
            ("claimant", "claimants"),
            ("concerns", "concerns"),
            ("about", "about"),
        ):
            for iri, value in self.rows(f"SELECT ?c ?v {{ ?c a ch:Claim ; ch:{name} ?v }}"):
                if iri in self.claims:
                    getattr(self.claims[iri], attribute).add(value)
        self.by_proposition: dict[str, list[_Claim]] = defaultdict(list)
        for iri in sorted(self.claims):
            for proposition in self.claims[iri].concerns:
                self.by_proposition[proposition].append(self.claims[iri])

    def rows(self, query: str) -> list[tuple[str, ...]]:
        """Return the values of every solution, as plain strings; unbound is ""."""
        found = self.store.query(
            query, prefixes={"ch": CH, "rdfs": RDFS}, use_default_graph_as_union=True
        )
        names = [v.value for v in found.variables]
        out = []
        for solution in found:
            values = (solution[name] for name in names)
            out.append(tuple("" if v is None else v.value for v in values))
        return sorted(set(out))

    def end(self, agent: str) -> str:
        """Return the transitive end of `actsFor` (a cycle, which a shape refuses, ends it)."""
        seen = {agent}
        while agent in self.acts_for and self.acts_for[agent] not in seen:
            agent = self.acts_for[agent]
            seen.add(agent)
        return agent

    def sides(self, claim: _Claim) -> set[str]:
        """Return the sides that hold a claim; narrators and Unattributed are none."""
        return {
            self.end(a)
            for a in claim.claimants
            if not self.classes[a] & {"Narrator", "Unattributed"}
        }


def derive(dataset: Dataset, base: str) -> Dataset:
    """Return the derived quads, in the graphs `event-links`, `status` and `uncontested`.

    Args:
        dataset: every quad that was mapped, the vocabulary included.
        base: the base IRI of the data.
    Spec: docs/model.md, "Derived statements"
    """
    out = Dataset()
    world = _World(dataset.store())
    links = _candidate_links(world, base, out)
    _statuses(world, links, base, out)
    _uncontested(world, base, out)
    return out


def _bare(concept: str, scheme: str) -> str:
    return concept.removeprefix(f"{CH}{scheme}-")


# --- events that are perhaps the same -------------------------------------------------------


class _Link(msgspec.Struct, frozen=True):
    iri: str
    events: tuple[str, str]
    merges: bool


def _candidate_links(world: _World, base: str, out: Dataset) -> list[_Link]:
    graph = graph_iri(base, "event-links")
    accepted: dict[str, bool] = {}
    ends: dict[str, list[str]] = defaultdict(list)
    for iri, event, certainty, yes in world.rows(
        "SELECT ?l ?e ?c ?a { ?l a ch:EventLink ; ch:links ?e ; ch:certainty ?c ; ch:accepted ?a }"
    ):
        ends[iri].append(event)
        accepted[iri] = yes == "true" and _bare(certainty, "certainty") == "certain"
    links = [
        _Link(iri, (pair[0], pair[1]), accepted[iri])
        for iri, pair in sorted(ends.items())
        if len(pair) == 2
    ]
    known = {link.events for link in links}
    for pair in _candidates(world):
        if pair in known:
            continue
        keys = sorted(f"event/{e.rpartition('/')[2]}" for e in pair)
        iri = data_iri(base, "record", digest_key("event-link", *keys))
        labels = " and ".join(_label(world, e) for e in pair)
        node = f"<{iri}>"
        out.add(graph, node, f"<{RDF}type>", term("EventLink"))
        words = literal(f"Perhaps the same event: {labels}", lang="en")
        out.add(graph, node, f"<{RDFS}label>", words)
        out.add(graph, node, term("certainty"), term("certainty-possible"))
        out.add(graph, node, term("accepted"), boolean(False))
        out.add(graph, node, term("reason"), literal("Proposed by rule; not reviewed.", lang="en"))
        out.add(graph, node, term("rule"), literal(CANDIDATE_RULE, lang="en"))
        for event in pair:
            out.add(graph, node, term("links"), f"<{event}>")
        links.append(_Link(iri, pair, False))
    for link in links:
        one, two = link.events
        out.add(graph, f"<{one}>", term("possiblySameAs"), f"<{two}>")
        out.add(graph, f"<{two}>", term("possiblySameAs"), f"<{one}>")
    return sorted(links, key=lambda link: link.iri)


def _label(world: _World, node: str) -> str:
    """Return the English label of a node, or its address."""
    found = world.rows(f'SELECT ?l {{ <{node}> rdfs:label ?l FILTER(lang(?l) = "en") }}')
    return found[0][0] if found else node


def _candidates(world: _World) -> list[tuple[str, str]]:
    """Return the pairs of events that the candidate rule finds, sorted."""
    kind: dict[str, str] = {}
    graph_of: dict[str, str] = {}
    for event, type_, graph in world.rows(
        "SELECT ?e ?t ?g { GRAPH ?g { ?e a ch:Event ; ch:eventType ?t } }"
    ):
        kind[event], graph_of[event] = type_, graph
    # Three plain queries: one with two OPTIONALs took a hundred times as long.
    first = {row[0]: row[1] for row in world.rows("SELECT ?t ?d { ?t ch:earliest ?d }")}
    last = {row[0]: row[1] for row in world.rows("SELECT ?t ?d { ?t ch:latest ?d }")}
    span = {
        event: (first.get(time, "0000-01-01"), last.get(time, "9999-12-31"))
        for event, time in world.rows("SELECT ?e ?t { ?e a ch:Event ; ch:time ?t }")
    }
    roles: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for event, role, who in world.rows(
        "SELECT ?e ?r ?w { ?e ch:hasParticipation ?p . ?p ch:role ?r ; ch:participant ?w }"
    ):
        roles[event].add((role, world.end(who)))
    groups: dict[str, list[str]] = defaultdict(list)
    for event in sorted(kind):
        groups[kind[event]].append(event)
    found = []
    for events in groups.values():
        for n, one in enumerate(events):
            for two in events[n + 1 :]:
                if graph_of[one] == graph_of[two] or one not in span or two not in span:
                    continue
                overlap = max(span[one][0], span[two][0]) <= min(span[one][1], span[two][1])
                if overlap and len(roles[one] & roles[two]) >= 2:
                    found.append((one, two))
    return sorted(found)


# --- status ---------------------------------------------------------------------------------


def _components(nodes: Iterable[str], links: Iterable[_Link]) -> dict[str, str]:
    """Return the least member of each node's connected component."""
    root = {node: node for node in nodes}

    def find(node: str) -> str:
        while root[node] != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    for link in links:
        one, two = (find(e) for e in link.events)
        root[max(one, two)] = min(one, two)
    return {node: find(node) for node in root}


def _statuses(world: _World, links: list[_Link], base: str, out: Dataset) -> None:
    graph = graph_iri(base, "status")
    events = [row[0] for row in world.rows("SELECT ?e { ?e a ch:Event }")]
    known = frozenset(events)
    links = [link for link in links if known.issuperset(link.events)]
    merged = _components(events, [link for link in links if link.merges])
    near = _components(events, links)
    clusters: dict[str, list[str]] = defaultdict(list)
    neighbourhood: dict[str, list[str]] = defaultdict(list)
    used: dict[str, list[_Link]] = defaultdict(list)
    for link in links:
        used[near[link.events[0]]].append(link)
    for event in events:
        clusters[merged[event]].append(event)
        neighbourhood[near[event]].append(event)
    own: dict[str, set[str]] = defaultdict(set)
    for event, who in world.rows(
        "SELECT ?e ?w { ?e ch:hasParticipation ?p . ?p ch:participant ?w . ?w a ch:Agent }"
    ):
        own[event].add(world.end(who))
    for first, members in sorted(clusters.items()):
        around = neighbourhood[near[first]]
        affirming = {
            c.iri: c for e in members for c in world.by_proposition[e] if c.stance == "affirms"
        }
        other = {c.iri: c for e in around for c in world.by_proposition[e] if c.stance != "affirms"}
        positions: dict[str, set[str]] = defaultdict(set)
        for claim in [*affirming.values(), *other.values()]:
            positions[claim.stance] |= world.sides(claim)
        status = _status(
            list(affirming.values()),
            list(other.values()),
            positions,
            set().union(*(own[e] for e in members)),
        )
        keys = [e.rpartition("/")[2] for e in members]
        node = f"<{data_iri(base, 'status', digest_key('status', *keys))}>"
        out.add(graph, node, f"<{RDF}type>", term("StatusAssessment"))
        words = f"Who says what about: {_label(world, first)}"
        out.add(graph, node, f"<{RDFS}label>", literal(words, lang="en"))
        out.add(graph, node, term("status"), term(f"status-{status}"))
        out.add(graph, node, term("rule"), literal(STATUS_RULES[status], lang="en"))
        for event in members:
            out.add(graph, node, term("assesses"), f"<{event}>")
            out.add(graph, f"<{event}>", term("status"), term(f"status-{status}"))
        for stance, name in _POSITIONS.items():
            for side in positions[stance]:
                out.add(graph, node, term(name), f"<{side}>")
        for iri in [*affirming, *other]:
            out.add(graph, node, term("basedOn"), f"<{iri}>")
        for link in used[near[first]]:
            out.add(graph, node, term("usesLink"), f"<{link.iri}>")


def _status(
    affirming: list[_Claim],
    other: list[_Claim],
    positions: Mapping[str, set[str]],
    participants: set[str],
) -> str:
    """Return the first status whose rule holds; see STATUS_RULES."""
    affirms = positions["affirms"]
    disputes = positions["denies"] | positions["disputes-evidence"] | positions["questions"]
    if any(c.stance == "denies" for c in other) and not affirms:
        return "denied"
    if any(one != two for one in affirms for two in disputes):
        return "contested"
    if affirming and all(c.modality in _FORWARD for c in affirming):
        return "planned"
    if affirming and all(c.modality in _OPEN for c in affirming):
        return "hypothetical"
    if affirms & participants:
        return "acknowledged"
    if len(affirms) >= 2:
        return "corroborated"
    if affirms:
        return "claimed"
    return "reported" if affirming else "unaffirmed"


# --- uncontested facts ----------------------------------------------------------------------


def _uncontested(world: _World, base: str, out: Dataset) -> None:
    plain, status = graph_iri(base, "uncontested"), graph_iri(base, "status")
    disputed = {
        triple
        for triple, relations in _relations(world).items()
        for relation in relations
        if any(claim.stance != "affirms" for claim in world.by_proposition[relation])
    }
    for relation, kind, subject, value, name in world.rows(
        "SELECT ?r ?t ?s ?o ?p { ?r a ch:Relation ; ch:relationType ?t ; ch:subject ?s ;"
        " ch:object ?o . ?t ch:shortcut ?p . FILTER NOT EXISTS { ?r ch:textQuality ?q }"
        " FILTER NOT EXISTS { ?r ch:time ?when } FILTER NOT EXISTS { ?s a ch:Proposition } }"
    ):
        basis = [c for c in world.by_proposition[relation] if _own_voice(world, c, relation)]
        if not basis or (kind, subject, value) in disputed:
            continue
        out.add(plain, f"<{subject}>", f"<{name}>", f"<{value}>")
        out.add(status, f"<{relation}>", term("yields"), f"<{name}>")
        out.add(status, f"<{relation}>", term("rule"), literal(UNCONTESTED_RULE, lang="en"))
        for claim in basis:
            out.add(status, f"<{relation}>", term("basedOn"), f"<{claim.iri}>")


def _relations(world: _World) -> Mapping[tuple[str, ...], list[str]]:
    """Return the relations by type, subject and object, whatever their validity."""
    out: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for relation, *triple in world.rows(
        "SELECT ?r ?t ?s ?o { ?r a ch:Relation ; ch:relationType ?t ; ch:subject ?s ;"
        " ch:object ?o }"
    ):
        out[tuple(triple)].append(relation)
    return out


def _own_voice(world: _World, claim: _Claim, relation: str) -> bool:
    """Return whether a document says it itself, as actual, not doubted, in clear text."""
    return (
        claim.stance == "affirms"
        and claim.modality == "actual"
        and claim.certainty in ("certain", "unstated")
        and all("Narrator" in world.classes[a] for a in claim.claimants)
        and relation in claim.about
        and not world.rows(f"SELECT ?q {{ <{claim.iri}> ch:textQuality ?q }}")
        and not world.rows(
            f"SELECT ?c {{ ?c ch:manner ch:manner-implied FILTER(?c = <{claim.iri}>) }}"
        )
    )
