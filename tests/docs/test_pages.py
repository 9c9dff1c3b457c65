"""Links of the documentation resolve, its commands exist, its examples of records are records."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted(
    path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
)
_FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(
    r"(?:^|[`$ (/])kg ((?:[a-z]+ ?){1,2})((?:--[a-z-]+(?:[ =][^-`\n]\S*)? ?)*)", re.MULTILINE
)


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def _anchors(text: str) -> set[str]:
    """Return the anchors that a Markdown renderer gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    found: set[str] = set()
    for heading in headings:
        slug = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        found.add(slug)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_links_resolve(page: str):
    here = ROOT / page
    text = _FENCE.sub("", _text(page))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (here.parent / path) if path else here
        if not file.exists() or (
            anchor and anchor not in _anchors(file.read_text(encoding="utf-8"))
        ):
            broken.append(target)
    assert broken == []


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_their_options_exist(page: str, generate: ModuleType):
    commands = {
        name.removeprefix("kg "): set(
            re.findall(r"`(--[a-z-]+)`", "\n".join(generate._parameters(f)[0]))
        )
        for name, f in generate.cli_commands()
    }
    groups = {name.split()[0] for name in commands}
    unknown = []
    for words, options in _COMMAND.findall(_text(page)):
        first, *rest = words.split()
        name = first if first in commands else " ".join([first, *rest])
        if first not in groups:
            unknown.append(words)
        elif name in commands:
            named = re.findall(r"--[a-z-]+", options)
            unknown += [f"{name} {o}" for o in named if o not in commands[name] | {"--help"}]
        elif rest:
            unknown.append(name)
    assert unknown == []


def test_every_page_can_be_reached_from_the_index():
    reached = {"docs/README.md"}
    todo = ["docs/README.md", "README.md"]
    while todo:
        page = todo.pop()
        for target in re.findall(r"\]\(([^)#\s]+\.md)(?:#[^)]*)?\)", _text(page)):
            if re.match(r"[a-z]+:", target):
                continue
            name = ((ROOT / page).parent / target).resolve().relative_to(ROOT).as_posix()
            if name not in reached:
                reached.add(name)
                todo.append(name)
    assert {page for page in PAGES if page.startswith("docs/")} - reached == set()


def test_the_index_names_every_page():
    """Decisions, tutorial, how-tos and references alike, by a link in the index itself."""
    named = {
        f"docs/{target}" for target in re.findall(r"\]\(([^)#\s]+\.md)\)", _text("docs/README.md"))
    }
    assert {page for page in PAGES if page.startswith("docs/")} - named == {"docs/README.md"}


def test_examples_of_records_are_valid(generate: ModuleType):
    import jsonschema
    import yaml

    from kg.facts import RECORD_TYPES, json_schema

    assert set(generate.EXAMPLES) == set(RECORD_TYPES)
    validator = jsonschema.Draft202012Validator(json_schema())
    for kind, text in generate.EXAMPLES.items():
        value = yaml.load(text, Loader=yaml.BaseLoader)
        assert [record["kind"] for record in value] == [kind]
        validator.validate(value)


def test_a_field_without_a_meaning_is_an_error(
    generate: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    less = {k: v for k, v in generate.MEANINGS.items() if k != "claim.stance"}
    monkeypatch.setattr(generate, "MEANINGS", less)
    with pytest.raises(KeyError, match=r"claim\.stance"):
        generate.facts_page()
    monkeypatch.setattr(generate, "MEANINGS", {**less, "claim.stance": "x", "claim.mood": "y"})
    with pytest.raises(KeyError, match=r"claim\.mood"):
        generate.facts_page()


def test_a_command_without_exit_codes_is_an_error(
    generate: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    less = {k: v for k, v in generate.CODES.items() if k != "kg build"}
    monkeypatch.setattr(generate, "CODES", less)
    with pytest.raises(KeyError, match="kg build"):
        generate.cli_page()
    monkeypatch.setattr(generate, "CODES", {**less, "kg build": "0.", "kg dream": "0."})
    with pytest.raises(KeyError, match="kg dream"):
        generate.cli_page()
