"""The manifest and the record of what was published: what is written is what is read."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kg.errors import ReleaseError
from kg.manifest import (
    FORMAT,
    PUBLISHED,
    FileEntry,
    GraphEntry,
    Input,
    Manifest,
    Member,
    Part,
    Publication,
    Question,
    SourceCount,
    Statistics,
    canonical_json,
    read_manifest,
    read_parts,
    read_publications,
    write_manifest,
    write_parts,
    write_publication,
)

MANIFEST = Manifest(
    format=FORMAT,
    id="a" * 64,
    base_iri="https://chancery.example/",
    title="চ্যান্সেরি",
    licence="https://creativecommons.org/licenses/by/4.0/",
    agent="",
    time=None,
    options={"sources": "articles"},
    versions={"software": "0.1.0"},
    inputs=(Input(name="facts/a.yaml", sha256="b" * 64, bytes=3),),
    conforms=True,
    quads=1,
    triples=1,
    graphs=(
        GraphEntry(
            iri="https://chancery.example/id/graph/a",
            key="a",
            quads=1,
            parts=1,
            private=False,
        ),
    ),
    classes={"https://w3id.org/chancery/ontology#Claim": 1},
    public=Statistics(triples=1, subjects=1, entities=1, classes={}, properties={}, examples={}),
    sources=(SourceCount(id="articles", records=2, mapped=1, rejected=1),),
    questions=(
        Question(id="q", question="कौन?", keywords=("who",), query="ASK {}", description="d"),
    ),
    dumps=(
        FileEntry(
            path="graph.nq",
            media_type="application/n-quads",
            bytes=1,
            sha256="c" * 64,
            private=False,
        ),
    ),
    files=(
        FileEntry(
            path="void.ttl",
            media_type="application/n-quads",
            bytes=1,
            sha256="c" * 64,
            private=False,
        ),
    ),
)


def edited(folder: Path, **changes: Any) -> None:
    """Write the manifest with other values in it."""
    value = msgspec.to_builtins(MANIFEST) | changes
    (folder / "manifest.json").write_text(json.dumps(value), encoding="utf-8")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    assert read_manifest(tmp_path) == MANIFEST


def test_manifest_is_canonical_json(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    data = (tmp_path / "manifest.json").read_bytes()
    again = json.dumps(json.loads(data), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    assert data == again.encode() + b"\n"


def test_canonical_json_sorts_keys_at_every_level() -> None:
    assert canonical_json({"b": [{"d": 1, "c": "ক"}], "a": None}) == (
        '{"a":null,"b":[{"c":"ক","d":1}]}\n'.encode()
    )


PARTS = [
    Part(
        graph="a",
        name=f"a.{n}.0123456789abcdef",
        quads=n,
        nq_sha256="a" * 64,
        pack_sha256="b" * 64,
        members=tuple(Member(bytes=m, start=0, stop=m) for m in range(9)),
    )
    for n in range(3)
]


def test_parts_that_are_written_are_read(tmp_path: Path) -> None:
    write_parts(tmp_path, PARTS)
    assert read_parts(tmp_path) == tuple(PARTS)
    assert (tmp_path / "parts.jsonl").read_bytes().count(b"\n") == len(PARTS)


@pytest.mark.parametrize("data", [b"{}\n", b'["a"]\n', b"\xff\n"])
def test_unreadable_parts_are_an_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ReleaseError, match="list of parts cannot be read"):
        read_parts(tmp_path)
    (tmp_path / "parts.jsonl").write_bytes(data)
    with pytest.raises(ReleaseError, match="list of parts cannot be read"):
        read_parts(tmp_path)


def test_missing_manifest_says_how_to_build(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="kg build") as caught:
        read_manifest(tmp_path)
    assert caught.value.where == str(tmp_path / "manifest.json")


def test_manifest_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(ReleaseError, match="cannot be read"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"{}", b'{"format":2}', b'{"format":"1"}', b"\xff\xfe"]
)
def test_unreadable_manifest_is_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(data)
    with pytest.raises(ReleaseError, match="cannot be read"):
        read_manifest(tmp_path)


def test_later_format_asks_for_an_upgrade(tmp_path: Path) -> None:
    edited(tmp_path, format=FORMAT + 1, something_new=True)
    with pytest.raises(ReleaseError, match="upgrade chancery-kg") as caught:
        read_manifest(tmp_path)
    assert caught.value.seen == f"format {FORMAT + 1}"


def test_earlier_format_asks_for_a_build(tmp_path: Path) -> None:
    edited(tmp_path, format=FORMAT - 1)
    with pytest.raises(ReleaseError, match="build the release again"):
        read_manifest(tmp_path)


def test_unknown_field_is_an_error(tmp_path: Path) -> None:
    edited(tmp_path, surprise=1)
    with pytest.raises(ReleaseError, match="surprise"):
        read_manifest(tmp_path)


def test_publications_are_read_in_the_order_they_were_written(tmp_path: Path) -> None:
    first = Publication(id="a" * 64, action="publish", time="2023-10-18T00:00:00Z")
    second = Publication(id="b" * 64, action="rollback", time="2023-10-19T00:00:00Z")
    assert read_publications(tmp_path) == ()
    write_publication(tmp_path, first)
    write_publication(tmp_path, second)
    assert read_publications(tmp_path) == (first, second)


def test_a_line_that_a_crash_cut_off_costs_no_other_line(tmp_path: Path) -> None:
    first = Publication(id="a" * 64, action="publish", time="2023-10-18T00:00:00Z")
    second = Publication(id="b" * 64, action="publish", time="2023-10-19T00:00:00Z")
    write_publication(tmp_path, first)
    with (tmp_path / PUBLISHED).open("ab") as file:
        file.write(canonical_json(second)[:20])
    assert read_publications(tmp_path) == (first,)
    write_publication(tmp_path, second)
    assert read_publications(tmp_path) == (first, second)


def test_list_of_publications_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    (tmp_path / PUBLISHED).mkdir()
    with pytest.raises(ReleaseError, match="cannot be read"):
        read_publications(tmp_path)
