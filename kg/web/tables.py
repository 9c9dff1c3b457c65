"""The tables of a page as CSV, for spreadsheets.

Every row has its speaker: of a claim who says it, of a description who takes which position on it.
Columns have the same names in every language; labels are in the reader's.

Spec: RFC 4180 (CSV); docs/how-to/read-the-pages.md
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kg.web.guard import QueryFailure
from kg.web.language import N_, Language
from kg.web.negotiation import CSV
from kg.web.pages import ANSWERED, ANSWERS, STANCES, Card, Ledger, Listed, Ref, View, plain

MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Without it at the beginning, spreadsheets take the file for one in a script of Latin letters."""
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

CLAIMS: Final = (
    *("speaker", "speaks_for", "reported_through", "stance_of_speaker", "described_or_claimed"),
    *("modality", "certainty", "said", "basis", "manner", "attribution", "quoted_wording"),
    *(
        "source",
        "sentences",
        "characters",
        "where",
        "answers",
        "answered_by",
        "review_state",
        "corrected",
    ),
    *("claim_iri", "speaker_iri", "about_iri", "source_iri"),
)
DESCRIPTIONS: Final = (
    *("described", "type", "roles", "time", "derived_status", "uncontested"),
    *(f"{stance.replace('-', '_')}: speakers" for stance in STANCES),
    "other positions on what is possibly the same event",
    "other positions on what it names",
    "described_iri",
)
NAMES: Final = (
    *("words_in_the_text", "language", "form", "document", "sentence", "characters"),
    *("names", "stands_for"),
)
TABLE_NAMES: Final[Mapping[str, str]] = {
    "claims": N_("CSV of the claims"),
    "descriptions": N_("CSV of the events and relations"),
    "names": N_("CSV of the names in the texts"),
    "files": N_("CSV of the files"),
    "others": N_("CSV of the other files"),
    "sources": N_("CSV of the sources"),
    "graphs": N_("CSV of the graphs"),
    "classes": N_("CSV of the classes"),
    "licences": N_("CSV of the licences"),
    "things": N_("CSV of the things"),
}
"""What links to the tables of pages are called."""


@dataclass(frozen=True)
class Table:
    """Rows under the names of their columns."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def csv(self) -> str:
        """Return the table as CSV with a line of names, after a byte order mark.

        What a spreadsheet would take for a formula has an apostrophe before it: names come from
        texts and feeds that anybody may have written.
        """
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(self.columns)
        writer.writerows([_safe(cell) for cell in row] for row in self.rows)
        return MARK + out.getvalue()


def one_of(tables: Mapping[str, Table], wanted: str) -> Table:
    """Return the table that is wanted by its name, else the main one.

    Raises:
        QueryFailure: the page has no such table.
    """
    if wanted not in (*tables, ""):
        raise QueryFailure(
            "not-found",
            f"This page has no table {wanted[:40]!r}; there are: {', '.join(tables) or 'none'}",
        )
    if not tables:
        raise QueryFailure("not-found", "This page has no table")
    return tables[wanted] if wanted else next(iter(tables.values()))


def table_links(language: Language, tables: Iterable[str], address: str) -> list[dict[str, str]]:
    """Return links to tables, for the footer of their page.

    Args:
        address: that of a table, with `{table}` for its name.
    """
    return [
        {
            "name": language.gettext(TABLE_NAMES[name]),
            "type": CSV.media_type,
            "href": address.replace("{table}", name),
        }
        for name in tables
    ]


def tables(view: View, page: Mapping[str, Any]) -> dict[str, Table]:
    """Return the tables of the page of a resource by name, the main one first; no empty ones.

    `claims` has the claims on the page, `descriptions` the events and relations that it lists,
    `names` where a name stands in the texts.

    Args:
        view: the description, as its reader sees it.
        page: what the page shows beside the view, of `kg.web.pages.resource_page`.
    """
    ledgers = [
        page[name] for name in ("ledger", "elsewhere", "said", "others", "claims") if name in page
    ]
    cards = [page["card"]] if "card" in page else []
    cards += [card for ledger in ledgers if isinstance(ledger, Ledger) for card in _cards(ledger)]
    listed = [*page.get("propositions", ())]
    listed += [one for *_, group in page.get("groups", ()) for one in group]
    found = {"claims": _claims(cards), "descriptions": _descriptions(listed)}
    if view.d.kind in ("agent", "place", "thing", "position"):
        found = {"descriptions": found["descriptions"], "claims": found["claims"]}
        found["names"] = _names(view)
    return {name: table for name, table in found.items() if table.rows}


def _cards(ledger: Ledger) -> list[Card]:
    return [card for group in ledger.groups for card in group.cards]


def _claims(cards: Iterable[Card]) -> Table:
    rows = []
    for card in dict.fromkeys(cards):
        links = dict(card.links)
        rows.append(
            (
                _all(card.speakers),
                _all(card.sides),
                " | ".join(
                    " > ".join(_all(one.speakers) for one in chain) for chain in card.chains
                ),
                _one(card.stance),
                _one(card.target),
                _one(card.modality),
                _one(card.certainty),
                card.when,
                _one(card.basis),
                _one(card.manner),
                _one(card.attribution),
                " | ".join(quote.text for quote in card.quotes),
                _one(card.source),
                " ".join(dict.fromkeys(e.sentence for e in card.evidence if e.sentence)),
                " ".join(f"{e.start}-{e.end}" for e in card.evidence),
                " | ".join(where.text for where in card.locators),
                _all(links.get(ANSWERS, ())),
                _all(links.get(ANSWERED, ())),
                _one(card.review),
                "yes" if card.notices else "no",
                card.ref.iri,
                " ".join(who.iri for who in card.speakers),
                card.target.iri if card.target else "",
                card.source.iri if card.source else "",
            )
        )
    return Table(CLAIMS, rows)


def _descriptions(listed: Iterable[Listed]) -> Table:
    rows = []
    for item in {item.ref.iri: item for item in listed}.values():
        by_stance = {position.key: position.speakers for position in item.positions}
        rows.append(
            (
                _one(item.ref),
                _one(item.type),
                _all(item.roles),
                item.when,
                _one(item.ref.status),
                "yes" if item.uncontested else "no",
                *(_all(by_stance.get(stance, ())) for stance in STANCES),
                " | ".join(f"{_one(p.stance)}: {_all(p.speakers)}" for p in item.elsewhere),
                " | ".join(f"{_one(p.stance)}: {_all(p.speakers)}" for p in item.inner),
                item.ref.iri,
            )
        )
    return Table(DESCRIPTIONS, rows)


def _names(view: View) -> Table:
    return Table(
        NAMES,
        [
            (
                words.text,
                words.lang,
                form,
                _one(span.document),
                span.sentence,
                f"{span.start}-{span.end}",
                _one(named),
                _one(means),
            )
            for words, span, named, means, form in view.mentions()
        ],
    )


def _one(ref: Ref | None) -> str:
    return plain(ref) if ref else ""


def _all(refs: Iterable[Ref]) -> str:
    return "; ".join(plain(ref) for ref in refs)


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell) else cell
