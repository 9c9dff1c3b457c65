"""Tables of mentions: every row has its answer, in order, and a bad one is named with its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import FactError, KgErrors
from kg.lexicon import Lexicon
from kg.linker import Linker
from kg.mentions import COLUMNS, answer_row, linked, read_mentions

LINKER = Linker(Lexicon.load())
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r"), max_size=12)


def rows(text: str) -> list[list[str]]:
    table = read_mentions(text.encode(), "in.tsv")
    pairs = linked(LINKER, table.mentions(), scattered=table.scattered)
    return [answer_row(mention, answer).split("\t") for mention, answer in pairs]


def test_columns_in_any_order_and_others_left_out() -> None:
    text = "qid\tlang\tsurface\ttype_hint\nQ1\tbn\tরাশিয়ার\tstate\nQ2\ten\tnobody\tperson\n"
    table = read_mentions(text.encode(), "in.tsv")
    assert table.ignored == ["qid"]
    first, second = rows(text)
    assert first[:3] == ["রাশিয়ার", "bn", "state"]
    assert first[5:7] == ["Q159", "Q159"]
    assert second[5:8] == ["NIL", "NIL", ""]
    assert json.loads(second[8])["reason"]
    assert json.loads(first[8])["rule"] == "inflected"


def test_a_column_type_is_a_hint_where_there_is_no_other() -> None:
    (row,) = rows("surface\tlang\ttype\nGeorgia\ten\tUS state\n")
    assert row[5] == "Q1428"
    (row,) = rows("surface\tlang\ttype\ttype_hint\nGeorgia\ten\tUS state\tstate\n")
    assert row[5] == "Q230"


@pytest.mark.parametrize("order", ["aabb", "abab", "a.a.", ".aab"])
def test_a_document_is_seen_whole_wherever_its_rows_stand(order: str) -> None:
    row = {"a": "a", "b": "b", ".": ""}
    names = ["Kim Jong Un", "Kim", "Kim", "Kim Jong Un"]
    text = "surface\tlang\ttype_hint\tdocument\n" + "".join(
        f"{name}\ten\tperson\t{row[letter]}\n" for name, letter in zip(names, order, strict=True)
    )
    full = {d for d, name in zip(order, names, strict=True) if name != "Kim" and d != "."}
    wanted = [
        "Q56226" if n != "Kim" or d in full else "NIL" for d, n in zip(order, names, strict=True)
    ]
    assert [cells[5] for cells in rows(text)] == wanted


def test_candidates_are_said() -> None:
    (row,) = rows("surface\tlang\nWashington\ten\n")
    assert json.loads(row[8])["candidates"] == ["Q61 Washington, D.C.", "Q1223 Washington"]


def test_windows_and_a_mark_of_order() -> None:
    text = "\ufeffsurface\tlang\r\nIndia\ten\r\n"
    assert rows(text)[0][5] == "Q668"


def test_an_empty_line_is_a_row_only_within() -> None:
    assert len(rows("surface\tlang\nIndia\ten")) == 1
    with pytest.raises(KgErrors, match=r"in\.tsv:2"):
        rows("surface\tlang\n\nIndia\ten\n")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"in\.tsv:1.*expected surface lang"),
        (b"surface\nx", r"in\.tsv:1.*expected surface lang"),
        (b"surface\tlang\tlang\nx", "column twice"),
        (b"surface\tlang\n\xff\ten\n", "0xff at offset 13"),
    ],
)
def test_a_table_that_cannot_be_read(data: bytes, message: str) -> None:
    with pytest.raises(FactError, match=message):
        read_mentions(data, "in.tsv")


def test_bad_rows_are_named_together() -> None:
    text = "surface\tlang\tdate\nIndia\ten\nIndia\ten\t2023-13\nIndia\ten\t2023-09\n"
    with pytest.raises(KgErrors) as caught:
        read_mentions(text.encode(), "in.tsv")
    assert [e.where for e in caught.value.errors] == ["in.tsv:2", "in.tsv:3"]


@given(st.lists(st.tuples(CELL, CELL, CELL, CELL), max_size=8))
def test_every_row_has_an_answer_in_its_place(cells: list[tuple[str, str, str, str]]) -> None:
    text = "surface\tlang\ttype_hint\tdocument\n" + "".join("\t".join(c) + "\n" for c in cells)
    found = rows(text)
    assert len(found) == len(cells)
    for row in found:
        assert len(row) == len(COLUMNS)
        json.loads(row[8])
