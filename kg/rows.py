"""The rows of the files of feeds: read, unpacked, cut into pieces, and split into columns.

Files are plain, or packed with gzip, zip or zstd, told by their first bytes; `-` is the standard
input. A file is cut where a record ends, into pieces that are worked on one by one, so that no file
is ever held in memory. What is no row of its table is told with its place and goes no further.

Spec: RFC 4180 (CSV); RFC 8259 (JSON); docs/reference/feeds.md
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import itertools
import lzma
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import msgspec
import zstandard

from kg.errors import FactError
from kg.feed import Feed, Table

PIECE: Final = 4 << 20
"""Bytes of a piece, about."""
LINES_OF_A_PIECE: Final = 10_000
"""Lines of a piece, about, where they are short."""
HEAD: Final = 1 << 18
"""Bytes by which the form of a file is told."""
MOST: Final = 1 << 20
"""Bytes of one record at most."""
_TRIED: Final = 500
"""Ends of an object that are tried for the first one of a file."""
LINES: Final = 200
"""Lines that a quoted value may go on for."""
ARRAY: Final = 512 << 20
"""Bytes of a JSON array at most: it is read as a whole."""
DELIMITERS: Final = ",;\t"
"""What may stand between the columns of CSV, which is told by the first line of a file."""
STDIN: Final = "-"

_GZIP, _ZIP, _ZSTD = b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd"
_BOM: Final = "\ufeff".encode()


class Piece(NamedTuple):
    """Some whole records of a file.

    Attributes:
        line: the number of its first line, from 1; of an array, that of its first object.
        data: its bytes.
    """

    line: int
    data: bytes


class Form(msgspec.Struct, frozen=True):
    """How a file is to be read.

    Attributes:
        table: the id of its table.
        columns: the place of each of the table's columns in a row, -1 where the file has none.
            Empty for JSON.
        width: the columns of a row.
        header: whether the first line names them.
        unknown: columns that the table does not know.
        delimiter: what stands between two columns.
    """

    table: str
    columns: tuple[int, ...]
    width: int
    header: bool
    unknown: tuple[str, ...] = ()
    delimiter: str = ","


class NoTable(FactError):
    """A file is of no table of a feed; `first` are its first bytes."""

    def __init__(self, what: str, first: bytes, **rest: str) -> None:
        super().__init__(what, **rest)
        self.first = first


class Fault(NamedTuple):
    """What is no row, and why: line, column, value and reason."""

    line: int
    column: str
    value: str
    reason: str


def files_of(path: Path) -> list[Path]:
    """Return the files that a path stands for: itself, or those of a folder, sorted by name.

    Hidden files and folders are left out.

    Raises:
        FactError: there is no such file, or none in the folder.
    """
    if str(path) == STDIN:
        return [path]
    if path.is_dir():
        found = sorted(
            one
            for one in path.rglob("*")
            if one.is_file() and not any(p.startswith(".") for p in one.relative_to(path).parts)
        )
        if not found:
            raise FactError("the folder has no files", where=str(path), hint="name another one")
        return found
    if not path.exists():
        raise FactError("no such file", where=str(path), hint="name an existing one with --source")
    return [path]


def members(path: Path) -> Generator[tuple[str, IO[bytes]], None, None]:
    """Yield the name and the unpacked bytes of every file in a file: of a zip there may be several.

    Each is closed before the next is opened.

    Raises:
        FactError: it cannot be read, or is packed otherwise.
    """
    name = "stdin" if str(path) == STDIN else path.name
    with ExitStack() as stack:
        try:
            if str(path) == STDIN:
                file: IO[bytes] = sys.stdin.buffer
            else:
                file = stack.enter_context(path.open("rb"))
            buffered = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file)  # type: ignore[type-var]
            magic = buffered.peek(4)[:4]
        except OSError as error:
            raise _unreadable(path, error) from error
        bare = re.sub(r"\.(gz|gzip|zst|zstd)$", "", name, flags=re.IGNORECASE)
        if magic.startswith(_GZIP):
            yield bare, stack.enter_context(gzip.GzipFile(fileobj=buffered))  # type: ignore[arg-type]
        elif magic == _ZSTD:
            yield bare, stack.enter_context(io.BufferedReader(_Zstd(buffered), 1 << 20))
        elif magic == _ZIP:
            whole: IO[bytes] = buffered
            if not buffered.seekable():
                import shutil
                import tempfile

                whole = stack.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(buffered, whole)
            try:
                archive = stack.enter_context(zipfile.ZipFile(whole))
            except zipfile.BadZipFile as error:
                raise _unreadable(path, error) from error
            for entry in sorted(archive.infolist(), key=lambda one: one.filename):
                if entry.flag_bits & 1:
                    raise FactError(
                        "a file in it needs a password",
                        where=f"{path.name}/{entry.filename}",
                        hint="unpack it first",
                    )
                hidden = entry.filename.startswith(("__MACOSX/", ".")) or "/." in entry.filename
                if not entry.is_dir() and not hidden:
                    with archive.open(entry) as one:
                        yield Path(entry.filename).name, one
        else:
            yield bare, buffered


class _Zstd(io.RawIOBase):
    """The unpacked bytes of frames of Zstandard; it is an error where the last one breaks off."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._left = memoryview(b"")
        self._begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            data = self._frame.unused_data if self._frame.eof else b""
            data = data or self._file.read(1 << 14)
            if not data:
                if self._begun and not self._frame.eof:
                    raise EOFError("the packed data breaks off")
                return 0
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._begun = True
            self._left = memoryview(self._frame.decompress(data))
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _unreadable(path: Path, error: Exception) -> FactError:
    return FactError(
        "the file cannot be read",
        where=str(path),
        seen=str(error) or type(error).__name__,
        hint="is it whole? fetch it again",
    )


# --- which table --------------------------------------------------------------------------------


def form_of(feed: Feed, first: bytes, where: str) -> Form:
    """Return how a file is to be read, by its first bytes.

    Args:
        feed: the source.
        first: the beginning of the file: at least its first line.
        where: the file, for the error.
    Raises:
        FactError: it is no file of this feed.
    """
    text = first.removeprefix(_BOM).decode("utf-8", "replace")
    if "\r" in text and "\n" not in text and len(first) >= min(HEAD, 2):
        raise FactError(
            "the lines end in carriage returns alone",
            where=where,
            expected="line feeds, or both",
            hint="convert it, e.g. with tr '\\r' '\\n'",
        )
    lines = text.split("\n", LINES)
    line = lines[0].rstrip("\r")
    record = line
    for taken in range(2, len(lines) + 1):
        if record.count('"') % 2 == 0:
            break
        record = "\n".join(lines[:taken]).rstrip("\r")
    problems = []
    for table in feed.tables:
        if table.form == "json":
            if text.lstrip()[:1] in ("{", "["):
                if found := _json_form(table, text):
                    return found
                problems.append(f"{table.id}: JSON objects with {', '.join(table.required)}")
            continue
        lengths = table.lengths or (len(table.columns),)
        for delimiter in "\t" if table.form == "tsv" else DELIMITERS:
            cells = _cells(table, line if table.form == "tsv" else record, delimiter)
            if table.header != "never" and (found := _by_header(table, cells, delimiter)):
                return found
            if table.header != "always" and len(cells) in lengths and not _is_header(table, cells):
                places = tuple(n if n < len(cells) else -1 for n in range(len(table.columns)))
                return Form(table.id, places, len(cells), header=False, delimiter=delimiter)
        wanted = f"{' or '.join(map(str, lengths))} columns"
        if table.header != "never":
            wanted = f"a header with {', '.join(table.required or table.key)}"
            wanted += f", or {lengths[0]} columns without one" if table.header == "either" else ""
        problems.append(f"{table.id}: {wanted}")
    raise NoTable(
        f"this is no file of {feed.id}",
        first,
        where=where,
        seen=line[:120] or "nothing",
        expected="; or ".join(problems),
        hint="is it of another source? `kg source list` shows them",
    )


def _cells(table: Table, line: str, delimiter: str) -> list[str]:
    if table.form == "tsv":
        return line.split(delimiter)
    try:
        return next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter), [])
    except csv.Error:  # a value of more than 131,072 characters
        return []


def _is_header(table: Table, cells: Sequence[str]) -> bool:
    names = {name.lower() for name in table.columns}
    return sum(cell.strip().lower() in names for cell in cells) * 2 > len(cells)


def _by_header(table: Table, cells: Sequence[str], delimiter: str) -> Form | None:
    if not _is_header(table, cells):
        return None
    names = [cell.strip().lower() for cell in cells]
    wanted = {name.lower() for name in table.required or table.key}
    if not wanted <= set(names):
        return None
    places = {name: n for n, name in reversed(list(enumerate(names)))}
    known = {name.lower() for name in table.columns}
    return Form(
        table.id,
        tuple(places.get(name.lower(), -1) for name in table.columns),
        len(names),
        header=True,
        unknown=tuple(cell for cell in cells if cell.strip() and cell.strip().lower() not in known),
        delimiter=delimiter,
    )


def _json_form(table: Table, text: str) -> Form | None:
    """Return the form of JSON, if one of its first objects has the fields that a table requires."""
    start = text.find("{")
    decoder = msgspec.json.Decoder(dict[str, Any])
    for end in itertools.islice(re.finditer("}", text), _TRIED):
        try:
            found = decoder.decode(text[start : end.end()].encode())
        except (msgspec.DecodeError, ValueError):
            continue
        except RecursionError:
            break
        if all(name in found for name in table.required or table.key):
            return Form(table.id, (), 0, header=False)
        return None
    return None


# --- cutting ------------------------------------------------------------------------------------


def pieces(file: IO[bytes], form: str, *, head: bytes = b"", size: int = 0) -> Iterator[Piece]:
    """Yield the records of a file in pieces, the header with the first.

    Args:
        file: its unpacked bytes, or what comes after `head`.
        form: `csv`, `tsv` or `json`.
        head: bytes that were read already.
        size: the bytes of a piece, about; by default `PIECE`, or less where lines are short.
    Raises:
        OSError, EOFError, zlib.error, zstandard.ZstdError: it cannot be read to its end.
        FactError: a JSON array is too large.
    """
    line = 1
    rest = (head or file.read(HEAD)).removeprefix(_BOM)
    if form == "json" and rest.lstrip()[:1] == b"[":
        yield from _array(rest, file)
        return
    size = size or min(PIECE, LINES_OF_A_PIECE * len(rest) // max(1, rest.count(b"\n")))
    while True:
        data = file.read(max(1, size - len(rest)))
        if not data:
            break
        data = rest + data
        cut = data.rfind(b"\n") + 1
        if form == "csv":
            cut = _even(data, cut)
        if not cut and len(data) < PIECE + 2 * MOST:
            rest = data
            size = max(size, len(rest) + MOST)
            continue
        cut = cut or len(data)
        yield Piece(line, data[:cut])
        line += data.count(b"\n", 0, cut)
        rest = data[cut:]
    if rest:
        yield Piece(line, rest)


def _even(data: bytes, cut: int) -> int:
    """Return the last end of a line up to `cut` before which quotes are closed, as far as is known.

    Where a quote is missing there is none near the end: then the last line counts, and what is
    wrong shows where rows are read.
    """
    number = data.count(b'"', 0, cut)
    at = cut
    for _ in range(LINES):
        if not at or number % 2 == 0:
            break
        before = data.rfind(b"\n", 0, at - 1) + 1
        number -= data.count(b'"', before, at)
        at = before
    return at if at and number % 2 == 0 else cut


def _array(first: bytes, file: IO[bytes]) -> Iterator[Piece]:
    """Yield the objects of a JSON array as lines, some thousands at a time."""
    whole = bytearray(first)
    while data := file.read(PIECE):
        whole += data
        if len(whole) > ARRAY:
            raise FactError(
                "the JSON array is too large to be read as a whole",
                expected=f"at most {ARRAY >> 20} MiB",
                hint="write one object a line instead",
            )
    try:
        found = msgspec.json.decode(bytes(whole), type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        raise FactError("the JSON array cannot be read", seen=str(error)) from error
    number = 1
    lines: list[bytes] = []
    size = 0
    for n, one in enumerate(found, 1):
        lines.append(bytes(one).replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")
        size += len(lines[-1])
        if size > PIECE:
            yield Piece(number, b"".join(lines))
            number, lines, size = n + 1, [], 0
    if lines:
        yield Piece(number, b"".join(lines))


# --- reading ------------------------------------------------------------------------------------


def rows(piece: Piece, form: Form, table: Table, *, first: bool) -> Iterator[tuple[int, Any]]:
    """Yield line and row of each record, or line and `Fault`; empty lines are none.

    Args:
        piece: some records.
        form: how they are to be read.
        table: their table.
        first: whether the piece begins its file, perhaps with a header.
    """
    skip = first and form.header
    if table.form == "json":
        yield from _json_rows(piece)
    elif table.form == "tsv":
        yield from _split(piece, form, skip=skip)
    else:
        yield from _csv_rows(piece, form, skip=skip)


def _take(form: Form) -> Callable[[list[str]], tuple[str, ...]]:
    """Return what puts the cells of a row into the order of the table."""
    if form.columns == tuple(range(form.width)):
        return tuple

    def take(cells: list[str]) -> tuple[str, ...]:
        return tuple(cells[n] if n >= 0 else "" for n in form.columns)

    return take


def _decoded(line: bytes, number: int) -> str | Fault:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        shown = line[max(0, error.start - 20) : error.start + 20]
        return Fault(number, "", repr(shown), "the bytes are not UTF-8")


def _width(number: int, cells: list[str], form: Form) -> Fault:
    return Fault(
        number,
        "",
        "\t".join(cells)[:200],
        f"{len(cells)} columns where the file has {form.width}",
    )


def _split(piece: Piece, form: Form, *, skip: bool) -> Iterator[tuple[int, Any]]:
    take = _take(form)
    try:
        lines: list[Any] = piece.data.decode().split("\n")
    except UnicodeDecodeError:
        lines = [_decoded(line, piece.line + n) for n, line in enumerate(piece.data.split(b"\n"))]
    width = form.width
    for number, line in enumerate(lines, piece.line):
        if skip:
            skip = False
            continue
        if not line:
            continue
        if isinstance(line, Fault):
            yield number, line
            continue
        cells = line.rstrip("\r").split("\t") if line[-1] == "\r" else line.split("\t")
        if len(cells) == width:
            yield number, take(cells)
        elif line.strip():
            yield number, _width(number, cells, form)


def _csv_rows(piece: Piece, form: Form, *, skip: bool) -> Iterator[tuple[int, Any]]:
    take = _take(form)
    lines = piece.data.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    at = 0
    while at < len(lines):
        number = piece.line + at
        line = lines[at]
        taken = 1
        quotes = line.count(b'"')
        while quotes % 2 and taken <= LINES and at + taken < len(lines) and len(line) < MOST:
            line += b"\n" + lines[at + taken]
            quotes += lines[at + taken].count(b'"')
            taken += 1
        found: Any = _record(line, number, form) if quotes % 2 == 0 else None
        if (not isinstance(found, list) and taken > 1) or found is None:
            # A quote that is not closed, or one too many: the line stands alone.
            taken = 1
            found = _record(lines[at], number, form)
            if isinstance(found, Fault) and found.reason.startswith("no CSV"):
                found = found._replace(reason="a quote is not closed")
        at += taken
        if skip:
            skip = False
            continue
        if isinstance(found, list):
            if found:
                yield number, take(found)
        else:
            yield number, found


def _record(line: bytes, number: int, form: Form) -> list[str] | Fault:
    """Return the cells of a record; none of an empty line."""
    text = _decoded(line, number)
    if isinstance(text, Fault):
        return text
    text = text.removesuffix("\r")
    if not text.strip():
        return []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter, strict=True)
        cells = next(reader, [])
        if next(reader, None) is not None:  # what follows may not be lost in silence
            return Fault(number, "", text[:200], "several rows where there should be one")
    except csv.Error as error:
        return Fault(number, "", text[:200], f"no CSV: {error}")
    return cells if len(cells) == form.width else _width(number, cells, form)


def _json_rows(piece: Piece) -> Iterator[tuple[int, Any]]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    for number, line in enumerate(piece.data.split(b"\n"), piece.line):
        if not line.strip():
            continue
        if len(line) > MOST:
            yield number, Fault(number, "", line[:80].decode(errors="replace"), "a record too long")
            continue
        try:
            yield number, decoder.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            shown = line[:200].decode(errors="replace")
            yield number, Fault(number, "", shown, f"no JSON object: {error}")


def key_reader(table: Table, columns: Sequence[str] | None = None) -> Callable[[Any], str]:
    """Return what gives the key of a row as one text; see `key_of`."""
    names = tuple(table.key if columns is None else columns)
    if table.form == "json":
        return lambda row: "\x1f".join(
            ["" if (one := row.get(name)) is None else str(one) for name in names]
        )
    places = [table.columns.index(name) for name in names]
    if len(places) == 1:
        return itemgetter(places[0])
    cells = itemgetter(*places)
    return lambda row: "\x1f".join(cells(row))


def key_of(table: Table, row: Any, columns: Sequence[str] | None = None) -> str:
    """Return the key of a row as one text; columns are separated by a character that none has.

    Args:
        columns: other columns than those of the key.
    """
    return key_reader(table, columns)(row)


def hashed(text: str) -> int:
    """Return 64 bits by which a key is known among all of a build."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


BROKEN: Final = (
    OSError,
    EOFError,
    zlib.error,
    zstandard.ZstdError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    NotImplementedError,
)
"""What a packed file raises that does not go on to its end."""
