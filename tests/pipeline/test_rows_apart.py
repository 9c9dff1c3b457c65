"""A row that is bad goes alone, whatever it shares with others; none goes in silence."""

from __future__ import annotations

from typing import Any

import pytest

from kg.derive import known_sides
from kg.errors import FactError
from kg.feed import Feed, FeedScript, MapRow, Row, Scribe, Table, prelude
from kg.ingest import HIDDEN, MAPPED, Checks, Mapped, map_piece
from kg.rows import Piece, form_of
from tests.sources.feeding import BASE, SomeStates, shapes, vocabulary

TABLE = Table(id="acts", form="csv", columns=("id", "who", "what"), key=("id",))
FEED = Feed(
    id="acts",
    title="Acts",
    publisher="Office of acts",
    url="https://acts.example/",
    languages=("en",),
    licence="https://creativecommons.org/licenses/by/4.0/",
    redistribution="open",
    citation="Acts",
    retrieved="2024-03-12",
    method="Clerks write down each act.",
    machine=False,
    tables=(TABLE,),
)


def mapper(table: str, out: Scribe) -> MapRow:
    def act(row: Row) -> None:
        name, who, what = row
        place = out.known("place", ("outer",))
        if place is None:
            inner = out.place(["inner"], "Inner")
            place = out.place(["outer"], "Outer", located_in=inner)
        actor = out.agent(["a"], who, kind="Organization")
        event = out.event(name, what, "meeting", actor=actor, place=place)
        out.claim(out.record(name, f"Act {name}"), event, locator=[f"row {name}"])

    return act


def piece(*rows: str, **options: Any) -> Mapped:
    text = "\n".join(["id,who,what", *rows]).encode()
    lines = [f"{line} .\n" for line in vocabulary().lines]
    return map_piece(
        FeedScript(FEED, mapper),
        form_of(FEED, text, "acts.csv"),
        Piece(1, text),
        lambda: Scribe(FEED, BASE, "acts-file", vocabulary(), SomeStates()),
        file="acts.csv",
        first=True,
        checks=Checks(shapes(), lines + prelude(FEED, BASE)),
        **options,
    )


def aside(found: Mapped) -> list[int]:
    assert found.records == found.mapped + len(found.issues)
    return [one.row for one in found.issues]


def test_a_corrected_row_takes_the_place_of_a_bad_one() -> None:
    found = piece("1,,ok", "1,,ok", "2,A,ok", "1,A,ok", "1,B,ok")
    assert aside(found) == [2, 3, 6]
    assert [one.kind for one in found.issues] == ["rejected", "rejected", "repeated"]
    assert found.mapped == 2
    assert [name for name, *_ in found.scribe.events] == ["event/acts-2", "event/acts-1"]


def test_who_shares_what_a_bad_row_wrote_stays() -> None:
    found = piece("1,,ok", "2,A,ok", "3,A,ok")
    assert aside(found) == [2]
    assert found.mapped == 2
    assert found.report is not None
    assert not found.report.blocks


def test_the_next_one_to_write_it_may_be_bad_too() -> None:
    assert aside(piece("1,A,", "2,,ok", "3,A,ok")) == [2, 3]


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        (['1,A,5" pipe', '2,A,3" pipe', "3,A,ok"], 3),  # quotes inside of a cell that has none
        (['1,A,"ok', "2,A,ok"], 1),  # a quote that is never closed
        (['1,A,"two\nlines"', "2,A,ok"], 2),
    ],
)
def test_no_row_is_lost_in_silence(rows: list[str], left: int) -> None:
    found = piece(*rows)
    assert found.mapped == left
    assert found.records == len(rows)


def test_returns_alone_are_told() -> None:
    assert aside(piece("1,A,a\r2,A,b", "3,A,ok")) == [2]
    with pytest.raises(FactError, match="carriage returns alone"):
        form_of(FEED, b"id,who,what\r1,A,b\r", "mac.csv")


def test_what_was_suppressed_does_not_come_back_by_another_row() -> None:
    hidden = piece("1,A,ok", "2,A,ok", "3,A,ok", held=lambda name: name == "place/acts-inner")
    assert (hidden.records, hidden.mapped, hidden.issues) == (0, 0, [])
    assert not any("inner" in node for node in hidden.scribe.shared)


def test_a_record_that_is_hidden_hides_every_row_of_it() -> None:
    rows = ("1,,ok", "1,A,ok", "1,B,ok", "2,A,ok")
    for gone in ("event/acts-1", "record/acts-1", "agent/narrator-acts-1"):
        found = piece(*rows, held=lambda name, gone=gone: name == gone)
        assert (found.records, found.mapped, found.issues) == (1, 1, [])
        assert [what for _, what in found.keys] == [HIDDEN] * 3 + [MAPPED]


def test_those_of_whom_nothing_is_told_count_as_one_side() -> None:
    assert known_sides({"police", "army"}, {"police", "army"}) == {"army"}
    assert known_sides({"police", "state"}, {"police"}) == {"police", "state"}
    assert known_sides(set(), {"police"}) == set()
