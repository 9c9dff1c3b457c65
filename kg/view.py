"""The quads of a release, some of them taken away and others put in, without writing anything.

Only what was mapped: what the build concluded from it stands in graphs of its own, and is left out.
Terms are tokens of N-Triples, lines are N-Quads with line feeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import TYPE_CHECKING

from kg.load import Change
from kg.vocab import graph_iri, term

if TYPE_CHECKING:
    import pyoxigraph


class View:
    """Quads of named graphs, as they would be after some changes.

    Args:
        store: that of a release, open to be read.
        base: the base IRI of the data.
        changes: by the IRI of the graph.
    """

    def __init__(
        self, store: pyoxigraph.Store, base: str, changes: Mapping[str, Change] | None = None
    ) -> None:
        import pyoxigraph as ox

        self._store = store
        self._links = graph_iri(base, "event-links")
        self._concluded = {graph_iri(base, key) for key in ("status", "uncontested")}
        coded = ox.NamedNode(term("run-type-coding")[1:-1])
        for quad in store.quads_for_pattern(None, ox.NamedNode(term("runType")[1:-1]), coded, None):
            key = str(quad.subject)[1:-1].rpartition("/")[2]  # that of a feed is that of its run
            self._concluded.add(graph_iri(base, f"{key}-status"))
        self._removed: set[str] = set()
        self._added = ox.Store()
        for change in (changes or {}).values():
            self._removed |= change.removed
            self._added.extend(
                ox.parse("".join(change.added).encode(), format=ox.RdfFormat.N_QUADS)
            )
        self._by_rule: dict[str, bool] = {}

    def lines(
        self,
        subject: str | None,
        predicate: str | None = None,
        value: str | None = None,
        only: Set[str] | None = None,
    ) -> Iterator[str]:
        """Yield the lines that have these terms; None is any term. IRIs only.

        Args:
            subject, predicate, value: the terms.
            only: the predicates that are wanted, as addresses without brackets.
        """
        import pyoxigraph as ox

        s, p = (ox.NamedNode(t[1:-1]) if t else None for t in (subject, predicate))
        o = ox.NamedNode(value[1:-1]) if value else None
        for store in (self._store, self._added):
            for quad in store.quads_for_pattern(s, p, o, None):
                if only is not None and quad.predicate.value not in only:
                    continue
                graph = quad.graph_name
                if isinstance(graph, ox.DefaultGraph) or graph.value in self._concluded:
                    continue
                line = f"{quad} .\n"
                if store is self._store and (
                    line in self._removed
                    or (graph.value == self._links and self._is_concluded(quad))
                ):
                    continue
                yield line

    def within(self, graph: str) -> Iterator[str]:
        """Yield the lines of a graph, given by its token, before any change."""
        import pyoxigraph as ox

        name = ox.NamedNode(graph[1:-1])
        for quad in self._store.quads_for_pattern(None, None, None, name):
            yield f"{quad} .\n"

    def naming(self, value: str) -> Iterator[tuple[str, str]]:
        """Yield subject and property of what has a value, in all graphs, before any change.

        Each comes once and at once: what is named by hundreds of thousands need not be read.
        """
        import pyoxigraph as ox

        node = ox.NamedNode(value[1:-1])
        for quad in self._store.quads_for_pattern(None, None, node, ox.DefaultGraph()):
            yield str(quad.subject), str(quad.predicate)

    def perhaps_the_same(self, event: str) -> set[str]:
        """Return the events that were found to be perhaps the same, before any change."""
        import pyoxigraph as ox

        node, links = ox.NamedNode(event[1:-1]), ox.NamedNode(self._links)
        same = ox.NamedNode(term("possiblySameAs")[1:-1])
        return {str(one.object) for one in self._store.quads_for_pattern(node, same, None, links)}

    def _is_concluded(self, quad: pyoxigraph.Quad) -> bool:
        """Return whether a quad about links between events was proposed by rule."""
        if str(quad.predicate) == term("possiblySameAs"):
            return True
        node = str(quad.subject)
        if node not in self._by_rule:
            import pyoxigraph as ox

            rule = ox.NamedNode(term("rule")[1:-1])
            found = self._store.quads_for_pattern(quad.subject, rule, None, None)
            self._by_rule[node] = next(iter(found), None) is not None
        return self._by_rule[node]

    def values(self, subject: str, name: str) -> set[str]:
        """Return the values of a property of ours, by its local name."""
        return self.values_of(subject, term(name)[1:-1])

    def values_of(self, subject: str, predicate: str) -> set[str]:
        """Return the values of a property, by its address."""
        lines = self.lines(subject, f"<{predicate}>")
        return {line.split(" ", 2)[2].rsplit(" ", 2)[0] for line in lines}

    def subjects(self, name: str, value: str) -> set[str]:
        """Return what has a value in a property of ours, by its local name."""
        return {line.split(" ", 1)[0] for line in self.lines(None, term(name), value)}


def changes_between(old: Mapping[str, Set[str]], new: Mapping[str, Set[str]]) -> dict[str, Change]:
    """Return what goes and comes from some lines to others, by the IRI of their graph."""
    found = {}
    for graph in old.keys() | new.keys():
        before, after = old.get(graph, frozenset()), new.get(graph, frozenset())
        if before != after:
            found[graph] = Change(frozenset(before - after), frozenset(after - before))
    return found


def together(one: Mapping[str, Change], two: Mapping[str, Change]) -> dict[str, Change]:
    """Return two changes as one; what goes in one of them and comes in the other stays."""
    nothing = Change(frozenset(), frozenset())
    found: dict[str, Change] = {}
    for graph in one.keys() | two.keys():
        both = (one.get(graph, nothing), two.get(graph, nothing))
        removed = both[0].removed | both[1].removed
        added = both[0].added | both[1].added
        if removed != added:
            found[graph] = Change(removed - added, added - removed)
    return found


def union_change(
    store: pyoxigraph.Store, changes: Mapping[str, Change]
) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    """Return the triples that leave the union of all graphs, and those that enter it.

    Args:
        store: that of the release before the changes.
        changes: by the IRI of the graph.
    """
    import pyoxigraph as ox

    def parsed(lines: Iterable[str]) -> Iterator[ox.Quad]:
        yield from ox.parse("".join(lines).encode(), format=ox.RdfFormat.N_QUADS)

    graphs: dict[ox.Triple, tuple[set[str], set[str]]] = {}
    for change in changes.values():
        for number, side in enumerate((change.removed, change.added)):
            for quad in parsed(side):
                graphs.setdefault(quad.triple, (set(), set()))[number].add(str(quad.graph_name))
    default = ox.DefaultGraph()
    gone, come = [], []
    for triple, (removed, added) in graphs.items():
        s, p, o = triple.subject, triple.predicate, triple.object
        found = store.quads_for_pattern(s, p, o, None)
        before = {str(quad.graph_name) for quad in found if quad.graph_name != default}
        after = (before - removed) | added
        if before and not after:
            gone.append((str(s), str(p), str(o)))
        elif after and not before:
            come.append((str(s), str(p), str(o)))
    return gone, come
