"""The labelled mentions of `bench/mentions*.tsv`: none is linked wrongly.

They were written by readers who had not read the linker, and are no rows to write rules for: a
miss is no failure, a wrong link is one.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from kg.lexicon import Lexicon
from kg.linker import Linker, Mention

SETS = sorted((Path(__file__).parents[2] / "bench").glob("mentions*.tsv"))


def test_there_are_three_sets() -> None:
    assert len(SETS) == 3


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_no_wrong_link(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    linker = Linker(Lexicon.load())
    answers = linker.link(
        [
            Mention(
                *(r["surface"], r["lang"], r["type_hint"]), r.get("date", ""), r.get("document", "")
            )
            for r in rows
        ]
    )
    wrong = [
        (row["surface"], row["lang"], row["type_hint"], answer.qid)
        for row, answer in zip(rows, answers, strict=True)
        if answer.qid and answer.qid not in (row["qid"], *row["also_acceptable"].split("|"))
    ]
    assert wrong == []
    named = [a for row, a in zip(rows, answers, strict=True) if row["qid"] != "NIL"]
    assert sum(bool(a.qid) for a in named) > 0.85 * len(named)
