"""The links of a release as SSSOM: what its graph of links records, in two forms that agree."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pyoxigraph as ox
import pytest
import yaml

from kg import suppress
from kg.build import DEFAULT_BASE, publish
from kg.dumps import dump
from kg.errors import KgErrors
from kg.link import read_links
from kg.manifest import read_manifest
from kg.resources import folder
from kg.sssom import COLUMNS, TSV_FILE, TURTLE_FILE, read_table, to_tsv

SKOS = "http://www.w3.org/2004/02/skos/core#"
OWL = "http://www.w3.org/2002/07/owl#"
SSSOM = "https://w3id.org/sssom/"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a release of the built-in facts."""
    path, _ = publish([folder("facts")], tmp_path_factory.mktemp("sssom"), base=DEFAULT_BASE)
    assert path is not None
    return path


def graph(path: Path) -> list[ox.Quad]:
    return list(ox.parse(path=str(path), format=ox.RdfFormat.TURTLE))


def test_the_table_is_the_authority(release: Path) -> None:
    """All that was decided on a record of the facts, and only with marks added to events."""
    rows = read_table((release / TSV_FILE).read_text(encoding="utf-8"), DEFAULT_BASE)
    own = read_links(folder("mappings") / "wikidata.sssom.tsv")
    assert len(rows) == len(own)
    for row, one in zip(rows, own, strict=True):
        for column in COLUMNS:
            text = getattr(row, column).removeprefix("described: ")
            assert text == getattr(one, column), column
    assert len({row.origin for row in rows}) == len(rows)


def test_what_names_an_event_has_its_mark(release: Path) -> None:
    rows = read_table((release / TSV_FILE).read_text(encoding="utf-8"), DEFAULT_BASE)
    [event] = [row for row in rows if row.subject_id.startswith("kg:event/")]
    assert event.subject_label.startswith("described: ")
    assert event.object_label.startswith("described: ")


def test_the_metadata_say_what_the_table_needs(release: Path) -> None:
    lines = (release / TSV_FILE).read_text(encoding="utf-8").splitlines()
    head = yaml.safe_load("\n".join(line[1:] for line in lines if line.startswith("#")))
    assert head["curie_map"]["kg"] == f"{DEFAULT_BASE}id/"
    assert head["mapping_set_id"] == f"{DEFAULT_BASE}links"
    assert head["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert len(head["mapping_set_version"]) == 16
    own = [line for line in lines if not line.startswith("#")]
    used = set()
    for row in csv.DictReader(own, delimiter="\t"):
        for column in ("subject_id", "predicate_id", "object_id", "author_id"):
            used.add(row[column].partition(":")[0])
    used |= {one["property"].partition(":")[0] for one in head["extension_definitions"]}
    used |= {one["type_hint"].partition(":")[0] for one in head["extension_definitions"]}
    assert used <= head["curie_map"].keys()


def test_turtle_says_the_same_without_blank_nodes(release: Path) -> None:
    quads = graph(release / TURTLE_FILE)
    assert not any(isinstance(term, ox.BlankNode) for q in quads for term in (q.subject, q.object))
    rows = read_table((release / TSV_FILE).read_text(encoding="utf-8"), DEFAULT_BASE)
    axioms = {q.subject for q in quads if q.object == ox.NamedNode(f"{OWL}Axiom")}
    assert {one.value for one in axioms} == {row.origin for row in rows}
    stored = ox.parse(dump(release, "graphs/links.nq"), format=ox.RdfFormat.N_QUADS)
    assert {one.value for one in axioms} <= {
        q.subject.value for q in stored if isinstance(q.subject, ox.NamedNode)
    }
    refused = {q.subject for q in quads if q.object == ox.NamedNode(f"{SSSOM}NegatedPredicate")}
    assert len(refused) == sum(row.decision == "refused" for row in rows) > 0


def test_only_what_was_accepted_is_a_match(release: Path) -> None:
    """Never `owl:sameAs`, and no refusal or missing item as a match."""
    rows = read_table((release / TSV_FILE).read_text(encoding="utf-8"), DEFAULT_BASE)
    quads = graph(release / TURTLE_FILE)
    assert not [q for q in quads if q.predicate.value == f"{OWL}sameAs"]
    matches = {
        (q.subject.value, q.predicate.value, q.object.value)
        for q in quads
        if q.predicate.value.startswith(SKOS)
    }
    stored = list(ox.parse(dump(release, "graphs/links.nq"), format=ox.RdfFormat.N_QUADS))
    published = {(q.subject.value, q.predicate.value, q.object.value) for q in stored}
    assert {one for one in published if one[1].startswith(SKOS)} == matches
    assert {one for one in published if one[1].endswith("sameAs")} == {
        (one, "https://schema.org/sameAs", other)
        for one, predicate, other in matches
        if predicate == f"{SKOS}exactMatch"
    }
    assert matches == {
        (
            f"{DEFAULT_BASE}id/{row.subject_id[3:]}",
            SKOS + row.predicate_id[5:],
            f"http://www.wikidata.org/entity/{row.object_id[3:]}",
        )
        for row in rows
        if row.decision == "match"
    }
    assert {predicate for _, predicate, _ in matches} > {f"{SKOS}exactMatch"}


def test_files_are_of_the_release_and_equal_links_give_equal_bytes(release: Path) -> None:
    entries = {entry.path: entry for entry in read_manifest(release).files}
    assert entries[TSV_FILE].media_type == "text/tab-separated-values"
    assert entries[TURTLE_FILE].media_type == "text/turtle"
    rows = read_table((release / TSV_FILE).read_text(encoding="utf-8"), DEFAULT_BASE)
    about = {
        "base": DEFAULT_BASE,
        "title": "Chancery",
        "licence": "https://creativecommons.org/licenses/by/4.0/",
    }
    assert to_tsv(rows, **about).encode() == (release / TSV_FILE).read_bytes()


def test_what_is_suppressed_is_in_no_file(tmp_path: Path) -> None:
    path, _ = publish([folder("facts")], tmp_path, base=DEFAULT_BASE)
    assert path is not None
    assert b"Q56226" in (path / TSV_FILE).read_bytes()
    suppress.suppress(tmp_path, ["agent/kim-jong-un"], "privacy", "A test", "2026-11-27")
    for name in (TSV_FILE, TURTLE_FILE):
        data = (tmp_path / "current" / name).read_bytes()
        assert b"kim-jong-un" not in data
        assert b"Kim Jong Un" not in data.replace(b"another person: Kim Jong Un", b"")
        assert b"agent" in data


def test_a_table_with_an_open_quotation_mark_is_an_error_with_its_line(tmp_path: Path) -> None:
    own = (folder("mappings") / "wikidata.sssom.tsv").read_text(encoding="utf-8")
    path = tmp_path / "links.sssom.tsv"
    path.write_text(own.replace("\tJapan\tskos", '\t"Japan\tskos'), encoding="utf-8")
    with pytest.raises(KgErrors, match=r"links.sssom.tsv:\d+: the row cannot be read"):
        read_links(path)


REVIEWER = """\
- kind: agent
  id: ada-verma
  type: Person
  labels: {en: NAME}
  basis: Invented for a test
  as_of: "2026-11-21"
  extracted: registry-curation
"""
ROW = (
    "kg:agent/ada-verma\tAda Verma\tskos:exactMatch\t\twd:Q4115189\tA person\tperson\t"
    "semapv:ManualMappingCuration\tkg:agent/ada-verma\t\t2026-11-27\t0.9\tinvented\t\t\t\n"
)


def test_a_build_of_what_changed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Shared with the release before where no link changed, and else as of a whole build."""
    facts, links = tmp_path / "facts", tmp_path / "links.sssom.tsv"
    shutil.copytree(folder("facts"), facts)
    own = (folder("mappings") / "wikidata.sssom.tsv").read_text(encoding="utf-8")
    links.write_text(own + ROW, encoding="utf-8")
    file = facts / "reviewers.yaml"

    def built(out: str, *, full: bool = False) -> Path:
        path, _ = publish(
            [facts], tmp_path / out, base=DEFAULT_BASE, links=links, full=full, force=False
        )
        assert path is not None
        return path

    before = built("steps")
    assert b"ada-verma" not in (before / TSV_FILE).read_bytes()
    for text in (REVIEWER.replace("NAME", "Ada Verma"), REVIEWER.replace("NAME", "A. Verma"), ""):
        if text:
            file.write_text(text, encoding="utf-8")
        else:
            file.unlink()
        step, whole = built("steps"), built("whole", full=True)
        for name in (TSV_FILE, TURTLE_FILE):
            assert (step / name).read_bytes() == (whole / name).read_bytes()
            assert (b"ada-verma" in (step / name).read_bytes()) == bool(text)
        if "A. Verma" in text:
            assert (step / TSV_FILE).samefile(before / TSV_FILE)
        before = step
