"""The wheel, installed into a new environment, does the main job in an empty folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import get_args

import pytest

from kg.resources import Folder

pytestmark = pytest.mark.timeout(600)


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Return the result of a command that sees nothing of this environment but the path."""
    keep = ("HOME", "LANG", "PATH", "SSL_CERT_FILE", "TMPDIR", "UV_CACHE_DIR")
    env = {name: os.environ[name] for name in keep if name in os.environ}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True
    )


def succeed(*command: str | Path, cwd: Path) -> str:
    """Return what a command prints on stdout, once it has ended with 0."""
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built from the checkout."""
    out = tmp_path_factory.mktemp("wheel")
    succeed(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out, cwd=checkout)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of commands of a new environment that holds the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("environment")
    python = folder / "bin" / "python"
    pins = checkout / "constraints.txt"
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv:
        succeed(uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder, cwd=folder)
        install = (uv, "pip", "install", "--quiet", "--python", python, "-c", pins, wheel)
        # What set up the tests is in uv's cache; the index is asked only if something is not.
        if run(*install, "--offline", cwd=folder).returncode == 0:
            return python.parent
    else:
        succeed(sys.executable, "-m", "venv", folder, cwd=folder)
    pip = (uv, "pip", "install", "--python", python) if uv else (python, "-m", "pip", "install")
    succeed(*pip, "-c", pins, wheel, cwd=folder)
    return python.parent


@pytest.mark.parametrize("name", get_args(Folder))
def test_wheel_holds_every_file_of_a_resource_folder(wheel: Path, checkout: Path, name: str):
    inside = {
        entry.removeprefix(f"kg/_resources/{name}/")
        for entry in zipfile.ZipFile(wheel).namelist()
        if entry.startswith(f"kg/_resources/{name}/")
    }
    in_checkout = {
        str(path.relative_to(checkout / name))
        for path in (checkout / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert inside == in_checkout
    assert inside


def test_wheel_holds_code_and_licences_and_nothing_else(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    info = next(name.split("/")[0] for name in names if ".dist-info/" in name)
    assert {name.split("/")[0] for name in names} == {"kg", info}
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/LICENSES/CC-BY-4.0.txt"} <= set(names)
    assert f"{info}/licenses/LICENSES/CC-BY-SA-4.0.txt" in names
    assert "kg/py.typed" in names
    assert [name for name in names if name.endswith(".pyc") or "__pycache__" in name] == []


@pytest.fixture(scope="module")
def source(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the source distribution, built from the checkout and unpacked."""
    out = tmp_path_factory.mktemp("source")
    succeed(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", out, cwd=checkout)
    (built,) = out.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        archive.extractall(out, filter="data")
    return out / built.name.removesuffix(".tar.gz")


@pytest.mark.requires("assets")
def test_wheel_holds_the_scripts_that_were_made(wheel: Path, checkout: Path):
    built = checkout / "kg/web/assets/built"
    made = {f"kg/web/assets/built/{path.name}" for path in built.iterdir()}
    inside = {n for n in zipfile.ZipFile(wheel).namelist() if n.startswith("kg/web/assets/built/")}
    assert inside == made
    assert {"kg/web/assets/built/query.js", "kg/web/assets/built/licences.txt"} <= inside


def test_source_holds_what_scripts_are_made_of_and_nothing_that_is_fetched(
    source: Path, checkout: Path
):
    inside = {str(p.relative_to(source)) for p in source.rglob("*") if p.is_file()}
    wanted = {
        str(path.relative_to(checkout))
        for path in (checkout / "frontend").rglob("*")
        if path.is_file() and "node_modules" not in path.parts
    }
    assert {"frontend/package-lock.json", "frontend/.npmrc", "frontend/src/query.ts"} <= wanted
    assert wanted <= inside
    assert [name for name in inside if "node_modules" in name or "assets/built" in name] == []


def test_a_wheel_without_scripts_serves_pages_without_them(source: Path, elsewhere: Path):
    succeed(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", elsewhere, cwd=source)
    (built,) = elsewhere.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(elsewhere / "unpacked")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from kg.config import Settings; from kg.web import app\n"
        "site = app.create_app(Path('releases'), Settings())\n"
        "print(app.__file__, site.asset('site.css'), repr(site.asset('built/query.js')))"
    )
    unpacked = elsewhere / "unpacked"
    shown = succeed(sys.executable, "-c", script, unpacked, cwd=elsewhere).split()
    assert shown[0] == str(unpacked / "kg/web/app.py")
    assert shown[1].startswith("/assets/site.css?v=")
    assert shown[2] == "''"


def test_installed_package_reads_its_own_files(installed: Path, elsewhere: Path):
    script = "import kg.resources as r; print(r.folder('facts'), r.__file__, sep='\\n')"
    facts, module = succeed(installed / "python", "-c", script, cwd=elsewhere).splitlines()
    assert Path(facts) == Path(module).parent / "_resources" / "facts"
    assert installed.parent in Path(facts).parents


def test_help_needs_nothing(installed: Path, elsewhere: Path):
    shown = succeed(installed / "kg", "--help", cwd=elsewhere)
    for verb in ("build", "validate", "serve", "query", "facts", "release"):
        assert verb in shown
    assert succeed(installed / "python", "-m", "kg", "--help", cwd=elsewhere)


def test_build_in_an_empty_folder_publishes_a_release(installed: Path, elsewhere: Path):
    result = json.loads(succeed(installed / "kg", "build", "--json", cwd=elsewhere))
    current = elsewhere / "releases" / "current"
    assert current.is_symlink()
    assert result["conforms"] is True
    assert current.resolve().name == result["release"]
    manifest = json.loads((current / "manifest.json").read_bytes())
    assert manifest["base_iri"] == "https://chancery.example/"
    assert manifest["quads"] == result["quads"] > 0


def test_facts_check_in_an_empty_folder_checks_the_facts_of_the_package(
    installed: Path, elsewhere: Path
):
    succeed(installed / "kg", "facts", "check", cwd=elsewhere)
    assert list(elsewhere.iterdir()) == []
