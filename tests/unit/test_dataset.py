"""Lines of a dataset that wait in files are the same as those in memory."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from kg.dataset import Dataset

GRAPHS = ("https://data.example/one", "https://data.example/two")


def test_many_lines_wait_in_files_of_which_a_killed_build_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    few, many = Dataset(), Dataset(held=10)
    for dataset in (few, many):
        for n in range(500):
            subject = f"<https://data.example/{n * 7 % 300}>"
            dataset.add(GRAPHS[n % 2], subject, "<https://data.example/p>", f'"{n % 3}"')
    assert list(tmp_path.iterdir()) == []
    assert many.graphs() == few.graphs() == list(GRAPHS)
    assert list(many) == list(few)
    assert len(many) == len(few)
    one, two = (many.lines(graph) for graph in GRAPHS)  # at once
    pairs = list(zip(one, two, strict=False))
    assert [pair[0] for pair in pairs] == list(few.lines(GRAPHS[0]))[: len(pairs)]
