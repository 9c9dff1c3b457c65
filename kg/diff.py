"""What changed from one release to another: as a patch for machines, and by thing for people.

Only parts that differ are read: a graph that did not change, or a bucket of a large one, is the
same file in both. Graphs that may not be handed on are in no difference.

Spec: docs/reference/release.md, "Differences"; RDF Patch (Apache Jena)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

import msgspec

from kg.dumps import Dumps, part_lines
from kg.errors import TooLarge, one_line
from kg.manifest import Part
from kg.serialise import read_literal
from kg.vocab import CH, MARKS, RDF, RDFS, SKOS, WORDED, graph_iri, term

MOST: Final = 200_000
"""Changed quads that are grouped by thing; a patch has no such bound."""

_LABELS: Final = (f"<{RDFS}label>", f"<{SKOS}prefLabel>")
_A: Final = f"<{RDF}type>"
_ABOUT: Final = (term("about"), term("concerns"))


class GraphChange(msgspec.Struct, frozen=True):
    """The quads of one graph that went and came: N-Quads lines with line feed, sorted."""

    graph: str
    removed: list[str]
    added: list[str]


class Value(msgspec.Struct, frozen=True):
    """One value of a statement, and what it is called.

    `mark` is what stands before the label, so that nothing that is only described reads as a fact.
    """

    term: str
    label: str
    iri: str = ""
    lang: str = ""
    mark: str = ""

    @property
    def shown(self) -> str:
        """Return it for people: with its mark, and with its language or its address."""
        words = f"{self.mark}: {self.label}" if self.mark else self.label
        if self.iri:
            return f"{words} <{self.iri}>" if self.label != self.iri else f"<{self.iri}>"
        return f"{words} ({self.lang})" if self.lang else words


class Statement(msgspec.Struct, frozen=True):
    """What changed of one property of a thing in one graph."""

    predicate: str
    label: str
    removed: tuple[Value, ...]
    added: tuple[Value, ...]


class Change(msgspec.Struct, frozen=True):
    """What changed of one thing in one graph.

    `mark` stands before the label, as in `Value`; `source` is what the graph is called; `said_by`
    are the claims about the thing there, each by its label, which names the speaker and how far the
    speaker goes.
    """

    thing: str
    label: str
    kind: str
    mark: str
    what: Literal["added", "removed", "changed"]
    graph: str
    source: str
    said_by: tuple[str, ...]
    statements: tuple[Statement, ...]

    def to_text(self) -> str:
        """Return the change for people, in lines that end in line feeds."""
        sign = {"added": "+", "removed": "-", "changed": "~"}[self.what]
        lines = [f"{sign} {self.mark or self.kind or 'thing'}: {self.label}", f"    {self.thing}"]
        lines.append(f"    in: {self.source}")
        lines += (f"    said by: {claim}" for claim in self.said_by)
        for one in self.statements:
            lines += (f"    - {one.label}: {value.shown}" for value in one.removed)
            lines += (f"    + {one.label}: {value.shown}" for value in one.added)
        return "\n".join(map(one_line, lines)) + "\n"


class Counted(msgspec.Struct, frozen=True):
    """How many quads of one graph went and came."""

    graph: str
    source: str
    removed: int
    added: int


class Difference:
    """What changed from release `old` to release `new`.

    Args:
        old, new: folders of releases.
    Raises:
        ReleaseError: one of them cannot be read.
    """

    def __init__(self, old: Path, new: Path) -> None:
        self._folders = (old, new)
        self._dumps = (Dumps(old), Dumps(new))
        self.old, self.new = (dumps.manifest for dumps in self._dumps)

    @property
    def lines(self) -> int:
        """Return how many lines the parts have that differ: what has to be read."""
        before, after = (_parts(dumps) for dumps in self._dumps)
        return sum(
            part.quads
            for iri in before.keys() | after.keys()
            for one, other in itertools.permutations((before.get(iri, {}), after.get(iri, {})))
            for name, part in one.items()
            if name not in other
        )

    def graphs(self) -> Iterator[GraphChange]:
        """Yield what changed in each graph, in the order of their addresses.

        Raises:
            OSError: a part cannot be read.
        """
        before, after = (_parts(dumps) for dumps in self._dumps)
        for iri in sorted(before.keys() | after.keys()):
            old, new = before.get(iri, {}), after.get(iri, {})
            if old.keys() == new.keys():
                continue
            removed = self._lines(0, [old[name] for name in old.keys() - new.keys()])
            added = self._lines(1, [new[name] for name in new.keys() - old.keys()])
            both = removed & added
            if removed != added:
                yield GraphChange(iri, sorted(removed - both), sorted(added - both))

    def _lines(self, side: int, parts: Iterable[Part]) -> set[str]:
        found: set[str] = set()
        for part in parts:
            found.update(part_lines(self._folders[side], part))
        return found

    def patch(self) -> Iterator[str]:
        """Yield the lines of an RDF Patch that turns the old release into the new one.

        What goes stands before what comes, graph by graph, sorted.

        Raises:
            OSError: a part cannot be read.
        """
        base = self.new.base_iri
        yield f"H id <{base}releases/{self.new.id}> .\n"
        yield f"H prev <{base}releases/{self.old.id}> .\n"
        yield "TX .\n"
        for change in self.graphs():
            yield from (f"D {line}" for line in change.removed)
            yield from (f"A {line}" for line in change.added)
        yield "TC .\n"

    def counts(self) -> list[Counted]:
        """Return how many quads of each graph went and came, in the order of their addresses."""
        return [
            Counted(one.graph, self._names.source(one.graph), len(one.removed), len(one.added))
            for one in self.graphs()
        ]

    @cached_property
    def _names(self) -> _Names:
        return _Names(self._dumps)

    def things(self) -> Iterator[Change]:
        """Yield what changed of each thing: graph by graph, then by kind and label.

        Raises:
            OSError: a part cannot be read.
            TooLarge: more than `MOST` quads changed.
        """
        seen = 0
        for change in self.graphs():
            seen += len(change.removed) + len(change.added)
            if seen > MOST:
                raise TooLarge(
                    "too much has changed to be shown by thing",
                    seen=f"more than {MOST} quads",
                    hint="take the patch, or the numbers of each graph",
                )
            yield from self._of_graph(change)

    def _of_graph(self, change: GraphChange) -> list[Change]:
        names = self._names
        end = -len(f" <{change.graph}> .\n")
        sides: tuple[dict[str, dict[str, list[str]]], ...] = ({}, {})
        for side, lines in zip(sides, (change.removed, change.added), strict=True):
            for line in lines:
                s, p, o = line[:end].split(" ", 2)
                side.setdefault(s, {}).setdefault(p, []).append(o)
        found = []
        for subject in sides[0].keys() | sides[1].keys():
            old, new = (side.get(subject, {}) for side in sides)
            there = [names.has(n, change.graph, subject) for n in (0, 1)]
            what: Literal["added", "removed", "changed"] = "changed"
            if not all(there):
                what = "added" if there[1] else "removed"
            mark = names.mark(subject)
            statements = [
                Statement(
                    predicate=p[1:-1],
                    label=names.label(p, change.graph),
                    removed=names.values(old.get(p, ()), change.graph, p, mark),
                    added=names.values(new.get(p, ()), change.graph, p, mark),
                )
                for p in sorted(old.keys() | new.keys(), key=lambda p: (p != _A, p))
            ]
            found.append(
                Change(
                    thing=subject[1:-1] if subject[0] == "<" else subject,
                    label=names.label(subject, change.graph),
                    kind=names.kind(subject),
                    mark=mark,
                    what=what,
                    graph=change.graph,
                    source=names.source(change.graph),
                    said_by=names.said(change.graph, subject),
                    statements=tuple(statements),
                )
            )
        return sorted(found, key=lambda one: (_ORDER.get(one.kind, 99), one.label, one.thing))


_ORDER: Final[Mapping[str, int]] = {
    kind: n
    for n, kind in enumerate(
        ("document", "claim", "event", "relation", "claimset", "agent", "place", "thing")
    )
}


def _parts(dumps: Dumps) -> dict[str, dict[str, Part]]:
    """Return the parts of each graph by their names, which tell what is in them."""
    iris = {graph.key: graph.iri for graph in dumps.manifest.graphs}
    return {iris[key]: {part.name: part for part in parts} for key, parts in dumps.parts.items()}


class _Names:
    """What things are called, looked up in the parts where they are described."""

    def __init__(self, dumps: Sequence[Dumps]) -> None:
        self._dumps = dumps
        self._base = dumps[-1].manifest.base_iri
        self._parts = [_parts(one) for one in dumps]
        self._graphs = [{graph.iri: graph for graph in one.manifest.graphs} for one in dumps]
        self._read: dict[tuple[int, str], dict[str, list[tuple[str, str]]]] = {}
        self._labels: dict[tuple[str, str], str] = {}
        self._claims: dict[tuple[int, str], dict[str, set[str]]] = {}

    def _part(self, side: int, graph: str, subject: str) -> Mapping[str, list[tuple[str, str]]]:
        """Return what the part of a graph says that would speak of a subject."""
        entry = self._graphs[side].get(graph)
        if entry is None:
            return {}
        part = self._dumps[side].part_of(entry, subject)
        return self._lines(side, graph, part) if part else {}

    def _lines(self, side: int, graph: str, part: Part) -> dict[str, list[tuple[str, str]]]:
        key = (side, part.name)
        if key not in self._read:
            if len(self._read) > _KEPT:
                self._read.clear()
            end = -len(f" <{graph}> .\n")
            found: dict[str, list[tuple[str, str]]] = {}
            for line in part_lines(self._dumps[side].folder, part):
                s, p, o = line[:end].split(" ", 2)
                found.setdefault(s, []).append((p, o))
            self._read[key] = found
        return self._read[key]

    def has(self, side: int, graph: str, subject: str) -> bool:
        """Return whether a graph of one of the two says anything of a subject."""
        return subject in self._part(side, graph, subject)

    def label(self, token: str, graph: str) -> str:
        """Return what something is called, in English if it can be; or the end of its address."""
        key = (token, graph)
        if key not in self._labels:
            self._labels[key] = self._label(token, graph)
        return self._labels[key]

    def _label(self, token: str, graph: str) -> str:
        if token[0] != "<":
            return token
        if token == _A:
            return "type"
        places = (graph, *(graph_iri(self._base, key) for key in _DESCRIBED))
        for place, side in itertools.product(places, (1, 0)):
            pairs = self._part(side, place, token).get(token, ())
            texts = [read_literal(o)[:2] for p, o in pairs if p in _LABELS and o[0] == '"']
            if texts:
                return min(texts, key=lambda one: (one[1] != "en", one[1], one[0]))[0]
        iri = token[1:-1]
        return iri[max(iri.rstrip("/").rfind("/"), iri.rfind("#")) + 1 :] or iri

    def values(
        self, tokens: Iterable[str], graph: str, predicate: str, mark: str
    ) -> tuple[Value, ...]:
        """Return values with what they are called.

        Args:
            tokens: the values.
            graph: where they stand.
            predicate: that of the statement.
            mark: that of its subject.
        """
        words = mark if predicate[1:-1] in WORDED else ""
        return tuple(self._value(token, graph, words) for token in tokens)

    def _value(self, token: str, graph: str, mark: str) -> Value:
        if token[0] == "<":
            label, iri = self.label(token, graph), token[1:-1]
            return Value(token, label, iri=iri, mark=self.mark(token))
        if token[0] == "_":
            return Value(token, token)
        text, lang, _ = read_literal(token)
        return Value(token, text, lang=lang, mark=mark)

    def mark(self, token: str) -> str:
        """Return what stands before the label of a thing."""
        return MARKS.get(self.kind(token), "")

    def kind(self, token: str) -> str:
        """Return the kind in an address of ours, `term` for the ontology, or nothing."""
        rest = token[1:-1].removeprefix(f"{self._base}id/")
        if rest != token[1:-1]:
            return rest.partition("/")[0]
        return "term" if token.startswith(f"<{CH}") else ""

    def source(self, graph: str) -> str:
        """Return what a graph is called."""
        return self.label(f"<{graph}>", graph_iri(self._base, "provenance"))

    def said(self, graph: str, subject: str) -> tuple[str, ...]:
        """Return the labels of the claims about a thing in a graph, in either release, sorted."""
        found: set[str] = set()
        for side in (0, 1):
            parts = self._parts[side].get(graph, {})
            if len(parts) > _SOURCES or self.kind(subject) not in _SAID_OF:
                continue
            if (side, graph) not in self._claims:
                index: dict[str, set[str]] = {}
                for part in parts.values():
                    for claim, pairs in self._lines(side, graph, part).items():
                        for p, o in pairs:
                            if p in _ABOUT:
                                index.setdefault(o, set()).add(claim)
                self._claims[side, graph] = index
            claims = self._claims[side, graph].get(subject, ())
            found.update(self.label(claim, graph) for claim in claims)
        return tuple(sorted(found))


_KEPT: Final = 256
"""Parts whose lines are kept."""
_SOURCES: Final = 64
"""Parts up to which a graph is read through for its claims."""
_DESCRIBED: Final = ("registry", "vocabulary", "provenance")
_SAID_OF: Final = ("event", "relation", "claimset")


def apply_patch(lines: Iterable[str], patch: Iterable[str]) -> set[str]:
    """Return the quads that an RDF Patch makes of others.

    Args:
        lines: N-Quads, each with its line feed.
        patch: lines of a patch, as `Difference.patch` gives them.
    Raises:
        ValueError: a line is none of a patch, removes what is not there or adds what is.
    """
    found = set(lines)
    for line in patch:
        code, _, rest = line.partition(" ")
        if code in ("H", "TX", "TC"):
            continue
        if code == "A" and rest not in found:
            found.add(rest)
        elif code == "D" and rest in found:
            found.remove(rest)
        else:
            raise ValueError(f"no line of a patch of these quads: {line!r}")
    return found
