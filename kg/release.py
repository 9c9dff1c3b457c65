"""Publishes releases, switches between them, and checks them: the end of the write side.

A release is a folder that never changes again. It is written under a hidden name, brought to disk,
renamed, and only then made the current one by replacing a symbolic link, so that a crash at any
moment leaves the old release whole and current.

RDF that was imported (`kg.importing`) becomes a release in the same way. It alone may have blank
nodes, and nothing is claimed of it that was not said: no licence, no conformance, no description.

Spec: docs/reference/release.md
"""

import contextlib
import datetime
import fcntl
import logging
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from kg.changes import note_changes
from kg.dumps import NQ, Dumps, part_files, part_path
from kg.errors import ReleaseError
from kg.identity import ReleaseSettings, digest, identity, io_errors, release_id
from kg.load import Change, Sum, difference
from kg.manifest import (
    CURRENT,
    MANIFEST,
    PARTS,
    QUADS,
    STORE,
    STORE_SUMS,
    SUMS,
    Input,
    Manifest,
    Part,
    Publication,
    Question,
    SourceCount,
    read_manifest,
    read_parts,
    read_publications,
    write_publication,
)
from kg.parts import Cut
from kg.register import FOLDER as REGISTER
from kg.register import PENDING, Register
from kg.union import shards
from kg.writer import Content, ReportFiles, Unfit, Writer, files_in, read_sums

_log = logging.getLogger(__name__)

_TMP: Final = ".tmp-"
_ID: Final = re.compile("[0-9a-f]{64}")
_SYNCED_APART: Final = 1000
"""Files from which the whole disk is brought up to date, and not each of them."""


class ReleaseSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list of releases; `problem` says why a manifest could not be read."""

    id: str
    current: bool
    published: str | None
    quads: int | None
    triples: int | None
    problem: str = ""


# --------------------------------------------------------------------------------------------------
# Writing


def write_release(
    out: Path,
    *,
    graphs: Mapping[str, Iterable[str] | Cut],
    inputs: Sequence[Input],
    settings: ReleaseSettings,
    report: ReportFiles,
    issues: Iterable[object],
    sources: Sequence[SourceCount],
    questions: Sequence[Question],
    ontology: Mapping[str, str],
    private_graphs: frozenset[str] = frozenset(),
    force: bool = False,
) -> Path:
    """Return the folder `<out>/<id>` of the release, which is the current one from then on.

    Only one process at a time writes into `out`; another one waits. What a build that died left
    behind is removed first. A release that stands there already, whole, is not written again.

    Args:
        out: the folder of all releases; made when it is missing.
        graphs: for each graph IRI its N-Quads lines, canonical, sorted by code point, each once.
            They are read once, one graph after the other. A graph without lines is no graph. What
            is large is better given as a `Cut`, whose lines are read where its parts are written.
        inputs: from `collect_inputs`.
        issues: what was not mapped, and why, in the order in which it is to be listed: Structs or
            mappings; it may be gone through several times.
        ontology: files of the vocabulary as they are served: name (`ontology.ttl`) to text. The
            JSON-LD context is made here and added to them.
        private_graphs: graph IRIs that are served but never handed on: not in the dumps, not in
            VoID.
        force: write a release that stands already once more, and compare: a release never changes.
    Raises:
        ReleaseError: the report blocks the release; a line is not canonical N-Quads, out of order,
            in the wrong graph, or would be changed by the store; the folder cannot be written; with
            `force`, two builds of the same inputs differ.
    """
    content = Content(
        inputs=inputs,
        report=report,
        issues=issues,
        sources=sources,
        questions=questions,
        ontology=ontology,
    )
    _must_not_block(report)
    name = release_id(inputs, settings.identity())
    folder = out / name
    with locked(out):
        must_know(out, inputs, settings)
        there = stands(folder, name)
        if force or not there:
            temporary = out / f"{_TMP}{name}-{os.getpid()}"
            try:
                before = current_id(out)
                writer = Writer(
                    temporary, name, settings, private_graphs, out / before if before else None
                )
                writer.write(graphs, content)
                if there:
                    _compare(folder, temporary)
                else:
                    put(temporary, folder)
            finally:
                with contextlib.suppress(OSError):  # the next build looks for leftovers again
                    _sweep(out)
        _switch(out, name, "publish")
    return folder


def reuse_release(out: Path, inputs: Sequence[Input], settings: ReleaseSettings) -> Path | None:
    """Return the folder of the release of these inputs, made current, or None if there is none.

    A build calls this first: what conformed once conforms again, so nothing need be done.

    Raises:
        ReleaseError: the folder cannot be written.
    """
    name = release_id(inputs, settings.identity())
    with locked(out):
        must_know(out, inputs, settings)
        if not stands(out / name, name):
            return None
        _switch(out, name, "publish")
    return out / name


def extend_release(
    out: Path,
    base: str,
    changes: Mapping[str, Change],
    content: Content,
    settings: ReleaseSettings,
) -> Path:
    """Return the folder of a release that is another one with changes; it is the current one.

    It is the same as `write_release` makes of all quads, but for `store/`; what did not change is
    shared with the other release.

    Args:
        out: the folder of all releases.
        base: the id of the other release, which was made with the same settings, the same code and
            the same vocabulary.
        changes: the quads that go and come, by the IRI of their graph. What goes is there, and what
            comes is not.
        content: what there is besides quads.
    Raises:
        Unfit: it has to be written as a whole; nothing has changed.
        ReleaseError: as of `write_release`; the other release is not whole.
    """
    _must_not_block(content.report)
    name = release_id(content.inputs, settings.identity())
    with locked(out):
        must_know(out, content.inputs, settings)
        if not stands(out / name, name):
            if not stands(out / base, base):
                raise Unfit
            temporary = out / f"{_TMP}{name}-{os.getpid()}"
            try:
                writer = Writer(temporary, name, settings, frozenset(), out / base)
                writer.extend(out / base, changes, content)
                put(temporary, out / name)
            finally:
                with contextlib.suppress(OSError):  # the next build looks for leftovers again
                    _sweep(out)
        _switch(out, name, "publish")
    return out / name


def _must_not_block(report: ReportFiles) -> None:
    if report.blocks:
        raise ReleaseError(
            "the data violates the shapes, so nothing is published",
            hint="see the validation report",
        )


def must_know(out: Path, inputs: Sequence[Input], settings: ReleaseSettings) -> None:
    """Raise a ReleaseError if something was suppressed that a build does not know of.

    Args:
        out: the folder of releases; the caller holds the lock.
        inputs, settings: of the build.
    Raises:
        ReleaseError: the register of what was suppressed is not what it was.
    """
    register = Register(out)
    known = {entry.id for entry in register.entries}
    told = {one.notice for one in read_publications(out) if one.notice}
    if missing := sorted(told - known):
        raise ReleaseError(
            "the register of what was suppressed is lost, so that it could come back",
            where=str(register.folder),
            seen=f"no entry of {', '.join(missing[:3])}",
            hint="bring the folder back from a backup",
        )
    found = register.input()
    if not settings.imported and found is not None and found not in inputs:
        raise ReleaseError(
            "something was suppressed while this was built, so it is not published",
            where=str(out),
            hint="build again",
        )


def put(temporary: Path, folder: Path) -> None:
    """Bring a release that is written to disk, and to its place."""
    out = folder.parent
    _seal(temporary)
    if folder.exists():
        os.rename(folder, out / f"{_TMP}broken-{folder.name}-{os.getpid()}")
    os.rename(temporary, folder)
    _sync(out)


def _compare(old: Path, new: Path) -> None:
    """Raise a ReleaseError if two releases of the same inputs are not the same bytes."""
    before, after = (
        {
            one.path: one
            for manifest in [read_manifest(path)]
            for one in manifest.files + manifest.dumps
        }
        for path in (old, new)
    )
    paths = before.keys() | after.keys()
    if changed := sorted(path for path in paths if before.get(path) != after.get(path)):
        raise ReleaseError(
            "two builds of the same inputs differ; the one that was there is kept",
            where=str(old),
            seen=", ".join(changed),
            expected="the same bytes",
            hint="see `kg release verify`; if that finds nothing, please report this",
        )


# --------------------------------------------------------------------------------------------------
# The folder of all releases


def find_release(out: Path, name: str | None = None) -> Path:
    """Return the folder of a release.

    Args:
        name: an id or the beginning of one; by default the current release.
    Raises:
        ReleaseError: there is none, or there are several.
    """
    with io_errors(out, "the releases cannot be read"):
        return out / _resolve(out, name)


def switch_current(out: Path, name: str) -> None:
    """Make the release `name` the current one: at once, or not at all.

    Args:
        name: an id or the beginning of one.
    Raises:
        ReleaseError: there is no such release, it is not whole, or the folder cannot be written.
    """
    with locked(out):
        _switch(out, _whole(out, name), "publish")


def rollback(out: Path, name: str | None = None) -> str:
    """Return the id of the release that is current again.

    Args:
        name: an id or the beginning of one; by default the release that was current before.
    Raises:
        ReleaseError: there is no such release, it is not whole, or the folder cannot be written.
    """
    with locked(out):
        if name is None:
            there = set(release_ids(out)) - {current_id(out)}
            earlier = [one for one in _way_back(out) if one in there]
            if not earlier:
                raise ReleaseError("there is no earlier release to go back to", where=str(out))
            name = earlier[-1]
        found = _whole(out, name)
        _switch(out, found, "rollback")
    return found


def prune(out: Path, keep: int) -> tuple[str, ...]:
    """Return the ids of the releases that were removed: all but the newest `keep`, oldest first.

    The current release is always kept, beyond `keep` if it has to be.

    Raises:
        ReleaseError: `keep` is below 1, or the folder cannot be written.
    """
    if keep < 1:
        raise ReleaseError("at least one release is kept", seen=str(keep), expected="1 or more")
    with locked(out):
        current = current_id(out)
        removed = [one for one in release_ids(out)[:-keep] if one != current]
        set_aside(out, removed)
    return tuple(removed)


def list_releases(out: Path) -> tuple[ReleaseSummary, ...]:
    """Return every release in the folder, the one that was published last first.

    Raises:
        ReleaseError: the folder cannot be read.
    """
    with io_errors(out, "the releases cannot be listed"):
        current = current_id(out)
        published = {one.id: one.time for one in read_publications(out)}
        found = []
        for name in reversed(release_ids(out)):
            quads = triples = None
            problem = ""
            try:
                manifest = read_manifest(out / name)
                quads, triples = manifest.quads, manifest.triples
            except ReleaseError as error:
                problem = str(error)
            found.append(
                ReleaseSummary(
                    id=name,
                    current=name == current,
                    published=published.get(name),
                    quads=quads,
                    triples=triples,
                    problem=problem,
                )
            )
    return tuple(found)


def verify_release(out: Path, name: str | None = None) -> list[str]:
    """Return what is wrong with a release, sorted by file; an empty list if nothing is.

    Every byte is compared with the manifest and with `store.sha256`, the id with the inputs that
    the manifest names, and the quads of the store with those of the parts.

    Args:
        name: an id or the beginning of one; by default the current release.
    Raises:
        ReleaseError: there is no such release.
    """
    with io_errors(out, "the release cannot be read"):
        found = _resolve(out, name)
        folder = out / found
        try:
            manifest = read_manifest(folder)
        except ReleaseError as error:
            return [str(error)]
        problems = []
        said = identity(
            manifest.base_iri,
            manifest.title,
            manifest.licence,
            manifest.agent,
            manifest.time,
            manifest.versions,
            manifest.options,
        )
        if manifest.id != found or release_id(manifest.inputs, said) != found:
            problems.append(f"{MANIFEST}: the id is not that of the inputs and settings in it")
        sums, broken = read_sums(folder)
        problems += broken
        expected = {entry.path: (entry.bytes, entry.sha256) for entry in manifest.files}
        parts: tuple[Part, ...] = ()
        try:
            parts = read_parts(folder)
        except ReleaseError as error:
            broken.append(str(error))  # the file is told of below
        for part in parts:
            expected |= {path: (size, sha256) for path, size, sha256 in part_files(part)}
        present = set(files_in(folder, everything=True))
        damaged = set()
        for path in sorted(expected.keys() | sums.keys()):
            if path not in present:
                damaged.add(path)
                problems.append(f"{path}: the file is missing")
                continue
            if (folder / path).is_symlink():
                damaged.add(path)
                problems.append(f"{path}: a symbolic link stands in its place")
                continue
            size, sha256 = digest(folder / path)
            if (size, sha256) != expected.get(path, (size, sums.get(path))):
                damaged.add(path)
                problems.append(f"{path}: the bytes are not those that were published")
        known = expected.keys() | sums.keys() | {MANIFEST, STORE_SUMS}
        if parts or not broken:
            problems += [f"{path}: the file is not part of the release" for path in present - known]
        disagreements = list(_disagreements(manifest, parts))
        problems += disagreements
        if not broken and not damaged and not disagreements:
            problems += _not_as_summed(folder, manifest, parts)
            if problem := _store_problem(folder, manifest, parts):
                problems.append(f"{QUADS}: {problem}")
    return sorted(problems)


def _disagreements(manifest: Manifest, parts: Sequence[Part]) -> Iterator[str]:
    """Yield what the manifest and the list of parts do not agree on."""
    found: dict[str, tuple[int, int]] = {}
    for part in parts:
        number, quads = found.get(part.graph, (0, 0))
        found[part.graph] = (number + 1, quads + part.quads)
    said = {entry.key: (entry.parts, entry.quads) for entry in manifest.graphs}
    for key in sorted(found.keys() | said.keys()):
        if found.get(key) != said.get(key):
            yield f"{PARTS}: the parts of the graph {key} are not those that the manifest counts"
    if manifest.quads != sum(entry.quads for entry in manifest.graphs):
        yield f"{MANIFEST}: the quads of the graphs do not add up"


def _not_as_summed(folder: Path, manifest: Manifest, parts: Sequence[Part]) -> Iterator[str]:
    """Yield the dumps whose checksums are not those that were published."""
    dumps = Dumps(folder, manifest, parts)
    found = dumps.checksums()
    said = dumps.sums
    for name in sorted(found.keys() | said.keys()):
        if found.get(name) != said.get(name):
            yield f"{SUMS}: {name} has another checksum"
    for entry in manifest.dumps:
        if found.get(entry.path, "") != entry.sha256:
            yield f"{MANIFEST}: {entry.path} has another checksum"


def _store_problem(folder: Path, manifest: Manifest, parts: Sequence[Part]) -> str:
    """Return what the store and the parts differ in, or nothing."""
    written, distinct = Sum(), Sum()
    for part in parts:
        written.write((folder / part_path(part, NQ)).read_bytes())
    with tempfile.TemporaryDirectory(prefix="kg-verify-") as place:
        for shard in shards(folder, parts, manifest.graphs, manifest.base_iri, place=Path(place)):
            distinct.write(shard.text)
    paths = [folder / part_path(part, NQ) for part in parts]
    return difference(folder / QUADS, paths, written, distinct)


def release_ids(out: Path) -> list[str]:
    """Return the ids of the releases that are there, as they were last published, oldest first.

    Those that were never published, because a crash came in between, stand before all others.
    """
    with contextlib.suppress(FileNotFoundError):
        there = sorted(path.name for path in out.iterdir() if _ID.fullmatch(path.name))
        publications = read_publications(out)
        last = {one.id: n for n, one in enumerate(publications) if one.action == "publish"}
        return sorted(there, key=lambda name: last.get(name, -1))
    return []


def _way_back(out: Path) -> list[str]:
    """Return the ids of what was published, oldest first; a rollback forgets what it undid."""
    way: list[str] = []
    for one in read_publications(out):
        if one.action == "rollback" and one.id in way:
            del way[way.index(one.id) + 1 :]
        else:
            way = [*(name for name in way if name != one.id), one.id]
    return way


def current_id(out: Path) -> str | None:
    """Return the id of the current release, or None before the first."""
    try:
        return Path(os.readlink(out / CURRENT)).name
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReleaseError(
            "what names the current release is not a symbolic link",
            where=str(out / CURRENT),
            hint="move it away and build again",
        ) from error


def _resolve(out: Path, name: str | None) -> str:
    """Return the one id that begins with `name`, or the current one for None.

    Raises:
        ReleaseError: there is none, or there are several.
    """
    ids = release_ids(out)
    found = [
        one for one in ids if (one == current_id(out) if name is None else one.startswith(name))
    ]
    if len(found) != 1:
        raise ReleaseError(
            f"{'several releases begin' if found else 'there is no release'} with this id"
            if name is not None
            else "there is no current release",
            where=str(out),
            seen=name or "",
            expected=f"one of {', '.join(one[:12] for one in ids)}" if ids else "",
            hint="" if ids else "build one with `kg build --out DIR`",
        )
    return found[0]


def _whole(out: Path, name: str) -> str:
    """Return the id that begins with `name` if that release can be served.

    Raises:
        ReleaseError: there is no such release, or files of it are missing.
    """
    found = _resolve(out, name)
    if not stands(out / found, found):
        raise ReleaseError(
            "the release is not whole, so it cannot become the current one",
            where=str(out / found),
            hint="see `kg release verify`",
        )
    return found


def stands(folder: Path, name: str) -> bool:
    """Return whether a release is there with every file in its full size: a quick look."""
    try:
        manifest = read_manifest(folder)
        sums, problems = read_sums(folder)
        return (
            manifest.id == name
            and not problems
            and all((folder / one.path).stat().st_size == one.bytes for one in manifest.files)
            and all(
                os.stat(f"{folder}/{path}").st_size == size
                for part in read_parts(folder)
                for path, size, _ in part_files(part)
            )
            and all((folder / path).is_file() for path in sums)
        )
    except (ReleaseError, OSError):
        return False


def replace_current(out: Path, name: str) -> None:
    """Let `current` name a release, at once or not at all, and note nothing.

    Raises:
        OSError: the folder cannot be written.
    """
    link = out / f"{_TMP}current-{os.getpid()}"
    link.symlink_to(name)
    os.replace(link, out / CURRENT)
    _sync(out)


def set_aside(out: Path, names: Iterable[str]) -> None:
    """Remove releases, and everything that was being written; the caller holds the lock.

    Raises:
        OSError: the folder cannot be written.
    """
    for name in names:
        if (out / name).exists():
            os.rename(out / name, out / f"{_TMP}removed-{name}")
    _sync(out)
    _sweep(out)


def _switch(out: Path, name: str, action: Literal["publish", "rollback"]) -> None:
    """Let `current` name a release, and note when; the caller holds the lock."""
    if current_id(out) != name:
        replace_current(out, name)
    # A crash may have come between the link and this note, so the note is looked at by itself.
    publications = read_publications(out)
    if not publications or publications[-1].id != name:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        time = now.replace("+00:00", "Z")
        before = publications[-1].id if publications else None
        if before is not None and not (out / before).is_dir():
            before = None
        # Before it is known that there is such a page: pages never change.
        note_changes(out, len(publications), before, name)
        write_publication(out, Publication(id=name, action=action, time=time))


# --------------------------------------------------------------------------------------------------
# Files


@contextlib.contextmanager
def locked(out: Path, *, pending: bool = False) -> Iterator[None]:
    """Hold the one lock under which `out` is written to, with no leftovers of a dead process.

    The kernel gives the lock back when its holder dies.

    Args:
        out: the folder of releases; made when it is missing.
        pending: whether a suppression may be under way: then it is what the lock is held for.
    Raises:
        ReleaseError: the folder cannot be written, or a suppression was interrupted.
    """
    with io_errors(out, "the release cannot be written; what was published before is untouched"):
        out.mkdir(parents=True, exist_ok=True)
        with (out / ".lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _log.warning("another process writes to %s; waiting until it is done", out)
                fcntl.flock(lock, fcntl.LOCK_EX)
            _sweep(out)
            for partial in (out / REGISTER).glob("*.new"):
                partial.unlink()
            if not pending and (out / PENDING).exists():
                raise ReleaseError(
                    "a suppression was interrupted, and comes before anything else",
                    where=str(out),
                    hint="finish it with `kg release suppress --resume`",
                )
            yield


def _sweep(out: Path) -> None:
    """Remove everything that was being written or removed when its process ended."""
    for path in out.glob(f"{_TMP}*"):
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            continue
        for folder, _, _ in os.walk(path):
            os.chmod(folder, stat.S_IRWXU)
        shutil.rmtree(path)


def _seal(folder: Path) -> None:
    """Bring every file and folder to disk, and take the right to write from files and store.

    The store's folder must not be writable either: a process that opens the store to write would
    not change its files but put new ones beside them.
    """
    folders, files = [str(folder)], list[str]()
    for parent in folders:
        for entry in os.scandir(parent):
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
                continue
            status = entry.stat(follow_symlinks=False)
            if status.st_mode & 0o222:
                os.chmod(entry.path, stat.S_IMODE(status.st_mode) & ~0o222)
            if status.st_nlink == 1:  # others were brought to disk with another release
                files.append(entry.path)
    if len(files) < _SYNCED_APART:
        for path in (*files, *reversed(folders)):
            _sync(path)
    else:
        os.sync()  # one by one it would take minutes
    for store in (folder / STORE, folder / QUADS):
        store.chmod(stat.S_IMODE(store.stat().st_mode) & ~0o222)


def _sync(path: Path | str) -> None:
    """Bring a file or a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
