"""Runs the mapping of a feed over a file, as a build does, in one process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from kg.feed import FeedScript, Scribe, load_feed, prelude
from kg.ingest import Checks, Mapped, map_piece
from kg.resources import folder
from kg.rows import HEAD, Fault, Piece, form_of, hashed, key_of, members, pieces, rows
from kg.validate import Shapes, data_shapes, load_shapes
from kg.vocab import CH, RDF, RDFS, Vocabulary, load_vocabulary

BASE = "https://chancery.example/"
STATES = {
    ("gw", "700"): ("agent/afghanistan", "Afghanistan"),
    ("iso2", "US"): ("agent/united-states", "United States"),
    ("iso3", "USA"): ("agent/united-states", "United States"),
    ("iso2", "AU"): ("agent/australia", "Australia"),
    ("cameo", "USA"): ("agent/united-states", "United States"),
    ("iso3", "AUS"): ("agent/australia", "Australia"),
    ("cameo", "AUS"): ("agent/australia", "Australia"),
    ("fips", "AS"): ("agent/australia", "Australia"),
    ("fips", "SF"): ("agent/south-africa", "South Africa"),
}


class SomeStates:
    """Knows a few states."""

    def find(self, scheme: str, code: str, day: str) -> tuple[str, str] | None:
        return STATES.get((scheme, code))


@cache
def vocabulary() -> Vocabulary:
    return load_vocabulary(folder("ontology"))


@cache
def shapes() -> Shapes:
    return load_shapes(data_shapes())


def scribe(script: FeedScript) -> Scribe:
    return Scribe(script.source, BASE, "batch", vocabulary(), SomeStates())


def context(script: FeedScript) -> list[str]:
    made = f"<http://www.w3.org/ns/prov#wasGeneratedBy> <{BASE}id/run/{script.source.key}>"
    lines = [f"{line} .\n" for line in vocabulary().lines] + prelude(script.source, BASE)
    for key, label in STATES.values():
        node = f"<{BASE}id/{key}>"
        for pair in (
            f"<{RDF}type> <{CH}State>",
            f"<{RDF}type> <{CH}Organization>",
            f"<{RDF}type> <{CH}Agent>",
            f'<{RDFS}label> "{label}"@en',
            f'<http://purl.org/dc/terms/identifier> "{key}"',
            f'<{CH}registryBasis> "test"@en',
            f'<{CH}asOf> "2024-01-01"^^<http://www.w3.org/2001/XMLSchema#date>',
            f"<{CH}reviewState> <{CH}review-state-drafted>",
            made,
        ):
            lines.append(f"{node} {pair} .\n")
    return lines


def feed_file(source: str, path: Path, *, known: Any = None, check: bool = True) -> list[Mapped]:
    """Return what becomes of each piece of a file."""
    script = load_feed(folder("mappings"), source)
    checks = Checks(shapes(), context(script)) if check else None
    out = []
    for name, file in members(path):
        first = file.read(HEAD)
        form = form_of(script.source, first, name)
        table = script.source.table(form.table)
        for n, piece in enumerate(pieces(file, table.form, head=first)):
            out.append(
                map_piece(
                    script,
                    form,
                    piece,
                    lambda: scribe(script),
                    file=name,
                    first=n == 0,
                    known=known,
                    checks=checks,
                )
            )
    return out


def known_of(source: str, *paths: Path) -> set[int]:
    """Return what a build knows of files: the hashed keys and indexes of their records."""
    feed = load_feed(folder("mappings"), source).source
    found = set()
    for path in paths:
        data = path.read_bytes()
        form = form_of(feed, data, path.name)
        table = feed.table(form.table)
        read = (row for _, row in rows(Piece(1, data), form, table, first=True))
        found |= {
            hashed(key_of(table, row, columns))
            for row in read
            if not isinstance(row, Fault)
            for columns in (table.key, table.index)
            if columns
        }
    return found


def lines_of(mapped: Mapped) -> list[str]:
    """Return every line that was written, sorted."""
    one = mapped.scribe
    texts = [*one.shared.values(), *one.sources.values(), *(text for _, text in one.blocks)]
    return sorted({line for text in texts for line in text.splitlines(keepends=True)})
