"""What all tests share: the marker `requires`, and the folder of the checkout.

`@pytest.mark.requires("chromium")` runs a test where the tool exists. Where it does not, the test
is listed at the end of the run; with KG_REQUIRE=all the absence is a failure.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType

import hypothesis
import pytest

# No test times anything: a slow machine is no failure.
hypothesis.settings.register_profile("kg", deadline=None)
hypothesis.settings.load_profile("kg")

TOOLS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "chromedriver": ("chromedriver",),
    "git": ("git",),
    "java": ("java",),
    "make": ("make",),
    "node": ("node",),
    "oxigraph": ("oxigraph",),
    "virtuoso": ("virtuoso-t", "virtuoso"),
}
"""Commands by the name of the tool; the first that is on the path is used."""

FILES = {
    "assets": "kg/web/assets/built/site.js",
    "shacl-suite": ".cache/shacl-suite/manifest.ttl",
}
"""Files of the checkout that `make assets` and `make shacl-suite` fetch, by what they are."""

PACKAGES = {"pandas": "pandas", "spark": "pyspark"}
"""Packages of Python, by the name of the tool."""

_ABSENT: pytest.StashKey[list[tuple[str, str]]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    require = os.environ.get("KG_REQUIRE", "")
    if require not in ("", "all"):
        raise pytest.UsageError(f"KG_REQUIRE is {require!r}; expected all, or nothing")
    config.stash[_ABSENT] = []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    wanted = [tool for mark in item.iter_markers("requires") for tool in mark.args]
    absent = [tool for tool in wanted if not _installed(tool, item.nodeid)]
    if not absent:
        return
    missing = ", ".join(absent)
    if os.environ.get("KG_REQUIRE") == "all":
        pytest.fail(f"needs {missing}, which is not installed (KG_REQUIRE=all)", pytrace=False)
    item.config.stash[_ABSENT].append((item.nodeid, missing))
    pytest.skip(f"needs {missing}")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    absent = config.stash[_ABSENT]
    if absent:
        terminalreporter.section("not run here", sep="-")
        for test, tools in sorted(absent):
            terminalreporter.line(f"{test}: needs {tools}")


def _installed(tool: str, test: str) -> bool:
    if tool in FILES:
        return (Path(__file__).resolve().parent.parent / FILES[tool]).is_file()
    if tool in PACKAGES:
        return importlib.util.find_spec(PACKAGES[tool]) is not None
    if tool not in TOOLS:
        known = ", ".join(sorted({*TOOLS, *FILES, *PACKAGES}))
        raise pytest.UsageError(f"{test}: requires({tool!r}); expected one of {known}")
    # Commands that come with packages stand beside the Python of the tests.
    path = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    return any(shutil.which(command, path=path) for command in TOOLS[tool])


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Return the top folder of the checkout that the tests lie in."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is the working directory during the test."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def generate(checkout: Path) -> ModuleType:
    """Return `bench/generate.py`, which makes as many facts as are asked for."""
    path = checkout / "bench/generate.py"
    spec = importlib.util.spec_from_file_location("bench_generate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
