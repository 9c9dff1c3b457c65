"""docs/reference/shapes.md says what the shapes are."""

from __future__ import annotations

import runpy
from pathlib import Path

from kg.validate import data_shapes, load_shapes
from kg.vocab import SHAPES

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_is_current() -> None:
    page = runpy.run_path(str(DOCS / "generate_shapes.py"))["shapes_page"]()
    assert (DOCS / "reference" / "shapes.md").read_text(encoding="utf-8") == page


def test_the_page_has_every_message() -> None:
    from rdflib import URIRef

    page = (DOCS / "reference" / "shapes.md").read_text(encoding="utf-8")
    messages = load_shapes(data_shapes()).graph.subject_objects(
        URIRef("http://www.w3.org/ns/shacl#message")
    )
    count = 0
    for shape, message in messages:
        assert str(shape).startswith(SHAPES)
        assert str(message).replace("|", "\\|") in page
        count += 1
    assert count > 200
