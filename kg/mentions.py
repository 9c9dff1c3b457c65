"""Tables of mentions: names out of a TSV file, and what each was linked to, in the same order.

Spec: docs/reference/linking.md, "Tables"
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from kg.errors import FactError, KgErrors, TooLarge
from kg.linker import NIL, Answer, Linker, Mention, is_day
from kg.names import nfc

NEEDED: Final = ("surface", "lang")
OPTIONAL: Final = ("type_hint", "date", "document")
COLUMNS: Final = (*NEEDED, *OPTIONAL, "qid", "literal_qid", "confidence", "features")
LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a table that is read at most."""
BATCH: Final = 5_000
"""Rows of no document that are linked at once."""
_ERRORS: Final = 20


class Table:
    """The rows of a TSV file of mentions, all of them checked.

    Attributes:
        ignored: columns of the file that are none of `NEEDED` and `OPTIONAL`, in their order.
        size: how many rows there are.
    """

    def __init__(self, lines: Sequence[str], place: Mapping[str, int], ignored: list[str]) -> None:
        self._lines = lines
        self._place = place
        self.ignored: Final = ignored
        self.size: Final = len(lines)

    @property
    def scattered(self) -> bool:
        """Return whether the rows of a document stand apart, with others of another one between."""
        if "document" not in self._place:
            return False
        at = self._place["document"]
        named = (line.split("\t")[at].strip() for line in self._lines)
        runs = [document for document, _ in itertools.groupby(named) if document]
        return len(runs) != len(set(runs))

    def mentions(self) -> Iterator[Mention]:
        """Yield one mention for each row, in order."""
        for line in self._lines:
            cells = line.split("\t")
            value = {name: nfc(" ".join(cells[at].split())) for name, at in self._place.items()}
            yield Mention(
                *(value["surface"], value["lang"], value.get("type_hint", "")),
                *(value.get("date", ""), value.get("document", "")),
            )


def read_mentions(data: bytes, where: str) -> Table:
    """Return the mentions of a table: UTF-8, tab-separated, the first line names the columns.

    A column `type` is read as `type_hint` where there is none of that name.

    Args:
        data: the bytes of the file.
        where: what the file is called in errors.
    Raises:
        TooLarge: it has more than 256 MiB.
        FactError: it is not UTF-8, is empty, or has no column `surface` or `lang`, or one twice.
        KgErrors: rows with another number of cells, or a date that is none; the first 20 of them,
            each with its line.
    """
    if len(data) > LARGEST:
        raise TooLarge(
            "the table is too large",
            where=where,
            seen=f"more than {LARGEST:,} bytes",
            expected="no more than that",
            hint="split it; rows of one document have to stay together",
        )
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise FactError(
            "the table is not UTF-8",
            where=where,
            seen=f"byte {data[error.start]:#04x} at offset {error.start}",
            expected="UTF-8",
            hint="convert it, e.g. with iconv",
        ) from None
    if not lines[-1].strip("\r"):
        lines.pop()
    lines = [line.rstrip("\r") for line in lines]
    columns = lines[0].split("\t") if lines else []
    if "type_hint" not in columns:
        columns = ["type_hint" if name == "type" else name for name in columns]
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
    place: dict[str, int] = {
        name: columns.index(name) for name in (*NEEDED, *OPTIONAL) if name in columns
    }
    errors = list(
        itertools.islice(_errors(lines[1:], len(columns), place.get("date"), where), _ERRORS)
    )
    if errors:
        raise KgErrors(errors)
    return Table(lines[1:], place, [name for name in columns if name not in place])


def _errors(
    lines: Iterable[str], columns: int, date: int | None, where: str
) -> Iterator[FactError]:
    """Yield what is wrong with rows."""
    for number, line in enumerate(lines, 2):
        cells = line.split("\t")
        if len(cells) != columns:
            yield FactError(
                "the row has another number of cells",
                where=f"{where}:{number}",
                seen=str(len(cells)),
                expected=str(columns),
                hint="a tab within a cell has to be a space",
            )
        elif date is not None and cells[date].strip() and not is_day(cells[date].strip()):
            yield FactError(
                'column "date" is no date',
                where=f"{where}:{number}",
                seen=cells[date],
                expected="YYYY, YYYY-MM or YYYY-MM-DD, or nothing",
            )


def linked(
    linker: Linker, mentions: Iterable[Mention], *, scattered: bool
) -> Iterator[tuple[Mention, Answer]]:
    """Yield each mention with its answer, in order; the mentions of a document are seen together.

    Args:
        linker: what links them.
        mentions: what is linked.
        scattered: those of a document do not stand together, so that all are read at once.
    """
    if scattered:
        some = list(mentions)
        yield from zip(some, linker.link(some), strict=True)
        return
    for document, run in itertools.groupby(mentions, key=lambda mention: mention.document):
        while some := list(run if document else itertools.islice(run, BATCH)):
            yield from zip(some, linker.link(some), strict=True)


def answer_row(mention: Mention, answer: Answer) -> str:
    """Return a line of the table of answers, in the order of `COLUMNS`, without a newline.

    `qid` and `literal_qid` are identifiers or `NIL`; `features` is a JSON object with sorted keys,
    in which `candidates` has those that were left.
    """
    features: dict[str, object] = dict(answer.features)
    if answer.candidates:
        features["candidates"] = [f"{c.qid} {c.label}" for c in answer.candidates]
    said = json.dumps(features, ensure_ascii=False, sort_keys=True)
    return "\t".join(
        (
            *(mention.surface, mention.lang, mention.hint, mention.date, mention.document),
            *(answer.qid or NIL, answer.literal_qid or NIL, answer.confidence, said),
        )
    )
