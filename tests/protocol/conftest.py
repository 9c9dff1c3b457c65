"""A small release, made by hand: three graphs, with one triple that stands in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pyoxigraph as ox
import pytest

from kg.manifest import FORMAT, GraphEntry, Manifest, write_manifest
from kg.vocab import CH, RDF, RDFS

BASE = "https://kg.example/"
MANY = 60_000
"""Statements of the large graph: an answer with all of them is not complete at once."""


def _graph(key: str) -> str:
    return f"{BASE}id/graph/{key}"


def _quads() -> list[str]:
    label, kind = f"<{RDFS}label>", f"<{RDF}type>"
    lines = []
    for key, name, lang in (
        ("kim-jong-un", "Kim Jong Un", "en"),
        ("kim-jong-un", "কিম জং উন", "bn"),
        ("tass", "TASS", "en"),
        ("tass", "тасс", "ru"),
    ):
        agent, graph = f"<{BASE}id/agent/{key}>", f"<{_graph('registry')}>"
        lines.append(f"{agent} {kind} <{CH}Agent> {graph} .")
        lines.append(f'{agent} {label} "{name}"@{lang} {graph} .')
    lines.append(f"<{BASE}id/agent/tass> {kind} <{CH}Agent> <{_graph('seoul')}> .")
    lines.append(
        f'<{BASE}id/event/visit> {label} "a \\"visit\\",\\nin two lines" <{_graph("seoul")}> .'
    )
    for n in range(MANY):
        lines.append(
            f'<{BASE}id/thing/t{n}> <{CH}number> "{n}"^^<http://www.w3.org/2001/XMLSchema#integer>'
            f" <{_graph('many')}> ."
        )
    return sorted(set(lines))


def make_release(folder: Path, *, union: bool = True, id_: str = "a1b2c3") -> Path:
    """Return the folder of a new release; `union`: its store holds the union of all graphs."""
    release = folder / id_
    release.mkdir(parents=True)
    lines = _quads()
    store = ox.Store(str(release / "store"))
    store.bulk_load("\n".join(lines).encode(), ox.RdfFormat.N_QUADS)
    triples = {line[: line.rindex(" <")] + " ." for line in lines}
    if union:
        store.bulk_load("\n".join(sorted(triples)).encode(), ox.RdfFormat.N_TRIPLES)
    store.flush()
    del store
    counts: Mapping[str, int] = {
        key: sum(f"<{_graph(key)}> ." in line for line in lines)
        for key in ("registry", "seoul", "many")
    }
    write_manifest(
        release,
        Manifest(
            format=FORMAT,
            id=id_,
            base_iri=BASE,
            title="A small release",
            licence="https://creativecommons.org/licenses/by/4.0/",
            agent="",
            time=None,
            options={},
            versions={},
            inputs=(),
            conforms=True,
            quads=len(lines),
            triples=len(triples),
            graphs=tuple(
                GraphEntry(
                    iri=_graph(key),
                    quads=count,
                    part=f"parts/{key}.nq",
                    sha256=hashlib.sha256(key.encode()).hexdigest(),
                    private=False,
                )
                for key, count in sorted(counts.items())
            ),
            classes={},
            sources=(),
            questions=(),
            files=(),
        ),
    )
    return release


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small release."""
    return make_release(tmp_path_factory.mktemp("releases"))


@pytest.fixture(scope="session")
def new_release() -> Callable[..., Path]:
    """Return the function that makes a release in a folder."""
    return make_release
