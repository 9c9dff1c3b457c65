"""Tables of mentions: names out of a TSV file, and what each was linked to, in the same order.

Spec: docs/reference/linking.md, "Tables"
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from kg.errors import FactError, KgErrors
from kg.linker import NIL, Answer, Linker, Mention, is_day
from kg.names import nfc

NEEDED: Final = ("surface", "lang")
OPTIONAL: Final = ("type_hint", "date", "document")
COLUMNS: Final = (*NEEDED, *OPTIONAL, "qid", "literal_qid", "confidence", "features")
BATCH: Final = 5_000
"""Rows that are linked at once, where no document ties them together."""
_ERRORS: Final = 20


class Table:
    """The rows of a TSV file of mentions.

    Attributes:
        mentions: one for each row, in order.
        ignored: columns of the file that are none of `NEEDED` and `OPTIONAL`, in their order.
    """

    def __init__(self, mentions: Sequence[Mention], ignored: Sequence[str]) -> None:
        self.mentions: Final = mentions
        self.ignored: Final = ignored


def read_mentions(data: bytes, where: str) -> Table:
    """Return the mentions of a table: UTF-8, tab-separated, the first line names the columns.

    Args:
        data: the bytes of the file.
        where: what the file is called in errors.
    Raises:
        FactError: it is not UTF-8, is empty, or has no column `surface` or `lang`, or one twice.
        KgErrors: rows with another number of cells; the first 20 of them, each with its line.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FactError(
            "the table is not UTF-8",
            where=where,
            seen=f"byte {data[error.start]:#04x} at offset {error.start}",
            expected="UTF-8",
            hint="convert it, e.g. with iconv",
        ) from None
    lines = text.split("\n")
    columns = lines[0].rstrip("\r").split("\t")
    missing = [name for name in NEEDED if name not in columns]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if missing or twice:
        raise FactError(
            "the table has not the columns that are needed"
            if missing
            else "the table has a column twice",
            where=f"{where}:1",
            seen=" ".join(columns) or "nothing",
            expected=f"{' '.join(NEEDED)}, and perhaps {' '.join(OPTIONAL)}, tab-separated",
        )
    place = {name: columns.index(name) for name in (*NEEDED, *OPTIONAL) if name in columns}
    mentions: list[Mention] = []
    errors: list[FactError] = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip("\r") and number == len(lines):
            continue
        cells = line.rstrip("\r").split("\t")
        if len(cells) != len(columns):
            errors.append(
                FactError(
                    "the row has another number of cells",
                    where=f"{where}:{number}",
                    seen=str(len(cells)),
                    expected=str(len(columns)),
                    hint="a tab within a cell has to be a space",
                )
            )
            continue
        value = {name: nfc(cells[at]).strip() for name, at in place.items()}
        if value.get("date") and not is_day(value["date"]):
            errors.append(
                FactError(
                    'column "date" is no date',
                    where=f"{where}:{number}",
                    seen=value["date"],
                    expected="YYYY, YYYY-MM or YYYY-MM-DD, or nothing",
                )
            )
            continue
        mentions.append(
            Mention(
                *(value["surface"], value["lang"], value.get("type_hint", "")),
                *(value.get("date", ""), value.get("document", "")),
            )
        )
    if errors:
        raise KgErrors(errors[:_ERRORS])
    ignored = [name for name in columns if name not in place]
    return Table(mentions, ignored)


def linked(linker: Linker, mentions: Sequence[Mention]) -> Iterator[tuple[Mention, Answer]]:
    """Yield each mention with its answer, in order; documents are seen whole."""
    if any(mention.document for mention in mentions):
        yield from zip(mentions, linker.link(mentions), strict=True)
        return
    for start in range(0, len(mentions), BATCH):
        some = mentions[start : start + BATCH]
        yield from zip(some, linker.link(some), strict=True)


def answer_rows(pairs: Iterable[tuple[Mention, Answer]]) -> Iterator[str]:
    """Yield the lines of the table of answers, the names of its columns first, without newlines.

    `qid` and `literal_qid` are identifiers or `NIL`; `features` is a JSON object with sorted keys,
    in which `candidates` has those that were left.
    """
    yield "\t".join(COLUMNS)
    for mention, answer in pairs:
        features: dict[str, object] = dict(answer.features)
        if answer.candidates:
            features["candidates"] = [f"{c.qid} {c.label}" for c in answer.candidates]
        said = json.dumps(features, ensure_ascii=False, sort_keys=True)
        yield "\t".join(
            (
                *(mention.surface, mention.lang, mention.hint, mention.date, mention.document),
                *(answer.qid or NIL, answer.literal_qid or NIL, answer.confidence, said),
            )
        )
