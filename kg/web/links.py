"""The links to things outside, as a list: matches, refusals, and what was not found.

What is shown is the file of links of the release, so that a page and a download say the same.

Spec: SSSOM 1.0; docs/reference/links.md
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from kg.sssom import NO_TERM, TSV_FILE, TURTLE_FILE, LinkRow, expand, read_table
from kg.vocab import MARKS, WD
from kg.web import describe, pages
from kg.web.ask import (
    Ask,
    cached,
    form_of,
    format_links,
    release_file,
    release_path,
    turtle_file,
)
from kg.web.language import N_
from kg.web.negotiation import CSV, HTML, TABLED, Format
from kg.web.tables import Table

LINKS_SHOWN: Final = 100
"""Links on one page."""
SSSOM_TSV: Final = Format("tsv", "text/tab-separated-values", ".sssom.tsv")
PREDICATES: Final = {
    "skos:exactMatch": N_("the same"),
    "skos:closeMatch": N_("nearly the same"),
    "skos:broadMatch": N_("the item is broader"),
    "skos:relatedMatch": N_("related"),
}
"""What a match says."""


@dataclass(frozen=True)
class Shown:
    """One link as its page shows it; `target` is None where none was found."""

    row: LinkRow
    subject: pages.Ref
    target: str
    mark: str
    decision: str
    author: pages.Ref | None
    reviewer: pages.Ref | None
    record: pages.Ref

    @property
    def justification(self) -> str:
        """Return how it was decided, as words."""
        return pages.spaced(self.row.mapping_justification.partition(":")[2])

    @property
    def item(self) -> str:
        """Return the name of the item, with its mark where it names an event."""
        label = self.row.object_label.removeprefix(f"{MARKS['event']}: ")
        return f"{self.mark[:1].upper()}{self.mark[1:]}: {label}" if self.mark and label else label


async def link_list(request: Request) -> Response:
    """Return all links to things outside, with who decided each, and on what evidence.

    Matches, refusals (`Not`), and what was looked for and not found; HTML, CSV, SSSOM as TSV
    (`.sssom.tsv`) or as RDF.
    """
    return await _link_list(request, "")


async def link_list_as(request: Request, suffix: str) -> Response:
    """Return the same in the format of the suffix."""
    return await _link_list(request, suffix)


async def _link_list(request: Request, suffix: str) -> Response:
    ask = Ask(request)
    form = form_of(request, (*TABLED, SSSOM_TSV), suffix)
    ask.path = "/links"
    served, number = ask.served, ask.number
    path = release_path(ask, TSV_FILE)
    if form is SSSOM_TSV:
        answer = release_file(ask, TSV_FILE, form.media_type)
        if not suffix:
            answer.headers.append("Vary", "Accept")
        return answer
    if form not in (HTML, CSV):
        return await turtle_file(ask, TURTLE_FILE, form.name, "/links", not suffix)
    etag = ask.etag("/links", form.name, number, *ask.reader)
    headers = {"ETag": etag, "Vary": "Accept, Accept-Language", "Cache-Control": "no-cache"}
    if (same := ask.known(etag, headers)) is not None:
        return same

    def read() -> list[LinkRow]:
        return read_table(path.read_text(encoding="utf-8"), served.base)

    rows: list[LinkRow] = await cached(served, "links", lambda: asyncio.to_thread(read))
    start = (number - 1) * LINKS_SHOWN
    some = rows if form is CSV else rows[start : start + LINKS_SHOWN]
    shown = await _shown(ask, some)
    if form is CSV:
        return ask.answer(_table(shown).csv(), CSV.media_type, headers)
    counts = Counter(row.decision for row in rows)
    data = [*(() if ask.static else ask.as_data(CSV)), *format_links(f"{ask.root}/links")]
    tsv = {
        "name": "SSSOM",
        "type": SSSOM_TSV.media_type,
        "href": f"{ask.root}/links{SSSOM_TSV.suffix}",
    }
    return ask.page(
        "links.html",
        headers=headers,
        formats=[tsv, *data],
        title=ask.language.gettext(N_("Links to Wikidata")),
        links=shown,
        more=len(rows) > start + LINKS_SHOWN,
        counts=counts,
        unreviewed=sum(not row.reviewer_id for row in rows),
    )


async def _shown(ask: Ask, rows: Sequence[LinkRow]) -> list[Shown]:
    """Return links with the names of what they are of, in the reader's language."""
    served = ask.served
    iris = {
        expand(curie, served.base)
        for row in rows
        for curie in (row.subject_id, row.author_id, row.reviewer_id)
        if curie
    }
    view = ask.view(await describe.named(served.engine, served.base, sorted(iris)))
    _ = ask.language.gettext

    def ref(curie: str) -> pages.Ref | None:
        return view.ref(expand(curie, served.base)) if curie else None

    found = []
    for row in rows:
        subject = view.ref(expand(row.subject_id, served.base))
        target = "" if row.object_id == NO_TERM else expand(row.object_id, served.base)
        words = PREDICATES.get(row.predicate_id, row.predicate_id)
        if row.decision == "not-found":
            words = N_("looked for, not found")
        elif row.decision == "refused":
            words = N_("not the same")
            if row.predicate_id != "skos:exactMatch":
                words = N_("not so related")
        found.append(
            Shown(
                row,
                subject,
                target,
                subject.mark,
                _(words),
                ref(row.author_id),
                ref(row.reviewer_id),
                view.ref(row.origin),
            )
        )
    return found


def _table(shown: Sequence[Shown]) -> Table:
    """Return the links as a table."""
    return Table(
        (
            *("subject", "decision", "predicate", "modifier", "item", "item_label", "item_kind"),
            *("justification", "author", "reviewer", "date", "confidence", "evidence"),
            *("revisit_on", "comment", "subject_iri", "item_iri", "record_iri"),
        ),
        [
            (
                pages.plain(one.subject),
                one.row.decision,
                one.row.predicate_id,
                one.row.predicate_modifier,
                one.target.removeprefix(WD),
                one.item,
                one.row.object_kind,
                one.row.mapping_justification,
                pages.plain(one.author) if one.author else "",
                pages.plain(one.reviewer) if one.reviewer else "",
                one.row.mapping_date,
                one.row.confidence,
                one.row.evidence,
                one.row.revisit_on,
                one.row.comment,
                one.subject.iri,
                one.target,
                one.record.iri,
            )
            for one in shown
        ],
    )
