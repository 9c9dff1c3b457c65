"""Writes releases, switches between them, and checks them: the end of the write side.

A release is a folder that never changes again. It is written under a hidden name, brought to disk,
renamed, and only then made the current one by replacing a symbolic link, so that a crash at any
moment leaves the old release whole and current. All of it is text that was sorted before it came
here: serialising reads lines and writes lines, and never holds a graph in memory.

RDF that was imported (`kg.importing`) becomes a release in the same way. It alone may have blank
nodes, and nothing is claimed of it that was not said: no licence, no conformance, no description.

Spec: docs/reference/release.md; RDF 1.1 N-Quads, Turtle and TriG; JSON-LD 1.1; VoID; DCAT 3
"""

import contextlib
import datetime
import fcntl
import filecmp
import itertools
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

from kg.context import Terms, context_of
from kg.dumps import FILES, FOLDER, SUFFIXES, WHOLE, Dumps, media_type, member_path
from kg.errors import ReleaseError
from kg.identity import (
    ReleaseSettings,
    digest,
    identity,
    io_errors,
    raise_error,
    release_id,
)
from kg.labels import Labels
from kg.load import Sum, difference, load
from kg.manifest import (
    CURRENT,
    FORMAT,
    LABELS,
    MANIFEST,
    PARTS,
    QUADS,
    STORE,
    STORE_SUMS,
    SUMS,
    FileEntry,
    GraphEntry,
    Input,
    Manifest,
    Part,
    Publication,
    Question,
    SourceCount,
    canonical_json,
    read_manifest,
    read_parts,
    read_publications,
    write_manifest,
    write_parts,
    write_publication,
)
from kg.parts import Form, Parts, Union, write_ends
from kg.serialise import by_line, subjects
from kg.vocab import NAMES, graph_iri
from kg.void import Counts, describe

_log = logging.getLogger(__name__)

_TMP: Final = ".tmp-"
_ID: Final = re.compile("[0-9a-f]{64}")
_SYNCED_APART: Final = 1000
"""Files from which the whole disk is brought up to date, and not each of them."""
_MEDIA_TYPES: Final = {
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".jsonld": "application/ld+json",
    ".nq": "application/n-quads",
    ".ttl": "text/turtle",
    ".txt": "text/plain",
    ".gz": "application/gzip",
    ".zst": "application/zstd",
    "": "text/plain",
}


class ReportFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The validation report in its forms; what `blocks` is not published.

    `conforms` is None where nothing was validated. Without `html` there is no page of it.
    """

    conforms: bool | None
    blocks: bool
    ttl: str
    json: str
    text: str
    html: str = ""


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
    graphs: Mapping[str, Iterable[str]],
    inputs: Sequence[Input],
    settings: ReleaseSettings,
    report: ReportFiles,
    issues: Sequence[Mapping[str, object]],
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
            They are read once, one graph after the other. A graph without lines is no graph.
        inputs: from `collect_inputs`.
        issues: what was not mapped, and why, in the order in which it is to be listed.
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
    if report.blocks:
        raise ReleaseError(
            "the data violates the shapes, so nothing is published",
            hint="see the validation report",
        )
    name = release_id(inputs, settings.identity())
    folder = out / name
    with _locked(out):
        stands = _stands(folder, name)
        if force or not stands:
            temporary = out / f"{_TMP}{name}-{os.getpid()}"
            try:
                before = _current(out)
                writer = _Writer(
                    temporary, name, settings, private_graphs, out / before if before else None
                )
                writer.write(graphs, inputs, report, issues, sources, questions, ontology)
                if stands:
                    _compare(folder, temporary)
                else:
                    _seal(temporary)
                    if folder.exists():
                        os.rename(folder, out / f"{_TMP}broken-{name}-{os.getpid()}")
                    os.rename(temporary, folder)
                    _sync(out)
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
    with _locked(out):
        if not _stands(out / name, name):
            return None
        _switch(out, name, "publish")
    return out / name


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


class _Writer:
    """Fills the folder of one release.

    Args:
        folder: what is filled; it is made.
        name: the id of the release.
        before: the folder of the release that is current, whose files are shared where they are the
            same, or None.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        settings: ReleaseSettings,
        private: frozenset[str],
        before: Path | None,
    ) -> None:
        self._folder = folder
        self._name = name
        self._settings = settings
        self._hidden = private
        self._before = before
        self._graphs: list[GraphEntry] = []
        self._parts: list[Part] = []
        self._terms = Terms(())
        # What somebody imports may be large, so they are told what is done.
        self._say = _log.info if settings.imported else _log.debug

    def write(
        self,
        graphs: Mapping[str, Iterable[str]],
        inputs: Sequence[Input],
        report: ReportFiles,
        issues: Sequence[Mapping[str, object]],
        sources: Sequence[SourceCount],
        questions: Sequence[Question],
        ontology: Mapping[str, str],
    ) -> None:
        """Write every file of the release, the manifest last."""
        settings = self._settings
        for folder in ("parts", FOLDER, "ontology", STORE):
            (self._folder / folder).mkdir(parents=True)
        given = dict(graphs)
        vocabulary = graph_iri(settings.base_iri, "vocabulary")
        if vocabulary in given and not settings.imported:
            given[vocabulary] = lines = list(given[vocabulary])
            end = -len(f" <{vocabulary}> .\n")
            self._terms = Terms(line[:end] for line in lines)
        # In what is imported any IRI may occur, also one whose scheme is a prefix.
        context: dict[str, object] = {"id": "@id", "type": "@type"}
        if not settings.imported:
            context = context_of(settings.base_iri, self._terms)
        form = Form(settings.base_iri, settings.imported, context)
        write_ends(self._folder, form)
        self._cut(given, form)
        shared, total = self._fill()
        manifest = Manifest(
            format=FORMAT,
            id=self._name,
            base_iri=settings.base_iri,
            title=settings.title,
            licence=settings.licence,
            agent=settings.agent,
            time=settings.time,
            options=dict(settings.options),
            versions={
                **({"ontology": version} if (version := self._terms.version) else {}),
                **settings.versions,
            },
            inputs=tuple(sorted(inputs, key=lambda one: one.name)),
            conforms=report.conforms,
            quads=sum(entry.quads for entry in self._graphs),
            triples=total.triples,
            graphs=tuple(self._graphs),
            classes=dict(total.classes),
            sources=tuple(sources),
            questions=tuple(questions),
            dumps=(),
            files=(),
        )
        write_parts(self._folder, self._parts)
        dumps = self._sum_up(Dumps(self._folder, manifest, self._parts))
        texts = {
            "report.ttl": report.ttl,
            "report.json": report.json,
            "report.txt": report.text,
            **({"report.html": report.html} if report.html else {}),
            "issues.jsonl": b"".join(canonical_json(issue) for issue in issues).decode(),
            **{f"ontology/{name}": text for name, text in ontology.items()},
            "ontology/context.jsonld": f'{{"@context": {by_line(context)}}}\n',
            "void.ttl": describe(
                settings,
                self._name,
                [entry for entry in self._graphs if not entry.private],
                shared,
                dumps,
            ),
        }
        for path, text in texts.items():
            (self._folder / path).write_text(text, encoding="utf-8", newline="\n")
        _write_sums(self._folder)
        private = any(entry.private for entry in self._graphs)
        files = (self._entry(path, private=private) for path in _files(self._folder))
        write_manifest(
            self._folder, msgspec.structs.replace(manifest, dumps=dumps, files=tuple(files))
        )

    def _cut(self, given: Mapping[str, Iterable[str]], form: Form) -> None:
        """Write the parts of every graph."""
        known: dict[str, Part] = {}
        if self._before:
            with contextlib.suppress(ReleaseError):  # what cannot be read is not shared
                known = {part.name: part for part in read_parts(self._before)}
        counts: dict[str, int] = {}

        def take(part: Part) -> None:
            counts[part.graph] = counts.get(part.graph, 0) + 1
            self._parts.append(part)
            if self._before and known.get(part.name) == part:
                for suffix in FILES:
                    _share(self._before / member_path(part, suffix), self._folder)

        quads: dict[str, int] = {}
        with Parts(self._folder, form, take) as parts:
            for iri in sorted(given):
                quads[iri] = parts.add(iri, given[iri])
        for iri, number in quads.items():
            if number:
                key = parts.key(iri)
                self._graphs.append(
                    GraphEntry(
                        iri=iri,
                        key=key,
                        quads=number,
                        parts=counts[key],
                        private=iri in self._hidden,
                    )
                )

    def _fill(self) -> tuple[Counts, Counts]:
        """Write store and labels; return the counts of what is handed on, and of it all."""
        settings = self._settings
        iris = {entry.key: entry for entry in self._graphs}
        number = sum(entry.quads for entry in self._graphs)
        self._say("loading %d quads into the store", number)
        written, distinct = Sum(), Sum()
        shared = Counts(settings.base_iri)
        total = shared
        if any(entry.private for entry in self._graphs):
            total = Counts(settings.base_iri)
        names = {f"<{iri}>" for iri in NAMES} if settings.imported else set()
        with (
            Union(self._folder, number) as union,
            Labels(self._folder / LABELS, settings.base_iri, self._terms, names) as labels,
        ):

            def quads() -> Iterator[bytes]:
                for part in self._parts:
                    entry = iris[part.graph]
                    data = (self._folder / member_path(part, ".nq")).read_bytes()
                    written.write(data)
                    union.add(entry.iri, data.decode(), private=entry.private)
                    yield data

            def triples() -> Iterator[bytes]:
                for shard in union.shards():
                    for subject, pairs in subjects(shard.triples, blank=settings.imported):
                        total.add(subject, pairs)
                        labels.add(subject, pairs)
                    if total is not shared:
                        for subject, pairs in subjects(shard.public, blank=settings.imported):
                            shared.add(subject, pairs)
                    data = "".join(f"{triple} .\n" for triple in shard.triples).encode()
                    distinct.write(data)
                    yield data

            # The engine's own union gives a triple of two graphs twice, and counts it twice. So the
            # default graph of the store is the union of the others, as a set.
            texts = itertools.chain(quads(), triples())
            try:
                load(self._folder / QUADS, texts, blank=settings.imported)
            except SyntaxError as error:
                raise ReleaseError("a line is not N-Quads", seen=str(error)) from error
        if problem := difference(
            self._folder / QUADS,
            [self._folder / member_path(part, ".nq") for part in self._parts],
            written,
            distinct,
        ):
            raise ReleaseError(
                problem, hint="the mapping must emit only what the store returns unchanged"
            )
        return shared, total

    def _sum_up(self, dumps: Dumps) -> tuple[FileEntry, ...]:
        """Write `SHA256SUMS`; return the dumps of the whole graph."""
        self._say("summing up the dumps")
        sums = dumps.checksums()
        lines = (f"{sha256}  {name}\n" for name, sha256 in sums.items())
        (self._folder / SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")
        return tuple(
            FileEntry(
                path=name,
                media_type=media_type(name),
                bytes=dumps.get(name).size,
                sha256=sums[name],
                private=False,
            )
            for name in (WHOLE + suffix for suffix in SUFFIXES)
        )

    def _entry(self, path: str, *, private: bool) -> FileEntry:
        """Return the entry of one file of the release for the manifest."""
        size, sha256 = digest(self._folder / path)
        shared = path in ("void.ttl", SUMS) or path.startswith((f"{FOLDER}/", "ontology/"))
        return FileEntry(
            path=path,
            media_type=_MEDIA_TYPES[Path(path).suffix],
            bytes=size,
            sha256=sha256,
            private=private and not shared,
        )


def _share(old: Path, folder: Path) -> None:
    """Let a file of a release be that of another one, if it holds the same bytes."""
    new = folder / "parts" / old.name
    with contextlib.suppress(OSError):  # then it is there twice
        if filecmp.cmp(old, new, shallow=False):
            link = folder / f"{_TMP}link"
            os.link(old, link)
            os.replace(link, new)


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
    with _locked(out):
        _switch(out, _whole(out, name), "publish")


def rollback(out: Path, name: str | None = None) -> str:
    """Return the id of the release that is current again.

    Args:
        name: an id or the beginning of one; by default the release that was current before.
    Raises:
        ReleaseError: there is no such release, it is not whole, or the folder cannot be written.
    """
    with _locked(out):
        if name is None:
            there = set(_ids(out)) - {_current(out)}
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
    with _locked(out):
        current = _current(out)
        removed = [one for one in _ids(out)[:-keep] if one != current]
        for name in removed:
            os.rename(out / name, out / f"{_TMP}pruned-{name}")
        _sync(out)
        _sweep(out)
    return tuple(removed)


def list_releases(out: Path) -> tuple[ReleaseSummary, ...]:
    """Return every release in the folder, the one that was published last first.

    Raises:
        ReleaseError: the folder cannot be read.
    """
    with io_errors(out, "the releases cannot be listed"):
        current = _current(out)
        published = {one.id: one.time for one in read_publications(out)}
        found = []
        for name in reversed(_ids(out)):
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
        sums, broken = _read_sums(folder)
        problems += broken
        expected = {entry.path: (entry.bytes, entry.sha256) for entry in manifest.files}
        parts: tuple[Part, ...] = ()
        try:
            parts = read_parts(folder)
        except ReleaseError as error:
            broken.append(str(error))  # the file is told of below
        for part in parts:
            for suffix, member in zip(FILES, part.members, strict=True):
                expected[member_path(part, suffix)] = (member.bytes, member.sha256)
        present = set(_files(folder, everything=True))
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
        problems += _disagreements(manifest, parts)
        if not broken and not damaged:
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
        if found.get(entry.path) != entry.sha256:
            yield f"{MANIFEST}: {entry.path} has another checksum"


def _store_problem(folder: Path, manifest: Manifest, parts: Sequence[Part]) -> str:
    """Return what the store and the parts differ in, or nothing."""
    iris = {entry.key: entry.iri for entry in manifest.graphs}
    written, distinct = Sum(), Sum()
    with (
        tempfile.TemporaryDirectory(prefix="kg-verify-") as place,
        Union(Path(place), manifest.quads) as union,
    ):
        for part in parts:
            data = (folder / member_path(part, ".nq")).read_bytes()
            written.write(data)
            union.add(iris[part.graph], data.decode(), private=False)
        for shard in union.shards():
            distinct.write("".join(f"{triple} .\n" for triple in shard.triples).encode())
    paths = [folder / member_path(part, ".nq") for part in parts]
    return difference(folder / QUADS, paths, written, distinct)


def _ids(out: Path) -> list[str]:
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


def _current(out: Path) -> str | None:
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
    ids = _ids(out)
    found = [one for one in ids if (one == _current(out) if name is None else one.startswith(name))]
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
    if not _stands(out / found, found):
        raise ReleaseError(
            "the release is not whole, so it cannot become the current one",
            where=str(out / found),
            hint="see `kg release verify`",
        )
    return found


def _stands(folder: Path, name: str) -> bool:
    """Return whether a release is there with every file in its full size: a quick look."""
    try:
        manifest = read_manifest(folder)
        sums, problems = _read_sums(folder)
        return (
            manifest.id == name
            and not problems
            and all((folder / one.path).stat().st_size == one.bytes for one in manifest.files)
            and all(
                (folder / member_path(part, suffix)).stat().st_size == member.bytes
                for part in read_parts(folder)
                for suffix, member in zip(FILES, part.members, strict=True)
            )
            and all((folder / path).is_file() for path in sums)
        )
    except (ReleaseError, OSError):
        return False


def _switch(out: Path, name: str, action: Literal["publish", "rollback"]) -> None:
    """Let `current` name a release, and note when; the caller holds the lock."""
    if _current(out) != name:
        link = out / f"{_TMP}current-{os.getpid()}"
        link.symlink_to(name)
        os.replace(link, out / CURRENT)
        _sync(out)
    # A crash may have come between the link and this note, so the note is looked at by itself.
    publications = read_publications(out)
    if not publications or publications[-1].id != name:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        time = now.replace("+00:00", "Z")
        write_publication(out, Publication(id=name, action=action, time=time))


# --------------------------------------------------------------------------------------------------
# Files


@contextlib.contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Hold the one lock under which `out` is written to, with no leftovers of a dead process.

    The kernel gives the lock back when its holder dies.

    Raises:
        ReleaseError: the folder cannot be written.
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
    many = 0
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            path = Path(parent, name)
            status = path.stat()
            if status.st_mode & 0o222:
                path.chmod(stat.S_IMODE(status.st_mode) & ~0o222)
            if status.st_nlink == 1:  # others were brought to disk with another release
                many += 1
                if many < _SYNCED_APART:
                    _sync(path)
        if many < _SYNCED_APART:
            _sync(Path(parent))
    if many >= _SYNCED_APART:
        os.sync()  # one by one it would take minutes
    for store in (folder / STORE, folder / QUADS):
        store.chmod(stat.S_IMODE(store.stat().st_mode) & ~0o222)


def _sync(path: Path) -> None:
    """Bring a file or a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(folder: Path, *, everything: bool = False) -> list[str]:
    """Return the paths of the files of a release, sorted.

    Args:
        everything: also those that the manifest does not list: itself, parts, store and its sums.
    """
    found = []
    for parent, folders, files in os.walk(folder, onerror=raise_error):
        within = Path(parent).relative_to(folder)
        links = [name for name in folders if Path(parent, name).is_symlink()]
        found += [(within / name).as_posix() for name in [*files, *links]]
    apart = (MANIFEST, STORE_SUMS, f"{STORE}/", "parts/")
    return sorted(path for path in found if everything or not path.startswith(apart))


def _write_sums(folder: Path) -> None:
    """Write the checksums of the store's files, in the form that `sha256sum --check` reads."""
    paths = [f"{STORE}/{path}" for path in _files(folder / STORE, everything=True)]
    lines = [f"{digest(folder / path)[1]}  {path}\n" for path in paths]
    (folder / STORE_SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")


def _read_sums(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return the checksum of each file of the store, and what is wrong with the list of them."""
    try:
        lines = (folder / STORE_SUMS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}, [f"{STORE_SUMS}: the file is missing"]
    except UnicodeDecodeError:
        lines = [""]
    sums = {}
    for line in lines:
        match = re.fullmatch(f"([0-9a-f]{{64}})  ({STORE}/(quads/)?[^/]+)", line)
        if match is None:
            return {}, [f"{STORE_SUMS}: a line is not a checksum and a file of the store"]
        sums[match[2]] = match[1]
    return sums, [] if sums else [f"{STORE_SUMS}: the file is empty"]
