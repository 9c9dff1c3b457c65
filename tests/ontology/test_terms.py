"""What shapes cannot say of the ontology: its keys are those of the code, its files are sound."""

from __future__ import annotations

import re
import typing
import unicodedata
from pathlib import Path

import pyoxigraph as ox
import pytest
from rdflib import DCTERMS, OWL, PROV, RDF, RDFS, SKOS, XSD, Graph, Literal, Namespace, URIRef
from rdflib.namespace import GEO, ORG, SDO, TIME

from kg import facts

CH = Namespace("https://w3id.org/chancery/ontology#")
ONTOLOGY = URIRef("https://w3id.org/chancery/ontology")

SCHEMES = {
    "stance": facts.Stance,
    "modality": facts.Modality,
    "certainty": facts.Certainty,
    "basis": facts.Basis,
    "manner": facts.Manner,
    "attribution": facts.Attribution,
    "aspect": facts.Aspect,
    "text-quality": facts.Quality,
    "precision": facts.Precision,
    "part-of-day": facts.PartOfDay,
    "reference-basis": facts.ReferenceBasis,
    "review-state": facts.ReviewState,
    "redistribution": facts.Redistribution,
    "run-type": facts.RunType,
    "notice-reason": facts.NoticeReason,
}
"""The closed schemes and the types of the facts files that take their keys."""

OTHER_SCHEMES = {"role", "status", "time-rule", "type", "plover", "relation"}
"""Schemes whose keys the facts files take from here, and that of the derived statuses."""

CLASSES = {
    "Agent": facts.AgentType,
    "Place": facts.PlaceType,
    "Thing": facts.ThingType,
}

PLOVER = (
    "agree consult support concede cooperate aid retreat request accuse reject threaten protest "
    "sanction mobilize coerce assault"
)

SHORTCUT_TYPES = {
    "capital-of": CH.capitalOf,
    "body-of": CH.bodyOf,
    "based-in": CH.basedIn,
    "kind-of": CH.kindOf,
    "part-of": CH.partOf,
}
"""The only relation types of which a plain triple may be published."""


def keys(ontology: Graph, scheme: str) -> set[str]:
    concepts = ontology.subjects(SKOS.inScheme, CH[f"scheme-{scheme}"])
    return {str(ontology.value(c, SKOS.notation)) for c in concepts}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_keys_of_a_closed_scheme_are_those_of_the_facts_files(ontology: Graph, scheme: str) -> None:
    expected = set(typing.get_args(SCHEMES[scheme]))
    # A concept that only groups others, such as "disputes", is no choice in a record.
    groups = {
        str(ontology.value(c, SKOS.notation))
        for c in ontology.subjects(SKOS.inScheme, CH[f"scheme-{scheme}"])
        if (None, SKOS.broader, c) in ontology
    }
    assert keys(ontology, scheme) - groups == expected
    assert groups == ({"disputes"} if scheme == "stance" else set())


def test_every_scheme_is_known_here(ontology: Graph) -> None:
    found = {
        str(s).removeprefix(f"{CH}scheme-") for s in ontology.subjects(RDF.type, SKOS.ConceptScheme)
    }
    assert found == SCHEMES.keys() | OTHER_SCHEMES


def test_every_closed_type_of_the_facts_files_is_a_scheme_or_a_set_of_classes() -> None:
    literals = {
        name
        for name, value in vars(facts).items()
        if not name.startswith("_") and typing.get_origin(value) is typing.Literal
    }
    listed = {
        name for name in literals if getattr(facts, name) in [*SCHEMES.values(), *CLASSES.values()]
    }
    assert literals == listed


@pytest.mark.parametrize("top", CLASSES)
def test_types_of_entities_are_classes(ontology: Graph, top: str) -> None:
    for name in typing.get_args(CLASSES[top]):
        assert (CH[name], RDF.type, OWL.Class) in ontology
        assert CH[top] in set(ontology.transitive_objects(CH[name], RDFS.subClassOf))


def test_disputes_is_broader_than_the_three_ways_of_disputing(ontology: Graph) -> None:
    assert set(ontology.subjects(SKOS.broader, CH["stance-disputes"])) == {
        CH["stance-denies"],
        CH["stance-disputes-evidence"],
        CH["stance-questions"],
    }


def test_plover_has_its_16_categories_and_its_licence(ontology: Graph) -> None:
    assert keys(ontology, "plover") == {f"plover-{name}" for name in PLOVER.split()}
    licence = ontology.value(CH["scheme-plover"], DCTERMS.license)
    assert licence == URIRef("https://creativecommons.org/licenses/by-sa/4.0/")


def test_only_plover_is_in_the_plover_file(root: Path) -> None:
    """A file under CC BY-SA holds nothing else, and nothing of it stands under CC BY."""
    folder = root / "ontology"
    subjects = {str(s) for s in Graph().parse(folder / "plover.ttl").subjects()}
    assert all(s.startswith((f"{CH}plover-", f"{CH}scheme-plover")) for s in subjects)
    for path in folder.glob("*.ttl"):
        if path.name != "plover.ttl":
            others = {str(s) for s in Graph().parse(path).subjects()}
            assert not any(s.startswith((f"{CH}plover-", f"{CH}scheme-plover")) for s in others)


def test_every_event_type_is_on_top_or_leads_to_one_category_at_most(ontology: Graph) -> None:
    for concept in ontology.subjects(SKOS.inScheme, CH["scheme-type"]):
        assert len(list(ontology.objects(concept, SKOS.broader))) <= 1
        above = set(ontology.transitive_objects(concept, SKOS.broader)) - {concept}
        assert sum((c, SKOS.inScheme, CH["scheme-plover"]) in ontology for c in above) <= 1


def test_each_role_has_the_property_of_its_name(ontology: Graph) -> None:
    for role in keys(ontology, "role"):
        assert ontology.value(CH[f"role-{role}"], CH.shortcut) == CH[role]
        assert (CH[role], RDF.type, OWL.ObjectProperty) in ontology


def test_plain_triples_are_permitted_for_five_relation_types_only(ontology: Graph) -> None:
    marked = {
        str(ontology.value(c, SKOS.notation)): ontology.value(c, CH.shortcut)
        for c in ontology.subjects(SKOS.inScheme, CH["scheme-relation"])
        if ontology.value(c, CH.shortcut)
    }
    assert marked == SHORTCUT_TYPES


def test_a_definition_of_a_relation_type_says_what_its_ends_are(ontology: Graph) -> None:
    for concept in ontology.subjects(SKOS.inScheme, CH["scheme-relation"]):
        text = str(ontology.value(concept, SKOS.definition))
        assert re.match(r"Subject( and object)?: ", text), concept
        assert re.search(r"(Object|[Oo]bject or value|Value|Value or quantity|and object): ", text)


def test_no_property_makes_a_state_a_place(ontology: Graph) -> None:
    """A state may stand where a place is expected; Agent and Place are disjoint."""
    assert (CH.Agent, OWL.disjointWith, CH.Place) in ontology
    for name in ("place", "origin", "destination", "locatedIn", "mentionedAs", "basedIn"):
        assert ontology.value(CH[name], RDFS.range) is None


def test_top_classes_are_disjoint_in_pairs(ontology: Graph) -> None:
    classes = set(ontology.subjects(RDF.type, OWL.Class))
    inside = {c for c in classes if any(o in classes for o in ontology.objects(c, RDFS.subClassOf))}
    tops = classes - inside
    for one in tops:
        for other in tops - {one}:
            pair = {(one, OWL.disjointWith, other), (other, OWL.disjointWith, one)}
            assert any(triple in ontology for triple in pair), (one, other)


# --- examples ---------------------------------------------------------------------------------

_PREFIXES = """
@prefix ch: <https://w3id.org/chancery/ontology#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix edtf: <http://id.loc.gov/datatypes/edtf/> .
@prefix ex: <https://example.org/> .
@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix sssom: <https://w3id.org/sssom/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""


def turtle_examples(ontology: Graph) -> list[tuple[URIRef, Graph]]:
    """Return the examples of classes and properties, which are Turtle; others have a language."""
    out = []
    for term, example in ontology.subject_objects(SKOS.example):
        assert isinstance(term, URIRef)
        assert isinstance(example, Literal)
        if not example.language:
            out.append((term, Graph().parse(data=_PREFIXES + example, format="turtle")))
    return out


def test_examples_of_classes_and_properties_are_turtle_that_shows_the_term(
    ontology: Graph,
) -> None:
    shown = turtle_examples(ontology)
    for term, graph in shown:
        if (term, RDF.type, OWL.Class) in ontology:
            nodes = set(graph.objects(None, RDF.type)) | set(graph.objects(None, RDFS.range))
            used_as_value = term in nodes
        else:
            used_as_value = term in set(graph.predicates())
        subclasses = set(ontology.transitive_subjects(RDFS.subClassOf, term))
        assert used_as_value or subclasses & set(graph.objects(None, RDF.type)), term
    kinds = (OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty)
    expected = {s for kind in kinds for s in ontology.subjects(RDF.type, kind)}
    assert {term for term, _ in shown} == expected


def test_examples_use_only_terms_that_exist(ontology: Graph, terms: set[str]) -> None:
    for term, graph in turtle_examples(ontology):
        for node in {n for triple in graph for n in triple}:
            if str(node).startswith(str(CH)):
                assert str(node).removeprefix(str(CH)) in terms, (term, node)
    named = re.compile(r"(?<![\w-])ch:([A-Za-z][A-Za-z0-9]*(?:-[a-z0-9]+)*)")
    for _, text in ontology.subject_objects(SKOS.definition | SKOS.example):
        for name in named.findall(str(text)):
            assert name in terms, (name, text)


def test_examples_fit_domains_and_ranges(ontology: Graph) -> None:
    """No example uses a property on, or with, a node that it types as something disjoint."""
    for term, graph in turtle_examples(ontology):
        for subject, name, value in graph:
            for node, end in ((subject, RDFS.domain), (value, RDFS.range)):
                expected = ontology.value(name, end)
                types = set(graph.objects(node, RDF.type))
                if expected is None or not types or not str(expected).startswith(str(CH)):
                    continue
                above = {c for t in types for c in ontology.transitive_objects(t, RDFS.subClassOf)}
                assert expected in above, (term, name, node)


def test_literals_in_examples_are_of_the_datatype_of_the_range(ontology: Graph) -> None:
    for term, graph in turtle_examples(ontology):
        for _, name, value in graph:
            expected = ontology.value(name, RDFS.range)
            if not isinstance(value, Literal) or expected in (None, RDFS.Literal):
                continue
            if expected == RDF.langString:
                assert value.language, term
            elif expected == XSD.decimal:
                assert value.datatype in (XSD.decimal, XSD.integer), term
            else:
                assert (value.datatype or XSD.string) == expected, term


# --- header, alignments, files ----------------------------------------------------------------


def test_header_is_the_first_version_and_says_so(ontology: Graph) -> None:
    version = str(ontology.value(ONTOLOGY, OWL.versionInfo))
    assert ontology.value(ONTOLOGY, OWL.versionIRI) == ONTOLOGY + "/" + version
    has_prior = (ONTOLOGY, OWL.priorVersion, None) in ontology
    says_first = "no prior version" in str(ontology.value(ONTOLOGY, SKOS.historyNote))
    assert has_prior is not says_first


_REAL = {
    # Read in the vocabularies, of which rdflib has no list.
    "http://semanticweb.cs.vu.nl/2009/11/sem/": (
        "Actor Event Place Role Time View accordingTo eventType hasActor hasPlace hasTime roleType "
        "hasEarliestBeginTimeStamp hasLatestEndTimeStamp"
    ),
    "http://www.w3.org/ns/oa#": (
        "SpecificResource TextPositionSelector end exact hasSource hasTarget start"
    ),
    "https://w3id.org/sssom/": "Mapping confidence mapping_justification",
}


def test_alignments_lead_to_terms_that_exist(root: Path) -> None:
    graph = Graph().parse(root / "ontology" / "alignments.ttl")
    known = {str(ns): ns for ns in (PROV, SDO, ORG, TIME, SKOS, GEO, DCTERMS)}
    for subject, name, value in graph:
        assert str(subject).startswith(str(CH))
        assert name in (RDFS.subClassOf, RDFS.subPropertyOf, RDFS.seeAlso, SKOS.closeMatch)
        text = str(value)
        if text.startswith(tuple(_REAL)):
            space = next(ns for ns in _REAL if text.startswith(ns))
            assert text.removeprefix(space) in _REAL[space].split()
        else:
            space = next(ns for ns in known if text.startswith(ns))
            assert value in known[space], text


def test_no_proposition_is_under_a_class_of_what_happened(ontology: Graph) -> None:
    for name in ("Proposition", "Event", "Relation", "Claim"):
        above = set(ontology.transitive_objects(CH[name], RDFS.subClassOf))
        assert all(str(c).startswith(str(CH)) for c in above)


def test_text_is_in_nfc_and_without_stray_space(ontology: Graph) -> None:
    for term, _, value in ontology:
        if isinstance(value, Literal):
            text = str(value)
            assert unicodedata.is_normalized("NFC", text), (term, text)
            assert text == text.strip(), (term, text)
            assert "  " not in text, (term, text)


def test_files_say_the_same_to_oxigraph_and_rdflib(files: list[Path]) -> None:
    """Parsed by one, written, read by the other, and back: the same triples, no blank node."""
    for path in files:
        quads = list(ox.parse(path=str(path), format=ox.RdfFormat.TURTLE))
        triples = [ox.Triple(q.subject, q.predicate, q.object) for q in quads]
        assert not any(isinstance(n, ox.BlankNode) for t in triples for n in t)
        written = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
        assert written is not None
        theirs = Graph().parse(data=written.decode(), format="nt")
        ours = Graph().parse(path, format="turtle")
        assert set(theirs) == set(ours)
        back = ox.parse(
            ours.serialize(format="turtle", encoding="utf-8"), format=ox.RdfFormat.TURTLE
        )
        assert {(str(q.subject), str(q.predicate), str(q.object)) for q in back} == {
            (str(t.subject), str(t.predicate), str(t.object)) for t in triples
        }


def test_a_store_returns_the_literals_as_they_were_written(files: list[Path]) -> None:
    store = ox.Store()
    for path in files:
        store.load(path=str(path), format=ox.RdfFormat.TURTLE)
    kept = {(str(q.subject), str(q.predicate), str(q.object)) for q in store}
    parsed = {
        (str(q.subject), str(q.predicate), str(q.object))
        for path in files
        for q in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE)
    }
    assert kept == parsed


def test_notice_names_every_file(root: Path, files: list[Path]) -> None:
    text = (root / "ontology" / "NOTICE").read_text(encoding="utf-8")
    for path in files:
        assert path.name in text
