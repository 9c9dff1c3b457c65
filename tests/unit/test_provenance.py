"""The provenance of a release: from what, by what, for whom, and when only if that was given."""

import hashlib

import pyoxigraph as ox
import pytest
import rdflib
from rdflib.namespace import DCTERMS, FOAF, PROV, RDF

from kg.identity import ReleaseSettings
from kg.manifest import Input
from kg.provenance import content_name, describe_run

BASE = "https://data.example/"
NAME = "ab" * 32
TEXTS = {"facts/a.yaml": b"a", 'facts/"খ"\\.yaml': b"b", "kg/empty.py": b"", "kg/__init__.py": b""}
INPUTS = [
    Input(name=name, sha256=hashlib.sha256(text).hexdigest(), bytes=len(text))
    for name, text in TEXTS.items()
]
VERSIONS = {"software": "1.2.3", "pyoxigraph": "0.5", "ontology": "0.1.0"}
RUN = rdflib.URIRef(f"{BASE}releases/{NAME}#run")


def described(**options: str) -> rdflib.Graph:
    settings = ReleaseSettings(base_iri=BASE, title="T", licence="", **options)
    text = describe_run(settings, NAME, INPUTS, VERSIONS, ["graph.nq"])
    assert text == describe_run(settings, NAME, INPUTS[::-1], VERSIONS, ["graph.nq"])
    graph = rdflib.Graph().parse(data=text, format="turtle")
    quads = {str(quad.triple) for quad in ox.parse(text.encode(), format=ox.RdfFormat.TURTLE)}
    assert len(quads) == len(graph)
    return graph


def test_every_input_is_used_with_its_name_and_hash() -> None:
    graph = described()
    used = set(graph.objects(RUN, PROV.used))
    assert len(used) == 3  # two files are empty
    assert {str(name) for one in used for name in graph.objects(one, DCTERMS.title)} == set(TEXTS)
    query = """
        PREFIX spdx: <http://spdx.org/rdf/terms#>
        SELECT ?content ?hash { ?content spdx:checksum/spdx:checksumValue ?hash }"""
    told = {str(content): str(value) for content, value in graph.query(query)}
    assert told == {content_name(one.sha256): one.sha256 for one in INPUTS}


def test_nothing_is_said_that_was_not_given() -> None:
    graph = described()
    assert not list(graph.subject_objects(PROV.endedAtTime))
    assert not list(graph.subject_objects(PROV.generatedAtTime))
    assert not list(graph.subjects(RDF.type, PROV.Agent))


def test_who_is_responsible_and_when_it_was_made() -> None:
    graph = described(agent="A “desk”", time="2023-10-18T00:00:00Z")
    [agent] = graph.subjects(RDF.type, PROV.Agent)
    [software] = graph.subjects(RDF.type, PROV.SoftwareAgent)
    assert str(graph.value(agent, FOAF.name)) == "A “desk”"
    assert set(graph.objects(RUN, PROV.wasAssociatedWith)) == {agent, software}
    assert graph.value(software, PROV.actedOnBehalfOf) == agent
    assert str(graph.value(RUN, PROV.endedAtTime)) == "2023-10-18T00:00:00+00:00"


@pytest.mark.parametrize("text", [b"", b"a", b"\xff" * 99])
def test_a_content_is_named_by_its_hash(text: bytes) -> None:
    sha256 = hashlib.sha256(text).hexdigest()
    name = content_name(sha256)
    assert name.startswith("ni:///sha-256;")
    assert len(name) == len("ni:///sha-256;") + 43
    ox.NamedNode(name)
