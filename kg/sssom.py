"""Links to outside as SSSOM: their rows, and how they are written as TSV and as Turtle.

The authority of links is such a table, and every release has what it publishes of it as one: made
from its own graph of links, so that what is suppressed there is in no file.

Spec: SSSOM 1.0 (data model, TSV with embedded metadata, RDF); docs/reference/links.md
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from kg.serialise import document, read_literal, subjects
from kg.vocab import (
    CH,
    DCTERMS,
    OWL,
    RDF,
    RDFS,
    SKOS,
    SSSOM,
    WD,
    XSD,
    data_iri,
    date,
    described,
    digest_key,
    literal,
)

NO_TERM: Final = "sssom:NoTermFound"
EXACT: Final = "skos:exactMatch"
PREDICATES: Final = (EXACT, "skos:closeMatch", "skos:broadMatch", "skos:relatedMatch")
SEMAPV: Final = "https://w3id.org/semapv/vocab/"
_PAV: Final = "http://purl.org/pav/"
PREFIXES: Final[Mapping[str, str]] = {
    "ch": CH,
    "semapv": SEMAPV,
    "skos": SKOS,
    "sssom": SSSOM,
    "wd": WD,
}
"""What the CURIEs of tables begin with, but for `kg`, which is the data of a release."""
TSV_FILE: Final = "links.sssom.tsv"
TURTLE_FILE: Final = "links.sssom.ttl"
"""The two files of a release."""


class LinkRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One decision: a subject of ours, a predicate, an object outside, and why.

    `reviewer_agreement` is `0` where somebody looked and could not decide. `origin` is where the
    row stands: file and line, or the address of its record.
    """

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
    reviewer_agreement: str = ""
    origin: str = ""

    @property
    def subject(self) -> str:
        """Return the id of the subject in the facts, e.g. `north-korea`."""
        return self.subject_id.partition("/")[2]

    @property
    def unsure(self) -> bool:
        """Return whether somebody looked at it and could not decide."""
        return self.reviewer_agreement == "0"

    @property
    def published(self) -> bool:
        """Return whether the row is a match that becomes a link."""
        return not (self.predicate_modifier or self.object_id == NO_TERM or self.unsure)

    @property
    def decision(self) -> str:
        """Return what was decided: `match`, `refused`, `not-found` or `unsure`."""
        if self.unsure:
            return "unsure"
        if self.object_id == NO_TERM:
            return "not-found"
        return "refused" if self.predicate_modifier else "match"

    @property
    def order(self) -> tuple[object, ...]:
        """Return by what rows are sorted: subject, then matches, refusals and what was missed."""
        return (
            self.subject_id,
            bool(self.predicate_modifier),
            self.object_id == NO_TERM,
            self.predicate_id,
            self.object_id,
        )


COLUMNS: Final = tuple(
    name for name in LinkRow.__struct_fields__ if name not in ("origin", "reviewer_agreement")
)
"""The columns of a table of links, in their order."""
AGREEMENT: Final = "reviewer_agreement"
"""The last column of the authority, which tables without doubts need not have."""


def table(rows: Iterable[LinkRow], columns: Sequence[str] = COLUMNS) -> str:
    """Return the lines of a table: the names of the columns, then the rows in their order."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([getattr(row, name) for name in columns] for row in rows)
    return out.getvalue()


def read_table(text: str, base: str) -> list[LinkRow]:
    """Return the rows of a table that this module wrote, each with the address of its record.

    Args:
        text: with or without its metadata.
        base: the base IRI of the data.
    """
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    found = []
    for cells in csv.DictReader(lines, delimiter="\t"):
        row = LinkRow(**cells)
        found.append(msgspec.structs.replace(row, origin=data_iri(base, "record", record_key(row))))
    return found


def record_key(row: LinkRow) -> str:
    """Return the key of the record of a link."""
    fields = (row.subject_id, row.predicate_id, row.predicate_modifier, row.object_id)
    return digest_key("outside-link", *fields)


def expand(curie: str, base: str = "") -> str:
    """Return the IRI of a CURIE of a table.

    Args:
        curie: such as `wd:Q423`, or `kg:agent/north-korea`.
        base: the base IRI of the data, for `kg`.
    Raises:
        ValueError: nothing has this prefix.

    >>> expand("wd:Q423")
    'http://www.wikidata.org/entity/Q423'
    """
    prefix, _, local = curie.partition(":")
    if prefix == "kg" and base:
        return f"{base}id/{local}"
    if prefix not in PREFIXES:
        raise ValueError(f"no prefix for {curie!r}")
    return PREFIXES[prefix] + local


def contract(iri: str, base: str) -> str:
    """Return the CURIE of an IRI, or the IRI itself where no prefix fits.

    >>> contract("https://a.example/id/agent/japan", "https://a.example/")
    'kg:agent/japan'
    """
    for prefix, namespace in (("kg", f"{base}id/"), *PREFIXES.items()):
        if iri.startswith(namespace):
            return f"{prefix}:{iri[len(namespace) :]}"
    return iri


_FIELDS: Final = {
    "subject_id": "linkSubject",
    "predicate_id": "linkPredicate",
    "predicate_modifier": "linkModifier",
    "object_id": "linkObject",
    "object_label": "linkObjectLabel",
    "object_kind": "linkObjectKind",
    "mapping_justification": "justification",
    "author_id": "linkAuthor",
    "reviewer_id": "linkReviewer",
    "mapping_date": "reviewedOn",
    "confidence": "confidence",
    "evidence": "evidenceNote",
    "revisit_on": "revisitOn",
    "comment": "linkComment",
}
"""What each column is in the graph of links."""
_NEEDED: Final = ("subject_id", "predicate_id", "object_id", "mapping_justification")


def called(row: LinkRow) -> str:
    """Return what a record of a link is called: what names an event has its mark."""
    marked = row.subject_id.startswith("kg:event/")
    return (described(row.subject_label) if marked else row.subject_label) + _rest(row)


def _rest(row: LinkRow) -> str:
    """Return what a record of a link is called, after the label of its subject."""
    other = row.object_label or row.object_id
    verb = "is not" if row.predicate_modifier else row.predicate_id
    if row.subject_id.startswith("kg:event/"):
        if row.object_label:
            other = described(other)
        if row.predicate_modifier:
            verb = "is not the same as"
    return f" {verb} {other}"


def rows_of(triples: Iterable[str], base: str) -> list[LinkRow]:
    """Return the links that a graph of links records, in the order of tables.

    Args:
        triples: of the graph, `S P O` in N-Triples tokens, sorted by code point.
        base: the base IRI of the data.
    """
    names = {f"<{CH}{local}>": column for column, local in _FIELDS.items()}
    found: list[LinkRow] = []
    for node, pairs in subjects(triples):
        cells = dict.fromkeys(COLUMNS, "")
        label = ""
        for predicate, value in pairs:
            text = read_literal(value)[0] if value[0] == '"' else contract(value[1:-1], base)
            if predicate in names:
                cells[names[predicate]] = text
            elif predicate == f"<{RDFS}label>":
                label = text
        if all(cells[name] for name in _NEEDED):
            row = LinkRow(**cells, origin=node[1:-1])
            # The record is called after both sides; an event has its mark there.
            named, other = label.removesuffix(_rest(row)), row.object_label
            if other and row.subject_id.startswith("kg:event/"):
                other = described(other)
            found.append(msgspec.structs.replace(row, subject_label=named, object_label=other))
    return sorted(found, key=lambda row: (*row.order, row.origin))


def _version(rows: Sequence[LinkRow]) -> str:
    """Return what tells these links from any others."""
    return hashlib.sha256(table(rows).encode()).hexdigest()[:16]


def _about(title: str) -> tuple[str, str]:
    """Return title and description of the set of links of a release."""
    return (
        f"Links of {title} to Wikidata",
        "What was compared with which item, with which outcome: a match; Not, for what was looked "
        "at and is not so related; sssom:NoTermFound, for what was looked for and not found.",
    )


def to_tsv(rows: Sequence[LinkRow], *, base: str, title: str, licence: str) -> str:
    """Return links as SSSOM TSV with its metadata embedded; equal links give equal bytes.

    Spec: SSSOM 1.0, TSV
    """
    name, words = _about(title)
    maps = {"kg": f"{base}id/", "xsd": XSD, **PREFIXES}
    lines = ["curie_map:", *(f"  {prefix}: {json.dumps(maps[prefix])}" for prefix in sorted(maps))]
    lines += [
        f"mapping_set_id: {json.dumps(f'{base}links')}",
        f'mapping_set_version: "{_version(rows)}"',
        f"mapping_set_title: {json.dumps(name, ensure_ascii=False)}",
        f"mapping_set_description: {json.dumps(words)}",
        *([f"license: {json.dumps(licence)}"] if licence else []),
        "extension_definitions:",
    ]
    for slot, hint in (("evidence", "string"), ("object_kind", "string"), ("revisit_on", "date")):
        lines += [f"  - slot_name: {slot}", f'    property: "ch:{_FIELDS[slot]}"']
        lines.append(f'    type_hint: "xsd:{hint}"')
    return "".join(f"#{line}\n" for line in lines) + table(rows)


_PROPERTIES: Final = {
    "subject_id": OWL + "annotatedSource",
    "subject_label": SSSOM + "subject_label",
    "predicate_id": OWL + "annotatedProperty",
    "predicate_modifier": SSSOM + "predicate_modifier",
    "object_id": OWL + "annotatedTarget",
    "object_label": SSSOM + "object_label",
    "object_kind": CH + "linkObjectKind",
    "mapping_justification": SSSOM + "mapping_justification",
    "author_id": _PAV + "authoredBy",
    "reviewer_id": SSSOM + "reviewer_id",
    "mapping_date": _PAV + "authoredOn",
    "confidence": SSSOM + "confidence",
    "evidence": CH + "evidenceNote",
    "revisit_on": CH + "revisitOn",
    "comment": RDFS + "comment",
}
"""What each column is in RDF."""
_DATES: Final = ("mapping_date", "revisit_on")


def to_turtle(rows: Sequence[LinkRow], *, base: str, title: str, licence: str) -> str:
    """Return links as SSSOM's RDF, in Turtle, and each match as a triple; no blank nodes.

    Spec: SSSOM, RDF serialisation: a mapping is an owl:Axiom, called by the address of its record.
    """
    name, words = _about(title)
    this = f"<{base}links>"
    a = f"<{RDF}type>"
    found = [
        f"{this} {a} <{SSSOM}MappingSet>",
        f"{this} <{DCTERMS}title> {literal(name)}",
        f"{this} <{DCTERMS}description> {literal(words)}",
        f"{this} <{OWL}versionInfo> {literal(_version(rows))}",
    ]
    if licence:
        found.append(f"{this} <{DCTERMS}license> <{licence}>")
    for row in rows:
        node = f"<{row.origin}>"
        found += [f"{this} <{SSSOM}mappings> {node}", f"{node} {a} <{OWL}Axiom>"]
        for column, iri in _PROPERTIES.items():
            if cell := getattr(row, column):
                found.append(f"{node} <{iri}> {_value(column, cell, base)}")
        if row.mapping_date:  # so from SSSOM 1.1 on
            found.append(f"{node} <{DCTERMS}created> {date(row.mapping_date)}")
        if row.published:
            ends = (expand(curie, base) for curie in (row.predicate_id, row.object_id))
            found.append(" ".join(f"<{iri}>" for iri in (expand(row.subject_id, base), *ends)))
    kinds = sorted({row.subject_id.partition(":")[2].partition("/")[0] for row in rows})
    prefixes = {
        **{kind: f"{base}id/{kind}/" for kind in ("agent", "record", *kinds)},
        **PREFIXES,
        "dcterms": DCTERMS,
        "owl": OWL,
        "pav": _PAV,
        "rdfs": RDFS,
        "xsd": XSD,
    }
    return document(this, found, prefixes)


def _value(column: str, cell: str, base: str) -> str:
    """Return a cell as a term of N-Triples."""
    if column == "predicate_modifier":
        return f"<{SSSOM}NegatedPredicate>"
    if column == "confidence":
        return literal(cell, datatype=XSD + "double")
    if column in _DATES:
        return date(cell)
    if column.endswith("_id") or column == "mapping_justification":
        if cell.partition(":")[0] in ("kg", *PREFIXES):
            return f"<{expand(cell, base)}>"
        if "://" in cell:
            return f"<{cell}>"
    return literal(cell)
