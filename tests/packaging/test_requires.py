"""The marker `requires`: where a tool is absent, its tests are listed, or fail on demand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.requires("virtuoso")
def test_of_a_tool(): pass

def test_of_no_tool(): pass
"""


@pytest.fixture
def suite(tmp_path: Path, checkout: Path) -> Path:
    """Return the folder of a suite of two tests that uses the same conftest."""
    (tmp_path / "conftest.py").write_bytes((checkout / "tests/conftest.py").read_bytes())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    requires(*tools): tools\n")
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "bin").mkdir()
    return tmp_path


def run(suite: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--strict-markers", "-p", "no:cacheprovider", str(suite)],
        cwd=suite,
        env={**os.environ, "PATH": str(suite / "bin"), "KG_REQUIRE": "", **env},
        capture_output=True,
        text=True,
    )


def test_an_absent_tool_is_listed(suite: Path):
    done = run(suite)
    assert done.returncode == 0
    assert "not run here" in done.stdout
    assert "test_it.py::test_of_a_tool: needs virtuoso" in done.stdout
    assert "1 passed, 1 skipped" in done.stdout.splitlines()[-1]


def test_an_absent_tool_is_a_failure_where_all_are_required(suite: Path):
    done = run(suite, KG_REQUIRE="all")
    assert done.returncode == 1
    assert "needs virtuoso, which is not installed (KG_REQUIRE=all)" in done.stdout


def test_a_tool_that_is_there_is_used(suite: Path):
    tool = suite / "bin" / "virtuoso-t"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    done = run(suite, KG_REQUIRE="all")
    assert done.returncode == 0
    assert "not run here" not in done.stdout


def test_an_unknown_tool_or_value_is_wrong_use(suite: Path):
    assert "KG_REQUIRE is 'some'" in run(suite, KG_REQUIRE="some").stderr
    (suite / "test_it.py").write_text(TESTS.replace("virtuoso", "virtuosso"))
    done = run(suite)
    assert done.returncode != 0
    assert "requires('virtuosso'); expected one of" in done.stdout + done.stderr
