"""Classes and properties by which tables are matched and extended, and what things have of them.

Everything here is what the registry of the release says, its links, or labels; of claims there are
numbers only, and for what is only described their modality and the status that follows from them.
"""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from kg.manifest import LABELS
from kg.names import fold
from kg.vocab import CH, graph_iri
from kg.web import describe, pages
from kg.web.ask import Ask, cached
from kg.web.guard import QueryFailure
from kg.web.language import N_
from kg.web.search import Hit, classes

THINGS: Final = ("agent", "place", "thing", "position")
"""Kinds of data address of what is there whoever says so."""
DESCRIBED: Final = ("event", "relation")
"""Kinds of what somebody describes."""
KINDS: Final = (*THINGS, *DESCRIBED)
DEFAULT_TYPES: Final = ("Person", "State", "Organization", "GovernmentBody", "Place", "Position")
WIKIDATA: Final = "http://www.wikidata.org/entity/"
TOMBSTONE: Final = f"{CH}Tombstone"
_ID: Final = re.compile(rf"({'|'.join(KINDS)})/({describe.KEY.pattern})")


@dataclass(frozen=True)
class Scheme:
    """The classes of what can be found.

    Args:
        broader: the classes directly above each.
        kinds: the kinds of data address of the things of each class and of those below it.
        leaves: the classes that things in the index of labels have.
        definitions: of each class.
        names: of each class, in every language.
    """

    broader: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, frozenset[str]]
    leaves: frozenset[str]
    definitions: Mapping[str, Mapping[str, str]]
    names: Mapping[str, frozenset[str]]

    def above(self, class_: str) -> tuple[str, ...]:
        """Return a class and those above it, the nearest first."""
        found = {class_: None}
        for one in (some := [class_]):
            for other in self.broader.get(one, ()):
                if other not in found:
                    found[other] = None
                    some.append(other)
        return tuple(found)

    def definition(self, class_: str, languages: Sequence[str]) -> str:
        """Return what a class is, in the first of the languages that has it; else empty."""
        words = self.definitions.get(class_, {})
        return words.get(pages.choose(words, languages) or "", "")


_SCHEME_QUERY: Final = """
SELECT ?s ?p ?o WHERE {
  GRAPH $graph { ?s a owl:Class ; ?p ?o } FILTER(?p IN (rdfs:subClassOf, skos:definition))
} ORDER BY ?s ?p ?o"""


async def scheme(ask: Ask) -> Scheme:
    """Return the classes of the release; they are read once."""

    async def make() -> Scheme:
        served = ask.served
        name = f"<{graph_iri(served.base, 'vocabulary')}>"
        [rows] = await served.engine.rows([describe.fill(_SCHEME_QUERY, graph=name)])
        broader: dict[str, list[str]] = {}
        definitions: dict[str, dict[str, str]] = {}
        for row in rows:
            about, value = row["s"].value, row["o"]
            if not value.is_iri:
                definitions.setdefault(about, {})[value.lang] = value.value
            elif value.value.startswith(CH):
                broader.setdefault(about, []).append(value.value)
        found = await asyncio.to_thread(classes, served.folder / LABELS)
        leaves = {one: kinds for one, kinds in found.items() if kinds & set(KINDS)}
        above = Scheme({one: tuple(some) for one, some in broader.items()}, {}, frozenset(), {}, {})
        kinds: dict[str, frozenset[str]] = {}
        for leaf, some in leaves.items():
            for one in above.above(leaf):
                if one.startswith(CH) and one != TOMBSTONE:
                    kinds[one] = kinds.get(one, frozenset()) | (some & set(KINDS))
        every = sorted({*kinds, *above.broader, *definitions})
        graph = (await describe.named(served.engine, served.base, every)).graph
        names = {
            one: frozenset(
                term.value
                for name in ("rdfs:label", "skos:prefLabel")
                for term in graph.terms(one, name)
            )
            for one in every
        }
        return Scheme(above.broader, kinds, frozenset(leaves), definitions, names)

    found: Scheme = await cached(ask.served, "classes to reconcile with", make)
    return found


def class_iri(name: str) -> str:
    """Return the IRI of a class by its id, its prefixed name or itself."""
    return name if name.startswith(("http://", "https://")) else CH + name.removeprefix("ch:")


def class_of(classes_: Scheme, name: str) -> str:
    """Return the IRI of a class by its id, its IRI or a name of it in any language and any case.

    Raises:
        QueryFailure: `parameter`: there is no such class.
    """
    iri = class_iri(name)
    if iri in classes_.names:
        return iri
    wanted = fold(name)
    ids = sorted(type_id(one) for one in classes_.names if one.startswith(CH))
    for one in ids:
        if wanted in {fold(one), *map(fold, classes_.names[CH + one])}:
            return CH + one
    near = difflib.get_close_matches(wanted, [one.lower() for one in ids], 3, 0.5)
    some = [one for one in ids if one.lower() in near] or list(DEFAULT_TYPES)
    raise QueryFailure(
        "parameter", f"type is {name[:60]!r}; expected a class, such as {', '.join(some)}"
    )


def type_id(iri: str) -> str:
    """Return the id of a class: its name in the ontology."""
    return iri.removeprefix(CH)


class Property(NamedTuple):
    """A property of things here.

    Args:
        name: in English; the interface has it in its languages.
        kinds: the kinds of data address whose things can have it.
        path: what leads to its values, as in SPARQL; empty where they come from elsewhere.
        graph: the graph that must say so; empty for any.
        form: `str`, `float`, `int`, `id` for things, or `term` for terms of the ontology.
    """

    name: str
    kinds: Collection[str]
    path: str = ""
    graph: str = ""
    form: str = "str"


_REGISTRY: Final = "registry"
PROPERTIES: Final[Mapping[str, Property]] = {
    "label": Property(N_("Name"), KINDS, "rdfs:label"),
    "alias": Property(N_("Other name"), THINGS, "skos:altLabel", _REGISTRY),
    "description": Property(N_("Description"), THINGS, "dcterms:description", _REGISTRY),
    "wikidata": Property(N_("Wikidata item"), THINGS, "skos:exactMatch", "links"),
    "kind": Property(N_("Kind of thing"), KINDS),
    "type": Property(N_("Class"), KINDS),
    "country": Property(
        N_("Country"),
        ("agent", "place", "position"),
        "(ch:locatedIn|ch:positionFor|ch:actsFor)*",
        _REGISTRY,
        "id",
    ),
    "locatedIn": Property(N_("Located in"), ("place", "thing"), "ch:locatedIn", _REGISTRY, "id"),
    "actsFor": Property(N_("Acts for"), ("agent",), "ch:actsFor", _REGISTRY, "id"),
    "positionFor": Property(N_("Office of"), ("position",), "ch:positionFor", _REGISTRY, "id"),
    "positionIn": Property(N_("Office in"), ("position",), "ch:positionIn", _REGISTRY, "id"),
    "latitude": Property(N_("Latitude"), ("place",), "ch:latitude", _REGISTRY, "float"),
    "longitude": Property(N_("Longitude"), ("place",), "ch:longitude", _REGISTRY, "float"),
    "coordinates": Property(N_("Coordinates"), ("place",)),
    "status": Property(N_("Derived status"), ("event",), "ch:status", "status", "term"),
    "modality": Property(N_("Modality of the claims about it"), DESCRIBED, form="term"),
    "iri": Property(N_("Address (IRI)"), KINDS),
    "claims": Property(N_("Number of claims by it or about it"), KINDS, form="int"),
}
"""What can be asked of things; `label-bn` and the like are names in one language.

`country` is the state that a place lies in, an office is of, an agent acts for, or itself. Nothing
here is what only a source says: of claims there is the number, and as what they speak of a thing.
"""


def property_of(ask: Ask, name: str) -> tuple[str, Property] | None:
    """Return the language and the property of an id; the language is empty but for names."""
    first, dash, lang = name.partition("-")
    if dash and first == "label" and lang in ask.served.languages:
        return lang, PROPERTIES["label"]
    return ("", PROPERTIES[name]) if name in PROPERTIES else None


def property_name(ask: Ask, name: str) -> str:
    """Return the name of a property for a reader; its id where it is none of ours."""
    found = property_of(ask, name)
    _ = ask.language.gettext
    if found is None:
        return name
    lang, one = found
    if lang:
        return _("Name in %(language)s") % {"language": ask.language.name_of(lang)}
    return _(one.name)


def property_ids(ask: Ask, kinds: Collection[str] = KINDS) -> list[str]:
    """Return the ids of the properties that things of some kinds can have."""
    found = []
    for name, one in PROPERTIES.items():
        if not set(kinds).isdisjoint(one.kinds):
            found.append(name)
            if name == "label":
                found += (f"label-{lang}" for lang in ask.served.languages)
    return found


class Value(NamedTuple):
    """A value of a property: a text with its language, a number as text, or an IRI of a thing."""

    text: str
    lang: str = ""


_VALUES_QUERY: Final = (
    "SELECT DISTINCT ?s ?o WHERE { VALUES ?s { $nodes } GRAPH $graph { ?s $path ?o } $filter } "
    "ORDER BY STR(?o)"
)
BEARERS_QUERY: Final = (
    "SELECT DISTINCT ?s WHERE { VALUES ?o { $nodes } GRAPH $graph { ?s $path ?o } } "
    "ORDER BY STR(?s) LIMIT $limit"
)
LINKED_QUERY: Final = (
    "SELECT DISTINCT ?s ?o WHERE { VALUES ?o { $nodes } GRAPH $graph { ?s skos:exactMatch ?o } } "
    "ORDER BY STR(?s)"
)
_CLAIMS_QUERY: Final = """
SELECT ?s (COUNT(DISTINCT ?c) AS ?o) WHERE {
  VALUES ?s { $nodes } ?c ch:claimant|ch:concerns ?s . ?c a ch:Claim
} GROUP BY ?s"""
_MODALITY_QUERY: Final = """
SELECT DISTINCT ?s ?o WHERE {
  VALUES ?s { $nodes } ?c ch:concerns ?s ; a ch:Claim ; ch:modality ?o
} ORDER BY STR(?o)"""
_ANYWHERE: Final[Mapping[str, str]] = {"claims": _CLAIMS_QUERY, "modality": _MODALITY_QUERY}
_FILTERS: Final[Mapping[str, str]] = {
    "country": "?o a ch:State",
    "wikidata": f"FILTER(STRSTARTS(STR(?o), '{WIKIDATA}'))",
}


def graph_of(ask: Ask, one: Property) -> str:
    """Return the graph that says what a property has, as a query names it."""
    return f"<{graph_iri(ask.served.base, one.graph)}>" if one.graph else "?g"


class Facts:
    """Values of properties of things, by thing and property, and the names of what they are.

    Args:
        view: names the things that are values.
        others: other names of these things.
    """

    def __init__(
        self,
        ask: Ask,
        view: pages.View,
        values: Mapping[str, Mapping[str, Any]],
        others: Mapping[str, Collection[str]],
    ) -> None:
        self._ask = ask
        self._values = values
        self._others = others
        self.view = view

    def values(self, iri: str, name: str) -> tuple[Value, ...]:
        """Return the values of a property, sorted."""
        lang, _, wanted = "", "", name
        if name.startswith("label-"):
            wanted, lang = "label", name.removeprefix("label-")
        if wanted == "iri":
            return (Value(iri),)
        if wanted == "kind":
            return (Value(self.view.kind(iri)),)
        if wanted == "coordinates":
            two = [self._values.get(one, {}).get(iri, ()) for one in ("latitude", "longitude")]
            return (Value(", ".join(some[0].text for some in two)),) if all(two) else ()
        found: tuple[Value, ...] = tuple(self._values.get(wanted, {}).get(iri, ()))
        if lang:
            return tuple(one for one in found if one.lang.split("-")[0].lower() == lang)
        if wanted == "wikidata":
            return tuple(Value(one.text.removeprefix(WIKIDATA)) for one in found)
        return found

    def called(self, iri: str, name: str) -> set[str]:
        """Return what a value of a property may be called, folded: names, ids, addresses."""
        found = set()
        for value in self.values(iri, name):
            found |= {fold(value.text), value.text}
            if value.text.startswith((f"{self._ask.served.base}id/", CH)):
                found |= {id_of(self._ask, value.text), type_id(value.text)}
                graph = self.view.d.graph
                for label in ("rdfs:label", "skos:prefLabel"):
                    found |= {fold(one.value) for one in graph.terms(value.text, label)}
                found |= {fold(one) for one in self._others.get(value.text, ())}
        return found


async def facts(ask: Ask, iris: Collection[str], names: Iterable[str]) -> Facts:
    """Return what the registry, the links and the labels say of things, of some properties."""
    engine = ask.served.engine
    wanted = dict.fromkeys("label" if name.startswith("label-") else name for name in names)
    if "coordinates" in wanted:
        wanted |= dict.fromkeys(("latitude", "longitude"))
    nodes = describe.values_of(iris)
    queries: dict[str, str] = {}
    for name in wanted:
        one = PROPERTIES.get(name)
        if one is not None and one.path:
            queries[name] = describe.fill(
                _VALUES_QUERY,
                nodes=nodes,
                graph=graph_of(ask, one),
                path=one.path,
                filter=_FILTERS.get(name, ""),
            )
        elif name in _ANYWHERE:
            queries[name] = describe.fill(_ANYWHERE[name], nodes=nodes)
    values: dict[str, dict[str, list[Value]]] = {name: {} for name in queries}
    answers = await engine.rows(list(queries.values())) if nodes and queries else []
    for name, rows in zip(queries, answers, strict=False):
        for row in rows:
            value = Value(row["o"].value, row["o"].lang)
            values[name].setdefault(row["s"].value, []).append(value)
    things = {
        value.text
        for name, some in values.items()
        if PROPERTIES[name].form in ("id", "term")
        for found in some.values()
        for value in found
    }
    described = await describe.named(engine, ask.served.base, sorted(things))
    others: dict[str, list[str]] = {}
    if things:
        alias = PROPERTIES["alias"]
        filled = describe.fill(
            _VALUES_QUERY,
            nodes=describe.values_of(things),
            graph=graph_of(ask, alias),
            path=alias.path,
            filter="",
        )
        [rows] = await engine.rows([filled])
        for row in rows:
            others.setdefault(row["s"].value, []).append(row["o"].value)
    return Facts(ask, ask.view(described), values, others)


def iri_of(ask: Ask, name: str) -> str:
    """Return the IRI of what an id or an address names here; empty where it can be none of ours."""
    base, local = ask.served.base, name.strip()
    for begin in (f"{base}id/", f"{base}doc/", f"{ask.request.base_url}doc/"):
        if local.startswith(begin):
            local = unquote(local[len(begin) :]).partition("?")[0].partition("#")[0]
            break
    return f"{base}id/{local}" if _ID.fullmatch(local) else ""


def id_of(ask: Ask, iri: str) -> str:
    """Return the id of a thing: kind and key of its address."""
    return iri.removeprefix(f"{ask.served.base}id/")


_KNOWN_QUERY: Final = """
SELECT ?s ?l ?t WHERE {
  VALUES ?s { $nodes } ?s a ?t ; rdfs:label ?l .
} ORDER BY ?s ?l ?t"""


async def known(ask: Ask, iris: Collection[str], classes_: Scheme) -> dict[str, Hit]:
    """Return those of the IRIs that the release has something of, as if they had been searched."""
    if not iris:
        return {}
    query = describe.fill(_KNOWN_QUERY, nodes=describe.values_of(iris))
    [rows] = await ask.served.engine.rows([query])
    types: dict[str, list[str]] = {}
    labels: dict[str, describe.Term] = {}
    for row in rows:
        types.setdefault(row["s"].value, []).append(row["t"].value)
        labels.setdefault(row["s"].value, row["l"])
    found = {}
    for iri, some in types.items():
        kind = id_of(ask, iri).partition("/")[0]
        if kind in KINDS and TOMBSTONE not in some:
            ours = [one for one in some if one.startswith(CH)]
            ours.sort(key=lambda one: (one not in classes_.leaves, -len(classes_.above(one)), one))
            label = labels[iri]
            found[iri] = Hit(
                iri, kind, ours[0] if ours else "", label.value, label.lang, preferred=True
            )
    return found
