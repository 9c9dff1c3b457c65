"""The mappings that there are: those of the package and those of further folders.

A mapping is found by its id, held against what every mapping keeps to, tried on the first rows of a
file without a build, and begun from a template. To look at a mapping is to run its code.

Spec: docs/how-to/add-a-source.md
"""

from __future__ import annotations

import ast
import csv
import datetime
import difflib
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from kg import edtf
from kg.errors import ConfigError, FactError, KgError, MappingError
from kg.feed import (
    Feed,
    FeedScript,
    MapRow,
    Scribe,
    Table,
    feeds,
    lines_in,
    load_feed,
    prelude,
)
from kg.ingest import Checks, Issue, Mapped, map_piece, statuses
from kg.mapping import Source, load_mapping, mappings
from kg.pipeline import StatesByCode, batch_of, state_lines
from kg.report import Report
from kg.resources import folder
from kg.rows import BROKEN, HEAD, Form, Piece, files_of, form_of, members, pieces, rows
from kg.validate import data_shapes, load_shapes
from kg.vocab import CH, RDF, load_vocabulary

_TAG: Final = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-[a-z0-9]{5,8})*")
_TODO: Final = "TODO"
_ALLOWED: Final = {
    "Feed": ("kg.feed", "kg.vocab"),
    "Source": ("kg.mapping", "kg.vocab", "kg.facts"),
}


class Known(NamedTuple):
    """A mapping that was found: its id, its file, what it says of itself, or why it cannot."""

    id: str
    path: Path
    source: Feed | Source | None
    problem: str = ""


class Sources:
    """The mappings of the package and of further folders.

    Args:
        more: the further folders.
    Raises:
        ConfigError: there is no such folder.
    """

    def __init__(self, more: Sequence[Path] = ()) -> None:
        for one in more:
            if not one.is_dir():
                raise ConfigError(
                    "no such folder",
                    where="--mappings",
                    seen=str(one),
                    hint="`kg source new` makes it",
                )
        own = folder("mappings")
        self.folders = (own, *(one for one in dict.fromkeys(more) if not one.samefile(own)))

    def path(self, source_id: str) -> Path:
        """Return the file of the mapping of a feed.

        Raises:
            MappingError: there is none, or there are two.
        """
        known = {name: place / f"{name}.py" for place in self.folders for name in feeds(place)}
        found = [place / f"{source_id}.py" for place in self.folders if source_id in feeds(place)]
        if len(found) == 1:
            return found[0]
        if found:
            raise MappingError(
                "two mappings have one id",
                where="--mappings",
                seen=" and ".join(map(str, found)),
                hint="give yours another id: it is part of the addresses that it makes",
            )
        if any(source_id in mappings(place) for place in self.folders):
            raise MappingError(
                "this source is none of rows: its records are facts files",
                where="--source",
                seen=source_id,
                hint="name their folder with --facts",
            )
        near = difflib.get_close_matches(source_id, known, n=1)
        raise MappingError(
            "no such source",
            seen=source_id,
            expected=f"one of {', '.join(sorted(known))}",
            hint=f"did you mean {near[0]}?"
            if near
            else "`kg source list` shows them; --mappings FOLDER adds your own",
        )

    def feed(self, source_id: str) -> FeedScript:
        """Return the mapping of a feed.

        Raises:
            MappingError: there is none, or there are two, or it cannot be loaded.
        """
        return load_feed(self.path(source_id).parent, source_id)

    def all(self) -> list[Known]:
        """Return every mapping, by its id and its folder; also those that cannot be loaded."""
        out = []
        for place in self.folders:
            for name in feeds(place):
                out.append(_known(place, name, "Feed"))
            for name in mappings(place):
                out.append(_known(place, name, "Source"))
        return sorted(out, key=lambda one: one.id)

    def find(self, source_id: str) -> Known:
        """Return the mapping with this id.

        Raises:
            MappingError: there is none, or there are two, or it cannot be loaded.
        """
        for place in self.folders:
            if source_id in mappings(place):
                path = place / f"{source_id}.py"
                return Known(source_id, path, load_mapping(place, source_id).source)
        path = self.path(source_id)
        return Known(source_id, path, load_feed(path.parent, source_id).source)

    def recognise(self, first: bytes) -> list[str]:
        """Return the ids of the feeds of which a file may be, by its first bytes."""
        found = []
        for one in self.all():
            if isinstance(one.source, Feed):
                try:
                    form_of(one.source, first, "")
                except FactError:
                    continue
                found.append(one.id)
        return found

    def of_another(self, feed: Feed, first: bytes, error: FactError) -> FactError:
        """Return the error for a file that is none of a feed, with those of which it may be."""
        found = self.recognise(first)
        if not found:
            return error
        hint = f"is it of {' or '.join(found)}? --source {found[0]}=FILE"
        return FactError(
            error.what, where=error.where, seen=error.seen, expected=error.expected, hint=hint
        )


def _known(place: Path, name: str, kind: str) -> Known:
    path = place / f"{name}.py"
    try:
        source: Feed | Source = (
            load_feed(place, name).source if kind == "Feed" else load_mapping(place, name).source
        )
    except KgError as error:
        return Known(name, path, None, str(error))
    return Known(name, path, source)


# --- what every mapping keeps to ------------------------------------------------------------------


def recognised(table: Table) -> str:
    """Return in words how a file of a table is recognised."""
    needed = ", ".join(table.required or table.key)
    if table.form == "json":
        return f"its objects have {needed}"
    lengths = " or ".join(map(str, table.lengths or (len(table.columns),)))
    by_name = f"its first line names {needed}"
    by_number = f"it has {lengths} columns"
    if table.header == "always":
        return by_name
    if table.header == "never":
        return f"{by_number} and no header"
    return f"{by_name}, or {by_number} and no header"


def unfinished(feed: Feed) -> list[str]:
    """Return what a mapping still has from its template: the fields that say TODO."""
    found = []
    for name in ("title", "publisher", "url", "licence", "citation", "method"):
        if _TODO in str(getattr(feed, name)) or "todo.example" in str(getattr(feed, name)):
            found.append(name)
    for table in feed.tables:
        found += [f"{table.id}.{c}" for c, why in table.ignored.items() if why.startswith(_TODO)]
    return found


def problems(path: Path, source: Feed | Source) -> list[str]:
    """Return in what a mapping breaks the contract, as far as its code and its `SOURCE` show it.

    Args:
        path: its file.
        source: what it says of itself.
    """
    out = []
    if source.id != path.stem or not re.fullmatch("[a-z][a-z_]*", source.id):
        out.append(f"id {source.id!r}: expected the name of the file, [a-z_]+")
    for name in ("title", "publisher", "licence"):
        if not getattr(source, name).strip():
            out.append(f"{name}: it is empty")
    if not source.licence.startswith("https://"):
        out.append(f"licence {source.licence!r}: expected its address, https://…")
    if not source.languages:
        out.append("languages: there is none; und stands for one that is not known")
    for tag in source.languages:
        if not _TAG.fullmatch(tag):
            out.append(f"language {tag!r}: expected a tag of BCP 47 such as en or sr-Latn")
    if source.redistribution not in ("open", "share-alike", "none"):
        out.append(f"redistribution {source.redistribution!r}: open, share-alike or none")
    try:
        day = datetime.date.fromisoformat(source.retrieved).isoformat() == source.retrieved
        if not day or edtf.bounds(source.retrieved)[0] != source.retrieved:
            raise ValueError
    except ValueError:
        out.append(f"retrieved {source.retrieved!r}: expected a day, YYYY-MM-DD")
    out += _imports(path, type(source).__name__)
    if isinstance(source, Feed):
        out += _of_feed(source)
    return out


def _of_feed(feed: Feed) -> Iterator[str]:
    for name in ("citation", "method"):
        if not getattr(feed, name).strip():
            yield f"{name}: it is empty"
    if not re.match("https?://", feed.url):
        yield f"url {feed.url!r}: expected an address"
    try:
        share = float(feed.quarantine)
    except ValueError:
        share = -1
    if not 0 <= share < 1:
        yield f"quarantine {feed.quarantine!r}: expected a share such as 0.05"
    tables = {table.id: table for table in feed.tables}
    if not tables:
        yield "tables: there is none"
    if len(tables) != len(feed.tables):
        yield "tables: two have one id"
    for table in feed.tables:
        where = f"table {table.id}"
        if not re.fullmatch("[a-z]+", table.id):
            yield f"{where}: expected an id of letters a to z"
        columns = set(table.columns)
        if len(columns) != len(table.columns) or len({c.lower() for c in columns}) != len(columns):
            yield f"{where}: two columns have one name"
        if not table.key:
            yield f"{where}: it has no key"
        needed = table.needs[1] if table.needs else ()
        for what, names in (
            ("key", table.key),
            ("required", table.required),
            ("ignored", table.ignored),
            ("needs", needed),
            ("index", table.index),
        ):
            for name in names:
                if name not in columns:
                    yield f"{where}: {what} names {name!r}, which is no column of it"
        for name, why in table.ignored.items():
            if not why.strip():
                yield f"{where}: {name} is left out without a reason"
        for name in table.seeks:
            if name not in tables or not tables[name].index:
                yield f"{where}: it seeks in {name!r}, which is no table with an index"
        if table.needs:
            other = tables.get(table.needs[0])
            if other is None:
                yield f"{where}: it needs {table.needs[0]!r}, which is no table"
            elif len(other.key) != len(needed):
                yield f"{where}: it needs {len(other.key)} columns, the key of {other.id}"
        seen: list[str] = []
        one: Table | None = table
        while one and one.needs and one.id not in seen:
            seen.append(one.id)
            one = tables.get(one.needs[0])
        if one and one.id in seen:
            yield f"{where}: tables need one another in a circle: {', '.join(seen)}"


def _imports(path: Path, kind: str) -> Iterator[str]:
    allowed = _ALLOWED[kind]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [one.name for one in node.names]
        if isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        for name in names:
            first = name.partition(".")[0]
            if name not in allowed and (first == "kg" or first not in sys.stdlib_module_names):
                yield (
                    f"line {node.lineno}: it imports {name}; expected {', '.join(allowed)} "
                    "and the standard library"
                )


# --- a trial --------------------------------------------------------------------------------------


class _Seen(tuple[str, ...]):
    """A row that notes which of its columns are read."""

    read: set[int]

    def __getitem__(self, at: Any) -> Any:
        self.read.update([at] if isinstance(at, int) else range(*at.indices(len(self))))
        return super().__getitem__(at)

    def __iter__(self) -> Iterator[str]:
        self.read.update(range(len(self)))
        return super().__iter__()


class _SeenObject(dict[str, Any]):
    """An object of JSON that notes which of its fields are read."""

    read: set[str]

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.read.add(str(name))
        return super().__contains__(name)


def noting(script: FeedScript, table: Table, read: set[str]) -> FeedScript:
    """Return a mapping that notes which columns of a table its function reads.

    A row that is unpacked as a whole counts as read as a whole.

    Args:
        read: takes the names.
    """

    def mapper(name: str, out: Scribe) -> MapRow:
        inner = script.mapper(name, out)
        if name != table.id:
            return inner

        def map_row(row: Any) -> None:
            if isinstance(row, dict):
                known = _SeenObject(row)
                known.read = read
                inner(known)
                return
            seen = _Seen(row)
            seen.read = set()
            try:
                inner(seen)
            finally:
                count = len(seen)
                read.update(table.columns[n % count] for n in seen.read if -count <= n < count)

        return map_row

    return FeedScript(script.source, mapper)


class _Everything:
    """Keys of records, all of which are there."""

    def __contains__(self, key: object) -> bool:
        return True


class Trial(NamedTuple):
    """What the first rows of a file become.

    Attributes:
        file, form: its name, and how it is read.
        records, mapped, issues: how many there were, and which were set aside.
        graphs: the number of quads, by the key of the graph.
        classes: the number of nodes and of their quads, by the local name of a class; a node of
            several classes counts for each.
        lines: all quads, sorted.
        unread: columns that were neither read nor are left out with a reason.
        report: on the shapes.
    """

    file: str
    form: Form
    records: int
    mapped: int
    issues: list[Issue]
    graphs: dict[str, int]
    classes: dict[str, tuple[int, int]]
    lines: list[str]
    unread: tuple[str, ...]
    report: Report


def trials(script: FeedScript, path: Path, base: str, most: int) -> Iterator[Trial]:
    """Yield what becomes of the first rows of a file, or of each file of a folder or a zip.

    Nothing is written. States have the addresses that they have where no facts name them, and what
    a row needs or seeks in tables (`Table.needs`, `seeks`) is taken to be there.

    Args:
        script: the mapping.
        path: the file or folder; `-` is the standard input.
        base: the base IRI.
        most: rows of each file at most.
    Raises:
        FactError: a file cannot be read, or is no file of this feed.
        MappingError: the mapping fails.
    """
    feed = script.source
    vocabulary = load_vocabulary(folder("ontology"))
    states = StatesByCode({})
    lines = [f"{line} .\n" for line in vocabulary.lines] + prelude(feed, base)
    checks = Checks(load_shapes(data_shapes()), lines)
    for file in files_of(path):
        try:
            for name, data in members(file):
                first = data.read(HEAD)
                if not first.strip():
                    raise FactError("the file is empty", where=name, hint="fetch it again")
                form = form_of(feed, first, name)
                table = feed.table(form.table)
                read: set[str] = set()
                found: list[Mapped] = []
                left = most
                size = len(first) if table.form != "json" else 0
                for n, piece in enumerate(pieces(data, table.form, head=first, size=size)):
                    piece = _first(piece, form, table, first=n == 0, most=left)
                    mapped = map_piece(
                        noting(script, table, read),
                        form,
                        piece,
                        lambda name=name: Scribe(
                            feed, base, batch_of(feed, name), vocabulary, states
                        ),
                        file=name,
                        first=n == 0,
                        known=_Everything(),
                        checks=checks,
                    )
                    found.append(mapped)
                    left -= mapped.records
                    if left <= 0:
                        break
                yield _trial(name, form, found, table, base, feed, read)
        except BROKEN as error:
            raise FactError(
                "the file cannot be read to its end",
                where=str(file),
                seen=str(error) or type(error).__name__,
                hint="fetch it again",
            ) from error


def _first(piece: Piece, form: Form, table: Table, *, first: bool, most: int) -> Piece:
    """Return a piece with so many of its records at most."""
    for n, (line, _) in enumerate(rows(piece, form, table, first=first)):
        if n == most:
            kept = piece.data.split(b"\n")[: line - piece.line]
            return Piece(piece.line, b"\n".join(kept) + b"\n")
    return piece


def _trial(
    name: str,
    form: Form,
    found: list[Mapped],
    table: Table,
    base: str,
    feed: Feed,
    read: set[str],
) -> Trial:
    lines: set[str] = set(prelude(feed, base))
    states: dict[str, str] = {}
    for one in found:
        scribe = one.scribe
        states |= scribe.states
        for text in (
            *scribe.shared.values(),
            *scribe.sources.values(),
            *(text for _, text in scribe.blocks),
            *statuses(scribe).values(),
        ):
            lines.update(lines_in(text))
    lines.update(state_lines(states, base))
    ordered = sorted(lines)
    results = [result for one in found if one.report for result in one.report.results]
    mapped = sum(one.mapped for one in found)
    left_out = {*table.ignored, *table.key}
    return Trial(
        file=name,
        form=form,
        records=sum(one.records for one in found),
        mapped=mapped,
        issues=[issue for one in found for issue in one.issues],
        graphs=dict(sorted(Counter(_graph(line, base) for line in ordered).items())),
        classes=_classes(ordered),
        lines=ordered,
        unread=tuple(c for c in table.columns if c not in read | left_out) if mapped else (),
        report=Report(tuple(results)),
    )


def _graph(line: str, base: str) -> str:
    return line[line.rindex(" <") + 2 : -4].removeprefix(f"{base}id/graph/")


def _classes(lines: Sequence[str]) -> dict[str, tuple[int, int]]:
    kinds: dict[str, list[str]] = {}
    quads: Counter[str] = Counter()
    for line in lines:
        subject, predicate, value = line.split(" ", 3)[:3]
        quads[subject] += 1
        if predicate == f"<{RDF}type>" and value.startswith(f"<{CH}"):
            kinds.setdefault(subject, []).append(value[len(CH) + 1 : -1])
    out: dict[str, tuple[int, int]] = {}
    for subject, some in kinds.items():
        for kind in some:
            nodes, number = out.get(kind, (0, 0))
            out[kind] = nodes + 1, number + quads[subject]
    return dict(sorted(out.items()))


# --- a new one ------------------------------------------------------------------------------------

_MAPPING: Final = '''\
"""{title}: TODO what it is, and who codes it.

Source: TODO. Language: TODO. Licence: TODO.
"""

from kg.feed import Feed, MapRow, Row, Scribe, Table

ROWS = Table(
    id="rows",
    form="{form}",
    columns=({columns}),
    # A guess: the first column. What tells a record from all others?
    key=({key}),
    header="{header}",
    # Columns that are left out on purpose, each with its reason; read the others below.
    ignored={ignored},
)
SOURCE = Feed(
    id="{id}",
    title="{title} (TODO)",
    publisher="TODO: who codes it",
    url="https://todo.example/",
    languages=("en",),
    licence="https://todo.example/licence",
    # Nothing is handed on until you have read the licence: open, share-alike or none.
    redistribution="none",
    citation="TODO: how it is to be cited",
    retrieved="{day}",
    method="TODO: how its records come about, in a sentence",
    machine=False,
    tables=(ROWS,),
)


def mapper(table: str, out: Scribe) -> MapRow:
    """Return the function that maps one row of a table."""

    def map_row(row: Row) -> None:
        identifier = {identifier}
        # What the row describes. It is no fact: somebody says it, and the claim says who.
        # TODO: the kind of event, and with it time=out.time(…), actor=out.agent(…), place=…
        event = out.event(identifier, f"What row {{identifier}} describes", "reporting")
        # Whose words: the record itself, or the article that it rests on, out.voice([url], host).
        voice = out.record(identifier, f"{{SOURCE.title}} {{identifier}}")
        out.claim(voice, event, locator=[f"row {{identifier}}"])

    return map_row
'''

_TEST: Final = '''\
"""The mapping {id} keeps the contract; the rows are made up."""

from pathlib import Path

from kg.sources import Sources, problems, trials

HERE = Path(__file__).resolve().parent
ROWS = """\\
{rows}"""


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "rows.{form}"
    path.write_text(ROWS, encoding="utf-8")
    script = Sources([HERE]).feed("{id}")
    assert problems(HERE / "{id}.py", script.source) == []
    once, again = (list(trials(script, path, "https://test.example/", 1000)) for _ in range(2))
    assert [one.lines for one in once] == [one.lines for one in again]
    (trial,) = once
    assert (trial.records, trial.mapped) == (2, 2)
    assert trial.issues == []
    assert trial.unread == ()
    assert not trial.report.blocks, trial.report.to_table()
'''


def new_source(
    source_id: str, place: Path, form: str = "", sample: Path | None = None
) -> list[Path]:
    """Return the files that were written: a mapping that works at once, and its test.

    Args:
        source_id: `[a-z_]+`.
        place: the folder; of the package's own mappings the test is written nowhere, since theirs
            takes rows from a folder.
        form: `csv`, `tsv` or `json`; told by the sample where it is empty.
        sample: a file whose columns it has.
    Raises:
        ConfigError: the id is none, or is taken; a file is there already, or cannot be written.
        FactError: the sample cannot be read.
    """
    if not re.fullmatch("[a-z]+(_[a-z]+)*", source_id):
        raise ConfigError(
            "no id", where="ID", seen=source_id, expected="letters a to z, with _ between words"
        )
    if form not in ("", "csv", "tsv", "json"):
        raise ConfigError("no such form", where="--form", seen=form, expected="csv, tsv or json")
    own = folder("mappings")
    inside = place.is_dir() and place.samefile(own)
    if not inside and (own / f"{source_id}.py").exists():
        raise ConfigError(
            "a source of this id comes with the package",
            where="ID",
            seen=source_id,
            hint="choose another one: it becomes part of addresses",
        )
    columns: list[str] = []
    header = True
    if sample is not None:
        form, columns, header = _columns(sample, form)
    form = form or "csv"
    columns = columns or ["id", "date", "title"]
    key = columns[0]
    ignored = ""
    if columns[1:]:
        lines = "".join(f'        {_quoted(c)}: "TODO: not read yet",\n' for c in columns[1:])
        ignored = f"\n{lines}    "
    texts = {
        place / f"{source_id}.py": _MAPPING.format(
            id=source_id,
            title=source_id.replace("_", " ").capitalize(),
            form=form,
            columns="".join(f"\n        {_quoted(c)}," for c in columns) + "\n    ",
            key=f"{_quoted(key)},",
            header="always" if header else "never",
            ignored=f"{{{ignored}}}",
            day=datetime.datetime.now(datetime.UTC).date().isoformat(),
            identifier=f"str(row[{_quoted(key)}])" if form == "json" else "row[0]",
        )
    }
    if not inside:
        shown = _rows(form, columns, header=header)
        shown = shown.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        test = _TEST.format(id=source_id, form=form, rows=shown)
        texts[place / f"test_{source_id}.py"] = test
    for path in texts:
        if path.exists():
            raise ConfigError(
                "the file is there already", where=str(path), hint="it stays as it is"
            )
    try:
        place.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise ConfigError(
            "the folder cannot be written", where=str(place), seen=str(error.strerror)
        ) from error
    return list(texts)


def _quoted(text: str) -> str:
    """Return a text as a literal of Python, in double quotes."""
    return msgspec.json.encode(text).decode()


def _columns(sample: Path, form: str) -> tuple[str, list[str], bool]:
    """Return form and columns of a sample, and whether its first line names them.

    Raises:
        FactError: it cannot be read, or there is nothing in it.
    """
    text = ""
    try:
        with closing(members(sample)) as found:
            for _, file in found:
                text = file.read(HEAD).decode("utf-8-sig", "replace")
                break
    except BROKEN as error:
        raise FactError("the sample cannot be read", where=str(sample), seen=str(error)) from error
    line = text.split("\n", 1)[0].rstrip("\r")
    if not text.strip():
        raise FactError("the sample is empty", where=str(sample))
    if form == "json" or (not form and text.lstrip()[:1] in ("{", "[")):
        for end in re.finditer("}", text):
            try:
                record = msgspec.json.decode(text[text.index("{") : end.end()].encode(), type=dict)
            except (msgspec.DecodeError, ValueError):
                continue
            if record:
                return "json", list(map(str, record)), True
        raise FactError("the sample has no JSON object", where=str(sample), seen=line[:80])
    form = form or ("tsv" if "\t" in line else "csv")
    sign = ";" if line.count(";") > line.count(",") else ","
    cells = line.split("\t") if form == "tsv" else next(csv.reader([line], delimiter=sign), [])
    cells = [cell.strip() for cell in cells]
    named = all(cells) and len({c.lower() for c in cells}) == len(cells)
    if named and not any(re.fullmatch(r"[-+.\d/: ]+|https?://.*", cell) for cell in cells):
        return form, cells, True
    return form, [f"column_{n}" for n in range(1, len(cells) + 1)], False


def _rows(form: str, columns: Sequence[str], *, header: bool) -> str:
    """Return two rows of our own making."""
    made = [[f"{n}" if not at else f"made up {n}" for at in range(len(columns))] for n in (1, 2)]
    if form == "json":
        return "".join(
            msgspec.json.encode(dict(zip(columns, row, strict=True))).decode() + "\n"
            for row in made
        )
    lines = ([list(columns)] if header else []) + made
    if form == "tsv":
        return "".join("\t".join(line) + "\n" for line in lines)
    return "".join(
        ",".join(
            f'"{c.replace(chr(34), chr(34) * 2)}"' if re.search('[",]', c) else c for c in line
        )
        + "\n"
        for line in lines
    )
