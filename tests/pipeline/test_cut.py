"""Files of feeds become pieces, however they are packed; what is broken is told."""

from __future__ import annotations

import gzip
import io
import sys
import zipfile
from pathlib import Path

import pytest
import zstandard

from kg.errors import FactError
from kg.feed import Feed
from kg.pipeline import Cut, Setup, cut_file
from kg.rows import files_of

from .conftest import HEAD, call, calls, lines, reports, run


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return path


def text_of(cuts: list[Cut]) -> bytes:
    return b"".join(
        zstandard.ZstdDecompressor().decompress(Path(cut.path).read_bytes()) for cut in cuts
    )


def test_however_it_is_packed_a_file_has_the_same_rows(tmp_path: Path, feed: Feed):
    plain = calls(0, 30).encode()
    for name, data in {
        "plain.csv": plain,
        "one.csv.gz": gzip.compress(plain),
        "two.csv.gz": gzip.compress(plain[:100]) + gzip.compress(plain[100:]),
        "one.csv.zst": zstandard.compress(plain),
        "two.csv.zst": zstandard.compress(plain[:100]) + zstandard.compress(plain[100:]),
        "misnamed.csv": gzip.compress(plain),
        "mark.csv": "\ufeff".encode() + plain,
        "dos.csv": plain.replace(b"\n", b"\r\n"),
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        _, size, cuts = cut_file(tmp_path / "work", feed, path)
        assert size == len(data)
        assert text_of(cuts).replace(b"\r", b"") == plain, name
        assert [(c.form.table, c.form.header, c.first, c.line) for c in cuts] == [
            ("calls", True, True, 1)
        ]


def test_a_file_is_cut_once(tmp_path: Path, feed: Feed):
    path = tmp_path / "calls.csv"
    path.write_bytes(calls(0, 5).encode())
    first = cut_file(tmp_path / "work", feed, path)
    time = Path(first[2][0].path).stat().st_mtime_ns
    assert cut_file(tmp_path / "work", feed, path) == first
    assert Path(first[2][0].path).stat().st_mtime_ns == time


def test_long_files_are_cut_between_rows(tmp_path: Path, feed: Feed):
    path = tmp_path / "calls.csv"
    rows = [call(n, ship=f'"Two\nlines ""{n}"""') for n in range(25_000)]
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    _, _, cuts = cut_file(tmp_path / "work", feed, path)
    assert len(cuts) > 2
    assert text_of(cuts) == path.read_bytes()
    assert [cut.first for cut in cuts] == [True] + [False] * (len(cuts) - 1)
    for cut in cuts:
        text = text_of([cut]).decode()
        assert text.count('"') % 2 == 0
        assert cut.line == path.read_text(encoding="utf-8").partition(text)[0].count("\n") + 1


def test_members_of_a_zip_are_files_of_their_own(tmp_path: Path, setup: Setup, feed: Feed):
    path = zipped(
        tmp_path / "all.zip",
        b_tsv=reports(0, 6).encode(),
        a_csv=calls(0, 6).encode(),
        c_csv=calls(6, 6).encode(),
    )
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/._a.csv", b"\0\1")
        archive.writestr("folder/.hidden", b"\0\1")
    _, _, cuts = cut_file(tmp_path / "cut", feed, path)
    assert [(cut.file, cut.form.table, cut.batch) for cut in cuts] == [
        ("all.zip/a.csv", "calls", "port-calls-a"),
        ("all.zip/b.tsv", "reports", "port-calls-b"),
        ("all.zip/c.csv", "calls", "port-calls-c"),
    ]
    done = run(setup, feed, [path])
    assert (done.counts[0].records, done.counts[0].mapped) == (18, 18)


def test_the_standard_input_is_a_file(
    tmp_path: Path, setup: Setup, feed: Feed, monkeypatch: pytest.MonkeyPatch
):
    data = gzip.compress(calls(0, 8).encode())
    path = tmp_path / "stdin"
    path.write_bytes(data)
    expected = lines(run(setup, feed, [path]))

    class Input:
        buffer = io.BytesIO(data)

    monkeypatch.setattr(sys, "stdin", Input)
    assert lines(run(setup, feed, [Path("-")])) == expected
    assert not list(Path(setup.work).glob(".tmp-*"))


@pytest.mark.parametrize("spoilt", ["gzip", "zstd", "zip", "sum"])
def test_a_file_that_breaks_off_is_told(tmp_path: Path, feed: Feed, spoilt: str):
    plain = "".join(call(n) + "\n" for n in range(20_000)).encode()
    data = {
        "gzip": gzip.compress(plain)[:-2000],
        "zstd": zstandard.compress(plain)[:-200],
        "zip": zipped(tmp_path / "x.zip", a_csv=plain).read_bytes()[:-2000],
        "sum": gzip.compress(plain)[:-8] + b"12345678",
    }[spoilt]
    path = tmp_path / "calls.csv"
    path.write_bytes(data)
    with pytest.raises(FactError, match=r"calls\.csv.*cannot be read.*fetch it again"):
        cut_file(tmp_path / "work", feed, path)
    assert not list((tmp_path / "work/cut").glob("*"))


def test_a_member_of_a_zip_that_is_damaged_is_told(tmp_path: Path, feed: Feed):
    plain = "".join(call(n) + "\n" for n in range(20_000)).encode()
    path = zipped(tmp_path / "calls.zip", a_csv=plain)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(FactError, match="cannot be read to its end"):
        cut_file(tmp_path / "work", feed, path)


def test_a_zip_with_a_password_is_told(tmp_path: Path, feed: Feed):
    path = zipped(tmp_path / "calls.zip", a_csv=calls(0, 5).encode())
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + place] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(FactError, match="password"):
        cut_file(tmp_path / "work", feed, path)


def test_what_is_no_file_of_the_feed_is_told(tmp_path: Path, feed: Feed):
    for name, data, told in (
        ("empty.csv", b"", "the file is empty"),
        ("blank.csv", b"\n \n", "the file is empty"),
        ("other.csv", b"a,b\n1,2\n", "this is no file of port_calls"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n\0\0\0", "this is no file of port_calls"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(FactError, match=told) as caught:
            cut_file(tmp_path / "work", feed, path)
        assert caught.value.where.startswith(name)
    with pytest.raises(FactError, match="the file cannot be read"):
        cut_file(tmp_path / "work", feed, tmp_path / "none.csv")
    with pytest.raises(FactError, match="no such file"):
        files_of(tmp_path / "none.csv")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FactError, match="the folder has no files"):
        files_of(tmp_path / "folder")
