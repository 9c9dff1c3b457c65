"""Queries of this package sort by expressions, as `kg.web.pool.Pool.own` needs them to."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from kg.web import archive, describe, drawn, editor, front, pictures, resources, terms
from kg.web.order import ordered

MODULES = (archive, describe, drawn, editor, front, pictures, resources, terms)


def queries(module: ModuleType) -> Iterator[str]:
    for name, value in vars(module).items():
        found = value.values() if isinstance(value, dict) else (value,)
        for text in found:
            if isinstance(text, str) and "ORDER BY" in text and name != "__doc__":
                yield text


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_no_query_sorts_by_a_variable(module: ModuleType) -> None:
    for text in queries(module):
        filled = describe.fill(text, limit=1, offset=0)
        assert ordered(filled) == filled


def test_there_are_such_queries() -> None:
    assert sum(1 for module in MODULES for _ in queries(module)) > 10
