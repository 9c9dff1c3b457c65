"""Descriptions that a worker gathers, and how they come from there.

A description takes some twenty queries, in an order in which each needs the answers before it. A
worker that does all of them need not write and send what only the next one needs, and does so
beside the process of the server, which has the pages to write. Here is what runs in the worker
(`Gatherer`), and what the server makes of its answer (`decode`).

Spec: MessagePack (the form of the answer); docs/decisions/0016-descriptions-in-workers.md
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from kg.errors import QueryError
from kg.web import describe

if TYPE_CHECKING:
    from kg.store import Store

INTRODUCED: Final = 5000
"""Things of which a worker remembers classes and names: some ten megabytes."""
CALLS: Final[Mapping[str, Callable[..., Awaitable[describe.Description | None]]]] = {
    one.__name__: one for one in (describe.describe, describe.resource, describe.term_page)
}
"""What can be gathered: functions of `kg.web.describe`."""


class _Sent(msgspec.Struct, array_like=True):
    """A description on its way: each term once, and quads as places in the list of terms."""

    terms: list[describe.Term]
    quads: list[tuple[int, int, int, int]]
    sections: dict[str, list[str]]
    references: list[tuple[str, str]]
    iri: str
    base: str
    kind: str
    key: str
    page: int
    more: bool
    cut: bool
    partial: bool


class Gatherer:
    """Gathers descriptions from an open store; an engine that answers in its own process.

    Args:
        store: what is asked.
        ontology: the graph of the ontology, whose terms are read once.
        imported: as for `describe.Engine`.
    """

    languages: Sequence[str] = ()

    def __init__(self, store: Store, ontology: str, *, imported: bool) -> None:
        self._store = store
        self._ontology = ontology
        self._known: dict[str, describe.Term] = {}
        self._introduced: OrderedDict[str, list[describe.Quad]] = OrderedDict()
        self.imported = imported
        self.terms: Mapping[str, Sequence[describe.Quad]] = {}

    async def introduced(self, iris: Collection[str]) -> list[describe.Quad]:
        """Return what introduces things; see `describe.Engine`.

        It is remembered: on most pages there are agents, places and documents of others.
        """
        missing = sorted(set(iris) - self._introduced.keys())
        found: dict[str, list[describe.Quad]] = {iri: [] for iri in missing}
        if missing:
            for quad in await describe.introduced(self, missing):
                found[quad.subject].append(quad)
        quads = [quad for one in found.values() for quad in one]
        for iri in set(iris) - found.keys():
            self._introduced.move_to_end(iri)
            quads += self._introduced[iri]
        self._introduced.update(found)
        while len(self._introduced) > INTRODUCED:
            self._introduced.popitem(last=False)
        return quads

    async def rows(self, queries: Sequence[str]) -> list[list[describe.Row]]:
        """Return the solutions of each SELECT query, in order."""
        return [self._solutions(query) for query in queries]

    def answer(self, call: str, options: Mapping[str, Any]) -> bytes:
        """Return a description as `decode` takes it.

        Args:
            call: one of `CALLS`.
            options: its arguments, but for the engine.
        Raises:
            QueryError: there is no such call, or the evaluation failed.
            OSError: the store cannot be read.
        """
        if call not in CALLS:
            raise QueryError("nothing that can be gathered", seen=call)
        self._known = {}
        if not self.terms:
            self.terms = _result(describe.terms(self, self._ontology))
        return _encode(_result(CALLS[call](self, **options)))

    def _solutions(self, query: str) -> list[describe.Row]:
        names, rows = self._store.solutions(query)
        return [
            {
                name: self._term(value)
                for name, value in zip(names, row, strict=True)
                if value is not None
            }
            for row in rows
        ]

    def _term(self, value: Any) -> describe.Term:
        """Return a term of the engine as one of ours; each IRI is made once."""
        kind, text = type(value).__name__, value.value
        if kind == "Literal":
            lang = value.language or ""
            return describe.Term(text, False, lang, "" if lang else _datatype(value))
        if kind == "BlankNode":
            text = f"_:{text}"
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = describe.Term(text)
        return found


_IMPLIED: Final = "http://www.w3.org/2001/XMLSchema#string"


def _datatype(literal: Any) -> str:
    """Return the datatype of a literal as results in JSON have it: none for a plain string."""
    datatype: str = literal.datatype.value
    return "" if datatype == _IMPLIED else datatype


def _result(work: Awaitable[Any]) -> Any:
    """Return what comes of work that waits for nothing."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as over:
        return over.value
    raise AssertionError("a description waited for something else than its store")


def _encode(found: describe.Description | None) -> bytes:
    if found is None:
        return b""
    places: dict[describe.Term, int] = {}
    iris: dict[str, int] = {}

    def iri(text: str) -> int:
        place = iris.get(text)
        if place is None:
            place = iris[text] = place_of(describe.Term(text))
        return place

    def place_of(term: describe.Term) -> int:
        return places.setdefault(term, len(places))

    quads = [
        (iri(q.subject), iri(q.predicate), place_of(q.object), iri(q.graph))
        for q in found.graph.quads
    ]
    return msgspec.msgpack.encode(
        _Sent(
            list(places),
            quads,
            {name: list(nodes) for name, nodes in found.sections.items()},
            list(found.references),
            found.iri,
            found.base,
            found.kind,
            found.key,
            found.page,
            found.more,
            found.cut,
            found.partial,
        )
    )


_DECODER: Final = msgspec.msgpack.Decoder(_Sent)


def decode(answer: bytes) -> describe.Description | None:
    """Return the description in an answer of a worker; None where there is nothing.

    Raises:
        msgspec.ValidationError: it is no such answer.
    """
    if not answer:
        return None
    sent = _DECODER.decode(answer)
    terms = sent.terms
    graph = describe.Graph()
    graph.add(
        describe.Quad(terms[s].value, terms[p].value, terms[o], terms[g].value)
        for s, p, o, g in sent.quads
    )
    return describe.Description(
        sent.iri,
        sent.base,
        sent.kind,
        sent.key,
        sent.page,
        graph,
        {name: tuple(nodes) for name, nodes in sent.sections.items()},
        tuple(sent.references),
        sent.more,
        sent.cut,
        sent.partial,
    )
