"""A release that is written from another one is what it would be if it were written as a whole."""

import errno
import itertools
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg.dumps import NQ, bits_of, bucket_of, part_path
from kg.errors import ReleaseError
from kg.identity import ReleaseSettings
from kg.load import Change
from kg.manifest import Input, read_manifest, read_parts
from kg.release import extend_release, verify_release, write_release
from kg.vocab import CH, RDF, RDFS, XSD, graph_iri
from kg.web.search import label_languages, search
from kg.writer import Content, ReportFiles, Unfit

BASE = "https://data.example/"
SETTINGS = ReleaseSettings(base_iri=BASE, title="T", licence="https://a.example/")
VOCABULARY = graph_iri(BASE, "vocabulary")
TERMS = {
    f"<{CH}Agent> <{RDF}type> <http://www.w3.org/2002/07/owl#Class> <{VOCABULARY}> .\n",
    f'<{CH}Agent> <{RDFS}label> "Agent"@en <{VOCABULARY}> .\n',
}
GRAPHS = [graph_iri(BASE, key) for key in ("a", "b", "zebra")]


def content(version: str) -> Content:
    return Content(
        inputs=[Input(name="version", sha256=version.encode().hex().zfill(64), bytes=0)],
        report=ReportFiles(conforms=True, blocks=False, ttl="", json="{}", text="ok"),
        issues=[{"version": version}],
        sources=[],
        questions=[],
        ontology={"ontology.ttl": "# terms\n"},
    )


def write(out: Path, quads: set[str], version: str) -> Path:
    held = content(version)
    return write_release(
        out,
        graphs={graph: sorted(lines) for graph, lines in by_graph(quads | TERMS).items()},
        inputs=held.inputs,
        settings=SETTINGS,
        report=held.report,
        issues=held.issues,
        sources=held.sources,
        questions=held.questions,
        ontology=held.ontology,
    )


def by_graph(quads: set[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in quads:
        found.setdefault(line.rsplit(" ", 2)[1][1:-1], set()).add(line)
    return found


def changes(before: set[str], after: set[str]) -> Mapping[str, Change]:
    old, new = by_graph(before), by_graph(after)
    return {
        graph: Change(
            frozenset(old.get(graph, set()) - new.get(graph, set())),
            frozenset(new.get(graph, set()) - old.get(graph, set())),
        )
        for graph in old.keys() | new.keys()
        if old.get(graph) != new.get(graph)
    }


def extend(out: Path, base: Path, before: set[str], after: set[str], version: str) -> Path:
    return extend_release(out, base.name, changes(before, after), content(version), SETTINGS)


def files(release: Path) -> dict[str, bytes]:
    return {
        path.relative_to(release).as_posix(): path.read_bytes()
        for path in release.rglob("*")
        if path.is_file() and not path.relative_to(release).as_posix().startswith("store")
    }


def stored(release: Path) -> set[str]:
    return {str(quad) for quad in ox.Store.read_only(str(release / "store/quads"))}


def found(release: Path) -> tuple[object, ...]:
    index = release / "store/labels.sqlite"
    return (
        label_languages(index),
        *(search(index, text, kind=kind) for text in ("", "na", "b") for kind in ("", "agent")),
    )


NODES = st.sampled_from([f"<{BASE}id/{kind}/{n}>" for kind in ("agent", "time") for n in "abcd"])
STATEMENTS = st.one_of(
    st.builds("{} <{}type> <{}Agent>".format, NODES, st.just(RDF), st.just(CH)),
    st.builds(
        '{} <{}label> "{}"@{}'.format,
        NODES,
        st.just(RDFS),
        st.sampled_from(["name", "a name", "b", "নাম"]),
        st.sampled_from(["en", "bn"]),
    ),
    st.builds("{} <{}actsFor> {}".format, NODES, st.just(CH), NODES),
)
QUADS = st.sets(st.builds("{} <{}> .\n".format, STATEMENTS, st.sampled_from(GRAPHS)), max_size=30)


@given(st.lists(QUADS, min_size=2, max_size=4))
@settings(max_examples=40, deadline=None)
def test_any_row_of_changes_gives_what_writing_it_whole_gives(steps: list[set[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        chain, whole = Path(folder) / "chain", Path(folder) / "whole"
        last = write(chain, steps[0], "0")
        for number, (before, after) in enumerate(itertools.pairwise(steps), 1):
            earlier = files(last)
            last_but_one, last = last, extend(chain, last, before, after, str(number))
            fresh = write(whole, after, str(number))
            assert files(last) == files(fresh)
            assert stored(last) == stored(fresh)
            assert found(last) == found(fresh)
            assert verify_release(chain) == []
            assert files(last_but_one) == earlier
            assert verify_release(chain, last_but_one.name) == []


def line(graph: str, subject: int, value: int) -> str:
    return f'<{BASE}id/thing/t{subject}> <{CH}value> "{value}" <{graph}> .\n'


@pytest.mark.parametrize("sizes", [(8000, 8400), (8400, 8000), (20_000, 20_001), (1, 0), (0, 9000)])
def test_graphs_of_any_size_may_grow_and_shrink(tmp_path: Path, sizes: tuple[int, int]) -> None:
    graph = GRAPHS[1]
    before, after = ({line(graph, n, 0) for n in range(size)} for size in sizes)
    if after:
        after = after ^ {line(graph, 0, 0), line(graph, 0, 1)}
    old = write(tmp_path / "chain", before, "1")
    new = extend(tmp_path / "chain", old, before, after, "2")
    fresh = write(tmp_path / "whole", after, "2")
    assert files(new) == files(fresh)
    assert stored(new) == stored(fresh)
    assert verify_release(tmp_path / "chain") == []


def test_what_does_not_change_is_the_same_file(tmp_path: Path) -> None:
    quads = {line(graph, n, 0) for graph in GRAPHS for n in range(20_000)}
    old = write(tmp_path, quads, "1")
    new = extend(tmp_path, old, quads, quads ^ {line(GRAPHS[0], 7, 1)}, "2")
    own = [path for path in (new / "parts").iterdir() if path.stat().st_nlink == 1]
    assert len(own) == 2
    tables = list((new / "store/quads").glob("*.sst"))
    assert sum(path.stat().st_size for path in tables if path.stat().st_nlink == 1) < 20_000
    assert (new / "store/labels.sqlite").samefile(old / "store/labels.sqlite")
    assert read_manifest(new).quads == len(quads) + len(TERMS) + 1


def test_nothing_of_the_other_release_is_touched(tmp_path: Path) -> None:
    quads = {line(GRAPHS[0], n, 0) for n in range(100)}
    old = write(tmp_path, quads, "1")
    state = {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in old.rglob("*")}
    extend(tmp_path, old, quads, {line(GRAPHS[0], 1, 1)}, "2")
    assert {p: (p.stat().st_mtime_ns, p.stat().st_mode) for p in old.rglob("*")} == state
    assert verify_release(tmp_path, old.name) == []


@pytest.mark.parametrize(
    "bad",
    [
        f'<{BASE}id/agent/a> <{CH}value> "2.50"^^<{XSD}decimal> <{{}}> .\n',
        f"_:b <{CH}value> <{BASE}a> <{{}}> .\n",
        f'<{BASE}id/agent/a> <{CH}value> "open <{{}}> .\n',
    ],
)
def test_what_cannot_be_published_leaves_the_other_release(tmp_path: Path, bad: str) -> None:
    quads = {line(GRAPHS[0], 0, 0)}
    old = write(tmp_path, quads, "1")
    with pytest.raises(ReleaseError):
        extend(tmp_path, old, quads, quads | {bad.format(GRAPHS[0])}, "2")
    assert {path.name for path in tmp_path.iterdir()} == {
        ".lock",
        "current",
        "published.jsonl",
        old.name,
    }
    assert (tmp_path / "current").resolve() == old
    assert verify_release(tmp_path) == []


def test_another_vocabulary_or_a_broken_release_has_to_be_written_whole(tmp_path: Path) -> None:
    quads = {line(GRAPHS[0], 0, 0)}
    old = write(tmp_path, quads, "1")
    with pytest.raises(Unfit):
        extend(tmp_path, old, quads, quads | {line(VOCABULARY, 0, 0)}, "2")
    (old / "parts.jsonl").unlink()
    with pytest.raises(Unfit):
        extend(tmp_path, old, quads, quads | {line(GRAPHS[0], 1, 0)}, "2")


def test_a_part_that_stays_the_same_is_not_written_through(tmp_path: Path) -> None:
    """Bucket 0 of 8 and of 16 may be one file: it is the other release's too."""
    subjects = {n: f"<{BASE}id/thing/t{n}>" for n in range(200)}
    one = next(n for n, subject in subjects.items() if bucket_of(subject, 4) == 0)
    two = next(n for n, subject in subjects.items() if bucket_of(subject, 4) == 9)
    graph = GRAPHS[1]
    before = {line(graph, one, n) for n in range(1000)} | {
        line(graph, two, n) for n in range(15384)
    }
    after = before | {line(graph, two, n) for n in range(15384, 15404)}
    assert bits_of(len(before)) == 3
    assert bits_of(len(after)) == 4
    old = write(tmp_path / "chain", before, "1")
    state = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in old.rglob("*")}
    new = extend(tmp_path / "chain", old, before, after, "2")
    assert {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in old.rglob("*")} == state
    assert files(new) == files(write(tmp_path / "whole", after, "2"))
    assert verify_release(tmp_path / "chain") == verify_release(tmp_path / "chain", old.name) == []


def test_a_release_is_not_extended_from_damaged_parts(tmp_path: Path) -> None:
    quads = {line(GRAPHS[0], n, 0) for n in range(20)}
    old = write(tmp_path, quads, "1")
    [part] = [one for one in read_parts(old) if one.graph == "a"]
    path = old / part_path(part, NQ)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"0"', b'"7"', 1))
    with pytest.raises(Unfit, match="not what was published"):
        extend(tmp_path, old, quads, quads | {line(GRAPHS[0], 50, 0)}, "2")


def test_changes_of_something_else_are_refused(tmp_path: Path) -> None:
    quads = {line(GRAPHS[0], n, 0) for n in range(20)}
    old = write(tmp_path, quads, "1")
    for removed, added in ((line(GRAPHS[0], 77, 0), None), (None, line(GRAPHS[0], 3, 0))):
        change = Change(
            frozenset([removed] if removed else []), frozenset([added] if added else [])
        )
        with pytest.raises(Unfit):
            extend_release(tmp_path, old.name, {GRAPHS[0]: change}, content("2"), SETTINGS)


def test_where_files_cannot_be_shared_the_release_is_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quads = {line(GRAPHS[0], n, 0) for n in range(20)}
    old = write(tmp_path, quads, "1")

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    with pytest.raises(Unfit, match="cannot be shared"):
        extend(tmp_path, old, quads, quads | {line(GRAPHS[0], 50, 0)}, "2")
    assert verify_release(tmp_path) == []
