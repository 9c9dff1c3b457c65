"""The mapping script of docs/how-to/add-a-source.md works, and says what stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

_BLOCK = re.compile(r"<!-- (write|run): ([^>]*) -->\n```\w+\n(.*?)```\n", re.DOTALL)


@pytest.fixture(scope="module")
def page(checkout: Path) -> str:
    return (checkout / "docs/how-to/add-a-source.md").read_text(encoding="utf-8")


def test_the_script_gives_the_outputs_that_are_shown(page: str, tmp_path: Path):
    seen = []
    for verb, name, body in _BLOCK.findall(page):
        if verb == "write":
            file = tmp_path / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(body, encoding="utf-8")
            continue
        script, _, less = name.partition(" without ")
        if less:
            file = tmp_path / "harbours/list.yaml"
            lines = file.read_text("utf-8").splitlines(keepends=True)
            kept = [line for line in lines if f" {less}:" not in line]
            assert len(kept) == len(lines) - 1
            file.write_text("".join(kept), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout == body
        seen.append(script)
    assert len(seen) == 2


def test_every_field_of_a_source_is_explained(page: str):
    from kg.mapping import Source

    section = page[page.index("\n## SOURCE\n") : page.index("\n## map_records")]
    cells = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert named == {field.name for field in msgspec.structs.fields(Source)}


def test_the_calls_that_are_named_exist(page: str):
    from kg import mapping, vocab

    calls = set(re.findall(r"`out\.(\w+)\(", page))
    assert calls
    assert [name for name in calls if not callable(getattr(mapping.Quads, name, None))] == []
    for name in ("term", "iri", "literal", "date", "integer", "decimal", "boolean", "digest_key"):
        assert f"`{name}" in page
        assert callable(getattr(vocab, name))
