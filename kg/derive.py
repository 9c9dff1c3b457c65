"""What the build concludes from the claims, by rules that are stated: never a truth score.

Three graphs of their own: `status` (for each described event, who affirms and who denies, by
sides), `uncontested` (the plain triples that nobody disputes) and `event-links` (events that are
perhaps the same). Every conclusion names its rule and the claims that it rests on.

Spec: docs/model.md, "Derived statements"
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from kg.dataset import Dataset
from kg.load import Change
from kg.serialise import read_literal
from kg.view import View, changes_between, union_change
from kg.vocab import (
    CH,
    PROV,
    RDF,
    RDFS,
    ROLES,
    boolean,
    data_iri,
    digest_key,
    graph_iri,
    literal,
    perhaps_the_same,
    term,
)

if TYPE_CHECKING:
    import pyoxigraph

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
POSITIONS: Final[Mapping[str, str]] = {
    "affirms": "affirmedBy",
    "denies": "deniedBy",
    "disputes-evidence": "disputedBy",
    "questions": "questionedBy",
    "does-not-confirm": "notConfirmedBy",
    "cannot-verify": "notVerifiedBy",
}
"""The properties by which an assessment names the sides that hold each stance."""

_POSITION: Final = ("stance", "modality", "certainty")
_NOTHING: Final[set[str]] = set()


class _Claim(msgspec.Struct):
    iri: str
    stance: str
    modality: str
    certainty: str
    claimants: set[str]
    concerns: set[str]
    about: set[str]


_CLASSES: Final = frozenset(
    (
        *("Agent", "Claim", "Event", "EventLink", "Narrator", "Organization", "Person"),
        *("Proposition", "Relation", "Unattributed"),
    )
)
_READ: Final = frozenset(
    (
        "about",
        "accepted",
        "actsFor",
        "certainty",
        "claimant",
        "concerns",
        "earliest",
        "eventType",
        "hasParticipation",
        "latest",
        "links",
        "manner",
        "modality",
        "object",
        "participant",
        "relationType",
        "relays",
        "role",
        "shortcut",
        "stance",
        "subject",
        "runType",
        "textQuality",
        "time",
        *ROLES,
    )
)
"""The properties that the rules look at, by their local names."""

_MADE: Final = f"{PROV}wasGeneratedBy"
_ALL_READ: Final = frozenset(
    (f"{RDF}type", f"{RDFS}label", _MADE, *(term(name)[1:-1] for name in _READ))
)
"""All of them, as addresses."""

_Values = dict[str, set[str]]


class _World:
    """What the rules read, taken out of the lines once. Values are IRIs or texts, as they are."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.of: dict[str, _Values] = {name: defaultdict(set) for name in _READ}
        self.members: dict[str, set[str]] = {name: set() for name in _CLASSES}
        self._labels: dict[str, str] = {}
        self.graphs: _Values = defaultdict(set)
        self._made: dict[str, str] = {}
        self._read(lines)
        self.acts_for = {agent: min(others) for agent, others in self.of["actsFor"].items()}
        self.claims: dict[str, _Claim] = {}
        for iri in sorted(self.members["Claim"]):
            held = [max(self.values(name, iri), default="") for name in _POSITION]
            if all(held) and not self.values("relays", iri):
                stance, modality, certainty = map(_bare, held, _POSITION)
                self.claims[iri] = _Claim(
                    iri,
                    stance,
                    modality,
                    certainty,
                    self.values("claimant", iri),
                    self.values("concerns", iri),
                    self.values("about", iri),
                )
        self.by_proposition: dict[str, list[_Claim]] = defaultdict(list)
        for claim in self.claims.values():
            for proposition in claim.concerns:
                self.by_proposition[proposition].append(claim)

    def _read(self, lines: Iterable[str]) -> None:
        properties = {term(name): self.of[name] for name in _READ}
        classes = {term(name): self.members[name] for name in _CLASSES}
        a, label, event = f"<{RDF}type>", f"<{RDFS}label>", term("Event")
        made = f"<{_MADE}>"
        for line in lines:
            subject, predicate, rest = line.split(" ", 2)
            if predicate == label:
                if rest.find('"@en <') > 0:
                    value = rest.rsplit(" ", 2)[0]
                    words = read_literal(value)[0]
                    known = self._labels.setdefault(subject[1:-1], words)
                    if words < known:
                        self._labels[subject[1:-1]] = words
                continue
            if predicate == a:
                value, graph, _ = rest.rsplit(" ", 2)
                if value in classes:
                    classes[value].add(subject[1:-1])
                    if value == event:
                        self.graphs[subject[1:-1]].add(graph)
                continue
            values = properties.get(predicate)
            if values is not None:
                value = rest.rsplit(" ", 2)[0]
                plain = value[1:-1] if value[0] == "<" else read_literal(value)[0]
                values[subject[1:-1]].add(plain)
            elif predicate == made and "/id/event/" in subject:
                self._made[subject[1:-1]] = rest[1 : rest.index(">")]

    def feed(self, event: str) -> str:
        """Return the key of the feed that describes an event; empty of one of an article."""
        run = self._made.get(event, "")
        coded = f"{CH}run-type-coding" in self.values("runType", run)
        return run.rpartition("/")[2] if coded else ""

    def values(self, name: str, node: str) -> set[str]:
        """Return the values of a property of a node; not to be changed."""
        return self.of[name].get(node, _NOTHING)

    def label(self, node: str) -> str:
        """Return the English label of a node, or its address."""
        return self._labels.get(node, node)

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
            if a not in self.members["Narrator"] and a not in self.members["Unattributed"]
        }


def derive(lines: Iterable[str], base: str) -> Dataset:
    """Return the derived quads, in the graphs `event-links`, `status` and `uncontested`.

    Args:
        lines: every quad that was mapped, the vocabulary included; a `Dataset` is one.
        base: the base IRI of the data.
    Spec: docs/model.md, "Derived statements"
    """
    out = Dataset()
    world = _World(lines)
    links = _candidate_links(world, base, out)
    _statuses(world, links, base, out)
    _uncontested(world, base, out)
    return out


class Unclear(Exception):
    """A change concerns so much that it cannot be told what has to be derived again."""


def derive_again(
    old: View, new: View, touched: Iterable[str], base: str
) -> tuple[Dataset, Dataset]:
    """Return the derived quads that a change concerns: those that were, and those that are now.

    What is derived of an event depends on the events that are perhaps the same, and of those that
    are perhaps the same as these, and on no others. So the rules are applied to these alone, as
    they were described before and as they are now.

    Args:
        old, new: what was mapped, before and after the change.
        touched: the subjects of all triples that go or come, and the events whose description went
            or came from one graph to another, as N-Triples tokens.
        base: the base IRI of the data.
    Raises:
        Unclear: somebody acts for somebody else than before, or is another kind of agent.
    """
    touched = set(touched)
    if _acts_otherwise(old, new, touched):
        raise Unclear
    events: set[str] = set()
    relations: set[str] = set()
    for view in (old, new):
        for node in touched:
            _concerned(view, node, events, relations)
    events = _cluster(old, new, events)
    for view in (old, new):
        for relation in list(relations):
            relations |= _alike(view, relation)
    before, after = (derive(_described(view, events, relations), base) for view in (old, new))
    return before, after


def derived_changes(
    store: "pyoxigraph.Store",
    changes: Mapping[str, Change],
    base: str,
    passing: Set[str] = frozenset(),
) -> dict[str, Change]:
    """Return what a change of what was mapped changes in what is derived, by graph.

    Args:
        store: that of the release before the change.
        changes: by the IRI of the graph.
        base: the base IRI of the data.
        passing: things that go with everything that refers to them, as N-Triples tokens: who acted
            for somebody and is no more changes no other side.
    Raises:
        Unclear: it has to be derived as a whole.
    """
    # A quad that comes into one graph and stands in another changes nothing to the rules, but for
    # the description of an event: they look at which document it is in.
    touched = {subject for side in union_change(store, changes) for subject, _, _ in side}
    event = f" <{RDF}type> {term('Event')} <"
    touched |= {
        line.split(" ", 1)[0]
        for change in changes.values()
        for line in (*change.removed, *change.added)
        if event in line
    }
    before, after = derive_again(
        View(store, base), View(store, base, changes), touched - passing, base
    )
    return changes_between(by_graph(before), by_graph(after))


def by_graph(dataset: Dataset) -> dict[str, set[str]]:
    """Return the lines of each graph; for few."""
    return {graph: set(dataset.lines(graph)) for graph in dataset.graphs()}


def _is(view: View, node: str, klass: str) -> bool:
    return next(view.lines(node, f"<{RDF}type>", term(klass)), None) is not None


def _acts_otherwise(old: View, new: View, touched: Iterable[str]) -> bool:
    """Return whether an agent that is there before and after has another side or voice."""
    for node in touched:
        if not (_is(old, node, "Agent") and _is(new, node, "Agent")):
            continue
        if old.values(node, "actsFor") != new.values(node, "actsFor"):
            return True
        for klass in ("Narrator", "Unattributed"):
            if _is(old, node, klass) != _is(new, node, klass):
                return True
    return False


def _concerned(view: View, node: str, events: set[str], relations: set[str]) -> None:
    """Add the events and relations of which a node is the description, or a part of it."""
    about = {node}
    for name in ("hasParticipation", "time"):
        about |= view.subjects(name, node)
    about |= view.values(node, "concerns") | view.values(node, "links")
    for one in about:
        if _is(view, one, "Event"):
            events.add(one)
        elif _is(view, one, "Relation"):
            relations.add(one)


def _alike(view: View, relation: str) -> set[str]:
    """Return the relations between the same two, whatever their type."""
    found: set[str] = set()
    for subject in view.values(relation, "subject"):
        for value in view.values(relation, "object"):
            ends = view.subjects("subject", subject) & view.subjects("object", value)
            found |= {one for one in ends if _is(view, one, "Relation")}
    return found


class _Sides:
    """Finds the events that the rule for candidates would look at beside one."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._ends: dict[str, str] = {}
        self._taking: dict[tuple[str, str], set[str]] = {}

    def _end(self, agent: str) -> str:
        """Return the side of an agent: as `_World.end` has it."""
        if agent not in self._ends:
            here, seen = agent, {agent}
            while (others := self.view.values(here, "actsFor")) and min(others) not in seen:
                here = min(others)
                seen.add(here)
            self._ends[agent] = here
        return self._ends[agent]

    def _of_side(self, side: str) -> set[str]:
        """Return a side with all whose side it is."""
        found: set[str] = set()
        todo = {side}
        while todo:
            agent = todo.pop()
            found.add(agent)
            todo |= self.view.subjects("actsFor", agent) - found
        return {agent for agent in found if self._end(agent) == side}

    def _roles(self, event: str) -> set[tuple[str, str]]:
        return {
            (role, self._end(who))
            for part in self.view.values(event, "hasParticipation")
            for role in self.view.values(part, "role")
            for who in self.view.values(part, "participant")
        }

    def _with(self, role: str, side: str) -> set[str]:
        """Return the events in which a side has a role."""
        key = (role, side)
        if key not in self._taking:
            view = self.view
            self._taking[key] = {
                event
                for who in self._of_side(side)
                for part in view.subjects("participant", who)
                if role in view.values(part, "role")
                for event in view.subjects("hasParticipation", part)
            }
        return self._taking[key]

    def perhaps(self, event: str) -> set[str]:
        """Return the events of the same type with two sides in the same roles: never too few."""
        shared: Counter[str] = Counter()
        for role, side in self._roles(event):
            shared.update(self._with(role, side))
        kinds = self.view.values(event, "eventType")
        return {
            other
            for other, number in shared.items()
            if number >= 2
            and other != event
            and _graph(self.view, other) != _graph(self.view, event)
            and self.view.values(other, "eventType") & kinds
            and _coincide(self.view, event, other)
        }


def _cluster(old: View, new: View, events: Iterable[str]) -> set[str]:
    """Return some events with all that are or were perhaps the same, and so on.

    Of the given ones it is looked for; of all others it is known, since nothing of them changed but
    what they have to do with these.
    """
    views = (old, new)
    found: set[str] = set()
    todo = {event for event in events if any(_is(view, event, "Event") for view in views)}
    changed = frozenset(todo)
    sides = [_Sides(view) for view in views]
    while todo:
        event = todo.pop()
        found.add(event)
        linked = old.perhaps_the_same(event)
        for view in views:
            for link in view.subjects("links", event):
                linked |= view.values(link, "links")
        if event in changed:
            for one in sides:
                linked |= one.perhaps(event)
        todo |= linked - found
    return found


def _graph(view: View, event: str) -> str:
    """Return the graph in which an event is described."""
    found = view.lines(event, f"<{RDF}type>", term("Event"))
    return max((line.rsplit(" ", 2)[1] for line in found), default="")


def _coincide(view: View, one: str, two: str) -> bool:
    """Return whether the dates of two events can coincide."""
    spans = []
    for event in (one, two):
        times = view.values(event, "time")
        if not times:
            return False
        time = max(times)
        first = max(view.values(time, "earliest"), default='"0000-01-01"')
        last = max(view.values(time, "latest"), default='"9999-12-31"')
        spans.append((read_literal(first)[0], read_literal(last)[0]))
    return max(spans[0][0], spans[1][0]) <= min(spans[0][1], spans[1][1])


def _described(view: View, events: Collection[str], relations: Iterable[str]) -> list[str]:
    """Return the lines that the rules need to know of some events and relations."""
    lines: dict[str, None] = {}
    agents: set[str] = set()

    def take(node: str) -> None:
        lines.update(dict.fromkeys(view.lines(node, only=_ALL_READ)))

    for event in events:
        take(event)
        for link in view.subjects("links", event):
            take(link)
        for time in view.values(event, "time"):
            take(time)
        for part in view.values(event, "hasParticipation"):
            take(part)
            agents |= view.values(part, "participant")
        for run in view.values_of(event, _MADE):
            lines.update(dict.fromkeys(view.lines(run, term("runType"))))
        for role in ROLES:
            agents |= {one for one in view.values(event, role) if "/id/agent/" in one}
    for relation in relations:
        take(relation)
        for kind in view.values(relation, "relationType"):
            lines.update(dict.fromkeys(view.lines(kind, term("shortcut"))))
        for subject in view.values(relation, "subject"):
            lines.update(dict.fromkeys(view.lines(subject, f"<{RDF}type>")))
    for proposition in (*events, *relations):
        for claim in view.subjects("concerns", proposition):
            take(claim)
            agents |= view.values(claim, "claimant")
    seen: set[str] = set()
    while agents:
        agent = agents.pop()
        seen.add(agent)
        lines.update(dict.fromkeys(view.lines(agent, f"<{RDF}type>")))
        lines.update(dict.fromkeys(view.lines(agent, term("actsFor"))))
        agents |= view.values(agent, "actsFor") - seen
    # A participant may be an event too; of those that are not asked for too little is known here.
    known, event = set(events), f" <{RDF}type> {term('Event')} <"
    return [line for line in lines if event not in line or line.split(" ", 1)[0] in known]


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
    for iri in sorted(world.members["EventLink"]):
        certainty = max(world.values("certainty", iri), default="")
        yes = max(world.values("accepted", iri), default="")
        if certainty and yes:
            ends[iri] = sorted(world.values("links", iri))
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
        words = map(world.label, pair)
        reason = "Proposed by rule; not reviewed."
        node, pairs = event_link(base, pair, words, "possible", reason, CANDIDATE_RULE)
        for one in pairs:
            predicate, value = one.split(" ", 1)
            out.add(graph, node, predicate, value)
        links.append(_Link(node[1:-1], pair, False))
    for link in links:
        one, two = link.events
        out.add(graph, f"<{one}>", term("possiblySameAs"), f"<{two}>")
        out.add(graph, f"<{two}>", term("possiblySameAs"), f"<{one}>")
    return sorted(links, key=lambda link: link.iri)


def _candidates(world: _World) -> list[tuple[str, str]]:
    """Return the pairs of events that the candidate rule finds, sorted."""
    groups: dict[tuple[object, ...], list[_Happening]] = defaultdict(list)
    for event in sorted(world.members["Event"]):
        kind = max(world.values("eventType", event), default="")
        times = world.values("time", event)
        if not kind or not times:
            continue
        time = max(times)
        happening = _Happening(
            max(world.values("earliest", time), default="0000-01-01"),
            max(world.values("latest", time), default="9999-12-31"),
            event,
            max(world.graphs[event]),
        )
        roles = {
            (role, world.end(who))
            for part in world.values("hasParticipation", event)
            for role in world.values("role", part)
            for who in world.values("participant", part)
        }
        # Two events with two of them in common are together under at least one pair of them.
        for pair in itertools.combinations(sorted(roles), 2):
            groups[kind, *pair].append(happening)
    found: set[tuple[str, str]] = set()
    for group in groups.values():
        group.sort()
        for n, one in enumerate(group):
            for two in group[n + 1 :]:
                if two.first > one.last:
                    break
                if one.graph != two.graph and one.first <= two.last:
                    found.add((min(one.event, two.event), max(one.event, two.event)))
    return sorted(found)


class _Happening(NamedTuple):
    """When an event can have been, and in which graph it is described."""

    first: str
    last: str
    event: str
    graph: str


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
    events = sorted(world.members["Event"])
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
    for event in events:
        for part in world.values("hasParticipation", event):
            agents = world.values("participant", part) & world.members["Agent"]
            own[event].update(map(world.end, agents))
        if world.feed(event):
            for role in ROLES:
                agents = {one for one in world.values(role, event) if "/id/agent/" in one}
                own[event].update(map(world.end, agents))
    for first, members in sorted(clusters.items()):
        around = neighbourhood[near[first]]
        affirming = {
            c.iri: c for e in members for c in world.by_proposition[e] if c.stance == "affirms"
        }
        other = {c.iri: c for e in around for c in world.by_proposition[e] if c.stance != "affirms"}
        positions: dict[str, set[str]] = defaultdict(set)
        for claim in [*affirming.values(), *other.values()]:
            positions[claim.stance] |= world.sides(claim)
        feed = world.feed(first)
        counted: Mapping[str, set[str]] = positions
        if feed:
            told = world.members["Organization"] | world.members["Person"]
            counted = {stance: known_sides(some, some - told) for stance, some in positions.items()}
        status = status_of(
            [claim.modality for claim in affirming.values()],
            [claim.stance for claim in other.values()],
            counted,
            set().union(*(own[e] for e in members)),
        )
        graph = graph_iri(base, f"{feed}-status" if feed else "status")
        for event in members:
            out.add(graph, f"<{event}>", term("status"), term(f"status-{status}"))
        if feed and status == "reported" and len(members) == 1:
            continue  # nothing else is to be told
        rests_on = [*affirming, *other]
        node, pairs = assessment(base, members, world.label(first), status, positions, rests_on)
        for pair in pairs:
            predicate, value = pair.split(" ", 1)
            out.add(graph, node, predicate, value)
        for link in used[near[first]]:
            out.add(graph, node, term("usesLink"), f"<{link.iri}>")


def assessment(
    base: str,
    members: Sequence[str],
    label: str,
    status: str,
    positions: Mapping[str, Set[str]],
    claims: Iterable[str],
) -> tuple[str, list[str]]:
    """Return the node of an assessment and what it says: predicates with objects, in N-Quads form.

    Args:
        base: the base IRI.
        members: the addresses of the events that are one, the least first.
        label: that of the first.
        status: a concept, by its key.
        positions: the addresses of the sides that hold each stance.
        claims: the addresses of those that it rests on.
    """
    keys = [event.rpartition("/")[2] for event in members]
    return f"<{data_iri(base, 'status', digest_key('status', *keys))}>", [
        f"<{RDF}type> {term('StatusAssessment')}",
        f"<{RDFS}label> {literal(f'Who says what about: {label}', lang='en')}",
        f"{term('status')} {term(f'status-{status}')}",
        f"{term('rule')} {literal(STATUS_RULES[status], lang='en')}",
        *(f"{term('assesses')} <{event}>" for event in members),
        *(f"{term('basedOn')} <{claim}>" for claim in claims),
        *(
            f"{term(name)} <{side}>"
            for stance, name in POSITIONS.items()
            for side in positions.get(stance, ())
        ),
    ]


def event_link(
    base: str, ends: tuple[str, str], labels: Iterable[str], certainty: str, reason: str, rule: str
) -> tuple[str, list[str]]:
    """Return the node of a link that a rule proposes, and what it says; see `assessment`.

    Args:
        base: the base IRI.
        ends: the addresses of the two events.
        labels: those of the events.
        certainty: a concept, by its key.
        reason, rule: why these two, and which events are looked for at all, in English.
    """
    keys = sorted(f"event/{event.rpartition('/')[2]}" for event in ends)
    return f"<{data_iri(base, 'record', digest_key('event-link', *keys))}>", [
        f"<{RDF}type> {term('EventLink')}",
        f"<{RDFS}label> {literal(perhaps_the_same(labels), lang='en')}",
        f"{term('certainty')} {term(f'certainty-{certainty}')}",
        f"{term('accepted')} {boolean(False)}",
        f"{term('reason')} {literal(reason, lang='en')}",
        f"{term('rule')} {literal(rule, lang='en')}",
        *(f"{term('links')} <{event}>" for event in ends),
    ]


def known_sides(sides: Set[str], placeless: Set[str]) -> set[str]:
    """Return sides of which no two can be one: those of whom it is not told count as one together.

    A row of a feed names in a word or two whom somebody cites. Two of these may be of one side,
    or be the same.

    Args:
        sides: agents.
        placeless: those of whom a feed tells neither what they are nor for whom they act.
    """
    return {*(sides - placeless), *sorted(sides & placeless)[:1]}


def status_of(
    affirming: Collection[str],
    other: Collection[str],
    positions: Mapping[str, set[str]],
    participants: set[str],
) -> str:
    """Return the first status whose rule holds; see STATUS_RULES.

    Args:
        affirming: the modality of each claim that affirms.
        other: the stance of each claim that does not.
        positions: the sides that hold each stance.
        participants: the sides of those who take part.
    """
    affirms = positions.get("affirms", _NOTHING)
    disputes = {
        side
        for stance in ("denies", "disputes-evidence", "questions")
        for side in positions.get(stance, ())
    }
    if "denies" in other and not affirms:
        return "denied"
    if any(one != two for one in affirms for two in disputes):
        return "contested"
    if affirming and _FORWARD.issuperset(affirming):
        return "planned"
    if affirming and _OPEN.issuperset(affirming):
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
        (kind, subject, value)
        for relation, kind, subject, value in _relations(world)
        if any(claim.stance != "affirms" for claim in world.by_proposition[relation])
    }
    for relation, kind, subject, value in _relations(world):
        names = sorted(world.values("shortcut", kind))
        if (
            not names
            or subject in world.members["Proposition"]
            or world.values("textQuality", relation)
            or world.values("time", relation)
        ):
            continue
        basis = [c for c in world.by_proposition[relation] if _own_voice(world, c, relation)]
        if not basis or (kind, subject, value) in disputed:
            continue
        for name in names:
            out.add(plain, f"<{subject}>", f"<{name}>", f"<{value}>")
            out.add(status, f"<{relation}>", term("yields"), f"<{name}>")
        out.add(status, f"<{relation}>", term("rule"), literal(UNCONTESTED_RULE, lang="en"))
        for claim in basis:
            out.add(status, f"<{relation}>", term("basedOn"), f"<{claim.iri}>")


def _relations(world: _World) -> list[tuple[str, str, str, str]]:
    """Return relation, type, subject and object of the relations, whatever their validity."""
    return [
        (relation, kind, subject, value)
        for relation in sorted(world.members["Relation"])
        for kind in sorted(world.values("relationType", relation))
        for subject in sorted(world.values("subject", relation))
        for value in sorted(world.values("object", relation))
    ]


def _own_voice(world: _World, claim: _Claim, relation: str) -> bool:
    """Return whether a document says it itself, as actual, not doubted, in clear text."""
    return (
        claim.stance == "affirms"
        and claim.modality == "actual"
        and claim.certainty in ("certain", "unstated")
        and claim.claimants <= world.members["Narrator"]
        and relation in claim.about
        and not world.values("textQuality", claim.iri)
        and f"{CH}manner-implied" not in world.values("manner", claim.iri)
    )
