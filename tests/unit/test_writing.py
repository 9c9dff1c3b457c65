"""Large releases: graphs that are cut already, several processes, shards, private graphs."""

import importlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from kg import parts, union, writer
from kg.dumps import bits_of, bucket_of
from kg.errors import ReleaseError
from kg.identity import ReleaseSettings
from kg.load import load
from kg.manifest import read_manifest
from kg.parts import Cut
from kg.release import verify_release, write_release
from kg.vocab import CH, RDF, RDFS, XSD, graph_iri
from kg.writer import ReportFiles

BASE = "https://data.example/"
LARGE, SMALL, OTHER = (graph_iri(BASE, key) for key in ("large", "small", "other"))
SETTINGS = ReleaseSettings(base_iri=BASE, title="T", licence="https://a.example/")
REPORT = ReportFiles(conforms=True, blocks=False, ttl="", json="{}", text="ok")
MODULE = """
import os
import signal
import msgspec


class Files(msgspec.Struct, frozen=True):
    folder: str
    quads: int
    parent: int = 0

    def text(self, bits: int, number: int) -> str:
        if self.parent and self.parent != os.getpid():
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            with open(f"{self.folder}/{number}", encoding="utf-8", newline="\\n") as file:
                return file.read()
        except FileNotFoundError:
            return ""
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A class of what is cut, in a module that other processes can import."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code/cut_into_files.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    importlib.invalidate_caches()
    return importlib.import_module("cut_into_files").Files


def lines(graph: str, things: Iterable[int]) -> list[str]:
    found = set()
    for n in things:
        thing = f"<{BASE}id/{'agent' if n % 2 else 'event'}/t{n}>"
        found |= {
            f"{thing} <{RDF}type> <{CH}{'Agent' if n % 2 else 'Event'}> <{graph}> .\n",
            f'{thing} <{RDFS}label> "Number {n}"@en <{graph}> .\n',
            f'{thing} <{RDFS}label> "সংখ্যা {n}, \\"{n}\\""@bn <{graph}> .\n',
            f'{thing} <{CH}number> "{n}"^^<{XSD}integer> <{graph}> .\n',
            f"{thing} <{CH}next> <{BASE}id/event/t{n + 1}> <{graph}> .\n",
            f'{thing} <{CH}of> "{graph[-5:]}" <{graph}> .\n',
        }
    return sorted(found)


GRAPHS = {
    LARGE: lines(LARGE, range(1500)),
    SMALL: lines(SMALL, range(1400, 1600)),
    OTHER: lines(OTHER, range(1550, 1650)),
}


def cut(files: Any, folder: Path, some: list[str], **more: int) -> Any:
    folder.mkdir()
    bits = bits_of(len(some))
    texts: dict[int, str] = {}
    for line in some:
        number = bucket_of(line[: line.index(" ")], bits)
        texts[number] = texts.get(number, "") + line
    for number, text in texts.items():
        (folder / str(number)).write_bytes(text.encode())
    return files(str(folder), more.pop("quads", len(some)), **more)


def write(
    out: Path, graphs: Mapping[str, Iterable[str] | Cut], private: frozenset[str] = frozenset()
) -> Path:
    return write_release(
        out,
        graphs=graphs,
        inputs=(),
        settings=SETTINGS,
        report=REPORT,
        issues=(),
        sources=(),
        questions=(),
        ontology={},
        private_graphs=private,
    )


def contents(release: Path) -> dict[str, bytes]:
    return {
        path.relative_to(release).as_posix(): path.read_bytes()
        for path in release.rglob("*")
        if path.is_file() and not path.relative_to(release).as_posix().startswith("store")
    }


def in_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a small graph be worked on like a large one: in shards and by several processes."""
    monkeypatch.setattr(parts, "_APART", 0)
    monkeypatch.setattr(union, "_APART", 0)
    monkeypatch.setattr(union, "_SHARD", 300)
    monkeypatch.setattr(union, "_TASK", 500)
    for module in (parts, union):
        monkeypatch.setattr(module, "processors", lambda: 2)


@pytest.mark.parametrize("private", [(), (SMALL,), (LARGE, OTHER), (LARGE, SMALL, OTHER)])
def test_what_is_cut_and_shared_out_gives_the_same_bytes(
    tmp_path: Path, files: Any, monkeypatch: pytest.MonkeyPatch, private: tuple[str, ...]
) -> None:
    hidden = frozenset(private)
    one = write(tmp_path / "one", GRAPHS, hidden)
    in_shards(monkeypatch)
    given = GRAPHS | {LARGE: cut(files, tmp_path / "cut", GRAPHS[LARGE])}
    other = write(tmp_path / "other", given, hidden)
    assert contents(one) == contents(other)
    assert verify_release(tmp_path / "other") == []
    manifest = read_manifest(other)
    triples = {g: {line.rsplit(" <", 1)[0] for line in some} for g, some in GRAPHS.items()}
    public = set().union(*(some for g, some in triples.items() if g not in hidden))
    assert manifest.triples == len(set().union(*triples.values()))
    assert manifest.public.triples == len(public)
    assert manifest.public.subjects == len({triple.split(" ")[0] for triple in public})
    store = ox.Store.read_only(str(other / "store/quads"))
    default = store.quads_for_pattern(None, None, None, ox.DefaultGraph())
    assert {str(quad.triple) for quad in default} == set().union(*triples.values())


def test_labels_of_shards_are_in_the_same_order_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(union, "_SHARD", 300)
    one = write(tmp_path / "one", GRAPHS)
    in_shards(monkeypatch)
    other = write(tmp_path / "other", GRAPHS)
    name = "store/labels.sqlite"
    assert (one / name).read_bytes() == (other / name).read_bytes()


def test_graph_that_is_cut_may_be_small_or_empty(tmp_path: Path, files: Any) -> None:
    given = GRAPHS | {
        SMALL: cut(files, tmp_path / "small", GRAPHS[SMALL]),
        graph_iri(BASE, "empty"): cut(files, tmp_path / "empty", []),
    }
    assert contents(write(tmp_path / "one", GRAPHS)) == contents(write(tmp_path / "other", given))


WRONG = ("number", "bucket", "order", "graph", "line feed", "blank line", "literal")


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("apart", [False, True])
def test_graph_that_is_not_cut_as_it_should_is_refused(
    tmp_path: Path, files: Any, monkeypatch: pytest.MonkeyPatch, what: str, *, apart: bool
) -> None:
    source = cut(files, tmp_path / "cut", GRAPHS[LARGE])
    path = tmp_path / "cut/3"
    text = path.read_text(encoding="utf-8")
    first, second, rest = text.split("\n", 2)
    changed = {
        "number": "",
        "bucket": (tmp_path / "cut/4").read_text(encoding="utf-8"),
        "order": f"{second}\n{first}\n{rest}",
        "graph": text.replace(LARGE, OTHER),
        "line feed": text.removesuffix("\n"),
        "blank line": f"{text}\n",
        "literal": text.replace(f"^^<{XSD}integer>", f"^^<{XSD}int>"),
    }
    path.write_text(changed[what], encoding="utf-8")
    if apart:
        in_shards(monkeypatch)
    with pytest.raises(ReleaseError):
        write(tmp_path / "out", {LARGE: source})
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".lock"]


def test_process_that_is_killed_is_a_clear_error_and_leaves_nothing(
    tmp_path: Path, files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_shards(monkeypatch)
    source = cut(files, tmp_path / "cut", GRAPHS[LARGE], parent=os.getpid())
    with pytest.raises(ReleaseError, match="has been ended"):
        write(tmp_path / "out", {LARGE: source})
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".lock"]


def test_process_that_is_killed_at_a_shard_is_a_clear_error_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_shards(monkeypatch)
    monkeypatch.setattr(union, "_begin", os._exit)  # with an argument that is no number
    with pytest.raises(ReleaseError, match="has been ended"):
        write(tmp_path / "out", GRAPHS)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".lock"]


def test_store_that_holds_less_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets(folder: Path, texts: Iterable[bytes], *, blank: bool) -> None:
        load(folder, (text.partition(b"\n")[2] for text in texts), blank=blank)

    monkeypatch.setattr(writer, "load", forgets)
    with pytest.raises(ReleaseError, match="statements, the parts hold"):
        write(tmp_path / "out", GRAPHS)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".lock"]
