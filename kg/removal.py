"""What has to go with something that must not be there: what says it, and what it alone needed.

Some statements make no sense without what they name: a claim without what it is about, a relaying
claim without what it relays, an event without who has a part in it. They go with it. And what only
served what goes is left by nobody: its spans and times, an event that nobody claims any more, a
source that said nothing else. Everything else stays, without the statements that name what goes.

What the build concludes is not looked at: it is concluded again.

Spec: docs/decisions/0014-acts-of-an-editor.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from typing import Final, Protocol

import msgspec

from kg.dataset import Dataset
from kg.errors import TooLarge
from kg.view import View
from kg.vocab import CH, DCTERMS, OWL, PROV, RDF

MOST: Final = 200_000
"""Things that go with one another at most."""


def _terms_of(*names: str) -> frozenset[str]:
    return frozenset(f"<{CH}{name}>" for name in names)


_NEEDED: Final = _terms_of(
    "about",
    "relays",
    "ultimately",
    "claimant",
    "inSource",
    "inDocument",
    "voiceOf",
    "subject",
    "object",
    "participant",
    "mentionedAs",
    "hasParticipation",
    "links",
    "linkSubject",
)
"""Properties without whose value nothing is left to say of their subject."""

_ONE_OF: Final = _terms_of("statedMember", "inferredMember", "corrects", "withdraws")
"""Properties of which one value must be left: a set has a member, a notice is of something."""

_PASSING: Final = (
    _ONE_OF
    | _terms_of(
        "concerns", "denotes", "links", "linkSubject", "possiblySameAs", "saysOnly", "standsFor"
    )
    | {f"<{OWL}differentFrom>"}
)
"""Properties that nothing is there for: what is named by these alone is not needed."""

SERVING: Final = frozenset(
    (
        "agent",
        "claimset",
        "event",
        "participation",
        "place",
        "position",
        "quantity",
        "relation",
        "run",
        "span",
        "thing",
        "time",
    )
)
"""Kinds of what may be there only for something else. A relayed claim is, too."""

_ABOUT: Final = f"<{CH}about>"
_RELAYS: Final = f"<{CH}relays>"
_DENOTES: Final = f"<{CH}denotes>"
_EVIDENCE: Final = f"<{CH}evidence>"
_CONCERNS: Final = f"<{CH}concerns>"
_VOICE: Final = f"<{CH}voiceOf>"
_MEMBER: Final = _terms_of("statedMember", "inferredMember")
_LINK: Final = (f"<{CH}linkSubject>", f"<{CH}linkObject>")
_OF_MENTION: Final = _terms_of(
    "denotes", "standsFor", "surface", "stem", "form", "reviewedIn", "reviewState"
) | {f"<{DCTERMS}identifier>", f"<{PROV}wasGeneratedBy>"}
_IS_MENTION: Final = f"<{RDF}type> <{CH}Mention> "
_TYPE: Final = f"<{RDF}type>"


class Lines(Protocol):
    """N-Quads lines of what was mapped, by their terms, which are N-Triples tokens."""

    def about(self, nodes: Set[str]) -> Iterable[str]:
        """Return the lines whose subject is one of some nodes."""

    def naming(self, nodes: Set[str]) -> Iterable[str]:
        """Return the lines whose object is one of some nodes."""

    def named(self, nodes: Set[str], by: Callable[[str], bool]) -> set[str]:
        """Return those of some nodes that are the object of a line for which `by` is true."""

    def within(self, graph: str) -> Iterable[str]:
        """Return the lines of a graph, given by its token."""


class InView:
    """The lines of a release."""

    def __init__(self, view: View) -> None:
        self._view = view

    def about(self, nodes: Set[str]) -> Iterable[str]:
        """Return the lines whose subject is one of some nodes."""
        return (line for node in nodes for line in self._view.lines(node))

    def naming(self, nodes: Set[str]) -> Iterable[str]:
        """Return the lines whose object is one of some nodes."""
        return (line for node in nodes for line in self._view.lines(None, None, node))

    def named(self, nodes: Set[str], by: Callable[[str], bool]) -> set[str]:
        """Return those of some nodes that are the object of a line for which `by` is true."""

        def named(node: str) -> bool:  # one line is enough
            return any(
                by(f"{subject} {predicate} {node} .\n")
                and any(True for _ in self._view.lines(subject, predicate, node))
                for subject, predicate in self._view.naming(node)
            )

        return set(filter(named, nodes))

    def within(self, graph: str) -> Iterable[str]:
        """Return the lines of a graph, given by its token."""
        return self._view.within(graph)


class InDataset:
    """The lines of a build."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def about(self, nodes: Set[str]) -> Iterable[str]:
        """Return the lines whose subject is one of some nodes."""
        return (line for line in self._some(nodes) if line[: line.index(" ")] in nodes)

    def naming(self, nodes: Set[str]) -> Iterable[str]:
        """Return the lines whose object is one of some nodes."""
        return (line for line in self._some(nodes) if _terms(line)[2] in nodes)

    def named(self, nodes: Set[str], by: Callable[[str], bool]) -> set[str]:
        """Return those of some nodes that are the object of a line for which `by` is true."""
        return {_terms(line)[2] for line in self.naming(nodes) if by(line)}

    def within(self, graph: str) -> Iterable[str]:
        """Return the lines of a graph, given by its token."""
        return self._dataset.lines(graph[1:-1])

    def _some(self, nodes: Set[str]) -> Iterator[str]:
        return iter(self._dataset if nodes else ())


class Removal(msgspec.Struct, frozen=True):
    """What goes: things, as N-Triples tokens, and all lines that are about them or name them."""

    nodes: set[str]
    lines: set[str]


def _terms(line: str) -> tuple[str, str, str]:
    """Return subject, property and value of a line; a value that is a text is left out."""
    subject, predicate, rest = line.split(" ", 2)
    return subject, predicate, rest[: rest.index(" ")] if rest[0] == "<" else ""


def _graph(line: str) -> str:
    return line[line.rindex("<") : line.rindex(">") + 1]


def removal(lines: Lines, named: Iterable[str], base: str, perhaps: Iterable[str] = ()) -> Removal:
    """Return all that goes with some things; what is not there is passed over.

    Args:
        lines: what was mapped.
        named: the things, as N-Triples tokens.
        base: the base IRI of the data.
        perhaps: things that go too unless something that stays needs them.
    Raises:
        TooLarge: it is more than `MOST` things.
    """
    return _Removing(lines, base, set(perhaps)).all(set(named))


class _Removing:
    """One removal: what goes so far, and what has to be looked at."""

    def __init__(self, lines: Lines, base: str, served: set[str]) -> None:
        self._lines = lines
        self._ours = f"<{base}id/"
        self._nodes: set[str] = set()
        self._gone: set[str] = set()
        self._served = served
        self._mentions: set[str] = set()
        self._holders: set[str] = set()
        """Sets and notices that have lost one of those that they are of."""

    def all(self, named: set[str]) -> Removal:
        """Return all that goes."""
        there = {line[: line.index(" ")] for line in self._lines.about(named)}
        fresh = there | self._lines.named(named - there, lambda _: True)
        fresh = fresh or self._further()
        while fresh:
            self._nodes |= fresh
            if len(self._nodes) > MOST:
                raise TooLarge(
                    "too much would go with it",
                    seen=f"more than {MOST} things",
                    hint="take it out of the facts, build, and remove earlier releases",
                )
            fresh = self._with(fresh) - self._nodes or self._further()
        self._without_members()
        return Removal(self._nodes, self._gone)

    def _kind(self, token: str) -> str:
        return token[len(self._ours) :].partition("/")[0] if token.startswith(self._ours) else ""

    def _with(self, fresh: Set[str]) -> set[str]:
        """Take the lines of some things; return what makes no sense without them."""
        further: set[str] = set()
        links: dict[str, dict[str, str]] = {}
        for line in self._lines.about(fresh):
            self._gone.add(line)
            subject, predicate, value = _terms(line)
            kind = self._kind(value)
            if kind in SERVING or (kind == "claim" and predicate == _RELAYS):
                self._served.add(value)
            if predicate in _LINK:
                links.setdefault(subject, {})[predicate] = value
        for line in self._lines.naming(fresh):
            self._gone.add(line)
            subject, predicate, _ = _terms(line)
            if predicate in _NEEDED:
                further.add(subject)
            elif predicate in _ONE_OF:
                self._holders.add(subject)
            elif predicate == _DENOTES:
                self._mentions.add(subject)
        self._published_links(links.values())
        for node in fresh:
            if self._kind(node) == "document":
                further |= self._with_document(node)
        return further

    def _published_links(self, links: Iterable[dict[str, str]]) -> None:
        """With the record of a link to outside goes the link."""
        ends = {tuple(link[name] for name in _LINK) for link in links if len(link) == len(_LINK)}
        for line in self._lines.about({subject for subject, _ in ends}):
            subject, _, value = _terms(line)
            if (subject, value) in ends:
                self._gone.add(line)

    def _with_document(self, document: str) -> set[str]:
        """Return what is described in a document and nowhere else; take all that it says."""
        graph = f"{self._ours}graph/{document[len(self._ours) + len('document/') :]}"
        described: set[str] = set()
        for line in self._lines.within(graph):
            self._gone.add(line)
            described.add(line[: line.index(" ")])
        elsewhere = {
            line[: line.index(" ")]
            for line in self._lines.about(described)
            if _terms(line)[1] == _TYPE and _graph(line) != graph
        }
        return (described - elsewhere) | {graph}

    def _further(self) -> set[str]:
        """Return what is left without anything that needs it, and what is of nothing any more."""
        self._served -= self._nodes
        found = self._unneeded()
        found |= self._empty() - self._nodes
        if not found and self._mentions:
            mentions = self._mentions - self._nodes
            self._mentions = set()
            found = mentions - self._lines.named(mentions, self._holds)
            for line in self._lines.about(mentions - found):
                if _terms(line)[1] in _OF_MENTION or _IS_MENTION in line:
                    self._gone.add(line)
        return found

    def _unneeded(self) -> set[str]:
        """Return what served what goes, and nothing that stays needs.

        A claim that was relayed is there for those that relay it, whoever answers it; an event or
        relation for the claims about it, whatever else has a part in it or is a part of it.
        """

        def needs(line: str) -> bool:
            subject, predicate, value = _terms(line)
            kind = self._kind(value)
            if kind == "claim":
                holds = predicate == _RELAYS
            elif kind in ("event", "relation"):
                holds = predicate == _ABOUT
            else:
                holds = predicate not in _PASSING
            return holds and subject not in self._nodes

        found = self._served - self._lines.named(self._served, needs)
        agents = {node for node in found if self._kind(node) == "agent"}
        voices = set()  # of a document that stays: it has them whether it speaks or not
        for line in self._lines.about(agents):
            subject, predicate, value = _terms(line)
            if predicate == _VOICE and value not in self._nodes:
                voices.add(subject)
        self._served -= voices
        return found - voices

    def _empty(self) -> set[str]:
        """Return the sets and notices that are of nothing any more."""
        left = set()
        holders = self._holders - self._nodes
        for line in self._lines.about(holders):
            subject, predicate, value = _terms(line)
            if predicate in _ONE_OF and value not in self._nodes:
                left.add(subject)
        return holders - left

    def _holds(self, line: str) -> bool:
        subject, predicate, _ = _terms(line)
        return predicate == _EVIDENCE and subject not in self._nodes

    def _without_members(self) -> None:
        """Let claims about a set concern no more what only members concerned that are gone."""
        sets = {node for node in self._holders - self._nodes if self._kind(node) == "claimset"}
        if not sets:
            return
        members: dict[str, set[str]] = {}
        for line in self._lines.about(sets):
            subject, predicate, value = _terms(line)
            if predicate in _MEMBER:
                members.setdefault(subject, set()).add(value)
        about: dict[str, set[str]] = {}
        for line in self._lines.naming(sets):
            subject, predicate, value = _terms(line)
            if predicate == _ABOUT:
                about.setdefault(value, set()).add(subject)
        everybody = set().union(*members.values()) if members else set()
        concerned: dict[str, set[str]] = {}
        for line in self._lines.about(everybody):
            subject, predicate, value = _terms(line)
            if predicate == _CONCERNS:
                concerned.setdefault(subject, set()).add(value)
        for name, claims in about.items():
            some = members.get(name, set())
            still = set().union(*(concerned.get(one, set()) for one in some - self._nodes))
            for line in self._lines.about(claims - self._nodes):
                _, predicate, value = _terms(line)
                if predicate == _CONCERNS and value not in still:
                    self._gone.add(line)
