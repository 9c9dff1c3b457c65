"""Runs the mapping of a feed over a file, or over a folder of samples, as a build does."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from pyoxigraph import NamedNode, RdfFormat, Store

from kg.feed import FeedScript, Scribe, feeds, lines_in, load_feed, prelude
from kg.ingest import INDEX, Checks, Mapped, map_piece
from kg.pipeline import Ingested, Local, Setup, cut_file, ingest
from kg.resources import folder
from kg.rows import (
    HEAD,
    Fault,
    Piece,
    files_of,
    form_of,
    hashed,
    key_of,
    members,
    pieces,
    rows,
)
from kg.validate import Shapes, data_shapes, load_shapes
from kg.vocab import CH, RDF, RDFS, Vocabulary, load_vocabulary

BASE = "https://chancery.example/"
PREFIXES = (
    f"PREFIX ch: <{CH}> PREFIX d: <{BASE}id/> PREFIX rdfs: <{RDFS}> "
    "PREFIX dcterms: <http://purl.org/dc/terms/> "
)
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
    lines = [f"{line} .\n" for line in vocabulary().lines] + prelude(script.source, BASE)
    for key, label in STATES.values():
        lines += state(script, key, label)
    return lines


def state(script: FeedScript, key: str, label: str) -> list[str]:
    """Return the lines of a state, as if it were of the facts."""
    made = f"<http://www.w3.org/ns/prov#wasGeneratedBy> <{BASE}id/run/{script.source.key}>"
    node = f"<{BASE}id/{key}>"
    pairs = (
        f"<{RDF}type> <{CH}State>",
        f"<{RDF}type> <{CH}Organization>",
        f"<{RDF}type> <{CH}Agent>",
        f'<{RDFS}label> "{label}"@en',
        f'<http://purl.org/dc/terms/identifier> "{key}"',
        f'<{CH}registryBasis> "test"@en',
        f'<{CH}asOf> "2024-01-01"^^<http://www.w3.org/2001/XMLSchema#date>',
        f"<{CH}reviewState> <{CH}review-state-drafted>",
        made,
    )
    return [f"{node} {pair} .\n" for pair in pairs]


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
            hashed(start + key_of(table, row, columns))
            for row in read
            if not isinstance(row, Fault)
            for start, columns in (("", table.key), (INDEX, table.index))
            if columns
        }
    return found


def lines_of(mapped: Mapped) -> list[str]:
    """Return every line that was written, sorted."""
    one = mapped.scribe
    texts = [*one.shared.values(), *one.sources.values(), *(text for _, text in one.blocks)]
    return sorted({line for text in texts for line in lines_in(text)})


FACTS_STATES = {"Q408": ("agent/australia", "Australia")}
"""States that the facts have, by their items: other ones get an address by their code."""


def samples(checkout: Path) -> dict[str, Path]:
    """Return the folder of made-up rows by the id of the feed."""
    found = (checkout / "tests/sources/samples").iterdir()
    return {one.name: one for one in sorted(found) if one.is_dir()}


def places(checkout: Path) -> dict[str, Path]:
    """Return the folder of the mapping of every feed, by its id: also of those for tests."""
    folders = (folder("mappings"), checkout / "tests/pipeline")
    return {one: place for place in folders for one in feeds(place)}


def conforming(source: str, path: Path, *, check: bool = True) -> Mapped:
    """Return what becomes of the rows of one file: no shape broken, each subject written once."""
    (found,) = feed_file(source, path, check=check)
    if check:
        assert found.report is not None
        assert found.report.results == ()
    for subject, lines in found.scribe.blocks:
        some = lines.splitlines()
        assert some == sorted(set(some))
        assert all(line.startswith(f"{subject} ") for line in some)
    subjects = [subject for subject, _ in found.scribe.blocks]
    assert len(subjects) == len(set(subjects))
    return found


def ask(found: Mapped, query: str) -> list[tuple[str, ...]]:
    """Return the solutions of a query as texts, IRIs without their namespaces, sorted."""
    store = Store()
    store.load("".join(lines_of(found)).encode(), format=RdfFormat.N_QUADS)
    return sorted(
        tuple(
            value.value.rpartition("#")[2].removeprefix(f"{BASE}id/")
            if isinstance(value, NamedNode)
            else ""
            if value is None
            else value.value
            for value in one
        )
        for one in store.query(PREFIXES + query, use_default_graph_as_union=True)
    )


def settle(place: Path, source: str, path: Path, work: Path, *, base: str = BASE) -> Ingested:
    """Return the graphs of the files of a feed, as a build makes them; any row may be bad."""
    feed = msgspec.structs.replace(load_feed(place, source).source, quarantine="1")
    work.mkdir(parents=True, exist_ok=True)
    states = work / "states.json"
    states.write_text(json.dumps(FACTS_STATES), encoding="utf-8")
    setup = Setup(
        work=str(work),
        base=base,
        ontology=str(folder("ontology")),
        shapes=tuple(map(str, data_shapes())),
        mappings=str(place),
        states=str(states),
        version="test",
    )
    cuts = [cut for file in files_of(path) for cut in cut_file(work, feed, file)[2]]
    return ingest(setup, [(feed, cuts)], Local(1))


def graphs_of(ingested: Ingested) -> dict[str, list[str]]:
    """Return the sorted lines of every graph, by its IRI."""
    return {iri: list(graph.lines()) for iri, graph in ingested.graphs.items()}


def golden(ingested: Ingested) -> dict[str, str]:
    """Return the texts of the golden files of a feed by the ends of their names."""
    quads = [line for lines in graphs_of(ingested).values() for line in lines]
    issues = (msgspec.json.encode(one).decode() + "\n" for one in ingested.issues())
    return {".nq": "".join(sorted(quads)), ".issues.jsonl": "".join(issues)}
