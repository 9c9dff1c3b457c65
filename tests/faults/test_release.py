"""Releases under faults: killed builds, two builds at once, no room, no right to write.

Whatever happens, the release that was current stays whole and current, or the new one is.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kg.manifest import read_manifest
from kg.release import verify_release

CHILD = r"""
import os, resource, signal, sys
from pathlib import Path

import pyarrow.parquet
import pyoxigraph

from kg.errors import ReleaseError
from kg.manifest import Input
from kg.identity import ReleaseSettings
from kg.load import Change
from kg.release import extend_release, write_release
from kg.writer import Content, ReportFiles

out, version, fault, number = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
base = "https://data.example/"
graph = f"{base}id/graph/registry"
label = "<http://www.w3.org/2000/01/rdf-schema#label>"
lines = sorted(
    f'<{base}id/agent/{version}-{n}> {label} "Number {n} of {version}"@en <{graph}> .\n'
    for n in range(2000)
)

seen = 0
def count(event, arguments):
    global seen
    if event.partition(".")[0] in ("open", "os", "shutil", "sqlite3", "fcntl"):
        seen += 1
        if fault == "kill" and seen == number:
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "events":
            print(event, *map(str, arguments[:2]), flush=True)

if fault == "size":
    resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))
if "nobody" in fault:
    os.chdir(out.parent)
    out = Path(out.name)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(number)
        os.setuid(number)
if fault in ("kill", "events"):
    sys.addaudithook(count)
try:
    settings = ReleaseSettings(base_iri=base, title="T", licence="https://a.example/")
    content = Content(
        inputs=[Input(name="version", sha256=version.encode().hex().zfill(64), bytes=0)],
        report=ReportFiles(conforms=True, blocks=False, ttl="", json="", text=""),
        issues=[],
        sources=[],
        questions=[],
        ontology={},
    )
    if os.environ.get("EXTEND"):
        gone = [line.replace(version, "old") for line in lines[:3]]
        changes = {graph: Change(frozenset(gone), frozenset(lines[:3]))}
        release = extend_release(out, os.readlink(out / "current"), changes, content, settings)
    else:
        release = write_release(
            out,
            graphs={graph: lines},
            settings=settings,
            **{name: getattr(content, name) for name in content.__struct_fields__},
        )
except ReleaseError as error:
    sys.exit(f"ReleaseError: {error}")
if "open" in fault:
    try:
        pyoxigraph.Store(str(release / "store/quads"))
    except OSError as error:
        sys.exit(f"OSError: {error}")
"""


def child(
    out: Path, version: str, fault: str = "", number: int = 0, *, extend: bool = False
) -> "subprocess.Popen[str]":
    """Start a process that writes a release of 2000 quads.

    `extend`: from the current one, of the version "old", with three quads less and three more.
    """
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(out), version, fault, str(number)],
        env=os.environ | ({"EXTEND": "1"} if extend else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def build(out: Path, version: str, *, extend: bool = False) -> str:
    """Write a release in a process of its own and return its id."""
    process = child(out, version, extend=extend)
    _, told = process.communicate()
    assert process.returncode == 0, told
    return current(out)


def current(out: Path) -> str:
    return os.readlink(out / "current")


def names(out: Path) -> set[str]:
    """Return what lies in the folder, but for the feed of changes."""
    return {path.name for path in out.iterdir()} - {"changes"}


@pytest.fixture(scope="module", params=["whole", "extended"])
def extend(request: pytest.FixtureRequest) -> bool:
    """Whether the second release is written from the first one."""
    return bool(request.param == "extended")


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory, *, extend: bool) -> list[str]:
    """What the second build of a folder asks of the operating system, in its order.

    The child counts the audit events that Python raises just before it opens, renames, links,
    removes or locks something, and dies by its own hand at the one that it was told.
    """
    out = tmp_path_factory.mktemp("events") / "releases"
    build(out, "old")
    told, _ = child(out, "new", "events", extend=extend).communicate()
    return told.splitlines()


def switch(events: list[str]) -> int:
    """Return the number of the event that makes the new release the current one, from 1."""
    [number] = [n for n, event in enumerate(events, 1) if event.endswith("/current")]
    return number


@pytest.mark.parametrize(
    ("share", "offset"),
    [
        *((share, None) for share in range(2, 98, 8)),
        *((None, offset) for offset in (-4, -1, 0, 1, 2, 3)),
    ],
)
def test_killed_build_leaves_a_whole_release_and_the_next_build_succeeds(
    tmp_path: Path, events: list[str], share: int | None, offset: int | None, *, extend: bool
) -> None:
    """Kill at a share (%) of all that a build does, or at a distance from the switch."""
    number = len(events) * share // 100 if share is not None else switch(events) + (offset or 0)
    out = tmp_path / "releases"
    old = build(out, "old")
    process = child(out, "new", "kill", number, extend=extend)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert (current(out) == old) == (number <= switch(events))
    assert verify_release(out) == []
    assert verify_release(out, old) == []

    new = build(out, "new", extend=extend)
    assert new != old
    assert verify_release(out) == []
    assert names(out) == {".lock", "current", "published.jsonl", old, new}
    told = [json.loads(line)["id"] for line in (out / "published.jsonl").read_text().splitlines()]
    assert told == [old, new]


def test_first_build_that_is_killed_leaves_no_release(tmp_path: Path) -> None:
    out = tmp_path / "releases"
    child(out, "new", "kill", 150).communicate()
    assert not (out / "current").is_symlink()
    assert any(name.startswith(".tmp-") for name in names(out))
    new = build(out, "new")
    assert verify_release(out) == []
    assert names(out) == {".lock", "current", "published.jsonl", new}


def test_builds_at_once_take_turns(tmp_path: Path) -> None:
    out = tmp_path / "releases"
    processes = [child(out, version) for version in ("a", "b", "c", "a")]
    for process in processes:
        _, told = process.communicate()
        assert process.returncode == 0, told
    ids = {name for name in names(out) if len(name) == 64}
    assert len(ids) == 3
    assert current(out) in ids
    for name in ids:
        assert verify_release(out, name) == []


def test_build_waits_for_the_one_that_holds_the_lock(tmp_path: Path) -> None:
    out = tmp_path / "releases"
    old = build(out, "old")
    with (out / ".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        half = out / ".tmp-half-written"
        half.mkdir()
        process = child(out, "new")
        assert process.stderr is not None
        assert "waiting" in process.stderr.readline()
        assert half.is_dir()
        assert current(out) == old
    assert process.wait() == 0
    process.communicate()
    assert current(out) != old
    assert not half.exists()


@pytest.mark.parametrize("limit", [1_000, 60_000, 100_000, 200_000])
def test_no_room_is_a_clear_error_and_leaves_the_old_release(tmp_path: Path, limit: int) -> None:
    """A limit on the size of a file fails like a full disk: in the middle of a write."""
    out = tmp_path / "releases"
    old = build(out, "old")
    sizes = [path.stat().st_size for path in (out / old).rglob("*") if path.is_file()]
    assert max(sizes) > limit
    process = child(out, "new", "size", limit)
    _, told = process.communicate()
    assert process.returncode == 1
    assert told.startswith("ReleaseError: ")
    assert "File too large" in told
    assert "what was published before is untouched" in told
    assert current(out) == old
    assert verify_release(out) == []
    assert names(out) == {".lock", "current", "published.jsonl", old}


NOBODY = 65534


@pytest.mark.parametrize("there", [True, False])
def test_folder_without_the_right_to_write_is_a_clear_error(tmp_path: Path, there: bool) -> None:
    out = tmp_path / "releases"
    old = build(out, "old") if there else ""
    (out if there else tmp_path).chmod(0o555)
    process = child(out, "new", "nobody", NOBODY)
    _, told = process.communicate()
    (out if there else tmp_path).chmod(0o755)
    assert process.returncode == 1
    assert told.startswith("ReleaseError: ")
    assert "Permission denied" in told
    assert "choose a folder that you may write to" in told
    if there:
        assert current(out) == old
        assert verify_release(out) == []
    else:
        assert list(tmp_path.iterdir()) == []


def test_folder_below_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = child(tmp_path / "file" / "releases", "new")
    _, told = process.communicate()
    assert process.returncode == 1
    assert told.startswith("ReleaseError: ")


def test_store_of_a_release_cannot_be_opened_to_write() -> None:
    """Not even by its owner: the permissions of files and folder keep the engine out."""
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is below folders of one user only
        out = Path(folder) / "releases"
        Path(folder).chmod(0o755)
        out.mkdir()
        if os.geteuid() == 0:
            os.chown(out, NOBODY, NOBODY)
        process = child(out, "new", "nobody+open", NOBODY)
        _, told = process.communicate()
        assert process.returncode == 1
        assert told.startswith("OSError: ")
        assert "Permission denied" in told
        assert verify_release(out) == []
        assert read_manifest(out / current(out)).quads == 2000
