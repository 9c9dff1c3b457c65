"""The facts that measurements are made with conform, and are as many as asked for."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest
from feeding import feed_file, known_of

from kg.build import DEFAULT_BASE, build_dataset
from kg.vocab import RDF, term


@pytest.fixture
def feeds(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return `bench/feeds.py`, which makes files of feeds."""
    monkeypatch.syspath_prepend(checkout / "bench")
    return importlib.import_module("feeds")


@pytest.mark.parametrize("claims", [1, 205])
def test_generated_facts_conform_and_are_as_many_as_asked_for(
    generate: ModuleType, tmp_path: Path, claims: int
):
    generate.write_facts(tmp_path / "facts", claims)
    built = build_dataset([tmp_path / "facts"], DEFAULT_BASE)
    assert built.report is not None
    assert built.report.results == ()
    kind = f"<{RDF}type> {term('Claim')} <"
    assert sum(kind in line for line in built.dataset) == claims


def test_the_same_number_gives_the_same_facts(generate: ModuleType):
    assert list(generate.Maker(100).files()) == list(generate.Maker(100).files())


def test_a_name_is_given_once(generate: ModuleType):
    names = [generate.name(number)["bn"] for number in range(5000)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("shape", "source"),
    [("gdelt", "gdelt"), ("ged", "ucdp_ged"), ("ftm", "followthemoney")],
)
def test_rows_of_feeds_are_mapped_and_conform(
    feeds: ModuleType, tmp_path: Path, shape: str, source: str
):
    feeds.generate(shape, 220, tmp_path / "one")
    paths = sorted((tmp_path / "one").iterdir())
    known = known_of(source, *paths)
    records = 0
    for path in paths:
        [found] = feed_file(source, path, known=known)
        assert found.issues == []
        assert found.report is not None
        assert found.report.results == ()
        records += found.records
    assert abs(records - 220) < 20
    feeds.generate(shape, 220, tmp_path / "two")
    feeds.generate(shape, 220, tmp_path / "three", seed=7)
    for path in paths:
        data = path.read_bytes()
        assert data == (tmp_path / "two" / path.name).read_bytes()
        assert data != (tmp_path / "three" / path.name).read_bytes()
