"""The ontology as pages: all terms on one, and a page for each with what uses it.

The address of a term, `…/ontology#<name>`, is an anchor of the one; the other is `/ontology/<name>`
in HTML and as RDF.

Spec: OWL 2, SKOS; docs/how-to/read-the-pages.md
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from kg.vocab import CH, MARKS, OWL, RDF, RDFS, SKOS, WORDED, graph_iri
from kg.web import describe
from kg.web.ask import (
    Ask,
    cached,
    format_links,
    format_of,
    jsonld_documents,
    lacking,
    turtle_file,
)
from kg.web.guard import QueryFailure
from kg.web.language import N_
from kg.web.manual import highlighted
from kg.web.negotiation import CSV, HTML, TABLED
from kg.web.pages import Fact, Label, Listed, Ref, Text, Value, View, plain
from kg.web.site import Served
from kg.web.tables import Table

COUNTED: Final = 1000
"""Uses of a concept that are counted; a class and a property have their number in the manifest."""
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_CLASSES: Final = frozenset((OWL + "Class", RDFS + "Class"))
_PROPERTIES: Final = frozenset(
    (
        OWL + "ObjectProperty",
        OWL + "DatatypeProperty",
        OWL + "AnnotationProperty",
        RDF + "Property",
    )
)
_ROWS: Final = (
    ("rdfs:subClassOf", N_("Kind of")),
    ("rdfs:subPropertyOf", N_("Kind of")),
    ("rdfs:domain", N_("Of")),
    ("rdfs:range", N_("Value")),
    ("skos:inScheme", N_("Scheme")),
    ("skos:broader", N_("Broader")),
    ("skos:notation", N_("Notation")),
    ("skos:altLabel", N_("Also")),
    ("ch:shortcut", N_("Plain property")),
    ("owl:disjointWith", N_("Never also")),
    ("skos:scopeNote", N_("Note")),
    ("rdfs:comment", N_("Note")),
    ("skos:closeMatch", N_("Near to")),
    ("skos:exactMatch", N_("The same as")),
    ("rdfs:seeAlso", N_("See also")),
    ("dcterms:isReplacedBy", N_("Replaced by")),
)
_SHORT: Final = frozenset(("owl:disjointWith", "skos:inScheme", "rdfs:seeAlso"))
"""Rows that only the page of a term has."""
_BACK: Final = (
    ("rdfs:subClassOf", N_("Kinds of it")),
    ("rdfs:subPropertyOf", N_("Kinds of it")),
    ("skos:broader", N_("Narrower")),
    ("skos:inScheme", N_("Its concepts")),
    ("rdfs:domain", N_("Properties that it has")),
    ("rdfs:range", N_("Properties whose value it is")),
    ("ch:shortcut", N_("Plain property of")),
)
"""What leads to a term from others, and what to call these."""


@dataclass(frozen=True)
class TermView:
    """A term of the ontology: its name, what it means, and how often this release uses it.

    `uses` is None where nothing can use it; `more` says that there are more uses than were counted.
    `examples` are HTML.
    """

    id: str
    ref: Ref
    definition: Text | None
    rows: tuple[Fact, ...]
    examples: tuple[str | Text, ...]
    deprecated: bool
    uses: int | None
    more: bool


@dataclass(frozen=True)
class Group:
    """Terms that are listed together under a term, or under nothing."""

    of: Ref | None
    terms: tuple[TermView, ...]


@dataclass(frozen=True)
class Branch:
    """A class with the kinds of it."""

    id: str
    ref: Ref
    under: tuple[Branch, ...]


@dataclass(frozen=True)
class Section:
    """A part of the page of all terms. `title` is translated already."""

    anchor: str
    title: Text
    definition: Text | None
    groups: tuple[Group, ...]
    tree: tuple[Branch, ...] = ()

    @property
    def size(self) -> int:
        """Return the number of terms."""
        return sum(len(group.terms) for group in self.groups)


@dataclass(frozen=True)
class Use:
    """Something that uses a term: what it is, by what or with what values, and the positions."""

    ref: Ref
    type: Ref | None
    by: tuple[Ref, ...]
    values: tuple[Value, ...]
    positions: tuple[Listed, ...]


def use_of(types: Iterable[str]) -> str:
    """Return how a term with these types is used: "class", "property", "concept", or nothing.

    >>> use_of(["http://www.w3.org/2002/07/owl#Class"])
    'class'
    """
    found = set(types)
    if found & _CLASSES:
        return "class"
    if found & _PROPERTIES:
        return "property"
    return "concept" if SKOS + "Concept" in found else ""


class Glossary:
    """The terms of a description, as a reader sees them.

    Args:
        view: of a description with terms of the ontology in it.
        counts: how often each is used.
    """

    def __init__(self, view: View, counts: Mapping[str, int]) -> None:
        self._view = view
        self._graph = view.d.graph
        self._counts = counts

    def term(self, iri: str, *, whole: bool = False) -> TermView:
        """Return one term; with `whole`, all that its own page shows."""
        view, graph = self._view, self._graph
        words = view.language.gettext
        rows = []
        labels = tuple(
            Text(one.value, one.lang)
            for one in graph.terms(iri, "skos:prefLabel")
            if one.lang.split("-")[0] != view.ui
        )
        if labels:
            rows.append(Fact(words(N_("In other languages")), labels))
        for predicate, title in _ROWS:
            values = tuple(_prefixed(view.value(one)) for one in graph.terms(iri, predicate))
            if values and (whole or predicate not in _SHORT):
                rows.append(Fact(words(title), values))
        count = self._counts.get(iri)
        concept = use_of(graph.iris(iri, "rdf:type")) == "concept"
        more = concept and count is not None and count > COUNTED
        return TermView(
            iri.removeprefix(CH),
            view.ref(iri),
            view.text(iri, "skos:definition"),
            tuple(rows),
            tuple(
                # Those of classes and properties are Turtle, those of concepts are words.
                Text(one.value, one.lang)
                if concept
                else highlighted(one.value.replace(" ; ", " ;\n    "), "turtle")
                for one in graph.terms(iri, "skos:example")
            ),
            any(one.value == "true" for one in graph.terms(iri, "owl:deprecated")),
            COUNTED if more else count,
            more,
        )

    def sections(self) -> tuple[Section, ...]:
        """Return the classes as a tree, the properties by what has them, and the schemes."""
        graph, words = self._graph, self._view.language.gettext
        classes: list[str] = []
        properties: dict[str, list[str]] = {}
        concepts: dict[str, list[str]] = {}
        schemes: list[str] = []
        others: list[str] = []
        for iri in sorted({quad.subject for quad in graph.quads if quad.subject.startswith(CH)}):
            types = graph.iris(iri, "rdf:type")
            use = use_of(types)
            if use == "class":
                classes.append(iri)
            elif use == "property":
                domain = [*graph.iris(iri, "rdfs:domain"), ""][0]
                properties.setdefault(domain, []).append(iri)
            elif use == "concept":
                concepts.setdefault([*graph.iris(iri, "skos:inScheme"), ""][0], []).append(iri)
            elif SKOS + "ConceptScheme" in types:
                schemes.append(iri)
            else:
                others.append(iri)
        tree = self._tree(classes)
        found = [
            Section("classes", Text(words(N_("Classes"))), None, (self._group(_flat(tree)),), tree),
            Section(
                "properties",
                Text(words(N_("Properties"))),
                None,
                tuple(
                    self._group(properties[domain], domain)
                    for domain in sorted(properties, key=lambda iri: (not iri, iri))
                ),
            ),
        ]
        for scheme in [*schemes, *sorted(set(concepts) - set(schemes))]:
            label = self._view.label(scheme)
            found.append(
                Section(
                    scheme.removeprefix(CH) if scheme.startswith(CH) else "concepts",
                    Text(label.text, label.lang) if scheme else Text(words(N_("Other concepts"))),
                    self._view.text(scheme, "skos:definition"),
                    (self._group(concepts.get(scheme, [])),),
                )
            )
        found.append(
            Section("others", Text(words(N_("Other terms"))), None, (self._group(others),))
        )
        return tuple(section for section in found if section.size)

    def _group(self, terms: Iterable[str], of: str = "") -> Group:
        return Group(self._view.ref(of) if of else None, tuple(self.term(iri) for iri in terms))

    def _tree(self, classes: Sequence[str]) -> tuple[Branch, ...]:
        """Return the classes that are under no other of ours, each with those under it."""
        known = set(classes)
        under: dict[str, list[str]] = {}
        for iri in classes:
            above = [one for one in self._graph.iris(iri, "rdfs:subClassOf") if one in known]
            under.setdefault([*above, ""][0], []).append(iri)

        def branch(iri: str) -> Branch:
            below = tuple(branch(one) for one in under.get(iri, ()))
            return Branch(iri.removeprefix(CH), self._view.ref(iri), below)

        return tuple(branch(iri) for iri in under.get("", ()))

    def back(self) -> tuple[tuple[str, tuple[Ref, ...]], ...]:
        """Return which terms lead to the one that is described."""
        words, graph, iri = self._view.language.gettext, self._graph, self._view.d.iri
        rows = []
        for predicate, title in _BACK:
            found = tuple(self._view.ref(one) for one in graph.subjects(predicate, iri))
            if found:
                rows.append((words(title), found))
        return tuple(rows)

    def uses(self) -> tuple[Use, ...]:
        """Return what uses the term that is described, with the positions on all propositions."""
        view, iri = self._view, self._view.d.iri
        use = use_of(self._graph.iris(iri, "rdf:type"))
        found = []
        for node in view.d.sections["uses"]:
            said = self._graph.predicates(node)
            values: list[Value] = []
            for one in sorted(said.get(iri, ())) if use == "property" else ():
                shown = view.value(one)
                if isinstance(shown, Text) and iri in WORDED and view.kind(node) in MARKS:
                    mark = view.language.gettext(MARKS["event"])
                    shown = Text(shown.text, shown.lang, shown.datatype, mark)
                values.append(shown)
            by = [
                view.ref(predicate)
                for predicate in sorted(said)
                if use == "concept"
                and predicate.startswith(CH)
                and any(one.is_iri and one.value == iri for one in said[predicate])
            ]
            concerned = dict.fromkeys(
                proposition
                for one in (node, *(v.iri for v in values if isinstance(v, Ref)))
                for proposition in self._propositions(one)
            )
            types = [
                one for one in view.refs(node, "rdf:type") if one.kind == "term" and one.iri != iri
            ]
            found.append(
                Use(
                    view.ref(node),
                    types[0] if types and use != "class" else None,
                    tuple(by),
                    tuple(values),
                    view.listed(concerned),
                )
            )
        return tuple(found)

    def _propositions(self, node: str) -> list[str]:
        """Return the propositions that something is, or is of."""
        graph, kind = self._graph, self._view.kind(node)
        if kind in describe.PROPOSITIONS:
            return [node]
        if kind not in MARKS:
            return []
        inner = [
            one
            for predicate in ("ch:statedMember", "ch:inferredMember", "ch:ultimately")
            for one in graph.iris(node, predicate)
        ]
        found = [
            one
            for subject in (node, *inner)
            for predicate in ("ch:concerns", "ch:assesses", "ch:links", "ch:saysOnly")
            for one in graph.iris(subject, predicate)
        ]
        found += graph.subjects("ch:hasParticipation", node)
        return [one for one in found if self._view.kind(one) in describe.PROPOSITIONS]


def _prefixed(value: Value) -> Value:
    """Return a link to a term of another vocabulary under its prefixed name."""
    if isinstance(value, Ref) and value.outside:
        return dataclasses.replace(value, label=Label(describe.shrink(value.iri)))
    return value


def _flat(tree: Iterable[Branch]) -> list[str]:
    """Return the classes of a tree, each before those under it."""
    return [iri for one in tree for iri in (CH + one.id, *_flat(one.under))]


# --- pages ---------------------------------------------------------------------------------------


async def ontology(request: Request) -> Response:
    """Return the ontology: its classes, properties and schemes, in HTML, as RDF or CSV."""
    return await _ontology(request, "")


async def ontology_as(request: Request, suffix: str) -> Response:
    """Return the same by suffix."""
    return await _ontology(request, suffix)


async def _ontology(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    chosen = format_of(request, suffix, TABLED)
    ask.path = "/ontology"
    if chosen not in (HTML.name, CSV.name):
        return await turtle_file(ask, "ontology/ontology.ttl", chosen, "/ontology", not suffix)
    served = ask.served
    headers = {"Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"}
    etag = ask.etag("/ontology", chosen, *ask.reader)
    if (same := ask.known(etag, headers)) is not None:
        return same
    graph_name = _graph(ask)
    description = await cached(
        served,
        "vocabulary",
        lambda: describe.vocabulary(served.engine, served.base, graph_name),
    )
    counts = await _counts(served, graph_name)
    headers["ETag"] = etag
    sections = Glossary(ask.view(description), counts).sections()
    if chosen == CSV.name:
        return ask.answer(_table(sections).csv(), CSV.media_type, headers)
    return ask.page(
        "ontology.html",
        headers=headers,
        formats=[
            *format_links(f"{ask.root}/ontology"),
            *(() if ask.static else ask.as_data(CSV)),
        ],
        title=ask.language.gettext(N_("Ontology")),
        namespace=CH,
        sections=sections,
    )


def _table(sections: Iterable[Section]) -> Table:
    """Return the terms as a table; `>` stands before a number that was not counted to its end."""
    return Table(
        ("term", "section", "label", "definition", "uses", "deprecated", "term_iri"),
        [
            (
                term.id,
                section.anchor,
                plain(term.ref),
                term.definition.text if term.definition else "",
                "" if term.uses is None else f"{'>' if term.more else ''}{term.uses}",
                "yes" if term.deprecated else "no",
                term.ref.iri,
            )
            for section in sections
            for group in section.groups
            for term in group.terms
        ],
    )


def _graph(ask: Ask) -> str:
    """Return the IRI of the graph of the ontology.

    Raises:
        QueryFailure: the release has none.
    """
    name = graph_iri(ask.served.base, "vocabulary")
    if not any(graph.iri == name for graph in ask.served.manifest.graphs):
        raise lacking(ask, "ontology")
    return name


async def _counts(served: Served, name: str) -> Mapping[str, int]:
    """Return how often each term of the ontology is used in the release."""
    manifest = served.manifest
    # The manifest counts the triples of what may be handed on; where that is not all, ask.
    whole = not any(graph.private for graph in manifest.graphs)
    kinds = {
        iri: use_of(quad.object.value for quad in quads if quad.predicate == RDF + "type")
        for iri, quads in served.engine.terms.items()
    }

    async def make() -> dict[str, int]:
        asked = {
            iri: use
            for iri, use in kinds.items()
            if use == "concept" or (use == "property" and not whole)
        }
        found = await describe.uses(served.engine, name, asked, COUNTED)
        known = {"class": manifest.classes, "property": manifest.public.properties}
        return {
            iri: found[iri] if iri in found else known[use].get(iri, 0)
            for iri, use in kinds.items()
            if use
        }

    counts: Mapping[str, int] = await cached(served, "uses of terms", make)
    return counts


async def term(request: Request, name: str) -> Response:
    """Return a term of the ontology and what uses it, in HTML or as RDF.

    By suffix (`.html .ttl .jsonld .nt .nq .trig .rdf`), `format` or the header Accept. RDF holds
    what the ontology says of it, a page of what uses it, and the positions on every proposition in
    that.
    """
    ask = Ask(request)
    served, number = ask.served, ask.number
    key, dot, suffix = name.partition(".")
    graph_name = _graph(ask)
    iri = CH + key
    if not _NAME.fullmatch(key) or iri not in served.engine.terms:
        raise QueryFailure("not-found", f"The ontology has no term {key!r}")
    chosen = format_of(request, dot + suffix)
    ask.path = f"/ontology/{key}"
    path, query = ask.root + ask.path, f"?page={number}" if number > 1 else ""
    etag = ask.etag(path, chosen, number, *(ask.reader if chosen == "html" else ()))
    headers = {
        "ETag": etag,
        "Cache-Control": "no-cache",
        "Content-Location": f"{path}.{chosen}{query}",
        "Link": _links(ask, path, chosen, iri, query),
    }
    vary = ["Accept"] * (not suffix) + ["Accept-Language"] * (chosen == "html")
    if vary:
        headers["Vary"] = ", ".join(vary)
    if (same := ask.known(etag, headers)) is not None:
        return same
    types = [q.object.value for q in served.engine.terms[iri] if q.predicate == RDF + "type"]
    found: describe.Description = await served.described_term(
        graph_name, iri, use_of(types), number
    )
    if found.partial:
        headers[describe.POSITIONS_CUT] = str(describe.POSITIONS)
    if chosen != "html":
        data = describe.serialize(
            found.statements(chosen),
            chosen,
            served.release.prefixes,
            await jsonld_documents(served),
        )
        return ask.answer(data, describe.FORMATS[chosen], headers)
    view = ask.view(found)
    glossary = Glossary(view, await _counts(served, graph_name))
    shown = glossary.term(iri, whole=True)
    return ask.page(
        "term.html",
        headers=headers,
        formats=format_links(path, query),
        title=f"{plain(shown.ref)} (ch:{key})",
        iri=iri,
        term=shown,
        back=glossary.back(),
        uses=glossary.uses(),
        reviews=view.reviews,
        use=use_of(types),
        more=found.more,
    )


def _links(ask: Ask, path: str, chosen: str, iri: str, query: str) -> str:
    links = [
        f'<{path}.{suffix}{query}>; rel="alternate"; type="{media}"'
        for suffix, media in describe.FORMATS.items()
        if suffix != chosen
    ]
    links += [f'<{ask.root}/ontology>; rel="collection"', f'<{iri}>; rel="describes"']
    return ", ".join(links)
