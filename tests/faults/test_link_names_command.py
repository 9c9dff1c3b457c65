"""The command `kg link names`, as its users call it: streams, options, exit codes, wrong use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TABLE = "surface\tlang\ttype_hint\tnumber\nKim Jong Un\ten\tperson\t1\nKim\ten\tperson\t2\n"


def kg(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kg", "link", "names", *map(str, arguments)],
        input=given,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )


def qids(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    header, *rows = done.stdout.splitlines()
    return [row.split("\t")[header.split("\t").index("qid")] for row in rows]


def test_a_file_and_standard_input_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "in.tsv"
    path.write_text(TABLE, encoding="utf-8")
    from_file, from_stdin = kg("--input", path), kg("--input", "-", given=TABLE)
    assert from_file.stdout == from_stdin.stdout
    assert qids(from_file) == ["Q56226", "NIL"]
    assert "columns left out: number" in from_file.stderr
    assert "2 names: 1 linked, 1 NIL" in from_file.stderr


def test_one_document_and_one_date() -> None:
    assert qids(kg("--input", "-", "--one-document", given=TABLE)) == ["Q56226", "Q56226"]
    table = "surface\tlang\ttype_hint\nRussia's defence minister\ten\tperson\n"
    assert qids(kg("--input", "-", "--date", "2023-09", given=table)) == ["Q32024"]
    assert qids(kg("--input", "-", given=table)) == ["NIL"]


def test_the_answer_is_json_within_a_table() -> None:
    done = kg("--input", "-", given="surface\tlang\nরাশিয়ার\tbn\n")
    *_, features = done.stdout.splitlines()[1].split("\t")
    assert json.loads(features)["rule"] == "inflected"


def test_nothing_but_columns() -> None:
    assert qids(kg("--input", "-", given="surface\tlang\n")) == []


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        (["--input", "nowhere.tsv"], "", "nowhere.tsv: the table cannot be read"),
        (["--input", "-"], "", "stdin:1: the table has not the columns"),
        (["--input", "-"], "surface\tlang\nx\n", "stdin:2: the row has another number of cells"),
        (["--input", "-", "--date", "9/2023"], "", "--date is no date; seen 9/2023"),
        ([], "", "--input"),
    ],
)
def test_wrong_use(arguments: list[str], given: str, message: str) -> None:
    done = kg(*arguments, given=given)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""
