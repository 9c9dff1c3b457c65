"""Releases: what is written, that it is the same every time, and that nothing of it is lost."""

import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.dumps import FILES, NQ, PACKINGS, SUFFIXES, Dumps, dump, part_path
from kg.errors import ReleaseError
from kg.identity import ReleaseSettings, collect_inputs, engine_versions, release_id
from kg.manifest import (
    Input,
    Part,
    Question,
    SourceCount,
    canonical_json,
    read_manifest,
    read_parts,
)
from kg.names import fold
from kg.release import (
    find_release,
    list_releases,
    prune,
    reuse_release,
    rollback,
    switch_current,
    verify_release,
    write_release,
)
from kg.tables import NAMES as TABLES
from kg.vocab import CH, DCTERMS, EDTF, OWL, RDF, RDFS, SKOS, XSD, graph_iri
from kg.writer import ReportFiles

# rdflib 7.6 warns of what its own Dataset.parse does.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Dataset.default_context is deprecated"),
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated"),
]

BASE = "https://data.example/"
VOCABULARY = graph_iri(BASE, "vocabulary")
REGISTRY = graph_iri(BASE, "registry")
DOCUMENT = graph_iri(BASE, "seoul-2023-10-18")
SETTINGS = ReleaseSettings(
    base_iri=BASE,
    title="Chancery",
    licence="https://creativecommons.org/licenses/by/4.0/",
    versions=engine_versions(),
)
REPORT = ReportFiles(conforms=True, blocks=False, ttl="", json="{}\n", text="Conforms.\n")
ENDS = tuple(f"downloads/{name}" for name in ("head.nq", "head.ttl", "head.jsonld", "foot.jsonld"))
MEDIA_TYPES = {
    "nq": ox.RdfFormat.N_QUADS,
    "ttl": ox.RdfFormat.TURTLE,
    "trig": ox.RdfFormat.TRIG,
    "jsonld": ox.RdfFormat.JSON_LD,
}

EXAMPLE: Mapping[str, str] = {
    VOCABULARY: f"""
<{CH[:-1]}> <{OWL}versionInfo> "0.1.0"
<{CH}Agent> <{RDF}type> <{OWL}Class>
<{CH}Event> <{RDF}type> <{OWL}Class>
<{CH}Organization> <{RDF}type> <{OWL}Class>
<{CH}Organization> <{RDFS}subClassOf> <{CH}Agent>
<{CH}State> <{RDF}type> <{OWL}Class>
<{CH}State> <{RDFS}subClassOf> <{CH}Organization>
<{CH}actor> <{RDF}type> <{OWL}ObjectProperty>
<{CH}earliest> <{RDF}type> <{OWL}DatatypeProperty>
<{CH}earliest> <{RDFS}range> <{XSD}date>
<{CH}edtf> <{RDF}type> <{OWL}DatatypeProperty>
<{CH}edtf> <{RDFS}range> <{EDTF}>
<{CH}high> <{RDF}type> <{OWL}DatatypeProperty>
<{CH}high> <{RDFS}range> <{XSD}decimal>
<{CH}id> <{RDF}type> <{OWL}DatatypeProperty>
<{CH}quotedWording> <{RDF}type> <{OWL}DatatypeProperty>
<{CH}quotedWording> <{RDFS}range> <{RDF}langString>
<{CH}reading> <{RDF}type> <{OWL}DatatypeProperty>
<{CH}reading> <{RDFS}range> <{RDFS}Literal>
<{CH}start> <{RDF}type> <{OWL}DatatypeProperty>
<{CH}start> <{RDFS}range> <{XSD}integer>
""",
    REGISTRY: f"""
<{BASE}id/agent/russia> <{RDF}type> <{CH}Agent>
<{BASE}id/agent/russia> <{RDF}type> <{CH}State>
<{BASE}id/agent/russia> <{RDFS}label> "Russia"@en
<{BASE}id/agent/russia> <{RDFS}label> "রাশিয়া"@bn
<{BASE}id/agent/russia> <{SKOS}altLabel> "Россия"@ru
<{BASE}id/agent/russia> <{SKOS}altLabel> "Russia"@en
<{BASE}id/agent/elysee> <{RDF}type> <{CH}Agent>
<{BASE}id/agent/elysee> <{RDFS}label> "Élysée"@fr
<{BASE}id/agent/white-house> <{RDFS}label> "হোয়াইট হাউস"@bn
<{BASE}id/agent/white-house> <{RDFS}label> "व्हाइट हाउस"@hi
""",
    DOCUMENT: f"""
<{BASE}id/agent/russia> <{RDFS}label> "Russia"@en
<{BASE}id/event/visit> <{RDF}type> <{CH}Event>
<{BASE}id/event/visit> <{CH}actor> <{BASE}id/agent/elysee>
<{BASE}id/event/visit> <{CH}actor> <{BASE}id/agent/russia>
<{BASE}id/event/visit> <{CH}confirmed> "true"^^<{XSD}boolean>
<{BASE}id/event/visit> <{CH}earliest> "2023-10-17"^^<{XSD}date>
<{BASE}id/event/visit> <{CH}earliest> "2023-10"^^<{XSD}gYearMonth>
<{BASE}id/event/visit> <{CH}edtf> "2023-10~"^^<{EDTF}>
<{BASE}id/event/visit> <{CH}high> "2.5"^^<{XSD}decimal>
<{BASE}id/event/visit> <{CH}id> "visit"
<{BASE}id/event/visit> <{CH}quotedWording> "चिंताजनक"@hi
<{BASE}id/event/visit> <{CH}reading> "as written"
<{BASE}id/event/visit> <{CH}start> "5"^^<{XSD}integer>
<{BASE}id/event/visit> <{DCTERMS}description> "plain"
<{BASE}id/event/visit> <{DCTERMS}description> "\\"said\\" \\\\ and\\nmore"@en
""",
}


def lines(graph: str, triples: Iterable[str]) -> list[str]:
    """Return N-Quads lines for `S P O` texts."""
    return sorted({f"{triple} <{graph}> .\n" for triple in triples if triple})


GRAPHS = {graph: lines(graph, text.split("\n")) for graph, text in EXAMPLE.items()}


def write(
    out: Path,
    graphs: Mapping[str, Sequence[str]] = GRAPHS,
    *,
    inputs: Sequence[Input] = (),
    settings: ReleaseSettings = SETTINGS,
    report: ReportFiles = REPORT,
    private: frozenset[str] = frozenset(),
    version: str = "",
    force: bool = False,
) -> Path:
    """Write a release; `version` makes another one of the same graphs."""
    if version:
        inputs = [Input(name="version", sha256=version.encode().hex().zfill(64), bytes=0)]
    return write_release(
        out,
        graphs=graphs,
        inputs=inputs,
        settings=settings,
        report=report,
        issues=[{"line": 3, "file": "facts/a.yaml"}],
        sources=[SourceCount(id="articles", records=1, mapped=1, rejected=0)],
        questions=[Question(id="q", question="Who?", keywords=("who",), query="ASK {}")],
        ontology={"ontology.ttl": "# terms\n", "shapes.ttl": "# shapes\n"},
        private_graphs=private,
        force=force,
    )


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of the example that no test changes."""
    return write(tmp_path_factory.mktemp("releases"))


Term = tuple[str, str, str]
Quad = tuple[Term, Term, Term, str]


def by_oxigraph(data: bytes, suffix: str) -> set[Quad]:
    """Return the quads of a document as Oxigraph reads them; the default graph is ''."""

    def term(node: Any) -> Term:
        if isinstance(node, ox.NamedNode):
            return node.value, "", ""
        assert isinstance(node, ox.Literal), node
        datatype = "" if node.language else node.datatype.value
        return node.value, node.language or "", datatype

    return {
        (
            term(quad.subject),
            term(quad.predicate),
            term(quad.object),
            "" if isinstance(quad.graph_name, ox.DefaultGraph) else quad.graph_name.value,
        )
        for quad in ox.parse(data, format=MEDIA_TYPES[suffix])
    }


def by_rdflib(data: bytes, suffix: str) -> set[Quad]:
    """Return the quads of a document as rdflib reads them; the default graph is ''."""

    def term(node: Any) -> Term:
        if isinstance(node, rdflib.URIRef):
            return str(node), "", ""
        assert isinstance(node, rdflib.Literal), node
        datatype = "" if node.language else str(node.datatype or XSD + "string")
        return str(node), node.language or "", datatype

    names = {"nq": "nquads", "ttl": "turtle", "trig": "trig", "jsonld": "json-ld"}
    dataset = rdflib.Dataset()
    dataset.parse(data=data, format=names[suffix])
    return {
        (term(s), term(p), term(o), "" if g is None or g == default else str(g))
        for default in [dataset.default_graph.identifier]
        for s, p, o, g in dataset.quads()
    }


def without_graph(quads: Iterable[Quad]) -> set[Quad]:
    return {(s, p, o, "") for s, p, o, _ in quads}


def dumped(release: Path, name: str) -> bytes:
    return dump(release, name)


def contents(release: Path) -> dict[str, bytes]:
    """Return every byte that must be the same in two builds."""
    return {
        path.relative_to(release).as_posix(): path.read_bytes()
        for path in release.rglob("*")
        if path.is_file() and not path.relative_to(release).as_posix().startswith("store")
    }


# --------------------------------------------------------------------------------------------------
# Identity

INPUTS = [Input(name=name, sha256=sha, bytes=1) for name, sha in [("a", "1" * 64), ("b", "2" * 64)]]


def test_id_is_64_hex_digits_and_the_order_of_inputs_is_no_matter() -> None:
    one = release_id(INPUTS, {"base_iri": BASE, "time": ""})
    assert one == release_id(INPUTS[::-1], {"time": "", "base_iri": BASE})
    assert len(one) == 64
    assert set(one) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "inputs",
    [
        [],
        INPUTS[:1],
        [INPUTS[0], Input(name="b", sha256="3" * 64, bytes=1)],
        [INPUTS[0], Input(name="c", sha256="2" * 64, bytes=1)],
    ],
)
def test_id_depends_on_every_input(inputs: list[Input]) -> None:
    assert release_id(inputs, {}) != release_id(INPUTS, {})


@pytest.mark.parametrize(
    "changes",
    [
        {"base_iri": "https://other.example/"},
        {"title": "Other"},
        {"licence": "https://other.example/"},
        {"agent": "Somebody"},
        {"time": "2023-10-18T00:00:00Z"},
        {"versions": {"pyoxigraph": "0"}},
        {"options": {"sources": "articles"}},
    ],
)
def test_id_depends_on_every_setting(changes: dict[str, Any]) -> None:
    values = {"base_iri": BASE, "title": "Chancery", "licence": "https://a.example/"}
    one = ReleaseSettings(**values)
    other = ReleaseSettings(**(values | changes))
    assert release_id(INPUTS, one.identity()) != release_id(INPUTS, other.identity())


def test_two_inputs_of_one_name_are_an_error() -> None:
    with pytest.raises(ReleaseError, match="one name"):
        release_id([INPUTS[0], Input(name="a", sha256="9" * 64, bytes=1)], {})


def test_engines_that_shape_the_output_are_named() -> None:
    assert engine_versions().keys() == {
        *("software", "python", "sqlite", "zlib"),
        *("msgspec", "numpy", "pyarrow", "pyoxigraph", "pyshacl", "rdflib", "zstandard"),
    }


def test_inputs_are_every_file_but_caches_and_copies(tmp_path: Path) -> None:
    for name in [
        "facts/a.yaml",
        "facts/.hidden.yaml",
        "facts/deep/b.jsonl",
        "facts/.git/config",
        "kg/store.py",
        "kg/__pycache__/store.cpython-311.pyc",
        "kg/old.pyc",
        "kg/.mypy_cache/x",
        "kg/_resources/facts/a.yaml",
        "kg/web/assets/page.ts",
        "kg/web/assets/built/page.js",
        "kg/web/assets/node_modules/x/y.js",
        "kg/built/kept.py",
    ]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    found = collect_inputs({"kg": tmp_path / "kg", "facts": tmp_path / "facts"})
    assert [one.name for one in found] == [
        "facts/.hidden.yaml",
        "facts/a.yaml",
        "facts/deep/b.jsonl",
        "kg/built/kept.py",
        "kg/store.py",
        "kg/web/assets/page.ts",
    ]
    assert found[1] == Input(
        name="facts/a.yaml", sha256=hashlib.sha256(b"facts/a.yaml").hexdigest(), bytes=12
    )


def test_missing_input_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="inputs cannot be read"):
        collect_inputs({"facts": tmp_path / "nowhere"})


# --------------------------------------------------------------------------------------------------
# What is in a release


def test_release_holds_what_the_documentation_lists(release: Path) -> None:
    manifest = read_manifest(release)
    assert release.name == manifest.id == os.readlink(release.parent / "current")
    names = {entry.path for entry in manifest.files}
    ends = {f"{end}{packing}" for packing in PACKINGS for end in ENDS}
    vocabulary = {f"ontology/{name}" for name in ("ontology.ttl", "shapes.ttl", "context.jsonld")}
    reports = {"report.ttl", "report.json", "report.txt", "issues.jsonl"}
    tables = {f"tables/{name}.parquet" for name in TABLES} | {"tables/counts.json"}
    assert names == ends | vocabulary | reports | tables | {
        "parts.jsonl",
        "SHA256SUMS",
        "links.sssom.tsv",
        "links.sssom.ttl",
        "provenance.ttl",
        "void.ttl",
    }
    assert [entry.path for entry in manifest.dumps] == [f"graph{suffix}" for suffix in SUFFIXES]
    parts = {path.name for path in (release / "parts").iterdir()}
    assert parts == {part.name + suffix for part in read_parts(release) for suffix in FILES}
    assert {entry.media_type for entry in manifest.files if entry.path.endswith(".jsonld")} == {
        "application/ld+json"
    }
    assert (release / "issues.jsonl").read_text() == '{"file":"facts/a.yaml","line":3}\n'
    assert not any(entry.private for entry in manifest.files)


def test_manifest_counts_what_the_store_holds(release: Path) -> None:
    manifest = read_manifest(release)
    store = ox.Store.read_only(str(release / "store/quads"))
    assert manifest.quads == sum(map(len, GRAPHS.values()))
    assert len(store) == manifest.quads + manifest.triples
    rows = store.query(
        "SELECT ?class (COUNT(DISTINCT ?s) AS ?n) { ?s a ?class } GROUP BY ?class",
        use_default_graph_as_union=True,
    )
    assert manifest.classes == {row["class"].value: int(row["n"].value) for row in rows}
    triples = store.query(
        "SELECT (COUNT(*) AS ?n) { SELECT DISTINCT ?s ?p ?o { ?s ?p ?o } }",
        use_default_graph_as_union=True,
    )
    assert manifest.triples == int(next(iter(triples))["n"].value) == manifest.quads - 1
    assert {entry.iri: entry.quads for entry in manifest.graphs} == {
        graph: len(quads) for graph, quads in GRAPHS.items()
    }
    assert manifest.versions["ontology"] == "0.1.0"


def part_of(release: Path, graph: str) -> Part:
    [part] = [one for one in read_parts(release) if graph.endswith(f"/{one.graph}")]
    return part


def test_parts_are_the_lines_and_are_named_by_their_hash(release: Path) -> None:
    for entry in read_manifest(release).graphs:
        part = part_of(release, entry.iri)
        data = (release / part_path(part, NQ)).read_bytes()
        assert data == "".join(GRAPHS[entry.iri]).encode()
        assert entry.key == part.graph == entry.iri.rsplit("/", 1)[1]
        assert part.name == f"{entry.key}.{hashlib.sha256(data).hexdigest()[:16]}"


def unpacked(data: bytes, name: str) -> bytes:
    if name.endswith(".gz"):
        return gzip.decompress(data)
    if name.endswith(".zst"):
        reader = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
        return reader.read()
    return data


def test_every_compressed_file_is_its_plain_file(release: Path) -> None:
    packed = [path for path in release.rglob("*") if path.suffix in (".gz", ".zst")]
    assert len(packed) == 2 * len(ENDS)
    for path in packed:
        plain = path.with_suffix("").read_bytes()
        assert unpacked(path.read_bytes(), path.name) == plain
        assert path.suffix != ".gz" or subprocess.check_output(["gzip", "-dc", path]) == plain


def test_every_compressed_dump_is_its_plain_dump(release: Path) -> None:
    dumps = Dumps(release)
    names = list(dumps.names())
    assert len(names) == len(SUFFIXES) * (1 + len(GRAPHS))
    for name in names:
        plain = name.removesuffix(".gz").removesuffix(".zst")
        assert unpacked(dump(release, name), name) == dump(release, plain)


def test_sums_are_those_of_the_dumps(release: Path) -> None:
    dumps = Dumps(release)
    told = {name: hashlib.sha256(dump(release, name)).hexdigest() for name in dumps.names()}
    assert dumps.sums == told
    for entry in read_manifest(release).dumps:
        assert entry.sha256 == told[entry.path]
        assert entry.bytes == len(dump(release, entry.path)) == dumps.get(entry.path).size


def test_dumps_of_one_graph_hold_that_graph(release: Path) -> None:
    for entry in read_manifest(release).graphs:
        quads = by_oxigraph("".join(GRAPHS[entry.iri]).encode(), "nq")
        for suffix in MEDIA_TYPES:
            data = dumped(release, f"graphs/{entry.key}.{suffix}")
            expected = quads if suffix in ("nq", "trig") else without_graph(quads)
            assert by_oxigraph(data, suffix) == by_rdflib(data, suffix) == expected


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_range_of_a_dump_is_that_of_the_whole(release: Path, data: st.DataObject) -> None:
    dumps = Dumps(release)
    name = data.draw(st.sampled_from(list(dumps.names())))
    found = dumps.get(name)
    whole = b"".join(found.read())
    start, stop = (data.draw(st.integers(0, len(whole) + 3)) for _ in range(2))
    assert b"".join(found.read(start, stop)) == whole[start:stop]
    assert b"".join(found.read(start)) == whole[start:]
    assert sum(one.length for one in found.within(start, stop)) == len(whole[start:stop])


def test_dumps_hold_the_quads_of_the_store(release: Path) -> None:
    quads = by_oxigraph("".join(line for graph in GRAPHS.values() for line in graph).encode(), "nq")
    for read in (by_oxigraph, by_rdflib):
        assert read(dumped(release, "graph.nq"), "nq") == quads
        assert read(dumped(release, "graph.trig"), "trig") == quads
        assert read(dumped(release, "graph.ttl"), "ttl") == without_graph(quads)
        assert read(dumped(release, "graph.jsonld"), "jsonld") == without_graph(quads)


def test_turtle_is_grouped_by_subject_with_the_types_first(release: Path) -> None:
    text = dumped(release, "graph.ttl").decode()
    assert f"@prefix agent: <{BASE}id/agent/> .\n" in text
    assert (
        """
event:visit a ch:Event ;
    dcterms:description "\\"said\\" \\\\ and\\nmore"@en, "plain" ;
    ch:actor agent:elysee, agent:russia ;
    ch:confirmed true ;
    ch:earliest "2023-10"^^xsd:gYearMonth, "2023-10-17"^^xsd:date ;
    ch:edtf "2023-10~"^^edtf:EDTF ;
    ch:high 2.5 ;
    ch:id "visit" ;
    ch:quotedWording "चिंताजनक"@hi ;
    ch:reading "as written" ;
    ch:start 5 .
"""
        in text
    )


def test_turtle_and_trig_have_the_same_prefixes(release: Path) -> None:
    def prefixes(name: str) -> list[str]:
        return [one for one in dumped(release, name).decode().split("\n") if one.startswith("@")]

    assert prefixes("graph.ttl") == prefixes("graph.trig")


def test_jsonld_reads_like_json(release: Path) -> None:
    nodes = {node["id"]: node for node in json.loads(dumped(release, "graph.jsonld"))["@graph"]}
    assert nodes["kg:event/visit"] == {
        "id": "kg:event/visit",
        "type": "Event",
        "description": [
            {"@value": '"said" \\ and\nmore', "@language": "en"},
            "plain",
        ],
        "actor": ["kg:agent/elysee", "kg:agent/russia"],
        "ch:confirmed": True,
        "earliest": [{"@value": "2023-10", "@type": "xsd:gYearMonth"}, "2023-10-17"],
        "edtf": "2023-10~",
        "high": "2.5",
        "ch:id": "visit",
        "quotedWording": {"hi": "चिंताजनक"},
        "reading": ["as written"],
        "start": 5,
    }
    graph = json.loads(dumped(release, "graphs/registry.jsonld"))["@graph"]
    nodes = {node["id"]: node for node in graph}
    assert nodes["kg:agent/russia"]["type"] == ["Agent", "State"]
    assert nodes["kg:agent/russia"]["label"] == {"en": "Russia", "bn": "রাশিয়া"}


def test_jsonld_has_one_node_object_per_subject_of_a_graph(release: Path) -> None:
    for entry in read_manifest(release).graphs:
        nodes = json.loads(dumped(release, f"graphs/{entry.key}.jsonld"))["@graph"]
        data = dumped(release, f"graphs/{entry.key}.nq")
        subjects = {s for s, _, _, _ in by_oxigraph(data, "nq")}
        assert len(nodes) == len({node["id"] for node in nodes}) == len(subjects)


def test_jsonld_puts_parts_inside_of_what_they_are_parts_of(tmp_path: Path) -> None:
    node = f"{BASE}id"
    graphs = GRAPHS | {
        REGISTRY: lines(
            REGISTRY,
            [
                f"<{node}/event/visit> <{CH}actor> <{node}/time/t>",
                f"<{node}/event/talks> <{CH}actor> <{node}/time/t>",
                f"<{node}/time/t> <{CH}actor> <{node}/span/s>",
                f"<{node}/time/t> <{CH}actor> <{node}/time/t>",
                f'<{node}/span/s> <{CH}id> "s"',
                f'<{node}/span/alone> <{CH}id> "alone"',
                f"<{node}/quantity/one> <{CH}actor> <{node}/quantity/two>",
                f"<{node}/quantity/two> <{CH}actor> <{node}/quantity/one>",
            ],
        )
    }
    release = write(tmp_path, graphs)
    data = dumped(release, "graphs/registry.jsonld")
    time = {
        "id": "kg:time/t",
        "actor": [{"id": "kg:span/s", "ch:id": "s"}, "kg:time/t"],
    }
    assert json.loads(data)["@graph"] == [
        {"id": "kg:event/talks", "actor": time},
        {"id": "kg:event/visit", "actor": time},
        {"id": "kg:quantity/one", "actor": {"id": "kg:quantity/two", "actor": "kg:quantity/one"}},
        {"id": "kg:span/alone", "ch:id": "alone"},
    ]
    expected = without_graph(by_oxigraph("".join(graphs[REGISTRY]).encode(), "nq"))
    assert by_oxigraph(data, "jsonld") == by_rdflib(data, "jsonld") == expected


def test_published_context_is_that_of_the_dump(release: Path) -> None:
    context = json.loads((release / "ontology/context.jsonld").read_bytes())
    assert context["@context"] == json.loads(dumped(release, "graph.jsonld"))["@context"]
    assert context["@context"]["earliest"] == {"@id": "ch:earliest", "@type": "xsd:date"}
    assert context["@context"]["State"] == "ch:State"


def test_empty_graph_is_no_graph(tmp_path: Path) -> None:
    release = write(tmp_path, GRAPHS | {graph_iri(BASE, "empty"): []})
    assert len(read_manifest(release).graphs) == len(GRAPHS)
    assert verify_release(tmp_path) == []


def test_release_of_nothing_is_whole(tmp_path: Path) -> None:
    release = write(tmp_path, {})
    assert read_manifest(release).quads == 0
    assert verify_release(tmp_path) == []
    for suffix in MEDIA_TYPES:
        assert by_oxigraph(dumped(release, f"graph.{suffix}"), suffix) == set()
        assert by_rdflib(dumped(release, f"graph.{suffix}"), suffix) == set()
        packed = dumped(release, f"graph.{suffix}.gz")
        assert gzip.decompress(packed) == dumped(release, f"graph.{suffix}")


def test_graph_with_another_address_has_a_part_named_by_its_hash(tmp_path: Path) -> None:
    graph = "urn:x-other:গ/../graph"
    release = write(tmp_path, {graph: lines(graph, ['<urn:x:a> <urn:x:b> "c"'])})
    key = hashlib.sha256(graph.encode()).hexdigest()[:16]
    assert [entry.key for entry in read_manifest(release).graphs] == [key]
    assert [part.name[:17] for part in read_parts(release)] == [f"{key}."]
    assert verify_release(tmp_path) == []


# --------------------------------------------------------------------------------------------------
# Any quads at all

TEXT = st.text(
    st.one_of(
        st.sampled_from("\"'\\\n\r\t@^<>{}., ;#"),
        st.sampled_from("হোয়াইট হাউস ক্ষ্ম व्हाइट हाउस ज़ا北한\u200c\u200d\u0301\u2028"),
        st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc", "Cn"]),
    ),
    max_size=20,
)
KEY = st.text("abc019-", min_size=1, max_size=6)
LOCAL = st.text("aZ0_-.~:@!$&'()*+,;=%41éক/", min_size=1, max_size=8).filter(
    # Only percent signs of an escape, and no dot segments, which a reader may resolve.
    lambda text: "%" not in text.replace("%41", "") and ".." not in text and "/." not in text
)
IRIS = st.one_of(
    st.builds("{}id/{}/{}".format, st.just(BASE), st.sampled_from(["agent", "claim", "x"]), KEY),
    st.builds("{}{}".format, st.sampled_from([CH, RDFS, SKOS, f"{BASE}doc/"]), KEY),
    st.builds(
        "{}{}".format,
        st.sampled_from(["https://a.example/", "https://a.example/b#", "http://b.example/?q="]),
        LOCAL.filter(lambda text: not text.startswith("/") and "//" not in text),
    ),
    st.sampled_from(
        [
            "urn:x-test:a:b",
            "mailto:a@b.example",
            "https://a.example",
            f"{BASE}id/agent/a/b",
            f"{BASE}id/",
            f"{CH}a.b",
            CH,
            "agent://host/path",
            "ch://host/path",
            "label:a",
            "edtf:a",
            "Agent:a",
        ]
    ),
)
LITERALS = st.one_of(
    TEXT.map(ox.Literal),
    st.builds(
        lambda text, tag: ox.Literal(text, language=tag),
        TEXT,
        st.sampled_from(["en", "bn", "hi", "ru-latn", "zh-hant-tw"]),
    ),
    st.builds(
        lambda text, name: ox.Literal(text, datatype=ox.NamedNode(XSD + name)),
        st.one_of(st.integers(), st.integers(-20, 20)).map(str),
        st.just("integer"),
    ),
    st.sampled_from(["2.5", "-0.25", "12345678901.5"]).map(
        lambda text: ox.Literal(text, datatype=ox.NamedNode(XSD + "decimal"))
    ),
    st.dates().map(lambda day: ox.Literal(day.isoformat(), datatype=ox.NamedNode(XSD + "date"))),
    st.sampled_from(["true", "false"]).map(
        lambda text: ox.Literal(text, datatype=ox.NamedNode(XSD + "boolean"))
    ),
    st.builds(
        lambda text, iri: ox.Literal(text, datatype=ox.NamedNode(iri)),
        TEXT,
        st.sampled_from([EDTF, "https://a.example/type"]),
    ),
)
PREDICATES = st.one_of(
    st.sampled_from(
        [
            *(CH + name for name in ("actor", "earliest", "edtf", "high")),
            *(CH + name for name in ("id", "quotedWording", "reading", "start")),
            RDFS + "label",
            SKOS + "exactMatch",
            DCTERMS + "identifier",
            OWL + "deprecated",
        ]
    ),
    IRIS,
)
STATEMENTS = st.one_of(
    st.tuples(IRIS, PREDICATES, st.one_of(IRIS.map(ox.NamedNode), LITERALS)),
    st.tuples(
        IRIS,
        st.just(RDF + "type"),
        st.one_of(st.sampled_from([CH + "Event", CH + "State"]), IRIS).map(ox.NamedNode),
    ),
)
QUADS = st.lists(
    st.tuples(STATEMENTS, st.sampled_from([REGISTRY, DOCUMENT, "urn:x-test:graph"])), max_size=12
)


@given(QUADS)
@settings(max_examples=60, deadline=None)
def test_no_dump_loses_or_changes_anything(found: list[Any]) -> None:
    graphs: dict[str, list[str]] = {VOCABULARY: GRAPHS[VOCABULARY]}
    for (s, p, o), graph in found:
        quad = ox.Quad(ox.NamedNode(s), ox.NamedNode(p), o, ox.NamedNode(graph))
        graphs.setdefault(graph, []).append(f"{quad} .\n")
    graphs = {graph: sorted(set(quads)) for graph, quads in graphs.items()}
    expected = by_oxigraph("".join(line for one in graphs.values() for line in one).encode(), "nq")
    with tempfile.TemporaryDirectory() as folder:
        release = write(Path(folder), graphs)
        assert verify_release(Path(folder)) == []
        for suffix, quads in {
            "nq": expected,
            "trig": expected,
            "ttl": without_graph(expected),
            "jsonld": without_graph(expected),
        }.items():
            data = dumped(release, f"graph.{suffix}")
            assert by_oxigraph(data, suffix) == quads, suffix
            assert by_rdflib(data, suffix) == quads, suffix


# --------------------------------------------------------------------------------------------------
# What cannot be published

IRI = f"<{BASE}id/agent/a>"
REFUSED = {
    "unsorted": [f'{IRI} {IRI} "b" <{REGISTRY}> .\n', f'{IRI} {IRI} "a" <{REGISTRY}> .\n'],
    "twice": [f'{IRI} {IRI} "a" <{REGISTRY}> .\n'] * 2,
    "in another graph": [f'{IRI} {IRI} "a" <{DOCUMENT}> .\n'],
    "in no graph": [f'{IRI} {IRI} "a" .\n'],
    "without its end": [f'{IRI} {IRI} "a" <{REGISTRY}>'],
    "two in one": [f'{IRI} {IRI} "a" <{REGISTRY}> .\n{IRI} {IRI} "b" <{REGISTRY}> .\n'],
    "no N-Quads": [f'{IRI} {IRI} "a <{REGISTRY}> .\n'],
    "relative": [f'<a> {IRI} "a" <{REGISTRY}> .\n'],
    "needless escape": [f'{IRI} {IRI} "\\u0041" <{REGISTRY}> .\n'],
    "rewritten datatype": [f'{IRI} {IRI} "5"^^<{XSD}int> <{REGISTRY}> .\n'],
    "rewritten number": [f'{IRI} {IRI} "2.50"^^<{XSD}decimal> <{REGISTRY}> .\n'],
    "rewritten language": [f'{IRI} {IRI} "a"@EN <{REGISTRY}> .\n'],
    "blank subject": [f'_:b {IRI} "a" <{REGISTRY}> .\n'],
    "blank object": [f"{IRI} {IRI} _:b <{REGISTRY}> .\n"],
    "triple term": [f'{IRI} {IRI} <<( {IRI} {IRI} "a" )>> <{REGISTRY}> .\n'],
    "base direction": [f'{IRI} {IRI} "a"@ar--rtl <{REGISTRY}> .\n'],
    "scheme of a prefix": [f"{IRI} {IRI} <kg:agent/a> <{REGISTRY}> .\n"],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_lines_that_would_not_come_back_are_refused(tmp_path: Path, reason: str) -> None:
    before = write(tmp_path, version="before")
    with pytest.raises(ReleaseError):
        write(tmp_path, {REGISTRY: REFUSED[reason]})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [".lock", "current", "published.jsonl", before.name]
    )
    assert os.readlink(tmp_path / "current") == before.name


def test_error_names_the_line_that_the_store_changes(tmp_path: Path) -> None:
    line = REFUSED["rewritten datatype"][0]
    with pytest.raises(ReleaseError, match="does not return this line") as caught:
        write(tmp_path, {REGISTRY: sorted([*GRAPHS[REGISTRY], line])})
    assert line.strip() in str(caught.value)


def test_what_violates_the_shapes_is_not_published(tmp_path: Path) -> None:
    report = ReportFiles(conforms=False, blocks=True, ttl="", json="", text="")
    with pytest.raises(ReleaseError, match="violates"):
        write(tmp_path, report=report)
    assert list(tmp_path.iterdir()) == []


def test_warnings_do_not_keep_a_release_back(tmp_path: Path) -> None:
    report = ReportFiles(conforms=False, blocks=False, ttl="", json="", text="")
    assert read_manifest(write(tmp_path, report=report)).conforms is False


# --------------------------------------------------------------------------------------------------
# VoID, labels, private graphs


def test_void_agrees_with_the_dumps(release: Path) -> None:
    void = rdflib.Graph().parse(release / "void.ttl")
    assert by_oxigraph((release / "void.ttl").read_bytes(), "ttl") == by_rdflib(
        (release / "void.ttl").read_bytes(), "ttl"
    )
    assert not any(isinstance(node, rdflib.BNode) for node in void.all_nodes())
    prefixes = """
        PREFIX void: <http://rdfs.org/ns/void#> PREFIX dcat: <http://www.w3.org/ns/dcat#>
        PREFIX spdx: <http://spdx.org/rdf/terms#>
        PREFIX sd: <http://www.w3.org/ns/sparql-service-description#>
    """

    def told(query: str) -> set[tuple[Any, ...]]:
        return {tuple(value.toPython() for value in row) for row in void.query(prefixes + query)}

    store = ox.Store()
    store.load(dumped(release, "graph.nq"), format=ox.RdfFormat.N_QUADS)

    def counted(query: str) -> set[tuple[Any, ...]]:
        rows = store.query(query, use_default_graph_as_union=True)
        names = [variable.value for variable in rows.variables]
        return {
            tuple(
                int(row[name].value) if isinstance(row[name], ox.Literal) else row[name].value
                for name in names
            )
            for row in rows
        }

    dataset = f"<{BASE}dataset>"
    assert told(f"SELECT ?n {{ {dataset} void:triples ?n }}") == counted(
        "SELECT (COUNT(*) AS ?n) { SELECT DISTINCT * { ?s ?p ?o } }"
    )
    assert told(f"SELECT ?n {{ {dataset} void:distinctSubjects ?n }}") == counted(
        "SELECT (COUNT(DISTINCT ?s) AS ?n) { ?s ?p ?o }"
    )
    assert told(f"SELECT ?n {{ {dataset} void:entities ?n }}") == counted(
        f'SELECT (COUNT(DISTINCT ?s) AS ?n) {{ ?s ?p ?o FILTER(STRSTARTS(STR(?s), "{BASE}id/")) }}'
    )
    classes = told(
        f"SELECT ?c ?n {{ {dataset} void:classPartition [ void:class ?c ; void:entities ?n ] }}"
    )
    assert classes == counted("SELECT ?c (COUNT(DISTINCT ?s) AS ?n) { ?s a ?c } GROUP BY ?c")
    properties = told(
        f"SELECT ?p ?n {{ {dataset} void:propertyPartition "
        "[ void:property ?p ; void:triples ?n ] }"
    )
    assert properties == counted(
        "SELECT ?p (COUNT(*) AS ?n) { SELECT DISTINCT * { ?s ?p ?o } } GROUP BY ?p"
    )
    graphs = told(f"SELECT ?g ?n {{ {dataset} void:subset [ sd:name ?g ; void:triples ?n ] }}")
    assert graphs == counted("SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g")
    files = told(
        f"SELECT ?file ?size ?sum {{ {dataset} dcat:distribution ?file ; void:dataDump ?file . "
        "?file dcat:byteSize ?size ; spdx:checksum [ spdx:checksumValue ?hex ] . "
        "BIND(STR(?hex) AS ?sum) }"
    )
    assert files == {
        (
            f"{BASE}download/{release.name}/{name}",
            len(dump(release, name)),
            hashlib.sha256(dump(release, name)).hexdigest(),
        )
        for name in (f"graph{suffix}" for suffix in SUFFIXES)
    }


def test_no_quad_speaks_of_a_file(release: Path) -> None:
    assert b"download/" not in dumped(release, "graph.nq")


def test_time_and_agent_are_told_only_when_they_are_given(tmp_path: Path, release: Path) -> None:
    values = {"base_iri": BASE, "title": "T", "licence": "https://a.example/"}
    given = ReleaseSettings(**values, agent="An agency", time="2023-10-18T00:00:00Z")
    text = (write(tmp_path, settings=given) / "void.ttl").read_text()
    assert 'dcterms:issued "2023-10-18T00:00:00Z"^^xsd:dateTime' in text
    assert 'foaf:name "An agency"' in text
    plain = (release / "void.ttl").read_text()
    assert "dcterms:issued" not in plain
    assert "foaf:Agent" not in plain


def search(release: Path, text: str) -> list[str]:
    """Return the labels that hold a word which begins like `text`."""
    database = sqlite3.connect(f"file:{release / 'store/labels.sqlite'}?mode=ro", uri=True)
    try:
        wanted = '"' + fold(text).replace('"', '""') + '"*'
        rows = database.execute("SELECT label FROM labels WHERE labels MATCH ?", [wanted])
        return sorted({row[0] for row in rows})
    finally:
        database.close()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("RUSS", ["Russia"]),
        ("elysee", ["Élysée"]),
        ("হোয়াই", ["হোয়াইট হাউস"]),
        ("হাউস", ["হোয়াইট হাউস"]),
        ("व्हाइट", ["व्हाइट हाउस"]),
        ("হ", ["হোয়াইট হাউস"]),
        ("াউস", []),
        ("росс", ["Россия"]),
    ],
)
def test_labels_are_found_by_the_beginning_of_a_word_in_any_script(
    release: Path, text: str, found: list[str]
) -> None:
    assert search(release, text) == found


def test_labels_have_kind_most_specific_class_and_language(release: Path) -> None:
    database = sqlite3.connect(f"file:{release / 'store/labels.sqlite'}?mode=ro", uri=True)
    rows = database.execute(
        "SELECT kind, class, lang, label, preferred, folded FROM labels WHERE iri = ?",
        [f"{BASE}id/agent/russia"],
    ).fetchall()
    database.close()
    assert rows == [
        ("agent", f"{CH}State", "bn", "রাশিয়া", 1, fold("রাশিয়া")),
        ("agent", f"{CH}State", "en", "Russia", 1, "russia"),
        ("agent", f"{CH}State", "ru", "Россия", 0, "россия"),
    ]


def test_private_graphs_are_in_the_store_and_in_nothing_that_is_handed_on(tmp_path: Path) -> None:
    secret = graph_iri(BASE, "secret")
    graphs = GRAPHS | {
        secret: lines(
            secret,
            [
                f'<{BASE}id/agent/russia> <{RDFS}label> "Only here"@en',
                f"<{BASE}id/agent/mole> <{RDF}type> <{CH}Mole>",
            ],
        )
    }
    release = write(tmp_path, graphs, private=frozenset([secret]))
    manifest = read_manifest(release)
    assert verify_release(tmp_path) == []
    assert (
        len(ox.Store.read_only(str(release / "store/quads"))) == manifest.quads + manifest.triples
    )
    assert manifest.quads == sum(map(len, graphs.values()))
    assert manifest.classes[f"{CH}Mole"] == 1
    assert search(release, "only here") == ["Only here"]
    for entry in manifest.files:
        if not entry.private:
            data = (release / entry.path).read_bytes()
            data = unpacked(data, entry.path)
            assert not any(word in data for word in (b"Only here", b"mole", b"Mole", b"secret"))
    assert {entry.iri for entry in manifest.graphs if entry.private} == {secret}
    private = {entry.path for entry in manifest.files if entry.private}
    assert "parts.jsonl" in private
    for name in Dumps(release).names():
        data = unpacked(dump(release, name), name)
        assert not any(word in data for word in (b"Only here", b"mole", b"Mole", b"secret"))
    assert not any("secret" in name for name in Dumps(release).names())


def test_release_of_private_graphs_only_has_empty_dumps(tmp_path: Path) -> None:
    release = write(tmp_path, GRAPHS, private=frozenset(GRAPHS))
    assert verify_release(tmp_path) == []
    assert by_rdflib(dumped(release, "graph.nq"), "nq") == set()
    assert gzip.decompress(dumped(release, "graph.nq.gz")) == b""
    assert json.loads(dumped(release, "graph.jsonld"))["@graph"] == []


# --------------------------------------------------------------------------------------------------
# The same bytes

CHILD = """
import json, sys
from pathlib import Path
from kg.release import *
from kg.writer import *
from kg.identity import *
from kg.manifest import *
out, data = Path(sys.argv[1]), json.load(sys.stdin)
graphs = {key: data["graphs"][key] for key in set(data["graphs"])}
versions = {key: data["versions"][key] for key in set(data["versions"])}
path = write_release(
    out,
    graphs=graphs,
    inputs=[Input(name="a", sha256="1" * 64, bytes=1)],
    settings=ReleaseSettings(base_iri=data["base"], title="T", licence="https://a.example/",
                             versions=versions),
    report=ReportFiles(conforms=True, blocks=False, ttl="", json="", text=""),
    issues=[{key: 1 for key in {"a", "b", "c", "d"}}],
    sources=[],
    questions=[],
    ontology={name: name for name in {"ontology.ttl", "shapes.ttl", "schema.json"}},
)
"""


FOLDERS = ("one", "two/deeper", "তিন")


def test_same_inputs_give_the_same_bytes_in_any_folder_under_any_hash_seed(tmp_path: Path) -> None:
    data = json.dumps({"graphs": GRAPHS, "base": BASE, "versions": engine_versions()})
    found = []
    for seed, folder in zip(("0", "1", "4242"), FOLDERS, strict=True):
        out = tmp_path / folder
        subprocess.run(
            [sys.executable, "-c", CHILD, str(out)],
            input=data,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": f"UTC+{seed[0]}"},
        )
        found.append(contents(out / "current"))
        assert str(tmp_path).encode() not in b"".join(found[-1].values())
    assert found[0].keys() >= {"manifest.json", "parts.jsonl", "void.ttl"}
    labels = {
        (tmp_path / folder / "current/store/labels.sqlite").read_bytes() for folder in FOLDERS
    }
    assert len(labels) == 1
    assert found[0] == found[1] == found[2]


def test_store_does_not_name_the_folder_it_was_made_in(release: Path) -> None:
    data = b"".join(path.read_bytes() for path in (release / "store").rglob("*") if path.is_file())
    assert str(release.parent).encode() not in data


# --------------------------------------------------------------------------------------------------
# The folder of all releases


def current(out: Path) -> str:
    return os.readlink(out / "current")


def history(out: Path) -> list[tuple[str, str]]:
    found = [json.loads(line) for line in (out / "published.jsonl").read_text().splitlines()]
    return [(one["action"], one["id"]) for one in found]


def writable(release: Path) -> None:
    (release / "store").chmod(0o755)
    (release / "store/quads").chmod(0o755)


def spoil(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.chmod(0o644)
    path.write_bytes(change(path.read_bytes()))


def test_release_that_stands_is_not_written_again(tmp_path: Path) -> None:
    first = write(tmp_path)
    inode = (first / "manifest.json").stat().st_ino
    assert write(tmp_path) == first
    assert (first / "manifest.json").stat().st_ino == inode
    assert history(tmp_path) == [("publish", first.name)]


def test_forced_build_of_the_same_inputs_changes_nothing(tmp_path: Path) -> None:
    first = write(tmp_path)
    inode = (first / "manifest.json").stat().st_ino
    assert write(tmp_path, force=True) == first
    assert (first / "manifest.json").stat().st_ino == inode
    assert verify_release(tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 4


def test_forced_build_that_differs_is_an_error_and_keeps_the_release(tmp_path: Path) -> None:
    first = write(tmp_path)
    before = contents(first)
    other = GRAPHS | {REGISTRY: GRAPHS[REGISTRY][1:]}
    with pytest.raises(ReleaseError, match=r"graph\.nq"):
        write(tmp_path, other, force=True)
    assert contents(first) == before
    assert verify_release(tmp_path) == []


def test_release_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    first, second = write(tmp_path, version="1"), write(tmp_path, version="2")
    assert find_release(tmp_path) == second
    assert find_release(tmp_path, first.name[:12]) == first


def test_release_is_reused_by_its_inputs(tmp_path: Path) -> None:
    assert reuse_release(tmp_path, (), SETTINGS) is None
    first = write(tmp_path)
    second = write(tmp_path, version="2")
    assert current(tmp_path) == second.name
    assert reuse_release(tmp_path, (), SETTINGS) == first
    assert current(tmp_path) == first.name
    assert [name for _, name in history(tmp_path)] == [first.name, second.name, first.name]


@pytest.mark.parametrize(
    "path",
    [
        "manifest.json",
        "store.sha256",
        "downloads/head.ttl",
        "store/quads/CURRENT",
        "store/labels.sqlite",
    ],
)
def test_release_that_is_not_whole_is_written_again(tmp_path: Path, path: str) -> None:
    first = write(tmp_path)
    before = contents(first)
    writable(first)
    (first / path).unlink()
    assert reuse_release(tmp_path, (), SETTINGS) is None
    assert write(tmp_path) == first
    assert contents(first) == before
    assert verify_release(tmp_path) == []


def test_nothing_in_a_release_can_be_written(release: Path) -> None:
    files = [path for path in release.rglob("*") if path.is_file()]
    assert files
    assert not any(
        path.stat().st_mode & 0o222 for path in [*files, release / "store", release / "store/quads"]
    )


def test_sums_of_the_store_are_in_the_form_of_sha256sum(release: Path) -> None:
    told = dict(
        reversed(line.split("  ")) for line in (release / "store.sha256").read_text().splitlines()
    )
    assert told == {
        path.relative_to(release).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (release / "store").rglob("*")
        if path.is_file()
    }


def test_whole_release_has_no_problems(release: Path) -> None:
    assert verify_release(release.parent) == []
    assert verify_release(release.parent, release.name[:8]) == []


def test_every_damage_is_found(tmp_path: Path) -> None:
    release = write(tmp_path)
    part = part_path(read_parts(release)[0], NQ)
    writable(release)
    spoil(release / part, lambda data: data.replace(b"a", b"b", 1))
    spoil(release / "downloads/head.ttl", lambda data: data + b"\n")
    spoil(release / "store/quads/MANIFEST-000005", lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    (release / "void.ttl").unlink()
    (release / "extra.txt").write_text("more")
    (release / "store/quads/extra.sst").write_text("more")
    (release / "linked").symlink_to("/")
    assert verify_release(tmp_path) == [
        "downloads/head.ttl: the bytes are not those that were published",
        "extra.txt: the file is not part of the release",
        "linked: the file is not part of the release",
        f"{part}: the bytes are not those that were published",
        "store/quads/MANIFEST-000005: the bytes are not those that were published",
        "store/quads/extra.sst: the file is not part of the release",
        "void.ttl: the file is missing",
    ]


def test_file_that_became_a_link_is_found(tmp_path: Path) -> None:
    release = write(tmp_path)
    shutil.move(release / "void.ttl", tmp_path / "elsewhere.ttl")
    (release / "void.ttl").symlink_to(tmp_path / "elsewhere.ttl")
    assert verify_release(tmp_path) == ["void.ttl: a symbolic link stands in its place"]


def test_store_of_other_quads_is_found_even_with_fitting_sums(tmp_path: Path) -> None:
    release = write(tmp_path)
    other = write(tmp_path / "other", GRAPHS | {REGISTRY: GRAPHS[REGISTRY][1:]})
    writable(release)
    shutil.rmtree(release / "store")
    shutil.copytree(other / "store", release / "store")
    spoil(release / "store.sha256", lambda _: (other / "store.sha256").read_bytes())
    [problem] = verify_release(tmp_path)
    assert GRAPHS[REGISTRY][0].strip() in problem


def test_manifest_of_other_inputs_is_found(tmp_path: Path) -> None:
    release = write(tmp_path)
    manifest = json.loads((release / "manifest.json").read_bytes())
    manifest["title"] = "Another"
    spoil(release / "manifest.json", lambda _: canonical_json(manifest))
    assert verify_release(tmp_path) == [
        "manifest.json: the id is not that of the inputs and settings in it"
    ]


def test_unreadable_manifest_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    release = write(tmp_path)
    spoil(release / "manifest.json", lambda _: b"{")
    [problem] = verify_release(tmp_path)
    assert "manifest cannot be read" in problem


@pytest.mark.parametrize("data", [b"", b"\xff", b"nonsense\n", b"0" * 64 + b"  ../manifest.json\n"])
def test_unreadable_sums_are_a_problem_and_no_crash(tmp_path: Path, data: bytes) -> None:
    release = write(tmp_path)
    spoil(release / "store.sha256", lambda _: data)
    assert any(problem.startswith("store.sha256: ") for problem in verify_release(tmp_path))


def test_releases_are_listed_newest_first(tmp_path: Path) -> None:
    first, second = write(tmp_path, version="1"), write(tmp_path, version="2")
    rollback(tmp_path)
    one, two = list_releases(tmp_path)
    assert (one.id, one.current, two.id, two.current) == (second.name, False, first.name, True)
    assert one.quads == sum(map(len, GRAPHS.values()))
    assert one.published is not None
    assert one.published.endswith("Z")


def test_unreadable_release_is_listed_with_its_problem(tmp_path: Path) -> None:
    release = write(tmp_path)
    spoil(release / "manifest.json", lambda _: b"{")
    [one] = list_releases(tmp_path)
    assert one.quads is None
    assert "cannot be read" in one.problem


def test_no_folder_is_no_release(tmp_path: Path) -> None:
    assert list_releases(tmp_path / "nowhere") == ()
    with pytest.raises(ReleaseError, match="no current release"):
        verify_release(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_rollback_goes_back_step_by_step(tmp_path: Path) -> None:
    first, second, third = (write(tmp_path, version=version).name for version in "123")
    assert rollback(tmp_path) == second == current(tmp_path)
    assert rollback(tmp_path) == first == current(tmp_path)
    with pytest.raises(ReleaseError, match="no earlier release"):
        rollback(tmp_path)
    assert rollback(tmp_path, third[:10]) == third == current(tmp_path)


def test_publishing_after_a_rollback_does_not_go_back_to_what_was_undone(tmp_path: Path) -> None:
    first, _, third = (write(tmp_path, version=version).name for version in "123")
    rollback(tmp_path, first)
    fourth = write(tmp_path, version="4").name
    assert rollback(tmp_path) == first
    switch_current(tmp_path, fourth)
    switch_current(tmp_path, third)
    assert rollback(tmp_path) == fourth


def test_rollback_to_what_is_not_whole_is_refused(tmp_path: Path) -> None:
    first, second = write(tmp_path, version="1"), write(tmp_path, version="2")
    (first / "void.ttl").unlink()
    with pytest.raises(ReleaseError, match="not whole"):
        rollback(tmp_path)
    assert current(tmp_path) == second.name


@pytest.mark.parametrize("name", ["f" * 64, "", "no"])
def test_unknown_or_unclear_id_is_an_error(tmp_path: Path, name: str) -> None:
    write(tmp_path, version="1")
    write(tmp_path, version="2")
    with pytest.raises(ReleaseError, match=r"there is no release|several releases"):
        switch_current(tmp_path, name)


def test_prune_keeps_the_newest_and_the_current_one(tmp_path: Path) -> None:
    first, second, third, fourth = (write(tmp_path, version=one).name for one in "1234")
    rollback(tmp_path, first)
    assert prune(tmp_path, 2) == (second,)
    assert {one.id for one in list_releases(tmp_path)} == {first, third, fourth}
    assert prune(tmp_path, 1) == (third,)
    assert prune(tmp_path, 5) == ()
    assert current(tmp_path) == first
    assert verify_release(tmp_path) == []
    with pytest.raises(ReleaseError, match="at least one"):
        prune(tmp_path, 0)


def test_rollback_passes_over_what_was_pruned(tmp_path: Path) -> None:
    first, second, third = (write(tmp_path, version=one).name for one in "123")
    rollback(tmp_path, first)
    switch_current(tmp_path, third)
    prune(tmp_path, 1)
    with pytest.raises(ReleaseError, match="no earlier release"):
        rollback(tmp_path)
    assert second not in {path.name for path in tmp_path.iterdir()}


def test_folder_named_current_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "current").mkdir()
    (tmp_path / "current" / "precious").write_text("kept")
    with pytest.raises(ReleaseError, match="not a symbolic link"):
        write(tmp_path)
    assert (tmp_path / "current" / "precious").read_text() == "kept"


def test_large_plain_dumps_have_no_checksum_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kg.dumps.UNSUMMED", 3000)
    release = write(tmp_path)
    sizes = Dumps(release).sizes
    assert sizes == {suffix: len(dump(release, f"graph{suffix}")) for suffix in SUFFIXES}
    large = {f"graph{s}" for s, size in sizes.items() if "." not in s[1:] and size > 3000}
    assert "graph.nq" in large
    assert large != {f"graph{suffix}" for suffix in SUFFIXES}
    assert {entry.path for entry in read_manifest(release).dumps if not entry.sha256} == large
    assert set(Dumps(release).names()) - Dumps(release).sums.keys() == large
    assert verify_release(tmp_path) == []
    void = rdflib.Graph().parse(release / "void.ttl")
    rows = void.query(
        "SELECT ?file { ?file <http://www.w3.org/ns/dcat#byteSize> ?size "
        "FILTER NOT EXISTS { ?file <http://spdx.org/rdf/terms#checksum> ?sum } }"
    )
    assert {str(row[0]).rsplit("/", 1)[1] for row in rows} == large
    tags = {Dumps(release).etag(name) for name in Dumps(release).names()}
    assert len(tags) == len(list(Dumps(release).names()))
    other = write(tmp_path, GRAPHS | {REGISTRY: GRAPHS[REGISTRY][1:]}, version="2")
    assert all(Dumps(other).etag(name) not in tags for name in large)


def test_graphs_with_numbers_for_names_are_told_as_they_are(tmp_path: Path) -> None:
    graph = graph_iri(BASE, "tg-1234567890123")
    release = write(tmp_path, {graph: lines(graph, [f'<{BASE}id/x/y> <{RDFS}label> "a"@en'])})
    void = rdflib.Graph().parse(release / "void.ttl")
    name = "http://www.w3.org/ns/sparql-service-description#name"
    assert {str(o) for o in void.objects(None, rdflib.URIRef(name))} == {graph}
    [node] = void.subjects(rdflib.URIRef(name), rdflib.URIRef(graph))
    assert (rdflib.URIRef(f"{BASE}dataset"), None, node) in void


def test_verify_tells_of_a_manifest_that_names_other_graphs(tmp_path: Path) -> None:
    release = write(tmp_path)
    manifest = json.loads((release / "manifest.json").read_bytes())
    manifest["graphs"][0]["key"] = "another"
    spoil(release / "manifest.json", lambda _: canonical_json(manifest))
    assert any("the graph another" in problem for problem in verify_release(tmp_path))
