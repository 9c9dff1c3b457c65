"""Writes the generated pages of the documentation; with --check, says which are not current.

To add a page: a function that returns its text, and a line in PAGES.
"""

from __future__ import annotations

import inspect
import re
import runpy
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

import kg.facts as facts
from kg.config import settings_page

DOCS = Path(__file__).resolve().parent
HERE = "docs/generate.py"

# --- reference/facts.md -----------------------------------------------------------------------

FACTS_INTRO: Final = f"""# Facts files

<!-- Written by {HERE} from the types in kg/facts.py; edit those, or the meanings in {HERE}. -->

A facts file is a list of records. Each has a `kind` and an `id`. People write YAML, one file for
each document (`*.yaml`, `*.yml`); machines write JSON Lines, one record on each line (`*.jsonl`).
Both are the same records under the same checks. The folder is read with all folders below it, and
all its files are one set: an id is used once, and a record of one file may refer to a record of
another.

- Every scalar of YAML is read as a string: `no`, `1.0` and `2023-10-18` stay what they are. Quote
  a text that holds `: ` or ` #`. Anchors, aliases and a second YAML document are errors.
- Text is UTF-8 in Unicode Normalization Form C. A text that begins with `TODO` is an error.
- An id is lower-case ASCII letters, digits and single hyphens, at most 80 characters. It becomes
  part of an [address](../decisions/0001-iri-scheme.md), so it passes no verdict: no `alleged-`, no
  `massacre-`.
- Offsets are `start-end`, half-open, in Unicode code points of the file as hashed. Sentences are
  numbered from 0.
- Events, relations, claims, claim sets and mentions stand in the file of their document. Agents,
  places, things, positions, runs and links may also stand in a file without one, the registry.
- Corrections and withdrawals stand in the file of what they are of.
- An unknown field is an error.
- A record with `review: proposed` was put there by a program
  ([annotate an article](../how-to/annotate-an-article.md)), and nobody has taken it over: as long
  as there is one, `kg facts check` and `kg build` stop and name its line.

`kg facts schema` prints the JSON Schema of all this, `kg facts new` puts it beside the new file for
completion in an editor ([tutorial](../tutorial.md)), and a server has it at `/facts/schema.json`.
Concepts (event types, relation types, roles, time rules) are listed in
[the ontology](ontology.md).

## What is checked, and when

| stage | what | exit code |
|---|---|---|
| file | encoding, YAML or JSON syntax, a field given twice | 2 |
| record | unknown or missing field, value that is not of its form | 2 |
| set | id used twice; dangling reference; unknown concept; bad date, tag, offset; a proposal | 2 |
| rule | a claim that relays itself; an identifier that [the authority](links.md) lacks | 1 |
| shape | what `shapes/` says of the graph: `kg build` and `kg validate` only | 1 |

All errors of a stage are reported together, each with file and line; a stage is begun when the one
before has none. `kg facts check` runs all but the last. `kg facts verify --texts DIR` compares
hashes, offsets and surfaces with texts that you hold.
"""

MEANINGS: Final[Mapping[str, str]] = {
    # every record
    "*.id": "What other records call it, and its address where it is an agent, place, thing, "
    "position, event, document, claim set or run.",
    "*.note": "A working note of the readers; it is not published.",
    "*.extracted": "The run in which the record was made. Default: the document's.",
    "*.reviewed": "The run in which it was read a second time. Default: the document's.",
    "*.review": "How far it has been checked; `proposed`: by nobody, and the file is refused. "
    "Default: the document's, else `drafted`.",
    # every entity
    "entity.labels": "The name to show, one per language, such as `{en: Port Solen, bn: …}`.",
    "entity.variants": "Other spellings and short forms, a list per language.",
    "entity.description": "What it is, where the name does not say. An unnamed source or a group "
    "needs one: the shapes ask for it.",
    "entity.basis": "From where the record is known: it too is somebody's statement.",
    "entity.as_of": "The day for which it is held to be right.",
    "entity.distinct_from": "Others that it is easily taken for and is not.",
    "entity.wikidata": "The identifier that the writer means. It publishes nothing; the build "
    "stops where [the authority of links](links.md) does not say the same.",
    # document
    "document.identifier": "The name of the file or its key in a corpus.",
    "document.title": "What it is about, in your own words: no headline that is not yours.",
    "document.language": "Language tag of the text.",
    "document.sha256": "SHA-256 of the bytes of the file.",
    "document.characters": "Its length in Unicode code points.",
    "document.sentences": "Offsets and hash of each sentence, in order.",
    "document.reference_date": 'The day from which "Tuesday" and "last week" are counted.',
    "document.reference_basis": "How that day is known.",
    "document.dateline_place": "The place that the dateline names.",
    "document.published": "When it was published, as an EDTF date.",
    "document.publisher": "Who published it. Either this or `publisher_unstated`.",
    "document.publisher_unstated": "Why the publisher is not known.",
    "document.custody": "Where and when the text was captured, or why that is not known.",
    "document.redistribution": "What may be done with the facts.",
    # run
    "run.type": "Whether records were made, checked or compiled.",
    "run.agent": "Who or what did it, truthfully: a person or a program.",
    "run.date": "The day of the work.",
    "run.method": "What was done, in a sentence or two.",
    "run.label": "Its name, one per language.",
    # entities
    "agent.type": "The class, the narrowest that fits.",
    "agent.acts_for": "For whom the agent speaks. The end of the chain is its side. A disputed "
    "one is a relation with claims instead.",
    "agent.quantity": "How many an unnamed source or a group is said to be.",
    "agent.located_in": "Where its seat is.",
    "place.type": "`Facility` for a built place with a use.",
    "place.located_in": "The place or state in which it is.",
    "place.latitude": "WGS 84 decimal degrees, north positive; only together with `longitude`.",
    "place.longitude": "WGS 84 decimal degrees, east positive.",
    "thing.type": "The class.",
    "thing.quantity": "How many it is said to be.",
    "position.position_in": "The body to which the office belongs.",
    "position.position_for": "The state or person whom it serves.",
    "position.position_toward": "Toward whom it works, as an envoy's does.",
    # event
    "event.label": "A noun phrase that describes and never asserts: `Visit of A to B`.",
    "event.type": "The narrowest event type that fits.",
    "event.description": "A sentence more, where the label is not enough.",
    "event.participants": "Who or what takes part, each in one role.",
    "event.unstated": "Roles that somebody must fill and the text leaves open.",
    "event.time": "When it happens.",
    "event.aspect": "Once, repeatedly, or going on.",
    "event.quantity": "How much, where it is said of the event and of no participant.",
    "event.reading": "What is wrong with the text that describes it.",
    # relation
    "relation.type": "Its definition says what subject and object are.",
    "relation.subject": "What it is said of.",
    "relation.object": "To what the subject is related. Either this or `value`.",
    "relation.value": "What is said, where that is no record, in your own words.",
    "relation.time": "For when it is said to hold.",
    "relation.quantity": "How many or how much.",
    "relation.reading": "What is wrong with the text that describes it.",
    # claim
    "claim.by": "Who holds it: ids of agents, `narrator` for what the document says in its own "
    'voice, or `unattributed` for "it is seen as".',
    "claim.about": "What it takes a position on. Either this or `relays`.",
    "claim.relays": "The claim that it passes on, where that is a record of its own.",
    "claim.via": "Outlets through which it reached the document, outermost first. Short for a "
    "chain of claims that relay it.",
    "claim.stance": "The position.",
    "claim.modality": "How the claimant puts what it is about: as actual, planned, …",
    "claim.certainty": "How sure the claimant is.",
    "claim.basis": "On what the claimant says that it rests.",
    "claim.manner": "Whether the text states, presupposes or implies it.",
    "claim.attribution": "Whether the text says who holds it, or the reader inferred it.",
    "claim.time": "When it was said.",
    "claim.evidence": "Where the document says it: one span or several.",
    "claim.responds_to": "Claims that it answers.",
    "claim.quoted": "At most five words, where the wording is the fact.",
    "claim.concedes": 'Claims that it grants: the part after "although".',
    "claim.contrasts_with": 'Claims that the text sets against it: "but", "whereas".',
    "claim.gives_reason_for": "Claims for which it is given as the reason.",
    "claim.says_only": "Propositions that with this one are said to be the only ones of the kind.",
    "claim.confidence": "How sure the reader is of having read rightly, from 0 to 1.",
    "claim.n": "Ordinal among claims of the same claimants on the same target in one document: "
    "part of the claim's address.",
    "claim.description": "What is said, in your own words, where the fields cannot say it.",
    "claim.reading": "What is wrong with the text.",
    # claim set
    "claimset.label": "What the text calls the class, in your own words.",
    "claimset.stated": "Claims that the text itself shows to belong to it.",
    "claimset.inferred": "Claims that the reader takes to belong to it.",
    "claimset.evidence": "Where the document speaks of it.",
    # mention
    "mention.at": "Where the name stands.",
    "mention.surface": "The name as it stands there, ending included.",
    "mention.names": "What the words name.",
    "mention.means": "What is meant where that differs: the government behind a city's name.",
    "mention.stem": "The name without the ending.",
    "mention.form": "The grammatical form, such as `genitive`.",
    "mention.sha256": "SHA-256 of the UTF-8 bytes of the span.",
    # link
    "link.events": "The two events.",
    "link.feed_events": "Events of feeds, by the last part of their addresses; together with "
    "`events` two.",
    "link.certainty": "How sure the curator is.",
    "link.accepted": "Whether the curator takes them for one event. With certainty `certain`, "
    "affirmations of the two then add up.",
    "link.reason": "Why.",
    # notices
    "correction.of": "What is corrected: ids of records of the same file.",
    "correction.reason": "Why.",
    "correction.authority": "Who decided it, or which order of a court, in words.",
    "correction.date": "When it was decided.",
    "correction.summary": "What was said before and what is said now, in your own words.",
    "withdrawal.of": "What is withdrawn: ids of records of the same file. What refers to them is "
    "withdrawn too, or refers to something else.",
    "withdrawal.reason": "Why.",
    "withdrawal.authority": "Who decided it, or which order of a court, in words.",
    "withdrawal.date": "When it was decided.",
    "withdrawal.summary": "What readers should know, without saying again what is withdrawn.",
    # parts
    "evidence.sentence": "The number of a whole sentence. Either this or `at`.",
    "evidence.at": "Offsets of a part of the text.",
    "evidence.sha256": "SHA-256 of the span's UTF-8 bytes; for `sentence` the document has it.",
    "evidence.document": "Another document than that of the file.",
    "time.edtf": "EDTF (ISO 8601-2:2019) of level 0 or 1: `2023-10-18`, `2023-09~`, "
    "`2023-08/..`. Its bounds become `ch:earliest` and `ch:latest`.",
    "time.rule": "By which rule the words became this date.",
    "time.reference": "The day from which it was counted.",
    "time.reference_basis": "How that day is known.",
    "time.part": "The part of the day.",
    "time.certainty": "How sure the reading is.",
    "time.wording": "What the text says, in your own words.",
    "quantity.low": "The lowest number that the wording allows.",
    "quantity.best": "The number that the text gives; absent where it is vague.",
    "quantity.high": "The highest number that the wording allows.",
    "quantity.precision": "How exact the wording is.",
    "quantity.unit": "What is counted, in the plural.",
    "quantity.wording": "What the text says, in your own words.",
    "participant.role": "In which role.",
    "participant.who": "Who or what takes part.",
    "participant.named_as": "The place that the text names where another is meant.",
    "participant.quantity": "How many of them.",
    "participant.note": "A working note; it is not published.",
    "reading.quality": "What is wrong with the text.",
    "reading.literal": "What it says word for word, in your own words.",
    "reading.chosen": "The sense that the record follows.",
    "reading.reason": "Why.",
    "quote.text": "The words, as they stand.",
    "quote.lang": "Their language.",
    "sentence.at": "Its offsets.",
    "sentence.sha256": "SHA-256 of its UTF-8 bytes.",
    "sentence.fragment": "Whether it is cut off, a heading or a caption.",
    "custody.url": "Where the text was captured.",
    "custody.archive_url": "Where an archived copy is.",
    "custody.captured": "On which day.",
    "custody.tool": "With which program.",
    "custody.reason": "Why nothing of this is known.",
}
"""What each field means, by `kind.field`; `*` is every record, `entity` agent to position."""

EXAMPLES: Final[Mapping[str, str]] = {
    "document": """\
- kind: document
  id: harbour-visit
  identifier: harbour-visit
  title: {en: "A visit to Port Solen, and a report about freighters"}
  language: en
  sha256: d815c19a2811593b257db6f52fdaaf0716a437b2965dd0c820ffc4033098e49b
  characters: 382
  sentences:
    - {at: 0-123, sha256: 46c54a4a6150beb0db3ba5e4d36ccf8491485179a33146fe10b266378f81b12b}
  reference_date: 2024-03-12
  reference_basis: dateline
  publisher_unstated: the article is invented
  custody: {reason: the article is invented}
  extracted: harbour-visit-first-reading
  review: drafted
""",
    "run": """\
- kind: run
  id: harbour-visit-first-reading
  type: extraction
  agent: tutorial-reader
  date: 2026-11-21
  label: {en: First reading of the tutorial's article}
  method: read by hand
""",
    "agent": """\
- kind: agent
  id: harbour-official
  type: UnnamedSource
  labels: {en: A harbour official (unnamed source of the Bostmark Courier)}
  quantity: {best: 1, precision: exact, unit: persons}
  basis: described in the article
  as_of: 2024-03-12
""",
    "place": """\
- kind: place
  id: port-solen
  labels: {en: Port Solen}
  located_in: bostmark
  basis: named in the article
  as_of: 2024-03-12
""",
    "thing": """\
- kind: thing
  id: fishing-treaty
  type: Measure
  labels: {en: A fishing treaty}
  basis: described in the article
  as_of: 2024-03-12
""",
    "position": """\
- kind: position
  id: arvenian-foreign-minister
  labels: {en: Foreign Minister of Arvenia}
  position_in: arvenian-foreign-ministry
  position_for: arvenia
  basis: named in the article
  as_of: 2024-03-12
""",
    "event": """\
- kind: event
  id: drones-unloading-port-solen
  label: {en: Unloading of drones from two freighters in Port Solen}
  type: cargo-movement
  participants:
    - {role: actor, who: two-arvenian-freighters}
    - {role: item, who: drones-port-solen}
    - {role: place, who: port-solen}
  unstated: [recipient]
  time: {edtf: "2024-03-11", rule: weekday, reference: "2024-03-12", reference_basis: dateline}
""",
    "relation": """\
- kind: relation
  id: hv-r01
  type: holds-office
  subject: ilse-rell
  object: arvenian-foreign-minister
  time: {edtf: "2024-03-12", rule: as-of-document, reference: "2024-03-12"}
""",
    "claim": """\
- kind: claim
  id: hv-c04
  by: [harbour-official]
  via: [bostmark-courier]
  about: drones-unloading-port-solen
  stance: affirms
  modality: actual
  certainty: probable
  basis: none-stated
  evidence: [{sentence: 1}]
""",
    "claimset": """\
- kind: claimset
  id: accusations-of-unloading
  label: {en: Accusations that drones were unloaded}
  stated: [hv-c04]
  evidence: [{at: 277-323}]
""",
    "mention": """\
- {kind: mention, id: hv-m07, at: 277-285, surface: Bostmark, names: bostmark, form: genitive}
""",
    "link": """\
- kind: link
  id: hv-l01
  events: [drones-unloading-port-solen, drones-unloading-other-article]
  certainty: probable
  reason: same port, same day, same cargo
""",
    "correction": """\
- kind: correction
  id: hv-c04-correction
  of: [hv-c04]
  reason: inaccurate
  authority: The standards editor
  date: 2026-11-26
  summary: {en: "The official was said to be certain; the article has: probably."}
""",
    "withdrawal": """\
- kind: withdrawal
  id: hv-c06-withdrawal
  of: [hv-c06]
  reason: outdated
  authority: The standards editor
  date: 2026-11-26
  summary: {en: The ministry took its statement back.}
""",
}
"""One example of each kind; a test holds them to the JSON Schema."""


def facts_page() -> str:
    """Return the reference page of facts files, in Markdown.

    Raises:
        KeyError: a field has no meaning in MEANINGS, or a meaning has no field.
    """
    used: set[str] = set()
    entity = {f.name for f in msgspec.structs.fields(facts.Entity)} - _names(facts.Record)
    lines = [FACTS_INTRO, "## Fields of every record", ""]
    lines += _table(facts.Record, "*", _names(facts.Record), used)
    lines += ["", "## Fields of agents, places, things and positions", ""]
    lines += [_paragraph(facts.Entity), ""]
    lines += _table(facts.Entity, "entity", entity, used)
    lines += ["", "## Kinds of record", ""]
    parts: dict[str, type] = {}
    for kind, record in facts.RECORD_TYPES.items():
        own = _names(record) - _names(facts.Record)
        if issubclass(record, facts.Entity):
            own -= entity
        lines += [f"### `{kind}`", "", _paragraph(record), ""]
        lines += _table(record, kind, own, used)
        lines += ["", "```yaml", EXAMPLES[kind].rstrip("\n"), "```", ""]
        for field in msgspec.structs.fields(record):
            for part in _structs(field.type):
                parts[part.__name__] = part
    lines += ["## Values inside records", ""]
    for name, part in sorted(parts.items()):
        lines += [f"### {name.lower()}", "", _paragraph(part), ""]
        lines += [*_table(part, name.lower(), _names(part), used), ""]
    if set(MEANINGS) != used:
        raise KeyError(f"no such fields: {sorted(set(MEANINGS) - used)}")
    return "\n".join(lines)


def _names(record: type) -> set[str]:
    return {f.name for f in msgspec.structs.fields(record)}


def _paragraph(record: type) -> str:
    """Return the docstring of a type as Markdown, its lines joined."""
    return re.sub(r"\n[ \t]+", "\n", (record.__doc__ or "").strip())


def _structs(form: Any) -> Iterator[type]:
    if isinstance(form, type) and issubclass(form, msgspec.Struct):
        yield form
        for field in msgspec.structs.fields(form):
            yield from _structs(field.type)
    for part in typing.get_args(form):
        yield from _structs(part)


def _table(record: type, kind: str, names: set[str], used: set[str]) -> list[str]:
    lines = ["| field | form | default | meaning |", "|---|---|---|---|"]
    for field in msgspec.structs.fields(record):
        if field.name not in names:
            continue
        key = f"{kind}.{field.name}"
        used.add(key)
        default = "needed" if field.required else _default(field)
        form = _form(field.type, kind, field.name)
        lines.append(f"| `{field.encode_name}` | {form} | {default} | {MEANINGS[key]} |")
    return lines


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()  # type: ignore[operator]
    if value is None or value in ([], {}):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


_WORDS: Final = (
    (facts.Key, "id"),
    (facts.LanguageTag, "language tag"),
    (facts.Sha256, "64 hex digits"),
    (facts.Offsets, "`start-end`"),
    (facts.IsoDate, "`YYYY-MM-DD`"),
    (facts.Number, "number"),
    (facts.Labels, "texts by language"),
    (facts.Variants, "lists of texts by language"),
    (int, "whole number"),
    (bool, "`true` or `false`"),
    (str, "text"),
)


def _form(form: Any, kind: str, name: str) -> str:
    """Return what a field takes: an id with the kinds it may refer to, a concept, a list, …"""
    if typing.get_origin(form) in (types.UnionType, typing.Union):
        return _form(typing.get_args(form)[0], kind, name)
    base = typing.get_args(form)[0] if typing.get_origin(form) is typing.Annotated else form
    if form == facts.Key:
        return _key(kind, name)
    for known, words in _WORDS:
        if known in (form, base):
            return words
    if typing.get_origin(base) is typing.Literal:
        return " · ".join(f"`{value}`" for value in typing.get_args(base))
    if typing.get_origin(base) is list:
        return "list: " + _form(typing.get_args(base)[0], kind, name)
    if isinstance(base, type) and issubclass(base, msgspec.Struct):
        return f"[{base.__name__.lower()}](#{base.__name__.lower()})"
    raise TypeError(f"{kind}.{name} has a form that the page cannot show: {form}")


def _key(kind: str, name: str) -> str:
    # A participant is part of an event; a time, of an event, a relation or a claim.
    inside = {"participant": "event", "time": "event", "evidence": "claim", "entity": "*"}
    for where in (kind, inside.get(kind, ""), "*"):
        scheme = facts._CONCEPTS.get((where, name))
        if scheme:
            return f"[{scheme}](ontology.md)"
        kinds = facts._REFERENCES.get((where, name))
        if kinds:
            return "id of " + " or ".join(f"`{k}`" for k in kinds)
    return "id"


# --- reference/cli.md -------------------------------------------------------------------------

CLI_INTRO: Final = f"""# The command `kg`

<!-- Written by {HERE} from kg/cli*.py; edit these, or CODES in {HERE}. -->

Data goes to stdout, messages to stderr. `kg --help` lists the commands, `kg COMMAND --help` the
options of one. Values that an option does not give come from [settings](settings.md).

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | the data does not conform: a rule or a shape is broken, a hash is wrong |
| 2 | wrong use or setting, or input that cannot be read as records |
| 3 | an internal error; please report it |
| 4 | SHACL shapes are ill-formed, so that nothing can be said of the data |
"""

CODES: Final[Mapping[str, str]] = {
    "kg annotate": "0 written, or printed; 2 the article or the registry cannot be read, an "
    "argument is not of its form, the file is there already, or the server of a model refuses or "
    "is not there. [Annotate an article](../how-to/annotate-an-article.md) says the rest.",
    "kg build": "0 published, or already there; 1 does not conform: nothing is published, the "
    "report is in `rejected/` of the folder of releases, and the release that was current stays; "
    "2 a facts file or a file of a feed cannot be read, or a mapping fails; 130 interrupted. More "
    "bad rows than a feed allows do not conform: 1. "
    "[Build from feeds](../how-to/build-from-feeds.md) says the rest.",
    "kg validate": "0 conforms; 1 does not; 2 the input cannot be read, or is too large for what "
    "only pyshacl can check; 4 the shapes are ill-formed. [Validation](validation.md) says the "
    "rest.",
    "kg serve": "0 ended by a signal; 2 no release to serve, a file of `--rdf` that cannot be "
    "read, or a wrong setting.",
    "kg query": "0 answered; 2 the query is refused, not SPARQL, or oversteps a limit.",
    "kg check": "0 nothing wrong; 1 a rule is broken or a file of the release is not what its "
    "manifest says; 2 a facts file cannot be read, or there is no release.",
    "kg export": "0 written; 2 there is no dump of that name, the release is damaged or has what "
    "may not be handed on (`--static`), or nothing can be written. "
    "[Publish without a server](../how-to/publish-static-files.md) says what `--static` writes.",
    "kg facts check": "0 nothing wrong; 1 a record breaks a rule; 2 a file cannot be read.",
    "kg facts new": "0 written; 2 the file is there already, or an argument is not of its form.",
    "kg facts schema": "0.",
    "kg facts verify": "0 all agree; 1 some do not; 2 a facts file cannot be read.",
    "kg link accept": "0 written; 2 it cannot be accepted so, and the message says why.",
    "kg link check": "0 nothing contradicts; 1 something does; 2 a file cannot be read, or "
    "Wikidata does not answer.",
    "kg link names": "0 done, whatever was linked; 2 the table cannot be read, or has no such "
    "columns. [Linking names](linking.md) says what they are.",
    "kg link notfound": "0 written; 2 it cannot be said so, and the message says why.",
    "kg link propose": "0 written; 2 a file cannot be read or written, or there is no such record.",
    "kg link reject": "0 written; 2 it cannot be rejected so, and the message says why.",
    "kg link review": "0 ended; 2 the reviewer is not known, or a file cannot be read.",
    "kg link status": "0; 2 a file cannot be read.",
    "kg link unsure": "0 written; 2 it cannot be said so, and the message says why.",
    "kg release diff": "0, whether anything differs or not; 2 there is no such release, or too "
    "much has changed to be shown by thing.",
    "kg release import": "0 published, or already there; 2 files cannot be read or published: "
    "each is named with its line, nothing is published, and the release that was current stays.",
    "kg release list": "0.",
    "kg release prune": "0.",
    "kg release rollback": "0 done; 2 there is no such release.",
    "kg release search": "0 they stand nowhere; 1 they stand somewhere.",
    "kg release suppress": "0 done; 1 you said no; 2 no release holds it, a wrong argument, the "
    "folder cannot be written, or another one was interrupted.",
    "kg release show": "0; 2 there is no such release.",
    "kg release verify": "0 every byte is right; 1 some are not; 2 there is no such release.",
    "kg source list": "0; 2 there is no such folder.",
    "kg source new": "0 written; 2 a file is there already, the id is taken, or an argument is not "
    "of its form.",
    "kg source show": "0; 1 the mapping breaks its contract, or with `--file` nothing could be "
    "mapped or what was mapped does not conform; 2 there is no such source, or the file is none of "
    "it.",
}
"""When each command ends with which code."""


def cli_page() -> str:
    """Return the reference page of the commands, in Markdown.

    Raises:
        KeyError: a command has no line in CODES, or CODES names no command.
    """
    lines = [CLI_INTRO]
    named = set()
    for name, function in cli_commands():
        named.add(name)
        rows, arguments = _parameters(function)
        usage = " ".join([name, *arguments, *(["[OPTIONS]"] if len(rows) > len(arguments) else [])])
        lines += [f"## {name}", "", f"`{usage}`", "", _sentence(function.__doc__ or ""), ""]
        if rows:
            lines += ["| | takes | meaning |", "|---|---|---|", *rows, ""]
        lines += [f"Exit codes: {CODES[name]}", ""]
    if set(CODES) != named:
        raise KeyError(f"no such commands: {sorted(set(CODES) - named)}")
    return "\n".join(lines)


def cli_commands() -> Iterator[tuple[str, Callable[..., None]]]:
    """Yield the name of every command, such as `kg facts check`, and its function, by name."""
    from kg.cli import app

    found = {f"kg {_name(c)}": c.callback for c in app.registered_commands}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        for c in group.typer_instance.registered_commands:
            found[f"kg {group.typer_instance.info.name} {_name(c)}"] = c.callback
    for name, function in sorted(found.items()):
        assert function is not None
        yield name, function


def _name(command: Any) -> str:
    return str(command.name or command.callback.__name__.replace("_", "-"))


_TAKES: Final = {Path: "path", str: "text", int: "number", float: "number", bool: ""}


def _parameters(function: Callable[..., None]) -> tuple[list[str], list[str]]:
    """Return the rows of a command's table, arguments first, and the arguments of its usage."""
    from typer.models import ArgumentInfo

    hints = typing.get_type_hints(function, include_extras=True)
    defaults = inspect.signature(function).parameters
    arguments, options, usage = [], [], []
    for name, hint in hints.items():
        if name == "return":
            continue
        info = next(m for m in hint.__metadata__ if hasattr(m, "param_decls"))
        base = [a for a in typing.get_args(hint.__origin__) or [hint.__origin__] if a is not None]
        many = typing.get_origin(base[0]) is list
        kind = typing.get_args(base[0])[0] if many else base[0]
        default = defaults[name].default
        needed = default is inspect.Parameter.empty
        extra = ["needed"] if needed else []
        if not needed and default not in (None, False, ""):
            extra.append(f"default: `{default}`")
        tail = f" ({'; '.join(extra)})" if extra else ""
        takes = (info.metavar or _TAKES[kind]).lower()
        if isinstance(info, ArgumentInfo):
            shown = info.metavar or name.upper()
            usage.append(shown if needed else f"[{shown}]")
            arguments.append(f"| `{shown}` | {_TAKES[kind]} | {_sentence(info.help)}{tail} |")
        else:
            # Inside Annotated the first name of an option stands where a default would.
            declared = (info.default, *(info.param_decls or ()))
            names = ", ".join(f"`{n}`" for n in declared if str(n).startswith("-"))
            assert names, name
            options.append(f"| {names} | {takes} | {_sentence(info.help)}{tail} |")
    return arguments + options, usage


def _sentence(text: str | None) -> str:
    """Return help text in one line; a note of a default is put into round brackets."""
    joined = " ".join((text or "").split())
    return re.sub(r" ?\[default: ([^\]]+)\]", r" (default: \1)", joined)


def ontology_page() -> str:
    """Return the reference page of the ontology, as docs/generate_ontology.py writes it."""
    return str(runpy.run_path(str(DOCS / "generate_ontology.py"))["ontology_page"]())


# --- all pages --------------------------------------------------------------------------------

PAGES: dict[str, Callable[[], str]] = {
    "reference/settings.md": settings_page,
    "reference/facts.md": facts_page,
    "reference/cli.md": cli_page,
    "reference/ontology.md": ontology_page,
}
"""Path below docs/ of each generated page, and what returns its text."""


def stale() -> list[str]:
    """Return the generated pages that are missing or not current, in the order of PAGES."""
    return [
        name
        for name, text in PAGES.items()
        if not (DOCS / name).is_file() or (DOCS / name).read_bytes() != text().encode()
    ]


def main(arguments: list[str]) -> int:
    """Write the pages and return 0; with --check write nothing and return 1 if one is stale."""
    if arguments not in ([], ["--check"]):
        print("usage: python docs/generate.py [--check]", file=sys.stderr)
        return 2
    names = stale()
    for name in names:
        if arguments:
            print(f"docs/{name} is not current; run python docs/generate.py", file=sys.stderr)
        else:
            path = DOCS / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PAGES[name]().encode())
            print(f"docs/{name} written")
    return 1 if names and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
