"""kg.triples: every way in gives the same triples as the parser of pyoxigraph; sets and columns."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import kg.triples
from kg.errors import ConfigError, FactError
from kg.triples import BLANK, IRI, LITERAL, Loader, Triples, ends, starts

X = "https://x.example/"


def texts(data: Triples) -> set[tuple[str, str, str]]:
    return {
        (data.text(int(s)), data.text(p), data.text(int(o)))
        for p in data.predicates()
        for s, o in zip(starts(data.pairs(p)), ends(data.pairs(p)), strict=True)
    }


def parsed(text: str) -> set[tuple[str, str, str]]:
    quads = ox.parse(text.encode(), format=ox.RdfFormat.N_QUADS)
    return {(str(q.subject), str(q.predicate), str(q.object)) for q in quads}


def read(text: str, folder: Path, name: str = "a.nq") -> Triples:
    path = folder / name
    path.write_bytes(text.encode())
    loader = Loader()
    loader.add_file(path)
    return loader.triples()[0]


LINES = [
    f"<{X}a> <{X}p> <{X}b> .",
    f"<{X}a> <{X}p> <{X}b> <{X}g> .",
    f"<{X}a> <{X}p> <{X}b> _:g .",
    f'<{X}a> <{X}p> "x <{X}g>" .',
    f'<{X}a> <{X}p> "x _:g" .',
    f'<{X}a> <{X}p> "x <{X}g>"@en <{X}g> .',
    f'<{X}a> <{X}p> "x <{X}g>"^^<{X}t> .',
    f'<{X}a> <{X}p> "x <{X}g>"^^<{X}t> <{X}g> .',
    f'<{X}a> <{X}p> "a b c" <{X}g> .',
    f'<{X}a> <{X}p> "" .',
    f'<{X}a> <{X}p> "quote \\" and \\\\ and \\n" .',
    f'<{X}a> <{X}p> "\\u0995\\U0001F600 \\\'" .',
    f'<{X}a> <{X}p> "Upper"@EN-gb .',
    f'<{X}a> <{X}p> "s"^^<http://www.w3.org/2001/XMLSchema#string> .',
    f'<{X}a> <{X}p> "কিম জং উন"@bn <{X}g> .',
    f'<{X}a>  <{X}p>\t"spaced" .',
    f'<{X}a> <{X}p> "a"@en. # a comment',
    f"  <{X}a><{X}p><{X}b>.",
    f"<{X}\\u00E9> <{X}p> <{X}é> .",
    "# nothing but a comment",
    "",
    f"<{X}a> <{X}p> <{X}b> .\r",
    f'<{X}a> <{X}p> "control \\u0001 \\t \\b" .',
]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(LINES), max_size=12))
def test_lines_are_read_as_the_parser_reads_them(tmp_path: Path, lines: list[str]) -> None:
    text = "\n".join(lines)
    assert texts(read(text, tmp_path)) == parsed(text)


@pytest.mark.parametrize(
    "line",
    [
        f"<{X}a> <{X}p> <{X}b>",
        f"<{X}a> <{X}p> .",
        f"x <{X}a> <{X}p> <{X}b> .",
        f"<{X}a> <{X}p> <{X}b> <{X}g> <{X}h> .",
        f'<{X}a> <{X}p> "open .',
        f'"s" <{X}p> <{X}b> .',
        f"<{X}a> _:p <{X}b> .",
        f"<{X}a b> <{X}p> <{X}b> .",
        f'<{X}a> <{X}p> "a"^^int .',
        f'<{X}a> <{X}p> <{X}b> "g" .',
        f'<{X}a> <{X}p> "bad \\q escape" .',
    ],
)
def test_a_wrong_line_is_told_with_its_number(tmp_path: Path, line: str) -> None:
    good = f"<{X}a> <{X}p> <{X}b> .\n"
    with pytest.raises(FactError, match=r"a\.nq:4: the line is no N-Quads"):
        read(good * 3 + line + "\n" + good, tmp_path)


def test_bytes_that_are_no_utf8_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "a.nt"
    path.write_bytes(f"<{X}a> <{X}p> <{X}b> .\n<{X}a> <{X}p> ".encode() + b'"\xff" .\n')
    with pytest.raises(FactError, match=r"a\.nt:2"):
        Loader().add_file(path)


def test_blank_nodes_of_two_files_are_never_the_same(tmp_path: Path) -> None:
    loader = Loader()
    for n, name in enumerate(("a.nt", "b.ttl")):
        (tmp_path / name).write_text(f"_:x <{X}p> _:y .\n")
        loader.add_file(tmp_path / name, f"d{n}-")
    assert texts(loader.triples()[0]) == {
        ("_:d0-b0", f"<{X}p>", "_:d0-b1"),
        ("_:d1-b0", f"<{X}p>", "_:d1-b1"),
    }


def test_compressed_files_are_unpacked(tmp_path: Path) -> None:
    for name, text in (
        ("a.nt.gz", f"<{X}a> <{X}p> <{X}b> .\n"),
        ("b.ttl.gz", f"<{X}a> <{X}p> 1 ."),
    ):
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
        loader = Loader()
        loader.add_file(tmp_path / name)
        assert len(loader.triples()[0]) == 1
    (tmp_path / "c.nt.gz").write_bytes(b"not compressed")
    with pytest.raises(ConfigError, match="cannot be read"):
        Loader().add_file(tmp_path / "c.nt.gz")


# --- in processes -----------------------------------------------------------------------------


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a few lines are read by processes, in blocks of a few lines."""
    monkeypatch.setattr(kg.triples, "_LARGE", 0)
    monkeypatch.setattr(kg.triples, "_BLOCK", 300)


@pytest.mark.usefixtures("small_blocks")
def test_processes_read_what_one_reads(tmp_path: Path) -> None:
    lines = [line for n in range(4) for line in LINES] + [f"_:a <{X}p> _:b ."]
    text = "\n".join(lines)
    named = {
        tuple({"_:a": "_:b0", "_:b": "_:b1"}.get(t, t) for t in triple) for triple in parsed(text)
    }
    assert texts(read(text, tmp_path)) == named
    assert texts(read(text + "\n", tmp_path)) == named
    assert not texts(read("", tmp_path))


@pytest.mark.usefixtures("small_blocks")
def test_processes_tell_the_line_that_is_wrong(tmp_path: Path) -> None:
    good = f"<{X}a> <{X}p> <{X}b> .\n"
    with pytest.raises(FactError, match=r"a\.nq:41: the line is no N-Quads"):
        read(good * 40 + "wrong\n" + good * 40, tmp_path)


# --- sets and columns -------------------------------------------------------------------------

TERMS = [f"<{X}{n}>" for n in "abc"] + ['"a"', "_:b"]
TRIPLE = st.tuples(
    st.sampled_from(TERMS[:3]), st.sampled_from([f"<{X}p>", f"<{X}q>"]), st.sampled_from(TERMS)
)


def lines_of(triples: list[tuple[str, str, str]]) -> list[str]:
    return [" ".join(t) + " .\n" for t in triples]


@settings(deadline=None)
@given(st.lists(TRIPLE, max_size=12), st.lists(st.lists(TRIPLE, max_size=4), max_size=4))
def test_changes_leave_the_set_that_they_describe(
    begin: list[tuple[str, str, str]], changes: list[list[tuple[str, str, str]]]
) -> None:
    """Each change takes out the triples that are there, and puts in those that are not."""
    loader = Loader()
    loader.add_lines(lines_of(begin))
    data, _ = loader.triples()
    wanted = texts(data)
    for change in changes:
        turned = {t if t[2] != "_:b" else (t[0], t[1], "_:b0") for t in change}
        removed, added = turned & wanted, turned - wanted

        def numbers(triples: set[tuple[str, str, str]]) -> list[tuple[int, int]]:
            return [(data.number(p), data.number(s) << 32 | data.number(o)) for s, p, o in triples]

        data.change(numbers(removed), numbers(added))
        wanted = wanted - removed | added
        nodes = np.array(sorted(data.number(t) for t in TERMS[:2]), np.int64)
        for p in (f"<{X}p>", f"<{X}q>"):
            some = data.step(data.find(p), nodes)
            assert {
                (data.text(int(s)), data.text(int(o)))
                for s, o in zip(starts(some), ends(some), strict=True)
            } == {(s, o) for s, q, o in wanted if q == p and s in TERMS[:2]}
            back = data.step(data.find(p), nodes, inverse=True)
            assert {
                (data.text(int(o)), data.text(int(s)))
                for o, s in zip(starts(back), ends(back), strict=True)
            } == {(o, s) for s, q, o in wanted if q == p and o in TERMS[:2]}
        assert len(data) == len(wanted)
    assert texts(data) == wanted


def test_repetitions_are_counted() -> None:
    loader = Loader()
    line = f"<{X}a> <{X}p> <{X}b> "
    loader.add_lines([line + ".\n", line + f"<{X}g> .\n", line + f"<{X}h> .\n"])
    data, again = loader.triples()
    assert len(data) == 1
    assert list(again.values()) == [2]


def test_terms_have_kinds_and_tails() -> None:
    loader = Loader()
    loader.add_lines(
        [f'<{X}a> <{X}p> "a"@en .\n', f'_:b <{X}p> "1"^^<{X}t> .\n', f'_:b <{X}p> "a" .\n']
    )
    data, _ = loader.triples()
    known = {data.text(n): n for n in range(len(data.terms))}
    kinds = {text: int(data.kinds[n]) for text, n in known.items()}
    assert kinds[f"<{X}a>"] == IRI
    assert kinds["_:b0"] == BLANK
    assert kinds['"a"@en'] == LITERAL
    tails = {text: data.tail(int(data.tails[n])) for text, n in known.items()}
    assert tails['"a"@en'] == '"@en'
    assert tails[f'"1"^^<{X}t>'] == f'"^^<{X}t>'
    assert tails['"a"'] == '"'
    new = data.number('"neu"@de')
    assert data.tail(int(data.tails[new])) == '"@de'
    assert data.kinds[new] == LITERAL
