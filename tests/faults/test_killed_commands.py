"""Commands that are killed, with all that they started: what is published stays, and nothing else.

Other than in `test_release.py` these are the commands as users type them, with what they remember
for the next build and what they note of the past. Each dies by its own hand just before it asks the
operating system for something, which is the same in every run.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from kg.build import DEFAULT_BASE, publish
from kg.changes import read_page
from kg.manifest import read_publications
from kg.release import list_releases, rollback, verify_release

CHILD = r"""
import os, re, signal, sys

moment = re.compile(sys.argv[1])
sys.argv[1:] = sys.argv[2:]

def watch(event, arguments):
    if event.partition(".")[0] in ("import", "open", "os", "shutil", "sqlite3"):
        if moment.search(" ".join(map(str, (event, *arguments[:2], "")))):
            os.killpg(0, signal.SIGKILL)

sys.addaudithook(watch)
from kg.cli import main
main()
"""

CHANGED, WHOLE = ("build",), ("build", "--full")
ROLLBACK, PRUNE = ("release", "rollback"), ("release", "prune", "--keep", "1")

SWITCH = r"^os\.rename \S+ \S+/current "
NOTE = r"^open \S+/published\.jsonl a"
PAGE = r"^os\.rename \S+/changes/"

MOMENTS = [
    (CHANGED, r"^open \S+/\.tmp-\S+/manifest\.json "),
    (CHANGED, SWITCH),
    (CHANGED, PAGE),
    (CHANGED, NOTE),
    (CHANGED, r"^os\.rename \S+/journal\.nt\.new "),
    (CHANGED, r"^os\.rename \S+/graph\.json\.new "),
    (WHOLE, r"^open \S+/\.tmp-\S+/parts/"),
    (WHOLE, r"^os\.rename \S+/\.tmp-[0-9a-f]{64}"),
    (WHOLE, r"^os\.rename \S+/\.build/new-"),
    (WHOLE, r"^os\.rename \S+/\.build/graph-"),
    (ROLLBACK, SWITCH),
    (ROLLBACK, NOTE),
    (PRUNE, r"^shutil\.rmtree "),
]


class Begun(NamedTuple):
    """A folder with two releases, and facts that have changed since; the files of what they are."""

    out: Path
    facts: Path
    id: str
    files: dict[str, bytes]


def files(release: Path) -> dict[str, bytes]:
    """Return the files of a release but for those of its store."""
    return {
        path.relative_to(release).as_posix(): path.read_bytes()
        for path in release.rglob("*")
        if path.is_file() and not path.relative_to(release).as_posix().startswith("store")
    }


def change(facts: Path, stance: str) -> None:
    """Let the first claim have another stance."""
    path = facts / "report-000000.jsonl"
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    next(one for one in records if one["kind"] == "claim")["stance"] = stance
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_text("".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, generate: ModuleType) -> Begun:
    folder = tmp_path_factory.mktemp("begun")
    facts, out = folder / "facts", folder / "releases"
    generate.write_facts(facts, 90)
    for stance in ("denies", "questions"):
        change(facts, stance)
        publish([facts], out, base=DEFAULT_BASE)
    change(facts, "affirms")
    expected, _ = publish([facts], folder / "elsewhere", base=DEFAULT_BASE)
    assert expected is not None
    return Begun(out, facts, expected.name, files(expected))


@pytest.mark.parametrize(("command", "moment"), MOMENTS)
def test_killed_command_leaves_what_is_published_and_nothing_else(
    tmp_path: Path, begun: Begun, command: tuple[str, ...], moment: str
) -> None:
    out = tmp_path / "releases"
    shutil.copytree(begun.out, out, symlinks=True)
    old = os.readlink(out / "current")
    [before] = {path.name for path in out.iterdir() if len(path.name) == 64} - {old}
    building = command[0] == "build"
    place = ("--facts", str(begun.facts), "--out") if building else ("--releases",)
    killed = subprocess.run(
        [sys.executable, "-c", CHILD, moment, *command, *place, str(out)],
        start_new_session=True,
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert os.readlink(out / "current") in (old, begun.id if building else before)
    assert verify_release(out) == []
    publications = read_publications(out)
    assert all(read_page(out, DEFAULT_BASE, n) for n in range(len(publications)))

    if command == ROLLBACK:
        assert rollback(out, before) == before
    path, _ = publish([begun.facts], out, base=DEFAULT_BASE)
    assert path == out / begun.id
    assert files(path) == begun.files
    assert verify_release(out) == []
    assert not_releases(out) == {".build", ".lock", "changes", "current", "published.jsonl"}
    remembered = {"facts.sqlite", "graph", "graph.json", "journal.nt", "lock"}
    assert {one.name for one in (out / ".build").iterdir()} <= remembered
    assert list((out / "changes").glob("*.new")) == []
    listed = list_releases(out)
    assert [one.id for one in listed if one.current] == [begun.id]
    assert all(one.published and not one.problem for one in listed if one.id in (old, begun.id))
    publications = read_publications(out)
    assert publications[-1].id == begun.id
    for number, publication in enumerate(publications):
        page = read_page(out, DEFAULT_BASE, number)
        assert page is not None
        assert page.release == publication.id
        assert page.before == (publications[number - 1].id if number else None)
        assert page.known == bool(number)


def not_releases(out: Path) -> set[str]:
    return {path.name for path in out.iterdir() if len(path.name) != 64}
