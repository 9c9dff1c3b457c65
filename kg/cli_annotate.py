"""The command `kg annotate`: a proposal of a facts file, for a person to complete.

Spec: docs/how-to/annotate-an-article.md, docs/reference/cli.md
"""

import datetime
import functools
import json
import logging
import os
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import typer

from kg.cli_common import ConfigOption, LinksOption, facts_folders, read_settings, say
from kg.errors import ConfigError, FactError

JOURNAL: Final = ".llm-journal"
VERDICTS: Final = frozenset(
    (
        *(
            "alleged",
            "allegedly",
            "atrocity",
            "atrocities",
            "barbaric",
            "brutal",
            "crime",
            "crimes",
        ),
        *("genocide", "illegal", "illegally", "massacre", "supposed", "terrorist", "terrorists"),
        *("unprovoked", "unlawful"),
    )
)
"""Words that judge, which no id has (`shapes/addresses.ttl`); "so-called" is two."""

if TYPE_CHECKING:
    from kg.annotate import Proposal, Request
    from kg.article import Article
    from kg.llm import Server


def annotate(
    article: Annotated[Path, typer.Argument(help="The article: plain text, UTF-8.")],
    lang: Annotated[str, typer.Option("--lang", help="Its language, e.g. bn.")],
    key: Annotated[
        str | None, typer.Option("--key", help="Id of the document. [default: the file's name]")
    ] = None,
    reference_date: Annotated[
        str | None,
        typer.Option("--reference-date", help='The day from which "Tuesday" is counted.'),
    ] = None,
    reference_basis: Annotated[
        str | None,
        typer.Option(
            "--reference-basis",
            help="How that day is known: dateline, supplied-by-curator or stated-in-text.",
        ),
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Where the text was captured.")] = None,
    archive_url: Annotated[
        str | None, typer.Option("--archive-url", help="Where an archive keeps it.")
    ] = None,
    captured: Annotated[
        str | None, typer.Option("--captured", help="The day on which it was captured.")
    ] = None,
    tool: Annotated[str | None, typer.Option("--tool", help="With what.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file to write. [default: stdout]")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite that file, if all in it is only proposed.")
    ] = False,
    overwrite_edited: Annotated[
        bool,
        typer.Option("--overwrite-edited", help="Overwrite it also if records are taken over."),
    ] = False,
    facts: Annotated[
        list[Path] | None,
        typer.Option(
            "--facts",
            help="A folder with the registry that names are matched with; again for more. "
            "[default: the built-in facts]",
        ),
    ] = None,
    links: LinksOption = None,
    llm: Annotated[
        bool, typer.Option("--llm", help="Let a language model fill the proposal (extra llm).")
    ] = False,
    llm_url: Annotated[
        str | None,
        typer.Option("--llm-url", help="Its server, e.g. http://127.0.0.1:8080/v1."),
    ] = None,
    llm_model: Annotated[
        str | None, typer.Option("--llm-model", help="The name of the model.")
    ] = None,
    llm_key_env: Annotated[
        str,
        typer.Option("--llm-key-env", help="The variable of the environment with the key."),
    ] = "OPENAI_API_KEY",
    llm_timeout: Annotated[
        int, typer.Option("--llm-timeout", min=1, max=3600, help="Seconds for one answer.")
    ] = 60,
    llm_retries: Annotated[
        int, typer.Option("--llm-retries", min=0, max=20, help="Attempts after the first.")
    ] = 4,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", min=1, help="Tokens of this run, at most.")
    ] = 200_000,
    price_in: Annotated[
        str, typer.Option("--price-in", help="Price of a million tokens that are read.")
    ] = "0",
    price_out: Annotated[
        str, typer.Option("--price-out", help="Price of a million tokens that are written.")
    ] = "0",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what is proposed as one JSON object.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Propose a facts file for an article: names, dates, who says what. Nothing is published."""
    from kg.annotate import propose, to_yaml
    from kg.article import Article
    from kg.attribution import languages
    from kg.facts import read_registry
    from kg.link import read_links
    from kg.linker import Linker
    from kg.resources import folder
    from kg.scan import find

    settings = read_settings(config)
    if settings.log_level == "info":
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line for each request
    text = Article.read(article)
    request = _request(
        key or _key(article.stem),
        lang,
        reference_date,
        reference_basis,
        captured,
        url,
        archive_url,
        tool,
    )
    if out:
        _check_out(out, article, force, overwrite_edited)
    if text.plain != text.text:
        say(
            "note: the text is not in Unicode Normalization Form C (NFC); it is read in that form, "
            "and offsets are those of the file as it is"
        )
    if lang.partition("-")[0] not in languages():
        say(
            f"note: no words of saying and of time are known in {lang}; "
            f"known: {' '.join(sorted(languages()))}"
        )
    registry = read_registry(facts_folders(settings, facts))
    if any(record.id == request.key for record in registry):
        raise FactError(
            "a record of the registry has this id",
            where="--key",
            seen=request.key,
            hint="name another",
        )
    rows = read_links(links or folder("mappings") / "wikidata.sssom.tsv")
    identifiers = {
        row.object_id.removeprefix("wd:"): row.subject
        for row in rows
        if row.published and row.predicate_id == "skos:exactMatch"
    }
    linker = Linker.load([lang])
    proposal = propose(
        text,
        request,
        functools.partial(find, linker),
        registry,
        identifiers,
        _item(linker),
    )
    figures = None
    if llm:
        from kg.facts import Agent
        from kg.llm import Server

        server = Server(
            url=_needed("--llm-url", llm_url),
            model=_needed("--llm-model", llm_model),
            key=os.environ.get(llm_key_env, ""),
            key_env=llm_key_env,
            timeout=llm_timeout,
            retries=llm_retries,
            max_tokens=max_tokens,
            price_in=_price("--price-in", price_in),
            price_out=_price("--price-out", price_out),
        )
        if out is None:
            raise ConfigError(
                "a model's answers are kept beside the file",
                where="--llm",
                expected="--out FILE.yaml as well",
            )
        agents = [record.id for record in registry if isinstance(record, Agent)]
        proposal, figures = _filled(proposal, request, text, server, out, agents)
    _write(to_yaml(proposal, request.key), out, as_json)
    _report(proposal, request, text, out, as_json, figures)


def _check_out(out: Path, article: Path, force: bool, overwrite_edited: bool) -> None:
    """Refuse a file that would be lost.

    Raises:
        ConfigError: it is the article, or is there already, or holds what somebody took over.
    """
    journal = out.with_suffix(JOURNAL)
    for file in (out, journal):
        if file.exists() and file.samefile(article):
            raise ConfigError(
                "the article would be overwritten", where=str(file), expected="another name"
            )
    if not out.exists():
        return
    if not (force or overwrite_edited):
        raise ConfigError(
            "the file is there already",
            where=str(out),
            expected="a new name",
            hint="name another one, or overwrite it with --force",
        )
    if not (overwrite_edited or _is_only_proposed(out)):
        raise ConfigError(
            "the file holds records that somebody has taken over, or is no proposal",
            where=str(out),
            expected="a file in which all is only proposed",
            hint="name another one, or overwrite it all the same with --overwrite-edited",
        )


def _is_only_proposed(path: Path) -> bool:
    """Return whether each record of a facts file says that it is proposed; runs have no state."""
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        records = yaml.load(path.read_bytes(), Loader=loader)
    except (OSError, yaml.YAMLError, RecursionError, ValueError):
        return False
    return isinstance(records, list) and all(
        isinstance(record, dict)
        and (record.get("kind") == "run" or record.get("review") == "proposed")
        for record in records
    )


def _needed(option: str, value: str | None) -> str:
    if not value:
        raise ConfigError("not given", where=option, expected="it, together with --llm")
    return value


def _price(option: str, text: str) -> Decimal:
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII):
        raise ConfigError("no price", where=option, seen=text, expected="a number such as 0.15")
    return Decimal(text)


def _filled(
    proposal: "Proposal",
    request: "Request",
    text: "Article",
    server: "Server",
    out: Path,
    agents: list[str],
) -> "tuple[Proposal, dict[str, Any]]":
    """Return the proposal with what a language model says, and the figures of asking it."""
    from kg.llm import ask, fill
    from kg.resources import folder
    from kg.vocab import load_vocabulary

    types = sorted(load_vocabulary(folder("ontology")).keys()["event-type"])
    journal = out.with_suffix(JOURNAL)
    found, outcome = ask(text, request.language, server, types, journal, say=say)
    figures = {**outcome.as_json(server), "journal": str(journal)}
    say(
        f"model {server.model}: {outcome.asked} asked, {outcome.reused} from the journal; "
        f"{outcome.kept} kept, {sum(outcome.dropped.values())} dropped, {outcome.refused} refused, "
        f"{outcome.failed} failed, {outcome.left} left"
    )
    for why, count in sorted(outcome.dropped.items()):
        say(f"dropped {count}: {why}")
    say(
        f"tokens: {outcome.tokens_in} read, {outcome.tokens_out} written"
        + (f" (estimated for {outcome.estimated} answers)" if outcome.estimated else "")
        + f"; cost {outcome.cost(server):f}"
    )
    if outcome.left:
        say(f"stopped at --max-tokens {server.max_tokens}; run it again for the rest")
    return fill(proposal, text, request, server.model, found, agents), figures


def _key(stem: str) -> str:
    """Return an id made of the name of a file."""
    key = re.sub("[^a-z0-9]+", "-", stem.lower()).strip("-")[:60].strip("-")
    return key or "article"


def _request(
    key: str,
    lang: str,
    day: str | None,
    basis: str | None,
    captured: str | None,
    url: str | None,
    archive_url: str | None,
    tool: str | None,
) -> "Request":
    """Return what the options say, checked.

    Raises:
        FactError: one is no id, language tag, date, basis or address.
    """
    import typing

    import msgspec

    from kg import __version__
    from kg.annotate import Request
    from kg.facts import RESERVED, LanguageTag, ReferenceBasis, ShortKey, known_language

    for what, value, form, expected in (
        ("--key", key, ShortKey, "an id of at most 60: lower-case letters, digits, single hyphens"),
        ("--lang", lang, LanguageTag, "a language tag such as bn"),
    ):
        try:
            msgspec.convert(value, form)
        except msgspec.ValidationError:
            raise FactError("not of its form", where=what, seen=value, expected=expected) from None
    if verdicts := sorted(VERDICTS & {*key.split("-")}) or re.findall("so-called", key):
        raise FactError(
            "the id holds a word that judges, and an id stays when opinions change",
            where="--key",
            seen=f"{key}: {' '.join(verdicts)}",
            expected="words for what the document is",
            hint="name another with --key",
        )
    if key in frozenset().union(*RESERVED.values()):
        raise FactError(
            "the id is taken by the build itself", where="--key", seen=key, hint="name another"
        )
    if not known_language(lang):
        raise FactError(
            "unknown language tag", where="--lang", seen=lang, expected="a registered one, e.g. bn"
        )
    for what, address in (("--url", url), ("--archive-url", archive_url)):
        if address is not None and not _is_url(address):
            raise FactError(
                "no address", where=what, seen=address, expected="such as https://example.org/a"
            )
    bases = typing.get_args(ReferenceBasis)
    if basis is not None and basis not in bases:
        raise FactError(
            "no such basis", where="--reference-basis", seen=basis, expected=" or ".join(bases)
        )
    if basis and not day:
        raise FactError(
            "a basis without a date", where="--reference-basis", expected="--reference-date as well"
        )
    return Request(
        key=key,
        language=lang,
        today=datetime.datetime.now(datetime.UTC).date().isoformat(),
        reference=_day("--reference-date", day) if day else None,
        reference_basis=typing.cast(
            'Literal["dateline", "supplied-by-curator", "stated-in-text"]',
            basis or "supplied-by-curator",
        )
        if day
        else None,
        captured=_day("--captured", captured).isoformat() if captured else None,
        url=url,
        archive_url=archive_url,
        tool=tool,
        program=f"kg annotate {__version__}",
    )


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    written = bool(re.fullmatch(r"[^\s\x00-\x20\x7f<>\"{}|\\^`]{1,2000}", text))
    return parts.scheme in ("http", "https") and bool(host) and not parts.username and written


def _day(where: str, text: str) -> datetime.date:
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            raise ValueError(text)
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise FactError(
            "no day of the calendar", where=where, seen=text, expected="a date such as 2023-10-18"
        ) from None


def _item(linker: Any) -> Any:
    """Return what tells label and kind of an item of the lexicon."""
    from kg.annotate import Item

    def item_of(qid: str) -> Item | None:
        entity = linker.lexicon.entities.get(qid)
        return Item(entity.label, entity.kind) if entity else None

    return item_of


def _write(text: str, out: Path | None, as_json: bool) -> None:
    if out is None:
        if not as_json:
            typer.echo(text, nl=False)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = out.with_name(f"{out.name}.part")
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
    except OSError as e:
        raise ConfigError(
            "the file cannot be written", where=str(out), seen=str(e.strerror)
        ) from None


def _report(
    proposal: "Proposal",
    request: "Request",
    text: "Article",
    out: Path | None,
    as_json: bool,
    figures: dict[str, Any] | None,
) -> None:
    """Say what was proposed and what is to be done with it."""
    from kg.annotate import plain_fields

    stances: dict[str, int] = {}
    for one in proposal.spoken:
        stances[one.cue.stance] = stances.get(one.cue.stance, 0) + 1
    unresolved = sum(not one.edtf for _, one in proposal.dates)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "document": request.key,
                    "file": str(out) if out else None,
                    "counts": proposal.counts(),
                    "stances": stances,
                    "model": figures,
                    "dates": [
                        {
                            "sentence": number,
                            "at": text.at(one.start, one.end),
                            "edtf": one.edtf or None,
                            "rule": one.rule,
                            "part": one.part,
                            "certainty": one.certainty,
                            "wording": one.wording,
                            "why": one.why,
                        }
                        for number, one in proposal.dates
                    ],
                    "open": [{"sentence": n, "what": what} for n, what in proposal.open],
                    "records": [plain_fields(record) for record in proposal.records],
                },
                ensure_ascii=False,
                indent=2,
            )
        )
    counts = ", ".join(f"{n} {kind}" for kind, n in proposal.counts().items())
    say(f"proposed: {counts}; {len(proposal.dates)} dates ({unresolved} unresolved)")
    if stances:
        say("stances: " + ", ".join(f"{n} {name}" for name, n in sorted(stances.items())))
    if proposal.open:
        say(f"left open: {len(proposal.open)}, at the end of the file")
    if request.reference is None:
        say("note: no --reference-date: weekdays, months and the like are unresolved")
    say(
        "next: complete or delete each record, and mark what you take over with review: drafted; "
        "until then kg facts check and kg build refuse the file"
    )
