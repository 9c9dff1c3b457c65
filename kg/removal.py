"""What has to go with something that must not be there: what says it, and what it alone needed.

Some statements make no sense without what they name: a claim without what it is about, a relaying
claim without what it relays, a notice without what it corrects. They go with it. And what only
served what goes is left by nobody: its spans and times, an event that nobody claims any more, a
source that said nothing else. Everything else stays, without the statements that name what goes.

What the build concludes is not looked at: it is concluded again.

Spec: docs/decisions/0014-acts-of-an-editor.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from typing import Final, Protocol

import msgspec

from kg.dataset import Dataset
from kg.errors import TooLarge
from kg.view import View
from kg.vocab import CH, DCTERMS, OWL, PROV, RDF

MOST: Final = 200_000
"""Things that go with one another at most."""

_NEEDED: Final = frozenset(
    f"<{CH}{name}>"
    for name in (
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
        "corrects",
        "withdraws",
    )
)
"""Properties without whose value nothing is left to say of their subject."""

_PASSING: Final = frozenset(
    (
        *(
            f"<{CH}{name}>"
            for name in (
                "concerns",
                "corrects",
                "denotes",
                "inferredMember",
                "links",
                "linkSubject",
                "possiblySameAs",
                "saysOnly",
                "standsFor",
                "statedMember",
                "withdraws",
            )
        ),
        f"<{OWL}differentFrom>",
    )
)
"""Properties that nothing is there for: what is named by these alone is not needed."""

_SERVING: Final = frozenset(
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

_RELAYS: Final = f"<{CH}relays>"
_DENOTES: Final = f"<{CH}denotes>"
_EVIDENCE: Final = f"<{CH}evidence>"
_OF_MENTION: Final = frozenset(
    (
        *(f"<{CH}{name}>" for name in ("denotes", "standsFor", "surface", "stem", "form")),
        *(f"<{CH}{name}>" for name in ("reviewedIn", "reviewState")),
        f"<{DCTERMS}identifier>",
        f"<{PROV}wasGeneratedBy>",
    )
)
_IS_MENTION: Final = f"<{RDF}type> <{CH}Mention> "


class Lines(Protocol):
    """N-Quads lines of what was mapped, by their terms, which are N-Triples tokens."""

    def about(self, nodes: Set[str]) -> Iterable[str]:
        """Return the lines whose subject is one of some nodes."""

    def naming(self, nodes: Set[str]) -> Iterable[str]:
        """Return the lines whose object is one of some nodes."""

    def named(self, nodes: Set[str], by: Callable[[str], bool]) -> set[str]:
        """Return those of some nodes that are the object of a line for which `by` is true."""


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


class InDataset:
    """The lines of a build."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def about(self, nodes: Set[str]) -> Iterable[str]:
        """Return the lines whose subject is one of some nodes."""
        return (line for line in self._dataset if line[: line.index(" ")] in nodes)

    def naming(self, nodes: Set[str]) -> Iterable[str]:
        """Return the lines whose object is one of some nodes."""
        return (line for line in self._dataset if _terms(line)[2] in nodes)

    def named(self, nodes: Set[str], by: Callable[[str], bool]) -> set[str]:
        """Return those of some nodes that are the object of a line for which `by` is true."""
        return {_terms(line)[2] for line in self.naming(nodes) if by(line)}


class Removal(msgspec.Struct, frozen=True):
    """What goes: things, as N-Triples tokens, and all lines that are about them or name them."""

    nodes: set[str]
    lines: set[str]


def _terms(line: str) -> tuple[str, str, str]:
    """Return subject, property and value of a line; a value that is a text is left out."""
    subject, predicate, rest = line.split(" ", 2)
    return subject, predicate, rest[: rest.index(" ")] if rest[0] == "<" else ""


def removal(lines: Lines, named: Iterable[str], base: str) -> Removal:
    """Return all that goes with some things; what is not there is passed over.

    Args:
        lines: what was mapped.
        named: the things, as N-Triples tokens.
        base: the base IRI of the data.
    Raises:
        TooLarge: it is more than `MOST` things.
    """
    beginning = f"<{base}id/"
    fresh = set(named)
    nodes: set[str] = set()
    gone: set[str] = set()
    served: set[str] = set()
    mentions: set[str] = set()
    while fresh:
        nodes |= fresh
        if len(nodes) > MOST:
            raise TooLarge(
                "too much would go with it",
                seen=f"more than {MOST} things",
                hint="take it out of the facts, build, and remove earlier releases",
            )
        further: set[str] = set()
        for line in lines.about(fresh):
            gone.add(line)
            _, predicate, value = _terms(line)
            if value.startswith(beginning):
                kind = value[len(beginning) :].partition("/")[0]
                if kind in _SERVING or (kind == "claim" and predicate == _RELAYS):
                    served.add(value)
        for line in lines.naming(fresh):
            gone.add(line)
            subject, predicate, _ = _terms(line)
            if predicate in _NEEDED:
                further.add(subject)
            elif predicate == _DENOTES:
                mentions.add(subject)
        further |= _with_documents(lines, fresh, served, beginning)
        served -= nodes
        fresh = further - nodes
        if not fresh:
            fresh = _unneeded(lines, served, nodes, f"{beginning}claim/")
        if not fresh and mentions:
            fresh = mentions - nodes - _held(lines, mentions, nodes)
            for line in lines.about(mentions - nodes - fresh):
                predicate = _terms(line)[1]
                if predicate in _OF_MENTION or _IS_MENTION in line:
                    gone.add(line)
            mentions = set()
    return Removal(nodes, gone)


def _with_documents(lines: Lines, fresh: Set[str], served: Set[str], beginning: str) -> set[str]:
    """Return what stands and falls with documents: their graphs, and the runs described in them.

    Args:
        beginning: what the tokens of our addresses begin with.
    """
    documents = f"{beginning}document/"
    graphs = {
        f"{beginning}graph/{node[len(documents) :]}" for node in fresh if node.startswith(documents)
    }
    if not graphs:
        return set()
    runs = {node for node in served if node.startswith(f"{beginning}run/")}
    described = (line.split(" ", 1)[0] for line in lines.about(runs) if _graph(line) in graphs)
    return graphs | set(described)


def _graph(line: str) -> str:
    return line[line.rindex("<") : line.rindex(">") + 1]


def _unneeded(lines: Lines, served: set[str], nodes: Set[str], claims: str) -> set[str]:
    """Return what nothing that stays is there for.

    A claim that was relayed is there for those that relay it, whoever answers it.

    Args:
        claims: what the token of a claim begins with.
    """

    def needs(line: str) -> bool:
        subject, predicate, value = _terms(line)
        holds = predicate == _RELAYS if value.startswith(claims) else predicate not in _PASSING
        return holds and subject not in nodes

    return served - lines.named(served, needs)


def _held(lines: Lines, spans: Set[str], nodes: Set[str]) -> set[str]:
    """Return the spans that are the evidence of something that stays."""

    def holds(line: str) -> bool:
        subject, predicate, _ = _terms(line)
        return predicate == _EVIDENCE and subject not in nodes

    return lines.named(spans, holds)
