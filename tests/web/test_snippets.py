"""What the documentation says to type is typed here, on a release that is served.

A block of code after `<!-- run: tool -->` is run where the tool is; after `<!-- not run: tool -->`
it is not, and the page says so.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from kg.manifest import read_manifest

pytestmark = pytest.mark.timeout(600)  # some tools start for a minute

ROOT = Path(__file__).resolve().parent.parent.parent
LOCAL = "http://127.0.0.1:8000"
BLOCK = re.compile(r"<!-- (not run|run): (\w+) -->\n```(\w+)\n(.*?)```\n", re.DOTALL)
PAGES = {
    name: (ROOT / f"docs/how-to/{name}.md").read_text("utf-8")
    for name in ("load-into-tools", "query-from-programs", "reconcile")
}
ALWAYS = ("sh", "python")


def _blocks(page: str) -> list[Any]:
    found = []
    for number, (verb, tool, language, code) in enumerate(BLOCK.findall(PAGES[page])):
        marks = [] if tool in ALWAYS else [pytest.mark.requires(tool)]
        if verb == "run":
            found.append(pytest.param(tool, language, code, id=f"{number}-{tool}", marks=marks))
    return found


@pytest.fixture(scope="module")
def address(releases: Path, serving: Any) -> Iterator[str]:
    with serving(releases) as found:
        yield found


@pytest.fixture(scope="module")
def work(address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the first block of the page of tools fetches."""
    folder = tmp_path_factory.mktemp("tools")
    first = BLOCK.findall(PAGES["load-into-tools"])[0]
    said = _run("sh", first[3], address, folder)
    assert said.count(": OK") == 2
    return folder


def _run(language: str, code: str, address: str, folder: Path, **more: str) -> str:
    for old, new in {LOCAL: address, **more}.items():
        code = code.replace(old, new)
    if language == "python":
        command = [sys.executable, "-c", code]
    elif language == "javascript":
        script = folder / "script.mjs"
        script.write_text(code, encoding="utf-8")
        command = ["node", str(script)]
    else:
        command = ["bash", "-euc", code]
    beside = str(Path(sys.executable).parent)
    env = os.environ | {"PATH": f"{os.environ['PATH']}{os.pathsep}{beside}"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(("tool", "language", "code"), _blocks("load-into-tools")[1:])
def test_a_tool_loads_all(
    tool: str, language: str, code: str, address: str, work: Path, releases: Path
) -> None:
    quads = read_manifest((releases / "current").resolve()).quads
    if tool == "virtuoso":
        with _Virtuoso(work) as port:
            said = _run(language, code, address, work, **{"isql-vt 1111": f"isql-vt {port}"})
    else:
        said = _run(language, code, address, work)
    if tool == "pandas":
        assert re.search(r"#stance-denies +[1-9]", said)
    else:
        assert re.search(rf"^ *{quads} *$", said, re.MULTILINE), said


@pytest.mark.parametrize(("tool", "language", "code"), _blocks("query-from-programs"))
def test_a_program_gets_the_answer(
    tool: str, language: str, code: str, address: str, tmp_path: Path, client: Any
) -> None:
    said = _run(language, code, address, tmp_path)
    query = "SELECT ?stance (COUNT(?claim) AS ?n) { ?claim ch:stance ?stance } GROUP BY ?stance"
    asked = client.get("/sparql", params={"query": query, "format": "csv"}).text
    rows = list(csv.DictReader(io.StringIO(asked)))
    assert rows
    if "stance-denies.ttl" in code:
        denials = next(int(row["n"]) for row in rows if row["stance"].endswith("-denies"))
        assert len(said.splitlines()) >= denials > 0
        assert "/id/claim/" in said
        return
    for row in rows:
        assert re.search(rf"^{re.escape(row['stance'])}[ ,]{row['n']}\r?$", said, re.MULTILINE)


@pytest.mark.parametrize(("tool", "language", "code"), _blocks("reconcile"))
def test_a_name_is_matched(
    tool: str, language: str, code: str, address: str, tmp_path: Path
) -> None:
    invented = {"Russia": "Arvenia", "russia": "arvenia", "রাশিয়ার": "আরভেনিয়ার"}
    said = _run(language, code, address, tmp_path, **invented)
    assert "agent/arvenia" in said
    assert ("true" in said) or ("certain" in said)
    if "extend" in code:
        assert "আরভেনিয়া" in said


def test_what_is_not_run_is_said() -> None:
    for text in PAGES.values():
        for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
            run = {verb for verb, *_ in BLOCK.findall(section)}
            if not re.search(r"^```", section, re.MULTILINE):
                continue
            assert run, section
            assert ("not run" in run) == bool(re.search(r"tests\s+(do\s+not\s+)?run", section))


class _Virtuoso:
    """A Virtuoso of its own, in a folder, while the context lasts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> int:
        with socket.create_server(("127.0.0.1", 0)) as one:
            port = int(one.getsockname()[1])
        data = self._folder / "virtuoso"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        (data / "virtuoso.ini").write_text(
            "[Database]\nDatabaseFile = virtuoso.db\nTransactionFile = virtuoso.trx\n"
            "ErrorLogFile = virtuoso.log\nLockFile = virtuoso.lck\n"
            f"[Parameters]\nServerPort = {port}\nDirsAllowed = {self._folder}\n"
            "NumberOfBuffers = 10000\n",
            encoding="utf-8",
        )
        command = ["virtuoso-t", "+foreground", "+configfile", "virtuoso.ini"]
        self._server = subprocess.Popen(
            command, cwd=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while True:
            assert self._server.poll() is None, "it has ended"
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.2)
        return port

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        self._server.wait(60)
