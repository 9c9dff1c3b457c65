"""The labelled mentions of `bench/mentions.tsv`: none is linked wrongly.

They were written by somebody who had not read the linker, and are no rows to write rules for: a
miss is no failure, a wrong link is one.
"""

from __future__ import annotations

import csv
from pathlib import Path

from kg.lexicon import Lexicon
from kg.linker import Linker, Mention

ROWS = Path(__file__).parents[2] / "bench" / "mentions.tsv"


def test_no_wrong_link() -> None:
    with ROWS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    linker = Linker(Lexicon.load())
    answers = linker.link([Mention(r["surface"], r["lang"], r["type_hint"]) for r in rows])
    wrong = [
        (row["surface"], row["lang"], row["type_hint"], answer.qid)
        for row, answer in zip(rows, answers, strict=True)
        if answer.qid and answer.qid not in (row["qid"], *row["also_acceptable"].split("|"))
    ]
    assert wrong == []
    named = [a for row, a in zip(rows, answers, strict=True) if row["qid"] != "NIL"]
    assert sum(bool(a.qid) for a in named) > 0.85 * len(named)
