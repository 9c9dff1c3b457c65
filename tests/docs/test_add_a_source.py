"""The mappings of docs/how-to/add-a-source.md work, and say what stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

_BLOCK = re.compile(r"<!-- (write|run|console)(?:: ([^>]*))? -->\n```\w+\n(.*?)```\n", re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


@pytest.fixture(scope="module")
def page(checkout: Path) -> str:
    return (checkout / "docs/how-to/add-a-source.md").read_text(encoding="utf-8")


def test_the_commands_give_the_outputs_that_are_shown(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    monkeypatch.setenv("KG_FACTS", str(Path(__file__).parents[2] / "docs/tutorial/facts"))
    seen = []
    for verb, name, body in _BLOCK.findall(page):
        if verb == "write":
            file = tmp_path / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(body, encoding="utf-8")
            continue
        commands = _COMMAND.findall(body)
        if verb == "run":
            script, _, less = name.partition(" without ")
            if less:
                file = tmp_path / "harbours/list.yaml"
                lines = file.read_text("utf-8").splitlines(keepends=True)
                kept = [line for line in lines if f" {less}:" not in line]
                assert len(kept) == len(lines) - 1
                file.write_text("".join(kept), encoding="utf-8")
            commands = [(f"python {script}", body)]
        for command, expected in commands:
            shell = f'set -eo pipefail; python() {{ "{sys.executable}" "$@"; }}\n'
            shell += f'kg() {{ python -m kg "$@"; }}\n{command}\n'
            done = subprocess.run(
                ["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout == expected, command
            seen.append(command)
    assert len(seen) == 8


def _named(page: str, heading: str, end: str, only: str = "") -> set[str]:
    section = page[page.index(f"\n{heading}\n") : page.index(f"\n{end}")]
    if only:
        section = next(part for part in section.split("\n\n") if part.startswith(f"| of `{only}`"))
    cells = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_every_field_of_a_source_is_explained(page: str):
    from kg.feed import Feed, Table
    from kg.mapping import Source

    for kind in (Feed, Table):
        named = _named(page, "## Feed and Table", "## mapper(", kind.__name__)
        assert named == {field.name for field in msgspec.structs.fields(kind)}
    named = _named(page, "### SOURCE", "### map_records")
    assert named == {field.name for field in msgspec.structs.fields(Source)}


def test_the_calls_that_are_named_exist(page: str):
    from kg import feed, mapping, vocab

    feeds, records = page.split("## Records of facts files")
    for text, kind in ((feeds, feed.Scribe), (records, mapping.Quads)):
        calls = set(re.findall(r"`out\.(\w+)\(", text))
        assert calls
        assert [name for name in calls if not callable(getattr(kind, name, None))] == []
    public = {
        name
        for name in vars(feed.Scribe)
        if not name.startswith("_") and callable(getattr(feed.Scribe, name))
    }
    named = set(re.findall(r"out\.(\w+)\(", feeds))
    assert public - named == {"begin", "undo"}
    for name in ("term", "iri", "literal", "date", "integer", "decimal", "boolean", "digest_key"):
        assert f"`{name}" in records
        assert callable(getattr(vocab, name))
