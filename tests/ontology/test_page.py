"""docs/reference/ontology.md is written from the ontology and is current."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def generator(root: Path) -> ModuleType:
    path = root / "docs" / "generate_ontology.py"
    spec = importlib.util.spec_from_file_location("generate_ontology", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_is_current(generator: ModuleType) -> None:
    assert generator.main(["--check"]) == 0


def test_page_has_every_term(generator: ModuleType, terms: set[str]) -> None:
    text = generator.ontology_page()
    keys = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    headings = {line.split("`")[1] for line in text.splitlines() if line.startswith("### ")}
    for term in terms:
        if "-" not in term:
            assert f"ch:{term}" in headings
        elif not term.startswith("scheme-"):
            # A scheme's name may have hyphens, so the key is some end of the concept's name.
            assert any(term == key or term.endswith(f"-{key}") for key in keys), term


def test_check_says_when_a_page_is_stale(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator, "PAGE", tmp_path / "reference" / "ontology.md")
    assert generator.main(["--check"]) == 1
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
    assert generator.main(["--wrong"]) == 2
