"""The built-in facts, built once per session, and answers with names that a person can read.

In an answer, an address of the data is its key (`sergei-lavrov`). The kinds whose keys are hashes
are spelt out instead:

- a claim as "claimant stance target", a relaying one as "outlet relays (claim)";
- a relation as "subject type object", a participation as "event role participant";
- a span as "document start-end".

A term of the ontology is its local name, a Wikidata item its Q number, a text in another language
than English has its tag (`তাস@bn`), any other literal is its lexical form.
"""

from __future__ import annotations

from typing import Any

import pytest

from kg.build import Built, build_dataset
from kg.resources import folder
from kg.vocab import CH, RDFS, WD

BASE = "https://chancery.example/"
OTHER = "https://kg.example.org/data/"

Row = dict[str, str | None]
"""A solution: readable values by variable, None where it is not bound."""


class Answers:
    """The graph of one build, asked by SPARQL; the default graph is the union of all graphs."""

    def __init__(self, built: Built, base: str) -> None:
        self.base = base
        self.store = built.dataset.store()
        self._spelt: dict[str, str] = {}

    def rows(self, query: str) -> list[Row]:
        """Return the solutions of a SELECT in their order, with readable values."""
        found = self._query(query)
        names = [v.value for v in found.variables]
        return [{n: self.name(solution[n]) for n in names} for solution in found]

    def ask(self, where: str) -> bool:
        """Return the answer of an ASK; the prefixes of the data and `ch:` are declared."""
        return bool(self._query(where))

    def _query(self, query: str) -> Any:
        kinds = ("agent", "place", "thing", "event", "document", "claimset", "position")
        prefixes = {kind: f"{self.base}id/{kind}/" for kind in kinds}
        prefixes |= {"ch": CH, "rdfs": RDFS, "owl": "http://www.w3.org/2002/07/owl#"}
        prefixes |= {"skos": "http://www.w3.org/2004/02/skos/core#", "wd": WD}
        prefixes |= {"dcterms": "http://purl.org/dc/terms/"}
        return self.store.query(query, prefixes=prefixes, use_default_graph_as_union=True)

    def name(self, term: Any) -> str | None:
        """Return the readable form of a term; see the head of this file."""
        if term is None:
            return None
        value = str(term.value)
        language = getattr(term, "language", None)
        if hasattr(term, "datatype"):
            return value if language in (None, "en") else f"{value}@{language}"
        for namespace in (CH, WD):
            if value.startswith(namespace):
                return value.removeprefix(namespace)
        kind, _, key = value.removeprefix(f"{self.base}id/").partition("/")
        spell = {
            "claim": self._claim,
            "relation": self._relation,
            "participation": self._participation,
            "span": self._span,
        }.get(kind)
        if spell is None or not value.startswith(self.base):
            return key if value.startswith(self.base) else value
        if value not in self._spelt:
            self._spelt[value] = spell(f"<{value}>")
        return self._spelt[value]

    def _claim(self, node: str) -> str:
        rows = self.rows(
            f"SELECT DISTINCT ?who ?stance ?about ?inner {{ {node} ch:claimant ?who ;"
            " ch:stance [ skos:notation ?stance ]"
            f" OPTIONAL {{ {node} ch:about ?about }} OPTIONAL {{ {node} ch:relays ?inner }} }}"
        )
        who = "+".join(sorted({str(r["who"]) for r in rows}))
        first = rows[0]
        if first["inner"]:
            return f"{who} relays ({first['inner']})"
        return f"{who} {first['stance']} {_bracket(first['about'])}"

    def _relation(self, node: str) -> str:
        (row,) = self.rows(
            f"SELECT DISTINCT ?s ?t ?o ?v {{ {node} ch:subject ?s ;"
            " ch:relationType [ skos:notation ?t ]"
            f" OPTIONAL {{ {node} ch:object ?o }} OPTIONAL {{ {node} ch:value ?v }} }}"
        )
        return f"{_bracket(row['s'])} {row['t']} {_bracket(row['o']) if row['o'] else row['v']}"

    def _participation(self, node: str) -> str:
        (row,) = self.rows(
            f"SELECT DISTINCT ?e ?r ?p {{ ?e ch:hasParticipation {node} ."
            f" {node} ch:role [ skos:notation ?r ] ; ch:participant ?p }}"
        )
        return f"{row['e']} {row['r']} {_bracket(row['p'])}"

    def _span(self, node: str) -> str:
        (row,) = self.rows(
            f"SELECT DISTINCT ?d ?a ?b {{ {node} ch:inDocument ?d ; ch:start ?a ; ch:end ?b }}"
        )
        return f"{row['d']} {row['a']}-{row['b']}"


def _bracket(name: str | None) -> str:
    return f"({name})" if name and " " in name else str(name)


@pytest.fixture(scope="session")
def built() -> Built:
    """Return the build of the built-in facts."""
    return build_dataset([folder("facts")], BASE)


@pytest.fixture(scope="session")
def answers(built: Built) -> Answers:
    """Return the built-in graph under the default base IRI."""
    return Answers(built, BASE)


@pytest.fixture(scope="session")
def moved() -> Answers:
    """Return the same facts built under another base IRI."""
    return Answers(build_dataset([folder("facts")], OTHER), OTHER)
