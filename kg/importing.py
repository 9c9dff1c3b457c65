"""Publishes RDF files as a release: for those who have RDF already.

Nothing is mapped, derived or validated, and the release says so. Everything after that is as with
facts: one release, the same bytes from the same files, store, dumps, VoID and index of labels.

The files are read as streams into a database on disk that sorts their statements; what is held in
memory is one number for each blank node of a file. Nothing is ever fetched.

Spec: docs/reference/release.md, "Imported RDF"; RDF 1.1 and JSON-LD 1.1
"""

import codecs
import contextlib
import gzip
import hashlib
import io
import json
import logging
import os
import re
import sqlite3
import time
import unicodedata
import xml.parsers.expat
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

import msgspec

import kg
from kg.errors import ConfigError, FactError, KgError, ReleaseError, raise_all
from kg.identity import ReleaseSettings, collect_inputs, engine_versions
from kg.manifest import IMPORT, Input, SourceCount
from kg.release import reuse_release, write_release
from kg.vocab import graph_iri
from kg.writer import ReportFiles

if TYPE_CHECKING:
    import pyoxigraph as ox

_log = logging.getLogger(__name__)

FORMATS: Final[Mapping[str, str]] = {
    ".ttl": "text/turtle",
    ".nt": "application/n-triples",
    ".nq": "application/n-quads",
    ".trig": "application/trig",
    ".rdf": "application/rdf+xml",
    ".xml": "application/rdf+xml",
    ".jsonld": "application/ld+json",
}
"""Media type by suffix; each may be followed by `.gz`."""

_NOT_VALIDATED: Final = "Not validated: this release is RDF that was imported as it is.\n"
_NAMES_IN_TITLE: Final = 3
_EXAMPLES: Final = 100
"""Literals that `issues.jsonl` shows of those that were rewritten."""
_BATCH: Final = 20_000
_REMEMBERED: Final = 100_000
"""Literals whose canonical form is remembered."""
_SORT_KIB: Final = 1 << 16
"""Memory of the database while it sorts."""
_CHUNK: Final = 1 << 20
_SAY_EVERY_S: Final = 5.0
_SCHEME: Final = re.compile("[A-Za-z][A-Za-z0-9+.-]*:")
_MESSAGE: Final = re.compile("Parser error [^:]*: (.*)", re.DOTALL)


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What was read: the statements of each file by name, and how many literals were rewritten."""

    statements: Mapping[str, int]
    rewritten: int


class _File(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be imported: where it is, the graph of its triples, and what it is called."""

    path: Path
    graph: str
    suffix: str
    packed: bool
    sha256: str
    size: int
    state: tuple[int, ...]
    name: str = ""


def import_release(
    files: Sequence[str],
    out: Path,
    *,
    base: str,
    title: str = "",
    licence: str = "",
    agent: str = "",
    force: bool = False,
) -> tuple[Path, Imported | None]:
    """Return the folder of the release of some RDF files, which is current, and what was read.

    The second value is None where a release of exactly these files stands already, whole. Blank
    nodes are named anew, by file and order of appearance. A literal that the store would return in
    another form is published in that form, and counted.

    Args:
        files: `FILE`, or `IRI=FILE` to name the graph of its triples, which else is called after
            the file. Relative addresses in a file are read against the name of that graph.
        out: the folder of releases.
        base: what the addresses of the site begin with.
        title: what the release is called; by default after its files.
        licence: an http or https address, or nothing where none is claimed.
        agent: who is responsible.
        force: import even if a release of these files stands already.
    Raises:
        ConfigError: a file is missing or named so that its format or graph cannot be told.
        FactError: a file is not what its suffix says, or holds what cannot be published.
        KgErrors: several of these.
        ReleaseError: the folder cannot be written, or the disk is full.
    """
    if licence and not (licence.startswith(("http://", "https://")) and _is_iri(licence)):
        raise ConfigError(
            "no address of a licence",
            where="--licence",
            seen=licence,
            expected="an http or https address, e.g. https://creativecommons.org/licenses/by/4.0/",
        )
    if not title.isprintable():
        raise ConfigError("no title", where="--title", seen=title, expected="text in one line")
    found = _files(files, base)
    inputs = (
        *collect_inputs({"kg": Path(kg.__file__).resolve().parent}),
        *(Input(name=f"rdf/{one.name}", sha256=one.sha256, bytes=one.size) for one in found),
    )
    settings = ReleaseSettings(
        base_iri=base,
        title=title or _title(found),
        licence=licence,
        agent=agent,
        versions=engine_versions(),
        options={IMPORT: "rdf", **{f"graph of {one.name}": one.graph for one in found}},
    )
    if not force:
        known = reuse_release(out, inputs, settings)
        if known is not None:
            return known, None
    with contextlib.closing(_Statements()) as statements:
        errors: list[KgError] = []
        for number, one in enumerate(found, 1):
            try:
                statements.read(one, number)
            except KgError as error:
                errors.append(error)
        raise_all(errors)
        if not statements.graphs:
            raise FactError(
                "there is no statement in these files, so nothing is published",
                where=", ".join(str(one.path) for one in found),
            )
        _log.info("sorting %d statements", sum(statements.counts.values()))
        graphs = statements.sorted_graphs()
        _log.info("writing the release")
        path = write_release(
            out,
            graphs=graphs,
            inputs=inputs,
            settings=settings,
            report=_report(statements.rewritten),
            issues=statements.issues(),
            sources=[
                SourceCount(id=name, records=count, mapped=count, rejected=0)
                for name, count in statements.counts.items()
            ],
            questions=(),
            ontology={},
            force=force,
        )
    return path, Imported(statements=dict(statements.counts), rewritten=statements.rewritten)


def _title(files: Sequence[_File]) -> str:
    """Return what a release is called that has no other title."""
    names = list(dict.fromkeys(_printable(file.path.name) for file in files))
    more = len(names) - _NAMES_IN_TITLE
    return ", ".join(names[:_NAMES_IN_TITLE]) + (f" and {more} more" if more > 0 else "")


def _printable(name: str) -> str:
    """Return the name of a file as text; a file may be called by bytes that are none."""
    return "".join(char if char.isprintable() else "\ufffd" for char in name)


def _report(rewritten: int) -> ReportFiles:
    """Return the report on data that nobody validated: it claims nothing."""
    text = _NOT_VALIDATED
    if rewritten:
        text += (
            f"Literals published in the form in which the store returns them: {rewritten} "
            "(examples in issues.jsonl).\n"
        )
    value: dict[str, object] = {"conforms": None, "counts": {}, "results": []}
    value["rewritten"] = rewritten
    return ReportFiles(
        conforms=None,
        blocks=False,
        ttl=f"# {_NOT_VALIDATED}",
        json=json.dumps(value, indent=2) + "\n",
        text=text,
    )


# --------------------------------------------------------------------------------------------------
# Which files


def _files(arguments: Sequence[str], base: str) -> list[_File]:
    """Return the files in an order that does not depend on that of the arguments.

    Raises:
        ConfigError: a file is missing or given twice, or its format or graph cannot be told.
        KgErrors: several of these.
    """
    found: list[_File] = []
    errors: list[KgError] = []
    called: dict[str, Path] = {}
    for argument in arguments:
        given, path = _split(argument)
        try:
            one = _file(path, given or _graph_of(path, base))
        except ConfigError as error:
            errors.append(error)
            continue
        other = called.setdefault(one.graph, path)
        if not given and other.resolve() != path.resolve():
            errors.append(
                ConfigError(
                    "two files of one name would go into one graph",
                    where=f"{other}, {path}",
                    seen=one.graph,
                    hint="name their graphs: IRI=FILE",
                )
            )
        found.append(one)
    twice = Counter((one.path.resolve(), one.graph) for one in found)
    errors += [
        ConfigError("the file is given twice", where=str(path), seen=graph)
        for (path, graph), times in twice.items()
        if times > 1
    ]
    raise_all(errors)
    found.sort(key=lambda one: (one.path.name, one.graph, one.sha256))
    names = Counter[str]()
    named = []
    for one in found:
        name = _printable(one.path.name)
        names[name] += 1
        number = names[name]
        named.append(msgspec.structs.replace(one, name=name if number == 1 else f"{number}/{name}"))
    return named


def _split(argument: str) -> tuple[str, Path]:
    """Return the graph that `IRI=FILE` names, or nothing, and the file.

    An IRI and a path may hold `=` themselves: what follows the first one that leaves a file is it.
    """
    parts = argument.split("=")
    if len(parts) == 1 or not _SCHEME.match(argument) or Path(argument).exists():
        return "", Path(argument)
    ways = [("=".join(parts[:n]), Path("=".join(parts[n:]))) for n in range(1, len(parts))]
    return next((way for way in ways if way[1].is_file()), ways[0])


def _graph_of(path: Path, base: str) -> str:
    """Return the IRI of the graph that is called after a file.

    >>> _graph_of(Path("data/My People.ttl.gz"), "https://a.example/")
    'https://a.example/id/graph/my-people'
    """
    stem, _ = _suffix(path)
    stem = path.name[: len(stem)]
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    key = re.sub("[^a-z0-9]+", "-", plain).strip("-")
    if any(unicodedata.category(char)[0] == "L" and ord(char) > 0x24F for char in stem):
        # A name in another script: what is left of it in Latin letters says nothing.
        key = f"file-{hashlib.sha256(stem.encode()).hexdigest()[:8]}"
    return graph_iri(base, key[:80].strip("-") or "file")


def _suffix(path: Path) -> tuple[str, str]:
    """Return the name of a file without its suffixes, in lower case, and the suffix of RDF."""
    name = path.name.lower().removesuffix(".gz")
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem else (name, "")


def _file(path: Path, graph: str) -> _File:
    """Return what is to be known of a file before it is read.

    Raises:
        ConfigError: it is no file or cannot be read, its name tells no format, or the graph is no
            IRI.
    """
    _, suffix = _suffix(path)
    if path.is_dir():
        raise ConfigError(
            "a folder cannot be imported",
            where=str(path),
            expected=f"a file, {_accepted()}",
            hint=f"name its files: {path / '*.ttl'}",
        )
    if not path.exists():
        raise ConfigError("there is no such file", where=str(path))
    if not path.is_file():
        raise ConfigError("a pipe or a device cannot be imported", where=str(path))
    if suffix not in FORMATS:
        raise ConfigError(
            "the name of the file tells no RDF format", where=str(path), expected=_accepted()
        )
    if not _is_iri(graph):
        raise ConfigError(
            "the name of the graph is no absolute IRI",
            where=str(path),
            seen=graph,
            expected="IRI=FILE, e.g. https://example.org/people=people.ttl",
        )
    try:
        with path.open("rb") as file:
            state = _state(file)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"the file cannot be read: {error.strerror}", where=str(path)) from None
    return _File(
        path=path,
        graph=graph,
        suffix=suffix,
        packed=path.name.lower().endswith(".gz"),
        sha256=sha256,
        size=state[0],
        state=state,
    )


def _accepted() -> str:
    return f"a name that ends in {', '.join(FORMATS)}, or in one of these and .gz"


def _state(file: IO[bytes]) -> tuple[int, ...]:
    """Return what changes when somebody writes to an open file."""
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns, found.st_ino


def _is_iri(text: str) -> bool:
    import pyoxigraph as ox

    try:
        ox.NamedNode(text)
    except ValueError:
        return False
    return True


# --------------------------------------------------------------------------------------------------
# What they say


class _Lines:
    """The sorted lines of one graph, each once."""

    def __init__(self, database: sqlite3.Connection, graph: int) -> None:
        self._database = database
        self._graph = graph

    def __iter__(self) -> Iterator[str]:
        query = "SELECT DISTINCT line FROM quads WHERE graph = ? ORDER BY line"
        with _space():
            for (line,) in self._database.execute(query, (self._graph,)):
                yield line


class _Statements:
    """The statements of some files as lines of N-Quads, in a database that is nobody else's.

    It has no name, and is gone when it is closed or the process ends.
    """

    def __init__(self) -> None:
        self.graphs: dict[str, int] = {}
        self.counts: Counter[str] = Counter()
        self.rewritten = 0
        self._examples: dict[str, dict[str, object]] = {}
        self._canonical: dict[str, str] = {}
        with _space():
            self._database = sqlite3.connect("", isolation_level=None)
            for pragma in (
                "journal_mode = OFF",
                "synchronous = OFF",
                "temp_store = FILE",
                f"cache_size = -{_SORT_KIB}",
            ):
                self._database.execute(f"PRAGMA {pragma}")
            self._database.execute("BEGIN")
            self._database.execute("CREATE TABLE quads (graph INTEGER, line TEXT)")

    def close(self) -> None:
        """Give the space on the disk back."""
        self._database.close()

    def sorted_graphs(self) -> dict[str, _Lines]:
        """Return the lines of each graph that has some; nothing can be read any more."""
        with _space():
            self._database.execute("CREATE INDEX sorted ON quads (graph, line)")
        return {iri: _Lines(self._database, number) for iri, number in self.graphs.items()}

    def issues(self) -> list[dict[str, object]]:
        """Return what was not published as it was written: how much, and examples."""
        if not self.rewritten:
            return []
        total: dict[str, object] = {
            "issue": "literals rewritten",
            "count": self.rewritten,
            "examples": len(self._examples),
        }
        return [total, *self._examples.values()]

    def read(self, file: _File, number: int) -> None:
        """Read a file; its blank nodes are marked with its number.

        Raises:
            FactError: it is not what its suffix says, or holds what cannot be published.
            ConfigError: it cannot be read, or changed meanwhile.
            ReleaseError: there is no room on the disk.
        """
        self.counts[file.name] = 0
        blank: dict[str, int] = {}
        rows: list[_Row] = []
        said = time.monotonic()
        with _opened(file) as stream:
            for quad in _parsed(file, stream):
                if problem := _unsupported(quad):
                    raise FactError(problem, where=_place(file), seen=str(quad))
                rows.append(self._row(quad, file.graph, f"_:f{number}b", blank))
                if len(rows) == _BATCH:
                    self._add(rows, file)
                    if time.monotonic() - said > _SAY_EVERY_S:
                        said = time.monotonic()
                        _log.info("%s: %d statements so far", file.path, self.counts[file.name])
        self._add(rows, file)
        _log.info("%s: %d statements", file.path, self.counts[file.name])

    def _row(self, quad: "ox.Quad", graph: str, mark: str, blank: dict[str, int]) -> "_Row":
        """Return graph, subject, predicate, object as text, and the object if it is a literal."""
        import pyoxigraph as ox

        def name(node: ox.BlankNode) -> str:
            return f"{mark}{blank.setdefault(node.value, len(blank))}"

        subject, value, within = quad.subject, quad.object, quad.graph_name
        return (
            within.value if isinstance(within, ox.NamedNode) else graph,
            name(subject) if isinstance(subject, ox.BlankNode) else str(subject),
            str(quad.predicate),
            name(value) if isinstance(value, ox.BlankNode) else str(value),
            value if isinstance(value, ox.Literal) else None,
        )

    def _add(self, rows: "list[_Row]", file: _File) -> None:
        """Take some rows, with their literals in the form in which the store returns them."""
        self._learn({o: value for *_, o, value in rows if value is not None and o[-1] == ">"})
        lines = []
        for graph, s, p, o, value in rows:
            number = self.graphs.setdefault(graph, len(self.graphs))
            form = o if value is None else self._canonical.get(o, o)
            if form != o:
                self.rewritten += 1
                if len(self._examples) < _EXAMPLES:
                    example = {"file": file.name, "issue": "literal rewritten"}
                    self._examples.setdefault(o, {**example, "seen": o, "published": form})
            lines.append((number, f"{s} {p} {form} <{graph}> .\n"))
        with _space():
            self._database.executemany("INSERT INTO quads VALUES (?, ?)", lines)
        self.counts[file.name] += len(rows)
        rows.clear()
        if len(self._canonical) > _REMEMBERED:
            self._canonical.clear()

    def _learn(self, literals: "Mapping[str, ox.Literal]") -> None:
        """Find out in which form the store returns literals: by asking it."""
        import pyoxigraph as ox

        fresh = [token for token in literals if token not in self._canonical]
        store, said = ox.Store(), ox.NamedNode("urn:x:said")
        store.extend(
            ox.Quad(ox.NamedNode(f"urn:x:{n}"), said, literals[token])
            for n, token in enumerate(fresh)
        )
        for quad in store:
            number = int(cast("ox.NamedNode", quad.subject).value[6:])
            self._canonical[fresh[number]] = str(quad.object)


_Row = tuple[str, str, str, str, "ox.Literal | None"]


@contextlib.contextmanager
def _space() -> Iterator[None]:
    """Turn a full disk into a ReleaseError."""
    try:
        yield
    except sqlite3.Error as error:
        raise ReleaseError(
            f"the statements cannot be sorted: {error}",
            hint="let TMPDIR name a folder with room for twice the files",
        ) from error


# --------------------------------------------------------------------------------------------------
# One file


class _Slowly(io.RawIOBase):
    """A file that is read line by line, so that it is known how far a parser has come."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._ended = True
        self.line = 0
        """The line that was read last, from 1."""

    def read(self, size: int = -1) -> bytes:
        """Return no more than the rest of the line."""
        data = self._stream.readline(size)
        self.line += self._ended and bool(data)
        self._ended = data.endswith(b"\n")
        return data


@contextlib.contextmanager
def _opened(file: _File) -> Iterator[IO[bytes]]:
    """Open a file, unpacked and without a byte order mark.

    Raises:
        FactError: it is not gzip, or cut off.
        ConfigError: it cannot be read, or is not the file whose hash was taken.
    """
    try:
        with contextlib.ExitStack() as stack:
            raw = stack.enter_context(file.path.open("rb", buffering=_CHUNK))
            stream: Any = raw
            if file.packed:
                unpacked = stack.enter_context(gzip.GzipFile(fileobj=raw))
                stream = stack.enter_context(io.BufferedReader(unpacked, _CHUNK))
            if stream.peek(3)[:3] == codecs.BOM_UTF8:
                stream.read(3)
            yield stream
            if _state(raw) != file.state:
                raise ConfigError(
                    "the file changed while it was read",
                    where=str(file.path),
                    hint="import it again when nobody writes to it",
                )
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FactError(f"the file is no whole gzip file: {error}", where=str(file.path)) from None
    except OSError as error:
        raise ConfigError(
            f"the file cannot be read: {error.strerror or error}", where=str(file.path)
        ) from None


def _parsed(file: _File, stream: IO[bytes]) -> "Iterator[ox.Quad]":
    """Yield the quads of an open file.

    Raises:
        FactError: it is not what its suffix says.
    """
    import pyoxigraph as ox

    form = ox.RdfFormat.from_media_type(FORMATS[file.suffix])
    assert form is not None
    if form == ox.RdfFormat.RDF_XML:
        _check_xml(file)
    try:
        yield from ox.parse(stream, format=form, base_iri=file.graph)
    except SyntaxError as error:
        if "LoadDocumentCallback" in str(error):
            raise FactError(
                "the file names a JSON-LD context that stands elsewhere, and nothing is fetched",
                where=_place(file),
                hint="write the context into the file",
            ) from None
        message = _MESSAGE.fullmatch(error.msg)
        raise FactError(
            f"the file is no {form.name}: {message[1] if message else error.msg}",
            where=f"{file.path}:{error.lineno}:{error.offset}" if error.lineno else _place(file),
        ) from None


def _unsupported(quad: "ox.Quad") -> str:
    """Return what of a quad cannot be published, or nothing."""
    import pyoxigraph as ox

    value = quad.object
    if isinstance(value, ox.Triple):
        return "a triple term of RDF 1.2 cannot be published: half of the formats cannot carry it"
    if isinstance(value, ox.Literal) and value.direction is not None:
        return "a literal with a base direction cannot be published: few parsers read it"
    if isinstance(quad.graph_name, ox.BlankNode):
        return "a named graph without an IRI cannot be published: nobody could ask for it"
    return ""


def _place(file: _File) -> str:
    """Return file and line of the first thing in a file that cannot be published.

    The parsers of RDF/XML and JSON-LD do not say where they are, so the file is read once more.
    """
    import pyoxigraph as ox

    form = ox.RdfFormat.from_media_type(FORMATS[file.suffix])
    with _opened(file) as stream:
        slowly = _Slowly(stream)
        with contextlib.suppress(SyntaxError):
            for quad in ox.parse(cast("IO[bytes]", slowly), format=form, base_iri=file.graph):
                if _unsupported(quad):
                    break
        return f"{file.path}:{max(slowly.line, 1)}"


def _check_xml(file: _File) -> None:
    """Refuse a document that is not well-formed, or whose entities unfold to much more than it.

    The parser of RDF/XML takes a file that was cut off for a whole one, and unfolds everything.

    Raises:
        FactError: it is.
    """
    parser = xml.parsers.expat.ParserCreate()
    with _opened(file) as stream:
        try:
            parser.ParseFile(stream)
        except xml.parsers.expat.ExpatError as error:
            raise FactError(
                f"the file is no RDF/XML: {xml.parsers.expat.ErrorString(error.code)}",
                where=f"{file.path}:{error.lineno}:{error.offset + 1}",
            ) from None
