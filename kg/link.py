"""Links to things outside: read from the authority, checked, and written with their justification.

`mappings/wikidata.sssom.tsv` is the only source of outside links. Builds read it and never write
it. A row is positive (a match), negative (`Not`: looked at and refused) or `sssom:NoTermFound`
(looked for and not found, which is not the same as not looked for).

Spec: SSSOM 1.0 (TSV with embedded metadata); docs/reference/links.md
"""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from kg.errors import KgErrors, MappingError
from kg.facts import Agent, FactSet, Place, Position, Record, RuleBreak, Thing, kind_of
from kg.mapping import Quads
from kg.vocab import (
    RDF,
    RDFS,
    SCHEMA,
    SKOS,
    SSSOM,
    WD,
    date,
    decimal,
    described,
    digest_key,
    literal,
    term,
)

NO_TERM: Final = "sssom:NoTermFound"
PREDICATES: Final = ("skos:exactMatch", "skos:closeMatch", "skos:broadMatch", "skos:relatedMatch")
_PREFIXES: Final = (
    ("skos:", SKOS),
    ("wd:", WD),
    ("sssom:", SSSOM),
    ("semapv:", "https://w3id.org/semapv/vocab/"),
)
_SUBJECT: Final = re.compile("^kg:(agent|place|thing|position|event)/([a-z0-9]+(-[a-z0-9]+)*)$")
_WHO: Final = re.compile("kg:agent/[a-z0-9]+(-[a-z0-9]+)*")
_ITEM: Final = re.compile("^wd:Q[1-9][0-9]*$")
_DAY: Final = re.compile("^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
_CONFIDENCE: Final = re.compile("^(0|1|0[.][0-9]*[1-9])$")


class LinkRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One decision: a subject of ours, a predicate, an object outside, and why."""

    subject_id: str
    subject_label: str
    predicate_id: str
    predicate_modifier: str
    object_id: str
    object_label: str
    object_kind: str
    mapping_justification: str
    author_id: str
    reviewer_id: str
    mapping_date: str
    confidence: str
    evidence: str
    revisit_on: str
    comment: str
    origin: str

    @property
    def subject(self) -> str:
        """Return the id of the subject in the facts, e.g. `north-korea`."""
        return self.subject_id.partition("/")[2]

    @property
    def published(self) -> bool:
        """Return whether the row is a match that becomes a link."""
        return not self.predicate_modifier and self.object_id != NO_TERM


def read_links(path: Path) -> list[LinkRow]:
    """Return the rows of the authority, in the order of the file.

    Raises:
        KgErrors: every row that is not well-formed, with its line.
        MappingError: the file is missing, not UTF-8, or has other columns.
    Spec: SSSOM 1.0, TSV; lines that begin with `#` are the metadata.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as e:
        raise MappingError("the authority of links cannot be read", where=path.name) from e
    except UnicodeDecodeError as e:
        raise MappingError("the authority is not UTF-8", where=path.name, seen=str(e)) from None
    numbered = [(n, x) for n, x in enumerate(lines, 1) if x and not x.startswith("#")]
    columns = [f for f in LinkRow.__struct_fields__ if f != "origin"]
    header = numbered[0][1].split("\t") if numbered else []
    if header != columns:
        raise MappingError(
            "the authority has other columns",
            where=f"{path.name}:{numbered[0][0] if numbered else 1}",
            seen=" ".join(header),
            expected=" ".join(columns),
        )
    errors: list[MappingError] = []
    rows: list[LinkRow] = []
    reader = csv.reader((x for _, x in numbered[1:]), delimiter="\t", quoting=csv.QUOTE_NONE)
    for (number, _), cells in zip(numbered[1:], reader, strict=True):
        where = f"{path.parent.name}/{path.name}:{number}"
        if len(cells) != len(columns):
            errors.append(
                MappingError(
                    "the row has another number of columns",
                    where=where,
                    seen=str(len(cells)),
                    expected=str(len(columns)),
                )
            )
            continue
        row = LinkRow(**dict(zip(columns, cells, strict=True)), origin=where)
        errors += _row_errors(row)
        rows.append(row)
    errors += _pairs(rows)
    if errors:
        raise KgErrors(errors)
    return rows


def _row_errors(row: LinkRow) -> Iterator[MappingError]:
    for column, ok, expected in (
        ("subject_id", _SUBJECT.match(row.subject_id), "kg:<kind>/<id>, e.g. kg:agent/japan"),
        ("predicate_id", row.predicate_id in PREDICATES, " or ".join(PREDICATES)),
        ("predicate_modifier", row.predicate_modifier in ("", "Not"), "Not, or empty"),
        (
            "object_id",
            row.object_id == NO_TERM or _ITEM.match(row.object_id),
            f"wd:Q…, or {NO_TERM}",
        ),
        (
            "mapping_justification",
            re.fullmatch("semapv:[A-Za-z]+", row.mapping_justification),
            "a semapv: term",
        ),
        ("author_id", _WHO.fullmatch(row.author_id), "kg:agent/<id>"),
        ("reviewer_id", not row.reviewer_id or _WHO.fullmatch(row.reviewer_id), "kg:agent/<id>"),
        ("comment", row.comment.isprintable(), "text without control characters"),
        ("mapping_date", _DAY.match(row.mapping_date), "a date such as 2026-11-21"),
        ("revisit_on", not row.revisit_on or _DAY.match(row.revisit_on), "a date, or empty"),
        ("confidence", _CONFIDENCE.match(row.confidence), "a number from 0 to 1, e.g. 0.95"),
        (
            "evidence",
            row.evidence and row.evidence.isprintable(),
            "what the decision rests on, without control characters",
        ),
    ):
        if not ok:
            value = str(getattr(row, column))
            yield MappingError(
                f'column "{column}" is not of its form',
                where=row.origin,
                seen=f'"{value}"',
                expected=expected,
            )


def _pairs(rows: Sequence[LinkRow]) -> Iterator[MappingError]:
    """Yield what makes the exact matches not one to one, or a row that says two things."""
    by_subject: dict[str, LinkRow] = {}
    by_object: dict[str, LinkRow] = {}
    for row in rows:
        if row.predicate_id != "skos:exactMatch" or row.predicate_modifier:
            continue
        for index, key, what in (
            (by_subject, row.subject_id, "subject"),
            (by_object, row.object_id, "object"),
        ):
            if key == NO_TERM:
                continue
            if key in index:
                yield MappingError(
                    f"two exact matches have one {what}",
                    where=row.origin,
                    seen=f"{key}, also at {index[key].origin}",
                    expected="exact matches that are one to one",
                    hint="use skos:closeMatch, or Not, for one of them",
                )
            index.setdefault(key, row)


def link_breaks(facts: FactSet, rows: Sequence[LinkRow]) -> list[RuleBreak]:
    """Return the records whose `wikidata` is not what the authority says of them.

    In the order of the records' ids.
    """
    known = {
        (r.subject, r.object_id)
        for r in rows
        if r.published and r.predicate_id == "skos:exactMatch"
    }
    out = []
    for key, (record, place) in facts.records().items():
        if not isinstance(record, (Agent, Place, Thing, Position)):
            continue
        if record.wikidata and (key, f"wd:{record.wikidata}") not in known:
            out.append(
                RuleBreak(
                    str(place),
                    key,
                    "identifier-not-in-authority",
                    f'field "wikidata" is "{record.wikidata}", which the authority of links '
                    f"does not hold for {kind_of(record)}/{key}; add a reviewed row to "
                    "mappings/wikidata.sssom.tsv, or remove the field",
                )
            )
    return out


def map_links(rows: Sequence[LinkRow], facts: FactSet, out: Quads) -> int:
    """Write the rows whose subject is among the facts; return how many were written.

    Every row becomes a record with its justification, confidence and evidence; a match also
    becomes `skos:exactMatch` (or close, broad, related) and, if exact, `schema:sameAs`.
    Never `owl:sameAs`.
    """
    graph = out.graph("links")
    written = 0
    for row in rows:
        found: Record | None = facts.by_id.get(row.subject)
        if found is None or f"kg:{kind_of(found)}/{found.id}" != row.subject_id:
            continue
        if found.id in facts.by_id.file_of(found.id).withdrawn:
            continue
        written += 1
        fields = (row.subject_id, row.predicate_id, row.predicate_modifier, row.object_id)
        node = out.mint("record", digest_key("outside-link", *fields), fields, row.origin)
        subject = f"<{out.base}id/{row.subject_id.removeprefix('kg:')}>"
        predicate, target = f"<{_expand(row.predicate_id)}>", f"<{_expand(row.object_id)}>"
        if row.published:
            out.add(graph, subject, predicate, target)
            if row.predicate_id == "skos:exactMatch":
                out.add(graph, subject, f"<{SCHEMA}sameAs>", target)
        words = _label(row)
        out.add(graph, node, f"<{RDF}type>", term("OutsideLink"))
        out.add(graph, node, f"<{RDFS}label>", literal(words, lang="en"))
        out.add(graph, node, term("linkSubject"), subject)
        out.add(graph, node, term("linkPredicate"), predicate)
        out.add(graph, node, term("linkObject"), target)
        justification = f"<{_expand(row.mapping_justification)}>"
        out.add(graph, node, term("justification"), justification)
        out.add(graph, node, term("confidence"), _unit(row.confidence))
        out.add(graph, node, term("evidenceNote"), literal(row.evidence, lang="en"))
        out.add(graph, node, term("reviewedOn"), date(row.mapping_date))
        for name, text in (
            ("linkModifier", row.predicate_modifier),
            ("linkObjectLabel", row.object_label),
            ("linkObjectKind", row.object_kind),
        ):
            if text:
                out.add(graph, node, term(name), literal(text))
        if row.comment:
            out.add(graph, node, term("linkComment"), literal(row.comment, lang="en"))
        if row.revisit_on:
            out.add(graph, node, term("revisitOn"), date(row.revisit_on))
        for name, who in (("linkAuthor", row.author_id), ("linkReviewer", row.reviewer_id)):
            if who:
                out.add(graph, node, term(name), f"<{out.base}id/{who.removeprefix('kg:')}>")
    return written


def _label(row: LinkRow) -> str:
    """Return what a record of a link is called: what names an event has its mark."""
    subject, other = row.subject_label, row.object_label or row.object_id
    verb = "is not" if row.predicate_modifier else row.predicate_id
    if row.subject_id.startswith("kg:event/"):
        subject = described(subject)
        if row.object_label:
            other = described(other)
        if row.predicate_modifier:
            verb = "is not the same as"
    return f"{subject} {verb} {other}"


def _unit(lexical: str) -> str:
    """Return a number from 0 to 1 as one datatype, xsd:decimal, in Oxigraph's canonical form."""
    from kg.vocab import XSD

    return decimal(lexical) if "." in lexical else f'"{lexical}"^^<{XSD}decimal>'


def _expand(curie: str) -> str:
    for prefix, namespace in _PREFIXES:
        if curie.startswith(prefix):
            return namespace + curie[len(prefix) :]
    raise ValueError(f"no prefix for {curie!r}")
