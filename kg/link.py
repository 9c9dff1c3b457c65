"""Links to things outside: read from the authority, checked, and written with their justification.

`mappings/wikidata.sssom.tsv` is the only source of outside links. Builds read it and never write
it. A row is positive (a match), negative (`Not`: looked at and refused), `sssom:NoTermFound`
(looked for and not found, which is not the same as not looked for), or unsure (looked at, and could
not be decided), which is not published at all.

Spec: SSSOM 1.0 (TSV with embedded metadata); docs/reference/links.md
"""

import csv
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from kg.errors import KgErrors, MappingError
from kg.facts import Agent, FactSet, Place, Position, Record, RuleBreak, Thing, kind_of
from kg.mapping import Quads
from kg.sssom import (
    AGREEMENT,
    COLUMNS,
    EXACT,
    NO_TERM,
    PREDICATES,
    LinkRow,
    called,
    expand,
    record_key,
)
from kg.vocab import RDF, RDFS, SCHEMA, date, decimal, literal, term

_SUBJECT: Final = re.compile("^kg:(agent|place|thing|position|event)/([a-z0-9]+(-[a-z0-9]+)*)$")
_WHO: Final = re.compile("kg:agent/[a-z0-9]+(-[a-z0-9]+)*")
_ITEM: Final = re.compile("^wd:Q[1-9][0-9]{0,11}$")
_DAY: Final = re.compile("^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
_JOINERS: Final = "\u200c\u200d"
"""Characters that nobody sees and that Indic and Persian spelling needs."""
_CONFIDENCE: Final = re.compile("^(0|1|0[.][0-9]*[1-9])$")


def read_links(path: Path) -> list[LinkRow]:
    """Return the rows of the authority, in the order of the file.

    Raises:
        KgErrors: every row that is not well-formed, with its line.
        MappingError: the file is missing, not UTF-8, or has other columns.
    Spec: SSSOM 1.0, TSV; lines that begin with `#` are the metadata.
    """
    text = _text(path)
    rows, errors = _rows(text, path)
    errors += pair_errors(rows)
    if errors:
        raise KgErrors(errors)
    return rows


def read_proposals(path: Path) -> list[LinkRow]:
    """Return the rows of a file of proposals, in its order; none where there is no file.

    There may be several for one subject, and none is a decision.

    Raises:
        KgErrors: every row that is not well-formed, with its line.
        MappingError: the file is not UTF-8, or has other columns.
    """
    if not path.exists():
        return []
    rows, errors = _rows(_text(path), path, proposed=True)
    if errors:
        raise KgErrors(errors)
    return rows


def _text(path: Path) -> str:
    """Return the text of a table; ends of lines are as they stand there.

    Raises:
        MappingError: it cannot be read, or is not UTF-8.
    """
    try:
        data = path.read_bytes()
    except OSError as e:
        raise MappingError(
            f"the table of links cannot be read: {e.strerror}", where=path.name
        ) from e
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise MappingError(
            "the table of links is not UTF-8",
            where=f"{path.name}:{line}",
            seen=f"byte {data[e.start]:#x}",
            expected="UTF-8",
        ) from None


def _rows(
    text: str, path: Path, *, proposed: bool = False
) -> tuple[list[LinkRow], list[MappingError]]:
    """Return the rows of a table, and what is wrong with each of them."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    numbered = [(n, x) for n, x in enumerate(lines, 1) if x and not x.startswith("#")]
    columns = numbered[0][1].split("\t") if numbered else []
    if columns not in (list(COLUMNS), [*COLUMNS, AGREEMENT]):
        raise MappingError(
            "the authority has other columns",
            where=f"{path.name}:{numbered[0][0] if numbered else 1}",
            seen=" ".join(columns),
            expected=" ".join(COLUMNS) + f", and {AGREEMENT} or not",
        )
    errors: list[MappingError] = []
    rows: list[LinkRow] = []
    for number, line in numbered[1:]:
        where = f"{path.parent.name}/{path.name}:{number}"
        try:
            [cells] = csv.reader([line], delimiter="\t", strict=True)
        except csv.Error as e:
            errors.append(
                MappingError(
                    "the row cannot be read",
                    where=where,
                    seen=str(e),
                    expected="a cell with a quotation mark in quotation marks, with the mark twice",
                )
            )
            continue
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
        errors += row_errors(row, proposed=proposed)
        rows.append(row)
    return rows, errors


def is_text(text: str) -> bool:
    """Return whether a text can stand in a cell: it has no control characters.

    >>> is_text("র\u200d্যাব"), is_text("a\u00a0b"), is_text("a\\tb"), is_text("a\\u2028b")
    (True, True, False, False)
    """
    return all(
        char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs"
        for char in text
    )


def row_errors(row: LinkRow, *, proposed: bool = False) -> Iterator[MappingError]:
    """Yield what is wrong with one row by itself; a proposal needs no date."""
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
        *(
            (column, is_text(getattr(row, column)), "text without control characters")
            for column in ("subject_label", "object_label", "object_kind", "comment")
        ),
        (
            "mapping_date",
            _DAY.match(row.mapping_date) or (proposed and not row.mapping_date),
            "a date such as 2026-11-21",
        ),
        ("revisit_on", not row.revisit_on or _DAY.match(row.revisit_on), "a date, or empty"),
        ("confidence", _CONFIDENCE.match(row.confidence), "a number from 0 to 1, e.g. 0.95"),
        (AGREEMENT, row.reviewer_agreement in ("", "0"), "0 for unsure, or empty"),
        (
            "evidence",
            row.evidence and is_text(row.evidence),
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


def pair_errors(rows: Sequence[LinkRow]) -> Iterator[MappingError]:
    """Yield where a pair has two decisions, and what makes the exact matches not one to one."""
    by_subject: dict[str, LinkRow] = {}
    by_object: dict[str, LinkRow] = {}
    by_pair: dict[tuple[str, str], LinkRow] = {}
    for row in rows:
        pair = (row.subject_id, row.object_id)
        if pair in by_pair:
            yield MappingError(
                "two rows are of one record and one item",
                where=row.origin,
                seen=f"{' '.join(pair)}, also at {by_pair[pair].origin}",
                expected="one decision for each pair",
                hint="take out the row that does not hold any more",
            )
            continue
        by_pair[pair] = row
        if row.predicate_id != EXACT or row.predicate_modifier or row.unsure:
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
    known = {(r.subject, r.object_id) for r in rows if r.published and r.predicate_id == EXACT}
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
    Never `owl:sameAs`. What nobody could decide is not written.
    """
    graph = out.graph("links")
    written = 0
    for row in rows:
        if row.unsure:
            continue
        found: Record | None = facts.by_id.get(row.subject)
        if found is None or f"kg:{kind_of(found)}/{found.id}" != row.subject_id:
            continue
        if found.id in facts.by_id.file_of(found.id).withdrawn:
            continue
        written += 1
        fields = (row.subject_id, row.predicate_id, row.predicate_modifier, row.object_id)
        node = out.mint("record", record_key(row), fields, row.origin)
        subject = f"<{expand(row.subject_id, out.base)}>"
        predicate, target = f"<{expand(row.predicate_id)}>", f"<{expand(row.object_id)}>"
        if row.published:
            out.add(graph, subject, predicate, target)
            if row.predicate_id == EXACT:
                out.add(graph, subject, f"<{SCHEMA}sameAs>", target)
        words = called(row)
        out.add(graph, node, f"<{RDF}type>", term("OutsideLink"))
        out.add(graph, node, f"<{RDFS}label>", literal(words, lang="en"))
        out.add(graph, node, term("linkSubject"), subject)
        out.add(graph, node, term("linkPredicate"), predicate)
        out.add(graph, node, term("linkObject"), target)
        justification = f"<{expand(row.mapping_justification)}>"
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
                out.add(graph, node, term(name), f"<{expand(who, out.base)}>")
    return written


def _unit(lexical: str) -> str:
    """Return a number from 0 to 1 as one datatype, xsd:decimal, in Oxigraph's canonical form."""
    from kg.vocab import XSD

    return decimal(lexical) if "." in lexical else f'"{lexical}"^^<{XSD}decimal>'
