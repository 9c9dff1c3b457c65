"""Differences: a patch turns one release into the other; things are shown with who says so."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import diff
from kg.diff import Difference, apply_patch
from kg.dumps import NQ, bits_of, dump, part_path
from kg.errors import ReleaseError, TooLarge
from kg.identity import ReleaseSettings
from kg.manifest import Input, read_manifest, read_parts
from kg.release import write_release
from kg.vocab import CH, RDF, RDFS, graph_iri
from kg.writer import ReportFiles

BASE = "https://data.example/"
REPORT = ReportFiles(conforms=True, blocks=False, ttl="", json="", text="")


def write(
    out: Path, graphs: Mapping[str, set[str]], version: str, private: frozenset[str] = frozenset()
) -> Path:
    return write_release(
        out,
        graphs={graph: sorted(lines) for graph, lines in graphs.items()},
        inputs=[Input(name="version", sha256=version.encode().hex().zfill(64), bytes=0)],
        settings=ReleaseSettings(base_iri=BASE, title="T", licence=""),
        report=REPORT,
        issues=[],
        sources=[],
        questions=[],
        ontology={},
        private_graphs=private,
    )


def line(graph: str, subject: int, value: int) -> str:
    return f'<{BASE}id/thing/t{subject}> <{CH}value> "{value}" <{graph}> .\n'


GRAPHS = [graph_iri(BASE, key) for key in ("a", "b", "c")]
QUADS = st.sets(
    st.builds(line, st.sampled_from(GRAPHS), st.integers(0, 9), st.integers(0, 3)), max_size=40
)


def by_graph(quads: set[str]) -> dict[str, set[str]]:
    return {graph: {one for one in quads if f" <{graph}> ." in one} for graph in GRAPHS}


@given(QUADS, QUADS)
@settings(max_examples=40, deadline=None)
def test_a_patch_turns_one_release_into_the_other(before: set[str], after: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        old = write(Path(folder), by_graph(before), "1")
        new = write(Path(folder), by_graph(after), "2")
        forth, back = Difference(old, new), Difference(new, old)
        assert apply_patch(before, forth.patch()) == after
        assert apply_patch(after, back.patch()) == before
        changed = [one for one in forth.patch() if one[:2] in ("A ", "D ")]
        assert len(changed) == len(before ^ after)
        assert sum(one.removed + one.added for one in forth.counts()) == len(changed)
        told = {
            (change.graph, change.thing, value.term, change.what)
            for change in forth.things()
            for one in change.statements
            for value in one.removed + one.added
        }
        assert len(told) == len(changed)


def test_only_the_buckets_that_changed_are_read(tmp_path: Path) -> None:
    graph = GRAPHS[0]
    quads = {line(graph, n, 0) for n in range(20_000)}
    old = write(tmp_path, {graph: quads}, "1")
    new = write(tmp_path, {graph: quads ^ {line(graph, 7, 0), line(graph, 7, 1)}}, "2")
    found = Difference(old, new)
    assert bits_of(len(quads)) == 4
    assert read_manifest(new).graphs[0].parts == 16
    assert found.lines < 2 * 2000
    assert [len(one.removed) + len(one.added) for one in found.graphs()] == [2]
    shared = [
        path
        for path in (new / "parts").iterdir()
        if (old / "parts" / path.name).exists() and path.samefile(old / "parts" / path.name)
    ]
    assert len(shared) == 15 * 2


def test_a_graph_that_is_cut_otherwise_differs_only_in_what_changed(tmp_path: Path) -> None:
    graph = GRAPHS[0]
    quads = {line(graph, n, 0) for n in range(8192)}
    more = quads | {line(graph, 9000, 0)}
    old, new = write(tmp_path, {graph: quads}, "1"), write(tmp_path, {graph: more}, "2")
    assert bits_of(len(quads)) == 0
    assert bits_of(len(more)) == 3
    [change] = Difference(old, new).graphs()
    assert (change.removed, change.added) == ([], [line(graph, 9000, 0)])
    assert dump(new, "graph.nq").count(b"\n") == len(more)


def test_graphs_that_may_not_be_handed_on_are_in_no_difference(tmp_path: Path) -> None:
    one, two = ({line(graph, 0, n) for graph in GRAPHS[:2]} for n in (1, 2))
    hidden = frozenset(GRAPHS[:1])
    old = write(tmp_path, by_graph(one), "1", hidden)
    new = write(tmp_path, by_graph(two), "2", hidden)
    assert [change.graph for change in Difference(old, new).graphs()] == [GRAPHS[1]]
    assert not any(GRAPHS[0] in text for text in Difference(old, new).patch())


DOCUMENT = graph_iri(BASE, "doc")
REGISTRY = graph_iri(BASE, "registry")
PROVENANCE = graph_iri(BASE, "provenance")


def node(kind: str, key: str) -> str:
    return f"<{BASE}id/{kind}/{key}>"


def article(stance: str) -> dict[str, set[str]]:
    def quad(graph: str, *terms: str) -> str:
        return f"{' '.join(terms)} <{graph}> .\n"

    a, label = f"<{RDF}type>", f"<{RDFS}label>"
    claim, event = node("claim", "c1"), node("event", "visit")
    return {
        DOCUMENT: {
            quad(DOCUMENT, claim, label, f'"Peskov {stance}: visit"@en'),
            quad(DOCUMENT, claim, f"<{CH}about>", event),
            quad(DOCUMENT, claim, f"<{CH}claimant>", node("agent", "peskov")),
            quad(DOCUMENT, event, a, f"<{CH}Event>"),
            quad(DOCUMENT, event, label, f'"{stance} visit"@en'),
            quad(DOCUMENT, event, label, '"যাত্রা"@bn'),
        },
        REGISTRY: {
            quad(REGISTRY, node("agent", "peskov"), label, '"Dmitry Peskov"@en'),
            quad(REGISTRY, node("agent", "peskov"), label, '"দিমিত্রি পেসকভ"@bn'),
        },
        PROVENANCE: {quad(PROVENANCE, f"<{DOCUMENT}>", label, '"An article"@en')},
    }


def test_what_changed_is_shown_by_thing_with_who_says_so(tmp_path: Path) -> None:
    old, new = write(tmp_path, article("affirmed"), "1"), write(tmp_path, article("denied"), "2")
    claim, event = Difference(old, new).things()
    assert (claim.kind, claim.what, claim.source) == ("claim", "changed", "An article")
    assert claim.label == "Peskov denied: visit"
    assert event.label == "denied visit"
    assert event.said_by == ("Peskov denied: visit",)
    [label] = event.statements
    assert [value.label for value in label.removed] == ["affirmed visit"]
    assert event.to_text() == (
        "~ described: denied visit\n"
        f"    {BASE}id/event/visit\n"
        "    in: An article\n"
        "    said by: Peskov denied: visit\n"
        "    - label: described: affirmed visit (en)\n"
        "    + label: described: denied visit (en)\n"
    )


def test_what_came_and_went_is_told_from_what_changed(tmp_path: Path) -> None:
    whole = article("denied")
    less = whole | {REGISTRY: set()}
    old, new = write(tmp_path, less, "1"), write(tmp_path, whole, "2")
    [came] = Difference(old, new).things()
    [went] = Difference(new, old).things()
    assert (came.what, came.label, came.source) == ("added", "Dmitry Peskov", "registry")
    assert (went.what, went.label) == ("removed", "Dmitry Peskov")
    assert [value.shown for value in came.statements[0].added] == [
        "Dmitry Peskov (en)",
        "দিমিত্রি পেসকভ (bn)",
    ]


def test_too_much_is_refused_but_for_a_patch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diff, "MOST", 3)
    old, new = write(tmp_path, article("affirmed"), "1"), write(tmp_path, article("denied"), "2")
    with pytest.raises(TooLarge, match="by thing"):
        list(Difference(old, new).things())
    assert len(list(Difference(old, new).patch())) == 4 + 4


@pytest.mark.parametrize("bad", ["A {0}", "D {1}", "nonsense", "X {1}"])
def test_a_patch_of_other_quads_is_refused(bad: str) -> None:
    there, other = line(GRAPHS[0], 1, 1), line(GRAPHS[0], 2, 2)
    with pytest.raises(ValueError, match="no line of a patch"):
        apply_patch([there], [bad.format(there, other)])


def test_damage_is_no_difference(tmp_path: Path) -> None:
    old, new = write(tmp_path, article("affirmed"), "1"), write(tmp_path, article("denied"), "2")
    [part] = [one for one in read_parts(new) if one.graph == "doc"]
    path = new / part_path(part, NQ)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"denied", b"denies", 1))
    with pytest.raises(ReleaseError, match="not what was published"):
        list(Difference(old, new).patch())
