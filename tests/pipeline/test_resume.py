"""Builds whose processes are killed: the next one goes on with what was done, to the same bytes."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from kg.errors import ReleaseError
from kg.feed import Feed
from kg.pipeline import Cut, Local, Setup, cut_file, hold, ingest, sweep

from .conftest import Build, below, calls, finish, hashes, lines, results, run, write_feed

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_feed(tmp_path_factory.mktemp("feed") / "in", files=6, rows=60)


def wait_for(out: Path, number: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many results stand, or the build has ended."""
    while process.poll() is None and len(results(out)) < number:
        time.sleep(0.005)


def test_a_killed_build_goes_on_where_it_was(tmp_path: Path, place: Path, command: Build):
    finish(command(tmp_path / "whole", place, "--processes", "1"))
    finish(command(tmp_path / "two", place, "--processes", "2"))
    expected = hashes(tmp_path / "whole")
    assert hashes(tmp_path / "two") == expected
    again = 0
    for number in (1, 4, 8):
        out = tmp_path / f"killed-{number}"
        process = command(out, place, "--processes", "2")
        wait_for(out, number, process)
        others = below(process.pid)
        process.kill()
        process.communicate()
        before = results(out)
        assert not (out / "current").exists()
        finish(command(out, place, "--processes", "2"))
        assert hashes(out) == expected
        after = results(out)
        kept = {path: state for path, state in before.items() if path in after}
        assert kept  # of the others, no piece had need in the end
        assert {path: after[path] for path in kept} == kept
        again += len(kept)
        deadline = time.monotonic() + 30
        while (left := [pid for pid in others if Path(f"/proc/{pid}").exists()]) and (
            time.monotonic() < deadline
        ):
            time.sleep(0.05)
        assert left == []
        assert not list(out.glob(".build/feeds/**/.tmp-*"))
    assert again > 8


def test_a_killed_process_of_the_pool_is_told_and_what_was_done_is_kept(
    tmp_path: Path, place: Path, command: Build
):
    out = tmp_path / "out"
    process = command(out, place, "--processes", "2")
    wait_for(out, 2, process)
    workers = [pid for pid, words in below(process.pid).items() if "spawn_main" in words]
    assert workers
    os.kill(workers[0], signal.SIGKILL)
    said = finish(process, 2)
    assert "a process that worked on a feed has been ended" in said
    assert "what was done is kept: try again" in said
    before = results(out)
    assert before
    finish(command(out, place, "--processes", "2"))
    after = results(out)
    assert any(after.get(path) == state for path, state in before.items())
    finish(command(tmp_path / "whole", place, "--processes", "1"))
    assert hashes(out) == hashes(tmp_path / "whole")


def test_one_more_file_is_all_that_is_mapped(tmp_path: Path, setup: Setup, feed: Feed):
    first = write_feed(tmp_path / "in", files=2, rows=20)
    run(setup, feed, sorted(first.iterdir()))
    mapped = Path(setup.work) / "mapped"
    before = {path: path.stat().st_mtime_ns for path in mapped.glob("*/*")}
    (first / "calls-900.csv").write_text(calls(900, 20), encoding="utf-8")
    done = run(setup, feed, sorted(first.iterdir()))
    after = {path: path.stat().st_mtime_ns for path in mapped.glob("*/*")}
    calls_of = {one.path for _, one in done.results}
    assert {path: after[path] for path in before} == before
    new = {str(path) for path in after.keys() - before.keys()}
    assert len(new & calls_of) == 1  # the file: to what the reports ask the answer is the same


def test_a_folder_of_releases_may_be_moved(tmp_path: Path, setup: Setup, feed: Feed):
    file = tmp_path / "calls.csv"
    file.write_text(calls(0, 20), encoding="utf-8")
    expected = lines(run(setup, feed, [file]))
    moved = tmp_path / "elsewhere"
    shutil.move(setup.work, moved)
    there = Setup(
        **{name: getattr(setup, name) for name in ("base", "ontology", "shapes", "mappings")},
        work=str(moved),
        states=str(moved / "states.json"),
        version=setup.version,
    )
    before = {path: path.stat().st_mtime_ns for path in moved.glob("mapped/*/*")}
    done = run(there, feed, [file])
    assert lines(done) == expected
    assert {path: path.stat().st_mtime_ns for path in before} == before
    shutil.rmtree(moved / "mapped")
    assert lines(run(there, feed, [file])) == expected


def test_pieces_that_were_spoilt_are_told(tmp_path: Path, setup: Setup, feed: Feed):
    file = tmp_path / "calls.csv.gz"
    file.write_bytes(gzip.compress(calls(0, 5).encode()))
    [cut] = cut_file(Path(setup.work), feed, file)[2]
    for spoilt in (b"", Path(cut.path).read_bytes()[:-9], b"\x28\xb5\x2f\xfd"):
        Path(cut.path).write_bytes(spoilt)
        with pytest.raises(ReleaseError, match="a piece is not what was cut"):
            ingest(setup, [(feed, [cut])], Local(1))


def test_results_that_were_spoilt_are_made_again(tmp_path: Path, setup: Setup, feed: Feed):
    file = tmp_path / "calls.csv"
    file.write_text(calls(0, 5), encoding="utf-8")
    expected = lines(run(setup, feed, [file]))
    for path in Path(setup.work).glob("[ms]*/*/*"):
        path.write_bytes(path.read_bytes()[:10])
    assert lines(run(setup, feed, [file])) == expected


def test_many_pieces_are_settled_as_few(tmp_path: Path, setup: Setup, feed: Feed):
    place = write_feed(tmp_path / "in", files=4, rows=10)
    files = sorted(place.iterdir())
    cuts: list[Cut] = []
    for file in files:
        cuts += cut_file(Path(setup.work), feed, file)[2]
    one = ingest(setup, [(feed, cuts)], Local(1))
    two = ingest(setup, [(feed, cuts)], Local(2))
    assert one == two


def test_nothing_is_swept_while_another_build_is_at_work(tmp_path: Path, setup: Setup, feed: Feed):
    file = tmp_path / "calls.csv"
    file.write_text(calls(0, 5), encoding="utf-8")
    work = Path(setup.work)
    done = run(setup, feed, [file])
    (work / ".tmp-stdin-1").write_bytes(b"")
    (work / "mapped/00").mkdir(exist_ok=True)
    (work / "mapped/00/of-another").write_bytes(b"")
    (work / "states-of-another.json").write_bytes(b"{}")
    mine, other = hold(work), hold(work)
    sweep(work, done.used, mine)
    assert (work / "mapped/00/of-another").exists()
    os.close(other)
    sweep(work, done.used, mine)
    os.close(mine)
    assert not (work / "mapped/00/of-another").exists()
    assert not (work / ".tmp-stdin-1").exists()
    assert not (work / "states-of-another.json").exists()
    assert lines(run(setup, feed, [file])) == lines(done)
