"""The command `kg link`: what is linked, what is proposed, and each decision as one row.

Data on stdout, messages on stderr; exit codes are those of `kg.cli`. Imports stay inside the
commands.

Spec: docs/reference/cli.md; docs/reference/links.md
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import msgspec
import typer

from kg import cli_names
from kg.cli_common import (
    ConfigOption,
    FactsOption,
    JsonOption,
    LinksOption,
    facts_folders,
    print_json,
    read_settings,
    say,
)
from kg.errors import ConfigError, KgError

if TYPE_CHECKING:
    from kg.facts import FactSet
    from kg.linking import Act, Item, Propose, Review, Subject, Task
    from kg.sssom import LinkRow

app = typer.Typer(
    name="link",
    help="Links to Wikidata: what is open, proposals, decisions, and checks.",
    no_args_is_help=True,
)
app.command("names")(cli_names.names)

ReviewerOption = Annotated[
    str, typer.Option("--reviewer", metavar="ID", help="Who decides: the id of an agent.")
]
EvidenceOption = Annotated[
    str, typer.Option("--evidence", metavar="TEXT", help="What the decision rests on.")
]
CommentOption = Annotated[str, typer.Option("--comment", metavar="TEXT", help="A remark.")]
PredicateOption = Annotated[
    str,
    typer.Option(
        "--predicate",
        metavar="CURIE",
        help="skos:exactMatch, skos:closeMatch, skos:broadMatch or skos:relatedMatch.",
    ),
]
OverturnOption = Annotated[
    bool,
    typer.Option(
        "--overturn", help="Replace what somebody has decided; the remark keeps what that was."
    ),
]
KindOption = Annotated[
    str,
    typer.Option(
        "--kind",
        metavar="WORD",
        help="What the item is, e.g. state. [default: as the proposal or the lexicon says]",
    ),
]
LabelOption = Annotated[
    str, typer.Option("--label", metavar="TEXT", help="Its name. [default: as with --kind]")
]
DateOption = Annotated[
    str | None,
    typer.Option("--date", metavar="DAY", help="The day, YYYY-MM-DD. [default: today]"),
]
SubjectArgument = Annotated[
    str, typer.Argument(metavar="SUBJECT", help="The record, e.g. agent/japan.")
]
ItemArgument = Annotated[str, typer.Argument(metavar="QID", help="The item, e.g. Q17.")]

MOST_ITEM: Final = 200_000_000
"""No item has a greater number; Wikidata had given 137 million in 2025."""
_FIRST_ZONE: Final = datetime.timedelta(hours=14)
"""How far ahead of UTC the day begins first."""
_KEYS: Final = {
    "e": "exact",
    "c": "close",
    "b": "broad",
    "r": "related",
    "x": "reject",
    "u": "unsure",
    "n": "not-found",
}
_WORDS: Final = {
    "e": "[e]xact",
    "c": "[c]lose",
    "b": "[b]road",
    "r": "[r]elated",
    "x": "re[x]ject",
    "u": "[u]nsure",
    "n": "[n]ot found",
    "s": "[s]kip",
    "q": "[q]uit",
}


def _open(
    facts: list[Path] | None, links: Path | None, config: Path | None
) -> tuple[FactSet, Path]:
    """Return the facts and the path of the authority."""
    from kg.build import LINKS, load_facts
    from kg.resources import folder

    folders = facts_folders(read_settings(config), facts)
    return load_facts(folders), links or folder("mappings") / LINKS


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _today(given: str | None, *, ahead: bool = False) -> str:
    """Return a day of the calendar: the one that is given, else today.

    Args:
        ahead: whether it may be a day that has not begun anywhere yet.
    Raises:
        ConfigError: it is none, or may not be.
    """
    if given is None:
        return _now().date().isoformat()
    try:
        if len(given) != len("2026-11-21"):
            raise ValueError
        day = datetime.date.fromisoformat(given)
    except ValueError:
        raise ConfigError(
            "no day of the calendar", where="--date", seen=given, expected="YYYY-MM-DD"
        ) from None
    if not ahead and day > (_now() + _FIRST_ZONE).date():
        raise ConfigError(
            "a decision cannot be of a day to come", where="--date", seen=given, expected="today"
        )
    return day.isoformat()


@app.command()
def status(
    facts: FactsOption = None,
    links: LinksOption = None,
    date: DateOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Tell how far linking is: decisions, what is open, unsure, due again, or not reviewed."""
    from kg import linking
    from kg.link import read_links, read_proposals

    found, authority = _open(facts, links, config)
    rows = read_links(authority)
    proposals = read_proposals(linking.proposals_of(authority))
    told = linking.status(linking.subjects(found), rows, proposals, _today(date, ahead=True))
    if as_json:
        print_json(linking.as_json(told))
        return
    for name, number in told.decisions.items():
        typer.echo(f"{name:12}{number:6}")
    typer.echo(f"{'undecided':12}{len(told.undecided):6}")
    typer.echo(f"{'unreviewed':12}{told.unreviewed:6}")
    typer.echo(f"{'proposals':12}{told.proposals:6}")
    for kind, counts in told.kinds.items():
        typer.echo(f"{kind}: " + ", ".join(f"{name} {number}" for name, number in counts.items()))
    for curie in told.undecided:
        typer.echo(f"undecided: {curie}")
    for name, some in (("unsure", told.unsure), ("due again", told.due), ("gone", told.unknown)):
        for row in some:
            when = f", again on {row.revisit_on}" if row.revisit_on else ""
            typer.echo(f"{name}: {row.subject_id} {row.object_id} {row.object_label}{when}")


def _linker(languages: Sequence[str]) -> Propose:
    """Return what asks the linker for candidates, in some languages."""
    from kg.linker import Candidate, Linker, Mention

    linker = Linker.load(sorted(set(languages)))

    def ask(surface: str, lang: str, hint: str) -> Sequence[Candidate]:
        return linker.propose(Mention(surface=surface, lang=lang, hint=hint))

    return ask


@app.command()
def propose(
    subjects: Annotated[
        list[str] | None,
        typer.Argument(metavar="SUBJECT...", help="Records. [default: all that are open]"),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=50, help="Candidates for one record.")
    ] = 5,
    facts: FactsOption = None,
    links: LinksOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask the linker which items records may be, and write its proposals, which are no links."""
    from kg import linking
    from kg.link import read_links
    from kg.witness import read_known

    found, authority = _open(facts, links, config)
    rows = read_links(authority)
    known = linking.subjects(found)
    if subjects:
        wanted = [linking.find_subject(known, name) for name in subjects]
    else:
        wanted = [
            one for one in known.values() if one.kind != "event" and linking.is_open(one, rows)
        ]
    languages = [lang for one in wanted for lang in one.labels]
    items = read_known(_lexicon()).items
    made = linking.propose(wanted, rows, _linker(languages), limit, items)
    path = linking.proposals_of(authority)
    linking.write_proposals(path, made, wanted if subjects else None)
    with_some = len({row.subject_id for row in made})
    say(f"{len(made)} proposals for {with_some} of {len(wanted)} records; they are no links")
    if as_json:
        print_json({"file": str(path), "proposals": linking.as_json(made)})
    else:
        typer.echo(path)


@app.command()
def review(
    reviewer: ReviewerOption = "",
    web: Annotated[
        bool, typer.Option("--web", help="Review in a browser on this machine.")
    ] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="With --web: 0 for any.")
    ] = 0,
    unreviewed: Annotated[
        bool,
        typer.Option(
            "--unreviewed", help="Work through rows that nobody has reviewed, not proposals."
        ),
    ] = False,
    facts: FactsOption = None,
    links: LinksOption = None,
    date: DateOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Work through proposals and what is due: each decision is one row, written at once."""
    from kg.linking import Review
    from kg.witness import read_known

    if port and not web:
        raise ConfigError("--port goes with --web", where="--port", seen=str(port))
    found, authority = _open(facts, links, config)
    session = Review(
        found,
        authority,
        reviewer,
        _today(date),
        unreviewed=unreviewed,
        items=read_known(_lexicon()).items,
    )
    if web:
        from kg.review import serve

        def tell(address: str) -> None:
            typer.echo(json.dumps({"address": address}) if as_json else address)
            say("open this address in a browser of this machine; Ctrl-C ends the review")

        serve(session, port, tell)
        return
    _dialogue(session, as_json=as_json)


def _dialogue(session: Review, *, as_json: bool) -> None:
    """Ask for a decision on each task until none is left or the reviewer quits."""
    skipped: set[tuple[str, str]] = set()
    while True:
        left = [task for task in session.tasks() if task.key not in skipped]
        if not left:
            say("nothing is left to decide" if not skipped else f"{len(skipped)} were skipped")
            return
        task = left[0]
        _show(task, len(left))
        keys = {key: name for key, name in _KEYS.items() if name in task.offered}
        answer = _asked(", ".join(_WORDS[key] for key in (*keys, "s", "q")))
        if answer in (None, "q"):
            return
        if answer == "s":
            skipped.add(task.key)
            continue
        if answer not in keys:
            say(f"no such key: {answer!r}")
            continue
        if not _decide(session, task, keys[answer], as_json=as_json):
            return


def _decide(session: Review, task: Task, what: str, *, as_json: bool) -> bool:
    """Ask what a decision rests on, and write it; return whether somebody is there still."""
    from kg.linking import KINDS, told

    overturn, kind = False, ""
    if task.overturns(what):
        sure = _asked(f"{task.row.reviewer_id} has decided otherwise; [y]es, replace it")
        if sure is None:
            return False
        overturn = sure == "y"
        if not overturn:
            say("nothing was written")
            return True
    item = told(task.item, session.items)
    if what == "exact" and item.kind.partition(";")[0] not in KINDS:
        answer = _asked(f"what the item is: {', '.join(KINDS)}")
        if answer is None:
            return False
        kind = answer
    evidence = _asked("what it rests on")
    if evidence is None:
        return False
    if not evidence:
        say("nothing was written: a decision has to say what it rests on")
        return True
    comment = _asked("remark, or nothing")
    if comment is None:
        return False
    try:
        row = session.decide(task, what, evidence, comment=comment, kind=kind, overturn=overturn)
    except KgError as error:
        say(str(error))
        return True
    _written(row, as_json=as_json)
    return True


def _asked(words: str) -> str | None:
    """Return what somebody answers; None where there is nobody any more."""
    typer.echo(f"{words}: ", err=True, nl=False)
    try:
        return input().strip()
    except (EOFError, KeyboardInterrupt):
        say("")
        return None


def _show(task: Task, left: int) -> None:
    """Print what is known of a task."""
    subject, row = task.subject, task.row
    lines = [
        "",
        f"--- {left} left{', stands there already' * task.stands} --- "
        f"{'described: ' if subject.kind == 'event' else ''}{subject.label}, "
        f"{subject.curie} ({subject.type})",
        *(f"  {lang}: {' · '.join(names)}" for lang, names in subject.labels.items()),
        *([f"  {subject.description}"] if subject.description else []),
        *([f"  basis: {subject.basis}"] if subject.basis else []),
        f"  named in: {', '.join(subject.named_in)}",
        *(
            f"  decided: {one.decision} {one.predicate_id} {one.object_id} {one.object_label}"
            for one in task.decided
            if one is not row
        ),
        f"{row.object_id} {row.object_label} ({row.object_kind or 'kind not known'}), "
        f"{row.predicate_modifier} {row.predicate_id}, {row.confidence}",
        f"  why: {row.evidence}",
        f"  against it: {task.against or 'nothing that is known here'}",
    ]
    from kg.errors import one_line

    for line in lines:
        say(one_line(line))


def _written(row: LinkRow, *, as_json: bool) -> None:
    from kg.linking import as_json as plain
    from kg.sssom import AGREEMENT, COLUMNS, table

    if as_json:
        print_json(plain(row))
    else:
        typer.echo(table([row], (*COLUMNS, AGREEMENT)).split("\n", 1)[1], nl=False)


@app.command()
def accept(
    subject: SubjectArgument,
    qid: ItemArgument,
    predicate: PredicateOption = "skos:exactMatch",
    evidence: EvidenceOption = "",
    reviewer: ReviewerOption = "",
    comment: CommentOption = "",
    kind: KindOption = "",
    label: LabelOption = "",
    overturn: OverturnOption = False,
    facts: FactsOption = None,
    links: LinksOption = None,
    date: DateOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Write that a record is an item, or confirm a row that nobody has reviewed."""
    from kg import linking

    def change(rows: list[LinkRow], subject: Subject, item: Item, act: Act) -> LinkRow:
        if problem := linking.unlike(item, subject):
            say(f"warning: {subject.curie} wd:{item.qid}: {problem}; `check` will fail")
        return linking.accept(rows, subject, item, predicate, act)

    _decided(
        (subject, qid, kind, label),
        change,
        _Said(evidence, reviewer, comment, overturn),
        (facts, links, date, config),
        as_json=as_json,
    )


@app.command()
def reject(
    subject: SubjectArgument,
    qid: ItemArgument,
    predicate: PredicateOption = "skos:exactMatch",
    evidence: EvidenceOption = "",
    reviewer: ReviewerOption = "",
    comment: CommentOption = "",
    overturn: OverturnOption = False,
    facts: FactsOption = None,
    links: LinksOption = None,
    date: DateOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Write that a record is not an item, so that nobody links them again."""
    from kg import linking

    def change(rows: list[LinkRow], subject: Subject, item: Item, act: Act) -> LinkRow:
        return linking.reject(rows, subject, item, predicate, act)

    _decided(
        (subject, qid, "", ""),
        change,
        _Said(evidence, reviewer, comment, overturn),
        (facts, links, date, config),
        as_json=as_json,
    )


@app.command()
def unsure(
    subject: SubjectArgument,
    qid: ItemArgument,
    predicate: PredicateOption = "skos:exactMatch",
    evidence: EvidenceOption = "",
    reviewer: ReviewerOption = "",
    comment: CommentOption = "",
    kind: KindOption = "",
    label: LabelOption = "",
    facts: FactsOption = None,
    links: LinksOption = None,
    date: DateOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Write that a record and an item were looked at, and nobody could decide; it comes again."""
    from kg import linking

    def change(rows: list[LinkRow], subject: Subject, item: Item, act: Act) -> LinkRow:
        return linking.doubt(rows, subject, item, predicate, act)

    _decided(
        (subject, qid, kind, label),
        change,
        _Said(evidence, reviewer, comment),
        (facts, links, date, config),
        as_json=as_json,
    )


@app.command()
def notfound(
    subject: SubjectArgument,
    evidence: EvidenceOption = "",
    reviewer: ReviewerOption = "",
    comment: CommentOption = "",
    facts: FactsOption = None,
    links: LinksOption = None,
    date: DateOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Write that a record was looked for, and there is no item; its proposals are dropped."""
    from kg import linking

    def change(rows: list[LinkRow], subject: Subject, item: Item, act: Act) -> LinkRow:
        return linking.not_found(rows, subject, act)

    _decided(
        (subject, "", "", ""),
        change,
        _Said(evidence, reviewer, comment),
        (facts, links, date, config),
        as_json=as_json,
    )


class _Said(NamedTuple):
    """What a reviewer says with a decision."""

    evidence: str
    reviewer: str
    comment: str
    overturn: bool = False


def _decided(
    about: tuple[str, str, str, str],
    change: Callable[[list[LinkRow], Subject, Item, Act], LinkRow],
    said: _Said,
    where: tuple[list[Path] | None, Path | None, str | None, Path | None],
    *,
    as_json: bool,
) -> None:
    """Write one decision without asking anything.

    Args:
        about: the record; the item, its kind and its label, empty where there is none.
        change: see `kg.linking.Authority.write`.
        said: with what.
        where: facts, authority, day and settings file.
    """
    from kg import linking
    from kg.link import read_links, read_proposals
    from kg.witness import read_known

    name, qid, kind, label = about
    facts, links, date, config = where
    for option, value in (("--reviewer", said.reviewer), ("--evidence", said.evidence.strip())):
        if not value:
            raise ConfigError("this is needed", where=option, hint="see --help")
    item = _number(qid) if qid else ""
    found, authority = _open(facts, links, config)
    subject = linking.find_subject(linking.subjects(found), name)
    who, program = linking.reviewer_of(found, said.reviewer)
    act = linking.Act(
        reviewer=who,
        day=_today(date),
        evidence=said.evidence.strip(),
        comment=said.comment.strip(),
        program=program,
        overturn=said.overturn,
    )
    seen = [row for row in read_links(authority) if row.subject_id == subject.curie]
    proposals = linking.proposals_of(authority)
    items = read_known(_lexicon()).items
    taken = [
        row
        for row in (*seen, *read_proposals(proposals))
        if (row.subject_id, row.object_id) == (subject.curie, f"wd:{item}")
    ]
    known = linking.Item(
        qid=item,
        label=next(filter(None, (label, *(row.object_label for row in taken))), ""),
        kind=next(filter(None, (row.object_kind for row in taken)), ""),
    )
    known = linking.told(known, items)  # whatever a row takes it for
    if kind:
        theirs = known.kind.partition(";")[0]
        if item in items and theirs in linking.KINDS and kind != theirs:
            say(f"note: the lexicon says that {item} is of the kind {theirs}")
        if theirs != "building" or item not in items:
            known = msgspec.structs.replace(known, kind=kind)
    row = linking.Authority(authority).write(
        subject, seen, lambda rows: change(rows, subject, known, act)
    )
    if row.decision == "not-found":
        linking.forget(proposals, subject)
    _written(row, as_json=as_json)


def _number(qid: str) -> str:
    """Return the number of an item, such as `Q17`.

    Raises:
        ConfigError: no item can have it.
    """
    item = qid.removeprefix("wd:")
    if not re.fullmatch("Q[1-9][0-9]{0,11}", item):
        raise ConfigError("this is no item", where="QID", seen=qid, expected="such as Q17")
    if int(item[1:]) > MOST_ITEM:
        raise ConfigError(
            "there is no such item", where="QID", seen=qid, expected=f"Q{MOST_ITEM} at most"
        )
    return item


def _lexicon() -> Path:
    from kg.resources import folder

    return folder("lexicon")


@app.command()
def check(
    facts: FactsOption = None,
    links: LinksOption = None,
    online: Annotated[
        bool, typer.Option("--online", help="Ask Wikidata too; nothing else goes to the network.")
    ] = False,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="URL", help="With --online: another action API."),
    ] = None,
    lexicon: Annotated[
        Path | None,
        typer.Option("--lexicon", metavar="FOLDER", help="What is known of items. [default: ours]"),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Compare the matches with witnesses and the lexicon. Exit 1 if one is contradicted."""
    from kg import linking, witness
    from kg.link import read_links

    if endpoint and not online:
        raise ConfigError("--endpoint goes with --online", where="--endpoint", seen=endpoint)
    if lexicon is not None and not lexicon.is_dir():
        raise ConfigError("no such folder", where="--lexicon", seen=str(lexicon))
    found, authority = _open(facts, links, config)
    rows = read_links(authority)
    known = linking.subjects(found)
    about = witness.read_known(lexicon or _lexicon())
    findings = witness.check(known, rows, about)
    if online:
        findings += witness.check_online(known, rows, endpoint or witness.ENDPOINT)
    wrong = [one for one in findings if one.contradiction]
    matches = sum(row.published and row.predicate_id == "skos:exactMatch" for row in rows)
    witnessed = sum(
        row.published and row.object_id.removeprefix("wd:") in about.witnesses for row in rows
    )
    if as_json:
        print_json(
            {
                "matches": matches,
                "witnessed": witnessed,
                "contradictions": len(wrong),
                "findings": linking.as_json(findings),
            }
        )
    else:
        for one in findings:
            mark = "" if one.contradiction else "note: "
            typer.echo(f"{one.where}: {mark}{one.subject} {one.item}: {one.message}")
    say(f"{matches} exact matches, {witnessed} with witnesses; {len(wrong)} contradictions")
    if wrong:
        raise typer.Exit(1)
