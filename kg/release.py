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
import errno
import fcntl
import gzip
import hashlib
import heapq
import importlib.metadata
import itertools
import logging
import os
import platform
import re
import shutil
import sqlite3
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Literal, cast, get_args

import msgspec

import kg
from kg.errors import ReleaseError
from kg.manifest import (
    CURRENT,
    FORMAT,
    IMPORT,
    LABELS,
    MANIFEST,
    STORE,
    STORE_SUMS,
    FileEntry,
    GraphEntry,
    Input,
    Manifest,
    Publication,
    Question,
    SourceCount,
    canonical_json,
    read_manifest,
    read_publications,
    write_manifest,
    write_publication,
)
from kg.names import fold
from kg.serialise import LOCAL as _LOCAL
from kg.serialise import TYPE as _TYPE
from kg.serialise import Nodes as _Nodes
from kg.serialise import Pairs as _Pairs
from kg.serialise import by_line as _by_line
from kg.serialise import read_literal as _literal
from kg.vocab import (
    CH,
    COMMON,
    DCTERMS,
    EDTF,
    NAMES,
    OWL,
    PREFIXES,
    PROV,
    RDF,
    RDFS,
    SCHEMA,
    SHAPES,
    SKOS,
    XSD,
    Kind,
    data_iri,
    graph_iri,
    literal,
)

_log = logging.getLogger(__name__)

_TMP: Final = ".tmp-"
_ID: Final = re.compile("[0-9a-f]{64}")
_CHUNK: Final = 1 << 20
_BATCH: Final = 100_000
"""Statements that are parsed, and of imported RDF loaded, at a time."""
_PIECES: Final = 1 << 25
"""Bytes of all parts together that are held while they are merged."""
_NO_INPUT: Final = frozenset({".git", "__pycache__", "_resources", "node_modules"})

_DUMPS: Final = ("graph.nq", "graph.ttl", "graph.trig", "graph.jsonld")
_MEDIA_TYPES: Final = {
    ".gz": "application/gzip",
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".jsonld": "application/ld+json",
    ".nq": "application/n-quads",
    ".sqlite": "application/vnd.sqlite3",
    ".trig": "application/trig",
    ".ttl": "text/turtle",
    ".txt": "text/plain",
}


class ReleaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a release is called and on whose behalf it is made: inputs that are not files.

    `time` is an xsd:dateTime and None where none was given: then the release carries no time.
    `versions` comes from `engine_versions`. `options` holds every other choice that shapes the
    output, e.g. which sources were built, or `IMPORT`. `licence` is empty where none is claimed.
    `about` says in English what the data is, and `rights` which parts are under another licence;
    both are constants of the code, which is an input already.
    """

    base_iri: str
    title: str
    licence: str
    agent: str = ""
    time: str | None = None
    versions: Mapping[str, str] = {}
    options: Mapping[str, str] = {}
    about: str = ""
    rights: str = ""

    @property
    def imported(self) -> bool:
        """Return whether this is RDF that was imported, neither mapped nor validated."""
        return IMPORT in self.options

    def identity(self) -> dict[str, str]:
        """Return every setting by name, as `release_id` takes them."""
        return _identity(
            self.base_iri,
            self.title,
            self.licence,
            self.agent,
            self.time,
            self.versions,
            self.options,
        )


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
# Identity


def engine_versions() -> dict[str, str]:
    """Return the versions of everything whose output ends up in a release."""
    found = {
        "software": kg.__version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "sqlite": sqlite3.sqlite_version,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
    }
    for name in ("pyoxigraph", "pyshacl", "rdflib"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def collect_inputs(folders: Mapping[str, Path]) -> tuple[Input, ...]:
    """Return one Input per file in the folders, sorted by name: `<key of the folder>/<path>`.

    Byte code, caches, `.git`, packaged copies of the resource folders (`_resources`) and front-end
    assets that were built or installed are no inputs: a wheel and a checkout have the same ones.

    Args:
        folders: for instance `{"facts": …, "mappings": …, "kg": …}`.
    Raises:
        ReleaseError: a folder or a file cannot be read.
    """
    found = []
    for key, root in folders.items():
        with _io(root, "the inputs cannot be read"):
            for folder, subfolders, files in os.walk(root, onerror=_raise):
                within = Path(folder).relative_to(root)
                subfolders[:] = [
                    name
                    for name in subfolders
                    if name not in _NO_INPUT
                    and not name.endswith("_cache")
                    and (within / name).parts[-2:] != ("assets", "built")
                ]
                for path in (within / name for name in files if not name.endswith(".pyc")):
                    size, sha256 = _digest(root / path)
                    name = f"{key}/{path.as_posix()}"
                    found.append(Input(name=name, sha256=sha256, bytes=size))
    return tuple(sorted(found, key=lambda one: one.name))


def release_id(inputs: Sequence[Input], settings: Mapping[str, str]) -> str:
    """Return the id of a release: 64 lower-case hex digits; equal inputs give equal ids.

    Args:
        inputs: every file that was read; their order does not matter.
        settings: everything else that shapes the output, e.g. `ReleaseSettings.identity()`.
    Raises:
        ReleaseError: two inputs have one name.
    Spec: RFC 8785 (canonical JSON); SHA-256
    """
    hashes: dict[str, str] = {}
    for one in inputs:
        if hashes.setdefault(one.name, one.sha256) != one.sha256:
            raise ReleaseError("two different inputs have one name", seen=one.name)
    identity = {"inputs": hashes, "settings": dict(settings)}
    return hashlib.sha256(canonical_json(identity)).hexdigest()


def _identity(
    base_iri: str,
    title: str,
    licence: str,
    agent: str,
    time: str | None,
    versions: Mapping[str, str],
    options: Mapping[str, str],
) -> dict[str, str]:
    """Return the settings of a release by name; the ontology's version is among the inputs."""
    return {
        "base_iri": base_iri,
        "title": title,
        "licence": licence,
        "agent": agent,
        "time": time or "",
        **{f"version {name}": value for name, value in versions.items() if name != "ontology"},
        **{f"option {name}": value for name, value in options.items()},
    }


def _digest(path: Path) -> tuple[int, str]:
    """Return size and SHA-256 of a file."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256")
        return file.tell(), sha256.hexdigest()


def _raise(error: OSError) -> None:
    """Raise what `os.walk` would pass over in silence."""
    raise error


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
                writer = _Writer(temporary, name, settings, graphs, private_graphs)
                writer.write(inputs, report, issues, sources, questions, ontology)
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
    before, after = ({one.path: one for one in read_manifest(path).files} for path in (old, new))
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
    """Fills the folder of one release."""

    def __init__(
        self,
        folder: Path,
        name: str,
        settings: ReleaseSettings,
        graphs: Mapping[str, Iterable[str]],
        private: frozenset[str],
    ) -> None:
        self._folder = folder
        self._name = name
        self._settings = settings
        self._given = graphs
        self._not_shared = private
        self._graphs: dict[str, _Triples] = {}
        self._public: dict[str, _Triples] = {}
        self._private = False
        self._shared_parts: set[str] = set()
        self._vocabulary = _Vocabulary(())
        # What somebody imports may be large, so they are told what is done.
        self._say = _log.info if settings.imported else _log.debug
        self._prefixes = _Prefixes(_namespaces(settings.base_iri, imported=settings.imported))

    def write(
        self,
        inputs: Sequence[Input],
        report: ReportFiles,
        issues: Sequence[Mapping[str, object]],
        sources: Sequence[SourceCount],
        questions: Sequence[Question],
        ontology: Mapping[str, str],
    ) -> None:
        """Write every file of the release, the manifest last."""
        for part in ("parts", "downloads", "ontology"):
            (self._folder / part).mkdir(parents=True)
        drafts = (self._part(iri, self._given[iri]) for iri in sorted(self._given))
        entries = [entry for entry in drafts if entry is not None]
        # From here on the parts are read, so that no more than a piece of each is in memory.
        piece = _piece(len(entries))
        for entry in entries:
            triples = _Triples(self._folder / entry.part, entry.iri, piece)
            self._graphs[entry.iri] = triples
            if not entry.private:
                self._public[entry.iri] = triples
        self._private = len(self._public) < len(self._graphs)
        terms = self._graphs.get(graph_iri(self._settings.base_iri, "vocabulary"), ())
        self._vocabulary = _Vocabulary(terms, blank=self._settings.imported)
        self._concatenate(entries)
        self._load(entries)
        context = _context(self._settings.base_iri, self._vocabulary)
        if self._settings.imported:
            # Any IRI may occur, also one whose scheme is a prefix; so none is shortened.
            context = {"id": "@id", "type": "@type"}
        shared, total = self._serialise(context)

        texts = {
            "report.ttl": report.ttl,
            "report.json": report.json,
            "report.txt": report.text,
            **({"report.html": report.html} if report.html else {}),
            "issues.jsonl": b"".join(canonical_json(issue) for issue in issues).decode(),
            **{f"ontology/{name}": text for name, text in ontology.items()},
            "ontology/context.jsonld": f'{{"@context": {_by_line(context)}}}\n',
            "void.ttl": _void(
                self._settings,
                self._name,
                [entry for entry in entries if not entry.private],
                shared,
                [self._entry(f"downloads/{dump}{gz}") for dump in _DUMPS for gz in ("", ".gz")],
            ),
        }
        for path, text in texts.items():
            (self._folder / path).write_text(text, encoding="utf-8", newline="\n")
        _write_sums(self._folder)
        write_manifest(
            self._folder,
            Manifest(
                format=FORMAT,
                id=self._name,
                base_iri=self._settings.base_iri,
                title=self._settings.title,
                licence=self._settings.licence,
                agent=self._settings.agent,
                time=self._settings.time,
                options=dict(self._settings.options),
                versions={
                    **({"ontology": version} if (version := self._vocabulary.version) else {}),
                    **self._settings.versions,
                },
                inputs=tuple(sorted(inputs, key=lambda one: one.name)),
                conforms=report.conforms,
                quads=sum(entry.quads for entry in entries),
                triples=total.triples,
                graphs=tuple(entries),
                classes=dict(total.classes),
                sources=tuple(sources),
                questions=tuple(questions),
                files=tuple(self._entry(path) for path in _files(self._folder)),
            ),
        )

    def _part(self, iri: str, lines: Iterable[str]) -> GraphEntry | None:
        """Write one graph as a part, plain and compressed; return its entry, None if empty."""
        suffix = f" <{iri}> .\n"
        key = iri.removeprefix(graph_iri(self._settings.base_iri, ""))
        if not re.fullmatch("[a-z0-9-]{1,150}", key):
            key = hashlib.sha256(iri.encode()).hexdigest()[:16]
        draft = self._folder / "parts" / key
        before, quads = "", 0
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            for line in lines:
                if line <= before or not line.endswith(suffix) or line.count("\n") > 1:
                    raise ReleaseError(
                        "a line is out of order or in the wrong graph",
                        where=f"graph <{iri}>",
                        seen=line.rstrip("\n"),
                        expected=f"a line that sorts after the one before and ends in{suffix[:-1]}",
                    )
                file.write(line)
                before = line
                quads += 1
        if not quads:
            draft.unlink()
            return None
        _, sha256 = _digest(draft)
        part = f"parts/{key}.{sha256[:16]}.nq"
        draft.rename(self._folder / part)
        _compress(self._folder / part)
        private = iri in self._not_shared
        if not private:
            self._shared_parts |= {part, f"{part}.gz"}
        return GraphEntry(iri=iri, quads=quads, part=part, sha256=sha256, private=private)

    def _concatenate(self, entries: Sequence[GraphEntry]) -> None:
        """Write `graph.nq` and `graph.nq.gz`: the members of the parts, one after the other."""
        if not self._public:  # no members at all are no gzip file
            (self._folder / "downloads/graph.nq").touch()
            _compress(self._folder / "downloads/graph.nq")
            return
        for gz in ("", ".gz"):
            with (self._folder / f"downloads/graph.nq{gz}").open("wb") as whole:
                for entry in entries:
                    if not entry.private:
                        with (self._folder / f"{entry.part}{gz}").open("rb") as part:
                            shutil.copyfileobj(part, whole, _CHUNK)

    def _load(self, entries: Sequence[GraphEntry]) -> None:
        """Write the store, and see to it that it holds exactly what the parts hold."""
        import pyoxigraph

        store = pyoxigraph.Store(str(self._folder / STORE))

        # Loading a text would give its blank nodes other labels, so it is parsed first.
        def quads() -> Iterator[pyoxigraph.Quad]:
            form = pyoxigraph.RdfFormat.N_QUADS
            paths = ["downloads/graph.nq", *(entry.part for entry in entries if entry.private)]
            try:
                for path in paths:
                    yield from pyoxigraph.parse(path=str(self._folder / path), format=form)
            except SyntaxError as error:
                raise ReleaseError("a line is not N-Quads", where=path, seen=str(error)) from error

        def union() -> Iterator[pyoxigraph.Quad]:
            form = pyoxigraph.RdfFormat.N_TRIPLES
            merged = itertools.groupby(heapq.merge(*self._graphs.values()))
            while batch := [f"{triple} .\n" for triple, _ in itertools.islice(merged, _BATCH)]:
                yield from pyoxigraph.parse("".join(batch).encode(), form)

        # The engine's own union gives a triple of two graphs twice, and counts it twice. So the
        # default graph of the store is the union of the others, as a set.
        self._say("loading %d quads into the store", sum(entry.quads for entry in entries))
        for found in (quads(), union()):
            if self._settings.imported:
                while chunk := list(itertools.islice(found, _BATCH)):
                    store.bulk_extend(chunk)
            else:  # at once takes up to 1.5 GB of memory, and gives a store of half the size
                store.bulk_extend(found)
        store.optimize()
        store.flush()
        del store  # closes the files of the store
        # The engine's own log names paths and the host, and nothing reads it.
        (self._folder / STORE / "LOG").write_bytes(b"")
        parts = [self._folder / entry.part for entry in entries]
        if problem := _difference(self._folder / STORE, parts):
            raise ReleaseError(
                problem, hint="the mapping must emit only what the store returns unchanged"
            )

    def _serialise(self, context: Mapping[str, object]) -> tuple["_Counts", "_Counts"]:
        """Write the other dumps and the labels; return the counts of the dumps and of it all."""
        self._say("writing the dumps and the labels")
        downloads = self._folder / "downloads"
        turtle = self._prefixes.turtle
        with (downloads / "graph.trig").open("w", encoding="utf-8", newline="\n") as trig:
            trig.write(self._prefixes.header)
            for iri, triples in self._public.items():
                trig.write(f"\n{turtle(f'<{iri}>')} {{\n")
                for subject, pairs in self._subjects({iri: triples}):
                    trig.write(_block(subject, pairs, turtle))
                trig.write("}\n")
        shared = _Counts(self._settings.base_iri)
        total = shared
        with (
            (downloads / "graph.ttl").open("w", encoding="utf-8", newline="\n") as ttl,
            (downloads / "graph.jsonld").open("w", encoding="utf-8", newline="\n") as jsonld,
            _Labels(
                self._folder / LABELS,
                self._settings.base_iri,
                self._vocabulary,
                {f"<{iri}>" for iri in NAMES} if self._settings.imported else set(),
            ) as labels,
        ):
            node = _Nodes(context)
            ttl.write(self._prefixes.header + "\n")
            jsonld.write(f'{{"@context": {_by_line(context)},\n"@graph": [')
            separator = "\n"

            def hand_on(subject: str, pairs: _Pairs) -> None:
                nonlocal separator
                shared.add(subject, pairs)
                ttl.write(_block(subject, pairs, turtle))
                jsonld.write(separator + node.text(subject, pairs))
                separator = ",\n"

            if self._private:
                total = _Counts(self._settings.base_iri)
                for subject, pairs in self._subjects(self._public):
                    hand_on(subject, pairs)
            for subject, pairs in self._subjects(self._graphs):
                if self._private:
                    total.add(subject, pairs)
                else:
                    hand_on(subject, pairs)
                labels.add(subject, pairs)
            jsonld.write("\n]}\n")
        for dump in ("graph.ttl", "graph.trig", "graph.jsonld"):
            _compress(downloads / dump)
        return shared, total

    def _subjects(self, graphs: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, _Pairs]]:
        """Yield each subject of some graphs; see the function of this name."""
        return _subjects(*graphs.values(), blank=self._settings.imported)

    def _entry(self, path: str) -> FileEntry:
        """Return the entry of one file of the release for the manifest."""
        size, sha256 = _digest(self._folder / path)
        shared = path == "void.ttl" or path.startswith(("downloads/", "ontology/"))
        return FileEntry(
            path=path,
            media_type=_MEDIA_TYPES[Path(path).suffix],
            bytes=size,
            sha256=sha256,
            private=self._private and not shared and path not in self._shared_parts,
        )


# --------------------------------------------------------------------------------------------------
# From lines to subjects


def _subjects(*streams: Iterable[str], blank: bool = False) -> Iterator[tuple[str, _Pairs]]:
    """Yield each subject with its distinct predicates and objects, everything in sorted order.

    Args:
        streams: `S P O` in N-Triples tokens, each stream sorted by code point.
        blank: whether there may be blank nodes.
    Raises:
        ReleaseError: a subject or object is a triple, or a blank node where there may be none.
    """
    subject, pairs, before = "", _Pairs(), ""
    for triple in heapq.merge(*streams):
        if triple == before:
            continue
        before = triple
        s, p, o = triple.split(" ", 2)
        if s != subject:
            if pairs:
                yield subject, pairs
            subject, pairs = s, []
        if s.startswith("<<") or o.startswith("<<") or (not blank and "_" in (s[0], o[0])):
            raise ReleaseError(
                "a blank node or a triple term cannot be published", seen=triple, expected="an IRI"
            )
        pairs.append((p, o))
    if pairs:
        yield subject, pairs


def _piece(files: int) -> int:
    """Return how many bytes of a file are held at a time where so many are read at once."""
    return max(1 << 12, min(_CHUNK, _PIECES // max(files, 1)))


def _lines(path: Path, piece: int) -> Iterator[bytes]:
    """Yield the lines of a file without their line ends, with no file open in between.

    A release may have more parts than a process may open files.
    """
    place, rest = 0, b""
    while True:
        with path.open("rb") as file:
            file.seek(place)
            data = file.read(piece)
        place += len(data)
        lines = (rest + data).split(b"\n")
        rest = lines.pop()
        yield from lines
        if len(data) < piece:
            return


class _Triples:
    """The lines of a part without graph, full stop and line end; may be read more than once.

    They stay sorted: where one object begins another, what follows it in the longer one (`@`, `^`,
    `-`, a letter, a digit) is above the space that follows it in the shorter one.
    """

    def __init__(self, part: Path, graph: str, piece: int) -> None:
        self._part = part
        self._end = -len(f" <{graph}> .".encode())
        self._piece = piece

    def __iter__(self) -> Iterator[str]:
        end = self._end
        for line in _lines(self._part, self._piece):
            yield line[:end].decode()


class _Vocabulary:
    """What the serialisers need to know of the ontology, read from the lines of its graph."""

    def __init__(self, triples: Iterable[str], *, blank: bool = False) -> None:
        self.version = ""
        self.classes: set[str] = set()
        self.properties: dict[str, str] = {}
        """Property IRI to `@id`, `@language`, a datatype IRI, or nothing where values vary."""
        self._broader: dict[str, set[str]] = {}
        for token, pairs in _subjects(triples, blank=blank):
            subject = token[1:-1]
            types = {o[1:-1] for p, o in pairs if p == _TYPE}
            ranges = {o[1:-1] for p, o in pairs if p == f"<{RDFS}range>"}
            if subject == CH.rstrip("#"):
                for p, o in pairs:
                    if p == f"<{OWL}versionInfo>":
                        self.version = _literal(o)[0]
            if OWL + "Class" in types:
                self.classes.add(subject)
                self._broader[subject] = {o[1:-1] for p, o in pairs if p == f"<{RDFS}subClassOf>"}
            if OWL + "ObjectProperty" in types:
                self.properties[subject] = "@id"
            elif OWL + "DatatypeProperty" in types or OWL + "AnnotationProperty" in types:
                only = ranges.pop() if len(ranges) == 1 else ""
                if only in (RDF + "langString", RDFS + "Literal"):  # text, most of it in a language
                    self.properties[subject] = "@language"
                else:
                    self.properties[subject] = "" if only == XSD + "string" else only

    def depth(self, iri: str, seen: frozenset[str] = frozenset()) -> int:
        """Return how many classes stand above this one on the longest way up."""
        above = self._broader.get(iri, set()) - seen
        return max((1 + self.depth(one, seen | {iri}) for one in above), default=0)


# --------------------------------------------------------------------------------------------------
# Turtle and TriG


_BARE: Final = {
    XSD + "integer": re.compile("0|-?[1-9][0-9]*"),
    XSD + "decimal": re.compile(r"-?[0-9]+\.[0-9]+"),
    XSD + "boolean": re.compile("true|false"),
}
"""Literals that Turtle writes without quotes and that mean the same lexical form."""

_VOCABULARIES: Final = dict(
    sorted({**PREFIXES, "edtf": EDTF.removesuffix("EDTF"), "shapes": SHAPES}.items())
)


class _Prefixes:
    """The prefixes of a Turtle document, and how terms are written with them."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._names = {iri: name for name, iri in table.items()}
        self.header = "".join(f"@prefix {name}: <{table[name]}> .\n" for name in sorted(table))

    def turtle(self, token: str) -> str:
        """Return the Turtle form of an IRI or literal that is given as in N-Quads."""
        if token[0] == "<":
            cut = max(token.rfind("/"), token.rfind("#")) + 1
            name = self._names.get(token[1:cut])
            if name is not None and _LOCAL.fullmatch(token, cut, len(token) - 1):
                return f"{name}:{token[cut:-1]}"
            return token
        if token[-1] != ">":
            return token
        quoted, datatype = token.rsplit("^^", 1)
        bare = _BARE.get(datatype[1:-1])
        if bare is not None and bare.fullmatch(quoted, 1, len(quoted) - 1):
            return quoted[1:-1]
        return f"{quoted}^^{self.turtle(datatype)}"


def _namespaces(base_iri: str, *, imported: bool) -> dict[str, str]:
    """Return the shared prefixes of the Turtle and TriG files of a release."""
    if imported:
        return {**COMMON, **_VOCABULARIES}
    return _VOCABULARIES | {kind: data_iri(base_iri, kind, "") for kind in get_args(Kind)}


def _block(subject: str, pairs: _Pairs, turtle: Callable[[str], str]) -> str:
    """Return the Turtle statement about one subject: its types first, then by predicate."""
    objects: dict[str, list[str]] = {_TYPE: []}
    for p, o in pairs:
        objects.setdefault(p, []).append(turtle(o))
    parts = [
        f"{'a' if p == _TYPE else turtle(p)} {', '.join(values)}"
        for p, values in objects.items()
        if values
    ]
    return f"{turtle(subject)} " + " ;\n    ".join(parts) + " .\n"


def _document(first: str, triples: Iterable[str], table: Mapping[str, str]) -> str:
    """Return a whole Turtle document of `S P O` in N-Triples tokens, sorted but for the `first`."""
    prefixes = _Prefixes(table)
    ordered = sorted(set(triples), key=lambda triple: (not triple.startswith(f"{first} "), triple))
    subjects = _subjects(ordered)
    blocks = (_block(subject, pairs, prefixes.turtle) for subject, pairs in subjects)
    return prefixes.header + "\n" + "\n".join(blocks)


# --------------------------------------------------------------------------------------------------
# JSON-LD


_TERMS: Final = {
    "altLabel": (SKOS + "altLabel", "@language"),
    "broader": (SKOS + "broader", "@id"),
    "closeMatch": (SKOS + "closeMatch", "@id"),
    "comment": (RDFS + "comment", "@language"),
    "date": (DCTERMS + "date", ""),
    "definition": (SKOS + "definition", "@language"),
    "deprecated": (OWL + "deprecated", XSD + "boolean"),
    "description": (DCTERMS + "description", "@language"),
    "differentFrom": (OWL + "differentFrom", "@id"),
    "disjointWith": (OWL + "disjointWith", "@id"),
    "domain": (RDFS + "domain", "@id"),
    "exactMatch": (SKOS + "exactMatch", "@id"),
    "example": (SKOS + "example", "@language"),
    "historyNote": (SKOS + "historyNote", "@language"),
    "identifier": (DCTERMS + "identifier", ""),
    "inScheme": (SKOS + "inScheme", "@id"),
    "isDefinedBy": (RDFS + "isDefinedBy", "@id"),
    "issued": (DCTERMS + "issued", ""),
    "label": (RDFS + "label", "@language"),
    "language": (DCTERMS + "language", ""),
    "license": (DCTERMS + "license", "@id"),
    "notation": (SKOS + "notation", ""),
    "prefLabel": (SKOS + "prefLabel", "@language"),
    "publisher": (DCTERMS + "publisher", "@id"),
    "range": (RDFS + "range", "@id"),
    "sameAs": (SCHEMA + "sameAs", "@id"),
    "seeAlso": (RDFS + "seeAlso", "@id"),
    "source": (DCTERMS + "source", "@id"),
    "subClassOf": (RDFS + "subClassOf", "@id"),
    "subPropertyOf": (RDFS + "subPropertyOf", "@id"),
    "title": (DCTERMS + "title", "@language"),
    "topConceptOf": (SKOS + "topConceptOf", "@id"),
    "used": (PROV + "used", "@id"),
    "versionInfo": (OWL + "versionInfo", ""),
    "wasAssociatedWith": (PROV + "wasAssociatedWith", "@id"),
    "wasDerivedFrom": (PROV + "wasDerivedFrom", "@id"),
    "wasGeneratedBy": (PROV + "wasGeneratedBy", "@id"),
}
"""Borrowed properties by their short name; a term of our own with the same name goes first."""


def _context(base_iri: str, vocabulary: _Vocabulary) -> dict[str, object]:
    """Return the JSON-LD context: prefixes, and every term of the ontology by its local name."""
    own = {iri.removeprefix(CH): iri for iri in vocabulary.properties if iri.startswith(CH)}
    # A property goes before a prefix of the same name, as with `edtf`; data needs `kg` and `ch`.
    prefixes = {name: iri for name, iri in _VOCABULARIES.items() if name not in own or name == "ch"}
    context: dict[str, object] = {"id": "@id", "type": "@type", "kg": f"{base_iri}id/", **prefixes}
    short = _Prefixes(prefixes)
    terms = {name: (iri, vocabulary.properties[iri]) for name, iri in own.items()}
    for name, (iri, coercion) in sorted((_TERMS | terms).items()):
        if _LOCAL.fullmatch(name) and name not in context:
            definition = {"@id": short.turtle(f"<{iri}>").strip("<>")}
            if coercion == "@language":
                definition["@container"] = "@language"
            elif coercion:
                definition["@type"] = short.turtle(f"<{coercion}>").strip("<>")
            context[name] = definition
    for iri in sorted(vocabulary.classes):
        name = iri.removeprefix(CH)
        if _LOCAL.fullmatch(name) and name not in context:
            context[name] = f"ch:{name}"
    return context


# --------------------------------------------------------------------------------------------------
# Labels and counts


class _Labels:
    """The full-text index of labels: an SQLite file with one FTS5 table, `labels`."""

    _PREFERRED: Final[Mapping[str, int]] = {
        f"<{RDFS}label>": 1,
        f"<{SKOS}prefLabel>": 1,
        f"<{SKOS}altLabel>": 0,
    }

    def __init__(
        self, path: Path, base_iri: str, vocabulary: _Vocabulary, names: Iterable[str]
    ) -> None:
        self._preferred = {**dict.fromkeys(names, 1), **self._PREFERRED}
        self._kind = re.compile(re.escape(f"{base_iri}id/") + "([a-z]+)/")
        self._vocabulary = vocabulary
        self._rank: dict[str, tuple[int, bool, str]] = {}
        self._rows: list[tuple[str, str, str, str, str, int, str]] = []
        self._database = sqlite3.connect(path, isolation_level=None)

    def __enter__(self) -> "_Labels":
        self._database.execute("PRAGMA page_size = 4096")
        self._database.execute("PRAGMA journal_mode = OFF")
        # Marks are part of a word: in Bengali and Devanagari they are its vowels. In Latin script
        # they are dropped, here and in what is searched.
        self._database.execute(
            "CREATE VIRTUAL TABLE labels USING fts5("
            "iri UNINDEXED, kind UNINDEXED, class UNINDEXED, lang UNINDEXED, label UNINDEXED, "
            "preferred UNINDEXED, folded, "
            "tokenize = \"unicode61 remove_diacritics 2 categories 'L* M* N* Co'\")"
        )
        self._database.execute("BEGIN")
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None:
                self._flush()
                self._database.execute("INSERT INTO labels(labels) VALUES ('optimize')")
                self._database.execute("COMMIT")
                self._database.execute("VACUUM")
        finally:
            self._database.close()

    def add(self, subject: str, pairs: _Pairs) -> None:
        """Add the labels of one subject, if it has an address: a row for each wording."""
        if subject[0] == "_":
            return
        found: dict[tuple[str, str], int] = {}
        for p, o in pairs:
            preferred = self._preferred.get(p)
            if preferred is not None and o[0] == '"':
                text, language, datatype = _literal(o)
                if not datatype:
                    key = language, text
                    found[key] = max(preferred, found.get(key, 0))
        if not found:
            return
        iri = subject[1:-1]
        match = self._kind.match(iri)
        kind = match[1] if match else "term" if iri.startswith(CH) else ""
        types = [o[1:-1] for p, o in pairs if p == _TYPE and o[0] == "<"]
        best = min(types, key=self._specific, default="")
        for (language, text), preferred in sorted(found.items()):
            self._rows.append((iri, kind, best, language, text, preferred, fold(text)))
        if len(self._rows) > 10_000:
            self._flush()

    def _specific(self, iri: str) -> tuple[int, bool, str]:
        """Return what sorts the most specific class first, our own before others."""
        if iri not in self._rank:
            self._rank[iri] = (-self._vocabulary.depth(iri), not iri.startswith(CH), iri)
        return self._rank[iri]

    def _flush(self) -> None:
        self._database.executemany("INSERT INTO labels VALUES (?, ?, ?, ?, ?, ?, ?)", self._rows)
        self._rows.clear()


class _Counts:
    """What there is of each class and property in some graphs, each triple counted once."""

    def __init__(self, base_iri: str) -> None:
        self._data = f"<{base_iri}id/"
        self.triples = 0
        self.subjects = 0
        self.entities = 0
        self.classes: Counter[str] = Counter()
        self.properties: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        """The first thing of each kind."""

    def add(self, subject: str, pairs: _Pairs) -> None:
        """Count one subject."""
        self.triples += len(pairs)
        self.subjects += 1
        if subject.startswith(self._data):
            self.entities += 1
            self.examples.setdefault(subject[len(self._data) :].partition("/")[0], subject)
        for p, o in pairs:
            self.properties[p[1:-1]] += 1
            if p == _TYPE and o[0] == "<":
                self.classes[o[1:-1]] += 1


# --------------------------------------------------------------------------------------------------
# VoID and DCAT

_DESCRIPTIONS: Final = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "sd": "http://www.w3.org/ns/sparql-service-description#",
    "spdx": "http://spdx.org/rdf/terms#",
    "void": "http://rdfs.org/ns/void#",
}
_IANA: Final = "https://www.iana.org/assignments/media-types/"


def _void(
    settings: ReleaseSettings,
    name: str,
    graphs: Sequence[GraphEntry],
    counts: _Counts,
    dumps: Sequence[FileEntry],
) -> str:
    """Return the description of the dumps as Turtle, in the words of VoID and DCAT."""
    base = settings.base_iri
    names = _Prefixes(_VOCABULARIES | _DESCRIPTIONS)
    dataset = f"<{base}dataset>"
    service = f"<{base}sparql>"
    found: list[str] = []

    def say(subject: str, *statements: tuple[str, str]) -> None:
        for prefixed, value in statements:
            prefix, _, local = prefixed.partition(":")
            namespace = (_VOCABULARIES | _DESCRIPTIONS)[prefix]
            found.append(f"{subject} <{namespace}{local}> {value}")

    def a(prefixed: str) -> tuple[str, str]:
        prefix, _, local = prefixed.partition(":")
        return "rdf:type", f"<{(_VOCABULARIES | _DESCRIPTIONS)[prefix]}{local}>"

    def number(value: int) -> str:
        return literal(str(value), datatype=XSD + "integer")

    def node(fragment: str, iri: str) -> str:
        short = names.turtle(f"<{iri}>")
        if short.startswith("<"):
            short = hashlib.sha256(iri.encode()).hexdigest()[:16]
        return f"<{base}dataset#{fragment}-{short.replace(':', '-')}>"

    licence = [("dcterms:license", f"<{settings.licence}>")] if settings.licence else []
    if settings.rights:
        licence.append(("dcterms:rights", literal(settings.rights, lang="en")))
    own = not settings.imported
    say(
        dataset,
        a("void:Dataset"),
        a("dcat:Dataset"),
        ("dcterms:title", literal(settings.title, lang="en" if own else "")),
        *([("dcterms:description", literal(settings.about, lang="en"))] if settings.about else []),
        *licence,
        ("dcterms:identifier", literal(name)),
        ("dcat:version", literal(name)),
        ("void:triples", number(counts.triples)),
        *([("void:entities", number(counts.entities))] if own else []),
        ("void:distinctSubjects", number(counts.subjects)),
        ("void:classes", number(len(counts.classes))),
        ("void:properties", number(len(counts.properties))),
        *([("void:uriSpace", literal(f"{base}id/"))] if own else []),
        ("void:sparqlEndpoint", service),
        ("foaf:homepage", f"<{base}>"),
    )
    if settings.time:
        say(dataset, ("dcterms:issued", literal(settings.time, datatype=XSD + "dateTime")))
    if settings.agent:
        agent = f"<{base}dataset#agent>"
        say(dataset, ("dcterms:publisher", agent))
        say(agent, a("foaf:Agent"), ("foaf:name", literal(settings.agent)))
    used = {iri[: max(iri.rfind("/"), iri.rfind("#")) + 1] for iri in counts.properties}
    used |= {iri[: max(iri.rfind("/"), iri.rfind("#")) + 1] for iri in counts.classes}
    for namespace in {**({} if own else COMMON), **_VOCABULARIES}.values():
        if namespace in used:
            say(dataset, ("void:vocabulary", f"<{namespace}>"))
    for kind in ("agent", "claim", "document", "event", "place"):
        if kind in counts.examples:
            say(dataset, ("void:exampleResource", counts.examples[kind]))
    for iri, count in counts.classes.items():
        part = node("class", iri)
        say(dataset, ("void:classPartition", part))
        say(part, ("void:class", f"<{iri}>"), ("void:entities", number(count)))
    for iri, count in counts.properties.items():
        part = node("property", iri)
        say(dataset, ("void:propertyPartition", part))
        say(part, ("void:property", f"<{iri}>"), ("void:triples", number(count)))
    for graph in graphs:
        key = Path(graph.part).name.partition(".")[0]
        part = f"<{base}dataset#graph-{key}>"
        say(dataset, ("void:subset", part))
        say(
            part,
            a("void:Dataset"),
            a("sd:NamedGraph"),
            ("dcterms:title", literal(key)),
            ("sd:name", f"<{graph.iri}>"),
            ("void:triples", number(graph.quads)),
            *licence,
        )
    matches = counts.properties.get(f"{SKOS}exactMatch")
    if matches and own:  # elsewhere nobody knows what the matches lead to
        linkset = f"<{base}dataset#links-wikidata>"
        say(dataset, ("void:subset", linkset))
        say(
            linkset,
            a("void:Linkset"),
            ("dcterms:title", literal("Links to Wikidata", lang="en")),
            ("void:linkPredicate", f"<{SKOS}exactMatch>"),
            ("void:subjectsTarget", dataset),
            ("void:objectsTarget", "<http://www.wikidata.org/>"),
            ("void:triples", number(matches)),
        )
    say(
        service,
        a("dcat:DataService"),
        ("dcterms:title", literal(f"SPARQL endpoint of {settings.title}")),
        ("dcat:endpointURL", service),
        ("dcat:servesDataset", dataset),
    )
    for dump in dumps:
        file = Path(dump.path).name
        # The address of this release's file: what stands at download/current changes.
        address = f"<{base}download/{name}/{file}>"
        checksum = f"<{base}download/{name}/{file}#sha256>"
        plain = _MEDIA_TYPES[Path(file.removesuffix(".gz")).suffix]
        size = literal(str(dump.bytes), datatype=XSD + "nonNegativeInteger")
        say(dataset, ("dcat:distribution", address), ("void:dataDump", address))
        say(
            address,
            a("dcat:Distribution"),
            ("dcterms:title", literal(file)),
            *licence,
            ("dcat:accessURL", f"<{base}download>"),
            ("dcat:downloadURL", address),
            ("dcat:mediaType", f"<{_IANA}{plain}>"),
            ("dcat:byteSize", size),
            ("spdx:checksum", checksum),
        )
        if file.endswith(".gz"):
            say(address, ("dcat:compressFormat", f"<{_IANA}application/gzip>"))
        say(
            checksum,
            a("spdx:Checksum"),
            ("spdx:algorithm", f"<{_DESCRIPTIONS['spdx']}checksumAlgorithm_sha256>"),
            ("spdx:checksumValue", literal(dump.sha256, datatype=XSD + "hexBinary")),
        )
    return _document(dataset, found, _VOCABULARIES | _DESCRIPTIONS)


# --------------------------------------------------------------------------------------------------
# The folder of all releases


def find_release(out: Path, name: str | None = None) -> Path:
    """Return the folder of a release.

    Args:
        name: an id or the beginning of one; by default the current release.
    Raises:
        ReleaseError: there is none, or there are several.
    """
    with _io(out, "the releases cannot be read"):
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
    with _io(out, "the releases cannot be listed"):
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
    with _io(out, "the release cannot be read"):
        found = _resolve(out, name)
        folder = out / found
        try:
            manifest = read_manifest(folder)
        except ReleaseError as error:
            return [str(error)]
        problems = []
        identity = _identity(
            manifest.base_iri,
            manifest.title,
            manifest.licence,
            manifest.agent,
            manifest.time,
            manifest.versions,
            manifest.options,
        )
        if manifest.id != found or release_id(manifest.inputs, identity) != found:
            problems.append(f"{MANIFEST}: the id is not that of the inputs and settings in it")
        sums, broken = _read_sums(folder)
        problems += broken
        expected = {entry.path: (entry.bytes, entry.sha256) for entry in manifest.files}
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
            size, sha256 = _digest(folder / path)
            if (size, sha256) != expected.get(path, (size, sums.get(path))):
                damaged.add(path)
                problems.append(f"{path}: the bytes are not those that were published")
        known = expected.keys() | sums.keys() | {MANIFEST, STORE_SUMS}
        problems += [f"{path}: the file is not part of the release" for path in present - known]
        for entry in manifest.graphs:
            if expected.get(entry.part, (0, ""))[1] != entry.sha256:
                problems.append(f"{entry.part}: the manifest gives two checksums, or none")
                damaged.add(entry.part)
        if manifest.quads != sum(entry.quads for entry in manifest.graphs):
            problems.append(f"{MANIFEST}: the quads of the graphs do not add up")
        if not broken and not damaged:
            parts = [folder / entry.part for entry in manifest.graphs]
            if problem := _difference(folder / STORE, parts):
                problems.append(f"{STORE}: {problem}")
    return sorted(problems)


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

_HINTS: Final = {
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that you may write to",
    errno.ENOSPC: "make room on the disk and try again",
    errno.EDQUOT: "make room on the disk and try again",
}


@contextlib.contextmanager
def _io(where: Path, what: str) -> Iterator[None]:
    """Turn what the operating system, SQLite or the store reports into a ReleaseError."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        number = getattr(error, "errno", None)
        name = getattr(error, "filename", None)
        raise ReleaseError(
            f"{what}: {getattr(error, 'strerror', None) or error}",
            where=str(name or where),
            hint=_HINTS.get(number or 0, ""),
        ) from error


@contextlib.contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Hold the one lock under which `out` is written to, with no leftovers of a dead process.

    The kernel gives the lock back when its holder dies.

    Raises:
        ReleaseError: the folder cannot be written.
    """
    with _io(out, "the release cannot be written; what was published before is untouched"):
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
    for parent, _, files in os.walk(folder, topdown=False):
        for name in files:
            path = Path(parent, name)
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
            _sync(path)
        _sync(Path(parent))
    store = folder / STORE
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
        everything: also those that the manifest does not list: itself, the store and its sums.
    """
    found = []
    for parent, folders, files in os.walk(folder, onerror=_raise):
        within = Path(parent).relative_to(folder)
        links = [name for name in folders if Path(parent, name).is_symlink()]
        found += [(within / name).as_posix() for name in [*files, *links]]
    apart = {MANIFEST, STORE_SUMS}
    return sorted(
        path for path in found if everything or not (path in apart or path.startswith(f"{STORE}/"))
    )


def _write_sums(folder: Path) -> None:
    """Write the checksums of the store's files, in the form that `sha256sum --check` reads."""
    paths = [f"{STORE}/{path}" for path in _files(folder / STORE, everything=True)]
    lines = [f"{_digest(folder / path)[1]}  {path}\n" for path in paths]
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
        match = re.fullmatch(f"([0-9a-f]{{64}})  ({STORE}/[^/]+)", line)
        if match is None:
            return {}, [f"{STORE_SUMS}: a line is not a checksum and a file of the store"]
        sums[match[2]] = match[1]
    return sums, [] if sums else [f"{STORE_SUMS}: the file is empty"]


def _compress(path: Path) -> None:
    """Write `<path>.gz`: one member without name and time, so that equal bytes give equal bytes."""
    with (
        path.open("rb") as plain,
        Path(f"{path}.gz").open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed,
    ):
        shutil.copyfileobj(plain, packed, _CHUNK)


class _Sum:
    """A sum over lines that does not depend on their order; takes what a file would take.

    It is compared within one process only, whose hashes nobody outside can foresee.
    """

    def __init__(self) -> None:
        self.count = 0
        self.value = 0
        self.ending = b""
        """What stands at the end of each line in place of its full stop."""
        self._rest = b""

    def write(self, data: bytes) -> int:
        """Take some more bytes, with lines that may begin or end elsewhere."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if self.ending:
            lines = [line.removesuffix(b" .") + self.ending for line in lines]
        self.value += sum(map(hash, lines))
        self.count += len(lines)
        return len(data)

    def flush(self) -> None:
        """Do nothing: there is nothing to write."""


def _difference(store: Path, parts: Sequence[Path]) -> str:
    """Return what the store and the lines of the parts differ in, or nothing.

    The store holds the quads of the parts, and in its default graph each of their triples once.
    """
    import pyoxigraph

    piece = _piece(len(parts))
    opened = pyoxigraph.Store.read_only(str(store))
    triples = pyoxigraph.RdfFormat.N_TRIPLES
    stored, written = _Sum(), _Sum()
    for graph in opened.named_graphs():
        stored.ending = f" {graph} .".encode()
        opened.dump(cast("IO[bytes]", stored), triples, from_graph=graph)
    for part in parts:
        with part.open("rb") as file:
            shutil.copyfileobj(file, cast("IO[bytes]", written), _CHUNK)
    union, distinct = _Sum(), _Sum()
    opened.dump(cast("IO[bytes]", union), triples, from_graph=pyoxigraph.DefaultGraph())
    streams = ((line[: line.rindex(b" <")] for line in _lines(part, piece)) for part in parts)
    for triple, _ in itertools.groupby(heapq.merge(*streams)):
        distinct.write(triple + b" .\n")
    if (stored.count, stored.value) == (written.count, written.value):
        if (union.count, union.value) == (distinct.count, distinct.value):
            return ""
        return f"the union holds {union.count} triples, the parts hold {distinct.count}"
    quads = {f"{quad} .\n".encode() for quad in opened}
    for part in parts:
        with part.open("rb") as file:
            for line in file:
                if line not in quads:
                    text = line.decode(errors="replace").rstrip()
                    return f"the store does not return this line of {part.name} unchanged: {text}"
    return f"the store holds {stored.count} quads, the parts hold {written.count}"
