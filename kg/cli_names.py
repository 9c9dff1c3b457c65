"""The command `kg link names`: a table of names in, the same table with what each is linked to out.

Spec: docs/reference/linking.md, "Tables"
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kg.errors import ConfigError


def names(
    source: Annotated[
        Path,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Names: TSV with surface, lang, type_hint …; - is stdin.",
        ),
    ],
    one_document: Annotated[
        bool,
        typer.Option(
            "--one-document",
            help="All rows are of one document, so that a full name introduces its surname.",
        ),
    ] = False,
    date: Annotated[
        str, typer.Option("--date", help="What the rows speak of that have no date of their own.")
    ] = "",
) -> None:
    """Link names to items of Wikidata, or to NIL: TSV on stdout, in the same order."""
    import msgspec

    from kg.linker import Linker, is_day
    from kg.mentions import COLUMNS, LARGEST, answer_row, linked, read_mentions

    if date and not is_day(date):
        raise ConfigError("--date is no date", seen=date, expected="YYYY, YYYY-MM or YYYY-MM-DD")
    where = "stdin" if str(source) == "-" else str(source)
    try:
        with sys.stdin.buffer if where == "stdin" else source.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"the table cannot be read: {error.strerror}", where=where) from error
    table = read_mentions(data, where)
    del data
    if table.ignored:
        typer.echo(f"columns left out: {', '.join(table.ignored)}", err=True)
    mentions = (
        msgspec.structs.replace(
            mention,
            date=mention.date or date,
            document="1" if one_document else mention.document,
        )
        for mention in table.mentions()
    )
    done = found = 0
    shown = sys.stderr.isatty()
    out = sys.stdout.buffer
    out.write("\t".join(COLUMNS).encode() + b"\n")
    for mention, answer in linked(Linker.load(), mentions, scattered=table.scattered):
        done += 1
        found += bool(answer.qid)
        out.write(answer_row(mention, answer).encode() + b"\n")
        if shown and done % 5_000 == 0:
            typer.echo(f"\r{done:,} of {table.size:,} names", err=True, nl=False)
    out.flush()
    if shown and done >= 5_000:
        typer.echo("\r", err=True, nl=False)
    typer.echo(f"{done:,} names: {found:,} linked, {done - found:,} NIL", err=True)
