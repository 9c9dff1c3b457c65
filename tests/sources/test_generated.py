"""The facts that measurements are made with conform, and are as many as asked for."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from kg.build import DEFAULT_BASE, build_dataset
from kg.vocab import RDF, term


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
