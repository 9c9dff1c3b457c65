"""Exports: what is written is what is served, checked while it is written."""

import io
import subprocess
from pathlib import Path

import pytest

from kg.dumps import NQ, Dumps, dump, part_path
from kg.errors import ConfigError, KgErrors, ReleaseError
from kg.export import export_dump, export_dumps
from kg.identity import ReleaseSettings
from kg.manifest import read_parts
from kg.release import write_release
from kg.vocab import graph_iri
from kg.writer import ReportFiles

BASE = "https://data.example/"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    lines = {
        graph_iri(BASE, key): [
            f'<{BASE}id/thing/t{n:05}> <urn:p:q> "{key}" <{graph_iri(BASE, key)}> .\n'
            for n in range(count)
        ]
        for key, count in (("large", 9000), ("small", 3))
    }
    return write_release(
        tmp_path / "releases",
        graphs=lines,
        inputs=(),
        settings=ReleaseSettings(base_iri=BASE, title="T", licence=""),
        report=ReportFiles(conforms=True, blocks=False, ttl="", json="", text=""),
        issues=(),
        sources=(),
        questions=(),
        ontology={},
    )


def test_all_dumps_of_the_whole_graph_are_written_with_their_sums(
    release: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    written = export_dumps(release, (), out)
    assert [path.name for path in written] == [e.path for e in Dumps(release).manifest.dumps]
    for path in written:
        assert path.read_bytes() == dump(release, path.name)
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=out, check=True)


def test_named_dumps_are_written_below_their_folder(release: Path, tmp_path: Path) -> None:
    names = ["graphs/small.ttl.gz", "graphs/large.nq.zst", "graphs/small.ttl.gz"]
    written = export_dumps(release, names, tmp_path / "out")
    assert written == [tmp_path / "out" / name for name in names[:2]]
    subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "out", check=True
    )


def test_a_second_export_keeps_the_sums_of_the_first(release: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_dumps(release, ["graph.nq", "graph.ttl"], out)
    (out / "graph.ttl").unlink()
    export_dumps(release, ["graph.nq.gz"], out)
    lines = (out / "SHA256SUMS").read_text().splitlines()
    assert [line[66:] for line in lines] == ["graph.nq", "graph.nq.gz"]
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=out, check=True)


def test_unknown_names_are_all_told_and_nothing_is_written(release: Path, tmp_path: Path) -> None:
    with pytest.raises(KgErrors) as caught:
        export_dumps(release, ["graph.zip", "graphs/nothing.nq", "graph.nq"], tmp_path / "out")
    assert [error.seen for error in caught.value.errors] == ["graph.zip", "graphs/nothing.nq"]
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigError, match="no dump of this name"):
        export_dump(release, "../manifest.json", io.BytesIO())


def test_damage_is_an_error_and_leaves_no_file(release: Path, tmp_path: Path) -> None:
    path = release / part_path(read_parts(release)[0], NQ)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"large", b"larger", 1)[:-1])
    with pytest.raises(ReleaseError, match="damaged"):
        export_dumps(release, ["graph.nq"], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_clear_error(release: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReleaseError, match="cannot be written"):
        export_dumps(release, ["graph.nq"], tmp_path / "file")


def test_dumps_without_a_checksum_are_checked_by_their_parts(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kg.dumps.UNSUMMED", 1)
    (release / "SHA256SUMS").chmod(0o644)
    lines = (release / "SHA256SUMS").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.endswith("  graph.nq\n")]
    (release / "SHA256SUMS").write_text("".join(kept))
    [path] = export_dumps(release, ["graph.nq"], tmp_path / "out")
    assert path.read_bytes() == dump(release, "graph.nq")
    assert (tmp_path / "out/SHA256SUMS").read_text() == ""
    broken = release / part_path(read_parts(release)[0], NQ)
    broken.chmod(0o644)
    broken.write_bytes(broken.read_bytes().replace(b"large", b"small", 1))
    with pytest.raises(ReleaseError, match="damaged"):
        export_dumps(release, ["graph.nq"], tmp_path / "again")
