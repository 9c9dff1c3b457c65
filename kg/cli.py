"""The command `kg`: data on stdout, messages on stderr, exit codes.

0 ok · 1 the data does not conform · 2 wrong use, or input that cannot be read as records ·
3 an internal error · 4 the shapes are ill-formed. Imports stay inside the commands, so that
`kg --help` is quick.

Spec: docs/reference/cli.md
"""

import contextlib
import dataclasses
import datetime
import json
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from kg import cli_link, cli_source, logs
from kg.cli_annotate import annotate
from kg.cli_common import (
    ConfigOption,
    FactsOption,
    JsonOption,
    MappingsOption,
    ReleasesOption,
    facts_folders,
    mapping_folders,
    print_json,
    read_settings,
    say,
)
from kg.config import Settings
from kg.errors import ConfigError, KgError, KgErrors, ShapesError

if TYPE_CHECKING:
    from kg.pipeline import Engine, FeedInput

app = typer.Typer(
    name="kg",
    help="Publish a knowledge graph of who says what about which event, with what evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
facts_app = typer.Typer(
    name="facts", help="Facts files: new, check, verify, schema.", no_args_is_help=True
)
release_app = typer.Typer(
    name="release",
    help="Releases: import, list, show, diff, verify, rollback, prune.",
    no_args_is_help=True,
)
app.add_typer(facts_app)
app.add_typer(release_app)
app.add_typer(cli_link.app)
app.add_typer(cli_source.app)
app.command()(annotate)


def _source_date(environment: Mapping[str, str]) -> str | None:
    """Return what `SOURCE_DATE_EPOCH` says as an xsd:dateTime, or None where it is not set.

    Spec: https://reproducible-builds.org/specs/source-date-epoch/
    """
    text = environment.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    try:
        moment = datetime.datetime.fromtimestamp(int(text), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        raise ConfigError(
            "no moment",
            where="SOURCE_DATE_EPOCH",
            seen=text,
            expected="seconds since 1970-01-01T00:00:00Z, e.g. 1700000000",
        ) from None
    return moment.isoformat().replace("+00:00", "Z")


def _warn_base(settings: Settings) -> None:
    from kg.build import DEFAULT_BASE

    if settings.base_iri == DEFAULT_BASE:
        say(
            f"note: addresses begin with {DEFAULT_BASE}, which nobody owns; "
            "set base_iri (--base, KG_BASE_IRI or kg.toml) before you publish"
        )


@app.command()
def build(
    facts: FactsOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The folder of releases. [default: releases]")
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", "--base-iri", help="The base IRI of the data.")
    ] = None,
    links: Annotated[
        Path | None, typer.Option("--links", help="The authority of outside links (SSSOM TSV).")
    ] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="Who is responsible.")] = None,
    time: Annotated[
        str | None,
        typer.Option(
            "--time",
            help="When it was built, e.g. 2026-11-21T12:00:00Z. [default: SOURCE_DATE_EPOCH]",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Build even if nothing changed.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Do everything again, whatever has changed.")
    ] = False,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="ID=FILE",
            help="Files of a feed: `ucdp_ged=ged.csv.gz`, a folder, or - for the input; repeat it "
            "for more. `kg source list` shows the feeds.",
        ),
    ] = None,
    retrieved: Annotated[
        list[str] | None,
        typer.Option(
            "--retrieved",
            metavar="ID=DATE",
            help="The day on which the files of a feed were fetched, YYYY-MM-DD: it is published "
            "with its licence. Repeat it for more feeds.",
        ),
    ] = None,
    mappings: MappingsOption = None,
    processes: Annotated[
        int,
        typer.Option("--processes", min=0, help="Processes for feeds. [default: one a processor]"),
    ] = 0,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            help="What maps feeds: local, processes of this machine; spark, many machines "
            "(extra spark).",
        ),
    ] = "local",
    master: Annotated[
        str, typer.Option("--master", help="With Spark: its master. [default: local[*]]")
    ] = "",
    spark_conf: Annotated[
        list[str] | None,
        typer.Option(
            "--spark-conf",
            metavar="NAME=VALUE",
            help="With Spark: a setting of its own, e.g. spark.executor.memory=2g; repeat it for "
            "more.",
        ),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Turn facts and feeds into a release: map, derive, validate, publish.

    Exit 1 if it does not conform.
    """
    from kg.build import publish
    from kg.pipeline import TooMany

    settings = read_settings(config, base_iri=base, agent=agent, releases=out)
    _warn_base(settings)
    try:
        with _engine(engine, processes, master, spark_conf or [], settings.releases) as runs:
            path, built = publish(
                facts_folders(settings, facts),
                settings.releases,
                base=settings.base_iri,
                agent=settings.agent,
                time=time or _source_date(os.environ),
                links=links,
                force=force,
                full=full,
                sources=_sources(source or []),
                retrieved=_days(retrieved or []),
                engine=runs,
                mappings=mapping_folders(settings, mappings),
            )
    except KeyboardInterrupt:
        say("Interrupted: nothing was published. What was done for feeds is kept: build again.")
        raise
    except TooMany as error:
        say(str(error))
        _nothing_published(settings, [error.counts], as_json=as_json)
    if path is None:
        assert built is not None
        say(built.report_table())
        _nothing_published(settings, built.counts, as_json=as_json)
    from kg.manifest import read_manifest

    manifest = read_manifest(path)
    if built is not None and built.report is not None and built.report.counts["Warning"]:
        say(built.report_table())
    say(
        f"release {manifest.id[:12]}: {manifest.quads} quads in {len(manifest.graphs)} graphs"
        + (" (already there, nothing changed)" if built is None else "")
    )
    for one in manifest.sources:
        if one.rejected:
            say(
                f"{one.id}: {one.mapped:,} of {one.records:,} records mapped, {one.rejected:,} set "
                f"aside ({one.repeated:,} repeated, {one.unresolved:,} unresolved); "
                f"see {path / 'issues.jsonl'}"
            )
    say(f"{settings.releases / 'current'} -> {path.name}")
    if as_json:
        print_json(
            {
                "release": manifest.id,
                "conforms": True,
                "quads": manifest.quads,
                "sources": [_counts(c) for c in manifest.sources],
            }
        )


def _engine(
    name: str, processes: int, master: str, conf: list[str], releases: Path
) -> "contextlib.AbstractContextManager[Engine]":
    """Return what runs the jobs of feeds, to be used with `with`."""
    if name == "spark":
        if processes:
            raise ConfigError(
                "Spark knows how many processes it has",
                where="--processes",
                seen=str(processes),
                expected=f"--master local[{processes}], or the machines of another master",
            )
        from kg.spark import Spark, read_settings

        return Spark(releases, master, read_settings(conf))
    if name != "local":
        raise ConfigError(
            "there is no such engine", where="--engine", seen=name, expected="local or spark"
        )
    if master or conf:
        raise ConfigError(
            "only Spark has masters and settings of its own",
            where="--master" if master else "--spark-conf",
            seen=master or conf[0],
            hint="add --engine spark",
        )
    from kg.pipeline import Local

    return contextlib.nullcontext(Local(processes))


def _sources(options: list[str]) -> "list[FeedInput]":
    """Return the files of feeds that are named."""
    from kg.pipeline import FeedInput

    found = []
    for text in options:
        name, sign, path = text.partition("=")
        if not sign or not name or not path:
            raise ConfigError(
                "no feed and file",
                where="--source",
                seen=text,
                expected="ID=FILE, e.g. ucdp_ged=GEDEvent_v23_1.csv",
                hint="`kg source list` shows the ids",
            )
        found.append(FeedInput(_feed_id(name), Path(path)))
    return found


def _days(options: list[str]) -> dict[str, str]:
    """Return the day on which the files of feeds were fetched, by the ids."""
    found: dict[str, str] = {}
    for text in options:
        name, sign, day = text.partition("=")
        if not sign or not _is_day(day) or found.setdefault(_feed_id(name), day) != day:
            raise ConfigError(
                "no feed and day, or two days of one feed",
                where="--retrieved",
                seen=text,
                expected="ID=DATE, e.g. gdelt=2026-11-20",
            )
    return found


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _feed_id(text: str) -> str:
    return text.strip().replace("-", "_")


def _counts(c: Any) -> dict[str, object]:
    names = ("id", "records", "mapped", "rejected", "repeated", "unresolved")
    return {name: getattr(c, name) for name in names}


def _nothing_published(
    settings: Settings, counts: Sequence[Any], *, as_json: bool = False
) -> NoReturn:
    """Say that data does not conform, and end."""
    say(f"Nothing was published. The report is in {settings.releases / 'rejected'}.")
    if (settings.releases / "current").exists():
        say("The release that was current still is.")
    if as_json:
        sources = [_counts(c) for c in counts]
        print_json({"release": None, "conforms": False, "quads": 0, "sources": sources})
    raise typer.Exit(1)


@app.command()
def validate(
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="RDF files to validate; any RDF. - is the standard input."),
    ] = None,
    data_format: Annotated[
        str,
        typer.Option(
            "--data-format",
            metavar="SUFFIX",
            help="Format of --data files whose names do not tell it, and of - (else nq): "
            "ttl, trig, nt, nq, rdf or jsonld.",
            show_default=False,
        ),
    ] = "",
    shapes: Annotated[
        list[Path] | None,
        typer.Option(
            "--shapes", help="Files of shapes, or folders of .ttl. [default: the built-in ones]"
        ),
    ] = None,
    facts: FactsOption = None,
    form: Annotated[
        str, typer.Option("--format", help="table, json, turtle or html.", metavar="FORMAT")
    ] = "table",
    base: Annotated[
        str | None, typer.Option("--base", "--base-iri", help="The base IRI of the data.")
    ] = None,
    max_results: Annotated[
        int,
        typer.Option(
            "--max-results",
            min=0,
            help="How many results of one constraint are shown; all are counted.",
        ),
    ] = 10_000,
    scope: Annotated[
        str,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="all; local: what looks at a record's own quads only; whole: the rest.",
        ),
    ] = "all",
    list_scopes: Annotated[
        bool,
        typer.Option("--list-scopes", help="List the shapes with their scope; validate nothing."),
    ] = False,
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on",
            metavar="SEVERITY",
            help="What exit 1 is for: violation, warning (and above) or info (any result).",
        ),
    ] = "info",
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Exit 4 also for what has no effect in shapes, and where nothing was checked.",
        ),
    ] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Go on: validate again when a file of data or shapes changes."
        ),
    ] = False,
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="More files for --data.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Validate facts without publishing them, or any RDF files. Exit 1 if they do not conform."""
    from kg.triples import STDIN
    from kg.validate import SCOPES, data_shapes, load_shapes, shape_files, validate_files

    for value, option, known in (
        (form, "--format", ("table", "json", "turtle", "html")),
        (scope, "--scope", SCOPES),
        (data_format, "--data-format", ("", "ttl", "trig", "nt", "nq", "rdf", "jsonld")),
        (fail_on, "--fail-on", ("violation", "warning", "info")),
    ):
        if value not in known:
            raise ConfigError(
                f"no such {option[2:]}",
                where=option,
                seen=value,
                expected=", ".join(filter(None, known)),
            )
    settings = read_settings(config, base_iri=base)
    if list_scopes:
        if data or more or strict or watch:
            raise ConfigError("--list-scopes goes with --shapes alone", where="--list-scopes")
        _list_scopes(load_shapes(shape_files(shapes) if shapes else data_shapes()))
        return
    if data:
        data += more or []
        for option, given in (("--facts", facts), ("--base", base)):
            if given:
                raise ConfigError(
                    f"{option} is not for --data", hint=f"leave out {option}, or --data"
                )
        files = shape_files(shapes) if shapes else data_shapes()
        if watch:
            if STDIN in data:
                raise ConfigError("--watch needs files", where="--data", seen="-")
            for value, option, default in (
                (form, "--format", "table"),
                (scope, "--scope", "all"),
                (fail_on, "--fail-on", "info"),
                ("yes" if strict else "no", "--strict", "no"),
            ):
                if value != default:
                    raise ConfigError(f"--watch knows no {option}", seen=value, expected=default)
            _watch(data, files, data_format, max_results)
        loaded = load_shapes(files)
        if strict and loaded.warnings:
            raise ShapesError("shapes say what has no effect, and --strict is given")
        report = validate_files(
            list(dict.fromkeys(data)),
            loaded,
            max_results=max_results,
            scope=scope,
            form=data_format,
        )
        if report.checked and not report.checked.shapes:
            which = "" if scope == "all" else f" in the scope {scope}"
            say(f"note: there are no shapes with targets{which}, so nothing was checked")
        elif report.checked and not report.checked.focus_nodes and report.conforms:
            say("note: no shape has a focus node in this data, so nothing was checked")
        typer.echo(report.to(form), nl=False)
        unchecked = report.conforms and report.checked and not report.checked.focus_nodes
        if strict and unchecked and scope == "all":
            raise typer.Exit(4)
        raise typer.Exit(1 if report.fails(fail_on) else 0)
    for option, wanted in (
        ("--shapes", bool(shapes)),
        ("--watch", watch),
        ("--scope", scope != "all"),
        ("--data-format", bool(data_format)),
        ("--fail-on", fail_on != "info"),
        ("--strict", strict),
        ("FILE", bool(more)),
    ):
        if wanted:
            raise ConfigError(
                f"{option} needs --data", hint="the facts are held to the built-in shapes"
            )
    from kg.build import build_dataset

    built = build_dataset(facts_folders(settings, facts), settings.base_iri)
    printers = {
        "table": built.report_table,
        "json": built.report_json,
        "turtle": built.report_turtle,
        "html": built.report_html,
    }
    typer.echo(printers[form](), nl=False)
    raise typer.Exit(0 if built.conforms else 1)


def _list_scopes(shapes: Any) -> None:
    from kg.locality import places

    found = places(shapes.units)
    for place in found:
        within = f" (in {_name(place.within)})" if place.within else ""
        reason = f": {place.reason}" if place.reason else ""
        typer.echo(f"{'local' if place.local else 'whole'}  {_name(place.shape)}{within}{reason}")
    for shape in shapes.recursive:
        typer.echo(f"whole  {_name(shape.node.strip('<>'))}: it refers to itself")
    local = sum(place.local for place in found)
    tops = sum(not place.within for place in found)
    say(f"{local} of {len(found)} shapes are local: {tops} with targets, and those within them")


def _name(iri: str) -> str:
    """Return what comes after the namespace of the built-in shapes, or an IRI as it is."""
    from kg.vocab import SHAPES

    return iri.replace(SHAPES, "")


def _watch(data: list[Path], shapes: list[Path], form: str, max_results: int) -> None:
    """Print the report on some files, and again whenever one of them changes, until interrupted."""
    from kg.revalidate import watch_files

    for name, seconds, report in watch_files(data, shapes, form=form, max_results=max_results):
        if name:
            say(f"{name} changed, validated in {seconds * 1000:.0f} ms")
        typer.echo(report.to_table())


@app.command()
def serve(
    releases: ReleasesOption = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port; 0 for any.")] = None,
    texts: Annotated[
        Path | None,
        typer.Option(
            "--texts",
            metavar="FOLDER",
            help="Show the words of the evidence from your own copies; to this machine only.",
        ),
    ] = None,
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="Serve to others also a release with graphs that may not be handed on.",
        ),
    ] = False,
    rdf: Annotated[
        list[str] | None,
        typer.Option(
            "--rdf",
            metavar="[IRI=]FILE",
            help="Serve this RDF file and no release; further files may follow.",
        ),
    ] = None,
    more: Annotated[
        list[str] | None, typer.Argument(metavar="FILE...", help="More files for --rdf.")
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend",
            metavar="URL",
            help="Have this SPARQL server evaluate the queries; `kg export --to` loads it.",
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Serve the current release: pages, downloads, SPARQL. Stays in the foreground.

    With --rdf: import RDF files into a temporary folder, as `kg release import` does, and serve
    them; the folder is removed at the end.
    """
    if more and not rdf:
        raise ConfigError("files are served with --rdf only", seen=" ".join(more))
    if rdf and releases is not None:
        raise ConfigError(
            "--rdf and --releases exclude each other",
            hint="`kg release import FILE…` publishes files into a folder of releases",
        )
    settings = read_settings(
        config,
        releases=releases,
        host=host,
        port=port,
        texts=texts,
        private="everywhere" if private else None,
        backend=backend,
    )
    if rdf and settings.backend:
        raise ConfigError(
            "--rdf is not served by another server",
            where="--backend",
            hint="publish the files with `kg release import`, then `kg export --to` loads them",
        )
    logs.set_up(settings.log_level, settings.log_format, times=True)
    from kg.web.server import serve as run

    if not rdf:
        run(settings)
        return
    from kg.importing import import_release

    with _temporary_folder() as folder:
        import_release([*rdf, *(more or ())], folder, base=settings.base_iri)
        run(dataclasses.replace(settings, releases=folder))


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Make a folder that is removed even if a signal ends this process."""

    def end(number: int, frame: object) -> NoReturn:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        # The terminal has gone: that ends this process as the server ends itself, once it runs.
        signal.signal(signal.SIGHUP, lambda number, frame: signal.raise_signal(signal.SIGTERM))
    # Between its being made and its being known here, no signal may come.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        with tempfile.TemporaryDirectory(prefix="kg-rdf-") as folder:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
            yield Path(folder)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


@app.command()
def query(
    text: Annotated[str, typer.Argument(metavar="QUERY", help="SPARQL, or @FILE, or - for stdin.")],
    releases: ReleasesOption = None,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    config: ConfigOption = None,
) -> None:
    """Ask the current release; a table by default. Prefixes such as ch: need no declaration."""
    settings = read_settings(config, releases=releases)
    from kg.store import current_release
    from kg.web.pool import run_query

    if as_json and as_csv:
        raise ConfigError("--json and --csv exclude each other")
    if text == "-":
        text = sys.stdin.read()
    elif text.startswith("@"):
        path = Path(text[1:])
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as e:
            raise ConfigError("the query cannot be read", where=str(path), seen=str(e)) from None
    run_query(
        current_release(settings.releases),
        text,
        "json" if as_json else "csv" if as_csv else "table",
        sys.stdout,
        settings,
    )


@facts_app.command("check")
def facts_check(
    facts: FactsOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Read facts files and report every error with file and line; nothing is written."""
    from kg.build import check_facts

    settings = read_settings(config)
    counts, breaks = check_facts(facts_folders(settings, facts))
    for item in breaks:
        say(f"{item.origin}: {item.message}")
    if as_json:
        print_json({"records": counts, "breaks": [item.record for item in breaks]})
    else:
        for file, kinds in counts.items():
            typer.echo(f"{file}: " + ", ".join(f"{n} {kind}" for kind, n in kinds.items()))
    if breaks:
        raise typer.Exit(1)


@facts_app.command("verify")
def facts_verify(
    texts: Annotated[Path, typer.Option("--texts", help="A folder with the documents' texts.")],
    facts: FactsOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Check hashes, offsets and names in facts files against texts that you hold."""
    from kg.build import load_facts
    from kg.facts import verify_texts

    settings = read_settings(config)
    done = verify_texts(load_facts(facts_folders(settings, facts)), texts)
    for error in done.errors:
        say(str(error))
    if as_json:
        print_json(
            {
                "documents": done.documents,
                "spans": done.spans,
                "without_hash": done.without_hash,
                "errors": len(done.errors),
            }
        )
    else:
        typer.echo(
            f"{done.documents} documents, {done.spans} spans checked "
            f"({done.without_hash} carry no hash), {len(done.errors)} errors"
        )
    if done.errors:
        raise typer.Exit(1)


@facts_app.command("schema")
def facts_schema() -> None:
    """Print the JSON Schema of facts files."""
    from kg.facts import json_schema

    typer.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))


@facts_app.command("new")
def facts_new(
    key: Annotated[str, typer.Argument(help="Id of the document, e.g. harbour-deal-2024.")],
    text: Annotated[Path, typer.Option("--text", help="The document's text, UTF-8.")],
    language: Annotated[str, typer.Option("--language", help="Its language, e.g. bn.")],
    date: Annotated[str, typer.Option("--date", help="Reference date, YYYY-MM-DD.")],
    folder: Annotated[Path, typer.Option("--facts", help="Where to write KEY.yaml.")] = Path(
        "facts"
    ),
    registry: Annotated[
        bool, typer.Option("--with-registry", help="Copy the built-in registry there as well.")
    ] = False,
) -> None:
    """Start a facts file for a text: hash, sentences with offsets, and records to fill in."""
    from kg.build import new_facts

    for path in new_facts(key, text, language, date, folder, with_registry=registry):
        typer.echo(str(path))


@release_app.command("import")
def release_import(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="[IRI=]FILE...",
            help="RDF files: .ttl .nt .nq .trig .rdf .xml .jsonld, each also with .gz. "
            "IRI names the graph of a file's triples; without it, it is called after the file.",
        ),
    ],
    releases: ReleasesOption = None,
    base: Annotated[
        str | None, typer.Option("--base", "--base-iri", help="The base IRI of the site.")
    ] = None,
    title: Annotated[
        str | None, typer.Option("--title", help="What the data is called. [default: as its files]")
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option("--licence", metavar="IRI", help="Its licence. [default: none is claimed]"),
    ] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="Who is responsible.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Import even if nothing changed.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Publish RDF files as a release, as they are: nothing is mapped, nothing is validated."""
    from kg.importing import import_release
    from kg.manifest import read_manifest

    settings = read_settings(config, base_iri=base, agent=agent, releases=releases)
    _warn_base(settings)
    path, imported = import_release(
        files,
        settings.releases,
        base=settings.base_iri,
        title=title or "",
        licence=licence or "",
        agent=settings.agent,
        force=force,
    )
    manifest = read_manifest(path)
    if imported is not None and imported.rewritten:
        say(
            "literals published in the form in which the store returns them, such as 1 for 01: "
            f"{imported.rewritten}; see {path / 'issues.jsonl'}"
        )
    say(
        f"release {manifest.id[:12]}: {manifest.quads} quads in {len(manifest.graphs)} graphs, "
        "imported and not validated"
        + (" (already there, nothing changed)" if imported is None else "")
    )
    say(f"{settings.releases / 'current'} -> {path.name}")
    if as_json:
        print_json(
            {
                "release": manifest.id,
                "conforms": None,
                "quads": manifest.quads,
                "graphs": {graph.iri: graph.quads for graph in manifest.graphs},
                "files": {source.id: source.records for source in manifest.sources},
                "rewritten": None if imported is None else imported.rewritten,
            }
        )


@release_app.command("list")
def release_list(
    releases: ReleasesOption = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """List the releases; the current one is marked."""
    from kg.release import list_releases

    settings = read_settings(config, releases=releases)
    rows = list_releases(settings.releases)
    if as_json:
        import msgspec

        print_json([msgspec.to_builtins(row) for row in rows])
        return
    for row in rows:
        mark = "*" if row.current else " "
        typer.echo(
            f"{mark} {row.id[:12]}  {row.published or 'not published':25}  "
            + (row.problem or f"{row.quads} quads")
        )


@release_app.command("show")
def release_show(
    release: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")] = "current",
    releases: ReleasesOption = None,
    config: ConfigOption = None,
) -> None:
    """Print the manifest of a release."""
    from kg.release import find_release

    settings = read_settings(config, releases=releases)
    path = find_release(settings.releases, None if release == "current" else release)
    typer.echo((path / "manifest.json").read_text(encoding="utf-8"), nl=False)


@release_app.command("diff")
def release_diff(
    old: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    new: Annotated[str, typer.Argument(help="Its id.")] = "current",
    releases: ReleasesOption = None,
    form: Annotated[
        str, typer.Option("--format", help="things, counts, json or patch.", metavar="FORMAT")
    ] = "things",
    config: ConfigOption = None,
) -> None:
    """Tell what changed from one release to another: by thing, in numbers, or as an RDF Patch."""
    if form not in ("things", "counts", "json", "patch"):
        raise ConfigError(
            "no such format", where="--format", seen=form, expected="things, counts, json or patch"
        )
    from kg.diff import Difference
    from kg.release import find_release

    settings = read_settings(config, releases=releases)
    before, after = (
        find_release(settings.releases, None if name == "current" else name) for name in (old, new)
    )
    found = Difference(before, after)
    if form == "patch":
        for line in found.patch():
            typer.echo(line, nl=False)
    elif form == "counts":
        for one in found.counts():
            typer.echo(f"-{one.removed} +{one.added}  {one.source}")
    elif form == "json":
        import msgspec

        print_json([msgspec.to_builtins(one) for one in found.things()])
    else:
        for change in found.things():
            typer.echo(change.to_text(), nl=False)


@release_app.command("verify")
def release_verify(
    release: Annotated[str | None, typer.Argument(help="Its id. [default: current]")] = None,
    releases: ReleasesOption = None,
    config: ConfigOption = None,
) -> None:
    """Check every byte of a release against its manifest, and the store against the dumps."""
    from kg.release import verify_release

    settings = read_settings(config, releases=releases)
    problems = verify_release(settings.releases, release)
    for problem in problems:
        say(problem)
    typer.echo("ok" if not problems else f"{len(problems)} problems")
    if problems:
        raise typer.Exit(1)


@release_app.command("rollback")
def release_rollback(
    release: Annotated[str | None, typer.Argument(help="Its id. [default: the one before]")] = None,
    releases: ReleasesOption = None,
    config: ConfigOption = None,
) -> None:
    """Make an earlier release the current one."""
    from kg.release import rollback

    settings = read_settings(config, releases=releases)
    typer.echo(rollback(settings.releases, release))


_LISTED: Final = 50
"""Things that are named before they are suppressed."""


@release_app.command("suppress")
def release_suppress(
    addresses: Annotated[
        list[str] | None, typer.Argument(help="What must not be there: its address or page.")
    ] = None,
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            help="inaccurate, unfair, defamatory, protected-person, attribution, investigation, "
            "outdated, privacy or other. It is published.",
        ),
    ] = "",
    authority: Annotated[
        str, typer.Option("--authority", help="Who decided it, in words. It is published.")
    ] = "",
    day: Annotated[
        str | None,
        typer.Option("--date", help="When it was decided, YYYY-MM-DD. [default: today]"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    absent: Annotated[
        bool,
        typer.Option(
            "--absent", help="Also if no release says anything of it: only files may still hold it."
        ),
    ] = False,
    again: Annotated[
        bool, typer.Option("--resume", help="Finish one that was interrupted.")
    ] = False,
    give_up: Annotated[
        bool,
        typer.Option(
            "--abandon", help="Give one up that was interrupted before it changed a release."
        ),
    ] = False,
    releases: ReleasesOption = None,
    config: ConfigOption = None,
) -> None:
    """Take something out of every release that is kept; it cannot come back.

    Claims that relay or are about it go too, and what was only there for them. It cannot be undone.
    """
    import datetime

    from kg import suppress

    settings = read_settings(config, releases=releases)
    out = settings.releases
    if give_up:
        suppress.abandon(out)
        return
    if again:
        done = suppress.resume(out)
    else:
        for name, value in (
            ("ADDRESS", addresses),
            ("--reason", reason),
            ("--authority", authority),
        ):
            if not value:
                raise ConfigError("this is needed", where=name, hint="see --help")
        found = suppress.preview(out, addresses or (), absent=absent)
        for one in found.held:
            say(f"release {one.release[:12]}: {one.things} things, {one.statements} statements")
        for address, label in found.things[:_LISTED]:
            say(f"  {address}  {label}")
        if len(found.things) > _LISTED:
            say(f"  and {len(found.things) - _LISTED} more")
        if not yes:
            typer.confirm("Take all this out of every release?", abort=True, err=True)
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        done = suppress.suppress(
            out, addresses or (), reason, authority, day or today, absent=absent
        )
    say(f"{done.things} things are gone; {len(done.renamed)} releases were rewritten")
    say("exports, static copies and backups elsewhere are not reached: write them anew")
    typer.echo(done.notice)


@release_app.command("search")
def release_search(
    words: Annotated[list[str], typer.Argument(help="Texts or addresses.")],
    releases: ReleasesOption = None,
    config: ConfigOption = None,
) -> None:
    """Say in which files of the folder of releases some words stand, packed or not."""
    from kg.suppress import occurrences

    settings = read_settings(config, releases=releases)
    number = 0
    for place in occurrences(settings.releases, words):
        typer.echo(place)
        number += 1
    say(f"{number} files")
    if number:
        raise typer.Exit(1)


@release_app.command("prune")
def release_prune(
    keep: Annotated[int, typer.Option("--keep", min=1, help="How many releases to keep.")],
    releases: ReleasesOption = None,
    config: ConfigOption = None,
) -> None:
    """Remove old releases; the current one is always kept."""
    from kg.release import prune

    settings = read_settings(config, releases=releases)
    for name in prune(settings.releases, keep):
        typer.echo(name)


@app.command()
def export(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAMES|URL]...",
            help="Files such as graph.ttl.gz or graphs/registry.nq [default: all of the whole "
            "graph]; or the address of a server, with --to KIND.",
        ),
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="The folder to write into, or - for the standard output; or the kind of server "
            "at URL: virtuoso, oxigraph or gsp (SPARQL 1.1 Graph Store Protocol).",
        ),
    ] = "export",
    static: Annotated[
        Path | None,
        typer.Option(
            "--static",
            help="Write the whole site into this folder instead: every page, all data, the dumps.",
        ),
    ] = None,
    language: Annotated[
        str,
        typer.Option(
            "--language",
            help="With --static: the language of the pages, in which names come first: en, bn, hi.",
        ),
    ] = "en",
    release: Annotated[
        str, typer.Option("--release", help="Its id, or the beginning of it.")
    ] = "current",
    store: Annotated[
        str,
        typer.Option(
            "--store",
            metavar="URL",
            help="A server's Graph Store, if not as usual.",
            show_default=False,
        ),
    ] = "",
    union: Annotated[
        str,
        typer.Option(
            "--union",
            help="Where a server gets the union of all graphs: default (its default graph) or "
            "named (<base>export/union). [default: default; named for virtuoso]",
            show_default=False,
        ),
    ] = "",
    user: Annotated[
        str | None,
        typer.Option("--user", help="Who loads a server; the password is KG_SERVER_PASSWORD."),
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Load also the graphs that may not be handed on.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Send every graph again, whatever the server holds.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a default graph that is not ours.")
    ] = False,
    piece_mib: Annotated[
        int, typer.Option("--piece-mib", min=1, max=64, help="MiB that are sent at once.")
    ] = 4,
    timeout_s: Annotated[
        float, typer.Option("--timeout", min=1, help="Seconds that one request may take.")
    ] = 120.0,
    load_dir: Annotated[
        Path | None,
        typer.Option(
            "--load-dir",
            metavar="FOLDER",
            help="Use Virtuoso's bulk loader: a folder that both can reach, in its DirsAllowed.",
        ),
    ] = None,
    isql: Annotated[
        str,
        typer.Option(
            "--isql",
            metavar="HOST:PORT",
            help="Where Virtuoso takes SQL, with --load-dir. [default: 127.0.0.1:1111]",
            show_default=False,
        ),
    ] = "",
    as_json: JsonOption = False,
    releases: ReleasesOption = None,
    config: ConfigOption = None,
) -> None:
    """Write the dumps of a release as plain files, each checked against its checksum.

    With --static: write its whole site as files that any host of files can serve.

    With --to KIND URL: load its graphs into another SPARQL server, and count them there.
    """
    from kg.export import export_dump, export_dumps
    from kg.release import find_release
    from kg.servers import KINDS, load_release, target

    settings = read_settings(config, releases=releases, server_user=user)
    folder = find_release(settings.releases, None if release == "current" else release)
    addresses = [name for name in names or () if "://" in name]
    if addresses or to in KINDS:
        if len(names or ()) != 1 or not addresses or to not in KINDS or static is not None:
            raise ConfigError(
                "a server is loaded by its kind and its address alone",
                where="--to",
                seen=" ".join([to, *(names or ())]),
                expected=f"--to {'|'.join(KINDS)} URL",
                hint=f"a folder of that name is --to ./{to}" if to in KINDS else "",
            )
        loaded = load_release(
            folder,
            target(
                to,
                addresses[0],
                store=store,
                union=union,
                user=settings.server_user,
                password=settings.server_password,
                timeout_s=timeout_s,
                piece=piece_mib << 20,
                load_dir=load_dir,
                isql=isql,
            ),
            private=private,
            full=full,
            force=force,
            say=say,
        )
        say(
            f"release {loaded.release[:12]}: {loaded.triples:,} triples; graphs: "
            f"{len(loaded.sent)} sent, {len(loaded.kept)} there already, "
            f"{len(loaded.removed)} removed; all counted"
        )
        if as_json:
            print_json(loaded._asdict())
        else:
            typer.echo(loaded.query)
        return
    for option, given in (
        ("--store", store),
        ("--union", union),
        ("--private", private),
        ("--full", full),
        ("--force", force),
        ("--load-dir", load_dir),
        ("--isql", isql),
        ("--json", as_json),
    ):
        if given:
            raise ConfigError(
                f"{option} is for a server", where=option, expected=f"--to {'|'.join(KINDS)} URL"
            )
    if static is not None:
        if names or to != "export":
            raise ConfigError(
                "--static writes all dumps, and into its own folder",
                where="--static",
                hint="leave out names and --to",
            )
        from kg.web.static import export_site

        done = export_site(folder, static, settings, language)
        say(
            f"{done.things:,} things; files: {done.written:,} written, {done.unchanged:,} "
            f"unchanged, {done.removed:,} removed"
        )
        typer.echo(static)
        return
    if language != "en":
        raise ConfigError(
            "only pages have a language, and dumps are data",
            where="--language",
            seen=language,
            hint="add --static DIR, or leave it out",
        )
    if to == "-":
        if len(names or ()) != 1:
            raise ConfigError(
                "one file fits the standard output",
                where="--to -",
                seen=" ".join(names or ()),
                expected="one name such as graph.nq.gz",
            )
        export_dump(folder, (names or [""])[0], sys.stdout.buffer)
        return
    for path in export_dumps(folder, names or (), Path(to)):
        typer.echo(path)


@app.command()
def check(
    releases: ReleasesOption = None, facts: FactsOption = None, config: ConfigOption = None
) -> None:
    """Check facts and the current release in one go: for a timer or before a deployment."""
    from kg.build import check_facts
    from kg.release import verify_release

    settings = read_settings(config, releases=releases)
    counts, breaks = check_facts(facts_folders(settings, facts))
    problems = [f"{b.origin}: {b.message}" for b in breaks]
    problems += verify_release(settings.releases, None)
    for problem in problems:
        say(problem)
    records = sum(sum(kinds.values()) for kinds in counts.values())
    typer.echo(f"{records} records, {len(problems)} problems")
    if problems:
        raise typer.Exit(1)


def main() -> NoReturn:
    """Run the command line and exit with its code; see the module's docstring."""
    try:
        app(standalone_mode=True)
    except KgError as error:
        say(str(error))
        errors = error.errors if isinstance(error, KgErrors) else (error,)
        sys.exit(4 if all(isinstance(one, ShapesError) for one in errors) else 2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception:
        logging.getLogger(__name__).critical("internal error; please report it", exc_info=True)
        sys.exit(3)
    sys.exit(0)
