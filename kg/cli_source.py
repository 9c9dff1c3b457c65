"""The commands `kg source`: which mappings there are, what they say and do, and a new one.

Spec: docs/how-to/add-a-source.md
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from kg.cli_common import (
    ConfigOption,
    JsonOption,
    MappingsOption,
    mapping_folders,
    print_json,
    read_settings,
    say,
)
from kg.errors import ConfigError

if TYPE_CHECKING:
    from kg.feed import Feed, Table
    from kg.mapping import Source
    from kg.sources import Known, Trial

app = typer.Typer(
    name="source", help="Sources and their mappings: list, show, new.", no_args_is_help=True
)

_ROWS: Final = 1000
_FIRST: Final = 3


@app.command("list")
def source_list(
    mappings: MappingsOption = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """List the sources that there are mappings of: of articles, and of feeds."""
    from kg.sources import Sources

    settings = read_settings(config)
    found = Sources(mapping_folders(settings, mappings)).all()
    if as_json:
        print_json([_row(one) for one in found])
        return
    for one in found:
        row = _row(one)
        typer.echo(f"{one.id}: {row['title'] or one.problem}")
        if one.source is None:
            continue
        tables = row["tables"]
        holds = f"feed, tables {', '.join(tables)}" if row["holds"] == "feed" else "facts files"
        typer.echo(f"    {holds}")
        typer.echo(f"    {row['publisher']}; {row['redistribution']}, {row['licence']}")


def _row(one: Known) -> dict[str, Any]:
    from kg.feed import Feed

    source = one.source
    feed = isinstance(source, Feed)
    return {
        "id": one.id,
        "title": getattr(source, "title", ""),
        "holds": "" if source is None else "feed" if feed else "articles",
        "publisher": getattr(source, "publisher", ""),
        "licence": getattr(source, "licence", ""),
        "redistribution": getattr(source, "redistribution", ""),
        "tables": [table.id for table in getattr(source, "tables", ())],
        "mapping": str(one.path),
        "problem": one.problem,
    }


@app.command("show")
def source_show(
    source_id: Annotated[str, typer.Argument(metavar="ID", help="Its id.")],
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="Try the mapping on the first rows of this file, of each file of a folder, or of "
            "- (stdin); nothing is written.",
        ),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(
            "--rows", min=1, help="How many rows are tried. [default: 1000, or 3 with --quads]"
        ),
    ] = None,
    quads: Annotated[
        bool,
        typer.Option("--quads", help="Print what these rows become as N-Quads, the rest aside."),
    ] = False,
    base: Annotated[
        str | None, typer.Option("--base", "--base-iri", help="The base IRI of the data.")
    ] = None,
    mappings: MappingsOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show all that a mapping says of its source, and what rows of a file become."""
    from kg.errors import FactError
    from kg.feed import Feed
    from kg.rows import NoTable
    from kg.sources import Sources, problems, trials

    settings = read_settings(config, base_iri=base)
    sources = Sources(mapping_folders(settings, mappings))
    known = sources.find(source_id.replace("-", "_"))
    assert known.source is not None
    wrong = problems(known.path, known.source)
    if file is None:
        for option, given in (("--rows", rows), ("--quads", quads)):
            if given:
                raise ConfigError(f"{option} needs --file", where=option)
        if as_json:
            print_json(_shown(known, wrong))
        else:
            _tell(known, wrong)
        return
    if not isinstance(known.source, Feed):
        raise ConfigError(
            "this source is none of rows: its records are facts files",
            where="--file",
            seen=str(file),
            hint="try `kg validate --facts FOLDER`",
        )
    if quads and as_json:
        raise ConfigError("N-Quads are no JSON", where="--quads", hint="leave out --json")
    most = rows or (_FIRST if quads else _ROWS)
    script = sources.feed(known.id)
    found = []
    try:
        for one in trials(script, file, settings.base_iri, most):
            found.append(one)
            if quads:
                for line in one.lines:
                    typer.echo(line, nl=False)
            if not as_json:
                _tell_trial(one, known.source, say if quads else typer.echo)
    except NoTable as error:
        raise sources.of_another(known.source, error.first, error) from error
    if not found:
        raise FactError("there is no file in it", where=str(file))
    if as_json:
        print_json({"id": known.id, "files": [_trial(one) for one in found]})
    if any(one.report.blocks or (one.records and not one.mapped) for one in found):
        raise typer.Exit(1)


def _shown(known: Known, wrong: Sequence[str]) -> dict[str, Any]:
    import msgspec

    from kg.feed import Feed
    from kg.sources import recognised, unfinished

    source = known.source
    out: dict[str, Any] = {**_row(known), **msgspec.to_builtins(source)}
    if isinstance(source, Feed):
        for shown, table in zip(out["tables"], source.tables, strict=True):
            shown["recognised"] = recognised(table)
        out["unfinished"] = unfinished(source)
    return {**out, "problems": list(wrong)}


def _tell(known: Known, wrong: Sequence[str]) -> None:
    from kg.feed import Feed
    from kg.sources import unfinished

    source = known.source
    assert source is not None
    typer.echo(f"{source.id}: {source.title}")
    rows = [
        ("publisher", source.publisher),
        ("url", getattr(source, "url", "")),
        ("languages", ", ".join(source.languages)),
        ("licence", source.licence),
        ("redistribution", _HANDED[source.redistribution]),
        ("citation", getattr(source, "citation", "")),
        ("retrieved", source.retrieved),
        ("method", getattr(source, "method", "")),
        ("mapping", str(known.path)),
    ]
    if isinstance(source, Feed):
        rows.append(("coded by", "machines" if source.machine else "people"))
        share = f"{float(source.quarantine):.0%}"
        rows.append(("quarantine", f"the build stops where more than {share} of the rows are bad"))
    else:
        low, high = _ends(source)
        rows.append(("records", f"facts files, {low:,} to {high:,} records"))
    for name, value in rows:
        if value:
            typer.echo(f"  {name:15} {value}")
    if isinstance(source, Feed):
        for table in source.tables:
            _tell_table(table)
        if left := unfinished(source):
            say(f"still to be said: {', '.join(left)}")
    elif source.ignored:
        typer.echo("  left out")
        for name, why in source.ignored.items():
            typer.echo(f"    {name}: {why}")
    for one in wrong:
        say(f"breaks the contract: {one}")
    if wrong:
        raise typer.Exit(1)


_HANDED: Final = {
    "open": "open: what is made of it may be handed on",
    "share-alike": "share-alike: what is made of it may be handed on under the same licence",
    "none": "none: its graphs are in no download",
}


def _ends(source: Source) -> tuple[int, int]:
    return source.expected


def _tell_table(table: Table) -> None:
    from kg.sources import recognised

    typer.echo(f"table {table.id} ({table.form})")
    typer.echo(f"  a file is of it if {recognised(table)}")
    again = {"reject": "a second one is set aside", "number": "further ones are counted"}
    typer.echo(f"  key: {', '.join(table.key)}; {again[table.again]}")
    if table.needs:
        other, columns = table.needs
        typer.echo(f"  needs: a record of {other}, by {', '.join(columns)}")
    used = [name for name in table.columns if name not in table.ignored]
    typer.echo(f"  read: {', '.join(used)}")
    if table.ignored:
        typer.echo("  left out:")
        for name, why in table.ignored.items():
            typer.echo(f"    {name}: {why}")


def _reasons(one: Trial) -> list[dict[str, Any]]:
    counts = Counter((i.kind, i.column, i.reason) for i in one.issues)
    out = []
    for (kind, column, reason), number in counts.most_common():
        first = next(
            i for i in one.issues if (i.kind, i.column, i.reason) == (kind, column, reason)
        )
        out.append(
            {
                "kind": kind,
                "column": column,
                "reason": reason,
                "rows": number,
                "first": first.row,
                "value": first.value,
            }
        )
    return out


def _trial(one: Trial) -> dict[str, Any]:
    return {
        "file": one.file,
        "table": one.form.table,
        "unknown": list(one.form.unknown),
        "records": one.records,
        "mapped": one.mapped,
        "issues": _reasons(one),
        "graphs": one.graphs,
        "classes": {name: {"nodes": n, "quads": q} for name, (n, q) in one.classes.items()},
        "unread": list(one.unread),
        "conforms": not one.report.blocks,
    }


def _tell_trial(one: Trial, feed: Feed, tell: Any) -> None:
    table = feed.table(one.form.table)
    tell(f"{one.file}: table {table.id}, {one.records:,} rows, {one.mapped:,} mapped")
    if one.form.unknown:
        tell(f"  columns that the mapping does not know: {', '.join(one.form.unknown)}")
    if one.unread:
        tell(f"  columns that nothing reads or leaves out: {', '.join(one.unread)}")
    if one.issues:
        tell("  set aside:")
        for row in _reasons(one):
            column = f"{row['column']}: " if row["column"] else ""
            tell(
                f"    {row['rows']:>7,}  {row['kind']}: {column}{row['reason']}; "
                f"first in row {row['first']}, {row['value'][:60]!r}"
            )
    tell("  graphs, quads:")
    for key, number in one.graphs.items():
        tell(f"    {number:>7,}  {key}")
    tell("  classes, nodes and their quads:")
    for name, (nodes, number) in one.classes.items():
        tell(f"    {nodes:>7,} {number:>8,}  {name}")
    if others := [*(table.needs or ())[:1], *table.seeks]:
        named = ", ".join(dict.fromkeys(map(str, others)))
        tell(f"  taken to be there: the records of {named} that rows need")
    if one.report.results:
        tell(one.report.to_table())


@app.command("new")
def source_new(
    source_id: Annotated[
        str, typer.Argument(metavar="ID", help="Its id, [a-z_]+: part of all its addresses.")
    ],
    form: Annotated[
        str, typer.Option("--form", help="csv, tsv or json. [default: as the sample, or csv]")
    ] = "",
    sample: Annotated[
        Path | None,
        typer.Option("--sample", metavar="FILE", help="A file from which the columns are taken."),
    ] = None,
    mappings: Annotated[
        Path | None,
        typer.Option(
            "--mappings",
            metavar="FOLDER",
            help="Where to write it. [default: the setting mappings, or ./mappings]",
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Begin a mapping: a file that works at once, with what is left to say marked, and its test."""
    from kg.resources import folder
    from kg.sources import new_source

    settings = read_settings(config)
    place = mappings or settings.mappings or Path("mappings")
    for path in new_source(source_id.replace("-", "_"), place, form, sample):
        typer.echo(str(path))
    own = place.samefile(folder("mappings"))
    option = "" if own or settings.mappings == place else f" --mappings {place}"
    say("Its key is a guess, and nothing made of it is handed on until you say that it may be.")
    say(f"try it: kg source show {source_id}{option} --file FILE")
    if own:
        say(f"its test takes made-up rows from tests/sources/samples/{source_id}/")
