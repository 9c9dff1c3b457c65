"""What is tracked: nothing of anybody's machine, no addresses of registries, and licences."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

LIMIT = 1_500_000
"""Largest size of a tracked file, in bytes."""

FORBIDDEN = {
    "a path of a machine": re.compile(r"(?<![\w.])/(?:work|root|home|Users)/[\w.-]+"),
    "a package registry": re.compile(
        r"pypi\.(?:org|python\.org)|pythonhosted\.org|registry\.(?:npmjs|yarnpkg)\.|"
        r"conda\.anaconda\.|proxy\.golang\.|index\.docker\.|(?<!\w)ghcr\.io"
    ),
    "an e-mail address": re.compile(
        r"[A-Za-z0-9_.+-]+@(?!(?:[\w-]+\.)*example(?:\.\w+)?\b)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[a-z]{2,}\b"
    ),
}

LICENCE = re.compile(r"CC[- ]BY(?:-SA)?[- ]4\.0|creativecommons\.org/licenses/by(?:-sa)?/4\.0/")


@pytest.fixture(scope="module")
def tracked(checkout: Path) -> list[Path]:
    """Return the tracked files."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=checkout, check=True, capture_output=True, text=True
    ).stdout
    files = [checkout / name for name in listed.split("\0") if name]
    assert checkout / "pyproject.toml" in files
    return [file for file in files if file.is_file()]


@pytest.mark.requires("git")
def test_tracked_files_hold_nothing_of_a_machine_a_registry_or_a_person(
    tracked: list[Path], checkout: Path
):
    found = [
        f"{file.relative_to(checkout)}: {what}: {match.group(0)}"
        for file in tracked
        for what, pattern in FORBIDDEN.items()
        for match in pattern.finditer(file.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text", "caught"),
    [
        ("a path of a machine", "see /ro" + "ot/notes.txt", True),
        ("a path of a machine", "see '/ho" + "me/ada/notes'", True),
        ("a path of a machine", "https://chancery.example/id/work/report", False),
        ("a package registry", "https://py" + "pi.org/simple", True),
        ("a package registry", "pip installs from the registry", False),
        ("an e-mail address", "ada" + "@lovelace.org", True),
        ("an e-mail address", "desk@news.example", False),
        ("an e-mail address", '"দাবি"@bn .', False),
        ("an e-mail address", "https://user@example.org/", False),
    ],
)
def test_the_patterns_find_what_they_are_for(what: str, text: str, caught: bool):
    assert bool(FORBIDDEN[what].search(text)) is caught


@pytest.mark.requires("git")
def test_no_tracked_file_is_large(tracked: list[Path]):
    assert [file.name for file in tracked if file.stat().st_size > LIMIT] == []


@pytest.mark.requires("git")
def test_facts_and_ontology_name_their_licence(tracked: list[Path], checkout: Path):
    licensed = [
        file
        for file in tracked
        if file.parent in (checkout / "facts", checkout / "ontology")
        and file.suffix in (".yaml", ".ttl")
    ]
    assert licensed
    silent = [file.name for file in licensed if not LICENCE.search(file.read_text("utf-8"))]
    assert silent == []


def test_pins_are_exact_and_hold_no_address(checkout: Path):
    lines = (checkout / "constraints.txt").read_text().splitlines()
    pin = re.compile(r"[a-z0-9-]+==[0-9][0-9a-z.+]*(?: ; [a-zA-Z0-9_<>=!.' ]+)?")
    assert [line for line in lines if not pin.fullmatch(line)] == []


def test_packages_of_scripts_are_exact_and_hold_no_address(checkout: Path):
    lock = json.loads((checkout / "frontend/package-lock.json").read_bytes())
    packages = {path: entry for path, entry in lock["packages"].items() if path}
    assert len(packages) > 20
    assert [path for path, entry in packages.items() if "resolved" in entry] == []
    assert [path for path, entry in packages.items() if "integrity" not in entry] == []
    wanted = json.loads((checkout / "frontend/package.json").read_bytes())
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert {n: v for n, v in versions.items() if not re.fullmatch(r"[0-9.]+", v)} == {}
    assert versions == {name: packages[f"node_modules/{name}"]["version"] for name in versions}, (
        "run npm install in frontend/ and commit the lock file"
    )


def test_every_script_names_only_packages_that_are_wanted(checkout: Path):
    package = json.loads((checkout / "frontend/package.json").read_bytes())
    wanted = {
        *package["dependencies"],
        *(name.removeprefix("@types/") for name in package["devDependencies"]),
    }
    used: set[str] = set()
    for file in (checkout / "frontend/src").rglob("*.ts"):
        for name in re.findall(r'(?:from|import) "([^".][^"]*)"', file.read_text(encoding="utf-8")):
            used.add("/".join(name.split("/")[: 2 if name.startswith("@") else 1]))
    assert "@codemirror/view" in used
    assert used <= wanted


def test_every_direct_dependency_is_pinned(checkout: Path):
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.split(r"[<>=\[ ]", line)[0].lower().replace("_", "-") for line in wanted}
    pins = (checkout / "constraints.txt").read_text()
    pinned = {line.split("==")[0] for line in pins.splitlines()}
    assert names - pinned == set()


def test_generated_pages_are_current(checkout: Path):
    spec = importlib.util.spec_from_file_location("generate", checkout / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.stale() == []
