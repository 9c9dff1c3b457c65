"""What comes in is mapped or set aside with its reason, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kg.build import publish
from kg.feed import Feed
from kg.pipeline import FeedInput, Local, Setup, TooMany

from .conftest import BASE, HEAD, call, calls, lines, reports, run


def write(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_what_comes_in_goes_out_or_is_set_aside(tmp_path: Path, setup: Setup, feed: Feed):
    rows = [call(n) for n in range(20)]
    rows[3] = call(3, containers="many")
    rows[7] = "too,few"
    rows[9] = call(5)  # once more
    done = run(setup, feed, [write(tmp_path / "calls.csv", HEAD, *rows)])
    [counts] = done.counts
    assert (counts.records, counts.mapped, counts.rejected, counts.repeated) == (20, 17, 3, 1)
    assert [(one.row, one.kind) for one in done.issues()] == [
        (5, "rejected"),
        (9, "rejected"),
        (11, "repeated"),
    ]
    day, few, _ = done.issues()
    assert (day.file, day.column, day.value, day.source) == (
        "calls.csv", "containers", "many", "port_calls",
    )  # fmt: skip
    assert few.reason == "2 columns where the file has 9"


def test_a_record_that_was_in_another_file_is_set_aside(tmp_path: Path, setup: Setup, feed: Feed):
    first = write(tmp_path / "a.csv", HEAD, *(call(n) for n in range(10)))
    second = write(tmp_path / "b.csv", HEAD, *(call(n) for n in range(5, 15)))
    for engine in (Local(1), Local(2)):
        done = run(setup, feed, [first, second], engine)
        assert (done.counts[0].records, done.counts[0].mapped, done.counts[0].repeated) == (
            20,
            15,
            5,
        )
        assert {(one.file, one.kind) for one in done.issues()} == {("b.csv", "repeated")}
    whole = write(tmp_path / "c.csv", HEAD, *(call(n) for n in range(15)))
    subjects = {one.split(" ")[0] for some in lines(done).values() for one in some}
    alone = {
        one.split(" ")[0] for some in lines(run(setup, feed, [whole])).values() for one in some
    }
    assert {one for one in subjects if "/event/" in one} == {
        one for one in alone if "/event/" in one
    }


def test_a_record_that_was_bad_in_another_file_is_mapped_where_it_is_good(
    tmp_path: Path, setup: Setup, feed: Feed
):
    bad = call(3, containers="many")
    files = [
        write(tmp_path / "a.csv", HEAD, bad, *(call(n) for n in range(20, 40))),
        write(tmp_path / "b.csv", HEAD, bad, call(3), call(4)),
        write(tmp_path / "c.csv", HEAD, call(3), call(5)),
    ]
    done = run(setup, feed, files)
    assert [(one.file, one.row, one.kind) for one in done.issues()] == [
        ("a.csv", 2, "rejected"),
        ("b.csv", 2, "rejected"),
        ("c.csv", 2, "repeated"),
    ]
    assert (done.counts[0].records, done.counts[0].mapped) == (26, 23)
    names = {one.split(" ")[0].rpartition("/")[2] for some in lines(done).values() for one in some}
    assert {"port-calls-c3>", "port-calls-c4>", "port-calls-c5>"} <= names


def test_a_row_that_needs_another_one_waits_for_its_file(tmp_path: Path, setup: Setup, feed: Feed):
    told = tmp_path / "reports.tsv"
    told.write_text(reports(0, 6), encoding="utf-8")
    done = run(setup, feed, [told])
    assert (done.counts[0].mapped, done.counts[0].unresolved) == (0, 6)
    some = tmp_path / "calls.csv"
    some.write_text(calls(0, 4), encoding="utf-8")
    done = run(setup, feed, [some, told])
    assert (done.counts[0].mapped, done.counts[0].unresolved) == (8, 2)


def test_too_many_bad_rows_stop_the_build_and_are_listed(
    tmp_path: Path, mappings: Path, checkout: Path
) -> None:
    rows = [call(n, **({"containers": "many"} if n % 4 == 0 else {})) for n in range(20)]
    path = write(tmp_path / "calls.csv", HEAD, *rows)
    out = tmp_path / "out"
    with pytest.raises(TooMany) as caught:
        publish(
            [checkout / "docs/tutorial/facts"],
            out,
            base=BASE,
            sources=[FeedInput("port_calls", path)],
            engine=Local(1),
            mappings=[mappings],
        )
    assert "5 of 20 rows of port_calls cannot be mapped" in str(caught.value)
    assert "expected at most 20% of the rows" in str(caught.value)
    assert caught.value.where == "calls.csv:2"
    listed = [json.loads(x) for x in (out / "rejected/issues.jsonl").read_text().splitlines()]
    assert [(one["row"], one["column"], one["value"]) for one in listed] == [
        (n + 2, "containers", "many") for n in range(0, 20, 4)
    ]
    assert not (out / "current").exists()
    # Just as many as are allowed.
    rows[0] = call(0)
    write(path, HEAD, *rows)
    release, built = publish(
        [checkout / "docs/tutorial/facts"],
        out,
        base=BASE,
        sources=[FeedInput("port_calls", path)],
        engine=Local(1),
        mappings=[mappings],
    )
    assert release is not None
    assert built is not None
    assert built.counts[1].rejected == 4
    assert len((release / "issues.jsonl").read_text().splitlines()) == 4
