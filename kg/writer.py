"""Fills the folder of a release: from all its quads, or from another release and what changes.

All of it is text that was sorted before it came here: it is read and written piece by piece, and a
graph is never held in memory. A release that is written from another one shares its files, and is
the same bytes as one that is written as a whole, but for the store and what lies beside it.

Spec: docs/reference/release.md; RDF 1.1 N-Quads, Turtle and TriG; JSON-LD 1.1; VoID; DCAT 3; SSSOM
"""

from __future__ import annotations

import contextlib
import errno
import filecmp
import heapq
import itertools
import json
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from kg.context import Terms, context_of
from kg.dumps import (
    FILES,
    FOLDER,
    GRAPHS,
    NQ,
    SUFFIXES,
    WHOLE,
    Dumps,
    bits_of,
    bucket_of,
    media_type,
    part_lines,
    part_path,
)
from kg.errors import ReleaseError
from kg.identity import ReleaseSettings, digest, raise_error
from kg.labels import Labels, Wording, relabelled
from kg.load import Change, extend_store, load, miscount, pairs_of
from kg.manifest import (
    FORMAT,
    LABELS,
    LABELS_CHANGED,
    MANIFEST,
    PROVENANCE,
    QUADS,
    STORE,
    STORE_SUMS,
    SUMS,
    FileEntry,
    GraphEntry,
    Input,
    Manifest,
    Part,
    Question,
    SourceCount,
    canonical_json,
    read_parts,
    write_manifest,
    write_parts,
)
from kg.parts import Cut, Form, Parts, bucket_number, key_of, write_ends
from kg.provenance import describe_run
from kg.serialise import by_line
from kg.sssom import TSV_FILE, TURTLE_FILE, rows_of, to_tsv, to_turtle
from kg.tables import FOLDER as TABLES
from kg.tables import Tables, change_tables, write_tables
from kg.union import shards
from kg.vocab import NAMES, graph_iri
from kg.void import Counts, describe

if TYPE_CHECKING:
    import pyoxigraph

_log = logging.getLogger(__name__)

CONTEXT: Final = "ontology/context.jsonld"
_LINKED: Final = ("parts", FOLDER, "ontology")
_NO_LINKS: Final = (errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOTSUP)
"""Why a file cannot stand in two folders: no link of this kind, or none of somebody else's."""
_RELABELLED: Final = 50_000
"""Things whose labels changed since the index was made, after which it is made anew."""
_MEDIA_TYPES: Final = {
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".jsonld": "application/ld+json",
    ".nq": "application/n-quads",
    ".parquet": "application/vnd.apache.parquet",
    ".tsv": "text/tab-separated-values",
    ".ttl": "text/turtle",
    ".txt": "text/plain",
    ".gz": "application/gzip",
    ".zst": "application/zstd",
    "": "text/plain",
}


class Unfit(Exception):
    """A release cannot be written from another one, or it would cost more than writing it whole."""


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


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a release holds besides its quads; see `kg.release.write_release`."""

    inputs: Sequence[Input]
    report: ReportFiles
    issues: Iterable[object]
    sources: Sequence[SourceCount]
    questions: Sequence[Question]
    ontology: Mapping[str, str]


class Writer:
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
        self._known_sums: dict[str, str] = {}
        """Checksums of files of the store that are those of another release."""
        # What somebody imports may be large, so they are told what is done.
        self._say = _log.info if settings.imported else _log.debug

    def write(self, graphs: Mapping[str, Iterable[str] | Cut], content: Content) -> None:
        """Write every file of the release, the manifest last.

        Args:
            graphs: see `kg.release.write_release`.
            content: what there is besides.
        Raises:
            ReleaseError: a line cannot be published.
            OSError: a file cannot be written.
        """
        settings = self._settings
        for folder in ("parts", FOLDER, "ontology", STORE):
            (self._folder / folder).mkdir(parents=True)
        given = dict(graphs)
        vocabulary = graph_iri(settings.base_iri, "vocabulary")
        if vocabulary in given and not settings.imported:
            given[vocabulary] = lines = _listed(given[vocabulary])
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
        self._finish(content, context, shared, total, {})

    def _finish(
        self,
        content: Content,
        context: Mapping[str, object],
        shared: Counts,
        total: Counts,
        sums: Mapping[str, str],
    ) -> None:
        """Write everything but parts and store.

        Args:
            context: that of JSON-LD.
            shared, total: counts of what is handed on, and of it all.
            sums: checksums of dumps that are known already.
        """
        settings = self._settings
        report = content.report
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
            inputs=tuple(sorted(content.inputs, key=lambda one: one.name)),
            conforms=report.conforms,
            quads=sum(entry.quads for entry in self._graphs),
            triples=total.triples,
            graphs=tuple(self._graphs),
            classes=dict(total.classes),
            public=shared.statistics(),
            sources=tuple(content.sources),
            questions=tuple(content.questions),
            dumps=(),
            files=(),
        )
        write_parts(self._folder, self._parts)
        whole = Dumps(self._folder, manifest, self._parts)
        dumps = self._sum_up(whole, sums)
        texts = {
            "report.ttl": report.ttl,
            "report.json": report.json,
            "report.txt": report.text,
            **({"report.html": report.html} if report.html else {}),
            **{f"ontology/{name}": text for name, text in content.ontology.items()},
            CONTEXT: f'{{"@context": {by_line(context)}}}\n',
            **self._links(whole),
            PROVENANCE: describe_run(
                settings,
                self._name,
                manifest.inputs,
                manifest.versions,
                [dump.path for dump in dumps],
            ),
            "void.ttl": describe(
                settings,
                self._name,
                [entry for entry in self._graphs if not entry.private],
                shared,
                dumps,
            ),
        }
        for path, text in texts.items():
            if not (self._folder / path).exists():  # or it is shared
                (self._folder / path).write_text(text, encoding="utf-8", newline="\n")
        with (self._folder / "issues.jsonl").open("wb") as file:
            file.writelines(map(canonical_json, content.issues))
        self._write_sums()
        private = any(entry.private for entry in self._graphs)
        files = (self._entry(path, private=private) for path in files_in(self._folder))
        write_manifest(
            self._folder, msgspec.structs.replace(manifest, dumps=dumps, files=tuple(files))
        )

    def _links(self, dumps: Dumps) -> dict[str, str]:
        """Return the links to outside as SSSOM, by file; nothing where they are shared or hidden.

        They are made from their graph, so that they say what is queried, and nothing else.
        """
        settings = self._settings
        graph = graph_iri(settings.base_iri, "links")
        if settings.imported or graph in self._hidden or (self._folder / TSV_FILE).exists():
            return {}
        rows = rows_of(_triples(dumps, graph), settings.base_iri)
        about = {"base": settings.base_iri, "title": settings.title, "licence": settings.licence}
        return {TSV_FILE: to_tsv(rows, **about), TURTLE_FILE: to_turtle(rows, **about)}

    def _write_sums(self) -> None:
        """Write the checksums of the store's files, in the form that `sha256sum --check` reads."""
        paths = [f"{STORE}/{path}" for path in files_in(self._folder / STORE, everything=True)]
        lines = [
            f"{self._known_sums.get(path) or digest(self._folder / path)[1]}  {path}\n"
            for path in paths
        ]
        text = "".join(lines)
        (self._folder / STORE_SUMS).write_text(text, encoding="utf-8", newline="\n")

    def extend(self, base: Path, changes: Mapping[str, Change], content: Content) -> None:
        """Write every file of a release that is another one with some quads less and some more.

        What did not change is shared with the other release.

        Args:
            base: the folder of the other release, of the same settings and the same vocabulary,
                without graphs that may not be handed on.
            changes: by the IRI of the graph.
            content: what there is besides.
        Raises:
            Unfit: this has to be written as a whole.
            ReleaseError: a line cannot be published, or a part of the other release is not there.
            OSError: a file cannot be written.
        """
        dumps = Dumps(base)
        before = dumps.manifest
        settings = self._settings
        vocabulary = graph_iri(settings.base_iri, "vocabulary")
        if vocabulary in changes or any(graph.private for graph in before.graphs):
            raise Unfit
        for folder in ("parts", FOLDER, "ontology", STORE):
            (self._folder / folder).mkdir(parents=True)
        self._terms = Terms(_triples(dumps, vocabulary))
        context = json.loads((base / CONTEXT).read_bytes())["@context"]
        try:
            with ThreadPoolExecutor(2) as threads:
                tasks = [
                    threads.submit(_link_all, base / one, self._folder / one) for one in _LINKED
                ]
                new, delta = extend_store(base / QUADS, self._folder / QUADS, changes)
                for task in tasks:
                    task.result()
            os.link(base / LABELS, self._folder / LABELS)
            if graph_iri(settings.base_iri, "links") not in changes:
                for name in (TSV_FILE, TURTLE_FILE):
                    os.link(base / name, self._folder / name)
        except OSError as error:
            if error.errno in _NO_LINKS:
                raise Unfit("files cannot be shared here") from error
            raise
        self._known_sums = {
            path: sha256
            for path, sha256 in read_sums(base)[0].items()
            if path.endswith(".sst") and (self._folder / path).exists()
        }
        changed = self._recut(dumps, changes, Form(settings.base_iri, False, context))
        counts = Counts.of(settings.base_iri, before.public)
        counts.change(delta)
        for kind in counts.lost:
            counts.examples |= _first_of(kind, settings.base_iri, self._folder, self._parts)
        self._relabel(base, new, delta.subjects)
        self._retable(base, new, delta.subjects)
        del new  # closes the store
        sums = dict(dumps.sums)
        for stem in (WHOLE, *(GRAPHS + key for key in changed)):
            for suffix in SUFFIXES:
                sums.pop(stem + suffix, None)
        self._finish(content, context, counts, counts, sums)

    def renew(self, base: Path, changes: Mapping[str, Change], content: Content) -> None:
        """Write every file of a release that is another one with changes, with a store of its own.

        Parts that do not change are shared, but store and index of labels are made from nothing:
        in files that were changed there may be left of what is there no more.

        Args:
            base: the folder of the other release, of the same settings.
            changes: by the IRI of the graph.
            content: what there is besides, with the files of the vocabulary.
        Raises:
            ReleaseError: a line cannot be published, or a part of the other release is not there.
            OSError: a file cannot be written.
        """
        dumps = Dumps(base, private=True)
        for folder in ("parts", FOLDER, "ontology", STORE):
            (self._folder / folder).mkdir(parents=True)
        for folder in ("parts", FOLDER):
            _link_all(base / folder, self._folder / folder, copy=True)
        settings = self._settings
        self._hidden = frozenset(graph.iri for graph in dumps.manifest.graphs if graph.private)
        self._terms = Terms(_triples(dumps, graph_iri(settings.base_iri, "vocabulary")))
        context = json.loads((base / CONTEXT).read_bytes())["@context"]
        try:
            self._recut(dumps, changes, Form(settings.base_iri, False, context))
        except Unfit as error:
            raise ReleaseError(str(error), where=str(base)) from error
        shared, total = self._fill()
        self._finish(content, context, shared, total, {})

    def _recut(self, dumps: Dumps, changes: Mapping[str, Change], form: Form) -> set[str]:
        """Write the parts that change; return the keys of the graphs that do."""
        entries = {graph.iri: graph for graph in dumps.manifest.graphs}
        found: dict[str, tuple[int, list[Part]]] = {
            iri: (graph.quads, list(dumps.parts[graph.key])) for iri, graph in entries.items()
        }
        for iri in sorted(changes):
            change = changes[iri]
            quads, old = found.pop(iri, (0, []))
            quads += len(change.added) - len(change.removed)
            parts: list[Part] = []
            with Parts(self._folder, form, parts.append) as writer:
                if old and bits_of(quads) == bits_of(entries[iri].quads):
                    parts = self._patched(writer, iri, entries[iri], old, change)
                else:
                    writer.add(iri, _changed(dumps.folder, old, change))
            kept = {part.name for part in parts}
            for part in old:
                if part.name not in kept:
                    for suffix in FILES:
                        (self._folder / part_path(part, suffix)).unlink()
            if quads:
                found[iri] = (quads, parts)
        for iri in sorted(found):
            quads, parts = found[iri]
            self._parts += parts
            key = parts[0].graph
            entry = GraphEntry(
                iri=iri, key=key, quads=quads, parts=len(parts), private=iri in self._hidden
            )
            self._graphs.append(entry)
        return {key_of(form.base_iri, iri) for iri in changes}

    def _patched(
        self, writer: Parts, iri: str, entry: GraphEntry, old: Sequence[Part], change: Change
    ) -> list[Part]:
        """Return the parts of a graph that is cut as before; those that change are written."""
        bits = bits_of(entry.quads)
        sides: dict[int, tuple[set[str], set[str]]] = {}
        for number, some in enumerate((change.removed, change.added)):
            for line in some:
                bucket = bucket_of(line[: line.index(" ")], bits)
                sides.setdefault(bucket, (set(), set()))[number].add(line)
        found = {bucket_number(part, bits): part for part in old}
        for bucket in sorted(sides):
            removed, added = sides[bucket]
            there = set()
            if bucket in found:
                there = set(_lines(self._folder, found.pop(bucket)))
            if not removed <= there or added & there:
                raise Unfit("the other release is not what it was taken for")
            if left := (there - removed) | added:
                found[bucket] = writer.write(iri, bucket, bits, "".join(sorted(left)))
        return [found[bucket] for bucket in sorted(found)]

    def _relabel(self, base: Path, store: pyoxigraph.Store, subjects: set[str]) -> None:
        """Share the index of labels, and write the labels of what changed since it was made."""
        self._known_sums[LABELS] = read_sums(base)[0][LABELS]
        gone = subjects | relabelled(base / LABELS_CHANGED)
        if len(gone) > _RELABELLED:
            raise Unfit
        index = self._folder / LABELS_CHANGED
        wording = Wording(self._settings.base_iri, self._terms, ())
        with Labels(index, gone=gone) as labels:
            for subject in sorted(gone):
                if pairs := pairs_of(store, subject):
                    labels.add(wording.rows(subject, pairs))

    def _retable(self, base: Path, store: pyoxigraph.Store, subjects: set[str]) -> None:
        """Write the tables that differ from those of the other release; share the others."""
        tables = Tables(self._settings.base_iri)
        for subject in sorted(subjects):
            if pairs := pairs_of(store, subject):
                tables.add(subject, pairs)
        for token in tables.missing():
            tables.add(token, pairs_of(store, token))
        gone = {subject[1:-1] for subject in subjects}
        try:
            change_tables(base, self._folder, gone, tables.rows)
        except FileNotFoundError as error:
            raise Unfit("the other release has no tables") from error

    def _cut(self, given: Mapping[str, Iterable[str] | Cut], form: Form) -> None:
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
                    _share(self._before / part_path(part, suffix), self._folder)

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
        self._say("loading %d quads into the store", sum(entry.quads for entry in self._graphs))
        shared = Counts(settings.base_iri)
        total = shared
        if any(entry.private for entry in self._graphs):
            total = Counts(settings.base_iri)
        names = {f"<{iri}>" for iri in NAMES} if settings.imported else set()
        wording = Wording(settings.base_iri, self._terms, names)
        rows: list[bytes] = []
        tables: Future[None] | None = None
        with Labels(self._folder / LABELS) as labels, ThreadPoolExecutor(1) as beside:

            def triples() -> Iterator[bytes]:
                nonlocal tables
                for shard in shards(
                    self._folder,
                    self._parts,
                    self._graphs,
                    settings.base_iri,
                    wording=wording,
                    tables=not settings.imported,
                ):
                    rows.append(shard.rows)
                    total.merge(shard.total)
                    if total is not shared:
                        shared.merge(shard.shared)
                    labels.add(shard.labels)
                    yield shard.text
                if not settings.imported:  # while the store is sorted and packed
                    tables = beside.submit(write_tables, self._folder, rows)

            # The engine's own union gives a triple of two graphs twice, and counts it twice. So the
            # default graph of the store is the union of the others, as a set.
            quads = ((self._folder / part_path(part, NQ)).read_bytes() for part in self._parts)
            texts = itertools.chain(quads, triples())
            try:
                load(self._folder / QUADS, texts, blank=settings.imported)
            except SyntaxError as error:
                raise ReleaseError("a line is not N-Quads", seen=str(error)) from error
            if tables:
                self._say("writing tables")
                tables.result()
        self._say("counting what the store holds")
        if problem := miscount(
            self._folder / QUADS,
            {entry.iri: entry.quads for entry in self._graphs},
            total.properties,
        ):
            raise ReleaseError(problem, hint="build again; if it comes again, please report it")
        return shared, total

    def _sum_up(self, dumps: Dumps, known: Mapping[str, str]) -> tuple[FileEntry, ...]:
        """Write `SHA256SUMS`; return the dumps of the whole graph."""
        self._say("summing up the dumps")
        sums = dumps.checksums(known)
        lines = (f"{sha256}  {name}\n" for name, sha256 in sums.items())
        (self._folder / SUMS).write_text("".join(lines), encoding="utf-8", newline="\n")
        return tuple(
            FileEntry(
                path=WHOLE + suffix,
                media_type=media_type(WHOLE + suffix),
                bytes=size,
                sha256=sums.get(WHOLE + suffix, ""),
                private=False,
            )
            for suffix, size in dumps.sizes.items()
        )

    def _entry(self, path: str, *, private: bool) -> FileEntry:
        """Return the entry of one file of the release for the manifest."""
        size, sha256 = digest(self._folder / path)
        shared = path in ("void.ttl", PROVENANCE, SUMS, TSV_FILE, TURTLE_FILE) or path.startswith(
            (f"{FOLDER}/", "ontology/", f"{TABLES}/")
        )
        return FileEntry(
            path=path,
            media_type=_MEDIA_TYPES[Path(path).suffix],
            bytes=size,
            sha256=sha256,
            private=private and not shared,
        )


def _listed(lines: Iterable[str] | Cut) -> list[str]:
    """Return the lines of a graph that is small."""
    if isinstance(lines, Cut):
        bits = bits_of(lines.quads)
        texts = (lines.text(bits, number) for number in range(1 << bits))
        return sorted(f"{line}\n" for text in texts for line in text.split("\n")[:-1])
    return list(lines)


def _share(old: Path, folder: Path) -> None:
    """Let a file of a release be that of another one, if it holds the same bytes."""
    new = folder / "parts" / old.name
    with contextlib.suppress(OSError):  # then it is there twice
        if filecmp.cmp(old, new, shallow=False):
            link = folder / "link"
            os.link(old, link)
            os.replace(link, new)


def files_in(folder: Path, *, everything: bool = False) -> list[str]:
    """Return the paths of the files of a release, sorted.

    Args:
        everything: also those that the manifest does not list: itself, parts, store and its sums.
    """
    found = []
    for parent, folders, files in os.walk(folder, onerror=raise_error):
        within = Path(parent).relative_to(folder)
        if not everything and parent == str(folder):
            folders[:] = [name for name in folders if f"{name}/" not in _APART]
        links = [name for name in folders if Path(parent, name).is_symlink()]
        found += [(within / name).as_posix() for name in [*files, *links]]
    return sorted(path for path in found if everything or not path.startswith(_APART))


_APART: Final = (MANIFEST, STORE_SUMS, f"{STORE}/", "parts/")
"""What a manifest does not list."""


def read_sums(folder: Path) -> tuple[dict[str, str], list[str]]:
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


def _link_all(old: Path, new: Path, *, copy: bool = False) -> None:
    """Let every file of a folder stand in another one too.

    Args:
        old, new: the folders.
        copy: where files cannot be shared, copy them.
    """
    here, there = f"{old}/", f"{new}/"
    for name in os.listdir(old):
        try:
            os.link(here + name, there + name)
        except OSError as error:
            if not copy or error.errno not in _NO_LINKS:
                raise
            shutil.copyfile(here + name, there + name)


def _lines(folder: Path, part: Part) -> Iterator[str]:
    """Yield the lines of a part, with their line feeds.

    Raises:
        Unfit: it is not what was published.
    """
    try:
        yield from part_lines(folder, part)
    except ReleaseError as error:
        raise Unfit(str(error)) from error


def _triples(dumps: Dumps, graph: str) -> Iterator[str]:
    """Yield the triples of a graph, sorted, as `S P O` in N-Triples tokens."""
    end = -len(f" <{graph}> .\n")
    for entry in dumps.manifest.graphs:
        if entry.iri == graph:
            parts = dumps.parts[entry.key]
            files = [_lines(dumps.folder, part) for part in parts]
            yield from (line[:end] for line in heapq.merge(*files))


def _changed(folder: Path, parts: Iterable[Part], change: Change) -> Iterator[str]:
    """Yield the lines of some parts without those that go and with those that come, sorted."""
    files = [_lines(folder, part) for part in parts]
    for line in heapq.merge(*files, sorted(change.added)):
        if line not in change.removed:
            yield line


def _first_of(kind: str, base_iri: str, folder: Path, parts: Iterable[Part]) -> dict[str, str]:
    """Return the first thing of a kind in some parts, if there is one, by the kind."""
    found = re.compile(f"^<{re.escape(base_iri)}id/{kind}/[^>]*>", re.MULTILINE)
    first = ""
    for part in parts:
        text = (folder / part_path(part, NQ)).read_text(encoding="utf-8")
        match = found.search(text)
        if match and (not first or match[0] < first):
            first = match[0]
    return {kind: first} if first else {}
