"""Releases of RDF files: what is read is published, or an error names file and line."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
import rdflib.compare
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg import importing
from kg.dumps import dump
from kg.errors import ConfigError, KgError, KgErrors
from kg.importing import import_release
from kg.manifest import read_manifest
from kg.release import list_releases, prune, rollback, verify_release
from kg.vocab import RDF, XSD

BASE = "https://site.example/"
FORMATS = {
    "nq": ox.RdfFormat.N_QUADS,
    "trig": ox.RdfFormat.TRIG,
    "ttl": ox.RdfFormat.TURTLE,
    "jsonld": ox.RdfFormat.JSON_LD,
    "nt": ox.RdfFormat.N_TRIPLES,
    "rdf": ox.RdfFormat.RDF_XML,
}
PEOPLE = """
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
<https://people.example/rahim> a foaf:Person ; foaf:name "Rahim"@en, "রহিম"@bn, "रहीम"@hi ;
    foaf:age 41 ; foaf:knows [ foaf:name "Sita" ; foaf:interest ( "rivers" "boats" ) ] .
"""


def graph(key: str) -> str:
    return f"{BASE}id/graph/{key}"


def publish(out: Path, *files: Path | str, **options: Any) -> Path:
    """Import files into a folder of releases and return the release."""
    path, _ = import_release([str(file) for file in files], out, base=BASE, **options)
    return path


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def dumped(release: Path, suffix: str = "nq") -> bytes:
    return dump(release, f"graph.{suffix}")


def parsed(data: bytes, suffix: str, base: str | None = None) -> list[ox.Quad]:
    return list(ox.parse(data, format=FORMATS[suffix], base_iri=base))


def canonical(quads: Iterable[ox.Quad]) -> set[ox.Quad]:
    """Return the quads with blank nodes named by what is said of them."""
    dataset = ox.Dataset(quads)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return set(dataset)


def triples(quads: Iterable[ox.Quad]) -> set[ox.Quad]:
    return canonical(ox.Quad(q.subject, q.predicate, q.object) for q in quads)


def contents(release: Path) -> dict[str, bytes]:
    """Return every byte that must be the same in two imports."""
    return {
        path.relative_to(release).as_posix(): path.read_bytes()
        for path in release.rglob("*")
        if path.is_file() and not path.relative_to(release).as_posix().startswith("store")
    }


# --------------------------------------------------------------------------------------------------
# What is published


@pytest.mark.parametrize("suffix", [*FORMATS, "xml"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_format_says_the_same(tmp_path: Path, suffix: str, packed: bool) -> None:
    quads = parsed(PEOPLE.encode(), "ttl")
    form = FORMATS["rdf" if suffix == "xml" else suffix]
    data = ox.serialize((quad.triple for quad in quads), format=form)
    assert data is not None
    name = f"people.{suffix}.gz" if packed else f"people.{suffix}"
    release = publish(
        tmp_path / "out", write(tmp_path, name, gzip.compress(data) if packed else data)
    )
    found = parsed(dumped(release), "nq")
    assert {quad.graph_name for quad in found} == {ox.NamedNode(graph("people"))}
    assert triples(found) == triples(quads)
    assert verify_release(tmp_path / "out") == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")
def test_every_dump_is_what_rdflib_reads_too(tmp_path: Path) -> None:
    release = publish(tmp_path / "out", write(tmp_path, "people.ttl", PEOPLE))
    expected = rdflib.Graph().parse(data=PEOPLE, format="turtle")
    # Without their one graph, the lines of N-Quads are N-Triples.
    lines = dumped(release).replace(f" <{graph('people')}> .\n".encode(), b" .\n")
    for data, form in (
        (dumped(release, "ttl"), "turtle"),
        (dumped(release, "jsonld"), "json-ld"),
        (lines, "nt"),
    ):
        found = rdflib.Graph().parse(data=data, format=form)
        assert rdflib.compare.isomorphic(found, expected), form


def test_graphs_keep_their_names_and_other_triples_go_into_that_of_the_file(tmp_path: Path) -> None:
    trig = "<urn:x:a> <urn:x:b> 1 . <urn:x:g> { <urn:x:a> <urn:x:b> 1, 2 }"
    release = publish(tmp_path / "out", write(tmp_path, "two.trig", trig))
    assert {one.iri: one.quads for one in read_manifest(release).graphs} == {
        graph("two"): 1,
        "urn:x:g": 2,
    }
    store = ox.Store.read_only(str(release / "store/quads"))
    assert len(list(store.quads_for_pattern(None, None, None, ox.DefaultGraph()))) == 2


def test_the_graph_of_a_file_can_be_named_and_is_the_base_of_its_addresses(tmp_path: Path) -> None:
    one = write(tmp_path, "data/part=1/a.ttl", "<#me> <p> <../q> .")
    name = "https://other.example/x?y=z"
    release = publish(tmp_path / "out", f"{name}={one}")
    assert dumped(release).decode() == (
        f"<{name}#me> <https://other.example/p> <https://other.example/q> <{name}> .\n"
    )


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("people.ttl", "people"),
        ("My People (2).ttl.gz", "my-people-2"),
        ("PEOPLE.NT", "people"),
        ("dump.v1.2.nq", "dump-v1-2"),
        ("Élysée.ttl", "elysee"),
        ("মানুষ.ttl", f"file-{hashlib.sha256('মানুষ'.encode()).hexdigest()[:8]}"),
        ("---.ttl", "file"),
    ],
)
def test_a_graph_is_called_after_its_file(tmp_path: Path, name: str, key: str) -> None:
    data = b"<urn:x:a> <urn:x:b> <urn:x:c> .\n"
    if name.endswith(".gz"):
        data = gzip.compress(data)
    release = publish(tmp_path / "out", write(tmp_path, name, data))
    assert [one.iri for one in read_manifest(release).graphs] == [graph(key)]


def test_blank_nodes_of_two_files_are_not_one(tmp_path: Path) -> None:
    files = [
        write(tmp_path, f"{name}.nt", '_:x <urn:x:p> "1" .\n_:y <urn:x:p> _:x .\n') for name in "ab"
    ]
    release = publish(tmp_path / "out", *files)
    assert dumped(release).decode() == (
        f'_:f1b0 <urn:x:p> "1" <{graph("a")}> .\n_:f1b1 <urn:x:p> _:f1b0 <{graph("a")}> .\n'
        f'_:f2b0 <urn:x:p> "1" <{graph("b")}> .\n_:f2b1 <urn:x:p> _:f2b0 <{graph("b")}> .\n'
    )


def test_a_byte_order_mark_is_no_part_of_the_data(tmp_path: Path) -> None:
    for suffix in ("ttl", "nt", "nq", "trig"):
        data = b"\xef\xbb\xbf<urn:x:a> <urn:x:b> <urn:x:c> .\r\n"
        release = publish(tmp_path / "out", write(tmp_path, f"bom.{suffix}", data))
        assert read_manifest(release).quads == 1


def test_a_file_without_statements_is_no_error_beside_others(tmp_path: Path) -> None:
    empty, full = (
        write(tmp_path, "empty.ttl", ""),
        write(tmp_path, "full.nt", "<urn:a> <urn:b> <urn:c> ."),
    )
    release, found = import_release([str(empty), str(full)], tmp_path / "out", base=BASE)
    assert found is not None
    assert found.statements == {"empty.ttl": 0, "full.nt": 1}
    assert len(read_manifest(release).graphs) == 1
    with pytest.raises(KgError, match="no statement in these files"):
        publish(tmp_path / "out", empty)


# --------------------------------------------------------------------------------------------------
# Literals that the store writes in its own way

REWRITTEN = {
    f'"01"^^<{XSD}int>': f'"1"^^<{XSD}integer>',
    f'"2.50"^^<{XSD}decimal>': f'"2.5"^^<{XSD}decimal>',
    f'"1"^^<{XSD}boolean>': f'"true"^^<{XSD}boolean>',
    f'"2020-01-01T24:00:00"^^<{XSD}dateTime>': f'"2020-01-02T00:00:00"^^<{XSD}dateTime>',
    f'"P12M"^^<{XSD}duration>': f'"P1Y"^^<{XSD}duration>',
}
KEPT = ('"x"@en', '"01"', f'"nonsense"^^<{XSD}int>', f'"2020-13-01"^^<{XSD}date>', '"e\u0301"')


def test_what_is_queried_is_what_is_downloaded_and_the_report_says_what_changed(
    tmp_path: Path,
) -> None:
    lines = [f"<urn:x:s> <urn:x:p> {one} .\n" for one in (*REWRITTEN, *KEPT)]
    file = write(tmp_path, "numbers.nt", "".join([*lines, lines[0]]))
    release, found = import_release([str(file)], tmp_path / "out", base=BASE)
    assert found is not None
    assert found.rewritten == len(REWRITTEN) + 1
    expected = sorted(
        f"<urn:x:s> <urn:x:p> {one} <{graph('numbers')}> .\n"
        for one in (*REWRITTEN.values(), *KEPT)
    )
    assert dumped(release).decode() == "".join(expected)
    rows = ox.Store.read_only(str(release / "store/quads")).query("SELECT ?o { ?s ?p ?o }")
    assert {str(row["o"]) for row in rows} == {*REWRITTEN.values(), *KEPT}
    total, *examples = map(json.loads, (release / "issues.jsonl").read_text().splitlines())
    assert total == {"issue": "literals rewritten", "count": 6, "examples": 5}
    assert {one["seen"]: one["published"] for one in examples} == REWRITTEN
    assert {one["file"] for one in examples} == {"numbers.nt"}
    assert "returns them: 6" in (release / "report.txt").read_text()
    assert json.loads((release / "report.json").read_bytes())["rewritten"] == 6
    assert verify_release(tmp_path / "out") == []


# --------------------------------------------------------------------------------------------------
# What a release says of itself


def _void(release: Path) -> rdflib.Graph:
    return rdflib.Graph().parse(release / "void.ttl")


def test_nothing_is_claimed_that_nobody_said(tmp_path: Path) -> None:
    matches = "<urn:x:a> <http://www.w3.org/2004/02/skos/core#exactMatch> <https://b.example/> ."
    release = publish(tmp_path / "out", write(tmp_path, "people.ttl", PEOPLE + matches))
    manifest = read_manifest(release)
    assert manifest.imported
    assert manifest.conforms is None
    assert manifest.licence == manifest.agent == ""
    assert manifest.title == "people.ttl"
    assert manifest.questions == ()
    assert "ontology" not in manifest.versions
    assert "Not validated" in (release / "report.txt").read_text()
    assert json.loads((release / "report.json").read_bytes())["conforms"] is None
    assert not parsed((release / "report.ttl").read_bytes(), "ttl")
    void = _void(release)
    dcterms, kinds = rdflib.DCTERMS, rdflib.Namespace("http://rdfs.org/ns/void#")
    for predicate in (dcterms.license, dcterms.rights, dcterms.publisher, kinds.uriSpace):
        assert not list(void.triples((None, predicate, None))), predicate
    assert not list(void.triples((None, dcterms.description, None)))
    assert not list(void.triples((None, None, kinds.Linkset)))
    assert void.value(rdflib.URIRef(f"{BASE}dataset"), kinds.triples).toPython() == manifest.triples


def test_what_was_said_is_claimed(tmp_path: Path) -> None:
    licence = "https://licence.example/by"
    release = publish(
        tmp_path / "out",
        write(tmp_path, "people.ttl", PEOPLE),
        title="মানুষ",
        licence=licence,
        agent="Somebody",
    )
    manifest = read_manifest(release)
    assert (manifest.title, manifest.licence, manifest.agent) == ("মানুষ", licence, "Somebody")
    void = _void(release)
    dataset = rdflib.URIRef(f"{BASE}dataset")
    assert void.value(dataset, rdflib.DCTERMS.license) == rdflib.URIRef(licence)
    assert void.value(dataset, rdflib.DCTERMS.title) == rdflib.Literal("মানুষ")


def test_names_of_other_vocabularies_are_found_but_not_those_of_blank_nodes(tmp_path: Path) -> None:
    import sqlite3

    release = publish(tmp_path / "out", write(tmp_path, "people.ttl", PEOPLE))
    database = sqlite3.connect(
        f"file:{release / 'store/labels.sqlite'}?mode=ro&immutable=1", uri=True
    )
    rows = database.execute("SELECT iri, lang, label FROM labels ORDER BY lang").fetchall()
    database.close()
    iri = "https://people.example/rahim"
    assert rows == [(iri, "bn", "রহিম"), (iri, "en", "Rahim"), (iri, "hi", "रहीम")]


def test_the_folder_of_releases_is_kept_as_with_facts(tmp_path: Path) -> None:
    out = tmp_path / "out"
    one = publish(out, write(tmp_path, "a.nt", "<urn:a> <urn:b> <urn:c> ."))
    two = publish(out, write(tmp_path, "b.nt", "<urn:a> <urn:b> <urn:d> ."))
    again, found = import_release([str(tmp_path / "b.nt")], out, base=BASE)
    assert (again, found) == (two, None)
    assert publish(out, tmp_path / "b.nt", force=True) == two
    assert rollback(out) == one.name
    assert {row.id: row.current for row in list_releases(out)} == {one.name: True, two.name: False}
    assert verify_release(out, two.name) == []
    assert list(prune(out, 1)) == []
    assert verify_release(out) == []


# --------------------------------------------------------------------------------------------------
# Identity


def test_the_id_depends_on_every_byte_and_choice_and_not_on_order_or_folder(tmp_path: Path) -> None:
    a = write(tmp_path, "a.nt", "_:x <urn:b> <urn:c> .\n")
    b = write(tmp_path, "b.nt", "_:x <urn:b> <urn:d> .\n")
    elsewhere = [write(tmp_path / "else", one.name, one.read_bytes()) for one in (b, a)]
    first = publish(tmp_path / "out", a, b)
    same = publish(tmp_path / "other", *elsewhere)
    assert first.name == same.name
    assert contents(first) == contents(same)
    changed = write(tmp_path / "changed", "b.nt", "_:x <urn:b> <urn:e> .\n")
    others = [
        publish(tmp_path / "out", a),
        publish(tmp_path / "out", a, changed),
        publish(tmp_path / "out", a, f"urn:x:g={b}"),
        publish(tmp_path / "out", a, b, title="Other"),
        publish(tmp_path / "out", a, b, licence="https://a.example/"),
        publish(tmp_path / "out", a, b, agent="Somebody"),
        import_release([str(a), str(b)], tmp_path / "out", base="https://b.example/")[0],
    ]
    assert len({one.name for one in (first, *others)}) == 1 + len(others)


CHILD = """
import sys
from pathlib import Path
from kg.importing import import_release
print(import_release(sys.argv[2:], Path(sys.argv[1]), base="https://site.example/")[0])
"""
JSONLD = """{"@context": {"@vocab": "http://v.example/", "label": {"@container": "@language"},
 "list": {"@container": "@list"}, "rev": {"@reverse": "http://v.example/child"},
 "idx": {"@container": "@index"}},
 "@graph": [{"label": {"en": "a", "hi": ["ख", "ग"], "bn": "ঘ"}, "list": [1, 2.5, {"z": "q"}],
   "rev": [{"n": "1"}, {"n": "2"}], "idx": {"k1": {"n": 3}, "k2": {"n": 4}, "k0": {"n": 5}},
   "@reverse": {"parent": [{"m": 1}, {"m": 2}]}},
  {"n": {"m": {"o": {}}}, "b": 1, "a": 2, "c": [{"d": 1}, {"d": 2}]}]}"""
XML = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="urn:e#">
<rdf:Description e:b="1" e:a="2" e:c="3"><e:p rdf:parseType="Resource"><e:q>x</e:q></e:p>
<e:l rdf:parseType="Collection"><rdf:Description/><rdf:Description/></e:l></rdf:Description>
</rdf:RDF>"""


def test_the_hash_seed_changes_no_byte(tmp_path: Path) -> None:
    files = [
        write(tmp_path, name, content)
        for name, content in (("a.ttl", PEOPLE), ("b.jsonld", JSONLD), ("c.rdf", XML))
    ]
    found = []
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(tmp_path / seed), *map(str, files)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(Path(done.stdout.strip()))
    assert len({one.name for one in found}) == 1
    assert contents(found[0]) == contents(found[1]) == contents(found[2])


# --------------------------------------------------------------------------------------------------
# What cannot be published

BROKEN: Mapping[str, tuple[str | bytes, str]] = {
    "a.ttl": (
        '@prefix a: <urn:a:> .\na:b a:c "x\n',
        "a.ttl:2:9: the file is no Turtle: Unexpected",
    ),
    "b.nt": ("<urn:a> <urn:b> <urn:c> .\n<urn:a> <urn:b .\n", "b.nt:2:"),
    "c.nq": (b'<urn:a> <urn:b> "\xff" .\n', "c.nq:1:18: the file is no N-Quads: Invalid UTF-8"),
    "d.trig": ("<urn:g> { <urn:a> <urn:b> }", "d.trig:1:"),
    "e.rdf": (
        '<x:a xmlns:x="urn:x">\n<x:b>\n</x:a>',
        "e.rdf:3:3: the file is no RDF/XML: mismatched",
    ),
    "f.rdf": (XML.replace("</rdf:RDF>", ""), "f.rdf:4:1: the file is no RDF/XML: no element"),
    "g.rdf": (
        XML.replace("<rdf:Description/>", "<e:x\nrdf:li='1'/>"),
        "g.rdf:4: the file is no RDF/XML",
    ),
    "h.jsonld": ("[1,\n2", "h.jsonld:2:2: the file is no JSON-LD: "),
    "i.jsonld": (
        '{"@id": "urn:a",\n "urn:b": {"@value": {}}}',
        "i.jsonld:2: the file is no JSON-LD",
    ),
    "j.ttl": (
        '<urn:a> <urn:b> 1 ;\n <urn:c> "x"@ar--rtl .',
        "j.ttl:2: a literal with a base direction",
    ),
    "k.ttl": ("\n<< <urn:a> <urn:b> <urn:c> >> <urn:d> 1 .", "k.ttl:2: a triple term of RDF 1.2"),
    "l.nq": ("_:a <urn:b> _:c <urn:g> .\n_:a <urn:b> _:c _:g .\n", "l.nq:2: a named graph without"),
    "m.ttl.gz": (b"not packed", "m.ttl.gz: the file is no whole gzip file"),
    "n.ttl.gz": (gzip.compress(PEOPLE.encode())[:-9], "n.ttl.gz: the file is no whole gzip file"),
    "o.ttl": ("<http://a.example/b c> <urn:b> <urn:c> .", "o.ttl:1:1: the file is no Turtle"),
    "p.rdf": (
        "<!DOCTYPE x ["
        + "<!ENTITY a0 'lol'>"
        + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10))
        + f"]>\n{XML.replace('>x<', '>&a9;<')}",
        "p.rdf:3:",
    ),
    "q.rdf": (
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>\n{XML.replace(">x<", ">&e;<")}',
        "q.rdf:",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, name: str) -> None:
    content, expected = BROKEN[name]
    with pytest.raises(KgError) as caught:
        publish(tmp_path / "out", write(tmp_path, name, content))
    assert str(caught.value).startswith(f"{tmp_path}/{expected}")


def test_all_broken_files_are_reported_and_nothing_is_published(tmp_path: Path) -> None:
    out = tmp_path / "out"
    before = publish(out, write(tmp_path, "good.ttl", PEOPLE))
    files = [write(tmp_path, name, content) for name, (content, _) in BROKEN.items()]
    with pytest.raises(KgErrors) as caught:
        publish(out, tmp_path / "good.ttl", *files)
    assert len(caught.value.errors) == len(BROKEN)
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [".lock", "current", "published.jsonl", before.name]
    )
    assert os.readlink(out / "current") == before.name


def test_what_is_no_file_of_rdf_is_told_before_anything_is_read(tmp_path: Path) -> None:
    write(tmp_path, "list.csv", "a,b")
    write(tmp_path, "one/data.ttl", "broken")
    write(tmp_path, "two/data.nt", "broken")
    (tmp_path / "folder.ttl").mkdir()
    os.mkfifo(tmp_path / "pipe.ttl")
    names = ("list.csv", "nowhere.ttl", "folder.ttl", "pipe.ttl", "one/data.ttl", "two/data.nt")
    with pytest.raises(KgErrors) as caught:
        publish(tmp_path / "out", *(tmp_path / name for name in names))
    messages = str(caught.value)
    for words in (
        "list.csv: the name of the file tells no RDF format",
        "nowhere.ttl: there is no such file",
        "folder.ttl: a folder cannot be imported",
        "pipe.ttl: a pipe or a device cannot be imported",
        f"two files of one name would go into one graph; seen {graph('data')}; name their graphs",
    ):
        assert words in messages
    assert len(caught.value.errors) == 5
    assert not (tmp_path / "out").exists()


def test_two_files_of_one_name_are_imported_where_their_graphs_are_named(tmp_path: Path) -> None:
    one = write(tmp_path, "one/data.nt", "<urn:a> <urn:b> <urn:c> .\n")
    two = write(tmp_path, "two/data.nt", "<urn:a> <urn:b> <urn:d> .\n")
    manifest = read_manifest(publish(tmp_path / "out", f"urn:x:1={one}", f"urn:x:2={two}"))
    assert [one.iri for one in manifest.graphs] == ["urn:x:1", "urn:x:2"]
    assert [one.id for one in manifest.sources] == ["data.nt", "2/data.nt"]
    with pytest.raises(ConfigError, match="given twice"):
        publish(tmp_path / "out", one, tmp_path / "one/../one/data.nt")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"licence": "CC BY"}, "address of a licence"),
        ({"licence": "javascript:alert(1)"}, "address of a licence"),
        ({"title": "two\nlines"}, "no title"),
    ],
)
def test_options_that_would_lie_are_refused(
    tmp_path: Path, options: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        publish(tmp_path / "out", write(tmp_path, "people.ttl", PEOPLE), **options)


def test_a_graph_needs_an_absolute_name(tmp_path: Path) -> None:
    file = write(tmp_path, "people.ttl", PEOPLE)
    with pytest.raises(ConfigError, match="no absolute IRI"):
        publish(tmp_path / "out", f"http://a b={file}")


def test_a_file_that_changes_while_it_is_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "people.ttl", PEOPLE)
    real = importing.collect_inputs

    def meanwhile(folders: Mapping[str, Path]) -> Any:
        file.write_text(f"{PEOPLE}<urn:a> <urn:b> <urn:c> .")
        return real(folders)

    monkeypatch.setattr(importing, "collect_inputs", meanwhile)
    with pytest.raises(ConfigError, match="changed while it was read"):
        publish(tmp_path / "out", file)
    assert not (tmp_path / "out/current").exists()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Return a server on loopback that notices whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        found.setblocking(False)
        yield found


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonld", '{"@context": "$", "@id": "urn:a", "name": "x"}'),
        ("b.jsonld", '{"@context": ["$", {"n": "urn:n"}], "@id": "urn:a", "n": "x"}'),
        ("c.jsonld", '{"@context": {"@version": 1.1, "@import": "$"}, "@id": "urn:a"}'),
        ("d.jsonld", '{"@id": "urn:a", "urn:p": {"@context": "$", "@id": "urn:b"}}'),
        ("e.jsonld", '{"@context": {"T": {"@id": "urn:t", "@context": "$"}}, "@type": "T"}'),
        ("f.rdf", f'<!DOCTYPE x SYSTEM "$">\n{XML}'),
        ("g.rdf", f'<!DOCTYPE x [<!ENTITY % e SYSTEM "$"> %e;]>\n{XML}'),
        ("h.ttl", "@base <$> . <a> <http://www.w3.org/2002/07/owl#imports> <$> ."),
    ],
)
def test_nothing_is_fetched(
    tmp_path: Path, listener: socket.socket, name: str, content: str
) -> None:
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/context"
    file = write(tmp_path, name, content.replace("$", address))
    if name.endswith("jsonld"):
        with pytest.raises(KgError, match="write the context into the file") as caught:
            publish(tmp_path / "out", file)
        words = f"{name}:1: the file names a JSON-LD context that stands elsewhere"
        assert words in str(caught.value)
    else:
        with contextlib.suppress(KgError):
            publish(tmp_path / "out", file)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_more_graphs_than_files_may_be_open(tmp_path: Path) -> None:
    lines = [f'<urn:a:{n}> <urn:b> "{n}" <urn:g:{n % 400}> .\n' for n in range(800)]
    file = write(tmp_path, "many.nq", "".join(lines))
    limited = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))\n"
    subprocess.run(
        [sys.executable, "-c", limited + CHILD, str(tmp_path / "out"), str(file)],
        capture_output=True,
        check=True,
    )
    assert len(read_manifest(tmp_path / "out/current").graphs) == 400
    assert verify_release(tmp_path / "out") == []


# --------------------------------------------------------------------------------------------------
# Any RDF

TEXT = st.text(
    st.one_of(
        st.sampled_from("\"'\\\n\r\t\b\f\0@^<>{}_:., ;#"),
        st.sampled_from("হোয়াইট হাউস ক্ষ্ম व्हाइट हाउस ज़ا北한\u200c\u200d\u0301\u2028"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=12,
)
LOCAL = st.text("aZ0_-.~:@!$&'()*+,;=éক/%", min_size=1, max_size=6).filter(
    lambda text: "%" not in text and ".." not in text and "/." not in text and "//" not in text
)
IRIS = st.one_of(
    st.builds("{}{}".format, st.sampled_from(["https://a.example/", "http://b.example/c#"]), LOCAL),
    st.sampled_from(
        [
            "urn:x:a",
            "mailto:a@b.example",
            "kg:agent/a",
            "id:a",
            "type:b",
            "ch:a",
            "schema:Person",
            f"{BASE}id/agent/a",
            f"{BASE}id/graph/vocabulary",
            f"{BASE}",
            "https://w3id.org/chancery/ontology#Claim",
            "http://www.w3.org/2002/07/owl#Class",
        ]
    ),
).map(ox.NamedNode)
BLANK = st.sampled_from(["a", "b", "c1", "f1b0", "x-y"]).map(ox.BlankNode)
LITERALS = st.one_of(
    TEXT.map(ox.Literal),
    st.builds(
        lambda text, tag: ox.Literal(text, language=tag),
        TEXT,
        st.sampled_from(["en", "bn", "hi", "en-GB", "ru-Latn", "zh-hant-tw"]),
    ),
    st.builds(
        lambda text, name: ox.Literal(text, datatype=ox.NamedNode(XSD + name)),
        st.one_of(
            TEXT,
            st.from_regex(
                r"[+-]?0{0,2}[0-9]{1,30}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
            ),
            st.sampled_from(
                ["true", "1", "INF", "-INF", "NaN", "-0", "0.0", "2020-02-30", "2020Z"]
            ),
            st.datetimes().map(lambda moment: moment.isoformat()),
            st.dates().map(lambda day: f"{day.isoformat()}+00:00"),
            st.timedeltas().map(lambda time: f"P{time.days}DT{time.seconds}.{time.microseconds}S"),
        ),
        st.sampled_from(
            [
                *("integer", "int", "decimal", "double", "float", "boolean", "string", "byte"),
                *("date", "dateTime", "time", "gYear", "duration", "dayTimeDuration", "anyURI"),
                *("unsignedLong", "dateTimeStamp", "yearMonthDuration", "hexBinary", "token"),
            ]
        ),
    ),
    st.builds(
        lambda text, iri: ox.Literal(text, datatype=ox.NamedNode(iri)),
        TEXT,
        st.sampled_from([RDF + "JSON", RDF + "HTML", RDF + "XMLLiteral", "https://a.example/type"]),
    ),
)
PREDICATES = st.one_of(
    IRIS,
    st.sampled_from(
        [
            RDF + "type",
            RDF + "first",
            "http://www.w3.org/2000/01/rdf-schema#label",
            "http://www.w3.org/2004/02/skos/core#altLabel",
            "http://www.w3.org/2002/07/owl#deprecated",
        ]
    ).map(ox.NamedNode),
)
GRAPHS = st.one_of(
    st.just(ox.DefaultGraph()),
    st.sampled_from(["urn:x:g", graph("vocabulary"), "http://b.example/গ"]).map(ox.NamedNode),
)
QUADS = st.lists(
    st.builds(
        ox.Quad, st.one_of(IRIS, BLANK), PREDICATES, st.one_of(IRIS, BLANK, LITERALS), GRAPHS
    ),
    min_size=1,
    max_size=12,
)


def as_stored(quads: Iterable[ox.Quad], name: str) -> list[ox.Quad]:
    """Return quads with the literals as the store returns them, and no default graph."""
    store = ox.Store()
    store.extend(quads)
    return [
        ox.Quad(q.subject, q.predicate, q.object, ox.NamedNode(name))
        if isinstance(q.graph_name, ox.DefaultGraph)
        else q
        for q in store
    ]


@given(QUADS, st.sampled_from(["nq", "trig", "ttl", "nt", "jsonld"]))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_rdf_comes_back_as_it_went_in(quads: list[ox.Quad], suffix: str) -> None:
    form = FORMATS[suffix]
    if not form.supports_datasets:
        quads = [ox.Quad(q.subject, q.predicate, q.object) for q in quads]
    data = ox.serialize(quads if form.supports_datasets else (q.triple for q in quads), format=form)
    assert data is not None
    read = parsed(data, suffix, graph("any"))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "collect_inputs", lambda folders: ())  # the code, read each time
        file = write(Path(folder), f"any.{suffix}", data)
        release = publish(Path(folder) / "one", file)
        expected = as_stored(read, graph("any"))
        assert canonical(parsed(dumped(release), "nq")) == canonical(expected)
        assert canonical(parsed(dumped(release, "trig"), "trig")) == canonical(expected)
        for other in ("ttl", "jsonld"):
            assert triples(parsed(dumped(release, other), other)) == triples(expected), other
        assert verify_release(Path(folder) / "one") == []
        again = publish(Path(folder) / "two", file)
        assert again.name == release.name
        assert contents(again) == contents(release)
